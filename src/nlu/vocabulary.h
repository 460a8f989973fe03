/* Which features training has seen and how many examples hold each: filled once, then closed and
 * asked. Pure. */
#ifndef NLU_VOCABULARY_H
#define NLU_VOCABULARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nlu/feature.h"

struct vocabulary;

struct vocabulary *vocabulary_new(void);
void vocabulary_free(struct vocabulary **v);

/* The distinct features of one example. */
void vocabulary_add(struct vocabulary *v, const struct feature *items, size_t n);

/* Drops all pairs unless `pairs`, and the features that the fewest examples hold until at most
 * `most` are left, numbers the rest by their hash and returns how many there are. out_hashes:
 * ascending, the caller frees it. */
size_t vocabulary_close(struct vocabulary *v, size_t most, bool pairs, uint32_t **out_hashes);

struct vocabulary_fact {
    uint32_t holders; /* examples that have the feature */
    bool plain;       /* see feature.h */
};
struct vocabulary_fact vocabulary_fact(const struct vocabulary *v, size_t index);

#endif
