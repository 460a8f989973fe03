#include "unit/codec/sample.h"

#include "codec/date.h"

static void test_reads(void **state)
{
    static const struct {
        const char *text;
        int64_t ms;
    } ROWS[] = {
        {"1970-01-01", 0},
        {"1970-01-01T00:00:00Z", 0},
        {"2026-03-01T10:20:30.123Z", 1772360430123},
        {"2026-03-01 10:20", 1772360400000},
        {"2026-03-01t10:20:30z", 1772360430000},
        {"2026-03-01T12:20:30+02:00", 1772360430000},
        {"2026-03-01T04:50:30-05:30", 1772360430000},
        {"2026-03-01T10:20:30.1239999Z", 1772360430123},
        {"2026-03-01T10:20:30.1Z", 1772360430100},
        {"2024-02-29", 1709164800000},
        {"1969-12-31T23:59:59.999Z", -1},
        {"0001-01-01", -62135596800000},
        {"9999-12-31T23:59:59.999Z", 253402300799999},
        {"1900-03-01", -2203891200000},
    };
    struct arena *a = *state;
    for (size_t i = 0; i < SAMPLE_COUNT(ROWS); i++) {
        int64_t ms = 42, again = 42;
        if (!date_parse(str_of(ROWS[i].text), &ms) || ms != ROWS[i].ms) {
            fail_msg("%s: %lld", ROWS[i].text, (long long)ms);
        }
        assert_true(date_parse(date_iso(a, ms), &again) && again == ms);
    }
}

static void test_refuses(void **state)
{
    static const char *const ROWS[] = {
        "",
        "2026",
        "2026-3-1",
        "2026-02-29",
        "2026-13-01",
        "2026-00-10",
        "2026-04-31",
        "0000-01-01",
        "2026-03-01T",
        "2026-03-01T24:00",
        "2026-03-01T10:60",
        "2026-03-01T10:20:60",
        "2026-03-01T10",
        "2026-03-01T10:20:30.",
        "2026-03-01T10:20:30+2",
        "2026-03-01T10:20:30+24:00",
        "2026-03-01T10:20:30Zx",
        "2026-03-01x",
        " 2026-03-01",
        "2026/03/01",
        "2026-03-01T10:20:30.Z",
        "-026-03-01",
        "2026-03-01T10:20 UTC",
    };
    (void)state;
    for (size_t i = 0; i < SAMPLE_COUNT(ROWS); i++) {
        int64_t ms = 42;
        if (date_parse(str_of(ROWS[i]), &ms) || ms != 42) {
            fail_msg("accepted: %s", ROWS[i]);
        }
    }
    int64_t ms;
    assert_true(date_parse_day(STR("2026-03-01"), &ms));
    assert_false(date_parse_day(STR("2026-03-01T10:20Z"), &ms));
}

static void test_writes(void **state)
{
    struct arena *a = *state;
    const int64_t ms = 1772360430123;
    sample_is(date_iso(a, ms), "2026-03-01T10:20:30.123Z", "ISO");
    sample_is(date_iso_day(a, ms), "2026-03-01", "day");
    sample_is(date_http(a, ms), "Sun, 01 Mar 2026 10:20:30 GMT", "HTTP");
    sample_is(date_http(a, 784111777000), "Sun, 06 Nov 1994 08:49:37 GMT", "RFC 9110's example");
    sample_is(date_words(a, ms), "1 March 2026", "words");
    sample_is(date_words_time(a, ms), "1 March 2026, 10:20", "with time");
    sample_is(date_iso(a, INT64_MAX), "9999-12-31T23:59:59.999Z", "the far end");
    sample_is(date_iso(a, INT64_MIN), "0001-01-01T00:00:00.000Z", "the near end");
}

static void test_civil(void **state)
{
    (void)state;
    /* every day of 800 years, both ways, and the week goes on */
    struct date before = date_of_ms(-70 * 365 * DATE_DAY_MS, 0);
    for (int64_t day = -70 * 365 + 1; day < 730 * 365; day++) {
        struct date d = date_of_ms(day * DATE_DAY_MS + 12345678, 0);
        assert_true(date_is_valid(d.year, d.month, d.day));
        assert_int_equal(d.weekday, (before.weekday + 1) % 7);
        assert_int_equal(date_to_ms(&d, 0), day * DATE_DAY_MS + 12345678);
        before = d;
    }
    struct date d = {.year = 2026, .month = 14, .day = 32, .hour = 25};
    d = date_of_ms(date_to_ms(&d, 0), 0);
    assert_true(d.year == 2027 && d.month == 3 && d.day == 5 && d.hour == 1);
    d = date_of_ms(1772360430123, 330);
    assert_true(d.hour == 15 && d.minute == 50);
    assert_int_equal(date_to_ms(&d, 330), 1772360430123);
}

int main(void)
{
    static const struct CMUnitTest TESTS[] = {
        SAMPLE_TEST(test_reads),
        SAMPLE_TEST(test_refuses),
        SAMPLE_TEST(test_writes),
        SAMPLE_TEST(test_civil),
    };
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
