/* How well a score foretells what happened: whether it ranks those to whom it happened first (AUC),
 * whether what it says is as likely as it says (calibration), and how much is found by looking at
 * the riskiest alone (lift). Pure. */
#ifndef NLU_OUTCOME_H
#define NLU_OUTCOME_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

enum { OUTCOME_BANDS = 10, OUTCOME_CASES_MAX = 1000000 };

struct outcome_case {
    double risk; /* the higher, the likelier; finite */
    bool happened;
};

/* Cases of one tenth of all, by risk, the lowest first. */
struct outcome_band {
    size_t cases, happened;
    double risk_low, risk_high, risk_mean;
};

struct outcome_report {
    size_t cases, happened;
    double auc;   /* 0.5: chance; ties count half */
    double brier; /* mean squared distance of risk and outcome; only for probabilities */
    double off;   /* mean distance of risk and share over the bands; only for probabilities */
    struct outcome_band bands[OUTCOME_BANDS];
    double lift[OUTCOME_BANDS]; /* of the riskiest 10 %, 20 % ... 100 %: their share of what
                                 * happened against that of all */
};

/* Sorts the cases. E_INVALID: none, or all of one outcome, or a risk that is no number;
 * E_TOO_LARGE. */
enum err outcome_measure(struct outcome_case *cases, size_t n, struct outcome_report *out);

#endif
