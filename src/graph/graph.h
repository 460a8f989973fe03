/* Durable executions: what a graph is. A graph is a const table of nodes and edges over one JSON
 * state; run.h executes it and saves a checkpoint after every node, step.h is what a node may do,
 * journal.h makes its effects happen once. This row knows nothing of models, agents or topics.
 *
 * A node is task code that reads the state, returns a delta and a verdict. Between two checkpoints
 * it may run again (crash, retry), so whatever it does to the world goes through journal_call or
 * step_on_commit. */
#ifndef GRAPH_GRAPH_H
#define GRAPH_GRAPH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/ctx.h"
#include "codec/json.h"
#include "store/store.h"

struct step;
struct graph;

enum {
    GRAPH_NODES_MAX = 64,
    GRAPH_EDGES_MAX = 256,
    GRAPH_FIELDS_MAX = 64,
    GRAPH_STATE_MAX_BYTES =
        4 << 20, /* the state as text; a run that passes it fails with E_TOO_LARGE, or passes */
    GRAPH_STATE_VALUES_MAX = 256 << 10, /* so many values: short ones take many times their text */
    GRAPH_APPEND_MAX = 1000             /* default bound of an appended field */
};

/* What a node says when it returns. Its delta is merged for all but GRAPH_FAIL. */
enum graph_verdict {
    GRAPH_NEXT, /* follow the edges */
    GRAPH_WAIT, /* after step_wait_*: stop here; resumed, the node runs again with step_payload() */
    GRAPH_DONE, /* the run ends well here, whatever the edges say */
    GRAPH_FAIL  /* c->fault tells why; transient errors are tried again up to attempts_max */
};

struct graph_node {
    const char *name;
    enum graph_verdict (*fn)(struct ctx *c, struct step *step);
    int attempts_max;   /* default 1 */
    int64_t backoff_ms; /* before the second attempt, doubled for each more; default 200 */
    int64_t
        timeout_ms; /* one attempt; default 60,000. Also how long a dead process holds the run */
    const char *on_failure; /* node to go on with when all attempts failed; NULL: the run fails */
    /* It changes nothing outside its delta, and does no harm when it runs again on the same state:
     * if it was quick and cost nothing, its checkpoint is saved together with the next one. What
     * has an effect (a journaled call, something on commit) still finds all before it on disk. */
    bool repeatable;
    /* Before it begins, a run that is recorded late (run.h) is on record: others see it, and what
     * it claims is its own. */
    bool recorded;
};

/* The first edge of a node whose condition holds and that was not yet taken times_max times in this
 * run is followed. The last edge of every node must be unconditional and unbounded. A loop such as
 * validate -> generate is one edge with `when` and times_max, followed by the edge to take after
 * it. */
struct graph_edge {
    const char *from;
    const char *to;                         /* a node or GRAPH_END */
    bool (*when)(const struct json *state); /* pure; NULL: always */
    int times_max;                          /* 0: unbounded */
};
#define GRAPH_END "END"

/* How a delta's value joins the state's. null in a delta resets the field, whatever its rule. */
enum graph_rule {
    GRAPH_REPLACE,
    GRAPH_APPEND,  /* an array is joined, anything else becomes one element; oldest fall out */
    GRAPH_ADD,     /* numbers */
    GRAPH_MERGE,   /* objects, RFC 7396 */
    GRAPH_KEEP_MAX /* numbers */
};
struct graph_field {
    const char *name;
    enum graph_rule rule;
    int items_max; /* GRAPH_APPEND; default GRAPH_APPEND_MAX */
};

/* 0 means the default in brackets; counters come from step_spend. */
struct graph_limits {
    int steps_max;               /* [64] */
    int64_t active_ms_max;       /* [600,000] time spent in nodes; waiting is free */
    int64_t tokens_max;          /* [none] */
    int64_t cost_microcents_max; /* [none] */
};

/* Arrays end with a name of NULL. Deltas may only write declared fields. */
struct graph_table {
    const char *name;    /* stays in stored runs: never rename */
    const char *version; /* recorded with every run */
    const char *start;
    const struct graph_node *nodes;
    const struct graph_edge *edges;
    const struct graph_field *fields;
    struct graph_limits limits;
    /* Where a run goes, once, when a limit is passed, to end politely (at most 8 steps); NULL: it
     * fails with E_LIMIT. */
    const char *on_limit;
};

/* Checks the table once at start-up: unknown or double names, unreachable nodes, a node from which
 * no path leads to END, a last edge with a condition. E_INVALID names the node. `table` is kept by
 * reference. */
enum err graph_compile(struct ctx *c, const struct graph_table *table, struct graph **out_graph);
void graph_free(struct graph **g);
const struct graph_table *graph_table_of(const struct graph *g);

/* The state after `delta` under the table's rules. Pure but for the fault: E_INTERNAL for an
 * undeclared field or a value its rule cannot take. */
enum err graph_merge(struct ctx *c, const struct graph *g, const struct json *state,
                     const struct json *delta, const struct json **out_state);

/* Tables run, checkpoint, tool_call. */
extern const struct migration graph_migrations[];

#endif
