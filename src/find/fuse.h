/* Joins rankings. By scores: each list's scores are stretched so that its best is 1, and added with
 * the lists' weights: how clear a lead is keeps its meaning. By ranks (reciprocal rank fusion:
 * Cormack, Clarke, Buettcher 2009): score = sum of weight / (k + rank), for lists whose scores mean
 * nothing. By scores was better on every collection it was measured on. Pure. */
#ifndef FIND_FUSE_H
#define FIND_FUSE_H

#include <stddef.h>
#include <stdint.h>

#include "find/index.h"

enum { FUSE_LISTS_MAX = 8, FUSE_K_USUAL = 60 };

struct fuse_list {
    const struct index_hit *hits; /* best first */
    size_t n;
    double weight;
    double floor; /* by scores: the score that counts as nothing; 0 for words */
};

/* k_rank: 0 joins by scores, else by ranks (FUSE_K_USUAL). out_hits has room for `max`; returns how
 * many; ties by passage. */
size_t fuse_lists(const struct fuse_list *lists, size_t list_count, double k_rank, size_t max,
                  struct index_hit *out_hits);

/* Words and vectors as every query joins them: the vectors' floor is their last hit's score when
 * the list is full (`depth` hits), so that embedders of any spread count alike. The scores of
 * out_hits are scaled by the best words' score, so that hits of different indexes compare. */
struct fuse_query {
    const struct index_hit *words, *vectors;
    size_t n_words, n_vectors, depth;
    double words_weight, vectors_weight; /* both 0: FUSE_WORDS_WEIGHT, FUSE_VECTORS_WEIGHT */
};
enum { FUSE_DEPTH = 200 };
#define FUSE_WORDS_WEIGHT   1.0
#define FUSE_VECTORS_WEIGHT 0.15
size_t fuse_query(const struct fuse_query *q, size_t max, struct index_hit *out_hits);

#endif
