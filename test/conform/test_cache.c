/* The contract of the cache over every driver. */
#include "conform/world.h"

#include <pthread.h>

#include "store/cache.h"

static const struct migration no_steps[] = {{0}};

static int setup(void **state)
{
    struct world *w = mem_new(sizeof(*w));
    world_open(w, STORE_SQLITE, no_steps);
    struct cache_config config = {.kind = CACHE_MEMORY, .max_bytes = 1 << 20};
    assert_ok(cache_open(w->c, &config, &w->at.cache));
    clock_set_ms(w->at.clock, 1000000);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    cache_close(&w->at.cache);
    world_close(w);
    free(w);
    return 0;
}

static void values_live_as_long_as_told(void **state)
{
    struct world *w = *state;
    struct str got = STR("untouched");
    assert_false(cache_get(w->c, STR("k"), &got));
    assert_true(str_eqz(got, "untouched"));
    assert_ok(cache_set(w->c, STR("k"), STR("v"), 1000));
    assert_true(cache_get(w->c, STR("k"), &got));
    assert_true(str_eqz(got, "v"));
    clock_advance_ms(w->at.clock, 999);
    assert_true(cache_get(w->c, STR("k"), &got));
    clock_advance_ms(w->at.clock, 1);
    assert_false(cache_get(w->c, STR("k"), &got));
    assert_ok(cache_set(w->c, STR("k"), STR(""), 1000));
    assert_true(cache_get(w->c, STR("k"), &got) && got.n == 0);
    assert_ok(cache_set(w->c, STR("k"), STR("w"), 10)); /* replaces value and time */
    clock_advance_ms(w->at.clock, 10);
    assert_false(cache_get(w->c, STR("k"), &got));
    assert_ok(cache_set(w->c, STR("k"), STR("x"), 10));
    cache_delete(w->c, STR("k"));
    cache_delete(w->c, STR("k"));
    assert_false(cache_get(w->c, STR("k"), &got));
}

static void wrong_keys_and_values_are_refused(void **state)
{
    struct world *w = *state;
    char *big = mem_new(CACHE_VALUE_MAX_BYTES + 1);
    char key[CACHE_KEY_MAX_BYTES + 1];
    struct cache_count count;
    struct str got;
    memset(key, 'k', sizeof(key));
    assert_int_equal(cache_set(w->c, STR(""), STR("v"), 1), E_INVALID);
    assert_int_equal(cache_set(w->c, STR("k"), STR("v"), 0), E_INVALID);
    assert_int_equal(cache_set(w->c, str_make(key, sizeof(key)), STR("v"), 1), E_TOO_LARGE);
    assert_ok(cache_set(w->c, str_make(key, sizeof(key) - 1), STR("v"), 1));
    assert_int_equal(cache_set(w->c, STR("k"), str_make(big, CACHE_VALUE_MAX_BYTES + 1), 1),
                     E_TOO_LARGE);
    assert_int_equal(cache_incr(w->c, STR("k"), 1, 0, &count), E_INVALID);
    assert_int_equal(cache_incr(w->c, STR(""), 1, 5, &count), E_INVALID);
    assert_false(cache_get(w->c, STR(""), &got));
    free(big);
}

static void windows_count_and_end(void **state)
{
    struct world *w = *state;
    struct cache_count count;
    struct str got;
    for (int i = 1; i <= 3; i++) {
        assert_ok(cache_incr(w->c, STR("login"), 1, 60000, &count));
        assert_int_equal(count.count, i);
        assert_int_equal(count.left_ms, 60000 - (i - 1) * 1000);
        clock_advance_ms(w->at.clock, 1000);
    }
    assert_ok(cache_incr(w->c, STR("login"), 0, 60000, &count)); /* a look */
    assert_int_equal(count.count, 3);
    assert_ok(cache_incr(w->c, STR("login"), 5, 60000, &count));
    assert_int_equal(count.count, 8);
    assert_true(cache_get(w->c, STR("login"), &got) && str_eqz(got, "8"));
    clock_advance_ms(w->at.clock, 57000);
    assert_ok(cache_incr(w->c, STR("login"), 1, 60000, &count));
    assert_int_equal(count.count, 1); /* a new window */
    assert_int_equal(count.left_ms, 60000);
}

static void orgs_do_not_meet(void **state)
{
    struct world *w = *state;
    struct ctx *other = world_ctx(w, &w->org_b), *nobody = world_ctx(w, &w->org_b);
    struct str got;
    struct cache_count count;
    nobody->org = (struct id){""};
    assert_ok(cache_set(w->c, STR("k"), STR("mine"), 1000));
    assert_false(cache_get(other, STR("k"), &got));
    assert_false(cache_get(nobody, STR("k"), &got));
    assert_ok(cache_set(other, STR("k"), STR("theirs"), 1000));
    assert_ok(cache_incr(nobody, STR("ip"), 1, 1000, &count)); /* before the org is known */
    cache_erase(other, &w->org_b);
    assert_false(cache_get(other, STR("k"), &got));
    assert_true(cache_get(w->c, STR("k"), &got) && str_eqz(got, "mine"));
    ctx_free(&other);
    ctx_free(&nobody);
}

static void bytes_are_bounded_and_the_least_used_goes(void **state)
{
    struct world *w = *state;
    char value[10000];
    struct str got;
    memset(value, 'v', sizeof(value));
    assert_ok(cache_set(w->c, STR("kept"), STR("v"), 100000));
    for (int i = 0; i < 500; i++) { /* five times what there is room for */
        struct str key = str_fmt(w->c->arena, "k%d", i);
        assert_ok(cache_set(w->c, key, str_make(value, sizeof(value)), 100000));
        assert_true(cache_get(w->c, STR("kept"), &got)); /* in use all the time */
    }
    assert_false(cache_get(w->c, STR("k0"), &got));
    assert_true(cache_get(w->c, STR("k499"), &got));
    int kept = 0;
    for (int i = 0; i < 500; i++) {
        kept += cache_get(w->c, str_fmt(w->c->arena, "k%d", i), &got);
    }
    assert_true(kept > 80 && kept < 105);
}

/* A large cache lies in parts: what is in all of them together is bounded, and a value may be
 * larger than a part's share. */
static void a_large_cache_is_bounded_as_a_whole(void **state)
{
    struct world *w = *state;
    enum { VALUE_BYTES = 10000, VALUES = 1500, MOST = 4 << 20 };
    struct cache_config config = {.kind = CACHE_MEMORY, .max_bytes = MOST};
    struct cache *small = w->at.cache, *large = NULL;
    char *big = mem_new(CACHE_VALUE_MAX_BYTES);
    struct str got;
    assert_ok(cache_open(w->c, &config, &large));
    w->at.cache = large;
    assert_ok(cache_set(w->c, STR("kept"), STR("v"), 100000));
    for (int i = 0; i < VALUES; i++) {
        struct str key = str_fmt(w->c->arena, "k%d", i);
        assert_ok(cache_set(w->c, key, str_make(big, VALUE_BYTES), 100000));
        assert_true(cache_get(w->c, key, &got));
        assert_true(cache_get(w->c, STR("kept"), &got));
    }
    int kept = 0, of_last = 0;
    for (int i = 0; i < VALUES; i++) {
        bool there = cache_get(w->c, str_fmt(w->c->arena, "k%d", i), &got);
        kept += there;
        of_last += there && i >= VALUES - 100;
    }
    assert_in_range(kept, MOST / VALUE_BYTES * 9 / 10, MOST / VALUE_BYTES);
    assert_true(of_last == 100); /* a part that got more than others gave up its own oldest only */
    assert_ok(cache_set(w->c, STR("big"), str_make(big, CACHE_VALUE_MAX_BYTES), 100000));
    assert_true(cache_get(w->c, STR("big"), &got) && got.n == CACHE_VALUE_MAX_BYTES);
    cache_erase(w->c, &w->org_a);
    assert_false(cache_get(w->c, STR("big"), &got));
    assert_false(cache_get(w->c, STR("kept"), &got));
    w->at.cache = small;
    cache_close(&large);
    free(big);
}

enum { THREADS = 8, ROUNDS = 2000 };

static void *count_up(void *arg)
{
    struct world *w = arg;
    struct ctx *c = world_ctx(w, &w->org_a);
    struct cache_count count;
    struct str got;
    for (int i = 0; i < ROUNDS; i++) {
        cache_incr(c, STR("n"), 1, 1000, &count);
        cache_set(c, STR("v"), STR("value"), 1000);
        cache_get(c, STR("v"), &got);
    }
    ctx_free(&c);
    return NULL;
}

static void no_step_is_lost(void **state)
{
    struct world *w = *state;
    pthread_t threads[THREADS];
    struct cache_count count;
    for (int i = 0; i < THREADS; i++) {
        pthread_create(&threads[i], NULL, count_up, w);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    assert_ok(cache_incr(w->c, STR("n"), 0, 1000, &count));
    assert_int_equal(count.count, THREADS * ROUNDS);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        T(values_live_as_long_as_told),
        T(wrong_keys_and_values_are_refused),
        T(windows_count_and_end),
        T(orgs_do_not_meet),
        T(bytes_are_bounded_and_the_least_used_goes),
        T(a_large_cache_is_bounded_as_a_whole),
        T(no_step_is_lost),
    };
    return cmocka_run_group_tests_name("cache in memory", tests, NULL, NULL);
}
