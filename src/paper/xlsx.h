/* A workbook of one sheet (SpreadsheetML, ECMA-376 part 1, 18): the numbers behind a chart, so that
 * whoever gets the deck can open and change them. The first row has the names of the columns, the
 * first column the labels of the rows. Texts are stored as texts: none becomes a formula. Pure. */
#ifndef PAPER_XLSX_H
#define PAPER_XLSX_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

enum { XLSX_COLUMNS_MAX = 4, XLSX_MAX_BYTES = 1 << 20 };

struct xlsx_column {
    struct str name;
    const double *values; /* n_rows; NAN: an empty cell */
};

struct xlsx_sheet {
    const struct str *labels;
    int n_rows, n_columns; /* without the labels */
    struct xlsx_column columns[XLSX_COLUMNS_MAX];
};

/* Appends the workbook to `out`. E_TOO_LARGE, E_INTERNAL. */
enum err xlsx_write(const struct xlsx_sheet *sheet, struct buf *out);
/* A finite number as SpreadsheetML and DrawingML write it: reads back the same. */
void xlsx_number(struct buf *b, double value);

#endif
