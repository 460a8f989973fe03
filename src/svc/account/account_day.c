#include "svc/account/account_day.h"

#include "svc/account/account_formula.h"
#include "svc/account/account_score.h"

enum { PAGE = 500, PAGES_MAX = 100000, PAGE_MAX_BYTES = 128 << 20 };

struct page {
    struct store *store;
    struct store_rows rows;
    const struct health_formula *formula; /* in force now */
    const char *after; /* id of the account before: what was looked at is not looked at again */
};

/* Everything but the renewal is as it was, so the row in the portfolio has all inputs. */
static enum err pass_boundary(struct ctx *c, const struct page *p, int i)
{
    const struct store_rows *rows = &p->rows;
    struct store *s = p->store;
    struct health before, after;
    struct json_fault fault;
    struct record r = {
        .id = row_id(rows, i, 0), .kind = STR("account"), .key = row_str(rows, i, 1)};
    int64_t now = ctx_now_ms(c), renewal_ms = row_int(rows, i, 4);
    struct health_inputs in = {.trend = health_trend_parse(row_str(rows, i, 2)),
                               .open_tickets = row_int(rows, i, 3),
                               .renewal_days = health_days(row_int(rows, i, 5), renewal_ms)};
    health_score(p->formula, &in, &before);
    in.renewal_days = health_days(now, renewal_ms);
    health_score(p->formula, &in, &after);
    TRY(store_exec(c, s, NULL,
                   "UPDATE account_state SET score = ?2, risk = ?3, signals = ?4,"
                   " next_change_at = ?5, updated_at = ?6 WHERE account = ?1",
                   S_ID(&r.id), after.complete ? S_INT(after.score) : S_NULL,
                   S_Z(health_risk_name(after.risk)),
                   S_STR(json_write(c->arena, account_score_signals(c->arena, &after))),
                   S_INT(health_next_change(now, renewal_ms)), S_INT(now)));
    if (account_score_same(&before, &after)) {
        return E_OK;
    }
    if (json_parse(c->arena, row_str(rows, i, 8), &r.data, &fault) != E_OK) {
        return ctx_fail(c, E_INTERNAL, "a stored record is damaged: %s", fault.text);
    }
    TRY(account_score_add(c, s, &r.id, now, &after, "day"));
    TRY(record_derive(c, s, &r,
                      json_object(c->arena, {"health", account_score_record(c->arena, &after)})));
    return account_score_tell(c, s, &r, &before, &after);
}

static enum err recompute(struct ctx *c, const struct page *p, int row, bool tickets)
{
    struct record r;
    struct id id = row_id(&p->rows, row, 0);
    struct account_change how = {
        .source = "record", .count_tickets = tickets, .formula = p->formula};
    TRY(record_get(c, p->store, &id, &r));
    return account_recompute(c, p->store, &r, &how);
}

/* Read in the transaction that writes: who changes an account meanwhile waits. */
static enum err pass_page(struct ctx *c, void *arg)
{
    struct page *p = arg;
    TRY(account_formula_at(c, p->store, 0, &p->formula));
    TRY(store_query(c, p->store, &p->rows,
                    "SELECT s.account, s.slug, s.trend, s.open_tickets, s.renewal_at, s.updated_at,"
                    " s.version, r.version, r.data, s.formula FROM account_state s"
                    " JOIN record r ON r.id = s.account"
                    " WHERE s.next_change_at > 0 AND s.next_change_at <= ?1 AND s.account > ?3"
                    " ORDER BY s.account LIMIT ?2",
                    S_INT(ctx_now_ms(c)), S_INT(PAGE), S_Z(p->after)));
    for (int i = 0; i < p->rows.count; i++) {
        bool changed = row_int(&p->rows, i, 6) != row_int(&p->rows, i, 7);
        bool other = !str_eqz(row_str(&p->rows, i, 9), p->formula->key);
        TRY(changed || other ? recompute(c, p, i, false) : pass_boundary(c, p, i));
    }
    return E_OK;
}

static enum err first_page(struct ctx *c, void *arg)
{
    struct page *p = arg;
    TRY(account_formula_at(c, p->store, 0, &p->formula));
    TRY(store_query(c, p->store, &p->rows,
                    "SELECT r.id FROM record r LEFT JOIN account_state s ON s.account = r.id"
                    " WHERE r.kind = 'account' AND r.id > ?3"
                    " AND (s.account IS NULL OR s.formula <> ?1) ORDER BY r.id LIMIT ?2",
                    S_Z(p->formula->key), S_INT(PAGE), S_Z(p->after)));
    for (int i = 0; i < p->rows.count; i++) {
        TRY(recompute(c, p, i, true));
    }
    return E_OK;
}

/* One page, in memory of its own; 0 in out_count: there is no more. */
static enum err run_page(struct ctx *c, enum err (*fn)(struct ctx *c, void *arg), struct id *after,
                         int *out_count)
{
    struct page p = {.after = after->text};
    struct ctx *part = ctx_child(c, PAGE_MAX_BYTES);
    enum err e = store_of(part, &p.store);
    e = e == E_OK ? store_transact(part, p.store, fn, &p) : e;
    if (e != E_OK) {
        c->fault = part->fault;
    } else if (p.rows.count) {
        *after = row_id(&p.rows, p.rows.count - 1, 0);
    }
    *out_count = p.rows.count;
    ctx_free(&part);
    return e;
}

enum err account_day_run(struct ctx *c, int64_t *out_seen)
{
    enum err (*const passes[])(struct ctx * c, void *arg) = {pass_page, first_page};
    int64_t seen = 0;
    for (int k = 0; k < 2; k++) {
        struct id after = {0};
        int count = 1;
        for (int i = 0; i < PAGES_MAX && count > 0; i++) {
            TRY(run_page(c, passes[k], &after, &count));
            TRY(ctx_check(c));
            seen += count;
        }
    }
    if (out_seen) {
        *out_seen = seen;
    }
    return E_OK;
}
