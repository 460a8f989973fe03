#include "io/exchange.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/trace.h"
#include "io/channel.h"
#include "io/parked.h"
#include "io/response.h"
#include "io/ws.h"

static struct str moved(struct str s, const char *from, const char *to)
{
    return s.n ? str_make(to + (s.p - from), s.n) : STR("");
}

struct exchange *exchange_new(struct loop *l, struct str head_bytes, const struct http1_head *head,
                              struct str path)
{
    struct exchange *ex = mem_new(sizeof(*ex) + head_bytes.n + path.n + 1);
    ex->loop = l;
    atomic_init(&ex->cancel, false);
    atomic_init(&ex->parked, NULL);
    memcpy(ex->text, head_bytes.p, head_bytes.n);
    memcpy(ex->text + head_bytes.n, path.p, path.n);
    ex->path = str_make(ex->text + head_bytes.n, path.n);
    ex->head = *head;
    ex->head.method = moved(head->method, head_bytes.p, ex->text);
    ex->head.path = moved(head->path, head_bytes.p, ex->text);
    ex->head.query = moved(head->query, head_bytes.p, ex->text);
    for (int i = 0; i < head->header_count; i++) {
        ex->head.headers[i].name = moved(head->headers[i].name, head_bytes.p, ex->text);
        ex->head.headers[i].value = moved(head->headers[i].value, head_bytes.p, ex->text);
    }
    ex->body = buf_make(l->server->config.body_max_bytes);
    ex->last = !head->keep_alive;
    return ex;
}

enum worker_lane exchange_lane(const struct exchange *ex)
{
    const struct server_handler *h = &ex->loop->server->handler;
    return h->lane ? h->lane(ex->head.method, ex->path, h->arg) : LANE_REQUEST;
}

void exchange_free(struct exchange **ex)
{
    if (*ex) {
        atomic_fetch_sub(&(*ex)->loop->server->body_bytes, (*ex)->body.n);
        buf_free(&(*ex)->body);
        buf_free(&(*ex)->reply);
        struct parked *parked = atomic_load(&(*ex)->parked);
        parked_release(&parked);
        free(*ex);
        *ex = NULL;
    }
}

static void adopt_timeout(struct ctx *c, struct str seconds)
{
    int64_t s = 0;
    if (str_to_i64(seconds, &s) && s > 0 && s < 3600) {
        ctx_limit(c, s * 1000);
    }
}

static struct request_in request_of(const struct exchange *ex)
{
    return (struct request_in){
        .method = ex->head.method,
        .path = ex->path,
        .query = ex->head.query,
        .headers = ex->head.headers,
        .header_count = ex->head.header_count,
        .body = buf_str(&ex->body),
        .peer = str_of(ex->peer),
        .tls = ex->loop->server->tls != NULL,
        .wants_websocket = ex->head.websocket,
        .woken = ex->again,
    };
}

static bool write_reply(struct exchange *ex, const struct request_in *in,
                        const struct response_out *out, const struct response_frame *frame)
{
    if (!ex->stream) {
        return response_write(out, frame, &ex->reply, &ex->reply_static);
    }
    char accept[WS_ACCEPT_BYTES + 1] = "";
    if (ex->channel->kind == SERVER_WEBSOCKET) {
        ws_accept(request_header(in, "sec-websocket-key"), accept);
    }
    return response_stream_write(out, frame, str_of(accept), &ex->reply);
}

static void answer(struct ctx *c, struct exchange *ex, const struct request_in *in,
                   const struct response_out *out)
{
    ex->stream = ex->channel && out->channel == ex->channel && out->status < 300;
    ex->last = ex->last || ex->stream;
    struct response_frame frame = {
        .now_ms = ctx_now_ms(c),
        .minor_version = ex->head.minor_version,
        .head_only = str_eqz(ex->head.method, "HEAD"),
        .last = ex->last,
    };
    if (!write_reply(ex, in, out, &frame)) {
        log_at(c, LOG_ERROR, "malformed answer of a handler", LOG_INT("status", out->status));
        ex->stream = false;
        response_problem_write(500, "The answer could not be written.", c->request_id, &frame,
                               &ex->reply);
    }
    loop_answered(ex->loop, ex);
}

void exchange_run(struct ctx *c, void *exchange)
{
    struct exchange *ex = exchange;
    const struct server_handler *handler = &ex->loop->server->handler;
    parked_end(ex);
    struct request_in in = request_of(ex);
    struct response_out out = {.status = 0};
    c->exchange = ex;
    c->cancel = &ex->cancel;
    char caller[TRACE_SPAN_BYTES + 1]; /* the span is for whoever records spans */
    trace_adopt(c, request_header(&in, "traceparent"), caller);
    adopt_timeout(c, request_header(&in, "request-timeout"));
    bool deferred = false;
    ex->deferred = &deferred;
    handler->on_request(c, &in, &out, handler->arg);
    if (deferred) {
        return; /* and c and ex may be gone */
    }
    ex->deferred = NULL;
    c->exchange = NULL;
    c->cancel = NULL; /* the exchange may be gone before the ctx is */
    if (!parked_begin(c, ex, out.status != 0)) {
        answer(c, ex, &in, &out);
    }
}

bool server_defer(struct ctx *c)
{
    struct exchange *ex = c->exchange;
    bool can = ex && ex->deferred && !ex->channel && !atomic_load(&ex->parked) && workers_take(c);
    if (can) {
        *ex->deferred = true;
        ex->deferred = NULL;
        c->cancel = NULL;
    }
    return can;
}

void server_answer(struct ctx **c, const struct response_out *out)
{
    struct exchange *ex = (*c)->exchange;
    struct request_in in = request_of(ex);
    (*c)->exchange = NULL;
    answer(*c, ex, &in, out);
    ctx_free(c);
}

static bool is_handshake(const struct exchange *ex)
{
    struct request_in in = request_of(ex);
    return ex->head.websocket && str_eqz(request_header(&in, "sec-websocket-version"), "13") &&
           ws_key_is_valid(request_header(&in, "sec-websocket-key"));
}

struct channel *server_upgrade(struct ctx *c, struct response_out *out, enum server_stream kind)
{
    struct exchange *ex = c->exchange;
    if (!ex || ex->channel) {
        (void)ctx_fail(c, E_UNAVAILABLE, "there is no request here that could become a stream");
        return NULL;
    }
    if (str_eqz(ex->head.method, "HEAD")) {
        (void)ctx_fail(c, E_INVALID, "a HEAD request cannot become a stream");
        return NULL;
    }
    if (kind == SERVER_WEBSOCKET && !is_handshake(ex)) {
        (void)ctx_fail(c, E_INVALID, "this address takes WebSocket connections (version 13) only");
        return NULL;
    }
    ex->channel = channel_new(ex->loop, kind, ex->head.minor_version >= 1);
    out->channel = ex->channel;
    return channel_hold(ex->channel);
}
