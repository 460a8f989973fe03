/* What people and programs write of accounts, read and checked: every rule that input breaks is
 * told with its field (E_INVALID). The same for the API, for imports and for files. Pure but for
 * the fault in c; task code where an owner is among it, who must be a member. */
#ifndef SVC_ACCOUNT_ACCOUNT_INPUT_H
#define SVC_ACCOUNT_ACCOUNT_INPUT_H

#include "codec/field.h"
#include "svc/account/account_row.h"

enum {
    ACCOUNT_NAME_MAX_CHARS = 200,
    ACCOUNT_SLUG_MAX_BYTES = 100,
    ACCOUNT_TICKET_ID_MAX_CHARS = 100
};
#define ACCOUNT_ARR_MAX_CENTS (INT64_C(1000000000) * 100)

struct account_body {
    struct str slug, name, short_name, domain, website, industry, country, city, plan, owner,
        currency, notes;
    int stage, language;
    int64_t employees, seats, arr_cents, open_tickets;
    bool demo;
    const struct json *renewal_date, *since, *usage, *recent_tickets;
    uint64_t given;
};
extern const struct field_table account_body_table, account_contract_table, account_usage_table,
    account_tickets_table;
enum { ACCOUNT_PART_BYTES = 512 }; /* of every other body */

/* A body, its fields read by account_body_table, and the data of the account it changes (NULL: a
 * new one). *out: the members of a record that change. */
struct account_input {
    const struct json *body;
    const struct account_body *fields;
    const struct json *before;
};
enum err account_input_account(struct ctx *c, const struct account_input *input,
                               const struct json **out);
/* {sparkline, trend, avg_daily_users} upon what was there: the record's `usage`. */
enum err account_input_usage(struct ctx *c, const struct json *before, const struct json *body,
                             const struct json **out);
/* {open_tickets, recent_tickets}: the count is the list's length unless it is given. */
enum err account_input_tickets(struct ctx *c, const struct json *body, const struct json **out);
/* A day or a time, as milliseconds; null stays null. */
enum err account_input_time(struct ctx *c, const char *field, const struct json *v,
                            const struct json **out);
enum err account_input_slug(struct ctx *c, struct str slug);
/* A code of ISO 4217; empty: none is given. */
enum err account_input_currency(struct ctx *c, struct str currency);

#endif
