/* Private to html.c and markdown.c: an outline in the making. Breaks are remembered and written
 * only before text that follows, so that no text starts or ends with empty lines. */
#ifndef CODEC_OUTLINE_DRAFT_H
#define CODEC_OUTLINE_DRAFT_H

#include "codec/outline.h"

struct outline_draft;

struct outline_draft *outline_draft_new(size_t text_max_bytes);
void outline_draft_free(struct outline_draft **d);

/* Text with its white space collapsed, or as it is. */
void outline_draft_add(struct outline_draft *d, struct str text);
void outline_draft_add_raw(struct outline_draft *d, struct str text);
/* A separator such as "- " or " | " that needs no collapsing and does not stand at a line's end. */
void outline_draft_mark(struct outline_draft *d, struct str mark);
/* What follows starts on a new line, or after an empty one. */
void outline_draft_line(struct outline_draft *d);
void outline_draft_gap(struct outline_draft *d);

/* Text added in between is the heading. The offsets are the heading's own in the source. */
void outline_draft_open_heading(struct outline_draft *d, int level, size_t source_start);
void outline_draft_close_heading(struct outline_draft *d, size_t source_end);

/* The title becomes the first heading of level 1 when it is empty. False when the text became too
 * long. */
bool outline_draft_finish(struct outline_draft *d, struct arena *a, struct str title,
                          size_t source_end, struct outline *out_outline);

#endif
