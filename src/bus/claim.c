/* What this process works on, and the slots that it works in. */
#include <stdio.h>

#include "bus/dispatch.h"

enum { LANE_FULL_MS = 1000 };

static struct str running_key(char *text, size_t size, const struct id *org, struct str what)
{
    snprintf(text, size, "%s %.*s", org->text, STR_ARG(what));
    return str_of(text);
}

bool claim_take(struct bus *b, const struct id *org, struct str what)
{
    char text[BUS_NAME_BYTES * 2];
    struct str key = running_key(text, sizeof(text), org, what);
    pthread_mutex_lock(&b->lock);
    bool free_to_take = !map_get(b->running, key) && map_set(b->running, key, b);
    pthread_mutex_unlock(&b->lock);
    return free_to_take;
}

void claim_drop(struct bus *b, const struct id *org, struct str what)
{
    char text[BUS_NAME_BYTES * 2];
    struct str key = running_key(text, sizeof(text), org, what);
    pthread_mutex_lock(&b->lock);
    map_remove(b->running, key);
    pthread_mutex_unlock(&b->lock);
}

int claim_room(struct pump *p)
{
    struct bus *b = p->bus;
    if (p->inline_work) {
        return 1;
    }
    pthread_mutex_lock(&b->lock);
    int room = b->stopping ? 0 : BUS_SLOTS - b->slots;
    if (room == 0) {
        p->org->starved = true;
        b->starved = true;
    }
    pthread_mutex_unlock(&b->lock);
    return room;
}

static bool take_slot(struct pump *p)
{
    struct bus *b = p->bus;
    pthread_mutex_lock(&b->lock);
    bool taken = !b->stopping && b->slots < BUS_SLOTS;
    b->slots += taken;
    if (!taken) {
        p->org->starved = true;
        b->starved = true;
    }
    pthread_mutex_unlock(&b->lock);
    return taken;
}

bool claim_work(struct pump *p, enum worker_lane lane, void (*fn)(struct ctx *c, void *arg),
                void *arg)
{
    if (p->inline_work) {
        fn(p->c, arg);
        return true;
    }
    if (!take_slot(p)) {
        return false;
    }
    if (!workers_post(p->bus->at->workers, lane, fn, arg)) {
        pthread_mutex_lock(&p->bus->lock);
        p->bus->slots--;
        pthread_mutex_unlock(&p->bus->lock);
        pump_due(p, ctx_now_ms(p->c) + LANE_FULL_MS);
        return false;
    }
    return true;
}

void claim_over(struct bus *b, const struct id *id, bool had_slot)
{
    pthread_mutex_lock(&b->lock);
    b->slots -= had_slot;
    ready_starved(b);
    if (had_slot) {
        ready_mark(b, ready_org_locked(b, id)); /* the next of its key, or the job's next time */
    }
    pthread_cond_broadcast(&b->idle);
    pthread_mutex_unlock(&b->lock);
}
