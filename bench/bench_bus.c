/* How long a fact takes from the call that tells it (its commit included) to whoever waits for it:
 * a quick consumer, a live view, a job on a worker. First one after the other under a quiet bus,
 * then as a burst. SQLite, one org. Usage: bench_bus [folder]. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "bus/bus.h"
#include "figure.h"

enum { EVENTS = 1000, BURST = 5000, ARENA_BYTES = 64 << 20 };

static _Atomic int64_t consumed_us, viewed_us, worked_us;
static _Atomic int consumed, viewed, worked;

static enum err on_message(struct ctx *c, struct store *s, const struct event *e)
{
    (void)c;
    (void)s;
    (void)e;
    consumed_us = clock_steady_us();
    consumed++;
    return E_OK;
}

static bool on_view(void *arg, const struct event *e)
{
    (void)arg;
    (void)e;
    viewed_us = clock_steady_us();
    viewed++;
    return true;
}

static enum err on_job(struct ctx *c, struct job *job)
{
    (void)c;
    (void)job;
    worked_us = clock_steady_us();
    worked++;
    return E_OK;
}

static const struct consumer consumers[] = {
    {.service = "bench", .topic = "conversation_events", .handle = on_message}, {0}};
static const struct job_kind kinds[] = {{.kind = "bench_turn", .run = on_job}, {0}};

static void check(struct ctx *c, enum err e, const char *what)
{
    if (e != E_OK) {
        fprintf(stderr, "bench_bus: %s: %s\n", what, c->fault.text);
        exit(1);
    }
}

static enum err tell(struct ctx *c, void *arg)
{
    struct store *s = arg;
    TRY(topic_emit(c, s, .topic = "conversation_events", .type = "message_received",
                   .key = STR("c1")));
    return job_add(c, s, .kind = "bench_turn");
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void print_spread(const char *name, double *ms)
{
    qsort(ms, EVENTS, sizeof(*ms), compare);
    char what[64];
    snprintf(what, sizeof(what), "%s, p50", name);
    figure_print(&(struct figure){.what = what, .value = ms[EVENTS / 2], .unit = "ms"});
    snprintf(what, sizeof(what), "%s, p99", name);
    figure_print(
        &(struct figure){.what = what, .value = ms[EVENTS * 99 / 100], .unit = "ms", .limit = 10});
}

static void one_by_one(const struct facilities *at, const struct id *org)
{
    static double consumer_ms[EVENTS], view_ms[EVENTS], job_ms[EVENTS];
    for (int i = 0; i < EVENTS; i++) {
        struct ctx *c = ctx_new(at, ARENA_BYTES);
        struct store *s;
        c->org = *org;
        check(c, store_of(c, &s), "store");
        int64_t started = clock_steady_us();
        check(c, store_transact(c, s, tell, s), "tell");
        while (consumed <= i || viewed <= i || worked <= i) {
            usleep(50);
        }
        consumer_ms[i] = (double)(consumed_us - started) / 1000;
        view_ms[i] = (double)(viewed_us - started) / 1000;
        job_ms[i] = (double)(worked_us - started) / 1000;
        ctx_free(&c);
        usleep(500);
    }
    print_spread("told until consumed", consumer_ms);
    print_spread("told until seen live", view_ms);
    print_spread("told until job runs", job_ms);
}

static void burst(const struct facilities *at, const struct id *org)
{
    int64_t started = clock_steady_us();
    for (int i = 0; i < BURST; i++) {
        struct ctx *c = ctx_new(at, ARENA_BYTES);
        struct store *s;
        c->org = *org;
        check(c, store_of(c, &s), "store");
        check(c, store_transact(c, s, tell, s), "tell");
        ctx_free(&c);
    }
    double told = (double)(clock_steady_us() - started) / 1e6;
    while (consumed < EVENTS + BURST || viewed < EVENTS + BURST || worked < EVENTS + BURST) {
        usleep(200);
    }
    double all = (double)(clock_steady_us() - started) / 1e6;
    figure_print(&(struct figure){
        .what = "facts with a job each, told in a burst", .value = BURST / told, .unit = "/s"});
    figure_print(&(struct figure){
        .what = "all of them consumed, seen and worked off", .value = BURST / all, .unit = "/s"});
}

static void print_memory(void)
{
    char line[200];
    FILE *f = fopen("/proc/self/status", "r");
    while (f && fgets(line, sizeof(line), f)) {
        if (strncmp(line, "VmRSS:", 6) == 0) {
            printf("idle with one org open %s", line);
        }
    }
    if (f) {
        fclose(f);
    }
}

int main(int argc, char **argv)
{
    char folder[512], command[600];
    static const int lanes[LANE_COUNT] = {2, 4};
    struct facilities at = {.clock = clock_new(), .log = log_new(2, LOG_WARN)};
    snprintf(folder, sizeof(folder), "%s/bench-bus-XXXXXX", argc > 1 ? argv[1] : "/var/tmp");
    if (!mkdtemp(folder)) {
        perror(folder);
        return 1;
    }
    struct ctx *c = ctx_new(&at, ARENA_BYTES);
    struct store_config config = {.kind = STORE_SQLITE, .folder = folder};
    check(c, stores_open(c, &config, bus_migrations, &at.stores), "open");
    struct id org = id_new(ctx_now_ms(c));
    check(c, stores_create(c, &org), "create");
    at.workers = workers_new(&at, lanes, 4096);
    at.bus = bus_new(&at);
    check(c, bus_add_consumers(c, at.bus, consumers), "consumers");
    check(c, bus_add_jobs(c, at.bus, kinds), "jobs");
    check(c, bus_start(c, at.bus), "start");
    check(c, bus_drain(c, at.bus), "drain");
    print_memory();
    tail_open(at.bus, &org, &(struct event_filter){.after_seq = -1}, on_view, NULL);
    one_by_one(&at, &org);
    burst(&at, &org);
    bus_stop(at.bus, 1000);
    workers_free(&at.workers, 1000);
    bus_free(&at.bus);
    ctx_free(&c);
    stores_close(&at.stores);
    log_free(&at.log);
    clock_free(&at.clock);
    snprintf(command, sizeof(command), "rm -rf '%s'", folder);
    return system(command) == 0 ? 0 : 1;
}
