/* The score of an account and its history. One function works it out from the inputs and stores
 * what changed; doing it again changes nothing. Task code; the org of `c`. */
#ifndef SVC_ACCOUNT_ACCOUNT_SCORE_H
#define SVC_ACCOUNT_ACCOUNT_SCORE_H

#include "svc/account/account_fact.h"

/* A row of the history, with the health it stood for. */
struct account_score {
    int64_t at_ms;
    struct health health;
    struct str cause; /* first, usage, tickets, contract, several, day, formula */
};
struct account_scores {
    int count;
    const struct account_score *items; /* newest first */
};

/* What is looked at before the score is worked out. */
struct account_change {
    const char *source;                   /* of the facts that are new in the record */
    bool count_tickets;                   /* the ticket records may have changed */
    const struct health_formula *formula; /* in force now; NULL: it is looked up */
};
/* Compares the account's record with what was known, adds new facts to the history, scores, adds
 * the score to its history when it is another, tells of it (customer_success_events), and brings
 * the record's `health` and the portfolio's row up to date; in the caller's transaction or its own.
 * `r` is the record as it is now, and afterwards as it became. */
enum err account_recompute(struct ctx *c, struct store *s, struct record *r,
                           const struct account_change *how);

/* Removes every trace of the account but its record. */
enum err account_forget(struct ctx *c, struct store *s, const struct id *account);

/* Rows not later than as_of_ms (0: now). */
enum err account_scores_load(struct ctx *c, struct store *s, const struct id *account,
                             int64_t as_of_ms, int limit, struct account_scores *out);

/* Adds a row; cause as above. */
enum err account_score_add(struct ctx *c, struct store *s, const struct id *account, int64_t at_ms,
                           const struct health *h, const char *cause);
/* Tells of it, when the score or its risk is another. In the caller's transaction. */
enum err account_score_tell(struct ctx *c, struct store *s, const struct record *r,
                            const struct health *before, const struct health *h);
/* What chat agents read in the record: {score, risk, formula, signals}. */
const struct json *account_score_record(struct arena *a, const struct health *h);
const struct json *account_score_signals(struct arena *a, const struct health *h);
/* Same formula, same points, same gaps. */
bool account_score_same(const struct health *a, const struct health *b);

/* A health, seen from the score before it (or NULL). */
const struct json *account_health_view(struct arena *a, const struct health *h,
                                       int64_t computed_at_ms, const struct account_score *before);
/* The health of the facts at a time (0: now), by the formula in force then, and for members what
 * the other formulas give (`beside`). */
enum err account_health_at(struct ctx *c, struct store *s, const struct record *r,
                           const struct account_facts *f, int64_t as_of_ms,
                           const struct json **out);
/* [{factor, delta, text}] that add up to the difference; empty when either is not complete. */
const struct json *account_attribution(struct arena *a, const struct health *before,
                                       const struct health *after);
/* {at_ms, score, risk_level, delta, cause, attribution} of items[i], seen from the row before it.
 */
const struct json *account_score_view(struct arena *a, const struct account_scores *all, int i);

#endif
