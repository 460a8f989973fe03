/* Dates of the demo workspace: written as if an anchor date were today, moved by whole days when
 * they are loaded (samples/README.md, "Dates"). Pure. */
#ifndef MAIN_DEMO_DATE_H
#define MAIN_DEMO_DATE_H

#include "base/err.h"
#include "codec/json.h"

/* The tree with every string that is a time as a whole turned into moved Unix milliseconds, and
 * with the dates inside longer texts moved and written out. */
const struct json *demo_date_shift(struct arena *a, const struct json *v, int64_t delta_ms);

/* "{{date:2026-11-14}}" and "{{weekday:2026-11-14}}" in a text. */
struct str demo_date_text(struct arena *a, struct str text, int64_t delta_ms);

/* From the anchor ("2026-11-16") to the day of now_ms (UTC). E_INVALID: no date. */
enum err demo_date_delta(struct str anchor, int64_t now_ms, int64_t *out_delta_ms);

#endif
