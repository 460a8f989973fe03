/* A program run beside ours and talked to over its standard input and output. No shell: an argument
 * list, an absolute path, exactly the environment given. The child has a session of its own, no
 * descriptor of ours but the three, no new privileges, resource limits, and dies with the thread
 * that started it.
 *
 * Task code. One thread starts, reads and stops; any thread may write or wake. */
#ifndef IO_PROCESS_H
#define IO_PROCESS_H

#include "base/ctx.h"

enum { PROCESS_ARGUMENTS_MAX = 32, PROCESS_ENVIRONMENT_MAX = 32 };

struct process_config {
    const char *const *argv;  /* ends with NULL; argv[0] is an absolute path */
    const char *const *env;   /* "NAME=value", ends with NULL: all that the child sees */
    const char *folder;       /* to work in; NULL: / */
    int64_t memory_max_bytes; /* of data it may write to, per process; 0: no limit of its own */
    int64_t cpu_max_s;        /* processor time over its life; 0: no limit of its own */
};

enum process_event {
    PROCESS_QUIET,  /* nothing came in time */
    PROCESS_OUTPUT, /* bytes of its standard output */
    PROCESS_ERRORS, /* bytes of its standard error */
    PROCESS_WOKEN,  /* process_wake was called */
    PROCESS_ENDED   /* it closed its standard output */
};

struct process;

/* E_NOT_FOUND, E_DENIED (the program cannot be executed), E_INVALID (path, lists), E_UNAVAILABLE
 * (no process or descriptor to be had). */
enum err process_start(struct ctx *c, const struct process_config *config,
                       struct process **out_process);

/* All bytes or none that can be made sense of: after any failure but E_INVALID the stream is broken
 * and the process should be stopped. E_UNAVAILABLE it reads no more; E_TIMEOUT, E_CANCELLED. */
enum err process_write(struct ctx *c, struct process *p, struct str bytes);

/* Waits up to wait_ms (-1: for ever) and reads at most room bytes. */
enum process_event process_read(struct process *p, int64_t wait_ms, char *out_bytes, size_t room,
                                size_t *out_count);
void process_wake(struct process *p);

/* Closes its input, which asks it to end; after grace_ms SIGTERM, after as long again SIGKILL, to
 * it and what it started. How it ended, for people ("ended with status 1"), goes to out_how of
 * out_bytes; may be NULL. No other thread may use it any more. */
void process_stop(struct process **p, int64_t grace_ms, char *out_how, size_t how_bytes);

#endif
