/* CSV (RFC 4180), read in pieces of any size and written. Line ends may be CRLF, LF or CR; a byte
 * order mark is skipped; text must be UTF-8. Pure. */
#ifndef CODEC_CSV_H
#define CODEC_CSV_H

#include "base/arena.h"
#include "base/buf.h"

enum { CSV_COLUMNS_MAX = 1024, CSV_ROW_MAX_BYTES = 1 << 20 };

struct csv;

struct csv_row {
    const struct str *cells;
    size_t count;
    int64_t line; /* 1-based, where the row starts */
};

enum csv_step {
    CSV_ROW,  /* out_row is filled */
    CSV_MORE, /* feed it the next piece */
    CSV_END,
    CSV_BAD /* csv_problem() says why; nothing more comes */
};

/* separator: ',' ';' '\t' or '|'; 0: the one that the first line has most of. */
struct csv *csv_new(char separator);
void csv_free(struct csv **c);
/* The piece is copied. `last`: nothing follows. */
void csv_feed(struct csv *c, struct str piece, bool last);
/* Cells lie in `a`. Empty lines are skipped. */
enum csv_step csv_next(struct csv *c, struct arena *a, struct csv_row *out_row);
/* "line 7: a quote inside an unquoted cell"; valid until csv_free. */
const char *csv_problem(const struct csv *c);

/* Appends a cell, quoted where it must be, with a comma before it unless `first`. `guard`: cells
 * that a spreadsheet would run as a formula get a leading apostrophe. */
void csv_put(struct buf *b, struct str cell, bool first, bool guard);
void csv_end_row(struct buf *b);

#endif
