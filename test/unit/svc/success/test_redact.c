#include "unit/codec/sample.h"

#include "svc/success/redact.h"

static void test_texts(void **state)
{
    static const struct {
        const char *text, *masked, *why;
    } ROWS[] = {
        {"Renew Acme by 1 June 2026", NULL, "nothing to mask"},
        {"", NULL, "nothing at all"},
        {"key sk-abcdefghij0123456789 here", "key [REDACTED] here", "a key of a vendor"},
        {"sk-proj-Ab3_defghij-0123456789xyz", "[REDACTED]", "a newer form of it"},
        {"sk-ant-api03-Ab3defghij0123456789", "[REDACTED]", "another vendor"},
        {"sk-ill is short", NULL, "too short to be one"},
        {"task-abcdefghij0123456789", NULL, "begins within a word"},
        {"ghp_"
         "0123456789abcdefghijABCDEFGHIJ0123",
         "[REDACTED]", "a token"},
        {"github_pat_11ABCDEFG0123456789_abcdefghij", "[REDACTED]", "a finer one"},
        {"glpat-0123456789abcdefghij.", "[REDACTED].", "the full stop stays"},
        {"AKIAIOSFODNN7EXAMPLE", "[REDACTED]", "a cloud's key id"},
        {"ASIAIOSFODNN7EXAMPLE", "[REDACTED]", "a temporary one"},
        {"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl ok", "[REDACTED] ok", "a JWT"},
        {"Authorization: Bearer abc\nnext line", "Authorization: [REDACTED]\nnext line",
         "a header, however short"},
        {"\"X-Signature\": \"deadbeef\"", "\"X-Signature\": \"[REDACTED]\"",
         "a header in JSON keeps its quotes"},
        {"they sent Bearer ab12 with it", "they sent Bearer [REDACTED] with it", "bare, short"},
        {"the bearer of good news", NULL, "prose"},
        {"0123456789abcdef0123456789abcdef01234567", "[REDACTED]", "40 hexadecimal digits"},
        {"0123456789abcdef0123456789abcdef", NULL, "a request id"},
        {"postgres://rapport:hunter2@db/main", "postgres://rapport:[REDACTED]@db/main",
         "only the password"},
        {"https://example.com:8080/a@b", NULL, "a port is no password"},
        {"-----BEGIN "
         "PRIVATE KEY-----\nMIIE\n-----END "
         "PRIVATE KEY-----\nrest",
         "[REDACTED]\nrest", "the whole block"},
        {"-----BEGIN RSA "
         "PRIVATE KEY-----\nMIIE",
         "[REDACTED]", "one that was cut off"},
        {"write to jane@acme.example today", "write to [REDACTED] today", "an address"},
        {"card 4111 1111 1111 1111", "card [REDACTED]", "a card"},
        {"pay DE89 3704 0044 0532 0130 00", "pay [REDACTED]", "an account"},
        {"Proxy-Authorization=abc, done", "Proxy-Authorization=[REDACTED]", "to the line's end"},
        {"SET-COOKIE: sid=1", "SET-COOKIE: [REDACTED]", "in capital letters"},
        {"PASSWORD: hunter22", "PASSWORD: [REDACTED]", "announced in capital letters"},
        {"Mot de passe: hunter22", "Mot de passe: [REDACTED]", "in French"},
        {"xoxb-0123456789-abcdef", "[REDACTED]", "of a chat program"},
        {"password: hunter22", "password: [REDACTED]", "announced"},
        {"a jane@acme.example b sk-abcdefghij0123456789 c", "a [REDACTED] b [REDACTED] c",
         "both kinds"},
        {"[REDACTED] stays", NULL, "masked twice is as once"},
        {"Authorization: [REDACTED]", NULL, "masked twice is as once, behind a header"},
    };
    struct arena *a = arena_new(1 << 20);
    (void)state;
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
        struct str text = str_of(ROWS[i].text), got = redact_text(a, text);
        struct str want = str_of(ROWS[i].masked ? ROWS[i].masked : ROWS[i].text);
        if (!str_eq(got, want)) {
            fail_msg("%s: \"%.*s\"", ROWS[i].why, STR_ARG(got));
        }
        if (!ROWS[i].masked && got.p != text.p) {
            fail_msg("%s: copied for nothing", ROWS[i].why);
        }
        got = redact_text(a, want);
        if (!str_eq(got, want)) {
            fail_msg("%s: twice gives \"%.*s\"", ROWS[i].why, STR_ARG(got));
        }
    }
    arena_free(&a);
}

static void test_many(void **state)
{
    struct arena *a = arena_new(4 << 20);
    struct buf b = buf_make(1 << 20);
    (void)state;
    for (int i = 0; i < 1000; i++) {
        buf_addf(&b, "p%d@acme.example sk-abcdefghij01234567%02d\n", i, i % 100);
    }
    struct str got = redact_text(a, buf_str(&b));
    assert_true(str_find(got, STR("@")) < 0);
    assert_true(str_find(got, STR("sk-")) < 0);
    buf_free(&b);
    arena_free(&a);
}

static const struct json *tree(struct arena *a, const char *text)
{
    const struct json *value = NULL;
    assert_int_equal(json_parse(a, str_of(text), &value, NULL), E_OK);
    return value;
}

static void test_trees(void **state)
{
    struct arena *a = arena_new(1 << 20);
    const struct json *clean = tree(a, "{\"a\":[1,\"x\",{\"b\":null}]}");
    const struct json *dirty =
        tree(a, "{\"n\":1,\"list\":[\"ok\",{\"mail\":\"jane@acme.example\"}],\"z\":\"keep\"}");
    (void)state;
    assert_ptr_equal(redact_json(a, clean), clean);
    assert_null(redact_json(a, NULL));
    struct str got = json_write(a, redact_json(a, dirty));
    assert_true(
        str_eq(got, STR("{\"n\":1,\"list\":[\"ok\",{\"mail\":\"[REDACTED]\"}],\"z\":\"keep\"}")));
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_trees),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
