#include "io/conn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/map.h"
#include "base/metric.h"
#include "io/channel.h"
#include "io/conn_request.h"
#include "io/conn_stream.h"
#include "io/exchange.h"
#include "io/listen.h"
#include "io/parked.h"
#include "io/response.h"
#include "io/tls.h"

enum {
    READS_MAX = 4,          /* per event, so that no peer keeps the others waiting */
    LINGER_BYTES = 4 << 20, /* of what a refused peer still sends */
    REFUSALS_MAX = 256,     /* connections past the maximum that are told so */
    SOCK_AGAIN = -1,
    SOCK_FAILED = -2,
};

static void count_connections(struct server *s, int change)
{
    int now = atomic_fetch_add(&s->connections, change) + change;
    if (s->connections_gauge) {
        metric_set(s->connections_gauge, now);
    }
}

/* Counts a connection of the address in or out; false when it would be one too many. */
static bool count_address(struct server *s, const char *peer, int change)
{
    int most = s->config.connections_per_address;
    if (most <= 0) {
        return true;
    }
    pthread_mutex_lock(&s->address_lock);
    intptr_t n = (intptr_t)map_get(s->addresses, str_of(peer)) + change;
    bool fits = n <= most || change < 0;
    if (fits && n > 0) {
        map_set(s->addresses, str_of(peer), (void *)n);
    } else if (fits) {
        map_remove(s->addresses, str_of(peer));
    }
    pthread_mutex_unlock(&s->address_lock);
    return fits;
}

/* Of all whose request is still to come, the one that takes longest makes room. */
static void make_room(struct loop *l)
{
    static const enum timer_class slow[] = {TIMER_HEADER, TIMER_BODY};
    for (size_t i = 0; i < sizeof(slow) / sizeof(*slow); i++) {
        if (l->timers[slow[i]].first) {
            conn_cut(l->timers[slow[i]].first);
            return;
        }
    }
}

void conn_open(struct loop *l, int fd, const char *peer)
{
    struct server *s = l->server;
    if (atomic_load(&s->connections) >= s->config.connections_max) {
        make_room(l);
    }
    int over = atomic_load(&s->connections) - s->config.connections_max;
    if (over >= REFUSALS_MAX) {
        close(fd);
        return;
    }
    struct conn *conn = mem_new(sizeof(*conn));
    conn->loop = l;
    conn->fd = fd;
    conn->state = s->tls ? CONN_HANDSHAKE : CONN_HEAD;
    conn->timer = TIMER_NONE;
    conn->in = buf_make(s->config.frame_max_bytes + SERVER_HEADER_BYTES_MAX +
                        (size_t)READS_MAX * LOOP_SCRATCH_BYTES);
    conn->out = buf_make(SIZE_MAX / 2); /* filled by us alone, from bounded things */
    memcpy(conn->peer, peer, sizeof(conn->peer));
    count_connections(s, 1);
    conn->counted = count_address(s, peer, 1);
    loop_arm(l, conn, TIMER_HEADER);
    conn->events = EPOLLIN | EPOLLRDHUP;
    conn->tls = s->tls ? tls_session_new(s->tls, fd) : NULL;
    loop_adopt(l, conn);
    if (s->tls && (over >= 0 || !conn->counted || !conn->tls)) {
        conn_cut(conn);
    } else if (over >= 0 && conn->state != CONN_DEAD) {
        conn_refuse(conn, (struct http1_refusal){503, "There are too many connections."});
    } else if (!conn->counted && conn->state != CONN_DEAD) {
        conn_refuse(conn,
                    (struct http1_refusal){503, "There are too many connections from there."});
    }
}

static bool has_output(const struct conn *conn)
{
    return conn->out_at < conn->out.n || conn->out_static.n > 0;
}

static void drop_exchange(struct conn *conn)
{
    if (conn->exchange && conn->state == CONN_RUNNING) {
        conn->exchange->conn = NULL; /* it comes back through the inbox */
        atomic_store(&conn->exchange->cancel, true);
        parked_hurry(conn->exchange);
        conn->exchange = NULL;
    }
    exchange_free(&conn->exchange);
}

void conn_cut(struct conn *conn)
{
    if (conn->state == CONN_DEAD) {
        return;
    }
    drop_exchange(conn);
    conn->state = CONN_DEAD;
    if (conn->channel) {
        channel_gone(&conn->channel);
    }
    tls_session_free(&conn->tls);
    if (has_output(conn)) { /* it takes nothing: nor shall the system keep it for the peer */
        struct linger hard = {.l_onoff = 1, .l_linger = 0};
        setsockopt(conn->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
    }
    close(conn->fd);
    buf_free(&conn->in);
    buf_free(&conn->out);
    buf_free(&conn->reader.message);
    count_connections(conn->loop->server, -1);
    if (conn->counted) {
        count_address(conn->loop->server, conn->peer, -1);
    }
    loop_bury(conn->loop, conn);
}

static bool wants_bytes(const struct conn *conn)
{
    switch (conn->state) {
    case CONN_RUNNING:
    case CONN_ANSWERING:
        return !conn->deaf;
    case CONN_STREAM:
        return !conn->paused;
    default:
        return true;
    }
}

void conn_watch(struct conn *conn)
{
    if (conn->state == CONN_DEAD) {
        return;
    }
    uint32_t events = 0;
    if (wants_bytes(conn)) {
        events |= EPOLLIN | EPOLLRDHUP;
    }
    if (has_output(conn) || conn->tls_read_wants_write) {
        events |= EPOLLOUT;
    }
    loop_watch(conn->loop, conn, events);
}

static int sock_read(struct conn *conn, char *out, size_t size_bytes)
{
    if (conn->tls) {
        int n = tls_read(conn->tls, out, size_bytes);
        conn->tls_read_wants_write = n == TLS_WANT_WRITE;
        return n >= 0 ? n : n == TLS_FAILED ? SOCK_FAILED : SOCK_AGAIN;
    }
    ssize_t n = recv(conn->fd, out, size_bytes, 0);
    if (n >= 0) {
        return (int)n;
    }
    return errno == EAGAIN || errno == EINTR ? SOCK_AGAIN : SOCK_FAILED;
}

static int sock_write(struct conn *conn, struct str first, struct str second)
{
    if (conn->tls) {
        struct str part = first.n ? first : second;
        int n = tls_write(conn->tls, part.p, part.n);
        return n > 0 ? n : n == TLS_FAILED || n == TLS_EOF ? SOCK_FAILED : SOCK_AGAIN;
    }
    struct iovec parts[2] = {{(void *)(uintptr_t)first.p, first.n},
                             {(void *)(uintptr_t)second.p, second.n}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = second.n ? 2 : 1};
    ssize_t n = sendmsg(conn->fd, &message, MSG_NOSIGNAL);
    if (n >= 0) {
        return (int)n;
    }
    return errno == EAGAIN || errno == EINTR ? SOCK_AGAIN : SOCK_FAILED;
}

void conn_linger(struct conn *conn)
{
    if (conn->channel) {
        channel_gone(&conn->channel);
    }
    conn->state = CONN_LINGER;
    conn->body_left = LINGER_BYTES;
    buf_free(&conn->in);
    if (conn->tls) {
        tls_shutdown(conn->tls);
    }
    shutdown(conn->fd, SHUT_WR);
    loop_arm(conn->loop, conn, TIMER_LINGER);
    conn_watch(conn);
}

/* The answer is out. */
static void next_request(struct conn *conn)
{
    if (conn->last) {
        conn_linger(conn);
        return;
    }
    conn->state = CONN_HEAD;
    conn->deaf = false;
    loop_arm(conn->loop, conn, TIMER_IDLE);
    conn_pump(conn);
}

/* 1: all is written; 0: the peer takes no more for now; -1: it is gone. */
static int write_queued(struct conn *conn)
{
    while (has_output(conn)) {
        struct str first =
            str_make(conn->out.p ? conn->out.p + conn->out_at : "", conn->out.n - conn->out_at);
        int n = sock_write(conn, first, conn->out_static);
        if (n < 0) {
            return n == SOCK_AGAIN ? 0 : -1;
        }
        size_t of_first = (size_t)n < first.n ? (size_t)n : first.n;
        conn->out_at += of_first;
        conn->out_static = str_sub(conn->out_static, (size_t)n - of_first, conn->out_static.n);
        if (conn->timer == TIMER_WRITE) {
            loop_arm(conn->loop, conn, TIMER_WRITE); /* LISTEN_UNSENT_BYTES / 2 went: time anew */
        }
    }
    conn->out_at = 0;
    buf_free(&conn->out);
    return 1;
}

void conn_flush(struct conn *conn)
{
    int written = write_queued(conn);
    while (written == 1 && conn->state == CONN_STREAM && conn_stream_refill(conn)) {
        written = write_queued(conn);
    }
    if (written < 0) {
        conn_cut(conn);
    } else if (written == 1 && conn->state == CONN_ANSWERING) {
        next_request(conn);
    } else if (written == 0 && conn->timer != TIMER_WRITE &&
               (conn->state == CONN_ANSWERING || conn->state == CONN_STREAM)) {
        loop_arm(conn->loop, conn, TIMER_WRITE);
    }
    conn_watch(conn);
}

void conn_refuse(struct conn *conn, struct http1_refusal why)
{
    struct loop *l = conn->loop;
    struct response_frame frame = {.now_ms = clock_now_ms(l->server->at->clock),
                                   .minor_version = 1,
                                   .head_only = conn->head_only,
                                   .last = true};
    char request_id[CTX_REQUEST_ID_BYTES + 1];
    id_random_hex(request_id, CTX_REQUEST_ID_BYTES / 2);
    struct buf reply;
    response_problem_write(why.status, why.detail, request_id, &frame, &reply);
    drop_exchange(conn);
    buf_add_str(&conn->out, buf_str(&reply));
    buf_free(&reply);
    conn->last = true;
    conn->state = CONN_ANSWERING;
    loop_arm(l, conn, TIMER_WRITE);
    conn_flush(conn);
}

/* Takes what is understood; returns how much. */
static size_t feed(struct conn *conn, struct str bytes)
{
    size_t used = 0;
    while (used < bytes.n) {
        struct str rest = str_sub(bytes, used, bytes.n);
        size_t n = 0;
        switch (conn->state) {
        case CONN_HEAD:
        case CONN_BODY:
        case CONN_CHUNKS:
            n = conn_request_feed(conn, rest);
            break;
        case CONN_STREAM:
            n = conn->paused ? 0 : conn_stream_feed(conn, rest);
            break;
        case CONN_LINGER:
            n = rest.n;
            conn->body_left -= (int64_t)n;
            if (conn->body_left < 0) {
                conn_cut(conn);
            }
            break;
        default:
            break;
        }
        if (n == 0) {
            break;
        }
        used += n;
    }
    return used;
}

/* What could not be used yet is kept, and the clock for a head starts with its first byte. */
static void take(struct conn *conn, struct str bytes)
{
    size_t used;
    if (conn->in.n) {
        if (!buf_add_str(&conn->in, bytes)) {
            conn_cut(conn);
            return;
        }
        conn_pump(conn);
        return;
    }
    used = feed(conn, bytes);
    if (conn->state == CONN_DEAD || conn->state == CONN_LINGER || used == bytes.n) {
        return;
    }
    buf_add(&conn->in, bytes.p + used, bytes.n - used);
    if (conn->state == CONN_HEAD && conn->timer == TIMER_IDLE) {
        loop_arm(conn->loop, conn, TIMER_HEADER);
    }
}

void conn_pump(struct conn *conn)
{
    struct buf in = conn->in; /* feeding may end the connection, and with it conn->in */
    conn->in = buf_make(in.max_bytes);
    size_t used = feed(conn, buf_str(&in));
    bool over = conn->state == CONN_DEAD || conn->state == CONN_LINGER;
    if (over || used == in.n) {
        buf_free(&in);
        return;
    }
    buf_drop(&in, used);
    conn->in = in;
    if (conn->state == CONN_HEAD && conn->timer == TIMER_IDLE) {
        loop_arm(conn->loop, conn, TIMER_HEADER);
    }
}

static void conn_read(struct conn *conn)
{
    if (conn->state == CONN_RUNNING || conn->state == CONN_ANSWERING) {
        conn->deaf = true; /* the next request, early: it is read when its turn comes */
        conn_watch(conn);
        return;
    }
    char *scratch = conn->loop->scratch;
    for (int i = 0; i < READS_MAX && conn->state != CONN_DEAD && wants_bytes(conn); i++) {
        if (conn->state == CONN_RUNNING || conn->state == CONN_ANSWERING) {
            break;
        }
        int n = sock_read(conn, scratch, LOOP_SCRATCH_BYTES);
        if (n == SOCK_AGAIN) {
            break;
        }
        if (n <= 0) {
            conn_cut(conn); /* whole requests are with a worker already; half ones are nothing */
            return;
        }
        take(conn, str_make(scratch, (size_t)n));
        if (n < LOOP_SCRATCH_BYTES && !conn->tls) {
            break;
        }
    }
    conn_watch(conn);
}

static void handshake(struct conn *conn)
{
    int rc = tls_handshake(conn->tls);
    if (rc == TLS_FAILED || rc == TLS_EOF) {
        conn_cut(conn);
        return;
    }
    conn->tls_read_wants_write = rc == TLS_WANT_WRITE;
    if (rc == 1) {
        conn->state = CONN_HEAD;
        conn_read(conn);
    }
    conn_watch(conn);
}

void conn_event(struct conn *conn, uint32_t events)
{
    if (conn->state == CONN_DEAD) {
        return;
    }
    if (events & (EPOLLERR | EPOLLHUP)) {
        conn_cut(conn);
        return;
    }
    if (conn->state == CONN_HANDSHAKE) {
        handshake(conn);
        return;
    }
    if (events & (EPOLLIN | EPOLLRDHUP) || conn->tls_read_wants_write) {
        conn_read(conn);
    }
    if (conn->state != CONN_DEAD && events & EPOLLOUT && has_output(conn)) {
        conn_flush(conn);
    }
}

void conn_timer(struct conn *conn, enum timer_class class)
{
    if (class == TIMER_PING && conn->state == CONN_STREAM) {
        conn_stream_ping(conn);
    } else if ((class == TIMER_HEADER && conn->in.n) || class == TIMER_BODY) {
        conn_refuse(conn, (struct http1_refusal){408, "The request took too long to arrive."});
    } else {
        conn_cut(conn);
    }
}

void conn_answer(struct conn *conn, struct exchange *ex)
{
    conn->exchange = NULL;
    conn->last = conn->last || ex->last;
    if (conn->out.n) {
        buf_add_str(&conn->out, buf_str(&ex->reply)); /* behind a 100 the peer has not taken yet */
    } else {
        conn->out = ex->reply;
        ex->reply = buf_make(0);
    }
    conn->out_static = ex->reply_static;
    if (ex->stream) {
        conn_stream_begin(conn, ex->channel);
        ex->channel = NULL;
        conn_pump(conn);
        if (conn->state == CONN_DEAD) {
            return;
        }
    } else {
        if (ex->channel) {
            channel_gone(&ex->channel); /* made, then not used */
        }
        conn->state = CONN_ANSWERING;
        loop_arm(conn->loop, conn, TIMER_WRITE);
    }
    conn_flush(conn);
}

void conn_channel_touched(struct conn *conn)
{
    if (conn->paused && channel_has_room(conn->channel)) {
        conn->paused = false;
        conn_pump(conn);
    }
    if (conn->state == CONN_STREAM && !has_output(conn)) {
        conn_flush(conn);
    } else if (conn->state == CONN_STREAM) {
        if (channel_is_cut(conn->channel)) {
            conn_cut(conn);
        }
    }
    conn_watch(conn);
}

void conn_drain(struct conn *conn)
{
    conn->last = true;
    if (conn->state == CONN_HANDSHAKE || (conn->state == CONN_HEAD && conn->in.n == 0)) {
        conn_cut(conn);
    } else if (conn->state == CONN_STREAM) {
        channel_close(conn->channel, WS_GOING_AWAY, "the server is stopping");
        conn_channel_touched(conn);
    } else if (conn->state == CONN_RUNNING) {
        parked_hurry(conn->exchange);
    }
}
