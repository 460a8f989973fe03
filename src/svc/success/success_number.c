#include "svc/success/success_number.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "codec/date.h"
#include "codec/text.h"
#include "svc/success/wording.h"

enum { KNOWN_MAX = 512, LIST_NUMBER_MAX = 20 };

struct known {
    struct str texts[KNOWN_MAX]; /* may stand in the text as they are */
    int count;
    double values[KNOWN_MAX];
    int value_count;
};

static bool is_digit(char ch)
{
    return ch >= '0' && ch <= '9';
}

/* ---- placeholders -------------------------------------------------------- */

static const struct json *figure_named(const struct json *figures, struct str key)
{
    for (size_t i = 0; i < json_count(figures); i++) {
        const struct json *f = json_at(figures, i);
        if (str_eq(json_str(f, "key", STR("")), key)) {
            return f;
        }
    }
    return NULL;
}

static bool fill(struct arena *a, const struct json *figures, struct str text, struct str *out,
                 struct str *out_culprit)
{
    struct buf b = buf_make(2 * SUCCESS_NUMBER_TEXT_MAX_BYTES);
    bool good = true;
    while (good && text.n) {
        ptrdiff_t at = str_find(text, STR("{{"));
        buf_add_str(&b, at < 0 ? text : str_sub(text, 0, (size_t)at));
        if (at < 0) {
            break;
        }
        text = str_sub(text, (size_t)at + 2, text.n);
        ptrdiff_t end = str_find(text, STR("}}"));
        struct str key = str_trim(str_sub(text, 0, end < 0 ? text.n : (size_t)end));
        struct str bare = str_starts(key, STR("figure.")) ? str_sub(key, 7, key.n) : key;
        const struct json *figure = end < 0 ? NULL : figure_named(figures, bare);
        good = figure != NULL;
        if (good) {
            buf_add_str(&b, json_str(figure, "text", STR("")));
            text = str_sub(text, (size_t)end + 2, text.n);
        } else {
            *out_culprit = str_fmt(a, "{{%.*s}}", STR_ARG(text_cut_bytes(key, 60)));
        }
    }
    *out = str_dup(a, buf_str(&b));
    good = good && !b.overflow;
    buf_free(&b);
    return good;
}

/* ---- what is known ------------------------------------------------------- */

static void know(struct known *k, struct str text)
{
    bool number = false;
    for (size_t i = 0; i < text.n; i++) {
        number = number || is_digit(text.p[i]);
    }
    if (number && k->count < KNOWN_MAX) { /* the longest first */
        int at = k->count++;
        for (; at > 0 && k->texts[at - 1].n < text.n; at--) {
            k->texts[at] = k->texts[at - 1];
        }
        k->texts[at] = text;
    }
}

static void know_value(struct known *k, double value)
{
    if (k->value_count < KNOWN_MAX) {
        k->values[k->value_count++] = fabs(value);
    }
}

static void know_date(struct arena *a, struct known *k, int64_t ms)
{
    static const char *const parts[] = {"%.*s %.*s %.*s", "%.*s %.*s, %.*s"};
    know(k, date_iso_day(a, ms));
    for (int l = 0; l < WORDING_LANGUAGES; l++) {
        struct str whole = wording_date(a, (enum wording_language)l, ms), rest = whole;
        struct str day, month, year;
        str_split(&rest, ' ', &day);
        str_split(&rest, ' ', &month);
        str_split(&rest, ' ', &year);
        know(k, whole);
        know(k, str_fmt(a, "%.*s %.*s", STR_ARG(month), STR_ARG(year)));
        know(k, str_fmt(a, "%.*s %.*s", STR_ARG(day), STR_ARG(month)));
        know(k, str_fmt(a, "%.*s %.*s", STR_ARG(month), STR_ARG(day)));
        know(k, str_fmt(a, parts[1], STR_ARG(month), STR_ARG(day), STR_ARG(year)));
        know(k, str_fmt(a, parts[0], STR_ARG(str_sub(month, 0, 3)), STR_ARG(day), STR_ARG(year)));
        know(k, str_fmt(a, parts[1], STR_ARG(str_sub(month, 0, 3)), STR_ARG(day), STR_ARG(year)));
    }
}

static void know_figure(struct arena *a, struct known *k, const struct json *f)
{
    const struct json *value = json_get(f, "value");
    struct str unit = json_str(f, "unit", STR(""));
    int64_t ms;
    bool money = unit.n == 3 && unit.p[0] >= 'A' && unit.p[0] <= 'Z';
    if (json_is(value, JSON_STRING)) {
        if (date_parse(json_text(value, STR("")), &ms)) {
            know_date(a, k, ms);
        }
        return;
    }
    know_value(k, json_number(value, 0));
    if (money) {
        int64_t cents = llround(json_number(value, 0) * 100);
        for (int l = 0; l < WORDING_LANGUAGES; l++) {
            know(k, wording_money(a, (enum wording_language)l, cents, unit));
        }
    }
}

static struct known *gather(struct arena *a, const struct success_number_sheet *sheet)
{
    struct known *k = ARENA_NEW(a, struct known);
    for (size_t i = 0; i < json_count(sheet->figures); i++) {
        know_figure(a, k, json_at(sheet->figures, i));
    }
    for (size_t i = 0; i < json_count(sheet->names); i++) {
        know(k, json_text(json_at(sheet->names, i), STR("")));
    }
    return k;
}

/* ---- reading ------------------------------------------------------------- */

/* A known text is one only where no digit or letter goes on beside it. */
static void blank(char *text, size_t n, struct str known)
{
    ptrdiff_t at = str_find(str_make(text, n), known);
    size_t from = 0;
    while (at >= 0) {
        size_t start = from + (size_t)at, end = start + known.n;
        bool digit_before = start > 0 && is_digit(text[start - 1]);
        bool part_before = start > 1 && (text[start - 1] == '.' || text[start - 1] == ',') &&
                           is_digit(text[start - 2]);
        bool goes_on = end < n && (is_digit(text[end]) || text[end] == '%');
        bool part_after =
            end + 1 < n && (text[end] == '.' || text[end] == ',') && is_digit(text[end + 1]);
        if (!digit_before && !part_before && !goes_on && !part_after) {
            memset(text + start, ' ', known.n);
        }
        from = start + 1;
        at = str_find(str_make(text + from, n - from), known);
    }
}

/* "250,000", "1.5", "250 000" with a no-break blank: the number, and where it ends. */
static double number_at(struct str s, size_t at, size_t *out_end)
{
    char digits[64];
    size_t n = 0, i = at;
    bool point = false;
    while (i < s.n && n + 1 < sizeof(digits)) {
        bool group = i + 3 < s.n && (s.p[i] == ',' || s.p[i] == '.') && is_digit(s.p[i + 1]) &&
                     is_digit(s.p[i + 2]) && is_digit(s.p[i + 3]) &&
                     !(i + 4 < s.n && is_digit(s.p[i + 4]));
        if (is_digit(s.p[i])) {
            digits[n++] = s.p[i++];
        } else if (group && !point) {
            i++;
        } else if (!point && i + 1 < s.n && (s.p[i] == '.' || s.p[i] == ',') &&
                   is_digit(s.p[i + 1])) {
            digits[n++] = '.';
            point = true;
            i++;
        } else {
            break;
        }
    }
    digits[n] = 0;
    *out_end = i;
    return strtod(digits, NULL);
}

static bool is_known_value(const struct known *k, double v)
{
    for (int i = 0; i < k->value_count; i++) {
        if (fabs(k->values[i] - v) < 1e-9 * (1 + v)) {
            return true;
        }
    }
    return false;
}

/* "250k" and "1.2m" where an amount is meant. */
static double scale_of(struct str s, size_t *inout_end)
{
    size_t i = *inout_end;
    bool last = i + 1 >= s.n || !((s.p[i + 1] | 32) >= 'a' && (s.p[i + 1] | 32) <= 'z');
    if (i < s.n && last && (s.p[i] == 'k' || s.p[i] == 'K')) {
        *inout_end = i + 1;
        return 1e3;
    }
    if (i < s.n && last && (s.p[i] == 'm' || s.p[i] == 'M')) {
        *inout_end = i + 1;
        return 1e6;
    }
    return 1;
}

/* "1." and "2)" at the beginning of a line. */
static bool numbers_a_line(struct str s, size_t at, size_t end, double v)
{
    size_t i = at;
    while (i > 0 && (s.p[i - 1] == ' ' || s.p[i - 1] == '\t')) {
        i--;
    }
    bool begins = i == 0 || s.p[i - 1] == '\n';
    bool dot = end < s.n && (s.p[end] == '.' || s.p[end] == ')') &&
               (end + 1 == s.n || s.p[end + 1] == ' ' || s.p[end + 1] == '\n');
    return begins && dot && v >= 1 && v <= LIST_NUMBER_MAX;
}

static bool check_digits(const struct known *k, struct str s, struct str *out_culprit)
{
    for (size_t i = 0; i < s.n;) {
        size_t end;
        if (!is_digit(s.p[i])) {
            i++;
            continue;
        }
        double v = number_at(s, i, &end);
        bool line = numbers_a_line(s, i, end, v);
        double scale = scale_of(s, &end);
        bool percent = end < s.n && (s.p[end] == '%' || str_starts(str_sub(s, end, 9), STR(" %")) ||
                                     str_starts(str_sub(s, end, 9), STR(" percent")));
        if (!line && (percent || !is_known_value(k, v * scale))) {
            *out_culprit = str_sub(s, i, end - i + percent);
            return false;
        }
        i = end;
    }
    return true;
}

static const struct {
    const char *word;
    double value; /* < 0: never a figure */
} number_words[] = {
    {"two", 2},        {"three", 3},     {"four", 4},      {"five", 5},     {"six", 6},
    {"seven", 7},      {"eight", 8},     {"nine", 9},      {"ten", 10},     {"eleven", 11},
    {"twelve", 12},    {"thirteen", 13}, {"fourteen", 14}, {"fifteen", 15}, {"sixteen", 16},
    {"seventeen", 17}, {"eighteen", 18}, {"nineteen", 19}, {"twenty", 20},  {"thirty", 30},
    {"forty", 40},     {"fifty", 50},    {"sixty", 60},    {"seventy", 70}, {"eighty", 80},
    {"ninety", 90},    {"hundred", -1},  {"thousand", -1}, {"million", -1}, {"billion", -1},
    {"dozen", -1},     {"twice", -1},    {"doubled", -1},  {"tripled", -1}, {"halved", -1},
    {"percent", -1},
};

static bool check_words(struct arena *a, const struct known *k, struct str s,
                        struct str *out_culprit)
{
    struct str lower = str_lower(a, s);
    struct text_word w;
    size_t cursor = 0;
    while (text_next_word(lower, &cursor, &w)) {
        for (size_t i = 0; i < sizeof(number_words) / sizeof(*number_words); i++) {
            if (str_eqz(w.word, number_words[i].word) &&
                (number_words[i].value < 0 || !is_known_value(k, number_words[i].value))) {
                *out_culprit = w.word;
                return false;
            }
        }
    }
    return true;
}

/* Digits of other scripts are not read, so they are not let through. */
static bool check_scripts(struct str s, struct str *out_culprit)
{
    uint32_t code_point;
    struct str rest = s, before = s;
    while (text_next(&rest, &code_point)) {
        if (code_point > 127 && text_is_digit(code_point)) {
            *out_culprit = str_sub(before, 0, before.n - rest.n);
            return false;
        }
        before = rest;
    }
    return true;
}

bool success_number_bind(struct arena *a, const struct success_number_sheet *sheet, struct str text,
                         struct str *out_text, struct str *out_culprit)
{
    struct str filled;
    if (text.n > SUCCESS_NUMBER_TEXT_MAX_BYTES) {
        *out_culprit = STR("too long");
        return false;
    }
    if (!fill(a, sheet->figures, text_clean(a, text), &filled, out_culprit)) {
        return false;
    }
    struct known *k = gather(a, sheet);
    char *work = str_dupz(a, filled);
    for (int i = 0; i < k->count; i++) {
        blank(work, filled.n, k->texts[i]);
    }
    struct str left = str_make(work, filled.n);
    if (!check_digits(k, left, out_culprit) || !check_words(a, k, left, out_culprit) ||
        !check_scripts(left, out_culprit)) {
        return false;
    }
    *out_text = filled;
    return true;
}
