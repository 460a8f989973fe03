/* HTTP client: one blocking call per request, bounded by the ctx's deadline, its cancel flag and
 * the request's own limits. Task code. Connections are pooled and kept alive per process.
 *
 * Addresses. Names are resolved by the client and every address is checked before connecting:
 * private, loopback, link-local, multicast and metadata addresses are refused (E_DENIED) unless the
 * request says `allow_private`, which only configuration of the installation may set. Redirects are
 * not followed unless asked for, and each hop is checked again. */
#ifndef IO_CLIENT_H
#define IO_CLIENT_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/ctx.h"

struct header {
    struct str name;
    struct str value;
};

enum { CLIENT_HEADERS_MAX = 64 };

struct response_in;

struct request_out {
    const char *method; /* "GET", "POST" ... */
    struct str url;     /* http or https, at most 8 KiB, no credentials in it */
    const struct header *headers;
    int header_count;
    struct str body;
    int64_t timeout_ms;        /* whole request; default 30,000 */
    int64_t idle_timeout_ms;   /* no byte for this long ends it (E_TIMEOUT); default timeout_ms */
    size_t response_max_bytes; /* default 4 MiB; E_TOO_LARGE past it */
    bool allow_private;
    int redirects_max; /* default 0: a 3xx is an answer. Another origin gets no secrets of ours */
    /* Streaming: called with each piece as it arrives, on the calling thread; a return other than
     * E_OK ends the request with it. NULL: the body is collected. Called only for 2xx answers;
     * other bodies are collected. */
    enum err (*on_piece)(struct ctx *c, struct str piece, void *arg);
    void *on_piece_arg;
    /* Called once before the first piece with status and headers (no body); may be NULL. */
    enum err (*on_head)(struct ctx *c, const struct response_in *head, void *arg);
    /* Never sent twice. A connection kept from before may be closed already; libcurl then sends the
     * request again by itself, although the server may have acted on it. This takes a new one. */
    bool once;
    bool *out_sent; /* set when the server may have got the request, or a part; may be NULL */
};

struct response_in {
    int status;
    struct str body; /* in the ctx's arena */
    const struct header *headers;
    int header_count;
    int64_t first_byte_ms; /* from the start of the call */
    int64_t total_ms;
};

/* At most connections_max requests at once (0: 64); others wait for their turn within their time.
 * No proxy is used, whatever the environment says. */
struct client *client_new(const struct facilities *at, int connections_max);
/* No request may be running. */
void client_free(struct client **cl);
/* Certificates to trust instead of the system's: a PEM file. Before the first request. */
void client_trust(struct client *cl, const char *pem_path);

/* E_OK means a complete response of any status. E_UNAVAILABLE: no connection, DNS, TLS, cut off.
 * E_TIMEOUT, E_CANCELLED, E_TOO_LARGE, E_DENIED, E_INVALID (URL). */
enum err client_send(struct ctx *c, const struct request_out *request,
                     struct response_in *out_response);

/* The value of the header, or the empty view. */
struct str client_header(const struct response_in *r, const char *name);

#endif
