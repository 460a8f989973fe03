/* A template, a view and a partial: rendering ends within its bounds. */
#include "codec/template.h"
#include "codec_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new(256 << 20);
    struct str rest = codec_input(data, size), source = codec_cut(&rest),
               view_text = codec_cut(&rest);
    const struct json *view = &json_empty_object;
    json_parse(a, view_text, &view, NULL);
    const struct json *partials = json_with(a, &json_empty_object, STR("p"), json_new_str(a, rest));
    struct template_options options = {size % 2, size % 3 == 0, partials};
    struct buf out = buf_make(1 << 16);
    const struct template *t;
    struct json_fault fault = {0};
    enum err e = template_new(a, source, &t, &fault);
    e = e == E_OK ? template_render(t, view, &options, &out, &fault) : e;
    codec_require(e == E_OK || (fault.text[0] && fault.line > 0));
    codec_require(out.n <= out.max_bytes);
    buf_free(&out);
    arena_free(&a);
    return 0;
}
