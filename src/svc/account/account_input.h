/* What people and programs write of accounts, read and checked: every rule that input breaks is
 * told with its field (E_INVALID). The same for the API, for imports and for files. Pure but for
 * the fault in c; task code where an owner is among it, who must be a member. */
#ifndef SVC_ACCOUNT_ACCOUNT_INPUT_H
#define SVC_ACCOUNT_ACCOUNT_INPUT_H

#include "agent/account_rule.h"
#include "svc/account/account_row.h"

enum { ACCOUNT_TICKET_ID_MAX_CHARS = 100 };
extern const struct field_table account_contract_table, account_tickets_table;
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
/* Members that somebody sends for a record: those above, and whatever else an org keeps of it. */
enum err account_input_members(struct ctx *c, const struct json *members, const struct json *before,
                               const struct json **out);
/* {sparkline, trend, avg_daily_users} upon what was there: the record's `usage`. */
enum err account_input_usage(struct ctx *c, const struct json *before, const struct json *body,
                             const struct json **out);
/* {open_tickets, recent_tickets}: the count is the list's length unless it is given. */
enum err account_input_tickets(struct ctx *c, const struct json *body, const struct json **out);

#endif
