/* Writes of many requests in one transaction of their org's store. Whoever adds the first leads:
 * takes what has gathered, writes and commits it, tells each, and goes on with what came meanwhile.
 * So a group is as large as the disk is slow, and nobody but the leader waits for it. */
#ifndef HOST_BATCH_H
#define HOST_BATCH_H

#include "base/ctx.h"
#include "store/store.h"

enum { BATCH_MAX = 128, BATCH_GROUPS_MAX = 16 /* led by one thread in a row */ };

struct batch;

/* Lies in c's arena, and belongs to the batch until `done` is called. */
struct batch_work {
    struct batch_work *next;
    struct ctx *c; /* of its own; the org is c->org */
    enum err (*write)(struct ctx *c, struct store *s, void *arg);
    void (*done)(struct ctx *c, enum err e, void *arg); /* once; c->fault says why */
    void *arg;
};

struct batch *batch_new(void);
/* Everything was done before. */
void batch_free(struct batch **b);

/* Any task. May do the work itself before it returns, and that of others. */
void batch_add(struct batch *b, struct batch_work *w);

#endif
