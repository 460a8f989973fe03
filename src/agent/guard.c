#include "agent/guard.h"

#include <ctype.h>
#include <string.h>

#include "base/map.h"
#include "codec/date.h"
#include "nlu/pii.h"

enum { LEAK_MIN_BYTES = 80, FACTS_MAX = 20000, TOKEN_MAX_BYTES = 64, TREE_DEPTH_MAX = 64 };

struct str guard_input(struct arena *a, struct str text)
{
    struct buf b = buf_make(text.n * 2 + 1024);
    struct str masked = text;
    if (pii_mask(text, PII_CARD | PII_SECRET | PII_IBAN | PII_NATIONAL_ID, &b)) {
        masked = str_dup(a, buf_str(&b));
    }
    buf_free(&b);
    return masked;
}

static bool contains_folded(struct str text, const char *what)
{
    size_t n = strlen(what);
    for (size_t i = 0; n <= text.n && i <= text.n - n; i++) {
        if (str_eq_nocase(str_sub(text, i, n), str_of(what))) {
            return true;
        }
    }
    return false;
}

bool guard_is_injection(struct str text)
{
    static const char *const verbs[] = {"ignore", "disregard", "forget", "override", "bypass"};
    static const char *const things[] = {"instruction", "previous",  "prompt",
                                         "your rules",  "guideline", "system message"};
    static const char *const plain[] = {"system prompt",    "reveal your prompt", "you are now",
                                        "developer mode",   "jailbreak",          "act as if you",
                                        "print your rules", "<|im_start|>",       "[system]"};
    bool verb = false, thing = false;
    for (size_t i = 0; i < sizeof(verbs) / sizeof(*verbs); i++) {
        verb = verb || contains_folded(text, verbs[i]);
    }
    for (size_t i = 0; i < sizeof(things) / sizeof(*things); i++) {
        thing = thing || contains_folded(text, things[i]);
    }
    for (size_t i = 0; i < sizeof(plain) / sizeof(*plain); i++) {
        if (contains_folded(text, plain[i])) {
            return true;
        }
    }
    return verb && thing;
}

/* ---- facts ---------------------------------------------------------------------------------
 * A fact is a word that holds a digit, without its separators: "BW-10421" is bw10421, "€1,234.50"
 * is 123450. Money in minor units and formatted money thereby meet. */

static bool is_joint(char c)
{
    return c == '-' || c == '.' || c == ',' || c == '/' || c == ':';
}

/* The next word with a digit in it, normalised; false at the end. */
static bool next_fact(struct str text, size_t *at, char out[TOKEN_MAX_BYTES], size_t *out_n)
{
    while (*at < text.n) {
        size_t start = *at, n = 0, digits = 0;
        while (*at < text.n) {
            unsigned char c = (unsigned char)text.p[*at];
            bool joint = is_joint((char)c) && *at > start && *at + 1 < text.n &&
                         isalnum((unsigned char)text.p[*at + 1]);
            if (!isalnum(c) && !joint) {
                break;
            }
            if (isalnum(c) && n < TOKEN_MAX_BYTES) {
                out[n++] = (char)tolower(c);
            }
            digits += isdigit(c) != 0;
            (*at)++;
        }
        *at += *at == start;
        if (digits) {
            *out_n = n;
            return true;
        }
    }
    return false;
}

static void add_fact(struct map *facts, struct str fact)
{
    static char present;
    map_set(facts, fact, &present);
}

static void add_text_facts(struct map *facts, struct str text)
{
    char token[TOKEN_MAX_BYTES];
    size_t at = 0, n;
    while (next_fact(text, &at, token, &n)) {
        add_fact(facts, str_make(token, n));
    }
    /* "BW-10421" also gives 10421, "10:30" also 10 and 30 */
    for (size_t i = 0; i < text.n; i++) {
        size_t start = i;
        while (i < text.n && isdigit((unsigned char)text.p[i])) {
            i++;
        }
        if (i > start && i - start < TOKEN_MAX_BYTES) {
            add_fact(facts, str_sub(text, start, i - start));
        }
    }
}

static void add_time_facts(struct arena *a, struct map *facts, int64_t ms)
{
    add_text_facts(facts, date_words_time(a, ms));
    add_text_facts(facts, date_iso(a, ms));
    add_text_facts(facts, date_iso_day(a, ms));
}

static void add_number_facts(struct arena *a, struct map *facts, double value)
{
    int64_t whole = (int64_t)value;
    add_text_facts(facts, str_fmt(a, "%lld", (long long)whole));
    add_text_facts(facts, str_fmt(a, "%.2f", value));
    add_text_facts(facts, str_fmt(a, "%lld", (long long)(whole / 100))); /* 5000 cents: "50" */
    if (whole > 100000000000) {
        add_time_facts(a, facts, whole);
    }
}

static void add_value_facts(struct arena *a, struct map *facts, const struct json *v, int depth)
{
    if (!v || depth > TREE_DEPTH_MAX) {
        return;
    }
    switch (v->kind) {
    case JSON_STRING:
        add_text_facts(facts, v->string);
        break;
    case JSON_INT:
    case JSON_REAL:
        add_number_facts(a, facts, json_number(v, 0));
        break;
    case JSON_ARRAY:
        add_number_facts(a, facts, v->count);
        for (uint32_t i = 0; i < v->count; i++) {
            add_value_facts(a, facts, &v->items[i], depth + 1);
        }
        break;
    case JSON_OBJECT:
        for (uint32_t i = 0; i < v->count; i++) {
            add_value_facts(a, facts, &v->members[i].value, depth + 1);
        }
        break;
    default:
        break;
    }
}

static void add_finding(struct guard_findings *f, struct str text)
{
    if (f->count < GUARD_FINDINGS_MAX) {
        f->items[f->count++] = text;
    }
}

/* Ordinals, citations and list numbers are no facts of their own. */
static bool is_small(const char *token, size_t n)
{
    return n == 1 || (n <= 2 && isdigit((unsigned char)token[0]) && token[0] == '1' &&
                      isdigit((unsigned char)token[n - 1]) && n == 2 && token[1] <= '2');
}

static void check_facts(struct arena *a, struct str answer, const struct guard_sources *src,
                        struct guard_findings *out)
{
    struct map *facts = map_new(FACTS_MAX);
    add_text_facts(facts, src->system);
    add_time_facts(a, facts, src->now_ms);
    for (int i = 0; i < src->text_count; i++) {
        add_text_facts(facts, src->texts[i]);
    }
    for (int i = 0; i < src->value_count; i++) {
        add_value_facts(a, facts, src->values[i], 0);
    }
    char token[TOKEN_MAX_BYTES];
    size_t at = 0, n;
    while (next_fact(answer, &at, token, &n)) {
        if (!is_small(token, n) && !map_get(facts, str_make(token, n))) {
            add_finding(out, str_fmt(a, "\"%.*s\" comes from no tool result, article or message",
                                     (int)n, token));
        }
    }
    map_free(&facts);
}

/* A long run of the prompt's own words in the answer. */
static bool leaks(struct str answer, struct str system)
{
    for (size_t i = 0; i + LEAK_MIN_BYTES <= system.n; i += LEAK_MIN_BYTES / 4) {
        if (str_find(answer, str_sub(system, i, LEAK_MIN_BYTES)) >= 0) {
            return true;
        }
    }
    return false;
}

void guard_answer(struct arena *a, struct str answer, const struct guard_sources *sources,
                  struct guard_findings *out)
{
    *out = (struct guard_findings){0};
    struct pii_span span;
    if (str_trim(answer).n == 0) {
        add_finding(out, STR("the answer is empty"));
        return;
    }
    if (answer.n > GUARD_ANSWER_MAX_BYTES) {
        add_finding(out, STR("the answer is too long; be brief"));
    }
    if (!str_is_utf8(answer)) {
        add_finding(out, STR("the answer is not valid text"));
        return;
    }
    if (pii_find(answer, PII_CARD | PII_SECRET | PII_NATIONAL_ID, &span, 1)) {
        add_finding(out, STR("the answer holds a card number or a secret"));
    }
    if (leaks(answer, sources->system)) {
        add_finding(out, STR("the answer repeats the instructions"));
    }
    check_facts(a, answer, sources, out);
}
