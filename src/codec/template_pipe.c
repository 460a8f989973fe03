#include "codec/template_pipe.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/date.h"
#include "codec/text.h"
#include "codec/url.h"

enum { DECIMALS_MAX = 9, JOINED_MAX_BYTES = 1 << 20 };

struct str template_pipe_text(struct arena *a, const struct json *value)
{
    if (value->kind == JSON_STRING) {
        return value->string;
    }
    return value->kind == JSON_NULL ? STR("") : json_write(a, value);
}

static const char *become(struct json *value, struct str text)
{
    *value = (struct json){.kind = JSON_STRING, .string = text};
    return NULL;
}

static bool is_number(const struct json *v)
{
    return v->kind == JSON_INT || v->kind == JSON_REAL;
}

/* "1234567" -> "1,234,567" */
static struct str grouped(struct arena *a, struct str digits)
{
    char *out = arena_alloc(a, digits.n * 2 + 1);
    size_t n = 0;
    for (size_t i = 0; i < digits.n; i++) {
        if (i > 0 && (digits.n - i) % 3 == 0) {
            out[n++] = ',';
        }
        out[n++] = digits.p[i];
    }
    return str_make(out, n);
}

/* Money */

struct currency {
    const char *code, *symbol;
    int decimals;
};

static const struct currency *find_currency(struct str code)
{
    static const struct currency CURRENCIES[] = {
        {"USD", "$", 2},
        {"EUR", "\xe2\x82\xac", 2},
        {"GBP", "\xc2\xa3", 2},
        {"JPY", "\xc2\xa5", 0},
        {"CNY", "CN\xc2\xa5", 2},
        {"INR", "\xe2\x82\xb9", 2},
        {"KRW", "\xe2\x82\xa9", 0},
        {"CAD", "CA$", 2},
        {"AUD", "A$", 2},
        {"BRL", "R$", 2},
        {NULL, NULL, 2},
    };
    const struct currency *c = CURRENCIES;
    while (c->code && !str_eq_nocase(code, str_of(c->code))) {
        c++;
    }
    return c;
}

/* Minor units: 123450 is $1,234.50. Codes without a known sign follow the number. */
static const char *to_money(const struct template_pipe *p, const struct template_pipe_site *site,
                            struct json *value)
{
    if (value->kind != JSON_INT) {
        return "money needs an integer number of cents";
    }
    struct str code = p->arg.n ? p->arg : site->currency.n ? site->currency : STR("USD");
    const struct currency *c = find_currency(code);
    uint64_t amount = value->integer < 0 ? 0 - (uint64_t)value->integer : (uint64_t)value->integer;
    uint64_t unit = c->decimals ? 100 : 1;
    struct str whole =
        grouped(site->arena, str_fmt(site->arena, "%llu", (unsigned long long)(amount / unit)));
    struct str rest =
        c->decimals ? str_fmt(site->arena, ".%02u", (unsigned)(amount % unit)) : STR("");
    const char *sign = value->integer < 0 ? "-" : "";
    struct str tail = c->code ? STR("") : str_fmt(site->arena, " %.*s", STR_ARG(code));
    return become(value, str_fmt(site->arena, "%s%s%.*s%.*s%.*s", sign, c->code ? c->symbol : "",
                                 STR_ARG(whole), STR_ARG(rest), STR_ARG(tail)));
}

/* Dates: Unix milliseconds or ISO 8601 text */

static bool read_time(const struct json *v, int64_t *out_ms)
{
    if (v->kind == JSON_INT) {
        *out_ms = v->integer;
        return true;
    }
    return v->kind == JSON_STRING && date_parse(v->string, out_ms);
}

static const char *to_date(const struct template_pipe *p, const struct template_pipe_site *site,
                           struct json *value)
{
    int64_t ms;
    if (!read_time(value, &ms)) {
        return "a date needs milliseconds or an ISO 8601 text";
    }
    if (str_eqz(p->name, "date")) {
        return become(value, date_words(site->arena, ms));
    }
    if (str_eqz(p->name, "datetime")) {
        return become(value, date_words_time(site->arena, ms));
    }
    struct date d = date_of_ms(ms, 0);
    return become(value, str_fmt(site->arena, "%02d:%02d", d.hour, d.minute));
}

/* Numbers */

/* `decimals` < 0: as many as the number has, at most 6. */
static struct str number_text(struct arena *a, double number, int decimals)
{
    char text[400];
    snprintf(text, sizeof(text), "%.*f", decimals < 0 ? 6 : decimals, fabs(number));
    struct str whole = str_of(text), rest = STR("");
    ptrdiff_t point = str_find_char(whole, '.');
    if (point >= 0) {
        rest = str_sub(whole, (size_t)point, whole.n);
        whole = str_sub(whole, 0, (size_t)point);
        while (decimals < 0 && rest.n && (str_ends(rest, STR("0")) || rest.n == 1)) {
            rest.n--;
        }
    }
    bool zero = strtod(text, NULL) == 0;
    struct str groups = grouped(a, whole);
    return str_fmt(a, "%s%.*s%.*s", number < 0 && !zero ? "-" : "", STR_ARG(groups), STR_ARG(rest));
}

static bool read_decimals(const struct template_pipe *p, int *out_decimals)
{
    int64_t n = 0;
    if (p->has_arg && (!str_to_i64(p->arg, &n) || n < 0 || n > DECIMALS_MAX)) {
        return false;
    }
    *out_decimals = p->has_arg ? (int)n : -1;
    return true;
}

static const char *to_number(const struct template_pipe *p, const struct template_pipe_site *site,
                             struct json *value)
{
    int decimals;
    if (!is_number(value) || !read_decimals(p, &decimals)) {
        return "number needs a number, and perhaps how many decimals";
    }
    if (value->kind == JSON_INT && decimals <= 0) { /* exact, where a double would not be */
        struct str digits = str_fmt(site->arena, "%lld", (long long)value->integer);
        bool minus = value->integer < 0;
        digits = grouped(site->arena, str_sub(digits, minus, digits.n));
        return become(value, str_fmt(site->arena, "%s%.*s", minus ? "-" : "", STR_ARG(digits)));
    }
    return become(value, number_text(site->arena, json_number(value, 0), decimals));
}

static const char *to_percent(const struct template_pipe *p, const struct template_pipe_site *site,
                              struct json *value)
{
    int decimals;
    if (!is_number(value) || !read_decimals(p, &decimals)) {
        return "percent needs a number, and perhaps how many decimals";
    }
    double hundredfold = json_number(value, 0) * 100;
    if (decimals < 0) {
        hundredfold = round(hundredfold * 10) / 10;
    }
    struct str text = number_text(site->arena, hundredfold, decimals);
    return become(value, str_fmt(site->arena, "%.*s%%", STR_ARG(text)));
}

static const char *to_rounded(const struct template_pipe *p, const struct template_pipe_site *site,
                              struct json *value)
{
    (void)site;
    int decimals;
    if (!is_number(value) || !read_decimals(p, &decimals)) {
        return "round needs a number, and perhaps how many decimals";
    }
    double scale = pow(10, decimals < 0 ? 0 : decimals);
    double rounded = round(json_number(value, 0) * scale) / scale;
    if (value->kind == JSON_REAL && isfinite(rounded)) {
        *value = fabs(rounded) < 0x1p53 && rounded == floor(rounded)
                     ? (struct json){.kind = JSON_INT, .integer = (int64_t)rounded}
                     : (struct json){.kind = JSON_REAL, .real = rounded};
    }
    return NULL;
}

static const char *to_count(const struct template_pipe *p, const struct template_pipe_site *site,
                            struct json *value)
{
    (void)p, (void)site;
    size_t n = value->kind == JSON_STRING ? text_count(value->string) : json_count(value);
    if (value->kind < JSON_STRING) {
        return "count needs a list, an object or a text";
    }
    *value = (struct json){.kind = JSON_INT, .integer = (int64_t)n};
    return NULL;
}

/* Texts */

static const char *to_upper(const struct template_pipe *p, const struct template_pipe_site *site,
                            struct json *value)
{
    (void)p;
    return become(value, text_upper(site->arena, template_pipe_text(site->arena, value)));
}

static const char *to_lower(const struct template_pipe *p, const struct template_pipe_site *site,
                            struct json *value)
{
    (void)p;
    return become(value, text_lower(site->arena, template_pipe_text(site->arena, value)));
}

static const char *to_title(const struct template_pipe *p, const struct template_pipe_site *site,
                            struct json *value)
{
    (void)p;
    return become(value, text_title(site->arena, template_pipe_text(site->arena, value)));
}

static const char *to_trimmed(const struct template_pipe *p, const struct template_pipe_site *site,
                              struct json *value)
{
    (void)p;
    return become(value, str_trim(template_pipe_text(site->arena, value)));
}

static const char *to_json(const struct template_pipe *p, const struct template_pipe_site *site,
                           struct json *value)
{
    (void)p;
    return become(value, json_write(site->arena, value));
}

static const char *to_url(const struct template_pipe *p, const struct template_pipe_site *site,
                          struct json *value)
{
    (void)p;
    return become(value, url_encode(site->arena, template_pipe_text(site->arena, value), false));
}

static const char *to_default(const struct template_pipe *p, const struct template_pipe_site *site,
                              struct json *value)
{
    (void)site;
    if (value->kind == JSON_NULL || (value->kind == JSON_STRING && value->string.n == 0)) {
        return become(value, p->arg);
    }
    return NULL;
}

static const char *to_joined(const struct template_pipe *p, const struct template_pipe_site *site,
                             struct json *value)
{
    struct str between = p->has_arg ? p->arg : STR(", ");
    if (value->kind != JSON_ARRAY) {
        return "join needs a list";
    }
    struct buf b = buf_make(JOINED_MAX_BYTES);
    for (uint32_t i = 0; i < value->count; i++) {
        if (i) {
            buf_add_str(&b, between);
        }
        buf_add_str(&b, template_pipe_text(site->arena, &value->items[i]));
    }
    struct str text = str_dup(site->arena, buf_str(&b));
    buf_free(&b);
    return become(value, text);
}

static const struct {
    const char *name;
    const char *(*apply)(const struct template_pipe *p, const struct template_pipe_site *site,
                         struct json *value);
} PIPES[] = {
    {"money", to_money},   {"date", to_date},       {"datetime", to_date},   {"time", to_date},
    {"number", to_number}, {"percent", to_percent}, {"round", to_rounded},   {"count", to_count},
    {"upper", to_upper},   {"lower", to_lower},     {"title", to_title},     {"trim", to_trimmed},
    {"json", to_json},     {"url", to_url},         {"default", to_default}, {"join", to_joined},
    {NULL, NULL},
};

bool template_pipe_is_known(struct str name)
{
    for (int i = 0; PIPES[i].name; i++) {
        if (str_eqz(name, PIPES[i].name)) {
            return true;
        }
    }
    return false;
}

const char *template_pipe_apply(const struct template_pipe *p,
                                const struct template_pipe_site *site, struct json *value)
{
    if (value->kind == JSON_NULL && !str_eqz(p->name, "default")) {
        return NULL;
    }
    for (int i = 0; PIPES[i].name; i++) {
        if (str_eqz(p->name, PIPES[i].name)) {
            return PIPES[i].apply(p, site, value);
        }
    }
    return "unknown pipe";
}
