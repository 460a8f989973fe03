#include "svc/success/tool_gate.h"

#include "base/log.h"
#include "host/access.h"
#include "host/org.h"
#include "svc/success/success_tool.h"
#include "svc/success/tool_client.h"

enum { MINUTE_MS = 60000, SIGNATURE_CHARS = 64, MESSAGE_MAX_BYTES = 16 << 10 };

/* One signed request, as far as it came. */
struct gate {
    struct call *call;
    struct store *store;
    struct tool_client client;
    struct str signature;
    const struct success_tool *tool;
    struct success_input input;
};

/* ---- answers ------------------------------------------------------------- */

static enum err answer(struct call *call, int status, const struct json *envelope)
{
    call->status = status;
    json_put(call_json(call), envelope);
    return E_OK;
}

/* A code that no tool has. */
static enum err refuse(struct ctx *c, struct call *call, int status, const char *code)
{
    struct arena *a = c->arena;
    struct str text = str_dup(a, str_of(c->fault.text));
    if (c->fault.retry_after_ms) {
        response_header(call->out, "Retry-After",
                        str_fmt(a, "%d", (c->fault.retry_after_ms + 999) / 1000));
    }
    ctx_forgive(c);
    return answer(call, status,
                  json_object(a, {"ok", &json_false_value}, {"data", &json_null_value},
                              {"error", json_object(a, {"code", json_new_str(a, str_of(code))},
                                                    {"message", json_new_str(a, text)})}));
}

/* Every answer has the envelope, whatever went wrong. */
static enum err finish(struct ctx *c, struct call *call, enum err e)
{
    const struct json *envelope;
    int status;
    switch (e) {
    case E_OK:
        return E_OK;
    case E_UNAUTHENTICATED:
        return refuse(c, call, 401, "UNAUTHORIZED");
    case E_DENIED:
        return refuse(c, call, 403, "FORBIDDEN");
    case E_LIMIT:
        return refuse(c, call, 429, "RATE_LIMITED");
    case E_TOO_LARGE:
        return refuse(c, call, 413, "INVALID_INPUT");
    case E_UNAVAILABLE:
        return refuse(c, call, 503, "UNAVAILABLE");
    default:
        success_tool_fault(c, e, &envelope, &status);
        return answer(call, status, envelope);
    }
}

/* ---- who is it ----------------------------------------------------------- */

static enum err unknown(struct ctx *c)
{
    return ctx_fail(c, E_UNAUTHENTICATED,
                    "the request is not signed by a client of this organisation: X-Timestamp, "
                    "X-Client and X-Signature must be there and fit the body");
}

static enum err check_time(struct ctx *c, struct str timestamp)
{
    int64_t at, now = ctx_now_ms(c);
    if (!str_to_i64(timestamp, &at) || at < 0) {
        return ctx_fail_field(c, E_UNAUTHENTICATED, "X-Timestamp",
                              "X-Timestamp is the time in milliseconds since 1970, in digits");
    }
    if (at < now - TOOL_GATE_SKEW_MS || at > now + TOOL_GATE_SKEW_MS) {
        return ctx_fail_field(c, E_UNAUTHENTICATED, "X-Timestamp",
                              "X-Timestamp is more than %d minutes from our time",
                              TOOL_GATE_SKEW_MS / MINUTE_MS);
    }
    return E_OK;
}

/* An org or client that is not there takes as long as a wrong signature, and sounds like one. */
static enum err find_client(struct ctx *c, struct gate *g, struct str name)
{
    struct org org;
    enum err e = org_by_slug(c, g->call->params[0], &org);
    if (e == E_OK && !str_eqz(org.status, "active")) {
        e = E_NOT_FOUND;
    }
    if (e == E_OK) {
        c->org = org.id;
        c->actor_kind = ACTOR_SYSTEM;
        TRY(store_of(c, &g->store));
        e = tool_client_find(c, g->store, name, &g->client);
    }
    if (e == E_NOT_FOUND) {
        ctx_forgive(c);
        g->client = (struct tool_client){.secrets = {STR("nobody")}, .secret_count = 1};
        return E_OK;
    }
    return e;
}

static enum err check_signature(struct ctx *c, struct gate *g)
{
    const struct request_in *in = g->call->in;
    struct str timestamp = request_header(in, "X-Timestamp");
    struct str name = request_header(in, "X-Client");
    bool good = false;
    g->signature = request_header(in, "X-Signature");
    if (!timestamp.n || !name.n || name.n > 60 || g->signature.n != SIGNATURE_CHARS) {
        return unknown(c);
    }
    TRY(find_client(c, g, name));
    for (int i = 0; i < g->client.secret_count; i++) {
        struct str want =
            tool_client_sign(c->arena, g->client.secrets[i], timestamp, name, in->body);
        good |= str_eq_secret(want, g->signature);
    }
    if (!good || !id_is_set(&g->client.id)) {
        return unknown(c);
    }
    return check_time(c, timestamp);
}

/* From here on it is the client that acts, and sees what its kind sees. */
static void act_as(struct ctx *c, const struct id *client, bool demo_only)
{
    c->actor_kind = ACTOR_KEY;
    c->actor = *client;
    c->roles = demo_only ? ROLE_GUEST : ROLE_VIEWER;
}

static enum err admit(struct ctx *c, struct gate *g)
{
    enum err e = check_signature(c, g);
    if (e != E_OK) {
        return e == E_UNAUTHENTICATED ? call_refuse(c, g->call, e) : e;
    }
    /* What came before does not count: who caught a request must not use up its client's minute. */
    e = tool_client_use(c, g->store, &g->client, g->signature);
    if (e == E_CONFLICT) {
        return ctx_fail_field(c, E_UNAUTHENTICATED, "X-Signature",
                              "this request was sent before: sign each with its own time");
    }
    TRY(e);
    struct str key = str_fmt(c->arena, "tool_client:%.*s", STR_ARG(id_str(&g->client.id)));
    TRY(call_count(c, key, g->client.per_minute, MINUTE_MS));
    act_as(c, &g->client.id, g->client.demo_only);
    return E_OK;
}

/* ---- what does it ask ---------------------------------------------------- */

static enum err read_body(struct ctx *c, struct gate *g)
{
    const struct json *body, *customer, *params;
    struct json_fault fault = {0};
    enum err e =
        json_parse_within(c->arena, g->call->in->body, CALL_BODY_VALUES_MAX, &body, &fault);
    if (e != E_OK) {
        return ctx_fail_place(c, E_INVALID, fault.line, fault.column, "the body is no JSON: %s",
                              fault.text);
    }
    customer = json_get(body, "customerId");
    params = json_get(body, "params");
    if (!json_is(customer, JSON_STRING) || !str_trim(customer->string).n) {
        return ctx_fail_field(c, E_INVALID, "customerId", "customerId must be a text, not empty");
    }
    if (params && !json_is(params, JSON_OBJECT)) {
        return ctx_fail_field(c, E_INVALID, "params", "params must be an object");
    }
    g->input = (struct success_input){
        .account = str_trim(customer->string),
        .params = params ? params : &json_empty_object,
    };
    return E_OK;
}

static enum err find_tool(struct ctx *c, struct gate *g)
{
    struct str name = g->call->params[1];
    g->tool = success_tool_find(name);
    if (!g->tool) {
        return ctx_fail(c, E_NOT_FOUND, "there is no tool of this name");
    }
    return tool_client_may(&g->client, name)
               ? E_OK
               : ctx_fail(c, E_DENIED, "this client may not use the tool %s", g->tool->name);
}

/* The steps up to a tool that can run, in their order. */
static enum err enter(struct ctx *c, struct gate *g)
{
    if (g->call->in->body.n > TOOL_GATE_BODY_MAX_BYTES) {
        return ctx_fail(c, E_TOO_LARGE, "the body of a tool call has at most %d bytes",
                        TOOL_GATE_BODY_MAX_BYTES);
    }
    TRY(admit(c, g));
    TRY(find_tool(c, g));
    return read_body(c, g);
}

enum err tool_gate_call(struct ctx *c, struct call *call)
{
    struct gate g = {.call = call};
    const struct json *envelope;
    int status;
    enum err e = enter(c, &g);
    if (e == E_NOT_FOUND) {
        return refuse(c, call, 404, "UNKNOWN_TOOL");
    }
    if (e != E_OK) {
        return finish(c, call, e);
    }
    success_tool_run(c, g.tool, &g.input, &envelope, &status);
    return answer(call, status, envelope);
}

enum err tool_gate_options(struct ctx *c, struct call *call)
{
    (void)c;
    call->status = 204;
    return E_OK;
}

/* ---- calls that take long ------------------------------------------------ */

struct order {
    struct gate *gate;
    struct id id;
};

static enum err order_in(struct ctx *c, void *arg)
{
    struct order *o = arg;
    struct gate *g = o->gate;
    struct arena *a = c->arena;
    const struct json *payload =
        json_object(a, {"order", json_new_str(a, id_str(&o->id))},
                    {"client", json_new_str(a, id_str(&g->client.id))},
                    {"tool", json_new_str(a, str_of(g->tool->name))},
                    {"account", json_new_str(a, g->input.account)}, {"params", g->input.params});
    TRY(store_exec(c, g->store, NULL,
                   "INSERT INTO tool_order (id, client_id, tool, status, envelope, created_at)"
                   " VALUES (?1, ?2, ?3, 'running', NULL, ?4)",
                   S_ID(&o->id), S_ID(&g->client.id), S_Z(g->tool->name), S_INT(ctx_now_ms(c))));
    return job_add(c, g->store, .kind = "success_tool", .payload = payload,
                   .unique_key = id_str(&o->id));
}

static const struct json *order_envelope(struct arena *a, struct str id, const char *status,
                                         const struct json *result)
{
    return json_object(
        a, {"ok", &json_true_value},
        {"data", json_object(a, {"jobId", json_new_str(a, id)},
                             {"status", json_new_str(a, str_of(status))}, {"result", result})},
        {"error", &json_null_value});
}

enum err tool_gate_start(struct ctx *c, struct call *call)
{
    struct gate g = {.call = call};
    struct order order = {.gate = &g};
    enum err e = enter(c, &g);
    if (e == E_NOT_FOUND) {
        return refuse(c, call, 404, "UNKNOWN_TOOL");
    }
    if (e == E_OK) {
        order.id = id_new(ctx_now_ms(c));
        e = store_transact(c, g.store, order_in, &order);
    }
    if (e != E_OK) {
        return finish(c, call, e);
    }
    return answer(call, 202, order_envelope(c->arena, id_str(&order.id), "running", NULL));
}

static enum err look_up(struct ctx *c, struct gate *g, struct store_rows *out_rows)
{
    struct id id;
    TRY(admit(c, g));
    if (!id_parse(g->call->params[1], &id)) {
        return ctx_fail(c, E_NOT_FOUND, "there is no such job");
    }
    TRY(store_query(c, g->store, out_rows,
                    "SELECT status, envelope FROM tool_order WHERE id = ?1 AND client_id = ?2",
                    S_ID(&id), S_ID(&g->client.id)));
    return out_rows->count ? E_OK : ctx_fail(c, E_NOT_FOUND, "there is no such job");
}

enum err tool_gate_status(struct ctx *c, struct call *call)
{
    struct gate g = {.call = call};
    struct store_rows rows;
    const struct json *result = NULL;
    struct json_fault fault;
    enum err e = look_up(c, &g, &rows);
    if (e == E_NOT_FOUND) {
        return refuse(c, call, 404, "UNKNOWN_JOB");
    }
    if (e != E_OK) {
        return finish(c, call, e);
    }
    bool done = str_eqz(row_str(&rows, 0, 0), "done");
    if (done && json_parse(c->arena, row_str(&rows, 0, 1), &result, &fault) != E_OK) {
        return finish(c, call, ctx_fail(c, E_INTERNAL, "the result is damaged: %s", fault.text));
    }
    return answer(call, 200,
                  order_envelope(c->arena, call->params[1], done ? "done" : "running", result));
}

struct result {
    struct store *store;
    struct job *job;
    const struct json *envelope;
};

static enum err keep_in(struct ctx *c, void *arg)
{
    struct result *r = arg;
    TRY(store_exec(c, r->store, NULL,
                   "UPDATE tool_order SET status = 'done', envelope = ?2 WHERE id = ?1",
                   S_STR(r->job->unique_key), S_STR(json_write(c->arena, r->envelope))));
    return job_finish(c, r->store, r->job);
}

enum err tool_gate_work(struct ctx *c, struct job *job)
{
    struct result r = {.job = job};
    struct tool_client client;
    struct id id;
    int status;
    const struct success_tool *tool = success_tool_find(json_str(job->payload, "tool", STR("")));
    struct success_input in = {
        .account = json_str(job->payload, "account", STR("")),
        .params = json_get(job->payload, "params"),
    };
    TRY(store_of(c, &r.store));
    if (!tool || !id_parse(json_str(job->payload, "client", STR("")), &id)) {
        return ctx_fail(c, E_INVALID, "the job names no tool or no client");
    }
    /* A client that was removed meanwhile gets nothing any more. */
    TRY(tool_client_get(c, r.store, &id, &client));
    struct ctx before = *c;
    act_as(c, &id, client.demo_only);
    success_tool_run(c, tool, &in, &r.envelope, &status);
    c->actor_kind = before.actor_kind;
    c->actor = before.actor;
    c->roles = before.roles;
    return store_transact(c, r.store, keep_in, &r);
}

enum err tool_gate_expire(struct ctx *c, struct job *job)
{
    struct store *s;
    (void)job;
    TRY(store_of(c, &s));
    return tool_client_expire(c, s);
}

/* ---- for members --------------------------------------------------------- */

static void write_client(struct json_out *o, const struct tool_client *client, struct str secret,
                         int64_t now_ms)
{
    struct str rest = client->tools, one;
    json_open_object(o);
    json_field_str(o, "id", id_str(&client->id));
    json_field_str(o, "client", client->client);
    json_field_str(o, "name", client->name);
    json_name(o, "tools");
    json_open_array(o);
    while (rest.n && str_split(&rest, ' ', &one)) {
        json_put_str(o, one);
    }
    json_close_array(o);
    json_field_bool(o, "demo_only", client->demo_only);
    json_field_int(o, "per_minute", client->per_minute);
    if (client->old_until_ms > now_ms) {
        json_field_int(o, "old_secret_until", client->old_until_ms);
    } else {
        json_field_null(o, "old_secret_until");
    }
    json_field_int(o, "created_at", client->created_at_ms);
    json_field_int(o, "rotated_at", client->rotated_at_ms);
    if (secret.n) {
        json_field_str(o, "secret", secret);
    }
    json_close_object(o);
}

enum err tool_gate_list(struct ctx *c, struct call *call)
{
    const struct tool_client *all;
    int count;
    TRY(tool_client_list(c, call->store, &all, &count));
    struct json_out *o = call_list_begin(call);
    for (int i = 0; i < count; i++) {
        write_client(o, &all[i], STR(""), ctx_now_ms(c));
    }
    call_list_end(call, STR(""));
    return E_OK;
}

static enum err audited(struct ctx *c, struct call *call, const char *action,
                        const struct tool_client *client)
{
    const struct json *detail =
        json_object(c->arena, {"client", json_new_str(c->arena, client->client)});
    return audit_add(c, call->store, action, id_str(&client->id), detail);
}

enum err tool_gate_create(struct ctx *c, struct call *call)
{
    struct tool_client client;
    struct str secret;
    TRY(tool_client_create(c, call->store, call->input, &client, &secret));
    TRY(audited(c, call, "tool_client_created", &client));
    write_client(call_json(call), &client, secret, ctx_now_ms(c));
    return E_OK;
}

enum err tool_gate_rotate(struct ctx *c, struct call *call)
{
    const struct tool_client_rotation *in = call->input;
    struct tool_client client;
    struct str secret;
    struct id id;
    bool given = json_get(call->body, "old_lives_s") != NULL;
    TRY(call_id(c, call, 0, &id));
    TRY(tool_client_rotate(c, call->store, &id, given ? in->old_lives_s : TOOL_CLIENT_OLD_LIVES_S,
                           &client, &secret));
    TRY(audited(c, call, "tool_client_rotated", &client));
    write_client(call_json(call), &client, secret, ctx_now_ms(c));
    return E_OK;
}

enum err tool_gate_delete(struct ctx *c, struct call *call)
{
    struct tool_client client;
    struct id id;
    TRY(call_id(c, call, 0, &id));
    TRY(tool_client_get(c, call->store, &id, &client));
    TRY(tool_client_delete(c, call->store, &id));
    TRY(audited(c, call, "tool_client_removed", &client));
    call->status = 204;
    return E_OK;
}
