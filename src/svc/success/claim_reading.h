/* A sentence about an account as words with what they mean, and the numbers in it with what they
 * are said of: what success_claim.c judges. Pure. */
#ifndef SVC_SUCCESS_CLAIM_READING_H
#define SVC_SUCCESS_CLAIM_READING_H

#include <stdbool.h>

#include "svc/success/claim_word.h"
#include "svc/success/success_claim.h"

enum { CLAIM_TOKENS_MAX = 160, CLAIM_NEAR = 4 };

#define CLAIM_COUNTED                                                                              \
    (CLAIM_SCORE | CLAIM_POINTS | CLAIM_USERS | CLAIM_TICKETS | CLAIM_DAYS | CLAIM_MONTHS |        \
     CLAIM_MINUTES | CLAIM_MONEY | CLAIM_OTHER | CLAIM_SEATS | CLAIM_SPAN)

struct claim_token {
    struct str word; /* in small letters */
    size_t start, end;
    uint64_t meaning;
    bool number, date, amount; /* amount: money by its sign */
    double value;
};

/* One sentence, and what the ones before it were about. */
struct claim_reading {
    struct arena *arena;
    const struct success_claim_truth *t;
    struct str whole, text; /* text: the sentence, in the whole */
    struct claim_token token[CLAIM_TOKENS_MAX];
    int count;
    uint64_t all; /* what any word of it means */
    bool asks;
    uint64_t last_kind; /* of the number before */
    bool renewal;       /* the text spoke of it */
};

const struct json *claim_reading_figure(const struct claim_reading *r, const char *key);
bool claim_reading_renewal_ms(const struct claim_reading *r, int64_t *out_ms);

/* False: it holds a number that can be no figure. Keeps what the sentences before were about. */
bool claim_reading_read(struct claim_reading *r, struct str text);

/* The meaning of `wanted` in the words right behind token i, up to a preposition or the like; 0:
 * none. */
uint64_t claim_reading_behind(const struct claim_reading *r, int i, int most, uint64_t wanted);
/* The same, over "of the" and "their". */
uint64_t claim_reading_near(const struct claim_reading *r, int i, uint64_t wanted);
/* What a number is said of; 0: of nothing. */
uint64_t claim_reading_kind(const struct claim_reading *r, int i);
/* What stands around token i, up to a comma. */
uint64_t claim_reading_clause(const struct claim_reading *r, int i);
/* The words between a number and its noun, and the noun. */
uint64_t claim_reading_phrase(const struct claim_reading *r, int i);

/* Whether what token i says is denied: "has not expired", and not "not only expired". */
bool claim_reading_denied(const struct claim_reading *r, int i);
/* Whether any word of the sentence says one of `meanings`, and nothing denies it. */
bool claim_reading_says(const struct claim_reading *r, uint64_t meanings);
/* Whether token i, which need not be there, is one of the words; NULL ends them. */
bool claim_reading_is_word(const struct claim_reading *r, int i, const char *const *list);

#endif
