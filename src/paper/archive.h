/* Zip archives (APPNOTE 6.3) in memory: the containers of Office documents (ECMA-376 part 2). The
 * same entries give the same bytes: their date is always 1 January 1980. Pure. */
#ifndef PAPER_ARCHIVE_H
#define PAPER_ARCHIVE_H

#include "base/buf.h"
#include "base/err.h"

struct archive;

/* Entries' names are literals or live as long as the archive; the bytes are copied. */
struct archive *archive_new(void);
void archive_add(struct archive *ar, const char *name, struct str bytes);
/* Appends the archive, in order of addition, to `out`. E_TOO_LARGE: it does not fit; E_INTERNAL. */
enum err archive_write(struct archive *ar, struct buf *out);
void archive_free(struct archive **ar);

#endif
