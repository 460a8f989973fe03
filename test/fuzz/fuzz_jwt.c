/* Tokens and keys of strangers: no token is accepted that was not signed, and keys are read or
 * refused. */
#include "codec/jwt.h"
#include "codec_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct jwt_key *known;
    if (!known) {
        known = jwt_key_new(JWT_EDDSA);
    }
    struct arena *a = arena_new(64 << 20);
    struct str in = codec_input(data, size);
    struct jwt_keys keys = {{known}, 1}, read = {0};
    struct jwt_check check = {.keys = &keys, .now_ms = 1};
    const struct json *claims = NULL, *jwks;
    const char *reason = NULL;
    codec_require(jwt_verify(a, in, &check, &claims, &reason) == E_UNAUTHENTICATED);
    codec_require(reason && !claims);
    if (json_parse(a, in, &jwks, NULL) == E_OK && jwt_keys_from_jwks(jwks, &read) == E_OK) {
        jwt_keys_free(&read);
    }
    struct jwt_key *k = NULL;
    if (jwt_key_from_pem(in, &k) == E_OK) {
        jwt_key_free(&k);
    }
    arena_free(&a);
    return 0;
}
