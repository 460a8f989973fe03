#include "codec/date.h"

enum { MINUTE_MS = 60000, YEAR_MIN = 1, YEAR_MAX = 9999 };

static const char *const MONTHS[] = {"January",   "February", "March",    "April",
                                     "May",       "June",     "July",     "August",
                                     "September", "October",  "November", "December"};
static const char *const WEEKDAYS[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};

/* Days since 1970-01-01 of a civil day, counting years from March so that the leap day comes last.
 */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

static void civil_of(int64_t days, struct date *out_date)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t day_of_era = days - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month = (5 * day_of_year + 2) / 153;
    out_date->day = (int)(day_of_year - (153 * month + 2) / 5 + 1);
    out_date->month = (int)(month < 10 ? month + 3 : month - 9);
    out_date->year = (int)(year_of_era + era * 400 + (out_date->month <= 2));
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

struct date date_of_ms(int64_t ms, int offset_minutes)
{
    const int64_t first = days_of(YEAR_MIN, 1, 1) * DATE_DAY_MS;
    const int64_t last = days_of(YEAR_MAX + 1, 1, 1) * DATE_DAY_MS - 1;
    ms = ms < first ? first : ms > last ? last : ms;
    ms += (int64_t)offset_minutes * MINUTE_MS;
    int64_t days = floor_div(ms, DATE_DAY_MS);
    int rest = (int)(ms - days * DATE_DAY_MS);
    struct date d = {.hour = rest / 3600000,
                     .minute = rest / MINUTE_MS % 60,
                     .second = rest / 1000 % 60,
                     .ms = rest % 1000,
                     .weekday = (int)((days % 7 + 11) % 7)};
    civil_of(days, &d);
    return d;
}

int64_t date_to_ms(const struct date *d, int offset_minutes)
{
    int64_t months = (int64_t)d->year * 12 + d->month - 1;
    int64_t year = floor_div(months, 12);
    int64_t days = days_of(year, months - year * 12 + 1, 1) + d->day - 1;
    return days * DATE_DAY_MS + (int64_t)d->hour * 3600000 +
           ((int64_t)d->minute - offset_minutes) * MINUTE_MS + (int64_t)d->second * 1000 + d->ms;
}

bool date_is_valid(int year, int month, int day)
{
    static const int LENGTHS[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (year < YEAR_MIN || year > YEAR_MAX || month < 1 || month > 12 || day < 1) {
        return false;
    }
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return day <= LENGTHS[month - 1] + (month == 2 && leap);
}

/* Reading */

/* Cuts exactly n digits off the front. */
static bool take_digits(struct str *s, size_t n, int *out_value)
{
    int value = 0;
    if (s->n < n) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        if (s->p[i] < '0' || s->p[i] > '9') {
            return false;
        }
        value = value * 10 + (s->p[i] - '0');
    }
    *s = str_sub(*s, n, s->n);
    *out_value = value;
    return true;
}

static bool take(struct str *s, char c)
{
    if (s->n == 0 || s->p[0] != c) {
        return false;
    }
    *s = str_sub(*s, 1, s->n);
    return true;
}

static bool take_day(struct str *s, struct date *d)
{
    return take_digits(s, 4, &d->year) && take(s, '-') && take_digits(s, 2, &d->month) &&
           take(s, '-') && take_digits(s, 2, &d->day) && date_is_valid(d->year, d->month, d->day);
}

/* Up to nine digits; what is finer than a millisecond is dropped. */
static bool take_fraction(struct str *s, int *out_ms)
{
    int ms = 0, digits = 0;
    while (s->n && s->p[0] >= '0' && s->p[0] <= '9' && digits < 9) {
        ms = digits < 3 ? ms * 10 + (s->p[0] - '0') : ms;
        *s = str_sub(*s, 1, s->n);
        digits++;
    }
    for (int i = digits; i < 3; i++) {
        ms *= 10;
    }
    *out_ms = ms;
    return digits > 0;
}

static bool take_clock(struct str *s, struct date *d)
{
    if (!take_digits(s, 2, &d->hour) || !take(s, ':') || !take_digits(s, 2, &d->minute)) {
        return false;
    }
    if (take(s, ':')) {
        if (!take_digits(s, 2, &d->second) || (take(s, '.') && !take_fraction(s, &d->ms))) {
            return false;
        }
    }
    return d->hour <= 23 && d->minute <= 59 && d->second <= 59;
}

/* Z, z, +hh:mm, -hh:mm, or nothing for UTC. */
static bool take_offset(struct str *s, int *out_minutes)
{
    *out_minutes = 0;
    if (s->n == 0 || take(s, 'Z') || take(s, 'z')) {
        return true;
    }
    int hours, minutes, sign = take(s, '-') ? -1 : take(s, '+') ? 1 : 0;
    if (sign == 0 || !take_digits(s, 2, &hours) || !take(s, ':') || !take_digits(s, 2, &minutes) ||
        hours > 23 || minutes > 59) {
        return false;
    }
    *out_minutes = sign * (hours * 60 + minutes);
    return true;
}

bool date_parse(struct str text, int64_t *out_ms)
{
    struct date d = {0};
    int offset = 0;
    if (!take_day(&text, &d)) {
        return false;
    }
    if (text.n) {
        bool between = take(&text, 'T') || take(&text, 't') || take(&text, ' ');
        if (!between || !take_clock(&text, &d) || !take_offset(&text, &offset) || text.n) {
            return false;
        }
    }
    *out_ms = date_to_ms(&d, offset);
    return true;
}

bool date_parse_day(struct str text, int64_t *out_ms)
{
    return text.n == 10 && date_parse(text, out_ms);
}

/* Writing */

struct str date_iso(struct arena *a, int64_t ms)
{
    struct date d = date_of_ms(ms, 0);
    return str_fmt(a, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", d.year, d.month, d.day, d.hour,
                   d.minute, d.second, d.ms);
}

struct str date_iso_day(struct arena *a, int64_t ms)
{
    struct date d = date_of_ms(ms, 0);
    return str_fmt(a, "%04d-%02d-%02d", d.year, d.month, d.day);
}

struct str date_http(struct arena *a, int64_t ms)
{
    struct date d = date_of_ms(ms, 0);
    return str_fmt(a, "%s, %02d %.3s %04d %02d:%02d:%02d GMT", WEEKDAYS[d.weekday], d.day,
                   MONTHS[d.month - 1], d.year, d.hour, d.minute, d.second);
}

struct str date_words(struct arena *a, int64_t ms)
{
    struct date d = date_of_ms(ms, 0);
    return str_fmt(a, "%d %s %d", d.day, MONTHS[d.month - 1], d.year);
}

struct str date_words_time(struct arena *a, int64_t ms)
{
    struct date d = date_of_ms(ms, 0);
    return str_fmt(a, "%d %s %d, %02d:%02d", d.day, MONTHS[d.month - 1], d.year, d.hour, d.minute);
}
