/* A connection that became a stream: an SSE stream, or a WebSocket. Loop code. */
#ifndef IO_CONN_STREAM_H
#define IO_CONN_STREAM_H

#include "io/conn.h"

/* Takes over the channel's reference; the handshake is already in conn->out. */
void conn_stream_begin(struct conn *conn, struct channel *ch);
/* Takes what it understands of `bytes`; returns how much that was. */
size_t conn_stream_feed(struct conn *conn, struct str bytes);
/* conn->out is all written: true when it put more there. The stream may have ended instead. */
bool conn_stream_refill(struct conn *conn);
/* Nothing went out for a while. */
void conn_stream_ping(struct conn *conn);

#endif
