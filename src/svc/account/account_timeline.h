/* What happened to an account, in the order of time: scores that changed, contract and usage as
 * they were told, tickets, conversations, notes. Task code; the org of `c`. */
#ifndef SVC_ACCOUNT_ACCOUNT_TIMELINE_H
#define SVC_ACCOUNT_ACCOUNT_TIMELINE_H

#include "svc/account/account_score.h"

enum { ACCOUNT_TIMELINE_MAX = 100 };

/* [{at_ms, kind, text, link?}], newest first; kind is health, contract, usage, ticket, conversation
 * or note. `link` is a page of the console. What is between members is left out for guests. */
enum err account_timeline(struct ctx *c, struct store *s, const struct record *r, int64_t as_of_ms,
                          const struct json **out);

#endif
