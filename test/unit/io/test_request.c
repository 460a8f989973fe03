/* What a handler asks of a request, and what it may put into an answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/arena.h"
#include "io/response.h"
#include "io/server.h"

static void test_headers(void **state)
{
    (void)state;
    static const struct header headers[] = {
        {{"Accept", 6}, {"a", 1}}, {{"X-Twice", 7}, {"first", 5}}, {{"x-twice", 7}, {"second", 6}}};
    struct request_in in = {.headers = headers, .header_count = 3};
    assert_true(str_eqz(request_header(&in, "ACCEPT"), "a"));
    assert_true(str_eqz(request_header(&in, "x-twice"), "first"));
    assert_true(str_is_empty(request_header(&in, "x")));
    assert_true(str_is_empty(request_header(&in, "")));
}

struct cookie_row {
    const char *header, *name, *expect;
};

static void test_cookies(void **state)
{
    (void)state;
    static const struct cookie_row rows[] = {
        {"a=1", "a", "1"},
        {"a=1; b=2;c=3", "b", "2"},
        {"a=1; b=2;c=3", "c", "3"},
        {"xa=1; a=2", "a", "2"}, /* not a part of another name */
        {"a=1; a=2", "a", "1"},
        {"a=b=c", "a", "b=c"},
        {"a=\"quoted\"", "a", "quoted"},
        {"a=\"", "a", "\""},
        {"a", "a", ""},
        {"=1", "", ""},
        {"A=1", "a", ""}, /* names of cookies keep their case */
        {"", "a", ""},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct header header = {STR("Cookie"), str_of(rows[i].header)};
        struct request_in in = {.headers = &header, .header_count = 1};
        if (!str_eqz(request_cookie(&in, rows[i].name), rows[i].expect)) {
            fail_msg("%s of %s", rows[i].name, rows[i].header);
        }
    }
    static const struct header two[] = {{{"Cookie", 6}, {"a=1", 3}}, {{"cookie", 6}, {"b=2", 3}}};
    struct request_in in = {.headers = two, .header_count = 2};
    assert_true(str_eqz(request_cookie(&in, "b"), "2"));
}

struct query_row {
    const char *query, *name, *expect; /* NULL: absent */
};

static void test_queries(void **state)
{
    (void)state;
    static const struct query_row rows[] = {
        {"a=1&b=2", "b", "2"},
        {"a=1&a=2", "a", "1"},
        {"a", "a", ""},
        {"a=", "a", ""},
        {"=1", "", "1"},
        {"a=b%20c+d", "a", "b c d"},
        {"a=%2B%26%3D", "a", "+&="},
        {"%61b=1", "ab", "1"},
        {"a=%c3%bc", "a", "\xc3\xbc"},
        {"a=%", "a", "%"},
        {"a=%4", "a", "%4"},
        {"a=%zz", "a", "%zz"},
        {"ab=1", "a", NULL},
        {"", "a", NULL},
        {"&&&", "a", NULL},
    };
    struct arena *a = arena_new(1 << 20);
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct request_in in = {.query = str_of(rows[i].query)};
        struct str value = STR("untouched");
        bool found = request_query(a, &in, rows[i].name, &value);
        const char *expect = rows[i].expect ? rows[i].expect : "untouched";
        if (found != (rows[i].expect != NULL) || !str_eqz(value, expect)) {
            fail_msg("%s of %s", rows[i].name, rows[i].query);
        }
    }
    arena_free(&a);
}

static void test_answer_as_bytes(void **state)
{
    (void)state;
    struct response_out out = {.status = 201, .body = STR("made")};
    response_header(&out, "Location", STR("/a/1"));
    struct response_frame frame = {.now_ms = 784111777000, .minor_version = 1};
    struct buf reply;
    struct str behind;
    assert_true(response_write(&out, &frame, &reply, &behind));
    assert_string_equal(reply.p, "HTTP/1.1 201 Created\r\n"
                                 "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n" /* RFC 9110 */
                                 "Location: /a/1\r\n"
                                 "Content-Length: 4\r\n"
                                 "\r\n"
                                 "made");
    assert_int_equal(behind.n, 0);
    buf_free(&reply);
    out.body_is_static = true;
    assert_true(response_write(&out, &frame, &reply, &behind));
    assert_true(behind.p == out.body.p); /* not copied */
    assert_null(strstr(reply.p, "made"));
    buf_free(&reply);
}

static void test_headers_past_the_maximum_are_dropped(void **state)
{
    (void)state;
    struct response_out out = {.status = 200};
    for (int i = 0; i < RESPONSE_HEADERS_MAX + 5; i++) {
        response_header(&out, "X", STR("y"));
    }
    assert_int_equal(out.header_count, RESPONSE_HEADERS_MAX);
    struct response_frame frame = {.minor_version = 1};
    struct buf reply;
    struct str behind;
    assert_true(response_write(&out, &frame, &reply, &behind));
    buf_free(&reply);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_headers),
        cmocka_unit_test(test_cookies),
        cmocka_unit_test(test_queries),
        cmocka_unit_test(test_answer_as_bytes),
        cmocka_unit_test(test_headers_past_the_maximum_are_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
