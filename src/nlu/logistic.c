#include "nlu/logistic.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

enum { ROUNDS_MAX = 50, SIZE = LOGISTIC_FEATURES_MAX + 1 };

static const double CHANGE_MIN = 1e-9, RIDGE_OF_BIAS = 1e-9;

/* Of a search: the features standardised, the bias last. */
struct search {
    const struct logistic_input *in;
    size_t fold, folds; /* rows of the fold are left out; folds 0: none */
    size_t n;           /* features and the bias */
    double mean[SIZE], scale[SIZE];
    double weights[SIZE], gradient[SIZE], step[SIZE];
    double *hessian; /* n * n */
};

static bool is_held(const struct search *s, size_t row)
{
    return s->folds && row % s->folds == s->fold;
}

static void standardise(struct search *s)
{
    const struct logistic_input *in = s->in;
    size_t count = 0;
    for (size_t r = 0; r < in->rows; r++) {
        count += !is_held(s, r);
        for (size_t f = 0; f < in->features && !is_held(s, r); f++) {
            s->mean[f] += in->values[r * in->features + f];
        }
    }
    for (size_t f = 0; f < in->features; f++) {
        s->mean[f] /= count ? (double)count : 1;
    }
    for (size_t r = 0; r < in->rows; r++) {
        for (size_t f = 0; f < in->features && !is_held(s, r); f++) {
            double d = in->values[r * in->features + f] - s->mean[f];
            s->scale[f] += d * d;
        }
    }
    for (size_t f = 0; f < in->features; f++) {
        double deviation = sqrt(s->scale[f] / (count ? (double)count : 1));
        s->scale[f] = deviation > 1e-12 ? deviation : 0; /* 0: the same in every row, no use */
    }
}

static double feature_of(const struct search *s, size_t row, size_t f)
{
    const struct logistic_input *in = s->in;
    if (f == in->features) {
        return 1;
    }
    return s->scale[f] > 0 ? (in->values[row * in->features + f] - s->mean[f]) / s->scale[f] : 0;
}

static double sigmoid(double x)
{
    return x >= 0 ? 1 / (1 + exp(-x)) : exp(x) / (1 + exp(x));
}

/* One row's part of the gradient and of the second derivatives. */
static void add_row(struct search *s, size_t row)
{
    double x[SIZE], score = 0;
    for (size_t f = 0; f < s->n; f++) {
        x[f] = feature_of(s, row, f);
        score += s->weights[f] * x[f];
    }
    double p = sigmoid(score), off = (s->in->yes[row] ? 1 : 0) - p, bend = p * (1 - p);
    for (size_t f = 0; f < s->n; f++) {
        s->gradient[f] += off * x[f];
        for (size_t g = 0; g <= f; g++) {
            s->hessian[f * s->n + g] += bend * x[f] * x[g];
        }
    }
}

/* Solves hessian * step = gradient by Cholesky's factors; the penalty keeps it positive. */
static void solve(struct search *s)
{
    double *h = s->hessian;
    size_t n = s->n;
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j <= i; j++) {
            double sum = h[i * n + j];
            for (size_t k = 0; k < j; k++) {
                sum -= h[i * n + k] * h[j * n + k];
            }
            h[i * n + j] = i == j ? sqrt(sum > 1e-12 ? sum : 1e-12) : sum / h[j * n + j];
        }
    }
    for (size_t i = 0; i < n; i++) {
        double sum = s->gradient[i];
        for (size_t k = 0; k < i; k++) {
            sum -= h[i * n + k] * s->step[k];
        }
        s->step[i] = sum / h[i * n + i];
    }
    for (size_t i = n; i-- > 0;) {
        double sum = s->step[i];
        for (size_t k = i + 1; k < n; k++) {
            sum -= h[k * n + i] * s->step[k];
        }
        s->step[i] = sum / h[i * n + i];
    }
}

/* Newton's steps; the penalised loss is convex, and a step is never longer than 5 in the log odds'
 * own units, so that separable data does not run away. */
static void search_weights(struct search *s)
{
    double penalty = s->in->penalty > 0 ? s->in->penalty : 1;
    for (int round = 0; round < ROUNDS_MAX; round++) {
        memset(s->gradient, 0, sizeof s->gradient);
        memset(s->hessian, 0, s->n * s->n * sizeof *s->hessian);
        for (size_t r = 0; r < s->in->rows; r++) {
            if (!is_held(s, r)) {
                add_row(s, r);
            }
        }
        for (size_t f = 0; f < s->n; f++) {
            double ridge = f + 1 < s->n ? penalty : RIDGE_OF_BIAS;
            s->gradient[f] -= ridge * s->weights[f];
            s->hessian[f * s->n + f] += ridge;
        }
        solve(s);
        double longest = 0;
        for (size_t f = 0; f < s->n; f++) {
            longest = fabs(s->step[f]) > longest ? fabs(s->step[f]) : longest;
        }
        double part = longest > 5 ? 5 / longest : 1;
        for (size_t f = 0; f < s->n; f++) {
            s->weights[f] += part * s->step[f];
        }
        if (longest < CHANGE_MIN) {
            break;
        }
    }
}

static enum err check(const struct logistic_input *in)
{
    size_t yes = 0;
    if (in->rows > LOGISTIC_ROWS_MAX || in->features > LOGISTIC_FEATURES_MAX) {
        return E_TOO_LARGE;
    }
    for (size_t r = 0; r < in->rows; r++) {
        yes += in->yes[r];
    }
    return yes > 0 && yes < in->rows ? E_OK : E_INVALID;
}

static void fit(const struct logistic_input *in, size_t fold, size_t folds, struct logistic *out)
{
    struct search *s = mem_new(sizeof *s);
    *s = (struct search){.in = in, .fold = fold, .folds = folds, .n = in->features + 1};
    s->hessian = mem_new(s->n * s->n * sizeof *s->hessian);
    standardise(s);
    search_weights(s);
    *out = (struct logistic){.features = in->features, .bias = s->weights[in->features]};
    for (size_t f = 0; f < in->features; f++) {
        out->weights[f] = s->scale[f] > 0 ? s->weights[f] / s->scale[f] : 0;
        out->bias -= out->weights[f] * s->mean[f];
    }
    free(s->hessian);
    free(s);
}

enum err logistic_fit(const struct logistic_input *in, struct logistic *out)
{
    enum err e = check(in);
    if (e == E_OK) {
        fit(in, 0, 0, out);
    }
    return e;
}

double logistic_probability(const struct logistic *m, const double *values)
{
    double score = m->bias;
    for (size_t f = 0; f < m->features; f++) {
        score += m->weights[f] * values[f];
    }
    return sigmoid(score);
}

enum err logistic_cross(const struct logistic_input *in, size_t folds, double *out_probabilities)
{
    enum err e = check(in);
    if (e != E_OK) {
        return e;
    }
    if (folds < 2 || folds > LOGISTIC_FOLDS_MAX) {
        return E_INVALID;
    }
    struct logistic *m = mem_new(sizeof *m);
    for (size_t fold = 0; fold < folds; fold++) {
        fit(in, fold, folds, m);
        for (size_t r = fold; r < in->rows; r += folds) {
            out_probabilities[r] = logistic_probability(m, in->values + r * in->features);
        }
    }
    free(m);
    return E_OK;
}
