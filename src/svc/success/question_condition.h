/* What a question across customers wants of them: "with more than 3 open tickets", "worth over EUR
 * 50,000", "at risk", "owned by Sofia", "in Germany". What it read is marked in the words. Pure. */
#ifndef SVC_SUCCESS_QUESTION_CONDITION_H
#define SVC_SUCCESS_QUESTION_CONDITION_H

#include "svc/success/question_words.h"

enum question_compare {
    QUESTION_ANY, /* not asked */
    QUESTION_OVER,
    QUESTION_LEAST,
    QUESTION_UNDER,
    QUESTION_MOST,
    QUESTION_EXACT,
    QUESTION_BETWEEN
};
struct question_bound {
    enum question_compare compare;
    int64_t n, to; /* `to` of QUESTION_BETWEEN */
};
/* Both ends included; false in out_has_*: open. */
void question_bound_ends(const struct question_bound *b, bool *out_has_least, int64_t *out_least,
                         bool *out_has_most, int64_t *out_most);

struct question_conditions {
    struct question_bound tickets, score, users, arr_cents;
    char currency[4];              /* of arr_cents; empty: any */
    const char *risk, *other_risk; /* "medium" and "high": either; NULL: any */
    bool unscored;
    const char *missing; /* renewal, arr, owner, usage; NULL: none */
    const char *trend;   /* up, flat, down; NULL: any */
    int moved;           /* of the score: -1 fell, 1 rose, 0: not asked */
    /* As the accounts hold them, and as people say them; empty: any */
    struct str stage, plan, owner, owner_name, country, country_name, industry;
};
void question_conditions_read(struct question_words *w, struct question_conditions *out);
/* With what the org's accounts hold ({stages, plans, owners, countries, industries}, and `names`
 * {e-mail: name} of members) and who asks (e-mail, or empty). */
void question_conditions_match(struct question_words *w, const struct json *words, struct str me,
                               struct question_conditions *inout);

#endif
