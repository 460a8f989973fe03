/* The history of what was told of an account: its contract, usage and tickets, one row for each
 * change and never changed after. As of a date holds the latest row that is not later. The
 * account's record holds what is true now; a row is the part of the record that its kind is about.
 * Task code; in the caller's transaction where there is one. */
#ifndef SVC_ACCOUNT_ACCOUNT_FACT_H
#define SVC_ACCOUNT_ACCOUNT_FACT_H

#include "svc/account/account_row.h"

enum account_fact_kind { ACCOUNT_CONTRACT, ACCOUNT_USAGE, ACCOUNT_TICKETS, ACCOUNT_FACT_KINDS };

const char *account_fact_name(enum account_fact_kind k); /* contract, usage, tickets */
/* The members of a record's data that belong to the kind. */
const struct json *account_fact_of(struct arena *a, enum account_fact_kind k,
                                   const struct json *data);
/* Adds a row, unless the one in force at that time says the same. */
struct account_fact {
    enum account_fact_kind kind;
    const struct json *data; /* of account_fact_of */
    const char *source;
    int64_t at_ms;
};
enum err account_fact_add(struct ctx *c, struct store *s, const struct id *account,
                          const struct account_fact *fact, bool *out_new);
/* Whether it would. */
enum err account_fact_is_new(struct ctx *c, struct store *s, const struct id *account,
                             const struct account_fact *fact, bool *out_new);

/* What was known at `as_of_ms`; 0: what is known now. Never fails for want of data. */
enum err account_facts_load(struct ctx *c, struct store *s, const struct record *r,
                            int64_t as_of_ms, struct account_facts *out);

/* The ticket records of the account: how many are open, and the newest of those. out_any: there are
 * records at all, open or not; else the account's own count stands. */
enum err account_tickets_count(struct ctx *c, struct store *s, struct str slug, bool *out_any,
                               const struct json **out_data);

/* {account, contract, usage, tickets, contacts}: the answer of account.facts. */
enum err account_facts_view(struct ctx *c, struct store *s, const struct record *r,
                            const struct account_facts *f, const struct json **out);
/* {id, slug, name, short_name, stage, plan, owner, industry, country, currency, language, demo} */
const struct json *account_view(struct arena *a, const struct record *r);

#endif
