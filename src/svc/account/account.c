#include "svc/account/account_change.h"
#include "svc/account/account_day.h"
#include "svc/account/account_file.h"
#include "svc/account/account_formula.h"
#include "svc/account/account_import.h"
#include "svc/account/account_input.h"
#include "svc/account/account_name.h"
#include "svc/account/account_routes.h"
#include "svc/account/account_score.h"
#include "svc/account/portfolio.h"

extern const struct service account_service;

/* ---- declared reads ------------------------------------------------------------- */

static enum err ask_match(struct ctx *c, const struct json *q, const struct json **out)
{
    struct store *s;
    TRY(store_of(c, &s));
    return account_match(c, s, json_str(q, "text", STR("")), json_str(q, "selected", STR("")), out);
}

/* The account and what was known of it at as_of_ms. */
static enum err load(struct ctx *c, const struct json *q, struct record *out_record,
                     struct account_facts *out_facts, int64_t *out_as_of_ms)
{
    struct store *s;
    int64_t as_of_ms = json_int(q, "as_of_ms", 0);
    if (as_of_ms < 0 || as_of_ms > ctx_now_ms(c)) {
        return ctx_fail_field(c, E_INVALID, "as_of_ms", "as_of must not lie in the future");
    }
    TRY(store_of(c, &s));
    TRY(account_find(c, s, json_str(q, "account", STR("")), out_record));
    *out_as_of_ms = as_of_ms;
    return account_facts_load(c, s, out_record, as_of_ms, out_facts);
}

static enum err ask_facts(struct ctx *c, const struct json *q, const struct json **out)
{
    struct record r;
    struct account_facts f;
    int64_t as_of_ms;
    TRY(load(c, q, &r, &f, &as_of_ms));
    return account_facts_view(c, c->store, &r, &f, out);
}

static enum err ask_health(struct ctx *c, const struct json *q, const struct json **out)
{
    struct record r;
    struct account_facts f;
    int64_t as_of_ms;
    TRY(load(c, q, &r, &f, &as_of_ms));
    return account_health_at(c, c->store, &r, &f, as_of_ms, out);
}

static enum err ask_portfolio(struct ctx *c, const struct json *q, const struct json **out)
{
    struct store *s;
    struct portfolio_query query;
    struct portfolio p;
    TRY(store_of(c, &s));
    TRY(portfolio_read(c, q, &query));
    TRY(portfolio_list(c, s, &query, &p));
    *out = json_object(c->arena, {"items", p.items}, {"total", json_new_int(c->arena, p.total)},
                       {"summary", p.summary}, {"cut", json_new_bool(p.cut)});
    return E_OK;
}

static enum err ask_words(struct ctx *c, const struct json *q, const struct json **out)
{
    struct store *s;
    (void)q;
    TRY(store_of(c, &s));
    return portfolio_words(c, s, out);
}

/* As if it were so: scored, stored nowhere. */
static enum err ask_what_if(struct ctx *c, const struct json *q, const struct json **out)
{
    struct record r;
    struct account_facts f;
    int64_t as_of_ms;
    const struct health_formula *formula;
    struct health before, after;
    TRY(load(c, q, &r, &f, &as_of_ms));
    int64_t at_ms = as_of_ms ? as_of_ms : ctx_now_ms(c);
    struct health_inputs was = account_inputs(&f, at_ms), is = was;
    enum health_trend trend = health_trend_parse(json_str(q, "trend", STR("")));
    is.trend = trend == HEALTH_TREND_UNKNOWN ? was.trend : trend;
    is.open_tickets = json_int(q, "open_tickets", was.open_tickets);
    is.renewal_days = json_int(q, "renewal_days", was.renewal_days);
    is.dated = was.dated && !json_get(q, "renewal_days"); /* what is supposed is nobody's date */
    TRY(account_formula_at(c, c->store, at_ms, &formula));
    health_score(formula, &was, &before);
    health_score(formula, &is, &after);
    *out = json_object(c->arena, {"before", account_health_view(c->arena, &before, at_ms, NULL)},
                       {"after", account_health_view(c->arena, &after, at_ms, NULL)});
    return E_OK;
}

static enum err ask_history(struct ctx *c, const struct json *q, const struct json **out)
{
    struct record r;
    struct account_facts f;
    struct account_scores all;
    int64_t as_of_ms, limit = json_int(q, "limit", 50);
    TRY(load(c, q, &r, &f, &as_of_ms));
    limit = limit < 1 ? 1 : limit > 200 ? 200 : limit;
    TRY(account_scores_load(c, c->store, &r.id, as_of_ms, (int)limit, &all));
    const struct json *items = &json_empty_array;
    for (int i = 0; i < all.count; i++) {
        items = json_push(c->arena, items, account_score_view(c->arena, &all, i));
    }
    *out = json_object(c->arena, {"items", items});
    return E_OK;
}

static enum err ask_check(struct ctx *c, const struct json *q, const struct json **out)
{
    const struct json *members;
    TRY(account_input_members(c, json_get(q, "members"), json_get(q, "before"), &members));
    *out = json_object(c->arena, {"members", members});
    return E_OK;
}

static const struct ask asks[] = {
    {"account.check", ask_check, "{members, before?} -> members as a record has them; E_INVALID"},
    {"account.match", ask_match, "{text, selected?} -> {items, other_names, ambiguous}"},
    {"account.facts", ask_facts, "{account, as_of_ms?} -> contract, usage, tickets, contacts"},
    {"account.health", ask_health, "{account, as_of_ms?} -> health with its factors"},
    {"account.history", ask_history, "{account, as_of_ms?, limit?} -> scores, newest first"},
    {"account.what_if", ask_what_if, "{account, open_tickets?, trend?, renewal_days?} -> scores"},
    {"account.words", ask_words, "{} -> stages, plans, owners, countries, industries there are"},
    {"account.portfolio", ask_portfolio, "{filters, sort, limit, offset, as_of_ms?} -> rows"},
    {0},
};

/* ---- what changes a score ---------------------------------------------------------- */

static enum err recompute_slug(struct ctx *c, struct store *s, struct str slug, bool count_tickets)
{
    struct record r;
    struct account_change how = {.source = "record", .count_tickets = count_tickets};
    enum err e = slug.n ? record_by_key(c, s, STR("account"), slug, &r) : E_NOT_FOUND;
    if (e == E_NOT_FOUND) { /* removed meanwhile, or a ticket of nobody's */
        ctx_forgive(c);
        return E_OK;
    }
    TRY(e);
    return account_recompute(c, s, &r, &how);
}

static enum err on_account(struct ctx *c, struct store *s, const struct event *e)
{
    return recompute_slug(c, s, json_str(e->payload, "client_id", STR("")), false);
}

static enum err on_ticket(struct ctx *c, struct store *s, const struct event *e)
{
    TRY(recompute_slug(c, s, json_str(e->payload, "account_before", STR("")), true));
    return recompute_slug(c, s, json_str(e->payload, "account", STR("")), true);
}

static const struct consumer consumers[] = {
    {.service = "account", .topic = "client_events", .handle = on_account},
    {.service = "account", .topic = "support_events", .handle = on_ticket},
    {0},
};

static enum err recompute_due(struct ctx *c, struct job *job)
{
    (void)job;
    return account_day_run(c, NULL);
}

static const struct job_kind jobs[] = {
    {.kind = "account_recompute",
     .run = recompute_due,
     .lane = LANE_BACKGROUND,
     .timeout_ms = 600000},
    {.kind = "account_files",
     .run = account_file_watch,
     .lane = LANE_BACKGROUND,
     .timeout_ms = 600000},
    {0},
};

/* A renewal is a midnight in UTC: the day's change is soon after it. */
static const struct job_schedule schedules[] = {
    {.kind = "account_recompute", .daily_at_min = 5, .at_start = true},
    {.kind = "account_files", .every_ms = 60000},
    {0},
};

/* ---- routes --------------------------------------------------------------------------- */

#define READS     (ROLE_SERVES | ROLE_VIEWER)
#define LOOKS     (READS | ROLE_GUEST) /* of what is `demo: true` */
#define REMOVES   (ROLE_ADMIN | ROLE_SUPERVISOR | ROLE_SUCCESS)
#define ONE       "/api/v1/accounts/{id}"
#define CHOOSES   (ROLE_ADMIN | ROLE_SUPERVISOR)
#define REGISTERS (CHOOSES | ROLE_ENGINEER)

static const struct route routes[] = {
    {"GET", "/api/v1/portfolio", LOOKS, "accounts:read", account_routes_portfolio,
     "The accounts with their health, sorted and filtered", NULL, 0, 0},
    {"GET", "/api/v1/portfolio/renewals", LOOKS, "accounts:read", account_routes_renewals,
     "Renewals by day", NULL, 0, 0},
    {"POST", "/api/v1/imports", ROLE_SERVES, "accounts:write", account_import_post,
     "Accounts, contracts, usage or tickets from CSV or JSON; tried first with dry_run=1", NULL, 0,
     ROUTE_RAW | ROUTE_SLOW},
    {"PUT", "/api/v1/account-files/{kind}/{name}", ROLE_SERVES, "accounts:write", account_file_put,
     "A file that tells of an account: usage, tickets or contract", NULL, 0, ROUTE_RAW},
    {"GET", "/api/v1/account-files", READS, "accounts:read", account_file_list,
     "Such files, and what became of them", NULL, 0, 0},
    {"GET", "/api/v1/health-formulas", LOOKS, "accounts:read", account_formula_list,
     "The ways of scoring: built in and registered, and which one is in force", NULL, 0, 0},
    {"POST", "/api/v1/health-formulas", REGISTERS, "accounts:write", account_formula_post,
     "Register weights that a back-test learnt, with where they come from; scores nothing by them",
     &account_formula_table, sizeof(struct account_formula_body), ROUTE_CREATES | ROUTE_ONCE},
    {"PUT", "/api/v1/health-formulas/active", CHOOSES, "accounts:write", account_formula_choose,
     "Score by another formula from now on", &account_formula_choice_table,
     sizeof(struct account_formula_choice_body), ROUTE_ONCE},
    {"POST", "/api/v1/accounts", ROLE_SERVES, "accounts:write", account_change_post,
     "Make an account", &account_body_table, sizeof(struct account_body),
     ROUTE_CREATES | ROUTE_ONCE},
    {"PATCH", ONE, ROLE_SERVES, "accounts:write", account_change_patch, "Change an account",
     &account_body_table, sizeof(struct account_body), ROUTE_ONCE},
    {"DELETE", ONE, REMOVES, "accounts:write", account_change_delete,
     "Remove an account with everything of it", NULL, 0, ROUTE_ONCE},
    {"GET", ONE "/overview", LOOKS, "accounts:read", account_routes_overview,
     "An account with everything known of it, now or as of a date", NULL, 0, 0},
    {"GET", ONE "/health", LOOKS, "accounts:read", account_routes_health,
     "Its health, with reasons", NULL, 0, 0},
    {"GET", ONE "/health-history", LOOKS, "accounts:read", account_routes_history,
     "Every score it had, newest first, and why it changed", NULL, 0, 0},
    {"POST", ONE "/what-if", LOOKS, "accounts:read", account_routes_what_if,
     "What its health would be; stores nothing", &account_what_if_table,
     sizeof(struct account_what_if), ROUTE_OPTIONAL_BODY},
    {"PUT", ONE "/contract", ROLE_SERVES, "accounts:write", account_change_contract,
     "Its contract, as another system knows it", &account_contract_table, ACCOUNT_PART_BYTES,
     ROUTE_ONCE},
    {"PUT", ONE "/usage", ROLE_SERVES, "accounts:write", account_change_usage, "Its usage",
     &account_usage_table, ACCOUNT_PART_BYTES, ROUTE_ONCE},
    {"PUT", ONE "/tickets", ROLE_SERVES, "accounts:write", account_change_tickets,
     "Its open tickets, where they are not kept here", &account_tickets_table, ACCOUNT_PART_BYTES,
     ROUTE_ONCE},
    {"GET", ONE "/notes", READS, "accounts:read", account_change_notes, "Notes, newest first", NULL,
     0, 0},
    {"POST", ONE "/notes", ROLE_SERVES, "accounts:write", account_change_note, "Write a note",
     &account_note_table, ACCOUNT_PART_BYTES, ROUTE_CREATES | ROUTE_ONCE},
    {"DELETE", ONE "/notes/{note}", ROLE_SERVES, "accounts:write", account_change_note_remove,
     "Remove a note", NULL, 0, ROUTE_ONCE},
    {0},
};

#define PORTFOLIO "/api/v1/portfolio"
#define AS_OF     "a day (its end), a time or milliseconds; default now"

static const struct query_key queries[] = {
    {"/api/v1/imports", "kind", "string", "accounts, contracts, usage or tickets"},
    {"/api/v1/imports", "dry_run", "integer", "1: tell what would happen, and do nothing"},
    {"/api/v1/imports", "skip_bad", "integer", "1: apply the good rows though others are bad"},
    {"/api/v1/account-files", "limit", "integer", "1 to 200, default 50"},
    {"/api/v1/account-files", "cursor", "string", "next_cursor of the page before"},
    {PORTFOLIO, "q", "string", "in name, slug or owner"},
    {PORTFOLIO, "risk", "string", "low, medium, high or unknown"},
    {PORTFOLIO, "trend", "string", "up, flat or down"},
    {PORTFOLIO, "stage", "string", "trial, active, at_risk, renewal_approaching or churned"},
    {PORTFOLIO, "owner", "string", "e-mail of a member"},
    {PORTFOLIO, "plan", "string", "slug of a plan"},
    {PORTFOLIO, "min_score", "integer", "0 to 100"},
    {PORTFOLIO, "max_score", "integer", "0 to 100"},
    {PORTFOLIO, "renews_within_days", "integer", "from today on"},
    {PORTFOLIO, "sort", "string",
     "name, score, arr_cents, renewal_date_ms, open_tickets, trend, avg_daily_users, owner, stage, "
     "plan or updated_at; a leading - turns it"},
    {PORTFOLIO, "order", "string", "asc or desc"},
    {PORTFOLIO, "as_of", "string", AS_OF},
    {PORTFOLIO, "limit", "integer", "1 to 200, default 50"},
    {PORTFOLIO, "cursor", "string", "next_cursor of the page before"},
    {PORTFOLIO "/renewals", "from", "string", "a day; default today"},
    {PORTFOLIO "/renewals", "to", "string", "a day; default a year later"},
    {PORTFOLIO "/renewals", "limit", "integer", "1 to 1000 accounts, which is the default"},
    {ONE "/overview", "as_of", "string", AS_OF},
    {ONE "/health", "as_of", "string", AS_OF},
    {ONE "/health-history", "limit", "integer", "1 to 200, default 50"},
    {ONE "/health-history", "cursor", "string", "next_cursor of the page before"},
    {ONE "/notes", "limit", "integer", "1 to 200, default 50"},
    {ONE "/notes", "cursor", "string", "next_cursor of the page before"},
    {0},
};

static const char *const emits[] = {"customer_success_events", NULL};

const struct service account_service = {
    .name = "account",
    .purpose = "Accounts as a success team sees them: facts, health and its history, portfolio.",
    .routes = routes,
    .queries = queries,
    .asks = asks,
    .consumers = consumers,
    .jobs = jobs,
    .schedules = schedules,
    .migrations = account_migrations,
    .emits = emits,
};
