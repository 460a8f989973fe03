#include "unit/codec/sample.h"

#include "svc/success/export_mail.h"

static struct str mail_of(struct arena *a, const char *subject, const char *email)
{
    struct buf b = buf_make(8192);
    buf_addf(&b, "{\"email_draft\":{\"subject\":\"%s\",\"body\":\"Hello\\nDana\"}}", subject);
    const struct json *final = sample_json(a, str_dup(a, buf_str(&b)));
    buf_clear(&b);
    buf_addf(&b, "[{\"email\":\"x@y.example\"},{\"champion\":true,\"email\":\"%s\"}]", email);
    const struct json *contacts = sample_json(a, str_dup(a, buf_str(&b)));
    buf_free(&b);
    return export_mail(a, final, contacts);
}

#define REST                                                                                       \
    "X-Unsent: 1\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"              \
    "Content-Transfer-Encoding: base64\r\n\r\nSGVsbG8NCkRhbmENCg==\r\n"

static void test_mail(void **state)
{
    sample_is(mail_of(*state, "Your renewal", "dana@acme.example"),
              "Subject: =?UTF-8?B?WW91ciByZW5ld2Fs?=\r\nTo: dana@acme.example\r\n" REST, "plain");
    sample_is(mail_of(*state, "a\\r\\nBcc: all@x.example", "d@x.example\\r\\nBcc: e@x.example"),
              "Subject: =?UTF-8?B?YQ0KQmNjOiBhbGxAeC5leGFtcGxl?=\r\n" REST,
              "nothing ends a header");
    sample_is(export_mail(*state, sample_json(*state, STR("{\"email_draft\":null}")), NULL), "",
              "no draft");
}

/* No line is longer than a mail may have, and all of a long subject is there. */
static void test_long(void **state)
{
    struct buf b = buf_make(4096);
    for (int i = 0; i < 60; i++) {
        buf_addf(&b, "\xc3\xa4\xe4\xbd\xa0 ");
    }
    struct str mail = mail_of(*state, b.p, "d@x.example"), line, all = STR("");
    struct str rest = mail;
    while (str_split(&rest, '\n', &line)) {
        assert_true(line.n <= 78);
        line = str_trim(line);
        ptrdiff_t at = str_find(line, STR("=?UTF-8?B?"));
        if (at >= 0) {
            struct str word;
            assert_true(
                base64_decode(*state, str_sub(line, (size_t)at + 10, line.n - 12 - at), &word));
            assert_true(str_is_utf8(word)); /* no character is cut in two */
            all = str_fmt(*state, "%.*s%.*s", STR_ARG(all), STR_ARG(word));
        }
    }
    assert_true(str_eq(all, buf_str(&b)));
    buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {SAMPLE_TEST(test_mail), SAMPLE_TEST(test_long)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
