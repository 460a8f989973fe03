/* The rows behind runs: what a checkpoint writes in its one transaction, and how a run is read
 * back. Inside the graph row; task code. */
#ifndef GRAPH_CHECKPOINT_H
#define GRAPH_CHECKPOINT_H

#include "graph/drive.h"

/* What one finished step adds to a run. Texts are ready before the transaction begins. */
struct checkpoint {
    const char *status; /* of the step: "done", "waiting", "failed", "cancelled" */
    enum err err;       /* of the step */
    struct str error;
    struct str next;
    int64_t duration_ms;
    struct str delta, snapshot, trace, input, output; /* JSON; empty: NULL */
    struct str came;                                  /* what the step was entered with */
    struct str entry;                                 /* what the next step is entered with */
    /* of the run after the step */
    enum run_status run_status;
    int node; /* index, GRAPH_TO_END: of the step itself */
    enum err run_err;
    struct str run_error;
    int limit_seq;
    int64_t now_ms, lease_until_ms;
    int64_t active_ms, tokens_in, tokens_out, cost_microcents;
    /* out */
    bool lost;        /* the fence has moved on: nothing was written */
    bool hook_failed; /* a hook's error undid it */
};

/* Keeps the finished step, with copies of its texts, for the next commit (or fence). */
void checkpoint_hold(struct drive *d, const struct step *s, const struct checkpoint *p);
/* Commits step and run with hooks and journal rows, and the steps held before it. */
enum err checkpoint_commit(struct ctx *c, struct drive *d, struct step *s, struct checkpoint *p);
/* Where the run's row stands now, when a commit was refused or its outcome is unknown. */
enum err checkpoint_standing(struct ctx *c, struct drive *d, enum run_status *out_status,
                             int *out_seq, bool *out_ours);
/* Keeps what a cancelled step had done so far for those who read the run. */
enum err checkpoint_remnant(struct ctx *c, struct drive *d, struct step *s, struct checkpoint *p);

/* The new run's row and its state as checkpoint 0, with the lease when lease_until_ms is not 0, and
 * what the spec hooks on. */
enum err checkpoint_create(struct ctx *c, struct drive *d, const struct run_spec *spec,
                           int64_t lease_until_ms);

/* Notes what checkpoint_create would write, for the next commit (or fence, or cancel). */
enum err checkpoint_defer(struct ctx *c, struct drive *d, const struct run_spec *spec,
                          int64_t lease_until_ms);
/* The run that d drives is cancelled in the store too, unless it has ended. */
enum err checkpoint_cancel(struct ctx *c, struct drive *d);

/* Takes the lease and fills d: run, node, fence, limits, entry, state, counts. E_NOT_FOUND,
 * E_CONFLICT. A run that lost too many drivers is failed here: d->run.status then tells. */
enum err checkpoint_claim(struct ctx *c, struct drive *d, const struct id *run, bool steal);
/* Gives the lease back so that any process can go on at once. `counted`: it made no progress. */
void checkpoint_release(struct ctx *c, struct drive *d, bool counted);

/* Reads a run's row; without state. E_NOT_FOUND. */
enum err checkpoint_run(struct ctx *c, struct store *store, const struct id *run,
                        struct run *out_run);
/* The state after step seq (-1: the last), in `a`; *out_seq the step it is of. */
enum err checkpoint_state(struct ctx *c, struct arena *a, const struct graph *g,
                          const struct id *run, int *seq, const struct json **out_state);

/* Refuses (E_CONFLICT, *out_lost) when another driver or a cancel moved the fence, or the cancel
 * flag is set; renews the lease and saves what is held, in the open transaction. `advances`: the
 * step does what it has not begun before, so drivers that it lost until now were not lost to it. */
enum err checkpoint_fence(struct ctx *c, const struct drive *d, bool advances, bool *out_lost);
/* That transaction was committed. */
void checkpoint_fenced(struct drive *d);
/* Commits what is held, for those who look, before something long. */
enum err checkpoint_flush(struct ctx *c, struct drive *d);

enum err checkpoint_err(struct str name); /* by err_name; E_OK for the empty view */

/* For lists: the columns checkpoint_run_of reads. */
struct run checkpoint_run_of(const struct store_rows *rows, int row);
#define CHECKPOINT_RUN_COLUMNS                                                                     \
    "id, graph, graph_version, thread, version, status, seq, node, wait_kind, wait_name, "         \
    "wait_until_ms, started_at_ms, finished_at_ms, updated_at_ms, active_ms, tokens_in, "          \
    "tokens_out, cost_microcents, error_code, error, parent_id, parent_seq"
enum { CHECKPOINT_RUN_COLUMN_COUNT = 22 };

/* ?1: the run, ?2: now. */
#define CHECKPOINT_CANCEL                                                                          \
    "UPDATE run SET status = 'cancelled', fence = fence + 1, lease_until_ms = 0,"                  \
    " finished_at_ms = ?2, updated_at_ms = ?2, wait_kind = NULL, wait_name = NULL,"                \
    " wait_until_ms = 0, entry = NULL WHERE id = ?1 AND status IN ('running', 'waiting')"

#endif
