#include "io/parked.h"

#include <pthread.h>
#include <stdlib.h>

#include "io/workers.h"

enum parked_state {
    PARKED_ASKED,   /* its handler has not returned yet */
    PARKED_WAITING, /* nobody runs it */
    PARKED_OVER     /* it runs again, or was never put off */
};

struct parked {
    atomic_int refs; /* the exchange's, the timer's, the caller's */
    pthread_mutex_t lock;
    enum parked_state state;
    bool woken;
    struct exchange *exchange;
    int64_t wait_ms;
    uint64_t timer; /* 0: none */
    void *arg;
    void (*over)(void *arg);
};

void parked_release(struct parked **p)
{
    struct parked *old = *p;
    *p = NULL;
    if (old && atomic_fetch_sub(&old->refs, 1) == 1) {
        pthread_mutex_destroy(&old->lock);
        free(old);
    }
}

static bool is_stopping(struct loop *l)
{
    pthread_mutex_lock(&l->lock);
    bool stopping = l->stopping;
    pthread_mutex_unlock(&l->lock);
    return stopping;
}

struct parked *server_park(struct ctx *c, const struct server_wait *wait)
{
    struct exchange *ex = c->exchange;
    if (!ex || ex->again || ex->channel || atomic_load(&ex->parked) || wait->ms <= 0) {
        return NULL;
    }
    struct server *s = ex->loop->server;
    if (atomic_fetch_add(&s->parked, 1) >= SERVER_PARKED_MAX) {
        atomic_fetch_sub(&s->parked, 1);
        return NULL;
    }
    struct parked *p = mem_new(sizeof(*p));
    *p = (struct parked){.exchange = ex, .wait_ms = wait->ms, .arg = wait->arg, .over = wait->over};
    atomic_init(&p->refs, 2);
    pthread_mutex_init(&p->lock, NULL);
    atomic_store(&ex->parked, p);
    return p;
}

/* On a worker with a ctx of its own. False when the queue is full. */
static bool run_again(struct exchange *ex)
{
    return workers_post(ex->loop->server->at->workers, exchange_lane(ex), exchange_run, ex);
}

/* The same, here when the queue is full. */
static void run_now(struct ctx *c, struct exchange *ex)
{
    if (!run_again(ex)) {
        struct ctx *own = ctx_new(c->at, WORKERS_ARENA_MAX_BYTES);
        ctx_limit(own, WORKERS_REQUEST_MS);
        exchange_run(own, ex);
        ctx_free(&own);
    }
}

/* Under lock: true for the one caller who runs it again. */
static bool claim(struct parked *p)
{
    bool ours = p->state == PARKED_WAITING;
    p->woken = true;
    p->state = ours ? PARKED_OVER : p->state;
    return ours;
}

static void on_time(struct ctx *c, void *arg)
{
    struct parked *p = arg;
    pthread_mutex_lock(&p->lock);
    bool ours = claim(p);
    pthread_mutex_unlock(&p->lock);
    if (ours) {
        run_now(c, p->exchange);
    }
    parked_release(&p);
}

void server_wake(struct parked *p)
{
    pthread_mutex_lock(&p->lock);
    if (claim(p) && !run_again(p->exchange)) {
        p->state = PARKED_WAITING; /* the queue is full: the timer will do it */
    }
    pthread_mutex_unlock(&p->lock);
}

void server_forget(struct parked **p)
{
    parked_release(p);
}

void parked_hurry(struct exchange *ex)
{
    struct parked *p = atomic_load(&ex->parked);
    if (p) {
        server_wake(p);
    }
}

/* Under lock. */
static bool begin_waiting(struct parked *p)
{
    struct exchange *ex = p->exchange;
    if (p->woken || atomic_load(&ex->cancel) || is_stopping(ex->loop)) {
        return false;
    }
    atomic_fetch_add(&p->refs, 1);
    p->timer =
        workers_post_later(ex->loop->server->at->workers, LANE_REQUEST, p->wait_ms, on_time, p);
    if (!p->timer) {
        atomic_fetch_sub(&p->refs, 1);
    }
    return p->timer != 0;
}

/* Nobody waits any more. */
static void end_waiting(struct parked *p)
{
    atomic_fetch_sub(&p->exchange->loop->server->parked, 1);
    p->exchange->again = true;
    if (p->over) {
        p->over(p->arg);
        p->over = NULL;
    }
}

bool parked_begin(struct ctx *c, struct exchange *ex, bool is_answered)
{
    struct parked *p = atomic_load(&ex->parked);
    if (!p || ex->again) {
        return false;
    }
    pthread_mutex_lock(&p->lock);
    bool waits = !is_answered && begin_waiting(p);
    p->state = waits ? PARKED_WAITING : PARKED_OVER;
    pthread_mutex_unlock(&p->lock);
    if (is_answered) {
        end_waiting(p);
        return false;
    }
    if (!waits) { /* news came meanwhile, or it is no time to wait */
        run_now(c, ex);
    }
    return true;
}

void parked_end(struct exchange *ex)
{
    struct parked *p = atomic_load(&ex->parked);
    if (!p || ex->again) {
        return;
    }
    pthread_mutex_lock(&p->lock);
    uint64_t timer = p->timer;
    p->timer = 0;
    pthread_mutex_unlock(&p->lock);
    if (timer && workers_cancel(ex->loop->server->at->workers, timer)) {
        atomic_fetch_sub(&p->refs, 1); /* the timer's; ours is left */
    }
    end_waiting(p);
}
