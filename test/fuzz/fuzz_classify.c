/* A saved classifier comes from a blob: whatever its bytes, it is refused or it classifies any text
 * and is saved as the same bytes. The checksum is put right here, so that what lies behind it is
 * reached. Input: the model without its checksum, 0x1e, 0x1e, texts one a line. */
#include "codec_fuzz.h"
#include "nlu/classifier.h"

static void use(const struct classifier *k, struct str texts)
{
    struct str line;
    struct classify_result r;
    for (int i = 0; i < 8 && str_split(&texts, '\n', &line); i++) {
        classify_text(k, line, &r);
        codec_require(r.count >= 1 && r.count <= CLASSIFY_BEST_MAX);
        codec_require(r.scope >= 0 && r.scope <= 1);
        for (int j = 0; j < r.count; j++) {
            codec_require(r.best[j].label.n > 0 && classify_has_label(k, r.best[j].label));
            codec_require(r.best[j].confidence >= 0 && r.best[j].confidence <= 1);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str input = codec_input(data, size), texts = STR("where is my order\n");
    ptrdiff_t cut = str_find(input, STR("\x1e\x1e"));
    if (cut >= 0) {
        texts = str_sub(input, (size_t)cut + 2, input.n);
        input = str_sub(input, 0, (size_t)cut);
    }
    struct buf bytes = buf_make(1 << 20), again = buf_make(CLASSIFY_MODEL_MAX_BYTES);
    struct classifier *k = NULL;
    if (buf_add_str(&bytes, input)) {
        uint64_t sum = classifier_checksum(input.p, input.n);
        for (int i = 0; i < 8; i++) {
            buf_add_char(&bytes, (char)(sum >> 8 * i));
        }
        if (classify_load(buf_str(&bytes), &k) == E_OK) {
            use(k, texts);
            codec_require(classify_save(k, &again) && str_eq(buf_str(&bytes), buf_str(&again)));
        }
        classify_free(&k);
        classify_load(input, &k);
        classify_free(&k);
    }
    buf_free(&bytes);
    buf_free(&again);
    return 0;
}
