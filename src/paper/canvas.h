/* A PDF being drawn (PDF 1.5): text as text in any script, shapes, links, an outline, tags of its
 * structure. The only file that knows cairo and pango. A canvas belongs to one thread. Pure, but
 * for the machine's fonts, which fontconfig reads at the first text.
 *
 * Distances are points from the left top corner; colours are 0xRRGGBB. */
#ifndef PAPER_CANVAS_H
#define PAPER_CANVAS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

struct canvas;

struct canvas_about {
    const char *title, *subject, *author, *at; /* at: "2026-11-18T11:06:40Z" */
    double width, height;                      /* of every page */
};

/* What is drawn goes to `out`, which must outlive the canvas. */
struct canvas *canvas_new(struct buf *out, const struct canvas_about *about);
/* The page is done; the next begins. */
void canvas_next_page(struct canvas *c);
/* Ends the file. E_TOO_LARGE: `out` is full; E_INTERNAL. */
enum err canvas_finish(struct canvas *c);
void canvas_free(struct canvas **c);

void canvas_rect(struct canvas *c, const double place[4], uint32_t color);
void canvas_line(struct canvas *c, const double *xy, int n, double thick, uint32_t color);
void canvas_dot(struct canvas *c, double x, double y, double r, uint32_t color);
/* From and to in parts of a turn, clockwise from the top. */
void canvas_ring(struct canvas *c, const double middle[2], const double r_thick[2],
                 const double from_to[2], uint32_t color);

enum canvas_align { CANVAS_START, CANVAS_CENTER, CANVAS_END };

/* A paragraph: `lead` in bold, the text, and a link's words behind it. */
struct canvas_text {
    struct str lead, text, tail;
    double size_pt, x, y, width; /* y: the top of the first line */
    uint32_t lead_color, color, tail_color;
    bool bold;
    bool one_line; /* y is the baseline, x where `align` says; the width is what it takes */
    enum canvas_align align;
    struct str url; /* of the tail, or of all when there is none */
};
/* Returns the height it took. */
double canvas_put_text(struct canvas *c, const struct canvas_text *t);

/* The area leads to the address. */
void canvas_link(struct canvas *c, const double place[4], struct str url);
/* An entry of the outline that leads to the page under way. */
void canvas_outline(struct canvas *c, const char *title);
/* What is drawn between them is of that kind: H1, H2, P, L, LI, Table, TR, TH, TD, Figure. */
void canvas_open(struct canvas *c, const char *tag);
void canvas_close(struct canvas *c, const char *tag);

#endif
