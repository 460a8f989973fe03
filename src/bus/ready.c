/* Which orgs are worth a look: since something was committed, or because a time has come. */
#include <stdlib.h>

#include "bus/dispatch.h"

enum { LOOK_EVERY_MS = 250 };

/* Locked. */
static bool enqueue(struct bus *b, struct bus_org *org)
{
    bool can = !org->busy && !org->queued && !org->erased;
    org->dirty = true;
    if (can) {
        org->queued = true;
        org->next_ready = NULL;
        *b->ready_end = org;
        b->ready_end = &org->next_ready;
    }
    return can;
}

void ready_mark(struct bus *b, struct bus_org *org)
{
    if (enqueue(b, org)) {
        pthread_cond_signal(&b->work);
    }
}

void ready_mark_own(struct bus *b, struct bus_org *org)
{
    bool others = b->ready != NULL;
    if (enqueue(b, org) && others) {
        pthread_cond_signal(&b->work);
    }
}

struct bus_org *ready_take(struct bus *b)
{
    struct bus_org *org = b->ready;
    if (org) {
        b->ready = org->next_ready;
        if (!b->ready) {
            b->ready_end = &b->ready;
        }
        org->queued = false;
    }
    return org;
}

struct bus_org *ready_org_locked(struct bus *b, const struct id *id)
{
    struct bus_org *org = map_get(b->orgs, id_str(id));
    if (!org) {
        org = mem_new(sizeof(*org));
        org->id = *id;
        org->due_ms = BUS_NEVER;
        map_set(b->orgs, id_str(id), org);
    }
    return org;
}

struct bus_org *ready_org(struct bus *b, const struct id *id)
{
    pthread_mutex_lock(&b->lock);
    struct bus_org *org = ready_org_locked(b, id);
    pthread_mutex_unlock(&b->lock);
    return org;
}

struct touch {
    struct bus *bus;
    struct id org;
};

static void touched(void *arg)
{
    struct touch *t = arg;
    pthread_mutex_lock(&t->bus->lock);
    struct bus_org *org = ready_org_locked(t->bus, &t->org);
    org->touched = true;
    if (org->tails > 0) {
        org->tail_dirty = true;
        pthread_cond_signal(&t->bus->watch);
    }
    ready_mark(t->bus, org);
    pthread_mutex_unlock(&t->bus->lock);
}

void ready_touch(struct ctx *c, struct store *s)
{
    if (c->at->bus) {
        struct touch *t = ARENA_NEW(c->arena, struct touch);
        *t = (struct touch){c->at->bus, *store_org(s)};
        store_after_commit_once(s, touched, t); /* once tells all of the transaction */
    }
}

void ready_again(void *arg, const struct id *id)
{
    struct bus *b = arg;
    pthread_mutex_lock(&b->lock);
    struct bus_org *org = ready_org_locked(b, id);
    org->tail_dirty = org->tails > 0;
    if (org->tail_dirty) {
        pthread_cond_signal(&b->watch);
    }
    ready_mark(b, org);
    pthread_mutex_unlock(&b->lock);
}

int64_t ready_due(struct bus *b)
{
    size_t cursor = 0;
    struct str key;
    void *value;
    int64_t now = clock_now_ms(b->at->clock), next_ms = LOOK_EVERY_MS;
    bool set_back = now < b->seen_ms;
    b->seen_ms = now;
    while (map_next(b->orgs, &cursor, &key, &value)) {
        struct bus_org *org = value;
        if (org->due_ms <= now || set_back) {
            org->due_ms = BUS_NEVER;
            ready_mark(b, org);
        } else if (org->due_ms - now < next_ms) {
            next_ms = org->due_ms - now;
        }
    }
    return next_ms;
}

struct bus_org *ready_tail(struct bus *b)
{
    size_t cursor = 0;
    struct str key;
    void *value;
    while (map_next(b->orgs, &cursor, &key, &value)) {
        struct bus_org *org = value;
        if (org->tail_dirty) {
            org->tail_dirty = false;
            org->tail_busy = true;
            return org;
        }
    }
    return NULL;
}

void ready_starved(struct bus *b)
{
    size_t cursor = 0;
    struct str key;
    void *value;
    if (!b->starved) {
        return;
    }
    b->starved = false;
    while (map_next(b->orgs, &cursor, &key, &value)) {
        struct bus_org *org = value;
        if (org->starved) {
            org->starved = false;
            ready_mark(b, org);
        }
    }
}
