/* A bus to test: handlers that write down what they saw and fail when told to, over a store of
 * either kind. The clock stands still and is moved by hand. */
#ifndef CONFORM_BUS_WORLD_H
#define CONFORM_BUS_WORLD_H

#include "conform/world.h"

#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

#include "bus/bus.h"
#include "io/workers.h"

enum { START_MS = 1760000000, SECOND = 1000, MINUTE = 60000, DAY = 86400000 };

static const int64_t start_ms = (int64_t)START_MS * 1000;

static const struct migration test_steps[] = {
    {"test", 1, STORE_SCOPE_BOTH,
     "CREATE TABLE effect (id TEXT NOT NULL, consumer TEXT NOT NULL, n BIGINT NOT NULL,"
     " PRIMARY KEY (id, consumer));"},
    {0}};

/* What handlers did and are told to do. */
enum { SEEN_MAX = 4096 };
static struct {
    pthread_mutex_t lock;
    char seen[SEEN_MAX][48];
    int count;
    char fail_key[48];
    int fail_times;
    enum err fail_with;
    int slow_ms;
    int at_once, most_at_once;
    char request_id[CTX_REQUEST_ID_BYTES + 1];
    bool add_job_again;
    bool finish;
    atomic_bool until_cancelled;
    int64_t deadline_left_ms;
} t = {.lock = PTHREAD_MUTEX_INITIALIZER};

static inline void note(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    pthread_mutex_lock(&t.lock);
    if (t.count < SEEN_MAX) {
        vsnprintf(t.seen[t.count++], sizeof(t.seen[0]), fmt, args);
    }
    pthread_mutex_unlock(&t.lock);
    va_end(args);
}

static inline void forget(void)
{
    pthread_mutex_lock(&t.lock);
    t.count = 0;
    pthread_mutex_unlock(&t.lock);
}

/* What was seen since the last call, in one line. */
static inline const char *seen(void)
{
    static char line[SEEN_MAX * 4];
    size_t n = 0;
    line[0] = 0;
    pthread_mutex_lock(&t.lock);
    for (int i = 0; i < t.count && n < sizeof(line) - 64; i++) {
        n += (size_t)snprintf(line + n, sizeof(line) - n, "%s%s", i ? " " : "", t.seen[i]);
    }
    t.count = 0;
    pthread_mutex_unlock(&t.lock);
    return line;
}

/* Until a handler has begun, for tests whose handlers run on threads. */
static inline void wait_until_seen(void)
{
    struct timespec pause = {.tv_nsec = 1000000};
    int count = 0;
    for (int i = 0; i < 5000 && count == 0; i++) {
        nanosleep(&pause, NULL);
        pthread_mutex_lock(&t.lock);
        count = t.count;
        pthread_mutex_unlock(&t.lock);
    }
}

static inline enum err maybe_fail(struct ctx *c, struct str key)
{
    enum err e = E_OK;
    pthread_mutex_lock(&t.lock);
    if (t.fail_times > 0 && str_eqz(key, t.fail_key)) {
        t.fail_times--;
        e = t.fail_with;
    }
    pthread_mutex_unlock(&t.lock);
    return e == E_OK ? E_OK : ctx_fail(c, e, "told to fail for %.*s", STR_ARG(key));
}

static inline enum err add_effect(struct ctx *c, struct store *s, const struct event *e,
                                  const char *who)
{
    return store_exec(c, s, NULL,
                      "INSERT INTO effect (id, consumer, n) VALUES (?1, ?2, 1)"
                      " ON CONFLICT (id, consumer) DO UPDATE SET n = effect.n + 1",
                      S_ID(&e->event_id), S_Z(who));
}

static inline enum err on_ticket(struct ctx *c, struct store *s, const struct event *e)
{
    TRY(add_effect(c, s, e, "ticket"));
    note("ticket:%.*s%lld", STR_ARG(e->key), (long long)json_int(e->payload, "n", 0));
    return maybe_fail(c, e->key);
}

/* A consumer that tells a new fact. */
static inline enum err on_escalation(struct ctx *c, struct store *s, const struct event *e)
{
    snprintf(t.request_id, sizeof(t.request_id), "%s", c->request_id);
    return topic_emit(c, s, .topic = "support_tickets", .type = "ticket_created", .key = e->key,
                      .payload = e->payload, .causation_id = id_str(&e->event_id));
}

static inline enum err on_ticket_slowly(struct ctx *c, const struct event *e)
{
    pthread_mutex_lock(&t.lock);
    t.at_once++;
    t.most_at_once = t.at_once > t.most_at_once ? t.at_once : t.most_at_once;
    pthread_mutex_unlock(&t.lock);
    if (t.slow_ms) {
        struct timespec pause = {.tv_nsec = t.slow_ms * 1000000L};
        nanosleep(&pause, NULL);
    }
    note("slow:%.*s%lld", STR_ARG(e->key), (long long)json_int(e->payload, "n", 0));
    pthread_mutex_lock(&t.lock);
    t.at_once--;
    pthread_mutex_unlock(&t.lock);
    return maybe_fail(c, e->key);
}

static const struct consumer quick[] = {
    {.service = "desk", .topic = "support_events", .type = "ticket_created", .handle = on_ticket},
    {.service = "desk", .topic = "escalation_events", .handle = on_escalation},
    {0}};
static const struct consumer slow[] = {
    {.service = "mail", .topic = "support_events", .handle_slow = on_ticket_slowly}, {0}};

static inline enum err run_note(struct ctx *c, struct job *job)
{
    struct store *s;
    note("job:%lld", (long long)json_int(job->payload, "n", 0));
    TRY(store_of(c, &s));
    t.deadline_left_ms = ctx_left_ms(c, 1 << 30);
    if (t.add_job_again) {
        t.add_job_again = false;
        const struct json *p =
            json_with(c->arena, &json_empty_object, STR("n"), json_new_int(c->arena, 99));
        TRY(job_add(c, s, .kind = "test_note", .unique_key = job->unique_key, .payload = p));
    }
    if (t.until_cancelled) {
        while (ctx_check(c) == E_OK) {
            struct timespec pause = {.tv_nsec = 1000000};
            nanosleep(&pause, NULL);
        }
        return ctx_check(c);
    }
    if (t.slow_ms) {
        struct timespec pause = {.tv_nsec = t.slow_ms * 1000000L};
        nanosleep(&pause, NULL);
    }
    if (t.finish) {
        TRY(store_begin(c, s));
        TRY(job_finish(c, s, job));
        TRY(store_commit(c, s));
    }
    return maybe_fail(c, job->unique_key);
}

static inline enum err run_tick(struct ctx *c, struct job *job)
{
    note("%s:%s", job->kind,
         id_eq(&c->org, &(struct id){"00000000-0000-0000-0000-000000000000"}) ? "system" : "org");
    return E_OK;
}

static const struct job_kind kinds[] = {
    {.kind = "test_note", .run = run_note, .tries = 3, .backoff_ms = 1000, .timeout_ms = 5000},
    {.kind = "test_daily", .run = run_tick},
    {.kind = "test_hourly", .run = run_tick},
    {0}};
static const struct job_schedule schedules[] = {
    {.kind = "test_daily", .scope = STORE_SCOPE_ORG, .daily_at_min = 6 * 60 + 30},
    {.kind = "test_hourly", .scope = STORE_SCOPE_SYSTEM, .every_ms = 3600000},
    {0}};

/* ---- the world */

static enum store_kind kind_of_run;
static struct migration all_steps[16];

static inline void join_steps(void)
{
    int n = 0;
    for (const struct migration *m = bus_migrations; m->owner; m++) {
        all_steps[n++] = *m;
    }
    for (const struct migration *m = test_steps; m->owner; m++) {
        all_steps[n++] = *m;
    }
}

static inline void open_bus(struct world *w, const struct consumer *consumers, bool with_jobs)
{
    w->at.bus = bus_new(&w->at);
    assert_ok(bus_add_consumers(w->c, w->at.bus, consumers));
    if (with_jobs) {
        assert_ok(bus_add_jobs(w->c, w->at.bus, kinds));
    }
}

static inline int setup(void **state)
{
    struct world *w = mem_new(sizeof(*w));
    join_steps();
    world_open(w, kind_of_run, all_steps);
    clock_set_ms(w->at.clock, start_ms);
    pthread_mutex_lock(&t.lock);
    t.count = t.fail_times = t.slow_ms = t.at_once = t.most_at_once = 0;
    t.add_job_again = t.finish = t.until_cancelled = false;
    pthread_mutex_unlock(&t.lock);
    *state = w;
    return 0;
}

static inline int teardown(void **state)
{
    struct world *w = *state;
    if (w->at.bus) {
        bus_stop(w->at.bus, 1000);
    }
    if (w->at.workers) {
        workers_free(&w->at.workers, 1000);
    }
    bus_free(&w->at.bus);
    world_close(w);
    free(w);
    return 0;
}

static inline struct store *store_a(struct world *w)
{
    struct store *s;
    assert_ok(store_of(w->c, &s));
    return s;
}

static inline const struct json *number(struct ctx *c, int n)
{
    return json_with(c->arena, &json_empty_object, STR("n"), json_new_int(c->arena, n));
}

static inline enum err tell(struct ctx *c, const char *key, int n)
{
    struct store *s;
    TRY(store_of(c, &s));
    TRY(store_begin(c, s));
    enum err e = topic_emit(c, s, .topic = "support_events", .type = "ticket_created",
                            .key = str_of(key), .payload = number(c, n));
    if (e != E_OK) {
        store_rollback(c, s);
        return e;
    }
    return store_commit(c, s);
}

static inline void drain(struct world *w)
{
    assert_ok(bus_drain(w->c, w->at.bus));
}

static inline void advance(struct world *w, int64_t ms)
{
    clock_advance_ms(w->at.clock, ms);
    bus_clock_moved(w->at.bus);
    drain(w);
}

static inline int64_t one_number(struct world *w, const char *sql)
{
    struct store_rows rows;
    assert_ok(store_query(w->c, store_a(w), &rows, sql));
    return row_int(&rows, 0, 0);
}

static inline enum err add_note(struct ctx *c, struct store *s, int n, const char *key,
                                int64_t run_at, enum job_merge merge)
{
    return job_add(c, s, .kind = "test_note", .run_at_ms = run_at, .unique_key = str_of(key),
                   .payload = number(c, n), .merge = merge);
}

static inline void start_threads(struct world *w)
{
    static const int lanes[LANE_COUNT] = {2, 4};
    w->at.workers = workers_new(&w->at, lanes, 1024);
    assert_ok(bus_start(w->c, w->at.bus));
}

/* The suite over both databases. */
#define RUN_OVER_STORES(name, tests)                                                               \
    kind_of_run = STORE_SQLITE;                                                                    \
    int failed = cmocka_run_group_tests_name(name " over SQLite", tests, NULL, NULL);              \
    if (world_postgres()) {                                                                        \
        kind_of_run = STORE_POSTGRES;                                                              \
        failed += cmocka_run_group_tests_name(name " over PostgreSQL", tests, NULL, NULL);         \
    }                                                                                              \
    return failed

#endif
