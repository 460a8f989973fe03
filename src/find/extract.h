/* Plain text with its outline out of Markdown, HTML, CSV and text: what is chunked, indexed and
 * cited. The text is what a reader would see; offsets everywhere are bytes of this text. Pure. */
#ifndef FIND_EXTRACT_H
#define FIND_EXTRACT_H

#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "codec/json.h"

enum { EXTRACT_INPUT_MAX_BYTES = 16 << 20, EXTRACT_MARKS_MAX = 200000 };

enum extract_mark_kind {
    EXTRACT_HEADING, /* [start, end) is the heading's text; level 1..6 */
    EXTRACT_PASSAGE  /* a passage of its own starts here (CSV row): never merged with others */
};

struct extract_mark {
    enum extract_mark_kind kind;
    int level;
    size_t start, end;
};

struct extract {
    struct str text;                  /* UTF-8, paragraphs separated by blank lines */
    struct str title;                 /* front matter, <title>, first heading; may be empty */
    const struct json *meta;          /* front matter; NULL when there is none */
    const struct extract_mark *marks; /* in order of start */
    size_t mark_count;
};

/* media_type: "text/markdown", "text/html", "text/csv", "text/plain" (parameters after ";" are
 * ignored). E_INVALID: unsupported type, or not UTF-8 (out_why names it); E_TOO_LARGE. */
enum err extract_text(struct arena *a, struct str media_type, struct str bytes, struct str *out_why,
                      struct extract *out_extract);

/* From a file name's ending (.md .markdown .html .htm .csv .txt); empty when unknown. */
struct str extract_media_type(struct str file_name);

#endif
