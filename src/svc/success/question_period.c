#include "svc/success/question_period.h"

#include "codec/date.h"

enum { DAYS_MAX = 3660 };

#define IS(w, i, list) question_words_is(w, i, list)

static int64_t month_start(int64_t now_ms, int months_later)
{
    struct date d = date_of_ms(now_ms, 0);
    int months = d.year * 12 + d.month - 1 + months_later;
    struct date first = {.year = months / 12, .month = months % 12 + 1, .day = 1};
    return date_to_ms(&first, 0);
}

static int64_t quarter_start(int64_t now_ms, int quarters_later)
{
    struct date d = date_of_ms(now_ms, 0);
    return month_start(now_ms, 3 * quarters_later - (d.month - 1) % 3);
}

static int64_t year_start(int64_t now_ms, int years_later)
{
    struct date first = {.year = date_of_ms(now_ms, 0).year + years_later, .month = 1, .day = 1};
    return date_to_ms(&first, 0);
}

static int64_t day_start(int64_t now_ms)
{
    return now_ms - now_ms % DATE_DAY_MS;
}

/* Weeks begin on Monday. */
static int64_t week_start(int64_t now_ms, int weeks_later)
{
    int since_monday = (date_of_ms(now_ms, 0).weekday + 6) % 7;
    return day_start(now_ms) + (7 * weeks_later - since_monday) * DATE_DAY_MS;
}

static int month_of(const struct question_words *w, int i)
{
    static const char *const names[] = {"january jan", "february feb", "march mar",
                                        "april apr",   "may",          "june jun",
                                        "july jul",    "august aug",   "september sep sept",
                                        "october oct", "november nov", "december dec"};
    for (int m = 0; m < 12; m++) {
        if (IS(w, i, names[m])) {
            return m + 1;
        }
    }
    return 0;
}

struct moment {
    int64_t from_ms, to_ms; /* the day, month, quarter or year that is named */
    int words;
    bool impossible;
    bool last; /* its last day is meant: "the end of March" */
};

static bool whole_number(struct str s, int64_t least, int64_t most, int64_t *out)
{
    static const char *const tails[] = {"st", "nd", "rd", "th"};
    for (int i = 0; i < 4; i++) {
        if (s.n > 2 && str_ends(s, str_of(tails[i]))) {
            s.n -= 2;
            break;
        }
    }
    int64_t n;
    if (!str_to_i64(s, &n) || n < least || n > most) {
        return false;
    }
    *out = n;
    return true;
}

static bool year_at(const struct question_words *w, int i, int64_t *out)
{
    int64_t n;
    if (i >= w->n || !str_to_i64(w->at[i].plain, &n) || n < 2000 || n > 2200) {
        return false;
    }
    *out = n;
    return true;
}

/* Without a year the next one that has not passed. */
static bool quarter_at(const struct question_words *w, int i, int64_t now_ms, struct moment *out)
{
    static const char *const names[] = {"q1 1q first", "q2 2q second", "q3 3q third",
                                        "q4 4q fourth last"};
    int64_t year;
    for (int q = 0; q < 4; q++) {
        bool spoken = IS(w, i, names[q]) && IS(w, i + 1, "quarter") && !IS(w, i, "last");
        bool written = IS(w, i, names[q]) && w->at[i].plain.n == 2;
        if (!spoken && !written) {
            continue;
        }
        int k = i + (spoken ? 2 : 1);
        k += IS(w, k, "of") && year_at(w, k + 1, &year) ? 1 : 0;
        bool dated = year_at(w, k, &year);
        struct date first = {
            .year = dated ? (int)year : date_of_ms(now_ms, 0).year, .month = 3 * q + 1, .day = 1};
        int64_t from = date_to_ms(&first, 0);
        if (!dated && month_start(from, 3) <= now_ms) {
            first.year++;
            from = date_to_ms(&first, 0);
        }
        *out = (struct moment){from, month_start(from, 3), k + dated - i, false, false};
        return true;
    }
    return false;
}

/* Days that have a name. */
static bool feast_at(const struct question_words *w, int i, int64_t now_ms, struct moment *out)
{
    static const struct {
        const char *phrase;
        int month, day;
    } feasts[] = {{"christmas eve", 12, 24}, {"christmas", 12, 25},   {"xmas", 12, 25},
                  {"new year day", 1, 1},    {"new years day", 1, 1}, {"the new year", 1, 1},
                  {"new year", 1, 1},        {"new years", 1, 1},     {"year end", 12, 31}};
    for (size_t f = 0; f < sizeof(feasts) / sizeof(*feasts); f++) {
        int n = question_words_phrase(w, i, feasts[f].phrase);
        if (!n) {
            continue;
        }
        struct date d = {date_of_ms(now_ms, 0).year, feasts[f].month, feasts[f].day, 0, 0, 0, 0, 0};
        int64_t year, from = date_to_ms(&d, 0);
        bool dated = year_at(w, i + n, &year);
        if (dated || from + DATE_DAY_MS <= now_ms) {
            d.year = dated ? (int)year : d.year + 1;
            from = date_to_ms(&d, 0);
        }
        *out = (struct moment){from, from + DATE_DAY_MS, n + dated, false, false};
        return true;
    }
    return false;
}

/* "this month", "next quarter", "last year", "today". */
static bool named_span_at(const struct question_words *w, int i, int64_t now_ms, struct moment *out)
{
    static const struct {
        const char *name;
        int64_t (*start)(int64_t now_ms, int later);
    } spans[] = {{"week", week_start},
                 {"month", month_start},
                 {"quarter", quarter_start},
                 {"year", year_start}};
    if (IS(w, i, "today") || IS(w, i, "tomorrow") || IS(w, i, "yesterday")) {
        int64_t from = day_start(now_ms) + (IS(w, i, "tomorrow")    ? DATE_DAY_MS
                                            : IS(w, i, "yesterday") ? -DATE_DAY_MS
                                                                    : 0);
        *out = (struct moment){from, from + DATE_DAY_MS, 1, false, false};
        return true;
    }
    int later = IS(w, i, "next coming") ? 1 : IS(w, i, "last previous past") ? -1 : 0;
    if (!IS(w, i, "this next coming current last previous past")) {
        return false;
    }
    for (size_t k = 0; k < sizeof(spans) / sizeof(*spans); k++) {
        if (IS(w, i + 1, spans[k].name)) {
            *out = (struct moment){spans[k].start(now_ms, later), spans[k].start(now_ms, later + 1),
                                   2, false, false};
            return true;
        }
    }
    return false;
}

static bool month_at(const struct question_words *w, int i, int64_t now_ms, struct moment *out)
{
    int64_t day = 0, year = 0;
    int k = i, month;
    if (whole_number(w->at[k].plain, 1, 99, &day)) {
        k += IS(w, k + 1, "of") && month_of(w, k + 2) ? 2 : 1;
        month = month_of(w, k++);
    } else {
        day = 0;
        month = month_of(w, k++);
        if (month && k < w->n && whole_number(w->at[k].plain, 1, 99, &day)) {
            k++; /* "March 31st" */
        }
    }
    if (!month) {
        return false;
    }
    bool dated = year_at(w, k, &year);
    struct date d = {.year = dated ? (int)year : date_of_ms(now_ms, 0).year,
                     .month = month,
                     .day = day ? (int)day : 1};
    int most_year = dated ? d.year : 2028; /* the 29th of February is a day of some year */
    if (day && !date_is_valid(most_year, month, (int)day)) {
        *out = (struct moment){0, 0, k + dated - i, true, false};
        return true;
    }
    int64_t from = date_to_ms(&d, 0), to = day ? from + DATE_DAY_MS : month_start(from, 1);
    if (!dated && to <= now_ms) {
        d.year++;
        from = date_to_ms(&d, 0);
        to = day ? from + DATE_DAY_MS : month_start(from, 1);
    }
    *out = (struct moment){from, to, k + dated - i, false, false};
    return true;
}

/* Any of the above, "end of" and "the" before it, "2027-03-01", "2027". */
static bool moment_at(const struct question_words *w, int i, int64_t now_ms, struct moment *out)
{
    int64_t ms, year;
    if (i >= w->n) {
        return false;
    }
    if (question_words_phrase(w, i, "the year end")) {
        i++;
    }
    int lead = question_words_phrase(w, i, "the end of the") ? 4
               : question_words_phrase(w, i, "the end of")   ? 3
               : question_words_phrase(w, i, "end of the")   ? 3
               : question_words_phrase(w, i, "end of")       ? 2
               : IS(w, i, "the") && !IS(w, i + 1, "new")     ? 1
                                                             : 0;
    int k = i + lead;
    if (k >= w->n) {
        return false;
    }
    bool whole = lead > 1 && IS(w, k, "year quarter month week");
    if (whole) { /* "the end of the year" is that of this one */
        int64_t to = IS(w, k, "year")      ? year_start(now_ms, 1)
                     : IS(w, k, "quarter") ? quarter_start(now_ms, 1)
                     : IS(w, k, "month")   ? month_start(now_ms, 1)
                                           : week_start(now_ms, 1);
        *out = (struct moment){to - DATE_DAY_MS, to, lead + 1, false, true};
        return true;
    }
    if (date_parse_day(w->at[k].plain, &ms)) {
        *out = (struct moment){ms, ms + DATE_DAY_MS, 1, false, false};
    } else if (year_at(w, k, &year)) {
        struct date first = {.year = (int)year, .month = 1, .day = 1};
        *out = (struct moment){date_to_ms(&first, 0), year_start(date_to_ms(&first, 0), 1), 1,
                               false, false};
    } else if (!feast_at(w, k, now_ms, out) && !quarter_at(w, k, now_ms, out) &&
               !named_span_at(w, k, now_ms, out) && !month_at(w, k, now_ms, out)) {
        return false;
    }
    if (lead > 1) {
        out->from_ms = out->to_ms - DATE_DAY_MS;
        out->last = true;
    }
    out->words += lead;
    return true;
}

/* "60 days", "the next three months", "a week": days; words are how many it took. */
static int64_t days_at(const struct question_words *w, int i, int *words, bool *past)
{
    struct question_number n = {.hundredths = 100};
    int k = i;
    k += IS(w, k, "the") ? 1 : 0;
    *past = IS(w, k, "last past previous");
    k += IS(w, k, "next coming following last past previous") ? 1 : 0;
    k += IS(w, k, "a") ? 1 : 0;
    if (question_words_number(w, k, &n)) {
        k += n.words;
    }
    int64_t days = IS(w, k, "day days")           ? 1
                   : IS(w, k, "week weeks")       ? 7
                   : IS(w, k, "month months")     ? 30
                   : IS(w, k, "quarter quarters") ? 91
                   : IS(w, k, "year years")       ? 365
                                                  : 0;
    *words = k + 1 - i;
    int64_t count = n.hundredths / 100;
    return n.currency[0] || n.scaled || n.hundredths % 100 || count < 1 || count > DAYS_MAX ||
                   count * days > DAYS_MAX
               ? 0
               : count * days;
}

struct reader {
    struct question_words *w;
    struct str text;
    int64_t now_ms;
    struct question_periods out;
};

/* "after January" and "before March" are one period. */
static bool is_closed_by(const struct question_period *first, const struct question_period *p)
{
    if (first->since || p->since) {
        return false; /* "renew before March and fell since September" */
    }
    if (first->impossible.n || p->impossible.n) {
        return !first->after_ms && !first->before_ms && !p->impossible.n;
    }
    bool begins = first->after_ms && !first->before_ms && !p->after_ms;
    bool ends = first->before_ms && !first->after_ms && !p->before_ms;
    return (begins && p->before_ms > first->after_ms) || (ends && p->after_ms < first->before_ms);
}

/* Whether the words right before i are left out: "did not improve", of "did not improve in May". */
static bool left_with(struct reader *r, int i, int n)
{
    for (int k = 0; k < i; k++) {
        if (r->w->at[k].left && k + r->w->at[k].left == i) {
            question_words_use(r->w, i, n);
            r->w->at[k].left += n;
            return true;
        }
    }
    return false;
}

static int take(struct reader *r, int i, int words, const struct question_period *p)
{
    static const char renews[] = "renew renews renewed renewing renewal renewals expire expires "
                                 "expired expiring end ends ending due up come comes coming later "
                                 "earlier";
    struct question_periods *two = &r->out;
    int from = question_words_denied(r->w, i, renews);
    if (left_with(r, i, words)) {
        return words;
    }
    bool closes = !two->one.named || (!two->other.named && is_closed_by(&two->one, p));
    bool second = !closes && !two->other.named && !p->impossible.n && !two->one.impossible.n;
    if (from >= 0 || (!closes && !second)) {
        two->one.denied = two->one.denied || from >= 0;
        from = from < 0 ? i : from;
        question_words_leave(r->w, from, i + words - from);
        return words;
    }
    struct question_period *out = second ? &two->other : &two->one;
    if (!out->named) {
        out->first = i;
        out->count = words;
    }
    out->named = true;
    out->after_ms = p->after_ms ? p->after_ms : out->after_ms;
    out->before_ms = p->before_ms ? p->before_ms : out->before_ms;
    out->since = out->since || p->since;
    out->impossible = p->impossible.n ? p->impossible : out->impossible;
    question_words_use(r->w, i, words);
    return words;
}

/* "within 60 days", "in the next quarter", "in less than 30 days", "next two weeks". */
static int span_at(struct reader *r, int i)
{
    static const char *const fewer[] = {"less than", "fewer than", "under", "at most",
                                        "up to",     "<",          NULL};
    int k = i, words;
    bool past, led = IS(r->w, k, "within in during") ||
                     (IS(r->w, k, "over for") && IS(r->w, k + 1, "the next last past"));
    k += led ? 1 : 0;
    int less = led ? question_words_one_of(r->w, k, fewer) : 0;
    k += less;
    bool next = IS(r->w, k, "next coming following last past previous") ||
                (IS(r->w, k, "the") && IS(r->w, k + 1, "next coming following last past previous"));
    if (!led && !next) {
        return 0;
    }
    int64_t days = days_at(r->w, k, &words, &past);
    bool counted = led || words > 2; /* "next month" is that of the calendar */
    bool plain = led && words == 2 && IS(r->w, k, "next coming last past previous");
    if (!days || !counted || plain) {
        return 0;
    }
    k += words;
    int64_t today = day_start(r->now_ms);
    struct question_period p = {.after_ms = past ? today - days * DATE_DAY_MS : today,
                                .before_ms =
                                    past ? today + DATE_DAY_MS : r->now_ms + days * DATE_DAY_MS};
    return take(r, i, k - i, &p);
}

static int bounded_at(struct reader *r, int i)
{
    struct moment m, other;
    struct question_period p = {0};
    bool dashed = IS(r->w, i, "between from");
    if (dashed && moment_at(r->w, i + 1, r->now_ms, &m) && !m.impossible &&
        IS(r->w, i + 1 + m.words, "and to until till") &&
        moment_at(r->w, i + 2 + m.words, r->now_ms, &other) && !other.impossible) {
        p.after_ms = m.from_ms;
        p.before_ms = other.to_ms;
        return take(r, i, 2 + m.words + other.words, &p);
    }
    bool led = IS(r->w, i, "before by until till after from since in during for on this");
    led = led && !IS(r->w, i, "this");
    bool loose = !led && !IS(r->w, i, "may march mar") && !year_at(r->w, i, &(int64_t){0});
    int64_t year;
    if (!led && IS(r->w, i, "may march mar") && year_at(r->w, i + 1, &year)) {
        loose = true;
    }
    int at = led ? i + 1 : i;
    if ((!led && !loose) || !moment_at(r->w, at, r->now_ms, &m)) {
        return 0;
    }
    if (m.impossible) {
        const struct question_word *first = &r->w->at[at], *last = &r->w->at[at + m.words - 1];
        p.impossible = str_make(first->raw.p, (size_t)(last->raw.p - first->raw.p) + last->raw.n);
    } else if (IS(r->w, i, "before by until till")) {
        p.before_ms = IS(r->w, i, "before") && !m.last ? m.from_ms : m.to_ms;
    } else if (IS(r->w, i, "after from since")) {
        p.after_ms = IS(r->w, i, "after") ? m.to_ms : m.from_ms;
        p.since = IS(r->w, i, "since");
        if (p.since && p.after_ms > r->now_ms) { /* the last September, not the next */
            struct date d = date_of_ms(p.after_ms, 0);
            d.year--;
            p.after_ms = date_to_ms(&d, 0);
        }
    } else {
        p.after_ms = m.from_ms;
        p.before_ms = m.to_ms;
    }
    return take(r, i, m.words + (led ? 1 : 0), &p);
}

static int overdue_at(struct reader *r, int i)
{
    static const char *const phrases[] = {"past due", "overdue",     "lapsed",
                                          "expired",  "has passed",  "have passed",
                                          "ran out",  "in the past", NULL};
    int n = question_words_one_of(r->w, i, phrases);
    int from = n ? question_words_denied(r->w, i, "") : -1;
    if (from >= 0) {
        question_words_leave(r->w, from, i + n - from);
    } else if (n) {
        r->out.one.overdue = true;
        question_words_use(r->w, i, n);
    }
    return n;
}

struct question_periods question_period_read(struct question_words *w, struct str text,
                                             int64_t now_ms)
{
    struct reader r = {.w = w, .text = text, .now_ms = now_ms};
    for (int i = 0; i < w->n; i++) {
        int n = w->at[i].used ? 1 : span_at(&r, i);
        n = n ? n : bounded_at(&r, i);
        n = n ? n : overdue_at(&r, i);
        if (!n && IS(w, i, "soon shortly")) {
            int64_t today = day_start(now_ms);
            struct question_period p = {.after_ms = today, .before_ms = today + 91 * DATE_DAY_MS};
            take(&r, i, 1, &p);
        }
        i += n ? n - 1 : 0;
    }
    return r.out;
}

int question_period_from(const struct question_words *w, const struct question_period *p,
                         const char *list)
{
    for (int i = p->first - 1; i >= 0 && !IS(w, i, "and but"); i--) {
        if (IS(w, i, list)) {
            return p->first - i;
        }
    }
    int end = p->first + p->count;
    for (int i = end; i < w->n && !IS(w, i, "and but"); i++) {
        if (IS(w, i, list)) {
            return i - end + 1;
        }
    }
    return QUESTION_WORDS_MAX;
}
