/* The threads that run task code: a fixed number, a bounded queue in front. Timers start tasks too.
 */
#ifndef IO_WORKERS_H
#define IO_WORKERS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/ctx.h"

/* `lane`: request work and background work have threads of their own, so that slow jobs (an LLM
 * call) never keep a request waiting. */
enum worker_lane { LANE_REQUEST, LANE_BACKGROUND, LANE_COUNT };

/* threads per lane (0: default), queue_max per lane. */
struct workers *workers_new(const struct facilities *at, const int threads[LANE_COUNT],
                            int queue_max);
/* Runs what is queued up to drain_ms, then joins. */
void workers_free(struct workers **w, int64_t drain_ms);

/* fn runs on a thread of the lane with a fresh ctx, freed after. False when the queue is full: the
 * caller answers 503. Any thread. */
bool workers_post(struct workers *w, enum worker_lane lane, void (*fn)(struct ctx *c, void *arg),
                  void *arg);
/* The same after delay_ms of steady time; at most 65,536 pending. Returns 0 when full, else a
 * handle. */
uint64_t workers_post_later(struct workers *w, enum worker_lane lane, int64_t delay_ms,
                            void (*fn)(struct ctx *c, void *arg), void *arg);
/* True when it was still pending and now never runs. */
bool workers_cancel(struct workers *w, uint64_t handle);
int workers_queued(const struct workers *w, enum worker_lane lane);

#endif
