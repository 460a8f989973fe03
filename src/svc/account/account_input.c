#include "svc/account/account_input.h"

#include "codec/date.h"
#include "codec/text.h"
#include "host/service.h"

enum { SUBJECT_MAX_CHARS = 300 };

/* ---- bodies -------------------------------------------------------------------- */

struct contract_body {
    const struct json *renewal_date;
    int64_t arr_cents, seats;
    struct str currency, plan;
};
static const struct field contract_fields[] = {
    FIELD(struct contract_body, renewal_date, FIELD_JSON, .flags = FIELD_NULLABLE,
          .title = "2027-03-01, or milliseconds; null: not known"),
    FIELD(struct contract_body, arr_cents, FIELD_INT, .flags = FIELD_NULLABLE, .min = 0,
          .max = ACCOUNT_ARR_MAX_CENTS),
    FIELD(struct contract_body, seats, FIELD_INT, .flags = FIELD_NULLABLE, .min = 0,
          .max = ACCOUNT_NUMBER_MAX),
    FIELD(struct contract_body, currency, FIELD_STR, .min = 3, .max = 3, .form = FIELD_LINE),
    FIELD(struct contract_body, plan, FIELD_STR, .max = 60, .form = FIELD_LINE),
};
const struct field_table account_contract_table = FIELD_TABLE("AccountContract", contract_fields);

struct tickets_body {
    int64_t open_tickets;
    const struct json *recent_tickets;
};
static const struct field tickets_fields[] = {
    FIELD(struct tickets_body, open_tickets, FIELD_INT, .min = 0, .max = ACCOUNT_NUMBER_MAX,
          .title = "as many as are listed when it is not given"),
    FIELD(struct tickets_body, recent_tickets, FIELD_LIST, .max = ACCOUNT_TICKETS_MAX,
          .title = "[{id, severity: low, medium, high or critical, subject?, created_at?}]"),
};
const struct field_table account_tickets_table = FIELD_TABLE("AccountTickets", tickets_fields);

_Static_assert(sizeof(struct contract_body) <= ACCOUNT_PART_BYTES, "bodies fit");
_Static_assert(sizeof(struct account_usage_body) <= ACCOUNT_PART_BYTES, "bodies fit");

/* ---- rules that a table of fields cannot say ------------------------------------- */

/* Who looks after an account is a member; one who has left stays until another is named. Where
 * nobody keeps members, any address will do. */
static enum err check_owner(struct ctx *c, const struct json *before, struct str owner)
{
    const struct json *member;
    if (!owner.n || str_eq(owner, json_str(before, "owner", STR("")))) {
        return E_OK;
    }
    enum err e = host_ask(c, "identity.member_of",
                          json_object(c->arena, {"email", json_new_str(c->arena, owner)}), &member);
    if (e == E_NOT_FOUND) {
        ctx_forgive(c);
        return E_OK;
    }
    TRY(e);
    return json_get(member, "id") ? E_OK
                                  : ctx_fail_field(c, E_INVALID, "owner",
                                                   "owner must be the e-mail address of a member");
}

/* {sparkline, trend, avg_daily_users} upon what was there. */
enum err account_input_usage(struct ctx *c, const struct json *before, const struct json *body,
                             const struct json **out)
{
    struct arena *a = c->arena;
    struct account_usage_body in = {.trend = -1};
    struct field_fault wrong = {0};
    struct account_facts f = {0};
    if (field_read(&account_usage_table, a, body, &in, &wrong) != E_OK) {
        return ctx_fail_field(c, E_INVALID, wrong.path, "%s: %s", wrong.path, wrong.text);
    }
    if (json_count(body) == 0) {
        return ctx_fail_field(c, E_INVALID, "sparkline", "give a sparkline, a trend or a mean");
    }
    TRY(account_rule_numbers(c, "sparkline", in.sparkline));
    const struct json *usage = before ? before : &json_empty_object;
    if (in.sparkline) { /* what followed from the line before follows from this one */
        usage = json_with(a, usage, STR("trend"), NULL);
        usage = json_with(a, usage, STR("avg_daily_users"), NULL);
    }
    usage = json_merge(a, usage, body);
    account_read_usage(a, json_object(a, {"usage", usage}), &f);
    const char *trend = health_trend_name(f.usage.trend);
    usage = trend ? json_with(a, usage, STR("trend"), json_new_str(a, str_of(trend))) : usage;
    *out = f.usage.has_average
               ? json_with(a, usage, STR("avg_daily_users"), json_new_int(a, f.usage.average))
               : usage;
    return E_OK;
}

static enum err fail_ticket(struct ctx *c, size_t index, const char *member, const char *rule)
{
    char *field = str_dupz(c->arena, str_fmt(c->arena, "recent_tickets[%zu].%s", index, member));
    return ctx_fail_field(c, E_INVALID, field, "%s %s", field, rule);
}

static enum err read_ticket(struct ctx *c, const struct json *t, size_t i, const struct json **out)
{
    static const char *const severities[] = {"low", "medium", "high", "critical"};
    struct arena *a = c->arena;
    const struct json *at =
        json_get(t, "created_at") ? json_get(t, "created_at") : json_get(t, "created_at_ms");
    struct str id = json_str(t, "id", STR("")), severity = json_str(t, "severity", STR(""));
    struct str subject = json_str(t, "subject", STR(""));
    bool known = false;
    for (size_t k = 0; k < sizeof(severities) / sizeof(*severities); k++) {
        known = known || str_eqz(severity, severities[k]);
    }
    bool blank = !str_trim(text_fold(a, id)).n;
    if (!json_is(t, JSON_OBJECT) || blank || text_count(id) > ACCOUNT_TICKET_ID_MAX_CHARS) {
        return fail_ticket(c, i, "id", "must have 1 to 100 characters");
    }
    if (!account_rule_is_line(id)) {
        return fail_ticket(c, i, "id", "must be a single line without control characters");
    }
    if (!known) {
        return fail_ticket(c, i, "severity", "is low, medium, high or critical");
    }
    if (text_count(subject) > SUBJECT_MAX_CHARS) {
        return fail_ticket(c, i, "subject", "must have at most 300 characters");
    }
    if (!account_rule_is_line(subject)) {
        return fail_ticket(c, i, "subject", "must be a single line without control characters");
    }
    if (at && account_rule_time(c, "created_at", at, &at) != E_OK) {
        return fail_ticket(c, i, "created_at", "must be a date");
    }
    *out = json_object(a, {"id", json_new_str(a, id)}, {"severity", json_new_str(a, severity)},
                       {"subject", subject.n ? json_new_str(a, subject) : NULL},
                       {"created_at_ms", json_is(at, JSON_INT) ? at : NULL});
    return E_OK;
}

static enum err check_once(struct ctx *c, const struct json *before, size_t index, struct str id)
{
    for (size_t i = 0; i < json_count(before); i++) {
        if (str_eq(json_str(json_at(before, i), "id", STR("")), id)) {
            char *rule =
                str_dupz(c->arena, str_fmt(c->arena, "is that of recent_tickets[%zu] already", i));
            return fail_ticket(c, index, "id", rule);
        }
    }
    return E_OK;
}

/* {open_tickets, recent_tickets}: the count is the list's length unless it is given. */
enum err account_input_tickets(struct ctx *c, const struct json *body, const struct json **out)
{
    struct arena *a = c->arena;
    const struct json *list = json_get(body, "recent_tickets"), *kept = &json_empty_array,
                      *ticket = NULL;
    const struct json *open = json_get(body, "open_tickets");
    for (size_t i = 0; i < json_count(list); i++) {
        TRY(read_ticket(c, json_at(list, i), i, &ticket));
        TRY(check_once(c, kept, i, json_str(ticket, "id", STR(""))));
        kept = json_push(a, kept, ticket);
    }
    if (!open && !list) {
        return ctx_fail_field(c, E_INVALID, "open_tickets", "give open_tickets or recent_tickets");
    }
    if (open && list && json_is(open, JSON_INT) && open->integer < (int64_t)json_count(list)) {
        return ctx_fail_field(c, E_INVALID, "open_tickets",
                              "open_tickets must not be less than the tickets listed");
    }
    open = open ? open : json_new_int(a, (int64_t)json_count(list));
    *out = json_object(a, {"open_tickets", open}, {"recent_tickets", kept});
    return E_OK;
}

/* ---- a record's members -------------------------------------------------------------- */

/* The members of both, those of `more` first; unlike a merge it keeps the nulls of a change. */
static const struct json *laid_over(struct arena *a, const struct json *base,
                                    const struct json *more)
{
    for (size_t i = 0; i < json_count(more); i++) {
        base = json_with(a, base, more->members[i].name, &more->members[i].value);
    }
    return base;
}

/* The body's members as the record has them. */
enum err account_input_account(struct ctx *c, const struct account_input *input,
                               const struct json **out)
{
    const struct account_body *in = input->fields;
    const struct json *v, *changes = input->body;
    struct arena *a = c->arena;
    TRY(account_rule_check(c, input->body));
    TRY(check_owner(c, input->before, in->owner));
    if (field_given(in->given, &account_body_table, "renewal_date")) {
        TRY(account_rule_time(c, "renewal_date", json_get(input->body, "renewal_date"), &v));
        changes = json_with(a, changes, STR("renewal_date"), v);
    }
    if (field_given(in->given, &account_body_table, "since")) {
        TRY(account_rule_time(c, "since", json_get(input->body, "since"), &v));
        changes = json_with(a, changes, STR("since"), v);
    }
    if (in->usage) {
        TRY(account_input_usage(c, json_get(input->before, "usage"), in->usage, &v));
        changes = json_with(a, changes, STR("usage"), v);
    }
    if (in->recent_tickets) {
        TRY(account_input_tickets(c, input->body, &v));
        changes = laid_over(a, changes, v);
    }
    *out = changes;
    return E_OK;
}

/* Of a change (RFC 7396) a null takes a member away: no rule reads it, and it stays. */
static const struct json *without_nulls(struct arena *a, const struct json *known,
                                        const struct json **inout_rest)
{
    for (size_t i = 0; i < json_count(known);) {
        const struct json_member *m = &known->members[i];
        i++;
        if (json_is(&m->value, JSON_NULL)) {
            *inout_rest = json_with(a, *inout_rest, m->name, &json_null_value);
            known = json_with(a, known, m->name, NULL);
            i--;
        }
    }
    return known;
}

enum err account_input_members(struct ctx *c, const struct json *members, const struct json *before,
                               const struct json **out)
{
    struct account_body in = {.stage = -1, .language = -1};
    struct field_fault wrong = {0};
    const struct json *rest, *more = NULL, *changes = NULL;
    const struct json *usage = json_get(members, "usage");
    struct account_input input = {.fields = &in, .before = before};
    if (json_count(members) > RECORD_MEMBERS_MAX || json_count(usage) > RECORD_MEMBERS_MAX) {
        return ctx_fail(c, E_TOO_LARGE, "an account and its usage have at most %d members",
                        RECORD_MEMBERS_MAX);
    }
    input.body = account_rule_known(c->arena, &account_body_table, members, &rest);
    input.body = before ? without_nulls(c->arena, input.body, &rest) : input.body;
    if (json_is(usage, JSON_OBJECT)) {
        usage = account_rule_known(c->arena, &account_usage_table, usage, &more);
        usage = before ? without_nulls(c->arena, usage, &more) : usage;
        usage = json_count(usage) ? usage : NULL; /* nothing of it is scored */
        input.body = json_with(c->arena, input.body, STR("usage"), usage);
    }
    if (field_read(&account_body_table, c->arena, input.body, &in, &wrong) != E_OK) {
        return ctx_fail_field(c, E_INVALID, wrong.path, "%s: %s", wrong.path, wrong.text);
    }
    TRY(account_input_account(c, &input, &changes));
    usage = json_get(changes, "usage");
    if (json_count(more)) {
        usage = laid_over(c->arena, usage ? usage : &json_empty_object, more);
        changes = json_with(c->arena, changes, STR("usage"), usage);
    }
    *out = laid_over(c->arena, changes, rest);
    return E_OK;
}
