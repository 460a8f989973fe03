#include "codec/markdown_inline.h"

#include <stdlib.h>
#include <string.h>

#include "codec/text.h"

/* How far and how deep the end of a bracket is looked for: what is longer is no link. */
enum { REACH_BYTES = 4096, BRACKETS_MAX = 16, NESTING_MAX = 8, TICKS_MAX = 64, ENTITY_MAX = 10 };

struct inlining {
    struct buf *out;
    struct str text;
    size_t at;
    int nesting;
    bool no_ticks[TICKS_MAX + 1]; /* no run of this many backticks closes any more */
};

static void inline_nested(struct inlining *i, struct str text);

static char char_at(const struct inlining *i, size_t at)
{
    return (char)(at < i->text.n ? i->text.p[at] : 0);
}

static bool is_space(char c)
{
    return c == 0 || c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_word(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (unsigned char)c >= 0x80;
}

static size_t run_length(const struct inlining *i, size_t at)
{
    size_t n = 1;
    while (at + n < i->text.n && i->text.p[at + n] == i->text.p[at]) {
        n++;
    }
    return n;
}

/* `code` */
static void take_code(struct inlining *i)
{
    size_t ticks = run_length(i, i->at), from = i->at + ticks, at = from;
    bool none = ticks > TICKS_MAX || i->no_ticks[ticks];
    while (!none && at < i->text.n) {
        const char *next = memchr(i->text.p + at, '`', i->text.n - at);
        at = next ? (size_t)(next - i->text.p) : i->text.n;
        size_t n = next ? run_length(i, at) : 0;
        if (n == ticks) {
            buf_add(i->out, i->text.p + from, at - from);
            i->at = at + n;
            return;
        }
        at += n;
    }
    if (ticks <= TICKS_MAX) {
        i->no_ticks[ticks] = true;
    }
    buf_add(i->out, i->text.p + i->at, ticks);
    i->at = from;
}

/* Behind the bracket that closes the one at `at`, or 0. */
static size_t find_close(const struct inlining *i, size_t at, char open, char close)
{
    size_t end = at + REACH_BYTES < i->text.n ? at + REACH_BYTES : i->text.n;
    int depth = 0;
    for (size_t k = at; k < end; k++) {
        char c = i->text.p[k];
        if (c == '\\') {
            k++;
        } else if (c == open && ++depth > BRACKETS_MAX) {
            return 0;
        } else if (c == close && --depth == 0) {
            return k + 1;
        }
    }
    return 0;
}

/* [text](target), [text][name], ![description](target), [^note]; other brackets stay. */
static void take_bracket(struct inlining *i)
{
    size_t start = i->at + (char_at(i, i->at) == '!');
    size_t end = find_close(i, start, '[', ']');
    struct str inside = end ? str_sub(i->text, start + 1, end - start - 2) : STR("");
    if (end && str_starts(inside, STR("^"))) {
        i->at = end;
        return;
    }
    size_t behind = 0;
    if (end && char_at(i, end) == '(') {
        behind = find_close(i, end, '(', ')');
    } else if (end && char_at(i, end) == '[') {
        behind = find_close(i, end, '[', ']');
    }
    if (behind && i->nesting < NESTING_MAX) {
        inline_nested(i, inside);
        i->at = behind;
        return;
    }
    buf_add_char(i->out, char_at(i, i->at++));
}

/* <https://...> and <a@b.c> stay as their text; tags and comments go. */
static void take_angle(struct inlining *i)
{
    struct str rest = str_sub(i->text, i->at, REACH_BYTES);
    bool comment = str_starts(rest, STR("<!--"));
    ptrdiff_t end = comment ? str_find(rest, STR("-->")) : str_find_char(rest, '>');
    struct str inside = end > 0 ? str_sub(rest, 1, (size_t)end - 1) : STR("");
    char first = (char)(inside.n ? inside.p[0] : 0);
    if (comment && end > 0) {
        i->at += (size_t)end + 3;
        return;
    }
    bool tag = (is_word(first) && (unsigned char)first < 0x80) || first == '/';
    if (!tag || str_find_char(inside, '<') >= 0) {
        buf_add_char(i->out, '<');
        i->at++;
        return;
    }
    bool blank = str_find_char(inside, ' ') >= 0;
    if (!blank && (str_find(inside, STR("://")) > 0 || str_find_char(inside, '@') > 0)) {
        buf_add_str(i->out, inside);
    } else if (str_starts(inside, STR("br"))) {
        buf_add_char(i->out, ' ');
    }
    i->at += (size_t)end + 1;
}

/* * and _ and ~~ that lean on a word are emphasis; others are themselves. */
static void take_emphasis(struct inlining *i)
{
    char c = i->text.p[i->at], before = (char)(i->at ? i->text.p[i->at - 1] : 0);
    size_t n = run_length(i, i->at);
    char after = char_at(i, i->at + n);
    bool leans = !is_space(before) || !is_space(after);
    bool inside_word = is_word(before) && is_word(after);
    bool gone = c == '~' ? n == 2 : leans && !(c == '_' && inside_word);
    if (!gone) {
        buf_add(i->out, i->text.p + i->at, n);
    }
    i->at += n;
}

static uint32_t entity_code(struct str name)
{
    static const struct {
        const char *name;
        uint32_t code;
    } ENTITIES[] = {{"amp", '&'},      {"lt", '<'},       {"gt", '>'},        {"quot", '"'},
                    {"apos", '\''},    {"nbsp", ' '},     {"copy", 0xa9},     {"reg", 0xae},
                    {"ndash", 0x2013}, {"mdash", 0x2014}, {"hellip", 0x2026}, {"euro", 0x20ac},
                    {"rarr", 0x2192},  {"larr", 0x2190},  {"times", 0xd7},    {"middot", 0xb7}};
    if (str_starts(name, STR("#"))) {
        bool hex = name.n > 1 && (name.p[1] | 32) == 'x';
        char digits[ENTITY_MAX + 1] = {0}, *end = NULL;
        memcpy(digits, name.p + 1 + hex, name.n - 1 - hex);
        unsigned long code = strtoul(digits, &end, hex ? 16 : 10);
        return digits[0] && digits[0] != '-' && digits[0] != '+' && *end == 0 && code >= ' '
                   ? (uint32_t)(code < 0x110000 ? code : 0)
                   : 0;
    }
    for (size_t k = 0; k < sizeof(ENTITIES) / sizeof(ENTITIES[0]); k++) {
        if (str_eqz(name, ENTITIES[k].name)) {
            return ENTITIES[k].code;
        }
    }
    return 0;
}

static void take_entity(struct inlining *i)
{
    struct str rest = str_sub(i->text, i->at + 1, ENTITY_MAX);
    ptrdiff_t end = str_find_char(rest, ';');
    uint32_t code = end > 0 ? entity_code(str_sub(rest, 0, (size_t)end)) : 0;
    char bytes[4];
    if (code) {
        buf_add(i->out, bytes, text_put(bytes, code));
        i->at += (size_t)end + 2;
    } else {
        buf_add_char(i->out, '&');
        i->at++;
    }
}

static void take_escape(struct inlining *i)
{
    char c = char_at(i, i->at + 1);
    bool mark = c > ' ' && c < 0x7f && !is_word(c);
    buf_add_char(i->out, mark ? c : '\\');
    i->at += mark ? 2 : 1;
}

static void take_all(struct inlining *i)
{
    while (i->at < i->text.n) {
        size_t plain = i->at;
        while (plain < i->text.n && !strchr("\\`[!<*_~&", i->text.p[plain])) {
            plain++;
        }
        buf_add(i->out, i->text.p + i->at, plain - i->at);
        i->at = plain;
        if (plain == i->text.n) {
            return;
        }
        switch (i->text.p[plain]) {
        case '\\':
            take_escape(i);
            break;
        case '`':
            take_code(i);
            break;
        case '!':
            if (char_at(i, plain + 1) != '[') {
                buf_add_char(i->out, '!');
                i->at++;
                break;
            }
            take_bracket(i);
            break;
        case '[':
            take_bracket(i);
            break;
        case '<':
            take_angle(i);
            break;
        case '&':
            take_entity(i);
            break;
        case 0:
            i->at++;
            break;
        default:
            take_emphasis(i);
            break;
        }
    }
}

static void inline_nested(struct inlining *i, struct str text)
{
    struct inlining inner = {.out = i->out, .text = text, .nesting = i->nesting + 1};
    take_all(&inner);
}

void markdown_inline(struct buf *out, struct str text)
{
    struct inlining i = {.out = out, .text = text};
    take_all(&i);
}
