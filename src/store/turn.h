/* Private to store/: the write turns of one SQLite file, and commits shared by those who wait
 * (group commit). One task at a time holds the turn and works inside the file's open
 * transaction. When it is done while others wait, it passes the turn on without committing; the
 * last one, or the 64th, commits for all, and only then does anyone return. If that commit
 * fails, it fails for all. Any thread. */
#ifndef STORE_TURN_H
#define STORE_TURN_H

#include "base/ctx.h"

struct turn;

enum { TURN_GROUP_MAX = 64, TURN_TEXT_BYTES = 128 };

/* commit: makes the open transaction durable, or leaves none open. Called by the thread that
 * leads; out_text (TURN_TEXT_BYTES) says why it failed. */
struct turn *turn_new(enum err (*commit)(void *arg, char *out_text), void *arg);
void turn_free(struct turn **t);

/* Waits for the turn up to c's deadline. out_members: how many finished transactions lie
 * uncommitted under this one; 0: the caller opens the transaction. E_TIMEOUT, E_CANCELLED;
 * E_INTERNAL when this thread has the turn already. */
enum err turn_take(struct ctx *c, struct turn *t, int *out_members);
/* How one's own turn ends. done: the work is to be committed; returns after it is, or failed.
 * drop: the work was undone; whoever joined before is still committed. lose: the database has
 * undone the whole open transaction; everybody in it fails with `why`. */
enum err turn_done(struct ctx *c, struct turn *t);
void turn_drop(struct turn *t);
void turn_lose(struct turn *t, enum err why, const char *text);

#endif
