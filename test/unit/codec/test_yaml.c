#include "unit/codec/sample.h"

#include "codec/yaml.h"

static void test_accepts(void **state)
{
    static const struct {
        const char *yaml, *json, *why;
    } ROWS[] = {
        {"", "null", "an empty document"},
        {"# only a comment\n", "null", "a comment is no value"},
        {"a: 1\nb: [x, \"2\", 3.0, ~]\n", "{\"a\":1,\"b\":[\"x\",\"2\",3.0,null]}", "both styles"},
        {"{\"a\": [1, {\"b\": null}], \"c\": \"\\u00e9\"}",
         "{\"a\":[1,{\"b\":null}],\"c\":\"\xc3\xa9\"}", "JSON is YAML"},
        {"- 0x1F\n- 0o17\n- +7\n- 01234\n- .5\n- 1.\n- 1e3\n- -0\n",
         "[31,15,7,1234,0.5,1.0,1000.0,0]", "numbers of the core schema"},
        {"- True\n- FALSE\n- Null\n- yes\n- on\n- 1_000\n- 12:30\n",
         "[true,false,null,\"yes\",\"on\",\"1_000\",\"12:30\"]", "YAML 1.1 words stay text"},
        {"a: |\n  one\n  two\nb: >-\n  one\n  two\n", "{\"a\":\"one\\ntwo\\n\",\"b\":\"one two\"}",
         "blocks"},
        {"a:\n- |\n x\n- >\n\n  y\n", "{\"a\":[\"x\\n\",\"\\ny\\n\"]}", "blocks in a list"},
        {"a: |\nb: >\n\nc: 1", "{\"a\":\"\",\"b\":\"\",\"c\":1}", "empty blocks"},
        {"404: x\ntrue: y\n", "{\"404\":\"x\",\"true\":\"y\"}", "keys are text as written"},
        {"a:\nb:\n", "{\"a\":null,\"b\":null}", "missing values are null"},
        {"9223372036854775808", "9.22337203685477581e+18", "past int64"},
        {"--- x\n...\n", "\"x\"", "explicit start and end"},
    };
    struct arena *a = *state;
    for (size_t i = 0; i < SAMPLE_COUNT(ROWS); i++) {
        const struct json *v;
        struct json_fault fault;
        if (yaml_parse(a, str_of(ROWS[i].yaml), &v, &fault) != E_OK) {
            fail_msg("%s: %d:%d %s", ROWS[i].why, fault.line, fault.column, fault.text);
        }
        if (!json_equal(v, sample_json(a, str_of(ROWS[i].json)))) {
            sample_is(json_write(a, v), ROWS[i].json, ROWS[i].why);
        }
    }
}

static void test_refuses(void **state)
{
    static const struct {
        const char *yaml;
        int line, column;
        const char *part;
    } ROWS[] = {
        {"a: 1\nb:\n  c: 1\n  c: 2\n", 4, 3, "\"c\" occurs twice"},
        {"a: &x 1\nb: *x\n", 1, 4, "anchors"},
        {"b: *x\n", 1, 4, "aliases"},
        {"a: !!str 1\n", 1, 4, "tags"},
        {"a: 1\n---\nb: 2\n", 2, 1, "second document"},
        {"%YAML 1.1\n---\na\n", 2, 1, "directives"},
        {"base: {a: 1}\nx:\n  <<: y\n", 3, 3, "merge keys"},
        {"? [a]\n: 1\n", 1, 3, "a key must be text"},
        {": x\n", 1, 1, "a key is missing"},
        {"- .inf\n", 1, 3, "infinity"},
        {"- 1e999\n", 1, 3, "too large"},
        {"a: b: c\n", 1, 5, "invalid nested block mapping"},
        {"a:\n   b: 1\n  c: 2\n", 3, 3, "indentation"},
        {"a: \"b\n", 1, 5, "closing quote"},
        {"\ta: 1\n", 1, 1, "tab"},
        {"a: 1\nb: \xff\n", 2, 1, "UTF-8"},
        {"a: 1\nb: x\x07\n", 2, 1, "control character 0x07"},
        {"a: @x\n", 1, 4, "@"},
        {"a:\n b: |\n c\n", 3, 1, "indented by more"},
        {"- a: |\n  b: x\n", 2, 1, "indented by more"},
        {"a: \"x\\ud800\"\n", 1, 6, "escape"},
    };
    struct arena *a = *state;
    for (size_t i = 0; i < SAMPLE_COUNT(ROWS); i++) {
        const struct json *v = &json_true_value;
        struct json_fault fault = {0};
        assert_int_equal(yaml_parse(a, str_of(ROWS[i].yaml), &v, &fault), E_INVALID);
        if (!strstr(fault.text, ROWS[i].part) || fault.line != ROWS[i].line ||
            fault.column != ROWS[i].column) {
            fail_msg("%s: %d:%d %s", ROWS[i].yaml, fault.line, fault.column, fault.text);
        }
        assert_ptr_equal(v, &json_true_value);
    }
}

static enum err parse_repeated(struct arena *a, const char *piece, int times, struct json_fault *f)
{
    struct buf b = buf_make(4 << 20);
    for (int i = 0; i < times; i++) {
        buf_add_str(&b, str_of(piece));
    }
    const struct json *v;
    enum err e = yaml_parse(a, buf_str(&b), &v, f);
    buf_free(&b);
    return e;
}

static void test_bounds(void **state)
{
    struct arena *a = *state;
    struct json_fault fault;
    assert_int_equal(parse_repeated(a, "[", 100000, &fault), E_TOO_LARGE);
    assert_int_equal(parse_repeated(a, "{a: ", 5000, &fault), E_TOO_LARGE);
    assert_int_equal(parse_repeated(a, "- x\n", YAML_NODES_MAX + 1, &fault), E_TOO_LARGE);
    assert_int_equal(fault.line, YAML_NODES_MAX);
    assert_int_equal(parse_repeated(a, "# padding\n", YAML_INPUT_MAX_BYTES / 10 + 1, &fault),
                     E_TOO_LARGE);
    struct arena *small = arena_new(16 << 10);
    assert_int_equal(parse_repeated(small, "- x\n", 4000, &fault), E_TOO_LARGE);
    arena_free(&small);
}

static void test_places(void **state)
{
    struct arena *a = *state;
    const struct json *v;
    struct json_fault fault;
    assert_int_equal(
        yaml_parse(a, STR("name: x\ntools:\n  - name: \xc3\xa9t\xc3\xa9\n    run: {op: get}\n"), &v,
                   &fault),
        E_OK);
    const struct json *run = json_path(v, "tools[0].run");
    assert_int_equal(run->line, 4);
    assert_int_equal(run->column, 10);
    const struct json_member *op = json_find_member(run, STR("op"));
    assert_int_equal(op->line, 4);
    assert_int_equal(op->column, 11);
    assert_int_equal(op->value.column, 15);
    assert_int_equal(json_find_member(v, STR("tools"))->line, 2);
    assert_int_equal(json_path(v, "tools[0].name")->line, 3);
    assert_int_equal(v->line, 1);
}

static void test_writes_what_it_reads(void **state)
{
    static const char *const ROWS[] = {
        "{\"a\":1,\"list\":[1,[2,[]],{\"x\":{},\"y\":[{\"z\":null}]}],\"t\":\"plain words\"}",
        "{\"true\":\"true\",\"n\":\"null\",\"d\":\"12\",\"y\":\"yes\",\"empty\":\"\",\"s\":\" x "
        "\"}",
        "{\"block\":\"one\\n two\\n\\nthree\",\"keep\":\"x\\n\\n\\n\",\"clip\":\"x\\n\"}",
        "{\"odd\":[\"\\n\",\" lead\\nx\",\"tab\\there\\nx\",\"cr\\r\\nx\",\"a: b\",\"- "
        "a\",\"#x\",\"x #y\"]}",
        "{\"key with: colon\":{\"- dash\":1,\"\":2,\"#\":3}}",
        "[]",
        "{}",
        "\"text\"",
        "\"two\\nlines\"",
        "[[[1]],2.5,-3,true,null]",
        "{\"u\":[\"\\u007f\",\"\\u0085\",\"\\u2028\",\"\\ufeff\",\"\\u00e9\\nx\","
        "\"\\ud83d\\ude00\"]}",
    };
    struct arena *a = *state;
    for (size_t i = 0; i < SAMPLE_COUNT(ROWS); i++) {
        const struct json *v = sample_json(a, str_of(ROWS[i])), *back = NULL;
        struct str text = yaml_write(a, v);
        struct json_fault fault;
        if (yaml_parse(a, text, &back, &fault) != E_OK || !json_equal(v, back)) {
            fail_msg("%s\nwritten as\n%.*s\n%s", ROWS[i], STR_ARG(text),
                     back ? json_write(a, back).p : fault.text);
        }
    }
    sample_is(
        yaml_write(a, sample_json(a, STR("{\"a\":{\"b\":[1,{\"c\":\"x\\ny\\n\",\"d\":[]}]}}"))),
        "a:\n  b:\n    - 1\n    - c: |\n        x\n        y\n      d: []\n", "layout");
}

/* What YAML allows and a document that people write need not hold: what its author is told of it,
 * and why. */
static const struct {
    const char *told, *why;
} OUTSIDE[] = {
    {"anchors (&name) are not accepted", "an alias multiplies what it names: YAML's bombs"},
    {"tags (!name) are not accepted", "a tag asks for a type that there is not"},
    {"directives (%) are not accepted", "one version of YAML, no tags to abbreviate"},
    {"a second document starts here", "one file is one configuration"},
    {"a key must be text", "names are texts: the tree is one of JSON"},
    {"a key is missing before", "an empty name is a slip of the pen"},
};

static bool is_told(const struct json_fault *fault)
{
    for (size_t i = 0; i < SAMPLE_COUNT(OUTSIDE); i++) {
        if (strstr(fault->text, OUTSIDE[i].told)) {
            return fault->line > 0 && fault->column > 0;
        }
    }
    return false;
}

static void check_case(struct arena *a, const struct json *row, int counts[4])
{
    struct str yaml, id = json_str(row, "id", STR(""));
    assert_true(base64_decode(a, json_str(row, "yaml_b64", STR("")), &yaml));
    const struct json *v = NULL, *want = NULL;
    struct json_fault fault = {0};
    enum err e = yaml_parse(a, yaml, &v, &fault);
    if (str_eqz(json_str(row, "expect", STR("")), "error")) {
        if (e == E_OK) {
            fail_msg("%s is accepted", id.p);
        }
        counts[1]++;
    } else if (e != E_OK) {
        if (!is_told(&fault)) {
            fail_msg("%s is refused: %d:%d %s", id.p, fault.line, fault.column, fault.text);
        }
        counts[2]++;
    } else if (json_parse(a, json_str(row, "json", STR("")), &want, NULL) != E_OK) {
        counts[3]++; /* an empty document, or one that the suite gives no value of */
    } else if (!json_equal(v, want)) {
        fail_msg("%s: %s", id.p, json_write(a, v).p);
    } else {
        counts[0]++;
    }
}

static void test_suite(void **state)
{
    struct arena *a = *state;
    struct str rest = sample_data(a, "conformance/yaml_test_suite/cases.jsonl");
    int counts[4] = {0};
    const struct json *row;
    while ((row = sample_line(a, &rest))) {
        check_case(a, row, counts);
    }
    print_message("%d equal, %d refused, %d outside our rules\n", counts[0], counts[1], counts[2]);
    assert_int_equal(counts[0], 105);
    assert_int_equal(counts[1], 42);
    assert_int_equal(counts[2], 56);
    assert_int_equal(counts[3], 5);
}

int main(void)
{
    static const struct CMUnitTest TESTS[] = {
        SAMPLE_TEST(test_accepts),
        SAMPLE_TEST(test_refuses),
        SAMPLE_TEST(test_bounds),
        SAMPLE_TEST(test_places),
        SAMPLE_TEST(test_writes_what_it_reads),
        SAMPLE_TEST(test_suite),
    };
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
