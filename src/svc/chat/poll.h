/* Polling, for visitors whose network lets neither WebSockets nor event streams through: the answer
 * waits for news, up to POLL_WAIT_MAX_MS, without holding a thread. Task code. */
#ifndef SVC_CHAT_POLL_H
#define SVC_CHAT_POLL_H

#include "svc/chat/session.h"

enum { POLL_WAIT_MAX_MS = 25000 }; /* what proxies and browsers bear with */

/* One page of messages with who answers; see view_write_page. Waits when the query has wait_ms,
 * nothing follows `after`, and the conversation stands where `state` of the answer before said. */
enum err poll_messages(struct ctx *c, struct call *call);

#endif
