#include "store/write_turn.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "store/driver.h"

enum { CANCEL_POLL_MS = 50, GATHER_YIELDS_MAX = 2 };

enum place { QUEUED, TAKEN, HAS_TURN, OVER };

/* A task that waits for the turn, or for the commit. Lies on its stack. */
struct waiter {
    struct waiter *next; /* in the queue, or among the members of a group */
    struct ctx *c;
    enum err (*work)(struct ctx *c, void *arg); /* NULL: it wants the turn itself */
    void *arg;
    bool late;                /* its commit need not be on disk */
    _Atomic enum place place; /* TAKEN: another works for it, or it waits for the commit */
    bool settled;             /* `result` is known, and it is woken soon */
    enum err result;
    pthread_t thread;
    sem_t woken;
};

struct write_turn {
    pthread_mutex_t lock;
    bool taken;
    pthread_t holder;            /* while taken */
    struct waiter *first, *last; /* the queue */
    struct waiter *members;      /* who finished in the open transaction */
    int member_count;
    struct waiter *settled; /* whose commit is over and who was not woken yet */
    bool late;     /* so are all members, and nobody else may join; set before the first works */
    bool crowded;  /* the last commit was for several */
    enum err lost; /* by the holder: the open transaction is gone */
    char lost_text[WRITE_TURN_TEXT_BYTES];
    enum err (*commit)(void *arg, char *out_text);
    void *arg;
};

struct write_turn *write_turn_new(enum err (*commit)(void *arg, char *out_text), void *arg)
{
    struct write_turn *t = mem_new(sizeof(*t));
    pthread_mutex_init(&t->lock, NULL);
    t->commit = commit;
    t->arg = arg;
    return t;
}

void write_turn_free(struct write_turn **t)
{
    if (*t) {
        pthread_mutex_destroy(&(*t)->lock);
        free(*t);
        *t = NULL;
    }
}

int write_turn_members(const struct write_turn *t)
{
    return t->member_count;
}

bool write_turn_is_late(const struct write_turn *t)
{
    return t->late;
}

void write_turn_lost(struct write_turn *t, enum err why, const char *text)
{
    if (t->lost == E_OK) {
        t->lost = why;
        snprintf(t->lost_text, sizeof(t->lost_text), "%s", text);
    }
}

/* ---- the queue; all locked */

static void enqueue(struct write_turn *t, struct waiter *w)
{
    w->place = QUEUED;
    w->next = NULL;
    if (t->last) {
        t->last->next = w;
    } else {
        t->first = w;
    }
    t->last = w;
}

static void dequeue(struct write_turn *t, struct waiter *w)
{
    struct waiter *before = NULL;
    for (struct waiter *at = t->first; at && at != w; at = at->next) {
        before = at;
    }
    *(before ? &before->next : &t->first) = w->next;
    if (t->last == w) {
        t->last = before;
    }
    w->next = NULL;
}

/* A woken task does not come back to the lock: from here on *w may be gone. */
static void wake(struct waiter *w, enum place place)
{
    w->place = place;
    sem_post(&w->woken);
}

static void join(struct write_turn *t, struct waiter *w)
{
    w->place = TAKEN;
    w->next = t->members;
    t->members = w;
    t->member_count++;
}

/* ---- having the turn */

/* It is over for all members; they are told when the lock is free. Locked. */
static void settle(struct write_turn *t, enum err result, const char *text)
{
    struct waiter *last = NULL;
    for (struct waiter *w = t->members; w; w = w->next) {
        w->settled = true;
        w->result = result == E_OK ? E_OK : ctx_fail(w->c, result, "%s", text);
        last = w;
    }
    if (last) {
        last->next = t->settled;
        t->settled = t->members;
    }
    t->members = NULL;
    t->member_count = 0;
}

/* Wakes who has the turn next, then those whose commit is over. Unlocks first: to wake a thread
 * takes longer than all that is done under the lock, and meanwhile others write. */
static void unlock_and_wake(struct write_turn *t, struct waiter *heir)
{
    struct waiter *w = t->settled;
    t->settled = NULL;
    pthread_mutex_unlock(&t->lock);
    if (heir) {
        wake(heir, HAS_TURN);
    }
    while (w) {
        struct waiter *next = w->next;
        wake(w, OVER);
        w = next;
    }
}

/* Commits for all members. Locked; unlocks while it writes. The turn stays held, so nobody else
 * touches the transaction. */
static void lead(struct write_turn *t)
{
    char text[WRITE_TURN_TEXT_BYTES] = "";
    t->crowded = t->member_count > 2;
    pthread_mutex_unlock(&t->lock);
    enum err e = t->commit(t->arg, text);
    pthread_mutex_lock(&t->lock);
    settle(t, e, text);
}

/* After someone's part: the whole may be lost. Locked. */
static void check_lost(struct write_turn *t)
{
    if (t->lost != E_OK) {
        settle(t, t->lost, t->lost_text);
        t->lost = E_OK;
    }
}

/* Does the work of a task that waits. Locked; unlocks meanwhile. */
static void work_for(struct write_turn *t, struct waiter *w)
{
    dequeue(t, w);
    w->place = TAKEN;
    pthread_mutex_unlock(&t->lock);
    enum err e = w->work(w->c, w->arg);
    pthread_mutex_lock(&t->lock);
    if (e == E_OK) {
        join(t, w);
    } else {
        w->result = e;
        wake(w, OVER);
    }
    check_lost(t);
}

/* The turn goes to who waits longest; NULL: nobody does. Locked. */
static struct waiter *pass_on(struct write_turn *t)
{
    struct waiter *w = t->first;
    t->taken = w != NULL;
    if (w) {
        dequeue(t, w);
        w->place = TAKEN; /* has it when it is woken */
        t->holder = w->thread;
    }
    return w;
}

/* Whoever is about to write as well gets the processor first, as long as that brings somebody: a
 * commit costs much the same for few as for many. Not when nobody else wrote lately. Locked. */
static void gather(struct write_turn *t)
{
    for (int i = 0; i < GATHER_YIELDS_MAX && !t->first && t->crowded; i++) {
        pthread_mutex_unlock(&t->lock);
        sched_yield();
        pthread_mutex_lock(&t->lock);
    }
}

/* The holder's own part is over: it works on for others while its own commit is open, then gives
 * the turn away. Locked; returns unlocked. `own`: NULL when it has joined nothing. */
static void go_on(struct write_turn *t, const struct waiter *own)
{
    check_lost(t);
    while (t->member_count > 0) {
        if (!t->first) {
            gather(t);
        }
        bool mixes = t->late && t->first && !t->first->late;
        if (!t->first || mixes || t->member_count >= WRITE_TURN_GROUP_MAX) {
            lead(t);
        } else if (own && !own->settled && t->first->work) {
            work_for(t, t->first);
        } else {
            break;
        }
    }
    unlock_and_wake(t, pass_on(t));
}

/* ---- waiting; these are called locked and return unlocked */

static struct timespec steady_at(int64_t ms)
{
    return (struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
}

static enum err leave_queue(struct ctx *c, struct write_turn *t, struct waiter *w)
{
    dequeue(t, w);
    pthread_mutex_unlock(&t->lock);
    return ctx_is_cancelled(c) ? ctx_fail(c, E_CANCELLED, "cancelled")
                               : ctx_fail(c, E_TIMEOUT, "the store was busy for too long");
}

/* Not before the wake-up itself: until then whoever wakes still needs *w. */
static void wait_woken(struct waiter *w)
{
    while (sem_wait(&w->woken) != 0) {}
}

/* Queued. Gives up at the deadline or when cancelled, unless its work has begun. */
static enum err wait_turn(struct ctx *c, struct write_turn *t, struct waiter *w)
{
    int64_t give_up = clock_steady_ms() + ctx_left_ms(c, STORE_WAIT_MAX_MS);
    pthread_mutex_unlock(&t->lock);
    for (;;) {
        int64_t now = clock_steady_ms();
        if (now >= give_up || ctx_is_cancelled(c)) {
            pthread_mutex_lock(&t->lock);
            if (w->place == QUEUED) {
                return leave_queue(c, t, w);
            }
            pthread_mutex_unlock(&t->lock);
            wait_woken(w);
            return E_OK;
        }
        int64_t poll = now + CANCEL_POLL_MS;
        struct timespec at = steady_at(ctx_is_cancellable(c) && poll < give_up ? poll : give_up);
        if (sem_clockwait(&w->woken, CLOCK_MONOTONIC, &at) == 0) {
            return E_OK;
        }
    }
}

/* Takes the turn at once when it is free, else queues and waits. */
static enum err take(struct ctx *c, struct write_turn *t, struct waiter *w)
{
    if (t->taken && pthread_equal(t->holder, pthread_self())) {
        pthread_mutex_unlock(&t->lock);
        return ctx_fail(c, E_INTERNAL, "this task has a write transaction open already");
    }
    if (t->taken) {
        enqueue(t, w);
        return wait_turn(c, t, w);
    }
    t->taken = true;
    t->holder = pthread_self();
    w->place = HAS_TURN;
    pthread_mutex_unlock(&t->lock);
    return E_OK;
}

static struct waiter waiter_make(struct ctx *c, enum err (*work)(struct ctx *c, void *arg),
                                 void *arg)
{
    return (struct waiter){.c = c, .work = work, .arg = arg, .thread = pthread_self()};
}

enum err write_turn_take(struct ctx *c, struct write_turn *t)
{
    struct waiter w = waiter_make(c, NULL, NULL);
    sem_init(&w.woken, 0, 0);
    pthread_mutex_lock(&t->lock);
    enum err e = take(c, t, &w);
    if (e == E_OK && w.place == HAS_TURN && t->member_count == 0) {
        t->late = false;
    }
    sem_destroy(&w.woken);
    return e;
}

/* ---- ending one's turn */

static enum err finish(struct write_turn *t, struct waiter *w)
{
    pthread_mutex_lock(&t->lock);
    join(t, w);
    go_on(t, w);
    wait_woken(w);
    return w->result;
}

enum err write_turn_done(struct ctx *c, struct write_turn *t)
{
    struct waiter w = waiter_make(c, NULL, NULL);
    sem_init(&w.woken, 0, 0);
    enum err e = finish(t, &w);
    sem_destroy(&w.woken);
    return e;
}

void write_turn_drop(struct write_turn *t)
{
    pthread_mutex_lock(&t->lock);
    go_on(t, NULL);
}

/* Whether the transaction that is about to be opened may reach the disk later. When somebody waits
 * who must be on the disk, all go there: one commit costs less than two. */
static bool opens_late(struct write_turn *t, const struct waiter *first)
{
    pthread_mutex_lock(&t->lock);
    bool late = first->late;
    for (const struct waiter *w = t->first; late && w; w = w->next) {
        late = w->late;
    }
    pthread_mutex_unlock(&t->lock);
    return late;
}

static enum err work_self(struct write_turn *t, struct waiter *w)
{
    if (t->member_count == 0) {
        t->late = opens_late(t, w);
    }
    enum err e = w->work(w->c, w->arg);
    if (e != E_OK) {
        write_turn_drop(t);
        return e;
    }
    return finish(t, w);
}

enum err write_turn_run(struct ctx *c, struct write_turn *t, bool late,
                        enum err (*work)(struct ctx *c, void *arg), void *arg)
{
    struct waiter w = waiter_make(c, work, arg);
    w.late = late;
    sem_init(&w.woken, 0, 0);
    pthread_mutex_lock(&t->lock);
    enum err e = take(c, t, &w);
    if (e == E_OK) {
        e = w.place == HAS_TURN ? work_self(t, &w) : w.result;
    }
    sem_destroy(&w.woken);
    return e;
}
