#include "host/work_span.h"

#include "host/otlp.h"
#include "host/service.h"

static void describe(const struct observed *o, struct otlp_attribute *a)
{
    if (o->is_job) {
        *a++ = (struct otlp_attribute){"rapport.job.kind", str_of(o->name), 0};
    } else { /* OpenTelemetry's messaging.* */
        *a++ = (struct otlp_attribute){"messaging.system", STR("rapport"), 0};
        *a++ = (struct otlp_attribute){"messaging.operation.type", STR("process"), 0};
        *a++ = (struct otlp_attribute){"messaging.destination.name", str_of(o->topic), 0};
        *a++ = (struct otlp_attribute){"messaging.consumer.group.name", str_of(o->name), 0};
    }
    *a++ = (struct otlp_attribute){"rapport.attempt", {NULL, 0}, o->attempt};
    if (o->outcome != E_OK) {
        *a = (struct otlp_attribute){"error.type", str_of(err_name(o->outcome)), 0};
    }
}

void work_span_add(struct ctx *c, const struct observed *o)
{
    struct otlp_span span = {
        .trace = c->request_id,
        .span = o->span,
        .parent = o->parent,
        .name = str_fmt(c->arena, "%s %s", o->is_job ? "job" : "process", o->name),
        .kind = OTLP_CONSUMER,
        .started_us = o->started_us,
        .ended_us = o->ended_us,
        .failed = o->outcome != E_OK,
        .attributes = {{"rapport.org_id", id_str(&c->org), 0}},
    };
    describe(o, span.attributes + 1);
    otlp_add(host_otlp(c), &span);
}
