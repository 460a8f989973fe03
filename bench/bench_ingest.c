/* Signed webhooks into the whole program: verified, stored once with their event, then answered.
 * Each request is its own event under its own signature (Standard Webhooks), made before the round
 * that sends it. Beside it, in the same run: what the disk and a round trip take, and the same
 * service in JavaScript (bench/peers/ingest) where it is installed, and with RAPPORT_TEST_POSTGRES
 * (the owner's address of an empty database) ours on PostgreSQL. CPU is of the server alone, of no
 * database beside it.
 *
 * Usage: bench_ingest [rounds [plain | alone]]: of the first row alone, to be profiled. RAPPORT_BIN
 * names the program. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "codec/hmac.h"
#include "figure.h"
#include "load.h"

enum {
    CONNS = 128,
    ROUND_MS = 700,
    WARM_MS = 300,
    ROUNDS = 5,
    ALONE_MS = 400,
    REQUESTS_MAX = 60000, /* of one round */
    REQUEST_MAX_BYTES = 1200,
    SYNCS = 100,
    BODY_MAX_BYTES = 700,
};

#define PEER_PACKAGES "bench/peers/ingest/node_modules/better-sqlite3/build"

static const char secret_text[] = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=";

static char token[2048];
static int64_t made; /* no two requests of a run are the same event */

/* ---- requests ------------------------------------------------------------ */

struct batch {
    char *bytes;
    int64_t count;
    size_t sizes[REQUESTS_MAX];
};

static const char *nth(void *arg, int64_t n, size_t *out_bytes)
{
    const struct batch *b = arg;
    if (n >= b->count) {
        return NULL;
    }
    *out_bytes = b->sizes[n];
    return b->bytes + n * REQUEST_MAX_BYTES;
}

static void make_one(struct arena *a, const char *path, char *out, size_t *out_bytes)
{
    char body[BODY_MAX_BYTES], id[48];
    long now_s = (long)time(NULL);
    int64_t n = ++made;
    snprintf(id, sizeof(id), "evt_%08x%012lld", (unsigned)(n * 2654435761u), (long long)n);
    int bytes = snprintf(
        body, sizeof(body),
        "{\"id\":\"%s\",\"type\":\"order.updated\",\"created\":%ld,\"livemode\":true,\"data\":{"
        "\"object\":{\"id\":\"ord_%lld\",\"customer\":\"cus_NffrFeUfNV2Hib\",\"status\":"
        "\"shipped\","
        "\"currency\":\"usd\",\"amount_total\":184500,\"lines\":[{\"sku\":\"SCN-200\",\"quantity\":"
        "2,"
        "\"price\":79900},{\"sku\":\"CRD-10\",\"quantity\":1,\"price\":24700}],\"shipping\":{"
        "\"name\":\"Maya "
        "Lindqvist\",\"city\":\"Gothenburg\",\"country\":\"SE\",\"carrier\":\"dhl\","
        "\"tracking\":\"JD0146000%lld\"}}}}",
        id, now_s, (long long)n, (long long)n);
    struct hmac_webhook w = {str_of(id), now_s, str_make(body, (size_t)bytes)};
    struct str secret = str_of(secret_text), signature;
    if (hmac_webhook_sign(a, &w, &secret, 1, &signature) != E_OK) {
        exit(1);
    }
    *out_bytes = (size_t)snprintf(
        out, REQUEST_MAX_BYTES,
        "POST %s HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nwebhook-id: %s\r\n"
        "webhook-timestamp: %ld\r\nwebhook-signature: %.*s\r\nContent-Length: %d\r\n\r\n%s",
        path, id, now_s, STR_ARG(signature), bytes, body);
}

static void make_batch(struct batch *b, const char *path, int64_t count)
{
    struct arena *a = arena_new(64 << 10);
    b->count = count < REQUESTS_MAX ? count : REQUESTS_MAX;
    for (int64_t i = 0; i < b->count; i++) {
        make_one(a, path, b->bytes + i * REQUEST_MAX_BYTES, &b->sizes[i]);
        arena_reset(a);
    }
    arena_free(&a);
}

/* ---- who is measured ----------------------------------------------------- */

struct subject {
    const char *what;
    struct load_server server;
    const char *path;
    bool there;
    double per_s; /* of its best round */
    double p50_ms, p99_ms, alone_ms;
    int64_t answers, cpu_us, own_us; /* of all rounds */
};

static void one_round(struct subject *s, struct batch *b, int64_t ms)
{
    double rate = s->per_s ? s->per_s : 50000;
    make_batch(b, s->path, (int64_t)(rate * 1.5 * (double)ms / 1000) + CONNS);
    struct load_request r = {.server = &s->server, .conns = CONNS, .text_of = nth, .arg = b};
    int64_t cpu = load_cpu_us(s->server.pid), own = load_cpu_us(0);
    double seconds = load_requests(&r, ms), per_s = (double)r.answers / seconds;
    s->cpu_us += load_cpu_us(s->server.pid) - cpu;
    s->own_us += load_cpu_us(0) - own;
    s->answers += r.answers;
    if (per_s > s->per_s) {
        s->per_s = per_s;
        s->p50_ms = r.p50_ms;
        s->p99_ms = r.p99_ms;
    }
}

static double least(double a, double b)
{
    return a < b ? a : b;
}

static void alone(struct subject *s, struct batch *b)
{
    make_batch(b, s->path, ALONE_MS * 20);
    struct load_request r = {.server = &s->server, .conns = 1, .text_of = nth, .arg = b};
    load_requests(&r, ALONE_MS);
    s->alone_ms = s->alone_ms == 0 ? r.p50_ms : least(s->alone_ms, r.p50_ms);
}

/* ---- limits -------------------------------------------------------------- */

static double round_trip_ms(const struct load_server *server)
{
    struct load_request r = {.server = server, .conns = 1};
    snprintf(r.text, sizeof(r.text), "GET /health/live HTTP/1.1\r\nHost: bench\r\n\r\n");
    load_requests(&r, ALONE_MS);
    return r.p50_ms;
}

static int by_size(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* Beside the database: a page of a file that has its size already, as a log that is used again,
 * made durable. */
static double sync_ms(const char *folder)
{
    static char page[4096];
    char path[128];
    int64_t took[SYNCS];
    snprintf(path, sizeof(path), "%s/sync", folder);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    for (int i = 0; i < SYNCS && write(fd, page, sizeof(page)) > 0; i++) {}
    fsync(fd);
    lseek(fd, 0, SEEK_SET);
    for (int i = 0; i < SYNCS; i++) {
        int64_t began_us = clock_steady_us();
        if (write(fd, page, sizeof(page)) != (ssize_t)sizeof(page) || fdatasync(fd) != 0) {
            exit(1);
        }
        took[i] = clock_steady_us() - began_us;
    }
    close(fd);
    unlink(path);
    qsort(took, SYNCS, sizeof(*took), by_size);
    return (double)took[SYNCS / 2] / 1000;
}

/* ---- */

static void put_secret(const struct load_server *s)
{
    struct load_answer a;
    char body[200];
    load_sign_in(s, token, sizeof(token));
    snprintf(body, sizeof(body), "{\"value\":\"%s\"}", secret_text);
    load_once(s, "PUT /api/v1/secrets/hook_bench", token, body, &a);
    load_once(s, "POST /api/v1/webhook-sources", token,
              "{\"slug\":\"plain\",\"scheme\":\"standard\",\"secrets\":[\"hook_bench\"],"
              "\"per_minute\":0}",
              &a);
    load_once(
        s, "POST /api/v1/webhook-sources", token,
        "{\"slug\":\"mapped\",\"scheme\":\"standard\",\"secrets\":[\"hook_bench\"],"
        "\"per_minute\":0,\"event\":\"select(.type == \\\"order.updated\\\") | {topic: "
        "\\\"crm_events\\\", type: \\\"opportunity_updated\\\", key: .data.object.id, payload: "
        ".data.object | {status, amount_total}}\"}",
        &a);
}

/* A script that prints its port like the program does; absent without its packages. */
static bool start_peer(const char *how, struct load_server *out)
{
    const char *script = getenv("RAPPORT_BENCH_PEER");
    setenv("PEER_COMMIT", how, 1);
    setenv("PEER_SECRET", secret_text, 1);
    if (access(PEER_PACKAGES, R_OK) != 0) {
        return false;
    }
    return load_peer_start(script ? script : "bench/peers/ingest/server.js", out);
}

static bool start_on_postgres(const char *binary, struct load_server *out)
{
    const char *url = getenv("RAPPORT_TEST_POSTGRES");
    if (!url || !url[0]) {
        return false;
    }
    setenv("RAPPORT_STORE", "postgres", 1);
    setenv("RAPPORT_POSTGRES_URL", url, 1);
    load_server_start(binary, out);
    unsetenv("RAPPORT_STORE");
    unsetenv("RAPPORT_POSTGRES_URL");
    put_secret(out);
    return true;
}

static void tell(const struct subject *s)
{
    printf("%-46s %10.0f /s   CPU %5.1f us each (the load itself %.1f us), p50 %.2f p99 %.2f ms\n",
           s->what, s->per_s, (double)s->cpu_us / (double)s->answers,
           (double)s->own_us / (double)s->answers, s->p50_ms, s->p99_ms);
}

static void judge(const struct subject *s, const struct subject *peer,
                  const struct subject *postgres, double limit_ms)
{
    double cpu_us = (double)s->cpu_us / (double)s->answers;
    figure_print(&(struct figure){.what = "webhooks stored, 128 connections",
                                  .value = s->per_s,
                                  .unit = "/s",
                                  .limit = 25000,
                                  .at_least = true,
                                  .cpu_us = cpu_us});
    if (peer->there) {
        figure_print(&(struct figure){.what = "webhooks stored, beside a peer",
                                      .value = s->per_s,
                                      .unit = "/s",
                                      .limit = peer->per_s,
                                      .at_least = true,
                                      .beside = "fastify, SQLite group commit",
                                      .cpu_us = cpu_us});
    }
    if (postgres->there) {
        figure_print(
            &(struct figure){.what = "the same on PostgreSQL",
                             .value = postgres->per_s,
                             .unit = "/s",
                             .cpu_us = (double)postgres->cpu_us / (double)postgres->answers});
    }
    figure_print(&(struct figure){.what = "one webhook at a time, p50",
                                  .value = s->alone_ms,
                                  .unit = "ms",
                                  .limit = 2 * limit_ms,
                                  .beside = "2 x (round trip + fdatasync)"});
}

int main(int argc, char **argv)
{
    enum { PLAIN, MAPPED, POSTGRES, GROUP, SINGLE, COUNT };
    const char *named = getenv("RAPPORT_BIN"), *binary = named ? named : "build/release/rapport";
    int rounds = argc > 1 ? atoi(argv[1]) : ROUNDS;
    bool only = argc > 2, one_by_one = only && strcmp(argv[2], "alone") == 0;
    struct subject all[COUNT] = {
        [PLAIN] = {.what = "signed webhook, stored with its event",
                   .path = "/hooks/brightwell/plain",
                   .there = true},
        [MAPPED] = {.what = "the same, mapped by jq to a second event",
                    .path = "/hooks/brightwell/mapped",
                    .there = true},
        [POSTGRES] = {.what = "signed webhook, stored on PostgreSQL",
                      .path = "/hooks/brightwell/plain"},
        [GROUP] = {.what = "fastify + SQLite, group commit", .path = "/hook"},
        [SINGLE] = {.what = "fastify + SQLite, a commit each", .path = "/hook"},
    };
    struct batch *b = calloc(1, sizeof(*b));
    b->bytes = malloc((size_t)REQUESTS_MAX * REQUEST_MAX_BYTES);
    load_server_start(binary, &all[PLAIN].server);
    all[MAPPED].server = all[PLAIN].server;
    put_secret(&all[PLAIN].server);
    all[MAPPED].there = !only;
    all[POSTGRES].there = !only && start_on_postgres(binary, &all[POSTGRES].server);
    all[GROUP].there = !only && start_peer("group", &all[GROUP].server);
    all[SINGLE].there = !only && start_peer("each", &all[SINGLE].server);
    double trip_ms = 1000, disk_ms = 1000; /* the best round's, as everything here */
    for (int round = 0; round <= rounds; round++) {
        if (one_by_one || !only) {
            trip_ms = least(trip_ms, round_trip_ms(&all[PLAIN].server));
            disk_ms = least(disk_ms, sync_ms(all[PLAIN].server.folder));
        }
        for (int i = 0; i < COUNT; i++) {
            struct subject warm = all[i];
            if (all[i].there && !one_by_one) {
                one_round(round ? &all[i] : &warm, b, round ? ROUND_MS : WARM_MS);
            }
            if (all[i].there && (one_by_one || !only)) {
                alone(&all[i], b);
            }
        }
    }
    for (int i = 0; i < COUNT; i++) {
        if (all[i].there) {
            tell(&all[i]);
            printf("%-46s %10.3f ms  one at a time, p50\n", "", all[i].alone_ms);
        } else {
            printf("%-46s (not there: RAPPORT_TEST_POSTGRES, npm ci in bench/peers/ingest)\n",
                   all[i].what);
        }
    }
    printf("a round trip %.3f ms, fdatasync of a page %.3f ms\n", trip_ms, disk_ms);
    judge(&all[PLAIN], &all[GROUP], &all[POSTGRES], trip_ms + disk_ms);
    for (int i = MAPPED + 1; i < COUNT; i++) {
        if (all[i].there) {
            load_server_stop(&all[i].server);
        }
    }
    load_server_stop(&all[PLAIN].server);
    free(b->bytes);
    free(b);
    return 0;
}
