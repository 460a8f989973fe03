/* What the passing of days does to scores: renewals come nearer. Run daily; many accounts in little
 * time, since only those are looked at whose renewal passes a boundary, and what is known of them
 * is read a page at a time. Task code; the org of `c`. */
#ifndef SVC_ACCOUNT_ACCOUNT_DAY_H
#define SVC_ACCOUNT_ACCOUNT_DAY_H

#include <stdint.h>

#include "base/ctx.h"

/* Scores the accounts whose renewal passed a boundary, then those without a score yet or with one
 * of another formula, a page in each transaction. out_seen (may be NULL): how many there were. */
enum err account_day_run(struct ctx *c, int64_t *out_seen);

#endif
