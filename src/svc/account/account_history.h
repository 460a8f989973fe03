/* The history of an account's scores, worked out anew from the history of its facts: for accounts
 * that come with a past, from an import or a demo. Task code; the org of `c`. */
#ifndef SVC_ACCOUNT_ACCOUNT_HISTORY_H
#define SVC_ACCOUNT_ACCOUNT_HISTORY_H

#include "svc/account/account_fact.h"

enum { ACCOUNT_HISTORY_MAX = 5000 }; /* facts of one account, the newest */

/* Adds a fact of the past as the data of a record that it is about; E_INVALID names what is wrong.
 * In the caller's transaction or its own, as the next. */
struct account_past_fact {
    struct str kind; /* contract, usage, tickets */
    int64_t at_ms;
    const struct json *data;
    const char *source;
};
enum err account_history_add(struct ctx *c, struct store *s, const struct record *r,
                             const struct account_past_fact *fact);
/* Replaces the scores up to now by those that follow from the facts and from the days between them.
 * Twice gives the same as once. */
enum err account_history_replay(struct ctx *c, struct store *s, const struct record *r);

#endif
