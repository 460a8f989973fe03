/* Times in a question across customers: "before March", "Q1 2027", "within 60 days", "last month",
 * "overdue". UTC. What it read is marked in the words. Two are read, of one that closes the other
 * ("after January and before March") the first holds both; a third, and one that is denied, is left
 * out whole. Pure. */
#ifndef SVC_SUCCESS_QUESTION_PERIOD_H
#define SVC_SUCCESS_QUESTION_PERIOD_H

#include "svc/success/question_words.h"

struct question_period {
    int64_t after_ms, before_ms; /* from after_ms to before the other; 0: open */
    bool named;                  /* there is one at all */
    bool denied;                 /* "not in 2027": one is left out */
    bool since;                  /* "since September": it began in the past */
    bool overdue;                /* what should have been before today */
    int first, count;            /* the words of it */
    struct str impossible;       /* "31 February": no such day; empty: none */
};
struct question_periods {
    struct question_period one, other;
};
struct question_periods question_period_read(struct question_words *w, struct str text,
                                             int64_t now_ms);
/* How many words lie between a period and the nearest word of a list, the words before it first;
 * many: there is none in its part of the question. */
int question_period_from(const struct question_words *w, const struct question_period *p,
                         const char *list);

#endif
