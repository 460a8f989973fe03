/* A passage's text as sentences, headings, table rows and other lines, as codec/outline.h lays
 * texts out: paragraphs and headings between empty lines, items with "- " or "1. " in front, cells
 * of a row with " | " between. Pure. */
#ifndef FIND_SENTENCE_H
#define FIND_SENTENCE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/str.h"

enum { SENTENCE_MAX = 1000 }; /* of one text; what follows is not looked at */

enum sentence_kind {
    SENTENCE_WHOLE,
    SENTENCE_HEADING,
    SENTENCE_ROW,      /* of a table */
    SENTENCE_FRAGMENT, /* an item or line without an end, a question, a lead-in to a list */
};

#define SENTENCE_NO_HEAD SIZE_MAX

struct sentence {
    size_t start, end; /* without the mark of an item and without white space around */
    enum sentence_kind kind;
    size_t head;  /* the heading it stands under: an index, or SENTENCE_NO_HEAD */
    size_t block; /* counts up at each paragraph: what may be quoted in one go; a list is one */
    int item;     /* begins an item of a list: its number, or -1 for "-"; else 0 */
    bool opens;   /* the first below its heading, or of the text */
};

const struct sentence *sentence_split(struct arena *a, struct str text, size_t *out_n);

#endif
