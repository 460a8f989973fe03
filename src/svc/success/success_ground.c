#include "svc/success/success_ground.h"

#include <string.h>

#include "base/buf.h"
#include "codec/numeral.h"
#include "codec/text.h"
#include "svc/success/ground_reading.h"
#include "svc/success/number_word.h"
#include "svc/success/success_number.h"

enum { OWN_DEPTH_MAX = 8, OPENING_WORDS = 3 };

struct judging {
    struct arena *a;
    const struct success_ground *g;
    struct str text;  /* as it was written */
    struct str blank; /* of the same length: without names and quotations, dates as '#' */
};

/* ---- reading -------------------------------------------------------------- */

static bool is_ascii_letter(char ch)
{
    return (unsigned char)((ch | 0x20) - 'a') < 26;
}

static bool has_digit(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (numeral_is_digit(s.p[i])) {
            return true;
        }
    }
    return false;
}

/* "customer's" and "teams'" as the word alone; "it's" is a word of its own. */
static struct str bare(struct str word)
{
    static const char *const tails[] = {"'s", "\u2019s", "'", "\u2019"};
    if (ground_word(word)) {
        return word;
    }
    for (size_t i = 0; i < sizeof(tails) / sizeof(*tails); i++) {
        if (str_ends(word, str_of(tails[i]))) {
            return str_sub(word, 0, word.n - strlen(tails[i]));
        }
    }
    return word;
}

/* One kind of apostrophe, in small letters. */
static struct str plain(struct arena *a, struct str word)
{
    struct str small = str_lower(a, word), curly = STR("\u2019");
    ptrdiff_t at = str_find(small, curly);
    return at < 0 ? small
                  : str_fmt(a, "%.*s'%.*s", (int)at, small.p,
                            STR_ARG(str_sub(small, (size_t)at + curly.n, small.n)));
}

/* "Nora" of "Nora Lind", written with a capital letter. */
static bool is_of_name(const struct json *names, struct str word)
{
    bool capital = word.n && word.p[0] >= 'A' && word.p[0] <= 'Z';
    for (size_t i = 0; capital && i < json_count(names); i++) {
        struct str rest = json_text(json_at(names, i), STR("")), one;
        while (str_split(&rest, ' ', &one)) {
            if (one.n > 1 && str_eq(one, word)) {
                return true;
            }
        }
    }
    return false;
}

static bool is_asked(const struct judging *j, struct str word)
{
    struct text_word w;
    size_t at = 0;
    while (text_next_word(j->g->asked, &at, &w)) {
        if (str_eq(str_lower(j->a, w.word), word)) {
            return true;
        }
    }
    return false;
}

/* Whether a name of a ticket, or a quotation, stands in the sentence. */
static bool has_source(const struct judging *j, struct str written)
{
    for (size_t i = 0; i < json_count(j->g->names); i++) {
        struct str one = json_text(json_at(j->g->names, i), STR(""));
        if (has_digit(one) && str_find_char(one, ' ') < 0 && str_find(written, one) >= 0) {
            return true;
        }
    }
    for (size_t i = 0; i < json_count(j->g->quotes); i++) {
        struct str one = json_text(json_at(j->g->quotes, i), STR(""));
        if (one.n && str_find(written, one) >= 0) {
            return true;
        }
    }
    return false;
}

static void read_word(const struct judging *j, struct ground_reading *r, struct str word)
{
    double value;
    struct ground_token t = {.word = bare(plain(j->a, word))};
    t.number = has_digit(word) || (number_word_find(t.word, &value) && value >= 0);
    t.good_for = ground_word(t.word);
    t.name = !t.number && is_of_name(j->g->names, bare(word));
    t.asked = !t.good_for && !t.number && !t.name && is_asked(j, t.word);
    r->all |= t.good_for;
    r->fact = r->fact || t.number;
    r->token[r->count++] = t;
}

/* False: it has too many words. */
static bool read(const struct judging *j, size_t start, size_t end, struct ground_reading *out)
{
    struct str written = str_sub(j->text, start, end - start);
    struct str left = str_sub(j->blank, start, end - start);
    struct text_word w;
    size_t at = 0;
    *out = (struct ground_reading){.t = j->g->truth};
    out->asks = end < j->text.n && j->text.p[end] == '?';
    out->fact = str_find_char(left, '#') >= 0 || has_source(j, written);
    while (text_next_word(left, &at, &w)) {
        if (w.word.p[0] == '#') {
            continue;
        }
        if (out->count == GROUND_WORDS_MAX) {
            return false;
        }
        if (out->count == 0) {
            out->name_first = str_trim(str_sub(written, 0, w.start)).n > 2;
        }
        read_word(j, out, w.word);
    }
    out->name_first = out->name_first || (out->count && out->token[0].name);
    return true;
}

/* ---- what kind of sentence it is ------------------------------------------ */

/* "Schedule a call", "Then, please confirm". */
static bool requests(const struct ground_reading *r)
{
    int i = 0;
    while (i < OPENING_WORDS &&
           ground_reading_is(r, i,
                             "please then also next first finally and so to now jointly "
                             "proactively action")) {
        i++;
    }
    return !r->name_first && i < r->count && r->token[i].good_for & GROUND_OPEN &&
           !ground_reading_is(r, i + 1, "is are was were has have had will can");
}

/* "I would like to", "we look forward", "we are happy to". */
static bool offers(const struct ground_reading *r)
{
    for (int i = 0; i + 1 < r->count; i++) {
        bool are = ground_reading_is(r, i + 1, "am are");
        bool doing = ground_reading_is(r, i + 2,
                                       "following working reaching writing glad happy "
                                       "here looking preparing checking available");
        if (r->token[i].good_for & GROUND_WE && r->token[i + 1].good_for & GROUND_OFFER &&
            (doing || !are)) {
            return true;
        }
    }
    return false;
}

static bool is_heading(const struct ground_reading *r)
{
    const uint32_t verbs = GROUND_VERB | GROUND_NOT;
    return !(r->all & verbs) && !ground_reading_has(r, "they we i he she there you");
}

static bool has_phrase(const struct ground_reading *r)
{
    static const char *const phrases[][3] = {
        {"here", "to", "help"}, {"next", "step", "is"},   {"time", "to", NULL},
        {"focus", "on", NULL},  {"goal", "is", "to"},     {"would", "be", "good"},
        {"to", "make", "sure"}, {"would", "be", "great"}, {"see", "room", "to"}};
    for (size_t p = 0; p < sizeof(phrases) / sizeof(*phrases); p++) {
        for (int i = 0; i < r->count; i++) {
            bool here = true;
            for (int k = 0; k < 3 && phrases[p][k]; k++) {
                here = here && ground_reading_is(r, i + k, phrases[p][k]);
            }
            if (here) {
                return true;
            }
        }
    }
    return false;
}

/* "How well requests were answered", without a question mark. */
static bool inquires(const struct ground_reading *r)
{
    return ground_reading_is(r, 0, "how which who where why whether when") ||
           (ground_reading_is(r, 0, "what") && !ground_reading_has(r, "is are was were they"));
}

/* Where it begins to state something ("I see that", "because they", "that you"); its end where it
 * does not. */
static int report_at(const struct ground_reading *r)
{
    bool open = ground_reading_has(r, "hope wish recommend suggest so ensure sure");
    for (int i = 0; i < r->count && !inquires(r); i++) {
        bool wish = ground_reading_is(r, i - 1, "me to") || ground_reading_is(r, i + 1, "room");
        wish = wish && !ground_reading_is(r, i - 2, "glad great happy");
        bool told = r->token[i].good_for & GROUND_REPORT && !wish &&
                    (i || ground_reading_is(r, i, "because although though despite since"));
        bool that = !open && ground_reading_is(r, i, "that") &&
                    (ground_reading_is(r, i + 1, "they you the it their your customer") ||
                     (i + 1 < r->count && r->token[i + 1].name));
        if (told || that) {
            return i;
        }
    }
    return r->count;
}

/* It proposes, asks, thanks, greets or names, and states nothing of the customer. */
static bool states_nothing(const struct ground_reading *r)
{
    bool opens = inquires(r);
    bool draft = r->all & GROUND_DRAFT &&
                 ground_reading_has(r, "prepared included attached below ready drafted covers");
    return r->asks || opens || draft || r->all & GROUND_MARK || requests(r) || offers(r) ||
           is_heading(r) || has_phrase(r);
}

/* "The champion at Acme is Nora Lind." */
static bool names_role(const struct judging *j, const struct ground_reading *r, struct str written)
{
    bool champion = ground_reading_has(r, "champion"), sponsor = ground_reading_has(r, "sponsor");
    if (champion == sponsor) {
        return false;
    }
    for (int i = 0; i < r->count; i++) {
        if (!r->token[i].name &&
            !ground_reading_is(r, i,
                               "the a your our their at of for is champion sponsor executive "
                               "and contact customer account")) {
            return false;
        }
    }
    for (size_t i = 0; i < json_count(j->g->contacts); i++) {
        const struct json *one = json_at(j->g->contacts, i);
        struct str name = json_str(one, "name", STR(""));
        if (name.n && str_find(written, name) >= 0) {
            return json_bool(one, champion ? "champion" : "sponsor", false);
        }
    }
    return false;
}

/* Whether each word is one that such a sentence may have; behind `told` only plain ones. */
static bool is_worded(const struct ground_reading *r, bool free, int told)
{
    for (int i = 0; i < r->count; i++) {
        const struct ground_token *t = &r->token[i];
        bool wide = free && i < told;
        uint32_t vocabulary = wide ? GROUND_PLAIN | GROUND_ACT : GROUND_PLAIN;
        if (!t->number && !t->name && !(t->good_for & vocabulary) && !(wide && t->asked)) {
            return false;
        }
    }
    return true;
}

/* "Because", and "since" but of a time. */
static bool reasons(const struct ground_reading *r)
{
    for (int i = 0; i < r->count; i++) {
        bool time = ground_reading_is(r, i + 1, "the last") &&
                    ground_reading_is(r, i + 2, "previous last measurement");
        if (ground_reading_is(r, i, "because") || (ground_reading_is(r, i, "since") && !time)) {
            return true;
        }
    }
    return false;
}

static bool stands(const struct judging *j, size_t start, size_t end)
{
    struct ground_reading *r = ARENA_NEW(j->a, struct ground_reading);
    struct str written = str_sub(j->text, start, end - start);
    bool claims = false;
    if (!read(j, start, end, r)) {
        return false;
    }
    if (names_role(j, r, written)) {
        return true;
    }
    bool free = states_nothing(r);
    if (!free && ((ground_reading_has(r, "open") && !(r->all & GROUND_TICKETS)) || reasons(r))) {
        return false;
    }
    int told = report_at(r);
    if (!is_worded(r, free, told) || !ground_reading_holds(r, &claims) ||
        ground_reading_tells_mind(r)) {
        return false;
    }
    /* what a question takes for granted is a claim, too */
    if (r->asks &&
        success_claim_false(j->a, j->g->truth, str_sub(j->blank, start, end - start)).n) {
        return false;
    }
    bool denies = r->all & GROUND_NOT && !free && !claims;
    return (free && told == r->count) || ((r->fact || claims) && !denies);
}

/* ---- what the rules wrote -------------------------------------------------- */

static bool is_end(struct str s, size_t i)
{
    return i >= s.n || strchr(".!?:;\n", s.p[i]);
}

static bool is_in_own(const struct json *own, struct str one, int depth)
{
    if (json_is(own, JSON_STRING)) {
        struct str text = json_text(own, STR(""));
        ptrdiff_t at = str_find(text, one);
        size_t from = at > 0 ? (size_t)at : 0;
        while (from > 0 && text.p[from - 1] == ' ') {
            from--;
        }
        return at >= 0 && (from == 0 || is_end(text, from - 1)) && is_end(text, (size_t)at + one.n);
    }
    bool object = json_is(own, JSON_OBJECT);
    for (size_t i = 0;
         depth < OWN_DEPTH_MAX && (object || json_is(own, JSON_ARRAY)) && i < own->count; i++) {
        if (is_in_own(object ? &own->members[i].value : &own->items[i], one, depth + 1)) {
            return true;
        }
    }
    return false;
}

/* ---- the whole ------------------------------------------------------------- */

/* Where the mark of a list ends: "- ", "* ", "12. "; `start` where there is none. */
static size_t behind_mark(struct str s, size_t start)
{
    size_t i = start;
    while (i < s.n && (s.p[i] == ' ' || s.p[i] == '\t')) {
        i++;
    }
    size_t digits = i;
    while (digits < s.n && digits < i + 2 && numeral_is_digit(s.p[digits])) {
        digits++;
    }
    bool counted = digits > i && digits < s.n && (s.p[digits] == '.' || s.p[digits] == ')');
    size_t mark = counted                                         ? digits + 1
                  : i < s.n && (s.p[i] == '-' || s.p[i] == '*')   ? i + 1
                  : str_starts(str_sub(s, i, s.n), STR("\u2022")) ? i + 3
                                                                  : 0;
    return mark && mark < s.n && s.p[mark] == ' ' ? mark + 1 : i;
}

/* The end of the sentence that begins at `start` of a line that ends at `stop`. */
static size_t sentence_end(struct str s, size_t start, size_t stop)
{
    size_t i = start;
    while (i < stop) {
        bool last = i + 1 >= stop || s.p[i + 1] == ' ';
        bool initial = s.p[i] == '.' && i >= 2 && is_ascii_letter(s.p[i - 1]) &&
                       !is_ascii_letter(s.p[i - 2]) && i + 1 < stop;
        if (s.p[i] == ';' || (strchr(".!?", s.p[i]) && last && !initial)) {
            break;
        }
        i++;
    }
    return i;
}

struct keeping {
    struct judging j;
    struct buf out;
    struct str dropped;
    int number; /* of the list that is counted */
};

static void keep_mark(struct keeping *k, struct str mark)
{
    struct str bare_mark = str_trim(mark);
    if (has_digit(bare_mark)) {
        char sign = bare_mark.p[bare_mark.n - 1];
        k->number = str_eq(str_sub(bare_mark, 0, bare_mark.n - 1), STR("1")) ? 1 : k->number + 1;
        struct str made = str_fmt(k->j.a, "%d%c ", k->number, sign);
        buf_add_str(&k->out, made);
    } else {
        buf_add_str(&k->out, mark);
    }
}

/* A line, and whether anything of it is left. */
static bool keep_line(struct keeping *k, size_t start, size_t stop)
{
    struct str text = k->j.text;
    size_t at = behind_mark(text, start);
    struct str mark = str_sub(text, start, at - start);
    bool kept = false, blank = !str_trim(str_sub(text, start, stop - start)).n;
    while (at < stop) {
        size_t end = sentence_end(text, at, stop), next = end;
        while (next < stop && strchr(".!?;", text.p[next])) {
            next++;
        }
        struct str one = str_trim(str_sub(text, at, end - at));
        bool good = !one.n || is_in_own(k->j.g->own, one, 0) || stands(&k->j, at, end);
        if (good && one.n) {
            if (!kept) {
                keep_mark(k, mark);
            }
            struct str whole = str_sub(text, at, next - at);
            buf_add_str(&k->out, kept ? whole : str_sub(whole, (size_t)(one.p - whole.p), whole.n));
            kept = true;
        } else if (one.n && !k->dropped.n) {
            k->dropped = one;
        }
        at = next > at ? next : at + 1;
    }
    return kept || blank;
}

struct str success_ground_keep(struct arena *a, const struct success_ground *g, struct str text,
                               struct str *out_dropped)
{
    struct str blank = success_number_without(a, text, g->quotes);
    blank = success_number_without(a, blank, g->names);
    blank = success_number_undated(a, g->truth->figures, blank);
    struct keeping k = {.j = {a, g, text, blank}, .out = buf_make(2 * text.n + 64)};
    size_t start = 0;
    while (start < text.n) {
        ptrdiff_t found = str_find_char(str_sub(text, start, text.n), '\n');
        size_t stop = found < 0 ? text.n : start + (size_t)found;
        if (keep_line(&k, start, stop) && stop < text.n) {
            buf_add_str(&k.out, STR("\n"));
        }
        start = stop + 1;
    }
    struct str made = str_dup(a, buf_str(&k.out));
    buf_free(&k.out);
    *out_dropped = k.dropped;
    return k.dropped.n ? str_trim(made) : text;
}
