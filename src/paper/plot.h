/* What a chart is drawn of: rectangles, lines, dots, rings and short texts with their places, for
 * the writers that have no charts of their own (PDF, SVG). Pure. */
#ifndef PAPER_PLOT_H
#define PAPER_PLOT_H

#include "paper/layout.h"

enum plot_kind { PLOT_RECT, PLOT_LINE, PLOT_DOT, PLOT_RING, PLOT_TEXT };

/* Distances in points from the left top corner of the chart. */
struct plot_mark {
    enum plot_kind kind;
    uint32_t color;
    double x, y;      /* of a dot and a ring: the middle; of a text: its baseline */
    double w, h;      /* of a rectangle */
    const double *xy; /* of a line: x and y of its corners */
    int n;            /* how many corners */
    double r, thick;  /* of a dot, a ring, a line */
    double from, to;  /* of a ring: parts of a turn, clockwise from the top */
    struct str text;
    double size_pt;
    bool bold;
    enum layout_align align; /* where x is in the text */
};

struct plot {
    struct plot_mark *marks; /* back to front */
    int n, size;
};

/* size_pt: of its texts. The marks lie in `a`. */
const struct plot *plot_make(struct arena *a, const struct paper_chart *chart,
                             const struct paper_colors *colors, const struct layout_box *place,
                             double size_pt);

#endif
