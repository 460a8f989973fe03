/* Where everything of a document stands: its blocks laid out on slides (16:9) or on sheets (A4),
 * as boxes with their place in points. The deck as PowerPoint and the deck as PDF are drawn from
 * the same boxes. What does not fit goes on to a further page under the same title. Pure.
 *
 * Texts are measured with the widths of Arial (Liberation Sans and Helvetica have the same), which
 * is the type that both writers ask for; other scripts by estimate, on the safe side. */
#ifndef PAPER_LAYOUT_H
#define PAPER_LAYOUT_H

#include "paper/paper.h"

enum { LAYOUT_PAGES_MAX = 160, LAYOUT_BOXES_MAX = 96 }; /* boxes of a page */

enum layout_form { LAYOUT_DECK, LAYOUT_SHEET };
enum layout_kind { LAYOUT_PANEL, LAYOUT_TEXT, LAYOUT_PLOT, LAYOUT_GRID };
enum layout_role { LAYOUT_PLAIN, LAYOUT_TITLE, LAYOUT_HEADING, LAYOUT_FOOTER, LAYOUT_FOLIO };
enum layout_align { LAYOUT_START, LAYOUT_CENTER, LAYOUT_END };

/* A paragraph: `lead` in bold, then the text. */
struct layout_line {
    struct str lead, text, url;
    struct str link_text;     /* what the link is on, behind the text; empty: the text itself */
    double size_pt, after_pt; /* room below it */
    uint32_t color, lead_color;
    enum layout_align align;
    bool bold, bullet;
    int number; /* of a numbered list, else 0 */
};

/* Rows of a table on one page; its head is repeated on each. */
struct layout_grid {
    const struct paper_table *table;
    int row_from, n_rows;
    double size_pt, pad_x, pad_y, head_h;
    const double *column_w, *row_h; /* n_columns, n_rows */
    const struct str *cells;        /* shortened to what a row can hold */
};

struct layout_box {
    enum layout_kind kind;
    enum layout_role role;
    double x, y, w, h;
    uint32_t fill;      /* of a panel */
    struct str name;    /* for who cannot see it; empty: decoration */
    struct str url;     /* the whole box leads there; or empty */
    struct str section; /* the heading of a part, for the outline; else empty */
    bool from_bottom;   /* the text stands at the bottom of its box */
    const struct layout_line *lines;
    int n_lines;
    const struct paper_chart *chart;
    const struct layout_grid *grid;
};

struct layout_page {
    const struct paper_page *of;
    struct str title;
    struct layout_box *boxes; /* back to front */
    int n_boxes;
    int part;   /* 0: the first of its kind; else how many were before */
    double top; /* where blocks begin */
};

struct layout {
    enum layout_form form;
    double width, height, margin;
    struct paper_colors colors;
    const struct paper *paper;
    struct layout_page *pages;
    int n_pages;
    bool cut; /* LAYOUT_PAGES_MAX was reached; the last page says so */
};

const struct layout *layout_make(const struct paper *p, enum layout_form form);

/* A bullet's text begins this far in, and a line's height is this much, in the text's size. */
#define LAYOUT_INDENT  1.2
#define LAYOUT_LEADING 1.2

#endif
