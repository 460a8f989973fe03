#include "unit/codec/sample.h"

#include "codec/url.h"

static void test_parts(void **state)
{
    static const struct {
        const char *text, *parts, *why;
    } ROWS[] = {
        {"https://Example.COM/a/b?x=1#f", "https||example.com|443|/a/b|x=1|f", "all parts"},
        {"HTTP://h", "http||h|80|/||", "least"},
        {"http://h:8080/", "http||h|8080|/||", "port"},
        {"http://h:/p", "http||h|80|/p||", "empty port"},
        {"http://user:pw@h/", "http|user:pw|h|80|/||", "credentials are seen"},
        {"http://a@b@h/", "http|a@b|h|80|/||", "the last @ counts"},
        {"http://[::1]:81/x", "http||::1|81|/x||", "IPv6"},
        {"wss://h?q", "wss||h|443|/|q|", "query without path"},
        {"ftp://h/%41", "ftp||h|0|/%41||", "other schemes have no default port"},
        {"http://h/a#b?c", "http||h|80|/a||b?c", "a ? in the fragment"},
    };
    struct arena *a = *state;
    for (size_t i = 0; i < SAMPLE_COUNT(ROWS); i++) {
        struct url u;
        assert_int_equal(url_parse(a, str_of(ROWS[i].text), &u), E_OK);
        sample_is(str_fmt(a, "%.*s|%.*s|%.*s|%d|%.*s|%.*s|%.*s", STR_ARG(u.scheme), STR_ARG(u.user),
                          STR_ARG(u.host), u.port, STR_ARG(u.path), STR_ARG(u.query),
                          STR_ARG(u.fragment)),
                  ROWS[i].parts, ROWS[i].why);
        struct url again;
        assert_int_equal(url_parse(a, url_write(a, &u), &again), E_OK);
        assert_true(str_eq(url_write(a, &u), url_write(a, &again)));
    }
}

static void test_refuses(void **state)
{
    static const char *const ROWS[] = {
        "",
        "example.com",
        "/path",
        "http:/h",
        "://h",
        "1http://h",
        "http://",
        "http:///p",
        "http://h:0/",
        "http://h:65536/",
        "http://h:8a/",
        "http://h:+80/",
        "http://h/ x",
        "http://h/\n",
        "http://h/%4",
        "http://h/%zz",
        "http://h\\@evil/",
        "http://[::1/",
        "http://[x]/",
        "http://[]/",
        "http://[::1]x/",
        "http://h h/",
        "http://h/<x>",
        "http://h%41/",
        "http://\xc3\xa9/",
    };
    struct arena *a = *state;
    for (size_t i = 0; i < SAMPLE_COUNT(ROWS); i++) {
        struct url u;
        if (url_parse(a, str_of(ROWS[i]), &u) != E_INVALID) {
            fail_msg("accepted: %s", ROWS[i]);
        }
        assert_false(url_is_web(str_of(ROWS[i])));
    }
    assert_true(url_is_web(STR("https://h/x")));
    assert_false(url_is_web(STR("ftp://h/x")));
    assert_false(url_is_web(STR("javascript://h/x")));
    char *big = arena_alloc(a, URL_MAX_BYTES + 1);
    memset(big, 'a', URL_MAX_BYTES + 1);
    struct url u;
    assert_int_equal(url_parse(a, str_make(big, URL_MAX_BYTES + 1), &u), E_TOO_LARGE);
}

static void test_percent(void **state)
{
    struct arena *a = *state;
    struct str back;
    sample_is(url_encode(a, STR("a b/\xc3\xa9~"), false), "a%20b%2F%C3%A9~", "component");
    sample_is(url_encode(a, STR("a b/c"), true), "a%20b/c", "path");
    assert_true(url_decode(a, STR("a%20b%2f+%C3%A9"), &back));
    sample_is(back, "a b/+\xc3\xa9", "decoded");
    assert_false(url_decode(a, STR("%"), &back));
    assert_false(url_decode(a, STR("%4"), &back));
    assert_false(url_decode(a, STR("%00"), &back));
    assert_false(url_decode(a, STR("%g0"), &back));
}

static void test_forms(void **state)
{
    struct arena *a = *state;
    struct url_form f;
    assert_int_equal(url_form_parse(a, STR("a=1&b=x+y%26z&&c&a=2&=v"), &f), E_OK);
    assert_int_equal(f.count, 5);
    sample_is(url_form_get(&f, "a", STR("-")), "1", "the first wins");
    sample_is(url_form_get(&f, "b", STR("-")), "x y&z", "decoded");
    sample_is(url_form_get(&f, "c", STR("-")), "", "no value");
    sample_is(url_form_get(&f, "d", STR("-")), "-", "absent");
    assert_true(url_form_has(&f, "c") && !url_form_has(&f, "d"));
    assert_int_equal(url_form_parse(a, STR(""), &f), E_OK);
    assert_int_equal(f.count, 0);
    assert_int_equal(url_form_parse(a, STR("a=%ff"), &f), E_INVALID);
    assert_int_equal(url_form_parse(a, STR("a=%"), &f), E_INVALID);
    char many[URL_PAIRS_MAX * 2 + 8] = {0};
    for (int i = 0; i <= URL_PAIRS_MAX; i++) {
        memcpy(many + 2 * i, "a&", 2);
    }
    assert_int_equal(url_form_parse(a, str_of(many), &f), E_TOO_LARGE);
    struct buf b = buf_make(256);
    url_form_add(&b, STR("q"), STR("a b&c=\xc3\xa9"));
    url_form_add(&b, STR("n"), STR("~*"));
    sample_is(str_dup(a, buf_str(&b)), "q=a+b%26c%3D%C3%A9&n=~%2A", "written");
    buf_free(&b);
}

int main(void)
{
    static const struct CMUnitTest TESTS[] = {
        SAMPLE_TEST(test_parts),
        SAMPLE_TEST(test_refuses),
        SAMPLE_TEST(test_percent),
        SAMPLE_TEST(test_forms),
    };
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
