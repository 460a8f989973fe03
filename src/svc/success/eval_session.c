#include "svc/success/eval_session.h"

#include "host/access.h"
#include "svc/success/eval_check.h"
#include "svc/success/success_ask.h"

enum { RESULT_MAX_BYTES = 512 << 10, CHILD_BYTES = 64 << 20, PAGE = 50, END_MS = 5000 };

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

static enum err ask_account(struct ctx *c, const char *ask, struct str account,
                            const struct json **out)
{
    const struct json *question =
        json_object(c->arena, {"account", json_new_str(c->arena, account)});
    return host_ask(c, ask, question, out);
}

/* As they are called now; E_INVALID names one that is not there. */
static enum err read_accounts(struct ctx *c, const struct json *wanted, const struct json **out)
{
    const struct json *list = &json_empty_array;
    for (size_t i = 0; i < json_count(wanted); i++) {
        const struct json *facts;
        struct str name = json_text(json_at(wanted, i), STR(""));
        enum err e = name.n ? ask_account(c, "account.facts", name, &facts) : E_NOT_FOUND;
        if (e == E_NOT_FOUND) {
            return ctx_fail_field(c, E_INVALID, "accounts",
                                  "accounts: there is no account \"%.*s\"", STR_ARG(name));
        }
        TRY(e);
        const struct json *account = json_get(facts, "account");
        list = json_push(c->arena, list,
                         json_object(c->arena, {"id", json_get(account, "id")},
                                     {"slug", json_get(account, "slug")},
                                     {"name", json_get(account, "name")}));
    }
    *out = list;
    return E_OK;
}

static int64_t total_of(const struct json *accounts, const struct json *tasks)
{
    int64_t total = 0;
    for (size_t i = 0; i < json_count(tasks); i++) {
        const struct eval_task *task = eval_task_find(json_text(json_at(tasks, i), STR("")));
        total += task && task->table ? 1 : (int64_t)json_count(accounts);
    }
    return total;
}

struct making {
    struct store *store;
    struct id id, member;
    const struct json *plan; /* {accounts, tasks, falsify?} */
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
    json_field(o, "accounts", json_get(plan, "accounts"));
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
                       .total = total_of(accounts, in->tasks)};
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

/* The accounts of a plan but one. */
static const struct json *plan_without(struct arena *a, const struct json *plan, struct str account)
{
    const struct json *list = &json_empty_array, *all = json_get(plan, "accounts");
    for (size_t i = 0; i < json_count(all); i++) {
        bool gone = str_eq(json_str(json_at(all, i), "id", STR("")), account);
        list = gone ? list : json_push(a, list, json_at(all, i));
    }
    return json_with(a, plan, STR("accounts"), list);
}

enum err eval_session_forget(struct ctx *c, struct store *s, struct str account)
{
    struct store_rows rows;
    struct str anywhere = str_fmt(c->arena, "%%%.*s%%", STR_ARG(account));
    TRY(store_exec(c, s, NULL,
                   "DELETE FROM eval_result WHERE account = ?1 OR (account = '' AND result LIKE"
                   " ?2)",
                   S_STR(account), S_STR(anywhere)));
    TRY(store_query(c, s, &rows, "SELECT id, plan FROM eval_session WHERE plan LIKE ?1",
                    S_STR(anywhere)));
    for (int i = 0; i < rows.count; i++) {
        const struct json *plan;
        struct json_fault fault;
        if (json_parse(c->arena, row_str(&rows, i, 1), &plan, &fault) == E_OK) {
            plan = plan_without(c->arena, plan, account);
            TRY(store_exec(c, s, NULL, "UPDATE eval_session SET plan = ?2 WHERE id = ?1",
                           S_STR(row_str(&rows, i, 0)), S_STR(json_write(c->arena, plan))));
        }
    }
    return E_OK;
}

/* ---- the work ------------------------------------------------------------ */

struct work {
    struct store *store;
    struct str session;
    const struct json *plan;
    int64_t done; /* results that are kept */
};

/* One ask of a session. */
struct trial {
    int64_t n;
    const struct eval_task *task;
    const struct json *account; /* {id, slug, name}; NULL: over all */
    struct str prompt;
};

static const struct json *bent(struct arena *a, const struct json *value)
{
    if (json_is(value, JSON_STRING)) {
        return json_new_str(a, str_eqz(value->string, "down") ? STR("up") : STR("down"));
    }
    return json_new_int(a, (int64_t)json_number(value, 0) + 7);
}

/* The truth, with one value of it replaced: parts of facts, or of health. */
static void bend(struct arena *a, struct str path, struct eval_truth *t)
{
    ptrdiff_t dot = str_find_char(path, '.');
    struct str part = str_sub(path, 0, dot < 0 ? 0 : (size_t)dot);
    struct str name = str_sub(path, (size_t)(dot + 1), path.n);
    if (str_eqz(part, "health")) {
        t->health = json_with(a, t->health, name, bent(a, json_find(t->health, name)));
    } else if (part.n) {
        const struct json *in = json_find(t->facts, part);
        const struct json *with = json_with(a, in, name, bent(a, json_find(in, name)));
        t->facts = json_with(a, t->facts, part, with);
    }
}

static enum err read_truth(struct ctx *c, const struct work *w, const struct trial *trial,
                           struct eval_truth *out)
{
    const struct json *days = NULL;
    if (!trial->account) {
        return E_OK;
    }
    struct str id = json_str(trial->account, "id", STR(""));
    TRY(ask_account(c, "account.facts", id, &out->facts));
    TRY(ask_account(c, "account.health", id, &out->health));
    const struct json *factors = json_get(out->health, "factors");
    for (size_t i = 0; i < json_count(factors); i++) {
        const struct json *one = json_at(factors, i);
        days = str_eqz(json_str(one, "name", STR("")), "renewal") ? json_get(one, "value") : days;
    }
    out->renewal_days = (int64_t)json_number(days, -1);
    out->name = str_dupz(c->arena, json_str(trial->account, "name", STR("")));
    bend(c->arena, json_str(w->plan, "falsify", STR("")), out);
    return E_OK;
}

static const struct json *result_of(struct arena *a, const struct trial *trial,
                                    const struct json *final, const struct json *checks,
                                    int64_t took_ms)
{
    const char *status = !final ? "error" : eval_check_passed(checks) ? "passed" : "failed";
    return json_object(
        a, {"n", json_new_int(a, trial->n)},
        {"account", trial->account ? trial->account : &json_null_value},
        {"task", json_new_str(a, str_of(trial->task->name))},
        {"prompt", json_new_str(a, trial->prompt)}, {"status", json_new_str(a, str_of(status))},
        {"took_ms", json_new_int(a, took_ms)}, {"plan_source", json_get(final, "plan_source")},
        {"checks", checks}, {"summary", json_get(final, "summary")}, {"final", final});
}

static enum err keep_result(struct ctx *c, const struct work *w, const struct trial *trial,
                            const struct json *result)
{
    struct str text = json_write(c->arena, result);
    if (text.n > RESULT_MAX_BYTES) {
        text = json_write(c->arena, json_with(c->arena, result, STR("final"), NULL));
    }
    return store_exec(c, w->store, NULL,
                      "INSERT INTO eval_result (session_id, n, status, account, took_ms, result)"
                      " VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (session_id, n) DO NOTHING",
                      S_STR(w->session), S_INT(trial->n),
                      S_STR(json_str(result, "status", STR(""))),
                      S_STR(json_str(trial->account, "id", STR(""))),
                      S_INT(json_int(result, "took_ms", 0)), S_STR(text));
}

static const struct json *gone(struct arena *a)
{
    const struct json *check =
        json_object(a, {"check", json_new_str(a, STR("account_there"))}, {"ok", &json_false_value},
                    {"detail", json_new_str(a, STR("the account was removed meanwhile"))});
    return json_push(a, &json_empty_array, check);
}

/* As a member asks, and judged at once: the truth is read after the answer. */
static enum err run_trial(struct ctx *c, const struct work *w, const struct trial *trial)
{
    struct brief brief = {0};
    struct eval_truth truth = {.question = trial->prompt};
    struct success_ask q = {.text = trial->prompt,
                            .selected = json_str(trial->account, "id", STR(""))};
    int64_t began_ms = clock_steady_ms();
    enum err e = success_ask(c, &q, &brief);
    if (e == E_CANCELLED || e == E_UNAVAILABLE) {
        return e; /* the program stops, or the store is away: this one again later */
    }
    const struct json *final = e == E_OK ? brief.final : success_ask_apology(c, &q, e);
    truth.took_ms = clock_steady_ms() - began_ms;
    enum err told = read_truth(c, w, trial, &truth);
    if (told == E_NOT_FOUND) { /* removed while it was asked about */
        ctx_forgive(c);
        return keep_result(c, w, trial,
                           result_of(c->arena, trial, NULL, gone(c->arena), truth.took_ms));
    }
    TRY(told);
    const struct json *checks = eval_check(c->arena, trial->task, final, &truth);
    return keep_result(c, w, trial, result_of(c->arena, trial, final, checks, truth.took_ms));
}

static struct str prompt_of(struct arena *a, const struct eval_task *task,
                            const struct json *account)
{
    struct str text = str_of(task->prompt), name = json_str(account, "name", STR(""));
    ptrdiff_t at = str_find(text, STR("%s"));
    return at < 0 ? text
                  : str_fmt(a, "%.*s%.*s%.*s", STR_ARG(str_sub(text, 0, (size_t)at)), STR_ARG(name),
                            STR_ARG(str_sub(text, (size_t)at + 2, text.n)));
}

static enum err step(struct ctx *c, const struct work *w, struct trial *trial)
{
    trial->n++;
    if (trial->n <= w->done) {
        return E_OK;
    }
    struct ctx *own = ctx_child(c, CHILD_BYTES);
    trial->prompt = prompt_of(own->arena, trial->task, trial->account);
    struct work mine = *w;
    enum err e = store_of(own, &mine.store);
    e = e == E_OK ? run_trial(own, &mine, trial) : e;
    if (e != E_OK) {
        c->fault = own->fault;
    }
    ctx_free(&own);
    return e;
}

static enum err load(struct ctx *c, struct job *job, struct work *out, bool *out_running)
{
    struct store_rows rows;
    struct json_fault fault;
    TRY(store_of(c, &out->store));
    out->session = job->unique_key;
    TRY(store_query(c, out->store, &rows,
                    "SELECT status, plan, (SELECT count(*) FROM eval_result WHERE session_id = ?1)"
                    " FROM eval_session WHERE id = ?1",
                    S_STR(job->unique_key)));
    *out_running = rows.count && str_eqz(row_str(&rows, 0, 0), "running");
    if (!*out_running) {
        return E_OK;
    }
    out->done = row_int(&rows, 0, 2);
    return json_parse(c->arena, row_str(&rows, 0, 1), &out->plan, &fault) == E_OK
               ? E_OK
               : ctx_fail(c, E_INVALID, "the session's plan is damaged: %s", fault.text);
}

static enum err is_stopped(struct ctx *c, const struct work *w, bool *out)
{
    struct store_rows rows;
    TRY(store_query(c, w->store, &rows, "SELECT status FROM eval_session WHERE id = ?1",
                    S_STR(w->session)));
    *out = !rows.count || !str_eqz(row_str(&rows, 0, 0), "running");
    return E_OK;
}

/* Task by task over the accounts; a task over all of them once. */
static enum err run_all(struct ctx *c, struct job *job, const struct work *w)
{
    const struct json *tasks = json_get(w->plan, "tasks"),
                      *accounts = json_get(w->plan, "accounts");
    struct trial trial = {0};
    bool stopped = false;
    for (size_t t = 0; t < json_count(tasks); t++) {
        trial.task = eval_task_find(json_text(json_at(tasks, t), STR("")));
        size_t times = !trial.task ? 0 : trial.task->table ? 1 : json_count(accounts);
        for (size_t i = 0; i < times && !stopped; i++) {
            trial.account = trial.task->table ? NULL : json_at(accounts, i);
            TRY(step(c, w, &trial));
            TRY(job_beat(c, w->store, job));
            TRY(is_stopped(c, w, &stopped));
            TRY(ctx_check(c));
        }
    }
    return E_OK;
}

static enum err end(struct ctx *c, const struct work *w, const char *status)
{
    return store_exec(c, w->store, NULL,
                      "UPDATE eval_session SET status = ?3, finished_at = ?2 WHERE id = ?1 AND"
                      " status = 'running'",
                      S_STR(w->session), S_INT(ctx_now_ms(c)), S_Z(status));
}

enum err eval_session_work(struct ctx *c, struct job *job)
{
    struct work w = {0};
    bool running;
    TRY(load(c, job, &w, &running));
    if (!running) {
        return E_OK;
    }
    uint32_t roles = c->roles;
    c->roles = ROLE_VIEWER; /* sees what members see, and no more */
    enum err e = run_all(c, job, &w);
    c->roles = roles;
    /* One that will not be tried again stands in nobody's way. */
    bool last = job->attempt >= EVAL_TRIES || e == E_INVALID || e == E_NOT_FOUND;
    if (e != E_OK && last) { /* told with memory and time of its own: ours may be used up */
        struct ctx *own = ctx_child(c, CHILD_BYTES);
        own->deadline_steady_ms = 0;
        ctx_limit(own, END_MS);
        if (store_of(own, &w.store) == E_OK) {
            end(own, &w, "failed");
        }
        ctx_free(&own);
    }
    TRY(e);
    return end(c, &w, "done");
}
