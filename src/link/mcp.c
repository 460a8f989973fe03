#include "link/mcp.h"

#include <poll.h>
#include <stdlib.h>

#include "base/map.h"
#include "link/mcp_conn.h"
#include "link/mcp_program.h"
#include "store/vault.h"

enum {
    ATTEMPTS_MAX = 3,
    AGAIN_MS = 200,
    CALL_ARENA_BYTES = 256 << 20,
    PROGRAMS_ARENA_BYTES = 4 << 20
};

struct mcp {
    struct arena *arena;
    struct mcp_program *programs;
    int program_count;
    bool allow_private;
    pthread_mutex_t lock;
    struct map *conns; /* key -> struct mcp_conn */
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
        mcp_conn_free(c, value);
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

/* Under the hub's lock: takes out the one that nobody uses for longest; NULL: all are in use. */
static struct mcp_conn *take_idle(struct mcp *m)
{
    size_t cursor = 0;
    struct str key, oldest = {0};
    void *value;
    int64_t when = INT64_MAX;
    while (map_next(m->conns, &cursor, &key, &value)) {
        const struct mcp_conn *k = value;
        if (k->users == 0 && k->used_ms < when) {
            when = k->used_ms;
            oldest = key;
        }
    }
    if (!oldest.p) {
        return NULL;
    }
    struct arena *scratch = arena_new(8 << 10);
    struct mcp_conn *k = map_remove(m->conns, str_dup(scratch, oldest));
    arena_free(&scratch);
    return k;
}

/* Under the hub's lock: takes out one of the org's; NULL: none is idle. */
static struct mcp_conn *take_of(struct mcp *m, const struct id *org)
{
    size_t cursor = 0;
    struct str key;
    void *value;
    while (map_next(m->conns, &cursor, &key, &value)) {
        const struct mcp_conn *k = value;
        if (k->users == 0 && str_starts(key, id_str(org))) {
            struct arena *scratch = arena_new(8 << 10);
            struct mcp_conn *taken = map_remove(m->conns, str_dup(scratch, key));
            arena_free(&scratch);
            return taken;
        }
    }
    return NULL;
}

void mcp_forget(struct ctx *c, const struct id *org)
{
    struct mcp *m = c->at->mcp;
    struct mcp_conn *k;
    do {
        pthread_mutex_lock(&m->lock);
        k = take_of(m, org);
        pthread_mutex_unlock(&m->lock);
        if (k) {
            mcp_conn_free(c, k);
        }
    } while (k);
}

static struct str key_of(struct ctx *c, const struct mcp_server *s)
{
    return str_fmt(c->arena, "%s\n%.*s\n%.*s\n%.*s\n%d", c->org.text, STR_ARG(s->url),
                   STR_ARG(s->command), STR_ARG(s->secret_ref), s->allow_private);
}

static enum err hold(struct ctx *c, const struct mcp_server *s, struct mcp_conn **out)
{
    struct mcp *m = c->at->mcp;
    struct str key = key_of(c, s);
    struct mcp_conn *gone = NULL;
    pthread_mutex_lock(&m->lock);
    struct mcp_conn *k = map_get(m->conns, key);
    if (!k && map_count(m->conns) >= MCP_CONNECTIONS_MAX) {
        gone = take_idle(m);
    }
    if (!k && map_count(m->conns) < MCP_CONNECTIONS_MAX) {
        k = mcp_conn_new();
        map_set(m->conns, key, k);
    }
    if (k) {
        k->users++;
        k->used_ms = clock_steady_ms();
    }
    pthread_mutex_unlock(&m->lock);
    if (gone) {
        mcp_conn_free(c, gone);
    }
    *out = k;
    return k ? E_OK
             : ctx_fail(c, E_LIMIT, "all %d connections to tool servers are in use",
                        MCP_CONNECTIONS_MAX);
}

static void let_go(struct ctx *c, struct mcp_reach *r)
{
    struct mcp *m = c->at->mcp;
    pthread_mutex_lock(&m->lock);
    r->conn->users--;
    r->conn->used_ms = clock_steady_ms();
    pthread_mutex_unlock(&m->lock);
}

/* Secrets are read per call: a new value counts at once for HTTP, for a program when it is next
 * started. */
static enum err reach_of(struct ctx *c, const struct mcp_server *s, struct mcp_reach *out)
{
    struct mcp *m = c->at->mcp;
    struct mcp_reach r = {.place = {.url = s->url}};
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

/* ---- looking ------------------------------------------------------------- */

enum err mcp_list(struct ctx *c, const struct mcp_server *server, const struct mcp_tool **out_tools,
                  int *out_count)
{
    struct mcp_reach r;
    struct mcp_link *l = NULL;
    TRY(reach_of(c, server, &r));
    enum err e = mcp_conn_ready(c, &r, true, &l);
    if (e == E_OK) {
        e = mcp_conn_list(c, r.conn, out_tools, out_count);
        mcp_link_release(c, &r.place, &l);
    }
    let_go(c, &r);
    return e;
}

enum err mcp_state(struct ctx *c, const struct mcp_server *server, struct mcp_state *out)
{
    struct mcp_reach r;
    *out = (struct mcp_state){0};
    TRY(reach_of(c, server, &r));
    struct mcp_link *l = mcp_conn_link(c, &r);
    if (l) {
        out->open = true;
        out->revision = str_dup(c->arena, str_of(mcp_link_revision(l)));
        mcp_link_release(c, &r.place, &l);
    }
    enum err e = mcp_conn_list(c, r.conn, &out->tools, &out->tool_count);
    pthread_mutex_lock(&r.conn->lock);
    out->listed_at_ms = r.conn->listed_ms;
    out->error = str_dup(c->arena, str_of(r.conn->error));
    pthread_mutex_unlock(&r.conn->lock);
    let_go(c, &r);
    return e;
}

/* ---- calling ------------------------------------------------------------- */

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
static enum err call_once(struct ctx *c, const struct mcp_reach *r, const struct mcp_use *use,
                          struct mcp_message *out, bool *out_again)
{
    struct mcp_link *l = NULL;
    const struct json *schema = NULL;
    struct header headers[MCP_TOOL_HEADERS_MAX + 1];
    *out_again = false;
    TRY(mcp_conn_ready(c, r, false, &l));
    enum err e = mcp_conn_check(c, r->conn, use, &schema);
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
        mcp_conn_drop(c, r, l);
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

static enum err call_tries(struct ctx *c, const struct mcp_reach *r, const struct mcp_use *use,
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
    struct mcp_reach r;
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
