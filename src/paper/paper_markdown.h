/* A document as Markdown (CommonMark with GitHub's tables): what can be pasted into a wiki or a
 * mail. Charts are their numbers. Texts stay texts: nothing in one becomes a heading, a link or
 * HTML. Pure. */
#ifndef PAPER_PAPER_MARKDOWN_H
#define PAPER_PAPER_MARKDOWN_H

#include "base/buf.h"
#include "base/err.h"
#include "paper/paper.h"

enum { PAPER_MARKDOWN_MAX_BYTES = 8 << 20 };

/* Appends the text to `out`. E_TOO_LARGE. */
enum err paper_markdown(const struct paper *p, struct buf *out);
/* Text that Markdown shows as it is, wherever it stands on a line. */
void paper_markdown_text(struct buf *b, struct str text);

#endif
