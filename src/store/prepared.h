/* Private to store/: the prepared statements of one connection, found by the address of their
 * text. The text is compared too, so that memory used again for another text is no danger.
 * Bounded: the least recently used of a set of four goes. Not thread safe. */
#ifndef STORE_PREPARED_H
#define STORE_PREPARED_H

#include <stdint.h>

enum { PREPARED_SETS = 64, PREPARED_WAYS = 4 };

struct prepared_slot {
    const char *sql; /* the caller's, as a name */
    char *text;      /* a copy */
    void *made;      /* the driver's */
    uint64_t used;
};

struct prepared {
    struct prepared_slot slots[PREPARED_SETS][PREPARED_WAYS];
    uint64_t clock;
    void (*drop)(void *owner, void *made);
    void *owner;
};

struct prepared *prepared_new(void (*drop)(void *owner, void *made), void *owner);
/* Drops them all. */
void prepared_free(struct prepared **p);
void prepared_clear(struct prepared *p);
void *prepared_find(struct prepared *p, const char *sql); /* NULL when absent */
void prepared_keep(struct prepared *p, const char *sql, void *made);

#endif
