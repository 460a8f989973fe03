/* The parts of a PresentationML package (ECMA-376 part 1, 13) that every deck has: theme, slide
 * master, its two layouts, notes master, and the lists that name all parts. Pure. */
#ifndef PAPER_PPTX_PARTS_H
#define PAPER_PPTX_PARTS_H

#include "base/buf.h"
#include "paper/layout.h"

#define PPTX_HEAD "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n"
#define PPTX_NAMESPACES                                                                            \
    "xmlns:a=\"http://schemas.openxmlformats.org/drawingml/2006/main\" "                           \
    "xmlns:r=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships\" "             \
    "xmlns:p=\"http://schemas.openxmlformats.org/presentationml/2006/main\""
#define PPTX_RELATION "http://schemas.openxmlformats.org/officeDocument/2006/relationships/"

enum { PPTX_EMU = 12700 /* in a point */, PPTX_LAYOUT_COVER = 1, PPTX_LAYOUT_CONTENT = 2 };

struct archive;

struct pptx_counts {
    int slides, charts;
};

/* One relationship of a part's list; `outside`: the target is an address. */
void pptx_rels_open(struct buf *b);
void pptx_rels_add(struct buf *b, int id, const char *type, struct str target, bool outside);
void pptx_rels_close(struct buf *b);

/* Adds [Content_Types].xml and everything but slides, notes, charts and workbooks. `a`: memory for
 * the archive's lifetime. */
void pptx_parts_add(struct arena *a, struct archive *ar, const struct layout *l,
                    const struct pptx_counts *n);

#endif
