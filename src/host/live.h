/* Who is looking at a conversation in this process: chat widgets and consoles. Pieces of an answer,
 * typing and other things that are not worth storing go straight to them. What is stored reaches
 * them through the event log, whichever process wrote it. Any thread; never blocks on a peer. */
#ifndef HOST_LIVE_H
#define HOST_LIVE_H

#include "base/id.h"
#include "io/server.h"

struct live;

enum { LIVE_VIEWERS_MAX = 20000 };

struct live *live_new(void);
void live_free(struct live **l);

/* Holds the channel. False when there are LIVE_VIEWERS_MAX. */
bool live_join(struct live *l, const struct id *org, const struct id *conversation,
               struct channel *ch, bool member);
/* From all conversations. */
void live_leave(struct live *l, const struct channel *ch);

/* A frame (JSON object) to all who look at the conversation. `members_only` keeps contacts out. SSE
 * channels get it as an event named by `type`. */
void live_send(struct live *l, const struct id *conversation, const char *type, struct str frame,
               bool members_only);
/* Ends what the org's contacts look at: it was suspended. */
void live_close_org(struct live *l, const struct id *org, int code, const char *reason);
int live_count(struct live *l);

#endif
