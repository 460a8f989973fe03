/* Markdown of strangers: sections lie in the text and in the source, in order. */
#include "codec/markdown.h"
#include "codec_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new(256 << 20);
    struct outline o;
    struct json_fault fault = {0};
    if (markdown_read(a, codec_input(data, size), &o, &fault) == E_OK) {
        size_t at = 0, source_at = 0;
        codec_require(str_is_utf8(o.text) && o.count > 0);
        for (size_t i = 0; i < o.count; i++) {
            const struct outline_section *s = &o.sections[i];
            codec_require(s->start >= at && s->end >= s->start);
            codec_require(s->source_start >= source_at && s->source_end >= s->source_start);
            at = s->end;
            source_at = s->source_end;
        }
        codec_require(at <= o.text.n && source_at <= size);
    } else {
        codec_require(fault.text[0] != 0);
    }
    arena_free(&a);
    return 0;
}
