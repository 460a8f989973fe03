/* Messages as others see them: one JSON form for the chat page, the console and live frames. Task
 * code. */
#ifndef AGENT_MESSAGE_VIEW_H
#define AGENT_MESSAGE_VIEW_H

#include "agent/conversation.h"

/* Who reads: a contact sees neither notes nor what was meant for colleagues. */
enum message_view_reader { MESSAGE_VIEW_CONTACT, MESSAGE_VIEW_MEMBER };

/* Name of a member by id; empty when unknown. Given by the caller, since members are another's. */
struct message_view_names {
    struct str (*member)(struct ctx *c, const struct id *id, void *arg);
    void *arg;
    struct str agent, contact;
};

/* What a list's next_cursor is: the seq that the page after (or before) this one follows (or ends
 * before); empty: there is none. */
struct str message_view_next(struct arena *a, const struct message_range *range,
                             const struct messages *page);

void message_view_write(struct ctx *c, struct json_out *o, const struct message *m,
                        enum message_view_reader reader, const struct message_view_names *names);

#endif
