#include "link/mcp_link.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/trace.h"
#include "link/mcp_http.h"
#include "link/mcp_pipe.h"

enum {
    OPEN_MS = 30000,
    PROBE_MS = 10000,
    PAGES_MAX = 20,
    LEAVE_MS = 1000,
    CURSOR_MAX_BYTES = 4096,
    PAGE_ARENA_BYTES = 64 << 20
};

struct mcp_link {
    atomic_int users;
    struct mcp_pipe *pipe; /* NULL: HTTP */
    bool modern;
    char revision[16];
    char session[MCP_SESSION_MAX_BYTES + 1];
    atomic_bool *list_changed;
    atomic_llong last_id;
    int64_t opened_ms;
};

#define META "io.modelcontextprotocol/"

static const struct json *client_info(struct arena *a)
{
    return json_object(a, {"name", json_new_str(a, STR("rapport"))},
                       {"version", json_new_str(a, STR(RAPPORT_VERSION))});
}

/* What every modern request says of itself, and every call of its progress token. */
static const struct json *with_meta(struct ctx *c, const struct mcp_link *l,
                                    const struct mcp_ask *ask)
{
    struct arena *a = c->arena;
    const struct json *params = ask->params ? ask->params : &json_empty_object;
    const struct json *meta = json_get(params, "_meta");
    meta = meta ? meta : &json_empty_object;
    if (l->modern) {
        char parent[TRACE_PARENT_BYTES + 1];
        trace_write(c, parent);
        meta = json_with(a, meta, STR(META "protocolVersion"), json_new_str(a, STR(MCP_MODERN)));
        meta = json_with(a, meta, STR(META "clientInfo"), client_info(a));
        meta = json_with(a, meta, STR(META "clientCapabilities"), &json_empty_object);
        meta = json_with(a, meta, STR("traceparent"), json_new_str(a, str_dup(a, str_of(parent))));
    }
    if (strcmp(ask->method, "tools/call") == 0) {
        meta = json_with(a, meta, STR("progressToken"), json_new_int(a, ask->id));
    }
    return json_count(meta) ? json_with(a, params, STR("_meta"), meta) : ask->params;
}

static struct mcp_end end_of(const struct mcp_link *l, const struct mcp_place *place)
{
    return (struct mcp_end){
        .url = place->url,
        .secret = place->secret,
        .allow_private = place->allow_private,
        .session = str_of(l->session),
        .revision = str_of(l->revision),
        .list_changed = l->list_changed,
    };
}

static enum err ask_over_http(struct ctx *c, struct mcp_link *l, const struct mcp_place *place,
                              struct mcp_ask *ask, struct mcp_message *out)
{
    struct mcp_end end = end_of(l, place);
    struct mcp_ask full = *ask;
    struct header headers[MCP_WIRE_HEADERS_MAX];
    struct str session;
    int n = 0;
    if (l->modern) {
        headers[n++] = (struct header){STR("Mcp-Method"), str_of(ask->method)};
        for (int i = 0; i < ask->header_count && n < MCP_WIRE_HEADERS_MAX; i++) {
            headers[n++] = ask->headers[i];
        }
    }
    full.headers = headers;
    full.header_count = n;
    enum err e = mcp_http_ask(c, &end, &full, out, &session);
    ask->sent = full.sent;
    ask->progress = full.progress;
    ask->last_words = full.last_words;
    if (e == E_OK && strcmp(ask->method, "initialize") == 0) {
        snprintf(l->session, sizeof(l->session), "%.*s", STR_ARG(session));
        if (session.n > MCP_SESSION_MAX_BYTES) {
            return ctx_fail(c, E_INVALID, "the server's session id has more than %d bytes",
                            MCP_SESSION_MAX_BYTES);
        }
    }
    return e;
}

enum err mcp_link_ask(struct ctx *c, struct mcp_link *l, const struct mcp_place *place,
                      struct mcp_ask *ask, struct mcp_message *out)
{
    struct mcp_ask full = *ask;
    full.id = (int64_t)atomic_fetch_add(&l->last_id, 1) + 1;
    full.params = with_meta(c, l, &full);
    enum err e =
        l->pipe ? mcp_pipe_ask(c, l->pipe, &full, out) : ask_over_http(c, l, place, &full, out);
    ask->sent = full.sent;
    ask->progress = full.progress;
    ask->last_words = full.last_words;
    return e;
}

/* ---- opening ------------------------------------------------------------- */

static enum err no_revision(struct ctx *c, const struct json *supported)
{
    return ctx_fail(c, E_INVALID,
                    "the server speaks no revision of MCP that is spoken here; it offers %.*s",
                    STR_ARG(str_sub(json_write(c->arena, supported), 0, 200)));
}

static bool offers(const struct json *revisions, const char *one)
{
    for (size_t i = 0; i < json_count(revisions); i++) {
        if (str_eqz(json_text(json_at(revisions, i), STR("")), one)) {
            return true;
        }
    }
    return false;
}

/* Asks as a modern client would. *out_modern when that is understood; else the server is of the
 * older kind, or says which it is (*out_offer, empty: the newest). */
static enum err probe(struct ctx *c, struct mcp_link *l, const struct mcp_place *place,
                      bool *out_modern, struct str *out_offer)
{
    struct mcp_message m;
    struct mcp_ask ask = {.method = "server/discover"};
    *out_modern = false;
    *out_offer = STR(MCP_LEGACY);
    l->modern = true;
    snprintf(l->revision, sizeof(l->revision), "%s", MCP_MODERN);
    int64_t before = ctx_limit(c, PROBE_MS);
    enum err e = mcp_link_ask(c, l, place, &ask, &m);
    c->deadline_steady_ms = before;
    l->modern = false;
    l->revision[0] = 0;
    if (e != E_OK) {
        /* a server that is there but says nothing sensible is asked the older way */
        bool there = e == E_INVALID || e == E_NOT_FOUND || e == E_METHOD || e == E_TIMEOUT ||
                     (e == E_UNAVAILABLE && ask.sent && !l->pipe);
        if (there && ctx_check(c) == E_OK) {
            ctx_forgive(c);
            return E_OK;
        }
        return e;
    }
    int64_t code = mcp_message_code(&m);
    const struct json *supported = m.kind == MCP_RESULT
                                       ? json_get(m.body, "supportedVersions")
                                       : json_get(json_get(m.body, "data"), "supported");
    if (m.kind == MCP_RESULT || code == MCP_UNSUPPORTED_REVISION) {
        *out_modern = offers(supported, MCP_MODERN);
        *out_offer = mcp_message_pick_legacy(supported);
        return *out_modern || out_offer->n ? E_OK : no_revision(c, supported);
    }
    if (code == MCP_HEADER_MISMATCH || code == MCP_MISSING_CAPABILITY) {
        struct str text = mcp_message_error_text(c->arena, &m);
        return ctx_fail(c, E_INVALID, "the server refuses this client: %.*s", STR_ARG(text));
    }
    return E_OK;
}

static enum err tell(struct ctx *c, struct mcp_link *l, const struct mcp_place *place,
                     struct str message)
{
    struct mcp_end end = end_of(l, place);
    return l->pipe ? mcp_pipe_tell(c, l->pipe, message) : mcp_http_tell(c, &end, message);
}

static enum err initialize(struct ctx *c, struct mcp_link *l, const struct mcp_place *place,
                           struct str offer)
{
    struct arena *a = c->arena;
    struct mcp_message m;
    struct mcp_ask ask = {
        .method = "initialize",
        .params = json_object(a, {"protocolVersion", json_new_str(a, offer)},
                              {"capabilities", &json_empty_object}, {"clientInfo", client_info(a)}),
    };
    TRY(mcp_link_ask(c, l, place, &ask, &m));
    if (m.kind == MCP_ERROR) {
        struct str text = mcp_message_error_text(a, &m);
        return ctx_fail(c, E_INVALID, "the server refuses to begin: %.*s", STR_ARG(text));
    }
    struct str revision = json_str(m.body, "protocolVersion", STR(""));
    if (!mcp_message_is_legacy(revision)) {
        return no_revision(c, json_get(m.body, "protocolVersion"));
    }
    snprintf(l->revision, sizeof(l->revision), "%.*s", STR_ARG(revision));
    return tell(c, l, place, mcp_message_notification(a, "notifications/initialized", NULL));
}

static enum err agree(struct ctx *c, struct mcp_link *l, const struct mcp_place *place)
{
    bool modern;
    struct str offer;
    TRY(probe(c, l, place, &modern, &offer));
    if (!modern) {
        return initialize(c, l, place, offer);
    }
    l->modern = true;
    snprintf(l->revision, sizeof(l->revision), "%s", MCP_MODERN);
    return E_OK;
}

enum err mcp_link_open(struct ctx *c, const struct mcp_place *place, atomic_bool *list_changed,
                       struct mcp_link **out)
{
    struct mcp_link *l = mem_new(sizeof(*l));
    atomic_store(&l->users, 1);
    l->list_changed = list_changed;
    l->opened_ms = clock_steady_ms();
    int64_t before = ctx_limit(c, OPEN_MS);
    enum err e = place->program ? mcp_pipe_open(c, place->program, list_changed, &l->pipe) : E_OK;
    e = e == E_OK ? agree(c, l, place) : e;
    c->deadline_steady_ms = before;
    if (e != E_OK) {
        struct fault fault = c->fault;
        mcp_link_release(c, place, &l);
        c->fault = fault;
        return e;
    }
    *out = l;
    return E_OK;
}

struct mcp_link *mcp_link_hold(struct mcp_link *l)
{
    atomic_fetch_add(&l->users, 1);
    return l;
}

void mcp_link_release(struct ctx *c, const struct mcp_place *place, struct mcp_link **l)
{
    struct mcp_link *old = *l;
    *l = NULL;
    if (!old || atomic_fetch_sub(&old->users, 1) != 1) {
        return;
    }
    if (old->session[0] && place->url.n) {
        struct mcp_grace before;
        struct mcp_end end = end_of(old, place);
        mcp_wire_grace(c, LEAVE_MS, &before);
        mcp_http_leave(c, &end);
        mcp_wire_back(c, &before);
    }
    mcp_pipe_close(&old->pipe);
    free(old);
}

bool mcp_link_is_open(const struct mcp_link *l)
{
    return !l->pipe || mcp_pipe_is_open(l->pipe);
}

const char *mcp_link_revision(const struct mcp_link *l)
{
    return l->revision;
}

int64_t mcp_link_age_ms(const struct mcp_link *l)
{
    return clock_steady_ms() - l->opened_ms;
}

/* ---- tools --------------------------------------------------------------- */

/* What a server has listed so far. */
struct listing {
    struct mcp_tool *all;
    int count;
    size_t bytes, nodes;
    int64_t ttl_ms;
    struct str cursor; /* of the next page; empty: that was all */
};

/* Whether one more tool is within what is taken of one server. */
static bool takes(struct listing *list, const struct mcp_tool *t)
{
    list->bytes += t->bytes;
    list->nodes += t->nodes;
    return list->bytes <= MCP_LINK_LIST_MAX_BYTES && list->nodes <= MCP_LINK_LIST_MAX_NODES;
}

/* The tools go into `a`, the page itself is soon forgotten. */
static enum err read_page(struct ctx *c, const struct mcp_link *l, const struct json *page,
                          struct arena *a, struct listing *list)
{
    struct mcp_tool_header headers[MCP_TOOL_HEADERS_MAX];
    for (size_t i = 0; i < json_count(page) && list->count < MCP_LINK_TOOLS_MAX; i++) {
        struct mcp_tool *t = &list->all[list->count];
        struct json_fault fault;
        int count;
        enum err e = mcp_tool_read(a, json_at(page, i), t, &fault);
        if (e == E_OK && !takes(list, t)) {
            return ctx_fail(c, E_TOO_LARGE,
                            "the server lists more than is taken of one: %d KiB of definitions "
                            "with %d values",
                            MCP_LINK_LIST_MAX_BYTES >> 10, MCP_LINK_LIST_MAX_NODES);
        }
        if (e == E_OK && l->modern && !l->pipe) {
            e = mcp_tool_headers(c->arena, t->input_schema, NULL, headers, &count, &fault);
        }
        if (e == E_OK) {
            list->count++;
        } else {
            log_at(c, LOG_WARN, "a tool of a server is left out", LOG_Z("why", fault.text));
        }
    }
    return E_OK;
}

static enum err ask_page(struct ctx *c, struct mcp_link *l, const struct mcp_place *place,
                         struct arena *a, struct listing *list)
{
    struct mcp_message m;
    struct mcp_ask ask = {.method = "tools/list"};
    if (list->cursor.n) {
        ask.params = json_object(c->arena, {"cursor", json_new_str(c->arena, list->cursor)});
    }
    TRY(mcp_link_ask(c, l, place, &ask, &m));
    if (m.kind == MCP_ERROR) {
        struct str text = mcp_message_error_text(c->arena, &m);
        return ctx_fail(c, E_INVALID, "the server lists no tools: %.*s", STR_ARG(text));
    }
    struct str cursor = json_str(m.body, "nextCursor", STR(""));
    if (cursor.n > CURSOR_MAX_BYTES) {
        return ctx_fail(c, E_TOO_LARGE, "the server's cursor has more than %d bytes",
                        CURSOR_MAX_BYTES);
    }
    list->cursor = str_dup(a, cursor);
    list->ttl_ms = json_int(m.body, "ttlMs", -1);
    return read_page(c, l, json_get(m.body, "tools"), a, list);
}

enum err mcp_link_tools(struct ctx *c, struct mcp_link *l, const struct mcp_place *place,
                        const struct mcp_tool **out_tools, int *out_count, int64_t *out_ttl_ms)
{
    struct arena *a = c->arena;
    struct listing list = {0};
    list.all = ARENA_ARRAY(a, struct mcp_tool, MCP_LINK_TOOLS_MAX);
    list.ttl_ms = -1;
    for (int page = 0; page < PAGES_MAX && (page == 0 || list.cursor.n); page++) {
        struct ctx *own = ctx_child(c, PAGE_ARENA_BYTES); /* values take many times their text */
        enum err e = ask_page(own, l, place, a, &list);
        if (e != E_OK) {
            c->fault = own->fault;
        }
        ctx_free(&own);
        TRY(e);
    }
    *out_tools = list.all;
    *out_count = list.count;
    *out_ttl_ms = list.ttl_ms;
    return E_OK;
}
