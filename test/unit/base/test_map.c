#include "unit/codec/sample.h"

#include "base/map.h"

enum { COUNT = 20000 };

static void test_keeps(void **state)
{
    struct arena *a = *state;
    struct map *m = map_new(COUNT);
    int *values = ARENA_ARRAY(a, int, COUNT);
    for (int i = 0; i < COUNT; i++) {
        char key[32]; /* copied: the same memory serves all */
        snprintf(key, sizeof(key), "key %d", i);
        values[i] = i;
        assert_true(map_set(m, str_of(key), &values[i]));
    }
    assert_int_equal(map_count(m), COUNT);
    assert_false(map_set(m, STR("one too many"), &values[0]));
    assert_true(map_set(m, STR("key 7"), &values[8])); /* replacing needs no room */
    assert_ptr_equal(map_get(m, STR("key 7")), &values[8]);
    assert_null(map_get(m, STR("key")));
    size_t cursor = 0;
    struct str key;
    void *value;
    int seen = 0;
    while (map_next(m, &cursor, &key, &value)) { /* in order of insertion */
        assert_true(str_eq(key, str_fmt(a, "key %d", seen)));
        seen++;
    }
    assert_int_equal(seen, COUNT);
    map_free(&m);
    assert_null(m);
}

static void test_removes(void **state)
{
    struct arena *a = *state;
    struct map *m = map_new(100);
    int value = 1;
    assert_null(map_remove(m, STR("x")));
    for (int round = 0; round < 5000; round++) { /* removed places are used again */
        struct str key = str_fmt(a, "%d", round);
        assert_true(map_set(m, key, &value));
        if (round >= 50) {
            assert_ptr_equal(map_remove(m, str_fmt(a, "%d", round - 50)), &value);
            assert_null(map_get(m, str_fmt(a, "%d", round - 50)));
            assert_int_equal(map_count(m), 50);
        }
    }
    for (int i = 4950; i < 5000; i++) {
        assert_non_null(map_get(m, str_fmt(a, "%d", i)));
    }
    assert_true(map_set(m, STR(""), &value) && map_get(m, STR("")) == &value);
    assert_true(map_set(m, STR("a\0b"), &value) && !map_get(m, STR("a")));
    map_free(&m);
}

int main(void)
{
    static const struct CMUnitTest TESTS[] = {
        SAMPLE_TEST(test_keeps),
        SAMPLE_TEST(test_removes),
    };
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
