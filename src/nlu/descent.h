/* Yes-no linear classifiers: the L2-regularised squared hinge loss, solved by dual coordinate
 * descent (Hsieh and others, ICML 2008). Examples are laid out once and only read from then on, so
 * any number of threads may solve questions about them at the same time. A solution can start from
 * that of a similar question: leaving out a tenth of the examples costs a fraction of the first
 * search. The order of steps comes from the seed alone, so the same input gives the same weights
 * whatever other threads do. Pure. */
#ifndef NLU_DESCENT_H
#define NLU_DESCENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct descent;

/* Room for `rows` examples with `cells_max` non-zero features in all, of `features` kinds. */
struct descent *descent_new(size_t rows, size_t features, size_t cells_max);
void descent_free(struct descent **d);

/* The next example: indexes below `features`. A constant 1 is added for the bias. */
void descent_add(struct descent *d, const uint32_t *indexes, const float *values, size_t n);

size_t descent_rows(const struct descent *d);

/* What is being solved: one thread's. Free with descent_work_free. */
struct descent_work {
    float *weights;  /* of each feature, then the bias */
    float *pulls;    /* how hard each example pulls, with the sign of its answer */
    uint32_t *order; /* of visits */
    double cost;     /* C: what a unit of loss costs against the length of the weights */
};
void descent_work_make(const struct descent *d, double cost, struct descent_work *out_work);
void descent_work_free(struct descent_work *work);
/* Forgets the solution; without it the next search starts from the last one. */
void descent_work_reset(const struct descent *d, struct descent_work *work);
void descent_work_copy(const struct descent *d, const struct descent_work *from,
                       struct descent_work *to);

/* answers[row]: 1 yes, -1 no, 0 left out; leaves the solution in work. */
void descent_solve(const struct descent *d, const signed char *answers, uint64_t seed,
                   struct descent_work *work);

/* How much likelier each feature is in an example that answers yes than in one that answers no (the
 * logarithm; what naive Bayes goes by), then 0 for the bias: weights to add a little of to a
 * solution's, for they err elsewhere. */
void descent_odds(const struct descent *d, const signed char *answers, float *out_odds);

/* The score of an example by the weights of a solution: near 1 is yes, near -1 no. */
double descent_score(const struct descent *d, const float *weights, size_t row);

#endif
