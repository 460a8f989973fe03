/* Binary linear classifiers by liblinear: the one file that sees its header. Examples are laid out
 * once and trained against many yes-no questions. The primal Newton solver of the L2-regularised
 * squared hinge loss is used, because it draws no random numbers: the same input gives the same
 * weights whatever other threads do. Pure. */
#ifndef NLU_LIBLINEAR_H
#define NLU_LIBLINEAR_H

#include <stddef.h>
#include <stdint.h>

struct liblinear;

/* Room for `rows` examples with `cells_max` non-zero features in all, of `features` kinds. */
struct liblinear *liblinear_new(size_t rows, size_t features, size_t cells_max);
void liblinear_free(struct liblinear **l);

/* The next example: indexes ascending, below `features`. A constant 1 is added for the bias. */
void liblinear_add(struct liblinear *l, const uint32_t *indexes, const float *values, size_t n);

/* answers[row]: 1 yes, -1 no, 0 left out; both yes and no must occur. weights: `features` numbers
 * and then the bias; what they hold is where the search starts (zeros will do), so a near solution
 * saves time. */
void liblinear_train(const struct liblinear *l, const signed char *answers, double cost,
                     float *weights);

#endif
