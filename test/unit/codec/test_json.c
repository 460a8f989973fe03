#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "codec/json.h"
#include "codec/json_scan.h"
#include "codec/simdjson_read.h"

enum { ARENA_BYTES = 64 << 20 };

static int make(void **state)
{
    *state = arena_new(ARENA_BYTES);
    return 0;
}

static int unmake(void **state)
{
    arena_free((struct arena **)state);
    return 0;
}

static const struct json *parse(struct arena *a, const char *text)
{
    const struct json *v = NULL;
    struct json_fault fault = {0};
    if (json_parse(a, str_of(text), &v, &fault) != E_OK) {
        fail_msg("%s: %s", text, fault.text);
    }
    return v;
}

static void is_text(struct str got, const char *want)
{
    if (!str_eqz(got, want)) {
        fail_msg("got  %.*s\nwant %s", STR_ARG(got), want);
    }
}

/* Both readers must take these, and give the same. */
static void test_accepts(void **state)
{
    static const struct {
        const char *text, *written, *why;
    } ROWS[] = {
        {"null", "null", "the simplest value"},
        {" [ ] ", "[]", "white space around"},
        {"{\"a\":{\"b\":[1,2.5,true,false,null,\"x\"]}}",
         "{\"a\":{\"b\":[1,2.5,true,false,null,\"x\"]}}", "every kind"},
        {"9223372036854775807", "9223372036854775807", "largest int64"},
        {"-9223372036854775808", "-9223372036854775808", "smallest int64"},
        {"9223372036854775808", "9.223372036854775808e+18", "one more becomes a real"},
        {"123456789012345678901234567890", "1.2345678901234568e+29", "past uint64"},
        {"-0", "0", "minus zero is an integer zero"},
        {"1.0", "1.0", "a real stays a real"},
        {"1e3", "1000.0", "an exponent makes a real"},
        {"0.1", "0.1", "shortest form"},
        {"1e-320", "1e-320", "denormal"},
        {"\"\\u00e9\\n\\\"\\\\\\/\\ud83d\\ude00\"", "\"\xc3\xa9\\n\\\"\\\\/\xf0\x9f\x98\x80\"",
         "escapes"},
        {"\"\\u0000\"", "\"\\u0000\"", "NUL inside a text"},
        {"{\"\":0}", "{\"\":0}", "an empty name"},
    };
    struct arena *a = *state;
    for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
        const struct json *v = parse(a, ROWS[i].text), *again;
        struct json_fault fault;
        assert_int_equal(json_scan(a, str_of(ROWS[i].text), &again, &fault), E_OK);
        if (!json_equal(v, again)) {
            fail_msg("the two readers differ: %s", ROWS[i].text);
        }
        if (strcmp(ROWS[i].text, "9223372036854775808") != 0) {
            is_text(json_write(a, v), ROWS[i].written);
        }
    }
}

static void test_refuses(void **state)
{
    static const struct {
        const char *text, *part;
        int line, column;
    } ROWS[] = {
        {"", "ends where a value", 1, 1},
        {"{\"a\":1,\n \"a\":2}", "\"a\" occurs twice", 2, 2},
        {"[1,2", "ends where", 1, 5},
        {"[1,]", "unexpected \"]\"", 1, 4},
        {"{\"a\":1,}", "a name in double quotes", 1, 8},
        {"{a:1}", "a name in double quotes", 1, 2},
        {"{\"a\" 1}", "\":\" is expected", 1, 6},
        {"[1] x", "the end of the text", 1, 5},
        {"01", "start with 0", 1, 1},
        {"-", "a digit", 1, 2},
        {"1.", "after the point", 1, 3},
        {"1e", "exponent", 1, 3},
        {"1e999", "too large", 1, 1},
        {"NaN", "a value", 1, 1},
        {"\"abc", "never closed", 1, 1},
        {"\"a\tb\"", "control character 0x09", 1, 3},
        {"\"\\x\"", "unknown escape", 1, 2},
        {"\"\\u12g4\"", "four hexadecimal", 1, 2},
        {"\"\\ud800\"", "surrogate", 1, 2},
        {"\"\\udc00\"", "surrogate", 1, 2},
        {"[\"\xff\"]", "UTF-8", 1, 3},
        {"[\"\xc3\xa9\", \"\xed\xa0\x80\"]", "UTF-8", 1, 8},
        {"\xef\xbb\xbf[]", "byte order mark", 1, 1},
        {"tru", "a value", 1, 1},
        {"// x\n1", "a value", 1, 1},
    };
    struct arena *a = *state;
    for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
        const struct json *v = &json_true_value;
        struct json_fault fault = {0};
        assert_int_equal(json_parse(a, str_of(ROWS[i].text), &v, &fault), E_INVALID);
        if (!strstr(fault.text, ROWS[i].part) || fault.line != ROWS[i].line ||
            fault.column != ROWS[i].column) {
            fail_msg("%s: %d:%d %s", ROWS[i].text, fault.line, fault.column, fault.text);
        }
        assert_ptr_equal(v, &json_true_value); /* untouched */
    }
}

static char *nested(int depth)
{
    char *text = malloc((size_t)depth * 2 + 1);
    memset(text, '[', (size_t)depth);
    memset(text + depth, ']', (size_t)depth);
    text[depth * 2] = 0;
    return text;
}

static void test_bounds(void **state)
{
    struct arena *a = *state;
    const struct json *v;
    struct json_fault fault;
    char *fits = nested(JSON_DEPTH_MAX), *deep = nested(JSON_DEPTH_MAX + 1), *bomb = nested(900000);
    assert_int_equal(json_parse(a, str_of(fits), &v, &fault), E_OK);
    assert_int_equal(json_parse(a, str_of(deep), &v, &fault), E_TOO_LARGE);
    assert_int_equal(json_parse(a, str_of(bomb), &v, &fault), E_TOO_LARGE);
    free(fits);
    free(deep);
    free(bomb);
    size_t n = JSON_INPUT_MAX_BYTES + 1;
    char *big = malloc(n);
    memset(big, ' ', n);
    assert_int_equal(json_parse(a, str_make(big, n), &v, &fault), E_TOO_LARGE);
    free(big);
    /* a document that would not fit into the arena is refused, not fatal */
    struct arena *small = arena_new(64 << 10);
    struct buf b = buf_make(1 << 20);
    buf_add_char(&b, '[');
    for (int i = 0; i < 20000; i++) {
        buf_add_str(&b, STR("0,"));
    }
    buf_add_str(&b, STR("0]"));
    assert_int_equal(json_parse(small, buf_str(&b), &v, &fault), E_TOO_LARGE);
    buf_free(&b);
    arena_free(&small);
}

static void test_many_values(void **state)
{
    static const struct {
        const char *text;
        size_t values; /* 0: no JSON */
        const char *reason;
    } rows[] = {
        {"1", 1, "a value"},
        {"[]", 1, "an empty array"},
        {"[1,1,1]", 4, "an array and its elements"},
        {"{\"a\":1,\"b\":[2,{}]}", 5, "members; names do not count"},
        {"[\"a,b,c,[{\",\"\\\",,,\"]", 3, "what stands in texts does not count"},
        {"[1,1", 0, "cut off"},
        {"[\"", 0, "a text that never ends"},
    };
    struct arena *a = *state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        const struct json *v = NULL;
        struct json_fault fault;
        struct str text = str_of(rows[i].text);
        enum err e = json_parse_within(a, text, 100, &v, &fault);
        if ((e == E_OK) != (rows[i].values > 0) || json_values(v, 100) != rows[i].values) {
            fail_msg("%s: %s, %zu values", rows[i].reason, err_name(e), json_values(v, 100));
        }
        if (rows[i].values) {
            assert_int_equal(json_parse_within(a, text, rows[i].values, &v, &fault), E_OK);
        }
    }
    const struct json *none = NULL;
    struct json_fault why;
    assert_int_equal(json_parse_within(a, STR("[1,1,1]"), 3, &none, &why), E_TOO_LARGE);
    assert_null(none);
    assert_string_equal(why.text, "the document has more than 3 values");
    assert_int_equal(json_values(NULL, 5), 0);
    /* the count stops: a million values are looked at no longer than asked */
    struct buf b = buf_make(4 << 20);
    buf_add_char(&b, '[');
    for (int i = 0; i < 1000000; i++) {
        buf_add_str(&b, STR("1,"));
    }
    buf_add_str(&b, STR("1]"));
    struct arena *small = arena_new(4096);
    const struct json *v = NULL;
    struct json_fault fault;
    assert_int_equal(json_parse_within(small, buf_str(&b), 8192, &v, &fault), E_TOO_LARGE);
    assert_int_equal(arena_used_bytes(small), 0);
    arena_free(&small);
    buf_free(&b);
}

/* Many names: the hashed search for duplicates. */
static void test_many_names(void **state)
{
    struct arena *a = *state;
    struct buf b = buf_make(1 << 20);
    buf_add_char(&b, '{');
    for (int i = 0; i < 3000; i++) {
        buf_addf(&b, "\"n%d\":%d,", i, i);
    }
    size_t mark = b.n;
    buf_add_str(&b, STR("\"last\":0}"));
    const struct json *v;
    struct json_fault fault;
    assert_int_equal(json_parse(a, buf_str(&b), &v, &fault), E_OK);
    assert_int_equal(json_count(v), 3001);
    assert_int_equal(json_int(v, "n2999", -1), 2999);
    b.n = mark;
    buf_add_str(&b, STR("\"n17\":0}"));
    assert_int_equal(json_parse(a, buf_str(&b), &v, &fault), E_INVALID);
    assert_non_null(strstr(fault.text, "\"n17\" occurs twice"));
    assert_int_equal(fault.offset, mark);
    buf_free(&b);
}

static void test_reading(void **state)
{
    struct arena *a = *state;
    const struct json *v =
        parse(a, "{\"s\":\"x\",\"i\":7,\"r\":2.5,\"b\":true,\"n\":null,"
                 "\"list\":[{\"a\":1},{\"a\":2}],\"o\":{\"p\":{\"q\":\"deep\"}}}");
    is_text(json_str(v, "s", STR("-")), "x");
    is_text(json_str(v, "i", STR("-")), "-");
    assert_int_equal(json_int(v, "i", 0), 7);
    assert_int_equal(json_int(v, "r", -1), -1);
    assert_true(json_real(v, "i", 0) == 7.0);
    assert_true(json_real(v, "r", 0) == 2.5);
    assert_true(json_bool(v, "b", false));
    assert_true(json_is_null(json_get(v, "n")));
    assert_true(json_is_null(json_get(v, "absent")));
    assert_int_equal(json_int(json_at(json_get(v, "list"), 1), "a", 0), 2);
    assert_int_equal(json_number(json_path(v, "list[1].a"), 0), 2);
    is_text(json_text(json_path(v, "o.p.q"), STR("-")), "deep");
    assert_null(json_path(v, "list[2].a"));
    assert_null(json_path(v, "list[x]"));
    assert_null(json_path(v, "o.absent.q"));
    assert_null(json_get(NULL, "x"));
    assert_int_equal(json_count(NULL), 0);
}

static void test_equal(void **state)
{
    static const struct {
        const char *a, *b;
        bool equal;
    } ROWS[] = {
        {"1", "1.0", true},
        {"{\"a\":1,\"b\":[2]}", "{\"b\":[2.0],\"a\":1}", true},
        {"{\"a\":1}", "{\"a\":1,\"b\":2}", false},
        {"[1,2]", "[2,1]", false},
        {"9007199254740993", "9007199254740992.0", false},
        {"9223372036854775807", "9223372036854775808.0", false},
        {"0", "false", false},
        {"null", "[]", false},
        {"\"a\"", "\"a\"", true},
    };
    struct arena *a = *state;
    for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
        if (json_equal(parse(a, ROWS[i].a), parse(a, ROWS[i].b)) != ROWS[i].equal) {
            fail_msg("%s and %s", ROWS[i].a, ROWS[i].b);
        }
    }
}

static void test_building(void **state)
{
    struct arena *a = *state;
    const struct json *o = json_with(a, &json_empty_object, STR("b"), json_new_int(a, 1));
    const struct json *p = json_with(a, o, STR("a"), json_new_str(a, STR("x")));
    const struct json *q = json_with(a, p, STR("b"), json_new_real(a, 2));
    is_text(json_write(a, o), "{\"b\":1}"); /* unchanged */
    is_text(json_write(a, q), "{\"b\":2.0,\"a\":\"x\"}");
    is_text(json_write(a, json_with(a, q, STR("b"), NULL)), "{\"a\":\"x\"}");
    is_text(json_write_canonical(a, q), "{\"a\":\"x\",\"b\":2.0}");
    const struct json *list = json_push(a, json_push(a, NULL, o), json_new_bool(true));
    is_text(json_write(a, list), "[{\"b\":1},true]");
    is_text(json_write_pretty(a, list), "[\n  {\n    \"b\": 1\n  },\n  true\n]");
    is_text(json_write_pretty(a, parse(a, "{\"a\":[],\"b\":{}}")),
            "{\n  \"a\": [],\n  \"b\": {}\n}");
    const struct json *items[] = {o, NULL};
    is_text(json_write(a, json_new_array(a, items, 2)), "[{\"b\":1},null]");
    assert_true(json_is_null(json_new_real(a, (double)INFINITY)));
}

/* The examples of RFC 7396, appendix A. */
static void test_merge(void **state)
{
    static const char *const ROWS[][3] = {
        {"{\"a\":\"b\"}", "{\"a\":\"c\"}", "{\"a\":\"c\"}"},
        {"{\"a\":\"b\"}", "{\"b\":\"c\"}", "{\"a\":\"b\",\"b\":\"c\"}"},
        {"{\"a\":\"b\"}", "{\"a\":null}", "{}"},
        {"{\"a\":\"b\",\"b\":\"c\"}", "{\"a\":null}", "{\"b\":\"c\"}"},
        {"{\"a\":[\"b\"]}", "{\"a\":\"c\"}", "{\"a\":\"c\"}"},
        {"{\"a\":\"c\"}", "{\"a\":[\"b\"]}", "{\"a\":[\"b\"]}"},
        {"{\"a\":{\"b\":\"c\"}}", "{\"a\":{\"b\":\"d\",\"c\":null}}", "{\"a\":{\"b\":\"d\"}}"},
        {"{\"a\":[{\"b\":\"c\"}]}", "{\"a\":[1]}", "{\"a\":[1]}"},
        {"[\"a\",\"b\"]", "[\"c\",\"d\"]", "[\"c\",\"d\"]"},
        {"{\"a\":\"b\"}", "[\"c\"]", "[\"c\"]"},
        {"{\"a\":\"foo\"}", "null", "null"},
        {"{\"a\":\"foo\"}", "\"bar\"", "\"bar\""},
        {"{\"e\":null}", "{\"a\":1}", "{\"e\":null,\"a\":1}"},
        {"[1,2]", "{\"a\":\"b\",\"c\":null}", "{\"a\":\"b\"}"},
        {"{}", "{\"a\":{\"bb\":{\"ccc\":null}}}", "{\"a\":{\"bb\":{}}}"},
    };
    struct arena *a = *state;
    for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
        is_text(json_write(a, json_merge(a, parse(a, ROWS[i][0]), parse(a, ROWS[i][1]))),
                ROWS[i][2]);
    }
}

static void test_copy_outlives(void **state)
{
    struct arena *a = *state, *source = arena_new(ARENA_BYTES);
    const struct json *copy =
        json_copy(a, parse(source, "{\"name\":[\"value\",{\"x\":1.5}],\"t\":\"\"}"));
    arena_free(&source);
    is_text(json_write(a, copy), "{\"name\":[\"value\",{\"x\":1.5}],\"t\":\"\"}");
}

static void test_writing(void **state)
{
    struct arena *a = *state;
    struct buf b = buf_make(4096);
    struct json_out o = json_out_to(&b);
    json_open_object(&o);
    json_field_str(&o, "bad", STR("a\xff\xc3(\xe2\x82z\x01"));
    json_field_int(&o, "least", INT64_MIN);
    json_field_real(&o, "third", 1.0 / 3);
    json_field_real(&o, "none", (double)NAN);
    json_field_bool(&o, "yes", true);
    json_field_null(&o, "null");
    json_field(&o, "copy", parse(a, "[1]"));
    json_name(&o, "raw");
    json_put_raw(&o, STR("{\"k\":1}"));
    json_name(&o, "list");
    json_open_array(&o);
    json_put_int(&o, 1);
    json_open_object(&o);
    json_close_object(&o);
    json_put_str(&o, STR(""));
    json_close_array(&o);
    json_close_object(&o);
    is_text(buf_str(&b), "{\"bad\":\"a\xef\xbf\xbd\xef\xbf\xbd(\xef\xbf\xbd\xef\xbf\xbdz\\u0001\","
                         "\"least\":-9223372036854775808,\"third\":0.3333333333333333,"
                         "\"none\":null,\"yes\":true,\"null\":null,\"copy\":[1],\"raw\":{\"k\":1},"
                         "\"list\":[1,{},\"\"]}");
    assert_false(b.overflow);
    parse(a, buf_str(&b).p);
    buf_free(&b);
}

/* Every double must come back as it was. */
static void test_reals_round(void **state)
{
    struct arena *a = *state;
    uint64_t seed = 1;
    for (int i = 0; i < 20000; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        double value;
        uint64_t bits = seed ^ (seed >> 29);
        memcpy(&value, &bits, sizeof(value));
        if (!__builtin_isfinite(value)) {
            continue;
        }
        const struct json *back;
        assert_int_equal(json_parse(a, json_write(a, json_new_real(a, value)), &back, NULL), E_OK);
        assert_true(back->kind == JSON_REAL && back->real == value);
    }
}

/* The parser's thread keeps buffers; a large document between small ones must not disturb them. */
static void test_sizes_in_turn(void **state)
{
    struct arena *a = *state;
    static const size_t SIZES[] = {3, 70000, 5, 900000, 2, 300000, 10};
    for (size_t i = 0; i < sizeof(SIZES) / sizeof(SIZES[0]); i++) {
        struct buf b = buf_make(1 << 20);
        buf_add_char(&b, '"');
        for (size_t k = 0; k < SIZES[i]; k++) {
            buf_add_char(&b, (char)('a' + k % 26));
        }
        buf_add_char(&b, '"');
        const struct json *v;
        assert_true(simdjson_read(a, buf_str(&b), &v));
        assert_true(str_eq(v->string, str_sub(buf_str(&b), 1, SIZES[i])));
        buf_free(&b);
    }
}

/* Eight bytes are looked at together: an odd one is found wherever among them it stands. */
static void odd_bytes_are_escaped_wherever_they_stand(void **state)
{
    static const struct {
        char byte;
        const char *written;
    } cases[] = {{'"', "\\\""},     {'\\', "\\\\"}, {'\n', "\\n"},  {1, "\\u0001"},
                 {0x1f, "\\u001f"}, {' ', " "},     {'!', "!"},     {'#', "#"},
                 {'[', "["},        {']', "]"},     {0x7f, "\x7f"}, {'\xff', "\xef\xbf\xbd"}};
    struct arena *a = arena_new(16 << 20);
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        for (int n = 1; n < 26; n++) {
            for (int at = 0; at < n; at++) {
                char text[32];
                memset(text, 'a', sizeof(text));
                text[at] = cases[i].byte;
                struct str got = json_write(a, json_new_str(a, str_make(text, (size_t)n)));
                struct str wanted = str_fmt(a, "\"%.*s%s%.*s\"", at, text, cases[i].written,
                                            n - at - 1, text + at + 1);
                if (!str_eq(got, wanted)) {
                    fail_msg("byte %d at %d of %d: %.*s", cases[i].byte, at, n, STR_ARG(got));
                }
            }
        }
    }
    arena_free(&a);
}

int main(void)
{
    static const struct CMUnitTest TESTS[] = {
        cmocka_unit_test(odd_bytes_are_escaped_wherever_they_stand),
        cmocka_unit_test_setup_teardown(test_accepts, make, unmake),
        cmocka_unit_test_setup_teardown(test_refuses, make, unmake),
        cmocka_unit_test_setup_teardown(test_bounds, make, unmake),
        cmocka_unit_test_setup_teardown(test_many_names, make, unmake),
        cmocka_unit_test_setup_teardown(test_many_values, make, unmake),
        cmocka_unit_test_setup_teardown(test_reading, make, unmake),
        cmocka_unit_test_setup_teardown(test_equal, make, unmake),
        cmocka_unit_test_setup_teardown(test_building, make, unmake),
        cmocka_unit_test_setup_teardown(test_merge, make, unmake),
        cmocka_unit_test_setup_teardown(test_copy_outlives, make, unmake),
        cmocka_unit_test_setup_teardown(test_writing, make, unmake),
        cmocka_unit_test_setup_teardown(test_reals_round, make, unmake),
        cmocka_unit_test_setup_teardown(test_sizes_in_turn, make, unmake),
    };
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
