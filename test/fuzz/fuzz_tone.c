/* Language, sentiment and urgency of any bytes stay within their bounds; the hits are views into
 * the text. */
#include "codec_fuzz.h"
#include "nlu/language.h"
#include "nlu/sentiment.h"
#include "nlu/urgency.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = codec_input(data, size);
    struct language l = language_of(text);
    codec_require(l.confidence >= 0 && l.confidence <= 1);
    codec_require(!l.code[0] || language_name(l.code));
    struct sentiment s = sentiment_of(text);
    codec_require(s.score >= -1 && s.score <= 1 && s.hits >= 0 && s.negative <= 0);
    codec_require(*sentiment_label(s.score));
    struct urgency u = urgency_of(text);
    codec_require(u.hit_count >= 0 && u.hit_count <= URGENCY_HITS_MAX);
    codec_require(u.capitals >= 0 && u.capitals <= 1);
    for (int i = 0; i < u.hit_count; i++) {
        codec_require(u.hits[i].p >= text.p && u.hits[i].p + u.hits[i].n <= text.p + text.n);
    }
    return 0;
}
