/* JSON Web Tokens (RFC 7519) signed with EdDSA over Ed25519 (RFC 8037) or RS256, and key sets (RFC
 * 7517). The algorithm is the key's, never the token's: `none`, HMAC and a mismatch are refused.
 * Keys are immutable after they are made and may be used by many threads. Pure but for key
 * generation, which takes randomness from the system. */
#ifndef CODEC_JWT_H
#define CODEC_JWT_H

#include "codec/json.h"

enum jwt_alg { JWT_EDDSA, JWT_RS256 };
enum { JWT_TOKEN_MAX_BYTES = 8192, JWT_KEYS_MAX = 16, JWT_KID_MAX_BYTES = 64 };

struct jwt_key;

struct jwt_key *jwt_key_new(enum jwt_alg alg);
/* A private (PKCS 8) or public (SubjectPublicKeyInfo) key in PEM; RSA of 2048 to 8192 bits.
 * E_INVALID. */
enum err jwt_key_from_pem(struct str pem, struct jwt_key **out_key);
/* A public key. E_INVALID. */
enum err jwt_key_from_jwk(const struct json *jwk, struct jwt_key **out_key);
void jwt_key_free(struct jwt_key **k);

/* RFC 7638 thumbprint (unless the JWK said otherwise): the `kid` of what it signs. */
struct str jwt_key_id(const struct jwt_key *k);
/* PKCS 8 PEM; E_INVALID when there is no private part. */
enum err jwt_key_to_pem(struct arena *a, const struct jwt_key *k, struct str *out_pem);
/* The public part as a JWK. */
const struct json *jwt_key_to_jwk(struct arena *a, const struct jwt_key *k);

/* {"keys":[...]}. Keys of other kinds and uses are skipped. The set owns its keys. */
struct jwt_keys {
    struct jwt_key *keys[JWT_KEYS_MAX];
    size_t count;
};
enum err jwt_keys_from_jwks(const struct json *jwks, struct jwt_keys *out_keys);
const struct json *jwt_keys_to_jwks(struct arena *a, const struct jwt_keys *keys);
void jwt_keys_free(struct jwt_keys *keys);

/* header {alg, typ:"JWT", kid}. E_INVALID when the key has no private part. */
enum err jwt_sign(struct arena *a, const struct jwt_key *k, const struct json *claims,
                  struct str *out_token);

struct jwt_check {
    const struct jwt_keys *keys;
    struct str issuer;   /* empty: any */
    struct str audience; /* empty: any; else `aud` must be or contain it */
    int64_t now_ms;
    int64_t leeway_ms;
};

/* Checks form, kid, algorithm, signature, exp (required), nbf, iss and aud. E_UNAUTHENTICATED, with
 * the reason in out_reason (a fixed text, fit for a log); the claims are then not given out. */
enum err jwt_verify(struct arena *a, struct str token, const struct jwt_check *check,
                    const struct json **out_claims, const char **out_reason);

#endif
