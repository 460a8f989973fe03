/* Scoped memory: everything a task allocates dies with its arena, so straight-line code needs no
 * frees. An arena belongs to one thread at a time.
 *
 * It has a maximum and, above it, a reserve of the same size. Readers of what comes from outside
 * (JSON, rows, bodies) refuse what would pass the maximum. What is made of things already read may
 * go into the reserve: the arena is full then, and the task ends with an error at its next border,
 * which is any call that asks ctx_check: a statement, a request, a step's end. Only who takes the
 * whole reserve between two borders, or a system without memory, ends the process. Pure. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stdbool.h>
#include <stddef.h>

struct arena;

/* max_bytes: what the arena may take from the system before it is full. */
struct arena *arena_new(size_t max_bytes);
void arena_free(struct arena **a);

/* 16-byte aligned, zeroed. Never NULL. */
void *arena_alloc(struct arena *a, size_t n_bytes);
/* n elements of size bytes; the multiplication is checked. */
void *arena_array(struct arena *a, size_t n, size_t size_bytes);
void *arena_memdup(struct arena *a, const void *p, size_t n_bytes);

/* Forgets everything but keeps the first block, for loops that reuse one arena. */
void arena_reset(struct arena *a);
size_t arena_used_bytes(const struct arena *a);
/* At least this much can still be taken, so that a reader can refuse what would not fit. */
size_t arena_left_bytes(const struct arena *a);
/* The reserve is in use: nothing more is to be begun in this arena. */
bool arena_is_full(const struct arena *a);

/* Runs fn(arg) when the arena is reset or freed, last registered first: for foreign handles whose
 * life is the task's. */
void arena_defer(struct arena *a, void (*fn)(void *arg), void *arg);

#define ARENA_NEW(a, type)      ((type *)arena_alloc((a), sizeof(type)))
#define ARENA_ARRAY(a, type, n) ((type *)arena_array((a), (n), sizeof(type)))

/* Long-lived memory: like malloc and calloc, but zeroed and never NULL. Freed by free(). */
void *mem_new(size_t n_bytes);
void *mem_grow(void *p, size_t n_bytes);
char *mem_dupz(const char *z);

#endif
