/* Running a tool of an agent: check the arguments against the tool's schema, refuse what its rules
 * refuse, do it once (graph/journal.h), check the result. Task code, inside a graph node. */
#ifndef AGENT_TOOL_H
#define AGENT_TOOL_H

#include "agent/config.h"
#include "agent/record.h"
#include "graph/journal.h"
#include "graph/step.h"

/* Values are bounded besides bytes: a short one takes many times its text, and a turn keeps what
 * all its calls told. */
enum {
    TOOL_ARGUMENTS_MAX_BYTES = 32 << 10,
    TOOL_RESPONSE_MAX_BYTES = 1 << 20,
    TOOL_RESULT_VALUES_MAX = 8192
};

/* For whom a tool runs. */
struct tool_scene {
    const struct config *config;
    struct record contact; /* kind empty: none */
    struct record account; /* kind empty: none */
    struct id conversation;
    struct str channel;
    bool read_only; /* an experiment: tools that would change something are not run */
    /* Asked right before a tool changes anything; an error is the call's outcome. NULL: it may. */
    enum err (*may_change)(struct ctx *c, struct str key, void *arg);
    void *arg;
    bool allow_private; /* HTTP tools may reach private addresses (installation setting) */
};

enum tool_status {
    TOOL_DONE,    /* result is set */
    TOOL_REFUSED, /* a rule of the tool says no; text is for the contact */
    TOOL_INVALID, /* the arguments break the schema; text is for the model */
    TOOL_FAILED   /* it broke or timed out; text is for the trace and the model */
};
const char *tool_status_name(enum tool_status s);

struct tool_outcome {
    enum tool_status status;
    const struct json *result;
    struct str text;
    struct str answer; /* the tool's answer template over the outcome; empty: none */
    bool handover;     /* the contact asked for a person through it */
    struct journal_call call;
};

/* Whether running it may change anything, here or elsewhere. */
bool tool_changes(const struct config_tool *tool);

/* E_OK for every outcome; other codes are the journal's and the store's. */
enum err tool_run(struct ctx *c, struct step *step, const struct tool_scene *scene,
                  const struct config_tool *tool, struct str call_id, const struct json *arguments,
                  struct tool_outcome *out);

/* Completes what is missing (defaults) and checks: the number of errors, first in out_text. */
size_t tool_check_arguments(struct arena *a, const struct config_tool *tool,
                            const struct json *arguments, struct str *out_text);

/* Whether the tool's rules would refuse this call now; asked before the contact is asked to
 * confirm. Reads only. False for tools that cannot tell beforehand. */
enum err tool_refuses(struct ctx *c, const struct tool_scene *scene, const struct config_tool *tool,
                      const struct json *arguments, bool *out_refuses, struct str *out_text);

/* "Shall I cancel order BW-10421?"; empty when the tool asks for no confirmation. */
struct str tool_confirmation(struct ctx *c, const struct tool_scene *scene,
                             const struct config_tool *tool, const struct json *arguments);

/* What templates and expressions of a tool see: the arguments with contact, account, conversation,
 * now_ms beside them. */
const struct json *tool_view(struct ctx *c, const struct tool_scene *scene,
                             const struct json *arguments);

#endif
