#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/metric.h"
#include "base/trace.h"
#include "codec/url.h"
#include "host/batch.h"
#include "host/host.h"
#include "host/memo.h"
#include "host/otlp.h"
#include "host/share.h"
#include "store/cache.h"

enum {
    ANSWER_MAX_BYTES = 16 << 20,
    BURST_WINDOW_MS = 10000,
    CLOSE_POLICY = 1008,
    SLOW_AGAIN_MS = 2000,
    SLOW_WAIT_MS = 30000 /* in line for the org's share */
};

/* A request passes these steps in order; a step does one thing, and the first that fails ends it.
 */
struct visit {
    const struct request_in *in;
    struct response_out *out;
    const struct host *host;
    const struct service *service;
    struct call call;
    int64_t started_us;
    /* for an answer that is given later */
    struct request_in kept_in;
    struct response_out kept_out;
    struct batch_job job;
};

struct door_step {
    const char *name;
    enum err (*fn)(struct ctx *c, struct visit *v);
};

static bool is_public(const struct visit *v)
{
    return (v->call.route->roles & ROLE_PUBLIC) != 0;
}

/* RFC 9110 section 15.5.6: what is possible at this address. */
static void name_methods(struct ctx *c, struct visit *v)
{
    static const char *const methods[] = {"GET", "POST", "PUT", "PATCH", "DELETE"};
    struct str params[ROUTE_PARAMS_MAX], list = STR("");
    const struct service *service;
    bool other;
    for (size_t i = 0; i < sizeof(methods) / sizeof(*methods); i++) {
        if (router_find(v->host->router, str_of(methods[i]), v->in->path, params, &service,
                        &other)) {
            list = str_fmt(c->arena, "%.*s%s%s", STR_ARG(list), list.n ? ", " : "", methods[i]);
        }
    }
    response_header(v->out, "Allow", list);
}

static enum err find_route(struct ctx *c, struct visit *v)
{
    bool other = false;
    v->call.route = router_find(v->host->router, v->in->method, v->in->path, v->call.params,
                                &v->service, &other);
    if (v->call.route) {
        return E_OK;
    }
    if (other) {
        name_methods(c, v);
    }
    return ctx_fail(c, other ? E_METHOD : E_NOT_FOUND,
                    other ? "%.*s is not possible here" : "nothing lives at this address (%.*s)",
                    STR_ARG(v->in->method));
}

/* What follows goes into queries: it is text, or it is refused here. */
static enum err check_address(struct ctx *c, struct visit *v)
{
    struct str query;
    if (!url_decode(c->arena, v->in->query, &query) || !str_is_utf8(query)) {
        return ctx_fail(c, E_INVALID, "the query is not valid UTF-8 text, percent-encoded");
    }
    for (int i = 0; i < ROUTE_PARAMS_MAX; i++) {
        struct str param = v->call.params[i];
        if (!str_is_utf8(param) || str_find_char(param, '\0') >= 0) {
            return ctx_fail(c, E_NOT_FOUND, "nothing lives at this address");
        }
    }
    return E_OK;
}

enum err call_count_until(struct ctx *c, struct str key, int64_t limit, int64_t window_ms,
                          int64_t *out_until_ms)
{
    struct cache_count n;
    *out_until_ms = 0;
    if (limit <= 0 || cache_incr(c, key, 1, window_ms, &n) != E_OK) {
        ctx_forgive(c); /* no counter is no reason to refuse */
        return E_OK;
    }
    if (n.count <= limit) {
        *out_until_ms = ctx_now_ms(c) + n.left_ms;
        return E_OK;
    }
    ctx_fail(c, E_LIMIT, "too many requests: at most %lld in %lld s", (long long)limit,
             (long long)window_ms / 1000);
    c->fault.retry_after_ms = (int)(n.left_ms > 0 ? n.left_ms : 1000);
    return E_LIMIT;
}

enum err call_count(struct ctx *c, struct str key, int64_t limit, int64_t window_ms)
{
    int64_t until_ms;
    return call_count_until(c, key, limit, window_ms, &until_ms);
}

/* What is taken back from another window than it was counted in would let one more in there. */
void call_uncount(struct ctx *c, struct str key, int64_t window_ms, int64_t until_ms)
{
    struct fault fault = c->fault;
    struct cache_count n;
    if (ctx_now_ms(c) < until_ms) {
        cache_incr(c, key, -1, window_ms, &n);
        c->fault = fault;
    }
}

static enum err count_address(struct ctx *c, const struct request_in *in)
{
    struct str key = str_fmt(c->arena, "address:%.*s", STR_ARG(in->peer));
    return call_count(c, key, host_settings(c)->public_requests_per_minute, 60000);
}

static enum err limit_address(struct ctx *c, struct visit *v)
{
    bool elsewhere = (v->call.route->flags & (ROUTE_HTML | ROUTE_SIGNED)) != 0;
    if (!is_public(v) || elsewhere || v->in->woken) { /* woken: counted when it came */
        return E_OK;
    }
    return count_address(c, v->in);
}

enum err call_refuse(struct ctx *c, const struct call *call, enum err e)
{
    struct id org = c->org;
    struct fault fault = c->fault;
    c->org = (struct id){0}; /* addresses are nobody's */
    enum err limit = count_address(c, call->in);
    c->org = org;
    if (limit != E_OK) {
        return limit;
    }
    c->fault = fault;
    return e;
}

static enum err authenticate(struct ctx *c, struct visit *v)
{
    if (is_public(v)) {
        return E_OK;
    }
    bool guests = (v->call.route->roles & ROLE_GUEST) != 0;
    TRY((guests ? access_admit : access_authenticate)(c, request_bearer(v->in),
                                                      v->call.route->scope));
    struct str named = request_header(v->in, "X-Organization-ID");
    named = named.n ? named : request_header(v->in, "X-Tenant-ID");
    if (named.n && !str_eq_nocase(named, id_str(&c->org))) {
        return ctx_fail(c, E_DENIED,
                        "the organisation of the header is not the one you are signed "
                        "in to");
    }
    return E_OK;
}

static enum err limit_org(struct ctx *c, struct visit *v)
{
    if (is_public(v) || v->in->woken) {
        return E_OK;
    }
    if (c->roles & ROLE_GUEST) { /* anybody can be one: they do not use up what members have */
        return count_address(c, v->in);
    }
    const struct settings *s = v->host->settings;
    TRY(call_count(c, STR("requests:burst"), s->requests_burst, BURST_WINDOW_MS));
    return call_count(c, STR("requests:minute"), s->requests_per_minute, 60000);
}

static enum err allow(struct ctx *c, struct visit *v)
{
    return is_public(v) || (c->roles & v->call.route->roles)
               ? E_OK
               : ctx_fail(c, E_DENIED, "your roles do not allow this");
}

static enum err open_store(struct ctx *c, struct visit *v)
{
    if (is_public(v) || (v->call.route->flags & ROUTE_NO_STORE)) {
        return E_OK;
    }
    enum err e = store_of(c, &v->call.store);
    return e == E_NOT_FOUND ? ctx_fail(c, E_UNAUTHENTICATED, "this organisation no longer exists")
                            : e;
}

static enum err read_body(struct ctx *c, struct visit *v)
{
    const struct route *r = v->call.route;
    bool none = strcmp(r->method, "GET") == 0 || (strcmp(r->method, "DELETE") == 0 && !r->body);
    if (none || (r->flags & ROUTE_RAW)) {
        return E_OK;
    }
    struct str body = v->in->body;
    if (str_trim(body).n == 0 && !(r->flags & ROUTE_OPTIONAL_BODY) && r->body) {
        return ctx_fail(c, E_INVALID, "the request needs a JSON body");
    }
    if (str_trim(body).n == 0) {
        body = STR("{}");
    }
    struct json_fault fault = {0};
    enum err e = json_parse_within(c->arena, body, CALL_BODY_VALUES_MAX, &v->call.body, &fault);
    if (e != E_OK) {
        return ctx_fail_place(c, e, fault.line, fault.column, "the body is no JSON: %s",
                              fault.text);
    }
    if (!r->body) {
        return E_OK;
    }
    struct field_fault wrong = {0};
    void *input = arena_alloc(c->arena, r->input_bytes);
    if (field_read(r->body, c->arena, v->call.body, input, &wrong) != E_OK) {
        return ctx_fail_field(c, E_INVALID, wrong.path, "%s%s%s", wrong.path,
                              wrong.path[0] ? ": " : "", wrong.text);
    }
    v->call.input = input;
    return E_OK;
}

static enum err handle_once(struct ctx *c, struct call *call, void *arg)
{
    (void)arg;
    return call->route->handler(c, call);
}

/* The answer is what it was, as long as the store is. */
static enum err handle_steady(struct ctx *c, struct visit *v)
{
    struct memo *answers = v->host->answers;
    int64_t version = store_version(v->call.store);
    struct str key =
        str_fmt(c->arena, "%s %.*s?%.*s", c->org.text, STR_ARG(v->in->path), STR_ARG(v->in->query));
    if (version && memo_find(answers, key, version, c->arena, &v->out->body)) {
        v->out->status = 200;
        return E_OK;
    }
    TRY(v->call.route->handler(c, &v->call));
    TRY(call_finish(c, &v->call));
    if (version && v->out->status == 200) {
        memo_keep(answers, key, version, v->out->body);
    }
    return E_OK;
}

static enum err handle(struct ctx *c, struct visit *v)
{
    struct call *call = &v->call;
    if (call->route->flags & ROUTE_STEADY) {
        return handle_steady(c, v);
    }
    bool once = (call->route->flags & (ROUTE_CREATES | ROUTE_ONCE)) && call->store &&
                !(call->route->flags & ROUTE_PREPARES);
    struct once how = {.store = call->store, .actor = id_str(&c->actor), .handler = handle_once};
    TRY(once ? call_once(c, call, &how) : call->route->handler(c, call));
    return call->waits || call->work ? E_OK : call_finish(c, call);
}

/* Guests are nobody in particular: what they hold is not taken from members. */
static struct share *slow_share(const struct ctx *c, const struct visit *v)
{
    return c->roles & ROLE_GUEST ? v->host->guest_slow : v->host->slow;
}

/* A slow request that waits until others of its org are done. */
struct slow_wait {
    struct share_place *place;
    struct parked *parked;
};

static void wake_slow(void *arg)
{
    server_wake(arg);
}

static void end_slow_wait(void *arg)
{
    struct slow_wait *w = arg;
    share_leave(&w->place);
    server_forget(&w->parked);
    free(w);
}

static enum err stand_in_line(struct ctx *c, struct visit *v)
{
    struct slow_wait *w = mem_new(sizeof(*w));
    struct server_wait wait = {.ms = SLOW_WAIT_MS, .over = end_slow_wait, .arg = w};
    bool waited = v->in->woken;
    w->place = waited ? NULL : share_line(slow_share(c, v), &c->org);
    w->parked = w->place ? call_park(c, &v->call, &wait) : NULL;
    if (w->parked) {
        share_wait(w->place, wake_slow, w->parked); /* w is gone when this returns to the server */
        return E_OK;
    }
    if (w->place) {
        share_leave(&w->place);
    }
    free(w);
    enum err e = ctx_fail(c, E_LIMIT, "your organisation has enough slow requests under way");
    c->fault.retry_after_ms = SLOW_AGAIN_MS;
    return e;
}

/* One org's slow requests leave threads for those of others. */
static enum err handle_in_turn(struct ctx *c, struct visit *v)
{
    struct share *slow = slow_share(c, v);
    if (!(v->call.route->flags & ROUTE_SLOW) || !id_is_set(&c->org)) {
        return handle(c, v);
    }
    if (!(v->in->woken ? share_take_waited : share_take)(slow, &c->org)) {
        return stand_in_line(c, v);
    }
    struct id org = c->org;
    enum err e = handle(c, v);
    share_give(slow, &org);
    return e;
}

static const struct door_step steps[] = {
    {"find the route", find_route},       {"check the address", check_address},
    {"limit the address", limit_address}, {"authenticate", authenticate},
    {"limit the org", limit_org},         {"allow", allow},
    {"open the store", open_store},       {"read the body", read_body},
    {"handle", handle_in_turn},
};

/* Denials are audited (domain 004 2.3), whoever denies: the scopes of a key, the roles of a route,
 * a handler. Where nobody is signed in there is nobody to tell of, and a guest is nobody. */
static enum err audit_denial(struct ctx *c, const struct visit *v)
{
    const struct route *r = v->call.route;
    const struct fault why = c->fault;
    struct store *s;
    if (!r || is_public(v) || !id_is_set(&c->org) || c->roles & ROLE_GUEST) {
        return E_DENIED;
    }
    TRY(store_of(c, &s));
    TRY(audit_add(c, s, "access_denied", str_fmt(c->arena, "%s %s", r->method, r->path), NULL));
    c->fault = why;
    return E_DENIED;
}

static void add_headers(struct ctx *c, struct visit *v)
{
    struct response_out *out = v->out;
    bool html = v->call.route && (v->call.route->flags & ROUTE_HTML), typed = false;
    for (int i = 0; i < out->header_count; i++) {
        typed = typed || str_eq_nocase(out->headers[i].name, STR("Content-Type"));
    }
    if (out->body.n && !typed) {
        response_header(out, "Content-Type", STR("application/json"));
    }
    if (!html) {
        response_header(out, "Cache-Control", STR("no-store"));
        response_header(out, "X-Request-Id", str_of(c->request_id));
    }
    response_header(out, "X-Content-Type-Options", STR("nosniff"));
    if (str_starts(v->in->path, STR("/api/v1/chat/"))) { /* the widget lives on other sites */
        response_header(out, "Access-Control-Allow-Origin", STR("*"));
    }
}

static void record(struct ctx *c, const struct visit *v)
{
    double ms = (double)(clock_steady_us() - v->started_us) / 1000;
    char labels[96];
    snprintf(labels, sizeof(labels), "service=\"%s\",status=\"%d\"",
             v->service ? v->service->name : "none", v->out->status / 100 * 100);
    metric_add(metric_series(c->at->metrics, METRIC_COUNTER, "rapport_http_requests_total",
                             "Requests answered.", labels),
               1);
    metric_observe_ms(metric_series(c->at->metrics, METRIC_HISTOGRAM,
                                    "rapport_http_request_seconds", "Time to answer a request.",
                                    labels),
                      ms);
    const struct route *r = v->call.route;
    bool told = v->out->status >= 400 || (r && strcmp(r->method, "GET") != 0);
    log_at(c, told ? LOG_INFO : LOG_DEBUG, "request answered", LOG_Z("method", r ? r->method : ""),
           LOG_Z("route", r ? r->path : ""), LOG_INT("status", v->out->status), LOG_REAL("ms", ms));
}

static void add_span(struct ctx *c, const struct visit *v)
{
    const struct route *r = v->call.route;
    char parent[TRACE_SPAN_BYTES + 1] = "";
    if (!v->host->otlp || !r || (r->flags & ROUTE_HTML)) {
        return;
    }
    trace_adopt(c, request_header(v->in, "traceparent"), parent);
    struct otlp_span span = {
        .trace = c->request_id,
        .span = c->span_id,
        .parent = parent,
        .name = str_fmt(c->arena, "%s %s", r->method, r->path),
        .kind = OTLP_SERVER,
        .started_us = v->started_us,
        .ended_us = clock_steady_us(),
        .failed = v->out->status >= 500,
        .attributes = {{"http.request.method", str_of(r->method), 0},
                       {"http.route", str_of(r->path), 0},
                       {"http.response.status_code", {NULL, 0}, v->out->status},
                       {"rapport.service", str_of(v->service->name), 0},
                       {"rapport.org_id", id_str(&c->org), 0}},
    };
    otlp_add(v->host->otlp, &span);
}

static bool preflight(struct ctx *c, const struct request_in *in, struct response_out *out)
{
    (void)c;
    if (!str_eqz(in->method, "OPTIONS") || !str_starts(in->path, STR("/api/v1/chat/"))) {
        return false;
    }
    out->status = 204;
    response_header(out, "Access-Control-Allow-Origin", STR("*"));
    response_header(out, "Access-Control-Allow-Methods", STR("GET, POST"));
    response_header(out, "Access-Control-Allow-Headers", STR("Content-Type, Idempotency-Key"));
    response_header(out, "Access-Control-Max-Age", STR("86400"));
    return true;
}

/* The last steps, whatever came of those above. */
static void go_out(struct ctx *c, struct visit *v, enum err e)
{
    buf_free(&v->call.text);
    e = e == E_DENIED ? audit_denial(c, v) : e;
    if (e != E_OK) {
        problem_write(c, v->in, v->out);
    }
    add_headers(c, v);
    record(c, v);
    add_span(c, v);
}

/* ---- writes of many requests at once ------------------------------------- */

static void come_back(struct ctx *c, enum err e, void *arg)
{
    struct visit *v = arg;
    e = v->job.done(c, &v->call, e, v->job.arg);
    e = e == E_OK ? call_finish(c, &v->call) : e;
    go_out(c, v, e);
    server_answer(&c, v->out);
}

static enum err write_job(struct ctx *c, struct store *s, void *arg)
{
    const struct visit *v = arg;
    return v->job.write(c, s, v->job.arg);
}

bool call_batch(struct ctx *c, struct call *call, const struct batch_job *job)
{
    struct visit *v = (struct visit *)(void *)((char *)call - offsetof(struct visit, call));
    if (!c->exchange || !c->taken || call->in->woken) {
        return false;
    }
    v->job = *job;
    call->work = ARENA_NEW(c->arena, struct batch_work);
    *call->work = (struct batch_work){.c = c, .write = write_job, .done = come_back, .arg = v};
    return true;
}

/* Nothing of c, in and out is touched after this. */
static void leave(struct ctx *c, struct visit *v)
{
    struct batch_work *work = v->call.work;
    v->kept_in = *v->in;
    v->kept_out = *v->out;
    v->in = v->call.in = &v->kept_in;
    v->out = v->call.out = &v->kept_out;
    if (!server_defer(c)) {
        go_out(c, v, ctx_fail(c, E_INTERNAL, "this request cannot be answered later"));
        return;
    }
    batch_add(v->host->batch, work);
}

enum worker_lane door_lane(struct str method, struct str path, void *arg)
{
    const struct host *h = arg;
    struct str params[ROUTE_PARAMS_MAX];
    const struct service *service;
    bool other;
    const struct route *r = router_find(h->router, method, path, params, &service, &other);
    return r && (r->flags & ROUTE_SLOW) ? LANE_SLOW : LANE_REQUEST;
}

void door_request(struct ctx *c, const struct request_in *in, struct response_out *out, void *arg)
{
    (void)arg;
    if (preflight(c, in, out)) {
        return;
    }
    struct visit *v = ARENA_NEW(c->arena, struct visit);
    v->in = v->call.in = in;
    v->out = v->call.out = out;
    v->host = c->at->host;
    v->started_us = clock_steady_us();
    v->call.text = buf_make(ANSWER_MAX_BYTES);
    v->call.json = json_out_to(&v->call.text);
    enum err e = E_OK;
    for (size_t i = 0; i < sizeof(steps) / sizeof(*steps) && e == E_OK; i++) {
        e = steps[i].fn(c, v);
    }
    if (e == E_OK && v->call.work) {
        leave(c, v);
        return;
    }
    if (e == E_OK && v->call.waits) {
        buf_free(&v->call.text);
        *out = (struct response_out){0}; /* the same request passes again */
        return;
    }
    go_out(c, v, e);
}

/* ---- channels: a service marks those it opened --------------------------- */

/* A WebSocket is one request to the limits above, however much is said on it: so it has its own.
 */
static bool is_flooding(const struct ctx *c, struct channel_owner *o)
{
    int64_t most = host_settings(c)->public_requests_per_minute, now_ms = clock_steady_ms();
    if (now_ms - o->minute_began_ms >= 60000) {
        o->minute_began_ms = now_ms;
        o->frames = 0;
    }
    return ++o->frames > most && most > 0;
}

void door_message(struct ctx *c, struct channel *ch, struct str text, void *arg)
{
    (void)arg;
    struct channel_owner *o = channel_state(ch);
    int64_t started_us = clock_steady_us();
    if (o && is_flooding(c, o)) {
        channel_close(ch, CLOSE_POLICY, "too many frames in a minute");
        return;
    }
    if (o && o->service->on_message) {
        enum err e = o->service->on_message(c, ch, text);
        if (e != E_OK) {
            log_at(c, LOG_INFO, "frame refused", LOG_Z("code", err_name(e)),
                   LOG_Z("text", c->fault.text));
        }
        struct otlp_span span = {
            .trace = c->request_id,
            .span = c->span_id,
            .name = STR("channel message"),
            .kind = OTLP_SERVER,
            .started_us = started_us,
            .ended_us = clock_steady_us(),
            .failed = e != E_OK,
            .attributes = {{"rapport.service", str_of(o->service->name), 0},
                           {"rapport.org_id", id_str(&c->org), 0}},
        };
        otlp_add(c->at->host->otlp, &span);
    }
}

void door_close(struct ctx *c, struct channel *ch, void *arg)
{
    (void)arg;
    const struct channel_owner *o = channel_state(ch);
    if (o && o->service->on_close) {
        o->service->on_close(c, ch);
    }
}
