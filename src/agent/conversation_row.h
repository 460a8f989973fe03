/* What conversation.c and mailbox.c share: changes of a conversation's row and thread inside the
 * caller's transaction. Private to the two. */
#ifndef AGENT_CONVERSATION_ROW_H
#define AGENT_CONVERSATION_ROW_H

#include "agent/conversation.h"

/* Inserts under the next seq and keeps the row's summary. E_LIMIT: the conversation is full. */
enum err conversation_insert(struct ctx *c, struct store *s, struct conversation *v,
                             struct message *m);
/* message_received or message_sent. */
enum err conversation_emit_message(struct ctx *c, struct store *s, const struct conversation *v,
                                   const struct message *m, const char *type);
enum err conversation_order_turn(struct ctx *c, struct store *s, const struct conversation *v);
/* To people in general: nobody in particular has it yet. */
enum err conversation_hand_over(struct ctx *c, struct store *s, const struct conversation *v,
                                const struct json *escalation);
/* {"from":...} of the counter of messages, after the transaction. */
void conversation_count_message(const struct ctx *c, const char *labels);

struct store_value conversation_json(struct ctx *c, const struct json *v); /* NULL when null */

#endif
