/* What of a model's English text may be told, by what is allowed rather than by what is not. Of
 * each sentence every word is one of a closed vocabulary (ground_word.h), a figure, a name or a
 * quotation, and the sentence
 *   - holds a figure, a known date, a ticket or a quoted subject, or
 *   - says of usage, score, risk, health, tickets, the renewal or a gap in the data, or of who the
 *     champion is, what the data say too, or
 *   - states nothing of the customer: a request, a question, an offer, thanks, a greeting, a
 *     heading; these have more words.
 * Whatever stands in the rules' own texts stands. What is left out is told. Numbers and claims that
 * are false are success_number.h's and success_claim.h's. Pure. */
#ifndef SVC_SUCCESS_SUCCESS_GROUND_H
#define SVC_SUCCESS_SUCCESS_GROUND_H

#include "svc/success/success_claim.h"

struct success_ground {
    const struct success_claim_truth *truth;
    const struct json *names, *quotes; /* as of success_vet.h */
    const struct json *contacts;       /* [{name, champion, sponsor}], or NULL */
    const struct json *own; /* what the rules wrote: texts, wherever they stand, or NULL */
    struct str asked;       /* its words may be used where nothing is stated */
};

/* The text without the sentences that do not stand, its lists counted anew; the whole of it where
 * all do. *out_dropped is the first of them, or empty. */
struct str success_ground_keep(struct arena *a, const struct success_ground *g, struct str text,
                               struct str *out_dropped);

#endif
