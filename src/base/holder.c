#include "base/holder.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/map.h"

struct holder {
    pthread_mutex_t lock;
    struct holder_options options;
    struct map *table; /* key -> struct holding */
};

struct holder *holder_new(const struct holder_options *options)
{
    struct holder *h = mem_new(sizeof(*h));
    h->options = *options;
    pthread_mutex_init(&h->lock, NULL);
    h->table = map_new(options->most);
    return h;
}

/* With the lock held. */
static void drop(struct holder *h, struct str key)
{
    struct holding *k = map_remove(h->table, key);
    k->dropped = true;
    if (k->users == 0) {
        h->options.free_thing(k);
    }
}

/* With the lock held. */
static void drop_all(struct holder *h, struct str prefix)
{
    bool again = true;
    while (again) {
        again = false;
        size_t cursor = 0;
        struct str key;
        void *value;
        while (!again && map_next(h->table, &cursor, &key, &value)) {
            if (str_starts(key, prefix)) {
                drop(h, key);
                again = true; /* the table changed: start over */
            }
        }
    }
}

void holder_free(struct holder **h)
{
    if (*h) {
        drop_all(*h, STR(""));
        map_free(&(*h)->table);
        pthread_mutex_destroy(&(*h)->lock);
        free(*h);
        *h = NULL;
    }
}

void holder_forget(struct holder *h, struct str prefix)
{
    pthread_mutex_lock(&h->lock);
    drop_all(h, prefix);
    pthread_mutex_unlock(&h->lock);
}

/* With the lock held. */
static void make_room(struct holder *h)
{
    for (;;) {
        size_t cursor = 0, bytes = 0;
        struct str key, oldest = {0};
        void *value;
        int64_t when = INT64_MAX;
        while (map_next(h->table, &cursor, &key, &value)) {
            const struct holding *k = value;
            bytes += h->options.bytes ? h->options.bytes(k) : 0;
            if (k->users == 0 && k->last_used_ms < when) {
                when = k->last_used_ms;
                oldest = key;
            }
        }
        bool full = map_count(h->table) >= h->options.most ||
                    (h->options.bytes && bytes > h->options.bytes_max);
        if (!full || !oldest.p) {
            return;
        }
        drop(h, oldest);
    }
}

/* With the lock held. */
static struct holding *use(struct holding *k)
{
    if (k) {
        k->users++;
        k->last_used_ms = clock_steady_ms();
    }
    return k;
}

struct holding *holder_take(struct holder *h, struct str key)
{
    pthread_mutex_lock(&h->lock);
    struct holding *k = use(map_get(h->table, key));
    pthread_mutex_unlock(&h->lock);
    return k;
}

struct holding *holder_keep(struct holder *h, struct str key, struct holding *fresh)
{
    *fresh = (struct holding){.owner = h};
    pthread_mutex_lock(&h->lock);
    struct holding *k = use(map_get(h->table, key));
    if (!k) {
        make_room(h);
        k = use(fresh);
        k->dropped = !map_set(h->table, key, fresh); /* all are held: only its task has it */
    }
    pthread_mutex_unlock(&h->lock);
    if (k != fresh) {
        h->options.free_thing(fresh);
    }
    return k;
}

void holder_give_back(void *thing)
{
    struct holding *k = thing;
    struct holder *h = k->owner;
    pthread_mutex_lock(&h->lock);
    k->users--;
    bool last = k->users == 0 && k->dropped;
    pthread_mutex_unlock(&h->lock);
    if (last) {
        h->options.free_thing(k);
    }
}
