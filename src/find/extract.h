/* Plain text with its outline out of Markdown, HTML, CSV and text: what is chunked, indexed and
 * cited. The text is what a reader would see; offsets everywhere are bytes of this text. Pure. */
#ifndef FIND_EXTRACT_H
#define FIND_EXTRACT_H

#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "codec/outline.h"

enum { EXTRACT_INPUT_MAX_BYTES = 8 << 20 };

struct extract {
    struct outline outline; /* text, title, sections, front matter */
    bool passages;          /* every section is a passage of its own (a CSV row): never merged */
};

/* media_type: "text/markdown", "text/html", "text/csv", "text/plain" (parameters after ";" are
 * ignored). E_INVALID: unsupported type, or not UTF-8 (out_why names it); E_TOO_LARGE. */
enum err extract_text(struct arena *a, struct str media_type, struct str bytes, struct str *out_why,
                      struct extract *out_extract);

/* From a file name's ending (.md .markdown .html .htm .csv .txt); empty when unknown. */
struct str extract_media_type(struct str file_name);

#endif
