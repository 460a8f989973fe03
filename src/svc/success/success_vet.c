#include "svc/success/success_vet.h"

#include <string.h>

#include "agent/guard.h"
#include "base/buf.h"
#include "codec/text.h"
#include "host/service.h"
#include "svc/success/success_ground.h"
#include "svc/success/success_number.h"

enum { MATCHED_MAX_BYTES = 7000, SENTENCE_MIN_BYTES = 24, TOP_DOMAIN_MAX = 24 };

static bool is_letter(char ch)
{
    return (unsigned char)((ch | 0x20) - 'a') < 26;
}

static bool is_alnum(char ch)
{
    return is_letter(ch) || (unsigned char)(ch - '0') < 10;
}

static bool has_any(struct str text, const char *const *list)
{
    for (size_t i = 0; list[i]; i++) {
        if (str_find(text, str_of(list[i])) >= 0) {
            return true;
        }
    }
    return false;
}

/* ---- links and addresses ------------------------------------------------- */

static bool is_in_address(char ch)
{
    return is_alnum(ch) || (ch && strchr("-._~:/?#[]@!$&'()*+,;=%", ch)) || (unsigned char)ch > 127;
}

/* "example.com", "bit.ly/x", and no "e.g." or "sentence.Another". */
static bool is_domain(struct str word)
{
    for (size_t i = 1; i + 2 < word.n; i++) {
        size_t n = 0;
        if (word.p[i] != '.' || !is_alnum(word.p[i - 1])) {
            continue;
        }
        while (i + 1 + n < word.n && is_letter(word.p[i + 1 + n])) {
            n++;
        }
        size_t end = i + 1 + n;
        bool capital = word.p[i + 1] >= 'A' && word.p[i + 1] <= 'Z';
        bool closed = end >= word.n || !is_alnum(word.p[end]);
        bool shouted = capital && n > 1 && word.p[i + 2] >= 'A' && word.p[i + 2] <= 'Z';
        if (n >= 2 && n <= TOP_DOMAIN_MAX && closed && (!capital || shouted)) {
            return true;
        }
    }
    return false;
}

static bool is_link(struct arena *a, struct str word)
{
    static const char *const marks[] = {"://",         "www.",      "](", "mailto:", "tel:+",
                                        "javascript:", "data:text", "@",  NULL};
    return has_any(str_lower(a, word), marks) || is_domain(word);
}

/* Whether `word` stands in the text, and not only as the beginning of another. */
static bool is_part(struct str text, struct str word)
{
    ptrdiff_t at = str_find(text, word);
    size_t end = (size_t)at + word.n;
    return at >= 0 && (end >= text.n || !is_alnum(text.p[end]));
}

/* A link that the asker did not write. */
static bool links(struct arena *a, struct str text, struct str asked)
{
    struct str allowed = str_lower(a, asked);
    for (size_t i = 0; i < text.n;) {
        size_t start = i;
        while (i < text.n && is_in_address(text.p[i])) {
            i++;
        }
        struct str word = str_sub(text, start, i - start);
        bool link = is_link(a, word);
        while (word.n && strchr(".,;:!?)'", word.p[word.n - 1])) {
            word.n--;
        }
        if (link && (!word.n || !is_part(allowed, str_lower(a, word)))) {
            return true;
        }
        i += i == start;
    }
    return false;
}

/* ---- orders -------------------------------------------------------------- */

/* Text of an answer has no use for them. */
static bool commands(struct str small)
{
    static const char *const signs[] = {"`", "$(", "${", "&&", "||", "<!", "</", NULL};
    static const char *const words[] = {"curl",   "wget",       "sudo",  "chmod",
                                        "bash",   "powershell", "eval(", "drop table",
                                        "rm -rf", "rm -r",      NULL};
    for (size_t i = 0; i + 1 < small.n; i++) {
        if (small.p[i] == '<' && is_letter(small.p[i + 1])) {
            return true;
        }
    }
    return has_any(small, signs) || has_any(small, words);
}

/* "Ignore all instructions" in German, Dutch and French; guard_is_injection reads English. */
static bool orders_elsewhere(struct str small)
{
    static const char *const verbs[] = {"ignorier", "missachte", "vergiss", "negeer",  "vergeet",
                                        "ignorez",  "oubliez",   "ignore ", "oublie ", NULL};
    static const char *const things[] = {"anweisung",   "instruktion", "vorgabe",  "regeln",
                                         "instructies", "voorschrift", "consigne", "instruction",
                                         "regels",      "r\u00e8gles", NULL};
    return has_any(small, verbs) && has_any(small, things);
}

/* Sentence by sentence: what one forgets and what came before stand in many letters. */
static bool orders(struct arena *a, struct str text)
{
    size_t from = 0;
    for (size_t i = 0; i <= text.n; i++) {
        if (i < text.n && !strchr(".!?\n", text.p[i])) {
            continue;
        }
        struct str one = str_sub(text, from, i - from);
        if (guard_is_injection(one) || orders_elsewhere(str_lower(a, one))) {
            return true;
        }
        from = i + 1;
    }
    return false;
}

/* A customer's letter asks for none of these, and neither does a summary. */
static bool asks_for_secrets(struct str small, struct str asked)
{
    static const char *const words[] = {"password", "passcode",    "passphrase",    "credential",
                                        "passwort", "kennwort",    "wachtwoord",    "mot de passe",
                                        "api key",  "card number", "one-time code", NULL};
    for (size_t i = 0; words[i]; i++) {
        if (str_find(small, str_of(words[i])) >= 0 && str_find(asked, str_of(words[i])) < 0) {
            return true;
        }
    }
    return false;
}

/* A sentence of the model's own instructions. */
static bool repeats(struct arena *a, struct str small, struct str instructions)
{
    struct str rest = str_lower(a, instructions), sentence;
    while (str_split(&rest, '.', &sentence)) {
        sentence = str_trim(sentence);
        if (sentence.n >= SENTENCE_MIN_BYTES && str_find(small, sentence) >= 0) {
            return true;
        }
    }
    return false;
}

const char *success_vet_words(struct arena *a, const struct success_vet *v, struct str text)
{
    const struct success_claim_truth truth = {v->figures, v->trend, v->risk, v->now_ms};
    /* the text without what may stand in it as it is */
    struct str own = success_number_without(a, text, v->names), small = str_lower(a, own);
    /* what others wrote may speak of passwords; links and orders are no better for being quoted */
    struct str said = str_lower(a, success_number_without(a, own, v->quotes));
    if (links(a, own, v->asked)) {
        return "a link or an address";
    }
    if (commands(small)) {
        return "a command";
    }
    if (orders(a, own)) {
        return "an order to a program";
    }
    if (asks_for_secrets(said, str_lower(a, v->asked))) {
        return "something about secrets";
    }
    if (repeats(a, small, v->instructions)) {
        return "instructions of the model";
    }
    struct str claimed = success_number_without(a, text, v->quotes);
    claimed = success_number_without(a, claimed, v->names);
    return success_claim_false(a, &truth, claimed).n ? "a claim that the data do not bear out"
                                                     : NULL;
}

/* ---- other accounts ------------------------------------------------------ */

static bool has_account(const struct json *list, struct str id)
{
    for (size_t i = 0; i < json_count(list); i++) {
        if (str_eq(json_str(json_at(list, i), "id", STR("")), id)) {
            return true;
        }
    }
    return false;
}

static enum err match(struct ctx *c, struct str text, const struct json **out)
{
    const struct json *question = json_object(c->arena, {"text", json_new_str(c->arena, text)});
    return host_ask(c, "account.match", question, out);
}

struct vetting {
    struct ctx *c;
    const struct success_vet *v;
    struct success_vet_fault *fault;
    struct success_number_sheet sheet;
    struct buf texts;         /* not yet looked through for names */
    const struct json *asked; /* accounts that the asker named; NULL: not looked up yet */
    bool holds;
};

static bool is_strange(const struct vetting *g, const struct json *account)
{
    struct str id = json_str(account, "id", STR(""));
    return !str_eq(id, g->v->account) && !has_account(g->asked, id);
}

/* Of several that are called the same, one must be meant that may be. */
static bool is_strange_to_all(const struct vetting *g, const struct json *accounts)
{
    for (size_t i = 0; i < json_count(accounts); i++) {
        if (!is_strange(g, json_at(accounts, i))) {
            return false;
        }
    }
    return true;
}

/* Looks through what is collected. */
static enum err look_through(struct vetting *g)
{
    const struct json *found, *asked;
    struct str text = str_dup(g->c->arena, buf_str(&g->texts));
    buf_clear(&g->texts);
    if (!g->holds || !text.n) {
        return E_OK;
    }
    if (!g->asked) {
        TRY(match(g->c, g->v->asked, &asked));
        g->asked = json_get(asked, "items");
    }
    TRY(match(g->c, text, &found));
    const struct json *items = json_get(found, "items"), *several = json_get(found, "ambiguous");
    for (size_t i = 0; i < json_count(items); i++) {
        g->holds = g->holds && !is_strange(g, json_at(items, i));
    }
    for (size_t i = 0; i < json_count(several); i++) {
        const struct json *accounts = json_get(json_at(several, i), "accounts");
        g->holds = g->holds && !is_strange_to_all(g, accounts);
    }
    g->fault->what = g->holds ? NULL : "another account";
    return E_OK;
}

/* What of a text may be told. */
static struct str grounded(struct vetting *g, struct str text)
{
    struct arena *a = g->c->arena;
    const struct success_vet *v = g->v;
    const struct success_claim_truth truth = {v->figures, v->trend, v->risk, v->now_ms};
    const struct success_ground ground = {.truth = &truth,
                                          .names = v->names,
                                          .quotes = v->quotes,
                                          .contacts = v->contacts,
                                          .own = v->own,
                                          .asked = v->asked};
    struct str dropped = STR("");
    text = v->grounded ? success_ground_keep(a, &ground, text, &dropped) : text;
    g->fault->left_out = g->fault->left_out || dropped.n;
    return text;
}

static enum err vet_text(struct vetting *g, struct str text, const struct json **out)
{
    struct arena *a = g->c->arena;
    struct str filled, culprit;
    if (!success_number_bind(a, &g->sheet, text, &filled, &culprit)) {
        *g->fault = (struct success_vet_fault){.culprit = culprit};
        g->holds = false;
        return E_OK;
    }
    const char *what = success_vet_words(a, g->v, filled);
    if (what) {
        *g->fault = (struct success_vet_fault){.what = what};
        g->holds = false;
        return E_OK;
    }
    struct str left = grounded(g, filled);
    *out = left.n || !filled.n ? json_new_str(a, left) : NULL;
    if (g->texts.n + filled.n > MATCHED_MAX_BYTES) {
        TRY(look_through(g));
    }
    buf_add_str(&g->texts, text_cut_bytes(filled, MATCHED_MAX_BYTES));
    buf_add_str(&g->texts, STR(".\n"));
    return E_OK;
}

/* *out is NULL where nothing is left of it. */
static enum err vet_value(struct vetting *g, const struct json *value, int depth,
                          const struct json **out)
{
    struct arena *a = g->c->arena;
    if (json_is(value, JSON_STRING)) {
        return vet_text(g, json_text(value, STR("")), out);
    }
    if (!json_is(value, JSON_ARRAY) && !json_is(value, JSON_OBJECT)) {
        *out = value;
        return E_OK;
    }
    bool object = value->kind == JSON_OBJECT;
    const struct json *made = object ? &json_empty_object : &json_empty_array;
    g->holds = g->holds && depth < SUCCESS_VET_DEPTH_MAX;
    bool lost = false;
    for (size_t i = 0; i < value->count && g->holds; i++) {
        const struct json *part = NULL;
        TRY(vet_value(g, object ? &value->members[i].value : &value->items[i], depth + 1, &part));
        bool spare = !part && object && str_eqz(value->members[i].name, "reason");
        part = spare ? json_new_str(a, STR("")) : part;
        lost = lost || (object && !part);
        made = !part    ? made
               : object ? json_with(a, made, value->members[i].name, part)
                        : json_push(a, made, part);
    }
    *out = lost || (value->count && !made->count) ? NULL : made;
    return E_OK;
}

enum err success_vet_part(struct ctx *c, const struct success_vet *v, const struct json *part,
                          const struct json **out_part, struct success_vet_fault *out_fault)
{
    const struct json *made = NULL, *names = v->names;
    struct success_vet_fault fault = {0};
    for (size_t i = 0; i < json_count(v->quotes); i++) {
        names = json_push(c->arena, names, json_at(v->quotes, i));
    }
    struct vetting g = {.c = c,
                        .v = v,
                        .fault = &fault,
                        .sheet = {v->figures, names},
                        .texts = buf_make(2 * MATCHED_MAX_BYTES),
                        .holds = true};
    enum err e = vet_value(&g, part, 0, &made);
    e = e == E_OK ? look_through(&g) : e;
    buf_free(&g.texts);
    TRY(e);
    if (g.holds && !made) {
        fault.what = "a claim that the data do not bear out";
    }
    *out_part = g.holds ? made : NULL;
    *out_fault = fault;
    return E_OK;
}
