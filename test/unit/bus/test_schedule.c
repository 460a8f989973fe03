/* When recurring jobs come next, and how long a failure waits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bus/dispatch.h"

static const int64_t minute = 60000, day = 86400000, noon = 20000LL * 86400000 + 43200000;

static void next_times(void **state)
{
    (void)state;
    const struct {
        const char *why;
        struct job_schedule schedule;
        int64_t now, next;
    } rows[] = {
        {"later today", {.daily_at_min = 13 * 60}, noon, noon + 60 * minute},
        {"already past: tomorrow", {.daily_at_min = 11 * 60}, noon, noon + day - 60 * minute},
        {"exactly now: tomorrow, for today's is running",
         {.daily_at_min = 12 * 60},
         noon,
         noon + day},
        {"a millisecond before", {.daily_at_min = 12 * 60}, noon - 1, noon},
        {"midnight", {.daily_at_min = 0}, noon, noon + day / 2},
        {"an interval counts from now", {.every_ms = 5 * minute}, noon, noon + 5 * minute},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_true(schedule_next_ms(&rows[i].schedule, rows[i].now) == rows[i].next);
    }
}

static void waits_double_up_to_an_hour(void **state)
{
    (void)state;
    assert_int_equal(bus_backoff_ms(1000, 1), 1000);
    assert_int_equal(bus_backoff_ms(1000, 2), 2000);
    assert_int_equal(bus_backoff_ms(1000, 5), 16000);
    assert_int_equal(bus_backoff_ms(1000, 12), 2048000);
    assert_int_equal(bus_backoff_ms(1000, 13), 3600000);
    assert_int_equal(bus_backoff_ms(1000, 1000000000), 3600000);
    assert_int_equal(bus_backoff_ms(7200000, 1), 3600000);
}

static void some_outcomes_are_final(void **state)
{
    (void)state;
    for (int e = E_OK; e < E_COUNT; e++) {
        assert_int_equal(bus_is_final((enum err)e), e == E_INVALID || e == E_NOT_FOUND);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(next_times),
        cmocka_unit_test(waits_double_up_to_an_hour),
        cmocka_unit_test(some_outcomes_are_final),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
