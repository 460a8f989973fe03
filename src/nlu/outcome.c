#include "nlu/outcome.h"

#include <math.h>
#include <stdlib.h>

static int by_risk(const void *a, const void *b)
{
    const struct outcome_case *x = a, *y = b;
    return (x->risk > y->risk) - (x->risk < y->risk);
}

/* Mann and Whitney: the sum of the ranks of those to whom it happened; equal risks share a rank. */
static double area(const struct outcome_case *cases, size_t n, size_t happened)
{
    double ranks = 0;
    for (size_t i = 0, j; i < n; i = j) {
        size_t hits = 0;
        for (j = i; j < n && cases[j].risk == cases[i].risk; j++) {
            hits += cases[j].happened;
        }
        ranks += (double)hits * ((double)(i + 1) + (double)j) / 2;
    }
    double yes = (double)happened, no = (double)(n - happened);
    return (ranks - yes * (yes + 1) / 2) / (yes * no);
}

static void fill_bands(const struct outcome_case *cases, size_t n, struct outcome_report *r)
{
    for (size_t b = 0; b < OUTCOME_BANDS; b++) {
        size_t from = n * b / OUTCOME_BANDS, to = n * (b + 1) / OUTCOME_BANDS;
        struct outcome_band *band = &r->bands[b];
        if (from == to) {
            continue;
        }
        double sum = 0;
        for (size_t i = from; i < to; i++) {
            sum += cases[i].risk;
            band->happened += cases[i].happened;
        }
        band->cases = to - from;
        band->risk_low = cases[from].risk;
        band->risk_high = cases[to - 1].risk;
        band->risk_mean = sum / (double)band->cases;
        double share = (double)band->happened / (double)band->cases;
        r->off += fabs(share - band->risk_mean) * (double)band->cases / (double)n;
    }
}

enum err outcome_measure(struct outcome_case *cases, size_t n, struct outcome_report *out)
{
    struct outcome_report r = {.cases = n};
    if (n > OUTCOME_CASES_MAX) {
        return E_TOO_LARGE;
    }
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(cases[i].risk)) {
            return E_INVALID;
        }
        double off = cases[i].risk - (cases[i].happened ? 1 : 0);
        r.happened += cases[i].happened;
        r.brier += off * off / (double)n;
    }
    if (r.happened == 0 || r.happened == n) {
        return E_INVALID;
    }
    qsort(cases, n, sizeof *cases, by_risk);
    r.auc = area(cases, n, r.happened);
    fill_bands(cases, n, &r);
    double found = 0, looked = 0, base = (double)r.happened / (double)n;
    for (size_t b = OUTCOME_BANDS; b-- > 0;) {
        found += (double)r.bands[b].happened;
        looked += (double)r.bands[b].cases;
        r.lift[OUTCOME_BANDS - 1 - b] = looked > 0 ? found / looked / base : 0;
    }
    *out = r;
    return E_OK;
}
