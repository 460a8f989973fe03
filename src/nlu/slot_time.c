#include <ctype.h>
#include <math.h>
#include <string.h>

#include "nlu/slot_scan.h"

enum { MINUTE_MS = 60000, DAY_MINUTES = 24 * 60 };

/* Lengths of time */

static const struct unit {
    const char *words;
    int months, days;
    int64_t ms;
} UNITS[] = {
    {"second/seconds/sec/secs", 0, 0, 1000},
    {"minute/minutes/min/mins", 0, 0, MINUTE_MS},
    {"hour/hours/hr/hrs/h", 0, 0, 60 * MINUTE_MS},
    {"day/days", 0, 1, 0},
    {"week/weeks", 0, 7, 0},
    {"fortnight/fortnights", 0, 14, 0},
    {"month/months", 1, 0, 0},
    {"quarter/quarters", 3, 0, 0},
    {"year/years/yr/yrs", 12, 0, 0},
};

static const struct unit *unit_at(const struct slot_scan *s, size_t i)
{
    for (size_t k = 0; k < sizeof UNITS / sizeof UNITS[0]; k++) {
        if (slot_scan_is(s, i, UNITS[k].words)) {
            return &UNITS[k];
        }
    }
    return NULL;
}

static bool scale_unit(const struct unit *u, double count, struct slot_span *out)
{
    if (count < 0 || count > 100000) {
        return false;
    }
    double months = u->months * count, days = u->days * count, ms = (double)u->ms * count;
    /* Half a month is two weeks or so; half a day is twelve hours. */
    days += (months - floor(months)) * 30;
    ms += (days - floor(days)) * (double)DATE_DAY_MS;
    out->months += (int)floor(months);
    out->days += (int)floor(days);
    out->ms += (int64_t)llround(ms);
    return true;
}

bool slot_time_span_at(const struct slot_scan *s, size_t i, struct slot_span *out)
{
    struct slot_span span = {.first = i};
    struct slot_number n;
    double count = 1;
    size_t at = i;
    if (slot_scan_at(s, i, "half") && slot_scan_is(s, i + 1, "a/an")) {
        count = 0.5;
        at = i + 2;
    } else if (slot_number_at(s, i, &n) && !n.ordinal && !n.in_id) {
        count = n.value;
        at = n.last + 1;
    } else if (slot_scan_at(s, i, "a/an/one")) {
        at = i + 1;
    } else if (slot_scan_at(s, i, "fortnight")) {
        at = i;
    } else {
        return false;
    }
    at += slot_scan_is(s, at, "more/full/whole/business/working");
    const struct unit *unit = unit_at(s, at);
    if (!unit || !scale_unit(unit, count, &span)) {
        return false;
    }
    if (slot_scan_is(s, at + 1, "and") && slot_scan_is(s, at + 2, "a") &&
        slot_scan_is(s, at + 3, "half")) {
        scale_unit(unit, 0.5, &span);
        at += 3;
    }
    span.last = at;
    *out = span;
    return true;
}

/* ISO 8601: "P2M14DT1H30M". */
static struct str span_text(struct arena *a, const struct slot_span *span)
{
    struct buf b = buf_make(64);
    int64_t minutes = span->ms / MINUTE_MS, seconds = span->ms % MINUTE_MS / 1000;
    buf_add_char(&b, 'P');
    if (span->months) {
        buf_addf(&b, "%dM", span->months);
    }
    if (span->days) {
        buf_addf(&b, "%dD", span->days);
    }
    if (span->ms) {
        buf_add_char(&b, 'T');
    }
    if (minutes / 60) {
        buf_addf(&b, "%lldH", (long long)(minutes / 60));
    }
    if (minutes % 60) {
        buf_addf(&b, "%lldM", (long long)(minutes % 60));
    }
    if (seconds || b.n == 1) {
        buf_addf(&b, b.n == 1 ? "T%lldS" : "%lldS", (long long)seconds);
    }
    struct str text = str_dup(a, buf_str(&b));
    buf_free(&b);
    return text;
}

void slot_time_find_spans(struct slot_scan *s)
{
    for (size_t i = 0; i < s->words.count; i++) {
        struct slot_span span;
        if (!slot_time_span_at(s, i, &span)) {
            continue;
        }
        int64_t days = (int64_t)span.months * 30 + span.days;
        slot_scan_put(s, (struct slot){.start = s->words.words[span.first].start,
                                       .end = s->words.words[span.last].end,
                                       .confidence = 0.95,
                                       .text = span_text(s->arena, &span),
                                       .integer = days * DATE_DAY_MS + span.ms});
        i = span.last;
    }
}

/* Times of day */

/* 0: none; 'a', 'p': the letter of am or pm. `word` is "am", "pm" or the first part of "p.m.". */
static char meridiem_at(const struct slot_scan *s, size_t i, size_t *out_last)
{
    if (i >= s->words.count) {
        return 0;
    }
    const struct phrase_word *w = &s->words.words[i];
    if (strcmp(w->text, "am") == 0 || strcmp(w->text, "pm") == 0) {
        *out_last = i;
        return w->text[0];
    }
    bool letter = strcmp(w->text, "a") == 0 || strcmp(w->text, "p") == 0;
    bool dotted = letter && i + 1 < s->words.count && strcmp(w[1].text, "m") == 0 &&
                  w[1].start == w->end + 1 && s->text.p[w->end] == '.';
    if (dotted) {
        *out_last = i + 1;
        return w->text[0];
    }
    return 0;
}

/* "in the evening", "at night", "afternoon": the part of the day behind a time; 0 when none. */
static char part_at(const struct slot_scan *s, size_t i, size_t *out_last)
{
    size_t at = i;
    at += slot_scan_is(s, at, "in/at/on") ? 1 : 0;
    at += slot_scan_is(s, at, "the/this") ? 1 : 0;
    static const struct {
        const char *words;
        char part;
    } PARTS[] = {{"morning/morgens/vormittags/matin", 'm'},
                 {"afternoon/nachmittags/nachmittag", 'n'},
                 {"evening/tonight/abends/abend/soir", 'e'},
                 {"night/nachts", 'x'}};
    for (size_t k = 0; k < sizeof PARTS / sizeof PARTS[0]; k++) {
        if (slot_scan_is(s, at, PARTS[k].words)) {
            *out_last = at;
            return PARTS[k].part;
        }
    }
    return 0;
}

/* Applies "pm" or a part of the day to minutes that were said on the 12-hour clock. */
static int shift_clock(int minutes, char meridiem, char part)
{
    int hour = minutes / 60, rest = minutes % 60;
    if (meridiem == 'a') {
        hour = hour == 12 ? 0 : hour;
    } else if (meridiem == 'p') {
        hour = hour < 12 ? hour + 12 : hour;
    } else if (part == 'm') {
        hour = hour == 12 ? 0 : hour;
    } else if (part == 'n' || part == 'e') {
        hour = hour < 12 ? hour + 12 : hour;
    } else if (part == 'x') {
        hour = hour == 12 ? 0 : hour >= 6 && hour < 12 ? hour + 12 : hour;
    }
    return hour * 60 + rest;
}

/* "10:30", "3:15pm", "15h30", "3pm": one word; meridiem is what it carries. */
static bool read_clock_word(const char *word, int *out_minutes, char *out_meridiem)
{
    int hour = 0, minute = 0;
    const char *p = word;
    size_t digits = 0;
    for (; isdigit((unsigned char)*p); p++, digits++) {
        hour = hour < 1000 ? hour * 10 + (*p - '0') : hour;
    }
    if (!digits || digits > 2) {
        return false;
    }
    bool clock = false;
    if ((*p == ':' || *p == 'h') && isdigit((unsigned char)p[1]) && isdigit((unsigned char)p[2])) {
        minute = (p[1] - '0') * 10 + (p[2] - '0');
        p += 3;
        clock = true;
        if (*p == ':' && isdigit((unsigned char)p[1]) && isdigit((unsigned char)p[2])) {
            p += 3;
        }
    } else if (*p == 'h' && !p[1]) {
        p++;
        clock = true;
    }
    char meridiem = 0;
    if ((*p == 'a' || *p == 'p') && p[1] == 'm') {
        meridiem = *p;
        p += 2;
        clock = true;
    }
    if (*p || !clock || hour > 24 || minute > 59 || (hour == 24 && minute)) {
        return false;
    }
    *out_minutes = hour * 60 + minute;
    *out_meridiem = meridiem;
    return true;
}

/* "half past three", "20 to 2", "quarter to five". */
static bool read_past(const struct slot_scan *s, size_t i, int *out_minutes, size_t *out_last)
{
    struct slot_number part, hour;
    size_t at = i;
    int minutes;
    if (slot_scan_at(s, at, "half")) {
        minutes = 30;
        at++;
    } else if (slot_scan_at(s, at, "a") && slot_scan_is(s, at + 1, "quarter")) {
        minutes = 15;
        at += 2;
    } else if (slot_scan_at(s, at, "quarter")) {
        minutes = 15;
        at++;
    } else if (slot_number_at(s, at, &part) && part.whole && part.value > 0 && part.value < 60) {
        minutes = (int)part.value;
        at = part.last + 1;
        at += slot_scan_is(s, at, "minutes");
    } else {
        return false;
    }
    bool past = slot_scan_is(s, at, "past/after"), to = slot_scan_is(s, at, "to/before/till");
    if ((!past && !to) || !slot_number_at(s, at + 1, &hour) || !hour.whole || hour.value < 0 ||
        hour.value > 24 || hour.ordinal) {
        return false;
    }
    int base = (int)hour.value % 24 * 60;
    *out_minutes = (base + (past ? minutes : -minutes) + DAY_MINUTES) % DAY_MINUTES;
    *out_last = hour.last;
    return true;
}

/* Hour, perhaps minutes, with nothing that marks them yet: "9", "9 05", "five", "5 o'clock", "15
 * uhr 30". marked: something did. */
static bool read_bare(const struct slot_scan *s, size_t i, int *out_minutes, size_t *out_last,
                      bool *out_marked)
{
    struct slot_number hour, minute;
    if (!slot_number_at(s, i, &hour) || !hour.whole || hour.ordinal || hour.in_id || hour.loose ||
        hour.value < 0 || hour.value > 24) {
        return slot_scan_at(s, i, "one") && slot_scan_is(s, i + 1, "oclock") &&
               (*out_minutes = 60, *out_last = i + 1, *out_marked = true);
    }
    *out_minutes = (int)hour.value % 24 * 60;
    *out_last = hour.last;
    *out_marked = slot_scan_is(s, hour.last + 1, "oclock/uhr/heures/heure/horas");
    *out_last += *out_marked;
    size_t next = *out_last + 1, ignored;
    bool more = next < s->words.count &&
                s->words.words[next].clause == s->words.words[*out_last].clause &&
                slot_number_at(s, next, &minute) && minute.whole && minute.value >= 0 &&
                minute.value < 60 && !minute.spelled && strlen(s->words.words[next].text) == 2;
    if (more &&
        (*out_marked || meridiem_at(s, next + 1, &ignored) || part_at(s, next + 1, &ignored))) {
        *out_minutes += (int)minute.value;
        *out_last = next;
    }
    return true;
}

static bool read_named(const struct slot_scan *s, size_t i, struct slot_clock *out)
{
    if (slot_scan_at(s, i, "noon/midday/mittags")) {
        *out = (struct slot_clock){12 * 60, i, i, 0.95};
        return true;
    }
    if (slot_scan_at(s, i, "midnight/mitternacht")) {
        *out = (struct slot_clock){0, i, i, 0.95};
        return true;
    }
    return false;
}

bool slot_time_at(const struct slot_scan *s, size_t i, struct slot_clock *out)
{
    if (i >= s->words.count) {
        return false;
    }
    if (read_named(s, i, out)) {
        return true;
    }
    int minutes;
    char meridiem = 0;
    size_t last = i, behind;
    bool marked = true;
    if (!read_clock_word(s->words.words[i].text, &minutes, &meridiem) &&
        !read_past(s, i, &minutes, &last) && !read_bare(s, i, &minutes, &last, &marked)) {
        return false;
    }
    char part = 0;
    if (!meridiem && (meridiem = meridiem_at(s, last + 1, &behind))) {
        last = behind;
    }
    if ((part = part_at(s, last + 1, &behind))) {
        last = behind;
    }
    bool at = i > 0 && slot_scan_is(s, i, s->words.words[i].text) &&
              slot_scan_at(s, i - 1, "at/around/by/until/till/um/before/after/from/a");
    if (!marked && !meridiem && !part && !at && !s->scene->answers) {
        return false;
    }
    minutes = shift_clock(minutes, meridiem, part);
    double confidence = marked || meridiem || part ? 0.95 : 0.6;
    *out = (struct slot_clock){minutes % DAY_MINUTES, i, last, confidence};
    return true;
}

/* "in two hours", "15 minutes ago": a time by its distance from now, in ms. */
static bool read_distance(const struct slot_scan *s, size_t i, int64_t *out_ms, size_t *out_first,
                          size_t *out_last)
{
    bool in = slot_scan_at(s, i, "in/within");
    struct slot_span span;
    if (!slot_time_span_at(s, in ? i + 1 : i, &span) || span.months || !span.ms) {
        return false;
    }
    bool ago = slot_scan_is(s, span.last + 1, "ago/earlier");
    bool later = slot_scan_is(s, span.last + 1, "from") && slot_scan_is(s, span.last + 2, "now");
    if (!in && !ago && !later) {
        return false;
    }
    int64_t ms = span.days * DATE_DAY_MS + span.ms;
    *out_ms = ago ? -ms : ms;
    *out_first = i;
    *out_last = span.last + (ago ? 1 : later ? 2 : 0);
    return true;
}

static struct str offset_text(const struct slot_scan *s)
{
    int offset = s->scene->utc_offset_min, absolute = offset < 0 ? -offset : offset;
    if (!offset) {
        return STR("Z");
    }
    return str_fmt(s->arena, "%c%02d:%02d", offset < 0 ? '-' : '+', absolute / 60, absolute % 60);
}

static void put_time(struct slot_scan *s, const struct slot_clock *t)
{
    slot_scan_put(s, (struct slot){.start = s->words.words[t->first].start,
                                   .end = s->words.words[t->last].end,
                                   .confidence = t->confidence,
                                   .text = str_fmt(s->arena, "%02d:%02d:00%.*s", t->minutes / 60,
                                                   t->minutes % 60, STR_ARG(offset_text(s))),
                                   .integer = t->minutes});
}

void slot_time_find(struct slot_scan *s)
{
    for (size_t i = 0; i < s->words.count; i++) {
        struct slot_clock t;
        int64_t ms;
        if (read_distance(s, i, &ms, &t.first, &t.last)) {
            struct date d = date_of_ms(s->scene->now_ms + ms, s->scene->utc_offset_min);
            t.minutes = d.hour * 60 + d.minute;
            t.confidence = 0.9;
        } else if (!slot_time_at(s, i, &t)) {
            continue;
        }
        put_time(s, &t);
        i = t.last;
    }
}

static void put_moment(struct slot_scan *s, int64_t at_ms, size_t first, size_t last,
                       double confidence)
{
    struct date d = date_of_ms(at_ms, s->scene->utc_offset_min);
    slot_scan_put(s, (struct slot){.start = s->words.words[first].start,
                                   .end = s->words.words[last].end,
                                   .confidence = confidence,
                                   .text = str_fmt(s->arena, "%04d-%02d-%02dT%02d:%02d:%02d%.*s",
                                                   d.year, d.month, d.day, d.hour, d.minute,
                                                   d.second, STR_ARG(offset_text(s))),
                                   .at_ms = at_ms});
}

static int64_t moment_of(const struct slot_scan *s, int64_t day, int minutes)
{
    return day * DATE_DAY_MS + (int64_t)(minutes - s->scene->utc_offset_min) * MINUTE_MS;
}

/* The time beside a date: behind it ("tomorrow at 3pm") or before it ("3pm tomorrow"). */
static bool time_beside(const struct slot_scan *s, const struct slot_day *day, bool behind,
                        struct slot_clock *out)
{
    if (behind) {
        size_t at = day->last + 1;
        size_t clause = at < s->words.count ? at : 0;
        at += clause && slot_scan_at(s, at, "at/around/by/um/from/a") ? 1 : 0;
        return slot_time_at(s, at, out);
    }
    for (size_t back = 1; back <= 6 && back <= day->first; back++) {
        size_t i = day->first - back;
        size_t end = day->first - 1;
        end -= end > i && slot_scan_at(s, end, "on") ? 1 : 0;
        if (slot_time_at(s, i, out) && out->last == end) {
            return true;
        }
    }
    return false;
}

/* RFC 3339 as programs write it: one piece, or a date and a time with T or a blank. */
static bool read_timestamp(struct slot_scan *s, size_t i, size_t *out_last)
{
    for (size_t last = i + 5 < s->words.count ? i + 5 : s->words.count - 1; last + 1 > i + 1;
         last--) {
        struct str span = slot_scan_span(s, i, last);
        int64_t ms;
        if (span.n >= 16 && span.n <= 40 && date_parse(span, &ms)) {
            char zone = span.p[span.n - 1];
            bool has_zone = zone == 'Z' || zone == 'z' || span.p[span.n - 6] == '+' ||
                            (span.n > 20 && span.p[span.n - 6] == '-');
            ms -= has_zone ? 0 : (int64_t)s->scene->utc_offset_min * MINUTE_MS;
            put_moment(s, ms, i, last, 1);
            *out_last = last;
            return true;
        }
    }
    return false;
}

void slot_moment_find(struct slot_scan *s)
{
    for (size_t i = 0; i < s->words.count; i++) {
        struct slot_day day;
        struct slot_clock t;
        size_t first = i, last;
        int64_t ms;
        if (read_timestamp(s, i, &last)) {
            i = last;
        } else if (read_distance(s, i, &ms, &first, &last)) {
            put_moment(s, s->scene->now_ms + ms, first, last, 0.9);
            i = last;
        } else if (slot_scan_at(s, i, "now/jetzt")) {
            put_moment(s, s->scene->now_ms, i, i, s->scene->answers ? 0.9 : 0.4);
        } else if (slot_date_at(s, i, &day)) {
            bool behind = time_beside(s, &day, true, &t);
            bool found = behind || time_beside(s, &day, false, &t);
            first = found && t.first < day.first ? t.first : day.first;
            last = found && t.last > day.last ? t.last : day.last;
            put_moment(s, moment_of(s, day.day, found ? t.minutes : 0), first, last,
                       found ? day.confidence : day.confidence * 0.5);
            i = last;
        } else if (slot_time_at(s, i, &t)) {
            int now_minutes = s->now.hour * 60 + s->now.minute;
            int64_t on = s->today + (t.minutes <= now_minutes && !s->scene->past);
            put_moment(s, moment_of(s, on, t.minutes), t.first, t.last, t.confidence * 0.6);
            i = t.last;
        }
    }
}
