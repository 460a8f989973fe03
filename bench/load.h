/* What benches of the whole program share: the release binary as a child on fresh demo data, and a
 * load generator on one thread, so that two cores serve both. Failures end the bench with a line
 * that says what went wrong. RAPPORT_BIN names the binary, RAPPORT_SAMPLES the demo's folder. */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { LOAD_PATH_BYTES = 256, LOAD_HOST_BYTES = 32 };

struct load_server {
    pid_t pid;
    int port;
    char folder[LOAD_PATH_BYTES]; /* removed by load_stop */
};

/* Rate limits are off. Ready when it returns. */
struct load_server load_start(void);
void load_stop(struct load_server *s);
double load_cpu_s(const struct load_server *s); /* user and system, of all its threads */
int64_t load_pss_kib(const struct load_server *s);

double load_now_us(void);
/* Sorts. The value below which `share` (0 to 1) of them are. */
double load_quantile(double *values, int n, double share);
/* figure, limit, ratio; `most`: the limit is not to be exceeded, else not to be fallen short of. */
void load_row(const char *what, double value, const char *unit, double limit, bool most);

/* One request, one answer, on a connection of its own; for setting up. The body, which the caller
 * frees; ends the bench unless the status is 2xx. `token` may be NULL. */
char *load_call(const struct load_server *s, const char *method, const char *path,
                const char *token, const char *body);
/* The string value of the first "name" in JSON text; the caller frees. */
char *load_field(const char *json, const char *name);
/* An access token of the demo's first member. */
char *load_sign_in(const struct load_server *s);

/* WebSocket clients, all on one epoll. */
struct load_socket {
    int fd;
    int index;
    size_t held; /* bytes of an unfinished frame */
    char *buffer;
};
struct load_sockets {
    int epoll;
    int count;
    struct load_socket *items;
    int64_t frames, bytes;
    /* A text frame came in. */
    void (*on_text)(struct load_socket *socket, const char *text, size_t n, void *arg);
    void *arg;
};
void load_sockets_open(struct load_sockets *all, const struct load_server *s, int count,
                       const char *(*path_of)(int index, void *arg), void *arg);
void load_sockets_close(struct load_sockets *all);
void load_send(struct load_socket *socket, const char *text, size_t n);
/* Reads what comes for at most `ms`; returns after the first batch. */
void load_sockets_turn(struct load_sockets *all, int ms);

#endif
