/* A burst of messages read as a reply to what the agent asked ("Shall I cancel order BW-10421?"):
 * a yes or no, and what is asked besides. "yes" and then "how long does the refund take?" is both,
 * and neither may be lost. Pure. */
#ifndef AGENT_TURN_REPLY_H
#define AGENT_TURN_REPLY_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/str.h"

enum { TURN_REPLY_MESSAGES_MAX = 200 };

struct turn_reply {
    const char *name; /* confirm, deny, correct, later or unclear; the newest of the burst */
    struct str rest;  /* the burst without the reply; empty when the reply is all of it */
    bool asks;        /* the rest is put as a question */
};

struct turn_reply turn_reply_of(struct arena *a, const struct str *messages, int n);

/* What a burst is about when nothing was asked: without messages like "yes" or "ok thanks", which
 * replied to something that is settled. All of it when it holds nothing else. */
struct str turn_reply_subject(struct arena *a, const struct str *messages, int n);

#endif
