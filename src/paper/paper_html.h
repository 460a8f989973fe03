/* A document as one HTML page (HTML 5) that needs nothing else: styles and charts (SVG) are in it,
 * scripts are not. It reads well on paper, on a phone and to a screen reader. Pure. */
#ifndef PAPER_PAPER_HTML_H
#define PAPER_PAPER_HTML_H

#include "base/buf.h"
#include "base/err.h"
#include "paper/paper.h"

enum { PAPER_HTML_MAX_BYTES = 16 << 20 };

/* Appends the page to `out`. E_TOO_LARGE. */
enum err paper_html(const struct paper *p, struct buf *out);

/* One chart as an <svg> of this size. */
void paper_html_chart(struct arena *a, const struct paper_chart *chart,
                      const struct paper_colors *colors, const double w_h[2], struct buf *out);

#endif
