/* Any bytes: both readers agree, faults have a place, and what is read comes back the same when
 * written. */
#include "codec/json_scan.h"
#include "codec/simdjson_read.h"
#include "codec_fuzz.h"

static void check_value(struct arena *a, const struct json *v)
{
    struct str text = json_write(a, v);
    const struct json *again, *copy = json_copy(a, v);
    struct json_fault fault;
    codec_require(json_parse(a, text, &again, &fault) == E_OK && json_equal(v, again));
    codec_require(json_equal(v, copy) && str_eq(text, json_write(a, again)));
    codec_require(json_parse(a, json_write_pretty(a, v), &again, &fault) == E_OK);
    codec_require(json_equal(v, again));
    codec_require(
        str_eq(json_write_canonical(a, v), json_write_canonical(a, json_merge(a, NULL, again))) ||
        v->kind == JSON_OBJECT); /* a merge drops nulls in objects */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new(256 << 20);
    struct str text = codec_input(data, size);
    const struct json *fast = NULL, *slow = NULL;
    struct json_fault fault = {0};
    bool quick = simdjson_read(a, text, &fast);
    enum err e = json_scan(a, text, &slow, &fault);
    codec_require(!quick || (e == E_OK && json_equal(fast, slow)));
    codec_require(e == E_OK || (fault.line > 0 && fault.text[0] && fault.offset <= size));
    if (e == E_OK) {
        check_value(a, slow);
    }
    arena_free(&a);
    return 0;
}
