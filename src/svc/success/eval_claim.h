/* What a text says about an account in words rather than numbers, held against its data: which way
 * usage goes, how high the risk is, who and what is named. Reads English, and only claims: what is
 * asked, wished or denied is none. Pure. */
#ifndef SVC_SUCCESS_EVAL_CLAIM_H
#define SVC_SUCCESS_EVAL_CLAIM_H

#include "codec/json.h"

/* `known` is text in which every name that may be told occurs; empty: names are not looked at. */
struct eval_claim_truth {
    struct str trend; /* up, flat, down; empty: not known */
    struct str risk;  /* low, medium, high, unknown */
    struct str known;
};

/* The first sentence that the data do not bear out, or the empty view. */
struct str eval_claim_false(struct arena *a, struct str text, const struct eval_claim_truth *t);

#endif
