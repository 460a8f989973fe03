/* JSON as language models write it: reads what json_parse refuses. Mends code fences and text
 * around the value, trailing and missing commas, single quotes and typographic quotes, unquoted
 * names, comments, NaN and Infinity (null), True/False/None, raw line ends in texts, duplicate
 * names (the last wins), and a tail that was cut off. For model output only; never for requests.
 * Pure. */
#ifndef CODEC_REPAIR_H
#define CODEC_REPAIR_H

#include "codec/json.h"

enum { REPAIR_INPUT_MAX_BYTES = 1 << 20 };

/* Tries json_parse first. out_repaired: something was mended; out_cut: the end was missing, so the
 * last text or list may be incomplete. E_INVALID: no object or array in it; E_TOO_LARGE. */
struct repair {
    const struct json *value;
    bool repaired;
    bool cut;
};
enum err repair_parse(struct arena *a, struct str text, struct repair *out_repair,
                      struct json_fault *out_fault);

#endif
