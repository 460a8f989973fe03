/* The bus: owns dispatch of consumers, jobs, schedules and tails. One per process, in
 * facilities.bus. Registration is from one thread, before bus_start.
 *
 * It has three threads of its own: one serves live views and wakes what falls due, two look at
 * orgs that have work and run quick handlers; slow handlers and jobs go to the workers (jobs on
 * their kind's lane). It learns of new work from commits in this process at once, from other
 * processes on the same database by stores_news(), and at start by one look into every org's
 * store, so no index of who has work needs to be kept in step. Processes are kept apart by the
 * consumer's position row, which the handler's transaction moves, and by leases per waiting
 * event and per job. */
#ifndef BUS_BUS_H
#define BUS_BUS_H

#include "bus/job.h"
#include "bus/subscription.h"
#include "bus/tail.h"
#include "bus/topic.h"

/* `at` is kept by reference; stores, clock, log must be set in it, workers before bus_start.
 * Registers the bus's own kinds (retention of events). */
struct bus *bus_new(const struct facilities *at);
void bus_free(struct bus **b); /* stopped before */

/* Tables are kept by reference. E_INVALID names a double registration, an unknown topic, type or
 * kind, or a consumer with not exactly one handler; text in c's fault. */
enum err bus_add_consumers(struct ctx *c, struct bus *b, const struct consumer *table);
enum err bus_add_jobs(struct ctx *c, struct bus *b, const struct job_kind *table);
enum err bus_add_schedules(struct ctx *c, struct bus *b, const struct job_schedule *table);

enum err bus_start(struct ctx *c, struct bus *b);
/* No new work is begun; waits up to drain_ms for what runs, then gives leases back. */
void bus_stop(struct bus *b, int64_t drain_ms);

/* Look again: the clock was moved, or an org was made. Never again: it is erased; what runs there
 * is not waited for. Any thread. */
void bus_clock_moved(struct bus *b);
void bus_org_made(struct bus *b, const struct id *org);
void bus_org_erased(struct bus *b, const struct id *org);

/* For tests and the command line, bus not started: runs everything due in every org on the
 * calling thread, in a fixed order (orgs by id, consumers as registered, jobs by time), until
 * nothing is left, tails included. On a started bus: waits until nothing is due or running.
 * E_LIMIT after 100,000 steps (events that make events for ever), E_TIMEOUT at c's deadline.
 * Failures of handlers are no error here: they end as waits and dead letters. */
enum err bus_drain(struct ctx *c, struct bus *b);

#endif
