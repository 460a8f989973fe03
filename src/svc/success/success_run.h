/* Runs the tools of a plan, side by side where threads are free: each with a deadline, once more
 * after a moment when it failed, not at all while its circuit is open, and with its last good
 * answer in its place when there is one, labelled with its age. Whatever happens, every tool that
 * is told as started is told as ended. Task code. */
#ifndef SVC_SUCCESS_SUCCESS_RUN_H
#define SVC_SUCCESS_SUCCESS_RUN_H

#include "svc/success/success_plan.h"

enum {
    SUCCESS_RUN_TOOL_MS = 5000,      /* one attempt */
    SUCCESS_RUN_PAUSE_MS = 200,      /* before the second; up to half as much again by chance */
    SUCCESS_RUN_FAILURES_MAX = 5,    /* in SUCCESS_RUN_OPEN_MS open the circuit of a tool */
    SUCCESS_RUN_OPEN_MS = 30 * 1000, /* then one attempt may try again */
    SUCCESS_RUN_KEPT_MS = 86400000   /* how old an answer may be that stands in */
};

/* Where the events of an ask go. Called on any thread, one at a time; `data` lives for the call. */
struct success_sink {
    void (*tell)(struct ctx *c, const char *event, const struct json *data, void *arg);
    /* The asker is gone, or asks something else by now. May be NULL. */
    bool (*gone)(struct ctx *c, void *arg);
    void *arg;
};

struct success_result {
    const struct success_tool *tool;
    const struct json *data;  /* camelCase; NULL: there is none */
    bool ok;                  /* answered now */
    bool reused;              /* of an earlier run that had no need to run again */
    bool cached;              /* it failed, and `data` is its last good answer */
    int64_t stale_since_ms;   /* of that */
    struct str code, message; /* when not ok: TIMEOUT, TOOL_FAILURE, MISSING_DATA, BAD_SHAPE,
                               * CIRCUIT_OPEN, CANCELLED ... */
    int64_t took_us;
    int attempts;
};

struct success_run {
    const struct success_plan *plan;
    struct str account; /* its id */
    int64_t as_of_ms;   /* 0: now */
    const struct json *params;
    int64_t tool_ms; /* 0: SUCCESS_RUN_TOOL_MS */
    const struct success_sink *sink;
};

/* Fills out_results[plan->count], in the order of the plan, in c's arena. */
void success_run_tools(struct ctx *c, const struct success_run *run,
                       struct success_result *out_results);

/* Sends one event, an object, with its texts masked; request_id is added. `sink` may be NULL or
 * tell nobody. */
void success_run_tell(struct ctx *c, const struct success_sink *sink, const char *event,
                      const struct json *data);
/* Milliseconds with one digit behind the point. */
const struct json *success_run_ms(struct arena *a, int64_t us);
/* Tool data in the names of the rest of the API: snake_case, but for healthScore. */
const struct json *success_run_snake(struct arena *a, const struct json *data);

#endif
