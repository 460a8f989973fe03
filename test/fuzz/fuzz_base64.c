/* What decodes encodes back to the same text; every byte string survives the way there and back. */
#include "codec/base64.h"
#include "codec_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new(64 << 20);
    struct str in = codec_input(data, size), bytes;
    if (base64_decode(a, in, &bytes)) {
        codec_require(str_eq(base64_encode(a, bytes), in));
    }
    if (base64_decode_url(a, in, &bytes)) {
        codec_require(str_starts(in, base64_encode_url(a, bytes)));
    }
    if (base64_from_hex(a, in, &bytes)) {
        codec_require(str_eq_nocase(base64_to_hex(a, bytes), in));
    }
    codec_require(base64_decode(a, base64_encode(a, in), &bytes) && str_eq(bytes, in));
    codec_require(base64_decode_url(a, base64_encode_url(a, in), &bytes) && str_eq(bytes, in));
    codec_require(base64_from_hex(a, base64_to_hex(a, in), &bytes) && str_eq(bytes, in));
    arena_free(&a);
    return 0;
}
