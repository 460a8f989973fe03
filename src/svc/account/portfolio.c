#include "svc/account/portfolio.h"

#include <stdlib.h>

#include "base/buf.h"
#include "codec/date.h"
#include "codec/text.h"
#include "svc/account/account_formula.h"
#include "svc/account/account_score.h"

enum {
    AS_OF_CHUNK = 1000,
    BUCKETS = 10,
    CURRENCIES_MAX = 32,
    DELTA_DAYS = 30,
    NEAR_DAYS = 30,
    SOON_DAYS = 90
};

struct row {
    struct id account;
    struct str slug, name, owner, stage, plan, currency, formula;
    bool has_arr, has_renewal, has_average;
    int64_t arr_cents, renewal_ms, average, open_tickets, updated_ms;
    enum health_trend trend;
    enum health_risk risk;
    int score; /* HEALTH_UNKNOWN */
    bool has_moved;
    int64_t moved; /* since since_ms */
    const struct json *sparkline, *signals;
};

/* ---- a row as JSON --------------------------------------------------------------- */

static const struct json *text_json(struct arena *a, struct str s)
{
    return s.n ? json_new_str(a, s) : &json_null_value;
}

static const struct json *int_json(struct arena *a, bool known, int64_t v)
{
    return known ? json_new_int(a, v) : &json_null_value;
}

/* The score as it was some days ago against what it is; not known where another formula made it. */
static enum err delta_of(struct ctx *c, struct store *s, const struct row *r, int64_t now_ms,
                         const struct json **out)
{
    struct store_rows rows;
    TRY(store_query(c, s, &rows,
                    "SELECT score, formula FROM account_health WHERE account = ?1 AND at <= ?2"
                    " ORDER BY at DESC LIMIT 1",
                    S_ID(&r->account), S_INT(now_ms - DELTA_DAYS * DATE_DAY_MS)));
    bool known = rows.count && !row_is_null(&rows, 0, 0) && r->score != HEALTH_UNKNOWN &&
                 str_eq(row_str(&rows, 0, 1), r->formula);
    *out = int_json(c->arena, known, known ? r->score - row_int(&rows, 0, 0) : 0);
    return E_OK;
}

static enum err row_view(struct ctx *c, struct store *s, const struct row *r, int64_t now_ms,
                         const struct json **out)
{
    struct arena *a = c->arena;
    const struct json *delta;
    TRY(delta_of(c, s, r, now_ms, &delta));
    int64_t days = r->has_renewal ? health_days(now_ms, r->renewal_ms) : 0;
    *out = json_object(
        a, {"id", json_new_str(a, str_dup(a, id_str(&r->account)))},
        {"slug", json_new_str(a, r->slug)}, {"name", json_new_str(a, r->name)},
        {"owner", text_json(a, r->owner)}, {"stage", text_json(a, r->stage)},
        {"plan", text_json(a, r->plan)}, {"arr_cents", int_json(a, r->has_arr, r->arr_cents)},
        {"currency", text_json(a, r->currency)},
        {"renewal_date_ms", int_json(a, r->has_renewal, r->renewal_ms)},
        {"renewal_days", int_json(a, r->has_renewal, days)},
        {"date_days", int_json(a, r->has_renewal, health_date_days(now_ms, r->renewal_ms))},
        {"trend", text_json(a, str_of(health_trend_name(r->trend)))},
        {"avg_daily_users", int_json(a, r->has_average, r->average)}, {"sparkline", r->sparkline},
        {"open_tickets", int_json(a, r->open_tickets != HEALTH_UNKNOWN, r->open_tickets)},
        {"score", int_json(a, r->score != HEALTH_UNKNOWN, r->score)},
        {"risk_level", json_new_str(a, str_of(health_risk_name(r->risk)))}, {"signals", r->signals},
        {"formula", text_json(a, r->formula)}, {"score_delta_30d", delta},
        {"score_change", r->has_moved ? json_new_int(a, r->moved) : NULL},
        {"updated_at", json_new_int(a, r->updated_ms)});
    return E_OK;
}

/* ---- totals ------------------------------------------------------------------------ */

struct totals {
    int64_t count, by_risk[4], histogram[BUCKETS], near, soon;
    struct str currencies[CURRENCIES_MAX];
    int64_t arr_cents[CURRENCIES_MAX], arr_known[CURRENCIES_MAX];
    int currency_count;
    struct sum {
        int64_t sum, known;
    } score, tickets, users;
};

static void add_arr(struct totals *t, struct str currency, int64_t cents, int64_t known)
{
    int i = 0;
    while (i < t->currency_count && !str_eq(t->currencies[i], currency)) {
        i++;
    }
    if (i == t->currency_count && i < CURRENCIES_MAX) {
        t->currencies[t->currency_count++] = currency;
    }
    if (i < CURRENCIES_MAX) {
        t->arr_cents[i] += cents;
        t->arr_known[i] += known;
    }
}

static void add_sum(struct sum *s, int64_t sum, int64_t known)
{
    s->sum += sum;
    s->known += known;
}

static void add_bucket(struct totals *t, int64_t tens, int64_t count)
{
    if (tens >= 0) {
        t->histogram[tens < BUCKETS ? tens : BUCKETS - 1] += count; /* 100 goes with the nineties */
    }
}

static const struct json *sum_view(struct arena *a, struct sum s)
{
    return json_object(a, {"sum", json_new_int(a, s.sum)}, {"known", json_new_int(a, s.known)});
}

static const struct json *totals_view(struct arena *a, const struct totals *t)
{
    const struct json *histogram = &json_empty_array, *arr = &json_empty_object;
    const struct json *known = &json_empty_object;
    for (int i = 0; i < BUCKETS; i++) {
        histogram = json_push(a, histogram, json_new_int(a, t->histogram[i]));
    }
    for (int i = 0; i < t->currency_count; i++) {
        arr = json_with(a, arr, t->currencies[i], json_new_int(a, t->arr_cents[i]));
        known = json_with(a, known, t->currencies[i], json_new_int(a, t->arr_known[i]));
    }
    const struct json *risks =
        json_object(a, {"low", json_new_int(a, t->by_risk[HEALTH_RISK_LOW])},
                    {"medium", json_new_int(a, t->by_risk[HEALTH_RISK_MEDIUM])},
                    {"high", json_new_int(a, t->by_risk[HEALTH_RISK_HIGH])},
                    {"unknown", json_new_int(a, t->by_risk[HEALTH_RISK_UNKNOWN])});
    return json_object(
        a, {"total", json_new_int(a, t->count)}, {"by_risk", risks}, {"histogram", histogram},
        {"renewals_30d", json_new_int(a, t->near)}, {"renewals_90d", json_new_int(a, t->soon)},
        {"arr_cents", arr}, {"arr_known", known}, {"score", sum_view(a, t->score)},
        {"open_tickets", sum_view(a, t->tickets)}, {"avg_daily_users", sum_view(a, t->users)});
}

/* ---- now: the database sorts and filters --------------------------------------------- */

/* The score of then, by the formula of now: the last told not later, or for `since` the first
 * after. One look-up in the primary key an account, and none where nobody asks. */
#define SCORES                                                                                     \
    "SELECT h.score FROM account_health h WHERE h.account = s.account AND h.formula = s.formula"   \
    " AND h.at "
#define SCORE_THEN  "(" SCORES "<= ?25 ORDER BY h.at DESC LIMIT 1)"
#define SCORE_SINCE "(" SCORES "<= ?24 ORDER BY h.at DESC LIMIT 1)"
#define SCORE_FIRST "(" SCORES "> ?24 ORDER BY h.at LIMIT 1)"
#define MOVED                                                                                      \
    "CASE WHEN ?24 = 0 THEN NULL"                                                                  \
    " ELSE " SCORE_THEN " - coalesce(" SCORE_SINCE ", " SCORE_FIRST ") END"
#define FILTER                                                                                     \
    " FROM (SELECT s.*, " MOVED " AS moved FROM account_state s) t"                                \
    " WHERE (?1 = '' OR words LIKE ?1 ESCAPE '!') AND (?2 = '' OR risk = ?2 OR risk = ?12)"        \
    " AND (?3 = '' OR trend = ?3) AND (?4 = '' OR stage = ?4) AND (?5 = '' OR owner = ?5)"         \
    " AND (?6 = '' OR plan = ?6) AND (?7 = 0 OR renewal_at >= ?7) AND (?8 = 0 OR renewal_at <= "   \
    "?8)"                                                                                          \
    " AND (?9 < 0 OR score >= ?9) AND (?10 < 0 OR score <= ?10) AND (?11 = 0 OR demo = 1)"         \
    " AND (?13 = '' OR currency = ?13) AND (?14 = '' OR country = ?14)"                            \
    " AND (?15 = '' OR lower(industry) LIKE ?15 ESCAPE '!')"                                       \
    " AND (?16 = '' OR (?16 = 'renewal' AND renewal_at IS NULL)"                                   \
    " OR (?16 = 'arr' AND arr_cents IS NULL) OR (?16 = 'owner' AND owner = '')"                    \
    " OR (?16 = 'usage' AND trend = '') OR (?16 = 'tickets' AND open_tickets < 0))"                \
    " AND (?17 < 0 OR open_tickets >= ?17)"                                                        \
    " AND (?18 < 0 OR (open_tickets >= 0 AND open_tickets <= ?18))"                                \
    " AND (?19 < 0 OR arr_cents >= ?19) AND (?20 < 0 OR arr_cents <= ?20)"                         \
    " AND (?21 < 0 OR average >= ?21) AND (?22 < 0 OR average <= ?22)"                             \
    " AND (?24 = 0 OR (?23 = 0 AND moved <> 0) OR (?23 < 0 AND moved < 0)"                         \
    " OR (?23 > 0 AND moved > 0))"
#define PAGE(order)                                                                                \
    "SELECT account, slug, name, owner, stage, plan, currency, arr_cents, renewal_at, average,"    \
    " open_tickets, updated_at, trend, risk, score, sparkline, signals, formula, moved" FILTER     \
    " ORDER BY " order ", slug LIMIT ?26 OFFSET ?27"
#define BOTH(column) PAGE(column " ASC NULLS LAST"), PAGE(column " DESC NULLS LAST")
#define TREND_ORDER  "CASE trend WHEN 'down' THEN 1 WHEN 'flat' THEN 2 WHEN 'up' THEN 3 END"
#define TICKET_ORDER "CASE WHEN open_tickets >= 0 THEN open_tickets END"

static int by_name(const struct row *a, const struct row *b);
static int by_owner(const struct row *a, const struct row *b);
static int by_stage(const struct row *a, const struct row *b);
static int by_plan(const struct row *a, const struct row *b);
static int by_score(const struct row *a, const struct row *b);
static int by_arr(const struct row *a, const struct row *b);
static int by_renewal(const struct row *a, const struct row *b);
static int by_tickets(const struct row *a, const struct row *b);
static int by_trend(const struct row *a, const struct row *b);
static int by_users(const struct row *a, const struct row *b);
static int by_update(const struct row *a, const struct row *b);
static int by_move(const struct row *a, const struct row *b);

/* A column that the list can be sorted by: as SQL both ways, and for rows of the past. The
 * comparison puts rows without the value last, and answers for the ascending order. */
struct sort_row {
    const char *name, *ascending, *descending;
    int (*compare)(const struct row *a, const struct row *b);
    bool (*has)(const struct row *r);
};

static bool has_score(const struct row *r)
{
    return r->score != HEALTH_UNKNOWN;
}

static bool has_arr(const struct row *r)
{
    return r->has_arr;
}

static bool has_renewal(const struct row *r)
{
    return r->has_renewal;
}

static bool has_tickets(const struct row *r)
{
    return r->open_tickets != HEALTH_UNKNOWN;
}

static bool has_trend(const struct row *r)
{
    return r->trend != HEALTH_TREND_UNKNOWN;
}

static bool has_users(const struct row *r)
{
    return r->has_average;
}

static bool has_moved(const struct row *r)
{
    return r->has_moved;
}

static const struct sort_row sorts[] = {
    {"name", BOTH("name"), by_name, NULL},
    {"score", BOTH("score"), by_score, has_score},
    {"arr_cents", BOTH("arr_cents"), by_arr, has_arr},
    {"renewal_date_ms", BOTH("renewal_at"), by_renewal, has_renewal},
    {"open_tickets", BOTH(TICKET_ORDER), by_tickets, has_tickets},
    {"trend", BOTH(TREND_ORDER), by_trend, has_trend},
    {"avg_daily_users", BOTH("average"), by_users, has_users},
    {"owner", BOTH("owner"), by_owner, NULL},
    {"stage", BOTH("stage"), by_stage, NULL},
    {"plan", BOTH("plan"), by_plan, NULL},
    {"updated_at", BOTH("updated_at"), by_update, NULL},
    {"score_change", BOTH("moved"), by_move, has_moved},
};

static const struct sort_row *find_sort(struct str name)
{
    struct str bare = str_starts(name, STR("-")) ? str_sub(name, 1, name.n) : name;
    for (size_t i = 0; i < sizeof(sorts) / sizeof(*sorts); i++) {
        if (str_eqz(bare, sorts[i].name)) {
            return &sorts[i];
        }
    }
    return bare.n ? NULL : &sorts[0];
}

static struct str like_of(struct arena *a, struct str text)
{
    struct str folded = text_plain(a, str_trim(text));
    if (!folded.n) {
        return STR("");
    }
    struct buf b = buf_make(1024);
    buf_add_char(&b, '%');
    for (size_t i = 0; i < folded.n; i++) {
        if (folded.p[i] == '%' || folded.p[i] == '_' || folded.p[i] == '!') {
            buf_add_char(&b, '!');
        }
        buf_add_char(&b, folded.p[i]);
    }
    buf_add_char(&b, '%');
    struct str like = str_dup(a, buf_str(&b));
    buf_free(&b);
    return like;
}

static struct store_value least_of(const struct portfolio_bound *b)
{
    return S_INT(b->has_least ? b->least : -1);
}

static struct store_value most_of(const struct portfolio_bound *b)
{
    return S_INT(b->has_most ? b->most : -1);
}

enum { FILTER_VALUES = 25 };
static void fill_filter(struct ctx *c, const struct portfolio_query *q, struct store_value *out)
{
    out[0] = S_STR(like_of(c->arena, q->text));
    out[1] = S_STR(q->risk);
    out[2] = S_STR(q->trend);
    out[3] = S_STR(q->stage);
    out[4] = S_STR(q->owner);
    out[5] = S_STR(q->plan);
    out[6] = S_INT(q->renews_after_ms);
    out[7] = S_INT(q->renews_before_ms);
    out[8] = S_INT(q->min_score);
    out[9] = S_INT(q->max_score);
    out[10] = S_INT(!account_sees_all(c));
    out[11] = S_STR(q->other_risk.n ? q->other_risk : q->risk);
    out[12] = S_STR(q->currency);
    out[13] = S_STR(q->country);
    out[14] = S_STR(like_of(c->arena, q->industry));
    out[15] = S_STR(q->missing);
    out[16] = least_of(&q->tickets);
    out[17] = most_of(&q->tickets);
    out[18] = least_of(&q->arr_cents);
    out[19] = most_of(&q->arr_cents);
    out[20] = least_of(&q->users);
    out[21] = most_of(&q->users);
    out[22] = S_INT(q->moved);
    out[23] = S_INT(q->since_ms);
    out[24] = S_INT(q->until_ms ? q->until_ms : ctx_now_ms(c));
}

static const struct json *stored_list(struct arena *a, struct str text)
{
    const struct json *v;
    struct json_fault fault;
    return json_parse(a, text, &v, &fault) == E_OK ? v : &json_empty_array;
}

static struct row read_row(struct arena *a, const struct store_rows *r, int i)
{
    return (struct row){
        .account = row_id(r, i, 0),
        .slug = row_str(r, i, 1),
        .name = row_str(r, i, 2),
        .owner = row_str(r, i, 3),
        .stage = row_str(r, i, 4),
        .plan = row_str(r, i, 5),
        .currency = row_str(r, i, 6),
        .has_arr = !row_is_null(r, i, 7),
        .arr_cents = row_int(r, i, 7),
        .has_renewal = !row_is_null(r, i, 8),
        .renewal_ms = row_int(r, i, 8),
        .has_average = !row_is_null(r, i, 9),
        .average = row_int(r, i, 9),
        .open_tickets = row_int(r, i, 10),
        .updated_ms = row_int(r, i, 11),
        .trend = health_trend_parse(row_str(r, i, 12)),
        .risk = health_risk_parse(row_str(r, i, 13)),
        .score = row_is_null(r, i, 14) ? HEALTH_UNKNOWN : (int)row_int(r, i, 14),
        .sparkline = stored_list(a, row_str(r, i, 15)),
        .signals = stored_list(a, row_str(r, i, 16)),
        .formula = row_str(r, i, 17),
        .has_moved = !row_is_null(r, i, 18),
        .moved = row_int(r, i, 18),
    };
}

static enum err sum_now(struct ctx *c, struct store *s, const struct portfolio_query *q,
                        struct totals *out)
{
    static const char sql[] =
        "SELECT risk, currency, CASE WHEN score IS NULL THEN -1 ELSE score / 10 END,"
        " CASE WHEN renewal_at IS NULL OR renewal_at < ?26 THEN 0 WHEN renewal_at <= ?27 THEN 1"
        " WHEN renewal_at <= ?28 THEN 2 ELSE 0 END, count(*),"
        " CAST(sum(coalesce(arr_cents, 0)) AS BIGINT), count(arr_cents),"
        " CAST(sum(coalesce(score, 0)) AS BIGINT), count(score),"
        " CAST(sum(CASE WHEN open_tickets > 0 THEN open_tickets ELSE 0 END) AS BIGINT),"
        " sum(CASE WHEN open_tickets >= 0 THEN 1 ELSE 0 END),"
        " CAST(sum(coalesce(average, 0)) AS BIGINT), count(average)" FILTER " GROUP BY 1, 2, 3, 4";
    struct store_value v[FILTER_VALUES + 4];
    struct store_rows rows;
    int64_t now = ctx_now_ms(c);
    fill_filter(c, q, v);
    v[FILTER_VALUES] = S_INT(now);
    v[FILTER_VALUES + 1] = S_INT(now + NEAR_DAYS * DATE_DAY_MS);
    v[FILTER_VALUES + 2] = S_INT(now + SOON_DAYS * DATE_DAY_MS);
    v[FILTER_VALUES + 3] = S_END_;
    TRY(store_run(c, s, sql, v, &rows, NULL));
    struct totals t = {0};
    for (int i = 0; i < rows.count; i++) {
        int64_t count = row_int(&rows, i, 4), soon = row_int(&rows, i, 3);
        t.count += count;
        t.by_risk[health_risk_parse(row_str(&rows, i, 0))] += count;
        add_bucket(&t, row_int(&rows, i, 2), count);
        t.near += soon == 1 ? count : 0;
        t.soon += soon ? count : 0;
        if (row_int(&rows, i, 6)) {
            add_arr(&t, row_str(&rows, i, 1), row_int(&rows, i, 5), row_int(&rows, i, 6));
        }
        add_sum(&t.score, row_int(&rows, i, 7), row_int(&rows, i, 8));
        add_sum(&t.tickets, row_int(&rows, i, 9), row_int(&rows, i, 10));
        add_sum(&t.users, row_int(&rows, i, 11), row_int(&rows, i, 12));
    }
    *out = t;
    return E_OK;
}

static enum err list_now(struct ctx *c, struct store *s, const struct portfolio_query *q,
                         struct portfolio *out)
{
    const struct sort_row *sort = find_sort(q->sort);
    bool descending = str_starts(q->sort, STR("-"));
    struct store_value v[FILTER_VALUES + 3];
    struct store_rows rows;
    struct totals totals;
    TRY(sum_now(c, s, q, &totals));
    fill_filter(c, q, v);
    v[FILTER_VALUES] = S_INT(q->limit);
    v[FILTER_VALUES + 1] = S_INT(q->offset);
    v[FILTER_VALUES + 2] = S_END_;
    TRY(store_run(c, s, descending ? sort->descending : sort->ascending, v, &rows, NULL));
    const struct json **items = ARENA_ARRAY(c->arena, const struct json *, rows.count + 1u);
    for (int i = 0; i < rows.count; i++) {
        struct row r = read_row(c->arena, &rows, i);
        TRY(row_view(c, s, &r, ctx_now_ms(c), &items[i]));
    }
    *out = (struct portfolio){.items = json_new_array(c->arena, items, (size_t)rows.count),
                              .summary = totals_view(c->arena, &totals),
                              .count = rows.count,
                              .total = totals.count};
    return E_OK;
}

/* ---- as of a date: the facts of then, scored here -------------------------------------- */

static int order_of(int64_t a, int64_t b)
{
    return a < b ? -1 : a > b;
}

static int by_name(const struct row *a, const struct row *b)
{
    return str_cmp(a->name, b->name);
}

static int by_owner(const struct row *a, const struct row *b)
{
    return str_cmp(a->owner, b->owner);
}

static int by_stage(const struct row *a, const struct row *b)
{
    return str_cmp(a->stage, b->stage);
}

static int by_plan(const struct row *a, const struct row *b)
{
    return str_cmp(a->plan, b->plan);
}

static int by_score(const struct row *a, const struct row *b)
{
    return a->score - b->score;
}

static int by_arr(const struct row *a, const struct row *b)
{
    return order_of(a->arr_cents, b->arr_cents);
}

static int by_renewal(const struct row *a, const struct row *b)
{
    return order_of(a->renewal_ms, b->renewal_ms);
}

static int by_tickets(const struct row *a, const struct row *b)
{
    return order_of(a->open_tickets, b->open_tickets);
}

static int by_trend(const struct row *a, const struct row *b)
{
    return (int)a->trend - (int)b->trend;
}

static int by_users(const struct row *a, const struct row *b)
{
    return order_of(a->average, b->average);
}

static int by_update(const struct row *a, const struct row *b)
{
    return order_of(a->updated_ms, b->updated_ms);
}

static int by_move(const struct row *a, const struct row *b)
{
    return order_of(a->moved, b->moved);
}

struct past {
    const struct portfolio_query *q;
    const struct health_formula *formula; /* in force then */
    struct row *rows;
    int count;
    bool cut; /* accounts were left that nobody looked at */
    struct totals totals;
};

struct ordering {
    const struct sort_row *sort;
    bool descending;
};

static int compare_rows(const void *left, const void *right, void *arg)
{
    const struct ordering *o = arg;
    const struct row *a = left, *b = right;
    bool has_a = !o->sort->has || o->sort->has(a), has_b = !o->sort->has || o->sort->has(b);
    if (has_a != has_b) {
        return has_a ? -1 : 1;
    }
    int order = has_a ? o->sort->compare(a, b) : 0;
    order = o->descending ? -order : order;
    return order ? order : str_cmp(a->slug, b->slug);
}

static bool within(const struct portfolio_bound *b, bool known, int64_t v)
{
    return !(b->has_least || b->has_most) ||
           (known && (!b->has_least || v >= b->least) && (!b->has_most || v <= b->most));
}

static bool lacks(const struct row *r, struct str what)
{
    return (str_eqz(what, "renewal") && !r->has_renewal) || (str_eqz(what, "arr") && !r->has_arr) ||
           (str_eqz(what, "owner") && !r->owner.n) || (str_eqz(what, "usage") && !has_trend(r)) ||
           (str_eqz(what, "tickets") && !has_tickets(r));
}

static bool is_wanted(const struct portfolio_query *q, const struct row *r)
{
    bool after = !q->renews_after_ms || (r->has_renewal && r->renewal_ms >= q->renews_after_ms);
    bool before = !q->renews_before_ms || (r->has_renewal && r->renewal_ms <= q->renews_before_ms);
    bool least = q->min_score < 0 || (has_score(r) && r->score >= q->min_score);
    bool most = q->max_score < 0 || (has_score(r) && r->score <= q->max_score);
    return after && before && least && most &&
           within(&q->tickets, has_tickets(r), r->open_tickets) &&
           within(&q->arr_cents, r->has_arr, r->arr_cents) &&
           within(&q->users, r->has_average, r->average) &&
           (!q->missing.n || lacks(r, q->missing)) &&
           (!q->currency.n || str_eq(q->currency, r->currency)) &&
           (!q->risk.n || str_eqz(q->risk, health_risk_name(r->risk)) ||
            str_eqz(q->other_risk, health_risk_name(r->risk))) &&
           (!q->trend.n || health_trend_parse(q->trend) == r->trend) &&
           (!q->plan.n || str_eq(q->plan, r->plan));
}

static void count_row(struct totals *t, const struct row *r, int64_t at_ms)
{
    t->count++;
    t->by_risk[r->risk]++;
    add_bucket(t, has_score(r) ? r->score / 10 : -1, 1);
    int64_t left = r->has_renewal ? r->renewal_ms - at_ms : -1;
    t->near += left >= 0 && left <= NEAR_DAYS * DATE_DAY_MS;
    t->soon += left >= 0 && left <= SOON_DAYS * DATE_DAY_MS;
    if (r->has_arr) {
        add_arr(t, r->currency, r->arr_cents, 1);
    }
    add_sum(&t->score, has_score(r) ? r->score : 0, has_score(r));
    add_sum(&t->tickets, has_tickets(r) ? r->open_tickets : 0, has_tickets(r));
    add_sum(&t->users, has_users(r) ? r->average : 0, has_users(r));
}

/* The row with what was known then in place of what is known now. */
static void set_past(struct arena *a, struct row *r, const struct json *data, const struct past *p)
{
    int64_t at_ms = p->q->as_of_ms;
    struct account_facts f = {0};
    struct health h;
    account_read_contract(data, &f);
    account_read_usage(a, data, &f);
    account_read_tickets(data, &f);
    struct health_inputs in = account_inputs(&f, at_ms);
    health_score(p->formula, &in, &h);
    r->formula = str_of(p->formula->key);
    r->plan = f.contract.plan.n ? f.contract.plan : r->plan;
    r->currency = f.contract.currency;
    r->has_arr = f.contract.has_arr;
    r->arr_cents = f.contract.arr_cents;
    r->has_renewal = f.contract.has_renewal;
    r->renewal_ms = f.contract.renewal_ms;
    r->trend = f.usage.trend;
    r->has_average = f.usage.has_average;
    r->average = f.usage.average;
    r->sparkline = f.usage.sparkline;
    r->open_tickets = f.tickets.open;
    r->score = h.score;
    r->risk = h.risk;
    r->updated_ms = at_ms;
    r->signals = &json_empty_array;
    for (int i = 0; i < h.signal_count; i++) {
        r->signals = json_push(a, r->signals, json_new_str(a, str_of(h.signals[i])));
    }
}

static enum err take_facts(struct ctx *c, struct past *p, const struct store_rows *facts,
                           struct row *r, int *inout_next)
{
    const struct json *data = &json_empty_object, *part;
    struct json_fault fault;
    while (*inout_next < facts->count &&
           str_cmp(row_str(facts, *inout_next, 0), id_str(&r->account)) < 0) {
        ++*inout_next; /* of an account that the filter left out */
    }
    for (;
         *inout_next < facts->count && str_eq(row_str(facts, *inout_next, 0), id_str(&r->account));
         ++*inout_next) {
        if (json_parse(c->arena, row_str(facts, *inout_next, 1), &part, &fault) != E_OK) {
            return ctx_fail(c, E_INTERNAL, "a stored fact is damaged: %s", fault.text);
        }
        data = json_merge(c->arena, data, part);
    }
    bool known = json_count(data) > 0; /* nobody had heard of it yet */
    set_past(c->arena, r, data, p);
    if (known && is_wanted(p->q, r)) {
        count_row(&p->totals, r, p->q->as_of_ms);
        p->rows[p->count++] = *r;
    }
    return E_OK;
}

/* The next AS_OF_CHUNK accounts after `after`. */
static enum err take_chunk(struct ctx *c, struct store *s, struct past *p, struct str *inout_after)
{
    static const char sql[] =
        "SELECT account, slug, name, owner, stage, plan, currency, NULL, NULL, NULL, 0, 0, '', '',"
        " NULL, '[]', '[]', '', NULL FROM account_state WHERE account > ?1"
        " AND (?2 = '' OR words LIKE ?2 ESCAPE '!') AND (?3 = '' OR stage = ?3)"
        " AND (?4 = '' OR owner = ?4) AND (?5 = 0 OR demo = 1)"
        " AND (?7 = '' OR country = ?7) AND (?8 = '' OR lower(industry) LIKE ?8 ESCAPE '!')"
        " ORDER BY account LIMIT ?6";
    struct store_rows rows, facts;
    TRY(store_query(c, s, &rows, sql, S_STR(*inout_after), S_STR(like_of(c->arena, p->q->text)),
                    S_STR(p->q->stage), S_STR(p->q->owner), S_INT(!account_sees_all(c)),
                    S_INT(AS_OF_CHUNK), S_STR(p->q->country),
                    S_STR(like_of(c->arena, p->q->industry))));
    if (rows.count == 0) {
        *inout_after = STR("");
        return E_OK;
    }
    struct str last = row_str(&rows, rows.count - 1, 0);
    TRY(store_query(c, s, &facts,
                    "SELECT f.account, f.data FROM account_fact f WHERE f.account > ?1"
                    " AND f.account <= ?2 AND f.at = (SELECT max(g.at) FROM account_fact g"
                    " WHERE g.account = f.account AND g.kind = f.kind AND g.at <= ?3)"
                    " ORDER BY f.account",
                    S_STR(*inout_after), S_STR(last), S_INT(p->q->as_of_ms)));
    int next = 0, i = 0;
    for (; i < rows.count && p->count < PORTFOLIO_AS_OF_MAX; i++) {
        struct row r = read_row(c->arena, &rows, i);
        TRY(take_facts(c, p, &facts, &r, &next));
    }
    p->cut = i < rows.count;
    *inout_after = rows.count == AS_OF_CHUNK ? last : STR("");
    return E_OK;
}

static enum err list_past(struct ctx *c, struct store *s, const struct portfolio_query *q,
                          struct portfolio *out)
{
    struct arena *a = c->arena;
    struct past p = {.q = q, .rows = ARENA_ARRAY(a, struct row, PORTFOLIO_AS_OF_MAX)};
    struct str after = STR("");
    TRY(account_formula_at(c, s, q->as_of_ms, &p.formula));
    do {
        TRY(take_chunk(c, s, &p, &after));
    } while (after.n && !p.cut);
    struct ordering o = {find_sort(q->sort), str_starts(q->sort, STR("-"))};
    qsort_r(p.rows, (size_t)p.count, sizeof(*p.rows), compare_rows, &o);
    int from = q->offset < p.count ? q->offset : p.count;
    int count = p.count - from < q->limit ? p.count - from : q->limit;
    const struct json **items = ARENA_ARRAY(a, const struct json *, count + 1u);
    for (int i = 0; i < count; i++) {
        TRY(row_view(c, s, &p.rows[from + i], q->as_of_ms, &items[i]));
    }
    *out = (struct portfolio){.items = json_new_array(a, items, (size_t)count),
                              .summary = totals_view(a, &p.totals),
                              .count = count,
                              .total = p.totals.count,
                              .cut = p.cut};
    return E_OK;
}

enum err portfolio_list(struct ctx *c, struct store *s, const struct portfolio_query *q,
                        struct portfolio *out)
{
    if (!find_sort(q->sort)) {
        return ctx_fail_field(c, E_INVALID, "sort", "sort cannot be %.*s", STR_ARG(q->sort));
    }
    return q->as_of_ms ? list_past(c, s, q, out) : list_now(c, s, q, out);
}

/* ---- what there is to ask for --------------------------------------------------------- */

enum err portfolio_words(struct ctx *c, struct store *s, const struct json **out)
{
    static const struct {
        const char *name, *sql;
    } columns[] = {
#define DISTINCT(column)                                                                           \
    "SELECT DISTINCT " column " FROM account_state WHERE " column                                  \
    " <> '' AND (?1 = 0 OR demo = 1)"                                                              \
    " ORDER BY " column " LIMIT ?2"
        {"stages", DISTINCT("stage")},        {"plans", DISTINCT("plan")},
        {"owners", DISTINCT("owner")},        {"countries", DISTINCT("country")},
        {"industries", DISTINCT("industry")}, {"currencies", DISTINCT("currency")},
#undef DISTINCT
    };
    const struct json *all = &json_empty_object;
    for (size_t i = 0; i < sizeof(columns) / sizeof(*columns); i++) {
        const struct json *list = &json_empty_array;
        struct store_rows rows;
        TRY(store_query(c, s, &rows, columns[i].sql, S_INT(!account_sees_all(c)),
                        S_INT(PORTFOLIO_WORDS_MAX)));
        for (int k = 0; k < rows.count; k++) {
            list = json_push(c->arena, list, json_new_str(c->arena, row_str(&rows, k, 0)));
        }
        all = json_with(c->arena, all, str_of(columns[i].name), list);
    }
    *out = all;
    return E_OK;
}
