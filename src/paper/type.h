/* Widths of text set in Arial, and where its lines break. Pure. */
#ifndef PAPER_TYPE_H
#define PAPER_TYPE_H

#include <stdbool.h>

#include "base/str.h"

/* The width of the text on one line, in points. */
double type_width(struct str text, double size_pt, bool bold);

/* A paragraph that begins in bold. */
struct type_text {
    struct str lead, text;
    double size_pt;
};

/* Sets it in lines of `width` points: returns how many, 1 to lines_max. *out_fits: the bytes of
 * `text` that stand on them, up to a word's end; all of it when nothing is left over. */
int type_set(const struct type_text *t, double width, int lines_max, size_t *out_fits);

#endif
