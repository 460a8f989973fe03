#include "io/workers.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "base/arena.h"

enum { THREADS_DEFAULT = 8, THREADS_MAX = 256, QUEUE_DEFAULT = 4096, RETRY_MS = 10 };

struct task {
    void (*fn)(struct ctx *c, void *arg);
    void *arg;
};

struct lane {
    struct workers *workers;
    int64_t deadline_ms;
    pthread_mutex_t lock;
    pthread_cond_t more;
    pthread_cond_t idle; /* queue empty and nobody at work */
    struct task *ring;
    int first, count, size;
    int busy, waiting;
    bool waking; /* a thread was woken and has not got the lock yet */
    bool closed;
    pthread_t threads[THREADS_MAX];
    int thread_count;
};

/* A pending timer. `at` is its place in the heap, -1 when the slot is free. A handle is the slot's
 * generation and index, so that an old handle never reaches a newer timer. */
struct slot {
    struct task task;
    enum worker_lane lane;
    int64_t due_ms;
    uint64_t generation;
    int at;
    int next_free;
};

struct timers {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct slot *slots;
    int slot_count; /* how many of `slots` were ever used */
    int slot_size;
    int free_head;
    int *heap; /* slot indexes, earliest first */
    int count;
    bool closed;
    pthread_t thread;
};

struct workers {
    const struct facilities *at;
    atomic_bool cancel;
    struct lane lanes[LANE_COUNT];
    struct timers timers;
};

/* Under lock: whether a sleeping thread is to be woken, after the lock. One at a time: a thread
 * that wakes and leaves tasks behind wakes the next, so that a burst of short tasks costs few
 * wake-ups and one of long tasks still gets every thread. */
static bool must_wake(struct lane *l)
{
    bool wake = l->count > 0 && l->waiting > 0 && !l->waking;
    l->waking = l->waking || wake;
    return wake;
}

/* Ends the task before, if there was one, and waits for the next. False when the lane is closed and
 * empty. */
static bool next_task(struct lane *l, bool had_one, struct task *out_task)
{
    pthread_mutex_lock(&l->lock);
    l->busy -= had_one;
    if (l->closed && l->busy == 0 && l->count == 0) {
        pthread_cond_broadcast(&l->idle);
    }
    while (l->count == 0 && !l->closed) {
        l->waiting++;
        pthread_cond_wait(&l->more, &l->lock);
        l->waiting--;
        l->waking = false;
    }
    bool got = l->count > 0;
    if (got) {
        *out_task = l->ring[l->first];
        l->first = (l->first + 1) % l->size;
        l->count--;
        l->busy++;
    }
    bool wake = must_wake(l);
    pthread_mutex_unlock(&l->lock);
    if (wake) {
        pthread_cond_signal(&l->more);
    }
    return got;
}

static void *run_lane(void *arg)
{
    struct lane *l = arg;
    struct task t = {NULL, NULL};
    for (bool had_one = false; next_task(l, had_one, &t); had_one = true) {
        struct ctx *c = ctx_new(l->workers->at, WORKERS_ARENA_MAX_BYTES);
        c->cancel = &l->workers->cancel;
        ctx_limit(c, l->deadline_ms);
        bool taken = false;
        c->taken = &taken;
        t.fn(c, t.arg);
        if (!taken) {
            ctx_free(&c);
        }
    }
    return NULL;
}

static bool lane_post(struct lane *l, struct task t, bool quietly)
{
    pthread_mutex_lock(&l->lock);
    bool fits = l->count < l->size && !l->closed;
    if (fits) {
        l->ring[(l->first + l->count) % l->size] = t;
        l->count++;
    }
    bool wake = !quietly && must_wake(l);
    pthread_mutex_unlock(&l->lock);
    if (wake) {
        pthread_cond_signal(&l->more);
    }
    return fits;
}

static void lane_wake(struct lane *l)
{
    pthread_mutex_lock(&l->lock);
    bool wake = must_wake(l);
    pthread_mutex_unlock(&l->lock);
    if (wake) {
        pthread_cond_signal(&l->more);
    }
}

/* The heap: parent of i is (i - 1) / 2. Every move keeps slot.at. */
static void heap_put(struct timers *t, int at, int slot)
{
    t->heap[at] = slot;
    t->slots[slot].at = at;
}

static void heap_up(struct timers *t, int at)
{
    int slot = t->heap[at];
    while (at > 0 && t->slots[t->heap[(at - 1) / 2]].due_ms > t->slots[slot].due_ms) {
        heap_put(t, at, t->heap[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    heap_put(t, at, slot);
}

static void heap_down(struct timers *t, int at)
{
    int slot = t->heap[at];
    for (int child = 2 * at + 1; child < t->count; child = 2 * at + 1) {
        if (child + 1 < t->count &&
            t->slots[t->heap[child + 1]].due_ms < t->slots[t->heap[child]].due_ms) {
            child++;
        }
        if (t->slots[t->heap[child]].due_ms >= t->slots[slot].due_ms) {
            break;
        }
        heap_put(t, at, t->heap[child]);
        at = child;
    }
    heap_put(t, at, slot);
}

static void heap_remove(struct timers *t, int at)
{
    int slot = t->heap[at];
    int last = t->heap[--t->count];
    if (last != slot) {
        heap_put(t, at, last);
        heap_up(t, at);
        heap_down(t, t->slots[last].at);
    }
    t->slots[slot].at = -1;
    t->slots[slot].generation++;
    t->slots[slot].next_free = t->free_head;
    t->free_head = slot;
}

static int slot_take(struct timers *t)
{
    if (t->free_head >= 0) {
        int slot = t->free_head;
        t->free_head = t->slots[slot].next_free;
        return slot;
    }
    if (t->slot_count == t->slot_size) {
        t->slot_size = t->slot_size ? t->slot_size * 2 : 64;
        t->slots = mem_grow(t->slots, (size_t)t->slot_size * sizeof(*t->slots));
        t->heap = mem_grow(t->heap, (size_t)t->slot_size * sizeof(*t->heap));
    }
    t->slots[t->slot_count] = (struct slot){.generation = 1, .at = -1};
    return t->slot_count++;
}

static void wait_for_timer(struct timers *t)
{
    if (t->count == 0) {
        pthread_cond_wait(&t->changed, &t->lock);
        return;
    }
    int64_t due_ms = t->slots[t->heap[0]].due_ms;
    struct timespec until = {due_ms / 1000, due_ms % 1000 * 1000000};
    pthread_cond_timedwait(&t->changed, &t->lock, &until);
}

static void *run_timers(void *arg)
{
    struct workers *w = arg;
    struct timers *t = &w->timers;
    pthread_mutex_lock(&t->lock);
    while (!t->closed) {
        struct slot *s = t->count ? &t->slots[t->heap[0]] : NULL;
        int64_t now_ms = clock_steady_ms();
        if (!s || s->due_ms > now_ms) {
            wait_for_timer(t);
        } else if (lane_post(&w->lanes[s->lane], s->task, false)) {
            heap_remove(t, 0);
        } else { /* the lane is full: late is better than never */
            s->due_ms = now_ms + RETRY_MS;
            heap_down(t, 0);
        }
    }
    pthread_mutex_unlock(&t->lock);
    return NULL;
}

static void start_thread(pthread_t *out_thread, void *(*run)(void *), void *arg)
{
    if (pthread_create(out_thread, NULL, run, arg) != 0) {
        abort(); /* at start-up only: no threads, no program */
    }
}

static void lane_init(struct workers *w, enum worker_lane lane, int threads, int queue_max)
{
    struct lane *l = &w->lanes[lane];
    l->workers = w;
    l->deadline_ms = lane == LANE_BACKGROUND ? WORKERS_BACKGROUND_MS : WORKERS_REQUEST_MS;
    pthread_mutex_init(&l->lock, NULL);
    pthread_cond_init(&l->more, NULL);
    pthread_condattr_t steady;
    pthread_condattr_init(&steady);
    pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
    pthread_cond_init(&l->idle, &steady);
    pthread_condattr_destroy(&steady);
    l->size = queue_max > 0 ? queue_max : QUEUE_DEFAULT;
    l->ring = mem_new((size_t)l->size * sizeof(*l->ring));
    l->thread_count = threads > 0 ? threads : THREADS_DEFAULT;
    if (l->thread_count > THREADS_MAX) {
        l->thread_count = THREADS_MAX;
    }
    for (int i = 0; i < l->thread_count; i++) {
        start_thread(&l->threads[i], run_lane, l);
    }
}

static void timers_init(struct workers *w)
{
    struct timers *t = &w->timers;
    pthread_mutex_init(&t->lock, NULL);
    pthread_condattr_t steady;
    pthread_condattr_init(&steady);
    pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
    pthread_cond_init(&t->changed, &steady);
    pthread_condattr_destroy(&steady);
    t->free_head = -1;
    start_thread(&t->thread, run_timers, w);
}

struct workers *workers_new(const struct facilities *at, const int threads[LANE_COUNT],
                            int queue_max)
{
    struct workers *w = mem_new(sizeof(*w));
    w->at = at;
    atomic_init(&w->cancel, false);
    /* signals are for the main thread: these inherit a full mask */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (int lane = 0; lane < LANE_COUNT; lane++) {
        lane_init(w, (enum worker_lane)lane, threads ? threads[lane] : 0, queue_max);
    }
    timers_init(w);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return w;
}

static void lane_drain(struct lane *l, int64_t until_ms)
{
    struct timespec until = {until_ms / 1000, until_ms % 1000 * 1000000};
    pthread_mutex_lock(&l->lock);
    l->closed = true;
    int rc = 0;
    while (rc == 0 && (l->count > 0 || l->busy > 0)) {
        rc = pthread_cond_timedwait(&l->idle, &l->lock, &until);
    }
    pthread_cond_broadcast(&l->more);
    pthread_mutex_unlock(&l->lock);
}

static void lane_join(struct lane *l)
{
    for (int i = 0; i < l->thread_count; i++) {
        pthread_join(l->threads[i], NULL);
    }
    pthread_mutex_destroy(&l->lock);
    pthread_cond_destroy(&l->more);
    pthread_cond_destroy(&l->idle);
    free(l->ring);
}

static void timers_stop(struct timers *t)
{
    pthread_mutex_lock(&t->lock);
    t->closed = true;
    pthread_cond_signal(&t->changed);
    pthread_mutex_unlock(&t->lock);
    pthread_join(t->thread, NULL);
}

void workers_free(struct workers **w, int64_t drain_ms)
{
    struct workers *old = *w;
    if (!old) {
        return;
    }
    timers_stop(&old->timers);
    int64_t until_ms = clock_steady_ms() + (drain_ms > 0 ? drain_ms : 0);
    for (int lane = 0; lane < LANE_COUNT; lane++) {
        lane_drain(&old->lanes[lane], until_ms);
    }
    atomic_store(&old->cancel, true);
    for (int lane = 0; lane < LANE_COUNT; lane++) {
        lane_join(&old->lanes[lane]);
    }
    pthread_mutex_destroy(&old->timers.lock);
    pthread_cond_destroy(&old->timers.changed);
    free(old->timers.slots);
    free(old->timers.heap);
    free(old);
    *w = NULL;
}

bool workers_post(struct workers *w, enum worker_lane lane, void (*fn)(struct ctx *c, void *arg),
                  void *arg)
{
    return lane_post(&w->lanes[lane], (struct task){fn, arg}, false);
}

bool workers_post_quietly(struct workers *w, enum worker_lane lane,
                          void (*fn)(struct ctx *c, void *arg), void *arg)
{
    return lane_post(&w->lanes[lane], (struct task){fn, arg}, true);
}

void workers_wake(struct workers *w)
{
    for (int lane = 0; lane < LANE_COUNT; lane++) {
        lane_wake(&w->lanes[lane]);
    }
}

uint64_t workers_post_later(struct workers *w, enum worker_lane lane, int64_t delay_ms,
                            void (*fn)(struct ctx *c, void *arg), void *arg)
{
    struct timers *t = &w->timers;
    uint64_t handle = 0;
    pthread_mutex_lock(&t->lock);
    if (!t->closed && t->count < WORKERS_TIMERS_MAX) {
        int slot = slot_take(t);
        struct slot *s = &t->slots[slot];
        s->task = (struct task){fn, arg};
        s->lane = lane;
        s->due_ms = clock_steady_ms() + (delay_ms > 0 ? delay_ms : 0);
        heap_put(t, t->count++, slot);
        heap_up(t, s->at);
        if (s->at == 0) {
            pthread_cond_signal(&t->changed);
        }
        handle = s->generation << 16 | (uint64_t)slot;
    }
    pthread_mutex_unlock(&t->lock);
    return handle;
}

bool workers_cancel(struct workers *w, uint64_t handle)
{
    struct timers *t = &w->timers;
    int slot = (int)(handle & 0xffff);
    pthread_mutex_lock(&t->lock);
    bool pending =
        slot < t->slot_count && t->slots[slot].at >= 0 && t->slots[slot].generation == handle >> 16;
    if (pending) {
        heap_remove(t, t->slots[slot].at);
    }
    pthread_mutex_unlock(&t->lock);
    return pending;
}

bool workers_take(struct ctx *c)
{
    bool can = c->taken != NULL;
    if (can) {
        *c->taken = true;
        c->taken = NULL;
    }
    return can;
}

int workers_queued(const struct workers *w, enum worker_lane lane)
{
    struct lane *l = (struct lane *)(uintptr_t)&w->lanes[lane]; /* only its lock is written */
    pthread_mutex_lock(&l->lock);
    int count = l->count;
    pthread_mutex_unlock(&l->lock);
    return count;
}
