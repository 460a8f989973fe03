/* How long a request that goes out may still take. Private to io/client.c. */
#ifndef IO_CLIENT_WAIT_H
#define IO_CLIENT_WAIT_H

#include "io/client.h"

/* How often a wait asks whether it was cancelled. */
enum { CLIENT_WAIT_POLL_MS = 50 };

struct client_wait {
    int64_t start_ms, deadline_ms, last_byte_ms; /* steady */
    int64_t first_byte_ms;                       /* since the start; -1: none yet */
    int64_t idle_timeout_ms;                     /* 0: none */
};

struct client_wait client_wait_begin(struct ctx *c, const struct request_out *request);
/* Something of the answer came. */
void client_wait_heard(struct client_wait *w);
/* E_OK while it is worth waiting; *out_wait_ms says for how long before asking again. E_CANCELLED,
 * E_TIMEOUT. */
enum err client_wait_left(struct ctx *c, const struct client_wait *w, const char *host,
                          int *out_wait_ms);

#endif
