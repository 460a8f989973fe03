/* Runs in memory: edges, retries, failures, limits, cancelling, what the driver is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/log.h"
#include "graph/journal.h"
#include "graph/run.h"
#include "graph/step.h"

/* What the nodes of these tests obey and leave behind. */
struct script {
    int fail_times; /* node `flaky` fails so often */
    enum err fail_with;
    int executed;      /* effects */
    struct runs *runs; /* node `stopped` cancels its own run */
    char told[512];
};

static struct clock *clock_of_test;
static struct facilities at;

static enum graph_verdict count(struct ctx *c, struct step *s)
{
    step_put(s, "count", json_new_int(c->arena, 1));
    step_piece(c, s, STR("."));
    step_spend(s, 10, 5, 1000);
    return GRAPH_NEXT;
}

static enum graph_verdict flaky(struct ctx *c, struct step *s)
{
    struct script *script = step_arg(s);
    step_put(s, "attempt", json_new_int(c->arena, step_attempt(s)));
    if (script->fail_times-- > 0) {
        step_put(s, "left", json_new_bool(true));
        ctx_fail(c, script->fail_with, "not now");
        return GRAPH_FAIL;
    }
    return GRAPH_NEXT;
}

static enum graph_verdict sorry(struct ctx *c, struct step *s)
{
    (void)c;
    step_put(s, "failure", step_failure(s));
    return GRAPH_NEXT;
}

static enum err effect(struct ctx *c, struct str key, void *arg, const struct json **out_result)
{
    struct script *script = arg;
    script->executed++;
    *out_result = json_new_str(c->arena, str_dup(c->arena, key));
    return script->fail_with == E_NOT_FOUND ? ctx_fail(c, E_NOT_FOUND, "no such order") : E_OK;
}

static enum graph_verdict act(struct ctx *c, struct step *s)
{
    struct script *script = step_arg(s);
    struct journal_use use = {
        .name = STR("act"), .effect = JOURNAL_KEYED, .execute = effect, .arg = script};
    struct journal_call first, second;
    assert_int_equal(journal_call(c, s, &use, &first), E_OK);
    assert_int_equal(journal_call(c, s, &use, &second), E_OK);
    assert_int_equal(c->fault.err, E_OK);
    assert_false(str_eq(first.id, second.id)); /* asked for twice: two calls */
    step_put(s, "status", json_new_str(c->arena, str_of(journal_status_name(first.status))));
    return script->fail_times-- > 0 ? (ctx_fail(c, E_UNAVAILABLE, "after the calls"), GRAPH_FAIL)
                                    : GRAPH_NEXT;
}

static enum graph_verdict stopped(struct ctx *c, struct step *s)
{
    struct script *script = step_arg(s);
    assert_int_equal(run_cancel(c, script->runs, step_run(s)), E_OK);
    if (ctx_check(c) != E_CANCELLED) {
        return GRAPH_DONE;
    }
    return GRAPH_FAIL;
}

static enum graph_verdict waiting(struct ctx *c, struct step *s)
{
    (void)c;
    return step_wait_person(s, "approval", 0);
}

static enum graph_verdict writes_elsewhere(struct ctx *c, struct step *s)
{
    step_put(s, "undeclared", json_new_int(c->arena, 1));
    return GRAPH_NEXT;
}

static enum graph_verdict digs_deep(struct ctx *c, struct step *s)
{
    const struct json *v = json_new_int(c->arena, 1);
    for (int i = 0; i < JSON_DEPTH_MAX; i++) {
        v = json_push(c->arena, &json_empty_array, v);
    }
    step_put(s, "failure", v);
    return GRAPH_NEXT;
}

static bool below_three(const struct json *state)
{
    return json_int(state, "count", 0) < 3;
}

static bool always(const struct json *state)
{
    (void)state;
    return true;
}

static const struct graph_field fields[] = {
    {.name = "count", .rule = GRAPH_ADD},      {.name = "attempt", .rule = GRAPH_REPLACE},
    {.name = "left", .rule = GRAPH_REPLACE},   {.name = "failure", .rule = GRAPH_REPLACE},
    {.name = "status", .rule = GRAPH_REPLACE}, {0}};

#define TABLE(...)                                                                                 \
    (&(const struct graph_table){.name = "test", .version = "1", .fields = fields, __VA_ARGS__})
#define N(...)                                                                                     \
    .nodes = (const struct graph_node[])                                                           \
    {                                                                                              \
        __VA_ARGS__,                                                                               \
        {                                                                                          \
            0                                                                                      \
        }                                                                                          \
    }
#define E(...)                                                                                     \
    .edges = (const struct graph_edge[])                                                           \
    {                                                                                              \
        __VA_ARGS__,                                                                               \
        {                                                                                          \
            0                                                                                      \
        }                                                                                          \
    }

static int setup(void **state)
{
    clock_of_test = clock_new();
    clock_set_ms(clock_of_test, 1000000);
    at.clock = clock_of_test;
    *state = ctx_new(&at, 64 << 20);
    return 0;
}

static int teardown(void **state)
{
    struct ctx *c = *state;
    ctx_free(&c);
    clock_free(&clock_of_test);
    return 0;
}

static void tell(void *arg, const char *what)
{
    struct script *script = arg;
    size_t n = strlen(script->told);
    snprintf(script->told + n, sizeof(script->told) - n, "%s ", what);
}

static void on_step_started(struct ctx *c, const struct id *run, int seq, const char *node,
                            void *arg)
{
    char text[80];
    assert_true(id_is_set(run) && c);
    snprintf(text, sizeof(text), "%d:%s", seq, node);
    tell(arg, text);
}

static void on_step_finished(struct ctx *c, const struct id *run, int seq, const char *node,
                             enum err outcome, int64_t duration_ms, void *arg)
{
    assert_true(id_is_set(run) && c && node && seq > 0 && duration_ms >= 0);
    tell(arg, outcome == E_OK ? "ok" : err_name(outcome));
}

static void on_piece(struct ctx *c, const struct id *run, struct str text, void *arg)
{
    assert_true(id_is_set(run) && c);
    tell(arg, str_eqz(text, ".") ? "." : "?");
}

static void on_ended(struct ctx *c, const struct id *run, enum run_status status, void *arg)
{
    assert_true(id_is_set(run) && c);
    tell(arg, run_status_name(status));
}

static struct run run_table(struct ctx *c, const struct graph_table *table, struct script *script,
                            struct graph_limits limits)
{
    struct graph *g = NULL;
    if (graph_compile(c, table, &g) != E_OK) {
        fail_msg("%s", c->fault.text);
    }
    const struct graph *graphs[] = {g, NULL};
    struct runs *runs = runs_new(graphs, NULL);
    script->runs = runs;
    struct run_watch watch = {on_step_started, on_step_finished, on_piece, on_ended, script};
    struct run_driver driver = {&watch, script};
    struct run_spec spec = {.graph = g, .thread = STR("t"), .in_memory = true, .limits = limits};
    struct run run;
    enum err e = run_start(c, runs, &spec, &driver, &run);
    if (e != E_OK) {
        fail_msg("%s", c->fault.text);
    }
    runs_free(&runs);
    graph_free(&g);
    return run;
}

static void edges_are_tried_in_order_and_bounded(void **state)
{
    struct ctx *c = *state;
    struct script script = {0};
    const struct graph_table *t =
        TABLE(.start = "a", N({.name = "a", .fn = count}, {.name = "b", .fn = flaky}),
              E({.from = "a", .to = "a", .when = below_three}, {.from = "a", .to = "b"},
                {.from = "b", .to = "a", .when = always, .times_max = 2},
                {.from = "b", .to = "END"}));
    struct run run = run_table(c, t, &script, (struct graph_limits){0});
    assert_int_equal(run.status, RUN_DONE);
    /* a a a b | a b | a b: below_three no longer holds, the loop back is used up after two */
    assert_int_equal(json_int(run.state, "count", 0), 5);
    assert_int_equal(run.seq, 8);
    assert_int_equal(run.tokens_in, 50);
    assert_int_equal(run.tokens_out, 25);
    assert_int_equal(run.cost_microcents, 5000);
    assert_string_equal(script.told, "1:a . ok 2:a . ok 3:a . ok 4:b ok 5:a . ok 6:b ok 7:a . ok "
                                     "8:b ok done ");
}

static void transient_failures_are_tried_again(void **state)
{
    struct ctx *c = *state;
    const struct {
        const char *why;
        int fails, attempts_max;
        enum err with;
        enum run_status status;
        int attempt; /* in the state */
    } cases[] = {
        {"no failure", 0, 1, E_UNAVAILABLE, RUN_DONE, 1},
        {"one of two", 1, 2, E_UNAVAILABLE, RUN_DONE, 2},
        {"a limit passes too", 2, 3, E_LIMIT, RUN_DONE, 3},
        {"out of attempts", 2, 2, E_TIMEOUT, RUN_FAILED, 0},
        {"attempts are one unless said", 1, 0, E_TIMEOUT, RUN_FAILED, 0},
        {"a defect stays a defect", 1, 5, E_INTERNAL, RUN_FAILED, 0},
        {"nor does a wrong input heal", 1, 5, E_INVALID, RUN_FAILED, 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct script script = {.fail_times = cases[i].fails, .fail_with = cases[i].with};
        const struct graph_table *t = TABLE(.start = "a",
                                            N({.name = "a",
                                               .fn = flaky,
                                               .attempts_max = cases[i].attempts_max,
                                               .backoff_ms = 1}),
                                            E({.from = "a", .to = "END"}));
        struct run run = run_table(c, t, &script, (struct graph_limits){0});
        if (run.status != cases[i].status ||
            json_int(run.state, "attempt", 0) != cases[i].attempt) {
            fail_msg("%s: %s", cases[i].why, run_status_name(run.status));
        }
        /* what a failed attempt put is gone with it */
        assert_null(json_get(run.state, "left"));
        if (run.status == RUN_FAILED) {
            assert_int_equal(run.err, cases[i].with);
            assert_true(str_eqz(run.error, "not now"));
        }
    }
}

static void a_failure_can_go_on_elsewhere(void **state)
{
    struct ctx *c = *state;
    struct script script = {.fail_times = 9, .fail_with = E_UNAVAILABLE};
    const struct graph_table *t = TABLE(
            .start = "a",
            N({.name = "a", .fn = flaky, .attempts_max = 2, .backoff_ms = 1, .on_failure = "sorry"},
              {.name = "sorry", .fn = sorry}),
            E({.from = "a", .to = "END"}, {.from = "sorry", .to = "END"}));
    struct run run = run_table(c, t, &script, (struct graph_limits){0});
    assert_int_equal(run.status, RUN_DONE);
    assert_true(str_eqz(json_text(json_path(run.state, "failure.node"), STR("")), "a"));
    assert_true(str_eqz(json_text(json_path(run.state, "failure.code"), STR("")), "unavailable"));
    assert_true(str_eqz(json_text(json_path(run.state, "failure.text"), STR("")), "not now"));
}

static void limits_end_a_run(void **state)
{
    struct ctx *c = *state;
    const struct graph_edge *round =
        (const struct graph_edge[]){{.from = "a", .to = "a", .when = always},
                                    {.from = "a", .to = "END"},
                                    {.from = "sorry", .to = "END"},
                                    {0}};
    const struct {
        const char *why;
        struct graph_limits limits;
        int seq;
    } cases[] = {
        {"steps", {.steps_max = 7}, 7},
        {"the default", {0}, 64},
        {"tokens of both kinds", {.tokens_max = 45}, 3},
        {"cost", {.cost_microcents_max = 2001}, 3},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct script script = {0};
        struct graph_table table = {
            .name = "t",
            .version = "1",
            .start = "a",
            .fields = fields,
            .nodes = (const struct graph_node[]){{.name = "a", .fn = count}, {0}},
            .edges = (const struct graph_edge[]){
                {.from = "a", .to = "a", .when = always}, {.from = "a", .to = "END"}, {0}}};
        struct run run = run_table(c, &table, &script, cases[i].limits);
        if (run.status != RUN_FAILED || run.err != E_LIMIT || run.seq != cases[i].seq) {
            fail_msg("%s: %s after %d", cases[i].why, run_status_name(run.status), run.seq);
        }
        struct script polite = {0};
        table.nodes = (const struct graph_node[]){
            {.name = "a", .fn = count}, {.name = "sorry", .fn = sorry}, {0}};
        table.edges = round;
        table.on_limit = "sorry";
        run = run_table(c, &table, &polite, cases[i].limits);
        if (run.status != RUN_DONE || run.seq != cases[i].seq + 1 ||
            !str_eqz(json_text(json_path(run.state, "failure.code"), STR("")), "limit")) {
            fail_msg("%s, politely: %s after %d", cases[i].why, run_status_name(run.status),
                     run.seq);
        }
    }
}

static void grace_after_a_limit_ends_too(void **state)
{
    struct ctx *c = *state;
    struct script script = {0};
    const struct graph_table *t =
        TABLE(.start = "a", .on_limit = "a", N({.name = "a", .fn = count}),
              E({.from = "a", .to = "a", .when = always}, {.from = "a", .to = "END"}));
    struct run run = run_table(c, t, &script, (struct graph_limits){.steps_max = 3});
    assert_int_equal(run.status, RUN_FAILED);
    assert_int_equal(run.err, E_LIMIT);
    assert_int_equal(run.seq, 11);
}

static void calls_of_a_failed_attempt_are_not_repeated(void **state)
{
    struct ctx *c = *state;
    struct script script = {.fail_times = 2};
    const struct graph_table *t =
        TABLE(.start = "a", N({.name = "a", .fn = act, .attempts_max = 3, .backoff_ms = 1}),
              E({.from = "a", .to = "END"}));
    struct run run = run_table(c, t, &script, (struct graph_limits){0});
    assert_int_equal(run.status, RUN_DONE);
    assert_int_equal(script.executed, 2); /* two calls, once each, over three attempts */
    struct script failing = {.fail_times = 1, .fail_with = E_NOT_FOUND};
    run = run_table(c, t, &failing, (struct graph_limits){0});
    assert_int_equal(run.status, RUN_DONE);
    assert_int_equal(failing.executed, 2); /* a failure that stays is an answer as well */
    assert_true(str_eqz(json_str(run.state, "status", STR("")), "failed"));
}

static void a_run_is_cancelled_from_outside(void **state)
{
    struct ctx *c = *state;
    struct script script = {0};
    const struct graph_table *t =
        TABLE(.start = "a",
              N({.name = "a", .fn = stopped, .attempts_max = 5}, {.name = "b", .fn = count}),
              E({.from = "a", .to = "b"}, {.from = "b", .to = "END"}));
    struct run run = run_table(c, t, &script, (struct graph_limits){0});
    assert_int_equal(run.status, RUN_CANCELLED);
    assert_null(json_get(run.state, "count"));
}

static void defects_of_nodes_fail_the_run(void **state)
{
    struct ctx *c = *state;
    const struct {
        const char *why;
        enum graph_verdict (*fn)(struct ctx *c, struct step *s);
        enum err err;
    } cases[] = {
        {"a wait needs a stored run", waiting, E_INTERNAL},
        {"an undeclared field", writes_elsewhere, E_INTERNAL},
        {"deeper than can be read back", digs_deep, E_TOO_LARGE},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct script script = {0};
        const struct graph_table *t =
            TABLE(.start = "a", N({.name = "a", .fn = cases[i].fn}), E({.from = "a", .to = "END"}));
        struct run run = run_table(c, t, &script, (struct graph_limits){0});
        if (run.status != RUN_FAILED || run.err != cases[i].err) {
            fail_msg("%s: %s", cases[i].why, run_status_name(run.status));
        }
    }
}

static void whose_time_is_up_stops_driving(void **state)
{
    struct ctx *c = *state;
    const struct graph_table *t =
        TABLE(.start = "a", N({.name = "a", .fn = count}), E({.from = "a", .to = "END"}));
    struct graph *g = NULL;
    assert_int_equal(graph_compile(c, t, &g), E_OK);
    struct runs *runs = runs_new(NULL, NULL);
    struct run_spec spec = {.graph = g, .in_memory = true};
    struct run run = {.seq = -7};
    c->deadline_steady_ms = clock_steady_ms() - 1;
    assert_int_equal(run_start(c, runs, &spec, NULL, &run), E_TIMEOUT);
    c->deadline_steady_ms = 0;
    atomic_bool cancel = true;
    c->cancel = &cancel;
    assert_int_equal(run_start(c, runs, &spec, NULL, &run), E_CANCELLED);
    c->cancel = NULL;
    spec.input = json_with(c->arena, &json_empty_object, STR("nope"), &json_true_value);
    assert_int_equal(run_start(c, runs, &spec, NULL, &run), E_INTERNAL);
    assert_int_equal(run.seq, -7);
    spec.input = NULL;
    assert_int_equal(run_start(c, runs, &spec, NULL, &run), E_OK);
    runs_free(&runs);
    graph_free(&g);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        T(edges_are_tried_in_order_and_bounded), T(transient_failures_are_tried_again),
        T(a_failure_can_go_on_elsewhere),        T(limits_end_a_run),
        T(grace_after_a_limit_ends_too),         T(calls_of_a_failed_attempt_are_not_repeated),
        T(a_run_is_cancelled_from_outside),      T(defects_of_nodes_fail_the_run),
        T(whose_time_is_up_stops_driving),
    };
    return cmocka_run_group_tests_name("run in memory", tests, NULL, NULL);
}
