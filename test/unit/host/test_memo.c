#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <pthread.h>

#include "host/memo.h"

enum { SLOTS = 64, ENTRY_BYTES = 100, KEYS = 1000, THREADS = 4 };

static bool find(struct memo *m, struct arena *a, const char *key, int64_t stamp, struct str *out)
{
    return memo_find(m, str_of(key), stamp, a, out);
}

static void test_keeps_until_the_stamp_changes(void **state)
{
    (void)state;
    struct arena *a = arena_new(1 << 20);
    struct memo *m = memo_new(SLOTS, ENTRY_BYTES);
    struct str value = STR("untouched");
    assert_false(find(m, a, "one", 1, &value));
    assert_true(str_eqz(value, "untouched"));
    memo_keep(m, STR("one"), 1, STR("first"));
    assert_true(find(m, a, "one", 1, &value) && str_eqz(value, "first"));
    assert_false(find(m, a, "one", 2, &value)); /* the world has changed */
    assert_false(find(m, a, "on", 1, &value));  /* part of a key is another key */
    memo_keep(m, STR("one"), 2, STR(""));
    assert_true(find(m, a, "one", 2, &value) && value.n == 0);
    assert_false(find(m, a, "one", 1, &value)); /* the old one is gone */
    memo_free(&m);
    assert_null(m);
    arena_free(&a);
}

static void test_is_bounded(void **state)
{
    (void)state;
    struct arena *a = arena_new(1 << 20);
    struct memo *m = memo_new(SLOTS, ENTRY_BYTES);
    char large[ENTRY_BYTES + 1], key[32];
    struct str value;
    int found = 0;
    memset(large, 'x', sizeof(large));
    memo_keep(m, STR("large"), 1, str_make(large, sizeof(large)));
    assert_false(find(m, a, "large", 1, &value));
    for (int i = 0; i < KEYS; i++) {
        snprintf(key, sizeof(key), "key %d", i);
        memo_keep(m, str_of(key), 1, str_of(key));
        assert_true(find(m, a, key, 1, &value) && str_eqz(value, key));
    }
    for (int i = 0; i < KEYS; i++) {
        snprintf(key, sizeof(key), "key %d", i);
        if (find(m, a, key, 1, &value)) {
            assert_true(str_eqz(value, key)); /* never another's */
            found++;
        }
    }
    assert_true(found > 0 && found <= SLOTS);
    memo_free(&m);
    arena_free(&a);
}

/* Readers see a whole value or none, and the one that belongs to the key. */
static void *hammer(void *arg)
{
    struct memo *m = arg;
    char key[32];
    int wrong = 0;
    for (int i = 0; i < 20 * KEYS; i++) {
        struct arena *a = arena_new(1 << 16);
        struct str value;
        snprintf(key, sizeof(key), "key %d", i % 100);
        if (memo_find(m, str_of(key), i % 100, a, &value)) {
            wrong += !str_eqz(value, key);
        } else {
            memo_keep(m, str_of(key), i % 100, str_of(key));
        }
        arena_free(&a);
    }
    return (void *)(intptr_t)wrong;
}

static void test_any_thread(void **state)
{
    (void)state;
    struct memo *m = memo_new(SLOTS, ENTRY_BYTES);
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, hammer, m), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        void *wrong;
        pthread_join(threads[i], &wrong);
        assert_null(wrong);
    }
    memo_free(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keeps_until_the_stamp_changes),
        cmocka_unit_test(test_is_bounded),
        cmocka_unit_test(test_any_thread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
