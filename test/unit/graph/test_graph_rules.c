/* What graph_compile refuses, and how deltas join the state. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "graph/graph.h"

static struct clock *clock_of_test;
static struct facilities at;

static int setup(void **state)
{
    clock_of_test = clock_new();
    at.clock = clock_of_test;
    *state = ctx_new(&at, 16 << 20);
    return 0;
}

static int teardown(void **state)
{
    struct ctx *c = *state;
    ctx_free(&c);
    clock_free(&clock_of_test);
    return 0;
}

static enum graph_verdict nothing(struct ctx *c, struct step *step)
{
    (void)c;
    (void)step;
    return GRAPH_NEXT;
}

static bool sometimes(const struct json *state)
{
    return json_bool(state, "again", false);
}

#define N(...)                                                                                     \
    (const struct graph_node[])                                                                    \
    {                                                                                              \
        __VA_ARGS__,                                                                               \
        {                                                                                          \
            0                                                                                      \
        }                                                                                          \
    }
#define E(...)                                                                                     \
    (const struct graph_edge[])                                                                    \
    {                                                                                              \
        __VA_ARGS__,                                                                               \
        {                                                                                          \
            0                                                                                      \
        }                                                                                          \
    }

static const struct {
    const char *why;
    struct graph_table table;
    const char *text; /* part of the reason; NULL: compiles */
} tables[] = {
    {"one node to END",
     {.start = "a",
      .nodes = N({.name = "a", .fn = nothing}),
      .edges = E({.from = "a", .to = "END"})},
     NULL},
    {"a bounded loop with a way out",
     {.start = "a",
      .nodes = N({.name = "a", .fn = nothing}, {.name = "b", .fn = nothing}),
      .edges =
          E({.from = "a", .to = "b"}, {.from = "b", .to = "a", .when = sometimes, .times_max = 2},
            {.from = "b", .to = "END"})},
     NULL},
    {"reached by on_failure only",
     {.start = "a",
      .nodes =
          N({.name = "a", .fn = nothing, .on_failure = "sorry"}, {.name = "sorry", .fn = nothing}),
      .edges = E({.from = "a", .to = "END"}, {.from = "sorry", .to = "END"})},
     NULL},
    {"reached by on_limit only",
     {.start = "a",
      .nodes = N({.name = "a", .fn = nothing}, {.name = "sorry", .fn = nothing}),
      .edges = E({.from = "a", .to = "END"}, {.from = "sorry", .to = "END"}),
      .on_limit = "sorry"},
     NULL},
    {"unknown start",
     {.start = "x",
      .nodes = N({.name = "a", .fn = nothing}),
      .edges = E({.from = "a", .to = "END"})},
     "unknown node x"},
    {"no start",
     {.nodes = N({.name = "a", .fn = nothing}), .edges = E({.from = "a", .to = "END"})},
     "(none)"},
    {"edge to nowhere",
     {.start = "a", .nodes = N({.name = "a", .fn = nothing}), .edges = E({.from = "a", .to = "b"})},
     "unknown node b"},
    {"edge from nowhere",
     {.start = "a",
      .nodes = N({.name = "a", .fn = nothing}),
      .edges = E({.from = "a", .to = "END"}, {.from = "b", .to = "END"})},
     "unknown node b"},
    {"double name",
     {.start = "a",
      .nodes = N({.name = "a", .fn = nothing}, {.name = "a", .fn = nothing}),
      .edges = E({.from = "a", .to = "END"})},
     "two nodes are called a"},
    {"END is no node",
     {.start = "END",
      .nodes = N({.name = "END", .fn = nothing}),
      .edges = E({.from = "END", .to = "END"})},
     "no name"},
    {"node without code",
     {.start = "a", .nodes = N({.name = "a"}), .edges = E({.from = "a", .to = "END"})},
     "no function"},
    {"unreachable",
     {.start = "a",
      .nodes = N({.name = "a", .fn = nothing}, {.name = "b", .fn = nothing}),
      .edges = E({.from = "a", .to = "END"}, {.from = "b", .to = "END"})},
     "node b cannot be reached"},
    {"no END: two nodes going round",
     {.start = "a",
      .nodes = N({.name = "a", .fn = nothing}, {.name = "b", .fn = nothing}),
      .edges = E({.from = "a", .to = "b"}, {.from = "b", .to = "a"})},
     "no path leads from node a to END"},
    {"no edge",
     {.start = "a",
      .nodes = N({.name = "a", .fn = nothing}, {.name = "b", .fn = nothing}),
      .edges = E({.from = "a", .to = "b", .when = sometimes}, {.from = "a", .to = "END"})},
     "no edge leaves node b"},
    {"the last edge may not hold",
     {.start = "a",
      .nodes = N({.name = "a", .fn = nothing}),
      .edges = E({.from = "a", .to = "END", .when = sometimes})},
     "unconditional"},
    {"the last edge is used up some day",
     {.start = "a",
      .nodes = N({.name = "a", .fn = nothing}),
      .edges = E({.from = "a", .to = "END", .when = sometimes},
                 {.from = "a", .to = "a", .times_max = 3})},
     "unbounded"},
    {"an edge that is never looked at",
     {.start = "a",
      .nodes = N({.name = "a", .fn = nothing}),
      .edges = E({.from = "a", .to = "END"}, {.from = "a", .to = "END", .when = sometimes})},
     "follows one that is always taken"},
    {"on_failure to itself",
     {.start = "a",
      .nodes = N({.name = "a", .fn = nothing, .on_failure = "a"}),
      .edges = E({.from = "a", .to = "END"})},
     "its own on_failure"},
    {"unknown on_limit",
     {.start = "a",
      .nodes = N({.name = "a", .fn = nothing}),
      .edges = E({.from = "a", .to = "END"}),
      .on_limit = "b"},
     "unknown node b"},
};

static void compile_refuses_what_cannot_run(void **state)
{
    struct ctx *c = *state;
    for (size_t i = 0; i < sizeof(tables) / sizeof(*tables); i++) {
        struct graph_table table = tables[i].table;
        table.name = "test";
        table.version = "1";
        struct graph *g = NULL;
        enum err e = graph_compile(c, &table, &g);
        bool right = tables[i].text ? e == E_INVALID && strstr(c->fault.text, tables[i].text) && !g
                                    : e == E_OK && graph_table_of(g) == &table;
        if (!right) {
            fail_msg("%s: %s: %s", tables[i].why, err_name(e), c->fault.text);
        }
        graph_free(&g);
        ctx_forgive(c);
    }
}

static const struct json *parse(struct ctx *c, const char *text)
{
    const struct json *v = NULL;
    struct json_fault fault;
    assert_int_equal(json_parse(c->arena, str_of(text), &v, &fault), E_OK);
    return v;
}

static const struct graph_field fields[] = {
    {.name = "name", .rule = GRAPH_REPLACE},  {.name = "log", .rule = GRAPH_APPEND, .items_max = 3},
    {.name = "total", .rule = GRAPH_ADD},     {.name = "facts", .rule = GRAPH_MERGE},
    {.name = "best", .rule = GRAPH_KEEP_MAX}, {0}};

static void deltas_join_by_their_rules(void **state)
{
    struct ctx *c = *state;
    struct graph_table table = {.name = "test",
                                .version = "1",
                                .start = "a",
                                .nodes = N({.name = "a", .fn = nothing}),
                                .edges = E({.from = "a", .to = "END"}),
                                .fields = fields};
    struct graph *g = NULL;
    assert_int_equal(graph_compile(c, &table, &g), E_OK);
    const struct {
        const char *why, *before, *delta, *after; /* after NULL: refused */
    } cases[] = {
        {"nothing to do", "{\"name\":1}", "{}", "{\"name\":1}"},
        {"the last value counts", "{\"name\":1}", "{\"name\":\"x\"}", "{\"name\":\"x\"}"},
        {"null resets", "{\"name\":1,\"total\":2}", "{\"name\":null}", "{\"total\":2}"},
        {"null resets a list, so that it can start anew", "{\"log\":[1]}", "{\"log\":null}", "{}"},
        {"one element", "{}", "{\"log\":{\"a\":1}}", "{\"log\":[{\"a\":1}]}"},
        {"a list is joined", "{\"log\":[1]}", "{\"log\":[2,3]}", "{\"log\":[1,2,3]}"},
        {"the oldest fall out", "{\"log\":[1,2]}", "{\"log\":[3,4]}", "{\"log\":[2,3,4]}"},
        {"more than fit at once", "{\"log\":[1]}", "{\"log\":[2,3,4,5]}", "{\"log\":[3,4,5]}"},
        {"the empty list adds nothing", "{\"log\":[1]}", "{\"log\":[]}", "{\"log\":[1]}"},
        {"from nothing", "{}", "{\"total\":2}", "{\"total\":2}"},
        {"whole numbers stay whole", "{\"total\":2}", "{\"total\":3}", "{\"total\":5}"},
        {"and real ones real", "{\"total\":2}", "{\"total\":0.5}", "{\"total\":2.5}"},
        {"past int64 it becomes real", "{\"total\":9223372036854775807}", "{\"total\":1}",
         "{\"total\":9223372036854775808}"},
        {"no sum of a text", "{\"total\":2}", "{\"total\":\"3\"}", NULL},
        {"RFC 7396", "{\"facts\":{\"a\":1,\"b\":{\"c\":2}}}",
         "{\"facts\":{\"a\":null,\"b\":{\"d\":3}}}", "{\"facts\":{\"b\":{\"c\":2,\"d\":3}}}"},
        {"only objects merge", "{}", "{\"facts\":[1]}", NULL},
        {"the greater stays", "{\"best\":3}", "{\"best\":2}", "{\"best\":3}"},
        {"the greater comes", "{\"best\":3}", "{\"best\":3.5}", "{\"best\":3.5}"},
        {"undeclared", "{}", "{\"other\":1}", NULL},
        {"a delta is an object", "{}", "[1]", NULL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const struct json *before = parse(c, cases[i].before), *after = NULL;
        struct str kept = json_write(c->arena, before);
        enum err e = graph_merge(c, g, before, parse(c, cases[i].delta), &after);
        bool right = cases[i].after ? e == E_OK && json_equal(after, parse(c, cases[i].after))
                                    : e == E_INTERNAL && !after;
        if (!right || !str_eq(kept, json_write(c->arena, before))) {
            fail_msg("%s: %s %.*s", cases[i].why, err_name(e),
                     STR_ARG(json_write(c->arena, after)));
        }
    }
    graph_free(&g);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(compile_refuses_what_cannot_run, setup, teardown),
        cmocka_unit_test_setup_teardown(deltas_join_by_their_rules, setup, teardown),
    };
    return cmocka_run_group_tests_name("graph rules", tests, NULL, NULL);
}
