/* How a text sounds, -1 (very negative) to 1 (very positive): own word list with weights, negation,
 * intensifiers, emphasis (capitals, repeated letters, exclamation marks), emoji and emoticons,
 * contrast
 * ("but"). English; other languages give nearly 0. Pure. The number does not depend on the length
 * of the text. */
#ifndef NLU_SENTIMENT_H
#define NLU_SENTIMENT_H

#include "base/str.h"

struct sentiment {
    double score;    /* -1..1, two decimals */
    double positive; /* sum of positive weights */
    double negative; /* sum of negative weights, <= 0 */
    int hits;        /* words and signs that carried weight; 0: nothing known in the text */
};

struct sentiment sentiment_of(struct str text);

/* "positive" (>= .25), "negative" (<= -.25), "neutral". */
const char *sentiment_label(double score);

#endif
