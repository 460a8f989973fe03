/* A question to the success copilot, from its text to the stored answer: which account, whether it
 * is its job, the plan, the tools, the words. Task code. */
#ifndef SVC_SUCCESS_SUCCESS_ASK_H
#define SVC_SUCCESS_SUCCESS_ASK_H

#include "svc/success/brief.h"
#include "svc/success/success_run.h"

enum {
    SUCCESS_ASK_MAX_CHARS = 2000,
    SUCCESS_ASKS_PER_MINUTE = 60,
    SUCCESS_GUEST_ASKS_PER_DAY = 2000
};

struct success_ask {
    struct id id; /* of the brief; unset: a new one */
    struct str text;
    struct str selected;       /* id or slug of the account chosen beside the question, or empty */
    const struct json *params; /* {tone, language}, or NULL */
    int64_t as_of_ms;          /* 0: now, or the past moment that the text names */
    int64_t tool_ms;           /* 0: SUCCESS_RUN_TOOL_MS */
    const struct success_sink *sink; /* NULL: nobody listens */
};

/* What must hold before anything is begun: the text is 1 to SUCCESS_ASK_MAX_CHARS characters,
 * the parameters are known, the member has not asked too often. E_INVALID names the field
 * (`field`: what the text is called), E_LIMIT says when to come back. */
enum err success_ask_check(struct ctx *c, const struct success_ask *q, const char *field);

/* Answers: tells the events of an ask to its sink but the last, and gives what that is to hold. The
 * brief is made, not kept. A question that is not its job is answered, too. E_NOT_FOUND: the
 * selected account is none of the caller's. */
enum err success_ask(struct ctx *c, const struct success_ask *q, struct brief *out_brief);

/* Once more, what failed or had no data the first time. What was good is taken from `before`,
 * unless what is known of the account has changed meanwhile: then all of it runs, so that no answer
 * is put together from two states. E_CONFLICT: nothing failed. */
enum err success_ask_again(struct ctx *c, const struct success_ask *q, const struct brief *before,
                           struct brief *out_brief);

/* The answer when nothing could be answered: a graceful one, for the fault in c, which is forgiven.
 */
const struct json *success_ask_apology(struct ctx *c, const struct success_ask *q, enum err e);

#endif
