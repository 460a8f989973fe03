#include "find/fuse.h"

#include <stdlib.h>

#include "base/arena.h"

static int by_passage(const void *a, const void *b)
{
    uint32_t x = ((const struct index_hit *)a)->passage, y = ((const struct index_hit *)b)->passage;
    return x < y ? -1 : x > y;
}

static int by_score(const void *a, const void *b)
{
    float x = ((const struct index_hit *)a)->score, y = ((const struct index_hit *)b)->score;
    return x > y ? -1 : x < y ? 1 : by_passage(a, b);
}

/* What the hit at rank r (from 0) of a list adds. */
static double share_of(const struct fuse_list *list, size_t r, double k_rank)
{
    if (k_rank > 0) {
        return list->weight / (k_rank + (double)r + 1);
    }
    double top = (double)list->hits[0].score - list->floor;
    double over = (double)list->hits[r].score - list->floor;
    return top > 0 ? list->weight * over / top : 0;
}

size_t fuse_lists(const struct fuse_list *lists, size_t list_count, double k_rank, size_t max,
                  struct index_hit *out_hits)
{
    size_t total = 0, n = 0, kept = 0;
    for (size_t i = 0; i < list_count; i++) {
        total += lists[i].n;
    }
    struct index_hit *all = mem_new((total + 1) * sizeof(*all));
    for (size_t i = 0; i < list_count; i++) {
        for (size_t r = 0; r < lists[i].n; r++) {
            all[n++] =
                (struct index_hit){lists[i].hits[r].passage, (float)share_of(&lists[i], r, k_rank)};
        }
    }
    qsort(all, n, sizeof(*all), by_passage);
    for (size_t i = 0; i < n; i++) {
        if (kept && all[kept - 1].passage == all[i].passage) {
            all[kept - 1].score += all[i].score;
        } else {
            all[kept++] = all[i];
        }
    }
    qsort(all, kept, sizeof(*all), by_score);
    kept = kept < max ? kept : max;
    for (size_t i = 0; i < kept; i++) {
        out_hits[i] = all[i];
    }
    free(all);
    return kept;
}

size_t fuse_query(const struct fuse_query *q, size_t max, struct index_hit *out_hits)
{
    bool given = q->words_weight > 0 || q->vectors_weight > 0;
    bool full = q->n_vectors > 1 && q->n_vectors >= q->depth;
    struct fuse_list lists[2] = {
        {q->words, q->n_words, given ? q->words_weight : FUSE_WORDS_WEIGHT, 0},
        {q->vectors, q->n_vectors, given ? q->vectors_weight : FUSE_VECTORS_WEIGHT,
         full ? (double)q->vectors[q->n_vectors - 1].score : 0},
    };
    size_t n = fuse_lists(lists, 2, 0, max, out_hits);
    /* Where no word was found, nearness alone is weak evidence. */
    float top = q->n_words ? q->words[0].score : q->n_vectors ? q->vectors[0].score / 4 : 1;
    for (size_t i = 0; i < n; i++) {
        out_hits[i].score *= top;
    }
    return n;
}
