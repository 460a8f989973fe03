/* Joins rankings by reciprocal rank fusion (Cormack, Clarke, Buettcher 2009): score = sum of
 * weight / (k + rank). Needs no common scale. Pure. */
#ifndef FIND_FUSE_H
#define FIND_FUSE_H

#include <stddef.h>
#include <stdint.h>

#include "find/index.h"

enum { FUSE_LISTS_MAX = 8, FUSE_K_DEFAULT = 60 };

struct fuse_list {
    const struct index_hit *hits; /* best first */
    size_t n;
    double weight;
};

/* k_rank: 0 is FUSE_K_DEFAULT. out_hits has room for `max`; returns how many; ties by passage. */
size_t fuse_lists(const struct fuse_list *lists, size_t list_count, double k_rank, size_t max,
                  struct index_hit *out_hits);

#endif
