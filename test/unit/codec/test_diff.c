/* Unified differences and changes by path. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/diff.h"

struct row {
    const char *reason, *before, *after, *unified;
};

static const struct row rows[] = {
    {"equal", "a\nb\n", "a\nb\n", ""},
    {"one line changed", "a\nb\nc\n", "a\nX\nc\n", "@@ -1,3 +1,3 @@\n a\n-b\n+X\n c\n"},
    {"all added", "", "a\n", "@@ -0,0 +1,1 @@\n+a\n"},
    {"all removed", "a\n", "", "@@ -1,1 +0,0 @@\n-a\n"},
    {"a line added in the middle", "1\n2\n3", "1\n2\nnew\n3",
     "@@ -1,3 +1,4 @@\n 1\n 2\n+new\n 3\n"},
    {"far changes are two hunks", "a\n1\n2\n3\n4\n5\n6\n7\n8\nz", "b\n1\n2\n3\n4\n5\n6\n7\n8\ny",
     "@@ -1,4 +1,4 @@\n-a\n+b\n 1\n 2\n 3\n@@ -7,4 +7,4 @@\n 6\n 7\n 8\n-z\n+y\n"},
};

static void test_lines(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct arena *a = arena_new(64 << 20);
        struct str unified;
        assert_int_equal(diff_lines(a, str_of(rows[i].before), str_of(rows[i].after), 3, &unified),
                         E_OK);
        print_message("# %s\n", rows[i].reason);
        assert_string_equal(str_dupz(a, unified), rows[i].unified);
        arena_free(&a);
    }
}

static void test_unlike(void **state)
{
    (void)state;
    struct arena *a = arena_new((size_t)256 << 20);
    struct buf before = buf_make(1 << 20), after = buf_make(1 << 20);
    for (int i = 0; i < 5000; i++) {
        buf_addf(&before, "old %d\n", i);
        buf_addf(&after, "new %d\n", i);
    }
    struct str unified;
    assert_int_equal(diff_lines(a, buf_str(&before), buf_str(&after), 3, &unified), E_OK);
    assert_true(str_find(unified, STR("-old 4999\n")) > 0);
    assert_true(str_find(unified, STR("+new 4999\n")) > 0);
    buf_free(&before);
    buf_free(&after);
    arena_free(&a);
}

static void test_trees(void **state)
{
    (void)state;
    struct arena *a = arena_new(16 << 20);
    const struct json *before, *after;
    struct json_fault fault;
    const struct diff_change *c;
    bool cut;
    assert_int_equal(json_parse(a,
                                STR("{\"x\":1,\"gone\":true,\"tools\":[{\"name\":\"a\",\"t\":1},"
                                    "{\"name\":\"b\"}],\"list\":[1,2]}"),
                                &before, &fault),
                     E_OK);
    assert_int_equal(json_parse(a,
                                STR("{\"x\":2,\"tools\":[{\"name\":\"b\"},"
                                    "{\"name\":\"a\",\"t\":3}],\"list\":[1,2,3],\"new\":0}"),
                                &after, &fault),
                     E_OK);
    assert_int_equal(diff_values(a, before, after, &c, &cut), 5);
    assert_false(cut);
    assert_string_equal(str_dupz(a, c[0].path), "x");
    assert_int_equal(c[0].kind, DIFF_CHANGED);
    assert_string_equal(str_dupz(a, c[1].path), "gone");
    assert_int_equal(c[1].kind, DIFF_REMOVED);
    assert_string_equal(str_dupz(a, c[2].path), "tools[a].t"); /* moved, and found by its name */
    assert_string_equal(str_dupz(a, c[3].path), "list[2]");
    assert_int_equal(c[3].kind, DIFF_ADDED);
    assert_string_equal(str_dupz(a, c[4].path), "new");
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_unlike),
        cmocka_unit_test(test_trees),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
