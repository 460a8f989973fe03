/* Money and tokens: budgets that are checked before a request is sent, and the row written after
 * it. A reservation counts as spent until it is settled, or until it expires with the process that
 * made it. Inside the llm row; task code. */
#ifndef LLM_SPEND_H
#define LLM_SPEND_H

#include "llm/models.h"

enum { SPEND_RESERVATION_MS = 900000 };

/* Worst case of one request. */
struct spend_estimate {
    int64_t microcents;
    int64_t tokens;
};

/* E_LIMIT, field "budget", when it would pass a limit. *out_reservation stays unset when no budget
 * is set: there is nothing to settle against. */
enum err spend_reserve(struct ctx *c, struct str agent, const struct spend_estimate *worst,
                       struct id *out_reservation);

/* What a request came to. */
struct spend_usage {
    const struct chat_origin *origin;
    struct str provider, model;
    struct chat_usage usage;
    int64_t cost_microcents;
    int64_t saved_microcents; /* by the cache */
    enum chat_cache cache;
    int64_t latency_ms;
    int attempts;
    enum err outcome;
};
/* Writes the usage row, adds to the totals and gives the reservation back, in one transaction.
 * *out_crossed: this request took a budget past 80 % (or past 100 %). */
enum err spend_settle(struct ctx *c, const struct spend_usage *u, const struct id *reservation,
                      bool *out_crossed);

#endif
