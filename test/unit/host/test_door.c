/* Calls are counted in windows; one that came to nothing by our fault is taken back from the window
 * it was counted in, and from no other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/clock.h"
#include "host/service.h"
#include "store/cache.h"

enum { LIMIT = 2, WINDOW_MS = 60000 };

struct door {
    struct facilities at;
    struct ctx *c;
};

static int begin(void **state)
{
    struct door *d = mem_new(sizeof(*d));
    struct cache_config config = {.kind = CACHE_MEMORY};
    d->at.clock = clock_new();
    clock_set_ms(d->at.clock, 1000000);
    d->c = ctx_new(&d->at, 1 << 20);
    assert_int_equal(cache_open(d->c, &config, &d->at.cache), E_OK);
    d->c->org = id_new(1000000);
    *state = d;
    return 0;
}

static int end(void **state)
{
    struct door *d = *state;
    ctx_free(&d->c);
    cache_close(&d->at.cache);
    clock_free(&d->at.clock);
    free(d);
    return 0;
}

static enum err count(struct door *d, int64_t *out_until_ms)
{
    return call_count_until(d->c, STR("calls"), LIMIT, WINDOW_MS, out_until_ms);
}

static void test_one_that_is_taken_back_was_none(void **state)
{
    struct door *d = *state;
    int64_t until_ms = 0;
    for (int i = 0; i < 5; i++) {
        assert_int_equal(count(d, &until_ms), E_OK);
        assert_int_equal(until_ms, 1060000);
        call_uncount(d->c, STR("calls"), WINDOW_MS, until_ms);
    }
    assert_int_equal(count(d, &until_ms), E_OK);
    assert_int_equal(count(d, &until_ms), E_OK);
    assert_int_equal(count(d, &until_ms), E_LIMIT);
    assert_int_equal(until_ms, 0);
    assert_int_equal(d->c->fault.retry_after_ms, WINDOW_MS);
    call_uncount(d->c, STR("calls"), WINDOW_MS, until_ms); /* it was not counted */
    assert_int_equal(count(d, &until_ms), E_LIMIT);
}

static void test_it_lets_no_other_into_the_next_window(void **state)
{
    struct door *d = *state;
    int64_t until_ms = 0, next_ms = 0;
    assert_int_equal(count(d, &until_ms), E_OK);
    clock_advance_ms(d->at.clock, WINDOW_MS);
    call_uncount(d->c, STR("calls"), WINDOW_MS, until_ms);
    assert_int_equal(count(d, &next_ms), E_OK);
    call_uncount(d->c, STR("calls"), WINDOW_MS, until_ms);
    assert_int_equal(count(d, &next_ms), E_OK);
    assert_int_equal(count(d, &next_ms), E_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_one_that_is_taken_back_was_none, begin, end),
        cmocka_unit_test_setup_teardown(test_it_lets_no_other_into_the_next_window, begin, end),
    };
    return cmocka_run_group_tests_name("the door", tests, NULL, NULL);
}
