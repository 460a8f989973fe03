/* Runs that wait for a time or an event, a save whose answer is lost, and a cancel of what is not
 * recorded yet, over both databases. */
#include <pthread.h>
#include <time.h>

#include "base/mishap.h"
#include "conform/graph_world.h"

static enum store_kind kind_of_run;

struct bench {
    struct world w;
    struct order order;
    struct migration migrations[4];
};

static int setup(void **state)
{
    struct bench *b = mem_new(sizeof(*b));
    order_migrations(b->migrations);
    world_open(&b->w, kind_of_run, b->migrations);
    clock_set_ms(b->w.at.clock, 1000000);
    b->order = (struct order){.world = &b->w};
    *state = b;
    return 0;
}

static int teardown(void **state)
{
    struct bench *b = *state;
    world_close(&b->w);
    free(b);
    return 0;
}

/* A graph that waits for an hour to come, then for an event, a day at most. */
enum { LATER_HOUR_MS = 3600000 };

static enum graph_verdict later_rest(struct ctx *c, struct step *s)
{
    const struct json *came = step_payload(s);
    if (!came) {
        return step_wait_until(s, ctx_now_ms(c) + LATER_HOUR_MS);
    }
    step_put(s, "log", json_get(came, "kind"));
    return GRAPH_NEXT;
}

static enum graph_verdict later_paid(struct ctx *c, struct step *s)
{
    const struct json *came = step_payload(s);
    if (!came) {
        return step_wait_event(s, "invoice_paid", ctx_now_ms(c) + 24 * LATER_HOUR_MS);
    }
    step_put(s, "log", json_get(came, "kind"));
    step_put(s, "answer", json_get(came, "data"));
    return GRAPH_NEXT;
}

static const struct graph_table later_table = {
    .name = "later",
    .version = "1",
    .start = "rest",
    .nodes = (const struct graph_node[]){{.name = "rest", .fn = later_rest},
                                         {.name = "paid", .fn = later_paid},
                                         {0}},
    .edges = (const struct graph_edge[]){{.from = "rest", .to = "paid"},
                                         {.from = "paid", .to = GRAPH_END},
                                         {0}},
    .fields = (const struct graph_field[]){{.name = "log", .rule = GRAPH_APPEND},
                                           {.name = "answer", .rule = GRAPH_REPLACE},
                                           {0}},
};

/* Any process goes on with it, when the time has come or the event. */
static void a_run_waits_for_a_time_and_an_event(void **state)
{
    struct bench *b = *state;
    struct ctx *c = b->w.c;
    struct graph *later = NULL;
    assert_ok(graph_compile(c, &later_table, &later));
    const struct graph *graphs[] = {later, NULL};
    struct runs *one = runs_new(graphs, NULL), *two = runs_new(graphs, NULL);
    struct run_spec spec = {.graph = later, .thread = STR("t"), .version = STR("v")};
    const struct run_signal early = {"event", STR("timer"), NULL};
    const struct run_signal paid = {"event", STR("invoice_paid"), &json_true_value};
    struct run run, silent;
    int driven = -1;
    assert_ok(run_start(c, one, &spec, NULL, &run));
    assert_int_equal(run.status, RUN_WAITING);
    assert_true(str_eqz(run.wait_kind, "timer"));
    assert_int_equal(run_deliver(c, one, &run.id, &early), E_CONFLICT); /* time alone ends it */
    ctx_forgive(c);
    clock_advance_ms(b->w.at.clock, LATER_HOUR_MS - 1);
    assert_ok(run_recover(c, two, false, 10, &driven));
    assert_int_equal(driven, 0);
    clock_advance_ms(b->w.at.clock, 1);
    assert_ok(run_start(c, one, &spec, NULL, &silent));
    assert_ok(run_recover(c, two, false, 10, &driven));
    assert_int_equal(driven, 1);
    assert_ok(run_get(c, one, &run.id, &run));
    assert_true(str_eqz(run.wait_kind, "event") && str_eqz(run.wait_name, "invoice_paid"));
    assert_ok(run_resume(c, two, &run.id, &paid, NULL, &run));
    assert_int_equal(run.status, RUN_DONE);
    assert_true(str_eqz(order_log(c, run.state), "timer event"));
    assert_true(json_bool(run.state, "answer", false));
    for (int i = 0; i < 2; i++) { /* what does not happen ends by its time */
        clock_advance_ms(b->w.at.clock, 25 * LATER_HOUR_MS);
        assert_ok(run_recover(c, two, false, 10, &driven));
        assert_int_equal(driven, 1);
    }
    assert_ok(run_get(c, one, &silent.id, &silent));
    assert_true(str_eqz(order_log(c, silent.state), "timer timeout"));
    runs_free(&one);
    runs_free(&two);
    graph_free(&later);
}

/* The next answer to a commit gets lost. */
static bool one_lost(void *arg, enum mishap_place place)
{
    int *left = arg;
    return place == MISHAP_COMMIT_LOST && (*left)-- == 1;
}

static enum graph_verdict kept_think(struct ctx *c, struct step *s)
{
    step_put(s, "log", json_new_str(c->arena, STR("thought")));
    return GRAPH_NEXT;
}

static enum graph_verdict kept_act(struct ctx *c, struct step *s)
{
    struct order *o = step_arg(s);
    int left = 1;
    const struct mishap mishap = {.strikes = one_lost, .arg = &left};
    const struct journal_use use = {STR("book"), STR(""), NULL, JOURNAL_STORE, order_book, o};
    struct journal_call call;
    o->world->at.mishap = &mishap;
    assert_ok(step_save(c, s));
    o->world->at.mishap = NULL;
    assert_true(left < 1);
    return journal_call(c, s, &use, &call) == E_OK ? GRAPH_NEXT : GRAPH_FAIL;
}

static const struct graph_table kept_table = {
    .name = "kept",
    .version = "1",
    .start = "think",
    .nodes = (const struct graph_node[]){{.name = "think", .fn = kept_think, .repeatable = true},
                                         {.name = "act", .fn = kept_act},
                                         {0}},
    .edges = (const struct graph_edge[]){{.from = "think", .to = "act"},
                                         {.from = "act", .to = GRAPH_END},
                                         {0}},
    .fields = (const struct graph_field[]){{.name = "log", .rule = GRAPH_APPEND}, {0}},
};

/* What was saved is found to be so; the run need not wait for its own lease to run out. */
static void a_save_whose_answer_is_lost_stops_nobody(void **state)
{
    struct bench *b = *state;
    struct ctx *c = b->w.c;
    struct graph *kept = NULL;
    assert_ok(graph_compile(c, &kept_table, &kept));
    const struct graph *graphs[] = {kept, NULL};
    struct runs *runs = runs_new(graphs, &b->order);
    struct run_spec spec = {.graph = kept, .thread = STR("t"), .version = STR("v")};
    struct run run;
    assert_ok(run_start(c, runs, &spec, NULL, &run));
    assert_int_equal(run.status, RUN_DONE);
    assert_int_equal(order_count(c, ORDER_BOOKINGS, &run.id), 1);
    runs_free(&runs);
    graph_free(&kept);
}

/* A run of one step: it is recorded with what it delivers. */
struct brief {
    struct world *w;
    struct runs *runs;
    struct id run;
    bool in_commit; /* cancelled while that is committed; else before */
    enum err cancelled;
    pthread_t who;
};

static void *cancel_brief(void *arg)
{
    struct brief *f = arg;
    struct ctx *c = world_ctx(f->w, &f->w->org_a);
    f->cancelled = run_cancel(c, f->runs, &f->run);
    ctx_free(&c);
    return NULL;
}

static enum err deliver_brief(struct ctx *c, struct store *s, void *arg)
{
    struct brief *f = arg;
    (void)s;
    if (f->in_commit) {
        assert_int_equal(pthread_create(&f->who, NULL, cancel_brief, f), 0);
        nanosleep(&(struct timespec){0, 50000000}, NULL);
    }
    return c->fault.err;
}

static enum graph_verdict brief_say(struct ctx *c, struct step *s)
{
    struct brief *f = step_arg(s);
    struct ctx *stranger = world_ctx(f->w, &f->w->org_b);
    assert_int_equal(run_cancel(stranger, f->runs, step_run(s)), E_NOT_FOUND);
    ctx_free(&stranger);
    f->run = *step_run(s);
    if (!f->in_commit) {
        cancel_brief(f);
    }
    (void)c; /* it does not ask whether it is cancelled */
    assert_true(step_on_commit(s, deliver_brief, f));
    return GRAPH_NEXT;
}

static const struct graph_table brief_table = {
    .name = "brief",
    .version = "1",
    .start = "say",
    .nodes = (const struct graph_node[]){{.name = "say", .fn = brief_say}, {0}},
    .edges = (const struct graph_edge[]){{.from = "say", .to = GRAPH_END}, {0}},
    .fields = order_fields,
};

static void a_cancel_is_promised_only_when_it_holds(void **state)
{
    struct bench *b = *state;
    struct graph *g;
    assert_ok(graph_compile(b->w.c, &brief_table, &g));
    const struct graph *graphs[] = {g, NULL};
    struct runs *runs = runs_new(graphs, NULL);
    for (int i = 0; i < 2; i++) {
        struct brief f = {.w = &b->w, .runs = runs, .in_commit = i == 1};
        struct run_driver driver = {.arg = &f};
        struct run_spec spec = {.graph = g, .thread = STR("conversation-1"), .late = true};
        struct run run, stored;
        assert_ok(run_start(b->w.c, runs, &spec, &driver, &run));
        if (f.in_commit) {
            assert_int_equal(pthread_join(f.who, NULL), 0);
        }
        assert_int_equal(f.cancelled, f.in_commit ? E_CONFLICT : E_OK);
        assert_int_equal(run.status, f.in_commit ? RUN_DONE : RUN_CANCELLED);
        assert_ok(run_get(b->w.c, runs, &run.id, &stored));
        assert_int_equal(stored.status, run.status);
    }
    runs_free(&runs);
    graph_free(&g);
}

/* A run whose claim is refused when it is saved before something is paid for. */
static enum err is_taken(struct ctx *c, struct store *s, void *arg)
{
    (void)s;
    (void)arg;
    return ctx_fail(c, E_CONFLICT, "a person has it");
}

static enum graph_verdict dear_ask(struct ctx *c, struct step *s)
{
    int *asked = step_arg(s);
    if (step_save(c, s) != E_OK) {
        return GRAPH_FAIL;
    }
    ++*asked;
    return GRAPH_NEXT;
}

static const struct graph_table dear_table = {
    .name = "dear",
    .version = "1",
    .start = "think",
    .nodes = (const struct graph_node[]){{.name = "think", .fn = kept_think, .repeatable = true},
                                         {.name = "ask", .fn = dear_ask, .attempts_max = 2},
                                         {0}},
    .edges = (const struct graph_edge[]){{.from = "think", .to = "ask"},
                                         {.from = "ask", .to = GRAPH_END},
                                         {0}},
    .fields = order_fields,
};

static void nothing_is_paid_for_where_the_claim_is_refused(void **state)
{
    struct bench *b = *state;
    struct ctx *c = b->w.c;
    struct graph *g;
    assert_ok(graph_compile(c, &dear_table, &g));
    const struct graph *graphs[] = {g, NULL};
    struct runs *runs = runs_new(graphs, NULL);
    int asked = 0;
    struct run_driver driver = {.arg = &asked};
    struct run_spec spec = {
        .graph = g, .id = id_new(3), .thread = STR("t"), .late = true, .on_create = is_taken};
    struct run run;
    assert_int_equal(run_start(c, runs, &spec, &driver, &run), E_CONFLICT);
    ctx_forgive(c);
    assert_int_equal(asked, 0);
    assert_int_equal(run_get(c, runs, &spec.id, &run), E_NOT_FOUND);
    spec.on_create = NULL;
    assert_ok(run_start(c, runs, &spec, &driver, &run));
    assert_int_equal(run.status, RUN_DONE);
    assert_int_equal(asked, 1);
    runs_free(&runs);
    graph_free(&g);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_run_waits_for_a_time_and_an_event, setup, teardown),
        cmocka_unit_test_setup_teardown(a_save_whose_answer_is_lost_stops_nobody, setup, teardown),
        cmocka_unit_test_setup_teardown(a_cancel_is_promised_only_when_it_holds, setup, teardown),
        cmocka_unit_test_setup_teardown(nothing_is_paid_for_where_the_claim_is_refused, setup,
                                        teardown),
    };
    kind_of_run = STORE_SQLITE;
    int failed = cmocka_run_group_tests_name("graph over SQLite", tests, NULL, NULL);
    if (world_postgres()) {
        kind_of_run = STORE_POSTGRES;
        failed += cmocka_run_group_tests_name("graph over PostgreSQL", tests, NULL, NULL);
    }
    return failed;
}
