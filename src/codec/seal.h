/* Secrets at rest (XChaCha20-Poly1305) and passwords (argon2id). Pure but for randomness from the
 * system. */
#ifndef CODEC_SEAL_H
#define CODEC_SEAL_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

enum {
    SEAL_KEY_BYTES = 32,
    SEAL_KEYS_MAX = 8,
    SEAL_PASSWORD_MAX_BYTES = 256,
    SEAL_HASH_MAX_BYTES = 128
};

struct seal_key {
    char id[17]; /* 16 hex digits, from the key itself */
    unsigned char bytes[SEAL_KEY_BYTES];
};

/* The first key seals; all open: a rotated key stays until nothing sealed with it is left. */
struct seal_keys {
    struct seal_key keys[SEAL_KEYS_MAX];
    size_t count;
};

void seal_key_new(struct seal_key *out_key);
/* 64 hex digits, as kept in the key file. */
struct str seal_key_to_text(struct arena *a, const struct seal_key *k);
enum err seal_key_from_text(struct str text, struct seal_key *out_key);
void seal_key_wipe(struct seal_key *k);

/* "s1.<key id>.<base64url of nonce and box>". `about` is bound in, not hidden: the row's identity,
 * so that a sealed text cannot be moved to another row. */
struct str seal_make(struct arena *a, const struct seal_keys *keys, struct str secret,
                     struct str about);
/* E_INVALID: no sealed text, tampered, or another `about`; E_NOT_FOUND: sealed with a key we do not
 * have. */
enum err seal_open(struct arena *a, const struct seal_keys *keys, struct str sealed,
                   struct str about, struct str *out_secret);

/* argon2id in PHC text form. Takes about 50 ms and 64 MiB by intent: call from a task. E_INVALID:
 * empty or too long. */
enum seal_cost { SEAL_COST_NORMAL, SEAL_COST_TEST /* fast, for tests */ };
enum err seal_password_hash(struct str password, enum seal_cost cost,
                            char out_hash[SEAL_HASH_MAX_BYTES]);
bool seal_password_is(struct str password, const char *hash);
/* Whether the hash was made with other costs than now wanted. */
bool seal_password_is_stale(const char *hash, enum seal_cost cost);

#endif
