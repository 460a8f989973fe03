/* What the tools told in earlier turns of a conversation: a model that looked an account up in its
 * second answer still knows it in its sixth, and what it says of it has a source. Read from the
 * runs of the answers in the history, newest first, as long as they are kept and fit. Task code,
 * inside a node. Private to the agent row. */
#ifndef AGENT_RECALL_H
#define AGENT_RECALL_H

#include "agent/scene.h"

enum { RECALL_MAX_BYTES = 128 << 10 }; /* results of all turns together, as text */

/* Loads once per drive into d->recalled: for every message of the history the calls and results
 * that led to it, in the shape of the state's field `calls`, or NULL. Ids of calls are made unique
 * over the history, the same in every turn. */
enum err recall_load(struct ctx *c, struct turn_drive *d);

#endif
