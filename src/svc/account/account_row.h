/* An account as this service sees it: the record (agent/record.h) with its facts read out of it,
 * and who may see it. Guests see the accounts that carry `demo: true`; anything else does not exist
 * for them, whatever they send along. Task code; the org of `c`. */
#ifndef SVC_ACCOUNT_ACCOUNT_ROW_H
#define SVC_ACCOUNT_ACCOUNT_ROW_H

#include "agent/account_rule.h"
#include "agent/record.h"
#include "svc/account/health.h"

enum { ACCOUNT_RECENT_TICKETS = 10 }; /* of those counted from the ticket records */

/* What is known of a contract, of usage and of tickets at a moment. What is not known is missing:
 * no default stands in for it. */
struct account_fact_stamp {
    bool missing;
    int64_t at_ms;     /* since when it has been so; 0: nobody told */
    struct str source; /* record, api, import, file, tickets; empty: nobody told */
};
struct account_facts {
    struct {
        struct account_fact_stamp stamp;
        bool has_renewal, has_arr, has_seats;
        int64_t renewal_ms, arr_cents, seats;
        struct str currency, plan;
    } contract;
    struct {
        struct account_fact_stamp stamp;
        enum health_trend trend;
        bool has_average;
        int64_t average;
        const struct json *sparkline; /* array of numbers; maybe empty */
    } usage;
    struct {
        struct account_fact_stamp stamp;
        int64_t open;              /* HEALTH_UNKNOWN */
        const struct json *recent; /* array of {id, severity, subject, created_at_ms} */
    } tickets;
};

bool account_sees_all(const struct ctx *c);
bool account_is_demo(const struct json *data);
/* By id or slug; E_NOT_FOUND, too when the caller may not see it. */
enum err account_find(struct ctx *c, struct store *s, struct str key, struct record *out);

/* The facts that a record carries now; sources and times are the caller's to fill. */
void account_read_contract(const struct json *data, struct account_facts *out);
void account_read_usage(struct arena *a, const struct json *data, struct account_facts *out);
void account_read_tickets(const struct json *data, struct account_facts *out);

struct health_inputs account_inputs(const struct account_facts *f, int64_t now_ms);

extern const struct migration account_migrations[];

#endif
