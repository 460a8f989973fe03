#include "codec/template.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "codec/html.h"
#include "codec/json_scan.h"
#include "codec/template_pipe.h"

enum {
    DELIMITER_MAX_BYTES = 8,
    PIPES_MAX = 8,
    STEPS_MAX = 1000000, /* nodes rendered */
    SCRATCH_MAX_BYTES = 64 << 20,
    TEXT_MAX_BYTES = 1 << 20
};

enum node_kind { NODE_TEXT, NODE_VALUE, NODE_RAW_VALUE, NODE_SECTION, NODE_INVERTED, NODE_PARTIAL };

struct node {
    enum node_kind kind;
    struct node *next;
    struct node *child; /* of sections */
    struct str text;    /* the text, the name, or the partial's name */
    struct str indent;  /* of a partial that stands alone on its line */
    const struct template_pipe *pipes;
    size_t n_pipes;
    size_t offset; /* in the source, for faults */
};

struct template
{
    struct str source;
    const struct node *first;
};

/* Compiling */

struct compiling {
    struct arena *arena;
    struct str source;
    size_t at; /* behind the last tag */
    struct str open, close;
    struct json_fault *fault;
    int depth;
};

__attribute__((format(printf, 4, 5))) static enum err
fail(struct json_fault *fault, struct str source, size_t offset, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(fault->text, sizeof(fault->text), fmt, args);
    va_end(args);
    fault->offset = offset;
    json_scan_place(source, offset, &fault->line, &fault->column);
    return E_INVALID;
}

/* A tag as it stands in the source: [start, end) with `content` between the delimiters. */
struct tag {
    size_t start, end;
    char kind; /* # ^ / > ! = & { or 0 for a plain value */
    struct str content;
};

static enum err next_tag(struct compiling *c, struct tag *out_tag, bool *out_found)
{
    ptrdiff_t start = str_find(str_sub(c->source, c->at, c->source.n), c->open);
    if (start < 0) {
        *out_found = false;
        return E_OK;
    }
    struct tag t = {.start = c->at + (size_t)start};
    size_t inside = t.start + c->open.n;
    struct str rest = str_sub(c->source, inside, c->source.n);
    char kind = (char)(rest.n ? rest.p[0] : 0);
    t.kind = (char)(kind && strchr("#^/>!=&{", kind) ? kind : 0);
    struct str close = t.kind == '{'   ? str_fmt(c->arena, "}%.*s", STR_ARG(c->close))
                       : t.kind == '=' ? str_fmt(c->arena, "=%.*s", STR_ARG(c->close))
                                       : c->close;
    rest = str_sub(rest, t.kind != 0, rest.n);
    ptrdiff_t end = str_find(rest, close);
    if (end < 0) {
        return fail(c->fault, c->source, t.start, "this tag is never closed");
    }
    t.content = str_trim(str_sub(rest, 0, (size_t)end));
    t.end = (size_t)(rest.p - c->source.p) + (size_t)end + close.n;
    *out_tag = t;
    *out_found = true;
    return E_OK;
}

static bool is_blank(char ch)
{
    return ch == ' ' || ch == '\t';
}

/* Whether a tag stands alone on its line; then [*out_from, *out_to) is the line with its end. */
static bool stands_alone(struct str source, const struct tag *t, size_t *out_from, size_t *out_to)
{
    size_t from = t->start, to = t->end;
    while (from > 0 && is_blank(source.p[from - 1])) {
        from--;
    }
    while (to < source.n && is_blank(source.p[to])) {
        to++;
    }
    bool starts = from == 0 || source.p[from - 1] == '\n';
    bool ends = to == source.n || source.p[to] == '\n' ||
                (source.p[to] == '\r' && to + 1 < source.n && source.p[to + 1] == '\n');
    if (!starts || !ends || !t->kind || strchr("&{", t->kind)) {
        return false;
    }
    *out_from = from;
    *out_to = to == source.n ? to : to + 1 + (source.p[to] == '\r');
    return true;
}

static enum err set_delimiters(struct compiling *c, const struct tag *t)
{
    struct str rest = t->content, open, close;
    size_t n = 0;
    while (n < rest.n && !is_blank(rest.p[n])) {
        n++;
    }
    open = str_sub(rest, 0, n);
    close = str_trim(str_sub(rest, n, rest.n));
    if (open.n == 0 || close.n == 0 || open.n > DELIMITER_MAX_BYTES ||
        close.n > DELIMITER_MAX_BYTES || str_find_char(open, '=') >= 0 ||
        str_find_char(close, '=') >= 0 || str_find_char(close, ' ') >= 0) {
        return fail(c->fault, c->source, t->start, "delimiters are set like {{=<%% %%>=}}");
    }
    c->open = open;
    c->close = close;
    return E_OK;
}

static bool is_name(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (is_blank(s.p[i]) || s.p[i] == '\n' || s.p[i] == '\r' || strchr("|{}", s.p[i])) {
            return false;
        }
    }
    return s.n > 0;
}

/* name, name:arg, name:"arg" */
static bool read_pipe(struct str text, struct template_pipe *out_pipe)
{
    ptrdiff_t colon = str_find_char(text, ':');
    struct template_pipe p = {.name =
                                  str_trim(str_sub(text, 0, colon < 0 ? text.n : (size_t)colon))};
    if (colon >= 0) {
        p.has_arg = true;
        p.arg = str_trim(str_sub(text, (size_t)colon + 1, text.n));
        char quote = (char)(p.arg.n ? p.arg.p[0] : 0);
        if (quote == '"' || quote == '\'') {
            if (p.arg.n < 2 || p.arg.p[p.arg.n - 1] != quote) {
                return false;
            }
            p.arg = str_sub(p.arg, 1, p.arg.n - 2);
        }
    }
    *out_pipe = p;
    return true;
}

/* Up to the next | outside quotes. */
static struct str cut_pipe(struct str *rest)
{
    char quote = 0;
    size_t i = 0;
    for (; i < rest->n && (quote || rest->p[i] != '|'); i++) {
        char ch = rest->p[i];
        if (quote) {
            quote = (char)(ch == quote ? 0 : quote);
        } else if (ch == '"' || ch == '\'') {
            quote = ch;
        }
    }
    struct str piece = str_trim(str_sub(*rest, 0, i));
    bool more = i < rest->n;
    *rest = more ? str_sub(*rest, i + 1, rest->n) : str_make(NULL, 0);
    return piece;
}

static enum err read_pipes(struct compiling *c, const struct tag *t, struct node *n)
{
    struct str rest = t->content;
    n->text = cut_pipe(&rest);
    struct template_pipe *pipes =
        rest.p ? ARENA_ARRAY(c->arena, struct template_pipe, PIPES_MAX) : NULL;
    n->pipes = pipes;
    while (rest.p) {
        struct str text = cut_pipe(&rest);
        if (n->n_pipes == PIPES_MAX || !read_pipe(text, &pipes[n->n_pipes]) ||
            !template_pipe_is_known(pipes[n->n_pipes].name)) {
            return fail(c->fault, c->source, t->start, "unknown pipe \"%.*s\"",
                        (int)(text.n < 60 ? text.n : 60), text.p);
        }
        n->n_pipes++;
    }
    return E_OK;
}

static enum err read_nodes(struct compiling *c, const struct tag *section, struct node **out_first);

static enum err read_section(struct compiling *c, const struct tag *t, struct node *n)
{
    if (++c->depth > TEMPLATE_DEPTH_MAX) {
        return fail(c->fault, c->source, t->start, "sections are nested deeper than %d",
                    TEMPLATE_DEPTH_MAX);
    }
    TRY(read_nodes(c, t, &n->child));
    c->depth--;
    return E_OK;
}

/* Makes the node of a tag; *out_node stays NULL when there is nothing to render. */
static enum err read_tag(struct compiling *c, const struct tag *t, struct str indent,
                         struct node **out_node)
{
    if (t->kind == '!') {
        return E_OK;
    }
    if (t->kind == '=') {
        return set_delimiters(c, t);
    }
    struct node *n = ARENA_NEW(c->arena, struct node);
    *n = (struct node){.kind = NODE_VALUE, .text = t->content, .offset = t->start};
    *out_node = n;
    if (t->kind == 0 || t->kind == '{' || t->kind == '&') {
        n->kind = t->kind ? NODE_RAW_VALUE : NODE_VALUE;
        TRY(read_pipes(c, t, n));
    }
    if (!is_name(n->text)) {
        return fail(c->fault, c->source, t->start, "a name without blanks is expected in this tag");
    }
    if (t->kind == '>') {
        n->kind = NODE_PARTIAL;
        n->indent = indent;
    } else if (t->kind == '#' || t->kind == '^') {
        n->kind = t->kind == '#' ? NODE_SECTION : NODE_INVERTED;
        return read_section(c, t, n);
    }
    return E_OK;
}

/* Takes the text before a tag and steps behind it; returns the blanks before a tag that stands
 * alone. */
static struct str pass_tag(struct compiling *c, const struct tag *t, struct node ***tail)
{
    size_t from = t->start, to = t->end;
    struct str indent = STR("");
    if (stands_alone(c->source, t, &from, &to)) {
        indent = str_sub(c->source, from, t->start - from);
    }
    if (from > c->at) {
        struct node *n = ARENA_NEW(c->arena, struct node);
        *n = (struct node){.kind = NODE_TEXT, .text = str_sub(c->source, c->at, from - c->at)};
        **tail = n;
        *tail = &n->next;
    }
    c->at = to;
    return indent;
}

/* Reads up to the end of `section`, or of the source when that is NULL. */
static enum err read_nodes(struct compiling *c, const struct tag *section, struct node **out_first)
{
    struct node **tail = out_first;
    struct tag t;
    bool found = true;
    while (true) {
        TRY(next_tag(c, &t, &found));
        if (!found) {
            break;
        }
        struct str indent = pass_tag(c, &t, &tail);
        if (t.kind == '/') {
            if (section && str_eq(t.content, section->content)) {
                return E_OK;
            }
            return fail(c->fault, c->source, t.start, "no section \"%.*s\" is open here",
                        (int)(t.content.n < 60 ? t.content.n : 60), t.content.p);
        }
        TRY(read_tag(c, &t, indent, tail));
        tail = *tail ? &(*tail)->next : tail;
    }
    if (section) {
        return fail(c->fault, c->source, section->start, "this section is never closed");
    }
    struct tag end = {.start = c->source.n, .end = c->source.n};
    pass_tag(c, &end, &tail);
    return E_OK;
}

enum err template_new(struct arena *a, struct str source, const struct template **out_template,
                      struct json_fault *out_fault)
{
    struct json_fault ignored;
    struct json_fault *fault = out_fault ? out_fault : &ignored;
    if (source.n > TEMPLATE_SOURCE_MAX_BYTES) {
        fail(fault, STR(""), 0, "the template is larger than %d KiB",
             TEMPLATE_SOURCE_MAX_BYTES / 1024);
        return E_TOO_LARGE;
    }
    struct compiling c = {a, source, 0, STR("{{"), STR("}}"), fault, 0};
    struct node *first = NULL;
    TRY(read_nodes(&c, NULL, &first));
    struct template *t = ARENA_NEW(a, struct template);
    *t = (struct template){source, first};
    *out_template = t;
    return E_OK;
}

/* Rendering */

struct scope {
    const struct scope *outer;
    const struct json *value;
};

struct rendering {
    const struct template_options *options;
    struct arena *scratch; /* what pipes and partials make */
    struct buf *out;
    struct json_fault *fault;
    int steps, depth;
};

/* Where a node stands: its template's source, for faults, and the values in sight. */
struct sight {
    struct str source;
    const struct scope *scope;
};

static enum err render_nodes(struct rendering *r, const struct node *n, struct sight at);

/* The first part of a dotted name is looked up from the inside out, the rest in what was found. */
static const struct json *look_up(const struct scope *s, struct str name,
                                  const struct json **out_parent)
{
    struct str rest = name, part;
    if (str_eqz(name, ".")) {
        *out_parent = NULL;
        return s->value;
    }
    str_split(&rest, '.', &part);
    const struct json *v = NULL;
    for (; s && !v; s = s->outer) {
        v = json_find(s->value, part);
        *out_parent = s->value;
    }
    while (v && str_split(&rest, '.', &part)) {
        *out_parent = v;
        v = json_find(v, part);
    }
    return v;
}

static enum err no_room(struct rendering *r, struct sight at, const struct node *n)
{
    fail(r->fault, at.source, n->offset, "the text becomes too long");
    return E_TOO_LARGE;
}

static enum err look_up_or_fail(struct rendering *r, const struct node *n, struct sight at,
                                const struct json **out_value)
{
    const struct json *parent;
    *out_value = look_up(at.scope, n->text, &parent);
    if (!*out_value && r->options->strict) {
        return fail(r->fault, at.source, n->offset, "nothing is named \"%.*s\" here",
                    (int)(n->text.n < 60 ? n->text.n : 60), n->text.p);
    }
    return E_OK;
}

static enum err run_pipes(struct rendering *r, const struct node *n, struct sight at,
                          struct json *value)
{
    const struct json *parent = NULL, *outer;
    look_up(at.scope, n->text, &parent);
    const struct json *currency = json_get(parent, "currency");
    currency = currency ? currency : look_up(at.scope, STR("currency"), &outer);
    struct template_pipe_site site = {r->scratch, json_text(currency, STR(""))};
    for (size_t i = 0; i < n->n_pipes; i++) {
        if (arena_left_bytes(r->scratch) < (8 << 20)) {
            return no_room(r, at, n);
        }
        const char *problem = template_pipe_apply(&n->pipes[i], &site, value);
        if (problem) {
            return fail(r->fault, at.source, n->offset, "%.*s: %s",
                        (int)(n->text.n < 60 ? n->text.n : 60), n->text.p, problem);
        }
    }
    return E_OK;
}

static enum err render_value(struct rendering *r, const struct node *n, struct sight at)
{
    const struct json *found;
    bool has_default = false;
    for (size_t i = 0; i < n->n_pipes; i++) {
        has_default = has_default || str_eqz(n->pipes[i].name, "default");
    }
    if (has_default) {
        const struct json *parent;
        found = look_up(at.scope, n->text, &parent);
    } else {
        TRY(look_up_or_fail(r, n, at, &found));
    }
    struct json value = found ? *found : json_null_value;
    if (n->n_pipes) {
        TRY(run_pipes(r, n, at, &value));
    }
    if (value.kind == JSON_ARRAY || value.kind == JSON_OBJECT) {
        struct json_out o = json_out_to(r->out);
        json_put(&o, &value);
        return E_OK;
    }
    struct str text = template_pipe_text(r->scratch, &value);
    if (r->options->html && n->kind == NODE_VALUE) {
        html_escape(r->out, text);
    } else {
        buf_add_str(r->out, text);
    }
    return E_OK;
}

static bool is_truthy(const struct json *v)
{
    if (json_is_null(v)) {
        return false;
    }
    switch (v->kind) {
    case JSON_BOOL:
        return v->boolean;
    case JSON_STRING:
        return v->string.n > 0;
    case JSON_ARRAY:
        return v->count > 0;
    default:
        return true;
    }
}

static enum err render_section(struct rendering *r, const struct node *n, struct sight at)
{
    const struct json *v;
    TRY(look_up_or_fail(r, n, at, &v));
    if (is_truthy(v) == (n->kind == NODE_INVERTED)) {
        return E_OK;
    }
    if (n->kind == NODE_INVERTED) {
        return render_nodes(r, n->child, at);
    }
    size_t count = v->kind == JSON_ARRAY ? v->count : 1;
    for (size_t i = 0; i < count; i++) {
        struct scope inner = {at.scope, v->kind == JSON_ARRAY ? &v->items[i] : v};
        TRY(render_nodes(r, n->child, (struct sight){at.source, &inner}));
    }
    return E_OK;
}

/* Every line of a partial gets the indentation of its tag. */
static struct str indented(struct arena *a, struct str source, struct str indent)
{
    struct buf b = buf_make(TEMPLATE_SOURCE_MAX_BYTES);
    struct str rest = source;
    while (rest.n) {
        ptrdiff_t end = str_find_char(rest, '\n');
        size_t n = end < 0 ? rest.n : (size_t)end + 1;
        buf_add_str(&b, indent);
        buf_add(&b, rest.p, n);
        rest = str_sub(rest, n, rest.n);
    }
    struct str text = str_dup(a, buf_str(&b));
    buf_free(&b);
    return text;
}

static enum err render_partial(struct rendering *r, const struct node *n, struct sight at)
{
    struct str source = json_text(json_find(r->options->partials, n->text), STR(""));
    if (r->depth >= TEMPLATE_DEPTH_MAX) {
        fail(r->fault, at.source, n->offset, "partials are nested deeper than %d",
             TEMPLATE_DEPTH_MAX);
        return E_TOO_LARGE;
    }
    if (arena_left_bytes(r->scratch) < 64 * source.n + (1 << 20)) {
        return no_room(r, at, n);
    }
    const struct template *t;
    source = n->indent.n ? indented(r->scratch, source, n->indent) : source;
    TRY(template_new(r->scratch, source, &t, r->fault));
    r->depth++;
    enum err e = render_nodes(r, t->first, (struct sight){source, at.scope});
    r->depth--;
    return e;
}

static enum err render_nodes(struct rendering *r, const struct node *n, struct sight at)
{
    for (; n; n = n->next) {
        if (++r->steps > STEPS_MAX || r->out->overflow) {
            return no_room(r, at, n);
        }
        switch (n->kind) {
        case NODE_TEXT:
            buf_add_str(r->out, n->text);
            break;
        case NODE_VALUE:
        case NODE_RAW_VALUE:
            TRY(render_value(r, n, at));
            break;
        case NODE_SECTION:
        case NODE_INVERTED:
            TRY(render_section(r, n, at));
            break;
        case NODE_PARTIAL:
            TRY(render_partial(r, n, at));
            break;
        }
        if (r->out->overflow) {
            return no_room(r, at, n);
        }
    }
    return E_OK;
}

enum err template_render(const struct template *t, const struct json *view,
                         const struct template_options *options, struct buf *out,
                         struct json_fault *out_fault)
{
    static const struct template_options PLAIN = {0};
    struct json_fault ignored;
    struct rendering r = {.options = options ? options : &PLAIN,
                          .scratch = arena_new(SCRATCH_MAX_BYTES),
                          .out = out,
                          .fault = out_fault ? out_fault : &ignored};
    struct scope outer = {NULL, view ? view : &json_empty_object};
    enum err e = render_nodes(&r, t->first, (struct sight){t->source, &outer});
    arena_free(&r.scratch);
    return e;
}

enum err template_text(struct arena *a, struct str source, const struct json *view,
                       struct str *out_text, struct json_fault *out_fault)
{
    const struct template *t;
    TRY(template_new(a, source, &t, out_fault));
    struct buf b = buf_make(TEXT_MAX_BYTES);
    enum err e = template_render(t, view, NULL, &b, out_fault);
    if (e == E_OK) {
        *out_text = str_dup(a, buf_str(&b));
    }
    buf_free(&b);
    return e;
}
