/* What the whole program serves over HTTP: it is started as a user starts it, on a
 * folder of its own with the demo workspace, and loaded over loopback by this one thread. Every
 * figure stands beside its limit, or beside a peer measured in the same run. CPU is of the program
 * alone (user and system), per operation.
 *
 * RAPPORT_BIN names the program. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "figure.h"
#include "load.h"

enum {
    REQUEST_CONNS = 64,
    ROUNDS = 5,
    ROUND_MS = 700,
    WARM_MS = 300,
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

/* 0.7 of what it makes of a hello is to be reached. */
struct peer {
    const char *what, *binary, *installed;
    struct load_server server;
    bool there;
};

static void bench_requests(void)
{
    enum { PAGE, HELLO, STORE, OWN, PEERS = 2 };
    struct peer peers[PEERS] = {{.what = "0.7 x hello of libwebsockets", .binary = peer_binary},
                                {.what = "0.7 x hello of fastify",
                                 .binary = "bench/peers/http/server.js",
                                 .installed = "bench/peers/http/node_modules/fastify"}};
    struct subject all[OWN + PEERS] = {
        [PAGE] = {.what = "signed in: GET a conversation", .server = &server, .bearer = token},
        [HELLO] = {.what = "hello (GET /health/live)", .server = &server, .path = "/health/live"},
        [STORE] = {.what = "signed in: GET its messages, from the store",
                   .server = &server,
                   .bearer = token}};
    int count = OWN;
    snprintf(all[PAGE].path, sizeof(all[PAGE].path), "/api/v1/conversations/%s", conversation);
    snprintf(all[STORE].path, sizeof(all[STORE].path), "/api/v1/conversations/%s/messages",
             conversation);
    for (int i = 0; i < PEERS; i++) {
        struct peer *p = &peers[i];
        p->there = (!p->installed || access(p->installed, R_OK) == 0) &&
                   load_peer_start(p->binary, &p->server);
        if (p->there) {
            all[count++] = (struct subject){.what = p->what + 6, .server = &p->server, .path = "/"};
        } else {
            printf("%s: not installed\n", p->what + 6);
        }
    }
    measure(all, count);
    figure_print(&(struct figure){.what = "a conversation read, signed in, 64 connections",
                                  .value = all[PAGE].per_s,
                                  .unit = "/s",
                                  .limit = 50000,
                                  .at_least = true,
                                  .cpu_us = cpu_of(&all[PAGE])});
    figure_print(&(struct figure){.what = "its messages, read from the store",
                                  .value = all[STORE].per_s,
                                  .unit = "/s",
                                  .cpu_us = cpu_of(&all[STORE])});
    beside(&all[PAGE], &all[HELLO], "0.7 x GET /health/live");
    count = OWN;
    for (int i = 0; i < PEERS; i++) {
        if (peers[i].there) {
            beside(&all[PAGE], &all[count++], peers[i].what);
            load_server_stop(&peers[i].server);
        }
    }
}

/* ---- set-up -------------------------------------------------------------- */

int main(int argc, char **argv)
{
    const char *named = getenv("RAPPORT_BIN");
    const char *binary = named ? named : "build/release/rapport";
    (void)argc;
    const char *slash = strrchr(argv[0], '/');
    snprintf(peer_binary, sizeof(peer_binary), "%.*speer_websockets",
             slash ? (int)(slash - argv[0] + 1) : 0, argv[0]);
    load_server_start(binary, &server);
    load_sign_in(&server, token, sizeof(token));
    load_conversation(&server, token, conversation, sizeof(conversation));
    bench_requests();
    load_server_stop(&server);
    return 0;
}
