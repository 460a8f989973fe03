/* The reading half of a connection: from bytes to a whole request with a worker. Loop code. */
#ifndef IO_CONN_REQUEST_H
#define IO_CONN_REQUEST_H

#include "io/conn.h"

/* Takes what it understands of `bytes`, in one of the states HEAD, BODY and CHUNKS; returns how
 * much that was. 0: more bytes are needed. */
size_t conn_request_feed(struct conn *conn, struct str bytes);

#endif
