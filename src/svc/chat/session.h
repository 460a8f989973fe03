/* Chat sessions: what a visitor's browser holds. A session is a token bound to a contact and their
 * present conversation; a second device gets a session of its own by a short-lived pairing code.
 * Who a visitor is is believed only with proof: an HMAC-SHA256 of the e-mail address under the
 * org's secret `chat_identity`, made by the site that embeds the widget. Task code. */
#ifndef SVC_CHAT_SESSION_H
#define SVC_CHAT_SESSION_H

#include "agent/conversation.h"
#include "agent/registry.h"
#include "host/service.h"

enum {
    SESSION_DAYS = 90, /* after the last visit */
    SESSION_PAIRING_MS = 10 * 60 * 1000
};

struct chat_session {
    struct id id;
    struct id contact;
    struct id conversation;
    struct id agent;
};

/* Opens the org named by the token and reads the session: sets c->org and the actor. */
enum err session_open(struct ctx *c, struct str token, struct chat_session *out);
/* The same session later, in c->org, for a stream that was opened with its token: E_GONE when it
 * has ended or expired meanwhile, E_DENIED while the org is suspended. Sets the actor. */
enum err session_read(struct ctx *c, const struct id *id, struct chat_session *out);
/* The contact came back: another SESSION_DAYS. */
enum err session_renew(struct ctx *c, const struct chat_session *session);

/* The agent of "<org slug>/<agent slug>", with whom contacts may chat now. Sets c->org. */
enum err session_find_agent(struct ctx *c, struct str name, struct agent_row *out);

struct session_wish {
    const struct agent_row *agent; /* of session_find_agent */
    struct str name, email, identity;
};
/* A new session with a new conversation for a new or proven contact. */
enum err session_new(struct ctx *c, const struct session_wish *wish, struct chat_session *out,
                     struct str *out_token);
/* A second device: the same contact and conversation. A code works once, for SESSION_PAIRING_MS and
 * until the session has another one: E_GONE. Capitals and small letters are the same. */
enum err session_pair(struct ctx *c, struct str code, struct chat_session *out,
                      struct str *out_token);
enum err session_pairing_code(struct ctx *c, const struct chat_session *s, struct str *out_code,
                              int64_t *out_expires_at_ms);
/* Ends the conversation and starts a new one with the agent's present version. */
enum err session_restart(struct ctx *c, struct chat_session *s);

/* Forgets what has expired: sessions of the org of `c`, in the system's store pairing codes. */
enum err session_expire(struct ctx *c);

/* The proof for an e-mail address, for the demo page. E_NOT_FOUND: the org has no chat_identity. */
enum err session_identity(struct ctx *c, struct str email, struct str *out_identity);

extern const struct migration session_migrations[];
extern const struct system_rows session_system_rows[];

#endif
