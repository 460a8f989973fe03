#include "codec/json_scan.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/text.h"

enum { PAIRWISE_MAX = 16, STACK_FIRST = 64 };

/* Elements and members are collected on one stack and moved to the arena when their container ends,
 * so that the arena holds nothing but the tree. */
struct scan {
    struct arena *arena;
    struct str text;
    size_t at;
    int depth;
    struct json_member *stack;
    size_t stack_count, stack_size;
    struct json_fault *fault;
};

void json_scan_place(struct str text, size_t offset, int *out_line, int *out_column)
{
    int line = 1, column = 1;
    offset = offset < text.n ? offset : text.n;
    for (size_t i = 0; i < offset; i++) {
        if (text.p[i] == '\n') {
            line++;
            column = 1;
        } else if (((unsigned char)text.p[i] & 0xc0) != 0x80) {
            column++;
        }
    }
    *out_line = line;
    *out_column = column;
}

ptrdiff_t json_scan_duplicate(const struct json_member *members, size_t n)
{
    if (n <= PAIRWISE_MAX) {
        for (size_t i = 1; i < n; i++) {
            for (size_t k = 0; k < i; k++) {
                if (str_eq(members[i].name, members[k].name)) {
                    return (ptrdiff_t)i;
                }
            }
        }
        return -1;
    }
    size_t n_slots = 64;
    while (n_slots < n * 2) {
        n_slots *= 2;
    }
    uint32_t *slots = mem_new(n_slots * sizeof(*slots));
    ptrdiff_t found = -1;
    for (size_t i = 0; i < n && found < 0; i++) {
        size_t at = str_hash(members[i].name) & (n_slots - 1);
        while (slots[at] && found < 0) {
            if (str_eq(members[slots[at] - 1].name, members[i].name)) {
                found = (ptrdiff_t)i;
            }
            at = (at + 1) & (n_slots - 1);
        }
        slots[at] = (uint32_t)i + 1;
    }
    free(slots);
    return found;
}

int json_scan_hex4(const char *p)
{
    int value = 0;
    for (int i = 0; i < 4; i++) {
        char c = p[i];
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0) {
            return -1;
        }
        value = value * 16 + digit;
    }
    return value;
}

__attribute__((format(printf, 4, 5))) static enum err fail(struct scan *s, enum err e, size_t at,
                                                           const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(s->fault->text, sizeof(s->fault->text), fmt, args);
    va_end(args);
    s->fault->offset = at;
    json_scan_place(s->text, at, &s->fault->line, &s->fault->column);
    return e;
}

static char peek(const struct scan *s)
{
    return (char)(s->at < s->text.n ? s->text.p[s->at] : 0);
}

static bool at_end(const struct scan *s)
{
    return s->at >= s->text.n;
}

static void skip_space(struct scan *s)
{
    while (!at_end(s) &&
           (peek(s) == ' ' || peek(s) == '\n' || peek(s) == '\r' || peek(s) == '\t')) {
        s->at++;
    }
}

/* Names what stands at the place, for the fault's text. */
static enum err unexpected(struct scan *s, const char *wanted)
{
    if (at_end(s)) {
        return fail(s, E_INVALID, s->at, "the text ends where %s is expected", wanted);
    }
    unsigned char c = (unsigned char)peek(s);
    if (c > ' ' && c < 0x7f) {
        return fail(s, E_INVALID, s->at, "unexpected \"%c\": %s is expected", c, wanted);
    }
    return fail(s, E_INVALID, s->at, "unexpected byte 0x%02x: %s is expected", c, wanted);
}

/* Reads the four digits after \u, and the second half of a pair. */
static enum err read_unicode(struct scan *s, size_t escape_at, uint32_t *out_code)
{
    int high = s->text.n - s->at < 4 ? -1 : json_scan_hex4(s->text.p + s->at);
    if (high < 0) {
        return fail(s, E_INVALID, escape_at, "\\u is not followed by four hexadecimal digits");
    }
    s->at += 4;
    *out_code = (uint32_t)high;
    if (high < 0xd800 || high > 0xdfff) {
        return E_OK;
    }
    int low = -1;
    if (high < 0xdc00 && s->text.n - s->at >= 6 && s->text.p[s->at] == '\\' &&
        s->text.p[s->at + 1] == 'u') {
        low = json_scan_hex4(s->text.p + s->at + 2);
    }
    if (low < 0xdc00 || low > 0xdfff) {
        return fail(s, E_INVALID, escape_at, "\\u%04x is one half of a surrogate pair", high);
    }
    s->at += 6;
    *out_code = 0x10000 + (((uint32_t)high - 0xd800) << 10) + ((uint32_t)low - 0xdc00);
    return E_OK;
}

static enum err read_escape(struct scan *s, char **out)
{
    static const char FROM[] = "\"\\/bfnrt", TO[] = "\"\\/\b\f\n\r\t";
    size_t escape_at = s->at++;
    char c = peek(s);
    if (at_end(s)) {
        return fail(s, E_INVALID, s->at, "the text ends inside a string");
    }
    s->at++;
    if (c == 'u') {
        uint32_t code = 0;
        TRY(read_unicode(s, escape_at, &code));
        *out += text_put(*out, code);
        return E_OK;
    }
    const char *known = c ? strchr(FROM, c) : NULL;
    if (!known) {
        return fail(s, E_INVALID, escape_at, "unknown escape in a string");
    }
    *(*out)++ = TO[known - FROM];
    return E_OK;
}

/* The length of the string up to its closing quote. */
static enum err measure_string(struct scan *s, size_t start, size_t *out_n)
{
    size_t i = start;
    while (i < s->text.n && s->text.p[i] != '"') {
        if ((unsigned char)s->text.p[i] < 0x20) {
            return fail(s, E_INVALID, i,
                        "control character 0x%02x in a string: it must be written as an escape",
                        (unsigned char)s->text.p[i]);
        }
        i += s->text.p[i] == '\\' ? 2 : 1;
    }
    if (i >= s->text.n) {
        return fail(s, E_INVALID, start - 1, "this string is never closed");
    }
    *out_n = i - start;
    return E_OK;
}

static enum err no_room(struct scan *s)
{
    return fail(s, E_TOO_LARGE, s->at, "the document needs more memory than it may use");
}

static enum err read_string(struct scan *s, struct str *out_string)
{
    size_t start = ++s->at, n = 0;
    TRY(measure_string(s, start, &n));
    if (n + 64 > arena_left_bytes(s->arena)) {
        return no_room(s);
    }
    char *bytes = arena_alloc(s->arena, n + 1), *end = bytes;
    while (s->at < start + n) {
        if (peek(s) == '\\') {
            TRY(read_escape(s, &end));
        } else {
            *end++ = s->text.p[s->at++];
        }
    }
    *end = 0;
    s->at++;
    *out_string = str_make(bytes, (size_t)(end - bytes));
    return E_OK;
}

static size_t count_digits(struct scan *s)
{
    size_t start = s->at;
    while (peek(s) >= '0' && peek(s) <= '9') {
        s->at++;
    }
    return s->at - start;
}

static enum err read_number(struct scan *s, struct json *out_value)
{
    size_t start = s->at;
    s->at += peek(s) == '-';
    bool zero = peek(s) == '0';
    size_t digits = count_digits(s);
    if (digits == 0) {
        return unexpected(s, "a digit");
    }
    if (zero && digits > 1) {
        return fail(s, E_INVALID, start, "a number must not start with 0");
    }
    bool whole = true;
    if (peek(s) == '.') {
        s->at++;
        whole = false;
        if (count_digits(s) == 0) {
            return unexpected(s, "a digit after the point");
        }
    }
    if (peek(s) == 'e' || peek(s) == 'E') {
        s->at++;
        whole = false;
        s->at += peek(s) == '+' || peek(s) == '-';
        if (count_digits(s) == 0) {
            return unexpected(s, "a digit in the exponent");
        }
    }
    struct str text = str_sub(s->text, start, s->at - start);
    int64_t integer;
    if (whole && str_to_i64(text, &integer)) {
        *out_value = (struct json){.kind = JSON_INT, .integer = integer};
        return E_OK;
    }
    char *copy = str_dupz(s->arena, text);
    double real = strtod(copy, NULL);
    if (!isfinite(real)) {
        return fail(s, E_INVALID, start, "this number is too large");
    }
    *out_value = (struct json){.kind = JSON_REAL, .real = real};
    return E_OK;
}

static struct json_member *push(struct scan *s)
{
    if (s->stack_count == s->stack_size) {
        s->stack_size = s->stack_size ? s->stack_size * 2 : STACK_FIRST;
        s->stack = mem_grow(s->stack, s->stack_size * sizeof(*s->stack));
    }
    struct json_member *m = &s->stack[s->stack_count++];
    memset(m, 0, sizeof(*m));
    return m;
}

static enum err read_value(struct scan *s, struct json *out_value);

/* Moves what the container pushed since `base` into the arena. */
static enum err take_items(struct scan *s, size_t base, struct json *out_value)
{
    size_t n = s->stack_count - base;
    if (n * sizeof(struct json) + 64 > arena_left_bytes(s->arena)) {
        return no_room(s);
    }
    struct json *items = ARENA_ARRAY(s->arena, struct json, n);
    for (size_t i = 0; i < n; i++) {
        items[i] = s->stack[base + i].value;
    }
    s->stack_count = base;
    *out_value = (struct json){.kind = JSON_ARRAY, .count = (uint32_t)n, .items = items};
    return E_OK;
}

static enum err take_members(struct scan *s, size_t base, struct json *out_value)
{
    size_t n = s->stack_count - base;
    ptrdiff_t twice = n ? json_scan_duplicate(s->stack + base, n) : -1; /* no stack yet */
    if (twice >= 0) {
        struct json_member *m = &s->stack[base + (size_t)twice];
        return fail(s, E_INVALID, m->column, "the name \"%.*s\" occurs twice in this object",
                    (int)(m->name.n < 60 ? m->name.n : 60), m->name.p);
    }
    if (n * sizeof(struct json_member) + 64 > arena_left_bytes(s->arena)) {
        return no_room(s);
    }
    struct json_member *members = ARENA_ARRAY(s->arena, struct json_member, n);
    for (size_t i = 0; i < n; i++) {
        members[i] = s->stack[base + i];
        members[i].column = 0;
    }
    s->stack_count = base;
    *out_value = (struct json){.kind = JSON_OBJECT, .count = (uint32_t)n, .members = members};
    return E_OK;
}

static enum err read_member(struct scan *s)
{
    if (peek(s) != '"' || at_end(s)) {
        return unexpected(s, "a name in double quotes");
    }
    struct json_member m = {.column = (uint32_t)s->at}; /* its offset, while reading */
    TRY(read_string(s, &m.name));
    skip_space(s);
    if (peek(s) != ':') {
        return unexpected(s, "\":\"");
    }
    s->at++;
    skip_space(s);
    TRY(read_value(s, &m.value));
    *push(s) = m;
    return E_OK;
}

static enum err read_element(struct scan *s)
{
    struct json value;
    TRY(read_value(s, &value));
    push(s)->value = value;
    return E_OK;
}

static enum err read_container(struct scan *s, struct json *out_value)
{
    bool object = peek(s) == '{';
    char close = object ? '}' : ']';
    if (++s->depth > JSON_DEPTH_MAX) {
        return fail(s, E_TOO_LARGE, s->at, "nested deeper than %d levels", JSON_DEPTH_MAX);
    }
    s->at++;
    size_t base = s->stack_count;
    skip_space(s);
    bool more = peek(s) != close || at_end(s);
    while (more) {
        skip_space(s);
        TRY(object ? read_member(s) : read_element(s));
        skip_space(s);
        if (peek(s) == ',' && !at_end(s)) {
            s->at++;
        } else if (peek(s) == close && !at_end(s)) {
            more = false;
        } else {
            return unexpected(s, object ? "\",\" or \"}\"" : "\",\" or \"]\"");
        }
    }
    s->at++;
    s->depth--;
    return object ? take_members(s, base, out_value) : take_items(s, base, out_value);
}

static enum err read_word(struct scan *s, struct json *out_value)
{
    static const struct {
        struct str word;
        struct json value;
    } WORDS[] = {
        {{"null", 4}, {.kind = JSON_NULL}},
        {{"true", 4}, {.kind = JSON_BOOL, .boolean = true}},
        {{"false", 5}, {.kind = JSON_BOOL}},
    };
    struct str rest = str_sub(s->text, s->at, 5);
    for (size_t i = 0; i < sizeof(WORDS) / sizeof(WORDS[0]); i++) {
        if (str_starts(rest, WORDS[i].word)) {
            s->at += WORDS[i].word.n;
            *out_value = WORDS[i].value;
            return E_OK;
        }
    }
    return unexpected(s, "a value");
}

static enum err read_value(struct scan *s, struct json *out_value)
{
    char c = peek(s);
    if (c == '{' || c == '[') {
        return read_container(s, out_value);
    }
    if (c == '"') {
        struct str string;
        TRY(read_string(s, &string));
        *out_value = (struct json){.kind = JSON_STRING, .string = string};
        return E_OK;
    }
    if (c == '-' || (c >= '0' && c <= '9')) {
        return read_number(s, out_value);
    }
    return read_word(s, out_value);
}

static size_t first_bad_utf8(struct str s)
{
    size_t good = 0, bad = s.n; /* [0, good) is well-formed, [0, bad) is not */
    while (good < s.n) {
        unsigned char c = (unsigned char)s.p[good];
        size_t step = c < 0x80 ? 1 : c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
        if (step > bad - good || !str_is_utf8(str_make(s.p + good, step))) {
            return good;
        }
        good += step;
    }
    return good;
}

static enum err scan_document(struct scan *s, struct json *out_value)
{
    if (!str_is_utf8(s->text)) {
        return fail(s, E_INVALID, first_bad_utf8(s->text), "the text is not valid UTF-8");
    }
    if (str_starts(s->text, STR("\xef\xbb\xbf"))) {
        return fail(s, E_INVALID, 0, "the text starts with a byte order mark");
    }
    skip_space(s);
    TRY(read_value(s, out_value));
    skip_space(s);
    return at_end(s) ? E_OK : unexpected(s, "the end of the text");
}

enum err json_scan(struct arena *a, struct str text, const struct json **out_value,
                   struct json_fault *out_fault)
{
    struct json_fault ignored;
    struct scan s = {.arena = a, .text = text, .fault = out_fault ? out_fault : &ignored};
    struct json value;
    enum err e = scan_document(&s, &value);
    free(s.stack);
    if (e == E_OK) {
        struct json *root = ARENA_NEW(a, struct json);
        *root = value;
        *out_value = root;
    }
    return e;
}
