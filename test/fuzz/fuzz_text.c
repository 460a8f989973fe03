/* Any bytes as text: every form is UTF-8, words lie in order, cuts are beginnings. */
#include "codec/text.h"
#include "codec_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new(256 << 20);
    struct str in = codec_input(data, size < 20000 ? size : 20000);
    struct str (*const FORMS[])(struct arena *, struct str) = {
        text_nfc, text_fold, text_plain, text_lower, text_upper, text_title, text_clean};
    for (size_t i = 0; i < sizeof(FORMS) / sizeof(FORMS[0]); i++) {
        codec_require(str_is_utf8(FORMS[i](a, in)));
    }
    struct text_word w;
    size_t before = 0;
    for (size_t at = 0; text_next_word(in, &at, &w);) {
        codec_require(w.start >= before && w.end > w.start && w.end <= in.n && at == w.end);
        before = w.end;
    }
    for (size_t most = 0; most < 40; most++) {
        struct str cut = text_cut_bytes(in, most), chars = text_cut(in, most);
        codec_require(cut.n <= most && str_starts(in, cut));
        codec_require(text_count(chars) <= most && str_starts(in, chars));
        codec_require(text_count(text_shorten(a, in, most)) <= most);
    }
    arena_free(&a);
    return 0;
}
