/* A hash table from byte strings to pointers, for long-lived indexes. Keys are copied; values stay
 * the caller's. Not thread safe. Iterates in order of insertion while nothing is removed. Pure. */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

struct map;

/* max: the most entries it may hold. */
struct map *map_new(size_t max);
/* Frees the table and its keys, not the values. */
void map_free(struct map **m);

void *map_get(const struct map *m, struct str key);
/* Sets or replaces; returns false when the table is full and the key is new. `value` not NULL. */
bool map_set(struct map *m, struct str key, void *value);
/* Returns the value that was there, or NULL. */
void *map_remove(struct map *m, struct str key);
size_t map_count(const struct map *m);

/* Walks: start with *cursor = 0; false at the end. The table must not change meanwhile. */
bool map_next(const struct map *m, size_t *cursor, struct str *out_key, void **out_value);

#endif
