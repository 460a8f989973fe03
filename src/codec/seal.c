#include "codec/seal.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/base64.h"

enum {
    NONCE_BYTES = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
    TAG_BYTES = crypto_aead_xchacha20poly1305_ietf_ABYTES,
    KEY_ID_CHARS = 16
};

_Static_assert(SEAL_KEY_BYTES == crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "key size");
_Static_assert(SEAL_HASH_MAX_BYTES >= crypto_pwhash_STRBYTES, "room for a hash");

/* libsodium chooses its implementations once; further calls cost nothing. */
static void ready(void)
{
    if (sodium_init() < 0) {
        fprintf(stderr, "rapport: libsodium cannot start\n");
        abort();
    }
}

/* The id is a keyed hash of a fixed text: it tells keys apart and nothing about them. */
static void name_key(struct seal_key *k)
{
    static const unsigned char ABOUT[] = "rapport seal key id";
    unsigned char digest[crypto_generichash_BYTES_MIN];
    crypto_generichash(digest, sizeof(digest), ABOUT, sizeof(ABOUT) - 1, k->bytes,
                       sizeof(k->bytes));
    sodium_bin2hex(k->id, sizeof(k->id), digest, KEY_ID_CHARS / 2);
}

void seal_key_new(struct seal_key *out_key)
{
    ready();
    randombytes_buf(out_key->bytes, sizeof(out_key->bytes));
    name_key(out_key);
}

struct str seal_key_to_text(struct arena *a, const struct seal_key *k)
{
    return base64_to_hex(a, str_make((const char *)k->bytes, sizeof(k->bytes)));
}

enum err seal_key_from_text(struct str text, struct seal_key *out_key)
{
    ready();
    struct seal_key k = {0};
    size_t n = 0;
    const char *end = NULL;
    if (text.n != 2 * SEAL_KEY_BYTES ||
        sodium_hex2bin(k.bytes, sizeof(k.bytes), text.p, text.n, NULL, &n, &end) != 0 ||
        n != SEAL_KEY_BYTES || end != text.p + text.n) {
        return E_INVALID;
    }
    name_key(&k);
    *out_key = k;
    seal_key_wipe(&k);
    return E_OK;
}

void seal_key_wipe(struct seal_key *k)
{
    sodium_memzero(k, sizeof(*k));
}

/* Secrets */

struct str seal_make(struct arena *a, const struct seal_keys *keys, struct str secret,
                     struct str about)
{
    ready();
    const struct seal_key *k = &keys->keys[0];
    size_t n = NONCE_BYTES + secret.n + TAG_BYTES;
    unsigned char *box = arena_alloc(a, n);
    randombytes_buf(box, NONCE_BYTES);
    crypto_aead_xchacha20poly1305_ietf_encrypt(
        box + NONCE_BYTES, NULL, (const unsigned char *)secret.p, secret.n,
        (const unsigned char *)about.p, about.n, NULL, box, k->bytes);
    struct str text = base64_encode_url(a, str_make((const char *)box, n));
    return str_fmt(a, "s1.%s.%.*s", k->id, STR_ARG(text));
}

static const struct seal_key *find_key(const struct seal_keys *keys, struct str id)
{
    for (size_t i = 0; i < keys->count && i < SEAL_KEYS_MAX; i++) {
        if (str_eqz(id, keys->keys[i].id)) {
            return &keys->keys[i];
        }
    }
    return NULL;
}

enum err seal_open(struct arena *a, const struct seal_keys *keys, struct str sealed,
                   struct str about, struct str *out_secret)
{
    ready();
    struct str rest = sealed, version, id, box;
    if (!str_split(&rest, '.', &version) || !str_eqz(version, "s1") ||
        !str_split(&rest, '.', &id) || id.n != KEY_ID_CHARS || !rest.p ||
        !base64_decode_url(a, rest, &box) || box.n < NONCE_BYTES + TAG_BYTES) {
        return E_INVALID;
    }
    const struct seal_key *k = find_key(keys, id);
    if (!k) {
        return E_NOT_FOUND;
    }
    const unsigned char *p = (const unsigned char *)box.p;
    size_t n = box.n - NONCE_BYTES - TAG_BYTES;
    unsigned char *secret = arena_alloc(a, n + 1);
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(
            secret, NULL, NULL, p + NONCE_BYTES, box.n - NONCE_BYTES,
            (const unsigned char *)about.p, about.n, p, k->bytes) != 0) {
        return E_INVALID;
    }
    *out_secret = str_make((const char *)secret, n);
    return E_OK;
}

/* Passwords */

struct cost {
    unsigned long long ops;
    size_t memory_bytes;
};

/* RFC 9106 recommends 64 MiB and three passes where memory is short. */
static struct cost cost_of(enum seal_cost cost)
{
    return cost == SEAL_COST_TEST ? (struct cost){1, 8192 * 8} : (struct cost){3, 64 << 20};
}

enum err seal_password_hash(struct str password, enum seal_cost cost,
                            char out_hash[SEAL_HASH_MAX_BYTES])
{
    ready();
    if (password.n == 0 || password.n > SEAL_PASSWORD_MAX_BYTES) {
        return E_INVALID;
    }
    struct cost c = cost_of(cost);
    char hash[crypto_pwhash_STRBYTES];
    if (crypto_pwhash_str_alg(hash, password.p, password.n, c.ops, c.memory_bytes,
                              crypto_pwhash_ALG_ARGON2ID13) != 0) {
        fprintf(stderr, "rapport: out of memory: hashing a password\n");
        abort();
    }
    memset(out_hash, 0, SEAL_HASH_MAX_BYTES);
    memcpy(out_hash, hash, sizeof(hash));
    return E_OK;
}

bool seal_password_is(struct str password, const char *hash)
{
    ready();
    return password.n > 0 && password.n <= SEAL_PASSWORD_MAX_BYTES &&
           strlen(hash) < crypto_pwhash_STRBYTES &&
           crypto_pwhash_str_verify(hash, password.p, password.n) == 0;
}

bool seal_password_is_stale(const char *hash, enum seal_cost cost)
{
    ready();
    struct cost c = cost_of(cost);
    return strlen(hash) >= crypto_pwhash_STRBYTES ||
           crypto_pwhash_str_needs_rehash(hash, c.ops, c.memory_bytes) != 0;
}
