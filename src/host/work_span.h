/* Jobs and handlers of events in the traces: a span each, a job's under what ordered it. */
#ifndef HOST_WORK_SPAN_H
#define HOST_WORK_SPAN_H

#include "bus/observe.h"

/* For bus_observe. */
void work_span_add(struct ctx *c, const struct observed *o);

#endif
