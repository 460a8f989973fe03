#include "svc/success/eval_session.h"

#include "host/access.h"
#include "svc/success/eval_check.h"
#include "svc/success/success_facts.h"

enum { CHILD_BYTES = 64 << 20, PAGE = 50 };

/* What a session may get wrong on purpose, so that everybody can see the checks fail: the truth is
 * bent before it is compared. */
static const char *const FALSIFIABLE[] = {"usage.trend",
                                          "usage.avg_daily_users",
                                          "tickets.open_tickets",
                                          "contract.arr_cents",
                                          "contract.renewal_date_ms",
                                          "health.score",
                                          NULL};

static const struct field fields[] = {
    FIELD(struct eval_session_input, accounts, FIELD_LIST, .flags = FIELD_REQUIRED, .min = 1,
          .max = EVAL_ACCOUNTS_MAX, .title = "ids or slugs"),
    FIELD(struct eval_session_input, tasks, FIELD_LIST, .flags = FIELD_REQUIRED, .min = 1,
          .max = 20, .title = "names: see GET /eval-tasks"),
    FIELD(struct eval_session_input, falsify, FIELD_STR, .max = 40,
          .title = "bend this fact before comparing, to see the checks fail: usage.trend, "
                   "usage.avg_daily_users, tickets.open_tickets, contract.arr_cents, "
                   "contract.renewal_date_ms, health.score"),
};
const struct field_table eval_session_table = FIELD_TABLE("EvalSession", fields);

/* ---- making one ---------------------------------------------------------- */

static bool is_falsifiable(struct str path)
{
    for (int i = 0; FALSIFIABLE[i]; i++) {
        if (str_eqz(path, FALSIFIABLE[i])) {
            return true;
        }
    }
    return false;
}

static enum err read_tasks(struct ctx *c, const struct json *names)
{
    for (size_t i = 0; i < json_count(names); i++) {
        struct str name = json_text(json_at(names, i), STR(""));
        if (!eval_task_find(name)) {
            return ctx_fail_field(c, E_INVALID, "tasks", "tasks: there is no task \"%.*s\"",
                                  STR_ARG(name));
        }
    }
    return E_OK;
}

/* As they are called now; E_INVALID names one that is not there. */
static enum err read_accounts(struct ctx *c, const struct json *wanted, const struct json **out)
{
    const struct json *list = &json_empty_array;
    for (size_t i = 0; i < json_count(wanted); i++) {
        struct success_facts facts;
        struct str name = json_text(json_at(wanted, i), STR(""));
        enum err e = name.n ? success_facts_get(c, name, 0, &facts) : E_NOT_FOUND;
        if (e == E_NOT_FOUND) {
            return ctx_fail_field(c, E_INVALID, "accounts",
                                  "accounts: there is no account \"%.*s\"", STR_ARG(name));
        }
        TRY(e);
        list = json_push(c->arena, list,
                         json_object(c->arena, {"id", json_get(facts.account, "id")},
                                     {"slug", json_get(facts.account, "slug")},
                                     {"name", json_get(facts.account, "name")}));
    }
    *out = list;
    return E_OK;
}

/* Those that are still there: one that was removed leaves null in its place. */
static const struct json *left_of(struct arena *a, const struct json *accounts)
{
    const struct json *left = &json_empty_array;
    for (size_t i = 0; i < json_count(accounts); i++) {
        const struct json *one = json_at(accounts, i);
        left = json_is_null(one) ? left : json_push(a, left, one);
    }
    return left;
}

static int64_t total_of(size_t accounts, const struct json *tasks)
{
    int64_t total = 0;
    for (size_t i = 0; i < json_count(tasks); i++) {
        const struct eval_task *task = eval_task_find(json_text(json_at(tasks, i), STR("")));
        total += task && task->table ? 1 : (int64_t)accounts;
    }
    return total;
}

struct making {
    struct store *store;
    struct id id, member;
    const struct json *plan; /* see success_schema.c */
    int64_t total;
};

static enum err make_in(struct ctx *c, void *arg)
{
    struct making *m = arg;
    struct store_rows rows;
    TRY(store_query(c, m->store, &rows,
                    "SELECT count(*), coalesce(sum(CASE WHEN status = 'running' THEN 1 ELSE 0 END),"
                    " 0) FROM eval_session"));
    if (row_int(&rows, 0, 0) >= EVAL_SESSIONS_MAX) {
        return ctx_fail(c, E_CONFLICT, "%d evaluations are kept at most: remove one first",
                        EVAL_SESSIONS_MAX);
    }
    if (row_int(&rows, 0, 1) > 0) {
        return ctx_fail(c, E_CONFLICT, "an evaluation is running: wait for it, or stop it");
    }
    TRY(store_exec(c, m->store, NULL,
                   "INSERT INTO eval_session (id, status, plan, total, created_by, created_at,"
                   " finished_at) VALUES (?1, 'running', ?2, ?3, ?4, ?5, 0)",
                   S_ID(&m->id), S_STR(json_write(c->arena, m->plan)), S_INT(m->total),
                   S_ID(&m->member), S_INT(ctx_now_ms(c))));
    return job_add(c, m->store, .kind = "eval_session", .unique_key = id_str(&m->id));
}

/* ---- reading them -------------------------------------------------------- */

#define SESSION                                                                                    \
    "SELECT s.id, s.status, s.total, s.created_by, s.created_at, s.finished_at, s.plan,"           \
    " (SELECT count(*) FROM eval_result r WHERE r.session_id = s.id),"                             \
    " (SELECT count(*) FROM eval_result r WHERE r.session_id = s.id AND r.status = 'passed'),"     \
    " (SELECT coalesce(sum(r.took_ms), 0) FROM eval_result r WHERE r.session_id = s.id)"           \
    " FROM eval_session s"

static void write_session(struct ctx *c, struct json_out *o, const struct store_rows *r, int row)
{
    int64_t done = row_int(r, row, 7), passed = row_int(r, row, 8);
    const struct json *plan = NULL;
    struct json_fault fault;
    json_parse(c->arena, row_str(r, row, 6), &plan, &fault);
    json_field_str(o, "id", row_str(r, row, 0));
    json_field_str(o, "status", row_str(r, row, 1));
    json_field_int(o, "total", row_int(r, row, 2));
    json_field_int(o, "done", done);
    json_field_int(o, "passed", passed);
    json_field_int(o, "failed", done - passed);
    json_field_int(o, "avg_took_ms", done ? row_int(r, row, 9) / done : 0);
    json_field_str(o, "created_by", row_str(r, row, 3));
    json_field_int(o, "created_at", row_int(r, row, 4));
    if (row_int(r, row, 5)) {
        json_field_int(o, "finished_at", row_int(r, row, 5));
    }
    json_field(o, "accounts", left_of(c->arena, json_get(plan, "accounts")));
    json_field(o, "tasks", json_get(plan, "tasks"));
    if (json_get(plan, "falsify")) {
        json_field(o, "falsify", json_get(plan, "falsify"));
    }
}

static enum err find(struct ctx *c, struct call *call, struct store_rows *out_rows)
{
    struct id id;
    TRY(call_id(c, call, 0, &id));
    TRY(store_query(c, call->store, out_rows, SESSION " WHERE s.id = ?1", S_ID(&id)));
    return out_rows->count ? E_OK : ctx_fail(c, E_NOT_FOUND, "not found");
}

static enum err write_results(struct ctx *c, struct call *call, struct str session, int64_t after,
                              int limit)
{
    struct store_rows rows;
    struct json_out *o = call_json(call);
    TRY(store_query(c, call->store, &rows,
                    "SELECT result FROM eval_result WHERE session_id = ?1 AND n > ?2 ORDER BY n"
                    " LIMIT ?3",
                    S_STR(session), S_INT(after), S_INT(limit)));
    json_name(o, "results");
    json_open_array(o);
    for (int i = 0; i < rows.count; i++) {
        json_put_raw(o, row_str(&rows, i, 0));
    }
    json_close_array(o);
    return E_OK;
}

enum err eval_session_get(struct ctx *c, struct call *call)
{
    struct store_rows rows;
    int64_t after;
    TRY(call_query_int(c, call, "after", 0, &after));
    TRY(find(c, call, &rows));
    struct json_out *o = call_json(call);
    json_open_object(o);
    write_session(c, o, &rows, 0);
    TRY(write_results(c, call, row_str(&rows, 0, 0), after, PAGE));
    json_close_object(o);
    return E_OK;
}

enum err eval_session_export(struct ctx *c, struct call *call)
{
    struct store_rows rows;
    TRY(find(c, call, &rows));
    struct json_out *o = call_json(call);
    json_open_object(o);
    write_session(c, o, &rows, 0);
    TRY(write_results(c, call, row_str(&rows, 0, 0), 0, EVAL_RESULTS_MAX));
    json_close_object(o);
    response_header(call->out, "Content-Disposition",
                    str_fmt(c->arena, "attachment; filename=\"evaluation-%.*s.json\"",
                            STR_ARG(row_str(&rows, 0, 0))));
    return E_OK;
}

enum err eval_session_list(struct ctx *c, struct call *call)
{
    struct store_rows rows;
    int limit;
    struct str cursor = call_query(c, call, "cursor");
    TRY(call_limit(c, call, &limit));
    TRY(store_query(c, call->store, &rows,
                    SESSION " WHERE (?1 = '' OR s.id < ?1) ORDER BY s.id DESC LIMIT ?2",
                    S_STR(cursor), S_INT(limit)));
    struct json_out *o = call_list_begin(call);
    for (int i = 0; i < rows.count; i++) {
        json_open_object(o);
        write_session(c, o, &rows, i);
        json_close_object(o);
    }
    call_list_end(call, rows.count == limit ? row_str(&rows, rows.count - 1, 0) : STR(""));
    return E_OK;
}

enum err eval_session_tasks(struct ctx *c, struct call *call)
{
    (void)c;
    struct json_out *o = call_list_begin(call);
    for (int i = 0; eval_task_at(i); i++) {
        const struct eval_task *task = eval_task_at(i);
        json_open_object(o);
        json_field_str(o, "name", str_of(task->name));
        json_field_str(o, "title", str_of(task->title));
        json_field_str(o, "prompt", str_of(task->prompt));
        json_field_bool(o, "refused", task->refused);
        json_field_bool(o, "table", task->table);
        json_close_object(o);
    }
    call_list_end(call, STR(""));
    return E_OK;
}

enum err eval_session_post(struct ctx *c, struct call *call)
{
    const struct eval_session_input *in = call->input;
    const struct json *accounts = NULL;
    struct store_rows rows;
    struct arena *a = c->arena;
    if (in->falsify.n && !is_falsifiable(in->falsify)) {
        return ctx_fail_field(c, E_INVALID, "falsify", "falsify: %.*s cannot be bent",
                              STR_ARG(in->falsify));
    }
    TRY(read_tasks(c, in->tasks));
    TRY(read_accounts(c, in->accounts, &accounts));
    struct making m = {.store = call->store,
                       .id = id_new(ctx_now_ms(c)),
                       .member = c->actor,
                       .total = total_of(json_count(accounts), in->tasks)};
    if (m.total > EVAL_RESULTS_MAX) {
        return ctx_fail_field(c, E_TOO_LARGE, "accounts",
                              "accounts times tasks are %lld asks; at most %d", (long long)m.total,
                              EVAL_RESULTS_MAX);
    }
    m.plan = json_object(a, {"accounts", accounts}, {"tasks", in->tasks},
                         {"falsify", in->falsify.n ? json_new_str(a, in->falsify) : NULL});
    TRY(store_transact(c, call->store, make_in, &m));
    TRY(store_query(c, call->store, &rows, SESSION " WHERE s.id = ?1", S_ID(&m.id)));
    struct json_out *o = call_json(call);
    json_open_object(o);
    write_session(c, o, &rows, 0);
    json_close_object(o);
    return E_OK;
}

enum err eval_session_stop(struct ctx *c, struct call *call)
{
    struct store_rows rows;
    TRY(find(c, call, &rows));
    TRY(store_exec(c, call->store, NULL,
                   "UPDATE eval_session SET status = 'stopped', finished_at = ?2 WHERE id = ?1 AND"
                   " status = 'running'",
                   S_STR(row_str(&rows, 0, 0)), S_INT(ctx_now_ms(c))));
    TRY(find(c, call, &rows));
    struct json_out *o = call_json(call);
    json_open_object(o);
    write_session(c, o, &rows, 0);
    json_close_object(o);
    return E_OK;
}

static enum err delete_in(struct ctx *c, void *arg)
{
    const struct making *m = arg;
    TRY(store_exec(c, m->store, NULL, "DELETE FROM eval_result WHERE session_id = ?1",
                   S_ID(&m->id)));
    return store_exec(c, m->store, NULL, "DELETE FROM eval_session WHERE id = ?1", S_ID(&m->id));
}

enum err eval_session_delete(struct ctx *c, struct call *call)
{
    struct store_rows rows;
    struct making m = {.store = call->store};
    TRY(find(c, call, &rows));
    m.id = row_id(&rows, 0, 0);
    TRY(store_transact(c, call->store, delete_in, &m));
    call->status = 204;
    return E_OK;
}

/* ---- keeping less of old ones -------------------------------------------- */

enum { TRIMMED_AT_ONCE = 10 };

/* The verdict stays; the whole answer, which is most of it, goes. n is moved on, or 0: no more. */
static enum err trim_next(struct ctx *c, struct str session, int64_t *inout_n)
{
    const struct json *result;
    struct json_fault fault;
    struct store_rows rows;
    struct store *s;
    TRY(store_of(c, &s));
    TRY(store_query(c, s, &rows,
                    "SELECT n, result FROM eval_result WHERE session_id = ?1 AND n > ?2 ORDER BY n"
                    " LIMIT 1",
                    S_STR(session), S_INT(*inout_n)));
    *inout_n = rows.count ? row_int(&rows, 0, 0) : 0;
    if (!rows.count || json_parse(c->arena, row_str(&rows, 0, 1), &result, &fault) != E_OK ||
        !json_get(result, "final")) {
        return E_OK;
    }
    result = json_with(c->arena, result, STR("final"), NULL);
    return store_exec(c, s, NULL,
                      "UPDATE eval_result SET result = ?3 WHERE session_id = ?1 AND n = ?2",
                      S_STR(session), S_INT(*inout_n), S_STR(json_write(c->arena, result)));
}

/* One result at a time, for each may be long. */
static enum err trim(struct ctx *c, struct str session)
{
    enum err e = E_OK;
    int64_t n = 0;
    do {
        struct ctx *own = ctx_child(c, CHILD_BYTES);
        e = trim_next(own, session, &n);
        if (e != E_OK) {
            c->fault = own->fault;
        }
        ctx_free(&own);
    } while (e == E_OK && n);
    return e;
}

enum err eval_session_trim(struct ctx *c, struct store *s)
{
    struct store_rows rows;
    TRY(store_query(c, s, &rows,
                    "SELECT id FROM eval_session WHERE trimmed = 0 AND status <> 'running' AND id"
                    " NOT IN (SELECT id FROM eval_session ORDER BY id DESC LIMIT ?1)"
                    " ORDER BY id LIMIT ?2",
                    S_INT(EVAL_SESSIONS_WHOLE), S_INT(TRIMMED_AT_ONCE)));
    for (int i = 0; i < rows.count; i++) {
        TRY(trim(c, row_str(&rows, i, 0)));
        TRY(store_exec(c, s, NULL, "UPDATE eval_session SET trimmed = 1 WHERE id = ?1",
                       S_STR(row_str(&rows, i, 0))));
    }
    return E_OK;
}

/* ---- forgetting -------------------------------------------------------- */

/* A plan in which null stands for one account: the numbers of results follow from places, and a
 * session under way goes on by them. `forgot` tells an ask under way that something went. */
static const struct json *plan_without(struct arena *a, const struct json *plan, struct str account)
{
    const struct json *list = &json_empty_array, *all = json_get(plan, "accounts");
    for (size_t i = 0; i < json_count(all); i++) {
        bool gone = str_eq(json_str(json_at(all, i), "id", STR("")), account);
        list = json_push(a, list, gone ? &json_null_value : json_at(all, i));
    }
    plan = json_with(a, plan, STR("accounts"), list);
    return json_with(a, plan, STR("forgot"), json_new_int(a, json_int(plan, "forgot", 0) + 1));
}

enum err eval_session_forget(struct ctx *c, struct store *s, struct str account)
{
    struct store_rows rows;
    struct str anywhere = str_fmt(c->arena, "%%%.*s%%", STR_ARG(account));
    TRY(store_exec(c, s, NULL,
                   "DELETE FROM eval_result WHERE account = ?1 OR (account = '' AND result LIKE"
                   " ?2)",
                   S_STR(account), S_STR(anywhere)));
    TRY(store_query(c, s, &rows,
                    "SELECT id, plan FROM eval_session WHERE plan LIKE ?1 OR status = 'running'",
                    S_STR(anywhere)));
    for (int i = 0; i < rows.count; i++) {
        const struct json *plan;
        struct json_fault fault;
        if (json_parse(c->arena, row_str(&rows, i, 1), &plan, &fault) != E_OK) {
            continue;
        }
        plan = plan_without(c->arena, plan, account);
        size_t left = json_count(left_of(c->arena, json_get(plan, "accounts")));
        TRY(store_exec(c, s, NULL, "UPDATE eval_session SET plan = ?2, total = ?3 WHERE id = ?1",
                       S_STR(row_str(&rows, i, 0)), S_STR(json_write(c->arena, plan)),
                       S_INT(total_of(left, json_get(plan, "tasks")))));
    }
    return E_OK;
}
