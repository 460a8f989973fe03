#include "unit/codec/sample.h"

#include "base/err.h"

static void test_rows(void **state)
{
    (void)state;
    for (int e = E_OK; e < E_COUNT; e++) { /* every outcome has its own status and name */
        assert_true(err_http_status((enum err)e) >= 200 && err_title((enum err)e)[0]);
        for (int other = E_OK; other < e; other++) {
            assert_int_not_equal(err_http_status((enum err)e), err_http_status((enum err)other));
            assert_string_not_equal(err_name((enum err)e), err_name((enum err)other));
        }
        if (e != E_CANCELLED && e != E_UNAVAILABLE) {
            assert_int_equal(err_from_http(err_http_status((enum err)e)), e);
        }
    }
    assert_string_equal(err_name(E_NOT_FOUND), "not_found");
    assert_int_equal(err_http_status((enum err)99), 500);
}

static void test_from_http(void **state)
{
    static const struct {
        int status;
        enum err e;
    } ROWS[] = {
        {200, E_OK},          {204, E_OK},          {400, E_INVALID}, {401, E_UNAUTHENTICATED},
        {408, E_TIMEOUT},     {418, E_INVALID},     {429, E_LIMIT},   {500, E_INTERNAL},
        {502, E_UNAVAILABLE}, {503, E_UNAVAILABLE}, {504, E_TIMEOUT}, {529, E_UNAVAILABLE},
        {302, E_INVALID},     {0, E_INVALID},
    };
    (void)state;
    for (size_t i = 0; i < SAMPLE_COUNT(ROWS); i++) {
        assert_int_equal(err_from_http(ROWS[i].status), ROWS[i].e);
    }
    assert_true(err_is_transient(E_LIMIT) && err_is_transient(E_UNAVAILABLE) &&
                err_is_transient(E_TIMEOUT));
    assert_false(err_is_transient(E_INVALID) || err_is_transient(E_INTERNAL) ||
                 err_is_transient(E_OK));
}

int main(void)
{
    static const struct CMUnitTest TESTS[] = {
        SAMPLE_TEST(test_rows),
        SAMPLE_TEST(test_from_http),
    };
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
