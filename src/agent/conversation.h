/* Conversations and their messages: the thread with a contact on one channel, who owns it, and the
 * mailbox in front of the agent. Task code; every function works in the org of `c`.
 *
 * Order. A message gets the next `seq` of its conversation in the transaction that stores it; that
 * transaction also emits the event and orders the turn, so an acknowledged message is answered even
 * if the process dies on the next line. Ownership is a state of the row and is compared in the
 * transaction that stores an answer, not before. */
#ifndef AGENT_CONVERSATION_H
#define AGENT_CONVERSATION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/ctx.h"
#include "codec/json.h"
#include "store/store.h"

enum {
    MESSAGE_TEXT_MAX_BYTES = 8 << 10,
    MESSAGE_CLIENT_ID_MAX_BYTES = 64,
    CONVERSATION_MESSAGES_MAX = 5000,
    CONVERSATION_ANSWERS_KEPT = 100, /* places that a contact cannot fill: what is taken in is
                                        answered */
    CONVERSATION_DIALOGUE_MAX_BYTES = 32 << 10,
};

/* Domain 004 section 12. `owner` is who answers: the agent or a person. */
struct conversation {
    struct id id;
    struct id contact;
    struct str channel; /* webchat, whatsapp ... */
    struct id agent;
    int64_t agent_version; /* pinned: every turn uses it, also after a restart */
    struct str status;     /* active, escalated, human, completed, abandoned, failed */
    struct str owner;      /* ai, human */
    struct id assignee;    /* member who took over; unset: nobody */
    int64_t last_seq;
    int64_t contact_seq;           /* newest message of the contact */
    int64_t answered_seq;          /* newest message of the contact that was answered */
    struct id run;                 /* the turn in progress; unset: none */
    int supersedes;                /* turns cancelled in a row by newer messages */
    int failed_attempts;           /* turns in a row that did not help */
    const struct json *dialogue;   /* what the agent remembers between turns */
    const struct json *escalation; /* {reason, priority, skills, at}, or NULL */
    double sentiment;
    int64_t created_at_ms, updated_at_ms, ended_at_ms;
};

struct message {
    struct id id;
    int64_t seq;
    struct str role; /* contact, ai, member, system, note */
    struct id author;
    struct str text;
    const struct json *citations; /* array or NULL */
    const struct json *meta;      /* intent, tool calls of the turn ...; or NULL */
    struct id run;
    struct str client_id;
    int64_t created_at_ms;
};

struct messages {
    int count;
    const struct message *items; /* by seq */
    bool more;                   /* there are further ones in the direction that was asked for */
};

bool conversation_is_open(const struct conversation *v);
/* For one more message of the contact; else a new conversation has to begin. */
bool conversation_has_room(const struct conversation *v);

/* Inside the caller's transaction: a new conversation with its first system facts and the event
 * conversation_started. Fills id and times. */
enum err conversation_create(struct ctx *c, struct store *s, struct conversation *conversation);

/* E_NOT_FOUND, another org's included. */
enum err conversation_get(struct ctx *c, struct store *s, const struct id *id,
                          struct conversation *out);

struct received {
    bool is_new;
    struct conversation conversation; /* as the message left it; when it is new */
};

/* Stores a contact's message and orders a turn when the agent owns the conversation. The same
 * client_id again returns the message stored the first time (is_new false). E_CONFLICT when the
 * conversation has ended, E_INVALID (text empty, too long, not UTF-8), E_LIMIT (messages per
 * minute). */
enum err conversation_receive(struct ctx *c, struct store *s, const struct id *id,
                              struct message *message, struct received *out);

/* A message of a member, note or system text, in the open transaction or its own. A member's
 * message needs owner human (E_CONFLICT). */
enum err conversation_add(struct ctx *c, struct store *s, const struct id *id,
                          struct message *message);

/* Ownership. take: E_CONFLICT when another member has it. release: the agent goes on; what the
 * contact wrote meanwhile and nobody answered is answered. `by` (here and below): who asks;
 * E_DENIED when another member has the conversation. NULL: whoever has it (supervisors, the
 * contact). */
enum err conversation_take(struct ctx *c, struct store *s, const struct id *id,
                           const struct id *member);
enum err conversation_release(struct ctx *c, struct store *s, const struct id *id,
                              const struct id *by);
/* Asks for a person; `reason` of domain 004 4.8. */
enum err conversation_escalate(struct ctx *c, struct store *s, const struct id *id,
                               const struct json *escalation);
struct conversation_ending {
    const char *status;     /* completed or abandoned */
    const char *resolution; /* as domain 004 Annex A */
    struct str reason;      /* in people's words; may be empty */
    const struct id *by;
};
enum err conversation_end(struct ctx *c, struct store *s, const struct id *id,
                          const struct conversation_ending *ending);

/* A page of messages, oldest first. after_seq: the first `limit` (1 to MESSAGES_PAGE_MAX) after it;
 * MESSAGES_NEWEST: the newest ones, of those before before_seq when that is set. */
enum { MESSAGES_NEWEST = -1, MESSAGES_PAGE_MAX = 500 };
struct message_range {
    struct id conversation;
    int64_t after_seq;
    int64_t before_seq; /* 0: all */
    int limit;
    bool for_contact; /* without notes */
    bool uncited;     /* citations are not wanted: they are the most of an answer's row */
};
enum err conversation_messages(struct ctx *c, struct store *s, const struct message_range *range,
                               struct messages *out);

/* The list of the console: newest update first; `before_ms`/`before_id` page. Empty filters match
 * all. */
struct conversation_filter {
    struct str status, owner;
    struct id agent, contact;
    struct str text; /* in the last message or the contact's name */
    int64_t before_ms;
    struct id before_id;
    int limit;
};
struct conversations {
    int count;
    const struct conversation *items;
};
/* Conversations in which something was said, the one that changed last first: a page that was only
 * opened is none of them. */
enum err conversation_list(struct ctx *c, struct store *s, const struct conversation_filter *filter,
                           struct conversations *out);

extern const struct migration conversation_migrations[];

#endif
