/* Measures of a ranking against judged documents: MRR, nDCG@10 (gain 2^rel - 1, log2 discount),
 * recall. Pure. */
#ifndef FIND_RANKING_H
#define FIND_RANKING_H

#include <stddef.h>

struct ranking_score {
    double reciprocal_rank;
    double ndcg_10;
    double recall_10, recall_50;
};

/* rel: the gain of each ranked document, best rank first; all_rel: gains of all relevant documents,
 * any order. */
void ranking_score(const double *rel, size_t n, const double *all_rel, size_t relevant_n,
                   struct ranking_score *out_score);

#endif
