#include "svc/conversation/turn_span.h"

#include <string.h>

#include "host/otlp.h"
#include "host/service.h"

void turn_span_begin(struct ctx *c, struct str traceparent, struct turn_span *out)
{
    char trace[sizeof(c->request_id)];
    *out = (struct turn_span){.started_us = clock_steady_us()};
    memcpy(trace, c->request_id, sizeof(trace));
    bool known = trace_adopt(c, traceparent, out->parent);
    if (!known || strcmp(trace, c->request_id) == 0) {
        /* else the job was ordered again while it ran, by a request of another trace */
        memcpy(out->parent, c->span_id, sizeof(out->parent));
    }
    id_random_hex(out->span, TRACE_SPAN_BYTES / 2);
    memcpy(c->span_id, out->span, sizeof(c->span_id));
}

void turn_span_step_started(struct ctx *c, const struct id *run, const char *node, void *arg)
{
    struct turn_span *t = arg;
    (void)run;
    (void)node;
    id_random_hex(t->step, TRACE_SPAN_BYTES / 2);
    memcpy(c->span_id, t->step, sizeof(t->step));
}

void turn_span_step_finished(struct ctx *c, const struct turn_step *step, void *arg)
{
    struct turn_span *t = arg;
    int64_t now_us = clock_steady_us();
    struct otlp_span span = {
        .trace = c->request_id,
        .span = t->step,
        .parent = t->span,
        .name = str_fmt(c->arena, "step %s", step->node),
        .kind = OTLP_INTERNAL,
        .started_us = now_us - step->duration_ms * 1000,
        .ended_us = now_us,
        .failed = step->outcome != E_OK,
        .attributes = {{"rapport.run_id", id_str(step->run), 0},
                       {"rapport.node", str_of(step->node), 0}},
    };
    if (span.failed) {
        span.attributes[2] =
            (struct otlp_attribute){"error.type", str_of(err_name(step->outcome)), 0};
    }
    t->failed = span.failed;
    otlp_add(host_otlp(c), &span);
    memcpy(c->span_id, t->span, sizeof(t->span));
}

void turn_span_call(struct ctx *c, const struct turn_call *call, void *arg)
{
    const struct turn_span *t = arg;
    struct otlp_span span = {
        .trace = c->request_id,
        .span = call->span,
        .parent = t->step,
        .name = str_fmt(c->arena, "%s %.*s", call->is_tool ? "execute_tool" : "chat",
                        STR_ARG(call->name)),
        .kind = call->is_tool ? OTLP_INTERNAL : OTLP_CLIENT,
        .started_us = call->started_us,
        .ended_us = call->ended_us,
        .failed = strcmp(call->status, "failed") == 0,
    };
    struct otlp_attribute *a = span.attributes;
    if (call->is_tool) {
        *a++ = (struct otlp_attribute){"gen_ai.operation.name", STR("execute_tool"), 0};
        *a++ = (struct otlp_attribute){"gen_ai.tool.name", call->name, 0};
        *a++ = (struct otlp_attribute){"rapport.tool.status", str_of(call->status), 0};
    } else {
        *a++ = (struct otlp_attribute){"gen_ai.operation.name", STR("chat"), 0};
        *a++ = (struct otlp_attribute){"gen_ai.system", call->provider, 0};
        *a++ = (struct otlp_attribute){"gen_ai.request.model", call->name, 0};
        *a++ = (struct otlp_attribute){"gen_ai.usage.input_tokens", {NULL, 0}, call->tokens_in};
        *a++ = (struct otlp_attribute){"gen_ai.usage.output_tokens", {NULL, 0}, call->tokens_out};
    }
    otlp_add(host_otlp(c), &span);
}

void turn_span_ended(struct ctx *c, const struct id *conversation, const struct id *run, void *arg)
{
    const struct turn_span *t = arg;
    struct otlp_span span = {
        .trace = c->request_id,
        .span = t->span,
        .parent = t->parent,
        .name = STR("turn"),
        .kind = OTLP_INTERNAL,
        .started_us = t->started_us,
        .ended_us = clock_steady_us(),
        .failed = t->failed,
        .attributes = {{"gen_ai.operation.name", STR("invoke_agent"), 0},
                       {"rapport.run_id", id_str(run), 0},
                       {"rapport.conversation_id", id_str(conversation), 0},
                       {"rapport.org_id", id_str(&c->org), 0}},
    };
    otlp_add(host_otlp(c), &span);
}
