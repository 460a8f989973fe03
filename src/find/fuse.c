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

size_t fuse_lists(const struct fuse_list *lists, size_t list_count, double k_rank, size_t max,
                  struct index_hit *out_hits)
{
    size_t total = 0, n = 0, kept = 0;
    double k = k_rank > 0 ? k_rank : FUSE_K_DEFAULT;
    for (size_t i = 0; i < list_count; i++) {
        total += lists[i].n;
    }
    struct index_hit *all = mem_new((total + 1) * sizeof(*all));
    for (size_t i = 0; i < list_count; i++) {
        for (size_t r = 0; r < lists[i].n; r++) {
            all[n++] = (struct index_hit){lists[i].hits[r].passage,
                                          (float)(lists[i].weight / (k + (double)r + 1))};
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
