#include "svc/account/account_score.h"

#include <string.h>

#include "bus/topic.h"
#include "svc/account/account_formula.h"
#include "svc/account/account_name.h"
#include "svc/account/health_view.h"

static struct str or_empty(const char *z)
{
    return z ? str_of(z) : STR("");
}

bool account_score_same(const struct health *a, const struct health *b)
{
    bool same = strcmp(a->formula->key, b->formula->key) == 0 && a->complete == b->complete;
    for (int i = 0; i < HEALTH_FACTORS; i++) {
        same = same && a->missing[i] == b->missing[i] && a->points[i] == b->points[i];
    }
    return same;
}

/* ---- history --------------------------------------------------------------- */

static struct account_score read_score(const struct store_rows *rows, int row,
                                       const struct health_formula *f)
{
    struct health_inputs in = {.trend = health_trend_parse(row_str(rows, row, 2)),
                               .open_tickets = row_int(rows, row, 3),
                               .renewal_days = row_int(rows, row, 4)};
    struct account_score score = {.at_ms = row_int(rows, row, 0), .cause = row_str(rows, row, 5)};
    health_score(f, &in, &score.health);
    return score;
}

enum err account_scores_load(struct ctx *c, struct store *s, const struct id *account,
                             int64_t as_of_ms, int limit, struct account_scores *out)
{
    struct store_rows rows;
    TRY(store_query(c, s, &rows,
                    "SELECT at, formula, trend, open_tickets, renewal_days, cause"
                    " FROM account_health WHERE account = ?1 AND at <= ?2"
                    " ORDER BY at DESC LIMIT ?3",
                    S_ID(account), S_INT(as_of_ms ? as_of_ms : INT64_MAX), S_INT(limit)));
    struct account_score *items = ARENA_ARRAY(c->arena, struct account_score, rows.count + 1u);
    const struct health_formula *f = health_formula_default();
    for (int i = 0; i < rows.count; i++) {
        if (!str_eqz(row_str(&rows, i, 1), f->key)) {
            TRY(account_formula_find(c, s, row_str(&rows, i, 1), &f));
        }
        items[i] = read_score(&rows, i, f);
    }
    *out = (struct account_scores){rows.count, items};
    return E_OK;
}

enum err account_score_add(struct ctx *c, struct store *s, const struct id *account, int64_t at_ms,
                           const struct health *h, const char *cause)
{
    return store_exec(
        c, s, NULL,
        "INSERT INTO account_health (account, at, formula, score, risk, trend, open_tickets,"
        " renewal_days, cause) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"
        " ON CONFLICT (account, at) DO UPDATE SET formula = excluded.formula,"
        " score = excluded.score, risk = excluded.risk, trend = excluded.trend,"
        " open_tickets = excluded.open_tickets, renewal_days = excluded.renewal_days,"
        " cause = excluded.cause",
        S_ID(account), S_INT(at_ms), S_Z(h->formula->key), h->complete ? S_INT(h->score) : S_NULL,
        S_Z(health_risk_name(h->risk)), S_STR(or_empty(health_trend_name(h->inputs.trend))),
        S_INT(h->inputs.open_tickets), S_INT(h->inputs.renewal_days), S_Z(cause));
}

/* ---- the portfolio's row ---------------------------------------------------- */

const struct json *account_score_signals(struct arena *a, const struct health *h)
{
    const struct json *list = &json_empty_array;
    for (int i = 0; i < h->signal_count; i++) {
        list = json_push(a, list, json_new_str(a, str_of(h->signals[i])));
    }
    return list;
}

static enum err put_state(struct ctx *c, struct store *s, const struct record *r,
                          const struct account_facts *f, const struct health *h)
{
    struct arena *a = c->arena;
    const struct json *d = r->data;
    int64_t now = ctx_now_ms(c);
    int64_t next = f->contract.has_renewal ? health_next_change(now, f->contract.renewal_ms) : 0;
    return store_exec(
        c, s, NULL,
        "INSERT INTO account_state (account, slug, name, words, owner, stage, plan, currency,"
        " arr_cents, renewal_at, trend, average, sparkline, open_tickets, score, risk, signals,"
        " formula, demo, next_change_at, updated_at, version, country, industry)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17,"
        " ?18, ?19, ?20, ?21, ?22, ?23, ?24) ON CONFLICT (account) DO UPDATE SET slug = "
        "excluded.slug,"
        " name = excluded.name, words = excluded.words, owner = excluded.owner,"
        " stage = excluded.stage, plan = excluded.plan, currency = excluded.currency,"
        " arr_cents = excluded.arr_cents, renewal_at = excluded.renewal_at,"
        " trend = excluded.trend, average = excluded.average, sparkline = excluded.sparkline,"
        " open_tickets = excluded.open_tickets, score = excluded.score, risk = excluded.risk,"
        " signals = excluded.signals, formula = excluded.formula, demo = excluded.demo,"
        " next_change_at = excluded.next_change_at, updated_at = excluded.updated_at,"
        " version = excluded.version, country = excluded.country, industry = excluded.industry",
        S_ID(&r->id), S_STR(r->key), S_STR(json_str(d, "name", r->key)),
        S_STR(account_name_words(a, r)), S_STR(json_str(d, "owner", STR(""))),
        S_STR(json_str(d, "stage", STR(""))), S_STR(json_str(d, "plan", STR(""))),
        S_STR(f->contract.currency), f->contract.has_arr ? S_INT(f->contract.arr_cents) : S_NULL,
        f->contract.has_renewal ? S_INT(f->contract.renewal_ms) : S_NULL,
        S_STR(or_empty(health_trend_name(f->usage.trend))),
        f->usage.has_average ? S_INT(f->usage.average) : S_NULL,
        S_STR(json_write(a, f->usage.sparkline)), S_INT(f->tickets.open),
        h->complete ? S_INT(h->score) : S_NULL, S_Z(health_risk_name(h->risk)),
        S_STR(json_write(a, account_score_signals(a, h))), S_Z(h->formula->key),
        S_INT(account_is_demo(d)), S_INT(next), S_INT(now), S_INT(r->version),
        S_STR(json_str(d, "country", STR(""))), S_STR(json_str(d, "industry", STR(""))));
}

static enum err is_current(struct ctx *c, struct store *s, const struct record *r,
                           const struct health_formula *f, bool *out)
{
    struct store_rows rows;
    TRY(store_query(c, s, &rows,
                    "SELECT version, next_change_at, formula FROM account_state WHERE account = ?1",
                    S_ID(&r->id)));
    int64_t next = rows.count ? row_int(&rows, 0, 1) : 0;
    *out = rows.count && row_int(&rows, 0, 0) == r->version && (!next || next > ctx_now_ms(c)) &&
           str_eqz(row_str(&rows, 0, 2), f->key);
    return E_OK;
}

/* ---- recomputing ------------------------------------------------------------ */

struct recompute {
    struct store *store;
    struct record *r;
    const struct account_change *how;
    const struct health_formula *formula; /* in force now */
    struct account_facts facts;
    struct health health;
    bool news[ACCOUNT_FACT_KINDS];
    const struct json *changes; /* of the record */
};

/* Where tickets are records, they are counted; the account's own number is for the others. */
static enum err count_tickets(struct ctx *c, struct recompute *w, bool *out_any)
{
    const struct json *counted;
    TRY(account_tickets_count(c, w->store, w->r->key, out_any, &counted));
    for (size_t i = 0; *out_any && i < json_count(counted); i++) {
        const struct json_member *m = &counted->members[i];
        const struct json *had = json_find(w->r->data, m->name);
        if (!had || !json_equal(had, &m->value)) {
            w->changes = json_with(c->arena, w->changes, m->name, &m->value);
        }
    }
    return E_OK;
}

static enum err add_facts(struct ctx *c, struct recompute *w, const struct json *data, bool counted)
{
    for (int k = 0; k < ACCOUNT_FACT_KINDS; k++) {
        struct account_fact fact = {
            .kind = (enum account_fact_kind)k,
            .data = account_fact_of(c->arena, (enum account_fact_kind)k, data),
            .source = k == ACCOUNT_TICKETS && counted ? "tickets" : w->how->source,
            .at_ms = ctx_now_ms(c)};
        TRY(account_fact_add(c, w->store, &w->r->id, &fact, &w->news[k]));
    }
    return E_OK;
}

static const char *cause_of(const struct recompute *w, const struct account_scores *before)
{
    int news = 0, which = 0;
    for (int k = 0; k < ACCOUNT_FACT_KINDS; k++) {
        news += w->news[k];
        which = w->news[k] ? k : which;
    }
    if (!before->count) {
        return "first";
    }
    if (strcmp(before->items[0].health.formula->key, w->health.formula->key) != 0) {
        return "formula";
    }
    return news > 1 ? "several" : news ? account_fact_name((enum account_fact_kind)which) : "day";
}

enum err account_score_tell(struct ctx *c, struct store *s, const struct record *r,
                            const struct health *before, const struct health *h)
{
    struct arena *a = c->arena;
    if (before->score == h->score && before->risk == h->risk) {
        return E_OK;
    }
    bool worse = h->risk == HEALTH_RISK_HIGH && before->risk != HEALTH_RISK_HIGH;
    const struct json *p =
        json_object(a, {"client_id", json_new_str(a, r->key)}, {"score", health_score_json(a, h)},
                    {"previous_score", health_score_json(a, before)},
                    {"risk_level", json_new_str(a, str_of(health_risk_name(h->risk)))},
                    {"formula", json_new_str(a, str_of(h->formula->key))},
                    {"signals", account_score_signals(a, h)},
                    {"attribution", account_attribution(a, before, h)});
    TRY(topic_emit(c, s, .topic = "customer_success_events", .type = "health_score_changed",
                   .key = id_str(&r->id), .payload = p));
    return worse ? topic_emit(c, s, .topic = "customer_success_events",
                              .type = "churn_risk_detected", .key = id_str(&r->id), .payload = p)
                 : E_OK;
}

/* What chat agents read. */
const struct json *account_score_record(struct arena *a, const struct health *h)
{
    return json_object(a, {"score", health_score_json(a, h)},
                       {"risk", json_new_str(a, str_of(health_risk_name(h->risk)))},
                       {"formula", json_new_str(a, str_of(h->formula->key))},
                       {"signals", account_score_signals(a, h)});
}

static enum err keep(struct ctx *c, struct recompute *w)
{
    struct account_scores before;
    TRY(account_scores_load(c, w->store, &w->r->id, 0, 1, &before));
    const struct health *was = before.count ? &before.items[0].health : NULL;
    if (!was || !account_score_same(was, &w->health)) {
        TRY(account_score_add(c, w->store, &w->r->id, ctx_now_ms(c), &w->health,
                              cause_of(w, &before)));
    }
    if (was) {
        TRY(account_score_tell(c, w->store, w->r, was, &w->health));
    }
    const struct json *shown = account_score_record(c->arena, &w->health);
    const struct json *had = json_get(w->r->data, "health");
    if (!had || !json_equal(had, shown)) {
        w->changes = json_with(c->arena, w->changes, STR("health"), shown);
    }
    if (json_count(w->changes)) {
        TRY(record_derive(c, w->store, w->r, w->changes));
    }
    TRY(account_name_put(c, w->store, w->r));
    return put_state(c, w->store, w->r, &w->facts, &w->health);
}

static enum err recompute_in(struct ctx *c, void *arg)
{
    struct recompute *w = arg;
    bool current = false, counted = false;
    w->formula = w->how->formula;
    if (!w->formula) {
        TRY(account_formula_at(c, w->store, 0, &w->formula));
    }
    TRY(is_current(c, w->store, w->r, w->formula, &current));
    if (current && !w->how->count_tickets) {
        return E_OK;
    }
    w->changes = &json_empty_object;
    if (w->how->count_tickets) {
        TRY(count_tickets(c, w, &counted));
    }
    const struct json *data = json_merge(c->arena, w->r->data, w->changes);
    TRY(add_facts(c, w, data, counted));
    account_read_contract(data, &w->facts);
    account_read_usage(c->arena, data, &w->facts);
    account_read_tickets(data, &w->facts);
    struct health_inputs in = account_inputs(&w->facts, ctx_now_ms(c));
    health_score(w->formula, &in, &w->health);
    return keep(c, w);
}

enum err account_recompute(struct ctx *c, struct store *s, struct record *r,
                           const struct account_change *how)
{
    struct record copy = *r;
    struct recompute w = {.store = s, .r = &copy, .how = how};
    TRY(store_transact(c, s, recompute_in, &w));
    *r = copy;
    return E_OK;
}

enum err account_forget(struct ctx *c, struct store *s, const struct id *account)
{
    static const char *const removes[] = {
        "DELETE FROM account_fact WHERE account = ?1",
        "DELETE FROM account_health WHERE account = ?1",
        "DELETE FROM account_state WHERE account = ?1",
        "DELETE FROM account_name WHERE account = ?1",
        "DELETE FROM account_note WHERE account = ?1",
    };
    for (size_t i = 0; i < sizeof(removes) / sizeof(*removes); i++) {
        TRY(store_exec(c, s, NULL, removes[i], S_ID(account)));
    }
    return E_OK;
}

/* ---- as JSON --------------------------------------------------------------- */

const struct json *account_attribution(struct arena *a, const struct health *before,
                                       const struct health *after)
{
    int delta[HEALTH_FACTORS];
    if (!health_attribute(before, after, delta)) {
        return &json_empty_array;
    }
    const struct json *list = &json_empty_array;
    for (int i = 0; i < HEALTH_FACTORS; i++) {
        enum health_factor factor = (enum health_factor)i;
        int was = before->formula->weights[i], is = after->formula->weights[i];
        bool moved = was != is && !before->missing[i] && !after->missing[i];
        if (after->contribution[i] != before->contribution[i]) {
            list = json_push(
                a, list,
                json_object(a, {"factor", json_new_str(a, str_of(health_factor_name(factor)))},
                            {"delta", json_new_int(a, delta[i])},
                            {"from", health_factor_json(a, factor, before)},
                            {"to", health_factor_json(a, factor, after)},
                            {"weight_from", moved ? json_new_int(a, was) : NULL},
                            {"weight_to", moved ? json_new_int(a, is) : NULL},
                            {"text", json_new_str(a, health_move_text(a, factor, before, after))}));
        }
    }
    return list;
}

static const struct json *delta_json(struct arena *a, const struct health *before,
                                     const struct health *after)
{
    return before->complete && after->complete ? json_new_int(a, after->score - before->score)
                                               : &json_null_value;
}

const struct json *account_score_view(struct arena *a, const struct account_scores *all, int i)
{
    const struct account_score *it = &all->items[i];
    const struct account_score *before = i + 1 < all->count ? &all->items[i + 1] : NULL;
    return json_object(
        a, {"at_ms", json_new_int(a, it->at_ms)}, {"score", health_score_json(a, &it->health)},
        {"risk_level", json_new_str(a, str_of(health_risk_name(it->health.risk)))},
        {"signals", account_score_signals(a, &it->health)},
        {"formula", json_new_str(a, str_of(it->health.formula->key))},
        {"formula_version", json_new_int(a, it->health.formula->version)},
        {"delta", before ? delta_json(a, &before->health, &it->health) : &json_null_value},
        {"cause", json_new_str(a, it->cause)},
        {"attribution",
         before ? account_attribution(a, &before->health, &it->health) : &json_empty_array});
}

const struct json *account_health_view(struct arena *a, const struct health *h,
                                       int64_t computed_at_ms, const struct account_score *before)
{
    const struct json *v = health_view(a, h);
    v = json_with(a, v, STR("computed_at_ms"), json_new_int(a, computed_at_ms));
    const struct json *previous = &json_null_value;
    if (before && before->health.complete && h->complete) {
        previous = json_object(a, {"score", health_score_json(a, &before->health)},
                               {"at_ms", json_new_int(a, before->at_ms)},
                               {"formula", json_new_str(a, str_of(before->health.formula->key))},
                               {"delta", delta_json(a, &before->health, h)},
                               {"attribution", account_attribution(a, &before->health, h)});
    }
    return json_with(a, v, STR("previous"), previous);
}

enum err account_health_at(struct ctx *c, struct store *s, const struct record *r,
                           const struct account_facts *f, int64_t as_of_ms, const struct json **out)
{
    const struct health_formula *formula;
    struct account_scores rows;
    struct health h;
    int64_t at_ms = as_of_ms ? as_of_ms : ctx_now_ms(c);
    struct health_inputs in = account_inputs(f, at_ms);
    TRY(account_formula_at(c, s, at_ms, &formula));
    health_score(formula, &in, &h);
    TRY(account_scores_load(c, s, &r->id, at_ms, 2, &rows));
    /* the newest row is this score, unless it has yet to be told */
    int i = rows.count && account_score_same(&rows.items[0].health, &h) ? 1 : 0;
    const struct json *beside = &json_empty_array;
    if (account_sees_all(c)) {
        TRY(account_formula_beside(c, s, &h, &beside));
    }
    const struct json *v =
        account_health_view(c->arena, &h, at_ms, i < rows.count ? &rows.items[i] : NULL);
    *out = json_with(c->arena, v, STR("beside"), beside);
    return E_OK;
}
