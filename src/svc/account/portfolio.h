/* All accounts of the org that the caller may see, as rows that can be sorted and filtered, with
 * totals over what the filter leaves. Task code; the org of `c`. */
#ifndef SVC_ACCOUNT_PORTFOLIO_H
#define SVC_ACCOUNT_PORTFOLIO_H

#include "svc/account/portfolio_read.h"

enum { PORTFOLIO_AS_OF_MAX = 10000, PORTFOLIO_WORDS_MAX = 200 };

struct portfolio {
    const struct json *items, *summary; /* as account.portfolio answers */
    int count;
    int64_t total;
    bool cut; /* as of a date: there are more than PORTFOLIO_AS_OF_MAX, not looked at */
};
/* E_INVALID names `sort` where it is none. */
enum err portfolio_list(struct ctx *c, struct store *s, const struct portfolio_query *q,
                        struct portfolio *out);
/* {stages, plans, owners, countries, industries, currencies}: what the caller's accounts hold, up
 * to PORTFOLIO_WORDS_MAX of each. */
enum err portfolio_words(struct ctx *c, struct store *s, const struct json **out);

#endif
