#include "host/batch.h"

#include <pthread.h>
#include <stdlib.h>

#include "io/workers.h"

enum { QUEUES = 64, LEADER_ARENA_BYTES = 64 << 20 };

/* Of the orgs whose ids fall here. */
struct queue {
    pthread_mutex_t lock;
    struct batch_work *first, *last;
    bool led;
};

struct batch {
    struct queue queues[QUEUES];
};

struct batch *batch_new(void)
{
    struct batch *b = mem_new(sizeof(*b));
    for (int i = 0; i < QUEUES; i++) {
        pthread_mutex_init(&b->queues[i].lock, NULL);
    }
    return b;
}

void batch_free(struct batch **b)
{
    if (*b) {
        for (int i = 0; i < QUEUES; i++) {
            pthread_mutex_destroy(&(*b)->queues[i].lock);
        }
        free(*b);
        *b = NULL;
    }
}

/* Works of one org, in the order they came. */
struct group {
    struct batch_work *works[BATCH_MAX];
    int count;
    struct store *store;
};

/* False, and nobody leads any more: the queue is empty. */
static bool take_group(struct queue *q, struct group *g)
{
    g->count = 0;
    pthread_mutex_lock(&q->lock);
    while (q->first && g->count < BATCH_MAX &&
           (g->count == 0 || id_eq(&q->first->c->org, &g->works[0]->c->org))) {
        g->works[g->count++] = q->first;
        q->first = q->first->next;
    }
    q->last = q->first ? q->last : NULL;
    q->led = g->count > 0;
    pthread_mutex_unlock(&q->lock);
    return g->count > 0;
}

static enum err write_all(struct ctx *c, void *arg)
{
    const struct group *g = arg;
    (void)c;
    for (int i = 0; i < g->count; i++) {
        TRY(g->works[i]->write(g->works[i]->c, g->store, g->works[i]->arg));
    }
    return E_OK;
}

static enum err commit(struct ctx *c, struct group *g)
{
    c->org = g->works[0]->c->org;
    TRY(store_of(c, &g->store));
    return store_transact(c, g->store, write_all, g);
}

static void tell(struct batch_work *w, const struct ctx *c, enum err e)
{
    if (e != E_OK && w->c->fault.err != e) {
        w->c->fault = c->fault;
    }
    w->done(w->c, e, w->arg);
}

/* One that fails must not take the others with it: then each for itself. */
static void do_group(struct ctx *c, struct group *g)
{
    enum err e = commit(c, g);
    for (int i = 0; i < g->count; i++) {
        struct group one = {.works = {g->works[i]}, .count = 1};
        enum err own = e;
        if (e != E_OK && g->count > 1) {
            ctx_forgive(c);
            ctx_forgive(one.works[0]->c);
            own = commit(c, &one);
        }
        tell(g->works[i], c, own);
    }
}

static void lead(const struct facilities *at, struct queue *q);

static void lead_on(struct ctx *c, void *arg)
{
    lead(c->at, arg);
}

static void lead(const struct facilities *at, struct queue *q)
{
    struct group g;
    for (int i = 0; take_group(q, &g); i++) {
        struct ctx *c = ctx_new(at, LEADER_ARENA_BYTES);
        ctx_limit(c, WORKERS_REQUEST_MS);
        do_group(c, &g);
        ctx_free(&c);
        if (i >= BATCH_GROUPS_MAX && at->workers &&
            workers_post(at->workers, LANE_REQUEST, lead_on, q)) {
            return; /* others wait for this thread too; whoever takes the post leads */
        }
    }
}

void batch_add(struct batch *b, struct batch_work *w)
{
    const struct facilities *at = w->c->at;
    struct queue *q = &b->queues[str_hash(id_str(&w->c->org)) % QUEUES];
    w->next = NULL;
    w->c->deadline_steady_ms = 0; /* the leader's holds for all */
    pthread_mutex_lock(&q->lock);
    *(q->first ? &q->last->next : &q->first) = w;
    q->last = w;
    bool leads = !q->led;
    q->led = true;
    pthread_mutex_unlock(&q->lock);
    if (leads) {
        lead(at, q);
    }
}
