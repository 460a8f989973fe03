#include <ctype.h>
#include <string.h>

#include "nlu/slot_scan.h"

static const char *const MONTHS[] = {
    "january/jan/januar/janvier/enero/gennaio/januari",
    "february/feb/februar/fevrier/febrero/febbraio/februari",
    "march/mar/marz/mars/marzo/maart",
    "april/apr/avril/abril/aprile",
    "may/mai/mayo/maggio/mei",
    "june/jun/juni/juin/junio/giugno",
    "july/jul/juli/juillet/julio/luglio",
    "august/aug/aout/agosto/augustus",
    "september/sep/sept/septembre/septiembre/settembre",
    "october/oct/oktober/octobre/octubre/ottobre",
    "november/nov/novembre/noviembre",
    "december/dec/dezember/decembre/diciembre/dicembre",
};

static const char *const WEEKDAYS[] = {
    "sunday/sun/sonntag/dimanche/domingo/zondag",
    "monday/mon/montag/lundi/lunes/maandag",
    "tuesday/tue/tues/dienstag/mardi/martes/dinsdag",
    "wednesday/wed/mittwoch/mercredi/miercoles/woensdag",
    "thursday/thu/thur/thurs/donnerstag/jeudi/jueves/donderdag",
    "friday/fri/freitag/vendredi/viernes/vrijdag",
    "saturday/sat/samstag/samedi/sabado/zaterdag",
};

static int month_at(const struct slot_scan *s, size_t i)
{
    for (int m = 0; m < 12; m++) {
        if (slot_scan_at(s, i, MONTHS[m])) {
            return m + 1;
        }
    }
    return 0;
}

static int weekday_at(const struct slot_scan *s, size_t i)
{
    for (int d = 0; d < 7; d++) {
        if (slot_scan_at(s, i, WEEKDAYS[d])) {
            return d;
        }
    }
    return -1;
}

static int64_t day_of(int year, int month, int day)
{
    struct date d = {.year = year, .month = month, .day = day};
    return date_to_ms(&d, 0) / DATE_DAY_MS - (date_to_ms(&d, 0) % DATE_DAY_MS < 0);
}

/* The same day of another month; the 31st becomes the month's last day. */
static int64_t add_months(int64_t day, int months)
{
    struct date d = date_of_ms(day * DATE_DAY_MS, 0);
    int total = d.year * 12 + d.month - 1 + months;
    int year = total / 12, month = total % 12 + 1, date = d.day;
    while (date > 28 && !date_is_valid(year, month, date)) {
        date--;
    }
    return day_of(year, month, date);
}

/* Day and month without a year: the next one, or the last one where the scene looks back. */
static int64_t nearest_year(const struct slot_scan *s, int month, int day)
{
    int year = s->now.year;
    for (int tries = 0; tries < 8; tries++) {
        if (date_is_valid(year, month, day)) {
            int64_t at = day_of(year, month, day);
            if (s->scene->past ? at <= s->today : at >= s->today) {
                return at;
            }
        }
        year += s->scene->past ? -1 : 1;
    }
    return s->today;
}

static bool year_at(const struct slot_scan *s, size_t i, int *out_year)
{
    if (i >= s->words.count || s->words.words[i].end - s->words.words[i].start != 4) {
        return false;
    }
    int64_t year;
    if (!str_to_i64(str_of(s->words.words[i].text), &year) || year < 1900 || year > 2199) {
        return false;
    }
    *out_year = (int)year;
    return true;
}

static bool set(struct slot_day *out, int64_t day, size_t first, size_t last, double confidence)
{
    *out = (struct slot_day){day, first, last, confidence};
    return true;
}

/* Three numbers in the order that their sizes and the scene suggest. */
static bool order_numbers(const struct slot_scan *s, const int64_t v[3], bool dotted,
                          struct slot_day *out)
{
    int64_t year = v[2], month = v[0], day = v[1];
    double confidence = 0.95;
    if (v[0] > 31) {
        year = v[0];
        month = v[1];
        day = v[2];
        confidence = 1;
    } else if (dotted || s->scene->day_first || v[0] > 12) {
        day = v[0];
        month = v[1];
    }
    if (month > 12 && day <= 12) {
        int64_t swap = month;
        month = day;
        day = swap;
    } else if (v[0] <= 12 && v[1] <= 12 && v[0] != v[1] && !dotted && year != v[0]) {
        confidence = 0.85; /* 3 April or 4 March */
    }
    year += year < 100 ? 2000 : 0;
    if (year < 1900 || year > 2199 || !date_is_valid((int)year, (int)month, (int)day)) {
        return false;
    }
    out->day = day_of((int)year, (int)month, (int)day);
    out->confidence = confidence;
    return true;
}

/* "2026-03-01", "01.03.2026", "1-3-2026": one word; "01.03." with the year left out. */
static bool read_joined(const struct slot_scan *s, size_t i, struct slot_day *out)
{
    struct str word = str_of(s->words.words[i].text);
    int64_t v[3] = {0};
    size_t n = 0, start = 0;
    char sign = 0;
    for (size_t p = 0; p <= word.n && n < 3; p++) {
        if (p < word.n && isdigit((unsigned char)word.p[p])) {
            continue;
        }
        if (p < word.n && ((word.p[p] != '-' && word.p[p] != '.') || (sign && sign != word.p[p]))) {
            return false;
        }
        if (!str_to_i64(str_sub(word, start, p - start), &v[n++])) {
            return false;
        }
        sign = p < word.n ? word.p[p] : sign;
        start = p + 1;
        if (p == word.n) {
            break;
        }
    }
    out->first = out->last = i;
    if (n == 3 && start == word.n + 1) {
        return order_numbers(s, v, sign == '.', out);
    }
    bool short_form = n == 2 && sign == '.' && slot_scan_after(s, i) == '.' && v[0] >= 1 &&
                      v[1] >= 1 && v[1] <= 12 && date_is_valid(2024, (int)v[1], (int)v[0]);
    if (short_form) {
        out->day = nearest_year(s, (int)v[1], (int)v[0]);
        out->confidence = 0.85;
    }
    return short_form;
}

/* "3/4/2026", "3/4": words with a stroke between them. */
static bool read_strokes(const struct slot_scan *s, size_t i, struct slot_day *out)
{
    int64_t v[3] = {0};
    size_t n = 0;
    for (; n < 3 && i + n < s->words.count; n++) {
        const struct phrase_word *w = &s->words.words[i + n];
        if (w->end - w->start > 4 || !str_to_i64(str_of(w->text), &v[n])) {
            break;
        }
        if (n > 0 && (w->start != w[-1].end + 1 || s->text.p[w[-1].end] != '/')) {
            break;
        }
    }
    out->first = i;
    out->last = i + n - 1;
    if (n == 3) {
        return slot_scan_after(s, out->last) != '/' && order_numbers(s, v, false, out);
    }
    if (n != 2 || slot_scan_after(s, out->last) == '/') {
        return false;
    }
    int day = (int)(s->scene->day_first ? v[0] : v[1]);
    int month = (int)(s->scene->day_first ? v[1] : v[0]);
    if (month > 12 && day <= 12) {
        int swap = month;
        month = day;
        day = swap;
    }
    if (!date_is_valid(2024, month, day)) {
        return false;
    }
    out->day = nearest_year(s, month, day);
    out->confidence = 0.6; /* also a fraction */
    return true;
}

static bool day_number_at(const struct slot_scan *s, size_t i, struct slot_number *out)
{
    return slot_number_at(s, i, out) && out->whole && !out->in_id && out->value >= 1 &&
           out->value <= 31;
}

/* "3 March 2026", "the 3rd of March", "March 3rd", "Jan the 19th 2027". */
static bool read_month(const struct slot_scan *s, size_t i, struct slot_day *out)
{
    struct slot_number day;
    size_t last;
    int month = month_at(s, i), year;
    if (month) {
        size_t at = i + 1;
        at += slot_scan_is(s, at, "the");
        if (at >= s->words.count || s->words.words[at].clause != s->words.words[i].clause ||
            !day_number_at(s, at, &day)) {
            return false;
        }
        last = day.last;
    } else {
        size_t at = i + slot_scan_at(s, i, "the/le/el/il");
        if (!day_number_at(s, at, &day)) {
            return false;
        }
        last = day.last + 1;
        last += slot_scan_is(s, last, "of/de") ? 1 : 0;
        month = last < s->words.count ? month_at(s, last) : 0;
        /* "3. März": the dot belongs to the day, not to the sentence. */
        if (!month) {
            return false;
        }
    }
    size_t year_word = last + 1;
    year_word += slot_scan_is(s, year_word, "of/de/in") ? 1 : 0;
    if (year_at(s, year_word, &year)) {
        if (!date_is_valid(year, month, (int)day.value)) {
            return false;
        }
        return set(out, day_of(year, month, (int)day.value), i, year_word, 1);
    }
    if (!date_is_valid(2024, month, (int)day.value)) {
        return false;
    }
    return set(out, nearest_year(s, month, (int)day.value), i, last, 0.95);
}

/* Monday of the week that holds `day`. */
static int64_t monday_of(int64_t day)
{
    return day - (day + 3) % 7;
}

static bool read_weekday(const struct slot_scan *s, size_t i, struct slot_day *out)
{
    size_t at = i;
    bool next = slot_scan_at(s, i, "next"), last = slot_scan_at(s, i, "last/previous/past");
    bool this_one = slot_scan_at(s, i, "this/coming/upcoming");
    at += next || last || this_one;
    int weekday = at < s->words.count ? weekday_at(s, at) : -1;
    if (weekday < 0) {
        return false;
    }
    int64_t monday = monday_of(s->today), offset = (weekday + 6) % 7;
    int64_t day = monday + offset;
    if (next) {
        day += 7;
    } else if (last || (s->scene->past && !this_one)) {
        day -= day >= s->today ? 7 : 0;
    } else {
        day += day < s->today || (day == s->today && !this_one) ? 7 : 0;
    }
    size_t end = at;
    if (slot_scan_is(s, at + 1, "in") && slot_scan_is(s, at + 2, "a") &&
        slot_scan_is(s, at + 3, "week")) {
        day += 7;
        end = at + 3;
    } else if (slot_scan_is(s, at + 1, "week")) {
        day += 7;
        end = at + 1;
    }
    bool other_word = slot_scan_at(s, at, "sun/sat/wed/mon/mar") && at == i &&
                      !(i > 0 && slot_scan_at(s, i - 1, "on/by/until"));
    return set(out, day, i, end, other_word && !s->scene->answers ? 0.4 : 0.9);
}

static bool read_near(const struct slot_scan *s, size_t i, struct slot_day *out)
{
    static const struct {
        const char *words;
        int days;
    } NEAR[] = {
        {"today/tonight/heute/aujourdhui/hoy/oggi/vandaag", 0},
        {"tomorrow/tmrw/tomorow/tommorow/tommorrow/demain/manana/domani/morgen", 1},
        {"yesterday/gestern/hier/ayer/ieri/gisteren", -1},
    };
    bool after = slot_scan_at(s, i + 1, "day") || slot_scan_at(s, i, "day");
    size_t day_word = slot_scan_at(s, i, "day") ? i : i + 1;
    if (after && (slot_scan_at(s, i, "the") || day_word == i)) {
        if (slot_scan_is(s, day_word + 1, "after") && slot_scan_is(s, day_word + 2, "tomorrow")) {
            return set(out, s->today + 2, i, day_word + 2, 0.95);
        }
        if (slot_scan_is(s, day_word + 1, "before") && slot_scan_is(s, day_word + 2, "yesterday")) {
            return set(out, s->today - 2, i, day_word + 2, 0.95);
        }
    }
    if (slot_scan_at(s, i, "last") && slot_scan_is(s, i + 1, "night/evening")) {
        return set(out, s->today - 1, i, i + 1, 0.9);
    }
    if (slot_scan_at(s, i, "this") && slot_scan_is(s, i + 1, "morning/afternoon/evening")) {
        return set(out, s->today, i, i + 1, 0.85);
    }
    if (slot_scan_at(s, i, "ubermorgen/overmorgen")) {
        return set(out, s->today + 2, i, i, 0.95);
    }
    for (size_t k = 0; k < sizeof NEAR / sizeof NEAR[0]; k++) {
        if (slot_scan_at(s, i, NEAR[k].words)) {
            bool week = slot_scan_is(s, i + 1, "week");
            return set(out, s->today + NEAR[k].days + (week ? 7 : 0), i, i + week, 0.95);
        }
    }
    return false;
}

/* "in two weeks", "3 days ago", "a week from Tuesday". */
static bool read_distance(const struct slot_scan *s, size_t i, struct slot_day *out)
{
    bool in = slot_scan_at(s, i, "in/within");
    struct slot_span span;
    if (!slot_time_span_at(s, in ? i + 1 : i, &span) || (!span.months && !span.days)) {
        return false;
    }
    bool ago = slot_scan_is(s, span.last + 1, "ago/earlier/back");
    bool from = slot_scan_is(s, span.last + 1, "from/after");
    struct slot_day start = {.day = s->today, .last = span.last + 2};
    if (from && !slot_scan_is(s, span.last + 2, "now") && !slot_date_at(s, span.last + 2, &start)) {
        return false;
    }
    if (!in && !ago && !from) {
        return false;
    }
    int sign = ago ? -1 : 1;
    int64_t day = add_months(start.day, sign * span.months) + (int64_t)sign * span.days;
    return set(out, day, i, from ? start.last : span.last + ago, 0.95);
}

/* "next week", "end of the month", "April": more than a day, of which the first or last one is
 * meant. */
static bool read_period(const struct slot_scan *s, size_t i, struct slot_day *out)
{
    bool end = slot_scan_at(s, i, "end"), start = slot_scan_at(s, i, "start/beginning");
    size_t at = i;
    if (end || start) {
        at = i + 1;
        at += slot_scan_is(s, at, "of") ? 1 : 0;
        at += slot_scan_is(s, at, "the") ? 1 : 0;
    }
    bool next = slot_scan_at(s, at, "next/coming"), last = slot_scan_at(s, at, "last/previous");
    bool this_one = slot_scan_at(s, at, "this/current");
    at += next || last || this_one;
    if (!end && !start && !next && !last && !this_one) {
        return false;
    }
    int step = next ? 1 : last ? -1 : 0;
    int64_t day;
    if (slot_scan_at(s, at, "week")) {
        day = monday_of(s->today) + 7 * step + (end ? 6 : 0);
    } else if (slot_scan_at(s, at, "weekend")) {
        day = monday_of(s->today) + 7 * step + 5;
    } else if (slot_scan_at(s, at, "month")) {
        day = add_months(day_of(s->now.year, s->now.month, 1), step + end) - end;
    } else if (slot_scan_at(s, at, "year")) {
        day = day_of(s->now.year + step + end, 1, 1) - end;
    } else {
        int month = at < s->words.count ? month_at(s, at) : 0;
        if (!month || (!end && !start && !next && !last)) {
            return false;
        }
        day = nearest_year(s, month, 1);
        day = last && day > s->today ? add_months(day, -12) : day;
        day = end ? add_months(day, 1) - 1 : day;
    }
    return set(out, day, i, at, 0.6);
}

/* "the 15th", "on the 1st": a day of this month or the next. */
static bool read_ordinal(const struct slot_scan *s, size_t i, struct slot_day *out)
{
    struct slot_number n;
    size_t at = i + slot_scan_at(s, i, "the");
    if (!day_number_at(s, at, &n) || !n.ordinal) {
        return false;
    }
    int month = s->now.month, year = s->now.year, step = s->scene->past ? -1 : 1;
    for (int tries = 0; tries < 12; tries++) {
        int total = year * 12 + month - 1 + step * tries;
        if (!date_is_valid(total / 12, total % 12 + 1, (int)n.value)) {
            continue;
        }
        int64_t day = day_of(total / 12, total % 12 + 1, (int)n.value);
        if (s->scene->past ? day <= s->today : day >= s->today) {
            bool likely = at > i || s->scene->answers;
            return set(out, day, i, n.last, likely ? 0.8 : 0.6);
        }
    }
    return false;
}

static bool read_month_alone(const struct slot_scan *s, size_t i, struct slot_day *out)
{
    int month = month_at(s, i), year;
    struct slot_number day;
    bool dated =
        i > 0 && slot_scan_is(s, i, s->words.words[i].text) && day_number_at(s, i - 1, &day);
    if (!month || dated) {
        return false; /* a day that this month does not have */
    }
    if (year_at(s, i + 1, &year)) {
        return set(out, day_of(year, month, 1), i, i + 1, 0.6);
    }
    bool sure = !slot_scan_at(s, i, "may/march/mar/mars/jan/mai") || s->scene->answers;
    return set(out, nearest_year(s, month, 1), i, i, sure ? 0.5 : 0.25);
}

bool slot_date_at(const struct slot_scan *s, size_t i, struct slot_day *out)
{
    static bool (*const READERS[])(const struct slot_scan *, size_t, struct slot_day *) = {
        read_joined,  read_strokes, read_month,  read_distance,    read_near,
        read_weekday, read_ordinal, read_period, read_month_alone,
    };
    for (size_t k = 0; i < s->words.count && k < sizeof READERS / sizeof READERS[0]; k++) {
        if (READERS[k](s, i, out)) {
            return true;
        }
    }
    return false;
}

void slot_date_find(struct slot_scan *s)
{
    for (size_t i = 0; i < s->words.count; i++) {
        struct slot_day day;
        if (!slot_date_at(s, i, &day)) {
            continue;
        }
        size_t first = day.first, last = day.last;
        /* "Tuesday, 3 March": the weekday only repeats what the date says. */
        struct slot_day more;
        bool weekday = weekday_at(s, last) >= 0 && last + 1 < s->words.count;
        if (weekday && read_month(s, last + 1, &more)) {
            day = more;
            last = more.last;
        }
        struct date d = date_of_ms(day.day * DATE_DAY_MS, 0);
        slot_scan_put(
            s, (struct slot){
                   .start = s->words.words[first].start,
                   .end = s->words.words[last].end,
                   .confidence = day.confidence,
                   .text = str_fmt(s->arena, "%04d-%02d-%02d", d.year, d.month, d.day),
                   .at_ms = day.day * DATE_DAY_MS - (int64_t)s->scene->utc_offset_min * 60000,
               });
        i = last;
    }
}
