/* What a question about one account asks for in particular, answered in its first sentence: "How
 * many seats does Nordvik have?", "Who owns Globex?", "What would the score be with 5 tickets?" */
#ifndef SVC_SUCCESS_SUCCESS_DIRECT_H
#define SVC_SUCCESS_SUCCESS_DIRECT_H

#include "svc/success/success_facts.h"
#include "svc/success/success_plan.h"

struct success_direct {
    struct str first;           /* a sentence or several; empty: nothing in particular is asked */
    const struct json *figures; /* of it, like those of success_figures */
};
struct success_direct_question {
    struct str text;
    const struct json *quotes; /* names in it, which ask for nothing */
    const struct success_wish *wish;
    const struct success_facts *facts;
    int64_t as_of_ms; /* 0: now */
};
/* Task code; what cannot be found is left out. */
struct success_direct success_direct_of(struct ctx *c, const struct success_direct_question *q);

#endif
