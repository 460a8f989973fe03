/* Whether what a model wrote can be used: tool calls against the tools that were offered,
 * structured answers against their schema. What is wrong is told so that the model can do better.
 * Inside the llm row; pure but for the fault. */
#ifndef LLM_VET_H
#define LLM_VET_H

#include "llm/chat.h"

/* Sets fault and fault_text of calls that are fine so far. */
void vet_calls(struct arena *a, const struct chat_request *request, struct chat_call *calls,
               int count);

/* The value in `text`, repaired where that is safe, when it fits the schema. E_INCOMPLETE and why
 * not; E_INVALID the schema itself is wrong. */
enum err vet_json(struct ctx *c, const struct json *schema, struct str text,
                  const struct json **out_value, struct str *out_why);

#endif
