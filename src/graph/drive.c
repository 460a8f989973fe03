#include "graph/drive.h"

#include <string.h>
#include <time.h>

#include "base/log.h"
#include "graph/advance.h"

enum {
    ATTEMPT_TIMEOUT_MS = 60000,
    BACKOFF_MS = 200,
    COMMIT_TRIES = 3,
    COMMIT_TIMEOUT_MS = 15000,
    PAUSE_SLICE_MS = 10,
    STEPS_MAX = 64,
    ACTIVE_MS_MAX = 600000
};

static const struct graph_node *node_of(const struct drive *d, int node)
{
    return &d->graph->table->nodes[node];
}

static int attempts_of(const struct graph_node *node)
{
    return node->attempts_max > 0 ? node->attempts_max : 1;
}

static int64_t timeout_of(const struct graph_node *node)
{
    return node->timeout_ms > 0 ? node->timeout_ms : ATTEMPT_TIMEOUT_MS;
}

int64_t drive_backoff_ms(const struct graph_node *node, int attempt)
{
    int64_t ms = node->backoff_ms > 0 ? node->backoff_ms : BACKOFF_MS;
    for (int i = 2; i < attempt && ms < DRIVE_BACKOFF_MAX_MS; i++) {
        ms *= 2;
    }
    return ms < DRIVE_BACKOFF_MAX_MS ? ms : DRIVE_BACKOFF_MAX_MS;
}

int64_t drive_lease_ms(const struct graph_node *node)
{
    int64_t ms = RUN_LEASE_SLACK_MS;
    for (int i = 1; i <= attempts_of(node); i++) {
        ms += timeout_of(node) + (i > 1 ? DRIVE_BACKOFF_MAX_MS : 0);
    }
    return ms;
}

void drive_open(struct drive *d, struct ctx *c, struct runs *r, const struct graph *g)
{
    *d = (struct drive){.c = c, .runs = r, .graph = g, .compact_at_bytes = DRIVE_COMPACT_BYTES};
    d->arena = arena_new(DRIVE_STATE_ARENA_BYTES);
}

void drive_close(struct drive *d)
{
    arena_free(&d->arena);
}

int drive_edge(const struct drive *d, const struct json *state)
{
    for (int i = 0; i < d->graph->edge_count; i++) {
        const struct graph_edge *e = &d->graph->table->edges[i];
        if (d->graph->from[i] == d->node && (e->times_max == 0 || d->taken[i] < e->times_max) &&
            (!e->when || e->when(state))) {
            return i;
        }
    }
    return -1;
}

enum graph_verdict drive_attempt(struct ctx *c, struct drive *d, struct step *s)
{
    s->arena = c->arena;
    s->delta = &json_empty_object;
    s->hook_count = 0;
    s->hooks_over = false;
    s->input = s->output = NULL;
    s->wait_kind = NULL;
    journal_attempt(s);
    return node_of(d, s->node)->fn(c, s);
}

/* The run in memory and its effects: hooks still get their transaction. */
static enum err run_hooks(struct ctx *c, void *arg)
{
    struct step *s = arg;
    for (int i = 0; i < s->hook_count; i++) {
        TRY(s->hooks[i].fn(c, c->store, s->hooks[i].arg));
    }
    return E_OK;
}

static enum err commit_in_memory(struct ctx *c, struct step *s, struct checkpoint *p)
{
    if (p->err != E_OK || s->hook_count == 0) {
        return E_OK;
    }
    struct store *store;
    TRY(store_of(c, &store));
    enum err e = store_transact(c, store, run_hooks, s);
    p->hook_failed = e != E_OK;
    return e;
}

enum ending { SAVED, NODE_FAILED, LOST, BROKEN };

/* Commits, again after a passing trouble of the store. A lost answer to a commit that went through
 * is recognised by the row, so that hooks never run for the same step twice. */
static enum ending commit(struct ctx *c, struct drive *d, struct step *s, struct checkpoint *p)
{
    ctx_grace(c, COMMIT_TIMEOUT_MS); /* the step's ctx ends with it */
    if (!d->store) {
        return commit_in_memory(c, s, p) == E_OK ? SAVED : NODE_FAILED;
    }
    for (int i = 1;; i++) {
        enum err e = checkpoint_commit(c, d, s, p);
        if (e == E_OK) {
            return SAVED;
        }
        if (p->lost) {
            enum run_status status = RUN_FAILED;
            int seq = 0;
            bool ours = false;
            e = checkpoint_standing(c, d, &status, &seq, &ours);
            return e == E_OK && ours && seq == s->seq ? SAVED : LOST;
        }
        if (p->hook_failed) {
            return NODE_FAILED;
        }
        if (!err_is_transient(e) || e == E_LIMIT || i == COMMIT_TRIES) {
            return BROKEN;
        }
    }
}

static void compact(struct drive *d)
{
    if (d->held || arena_used_bytes(d->arena) <= d->compact_at_bytes) {
        return;
    }
    struct arena *fresh = arena_new(DRIVE_STATE_ARENA_BYTES);
    d->state = json_copy(fresh, d->state);
    d->entry = d->entry ? json_copy(fresh, d->entry) : NULL;
    arena_free(&d->arena);
    d->arena = fresh;
    d->compact_at_bytes = 2 * arena_used_bytes(fresh) + DRIVE_COMPACT_BYTES;
}

static void trace_failure(struct ctx *c, struct step *s)
{
    struct arena *a = c->arena;
    const struct json *f = &json_empty_object;
    f = json_with(a, f, STR("code"), json_new_str(a, str_of(err_name(c->fault.err))));
    f = json_with(a, f, STR("text"), json_new_str(a, str_of(c->fault.text)));
    step_trace(c, s, "attempt_failed", f);
}

/* Whether the step's rows may wait for the next one's: nothing but they would be lost with this
 * process, and making them again costs next to nothing. The lease must cover what comes next. */
static bool may_wait(const struct drive *d, const struct step *s, const struct checkpoint *p)
{
    if (p->run_status != RUN_RUNNING ||
        d->lease_until_ms < p->now_ms + drive_lease_ms(node_of(d, p->node))) {
        return false;
    }
    size_t bytes = p->delta.n + p->trace.n + p->input.n + p->output.n + p->came.n;
    return d->store && node_of(d, s->node)->repeatable && p->snapshot.n == 0 && p->limit_seq == 0 &&
           s->hook_count == 0 && s->entry_count == 0 && s->cost_microcents == 0 &&
           p->duration_ms < DRIVE_HELD_STEP_MS && d->held_count < DRIVE_HELD_MAX &&
           bytes <= DRIVE_HELD_MAX_BYTES;
}

/* Nothing of the step is lost when this fails but the time it took. */
static enum ending record(struct ctx *c, struct drive *d)
{
    ctx_grace(c, COMMIT_TIMEOUT_MS);
    for (int i = 1;; i++) {
        enum err e = checkpoint_flush(c, d);
        if (e == E_OK || !err_is_transient(e) || i == COMMIT_TRIES) {
            return e == E_OK ? SAVED : BROKEN;
        }
    }
}

static enum ending save(struct ctx *c, struct drive *d, struct step *s, struct checkpoint *p)
{
    if (!may_wait(d, s, p)) {
        return commit(c, d, s, p);
    }
    checkpoint_hold(d, s, p);
    return d->unborn && node_of(d, p->node)->recorded ? record(c, d) : SAVED;
}

/* One attempt: node, plan, commit. The fault of a failed one is left in d->c. */
static enum ending attempt(struct drive *d, struct step *s)
{
    struct ctx *c = ctx_child(d->c, DRIVE_STEP_ARENA_BYTES);
    c->store = d->c->store;
    c->cancel = &d->inflight.cancel;
    c->stop = d->c->cancel;
    ctx_limit(c, timeout_of(node_of(d, s->node)));
    enum graph_verdict verdict = drive_attempt(c, d, s);
    if (verdict != GRAPH_FAIL && (arena_is_full(c->arena) || arena_is_full(d->arena))) {
        ctx_fail(c, E_TOO_LARGE, "node %s needs more memory than a step may take",
                 node_of(d, s->node)->name);
        verdict = GRAPH_FAIL;
    }
    struct advance a = {.d = d, .s = s};
    enum ending end = NODE_FAILED;
    if (verdict == GRAPH_FAIL) {
        if (c->fault.err == E_OK) {
            ctx_fail(c, E_INTERNAL, "node %s failed and did not say why",
                     node_of(d, s->node)->name);
        }
    } else if (advance_plan(c, &a, verdict) == E_OK) {
        end = save(c, d, s, &a.p);
    }
    if (end == SAVED) {
        advance_apply(&a);
    } else {
        if (end == NODE_FAILED) {
            trace_failure(c, s);
        }
        d->c->fault = c->fault;
        s->input = s->output = NULL; /* they end with the attempt's memory */
    }
    ctx_free(&c);
    return end;
}

static bool is_cancelled(const struct drive *d)
{
    return atomic_load(&d->inflight.cancel);
}

static void pause_ms(struct drive *d, int64_t ms)
{
    int64_t until = clock_steady_ms() + ms;
    while (clock_steady_ms() < until && !is_cancelled(d) && ctx_left_ms(d->c, INT64_MAX) > 0 &&
           !ctx_is_cancelled(d->c)) {
        int64_t left = until - clock_steady_ms();
        left = left < PAUSE_SLICE_MS ? left : PAUSE_SLICE_MS;
        struct timespec t = {0, left > 0 ? left * 1000000 : 1};
        nanosleep(&t, NULL);
    }
}

/* What the one who failed asked for, else the node's back-off with jitter of a quarter. */
static int64_t pause_before(const struct drive *d, const struct step *s)
{
    int64_t asked = d->c->fault.retry_after_ms;
    int64_t ms = drive_backoff_ms(node_of(d, s->node), s->attempt + 1);
    unsigned char random = 0;
    id_random_bytes(&random, 1);
    ms += ms * random / 1024;
    ms = asked > ms ? asked : ms;
    return ms < DRIVE_BACKOFF_MAX_MS ? ms : DRIVE_BACKOFF_MAX_MS;
}

static bool may_try_again(const struct drive *d, const struct step *s)
{
    return err_is_transient(d->c->fault.err) && !is_cancelled(d) &&
           s->attempt < attempts_of(node_of(d, s->node));
}

/* Hands the run back for any process to go on with. */
static void hand_back(struct drive *d, bool counted)
{
    struct ctx_limits before = ctx_grace(d->c, COMMIT_TIMEOUT_MS);
    checkpoint_release(d->c, d, counted);
    ctx_grace_end(d->c, &before);
}

/* The run was cancelled, or another process has it. */
static enum err stand_down(struct drive *d, struct step *s)
{
    struct ctx *c = d->c;
    ctx_forgive(c);
    if (!d->store) {
        d->run.status = RUN_CANCELLED;
        d->run.finished_at_ms = ctx_now_ms(c);
        return E_OK;
    }
    enum run_status status = RUN_FAILED;
    int seq = 0;
    bool ours = false;
    if (d->unborn && is_cancelled(d)) {
        TRY(checkpoint_cancel(c, d));
    }
    TRY(checkpoint_standing(c, d, &status, &seq, &ours));
    if (status == RUN_RUNNING && ours && is_cancelled(d)) { /* it was asked before it was stored */
        TRY(checkpoint_cancel(c, d));
        status = RUN_CANCELLED;
    }
    if (status != RUN_CANCELLED) {
        log_at(c, LOG_WARN, "a run was taken over by another process",
               LOG_STR("run_id", id_str(&d->run.id)));
        return ctx_fail(c, E_CONFLICT, "another process took run %s over", d->run.id.text);
    }
    struct advance a = {.d = d, .s = s};
    advance_plan_remnant(c, &a);
    checkpoint_remnant(c, d, s, &a.p);
    ctx_forgive(c);
    advance_apply(&a);
    d->run.seq = seq;
    return E_OK;
}

static enum err give_up(struct drive *d, struct step *s)
{
    struct ctx_limits before = ctx_grace(d->c, COMMIT_TIMEOUT_MS);
    enum err e = stand_down(d, s);
    ctx_grace_end(d->c, &before);
    return e;
}

static enum err fail_step(struct drive *d, struct step *s)
{
    struct ctx *c = ctx_child(d->c, DRIVE_STEP_ARENA_BYTES);
    c->store = d->c->store;
    c->fault = d->c->fault;
    struct advance a = {.d = d, .s = s};
    advance_plan_failure(c, &a);
    enum ending end = commit(c, d, s, &a.p);
    if (end == SAVED) {
        advance_apply(&a);
        ctx_forgive(d->c);
    } else {
        d->c->fault = c->fault;
    }
    enum err e = d->c->fault.err;
    ctx_free(&c);
    return end == LOST ? give_up(d, s) : e;
}

/* All attempts of the step. E_OK: the drive has moved on, whichever way. */
static enum err take_step(struct drive *d, struct step *s)
{
    for (s->attempt = 1;; s->attempt++) {
        enum ending end = attempt(d, s);
        if (end == SAVED) {
            return E_OK;
        }
        if (end == LOST || (end == NODE_FAILED && is_cancelled(d))) {
            return give_up(d, s);
        }
        if (end == BROKEN) {
            hand_back(d, d->c->fault.err != E_FULL); /* a full disk is no fault of the run */
            return d->c->fault.err;
        }
        if (may_try_again(d, s)) {
            pause_ms(d, pause_before(d, s));
        }
        struct fault why = d->c->fault;
        enum err e = ctx_check(d->c);
        if (e != E_OK) { /* it is our caller who has no time left, not the node that failed */
            hand_back(d,
                      e != E_CANCELLED); /* nor is a program that is stopped a fault of the run */
            return e;
        }
        d->c->fault = why;
        if (!may_try_again(d, s) && why.of_store) {
            hand_back(d, false); /* nor is a store that is away: the run goes on when it is back */
            return why.err;
        }
        if (!may_try_again(d, s)) {
            return fail_step(d, s);
        }
    }
}

static enum err drive_step(struct drive *d)
{
    const struct run_watch *w = d->driver ? d->driver->watch : NULL;
    const char *name = node_of(d, d->node)->name;
    struct step s = {.drive = d,
                     .node = d->node,
                     .seq = d->run.seq + 1,
                     .started_at_ms = ctx_now_ms(d->c),
                     .started_us = clock_steady_us(),
                     .entries_loaded = d->fresh};
    if (w && w->on_step_started) {
        w->on_step_started(d->c, &d->run.id, s.seq, name, w->arg);
    }
    enum err e = take_step(d, &s);
    d->fresh = true;
    if (w && w->on_step_finished) {
        enum err outcome = e != E_OK ? e : d->run.err;
        w->on_step_finished(d->c, &d->run.id, s.seq, name, outcome,
                            (clock_steady_us() - s.started_us + 500) / 1000, w->arg);
    }
    buf_free(&s.trace);
    compact(d);
    return e;
}

static enum err drive_on(struct drive *d, struct run *out_run)
{
    const struct run_watch *w = d->driver ? d->driver->watch : NULL;
    while (d->run.status == RUN_RUNNING) {
        enum err e = ctx_check(d->c);
        if (e != E_OK) {
            hand_back(d, false);
            return e;
        }
        TRY(drive_step(d));
    }
    d->run.state = json_copy(d->c->arena, d->state);
    if (w && w->on_ended && d->run.status != RUN_WAITING) {
        w->on_ended(d->c, &d->run.id, d->run.status, w->arg);
    }
    *out_run = d->run;
    return E_OK;
}

static enum err enter(struct drive *d, const struct id *run)
{
    d->inflight.run = *run;
    d->inflight.org = d->c->org;
    d->inflight.in_memory = !d->store;
    if (!runs_enter(d->runs, &d->inflight)) {
        return ctx_fail(d->c, E_CONFLICT, "run %s is being driven by this process", run->text);
    }
    return E_OK;
}

static enum err claim_and_drive(struct drive *d, const struct id *run, bool steal,
                                struct run *out_run)
{
    TRY(checkpoint_claim(d->c, d, run, steal));
    if (d->run.status != RUN_RUNNING) {
        int seq = -1;
        TRY(checkpoint_state(d->c, d->arena, d->graph, run, &seq, &d->state));
    }
    return drive_on(d, out_run);
}

enum err drive_stored(struct ctx *c, struct runs *r, const struct id *run, bool steal,
                      const struct run_driver *driver, struct run *out_run)
{
    struct drive d;
    drive_open(&d, c, r, NULL);
    d.driver = driver;
    enum err e = store_of(c, &d.store);
    e = e == E_OK ? enter(&d, run) : e;
    if (e == E_OK) {
        e = claim_and_drive(&d, run, steal, out_run);
        runs_leave(r, &d.inflight);
    }
    drive_close(&d);
    return e;
}

static struct graph_limits limits_of(const struct graph *g, const struct graph_limits *asked)
{
    struct graph_limits l = g->table->limits;
    l.steps_max = l.steps_max > 0 ? l.steps_max : STEPS_MAX;
    l.active_ms_max = l.active_ms_max > 0 ? l.active_ms_max : ACTIVE_MS_MAX;
    if (asked->steps_max > 0 && asked->steps_max < l.steps_max) {
        l.steps_max = asked->steps_max;
    }
    if (asked->active_ms_max > 0 && asked->active_ms_max < l.active_ms_max) {
        l.active_ms_max = asked->active_ms_max;
    }
    if (asked->tokens_max > 0 && (!l.tokens_max || asked->tokens_max < l.tokens_max)) {
        l.tokens_max = asked->tokens_max;
    }
    if (asked->cost_microcents_max > 0 &&
        (!l.cost_microcents_max || asked->cost_microcents_max < l.cost_microcents_max)) {
        l.cost_microcents_max = asked->cost_microcents_max;
    }
    return l;
}

enum err drive_prepare(struct drive *d, const struct run_spec *spec)
{
    struct ctx *c = d->c;
    const struct graph_table *t = spec->graph->table;
    if (spec->thread.n > 128 || spec->version.n > 128) {
        return ctx_fail(c, E_INVALID, "thread and version of a run have at most 128 bytes");
    }
    if (advance_is_deeper(spec->input, ADVANCE_DEPTH_MAX)) {
        return ctx_fail(c, E_TOO_LARGE, "the input is nested deeper than %d", ADVANCE_DEPTH_MAX);
    }
    const struct json *input = spec->input ? json_copy(d->arena, spec->input) : NULL;
    TRY(graph_merge_into(c, d->arena, spec->graph, &json_empty_object, input, &d->state));
    int64_t now = ctx_now_ms(c);
    d->limits = limits_of(spec->graph, &spec->limits);
    d->node = spec->graph->start;
    d->run = (struct run){.id = id_is_set(&spec->id) ? spec->id : id_new(now),
                          .graph = str_of(t->name),
                          .graph_version = str_of(t->version),
                          .thread = str_dup(c->arena, spec->thread),
                          .version = str_dup(c->arena, spec->version),
                          .status = RUN_RUNNING,
                          .node = str_of(t->start),
                          .started_at_ms = now,
                          .updated_at_ms = now};
    return E_OK;
}

/* The first lease covers whatever node comes after those that are repeatable. */
static int64_t first_lease_ms(const struct drive *d)
{
    int64_t longest = drive_lease_ms(node_of(d, d->node));
    if (!node_of(d, d->node)->repeatable) {
        return longest;
    }
    for (int i = 0; i < d->graph->node_count; i++) {
        int64_t ms = drive_lease_ms(node_of(d, i));
        longest = ms > longest ? ms : longest;
    }
    return longest + DRIVE_HELD_SLACK_MS;
}

static enum err start(struct drive *d, const struct run_spec *spec, struct run *out_run)
{
    struct ctx *c = d->c;
    TRY(drive_prepare(d, spec));
    d->fresh = true;
    if (!spec->in_memory) {
        TRY(store_of(c, &d->store));
    }
    if (d->store && spec->late) {
        TRY(checkpoint_defer(c, d, spec, ctx_now_ms(c) + first_lease_ms(d)));
    }
    TRY(enter(d, &d->run.id));
    enum err e = E_OK;
    if (d->store && !spec->late) {
        e = checkpoint_create(c, d, spec, ctx_now_ms(c) + first_lease_ms(d));
    }
    e = e == E_OK ? drive_on(d, out_run) : e;
    runs_leave(d->runs, &d->inflight);
    return e;
}

enum err drive_new(struct ctx *c, struct runs *r, const struct run_spec *spec,
                   const struct run_driver *driver, struct run *out_run)
{
    struct drive d;
    drive_open(&d, c, r, spec->graph);
    d.driver = driver;
    enum err e = start(&d, spec, out_run);
    drive_close(&d);
    return e;
}
