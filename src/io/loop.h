/* One loop thread of the server: epoll over its connections, their timers, and the inbox through
 * which other threads reach it. Connections belong to one loop for life and are touched by its
 * thread only. */
#ifndef IO_LOOP_H
#define IO_LOOP_H

#include <pthread.h>
#include <stdatomic.h>

#include "io/server.h"
#include "io/workers.h"

struct conn;
struct exchange;
struct loop;
struct series;
struct tls;

enum { LOOPS_MAX = 16, LOOP_SCRATCH_BYTES = 64 << 10 };

/* Every timer of a class lasts equally long, so each class is a list in order of time. */
enum timer_class {
    TIMER_HEADER,
    TIMER_BODY,
    TIMER_IDLE,
    TIMER_WRITE,
    TIMER_PING,
    TIMER_LINGER,
    TIMER_CLASSES,
    TIMER_NONE = TIMER_CLASSES,
};

struct timer_list {
    struct conn *first, *last;
    int64_t ms;
};

struct server {
    struct server_config config;
    struct server_handler handler;
    const struct facilities *at;
    struct tls *tls;
    int listen_fd;
    int port;
    atomic_int connections;
    atomic_int parked;        /* requests that wait for news */
    atomic_size_t body_bytes; /* held by requests whose bodies are in memory */
    struct pressure *pressure;
    pthread_mutex_t address_lock;
    struct map
        *addresses; /* of peers -> how many connections, as a pointer; when they are counted */
    struct series *connections_gauge;
    struct loop *loops[LOOPS_MAX];
    int loop_count;
};

struct loop {
    struct server *server;
    pthread_t thread;
    int epoll_fd, wake_fd;
    int spare_fd; /* given up to turn a peer away when the process has no descriptors left */

    /* inbox, under lock */
    pthread_mutex_t lock;
    struct exchange *answered_first, *answered_last;
    struct channel *touched_first, *touched_last;
    int tasks; /* posted to workers and not yet back */
    bool woken;
    bool stopping;
    int64_t stop_until_ms;
    atomic_bool asleep; /* or about to be: set under the lock */

    /* the loop thread's own */
    struct conn *conns, *graves;
    int conn_count;
    int posted;               /* to workers that may sleep */
    struct channel *unposted; /* whose task found the worker queue full */
    struct timer_list timers[TIMER_CLASSES];
    int64_t now_ms;
    bool draining, cut;
    char *scratch; /* what is read before it is sorted out */
};

enum err loop_new(struct ctx *c, struct server *s, struct loop **out_loop);
/* Asks the loop to end when its connections are gone; after drain_ms it cuts them. */
void loop_stop(struct loop *l, int64_t drain_ms);
void loop_join(struct loop *l);
void loop_free(struct loop **l);

/* Any thread. */
void loop_answered(struct loop *l, struct exchange *ex);
/* The caller holds ch's lock, so that l cannot go away meanwhile; takes a reference. */
void loop_touched(struct loop *l, struct channel *ch);
/* Counts a task about to be posted, and one that ended: the loop outlives them. */
void loop_task_begins(struct loop *l);
void loop_task_ends(struct loop *l);

/* Loop thread only. */
void loop_arm(struct loop *l, struct conn *conn, enum timer_class class);
void loop_adopt(struct loop *l, struct conn *conn);
void loop_bury(struct loop *l, struct conn *conn);
void loop_watch(struct loop *l, struct conn *conn, uint32_t events);
void loop_retry(struct loop *l, struct channel *ch);
/* The exchange is run by a worker, which is woken at the end of this turn at the latest; false: too
 * many wait. */
bool loop_post(struct loop *l, enum worker_lane lane, struct exchange *ex);

#endif
