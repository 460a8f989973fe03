/* What is wrong with the rows of an import, told in the order of its lines; and rows without what
 * was told of them, so that everything which is wrong with a row can be told at once. Pure. */
#ifndef SVC_ACCOUNT_ACCOUNT_IMPORT_FAULT_H
#define SVC_ACCOUNT_ACCOUNT_IMPORT_FAULT_H

#include "svc/account/account_import_row.h"

enum { ACCOUNT_IMPORT_FAULTS_MAX = 200 }; /* told; those of later lines are counted by their rows */

struct account_import_faults {
    struct {
        int64_t line;
        const struct json *told;
    } items[ACCOUNT_IMPORT_FAULTS_MAX]; /* by line */
    int count;
};
/* Whether one of that line would be told. */
bool account_import_fault_fits(const struct account_import_faults *f, int64_t line);
/* Copied into `a`, behind others of its line. */
void account_import_fault_add(struct arena *a, struct account_import_faults *f, int64_t line,
                              const struct fault *fault);
/* The same for what is wrong with a row: of tickets that have lines of their own it is told with
 * theirs, by the names of their columns. */
void account_import_fault_add_row(struct arena *a, struct account_import_faults *f,
                                  const struct account_import_row *row, const struct fault *fault);
const struct json *account_import_fault_list(struct arena *a,
                                             const struct account_import_faults *f);

/* Whether a fault follows from what was taken out of the row before, and is none of the file. */
bool account_import_fault_follows(const struct account_import_row *row, const char *field);
/* Takes out of the row what the field's fault was about; false when nothing is left to look at. */
bool account_import_fault_mend(struct arena *a, struct account_import_row *row, const char *field);

#endif
