/* Money and tokens in the store: budgets, leases against them, usage rows and their totals. A lease
 * counts as spent until it is given back, or until it expires with the process that took it.
 * ledger.h decides when any of this is written. Inside the llm row; task code. */
#ifndef LLM_SPEND_H
#define LLM_SPEND_H

#include "llm/models.h"

enum { SPEND_RESERVATION_MS = 900000, SPEND_AGENTS_MAX = 32 };

/* Worst case of one request. */
struct spend_estimate {
    int64_t microcents;
    int64_t tokens;
};

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

/* A reservation for many requests of one agent. */
struct spend_lease {
    struct str agent;
    struct id id;                         /* unset: none is written */
    int64_t microcents, tokens;           /* as written */
    int64_t used_microcents, used_tokens; /* of it: held by requests under way, or due */
};

/* Sets it; E_INVALID names the field. */
enum err spend_budget_set(struct ctx *c, const struct models_budget *budget);
/* Counts as spent what is not in the store. */
void spend_add(struct models_spent *s, int64_t microcents, int64_t tokens);
/* Whether a budget applies to the agent. */
enum err spend_limited(struct ctx *c, struct str agent, bool *out_limited);
/* Settled and reserved; an agent of "" is the whole org, whose reservations are everybody's. */
enum err spend_read(struct ctx *c, struct str agent, struct models_spent *out);
/* Makes the lease large enough for `worst` more and, where there is room, for requests to come.
 * E_LIMIT, field "budget": not even for one. */
enum err spend_grow(struct ctx *c, struct spend_lease *lease, const struct spend_estimate *worst);
/* Down to what is used of it. */
enum err spend_shrink(struct ctx *c, struct spend_lease *lease);

/* A usage row that waits. All of one write are of one UTC day. */
struct spend_row {
    struct spend_row *next;
    void *owner; /* the writer's own */
    int64_t at_ms;
    struct chat_origin origin;
    struct spend_usage u; /* origin: the one above */
};

/* What the rows of one agent come to. */
struct spend_sum {
    struct str agent;
    struct spend_lease *lease;
    int64_t microcents, tokens, requests;
    bool crossed; /* out: past 80 % or 100 % of the agent's budget */
};

struct spend_batch {
    const struct spend_row *rows;
    struct spend_sum sums[SPEND_AGENTS_MAX];
    int sum_count;
    bool crossed; /* out: past 80 % or 100 % of the org's budget */
};
/* In one transaction; the leases get smaller by what was spent of them, in the store only. */
enum err spend_write(struct ctx *c, struct spend_batch *batch);

#endif
