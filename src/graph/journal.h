/* The journal of tool calls: makes an effect happen once however often its node runs. A call is
 * known by its step, name, arguments and `call_id`; asked for again (retry, resume), a finished one
 * returns its journaled result without being executed. Task code, inside a node. */
#ifndef GRAPH_JOURNAL_H
#define GRAPH_JOURNAL_H

#include "graph/graph.h"

enum { JOURNAL_RESULT_MAX_BYTES = 1 << 20, JOURNAL_NAME_MAX_BYTES = 128, JOURNAL_CALLS_MAX = 64 };

/* What a repeated execution would do, and so what the journal writes when. */
enum journal_effect {
    JOURNAL_READ,  /* nothing: recorded with the step's checkpoint, no commit of its own */
    JOURNAL_STORE, /* only this org's store: runs in the transaction that records its result */
    JOURNAL_KEYED, /* outside, honours the key: intent, effect, result; without result repeated */
    JOURNAL_ONCE   /* outside, not repeatable: as before; without result the outcome is unknown */
};

struct journal_use {
    struct str name;              /* of the tool */
    struct str call_id;           /* tells equal calls of one step apart; empty: the order does */
    const struct json *arguments; /* NULL: {} */
    enum journal_effect effect;
    /* The effect. `key` is the idempotency key: the same whenever this call is issued again. On
     * failure the fault of `c` is journaled. A JOURNAL_STORE call is inside a transaction and must
     * only change the store. */
    enum err (*execute)(struct ctx *c, struct str key, void *arg, const struct json **out_result);
    void *arg;
};

enum journal_status { JOURNAL_INTENT, JOURNAL_OK, JOURNAL_FAILED, JOURNAL_UNKNOWN };
const char *journal_status_name(enum journal_status s); /* "intent", "done", "failed", "unknown" */

struct journal_call {
    struct str id; /* of the row; also the idempotency key */
    struct str name;
    struct str call_id;
    const struct json *arguments;
    enum journal_status status;
    const struct json *result; /* JOURNAL_OK */
    enum err err;              /* JOURNAL_FAILED */
    struct str error;          /* its text */
    int seq;                   /* the step */
    int attempt;               /* how often it was issued */
    int64_t started_at_ms;
    int64_t latency_ms;
    bool replayed; /* answered from the journal just now */
};

/* E_OK whenever the outcome of the call is known to be any of JOURNAL_OK, JOURNAL_FAILED (also a
 * result past the maximum) or JOURNAL_UNKNOWN; a failed call whose error is transient is issued
 * again when asked for again, unless it is JOURNAL_ONCE. Errors are the journal's own: E_CONFLICT
 * another process took the run over (return GRAPH_FAIL), E_TOO_LARGE arguments or number of calls,
 * store errors, and in a replay E_NOT_FOUND for a call the original never made. */
enum err journal_call(struct ctx *c, struct step *step, const struct journal_use *use,
                      struct journal_call *out_call);

/* All calls of a run in order of issue, in c's arena; at most 1,000. */
enum err journal_list(struct ctx *c, const struct id *run, const struct journal_call **out_calls,
                      int *out_count);

#endif
