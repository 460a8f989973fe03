/* Listening sockets. Any thread. */
#ifndef IO_LISTEN_H
#define IO_LISTEN_H

#include "base/ctx.h"

/* A numeric IPv4 or IPv6 address, or "localhost". E_INVALID, E_CONFLICT (taken), E_DENIED. */
enum err listen_open(struct ctx *c, const char *address, int port, int *out_fd, int *out_port);

/* What the system holds for a peer beyond what is on its way. It asks for more when half of that
 * went, so a peer that sips is seen to make no progress. */
enum { LISTEN_UNSENT_BYTES = 128 << 10 };

/* A peer that acknowledges nothing for so long is gone: a stream's next ping finds it out, although
 * nobody said goodbye. */
enum { LISTEN_SILENT_MS = 30000 };

/* The next connection, non-blocking, and its address as text; -1 with errno. */
int listen_accept(int fd, char *out_peer, size_t peer_bytes);

#endif
