#include "svc/success/claim_reading.h"

#include <string.h>

#include "codec/date.h"
#include "codec/numeral.h"
#include "codec/text.h"
#include "svc/success/number_word.h"

/* ---- figures ------------------------------------------------------------- */

const struct json *claim_reading_figure(const struct claim_reading *r, const char *key)
{
    for (size_t i = 0; i < json_count(r->t->figures); i++) {
        const struct json *f = json_at(r->t->figures, i);
        if (str_eqz(json_str(f, "key", STR("")), key)) {
            return json_get(f, "value");
        }
    }
    return NULL;
}

bool claim_reading_renewal_ms(const struct claim_reading *r, int64_t *out_ms)
{
    return date_parse(json_text(claim_reading_figure(r, "renewal_date"), STR("")), out_ms);
}

static struct str currency_of(const struct claim_reading *r)
{
    for (size_t i = 0; i < json_count(r->t->figures); i++) {
        const struct json *f = json_at(r->t->figures, i);
        if (str_eqz(json_str(f, "key", STR("")), "arr")) {
            return json_str(f, "unit", STR(""));
        }
    }
    return STR("");
}

/* ---- reading ------------------------------------------------------------- */

/* "l'utilisation" and "d'utilisateurs" without what stands before the word. */
static struct str bare(struct str word)
{
    static const char *const joints[] = {"'", "\u2019"};
    for (size_t i = 0; i < 2; i++) {
        ptrdiff_t at = str_find(word, str_of(joints[i]));
        if (at == 1 || (at == 2 && str_starts(word, STR("qu")))) {
            return str_sub(word, (size_t)at + strlen(joints[i]), word.n);
        }
    }
    return word;
}

static bool is_alnum(char ch)
{
    return (unsigned char)((ch | 0x20) - 'a') < 26 || numeral_is_digit(ch) ||
           (unsigned char)ch > 127;
}

/* "250k" and "1.2m" */
static double scale_of(struct str s, size_t *inout_end)
{
    size_t i = *inout_end;
    bool last = i + 1 >= s.n || !is_alnum(s.p[i + 1]);
    char small = i < s.n ? (char)(s.p[i] | 0x20) : 0;
    if (!last || (small != 'k' && small != 'm')) {
        return 1;
    }
    *inout_end = i + 1;
    return small == 'k' ? 1e3 : 1e6;
}

/* Whether a sign or a code of a currency stands at the end of `s`, or at its beginning. */
static bool has_currency(struct str s, bool at_end, struct str *out_code)
{
    static const struct {
        const char *sign, *code;
    } signs[] = {{"€", "EUR"},      {"EUR", "EUR"},    {"euro", "EUR"},   {"$", "USD"},
                 {"USD", "USD"},    {"dollar", "USD"}, {"£", "GBP"},      {"GBP", "GBP"},
                 {"pound", "GBP"},  {"¥", "JPY"},      {"CHF", "CHF"},    {"franken", "CHF"},
                 {"\u20b9", "INR"}, {"\u20ba", "TRY"}, {"\u20bd", "RUB"}, {"kr", "SEK"},
                 {"yen", "JPY"},    {"franc", "CHF"},  {"kron", "SEK"},   {"zlot", "PLN"},
                 {"rupee", "INR"},  {"yuan", "CNY"},   {"peso", "MXN"},   {"rub", "RUB"},
                 {"lira", "TRY"},   {"SEK", "SEK"},    {"NOK", "NOK"},    {"DKK", "DKK"},
                 {"PLN", "PLN"},    {"CZK", "CZK"},    {"CAD", "CAD"},    {"AUD", "AUD"},
                 {"INR", "INR"},    {"CNY", "CNY"},    {"JPY", "JPY"},    {"\u20bf", "XBT"},
                 {"¢", "USc"}};
    for (size_t i = 0; i < sizeof(signs) / sizeof(*signs); i++) {
        struct str sign = str_of(signs[i].sign);
        if (at_end ? str_ends(s, sign) : str_starts(s, sign)) {
            *out_code = str_of(signs[i].code);
            return true;
        }
    }
    return false;
}

static struct str trimmed(struct str s, bool at_end)
{
    struct str wide = STR("\u00a0"), thin = STR("\u202f");
    for (bool more = true; more;) {
        size_t n = 0;
        if (at_end) {
            n = str_ends(s, STR(" ")) ? 1 : str_ends(s, wide) ? 2 : str_ends(s, thin) ? 3 : 0;
            s.n -= n;
        } else {
            n = str_starts(s, STR(" ")) ? 1 : str_starts(s, wide) ? 2 : str_starts(s, thin) ? 3 : 0;
            s = str_sub(s, n, s.n);
        }
        more = n > 0;
    }
    return s;
}

/* The currency that a number is written with; empty: none. */
static struct str currency_beside(const struct claim_reading *r, size_t start, size_t end)
{
    struct str before = trimmed(str_sub(r->text, 0, start), true), code = STR("");
    struct str behind = trimmed(str_sub(r->text, end, r->text.n), false);
    struct str unit = currency_of(r);
    if (has_currency(before, true, &code) || has_currency(behind, false, &code)) {
        return code;
    }
    bool own = unit.n && (str_ends(before, unit) || str_starts(behind, unit));
    return own ? unit : STR("");
}

static void add_token(struct claim_reading *r, struct claim_token t)
{
    if (r->count < CLAIM_TOKENS_MAX) {
        r->token[r->count++] = t;
        r->all |= t.meaning;
    }
}

/* A number of digits; what is glued to letters is no number that we know ("Q3", "1e6"). */
static bool add_number(struct claim_reading *r, const struct numeral *n, size_t *out_end)
{
    struct str s = r->text;
    size_t end = n->end;
    bool glued = n->start > 0 && (unsigned char)((s.p[n->start - 1] | 0x20) - 'a') < 26;
    double value = n->value * scale_of(s, &end);
    glued = glued || (end < s.n && (unsigned char)((s.p[end] | 0x20) - 'a') < 26);
    struct str code = currency_beside(r, n->start, end), unit = currency_of(r);
    bool scaled = end != n->end;
    struct claim_token t = {.start = n->start, .end = end, .number = true, .value = value};
    t.amount = code.n || scaled;
    *out_end = end;
    add_token(r, t);
    return (!glued || str_ends(str_sub(s, 0, n->start), unit)) && (!code.n || str_eq(code, unit));
}

/* 2 of "2. Then that" and "2) Then that"; 0: none. */
static int line_number(struct str line)
{
    int number = 0;
    size_t i = 0;
    for (; i < line.n && i < 2 && numeral_is_digit(line.p[i]); i++) {
        number = number * 10 + (line.p[i] - '0');
    }
    bool mark = i > 0 && i < line.n && (line.p[i] == '.' || line.p[i] == ')');
    return mark && (i + 1 == line.n || line.p[i + 1] == ' ') ? number : 0;
}

/* "1." and "2)" at the beginning of a line, when they are part of a list: of more than one, and
 * counted from 1. What else stands there is said of something: "82. tickets are open". */
static bool numbers_a_line(const struct claim_reading *r, const struct numeral *n)
{
    struct str rest = r->whole, line;
    const char *at = r->text.p + n->start;
    int next = 1;
    bool first = false; /* it is a 1, and only a 2 behind it makes it one of a list */
    while (str_split(&rest, '\n', &line)) {
        line = str_trim(line);
        int number = line.n ? line_number(line) : 0;
        if (first && number) {
            return number == 2;
        }
        if (line.n && line.p == at) {
            if (number != next && number != 1) {
                return false;
            }
            if (number > 1) {
                return true;
            }
            first = true;
        } else if (line.n && line.p > at && !first) {
            return false;
        }
        next = number == 1 ? 2 : number && number == next ? next + 1 : next;
    }
    return false;
}

static void add_word(struct claim_reading *r, const struct text_word *w)
{
    struct claim_token t = {
        .word = bare(str_lower(r->arena, w->word)), .start = w->start, .end = w->end};
    t.meaning = claim_word(t.word);
    double value;
    if (number_word_find(t.word, &value)) {
        t.number = value >= 0;
        t.value = value;
        t.meaning |= value < 0 ? CLAIM_PART : 0;
    }
    add_token(r, t);
}

/* False: it holds a number that can be no figure. */
bool claim_reading_read(struct claim_reading *r, struct str text)
{
    struct numeral n;
    struct text_word w;
    size_t number_at = 0, at = 0;
    bool more = true, good = true;
    r->text = text;
    r->count = 0;
    r->all = 0;
    more = numeral_next(text, &number_at, &n);
    while (text_next_word(text, &at, &w)) {
        if (more && n.start < w.end) {
            size_t end = n.end;
            if (!numbers_a_line(r, &n)) {
                good = add_number(r, &n, &end) && good;
            }
            at = end > w.start ? end : w.end;
            number_at = end;
            more = numeral_next(text, &number_at, &n);
        } else if (w.word.p[0] == '#' || text.p[w.start ? w.start - 1 : 0] == '#') {
            continue;
        } else {
            add_word(r, &w);
        }
    }
    for (size_t i = 0; i + 1 < text.n; i++) { /* where a known date stood */
        if (text.p[i] == '#' && (i == 0 || text.p[i - 1] != '#')) {
            add_token(r, (struct claim_token){.start = i, .end = i + 1, .date = true});
        }
    }
    return good && r->count < CLAIM_TOKENS_MAX;
}

/* ---- what a number is said of -------------------------------------------- */

/* Only blanks and a hyphen between two words: no comma, no colon. */
static bool joined(const struct claim_reading *r, int i, int k)
{
    struct str between =
        trimmed(str_sub(r->text, r->token[i].end, r->token[k].start - r->token[i].end), true);
    return !between.n || str_eqz(between, "-");
}

/* The meaning of `wanted` in the words right behind token i; 0: none. */
uint64_t claim_reading_behind(const struct claim_reading *r, int i, int most, uint64_t wanted)
{
    for (int k = i + 1; k < r->count && k <= i + most && !r->token[k].date; k++) {
        if (!joined(r, k - 1, k) || (r->token[k].number && !r->token[k].meaning)) {
            return 0;
        }
        if (r->token[k].meaning & wanted) {
            return r->token[k].meaning & wanted;
        }
        if (r->token[k].meaning & CLAIM_STOP) {
            return 0;
        }
    }
    return 0;
}

/* The same, over "of the" and "their". */
uint64_t claim_reading_near(const struct claim_reading *r, int i, uint64_t wanted)
{
    for (int k = i + 1; k < r->count && k <= i + CLAIM_NEAR && joined(r, k - 1, k); k++) {
        if (r->token[k].meaning & wanted) {
            return r->token[k].meaning & wanted;
        }
    }
    return 0;
}

/* Whether what token i says is denied: "has not expired", and not "not only expired". */
bool claim_reading_denied(const struct claim_reading *r, int i)
{
    for (int k = i - 1; k >= 0 && k >= i - CLAIM_NEAR && joined(r, k, k + 1); k--) {
        if (r->token[k].meaning & (CLAIM_NOT | CLAIM_ZERO)) {
            return !str_eqz(r->token[k + 1].word, "only");
        }
    }
    return false;
}

/* Whether any word of the sentence says one of `meanings`, and nothing denies it. */
bool claim_reading_says(const struct claim_reading *r, uint64_t meanings)
{
    for (int i = 0; i < r->count; i++) {
        if (r->token[i].meaning & meanings && !claim_reading_denied(r, i)) {
            return true;
        }
    }
    return false;
}

bool claim_reading_is_word(const struct claim_reading *r, int i, const char *const *list)
{
    for (int k = 0; i >= 0 && i < r->count && list[k]; k++) {
        if (str_eqz(r->token[i].word, list[k])) {
            return true;
        }
    }
    return false;
}

static uint64_t before(const struct claim_reading *r, int i)
{
    for (int k = i - 1; k >= 0; k--) {
        uint64_t m = r->token[k].meaning;
        if (m & CLAIM_COUNTED && !(m & CLAIM_SPAN)) {
            return m & CLAIM_COUNTED;
        }
    }
    return 0;
}

static uint64_t anywhere_behind(const struct claim_reading *r, int i)
{
    for (int k = i + 1; k < r->count; k++) {
        uint64_t m = r->token[k].meaning;
        if (m & CLAIM_COUNTED && !(m & CLAIM_SPAN)) {
            return m & CLAIM_COUNTED;
        }
    }
    return 0;
}

uint64_t claim_reading_kind(const struct claim_reading *r, int i)
{
    if (r->token[i].amount) {
        return CLAIM_MONEY;
    }
    uint64_t kind = claim_reading_behind(r, i, CLAIM_NEAR, CLAIM_COUNTED);
    kind = kind ? kind : before(r, i);
    kind = kind ? kind : anywhere_behind(r, i);
    return kind ? kind : r->last_kind;
}

/* What stands around a number, up to a comma or an "and". */
uint64_t claim_reading_clause(const struct claim_reading *r, int i)
{
    uint64_t all = 0;
    int from = i, to = i;
    while (from > 0 && str_find_char(str_sub(r->text, r->token[from - 1].end,
                                             r->token[from].start - r->token[from - 1].end),
                                     ',') < 0) {
        from--;
    }
    while (to + 1 < r->count && str_find_char(str_sub(r->text, r->token[to].end,
                                                      r->token[to + 1].start - r->token[to].end),
                                              ',') < 0) {
        to++;
    }
    for (int k = from; k <= to; k++) {
        all |= r->token[k].meaning;
    }
    return all;
}

/* The words between a number and its noun, and the noun. */
uint64_t claim_reading_phrase(const struct claim_reading *r, int i)
{
    uint64_t all = 0;
    for (int k = i + 1; k < r->count && k <= i + CLAIM_NEAR && !(r->token[k].meaning & CLAIM_STOP);
         k++) {
        all |= r->token[k].meaning;
        if (r->token[k].meaning & CLAIM_COUNTED) {
            return all;
        }
    }
    return 0;
}
