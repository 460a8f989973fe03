#include "unit/codec/sample.h"

#include "base/clock.h"

enum { NOW_MS = 1000000000, MINUTE_MS = 60000, DAY_MS = 86400000 };

struct row {
    int64_t real_ms, steady_ms, told_ms;
    const char *reason;
};

/* Readings of the system's clocks in turn, relative to NOW_MS, and what is told. */
static void test_follows(void **state)
{
    static const struct row rows[] = {
        {0, 0, 0, "real time"},
        {1000, 1000, 1000, "real time goes on"},
        {1000 - MINUTE_MS, 1000, 1000, "set back by a minute: time stands"},
        {3000 - MINUTE_MS, 3000, 2000, "and goes on at half the pace"},
        {3000 - MINUTE_MS, 2000, 2000, "never back, however readings race"},
        {61000 - MINUTE_MS, 61000, 31000, "still"},
        {31000 + MINUTE_MS, 151000, 31000 + MINUTE_MS, "caught up: real time again"},
        {32000 + MINUTE_MS, 152000, 32000 + MINUTE_MS, "and on"},
        {31999 + MINUTE_MS, 152000, 32000 + MINUTE_MS, "a little back is nothing"},
        {DAY_MS, 153000, DAY_MS, "forward is followed at once"},
        {0, 154000, 0, "a day back is followed: that clock was wrong"},
        {1000, 155000, 1000, "and goes on from there"},
    };
    (void)state;
    struct clock *c = clock_new();
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        int64_t told = clock_follow_ms(c, NOW_MS + rows[i].real_ms, 1 + rows[i].steady_ms) - NOW_MS;
        if (told != rows[i].told_ms) {
            fail_msg("%s: told %lld", rows[i].reason, (long long)told);
        }
    }
    clock_free(&c);
}

static void test_set(void **state)
{
    (void)state;
    struct clock *c = clock_new();
    int64_t real = clock_now_ms(c);
    assert_true(real > 1600000000000 && !clock_is_set(c));
    clock_set_ms(c, NOW_MS);
    assert_int_equal(clock_now_ms(c), NOW_MS); /* a test may go back as far as it likes */
    clock_advance_ms(c, 5);
    assert_int_equal(clock_now_ms(c), NOW_MS + 5);
    clock_free(&c);
}

int main(void)
{
    static const struct CMUnitTest TESTS[] = {
        cmocka_unit_test(test_follows),
        cmocka_unit_test(test_set),
    };
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
