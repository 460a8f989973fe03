#include "unit/codec/sample.h"

#include "codec/repair.h"

static void test_mends(void **state)
{
    static const struct {
        const char *text, *json, *why;
        bool cut;
    } ROWS[] = {
        {"```json\n{\"a\": 1}\n```", "{\"a\":1}", "a fence", false},
        {"Sure! Here is the [result]:\n\n{\"a\": {\"b\": 2}}\nHope it helps {x}.",
         "{\"a\":{\"b\":2}}", "prose around", false},
        {"{\"a\":1,\"b\":[1,2,],}", "{\"a\":1,\"b\":[1,2]}", "trailing commas", false},
        {"{'b': 'don't', 'c': 'x'}", "{\"b\":\"don't\",\"c\":\"x\"}", "single quotes", false},
        {"{a: 1, b_c: \"x\"}", "{\"a\":1,\"b_c\":\"x\"}", "unquoted names", false},
        {"{\"a\": John Smith, \"b\": on hold}", "{\"a\":\"John Smith\",\"b\":\"on hold\"}",
         "unquoted texts", false},
        {"{\"a\": True, \"b\": None, \"c\": NaN, \"d\": -Infinity, \"e\": undefined}",
         "{\"a\":true,\"b\":null,\"c\":null,\"d\":null,\"e\":null}", "words of other languages",
         false},
        {"{// one\n\"a\": 1, /* two */ \"b\": 2 # three\n}", "{\"a\":1,\"b\":2}", "comments",
         false},
        {"{\"a\": \"line\nbreak\ttab\"}", "{\"a\":\"line\\nbreak\\ttab\"}",
         "raw control characters", false},
        {"{\"a\": \"say \"hi\" to them\", \"b\": 1}", "{\"a\":\"say \\\"hi\\\" to them\",\"b\":1}",
         "quotes inside", false},
        {"{\"a\": 1 \"b\": 2}", "{\"a\":1,\"b\":2}", "a missing comma", false},
        {"{\"a\": true 'b': 2}", "{\"a\":true,\"b\":2}", "a missing comma behind a word", false},
        {"{\"a\": 1\n\"b\": 2\n}", "{\"a\":1,\"b\":2}", "lines instead of commas", false},
        {"[\"a\" \"b\"]", "[\"a\",\"b\"]", "texts side by side", false},
        {"[1, 2, ...]", "[1,2]", "an ellipsis", false},
        {"{\xe2\x80\x9c"
         "a\xe2\x80\x9d: \xe2\x80\x98x\xe2\x80\x99}",
         "{\"a\":\"x\"}", "typographic quotes", false},
        {"{\"a\": 1, \"b\": 2, \"a\": 3}", "{\"a\":3,\"b\":2}", "the last of equal names", false},
        {"{\"a\" = 1, b => 2}", "{\"a\":1,\"b\":2}", "other signs for the colon", false},
        {"{\"a\": [1, {\"b\": 2}}", "{\"a\":[1,{\"b\":2}]}", "a forgotten bracket", false},
        {"{\"a\": \"half a tex", "{\"a\":\"half a tex\"}", "cut in a text", true},
        {"{\"a\": [1, 2", "{\"a\":[1,2]}", "cut in a list", true},
        {"{\"a\": 1, \"b", "{\"a\":1}", "cut in a name", true},
        {"{\"a\": 1, \"b\"", "{\"a\":1}", "cut after a name", true},
        {"{\"a\": 1, \"b\":", "{\"a\":1}", "cut before a value", true},
        {"{\"a\": tr", "{\"a\":null}", "cut in a word", true},
        {"{\"a\": \"x\\", "{\"a\":\"x\"}", "cut in an escape", true},
        {"{\"a\": \"\\ud83d\\ude00 \\ud83d \\u12\"}",
         "{\"a\":\"\xf0\x9f\x98\x80 \xef\xbf\xbd \xef\xbf\xbd\"}", "broken escapes", false},
        {"{\"a\": +5, \"b\": .5, \"c\": 01}", "{\"a\":5,\"b\":0.5,\"c\":1}", "odd numbers", false},
        {"{\"a\":,\"b\":2}", "{\"a\":null,\"b\":2}", "a missing value", false},
        {"{,\"a\":1,,\"b\":2}", "{\"a\":1,\"b\":2}", "too many commas", false},
        {"{}}", "{}", "one bracket too many", false},
        {"[1,2]]", "[1,2]", "one bracket too many", false},
    };
    struct arena *a = *state;
    for (size_t i = 0; i < SAMPLE_COUNT(ROWS); i++) {
        struct repair r = {0};
        struct json_fault fault;
        if (repair_parse(a, str_of(ROWS[i].text), &r, &fault) != E_OK) {
            fail_msg("%s: %s", ROWS[i].why, fault.text);
        }
        sample_is(json_write(a, r.value), ROWS[i].json, ROWS[i].why);
        if (!r.repaired || r.cut != ROWS[i].cut) {
            fail_msg("%s: repaired %d, cut %d", ROWS[i].why, r.repaired, r.cut);
        }
    }
}

static void test_leaves_alone(void **state)
{
    struct arena *a = *state;
    struct repair r = {.repaired = true, .cut = true};
    struct json_fault fault;
    assert_int_equal(repair_parse(a, STR(" {\"a\": [1, \"x\"]} "), &r, &fault), E_OK);
    assert_true(!r.repaired && !r.cut && json_count(r.value) == 1);
}

static void test_refuses(void **state)
{
    static const char *const ROWS[] = {"",     "I cannot do that.", "\"just a text\"", "42",
                                       "null", "\xff\xfe"};
    struct arena *a = *state;
    for (size_t i = 0; i < SAMPLE_COUNT(ROWS); i++) {
        struct repair r;
        struct json_fault fault = {0};
        assert_int_equal(repair_parse(a, str_of(ROWS[i]), &r, &fault), E_INVALID);
        assert_true(fault.text[0] != 0);
        assert_int_equal(repair_parse(a, str_of(ROWS[i]), &r, NULL), E_INVALID);
    }
}

static void repeat(struct buf *b, const char *piece, int times)
{
    for (int i = 0; i < times; i++) {
        buf_add_str(b, str_of(piece));
    }
}

static void test_bounds(void **state)
{
    static const char *const HOSTILE[] = {"[", "{a:",   "{\"a\": \"", "}",  ",", "{\"",
                                          "'", "[\"\\", "/*",         "{:", "[{"};
    struct arena *a = *state;
    struct repair r;
    struct json_fault fault;
    struct buf b = buf_make(REPAIR_INPUT_MAX_BYTES + 16);
    for (size_t i = 0; i < SAMPLE_COUNT(HOSTILE); i++) {
        repeat(&b, HOSTILE[i], 50000);
        enum err e = repair_parse(a, buf_str(&b), &r, &fault);
        assert_true(e == E_OK || e == E_INVALID);
        buf_clear(&b);
    }
    buf_add_char(&b, '{');
    for (int i = 0; i < 60000; i++) { /* many members take no more than they need */
        buf_addf(&b, "k%d:%d,", i, i);
    }
    struct arena *tight = arena_new(16 << 20), *small = arena_new(64 << 10);
    assert_int_equal(repair_parse(tight, buf_str(&b), &r, &fault), E_OK);
    assert_int_equal(json_count(r.value), 60000);
    assert_int_equal(repair_parse(small, buf_str(&b), &r, &fault), E_TOO_LARGE);
    arena_free(&tight);
    arena_free(&small);
    repeat(&b, "x", REPAIR_INPUT_MAX_BYTES);
    assert_int_equal(repair_parse(a, str_make(b.p, REPAIR_INPUT_MAX_BYTES + 1), &r, &fault),
                     E_TOO_LARGE);
    buf_free(&b);
}

int main(void)
{
    static const struct CMUnitTest TESTS[] = {
        SAMPLE_TEST(test_mends),
        SAMPLE_TEST(test_leaves_alone),
        SAMPLE_TEST(test_refuses),
        SAMPLE_TEST(test_bounds),
    };
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
