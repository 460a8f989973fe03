/* Header lines of a request that goes out, and what the headers of its answer say. Pure. Private to
 * io/client.c, but for client_header, which io/client.h declares. */
#ifndef IO_CLIENT_HEADER_H
#define IO_CLIENT_HEADER_H

#include "io/client.h"

struct client_header_lines {
    const char *lines[CLIENT_HEADERS_MAX + 3]; /* the client's own among them */
    int count;
};

/* In the ctx's arena. foreign: the request was redirected to another origin, secrets stay here.
 * E_INVALID, field "headers": one is malformed, or they are too many. */
enum err client_header_lines(struct ctx *c, const struct request_out *request, bool foreign,
                             struct client_header_lines *out);
/* Where the answer redirects to; empty: nowhere. */
struct str client_header_location(const struct response_in *r);

#endif
