/* A trainable text classifier: word and character n-grams, one linear model per label, calibrated
 * confidence and a band in which it abstains. Made for intents (6 examples a label is enough to
 * start) and for ticket topics. Training is deterministic: the same examples in the same order give
 * the same bytes. Pure: no I/O and no clock; training runs on all cores, and takes from
 * milliseconds (an agent's examples) to seconds (15,000 examples of 150 labels). A trained
 * classifier never changes (classify_set_threshold apart) and may be used by any number of threads.
 */
#ifndef NLU_CLASSIFY_H
#define NLU_CLASSIFY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

enum {
    CLASSIFY_LABELS_MAX = 1024,
    CLASSIFY_LABEL_MAX_BYTES = 128,
    CLASSIFY_EXAMPLES_MAX = 200000,
    CLASSIFY_TEXT_MAX_BYTES = 4096, /* the rest of a longer text is not looked at */
    CLASSIFY_BEST_MAX = 5,
    CLASSIFY_MODEL_MAX_BYTES = 64 << 20
};

struct classify_example {
    struct str text;
    struct str label; /* equal to options.none_label: out of scope, belongs to no label */
};

struct classify_options {
    struct str none_label; /* default "oos" */
    double cost;           /* C of the squared hinge loss; 0: default */
    int folds;             /* for calibration; 0: default 5, fewer when examples are few */
    /* What share of the right answers the threshold may cost; 0: default 0.003. */
    double loss_max;
    size_t model_max_bytes; /* weak features are dropped to fit; 0: default 10 MiB */
    /* Called now and then from the training thread with 0..1; returning false stops training
     * (E_CANCELLED). May be NULL. */
    bool (*progress)(void *arg, double done);
    void *progress_arg;
};

struct classify_fault {
    size_t example; /* index of the example at fault */
    char text[160]; /* for the user */
};

struct classifier;

/* Examples are only read. E_INVALID: fewer than two labels, an empty text or label (out_fault says
 * which); E_TOO_LARGE: more examples or labels than the maxima; E_CANCELLED. options may be NULL.
 * The threshold is set from the training examples alone (cross-validated predictions, labels held
 * out in turn standing in for unknown subjects); classify_tune improves it with real data. */
enum err classify_train(const struct classify_example *examples, size_t n,
                        const struct classify_options *options, struct classify_fault *out_fault,
                        struct classifier **out_classifier);
void classify_free(struct classifier **k);

struct classify_guess {
    struct str label;  /* lives as long as the classifier */
    double confidence; /* calibrated: of guesses with .8, about eight in ten are right */
};

struct classify_result {
    bool abstain; /* likely none of the labels, or too close to call: ask, or hand over */
    double scope; /* 0..1: how sure it is that best[0] is right and the text is in scope; abstain is
                     scope < threshold */
    int count;    /* of best, at least 1 */
    struct classify_guess best[CLASSIFY_BEST_MAX]; /* most likely first */
};

/* Never fails; a text without words abstains. About 20 µs for a sentence. */
void classify_text(const struct classifier *k, struct str text, struct classify_result *out_result);

/* The threshold that gives the best mean of in-scope accuracy and out-of-scope recall on validation
 * examples, never losing more than `loss_max` (such as 0.02) of the in-scope accuracy that there
 * would be without abstaining. Returns the threshold and keeps it. */
double classify_tune(struct classifier *k, const struct classify_example *validation, size_t n,
                     double loss_max);
double classify_threshold(const struct classifier *k);
void classify_set_threshold(struct classifier *k, double threshold);

size_t classify_label_count(const struct classifier *k);
struct str classify_label(const struct classifier *k, size_t index);
bool classify_has_label(const struct classifier *k, struct str label);

/* A compact serial form: versioned, checksummed, the same on every machine. false: buffer full. */
bool classify_save(const struct classifier *k, struct buf *out);
/* Copies. E_INVALID: not a model, damaged, or of another version; safe on any bytes. */
enum err classify_load(struct str bytes, struct classifier **out_classifier);

#endif
