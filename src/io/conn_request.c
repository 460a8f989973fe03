#include "io/conn_request.h"

#include <string.h>

#include "io/exchange.h"
#include "io/pressure.h"
#include "io/workers.h"

enum { PROGRESS_BYTES = 64 << 10 }; /* of a body, within one body_timeout_ms */

static const struct http1_refusal BUSY = {503, "The server is busy; try again."};
static const struct http1_refusal SHORT_OF_MEMORY = {503,
                                                     "The server is short of memory; try again."};

static void dispatch(struct conn *conn)
{
    struct loop *l = conn->loop;
    if (l->draining) {
        conn_refuse(conn, (struct http1_refusal){503, "The server is stopping."});
        return;
    }
    conn->state = CONN_RUNNING;
    loop_arm(l, conn, TIMER_NONE);
    if (!loop_post(l, exchange_lane(conn->exchange), conn->exchange)) {
        conn->state = CONN_BODY; /* the exchange is ours again */
        conn_refuse(conn, BUSY);
    }
}

static void say_continue(struct conn *conn)
{
    static const struct str text = {"HTTP/1.1 100 Continue\r\n\r\n", 25};
    buf_add_str(&conn->out, text);
    conn_flush(conn);
}

static void begin_body(struct conn *conn, const struct http1_head *head, bool arrived)
{
    size_t max_bytes = conn->loop->server->config.body_max_bytes;
    if (head->body_length > 0 && (uint64_t)head->body_length > max_bytes) {
        conn_refuse(conn, (struct http1_refusal){413, "The body is too large."});
        return;
    }
    if (head->body_length == 0) {
        dispatch(conn);
        return;
    }
    if (pressure_is_high(conn->loop->server->pressure)) {
        conn_refuse(conn, SHORT_OF_MEMORY);
        return;
    }
    conn->state = head->body_length < 0 ? CONN_CHUNKS : CONN_BODY;
    conn->body_left = head->body_length;
    conn->body_mark = PROGRESS_BYTES;
    conn->chunks = (struct http1_chunks){0};
    loop_arm(conn->loop, conn, TIMER_BODY);
    if (head->expects_continue && !arrived) {
        say_continue(conn);
    }
}

static size_t feed_head(struct conn *conn, struct str bytes)
{
    if (conn->scanned == 0 && str_starts(bytes, STR("\r\n"))) {
        return 2; /* an empty line before a request is ignored (RFC 9112 section 2.2) */
    }
    if (conn->scanned == 0 && str_eqz(bytes, "\r")) {
        return 0;
    }
    struct http1_refusal why = {0, NULL};
    size_t n = http1_head_bytes(bytes, &conn->scanned, &why);
    if (n == 0) {
        if (why.status) {
            conn_refuse(conn, why);
        }
        return 0;
    }
    conn->scanned = 0;
    struct http1_head head;
    char path[SERVER_PATH_MAX_BYTES];
    size_t path_bytes = 0;
    struct str text = str_sub(bytes, 0, n);
    conn->head_only = str_starts(text, STR("HEAD "));
    if (!http1_head_read(text, &head, &why)) {
        conn_refuse(conn, why);
    } else if (!http1_path(head.path, path, &path_bytes)) {
        conn_refuse(conn, (struct http1_refusal){400, "The path is malformed."});
    } else {
        conn->exchange = exchange_new(conn->loop, text, &head, str_make(path, path_bytes));
        conn->exchange->conn = conn;
        memcpy(conn->exchange->peer, conn->peer, sizeof(conn->peer));
        begin_body(conn, &head, bytes.n > n);
    }
    return n;
}

/* Counts what the body grew by; false when all bodies together, or all that the process holds, are
 * too much. */
static bool hold_body(struct conn *conn, size_t before)
{
    struct server *s = conn->loop->server;
    size_t grown = conn->exchange->body.n - before;
    size_t held = atomic_fetch_add(&s->body_bytes, grown) + grown;
    if (conn->exchange->body.n >= conn->body_mark) {
        conn->body_mark = conn->exchange->body.n + PROGRESS_BYTES;
        loop_arm(conn->loop, conn, TIMER_BODY);
    }
    return held <= s->config.bodies_max_bytes && !pressure_is_high(s->pressure);
}

static size_t feed_body(struct conn *conn, struct str bytes)
{
    struct buf *body = &conn->exchange->body;
    size_t n = (uint64_t)conn->body_left < bytes.n ? (size_t)conn->body_left : bytes.n;
    size_t before = body->n;
    buf_add(body, bytes.p, n);
    conn->body_left -= (int64_t)n;
    if (!hold_body(conn, before)) {
        conn_refuse(conn, SHORT_OF_MEMORY);
    } else if (conn->body_left == 0) {
        dispatch(conn);
    }
    return n;
}

static size_t feed_chunks(struct conn *conn, struct str bytes)
{
    size_t used = 0;
    size_t before = conn->exchange->body.n;
    enum http1_fed fed = http1_chunks_feed(&conn->chunks, bytes, &conn->exchange->body, &used);
    bool fits = hold_body(conn, before);
    if (fed == HTTP1_BAD) {
        conn_refuse(conn, (struct http1_refusal){400, "The chunked body is malformed."});
    } else if (fed == HTTP1_TOO_LARGE) {
        conn_refuse(conn, (struct http1_refusal){413, "The body is too large."});
    } else if (!fits) {
        conn_refuse(conn, SHORT_OF_MEMORY);
    } else if (fed == HTTP1_DONE) {
        dispatch(conn);
    }
    return used;
}

size_t conn_request_feed(struct conn *conn, struct str bytes)
{
    switch (conn->state) {
    case CONN_HEAD:
        return feed_head(conn, bytes);
    case CONN_BODY:
        return feed_body(conn, bytes);
    default:
        return feed_chunks(conn, bytes);
    }
}
