/* The inside of struct channel (server.h has its face). Senders on any thread meet the loop under
 * `lock`. The loop's side ends with channel_gone; the memory lives as long as anyone refers to
 * it. */
#ifndef IO_CHANNEL_H
#define IO_CHANNEL_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/buf.h"
#include "io/loop.h"

enum { CHANNEL_INBOX_MAX = 32 }; /* messages that wait for the handler; then reading pauses */

struct message {
    struct message *next;
    size_t n;
    char text[];
};

struct channel {
    atomic_int refs;
    atomic_bool open;
    enum server_stream kind;
    bool chunked; /* SSE over HTTP/1.1 */
    _Atomic(void *) state;
    void (*free_fn)(void *state);

    pthread_mutex_t lock;
    struct loop *loop; /* NULL once the peer is gone */
    struct buf out;    /* encoded, not yet given to the connection */
    size_t in_flight;  /* given to the connection and not yet sent */
    size_t queue_max_bytes;
    bool touched; /* is in the loop's inbox */
    bool closing; /* the last thing in `out` says goodbye */
    bool cut;     /* too slow: hang up without goodbye */
    bool starved; /* the connection has paused reading */
    struct message *inbox_first, *inbox_last;
    int inbox_count;
    bool at_work;    /* a task delivers, or is about to */
    bool gone, told; /* on_close is due; on_close was called */

    struct channel *next_touched;  /* in the loop's inbox */
    struct channel *next_unposted; /* in the loop's list */
    struct conn *conn;             /* loop thread only */
    struct loop *home;             /* counts our tasks; outlives them */
};

struct channel *channel_new(struct loop *l, enum server_stream kind, bool chunked);

/* Loop thread. Moves what is queued into `out` (empty before); false when there is nothing.
 * *out_cut: hang up now; *out_closing: nothing more will follow. */
bool channel_take(struct channel *ch, struct buf *out, bool *out_cut, bool *out_closing);
void channel_sent(struct channel *ch);
/* True when the peer is too slow and must be cut. */
bool channel_is_cut(struct channel *ch);
/* A frame of the loop's own, such as a pong; past the queue's maximum it is dropped. */
void channel_control(struct channel *ch, int opcode, struct str payload);
/* A message for the handler. False when reading must pause. */
bool channel_deliver(struct channel *ch, struct str text);
/* The peer is gone: on_close will follow the messages. Gives back the connection's reference. */
void channel_gone(struct channel **ch);
/* Posts the channel's task; when the worker queue is full, the loop tries again later. */
bool channel_post(struct channel *ch);
/* True when reading may go on. */
bool channel_has_room(struct channel *ch);
/* SSE: an empty comment, so that peers and proxies see life, unless something is on its way. */
void channel_comment(struct channel *ch);
/* Taken out of the loop's inbox; true when it has a connection. */
bool channel_untouch(struct channel *ch);

#endif
