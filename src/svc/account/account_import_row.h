/* One row of what is told of accounts from elsewhere (account_import.h, account_file.h): tried, or
 * applied by the rules that the API has. A row that is there already changes nothing. Task code;
 * the org of `c`. */
#ifndef SVC_ACCOUNT_ACCOUNT_IMPORT_ROW_H
#define SVC_ACCOUNT_ACCOUNT_IMPORT_ROW_H

#include "base/map.h"
#include "svc/account/account_score.h"

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
    const int64_t *lines;    /* of each of recent_tickets; NULL: the row's */
    const struct json *lost; /* names of what was taken out since it is wrong; NULL: nothing was */
    bool in_units;           /* `arr_cents` is `arr` in the file, and is called so */
};
enum account_import_effect { ACCOUNT_IMPORT_NOTHING, ACCOUNT_IMPORT_NEW, ACCOUNT_IMPORT_CHANGED };
struct account_import_how {
    enum account_import_kind kind;
    const char *source; /* of the facts */
    bool apply;
    struct map *trial;   /* slug -> what the rows before would change of it; NULL: not kept */
    struct arena *arena; /* where those changes live, as long as `trial` */
    struct map *told;    /* account -> what the rows before said of it, and where; NULL: not kept */
    bool doubt;          /* the row is bad: what else is wrong with it? */
    const char *unit;    /* what `line` counts: "line", or "item" */
    int64_t line;        /* of the row; account_import_row_take fills it in */
    struct map *past;    /* gets id -> record of accounts with new facts of the past, for the caller
                          * to replay; NULL: replayed at once */
};

extern const char *const account_import_row_kinds[ACCOUNT_IMPORT_KINDS]; /* "accounts", ... */

/* What the row does, and does it when `apply` (in the caller's transaction). E_INVALID names the
 * field; E_NOT_FOUND: no such account; E_CONFLICT: a row before says another thing of it. */
enum err account_import_row_take(struct ctx *c, struct store *s,
                                 const struct account_import_how *how,
                                 const struct account_import_row *row,
                                 enum account_import_effect *out_effect);
/* The row's own members, without what says whose it is and when. */
const struct json *account_import_row_part(struct arena *a, const struct json *body);

#endif
