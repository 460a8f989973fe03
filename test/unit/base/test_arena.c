#include "unit/codec/sample.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static void test_allocates(void **state)
{
    struct arena *a = *state;
    char *before = NULL;
    for (size_t n = 0; n < 3000; n += 7) {
        char *p = arena_alloc(a, n);
        assert_int_equal((uintptr_t)p % 16, 0);
        for (size_t i = 0; i < n; i++) {
            assert_int_equal(p[i], 0);
        }
        memset(p, 0xaa, n);
        assert_ptr_not_equal(p, before);
        before = p;
    }
    int *numbers = ARENA_ARRAY(a, int, 100);
    assert_int_equal(numbers[99], 0);
    assert_memory_equal(arena_memdup(a, "abc", 4), "abc", 4);
    assert_non_null(arena_memdup(a, NULL, 0));
    assert_true(arena_used_bytes(a) > 600000);
}

static void test_reset(void **state)
{
    (void)state;
    struct arena *a = arena_new(1 << 20);
    for (int round = 0; round < 50; round++) { /* more in all than the maximum */
        char *p = arena_alloc(a, 100000);
        assert_int_equal(p[0] | p[99999], 0);
        memset(p, 1, 100000);
        char *small = arena_alloc(a, 10);
        assert_int_equal(small[0], 0);
        memset(small, 1, 10);
        arena_reset(a);
        assert_int_equal(arena_used_bytes(a), 0);
    }
    arena_free(&a);
    assert_null(a);
    arena_free(&a);
}

static void test_left(void **state)
{
    (void)state;
    struct arena *a = arena_new(100000);
    assert_int_equal(arena_left_bytes(a), 100000);
    size_t taken = 0;
    while (arena_left_bytes(a) >= 1024) { /* what it says is left can be taken */
        arena_alloc(a, 1000);
        taken += 1008;
    }
    assert_true(taken > 80000);
    arena_alloc(a, arena_left_bytes(a) / 16 * 16);
    arena_free(&a);
}

static void note(void *arg)
{
    char **at = arg;
    *(*at)++ = 'x';
}

static void test_defer(void **state)
{
    (void)state;
    struct arena *a = arena_new(1 << 16);
    char text[8] = {0}, *at = text;
    arena_defer(a, note, &at);
    arena_defer(a, note, &at);
    arena_reset(a);
    assert_string_equal(text, "xx");
    arena_defer(a, note, &at);
    arena_free(&a);
    assert_string_equal(text, "xxx");
}

static void over_limit(void)
{
    arena_alloc(arena_new(1000), 2001);
}

static void over_limit_bit_by_bit(void)
{
    struct arena *a = arena_new(100000);
    for (int i = 0; i < 300; i++) {
        arena_alloc(a, 1000);
    }
}

static void over_multiplication(void)
{
    arena_array(arena_new(1 << 20), SIZE_MAX / 2, 4);
}

/* Past its maximum an arena gives more, so that the task can end with an error, and says so. */
static void test_reserve(void **state)
{
    (void)state;
    struct arena *a = arena_new(100000);
    arena_alloc(a, 90000);
    assert_false(arena_is_full(a));
    char *p = arena_alloc(a, 90000);
    assert_int_equal(p[89999], 0);
    assert_true(arena_is_full(a));
    assert_int_equal(arena_left_bytes(a), 0);
    arena_reset(a);
    assert_false(arena_is_full(a));
    assert_int_equal(arena_left_bytes(a), 100000);
    arena_free(&a);
}

/* Passing a bound is a defect: the process ends. */
static void test_bounds(void **state)
{
    (void)state;
    void (*const CASES[])(void) = {over_limit, over_limit_bit_by_bit, over_multiplication};
    for (size_t i = 0; i < SAMPLE_COUNT(CASES); i++) {
        pid_t pid = fork();
        if (pid == 0) {
            setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
            fclose(stderr);
            CASES[i]();
            _exit(0);
        }
        int status = 0;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    }
}

int main(void)
{
    static const struct CMUnitTest TESTS[] = {
        SAMPLE_TEST(test_allocates), SAMPLE_TEST(test_reset),  SAMPLE_TEST(test_left),
        SAMPLE_TEST(test_defer),     SAMPLE_TEST(test_bounds), SAMPLE_TEST(test_reserve),
    };
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
