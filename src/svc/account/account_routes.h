/* What is read of accounts over HTTP: portfolio, renewals, one account with everything, its health
 * and history, what-if. Handlers. */
#ifndef SVC_ACCOUNT_ACCOUNT_ROUTES_H
#define SVC_ACCOUNT_ACCOUNT_ROUTES_H

#include "host/service.h"

struct account_what_if {
    int trend; /* enum, -1: as it is */
    int64_t open_tickets, renewal_days;
    uint64_t given;
};
extern const struct field_table account_what_if_table;

enum err account_routes_portfolio(struct ctx *c, struct call *call);
enum err account_routes_renewals(struct ctx *c, struct call *call);
enum err account_routes_overview(struct ctx *c, struct call *call);
enum err account_routes_health(struct ctx *c, struct call *call);
enum err account_routes_history(struct ctx *c, struct call *call);
enum err account_routes_what_if(struct ctx *c, struct call *call);

/* as_of of a query: a day (its end), a time or milliseconds; 0 when it is not given. */
enum err account_routes_as_of(struct ctx *c, const struct call *call, int64_t *out_ms);

#endif
