/* run_fork, run_replay and run_state_at: what can be made of the checkpoints of a run. */
#include "graph/checkpoint.h"
#include "graph/run.h"

enum { REPLAY_STEPS_MAX = 1000, REPLAY_ARENA_BYTES = 256 << 20 };

/* The run's row and graph, for reading. */
static enum err find_run(struct ctx *c, struct runs *r, const struct id *run, struct run *out_run,
                         const struct graph **out_graph)
{
    struct store *store;
    TRY(store_of(c, &store));
    TRY(checkpoint_run(c, store, run, out_run));
    const struct graph *g = runs_graph(r, out_run->graph);
    if (!g) {
        return ctx_fail(c, E_CONFLICT, "this program has no graph %.*s", STR_ARG(out_run->graph));
    }
    *out_graph = g;
    return E_OK;
}

enum err run_state_at(struct ctx *c, struct runs *r, const struct id *run, int seq,
                      const struct json **out_state)
{
    struct run found;
    const struct graph *g = NULL;
    TRY(find_run(c, r, run, &found, &g));
    return checkpoint_state(c, c->arena, g, run, &seq, out_state);
}

/* Where a fork goes on: the step that followed, and the failure it was entered with. */
static enum err fork_place(struct ctx *c, struct drive *d, const struct id *run, int seq)
{
    struct store_rows rows;
    TRY(store_query(c, d->store, &rows,
                    "SELECT k.next, n.came FROM checkpoint k LEFT JOIN checkpoint n"
                    " ON n.run_id = k.run_id AND n.seq = k.seq + 1"
                    " WHERE k.run_id = ?1 AND k.seq = ?2",
                    S_ID(run), S_INT(seq)));
    d->node = rows.count ? graph_node_named(d->graph, row_str(&rows, 0, 0)) : GRAPH_NOWHERE;
    if (d->node < 0) {
        return ctx_fail(c, E_CONFLICT, "nothing follows step %d of run %s", seq, run->text);
    }
    const struct json *came = NULL;
    struct json_fault fault;
    if (!row_is_null(&rows, 0, 1) &&
        json_parse(c->arena, row_str(&rows, 0, 1), &came, &fault) == E_OK &&
        json_get(came, "failure")) {
        d->entry =
            json_with(c->arena, &json_empty_object, STR("failure"), json_get(came, "failure"));
    }
    TRY(store_query(c, d->store, &rows,
                    "SELECT steps_max, active_ms_max, tokens_max, cost_microcents_max FROM run"
                    " WHERE id = ?1",
                    S_ID(run)));
    d->limits = (struct graph_limits){(int)row_int(&rows, 0, 0), row_int(&rows, 0, 1),
                                      row_int(&rows, 0, 2), row_int(&rows, 0, 3)};
    return E_OK;
}

static enum err fork_run(struct drive *d, const struct id *run, int seq, const struct json *patch)
{
    struct ctx *c = d->c;
    struct run old;
    TRY(find_run(c, d->runs, run, &old, &d->graph));
    TRY(store_of(c, &d->store));
    int at = seq < 0 ? 0 : seq;
    TRY(checkpoint_state(c, d->arena, d->graph, run, &at, &d->state));
    TRY(fork_place(c, d, run, at));
    if (patch) {
        const struct json *patched = json_merge(d->arena, d->state, patch);
        /* through the rules once more, so that no undeclared field slips in */
        TRY(graph_merge_into(c, d->arena, d->graph, NULL, patched, &d->state));
    }
    int64_t now = ctx_now_ms(c);
    d->run = old;
    d->run.id = id_new(now);
    d->run.parent = *run;
    d->run.parent_seq = at;
    d->run.node = str_of(d->graph->table->nodes[d->node].name);
    d->run.graph_version = str_of(d->graph->table->version);
    d->run.started_at_ms = now;
    return checkpoint_create(c, d, &(struct run_spec){.graph = d->graph}, 0);
}

enum err run_fork(struct ctx *c, struct runs *r, const struct id *run, int seq,
                  const struct json *patch, struct id *out_run)
{
    struct drive d;
    drive_open(&d, c, r, NULL);
    enum err e = fork_run(&d, run, seq, patch);
    if (e == E_OK) {
        *out_run = d.run.id;
    }
    drive_close(&d);
    return e;
}

/* A step as it was, texts parsed. */
struct original {
    int seq;
    struct str node, next, status, error_code;
    const struct json *delta, *trace, *came;
};

static const struct json *parsed(struct ctx *c, const struct store_rows *rows, int i, int k)
{
    struct json_fault fault;
    const struct json *v = NULL;
    if (row_is_null(rows, i, k) || json_parse(c->arena, row_str(rows, i, k), &v, &fault) != E_OK) {
        return NULL;
    }
    return v;
}

static struct original original_of(struct ctx *c, const struct store_rows *rows, int i)
{
    return (struct original){
        .seq = (int)row_int(rows, i, 0),
        .node = row_str(rows, i, 1),
        .next = row_str(rows, i, 2),
        .status = row_str(rows, i, 3),
        .error_code = row_str(rows, i, 4),
        .delta = parsed(c, rows, i, 5),
        .trace = parsed(c, rows, i, 6),
        .came = parsed(c, rows, i, 7),
    };
}

/* Where the replayed node would have gone. */
static struct str replayed_next(const struct drive *d, const struct step *s,
                                enum graph_verdict verdict, const struct json *state)
{
    const struct graph_table *t = d->graph->table;
    if (verdict == GRAPH_WAIT) {
        return str_of(t->nodes[s->node].name);
    }
    int edge = verdict == GRAPH_NEXT ? drive_edge(d, state) : -1;
    int to = edge < 0 ? GRAPH_TO_END : d->graph->to[edge];
    return to == GRAPH_TO_END ? STR(GRAPH_END) : str_of(t->nodes[to].name);
}

struct comparison {
    bool same;
    const struct json *got; /* in the run's ctx */
    struct str next;
    struct str error;
};

/* Runs the node on the recorded state and compares. A limit that ended the original run is not the
 * node's doing: there only the delta counts. */
static void replay_node(struct drive *d, struct step *s, const struct original *o,
                        struct comparison *out)
{
    struct ctx *c = ctx_child(d->c, REPLAY_ARENA_BYTES);
    c->store = d->c->store;
    enum graph_verdict verdict = drive_attempt(c, d, s);
    bool failed = verdict == GRAPH_FAIL;
    const struct json *state = d->state;
    if (failed) {
        out->error = str_dup(d->c->arena, str_of(c->fault.text));
        out->same = str_eqz(o->error_code, err_name(c->fault.err));
    } else {
        out->got = json_copy(d->c->arena, s->delta);
        failed = graph_merge_into(c, d->arena, d->graph, d->state, out->got, &state) != E_OK;
        out->next = failed ? STR("") : replayed_next(d, s, verdict, state);
        const struct json *was = o->delta ? o->delta : &json_empty_object;
        bool limited = o->next.n == 0 || (d->graph->on_limit != GRAPH_NOWHERE &&
                                          str_eqz(o->next, d->graph->table->on_limit));
        out->same = !failed && o->error_code.n == 0 && json_equal(out->got, was) &&
                    (limited || str_eq(out->next, o->next));
    }
    ctx_free(&c);
}

static const struct json *comparison_json(struct arena *a, const struct original *o,
                                          const struct comparison *k)
{
    const struct json *v = &json_empty_object;
    v = json_with(a, v, STR("seq"), json_new_int(a, o->seq));
    v = json_with(a, v, STR("node"), json_new_str(a, o->node));
    v = json_with(a, v, STR("same"), json_new_bool(k->same));
    v = json_with(a, v, STR("expected"), o->delta ? o->delta : &json_null_value);
    v = json_with(a, v, STR("got"), k->got ? k->got : &json_null_value);
    v = json_with(a, v, STR("expected_next"), json_new_str(a, o->next));
    v = json_with(a, v, STR("got_next"), json_new_str(a, k->next));
    return k->error.n ? json_with(a, v, STR("error"), json_new_str(a, k->error)) : v;
}

/* The recorded step counts for what follows, however the replay came out. */
static enum err follow(struct drive *d, const struct original *o)
{
    TRY(graph_merge_into(d->c, d->arena, d->graph, d->state, o->delta, &d->state));
    for (int i = 0; i < d->graph->edge_count && str_eqz(o->status, "done"); i++) {
        const struct graph_edge *e = &d->graph->table->edges[i];
        d->taken[i] += str_eqz(o->node, e->from) && str_eqz(o->next, e->to) ? 1 : 0;
    }
    return E_OK;
}

static enum err replay_steps(struct drive *d, const struct id *run, struct run_replay *out)
{
    struct ctx *c = d->c;
    int seq = 0;
    TRY(checkpoint_state(c, d->arena, d->graph, run, &seq, &d->state));
    struct store_rows rows;
    TRY(store_query(c, d->store, &rows,
                    "SELECT seq, node, next, status, error_code, delta, trace, came"
                    " FROM checkpoint WHERE run_id = ?1 AND seq > 0 AND status <> 'cancelled'"
                    " ORDER BY seq LIMIT ?2",
                    S_ID(run), S_INT(REPLAY_STEPS_MAX)));
    const struct json *steps = &json_empty_array;
    struct run_replay report = {.step_count = rows.count};
    for (int i = 0; i < rows.count; i++) {
        TRY(ctx_check(c));
        struct original o = original_of(c, &rows, i);
        d->node = graph_node_named(d->graph, o.node);
        d->run.seq = o.seq - 1;
        d->entry = o.came;
        d->recorded = o.trace;
        struct comparison k = {.next = STR("")};
        if (d->node >= 0) {
            struct step s = {.drive = d, .node = d->node, .seq = o.seq, .attempt = 1};
            replay_node(d, &s, &o, &k);
            buf_free(&s.trace);
        } else {
            k.error = STR("the graph no longer has this node");
        }
        report.same_count += k.same ? 1 : 0;
        steps = json_push(c->arena, steps, comparison_json(c->arena, &o, &k));
        TRY(follow(d, &o));
    }
    report.steps = steps;
    *out = report;
    return E_OK;
}

enum err run_replay(struct ctx *c, struct runs *r, const struct id *run,
                    const struct run_driver *driver, struct run_replay *out_replay)
{
    struct drive d;
    drive_open(&d, c, r, NULL);
    d.driver = driver;
    d.replay = true;
    enum err e = find_run(c, r, run, &d.run, &d.graph);
    e = e == E_OK ? store_of(c, &d.store) : e;
    if (e == E_OK && (d.run.status == RUN_RUNNING || d.run.status == RUN_WAITING)) {
        e = ctx_fail(c, E_CONFLICT, "run %s has not ended", run->text);
    }
    e = e == E_OK ? replay_steps(&d, run, out_replay) : e;
    drive_close(&d);
    return e;
}
