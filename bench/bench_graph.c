/* Five empty nodes: durable one run at a time, durable with 32 runs in flight, in memory; what a
 * parked run takes, and how long a graph is compiled. Beside it five fdatasyncs of the same disk in
 * the same program. Usage: bench_graph [folder]. */
#include <fcntl.h>
#include <ftw.h>
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/ctx.h"
#include "base/log.h"
#include "base/metric.h"
#include "figure.h"
#include "graph/run.h"
#include "graph/step.h"
#include "store/store.h"

enum {
    NODES = 5,
    ONE_BY_ONE = 400,
    IN_FLIGHT = 32,
    PER_THREAD = 100,
    IN_MEMORY = 20000,
    SYNCS = 500,
    PARKED = 4000,
    COMPILED = 20000,
    ROUNDS = 3 /* the best counts; the disk and five fdatasyncs are measured in each */
};

static struct facilities at;
static struct id org;
static struct graph *graph;
static struct graph *waiting;
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

static enum graph_verdict wait_here(struct ctx *c, struct step *s)
{
    (void)c;
    return step_wait_person(s, "approval", 0);
}

static const struct graph_table waiting_table = {
    .name = "bench_waiting",
    .version = "1",
    .start = "ask",
    .nodes = (const struct graph_node[]){{.name = "ask", .fn = wait_here}, {0}},
    .edges = (const struct graph_edge[]){{.from = "ask", .to = GRAPH_END}, {0}},
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

static double cpu_us(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e6 +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

/* Of one operation. */
struct cost {
    double us, cpu_us;
};

static struct cost cost_since(int64_t from_us, double from_cpu_us, int n)
{
    return (struct cost){(double)(clock_steady_us() - from_us) / n, (cpu_us() - from_cpu_us) / n};
}

static struct cost better(struct cost a, struct cost b)
{
    return a.us == 0 || b.us < a.us ? b : a;
}

static struct cost run_many(const struct graph *g, int n, bool in_memory)
{
    int64_t from_us = clock_steady_us();
    double from_cpu_us = cpu_us();
    for (int i = 0; i < n; i++) {
        struct ctx *c = task();
        struct run_spec spec = {.graph = g, .thread = STR("t"), .in_memory = in_memory};
        struct run run;
        must(run_start(c, runs, &spec, NULL, &run), "run_start");
        ctx_free(&c);
    }
    return cost_since(from_us, from_cpu_us, n);
}

static void *in_flight(void *arg)
{
    (void)arg;
    run_many(graph, PER_THREAD, false);
    return NULL;
}

static struct cost run_in_flight(void)
{
    pthread_t threads[IN_FLIGHT];
    int64_t from_us = clock_steady_us();
    double from_cpu_us = cpu_us();
    for (int i = 0; i < IN_FLIGHT; i++) {
        pthread_create(&threads[i], NULL, in_flight, NULL);
    }
    for (int i = 0; i < IN_FLIGHT; i++) {
        pthread_join(threads[i], NULL);
    }
    return cost_since(from_us, from_cpu_us, IN_FLIGHT * PER_THREAD);
}

static struct cost compile_many(struct ctx *c)
{
    int64_t from_us = clock_steady_us();
    double from_cpu_us = cpu_us();
    for (int i = 0; i < COMPILED; i++) {
        struct graph *g;
        must(graph_compile(c, &table, &g), "graph_compile");
        graph_free(&g);
    }
    return cost_since(from_us, from_cpu_us, COMPILED);
}

/* Five small appends made durable one after the other. */
static struct cost five_syncs(const char *folder)
{
    char path[300], page[4096] = {1};
    snprintf(path, sizeof(path), "%s/limit", folder);
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    int64_t from_us = clock_steady_us();
    double from_cpu_us = cpu_us();
    for (int i = 0; i < SYNCS; i++) {
        if (write(fd, page, sizeof(page)) != sizeof(page) || fdatasync(fd) != 0) {
            perror(path);
            exit(1);
        }
    }
    struct cost one = cost_since(from_us, from_cpu_us, SYNCS);
    close(fd);
    return (struct cost){one.us * 5, one.cpu_us * 5};
}

/* ---- parked runs */

static int64_t found_bytes;

static int add_size(const char *path, const struct stat *st, int flag)
{
    size_t n = strlen(path);
    found_bytes += flag == FTW_F && n > 3 && strcmp(path + n - 3, ".db") == 0 ? st->st_size : 0;
    return 0;
}

/* Of all databases, with what lay in their logs. */
static int64_t database_bytes(const struct store_config *config)
{
    struct ctx *c = task();
    stores_close(&at.stores); /* folds the logs into the files */
    must(stores_open(c, config, graph_migrations, &at.stores), "stores_open");
    ctx_free(&c);
    found_bytes = 0;
    ftw(config->folder, add_size, 8);
    return found_bytes;
}

static void parked(const struct store_config *config)
{
    int64_t before = database_bytes(config);
    size_t used = mallinfo2().uordblks;
    run_many(waiting, PARKED, false);
    double memory = ((double)mallinfo2().uordblks - (double)used) / PARKED;
    double bytes = (double)(database_bytes(config) - before) / PARKED;
    figure_print(&(struct figure){
        .what = "a parked run, on disk", .value = bytes / 1024, .unit = "KiB", .limit = 4});
    figure_print(&(struct figure){.what = "a parked run, in memory",
                                  .value = memory > 0 ? memory / 1024 : 0,
                                  .unit = "KiB",
                                  .limit = 4});
}

/* ---- figures */

static void print_durable(struct cost one, struct cost many, struct cost sync)
{
    figure_print(&(struct figure){.what = "5 fdatasync of 4 KiB",
                                  .value = sync.us / 1e3,
                                  .unit = "ms",
                                  .cpu_us = sync.cpu_us});
    figure_print(&(struct figure){.what = "5 nodes, checkpoints on disk, one run at a time",
                                  .value = one.us / 1e3,
                                  .unit = "ms",
                                  .limit = 1.5,
                                  .cpu_us = one.cpu_us});
    figure_print(&(struct figure){.what = "the same, x 5 fdatasync of this run",
                                  .value = one.us / sync.us,
                                  .unit = "x",
                                  .limit = 2,
                                  .beside = "1.5 ms beside 0.74 ms"});
    figure_print(&(struct figure){.what = "nodes with checkpoints on disk, 32 runs in flight",
                                  .value = 1e6 / many.us * NODES,
                                  .unit = "/s",
                                  .limit = 10000,
                                  .at_least = true,
                                  .cpu_us = many.cpu_us / NODES});
}

static void measure(struct ctx *c, const struct store_config *config)
{
    struct cost one = {0}, many = {0}, sync = {0};
    run_many(graph, 20, false);
    for (int i = 0; i < ROUNDS; i++) {
        sync = better(sync, five_syncs(config->folder));
        one = better(one, run_many(graph, ONE_BY_ONE, false));
        many = better(many, run_in_flight());
    }
    print_durable(one, many, sync);
    struct cost memory = run_many(graph, IN_MEMORY, true), compiled = compile_many(c);
    figure_print(&(struct figure){.what = "5 nodes in memory",
                                  .value = memory.us,
                                  .unit = "us",
                                  .limit = 20,
                                  .cpu_us = memory.cpu_us});
    figure_print(&(struct figure){.what = "compiling the graph",
                                  .value = compiled.us,
                                  .unit = "us",
                                  .limit = 10,
                                  .cpu_us = compiled.cpu_us});
}

int main(int argc, char **argv)
{
    char folder[256];
    snprintf(folder, sizeof(folder), "%s/bench-graph-XXXXXX", argc > 1 ? argv[1] : "/var/tmp");
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
    must(graph_compile(c, &waiting_table, &waiting), "graph_compile");
    const struct graph *graphs[] = {graph, waiting, NULL};
    runs = runs_new(graphs, NULL);
    measure(c, &config);
    parked(&config);
    runs_free(&runs);
    graph_free(&graph);
    graph_free(&waiting);
    ctx_free(&c);
    stores_close(&at.stores);
    metrics_free(&at.metrics);
    log_free(&at.log);
    clock_free(&at.clock);
    nftw(folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    return 0;
}
