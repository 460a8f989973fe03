#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "io/ws.h"

enum { MESSAGE_MAX = 300 };

static void test_accept_of_the_rfc(void **state)
{
    (void)state;
    char out[WS_ACCEPT_BYTES + 1];
    ws_accept(STR("dGhlIHNhbXBsZSBub25jZQ=="), out); /* RFC 6455 section 1.3 */
    assert_string_equal(out, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

static void test_keys(void **state)
{
    (void)state;
    assert_true(ws_key_is_valid(STR("dGhlIHNhbXBsZSBub25jZQ==")));
    assert_false(ws_key_is_valid(STR("")));
    assert_false(ws_key_is_valid(STR("dGhlIHNhbXBsZSBub25jZ===")));    /* 15 bytes */
    assert_false(ws_key_is_valid(STR("dGhlIHNhbXBsZSBub25jZQAA")));    /* 18 bytes */
    assert_false(ws_key_is_valid(STR("dGhlIHNhb\x01BsZSBub25jZQ=="))); /* not base64 */
    assert_false(ws_key_is_valid(STR("dGhlIHNhbXBsZSBub25jZQ==\n")));
}

/* A client's frame, masked, appended to b. */
static void add_frame(struct buf *b, int first_byte, const char *payload, size_t n)
{
    static const unsigned char mask[4] = {0x37, 0xfa, 0x21, 0x3d};
    buf_add_char(b, (char)first_byte);
    if (n < 126) {
        buf_add_char(b, (char)(0x80 | n));
    } else {
        char wide[3] = {(char)(0x80 | 126), (char)(n >> 8), (char)n};
        buf_add(b, wide, 3);
    }
    buf_add(b, mask, 4);
    for (size_t i = 0; i < n; i++) {
        buf_add_char(b, (char)(payload[i] ^ mask[i & 3]));
    }
}

struct ws_row {
    const char *why;
    const char *bytes; /* as on the wire; the mask is four zero bytes */
    size_t n;
    enum ws_got expect;
    int code;
    const char *text;
};

#define ROW(why, bytes, got, code, text)                                                           \
    {                                                                                              \
        why, bytes, sizeof(bytes) - 1, got, code, text                                             \
    }
#define M "\0\0\0\0"

static const struct ws_row rows[] = {
    ROW("text", "\x81\x82" M "hi", WS_GOT_TEXT, 0, "hi"),
    ROW("empty text", "\x81\x80" M, WS_GOT_TEXT, 0, ""),
    ROW("fragments", "\x01\x81" M "a\x00\x81" M "b\x80\x81" M "c", WS_GOT_TEXT, 0, "abc"),
    ROW("a character cut by a fragment", "\x01\x81" M "\xc3\x80\x81" M "\xbc", WS_GOT_TEXT, 0,
        "\xc3\xbc"),
    ROW("ping", "\x89\x82" M "hi", WS_GOT_PING, 0, "hi"),
    ROW("pong", "\x8a\x80" M, WS_GOT_PONG, 0, ""),
    ROW("close", "\x88\x82" M "\x03\xe8", WS_GOT_CLOSE, 1000, NULL),
    ROW("close without code", "\x88\x80" M, WS_GOT_CLOSE, 1005, NULL),
    ROW("close with reason",
        "\x88\x85" M "\x03\xe9"
        "bye",
        WS_GOT_CLOSE, 1001, NULL),
    ROW("close with half a code", "\x88\x81" M "\x03", WS_GOT_FAIL, 1002, NULL),
    ROW("close with a forbidden code", "\x88\x82" M "\x03\xed", WS_GOT_FAIL, 1002, NULL),
    ROW("close with a bad reason", "\x88\x83" M "\x03\xe8\xff", WS_GOT_FAIL, 1007, NULL),
    ROW("not masked", "\x81\x02hi", WS_GOT_FAIL, 1002, NULL),
    ROW("a reserved bit", "\xc1\x82" M "hi", WS_GOT_FAIL, 1002, NULL),
    ROW("binary", "\x82\x82" M "hi", WS_GOT_FAIL, 1003, NULL),
    ROW("a reserved opcode", "\x83\x80" M, WS_GOT_FAIL, 1002, NULL),
    ROW("a reserved control opcode", "\x8b\x80" M, WS_GOT_FAIL, 1002, NULL),
    ROW("continuation of nothing", "\x80\x81" M "a", WS_GOT_FAIL, 1002, NULL),
    ROW("a new message inside one", "\x01\x81" M "a\x81\x81" M "b", WS_GOT_FAIL, 1002, NULL),
    ROW("a fragmented ping", "\x09\x80" M, WS_GOT_FAIL, 1002, NULL),
    ROW("a ping too long", "\x89\xfe\x00\x7e" M, WS_GOT_FAIL, 1002, NULL),
    ROW("not UTF-8", "\x81\x82" M "\xff\xfe", WS_GOT_FAIL, 1007, NULL),
    ROW("a cut character", "\x81\x81" M "\xc3", WS_GOT_FAIL, 1007, NULL),
    ROW("too big, known from the head", "\x81\xfe\x01\x2d" M, WS_GOT_FAIL, 1009, NULL),
    ROW("huge", "\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff" M, WS_GOT_FAIL, 1009, NULL),
    ROW("a length with its top bit", "\x81\xff\x80\0\0\0\0\0\0\0" M, WS_GOT_FAIL, 1002, NULL),
    ROW("a length wider than needed", "\x81\xfe\x00\x02" M "hi", WS_GOT_FAIL, 1002, NULL),
    ROW("a length far wider than needed", "\x81\xff\0\0\0\0\0\0\0\x02" M "hi", WS_GOT_FAIL, 1002,
        NULL),
};

/* As the connection does: what was not used is given again with what comes next. */
static enum ws_got feed(struct ws_reader *r, const struct ws_row *row, size_t piece,
                        struct ws_event *out_event)
{
    struct buf in = buf_make(4096);
    enum ws_got got = WS_GOT_MORE;
    for (size_t at = 0; at < row->n && got == WS_GOT_MORE; at += piece) {
        buf_add(&in, row->bytes + at, row->n - at < piece ? row->n - at : piece);
        char *exact = malloc(in.n);
        memcpy(exact, in.p, in.n);
        size_t used = 0;
        got = ws_read(r, str_make(exact, in.n), &used, out_event);
        assert_true(used <= in.n);
        buf_drop(&in, used);
        free(exact);
    }
    buf_free(&in);
    return got;
}

static void test_frames(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        for (size_t piece = 1; piece <= rows[i].n; piece++) {
            struct ws_reader r = ws_reader_make(MESSAGE_MAX);
            struct ws_event event = {.code = 0};
            enum ws_got got = feed(&r, &rows[i], piece, &event);
            if (got != rows[i].expect || event.code != rows[i].code ||
                (rows[i].text && !str_eqz(event.payload, rows[i].text))) {
                fail_msg("%s, in pieces of %zu: %d code %d", rows[i].why, piece, (int)got,
                         event.code);
            }
            buf_free(&r.message);
        }
    }
}

static void test_control_between_fragments(void **state)
{
    (void)state;
    struct buf b = buf_make(4096);
    add_frame(&b, 0x01, "Hel", 3);
    add_frame(&b, 0x89, "alive?", 6);
    add_frame(&b, 0x80, "lo", 2);
    struct ws_reader r = ws_reader_make(MESSAGE_MAX);
    struct ws_event event;
    size_t used = 0;
    assert_int_equal(ws_read(&r, buf_str(&b), &used, &event), WS_GOT_PING);
    assert_true(str_eqz(event.payload, "alive?"));
    buf_drop(&b, used);
    assert_int_equal(ws_read(&r, buf_str(&b), &used, &event), WS_GOT_TEXT);
    assert_true(str_eqz(event.payload, "Hello"));
    assert_int_equal(used, b.n);
    buf_free(&b);
    buf_free(&r.message);
}

static void test_message_maximum(void **state)
{
    (void)state;
    char text[MESSAGE_MAX];
    memset(text, 'x', sizeof(text));
    struct buf b = buf_make(4096);
    struct ws_reader r = ws_reader_make(MESSAGE_MAX);
    struct ws_event event;
    size_t used = 0;
    add_frame(&b, 0x81, text, MESSAGE_MAX);
    assert_int_equal(ws_read(&r, buf_str(&b), &used, &event), WS_GOT_TEXT);
    assert_int_equal(event.payload.n, MESSAGE_MAX);
    buf_clear(&b);
    add_frame(&b, 0x01, text, MESSAGE_MAX); /* fragments add up */
    add_frame(&b, 0x80, text, 1);
    assert_int_equal(ws_read(&r, buf_str(&b), &used, &event), WS_GOT_FAIL);
    assert_int_equal(event.code, WS_TOO_BIG);
    buf_free(&b);
    buf_free(&r.message);
}

static void test_heads_written(void **state)
{
    (void)state;
    char out[WS_HEAD_MAX_BYTES];
    assert_int_equal(ws_head_write(out, WS_TEXT, 125), 2);
    assert_memory_equal(out, "\x81\x7d", 2);
    assert_int_equal(ws_head_write(out, WS_TEXT, 126), 4);
    assert_memory_equal(out, "\x81\x7e\x00\x7e", 4);
    assert_int_equal(ws_head_write(out, WS_TEXT, 65535), 4);
    assert_memory_equal(out, "\x81\x7e\xff\xff", 4);
    assert_int_equal(ws_head_write(out, WS_PONG, 65536), 10);
    assert_memory_equal(out, "\x8a\x7f\0\0\0\0\0\x01\0\0", 10);
}

static void test_codes(void **state)
{
    (void)state;
    static const int good[] = {1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010,
                               1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999};
    static const int bad[] = {0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535};
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
        assert_true(ws_code_is_valid(good[i]));
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        assert_false(ws_code_is_valid(bad[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accept_of_the_rfc),
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_frames),
        cmocka_unit_test(test_control_between_fragments),
        cmocka_unit_test(test_message_maximum),
        cmocka_unit_test(test_heads_written),
        cmocka_unit_test(test_codes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
