#include "codec/yaml.h"

#include <libfyaml.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/json_scan.h"

/* Nodes are collected on one stack and moved to the arena when their collection ends. */
struct reading {
    struct arena *arena;
    struct str text;
    struct fy_parser *parser;
    struct fy_diag *diag;
    struct json_member *stack;
    size_t stack_count, stack_size;
    size_t nodes;
    uint32_t indent;       /* what the lines of a block text must be indented by, at least */
    uint32_t line, column; /* of the event last seen: the place of what has none of its own */
    struct json_fault *fault;
};

__attribute__((format(printf, 3, 4))) static enum err fail(struct reading *r, enum err e,
                                                           const char *fmt, ...)
{
    struct json_fault f = {.line = (int)r->line, .column = (int)r->column};
    va_list args;
    va_start(args, fmt);
    vsnprintf(f.text, sizeof(f.text), fmt, args);
    va_end(args);
    *r->fault = f;
    return e;
}

static enum err too_much(struct reading *r)
{
    return fail(r, E_TOO_LARGE, "the document needs more memory than it may use");
}

/* libfyaml reports in steps: it prints, and it collects. The printing is dropped. */
static void print_nothing(struct fy_diag *diag, void *user, const char *p, size_t n)
{
    (void)diag, (void)user, (void)p, (void)n;
}

static struct fy_diag *make_diag(void)
{
    struct fy_diag_cfg cfg;
    fy_diag_cfg_default(&cfg);
    cfg.fp = NULL;
    cfg.output_fn = print_nothing;
    cfg.level = FYET_ERROR;
    cfg.colorize = false;
    struct fy_diag *diag = fy_diag_create(&cfg);
    if (diag) {
        fy_diag_set_collect_errors(diag, true);
    }
    return diag;
}

static enum err fail_parser(struct reading *r)
{
    void *prev = NULL;
    struct fy_diag_error *problem = fy_diag_errors_iterate(r->diag, &prev);
    if (!problem || !problem->msg) {
        return fail(r, E_INVALID, "this is not valid YAML");
    }
    r->line = (uint32_t)(problem->line > 0 ? problem->line : 1);
    r->column = (uint32_t)(problem->column > 0 ? problem->column : 1);
    enum err e = strstr(problem->msg, "depth limit") ? E_TOO_LARGE : E_INVALID;
    return fail(r, e, "%s", problem->msg);
}

static void note_place(struct reading *r, const struct fy_mark *mark)
{
    if (mark) {
        r->line = (uint32_t)mark->line + 1;
        r->column = (uint32_t)mark->column + 1;
    }
}

/* The next event, for the caller to free. */
static enum err next_event(struct reading *r, struct fy_event **out_event)
{
    struct fy_event *event = fy_parser_parse(r->parser);
    if (!event) {
        return fail_parser(r);
    }
    note_place(r, fy_event_start_mark(event));
    struct fy_token *anchor = fy_event_get_anchor_token(event),
                    *tag = fy_event_get_tag_token(event);
    enum err e = E_OK;
    if (anchor || tag) {
        note_place(r, fy_token_start_mark(anchor ? anchor : tag));
    }
    if ((anchor || event->type == FYET_ALIAS) && r->column > 1) {
        r->column--; /* its mark is behind the & or * */
    }
    if (event->type == FYET_ALIAS) {
        e = fail(r, E_INVALID, "aliases (*name) are not accepted: write the value out");
    } else if (anchor) {
        e = fail(r, E_INVALID, "anchors (&name) are not accepted: write the value out");
    } else if (tag) {
        e = fail(r, E_INVALID, "tags (!name) are not accepted");
    }
    if (e != E_OK) {
        fy_parser_event_free(r->parser, event);
        return e;
    }
    *out_event = event;
    return E_OK;
}

static struct json_member *push(struct reading *r)
{
    if (r->stack_count == r->stack_size) {
        r->stack_size = r->stack_size ? r->stack_size * 2 : 64;
        r->stack = mem_grow(r->stack, r->stack_size * sizeof(*r->stack));
    }
    return &r->stack[r->stack_count++];
}

/* Plain scalars: the core schema of YAML 1.2.2, section 10.3.2 */

static bool is_one_of(struct str s, const char *const *words)
{
    for (; *words; words++) {
        if (str_eqz(s, *words)) {
            return true;
        }
    }
    return false;
}

static size_t digits_at(struct str s, size_t at)
{
    size_t n = 0;
    while (at + n < s.n && s.p[at + n] >= '0' && s.p[at + n] <= '9') {
        n++;
    }
    return n;
}

/* [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )? */
static bool is_number(struct str s, bool *out_whole)
{
    size_t at = s.n && (s.p[0] == '-' || s.p[0] == '+');
    size_t before = digits_at(s, at), after = 0;
    at += before;
    bool whole = true;
    if (at < s.n && s.p[at] == '.') {
        after = digits_at(s, ++at);
        at += after;
        whole = false;
    }
    if (before + after == 0) {
        return false;
    }
    if (at < s.n && (s.p[at] == 'e' || s.p[at] == 'E')) {
        at++;
        at += at < s.n && (s.p[at] == '-' || s.p[at] == '+');
        size_t exponent = digits_at(s, at);
        if (exponent == 0) {
            return false;
        }
        at += exponent;
        whole = false;
    }
    *out_whole = whole;
    return at == s.n;
}

/* 0o17 and 0x1F */
static bool is_based(struct str s, struct json *out_value)
{
    if (s.n < 3 || s.n > 17 || s.p[0] != '0' || (s.p[1] != 'o' && s.p[1] != 'x')) {
        return false;
    }
    uint64_t value = 0, base = s.p[1] == 'x' ? 16 : 8;
    for (size_t i = 2; i < s.n; i++) {
        char c = s.p[i];
        uint64_t digit = c >= '0' && c <= '9'   ? (uint64_t)(c - '0')
                         : c >= 'a' && c <= 'f' ? (uint64_t)(c - 'a' + 10)
                         : c >= 'A' && c <= 'F' ? (uint64_t)(c - 'A' + 10)
                                                : 16;
        if (digit >= base) {
            return false;
        }
        value = value * base + digit;
    }
    *out_value = value > INT64_MAX ? (struct json){.kind = JSON_REAL, .real = (double)value}
                                   : (struct json){.kind = JSON_INT, .integer = (int64_t)value};
    return true;
}

static enum err resolve_number(struct reading *r, struct str s, bool whole, struct json *out_value)
{
    struct str digits = str_sub(s, s.p[0] == '+', s.n);
    int64_t integer;
    if (whole && str_to_i64(digits, &integer)) {
        *out_value = (struct json){.kind = JSON_INT, .integer = integer};
        return E_OK;
    }
    double real = strtod(str_dupz(r->arena, digits), NULL);
    if (!isfinite(real)) {
        return fail(r, E_INVALID, "this number is too large");
    }
    *out_value = (struct json){.kind = JSON_REAL, .real = real};
    return E_OK;
}

static enum err resolve_plain(struct reading *r, struct str s, struct json *out_value)
{
    static const char *const NULLS[] = {"", "~", "null", "Null", "NULL", NULL};
    static const char *const TRUES[] = {"true", "True", "TRUE", NULL};
    static const char *const FALSES[] = {"false", "False", "FALSE", NULL};
    static const char *const ENDLESS[] = {".inf",  ".Inf",  ".INF",  "-.inf", "-.Inf",
                                          "-.INF", "+.inf", "+.Inf", "+.INF", ".nan",
                                          ".NaN",  ".NAN",  NULL};
    bool whole;
    if (is_one_of(s, NULLS)) {
        *out_value = json_null_value;
    } else if (is_one_of(s, TRUES)) {
        *out_value = json_true_value;
    } else if (is_one_of(s, FALSES)) {
        *out_value = json_false_value;
    } else if (is_one_of(s, ENDLESS)) {
        return fail(r, E_INVALID, "infinity and NaN are not accepted");
    } else if (is_number(s, &whole)) {
        return resolve_number(r, s, whole, out_value);
    } else if (!is_based(s, out_value)) {
        *out_value = (struct json){.kind = JSON_STRING, .string = str_dup(r->arena, s)};
    }
    return E_OK;
}

static struct str scalar_text(struct fy_event *event)
{
    size_t n = 0;
    const char *p = event->scalar.value ? fy_token_get_text(event->scalar.value, &n) : NULL;
    return str_make(p ? p : "", p ? n : 0);
}

static bool is_plain(struct fy_event *event)
{
    return !event->scalar.value || fy_token_scalar_style(event->scalar.value) == FYSS_PLAIN;
}

static bool is_block(struct fy_event *event)
{
    enum fy_scalar_style style =
        event->scalar.value ? fy_token_scalar_style(event->scalar.value) : FYSS_PLAIN;
    return style == FYSS_LITERAL || style == FYSS_FOLDED;
}

/* The bytes were checked, but an escape such as \ud800 can make what is no character. */
static enum err check_text(struct reading *r, struct str text)
{
    return str_is_utf8(text) ? E_OK : fail(r, E_INVALID, "an escape here gives no valid character");
}

/* libfyaml 0.7 also takes lines that are indented no more than what holds them, and then gives
 * bytes that were never written. */
static enum err check_block(struct reading *r, struct fy_event *event, struct str text)
{
    const struct fy_mark *mark = fy_event_start_mark(event);
    if (!is_block(event) || !mark || str_trim(text).n == 0) {
        return E_OK;
    }
    size_t at = mark->input_pos, blanks = 0;
    for (; at < r->text.n && strchr(" \n\r", r->text.p[at]); at++) {
        blanks = r->text.p[at] == ' ' ? blanks + 1 : 0;
    }
    return at == r->text.n || blanks >= r->indent
               ? E_OK
               : fail(r, E_INVALID, "the lines of this text must be indented by more");
}

/* Collections */

static enum err read_node(struct reading *r, struct fy_event *event, int depth,
                          struct json *out_value);

static enum err read_key(struct reading *r, struct fy_event *event, struct str *out_name)
{
    if (event->type != FYET_SCALAR) {
        return fail(r, E_INVALID, "a key must be text, not a list or a mapping");
    }
    struct str name = scalar_text(event);
    TRY(check_block(r, event, name));
    if (name.n == 0 && is_plain(event)) {
        return fail(r, E_INVALID, "a key is missing before \":\"");
    }
    if (str_eqz(name, "<<") && is_plain(event)) {
        return fail(r, E_INVALID, "merge keys (<<) are not accepted: write the values out");
    }
    if (name.n + 64 > arena_left_bytes(r->arena)) {
        return too_much(r);
    }
    TRY(check_text(r, name));
    *out_name = str_dup(r->arena, name);
    return E_OK;
}

static enum err take_members(struct reading *r, size_t base, struct json *out_value)
{
    size_t n = r->stack_count - base;
    if (n == 0) {
        *out_value = json_empty_object;
        return E_OK;
    }
    ptrdiff_t twice = json_scan_duplicate(r->stack + base, n);
    if (twice >= 0) {
        struct json_member *m = &r->stack[base + (size_t)twice];
        r->line = m->line;
        r->column = m->column;
        return fail(r, E_INVALID, "the key \"%.*s\" occurs twice in this mapping",
                    (int)(m->name.n < 60 ? m->name.n : 60), m->name.p);
    }
    if (n * sizeof(struct json_member) + 64 > arena_left_bytes(r->arena)) {
        return too_much(r);
    }
    out_value->kind = JSON_OBJECT;
    out_value->count = (uint32_t)n;
    out_value->members = arena_memdup(r->arena, r->stack + base, n * sizeof(struct json_member));
    r->stack_count = base;
    return E_OK;
}

static enum err take_items(struct reading *r, size_t base, struct json *out_value)
{
    size_t n = r->stack_count - base;
    if (n * sizeof(struct json) + 64 > arena_left_bytes(r->arena)) {
        return too_much(r);
    }
    struct json *items = ARENA_ARRAY(r->arena, struct json, n);
    for (size_t i = 0; i < n; i++) {
        items[i] = r->stack[base + i].value;
    }
    out_value->kind = JSON_ARRAY;
    out_value->count = (uint32_t)n;
    out_value->items = items;
    r->stack_count = base;
    return E_OK;
}

/* One element or one key with its value; *out_end when the collection ends instead. */
static enum err read_entry(struct reading *r, enum fy_event_type end, int depth, bool *out_end)
{
    struct fy_event *event = NULL;
    TRY(next_event(r, &event));
    *out_end = event->type == end;
    struct json_member m = {.line = r->line, .column = r->column};
    enum err e = E_OK;
    if (!*out_end && end == FYET_MAPPING_END) {
        e = read_key(r, event, &m.name);
        fy_parser_event_free(r->parser, event);
        event = NULL;
        e = e == E_OK ? next_event(r, &event) : e;
    }
    if (!*out_end && e == E_OK) {
        e = read_node(r, event, depth, &m.value);
        *push(r) = m;
    }
    fy_parser_event_free(r->parser, event);
    return e;
}

static enum err read_collection(struct reading *r, bool mapping, int depth, struct json *out_value)
{
    uint32_t column = r->column;
    if (depth > YAML_DEPTH_MAX) {
        return fail(r, E_TOO_LARGE, "nested deeper than %d levels", YAML_DEPTH_MAX);
    }
    size_t base = r->stack_count;
    uint32_t indent = r->indent;
    bool end = false;
    while (!end) {
        r->indent = column;
        TRY(read_entry(r, mapping ? FYET_MAPPING_END : FYET_SEQUENCE_END, depth, &end));
    }
    r->indent = indent;
    return mapping ? take_members(r, base, out_value) : take_items(r, base, out_value);
}

static enum err read_scalar(struct reading *r, struct fy_event *event, struct json *out_value)
{
    struct str text = scalar_text(event);
    TRY(check_block(r, event, text));
    if (text.n + 128 > arena_left_bytes(r->arena)) {
        return too_much(r);
    }
    TRY(check_text(r, text));
    if (is_plain(event)) {
        return resolve_plain(r, text, out_value);
    }
    *out_value = (struct json){.kind = JSON_STRING, .string = str_dup(r->arena, text)};
    return E_OK;
}

static enum err read_node(struct reading *r, struct fy_event *event, int depth,
                          struct json *out_value)
{
    uint32_t line = r->line, column = r->column;
    if (++r->nodes > YAML_NODES_MAX) {
        return fail(r, E_TOO_LARGE, "more than %d values", YAML_NODES_MAX);
    }
    struct json value = {0};
    switch (event->type) {
    case FYET_SCALAR:
        TRY(read_scalar(r, event, &value));
        break;
    case FYET_SEQUENCE_START:
        TRY(read_collection(r, false, depth + 1, &value));
        break;
    case FYET_MAPPING_START:
        TRY(read_collection(r, true, depth + 1, &value));
        break;
    default:
        return fail(r, E_INVALID, "a value is expected here");
    }
    value.line = line;
    value.column = column;
    *out_value = value;
    return E_OK;
}

/* Handles what happens between documents; *out_end at the end of the stream. */
static enum err read_outer(struct reading *r, struct json *out_value, int *documents, bool *out_end)
{
    struct fy_event *event = NULL;
    TRY(next_event(r, &event));
    enum err e = E_OK;
    *out_end = event->type == FYET_STREAM_END;
    if (event->type == FYET_DOCUMENT_START) {
        struct fy_document_state *state = event->document_start.document_state;
        if (++*documents > 1) {
            e = fail(r, E_INVALID, "a second document starts here: only one is accepted");
        } else if (fy_document_state_version_explicit(state) ||
                   fy_document_state_tags_explicit(state)) {
            e = fail(r, E_INVALID, "directives (%%) are not accepted");
        }
    } else if (event->type != FYET_STREAM_START && event->type != FYET_DOCUMENT_END && !*out_end) {
        e = read_node(r, event, 0, out_value);
    }
    fy_parser_event_free(r->parser, event);
    return e;
}

/* libfyaml 0.7 reads one byte too many where a block ends with the input: it gets a copy that ends
 * with a line end, and with room behind. */
static char *padded_copy(struct str text, size_t *out_n)
{
    char *copy = mem_new(text.n + 16);
    memcpy(copy, text.p, text.n);
    bool ended = text.n == 0 || text.p[text.n - 1] == '\n';
    copy[text.n] = (char)(ended ? 0 : '\n');
    *out_n = text.n + !ended;
    return copy;
}

static enum err read_stream(struct reading *r, const char *copy, size_t n, struct json *out_value)
{
    if (fy_parser_set_string(r->parser, copy, n) != 0) {
        return fail_parser(r);
    }
    int documents = 0;
    bool end = false;
    while (!end) {
        TRY(read_outer(r, out_value, &documents, &end));
    }
    return E_OK;
}

static enum err check_bytes(struct reading *r)
{
    if (r->text.n > YAML_INPUT_MAX_BYTES) {
        return fail(r, E_TOO_LARGE, "the document is larger than %d KiB",
                    YAML_INPUT_MAX_BYTES / 1024);
    }
    struct str rest = r->text, line;
    for (r->line = 1; str_split(&rest, '\n', &line); r->line++) {
        if (!str_is_utf8(line)) {
            return fail(r, E_INVALID, "this line is not valid UTF-8");
        }
        for (size_t i = 0; i < line.n; i++) {
            unsigned char c = (unsigned char)line.p[i];
            if (c < ' ' && c != '\t' && c != '\r') {
                return fail(r, E_INVALID, "this line contains the control character 0x%02x", c);
            }
        }
    }
    r->line = 1;
    return E_OK;
}

enum err yaml_parse(struct arena *a, struct str text, const struct json **out_value,
                    struct json_fault *out_fault)
{
    struct json_fault ignored;
    struct reading r = {.arena = a,
                        .text = str_make(text.n ? text.p : "", text.n),
                        .line = 1,
                        .column = 1,
                        .fault = out_fault ? out_fault : &ignored};
    TRY(check_bytes(&r));
    struct fy_parse_cfg cfg = {.flags = FYPCF_QUIET | FYPCF_JSON_NONE | FYPCF_DEFAULT_VERSION_1_2 |
                                        FYPCF_DISABLE_MMAP_OPT};
    r.diag = cfg.diag = make_diag();
    r.parser = r.diag ? fy_parser_create(&cfg) : NULL;
    struct json value = json_null_value;
    size_t n;
    char *copy = padded_copy(r.text, &n);
    enum err e = r.parser ? read_stream(&r, copy, n, &value)
                          : fail(&r, E_INTERNAL, "no YAML parser could be made");
    fy_parser_destroy(r.parser);
    free(copy);
    fy_diag_destroy(r.diag);
    free(r.stack);
    if (e == E_OK) {
        *out_value = arena_memdup(a, &value, sizeof(value));
    }
    return e;
}
