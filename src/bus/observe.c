#include "bus/observe.h"

#include <string.h>

#include "bus/dispatch.h"

void bus_observe(struct bus *b, void (*fn)(struct ctx *c, const struct observed *o))
{
    b->observer = fn;
}

void observe_begin(const struct ctx *c, struct observed *o)
{
    memcpy(o->span, c->span_id, sizeof(o->span));
    o->started_us = clock_steady_us();
}

void observe_end(struct ctx *c, struct observed *o, enum err outcome)
{
    const struct bus *b = c->at->bus;
    if (b && b->observer) {
        o->ended_us = clock_steady_us();
        o->outcome = outcome;
        b->observer(c, o);
    }
}
