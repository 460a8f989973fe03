#include "unit/codec/sample.h"

#include "nlu/pii.h"

static void test_masks(void **state)
{
    static const struct {
        const char *text, *want, *why;
    } ROWS[] = {
        {"write to anna.berg@example.com today", "write to [email] today", "e-mail"},
        {"Mail: <a+b@mail.example.co.uk>.", "Mail: <[email]>.", "plus sign, brackets, full stop"},
        {"it's@home and @anna and a@b", "it's@home and @anna and a@b", "no e-mail addresses"},
        {"M\xc3\xbcller@stra\xc3\x9f"
         "e.de",
         "[email]", "letters beyond ASCII"},
        {"call +1 (206) 555-0100", "call [phone]", "international"},
        {"call me at 5550100", "call me at [phone]", "announced digits"},
        {"my phone is 206 555 0100 ext. 12 thanks", "my phone is [phone] thanks", "extension"},
        {"06 12 34 56 78", "[phone]", "pairs"},
        {"order BW-10421", "order BW-10421", "an order number"},
        {"order 10421223", "order 10421223", "digits nobody announced"},
        {"invoice 2026-00123", "invoice 2026-00123", "an invoice number"},
        {"on 2026-03-01 at 10:30", "on 2026-03-01 at 10:30", "date and time"},
        {"on 01.03.2026 or 1/3/26", "on 01.03.2026 or 1/3/26", "dates"},
        {"it costs $1,299.00 or 1 200 EUR", "it costs $1,299.00 or 1 200 EUR", "prices"},
        {"version 10.2.31", "version 10.2.31", "a version"},
        {"call me at 10:30", "call me at 10:30", "a time behind a cue"},
        {"call me on 2026-03-01", "call me on 2026-03-01", "a date behind a cue"},
        {"card 4111 1111 1111 1111!", "card [card 1111]!", "Luhn holds"},
        {"4111-1111-1111-1111", "[card 1111]", "dashes"},
        {"card 4111 1111 1111 1112", "card 4111 1111 1111 1112", "Luhn fails"},
        {"378282246310005", "[card 0005]", "15 digits"},
        {"id 9411111111111111", "id 9411111111111111", "no issuer begins with 9"},
        {"DE89 3704 0044 0532 0130 00 is mine", "[iban] is mine", "blanks, words follow"},
        {"GB82WEST12345698765432", "[iban]", "no blanks"},
        {"DE89370400440532013001", "DE89370400440532013001", "check digits fail"},
        {"from 192.168.0.1:8080", "from [ip]:8080", "IPv4 with a port"},
        {"256.1.1.1 and 1.2.3.4.5", "256.1.1.1 and 1.2.3.4.5", "no addresses"},
        {"from 2001:db8::1, then", "from [ip], then", "IPv6"},
        {"at 10:30:45 in std::map", "at 10:30:45 in std::map", "no IPv6"},
        {"SSN 123-45-6789", "SSN [national_id]", "social security number"},
        {"Authorization: Bearer abc.def-123456789", "Authorization: Bearer [secret]", "bearer"},
        {"my password is hunter2!", "my password is [secret]!", "password"},
        {"password: hunter", "password: [secret]", "password behind a colon"},
        {"the password is wrong", "the password is wrong", "no password told"},
        {"reset my password please", "reset my password please", "no password told"},
        {"key rk_live_0123456789abcdef", "key [secret]", "our keys"},
        {"a, b@c.de, +49 30 1234567 c", "a, [email], [phone] c", "several in a row"},
        {"", "", "nothing"},
    };
    (void)state;
    for (size_t i = 0; i < SAMPLE_COUNT(ROWS); i++) {
        struct buf b = buf_make(4096);
        assert_true(pii_mask(str_of(ROWS[i].text), PII_ALL, &b));
        sample_is(buf_str(&b), ROWS[i].want, ROWS[i].why);
        buf_free(&b);
    }
}

static void test_kinds_and_spans(void **state)
{
    (void)state;
    struct str text = STR("a@b.de and 192.168.0.1");
    struct pii_span spans[4];
    assert_int_equal(pii_find(text, PII_ALL, spans, 4), 2);
    assert_true(spans[0].kind == PII_EMAIL && spans[0].start == 0 && spans[0].end == 6);
    assert_true(spans[1].kind == PII_IP && spans[1].start == 11 && spans[1].end == text.n);
    assert_int_equal(pii_find(text, PII_IP, spans, 4), 1);
    assert_int_equal(pii_find(text, PII_ALL, spans, 1), 1);
    assert_int_equal(pii_find(text, 0, spans, 4), 0);
    assert_string_equal(pii_kind_name(PII_IBAN), "iban");
    struct buf small = buf_make(5);
    assert_false(pii_mask(text, PII_ALL, &small));
    buf_free(&small);
}

static void test_any_bytes(void **state)
{
    struct arena *a = *state;
    uint32_t seed = 7;
    for (int round = 0; round < 3000; round++) {
        char *text = arena_alloc(a, 64);
        static const char SIGNS[] = "0123456789+-.:@()/ abfxDE\xff\xc3\xa9";
        for (int i = 0; i < 63; i++) {
            seed = seed * 1664525 + 1013904223;
            text[i] = SIGNS[(seed >> 16) % (sizeof SIGNS - 1)];
        }
        struct pii_span spans[PII_SPANS_MAX];
        size_t n = pii_find(str_make(text, 63), PII_ALL, spans, PII_SPANS_MAX), end = 0;
        for (size_t i = 0; i < n; i++) {
            assert_true(spans[i].start >= end && spans[i].end > spans[i].start);
            end = spans[i].end;
        }
        assert_true(end <= 63);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SAMPLE_TEST(test_masks),
        SAMPLE_TEST(test_kinds_and_spans),
        SAMPLE_TEST(test_any_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
