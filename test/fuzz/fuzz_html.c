/* HTML of strangers: the text is UTF-8 and the sections lie in it, in order. */
#include "codec/html.h"
#include "codec_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new(256 << 20);
    struct outline o;
    if (html_read(a, codec_input(data, size), &o) == E_OK) {
        size_t at = 0;
        codec_require(str_is_utf8(o.text) && str_is_utf8(o.title) && o.count > 0);
        for (size_t i = 0; i < o.count; i++) {
            codec_require(o.sections[i].start >= at && o.sections[i].end >= o.sections[i].start);
            at = o.sections[i].end;
        }
        codec_require(at <= o.text.n);
    }
    arena_free(&a);
    return 0;
}
