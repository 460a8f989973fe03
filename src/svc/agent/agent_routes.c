#include "agent/registry.h"
#include "agent/tool_mcp.h"
#include "agent/turn.h"
#include "codec/diff.h"
#include "codec/yaml.h"
#include "host/live.h"
#include "host/service.h"
#include "svc/agent/ask_stream.h"

enum { DIFF_CONTEXT = 3 };

struct yaml_body {
    struct str yaml, message;
};
static const struct field yaml_fields[] = {
    FIELD(struct yaml_body, yaml, FIELD_STR, .flags = FIELD_REQUIRED, .max = CONFIG_MAX_BYTES),
    FIELD(struct yaml_body, message, FIELD_STR, .max = REGISTRY_MESSAGE_MAX_BYTES,
          .title = "what changed and why"),
};
static const struct field_table yaml_table = FIELD_TABLE("AgentYaml", yaml_fields);

struct rollback_body {
    int64_t version;
    struct str reason;
};
static const struct field rollback_fields[] = {
    FIELD(struct rollback_body, version, FIELD_INT, .min = 0, .max = 1000000000,
          .title = "to go back to; absent: the one before"),
    FIELD(struct rollback_body, reason, FIELD_STR, .max = REGISTRY_MESSAGE_MAX_BYTES),
};
static const struct field_table rollback_table = FIELD_TABLE("Rollback", rollback_fields);

struct ask_body {
    struct str text;
};
static const struct field ask_fields[] = {
    FIELD(struct ask_body, text, FIELD_STR, .flags = FIELD_REQUIRED,
          .max = TURN_QUESTION_MAX_BYTES),
};
static const struct field_table ask_table = FIELD_TABLE("CopilotQuestion", ask_fields);

/* ---- writing ------------------------------------------------------------- */

static void write_fields(struct json_out *o, const struct agent_row *r)
{
    json_field_str(o, "id", id_str(&r->id));
    json_field_str(o, "slug", r->slug);
    json_field_str(o, "name", r->name);
    json_field_str(o, "product_type", r->product);
    json_field_int(o, "active_version", r->active_version);
    json_field_int(o, "created_at", r->created_at_ms);
    json_field_int(o, "updated_at", r->updated_at_ms);
}

static void write_config(struct ctx *c, struct json_out *o, const struct agent_row *r,
                         const struct config *cfg, bool with_yaml)
{
    json_open_object(o);
    write_fields(o, r);
    json_field(o, "channels", cfg->channels);
    json_field_int(o, "tool_count", cfg->tool_count);
    json_field_int(o, "intent_count", cfg->intent_count);
    if (with_yaml) {
        json_field_str(o, "yaml", cfg->yaml);
    }
    if (with_yaml && cfg->mcp_count) {
        json_field(o, "mcp_servers", tool_mcp_report(c, cfg));
    }
    json_close_object(o);
}

static enum err write_agent(struct ctx *c, struct json_out *o, const struct agent_row *r,
                            bool with_yaml)
{
    const struct agent *agent;
    TRY(registry_agent(c, &r->id, r->active_version, &agent));
    write_config(c, o, r, agent->config, with_yaml);
    return E_OK;
}

static void write_version(struct json_out *o, const struct agent_version *v)
{
    json_open_object(o);
    json_field_int(o, "version", v->version);
    json_field_str(o, "sha256", v->sha256);
    json_field_str(o, "author", v->author);
    json_field_str(o, "message", v->message);
    json_field_str(o, "status", v->status);
    json_field_int(o, "created_at", v->created_at_ms);
    if (v->yaml.n) {
        json_field_str(o, "yaml", v->yaml);
    }
    json_close_object(o);
}

static struct str version_tag(struct ctx *c, int64_t version)
{
    return str_fmt(c->arena, "\"v%lld\"", (long long)version);
}

static enum err find(struct ctx *c, struct call *call, struct agent_row *out)
{
    struct id id;
    if (!id_parse(call->params[0], &id)) { /* a slug does as well */
        return registry_by_slug(c, call->params[0], out);
    }
    return registry_get(c, &id, out);
}

/* Who did it, in words that outlive the account. */
static enum err author(struct ctx *c, struct str *out_author)
{
    const struct json *answer = NULL;
    const struct json *question =
        json_object(c->arena, {"id", json_new_str(c->arena, id_str(&c->actor))});
    enum err e =
        c->actor_kind == ACTOR_MEMBER ? host_ask(c, "identity.member", question, &answer) : E_OK;
    if (e != E_OK && e != E_NOT_FOUND) {
        return e;
    }
    *out_author = answer                       ? json_str(answer, "name", STR(""))
                  : c->actor_kind == ACTOR_KEY ? STR("API key")
                                               : STR("command line");
    return E_OK;
}

/* ---- reading ------------------------------------------------------------- */

static enum err list(struct ctx *c, struct call *call)
{
    const struct agent_row *rows;
    int count;
    TRY(registry_list(c, &rows, &count));
    struct json_out *o = call_list_begin(call);
    for (int i = 0; i < count; i++) {
        TRY(write_agent(c, o, &rows[i], false));
    }
    call_list_end(call, STR(""));
    return E_OK;
}

static enum err get(struct ctx *c, struct call *call)
{
    struct agent_row row;
    TRY(find(c, call, &row));
    call_etag(call, version_tag(c, row.active_version));
    return write_agent(c, call_json(call), &row, true);
}

static enum err list_versions(struct ctx *c, struct call *call)
{
    struct agent_row row;
    const struct agent_version *all;
    int count;
    TRY(find(c, call, &row));
    TRY(registry_versions(c, &row.id, &all, &count));
    struct json_out *o = call_list_begin(call);
    for (int i = 0; i < count; i++) {
        write_version(o, &all[i]);
    }
    call_list_end(call, STR(""));
    return E_OK;
}

/* "48" and "v48" (ruling 16). */
static enum err read_version(struct ctx *c, struct str text, const char *name, int64_t *out)
{
    struct str digits = str_starts(text, STR("v")) ? str_sub(text, 1, text.n) : text;
    if (!str_to_i64(digits, out) || *out < 1) {
        return ctx_fail_field(c, E_INVALID, name, "%s must be a version number", name);
    }
    return E_OK;
}

static enum err get_version(struct ctx *c, struct call *call)
{
    struct agent_row row;
    struct agent_version v;
    int64_t n;
    TRY(find(c, call, &row));
    TRY(read_version(c, call->params[1], "version", &n));
    TRY(registry_version(c, &row.id, n, &v));
    write_version(call_json(call), &v);
    return E_OK;
}

static void write_changes(struct ctx *c, struct json_out *o, struct str before, struct str after)
{
    const struct json *a, *b;
    const struct diff_change *changes = NULL;
    struct json_fault fault;
    bool cut = false;
    size_t n = 0;
    if (yaml_parse(c->arena, before, &a, &fault) == E_OK &&
        yaml_parse(c->arena, after, &b, &fault) == E_OK) {
        n = diff_values(c->arena, a, b, &changes, &cut);
    }
    json_name(o, "changes");
    json_open_array(o);
    for (size_t i = 0; i < n; i++) {
        json_open_object(o);
        json_field_str(o, "path", changes[i].path);
        json_field_str(o, "kind", str_of(diff_kind_name(changes[i].kind)));
        json_field(o, "old", changes[i].before);
        json_field(o, "new", changes[i].after);
        json_close_object(o);
    }
    json_close_array(o);
    json_field_bool(o, "cut", cut);
}

static enum err diff(struct ctx *c, struct call *call)
{
    struct agent_row row;
    struct agent_version from, to;
    struct str unified, text_from = call_query(c, call, "from"),
                        text_to = call_query(c, call, "to");
    int64_t a, b;
    TRY(find(c, call, &row));
    b = row.active_version;
    a = b > 1 ? b - 1 : b;
    if (text_from.n) {
        TRY(read_version(c, text_from, "from", &a));
    }
    if (text_to.n) {
        TRY(read_version(c, text_to, "to", &b));
    }
    TRY(registry_version(c, &row.id, a, &from));
    TRY(registry_version(c, &row.id, b, &to));
    if (diff_lines(c->arena, from.yaml, to.yaml, DIFF_CONTEXT, &unified) != E_OK) {
        return ctx_fail(c, E_TOO_LARGE, "these versions are too large to compare");
    }
    struct json_out *o = call_json(call);
    json_open_object(o);
    json_field_int(o, "from", a);
    json_field_int(o, "to", b);
    json_field_str(o, "unified", unified);
    write_changes(c, o, from.yaml, to.yaml);
    json_close_object(o);
    return E_OK;
}

/* ---- writing versions ---------------------------------------------------- */

static void write_faults(struct json_out *o, const struct config_faults *f)
{
    json_open_array(o);
    for (int i = 0; i < f->count; i++) {
        const struct config_fault *it = &f->items[i];
        json_open_object(o);
        json_field_int(o, "line", it->line);
        json_field_int(o, "column", it->column);
        json_field_str(o, "path", it->path);
        json_field_str(o, "message", it->text);
        json_field_str(o, "severity", it->warning ? STR("warning") : STR("error"));
        json_close_object(o);
    }
    json_close_array(o);
}

static enum err validate(struct ctx *c, struct call *call)
{
    const struct yaml_body *in = call->input;
    struct config_faults faults;
    struct config *cfg = NULL;
    bool valid = config_parse(c->arena, in->yaml, &faults, &cfg) == E_OK;
    config_free(&cfg);
    struct json_out *o = call_json(call);
    json_open_object(o);
    json_field_bool(o, "valid", valid);
    json_name(o, "errors");
    write_faults(o, &faults);
    json_close_object(o);
    return E_OK;
}

static enum err audit_applied(struct ctx *c, struct store *s, const struct applied *done)
{
    return audit_add(c, s, done->created ? "agent_created" : "agent_updated", id_str(&done->agent),
                     NULL);
}

struct applying {
    bool again; /* a version of the agent that the address names */
    struct apply order;
    struct draft *draft;
};

static enum err prepare_apply(struct ctx *c, struct call *call, void *arg)
{
    struct applying *w = arg;
    struct config_faults faults;
    struct agent_row row;
    if (w->again) {
        TRY(find(c, call, &row));
        TRY(call_if_match(c, call, version_tag(c, row.active_version)));
        bool checked = request_header(call->in, "If-Match").n > 0;
        w->order.agent = row.id;
        w->order.expected_version = checked ? row.active_version : 0;
    }
    TRY(author(c, &w->order.author));
    return registry_prepare(c, &w->order, &faults, &w->draft);
}

/* In the transaction of an Idempotency-Key: asks nobody, and keeps nothing before the commit. */
static enum err write_applied(struct ctx *c, struct call *call, void *arg)
{
    struct applying *w = arg;
    struct applied done;
    struct agent_row row;
    TRY(registry_put(c, w->draft, &done));
    TRY(registry_get(c, &done.agent, &row));
    call_etag(call, version_tag(c, row.active_version));
    write_config(c, call_json(call), &row, registry_draft(w->draft), true);
    return E_OK;
}

/* Not in one transaction as a whole: tool servers are asked and intents learnt before it begins,
 * with an Idempotency-Key too. */
static enum err apply(struct ctx *c, struct call *call, bool again)
{
    const struct yaml_body *in = call->input;
    struct applying w = {.again = again,
                         .order = {.yaml = in->yaml,
                                   .author = STR(""),
                                   .message = in->message,
                                   .also = audit_applied},
                         .draft = NULL};
    struct once once = {.store = call->store,
                        .actor = id_str(&c->actor),
                        .prepare = prepare_apply,
                        .handler = write_applied,
                        .arg = &w};
    enum err e = call_once(c, call, &once);
    registry_done(c, &w.draft, e == E_OK);
    return e;
}

static enum err post(struct ctx *c, struct call *call)
{
    return apply(c, call, false);
}

static enum err put(struct ctx *c, struct call *call)
{
    return apply(c, call, true);
}

static enum err rollback(struct ctx *c, struct call *call)
{
    const struct rollback_body *in = call->input;
    struct agent_row row;
    struct applied done;
    TRY(find(c, call, &row));
    struct str who;
    TRY(author(c, &who));
    TRY(registry_rollback(c, &row.id, in->version, in->reason, who, &done));
    TRY(audit_add(c, call->store, "agent_rolled_back", id_str(&row.id), NULL));
    TRY(registry_get(c, &row.id, &row));
    call_etag(call, version_tag(c, row.active_version));
    return write_agent(c, call_json(call), &row, true);
}

/* ---- copilots ------------------------------------------------------------ */

static enum err ask(struct ctx *c, struct call *call)
{
    const struct ask_body *in = call->input;
    struct agent_row row;
    TRY(find(c, call, &row));
    if (!str_eqz(row.product, "copilot")) {
        return ctx_fail(c, E_CONFLICT, "%.*s is no copilot; contacts talk to it in a chat",
                        STR_ARG(row.name));
    }
    struct turn_question q = {.agent = row.id, .text = in->text};
    if (ask_stream_is_wanted(call)) {
        return ask_stream_open(c, call, &q);
    }
    struct run run;
    TRY(turn_ask(c, &q, NULL, &run));
    TRY(ask_stream_check(c, &run));
    ask_stream_write(call_json(call), &run);
    return E_OK;
}

static const struct route routes[] = {
    {"GET", "/api/v1/agents", ROLE_ANY, "agents:read", list, "Agents", NULL, 0, 0},
    {"POST", "/api/v1/agents", ROLE_BUILDS, "agents:write", post,
     "Apply YAML: a new agent, or a new version", &yaml_table, sizeof(struct yaml_body),
     ROUTE_CREATES | ROUTE_PREPARES | ROUTE_SLOW},
    {"POST", "/api/v1/agents/validate", ROLE_ANY, "agents:read", validate,
     "Check YAML: faults with line and column", &yaml_table, sizeof(struct yaml_body), 0},
    {"GET", "/api/v1/agents/{id}", ROLE_ANY, "agents:read", get, "An agent with its YAML", NULL, 0,
     0},
    {"PUT", "/api/v1/agents/{id}", ROLE_BUILDS, "agents:write", put,
     "A new version; If-Match guards against overwriting", &yaml_table, sizeof(struct yaml_body),
     ROUTE_PREPARES | ROUTE_SLOW},
    {"GET", "/api/v1/agents/{id}/versions", ROLE_ANY, "agents:read", list_versions, "Its versions",
     NULL, 0, 0},
    {"GET", "/api/v1/agents/{id}/versions/{version}", ROLE_ANY, "agents:read", get_version,
     "A version with its YAML", NULL, 0, 0},
    {"GET", "/api/v1/agents/{id}/diff", ROLE_ANY, "agents:read", diff,
     "What changed between two versions", NULL, 0, 0},
    {"POST", "/api/v1/agents/{id}/rollback", ROLE_BUILDS, "agents:write", rollback,
     "A new version with an earlier one's content", &rollback_table, sizeof(struct rollback_body),
     ROUTE_SLOW | ROUTE_ONCE},
    {"POST", "/api/v1/agents/{id}/ask", ROLE_SERVES | ROLE_BUILDS, "agents:ask", ask,
     "Ask a copilot; with Accept: text/event-stream its answer comes as it is written", &ask_table,
     sizeof(struct ask_body), ROUTE_SLOW},
    {0},
};

static const char *const emits[] = {"config_events", NULL};

const struct service agent_service = {
    .name = "agent",
    .purpose = "Agents: configuration in YAML, versions, differences, rollback; copilots.",
    .routes = routes,
    .emits = emits,
    .on_close = ask_stream_close,
};
