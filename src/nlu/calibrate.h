/* Turns scores of held-out examples into honest confidence: a temperature for the softmax over
 * labels, and a small logistic regression for "in scope and right". Few examples stay near what
 * many sets have shown to hold. Pure. */
#ifndef NLU_CALIBRATE_H
#define NLU_CALIBRATE_H

#include "nlu/classifier.h"

struct calibrate_trial {
    struct classifier_view view;
    const float *scores; /* columns */
    size_t column;       /* the true one */
    bool inside;         /* in scope: its label was taught */
    bool unknown;        /* its label was held out of the teaching: it has no true column */
};

struct calibrate_input {
    const struct calibrate_trial *trials;
    size_t n, columns;
};

double calibrate_temperature(const struct calibrate_input *in);
/* How badly the scores tell the labels: the logarithmic loss at about the best temperature. It
 * depends less on chance than the number of errors does. */
double calibrate_loss(const struct calibrate_input *in);
void calibrate_scope(const struct calibrate_input *in, double *out_weights);

#endif
