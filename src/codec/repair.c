#include "codec/repair.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/text.h"

enum { STARTS_MAX = 16, PAIRWISE_MAX = 16 };

/* A reader that never gives up on form: it takes what it recognises and notes that it had to.
 * Members and elements are collected on one stack, as in json_scan.c. */
struct mender {
    struct arena *arena;
    struct str text;
    size_t at;
    int depth;
    bool repaired, cut;
    bool full;   /* the arena has no room for more */
    char *bytes; /* the text being read; none is longer than the input */
    struct json_member *stack;
    size_t stack_count, stack_size;
};

static bool read_value(struct mender *m, struct json *out_value);

/* Characters */

static bool at_end(const struct mender *m)
{
    return m->at >= m->text.n;
}

static char char_at(const struct mender *m, size_t at)
{
    return (char)(at < m->text.n ? m->text.p[at] : 0);
}

static bool is(const struct mender *m, const char *what)
{
    return str_starts(str_sub(m->text, m->at, m->text.n), str_of(what));
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool skip_comment(struct mender *m)
{
    struct str rest = str_sub(m->text, m->at, m->text.n);
    bool block = is(m, "/*"), line = is(m, "//") || is(m, "#");
    if (!block && !line) {
        return false;
    }
    ptrdiff_t end = block ? str_find(rest, STR("*/")) : str_find_char(rest, '\n');
    m->at = end < 0 ? m->text.n : m->at + (size_t)end + (block ? 2 : 1);
    m->repaired = true;
    return true;
}

static void skip_space(struct mender *m)
{
    do {
        while (is_space(char_at(m, m->at)) || is(m, "\xc2\xa0")) {
            m->at += is(m, "\xc2\xa0") ? 2 : 1; /* no-break spaces too */
        }
    } while (skip_comment(m));
}

/* Texts */

static const struct {
    const char *open, *close;
} QUOTES[] = {
    {"\"", "\""},
    {"'", "'"},
    {"\xe2\x80\x9c", "\xe2\x80\x9d"}, /* typographic */
    {"\xe2\x80\x98", "\xe2\x80\x99"},
    {"`", "`"},
};

/* Which kind of quote opens here, or -1. */
static int opening(const struct mender *m)
{
    for (size_t i = 0; i < sizeof(QUOTES) / sizeof(QUOTES[0]); i++) {
        if (is(m, QUOTES[i].open)) {
            return (int)i;
        }
    }
    return -1;
}

/* A quote ends its text only where something may follow a text; otherwise it stands inside it. */
static bool is_closing(struct mender *m, size_t behind)
{
    size_t at = behind;
    while (is_space(char_at(m, at))) {
        at++;
    }
    char c = char_at(m, at);
    struct mender next = {.text = m->text, .at = at};
    return at >= m->text.n || strchr(",}]:=/#", c) || opening(&next) >= 0;
}

static uint32_t read_hex(struct mender *m)
{
    uint32_t code = 0;
    for (int i = 0; i < 4; i++) {
        char c = char_at(m, m->at);
        int digit = c >= '0' && c <= '9'                 ? c - '0'
                    : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10
                                                         : -1;
        if (digit < 0) {
            return 0xfffd;
        }
        code = code * 16 + (uint32_t)digit;
        m->at++;
    }
    return code;
}

static size_t read_unicode(struct mender *m, char *out)
{
    uint32_t code = read_hex(m);
    if (code >= 0xd800 && code < 0xdc00 && is(m, "\\u")) {
        m->at += 2;
        uint32_t low = read_hex(m);
        code = low >= 0xdc00 && low < 0xe000 ? 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00)
                                             : 0xfffd;
    }
    return text_put(out, code); /* halves of a pair become U+FFFD */
}

/* One escape into at most 4 bytes; what needs no escape stands for itself. */
static size_t read_escape(struct mender *m, char *out)
{
    static const char FROM[] = "nrtbf", TO[] = "\n\r\t\b\f";
    char c = char_at(m, ++m->at);
    const char *known = c ? strchr(FROM, c) : NULL;
    if (at_end(m)) {
        return 0;
    }
    m->at++;
    if (c == 'u') {
        return read_unicode(m, out);
    }
    out[0] = known ? TO[known - FROM] : c;
    return 1;
}

static struct str read_quoted(struct mender *m, int quote)
{
    struct str close = str_of(QUOTES[quote].close);
    m->repaired = m->repaired || quote != 0;
    m->at += strlen(QUOTES[quote].open);
    size_t n = 0;
    bool closed = false;
    while (!at_end(m) && !closed) {
        if (char_at(m, m->at) == '\\') {
            n += read_escape(m, m->bytes + n);
        } else if (is(m, close.p) && is_closing(m, m->at + close.n)) {
            m->at += close.n;
            closed = true;
        } else {
            m->repaired = m->repaired || is(m, close.p) || (unsigned char)char_at(m, m->at) < ' ';
            m->bytes[n++] = char_at(m, m->at++);
        }
    }
    m->cut = m->cut || !closed;
    m->repaired = m->repaired || !closed;
    if (4 * n + 64 > arena_left_bytes(m->arena)) {
        m->full = true;
        return STR("");
    }
    struct str text = str_dup(m->arena, str_make(m->bytes, n));
    return str_is_utf8(text) ? text : text_clean(m->arena, text);
}

/* Words and numbers */

/* Up to what ends an unquoted piece: a separator or the line. */
static struct str read_bare(struct mender *m, const char *ends)
{
    size_t from = m->at;
    while (!at_end(m) && !strchr(ends, m->text.p[m->at]) && !is(m, "//") && !is(m, "/*") &&
           !is(m, " #")) {
        m->at++;
    }
    return str_trim(str_sub(m->text, from, m->at - from));
}

static bool number_of(struct str word, struct json *out_value)
{
    int64_t whole;
    double real;
    struct str digits = str_sub(word, str_starts(word, STR("+")), word.n);
    if (str_to_i64(digits, &whole)) {
        *out_value = (struct json){.kind = JSON_INT, .integer = whole};
        return true;
    }
    if (str_to_double(digits, &real)) {
        *out_value = (struct json){.kind = JSON_REAL, .real = real};
        return true;
    }
    return false;
}

/* What a word stands for in the languages that models mix up. */
static bool constant_of(struct str word, struct json *out_value)
{
    static const struct {
        const char *word;
        enum json_kind kind;
        bool truth;
    } WORDS[] = {
        {"null", JSON_NULL, false},      {"none", JSON_NULL, false}, {"nil", JSON_NULL, false},
        {"undefined", JSON_NULL, false}, {"nan", JSON_NULL, false},  {"infinity", JSON_NULL, false},
        {"-infinity", JSON_NULL, false}, {"true", JSON_BOOL, true},  {"false", JSON_BOOL, false},
    };
    for (size_t i = 0; i < sizeof(WORDS) / sizeof(WORDS[0]); i++) {
        if (str_eq_nocase(word, str_of(WORDS[i].word))) {
            *out_value = (struct json){.kind = WORDS[i].kind, .boolean = WORDS[i].truth};
            return true;
        }
    }
    return false;
}

static bool is_exact(struct str word)
{
    return str_eqz(word, "null") || str_eqz(word, "true") || str_eqz(word, "false");
}

/* A literal whose end was cut off: "tru" at the very end. */
static bool is_cut_constant(const struct mender *m, struct str word)
{
    return at_end(m) && (str_starts(STR("true"), word) || str_starts(STR("false"), word) ||
                         str_starts(STR("null"), word));
}

/* A comma is missing in `1 "b": 2`: the piece ends at the blank before the quote. */
static struct str before_quote(struct mender *m, struct str word)
{
    struct json ignored;
    size_t n = 0;
    while (n < word.n && !is_space(word.p[n])) {
        n++;
    }
    struct str first = str_sub(word, 0, n), rest = str_trim(str_sub(word, n, word.n));
    struct mender behind = {.text = rest};
    if (rest.n == 0 || opening(&behind) < 0 ||
        (!number_of(first, &ignored) && !constant_of(first, &ignored))) {
        return word;
    }
    m->at = (size_t)(first.p - m->text.p) + n;
    return first;
}

static bool read_word(struct mender *m, struct json *out_value)
{
    struct str word = read_bare(m, ",}]\n\r");
    if (word.n == 0 || str_eqz(word, "...") || str_eqz(word, "\xe2\x80\xa6")) {
        m->repaired = true; /* nothing, or an ellipsis */
        return false;
    }
    word = before_quote(m, word);
    if (number_of(word, out_value)) {
        m->cut = m->cut || at_end(m);
        return true;
    }
    if (constant_of(word, out_value)) {
        m->repaired = m->repaired || !is_exact(word);
        return true;
    }
    m->repaired = true;
    if (is_cut_constant(m, word)) {
        m->cut = true;
        *out_value = json_null_value;
        return true;
    }
    if (word.n + 64 > arena_left_bytes(m->arena)) {
        m->full = true;
        return false;
    }
    struct str text = str_is_utf8(word) ? str_dup(m->arena, word) : text_clean(m->arena, word);
    *out_value = (struct json){.kind = JSON_STRING, .string = text};
    return true;
}

/* Objects and lists */

static struct json_member *push(struct mender *m)
{
    if (m->stack_count == m->stack_size) {
        m->stack_size = m->stack_size ? m->stack_size * 2 : 64;
        m->stack = mem_grow(m->stack, m->stack_size * sizeof(*m->stack));
    }
    struct json_member *member = &m->stack[m->stack_count++];
    memset(member, 0, sizeof(*member));
    return member;
}

/* Keeps the last member of each name, in the place of the first; returns how many are left. */
static size_t without_doubles(struct json_member *members, size_t n)
{
    size_t n_slots = 2 * PAIRWISE_MAX, kept = 0;
    while (n_slots < 2 * n) {
        n_slots *= 2;
    }
    uint32_t *slots = mem_new(n_slots * sizeof(*slots)); /* index + 1 of a kept member */
    for (size_t i = 0; i < n; i++) {
        size_t at = str_hash(members[i].name) & (n_slots - 1);
        while (slots[at] && !str_eq(members[slots[at] - 1].name, members[i].name)) {
            at = (at + 1) & (n_slots - 1);
        }
        if (slots[at]) {
            members[slots[at] - 1].value = members[i].value;
        } else {
            members[kept] = members[i];
            slots[at] = (uint32_t)++kept;
        }
    }
    free(slots);
    return kept;
}

/* Moves what the container pushed since `base` into the arena. */
static void take_parts(struct mender *m, size_t base, bool object, struct json *out_value)
{
    struct json_member *parts = m->stack ? m->stack + base : NULL;
    size_t n = m->stack_count - base;
    m->stack_count = base;
    if (object && n > 1) {
        size_t kept = without_doubles(parts, n);
        m->repaired = m->repaired || kept != n;
        n = kept;
    }
    struct json v = {.kind = object ? JSON_OBJECT : JSON_ARRAY, .count = (uint32_t)n};
    if (n * sizeof(struct json_member) + 64 > arena_left_bytes(m->arena)) {
        m->full = true;
        return;
    }
    if (object) {
        v.members = arena_memdup(m->arena, parts, n * sizeof(*parts));
    } else {
        struct json *items = ARENA_ARRAY(m->arena, struct json, n);
        for (size_t i = 0; i < n; i++) {
            items[i] = parts[i].value;
        }
        v.items = items;
    }
    *out_value = v;
}

/* A name and its value. False when there is nothing to keep. */
static bool read_member(struct mender *m, struct json_member *out_member)
{
    int quote = opening(m);
    struct json_member member = {0};
    if (quote >= 0) {
        member.name = read_quoted(m, quote);
    } else {
        m->repaired = true;
        struct str bare = read_bare(m, ":=,{}[]\n\r");
        if (bare.n == 0 || bare.n + 64 > arena_left_bytes(m->arena)) {
            return false;
        }
        member.name = str_is_utf8(bare) ? str_dup(m->arena, bare) : text_clean(m->arena, bare);
    }
    skip_space(m);
    char c = char_at(m, m->at);
    if (c != ':' && c != '=') { /* a name without a value */
        m->repaired = true;
        m->cut = m->cut || at_end(m);
        return false;
    }
    m->repaired = m->repaired || c == '=';
    m->at += c == '=' && char_at(m, m->at + 1) == '>' ? 2 : 1;
    skip_space(m);
    if (at_end(m)) {
        m->repaired = m->cut = true;
        return false;
    }
    if (strchr(",}]", char_at(m, m->at)) || !read_value(m, &member.value)) {
        m->repaired = true;
        member.value = json_null_value;
    }
    *out_member = member;
    return true;
}

static bool read_part(struct mender *m, bool object, struct json_member *out_part)
{
    return object ? read_member(m, out_part) : read_value(m, &out_part->value);
}

/* Whether the container ends here; steps over what separates its parts. A bracket of the other kind
 * closes it too: whoever opened that one is closed by it. */
static bool ends_here(struct mender *m, bool object, bool first)
{
    skip_space(m);
    bool comma = char_at(m, m->at) == ',' && !first;
    while (char_at(m, m->at) == ',' && !at_end(m)) {
        m->repaired = m->repaired || !comma || char_at(m, m->at + 1) == ',';
        m->at++;
        skip_space(m);
    }
    char c = char_at(m, m->at);
    if (at_end(m)) {
        m->repaired = m->cut = true;
        return true;
    }
    if (c == '}' || c == ']') {
        bool own = c == (object ? '}' : ']');
        m->repaired = m->repaired || comma || !own;
        m->at += own;
        return true;
    }
    m->repaired = m->repaired || (!comma && !first);
    return false;
}

static void read_container(struct mender *m, struct json *out_value)
{
    bool object = char_at(m, m->at++) == '{', first = true;
    size_t base = m->stack_count;
    while (!m->full && !ends_here(m, object, first)) {
        struct json_member part = {0};
        size_t before = m->at;
        if (read_part(m, object, &part)) {
            *push(m) = part;
        } else {
            m->at += m->at == before; /* never stand still */
        }
        first = false;
    }
    take_parts(m, base, object, out_value);
}

static bool read_value(struct mender *m, struct json *out_value)
{
    skip_space(m);
    char c = char_at(m, m->at);
    int quote = opening(m);
    if (at_end(m) || m->depth >= JSON_DEPTH_MAX) {
        m->repaired = true;
        return false;
    }
    if (quote >= 0) {
        *out_value = (struct json){.kind = JSON_STRING, .string = read_quoted(m, quote)};
        return true;
    }
    if (c == '{' || c == '[') {
        m->depth++;
        read_container(m, out_value);
        m->depth--;
        return true;
    }
    return read_word(m, out_value);
}

/* The value may stand in prose or in a fence: of what looks like a beginning, the one that takes up
 * most of the text is it. */
static bool mend(struct arena *a, struct str text, struct repair *out_repair, bool *out_full)
{
    size_t best = 0;
    struct mender m = {.arena = a, .text = text, .bytes = mem_new(text.n + 4)};
    for (int i = 0; i < STARTS_MAX && !m.full; i++) {
        while (!at_end(&m) && !strchr("{[", text.p[m.at])) {
            m.at++;
        }
        if (at_end(&m)) {
            break;
        }
        size_t from = m.at;
        struct json value = json_null_value;
        m.repaired = m.cut = false;
        read_value(&m, &value);
        if (m.at - from > best && !m.full) {
            best = m.at - from;
            *out_repair = (struct repair){arena_memdup(a, &value, sizeof(value)), true, m.cut};
        }
    }
    free(m.stack);
    free(m.bytes);
    *out_full = m.full;
    return best > 0;
}

static enum err fail(struct json_fault *out_fault, enum err e, const char *text)
{
    if (out_fault) {
        *out_fault = (struct json_fault){0};
        snprintf(out_fault->text, sizeof(out_fault->text), "%s", text);
    }
    return e;
}

enum err repair_parse(struct arena *a, struct str text, struct repair *out_repair,
                      struct json_fault *out_fault)
{
    struct repair r = {0};
    bool full = false;
    if (text.n > REPAIR_INPUT_MAX_BYTES) {
        return fail(out_fault, E_TOO_LARGE, "the text is longer than 1 MiB");
    }
    if (json_parse(a, text, &r.value, NULL) == E_OK &&
        (r.value->kind == JSON_OBJECT || r.value->kind == JSON_ARRAY)) {
        *out_repair = r;
        return E_OK;
    }
    bool found = mend(a, text, &r, &full);
    if (full) {
        return fail(out_fault, E_TOO_LARGE, "the value needs more memory than it may use");
    }
    if (!found) {
        return fail(out_fault, E_INVALID, "there is no JSON object or array in it");
    }
    *out_repair = r;
    return E_OK;
}
