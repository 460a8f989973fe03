/* All accounts of the org that the caller may see, as rows that can be sorted and filtered, with
 * totals over what the filter leaves. Task code; the org of `c`. */
#ifndef SVC_ACCOUNT_PORTFOLIO_H
#define SVC_ACCOUNT_PORTFOLIO_H

#include "svc/account/account_row.h"

enum {
    PORTFOLIO_LIMIT_MAX = 200,
    PORTFOLIO_OFFSET_MAX = 1000000,
    PORTFOLIO_AS_OF_MAX = 10000,
    PORTFOLIO_WORDS_MAX = 200
};

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
/* From JSON, {q, risk, trend, ... , sort, limit, offset}; E_INVALID names the field. */
enum err portfolio_read(struct ctx *c, const struct json *question, struct portfolio_query *out);

struct portfolio {
    const struct json *items, *summary; /* as account.portfolio answers */
    int count;
    int64_t total;
    bool cut; /* as of a date: there are more than PORTFOLIO_AS_OF_MAX, not looked at */
};
enum err portfolio_list(struct ctx *c, struct store *s, const struct portfolio_query *q,
                        struct portfolio *out);
/* {stages, plans, owners, countries, industries, currencies}: what the caller's accounts hold, up
 * to PORTFOLIO_WORDS_MAX of each. */
enum err portfolio_words(struct ctx *c, struct store *s, const struct json **out);

#endif
