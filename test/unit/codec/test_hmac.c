#include "unit/codec/sample.h"

#include "codec/hmac.h"

/* A P-256 key and its signature, made by another implementation. */
#define ECDSA_KEY                                                                                  \
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEi63uEB0fF+m/yw1JG+xJKWSIYqfmEsDqC4yGoj+ZetFk"             \
    "FaR3kEieKB4i/Vo5PGkNF+ZzaNf1gdU8zGC2p2DHWw=="
#define ECDSA_SIGNATURE                                                                            \
    "MEYCIQCcvBdM/qKnqQtnTU16VdRA2osrOHStCs4cjrPybguABQIhAOFn50Gbjs5ldqVKPhPk/yuKBtdL"             \
    "aYaM0EFgRxNSFzq5"

static struct str unhex(struct arena *a, const char *hex)
{
    struct str bytes;
    assert_true(base64_from_hex(a, str_of(hex), &bytes));
    return bytes;
}

static void test_hashes(void **state)
{
    struct arena *a = *state;
    sample_is(hmac_sha256_hex(a, STR("")),
              "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
              "FIPS 180-4, empty");
    sample_is(hmac_sha256_hex(a, STR("abc")),
              "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
              "FIPS 180-4, abc");
    struct hmac_digest *d = hmac_digest_new();
    hmac_digest_add(d, STR("a"));
    hmac_digest_add(d, STR(""));
    hmac_digest_add(d, STR("bc"));
    unsigned char digest[HMAC_SHA256_BYTES];
    hmac_digest_end(&d, digest);
    assert_null(d);
    sample_is(base64_to_hex(a, str_make((char *)digest, sizeof(digest))),
              "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", "in pieces");
    /* RFC 4231, cases 1, 2 and 6; RFC 2202, case 2 */
    sample_is(hmac_hex(a, unhex(a, "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b"), STR("Hi There")),
              "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7", "case 1");
    sample_is(hmac_hex(a, STR("Jefe"), STR("what do ya want for nothing?")),
              "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843", "case 2");
    char key[131];
    memset(key, 0xaa, sizeof(key));
    sample_is(hmac_hex(a, str_make(key, sizeof(key)),
                       STR("Test Using Larger Than Block-Size Key - Hash Key First")),
              "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54", "case 6");
    hmac_sha1(STR("Jefe"), STR("what do ya want for nothing?"), digest);
    sample_is(base64_to_hex(a, str_make((char *)digest, HMAC_SHA1_BYTES)),
              "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79", "SHA-1");
    sample_is(hmac_base64(a, STR(""), STR("")),
              "thNnmggU2ex3L5XXeMNfxf8Wl8STcVZTxscSFEKSxa0=", "empty key and text");
}

static void test_public_keys(void **state)
{
    struct arena *a = *state;
    /* RFC 8032, section 7.1, test 2 */
    struct str key = unhex(a, "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
    struct str sig = unhex(a, "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
                              "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00");
    assert_true(hmac_ed25519_is(key, STR("r"), sig));
    assert_false(hmac_ed25519_is(key, STR("s"), sig));
    assert_false(hmac_ed25519_is(str_sub(key, 0, 31), STR("r"), sig));
    assert_false(hmac_ed25519_is(key, STR("r"), str_sub(sig, 0, 63)));
    assert_false(hmac_ecdsa_is(key, STR("r"), sig));
    assert_false(hmac_ecdsa_is(STR(""), STR("r"), STR("")));
}

/* The keys of RFC 8037's published example. */
static void test_published(void **state)
{
    struct arena *a = *state;
    const struct json *v =
        sample_json(a, sample_data(a, "conformance/jose_rfc7520/curve25519_jws.json"));
    struct str x, sig, text = json_text(json_path(v, "signing.sig-input"), STR(""));
    assert_true(base64_decode_url(a, json_text(json_path(v, "input.key.x"), STR("")), &x));
    assert_true(base64_decode_url(a, json_text(json_path(v, "signing.sig"), STR("")), &sig));
    assert_true(hmac_ed25519_is(x, text, sig));
    assert_false(hmac_ed25519_is(x, str_sub(text, 1, text.n), sig));
}

/* HMAC-SHA256 over the published signing inputs: RFC 7520 sections 4.4 to 4.7. */
static void test_published_hmac(void **state)
{
    static const char *const FILES[] = {
        "jws_4_4.hmac-sha2_integrity_protection", "jws_4_5.signature_with_detached_content",
        "jws_4_6.protecting_specific_header_fields", "jws_4_7.protecting_content_only"};
    struct arena *a = *state;
    for (size_t i = 0; i < SAMPLE_COUNT(FILES); i++) {
        struct str name = str_fmt(a, "conformance/jose_rfc7520/%s.json", FILES[i]), key, sig;
        const struct json *v = sample_json(a, sample_data(a, name.p));
        struct str text = json_text(json_path(v, "signing.sig-input"), STR(""));
        assert_true(base64_decode_url(a, json_text(json_path(v, "input.key.k"), STR("")), &key));
        assert_true(base64_decode_url(a, json_text(json_path(v, "signing.sig"), STR("")), &sig));
        unsigned char mac[HMAC_SHA256_BYTES];
        hmac_sha256(key, text, mac);
        if (!str_eq(str_make((const char *)mac, sizeof(mac)), sig)) {
            fail_msg("%s", FILES[i]);
        }
    }
}

static void test_ecdsa(void **state)
{
    struct arena *a = *state;
    struct str key, sig;
    assert_true(base64_decode(a, STR(ECDSA_KEY), &key));
    assert_true(base64_decode(a, STR(ECDSA_SIGNATURE), &sig));
    assert_true(hmac_ecdsa_is(key, STR("1700000000{\"event\":\"delivered\"}"), sig));
    assert_false(hmac_ecdsa_is(key, STR("1700000001{\"event\":\"delivered\"}"), sig));
}

#define KNOWN "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="

static void test_webhooks(void **state)
{
    struct arena *a = *state;
    /* the example of the Standard Webhooks specification's own libraries */
    struct str secret = STR("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    struct hmac_webhook w = {STR("msg_p5jXN8AQM9LWM0D4loKWxJek"), 1614265330,
                             STR("{\"test\": 2432232314}")};
    struct str header, both[] = {secret, STR("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSX")};
    assert_int_equal(hmac_webhook_sign(a, &w, &secret, 1, &header), E_OK);
    sample_is(header, KNOWN, "known signature");
    assert_int_equal(hmac_webhook_sign(a, &w, both, 2, &header), E_OK);
    assert_true(str_starts(header, STR(KNOWN " v1,")));
    assert_false(str_eq(str_sub(header, sizeof(KNOWN), header.n), STR(KNOWN)));
    w.body = STR("{\"test\": 2432232315}");
    assert_int_equal(hmac_webhook_sign(a, &w, &secret, 1, &header), E_OK);
    assert_false(str_eq(header, STR(KNOWN)));
    secret = STR("whsec_c2hvcnQ=");
    assert_int_equal(hmac_webhook_sign(a, &w, &secret, 1, &header), E_INVALID);
    secret = STR("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    assert_int_equal(hmac_webhook_sign(a, &w, &secret, 1, &header), E_INVALID);
    assert_int_equal(hmac_webhook_sign(a, &w, NULL, 0, &header), E_INVALID);
}

int main(void)
{
    static const struct CMUnitTest TESTS[] = {
        SAMPLE_TEST(test_hashes),    SAMPLE_TEST(test_public_keys),
        SAMPLE_TEST(test_published), SAMPLE_TEST(test_published_hmac),
        SAMPLE_TEST(test_ecdsa),     SAMPLE_TEST(test_webhooks),
    };
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
