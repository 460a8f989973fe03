/* Starts the program and loads it from one thread: requests over kept-alive connections, WebSockets
 * that listen. Anything unexpected ends the process with a line that says what. */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct load_server {
    pid_t pid;
    int port;
    char folder[64];
};

/* On a new data folder with the demo workspace, limits on requests off; returns when it is
 * ready. */
void load_server_start(const char *binary, struct load_server *out);
void load_server_stop(struct load_server *s);
/* A program that prints its port alike; false when there is none. */
bool load_peer_start(const char *binary, struct load_server *out);

/* User and system time so far; pid 0: our own. Proportional set size. */
int64_t load_cpu_us(pid_t pid);
int64_t load_memory_bytes(pid_t pid);

struct load_answer {
    int status;
    char body[64 << 10]; /* with its head */
};

/* One request on a connection of its own; ends the process unless the answer is 2xx. */
void load_once(const struct load_server *s, const char *what, const char *token, const char *body,
               struct load_answer *out);
/* The text after the first `key` in the answer, up to the next quote. */
void load_text(const struct load_answer *a, const char *key, char *out, size_t size_bytes);

/* As a supervisor of the demo; the id of one of its conversations. */
void load_sign_in(const struct load_server *s, char *out_token, size_t size_bytes);
void load_conversation(const struct load_server *s, const char *token, char *out_id,
                       size_t size_bytes);

struct load_request {
    const struct load_server *server;
    char text[4096]; /* sent again and again, one at a time per connection */
    /* Instead of it the n-th request, from 0; lives until the next call. NULL: none is left, and no
     * more are sent. */
    const char *(*text_of)(void *arg, int64_t n, size_t *out_bytes);
    void *arg;
    int conns;
    int64_t count; /* stop after as many; 0: after the time */

    int64_t answers; /* out */
    double p50_ms, p99_ms;
};

/* Returns the seconds it took. */
double load_requests(struct load_request *r, int64_t ms);

struct load_sockets;

/* Opens `count` WebSockets, sends `hello` on each and waits for one frame on each. */
struct load_sockets *load_sockets_open(const struct load_server *s, const char *path,
                                       const char *hello, int count);
/* Reads what comes until `frames` text frames arrived since the reset; how many did. */
void load_sockets_reset(struct load_sockets *all);
int64_t load_sockets_drain(struct load_sockets *all, int64_t frames);
int64_t load_sockets_bytes(const struct load_sockets *all);
/* Reads one batch of what comes within `ms`; the text frames since the reset. */
int64_t load_sockets_turn(struct load_sockets *all, int ms);
/* The n-th of them, to be treated badly. */
int load_sockets_fd(const struct load_sockets *all, int n);
void load_sockets_close(struct load_sockets **all);

#endif
