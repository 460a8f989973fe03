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

int main(void)
{
    static const struct CMUnitTest TESTS[] = {cmocka_unit_test(test_shares)};
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
