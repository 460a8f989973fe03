/* A small table of what was worked out before: bytes under a key, true as long as its stamp is the
 * one asked for. Any thread. A fixed number of slots; a new entry takes the place of what its slot
 * held. Unlike store/cache.h it holds no counts, costs no more than a hash and a copy, and may be
 * filled by whoever reads much without pushing anything else out. */
#ifndef HOST_MEMO_H
#define HOST_MEMO_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

struct memo;

/* Entries (key and value together) past entry_max_bytes are not kept. slots: a power of two. */
struct memo *memo_new(int slots, size_t entry_max_bytes);
void memo_free(struct memo **m);

/* A copy of the value in `a`. */
bool memo_find(struct memo *m, struct str key, int64_t stamp, struct arena *a,
               struct str *out_value);
void memo_keep(struct memo *m, struct str key, int64_t stamp, struct str value);

#endif
