/* One request on its way through a worker and back. Made and freed by the loop; in between it
 * belongs to the worker, apart from `conn`, which only the loop thread touches. */
#ifndef IO_EXCHANGE_H
#define IO_EXCHANGE_H

#include <stdatomic.h>

#include "io/http1.h"
#include "io/loop.h"
#include "io/workers.h"

struct exchange {
    struct exchange *next; /* in the loop's inbox */
    struct loop *loop;
    struct conn *conn; /* NULL once the peer is gone */
    atomic_bool cancel;

    struct http1_head head; /* views into `text` */
    struct str path;        /* decoded; in `text` too */
    struct buf body;
    char peer[48];

    struct buf reply;                /* head and body as they go out */
    struct str reply_static;         /* what follows it, not ours to free */
    bool last;                       /* hang up after it */
    bool stream;                     /* the answer opens `channel` */
    struct channel *channel;         /* made by server_upgrade; one reference */
    _Atomic(struct parked *) parked; /* made by server_park; one reference */
    bool again;                      /* it was parked: the handler runs a second time */
    bool *deferred;                  /* raised by server_defer, while the handler runs */

    char text[];
};

/* Copies the head, with its views, and the path. `path` was decoded by http1_path. */
struct exchange *exchange_new(struct loop *l, struct str head_bytes, const struct http1_head *head,
                              struct str path);
void exchange_free(struct exchange **ex);

/* Where the handler wants it to run. */
enum worker_lane exchange_lane(const struct exchange *ex);
/* Task: runs the handler and hands the exchange back to its loop. */
void exchange_run(struct ctx *c, void *exchange);

#endif
