#include "graph/checkpoint.h"

#include <string.h>

const struct migration graph_migrations[] = {
    {"graph", 1, STORE_SCOPE_ORG,
     "CREATE TABLE run ("
     " id TEXT NOT NULL, graph TEXT NOT NULL, graph_version TEXT NOT NULL, thread TEXT NOT NULL,"
     " version TEXT NOT NULL, status TEXT NOT NULL, seq BIGINT NOT NULL, node TEXT NOT NULL,"
     " wait_kind TEXT, wait_name TEXT, wait_until_ms BIGINT NOT NULL,"
     " started_at_ms BIGINT NOT NULL, finished_at_ms BIGINT NOT NULL,"
     " updated_at_ms BIGINT NOT NULL, active_ms BIGINT NOT NULL, tokens_in BIGINT NOT NULL,"
     " tokens_out BIGINT NOT NULL, cost_microcents BIGINT NOT NULL, error_code TEXT, error TEXT,"
     " parent_id TEXT, parent_seq BIGINT NOT NULL, fence BIGINT NOT NULL,"
     " lease_until_ms BIGINT NOT NULL, recoveries BIGINT NOT NULL, entry TEXT,"
     " limit_seq BIGINT NOT NULL, steps_max BIGINT NOT NULL, active_ms_max BIGINT NOT NULL,"
     " tokens_max BIGINT NOT NULL, cost_microcents_max BIGINT NOT NULL,"
     " PRIMARY KEY (id));"
     "CREATE INDEX run_by_thread ON run (thread, id);"
     "CREATE INDEX run_by_status ON run (status, wait_until_ms);"
     "CREATE INDEX run_by_end ON run (finished_at_ms);"
     "CREATE TABLE checkpoint ("
     " run_id TEXT NOT NULL, seq BIGINT NOT NULL, node TEXT NOT NULL, next TEXT NOT NULL,"
     " status TEXT NOT NULL, error_code TEXT, error TEXT, attempt BIGINT NOT NULL,"
     " started_at_ms BIGINT NOT NULL, duration_ms BIGINT NOT NULL, came TEXT, delta TEXT,"
     " snapshot TEXT, trace TEXT, input TEXT, output TEXT,"
     " PRIMARY KEY (run_id, seq));"
     "CREATE TABLE tool_call ("
     " id TEXT NOT NULL, run_id TEXT NOT NULL, seq BIGINT NOT NULL, ordinal BIGINT NOT NULL,"
     " name TEXT NOT NULL, call_id TEXT, hash TEXT NOT NULL, arguments TEXT NOT NULL,"
     " effect TEXT NOT NULL, status TEXT NOT NULL, result TEXT, error_code TEXT, error TEXT,"
     " attempt BIGINT NOT NULL, started_at_ms BIGINT NOT NULL, latency_ms BIGINT NOT NULL,"
     " PRIMARY KEY (id));"
     "CREATE INDEX tool_call_by_run ON tool_call (run_id, seq);"},
    {NULL, 0, STORE_SCOPE_ORG, NULL},
};

enum err checkpoint_err(struct str name)
{
    for (int e = E_INVALID; e < E_COUNT; e++) {
        if (str_eqz(name, err_name((enum err)e))) {
            return (enum err)e;
        }
    }
    return name.n ? E_INTERNAL : E_OK;
}

static enum run_status status_named(struct str name)
{
    for (int s = RUN_RUNNING; s <= RUN_CANCELLED; s++) {
        if (str_eqz(name, run_status_name((enum run_status)s))) {
            return (enum run_status)s;
        }
    }
    return RUN_FAILED;
}

static struct store_value err_value(enum err e)
{
    return e == E_OK ? S_NULL : S_Z(err_name(e));
}

static const char *node_name(const struct drive *d, int node, int own)
{
    int n = node >= 0 ? node : own;
    return d->graph->table->nodes[n].name;
}

/* ---- steps that wait for the next commit */

struct held {
    struct held *next;
    int node, seq, attempt;
    bool again; /* may be written twice: nothing hangs on it */
    int64_t started_at_ms;
    struct checkpoint p;
};

void checkpoint_hold(struct drive *d, const struct step *s, const struct checkpoint *p)
{
    struct held *h = ARENA_NEW(d->arena, struct held);
    struct str *const texts[] = {&h->p.delta, &h->p.trace, &h->p.input, &h->p.output,
                                 &h->p.came,  &h->p.entry, &h->p.next};
    *h = (struct held){.node = s->node,
                       .seq = s->seq,
                       .attempt = s->attempt,
                       .again = true,
                       .started_at_ms = s->started_at_ms,
                       .p = *p};
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        *texts[i] = str_dup(d->arena, *texts[i]);
    }
    *(d->last_held ? &d->last_held->next : &d->held) = h;
    d->last_held = h;
    d->held_count++;
}

/* What was committed is held no longer. */
static void saved(struct drive *d, int seq, int64_t lease_until_ms)
{
    d->held = d->last_held = NULL;
    d->held_count = 0;
    d->unborn = NULL;
    d->stored_seq = seq;
    d->lease_until_ms = lease_until_ms;
}

void checkpoint_fenced(struct drive *d)
{
    if (d->held) {
        saved(d, d->last_held->seq, d->last_held->p.lease_until_ms);
    } else if (d->unborn) {
        saved(d, 0, d->lease_until_ms);
    }
}

static enum err insert_step(struct ctx *c, const struct drive *d, const struct held *h)
{
    const struct checkpoint *p = &h->p;
    return store_exec(
        c, d->store, NULL,
        "INSERT INTO checkpoint (run_id, seq, node, next, status, error_code, error, attempt,"
        " started_at_ms, duration_ms, came, delta, snapshot, trace, input, output)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)"
        " ON CONFLICT (run_id, seq) DO NOTHING",
        S_ID(&d->run.id), S_INT(h->seq), S_Z(d->graph->table->nodes[h->node].name), S_STR(p->next),
        S_Z(p->status), err_value(p->err), S_OPT(p->error), S_INT(h->attempt),
        S_INT(h->started_at_ms), S_INT(p->duration_ms), S_OPT(p->came), S_OPT(p->delta),
        S_OPT(p->snapshot), S_OPT(p->trace), S_OPT(p->input), S_OPT(p->output));
}

static enum err insert_held(struct ctx *c, const struct drive *d)
{
    for (const struct held *h = d->held; h; h = h->next) {
        TRY(insert_step(c, d, h));
    }
    return E_OK;
}

/* ---- the run's row */

static enum err fail_moved(struct ctx *c, const struct drive *d, bool *out_lost)
{
    *out_lost = true;
    return ctx_fail(c, E_CONFLICT, "run %s was cancelled or taken over", d->run.id.text);
}

/* A new run before its first step. */
static struct held at_start(const struct drive *d)
{
    return (struct held){.node = d->node,
                         .started_at_ms = d->run.started_at_ms,
                         .p = {.run_status = RUN_RUNNING,
                               .node = d->node,
                               .now_ms = d->run.started_at_ms,
                               .lease_until_ms = d->lease_until_ms}};
}

static int64_t ended_ms(const struct checkpoint *p)
{
    return p->run_status != RUN_RUNNING && p->run_status != RUN_WAITING ? p->now_ms : 0;
}

/* The row as it stands after *h; false in out_new when there is one. */
static enum err insert_row(struct ctx *c, const struct drive *d, const struct held *h,
                           const struct step *waiting, bool *out_new)
{
    const struct run *r = &d->run;
    const struct checkpoint *p = &h->p;
    int64_t changed = 0;
    TRY(store_exec(
        c, d->store, &changed,
        "INSERT INTO run (id, graph, graph_version, thread, version, status, seq, node, wait_kind,"
        " wait_name, wait_until_ms, started_at_ms, finished_at_ms, updated_at_ms, active_ms,"
        " tokens_in, tokens_out, cost_microcents, error_code, error, parent_id, parent_seq, fence,"
        " lease_until_ms, recoveries, entry, limit_seq, steps_max, active_ms_max, tokens_max,"
        " cost_microcents_max) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14,"
        " ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, 1, ?23, 0, ?24, ?25, ?26, ?27, ?28, ?29)"
        " ON CONFLICT (id) DO NOTHING",
        S_ID(&r->id), S_STR(r->graph), S_STR(r->graph_version), S_STR(r->thread), S_STR(r->version),
        S_Z(run_status_name(p->run_status)), S_INT(h->seq), S_Z(node_name(d, p->node, h->node)),
        waiting ? S_Z(waiting->wait_kind) : S_NULL, waiting ? S_STR(waiting->wait_name) : S_NULL,
        S_INT(waiting ? waiting->wait_until_ms : 0), S_INT(r->started_at_ms), S_INT(ended_ms(p)),
        S_INT(p->now_ms), S_INT(p->active_ms), S_INT(p->tokens_in), S_INT(p->tokens_out),
        S_INT(p->cost_microcents), err_value(p->run_err), S_OPT(p->run_error),
        id_is_set(&r->parent) ? S_ID(&r->parent) : S_NULL, S_INT(r->parent_seq),
        S_INT(p->lease_until_ms), S_OPT(p->entry), S_INT(p->limit_seq), S_INT(d->limits.steps_max),
        S_INT(d->limits.active_ms_max), S_INT(d->limits.tokens_max),
        S_INT(d->limits.cost_microcents_max)));
    *out_new = changed > 0;
    return E_OK;
}

/* The new run's state before its first step, and what its spec hooks on. */
static enum err insert_start(struct ctx *c, const struct drive *d)
{
    TRY(store_exec(c, d->store, NULL,
                   "INSERT INTO checkpoint (run_id, seq, node, next, status, attempt,"
                   " started_at_ms, duration_ms, snapshot)"
                   " VALUES (?1, 0, '', ?2, 'done', 0, ?3, 0, ?4)",
                   S_ID(&d->run.id), S_STR(d->first_node), S_INT(d->run.started_at_ms),
                   S_STR(d->first_state)));
    const struct run_spec *spec = d->unborn;
    return spec->on_create ? spec->on_create(c, d->store, spec->on_create_arg) : E_OK;
}

/* A commit that gave no answer may have moved the row by what was held, so it is at one of our own
 * steps, the last of them among others: the fence keeps others away. */
static enum err move_row(struct ctx *c, const struct drive *d, const struct held *h,
                         const struct step *waiting, bool *out_lost)
{
    const struct checkpoint *p = &h->p;
    int64_t changed = 0;
    TRY(store_exec(
        c, d->store, &changed,
        "UPDATE run SET status = ?3, seq = ?4, node = ?5, wait_kind = ?6, wait_name = ?7,"
        " wait_until_ms = ?8, finished_at_ms = ?9, updated_at_ms = ?10, active_ms = ?11,"
        " tokens_in = ?12, tokens_out = ?13, cost_microcents = ?14, error_code = ?15,"
        " error = ?16, lease_until_ms = ?17, recoveries = 0, entry = ?18, limit_seq = ?19"
        " WHERE id = ?1 AND fence = ?2 AND seq >= ?20 AND seq < ?21",
        S_ID(&d->run.id), S_INT(d->fence), S_Z(run_status_name(p->run_status)), S_INT(h->seq),
        S_Z(node_name(d, p->node, h->node)), waiting ? S_Z(waiting->wait_kind) : S_NULL,
        waiting ? S_STR(waiting->wait_name) : S_NULL, S_INT(waiting ? waiting->wait_until_ms : 0),
        S_INT(ended_ms(p)), S_INT(p->now_ms), S_INT(p->active_ms), S_INT(p->tokens_in),
        S_INT(p->tokens_out), S_INT(p->cost_microcents), err_value(p->run_err), S_OPT(p->run_error),
        S_INT(p->lease_until_ms), S_OPT(p->entry), S_INT(p->limit_seq), S_INT(d->stored_seq),
        S_INT(h->seq + h->again)));
    return changed ? E_OK : fail_moved(c, d, out_lost);
}

/* The run's row as it stands after *h. One that is new to us and yet there was written by a commit
 * that gave no answer. */
static enum err move_run(struct ctx *c, const struct drive *d, const struct held *h,
                         const struct step *waiting, bool *out_lost)
{
    bool is_new = false;
    if (d->unborn) {
        TRY(insert_row(c, d, h, waiting, &is_new));
    }
    return is_new ? insert_start(c, d) : move_row(c, d, h, waiting, out_lost);
}

/* Asked where the write turn is held: whoever cancels a run that is not recorded sets the flag,
 * then looks for it in the store, so either we see the flag or he sees the record. */
static enum err check_flag(struct ctx *c, const struct drive *d, bool *out_lost)
{
    return atomic_load(&d->inflight.cancel) ? fail_moved(c, d, out_lost) : E_OK;
}

static enum err fence(struct ctx *c, const struct drive *d, bool advances, bool *out_lost)
{
    *out_lost = false;
    if (d->held) {
        TRY(insert_held(c, d));
        return move_run(c, d, d->last_held, NULL, out_lost);
    }
    if (d->unborn) {
        struct held start = at_start(d);
        start.again = true;
        return move_run(c, d, &start, NULL, out_lost);
    }
    int64_t until = ctx_now_ms(c) + drive_lease_ms(&d->graph->table->nodes[d->node]);
    int64_t changed = 0;
    TRY(store_exec(c, d->store, &changed,
                   "UPDATE run SET lease_until_ms = ?3, recoveries = CASE WHEN ?4 = 1 THEN 0"
                   " ELSE recoveries END WHERE id = ?1 AND fence = ?2",
                   S_ID(&d->run.id), S_INT(d->fence), S_INT(until), S_INT(advances)));
    return changed ? E_OK : fail_moved(c, d, out_lost);
}

enum err checkpoint_fence(struct ctx *c, const struct drive *d, bool advances, bool *out_lost)
{
    TRY(check_flag(c, d, out_lost));
    return fence(c, d, advances, out_lost);
}

static enum err flush(struct ctx *c, void *arg)
{
    bool lost;
    return fence(c, arg, true, &lost);
}

enum err checkpoint_flush(struct ctx *c, struct drive *d)
{
    if (!d->held && !d->unborn) {
        return E_OK;
    }
    TRY(store_transact_late(c, d->store, flush, d));
    checkpoint_fenced(d);
    return E_OK;
}

static struct held step_of(const struct step *s, const struct checkpoint *p)
{
    return (struct held){.node = s->node,
                         .seq = s->seq,
                         .attempt = s->attempt,
                         .started_at_ms = s->started_at_ms,
                         .p = *p};
}

enum err checkpoint_standing(struct ctx *c, struct drive *d, enum run_status *out_status,
                             int *out_seq, bool *out_ours)
{
    struct store_rows rows;
    TRY(store_query(c, d->store, &rows, "SELECT status, seq, fence FROM run WHERE id = ?1",
                    S_ID(&d->run.id)));
    if (rows.count == 0) {
        return ctx_fail(c, E_NOT_FOUND, "run %s was erased", d->run.id.text);
    }
    *out_status = status_named(row_str(&rows, 0, 0));
    *out_seq = (int)row_int(&rows, 0, 1);
    *out_ours = row_int(&rows, 0, 2) == d->fence;
    d->unborn = NULL;
    return E_OK;
}

struct saving {
    struct drive *d;
    struct step *s;
    struct checkpoint *p;
};

static enum err commit_all(struct ctx *c, void *arg)
{
    struct saving *w = arg;
    struct held now = step_of(w->s, w->p);
    bool waits = w->p->run_status == RUN_WAITING;
    w->p->lost = w->p->hook_failed = false;
    TRY(check_flag(c, w->d, &w->p->lost));
    TRY(move_run(c, w->d, &now, waits ? w->s : NULL, &w->p->lost));
    TRY(insert_held(c, w->d));
    TRY(insert_step(c, w->d, &now));
    TRY(journal_save(c, w->d->store, w->s));
    bool failed = w->p->err != E_OK;
    for (int i = 0; i < w->s->hook_count && !failed; i++) {
        enum err e = w->s->hooks[i].fn(c, w->d->store, w->s->hooks[i].arg);
        if (e != E_OK) {
            w->p->hook_failed = true;
            return e;
        }
    }
    return E_OK;
}

enum err checkpoint_commit(struct ctx *c, struct drive *d, struct step *s, struct checkpoint *p)
{
    struct saving w = {d, s, p};
    TRY(store_transact(c, d->store, commit_all, &w));
    journal_saved(s);
    saved(d, s->seq, p->lease_until_ms);
    return E_OK;
}

static enum err keep_remnant(struct ctx *c, void *arg)
{
    struct saving *w = arg;
    int64_t changed = 0;
    TRY(store_exec(c, w->d->store, &changed,
                   "UPDATE run SET active_ms = ?2, tokens_in = ?3, tokens_out = ?4,"
                   " cost_microcents = ?5 WHERE id = ?1 AND status = 'cancelled'",
                   S_ID(&w->d->run.id), S_INT(w->p->active_ms), S_INT(w->p->tokens_in),
                   S_INT(w->p->tokens_out), S_INT(w->p->cost_microcents)));
    if (changed == 0) {
        return E_OK;
    }
    struct held now = step_of(w->s, w->p);
    TRY(insert_held(c, w->d));
    TRY(insert_step(c, w->d, &now));
    return journal_save(c, w->d->store, w->s);
}

enum err checkpoint_remnant(struct ctx *c, struct drive *d, struct step *s, struct checkpoint *p)
{
    struct saving w = {d, s, p};
    return store_transact(c, d->store, keep_remnant, &w);
}

static enum err cancel(struct ctx *c, void *arg)
{
    struct drive *d = arg;
    bool lost;
    if (d->unborn) {
        TRY(fence(c, d, true, &lost));
    }
    return store_exec(c, d->store, NULL, CHECKPOINT_CANCEL, S_ID(&d->run.id), S_INT(ctx_now_ms(c)));
}

enum err checkpoint_cancel(struct ctx *c, struct drive *d)
{
    TRY(store_transact(c, d->store, cancel, d));
    if (d->unborn) {
        checkpoint_fenced(d);
    }
    return E_OK;
}

enum err checkpoint_defer(struct ctx *c, struct drive *d, const struct run_spec *spec,
                          int64_t lease_until_ms)
{
    struct str state = json_write(c->arena, d->state);
    if (state.n > GRAPH_STATE_MAX_BYTES) {
        return ctx_fail(c, E_TOO_LARGE, "the input of a run may have %d bytes",
                        GRAPH_STATE_MAX_BYTES);
    }
    d->unborn = spec;
    d->first_state = state;
    d->first_node = d->run.node;
    d->fence = 1;
    d->snapshot_bytes = state.n;
    d->lease_until_ms = lease_until_ms;
    return E_OK;
}

static enum err insert_run(struct ctx *c, void *arg)
{
    const struct drive *d = arg;
    struct held start = at_start(d);
    bool is_new = false;
    start.p.entry = d->entry ? json_write(c->arena, d->entry) : STR("");
    TRY(insert_row(c, d, &start, NULL, &is_new));
    return is_new ? insert_start(c, d)
                  : ctx_fail(c, E_CONFLICT, "there is a run %s already", d->run.id.text);
}

enum err checkpoint_create(struct ctx *c, struct drive *d, const struct run_spec *spec,
                           int64_t lease_until_ms)
{
    TRY(checkpoint_defer(c, d, spec, lease_until_ms));
    TRY(store_transact(c, d->store, insert_run, d));
    saved(d, 0, lease_until_ms);
    return E_OK;
}

struct run checkpoint_run_of(const struct store_rows *rows, int row)
{
    struct run r = {.id = row_id(rows, row, 0),
                    .graph = row_str(rows, row, 1),
                    .graph_version = row_str(rows, row, 2),
                    .thread = row_str(rows, row, 3),
                    .version = row_str(rows, row, 4),
                    .status = status_named(row_str(rows, row, 5)),
                    .seq = (int)row_int(rows, row, 6),
                    .node = row_str(rows, row, 7),
                    .wait_kind = row_str(rows, row, 8),
                    .wait_name = row_str(rows, row, 9),
                    .wait_until_ms = row_int(rows, row, 10),
                    .started_at_ms = row_int(rows, row, 11),
                    .finished_at_ms = row_int(rows, row, 12),
                    .updated_at_ms = row_int(rows, row, 13),
                    .active_ms = row_int(rows, row, 14),
                    .tokens_in = row_int(rows, row, 15),
                    .tokens_out = row_int(rows, row, 16),
                    .cost_microcents = row_int(rows, row, 17),
                    .err = checkpoint_err(row_str(rows, row, 18)),
                    .error = row_str(rows, row, 19),
                    .parent = row_id(rows, row, 20),
                    .parent_seq = (int)row_int(rows, row, 21)};
    return r;
}

enum err checkpoint_run(struct ctx *c, struct store *store, const struct id *run,
                        struct run *out_run)
{
    struct store_rows rows;
    TRY(store_query(c, store, &rows, "SELECT " CHECKPOINT_RUN_COLUMNS " FROM run WHERE id = ?1",
                    S_ID(run)));
    if (rows.count == 0) {
        return ctx_fail(c, E_NOT_FOUND, "no run %s", run->text);
    }
    *out_run = checkpoint_run_of(&rows, 0);
    return E_OK;
}

static enum err parse_stored(struct ctx *c, struct arena *a, struct str text,
                             const struct json **out_value)
{
    struct json_fault fault;
    *out_value = NULL;
    if (text.n == 0) {
        return E_OK;
    }
    /* the text lies in c's arena, which may end before `a` */
    if (json_parse(a, str_dup(a, text), out_value, &fault) != E_OK) {
        return ctx_fail(c, E_INTERNAL, "a stored state cannot be read: %s", fault.text);
    }
    return E_OK;
}

enum err checkpoint_state(struct ctx *c, struct arena *a, const struct graph *g,
                          const struct id *run, int *seq, const struct json **out_state)
{
    int64_t last = *seq < 0 ? INT32_MAX : *seq;
    struct store_rows rows;
    TRY(store_query(c, c->store, &rows,
                    "SELECT seq, snapshot, delta FROM checkpoint WHERE run_id = ?1 AND seq <= ?2"
                    " AND status <> 'cancelled' AND seq >= (SELECT max(seq) FROM checkpoint"
                    " WHERE run_id = ?1 AND seq <= ?2 AND snapshot IS NOT NULL) ORDER BY seq",
                    S_ID(run), S_INT(last)));
    if (rows.count == 0 || (*seq >= 0 && row_int(&rows, rows.count - 1, 0) != (int64_t)*seq)) {
        return ctx_fail(c, E_NOT_FOUND, "run %s has no such step, or it has expired", run->text);
    }
    const struct json *state = NULL;
    TRY(parse_stored(c, a, row_str(&rows, 0, 1), &state));
    for (int i = 1; i < rows.count; i++) {
        const struct json *delta = NULL;
        TRY(parse_stored(c, a, row_str(&rows, i, 2), &delta));
        TRY(graph_merge_into(c, a, g, state, delta, &state));
    }
    *seq = (int)row_int(&rows, rows.count - 1, 0);
    *out_state = state;
    return E_OK;
}

/* How often each edge was followed so far, from the steps themselves. */
static enum err count_edges(struct ctx *c, struct drive *d)
{
    struct store_rows rows;
    TRY(store_query(c, d->store, &rows,
                    "SELECT node, next, count(*) FROM checkpoint WHERE run_id = ?1 AND seq > 0"
                    " AND status = 'done' GROUP BY node, next",
                    S_ID(&d->run.id)));
    for (int i = 0; i < rows.count; i++) {
        for (int k = 0; k < d->graph->edge_count; k++) {
            const struct graph_edge *e = &d->graph->table->edges[k];
            if (str_eqz(row_str(&rows, i, 0), e->from) && str_eqz(row_str(&rows, i, 1), e->to)) {
                d->taken[k] += (int)row_int(&rows, i, 2);
            }
        }
    }
    return E_OK;
}

enum claim_outcome { CLAIM_TAKEN, CLAIM_EXHAUSTED };
struct claiming {
    struct drive *d;
    const struct id *run;
    bool steal;
    enum claim_outcome outcome;
    struct str entry;
    struct str node;
};

/* Whether the row may be driven now; a due wait turns into an entry that says so. */
static enum err claimable(struct ctx *c, struct claiming *w, const struct store_rows *rows)
{
    const struct run *r = &w->d->run;
    int64_t now = ctx_now_ms(c);
    int64_t lease = row_int(rows, 0, CHECKPOINT_RUN_COLUMN_COUNT + 1);
    if (r->status == RUN_RUNNING) {
        if (lease > now && !w->steal) {
            return ctx_fail(c, E_CONFLICT, "run %s is driven by another process", r->id.text);
        }
        return E_OK;
    }
    if (r->status == RUN_WAITING && r->wait_until_ms > 0 && r->wait_until_ms <= now) {
        const char *kind = str_eqz(r->wait_kind, "timer") ? "timer" : "timeout";
        struct buf b = buf_make(1024);
        struct json_out o = json_out_to(&b);
        json_open_object(&o);
        json_name(&o, "payload");
        json_open_object(&o);
        json_field_str(&o, "kind", str_of(kind));
        json_field_str(&o, "name", r->wait_name);
        json_close_object(&o);
        json_close_object(&o);
        w->entry = str_dup(c->arena, buf_str(&b));
        buf_free(&b);
        return E_OK;
    }
    return ctx_fail(c, E_CONFLICT, "run %s is %s", r->id.text, run_status_name(r->status));
}

static enum err take_lease(struct ctx *c, struct claiming *w, int64_t lease_ms)
{
    struct drive *d = w->d;
    int64_t now = ctx_now_ms(c);
    bool over = d->recoveries > RUN_RECOVERIES_MAX;
    w->outcome = over ? CLAIM_EXHAUSTED : CLAIM_TAKEN;
    d->run.status = over ? RUN_FAILED : RUN_RUNNING;
    d->run.updated_at_ms = now;
    if (over) {
        d->run.err = E_INTERNAL;
        d->run.error = STR("the process driving this step was lost too often");
        d->run.finished_at_ms = now;
    }
    int64_t changed = 0;
    d->lease_until_ms = now + lease_ms;
    TRY(store_exec(c, d->store, &changed,
                   "UPDATE run SET fence = ?2, lease_until_ms = ?3, recoveries = ?4,"
                   " status = ?5, entry = ?6, error_code = ?7, error = ?8,"
                   " finished_at_ms = ?9, updated_at_ms = ?10, wait_kind = NULL,"
                   " wait_name = NULL, wait_until_ms = 0 WHERE id = ?1 AND fence = ?11",
                   S_ID(&d->run.id), S_INT(d->fence), S_INT(over ? 0 : now + lease_ms),
                   S_INT(d->recoveries), S_Z(run_status_name(d->run.status)), S_OPT(w->entry),
                   err_value(d->run.err), S_OPT(d->run.error), S_INT(d->run.finished_at_ms),
                   S_INT(now), S_INT(d->fence - 1)));
    if (changed == 0) {
        return ctx_fail(c, E_CONFLICT, "another process took run %s over", d->run.id.text);
    }
    return E_OK;
}

static enum err claim(struct ctx *c, void *arg)
{
    struct claiming *w = arg;
    struct drive *d = w->d;
    struct store_rows rows;
    TRY(store_query(c, d->store, &rows,
                    "SELECT " CHECKPOINT_RUN_COLUMNS ", fence, lease_until_ms, recoveries, entry,"
                    " limit_seq, steps_max, active_ms_max, tokens_max, cost_microcents_max"
                    " FROM run WHERE id = ?1",
                    S_ID(w->run)));
    if (rows.count == 0) {
        return ctx_fail(c, E_NOT_FOUND, "no run %s", w->run->text);
    }
    const int k = CHECKPOINT_RUN_COLUMN_COUNT;
    d->run = checkpoint_run_of(&rows, 0);
    d->fence = row_int(&rows, 0, k) + 1;
    bool lost = d->run.status == RUN_RUNNING && row_int(&rows, 0, k + 1) != 0;
    d->recoveries = (int)row_int(&rows, 0, k + 2) + (lost ? 1 : 0);
    w->entry = row_str(&rows, 0, k + 3);
    d->limit_seq = (int)row_int(&rows, 0, k + 4);
    d->limits = (struct graph_limits){(int)row_int(&rows, 0, k + 5), row_int(&rows, 0, k + 6),
                                      row_int(&rows, 0, k + 7), row_int(&rows, 0, k + 8)};
    TRY(claimable(c, w, &rows));
    d->graph = runs_graph(d->runs, d->run.graph);
    if (!d->graph) {
        return ctx_fail(c, E_CONFLICT, "this program has no graph %.*s", STR_ARG(d->run.graph));
    }
    d->node = graph_node_named(d->graph, d->run.node);
    if (d->node < 0) {
        return ctx_fail(c, E_CONFLICT, "graph %.*s no longer has the node %.*s",
                        STR_ARG(d->run.graph), STR_ARG(d->run.node));
    }
    return take_lease(c, w, drive_lease_ms(&d->graph->table->nodes[d->node]));
}

/* Where the run stands. */
static enum err read_claimed(struct ctx *c, struct drive *d, struct str entry)
{
    int seq = d->run.seq;
    d->stored_seq = d->run.seq;
    d->run.wait_kind = d->run.wait_name = STR("");
    d->run.wait_until_ms = 0;
    TRY(parse_stored(c, d->arena, entry, &d->entry));
    TRY(checkpoint_state(c, d->arena, d->graph, &d->run.id, &seq, &d->state));
    d->since_steps = RUN_SNAPSHOT_STEPS; /* the next step writes a snapshot: costs are unknown */
    return count_edges(c, d);
}

enum err checkpoint_claim(struct ctx *c, struct drive *d, const struct id *run, bool steal)
{
    struct claiming w = {.d = d, .run = run, .steal = steal};
    TRY(store_transact(c, d->store, claim, &w));
    if (w.outcome == CLAIM_EXHAUSTED) {
        return E_OK;
    }
    enum err e = read_claimed(c, d, w.entry);
    if (e != E_OK) { /* nobody drives it: whoever tries next need not wait for our lease */
        checkpoint_release(c, d, !c->fault.of_store);
    }
    return e;
}

struct releasing {
    const struct drive *d;
    bool counted;
};

static enum err release(struct ctx *c, void *arg)
{
    const struct releasing *w = arg;
    return store_exec(c, w->d->store, NULL,
                      "UPDATE run SET lease_until_ms = 0, recoveries = recoveries + ?3"
                      " WHERE id = ?1 AND fence = ?2",
                      S_ID(&w->d->run.id), S_INT(w->d->fence), S_INT(w->counted ? 1 : 0));
}

/* Best effort: when it fails, the lease runs out instead. The reason of the caller's failure
 * stays. */
void checkpoint_release(struct ctx *c, struct drive *d, bool counted)
{
    struct fault kept = c->fault;
    struct releasing w = {d, counted};
    if (d->store) {
        store_transact(c, d->store, release, &w);
    }
    c->fault = kept;
}
