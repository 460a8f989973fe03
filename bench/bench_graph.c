/* Five empty nodes: durable one run at a time, durable with 32 runs in flight, and in memory, each
 * as a ratio to five fdatasyncs of the same disk measured in the same program. */
#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/ctx.h"
#include "base/log.h"
#include "base/metric.h"
#include "graph/run.h"
#include "graph/step.h"
#include "store/store.h"

enum {
    NODES = 5,
    ONE_BY_ONE = 200,
    IN_FLIGHT = 32,
    PER_THREAD = 40,
    IN_MEMORY = 20000,
    SYNCS = 500
};

static struct facilities at;
static struct id org;
static struct graph *graph;
static struct runs *runs;

static enum graph_verdict empty(struct ctx *c, struct step *s)
{
    (void)c;
    (void)s;
    return GRAPH_NEXT;
}

static const struct graph_table table = {
    .name = "bench",
    .version = "1",
    .start = "a",
    .nodes = (const struct graph_node[]){{.name = "a", .fn = empty},
                                         {.name = "b", .fn = empty},
                                         {.name = "c", .fn = empty},
                                         {.name = "d", .fn = empty},
                                         {.name = "e", .fn = empty},
                                         {0}},
    .edges = (const struct graph_edge[]){{.from = "a", .to = "b"},
                                         {.from = "b", .to = "c"},
                                         {.from = "c", .to = "d"},
                                         {.from = "d", .to = "e"},
                                         {.from = "e", .to = GRAPH_END},
                                         {0}},
};

static int remove_entry(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

static void must(enum err e, const char *what)
{
    if (e != E_OK) {
        fprintf(stderr, "%s: %s\n", what, err_name(e));
        exit(1);
    }
}

static struct ctx *task(void)
{
    struct ctx *c = ctx_new(&at, 64 << 20);
    c->org = org;
    return c;
}

/* Microseconds per run. */
static double run_many(int n, bool in_memory)
{
    int64_t from_us = clock_steady_us();
    for (int i = 0; i < n; i++) {
        struct ctx *c = task();
        struct run_spec spec = {.graph = graph, .thread = STR("t"), .in_memory = in_memory};
        struct run run;
        must(run_start(c, runs, &spec, NULL, &run), "run_start");
        ctx_free(&c);
    }
    return (double)(clock_steady_us() - from_us) / n;
}

static void *in_flight(void *arg)
{
    (void)arg;
    run_many(PER_THREAD, false);
    return NULL;
}

static double run_in_flight(void)
{
    pthread_t threads[IN_FLIGHT];
    int64_t from_us = clock_steady_us();
    for (int i = 0; i < IN_FLIGHT; i++) {
        pthread_create(&threads[i], NULL, in_flight, NULL);
    }
    for (int i = 0; i < IN_FLIGHT; i++) {
        pthread_join(threads[i], NULL);
    }
    return (double)(clock_steady_us() - from_us) / (IN_FLIGHT * PER_THREAD);
}

/* Microseconds of five small appends made durable one after the other. */
static double five_syncs(const char *folder)
{
    char path[300], page[4096] = {1};
    snprintf(path, sizeof(path), "%s/limit", folder);
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    int64_t from_us = clock_steady_us();
    for (int i = 0; i < SYNCS; i++) {
        if (write(fd, page, sizeof(page)) != sizeof(page) || fdatasync(fd) != 0) {
            perror(path);
            exit(1);
        }
    }
    double us = (double)(clock_steady_us() - from_us) / SYNCS * 5;
    close(fd);
    return us;
}

static void row(const char *what, double us, double limit_us)
{
    printf("%-44s %9.1f us  %6.3f x 5 fdatasync\n", what, us, us / limit_us);
}

int main(int argc, char **argv)
{
    char folder[256];
    snprintf(folder, sizeof(folder), "%s/bench-graph-XXXXXX", argc > 1 ? argv[1] : ".");
    if (!mkdtemp(folder)) {
        perror(folder);
        return 1;
    }
    at.clock = clock_new();
    at.log = log_new(2, LOG_ERROR);
    at.metrics = metrics_new();
    org = id_new(1000);
    struct ctx *c = task();
    struct store_config config = {.kind = STORE_SQLITE, .folder = folder};
    must(stores_open(c, &config, graph_migrations, &at.stores), "stores_open");
    must(stores_create(c, &org), "stores_create");
    must(graph_compile(c, &table, &graph), "graph_compile");
    const struct graph *graphs[] = {graph, NULL};
    runs = runs_new(graphs, NULL);
    run_many(20, false);
    double limit_us = five_syncs(folder);
    row("5 fdatasync of 4 KiB (the limit)", limit_us, limit_us);
    row("5 nodes with checkpoints, one run at a time", run_many(ONE_BY_ONE, false), limit_us);
    row("5 nodes with checkpoints, 32 runs in flight", run_in_flight(), limit_us);
    row("5 nodes in memory", run_many(IN_MEMORY, true), limit_us);
    runs_free(&runs);
    graph_free(&graph);
    ctx_free(&c);
    stores_close(&at.stores);
    metrics_free(&at.metrics);
    log_free(&at.log);
    clock_free(&at.clock);
    nftw(folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    return 0;
}
