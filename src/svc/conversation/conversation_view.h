/* Conversations and runs as the console sees them. */
#ifndef SVC_CONVERSATION_VIEW_H
#define SVC_CONVERSATION_VIEW_H

#include "agent/conversation.h"
#include "graph/run.h"
#include "host/service.h"

/* Names looked up once per answer. */
struct conversation_names;
struct conversation_names *conversation_names_new(struct ctx *c);

enum err conversation_view_write(struct ctx *c, struct json_out *o, struct conversation_names *n,
                                 const struct conversation *v);
enum err conversation_view_message(struct ctx *c, struct json_out *o, struct conversation_names *n,
                                   const struct conversation *v, const struct message *m);

void run_view_write(struct json_out *o, const struct run *r);
/* Steps with their tool calls, model calls and passages. */
enum err run_view_steps(struct ctx *c, struct json_out *o, const struct run *r);

#endif
