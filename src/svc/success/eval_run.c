#include "svc/success/eval_run.h"

#include "host/access.h"
#include "host/service.h"
#include "svc/success/eval_check.h"
#include "svc/success/success_ask.h"
#include "svc/success/success_facts.h"

enum { RESULT_MAX_BYTES = 512 << 10, CHILD_BYTES = 64 << 20, END_MS = 5000, RANKED_TRIES = 3 };

struct work {
    struct store *store;
    struct str session;
    const struct json *tasks;
    size_t places; /* of accounts, those that were removed among them */
    int64_t done;  /* the highest number that is kept */
};

/* One ask of a session. */
struct trial {
    int64_t n;
    const struct eval_task *task;
    size_t place;               /* of its account in the plan */
    const struct json *account; /* {id, slug, name}; NULL: over all */
    int64_t forgot;             /* of the plan when it began */
    struct str prompt, falsify;
};

/* ---- the truth ----------------------------------------------------------- */

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

static enum err ask_account(struct ctx *c, const char *ask, struct str account,
                            const struct json **out)
{
    const struct json *question =
        json_object(c->arena, {"account", json_new_str(c->arena, account)});
    return host_ask(c, ask, question, out);
}

static enum err read_truth(struct ctx *c, const struct trial *trial, struct eval_truth *out)
{
    const struct json *date;
    if (!trial->account) {
        return E_OK;
    }
    struct str id = json_str(trial->account, "id", STR(""));
    TRY(ask_account(c, "account.facts", id, &out->facts));
    TRY(ask_account(c, "account.health", id, &out->health));
    date = json_get(json_get(out->facts, "contract"), "renewal_date_ms");
    int64_t days = success_facts_days((int64_t)json_number(date, 0), ctx_now_ms(c));
    out->renewal_days = !json_is(date, JSON_INT) ? -1 : days > 0 ? days : 0;
    out->now_ms = ctx_now_ms(c);
    out->currency = success_facts_currency(c, out->facts);
    out->name = str_dupz(c->arena, json_str(trial->account, "name", STR("")));
    bend(c->arena, trial->falsify, out);
    return E_OK;
}

/* ---- keeping ------------------------------------------------------------- */

/* The plan as it is now; `out_running` is false where the session was stopped or removed. */
static enum err read_plan(struct ctx *c, struct store *s, struct str session,
                          const struct json **out_plan, bool *out_running)
{
    struct store_rows rows;
    struct json_fault fault;
    TRY(store_query(c, s, &rows, "SELECT status, plan FROM eval_session WHERE id = ?1",
                    S_STR(session)));
    *out_plan = NULL;
    *out_running = rows.count && str_eqz(row_str(&rows, 0, 0), "running");
    return !rows.count || json_parse(c->arena, row_str(&rows, 0, 1), out_plan, &fault) == E_OK
               ? E_OK
               : ctx_fail(c, E_INVALID, "the session's plan is damaged: %s", fault.text);
}

static const struct json *result_of(struct arena *a, const struct trial *trial,
                                    const struct json *final, const struct json *checks,
                                    int64_t took_ms)
{
    const char *status = eval_check_passed(checks) ? "passed" : "failed";
    return json_object(
        a, {"n", json_new_int(a, trial->n)},
        {"account", trial->account ? trial->account : &json_null_value},
        {"task", json_new_str(a, str_of(trial->task->name))},
        {"prompt", json_new_str(a, trial->prompt)}, {"status", json_new_str(a, str_of(status))},
        {"took_ms", json_new_int(a, took_ms)}, {"plan_source", json_get(final, "plan_source")},
        {"checks", checks}, {"summary", json_get(final, "summary")}, {"final", final});
}

struct keeping {
    const struct work *work;
    const struct trial *trial;
    const struct json *result;
    struct str text, account;
    bool again;
};

/* In the transaction: whatever goes, goes before it or after it. */
static enum err keep_in(struct ctx *c, void *arg)
{
    struct keeping *k = arg;
    const struct trial *trial = k->trial;
    const struct json *plan;
    bool running;
    TRY(read_plan(c, k->work->store, k->work->session, &plan, &running));
    bool gone = trial->account && json_is_null(json_at(json_get(plan, "accounts"), trial->place));
    k->again = plan && !k->account.n && json_int(plan, "forgot", 0) != trial->forgot;
    if (!plan || gone || k->again) {
        return E_OK;
    }
    return store_exec(c, k->work->store, NULL,
                      "INSERT INTO eval_result (session_id, n, status, account, took_ms, result)"
                      " VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (session_id, n) DO NOTHING",
                      S_STR(k->work->session), S_INT(trial->n),
                      S_STR(json_str(k->result, "status", STR(""))), S_STR(k->account),
                      S_INT(json_int(k->result, "took_ms", 0)), S_STR(k->text));
}

/* `out_again`: it may tell of an account that was removed since, and is not kept. */
static enum err keep_result(struct ctx *c, const struct work *w, const struct trial *trial,
                            const struct json *result, bool *out_again)
{
    struct keeping k = {.work = w, .trial = trial, .result = result, .account = STR("")};
    struct str asked = json_str(trial->account, "id", STR(""));
    /* one that speaks of another account, or of several, is looked through when one goes */
    if (str_eq(asked, json_str(json_path(result, "final.account"), "id", STR("")))) {
        k.account = asked;
    }
    k.text = json_write(c->arena, result);
    if (k.text.n > RESULT_MAX_BYTES) {
        k.text = json_write(c->arena, json_with(c->arena, result, STR("final"), NULL));
    }
    TRY(store_transact(c, w->store, keep_in, &k));
    *out_again = k.again;
    return E_OK;
}

/* ---- asking -------------------------------------------------------------- */

/* As a member asks, and judged at once: the truth is read after the answer. */
static enum err run_trial(struct ctx *c, const struct work *w, const struct trial *trial,
                          bool *out_again)
{
    struct brief brief = {0};
    struct eval_truth truth = {.question = trial->prompt};
    /* What an answer claims in words is read in English, whatever the org's language is. */
    const struct json *english =
        json_object(c->arena, {"language", json_new_str(c->arena, STR("en"))});
    struct success_ask q = {.text = trial->prompt,
                            .selected = json_str(trial->account, "id", STR("")),
                            .params = english};
    int64_t began_ms = clock_steady_ms();
    enum err e = success_ask(c, &q, &brief);
    if (e == E_CANCELLED || e == E_UNAVAILABLE) {
        return e; /* the program stops, or the store is away: this one again later */
    }
    const struct json *final = e == E_OK ? brief.final : success_ask_apology(c, &q, e);
    truth.took_ms = clock_steady_ms() - began_ms;
    enum err told = read_truth(c, trial, &truth);
    if (told == E_NOT_FOUND) { /* removed while it was asked about: nothing of it is kept */
        ctx_forgive(c);
        return E_OK;
    }
    TRY(told);
    const struct json *checks = eval_check(c->arena, trial->task, final, &truth);
    const struct json *result = result_of(c->arena, trial, final, checks, truth.took_ms);
    return keep_result(c, w, trial, result, out_again);
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

/* By the plan as it is now, and once more where an account went from under it. */
static enum err try_trial(struct ctx *c, const struct work *w, struct trial *trial,
                          bool *out_running)
{
    for (int i = 0; i < RANKED_TRIES; i++) {
        const struct json *plan;
        bool again = false;
        TRY(read_plan(c, w->store, w->session, &plan, out_running));
        if (!*out_running) {
            return E_OK;
        }
        trial->account = NULL;
        if (!trial->task->table) {
            trial->account = json_at(json_get(plan, "accounts"), trial->place);
            if (json_is_null(trial->account)) {
                return E_OK;
            }
        }
        trial->forgot = json_int(plan, "forgot", 0);
        trial->falsify = json_str(plan, "falsify", STR(""));
        trial->prompt = prompt_of(c->arena, trial->task, trial->account);
        TRY(run_trial(c, w, trial, &again));
        if (!again) {
            return E_OK;
        }
    }
    return ctx_fail(c, E_CONFLICT, "accounts were removed while they were ranked");
}

static enum err step(struct ctx *c, const struct work *w, struct trial *trial, bool *out_running)
{
    trial->n++;
    if (trial->n <= w->done) {
        return E_OK;
    }
    struct ctx *own = ctx_child(c, CHILD_BYTES);
    struct work mine = *w;
    enum err e = store_of(own, &mine.store);
    e = e == E_OK ? try_trial(own, &mine, trial, out_running) : e;
    if (e != E_OK) {
        c->fault = own->fault;
    }
    ctx_free(&own);
    return e;
}

/* What is kept goes on from its highest number, however many of those before were removed. */
static enum err load(struct ctx *c, struct job *job, struct work *out, bool *out_running)
{
    struct store_rows rows;
    const struct json *plan;
    TRY(store_of(c, &out->store));
    out->session = job->unique_key;
    TRY(read_plan(c, out->store, out->session, &plan, out_running));
    TRY(store_query(c, out->store, &rows,
                    "SELECT coalesce(max(n), 0) FROM eval_result WHERE session_id = ?1",
                    S_STR(out->session)));
    out->done = row_int(&rows, 0, 0);
    out->tasks = json_get(plan, "tasks");
    out->places = json_count(json_get(plan, "accounts"));
    return E_OK;
}

/* Task by task over the accounts; a task over all of them once. */
static enum err run_all(struct ctx *c, struct job *job, const struct work *w)
{
    struct trial trial = {0};
    bool running = true;
    for (size_t t = 0; t < json_count(w->tasks); t++) {
        trial.task = eval_task_find(json_text(json_at(w->tasks, t), STR("")));
        size_t times = !trial.task ? 0 : trial.task->table ? 1 : w->places;
        for (trial.place = 0; trial.place < times && running; trial.place++) {
            TRY(step(c, w, &trial, &running));
            TRY(job_beat(c, w->store, job));
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

enum err eval_run_work(struct ctx *c, struct job *job)
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
    bool last = job->attempt >= EVAL_RUN_TRIES || e == E_INVALID || e == E_NOT_FOUND;
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
