/* What requests cost, kept in memory between two writes: waiting for the disk after each answer
 * would cost many times what asking does. Usage rows and totals are written together, at most
 * LEDGER_HOLD_MS after the first of them; a process that is killed loses no more. A budget is
 * nevertheless hard, over any number of processes: what may be spent before the next write is
 * written down before it is spent, as one reservation for many requests (a lease), and counts as
 * spent until it is settled or has expired with the process that took it. Inside the llm row. */
#ifndef LLM_LEDGER_H
#define LLM_LEDGER_H

#include "llm/spend.h"

enum { LEDGER_HOLD_MS = 50, LEDGER_GROUP_MAX = 256 };

struct ledger;
struct purse;

/* Rows are written from a thread of its own. config is kept by reference: whom to tell of budgets
 * that run out. */
struct ledger *ledger_new(const struct facilities *at, const struct models_config *config);
/* Writes what waits. No request may be under way. */
void ledger_free(struct ledger **l);

/* What a request under way may cost; given back by ledger_settle. */
struct ledger_hold {
    struct purse *purse; /* NULL: nothing is held */
    int64_t microcents, tokens;
};

/* Task code, for c->org. E_LIMIT, field "budget", when it would pass a limit. E_FULL,
 * E_UNAVAILABLE: more rows wait for the disk than may. A budget that another process sets or lowers
 * counts within two seconds: until then the lease stands that was written down before. */
enum err ledger_reserve(struct ctx *c, struct ledger *l, struct str agent,
                        const struct spend_estimate *worst, struct ledger_hold *out_hold);
/* Every request ends with it, also one that was not answered. Waits for the disk only where the
 * disk has not kept up for long. */
enum err ledger_settle(struct ctx *c, struct ledger *l, const struct spend_usage *u,
                       const struct ledger_hold *hold);
/* All of c->org that waits is written when it returns. */
enum err ledger_flush(struct ctx *c, struct ledger *l);
/* Settled, and held by requests under way. */
enum err ledger_spent(struct ctx *c, struct ledger *l, struct str agent, struct models_spent *out);
/* c->org's budgets are to be looked up again. */
void ledger_budget_changed(struct ctx *c, struct ledger *l);

#endif
