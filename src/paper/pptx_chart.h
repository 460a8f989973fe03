/* A chart of a deck as DrawingML (ECMA-376 part 1, 21.2): a real chart that PowerPoint edits, with
 * a copy of its numbers in an embedded workbook. Pure. */
#ifndef PAPER_PPTX_CHART_H
#define PAPER_PPTX_CHART_H

#include "base/buf.h"
#include "base/err.h"
#include "paper/paper.h"

/* The chart part; its workbook is relationship rId1. Memory for the time of the call from `a`. */
void pptx_chart_write(struct arena *a, const struct paper_chart *chart,
                      const struct paper_colors *colors, struct buf *out);
/* Its workbook. E_TOO_LARGE, E_INTERNAL. */
enum err pptx_chart_workbook(struct arena *a, const struct paper_chart *chart, struct buf *out);

#endif
