/* The messages of a request as both wire formats need them: user and assistant in turn, beginning
 * with the user, every tool call answered right after it. Callers may bring bursts, greetings said
 * first, calls that a cancelled turn left unanswered, or results whose call was cut off. Inside the
 * llm row; pure. */
#ifndef LLM_TRANSCRIPT_H
#define LLM_TRANSCRIPT_H

#include "llm/chat.h"

struct transcript_result {
    struct str call_id;
    struct str text; /* never empty */
    bool is_error;
};

struct transcript_turn {
    bool assistant;
    struct str text; /* neighbours joined by an empty line; may be empty beside calls or results */
    const struct chat_call *calls; /* assistant */
    int call_count;
    const struct transcript_result *results; /* user: one for each call of the turn before */
    int result_count;
};

struct transcript {
    const struct transcript_turn *turns;
    int count;
};
struct transcript transcript_of(struct arena *a, const struct chat_request *request);

/* The schema of a tool's arguments or an answer as a model should see it: an object schema, without
 * our own annotations (names that begin with x-). */
const struct json *transcript_schema(struct arena *a, const struct json *schema);

#endif
