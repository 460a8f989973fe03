/* How near sentiment comes to what people felt. Pure. */
#ifndef NLU_SENTIMENT_EVAL_H
#define NLU_SENTIMENT_EVAL_H

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

struct sentiment_eval_report {
    size_t count;
    double r;          /* Pearson's, between our score and the mean of the raters */
    double same_sign;  /* share of texts that people find clearly positive or negative (beyond 5 %
                          of the widest rating) with our score on the same side */
    double predict_us; /* mean per text */
};

/* TSV with a header: mean_valence|valence|score, and text. E_INVALID names the line in out_why
 * (at least 160 bytes); also when fewer than two ratings differ. */
enum err sentiment_eval_run(struct str bytes, char *out_why,
                            struct sentiment_eval_report *out_report);

void sentiment_eval_text(const struct sentiment_eval_report *r, struct buf *out);
void sentiment_eval_json(const struct sentiment_eval_report *r, struct buf *out);

#endif
