/* Customers as rows: the table of an answer, its figures with their sources, a row and a total in
 * words. Pure. */
#ifndef SVC_SUCCESS_SUCCESS_TABLE_H
#define SVC_SUCCESS_SUCCESS_TABLE_H

#include "codec/json.h"
#include "svc/success/speech.h"

/* {title, columns, rows}: rows as account.portfolio gives them, with their rank. */
const struct json *success_table_of(struct arena *a, enum wording_language l, enum speech title,
                                    const struct json *rows);
/* Figures like those of success_figures: total, shown, and row_1_score and so on. */
const struct json *success_table_figures(struct arena *a, enum wording_language l,
                                         const struct json *rows, int64_t total);
/* "Acme Corp: score 24, high risk, renewal on 1 March 2027" */
struct str success_table_row(struct arena *a, enum wording_language l, const struct json *row);

/* A total or an average over the customers that match. */
struct success_sum {
    enum wording_language language;
    const char *measure; /* arr_cents, open_tickets, avg_daily_users, score */
    bool average;
    struct str currency;       /* of arr_cents; empty: accounts that name none */
    int64_t sum, known, total; /* known: customers that have it, never 0; total: that match */
    struct str span;           /* " with a medium or high risk" */
};
/* "Total annual value: $1,000 (5 customers with ...)."; its figure is added. */
struct str success_table_sum(struct arena *a, const struct success_sum *s,
                             const struct json **inout_figures);

#endif
