/* A schema and a value: checking ends, and an error has a text. */
#include "codec/schema.h"
#include "codec_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new(512 << 20);
    struct str rest = codec_input(data, size), source = codec_cut(&rest);
    const struct json *document, *value;
    const struct schema *s;
    struct schema_fault fault = {0};
    if (json_parse(a, source, &document, NULL) == E_OK &&
        json_parse(a, rest, &value, NULL) == E_OK) {
        if (schema_new(a, document, &s, &fault) == E_OK) {
            const struct schema_error *errors;
            size_t n = schema_check(s, a, value, &errors);
            codec_require(n <= SCHEMA_ERRORS_MAX);
            for (size_t i = 0; i < n; i++) {
                codec_require(errors[i].text.n > 0);
            }
        } else {
            codec_require(fault.text[0] != 0);
        }
    }
    arena_free(&a);
    return 0;
}
