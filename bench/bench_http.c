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
#include "load.h"

enum {
    REQUEST_CONNS = 64,
    REQUEST_MS = 3000,
    WARM_MS = 500,
    IDLE_SOCKETS = 10000,
    BURST_SOCKETS = 1000,
    BURST_FRAMES = 400, /* to each socket */
    BURST_WRITERS = 8,
    FILES_WANTED = 20000,
};

static struct load_server server;
static char token[2048], conversation[64], peer_binary[4096];
static int missed;

static void row(const char *what, double value, const char *unit, double limit, bool at_least)
{
    bool fine = at_least ? value >= limit : value <= limit;
    missed += !fine;
    printf("%-46s %10.1f %-4s %s %8.0f  x%.2f %s\n", what, value, unit,
           at_least ? "at least" : "at most ", limit, value / limit, fine ? "ok" : "MISSED");
}

/* ---- requests ------------------------------------------------------------ */

struct measured {
    double per_s, cpu_us;
};

static struct measured measure(const struct load_server *s, const char *what, const char *path,
                               const char *bearer)
{
    struct load_request r = {.server = s, .conns = REQUEST_CONNS};
    snprintf(r.text, sizeof(r.text), "GET %s HTTP/1.1\r\nHost: bench\r\n%s%s%s\r\n", path,
             bearer ? "Authorization: Bearer " : "", bearer ? bearer : "", bearer ? "\r\n" : "");
    load_requests(&r, WARM_MS);
    int64_t cpu = load_cpu_us(s->pid), own = load_cpu_us(0);
    double seconds = load_requests(&r, REQUEST_MS);
    cpu = load_cpu_us(s->pid) - cpu;
    own = load_cpu_us(0) - own;
    struct measured m = {(double)r.answers / seconds, (double)cpu / (double)r.answers};
    printf("%-46s %10.0f /s   CPU %5.1f us each (the load itself %.1f us), p99 %.2f ms\n", what,
           m.per_s, m.cpu_us, (double)own / (double)r.answers, r.p99_ms);
    return m;
}

static void bench_peer(double per_s)
{
    struct load_server peer;
    if (!load_peer_start(peer_binary, &peer)) {
        printf("%-46s (not built: libwebsockets-dev is not installed)\n", "hello of libwebsockets");
        return;
    }
    struct measured hello = measure(&peer, "hello of libwebsockets", "/", NULL);
    row("conversations, % of a libwebsockets hello", 100 * per_s / hello.per_s, "%", 70, true);
    load_server_stop(&peer);
}

static void bench_requests(void)
{
    char path[128];
    struct measured hello = measure(&server, "hello (GET /health/live)", "/health/live", NULL);
    snprintf(path, sizeof(path), "/api/v1/conversations/%s", conversation);
    struct measured page = measure(&server, "signed in: GET a conversation", path, token);
    snprintf(path, sizeof(path), "/api/v1/conversations/%s/messages", conversation);
    measure(&server, "signed in: GET its messages, from the store", path, token);
    row("conversations read", page.per_s, "/s", 50000, true);
    row("conversations, % of a hello", 100 * page.per_s / hello.per_s, "%", 70, true);
    bench_peer(page.per_s);
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
    row("an idle signed-in WebSocket, of 10,000", (double)grown / IDLE_SOCKETS / 1024, "KiB", 6,
        false);
    load_sockets_close(&all);
}

/* Events of about 250 bytes: notes in a conversation, seen by everybody who looks on. */
static void bench_burst(void)
{
    struct load_sockets *all = open_views(BURST_SOCKETS);
    struct load_request r = {.server = &server, .conns = BURST_WRITERS, .count = BURST_FRAMES};
    static const char body[] = "{\"text\":\"A note that is as long as such notes are.\"}";
    snprintf(
        r.text, sizeof(r.text),
        "POST /api/v1/conversations/%s/guidance HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer "
        "%s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
        conversation, token, sizeof(body) - 1, body);
    load_sockets_reset(all);
    int64_t cpu = load_cpu_us(server.pid), own = load_cpu_us(0), began_us = clock_steady_us();
    pid_t writer = fork();
    if (writer == 0) {
        load_requests(&r, 0);
        _exit(0);
    }
    int64_t frames = load_sockets_drain(all, (int64_t)BURST_FRAMES * BURST_SOCKETS);
    waitpid(writer, NULL, 0);
    double seconds = (double)(clock_steady_us() - began_us) / 1e6;
    cpu = load_cpu_us(server.pid) - cpu;
    own = load_cpu_us(0) - own;
    printf("%-46s %10lld      of %.0f bytes, CPU %.2f us each (reading them %.2f us)\n",
           "frames to 1,000 sockets", (long long)frames,
           (double)load_sockets_bytes(all) / (double)frames, (double)cpu / (double)frames,
           (double)own / (double)frames);
    row("frames a second", (double)frames / seconds, "/s", 200000, true);
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
    return missed ? 1 : 0;
}
