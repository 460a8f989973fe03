#include "unit/codec/sample.h"

#include "base/str.h"

static void test_compares(void **state)
{
    (void)state;
    assert_true(str_eq(STR("ab"), STR("ab")) && !str_eq(STR("ab"), STR("abc")));
    assert_true(str_eq(str_of(NULL), STR("")) && str_is_empty(str_make(NULL, 0)));
    assert_true(str_eq_nocase(STR("AbC"), STR("aBc")) && !str_eq_nocase(STR("a"), STR("b")));
    assert_true(str_cmp(STR("a"), STR("b")) < 0 && str_cmp(STR("ab"), STR("a")) > 0);
    assert_int_equal(str_cmp(STR("a"), STR("a")), 0);
    assert_true(str_cmp(STR("\xff"), STR("a")) > 0); /* bytes are not signed */
    assert_true(str_starts(STR("abc"), STR("ab")) && !str_starts(STR("a"), STR("ab")));
    assert_true(str_ends(STR("abc"), STR("bc")) && str_ends(STR("a"), STR("")));
    assert_true(str_eq_secret(STR("key"), STR("key")) && !str_eq_secret(STR("key"), STR("kez")));
    assert_false(str_eq_secret(STR("key"), STR("keys")));
}

static void test_parts(void **state)
{
    (void)state;
    assert_int_equal(str_find(STR("hello"), STR("ll")), 2);
    assert_int_equal(str_find(STR("hello"), STR("x")), -1);
    assert_int_equal(str_find(STR(""), STR("")), 0);
    assert_int_equal(str_find_char(STR("a\0b"), 'b'), 2);
    assert_true(str_eqz(str_sub(STR("hello"), 1, 3), "ell"));
    assert_true(str_eqz(str_sub(STR("hello"), 9, 3), ""));
    assert_true(str_eqz(str_sub(STR("hello"), 3, SIZE_MAX), "lo"));
    assert_true(str_eqz(str_trim(STR(" \t a b \r\n")), "a b"));
    struct str rest = STR("a,,b"), piece;
    static const char *const WANT[] = {"a", "", "b"};
    for (int i = 0; i < 3; i++) {
        assert_true(str_split(&rest, ',', &piece) && str_eqz(piece, WANT[i]));
    }
    assert_false(str_split(&rest, ',', &piece));
    rest = STR("");
    assert_true(str_split(&rest, ',', &piece) && piece.n == 0);
    assert_false(str_split(&rest, ',', &piece));
}

static void test_numbers(void **state)
{
    static const char *const BAD[] = {"",
                                      " 1",
                                      "1 ",
                                      "+1",
                                      "1x",
                                      "0x10",
                                      "9223372036854775808",
                                      "--1",
                                      "1.0",
                                      "999999999999999999999999999"};
    static const char *const BAD_REAL[] = {"",      " 1",    "1x",    "inf", "nan",
                                           "0x1p3", "1e999", "1.2.3", "-",   "e5"};
    (void)state;
    int64_t n = 7;
    double r = 7;
    assert_true(str_to_i64(STR("-9223372036854775808"), &n) && n == INT64_MIN);
    assert_true(str_to_i64(STR("007"), &n) && n == 7);
    for (size_t i = 0; i < SAMPLE_COUNT(BAD); i++) {
        if (str_to_i64(str_of(BAD[i]), &n) || n != 7) {
            fail_msg("accepted: %s", BAD[i]);
        }
    }
    assert_true(str_to_double(STR("-1.5e3"), &r) && r == -1500.0);
    for (size_t i = 0; i < SAMPLE_COUNT(BAD_REAL); i++) {
        if (str_to_double(str_of(BAD_REAL[i]), &r) || r != -1500.0) {
            fail_msg("accepted: %s", BAD_REAL[i]);
        }
    }
}

static void test_copies(void **state)
{
    struct arena *a = *state;
    struct str copy = str_dup(a, STR("a\0b"));
    assert_true(copy.n == 3 && copy.p[1] == 0 && copy.p[3] == 0);
    assert_string_equal(str_dupz(a, str_make(NULL, 0)), "");
    assert_true(str_eqz(str_fmt(a, "%d-%s", 7, "x"), "7-x"));
    assert_true(str_eqz(str_lower(a, STR("\xc3\x89"
                                         "A")),
                        "\xc3\x89"
                        "a")); /* ASCII only */
    assert_true(str_hash(STR("a")) == str_hash(STR("a")) &&
                str_hash(STR("a")) != str_hash(STR("b")));
}

static void test_utf8(void **state)
{
    static const struct {
        const char *text;
        bool good;
    } ROWS[] = {
        {"", true},
        {"plain", true},
        {"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", true},
        {"\xef\xbf\xbf", true},
        {"\xf4\x8f\xbf\xbf", true},
        {"\x80", false},
        {"\xc0\x80", false},         /* overlong */
        {"\xe0\x9f\xbf", false},     /* overlong */
        {"\xf0\x8f\xbf\xbf", false}, /* overlong */
        {"\xed\xa0\x80", false},     /* surrogate */
        {"\xf4\x90\x80\x80", false}, /* past U+10FFFF */
        {"\xf5\x80\x80\x80", false},
        {"\xc3", false},
        {"\xe2\x82", false},
        {"a\xc3(", false},
    };
    (void)state;
    for (size_t i = 0; i < SAMPLE_COUNT(ROWS); i++) {
        if (str_is_utf8(str_of(ROWS[i].text)) != ROWS[i].good) {
            fail_msg("row %zu", i);
        }
    }
}

int main(void)
{
    static const struct CMUnitTest TESTS[] = {
        SAMPLE_TEST(test_compares), SAMPLE_TEST(test_parts), SAMPLE_TEST(test_numbers),
        SAMPLE_TEST(test_copies),   SAMPLE_TEST(test_utf8),
    };
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
