/* The servers of tools in a configuration, and their tools as a version pinned them. */
#include "agent/config_check.h"
#include "codec/format.h"
#include "codec/text.h"

enum {
    ALLOW_MAX = 64,
    SERVER_NAME_MAX_BYTES = 24,
    TOOL_NAME_MAX_BYTES = 64, /* what models' interfaces take */
    DESCRIPTION_MAX_BYTES = 4000,
    SCHEMA_DEPTH = 32
};

static const char *const keys[] = {"name",      "url",   "command", "secret_ref", "allow_private",
                                   "timeout_s", "allow", "approve", "answer",     NULL};

/* ---- names --------------------------------------------------------------- */

/* '*' stands for any run of characters. */
static bool matches(struct str pattern, struct str name)
{
    size_t p = 0, n = 0, star = SIZE_MAX, resume = 0;
    while (n < name.n) {
        if (p < pattern.n && pattern.p[p] == '*') {
            star = p++;
            resume = n;
        } else if (p < pattern.n && pattern.p[p] == name.p[n]) {
            p++;
            n++;
        } else if (star != SIZE_MAX) {
            p = star + 1;
            n = ++resume;
        } else {
            return false;
        }
    }
    while (p < pattern.n && pattern.p[p] == '*') {
        p++;
    }
    return p == pattern.n;
}

bool config_mcp_allows(const struct config_mcp *m, struct str tool)
{
    for (size_t i = 0; i < json_count(m->allow); i++) {
        if (matches(json_text(json_at(m->allow, i), STR("")), tool)) {
            return true;
        }
    }
    return false;
}

/* Models' interfaces take letters, digits, _ and -. */
static struct str offered_name(struct arena *a, struct str server, struct str tool)
{
    struct str all = str_fmt(a, "%.*s__%.*s", STR_ARG(server), STR_ARG(tool));
    char *name = str_dupz(a, all);
    for (size_t i = 0; i < all.n; i++) {
        char c = name[i];
        bool fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    c == '_' || c == '-';
        name[i] = fine ? c : '_';
    }
    return str_make(name, all.n);
}

bool config_mcp_claims(const struct config *cfg, struct str tool)
{
    for (int i = 0; i < cfg->mcp_count; i++) {
        struct str name = cfg->mcp[i].name;
        if (str_starts(tool, name) && str_starts(str_sub(tool, name.n, 2), STR("__"))) {
            return true;
        }
    }
    return false;
}

/* ---- reading the servers ------------------------------------------------- */

static void read_allow(struct config_check *k, struct config_mcp *m, const struct json *row,
                       struct str path)
{
    m->allow = check_list(k, row, path, "allow", ALLOW_MAX);
    if (json_count(m->allow) == 0) {
        check_fault(k, row, check_path(k, path, "allow"),
                    "must list the tools that may be used: names, or patterns such as \"get_*\"");
    }
    for (size_t i = 0; i < json_count(m->allow); i++) {
        const struct json *v = json_at(m->allow, i);
        if (!json_is(v, JSON_STRING) || v->string.n == 0) {
            check_fault(k, v, check_path(k, path, "allow"), "must be the name of a tool");
        }
    }
}

/* A map from tools to texts; those it names must be allowed. */
static const struct json *read_texts(struct config_check *k, const struct config_mcp *m,
                                     const struct json *row, struct str path, const char *name)
{
    const struct json *map = check_map(k, row, path, name);
    struct str at = check_path(k, path, name);
    for (size_t i = 0; i < json_count(map); i++) {
        const struct json_member *one = &map->members[i];
        char *tool = str_dupz(k->a, one->name);
        if (!config_mcp_allows(m, one->name)) {
            check_fault(k, &one->value, check_path(k, at, tool), "\"%s\" is not in `allow`", tool);
        }
        check_str(k, map, at, tool, 8000);
        check_template(k, map, at, tool);
    }
    return map;
}

static void read_place(struct config_check *k, struct config_mcp *m, const struct json *row,
                       struct str path)
{
    m->url = check_str(k, row, path, "url", 2000);
    m->command = check_str(k, row, path, "command", 64);
    if ((m->url.n > 0) == (m->command.n > 0)) {
        check_fault(k, row, path,
                    "needs either url, or command: a program that the installation allows");
    }
    if (m->url.n && !str_starts(m->url, STR("https://")) && !str_starts(m->url, STR("http://"))) {
        check_fault(k, json_get(row, "url"), check_path(k, path, "url"),
                    "must be an http or https address");
    }
    m->secret_ref = check_str(k, row, path, "secret_ref", 64);
    m->allow_private = check_bool(k, row, path, "allow_private", false);
}

static void read_server(struct config_check *k, struct config_mcp *m, const struct json *row,
                        struct str path)
{
    static const double timeouts[3] = {1, 300, 30};
    m->place = row;
    check_known(k, row, path, keys);
    m->name = check_str(k, row, path, "name", SERVER_NAME_MAX_BYTES);
    if (!check_is_snake(m->name) || str_find(m->name, STR("__")) >= 0) {
        const struct json *at = json_get(row, "name");
        check_fault(k, at ? at : row, check_path(k, path, "name"),
                    "a server needs a snake_case name without __, such as shop");
    }
    read_place(k, m, row, path);
    m->timeout_ms = (int64_t)(check_number(k, row, path, "timeout_s", timeouts) * 1000);
    read_allow(k, m, row, path);
    m->approve = read_texts(k, m, row, path, "approve");
    m->answer = read_texts(k, m, row, path, "answer");
}

void config_read_mcp(struct config_check *k, const struct json *document)
{
    const struct json *list = check_list(k, document, STR(""), "mcp_servers", CONFIG_MCP_MAX);
    size_t n = json_count(list);
    struct config *cfg = k->cfg;
    cfg->mcp = ARENA_ARRAY(cfg->arena, struct config_mcp, n + 1);
    for (size_t i = 0; i < n; i++) {
        struct str path = str_fmt(k->a, "mcp_servers[%zu]", i);
        if (!json_is(json_at(list, i), JSON_OBJECT)) {
            check_fault(k, json_at(list, i), path, "must be a map");
        }
        read_server(k, &cfg->mcp[i], json_at(list, i), path);
        for (size_t j = 0; j < i; j++) {
            if (cfg->mcp[i].name.n && str_eq(cfg->mcp[i].name, cfg->mcp[j].name)) {
                check_fault(k, json_at(list, i), path, "the name is taken by mcp_servers[%zu]", j);
            }
        }
    }
    cfg->mcp_count = (int)n;
}

/* ---- pinned tools -------------------------------------------------------- */

/* The schema without the `format`s that are not known here: they say how a text looks, and the
 * server checks it anyway. */
static const struct json *without_formats(struct arena *a, const struct json *v, int depth)
{
    if (depth == SCHEMA_DEPTH || (!json_is(v, JSON_OBJECT) && !json_is(v, JSON_ARRAY))) {
        return v;
    }
    const struct json *out = json_is(v, JSON_OBJECT) ? &json_empty_object : &json_empty_array;
    for (size_t i = 0; i < json_count(v); i++) {
        if (json_is(v, JSON_ARRAY)) {
            out = json_push(a, out, without_formats(a, json_at(v, i), depth + 1));
            continue;
        }
        const struct json_member *m = &v->members[i];
        bool strange = str_eqz(m->name, "format") && json_is(&m->value, JSON_STRING) &&
                       !format_is_known(m->value.string);
        if (!strange) {
            out = json_with(a, out, m->name, without_formats(a, &m->value, depth + 1));
        }
    }
    return out;
}

/* NULL when it cannot be checked here. */
static const struct schema *compile(struct config_check *k, const struct json *document)
{
    struct arena *a = k->cfg->arena;
    const struct schema *schema = NULL;
    struct schema_fault fault = {0};
    if (schema_new(a, document, &schema, &fault) == E_OK ||
        schema_new(a, without_formats(a, document, 0), &schema, &fault) == E_OK) {
        return schema;
    }
    return NULL;
}

static bool is_plain(struct str name)
{
    static const char *const taken[] = {"contact", "account", "conversation",
                                        "now_ms",  "record",  "result"};
    bool plain = name.n > 0 && name.n <= 64;
    for (size_t i = 0; i < name.n && plain; i++) {
        char c = name.p[i];
        plain =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    }
    for (size_t i = 0; i < sizeof(taken) / sizeof(*taken); i++) {
        plain = plain && !str_eqz(name, taken[i]);
    }
    return plain;
}

/* "Shall I go ahead with cancel order? (order_number: BW-10421)": the server's description is
 * written for models, and is not ours to show. */
static struct str question_for(struct arena *a, const struct config_tool *t)
{
    struct buf b = buf_make(2000);
    buf_addf(&b, "Shall I go ahead with %.*s?", STR_ARG(t->mcp_tool));
    for (size_t i = 0; i < b.n; i++) {
        b.p[i] = b.p[i] == '_' || b.p[i] == '{' || b.p[i] == '}' ? ' ' : b.p[i];
    }
    const struct json *properties = json_get(t->parameters, "properties");
    for (size_t i = 0; i < json_count(properties); i++) {
        struct str name = properties->members[i].name;
        struct str type = json_str(&properties->members[i].value, "type", STR(""));
        bool shown = str_eqz(type, "string") || str_eqz(type, "integer") || str_eqz(type, "number");
        if (is_plain(name) && shown) {
            buf_addf(&b, "{{#%.*s}} (%.*s: {{%.*s}}){{/%.*s}}", STR_ARG(name), STR_ARG(name),
                     STR_ARG(name), STR_ARG(name));
        }
    }
    struct str text = b.overflow ? STR("Shall I go ahead?") : str_dup(a, buf_str(&b));
    buf_free(&b);
    return text;
}

/* Without a word in the configuration a tool that only reads is used, any other asked for. What a
 * server says of its tools counts because the definition was approved with the version. */
static void read_approval(struct config_tool *t, const struct config_mcp *m, struct arena *a,
                          bool read_only)
{
    struct str how = json_text(json_find(m->approve, t->mcp_tool), STR(""));
    t->side_effects = !read_only;
    t->unasked = str_eqz(how, "never") || (how.n == 0 && read_only);
    if (!t->unasked) {
        bool own = how.n > 0 && !str_eqz(how, "always");
        t->confirm = own ? how : question_for(a, t);
    }
}

static void pin_tool(struct config_check *k, const struct config_mcp *m, const struct json *given,
                     struct config_tool *t)
{
    struct arena *a = k->cfg->arena;
    const struct json *notes = json_get(given, "annotations");
    bool read_only = json_bool(notes, "readOnlyHint", false);
    struct str title = json_str(given, "title", STR(""));
    struct str description = json_str(given, "description", STR(""));
    *t = (struct config_tool){
        .run = CONFIG_RUN_MCP,
        .mcp = m,
        .implemented = true,
        .timeout_ms = m->timeout_ms,
        .run_json = &json_empty_object,
        .examples = &json_empty_array,
        .mcp_tool = json_str(given, "name", STR("")),
        .mcp_sha256 = json_str(given, "sha256", STR("")),
        .mcp_definition = json_with(a, given, STR("sha256"), NULL),
        .parameters = json_get(given, "inputSchema"),
        .repeatable = read_only || json_bool(notes, "idempotentHint", false),
    };
    description = description.n ? description : title.n ? title : t->mcp_tool;
    t->name = offered_name(a, m->name, t->mcp_tool);
    t->description = text_cut_bytes(description, DESCRIPTION_MAX_BYTES);
    t->answer = json_text(json_find(m->answer, t->mcp_tool), STR(""));
    read_approval(t, m, a, read_only);
    struct str path =
        str_fmt(k->a, "mcp_servers.%.*s.%.*s", STR_ARG(m->name), STR_ARG(t->mcp_tool));
    t->parameters_schema = compile(k, t->parameters);
    if (!t->parameters_schema) {
        check_warn(k, m->place, path, "its schema cannot be checked here; the server checks it");
        static const struct json anything = {.kind = JSON_OBJECT};
        t->parameters_schema = compile(k, &anything);
    }
    const struct json *output = json_get(given, "outputSchema");
    t->result_schema = output ? compile(k, output) : NULL;
    if (t->name.n > TOOL_NAME_MAX_BYTES) {
        check_fault(k, m->place, path, "models cannot call it: %.*s has more than %d characters",
                    STR_ARG(t->name), TOOL_NAME_MAX_BYTES);
    }
}

static const struct config_mcp *server_of(const struct config *cfg, struct str name)
{
    for (int i = 0; i < cfg->mcp_count; i++) {
        if (str_eq(cfg->mcp[i].name, name)) {
            return &cfg->mcp[i];
        }
    }
    return NULL;
}

static void add_tools(struct config_check *k, const struct config_mcp *m, const struct json *given)
{
    struct config *cfg = k->cfg;
    for (size_t i = 0; i < json_count(given); i++) {
        struct config_tool t;
        if (cfg->tool_count == CONFIG_TOOLS_MAX) {
            check_fault(k, m->place, STR("mcp_servers"), "more than %d tools in all",
                        CONFIG_TOOLS_MAX);
            return;
        }
        pin_tool(k, m, json_at(given, i), &t);
        if (config_tool_find(cfg, t.name)) {
            check_fault(k, m->place, STR("mcp_servers"), "two tools would be called %.*s",
                        STR_ARG(t.name));
        } else {
            cfg->tools[cfg->tool_count++] = t;
        }
    }
}

/* Intents may name tools of servers; now it is known which there are. */
static void check_intents(struct config_check *k)
{
    const struct json *list = json_get(k->cfg->document, "intents");
    for (int i = 0; i < k->cfg->intent_count; i++) {
        struct str tool = k->cfg->intents[i].tool;
        if (tool.n && !config_tool_find(k->cfg, tool)) {
            check_fault(k, json_get(json_at(list, (size_t)i), "tool"),
                        str_fmt(k->a, "intents[%d].tool", i), "there is no tool \"%.*s\"",
                        STR_ARG(tool));
        }
    }
}

enum err config_pin(struct arena *a, struct config *cfg, const struct json *pins,
                    struct config_faults *faults)
{
    struct config_check k = {a, cfg, faults};
    struct config_tool *all = ARENA_ARRAY(cfg->arena, struct config_tool, CONFIG_TOOLS_MAX);
    for (int i = 0; i < cfg->tool_count; i++) {
        all[i] = cfg->tools[i];
    }
    cfg->tools = all;
    const struct json *own = json_copy(cfg->arena, pins);
    for (size_t i = 0; i < json_count(own); i++) {
        const struct json *pin = json_at(own, i);
        const struct config_mcp *m = server_of(cfg, json_str(pin, "server", STR("")));
        if (m) {
            add_tools(&k, m, json_get(pin, "tools"));
        }
    }
    check_intents(&k);
    return faults->errors ? E_INVALID : E_OK;
}
