/* What a question about one account asks for, and with which tools it is answered. A plan is what
 * is shown and what is executed; nothing else decides. Pure. */
#ifndef SVC_SUCCESS_SUCCESS_PLAN_H
#define SVC_SUCCESS_SUCCESS_PLAN_H

#include "codec/json.h"
#include "svc/success/success_tool.h"
#include "svc/success/wording.h"

enum success_task {
    SUCCESS_OVERVIEW, /* nothing in particular */
    SUCCESS_HEALTH,
    SUCCESS_RENEWAL,
    SUCCESS_QBR,
    SUCCESS_EMAIL,
    SUCCESS_CHURN,
    SUCCESS_USAGE,
    SUCCESS_TICKETS,
    SUCCESS_CONTRACT,
    SUCCESS_TASK_COUNT
};
const char *success_task_name(enum success_task t);

/* All that the question asks for; a question may want several things at once. */
struct success_wish {
    uint32_t tasks;          /* bits 1 << enum success_task; never 0 */
    enum success_task first; /* the one that gives the answer its name: the first that is mentioned,
                              * an e-mail only when nothing else is */
    bool contacts;           /* asks who somebody is */
    enum wording_language language; /* in which reasons are told; the caller's to set */
};
/* `quotes`: parts of the text that are names (an array of texts, or NULL); their words ask for
 * nothing. Whole words in any case, "check-in" and "e-mail" too. */
struct success_wish success_wish_of(struct arena *a, struct str text, const struct json *quotes);

struct success_step {
    const struct success_tool *tool;
    struct str reason; /* one sentence */
};

struct success_plan {
    enum success_task task;
    const char *source; /* "builtin" or "model" */
    struct str summary;
    int count;
    struct success_step steps[SUCCESS_TOOLS_PER_ASK_MAX]; /* each tool at most once */
    uint32_t left_out; /* bits of tools that were wanted and are one too many */
};

/* The plan that needs no model: the tools of all its tasks together. What is asked for by name goes
 * before what would only be nice to know when that is more than SUCCESS_TOOLS_PER_ASK_MAX. */
void success_plan_make(const struct success_wish *wish, struct success_plan *out_plan);
/* What a plan of a task, and a tool in it, are for, in the planner's own words. */
const char *success_plan_summary(enum wording_language l, enum success_task t);
const char *success_plan_reason(enum wording_language l, const struct success_tool *tool);
/* Adds a tool, unless it is there. False: there is no room. */
bool success_plan_add(struct success_plan *plan, const struct success_tool *tool,
                      struct str reason);
/* What the question asks for by name is in the plan of a model too, in place of its last steps when
 * there is no room. */
void success_plan_complete(struct success_plan *plan, const struct success_wish *wish);

/* [{step, tool, reason}] */
const struct json *success_plan_steps(struct arena *a, const struct success_plan *plan);

#endif
