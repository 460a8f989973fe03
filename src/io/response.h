/* Answers as bytes: the status line, the server's own headers, the handler's, and problem documents
 * (RFC 9457) of the server itself. Nothing a handler gives can start a header of its own: a
 * malformed name or value makes the whole answer a 500. Pure. */
#ifndef IO_RESPONSE_H
#define IO_RESPONSE_H

#include "base/buf.h"
#include "io/server.h"

/* What the request and the connection say about the answer. */
struct response_frame {
    int64_t now_ms;    /* for Date */
    int minor_version; /* of the request: HTTP/1.x */
    bool head_only;    /* HEAD */
    bool last;         /* the connection closes after it */
};

enum { RESPONSE_HEAD_MAX_BYTES = 64 << 10 };

/* Writes head and body into `reply` (made here); a static body becomes *out_static instead. False
 * when status or a header is malformed: nothing is written. */
bool response_write(const struct response_out *out, const struct response_frame *frame,
                    struct buf *reply, struct str *out_static);

/* The head of an SSE stream, or of an accepted WebSocket when ws_accept is not empty. */
bool response_stream_write(const struct response_out *out, const struct response_frame *frame,
                           struct str ws_accept, struct buf *reply);

/* A whole answer of the server's own: status 400 or above. */
void response_problem_write(int status, const char *detail, const char *request_id,
                            const struct response_frame *frame, struct buf *reply);

#endif
