/* One open chat stream (WebSocket or SSE): what it has been sent, and the pump that sends it what
 * is new. The event log says that something happened, whichever process did it; the pump then reads
 * the conversation and sends everything after the cursor, so nothing is missed and nothing comes
 * twice. */
#ifndef SVC_CHAT_VIEW_H
#define SVC_CHAT_VIEW_H

#include "svc/chat/session.h"

/* Accepts the stream and starts sending messages after `after_seq`. */
enum err view_open(struct ctx *c, struct call *call, enum server_stream kind,
                   const struct chat_session *session, int64_t after_seq);
/* Sends what is new now; task code. */
void view_pump(struct ctx *c, struct channel *ch);
/* The same for a message of the peer's own that is on disk, unless the peer was told it already.
 * session: as it was read for that message. left: the conversation as the message left it, NULL
 * when the message is from before; with it a peer that was told all before is told this without a
 * look at the store. */
void view_acknowledge(struct ctx *c, struct channel *ch, const struct chat_session *session,
                      const struct message *message, const struct conversation *left);
/* Ends the stream for `e`: 4401 the session is over (E_GONE, E_NOT_FOUND), 4403 the org is
 * suspended (E_DENIED), else 1011. */
void view_break(struct channel *ch, enum err e);
/* The session of the channel, with the org of `c` set: as session_read. */
enum err view_session(struct ctx *c, struct channel *ch, struct chat_session *out);
void view_close(struct ctx *c, struct channel *ch);
/* {"type":"error",...} for the fault in c. */
void view_error(struct ctx *c, struct channel *ch);

/* The card and messages a page starts with, and single messages. */
enum err view_write_session(struct ctx *c, struct json_out *o, const struct chat_session *session,
                            struct str token);
enum err view_write_message(struct ctx *c, struct json_out *o, const struct chat_session *session,
                            const struct message *message);
/* A page of what the contact may see; fills in whose it is. */
struct view_page {
    int count;
    int64_t cursor;  /* the seq to go on after */
    struct str next; /* see message_view_next */
};
enum err view_write_messages(struct ctx *c, struct json_out *o, const struct chat_session *session,
                             struct message_range *range, struct view_page *out);

/* The same as a whole answer: {items, cursor, next_cursor, conversation_id, owner, status, member,
 * state}. */
enum err view_write_page(struct ctx *c, struct json_out *o, const struct chat_session *session,
                         struct message_range *range);

/* Who answers and how it stands, in one short text that changes when they do. */
struct str view_state(struct ctx *c, const struct conversation *v);

extern const struct service chat_service;

#endif
