/* HTTP/1.1 (RFC 9112), SSE and WebSocket (RFC 6455) server with TLS, on its own loop threads. The
 * loop reads a whole request (bounded), hands it to `on_request` on a worker thread, and writes
 * what comes back. Task code never sees a socket: it holds a `struct channel` (one SSE stream or
 * WebSocket), which stays valid after the peer went away and says so.
 *
 * What is malformed or past a bound is answered by the loop itself with a problem document: 400,
 * 408, 413, 414, 417, 431, 501, 503, 505. Requests that two readers could read differently (RFC
 * 9112 section 11) are refused: two lengths, bare line feeds, folded headers, white space before a
 * colon. */
#ifndef IO_SERVER_H
#define IO_SERVER_H

#include <stdatomic.h>
#include <stdbool.h>

#include "base/ctx.h"
#include "io/client.h" /* struct header */
#include "io/workers.h"

struct server;
struct channel;

enum {
    SERVER_HEADERS_MAX = 64,
    SERVER_HEADER_BYTES_MAX = 16 << 10,
    SERVER_PATH_MAX_BYTES = 4096,
};

struct server_config {
    const char *address;            /* "127.0.0.1" */
    int port;                       /* 0: any free one, see server_port */
    const char *tls_cert, *tls_key; /* PEM files, or NULL */
    /* Default 20,000. Then a peer whose request is slowest to arrive makes room for the next; when
     * there is none such, the next is refused with 503. */
    int connections_max;
    int connections_per_address;    /* further ones of it are refused with 503; 0: any number */
    size_t body_max_bytes;          /* default 10 MiB; 413 past it */
    size_t frame_max_bytes;         /* WebSocket message, default 64 KiB; close 1009 past it */
    size_t channel_queue_max_bytes; /* unsent bytes per channel, default 1 MiB; past it the peer is
                                       cut */
    int header_timeout_ms;          /* default 10,000: slow-loris guard */
    int body_timeout_ms;            /* default 30,000 */
    int idle_timeout_ms;            /* keep-alive, default 60,000 */
    int write_timeout_ms;           /* default 30,000: a peer that takes neither 64 KiB nor the rest
                                     * in that time is cut */
    int ping_interval_ms;           /* WebSocket pings, SSE comments; default 25,000. A WebSocket
                                     * peer silent for two intervals is cut */
    size_t bodies_max_bytes;        /* request bodies held at once, default 256 MiB, or a quarter of
                                     * the memory there may be when that is less; 503 past it */
    size_t memory_max_bytes;        /* requests with a body get 503 while the process uses more; 0:
                                     * see io/pressure.h */
    int loop_threads;               /* default 1 */
};

/* One request, whole, immutable, in the exchange ctx's arena. */
struct request_in {
    struct str method;
    struct str path;  /* decoded once, normalised; "/api/v1/agents" */
    struct str query; /* raw, after '?' */
    const struct header *headers;
    int header_count;
    struct str body;
    struct str peer; /* address text */
    bool tls;
    bool wants_websocket;
    bool woken; /* it was parked, and is handled again: answer now */
};

enum { RESPONSE_HEADERS_MAX = 24 };
struct response_out {
    int status;
    struct header headers[RESPONSE_HEADERS_MAX];
    int header_count;
    struct str body;         /* in the task's arena, or static for `body_is_static` */
    bool body_is_static;     /* not copied: embedded files */
    struct channel *channel; /* set by server_upgrade: the answer is a stream */
};

/* What the server calls; all but `lane` on worker threads (LANE_REQUEST, or the lane that was
 * named), each with a ctx of its own. For a request the id comes from a valid `traceparent` or is
 * new; its deadline is the lane's, or sooner when the header `Request-Timeout: <seconds>` says so.
 * c->cancel is raised when the peer has gone or the server stops. */
struct server_handler {
    void *arg;
    /* On the loop: which threads answer this request. Takes no locks and no time. NULL:
     * LANE_REQUEST. */
    enum worker_lane (*lane)(struct str method, struct str path, void *arg);
    /* Fills *out; must not keep pointers past the return. */
    void (*on_request)(struct ctx *c, const struct request_in *in, struct response_out *out,
                       void *arg);
    /* A WebSocket text message of a channel; one at a time per channel, in order. Binary frames are
     * refused with close 1003, invalid UTF-8 with 1007. */
    void (*on_message)(struct ctx *c, struct channel *ch, struct str text, void *arg);
    /* The peer is gone or was cut; called once, after the last on_message. */
    void (*on_close)(struct ctx *c, struct channel *ch, void *arg);
};

/* Listens. E_CONFLICT when the address is taken, E_DENIED when not permitted, E_INVALID when it is
 * no address (numeric, or "localhost") or certificate and key do not load. Needs c->at->workers,
 * which must outlive the server; c->at itself is kept. */
enum err server_start(struct ctx *c, const struct server_config *config,
                      const struct server_handler *handler, struct server **out_server);
int server_port(const struct server *s);
/* Stops listening, lets running requests end up to drain_ms, closes channels (1001), joins threads.
 * Handlers that run longer find c->cancel raised; the call waits for them. */
void server_stop(struct server **s, int64_t drain_ms);

/* In on_request: turns the answer into a stream. `SERVER_SSE` writes text/event-stream;
 * `SERVER_WEBSOCKET` accepts the handshake. Returns the channel, referenced once for the caller
 * (channel_release); what is sent at once follows the handshake. NULL with ctx_fail: E_INVALID when
 * the request is no WebSocket handshake, or a HEAD; E_UNAVAILABLE when c answers no request. */
enum server_stream { SERVER_SSE, SERVER_WEBSOCKET };
struct channel *server_upgrade(struct ctx *c, struct response_out *out, enum server_stream kind);

/* In on_request: the answer is not ready, and no thread shall wait for it. When the handler returns
 * with out->status 0, the request waits; it is handled again, from the start and in a new task with
 * in->woken set, after server_wake or wait.ms of steady time, sooner when the peer goes or the
 * server stops. wait.over(arg) is called once, in a task, before that (or at once when the handler
 * answers after all), and ends whatever would wake it. Returns a handle, referenced once for the
 * caller (server_forget). NULL, and nothing is called: it was parked before, SERVER_PARKED_MAX
 * others are, or c answers no request: answer now. */
enum { SERVER_PARKED_MAX = 4096 };
struct parked;
struct server_wait {
    int64_t ms;
    void (*over)(void *arg);
    void *arg;
};
struct parked *server_park(struct ctx *c, const struct server_wait *wait);
/* Any thread; never blocks; also before the handler has returned, and after it is over. */
void server_wake(struct parked *p);
void server_forget(struct parked **p);

/* In on_request, as the last it does: the answer comes from another task, by server_answer, and no
 * thread waits for it. From here on c is the caller's, with the request in c->exchange, and what
 * on_request was given is not: in and out end with it. Whoever goes away or stops meanwhile does
 * not end it. False: c answers no request, or one that was parked or upgraded; answer now. */
bool server_defer(struct ctx *c);
/* Any task, once for each server_defer. Frees c. */
void server_answer(struct ctx **c, const struct response_out *out);

/* Any thread; copies; never blocks. False when the peer is gone or its queue is full (it is then
 * cut). WebSocket: text that is not UTF-8 is refused. SSE: one event without a name. */
bool channel_send(struct channel *ch, struct str text);
/* SSE only: one event with optional id and name; newlines in data are handled. */
bool channel_event(struct channel *ch, struct str id, struct str event, struct str data);
/* After what is queued. WebSocket close codes; the reason is cut to 120 bytes. */
void channel_close(struct channel *ch, int code, const char *reason);
/* Bytes the peer has not taken yet: who has much to say says it in portions. Any thread. */
size_t channel_backlog_bytes(struct channel *ch);
bool channel_is_open(const struct channel *ch);
enum server_stream channel_kind(const struct channel *ch);
struct channel *channel_hold(struct channel *ch);
void channel_release(struct channel **ch);
/* What the owner hangs on it (session state); freed by free_fn when the last reference goes. */
void channel_attach(struct channel *ch, void *state, void (*free_fn)(void *state));
void *channel_state(const struct channel *ch);

/* Headers and cookies of a request; empty when absent. */
struct str request_header(const struct request_in *in, const char *name);
struct str request_cookie(const struct request_in *in, const char *name);
/* The credential of `Authorization: Bearer`; empty when there is none. */
struct str request_bearer(const struct request_in *in);
/* Percent-decoded query value in the arena; false when absent. */
bool request_query(struct arena *a, const struct request_in *in, const char *name,
                   struct str *out_value);
void response_header(struct response_out *out, const char *name, struct str value);

#endif
