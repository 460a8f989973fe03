#include "llm/spend.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum {
    ALERT_PERCENT = 80,
    EXPIRE_MAX = 10000,
    LEASE_REQUESTS = 2000, /* at most so many are paid for ahead */
    LEASE_SHARE = 32       /* and no more than such a part of what is left */
};

const struct migration models_migrations[] = {
    {"llm", 1, STORE_SCOPE_ORG,
     "CREATE TABLE llm_budget ("
     " agent TEXT NOT NULL, day_microcents BIGINT NOT NULL, month_microcents BIGINT NOT NULL,"
     " day_tokens BIGINT NOT NULL, month_tokens BIGINT NOT NULL, PRIMARY KEY (agent));"
     "CREATE TABLE llm_spend ("
     " agent TEXT NOT NULL, period TEXT NOT NULL, microcents BIGINT NOT NULL,"
     " tokens BIGINT NOT NULL, requests BIGINT NOT NULL, PRIMARY KEY (agent, period));"
     "CREATE TABLE llm_reservation ("
     " id TEXT NOT NULL, agent TEXT NOT NULL, microcents BIGINT NOT NULL,"
     " tokens BIGINT NOT NULL, expires_at_ms BIGINT NOT NULL, PRIMARY KEY (id));"
     "CREATE TABLE llm_usage ("
     " id TEXT NOT NULL, at_ms BIGINT NOT NULL, provider TEXT NOT NULL, model TEXT NOT NULL,"
     " agent TEXT NOT NULL, agent_version TEXT NOT NULL, purpose TEXT NOT NULL,"
     " conversation TEXT NOT NULL, run TEXT NOT NULL, tokens_in BIGINT NOT NULL,"
     " tokens_in_cached BIGINT NOT NULL, tokens_out BIGINT NOT NULL, estimated BIGINT NOT NULL,"
     " cost_microcents BIGINT NOT NULL, saved_microcents BIGINT NOT NULL, cache TEXT NOT NULL,"
     " latency_ms BIGINT NOT NULL, attempts BIGINT NOT NULL, outcome TEXT NOT NULL,"
     " PRIMARY KEY (id));"
     "CREATE INDEX llm_usage_by_time ON llm_usage (at_ms);"
     "CREATE INDEX llm_usage_by_agent ON llm_usage (agent, at_ms);"},
    {NULL, 0, STORE_SCOPE_ORG, NULL},
};

struct periods {
    char day[16];   /* "2026-03-01", UTC */
    char month[16]; /* "2026-03" */
};

static struct periods periods_at(int64_t now_ms)
{
    struct periods p;
    time_t s = (time_t)(now_ms / 1000);
    struct tm t;
    gmtime_r(&s, &t);
    strftime(p.day, sizeof(p.day), "%Y-%m-%d", &t);
    strftime(p.month, sizeof(p.month), "%Y-%m", &t);
    return p;
}

enum err spend_budget_set(struct ctx *c, const struct models_budget *b)
{
    const struct {
        const char *field;
        int64_t value;
    } limits[] = {{"day_microcents", b->day_microcents},
                  {"month_microcents", b->month_microcents},
                  {"day_tokens", b->day_tokens},
                  {"month_tokens", b->month_tokens}};
    for (size_t i = 0; i < sizeof(limits) / sizeof(*limits); i++) {
        if (limits[i].value < 0) {
            return ctx_fail_field(c, E_INVALID, limits[i].field, "a budget is 0 (none) or more");
        }
    }
    struct store *s;
    TRY(store_of(c, &s));
    return store_exec(c, s, NULL,
                      "INSERT INTO llm_budget (agent, day_microcents, month_microcents,"
                      " day_tokens, month_tokens) VALUES (?1, ?2, ?3, ?4, ?5)"
                      " ON CONFLICT (agent) DO UPDATE SET"
                      " day_microcents = excluded.day_microcents,"
                      " month_microcents = excluded.month_microcents,"
                      " day_tokens = excluded.day_tokens, month_tokens = excluded.month_tokens",
                      S_STR(b->agent), S_INT(b->day_microcents), S_INT(b->month_microcents),
                      S_INT(b->day_tokens), S_INT(b->month_tokens));
}

/* Percent of a limit, 0 without one. */
static int64_t percent(int64_t spent, int64_t limit)
{
    if (limit <= 0) {
        return 0;
    }
    return (int64_t)((double)spent * 100 / (double)limit);
}

static void rate(struct models_spent *s)
{
    const int64_t all[] = {percent(s->day_microcents, s->limit.day_microcents),
                           percent(s->month_microcents, s->limit.month_microcents),
                           percent(s->day_tokens, s->limit.day_tokens),
                           percent(s->month_tokens, s->limit.month_tokens)};
    s->used_percent = 0;
    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
        s->used_percent = all[i] > s->used_percent ? all[i] : s->used_percent;
    }
}

void spend_add(struct models_spent *s, int64_t microcents, int64_t tokens)
{
    s->day_microcents += microcents;
    s->month_microcents += microcents;
    s->day_tokens += tokens;
    s->month_tokens += tokens;
    rate(s);
}

static enum err read_settled(struct ctx *c, struct store *s, struct str agent,
                             const struct periods *p, struct models_spent *out)
{
    struct store_rows rows;
    TRY(store_query(c, s, &rows,
                    "SELECT day_microcents, month_microcents, day_tokens, month_tokens"
                    " FROM llm_budget WHERE agent = ?1",
                    S_STR(agent)));
    *out = (struct models_spent){.limit.agent = agent};
    if (rows.count) {
        out->limit.day_microcents = row_int(&rows, 0, 0);
        out->limit.month_microcents = row_int(&rows, 0, 1);
        out->limit.day_tokens = row_int(&rows, 0, 2);
        out->limit.month_tokens = row_int(&rows, 0, 3);
    }
    TRY(store_query(c, s, &rows,
                    "SELECT period, microcents, tokens FROM llm_spend WHERE agent = ?1"
                    " AND period IN (?2, ?3)",
                    S_STR(agent), S_Z(p->day), S_Z(p->month)));
    for (int i = 0; i < rows.count; i++) {
        bool day = str_eqz(row_str(&rows, i, 0), p->day);
        *(day ? &out->day_microcents : &out->month_microcents) = row_int(&rows, i, 1);
        *(day ? &out->day_tokens : &out->month_tokens) = row_int(&rows, i, 2);
    }
    rate(out);
    return E_OK;
}

/* With all reservations but `own`. */
static enum err read_spent(struct ctx *c, struct store *s, struct str agent, const struct id *own,
                           struct models_spent *out)
{
    struct periods p = periods_at(ctx_now_ms(c));
    struct store_rows rows;
    TRY(read_settled(c, s, agent, &p, out));
    TRY(store_query(c, s, &rows,
                    "SELECT coalesce(sum(microcents), 0), coalesce(sum(tokens), 0)"
                    " FROM llm_reservation WHERE expires_at_ms > ?1 AND (agent = ?2 OR ?2 = '')"
                    " AND id <> ?3",
                    S_INT(ctx_now_ms(c)), S_STR(agent), S_ID(own)));
    spend_add(out, row_int(&rows, 0, 0), row_int(&rows, 0, 1));
    return E_OK;
}

enum err spend_read(struct ctx *c, struct str agent, struct models_spent *out)
{
    struct store *s;
    static const struct id none = {{0}};
    TRY(store_of(c, &s));
    return read_spent(c, s, agent, &none, out);
}

/* ---- before ------------------------------------------------------------------------------- */

static enum err check_limit(struct ctx *c, const struct models_spent *s,
                            const struct spend_estimate *worst)
{
    const struct {
        const char *name;
        int64_t spent, limit, more;
    } limits[] = {
        {"for the day", s->day_microcents, s->limit.day_microcents, worst->microcents},
        {"for the month", s->month_microcents, s->limit.month_microcents, worst->microcents},
        {"of tokens for the day", s->day_tokens, s->limit.day_tokens, worst->tokens},
        {"of tokens for the month", s->month_tokens, s->limit.month_tokens, worst->tokens},
    };
    for (size_t i = 0; i < sizeof(limits) / sizeof(*limits); i++) {
        if (limits[i].limit > 0 && limits[i].more > 0 &&
            limits[i].spent + limits[i].more > limits[i].limit) {
            bool org = s->limit.agent.n == 0;
            return ctx_fail_field(c, E_LIMIT, "budget", "the %s's model budget %s is used up",
                                  org ? "organization" : "agent", limits[i].name);
        }
    }
    return E_OK;
}

static bool has_limit(const struct models_budget *b)
{
    return b->day_microcents || b->month_microcents || b->day_tokens || b->month_tokens;
}

enum err spend_limited(struct ctx *c, struct str agent, bool *out_limited)
{
    struct store *s;
    struct store_rows rows;
    bool any = false;
    TRY(store_of(c, &s));
    TRY(store_query(c, s, &rows,
                    "SELECT day_microcents, month_microcents, day_tokens, month_tokens"
                    " FROM llm_budget WHERE agent = '' OR agent = ?1",
                    S_STR(agent)));
    for (int i = 0; i < rows.count; i++) {
        struct models_budget b = {STR(""), row_int(&rows, i, 0), row_int(&rows, i, 1),
                                  row_int(&rows, i, 2), row_int(&rows, i, 3)};
        any = any || has_limit(&b);
    }
    *out_limited = any;
    return E_OK;
}

struct growing {
    struct spend_lease *lease;
    const struct spend_estimate *worst;
    struct id id;
    int64_t microcents, tokens; /* of the lease as it will be */
};

static void no_more_than(int64_t *room, int64_t limit, int64_t spent)
{
    if (limit > 0 && limit - spent < *room) {
        *room = limit - spent;
    }
}

static int64_t ahead(int64_t room, int64_t worst)
{
    int64_t most = worst < INT64_MAX / LEASE_REQUESTS ? worst * LEASE_REQUESTS : worst;
    int64_t share = room / LEASE_SHARE;
    share = share < most ? share : most;
    return share > worst ? share : worst;
}

static enum err put_lease(struct ctx *c, struct store *s, const struct growing *w)
{
    return store_exec(c, s, NULL,
                      "INSERT INTO llm_reservation (id, agent, microcents, tokens, expires_at_ms)"
                      " VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (id) DO UPDATE SET"
                      " microcents = excluded.microcents, tokens = excluded.tokens,"
                      " expires_at_ms = excluded.expires_at_ms",
                      S_ID(&w->id), S_STR(w->lease->agent), S_INT(w->microcents), S_INT(w->tokens),
                      S_INT(ctx_now_ms(c) + SPEND_RESERVATION_MS));
}

static enum err grow(struct ctx *c, void *arg)
{
    struct growing *w = arg;
    struct spend_lease *lease = w->lease;
    struct store *s;
    struct models_spent spent;
    int64_t money = INT64_MAX, tokens = INT64_MAX;
    TRY(store_of(c, &s));
    for (int i = 0; i < (lease->agent.n ? 2 : 1); i++) {
        TRY(read_spent(c, s, i ? lease->agent : STR(""), &lease->id, &spent));
        spend_add(&spent, lease->used_microcents, lease->used_tokens);
        TRY(check_limit(c, &spent, w->worst));
        no_more_than(&money, spent.limit.day_microcents, spent.day_microcents);
        no_more_than(&money, spent.limit.month_microcents, spent.month_microcents);
        no_more_than(&tokens, spent.limit.day_tokens, spent.day_tokens);
        no_more_than(&tokens, spent.limit.month_tokens, spent.month_tokens);
    }
    w->microcents = lease->used_microcents + ahead(money, w->worst->microcents);
    w->tokens = lease->used_tokens + ahead(tokens, w->worst->tokens);
    TRY(store_exec(c, s, NULL, "DELETE FROM llm_reservation WHERE expires_at_ms <= ?1",
                   S_INT(ctx_now_ms(c))));
    return put_lease(c, s, w);
}

enum err spend_grow(struct ctx *c, struct spend_lease *lease, const struct spend_estimate *worst)
{
    struct growing w = {.lease = lease, .worst = worst, .id = lease->id};
    struct store *s;
    TRY(store_of(c, &s));
    if (!id_is_set(&w.id)) {
        w.id = id_new(ctx_now_ms(c));
    }
    TRY(store_transact(c, s, grow, &w));
    lease->id = w.id;
    lease->microcents = w.microcents;
    lease->tokens = w.tokens;
    return E_OK;
}

enum err spend_shrink(struct ctx *c, struct spend_lease *lease)
{
    struct growing w = {.lease = lease, .id = lease->id};
    struct store *s;
    w.microcents = lease->used_microcents;
    w.tokens = lease->used_tokens;
    TRY(store_of(c, &s));
    if (w.microcents > 0 || w.tokens > 0) {
        TRY(put_lease(c, s, &w));
    } else {
        TRY(store_exec(c, s, NULL, "DELETE FROM llm_reservation WHERE id = ?1", S_ID(&w.id)));
        lease->id = (struct id){{0}};
    }
    lease->microcents = w.microcents;
    lease->tokens = w.tokens;
    return E_OK;
}

/* ---- after -------------------------------------------------------------------------------- */

static enum err add_total(struct ctx *c, struct store *s, struct str agent, const char *period,
                          const struct spend_sum *sum)
{
    return store_exec(c, s, NULL,
                      "INSERT INTO llm_spend (agent, period, microcents, tokens, requests)"
                      " VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (agent, period) DO UPDATE SET"
                      " microcents = llm_spend.microcents + excluded.microcents,"
                      " tokens = llm_spend.tokens + excluded.tokens,"
                      " requests = llm_spend.requests + excluded.requests",
                      S_STR(agent), S_Z(period), S_INT(sum->microcents), S_INT(sum->tokens),
                      S_INT(sum->requests));
}

static enum err add_usage(struct ctx *c, struct store *s, const struct spend_row *r)
{
    const struct spend_usage *u = &r->u;
    const struct chat_origin *o = &r->origin;
    struct id id = id_new(r->at_ms);
    return store_exec(
        c, s, NULL,
        "INSERT INTO llm_usage (id, at_ms, provider, model, agent, agent_version, purpose,"
        " conversation, run, tokens_in, tokens_in_cached, tokens_out, estimated, cost_microcents,"
        " saved_microcents, cache, latency_ms, attempts, outcome)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17,"
        " ?18, ?19)",
        S_ID(&id), S_INT(r->at_ms), S_STR(u->provider), S_STR(u->model), S_STR(o->agent),
        S_STR(o->agent_version), S_STR(o->purpose), S_STR(o->conversation), S_STR(o->run),
        S_INT(u->usage.tokens_in), S_INT(u->usage.tokens_in_cached), S_INT(u->usage.tokens_out),
        S_INT(u->usage.estimated), S_INT(u->cost_microcents), S_INT(u->saved_microcents),
        S_Z(chat_cache_name(u->cache)), S_INT(u->latency_ms), S_INT(u->attempts),
        S_Z(u->outcome == E_OK ? "ok" : err_name(u->outcome)));
}

/* Adds to the totals of the agent, or of the org. */
static enum err add_sum(struct ctx *c, struct store *s, struct str agent, int64_t at_ms,
                        const struct spend_sum *sum, bool *out_crossed)
{
    struct periods p = periods_at(at_ms);
    struct models_spent now;
    TRY(read_settled(c, s, agent, &p, &now));
    int64_t before = now.used_percent;
    spend_add(&now, sum->microcents, sum->tokens);
    *out_crossed = (before < ALERT_PERCENT && now.used_percent >= ALERT_PERCENT) ||
                   (before < 100 && now.used_percent >= 100);
    TRY(add_total(c, s, agent, p.day, sum));
    return add_total(c, s, agent, p.month, sum);
}

static enum err lower_lease(struct ctx *c, struct store *s, const struct spend_sum *sum)
{
    int64_t microcents = sum->lease->microcents - sum->microcents;
    int64_t tokens = sum->lease->tokens - sum->tokens;
    return store_exec(c, s, NULL,
                      "UPDATE llm_reservation SET microcents = ?1, tokens = ?2 WHERE id = ?3",
                      S_INT(microcents > 0 ? microcents : 0), S_INT(tokens > 0 ? tokens : 0),
                      S_ID(&sum->lease->id));
}

static enum err write(struct ctx *c, void *arg)
{
    struct spend_batch *b = arg;
    struct spend_sum all = {.agent = STR("")};
    struct store *s;
    TRY(store_of(c, &s));
    for (int i = 0; i < b->sum_count; i++) {
        struct spend_sum *sum = &b->sums[i];
        all.microcents += sum->microcents;
        all.tokens += sum->tokens;
        all.requests += sum->requests;
        sum->crossed = false;
        if (sum->agent.n) {
            TRY(add_sum(c, s, sum->agent, b->rows->at_ms, sum, &sum->crossed));
        }
        if (id_is_set(&sum->lease->id)) {
            TRY(lower_lease(c, s, sum));
        }
    }
    for (const struct spend_row *r = b->rows; r; r = r->next) {
        TRY(add_usage(c, s, r));
    }
    return add_sum(c, s, STR(""), b->rows->at_ms, &all, &b->crossed);
}

enum err spend_write(struct ctx *c, struct spend_batch *batch)
{
    struct store *s;
    TRY(store_of(c, &s));
    return store_transact(c, s, write, batch);
}

struct expiring {
    int64_t before_ms;
    int max;
    int64_t deleted;
};

static enum err expire(struct ctx *c, void *arg)
{
    struct expiring *w = arg;
    struct store *s;
    TRY(store_of(c, &s));
    TRY(store_exec(c, s, NULL, "DELETE FROM llm_reservation WHERE expires_at_ms <= ?1",
                   S_INT(ctx_now_ms(c))));
    return store_exec(c, s, &w->deleted,
                      "DELETE FROM llm_usage WHERE id IN (SELECT id FROM llm_usage"
                      " WHERE at_ms < ?1 ORDER BY at_ms LIMIT ?2)",
                      S_INT(w->before_ms), S_INT(w->max));
}

enum err models_expire(struct ctx *c, int64_t before_ms, int max, int *out_deleted)
{
    struct store *s;
    struct expiring w = {before_ms, max > EXPIRE_MAX ? EXPIRE_MAX : max, 0};
    TRY(store_of(c, &s));
    TRY(store_transact(c, s, expire, &w));
    *out_deleted = (int)w.deleted;
    return E_OK;
}
