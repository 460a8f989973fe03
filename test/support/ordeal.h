/* An ordeal: of all the calls to the outside (base/mishap.h) that a flow makes, one fails, or the
 * clock jumps at it. And what must be the same afterwards as if it had not. */
#ifndef SUPPORT_ORDEAL_H
#define SUPPORT_ORDEAL_H

#include "base/mishap.h"
#include "codec/json.h"
#include "support/installation.h"

struct ordeal {
    int64_t fails_at; /* the number of the call that fails, from 1; 0: none */
    int64_t jump_ms;  /* not 0: it does not fail, the clock moves by so much */
    struct clock *clock;
    int64_t calls; /* seen so far */
    bool struck;
    bool moot;               /* it hit what can be had once only: the flow cannot go on as before */
    bool opened_twice;       /* a chat, or a fork of a run, that was not answered was begun again */
    enum mishap_place place; /* of the call that failed */
    struct mishap mishap;
};

void ordeal_begin(struct ordeal *o, int64_t fails_at, int64_t jump_ms);
/* From here on nothing is counted and nothing fails: the checks of a test. */
void ordeal_end(struct ordeal *o);
const char *ordeal_place_name(enum mishap_place place);

/* Whether an org still has a job or an event between two tries. */
bool ordeal_unfinished(struct lifecycle *world);

/* What has happened, in numbers: events, messages, runs, tool calls, records and so on of every
 * org. Two runs of a flow that came to the same end have equal facts. */
const struct json *ordeal_facts(struct lifecycle *world, struct arena *a);
/* One line per difference, on standard output. Returns their number. */
int ordeal_compare(const struct ordeal *o, const struct json *before, const struct json *after);

#endif
