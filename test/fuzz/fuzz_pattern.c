/* A pattern and a text: groups lie inside the text, and nothing takes for ever. */
#include "codec/pattern.h"
#include "codec_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str rest = codec_input(data, size), source = codec_cut(&rest);
    struct pattern *p = NULL;
    char problem[120] = "";
    struct pattern_flags flags = {.ignore_case = size % 2, .extended = size % 3 == 0};
    if (pattern_new(source, flags, &p, problem) == E_OK) {
        struct pattern_match m;
        bool found = false;
        if (pattern_find(p, rest, 0, &found, &m) == E_OK && found) {
            for (int i = 0; i < m.count; i++) {
                bool absent = m.start[i] < 0;
                codec_require(absent || (m.start[i] <= m.end[i] && (size_t)m.end[i] <= rest.n));
            }
        }
    } else {
        codec_require(problem[0] != 0);
    }
    pattern_free(&p);
    return 0;
}
