/* Cells of an imported file: which columns each kind of import has, and what a cell of them says as
 * the API's body would. Pure but for the fault in c. */
#ifndef SVC_ACCOUNT_ACCOUNT_IMPORT_CELL_H
#define SVC_ACCOUNT_ACCOUNT_IMPORT_CELL_H

#include "svc/account/account_import_row.h"

enum { ACCOUNT_IMPORT_CELL_CHARS = 40 }; /* of a cell or a name, shown in a fault */

struct account_import_cell {
    const char *name, *field; /* of the column; field NULL: as the name */
    int kind;
};
/* The column of that name, in any case; NULL: there is none. */
const struct account_import_cell *account_import_cell_find(enum account_import_kind kind,
                                                           struct str name);
/* A cell that is not empty. E_INVALID names the column. */
enum err account_import_cell_read(struct ctx *c, const struct account_import_cell *column,
                                  struct str cell, const struct json **out);
/* The item of a JSON file with its `arr`, units as a number or a text, as arr_cents. E_INVALID: it
 * names arr. */
enum err account_import_cell_arr(struct ctx *c, enum account_import_kind kind,
                                 const struct json *item, const struct json **out);

#endif
