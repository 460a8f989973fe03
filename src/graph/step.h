/* What a node may do while it runs. Everything a node makes lives in its ctx's arena, which ends
 * with the step; the engine copies what it keeps. Task code, the thread that runs the node. */
#ifndef GRAPH_STEP_H
#define GRAPH_STEP_H

#include "graph/graph.h"

enum {
    STEP_DELTA_MAX_BYTES = 1 << 20,
    STEP_TRACE_MAX_BYTES = 512 << 10, /* of all records of a step; later ones are cut and counted */
    STEP_ON_COMMIT_MAX = 64
};

/* Reading. The state does not change while the node runs. */
const struct json *step_state(const struct step *s);
const struct json *step_get(const struct step *s, const char *field); /* NULL when absent */
const struct id *step_run(const struct step *s);
struct str
step_thread(const struct step *s); /* the run's thread key, such as the conversation id */
struct str
step_version(const struct step *s);     /* the run's version text, such as the agent version */
int step_seq(const struct step *s);     /* 1 for the first step of the run */
int step_attempt(const struct step *s); /* 1 for the first attempt */
/* What the resume brought: {"kind":"person|timer|event|timeout","name":...,"data":...}; NULL when
 * the node did not wait. The same again when the process died before the node finished. */
const struct json *step_payload(const struct step *s);
/* In a node reached by on_failure or on_limit: {"node","code","text"}; else NULL. */
const struct json *step_failure(const struct step *s);
/* What the one who drives the run gave (struct run_driver.arg). */
void *step_arg(const struct step *s);
/* True in run_replay: calls are answered from the journal, nothing is sent or stored. */
bool step_is_replay(const struct step *s);
/* In a replay: data of the n-th (from 0) trace record of that kind the original step left; else
 * NULL. A node uses it to replay what is not a tool call, such as a model's answer. */
const struct json *step_recorded(struct ctx *c, const struct step *s, const char *kind, int n);

/* Writing: one field of the delta; the last write of a field counts. Values live in the ctx's
 * arena. */
void step_put(struct step *s, const char *field, const struct json *value);

/* Verdicts that need an argument: a node never waits itself, it returns what it waits for, and the
 * run parks until then on no thread. `return step_wait_person(s, "refund_approval", 0);`
 * timeout_at_ms: resumed then with kind "timeout"; 0: never. A person or event is delivered by
 * run_deliver or run_resume; times come by run_recover, which whoever serves graphs that wait runs
 * now and then. (The turn waits for nobody: its answers are turns of their own.) */
enum graph_verdict step_wait_person(struct step *s, const char *name, int64_t timeout_at_ms);
enum graph_verdict step_wait_event(struct step *s, const char *name, int64_t timeout_at_ms);
enum graph_verdict step_wait_until(struct step *s, int64_t at_ms);

/* fn(c, store, arg) runs inside the transaction that commits this step's checkpoint, in the order
 * asked for: a message row, an event. It must only change the store (it may run again after a lost
 * connection) and be quick. An error undoes the checkpoint and fails the step with it. Not run when
 * the step fails or in a replay. `arg` must live until the step has ended (allocate it in
 * c->arena). False: too many, and the step fails with E_TOO_LARGE. */
bool step_on_commit(struct step *s, enum err (*fn)(struct ctx *c, struct store *store, void *arg),
                    void *arg);

/* Keeps a record with the step's trace: "llm_call", "passages". `data` is kept as it is: mask
 * before. */
void step_trace(struct ctx *c, struct step *s, const char *kind, const struct json *data);
/* Short descriptions of what went in and came out, for people who read the run. */
void step_summary(struct step *s, const struct json *input, const struct json *output);
/* Hands a piece of a streamed answer to the driver's on_piece; nothing is stored. */
void step_piece(struct ctx *c, struct step *s, struct str text);

/* Saves what repeatable nodes before this one have left for the next commit, so that the run can be
 * seen where it is and its claim holds: before something long or paid for. E_CONFLICT: the run is
 * cancelled, taken over or not to be, and the node should fail with it. That it failed otherwise
 * does no harm, and is E_OK. */
enum err step_save(struct ctx *c, struct step *s);

/* Adds to the run's counters. Limits are checked after the node; a node about to spend asks
 * before. */
void step_spend(struct step *s, int64_t tokens_in, int64_t tokens_out, int64_t cost_microcents);
/* What may still be spent; INT64_MAX without a limit. */
int64_t step_tokens_left(const struct step *s);
int64_t step_cost_left_microcents(const struct step *s);

#endif
