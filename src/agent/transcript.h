/* Messages as others see them: one JSON form for the chat page, the console and live frames. Task
 * code. */
#ifndef AGENT_TRANSCRIPT_H
#define AGENT_TRANSCRIPT_H

#include "agent/conversation.h"

/* Who reads: a contact sees neither notes nor what was meant for colleagues. */
enum transcript_reader { TRANSCRIPT_CONTACT, TRANSCRIPT_MEMBER };

/* Name of a member by id; empty when unknown. Given by the caller, since members are another's. */
struct transcript_names {
    struct str (*member)(struct ctx *c, const struct id *id, void *arg);
    void *arg;
    struct str agent, contact;
};

bool transcript_shows(const struct message *m, enum transcript_reader reader);
void transcript_write(struct ctx *c, struct json_out *o, const struct message *m,
                      enum transcript_reader reader, const struct transcript_names *names);

#endif
