#include "link/mcp_tool.h"

#include <stdarg.h>
#include <stdio.h>

#include "codec/hmac.h"
#include "codec/text.h"
#include "link/mcp_message.h"

enum { HEADER_DEPTH_MAX = 16 };

static enum err refuse(struct json_fault *out_fault, enum err e, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static enum err refuse(struct json_fault *out_fault, enum err e, const char *fmt, ...)
{
    va_list args;
    *out_fault = (struct json_fault){0};
    va_start(args, fmt);
    vsnprintf(out_fault->text, sizeof(out_fault->text), fmt, args);
    va_end(args);
    return e;
}

/* ---- definitions --------------------------------------------------------- */

static bool is_name(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] <= ' ' || s.p[i] > '~') {
            return false;
        }
    }
    return s.n > 0 && s.n <= MCP_TOOL_NAME_MAX_BYTES;
}

const struct json *mcp_tool_json(struct arena *a, const struct mcp_tool *t)
{
    return json_object(a, {"name", json_new_str(a, t->name)},
                       {"title", t->title.n ? json_new_str(a, t->title) : NULL},
                       {"description", json_new_str(a, t->description)},
                       {"inputSchema", t->input_schema}, {"outputSchema", t->output_schema},
                       {"annotations", t->annotations});
}

static const struct json *object_of(const struct json *entry, const char *name)
{
    const struct json *v = json_get(entry, name);
    return json_is(v, JSON_OBJECT) ? v : NULL;
}

/* How many values `v` has, and how many bytes its texts and names; stops soon after `most`. */
static void measure(const struct json *v, size_t most, size_t *nodes, size_t *bytes)
{
    if (!v || *nodes > most) {
        return;
    }
    ++*nodes;
    *bytes += v->kind == JSON_STRING ? v->string.n : 1;
    for (uint32_t i = 0; i < v->count && v->kind == JSON_ARRAY && *nodes <= most; i++) {
        measure(&v->items[i], most, nodes, bytes);
    }
    for (uint32_t i = 0; i < v->count && v->kind == JSON_OBJECT && *nodes <= most; i++) {
        *bytes += v->members[i].name.n;
        measure(&v->members[i].value, most, nodes, bytes);
    }
}

size_t mcp_tool_copy_bytes(const struct mcp_tool *t)
{
    /* a value with its name; their texts, each rounded up */
    size_t node = sizeof(struct json_member) + 4 * sizeof(struct str);
    return sizeof(*t) + t->nodes * node + 2 * (size_t)t->bytes + 4096;
}

/* The parts of an entry that are used, as they are in it. */
static enum err within_bounds(const struct mcp_tool *t, size_t *out_nodes,
                              struct json_fault *out_fault)
{
    size_t nodes = 0, bytes = t->name.n + t->title.n + t->description.n;
    if (t->description.n > MCP_TOOL_DESCRIPTION_MAX_BYTES) {
        return refuse(out_fault, E_TOO_LARGE, "%.*s: the description has more than %d bytes",
                      STR_ARG(t->name), MCP_TOOL_DESCRIPTION_MAX_BYTES);
    }
    measure(t->input_schema, MCP_TOOL_NODES_MAX, &nodes, &bytes);
    measure(t->output_schema, MCP_TOOL_NODES_MAX, &nodes, &bytes);
    measure(t->annotations, MCP_TOOL_NODES_MAX, &nodes, &bytes);
    if (nodes > MCP_TOOL_NODES_MAX) {
        return refuse(out_fault, E_TOO_LARGE, "%.*s: its definition has more than %d values",
                      STR_ARG(t->name), MCP_TOOL_NODES_MAX);
    }
    if (bytes > MCP_TOOL_SCHEMA_MAX_BYTES) {
        return refuse(out_fault, E_TOO_LARGE, "%.*s: its definition has more than %d bytes",
                      STR_ARG(t->name), MCP_TOOL_SCHEMA_MAX_BYTES);
    }
    *out_nodes = nodes;
    return E_OK;
}

static struct mcp_tool parts_of(const struct json *entry)
{
    return (struct mcp_tool){
        .name = json_str(entry, "name", STR("")),
        .title = json_str(entry, "title", STR("")),
        .description = json_str(entry, "description", STR("")),
        .input_schema = object_of(entry, "inputSchema"),
        .output_schema = object_of(entry, "outputSchema"),
        .annotations = object_of(entry, "annotations"),
    };
}

enum err mcp_tool_read(struct arena *a, const struct json *entry, struct mcp_tool *out,
                       struct json_fault *out_fault)
{
    struct str name = json_str(entry, "name", STR(""));
    if (!is_name(name)) {
        return refuse(out_fault, E_INVALID, "a tool's name has 1 to %d visible ASCII characters",
                      MCP_TOOL_NAME_MAX_BYTES);
    }
    const struct json *input = object_of(entry, "inputSchema");
    if (!input || !str_eqz(json_str(input, "type", STR("")), "object")) {
        return refuse(out_fault, E_INVALID, "%.*s: inputSchema must be of type object",
                      STR_ARG(name));
    }
    struct mcp_tool t = parts_of(entry);
    size_t nodes = 0;
    TRY(within_bounds(&t, &nodes, out_fault));
    const struct json *copy = json_copy(a, mcp_tool_json(a, &t)); /* what else it says stays out */
    t = parts_of(copy);
    struct str whole = json_write_canonical(a, mcp_tool_json(a, &t));
    if (whole.n > MCP_TOOL_SCHEMA_MAX_BYTES) {
        return refuse(out_fault, E_TOO_LARGE, "%.*s: its definition has more than %d bytes",
                      STR_ARG(name), MCP_TOOL_SCHEMA_MAX_BYTES);
    }
    t.bytes = (uint32_t)whole.n;
    t.nodes = (uint32_t)nodes;
    t.sha256 = hmac_sha256_hex(a, whole);
    t.read_only = json_bool(t.annotations, "readOnlyHint", false);
    t.idempotent = json_bool(t.annotations, "idempotentHint", false);
    *out = t;
    return E_OK;
}

/* ---- arguments in headers ------------------------------------------------ */

struct walk {
    struct arena *a;
    struct mcp_tool_header *headers;
    int count;
    struct json_fault *fault;
};

static bool is_token(struct str s)
{
    static const char marks[] = "!#$%&'*+-.^_`|~";
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        if (!plain && (c == 0 || str_find_char(STR(marks), c) < 0)) {
            return false;
        }
    }
    return s.n > 0 && s.n <= 64;
}

static bool is_taken(const struct walk *w, struct str name)
{
    for (int i = 0; i < w->count; i++) {
        if (str_eq_nocase(w->headers[i].name, name)) {
            return true;
        }
    }
    return false;
}

static enum err note_header(struct walk *w, const struct json *schema, const struct json *mark,
                            const struct json *value)
{
    struct str type = json_str(schema, "type", STR("")), name = json_text(mark, STR(""));
    bool primitive =
        str_eqz(type, "string") || str_eqz(type, "integer") || str_eqz(type, "boolean");
    if (!json_is(mark, JSON_STRING) || !is_token(name) || !primitive) {
        return refuse(w->fault, E_INVALID,
                      "x-mcp-header is not a header name of a text, integer "
                      "or boolean");
    }
    struct str full = str_fmt(w->a, "Mcp-Param-%.*s", STR_ARG(name));
    if (is_taken(w, full) || w->count == MCP_TOOL_HEADERS_MAX) {
        return refuse(w->fault, E_INVALID, "x-mcp-header %.*s is there twice, or one too many",
                      STR_ARG(name));
    }
    struct str text = json_is(value, JSON_STRING) ? value->string : json_write(w->a, value);
    struct mcp_tool_header *h = &w->headers[w->count++];
    *h = (struct mcp_tool_header){.name = full};
    if (!json_is_null(value)) {
        h->value = mcp_message_header(w->a, text.n ? text : STR(""));
    }
    return E_OK;
}

/* `reachable`: the way here went through `properties` only, and `value` is what stands there. */
static enum err visit(struct walk *w, const struct json *schema, const struct json *value,
                      bool reachable, int depth)
{
    if (depth > HEADER_DEPTH_MAX) {
        return E_OK;
    }
    const struct json *mark =
        json_is(schema, JSON_OBJECT) ? json_get(schema, "x-mcp-header") : NULL;
    if (mark && !reachable) {
        return refuse(w->fault, E_INVALID, "x-mcp-header stands where no argument can be read");
    }
    if (mark) {
        TRY(note_header(w, schema, mark, value));
    }
    for (size_t i = 0; i < json_count(schema); i++) {
        bool object = json_is(schema, JSON_OBJECT);
        const struct json *inner = object ? &schema->members[i].value : json_at(schema, i);
        struct str name = object ? schema->members[i].name : STR("");
        bool data = str_eqz(name, "enum") || str_eqz(name, "const") || str_eqz(name, "default") ||
                    str_eqz(name, "examples");
        bool maps = str_eqz(name, "properties") && json_is(inner, JSON_OBJECT);
        for (size_t k = 0; maps && k < json_count(inner); k++) {
            const struct json_member *m = &inner->members[k];
            TRY(visit(w, &m->value, json_find(value, m->name), reachable, depth + 1));
        }
        if (!maps && !data) {
            TRY(visit(w, inner, NULL, false, depth + 1));
        }
    }
    return E_OK;
}

enum err mcp_tool_headers(struct arena *a, const struct json *input_schema,
                          const struct json *arguments,
                          struct mcp_tool_header out_headers[MCP_TOOL_HEADERS_MAX], int *out_count,
                          struct json_fault *out_fault)
{
    struct mcp_tool_header found[MCP_TOOL_HEADERS_MAX];
    struct walk w = {a, found, 0, out_fault};
    TRY(visit(&w, input_schema, arguments, true, 0));
    int n = 0;
    for (int i = 0; i < w.count; i++) {
        if (found[i].value.p) { /* an argument that is not given has no header */
            out_headers[n++] = found[i];
        }
    }
    *out_count = n;
    return E_OK;
}

/* ---- answers ------------------------------------------------------------- */

static void add_item(struct buf *b, const struct json *item)
{
    struct str type = json_str(item, "type", STR(""));
    struct str mime = text_cut_bytes(json_str(item, "mimeType", STR("data")), 80);
    const struct json *resource = json_get(item, "resource");
    const char *gap = b->n ? "\n\n" : "";
    if (str_eqz(type, "text") || json_get(resource, "text")) {
        struct str text = str_eqz(type, "text") ? json_str(item, "text", STR(""))
                                                : json_str(resource, "text", STR(""));
        buf_addf(b, "%s%.*s", gap, STR_ARG(text));
    } else if (str_eqz(type, "resource_link")) {
        buf_addf(b, "%s[%.*s](%.*s)", gap, STR_ARG(json_str(item, "name", STR("resource"))),
                 STR_ARG(json_str(item, "uri", STR(""))));
    } else {
        struct str data = json_str(item, "data", json_str(resource, "blob", STR("")));
        buf_addf(b, "%s[%.*s: %.*s, %zu bytes, not shown]", gap, STR_ARG(text_cut_bytes(type, 40)),
                 STR_ARG(mime), data.n / 4 * 3);
    }
}

static struct str text_of(struct arena *a, const struct json *content)
{
    struct buf b = buf_make(MCP_MESSAGE_MAX_BYTES);
    for (size_t i = 0; i < json_count(content); i++) {
        add_item(&b, json_at(content, i));
    }
    struct str all = text_cut_bytes(buf_str(&b), MCP_TOOL_TEXT_MAX_BYTES);
    struct str text = all.n < b.n || b.overflow
                          ? str_fmt(a, "%.*s\n[cut here: the answer is longer]", STR_ARG(all))
                          : str_dup(a, all);
    buf_free(&b);
    return text;
}

static enum err waits_for_input(const struct json *result, struct json_fault *out_fault)
{
    const struct json *wanted = json_get(result, "inputRequests");
    struct str method = json_count(wanted) && json_is(wanted, JSON_OBJECT)
                            ? json_str(&wanted->members[0].value, "method", STR("something"))
                            : STR("something");
    return refuse(out_fault, E_INVALID, "the tool wants %.*s of its caller, which is not offered",
                  STR_ARG(text_cut_bytes(method, 60)));
}

enum err mcp_tool_outcome(struct arena *a, const struct json *result, struct mcp_outcome *out,
                          struct json_fault *out_fault)
{
    struct str type = json_str(result, "resultType", STR("complete"));
    if (str_eqz(type, "input_required")) {
        return waits_for_input(result, out_fault);
    }
    const struct json *content = json_get(result, "content");
    const struct json *structured = json_get(result, "structuredContent");
    if (!str_eqz(type, "complete") || (!json_is(content, JSON_ARRAY) && !structured)) {
        return refuse(out_fault, E_INVALID, "the answer is no result of a tool");
    }
    if (json_values(structured, MCP_TOOL_NODES_MAX) > MCP_TOOL_NODES_MAX) {
        return refuse(out_fault, E_TOO_LARGE,
                      "the tool's answer cannot be used: it has more than %d values",
                      MCP_TOOL_NODES_MAX);
    }
    *out = (struct mcp_outcome){
        .is_error = json_bool(result, "isError", false),
        .text = text_of(a, content),
        .structured = structured,
    };
    return E_OK;
}
