/* What benches of the whole program share: the release binary as a child on fresh demo data, and a
 * load generator on one thread, so that two cores serve both. Failures end the bench with a line
 * that says what went wrong. RAPPORT_BIN names the binary, RAPPORT_SAMPLES the demo's folder. */
#ifndef BENCH_TALK_H
#define BENCH_TALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { TALK_PATH_BYTES = 256, TALK_HOST_BYTES = 32 };

struct talk_server {
    pid_t pid;
    int port;
    char folder[TALK_PATH_BYTES]; /* removed by talk_stop */
};

/* Rate limits are off. Ready when it returns. */
struct talk_server talk_start(void);
void talk_stop(struct talk_server *s);
double talk_cpu_s(const struct talk_server *s); /* user and system, of all its threads */
int64_t talk_pss_kib(const struct talk_server *s);

double talk_now_us(void);
/* Sorts. The value below which `share` (0 to 1) of them are. */
double talk_quantile(double *values, int n, double share);
/* figure, limit, ratio; `most`: the limit is not to be exceeded, else not to be fallen short of. */
void talk_row(const char *what, double value, const char *unit, double limit, bool most);

/* One request, one answer, on a connection of its own; for setting up. The body, which the caller
 * frees; ends the bench unless the status is 2xx. `token` may be NULL. */
char *talk_call(const struct talk_server *s, const char *method, const char *path,
                const char *token, const char *body);
/* The string value of the first "name" in JSON text; the caller frees. */
char *talk_field(const char *json, const char *name);
/* An access token of the demo's first member. */
char *talk_sign_in(const struct talk_server *s);

/* WebSocket clients, all on one epoll. */
struct talk_socket {
    int fd;
    int index;
    size_t held; /* bytes of an unfinished frame */
    char *buffer;
};
struct talk_sockets {
    int epoll;
    int count;
    struct talk_socket *items;
    int64_t frames, bytes;
    /* A text frame came in. */
    void (*on_text)(struct talk_socket *socket, const char *text, size_t n, void *arg);
    void *arg;
};
void talk_sockets_open(struct talk_sockets *all, const struct talk_server *s, int count,
                       const char *(*path_of)(int index, void *arg), void *arg);
void talk_sockets_close(struct talk_sockets *all);
void talk_send(struct talk_socket *socket, const char *text, size_t n);
/* Reads what comes for at most `ms`; returns after the first batch. */
void talk_sockets_turn(struct talk_sockets *all, int ms);

#endif
