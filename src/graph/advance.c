#include "graph/advance.h"

static const struct graph_node *node_of(const struct drive *d, int node)
{
    return &d->graph->table->nodes[node];
}

bool advance_is_deeper(const struct json *v, int most)
{
    if (most < 0) {
        return true;
    }
    for (uint32_t i = 0; v && v->kind >= JSON_ARRAY && i < v->count; i++) {
        const struct json *part = v->kind == JSON_ARRAY ? &v->items[i] : &v->members[i].value;
        if (advance_is_deeper(part, most - 1)) {
            return true;
        }
    }
    return false;
}

static const struct json *failure_entry(struct drive *d, const char *node, enum err e,
                                        struct str text)
{
    struct arena *a = d->arena;
    const struct json *f = &json_empty_object;
    f = json_with(a, f, STR("node"), json_new_str(a, str_of(node)));
    f = json_with(a, f, STR("code"), json_new_str(a, str_of(err_name(e))));
    f = json_with(a, f, STR("text"), json_new_str(a, str_dup(a, text)));
    return json_with(a, &json_empty_object, STR("failure"), f);
}

/* The counters as they will be after this step. */
static void count_up(struct advance *a)
{
    const struct drive *d = a->d;
    struct checkpoint *p = &a->p;
    p->now_ms = ctx_now_ms(d->c);
    p->duration_ms = (clock_steady_us() - a->s->started_us + 500) / 1000;
    p->active_ms = d->run.active_ms + p->duration_ms;
    p->tokens_in = d->run.tokens_in + a->s->tokens_in;
    p->tokens_out = d->run.tokens_out + a->s->tokens_out;
    p->cost_microcents = d->run.cost_microcents + a->s->cost_microcents;
    p->limit_seq = d->limit_seq;
}

/* The limit that forbids another step, or NULL. */
static const char *limit_passed(const struct advance *a)
{
    const struct graph_limits *l = &a->d->limits;
    const struct checkpoint *p = &a->p;
    int seq = a->s->seq;
    if (a->d->limit_seq) {
        return seq - a->d->limit_seq >= DRIVE_GRACE_STEPS ? "steps after a limit" : NULL;
    }
    if (seq >= l->steps_max) {
        return "steps";
    }
    if (p->active_ms >= l->active_ms_max) {
        return "time";
    }
    if (l->tokens_max && p->tokens_in + p->tokens_out >= l->tokens_max) {
        return "tokens";
    }
    if (l->cost_microcents_max && p->cost_microcents >= l->cost_microcents_max) {
        return "cost";
    }
    return NULL;
}

static void go_to(struct advance *a, int node)
{
    bool ends = node == GRAPH_TO_END;
    a->p.node = node;
    a->p.next = ends ? STR(GRAPH_END) : str_of(node_of(a->d, node)->name);
    a->p.run_status = ends ? RUN_DONE : RUN_RUNNING;
}

static void plan_next(struct advance *a)
{
    struct drive *d = a->d;
    a->edge = drive_edge(d, a->state);
    go_to(a, a->edge < 0 ? GRAPH_TO_END : d->graph->to[a->edge]);
    const char *limit = a->p.run_status == RUN_RUNNING ? limit_passed(a) : NULL;
    if (!limit) {
        return;
    }
    struct str text = str_fmt(d->arena, "the run's limit of %s is used up", limit);
    a->edge = -1;
    if (d->graph->on_limit != GRAPH_NOWHERE && !d->limit_seq) {
        go_to(a, d->graph->on_limit);
        a->p.limit_seq = a->s->seq;
        a->entry = failure_entry(d, node_of(d, a->s->node)->name, E_LIMIT, text);
        return;
    }
    a->p.node = a->s->node;
    a->p.next = STR("");
    a->p.run_status = RUN_FAILED;
    a->p.run_err = E_LIMIT;
    a->p.run_error = text;
}

/* Texts of delta and snapshot, and whether they may be stored. */
static enum err plan_texts(struct ctx *c, struct advance *a, const struct json *delta)
{
    const struct drive *d = a->d;
    struct checkpoint *p = &a->p;
    if (advance_is_deeper(delta, ADVANCE_DEPTH_MAX)) {
        return ctx_fail(c, E_TOO_LARGE, "a delta is nested deeper than %d", ADVANCE_DEPTH_MAX);
    }
    if (arena_used_bytes(d->arena) > DRIVE_COMPACT_BYTES && /* else there cannot be so many */
        json_values(a->state, GRAPH_STATE_VALUES_MAX) > GRAPH_STATE_VALUES_MAX) {
        return ctx_fail(c, E_TOO_LARGE, "the state has more than %d values",
                        GRAPH_STATE_VALUES_MAX);
    }
    if (!d->store) {
        return E_OK;
    }
    p->delta = json_write(c->arena, delta);
    a->delta_bytes = p->delta.n;
    if (p->delta.n > STEP_DELTA_MAX_BYTES) {
        return ctx_fail(c, E_TOO_LARGE, "a delta has more than %d bytes", STEP_DELTA_MAX_BYTES);
    }
    size_t since = d->since_bytes + p->delta.n;
    size_t enough =
        d->snapshot_bytes > DRIVE_SNAPSHOT_MIN_BYTES ? d->snapshot_bytes : DRIVE_SNAPSHOT_MIN_BYTES;
    bool may_be_full = d->snapshot_bytes + since > GRAPH_STATE_MAX_BYTES;
    if (d->since_steps + 1 < RUN_SNAPSHOT_STEPS && since <= enough && !may_be_full) {
        return E_OK;
    }
    p->snapshot = json_write(c->arena, a->state);
    a->snapshot_bytes = p->snapshot.n;
    if (p->snapshot.n > GRAPH_STATE_MAX_BYTES) {
        return ctx_fail(c, E_TOO_LARGE, "the state has more than %d bytes", GRAPH_STATE_MAX_BYTES);
    }
    return E_OK;
}

/* The list so far, closed; it stays open for an attempt that may follow. */
static struct str trace_text(struct ctx *c, struct step *s)
{
    if (s->trace.n == 0) {
        return STR("");
    }
    if (s->trace_cut) {
        json_open_object(&s->trace_out);
        json_field_str(&s->trace_out, "kind", STR("cut"));
        json_field_int(&s->trace_out, "data", s->trace_cut);
        json_close_object(&s->trace_out);
        s->trace_cut = 0;
    }
    return str_fmt(c->arena, "%.*s]", STR_ARG(buf_str(&s->trace)));
}

static void plan_rest(struct ctx *c, struct advance *a)
{
    const struct drive *d = a->d;
    struct checkpoint *p = &a->p;
    if (p->run_status == RUN_RUNNING) {
        const struct graph_node *next = node_of(d, p->node);
        p->lease_until_ms =
            p->now_ms + drive_lease_ms(next) + (next->repeatable ? DRIVE_HELD_SLACK_MS : 0);
    }
    if (!d->store) {
        return;
    }
    p->trace = trace_text(c, a->s);
    p->input = a->s->input ? json_write(c->arena, a->s->input) : STR("");
    p->output = a->s->output ? json_write(c->arena, a->s->output) : STR("");
    p->came = d->entry ? json_write(c->arena, d->entry) : STR("");
    p->entry = a->entry ? json_write(c->arena, a->entry) : STR("");
}

static enum err check_asked(struct ctx *c, const struct advance *a, enum graph_verdict verdict)
{
    const char *name = node_of(a->d, a->s->node)->name;
    if (a->s->hooks_over) {
        return ctx_fail(c, E_TOO_LARGE, "node %s asked for more than %d things on commit", name,
                        STEP_ON_COMMIT_MAX);
    }
    if (verdict == GRAPH_WAIT && !a->s->wait_kind) {
        return ctx_fail(c, E_INTERNAL, "node %s waits and did not say for what", name);
    }
    if (verdict == GRAPH_WAIT && !a->d->store) {
        return ctx_fail(c, E_INTERNAL, "node %s cannot wait: the run is not stored", name);
    }
    return E_OK;
}

enum err advance_plan(struct ctx *c, struct advance *a, enum graph_verdict verdict)
{
    struct drive *d = a->d;
    *a = (struct advance){.d = d, .s = a->s, .edge = -1};
    a->p = (struct checkpoint){.status = "done", .node = a->s->node};
    TRY(check_asked(c, a, verdict));
    const struct json *delta = json_copy(d->arena, a->s->delta);
    TRY(graph_merge_into(c, d->arena, d->graph, d->state, delta, &a->state));
    TRY(plan_texts(c, a, delta));
    count_up(a);
    if (verdict == GRAPH_WAIT) {
        a->p.status = "waiting";
        a->p.next = str_of(node_of(d, a->s->node)->name);
        a->p.run_status = RUN_WAITING;
    } else if (verdict == GRAPH_DONE) {
        go_to(a, GRAPH_TO_END);
    } else {
        plan_next(a);
    }
    plan_rest(c, a);
    return E_OK;
}

void advance_plan_failure(struct ctx *c, struct advance *a)
{
    struct drive *d = a->d;
    struct str text = str_dup(d->arena, str_of(c->fault.text));
    *a = (struct advance){.d = d, .s = a->s, .edge = -1, .state = d->state};
    a->p = (struct checkpoint){
        .status = "failed", .err = c->fault.err, .error = text, .node = a->s->node};
    count_up(a);
    int other = d->graph->on_failure[a->s->node];
    if (other != GRAPH_NOWHERE && !limit_passed(a)) {
        go_to(a, other);
        a->entry = failure_entry(d, node_of(d, a->s->node)->name, a->p.err, text);
    } else {
        a->p.run_status = RUN_FAILED;
        a->p.run_err = a->p.err;
        a->p.run_error = text;
    }
    plan_rest(c, a);
}

void advance_plan_remnant(struct ctx *c, struct advance *a)
{
    *a = (struct advance){.d = a->d, .s = a->s, .edge = -1, .state = a->d->state};
    a->p =
        (struct checkpoint){.status = "cancelled", .node = a->s->node, .run_status = RUN_CANCELLED};
    count_up(a);
    plan_rest(c, a);
}

static void apply_to_run(const struct advance *a)
{
    struct run *r = &a->d->run;
    const struct step *s = a->s;
    const struct checkpoint *p = &a->p;
    r->seq = s->seq;
    r->node = str_of(node_of(a->d, a->d->node)->name);
    r->status = p->run_status;
    r->updated_at_ms = p->now_ms;
    r->active_ms = p->active_ms;
    r->tokens_in = p->tokens_in;
    r->tokens_out = p->tokens_out;
    r->cost_microcents = p->cost_microcents;
    r->err = p->run_err;
    r->error = str_dup(a->d->c->arena, p->run_error);
    if (r->status == RUN_WAITING) {
        r->wait_kind = str_of(s->wait_kind);
        r->wait_name = str_dup(a->d->c->arena, s->wait_name);
        r->wait_until_ms = s->wait_until_ms;
    } else if (r->status != RUN_RUNNING) {
        r->finished_at_ms = p->now_ms;
    }
}

void advance_apply(const struct advance *a)
{
    struct drive *d = a->d;
    d->state = a->state;
    d->entry = a->entry;
    if (a->edge >= 0) {
        d->taken[a->edge]++;
    }
    bool fresh = a->snapshot_bytes > 0;
    d->snapshot_bytes = fresh ? a->snapshot_bytes : d->snapshot_bytes;
    d->since_bytes = fresh ? 0 : d->since_bytes + a->delta_bytes;
    d->since_steps = fresh ? 0 : d->since_steps + 1;
    d->limit_seq = a->p.limit_seq;
    d->recoveries = 0;
    d->node = a->p.node >= 0 ? a->p.node : a->s->node;
    apply_to_run(a);
}
