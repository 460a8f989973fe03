/* Personal data in any bytes: finds stand in order within the text, and what was masked holds none
 * of the kinds that are told by form alone. The log's mask meets the same bytes. */
#include "base/log.h"
#include "codec_fuzz.h"
#include "nlu/pii.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = codec_input(data, size);
    struct pii_span spans[64];
    size_t n = pii_find(text, PII_ALL, spans, 64), end = 0;
    codec_require(n <= 64);
    for (size_t i = 0; i < n; i++) {
        codec_require(spans[i].start >= end && spans[i].end > spans[i].start);
        codec_require(spans[i].end <= text.n && *pii_kind_name(spans[i].kind));
        end = spans[i].end;
    }
    struct buf masked = buf_make(size * 16 + 64);
    codec_require(pii_mask(text, PII_ALL, &masked));
    codec_require(n > 0 || str_eq(buf_str(&masked), text));
    buf_free(&masked);
    struct buf logged = buf_make(size * 4 + 64);
    log_mask(&logged, text);
    codec_require(!logged.overflow);
    buf_free(&logged);
    return 0;
}
