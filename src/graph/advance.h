/* From what a node said to what is stored, and from what was stored to where the drive stands: one
 * step forward, planned before its commit and applied after it. Inside the graph row. */
#ifndef GRAPH_ADVANCE_H
#define GRAPH_ADVANCE_H

#include "graph/checkpoint.h"

enum {
    ADVANCE_DEPTH_MAX = JSON_DEPTH_MAX - 4 /* of a delta: the state around it is read back too */
};

struct advance {
    struct drive *d;
    struct step *s;
    struct checkpoint p; /* to be committed */
    const struct json *state;
    const struct json *entry; /* of the next step */
    int edge;                 /* followed; -1: none */
    size_t delta_bytes, snapshot_bytes;
};

/* Plans are made in c, the attempt's ctx, whose arena holds the texts; state and entry are in the
 * drive's. Errors are the node's: E_INTERNAL, E_TOO_LARGE. */
enum err advance_plan(struct ctx *c, struct advance *a, enum graph_verdict verdict);
/* The node failed for good with c->fault: on with on_failure, or the run fails. */
void advance_plan_failure(struct ctx *c, struct advance *a);
/* The run was cancelled while the node ran. */
void advance_plan_remnant(struct ctx *c, struct advance *a);
/* It is on disk: the drive follows. */
void advance_apply(const struct advance *a);

bool advance_is_deeper(const struct json *v, int most);

#endif
