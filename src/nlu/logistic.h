/* Logistic regression with an L2 penalty over a few dozen numeric features, for yes-no outcomes of
 * accounts: small enough to be read (a weight per feature), honest enough to be measured (every
 * prediction can be made by a model that did not see its row). Deterministic. Pure. */
#ifndef NLU_LOGISTIC_H
#define NLU_LOGISTIC_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

enum { LOGISTIC_FEATURES_MAX = 128, LOGISTIC_ROWS_MAX = 1000000, LOGISTIC_FOLDS_MAX = 20 };

/* Row by row; nothing is copied. */
struct logistic_input {
    const double *values; /* rows * features */
    const bool *yes;      /* rows */
    size_t rows, features;
    double penalty; /* of the standardised weights, as if so many rows spoke against them; 0: 1 */
};

/* What was learnt, in the units of the features: log odds = bias + sum of weight * value. */
struct logistic {
    size_t features;
    double bias;
    double weights[LOGISTIC_FEATURES_MAX];
};

/* E_INVALID: no row, or only one kind of outcome; E_TOO_LARGE. */
enum err logistic_fit(const struct logistic_input *in, struct logistic *out);
double logistic_probability(const struct logistic *m, const double *values);

/* out_probabilities[rows]: each by a model taught with the other folds; row i is in fold i % folds.
 * As logistic_fit; folds 2 to LOGISTIC_FOLDS_MAX. */
enum err logistic_cross(const struct logistic_input *in, size_t folds, double *out_probabilities);

#endif
