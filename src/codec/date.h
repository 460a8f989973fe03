/* Dates between text and Unix milliseconds: ISO 8601 (RFC 3339), HTTP dates, and text for people.
 * The proleptic Gregorian calendar, years 1 to 9999, UTC unless an offset is given. Pure: reads no
 * clock and no time zone of the machine. */
#ifndef CODEC_DATE_H
#define CODEC_DATE_H

#include "base/arena.h"
#include "base/str.h"

#define DATE_DAY_MS ((int64_t)86400000)

struct date {
    int year, month, day; /* month and day from 1 */
    int hour, minute, second, ms;
    int weekday; /* 0 Sunday */
};

struct date date_of_ms(int64_t ms, int offset_minutes);
/* Fields out of range carry over (day 32 is the next month's first). */
int64_t date_to_ms(const struct date *d, int offset_minutes);
bool date_is_valid(int year, int month, int day);

/* "2026-03-01", "2026-03-01T10:20:30Z", "...30.123+02:00", a blank for T, seconds optional. */
bool date_parse(struct str text, int64_t *out_ms);
/* Only the full form of a calendar day. */
bool date_parse_day(struct str text, int64_t *out_ms);

struct str date_iso(struct arena *a, int64_t ms);        /* 2026-03-01T10:20:30.123Z */
struct str date_iso_day(struct arena *a, int64_t ms);    /* 2026-03-01 */
struct str date_http(struct arena *a, int64_t ms);       /* Sun, 01 Mar 2026 10:20:30 GMT */
struct str date_words(struct arena *a, int64_t ms);      /* 1 March 2026 */
struct str date_words_time(struct arena *a, int64_t ms); /* 1 March 2026, 10:20 */

#endif
