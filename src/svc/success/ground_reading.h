/* One sentence of a model's English text as words with what they are good for, and what it says of
 * the customer held against the data: what success_ground.c judges. Pure. */
#ifndef SVC_SUCCESS_GROUND_READING_H
#define SVC_SUCCESS_GROUND_READING_H

#include <stdbool.h>

#include "svc/success/ground_word.h"
#include "svc/success/success_claim.h"

enum { GROUND_WORDS_MAX = 120, GROUND_NEAR_DAYS = 92, GROUND_FEW_TICKETS = 2 };

struct ground_token {
    struct str word; /* in small letters, without "'s" */
    uint32_t good_for;
    bool number, name, asked; /* asked: a word of the asker's */
};
struct ground_reading {
    const struct success_claim_truth *t;
    struct ground_token token[GROUND_WORDS_MAX];
    int count;
    uint32_t all;
    bool asks, name_first;
    bool fact; /* it holds a number, a known date, a ticket or a quotation */
};

/* Whether token i, which need not be there, is one of the words, which blanks part. */
bool ground_reading_is(const struct ground_reading *r, int i, const char *words);
bool ground_reading_has(const struct ground_reading *r, const char *words);

/* Whether it says what somebody at the customer's wants, feels or is, in words that no data bear
 * out; what is asked or doubted does not. */
bool ground_reading_tells_mind(const struct ground_reading *r);
/* Whether each claim that it makes in words is borne out; *out_claims: it makes one. */
bool ground_reading_holds(const struct ground_reading *r, bool *out_claims);

#endif
