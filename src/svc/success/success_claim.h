/* What a text says of an account, held against its figures: a number counts only beside what it is
 * the number of ("82 tickets" is false where 82 are the users), and what is said without a number
 * ("no tickets", "all users have churned", "expired last year", "a fifth", "LXXIV") only where
 * the data bear it out. Reads English, German, Dutch and French at once. A number beside nothing
 * that we know does not hold. Pure. */
#ifndef SVC_SUCCESS_SUCCESS_CLAIM_H
#define SVC_SUCCESS_SUCCESS_CLAIM_H

#include "codec/json.h"

struct success_claim_truth {
    const struct json *figures; /* [{key, value, unit}], as success_figures gives them */
    struct str trend;           /* up, flat, down; empty: not known */
    struct str risk;            /* low, medium, high; empty: not known */
    int64_t now_ms;
};

/* The first sentence that does not hold, or the empty view. What may stand as it is (names, quoted
 * subjects) is blanked out before. */
struct str success_claim_false(struct arena *a, const struct success_claim_truth *t,
                               struct str text);

#endif
