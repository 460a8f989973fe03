/* A document as a PowerPoint deck (.pptx: PresentationML, ECMA-376): text as text, tables as
 * tables, charts as charts that can be edited, speaker notes, links. The same document gives the
 * same bytes. Pure. */
#ifndef PAPER_PAPER_PPTX_H
#define PAPER_PAPER_PPTX_H

#include "base/buf.h"
#include "base/err.h"
#include "paper/paper.h"

enum { PAPER_PPTX_MAX_BYTES = 32 << 20 };

/* Appends the file to `out`. Memory for the time of the call, and a little more, from the
 * document's arena. E_TOO_LARGE, E_INTERNAL. */
enum err paper_pptx(const struct paper *p, struct buf *out);

#endif
