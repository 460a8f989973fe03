/* A document as PDF: on slides (16:9) or on sheets (A4). Text is text in any script that the
 * machine has a font for; with links, an outline, and tags of its structure. The same document and
 * fonts give the same bytes. Pure, but for reading fonts (canvas.h). */
#ifndef PAPER_PAPER_PDF_H
#define PAPER_PAPER_PDF_H

#include "base/buf.h"
#include "base/err.h"
#include "paper/layout.h"

enum { PAPER_PDF_MAX_BYTES = 32 << 20 };

/* Appends the file to `out`. E_TOO_LARGE, E_INTERNAL. */
enum err paper_pdf(const struct paper *p, enum layout_form form, struct buf *out);

#endif
