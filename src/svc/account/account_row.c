#include "svc/account/account_row.h"

#include <math.h>

#include "codec/date.h"
#include "host/access.h"

#define AVERAGE_MAX 1e9

const struct migration account_migrations[] = {
    {"account", 1, STORE_SCOPE_ORG,
     /* what was told of an account, and when: as of a date holds the latest row not later */
     "CREATE TABLE account_fact (account TEXT NOT NULL, kind TEXT NOT NULL, at BIGINT NOT NULL,"
     " data TEXT NOT NULL, source TEXT NOT NULL, PRIMARY KEY (account, kind, at));"
     /* what came of it: inputs, so that factors, signals and attribution can be shown again */
     "CREATE TABLE account_health (account TEXT NOT NULL, at BIGINT NOT NULL,"
     " formula TEXT NOT NULL, score BIGINT, risk TEXT NOT NULL, trend TEXT NOT NULL,"
     " open_tickets BIGINT NOT NULL, renewal_days BIGINT NOT NULL, cause TEXT NOT NULL,"
     " PRIMARY KEY (account, at));"
     /* a row of the portfolio; its totals look at every row, so no index would spare that */
     "CREATE TABLE account_state (account TEXT NOT NULL, slug TEXT NOT NULL, name TEXT NOT NULL,"
     " words TEXT NOT NULL, owner TEXT NOT NULL, stage TEXT NOT NULL, plan TEXT NOT NULL,"
     " currency TEXT NOT NULL, arr_cents BIGINT, renewal_at BIGINT, trend TEXT NOT NULL,"
     " average BIGINT, sparkline TEXT NOT NULL, open_tickets BIGINT NOT NULL, score BIGINT,"
     " risk TEXT NOT NULL, signals TEXT NOT NULL, formula TEXT NOT NULL, demo BIGINT NOT NULL,"
     " next_change_at BIGINT NOT NULL, updated_at BIGINT NOT NULL, version BIGINT NOT NULL,"
     " PRIMARY KEY (account), UNIQUE (slug));"
     /* what people call it, folded, a word apart */
     "CREATE TABLE account_name (name TEXT NOT NULL, account TEXT NOT NULL,"
     " weak BIGINT NOT NULL, PRIMARY KEY (name, account));"
     "CREATE INDEX account_name_by_account ON account_name (account);"
     "CREATE TABLE account_note (id TEXT NOT NULL, account TEXT NOT NULL, author TEXT NOT NULL,"
     " author_name TEXT NOT NULL, text TEXT NOT NULL, created_at BIGINT NOT NULL,"
     " PRIMARY KEY (id));"
     "CREATE INDEX account_note_by_account ON account_note (account, id);"},
    /* formulas of the org's own, and since when which one scores; no row: copilot_v1 */
    {"account", 2, STORE_SCOPE_ORG,
     "CREATE TABLE account_formula (name TEXT NOT NULL, version BIGINT NOT NULL,"
     " title TEXT NOT NULL, usage_weight BIGINT NOT NULL, tickets_weight BIGINT NOT NULL,"
     " renewal_weight BIGINT NOT NULL, provenance TEXT NOT NULL, created_by TEXT NOT NULL,"
     " created_at BIGINT NOT NULL, PRIMARY KEY (name, version));"
     "CREATE TABLE account_formula_choice (at BIGINT NOT NULL, formula TEXT NOT NULL,"
     " actor TEXT NOT NULL, PRIMARY KEY (at));"},
    /* where it sits and what it does; the rows that are there are written anew by the next day's
     * run, which takes those whose moment has come and whose version is another */
    {"account", 3, STORE_SCOPE_ORG,
     "ALTER TABLE account_state ADD COLUMN country TEXT NOT NULL DEFAULT '';"
     "ALTER TABLE account_state ADD COLUMN industry TEXT NOT NULL DEFAULT '';"
     "UPDATE account_state SET next_change_at = 1, version = 0;"},
    /* files that tell of accounts: what was taken over, and what could not be */
    {"account_file", 1, STORE_SCOPE_ORG,
     "CREATE TABLE account_file (key TEXT NOT NULL, sha256 TEXT NOT NULL, error TEXT NOT NULL,"
     " at BIGINT NOT NULL, PRIMARY KEY (key));"},
    {0},
};

bool account_sees_all(const struct ctx *c)
{
    return c->actor_kind == ACTOR_SYSTEM || (c->roles & ROLE_ANY) != 0;
}

bool account_is_demo(const struct json *data)
{
    return json_bool(data, "demo", false);
}

enum err account_find(struct ctx *c, struct store *s, struct str key, struct record *out)
{
    struct record r;
    struct id id;
    enum err e = id_parse(key, &id) ? record_get(c, s, &id, &r)
                                    : record_by_key(c, s, STR("account"), key, &r);
    if (e == E_NOT_FOUND || (e == E_OK && (!str_eqz(r.kind, "account") ||
                                           (!account_sees_all(c) && !account_is_demo(r.data))))) {
        return ctx_fail(c, E_NOT_FOUND, "there is no such account");
    }
    TRY(e);
    *out = r;
    return E_OK;
}

/* A time in a record: milliseconds, or ISO 8601 as an import may have left it. */
static bool read_time(const struct json *v, int64_t *out_ms)
{
    if (json_is(v, JSON_INT)) {
        *out_ms = v->integer;
        return true;
    }
    return json_is(v, JSON_STRING) && date_parse(v->string, out_ms);
}

static bool read_count(const struct json *v, int64_t *out)
{
    if (!json_is(v, JSON_INT) || v->integer < 0) {
        return false;
    }
    *out = v->integer;
    return true;
}

void account_read_contract(const struct json *data, struct account_facts *out)
{
    out->contract.has_renewal =
        read_time(json_get(data, "renewal_date"), &out->contract.renewal_ms);
    out->contract.has_arr = read_count(json_get(data, "arr_cents"), &out->contract.arr_cents);
    out->contract.has_seats = read_count(json_get(data, "seats"), &out->contract.seats);
    out->contract.currency = json_str(data, "currency", STR(""));
    out->contract.plan = json_str(data, "plan", STR(""));
    out->contract.stamp.missing = !out->contract.has_renewal;
}

/* All of them, oldest first. 0: it is no list of numbers from 0 up, and nothing is believed. */
static size_t numbers_of(struct arena *a, const struct json *list, const double **out)
{
    size_t n = json_is(list, JSON_ARRAY) ? json_count(list) : 0;
    n = n < ACCOUNT_SPARKLINE_MAX ? n : ACCOUNT_SPARKLINE_MAX;
    double *values = ARENA_ARRAY(a, double, n + 1);
    *out = values;
    for (size_t i = 0; i < n; i++) {
        values[i] = json_number(json_at(list, i), NAN);
        if (!(values[i] >= 0)) {
            return 0;
        }
    }
    return n;
}

void account_read_usage(struct arena *a, const struct json *data, struct account_facts *out)
{
    const struct json *usage = json_get(data, "usage");
    const struct json *sparkline = json_get(usage, "sparkline");
    const struct json *average = json_get(usage, "avg_daily_users");
    const double *values;
    size_t n = numbers_of(a, sparkline, &values);
    out->usage.sparkline = n ? sparkline : &json_empty_array;
    /* a trend that somebody stated stands above the line's */
    out->usage.trend = health_trend_parse(json_str(usage, "trend", STR("")));
    if (out->usage.trend == HEALTH_TREND_UNKNOWN && n > 0) {
        out->usage.trend = health_trend_of(values, n);
    }
    double said = json_number(average, -1);
    bool stated = said >= 0 && said <= AVERAGE_MAX;
    out->usage.has_average = stated || n > 0;
    out->usage.average = stated ? llrint(said) : health_mean_of(values, n);
    out->usage.stamp.missing = out->usage.trend == HEALTH_TREND_UNKNOWN;
}

void account_read_tickets(const struct json *data, struct account_facts *out)
{
    const struct json *recent = json_get(data, "recent_tickets");
    out->tickets.open = HEALTH_UNKNOWN;
    read_count(json_get(data, "open_tickets"), &out->tickets.open);
    out->tickets.recent = json_is(recent, JSON_ARRAY) ? recent : &json_empty_array;
    out->tickets.stamp.missing = out->tickets.open == HEALTH_UNKNOWN;
}

struct health_inputs account_inputs(const struct account_facts *f, int64_t now_ms)
{
    return (struct health_inputs){
        .trend = f->usage.trend,
        .open_tickets = f->tickets.open,
        .renewal_days =
            f->contract.has_renewal ? health_days(now_ms, f->contract.renewal_ms) : HEALTH_UNKNOWN,
        .dated = f->contract.has_renewal,
        .date_days = health_date_days(now_ms, f->contract.renewal_ms),
    };
}
