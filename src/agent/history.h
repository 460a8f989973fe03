/* Conversations that took place elsewhere or earlier: stored with their own times, without events
 * and without ordering a turn. Task code. */
#ifndef AGENT_HISTORY_H
#define AGENT_HISTORY_H

#include "agent/conversation.h"

/* A whole conversation with its messages, in the open transaction or its own. Everything of
 * `conversation` but the counters is stored as it is; messages get seq, id and role checked, and
 * keep their times. E_INVALID: no id, no time, an unknown role, text that conversation.h would
 * refuse; E_CONFLICT: there is a conversation with this id. */
enum err history_import(struct ctx *c, struct store *s, const struct conversation *conversation,
                        struct message *messages, int count);

#endif
