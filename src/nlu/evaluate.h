/* How good predictions are: accuracy, macro F1, out-of-scope recall, confusions, calibration. Pure.
 */
#ifndef NLU_EVALUATE_H
#define NLU_EVALUATE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/str.h"

/* One judged prediction. Out of scope is the empty label: in `expected` it means the text belongs
 * to no label, in `predicted` that the classifier abstained. */
struct evaluate_case {
    struct str expected, predicted;
    struct str best;   /* the best label, abstained or not */
    double confidence; /* of best, 0..1 */
};

struct evaluate_confusion {
    struct str expected, predicted; /* predicted empty: abstained */
    size_t count;
};

struct evaluate_label {
    struct str label;
    size_t support, predicted, right;
    double precision, recall, f1;
};

enum { EVALUATE_CONFUSIONS_MAX = 20 };

struct evaluate_report {
    size_t count, in_scope_count, out_of_scope_count;
    double accuracy;               /* over everything; abstaining is right when out of scope */
    double in_scope_accuracy;      /* in-scope texts; an abstention counts as wrong */
    double in_scope_accuracy_best; /* the same if it had never abstained */
    double out_of_scope_recall; /* share of out-of-scope texts on which it abstained; 0 if none */
    double out_of_scope_precision;
    double abstain_share;
    double macro_f1;          /* mean over the labels that occur as expected; in-scope texts */
    double calibration_error; /* ECE, 10 equal-width bins, of confidence against best==expected,
                                 over in-scope texts */
    size_t label_count;
    const struct evaluate_label *labels; /* worst F1 first */
    size_t confusion_count;
    struct evaluate_confusion confusions[EVALUATE_CONFUSIONS_MAX]; /* most frequent first */
};

/* Strings are borrowed from the cases. */
void evaluate_cases(struct arena *a, const struct evaluate_case *cases, size_t n,
                    struct evaluate_report *out_report);

#endif
