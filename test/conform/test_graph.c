/* Durable runs over every driver: waits, leases and fences, cancel, fork, replay, retention. */
#include "conform/graph_world.h"

#include <pthread.h>

static enum store_kind kind_of_run;

/* One process's view: its graphs, its registry of runs, what its nodes obey. */
struct bench {
    struct world w;
    struct order order;
    struct graph *graph, *long_graph, *greedy_graph;
    const struct graph *graphs[4];
    struct runs *runs, *other; /* two processes */
    struct migration migrations[4];
};

static const struct graph_table long_table, greedy_table;

static int setup(void **state)
{
    struct bench *b = mem_new(sizeof(*b));
    order_migrations(b->migrations);
    world_open(&b->w, kind_of_run, b->migrations);
    clock_set_ms(b->w.at.clock, 1000000);
    assert_ok(graph_compile(b->w.c, &order_table, &b->graph));
    assert_ok(graph_compile(b->w.c, &long_table, &b->long_graph));
    assert_ok(graph_compile(b->w.c, &greedy_table, &b->greedy_graph));
    b->graphs[0] = b->graph;
    b->graphs[1] = b->long_graph;
    b->graphs[2] = b->greedy_graph;
    b->runs = runs_new(b->graphs, &b->order);
    b->other = runs_new(b->graphs, &b->order);
    b->order = (struct order){.world = &b->w, .runs = b->runs};
    *state = b;
    return 0;
}

static int teardown(void **state)
{
    struct bench *b = *state;
    runs_free(&b->runs);
    runs_free(&b->other);
    graph_free(&b->graph);
    graph_free(&b->long_graph);
    graph_free(&b->greedy_graph);
    world_close(&b->w);
    free(b);
    return 0;
}

static struct run start(struct bench *b)
{
    struct run_spec spec = {
        .graph = b->graph, .thread = STR("conversation-1"), .version = STR("agent v1")};
    struct run run;
    assert_ok(run_start(b->w.c, b->runs, &spec, NULL, &run));
    return run;
}

static const struct run_signal yes = {"person", {"approval", 8}, &json_true_value};

static struct run start_and_end(struct bench *b)
{
    struct run run = start(b);
    assert_int_equal(run.status, RUN_WAITING);
    assert_ok(run_resume(b->w.c, b->runs, &run.id, &yes, NULL, &run));
    return run;
}

#define FULL_LOG "plan done done done done done done done done asked person replied"

static void a_run_waits_and_is_resumed(void **state)
{
    struct bench *b = *state;
    struct ctx *c = b->w.c;
    struct run run = start(b);
    assert_int_equal(run.status, RUN_WAITING);
    assert_int_equal(run.seq, 6);
    assert_true(str_eqz(run.wait_kind, "person") && str_eqz(run.wait_name, "approval"));
    assert_int_equal(run.wait_until_ms, 1000000 + 86400000);
    struct run stored;
    assert_ok(run_get(c, b->other, &run.id, &stored));
    assert_int_equal(stored.status, RUN_WAITING);
    assert_true(json_equal(stored.state, run.state));
    assert_int_equal(stored.tokens_in, 100);
    assert_int_equal(stored.cost_microcents, 3000);

    struct run_signal wrong = {"event", STR("approval"), NULL};
    assert_int_equal(run_resume(c, b->other, &run.id, &wrong, NULL, &run), E_CONFLICT);
    wrong = (struct run_signal){"person", STR("other"), NULL};
    assert_int_equal(run_deliver(c, b->other, &run.id, &wrong), E_CONFLICT);
    assert_int_equal(run_drive(c, b->other, &run.id, NULL, &run), E_CONFLICT);
    /* any process resumes, once */
    assert_ok(run_resume(c, b->other, &run.id, &yes, NULL, &run));
    assert_int_equal(run.status, RUN_DONE);
    assert_true(str_eqz(order_log(c, run.state), FULL_LOG));
    assert_true(json_bool(run.state, "answer", false));
    assert_int_equal(order_count(c, ORDER_MESSAGES, &run.id), 1);
    assert_int_equal(run_resume(c, b->runs, &run.id, &yes, NULL, &run), E_CONFLICT);
    struct id nobody = id_new(5);
    assert_int_equal(run_deliver(c, b->runs, &nobody, &yes), E_NOT_FOUND);
}

static void a_wait_ends_at_its_time(void **state)
{
    struct bench *b = *state;
    struct ctx *c = b->w.c;
    struct run run = start(b);
    int driven = -1;
    assert_ok(run_recover(c, b->other, false, 10, &driven));
    assert_int_equal(driven, 0);
    clock_advance_ms(b->w.at.clock, 86400000);
    assert_ok(run_recover(c, b->other, false, 10, &driven));
    assert_int_equal(driven, 1);
    assert_ok(run_get(c, b->runs, &run.id, &run));
    assert_int_equal(run.status, RUN_DONE);
    assert_true(str_ends(order_log(c, run.state), STR(" asked timeout replied")));
}

static void a_signal_survives_with_its_transaction(void **state)
{
    struct bench *b = *state;
    struct ctx *c = b->w.c;
    struct store *s;
    struct run run = start(b);
    assert_ok(store_of(c, &s));
    assert_ok(store_begin(c, s));
    assert_ok(run_deliver(c, b->runs, &run.id, &yes));
    store_rollback(c, s);
    assert_int_equal(run_drive(c, b->runs, &run.id, NULL, &run), E_CONFLICT); /* still waits */
    assert_ok(run_deliver(c, b->runs, &run.id, &yes));
    const struct id *due;
    int n;
    assert_ok(run_due(c, b->other, false, 10, &due, &n));
    assert_int_equal(n, 1);
    assert_true(id_eq(due, &run.id));
    assert_ok(run_recover(c, b->other, false, 10, &n));
    assert_ok(run_get(c, b->runs, &run.id, &run));
    assert_int_equal(run.status, RUN_DONE);
    assert_true(json_bool(run.state, "answer", false));
}

static void a_run_is_created_with_the_callers_facts(void **state)
{
    struct bench *b = *state;
    struct ctx *c = b->w.c;
    struct store *s;
    struct run_spec spec = {.graph = b->graph, .id = id_new(7), .thread = STR("t")};
    struct id id;
    struct run run;
    assert_ok(store_of(c, &s));
    assert_ok(store_begin(c, s));
    assert_ok(run_create(c, b->runs, &spec, &id));
    store_rollback(c, s);
    assert_int_equal(run_get(c, b->runs, &id, &run), E_NOT_FOUND);
    assert_ok(run_create(c, b->runs, &spec, &id));
    assert_true(id_eq(&id, &spec.id));
    assert_int_equal(run_create(c, b->runs, &spec, &id), E_CONFLICT);
    assert_int_equal(run_start(c, b->runs, &spec, NULL, &run), E_CONFLICT);
    assert_ok(run_drive(c, b->other, &id, NULL, &run));
    assert_int_equal(run.status, RUN_WAITING);
    /* and is nobody else's */
    struct ctx *stranger = world_ctx(&b->w, &b->w.org_b);
    assert_int_equal(run_get(stranger, b->runs, &id, &run), E_NOT_FOUND);
    assert_int_equal(run_cancel(stranger, b->runs, &id), E_NOT_FOUND);
    assert_int_equal(run_resume(stranger, b->runs, &id, &yes, NULL, &run), E_NOT_FOUND);
    ctx_free(&stranger);
}

/* While reply runs here, another process takes the run over and ends it. */
static void taken_over(struct order *o, struct ctx *c, struct step *s)
{
    struct bench *b = (struct bench *)(void *)((char *)o->world - offsetof(struct bench, w));
    o->in_reply = NULL;
    struct ctx *other = world_ctx(&b->w, &b->w.org_a);
    struct run run;
    assert_int_equal(run_drive(other, b->other, step_run(s), NULL, &run), E_CONFLICT);
    int driven = 0;
    assert_ok(run_recover(other, b->other, true, 10, &driven));
    assert_int_equal(driven, 1);
    ctx_free(&other);
    assert_int_equal(ctx_check(c), E_OK);
}

static void who_lost_the_lease_commits_nothing(void **state)
{
    struct bench *b = *state;
    struct ctx *c = b->w.c;
    struct run run = start(b), before = run;
    b->order.in_reply = taken_over;
    assert_int_equal(run_resume(c, b->runs, &run.id, &yes, NULL, &run), E_CONFLICT);
    assert_int_equal(order_count(c, ORDER_MESSAGES, &before.id), 1); /* the other's */
    assert_ok(run_get(c, b->runs, &before.id, &run));
    assert_int_equal(run.status, RUN_DONE);
    assert_true(str_eqz(order_log(c, run.state), FULL_LOG));
}

static struct bench *overtaken;

/* While a call is out, another process has made it again and knows what came of it. */
static void made_again(void)
{
    struct bench *b = overtaken;
    struct store *s;
    overtaken = NULL;
    if (b) {
        struct ctx *other = world_ctx(&b->w, &b->w.org_a);
        assert_ok(store_of(other, &s));
        assert_ok(store_exec(other, s, NULL,
                             "UPDATE tool_call SET attempt = 2, status = 'done',"
                             " result = '{\"id\":\"theirs\"}' WHERE name = 'charge'"));
        ctx_free(&other);
    }
}

static void a_late_answer_does_not_replace_a_newer_one(void **state)
{
    struct bench *b = *state;
    struct ctx *c = b->w.c;
    const struct journal_call *calls;
    int count;
    overtaken = b;
    b->order.point = made_again;
    struct run run = start(b);
    assert_ok(journal_list(c, &run.id, &calls, &count));
    int i = 0;
    while (i < count && !str_eqz(calls[i].name, "charge")) {
        i++;
    }
    assert_true(i < count && !overtaken);
    assert_int_equal(calls[i].attempt, 2);
    assert_true(str_eqz(json_str(calls[i].result, "id", STR("")), "theirs"));
}

static void expires(struct order *o, struct ctx *c, struct step *s)
{
    struct bench *b = (struct bench *)(void *)((char *)o->world - offsetof(struct bench, w));
    (void)c;
    (void)s;
    o->in_reply = NULL;
    struct ctx *other = world_ctx(&b->w, &b->w.org_a);
    int driven = -1;
    assert_ok(run_recover(other, b->other, false, 10, &driven));
    assert_int_equal(driven, 0); /* the lease holds for the node's time-out and slack */
    clock_advance_ms(b->w.at.clock, 60000 + RUN_LEASE_SLACK_MS);
    assert_ok(run_recover(other, b->runs, false, 10, &driven));
    assert_int_equal(driven, 0); /* its own process knows better */
    assert_ok(run_recover(other, b->other, false, 10, &driven));
    assert_int_equal(driven, 1);
    ctx_free(&other);
}

static void a_lease_expires(void **state)
{
    struct bench *b = *state;
    struct run run = start(b), before = run;
    b->order.in_reply = expires;
    assert_int_equal(run_resume(b->w.c, b->runs, &run.id, &yes, NULL, &run), E_CONFLICT);
    assert_int_equal(order_count(b->w.c, ORDER_MESSAGES, &before.id), 1);
}

static void a_step_that_loses_every_driver_fails_the_run(void **state)
{
    struct bench *b = *state;
    struct ctx *c = b->w.c;
    struct run run = start(b);
    assert_ok(run_deliver(c, b->runs, &run.id, &yes));
    struct store *s;
    assert_ok(store_of(c, &s));
    for (int i = 0; i <= RUN_RECOVERIES_MAX; i++) {
        /* a driver that dies leaves its lease behind */
        assert_ok(store_exec(c, s, NULL,
                             "UPDATE run SET fence = fence + 1, lease_until_ms = 1,"
                             " recoveries = ?2 WHERE id = ?1",
                             S_ID(&run.id), S_INT(i)));
    }
    int driven;
    assert_ok(run_recover(c, b->other, false, 10, &driven));
    assert_ok(run_get(c, b->runs, &run.id, &run));
    assert_int_equal(run.status, RUN_FAILED);
    assert_int_equal(run.err, E_INTERNAL);
    assert_true(run.finished_at_ms > 0);
    assert_ok(run_due(c, b->other, true, 10, &(const struct id *){NULL}, &driven));
    assert_int_equal(driven, 0);
}

static struct {
    struct bench *bench;
    int points;
    int64_t recoveries;
} losses;

static void counts_losses(void)
{
    struct bench *b = losses.bench;
    struct store *s;
    struct store_rows rows;
    struct ctx *other = world_ctx(&b->w, &b->w.org_a);
    assert_ok(store_of(other, &s));
    losses.points++;
    if (losses.points == 1) { /* inside the first call */
        assert_ok(store_exec(other, s, NULL, "UPDATE run SET recoveries = 3"));
    } else if (losses.points == 3) { /* inside the second */
        assert_ok(store_query(other, s, &rows, "SELECT recoveries FROM run"));
        losses.recoveries = row_int(&rows, 0, 0);
    }
    ctx_free(&other);
}

/* A long step whose calls come through one by one is not the one that kills its drivers. */
static void a_step_that_advances_starts_to_count_anew(void **state)
{
    struct bench *b = *state;
    memset(&losses, 0, sizeof(losses));
    losses.bench = b;
    losses.recoveries = -1;
    b->order.point = counts_losses;
    start(b);
    assert_true(losses.points >= 3);
    assert_int_equal(losses.recoveries, 0);
}

/* The node works until its caller's time is up. */
static void runs_late(struct order *o, struct ctx *c, struct step *s)
{
    (void)o;
    (void)s;
    while (ctx_check(c) == E_OK) {}
}

static void finds_no_store(struct order *o, struct ctx *c, struct step *s)
{
    (void)o;
    (void)s;
    ctx_fail(c, E_UNAVAILABLE, "the database is being restarted");
    c->fault.of_store = true;
}

/* The database was away for longer than the node tries: it is no failure of the run. */
static void a_run_waits_for_its_store(void **state)
{
    struct bench *b = *state;
    struct run run = start(b), out;
    b->order.in_reply = finds_no_store;
    assert_int_equal(run_resume(b->w.c, b->runs, &run.id, &yes, NULL, &out), E_UNAVAILABLE);
    b->order.in_reply = NULL;
    assert_ok(run_get(b->w.c, b->runs, &run.id, &out));
    assert_int_equal(out.status, RUN_RUNNING);
    assert_ok(run_drive(b->w.c, b->other, &run.id, NULL, &out)); /* its lease was given back */
    assert_int_equal(out.status, RUN_DONE);
    assert_true(str_eqz(order_log(b->w.c, out.state), FULL_LOG));
}

static void a_caller_out_of_time_hands_the_run_back(void **state)
{
    struct bench *b = *state;
    struct run run = start(b), out;
    assert_ok(run_deliver(b->w.c, b->runs, &run.id, &yes));
    atomic_bool gone = true;
    struct ctx *late = world_ctx(&b->w, &b->w.org_a);
    struct store *s;
    assert_ok(store_of(late, &s));
    b->order.in_reply = runs_late;
    late->deadline_steady_ms = clock_steady_ms() + 25;
    assert_int_equal(run_drive(late, b->runs, &run.id, NULL, &out), E_TIMEOUT);
    late->deadline_steady_ms = 0;
    late->cancel = &gone;
    assert_int_equal(run_drive(late, b->runs, &run.id, NULL, &out), E_CANCELLED);
    ctx_free(&late);
    b->order.in_reply = NULL;
    assert_ok(run_drive(b->w.c, b->other, &run.id, NULL, &out)); /* at once: no lease was left */
    assert_int_equal(out.status, RUN_DONE);
    assert_int_equal(order_count(b->w.c, ORDER_MESSAGES, &run.id), 1);
}

static void cancelled_meanwhile(struct order *o, struct ctx *c, struct step *s)
{
    struct bench *b = (struct bench *)(void *)((char *)o->world - offsetof(struct bench, w));
    struct ctx *other = world_ctx(&b->w, &b->w.org_a);
    assert_ok(run_cancel(other, b->order.runs, step_run(s)));
    ctx_free(&other);
    step_spend(s, 7, 7, 7);
    /* in the same process the node is told at once; from another its commit is refused */
    assert_int_equal(ctx_check(c), b->order.runs == b->runs ? E_CANCELLED : E_OK);
}

static void a_cancelled_run_has_no_more_effects(void **state)
{
    struct bench *b = *state;
    struct ctx *c = b->w.c;
    for (int i = 0; i < 2; i++) {
        struct run run = start(b);
        b->order.in_reply = cancelled_meanwhile;
        b->order.runs = i ? b->runs : b->other;
        assert_ok(run_resume(c, b->runs, &run.id, &yes, NULL, &run));
        assert_int_equal(run.status, RUN_CANCELLED);
        assert_int_equal(order_count(c, ORDER_MESSAGES, &run.id), 0);
        struct run stored;
        assert_ok(run_get(c, b->runs, &run.id, &stored));
        assert_int_equal(stored.status, RUN_CANCELLED);
        assert_int_equal(stored.tokens_in, 107); /* what was spent is not forgotten */
        assert_true(str_ends(order_log(c, stored.state), STR(" asked person")));
        const struct run_step *steps;
        int n;
        assert_ok(run_steps(c, &run.id, 0, 100, &steps, &n));
        assert_int_equal(n, 8);
        assert_true(str_eqz(steps[7].status, "cancelled") && str_eqz(steps[7].node, "reply"));
        assert_int_equal(run_cancel(c, b->runs, &run.id), E_CONFLICT);
    }
    struct run waiting = start(b);
    assert_ok(run_cancel(c, b->other, &waiting.id));
    assert_int_equal(run_resume(c, b->runs, &waiting.id, &yes, NULL, &waiting), E_CONFLICT);
    struct id nobody = id_new(5);
    assert_int_equal(run_cancel(c, b->runs, &nobody), E_NOT_FOUND);
}

/* A run that is recorded with its first commit that has an effect, looked at before that. */
struct young {
    struct bench *b;
    struct id id;
    bool cancel;
    enum err refuse; /* what the record's hook returns */
    int looks;
};

static void looks_at_it(struct ctx *c, const struct id *id, int seq, const char *node, void *arg)
{
    struct young *y = arg;
    struct run run;
    (void)node;
    y->id = *id;
    if (seq == 2) { /* plan is over and waits for the next commit */
        y->looks++;
        assert_int_equal(run_get(c, y->b->other, id, &run), E_NOT_FOUND);
        ctx_forgive(c);
        if (y->cancel) {
            assert_ok(run_cancel(c, y->b->runs, id));
        }
    }
}

static enum err is_recorded(struct ctx *c, struct store *s, void *arg)
{
    const struct young *y = arg;
    assert_true(store_in_transaction(s));
    return y->refuse == E_OK ? E_OK : ctx_fail(c, y->refuse, "somebody else has it");
}

static enum err start_young(struct young *y, struct run *out_run)
{
    struct bench *b = y->b;
    struct graph *g;
    assert_ok(graph_compile(b->w.c, &order_held_table, &g));
    struct run_watch watch = {.on_step_started = looks_at_it, .arg = y};
    struct run_driver driver = {&watch, &b->order};
    struct run_spec spec = {.graph = g,
                            .thread = STR("conversation-1"),
                            .late = true,
                            .on_create = is_recorded,
                            .on_create_arg = y};
    enum err e = run_start(b->w.c, b->runs, &spec, &driver, out_run);
    assert_int_equal(y->looks, 1);
    graph_free(&g);
    return e;
}

static void a_run_may_be_recorded_with_its_first_effect(void **state)
{
    struct bench *b = *state;
    struct ctx *c = b->w.c;
    struct young y = {.b = b};
    struct run run, stored;
    assert_ok(start_young(&y, &run));
    assert_int_equal(run.status, RUN_WAITING);
    assert_ok(run_get(c, b->other, &run.id, &stored));
    assert_int_equal(stored.status, RUN_WAITING);
    assert_int_equal(stored.seq, 6);
    assert_true(json_equal(stored.state, run.state));
    assert_ok(run_resume(c, b->other, &run.id, &yes, NULL, &run));
    assert_int_equal(run.status, RUN_DONE);
    assert_true(str_eqz(order_log(c, run.state), FULL_LOG));
    assert_int_equal(order_count(c, ORDER_MESSAGES, &run.id), 1);
}

static void a_run_is_cancelled_before_it_is_recorded(void **state)
{
    struct bench *b = *state;
    struct young y = {.b = b, .cancel = true};
    struct run run, stored;
    assert_ok(start_young(&y, &run));
    assert_int_equal(run.status, RUN_CANCELLED);
    assert_ok(run_get(b->w.c, b->other, &run.id, &stored));
    assert_int_equal(stored.status, RUN_CANCELLED);
    assert_true(str_eqz(order_log(b->w.c, stored.state), "plan"));
    assert_int_equal(order_count(b->w.c, ORDER_BOOKINGS, &run.id), 0);
    assert_int_equal(run_cancel(b->w.c, b->other, &run.id), E_CONFLICT);
}

static void a_run_that_is_not_to_be_leaves_nothing(void **state)
{
    struct bench *b = *state;
    struct young y = {.b = b, .refuse = E_CONFLICT};
    struct run run, stored;
    assert_int_equal(start_young(&y, &run), E_CONFLICT);
    ctx_forgive(b->w.c);
    assert_int_equal(run_get(b->w.c, b->other, &y.id, &stored), E_NOT_FOUND);
    assert_int_equal(order_count(b->w.c, ORDER_BOOKINGS, &y.id), 0);
    const struct id *due;
    int n;
    assert_ok(run_due(b->w.c, b->other, true, 10, &due, &n));
    assert_int_equal(n, 0);
}

static atomic_bool stopping;

static void stopped_meanwhile(struct order *o, struct ctx *c, struct step *s)
{
    (void)o;
    (void)s;
    assert_int_equal(ctx_check(c), E_OK);
    atomic_store(&stopping, true);
    assert_int_equal(ctx_check(c), E_CANCELLED);
}

static void a_step_hears_that_the_program_stops_and_its_run_goes_on_elsewhere(void **state)
{
    struct bench *b = *state;
    struct run run = start(b), ended;
    struct ctx *c = world_ctx(&b->w, &b->w.org_a);
    atomic_store(&stopping, false);
    c->cancel = &stopping;
    b->order.in_reply = stopped_meanwhile;
    assert_int_equal(run_resume(c, b->runs, &run.id, &yes, NULL, &ended), E_CANCELLED);
    ctx_free(&c);
    assert_ok(run_get(b->w.c, b->runs, &run.id, &run));
    assert_int_equal(run.status, RUN_RUNNING);
    assert_int_equal(order_count(b->w.c, ORDER_MESSAGES, &run.id), 0);
    b->order.in_reply = NULL;
    int driven = 0;
    assert_ok(run_recover(b->w.c, b->other, false, 10, &driven));
    assert_int_equal(driven, 1);
    assert_ok(run_get(b->w.c, b->runs, &run.id, &run));
    assert_int_equal(run.status, RUN_DONE);
    assert_int_equal(order_count(b->w.c, ORDER_MESSAGES, &run.id), 1);
}

static void a_hook_that_refuses_undoes_its_step(void **state)
{
    struct bench *b = *state;
    struct ctx *c = b->w.c;
    struct run run = start(b);
    b->order.refuse = E_DENIED;
    assert_ok(run_resume(c, b->runs, &run.id, &yes, NULL, &run));
    assert_int_equal(run.status, RUN_FAILED);
    assert_int_equal(run.err, E_DENIED);
    assert_true(str_eqz(run.error, "not to be sent"));
    assert_int_equal(order_count(c, ORDER_MESSAGES, &run.id), 0);
    const struct run_step *steps;
    int n;
    assert_ok(run_steps(c, &run.id, 7, 100, &steps, &n));
    assert_int_equal(n, 1);
    assert_true(str_eqz(steps[0].status, "failed"));
    assert_int_equal(steps[0].err, E_DENIED);
    assert_true(str_eqz(json_str(json_at(steps[0].trace, 0), "kind", STR("")), "attempt_failed"));
}

static void what_happened_can_be_read(void **state)
{
    struct bench *b = *state;
    struct ctx *c = b->w.c;
    struct run run = start_and_end(b), second = start(b);
    const struct run_step *steps;
    int n;
    assert_ok(run_steps(c, &run.id, 0, 100, &steps, &n));
    assert_int_equal(n, 8);
    static const char *const nodes[] = {"plan",  "act", "check", "act",
                                        "check", "ask", "ask",   "reply"};
    static const char *const next[] = {"act", "check", "act",   "check",
                                       "ask", "ask",   "reply", "END"};
    for (int i = 0; i < n; i++) {
        assert_true(str_eqz(steps[i].node, nodes[i]) && str_eqz(steps[i].next, next[i]));
        assert_true(str_eqz(steps[i].status, i == 5 ? "waiting" : "done"));
        assert_int_equal(steps[i].seq, i + 1);
        assert_int_equal(steps[i].started_at_ms, 1000000);
    }
    const struct json *record = json_at(steps[0].trace, 0);
    assert_true(str_eqz(json_str(record, "kind", STR("")), "llm_call"));
    assert_true(str_eqz(json_str(record, "data", STR("")), "thought"));
    assert_int_equal(json_int(record, "at", 0), 1000000);
    const struct journal_call *calls;
    assert_ok(journal_list(c, &run.id, &calls, &n));
    assert_int_equal(n, 8);
    assert_true(str_eqz(calls[2].name, "charge") && str_eqz(calls[2].call_id, "c1"));
    assert_int_equal(calls[2].status, JOURNAL_OK);
    assert_int_equal(calls[2].attempt, 1);
    assert_int_equal(calls[2].seq, 2);
    assert_true(str_eq(json_str(calls[2].result, "id", STR("")), calls[2].id));
    const struct run *runs;
    assert_ok(run_list(c, STR("conversation-1"), NULL, 10, &runs, &n));
    assert_int_equal(n, 2);
    assert_true(id_eq(&runs[0].id, &second.id) && id_eq(&runs[1].id, &run.id));
    assert_ok(run_list(c, STR(""), &second.id, 10, &runs, &n));
    assert_int_equal(n, 1);
    assert_ok(run_list(c, STR("elsewhere"), NULL, 10, &runs, &n));
    assert_int_equal(n, 0);
}

static void a_fork_goes_on_from_any_step(void **state)
{
    struct bench *b = *state;
    struct ctx *c = b->w.c;
    struct run run = start_and_end(b);
    static const struct {
        int seq;
        const char *log; /* at the end */
    } cases[] = {
        {0, "plan done done done done done done done done asked"},
        {1, "plan done done done done done done done done asked"},
        {4, "plan done done done done done done done done asked"},
        {5, "plan done done done done done done done done asked"},
        {7, FULL_LOG},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct id id;
        struct run fork;
        assert_ok(run_fork(c, b->runs, &run.id, cases[i].seq, NULL, &id));
        assert_ok(run_drive(c, b->other, &id, NULL, &fork));
        if (!str_eqz(order_log(c, fork.state), cases[i].log)) {
            fail_msg("from %d: %.*s", cases[i].seq, STR_ARG(order_log(c, fork.state)));
        }
        assert_true(id_eq(&fork.parent, &run.id));
        assert_int_equal(fork.parent_seq, cases[i].seq);
        assert_true(str_eqz(fork.thread, "conversation-1"));
    }
    struct id id;
    struct run fork;
    const struct json *patch = json_with(c->arena, &json_empty_object, STR("note"),
                                         json_new_str(c->arena, STR("what if")));
    patch = json_with(c->arena, patch, STR("log"), &json_null_value);
    assert_ok(run_fork(c, b->runs, &run.id, 7, patch, &id));
    assert_ok(run_drive(c, b->runs, &id, NULL, &fork));
    assert_true(str_eqz(order_log(c, fork.state), "replied"));
    assert_true(str_eqz(json_str(fork.state, "note", STR("")), "what if"));
    assert_int_equal(run_fork(c, b->runs, &run.id, 8, NULL, &id), E_CONFLICT);
    assert_int_equal(run_fork(c, b->runs, &run.id, 9, NULL, &id), E_NOT_FOUND);
    patch = json_with(c->arena, &json_empty_object, STR("undeclared"), &json_true_value);
    assert_int_equal(run_fork(c, b->runs, &run.id, 7, patch, &id), E_INTERNAL);
}

static void a_replay_repeats_nothing_and_compares(void **state)
{
    struct bench *b = *state;
    struct ctx *c = b->w.c;
    struct run run = start(b);
    struct run_replay replay;
    assert_int_equal(run_replay(c, b->runs, &run.id, NULL, &replay), E_CONFLICT);
    assert_ok(run_resume(c, b->runs, &run.id, &yes, NULL, &run));
    int executed = b->order.executed;
    assert_ok(run_replay(c, b->other, &run.id, NULL, &replay));
    assert_int_equal(replay.step_count, 8);
    if (replay.same_count != 8) {
        fail_msg("%.*s", STR_ARG(json_write(c->arena, replay.steps)));
    }
    assert_int_equal(b->order.executed, executed);
    assert_int_equal(order_count(c, ORDER_MESSAGES, &run.id), 1);
    b->order.plan = "another plan";
    assert_ok(run_replay(c, b->runs, &run.id, NULL, &replay));
    assert_int_equal(replay.same_count, 7);
    const struct json *first = json_at(replay.steps, 0);
    assert_false(json_bool(first, "same", true));
    assert_true(str_eqz(json_text(json_path(first, "expected.log"), STR("")), "plan"));
    assert_true(str_eqz(json_text(json_path(first, "got.log"), STR("")), "another plan"));
}

static void time_forgets_and_people_may(void **state)
{
    struct bench *b = *state;
    struct ctx *c = b->w.c;
    struct run ended = start_and_end(b), waiting = start(b), run;
    int n;
    assert_ok(run_expire(c, 1000000, 1000000, 10, &n));
    assert_int_equal(n, 0);
    assert_ok(run_expire(c, 1000001, 1000000, 10, &n));
    assert_int_equal(n, 1);
    assert_ok(run_get(c, b->runs, &ended.id, &run)); /* what it cost stays */
    assert_null(run.state);
    assert_int_equal(run.cost_microcents, 3000);
    const struct journal_call *calls;
    assert_ok(journal_list(c, &ended.id, &calls, &n));
    assert_int_equal(n, 0);
    const struct json *at;
    assert_int_equal(run_state_at(c, b->runs, &ended.id, 1, &at), E_NOT_FOUND);
    assert_ok(run_expire(c, 1000001, 1000001, 10, &n));
    assert_int_equal(n, 1);
    assert_int_equal(run_get(c, b->runs, &ended.id, &run), E_NOT_FOUND);
    assert_ok(run_get(c, b->runs, &waiting.id, &run)); /* what waits never expires */
    assert_non_null(run.state);
    assert_ok(run_erase(c, STR("conversation-1"), &n));
    assert_int_equal(n, 1);
    assert_int_equal(run_get(c, b->runs, &waiting.id, &run), E_NOT_FOUND);
    assert_int_equal(
        order_count(c, "SELECT count(*) FROM checkpoint WHERE run_id <> ?1", &(struct id){"x"}), 0);
}

/* ---- a long run with a growing state */

static enum graph_verdict grow(struct ctx *c, struct step *s)
{
    char *text = arena_alloc(c->arena, 3000);
    memset(text, 'a' + step_seq(s) % 26, 3000);
    step_put(s, "log", json_new_str(c->arena, str_make(text, 3000)));
    step_put(s, "rounds", json_new_int(c->arena, 1));
    struct order *o = step_arg(s);
    if (step_seq(s) == 20 && o->refuse != E_OK) {
        ctx_fail(c, o->refuse, "in the middle");
        return GRAPH_FAIL;
    }
    return GRAPH_NEXT;
}

static bool under_forty(const struct json *state)
{
    return json_int(state, "rounds", 0) < 40;
}

static const struct graph_table long_table = {
    .name = "long",
    .version = "1",
    .start = "grow",
    .nodes = (const struct graph_node[]){{.name = "grow", .fn = grow}, {0}},
    .edges = (const struct graph_edge[]){{.from = "grow", .to = "grow", .when = under_forty},
                                         {.from = "grow", .to = GRAPH_END},
                                         {0}},
    .fields = (const struct graph_field[]){{.name = "log", .rule = GRAPH_APPEND, .items_max = 8},
                                           {.name = "rounds", .rule = GRAPH_ADD},
                                           {0}},
};

static void any_state_can_be_rebuilt(void **state)
{
    struct bench *b = *state;
    struct ctx *c = b->w.c;
    struct run_spec spec = {.graph = b->long_graph, .thread = STR("t")};
    struct run run;
    assert_ok(run_start(c, b->runs, &spec, NULL, &run));
    assert_int_equal(run.status, RUN_DONE);
    assert_int_equal(run.seq, 40);
    for (int seq = 0; seq <= 40; seq++) {
        const struct json *at = NULL;
        assert_ok(run_state_at(c, b->runs, &run.id, seq, &at));
        const struct json *log = json_get(at, "log");
        assert_int_equal(json_int(at, "rounds", 0), seq);
        assert_int_equal(json_count(log), seq < 8 ? seq : 8);
        for (int i = 0; i < (int)json_count(log); i++) {
            int of = seq - (int)json_count(log) + 1 + i;
            assert_int_equal(json_text(json_at(log, (size_t)i), STR("?")).p[0], 'a' + of % 26);
        }
    }
    /* snapshots come when the deltas have outgrown the last one, and no more often */
    int64_t snapshots = order_count(
        c, "SELECT count(*) FROM checkpoint WHERE run_id = ?1 AND snapshot IS NOT NULL", &run.id);
    assert_in_range(snapshots, 4, 12);
}

/* ---- bounds */

static struct str filled(struct arena *a, size_t n)
{
    char *text = arena_alloc(a, n);
    memset(text, 'a', n);
    return str_make(text, n);
}

static enum graph_verdict take_too_much(struct ctx *c, struct step *s)
{
    struct order *o = step_arg(s);
    bool delta = strcmp(o->plan, "delta") == 0;
    size_t bytes = delta ? STEP_DELTA_MAX_BYTES : STEP_DELTA_MAX_BYTES - 100;
    if (delta || strcmp(o->plan, "state") == 0) {
        step_put(s, "log", json_new_str(c->arena, filled(c->arena, bytes)));
    }
    for (int i = 0; strcmp(o->plan, "hooks") == 0 && i <= STEP_ON_COMMIT_MAX; i++) {
        assert_int_equal(step_on_commit(s, order_send, NULL), i < STEP_ON_COMMIT_MAX);
    }
    for (int i = 0; strcmp(o->plan, "trace") == 0 && i < 7; i++) {
        step_trace(c, s, "big", json_new_str(c->arena, filled(c->arena, 100 << 10)));
    }
    for (int i = 0; strcmp(o->plan, "calls") == 0 && i <= JOURNAL_CALLS_MAX; i++) {
        struct journal_use use = {.name = STR("look"), .execute = order_look, .arg = o};
        struct journal_call call;
        if (journal_call(c, s, &use, &call) != E_OK) {
            return GRAPH_FAIL;
        }
    }
    if (strcmp(o->plan, "memory") == 0) {
        arena_alloc(c->arena, (300 << 20) + (size_t)o->executed);
    }
    if (strcmp(o->plan, "values") == 0) {
        struct json *ones = ARENA_ARRAY(c->arena, struct json, GRAPH_STATE_VALUES_MAX);
        struct json *all = ARENA_NEW(c->arena, struct json);
        for (int i = 0; i < GRAPH_STATE_VALUES_MAX; i++) {
            ones[i] = (struct json){.kind = JSON_INT, .integer = 1};
        }
        *all = (struct json){.kind = JSON_ARRAY, .count = GRAPH_STATE_VALUES_MAX, .items = ones};
        step_put(s, "many", all);
        step_summary(s, all, all); /* what a failed attempt told of itself ends with it */
    }
    return strcmp(o->plan, "state") == 0 ? GRAPH_NEXT : GRAPH_DONE;
}

static bool goes_on(const struct json *state)
{
    return json_count(json_get(state, "log")) > 0;
}

static const struct graph_table greedy_table = {
    .name = "greedy",
    .version = "1",
    .start = "greedy",
    .nodes = (const struct graph_node[]){{.name = "greedy", .fn = take_too_much}, {0}},
    .edges = (const struct graph_edge[]){{.from = "greedy", .to = "greedy", .when = goes_on},
                                         {.from = "greedy", .to = GRAPH_END},
                                         {0}},
    .fields = (const struct graph_field[]){{.name = "log", .rule = GRAPH_APPEND},
                                           {.name = "many", .rule = GRAPH_REPLACE},
                                           {0}},
};

static void what_is_too_much_fails_the_step(void **state)
{
    struct bench *b = *state;
    struct ctx *c = b->w.c;
    static const struct {
        const char *what;
        enum err err;
        int seq;
    } cases[] = {
        {"delta", E_TOO_LARGE, 1},  {"hooks", E_TOO_LARGE, 1}, {"calls", E_TOO_LARGE, 1},
        {"state", E_TOO_LARGE, 5},  {"trace", E_OK, 1},        {"memory", E_TOO_LARGE, 1},
        {"values", E_TOO_LARGE, 1},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct run_spec spec = {.graph = b->greedy_graph, .thread = STR("t")};
        struct run run;
        b->order.plan = cases[i].what;
        assert_ok(run_start(c, b->runs, &spec, NULL, &run));
        if (run.err != cases[i].err || run.seq != cases[i].seq) {
            fail_msg("%s: %s after %d", cases[i].what, err_name(run.err), run.seq);
        }
        const struct run_step *steps;
        int n;
        assert_ok(run_steps(c, &run.id, 0, 10, &steps, &n));
        assert_int_equal(n, cases[i].seq);
        if (cases[i].err == E_OK) { /* five fit, two were left out, and it says so */
            assert_int_equal(json_count(steps[0].trace), 6);
            assert_int_equal(json_int(json_at(steps[0].trace, 5), "data", 0), 2);
        }
    }
    struct run_spec spec = {.graph = b->graph, .thread = filled(c->arena, 129)};
    struct run run;
    assert_int_equal(run_start(c, b->runs, &spec, NULL, &run), E_INVALID);
    struct run_signal big = {"person", STR("approval"),
                             json_new_str(c->arena, filled(c->arena, 300 << 10))};
    b->order.plan = NULL;
    run = start(b);
    assert_int_equal(run_deliver(c, b->runs, &run.id, &big), E_TOO_LARGE);
}

/* ---- many at once */

struct racer {
    pthread_t thread;
    struct bench *b;
    const struct id *run; /* NULL: runs of its own */
    struct order order;
    int won;
};

static void *race(void *arg)
{
    struct racer *r = arg;
    struct ctx *c = world_ctx(&r->b->w, &r->b->w.org_a);
    struct run_driver driver = {NULL, &r->order};
    struct run run;
    for (int i = 0; i < 5 && !r->run; i++) {
        struct run_spec spec = {.graph = r->b->graph, .thread = STR("race")};
        r->won += run_start(c, r->b->runs, &spec, &driver, &run) == E_OK &&
                  run_resume(c, r->b->runs, &run.id, &yes, &driver, &run) == E_OK &&
                  run.status == RUN_DONE;
    }
    if (r->run) {
        enum err e = run_resume(c, r->b->runs, r->run, &yes, &driver, &run);
        r->won = e == E_OK;
        assert_true(e == E_OK || e == E_CONFLICT);
    }
    ctx_free(&c);
    return NULL;
}

static int race_all(struct bench *b, const struct id *run)
{
    struct racer racers[6];
    int won = 0;
    for (int i = 0; i < 6; i++) {
        racers[i] = (struct racer){.b = b, .run = run};
        pthread_create(&racers[i].thread, NULL, race, &racers[i]);
    }
    for (int i = 0; i < 6; i++) {
        pthread_join(racers[i].thread, NULL);
        won += racers[i].won;
    }
    return won;
}

static void many_run_at_once_and_one_resumes(void **state)
{
    struct bench *b = *state;
    assert_int_equal(race_all(b, NULL), 30);
    struct run run = start(b);
    assert_int_equal(race_all(b, &run.id), 1);
    assert_int_equal(order_count(b->w.c, ORDER_MESSAGES, &run.id), 1);
    assert_int_equal(
        order_count(b->w.c, "SELECT count(*) FROM message WHERE run_id <> ?1", &run.id), 30);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        T(a_run_waits_and_is_resumed),
        T(a_wait_ends_at_its_time),
        T(a_signal_survives_with_its_transaction),
        T(a_run_is_created_with_the_callers_facts),
        T(who_lost_the_lease_commits_nothing),
        T(a_late_answer_does_not_replace_a_newer_one),
        T(a_lease_expires),
        T(a_step_that_loses_every_driver_fails_the_run),
        T(a_step_that_advances_starts_to_count_anew),
        T(a_run_waits_for_its_store),
        T(a_caller_out_of_time_hands_the_run_back),
        T(a_cancelled_run_has_no_more_effects),
        T(a_run_may_be_recorded_with_its_first_effect),
        T(a_run_is_cancelled_before_it_is_recorded),
        T(a_run_that_is_not_to_be_leaves_nothing),
        T(a_step_hears_that_the_program_stops_and_its_run_goes_on_elsewhere),
        T(a_hook_that_refuses_undoes_its_step),
        T(what_happened_can_be_read),
        T(a_fork_goes_on_from_any_step),
        T(a_replay_repeats_nothing_and_compares),
        T(time_forgets_and_people_may),
        T(any_state_can_be_rebuilt),
        T(what_is_too_much_fails_the_step),
        T(many_run_at_once_and_one_resumes),
    };
    kind_of_run = STORE_SQLITE;
    int failed = cmocka_run_group_tests_name("graph over SQLite", tests, NULL, NULL);
    if (world_postgres()) {
        kind_of_run = STORE_POSTGRES;
        failed += cmocka_run_group_tests_name("graph over PostgreSQL", tests, NULL, NULL);
    }
    return failed;
}
