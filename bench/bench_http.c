/* What the whole program serves over HTTP and WebSocket: it is started as a user starts it, on a
 * folder of its own with the demo workspace, and loaded over loopback by this one thread. Every
 * figure stands beside its limit, or beside a peer measured in the same run. CPU is of the program
 * alone (user and system), per operation.
 *
 * Usage: bench_http [requests] [burst] [idle]; RAPPORT_BIN names the program. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "figure.h"
#include "load.h"

enum {
    REQUEST_CONNS = 64,
    ROUNDS = 5,
    ROUND_MS = 700,
    WARM_MS = 300,
    IDLE_SOCKETS = 10000,
    BURST_SOCKETS = 1000,
    BURST_FRAMES = 400, /* to each socket */
    BURST_WRITERS = 8,
    BURST_ROUNDS = 4,
    FILES_WANTED = 20000,
};

static struct load_server server;
static char token[2048], conversation[64], peer_binary[4096];

/* ---- requests ------------------------------------------------------------ */

struct subject {
    const char *what;
    const struct load_server *server;
    const char *bearer;
    char path[128];
    double per_s; /* of its best round */
    double p99_ms;
    int64_t answers, cpu_us, own_us; /* of all rounds */
};

static double cpu_of(const struct subject *s)
{
    return (double)s->cpu_us / (double)s->answers;
}

static void one_round(struct subject *s, int64_t ms)
{
    struct load_request r = {.server = s->server, .conns = REQUEST_CONNS};
    const char *b = s->bearer;
    snprintf(r.text, sizeof(r.text), "GET %s HTTP/1.1\r\nHost: bench\r\n%s%s%s\r\n", s->path,
             b ? "Authorization: Bearer " : "", b ? b : "", b ? "\r\n" : "");
    int64_t cpu = load_cpu_us(s->server->pid), own = load_cpu_us(0);
    double per_s = load_requests(&r, ms);
    per_s = (double)r.answers / per_s;
    s->cpu_us += load_cpu_us(s->server->pid) - cpu;
    s->own_us += load_cpu_us(0) - own;
    s->answers += r.answers;
    if (per_s > s->per_s) {
        s->per_s = per_s;
        s->p99_ms = r.p99_ms;
    }
}

/* In turns, so that what else the machine does meets them alike; the best round of each counts. */
static void measure(struct subject *all, int count)
{
    for (int i = 0; i < count; i++) {
        struct subject warm = all[i];
        one_round(&warm, WARM_MS);
    }
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < count; i++) {
            one_round(&all[i], ROUND_MS);
        }
    }
    for (int i = 0; i < count; i++) {
        const struct subject *s = &all[i];
        printf("%-46s %10.0f /s   CPU %5.1f us each (the load itself %.1f us), p99 %.2f ms\n",
               s->what, s->per_s, cpu_of(s), (double)s->own_us / (double)s->answers, s->p99_ms);
    }
}

static void beside(const struct subject *s, const struct subject *peer, const char *what)
{
    figure_print(&(struct figure){.what = "a conversation read, beside a peer",
                                  .value = s->per_s,
                                  .unit = "/s",
                                  .limit = .7 * peer->per_s,
                                  .at_least = true,
                                  .beside = what});
}

static void bench_requests(void)
{
    enum { PAGE, HELLO, STORE, PEER, COUNT };
    struct load_server peer;
    bool has_peer = load_peer_start(peer_binary, &peer);
    struct subject all[COUNT] = {
        [PAGE] = {.what = "signed in: GET a conversation", .server = &server, .bearer = token},
        [HELLO] = {.what = "hello (GET /health/live)", .server = &server, .path = "/health/live"},
        [STORE] = {.what = "signed in: GET its messages, from the store",
                   .server = &server,
                   .bearer = token},
        [PEER] = {.what = "hello of libwebsockets", .server = &peer, .path = "/"},
    };
    snprintf(all[PAGE].path, sizeof(all[PAGE].path), "/api/v1/conversations/%s", conversation);
    snprintf(all[STORE].path, sizeof(all[STORE].path), "/api/v1/conversations/%s/messages",
             conversation);
    measure(all, has_peer ? COUNT : PEER);
    figure_print(&(struct figure){.what = "a conversation read, signed in, 64 connections",
                                  .value = all[PAGE].per_s,
                                  .unit = "/s",
                                  .limit = 50000,
                                  .at_least = true,
                                  .cpu_us = cpu_of(&all[PAGE])});
    beside(&all[PAGE], &all[HELLO], "0.7 x GET /health/live");
    if (has_peer) {
        beside(&all[PAGE], &all[PEER], "0.7 x hello of libwebsockets");
        load_server_stop(&peer);
    } else {
        printf("%-46s (not built: libwebsockets-dev is not installed)\n", "hello of libwebsockets");
    }
}

/* ---- sockets ------------------------------------------------------------- */

static struct load_sockets *open_views(int count)
{
    char hello[2200];
    snprintf(hello, sizeof(hello), "{\"type\":\"auth\",\"token\":\"%s\"}", token);
    return load_sockets_open(&server, "/api/v1/live", hello, count);
}

static void bench_idle(void)
{
    struct load_sockets *warm = open_views(100);
    load_sockets_close(&warm);
    int64_t before = load_memory_bytes(server.pid);
    struct load_sockets *all = open_views(IDLE_SOCKETS);
    int64_t grown = load_memory_bytes(server.pid) - before;
    figure_print(&(struct figure){.what = "an idle signed-in WebSocket, of 10,000",
                                  .value = (double)grown / IDLE_SOCKETS / 1024,
                                  .unit = "KiB",
                                  .limit = 6});
    load_sockets_close(&all);
}

/* The seconds it took until every socket had every frame. */
static double one_burst(struct load_sockets *all)
{
    struct load_request r = {.server = &server, .conns = BURST_WRITERS, .count = BURST_FRAMES};
    static const char body[] = "{\"text\":\"A note that is as long as such notes are.\"}";
    snprintf(r.text, sizeof(r.text),
             "POST /api/v1/conversations/%s/guidance HTTP/1.1\r\nHost: bench\r\nAuthorization: "
             "Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
             conversation, token, sizeof(body) - 1, body);
    load_sockets_reset(all);
    int64_t began_us = clock_steady_us();
    pid_t writer = fork();
    if (writer == 0) {
        load_requests(&r, 0);
        _exit(0);
    }
    load_sockets_drain(all, (int64_t)BURST_FRAMES * BURST_SOCKETS);
    double seconds = (double)(clock_steady_us() - began_us) / 1e6;
    waitpid(writer, NULL, 0);
    return seconds;
}

/* Notes in a conversation, seen by everybody who looks on; the best round counts. */
static void bench_burst(void)
{
    struct load_sockets *all = open_views(BURST_SOCKETS);
    double frames = (double)BURST_FRAMES * BURST_SOCKETS, best = 0;
    int64_t cpu = load_cpu_us(server.pid), own = load_cpu_us(0);
    for (int i = 0; i < BURST_ROUNDS; i++) {
        double per_s = frames / one_burst(all);
        best = per_s > best ? per_s : best;
    }
    cpu = load_cpu_us(server.pid) - cpu;
    own = load_cpu_us(0) - own;
    printf("%-46s %10.0f      of %.0f bytes, CPU %.2f us each (reading them %.2f us)\n",
           "frames to 1,000 sockets, a round", frames, (double)load_sockets_bytes(all) / frames,
           (double)cpu / frames / BURST_ROUNDS, (double)own / frames / BURST_ROUNDS);
    figure_print(&(struct figure){.what = "frames to 1,000 WebSockets in a burst",
                                  .value = best,
                                  .unit = "/s",
                                  .limit = 200000,
                                  .at_least = true,
                                  .cpu_us = (double)cpu / frames / BURST_ROUNDS});
    load_sockets_close(&all);
}

/* ---- set-up -------------------------------------------------------------- */

static void sign_in(void)
{
    struct load_answer a;
    load_once(&server, "POST /api/v1/auth/login", NULL,
              "{\"email\":\"ingrid@brightwell.example\",\"password\":\"rapport-demo\"}", &a);
    load_text(&a, "\"access_token\":\"", token, sizeof(token));
    load_once(&server, "GET /api/v1/conversations?limit=1", token, NULL, &a);
    load_text(&a, "\"id\":\"", conversation, sizeof(conversation));
}

static bool wanted(int argc, char **argv, const char *name)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], name) == 0) {
            return true;
        }
    }
    return argc < 2;
}

int main(int argc, char **argv)
{
    const char *named = getenv("RAPPORT_BIN");
    const char *binary = named ? named : "build/release/rapport";
    const char *slash = strrchr(argv[0], '/');
    snprintf(peer_binary, sizeof(peer_binary), "%.*speer_websockets",
             slash ? (int)(slash - argv[0] + 1) : 0, argv[0]);
    struct rlimit files = {FILES_WANTED, FILES_WANTED};
    setrlimit(RLIMIT_NOFILE, &files); /* as far as we may; opening sockets tells the rest */
    load_server_start(binary, &server);
    sign_in();
    if (wanted(argc, argv, "requests")) {
        bench_requests();
    }
    if (wanted(argc, argv, "burst")) {
        bench_burst();
    }
    if (wanted(argc, argv, "idle")) {
        bench_idle();
    }
    load_server_stop(&server);
    return 0;
}
