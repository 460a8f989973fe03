/* An ordeal: of all the calls to the outside (base/mishap.h) that a flow makes, one fails, or the
 * clock jumps at it. And what must be the same afterwards as if it had not. */
#ifndef SUPPORT_ORDEAL_H
#define SUPPORT_ORDEAL_H

#include "base/mishap.h"
#include "codec/json.h"
#include "support/installation.h"

/* Which call it is: the n-th of its kind in its step. A step is a request or a drain, with what is
 * done again in it. What fails elsewhere in a flow changes the number of a call, and not that. */
struct ordeal_call {
    int step; /* from 1 */
    bool drain;
    uint32_t kind; /* its place and, of a statement, which one */
    int nth;       /* from 1 */
    bool failed;
};

enum { ORDEAL_KINDS = 1024 };

struct ordeal {
    int64_t fails_at;           /* the number of the call that fails, from 1; 0: none */
    struct ordeal_call *volley; /* NULL, or the calls that fail, by steps. Those are marked */
    int volley_count;
    int64_t jump_ms; /* not 0: it does not fail, the clock moves by so much */
    int64_t
        behind_ms; /* it was set back by so much, and what is due waits until it is there again */
    struct clock *clock;
    int64_t calls;            /* seen so far */
    struct ordeal_call *seen; /* NULL, or where they are noted */
    int seen_max;
    int step; /* the present one */
    bool drain;
    struct {
        uint32_t kind;
        int count;
    } kinds[ORDEAL_KINDS]; /* of its calls; a hash table */
    uint32_t statement;    /* that is asked about; 0: it is none */
    int hits;              /* calls that failed so far */
    bool struck;
    bool moot;               /* it hit what can be had once only: the flow cannot go on as before */
    bool opened_twice;       /* a chat, or a fork of a run, that was not answered was begun again */
    enum mishap_place place; /* of the call that failed */
    struct mishap mishap;
};

void ordeal_begin(struct ordeal *o, int64_t fails_at, int64_t jump_ms);
/* A request begins, or a drain. NULL: nothing to do. */
void ordeal_step(struct ordeal *o, bool drain);
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
