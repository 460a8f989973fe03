#include "unit/codec/sample.h"

static void test_grows(void **state)
{
    (void)state;
    struct buf b = buf_make(100000);
    assert_true(str_eqz(buf_str(&b), ""));
    for (int i = 0; i < 10000; i++) {
        assert_true(buf_add_char(&b, (char)('a' + i % 26)));
        assert_int_equal(b.p[b.n], 0);
    }
    assert_true(buf_addf(&b, "%s=%d", "x", 5) && str_ends(buf_str(&b), STR("x=5")));
    assert_true(buf_add(&b, NULL, 0));
    buf_drop(&b, 10000);
    assert_true(str_eqz(buf_str(&b), "x=5"));
    buf_drop(&b, 100);
    assert_int_equal(b.n, 0);
    buf_free(&b);
    assert_null(b.p);
    assert_true(buf_add_str(&b, STR("again")));
    buf_free(&b);
}

static void test_maximum(void **state)
{
    (void)state;
    struct buf b = buf_make(8);
    assert_true(buf_add_str(&b, STR("12345678")));
    assert_false(buf_add_char(&b, '9'));
    assert_true(b.overflow && str_eqz(buf_str(&b), "12345678"));
    assert_false(buf_addf(&b, "%d", 1));
    buf_clear(&b);
    assert_true(!b.overflow && b.n == 0);
    assert_false(buf_add_str(&b, STR("123456789"))); /* nothing of what does not fit whole */
    assert_int_equal(b.n, 0);
    assert_null(buf_reserve(&b, 9));
    char *room = buf_reserve(&b, 8);
    memcpy(room, "abc", 3);
    buf_grew(&b, 3);
    assert_true(str_eqz(buf_str(&b), "abc"));
    buf_free(&b);
    b = buf_make(0);
    assert_false(buf_add_char(&b, 'x'));
    buf_free(&b);
}

int main(void)
{
    static const struct CMUnitTest TESTS[] = {
        SAMPLE_TEST(test_grows),
        SAMPLE_TEST(test_maximum),
    };
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
