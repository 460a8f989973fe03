/* The writing half of json.h. */
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "codec/json.h"
#include "codec/real_text.h"

enum { TEXT_MAX_BYTES = 256 << 20 };

struct json_out json_out_to(struct buf *b)
{
    return (struct json_out){.buf = b};
}

static void before_value(struct json_out *o)
{
    if (o->comma) {
        buf_add_char(o->buf, ',');
    }
    o->comma = true;
}

static void open_with(struct json_out *o, char c)
{
    before_value(o);
    buf_add_char(o->buf, c);
    o->depth++;
    o->comma = false;
}

static void close_with(struct json_out *o, char c)
{
    assert(o->depth > 0);
    buf_add_char(o->buf, c);
    o->depth--;
    o->comma = true;
}

void json_open_object(struct json_out *o)
{
    open_with(o, '{');
}

void json_close_object(struct json_out *o)
{
    close_with(o, '}');
}

void json_open_array(struct json_out *o)
{
    open_with(o, '[');
}

void json_close_array(struct json_out *o)
{
    close_with(o, ']');
}

/* What must not stand in a string as it is: 0 goes through, 'u' becomes \u00XX, 'x' begins bytes
 * that are to be checked. */
static char escape_of(unsigned char c)
{
    switch (c) {
    case '"':
    case '\\':
        return (char)c;
    case '\b':
        return 'b';
    case '\f':
        return 'f';
    case '\n':
        return 'n';
    case '\r':
        return 'r';
    case '\t':
        return 't';
    default:
        return (char)(c < 0x20 ? 'u' : c >= 0x80 ? 'x' : 0);
    }
}

/* Bytes of a well-formed sequence at the start of s, or 0. */
static size_t sequence_bytes(struct str s)
{
    unsigned char c = (unsigned char)s.p[0];
    size_t n = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
    return n <= s.n && str_is_utf8(str_make(s.p, n)) ? n : 0;
}

/* How many bytes from `from` on stand in JSON as they are, eight at a time. */
static size_t plain_bytes(struct str s, size_t from)
{
    static const uint64_t ones = 0x0101010101010101u, tops = 0x8080808080808080u;
    size_t i = from;
    for (uint64_t v; i + sizeof(v) <= s.n; i += sizeof(v)) {
        memcpy(&v, s.p + i, sizeof(v));
        uint64_t quote = v ^ (ones * '"'), slash = v ^ (ones * '\\');
        uint64_t odd =
            v | ((v - ones * 0x20) & ~v) | ((quote - ones) & ~quote) | ((slash - ones) & ~slash);
        if (odd & tops) {
            break;
        }
    }
    return i - from;
}

static void put_quoted(struct buf *b, struct str s)
{
    if (s.n == 0) {
        buf_add(b, "\"\"", 2);
        return;
    }
    buf_add_char(b, '"');
    size_t from = 0, i = 0;
    for (;;) {
        i += plain_bytes(s, i);
        if (i == s.n) {
            break;
        }
        unsigned char c = (unsigned char)s.p[i];
        char escape = escape_of(c);
        size_t good = escape == 0 ? 1 : escape == 'x' ? sequence_bytes(str_sub(s, i, 4)) : 0;
        if (good) {
            i += good;
            continue;
        }
        buf_add(b, s.p + from, i - from);
        if (escape == 'x') {
            buf_add(b, "\xef\xbf\xbd", 3);
        } else if (escape == 'u') {
            buf_addf(b, "\\u%04x", c);
        } else {
            buf_add(b, (char[]){'\\', escape}, 2);
        }
        from = ++i;
    }
    buf_add(b, s.p + from, i - from);
    buf_add_char(b, '"');
}

void json_name_str(struct json_out *o, struct str name)
{
    assert(o->depth > 0);
    before_value(o);
    put_quoted(o->buf, name);
    buf_add_char(o->buf, ':');
    o->comma = false;
}

void json_name(struct json_out *o, const char *name)
{
    json_name_str(o, str_of(name));
}

void json_put_str(struct json_out *o, struct str s)
{
    before_value(o);
    put_quoted(o->buf, s);
}

static void put_int(struct buf *b, int64_t value)
{
    char digits[24], *p = digits + sizeof(digits);
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    do {
        *--p = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest);
    if (value < 0) {
        *--p = '-';
    }
    buf_add(b, p, (size_t)(digits + sizeof(digits) - p));
}

void json_put_int(struct json_out *o, int64_t value)
{
    before_value(o);
    put_int(o->buf, value);
}

/* 15 digits where they read back as the same double, else 16 or 17; always written as a real. */
static void put_real(struct buf *b, double value)
{
    char text[REAL_TEXT_MAX_BYTES];
    buf_add(b, text, real_text(value, text));
}

void json_put_real(struct json_out *o, double value)
{
    if (!isfinite(value)) {
        json_put_null(o);
        return;
    }
    before_value(o);
    put_real(o->buf, value);
}

void json_put_bool(struct json_out *o, bool value)
{
    before_value(o);
    buf_add_str(o->buf, value ? STR("true") : STR("false"));
}

void json_put_null(struct json_out *o)
{
    before_value(o);
    buf_add_str(o->buf, STR("null"));
}

void json_put_raw(struct json_out *o, struct str json)
{
    before_value(o);
    buf_add_str(o->buf, json);
}

static int by_name(const void *a, const void *b)
{
    const struct json_member *const *x = a, *const *y = b;
    return str_cmp((*x)->name, (*y)->name);
}

struct style {
    bool sorted;
    bool pretty;
};

static void put_value(struct json_out *o, const struct json *v, struct style style);

static void new_line(struct json_out *o, struct style style)
{
    if (style.pretty) {
        buf_addf(o->buf, "\n%*s", (int)(2 * o->depth), "");
    }
}

static void put_member(struct json_out *o, const struct json_member *m, struct style style)
{
    if (o->comma) {
        buf_add_char(o->buf, ',');
        o->comma = false;
    }
    new_line(o, style);
    put_quoted(o->buf, m->name);
    buf_add_str(o->buf, style.pretty ? STR(": ") : STR(":"));
    put_value(o, &m->value, style);
}

static void put_members(struct json_out *o, const struct json *v, struct style style)
{
    if (!style.sorted) {
        for (uint32_t i = 0; i < v->count; i++) {
            put_member(o, &v->members[i], style);
        }
        return;
    }
    const struct json_member **order = mem_new(v->count * sizeof(struct json_member *));
    for (uint32_t i = 0; i < v->count; i++) {
        order[i] = &v->members[i];
    }
    qsort(order, v->count, sizeof(struct json_member *), by_name);
    for (uint32_t i = 0; i < v->count; i++) {
        put_member(o, order[i], style);
    }
    free(order);
}

static void put_items(struct json_out *o, const struct json *v, struct style style)
{
    for (uint32_t i = 0; i < v->count; i++) {
        if (o->comma) {
            buf_add_char(o->buf, ',');
            o->comma = false;
        }
        new_line(o, style);
        put_value(o, &v->items[i], style);
    }
}

static void put_container(struct json_out *o, const struct json *v, struct style style)
{
    bool object = v->kind == JSON_OBJECT;
    open_with(o, object ? '{' : '[');
    if (object) {
        put_members(o, v, style);
    } else {
        put_items(o, v, style);
    }
    if (v->count) {
        o->depth--;
        new_line(o, style);
        o->depth++;
    }
    close_with(o, object ? '}' : ']');
}

static void put_value(struct json_out *o, const struct json *v, struct style style)
{
    switch (v->kind) {
    case JSON_NULL:
        json_put_null(o);
        break;
    case JSON_BOOL:
        json_put_bool(o, v->boolean);
        break;
    case JSON_INT:
        json_put_int(o, v->integer);
        break;
    case JSON_REAL:
        json_put_real(o, v->real);
        break;
    case JSON_STRING:
        json_put_str(o, v->string);
        break;
    case JSON_ARRAY:
    case JSON_OBJECT:
        put_container(o, v, style);
        break;
    }
}

void json_put(struct json_out *o, const struct json *v)
{
    put_value(o, v ? v : &json_null_value, (struct style){0});
}

void json_field_str(struct json_out *o, const char *name, struct str s)
{
    json_name(o, name);
    json_put_str(o, s);
}

void json_field_int(struct json_out *o, const char *name, int64_t value)
{
    json_name(o, name);
    json_put_int(o, value);
}

void json_field_real(struct json_out *o, const char *name, double value)
{
    json_name(o, name);
    json_put_real(o, value);
}

void json_field_bool(struct json_out *o, const char *name, bool value)
{
    json_name(o, name);
    json_put_bool(o, value);
}

void json_field_null(struct json_out *o, const char *name)
{
    json_name(o, name);
    json_put_null(o);
}

void json_field(struct json_out *o, const char *name, const struct json *v)
{
    json_name(o, name);
    json_put(o, v);
}

static struct str write_styled(struct arena *a, const struct json *v, struct style style)
{
    struct buf b = buf_make(TEXT_MAX_BYTES);
    struct json_out o = json_out_to(&b);
    put_value(&o, v ? v : &json_null_value, style);
    struct str text = str_dup(a, buf_str(&b));
    buf_free(&b);
    return text;
}

struct str json_write(struct arena *a, const struct json *v)
{
    return write_styled(a, v, (struct style){0});
}

struct str json_write_canonical(struct arena *a, const struct json *v)
{
    return write_styled(a, v, (struct style){.sorted = true});
}

struct str json_write_pretty(struct arena *a, const struct json *v)
{
    return write_styled(a, v, (struct style){.pretty = true});
}
