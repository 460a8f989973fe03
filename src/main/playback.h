/* Playing a recorded conversation to an agent: says what the contact said, waits for each answer,
 * and compares what the agent did and said with the recording. Task code. */
#ifndef MAIN_PLAYBACK_H
#define MAIN_PLAYBACK_H

#include "main/recording.h"
#include "main/remote.h"

struct playback_setup {
    struct invocation *in;
    struct str agent; /* "org/agent" */
    struct str org_slug;
    bool calls_only;     /* texts are not compared */
    int64_t patience_ms; /* how long a server that does not answer is waited for */
    int64_t answer_ms;   /* how long an answer may take */
};

/* What came of one conversation. */
struct playback_report {
    struct str conversation; /* its id */
    int turns;               /* answered */
    int calls;               /* made by the agent */
    int differences;
    int64_t ms;
    /* [{turn, contact, answer, calls: [{name, arguments, result, status}], ms,
     *   differences: [{what: "answer"|"call"|"arguments"|"result"|"end", call?, want, got}]}] */
    const struct json *list;
};

/* The report lies in c's arena. A difference is no error; errors are those of the way to the agent:
 * E_NOT_FOUND no such agent, E_UNAVAILABLE, E_UNAUTHENTICATED, E_DENIED. */
enum err playback_run(struct ctx *c, const struct playback_setup *setup,
                      const struct recording *recording, struct playback_report *out);

/* The journaled calls of a run as the API gives it, in order: [{name, arguments, result, status,
 * error, attempt}]. Pure. */
const struct json *playback_calls(struct arena *a, const struct json *run);

#endif
