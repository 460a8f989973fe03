/* Registration, the list of orgs, the threads that look at them, and drain. */
#include "bus/bus.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "bus/dispatch.h"

enum {
    NEWS_EVERY_MS = 250,
    RETRY_LOOK_MS = 1000,     /* after a look failed: the store is down or busy */
    QUICK_TIMEOUT_MS = 10000, /* defaults of subscription.h and job.h */
    SLOW_TIMEOUT_MS = 120000,
    CONSUMER_TRIES = 3,
    JOB_TRIES = 5,
    JOB_BACKOFF_MS = 1000,
    JOB_TIMEOUT_MS = 60000,
    BACKOFF_MAX_MS = 3600000,
    PUMP_MS = 60000,
    IDLE_LOOKS = 8, /* in a row, before a look may be late */
    REST_MS = 10
};

/* ---- making */

static void cond_init(pthread_cond_t *cond)
{
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(cond, &attr);
    pthread_condattr_destroy(&attr);
}

struct bus *bus_new(const struct facilities *at)
{
    struct bus *b = mem_new(sizeof(*b));
    b->at = at;
    snprintf(b->owner, sizeof(b->owner), "%s", stores_process(at->stores));
    id_random_hex(b->owner + STORE_PROCESS_CHARS, 8);
    b->born_ms = clock_now_ms(at->clock);
    b->consumers = mem_new(BUS_CONSUMERS_MAX * sizeof(*b->consumers));
    b->kinds = mem_new(BUS_KINDS_MAX * sizeof(*b->kinds));
    b->schedules = mem_new(BUS_SCHEDULES_MAX * sizeof(struct job_schedule *));
    pthread_mutex_init(&b->lock, NULL);
    cond_init(&b->work);
    cond_init(&b->watch);
    cond_init(&b->idle);
    b->orgs = map_new(BUS_ORGS_MAX);
    b->running = map_new(BUS_ORGS_MAX);
    b->ready_end = &b->ready;
    b->tails = tails_new();
    b->orphans = orphans_new();
    struct ctx *c = ctx_new(at, 1 << 20);
    if (bus_add_jobs(c, b, retention_kinds) != E_OK ||
        bus_add_schedules(c, b, retention_schedules) != E_OK) {
        fprintf(stderr, "rapport: %s\n", c->fault.text);
        abort();
    }
    ctx_free(&c);
    return b;
}

void bus_free(struct bus **b)
{
    if (!*b) {
        return;
    }
    size_t cursor = 0;
    struct str key;
    void *value;
    while (map_next((*b)->orgs, &cursor, &key, &value)) {
        free(((struct bus_org *)value)->scanned);
        free(value);
    }
    map_free(&(*b)->orgs);
    map_free(&(*b)->running);
    tails_free(&(*b)->tails);
    orphans_free(&(*b)->orphans);
    pthread_mutex_destroy(&(*b)->lock);
    pthread_cond_destroy(&(*b)->work);
    pthread_cond_destroy(&(*b)->watch);
    pthread_cond_destroy(&(*b)->idle);
    free((*b)->consumers);
    free((*b)->kinds);
    free((*b)->schedules);
    free(*b);
    *b = NULL;
}

/* ---- registering */

static enum err make_consumer(struct ctx *c, struct bus *b, const struct consumer *row,
                              struct consumer_entry *out_entry)
{
    struct consumer_entry entry = {.row = row, .topic = topic_find(str_of(row->topic))};
    if (!entry.topic) {
        return ctx_fail(c, E_INVALID, "%s consumes %s, which is no topic", row->service,
                        row->topic ? row->topic : "nothing");
    }
    entry.type = row->type ? topic_find_type(entry.topic, str_of(row->type)) : NULL;
    if (row->type && !entry.type) {
        return ctx_fail(c, E_INVALID, "%s consumes %s of %s, which has no such type", row->service,
                        row->type, entry.topic->name);
    }
    if ((row->handle != NULL) == (row->handle_slow != NULL)) {
        return ctx_fail(c, E_INVALID, "%s's consumer of %s needs exactly one handler", row->service,
                        entry.topic->name);
    }
    snprintf(entry.name, sizeof(entry.name), "%.40s_%s%s%.40s_consumer", row->service,
             entry.topic->name, row->suffix ? "_" : "", row->suffix ? row->suffix : "");
    if (subscription_find(b, str_of(entry.name))) {
        return ctx_fail(c, E_INVALID, "%s is registered twice", entry.name);
    }
    entry.tries = row->tries > 0 ? row->tries : CONSUMER_TRIES;
    int timeout_ms = row->handle_slow ? SLOW_TIMEOUT_MS : QUICK_TIMEOUT_MS;
    entry.timeout_ms = row->timeout_ms > 0 ? row->timeout_ms : timeout_ms;
    *out_entry = entry;
    return E_OK;
}

enum err bus_add_consumers(struct ctx *c, struct bus *b, const struct consumer *table)
{
    for (const struct consumer *row = table; row && row->service; row++) {
        if (b->consumer_count == BUS_CONSUMERS_MAX) {
            return ctx_fail(c, E_TOO_LARGE, "more than %d consumers", BUS_CONSUMERS_MAX);
        }
        TRY(make_consumer(c, b, row, &b->consumers[b->consumer_count]));
        b->consumer_count++;
    }
    return E_OK;
}

static bool has_kind(const struct bus *b, const char *kind)
{
    for (int i = 0; i < b->kind_count; i++) {
        if (strcmp(b->kinds[i].row->kind, kind) == 0) {
            return true;
        }
    }
    return false;
}

enum err bus_add_jobs(struct ctx *c, struct bus *b, const struct job_kind *table)
{
    for (const struct job_kind *row = table; row && row->kind; row++) {
        if (b->kind_count == BUS_KINDS_MAX) {
            return ctx_fail(c, E_TOO_LARGE, "more than %d kinds of jobs", BUS_KINDS_MAX);
        }
        if (!row->run || has_kind(b, row->kind)) {
            return ctx_fail(c, E_INVALID, "the kind of job %s %s", row->kind,
                            row->run ? "is registered twice" : "has no handler");
        }
        b->kinds[b->kind_count++] = (struct kind_entry){
            .row = row,
            .tries = row->tries > 0 ? row->tries : JOB_TRIES,
            .backoff_ms = row->backoff_ms > 0 ? row->backoff_ms : JOB_BACKOFF_MS,
            .timeout_ms = row->timeout_ms > 0 ? row->timeout_ms : JOB_TIMEOUT_MS};
    }
    return E_OK;
}

enum err bus_add_schedules(struct ctx *c, struct bus *b, const struct job_schedule *table)
{
    for (const struct job_schedule *row = table; row && row->kind; row++) {
        if (b->schedule_count == BUS_SCHEDULES_MAX) {
            return ctx_fail(c, E_TOO_LARGE, "more than %d schedules", BUS_SCHEDULES_MAX);
        }
        if (!has_kind(b, row->kind) || schedule_find(b, str_of(row->kind))) {
            return ctx_fail(c, E_INVALID, "the schedule of %s %s", row->kind,
                            has_kind(b, row->kind) ? "is registered twice"
                                                   : "names no kind of job");
        }
        if (row->every_ms < 0 || row->daily_at_min < 0 || row->daily_at_min >= 24 * 60) {
            return ctx_fail(c, E_INVALID, "the schedule of %s has no sensible time", row->kind);
        }
        b->schedules[b->schedule_count++] = row;
    }
    return E_OK;
}

void bus_clock_moved(struct bus *b)
{
    size_t cursor = 0;
    struct str key;
    void *value;
    pthread_mutex_lock(&b->lock);
    while (map_next(b->orgs, &cursor, &key, &value)) {
        ready_mark(b, value);
    }
    pthread_mutex_unlock(&b->lock);
}

void bus_org_made(struct bus *b, const struct id *id)
{
    pthread_mutex_lock(&b->lock);
    struct bus_org *org = ready_org_locked(b, id);
    org->erased = false;
    ready_mark(b, org);
    pthread_mutex_unlock(&b->lock);
}

/* Locked. Not while a thread looks at it. */
static void forget_org(struct bus_org *org)
{
    org->due_ms = BUS_NEVER;
    org->scheduled = false;
    free(org->scanned);
    org->scanned = NULL;
}

/* The entry stays, for a thread may look at it; it forgets what it knew. */
void bus_org_erased(struct bus *b, const struct id *id)
{
    pthread_mutex_lock(&b->lock);
    struct bus_org *org = ready_org_locked(b, id);
    org->erased = true;
    if (!org->busy) {
        forget_org(org);
    }
    pthread_mutex_unlock(&b->lock);
}

/* ---- what handlers are given, and what becomes of them */

void bus_continue_request(struct ctx *c, struct str request_id)
{
    if (request_id.n > 0 && request_id.n <= CTX_REQUEST_ID_BYTES) {
        memcpy(c->request_id, request_id.p, request_id.n);
        c->request_id[request_id.n] = 0;
    }
}

struct ctx *bus_handler_ctx(struct bus *b, const struct id *org, struct str request_id,
                            int timeout_ms)
{
    struct ctx *c = ctx_new(b->at, BUS_ARENA_BYTES);
    c->org = *org;
    c->actor_kind = ACTOR_SYSTEM;
    c->cancel = &b->cancel;
    bus_continue_request(c, request_id);
    ctx_limit(c, timeout_ms);
    return c;
}

struct str bus_error_text(struct ctx *c, enum err e)
{
    if (e == E_OK) {
        return (struct str){"", 0};
    }
    return str_fmt(c->arena, "%s: %.260s", err_name(e), c->fault.text);
}

int64_t bus_backoff_ms(int64_t first_ms, int64_t attempts)
{
    int64_t wait_ms = first_ms;
    for (int64_t i = 1; i < attempts && wait_ms < BACKOFF_MAX_MS; i++) {
        wait_ms *= 2;
    }
    return wait_ms < BACKOFF_MAX_MS ? wait_ms : BACKOFF_MAX_MS;
}

bool bus_is_final(enum err e)
{
    return e == E_INVALID || e == E_NOT_FOUND;
}

enum log_level bus_level(enum err e, enum log_level usual)
{
    return e == E_FULL ? LOG_DEBUG : usual;
}

void bus_count(struct bus *b, bool is_job, enum bus_outcome outcome)
{
    static const char *const labels[] = {"outcome=\"done\"", "outcome=\"retry\"",
                                         "outcome=\"dead\""};
    if (b->at->metrics) {
        metric_add(metric_series(b->at->metrics, METRIC_COUNTER,
                                 is_job ? "rapport_jobs_total" : "rapport_events_handled_total",
                                 is_job ? "Jobs run, by outcome." : "Events handled, by outcome.",
                                 labels[outcome]),
                   1);
    }
}

/* ---- one look at one org */

static enum err look(struct pump *p)
{
    TRY(store_of(p->c, &p->s));
    TRY(schedule_ensure(p));
    TRY(schedule_set_back(p));
    TRY(orphans_pump(p));
    TRY(subscription_pump(p));
    TRY(wait_pump(p));
    return job_run_pump(p);
}

static struct pump pump_make(struct bus *b, struct bus_org *org, bool inline_work)
{
    struct pump p = {.bus = b, .org = org, .inline_work = inline_work, .due_ms = BUS_NEVER};
    p.c = ctx_new(b->at, BUS_PUMP_BYTES);
    p.c->org = org->id;
    p.c->actor_kind = ACTOR_SYSTEM;
    p.c->cancel = &b->cancel;
    if (!inline_work) {
        ctx_limit(p.c, PUMP_MS);
    }
    return p;
}

/* The org is busy, not locked. Returns how many things were done. */
static int look_once(struct bus *b, struct bus_org *org, bool inline_work, bool tails)
{
    struct pump p = pump_make(b, org, inline_work);
    enum err e = tails ? store_of(p.c, &p.s) : look(&p);
    if (tails && e == E_OK) {
        e = tails_pump(&p);
    }
    if (e == E_NOT_FOUND && !stores_exists(p.c, &org->id)) {
        p.full = false; /* erased meanwhile */
    } else if (e != E_OK) {
        log_at(p.c, bus_level(e, LOG_WARN), "looking at an org's events and jobs failed",
               LOG_Z("error", p.c->fault.text));
        pump_due(&p, ctx_now_ms(p.c) + RETRY_LOOK_MS);
        p.full = false;
    }
    pthread_mutex_lock(&b->lock);
    if (tails) {
        org->tail_dirty = org->tail_dirty || p.full;
        org->due_ms = p.due_ms < org->due_ms ? p.due_ms : org->due_ms;
    } else {
        org->dirty = org->dirty || p.full;
        org->due_ms = p.due_ms;
    }
    if (org->due_ms < b->asleep_until_ms) {
        pthread_cond_signal(&b->watch);
    }
    pthread_mutex_unlock(&b->lock);
    ctx_free(&p.c);
    return p.steps;
}

/* ---- threads */

static void wait_wake(struct bus *b, int64_t ms)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_sec += ms / 1000;
    at.tv_nsec += ms % 1000 * 1000000;
    at.tv_sec += at.tv_nsec / 1000000000;
    at.tv_nsec %= 1000000000;
    b->asleep_until_ms = b->seen_ms + ms;
    pthread_cond_timedwait(&b->watch, &b->lock, &at);
    b->asleep_until_ms = 0;
}

/* Where much is committed that nobody here consumes (webhooks), a look after each commit finds
 * nothing and takes time from those that commit: then one look does for several. A thread at most,
 * so that other orgs do not wait for it. Locked; unlocks meanwhile. */
static void rest(struct bus *b, const struct bus_org *org)
{
    int64_t left_ms = org->looked_ms + REST_MS - clock_steady_ms();
    if (org->idle_looks < IDLE_LOOKS || left_ms <= 0 || b->resting) {
        return;
    }
    b->resting = true;
    pthread_mutex_unlock(&b->lock);
    struct timespec pause = {.tv_nsec = left_ms * 1000000};
    nanosleep(&pause, NULL);
    pthread_mutex_lock(&b->lock);
    b->resting = false;
}

/* Looks at orgs that are ready, one after the other. Two threads, so that one busy org does not
 * keep the others waiting. */
static void *look_thread(void *arg)
{
    struct bus *b = arg;
    pthread_mutex_lock(&b->lock);
    while (!b->stopping) {
        struct bus_org *org = ready_take(b);
        if (!org) {
            pthread_cond_wait(&b->work, &b->lock);
            continue;
        }
        org->busy = true;
        b->at_work++;
        rest(b, org);
        bool tell = org->touched;
        org->dirty = org->touched = false;
        pthread_mutex_unlock(&b->lock);
        if (tell) {
            stores_signal(b->at->stores, &org->id);
        }
        int done = look_once(b, org, false, false);
        pthread_mutex_lock(&b->lock);
        bool idle = done == 0 && !org->starved;
        org->idle_looks = idle ? org->idle_looks + (org->idle_looks < IDLE_LOOKS) : 0;
        org->looked_ms = clock_steady_ms();
        b->at_work--;
        org->busy = false;
        if (org->erased) {
            forget_org(org);
        } else if (org->dirty) {
            ready_mark_own(b, org);
        }
        pthread_cond_broadcast(&b->idle);
    }
    pthread_mutex_unlock(&b->lock);
    return NULL;
}

/* Serves live views, wakes what falls due and hears of other processes. */
static void *watch_thread(void *arg)
{
    struct bus *b = arg;
    int64_t news_at_ms = 0;
    pthread_mutex_lock(&b->lock);
    while (!b->stopping) {
        struct bus_org *org = ready_tail(b);
        bool news = clock_steady_ms() >= news_at_ms;
        if (!org && !news) {
            int64_t wait_ms = ready_due(b), left_ms = news_at_ms - clock_steady_ms();
            wait_ms = left_ms < wait_ms ? left_ms : wait_ms;
            wait_wake(b, wait_ms > 0 ? wait_ms : 1);
            continue;
        }
        pthread_mutex_unlock(&b->lock);
        if (org) {
            look_once(b, org, false, true);
        }
        if (news) {
            stores_news(b->at->stores, ready_again, b);
            orphans_watch(b);
            news_at_ms = clock_steady_ms() + NEWS_EVERY_MS;
        }
        pthread_mutex_lock(&b->lock);
        if (org) {
            org->tail_busy = false;
            pthread_cond_broadcast(&b->idle);
        }
    }
    pthread_mutex_unlock(&b->lock);
    return NULL;
}

/* ---- start and stop */

static enum err know_all_orgs(struct ctx *c, struct bus *b)
{
    const struct id *orgs;
    int count;
    struct id system = id_system();
    TRY(stores_list(c, &orgs, &count));
    ready_again(b, &system);
    for (int i = 0; i < count; i++) {
        ready_again(b, &orgs[i]);
    }
    return E_OK;
}

enum err bus_start(struct ctx *c, struct bus *b)
{
    if (b->started) {
        return ctx_fail(c, E_INTERNAL, "the bus runs already");
    }
    TRY(know_all_orgs(c, b));
    b->stopping = false;
    atomic_store(&b->cancel, false);
    pthread_create(&b->threads[0], NULL, watch_thread, b);
    pthread_create(&b->threads[1], NULL, look_thread, b);
    pthread_create(&b->threads[2], NULL, look_thread, b);
    b->started = true;
    return E_OK;
}

/* Locked. Until nothing runs, or steady_ms (0: however long). */
static void wait_slots(struct bus *b, int64_t steady_ms)
{
    struct timespec at = {.tv_sec = steady_ms / 1000, .tv_nsec = steady_ms % 1000 * 1000000};
    while (b->slots > 0) {
        if (steady_ms == 0) {
            pthread_cond_wait(&b->idle, &b->lock);
        } else if (pthread_cond_timedwait(&b->idle, &b->lock, &at) != 0) {
            return;
        }
    }
}

void bus_stop(struct bus *b, int64_t drain_ms)
{
    if (!b->started) {
        return;
    }
    pthread_mutex_lock(&b->lock);
    b->stopping = true;
    pthread_cond_broadcast(&b->work);
    pthread_cond_signal(&b->watch);
    pthread_mutex_unlock(&b->lock);
    for (int i = 0; i < 3; i++) {
        pthread_join(b->threads[i], NULL);
    }
    pthread_mutex_lock(&b->lock);
    wait_slots(b, clock_steady_ms() + (drain_ms > 0 ? drain_ms : 1));
    atomic_store(&b->cancel, true);
    wait_slots(b, 0); /* handlers see the flag; the workers are joined after us anyway */
    atomic_store(&b->cancel, false);
    b->started = false;
    pthread_mutex_unlock(&b->lock);
}

/* ---- drain */

static enum err check_bounds(struct ctx *c, int steps)
{
    if (steps > BUS_STEPS_MAX) {
        return ctx_fail(c, E_LIMIT, "events and jobs make each other without end: %d steps", steps);
    }
    return ctx_check(c);
}

/* Busy with it like a thread of the bus: a worker may hear meanwhile that the org is erased. */
static int look_here(struct bus *b, struct bus_org *org, bool tails)
{
    pthread_mutex_lock(&b->lock);
    org->busy = true;
    pthread_mutex_unlock(&b->lock);
    int done = look_once(b, org, true, tails);
    pthread_mutex_lock(&b->lock);
    org->busy = false;
    if (org->erased) {
        forget_org(org);
    }
    pthread_mutex_unlock(&b->lock);
    return done;
}

/* Everything due in one org. */
static enum err drain_org(struct ctx *c, struct bus *b, const struct id *id, int *steps)
{
    struct bus_org *org = ready_org(b, id);
    int done = 1;
    while (done > 0 && !org->erased) {
        done = look_here(b, org, false);
        *steps += done;
        TRY(check_bounds(c, *steps));
    }
    if (org->tails > 0) {
        *steps += look_here(b, org, true);
    }
    return E_OK;
}

static enum err drain_here(struct ctx *c, struct bus *b)
{
    struct id system = id_system();
    int steps = 0, before = -1;
    while (steps != before) {
        const struct id *orgs;
        int count;
        before = steps;
        TRY(stores_list(c, &orgs, &count));
        TRY(drain_org(c, b, &system, &steps));
        for (int i = 0; i < count; i++) {
            TRY(drain_org(c, b, &orgs[i], &steps));
        }
    }
    return E_OK;
}

/* Locked. */
static bool is_idle(struct bus *b)
{
    size_t cursor = 0;
    struct str key;
    void *value;
    bool idle = b->slots == 0 && b->at_work == 0 && !b->ready;
    ready_due(b);
    while (idle && map_next(b->orgs, &cursor, &key, &value)) {
        const struct bus_org *org = value;
        idle = !org->queued && !org->busy && !org->tail_dirty && !org->tail_busy;
    }
    return idle;
}

static enum err wait_idle(struct ctx *c, struct bus *b)
{
    enum { POLL_MS = 20 };
    enum err e = E_OK;
    TRY(know_all_orgs(c, b));
    pthread_mutex_lock(&b->lock);
    while (e == E_OK && !is_idle(b)) {
        struct timespec at;
        int64_t until = clock_steady_ms() + POLL_MS;
        at = (struct timespec){.tv_sec = until / 1000, .tv_nsec = until % 1000 * 1000000};
        pthread_cond_timedwait(&b->idle, &b->lock, &at);
        e = ctx_check(c);
    }
    pthread_mutex_unlock(&b->lock);
    return e;
}

enum err bus_drain(struct ctx *c, struct bus *b)
{
    return b->started ? wait_idle(c, b) : drain_here(c, b);
}
