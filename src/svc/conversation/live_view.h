/* The console's live stream: events of the org as they are committed, and the pieces of
 * conversations it watches. Signs in with its first frame, since a browser cannot send headers with
 * a WebSocket. */
#ifndef SVC_CONVERSATION_LIVE_VIEW_H
#define SVC_CONVERSATION_LIVE_VIEW_H

#include "host/service.h"

enum { LIVE_VIEW_SIGN_IN_MS = 10000, LIVE_VIEW_WATCHED_MAX = 20 };

enum err live_view_open(struct ctx *c, struct call *call);
enum err live_view_message(struct ctx *c, struct channel *ch, struct str text);
void live_view_close(struct ctx *c, struct channel *ch);

/* SSE of one run: each finished step, then the end. */
enum err live_view_run(struct ctx *c, struct call *call);

extern const struct service conversation_service;

#endif
