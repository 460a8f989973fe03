/* Requests that wait for news without a thread (server.h: server_park). A parked request is its
 * exchange, a timer and whoever may wake it; the lock decides which of them runs it again. Inside
 * the io row. */
#ifndef IO_PARKED_H
#define IO_PARKED_H

#include "io/exchange.h"

/* Task, after the handler returned: true when the exchange waits now or is run again already, and
 * so is no longer the caller's; false when it is to be answered. */
bool parked_begin(struct ctx *c, struct exchange *ex, bool is_answered);
/* Task, before the handler runs again. */
void parked_end(struct exchange *ex);
/* Loop thread: the peer is gone or the server stops, so waiting is over. */
void parked_hurry(struct exchange *ex);
/* With the exchange. */
void parked_release(struct parked **p);

#endif
