/* What the whole program does for WebSockets: what an idle one costs, how many frames a burst of
 * events brings to a thousand, how soon one durable event is with all of them, and what becomes of
 * readers that stand still. ws of npm beside it where it is installed (bench/peers/sockets). CPU is
 * of the program alone, per frame.
 *
 * Usage: bench_sockets [burst] [one] [slow] [idle]; RAPPORT_BIN names the program. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "figure.h"
#include "load.h"
#include "program.h"

enum {
    IDLE_SOCKETS = 10000,
    SOCKETS = 1000,
    BURST_FRAMES = 400, /* to each socket */
    BURST_WRITERS = 8,
    ROUNDS = 4,
    EVENTS = 200, /* one at a time */
    PAUSE_US = 5000,
    SLOT_US = 50,
    SLOTS = 4000,
    SLOW_READERS = 50,
    SLOW_ROOM_BYTES = 4096,
    NOTE_BYTES = 4000,
    SLOW_EVENTS = 3000,
    FILES_WANTED = 20000,
    FRAME_BYTES = 415, /* of the peer's, as ours are */
};

static struct load_server server, peer;
static bool has_peer;
static char token[2048], conversation[64];

static struct load_sockets *open_views(int count)
{
    char hello[2200];
    snprintf(hello, sizeof(hello), "{\"type\":\"auth\",\"token\":\"%s\"}", token);
    return load_sockets_open(&server, "/api/v1/live", hello, count);
}

/* A note in a conversation, seen by everybody who looks on. */
static void note(char *out, size_t size_bytes, const char *text)
{
    snprintf(out, size_bytes,
             "POST /api/v1/conversations/%s/guidance HTTP/1.1\r\nHost: bench\r\nAuthorization: "
             "Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n"
             "{\"text\":\"%s\"}",
             conversation, token, strlen(text) + 11, text);
}

static const char usual_note[] = "A note that is as long as such notes are.";

/* ---- idle ----------------------------------------------------------------- */

static void idle_row(const char *what, int64_t grown, double limit)
{
    figure_print(&(struct figure){
        .what = what, .value = (double)grown / IDLE_SOCKETS / 1024, .unit = "KiB", .limit = limit});
}

static void bench_idle(void)
{
    struct load_sockets *warm = open_views(100);
    load_sockets_close(&warm);
    int64_t before = load_memory_bytes(server.pid);
    struct load_sockets *all = open_views(IDLE_SOCKETS);
    idle_row("an idle signed-in WebSocket, of 10,000", load_memory_bytes(server.pid) - before, 6);
    load_sockets_close(&all);
    if (has_peer) {
        before = load_memory_bytes(peer.pid);
        all = load_sockets_open(&peer, "/", "{}", IDLE_SOCKETS);
        idle_row("peer: an idle WebSocket of ws", load_memory_bytes(peer.pid) - before, 0);
        load_sockets_close(&all);
    }
}

/* ---- a burst -------------------------------------------------------------- */

/* The seconds it took until every socket had every frame. */
static double one_burst(struct load_sockets *all, struct load_request *r)
{
    load_sockets_reset(all);
    int64_t began_us = clock_steady_us();
    pid_t writer = fork();
    if (writer == 0) {
        load_requests(r, 0);
        _exit(0);
    }
    load_sockets_drain(all, (int64_t)BURST_FRAMES * SOCKETS);
    double seconds = (double)(clock_steady_us() - began_us) / 1e6;
    waitpid(writer, NULL, 0);
    return seconds;
}

/* The best round counts; the frames of a second, and *out_cpu_us of each. */
static double bursts(struct load_sockets *all, struct load_request *r, double *out_cpu_us)
{
    double frames = (double)BURST_FRAMES * SOCKETS, best = 0;
    int64_t cpu = load_cpu_us(r->server->pid);
    for (int i = 0; i < ROUNDS; i++) {
        double per_s = frames / one_burst(all, r);
        best = per_s > best ? per_s : best;
    }
    *out_cpu_us = (double)(load_cpu_us(r->server->pid) - cpu) / frames / ROUNDS;
    return best;
}

static void bench_burst(void)
{
    struct load_request r = {.server = &server, .conns = BURST_WRITERS, .count = BURST_FRAMES};
    struct load_sockets *all = open_views(SOCKETS);
    double cpu_us = 0, per_s;
    note(r.text, sizeof(r.text), usual_note);
    per_s = bursts(all, &r, &cpu_us);
    printf("a frame has %.0f bytes\n",
           (double)load_sockets_bytes(all) / ((double)BURST_FRAMES * SOCKETS));
    load_sockets_close(&all);
    figure_print(&(struct figure){.what = "frames to 1,000 WebSockets in a burst",
                                  .value = per_s,
                                  .unit = "/s",
                                  .limit = 200000,
                                  .at_least = true,
                                  .cpu_us = cpu_us});
    if (!has_peer) {
        printf("ws of npm: not installed\n");
        return;
    }
    struct load_request asked = {.server = &peer, .conns = 1, .count = 1};
    snprintf(asked.text, sizeof(asked.text),
             "POST /burst?frames=%d&bytes=%d HTTP/1.1\r\nHost: bench\r\nContent-Length: 0\r\n\r\n",
             BURST_FRAMES, FRAME_BYTES);
    all = load_sockets_open(&peer, "/", "{}", SOCKETS);
    double peer_cpu_us = 0, peer_per_s = bursts(all, &asked, &peer_cpu_us);
    load_sockets_close(&all);
    figure_print(&(struct figure){.what = "the same beside ws, which stores nothing",
                                  .value = per_s,
                                  .unit = "/s",
                                  .limit = peer_per_s,
                                  .at_least = true,
                                  .beside = "ws of npm",
                                  .cpu_us = peer_cpu_us});
}

/* ---- one event ------------------------------------------------------------ */

struct times {
    int64_t slots[SLOTS]; /* of SLOT_US, deliveries */
    int64_t count;
};

static void one_event(struct load_sockets *all, int fd, const char *text, struct times *t)
{
    char answer[8192];
    int64_t had = 0, began_us = clock_steady_us();
    load_sockets_reset(all);
    program_say(fd, text, strlen(text));
    while (had < SOCKETS) {
        int64_t now = load_sockets_turn(all, 10000);
        int64_t slot = (clock_steady_us() - began_us) / SLOT_US;
        if (now == had && slot >= SLOTS) {
            program_die("%lld of %d viewers saw the event", (long long)had, SOCKETS);
        }
        t->slots[slot < SLOTS ? slot : SLOTS - 1] += now - had;
        had = now;
    }
    t->count += had;
    if (recv(fd, answer, sizeof(answer), 0) < 12 || answer[9] != '2') {
        program_die("the note was refused: %.300s", answer);
    }
}

static double share_ms(const struct times *t, double share)
{
    int64_t left = (int64_t)(share * (double)t->count);
    int at = 0;
    while (at < SLOTS - 1 && left >= t->slots[at]) {
        left -= t->slots[at++];
    }
    return (double)(at + 1) * SLOT_US / 1000;
}

/* From the request that makes it, over its commit, to each of the viewers. */
static void bench_one(void)
{
    static struct times t;
    char text[4096];
    struct load_sockets *all = open_views(SOCKETS);
    int fd = program_dial(server.port);
    note(text, sizeof(text), usual_note);
    int64_t cpu = load_cpu_us(server.pid);
    for (int i = 0; i < EVENTS; i++) {
        one_event(all, fd, text, &t);
        usleep(PAUSE_US);
    }
    cpu = load_cpu_us(server.pid) - cpu;
    close(fd);
    load_sockets_close(&all);
    figure_print(&(struct figure){.what = "a durable event until a viewer of 1,000 has it, p50",
                                  .value = share_ms(&t, .5),
                                  .unit = "ms",
                                  .cpu_us = (double)cpu / EVENTS});
    figure_print(&(struct figure){.what = "a durable event until a viewer of 1,000 has it, p99",
                                  .value = share_ms(&t, .99),
                                  .unit = "ms",
                                  .limit = 10});
}

/* ---- readers that stand still --------------------------------------------- */

/* Whether the program has hung up; what still lies in the socket is read before. */
static bool is_cut(int fd)
{
    static char rest[1 << 20];
    struct timeval most = {.tv_sec = 1};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof(most));
    ssize_t got;
    while ((got = recv(fd, rest, sizeof(rest), MSG_DONTWAIT)) > 0) {}
    return got == 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
}

static void bench_slow(void)
{
    struct load_request r = {.server = &server, .conns = BURST_WRITERS, .count = SLOW_EVENTS};
    struct load_sockets *slow = open_views(SLOW_READERS), *quick = open_views(SLOW_READERS);
    char text[NOTE_BYTES + 1] = "";
    int small = SLOW_ROOM_BYTES, cut = 0;
    for (int i = 0; i < SLOW_READERS; i++) {
        setsockopt(load_sockets_fd(slow, i), SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
    }
    memset(text, 'n', NOTE_BYTES - sizeof(token) - 400);
    note(r.text, sizeof(r.text), text);
    load_sockets_reset(quick);
    pid_t writer = fork();
    if (writer == 0) {
        load_requests(&r, 0);
        _exit(0);
    }
    load_sockets_drain(quick, (int64_t)SLOW_EVENTS * SLOW_READERS); /* they miss nothing */
    waitpid(writer, NULL, 0);
    for (int i = 0; i < SLOW_READERS; i++) {
        cut += is_cut(load_sockets_fd(slow, i));
    }
    figure_print(&(struct figure){.what = "readers that stand still, of 50: cut",
                                  .value = cut,
                                  .unit = "",
                                  .limit = SLOW_READERS,
                                  .at_least = true});
    load_sockets_close(&slow);
    load_sockets_close(&quick);
}

/* ---- set-up --------------------------------------------------------------- */

int main(int argc, char **argv)
{
    const char *named = getenv("RAPPORT_BIN");
    struct rlimit files = {FILES_WANTED, FILES_WANTED};
    setrlimit(RLIMIT_NOFILE, &files); /* as far as we may; opening sockets tells the rest */
    load_server_start(named ? named : "build/release/rapport", &server);
    has_peer = access("bench/peers/sockets/node_modules/ws", R_OK) == 0 &&
               load_peer_start("bench/peers/sockets/server.js", &peer);
    load_sign_in(&server, token, sizeof(token));
    load_conversation(&server, token, conversation, sizeof(conversation));
    if (figure_wanted(argc, argv, "burst")) {
        bench_burst();
    }
    if (figure_wanted(argc, argv, "one")) {
        bench_one();
    }
    if (figure_wanted(argc, argv, "slow")) {
        bench_slow();
    }
    if (figure_wanted(argc, argv, "idle")) {
        bench_idle();
    }
    load_server_stop(&server);
    if (has_peer) {
        load_server_stop(&peer);
    }
    return 0;
}
