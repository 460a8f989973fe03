#include "base/arena.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGN = 16, FIRST_BLOCK_BYTES = 4096, BLOCK_MAX_BYTES = 1 << 20 };

struct block {
    struct block *next;
    size_t size_bytes;
    size_t used_bytes;
    size_t pad; /* keeps `bytes` aligned to 16 */
    char bytes[];
};

struct deferred {
    struct deferred *next;
    void (*fn)(void *);
    void *arg;
};

struct arena {
    struct block *blocks; /* newest first */
    struct deferred *deferred;
    size_t max_bytes;
    size_t taken_bytes;
    size_t used_bytes;
};

/* With the reserve. */
static size_t hard_max(const struct arena *a)
{
    return a->max_bytes > SIZE_MAX / 2 ? SIZE_MAX : 2 * a->max_bytes;
}

static _Noreturn void out_of_memory(const char *what, size_t n_bytes)
{
    fprintf(stderr, "rapport: %s: %zu bytes\n", what, n_bytes);
    abort();
}

void *mem_new(size_t n_bytes)
{
    void *p = calloc(1, n_bytes ? n_bytes : 1);
    if (!p) {
        out_of_memory("out of memory", n_bytes);
    }
    return p;
}

void *mem_grow(void *p, size_t n_bytes)
{
    void *grown = realloc(p, n_bytes ? n_bytes : 1);
    if (!grown) {
        out_of_memory("out of memory", n_bytes);
    }
    return grown;
}

char *mem_dupz(const char *z)
{
    size_t n = strlen(z) + 1;
    return memcpy(mem_new(n), z, n);
}

struct arena *arena_new(size_t max_bytes)
{
    struct arena *a = mem_new(sizeof(*a));
    a->max_bytes = max_bytes;
    return a;
}

static void run_deferred(struct arena *a)
{
    while (a->deferred) {
        struct deferred *d = a->deferred;
        a->deferred = d->next;
        d->fn(d->arg);
    }
}

static void free_blocks(struct arena *a, struct block *keep)
{
    struct block *b = a->blocks;
    while (b) {
        struct block *next = b->next;
        if (b != keep) {
            a->taken_bytes -= b->size_bytes;
            free(b);
        }
        b = next;
    }
    a->blocks = keep;
}

void arena_free(struct arena **a)
{
    if (!*a) {
        return;
    }
    run_deferred(*a);
    free_blocks(*a, NULL);
    free(*a);
    *a = NULL;
}

void arena_reset(struct arena *a)
{
    run_deferred(a);
    struct block *first = a->blocks;
    while (first && first->next) {
        first = first->next;
    }
    if (first && first->size_bytes > FIRST_BLOCK_BYTES) {
        first = NULL; /* one big allocation is no reason to hold on to its block */
    }
    free_blocks(a, first);
    if (first) {
        first->next = NULL;
        memset(first->bytes, 0, first->used_bytes);
        first->used_bytes = 0;
    }
    a->used_bytes = 0;
}

static struct block *add_block(struct arena *a, size_t need_bytes)
{
    size_t size = FIRST_BLOCK_BYTES;
    if (a->blocks) {
        size = a->blocks->size_bytes * 2;
        size = size > BLOCK_MAX_BYTES ? BLOCK_MAX_BYTES : size;
    }
    size = size < need_bytes ? need_bytes : size;
    if (size > arena_left_bytes(a)) {
        size = need_bytes;
    }
    if (size > hard_max(a) - a->taken_bytes) {
        out_of_memory("arena limit reached", a->max_bytes);
    }
    struct block *b = mem_new(sizeof(*b) + size);
    b->size_bytes = size;
    b->next = a->blocks;
    a->blocks = b;
    a->taken_bytes += size;
    return b;
}

void *arena_alloc(struct arena *a, size_t n_bytes)
{
    if (n_bytes > hard_max(a)) {
        out_of_memory("arena limit reached", n_bytes);
    }
    size_t need = (n_bytes + ALIGN - 1) / ALIGN * ALIGN;
    need = need ? need : ALIGN;
    struct block *b = a->blocks;
    if (!b || b->size_bytes - b->used_bytes < need) {
        b = add_block(a, need);
    }
    void *p = b->bytes + b->used_bytes;
    b->used_bytes += need;
    a->used_bytes += need;
    return p;
}

void *arena_array(struct arena *a, size_t n, size_t size_bytes)
{
    if (size_bytes && n > SIZE_MAX / size_bytes) {
        out_of_memory("array too large", n);
    }
    return arena_alloc(a, n * size_bytes);
}

void *arena_memdup(struct arena *a, const void *p, size_t n_bytes)
{
    void *copy = arena_alloc(a, n_bytes);
    if (n_bytes) {
        memcpy(copy, p, n_bytes);
    }
    return copy;
}

size_t arena_used_bytes(const struct arena *a)
{
    return a->used_bytes;
}

size_t arena_left_bytes(const struct arena *a)
{
    return arena_is_full(a) ? 0 : a->max_bytes - a->taken_bytes;
}

bool arena_is_full(const struct arena *a)
{
    return a->taken_bytes > a->max_bytes;
}

void arena_defer(struct arena *a, void (*fn)(void *arg), void *arg)
{
    struct deferred *d = ARENA_NEW(a, struct deferred);
    *d = (struct deferred){a->deferred, fn, arg};
    a->deferred = d;
}
