/* The cache of one process: a hash table and a list by last use, under one lock. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/cache_driver.h"

enum { BUCKETS = 4096, MAX_BYTES_DEFAULT = 8 << 20, OVERHEAD_BYTES = 32 };

struct item {
    struct item *next_in_bucket;
    struct item *newer, *older; /* by use */
    uint64_t hash;
    int64_t ends_ms;
    int64_t count; /* of a counter */
    bool is_counter;
    size_t key_bytes, value_bytes;
    char bytes[]; /* key, then value */
};

struct memory {
    pthread_mutex_t lock;
    struct item *buckets[BUCKETS];
    struct item *newest, *oldest;
    size_t used_bytes, max_bytes;
};

static size_t size_of(const struct item *i)
{
    return sizeof(*i) + i->key_bytes + i->value_bytes + OVERHEAD_BYTES;
}

static struct str key_of(const struct item *i)
{
    return str_make(i->bytes, i->key_bytes);
}

static void unlink_use(struct memory *m, struct item *i)
{
    *(i->newer ? &i->newer->older : &m->newest) = i->older;
    *(i->older ? &i->older->newer : &m->oldest) = i->newer;
    i->newer = i->older = NULL;
}

static void link_newest(struct memory *m, struct item *i)
{
    i->older = m->newest;
    *(m->newest ? &m->newest->newer : &m->oldest) = i;
    m->newest = i;
}

static void drop(struct memory *m, struct item *i)
{
    struct item **at = &m->buckets[i->hash % BUCKETS];
    while (*at != i) {
        at = &(*at)->next_in_bucket;
    }
    *at = i->next_in_bucket;
    unlink_use(m, i);
    m->used_bytes -= size_of(i);
    free(i);
}

/* The item, as the newest; one whose time is over is dropped. */
static struct item *find(struct memory *m, struct str key, int64_t now_ms)
{
    uint64_t hash = str_hash(key);
    for (struct item *i = m->buckets[hash % BUCKETS]; i; i = i->next_in_bucket) {
        if (i->hash != hash || !str_eq(key_of(i), key)) {
            continue;
        }
        if (i->ends_ms <= now_ms) {
            drop(m, i);
            return NULL;
        }
        unlink_use(m, i);
        link_newest(m, i);
        return i;
    }
    return NULL;
}

static struct item *add(struct memory *m, struct str key, struct str value)
{
    struct item *i = mem_new(sizeof(*i) + key.n + value.n);
    i->hash = str_hash(key);
    i->key_bytes = key.n;
    i->value_bytes = value.n;
    memcpy(i->bytes, key.p, key.n);
    memcpy(i->bytes + key.n, value.n ? value.p : "", value.n);
    i->next_in_bucket = m->buckets[i->hash % BUCKETS];
    m->buckets[i->hash % BUCKETS] = i;
    link_newest(m, i);
    m->used_bytes += size_of(i);
    return i;
}

/* The newest item is kept unless it alone is too much. */
static void make_room(struct memory *m)
{
    while (m->used_bytes > m->max_bytes && m->oldest) {
        drop(m, m->oldest);
    }
}

static enum err memory_open(struct ctx *c, const struct cache_config *config, void **out_state)
{
    (void)c;
    struct memory *m = mem_new(sizeof(*m));
    pthread_mutex_init(&m->lock, NULL);
    m->max_bytes = config->max_bytes ? config->max_bytes : MAX_BYTES_DEFAULT;
    *out_state = m;
    return E_OK;
}

static void memory_close(void *state)
{
    struct memory *m = state;
    while (m->oldest) {
        drop(m, m->oldest);
    }
    pthread_mutex_destroy(&m->lock);
    free(m);
}

static enum err memory_set(struct ctx *c, void *state, struct str key, struct str value,
                           int64_t ttl_ms)
{
    struct memory *m = state;
    int64_t now = ctx_now_ms(c);
    pthread_mutex_lock(&m->lock);
    struct item *i = find(m, key, now);
    if (i) {
        drop(m, i);
    }
    i = add(m, key, value);
    i->ends_ms = now + ttl_ms;
    make_room(m);
    pthread_mutex_unlock(&m->lock);
    return E_OK;
}

static bool memory_get(struct ctx *c, void *state, struct str key, struct str *out_value)
{
    struct memory *m = state;
    pthread_mutex_lock(&m->lock);
    struct item *i = find(m, key, ctx_now_ms(c));
    if (i && i->is_counter) {
        *out_value = str_fmt(c->arena, "%lld", (long long)i->count);
    } else if (i) {
        *out_value = str_dup(c->arena, str_make(i->bytes + i->key_bytes, i->value_bytes));
    }
    pthread_mutex_unlock(&m->lock);
    return i != NULL;
}

static void memory_remove(struct ctx *c, void *state, struct str key)
{
    struct memory *m = state;
    pthread_mutex_lock(&m->lock);
    struct item *i = find(m, key, ctx_now_ms(c));
    if (i) {
        drop(m, i);
    }
    pthread_mutex_unlock(&m->lock);
}

static enum err memory_incr(struct ctx *c, void *state, struct str key,
                            const struct cache_count *step, struct cache_count *out_count)
{
    struct memory *m = state;
    int64_t now = ctx_now_ms(c);
    pthread_mutex_lock(&m->lock);
    struct item *i = find(m, key, now);
    if (i && !i->is_counter) {
        drop(m, i);
        i = NULL;
    }
    if (!i) {
        i = add(m, key, (struct str){0});
        i->is_counter = true;
        i->ends_ms = now + step->left_ms;
    }
    i->count += step->count;
    *out_count = (struct cache_count){.count = i->count, .left_ms = i->ends_ms - now};
    make_room(m);
    pthread_mutex_unlock(&m->lock);
    return E_OK;
}

static void memory_erase(struct ctx *c, void *state, struct str prefix)
{
    struct memory *m = state;
    (void)c;
    pthread_mutex_lock(&m->lock);
    for (struct item *i = m->oldest, *newer; i; i = newer) {
        newer = i->newer;
        if (str_starts(key_of(i), prefix)) {
            drop(m, i);
        }
    }
    pthread_mutex_unlock(&m->lock);
}

const struct cache_driver cache_memory_driver = {
    .open = memory_open,
    .close = memory_close,
    .set = memory_set,
    .get = memory_get,
    .remove = memory_remove,
    .incr = memory_incr,
    .erase = memory_erase,
};
