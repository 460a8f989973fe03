#include "svc/success/question_words.h"

#include <string.h>

#include "codec/date.h"
#include "codec/text.h"

#define HUNDREDTHS_MAX INT64_C(100000000000000000)

enum { DIGITS_MAX = 12, REST_MAX = 12, REST_MAX_CHARS = 80 };

/* ---- words ---------------------------------------------------------------- */

static const struct {
    const char *sign, *name;
} currency_signs[] = {{"\u20ac", "EUR"}, {"$", "USD"}, {"\u00a3", "GBP"}, {NULL, NULL}};

static size_t currency_sign(struct str s)
{
    for (int i = 0; currency_signs[i].sign; i++) {
        struct str sign = str_of(currency_signs[i].sign);
        if (str_starts(s, sign)) {
            return sign.n;
        }
    }
    return 0;
}

static size_t comparison_sign(struct str s)
{
    static const char *const signs[] = {">=", "<=", "\u2265", "\u2264", ">", "<", "="};
    for (size_t i = 0; i < sizeof(signs) / sizeof(*signs); i++) {
        if (str_starts(s, str_of(signs[i]))) {
            return strlen(signs[i]);
        }
    }
    return 0;
}

static void put(struct arena *a, struct question_words *out, struct str raw)
{
    if (raw.n && out->n < QUESTION_WORDS_MAX) {
        struct str plain = str_eqz(raw, "\u2265")   ? STR(">=")
                           : str_eqz(raw, "\u2264") ? STR("<=")
                                                    : text_plain(a, raw);
        out->at[out->n++] = (struct question_word){plain, raw, false, 0};
    }
}

static bool is_any(char c, const char *set)
{
    return c && strchr(set, c);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static void put_word(struct arena *a, struct question_words *out, struct str s)
{
    static const char *const tails[] = {"'s", "\u2019s", "'", "\u2019"};
    while (s.n && is_any(s.p[0], "\"'([{*_#.,;:!?-")) {
        s = str_sub(s, 1, s.n);
    }
    while (s.n && is_any(s.p[s.n - 1], "\")]}*_.,;:!?-")) {
        s.n--;
    }
    for (size_t i = 0; i < sizeof(tails) / sizeof(*tails); i++) {
        if (s.n > strlen(tails[i]) && str_ends(s, str_of(tails[i]))) {
            s.n -= strlen(tails[i]);
            break;
        }
    }
    size_t n = s.n > 1 && !is_digit(s.p[s.n - 1]) ? s.n : 0;
    for (int i = 0; n && currency_signs[i].sign; i++) { /* "50,000€" */
        struct str sign = str_of(currency_signs[i].sign);
        if (str_ends(s, sign) && s.n > sign.n) {
            put(a, out, str_sub(s, 0, s.n - sign.n));
            put(a, out, str_sub(s, s.n - sign.n, sign.n));
            return;
        }
    }
    put(a, out, s);
}

/* A piece between blanks: signs are taken off its front, hyphens and slashes between letters part
 * it. */
static void put_piece(struct arena *a, struct question_words *out, struct str s)
{
    size_t n;
    while (s.n && is_any(s.p[0], "\"'(")) {
        s = str_sub(s, 1, s.n);
    }
    while (s.n && ((n = currency_sign(s)) || (n = comparison_sign(s)))) {
        put(a, out, str_sub(s, 0, n));
        s = str_sub(s, n, s.n);
    }
    int64_t day;
    struct str bare = s;
    while (bare.n && is_any(bare.p[bare.n - 1], ".,;:!?)")) {
        bare.n--;
    }
    if (date_parse_day(bare, &day)) {
        put(a, out, bare);
        return;
    }
    size_t from = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '-' || s.p[i] == '/' || comparison_sign(str_sub(s, i, s.n))) {
            put_word(a, out, str_sub(s, from, i - from));
            n = comparison_sign(str_sub(s, i, s.n));
            put(a, out, n ? str_sub(s, i, n) : STR(""));
            i += n ? n - 1 : 0;
            from = i + 1;
        }
    }
    put_word(a, out, str_sub(s, from, s.n));
}

void question_words_read(struct arena *a, struct str text, struct question_words *out)
{
    size_t from = 0;
    out->n = 0;
    for (size_t i = 0; i <= text.n; i++) {
        if (i == text.n || is_any(text.p[i], " \t\r\n")) {
            put_piece(a, out, str_sub(text, from, i - from));
            from = i + 1;
        }
    }
}

static bool is_one(struct str word, const char *list)
{
    struct str rest = str_of(list), it;
    while (str_split(&rest, ' ', &it)) {
        if (str_eq(word, it)) {
            return true;
        }
    }
    return false;
}

bool question_words_is(const struct question_words *w, int i, const char *list)
{
    return i >= 0 && i < w->n && is_one(w->at[i].plain, list);
}

bool question_words_has(const struct question_words *w, const char *list)
{
    for (int i = 0; i < w->n; i++) {
        if (question_words_is(w, i, list)) {
            return true;
        }
    }
    return false;
}

bool question_words_has_free(const struct question_words *w, const char *list)
{
    for (int i = 0; i < w->n; i++) {
        if (!w->at[i].used && question_words_is(w, i, list)) {
            return true;
        }
    }
    return false;
}

int question_words_phrase(const struct question_words *w, int i, const char *phrase)
{
    struct str rest = str_of(phrase), it;
    int n = 0;
    while (str_split(&rest, ' ', &it)) {
        if (i + n >= w->n || i < 0 || !str_eq(w->at[i + n].plain, it)) {
            return 0;
        }
        n++;
    }
    return n;
}

int question_words_one_of(const struct question_words *w, int i, const char *const *phrases)
{
    for (int p = 0; phrases[p]; p++) {
        int n = question_words_phrase(w, i, phrases[p]);
        if (n) {
            return n;
        }
    }
    return 0;
}

void question_words_use(struct question_words *w, int from, int count)
{
    for (int i = from < 0 ? 0 : from; i < from + count && i < w->n; i++) {
        w->at[i].used = true;
    }
}

void question_words_leave(struct question_words *w, int from, int count)
{
    int to = from + count < w->n ? from + count : w->n;
    while (from > 0 && !w->at[from - 1].used &&
           question_words_is(w, from - 1, "but or do does did")) {
        from--;
    }
    question_words_use(w, from, to - from);
    w->at[from].left = to - from;
}

int question_words_denied(const struct question_words *w, int i, const char *over)
{
    static const char nots[] = "not except excluding exclude never isn't aren't don't doesn't "
                               "haven't hasn't wasn't weren't didn't won't other without no nor "
                               "neither outside";
    static const char small[] = "the a an any in on at by with than currently of for to from be "
                                "been being have has having had longer owned managed run handled "
                                "looked after belong belongs assigned based located stage plan";
    int k = i - 1;
    while (k >= 0 && k > i - 7 && !w->at[k].used &&
           (question_words_is(w, k, small) || question_words_is(w, k, over))) {
        k--;
    }
    return k >= 0 && !w->at[k].used && question_words_is(w, k, nots) ? k : -1;
}

/* ---- numbers -------------------------------------------------------------- */

static bool named_number(struct str word, int64_t *out)
{
    static const struct {
        const char *name;
        int64_t value;
    } names[] = {{"zero", 0},     {"one", 1},     {"two", 2},     {"three", 3},    {"four", 4},
                 {"five", 5},     {"six", 6},     {"seven", 7},   {"eight", 8},    {"nine", 9},
                 {"ten", 10},     {"eleven", 11}, {"twelve", 12}, {"fifteen", 15}, {"twenty", 20},
                 {"thirty", 30},  {"forty", 40},  {"fifty", 50},  {"sixty", 60},   {"ninety", 90},
                 {"hundred", 100}};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        if (str_eqz(word, names[i].name)) {
            *out = names[i].value;
            return true;
        }
    }
    return false;
}

/* What stands behind a number and makes it larger; 0: that is none. */
static int64_t scale_of(struct str s)
{
    return is_one(s, "k thousand") ? 1000 : is_one(s, "m mn mio million millions") ? 1000000 : 0;
}

/* Hundredths of "50,000", "1.5", "50.000" (a point before just three digits parts thousands). */
static bool read_digits(struct str s, int64_t *out, size_t *used)
{
    int64_t whole = 0, part = 0;
    int digits = 0, group = -1, decimals = -1;
    size_t i = 0;
    for (; i < s.n && (is_digit(s.p[i]) || is_any(s.p[i], ",.")); i++) {
        if (!is_digit(s.p[i])) {
            size_t next = i + 1;
            while (next < s.n && is_digit(s.p[next])) {
                next++;
            }
            size_t run = next - i - 1;
            if (run == 0 || (group >= 0 && group != 3) || decimals >= 0) {
                return false;
            }
            if (run == 3) {
                group = 0;
            } else if (run <= 2) {
                decimals = 0;
            } else {
                return false;
            }
        } else if (decimals >= 0) {
            part = part * 10 + (s.p[i] - '0');
            decimals++;
        } else {
            whole = whole * 10 + (s.p[i] - '0');
            group += group >= 0;
            if (++digits > DIGITS_MAX) {
                return false;
            }
        }
    }
    *out = whole * 100 + (decimals == 1 ? part * 10 : part);
    *used = i;
    return digits > 0;
}

/* False: it would be too large. */
static bool scale_up(int64_t *hundredths, int64_t scale)
{
    if (*hundredths > HUNDREDTHS_MAX / scale) {
        return false;
    }
    *hundredths *= scale;
    return true;
}

static bool currency_at(const struct question_words *w, int i, char *out)
{
    static const char codes[] = "eur usd gbp chf sek nok dkk pln";
    static const struct {
        const char *words, *name;
    } spoken[] = {
        {"euro euros", "EUR"}, {"dollar dollars", "USD"}, {"pound pounds", "GBP"}, {NULL, NULL}};
    if (i < 0 || i >= w->n) {
        return false;
    }
    for (int k = 0; currency_signs[k].sign; k++) {
        if (str_eqz(w->at[i].raw, currency_signs[k].sign)) {
            memcpy(out, currency_signs[k].name, 4);
            return true;
        }
    }
    for (int k = 0; spoken[k].words; k++) {
        if (question_words_is(w, i, spoken[k].words)) {
            memcpy(out, spoken[k].name, 4);
            return true;
        }
    }
    if (!question_words_is(w, i, codes)) {
        return false;
    }
    for (int k = 0; k < 3; k++) {
        char c = w->at[i].plain.p[k];
        out[k] = (char)(c - 'a' + 'A');
    }
    out[3] = 0;
    return true;
}

bool question_words_number(const struct question_words *w, int i, struct question_number *out)
{
    struct question_number r = {0};
    int k = i;
    int64_t scale, value;
    size_t used = 0;
    k += currency_at(w, k, r.currency) ? 1 : 0;
    if (k >= w->n) {
        return false;
    }
    struct str s = w->at[k].plain;
    if (named_number(s, &value)) {
        r.hundredths = value * 100;
    } else if (read_digits(s, &r.hundredths, &used)) {
        struct str tail = str_sub(s, used, s.n);
        scale = scale_of(tail);
        if (tail.n && !scale && !str_eqz(tail, "+")) {
            return false;
        }
        r.scaled = scale != 0;
        if (!scale_up(&r.hundredths, scale ? scale : 1)) {
            return false;
        }
    } else {
        return false;
    }
    k++;
    scale = k < w->n && !r.scaled ? scale_of(w->at[k].plain) : 0;
    if (scale) {
        r.scaled = true;
        k++;
        if (!scale_up(&r.hundredths, scale)) {
            return false;
        }
    }
    k += !r.currency[0] && currency_at(w, k, r.currency) ? 1 : 0;
    r.words = k - i;
    *out = r;
    return true;
}

/* ---- what is left --------------------------------------------------------- */

/* Words that ask for nothing by themselves, or for what the table shows anyway. */
static const char *const GLUE[] = {
    "which what who whose whom how many much show list give tell me us find get see display rank "
    "ranking ranked sort sorted order ordered of the a an all any every each and to do does did "
    "doing have has had having is are was were be been being am that those these they them their "
    "it its there here please can could would should will shall may might i we you need needs "
    "want like hello hi hey thanks",
    "most least highest lowest biggest largest smallest top bottom best worst first greatest "
    "fewest more less likely up come comes coming upcoming next current currently right now still",
    "customer customers account accounts client clients company companies portfolio book "
    "business our my renewal renewals renew renews renewed renewing expire expires expiring "
    "contract contracts contracted arr revenue value values worth valuable spend spending pay pays "
    "paying money annual annually yearly year",
    "risk risks churn churning likelihood leave leaving lose losing health healthy healthiest safe "
    "safest strongest unhealthy score scores scored usage adoption use users active daily average "
    "total sum overall ticket tickets open support trend trends list table overview summary number "
    "count people forecast attention trouble focus worry worried look looks looking out about "
    "call compare across among together name names data owner owners plan plans stage stages case "
    "cases issues prepare make report brief today morning start everybody everyone where going "
    "opened end ends ending "
    "got riskiest",
    NULL};
/* These lead to what they stand before. */
static const char LEADS[] =
    "in on at by for from with of than before after since until till within "
    "during over under above below between without not no except excluding "
    "per to the a an and";

static bool is_glue(const struct question_words *w, int i)
{
    if (question_words_is(w, i, "in on at by for from with as")) {
        return true;
    }
    for (int k = 0; GLUE[k]; k++) {
        if (question_words_is(w, i, GLUE[k])) {
            return true;
        }
    }
    return false;
}

/* The next word past i that asks for something, over those that lead to it; -1: none. */
static int next_asking(const struct question_words *w, int i)
{
    int k = i + 1;
    while (k < w->n && !w->at[k].used && is_glue(w, k) && question_words_is(w, k, LEADS)) {
        k++;
    }
    return k < w->n && !w->at[k].used && !is_glue(w, k) ? k : -1;
}

bool question_words_asks(const struct question_words *w, int i)
{
    return i >= 0 && i < w->n && !w->at[i].used && !is_glue(w, i);
}

const struct json *question_words_rest(struct arena *a, const struct question_words *w,
                                       struct str text)
{
    const struct json *rest = &json_empty_array;
    int before = -1; /* the last word of the run before */
    for (int i = 0; i < w->n && (int)json_count(rest) < REST_MAX; i++) {
        int left = w->at[i].left;
        if (!left && (w->at[i].used || is_glue(w, i))) {
            continue;
        }
        int from = i, to = left ? i + left - 1 : i, next;
        while (!left && from - 1 > before && !w->at[from - 1].used &&
               question_words_is(w, from - 1, LEADS)) {
            from--;
        }
        while (!left && (next = next_asking(w, to)) >= 0) {
            to = next;
        }
        size_t begin = (size_t)(w->at[from].raw.p - text.p);
        size_t end = (size_t)(w->at[to].raw.p - text.p) + w->at[to].raw.n;
        struct str part = str_sub(text, begin, end - begin);
        rest = json_push(a, rest, json_new_str(a, text_shorten(a, part, REST_MAX_CHARS)));
        before = i = to;
    }
    return rest;
}
