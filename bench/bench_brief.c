/* Briefs of the success copilot over the whole program: POST /briefs without a model, 200 in a
 * second as they would come, then one after the other on each connection. Each is planned, runs
 * five tools, is worded and is on disk before it is answered. CPU is of the program alone.
 *
 * RAPPORT_BIN names the program. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "figure.h"
#include "load.h"
#include "program.h"

enum {
    SENDERS = 20,
    PER_SECOND = 200,
    SECONDS = 10,
    ALL = PER_SECOND * SECONDS,
    WARM_UP = 100,
    CONNS = 4,
    BUSY_MS = 4000,
    HEAD_BYTES = 16 << 10,
};

static struct load_server server;
static char token[2048], request[4096];

static const char *const names[] = {"Nordvik Logistics", "Hafenkontor Spedition",
                                    "Ziegler Werkzeug", "Acme Corp", "Globex Corporation"};
enum { NAMES = sizeof(names) / sizeof(*names) };

static void write_request(int n, char *out, size_t size_bytes)
{
    char body[200];
    int length = snprintf(body, sizeof(body), "{\"question\":\"Prepare a renewal brief for %s\"}",
                          names[n % NAMES]);
    snprintf(out, size_bytes,
             "POST /api/v1/briefs HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer %s\r\n"
             "Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
             token, length, body);
}

/* ---- at their pace ------------------------------------------------------- */

struct sender {
    int index;
    int64_t began_us;
    double *took_ms; /* of request n; each sender fills its own */
};

/* Reads one answer: its head, then as many bytes as that says. */
static void read_answer(int fd)
{
    char head[HEAD_BYTES];
    size_t got = 0, whole = 0;
    while (whole == 0 || got < whole) {
        ssize_t n = read(fd, head + (whole ? 0 : got), whole ? sizeof(head) : HEAD_BYTES - got - 1);
        if (n <= 0) {
            program_die("the server hung up");
        }
        got += (size_t)n;
        if (whole) {
            continue;
        }
        head[got] = 0;
        const char *end = strstr(head, "\r\n\r\n");
        const char *length = end ? strcasestr(head, "content-length:") : NULL;
        if (end && (!length || strncmp(head, "HTTP/1.1 201", 12) != 0)) {
            program_die("the server says %.900s", head);
        }
        whole = end ? (size_t)(end + 4 - head) + (size_t)atol(length + 15) : 0;
    }
}

static void wait_until(int64_t us)
{
    int64_t left = us - clock_steady_us();
    if (left > 0) {
        struct timespec t = {.tv_sec = left / 1000000, .tv_nsec = left % 1000000 * 1000};
        nanosleep(&t, NULL);
    }
}

/* Each sender sends every SENDERS-th of all; what is late counts from when it was due. */
static void *send_briefs(void *arg)
{
    struct sender *s = arg;
    char text[4096];
    int fd = program_dial(server.port);
    for (int n = s->index; n < ALL; n += SENDERS) {
        int64_t due_us = s->began_us + (int64_t)n * 1000000 / PER_SECOND;
        write_request(n, text, sizeof(text));
        wait_until(due_us);
        program_say(fd, text, strlen(text));
        read_answer(fd);
        s->took_ms[n] = (double)(clock_steady_us() - due_us) / 1e3;
    }
    close(fd);
    return NULL;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static void at_their_pace(void)
{
    static double took_ms[ALL];
    struct sender senders[SENDERS];
    pthread_t threads[SENDERS];
    int64_t cpu = load_cpu_us(server.pid);
    for (int i = 0; i < SENDERS; i++) {
        senders[i] = (struct sender){i, clock_steady_us() + 50000, took_ms};
        pthread_create(&threads[i], NULL, send_briefs, &senders[i]);
    }
    for (int i = 0; i < SENDERS; i++) {
        pthread_join(threads[i], NULL);
    }
    cpu = load_cpu_us(server.pid) - cpu;
    qsort(took_ms, ALL, sizeof(*took_ms), by_size);
    printf("%d briefs at %d in a second: p50 %.2f ms, p90 %.2f ms, slowest %.2f ms\n", ALL,
           PER_SECOND, took_ms[ALL / 2], took_ms[ALL * 9 / 10], took_ms[ALL - 1]);
    figure_print(&(struct figure){.what = "a brief at 200 in a second, p99",
                                  .value = took_ms[ALL * 99 / 100],
                                  .unit = "ms",
                                  .limit = 30,
                                  .cpu_us = (double)cpu / ALL});
}

/* ---- as many as go ------------------------------------------------------- */

static const char *text_of(void *arg, int64_t n, size_t *out_bytes)
{
    (void)arg;
    write_request((int)n, request, sizeof(request));
    *out_bytes = strlen(request);
    return request;
}

static void as_many_as_go(void)
{
    struct load_request r = {.server = &server, .text_of = text_of, .conns = CONNS};
    int64_t cpu = load_cpu_us(server.pid);
    double seconds = load_requests(&r, BUSY_MS);
    cpu = load_cpu_us(server.pid) - cpu;
    figure_print(&(struct figure){.what = "briefs, one after the other on 4 connections",
                                  .value = (double)r.answers / seconds,
                                  .unit = "/s",
                                  .limit = PER_SECOND,
                                  .at_least = true,
                                  .cpu_us = (double)cpu / (double)r.answers});
}

int main(void)
{
    const char *binary = getenv("RAPPORT_BIN");
    load_server_start(binary ? binary : "build/release/rapport", &server);
    load_sign_in(&server, token, sizeof(token));
    struct load_request warm = {
        .server = &server, .text_of = text_of, .conns = CONNS, .count = WARM_UP};
    load_requests(&warm, 0);
    printf("warm\n");
    at_their_pace();
    as_many_as_go();
    load_server_stop(&server);
    return 0;
}
