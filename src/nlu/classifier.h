/* Inside classify*.c only: what a trained classifier is made of, and the arithmetic that training
 * and use must share. */
#ifndef NLU_CLASSIFIER_H
#define NLU_CLASSIFIER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/map.h"
#include "nlu/classify.h"
#include "nlu/feature.h"
#include "nlu/vocabulary.h"

/* Weights of a feature for all labels lie together, padded so that the inner loop has a fixed
 * length. */
enum { CLASSIFIER_LANES = 16, CLASSIFIER_SCOPE_TERMS = 8 };

struct classifier {
    size_t labels;     /* without the none label */
    size_t columns;    /* labels, and one more when a none label was taught */
    size_t stride;     /* columns rounded up to CLASSIFIER_LANES */
    struct str *names; /* of the labels */
    struct map *by_name;
    size_t features;
    uint32_t *hashes; /* ascending */
    float *rarity;    /* idf factor of each feature */
    float *scales;    /* weight = scale * cell */
    int8_t *cells;    /* features * stride */
    float *bias;      /* stride */
    uint32_t *slots;  /* hash table: index of the feature plus 1 */
    uint32_t slot_mask;
    double temperature;                   /* confidence = softmax(temperature * score) */
    double scope[CLASSIFIER_SCOPE_TERMS]; /* logistic weights, see struct classifier_view */
    double threshold;
};

/* The factor of a feature: how rare it is among the examples, and less for function words. */
float classifier_rarity(size_t examples, struct vocabulary_fact fact);

/* A text as the classifier sees it. */
struct classifier_cell {
    uint32_t index; /* of the feature */
    uint32_t count;
    enum feature_group group;
};
struct classifier_reading {
    struct classifier_cell *cells; /* of the known features */
    size_t cell_count;
    size_t words; /* other than "?" */
    /* Shares of what is known, 0..1: words and pairs, characters, and the characters of those words
     * that carry the subject, where 1 is a word seen whole. */
    double words_known, chars_known, subject_known;
};
/* known[i]: whether feature i may be used (NULL: all). Needs classifier_index. Free with
 * classifier_forget. */
void classifier_read(const struct classifier *k, struct str text, const bool *known,
                     struct classifier_reading *out_reading);
void classifier_forget(struct classifier_reading *reading);

/* Turns counts into the values that the linear models see: words and characters each of length 1,
 * then both together of length 1. In the order of the cells. */
void classifier_values(const float *rarity, const struct classifier_cell *cells, size_t n,
                       float *out_values);

/* What the confidence in scope is computed from. */
struct classifier_view {
    size_t best; /* label with the highest score */
    double terms[CLASSIFIER_SCOPE_TERMS];
};
/* scores: of k's columns. */
void classifier_look(const struct classifier *k, const float *scores,
                     const struct classifier_reading *reading, struct classifier_view *out_view);
double classifier_scope(const double *weights, const struct classifier_view *view);

/* The last eight bytes of a saved classifier, over all before them: against damage, not malice. */
uint64_t classifier_checksum(const char *p, size_t n);

/* Makes the lookup table from the hashes. */
void classifier_index(struct classifier *k);

/* The threshold for scope values: right[i] says whether the best label was right, inside[i] whether
 * the text is in scope. */
struct classifier_trial {
    double scope;
    bool inside, right;
};
double classifier_choose(struct classifier_trial *trials, size_t n, double loss_max,
                         double otherwise);

#endif
