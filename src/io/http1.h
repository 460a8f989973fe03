/* HTTP/1.0 and 1.1 requests (RFC 9112) out of untrusted bytes: the head, chunked bodies, the path.
 * Strict: whatever two readers could read differently is refused. Views point into the bytes given.
 * Pure. */
#ifndef IO_HTTP1_H
#define IO_HTTP1_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "io/server.h"

enum {
    HTTP1_LINE_MAX_BYTES = 8192, /* request line; 414 past it */
    HTTP1_METHOD_MAX_BYTES = 24,
    HTTP1_CHUNK_LINE_MAX_BYTES = 256,
    HTTP1_TRAILER_MAX_BYTES = 8192,
};

/* What the peer is told; detail is a fixed text. */
struct http1_refusal {
    int status; /* 0: none */
    const char *detail;
};

struct http1_head {
    struct str method;
    struct str path;  /* as sent, not decoded; starts with '/' */
    struct str query; /* as sent, after '?' */
    struct header headers[SERVER_HEADERS_MAX];
    int header_count;
    int minor_version;   /* HTTP/1.x */
    int64_t body_length; /* 0 without a body; -1 when chunked */
    bool keep_alive;
    bool expects_continue;
    bool websocket; /* asks to become one */
};

/* How many of the bytes the head takes, its closing empty line included; 0 while it is incomplete
 * or refused. `*scanned` starts at 0 and is kept between calls: no byte is looked at twice. */
size_t http1_head_bytes(struct str bytes, size_t *scanned, struct http1_refusal *out_refusal);

/* Reads exactly one head. False: refused, out_refusal says why. */
bool http1_head_read(struct str head, struct http1_head *out_head,
                     struct http1_refusal *out_refusal);

/* Decodes and normalises a path into `out` (room for raw.n bytes): "//" and "/./" become "/". False
 * on "..", bad escapes, control characters and what is not UTF-8, each after decoding. */
bool http1_path(struct str raw, char *out, size_t *out_bytes);

/* A chunked body as it arrives. Starts zeroed. */
struct http1_chunks {
    int state;
    int digits;
    uint64_t left;
    size_t line_bytes; /* of the size line, then of all trailers */
};

enum http1_fed { HTTP1_MORE, HTTP1_DONE, HTTP1_BAD, HTTP1_TOO_LARGE };

/* Appends data to `body`, whose maximum is the limit; *out_used says how many bytes were taken. */
enum http1_fed http1_chunks_feed(struct http1_chunks *k, struct str bytes, struct buf *body,
                                 size_t *out_used);

/* RFC 9110 tokens: names of headers and methods. */
bool http1_is_token(struct str s);
/* True when a value holds nothing but visible text, spaces and tabs (RFC 9110 section 5.5). */
bool http1_is_value(struct str s);
/* True when the comma-separated list holds the token, ASCII case folded. */
bool http1_list_has(struct str list, const char *token);

#endif
