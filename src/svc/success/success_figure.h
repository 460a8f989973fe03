/* What the tools of one ask have found, and the figures it is told in. Each figure has a value, the
 * text in which it is written, and its source: whatever number an answer holds is one of these.
 * Pure. */
#ifndef SVC_SUCCESS_SUCCESS_FIGURE_H
#define SVC_SUCCESS_SUCCESS_FIGURE_H

#include "svc/success/success_facts.h"
#include "svc/success/success_run.h"
#include "svc/success/wording.h"

/* What is known by now. A has_ flag that is down: not known, whether nobody asked, the tool failed
 * or there are no data; `missing` tells of the last. */
struct success_known {
    struct str id, slug, name;      /* of the account */
    enum wording_language language; /* of the answer */
    int64_t now_ms;
    bool has_score, has_trend, has_users, has_tickets, has_renewal, has_arr;
    bool asked_health, asked_usage, asked_tickets,
        asked_contract; /* answered, maybe without data */
    int64_t score;
    struct str risk;  /* low, medium, high, unknown */
    struct str trend; /* up, flat, down */
    int64_t daily_users, open_tickets, renewal_date_ms, arr_cents;
    int64_t renewal_days; /* of the calendar, 0 when it has passed */
    bool renewal_passed, renewal_today;
    struct str currency;
    const struct json *health;                     /* snake_case, or NULL */
    const struct json *usage, *tickets, *contract; /* the tools' data, or NULL */
    const struct json *email, *qbr;
    const struct json *contacts; /* of the account, or NULL */
    const struct json *direct;   /* figures of what was asked in particular, or NULL */
};

struct success_known success_known_of(struct arena *a, const struct success_result *results,
                                      int count, int64_t now_ms);

/* [{key, label, value, unit, text, source{tool, field, url}}] */
const struct json *success_figures(struct arena *a, const struct success_known *k);

/* {contract, usage, tickets, contacts} as they were read; what was not read is null. */
const struct json *success_figure_facts(struct arena *a, const struct success_known *k);

#endif
