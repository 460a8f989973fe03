#include "link/mcp.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/map.h"
#include "codec/text.h"
#include "link/mcp_link.h"
#include "link/mcp_program.h"
#include "store/vault.h"

enum {
    FRESH_MS = 60 * 1000, /* a list is believed that long when the server says nothing */
    FRESH_MAX_MS = 10 * 60 * 1000,
    FRESH_MIN_MS = 1000,
    BACKOFF_FIRST_MS = 250,
    BACKOFF_MAX_MS = 60 * 1000,
    FAILURES_MAX = 16,
    STEADY_MS = 10 * 1000, /* a program that lived that long did not fail at starting */
    ATTEMPTS_MAX = 3,
    AGAIN_MS = 200,
    LISTING_ARENA_BYTES = 64 << 20,
    CALL_ARENA_BYTES = 256 << 20,
    LIST_SLACK_BYTES = 2 << 20,   /* what blocks of an arena leave over */
    LIST_RESERVE_BYTES = 8 << 20, /* what a task keeps for what it does with lists */
    ERROR_MAX_BYTES = 300,
    PROGRAMS_ARENA_BYTES = 4 << 20,
    WAIT_MS = 60 * 1000
};

/* One server of one org. */
struct conn {
    int users; /* under the hub's lock */
    int64_t used_ms;
    /* under `lock`: */
    pthread_mutex_t lock;
    pthread_cond_t opened;
    bool opening;          /* somebody connects or lists */
    struct mcp_link *link; /* NULL: none open */
    struct arena *listed;  /* owns the tools */
    struct mcp_tool *tools;
    int tool_count;
    int64_t listed_ms, fresh_until_ms; /* wall and steady */
    int failures;
    int64_t retry_at_ms; /* steady */
    char error[ERROR_MAX_BYTES + 1];
    atomic_bool list_changed;
};

struct mcp {
    struct arena *arena;
    struct mcp_program *programs;
    int program_count;
    bool allow_private;
    pthread_mutex_t lock;
    struct map *conns; /* key -> struct conn */
};

/* A server with everything needed to reach it, for the length of a call. */
struct reach {
    struct conn *conn;
    struct mcp_place place;
};

/* ---- the facility -------------------------------------------------------- */

enum err mcp_new(struct ctx *c, const struct json *config, bool allow_private, struct mcp **out)
{
    struct arena *a = arena_new(PROGRAMS_ARENA_BYTES);
    struct mcp_program *programs = NULL;
    int count = 0;
    enum err e = mcp_program_read(c, a, config, &programs, &count);
    if (e != E_OK) {
        arena_free(&a);
        return e;
    }
    struct mcp *m = mem_new(sizeof(*m));
    m->arena = a;
    m->allow_private = allow_private;
    m->programs = programs;
    m->program_count = count;
    m->conns = map_new(MCP_CONNECTIONS_MAX);
    pthread_mutex_init(&m->lock, NULL);
    *out = m;
    return E_OK;
}

static void conn_free(struct ctx *c, struct conn *k)
{
    struct mcp_place nowhere = {0};
    mcp_link_release(c, &nowhere, &k->link);
    if (k->listed) {
        arena_free(&k->listed);
    }
    pthread_mutex_destroy(&k->lock);
    pthread_cond_destroy(&k->opened);
    free(k);
}

void mcp_free(struct mcp **m)
{
    struct mcp *old = *m;
    if (!old) {
        return;
    }
    static const struct facilities nothing;
    struct ctx *c = ctx_new(&nothing, 1 << 20);
    size_t cursor = 0;
    struct str key;
    void *value;
    while (map_next(old->conns, &cursor, &key, &value)) {
        conn_free(c, value);
    }
    ctx_free(&c);
    map_free(&old->conns);
    pthread_mutex_destroy(&old->lock);
    arena_free(&old->arena);
    free(old);
    *m = NULL;
}

static const struct mcp_program *program_of(const struct mcp *m, const struct id *org,
                                            struct str name)
{
    for (int i = 0; i < m->program_count; i++) {
        const struct mcp_program *p = &m->programs[i];
        if (str_eq(p->name, name) && mcp_program_is_for(p, org)) {
            return p;
        }
    }
    return NULL;
}

/* ---- finding a connection ------------------------------------------------ */

static struct conn *conn_new(void)
{
    struct conn *k = mem_new(sizeof(*k));
    pthread_mutex_init(&k->lock, NULL);
    pthread_condattr_t steady;
    pthread_condattr_init(&steady);
    pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
    pthread_cond_init(&k->opened, &steady);
    pthread_condattr_destroy(&steady);
    return k;
}

/* Under the hub's lock: takes out the one that nobody uses for longest; NULL: all are in use. */
static struct conn *take_idle(struct mcp *m)
{
    size_t cursor = 0;
    struct str key, oldest = {0};
    void *value;
    int64_t when = INT64_MAX;
    while (map_next(m->conns, &cursor, &key, &value)) {
        const struct conn *k = value;
        if (k->users == 0 && k->used_ms < when) {
            when = k->used_ms;
            oldest = key;
        }
    }
    if (!oldest.p) {
        return NULL;
    }
    struct arena *scratch = arena_new(8 << 10);
    struct conn *k = map_remove(m->conns, str_dup(scratch, oldest));
    arena_free(&scratch);
    return k;
}

/* Under the hub's lock: takes out one of the org's; NULL: none is idle. */
static struct conn *take_of(struct mcp *m, const struct id *org)
{
    size_t cursor = 0;
    struct str key;
    void *value;
    while (map_next(m->conns, &cursor, &key, &value)) {
        const struct conn *k = value;
        if (k->users == 0 && str_starts(key, id_str(org))) {
            struct arena *scratch = arena_new(8 << 10);
            struct conn *taken = map_remove(m->conns, str_dup(scratch, key));
            arena_free(&scratch);
            return taken;
        }
    }
    return NULL;
}

void mcp_forget(struct ctx *c, const struct id *org)
{
    struct mcp *m = c->at->mcp;
    struct conn *k;
    do {
        pthread_mutex_lock(&m->lock);
        k = take_of(m, org);
        pthread_mutex_unlock(&m->lock);
        if (k) {
            conn_free(c, k);
        }
    } while (k);
}

static struct str key_of(struct ctx *c, const struct mcp_server *s)
{
    return str_fmt(c->arena, "%s\n%.*s\n%.*s\n%.*s\n%d", c->org.text, STR_ARG(s->url),
                   STR_ARG(s->command), STR_ARG(s->secret_ref), s->allow_private);
}

static enum err hold(struct ctx *c, const struct mcp_server *s, struct conn **out)
{
    struct mcp *m = c->at->mcp;
    struct str key = key_of(c, s);
    struct conn *gone = NULL;
    pthread_mutex_lock(&m->lock);
    struct conn *k = map_get(m->conns, key);
    if (!k && map_count(m->conns) >= MCP_CONNECTIONS_MAX) {
        gone = take_idle(m);
    }
    if (!k && map_count(m->conns) < MCP_CONNECTIONS_MAX) {
        k = conn_new();
        map_set(m->conns, key, k);
    }
    if (k) {
        k->users++;
        k->used_ms = clock_steady_ms();
    }
    pthread_mutex_unlock(&m->lock);
    if (gone) {
        conn_free(c, gone);
    }
    *out = k;
    return k ? E_OK
             : ctx_fail(c, E_LIMIT, "all %d connections to tool servers are in use",
                        MCP_CONNECTIONS_MAX);
}

static void let_go(struct ctx *c, struct reach *r)
{
    struct mcp *m = c->at->mcp;
    pthread_mutex_lock(&m->lock);
    r->conn->users--;
    r->conn->used_ms = clock_steady_ms();
    pthread_mutex_unlock(&m->lock);
}

/* Secrets are read per call: a new value counts at once for HTTP, for a program when it is next
 * started. */
static enum err reach_of(struct ctx *c, const struct mcp_server *s, struct reach *out)
{
    struct mcp *m = c->at->mcp;
    struct reach r = {.place = {.url = s->url}};
    if (!m) {
        return ctx_fail(c, E_UNAVAILABLE, "tool servers are not served here");
    }
    r.place.allow_private = s->allow_private && m->allow_private;
    if (s->secret_ref.n) {
        struct store *store;
        TRY(store_of(c, &store));
        TRY(vault_get(c, store, s->secret_ref, &r.place.secret));
    }
    if (s->command.n) {
        const struct mcp_program *p = program_of(m, &c->org, s->command);
        if (!p) {
            return ctx_fail(c, E_DENIED,
                            "the installation allows no program \"%.*s\" (mcp.programs)",
                            STR_ARG(s->command));
        }
        r.place.program = mcp_program_start(c, p, r.place.secret);
    }
    TRY(hold(c, s, &r.conn));
    *out = r;
    return E_OK;
}

/* ---- opening and listing ------------------------------------------------- */

static int64_t pause_ms(int failures)
{
    if (failures <= 1) {
        return 0;
    }
    int64_t ms = (int64_t)BACKOFF_FIRST_MS << (failures < FAILURES_MAX ? failures : FAILURES_MAX);
    return ms < BACKOFF_MAX_MS ? ms : BACKOFF_MAX_MS;
}

/* Under lock. */
static void note_failure(struct conn *k, const char *why)
{
    k->failures += k->failures < FAILURES_MAX;
    k->retry_at_ms = clock_steady_ms() + pause_ms(k->failures);
    snprintf(k->error, sizeof(k->error), "%.*s", ERROR_MAX_BYTES, why);
}

/* Takes the link out of use; whoever has it may finish. */
static void drop_link(struct ctx *c, const struct reach *r, struct mcp_link *bad)
{
    struct conn *k = r->conn;
    struct mcp_link *old = NULL;
    pthread_mutex_lock(&k->lock);
    if (k->link == bad) {
        old = k->link;
        k->link = NULL;
        k->fresh_until_ms = 0;
        if (mcp_link_age_ms(old) < STEADY_MS) {
            note_failure(k, "it broke soon after it was opened");
        }
    }
    pthread_mutex_unlock(&k->lock);
    mcp_link_release(c, &r->place, &old);
}

/* The open link, held; NULL when there is none. */
static struct mcp_link *current(struct ctx *c, const struct reach *r)
{
    struct conn *k = r->conn;
    pthread_mutex_lock(&k->lock);
    struct mcp_link *l = k->link ? mcp_link_hold(k->link) : NULL;
    pthread_mutex_unlock(&k->lock);
    if (l && !mcp_link_is_open(l)) {
        drop_link(c, r, l);
        mcp_link_release(c, &r->place, &l);
    }
    return l;
}

static enum err open_link(struct ctx *c, const struct reach *r, bool patient, struct mcp_link **out)
{
    struct conn *k = r->conn;
    pthread_mutex_lock(&k->lock);
    int64_t wait_ms = k->retry_at_ms - clock_steady_ms();
    char why[sizeof(k->error)];
    memcpy(why, k->error, sizeof(why));
    pthread_mutex_unlock(&k->lock);
    if (wait_ms > 0 && !patient) {
        return ctx_fail(c, E_UNAVAILABLE,
                        "the tool server failed (%s); it is tried again in %lld s", why,
                        (long long)(wait_ms / 1000 + 1));
    }
    struct mcp_link *fresh = NULL;
    enum err e = mcp_link_open(c, &r->place, &k->list_changed, &fresh);
    pthread_mutex_lock(&k->lock);
    if (e != E_OK) {
        note_failure(k, c->fault.text);
    } else {
        k->link = mcp_link_hold(fresh);
        k->fresh_until_ms = 0;
        k->error[0] = 0;
    }
    pthread_mutex_unlock(&k->lock);
    if (e == E_OK) {
        log_at(c, LOG_INFO, "tool server connected", LOG_Z("revision", mcp_link_revision(fresh)));
        *out = fresh;
    }
    return e;
}

static int64_t fresh_ms(int64_t ttl_ms)
{
    return ttl_ms < 0              ? FRESH_MS
           : ttl_ms < FRESH_MIN_MS ? FRESH_MIN_MS
           : ttl_ms > FRESH_MAX_MS ? FRESH_MAX_MS
                                   : ttl_ms;
}

static struct mcp_tool copy_tool(struct arena *a, const struct mcp_tool *t)
{
    struct mcp_tool copy = *t;
    copy.name = str_dup(a, t->name);
    copy.title = str_dup(a, t->title);
    copy.description = str_dup(a, t->description);
    copy.sha256 = str_dup(a, t->sha256);
    copy.input_schema = json_copy(a, t->input_schema);
    copy.output_schema = t->output_schema ? json_copy(a, t->output_schema) : NULL;
    copy.annotations = t->annotations ? json_copy(a, t->annotations) : NULL;
    return copy;
}

/* What a copy of a list takes at most. */
static size_t list_bytes(const struct mcp_tool *tools, int count)
{
    size_t n = sizeof(*tools);
    for (int i = 0; i < count; i++) {
        n += mcp_tool_copy_bytes(&tools[i]);
    }
    return n;
}

static void keep_list(struct ctx *c, struct conn *k, const struct mcp_tool *tools, int count,
                      int64_t ttl_ms)
{
    struct arena *a = arena_new(list_bytes(tools, count) + LIST_SLACK_BYTES);
    struct mcp_tool *own = ARENA_ARRAY(a, struct mcp_tool, (size_t)count + 1);
    for (int i = 0; i < count; i++) {
        own[i] = copy_tool(a, &tools[i]);
    }
    pthread_mutex_lock(&k->lock);
    struct arena *old = k->listed;
    k->listed = a;
    k->tools = own;
    k->tool_count = count;
    k->listed_ms = ctx_now_ms(c);
    k->fresh_until_ms = clock_steady_ms() + fresh_ms(ttl_ms);
    k->failures = 0;
    k->error[0] = 0;
    pthread_mutex_unlock(&k->lock);
    if (old) {
        arena_free(&old);
    }
}

static bool is_fresh(struct conn *k)
{
    pthread_mutex_lock(&k->lock);
    bool fresh = k->link && clock_steady_ms() < k->fresh_until_ms;
    pthread_mutex_unlock(&k->lock);
    return fresh && !atomic_load(&k->list_changed);
}

/* In turn: a link whose list of tools is fresh. `anew`: listed in any case, and pauses
 * between tries are not kept, because somebody waits for the outcome. */
static enum err ready_alone(struct ctx *c, const struct reach *r, bool anew, struct mcp_link **out)
{
    struct mcp_link *l = current(c, r);
    if (!l) {
        TRY(open_link(c, r, anew, &l));
    }
    if (!anew && is_fresh(r->conn)) {
        *out = l;
        return E_OK;
    }
    const struct mcp_tool *tools;
    int count;
    int64_t ttl_ms;
    atomic_store(&r->conn->list_changed, false); /* a change while listing is listed again */
    struct ctx *own = ctx_child(c, LISTING_ARENA_BYTES);
    enum err e = mcp_link_tools(own, l, &r->place, &tools, &count, &ttl_ms);
    if (e == E_OK) {
        keep_list(c, r->conn, tools, count, ttl_ms);
    } else {
        c->fault = own->fault;
    }
    ctx_free(&own);
    if (e != E_OK) {
        drop_link(c, r, l);
        mcp_link_release(c, &r->place, &l);
        return e == E_GONE ? ctx_fail(c, E_UNAVAILABLE, "the server ended the session") : e;
    }
    *out = l;
    return E_OK;
}

/* One at a time connects and lists; who waits sees what came of it. */
static enum err take_turn(struct ctx *c, struct conn *k)
{
    enum err e = E_OK;
    int64_t until_ms = clock_steady_ms() + ctx_left_ms(c, WAIT_MS);
    struct timespec until = {until_ms / 1000, until_ms % 1000 * 1000000};
    pthread_mutex_lock(&k->lock);
    while (k->opening && e == E_OK) {
        if (pthread_cond_timedwait(&k->opened, &k->lock, &until) == ETIMEDOUT) {
            e = ctx_fail(c, E_TIMEOUT, "the tool server could not be reached in time");
        }
    }
    k->opening = k->opening || e == E_OK;
    pthread_mutex_unlock(&k->lock);
    return e;
}

static void end_turn(struct conn *k)
{
    pthread_mutex_lock(&k->lock);
    k->opening = false;
    pthread_cond_signal(&k->opened);
    pthread_mutex_unlock(&k->lock);
}

static enum err ready(struct ctx *c, const struct reach *r, bool anew, struct mcp_link **out)
{
    if (!anew && is_fresh(r->conn)) {
        struct mcp_link *l = current(c, r);
        if (l) {
            *out = l;
            return E_OK;
        }
    }
    TRY(take_turn(c, r->conn));
    enum err e = ready_alone(c, r, anew, out);
    if (e == E_UNAVAILABLE && anew && ctx_check(c) == E_OK) {
        e = ready_alone(c, r, anew, out); /* what was open may have been stale */
    }
    end_turn(r->conn);
    return e;
}

static enum err copy_list(struct ctx *c, struct conn *k, const struct mcp_tool **out,
                          int *out_count)
{
    pthread_mutex_lock(&k->lock);
    if (list_bytes(k->tools, k->tool_count) + LIST_RESERVE_BYTES > arena_left_bytes(c->arena)) {
        pthread_mutex_unlock(&k->lock);
        return ctx_fail(c, E_TOO_LARGE, "with those of other servers its tools are too many");
    }
    struct mcp_tool *all = ARENA_ARRAY(c->arena, struct mcp_tool, (size_t)k->tool_count + 1);
    for (int i = 0; i < k->tool_count; i++) {
        all[i] = copy_tool(c->arena, &k->tools[i]);
    }
    *out = all;
    *out_count = k->tool_count;
    pthread_mutex_unlock(&k->lock);
    return E_OK;
}

enum err mcp_list(struct ctx *c, const struct mcp_server *server, const struct mcp_tool **out_tools,
                  int *out_count)
{
    struct reach r;
    struct mcp_link *l = NULL;
    TRY(reach_of(c, server, &r));
    enum err e = ready(c, &r, true, &l);
    if (e == E_OK) {
        e = copy_list(c, r.conn, out_tools, out_count);
        mcp_link_release(c, &r.place, &l);
    }
    let_go(c, &r);
    return e;
}

enum err mcp_state(struct ctx *c, const struct mcp_server *server, struct mcp_state *out)
{
    struct reach r;
    *out = (struct mcp_state){0};
    TRY(reach_of(c, server, &r));
    struct mcp_link *l = current(c, &r);
    if (l) {
        out->open = true;
        out->revision = str_dup(c->arena, str_of(mcp_link_revision(l)));
        mcp_link_release(c, &r.place, &l);
    }
    enum err e = copy_list(c, r.conn, &out->tools, &out->tool_count);
    pthread_mutex_lock(&r.conn->lock);
    out->listed_at_ms = r.conn->listed_ms;
    out->error = str_dup(c->arena, str_of(r.conn->error));
    pthread_mutex_unlock(&r.conn->lock);
    let_go(c, &r);
    return e;
}

/* ---- calling ------------------------------------------------------------- */

/* Whether the tool still is what was approved; its input schema is copied out for the headers. */
static enum err check_tool(struct ctx *c, struct conn *k, const struct mcp_use *use,
                           const struct json **out_schema)
{
    enum err e = E_GONE;
    pthread_mutex_lock(&k->lock);
    for (int i = 0; i < k->tool_count && e == E_GONE; i++) {
        if (str_eq(k->tools[i].name, use->tool)) {
            e = str_eq(k->tools[i].sha256, use->sha256) ? E_OK : E_CONFLICT;
            *out_schema = json_copy(c->arena, k->tools[i].input_schema);
        }
    }
    pthread_mutex_unlock(&k->lock);
    if (e == E_OK) {
        return E_OK;
    }
    return ctx_fail(c, e,
                    e == E_GONE ? "the server no longer offers %.*s"
                                : "the server changed what %.*s is since it was approved; apply "
                                  "the agent's configuration anew to approve it",
                    STR_ARG(use->tool));
}

static const struct json *call_params(struct arena *a, const struct mcp_use *use)
{
    const struct json *key = use->key.n ? json_new_str(a, use->key) : NULL;
    const struct json *conversation =
        use->conversation.n ? json_new_str(a, use->conversation) : NULL;
    const struct json *meta = key || conversation
                                  ? json_object(a, {"rapport/idempotencyKey", key},
                                                {"rapport/conversationId", conversation})
                                  : NULL;
    return json_object(a, {"name", json_new_str(a, use->tool)},
                       {"arguments", use->arguments ? use->arguments : &json_empty_object},
                       {"_meta", meta});
}

static int call_headers(struct ctx *c, const struct mcp_use *use, const struct json *schema,
                        struct header out[MCP_TOOL_HEADERS_MAX + 1])
{
    struct mcp_tool_header found[MCP_TOOL_HEADERS_MAX];
    struct json_fault fault;
    int n = 0;
    out[0] = (struct header){STR("Mcp-Name"), mcp_message_header(c->arena, use->tool)};
    if (mcp_tool_headers(c->arena, schema, use->arguments, found, &n, &fault) != E_OK) {
        n = 0; /* listed over a transport that has no headers */
    }
    for (int i = 0; i < n; i++) {
        out[i + 1] = (struct header){found[i].name, found[i].value};
    }
    return n + 1;
}

static enum err in_time(struct ctx *c, const struct mcp_ask *ask, enum err e)
{
    if (e == E_TIMEOUT && ask->progress) {
        return ctx_fail(c, e, "no answer in time; it last told: \"%.*s\"",
                        STR_ARG(ask->last_words));
    }
    return e == E_TIMEOUT ? ctx_fail(c, e, "no answer in time") : e;
}

/* One try. *out_again: nothing was done, or doing it again does no harm. */
static enum err call_once(struct ctx *c, const struct reach *r, const struct mcp_use *use,
                          struct mcp_message *out, bool *out_again)
{
    struct mcp_link *l = NULL;
    const struct json *schema = NULL;
    struct header headers[MCP_TOOL_HEADERS_MAX + 1];
    *out_again = false;
    TRY(ready(c, r, false, &l));
    enum err e = check_tool(c, r->conn, use, &schema);
    if (e != E_OK) {
        mcp_link_release(c, &r->place, &l);
        return e;
    }
    struct mcp_ask ask = {.method = "tools/call",
                          .params = call_params(c->arena, use),
                          .once = !use->repeatable,
                          .headers = headers,
                          .header_count = call_headers(c, use, schema, headers)};
    e = mcp_link_ask(c, l, &r->place, &ask, out);
    int64_t code = e == E_OK ? mcp_message_code(out) : 0;
    if (code == MCP_HEADER_MISMATCH) {
        atomic_store(&r->conn->list_changed, true); /* it wants headers of a newer definition */
    }
    bool refused = code == MCP_HEADER_MISMATCH || code == MCP_UNSUPPORTED_REVISION;
    bool lost = e == E_GONE || e == E_UNAVAILABLE || code == MCP_UNSUPPORTED_REVISION;
    if (lost) {
        drop_link(c, r, l);
    }
    mcp_link_release(c, &r->place, &l);
    *out_again = refused || e == E_GONE || (e == E_UNAVAILABLE && (!ask.sent || use->repeatable));
    if (e == E_UNAVAILABLE && ask.sent) {
        struct str why = str_dup(c->arena, str_of(c->fault.text));
        return ctx_fail(c, use->repeatable ? e : E_TIMEOUT,
                        "the connection broke while the call was under way (%.*s)", STR_ARG(why));
    }
    e = e == E_GONE ? ctx_fail(c, E_UNAVAILABLE, "the server ended the session") : e;
    return in_time(c, &ask, e);
}

static enum err call_tries(struct ctx *c, const struct reach *r, const struct mcp_use *use,
                           struct mcp_message *out)
{
    enum err e = E_OK;
    bool again = true;
    for (int i = 0; i < ATTEMPTS_MAX && again; i++) {
        int64_t wait_ms = i > 1 ? (int64_t)AGAIN_MS << i : 0;
        if (wait_ms && ctx_left_ms(c, wait_ms + 1) <= wait_ms) {
            break;
        }
        poll(NULL, 0, (int)wait_ms);
        e = call_once(c, r, use, out, &again);
    }
    return e;
}

static enum err call(struct ctx *c, const struct mcp_server *server, const struct mcp_use *use,
                     struct mcp_outcome *out)
{
    struct reach r;
    struct mcp_message m;
    struct json_fault fault;
    TRY(reach_of(c, server, &r));
    enum err e = call_tries(c, &r, use, &m);
    let_go(c, &r);
    TRY(e);
    if (m.kind == MCP_ERROR) {
        struct str text = mcp_message_error_text(c->arena, &m);
        return ctx_fail(c, E_INVALID, "the server refused the call: %.*s", STR_ARG(text));
    }
    e = mcp_tool_outcome(c->arena, m.body, out, &fault);
    return e == E_OK ? E_OK : ctx_fail(c, e, "%s", fault.text);
}

/* What a server says takes many times its text until it is judged, so that happens in memory of its
 * own; only an outcome within the bounds gets into the task's. */
enum err mcp_call(struct ctx *c, const struct mcp_server *server, const struct mcp_use *use,
                  struct mcp_outcome *out)
{
    struct ctx *own = ctx_child(c, CALL_ARENA_BYTES);
    struct mcp_outcome o = {0};
    own->store = c->store;
    enum err e = call(own, server, use, &o);
    if (e == E_OK) {
        o.text = str_dup(c->arena, o.text);
        o.structured = o.structured ? json_copy(c->arena, o.structured) : NULL;
        *out = o;
    } else {
        c->fault = own->fault;
    }
    ctx_free(&own);
    return e;
}
