/* Executing graphs. A run belongs to a thread key (a conversation) and moves from checkpoint to
 * checkpoint: after every node its delta, the run's row and whatever the node hooked on are
 * committed in one transaction (quick, repeatable nodes together with the next). One process at a
 * time drives a run: it holds a lease with a fencing number, and every commit is refused once the
 * number has moved on. A process that dies leaves a lease that expires, and any process continues
 * from the last checkpoint. Task code; the calling thread drives. */
#ifndef GRAPH_RUN_H
#define GRAPH_RUN_H

#include "graph/graph.h"

enum {
    RUN_SNAPSHOT_STEPS = 16,   /* a full snapshot at least every so many steps */
    RUN_RECOVERIES_MAX = 5,    /* drivers lost at one step, or call of it, before the run fails */
    RUN_LEASE_SLACK_MS = 10000 /* on top of the node's timeouts and back-offs */
};

enum run_status { RUN_RUNNING, RUN_WAITING, RUN_DONE, RUN_FAILED, RUN_CANCELLED };
const char *run_status_name(enum run_status s); /* "running" ... */

/* The process's graphs and the runs it drives now. Any thread. `graphs` ends with NULL and is kept
 * by reference; `arg` is step_arg() for runs that run_recover drives. */
struct runs;
struct runs *runs_new(const struct graph *const *graphs, void *arg);
void runs_free(struct runs **r);

/* Told while a run is driven, on the driving thread; every member may be NULL. Quick, no
 * blocking. */
struct run_watch {
    void (*on_step_started)(struct ctx *c, const struct id *run, int seq, const char *node,
                            void *arg);
    void (*on_step_finished)(struct ctx *c, const struct id *run, int seq, const char *node,
                             enum err outcome, int64_t duration_ms, void *arg);
    void (*on_piece)(struct ctx *c, const struct id *run, struct str text, void *arg);
    void (*on_ended)(struct ctx *c, const struct id *run, enum run_status status, void *arg);
    void *arg;
};
struct run_driver {
    const struct run_watch *watch; /* NULL: none */
    void *arg;                     /* step_arg(); nothing of it is stored */
};

struct run_spec {
    const struct graph *graph;
    struct id id;               /* unset: made; E_CONFLICT when there is a run of this id */
    struct str thread;          /* key, at most 128 bytes */
    const struct json *input;   /* the first state: an object of declared fields; NULL: {} */
    struct str version;         /* at most 128 bytes, such as "agent-slug v3" */
    struct graph_limits limits; /* tighter ones than the table's; 0: the table's */
    bool in_memory;             /* no rows, no waits, no resume: benchmarks, copilots */
    /* In the transaction that records the run; its error undoes that and is returned. */
    enum err (*on_create)(struct ctx *c, struct store *store, void *arg);
    void *on_create_arg;
    /* The run is recorded with the first of its commits that has an effect or precedes something
     * long, in that transaction, on_create too. Until then nothing of it outlives the process: who
     * orders the run orders it again. Of run_start only. */
    bool late;
};

/* A run as it stands. Texts lie in the arena of the ctx that asked. */
struct run {
    struct id id;
    struct str graph;
    struct str graph_version;
    struct str thread;
    struct str version;
    enum run_status status;
    int seq;                         /* finished steps */
    struct str node;                 /* the next or waiting node; of the last step when ended */
    struct str wait_kind, wait_name; /* RUN_WAITING: "person", "timer" or "event" */
    int64_t wait_until_ms;           /* 0: no time-out */
    int64_t started_at_ms, finished_at_ms, updated_at_ms;
    int64_t active_ms;
    int64_t tokens_in, tokens_out, cost_microcents;
    enum err err; /* RUN_FAILED */
    struct str error;
    struct id parent; /* forked from, at parent_seq; unset when not */
    int parent_seq;
    const struct json *state; /* set by run_start, run_resume, run_drive and run_get */
};

/* Records the run and drives it until it ends or waits. E_OK whatever way it ended: see
 * out_run->status; errors mean that this process could not go on: E_TIMEOUT and E_CANCELLED of c
 * itself (the run stays running, without lease, and run_recover continues it), store errors,
 * E_CONFLICT another process took it over, E_INVALID the input. */
enum err run_start(struct ctx *c, struct runs *r, const struct run_spec *spec,
                   const struct run_driver *driver, struct run *out_run);
/* Only records it, inside the caller's transaction when one is open; run_drive or run_recover goes
 * on. */
enum err run_create(struct ctx *c, struct runs *r, const struct run_spec *spec, struct id *out_run);
/* Claims and drives a running run nobody drives. E_CONFLICT: waiting, ended, or driven
 * elsewhere. */
enum err run_drive(struct ctx *c, struct runs *r, const struct id *run,
                   const struct run_driver *driver, struct run *out_run);

/* The same where the process that last drove it is known to be dead or to have lost the work (the
 * lease of the job that drives it, say), so that its lease need not run out. E_CONFLICT also when
 * this process drives it. */
enum err run_take_over(struct ctx *c, struct runs *r, const struct id *run,
                       const struct run_driver *driver, struct run *out_run);

/* What a waiting run waited for. */
struct run_signal {
    const char *kind;        /* "person" or "event": must be what it waits for */
    struct str name;         /* likewise */
    const struct json *data; /* for the node; at most 256 KiB as text */
};
/* Marks a waiting run to go on, inside the caller's transaction when one is open; at most one of
 * many callers succeeds. E_NOT_FOUND, E_CONFLICT: it does not wait for that. */
enum err run_deliver(struct ctx *c, struct runs *r, const struct id *run,
                     const struct run_signal *signal);
/* run_deliver and run_drive. */
enum err run_resume(struct ctx *c, struct runs *r, const struct id *run,
                    const struct run_signal *signal, const struct run_driver *driver,
                    struct run *out_run);

/* Runs that want a driver now: lost lease, delivered signal, timer or time-out due. `all_leases`:
 * at the start of an installation's only process every lease is of a dead one. At most `max` ids,
 * oldest first, in c's arena. */
enum err run_due(struct ctx *c, struct runs *r, bool all_leases, int max, const struct id **out_ids,
                 int *out_count);
/* Drives what run_due lists, one after the other; a run that fails does not stop the others. */
enum err run_recover(struct ctx *c, struct runs *r, bool all_leases, int max, int *out_driven);

/* Ends it: at once when it waits or nobody drives it; else its node's ctx is cancelled (at once in
 * this process, else at its next checkpoint) and no later step's checkpoint commits. Ended runs:
 * E_CONFLICT. A run that is not recorded yet (`late`) is found in the process that drives it only:
 * it is recorded as cancelled a moment later. */
enum err run_cancel(struct ctx *c, struct runs *r, const struct id *run);

/* Whether this process drives a run of c's org, which then may not be recorded yet: asked before
 * run_get, it is not lost between the two. */
bool run_is_driven(struct ctx *c, struct runs *r, const struct id *run);

/* A new run that stands where the old one stood after step `seq` (0: before the first), its state
 * changed by the RFC 7396 patch when one is given. Not driven yet. Calls of later steps are made
 * anew. */
enum err run_fork(struct ctx *c, struct runs *r, const struct id *run, int seq,
                  const struct json *patch, struct id *out_run);

/* Runs the nodes of an ended run again on what was stored: tool calls answered from the journal,
 * nothing committed, and compares each delta. `steps` (array):
 * {seq,node,same,expected,got,error?}. */
struct run_replay {
    int step_count;
    int same_count;
    const struct json *steps;
};
enum err run_replay(struct ctx *c, struct runs *r, const struct id *run,
                    const struct run_driver *driver, struct run_replay *out_replay);

/* Reading. E_NOT_FOUND. */
enum err run_get(struct ctx *c, struct runs *r, const struct id *run, struct run *out_run);
enum err run_state_at(struct ctx *c, struct runs *r, const struct id *run, int seq,
                      const struct json **out_state);
/* Newest first, without states; `thread` empty: all. before: NULL or the last id of the page
 * before. */
enum err run_list(struct ctx *c, struct str thread, const struct id *before, int max,
                  const struct run **out_runs, int *out_count);

/* One finished step. `delta`, `trace` ([{kind,at,data}]), `input`, `output` may be NULL. */
struct run_step {
    int seq;
    struct str node;
    struct str
        next; /* the node to follow (itself when it waits), "END", or empty: the run failed */
    struct str status; /* "done", "waiting", "failed" */
    enum err err;
    struct str error;
    int attempt;
    int64_t started_at_ms;
    int64_t duration_ms;
    const struct json *delta;
    const struct json *trace;
    const struct json *input;
    const struct json *output;
};
enum err run_steps(struct ctx *c, const struct id *run, int after_seq, int max,
                   const struct run_step **out_steps, int *out_count);

/* Retention: forgets checkpoints and calls of runs that ended before checkpoints_before_ms, and
 * whole runs that ended before runs_before_ms; at most `max` runs a call. */
enum err run_expire(struct ctx *c, int64_t checkpoints_before_ms, int64_t runs_before_ms, int max,
                    int *out_expired);
/* Every trace of a thread's runs (erasure of personal data); one that is driven now stops at its
 * next checkpoint. */
enum err run_erase(struct ctx *c, struct str thread, int *out_erased);

#endif
