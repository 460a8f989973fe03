#include <stdio.h>

#include "agent/config_check.h"

static const char *const tool_keys[] = {
    "name",     "description", "parameters",        "result",      "status",
    "required", "timeout_s",   "fallback_behavior", "alternative", "side_effects",
    "confirm",  "answer",      "examples",          "run",         "github_issue",
    "handler",  NULL};
static const char *const run_keys[] = {"record", "op",   "match", "own",  "require", "set",
                                       "pick",   "sort", "limit", "http", "builtin", NULL};
static const char *const http_keys[] = {"method", "url",     "headers",       "secret_ref", "sign",
                                        "auth",   "retries", "allow_private", NULL};
static const char *const ops[] = {"get", "find", "count", "create", "update", NULL};
static const char *const owns[] = {"account", "contact", NULL};
static const char *const builtins[] = {"search_knowledge", "request_handover", "current_time",
                                       "contact_profile",  "create_ticket",    NULL};
static const char *const fallbacks[] = {"continue_without_result", "use_alternative_tool",
                                        "escalate_to_human", NULL};
static const char *const statuses[] = {"implemented", "missing", NULL};
static const char *const methods[] = {"GET", "POST", "PUT", "PATCH", "DELETE", NULL};

/* The short form {order_id: string} of domain 004 section 14 as a full schema. */
static const struct json *full_schema(struct config_check *k, const struct json *given)
{
    struct arena *a = k->cfg->arena;
    bool shorthand =
        json_is(given, JSON_OBJECT) && !json_get(given, "type") && !json_get(given, "properties");
    if (!shorthand) {
        return given;
    }
    const struct json *properties = &json_empty_object;
    const struct json *required = &json_empty_array;
    for (size_t i = 0; i < json_count(given); i++) {
        const struct json_member *m = &given->members[i];
        const struct json *schema = &m->value;
        if (json_is(schema, JSON_STRING)) {
            schema = json_with(a, &json_empty_object, STR("type"), schema);
        }
        properties = json_with(a, properties, m->name, schema);
        required = json_push(a, required, json_new_str(a, m->name));
    }
    const struct json *full =
        json_with(a, &json_empty_object, STR("type"), json_new_str(a, STR("object")));
    full = json_with(a, full, STR("properties"), properties);
    return json_with(a, full, STR("required"), required);
}

static struct config_jq *read_mappings(struct config_check *k, const struct json *map,
                                       struct str path, int *out_count)
{
    size_t n = json_count(map);
    struct config_jq *all = ARENA_ARRAY(k->cfg->arena, struct config_jq, n + 1);
    for (size_t i = 0; i < n; i++) {
        const struct json_member *m = &map->members[i];
        char *name = str_dupz(k->a, m->name);
        all[i].name = m->name;
        all[i].program = check_jq(k, &m->value, check_path(k, path, name), STR(""));
    }
    *out_count = (int)n;
    return all;
}

static void read_requires(struct config_check *k, struct config_tool *t, const struct json *run,
                          struct str path)
{
    static const char *const keys[] = {"if", "else", NULL};
    const struct json *list = check_list(k, run, path, "require", 16);
    size_t n = json_count(list);
    t->require = ARENA_ARRAY(k->cfg->arena, struct config_require, n + 1);
    t->require_count = (int)n;
    for (size_t i = 0; i < n; i++) {
        const struct json *row = json_at(list, i);
        struct str at = str_fmt(k->a, "%.*s.require[%zu]", STR_ARG(path), i);
        check_known(k, row, at, keys);
        if (json_is_null(json_get(row, "if")) || json_is_null(json_get(row, "else"))) {
            check_fault(k, row, at, "needs `if` (jq) and `else` (what to say)");
            continue;
        }
        t->require[i].condition =
            check_jq(k, json_get(row, "if"), check_path(k, at, "if"), STR(""));
        t->require[i].otherwise = check_str(k, row, at, "else", 1000);
        check_template(k, row, at, "else");
    }
}

static void read_record_run(struct config_check *k, struct config_tool *t, const struct json *run,
                            struct str path)
{
    static const double limits[3] = {1, 100, 10};
    t->run = CONFIG_RUN_RECORD;
    t->record = check_str(k, run, path, "record", 64);
    if (!check_is_snake(t->record)) {
        check_fault(k, json_get(run, "record"), check_path(k, path, "record"),
                    "must be the snake_case name of a record kind");
    }
    t->op = check_choice(k, run, path, "op", ops);
    if (t->op.n == 0 && json_is_null(json_get(run, "op"))) {
        check_fault(k, run, path, "needs `op`: get, find, count, create or update");
    }
    t->own = check_choice(k, run, path, "own", owns);
    t->sort = check_str(k, run, path, "sort", 64);
    t->limit = (int)check_number(k, run, path, "limit", limits);
    t->match = read_mappings(k, check_map(k, run, path, "match"), check_path(k, path, "match"),
                             &t->match_count);
    t->set =
        read_mappings(k, check_map(k, run, path, "set"), check_path(k, path, "set"), &t->set_count);
    read_requires(k, t, run, path);
    if (json_get(run, "pick")) {
        t->pick = check_jq(k, json_get(run, "pick"), check_path(k, path, "pick"), STR(""));
    }
    bool writes = str_eqz(t->op, "create") || str_eqz(t->op, "update");
    if (writes && !t->side_effects) {
        check_fault(k, run, path, "%.*s changes records: the tool must say side_effects: true",
                    STR_ARG(t->op));
    }
    if (!writes && t->set_count) {
        check_fault(k, json_get(run, "set"), check_path(k, path, "set"),
                    "only create and update set fields");
    }
    if ((str_eqz(t->op, "get") || str_eqz(t->op, "update")) && !t->match_count && !t->own.n) {
        check_fault(k, run, path, "needs `match` or `own` to know which record");
    }
}

static void read_http_run(struct config_check *k, struct config_tool *t, const struct json *run,
                          struct str path)
{
    const struct json *http = check_map(k, run, path, "http");
    struct str at = check_path(k, path, "http");
    t->run = CONFIG_RUN_HTTP;
    check_known(k, http, at, http_keys);
    check_choice(k, http, at, "method", methods);
    struct str url = check_str(k, http, at, "url", 2000);
    if (!str_starts(url, STR("https://")) && !str_starts(url, STR("http://"))) {
        check_fault(k, json_get(http, "url"), check_path(k, at, "url"),
                    "must be an http or https address");
    }
    check_map(k, http, at, "headers");
    check_bool(k, http, at, "sign", false);
    static const double retries[3] = {0, 5, 2};
    check_number(k, http, at, "retries", retries);
    if (check_bool(k, http, at, "sign", false) && check_str(k, http, at, "secret_ref", 64).n == 0) {
        check_fault(k, http, at, "sign needs secret_ref, the name of a secret of the org");
    }
}

static void read_run(struct config_check *k, struct config_tool *t, const struct json *tool,
                     struct str path)
{
    const struct json *run = json_get(tool, "run");
    t->run_json = json_is(run, JSON_OBJECT) ? run : &json_empty_object;
    if (json_is_null(run)) {
        if (t->implemented) {
            check_warn(k, tool, path, "no `run`: the agent cannot use this tool yet");
        }
        t->implemented = false;
        return;
    }
    struct str at = check_path(k, path, "run");
    if (!json_is(run, JSON_OBJECT)) {
        check_fault(k, run, at, "must be a map with record, http or builtin");
        return;
    }
    check_known(k, run, at, run_keys);
    int forms = (json_get(run, "record") != NULL) + (json_get(run, "http") != NULL) +
                (json_get(run, "builtin") != NULL);
    if (forms != 1) {
        check_fault(k, run, at, "must have exactly one of record, http and builtin");
    } else if (json_get(run, "record")) {
        read_record_run(k, t, run, at);
    } else if (json_get(run, "http")) {
        read_http_run(k, t, run, at);
    } else {
        t->run = CONFIG_RUN_BUILTIN;
        t->op = check_choice(k, run, at, "builtin", builtins);
    }
}

static void read_behaviour(struct config_check *k, struct config_tool *t, const struct json *tool,
                           struct str path)
{
    static const double timeouts[3] = {1, 60, 30};
    t->timeout_ms = (int64_t)(check_number(k, tool, path, "timeout_s", timeouts) * 1000);
    t->side_effects = check_bool(k, tool, path, "side_effects", false);
    check_bool(k, tool, path, "required", false);
    struct str fallback = check_choice(k, tool, path, "fallback_behavior", fallbacks);
    t->fallback = str_eqz(fallback, "escalate_to_human")      ? CONFIG_ESCALATE
                  : str_eqz(fallback, "use_alternative_tool") ? CONFIG_ALTERNATIVE
                                                              : CONFIG_CONTINUE;
    t->alternative = check_str(k, tool, path, "alternative", 64);
    const struct json *confirm = json_get(tool, "confirm");
    t->unasked = json_is(confirm, JSON_BOOL) && !confirm->boolean;
    t->confirm = t->unasked ? STR("") : check_str(k, tool, path, "confirm", 1000);
    t->answer = check_str(k, tool, path, "answer", 8000);
    if (!t->unasked) {
        check_template(k, tool, path, "confirm");
    }
    check_template(k, tool, path, "answer");
    t->examples = check_list(k, tool, path, "examples", CONFIG_EXAMPLES_MAX);
    struct str status = check_choice(k, tool, path, "status", statuses);
    t->implemented = !str_eqz(status, "missing");
    if (t->fallback == CONFIG_ALTERNATIVE && !t->alternative.n) {
        check_fault(k, tool, path, "use_alternative_tool needs `alternative`");
    }
}

static void read_tool(struct config_check *k, struct config_tool *t, const struct json *tool,
                      struct str path)
{
    if (!json_is(tool, JSON_OBJECT)) {
        check_fault(k, tool, path, "must be a map");
        return;
    }
    check_known(k, tool, path, tool_keys);
    t->name = check_str(k, tool, path, "name", 64);
    if (!check_is_snake(t->name)) {
        const struct json *at = json_get(tool, "name");
        check_fault(k, at ? at : tool, check_path(k, path, "name"),
                    "a tool needs a snake_case name, such as get_order");
    }
    t->description = check_str(k, tool, path, "description", 2000);
    if (!t->description.n) {
        check_fault(k, tool, path, "needs a description: it is how the model chooses");
    }
    const struct json *parameters = check_map(k, tool, path, "parameters");
    t->parameters = full_schema(k, parameters);
    t->parameters_schema = check_schema(k, t->parameters, check_path(k, path, "parameters"));
    static const char *const taken[] = {"contact", "account", "conversation",
                                        "now_ms",  "record",  "result"};
    for (size_t i = 0; i < sizeof(taken) / sizeof(*taken); i++) {
        const struct json *clash = json_get(json_get(t->parameters, "properties"), taken[i]);
        if (clash) {
            check_fault(k, clash, check_path(k, path, "parameters"),
                        "a parameter cannot be called %s: expressions know that name already",
                        taken[i]);
        }
    }
    if (!json_is_null(json_get(tool, "result"))) {
        t->result_schema = check_schema(k, json_get(tool, "result"), check_path(k, path, "result"));
    }
    read_behaviour(k, t, tool, path);
    read_run(k, t, tool, path);
}

static void check_tool_names(struct config_check *k, const struct json *list)
{
    struct config *cfg = k->cfg;
    for (int i = 0; i < cfg->tool_count; i++) {
        struct config_tool *t = &cfg->tools[i];
        struct str path = str_fmt(k->a, "tools[%d]", i);
        for (int j = 0; j < i; j++) {
            if (t->name.n && str_eq(t->name, cfg->tools[j].name)) {
                check_fault(k, json_at(list, (size_t)i), path,
                            "the name %.*s is taken by tools[%d]", STR_ARG(t->name), j);
            }
        }
        if (t->alternative.n && !config_tool_find(cfg, t->alternative) &&
            !config_mcp_claims(cfg, t->alternative)) {
            check_fault(k, json_at(list, (size_t)i), check_path(k, path, "alternative"),
                        "there is no tool \"%.*s\"", STR_ARG(t->alternative));
        }
    }
}

void config_read_tools(struct config_check *k, const struct json *document)
{
    const struct json *list = json_get(document, "tools");
    if (!json_is(list, JSON_ARRAY)) {
        check_fault(k, list ? list : document, STR("tools"), "is needed: a list, [] for no tools");
        return;
    }
    list = check_list(k, document, STR(""), "tools", CONFIG_TOOLS_MAX);
    size_t n = json_count(list);
    k->cfg->tools = ARENA_ARRAY(k->cfg->arena, struct config_tool, n + 1);
    for (size_t i = 0; i < n; i++) {
        read_tool(k, &k->cfg->tools[i], json_at(list, i), str_fmt(k->a, "tools[%zu]", i));
    }
    k->cfg->tool_count = (int)n;
    check_tool_names(k, list);
}
