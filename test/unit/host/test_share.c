#include "unit/codec/sample.h"

#include "host/share.h"

static void test_shares(void **state)
{
    (void)state;
    struct share *s = share_new(2);
    struct id one = id_new(1), other = id_new(2);
    assert_true(share_take(s, &one));
    assert_true(share_take(s, &one));
    assert_false(share_take(s, &one));  /* its share is used up */
    assert_true(share_take(s, &other)); /* which is nothing to others */
    share_give(s, &one);
    assert_true(share_take(s, &one));
    assert_false(share_take(s, &one));
    share_give(s, &one);
    share_give(s, &one);
    share_give(s, &other);
    assert_true(share_take(s, &one) && share_take(s, &one) && !share_take(s, &one));
    share_free(&s);
    assert_null(s);
}

static void count(void *arg)
{
    ++*(int *)arg;
}

static void test_a_line(void **state)
{
    (void)state;
    struct share *s = share_new(1);
    struct id one = id_new(1);
    int first = 0, second = 0, third = 0;
    assert_true(share_take(s, &one));
    struct share_place *a = share_line(s, &one), *b = share_line(s, &one);
    share_wait(b, count, &second);
    share_give(s, &one);
    assert_int_equal(second, 0); /* a stands before it, and is not ready */
    share_wait(a, count, &first);
    assert_int_equal(first, 1);
    assert_false(share_take(s, &one)); /* who comes later does not go before */
    share_leave(&a);
    assert_true(share_take_waited(s, &one));
    assert_int_equal(second, 0);
    share_give(s, &one);
    assert_int_equal(second, 1);
    struct share_place *c = share_line(s, &one);
    share_leave(&b);
    assert_true(share_take_waited(s, &one));
    share_wait(c, count, &third);
    share_leave(&c); /* it waited long enough */
    share_give(s, &one);
    assert_int_equal(third, 0);
    assert_true(share_take(s, &one));
    struct share_place *line[SHARE_LINE_MAX];
    for (int i = 0; i < SHARE_LINE_MAX; i++) {
        line[i] = share_line(s, &one);
        assert_non_null(line[i]);
    }
    assert_null(share_line(s, &one)); /* long enough */
    for (int i = 0; i < SHARE_LINE_MAX; i++) {
        share_leave(&line[(i * 7 + 3) % SHARE_LINE_MAX]);
    }
    share_give(s, &one);
    assert_true(share_take(s, &one));
    share_give(s, &one);
    share_free(&s);
}

/* Between leaving the line and taking lies a moment in which others may come. */
static void test_who_was_called_goes_first(void **state)
{
    (void)state;
    struct share *s = share_new(1);
    struct id one = id_new(1);
    int called = 0;
    assert_true(share_take(s, &one));
    struct share_place *p = share_line(s, &one);
    share_wait(p, count, &called);
    share_give(s, &one);
    assert_int_equal(called, 1);
    share_leave(&p);
    assert_false(share_take(s, &one));
    assert_true(share_take_waited(s, &one));
    share_give(s, &one);
    assert_true(share_take(s, &one)); /* and nothing stays kept */
    share_give(s, &one);
    share_free(&s);
}

int main(void)
{
    static const struct CMUnitTest TESTS[] = {cmocka_unit_test(test_shares),
                                              cmocka_unit_test(test_a_line),
                                              cmocka_unit_test(test_who_was_called_goes_first)};
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
