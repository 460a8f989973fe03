/* One connection: HTTP/1.x in, answers and streams out. Loop code: everything here runs on the
 * connection's loop thread and never blocks. */
#ifndef IO_CONN_H
#define IO_CONN_H

#include "io/http1.h"
#include "io/loop.h"
#include "io/ws.h"

struct tls_session;

enum conn_state {
    CONN_HANDSHAKE, /* TLS */
    CONN_HEAD,      /* between requests, or in the head of one */
    CONN_BODY,
    CONN_CHUNKS,
    CONN_RUNNING,   /* a worker has the request */
    CONN_ANSWERING, /* the answer is being written */
    CONN_STREAM,    /* an SSE stream or a WebSocket */
    CONN_LINGER,    /* said all; waits for the peer to hang up, so that it reads the last answer */
    CONN_DEAD,
};

enum { CONN_PEER_BYTES = 46 };

struct conn {
    struct loop *loop;
    struct conn *prev, *next; /* in loop->conns, then in loop->graves */
    struct conn *timer_prev, *timer_next;
    int64_t timer_due_ms;
    enum timer_class timer;
    enum conn_state state;
    int fd;
    uint32_t events; /* what epoll watches */
    struct tls_session *tls;
    bool tls_read_wants_write;
    bool counted;   /* among those of its address */
    bool head_only; /* the request at hand is a HEAD */
    bool last;      /* hang up after what is being written */
    bool deaf;      /* bytes that came early wait in the socket */
    bool paused;    /* so do messages, until the channel's owner has caught up */
    bool ping_sent; /* and nothing heard since */
    bool said_bye;  /* our goodbye on the stream is written */
    bool heard_bye; /* nothing more is understood: the peer closed, or broke the protocol */

    struct buf in; /* what arrived and is not yet understood; empty when idle */
    size_t scanned;
    struct buf out;
    size_t out_at;
    struct str out_static; /* follows `out` */

    struct exchange *exchange; /* being read, or with a worker */
    struct http1_chunks chunks;
    int64_t body_left;
    size_t body_mark; /* body bytes at which the timer is set anew */
    struct channel *channel;
    struct ws_reader reader;
    char peer[CONN_PEER_BYTES];
};

/* Takes over the socket; peer is its address as text. */
void conn_open(struct loop *l, int fd, const char *peer);
void conn_event(struct conn *conn, uint32_t events);
void conn_timer(struct conn *conn, enum timer_class class);
/* A worker has answered; ex->conn is alive. */
void conn_answer(struct conn *conn, struct exchange *ex);
/* Something changed on its channel: bytes to send, an end, or room for more messages. */
void conn_channel_touched(struct conn *conn);
/* The server stops: idle connections hang up, streams say goodbye. */
void conn_drain(struct conn *conn);
/* Hangs up at once; the memory is freed at the end of the loop's turn. */
void conn_cut(struct conn *conn);

/* Writes what is queued, as far as the peer takes it. */
void conn_flush(struct conn *conn);
/* Says goodbye and waits for the peer to hang up: closing at once would take the last answer from a
 * peer that is still sending. */
void conn_linger(struct conn *conn);
/* Understands what is waiting in `in`. */
void conn_pump(struct conn *conn);
/* Has epoll watch for what the state needs. */
void conn_watch(struct conn *conn);
/* Queues an answer of the loop's own and hangs up after it. */
void conn_refuse(struct conn *conn, struct http1_refusal why);

#endif
