/* Consumers: who reacts to which topic. Registered before bus_start from const tables; named
 * {service}_{topic}_consumer. Task code.
 *
 * Order and delivery. A consumer sees the events of a topic in order; when one fails it is tried
 * again with exponential back-off, and until then only events of its own key wait behind it.
 * After the last try it becomes a dead letter and the key goes on.
 *   handle:      runs inside a transaction on `s` together with the consumer's position and the
 *                event's dedup row: effectively once for everything it changes in the store. It
 *                must not call out and must be quick: it holds the org's write turn.
 *   handle_slow: runs outside a transaction, for consumers that call out; different keys in
 *                parallel. At least once: it must stand a second call with the same event_id.
 * A consumer that is new to an org starts at the end of its log unless `from_start`; a new org is
 * seen whole. The ctx is fresh: org set, actor the program, request_id the event's
 * correlation_id. */
#ifndef BUS_SUBSCRIPTION_H
#define BUS_SUBSCRIPTION_H

#include "bus/topic.h"

struct consumer {
    const char *service; /* NULL ends a table */
    const char *topic;   /* name or alias */
    const char *type;    /* NULL: every type of the topic */
    const char *suffix;  /* NULL, or tells two consumers of one service and topic apart */
    /* Exactly one of the two. E_INVALID and E_NOT_FOUND are final: no retry, dead letter at
     * once. */
    enum err (*handle)(struct ctx *c, struct store *s, const struct event *e);
    enum err (*handle_slow)(struct ctx *c, const struct event *e);
    int tries;      /* 0: 3 */
    int timeout_ms; /* 0: 10,000; handle_slow 120,000 */
    bool from_start;
};

/* An event given up on. */
struct dead_letter {
    struct id id;
    const char *consumer; /* {service}_{topic}_consumer */
    struct event event;
    int tries;
    struct str error; /* code and text of the last failure */
    int64_t at_ms;
    int64_t replayed_ms; /* 0: not replayed */
};
struct dead_letters {
    int count;
    const struct dead_letter *items; /* newest first */
};
enum err dead_letter_list(struct ctx *c, struct store *s, struct str before_id, int limit,
                          struct dead_letters *out_letters);
/* Gives the event to its consumer again, with all its tries, in the caller's transaction or its
 * own. E_NOT_FOUND; E_CONFLICT when it was replayed already or its consumer no longer exists. */
enum err dead_letter_replay(struct ctx *c, struct store *s, const struct id *id);

/* How far each consumer is, for /metrics and the console. */
struct consumer_state {
    const char *consumer; /* name */
    const char *topic;
    int64_t position, lag; /* seq; events of the topic not yet seen */
    int64_t waiting;       /* events between tries, or behind one */
};
struct consumer_states {
    int count;
    const struct consumer_state *items;
};
enum err consumer_list(struct ctx *c, struct store *s, struct consumer_states *out_states);

#endif
