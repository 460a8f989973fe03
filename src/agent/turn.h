/* An agent's turn: the graph that answers what a contact wrote, and the loop that answers a
 * member's question to a copilot. Both are tables over the same nodes' code:
 *
 *   turn:  classify -> context -> escalation -> generate <-> tools -> validate -> deliver
 *   loop:  agent <-> tools
 *
 * A turn reads the conversation's mailbox, uses the version pinned in its row, and ends in one
 * transaction that stores the answer if the agent still owns the conversation (mailbox.h).
 * Task code. */
#ifndef AGENT_TURN_H
#define AGENT_TURN_H

#include "agent/config.h"
#include "agent/conversation.h"
#include "bus/job.h"
#include "graph/run.h"

enum {
    TURN_VALIDATE_RETRIES_MAX = 2,
    TURN_HISTORY_MAX = 30, /* messages given to the model */
    TURN_QUESTION_MAX_BYTES = 8 << 10
};

/* The two graphs and the process's runs. Made once at start-up. */
struct turns;
struct turns_config {
    bool allow_private_tools; /* HTTP tools that ask for it may reach private addresses */
};
enum err turns_new(struct ctx *c, const struct turns_config *config, struct turns **out_turns);
void turns_free(struct turns **t);
struct runs *turns_runs(struct turns *t);

/* What a step asked of a model or a tool; texts live as long as the call. No prompts, arguments or
 * answers: watchers measure. */
struct turn_call {
    bool is_tool;
    struct str name;              /* the tool, or the model */
    struct str provider;          /* of the model */
    const char *status;           /* "done", "refused", "invalid", "failed" */
    int64_t started_us, ended_us; /* steady */
    int64_t tokens_in, tokens_out;
    const char *span; /* 16 hex digits that identify the call in a trace */
};

struct turn_step {
    const struct id *run;
    const char *node;
    enum err outcome;
    int64_t duration_ms;
};

/* Told while a turn runs; see graph/run.h. `on_text` gets pieces of an answer not yet checked; if
 * it is not sent after all, on_retract follows. What on_step_started puts into c->span_id is the
 * parent of the step's calls. Members may be NULL. */
struct turn_watch {
    void (*on_started)(struct ctx *c, const struct id *conversation, const struct id *run,
                       void *arg);
    void (*on_text)(struct ctx *c, const struct id *conversation, const struct id *run,
                    struct str piece, void *arg);
    void (*on_retract)(struct ctx *c, const struct id *conversation, const struct id *run,
                       void *arg);
    void (*on_step_started)(struct ctx *c, const struct id *run, const char *node, void *arg);
    void (*on_step_finished)(struct ctx *c, const struct turn_step *step, void *arg);
    void (*on_call)(struct ctx *c, const struct turn_call *call, void *arg);
    void (*on_ended)(struct ctx *c, const struct id *conversation, const struct id *run, void *arg);
    void *arg;
};

/* Takes the conversation's next turn if one waits: what the job "agent_turn" does; `job` (may be
 * NULL) is finished in the transaction that delivers. A turn that a dead process left is continued
 * from its checkpoint: at once when `only_taker`, for the caller has the lease of that job, or the
 * data alone, so whoever drove the turn before has lost it; else when the run's own lease is over
 * (E_UNAVAILABLE before). E_OK also when nothing was to do. */
enum err turn_take(struct ctx *c, const struct id *conversation, struct job *job, bool only_taker,
                   const struct turn_watch *watch);

/* No further try will be made: what the contact wrote and nobody answered goes to people, and the
 * contact is told. E_OK also when nothing waits. */
enum err turn_give_up(struct ctx *c, const struct id *conversation);

/* A member asks a copilot. The run is durable; `out_run->state` holds "answer" {text, citations}.
 */
struct turn_question {
    struct id agent;
    struct str text;
    const struct json *context; /* what the console knows: {account, contact}; may be NULL */
};
enum err turn_ask(struct ctx *c, const struct turn_question *question,
                  const struct turn_watch *watch, struct run *out_run);

/* Runs a forked run to its end. A fork is an experiment: tools that would change something refuse,
 * and nothing is delivered. */
enum err turn_continue(struct ctx *c, const struct id *run, const struct turn_watch *watch,
                       struct run *out_run);

#endif
