/* The core of `rapport nlu eval`: reads labelled examples, trains, picks the threshold, measures,
 * and renders the report. Bytes come from the caller, so this stays pure; it is CPU-heavy
 * (seconds). */
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

/* JSONL: {text|utterance, intent|label|topic|category}; CSV with header: text|sentence|utterance,
 * category|label|intent|topic; TSV with header: the same names. The first byte and the header line
 * decide which it is. Rows whose label is "oos" or empty become out of scope ("oos"); rows without
 * text are left out. Strings lie in `a` or in `bytes`. E_INVALID names the line in out_fault. */
enum err nlu_eval_read(struct arena *a, struct str bytes, struct classify_fault *out_fault,
                       struct classify_example **out_examples, size_t *out_n);

struct nlu_eval_input {
    const struct classify_example *train, *validation, *test; /* validation, test: may be NULL */
    size_t train_n, validation_n, test_n;
    /* With no test examples every tenth example of each label of `train` is held out and tested;
     * with no validation examples the threshold comes from training alone. */
    double loss_max;                 /* see classify_tune; 0: default 0.005 */
    struct classify_options options; /* with the progress callback */
};

struct nlu_eval_report {
    struct evaluate_report result;
    size_t train_count, validation_count, label_count;
    bool held_out; /* the test examples were taken from train */
    double threshold;
    size_t model_bytes;
    double train_ms, predict_us; /* predict_us: mean per text */
};

/* out_classifier may be NULL; otherwise the caller owns it. */
enum err nlu_eval_run(struct arena *a, const struct nlu_eval_input *input,
                      struct classify_fault *out_fault, struct nlu_eval_report *out_report,
                      struct classifier **out_classifier);

void nlu_eval_text(const struct nlu_eval_report *r, struct buf *out);
void nlu_eval_json(const struct nlu_eval_report *r, struct buf *out);

#endif
