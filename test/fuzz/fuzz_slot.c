/* Values in what a person wrote: spans lie within the text, and what is handed on keeps the
 * schema. Input: a byte of switches, the parameter's name, 0x1e, its schema as JSON, 0x1e, the
 * text. */
#include "codec/schema.h"
#include "codec_fuzz.h"
#include "nlu/slot.h"

static void read_all(struct arena *a, const struct slot_want *want, struct str text,
                     const struct slot_scene *scene)
{
    struct slot found[SLOT_FOUND_MAX];
    size_t n = slot_find(a, want, text, scene, found);
    codec_require(n <= SLOT_FOUND_MAX);
    for (size_t i = 0; i < n; i++) {
        struct str why = {0};
        codec_require(found[i].start <= found[i].end && found[i].end <= text.n);
        codec_require(found[i].confidence >= 0 && found[i].confidence <= 1);
        codec_require(slot_value(a, want, &found[i], &why) != NULL || why.n > 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size) {
        return 0;
    }
    struct arena *a = arena_new(64 << 20);
    struct str rest = codec_input(data + 1, size - 1);
    struct str name = codec_cut(&rest), json = codec_cut(&rest);
    struct slot_scene scene = {.now_ms = 1772360000000,
                               .utc_offset_min = (data[0] & 0x70) * 7 - 330,
                               .day_first = data[0] & 1,
                               .past = data[0] & 2,
                               .answers = data[0] & 4};
    const struct json *schema = NULL;
    if (json_parse(a, json, &schema, NULL) != E_OK || !json_is(schema, JSON_OBJECT)) {
        schema = NULL;
    }
    struct slot_want want = slot_want_of(name, schema);
    read_all(a, &want, rest, &scene);
    for (int kind = SLOT_INTEGER; kind <= SLOT_TEXT; kind++) {
        want.kind = (enum slot_kind)kind;
        read_all(a, &want, rest, &scene);
    }
    double confidence = -1;
    slot_reply_of(rest, &confidence);
    codec_require(confidence >= 0 && confidence <= 1);
    slot_is_abort(rest);
    arena_free(&a);
    return 0;
}
