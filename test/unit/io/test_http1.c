#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "io/http1.h"

/* Bytes at the very end of an allocation, so that reading past them is seen. */
static struct str exact(const char *z, size_t n)
{
    char *p = malloc(n ? n : 1);
    memcpy(p, z, n);
    return str_make(p, n);
}

struct head_row {
    const char *why;
    const char *text;
    int status; /* 0: accepted */
};

static const struct head_row head_rows[] = {
    {"the smallest request", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", 0},
    {"1.0 needs no Host", "GET / HTTP/1.0\r\n\r\n", 0},
    {"1.1 does", "GET / HTTP/1.1\r\n\r\n", 400},
    {"two Hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400},
    {"unknown methods are the router's matter", "BREW /pot HTTP/1.1\r\nHost: a\r\n\r\n", 0},
    {"a method is a token", "G(T / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"a method has a bound", "AAAAAAAAAAAAAAAAAAAAAAAAA / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"no tunnels", "CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", 501},
    {"no traces", "TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", 501},
    {"HTTP/0.9", "GET /\r\n\r\n", 400},
    {"HTTP/2 without agreement", "PRI * HTTP/2.0\r\n\r\n", 505},
    {"HTTP/1.2", "GET / HTTP/1.2\r\nHost: a\r\n\r\n", 505},
    {"no such protocol", "GET / ICY/1.1\r\nHost: a\r\n\r\n", 400},
    {"version in lower case", "GET / http/1.1\r\nHost: a\r\n\r\n", 400},
    {"two spaces", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"space in the path", "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"tab in the path", "GET /a\tb HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"a fragment is the browser's", "GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"absolute form", "GET http://a/b?c HTTP/1.1\r\nHost: a\r\n\r\n", 0},
    {"absolute form of another scheme", "GET ftp://a/b HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"absolute form without a host", "GET http:///b HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"asterisk form", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"a relative path", "GET a HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"bare CR in a value", "GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n", 400},
    {"control character in a value", "GET / HTTP/1.1\r\nHost: a\r\nX: a\x01\r\n\r\n", 400},
    {"other alphabets in a value", "GET / HTTP/1.1\r\nHost: a\r\nX: \xc3\xbc\r\n\r\n", 0},
    {"space before the colon", "GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400},
    {"a folded line", "GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n", 400},
    {"no colon", "GET / HTTP/1.1\r\nHost: a\r\nX\r\n\r\n", 400},
    {"no name", "GET / HTTP/1.1\r\nHost: a\r\n: x\r\n\r\n", 400},
    {"an empty value", "GET / HTTP/1.1\r\nHost: a\r\nX:\r\n\r\n", 0},
    {"length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n", 0},
    {"negative length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -5\r\n\r\n", 400},
    {"length with sign", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\n", 400},
    {"no length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n", 400},
    {"hex length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x5\r\n\r\n", 400},
    {"lengths in one line", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 5\r\n\r\n", 400},
    {"length past 64 bits",
     "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n", 400},
    {"two lengths", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n",
     400},
    {"length and chunks",
     "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
    {"chunks", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n", 0},
    {"chunks twice",
     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: "
     "chunked\r\n\r\n",
     400},
    {"a coding nobody knows", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n",
     501},
    {"gzip before chunks", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
     501},
    {"chunks in 1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
    {"100-continue", "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\n\r\n", 0},
    {"other expectations", "POST / HTTP/1.1\r\nHost: a\r\nExpect: tea\r\n\r\n", 417},
};

static void test_heads(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(head_rows) / sizeof(*head_rows); i++) {
        const struct head_row *row = &head_rows[i];
        struct str text = exact(row->text, strlen(row->text));
        struct http1_refusal why = {0, NULL};
        struct http1_head head;
        size_t scanned = 0;
        assert_int_equal(http1_head_bytes(text, &scanned, &why), text.n);
        bool read = http1_head_read(text, &head, &why);
        if (read != (row->status == 0) || (!read && why.status != row->status)) {
            fail_msg("%s: status %d", row->why, read ? 0 : why.status);
        }
        assert_true(read || strlen(why.detail) > 5);
        free((void *)(uintptr_t)text.p);
    }
}

static void test_head_fields(void **state)
{
    (void)state;
    static const char text[] = "POST /a/b%20c?x=1&y=%31 HTTP/1.1\r\nHost: example.org:8080\r\n"
                               "X-Odd.Name_1:  two words \t\r\nContent-Length: 12\r\n"
                               "Connection: keep-alive, Upgrade\r\nExpect: 100-continue\r\n\r\n";
    struct http1_refusal why;
    struct http1_head h;
    assert_true(http1_head_read(STR(text), &h, &why));
    assert_true(str_eqz(h.method, "POST"));
    assert_true(str_eqz(h.path, "/a/b%20c"));
    assert_true(str_eqz(h.query, "x=1&y=%31"));
    assert_int_equal(h.header_count, 5);
    assert_true(str_eqz(h.headers[1].name, "X-Odd.Name_1"));
    assert_true(str_eqz(h.headers[1].value, "two words"));
    assert_int_equal(h.body_length, 12);
    assert_int_equal(h.minor_version, 1);
    assert_true(h.keep_alive);
    assert_true(h.expects_continue);
    assert_false(h.websocket);
}

struct keep_row {
    const char *why;
    const char *text;
    bool keep, websocket;
};

static void test_connection_header(void **state)
{
    (void)state;
#define UPGRADE "Upgrade: WebSocket\r\nConnection: keep-alive, upgrade\r\n\r\n"
    static const struct keep_row rows[] = {
        {"1.1 keeps", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", true, false},
        {"1.0 does not", "GET / HTTP/1.0\r\n\r\n", false, false},
        {"1.0 asks", "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", true, false},
        {"1.1 declines", "GET / HTTP/1.1\r\nHost: a\r\nConnection: Close\r\n\r\n", false, false},
        {"close wins", "GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, close\r\n\r\n", false,
         false},
        {"in two lines", "GET / HTTP/1.1\r\nHost: a\r\nConnection: x\r\nConnection: close\r\n\r\n",
         false, false},
        {"websocket", "GET / HTTP/1.1\r\nHost: a\r\n" UPGRADE, true, true},
        {"by POST is none", "POST / HTTP/1.1\r\nHost: a\r\n" UPGRADE, true, false},
        {"in 1.0 is none", "GET / HTTP/1.0\r\n" UPGRADE, true, false},
        {"with a body is none", "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n" UPGRADE, true,
         false},
        {"without Connection is none", "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n",
         true, false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct http1_refusal why;
        struct http1_head h;
        assert_true(http1_head_read(str_of(rows[i].text), &h, &why));
        if (h.keep_alive != rows[i].keep || h.websocket != rows[i].websocket) {
            fail_msg("%s", rows[i].why);
        }
    }
}

static void test_too_many_headers(void **state)
{
    (void)state;
    struct buf b = buf_make(1 << 20);
    buf_add_str(&b, STR("GET / HTTP/1.1\r\nHost: a\r\n"));
    for (int i = 1; i < SERVER_HEADERS_MAX; i++) {
        buf_add_str(&b, STR("X: y\r\n"));
    }
    size_t before = b.n;
    struct http1_refusal why = {0, NULL};
    struct http1_head h;
    buf_add_str(&b, STR("\r\n"));
    assert_true(http1_head_read(buf_str(&b), &h, &why));
    assert_int_equal(h.header_count, SERVER_HEADERS_MAX);
    b.n = before;
    buf_add_str(&b, STR("X: y\r\n\r\n"));
    assert_false(http1_head_read(buf_str(&b), &h, &why));
    assert_int_equal(why.status, 431);
    buf_free(&b);
}

static void test_head_arrives_in_any_pieces(void **state)
{
    (void)state;
    static const char text[] = "GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\nGET /next";
    size_t whole = sizeof("GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n") - 1;
    for (size_t cut = 0; cut < whole; cut++) {
        size_t scanned = 0;
        struct http1_refusal why = {0, NULL};
        struct str first = exact(text, cut);
        assert_int_equal(http1_head_bytes(first, &scanned, &why), 0);
        assert_int_equal(why.status, 0);
        assert_int_equal(http1_head_bytes(STR(text), &scanned, &why), whole);
        free((void *)(uintptr_t)first.p);
    }
}

static void test_head_is_refused_as_early_as_possible(void **state)
{
    (void)state;
    struct http1_refusal why = {0, NULL};
    size_t scanned = 0;
    assert_int_equal(http1_head_bytes(STR("\x16\x03\x01"), &scanned, &why), 0);
    assert_int_equal(why.status, 400); /* TLS spoken to a plain port */
    why.status = 0;
    assert_int_equal(http1_head_bytes(STR("GET / HTTP/1.1\nHo"), &scanned, &why), 0);
    assert_int_equal(why.status, 400); /* a bare line feed */

    char *big = malloc(SERVER_HEADER_BYTES_MAX + 1);
    memset(big, 'a', SERVER_HEADER_BYTES_MAX + 1);
    why.status = 0;
    scanned = 0;
    struct str line = str_make(big, HTTP1_LINE_MAX_BYTES);
    assert_int_equal(http1_head_bytes(line, &scanned, &why), 0);
    assert_int_equal(why.status, 0);
    line.n++;
    assert_int_equal(http1_head_bytes(line, &scanned, &why), 0);
    assert_int_equal(why.status, 414);
    why.status = 0;
    scanned = 0;
    memcpy(big, "GET / HTTP/1.1\r\n", 16);
    assert_int_equal(http1_head_bytes(str_make(big, SERVER_HEADER_BYTES_MAX + 1), &scanned, &why),
                     0);
    assert_int_equal(why.status, 431);
    /* an end past the bound is no way around it */
    memcpy(big + SERVER_HEADER_BYTES_MAX - 3, "\r\n\r\n", 4);
    why.status = 0;
    scanned = 0;
    assert_int_equal(http1_head_bytes(str_make(big, SERVER_HEADER_BYTES_MAX + 1), &scanned, &why),
                     0);
    assert_int_equal(why.status, 431);
    free(big);
}

struct path_row {
    const char *raw;
    const char *expect; /* NULL: refused */
};

static void test_paths(void **state)
{
    (void)state;
    static const struct path_row rows[] = {
        {"/", "/"},
        {"/a/b", "/a/b"},
        {"/a/b/", "/a/b/"},
        {"//a///b", "/a/b"},
        {"/./a/./b/.", "/a/b/"},
        {"/.", "/"},
        {"/a/.b", "/a/.b"},
        {"/a/b..", "/a/b.."},
        {"/a/...", "/a/..."},
        {"/a%20b", "/a b"},
        {"/%c3%BC", "/\xc3\xbc"},
        {"/\xc3\xbc", "/\xc3\xbc"},
        {"/a+b", "/a+b"}, /* only queries use '+' for spaces */
        {"/a%2fb", "/a/b"},
        {"/%25", "/%"},
        {"/%2525", "/%25"}, /* decoded once */
        {"/..", NULL},
        {"/a/../b", NULL},
        {"/a/%2e%2E/b", NULL},
        {"/a%2f..%2fb", NULL},
        {"/a/..", NULL},
        {"/a%00", NULL},
        {"/a%0d%0a", NULL},
        {"/a%7f", NULL},
        {"/a%", NULL},
        {"/a%4", NULL},
        {"/a%4g", NULL},
        {"/a%g4", NULL},
        {"/%ff", NULL},
        {"/%c3", NULL},
        {"/%c0%ae%c0%ae/", NULL}, /* ".." in an overlong form */
        {"/%ed%a0%80", NULL},     /* a surrogate */
        {"", NULL},
        {"a", NULL},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct str raw = exact(rows[i].raw, strlen(rows[i].raw));
        char *out = malloc(raw.n + 1);
        size_t n = 0;
        bool fine = http1_path(raw, out, &n);
        if (fine != (rows[i].expect != NULL) ||
            (fine && !str_eqz(str_make(out, n), rows[i].expect))) {
            fail_msg("%s gave %.*s", rows[i].raw, fine ? (int)n : 0, out);
        }
        free(out);
        free((void *)(uintptr_t)raw.p);
    }
}

struct chunk_row {
    const char *why;
    const char *text;
    enum http1_fed expect;
    const char *body;
};

static const struct chunk_row chunk_rows[] = {
    {"one chunk", "5\r\nhello\r\n0\r\n\r\n", HTTP1_DONE, "hello"},
    {"hex, both cases, leading zeros", "0A\r\n0123456789\r\n00\r\n\r\n", HTTP1_DONE, "0123456789"},
    {"several", "1\r\na\r\n2\r\nbc\r\n0\r\n\r\n", HTTP1_DONE, "abc"},
    {"empty", "0\r\n\r\n", HTTP1_DONE, ""},
    {"extensions are skipped", "1;a=b;c=\"d\"\r\na\r\n0;x\r\n\r\n", HTTP1_DONE, "a"},
    {"trailers are skipped", "1\r\na\r\n0\r\nX: y\r\nZ: w\r\n\r\n", HTTP1_DONE, "a"},
    {"not over yet", "1\r\na\r\n0\r\n", HTTP1_MORE, "a"},
    {"no size", "\r\na\r\n0\r\n\r\n", HTTP1_BAD, NULL},
    {"no hex", "g\r\n", HTTP1_BAD, NULL},
    {"a sign", "-1\r\n", HTTP1_BAD, NULL},
    {"0x", "0x1\r\na\r\n", HTTP1_BAD, NULL},
    {"space before the size", " 1\r\na\r\n", HTTP1_BAD, NULL},
    {"space after the size", "1 \r\na\r\n", HTTP1_BAD, NULL},
    {"size past 32 bits", "100000000\r\n", HTTP1_BAD, NULL},
    {"bare LF after the size", "1\na\r\n0\r\n\r\n", HTTP1_BAD, NULL},
    {"bare LF after data", "1\r\na\n0\r\n\r\n", HTTP1_BAD, NULL},
    {"more data than said", "1\r\nab\r\n0\r\n\r\n", HTTP1_BAD, NULL},
    {"bare LF in an extension", "1;a\nb\r\na\r\n", HTTP1_BAD, NULL},
    {"bare CR in an extension", "1;a\rb\r\na\r\n", HTTP1_BAD, NULL},
    {"bare LF after a trailer", "0\r\nX: y\n\r\n", HTTP1_BAD, NULL},
    {"a trailer that is none", "0\r\n X\r\n\r\n", HTTP1_BAD, NULL},
    {"past the maximum", "15\r\n0123456789abcdefghijk\r\n0\r\n\r\n", HTTP1_TOO_LARGE, NULL},
    {"past the maximum in pieces", "a\r\n0123456789\r\nb\r\n0123456789a\r\n", HTTP1_TOO_LARGE,
     NULL},
};

static void feed_in_pieces(const struct chunk_row *row, size_t piece)
{
    struct http1_chunks k = {0};
    struct buf body = buf_make(20);
    size_t at = 0, n = strlen(row->text);
    enum http1_fed fed = HTTP1_MORE;
    while (at < n && fed == HTTP1_MORE) {
        size_t used = 0;
        struct str part = exact(row->text + at, n - at < piece ? n - at : piece);
        fed = http1_chunks_feed(&k, part, &body, &used);
        free((void *)(uintptr_t)part.p);
        at += used;
    }
    if (fed != row->expect || (row->body && !str_eqz(buf_str(&body), row->body))) {
        fail_msg("%s, in pieces of %zu: %d", row->why, piece, (int)fed);
    }
    assert_true(fed != HTTP1_DONE || at == n);
    buf_free(&body);
}

static void test_chunks(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(chunk_rows) / sizeof(*chunk_rows); i++) {
        for (size_t piece = 1; piece < 50; piece++) {
            feed_in_pieces(&chunk_rows[i], piece);
        }
    }
}

static void test_chunk_lines_are_bounded(void **state)
{
    (void)state;
    char text[20000];
    memset(text, 'a', sizeof(text));
    memcpy(text, "1;", 2);
    struct http1_chunks k = {0};
    struct buf body = buf_make(20);
    size_t used = 0;
    assert_int_equal(http1_chunks_feed(&k, str_make(text, 300), &body, &used), HTTP1_BAD);
    memcpy(text, "0\r\nX", 4);
    k = (struct http1_chunks){0};
    assert_int_equal(http1_chunks_feed(&k, str_make(text, sizeof(text)), &body, &used), HTTP1_BAD);
    buf_free(&body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_heads),
        cmocka_unit_test(test_head_fields),
        cmocka_unit_test(test_connection_header),
        cmocka_unit_test(test_too_many_headers),
        cmocka_unit_test(test_head_arrives_in_any_pieces),
        cmocka_unit_test(test_head_is_refused_as_early_as_possible),
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_chunks),
        cmocka_unit_test(test_chunk_lines_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
