/* Accounts and what is known of them, many at a time: a CSV file or JSON, tried first (a dry run
 * tells line by line what would happen) and then applied. What one row says goes through the rules
 * that the API has. A row that is there already changes nothing, so an import that was cut off is
 * simply sent again. Task code; the org of `c`. */
#ifndef SVC_ACCOUNT_ACCOUNT_IMPORT_H
#define SVC_ACCOUNT_ACCOUNT_IMPORT_H

#include "host/service.h"

enum { ACCOUNT_IMPORT_ROWS_MAX = 10000, ACCOUNT_IMPORT_BODY_MAX_BYTES = 8 << 20 };

/* POST /api/v1/imports?kind=&dry_run=&skip_bad=, with text/csv or application/json. */
enum err account_import_post(struct ctx *c, struct call *call);

#endif
