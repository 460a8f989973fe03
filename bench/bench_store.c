/* What a durable row costs: one writer, then 16 and 64 that wait for the same org at the same
 * time, beside the disk's own limit (write and fdatasync in one file, one after the other),
 * measured in the same run and folder. Usage: bench_store [folder]; PostgreSQL too when
 * RAPPORT_TEST_POSTGRES is set. */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/log.h"
#include "figure.h"
#include "store/store.h"

enum { ROUND_MS = 2000, WRITERS_MAX = 64, ARENA_BYTES = 64 << 20 };

static const struct migration steps[] = {
    {"bench", 1, STORE_SCOPE_ORG,
     "CREATE TABLE message (id TEXT NOT NULL, conversation TEXT NOT NULL, text TEXT NOT NULL,"
     " at BIGINT NOT NULL, PRIMARY KEY (id)); CREATE INDEX message_of ON message (conversation);"},
    {0}};

struct bench {
    struct facilities at;
    struct id org;
    atomic_bool stop;
};

struct writer {
    struct bench *bench;
    pthread_t thread;
    int64_t rows;
    int64_t worst_us;
};

static void die(struct ctx *c, const char *what)
{
    fprintf(stderr, "bench_store: %s: %s\n", what, c->fault.text);
    exit(1);
}

static void *write_rows(void *arg)
{
    struct writer *w = arg;
    while (!atomic_load(&w->bench->stop)) {
        struct ctx *c = ctx_new(&w->bench->at, ARENA_BYTES);
        struct store *s;
        int64_t started = clock_steady_us();
        struct id id = id_new(ctx_now_ms(c));
        c->org = w->bench->org;
        if (store_of(c, &s) != E_OK ||
            store_exec(c, s, NULL,
                       "INSERT INTO message (id, conversation, text, at) VALUES (?1, ?2, ?3, ?4)",
                       S_ID(&id), S_Z("c1"), S_Z("Where is my order BW-10421? It should be here."),
                       S_INT(ctx_now_ms(c))) != E_OK) {
            die(c, "insert");
        }
        int64_t took = clock_steady_us() - started;
        w->worst_us = took > w->worst_us ? took : w->worst_us;
        w->rows++;
        ctx_free(&c);
    }
    return NULL;
}

static double cpu_us(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e6 +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

/* Rows a second; limit: at least so many, 0 for none. */
static void run_round(struct bench *b, int count, const char *name, double limit)
{
    static struct writer writers[WRITERS_MAX];
    struct store_counts before = stores_counts(b->at.stores);
    int64_t rows = 0, worst_us = 0, started = clock_steady_us();
    double cpu = cpu_us();
    atomic_store(&b->stop, false);
    for (int i = 0; i < count; i++) {
        writers[i] = (struct writer){.bench = b};
        pthread_create(&writers[i].thread, NULL, write_rows, &writers[i]);
    }
    usleep(ROUND_MS * 1000);
    atomic_store(&b->stop, true);
    for (int i = 0; i < count; i++) {
        pthread_join(writers[i].thread, NULL);
        rows += writers[i].rows;
        worst_us = writers[i].worst_us > worst_us ? writers[i].worst_us : worst_us;
    }
    double seconds = (double)(clock_steady_us() - started) / 1e6;
    struct store_counts after = stores_counts(b->at.stores);
    int64_t commits = after.commits - before.commits;
    char what[64];
    snprintf(what, sizeof(what), "%s: durable rows, %d waiting", name, count);
    figure_print(&(struct figure){.what = what,
                                  .value = (double)rows / seconds,
                                  .unit = "/s",
                                  .limit = limit,
                                  .at_least = true,
                                  .beside = limit > 0 ? "fdatasyncs of this run" : NULL,
                                  .cpu_us = rows ? (cpu_us() - cpu) / (double)rows : 0});
    printf("  %.1f rows per commit, slowest %.1f ms\n",
           commits ? (double)rows / (double)commits : 0, (double)worst_us / 1000);
}

/* One WAL frame's worth of bytes and fdatasync, again and again. */
static double disk_limit(const char *folder)
{
    char path[600], block[4120];
    memset(block, 'x', sizeof(block));
    snprintf(path, sizeof(path), "%s/disk-limit", folder);
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    int64_t n = 0, started = clock_steady_us();
    while (fd >= 0 && clock_steady_us() - started < ROUND_MS * 500) {
        if (pwrite(fd, block, sizeof(block), (off_t)(n % 1000) * (off_t)sizeof(block)) < 0 ||
            fdatasync(fd) != 0) {
            break;
        }
        n++;
    }
    close(fd);
    unlink(path);
    return (double)n * 1e6 / (double)(clock_steady_us() - started);
}

static void run_kind(const struct store_config *config, const char *name, double limit)
{
    static const int counts[] = {1, 16, 64};
    static const double of_disk[] = {.6, 3, 6}; /* of its fdatasyncs one after the other */
    struct bench b = {.at = {.clock = clock_new(), .log = log_new(2, LOG_WARN)}};
    struct ctx *c = ctx_new(&b.at, ARENA_BYTES);
    if (stores_open(c, config, steps, &b.at.stores) != E_OK) {
        die(c, "open");
    }
    b.org = id_new(ctx_now_ms(c));
    if (stores_create(c, &b.org) != E_OK) {
        die(c, "create");
    }
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        run_round(&b, counts[i], name, config->kind == STORE_SQLITE ? of_disk[i] * limit : 0);
    }
    if (stores_erase(c, &b.org) != E_OK) {
        die(c, "erase");
    }
    ctx_free(&c);
    stores_close(&b.at.stores);
    log_free(&b.at.log);
    clock_free(&b.at.clock);
}

int main(int argc, char **argv)
{
    char folder[512];
    snprintf(folder, sizeof(folder), "%s/bench-store-XXXXXX", argc > 1 ? argv[1] : "/var/tmp");
    if (!mkdtemp(folder)) {
        perror(folder);
        return 1;
    }
    double limit = disk_limit(folder);
    figure_print(&(struct figure){
        .what = "write and fdatasync, one after the other", .value = limit, .unit = "/s"});
    struct store_config sqlite = {.kind = STORE_SQLITE, .folder = folder};
    run_kind(&sqlite, "SQLite", limit);
    const char *url = getenv("RAPPORT_TEST_POSTGRES");
    if (url && url[0]) {
        struct store_config postgres = {
            .kind = STORE_POSTGRES, .url = url, .connections_max = WRITERS_MAX};
        run_kind(&postgres, "PostgreSQL", limit);
    }
    char command[600];
    snprintf(command, sizeof(command), "rm -rf '%s'", folder);
    return system(command) == 0 ? 0 : 1;
}
