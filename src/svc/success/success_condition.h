/* The conditions of a question across customers, told back: " with more than 3 open tickets and a
 * medium or high risk". Pure. */
#ifndef SVC_SUCCESS_SUCCESS_CONDITION_H
#define SVC_SUCCESS_SUCCESS_CONDITION_H

#include "svc/success/question_condition.h"
#include "svc/success/wording.h"

struct success_condition {
    enum wording_language language;
    const struct question_conditions *want;
    int64_t after_ms, before_ms; /* of the renewal, the end not included; 0: open */
    bool overdue;
    int64_t since_ms, until_ms; /* of a change of the score; until_ms 0: now */
};
/* Each as a text; [] where there is none. */
const struct json *success_condition_list(struct arena *a, const struct success_condition *s);
/* All of them behind a noun, or empty. */
struct str success_condition_span(struct arena *a, const struct success_condition *s);
/* "5 open tickets", "more than 3 open tickets", "no open tickets". */
struct str success_condition_tickets(struct arena *a, enum wording_language l,
                                     const struct question_bound *b);

#endif
