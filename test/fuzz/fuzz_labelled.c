/* Files of judged examples: read, or refused with a reason that names the line. */
#include "codec_fuzz.h"
#include "nlu/labelled.h"
#include "nlu/pii_eval.h"
#include "nlu/sentiment_eval.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new(64 << 20);
    struct str bytes = codec_input(data, size);
    struct classify_example *examples;
    struct classify_fault fault = {0};
    size_t n;
    if (labelled_read(a, bytes, &fault, &examples, &n) == E_OK) {
        codec_require(n > 0);
        for (size_t i = 0; i < n; i++) {
            codec_require(examples[i].text.n > 0 && examples[i].label.n > 0);
        }
    } else {
        codec_require(fault.text[0] != 0);
    }
    char why[160] = "";
    struct pii_eval_report pii;
    codec_require(pii_eval_run(a, bytes, why, &pii) == E_OK || why[0]);
    struct sentiment_eval_report tone;
    why[0] = 0;
    codec_require(sentiment_eval_run(bytes, why, &tone) == E_OK || why[0]);
    arena_free(&a);
    return 0;
}
