/* The mailbox in front of an agent: what a contact wrote and nobody has answered. One run at a time
 * holds it; the run ends by delivering, by being withheld or superseded, or by giving up, which
 * calls people in. Whether a run still speaks for the conversation is decided by the conversation's
 * row, inside the transaction that acts on it. Task code. */
#ifndef AGENT_MAILBOX_H
#define AGENT_MAILBOX_H

#include "agent/conversation.h"

enum {
    MAILBOX_SUPERSEDES_MAX = 3, /* answers dropped in a row; then one is sent all the same */
    MAILBOX_CARRY_MAX_BYTES = 128 << 10,
    MAILBOX_CARRY_RESULT_MAX_BYTES = 4 << 10,
    MAILBOX_LATE_MS = 10 * 60 * 1000,        /* longer than a turn and its repetitions take */
    MAILBOX_SWEPT_MS = 7 * 24 * 3600 * 1000, /* further back no sweep looks */
    MAILBOX_SWEEP_MAX = 200                  /* conversations of one sweep */
};

/* Claims it for a run: E_CONFLICT when nothing waits or a person owns the conversation. */
enum err mailbox_claim(struct ctx *c, struct store *s, const struct id *conversation,
                       const struct id *run);

/* The answer of a turn, inside the transaction that ends its run. */
enum deliver_outcome {
    DELIVER_SENT,
    DELIVER_WITHHELD,  /* a person owns the conversation now, or it ended */
    DELIVER_SUPERSEDED /* the contact wrote again; the mailbox has ordered another turn */
};
struct delivery {
    struct id conversation;
    struct id run;
    int64_t to_seq;          /* the newest message the answer has seen */
    struct message *message; /* NULL: nothing to say, only state */
    const struct json *dialogue;
    const struct json *carry;      /* tool calls of this turn, kept for the next when superseded */
    const struct json *escalation; /* hands the conversation to people */
    double sentiment;
    bool helped; /* counts failed_attempts */
};
enum err mailbox_deliver(struct ctx *c, struct store *s, const struct delivery *d,
                         enum deliver_outcome *out_outcome);

/* Asked before a tool changes anything, inside the transaction of the change where there is one:
 * E_GONE when the answer of this run would not be sent any more, because a person took over, the
 * conversation ended, or the contact wrote again ("no, wait") since to_seq. */
struct mailbox_claimant {
    struct id conversation;
    struct id run;
    int64_t to_seq;
};
enum err mailbox_may_change(struct ctx *c, struct store *s, const struct mailbox_claimant *who);

/* Tools of a turn changed the world: the question they answered is settled, and the next turn
 * hears of `calls`, whatever becomes of this answer (superseded, taken over, cancelled). In the
 * caller's transaction. Results past MAILBOX_CARRY_RESULT_MAX_BYTES are cut, the oldest calls go
 * first. */
enum err mailbox_keep_calls(struct ctx *c, struct store *s, const struct id *conversation,
                            const struct json *calls);

/* A run that is over still holds the mailbox: lets go of it and orders a turn when one waits. */
enum err mailbox_settle(struct ctx *c, struct store *s, const struct id *conversation,
                        const struct id *run);

/* The turn cannot be ended: hands the conversation to people and tells the contact, in one
 * transaction. Nothing happens when somebody else has decided meanwhile: the run no longer holds
 * the mailbox, a person owns the conversation, or it ended. */
struct surrender {
    struct id conversation;
    struct id run; /* unset: whichever holds it, as long as something waits */
    const struct json *escalation;
    struct str apology; /* empty: the contact reads nothing */
};
enum err mailbox_give_up(struct ctx *c, struct store *s, const struct surrender *surrender);

/* Messages that nobody has answered for MAILBOX_LATE_MS have lost their turn (its last try failed
 * while the store was down, say): orders them again. */
enum err mailbox_sweep(struct ctx *c, struct store *s, int *out_ordered);

#endif
