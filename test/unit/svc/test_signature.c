/* Signatures of webhooks. The first rows are what vendors publish (Standard Webhooks' libraries,
 * GitHub, Slack, Twilio); the others were computed by another program. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "svc/webhook/signature.h"

#define SLACK_BODY                                                                                 \
    "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id="         \
    "G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-"     \
    "collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%"             \
    "2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121."               \
    "803a0bc887a14d10d2c447fce8b6703c"
#define SLACK_SIGNATURE  "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
#define GITHUB_SIGNATURE "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
#define TWILIO_URL       "https://mycompany.com/myapp.php?foo=1&bar=2"
#define TWILIO_PORT_URL  "https://mycompany.com:443/myapp.php?foo=1&bar=2"
#define TWILIO_BODY                                                                                \
    "CallSid=CA1234567890ABCDE&Digits=1234&From=%2B14158675309&To=%2B18005551212&Caller=%"         \
    "2B14158675309"
#define FORM "Content-Type: application/x-www-form-urlencoded\n"

#define SECRET "a secret of theirs"
#define BODY   "{\"id\":\"evt_1\"}"
#define STRIPE "92fc035ebb8b0109b32b28ce7656ff0a43a7d37225b43b29b24a058b573be83f"
#define PLAIN  "b4dcee8dd5ec6ffc4a24f45ed089e979de9dfa9341083c822b08fd01aae3f20c"
#define LI     "092f861dea33e648a058eefcdc79e589bf22e20060dfa0d5aa16ba58d0a5d35c"
#define SHOP   "tNzujdXsb/xKJPRe0Inped6d+pNBCDyCKwj9Aarj8gw="
#define HUB    "NllZw8daYwPcLm55mHxh9ofnCPwjB5zjHB7pL5vvG/Y="
#define ZEN    "/4WUZZGT7Q/vzom74CwyVCszC1GkFHP9yiz/Tr+Z6vs="
#define AT     1700000000000

struct row {
    const char *why;
    const char *scheme;
    const char *secret;
    const char *headers; /* "Name: value\n" each */
    const char *url, *body;
    int64_t now_ms;
    enum signature_verdict verdict;
};

#define STANDARD_SECRET "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#define STANDARD_HEAD   "webhook-id: msg_p5jXN8AQM9LWM0D4loKWxJek\nwebhook-timestamp: 1614265330\n"
#define STANDARD_SIG    "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
#define STANDARD_BODY   "{\"test\": 2432232314}"
#define STANDARD_AT     1614265330000

static const struct row rows[] = {
    {"Standard Webhooks, as published", "standard", STANDARD_SECRET,
     STANDARD_HEAD "webhook-signature: " STANDARD_SIG "\n", "", STANDARD_BODY, STANDARD_AT,
     SIGNATURE_GOOD},
    {"one of several", "standard", STANDARD_SECRET,
     STANDARD_HEAD "webhook-signature: v1,AAAA v1a,xx " STANDARD_SIG "\n", "", STANDARD_BODY,
     STANDARD_AT, SIGNATURE_GOOD},
    {"of another version", "standard", STANDARD_SECRET,
     STANDARD_HEAD "webhook-signature: v2,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=\n", "",
     STANDARD_BODY, STANDARD_AT, SIGNATURE_MISSING},
    {"another body", "standard", STANDARD_SECRET,
     STANDARD_HEAD "webhook-signature: " STANDARD_SIG "\n", "", "{\"test\": 2432232315}",
     STANDARD_AT, SIGNATURE_WRONG},
    {"its id is signed, so it must be there", "standard", STANDARD_SECRET,
     "webhook-timestamp: 1614265330\nwebhook-signature: " STANDARD_SIG "\n", "", STANDARD_BODY,
     STANDARD_AT, SIGNATURE_MISSING},
    {"the last moment", "standard", STANDARD_SECRET,
     STANDARD_HEAD "webhook-signature: " STANDARD_SIG "\n", "", STANDARD_BODY, STANDARD_AT + 300000,
     SIGNATURE_GOOD},
    {"too late", "standard", STANDARD_SECRET, STANDARD_HEAD "webhook-signature: " STANDARD_SIG "\n",
     "", STANDARD_BODY, STANDARD_AT + 300001, SIGNATURE_STALE},
    {"from the future", "standard", STANDARD_SECRET,
     STANDARD_HEAD "webhook-signature: " STANDARD_SIG "\n", "", STANDARD_BODY, STANDARD_AT - 300001,
     SIGNATURE_STALE},
    {"wrong is said before late", "standard", STANDARD_SECRET,
     STANDARD_HEAD "webhook-signature: v1,AAAA\n", "", STANDARD_BODY, STANDARD_AT + 900000,
     SIGNATURE_WRONG},
    {"GitHub, as published", "github", "It's a Secret to Everybody",
     "x-hub-signature-256: " GITHUB_SIGNATURE "\n", "", "Hello, World!", 0, SIGNATURE_GOOD},
    {"its prefix is part of it", "github", "It's a Secret to Everybody",
     "x-hub-signature-256: "
     "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17\n",
     "", "Hello, World!", 0, SIGNATURE_MISSING},
    {"Slack, as published", "slack", "8f742231b10e8888abcd99yyyzzz85a5",
     "X-Slack-Request-Timestamp: 1531420618\nX-Slack-Signature: " SLACK_SIGNATURE "\n", "",
     SLACK_BODY, 1531420618000, SIGNATURE_GOOD},
    {"no time", "slack", "8f742231b10e8888abcd99yyyzzz85a5",
     "X-Slack-Signature: " SLACK_SIGNATURE "\n", "", SLACK_BODY, 1531420618000, SIGNATURE_MISSING},
    {"Twilio, as published", "twilio", "12345",
     FORM "X-Twilio-Signature: RSOYDt4T1cUTdK1PDd93/VVr8B8=\n", TWILIO_URL, TWILIO_BODY, 0,
     SIGNATURE_GOOD},
    {"signed with the port, known without", "twilio", "12345",
     FORM "X-Twilio-Signature: kvajT1Ptam85bY51eRf/AJRuM3w=\n", TWILIO_URL, TWILIO_BODY, 0,
     SIGNATURE_GOOD},
    {"signed without, known with the port", "twilio", "12345",
     FORM "X-Twilio-Signature: RSOYDt4T1cUTdK1PDd93/VVr8B8=\n", TWILIO_PORT_URL, TWILIO_BODY, 0,
     SIGNATURE_GOOD},
    {"a field more", "twilio", "12345", FORM "X-Twilio-Signature: RSOYDt4T1cUTdK1PDd93/VVr8B8=\n",
     TWILIO_URL, TWILIO_BODY "&x=1", 0, SIGNATURE_WRONG},
    {"another body must be named in the query", "twilio", "12345",
     "X-Twilio-Signature: RSOYDt4T1cUTdK1PDd93/VVr8B8=\n", TWILIO_URL, TWILIO_BODY, 0,
     SIGNATURE_WRONG},
    {"Stripe, among others", "stripe", SECRET,
     "Stripe-Signature: t=1700000000, v1=00ff, v0=aa, v1=" STRIPE "\n", "", BODY, AT,
     SIGNATURE_GOOD},
    {"Shopify", "shopify", SECRET, "X-Shopify-Hmac-Sha256: " SHOP "\n", "", BODY, AT,
     SIGNATURE_GOOD},
    {"nothing in the header", "stripe", SECRET, "Stripe-Signature: \n", "", BODY, AT,
     SIGNATURE_MISSING},
    {"pairs without a value", "stripe", SECRET, "Stripe-Signature: t,v1,=,,\n", "", BODY, AT,
     SIGNATURE_MISSING},
    {"a time that is none", "stripe", SECRET, "Stripe-Signature: t=soon,v1=" STRIPE "\n", "", BODY,
     AT, SIGNATURE_WRONG},
    {"Meta", "meta", SECRET, "X-Hub-Signature-256: sha256=" PLAIN "\n", "", BODY, AT,
     SIGNATURE_GOOD},
    {"half a signature", "meta", SECRET, "X-Hub-Signature-256: sha256=b4dcee8d\n", "", BODY, AT,
     SIGNATURE_WRONG},
    {"LinkedIn", "linkedin", SECRET, "X-LI-Signature: " LI "\n", "", BODY, AT, SIGNATURE_GOOD},
    {"some say what it is", "linkedin", SECRET, "X-LI-Signature: hmacsha256=" LI "\n", "", BODY, AT,
     SIGNATURE_GOOD},
    {"TikTok", "tiktok", SECRET, "TikTok-Signature: t=1700000000,s=" STRIPE "\n", "", BODY, AT,
     SIGNATURE_GOOD},
    {"HubSpot tells milliseconds", "hubspot", SECRET,
     "X-HubSpot-Signature-v3: " HUB "\nX-HubSpot-Request-Timestamp: 1700000000000\n",
     "https://x.example/hooks/a/b", BODY, AT + 299000, SIGNATURE_GOOD},
    {"at another address", "hubspot", SECRET,
     "X-HubSpot-Signature-v3: " HUB "\nX-HubSpot-Request-Timestamp: 1700000000000\n",
     "https://x.example/hooks/a/c", BODY, AT, SIGNATURE_WRONG},
    {"Zendesk tells ISO 8601", "zendesk", SECRET,
     "X-Zendesk-Webhook-Signature: " ZEN
     "\nX-Zendesk-Webhook-Signature-Timestamp: 2023-11-14T22:13:20Z\n",
     "", BODY, AT, SIGNATURE_GOOD},
    {"DocuSign numbers them", "docusign", SECRET,
     "X-DocuSign-Signature-1: AAAA\nX-DocuSign-Signature-2: " SHOP "\n", "", BODY, AT,
     SIGNATURE_GOOD},
    {"Telegram repeats the secret", "telegram", SECRET,
     "X-Telegram-Bot-Api-Secret-Token: " SECRET "\n", "", BODY, AT, SIGNATURE_GOOD},
    {"half of it", "telegram", SECRET, "X-Telegram-Bot-Api-Secret-Token: a secret\n", "", BODY, AT,
     SIGNATURE_WRONG},
    {"none of it", "telegram", SECRET, "", "", BODY, AT, SIGNATURE_MISSING},
    {"no base64", "shopify", SECRET, "X-Shopify-Hmac-Sha256: not base64!\n", "", BODY, AT,
     SIGNATURE_WRONG},
};

enum { HEADERS_MAX = 8 };

static int read_headers(const char *text, struct header out[HEADERS_MAX])
{
    struct str rest = str_of(text), line, name;
    int count = 0;
    while (str_split(&rest, '\n', &line) && line.n) {
        struct str value = line;
        assert_true(str_split(&value, ':', &name));
        out[count++] = (struct header){name, str_trim(value)};
    }
    return count;
}

static enum signature_verdict check(struct arena *a, const struct signature_scheme *s,
                                    const struct row *r)
{
    struct header headers[HEADERS_MAX];
    struct str key, url = str_of(r->url), path = url;
    struct signature_request request = {.method = STR("POST"),
                                        .url = url,
                                        .body = str_of(r->body),
                                        .headers = headers,
                                        .header_count = read_headers(r->headers, headers),
                                        .now_ms = r->now_ms};
    str_split(&path, '?', &url);
    request.query = path;
    assert_int_equal(signature_read_key(a, s, str_of(r->secret), &key), E_OK);
    struct str keys[2] = {STR("another"), key};
    assert_int_not_equal(signature_check(a, s, &request, keys, 1), SIGNATURE_GOOD);
    assert_int_not_equal(signature_check(a, s, &request, keys, 0), SIGNATURE_GOOD);
    return signature_check(a, s, &request, keys, 2);
}

static void each_sender_is_known_by_its_signature(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct arena *a = arena_new(1 << 20);
        const struct signature_scheme *s = signature_find(str_of(rows[i].scheme));
        assert_non_null(s);
        enum signature_verdict got = check(a, s, &rows[i]);
        if (got != rows[i].verdict) {
            print_error("%s (%s): %d\n", rows[i].why, rows[i].scheme, got);
        }
        assert_int_equal(got, rows[i].verdict);
        arena_free(&a);
    }
}

struct generic_row {
    const char *why;
    const char *options;
    const char *field; /* NULL: fine */
    const char *headers;
    enum signature_verdict verdict;
};

static const struct generic_row generic_rows[] = {
    {"as it comes", "{}", NULL, "X-Signature: " PLAIN "\n", SIGNATURE_GOOD},
    {"base64 under a name and a prefix",
     "{\"header\":\"X-Shop\",\"encoding\":\"base64\",\"prefix\":\"v1=\"}", NULL,
     "X-Shop: v1=" SHOP "\n", SIGNATURE_GOOD},
    {"a time by itself is signed before a full stop", "{\"timestamp_header\":\"X-Time\"}", NULL,
     "X-Time: 1700000000\nX-Signature: " STRIPE "\n", SIGNATURE_GOOD},
    {"SHA-1 and words of its own",
     "{\"timestamp_header\":\"X-Time\",\"algorithm\":\"sha1\",\"encoding\":\"base64\",\"signs\":"
     "\"v2:{timestamp}:{body}\"}",
     NULL, "X-Time: 1700000000\nX-Signature: sHN8Q/wFS8ecUjJ35zPKdKdSvw4=\n", SIGNATURE_GOOD},
    {"MD5 is none", "{\"algorithm\":\"md5\"}", "signature.algorithm", NULL, 0},
    {"nor base32", "{\"encoding\":\"base32\"}", "signature.encoding", NULL, 0},
    {"a header has a name", "{\"header\":\"X Y\"}", "signature.header", NULL, 0},
    {"the body must be signed", "{\"signs\":\"{url}\"}", "signature.signs", NULL, 0},
    {"a time that nobody tells", "{\"signs\":\"{timestamp}{body}\"}", "signature.signs", NULL, 0},
    {"a time that nobody signs", "{\"timestamp_header\":\"X-Time\",\"signs\":\"{body}\"}",
     "signature.signs", NULL, 0},
    {"an unknown part", "{\"signs\":\"{body}{secret}\"}", "signature.signs", NULL, 0},
    {"an unknown word", "{\"heading\":\"X\"}", "signature", NULL, 0},
    {"no text", "{\"header\":7}", "signature", NULL, 0},
};

static void a_sender_in_words_of_its_own(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(generic_rows) / sizeof(*generic_rows); i++) {
        const struct generic_row *r = &generic_rows[i];
        struct arena *a = arena_new(1 << 20);
        const struct json *options;
        struct json_fault fault;
        struct signature_fault wrong = {0};
        struct signature_scheme s;
        assert_int_equal(json_parse(a, str_of(r->options), &options, &fault), E_OK);
        enum err e = signature_generic(a, options, &s, &wrong);
        if ((e == E_OK) != (r->field == NULL)) {
            print_error("%s\n", r->why);
        }
        if (r->field) {
            assert_int_equal(e, E_INVALID);
            assert_string_equal(wrong.field, r->field);
        } else {
            struct row row = {r->why, "", SECRET, r->headers, "", BODY, AT, r->verdict};
            assert_int_equal(e, E_OK);
            assert_int_equal(check(a, &s, &row), r->verdict);
        }
        arena_free(&a);
    }
}

static void every_scheme_is_whole(void **state)
{
    (void)state;
    const struct signature_scheme *s;
    for (int i = 0; (s = signature_at(i)); i++) {
        bool timed = s->time_header || s->time_label;
        assert_ptr_equal(signature_find(str_of(s->name)), s);
        assert_non_null(s->title);
        assert_non_null(s->header);
        assert_true(s->algorithm == SIGNATURE_TOKEN ||
                    str_find(str_of(s->signs), STR("{body}")) >= 0 ||
                    str_find(str_of(s->signs), STR("{form}")) >= 0);
        assert_int_equal(timed, str_find(str_of(s->signs), STR("{timestamp}")) >= 0);
        assert_int_equal(timed, s->tolerance_s > 0);
        assert_true((s->form != SIGNATURE_PAIRS && s->form != SIGNATURE_LIST) || s->label);
    }
    assert_null(signature_find(STR("nobody")));
}

static void a_secret_must_be_a_key(void **state)
{
    (void)state;
    struct arena *a = arena_new(1 << 20);
    struct str key;
    const struct signature_scheme *standard = signature_find(STR("standard"));
    const struct signature_scheme *telnyx = signature_find(STR("telnyx"));
    assert_int_equal(signature_read_key(a, standard, STR("whsec_no base64"), &key), E_INVALID);
    assert_int_equal(signature_read_key(a, standard, STR("whsec_"), &key), E_INVALID);
    assert_int_equal(signature_read_key(a, telnyx, STR("AAAA"), &key), E_INVALID);
    arena_free(&a);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_sender_is_known_by_its_signature),
        cmocka_unit_test(a_sender_in_words_of_its_own),
        cmocka_unit_test(every_scheme_is_whole),
        cmocka_unit_test(a_secret_must_be_a_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
