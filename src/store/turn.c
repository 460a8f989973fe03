#include "store/turn.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "store/driver.h"

enum { CANCEL_POLL_MS = 50 };

/* Transactions that share one commit. Lives until the last member has read the result. */
struct group {
    int members; /* finished, waiting for the commit */
    int readers; /* members that have not read the result yet */
    bool settled;
    enum err result;
    char text[TURN_TEXT_BYTES];
    pthread_cond_t settled_cond;
};

struct waiter {
    struct waiter *next;
    bool granted;
    pthread_t thread;
    pthread_cond_t granted_cond;
};

struct turn {
    pthread_mutex_t lock;
    bool taken;
    pthread_t holder; /* while taken */
    struct waiter *first, *last;
    struct group *group; /* the open one */
    enum err (*commit)(void *arg, char *out_text);
    void *arg;
};

static void cond_init(pthread_cond_t *cond)
{
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(cond, &attr);
    pthread_condattr_destroy(&attr);
}

static struct group *group_new(void)
{
    struct group *g = mem_new(sizeof(*g));
    cond_init(&g->settled_cond);
    return g;
}

static void group_free(struct group *g)
{
    pthread_cond_destroy(&g->settled_cond);
    free(g);
}

struct turn *turn_new(enum err (*commit)(void *arg, char *out_text), void *arg)
{
    struct turn *t = mem_new(sizeof(*t));
    pthread_mutex_init(&t->lock, NULL);
    t->group = group_new();
    t->commit = commit;
    t->arg = arg;
    return t;
}

void turn_free(struct turn **t)
{
    if (*t) {
        group_free((*t)->group);
        pthread_mutex_destroy(&(*t)->lock);
        free(*t);
        *t = NULL;
    }
}

static struct timespec steady_after(int64_t ms)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_sec += ms / 1000;
    at.tv_nsec += ms % 1000 * 1000000;
    if (at.tv_nsec >= 1000000000) {
        at.tv_nsec -= 1000000000;
        at.tv_sec++;
    }
    return at;
}

static void enqueue(struct turn *t, struct waiter *w)
{
    if (t->last) {
        t->last->next = w;
    } else {
        t->first = w;
    }
    t->last = w;
}

static void dequeue(struct turn *t, struct waiter *w)
{
    struct waiter *before = NULL;
    for (struct waiter *at = t->first; at; before = at, at = at->next) {
        if (at != w) {
            continue;
        }
        if (before) {
            before->next = w->next;
        } else {
            t->first = w->next;
        }
        if (t->last == w) {
            t->last = before;
        }
        return;
    }
}

/* Gives the turn to who waits longest. Locked. */
static void pass_on(struct turn *t)
{
    struct waiter *w = t->first;
    if (!w) {
        t->taken = false;
        return;
    }
    dequeue(t, w);
    t->holder = w->thread;
    w->granted = true;
    pthread_cond_signal(&w->granted_cond);
}

/* Waits until granted; wakes now and then to see whether its task was cancelled. Locked. */
static enum err wait_granted(struct ctx *c, struct turn *t, struct waiter *w)
{
    int64_t give_up = clock_steady_ms() + ctx_left_ms(c, STORE_WAIT_MAX_MS);
    while (!w->granted) {
        int64_t left = give_up - clock_steady_ms();
        bool cancelled = c->cancel && atomic_load(c->cancel);
        if (left <= 0 || cancelled) {
            dequeue(t, w);
            return cancelled ? ctx_fail(c, E_CANCELLED, "cancelled")
                             : ctx_fail(c, E_TIMEOUT, "the store was busy for too long");
        }
        struct timespec at =
            steady_after(c->cancel && left > CANCEL_POLL_MS ? CANCEL_POLL_MS : left);
        pthread_cond_timedwait(&w->granted_cond, &t->lock, &at);
    }
    return E_OK;
}

enum err turn_take(struct ctx *c, struct turn *t, int *out_members)
{
    enum err e = E_OK;
    pthread_mutex_lock(&t->lock);
    if (t->taken && pthread_equal(t->holder, pthread_self())) {
        pthread_mutex_unlock(&t->lock);
        return ctx_fail(c, E_INTERNAL, "this task has a write transaction open already");
    }
    if (!t->taken && !t->first) {
        t->taken = true;
        t->holder = pthread_self();
    } else {
        struct waiter w = {.thread = pthread_self()};
        cond_init(&w.granted_cond);
        enqueue(t, &w);
        e = wait_granted(c, t, &w);
        pthread_cond_destroy(&w.granted_cond);
    }
    if (e == E_OK) {
        *out_members = t->group->members;
    }
    pthread_mutex_unlock(&t->lock);
    return e;
}

/* Publishes the result of the open group and opens a new one. Locked. */
static void settle(struct turn *t, enum err result, const char *text)
{
    struct group *g = t->group;
    g->settled = true;
    g->result = result;
    snprintf(g->text, sizeof(g->text), "%s", text);
    t->group = group_new();
    if (g->readers) {
        pthread_cond_broadcast(&g->settled_cond);
    } else {
        group_free(g);
    }
}

/* Commits for all members and settles. Locked; unlocks while it writes. The turn stays held, so
 * nobody else touches the transaction. */
static void lead(struct turn *t)
{
    char text[TURN_TEXT_BYTES] = "";
    pthread_mutex_unlock(&t->lock);
    enum err e = t->commit(t->arg, text);
    pthread_mutex_lock(&t->lock);
    settle(t, e, text);
}

static enum err read_result(struct ctx *c, struct turn *t, struct group *g)
{
    while (!g->settled) {
        pthread_cond_wait(&g->settled_cond, &t->lock);
    }
    enum err e = g->result;
    if (e != E_OK) {
        ctx_fail(c, e, "%s", g->text);
    }
    if (--g->readers == 0) {
        group_free(g);
    }
    return e;
}

enum err turn_done(struct ctx *c, struct turn *t)
{
    pthread_mutex_lock(&t->lock);
    struct group *g = t->group;
    g->members++;
    g->readers++;
    if (!t->first || g->members >= TURN_GROUP_MAX) {
        lead(t);
    }
    pass_on(t);
    enum err e = read_result(c, t, g);
    pthread_mutex_unlock(&t->lock);
    return e;
}

void turn_drop(struct turn *t)
{
    pthread_mutex_lock(&t->lock);
    if (t->group->members && !t->first) {
        lead(t);
    }
    pass_on(t);
    pthread_mutex_unlock(&t->lock);
}

void turn_lose(struct turn *t, enum err why, const char *text)
{
    pthread_mutex_lock(&t->lock);
    settle(t, why, text);
    pass_on(t);
    pthread_mutex_unlock(&t->lock);
}
