#include "unit/codec/sample.h"

#include <float.h>
#include <stdlib.h>

#include "codec/real_text.h"

static void test_forms(void **state)
{
    static const struct {
        double value;
        const char *want, *why;
    } ROWS[] = {
        {0, "0.0", "a real stays a real"},
        {-0.0, "-0.0", "the sign of zero"},
        {1, "1.0", "whole"},
        {-12.5, "-12.5", "a fraction"},
        {0.1, "0.1", "shortest"},
        {1.0 / 3, "0.3333333333333333", "sixteen digits"},
        {0.1 + 0.2, "0.30000000000000004", "seventeen digits"},
        {0.0001, "0.0001", "the last without an exponent"},
        {0.00001, "1e-05", "the first with one"},
        {123456789012345.0, "123456789012345.0", "fifteen digits"},
        {1e15, "1e+15", "one more"},
        {1234567890123456.0, "1234567890123456.0", "sixteen that are needed"},
        {1e100, "1e+100", "three digits of exponent"},
        {-2.5e-7, "-2.5e-07", "two digits of exponent at least"},
        {DBL_MAX, "1.7976931348623157e+308", "the largest"},
        {DBL_TRUE_MIN, "5e-324", "the smallest"},
    };
    (void)state;
    for (size_t i = 0; i < SAMPLE_COUNT(ROWS); i++) {
        char text[REAL_TEXT_MAX_BYTES];
        sample_is(str_make(text, real_text(ROWS[i].value, text)), ROWS[i].want, ROWS[i].why);
    }
}

static void test_they_read_back(void **state)
{
    (void)state;
    uint64_t bits = 88172645463325252U;
    for (int i = 0; i < 20000; i++) {
        double value;
        char text[REAL_TEXT_MAX_BYTES + 1];
        bits ^= bits << 13, bits ^= bits >> 7, bits ^= bits << 17; /* xorshift */
        memcpy(&value, &bits, sizeof value);
        if ((bits >> 52 & 0x7ff) == 0x7ff) {
            continue; /* not finite */
        }
        size_t n = real_text(value, text);
        assert_true(n < sizeof text);
        text[n] = 0;
        assert_true(strtod(text, NULL) == value);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SAMPLE_TEST(test_forms),
        SAMPLE_TEST(test_they_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
