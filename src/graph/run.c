#include "graph/run.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/log.h"
#include "graph/checkpoint.h"

enum { SIGNAL_MAX_BYTES = 256 << 10, PAGE_MAX = 1000, RECOVER_ARENA_BYTES = 256 << 20 };

struct runs {
    const struct graph *const *graphs;
    void *arg;
    pthread_mutex_t lock;
    struct inflight *inflight; /* guarded by lock */
};

static const char *const STATUS_NAMES[] = {"running", "waiting", "done", "failed", "cancelled"};

const char *run_status_name(enum run_status s)
{
    return STATUS_NAMES[s];
}

struct runs *runs_new(const struct graph *const *graphs, void *arg)
{
    struct runs *r = mem_new(sizeof(*r));
    r->graphs = graphs;
    r->arg = arg;
    pthread_mutex_init(&r->lock, NULL);
    return r;
}

void runs_free(struct runs **r)
{
    if (*r) {
        pthread_mutex_destroy(&(*r)->lock);
        free(*r);
        *r = NULL;
    }
}

void *runs_arg(const struct runs *r)
{
    return r->arg;
}

const struct graph *runs_graph(const struct runs *r, struct str name)
{
    for (int i = 0; r->graphs && r->graphs[i]; i++) {
        if (str_eqz(name, r->graphs[i]->table->name)) {
            return r->graphs[i];
        }
    }
    return NULL;
}

static struct inflight *find_inflight(struct runs *r, const struct id *run)
{
    struct inflight *f = r->inflight;
    while (f && !id_eq(&f->run, run)) {
        f = f->next;
    }
    return f;
}

bool runs_enter(struct runs *r, struct inflight *f)
{
    pthread_mutex_lock(&r->lock);
    bool free_ = !find_inflight(r, &f->run);
    if (free_) {
        f->next = r->inflight;
        r->inflight = f;
    }
    pthread_mutex_unlock(&r->lock);
    return free_;
}

void runs_leave(struct runs *r, struct inflight *f)
{
    pthread_mutex_lock(&r->lock);
    struct inflight **at = &r->inflight;
    while (*at && *at != f) {
        at = &(*at)->next;
    }
    if (*at) {
        *at = f->next;
    }
    pthread_mutex_unlock(&r->lock);
}

bool runs_drives(struct runs *r, const struct id *run)
{
    pthread_mutex_lock(&r->lock);
    bool drives = find_inflight(r, run) != NULL;
    pthread_mutex_unlock(&r->lock);
    return drives;
}

bool runs_flag(struct ctx *c, struct runs *r, const struct id *run, bool only_memory)
{
    pthread_mutex_lock(&r->lock);
    struct inflight *f = find_inflight(r, run);
    bool found = f && id_eq(&f->org, &c->org) && (f->in_memory || !only_memory);
    if (found) {
        atomic_store(&f->cancel, true);
    }
    pthread_mutex_unlock(&r->lock);
    return found;
}

bool run_is_driven(struct ctx *c, struct runs *r, const struct id *run)
{
    pthread_mutex_lock(&r->lock);
    const struct inflight *f = find_inflight(r, run);
    bool driven = f && id_eq(&f->org, &c->org);
    pthread_mutex_unlock(&r->lock);
    return driven;
}

enum err run_start(struct ctx *c, struct runs *r, const struct run_spec *spec,
                   const struct run_driver *driver, struct run *out_run)
{
    return drive_new(c, r, spec, driver, out_run);
}

static enum err create(struct drive *d, const struct run_spec *spec, struct id *out_run)
{
    TRY(drive_prepare(d, spec));
    TRY(store_of(d->c, &d->store));
    TRY(checkpoint_create(d->c, d, spec, 0));
    *out_run = d->run.id;
    return E_OK;
}

enum err run_create(struct ctx *c, struct runs *r, const struct run_spec *spec, struct id *out_run)
{
    if (spec->in_memory) {
        return ctx_fail(c, E_INVALID, "a run in memory is started, not recorded");
    }
    struct drive d;
    drive_open(&d, c, r, spec->graph);
    enum err e = create(&d, spec, out_run);
    drive_close(&d);
    return e;
}

enum err run_drive(struct ctx *c, struct runs *r, const struct id *run,
                   const struct run_driver *driver, struct run *out_run)
{
    return drive_stored(c, r, run, false, driver, out_run);
}

enum err run_take_over(struct ctx *c, struct runs *r, const struct id *run,
                       const struct run_driver *driver, struct run *out_run)
{
    return drive_stored(c, r, run, true, driver, out_run);
}

struct delivering {
    const struct id *run;
    const struct run_signal *signal;
    struct str entry;
};

static enum err deliver(struct ctx *c, void *arg)
{
    const struct delivering *w = arg;
    struct store *store;
    TRY(store_of(c, &store));
    int64_t changed = 0;
    TRY(store_exec(c, store, &changed,
                   "UPDATE run SET status = 'running', entry = ?4, lease_until_ms = 0,"
                   " updated_at_ms = ?5, wait_kind = NULL, wait_name = NULL, wait_until_ms = 0"
                   " WHERE id = ?1 AND status = 'waiting' AND wait_kind = ?2 AND wait_name = ?3",
                   S_ID(w->run), S_Z(w->signal->kind), S_STR(w->signal->name), S_STR(w->entry),
                   S_INT(ctx_now_ms(c))));
    if (changed == 1) {
        return E_OK;
    }
    struct run found;
    TRY(checkpoint_run(c, store, w->run, &found));
    return ctx_fail(c, E_CONFLICT, "run %s does not wait for %s %.*s", w->run->text,
                    w->signal->kind, STR_ARG(str_sub(w->signal->name, 0, 128)));
}

enum err run_deliver(struct ctx *c, struct runs *r, const struct id *run,
                     const struct run_signal *signal)
{
    (void)r;
    struct arena *a = c->arena;
    const struct json *p = &json_empty_object;
    p = json_with(a, p, STR("kind"), json_new_str(a, str_of(signal->kind)));
    p = json_with(a, p, STR("name"), json_new_str(a, signal->name));
    p = json_with(a, p, STR("data"), signal->data ? signal->data : &json_null_value);
    p = json_with(a, &json_empty_object, STR("payload"), p);
    struct delivering w = {run, signal, json_write(a, p)};
    if (w.entry.n > SIGNAL_MAX_BYTES) {
        return ctx_fail(c, E_TOO_LARGE, "what resumes a run has at most %d bytes",
                        SIGNAL_MAX_BYTES);
    }
    struct store *store;
    TRY(store_of(c, &store));
    return store_transact(c, store, deliver, &w);
}

enum err run_resume(struct ctx *c, struct runs *r, const struct id *run,
                    const struct run_signal *signal, const struct run_driver *driver,
                    struct run *out_run)
{
    TRY(run_deliver(c, r, run, signal));
    return run_drive(c, r, run, driver, out_run);
}

enum err run_due(struct ctx *c, struct runs *r, bool all_leases, int max, const struct id **out_ids,
                 int *out_count)
{
    struct store *store;
    TRY(store_of(c, &store));
    max = max > PAGE_MAX ? PAGE_MAX : max;
    int64_t now = ctx_now_ms(c);
    struct store_rows rows;
    TRY(store_query(c, store, &rows,
                    "SELECT id FROM run WHERE (status = 'running' AND lease_until_ms <= ?2)"
                    " OR (status = 'waiting' AND wait_until_ms > 0 AND wait_until_ms <= ?1)"
                    " ORDER BY updated_at_ms, id LIMIT ?3",
                    S_INT(now), S_INT(all_leases ? INT64_MAX : now), S_INT(max)));
    struct id *ids = ARENA_ARRAY(c->arena, struct id, (size_t)rows.count);
    int n = 0;
    for (int i = 0; i < rows.count; i++) {
        ids[n] = row_id(&rows, i, 0);
        n += runs_drives(r, &ids[n]) ? 0 : 1;
    }
    *out_ids = ids;
    *out_count = n;
    return E_OK;
}

enum err run_recover(struct ctx *c, struct runs *r, bool all_leases, int max, int *out_driven)
{
    const struct id *ids = NULL;
    int n = 0;
    TRY(run_due(c, r, all_leases, max, &ids, &n));
    int driven = 0;
    for (int i = 0; i < n; i++) {
        TRY(ctx_check(c));
        struct ctx *child = ctx_child(c, RECOVER_ARENA_BYTES);
        child->store = c->store;
        struct run run;
        enum err e = drive_stored(child, r, &ids[i], all_leases, NULL, &run);
        driven += e == E_OK ? 1 : 0;
        if (e != E_OK && e != E_CONFLICT) {
            log_at(child, LOG_WARN, "run not recovered", LOG_Z("run_id", ids[i].text),
                   LOG_Z("error", child->fault.text));
        }
        ctx_free(&child);
    }
    *out_driven = driven;
    return E_OK;
}

struct cancelling {
    const struct id *run;
};

static enum err cancel(struct ctx *c, void *arg)
{
    const struct cancelling *w = arg;
    struct store *store;
    TRY(store_of(c, &store));
    int64_t changed = 0;
    TRY(store_exec(c, store, &changed, CHECKPOINT_CANCEL, S_ID(w->run), S_INT(ctx_now_ms(c))));
    if (changed == 1) {
        return E_OK;
    }
    struct run found;
    TRY(checkpoint_run(c, store, w->run, &found));
    return ctx_fail(c, E_CONFLICT, "run %s has ended: %s", w->run->text,
                    run_status_name(found.status));
}

static enum err cancel_stored(struct ctx *c, const struct id *run)
{
    struct store *store;
    TRY(store_of(c, &store));
    struct cancelling w = {run};
    return store_transact(c, store, cancel, &w);
}

/* One that is not recorded has only its flag. Once it is set no commit of the run goes through, and
 * one that went through before is found by the second look. */
enum err run_cancel(struct ctx *c, struct runs *r, const struct id *run)
{
    if (runs_flag(c, r, run, true)) {
        return E_OK;
    }
    enum err e = cancel_stored(c, run);
    bool flagged = false;
    if (e == E_NOT_FOUND) {
        ctx_forgive(c);
        flagged = runs_flag(c, r, run, false);
        e = cancel_stored(c, run);
    }
    if (e == E_NOT_FOUND && flagged) {
        ctx_forgive(c);
        return E_OK;
    }
    TRY(e);
    runs_flag(c, r, run, false);
    return E_OK;
}

enum err run_get(struct ctx *c, struct runs *r, const struct id *run, struct run *out_run)
{
    struct store *store;
    TRY(store_of(c, &store));
    struct run found;
    TRY(checkpoint_run(c, store, run, &found));
    const struct graph *g = runs_graph(r, found.graph);
    int seq = -1;
    if (g && checkpoint_state(c, c->arena, g, run, &seq, &found.state) != E_OK) {
        ctx_forgive(c); /* its checkpoints have expired: the run itself can still be read */
        found.state = NULL;
    }
    *out_run = found;
    return E_OK;
}

enum err run_list(struct ctx *c, struct str thread, const struct id *before, int max,
                  const struct run **out_runs, int *out_count)
{
    struct store *store;
    TRY(store_of(c, &store));
    max = max > PAGE_MAX ? PAGE_MAX : max;
    struct str last = before && id_is_set(before) ? id_str(before) : STR("z"); /* after every id */
    struct store_rows rows;
    if (thread.n) {
        TRY(store_query(c, store, &rows,
                        "SELECT " CHECKPOINT_RUN_COLUMNS " FROM run WHERE thread = ?1 AND id < ?2"
                        " ORDER BY id DESC LIMIT ?3",
                        S_STR(thread), S_STR(last), S_INT(max)));
    } else {
        TRY(store_query(c, store, &rows,
                        "SELECT " CHECKPOINT_RUN_COLUMNS " FROM run WHERE id < ?1"
                        " ORDER BY id DESC LIMIT ?2",
                        S_STR(last), S_INT(max)));
    }
    struct run *runs = ARENA_ARRAY(c->arena, struct run, (size_t)rows.count);
    for (int i = 0; i < rows.count; i++) {
        runs[i] = checkpoint_run_of(&rows, i);
    }
    *out_runs = runs;
    *out_count = rows.count;
    return E_OK;
}

static const struct json *stored_json(struct ctx *c, const struct store_rows *rows, int i, int k)
{
    struct json_fault fault;
    const struct json *v = NULL;
    if (row_is_null(rows, i, k) || json_parse(c->arena, row_str(rows, i, k), &v, &fault) != E_OK) {
        return NULL;
    }
    return v;
}

enum err run_steps(struct ctx *c, const struct id *run, int after_seq, int max,
                   const struct run_step **out_steps, int *out_count)
{
    struct store *store;
    TRY(store_of(c, &store));
    max = max > PAGE_MAX ? PAGE_MAX : max;
    struct store_rows rows;
    TRY(store_query(c, store, &rows,
                    "SELECT seq, node, next, status, error_code, error, attempt, started_at_ms,"
                    " duration_ms, delta, trace, input, output FROM checkpoint"
                    " WHERE run_id = ?1 AND seq > ?2 AND seq > 0 ORDER BY seq LIMIT ?3",
                    S_ID(run), S_INT(after_seq), S_INT(max)));
    struct run_step *steps = ARENA_ARRAY(c->arena, struct run_step, (size_t)rows.count);
    for (int i = 0; i < rows.count; i++) {
        steps[i] = (struct run_step){
            .seq = (int)row_int(&rows, i, 0),
            .node = row_str(&rows, i, 1),
            .next = row_str(&rows, i, 2),
            .status = row_str(&rows, i, 3),
            .err = checkpoint_err(row_str(&rows, i, 4)),
            .error = row_str(&rows, i, 5),
            .attempt = (int)row_int(&rows, i, 6),
            .started_at_ms = row_int(&rows, i, 7),
            .duration_ms = row_int(&rows, i, 8),
            .delta = stored_json(c, &rows, i, 9),
            .trace = stored_json(c, &rows, i, 10),
            .input = stored_json(c, &rows, i, 11),
            .output = stored_json(c, &rows, i, 12),
        };
    }
    *out_steps = steps;
    *out_count = rows.count;
    return E_OK;
}

struct expiring {
    int64_t checkpoints_before_ms, runs_before_ms;
    int max;
    int expired;
};

static enum err forget_steps(struct ctx *c, struct store *store, struct store_value run)
{
    TRY(store_exec(c, store, NULL, "DELETE FROM checkpoint WHERE run_id = ?1", run));
    return store_exec(c, store, NULL, "DELETE FROM tool_call WHERE run_id = ?1", run);
}

static enum err expire(struct ctx *c, void *arg)
{
    struct expiring *w = arg;
    struct store *store;
    TRY(store_of(c, &store));
    struct store_rows rows;
    TRY(store_query(c, store, &rows,
                    "SELECT id FROM run WHERE finished_at_ms > 0 AND finished_at_ms < ?1"
                    " ORDER BY finished_at_ms LIMIT ?2",
                    S_INT(w->runs_before_ms), S_INT(w->max)));
    for (int i = 0; i < rows.count; i++) {
        TRY(forget_steps(c, store, S_STR(row_str(&rows, i, 0))));
        TRY(store_exec(c, store, NULL, "DELETE FROM run WHERE id = ?1",
                       S_STR(row_str(&rows, i, 0))));
    }
    w->expired = rows.count;
    TRY(store_query(c, store, &rows,
                    "SELECT id FROM run WHERE finished_at_ms > 0 AND finished_at_ms < ?1"
                    " AND EXISTS (SELECT 1 FROM checkpoint WHERE checkpoint.run_id = run.id)"
                    " ORDER BY finished_at_ms LIMIT ?2",
                    S_INT(w->checkpoints_before_ms), S_INT(w->max - w->expired)));
    for (int i = 0; i < rows.count; i++) {
        TRY(forget_steps(c, store, S_STR(row_str(&rows, i, 0))));
    }
    w->expired += rows.count;
    return E_OK;
}

enum err run_expire(struct ctx *c, int64_t checkpoints_before_ms, int64_t runs_before_ms, int max,
                    int *out_expired)
{
    struct store *store;
    TRY(store_of(c, &store));
    struct expiring w = {checkpoints_before_ms, runs_before_ms, max > PAGE_MAX ? PAGE_MAX : max, 0};
    TRY(store_transact(c, store, expire, &w));
    *out_expired = w.expired;
    return E_OK;
}

struct erasing {
    struct str thread;
    int64_t erased;
};

static enum err erase(struct ctx *c, void *arg)
{
    struct erasing *w = arg;
    struct store *store;
    TRY(store_of(c, &store));
    TRY(store_exec(c, store, NULL,
                   "DELETE FROM checkpoint WHERE run_id IN (SELECT id FROM run WHERE thread = ?1)",
                   S_STR(w->thread)));
    TRY(store_exec(c, store, NULL,
                   "DELETE FROM tool_call WHERE run_id IN (SELECT id FROM run WHERE thread = ?1)",
                   S_STR(w->thread)));
    return store_exec(c, store, &w->erased, "DELETE FROM run WHERE thread = ?1", S_STR(w->thread));
}

enum err run_erase(struct ctx *c, struct str thread, int *out_erased)
{
    struct store *store;
    TRY(store_of(c, &store));
    struct erasing w = {thread, 0};
    TRY(store_transact(c, store, erase, &w));
    *out_erased = (int)w.erased;
    return E_OK;
}
