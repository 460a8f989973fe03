#include "svc/success/success_number.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "codec/date.h"
#include "codec/numeral.h"
#include "codec/text.h"
#include "svc/success/number_word.h"
#include "svc/success/wording.h"

enum { KNOWN_MAX = 512, LIST_NUMBER_MAX = 20 };

struct known {
    struct str texts[KNOWN_MAX]; /* may stand in the text as they are */
    int count;
    double values[KNOWN_MAX];
    int value_count;
};

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
        number = number || numeral_is_digit(text.p[i]);
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
        k->values[k->value_count++] = value;
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
static void blank(char *text, size_t n, struct str known, char mark)
{
    ptrdiff_t at = str_find(str_make(text, n), known);
    size_t from = 0;
    while (at >= 0) {
        size_t start = from + (size_t)at, end = start + known.n;
        bool digit_before = start > 0 && numeral_is_digit(text[start - 1]);
        bool part_before = start > 1 && (text[start - 1] == '.' || text[start - 1] == ',') &&
                           numeral_is_digit(text[start - 2]);
        bool goes_on = end < n && (numeral_is_digit(text[end]) || text[end] == '%');
        bool part_after = end + 1 < n && (text[end] == '.' || text[end] == ',') &&
                          numeral_is_digit(text[end + 1]);
        if (!digit_before && !part_before && !goes_on && !part_after) {
            memset(text + start, mark, known.n);
        }
        from = start + 1;
        at = str_find(str_make(text + from, n - from), known);
    }
}

static bool is_known_value(const struct known *k, double v)
{
    for (int i = 0; i < k->value_count; i++) {
        if (fabs(k->values[i] - v) < 1e-9 * (1 + fabs(v))) {
            return true;
        }
    }
    return false;
}

static bool ends_sentence(struct str s, size_t i)
{
    bool mark = s.p[i] == '.' || s.p[i] == '!' || s.p[i] == '?' || s.p[i] == ';';
    return s.p[i] == '\n' || (mark && (i + 1 == s.n || s.p[i + 1] == ' ' || s.p[i + 1] == '\n'));
}

/* What a sentence says of a number in it. */
struct said {
    int way;   /* 1 up, -1 down, 0 neither, 2 both; what stands nearest before it counts first */
    bool step; /* "by 9", "fell 9": by how much, and not where to */
};

static struct said said_of(struct str sentence, size_t at)
{
    struct text_word w;
    size_t cursor = 0;
    int before = 0, behind = 0;
    bool step = false;
    while (text_next_word(sentence, &cursor, &w)) {
        int way = number_word_way(w.word);
        if (w.start < at) {
            step = way || number_word_is_step(w.word);
            before = way ? way : before;
        } else if (way) {
            behind = !behind || behind == way ? way : 2;
        }
    }
    int way = before ? before : behind;
    return (struct said){way, step && (way == 1 || way == -1)};
}

/* The sign that is written before a number: '-', '+' or 0. "T-9" and "20-30" have none. */
static char sign_before(struct str s, size_t at)
{
    struct str minus = STR("\u2212");
    if (at >= minus.n && str_eq(str_sub(s, at - minus.n, minus.n), minus)) {
        return '-';
    }
    bool sign = at > 0 && (s.p[at - 1] == '-' || s.p[at - 1] == '+');
    bool alone = at < 2 || s.p[at - 2] == ' ' || s.p[at - 2] == '(' || s.p[at - 2] == '\n';
    return sign && alone ? s.p[at - 1] : 0;
}

/* Whether a number, at `at` of a text in small letters, is a figure with that sign. "Fell by 9" is
 * the figure -9, "rose by 9" is not; where no word tells the way, a change for the worse has to
 * show its sign. */
static bool holds(const struct known *k, struct str s, size_t at, double v)
{
    size_t from = at, to = at;
    while (from > 0 && !ends_sentence(s, from - 1)) {
        from--;
    }
    while (to < s.n && !ends_sentence(s, to)) {
        to++;
    }
    struct said said = said_of(str_sub(s, from, to - from), at - from);
    char sign = sign_before(s, at);
    if (sign) {
        double signed_v = sign == '-' ? -v : v;
        return !(said.step && signed_v * said.way < 0) && is_known_value(k, signed_v);
    }
    if (said.step) {
        return is_known_value(k, said.way * v);
    }
    return is_known_value(k, v) || (said.way == -1 && is_known_value(k, -v));
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

static bool check_digits(struct arena *a, const struct known *k, struct str s,
                         struct str *out_culprit)
{
    struct str lower = str_lower(a, s); /* as long as it was, or no way is told */
    lower = lower.n == s.n ? lower : s;
    struct numeral number;
    size_t cursor = 0;
    while (numeral_next(s, &cursor, &number)) {
        size_t i = number.start, end = number.end;
        bool line = numbers_a_line(s, i, end, number.value);
        double scale = scale_of(s, &end);
        bool percent = end < s.n && (s.p[end] == '%' || str_starts(str_sub(s, end, 9), STR(" %")) ||
                                     str_starts(str_sub(s, end, 9), STR(" percent")));
        if (!line && (percent || !holds(k, lower, i, number.value * scale))) {
            *out_culprit = str_sub(s, i, end - i + percent);
            return false;
        }
        cursor = end;
    }
    return true;
}

/* False: the word is a number that no figure has. *out_number: it is a number at all. */
static bool word_holds(const struct known *k, struct str s, const struct text_word *w,
                       bool *out_number)
{
    double value;
    *out_number = number_word_find(w->word, &value);
    return !*out_number || (value >= 0 && holds(k, s, w->start, value));
}

/* "Twenty-two" is more than a twenty and a two. */
static bool check_words(struct arena *a, const struct known *k, struct str s,
                        struct str *out_culprit)
{
    struct str lower = str_lower(a, s);
    struct text_word w;
    size_t cursor = 0, last_end = SIZE_MAX;
    while (text_next_word(lower, &cursor, &w)) {
        bool number;
        bool good = word_holds(k, lower, &w, &number);
        bool goes_on = number && last_end != SIZE_MAX && w.start == last_end + 1;
        if (!good || goes_on) {
            *out_culprit = w.word;
            return false;
        }
        last_end = number ? w.end : SIZE_MAX;
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
        blank(work, filled.n, k->texts[i], ' ');
    }
    struct str left = str_make(work, filled.n);
    if (!check_digits(a, k, left, out_culprit) || !check_words(a, k, left, out_culprit) ||
        !check_scripts(left, out_culprit)) {
        return false;
    }
    *out_text = filled;
    return true;
}

static bool is_letter(char c)
{
    return (unsigned char)((c | 0x20) - 'a') < 26;
}

/* "82", "#82", "8,200": what is one number and nothing else, or an amount ("82k"). */
static bool is_number_alone(struct str s)
{
    struct numeral n;
    size_t cursor = 0;
    if (!numeral_next(s, &cursor, &n)) {
        return false;
    }
    for (size_t i = 0; i < s.n; i++) {
        bool outside = i < n.start || i >= n.end;
        bool scale = i == n.end && strchr("kKmM", s.p[i]);
        if (outside && !scale && (numeral_is_digit(s.p[i]) || is_letter(s.p[i]))) {
            return false;
        }
    }
    return true;
}

struct str success_number_without(struct arena *a, struct str text, const struct json *known)
{
    for (size_t i = 0; i < json_count(known); i++) {
        struct str one = json_text(json_at(known, i), STR(""));
        text = is_number_alone(one) ? text : text_blank_words(a, text, one);
    }
    return text;
}

struct str success_number_undated(struct arena *a, const struct json *figures, struct str text)
{
    struct known *k = ARENA_NEW(a, struct known);
    char *work = str_dupz(a, text);
    int64_t ms;
    for (size_t i = 0; i < json_count(figures); i++) {
        const struct json *value = json_get(json_at(figures, i), "value");
        if (json_is(value, JSON_STRING) && date_parse(json_text(value, STR("")), &ms)) {
            know_date(a, k, ms);
        }
    }
    for (size_t i = 0; i < text.n; i++) {
        work[i] = work[i] == '#' ? ' ' : work[i];
    }
    for (int i = 0; i < k->count; i++) {
        blank(work, text.n, k->texts[i], '#');
    }
    return str_make(work, text.n);
}
