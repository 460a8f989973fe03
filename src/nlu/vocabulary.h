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

/* Drops the features that the fewest examples hold until at most `most` are left, numbers the rest
 * by their hash and returns how many there are. out_hashes: ascending, the caller frees it. */
size_t vocabulary_close(struct vocabulary *v, size_t most, uint32_t **out_hashes);
bool vocabulary_find(const struct vocabulary *v, uint32_t hash, size_t *out_index);
size_t vocabulary_holders(const struct vocabulary *v, size_t index);

#endif
