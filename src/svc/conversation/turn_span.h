/* A turn in the traces: a span of the run under its job, which is under the request whose message
 * it answers, one per step under that, one per call of a model or a tool under its step (gen_ai.*
 * as OpenTelemetry names them). What people wrote is not in it. Members of a turn_watch whose arg
 * is the turn_span. */
#ifndef SVC_CONVERSATION_TURN_SPAN_H
#define SVC_CONVERSATION_TURN_SPAN_H

#include "agent/turn.h"
#include "base/trace.h"

struct turn_span {
    char parent[TRACE_SPAN_BYTES + 1]; /* of the job, or of the request */
    char span[TRACE_SPAN_BYTES + 1];   /* of the run */
    char step[TRACE_SPAN_BYTES + 1];
    int64_t started_us;
    bool failed;
};

/* `traceparent` is what the request left with its order for a turn. */
void turn_span_begin(struct ctx *c, struct str traceparent, struct turn_span *out);
void turn_span_step_started(struct ctx *c, const struct id *run, const char *node, void *arg);
void turn_span_step_finished(struct ctx *c, const struct turn_step *step, void *arg);
void turn_span_call(struct ctx *c, const struct turn_call *call, void *arg);
void turn_span_ended(struct ctx *c, const struct id *conversation, const struct id *run, void *arg);

#endif
