#include "unit/codec/sample.h"

#include <pthread.h>

#include "codec/jq.h"
#include "unit/codec/jq_rows.h"

static struct jq_program *compile(const char *source)
{
    struct jq_program *p = NULL;
    struct jq_fault fault = {0};
    if (jq_new(str_of(source), NULL, &p, &fault) != E_OK) {
        fail_msg("%s: %d:%d %s", source, fault.line, fault.column, fault.text);
    }
    return p;
}

/* All outputs as JSON, or the fault in parentheses. */
static struct str run(struct arena *a, const char *source, const char *input)
{
    struct jq_program *p = NULL;
    struct jq_fault fault = {0};
    const struct json *outputs;
    enum err e = jq_new(str_of(source), NULL, &p, &fault);
    if (e == E_OK) {
        struct jq_input in = {.value = sample_json(a, str_of(input))};
        e = jq_run(p, a, in, &outputs, &fault);
        jq_free(&p);
    }
    return e == E_OK ? json_write(a, outputs) : str_fmt(a, "(%s)", fault.text);
}

static void test_as_jq(void **state)
{
    struct arena *a = *state;
    for (size_t i = 0; i < SAMPLE_COUNT(JQ_ROWS); i++) {
        struct str got = run(a, JQ_ROWS[i].program, JQ_ROWS[i].input);
        if (!JQ_ROWS[i].outputs) {
            if (!str_starts(got, STR("("))) {
                fail_msg("%s gives %.*s", JQ_ROWS[i].program, STR_ARG(got));
            }
        } else if (str_starts(got, STR("(")) ||
                   !str_eq(got, json_write(a, sample_json(a, str_of(JQ_ROWS[i].outputs))))) {
            sample_is(got, JQ_ROWS[i].outputs, JQ_ROWS[i].program);
        }
    }
}

/* Where we differ from 1.6 on purpose: its slips, what later versions mended, and what is ours. */
static void test_ours(void **state)
{
    static const struct {
        const char *program, *input, *outputs;
    } ROWS[] = {
        {"[limit(0; 1, 2)]", "null", "[[]]"},
        {"[limit(5; repeat(. * 2))]", "1", "[[1,2,4,8,16]]"},
        {"from_entries", "[{\"name\":\"c\",\"value\":null},{\"key\":1,\"value\":2}]",
         "[{\"c\":null,\"1\":2}]"},
        {"[match(\"\"; \"g\").offset]", "\"ab\"", "[[0,1,2]]"},
        {"gsub(\"\"; \"-\")", "\"ab\"", "[\"-a-b-\"]"},
        {"gsub(\"^\"; \">\")", "\"ab\"", "[\">ab\"]"},
        {"indices(\"\")", "\"abc\"", "[null]"},
        {"indices(\"b\")",
         "\"\xc3\xa9"
         "b\"",
         "[[1]]"},
        {"try ((try 1) | error(\"z\")) catch .", "null", "[\"z\"]"},
        {"@html", "\"'\"", "[\"&#39;\"]"},
        {"(.[] | select(. > 1)) |= empty", "[1,2,3]", "[[1]]"},
        {"trim, ltrim, rtrim", "\" x \"", "[\"x\",\"x \",\" x\"]"},
        {"pick(.a.b, .c[1])", "{\"a\":{\"b\":1,\"x\":2},\"c\":[5,6]}",
         "[{\"a\":{\"b\":1},\"c\":[null,6]}]"},
        {"abs, toarray", "-3", "[3,[-3]]"},
        {"if . then 1 end", "false", "[false]"},
        {"{a: 1 + 2, b: .x // 5}", "{}", "[{\"a\":3,\"b\":5}]"},
        {"9007199254740993 + 1", "null", "[9007199254740994]"},
        {"9223372036854775807 + 1", "null", "[9.223372036854775807e18]"},
        {". as $x | [$x, 1.0, 2.50]", "3.0", "[[3,1,2.5]]"},
        {"\"\\(1.0 * 3)\"", "null", "[\"3\"]"},
        {"ascii", "65", "[\"A\"]"},
        {"[.[] | isvalid(.a)]", "[{},5]", "[[true,false]]"},
    };
    struct arena *a = *state;
    for (size_t i = 0; i < SAMPLE_COUNT(ROWS); i++) {
        struct str got = run(a, ROWS[i].program, ROWS[i].input);
        if (!str_starts(got, STR("[")) ||
            !json_equal(sample_json(a, got), sample_json(a, str_of(ROWS[i].outputs)))) {
            sample_is(got, ROWS[i].outputs, ROWS[i].program);
        }
    }
}

static void test_refuses(void **state)
{
    static const struct {
        const char *source, *part;
        int line, column;
    } ROWS[] = {
        {"", "an expression", 1, 1},
        {".a ==", "ends where an expression", 1, 6},
        {".a\n  + foo", "foo/0 is not defined", 2, 5},
        {".a | map(.b; .c)", "map/2 is not defined", 1, 6},
        {"$x", "$x is not defined", 1, 1},
        {"$ENV.PATH", "$ENV is not defined", 1, 1},
        {"env", "env/0 is not defined", 1, 1},
        {"input", "input/0 is not defined", 1, 1},
        {"now", "now/0 is not defined", 1, 1},
        {"debug", "debug/0 is not defined", 1, 1},
        {"halt", "halt/0 is not defined", 1, 1},
        {"include \"x\"; .", "unexpected \"include\"", 1, 1},
        {"import \"x\" as x; .", "unexpected \"import\"", 1, 1},
        {". as [$a] ?// $b | 1", "?// is not supported", 1, 11},
        {".a.", "a name or", 1, 4},
        {"{a: 1", "\"}\"", 1, 6},
        {"\"abc", "never closed", 1, 1},
        {"\"a\\qb\"", "unknown escape", 1, 3},
        {"1 == 2 == 3", "cannot be repeated", 1, 8},
        {"if . then 1", "expected", 1, 12},
        {"\xc3\xa9", "unexpected character", 1, 1},
        {"break $x", "no label $x", 1, 7},
        {"1 ) 2", "the end of the program", 1, 3},
        {"\xff", "not valid UTF-8", 0, 0},
    };
    struct arena *a = *state;
    (void)a;
    for (size_t i = 0; i < SAMPLE_COUNT(ROWS); i++) {
        struct jq_program *p = NULL;
        struct jq_fault fault = {0};
        enum err e = jq_new(str_of(ROWS[i].source), NULL, &p, &fault);
        if (e != E_INVALID || p || !strstr(fault.text, ROWS[i].part) ||
            fault.line != ROWS[i].line || fault.column != ROWS[i].column) {
            fail_msg("%s: %d %d:%d %s", ROWS[i].source, e, fault.line, fault.column, fault.text);
        }
    }
}

/* Failures of a run tell where in the source. */
static void test_places(void **state)
{
    static const struct {
        const char *source, *part;
        int line, column;
    } ROWS[] = {
        {".a\n  + .b", "number (1) and string (\"x\") cannot be added", 2, 3},
        {".b.c", "Cannot index string with \"c\"", 1, 3},
        {"1 | error(\"own text\")", "own text", 1, 5},
        {"error({code: 7})", "object ({\"code\":7})", 1, 1},
        {".b | tonumber", "cannot be parsed as a number", 1, 6},
        {".b[]", "Cannot iterate over string", 1, 4},
        {"map(. / 0)", "divisor is zero", 1, 7},
    };
    struct arena *a = *state;
    const struct json *input = sample_json(a, STR("{\"a\":1,\"b\":\"x\"}"));
    for (size_t i = 0; i < SAMPLE_COUNT(ROWS); i++) {
        struct jq_program *p = compile(ROWS[i].source);
        struct jq_fault fault = {0};
        const struct json *v = &json_true_value;
        const struct json *in = strstr(ROWS[i].source, "map") ? sample_json(a, STR("[1]")) : input;
        enum err e = jq_one(p, a, (struct jq_input){.value = in}, &v, &fault);
        if (e != E_INVALID || !strstr(fault.text, ROWS[i].part) || fault.line != ROWS[i].line ||
            fault.column != ROWS[i].column) {
            fail_msg("%s: %d %d:%d %s", ROWS[i].source, e, fault.line, fault.column, fault.text);
        }
        assert_ptr_equal(v, &json_true_value);
        jq_free(&p);
    }
}

/* Whatever a program does, it ends. */
static void test_bounds(void **state)
{
    static const char *const ROWS[] = {
        "[repeat(1)]",
        "def f: f; f",
        "def f: [f]; f",
        "[range(1e12)] | length",
        "until(false; .)",
        "last(range(1e12))",
        "[recurse(. + 1)] | length",
        "\"x\" * 1e9",
        "[limit(40; repeat(1))] | reduce .[] as $x (\"ab\"; . + .)",
        "reduce range(100) as $i ([1]; . + .)",
        "[range(200)] | [.[] as $a | .[] as $b | .[] as $c | .[] as $d | 1] | length",
        ".[1e6] = 1",
        ".[1e5] = 1 | [.,.,.,.,.,.,.,.,.,.,.,.,.,.,.,.,.,.,.,.] | tojson | . + . + . + .",
        "reduce range(40) as $i (1; [., .]) | tojson",
        "reduce range(40) as $i (1; [., .])",
        "reduce range(30) as $i ([1]; [., .]) == reduce range(30) as $i ([1]; [., .])",
        "reduce range(100000) as $i (0; [.]) | tojson",
        "reduce range(100000) as $i (0; [.])",
        "reduce range(100000) as $i (0; [.]) | flatten",
        "reduce range(100000) as $i (0; [.]) | [..] | length",
        "[range(100000)] | map(tostring) | join(\"x\") | [., .] | map(explode) | flatten | implode",
        "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab\" | test(\"^(a|aa)+$\")",
        "(\"x\" * 100000) | gsub(\"x\"; "
        "\"yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\")",
        "[combinations(8)] | length",
        "range(20000)",
    };
    struct arena *a = *state;
    for (size_t i = 0; i < SAMPLE_COUNT(ROWS); i++) {
        struct jq_program *p = compile(ROWS[i]);
        struct jq_fault fault = {0};
        const struct json *outputs, *in = sample_json(a, STR("[1,2,3,4,5,6,7,8]"));
        if (strstr(ROWS[i], "recurse(. + 1)")) {
            in = json_new_int(a, 0);
        }
        enum err e = jq_run(p, a, (struct jq_input){.value = in}, &outputs, &fault);
        bool allowed = e == E_INVALID && strstr(ROWS[i], "1e6"); /* an index too large */
        if (e != E_LIMIT && !allowed) {
            fail_msg("%s: %d %s", ROWS[i], e, fault.text);
        }
        jq_free(&p);
    }
}

static void test_large_sources(void **state)
{
    static const char *const PIECES[] = {
        "(",  "[",      "{a:",     ".a|",   "1+",     "-",  "try ", "if 1 then ",
        ".a", "[.,.]|", "def f: ", "\"\\(", ". as [", "1,", "..|",  "?"};
    (void)state;
    for (size_t i = 0; i < SAMPLE_COUNT(PIECES); i++) {
        struct buf b = buf_make(JQ_SOURCE_MAX_BYTES);
        while (buf_add_str(&b, str_of(PIECES[i]))) {}
        struct jq_program *p = NULL;
        struct jq_fault fault;
        if (jq_new(buf_str(&b), NULL, &p, &fault) == E_OK) { /* then it must run, to some end */
            struct arena *a = arena_new(64 << 20);
            const struct json *v;
            jq_one(p, a, (struct jq_input){.value = NULL}, &v, &fault);
            arena_free(&a);
        }
        jq_free(&p);
        buf_free(&b);
    }
    struct jq_program *p = NULL;
    struct jq_fault fault;
    char *big = calloc(1, JQ_SOURCE_MAX_BYTES + 1);
    memset(big, '1', JQ_SOURCE_MAX_BYTES + 1);
    assert_int_equal(jq_new(str_make(big, JQ_SOURCE_MAX_BYTES + 1), NULL, &p, &fault), E_TOO_LARGE);
    free(big);
}

static void test_setup(void **state)
{
    struct arena *a = *state;
    static const char *const NAMES[] = {"now_ms", "facts", NULL};
    struct jq_setup setup = {STR("def tier: $facts.tier; def vip: tier == \"gold\";"), NAMES};
    struct jq_program *p = NULL;
    struct jq_fault fault = {0};
    const struct json *v;
    assert_int_equal(jq_new(STR("vip and .age_ms < $now_ms"), &setup, &p, &fault), E_OK);
    sample_is(jq_source(p), "vip and .age_ms < $now_ms", "the source");
    struct jq_input in = {sample_json(a, STR("{\"age_ms\":5}")),
                          sample_json(a, STR("{\"now_ms\":9,\"facts\":{\"tier\":\"gold\"}}"))};
    bool truth = false;
    assert_int_equal(jq_truth(p, a, in, &truth, &fault), E_OK);
    assert_true(truth);
    in.variables = NULL; /* then they are null */
    assert_int_equal(jq_truth(p, a, in, &truth, &fault), E_OK);
    assert_false(truth);
    jq_free(&p);
    setup.prelude = STR("def broken: ;");
    assert_int_equal(jq_new(STR("."), &setup, &p, &fault), E_INVALID);
    assert_int_equal(fault.line, 0);
    setup.prelude = STR("1");
    assert_int_equal(jq_new(STR("."), &setup, &p, &fault), E_INVALID);
    p = compile("empty");
    assert_int_equal(jq_one(p, a, in, &v, NULL), E_OK);
    assert_true(json_is_null(v));
    assert_int_equal(jq_truth(p, a, in, &truth, NULL), E_OK);
    assert_false(truth);
    jq_free(&p);
    p = compile("1, error(\"never reached\")");
    assert_int_equal(jq_one(p, a, in, &v, NULL), E_OK);
    assert_int_equal(v->integer, 1);
    assert_int_equal(jq_run(p, a, in, &v, NULL), E_INVALID);
    jq_free(&p);
}

/* What comes out shares nothing with what went in, and a result that does not fit is refused. */
static void test_outputs(void **state)
{
    struct arena *a = *state, *source = arena_new(1 << 20), *small = arena_new(8 << 10);
    struct jq_program *p = compile("{a: .x, b: [.x]}");
    const struct json *v, *in = sample_json(source, STR("{\"x\":{\"name\":[\"text\"]}}"));
    assert_int_equal(jq_one(p, a, (struct jq_input){.value = in}, &v, NULL), E_OK);
    arena_free(&source);
    sample_is(json_write(a, v), "{\"a\":{\"name\":[\"text\"]},\"b\":[{\"name\":[\"text\"]}]}",
              "copied");
    jq_free(&p);
    p = compile("[range(1000)]");
    assert_int_equal(jq_one(p, small, (struct jq_input){.value = NULL}, &v, NULL), E_LIMIT);
    jq_free(&p);
    arena_free(&small);
}

/* Assignments change nothing but their result. */
static void test_input_untouched(void **state)
{
    static const char *const ROWS[] = {
        ".a[0].b = 1",
        ".a[] |= (.b = 2)",
        "del(.a[0], .c)",
        ".. |= .",
        "(.a, .a[0].b) |= [., .]",
        "[.a, .a[0]] | .[0][0].b = 9",
        ". as $x | .a[0].b += 1 | [., $x]",
        ".a |= map(.b += 1)",
        "(.a[0], .a[0].b) |= (. as $x | [$x, $x])",
        "reduce range(3) as $i (.; .a[$i].b = $i)",
    };
    struct arena *a = *state;
    const char *text = "{\"a\":[{\"b\":5},{\"b\":6}],\"c\":{\"d\":1}}";
    const struct json *in = sample_json(a, str_of(text));
    for (size_t i = 0; i < SAMPLE_COUNT(ROWS); i++) {
        struct jq_program *p = compile(ROWS[i]);
        const struct json *v;
        struct jq_fault fault = {0};
        if (jq_run(p, a, (struct jq_input){.value = in}, &v, &fault) != E_OK) {
            print_message("%s: %s\n", ROWS[i], fault.text);
        }
        sample_is(json_write(a, in), text, ROWS[i]);
        jq_free(&p);
    }
    sample_is(run(a, ". as $x | .a[0].b += 1 | [.a[0].b, $x.a[0].b]", text), "[[6,5]]",
              "the old value stays");
    sample_is(run(a, "(.a[0].b, .a[0]) |= [., .] | .a[0] | [.[0] == .[1], (.[0].b = 7 | .[1].b)]",
                  "{\"a\":[{\"b\":5}]}"),
              "[[true,[5,5]]]", "two that were one are two");
}

static void *run_many(void *arg)
{
    const struct jq_program *p = arg;
    struct arena *a = arena_new(16 << 20);
    const struct json *in = sample_json(a, STR("[{\"k\":\"b\",\"v\":2},{\"k\":\"a\",\"v\":1}]"));
    bool good = true;
    for (int i = 0; i < 300; i++) {
        const struct json *v;
        good = good && jq_one(p, a, (struct jq_input){.value = in}, &v, NULL) == E_OK &&
               str_eqz(json_write(a, v), "{\"a\":\"1!\",\"b\":\"2!\"}");
    }
    arena_free(&a);
    return good ? arg : NULL;
}

static void test_threads(void **state)
{
    (void)state;
    struct jq_program *p = compile(
        "sort_by(.k) | map({key: .k, value: (.v | tostring | gsub(\"$\"; \"!\"))}) | from_entries");
    pthread_t threads[4];
    for (size_t i = 0; i < SAMPLE_COUNT(threads); i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, run_many, p), 0);
    }
    for (size_t i = 0; i < SAMPLE_COUNT(threads); i++) {
        void *result = NULL;
        pthread_join(threads[i], &result);
        assert_ptr_equal(result, p);
    }
    jq_free(&p);
}

int main(void)
{
    static const struct CMUnitTest TESTS[] = {
        SAMPLE_TEST(test_as_jq),   SAMPLE_TEST(test_ours),    SAMPLE_TEST(test_refuses),
        SAMPLE_TEST(test_places),  SAMPLE_TEST(test_bounds),  SAMPLE_TEST(test_large_sources),
        SAMPLE_TEST(test_setup),   SAMPLE_TEST(test_outputs), SAMPLE_TEST(test_input_untouched),
        SAMPLE_TEST(test_threads),
    };
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
