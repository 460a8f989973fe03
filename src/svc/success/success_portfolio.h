/* Questions across accounts: "Which customers are most at risk before March?" becomes a query to
 * the portfolio, and its rows a ranked table. */
#ifndef SVC_SUCCESS_SUCCESS_PORTFOLIO_H
#define SVC_SUCCESS_SUCCESS_PORTFOLIO_H

#include "svc/success/speech.h"
#include "svc/success/success_compose.h"

enum { SUCCESS_PORTFOLIO_ROWS = 10, SUCCESS_PORTFOLIO_ROWS_MAX = 50, SUCCESS_COMPARED_MAX = 8 };

struct success_portfolio {
    enum wording_language language; /* of the answer; the caller's to set */
    enum speech title;              /* "Customers most at risk" */
    const char *measure;            /* what it is sorted by: a column's key */
    const char *sort;               /* of account.portfolio: "-arr_cents" */
    const char *risk, *trend;       /* NULL: any */
    int64_t after_ms, before_ms;    /* of the renewal; 0: any */
    int limit;
    bool counts;         /* asks how many */
    bool looks_like_one; /* whether the text asks across accounts at all */
};

/* Pure. Times are UTC; "before March" is the next March that begins after now_ms. */
struct success_portfolio success_portfolio_parse(struct arena *a, struct str text, int64_t now_ms);

/* What is found, as parts of an answer. Task code; errors of the ask account.portfolio. */
struct success_ranking {
    struct str summary;
    const struct json *table;   /* {title, columns, rows} */
    const struct json *figures; /* like those of success_figures */
    const struct json *notes;
};
enum err success_portfolio_rank(struct ctx *c, const struct success_portfolio *q, int64_t as_of_ms,
                                struct success_ranking *out);
/* The accounts (ids) side by side, best score first. */
struct success_comparison {
    const struct json *accounts;
    enum wording_language language;
};
enum err success_portfolio_compare(struct ctx *c, const struct success_comparison *q,
                                   int64_t as_of_ms, struct success_ranking *out);

#endif
