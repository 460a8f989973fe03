#include "base/map.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

struct entry {
    char *key; /* NULL: removed */
    size_t n;
    uint64_t hash;
    void *value;
};

/* Entries lie in an array in order of insertion; `slots` is an open-addressed index into it. */
struct map {
    struct entry *entries;
    uint32_t *slots; /* index + 1; 0 = empty */
    size_t n_slots;
    size_t used; /* entries taken, removed ones included */
    size_t live;
    size_t max;
};

struct map *map_new(size_t max)
{
    struct map *m = mem_new(sizeof(*m));
    m->max = max < UINT32_MAX / 4 ? max : UINT32_MAX / 4;
    return m;
}

void map_free(struct map **m)
{
    if (!*m) {
        return;
    }
    for (size_t i = 0; i < (*m)->used; i++) {
        free((*m)->entries[i].key);
    }
    free((*m)->entries);
    free((*m)->slots);
    free(*m);
    *m = NULL;
}

static struct entry *find(const struct map *m, struct str key, uint64_t hash)
{
    if (m->n_slots == 0) {
        return NULL;
    }
    for (size_t i = hash & (m->n_slots - 1);; i = (i + 1) & (m->n_slots - 1)) {
        if (m->slots[i] == 0) {
            return NULL;
        }
        struct entry *e = &m->entries[m->slots[i] - 1];
        if (e->key && e->hash == hash && e->n == key.n && memcmp(e->key, key.p, key.n) == 0) {
            return e;
        }
    }
}

static void index_entry(struct map *m, size_t at)
{
    size_t i = m->entries[at].hash & (m->n_slots - 1);
    while (m->slots[i]) {
        i = (i + 1) & (m->n_slots - 1);
    }
    m->slots[i] = (uint32_t)at + 1;
}

static void rebuild(struct map *m)
{
    size_t n_slots = 16;
    while (n_slots < (m->live + 1) * 4) {
        n_slots *= 2;
    }
    size_t kept = 0;
    for (size_t i = 0; i < m->used; i++) {
        if (m->entries[i].key) {
            m->entries[kept++] = m->entries[i];
        }
    }
    m->used = kept;
    m->n_slots = n_slots;
    m->entries = mem_grow(m->entries, n_slots / 2 * sizeof(*m->entries));
    free(m->slots);
    m->slots = mem_new(n_slots * sizeof(*m->slots));
    for (size_t i = 0; i < kept; i++) {
        index_entry(m, i);
    }
}

void *map_get(const struct map *m, struct str key)
{
    struct entry *e = find(m, key, str_hash(key));
    return e ? e->value : NULL;
}

bool map_set(struct map *m, struct str key, void *value)
{
    uint64_t hash = str_hash(key);
    struct entry *e = find(m, key, hash);
    if (e) {
        e->value = value;
        return true;
    }
    if (m->live >= m->max) {
        return false;
    }
    if (m->used >= m->n_slots / 2) {
        rebuild(m);
    }
    char *copy = mem_new(key.n + 1);
    if (key.n) {
        memcpy(copy, key.p, key.n);
    }
    m->entries[m->used] = (struct entry){copy, key.n, hash, value};
    index_entry(m, m->used);
    m->used++;
    m->live++;
    return true;
}

void *map_remove(struct map *m, struct str key)
{
    struct entry *e = find(m, key, str_hash(key));
    if (!e) {
        return NULL;
    }
    free(e->key);
    e->key = NULL; /* its slot stays, so that probing runs on past it */
    m->live--;
    return e->value;
}

size_t map_count(const struct map *m)
{
    return m->live;
}

bool map_next(const struct map *m, size_t *cursor, struct str *out_key, void **out_value)
{
    while (*cursor < m->used) {
        const struct entry *e = &m->entries[(*cursor)++];
        if (e->key) {
            *out_key = str_make(e->key, e->n);
            *out_value = e->value;
            return true;
        }
    }
    return false;
}
