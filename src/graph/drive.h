/* Inside the graph row: a compiled graph, a run while a thread drives it, and a step while its node
 * runs. Nothing here is for other rows. */
#ifndef GRAPH_DRIVE_H
#define GRAPH_DRIVE_H

#include <stdatomic.h>

#include "base/buf.h"
#include "graph/graph.h"
#include "graph/journal.h"
#include "graph/run.h"
#include "graph/step.h"

enum {
    DRIVE_STEP_ARENA_BYTES = 256 << 20,  /* all a node may allocate */
    DRIVE_STATE_ARENA_BYTES = 512 << 20, /* states and deltas of a run, compacted long before */
    DRIVE_COMPACT_BYTES = 8 << 20,
    DRIVE_SNAPSHOT_MIN_BYTES = 16384, /* deltas below this never force a snapshot */
    DRIVE_GRACE_STEPS = 8,            /* after on_limit */
    DRIVE_BACKOFF_MAX_MS = 30000,
    DRIVE_HELD_MAX = 8,               /* steps saved with the next one */
    DRIVE_HELD_STEP_MS = 100,         /* a longer one is saved at once */
    DRIVE_HELD_MAX_BYTES = 256 << 10, /* of delta, trace and summaries of one step */
    DRIVE_HELD_SLACK_MS = 1000        /* of the first lease, for the steps it may hold */
};
enum { GRAPH_NOWHERE = -1, GRAPH_TO_END = -2 };

struct graph {
    const struct graph_table *table;
    int node_count, edge_count, field_count;
    int start, on_limit;             /* node indexes; GRAPH_NOWHERE */
    int on_failure[GRAPH_NODES_MAX]; /* per node */
    int from[GRAPH_EDGES_MAX];       /* per edge */
    int to[GRAPH_EDGES_MAX];         /* per edge; GRAPH_TO_END */
};
int graph_node_named(const struct graph *g, struct str name); /* GRAPH_NOWHERE */

/* graph_merge into an arena of its own choice; the reason of a failure goes to c->fault. */
enum err graph_merge_into(struct ctx *c, struct arena *a, const struct graph *g,
                          const struct json *state, const struct json *delta,
                          const struct json **out_state);

/* A run this process drives now: on the driving thread's stack, linked into struct runs. */
struct inflight {
    struct id run;
    struct id org;
    bool in_memory; /* the flag is all there is to cancel it */
    atomic_bool cancel;
    struct inflight *next;
};

/* A tool call as the step knows it. `dirty`: not in the store as it is. */
struct journal_entry {
    struct journal_call call;
    struct str hash; /* of name, call_id and arguments */
    enum journal_effect effect;
    int ordinal; /* in its step; part of the id */
    bool taken;  /* asked for in this attempt */
    bool dirty;
    bool stored;   /* a row exists */
    bool in_doubt; /* its commit gave no answer */
};

struct step_hook {
    enum err (*fn)(struct ctx *c, struct store *store, void *arg);
    void *arg;
};

/* One step, across its attempts; what an attempt says is cleared before the next. */
struct step {
    struct drive *drive;
    int node;
    int seq;
    int attempt;
    int64_t started_at_ms, started_us;
    int64_t tokens_in, tokens_out, cost_microcents; /* failed attempts cost too */
    struct buf trace;                               /* JSON array, closed when it is saved */
    struct json_out trace_out;
    int trace_cut;
    struct journal_entry *entries[JOURNAL_CALLS_MAX]; /* in the drive's arena */
    int entry_count;
    bool entries_loaded; /* rows that an earlier driver left have been read */
    /* of the attempt, in its ctx's arena */
    struct arena *arena;
    const struct json *delta;
    struct step_hook hooks[STEP_ON_COMMIT_MAX];
    int hook_count;
    bool hooks_over;
    const struct json *input, *output;
    const char *wait_kind; /* NULL: the node asked for no wait */
    struct str wait_name;
    int64_t wait_until_ms;
};

/* A finished step whose rows wait for the next commit. */
struct held;

struct drive {
    struct ctx *c;
    struct runs *runs;
    const struct graph *graph;
    const struct run_driver *driver;
    struct store *store;           /* NULL in memory */
    const struct run_spec *unborn; /* its rows are written with the next commit; NULL: they are */
    struct str first_state, first_node; /* of the unborn */
    struct inflight inflight;
    struct run run; /* texts in `c` */
    int64_t fence;
    int stored_seq;         /* the run's row says so; run.seq is ahead of it by what is held */
    int64_t lease_until_ms; /* likewise */
    struct held *held, *last_held; /* in `arena`, in order */
    int held_count;
    int node; /* to run next */
    struct graph_limits limits;
    int limit_seq; /* the step at which a limit was passed; 0: none */
    int recoveries;
    const struct json *entry; /* {"payload","failure"} of the next step, or NULL */
    const struct json *state;
    struct arena *arena;   /* state, entry, calls; replaced when it has grown */
    size_t snapshot_bytes; /* of the last snapshot */
    size_t since_bytes;    /* of deltas after it */
    int since_steps;
    int taken[GRAPH_EDGES_MAX]; /* how often each edge was followed */
    size_t compact_at_bytes;
    bool fresh; /* no earlier driver can have left journal rows of the next step */
    bool replay;
    const struct json *recorded; /* replay: the original step's trace */
};

/* Claims the run and drives it; see run_drive. `steal` ignores its lease. */
enum err drive_stored(struct ctx *c, struct runs *r, const struct id *run, bool steal,
                      const struct run_driver *driver, struct run *out_run);
/* Records a new run (or keeps it in memory) and drives it. */
enum err drive_new(struct ctx *c, struct runs *r, const struct run_spec *spec,
                   const struct run_driver *driver, struct run *out_run);
/* Fills run, state, node and limits of a new run. */
enum err drive_prepare(struct drive *d, const struct run_spec *spec);
/* Runs one attempt of a node: the verdict, and what is wrong with the attempt in c->fault. */
enum graph_verdict drive_attempt(struct ctx *c, struct drive *d, struct step *s);
/* The edge to follow in `state`, or -1 when none holds (not in a compiled graph). */
int drive_edge(const struct drive *d, const struct json *state);
void drive_open(struct drive *d, struct ctx *c, struct runs *r, const struct graph *g);
void drive_close(struct drive *d);

/* How long a lease covers the node: all its attempts, back-offs and slack. */
int64_t drive_lease_ms(const struct graph_node *node);
/* Before the n-th attempt (n >= 2). */
int64_t drive_backoff_ms(const struct graph_node *node, int attempt);

/* Writes what the journal holds back: rows marked dirty. Inside a transaction. */
enum err journal_save(struct ctx *c, struct store *store, struct step *s);
void journal_saved(struct step *s); /* after the commit */
/* Starts an attempt: calls of the one before may be asked for again. */
void journal_attempt(struct step *s);

/* The graph of that name, or NULL. */
const struct graph *runs_graph(const struct runs *r, struct str name);
void *runs_arg(const struct runs *r);
/* False: another thread of this process drives it. */
bool runs_enter(struct runs *r, struct inflight *f);
void runs_leave(struct runs *r, struct inflight *f);
bool runs_drives(struct runs *r, const struct id *run);
/* Sets the cancel flag of a run of c's org that is driven here; `only_memory`: of one that is never
 * stored. False: none was. */
bool runs_flag(struct ctx *c, struct runs *r, const struct id *run, bool only_memory);

#endif
