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
    uint32_t fold;  /* in which the row is held out, if that fold is used; below folds */
};

struct fit_input {
    const struct descent *examples;
    const struct fit_row *rows; /* of the examples */
    size_t columns;
    double cost;
    /* Folds 0..folds_used-1 of `folds` are held out in turn, in rounds. When asked, a second series
     * of rounds leaves out labels too: those with label % folds == fold. Rows of a label that is
     * known are judged in the first series, by all labels, as use does; those of one that is not,
     * in the second. */
    size_t folds, folds_used;
    bool labels_held_out;
    /* The held-out rows, read as if what their round leaves out had never been seen; their rounds.
     */
    const struct descent *held;
    const uint32_t *held_rounds;
    /* Called on the caller's thread; false stops (E_CANCELLED). May be NULL. */
    bool (*progress)(void *arg, double done);
    void *progress_arg;
};

size_t fit_rounds(const struct fit_input *in);
/* Whether a row is left out in that round. */
bool fit_leaves_out(const struct fit_input *in, struct fit_row row, size_t round);
/* Whether that round leaves out the row's whole label. */
bool fit_unknown(const struct fit_input *in, struct fit_row row, size_t round);

/* Room for what comes out, all zero. weights, odds: columns * (features + 1), label by label;
 * held_scores, held_odds: rows of `held` * columns, what each of the two says of them. */
struct fit_output {
    float *weights, *odds; /* of descent_solve, of descent_odds */
    float *held_scores, *held_odds;
};
enum err fit_labels(const struct fit_input *in, size_t features, const struct fit_output *out);

#endif
