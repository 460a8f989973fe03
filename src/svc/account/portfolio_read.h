/* What is asked of the portfolio: filters, order and page. Pure but for the fault in c. */
#ifndef SVC_ACCOUNT_PORTFOLIO_READ_H
#define SVC_ACCOUNT_PORTFOLIO_READ_H

#include "svc/account/account_row.h"

enum { PORTFOLIO_LIMIT_MAX = 200, PORTFOLIO_OFFSET_MAX = 1000000 };

/* From `least` to `most`, both included; not given: any. Given, the unknown are out. */
struct portfolio_bound {
    bool has_least, has_most;
    int64_t least, most;
};

struct portfolio_query {
    struct str text, risk, trend, stage, owner, plan; /* empty: any */
    struct str other_risk;                            /* or this one */
    struct str currency, country, industry;           /* of industry: a part of it, in any case */
    struct str missing; /* what is not known: renewal, arr, owner, usage, tickets */
    struct portfolio_bound tickets, arr_cents, users;
    int64_t since_ms, until_ms; /* since_ms 0: the score's change is not looked at; until 0: now */
    int moved;                  /* of the score since then: -1 down, 1 up, 0 either way */
    int64_t renews_after_ms, renews_before_ms; /* 0: any */
    int64_t min_score, max_score;              /* -1: any; given, the unknown are out */
    struct str sort; /* "-score"; empty: name; "score_change" needs since_ms */
    int limit, offset;
    int64_t as_of_ms; /* 0: now; without since_ms */
};
/* From JSON, {q, risk, trend, ... , sort, limit, offset}; E_INVALID names the field. Of `sort`
 * portfolio_list says whether there is one. */
enum err portfolio_read(struct ctx *c, const struct json *question, struct portfolio_query *out);

#endif
