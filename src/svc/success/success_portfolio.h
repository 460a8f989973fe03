/* Questions across accounts: "Which customers are most at risk before March?" becomes a query to
 * the portfolio, and its rows a ranked table; "total ARR at risk" a figure. What was understood is
 * told back, what was not is a note. */
#ifndef SVC_SUCCESS_SUCCESS_PORTFOLIO_H
#define SVC_SUCCESS_SUCCESS_PORTFOLIO_H

#include "svc/success/question_condition.h"
#include "svc/success/speech.h"
#include "svc/success/success_compose.h"

enum { SUCCESS_PORTFOLIO_ROWS = 10, SUCCESS_PORTFOLIO_ROWS_MAX = 50, SUCCESS_COMPARED_MAX = 8 };

struct success_portfolio {
    enum wording_language language; /* of the answer; the caller's to set */
    enum speech title;              /* "Customers most at risk" */
    const char *measure;            /* what it is sorted by: a column's key */
    const char *sort;               /* of account.portfolio: "-arr_cents" */
    struct question_conditions want;
    int64_t after_ms, before_ms; /* of the renewal, the end not included; 0: open */
    bool overdue;
    bool renewal_denied;        /* "not in 2027": no renewal is left out of the list for its date */
    int64_t since_ms, until_ms; /* of a change of the score; until_ms 0: now */
    int64_t as_of_ms;           /* the moment in the past that is asked about; 0: now */
    struct str impossible;      /* "31 February"; empty: no such day is named */
    int limit;
    bool counts;     /* asks how many */
    const char *sum; /* asks for a total or an average of: arr_cents ...; NULL: of nothing */
    bool average;
    bool looks_like_one;          /* whether the text asks across accounts at all */
    struct question_words *words; /* those that nothing read are told */
    struct str text;
};

/* Pure. Times are UTC; "before March" is the next March that begins after now_ms. */
struct success_portfolio success_portfolio_parse(struct arena *a, struct str text, int64_t now_ms);
/* The second half, by what the org's accounts hold (account.words with `names`) and the e-mail of
 * who asks. Pure. */
void success_portfolio_match(struct success_portfolio *q, const struct json *words, struct str me);
/* What was read of the question, each as a text in the language of the answer, and what was not. */
const struct json *success_portfolio_told(struct arena *a, const struct success_portfolio *q);
const struct json *success_portfolio_rest(struct arena *a, const struct success_portfolio *q);

/* What is found, as parts of an answer. Task code; errors of the ask account.portfolio. as_of_ms 0:
 * the moment that the question names, else now. */
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
