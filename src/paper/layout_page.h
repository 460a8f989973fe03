/* The pages of a layout while they are made: their heads and feet, and boxes on them. Pure. */
#ifndef PAPER_LAYOUT_PAGE_H
#define PAPER_LAYOUT_PAGE_H

#include "paper/layout.h"

/* Sizes and distances of a form, in points. */
struct layout_sizes {
    double width, height, margin;
    double body_top, bottom; /* blocks begin at body_top or lower, and end at bottom */
    double title, kicker, lead, body, cell, heading;
    double value, label, note; /* of a figure */
    double card_h, card_gap, gap, gutter, chart_min, chart_max, footer_y, footer;
    double flow; /* room below a section; the next one begins on the same page */
};

extern const struct layout_sizes layout_page_sizes[]; /* by enum layout_form */

struct layout_cursor {
    int page;
    double y;
};

struct layout_work {
    struct arena *a;
    const struct layout_sizes *f;
    struct layout *out;
    const struct paper_page *of;
    int first;                        /* page of the section */
    struct layout_cursor left, right; /* how far each half is filled */
};

const struct paper_colors *layout_page_colors(const struct layout_work *w);
struct layout_page *layout_page_at(struct layout_work *w, int index);
/* A page of w->of; false when there are too many. */
bool layout_page_add(struct layout_work *w, int part);
/* The cursor goes to the next page, which is made when there is none. False: no more pages. */
bool layout_page_turn(struct layout_work *w, struct layout_cursor *at);
void layout_page_cover(struct layout_work *w, int page);
/* The head of a document on sheets. */
void layout_page_title(struct layout_work *w, int page);
/* The head of a slide. */
void layout_page_head(struct layout_work *w, int page);
void layout_page_foot(struct layout_work *w, int page);
/* Never NULL: when the page is full it is a box that nobody sees. */
struct layout_box *layout_page_box(struct layout_work *w, int page, enum layout_kind kind);
struct layout_box *layout_page_panel(struct layout_work *w, int page, uint32_t fill);
/* A box with one paragraph. */
struct layout_box *layout_page_text(struct layout_work *w, int page,
                                    const struct layout_line *line);
void layout_page_place(struct layout_box *b, double x, double y, double width, double height);
/* Height of a line. */
double layout_page_line(double size_pt);
/* Height of a text that may be shortened to `lines_max`; *text is what stands there then. */
double layout_page_fit(struct layout_work *w, struct str *text, double size_pt, bool bold,
                       double width, int lines_max);

#endif
