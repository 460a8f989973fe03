/* What is changed of accounts over HTTP: made, renamed, removed with everything of it; contract,
 * usage and tickets as others know them; notes. Every rule that input breaks is told with its
 * field. Handlers. */
#ifndef SVC_ACCOUNT_ACCOUNT_CHANGE_H
#define SVC_ACCOUNT_ACCOUNT_CHANGE_H

#include "host/service.h"
#include "svc/account/account_score.h"

enum {
    ACCOUNT_NAME_MAX_CHARS = 200,
    ACCOUNT_SLUG_MAX_BYTES = 100,
    ACCOUNT_SLUG_TRIES = 5,
    ACCOUNT_TICKET_ID_MAX_CHARS = 100
};
#define ACCOUNT_ARR_MAX_CENTS (INT64_C(1000000000) * 100)

struct account_body {
    struct str slug, name, short_name, domain, website, industry, country, city, plan, owner,
        currency, notes;
    int stage;
    int64_t employees, seats, arr_cents, open_tickets;
    bool demo;
    const struct json *renewal_date, *since, *usage, *recent_tickets;
    uint64_t given;
};
extern const struct field_table account_body_table, account_contract_table, account_usage_table,
    account_tickets_table, account_note_table;
enum { ACCOUNT_PART_BYTES = 512 }; /* of every other body */

enum err account_change_post(struct ctx *c, struct call *call);
enum err account_change_patch(struct ctx *c, struct call *call);
enum err account_change_delete(struct ctx *c, struct call *call);
enum err account_change_contract(struct ctx *c, struct call *call);
enum err account_change_usage(struct ctx *c, struct call *call);
enum err account_change_tickets(struct ctx *c, struct call *call);
enum err account_change_notes(struct ctx *c, struct call *call);
enum err account_change_note(struct ctx *c, struct call *call);
enum err account_change_note_remove(struct ctx *c, struct call *call);

#endif
