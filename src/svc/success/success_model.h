/* What a language model adds when one is configured: it may choose the tools, and word the answer.
 * What it writes is checked (success_vet.h), for the texts it reads may tell it what to write;
 * tools by the list. Whatever does not hold is left to the planner and the templates inside. Task
 * code. */
#ifndef SVC_SUCCESS_SUCCESS_MODEL_H
#define SVC_SUCCESS_SUCCESS_MODEL_H

#include "svc/success/success_figure.h"
#include "svc/success/success_language.h"
#include "svc/success/success_plan.h"

enum { SUCCESS_MODEL_PLAN_MS = 20000, SUCCESS_MODEL_WORDS_MS = 45000 };

/* Who is asked, and for whom. */
struct success_model {
    struct str provider; /* its configured name */
    struct id run;       /* for the usage rows */
    struct str question;
    struct str account_id, account; /* its name */
    struct success_language language;
    const struct success_sink *sink;
};
/* False: there is no model but the built-in one, its circuit is open, or a guest asks. */
bool success_model_find(struct ctx *c, struct str *out_provider);

/* The plan of a model: known tools only, each once, at most SUCCESS_TOOLS_PER_ASK_MAX, and what the
 * question asks for by name. It is asked once more when its answer breaks the form. E_INCOMPLETE:
 * that did not help; else what models_chat gives. */
enum err success_model_plan(struct ctx *c, const struct success_model *m,
                            const struct success_wish *wish, struct success_plan *out_plan);

/* The parts that a model worded and that hold; NULL or empty is left to the templates. */
struct success_words {
    struct str summary;
    const struct json *actions, *email, *qbr;
    const struct json *notes;       /* about what did not hold */
    enum wording_language language; /* of the notes */
};
/* `actions`: those of the rules. `instruction` may be empty: what the e-mail should be like. */
struct success_wording {
    const struct success_known *known;
    const struct json *actions, *params;
    struct str instruction;
    bool email_only;
};
enum err success_model_words(struct ctx *c, const struct success_model *m,
                             const struct success_wording *w, struct success_words *out_words);

#endif
