#include "host/service.h"
#include "svc/account/account_name.h"
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
    struct str formula = json_str(q, "formula", STR(""));
    if (formula.n && !health_formula_find(formula)) {
        return ctx_fail_field(c, E_INVALID, "formula", "there is no formula %.*s",
                              STR_ARG(formula));
    }
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
                       {"summary", p.summary});
    return E_OK;
}

static const struct ask asks[] = {
    {"account.match", ask_match, "{text, selected?} -> {items, other_names, ambiguous}"},
    {"account.facts", ask_facts, "{account, as_of_ms?} -> contract, usage, tickets, contacts"},
    {"account.health", ask_health, "{account, as_of_ms?, formula?} -> health with its factors"},
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
    return account_recompute_due(c, NULL);
}

static const struct job_kind jobs[] = {
    {.kind = "account_recompute",
     .run = recompute_due,
     .lane = LANE_BACKGROUND,
     .timeout_ms = 600000},
    {0},
};

/* A renewal is a midnight in UTC: the day's change is soon after it. */
static const struct job_schedule schedules[] = {
    {.kind = "account_recompute", .daily_at_min = 5, .at_start = true},
    {0},
};

static const char *const emits[] = {"customer_success_events", NULL};

const struct service account_service = {
    .name = "account",
    .purpose = "Accounts as a success team sees them: facts, health and its history, portfolio.",
    .asks = asks,
    .consumers = consumers,
    .jobs = jobs,
    .schedules = schedules,
    .migrations = account_migrations,
    .emits = emits,
};
