/* One yes-no classifier per label, all fitted on the machine's cores, and the scores of examples
 * that were held out of teaching. The result does not depend on the number of threads. Threads live
 * only within the call. */
#ifndef NLU_FIT_H
#define NLU_FIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "nlu/descent.h"

struct fit_row {
    uint32_t label; /* below columns */
    uint32_t fold;  /* in which the row is held out, if that fold is used */
};

struct fit_input {
    const struct descent *examples;
    const struct fit_row *rows; /* of the examples */
    size_t columns;
    double cost;
    /* Folds 0..folds_used-1 of `folds` are held out in turn; labels too, when asked: label % folds
     * is not taught in that fold. */
    size_t folds, folds_used;
    bool labels_held_out;
    /* The held-out rows, read as if their fold had never been seen; their folds, ascending. */
    const struct descent *held;
    const uint32_t *held_folds;
    /* Called on the caller's thread; false stops (E_CANCELLED). May be NULL. */
    bool (*progress)(void *arg, double done);
    void *progress_arg;
};

/* Whether a row teaches when `fold` is held out. */
bool fit_teaches(const struct fit_input *in, struct fit_row row, size_t fold);

/* weights: columns * (features + 1), label by label; held_scores: rows of `held` * columns. */
enum err fit_labels(const struct fit_input *in, size_t features, float *out_weights,
                    float *out_held_scores);

#endif
