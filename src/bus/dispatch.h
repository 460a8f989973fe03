/* Private to bus/: the bus's inside, shared by the files that run consumers, jobs and tails. */
#ifndef BUS_DISPATCH_H
#define BUS_DISPATCH_H

#include <pthread.h>

#include "base/map.h"
#include "base/metric.h"
#include "bus/bus.h"
#include "bus/observe.h"

enum {
    BUS_CONSUMERS_MAX = 512,
    BUS_KINDS_MAX = 256,
    BUS_SCHEDULES_MAX = 128,
    BUS_ORGS_MAX = 1 << 20,
    BUS_ARENA_BYTES = 64 << 20, /* one handler's */
    BUS_PUMP_BYTES = 256 << 20, /* one look at an org */
    BUS_GRACE_MS = 15000,       /* a lease outlives the deadline of what it covers by this */
    BUS_QUEUED_MS =
        5000,       /* a lease that waited longer for a worker is renewed, if it is still ours */
    BUS_SLOTS = 64, /* slow handlers and jobs handed to the workers at one time */
    BUS_STEPS_MAX = 100000, /* of one drain */
    BUS_NAME_BYTES = 160
};

/* "Not before something happens": behind another event of its key. */
#define BUS_NEVER INT64_MAX
/* The unique_key of a recurring job. */
#define SCHEDULE_KEY "@schedule"

struct consumer_entry {
    const struct consumer *row;
    const struct topic *topic;
    const struct topic_type *type; /* NULL: all */
    char name[BUS_NAME_BYTES];
    int tries, timeout_ms;
};

struct kind_entry {
    const struct job_kind *row;
    int tries, backoff_ms, timeout_ms;
};

/* What the process knows of an org: whether it is worth a look, and when. Under the bus's lock. */
struct bus_org {
    struct id id;
    bool dirty;     /* something was committed, or a clock moved */
    bool busy;      /* a thread looks at it */
    int64_t due_ms; /* ctx clock: when something falls due; BUS_NEVER */
    bool queued;    /* stands in the list of ready orgs */
    bool touched;   /* by a commit of this process: others are told */
    bool starved;   /* had work that found no slot */
    bool scheduled; /* its recurring jobs exist; by the thread that is busy, like scanned */
    int64_t
        *scanned; /* per consumer: events up to this seq are handled or none of its; NULL before */
    struct bus_org *next_ready;
    bool tail_dirty, tail_busy;
    int tails;
    bool erased;
    int64_t orphans_seen; /* by the thread that is busy */
    int64_t seen_ms;      /* ctx clock at its last look; by the thread that is busy */
    int idle_looks;       /* in a row that found nothing to do */
    int64_t looked_ms;    /* steady, when the last of them ended */
};

struct bus {
    const struct facilities *at;
    char owner[33]; /* this process's name in leases; begins with stores_process() */
    int64_t born_ms;
    int64_t seen_ms; /* ctx clock when it was last asked what falls due; locked */
    /* Steady time until which the lease of a job of ours may stand that nobody is at any more: its
     * outcome could not be stored. */
    _Atomic int64_t unbooked_until_ms;
    struct consumer_entry *consumers;
    int consumer_count;
    struct kind_entry *kinds;
    int kind_count;
    const struct job_schedule **schedules;
    int schedule_count;

    pthread_mutex_t lock;
    pthread_cond_t work;     /* an org became ready, or stop: for the threads that look */
    pthread_cond_t watch;    /* a tail is behind, something falls due earlier, or stop */
    int64_t asleep_until_ms; /* ctx clock; of the thread that watches; 0: it is awake */
    pthread_cond_t idle;     /* something ended: for drain, stop, tail_close */
    struct map *orgs;        /* id -> struct bus_org */
    struct map *running;     /* what this process works on: key -> itself */
    int slots;               /* in use */
    bool starved;            /* some org is */
    struct bus_org *ready, **ready_end;
    int at_work;  /* threads inside a look */
    bool resting; /* one of them before it looks */
    bool started, stopping;
    atomic_bool cancel; /* given to handlers: stop had enough of waiting */
    pthread_t threads[3];
    struct tails *tails;
    struct orphans *orphans;
    void (*observer)(struct ctx *c, const struct observed *o);
};

/* One look at one org, by one thread. */
struct pump {
    struct bus *bus;
    struct bus_org *org;
    struct ctx *c; /* of the org; for reading and bookkeeping, not for handlers */
    struct store *s;
    bool inline_work; /* drain: slow handlers and jobs run here, not on workers */
    int64_t due_ms;   /* earliest thing to come */
    int steps;        /* things done */
    bool full;        /* stopped at a bound: look again at once */
};

static inline void pump_due(struct pump *p, int64_t at_ms)
{
    p->due_ms = at_ms < p->due_ms ? at_ms : p->due_ms;
}

/* bus.c */
/* A handler's ctx: the org, the program as actor, the request it belongs to, a deadline. */
struct ctx *bus_handler_ctx(struct bus *b, const struct id *org, struct str request_id,
                            int timeout_ms);
/* The ctx now works for that request, when it is one of ours. */
void bus_continue_request(struct ctx *c, struct str request_id);
enum bus_outcome { BUS_DONE, BUS_RETRY, BUS_DEAD };
void bus_count(struct bus *b, bool is_job, enum bus_outcome outcome);
/* "not_found: no such order" into at most 300 bytes of the ctx's arena. */
struct str bus_error_text(struct ctx *c, enum err e);
int64_t bus_backoff_ms(int64_t first_ms, int64_t attempts); /* doubled each time, at most an hour */
bool bus_is_final(enum err e);
/* At which level a failure is told: of a full disk the store tells, and not every job anew. */
enum log_level bus_level(enum err e, enum log_level usual);

/* ready.c; those that say so want the bus's lock held */
struct bus_org *ready_org(struct bus *b, const struct id *org); /* finds or makes; takes the lock */
struct bus_org *ready_org_locked(struct bus *b, const struct id *org);
/* After the commit that is open on s (or at once): the org has work; tails too. */
void ready_touch(struct ctx *c, struct store *s);
/* Another process, or the start, says so. arg: the bus. Takes the lock. */
void ready_again(void *arg, const struct id *org);
/* Locked. The org wants a look: a thread is woken for it. _own: by a thread that takes the next one
 * itself. */
void ready_mark(struct bus *b, struct bus_org *org);
void ready_mark_own(struct bus *b, struct bus_org *org);
/* Locked. The next to be looked at; NULL: none. */
struct bus_org *ready_take(struct bus *b);
/* Locked. One whose tails are behind, from now on busy with them; NULL: none. */
struct bus_org *ready_tail(struct bus *b);
/* Locked. Marks orgs whose time has come; returns the steady time until the next. */
int64_t ready_due(struct bus *b);
/* Locked. Orgs that found no slot look again. */
void ready_starved(struct bus *b);

/* claim.c */
/* Marks as being worked on by this process; false when it is already. */
bool claim_take(struct bus *b, const struct id *org, struct str what);
void claim_drop(struct bus *b, const struct id *org, struct str what);
/* Hands work to a lane, in one of BUS_SLOTS slots; false: none is free, or the lane is full, and
 * the org is looked at again when one is. fn ends with claim_over(). Inline: runs fn here. */
bool claim_work(struct pump *p, enum worker_lane lane, void (*fn)(struct ctx *c, void *arg),
                void *arg);
/* How many works can be handed over now, one after the other or after being claimed together; at 0
 * the org is looked at again when there is room. */
int claim_room(struct pump *p);
void claim_over(struct bus *b, const struct id *org, bool had_slot);

/* topic.c: rows of SELECTs that name EVENT_COLUMNS in this order, from `column` on. */
#define EVENT_COLUMNS                                                                              \
    "seq, event_id, at, topic, type, key, payload, source_service, correlation_id, causation_id,"  \
    " idempotency_key"
enum { EVENT_COLUMN_COUNT = 11 };
enum err event_of_row(struct ctx *c, const struct store *s, const struct store_rows *rows, int row,
                      int column, struct event *out_event);
/* What topic_list would make events of; and what says who wants one, its payload not read. */
enum err topic_rows(struct ctx *c, struct store *s, const struct event_filter *filter,
                    struct store_rows *out_rows);
struct event event_head(const struct store_rows *rows, int row);

/* subscription.c: reads the log, hands events to quick handlers, sets others aside */
enum err subscription_pump(struct pump *p);
const struct consumer_entry *subscription_find(const struct bus *b, struct str name);

/* wait.c: events between tries, behind others of their key, or for slow handlers */
enum err wait_pump(struct pump *p);
/* One row, in the open transaction; due at once unless an event of its key waits already
 * (blocked). */
enum err wait_add(struct ctx *c, struct store *s, const struct consumer_entry *entry,
                  const struct event *e, bool blocked);
/* After the first try of an event failed in a transaction that was rolled back. */
enum err wait_first_failure(struct pump *p, const struct consumer_entry *entry,
                            const struct event *e, enum err why, struct str error);
/* Remembers that the consumer has had the event; false in out_new when it had it before. */
enum err wait_mark_done(struct ctx *c, struct store *s, const struct consumer_entry *entry,
                        const struct event *e, bool *out_new);

/* dead_letter.c */
enum err dead_letter_add(struct ctx *c, struct store *s, const struct consumer_entry *entry,
                         const struct event *e, int tries, struct str error);
enum err dead_letter_event(struct ctx *c, struct store *s, struct str id, struct event *out_event);

/* job_run.c */
enum err job_run_pump(struct pump *p);
/* In the open transaction: the job is over. Its row goes, or comes back for the next time. */
enum err job_run_over(struct ctx *c, struct store *s, const struct job *job, bool *out_was_ours);
/* The lease of a job of ours begins anew; false in out_was_ours: it is another's by now. */
enum err job_run_renew(struct ctx *c, struct store *s, const struct id *job, int timeout_ms,
                       bool *out_was_ours);

/* schedule.c */
enum err schedule_ensure(struct pump *p);
/* When the clock was set back since the last look: what was due before stays due. */
enum err schedule_set_back(struct pump *p);
int64_t schedule_next_ms(const struct job_schedule *s, int64_t now_ms);
const struct job_schedule *schedule_find(const struct bus *b, struct str kind);
/* retention.c */
extern const struct job_kind retention_kinds[];
extern const struct job_schedule retention_schedules[];
/* orphan.c: leases of processes that are gone */
struct orphans *orphans_new(void);
void orphans_free(struct orphans **o);
/* Notices who came and went; the watch thread, now and then. */
void orphans_watch(struct bus *b);
enum err orphans_pump(struct pump *p);
/* tail.c */
struct tails *tails_new(void);
void tails_free(struct tails **t);
enum err tails_pump(struct pump *p);

#endif
