#include "host/vigil.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "host/access.h"
#include "io/workers.h"

struct vigil {
    const struct facilities *at;
    struct channel *channel; /* weak: its state owns us; a posted task holds it */
    const char *scope;
    pthread_mutex_t lock;
    char *bearer;
    size_t bearer_bytes;
    uint64_t timer; /* 0: none */
    bool stopped;
    atomic_bool hurried; /* a check is posted and has not begun */
};

static void check_again(struct ctx *c, void *arg);

/* Whoever posts a task for v holds the channel, and so v; the task lets go. */
static void let_go(struct vigil *v)
{
    struct channel *held = v->channel;
    channel_release(&held);
}

static void wait_on(struct vigil *v)
{
    channel_hold(v->channel);
    pthread_mutex_lock(&v->lock);
    bool stopped = v->stopped;
    v->timer =
        stopped ? 0
                : workers_post_later(v->at->workers, LANE_REQUEST, VIGIL_EVERY_MS, check_again, v);
    bool waits = v->timer != 0;
    pthread_mutex_unlock(&v->lock);
    if (!waits && !stopped) {
        channel_close(v->channel, 1013, "too many streams are open"); /* none goes on unwatched */
    }
    if (!waits) {
        let_go(v);
    }
}

struct vigil *vigil_new(const struct facilities *at, struct channel *ch, struct str bearer,
                        const char *scope)
{
    struct vigil *v = mem_new(sizeof(*v));
    v->at = at;
    v->channel = ch;
    v->scope = scope;
    pthread_mutex_init(&v->lock, NULL);
    vigil_renew(v, bearer);
    wait_on(v);
    return v;
}

void vigil_renew(struct vigil *v, struct str bearer)
{
    char *copy = mem_new(bearer.n + 1);
    memcpy(copy, bearer.p, bearer.n);
    pthread_mutex_lock(&v->lock);
    free(v->bearer);
    v->bearer = copy;
    v->bearer_bytes = bearer.n;
    pthread_mutex_unlock(&v->lock);
}

enum err vigil_check(struct ctx *c, struct vigil *v)
{
    pthread_mutex_lock(&v->lock);
    struct str bearer = str_dup(c->arena, str_make(v->bearer, v->bearer_bytes));
    pthread_mutex_unlock(&v->lock);
    enum err e = access_admit(c, bearer, v->scope); /* whoever let it in asked who it is */
    if (e == E_UNAUTHENTICATED || e == E_DENIED) {
        channel_close(v->channel, 4401, "sign in");
    }
    return e;
}

static void check_now(struct ctx *c, void *arg)
{
    struct vigil *v = arg;
    atomic_store(&v->hurried, false);
    vigil_check(c, v);
    let_go(v);
}

/* While the store is down nobody can be asked; no event comes either. */
static void check_again(struct ctx *c, void *arg)
{
    struct vigil *v = arg;
    vigil_check(c, v);
    if (channel_is_open(v->channel)) {
        wait_on(v);
    }
    let_go(v);
}

void vigil_hurry(struct vigil *v)
{
    if (atomic_exchange(&v->hurried, true)) {
        return;
    }
    channel_hold(v->channel);
    if (!workers_post(v->at->workers, LANE_REQUEST, check_now, v)) {
        atomic_store(&v->hurried, false); /* the timer comes soon */
        let_go(v);
    }
}

void vigil_stop(struct vigil *v)
{
    if (!v) {
        return;
    }
    pthread_mutex_lock(&v->lock);
    uint64_t timer = v->timer;
    v->stopped = true;
    pthread_mutex_unlock(&v->lock);
    if (timer && workers_cancel(v->at->workers, timer)) {
        let_go(v);
    }
}

void vigil_free(struct vigil **v)
{
    if (!*v) {
        return;
    }
    pthread_mutex_destroy(&(*v)->lock);
    free((*v)->bearer);
    free(*v);
    *v = NULL;
}
