/* The other end of the wire: a server under test with a few routes, and a client made of a bare
 * socket. Every wait ends after WIRE_MS, so that a defect fails a test instead of hanging it. */
#ifndef TEST_UNIT_IO_WIRE_H
#define TEST_UNIT_IO_WIRE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/metric.h"
#include "io/server.h"
#include "io/workers.h"

enum { WIRE_MS = 20000, WIRE_STATIC_BYTES = 3 << 20, WIRE_PARKED_MAX = 64 };

struct wire {
    struct facilities at;
    struct ctx *c;
    struct server *server;
    char *big; /* what /static serves */

    pthread_mutex_t lock; /* over everything below */
    pthread_cond_t moved;
    bool gate_open;
    int arrived, cancelled, opened, closed, freed, messages;
    int order_broken;     /* messages out of order, or two at once for one channel */
    struct channel *last; /* held */
    struct parked *parked[WIRE_PARKED_MAX];
    int parked_count, overs, again;
};

struct wire_session {
    struct wire *wire;
    atomic_int at_work;
    long next;
};

static inline void wire_add(struct wire *w, int *counter)
{
    pthread_mutex_lock(&w->lock);
    ++*counter;
    pthread_cond_broadcast(&w->moved);
    pthread_mutex_unlock(&w->lock);
}

static inline int wire_count(struct wire *w, const int *counter)
{
    pthread_mutex_lock(&w->lock);
    int n = *counter;
    pthread_mutex_unlock(&w->lock);
    return n;
}

/* Waits until *counter is at least n. */
static inline void wire_wait(struct wire *w, const int *counter, int n)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += WIRE_MS / 1000;
    pthread_mutex_lock(&w->lock);
    while (*counter < n) {
        if (pthread_cond_timedwait(&w->moved, &w->lock, &until) != 0) {
            pthread_mutex_unlock(&w->lock);
            fail_msg("waited for %d, got %d", n, *counter);
        }
    }
    pthread_mutex_unlock(&w->lock);
}

static inline void wire_open_gate(struct wire *w)
{
    pthread_mutex_lock(&w->lock);
    w->gate_open = true;
    pthread_cond_broadcast(&w->moved);
    pthread_mutex_unlock(&w->lock);
}

/* Until the gate opens or the task is cancelled. */
static inline bool wire_pass_gate(struct wire *w, struct ctx *c)
{
    wire_add(w, &w->arrived);
    for (;;) {
        pthread_mutex_lock(&w->lock);
        bool open = w->gate_open;
        pthread_mutex_unlock(&w->lock);
        if (open) {
            return true;
        }
        if (ctx_check(c) != E_OK) {
            wire_add(w, &w->cancelled);
            return false;
        }
        usleep(1000);
    }
}

static inline void wire_free_session(void *state)
{
    struct wire_session *s = state;
    wire_add(s->wire, &s->wire->freed);
    free(s);
}

static inline void wire_echo(struct ctx *c, const struct request_in *in, struct response_out *out)
{
    struct buf b = buf_make(64 << 20);
    buf_addf(&b, "%.*s %.*s ? %.*s from %.*s\n", STR_ARG(in->method), STR_ARG(in->path),
             STR_ARG(in->query), STR_ARG(in->peer));
    for (int i = 0; i < in->header_count; i++) {
        buf_addf(&b, "[%.*s]=[%.*s]\n", STR_ARG(in->headers[i].name),
                 STR_ARG(in->headers[i].value));
    }
    buf_addf(&b, "id %s\n\n", c->request_id);
    buf_add_str(&b, in->body);
    out->status = 200;
    out->body = str_dup(c->arena, buf_str(&b));
    buf_free(&b);
}

static inline void wire_stream(struct ctx *c, struct wire *w, struct response_out *out,
                               enum server_stream kind)
{
    struct channel *ch = server_upgrade(c, out, kind);
    if (!ch) {
        out->status = err_http_status(c->fault.err);
        out->body = str_dup(c->arena, str_of(c->fault.text));
        return;
    }
    struct wire_session *s = calloc(1, sizeof(*s));
    s->wire = w;
    channel_attach(ch, s, wire_free_session);
    pthread_mutex_lock(&w->lock);
    struct channel *old = w->last;
    w->last = ch;
    pthread_mutex_unlock(&w->lock);
    channel_release(&old);
    wire_add(w, &w->opened);
}

static inline void wire_over(void *arg)
{
    struct wire *w = arg;
    wire_add(w, &w->overs);
}

static inline bool wire_asked(struct ctx *c, const struct request_in *in, const char *name)
{
    struct str value;
    return request_query(c->arena, in, name, &value);
}

/* Waits to be woken, or for ?ms=; ?early is woken before it has begun, ?mind answers after all. */
static inline void wire_park(struct ctx *c, struct wire *w, const struct request_in *in,
                             struct response_out *out)
{
    struct str text;
    int64_t ms = WIRE_MS;
    if (request_query(c->arena, in, "ms", &text)) {
        str_to_i64(text, &ms);
    }
    struct parked *p = server_park(c, &(struct server_wait){.ms = ms, .over = wire_over, .arg = w});
    if (!p) {
        out->body = in->woken ? STR("again") : STR("not parked");
        wire_add(w, &w->again);
        return;
    }
    if (wire_asked(c, in, "early")) {
        server_wake(p);
    }
    out->status = wire_asked(c, in, "mind") ? 200 : 0;
    out->body = STR("changed my mind");
    pthread_mutex_lock(&w->lock);
    w->parked[w->parked_count++] = p;
    pthread_cond_broadcast(&w->moved);
    pthread_mutex_unlock(&w->lock);
}

static inline void wire_on_request(struct ctx *c, const struct request_in *in,
                                   struct response_out *out, void *arg)
{
    struct wire *w = arg;
    out->status = 200;
    if (str_eqz(in->path, "/echo")) {
        wire_echo(c, in, out);
    } else if (str_eqz(in->path, "/static")) {
        out->body = str_make(w->big, WIRE_STATIC_BYTES);
        out->body_is_static = true;
    } else if (str_eqz(in->path, "/copied")) {
        out->body = str_make(w->big, WIRE_STATIC_BYTES);
    } else if (str_eqz(in->path, "/park")) {
        wire_park(c, w, in, out);
    } else if (str_eqz(in->path, "/wait")) {
        out->status = wire_pass_gate(w, c) ? 200 : 499;
    } else if (str_eqz(in->path, "/inject")) {
        struct str value = STR("");
        request_query(c->arena, in, "v", &value);
        response_header(out, "X-Given", value);
    } else if (str_eqz(in->path, "/inject-name")) {
        response_header(out, "X-A: b\r\nX-C", STR("d"));
    } else if (str_eqz(in->path, "/framing")) {
        response_header(out, "Content-Length", STR("999"));
        response_header(out, "Transfer-Encoding", STR("chunked"));
        response_header(out, "Connection", STR("close"));
        out->body = STR("framed by the server");
    } else if (str_eqz(in->path, "/status")) {
        struct str value = STR("");
        int64_t status = 0;
        request_query(c->arena, in, "n", &value);
        str_to_i64(value, &status);
        out->status = (int)status;
        out->body = STR("body");
    } else if (str_eqz(in->path, "/ws")) {
        response_header(out, "Sec-WebSocket-Protocol", STR("chat"));
        wire_stream(c, w, out, SERVER_WEBSOCKET);
    } else if (str_eqz(in->path, "/sse")) {
        response_header(out, "Content-Type", STR("text/plain"));
        response_header(out, "X-Other", STR("kept"));
        wire_stream(c, w, out, SERVER_SSE);
    } else if (str_eqz(in->path, "/changed-mind")) {
        wire_stream(c, w, out, SERVER_SSE);
        out->status = 403;
    } else {
        out->body = STR("hello");
    }
}

/* "n:<number>" must come in order; "wait" waits at the gate; anything else is echoed. */
static inline void wire_on_message(struct ctx *c, struct channel *ch, struct str text, void *arg)
{
    struct wire *w = arg;
    struct wire_session *s = channel_state(ch);
    int64_t n = -1;
    bool alone = atomic_fetch_add(&s->at_work, 1) == 0;
    if (str_starts(text, STR("n:"))) {
        str_to_i64(str_sub(text, 2, text.n), &n);
        alone = alone && n == s->next++;
    } else if (str_eqz(text, "wait")) {
        wire_pass_gate(w, c);
    } else if (str_eqz(text, "bye")) {
        channel_close(ch, 4001, "as you wish");
    } else {
        channel_send(ch, text);
    }
    if (!alone) {
        wire_add(w, &w->order_broken);
    }
    atomic_fetch_sub(&s->at_work, 1);
    wire_add(w, &w->messages);
}

static inline void wire_on_close(struct ctx *c, struct channel *ch, void *arg)
{
    (void)c;
    struct wire *w = arg;
    struct wire_session *s = channel_state(ch);
    if (s && atomic_load(&s->at_work)) {
        wire_add(w, &w->order_broken);
    }
    wire_add(w, &w->closed);
}

static inline struct wire *wire_start_with(const struct server_config *config,
                                           const int threads[LANE_COUNT], int queue_max)
{
    struct wire *w = calloc(1, sizeof(*w));
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->moved, NULL);
    w->at.clock = clock_new();
    w->at.metrics = metrics_new();
    w->at.workers = workers_new(&w->at, threads, queue_max);
    w->big = malloc(WIRE_STATIC_BYTES);
    for (size_t i = 0; i < WIRE_STATIC_BYTES; i++) {
        w->big[i] = (char)('a' + i * 7 % 26);
    }
    w->c = ctx_new(&w->at, 1 << 20);
    struct server_handler handler = {.arg = w,
                                     .on_request = wire_on_request,
                                     .on_message = wire_on_message,
                                     .on_close = wire_on_close};
    if (server_start(w->c, config, &handler, &w->server) != E_OK) {
        fail_msg("%s", w->c->fault.text);
    }
    return w;
}

static inline struct wire *wire_start(const struct server_config *config)
{
    return wire_start_with(config, NULL, 0);
}

static inline void wire_stop(struct wire *w)
{
    wire_open_gate(w);
    server_stop(&w->server, 5000);
    channel_release(&w->last);
    for (int i = 0; i < w->parked_count; i++) {
        server_forget(&w->parked[i]);
    }
    workers_free(&w->at.workers, 5000);
    assert_int_equal(w->parked_count, w->overs); /* ended once each */
    assert_int_equal(w->opened, w->closed);      /* on_close once for each */
    assert_int_equal(w->opened, w->freed);
    assert_int_equal(w->order_broken, 0);
    ctx_free(&w->c);
    clock_free(&w->at.clock);
    metrics_free(&w->at.metrics);
    free(w->big);
    pthread_mutex_destroy(&w->lock);
    pthread_cond_destroy(&w->moved);
    free(w);
}

/* How many connections the server counts. */
static inline int wire_connections(struct wire *w)
{
    static const char mark[] = "\nrapport_connections ";
    struct buf b = buf_make(1 << 20);
    metrics_write(w->at.metrics, &b);
    ptrdiff_t at = str_find(buf_str(&b), STR(mark));
    assert_true(at >= 0);
    int n = atoi(b.p + at + sizeof(mark) - 1);
    buf_free(&b);
    return n;
}

static inline void wire_wait_connections(struct wire *w, int n)
{
    int64_t until_ms = clock_steady_ms() + WIRE_MS;
    while (wire_connections(w) != n) {
        if (clock_steady_ms() > until_ms) {
            fail_msg("waited for %d connections, got %d", n, wire_connections(w));
        }
        usleep(500);
    }
}

/* The client. */

static inline int wire_connect(const struct wire *w)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)server_port(w->server)),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
    return fd;
}

static inline void wire_send(int fd, const void *p, size_t n)
{
    for (size_t at = 0; at < n;) {
        ssize_t sent = send(fd, (const char *)p + at, n - at, MSG_NOSIGNAL);
        if (sent < 0) {
            return; /* hung up on: the test sees it when it reads */
        }
        at += (size_t)sent;
    }
}

static inline void wire_say(int fd, const char *text)
{
    wire_send(fd, text, strlen(text));
}

/* More bytes into b; false at the end of the connection. */
static inline bool wire_more(int fd, struct buf *b)
{
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    if (poll(&ready, 1, WIRE_MS) <= 0) {
        fail_msg("nothing came; so far: %.200s", b->p ? b->p : "");
    }
    char *at = buf_reserve(b, 65536);
    assert_non_null(at);
    ssize_t n = recv(fd, at, 65536, 0);
    buf_grew(b, n > 0 ? (size_t)n : 0);
    return n > 0;
}

static inline struct buf wire_buf(void)
{
    return buf_make(64 << 20);
}

/* Reads until `mark` is there, and returns where; fails at the end of the connection. */
static inline size_t wire_until(int fd, struct buf *b, const char *mark)
{
    for (;;) {
        ptrdiff_t at = str_find(buf_str(b), str_of(mark));
        if (at >= 0) {
            return (size_t)at;
        }
        if (!wire_more(fd, b)) {
            fail_msg("no \"%s\" in: %.300s", mark, b->p);
        }
    }
}

static inline void wire_to_end(int fd, struct buf *b)
{
    while (wire_more(fd, b)) {}
}

/* One answer with its body, cut off b. The text is the caller's to free. */
static inline char *wire_answer(int fd, struct buf *b, int *out_status)
{
    size_t head = wire_until(fd, b, "\r\n\r\n") + 4;
    ptrdiff_t at = str_find(str_make(b->p, head), STR("\r\nContent-Length: "));
    size_t body = at < 0 ? 0 : (size_t)strtoul(b->p + at + 18, NULL, 10);
    while (b->n < head + body) {
        if (!wire_more(fd, b)) {
            fail_msg("cut off");
        }
    }
    *out_status = atoi(b->p + 9);
    char *text = calloc(1, head + body + 1);
    memcpy(text, b->p, head + body);
    buf_drop(b, head + body);
    return text;
}

/* Sends a whole request on a connection of its own; returns the first answer, to be freed. */
static inline char *wire_ask(const struct wire *w, const char *request, int *out_status)
{
    int fd = wire_connect(w);
    struct buf b = wire_buf();
    wire_say(fd, request);
    char *text = wire_answer(fd, &b, out_status);
    buf_free(&b);
    close(fd);
    return text;
}

static inline int wire_status(const struct wire *w, const char *request)
{
    int status = 0;
    free(wire_ask(w, request, &status));
    return status;
}

#endif
