/* Times in a question across customers: "before March", "Q1 2027", "within 60 days", "last month",
 * "overdue". UTC. What it read is marked in the words; a second time that does not close the first,
 * and one that is denied, is left out whole. Pure. */
#ifndef SVC_SUCCESS_QUESTION_PERIOD_H
#define SVC_SUCCESS_QUESTION_PERIOD_H

#include "svc/success/question_words.h"

struct question_period {
    int64_t after_ms, before_ms; /* from after_ms to before the other; 0: open */
    bool named;                  /* there is one at all */
    bool denied;                 /* "not in 2027": one is left out */
    bool overdue;                /* what should have been before today */
    int first, count;            /* the words of it */
    struct str impossible;       /* "31 February": no such day; empty: none */
};
struct question_period question_period_read(struct question_words *w, struct str text,
                                            int64_t now_ms);

#endif
