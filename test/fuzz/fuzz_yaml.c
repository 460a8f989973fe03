/* Any bytes: a fault has a place; what is read is written so that it reads the same. */
#include "codec/yaml.h"
#include "codec_fuzz.h"

/* libfyaml 0.7.12 loses 1 KiB when a quoted text is never closed; that is not what is looked for
 * here. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libfyaml";
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new(256 << 20);
    const struct json *v, *again;
    struct json_fault fault = {0};
    if (yaml_parse(a, codec_input(data, size), &v, &fault) == E_OK) {
        struct str text = yaml_write(a, v);
        if (text.n <= YAML_INPUT_MAX_BYTES) {
            codec_require(yaml_parse(a, text, &again, &fault) == E_OK && json_equal(v, again));
        }
    } else {
        codec_require(fault.line > 0 && fault.text[0]);
    }
    arena_free(&a);
    return 0;
}
