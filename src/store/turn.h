/* Private to store/: the write turns of one SQLite file, and commits shared by those who wait
 * (group commit). One task at a time holds the turn and works inside the file's open
 * transaction. When it is done while others wait, nothing is committed yet: work that was handed
 * over whole (turn_run) is done at once by the thread that has the turn, without waking its owner
 * for it; others get the turn. The last one, or the 64th, commits for all, and only then does
 * anyone return. If that commit fails, it fails for all. Any thread. */
#ifndef STORE_TURN_H
#define STORE_TURN_H

#include "base/ctx.h"

struct turn;

enum { TURN_GROUP_MAX = 64, TURN_TEXT_BYTES = 128 };

/* commit: makes the open transaction durable, or leaves none open. Called by the thread that
 * leads; out_text (TURN_TEXT_BYTES) says why it failed. */
struct turn *turn_new(enum err (*commit)(void *arg, char *out_text), void *arg);
void turn_free(struct turn **t);

/* Waits for the turn up to c's deadline. E_TIMEOUT, E_CANCELLED; E_INTERNAL when this thread has
 * the turn already. */
enum err turn_take(struct ctx *c, struct turn *t);
/* While one has the turn: how many finished transactions lie uncommitted under this one; 0: one
 * opens the transaction oneself. */
int turn_members(const struct turn *t);
/* How one's own turn ends. done: the work is to be committed; returns after it is, or failed.
 * drop: the work was undone; whoever joined before is still committed. */
enum err turn_done(struct ctx *c, struct turn *t);
void turn_drop(struct turn *t);
/* Before either, or in work: the database has undone the whole open transaction; everybody in it
 * fails with `why`. */
void turn_lost(struct turn *t, enum err why, const char *text);

/* take, work, done or drop in one. `work` may run on another thread, while this one waits. */
enum err turn_run(struct ctx *c, struct turn *t, enum err (*work)(struct ctx *c, void *arg),
                  void *arg);

#endif
