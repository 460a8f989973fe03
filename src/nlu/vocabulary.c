#include "nlu/vocabulary.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

struct entry {
    uint32_t hash; /* 0: free */
    uint32_t holders : 31;
    uint32_t plain : 1;
};

struct vocabulary {
    struct entry *entries;
    size_t count, size;            /* size: a power of two */
    struct vocabulary_fact *facts; /* by index, once closed */
};

struct vocabulary *vocabulary_new(void)
{
    struct vocabulary *v = mem_new(sizeof *v);
    v->size = 1024;
    v->entries = mem_new(v->size * sizeof *v->entries);
    return v;
}

void vocabulary_free(struct vocabulary **v)
{
    if (*v) {
        free((*v)->entries);
        free((*v)->facts);
        free(*v);
        *v = NULL;
    }
}

static struct entry *slot_of(const struct vocabulary *v, uint32_t hash)
{
    size_t at = (hash * 0x9e3779b1u) & (v->size - 1);
    while (v->entries[at].hash && v->entries[at].hash != hash) {
        at = (at + 1) & (v->size - 1);
    }
    return &v->entries[at];
}

static void grow(struct vocabulary *v)
{
    struct entry *old = v->entries;
    size_t old_size = v->size;
    v->size *= 2;
    v->entries = mem_new(v->size * sizeof *v->entries);
    for (size_t i = 0; i < old_size; i++) {
        if (old[i].hash) {
            *slot_of(v, old[i].hash) = old[i];
        }
    }
    free(old);
}

void vocabulary_add(struct vocabulary *v, const struct feature *items, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (2 * (v->count + 1) > v->size) {
            grow(v);
        }
        struct entry *e = slot_of(v, items[i].hash);
        v->count += !e->hash;
        e->hash = items[i].hash;
        e->holders++;
        e->plain = items[i].plain;
    }
}

static int by_value(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* A pair needs one holder more than others: most pairs are seen once and tell nothing. */
static bool is_held(const struct entry *e, uint32_t least, bool pairs)
{
    bool pair = feature_group(e->hash) == FEATURE_PAIRS;
    return e->hash && e->holders >= least + pair && (pairs || !pair);
}

static size_t count_held(const struct vocabulary *v, uint32_t least, bool pairs)
{
    size_t n = 0;
    for (size_t i = 0; i < v->size; i++) {
        n += is_held(&v->entries[i], least, pairs);
    }
    return n;
}

size_t vocabulary_close(struct vocabulary *v, size_t most, bool pairs, uint32_t **out_hashes)
{
    uint32_t least = 1;
    size_t left = count_held(v, least, pairs);
    while (left > most) {
        left = count_held(v, ++least, pairs);
    }
    uint32_t *hashes = mem_new((left + 1) * sizeof *hashes);
    size_t n = 0;
    for (size_t i = 0; i < v->size; i++) {
        if (is_held(&v->entries[i], least, pairs)) {
            hashes[n++] = v->entries[i].hash;
        }
    }
    qsort(hashes, n, sizeof *hashes, by_value);
    v->facts = mem_new((n + 1) * sizeof *v->facts);
    for (size_t i = 0; i < n; i++) {
        const struct entry *e = slot_of(v, hashes[i]);
        v->facts[i] = (struct vocabulary_fact){e->holders, e->plain};
    }
    *out_hashes = hashes;
    return n;
}

struct vocabulary_fact vocabulary_fact(const struct vocabulary *v, size_t index)
{
    return v->facts[index];
}
