/* What an account may be, whoever writes it: the API, an import, a file, an agent's tool. Here are
 * the shapes of the members that are scored and shown, and what no table of fields can say: names
 * that could be taken for others, markup, currencies, days. An org may keep further members. Every
 * rule that is broken is told with its field (E_INVALID). Pure but for the fault in c. */
#ifndef AGENT_ACCOUNT_RULE_H
#define AGENT_ACCOUNT_RULE_H

#include "base/ctx.h"
#include "codec/field.h"

enum {
    ACCOUNT_NAME_MAX_CHARS = 200,
    ACCOUNT_SLUG_MAX_BYTES = 100,
    ACCOUNT_TICKETS_MAX = 50,
    ACCOUNT_SPARKLINE_MAX = 365,
    ACCOUNT_NUMBER_MAX = 1000000000
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
struct account_usage_body {
    const struct json *sparkline;
    int trend;
    int64_t avg_daily_users;
    uint64_t given;
};
extern const struct field_table account_body_table, account_usage_table;

/* The members of `object` that the table knows; *out_rest (may be NULL): the others. */
const struct json *account_rule_known(struct arena *a, const struct field_table *t,
                                      const struct json *object, const struct json **out_rest);

/* Members that an account gets, of those that it has or is sent; members without a rule pass. */
enum err account_rule_check(struct ctx *c, const struct json *members);

/* A day or a time, as milliseconds; null stays null. */
enum err account_rule_time(struct ctx *c, const char *field, const struct json *v,
                           const struct json **out);
enum err account_rule_slug(struct ctx *c, struct str slug);
/* A code of ISO 4217; empty: none is given. */
enum err account_rule_currency(struct ctx *c, struct str currency);
/* Numbers from 0 up; `field` is what the faulty one is named by. */
enum err account_rule_numbers(struct ctx *c, const char *field, const struct json *list);
/* Whether s is one line of which every character can be seen and stands where it is read. */
bool account_rule_is_line(struct str s);

#endif
