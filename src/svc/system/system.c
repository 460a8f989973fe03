#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "agent/turn.h"
#include "base/metric.h"
#include "bus/bus.h"
#include "find/search.h"
#include "host/live.h"
#include "host/openapi.h"
#include "host/org.h"
#include "host/settings.h"
#include "host/vigil.h"
#include "llm/models.h"

extern const struct service system_service;

enum { METRICS_MAX_BYTES = 4 << 20, ROOM_BYTES = 8 << 20 };

/* ---- health -------------------------------------------------------------- */

static enum err live(struct ctx *c, struct call *call)
{
    (void)c;
    struct json_out *o = call_json(call);
    json_open_object(o);
    json_field_str(o, "status", STR("ok"));
    json_field_str(o, "version", STR(RAPPORT_VERSION));
    json_close_object(o);
    return E_OK;
}

static bool store_answers(struct ctx *c)
{
    struct store *s;
    struct store_rows rows;
    struct id system = id_system();
    return store_of_org(c, &system, &s) == E_OK &&
           store_query(c, s, &rows, "SELECT count(*) FROM org") == E_OK;
}

static enum err take_number(struct ctx *c, void *arg)
{
    int64_t number;
    return store_next(c, arg, "readiness", &number);
}

/* A store that was full is asked to write, so that its recovery is seen before others need it. */
static bool store_writes(struct ctx *c)
{
    struct store *s;
    struct id system = id_system();
    return !stores_are_full(c->at->stores) ||
           (store_of_org(c, &system, &s) == E_OK && store_transact(c, s, take_number, s) == E_OK);
}

static bool disk_has_room(struct ctx *c)
{
    struct statvfs disk;
    const char *folder = str_dupz(c->arena, host_settings(c)->data_folder);
    return statvfs(folder, &disk) != 0 || (uint64_t)disk.f_bavail * disk.f_frsize >= ROOM_BYTES;
}

/* Without room for more, what is there is still served: no reason to be taken out of service. */
static enum err ready(struct ctx *c, struct call *call)
{
    bool up = store_answers(c);
    bool room = disk_has_room(c), writes = !up || store_writes(c);
    struct json_out *o = call_json(call);
    json_open_object(o);
    json_name(o, "checks");
    json_open_object(o);
    json_field_str(o, "store", !up ? STR("down") : !writes ? STR("full") : STR("ok"));
    json_field_str(o, "disk", room ? STR("ok") : STR("full"));
    const struct service *const *services = host_services(c);
    for (int i = 0; services[i]; i++) {
        bool fine = !services[i]->ready || services[i]->ready(c) == E_OK;
        json_field_str(o, services[i]->name, fine ? STR("ok") : STR("down"));
        up = up && fine;
    }
    json_close_object(o);
    json_field_str(o, "status",
                   !up              ? STR("unavailable")
                   : room && writes ? STR("ok")
                                    : STR("degraded"));
    json_close_object(o);
    ctx_forgive(c);
    call->status = up ? 200 : 503;
    return E_OK;
}

static void measure(struct ctx *c)
{
    static const char *const lanes[LANE_COUNT] = {[LANE_REQUEST] = "lane=\"request\"",
                                                  [LANE_BACKGROUND] = "lane=\"background\"",
                                                  [LANE_SLOW] = "lane=\"slow\""};
    struct metrics *m = c->at->metrics;
    struct store_counts n = stores_counts(c->at->stores);
    metric_set(metric_series(m, METRIC_GAUGE, "rapport_store_open_orgs",
                             "Stores of orgs that are open.", ""),
               n.open_orgs);
    metric_set(metric_series(m, METRIC_COUNTER, "rapport_store_transactions_total",
                             "Transactions that were committed.", ""),
               n.transactions);
    metric_set(metric_series(m, METRIC_COUNTER, "rapport_store_commits_total",
                             "Commits; fewer than transactions where they were shared.", ""),
               n.commits);
    metric_set(metric_series(m, METRIC_COUNTER, "rapport_store_syncs_total",
                             "Commits that waited for the disk.", ""),
               n.syncs);
    metric_set(metric_series(m, METRIC_COUNTER, "rapport_store_statements_total",
                             "SQL statements that ran.", ""),
               n.statements);
    for (int lane = 0; lane < LANE_COUNT; lane++) {
        metric_set(metric_series(m, METRIC_GAUGE, "rapport_workers_queued", "Tasks that wait.",
                                 lanes[lane]),
                   workers_queued(c->at->workers, (enum worker_lane)lane));
    }
    metric_set(
        metric_series(m, METRIC_GAUGE, "rapport_live_viewers", "Open views of conversations.", ""),
        live_count(host_live(c)));
}

/* A proxy on this machine speaks for others: then its peers are not from here. */
static bool is_from_here(const struct request_in *in)
{
    bool here = str_starts(in->peer, STR("127.")) || str_eqz(in->peer, "::1") ||
                str_starts(in->peer, STR("::ffff:127."));
    return here && !request_header(in, "X-Forwarded-For").n && !request_header(in, "Forwarded").n &&
           !request_header(in, "X-Real-IP").n;
}

/* What the installation does is for those who run it: names of services, rates, sizes. */
static enum err may_measure(struct ctx *c, const struct call *call)
{
    if (host_settings(c)->metrics_public || is_from_here(call->in)) {
        return E_OK;
    }
    TRY(access_authenticate(c, request_bearer(call->in), "metrics:read"));
    return c->roles & ROLE_OPERATOR
               ? E_OK
               : ctx_fail(c, E_DENIED, "metrics are for operators of the installation");
}

static enum err metrics(struct ctx *c, struct call *call)
{
    TRY(may_measure(c, call));
    struct buf b = buf_make(METRICS_MAX_BYTES);
    measure(c);
    metrics_write(c->at->metrics, &b);
    call->out->body = str_dup(c->arena, buf_str(&b));
    buf_free(&b);
    response_header(call->out, "Content-Type", STR("text/plain; version=0.0.4; charset=utf-8"));
    call->status = 200;
    return E_OK;
}

static enum err openapi(struct ctx *c, struct call *call)
{
    call->out->body = openapi_json(c, host_services(c));
    call->status = 200;
    return E_OK;
}

/* ---- events -------------------------------------------------------------- */

static void write_event(struct json_out *o, const struct event *e)
{
    json_open_object(o);
    json_field_int(o, "seq", e->seq);
    json_field_str(o, "event_id", id_str(&e->event_id));
    json_field_int(o, "at", e->at_ms);
    json_field_str(o, "topic", str_of(e->topic));
    json_field_str(o, "event_type", e->type);
    json_field_str(o, "key", e->key);
    json_field_str(o, "source_service", e->source_service);
    json_field_str(o, "correlation_id", e->correlation_id);
    if (e->causation_id.n) {
        json_field_str(o, "causation_id", e->causation_id);
    }
    json_field(o, "payload", e->payload);
    json_close_object(o);
}

static enum err read_filter(struct ctx *c, const struct call *call, struct event_filter *out)
{
    struct str topic = call_query(c, call, "topic"), type = call_query(c, call, "type");
    struct str after = call_query(c, call, "after_seq"), cursor = call_query(c, call, "cursor");
    *out = (struct event_filter){.key = call_query(c, call, "key")};
    if (topic.n && !topic_find(topic)) {
        return ctx_fail_field(c, E_INVALID, "topic", "there is no topic \"%.*s\"", STR_ARG(topic));
    }
    out->topic = topic.n ? str_dupz(c->arena, topic) : NULL;
    out->type = type.n ? str_dupz(c->arena, type) : NULL;
    after = cursor.n ? cursor : after;
    struct str order = call_query(c, call, "order");
    out->newest = str_eqz(order, "desc");
    if (order.n && !out->newest && !str_eqz(order, "asc")) {
        return ctx_fail_field(c, E_INVALID, "order", "order is asc or desc");
    }
    if (after.n && !str_to_i64(after, &out->after_seq)) {
        return ctx_fail_field(c, E_INVALID, "after_seq", "after_seq must be a whole number");
    }
    return call_limit(c, call, &out->limit);
}

static enum err list_events(struct ctx *c, struct call *call)
{
    struct event_filter f;
    struct events page;
    TRY(read_filter(c, call, &f));
    TRY(topic_list(c, call->store, &f, &page));
    struct json_out *o = call_list_begin(call);
    for (int i = 0; i < page.count; i++) {
        write_event(o, &page.items[i]);
    }
    bool more = page.count == f.limit;
    call_list_end(call, more ? str_fmt(c->arena, "%lld", (long long)page.items[page.count - 1].seq)
                             : STR(""));
    return E_OK;
}

struct tail_view {
    struct channel_owner owner; /* first */
    struct bus *bus;
    uint64_t tail;
    struct vigil *vigil;
};

static void free_tail(void *state)
{
    struct tail_view *v = state;
    vigil_free(&v->vigil);
    free(v);
}

static void write_frame(const struct event *e, struct buf *out)
{
    struct json_out o = json_out_to(out);
    write_event(&o, e);
}

static bool on_event(void *arg, const struct event *e, struct str frame)
{
    struct channel *ch = arg;
    const struct tail_view *v = channel_state(ch);
    char id[24];
    if (strcmp(e->topic, "org_events") == 0) {
        vigil_hurry(v->vigil); /* somebody's rights may have changed */
    }
    snprintf(id, sizeof(id), "%lld", (long long)e->seq);
    return channel_event(ch, str_of(id), STR("event"), frame);
}

static const struct tail_text frames = {write_frame, on_event};

static enum err tail_events(struct ctx *c, struct call *call)
{
    struct event_filter f;
    struct str last = request_header(call->in, "Last-Event-ID");
    TRY(read_filter(c, call, &f));
    bool from = call_query(c, call, "after_seq").n > 0;
    f.after_seq = from ? f.after_seq : -1;
    if (last.n) {
        str_to_i64(last, &f.after_seq);
    }
    struct channel *ch = server_upgrade(c, call->out, SERVER_SSE);
    if (!ch) {
        return ctx_fail(c, E_UNAVAILABLE, "no stream could be opened");
    }
    struct tail_view *v = mem_new(sizeof(*v));
    v->owner.service = &system_service;
    v->bus = c->at->bus;
    channel_attach(ch, v, free_tail);
    v->vigil = vigil_new(c->at, ch, request_bearer(call->in), "events:read");
    v->tail = tail_open_text(v->bus, &c->org, &f, &frames, ch);
    channel_release(&ch);
    return v->tail ? E_OK : ctx_fail(c, E_LIMIT, "too many tails are open");
}

static void close_tail(struct ctx *c, struct channel *ch)
{
    (void)c;
    struct tail_view *v = channel_state(ch);
    if (v->tail) {
        tail_close(v->bus, v->tail);
        v->tail = 0;
    }
    vigil_stop(v->vigil);
}

static enum err list_topics(struct ctx *c, struct call *call)
{
    struct store_rows counts;
    TRY(store_query(c, call->store, &counts,
                    "SELECT topic, count(*) FROM event GROUP BY topic LIMIT 100"));
    struct json_out *o = call_list_begin(call);
    for (int i = 0; topic_at(i); i++) {
        const struct topic *t = topic_at(i);
        int64_t n = 0;
        for (int j = 0; j < counts.count; j++) {
            n = str_eqz(row_str(&counts, j, 0), t->name) ? row_int(&counts, j, 1) : n;
        }
        json_open_object(o);
        json_field_str(o, "name", str_of(t->name));
        json_field_str(o, "alias", str_of(t->alias));
        json_field_str(o, "producer", str_of(t->producer));
        json_field_int(o, "retention_days", t->retention_days);
        json_field_int(o, "event_count", n);
        json_name(o, "types");
        json_open_array(o);
        for (const struct topic_type *k = t->types; k->name; k++) {
            json_put_str(o, str_of(k->name));
        }
        json_close_array(o);
        json_close_object(o);
    }
    call_list_end(call, STR(""));
    return E_OK;
}

static enum err list_dead(struct ctx *c, struct call *call)
{
    struct dead_letters page;
    int limit;
    TRY(call_limit(c, call, &limit));
    TRY(dead_letter_list(c, call->store, call_query(c, call, "cursor"), limit, &page));
    struct json_out *o = call_list_begin(call);
    for (int i = 0; i < page.count; i++) {
        const struct dead_letter *d = &page.items[i];
        json_open_object(o);
        json_field_str(o, "id", id_str(&d->id));
        json_field_str(o, "consumer", str_of(d->consumer));
        json_field_str(o, "topic", str_of(d->event.topic));
        json_field_str(o, "event_type", d->event.type);
        json_field_int(o, "seq", d->event.seq);
        json_field_int(o, "attempts", d->tries);
        json_field_str(o, "error", d->error);
        json_field_int(o, "failed_at", d->at_ms);
        if (d->replayed_ms) {
            json_field_int(o, "replayed_at", d->replayed_ms);
        }
        json_field(o, "payload", d->event.payload);
        json_close_object(o);
    }
    call_list_end(call, page.count == limit ? id_str(&page.items[page.count - 1].id) : STR(""));
    return E_OK;
}

static enum err replay_dead(struct ctx *c, struct call *call)
{
    struct id id;
    TRY(call_id(c, call, 0, &id));
    TRY(dead_letter_replay(c, call->store, &id));
    TRY(audit_add(c, call->store, "dead_letter_replayed", id_str(&id), NULL));
    struct json_out *o = call_json(call);
    json_open_object(o);
    json_field_str(o, "id", id_str(&id));
    json_field_str(o, "status", STR("replayed"));
    json_close_object(o);
    call->status = 202;
    return E_OK;
}

static enum err list_jobs(struct ctx *c, struct call *call)
{
    struct job_rows rows;
    struct job_filter f = {0};
    struct str status = call_query(c, call, "status");
    f.status = status.n ? str_dupz(c->arena, status) : NULL;
    TRY(call_limit(c, call, &f.limit));
    TRY(job_list(c, call->store, &f, &rows));
    struct json_out *o = call_list_begin(call);
    for (int i = 0; i < rows.count; i++) {
        const struct job_row *j = &rows.items[i];
        json_open_object(o);
        json_field_str(o, "id", id_str(&j->id));
        json_field_str(o, "kind", j->kind);
        json_field_str(o, "unique_key", j->unique_key);
        json_field_str(o, "status", j->status);
        json_field_int(o, "run_at", j->run_at_ms);
        json_field_int(o, "created_at", j->created_ms);
        json_field_int(o, "attempts", j->attempts);
        json_field_str(o, "error", j->error);
        json_close_object(o);
    }
    call_list_end(call, STR(""));
    return E_OK;
}

/* ---- the clock and the demo ---------------------------------------------- */

struct clock_body {
    int64_t now, advance_ms;
};
static const struct field clock_fields[] = {
    FIELD(struct clock_body, now, FIELD_TIME, .title = "Unix milliseconds"),
    FIELD(struct clock_body, advance_ms, FIELD_INT, .min = 0, .max = 3650ll * 86400000),
};
static const struct field_table clock_table = FIELD_TABLE("Clock", clock_fields);

static enum err set_clock(struct ctx *c, struct call *call)
{
    const struct clock_body *in = call->input;
    if (!host_test_clock(c)) {
        return ctx_fail(c, E_NOT_FOUND, "the clock can be set in test mode only");
    }
    if (in->now) {
        clock_set_ms(c->at->clock, in->now);
    }
    if (in->advance_ms) {
        clock_advance_ms(c->at->clock, in->advance_ms);
    }
    bus_clock_moved(c->at->bus);
    struct json_out *o = call_json(call);
    json_open_object(o);
    json_field_int(o, "now", ctx_now_ms(c));
    json_close_object(o);
    return E_OK;
}

/* The operator's own settings only: who else could name any org and address and be handed the proof
 * of it. */
static enum err find_demo(struct ctx *c, const struct json **out_demo)
{
    struct org org = {.settings = &json_empty_object};
    enum err e = org_operator(c, &org);
    if (e != E_NOT_FOUND) {
        TRY(e);
    }
    const struct json *demo = json_get(org.settings, "demo");
    if (!demo) {
        return ctx_fail(c, E_NOT_FOUND, "this installation is no demo");
    }
    *out_demo = demo;
    return E_OK;
}

/* What the demo's start page shows. A demo installation publishes its passwords on purpose. */
static enum err demo(struct ctx *c, struct call *call)
{
    const struct json *d = NULL;
    TRY(find_demo(c, &d));
    d = json_with(c->arena, d, STR("demo"), json_new_bool(true));
    struct str slug = json_str(json_get(d, "org"), "slug", STR(""));
    const struct json *visitor = json_get(d, "visitor"), *answer = NULL;
    const struct json *question = json_object(c->arena, {"org", json_new_str(c->arena, slug)},
                                              {"email", json_get(visitor, "email")});
    enum err e = host_ask(c, "chat.identity", question, &answer);
    if (e == E_OK) {
        visitor = json_with(c->arena, visitor, STR("identity"), json_get(answer, "identity"));
        d = json_with(c->arena, d, STR("visitor"), visitor);
    } else if (err_is_transient(e)) {
        return e;
    } else {
        ctx_forgive(c);
    }
    json_put(call_json(call), d);
    return E_OK;
}

/* ---- housekeeping -------------------------------------------------------- */

enum { DAY_MS = 86400000, EXPIRE_BATCH = 500 };

/* Old checkpoints and runs, cached answers, idempotency keys: nothing grows for ever. */
static enum err expire(struct ctx *c, struct job *job)
{
    struct store *s;
    int64_t now = ctx_now_ms(c);
    int done = 0;
    (void)job;
    TRY(store_of(c, &s));
    TRY(run_expire(c, now - 30ll * DAY_MS, now - 365ll * DAY_MS, EXPIRE_BATCH, &done));
    TRY(models_expire(c, now - 400ll * DAY_MS, EXPIRE_BATCH, &done));
    return store_exec(c, s, NULL, "DELETE FROM idempotency WHERE created_at < ?1",
                      S_INT(now - DAY_MS));
}

static const struct job_kind jobs[] = {
    {.kind = "system_expire", .run = expire, .lane = LANE_BACKGROUND},
    {0},
};
static const struct job_schedule schedules[] = {
    {.kind = "system_expire", .daily_at_min = 3 * 60 + 20},
    {0},
};

static const struct route routes[] = {
    {"GET", "/health/live", ROLE_PUBLIC, "", live, "The process runs", NULL, 0, ROUTE_HTML},
    {"GET", "/health/ready", ROLE_PUBLIC, "", ready, "It can serve", NULL, 0, ROUTE_HTML},
    {"GET", "/metrics", ROLE_PUBLIC, "", metrics, "Prometheus metrics", NULL, 0, ROUTE_HTML},
    {"GET", "/openapi.json", ROLE_PUBLIC, "", openapi, "This description", NULL, 0, ROUTE_HTML},
    {"GET", "/api/v1/events", ROLE_ANY, "events:read", list_events, "Events after a seq", NULL, 0,
     0},
    {"GET", "/api/v1/events/tail", ROLE_ANY, "events:read", tail_events,
     "Events as they happen (SSE)", NULL, 0, 0},
    {"GET", "/api/v1/topics", ROLE_ANY, "events:read", list_topics, "Topics and their events", NULL,
     0, 0},
    {"GET", "/api/v1/dead-letters", ROLE_BUILDS | ROLE_OPERATOR, "events:read", list_dead,
     "Events that were given up", NULL, 0, 0},
    {"POST", "/api/v1/dead-letters/{id}/replay", ROLE_BUILDS | ROLE_OPERATOR, "events:write",
     replay_dead, "Give one to its consumer again", NULL, 0, ROUTE_ONCE},
    {"GET", "/api/v1/jobs", ROLE_BUILDS | ROLE_OPERATOR, "jobs:read", list_jobs, "Jobs", NULL, 0,
     0},
    {"POST", "/api/v1/admin/clock", ROLE_ADMIN | ROLE_OPERATOR, "admin:clock", set_clock,
     "Move the clock (test mode)", &clock_table, sizeof(struct clock_body), 0},
    {"GET", "/api/v1/demo", ROLE_PUBLIC, "", demo, "What the demo's start page shows", NULL, 0, 0},
    {0},
};

const struct service system_service = {
    .name = "system",
    .purpose = "Health, metrics, the API description, the event log, jobs and housekeeping.",
    .routes = routes,
    .jobs = jobs,
    .schedules = schedules,
    .on_close = close_tail,
};
