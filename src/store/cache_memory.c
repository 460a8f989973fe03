/* The cache of one process: hash tables with a list by last use each, under a lock each. A key's
 * hash says in which it lies. What is allocated, copied into and freed is so without the lock: a
 * thread that loses its processor while it has one keeps many others waiting. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/cache_driver.h"

enum {
    PARTS = 16,
    PART_BUCKETS = 256,
    WHOLE_BYTES = 4 << 20, /* a cache of less is one part: its oldest goes, and none newer */
    MAX_BYTES_DEFAULT = 8 << 20,
    OVERHEAD_BYTES = 32
};

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

struct part {
    pthread_mutex_t lock;
    struct item *buckets[PART_BUCKETS];
    struct item *newest, *oldest;
};

struct memory {
    struct part parts[PARTS];
    unsigned part_count;
    _Atomic size_t used_bytes;
    size_t max_bytes;
};

static size_t size_of(const struct item *i)
{
    return sizeof(*i) + i->key_bytes + i->value_bytes + OVERHEAD_BYTES;
}

static struct str key_of(const struct item *i)
{
    return str_make(i->bytes, i->key_bytes);
}

static struct part *part_of(struct memory *m, uint64_t hash)
{
    return &m->parts[hash / PART_BUCKETS % m->part_count];
}

static void unlink_use(struct part *p, struct item *i)
{
    *(i->newer ? &i->newer->older : &p->newest) = i->older;
    *(i->older ? &i->older->newer : &p->oldest) = i->newer;
    i->newer = i->older = NULL;
}

static void link_newest(struct part *p, struct item *i)
{
    i->older = p->newest;
    *(p->newest ? &p->newest->newer : &p->oldest) = i;
    p->newest = i;
}

/* Out of the part, for the caller to free. Locked, as all that follow but who locks. */
static struct item *take_out(struct memory *m, struct part *p, struct item *i)
{
    struct item **at = &p->buckets[i->hash % PART_BUCKETS];
    while (*at != i) {
        at = &(*at)->next_in_bucket;
    }
    *at = i->next_in_bucket;
    unlink_use(p, i);
    m->used_bytes -= size_of(i);
    return i;
}

static struct item *look(struct part *p, struct str key, uint64_t hash)
{
    struct item *i = p->buckets[hash % PART_BUCKETS];
    while (i && (i->hash != hash || !str_eq(key_of(i), key))) {
        i = i->next_in_bucket;
    }
    return i;
}

/* The item, as the newest; NULL when its time is over. */
static struct item *find(struct part *p, struct str key, uint64_t hash, int64_t now_ms)
{
    struct item *i = look(p, key, hash);
    if (!i || i->ends_ms <= now_ms) {
        return NULL;
    }
    if (p->newest != i) {
        unlink_use(p, i);
        link_newest(p, i);
    }
    return i;
}

static struct item *make(struct str key, uint64_t hash, struct str value)
{
    struct item *i = mem_new(sizeof(*i) + key.n + value.n);
    i->hash = hash;
    i->key_bytes = key.n;
    i->value_bytes = value.n;
    memcpy(i->bytes, key.p, key.n);
    memcpy(i->bytes + key.n, value.n ? value.p : "", value.n);
    return i;
}

/* In place of the item of its key, which is returned. */
static struct item *put_in(struct memory *m, struct part *p, struct item *i)
{
    struct item *before = look(p, key_of(i), i->hash);
    if (before) {
        take_out(m, p, before);
    }
    i->next_in_bucket = p->buckets[i->hash % PART_BUCKETS];
    p->buckets[i->hash % PART_BUCKETS] = i;
    link_newest(p, i);
    m->used_bytes += size_of(i);
    return before;
}

/* What went longest unused goes, of the part of `hash` first; its newest last, and only when all
 * others are gone. Not locked. */
static void make_room(struct memory *m, uint64_t hash)
{
    for (unsigned n = 0; n <= m->part_count && m->used_bytes > m->max_bytes; n++) {
        struct part *p = part_of(m, hash + (uint64_t)n * PART_BUCKETS);
        bool is_over = true;
        while (is_over) {
            pthread_mutex_lock(&p->lock);
            bool spared = n == 0 && p->oldest == p->newest;
            is_over = p->oldest && !spared && m->used_bytes > m->max_bytes;
            struct item *gone = is_over ? take_out(m, p, p->oldest) : NULL;
            pthread_mutex_unlock(&p->lock);
            free(gone);
        }
    }
}

static enum err memory_open(struct ctx *c, const struct cache_config *config, void **out_state)
{
    (void)c;
    struct memory *m = mem_new(sizeof(*m));
    m->max_bytes = config->max_bytes ? config->max_bytes : MAX_BYTES_DEFAULT;
    m->part_count = m->max_bytes < WHOLE_BYTES ? 1 : PARTS;
    for (int i = 0; i < PARTS; i++) {
        pthread_mutex_init(&m->parts[i].lock, NULL);
    }
    *out_state = m;
    return E_OK;
}

static void memory_close(void *state)
{
    struct memory *m = state;
    for (int i = 0; i < PARTS; i++) {
        struct part *p = &m->parts[i];
        while (p->oldest) {
            free(take_out(m, p, p->oldest));
        }
        pthread_mutex_destroy(&p->lock);
    }
    free(m);
}

static enum err memory_set(struct ctx *c, void *state, struct str key, struct str value,
                           int64_t ttl_ms)
{
    struct memory *m = state;
    uint64_t hash = str_hash(key);
    struct part *p = part_of(m, hash);
    struct item *i = make(key, hash, value);
    i->ends_ms = ctx_now_ms(c) + ttl_ms;
    pthread_mutex_lock(&p->lock);
    struct item *before = put_in(m, p, i);
    pthread_mutex_unlock(&p->lock);
    free(before);
    make_room(m, hash);
    return E_OK;
}

static bool memory_get(struct ctx *c, void *state, struct str key, struct str *out_value)
{
    struct memory *m = state;
    uint64_t hash = str_hash(key);
    struct part *p = part_of(m, hash);
    int64_t now_ms = ctx_now_ms(c);
    pthread_mutex_lock(&p->lock);
    struct item *i = find(p, key, hash, now_ms);
    if (i && i->is_counter) {
        *out_value = str_fmt(c->arena, "%lld", (long long)i->count);
    } else if (i) {
        *out_value = str_dup(c->arena, str_make(i->bytes + i->key_bytes, i->value_bytes));
    }
    pthread_mutex_unlock(&p->lock);
    return i != NULL;
}

static void memory_remove(struct ctx *c, void *state, struct str key)
{
    struct memory *m = state;
    uint64_t hash = str_hash(key);
    struct part *p = part_of(m, hash);
    (void)c;
    pthread_mutex_lock(&p->lock);
    struct item *i = look(p, key, hash);
    if (i) {
        take_out(m, p, i);
    }
    pthread_mutex_unlock(&p->lock);
    free(i);
}

static enum err memory_incr(struct ctx *c, void *state, struct str key,
                            const struct cache_count *step, struct cache_count *out_count)
{
    struct memory *m = state;
    uint64_t hash = str_hash(key);
    struct part *p = part_of(m, hash);
    struct item *before = NULL;
    int64_t now = ctx_now_ms(c);
    pthread_mutex_lock(&p->lock);
    struct item *i = find(p, key, hash, now);
    if (!i || !i->is_counter) {
        i = make(key, hash, (struct str){0});
        i->is_counter = true;
        i->ends_ms = now + step->left_ms;
        before = put_in(m, p, i);
    }
    i->count += step->count;
    *out_count = (struct cache_count){.count = i->count, .left_ms = i->ends_ms - now};
    pthread_mutex_unlock(&p->lock);
    free(before);
    make_room(m, hash);
    return E_OK;
}

static void memory_erase(struct ctx *c, void *state, struct str prefix)
{
    struct memory *m = state;
    (void)c;
    for (int n = 0; n < PARTS; n++) {
        struct part *p = &m->parts[n];
        pthread_mutex_lock(&p->lock);
        for (struct item *i = p->oldest, *newer; i; i = newer) {
            newer = i->newer;
            if (str_starts(key_of(i), prefix)) {
                free(take_out(m, p, i));
            }
        }
        pthread_mutex_unlock(&p->lock);
    }
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
