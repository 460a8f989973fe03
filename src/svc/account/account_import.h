/* Accounts and what is known of them, many at a time: a CSV file or JSON, tried first (a dry run
 * tells line by line what would happen) and then applied. What one row says goes through the rules
 * that the API has. A row that is there already changes nothing, so an import that was cut off is
 * simply sent again. Task code; the org of `c`. */
#ifndef SVC_ACCOUNT_ACCOUNT_IMPORT_H
#define SVC_ACCOUNT_ACCOUNT_IMPORT_H

#include "base/map.h"
#include "host/service.h"
#include "svc/account/account_score.h"

enum {
    ACCOUNT_IMPORT_ROWS_MAX = 10000,
    ACCOUNT_IMPORT_FAULTS_MAX = 200, /* told; the others are counted */
    ACCOUNT_IMPORT_BODY_MAX_BYTES = 8 << 20
};

enum account_import_kind {
    ACCOUNT_IMPORT_ACCOUNTS,
    ACCOUNT_IMPORT_CONTRACTS,
    ACCOUNT_IMPORT_USAGE,
    ACCOUNT_IMPORT_TICKETS,
    ACCOUNT_IMPORT_KINDS
};

/* One row as the API's body would be, with `account` beside it where it is about one. */
struct account_import_row {
    int64_t line; /* of the file, or the number of the item */
    const struct json *body;
};
enum account_import_effect { ACCOUNT_IMPORT_NOTHING, ACCOUNT_IMPORT_NEW, ACCOUNT_IMPORT_CHANGED };
struct account_import_how {
    enum account_import_kind kind;
    const char *source; /* of the facts */
    bool apply;
    struct map *trial;   /* slug -> what the rows before would change of it; NULL: not kept */
    struct arena *arena; /* where those changes live, as long as `trial` */
    struct map *past;    /* gets id -> record of accounts with new facts of the past, for the caller
                          * to replay; NULL: replayed at once */
};
/* What the row does, and does it when `apply` (in the caller's transaction). E_INVALID names the
 * field; E_NOT_FOUND: no such account. */
enum err account_import_one(struct ctx *c, struct store *s, const struct account_import_how *how,
                            const struct account_import_row *row,
                            enum account_import_effect *out_effect);

/* POST /api/v1/imports?kind=&dry_run=&skip_bad=, with text/csv or application/json. */
enum err account_import_post(struct ctx *c, struct call *call);

#endif
