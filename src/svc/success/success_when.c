#include "svc/success/success_when.h"

#include <string.h>

#include "codec/date.h"

enum { WORDS_MAX = 400, YEAR_MIN = 1990, YEAR_MAX = 2200 };

struct reading {
    struct str words[WORDS_MAX]; /* lower case; digits and letters, "2026-06-03" in one */
    int count;
    int64_t now_ms;
    bool was; /* asks how things were */
};

static bool is_part(char ch)
{
    return (ch >= 'a' && ch <= 'z') || (ch >= '0' && ch <= '9') || ch == '-' || ch < 0;
}

static struct str without(struct arena *a, struct str text, const struct json *quotes)
{
    char *p = arena_alloc(a, text.n + 1);
    memcpy(p, text.p, text.n);
    for (size_t i = 0; i < json_count(quotes); i++) {
        struct str quote = json_text(json_at(quotes, i), STR(""));
        for (size_t from = 0; quote.n && from < text.n;) {
            ptrdiff_t at = str_find(str_make(p + from, text.n - from), quote);
            if (at < 0) {
                break;
            }
            memset(p + from + at, '.', quote.n);
            from += (size_t)at + quote.n;
        }
    }
    return str_make(p, text.n);
}

static void read_words(struct reading *r, struct str low)
{
    size_t i = 0;
    while (i < low.n && r->count < WORDS_MAX) {
        size_t from = i;
        while (i < low.n && is_part(low.p[i])) {
            i++;
        }
        if (i > from) {
            r->words[r->count++] = str_sub(low, from, i - from);
        } else {
            i++;
        }
    }
}

static bool is_one(const struct reading *r, int i, const char *const *words)
{
    for (; i >= 0 && i < r->count && *words; words++) {
        if (str_eqz(r->words[i], *words)) {
            return true;
        }
    }
    return false;
}

static int month_of(const struct reading *r, int i)
{
    static const char *const months[][4] = {
        {"january", "jan"},
        {"february", "feb"},
        {"march", "mar"},
        {"april", "apr"},
        {"may"},
        {"june", "jun"},
        {"july", "jul"},
        {"august", "aug"},
        {"september", "sep", "sept"},
        {"october", "oct"},
        {"november", "nov"},
        {"december", "dec"},
    };
    for (int m = 0; m < 12; m++) {
        if (is_one(r, i, months[m])) {
            return m + 1;
        }
    }
    return 0;
}

static bool read_year(const struct reading *r, int i, int *out)
{
    int64_t v;
    bool good = i < r->count && r->words[i].n == 4 && str_to_i64(r->words[i], &v) &&
                v >= YEAR_MIN && v <= YEAR_MAX;
    *out = good ? (int)v : *out;
    return good;
}

/* "3", "3rd" */
static int day_of(const struct reading *r, int i)
{
    if (i < 0 || i >= r->count) {
        return 0;
    }
    struct str w = r->words[i];
    size_t digits = 0;
    while (digits < w.n && w.p[digits] >= '0' && w.p[digits] <= '9') {
        digits++;
    }
    struct str end = str_sub(w, digits, w.n);
    int64_t v = 0;
    bool good = digits > 0 && digits < 3 &&
                (!end.n || str_eqz(end, "st") || str_eqz(end, "nd") || str_eqz(end, "rd") ||
                 str_eqz(end, "th")) &&
                str_to_i64(str_sub(w, 0, digits), &v);
    return good && v <= 31 ? (int)v : 0;
}

/* What stands before a moment that is meant, not a border of some time. */
static bool points_at(const struct reading *r, int i)
{
    static const char *const heads[] = {"in", "on", "during", "of", "last", NULL};
    return is_one(r, i, heads);
}

static int64_t end_of(int year, int month, int day)
{
    struct date end = {.year = year, .month = day ? month : month + 1, .day = day ? day + 1 : 1};
    return date_to_ms(&end, 0) - 1;
}

/* The last one that has ended. */
static int64_t last_end(const struct reading *r, int month, int day)
{
    int year = date_of_ms(r->now_ms, 0).year;
    int64_t ms = end_of(year, month, day);
    return ms < r->now_ms ? ms : end_of(year - 1, month, day);
}

/* "in June 2026", "on 3 June 2026", "on June 3rd, 2026", "last March"; `i` is the month's. */
static bool read_month(const struct reading *r, int i, int64_t *out)
{
    int month = month_of(r, i), before = day_of(r, i - 1), after = day_of(r, i + 1), year;
    int head = before ? i - 2 : i - 1;
    if (i > 1 && str_eqz(r->words[i - 1], "of") && day_of(r, i - 2)) { /* the 3rd of June */
        before = day_of(r, i - 2);
        head = i - 3;
    }
    head = head >= 0 && str_eqz(r->words[head], "the") ? head - 1 : head;
    if (!month || !points_at(r, head)) {
        return false;
    }
    int day = before ? before : after;
    bool stated = read_year(r, after && !before ? i + 2 : i + 1, &year);
    if (stated && day && !date_is_valid(year, month, day)) {
        return false;
    }
    bool last = str_eqz(r->words[head], "last");
    if (!stated && !last && !r->was) {
        return false;
    }
    *out = stated ? end_of(year, month, day) : last_end(r, month, day);
    return true;
}

static bool read_near(const struct reading *r, int i, int64_t *out)
{
    struct date now = date_of_ms(r->now_ms, 0);
    if (!r->was) {
        return false;
    }
    if (str_eqz(r->words[i], "yesterday")) {
        *out = end_of(now.year, now.month, now.day) - DATE_DAY_MS;
        return true;
    }
    if (i == 0 || !str_eqz(r->words[i - 1], "last")) {
        return false;
    }
    bool month = str_eqz(r->words[i], "month"), year = str_eqz(r->words[i], "year");
    *out = month ? end_of(now.year, now.month - 1, 0) : end_of(now.year - 1, 12, 0);
    return month || year;
}

bool success_when_of(struct arena *a, struct str text, const struct json *quotes, int64_t now_ms,
                     int64_t *out_end_ms)
{
    static const char *const past[] = {"was", "were", "did", "had", NULL};
    struct reading *r = ARENA_NEW(a, struct reading);
    int64_t ms;
    r->now_ms = now_ms;
    read_words(r, str_lower(a, without(a, text, quotes)));
    for (int i = 0; i < r->count; i++) {
        r->was = r->was || is_one(r, i, past);
    }
    for (int i = 0; i < r->count; i++) {
        bool day = points_at(r, i - 1) && date_parse_day(r->words[i], &ms);
        if (day) {
            ms += DATE_DAY_MS - 1;
        }
        if ((day || read_month(r, i, &ms) || read_near(r, i, &ms)) && ms < now_ms && ms > 0) {
            *out_end_ms = ms;
            return true;
        }
    }
    return false;
}
