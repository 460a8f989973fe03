/* The nodes of the two graphs; turn.c holds the tables. Private to the agent row. */
#ifndef AGENT_TURN_NODES_H
#define AGENT_TURN_NODES_H

#include "agent/scene.h"

/* turn_read.c: what the contact wants */
enum graph_verdict turn_classify(struct ctx *c, struct step *step);
enum graph_verdict turn_context(struct ctx *c, struct step *step);
enum graph_verdict turn_escalation(struct ctx *c, struct step *step);
/* turn_write.c: the model */
enum graph_verdict turn_generate(struct ctx *c, struct step *step);
/* turn_tools.c: what it asked for */
enum graph_verdict turn_tools(struct ctx *c, struct step *step);
/* turn_send.c: check and deliver */
enum graph_verdict turn_validate(struct ctx *c, struct step *step);
enum graph_verdict turn_apologise(struct ctx *c, struct step *step);
enum graph_verdict turn_deliver(struct ctx *c, struct step *step);

/* Calls of models and tools are counted, and told to who watches the turn. */
void turn_count(const struct ctx *c, const char *name, const char *help, const char *labels,
                int64_t n);
void turn_tell_call(struct ctx *c, const struct turn_drive *d, const struct turn_call *call);

/* What the tools of this turn, and of superseded turns before it, did; `last` is appended. */
const struct json *turn_calls_done(struct arena *a, const struct step *step,
                                   const struct json *last);

/* An escalation for mailbox_deliver: {reason, priority, skills}. */
const struct json *turn_escalation_of(struct arena *a, const char *reason, struct str priority,
                                      const struct json *skills);
/* What the contact reads when handed over: names people's hours where the agent says so. */
struct str turn_handover_text(const struct turn_drive *d);

#endif
