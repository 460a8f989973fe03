/* One answer of the built-in engine in the making, and the form it fills for a tool: what is known,
 * what to ask next. Private to the built-in engine. */
#ifndef AGENT_BUILTIN_FORM_H
#define AGENT_BUILTIN_FORM_H

#include "agent/builtin.h"

struct builtin_talk {
    struct arena *a;
    const struct builtin_side *side;
    const struct json *dialogue; /* as it will be remembered */
    int64_t now_ms;
    struct str text;
    const char *kind; /* answer, ask, clarify, confirm */
    bool helped;
    bool calls;    /* `call` is set */
    bool declined; /* the contact does not want a colleague */
    struct chat_call call;
};

void builtin_say(struct builtin_talk *t, const char *kind, bool helped, struct str text);
void builtin_call(struct builtin_talk *t, const struct config_tool *tool,
                  const struct json *arguments);
struct str builtin_passages_answer(struct builtin_talk *t, const struct json *passages);

/* Takes what the text holds for the tool's arguments and asks for the next missing one, or calls.
 */
void builtin_form_start(struct builtin_talk *t, const struct config_tool *tool);
/* Goes on with the form that is open; false when there is none or the contact changed the subject.
 */
bool builtin_form_continue(struct builtin_talk *t, const struct config_intent *intent);

#endif
