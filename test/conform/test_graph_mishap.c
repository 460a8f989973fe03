/* A durable run with each of its calls to the store failing in turn, or only the answer getting
 * lost: whoever goes on with it, what it did within the store is there once. */
#include "base/mishap.h"
#include "conform/graph_world.h"

#define BOOKINGS_TOLD                                                                              \
    "SELECT count(*) FROM tool_call WHERE run_id = ?1 AND name = 'book' AND status = 'done'"

enum { CALLS_MAX = 400, PATIENCE = 20, RUNS_MAX = 10 };

static enum store_kind kind_of_run;

struct strike {
    int calls, at;
    enum mishap_place place;
};

static bool strikes(void *arg, enum mishap_place place)
{
    struct strike *s = arg;
    if (++s->calls != s->at) {
        return false;
    }
    s->place = place;
    return true;
}

struct bench {
    struct world w;
    struct order order;
    struct graph *graph;
    const struct graph *graphs[2];
    struct runs *runs;
    struct migration migrations[4];
    bool late; /* the run is recorded with its first commit that has an effect */
};

static const struct run_signal yes = {"person", {"approval", 8}, &json_true_value};

/* Time passes, and the runs that nobody drives are gone on with. */
static void recover(struct bench *b, struct ctx *c)
{
    for (int i = 0, driven = 1; i < PATIENCE && driven > 0; i++) {
        clock_advance_ms(b->w.at.clock, 3600000);
        assert_ok(run_recover(c, b->runs, false, RUNS_MAX, &driven));
    }
}

static void check_runs(struct bench *b, struct ctx *c, int at)
{
    struct store *s;
    struct store_rows rows;
    assert_ok(store_of(c, &s));
    assert_ok(store_query(c, s, &rows, "SELECT id, status FROM run"));
    for (int i = 0; i < rows.count; i++) {
        struct id id = row_id(&rows, i, 0);
        struct run run;
        if (str_eqz(row_str(&rows, i, 1), "waiting")) {
            assert_ok(run_resume(c, b->runs, &id, &yes, NULL, &run));
        }
        assert_ok(run_get(c, b->runs, &id, &run));
        int64_t messages = order_count(c, ORDER_MESSAGES, &id);
        int64_t bookings = order_count(c, ORDER_BOOKINGS, &id);
        int64_t told = order_count(c, BOOKINGS_TOLD, &id); /* a node may live with a failed call */
        /* a node without a second attempt may end the run, then nothing was sent */
        bool ended = run.status == RUN_DONE || run.status == RUN_FAILED;
        if (!ended || messages != (run.status == RUN_DONE) || bookings != told) {
            fail_msg("call %d: the run is %s (%.*s), %lld messages, %lld bookings of %lld told", at,
                     run_status_name(run.status), STR_ARG(run.error), (long long)messages,
                     (long long)bookings, (long long)told);
        }
    }
}

static bool run_with_strike(struct bench *b, int at)
{
    struct strike strike = {.at = at};
    const struct mishap mishap = {.strikes = strikes, .arg = &strike};
    struct ctx *c = ctx_child(b->w.c, 64 << 20);
    struct store *s;
    struct run run;
    struct run_spec spec = {.graph = b->graph,
                            .thread = STR("conversation-1"),
                            .version = STR("agent v1"),
                            .late = b->late};
    assert_ok(store_of(c, &s));
    b->w.at.mishap = &mishap;
    if (run_start(c, b->runs, &spec, NULL, &run) == E_OK && run.status == RUN_WAITING) {
        run_resume(c, b->runs, &run.id, &yes, NULL, &run);
    }
    b->w.at.mishap = NULL;
    ctx_forgive(c);
    recover(b, c);
    check_runs(b, c, at);
    assert_ok(store_exec(c, s, NULL, "DELETE FROM run"));
    ctx_free(&c);
    return strike.calls >= at;
}

static struct bench *open_bench(const struct graph_table *table, bool late)
{
    struct bench *b = mem_new(sizeof(*b));
    b->late = late;
    order_migrations(b->migrations);
    world_open(&b->w, kind_of_run, b->migrations);
    clock_set_ms(b->w.at.clock, 1000000);
    assert_ok(graph_compile(b->w.c, table, &b->graph));
    b->graphs[0] = b->graph;
    b->runs = runs_new(b->graphs, &b->order);
    b->order = (struct order){.world = &b->w, .runs = b->runs};
    return b;
}

static void close_bench(struct bench *b)
{
    runs_free(&b->runs);
    graph_free(&b->graph);
    world_close(&b->w);
    free(b);
}

static void fail_each_call(const struct graph_table *table, bool late)
{
    struct bench *b = open_bench(table, late);
    int at = 1;
    while (at < CALLS_MAX && run_with_strike(b, at)) {
        at++;
    }
    print_message("%d calls failed, one at a time\n", at - 1);
    assert_in_range(at, 20, CALLS_MAX - 1);
    close_bench(b);
}

static void each_call_fails_once(void **state)
{
    (void)state;
    fail_each_call(&order_table, false);
}

static void so_it_does_when_steps_are_saved_with_the_next(void **state)
{
    (void)state;
    fail_each_call(&order_held_table, false);
}

static void so_it_does_when_the_run_is_recorded_with_an_effect(void **state)
{
    (void)state;
    fail_each_call(&order_held_table, true);
}

/* A fork of the run is driven, and its at-th call fails. False: it makes fewer. */
static bool drive_with_strike(struct bench *b, struct ctx *c, const struct id *run, int at)
{
    struct strike strike = {.at = at};
    const struct mishap mishap = {.strikes = strikes, .arg = &strike};
    struct store *s;
    struct store_rows rows;
    struct id forked;
    struct run r;
    assert_ok(store_of(c, &s));
    assert_ok(run_fork(c, b->runs, run, 0, NULL, &forked));
    b->w.at.mishap = &mishap;
    enum err e = run_drive(c, b->runs, &forked, NULL, &r);
    b->w.at.mishap = NULL;
    ctx_forgive(c);
    assert_ok(
        store_query(c, s, &rows, "SELECT lease_until_ms FROM run WHERE id = ?1", S_ID(&forked)));
    /* of a claim whose commit was not heard of nobody can say whether it is ours */
    if (e != E_OK && row_int(&rows, 0, 0) != 0 && strike.place != MISHAP_COMMIT_LOST) {
        fail_msg("call %d: nobody drives the run, and it is leased", at);
    }
    return strike.calls >= at;
}

static void what_could_not_be_driven_is_free(void **state)
{
    (void)state;
    struct bench *b = open_bench(&order_table, false);
    struct ctx *c = ctx_child(b->w.c, 64 << 20);
    struct run_spec spec = {
        .graph = b->graph, .thread = STR("conversation-1"), .version = STR("agent v1")};
    struct run run;
    int at = 1;
    assert_ok(run_start(c, b->runs, &spec, NULL, &run));
    while (at < CALLS_MAX && drive_with_strike(b, c, &run.id, at)) {
        at++;
    }
    assert_in_range(at, 10, CALLS_MAX - 1);
    ctx_free(&c);
    close_bench(b);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_call_fails_once),
        cmocka_unit_test(so_it_does_when_steps_are_saved_with_the_next),
        cmocka_unit_test(what_could_not_be_driven_is_free),
        cmocka_unit_test(so_it_does_when_the_run_is_recorded_with_an_effect),
    };
    kind_of_run = STORE_SQLITE;
    int failed = cmocka_run_group_tests_name("graph over SQLite", tests, NULL, NULL);
    if (world_postgres()) {
        kind_of_run = STORE_POSTGRES;
        failed += cmocka_run_group_tests_name("graph over PostgreSQL", tests, NULL, NULL);
    }
    return failed;
}
