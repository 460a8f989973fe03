/* The answer to a question, out of what the tools found: wording, notes on what is missing, and the
 * whole in one object. Deterministic: the same findings give the same answer. Pure. */
#ifndef SVC_SUCCESS_SUCCESS_COMPOSE_H
#define SVC_SUCCESS_SUCCESS_COMPOSE_H

#include "svc/success/success_figure.h"
#include "svc/success/success_plan.h"

/* One sentence for each thing known, without what is not. */
struct str success_compose_summary(struct arena *a, const struct success_known *k,
                                   const struct success_wish *wish);

/* A note {code, text} more. */
const struct json *success_compose_note(struct arena *a, const struct json *notes, const char *code,
                                        struct str text);
/* What failed, what is old, what is not known, what was left out: added to `notes`. */
const struct json *success_compose_gaps(struct arena *a, const struct json *notes,
                                        const struct success_known *k,
                                        const struct success_plan *plan,
                                        const struct success_result *results);

/* Everything an answer is made of; what is NULL or empty is null in it. */
struct success_final {
    struct id id;
    struct str request_id, question;
    const char *scope; /* account, portfolio, refused, which_account, failed */
    enum wording_language language;
    const char *task;
    const char *plan_source;
    struct str plan_hint;
    struct str summary;
    struct success_known *known; /* NULL: no account */
    const struct success_plan *plan;
    const struct success_result *results; /* plan->count of them */
    const struct json *actions, *email_draft, *qbr, *table, *notes;
    const struct json *candidates; /* [{id, slug, name}], of which_account; or NULL */
    int64_t as_of_ms;              /* 0: of now */
    int64_t planning_us, tools_us, total_us;
    int64_t created_at_ms;
};
const struct json *success_compose_final(struct arena *a, const struct success_final *f);

#endif
