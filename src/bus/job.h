/* Durable jobs and schedules: work that must happen later, survives a restart and runs on one
 * process at a time. A job is a row of the org's `job` table. Kinds are const tables registered
 * before bus_start. Task code.
 *
 * Times follow ctx's clock: when a test moves it (bus_clock_moved), what became due runs at
 * once. A job that fails is tried again after back-off (backoff_ms, doubled each time, at most
 * an hour); E_INVALID and E_NOT_FOUND are final. After its last try it is dead: kept, listed,
 * can be revived. A job that is done leaves no row. At least once: a process that dies mid-job
 * leaves it to another when its lease runs out; job_finish() in the handler's own transaction
 * makes it effectively once. */
#ifndef BUS_JOB_H
#define BUS_JOB_H

#include <stdbool.h>
#include <stdint.h>

#include "base/ctx.h"
#include "codec/json.h"
#include "io/workers.h"
#include "store/store.h"

enum { JOB_PAYLOAD_MAX_BYTES = 64 << 10, JOB_KEY_MAX_BYTES = 200, JOB_PAGE_MAX = 200 };

struct job {
    struct id id;
    const char *kind;
    int64_t run_at_ms;
    const struct json *payload;
    struct str unique_key; /* empty: none */
    int attempt;           /* from 1 */
    bool finished;         /* by job_finish */
};

struct job_kind {
    const char *kind; /* "identity_invitation_expiry"; NULL ends a table */
    enum err (*run)(struct ctx *c, struct job *job);
    enum worker_lane lane; /* LANE_REQUEST for work a person waits for */
    int tries;             /* 0: 5 */
    int backoff_ms;        /* 0: 1,000 */
    int timeout_ms;        /* the longest time between job_beat()s; 0: 60,000 */
};

/* Recurring: `kind` runs once per period in every org (or once in the system store). A period
 * that was missed is run once, late. */
struct job_schedule {
    const char *kind;       /* NULL ends a table */
    enum store_scope scope; /* which stores have it */
    int64_t every_ms;       /* 0: daily */
    int daily_at_min;       /* minute of the UTC day */
    bool at_start;          /* and once when a process first opens the store */
};

/* What happens when a job of this kind and unique_key exists. While it runs, all of them make it
 * run once more afterwards with the new payload, so nothing that came in meanwhile is missed. */
enum job_merge {
    JOB_KEEP, /* the earlier run_at wins, newest payload */
    JOB_MOVE  /* run_at is replaced: debounce, or move a timer */
};

struct job_order {
    const char *kind;
    int64_t run_at_ms;          /* 0: now */
    const struct json *payload; /* NULL: {} */
    struct str unique_key;      /* empty: none */
    enum job_merge merge;
};
/* In the caller's transaction (or its own): the job exists when and only when that commits.
 * job_add(c, s, .kind = "ticket_sla", .run_at_ms = due, .unique_key = id_str(&ticket))
 * E_INVALID: unknown kind, bad key or payload. */
#define job_add(c, s, ...) job_add_order((c), (s), &(const struct job_order){__VA_ARGS__}, NULL)
enum err job_add_order(struct ctx *c, struct store *s, const struct job_order *order,
                       struct id *out_id);
/* Removes a job that has not started; a running one is only kept from running again. False in
 * out_removed (may be NULL) when there was none. */
enum err job_cancel(struct ctx *c, struct store *s, const char *kind, struct str unique_key,
                    bool *out_removed);

/* From a handler. finish: the job counts as done when the caller's open transaction commits;
 * E_CONFLICT when the lease was lost (roll back). beat: still alive; moves lease and deadline. */
enum err job_finish(struct ctx *c, struct store *s, struct job *job);
enum err job_beat(struct ctx *c, struct store *s, struct job *job);

struct job_row {
    struct id id;
    struct str kind, unique_key, status; /* "pending", "running", "dead" */
    int64_t run_at_ms, created_ms;
    int attempts;
    struct str error; /* of the last try */
};
struct job_rows {
    int count;
    const struct job_row *items; /* by run_at, id */
};
struct job_filter {
    const char *kind, *status; /* NULL: all */
    int limit;                 /* 0: 50 */
};
enum err job_list(struct ctx *c, struct store *s, const struct job_filter *filter,
                  struct job_rows *out_rows);
/* A dead job gets all its tries again, now. E_NOT_FOUND, E_CONFLICT when it is not dead. */
enum err job_revive(struct ctx *c, struct store *s, const struct id *id);

#endif
