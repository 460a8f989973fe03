/* What is known of an account, as the service that keeps it tells (ask `account.facts`). What is
 * not known has its has_ flag down and is never taken for a value. Task code. */
#ifndef SVC_SUCCESS_SUCCESS_FACTS_H
#define SVC_SUCCESS_SUCCESS_FACTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/ctx.h"
#include "codec/json.h"

struct success_facts {
    const struct json *account, *contract, *usage, *tickets, *contacts; /* as told */
    struct str id, slug, name, owner;
    bool has_renewal, has_arr, has_trend, has_users, has_tickets;
    int64_t renewal_date_ms;
    int64_t arr_cents;
    struct str currency; /* "EUR"; empty: nobody said */
    struct str trend;    /* up, flat, down */
    int64_t daily_users; /* on average */
    int64_t open_tickets;
};

/* as_of_ms 0: now. E_NOT_FOUND: no such account for this caller; else what the ask gives. */
enum err success_facts_get(struct ctx *c, struct str account, int64_t as_of_ms,
                           struct success_facts *out_facts);

/* Of the contract, else of the account, else of the organisation; empty: nobody said. `facts`: the
 * answer of account.facts. */
struct str success_facts_currency(struct ctx *c, const struct json *facts);

/* Days between two dates of the calendar, in UTC: 1 from this evening to tomorrow morning, negative
 * when it has passed; as health_date_days of svc/account. Pure. */
int64_t success_facts_days(int64_t renewal_date_ms, int64_t now_ms);

#endif
