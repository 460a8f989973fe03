/* The core of `rapport nlu eval`: trains, picks the threshold, measures, and renders the report,
 * which says what the threshold and the score come from. Bytes come from the caller, so this stays
 * pure; it is CPU-heavy (seconds). */
#ifndef NLU_NLU_EVAL_H
#define NLU_NLU_EVAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "nlu/classify.h"
#include "nlu/evaluate.h"

struct nlu_eval_input {
    const struct classify_example *train, *validation, *test; /* validation, test: may be NULL */
    size_t train_n, validation_n, test_n;
    double loss_max; /* see classify_tune; 0: default 0.005 */
    size_t parts;    /* NLU_EVAL_PARTS: how many of the ten are scored; 0: all, or one when there
                        are more than 20,000 examples */
    struct classify_options options; /* with the progress callback */
};

/* What was measured on, the first that there is. */
enum nlu_eval_ground {
    NLU_EVAL_TEST,
    NLU_EVAL_VALIDATION, /* no test examples: the ones on which the threshold was chosen too */
    NLU_EVAL_PARTS, /* nothing but training examples: parts of ten, each scored by what the nine
                       others teach */
};

struct nlu_eval_report {
    struct evaluate_report result;
    size_t train_count, validation_count, label_count;
    enum nlu_eval_ground ground;
    size_t parts;     /* NLU_EVAL_PARTS */
    double threshold; /* without validation examples from training alone; the mean of parts */
    size_t model_bytes;
    double train_ms, predict_us; /* of one training; mean per text */
};

/* out_classifier may be NULL; otherwise the caller owns it. NLU_EVAL_PARTS: it is the one that
 * never saw the last part. */
enum err nlu_eval_run(struct arena *a, const struct nlu_eval_input *input,
                      struct classify_fault *out_fault, struct nlu_eval_report *out_report,
                      struct classifier **out_classifier);

void nlu_eval_text(const struct nlu_eval_report *r, struct buf *out);
void nlu_eval_json(const struct nlu_eval_report *r, struct buf *out);

#endif
