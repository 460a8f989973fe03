/* The engine inside: a model provider named `builtin` that needs no key and no network. It chooses
 * by the agent's trained intents, fills the arguments of tools from what was written and asks for
 * what is missing, answers from the tools' own templates and from retrieved passages, and says so
 * when it is unsure. Deterministic: the same conversation gives the same answers. It sits behind
 * the same contract as the other providers (llm/provider.h) and reads what the text alone does not
 * say from `chat_request.side`. */
#ifndef AGENT_BUILTIN_H
#define AGENT_BUILTIN_H

#include "agent/registry.h"
#include "llm/provider.h"

#define BUILTIN_NAME "builtin"

/* What `chat_request.side` points to. */
struct builtin_side {
    const struct agent *agent;
    struct str text;             /* what the contact wrote, without a reply to a question */
    const struct json *intent;   /* {name, confidence, abstain, best} */
    const struct json *facts;    /* of the escalation rules */
    const struct json *dialogue; /* remembered: form, pending, known, reply, besides */
    const struct json *passages; /* array */
    const struct json *calls;    /* messages of this turn */
    const struct json *carried;  /* of turns whose answer was not sent */
    const struct json *view;     /* contact, account: for templates */
    bool suggest_handoff;
};

/* chat_result.side: {"dialogue": {...}, "kind": "answer|ask|clarify|offer", "helped": bool}. */
extern const struct provider provider_builtin;

#endif
