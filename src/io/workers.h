/* The threads that run task code: a fixed number, a bounded queue in front. Timers start tasks too.
 *
 * A task's ctx has an arena of at most WORKERS_ARENA_MAX_BYTES, the lane's deadline (a task that
 * needs longer sets its own), and a cancel flag that is raised when workers_free has waited long
 * enough. */
#ifndef IO_WORKERS_H
#define IO_WORKERS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/ctx.h"

/* Each lane has threads of its own, so that slow jobs (an LLM call) and slow requests (an import,
 * the training of a classifier) never keep a request waiting. */
enum worker_lane { LANE_REQUEST, LANE_BACKGROUND, LANE_SLOW, LANE_COUNT };

enum {
    WORKERS_ARENA_MAX_BYTES = 256 << 20,
    WORKERS_REQUEST_MS = 60 * 1000,
    WORKERS_BACKGROUND_MS = 15 * 60 * 1000,
    WORKERS_TIMERS_MAX = 65536,
};

/* threads per lane (0: default, 8; at most 256), queue_max per lane (0: 4,096). */
struct workers *workers_new(const struct facilities *at, const int threads[LANE_COUNT],
                            int queue_max);
/* Nothing new is taken; runs what is queued, after drain_ms with the cancel flag raised, and
 * joins. Every task posted runs exactly once, so that it can free its arg. Timers that are not
 * due are dropped: their args stay their owners'. */
void workers_free(struct workers **w, int64_t drain_ms);

/* fn runs on a thread of the lane with a fresh ctx, freed after. False when the queue is full: the
 * caller answers 503. Any thread. */
bool workers_post(struct workers *w, enum worker_lane lane, void (*fn)(struct ctx *c, void *arg),
                  void *arg);
/* The same, but no sleeping thread is woken for it before workers_wake: by who posts many. */
bool workers_post_quietly(struct workers *w, enum worker_lane lane,
                          void (*fn)(struct ctx *c, void *arg), void *arg);
void workers_wake(struct workers *w);
/* The same after delay_ms of steady time; at most 65,536 pending. Returns 0 when full, else a
 * handle. What is pending when the workers are freed never runs. */
uint64_t workers_post_later(struct workers *w, enum worker_lane lane, int64_t delay_ms,
                            void (*fn)(struct ctx *c, void *arg), void *arg);
/* True when it was still pending and now never runs. */
bool workers_cancel(struct workers *w, uint64_t handle);
/* In a task: its ctx outlives it, and is the caller's to free. False when c is no task's own. */
bool workers_take(struct ctx *c);
int workers_queued(const struct workers *w, enum worker_lane lane);

#endif
