#include "codec/jwt.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/base64.h"

enum {
    ED25519_BYTES = 32,
    RSA_MIN_BITS = 2048,
    RSA_MAX_BITS = 8192,
    PEM_MAX_BYTES = 16 << 10,
    SIGNATURE_MAX_BYTES = RSA_MAX_BITS / 8,
    KEY_ARENA_BYTES = 64 << 10
};

struct jwt_key {
    EVP_PKEY *pkey;
    enum jwt_alg alg;
    bool has_private;
    char kid[JWT_KID_MAX_BYTES + 1];
};

static const unsigned char *bytes_of(struct str s)
{
    return (const unsigned char *)(s.n ? s.p : "");
}

static struct str alg_name(enum jwt_alg alg)
{
    return alg == JWT_EDDSA ? STR("EdDSA") : STR("RS256");
}

/* JWK members */

static struct str rsa_number(struct arena *a, const struct jwt_key *k, const char *param)
{
    BIGNUM *n = NULL;
    if (EVP_PKEY_get_bn_param(k->pkey, param, &n) != 1) {
        return STR("");
    }
    unsigned char bytes[RSA_MAX_BITS / 8];
    int size = BN_num_bytes(n) <= (int)sizeof(bytes) ? BN_bn2bin(n, bytes) : 0;
    BN_free(n);
    return base64_encode_url(a, str_make((const char *)bytes, (size_t)size));
}

static struct str ed25519_point(struct arena *a, const struct jwt_key *k)
{
    unsigned char bytes[ED25519_BYTES];
    size_t n = sizeof(bytes);
    if (EVP_PKEY_get_raw_public_key(k->pkey, bytes, &n) != 1) {
        return STR("");
    }
    return base64_encode_url(a, str_make((const char *)bytes, n));
}

/* RFC 7638: SHA-256 over the required members, sorted by name, without white space. */
static void name_key(struct jwt_key *k)
{
    struct arena *a = arena_new(KEY_ARENA_BYTES);
    struct str text;
    if (k->alg == JWT_EDDSA) {
        text = str_fmt(a, "{\"crv\":\"Ed25519\",\"kty\":\"OKP\",\"x\":\"%.*s\"}",
                       STR_ARG(ed25519_point(a, k)));
    } else {
        struct str e = rsa_number(a, k, OSSL_PKEY_PARAM_RSA_E);
        struct str n = rsa_number(a, k, OSSL_PKEY_PARAM_RSA_N);
        text =
            str_fmt(a, "{\"e\":\"%.*s\",\"kty\":\"RSA\",\"n\":\"%.*s\"}", STR_ARG(e), STR_ARG(n));
    }
    unsigned char digest[32];
    if (EVP_Digest(text.p, text.n, digest, NULL, EVP_sha256(), NULL) != 1) {
        abort();
    }
    struct str kid = base64_encode_url(a, str_make((const char *)digest, sizeof(digest)));
    memcpy(k->kid, kid.p, kid.n);
    arena_free(&a);
}

/* Keys */

/* Takes over pkey; NULL when it is of no use here. */
static struct jwt_key *key_of(EVP_PKEY *pkey, bool has_private)
{
    bool ed25519 = pkey && EVP_PKEY_get_base_id(pkey) == EVP_PKEY_ED25519;
    bool rsa = pkey && EVP_PKEY_get_base_id(pkey) == EVP_PKEY_RSA &&
               EVP_PKEY_get_bits(pkey) >= RSA_MIN_BITS && EVP_PKEY_get_bits(pkey) <= RSA_MAX_BITS;
    if (!ed25519 && !rsa) {
        EVP_PKEY_free(pkey);
        return NULL;
    }
    struct jwt_key *k = mem_new(sizeof(*k));
    k->pkey = pkey;
    k->alg = ed25519 ? JWT_EDDSA : JWT_RS256;
    k->has_private = has_private;
    name_key(k);
    return k;
}

struct jwt_key *jwt_key_new(enum jwt_alg alg)
{
    EVP_PKEY *pkey = alg == JWT_EDDSA ? EVP_PKEY_Q_keygen(NULL, NULL, "ED25519")
                                      : EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)RSA_MIN_BITS);
    struct jwt_key *k = key_of(pkey, true);
    if (!k) {
        fprintf(stderr, "rapport: OpenSSL could not make a key\n");
        abort();
    }
    return k;
}

/* A PEM that asks for a password must not make OpenSSL ask on the terminal. */
static int no_password(char *out, int size, int writing, void *arg)
{
    (void)out, (void)size, (void)writing, (void)arg;
    return -1;
}

enum err jwt_key_from_pem(struct str pem, struct jwt_key **out_key)
{
    if (pem.n == 0 || pem.n > PEM_MAX_BYTES) {
        return E_INVALID;
    }
    bool private = str_find(pem, STR("PRIVATE KEY-----")) >= 0;
    BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
    EVP_PKEY *pkey = NULL;
    if (bio) {
        pkey = private ? PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL)
                       : PEM_read_bio_PUBKEY(bio, NULL, no_password, NULL);
    }
    BIO_free(bio);
    struct jwt_key *k = key_of(pkey, private);
    if (!k) {
        return E_INVALID;
    }
    *out_key = k;
    return E_OK;
}

static EVP_PKEY *rsa_of(struct str n_bytes, struct str e_bytes)
{
    if (n_bytes.n == 0 || n_bytes.n > RSA_MAX_BITS / 8 || e_bytes.n == 0 || e_bytes.n > 8) {
        return NULL;
    }
    BIGNUM *n = BN_bin2bn(bytes_of(n_bytes), (int)n_bytes.n, NULL);
    BIGNUM *e = BN_bin2bn(bytes_of(e_bytes), (int)e_bytes.n, NULL);
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    OSSL_PARAM *params = NULL;
    EVP_PKEY *pkey = NULL;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    if (n && e && build && context && OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e) &&
        (params = OSSL_PARAM_BLD_to_param(build)) && EVP_PKEY_fromdata_init(context) == 1 &&
        EVP_PKEY_fromdata(context, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1) {
        pkey = NULL;
    }
    EVP_PKEY_CTX_free(context);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(build);
    BN_free(e);
    BN_free(n);
    return pkey;
}

static EVP_PKEY *pkey_of_jwk(struct arena *a, const struct json *jwk)
{
    struct str kty = json_str(jwk, "kty", STR("")), x, n, e;
    if (str_eqz(kty, "OKP") && str_eqz(json_str(jwk, "crv", STR("")), "Ed25519") &&
        base64_decode_url(a, json_str(jwk, "x", STR("")), &x) && x.n == ED25519_BYTES) {
        return EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, bytes_of(x), x.n);
    }
    if (str_eqz(kty, "RSA") && base64_decode_url(a, json_str(jwk, "n", STR("")), &n) &&
        base64_decode_url(a, json_str(jwk, "e", STR("")), &e)) {
        return rsa_of(n, e);
    }
    return NULL;
}

enum err jwt_key_from_jwk(const struct json *jwk, struct jwt_key **out_key)
{
    struct str kid = json_str(jwk, "kid", STR(""));
    if (json_str(jwk, "n", STR("")).n > RSA_MAX_BITS / 4 || kid.n > JWT_KID_MAX_BYTES ||
        str_find_char(kid, 0) >= 0) {
        return E_INVALID;
    }
    struct arena *a = arena_new(KEY_ARENA_BYTES);
    struct jwt_key *k = key_of(pkey_of_jwk(a, jwk), false);
    arena_free(&a);
    if (!k) {
        return E_INVALID;
    }
    if (kid.n) {
        memcpy(k->kid, kid.p, kid.n);
        k->kid[kid.n] = 0;
    }
    *out_key = k;
    return E_OK;
}

void jwt_key_free(struct jwt_key **k)
{
    if (*k) {
        EVP_PKEY_free((*k)->pkey);
        free(*k);
        *k = NULL;
    }
}

struct str jwt_key_id(const struct jwt_key *k)
{
    return str_of(k->kid);
}

enum err jwt_key_to_pem(struct arena *a, const struct jwt_key *k, struct str *out_pem)
{
    if (!k->has_private) {
        return E_INVALID;
    }
    BIO *bio = BIO_new(BIO_s_mem());
    if (!bio || PEM_write_bio_PKCS8PrivateKey(bio, k->pkey, NULL, NULL, 0, NULL, NULL) != 1) {
        BIO_free(bio);
        return E_INTERNAL;
    }
    char *p = NULL;
    long n = BIO_get_mem_data(bio, &p);
    *out_pem = str_dup(a, str_make(p, (size_t)n));
    BIO_free(bio);
    return E_OK;
}

const struct json *jwt_key_to_jwk(struct arena *a, const struct jwt_key *k)
{
    struct buf b = buf_make(8192);
    struct json_out o = json_out_to(&b);
    json_open_object(&o);
    if (k->alg == JWT_EDDSA) {
        json_field_str(&o, "kty", STR("OKP"));
        json_field_str(&o, "crv", STR("Ed25519"));
        json_field_str(&o, "x", ed25519_point(a, k));
    } else {
        json_field_str(&o, "kty", STR("RSA"));
        json_field_str(&o, "n", rsa_number(a, k, OSSL_PKEY_PARAM_RSA_N));
        json_field_str(&o, "e", rsa_number(a, k, OSSL_PKEY_PARAM_RSA_E));
    }
    json_field_str(&o, "kid", jwt_key_id(k));
    json_field_str(&o, "alg", alg_name(k->alg));
    json_field_str(&o, "use", STR("sig"));
    json_close_object(&o);
    const struct json *jwk = &json_null_value;
    json_parse(a, buf_str(&b), &jwk, NULL);
    buf_free(&b);
    return jwk;
}

/* Sets */

static bool is_for_signing(const struct json *jwk)
{
    struct str use = json_str(jwk, "use", STR("sig")), alg = json_str(jwk, "alg", STR(""));
    bool okp = str_eqz(json_str(jwk, "kty", STR("")), "OKP");
    return str_eqz(use, "sig") &&
           (alg.n == 0 || str_eq(alg, alg_name(okp ? JWT_EDDSA : JWT_RS256)));
}

enum err jwt_keys_from_jwks(const struct json *jwks, struct jwt_keys *out_keys)
{
    const struct json *list = json_get(jwks, "keys");
    if (!json_is(list, JSON_ARRAY)) {
        return E_INVALID;
    }
    struct jwt_keys keys = {0};
    for (size_t i = 0; i < list->count && keys.count < JWT_KEYS_MAX; i++) {
        if (is_for_signing(&list->items[i]) &&
            jwt_key_from_jwk(&list->items[i], &keys.keys[keys.count]) == E_OK) {
            keys.count++;
        }
    }
    *out_keys = keys;
    return E_OK;
}

const struct json *jwt_keys_to_jwks(struct arena *a, const struct jwt_keys *keys)
{
    const struct json *list = &json_empty_array;
    for (size_t i = 0; i < keys->count; i++) {
        list = json_push(a, list, jwt_key_to_jwk(a, keys->keys[i]));
    }
    return json_with(a, &json_empty_object, STR("keys"), list);
}

void jwt_keys_free(struct jwt_keys *keys)
{
    for (size_t i = 0; i < keys->count; i++) {
        jwt_key_free(&keys->keys[i]);
    }
    keys->count = 0;
}

/* Tokens */

static const EVP_MD *hash_of(const struct jwt_key *k)
{
    return k->alg == JWT_EDDSA ? NULL : EVP_sha256(); /* Ed25519 hashes by itself */
}

enum err jwt_sign(struct arena *a, const struct jwt_key *k, const struct json *claims,
                  struct str *out_token)
{
    if (!k->has_private || !json_is(claims, JSON_OBJECT)) {
        return E_INVALID;
    }
    struct str header =
        str_fmt(a, "{\"alg\":\"%s\",\"typ\":\"JWT\",\"kid\":\"%s\"}", alg_name(k->alg).p, k->kid);
    struct str head = base64_encode_url(a, header);
    struct str body = base64_encode_url(a, json_write(a, claims));
    struct str text = str_fmt(a, "%.*s.%.*s", STR_ARG(head), STR_ARG(body));
    unsigned char signature[SIGNATURE_MAX_BYTES];
    size_t n = sizeof(signature);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool good = context && EVP_DigestSignInit(context, NULL, hash_of(k), NULL, k->pkey) == 1 &&
                EVP_DigestSign(context, signature, &n, bytes_of(text), text.n) == 1;
    EVP_MD_CTX_free(context);
    if (!good) {
        return E_INTERNAL;
    }
    struct str tail = base64_encode_url(a, str_make((const char *)signature, n));
    *out_token = str_fmt(a, "%.*s.%.*s", STR_ARG(text), STR_ARG(tail));
    return E_OK;
}

static bool signature_is(const struct jwt_key *k, struct str text, struct str signature)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool good =
        context && EVP_DigestVerifyInit(context, NULL, hash_of(k), NULL, k->pkey) == 1 &&
        EVP_DigestVerify(context, bytes_of(signature), signature.n, bytes_of(text), text.n) == 1;
    EVP_MD_CTX_free(context);
    return good;
}

struct token {
    struct str signed_text;
    struct str signature;
    const struct json *header;
    const struct json *claims;
};

static bool read_object(struct arena *a, struct str text, const struct json **out_value)
{
    struct str bytes;
    return base64_decode_url(a, text, &bytes) && json_parse(a, bytes, out_value, NULL) == E_OK &&
           json_is(*out_value, JSON_OBJECT);
}

static const char *split_token(struct arena *a, struct str text, struct token *t)
{
    struct str rest = text, head, body;
    if (text.n > JWT_TOKEN_MAX_BYTES) {
        return "the token is too long";
    }
    if (!str_split(&rest, '.', &head) || !str_split(&rest, '.', &body) || !rest.p ||
        str_find_char(rest, '.') >= 0) {
        return "the token is not made of three parts";
    }
    t->signed_text = str_sub(text, 0, head.n + 1 + body.n);
    if (!read_object(a, head, &t->header) || !read_object(a, body, &t->claims) ||
        !base64_decode_url(a, rest, &t->signature)) {
        return "the token cannot be read";
    }
    return NULL;
}

static const char *check_signature(const struct token *t, const struct jwt_keys *keys)
{
    struct str kid = json_str(t->header, "kid", STR("")), alg = json_str(t->header, "alg", STR(""));
    if (json_get(t->header, "crit")) {
        return "the token asks for an extension";
    }
    for (size_t i = 0; i < keys->count; i++) {
        const struct jwt_key *k = keys->keys[i];
        if (!str_eq(kid, jwt_key_id(k))) {
            continue;
        }
        if (!str_eq(alg, alg_name(k->alg))) {
            return "the token's algorithm is not the key's";
        }
        return signature_is(k, t->signed_text, t->signature) ? NULL : "the signature is wrong";
    }
    return "the token's key is unknown";
}

/* A NumericDate (seconds, perhaps with a fraction) as ms; false when it is no sensible number. */
static bool claim_ms(const struct json *claim, int64_t *out_ms)
{
    double seconds = json_number(claim, -1);
    if (seconds < 0 || seconds > 1e11) {
        return false;
    }
    *out_ms = (int64_t)(seconds * 1000);
    return true;
}

static bool audience_is(const struct json *aud, struct str wanted)
{
    if (json_is(aud, JSON_ARRAY)) {
        for (size_t i = 0; i < aud->count; i++) {
            if (audience_is(&aud->items[i], wanted)) {
                return true;
            }
        }
        return false;
    }
    return json_is(aud, JSON_STRING) && str_eq(aud->string, wanted);
}

static const char *check_claims(const struct json *claims, const struct jwt_check *check)
{
    int64_t at_ms;
    const struct json *not_before = json_get(claims, "nbf");
    if (!claim_ms(json_get(claims, "exp"), &at_ms)) {
        return "the token has no expiry";
    }
    if (check->now_ms - check->leeway_ms >= at_ms) {
        return "the token has expired";
    }
    if (not_before && (!claim_ms(not_before, &at_ms) || check->now_ms + check->leeway_ms < at_ms)) {
        return "the token is not valid yet";
    }
    if (check->issuer.n && !str_eq(json_str(claims, "iss", STR("")), check->issuer)) {
        return "the token is from another issuer";
    }
    if (check->audience.n && !audience_is(json_get(claims, "aud"), check->audience)) {
        return "the token is for another audience";
    }
    return NULL;
}

enum err jwt_verify(struct arena *a, struct str token, const struct jwt_check *check,
                    const struct json **out_claims, const char **out_reason)
{
    struct token t = {0};
    const char *reason = split_token(a, token, &t);
    reason = reason ? reason : check_signature(&t, check->keys);
    reason = reason ? reason : check_claims(t.claims, check);
    if (reason) {
        *out_reason = reason;
        return E_UNAUTHENTICATED;
    }
    *out_claims = t.claims;
    return E_OK;
}
