/* What a model may write: the result, if any, is sound JSON; sound JSON is left as it is. */
#include "codec/repair.h"
#include "codec_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new(256 << 20);
    struct str in = codec_input(data, size);
    struct repair r = {0};
    struct json_fault fault = {0};
    const struct json *v, *again;
    bool sound = json_parse(a, in, &v, NULL) == E_OK && json_count(v) > 0;
    if (repair_parse(a, in, &r, &fault) == E_OK) {
        codec_require(r.value->kind == JSON_OBJECT || r.value->kind == JSON_ARRAY);
        codec_require(json_parse(a, json_write(a, r.value), &again, NULL) == E_OK);
        codec_require(json_equal(r.value, again));
        codec_require(!sound || (!r.repaired && json_equal(v, r.value)));
    } else {
        codec_require(!sound && fault.text[0]);
    }
    arena_free(&a);
    return 0;
}
