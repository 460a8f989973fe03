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
                 {"\u20bf", "XBT"}, {"¢", "USc"}};
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
        return !(phrase & CLAIM_SOLVED) && !(clause & CLAIM_SOLVED && clause & CLAIM_BE);
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

static bool quantity_holds(struct reading *r, int i)
{
    const uint64_t things = CLAIM_USERS | CLAIM_TICKETS | CLAIM_OTHER;
    const uint64_t spans = CLAIM_DAYS | CLAIM_MONTHS | CLAIM_SCORE | CLAIM_MONEY;
    uint64_t m = r->token[i].meaning;
    uint64_t near = behind(r, i, NEAR, COUNTED);
    bool how = i > 0 && r->token[i - 1].meaning & CLAIM_HOW;
    if (m & CLAIM_PART) {
        return false;
    }
    if (m & CLAIM_ZERO && i + 1 < r->count && str_eqz(r->token[i + 1].word, "de")) {
        near = behind(r, i + 1, NEAR, COUNTED); /* "pas de tickets" */
    }
    if (m & CLAIM_ZERO) {
        return is_zero(r, near & (CLAIM_USERS | CLAIM_TICKETS | CLAIM_SCORE | CLAIM_MONEY));
    }
    for (int k = i + 1; m & CLAIM_NOT && k < r->count && k <= i + NEAR; k++) {
        if (r->token[k].meaning & CLAIM_TICKETS && !is_zero(r, CLAIM_TICKETS)) {
            return false; /* "they do not have open tickets" */
        }
    }
    if (m & CLAIM_NONE && !(m & CLAIM_USERS)) {
        uint64_t kind = kind_of(r, i);
        return kind && is_zero(r, kind);
    }
    if (m & CLAIM_ONE && near & (CLAIM_TICKETS | CLAIM_USERS)) {
        r->token[i].value = 1;
        return number_holds(r, i);
    }
    if (m & CLAIM_ALL && near & things) {
        return !(r->all & (CLAIM_BE | CLAIM_GONE | CLAIM_LEFT | CLAIM_DOWN | CLAIM_UP));
    }
    if (m & CLAIM_MANY && !how && near & (things | spans)) {
        return false;
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

static bool states_hold(const struct reading *r)
{
    bool open = r->asks || r->all & CLAIM_IF;
    bool over = false; /* "is over"; in Dutch, "over" is "in" */
    for (int i = 1; i < r->count; i++) {
        over = over || (str_eqz(r->token[i].word, "over") && str_eqz(r->token[i - 1].word, "is"));
    }
    bool ended = r->all & CLAIM_EXPIRED || ((over || r->all & CLAIM_ENDED) && r->renewal);
    if (ended && !open && !(r->all & CLAIM_NOT) && !has_passed(r)) {
        return false;
    }
    if (r->all & CLAIM_GONE && !open && !(r->all & CLAIM_NOT)) {
        return false;
    }
    for (int i = 0; i < r->count && !open; i++) {
        uint64_t m = r->token[i].meaning;
        if (m & CLAIM_LEFT && i > 0 && r->token[i - 1].meaning & (CLAIM_HAVE | CLAIM_USERS)) {
            return false;
        }
        for (int k = i + 1; m & CLAIM_WILL && k < r->count && k <= i + NEAR; k++) {
            if (r->token[k].meaning & CLAIM_LEAVE) {
                return false;
            }
        }
        if (r->token[i].date && clause_of(r, i) & CLAIM_EVENT) {
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

static bool trend_holds(const struct reading *r)
{
    static const uint64_t ways[] = {CLAIM_UP, CLAIM_FLAT, CLAIM_DOWN};
    static const char *const words[] = {"up", "flat", "down"};
    const char *way = word_of(r->all, ways, words);
    double delta = json_number(figure_of(r, "score_delta"), 0);
    if (!way || r->asks || r->all & (CLAIM_IF | CLAIM_NOT)) {
        return true;
    }
    if (r->all & (CLAIM_USAGE | CLAIM_USERS)) {
        return str_eqz(r->t->trend, way);
    }
    if (r->all & CLAIM_SCORE && !(r->all & CLAIM_TICKETS)) {
        return *way == 'u' ? delta > 0 : *way == 'd' ? delta < 0 : delta == 0;
    }
    return !(r->all & CLAIM_TICKETS);
}

static bool risk_holds(const struct reading *r)
{
    static const uint64_t levels[] = {CLAIM_LOW, CLAIM_MEDIUM, CLAIM_HIGH};
    static const char *const words[] = {"low", "medium", "high"};
    bool open = r->asks || r->all & (CLAIM_IF | CLAIM_NOT);
    for (int i = 0; i < r->count && !open; i++) {
        uint64_t near = 0;
        if (!(r->token[i].meaning & CLAIM_RISK)) {
            continue;
        }
        for (int k = i > 2 ? i - 2 : 0; k < r->count && k <= i + 3; k++) {
            near |= r->token[k].meaning;
        }
        const char *level = word_of(near, levels, words);
        bool at = i > 0 && r->token[i - 1].meaning & CLAIM_AT;
        if ((level && !str_eqz(r->t->risk, level)) ||
            (at && !(near & (CLAIM_LOW | CLAIM_MEDIUM | CLAIM_HIGH)) &&
             str_eqz(r->t->risk, "low"))) {
            return false;
        }
    }
    return open || (!(r->all & CLAIM_HEALTHY && str_eqz(r->t->risk, "high")) &&
                    !(r->all & CLAIM_UNHEALTHY && str_eqz(r->t->risk, "low")));
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
