#include "link/mcp_http.h"

#include <poll.h>

#include "base/trace.h"
#include "codec/sse.h"

enum {
    STREAM_MAX_BYTES = 4 << 20, /* of one answer with all that is told before it */
    RESUMES_MAX = 8,
    RESUME_MS = 500,
    RESUME_MAX_MS = 10000,
    TELL_MS = 5000,
    CALL_OFF_MS = 1000,
    HEADERS_MAX = MCP_WIRE_HEADERS_MAX + 8
};

struct headers {
    struct header items[HEADERS_MAX];
    int count;
};

/* An answer on its way in. */
struct answer {
    struct ctx *c;
    const struct mcp_end *end;
    struct mcp_ask *ask;
    struct mcp_message message;
    bool found;
    bool stream; /* events; else one JSON text */
    struct sse *events;
    struct str last_id; /* of an event, for taking it up again */
    struct buf body;
    struct str session;
};

static void add(struct headers *h, struct str name, struct str value)
{
    if (value.n && h->count < HEADERS_MAX) {
        h->items[h->count++] = (struct header){name, value};
    }
}

static void add_common(struct ctx *c, const struct mcp_end *end, struct headers *h)
{
    char parent[TRACE_PARENT_BYTES + 1];
    trace_write(c, parent);
    if (end->secret.n) {
        add(h, STR("Authorization"), str_fmt(c->arena, "Bearer %.*s", STR_ARG(end->secret)));
    }
    add(h, STR("MCP-Protocol-Version"), end->revision);
    add(h, STR("Mcp-Session-Id"), end->session);
    add(h, STR("traceparent"), str_dup(c->arena, str_of(parent)));
}

static void add_posting(struct headers *h)
{
    add(h, STR("Content-Type"), STR("application/json"));
    add(h, STR("Accept"), STR("application/json, text/event-stream"));
}

/* ---- what comes back ----------------------------------------------------- */

/* A notice is noted, a question answered, the answer kept. */
static enum err take_message(struct answer *in, struct str text)
{
    struct ctx *c = in->c;
    struct mcp_message m;
    struct json_fault fault;
    if (str_trim(text).n == 0) {
        return E_OK; /* an event that only carries an id */
    }
    if (mcp_message_read(c->arena, str_dup(c->arena, text), &m, &fault) != E_OK) {
        return ctx_fail(c, E_INVALID, "the server sent no message of the protocol: %s", fault.text);
    }
    if (m.kind == MCP_NOTIFICATION) {
        mcp_wire_notice(c->arena, &m, in->ask, in->end->list_changed);
    } else if (m.kind == MCP_REQUEST) {
        if (mcp_http_tell(c, in->end, mcp_message_answer(c->arena, &m)) != E_OK) {
            ctx_forgive(c); /* what we wait for may come all the same */
        }
    } else if (m.id == in->ask->id || (m.kind == MCP_ERROR && m.id == 0 && !in->stream)) {
        in->message = m;
        in->found = true;
    }
    return E_OK;
}

static enum err on_event(const struct sse_event *event, void *arg)
{
    struct answer *in = arg;
    if (event->id.n) {
        in->last_id = str_dup(in->c->arena, event->id);
    }
    if (in->found || !str_eqz(event->type, "message")) {
        return E_OK;
    }
    return take_message(in, event->data);
}

static bool is_stream(struct str content_type)
{
    return str_starts(content_type, STR("text/event-stream"));
}

static enum err on_head(struct ctx *c, const struct response_in *head, void *arg)
{
    struct answer *in = arg;
    struct str type = str_lower(c->arena, client_header(head, "content-type"));
    in->stream = is_stream(type);
    in->session = str_dup(c->arena, client_header(head, "mcp-session-id"));
    return in->stream || str_starts(type, STR("application/json"))
               ? E_OK
               : ctx_fail(c, E_INVALID, "the server answered with %.*s, not with JSON or events",
                          STR_ARG(str_sub(type, 0, 80)));
}

static enum err on_piece(struct ctx *c, struct str piece, void *arg)
{
    struct answer *in = arg;
    if (!in->stream) {
        return buf_add_str(&in->body, piece)
                   ? E_OK
                   : ctx_fail(c, E_TOO_LARGE, "the answer has more than %d bytes",
                              (int)MCP_MESSAGE_MAX_BYTES);
    }
    enum err e = sse_feed(in->events, piece, on_event, in);
    if (e == E_TOO_LARGE) {
        return ctx_fail(c, e, "an event has more than %d bytes", (int)MCP_MESSAGE_MAX_BYTES);
    }
    /* the stream may stay open after the answer: it is left */
    return e == E_OK && in->found ? E_GONE : e;
}

/* A status that is no success: perhaps with a message, which tells more. */
static enum err judge(struct answer *in, const struct response_in *r)
{
    struct ctx *c = in->c;
    struct json_fault fault;
    if (r->status == 404 && in->end->session.n) {
        return ctx_fail(c, E_GONE, "the server ended the session");
    }
    if (mcp_message_read(c->arena, r->body, &in->message, &fault) == E_OK &&
        in->message.kind == MCP_ERROR) {
        in->found = true;
        return E_OK;
    }
    if (r->status == 401 || r->status == 403) {
        return ctx_fail(c, err_from_http(r->status),
                        "the server wants other credentials (%d): see secret_ref", r->status);
    }
    enum err e = err_from_http(r->status);
    return ctx_fail(c, e == E_INTERNAL ? E_UNAVAILABLE : e, "the server answered %d", r->status);
}

static enum err send(struct answer *in, struct request_out *request)
{
    struct ctx *c = in->c;
    struct response_in r = {0};
    request->url = in->end->url;
    request->allow_private = in->end->allow_private;
    request->timeout_ms = ctx_left_ms(c, 10 * 60 * 1000);
    request->response_max_bytes = STREAM_MAX_BYTES;
    request->on_head = on_head;
    request->on_piece = on_piece;
    request->on_piece_arg = in;
    request->out_sent = &in->ask->sent;
    in->stream = false;
    enum err e = client_send(c, request, &r);
    if (in->found) {
        ctx_forgive(c);
        return E_OK;
    }
    TRY(e);
    if (r.status < 200 || r.status >= 300) {
        return judge(in, &r);
    }
    return in->stream || in->body.n == 0 ? E_OK : take_message(in, buf_str(&in->body));
}

/* The stream ended, or broke, before the answer: a legacy server keeps it for whoever knows where
 * it was. */
static enum err resume(struct answer *in, enum err broke)
{
    struct ctx *c = in->c;
    enum err e = broke;
    for (int i = 0; i < RESUMES_MAX && !in->found && in->last_id.n; i++) {
        int64_t pause_ms = sse_retry_ms(in->events) >= 0 ? sse_retry_ms(in->events) : RESUME_MS;
        pause_ms = pause_ms > RESUME_MAX_MS ? RESUME_MAX_MS : pause_ms;
        if (ctx_left_ms(c, pause_ms + 1) <= pause_ms) {
            return ctx_fail(c, E_TIMEOUT, "the answer did not come in time");
        }
        poll(NULL, 0, (int)pause_ms);
        struct headers h = {0};
        add(&h, STR("Accept"), STR("text/event-stream"));
        add(&h, STR("Last-Event-ID"), in->last_id);
        add_common(c, in->end, &h);
        struct request_out get = {.method = "GET", .headers = h.items, .header_count = h.count};
        sse_free(&in->events);
        in->events = sse_new(MCP_MESSAGE_MAX_BYTES);
        e = send(in, &get);
        if (e != E_OK && e != E_UNAVAILABLE) {
            break;
        }
    }
    if (in->found) {
        ctx_forgive(c);
        return E_OK;
    }
    return e != E_OK ? e : ctx_fail(c, E_UNAVAILABLE, "the server hung up before it answered");
}

/* Closing the stream is enough for a modern server. */
static void call_off(struct ctx *c, const struct mcp_end *end, const struct mcp_ask *ask,
                     enum err why)
{
    struct mcp_grace before;
    struct str message = mcp_wire_call_off(c, ask, why);
    if (message.n && mcp_message_is_legacy(end->revision)) {
        mcp_wire_grace(c, CALL_OFF_MS, &before);
        mcp_http_tell(c, end, message);
        mcp_wire_back(c, &before);
    }
}

enum err mcp_http_ask(struct ctx *c, const struct mcp_end *end, struct mcp_ask *ask,
                      struct mcp_message *out, struct str *out_session)
{
    struct headers h = {0};
    add_posting(&h);
    add_common(c, end, &h);
    for (int i = 0; i < ask->header_count; i++) {
        add(&h, ask->headers[i].name, ask->headers[i].value);
    }
    struct request_out post = {
        .method = "POST",
        .once = ask->once,
        .headers = h.items,
        .header_count = h.count,
        .body = mcp_message_request(c->arena, ask->id, ask->method, ask->params),
    };
    struct answer in = {.c = c,
                        .end = end,
                        .ask = ask,
                        .events = sse_new(MCP_MESSAGE_MAX_BYTES),
                        .body = buf_make(MCP_MESSAGE_MAX_BYTES)};
    enum err e = send(&in, &post);
    bool legacy = mcp_message_is_legacy(end->revision);
    if (!in.found && legacy && in.last_id.n && (e == E_OK || e == E_UNAVAILABLE)) {
        e = resume(&in, e);
    } else if (e == E_OK && !in.found) {
        e = ctx_fail(c, E_UNAVAILABLE, "the server did not answer %s", ask->method);
    }
    call_off(c, end, ask, e);
    sse_free(&in.events);
    buf_free(&in.body);
    if (e == E_OK) {
        *out = in.message;
        *out_session = in.session.p ? in.session : STR("");
    }
    return e;
}

enum err mcp_http_tell(struct ctx *c, const struct mcp_end *end, struct str message)
{
    struct headers h = {0};
    struct response_in r;
    add_posting(&h);
    add_common(c, end, &h);
    struct request_out post = {
        .method = "POST",
        .url = end->url,
        .headers = h.items,
        .header_count = h.count,
        .body = message,
        .timeout_ms = TELL_MS,
        .response_max_bytes = 64 << 10,
        .allow_private = end->allow_private,
    };
    TRY(client_send(c, &post, &r));
    return r.status >= 200 && r.status < 300
               ? E_OK
               : ctx_fail(c, E_UNAVAILABLE, "the server answered %d to a notification", r.status);
}

void mcp_http_leave(struct ctx *c, const struct mcp_end *end)
{
    struct headers h = {0};
    struct response_in r;
    add_common(c, end, &h);
    struct request_out request = {
        .method = "DELETE",
        .url = end->url,
        .headers = h.items,
        .header_count = h.count,
        .timeout_ms = TELL_MS,
        .response_max_bytes = 64 << 10,
        .allow_private = end->allow_private,
    };
    if (end->session.n && client_send(c, &request, &r) != E_OK) {
        ctx_forgive(c);
    }
}
