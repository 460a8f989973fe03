#include "unit/codec/sample.h"

static void test_known(void **state)
{
    /* RFC 4648, section 10 */
    static const char *const ROWS[][3] = {
        {"", "", ""},
        {"f", "Zg==", "66"},
        {"fo", "Zm8=", "666f"},
        {"foo", "Zm9v", "666f6f"},
        {"foob", "Zm9vYg==", "666f6f62"},
        {"fooba", "Zm9vYmE=", "666f6f6261"},
        {"foobar", "Zm9vYmFy", "666f6f626172"},
    };
    struct arena *a = *state;
    for (size_t i = 0; i < SAMPLE_COUNT(ROWS); i++) {
        struct str back;
        sample_is(base64_encode(a, str_of(ROWS[i][0])), ROWS[i][1], "encode");
        assert_true(base64_decode(a, str_of(ROWS[i][1]), &back));
        sample_is(back, ROWS[i][0], "decode");
        sample_is(base64_to_hex(a, str_of(ROWS[i][0])), ROWS[i][2], "to hex");
        assert_true(base64_from_hex(a, str_of(ROWS[i][2]), &back));
        sample_is(back, ROWS[i][0], "from hex");
    }
    struct str back;
    sample_is(base64_encode_url(a, STR("\xfb\xff\xfe?")), "-__-Pw", "URL alphabet, no padding");
    assert_true(base64_decode_url(a, STR("-__-Pw"), &back) && back.n == 4);
    assert_true(base64_decode_url(a, STR("-__-Pw=="), &back) && back.n == 4);
    assert_true(base64_from_hex(a, STR("aBcD"), &back) && str_eqz(back, "\xab\xcd"));
}

static void test_refuses(void **state)
{
    static const char *const STANDARD[] = {
        "Zg",   "Zg=",      "Zg===", "Z",    "Zh==", "Zm9=",  "Zg==\n", "Z g=",
        "-_-_", "Zg==Zg==", "=",     "====", "Z===", "Zm9v=", NULL};
    static const char *const FOR_URLS[] = {"Zh", "Z", "+/+/", "Zg=", "Zm9v====", "Zg==x", NULL};
    static const char *const HEX[] = {"a", "0g", "0x", " a", "abc", NULL};
    struct arena *a = *state;
    struct str back;
    for (const char *const *row = STANDARD; *row; row++) {
        assert_false(base64_decode(a, str_of(*row), &back));
    }
    for (const char *const *row = FOR_URLS; *row; row++) {
        assert_false(base64_decode_url(a, str_of(*row), &back));
    }
    for (const char *const *row = HEX; *row; row++) {
        assert_false(base64_from_hex(a, str_of(*row), &back));
    }
}

static void test_every_length(void **state)
{
    struct arena *a = *state;
    char bytes[200];
    for (size_t n = 0; n < sizeof(bytes); n++) {
        bytes[n] = (char)(n * 37 + 11);
        struct str s = str_make(bytes, n), back;
        assert_true(base64_decode(a, base64_encode(a, s), &back) && str_eq(s, back));
        assert_true(base64_decode_url(a, base64_encode_url(a, s), &back) && str_eq(s, back));
        assert_true(base64_from_hex(a, base64_to_hex(a, s), &back) && str_eq(s, back));
    }
}

int main(void)
{
    static const struct CMUnitTest TESTS[] = {
        SAMPLE_TEST(test_known),
        SAMPLE_TEST(test_refuses),
        SAMPLE_TEST(test_every_length),
    };
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
