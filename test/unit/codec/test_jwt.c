#include "unit/codec/sample.h"

#include "codec/jwt.h"

enum { NOW_S = 1772360430 };

/* Two keys and their tokens, made by another implementation. */
static const char JWKS[] =
    "{\"keys\":[{\"kty\":\"RSA\",\"n\":\"1pVg6t3fzCmkpKJ-xOtTm591UEm-"
    "hvyCqWvQoB9AJ06hM8YSOXbVgbbduK1OQozGV96dNuIMe-rs3U1SmwuW7GQkTQlzx5m3Zj4xKeDHTJYD_"
    "HS66uc62o068MMZu5dPBt1Dvy4ZZqiQICsxuspDXkfivid-E7JX9uL-TcXbJc7sQsKiH7Zp8qvrGc_"
    "BSd5oXcdwLDA4pcOS6WyRsohSAhmxdi2sr9_bKqAuspMdU4rE8D2jgDi36_"
    "4qJr29hNVlW457BZ18vBIbCen3C13bQ4U5MaiI-"
    "VR5fhJaDvXDLFz3t5wSueTCwswFOd4GSGgiypqTV4hJw1fdLvOXS8JhOw\",\"e\":\"AQAB\"},"
    "{\"crv\":\"Ed25519\",\"x\":\"6iXaC3IXK6HgfW0MNh546a27aR2VizALPR-mUvtaMDw\",\"kty\":\"OKP\"}]}";
static const char RSA_KID[] = "lR3_pJjU-TS1bZAWT72CjX9zEMd5faHTH7RuF3THYIE";
static const char RSA_TOKEN[] =
    "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6ImxSM19wSmpVLVRTMWJaQVdUNzJDalg5ekVNZDVmYUhUSDdSdU"
    "YzVEhZSUUifQ."
    "eyJzdWIiOiJtMSIsImlzcyI6InJhcHBvcnQiLCJhdWQiOlsiYXBpIiwieCJdLCJleHAiOjIwMDAwMDAwMDAsIm5iZiI6MT"
    "AwMDAwMDAwMH0.UJ7i6sV064AenoKT3fJ21bqtwOzj64wNkB0RXubexAMpfiRirUBSY61P4AyMLC7_"
    "fdSVOkNAHVQmK9yJE_lb0onCyI7yLswVyLXl0sDaXc4G54pwJNtHPLeNGeQmxHB1FQCYjFoW8Nu_"
    "ZNd5cEEybklvG06pAJCqWtAhvWkF7yWHWwtce6qvqjgm3dwJ4YRZ_v5ZQm-"
    "6ohC1BnzRMmHN1GahSPT7ZvtfaoM8lMu3tJqJOCcD0pso1u9EcbCil-VE3dMylQ_3BP23WU2WWuSTJOv4S1Pa_"
    "esMm2HKJ-ePWLC0dGWZee66UtJrhWco3IALx7VD-EbOowQWvePhUTTZxA";
static const char ED_KID[] = "gfMahdXevGkLT0gQek92DOTmuPQ8j5AYEC-_vPLxWsQ";
static const char ED_TOKEN[] =
    "eyJhbGciOiJFZERTQSIsInR5cCI6IkpXVCIsImtpZCI6ImdmTWFoZFhldkdrTFQwZ1FlazkyRE9UbXVQUThqNUFZRUMtX3"
    "ZQTHhXc1EifQ."
    "eyJzdWIiOiJtMSIsImlzcyI6InJhcHBvcnQiLCJhdWQiOlsiYXBpIiwieCJdLCJleHAiOjIwMDAwMDAwMDAsIm5iZiI6MT"
    "AwMDAwMDAwMH0.-FDf4AXN2gK9NWrZgp4miIitCKhgX5YHa7DNlGJ4mAFJTCi-"
    "nK7Ehvwn3ne5S0MEvpV7epCDeHzmegMjvE3cDA";

static void test_foreign_tokens(void **state)
{
    struct arena *a = *state;
    struct jwt_keys keys;
    assert_int_equal(jwt_keys_from_jwks(sample_json(a, str_of(JWKS)), &keys), E_OK);
    assert_int_equal(keys.count, 2);
    sample_is(jwt_key_id(keys.keys[0]), RSA_KID, "thumbprint of RSA");
    sample_is(jwt_key_id(keys.keys[1]), ED_KID, "thumbprint of Ed25519");
    struct jwt_check check = {&keys, STR("rapport"), STR("x"), (int64_t)NOW_S * 1000, 0};
    const char *const TOKENS[] = {RSA_TOKEN, ED_TOKEN};
    for (int i = 0; i < 2; i++) {
        const struct json *claims;
        const char *reason = "";
        if (jwt_verify(a, str_of(TOKENS[i]), &check, &claims, &reason) != E_OK) {
            fail_msg("%s", reason);
        }
        sample_is(json_str(claims, "sub", STR("")), "m1", "claims");
    }
    jwt_keys_free(&keys);
}

/* The keys of RFC 7520: RSA for signing is read, with its own kid and no private part given out;
 * curves and kinds that sign nothing here are refused, as is a key with its secrets missing. */
static void test_published_keys(void **state)
{
    static const struct {
        const char *file;
        bool read;
    } ROWS[] = {
        {"jwk_3_1.ec_public_key", false},
        {"jwk_3_2.ec_private_key", false},
        {"jwk_3_3.rsa_public_key", true},
        {"jwk_3_4.rsa_private_key", true},
        {"jwk_3_5.symmetric_key_mac_computation", false},
    };
    struct arena *a = *state;
    for (size_t i = 0; i < SAMPLE_COUNT(ROWS); i++) {
        struct str name = str_fmt(a, "conformance/jose_rfc7520/%s.json", ROWS[i].file);
        const struct json *jwk = sample_json(a, sample_data(a, name.p)), *back;
        struct jwt_key *key = NULL;
        if ((jwt_key_from_jwk(jwk, &key) == E_OK) != ROWS[i].read) {
            fail_msg("%s", ROWS[i].file);
        }
        if (key) {
            back = jwt_key_to_jwk(a, key);
            assert_true(json_equal(json_get(back, "n"), json_get(jwk, "n")));
            assert_null(json_get(back, "d"));
            sample_is(jwt_key_id(key), "bilbo.baggins@hobbiton.example", ROWS[i].file);
            jwt_key_free(&key);
        }
    }
}

static struct str token_of(struct arena *a, const char *header, const char *claims,
                           const char *signature)
{
    struct str h = base64_encode_url(a, str_of(header)), c = base64_encode_url(a, str_of(claims));
    return str_fmt(a, "%.*s.%.*s.%s", STR_ARG(h), STR_ARG(c), signature);
}

static void refuse(struct arena *a, const struct jwt_check *check, struct str token,
                   const char *part)
{
    const struct json *claims = &json_true_value;
    const char *reason = "";
    enum err e = jwt_verify(a, token, check, &claims, &reason);
    if (e != E_UNAUTHENTICATED || !strstr(reason, part) || claims != &json_true_value) {
        fail_msg("%.*s: %d %s, not %s", STR_ARG(token), e, reason, part);
    }
}

static void test_claims(void **state)
{
    static const struct {
        const char *claims, *reason;
    } ROWS[] = {
        {"{\"exp\":1772360431,\"iss\":\"r\",\"aud\":\"api\"}", NULL},
        {"{\"exp\":1772360430.5,\"iss\":\"r\",\"aud\":[\"x\",\"api\"],\"nbf\":1772360430}", NULL},
        {"{\"exp\":1772360430,\"iss\":\"r\",\"aud\":\"api\"}", "expired"},
        {"{\"exp\":-1,\"iss\":\"r\",\"aud\":\"api\"}", "no expiry"},
        {"{\"exp\":\"9999999999\",\"iss\":\"r\",\"aud\":\"api\"}", "no expiry"},
        {"{\"exp\":1e300,\"iss\":\"r\",\"aud\":\"api\"}", "no expiry"},
        {"{\"iss\":\"r\",\"aud\":\"api\"}", "no expiry"},
        {"{\"exp\":1772360431,\"nbf\":1772360431,\"iss\":\"r\",\"aud\":\"api\"}", "not valid yet"},
        {"{\"exp\":1772360431,\"nbf\":\"x\",\"iss\":\"r\",\"aud\":\"api\"}", "not valid yet"},
        {"{\"exp\":1772360431,\"iss\":\"s\",\"aud\":\"api\"}", "another issuer"},
        {"{\"exp\":1772360431,\"aud\":\"api\"}", "another issuer"},
        {"{\"exp\":1772360431,\"iss\":\"r\",\"aud\":\"other\"}", "another audience"},
        {"{\"exp\":1772360431,\"iss\":\"r\"}", "another audience"},
        {"{\"exp\":1772360431,\"iss\":\"r\",\"aud\":{\"a\":\"api\"}}", "another audience"},
    };
    struct arena *a = *state;
    struct jwt_keys keys = {{jwt_key_new(JWT_EDDSA)}, 1};
    struct jwt_check check = {&keys, STR("r"), STR("api"), (int64_t)NOW_S * 1000, 0};
    for (size_t i = 0; i < SAMPLE_COUNT(ROWS); i++) {
        struct str token;
        const struct json *claims;
        const char *reason = "";
        assert_int_equal(jwt_sign(a, keys.keys[0], sample_json(a, str_of(ROWS[i].claims)), &token),
                         E_OK);
        if (ROWS[i].reason) {
            refuse(a, &check, token, ROWS[i].reason);
        } else if (jwt_verify(a, token, &check, &claims, &reason) != E_OK) {
            fail_msg("%s: %s", ROWS[i].claims, reason);
        }
    }
    struct str token;
    const struct json *claims;
    const char *reason;
    assert_int_equal(jwt_sign(a, keys.keys[0], sample_json(a, STR("{\"exp\":1772360428}")), &token),
                     E_OK);
    struct jwt_check any = {.keys = &keys, .now_ms = (int64_t)NOW_S * 1000, .leeway_ms = 5000};
    assert_int_equal(jwt_verify(a, token, &any, &claims, &reason), E_OK);
    jwt_keys_free(&keys);
}

static void test_forged(void **state)
{
    struct arena *a = *state;
    struct jwt_key *key = jwt_key_new(JWT_EDDSA), *other = jwt_key_new(JWT_EDDSA);
    struct jwt_keys keys = {{key}, 1};
    struct jwt_check check = {.keys = &keys, .now_ms = (int64_t)NOW_S * 1000};
    const char *claims = "{\"exp\":2000000000}", *kid = jwt_key_id(key).p;
    struct str good, wrong;
    assert_int_equal(jwt_sign(a, key, sample_json(a, str_of(claims)), &good), E_OK);
    assert_int_equal(jwt_sign(a, other, sample_json(a, str_of(claims)), &wrong), E_OK);
    refuse(a, &check, wrong, "key is unknown");
    struct str none = str_fmt(a, "{\"alg\":\"none\",\"kid\":\"%s\"}", kid);
    struct str hs = str_fmt(a, "{\"alg\":\"HS256\",\"kid\":\"%s\"}", kid);
    struct str crit = str_fmt(a, "{\"alg\":\"EdDSA\",\"kid\":\"%s\",\"crit\":[\"b64\"]}", kid);
    refuse(a, &check, token_of(a, none.p, claims, ""), "algorithm");
    refuse(a, &check, token_of(a, hs.p, claims, "AAAA"), "algorithm");
    refuse(a, &check, token_of(a, crit.p, claims, "AAAA"), "extension");
    refuse(a, &check, token_of(a, "{\"alg\":\"EdDSA\"}", claims, "AAAA"), "key is unknown");
    refuse(a, &check, token_of(a, "{\"alg\":\"none\"}", claims, ""), "key is unknown");
    refuse(a, &check, token_of(a, "[]", claims, ""), "cannot be read");
    refuse(a, &check, STR(""), "three parts");
    refuse(a, &check, STR("a.b"), "three parts");
    refuse(a, &check, STR("a.b.c.d"), "three parts");
    refuse(a, &check, STR("a.b.c"), "cannot be read");
    refuse(a, &check, str_fmt(a, "%.*s.", STR_ARG(good)), "three parts");
    char *big = arena_alloc(a, JWT_TOKEN_MAX_BYTES + 1);
    memset(big, 'a', JWT_TOKEN_MAX_BYTES + 1);
    refuse(a, &check, str_make(big, JWT_TOKEN_MAX_BYTES + 1), "too long");
    size_t head = (size_t)str_find_char(good, '.') + 1;
    for (size_t i = head; i < good.n; i++) { /* any changed character of claims or signature */
        char *copy = str_dupz(a, good);
        copy[i] = copy[i] == 'Q' ? 'g' : 'Q';
        if (good.p[i] != '.') {
            refuse(a, &check, str_make(copy, good.n), "");
        }
    }
    jwt_key_free(&key);
    jwt_key_free(&other);
}

static void test_keys(void **state)
{
    struct arena *a = *state;
    for (int alg = JWT_EDDSA; alg <= JWT_RS256; alg++) {
        struct jwt_key *k = jwt_key_new((enum jwt_alg)alg), *back = NULL, *open = NULL;
        struct str pem, token;
        assert_int_equal(jwt_key_to_pem(a, k, &pem), E_OK);
        assert_int_equal(jwt_key_from_pem(pem, &back), E_OK);
        assert_true(str_eq(jwt_key_id(k), jwt_key_id(back)));
        const struct json *jwk = jwt_key_to_jwk(a, k);
        assert_null(json_get(jwk, "d"));
        assert_int_equal(jwt_key_from_jwk(jwk, &open), E_OK);
        assert_true(str_eq(jwt_key_id(k), jwt_key_id(open)));
        assert_int_equal(jwt_sign(a, back, sample_json(a, STR("{\"exp\":2000000000}")), &token),
                         E_OK);
        struct jwt_keys keys = {{open}, 1};
        struct jwt_check check = {.keys = &keys, .now_ms = 0};
        const struct json *claims;
        const char *reason;
        assert_int_equal(jwt_verify(a, token, &check, &claims, &reason), E_OK);
        assert_int_equal(jwt_sign(a, open, claims, &token), E_INVALID); /* no private part */
        assert_int_equal(jwt_key_to_pem(a, open, &pem), E_INVALID);
        assert_int_equal(json_count(json_get(jwt_keys_to_jwks(a, &keys), "keys")), 1);
        jwt_key_free(&k);
        jwt_key_free(&back);
        jwt_key_free(&open);
    }
}

static void test_bad_keys(void **state)
{
    static const char *const JWK[] = {
        "{}",
        "[]",
        "{\"kty\":\"oct\",\"k\":\"AAAA\"}",
        "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AAAA\"}",
        "{\"kty\":\"OKP\",\"crv\":\"X25519\",\"x\":\"6iXaC3IXK6HgfW0MNh546a27aR2VizALPR-"
        "mUvtaMDw\"}",
        "{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}",
        "{\"kty\":\"RSA\",\"n\":\"\",\"e\":\"\"}",
        "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"6iXaC3IXK6HgfW0MNh546a27aR2VizALPR-"
        "mUvtaMDw\","
        "\"kid\":\"a longer name than any key identifier needs, so it is refused here\"}",
    };
    struct arena *a = *state;
    struct jwt_key *k = NULL;
    for (size_t i = 0; i < SAMPLE_COUNT(JWK); i++) {
        assert_int_equal(jwt_key_from_jwk(sample_json(a, str_of(JWK[i])), &k), E_INVALID);
    }
    assert_int_equal(jwt_key_from_pem(STR(""), &k), E_INVALID);
    assert_int_equal(
        jwt_key_from_pem(STR("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"), &k),
        E_INVALID);
    assert_null(k);
    struct jwt_keys keys;
    assert_int_equal(jwt_keys_from_jwks(&json_true_value, &keys), E_INVALID);
    struct str mixed =
        STR("{\"keys\":[{\"kty\":\"oct\",\"k\":\"AA\"},{\"kty\":\"OKP\",\"crv\":\"Ed25519\","
            "\"use\":\"enc\",\"x\":\"6iXaC3IXK6HgfW0MNh546a27aR2VizALPR-mUvtaMDw\"},"
            "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"alg\":\"ES256\","
            "\"x\":\"6iXaC3IXK6HgfW0MNh546a27aR2VizALPR-mUvtaMDw\"}]}");
    assert_int_equal(jwt_keys_from_jwks(sample_json(a, mixed), &keys), E_OK);
    assert_int_equal(keys.count, 0);
}

int main(void)
{
    static const struct CMUnitTest TESTS[] = {
        SAMPLE_TEST(test_foreign_tokens), SAMPLE_TEST(test_published_keys),
        SAMPLE_TEST(test_claims),         SAMPLE_TEST(test_forged),
        SAMPLE_TEST(test_keys),           SAMPLE_TEST(test_bad_keys),
    };
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
