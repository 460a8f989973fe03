#include "find/ranking.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

static int descending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x > y ? -1 : x < y;
}

static double gain_at(double rel, size_t rank)
{
    return (exp2(rel) - 1) / log2((double)rank + 2);
}

static double ideal_10(const double *all_rel, size_t n)
{
    double *sorted = mem_new((n + 1) * sizeof(*sorted)), sum = 0;
    memcpy(sorted, all_rel, n * sizeof(*sorted));
    qsort(sorted, n, sizeof(*sorted), descending);
    for (size_t i = 0; i < n && i < 10; i++) {
        sum += gain_at(sorted[i], i);
    }
    free(sorted);
    return sum;
}

void ranking_score(const double *rel, size_t n, const double *all_rel, size_t relevant_n,
                   struct ranking_score *out)
{
    *out = (struct ranking_score){0};
    size_t found = 0, wanted = 0;
    double gained = 0;
    for (size_t i = 0; i < relevant_n; i++) {
        wanted += all_rel[i] > 0;
    }
    for (size_t i = 0; i < n; i++) {
        if (rel[i] <= 0) {
            continue;
        }
        found++;
        out->reciprocal_rank =
            out->reciprocal_rank > 0 ? out->reciprocal_rank : 1.0 / (double)(i + 1);
        gained += i < 10 ? gain_at(rel[i], i) : 0;
        out->recall_10 = i < 10 ? (double)found / (double)wanted : out->recall_10;
        out->recall_50 = i < 50 ? (double)found / (double)wanted : out->recall_50;
    }
    double best = ideal_10(all_rel, relevant_n);
    out->ndcg_10 = best > 0 ? gained / best : 0;
}
