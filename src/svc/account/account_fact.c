#include "svc/account/account_fact.h"

#include <stdlib.h>

enum {
    CONTACTS_MAX = 50,
    NEWEST_TICKETS = 500 /* of the open ones, looked through for the latest */
};

static const char *const members[ACCOUNT_FACT_KINDS][6] = {
    {"renewal_date", "arr_cents", "currency", "plan", "seats", NULL},
    {"usage", NULL},
    {"open_tickets", "recent_tickets", NULL},
};

const char *account_fact_name(enum account_fact_kind k)
{
    static const char *const names[] = {"contract", "usage", "tickets"};
    return names[k];
}

const struct json *account_fact_of(struct arena *a, enum account_fact_kind k,
                                   const struct json *data)
{
    const struct json *part = &json_empty_object;
    for (int i = 0; members[k][i]; i++) {
        const struct json *v = json_get(data, members[k][i]);
        part = json_is_null(v) ? part : json_with(a, part, str_of(members[k][i]), v);
    }
    return part;
}

static enum err parse(struct ctx *c, struct str text, const struct json **out)
{
    struct json_fault fault;
    return json_parse(c->arena, text, out, &fault) == E_OK
               ? E_OK
               : ctx_fail(c, E_INTERNAL, "a stored fact is damaged: %s", fault.text);
}

enum err account_fact_is_new(struct ctx *c, struct store *s, const struct id *account,
                             const struct account_fact *fact, bool *out_new)
{
    struct store_rows rows;
    struct str kind = str_of(account_fact_name(fact->kind));
    struct str text = json_write_canonical(c->arena, fact->data);
    TRY(store_query(c, s, &rows,
                    "SELECT data FROM account_fact WHERE account = ?1 AND kind = ?2 AND at <= ?3"
                    " ORDER BY at DESC LIMIT 1",
                    S_ID(account), S_STR(kind), S_INT(fact->at_ms)));
    *out_new = rows.count ? !str_eq(row_str(&rows, 0, 0), text) : json_count(fact->data) > 0;
    return E_OK;
}

enum err account_fact_add(struct ctx *c, struct store *s, const struct id *account,
                          const struct account_fact *fact, bool *out_new)
{
    bool is_new;
    TRY(account_fact_is_new(c, s, account, fact, &is_new));
    if (is_new) {
        struct str kind = str_of(account_fact_name(fact->kind));
        struct str text = json_write_canonical(c->arena, fact->data);
        TRY(store_exec(c, s, NULL,
                       "INSERT INTO account_fact (account, kind, at, data, source)"
                       " VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (account, kind, at)"
                       " DO UPDATE SET data = excluded.data, source = excluded.source",
                       S_ID(account), S_STR(kind), S_INT(fact->at_ms), S_STR(text),
                       S_Z(fact->source)));
    }
    *out_new = is_new;
    return E_OK;
}

static void read_kind(struct arena *a, enum account_fact_kind k, const struct json *data,
                      struct account_facts *out)
{
    if (k == ACCOUNT_CONTRACT) {
        account_read_contract(data, out);
    } else if (k == ACCOUNT_USAGE) {
        account_read_usage(a, data, out);
    } else {
        account_read_tickets(data, out);
    }
}

static struct account_fact_stamp *stamp_of(struct account_facts *f, int kind)
{
    return kind == ACCOUNT_CONTRACT ? &f->contract.stamp
           : kind == ACCOUNT_USAGE  ? &f->usage.stamp
                                    : &f->tickets.stamp;
}

enum err account_facts_load(struct ctx *c, struct store *s, const struct record *r,
                            int64_t as_of_ms, struct account_facts *out)
{
    struct store_rows rows;
    bool seen[ACCOUNT_FACT_KINDS] = {false};
    TRY(store_query(c, s, &rows,
                    "SELECT f.kind, f.at, f.data, f.source FROM account_fact f"
                    " WHERE f.account = ?1 AND f.at = (SELECT max(g.at) FROM account_fact g"
                    " WHERE g.account = f.account AND g.kind = f.kind AND g.at <= ?2)",
                    S_ID(&r->id), S_INT(as_of_ms ? as_of_ms : ctx_now_ms(c))));
    struct account_facts f = {0};
    for (int k = 0; k < ACCOUNT_FACT_KINDS; k++) {
        const struct json *data = as_of_ms ? &json_empty_object : r->data;
        struct account_fact_stamp stamp = {.source = STR("")};
        for (int i = 0; i < rows.count; i++) {
            if (str_eqz(row_str(&rows, i, 0), account_fact_name((enum account_fact_kind)k))) {
                seen[k] = true;
                stamp.at_ms = row_int(&rows, i, 1);
                stamp.source = row_str(&rows, i, 3);
                TRY(parse(c, row_str(&rows, i, 2), &data));
            }
        }
        read_kind(c->arena, (enum account_fact_kind)k, data, &f);
        bool missing = stamp_of(&f, k)->missing;
        if (!seen[k] && !as_of_ms && !missing) {
            stamp = (struct account_fact_stamp){.at_ms = r->updated_at_ms, .source = STR("record")};
        }
        stamp.missing = missing;
        *stamp_of(&f, k) = stamp;
    }
    *out = f;
    return E_OK;
}

/* ---- tickets that are records --------------------------------------------- */

/* Data is stored compact, a quote within a text is escaped and statuses are lower case, so a member
 * is found by its bytes; replace and not LIKE, which is no matter of case on every database. */
#define IS_OPEN                                                                                    \
    "replace(replace(data, '\"status\":\"resolved\"', ''), '\"status\":\"closed\"', '') = data"

struct open_ticket {
    struct str key;
    const struct json *data;
    int64_t at_ms;
};

static int latest_first(const void *left, const void *right)
{
    const struct open_ticket *a = left, *b = right;
    return a->at_ms != b->at_ms ? (a->at_ms < b->at_ms ? 1 : -1) : str_cmp(b->key, a->key);
}

static const struct json *ticket_view(struct arena *a, const struct open_ticket *t)
{
    struct str severity = json_str(t->data, "severity", json_str(t->data, "priority", STR("")));
    return json_object(a, {"id", json_new_str(a, t->key)}, {"severity", json_new_str(a, severity)},
                       {"subject", json_new_str(a, json_str(t->data, "subject", STR("")))},
                       {"created_at_ms", json_new_int(a, t->at_ms)});
}

enum err account_tickets_count(struct ctx *c, struct store *s, struct str slug, bool *out_any,
                               const struct json **out_data)
{
    struct arena *a = c->arena;
    struct store_rows counts, rows;
    TRY(store_query(c, s, &counts,
                    "SELECT count(*), count(CASE WHEN " IS_OPEN " THEN 1 END) FROM record"
                    " WHERE kind = 'ticket' AND account = ?1",
                    S_STR(slug)));
    TRY(store_query(c, s, &rows,
                    "SELECT key, data, created_at FROM record WHERE kind = 'ticket'"
                    " AND account = ?1 AND " IS_OPEN " ORDER BY created_at DESC, key DESC LIMIT ?2",
                    S_STR(slug), S_INT(NEWEST_TICKETS)));
    struct open_ticket *open = ARENA_ARRAY(a, struct open_ticket, rows.count + 1u);
    for (int i = 0; i < rows.count; i++) {
        open[i].key = row_str(&rows, i, 0);
        TRY(parse(c, row_str(&rows, i, 1), &open[i].data));
        open[i].at_ms = json_int(open[i].data, "created_at", row_int(&rows, i, 2));
    }
    qsort(open, (size_t)rows.count, sizeof(*open), latest_first);
    const struct json *recent = &json_empty_array;
    for (int i = 0; i < rows.count && i < ACCOUNT_RECENT_TICKETS; i++) {
        recent = json_push(a, recent, ticket_view(a, &open[i]));
    }
    *out_any = row_int(&counts, 0, 0) > 0;
    *out_data = json_object(a, {"open_tickets", json_new_int(a, row_int(&counts, 0, 1))},
                            {"recent_tickets", recent});
    return E_OK;
}

/* ---- as JSON --------------------------------------------------------------- */

static const struct json *text_or_null(struct arena *a, struct str s)
{
    return s.n ? json_new_str(a, s) : &json_null_value;
}

static const struct json *int_or_null(struct arena *a, bool known, int64_t v)
{
    return known ? json_new_int(a, v) : &json_null_value;
}

const struct json *account_view(struct arena *a, const struct record *r)
{
    static const char *const copied[] = {"short_name", "stage",    "plan",     "owner", "industry",
                                         "country",    "currency", "language", NULL};
    const struct json *v = json_object(
        a, {"id", json_new_str(a, str_dup(a, id_str(&r->id)))}, {"slug", json_new_str(a, r->key)},
        {"name", json_new_str(a, json_str(r->data, "name", r->key))});
    for (int i = 0; copied[i]; i++) {
        v = json_with(a, v, str_of(copied[i]),
                      text_or_null(a, json_str(r->data, copied[i], STR(""))));
    }
    return json_with(a, v, STR("demo"), json_new_bool(account_is_demo(r->data)));
}

static const struct json *stamped(struct arena *a, const struct json *v,
                                  const struct account_fact_stamp *stamp)
{
    v = json_with(a, v, STR("missing"), json_new_bool(stamp->missing));
    v = json_with(a, v, STR("at_ms"), int_or_null(a, stamp->at_ms != 0, stamp->at_ms));
    return json_with(a, v, STR("source"), text_or_null(a, stamp->source));
}

static const struct json *contract_view(struct arena *a, const struct account_facts *f)
{
    return stamped(
        a,
        json_object(
            a, {"renewal_date_ms", int_or_null(a, f->contract.has_renewal, f->contract.renewal_ms)},
            {"arr_cents", int_or_null(a, f->contract.has_arr, f->contract.arr_cents)},
            {"currency", text_or_null(a, f->contract.currency)},
            {"plan", text_or_null(a, f->contract.plan)},
            {"seats", int_or_null(a, f->contract.has_seats, f->contract.seats)}),
        &f->contract.stamp);
}

static const struct json *usage_view(struct arena *a, const struct account_facts *f)
{
    const char *trend = health_trend_name(f->usage.trend);
    return stamped(
        a,
        json_object(a, {"trend", text_or_null(a, str_of(trend))},
                    {"avg_daily_users", int_or_null(a, f->usage.has_average, f->usage.average)},
                    {"sparkline", f->usage.sparkline}),
        &f->usage.stamp);
}

static const struct json *tickets_view(struct arena *a, const struct account_facts *f)
{
    return stamped(a,
                   json_object(a,
                               {"open_tickets",
                                int_or_null(a, f->tickets.open != HEALTH_UNKNOWN, f->tickets.open)},
                               {"recent_tickets", f->tickets.recent}),
                   &f->tickets.stamp);
}

static enum err contacts_view(struct ctx *c, struct store *s, struct str slug,
                              const struct json **out)
{
    struct arena *a = c->arena;
    struct records all;
    struct record_query q = {
        .kind = STR("contact"), .account = slug, .sort = STR("name"), .limit = CONTACTS_MAX};
    TRY(record_find(c, s, &q, &all, NULL));
    const struct json *list = &json_empty_array;
    for (int i = 0; i < all.count; i++) {
        const struct json *d = all.items[i].data;
        list = json_push(
            a, list,
            json_object(a, {"id", json_new_str(a, str_dup(a, id_str(&all.items[i].id)))},
                        {"name", text_or_null(a, json_str(d, "name", STR("")))},
                        {"first_name", text_or_null(a, json_str(d, "first_name", STR("")))},
                        {"title", text_or_null(a, json_str(d, "title", STR("")))},
                        {"email", text_or_null(a, json_str(d, "email", STR("")))},
                        {"champion", json_new_bool(json_bool(d, "champion", false))},
                        {"sponsor", json_new_bool(json_bool(d, "sponsor", false))}));
    }
    *out = list;
    return E_OK;
}

enum err account_facts_view(struct ctx *c, struct store *s, const struct record *r,
                            const struct account_facts *f, const struct json **out)
{
    struct arena *a = c->arena;
    const struct json *contacts;
    TRY(contacts_view(c, s, r->key, &contacts));
    *out = json_object(a, {"account", account_view(a, r)}, {"contract", contract_view(a, f)},
                       {"usage", usage_view(a, f)}, {"tickets", tickets_view(a, f)},
                       {"contacts", contacts});
    return E_OK;
}
