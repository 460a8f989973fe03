/* Guardrails: what goes to a model, what comes back, and what a tool is given. Pure. Every finding
 * is a text for the trace; those of answers are also told to the model when it tries again. */
#ifndef AGENT_GUARD_H
#define AGENT_GUARD_H

#include "base/arena.h"
#include "base/str.h"
#include "codec/json.h"

enum { GUARD_ANSWER_MAX_BYTES = 6000, GUARD_FINDINGS_MAX = 8 };

struct guard_findings {
    int count;
    int unsupported; /* of them: facts without a source */
    struct str items[GUARD_FINDINGS_MAX];
};

/* What the contact wrote, as a model may see it: card numbers, secrets and bank accounts replaced.
 */
struct str guard_input(struct arena *a, struct str text);
/* Whether the text tries to give the agent orders ("ignore your instructions"): it is then marked
 * for the model as content, not instruction. */
bool guard_is_injection(struct str text);

/* Where an answer's facts may come from. */
struct guard_sources {
    struct str system;       /* the prompt: its facts are known, its text is not for the contact */
    const struct str *texts; /* what the contact and colleagues wrote, passages */
    int text_count;
    const struct json *const *values; /* tool results */
    int value_count;
    int64_t now_ms;
};

/* Checks an answer before it is sent: length, encoding, no secrets, no system prompt, and every
 * number, date, price and identifier found in a source. */
void guard_answer(struct arena *a, struct str answer, const struct guard_sources *sources,
                  struct guard_findings *out_findings);

#endif
