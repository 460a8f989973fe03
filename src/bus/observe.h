/* Told about every job and every event's handler as it ends: for traces. */
#ifndef BUS_OBSERVE_H
#define BUS_OBSERVE_H

#include "base/trace.h"

struct bus;

/* Texts live as long as the call. */
struct observed {
    bool is_job;
    const char *name;  /* the kind, or the consumer */
    const char *topic; /* of a consumer's event; NULL for jobs */
    int attempt;
    char span[TRACE_SPAN_BYTES + 1];
    char parent[TRACE_SPAN_BYTES + 1]; /* of who ordered the job; empty: unknown */
    int64_t started_us, ended_us;      /* steady */
    enum err outcome;
};

/* fn runs on the worker's thread with the handler's ctx: quick, no blocking, no store. Before
 * bus_start; one observer. */
void bus_observe(struct bus *b, void (*fn)(struct ctx *c, const struct observed *o));

/* Inside the bus: around a handler; c's span is the work's from here on. */
void observe_begin(const struct ctx *c, struct observed *o);
void observe_end(struct ctx *c, struct observed *o, enum err outcome);

#endif
