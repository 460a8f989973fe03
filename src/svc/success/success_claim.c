#include "svc/success/success_claim.h"

#include <math.h>
#include <string.h>

#include "codec/date.h"
#include "codec/numeral.h"
#include "codec/text.h"
#include "svc/success/claim_disguise.h"
#include "svc/success/claim_word.h"
#include "svc/success/number_word.h"
#include "svc/success/success_number.h"
#include "svc/success/wording.h"

enum { TOKENS_MAX = 160, NEAR = 4 };

#define COUNTED                                                                                    \
    (CLAIM_SCORE | CLAIM_POINTS | CLAIM_USERS | CLAIM_TICKETS | CLAIM_DAYS | CLAIM_MONTHS |        \
     CLAIM_MINUTES | CLAIM_MONEY | CLAIM_OTHER | CLAIM_SPAN)

struct token {
    struct str word; /* in small letters */
    size_t start, end;
    uint64_t meaning;
    bool number, date, amount; /* amount: money by its sign */
    double value;
};

/* One sentence, and what the ones before it were about. */
struct reading {
    struct arena *arena;
    const struct success_claim_truth *t;
    struct str text; /* of the sentence */
    struct token token[TOKENS_MAX];
    int count;
    uint64_t all; /* what any word of it means */
    bool asks;
    uint64_t last_kind; /* of the number before */
    bool renewal;       /* the text spoke of it */
};

/* ---- figures ------------------------------------------------------------- */

static const struct json *figure_of(const struct reading *r, const char *key)
{
    for (size_t i = 0; i < json_count(r->t->figures); i++) {
        const struct json *f = json_at(r->t->figures, i);
        if (str_eqz(json_str(f, "key", STR("")), key)) {
            return json_get(f, "value");
        }
    }
    return NULL;
}

static bool renewal_ms(const struct reading *r, int64_t *out_ms)
{
    return date_parse(json_text(figure_of(r, "renewal_date"), STR("")), out_ms);
}

static struct str currency_of(const struct reading *r)
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
static struct str currency_beside(const struct reading *r, size_t start, size_t end)
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

static void add_token(struct reading *r, struct token t)
{
    if (r->count < TOKENS_MAX) {
        r->token[r->count++] = t;
        r->all |= t.meaning;
    }
}

/* A number of digits; what is glued to letters is no number that we know ("Q3", "1e6"). */
static bool add_number(struct reading *r, const struct numeral *n, size_t *out_end)
{
    struct str s = r->text;
    size_t end = n->end;
    bool glued = n->start > 0 && (unsigned char)((s.p[n->start - 1] | 0x20) - 'a') < 26;
    double value = n->value * scale_of(s, &end);
    glued = glued || (end < s.n && (unsigned char)((s.p[end] | 0x20) - 'a') < 26);
    struct str code = currency_beside(r, n->start, end), unit = currency_of(r);
    bool scaled = end != n->end;
    struct token t = {.start = n->start, .end = end, .number = true, .value = value};
    t.amount = code.n || scaled;
    *out_end = end;
    add_token(r, t);
    return (!glued || str_ends(str_sub(s, 0, n->start), unit)) && (!code.n || str_eq(code, unit));
}

/* "1." and "2)" at the beginning of a line. */
static bool numbers_a_line(struct str s, const struct numeral *n)
{
    return !str_trim(str_sub(s, 0, n->start)).n && n->end - n->start <= 2 &&
           (n->end == s.n || s.p[n->end] == '.' || s.p[n->end] == ')');
}

static void add_word(struct reading *r, const struct text_word *w)
{
    struct token t = {.word = bare(str_lower(r->arena, w->word)), .start = w->start, .end = w->end};
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
static bool read_sentence(struct reading *r, struct str text)
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
            if (!numbers_a_line(text, &n)) {
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
            add_token(r, (struct token){.start = i, .end = i + 1, .date = true});
        }
    }
    return good && r->count < TOKENS_MAX;
}

/* ---- what a number is said of -------------------------------------------- */

/* Only blanks and a hyphen between two words: no comma, no colon. */
static bool joined(const struct reading *r, int i, int k)
{
    struct str between =
        trimmed(str_sub(r->text, r->token[i].end, r->token[k].start - r->token[i].end), true);
    return !between.n || str_eqz(between, "-");
}

/* The meaning of `wanted` in the words right behind token i; 0: none. */
static uint64_t behind(const struct reading *r, int i, int most, uint64_t wanted)
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
static uint64_t near_behind(const struct reading *r, int i, uint64_t wanted)
{
    for (int k = i + 1; k < r->count && k <= i + NEAR && joined(r, k - 1, k); k++) {
        if (r->token[k].meaning & wanted) {
            return r->token[k].meaning & wanted;
        }
    }
    return 0;
}

/* Whether what token i says is denied: "has not expired", and not "not only expired". */
static bool is_denied(const struct reading *r, int i)
{
    for (int k = i - 1; k >= 0 && k >= i - NEAR && joined(r, k, k + 1); k--) {
        if (r->token[k].meaning & (CLAIM_NOT | CLAIM_ZERO)) {
            return !str_eqz(r->token[k + 1].word, "only");
        }
    }
    return false;
}

/* Whether any word of the sentence says one of `meanings`, and nothing denies it. */
static bool says(const struct reading *r, uint64_t meanings)
{
    for (int i = 0; i < r->count; i++) {
        if (r->token[i].meaning & meanings && !is_denied(r, i)) {
            return true;
        }
    }
    return false;
}

static bool is_word(const struct reading *r, int i, const char *const *list)
{
    for (int k = 0; i >= 0 && i < r->count && list[k]; k++) {
        if (str_eqz(r->token[i].word, list[k])) {
            return true;
        }
    }
    return false;
}

static uint64_t before(const struct reading *r, int i)
{
    for (int k = i - 1; k >= 0; k--) {
        uint64_t m = r->token[k].meaning;
        if (m & COUNTED && !(m & CLAIM_SPAN)) {
            return m & COUNTED;
        }
    }
    return 0;
}

static uint64_t anywhere_behind(const struct reading *r, int i)
{
    for (int k = i + 1; k < r->count; k++) {
        uint64_t m = r->token[k].meaning;
        if (m & COUNTED && !(m & CLAIM_SPAN)) {
            return m & COUNTED;
        }
    }
    return 0;
}

static uint64_t kind_of(const struct reading *r, int i)
{
    if (r->token[i].amount) {
        return CLAIM_MONEY;
    }
    uint64_t kind = behind(r, i, NEAR, COUNTED);
    kind = kind ? kind : before(r, i);
    kind = kind ? kind : anywhere_behind(r, i);
    return kind ? kind : r->last_kind;
}

/* What stands around a number, up to a comma or an "and". */
static uint64_t clause_of(const struct reading *r, int i)
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
static uint64_t phrase_of(const struct reading *r, int i)
{
    uint64_t all = 0;
    for (int k = i + 1; k < r->count && k <= i + NEAR && !(r->token[k].meaning & CLAIM_STOP); k++) {
        all |= r->token[k].meaning;
        if (r->token[k].meaning & COUNTED) {
            return all;
        }
    }
    return 0;
}

/* Whether what is said with the number lets it be the figure. */
static bool fits(const struct reading *r, int i, uint64_t kind, const char *key)
{
    uint64_t all = r->all, clause = clause_of(r, i), phrase = phrase_of(r, i);
    char sign = r->token[i].start ? r->text.p[r->token[i].start - 1] : 0;
    if (kind & CLAIM_TICKETS) {
        return !(phrase & CLAIM_SOLVED) &&
               !(clause & CLAIM_SOLVED && clause & CLAIM_BE && !(clause & CLAIM_IF));
    }
    if (kind & CLAIM_USERS) {
        return !(clause & (CLAIM_FEWER | CLAIM_LEFT | CLAIM_PERIOD | CLAIM_GONE));
    }
    if (kind & (CLAIM_DAYS | CLAIM_MONTHS)) {
        return r->renewal && !(clause & (CLAIM_AGO | CLAIM_OUTAGE));
    }
    if (kind & CLAIM_MINUTES) {
        return !(clause & CLAIM_OUTAGE);
    }
    if (kind & CLAIM_MONEY) {
        return !(clause & (CLAIM_DEBT | CLAIM_PERIOD));
    }
    if (strcmp(key, "previous_score") == 0) {
        return all & (CLAIM_BEFORE | CLAIM_CHANGE | CLAIM_UP | CLAIM_DOWN);
    }
    if (strcmp(key, "score_delta") == 0) {
        return all & (CLAIM_CHANGE | CLAIM_UP | CLAIM_DOWN) || sign == '-' || sign == '+' ||
               behind(r, i, 1, CLAIM_POINTS);
    }
    if (strncmp(key, "score_", 6) == 0) {
        return all & CLAIM_RANGE;
    }
    return true;
}

static bool number_holds(struct reading *r, int i)
{
    static const struct {
        const char *key;
        uint64_t kind;
    } keys[] = {{"score", CLAIM_SCORE | CLAIM_POINTS},
                {"previous_score", CLAIM_SCORE | CLAIM_POINTS},
                {"score_delta", CLAIM_SCORE | CLAIM_POINTS},
                {"score_lowest", CLAIM_SCORE | CLAIM_POINTS},
                {"score_highest", CLAIM_SCORE | CLAIM_POINTS},
                {"avg_daily_users", CLAIM_USERS},
                {"open_tickets", CLAIM_TICKETS},
                {"days_to_renewal", CLAIM_DAYS},
                {"months_to_renewal", CLAIM_MONTHS},
                {"call_minutes", CLAIM_MINUTES},
                {"arr", CLAIM_MONEY}};
    uint64_t kind = kind_of(r, i);
    r->last_kind = kind;
    for (size_t k = 0; k < sizeof(keys) / sizeof(*keys); k++) {
        const struct json *value = kind & keys[k].kind ? figure_of(r, keys[k].key) : NULL;
        double v = json_number(value, 0);
        if (!json_is_null(value) && fabs(fabs(v) - r->token[i].value) < 1e-9 * (1 + fabs(v)) &&
            fits(r, i, keys[k].kind, keys[k].key)) {
            return true;
        }
    }
    return false;
}

/* ---- how many, without a number ------------------------------------------ */

static bool is_zero(const struct reading *r, uint64_t kind)
{
    static const struct {
        const char *key;
        uint64_t kind;
    } keys[] = {{"avg_daily_users", CLAIM_USERS},
                {"open_tickets", CLAIM_TICKETS},
                {"score", CLAIM_SCORE},
                {"arr", CLAIM_MONEY}};
    for (size_t k = 0; k < sizeof(keys) / sizeof(*keys); k++) {
        const struct json *value = kind & keys[k].kind ? figure_of(r, keys[k].key) : NULL;
        if (kind & keys[k].kind) {
            return json_is_null(value) ? (r->all & CLAIM_KNOWN) != 0 : json_number(value, 1) == 0;
        }
    }
    return true;
}

static bool many_holds(const struct reading *r, int i)
{
    const uint64_t counted = CLAIM_USERS | CLAIM_TICKETS | CLAIM_OTHER;
    const uint64_t spans = CLAIM_DAYS | CLAIM_MONTHS;
    const uint64_t states = CLAIM_BE | CLAIM_GONE | CLAIM_LEFT | CLAIM_DOWN | CLAIM_UP;
    uint64_t m = r->token[i].meaning, near = near_behind(r, i, counted | spans);
    uint64_t prior = i > 0 ? r->token[i - 1].meaning : 0;
    if (m & CLAIM_ALL && (near & counted || prior & CLAIM_BE)) {
        return !(r->all & states && r->all & counted);
    }
    if (m & CLAIM_MANY && !(prior & CLAIM_HOW) && near) {
        return near & CLAIM_OTHER && !(r->all & states);
    }
    return true;
}

static bool zero_holds(const struct reading *r, int i)
{
    const uint64_t kinds = CLAIM_USERS | CLAIM_TICKETS | CLAIM_SCORE | CLAIM_MONEY;
    static const char *const pays[] = {"pay", "pays", "paid", "paying", NULL};
    static const char *const of[] = {"de", NULL}; /* "pas de tickets" */
    uint64_t m = r->token[i].meaning;
    uint64_t near = behind(r, is_word(r, i + 1, of) ? i + 1 : i, NEAR, kinds);
    if (m & CLAIM_ZERO && !is_zero(r, near)) {
        return false;
    }
    if (m & CLAIM_ZERO && i + 1 < r->count && r->token[i + 1].meaning & CLAIM_ONE) {
        return false; /* "no one uses it" */
    }
    if (m & CLAIM_NOT && near_behind(r, i, CLAIM_TICKETS) && !is_zero(r, CLAIM_TICKETS)) {
        return false; /* "they do not have open tickets" */
    }
    return !(m & CLAIM_NOT && (is_word(r, i + 1, pays) || is_word(r, i + 2, pays)));
}

/* "They pay nothing", "nothing is open", "it is free" (and not "feel free"). */
static bool nothing_holds(const struct reading *r, int i)
{
    static const char *const nothing[] = {"nothing", "nichts", "niets", "rien", "free", NULL};
    static const char *const feel[] = {"feel", NULL}, *const open[] = {"open", "offen", NULL};
    bool said = is_word(r, i, nothing) && !is_word(r, i - 1, feel);
    bool money = r->all & CLAIM_MONEY, tickets = is_word(r, i + 1, open) || is_word(r, i + 2, open);
    return !(said &&
             ((money && !is_zero(r, CLAIM_MONEY)) || (tickets && !is_zero(r, CLAIM_TICKETS))));
}

static bool quantity_holds(struct reading *r, int i)
{
    uint64_t m = r->token[i].meaning;
    if (m & CLAIM_PART || !zero_holds(r, i) || !many_holds(r, i) || !nothing_holds(r, i)) {
        return false;
    }
    if (m & CLAIM_NONE && !(m & CLAIM_USERS)) {
        uint64_t kind = kind_of(r, i);
        return kind && is_zero(r, kind);
    }
    if (m & CLAIM_ONE && behind(r, i, NEAR, CLAIM_TICKETS | CLAIM_USERS)) {
        r->token[i].value = 1;
        return number_holds(r, i);
    }
    return true;
}

/* "A quarter of the users", "by a third": what is no share is a part of the year, or an order. */
static bool share_holds(const struct reading *r, int i)
{
    static const char *const parts[] = {"quarter", "quarters", "third", "derde", "quart", NULL};
    static const char *const few[] = {"a", "one", "two", "three", "een", "un", "ein", NULL};
    bool part = false, counted = false;
    for (int k = 0; parts[k]; k++) {
        part = part || str_eqz(r->token[i].word, parts[k]);
    }
    for (int k = 0; few[k] && i > 0; k++) {
        counted = counted || str_eqz(r->token[i - 1].word, few[k]);
    }
    bool by =
        i > 1 && (str_eqz(r->token[i - 2].word, "by") || str_eqz(r->token[i - 2].word, "met"));
    bool of = i + 1 < r->count &&
              (str_eqz(r->token[i + 1].word, "of") || str_eqz(r->token[i + 1].word, "van") ||
               str_eqz(r->token[i + 1].word, "des"));
    return !(part && counted && (by || of));
}

/* ---- what is said of the contract ---------------------------------------- */

static bool has_passed(const struct reading *r)
{
    int64_t ms;
    return renewal_ms(r, &ms) && r->t->now_ms && ms < r->t->now_ms - r->t->now_ms % DATE_DAY_MS;
}

static int64_t place_of(int64_t ms, uint64_t unit)
{
    struct date d = date_of_ms(ms, 0);
    return unit & CLAIM_YEAR      ? d.year
           : unit & CLAIM_QUARTER ? (int64_t)d.year * 4 + (d.month - 1) / 3
                                  : (int64_t)d.year * 12 + d.month;
}

/* "Next year", "l'année dernière", beside each other. */
static bool period_holds(const struct reading *r, int i)
{
    const uint64_t units = CLAIM_YEAR | CLAIM_QUARTER | CLAIM_MONTH | CLAIM_WEEK;
    const uint64_t whiches = CLAIM_NEXT | CLAIM_LAST | CLAIM_THIS;
    uint64_t unit = r->token[i].meaning & units, which = 0;
    int64_t ms;
    which |= i > 0 ? r->token[i - 1].meaning & whiches : 0;
    which |= i + 1 < r->count ? r->token[i + 1].meaning & (CLAIM_NEXT | CLAIM_LAST) : 0;
    if (!unit || !which) {
        return true;
    }
    if (unit & CLAIM_WEEK || !renewal_ms(r, &ms)) {
        return false;
    }
    int64_t away = place_of(ms, unit) - place_of(r->t->now_ms, unit);
    return away == (which & CLAIM_NEXT ? 1 : which & CLAIM_LAST ? -1 : 0);
}

static bool is_its_month(const struct reading *r, struct str word)
{
    int64_t ms;
    if (!renewal_ms(r, &ms)) {
        return false;
    }
    for (int l = 0; l < WORDING_LANGUAGES; l++) {
        struct str rest = wording_date(r->arena, (enum wording_language)l, ms), day, month;
        str_split(&rest, ' ', &day);
        str_split(&rest, ' ', &month);
        if (str_eq(str_lower(r->arena, month), word)) {
            return true;
        }
    }
    return false;
}

/* Days and seasons that a sentence about the renewal names, unless it is about a meeting. */
static bool times_hold(const struct reading *r)
{
    int64_t ms = 0, today = r->t->now_ms - r->t->now_ms % DATE_DAY_MS;
    bool known = renewal_ms(r, &ms);
    if (!(r->all & CLAIM_RENEWAL) || r->asks || r->all & (CLAIM_MEET | CLAIM_IF)) {
        return true;
    }
    for (int i = 0; i < r->count; i++) {
        uint64_t m = r->token[i].meaning;
        int64_t days = ms >= today ? (ms - today) / DATE_DAY_MS : -1;
        bool wrong = m & CLAIM_SEASON || (m & CLAIM_TODAY && (!known || days != 0)) ||
                     (m & CLAIM_TOMORROW && (!known || days != 1)) ||
                     (m & CLAIM_NAMED && !is_its_month(r, r->token[i].word)) || !period_holds(r, i);
        if (wrong) {
            return false;
        }
    }
    return true;
}

static bool is_over(const struct reading *r)
{
    static const char *const over[] = {"over", NULL}, *const is[] = {"is", "was", NULL};
    static const char *const out[] = {"out", NULL}, *const run[] = {"run", "ran", NULL};
    bool found = says(r, CLAIM_EXPIRED) || (r->renewal && says(r, CLAIM_ENDED));
    for (int i = 1; i < r->count && r->renewal; i++) { /* in Dutch, "over" is "in" */
        found = found || (is_word(r, i, over) && is_word(r, i - 1, is)) ||
                (is_word(r, i, out) && is_word(r, i - 1, run));
    }
    return found;
}

/* Somebody is gone, or will be. */
static bool leaves(const struct reading *r, int i)
{
    static const char *const gone[] = {"gone",     "lost",       "leaving", "churning",
                                       "imminent", "cancelling", "weg",     NULL};
    static const char *const likely[] = {"likely", NULL};
    uint64_t m = r->token[i].meaning, prior = i > 0 ? r->token[i - 1].meaning : 0;
    bool counted = false;
    for (int k = 0; k < r->count; k++) {
        counted = counted || r->token[k].number;
    }
    bool left = prior & (CLAIM_HAVE | CLAIM_USERS) || (!counted && !(prior & CLAIM_BE));
    if ((m & CLAIM_LEFT && left) || (is_word(r, i, gone) && prior & CLAIM_BE)) {
        return true;
    }
    for (int k = i + 1; k < r->count && k <= i + NEAR; k++) {
        bool sure = m & CLAIM_WILL && !(r->all & CLAIM_IF);
        bool feared = is_word(r, i, likely) && str_eqz(r->t->risk, "low") && !is_denied(r, i);
        if (r->token[k].meaning & CLAIM_LEAVE && !is_denied(r, k) && (sure || feared)) {
            return true;
        }
    }
    return false;
}

/* "They will not renew." */
static bool refuses(const struct reading *r, int i)
{
    static const char *const stems[] = {"renew", "verläng", "verleng", "renouvel"};
    bool found = false;
    for (size_t s = 0; s < sizeof(stems) / sizeof(*stems); s++) {
        for (int k = i + 1; k < r->count && k <= i + 2; k++) {
            found = found || str_starts(r->token[k].word, str_of(stems[s]));
        }
    }
    return found && r->token[i].meaning & CLAIM_NOT;
}

/* "The tickets are closed." */
static bool is_solved(const struct reading *r, int i)
{
    static const char *const until[] = {"so", "that", "be", NULL};
    bool is = false;
    for (int k = i - 1; k >= 0 && k >= i - 3; k--) {
        if (is_word(r, k, until)) {
            return false;
        }
        is = is || r->token[k].meaning & CLAIM_BE;
    }
    return is && r->all & CLAIM_TICKETS && r->token[i].meaning & CLAIM_SOLVED && !is_denied(r, i);
}

static bool states_hold(const struct reading *r)
{
    bool open = r->asks || r->all & CLAIM_IF;
    if (!open && ((is_over(r) && !has_passed(r)) || says(r, CLAIM_GONE))) {
        return false;
    }
    for (int i = 0; i < r->count && !r->asks; i++) {
        if (leaves(r, i) || (!open && (refuses(r, i) || is_solved(r, i))) ||
            (r->token[i].date && clause_of(r, i) & CLAIM_EVENT)) {
            return false;
        }
    }
    return true;
}

/* ---- trend, risk, score -------------------------------------------------- */

static const char *word_of(uint64_t m, const uint64_t meanings[3], const char *const words[3])
{
    const char *found = NULL;
    int count = 0;
    for (int i = 0; i < 3; i++) {
        if (m & meanings[i]) {
            found = words[i];
            count++;
        }
    }
    return count == 1 ? found : NULL;
}

/* What one part of a sentence says of a way that something goes. */
static bool way_holds(const struct reading *r, uint64_t part, const char *way)
{
    const uint64_t things = CLAIM_USAGE | CLAIM_USERS | CLAIM_SCORE | CLAIM_TICKETS;
    uint64_t about = part & things ? part & things : r->all & things;
    double delta = json_number(figure_of(r, "score_delta"), 0);
    bool score = *way == 'u' ? delta > 0 : *way == 'd' ? delta < 0 : delta == 0;
    if (about & (CLAIM_USAGE | CLAIM_USERS)) {
        return str_eqz(r->t->trend, way) || (score && about & CLAIM_SCORE);
    }
    return about & CLAIM_SCORE ? score : !(about & CLAIM_TICKETS);
}

/* "Usage is up", "trending down", "down 9 points". */
static uint64_t way_of(const struct reading *r, int i)
{
    static const char *const goes[] = {"trending", "trends", "went", "goes", "going", NULL};
    static const char *const up[] = {"up", NULL}, *const down[] = {"down", NULL};
    uint64_t m = r->token[i].meaning & (CLAIM_UP | CLAIM_DOWN | CLAIM_FLAT);
    bool told = i > 0 && (r->token[i - 1].meaning & CLAIM_BE || is_word(r, i - 1, goes));
    told = told || (i + 1 < r->count && r->token[i + 1].number);
    m |= told && is_word(r, i, up) ? CLAIM_UP : told && is_word(r, i, down) ? CLAIM_DOWN : 0;
    return is_denied(r, i) ? 0 : m;
}

static bool parts_here(const struct reading *r, int i)
{
    static const char *const joints[] = {"and", "while", "but",     "with", "und",  "aber", "mit",
                                         "en",  "maar",  "terwijl", "et",   "mais", "avec", NULL};
    bool behind = i > 0 && r->token[i].start >= r->token[i - 1].end;
    return is_word(r, i, joints) ||
           (behind && str_find_char(str_sub(r->text, r->token[i - 1].end,
                                            r->token[i].start - r->token[i - 1].end),
                                    ',') >= 0);
}

static bool trend_holds(const struct reading *r)
{
    static const uint64_t ways[] = {CLAIM_UP, CLAIM_FLAT, CLAIM_DOWN};
    static const char *const words[] = {"up", "flat", "down"};
    uint64_t part = 0, way = 0;
    if (r->asks || r->all & CLAIM_IF) {
        return true;
    }
    for (int i = 0; i <= r->count; i++) {
        if (i == r->count || parts_here(r, i)) {
            const char *one = word_of(way, ways, words);
            if (one && !way_holds(r, part, one)) {
                return false;
            }
            part = way = 0;
        }
        part |= i < r->count ? r->token[i].meaning : 0;
        way |= i < r->count ? way_of(r, i) : 0;
    }
    return true;
}

static bool risk_holds(const struct reading *r)
{
    static const uint64_t levels[] = {CLAIM_LOW, CLAIM_MEDIUM, CLAIM_HIGH};
    static const char *const words[] = {"low", "medium", "high"};
    bool open = r->asks || r->all & CLAIM_IF, low = str_eqz(r->t->risk, "low");
    uint64_t subject = r->all & (CLAIM_SCORE | CLAIM_USAGE | CLAIM_OTHER);
    for (int i = 0; i < r->count && !open; i++) {
        uint64_t near = 0, m = r->token[i].meaning;
        bool un = str_starts(r->token[i].word, STR("un"));
        if (m & CLAIM_UNHEALTHY && low && (subject || un) && !is_denied(r, i)) {
            return false;
        }
        if (!(m & CLAIM_RISK)) {
            continue;
        }
        for (int k = i > 2 ? i - 2 : 0; k < r->count && k <= i + 3; k++) {
            near |= r->token[k].meaning;
        }
        const char *level = word_of(near, levels, words);
        bool at = i > 0 && r->token[i - 1].meaning & CLAIM_AT && !(r->all & CLAIM_NOT);
        bool told = near & (CLAIM_LOW | CLAIM_MEDIUM | CLAIM_HIGH);
        if ((level && !is_denied(r, i) && !str_eqz(r->t->risk, level)) || (at && !told && low)) {
            return false;
        }
    }
    return open || !(says(r, CLAIM_HEALTHY) && str_eqz(r->t->risk, "high"));
}

/* ---- the whole ----------------------------------------------------------- */

/* "in den letzten", "1.5", "e.g. this": a full stop ends a sentence before a blank and a capital
 * letter, a figure or the end. */
static bool next_sentence(struct str *rest, struct str *out, bool *out_asks)
{
    size_t end = 0;
    if (!rest->n) {
        return false;
    }
    for (; end < rest->n; end++) {
        char ch = rest->p[end];
        bool last = end + 1 == rest->n || rest->p[end + 1] == ' ' || rest->p[end + 1] == '\n';
        if (ch == '\n' || ch == ';' || (strchr(".!?", ch) && last)) {
            break;
        }
    }
    *out_asks = end < rest->n && rest->p[end] == '?';
    *out = str_sub(*rest, 0, end);
    *rest = str_sub(*rest, end + 1, rest->n);
    return true;
}

static bool sentence_holds(struct reading *r, struct str one)
{
    if (!read_sentence(r, one)) {
        return false;
    }
    r->renewal = r->renewal || r->all & CLAIM_RENEWAL;
    for (int i = 0; i < r->count; i++) {
        if ((r->token[i].number && !number_holds(r, i)) || !quantity_holds(r, i) ||
            !share_holds(r, i)) {
            return false;
        }
    }
    return states_hold(r) && times_hold(r) && trend_holds(r) && risk_holds(r);
}

struct str success_claim_false(struct arena *a, const struct success_claim_truth *t,
                               struct str text)
{
    struct reading *r = ARENA_NEW(a, struct reading);
    struct str rest, one, whole = success_number_undated(a, t->figures, text);
    *r = (struct reading){.arena = a, .t = t};
    if (claim_disguise_signs(text)) {
        return text;
    }
    rest = whole;
    while (next_sentence(&rest, &one, &r->asks)) {
        size_t at = (size_t)(one.p - whole.p);
        if (claim_disguise_roman(a, one) || !sentence_holds(r, one)) {
            return str_trim(str_sub(text, at, one.n));
        }
    }
    return STR("");
}
