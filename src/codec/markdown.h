/* Markdown (CommonMark as people write it, with tables and front matter) to plain text with
 * headings, for indexing and quoting; no HTML is made. Pure. */
#ifndef CODEC_MARKDOWN_H
#define CODEC_MARKDOWN_H

#include "codec/outline.h"

enum { MARKDOWN_INPUT_MAX_BYTES = 8 << 20 };

/* E_INVALID: no UTF-8, or front matter that is no YAML mapping (see out_fault); E_TOO_LARGE. */
enum err markdown_read(struct arena *a, struct str source, struct outline *out_outline,
                       struct json_fault *out_fault);

#endif
