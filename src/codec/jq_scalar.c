/* The builtins over numbers, texts and times: values in, one value out. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "codec/date.h"
#include "codec/jq_run.h"
#include "codec/text.h"

/* Numbers */

static const struct json *apply(struct jq_run *r, const struct json *v, double (*f)(double))
{
    return jq_is_number(v) ? jq_number(r, f(json_number(v, 0)))
                           : jq_fail(r, "%s number required", jq_shown(r, v));
}

#define MATH(name)                                                                                 \
    static const struct json *do_##name(JQ_IN)                                                     \
    {                                                                                              \
        return apply(r, in, name);                                                                 \
    }
MATH(floor)
MATH(ceil)
MATH(round)
MATH(trunc)
MATH(sqrt)
MATH(fabs)
MATH(exp)
MATH(exp2)
MATH(exp10)
MATH(log)
MATH(log2)
MATH(log10)
MATH(sin)
MATH(cos)
MATH(tan)
MATH(atan)

static const struct json *do_pow(JQ_IN)
{
    if (!jq_is_number(args[0]) || !jq_is_number(args[1])) {
        return jq_fail(r, "%s number required",
                       jq_shown(r, jq_is_number(args[0]) ? args[1] : args[0]));
    }
    return jq_number(r, pow(json_number(args[0], 0), json_number(args[1], 0)));
}

/* Texts */

static const struct json *starts_or_ends(struct jq_run *r, const struct json *v,
                                         const struct json *part, bool starts)
{
    if (v->kind != JSON_STRING || part->kind != JSON_STRING) {
        return jq_fail(r, "%s() requires string inputs", starts ? "startswith" : "endswith");
    }
    return json_new_bool(starts ? str_starts(v->string, part->string)
                                : str_ends(v->string, part->string));
}

static const struct json *do_startswith(JQ_IN)
{
    return starts_or_ends(r, in, args[0], true);
}

static const struct json *do_endswith(JQ_IN)
{
    return starts_or_ends(r, in, args[0], false);
}

static const struct json *do_ltrimstr(JQ_IN)
{
    bool cut = in->kind == JSON_STRING && args[0]->kind == JSON_STRING &&
               str_starts(in->string, args[0]->string);
    return cut ? jq_string(r, str_sub(in->string, args[0]->string.n, in->string.n)) : in;
}

static const struct json *do_rtrimstr(JQ_IN)
{
    bool cut = in->kind == JSON_STRING && args[0]->kind == JSON_STRING &&
               str_ends(in->string, args[0]->string) && args[0]->string.n;
    return cut ? jq_string(r, str_sub(in->string, 0, in->string.n - args[0]->string.n)) : in;
}

static const struct json *trimmed(struct jq_run *r, const struct json *v, bool left, bool right)
{
    if (v->kind != JSON_STRING) {
        return jq_fail(r, "%s cannot be trimmed", jq_shown(r, v));
    }
    struct str s = str_trim(v->string);
    const char *from = left ? s.p : v->string.p;
    const char *to = right ? s.p + s.n : v->string.p + v->string.n;
    return jq_string(r, str_make(from, (size_t)(to - from)));
}

static const struct json *do_trim(JQ_IN)
{
    return trimmed(r, in, true, true);
}

static const struct json *do_ltrim(JQ_IN)
{
    return trimmed(r, in, true, false);
}

static const struct json *do_rtrim(JQ_IN)
{
    return trimmed(r, in, false, true);
}

static const struct json *do_split(JQ_IN)
{
    if (in->kind != JSON_STRING || args[0]->kind != JSON_STRING) {
        return jq_fail(r, "split input and separator must be strings");
    }
    return jq_calculate(r, JQ_OP_DIVIDE, in, args[0]);
}

static const struct json *do_join(JQ_IN)
{
    if (in->kind != JSON_ARRAY) {
        return jq_fail(r, "Cannot iterate over %s", jq_shown(r, in));
    }
    if (in->count && args[0]->kind != JSON_STRING) {
        return jq_fail(r, "%s and %s cannot be added", jq_shown(r, in), jq_shown(r, args[0]));
    }
    struct buf b = buf_make(JQ_MEMORY_MAX_BYTES / 2);
    for (uint32_t i = 0; i < in->count && !b.overflow; i++) {
        const struct json *v = &in->items[i];
        if (v->kind == JSON_ARRAY || v->kind == JSON_OBJECT) {
            buf_free(&b);
            return jq_fail(r, "string and %s cannot be added", jq_shown(r, v));
        }
        buf_add_str(&b, i ? args[0]->string : STR(""));
        buf_add_str(&b, v->kind == JSON_NULL ? STR("") : jq_text(r, v));
    }
    bool fits = !b.overflow && jq_room(r, b.n + 1);
    struct str text = fits ? str_dup(r->arena, buf_str(&b)) : STR("");
    buf_free(&b);
    if (!fits) {
        jq_spend(r, "the program makes too many values");
    }
    return fits ? jq_string(r, text) : NULL;
}

static const struct json *cased(struct jq_run *r, const struct json *v, char from, int shift)
{
    if (v->kind != JSON_STRING) {
        return jq_fail(r, "explode input must be a string");
    }
    if (!jq_room(r, v->string.n + 1)) {
        return NULL;
    }
    char *p = str_dupz(r->arena, v->string);
    for (size_t i = 0; i < v->string.n; i++) {
        p[i] = (char)(p[i] >= from && p[i] < from + 26 ? p[i] + shift : p[i]);
    }
    return jq_string(r, str_make(p, v->string.n));
}

static const struct json *do_ascii_downcase(JQ_IN)
{
    return cased(r, in, 'A', 32);
}

static const struct json *do_ascii_upcase(JQ_IN)
{
    return cased(r, in, 'a', -32);
}

static const struct json *do_explode(JQ_IN)
{
    if (in->kind != JSON_STRING) {
        return jq_fail(r, "explode input must be a string");
    }
    struct json *items = jq_new_items(r, in->string.n);
    struct str rest = in->string;
    uint32_t code;
    size_t n = 0;
    while (items && text_next(&rest, &code)) {
        items[n++] = (struct json){.kind = JSON_INT, .integer = code};
    }
    return items ? jq_array_of(r, items, n) : NULL;
}

static const struct json *do_implode(JQ_IN)
{
    if (in->kind != JSON_ARRAY) {
        return jq_fail(r, "implode input must be an array");
    }
    char *p = jq_room(r, in->count * 4 + 1) ? arena_alloc(r->arena, in->count * 4 + 1) : NULL;
    size_t n = 0;
    for (uint32_t i = 0; p && i < in->count; i++) {
        double code = json_number(&in->items[i], -1);
        if (code < 0 || code > 0x10ffff) {
            return jq_fail(r, "implode input must be an array of codepoints");
        }
        n += text_put(p + n, (uint32_t)code);
    }
    return p ? jq_string(r, str_make(p, n)) : NULL;
}

/* Where a text occurs in a text, counted in characters; or an element or list in an array. */
static const struct json *do_indices(JQ_IN)
{
    if (in->kind == JSON_NULL) {
        return in;
    }
    if (in->kind == JSON_ARRAY) {
        const struct json *list =
            args[0]->kind == JSON_ARRAY ? args[0] : json_new_array(r->arena, &args[0], 1);
        return jq_member(r, in, list);
    }
    if (in->kind != JSON_STRING || args[0]->kind != JSON_STRING) {
        return jq_fail(r, "Cannot determine the indices of %s in %s", jq_type(args[0]),
                       jq_type(in));
    }
    struct jq_list list = jq_list_make();
    struct str rest = in->string;
    uint32_t code;
    for (size_t at = 0; args[0]->string.n && rest.n && jq_step(r); at++) {
        if (str_starts(rest, args[0]->string)) {
            jq_list_add(r, &list, jq_integer(r, at));
        }
        text_next(&rest, &code);
    }
    return args[0]->string.n ? jq_list_array(r, &list) : &json_null_value;
}

/* Times: seconds, or the broken-down form [year, month - 1, day, h, m, s, weekday, day of the year]
 */

static bool read_time(const struct json *v, int64_t *out_ms)
{
    double s = json_number(v, NAN);
    if (v->kind == JSON_ARRAY && v->count >= 6) {
        struct date d = {.year = (int)json_number(&v->items[0], 0),
                         .month = (int)json_number(&v->items[1], 0) + 1,
                         .day = (int)json_number(&v->items[2], 0),
                         .hour = (int)json_number(&v->items[3], 0),
                         .minute = (int)json_number(&v->items[4], 0),
                         .second = (int)json_number(&v->items[5], 0)};
        if (d.year < 1 || d.year > 9999 || d.month < 1 || d.month > 12 || d.day < 0 ||
            d.day > 366 || abs(d.hour) > 100000 || abs(d.minute) > 100000) {
            return false;
        }
        *out_ms = date_to_ms(&d, 0);
        return true;
    }
    if (isnan(s) || fabs(s) > 2.6e11) {
        return false;
    }
    *out_ms = (int64_t)floor(s * 1000);
    return true;
}

static const struct json *do_todate(JQ_IN)
{
    int64_t ms;
    if (!jq_is_number(in) || !read_time(in, &ms)) {
        return jq_fail(r, "strftime/1 requires parsed datetime inputs");
    }
    struct str iso = date_iso(r->arena, ms);
    return jq_string(r, str_fmt(r->arena, "%.19sZ", iso.p));
}

static const struct json *do_fromdate(JQ_IN)
{
    int64_t ms;
    if (in->kind != JSON_STRING || !date_parse(in->string, &ms)) {
        return jq_fail(r, "%s is not an ISO 8601 date", jq_shown(r, in));
    }
    return jq_number(r, floor((double)ms / 1000));
}

static const struct json *do_gmtime(JQ_IN)
{
    int64_t ms;
    if (!jq_is_number(in) || !read_time(in, &ms)) {
        return jq_fail(r, "gmtime() requires a number");
    }
    struct date d = date_of_ms(ms, 0), first = {.year = d.year, .month = 1, .day = 1};
    int64_t day = (ms - date_to_ms(&first, 0)) / DATE_DAY_MS;
    const int64_t parts[] = {d.year, d.month - 1, d.day, d.hour, d.minute, 0, d.weekday, day};
    struct json *items = jq_new_items(r, 8);
    for (int i = 0; items && i < 8; i++) {
        items[i] = (struct json){.kind = JSON_INT, .integer = parts[i]};
    }
    if (items) {
        items[5] = *jq_number(r, d.second + d.ms / 1000.0);
    }
    return items ? jq_array_of(r, items, 8) : NULL;
}

static const struct json *do_mktime(JQ_IN)
{
    int64_t ms;
    if (in->kind != JSON_ARRAY || !read_time(in, &ms)) {
        return jq_fail(r, "mktime requires parsed datetime inputs");
    }
    return jq_number(r, floor((double)ms / 1000));
}

static struct str time_part(struct arena *a, char letter, int64_t ms)
{
    static const char *const WEEKDAYS[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                           "Thursday", "Friday", "Saturday"};
    struct date d = date_of_ms(ms, 0);
    struct str http = date_http(a, ms), words = date_words(a, ms);
    switch (letter) {
    case 'Y':
        return str_fmt(a, "%04d", d.year);
    case 'm':
        return str_fmt(a, "%02d", d.month);
    case 'd':
        return str_fmt(a, "%02d", d.day);
    case 'e':
        return str_fmt(a, "%2d", d.day);
    case 'H':
        return str_fmt(a, "%02d", d.hour);
    case 'M':
        return str_fmt(a, "%02d", d.minute);
    case 'S':
        return str_fmt(a, "%02d", d.second);
    case 'F':
        return date_iso_day(a, ms);
    case 'T':
        return str_fmt(a, "%02d:%02d:%02d", d.hour, d.minute, d.second);
    case 'a':
        return str_sub(http, 0, 3);
    case 'A':
        return str_of(WEEKDAYS[d.weekday]);
    case 'b':
        return str_sub(http, 8, 3);
    case 'B': {
        struct str month = str_sub(words, d.day < 10 ? 2 : 3, words.n);
        return str_sub(month, 0, (size_t)str_find_char(month, ' '));
    }
    case 's':
        return str_fmt(a, "%lld", (long long)(ms / 1000));
    case 'Z':
        return STR("UTC");
    case 'z':
        return STR("+0000");
    case '%':
        return STR("%");
    default:
        return str_make(NULL, 0);
    }
}

static const struct json *do_strftime(JQ_IN)
{
    int64_t ms;
    if (!read_time(in, &ms) || args[0]->kind != JSON_STRING) {
        return jq_fail(r, "strftime/1 requires parsed datetime inputs and a string format");
    }
    struct buf b = buf_make(4096);
    struct str f = args[0]->string;
    for (size_t i = 0; i < f.n; i++) {
        struct str part = str_sub(f, i, 1);
        if (f.p[i] == '%') {
            part = time_part(r->arena, (char)(++i < f.n ? f.p[i] : 0), ms);
        }
        if (!part.p || b.overflow) {
            buf_free(&b);
            return jq_fail(r, "strftime/1: unknown format or a text that is too long");
        }
        buf_add_str(&b, part);
    }
    struct str text = str_dup(r->arena, buf_str(&b));
    buf_free(&b);
    return jq_string(r, text);
}

const struct jq_builtin jq_scalar_table[] = {
    {"floor", 0, do_floor, NULL},
    {"ceil", 0, do_ceil, NULL},
    {"round", 0, do_round, NULL},
    {"trunc", 0, do_trunc, NULL},
    {"sqrt", 0, do_sqrt, NULL},
    {"fabs", 0, do_fabs, NULL},
    {"abs", 0, do_fabs, NULL},
    {"exp", 0, do_exp, NULL},
    {"exp2", 0, do_exp2, NULL},
    {"exp10", 0, do_exp10, NULL},
    {"log", 0, do_log, NULL},
    {"log2", 0, do_log2, NULL},
    {"log10", 0, do_log10, NULL},
    {"sin", 0, do_sin, NULL},
    {"cos", 0, do_cos, NULL},
    {"tan", 0, do_tan, NULL},
    {"atan", 0, do_atan, NULL},
    {"pow", 2, do_pow, NULL},
    {"startswith", 1, do_startswith, NULL},
    {"endswith", 1, do_endswith, NULL},
    {"ltrimstr", 1, do_ltrimstr, NULL},
    {"rtrimstr", 1, do_rtrimstr, NULL},
    {"trim", 0, do_trim, NULL},
    {"ltrim", 0, do_ltrim, NULL},
    {"rtrim", 0, do_rtrim, NULL},
    {"split", 1, do_split, NULL},
    {"join", 1, do_join, NULL},
    {"ascii_downcase", 0, do_ascii_downcase, NULL},
    {"ascii_upcase", 0, do_ascii_upcase, NULL},
    {"explode", 0, do_explode, NULL},
    {"implode", 0, do_implode, NULL},
    {"indices", 1, do_indices, NULL},
    {"todate", 0, do_todate, NULL},
    {"todateiso8601", 0, do_todate, NULL},
    {"fromdate", 0, do_fromdate, NULL},
    {"fromdateiso8601", 0, do_fromdate, NULL},
    {"gmtime", 0, do_gmtime, NULL},
    {"mktime", 0, do_mktime, NULL},
    {"strftime", 1, do_strftime, NULL},
    {NULL, 0, NULL, NULL},
};
