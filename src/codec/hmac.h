/* Hashes and signatures over bytes: SHA-256, SHA-1 (only where an outside service still uses it),
 * HMAC, Ed25519 and ECDSA checks of signed webhooks, and Standard Webhooks (standardwebhooks.com)
 * for our own. Signatures are compared in constant time. Pure. */
#ifndef CODEC_HMAC_H
#define CODEC_HMAC_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

enum {
    HMAC_SHA256_BYTES = 32,
    HMAC_SHA1_BYTES = 20,
    HMAC_SECRET_MIN_BYTES = 24,
    HMAC_SECRET_MAX_BYTES = 64
};

void hmac_sha256_of(struct str bytes, unsigned char out_digest[HMAC_SHA256_BYTES]);
/* 64 lower-case hex digits. */
struct str hmac_sha256_hex(struct arena *a, struct str bytes);

/* Over pieces that come one after the other: files, streams. */
struct hmac_digest;
struct hmac_digest *hmac_digest_new(void);
void hmac_digest_add(struct hmac_digest *d, struct str bytes);
/* Gives the digest and frees. */
void hmac_digest_end(struct hmac_digest **d, unsigned char out_digest[HMAC_SHA256_BYTES]);

void hmac_sha256(struct str key, struct str bytes, unsigned char out_mac[HMAC_SHA256_BYTES]);
void hmac_sha1(struct str key, struct str bytes, unsigned char out_mac[HMAC_SHA1_BYTES]);
/* HMAC-SHA256 as hex or base64 text. */
struct str hmac_hex(struct arena *a, struct str key, struct str bytes);
struct str hmac_base64(struct arena *a, struct str key, struct str bytes);

/* Raw 32-byte public key, 64-byte signature. */
bool hmac_ed25519_is(struct str public_key, struct str bytes, struct str signature);
/* Public key as DER SubjectPublicKeyInfo (P-256), signature as DER. */
bool hmac_ecdsa_is(struct str public_key_der, struct str bytes, struct str signature_der);

/* Standard Webhooks, as a sender. `secret` is "whsec_" + base64 of 24 to 64 bytes. */
struct hmac_webhook {
    struct str id;       /* webhook-id */
    int64_t timestamp_s; /* webhook-timestamp */
    struct str body;     /* the exact bytes */
};
/* "v1,..." for each secret, separated by spaces: old and new while rotating. E_INVALID: bad secret.
 */
enum err hmac_webhook_sign(struct arena *a, const struct hmac_webhook *w, const struct str *secrets,
                           size_t n_secrets, struct str *out_header);

#endif
