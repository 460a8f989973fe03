/* A document as plain text with its headings: what html.h and markdown.h make, and the index cuts
 * into chunks. */
#ifndef CODEC_OUTLINE_H
#define CODEC_OUTLINE_H

#include "codec/json.h"

enum { OUTLINE_SECTIONS_MAX = 10000, OUTLINE_LEVELS = 6 };

struct outline_section {
    struct str heading;              /* empty: what stands before the first heading */
    struct str path;                 /* "Billing > Refunds": the headings above it and its own */
    int level;                       /* 1 to 6; 0: no heading */
    size_t start, end;               /* bytes in `text`, the heading's own line left out */
    size_t source_start, source_end; /* bytes in the Markdown source; both 0 for HTML */
};

struct outline {
    struct str
        title; /* front matter's title, <title>, or the first heading of level 1; may be empty */
    struct str text;                        /* UTF-8; paragraphs are separated by an empty line */
    const struct outline_section *sections; /* in order; they cover the text but for the headings */
    size_t count;
    const struct json *front; /* front matter: an object, or NULL */
};

/* Plain text as one section. */
struct outline outline_of_text(struct arena *a, struct str text);

#endif
