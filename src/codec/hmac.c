#include "codec/hmac.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "codec/base64.h"

enum { WEBHOOK_SIGNATURES_MAX = 16 };

static const struct str SECRET_PREFIX = {"whsec_", 6};

static const unsigned char *bytes_of(struct str s)
{
    return (const unsigned char *)(s.n ? s.p : "");
}

/* Only a lack of memory makes these calls fail. */
static void must(int ok)
{
    if (ok != 1) {
        fprintf(stderr, "rapport: OpenSSL failed to hash\n");
        abort();
    }
}

void hmac_sha256_of(struct str bytes, unsigned char out_digest[HMAC_SHA256_BYTES])
{
    must(EVP_Digest(bytes_of(bytes), bytes.n, out_digest, NULL, EVP_sha256(), NULL));
}

struct str hmac_sha256_hex(struct arena *a, struct str bytes)
{
    unsigned char digest[HMAC_SHA256_BYTES];
    hmac_sha256_of(bytes, digest);
    return base64_to_hex(a, str_make((const char *)digest, sizeof(digest)));
}

struct hmac_digest {
    EVP_MD_CTX *context;
};

struct hmac_digest *hmac_digest_new(void)
{
    struct hmac_digest *d = mem_new(sizeof(*d));
    d->context = EVP_MD_CTX_new();
    must(d->context != NULL);
    must(EVP_DigestInit_ex(d->context, EVP_sha256(), NULL));
    return d;
}

void hmac_digest_add(struct hmac_digest *d, struct str bytes)
{
    must(EVP_DigestUpdate(d->context, bytes_of(bytes), bytes.n));
}

void hmac_digest_end(struct hmac_digest **d, unsigned char out_digest[HMAC_SHA256_BYTES])
{
    must(EVP_DigestFinal_ex((*d)->context, out_digest, NULL));
    EVP_MD_CTX_free((*d)->context);
    free(*d);
    *d = NULL;
}

static void mac(const EVP_MD *hash, struct str key, struct str bytes, unsigned char *out_mac)
{
    must(HMAC(hash, bytes_of(key), (int)key.n, bytes_of(bytes), bytes.n, out_mac, NULL) != NULL);
}

void hmac_sha256(struct str key, struct str bytes, unsigned char out_mac[HMAC_SHA256_BYTES])
{
    mac(EVP_sha256(), key, bytes, out_mac);
}

void hmac_sha1(struct str key, struct str bytes, unsigned char out_mac[HMAC_SHA1_BYTES])
{
    mac(EVP_sha1(), key, bytes, out_mac);
}

struct str hmac_hex(struct arena *a, struct str key, struct str bytes)
{
    unsigned char digest[HMAC_SHA256_BYTES];
    hmac_sha256(key, bytes, digest);
    return base64_to_hex(a, str_make((const char *)digest, sizeof(digest)));
}

struct str hmac_base64(struct arena *a, struct str key, struct str bytes)
{
    unsigned char digest[HMAC_SHA256_BYTES];
    hmac_sha256(key, bytes, digest);
    return base64_encode(a, str_make((const char *)digest, sizeof(digest)));
}

/* Public-key signatures */

static bool verify(EVP_PKEY *key, const EVP_MD *hash, struct str bytes, struct str signature)
{
    EVP_MD_CTX *context = key ? EVP_MD_CTX_new() : NULL;
    bool good =
        context && EVP_DigestVerifyInit(context, NULL, hash, NULL, key) == 1 &&
        EVP_DigestVerify(context, bytes_of(signature), signature.n, bytes_of(bytes), bytes.n) == 1;
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(key);
    return good;
}

bool hmac_ed25519_is(struct str public_key, struct str bytes, struct str signature)
{
    if (public_key.n != 32 || signature.n != 64) {
        return false;
    }
    EVP_PKEY *key =
        EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, bytes_of(public_key), public_key.n);
    return verify(key, NULL, bytes, signature);
}

bool hmac_ecdsa_is(struct str public_key_der, struct str bytes, struct str signature_der)
{
    const unsigned char *p = bytes_of(public_key_der);
    if (public_key_der.n > 1024 || signature_der.n > 256) {
        return false;
    }
    EVP_PKEY *key = d2i_PUBKEY(NULL, &p, (long)public_key_der.n);
    if (key && EVP_PKEY_get_base_id(key) != EVP_PKEY_EC) {
        EVP_PKEY_free(key);
        return false;
    }
    return verify(key, EVP_sha256(), bytes, signature_der);
}

/* Standard Webhooks */

static bool secret_bytes(struct arena *a, struct str secret, struct str *out_key)
{
    return str_starts(secret, SECRET_PREFIX) &&
           base64_decode(a, str_sub(secret, SECRET_PREFIX.n, secret.n), out_key) &&
           out_key->n >= HMAC_SECRET_MIN_BYTES && out_key->n <= HMAC_SECRET_MAX_BYTES;
}

/* Base64 of the signature over id.timestamp.body. */
static struct str webhook_signature(struct arena *a, const struct hmac_webhook *w, struct str key)
{
    struct buf b = buf_make(w->id.n + w->body.n + 64);
    buf_addf(&b, "%.*s.%lld.", STR_ARG(w->id), (long long)w->timestamp_s);
    buf_add_str(&b, w->body);
    struct str signature = hmac_base64(a, key, buf_str(&b));
    buf_free(&b);
    return signature;
}

enum err hmac_webhook_sign(struct arena *a, const struct hmac_webhook *w, const struct str *secrets,
                           size_t n_secrets, struct str *out_header)
{
    struct buf b = buf_make(WEBHOOK_SIGNATURES_MAX * 64);
    for (size_t i = 0; i < n_secrets; i++) {
        struct str key;
        if (!secret_bytes(a, secrets[i], &key)) {
            buf_free(&b);
            return E_INVALID;
        }
        struct str signature = webhook_signature(a, w, key);
        buf_addf(&b, "%sv1,%.*s", i ? " " : "", STR_ARG(signature));
    }
    bool good = b.n > 0 && !b.overflow;
    struct str header = str_dup(a, buf_str(&b));
    buf_free(&b);
    if (!good) {
        return E_INVALID;
    }
    *out_header = header;
    return E_OK;
}
