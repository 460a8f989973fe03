#include "svc/account/account_routes.h"

#include "codec/date.h"
#include "codec/text.h"
#include "codec/url.h"
#include "svc/account/account_formula.h"
#include "svc/account/account_note.h"
#include "svc/account/account_score.h"
#include "svc/account/account_timeline.h"
#include "svc/account/health_view.h"
#include "svc/account/portfolio.h"

enum {
    RENEWALS_MAX = 1000,
    RENEWALS_DAYS = 365,
    HISTORY_SHOWN = 100,
    BRIEFS_SHOWN = 20,
    NAME_CHARS = 40
};

/* The end of a day, and never later than now. */
static bool read_end_of_day(struct str text, int64_t *out_ms)
{
    if (date_parse_day(text, out_ms)) {
        *out_ms += DATE_DAY_MS - 1;
        return true;
    }
    return date_parse(text, out_ms) || str_to_i64(text, out_ms);
}

enum err account_routes_as_of(struct ctx *c, const struct call *call, int64_t *out_ms)
{
    struct str text = call_query(c, call, "as_of");
    int64_t ms, now = ctx_now_ms(c);
    if (!text.n) {
        *out_ms = 0;
        return E_OK;
    }
    if (!read_end_of_day(text, &ms)) {
        return ctx_fail_field(c, E_INVALID, "as_of", "as_of must be a date such as 2026-06-01");
    }
    if (ms <= 0) {
        return ctx_fail_field(c, E_INVALID, "as_of",
                              "as_of must not lie before 1970: nothing is known of that time");
    }
    if (ms >= now + DATE_DAY_MS) {
        return ctx_fail_field(c, E_INVALID, "as_of", "as_of must not lie in the future");
    }
    *out_ms = ms >= now ? 0 : ms;
    return E_OK;
}

/* ---- portfolio ----------------------------------------------------------------- */

static const struct json *query_text(struct ctx *c, const struct call *call, const char *name)
{
    struct str v = call_query(c, call, name);
    return v.n ? json_new_str(c->arena, v) : NULL;
}

/* A parameter that nobody reads would be taken for one that was: the answer would be another's. */
static enum err only_these(struct ctx *c, const struct call *call, const char *const *names)
{
    struct url_form form;
    TRY(url_form_parse(c->arena, call->in->query, &form));
    for (size_t i = 0; i < form.count; i++) {
        const char *const *name = names;
        while (*name && !str_eqz(form.pairs[i].name, *name)) {
            name++;
        }
        if (!*name && form.pairs[i].name.n) {
            char *shown =
                str_dupz(c->arena, text_shorten(c->arena, form.pairs[i].name, NAME_CHARS));
            return ctx_fail_field(c, E_INVALID, shown, "there is no parameter %s here", shown);
        }
    }
    return E_OK;
}

static enum err query_stage(struct ctx *c, const struct call *call)
{
    static const char *const stages[] = {
        "", "trial", "active", "at_risk", "renewal_approaching", "churned"};
    struct str stage = call_query(c, call, "stage");
    for (size_t i = 0; i < sizeof(stages) / sizeof(*stages); i++) {
        if (str_eqz(stage, stages[i])) {
            return E_OK;
        }
    }
    return ctx_fail_field(c, E_INVALID, "stage",
                          "stage is trial, active, at_risk, renewal_approaching or churned");
}

static enum err query_number(struct ctx *c, const struct call *call, const char *name,
                             const struct json **out)
{
    int64_t v;
    TRY(call_query_int(c, call, name, -1, &v));
    *out = call_query(c, call, name).n ? json_new_int(c->arena, v) : NULL;
    return E_OK;
}

static enum err query_scores(struct ctx *c, const struct call *call, const struct json **out_least,
                             const struct json **out_most)
{
    static const char *const names[] = {"min_score", "max_score"};
    const struct json *scores[2];
    for (int i = 0; i < 2; i++) {
        TRY(query_number(c, call, names[i], &scores[i]));
        if (scores[i] && (scores[i]->integer < 0 || scores[i]->integer > 100)) {
            return ctx_fail_field(c, E_INVALID, names[i], "%s must be from 0 to 100", names[i]);
        }
    }
    if (scores[0] && scores[1] && scores[0]->integer > scores[1]->integer) {
        return ctx_fail_field(c, E_INVALID, "max_score",
                              "max_score must not be less than min_score");
    }
    *out_least = scores[0];
    *out_most = scores[1];
    return E_OK;
}

/* sort=score&order=desc, or sort=-score. */
static enum err query_sort(struct ctx *c, const struct call *call, const struct json **out)
{
    struct str sort = call_query(c, call, "sort"), order = call_query(c, call, "order");
    if (order.n && !str_eqz(order, "asc") && !str_eqz(order, "desc")) {
        return ctx_fail_field(c, E_INVALID, "order", "order is asc or desc");
    }
    sort = sort.n ? sort : STR("name");
    bool turn = str_eqz(order, "desc") && !str_starts(sort, STR("-"));
    *out = json_new_str(c->arena, turn ? str_fmt(c->arena, "-%.*s", STR_ARG(sort)) : sort);
    return E_OK;
}

static enum err read_query(struct ctx *c, const struct call *call, struct portfolio_query *out)
{
    static const char *const names[] = {"q",         "risk",      "trend",
                                        "stage",     "owner",     "plan",
                                        "min_score", "max_score", "renews_within_days",
                                        "sort",      "order",     "as_of",
                                        "cursor",    "limit",     NULL};
    struct arena *a = c->arena;
    const struct json *sort = NULL, *least = NULL, *most = NULL, *offset = NULL, *within = NULL;
    int64_t as_of_ms;
    int limit;
    TRY(query_sort(c, call, &sort));
    TRY(only_these(c, call, names));
    TRY(query_stage(c, call));
    TRY(query_scores(c, call, &least, &most));
    TRY(query_number(c, call, "cursor", &offset));
    TRY(query_number(c, call, "renews_within_days", &within));
    TRY(call_limit(c, call, &limit));
    TRY(account_routes_as_of(c, call, &as_of_ms));
    const struct json *q = json_object(
        a, {"q", query_text(c, call, "q")}, {"risk", query_text(c, call, "risk")},
        {"trend", query_text(c, call, "trend")}, {"stage", query_text(c, call, "stage")},
        {"owner", query_text(c, call, "owner")}, {"plan", query_text(c, call, "plan")},
        {"sort", sort}, {"min_score", least}, {"max_score", most}, {"offset", offset},
        {"limit", json_new_int(a, limit)}, {"as_of_ms", json_new_int(a, as_of_ms)});
    TRY(portfolio_read(c, q, out));
    if (within) {
        if (within->integer < 0 || within->integer > 36500) {
            return ctx_fail_field(c, E_INVALID, "renews_within_days",
                                  "renews_within_days must be from 0 to 36500");
        }
        int64_t from = as_of_ms ? as_of_ms : ctx_now_ms(c);
        out->renews_after_ms = from - from % DATE_DAY_MS; /* today's renewals are still to come */
        out->renews_before_ms = from + within->integer * DATE_DAY_MS;
    }
    return E_OK;
}

enum err account_routes_portfolio(struct ctx *c, struct call *call)
{
    struct portfolio_query q;
    struct portfolio p;
    TRY(read_query(c, call, &q));
    TRY(portfolio_list(c, call->store, &q, &p));
    struct json_out *o = call_json(call);
    int64_t next = q.offset + p.count;
    json_open_object(o);
    json_field(o, "items", p.items);
    json_field_int(o, "total", p.total);
    json_field(o, "summary", p.summary);
    json_field_bool(o, "cut", p.cut);
    json_name(o, "next_cursor");
    if (next < p.total && p.count) {
        json_put_str(o, str_fmt(c->arena, "%lld", (long long)next));
    } else {
        json_put_null(o);
    }
    json_close_object(o);
    return E_OK;
}

static enum err read_day(struct ctx *c, const struct call *call, const char *name, int64_t fallback,
                         int64_t *out)
{
    struct str text = call_query(c, call, name);
    *out = fallback;
    return !text.n || date_parse_day(text, out)
               ? E_OK
               : ctx_fail_field(c, E_INVALID, name, "%s must be a day such as 2026-03-01", name);
}

static struct str day_of(struct arena *a, const struct json *row)
{
    return date_iso_day(a, json_int(row, "renewal_date_ms", 0));
}

static enum err read_renewals(struct ctx *c, const struct call *call, struct portfolio_query *out,
                              int *out_max)
{
    int64_t today = ctx_now_ms(c) / DATE_DAY_MS * DATE_DAY_MS, max;
    static const char *const names[] = {"from", "to", "limit", NULL};
    TRY(only_these(c, call, names));
    struct portfolio_query q = {.sort = STR("renewal_date_ms"), .min_score = -1, .max_score = -1};
    TRY(read_day(c, call, "from", today, &q.renews_after_ms));
    TRY(read_day(c, call, "to", q.renews_after_ms + RENEWALS_DAYS * DATE_DAY_MS,
                 &q.renews_before_ms));
    TRY(call_query_int(c, call, "limit", RENEWALS_MAX, &max));
    q.renews_before_ms += DATE_DAY_MS - 1;
    if (q.renews_before_ms < q.renews_after_ms) {
        return ctx_fail_field(c, E_INVALID, "to", "to must not be before from");
    }
    if (max < 1 || max > RENEWALS_MAX) {
        return ctx_fail_field(c, E_INVALID, "limit", "limit must be from 1 to %d", RENEWALS_MAX);
    }
    *out = q;
    *out_max = (int)max;
    return E_OK;
}

/* The rows of a page under their days; a day goes on from the page before. */
static void write_days(struct ctx *c, struct json_out *o, const struct json *rows,
                       struct str *inout_day)
{
    for (size_t i = 0; i < json_count(rows); i++) {
        const struct json *row = json_at(rows, i);
        struct str of_row = day_of(c->arena, row);
        if (!str_eq(*inout_day, of_row)) {
            if (inout_day->n) {
                json_close_array(o);
                json_close_object(o);
            }
            json_open_object(o);
            json_field_str(o, "date", of_row);
            json_name(o, "accounts");
            json_open_array(o);
            *inout_day = of_row;
        }
        json_put(o, row);
    }
}

enum err account_routes_renewals(struct ctx *c, struct call *call)
{
    struct portfolio_query q;
    struct portfolio p = {.count = -1};
    struct str day = STR("");
    int max = 0;
    TRY(read_renewals(c, call, &q, &max));
    struct json_out *o = call_list_begin(call);
    while (q.offset < max && p.count != 0) {
        q.limit = max - q.offset < PORTFOLIO_LIMIT_MAX ? max - q.offset : PORTFOLIO_LIMIT_MAX;
        TRY(portfolio_list(c, call->store, &q, &p));
        write_days(c, o, p.items, &day);
        q.offset += p.count;
    }
    if (day.n) {
        json_close_array(o);
        json_close_object(o);
    }
    json_close_array(o);
    json_field_bool(o, "cut", p.total > q.offset);
    json_name(o, "next_cursor");
    json_put_null(o);
    json_close_object(o);
    return E_OK;
}

/* ---- one account ---------------------------------------------------------------- */

struct look {
    struct record record;
    struct account_facts facts;
    int64_t as_of_ms;
};

static enum err look_at(struct ctx *c, struct call *call, struct look *out)
{
    TRY(account_routes_as_of(c, call, &out->as_of_ms));
    TRY(account_find(c, call->store, call->params[0], &out->record));
    return account_facts_load(c, call->store, &out->record, out->as_of_ms, &out->facts);
}

static enum err history_of(struct ctx *c, struct call *call, const struct look *l,
                           const struct json **out)
{
    struct account_scores all;
    TRY(account_scores_load(c, call->store, &l->record.id, l->as_of_ms, HISTORY_SHOWN + 1, &all));
    const struct json **items = ARENA_ARRAY(c->arena, const struct json *, HISTORY_SHOWN + 1);
    size_t n = 0;
    for (int i = 0; i < all.count && i < HISTORY_SHOWN; i++) {
        items[n++] = account_score_view(c->arena, &all, i);
    }
    *out = json_new_array(c->arena, items, n);
    return E_OK;
}

static enum err notes_of(struct ctx *c, struct call *call, const struct look *l,
                         const struct json **out)
{
    struct account_notes notes = {0};
    struct account_note_page page = {
        .before = STR(""), .as_of_ms = l->as_of_ms, .limit = HISTORY_SHOWN};
    if (account_sees_all(c)) {
        TRY(account_note_list(c, call->store, &l->record.id, &page, &notes));
    }
    *out = json_new_array(c->arena, notes.items, (size_t)notes.count);
    return E_OK;
}

/* What the copilot wrote about it; nothing where there is no copilot. */
static enum err briefs_of(struct ctx *c, const struct look *l, const struct json **out)
{
    struct arena *a = c->arena;
    const struct json *answer = NULL;
    const struct json *question = json_object(
        a, {"account", json_new_str(a, str_dup(a, id_str(&l->record.id)))},
        {"as_of_ms", json_new_int(a, l->as_of_ms)}, {"limit", json_new_int(a, BRIEFS_SHOWN)});
    enum err e = host_ask(c, "success.briefs", question, &answer);
    if (e == E_NOT_FOUND) {
        ctx_forgive(c);
        e = E_OK;
    }
    TRY(e);
    const struct json *items = json_get(answer, "items");
    *out = json_is(items, JSON_ARRAY) ? items : &json_empty_array;
    return E_OK;
}

enum err account_routes_overview(struct ctx *c, struct call *call)
{
    static const char *const more[] = {"domain", "website", "city", "employees", "since"};
    struct look l;
    const struct json *facts, *health, *history, *timeline, *notes, *briefs;
    TRY(look_at(c, call, &l));
    TRY(account_facts_view(c, call->store, &l.record, &l.facts, &facts));
    TRY(account_health_at(c, call->store, &l.record, &l.facts, l.as_of_ms, &health));
    TRY(history_of(c, call, &l, &history));
    TRY(account_timeline(c, call->store, &l.record, l.as_of_ms, &timeline));
    TRY(notes_of(c, call, &l, &notes));
    TRY(briefs_of(c, &l, &briefs));
    const struct json *account = json_get(facts, "account");
    for (size_t i = 0; i < sizeof(more) / sizeof(*more); i++) {
        const struct json *v = json_get(l.record.data, more[i]);
        account = v ? json_with(c->arena, account, str_of(more[i]), v) : account;
    }
    account =
        json_with(c->arena, account, STR("version"), json_new_int(c->arena, l.record.version));
    const struct json *all = json_with(c->arena, facts, STR("account"), account);
    const struct json_pair parts[] = {{"health", health},     {"history", history},
                                      {"timeline", timeline}, {"notes", notes},
                                      {"briefs", briefs},     {NULL, NULL}};
    for (const struct json_pair *p = parts; p->name; p++) {
        all = json_with(c->arena, all, str_of(p->name), p->value);
    }
    json_put(call_json(call), all);
    return E_OK;
}

enum err account_routes_health(struct ctx *c, struct call *call)
{
    struct look l;
    const struct json *health;
    TRY(look_at(c, call, &l));
    TRY(account_health_at(c, call->store, &l.record, &l.facts, l.as_of_ms, &health));
    json_put(call_json(call), health);
    return E_OK;
}

enum err account_routes_history(struct ctx *c, struct call *call)
{
    struct record r;
    struct account_scores all;
    int64_t before;
    int limit;
    TRY(call_limit(c, call, &limit));
    TRY(call_query_int(c, call, "cursor", 0, &before));
    TRY(account_find(c, call->store, call->params[0], &r));
    TRY(account_scores_load(c, call->store, &r.id, before, limit + 1, &all));
    struct json_out *o = call_list_begin(call);
    for (int i = 0; i < all.count && i < limit; i++) {
        json_put(o, account_score_view(c->arena, &all, i));
    }
    bool more = all.count > limit;
    call_list_end(call,
                  more ? str_fmt(c->arena, "%lld", (long long)all.items[limit].at_ms) : STR(""));
    return E_OK;
}

/* ---- what if -------------------------------------------------------------------- */

static const char *const trends[] = {"down", "flat", "up", NULL};
static const struct field what_if_fields[] = {
    FIELD(struct account_what_if, trend, FIELD_ENUM, .values = trends),
    FIELD(struct account_what_if, open_tickets, FIELD_INT, .min = 0, .max = 1000000),
    FIELD(struct account_what_if, renewal_days, FIELD_INT, .min = 0, .max = 36500,
          .title = "days to the renewal"),
};
const struct field_table account_what_if_table =
    FIELD_TABLE_GIVEN("WhatIf", what_if_fields, struct account_what_if, given);

enum err account_routes_what_if(struct ctx *c, struct call *call)
{
    const struct account_what_if *in = call->input;
    struct arena *a = c->arena;
    const struct health_formula *formula;
    struct look l;
    struct health before, after;
    TRY(look_at(c, call, &l));
    int64_t at_ms = l.as_of_ms ? l.as_of_ms : ctx_now_ms(c); /* of the facts and of the days */
    struct health_inputs was = account_inputs(&l.facts, at_ms), is = was;
    if (field_given(in->given, &account_what_if_table, "trend")) {
        is.trend = (enum health_trend)(in->trend + HEALTH_TREND_DOWN);
    }
    if (field_given(in->given, &account_what_if_table, "open_tickets")) {
        is.open_tickets = in->open_tickets;
    }
    if (field_given(in->given, &account_what_if_table, "renewal_days")) {
        is.renewal_days = in->renewal_days;
        is.dated = false; /* nobody's date */
    }
    TRY(account_formula_at(c, call->store, at_ms, &formula));
    health_score(formula, &was, &before);
    health_score(formula, &is, &after);
    json_put(call_json(call),
             json_object(a, {"before", account_health_view(a, &before, at_ms, NULL)},
                         {"after", account_health_view(a, &after, at_ms, NULL)},
                         {"attribution", account_attribution(a, &before, &after)}));
    return E_OK;
}
