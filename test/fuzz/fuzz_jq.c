/* A program and its input: whatever they are, compiling and running end, and a result is a sound
 * tree. */
#include "codec/jq.h"
#include "codec_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new(256 << 20);
    struct str rest = codec_input(data, size), source = codec_cut(&rest);
    const struct json *in = &json_null_value, *outputs, *again;
    struct jq_program *p = NULL;
    struct jq_fault fault = {0};
    json_parse(a, rest, &in, NULL);
    struct str before = json_write(a, in);
    if (jq_new(source, NULL, &p, &fault) == E_OK) {
        enum err e = jq_run(p, a, (struct jq_input){.value = in}, &outputs, &fault);
        codec_require(e == E_OK || fault.text[0]);
        codec_require(str_eq(before, json_write(a, in)));
        if (e == E_OK && json_count(outputs) && json_write(a, outputs).n < (1 << 20)) {
            e = json_parse(a, json_write(a, outputs), &again, NULL);
            codec_require(e == E_TOO_LARGE || (e == E_OK && json_equal(outputs, again)));
        }
    } else {
        codec_require(fault.text[0] != 0);
    }
    jq_free(&p);
    arena_free(&a);
    return 0;
}
