/* Runs that wait for a time or an event, and a save whose answer is lost, over both databases. */
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
    step_save(c, s);
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

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_run_waits_for_a_time_and_an_event, setup, teardown),
        cmocka_unit_test_setup_teardown(a_save_whose_answer_is_lost_stops_nobody, setup, teardown),
    };
    kind_of_run = STORE_SQLITE;
    int failed = cmocka_run_group_tests_name("graph over SQLite", tests, NULL, NULL);
    if (world_postgres()) {
        kind_of_run = STORE_POSTGRES;
        failed += cmocka_run_group_tests_name("graph over PostgreSQL", tests, NULL, NULL);
    }
    return failed;
}
