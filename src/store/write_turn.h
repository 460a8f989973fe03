/* Private to store/: the write turns of one SQLite file, and commits shared by those who wait
 * (group commit). One task at a time holds the turn and works inside the file's open
 * transaction. When it is done while others wait, nothing is committed yet: work that was handed
 * over whole (write_turn_run) is done at once by the thread that has the turn, without waking
 * its owner for it; others get the turn. The last one, or the 64th, commits for all, and only
 * then does anyone return. If that commit fails, it fails for all. Work that says so may reach the
 * disk later: a group of nothing else, opened while nothing else waits, is committed without
 * waiting for the disk. Any thread. */
#ifndef STORE_WRITE_TURN_H
#define STORE_WRITE_TURN_H

#include "base/ctx.h"

struct write_turn;

enum { WRITE_TURN_GROUP_MAX = 64, WRITE_TURN_TEXT_BYTES = 128 };

/* commit: commits the open transaction, as its first member wanted it, or leaves none open. Called
 * by the thread that leads; out_text (WRITE_TURN_TEXT_BYTES) says why it failed. */
struct write_turn *write_turn_new(enum err (*commit)(void *arg, char *out_text), void *arg);
void write_turn_free(struct write_turn **t);

/* Waits for the turn up to c's deadline. E_TIMEOUT, E_CANCELLED; E_INTERNAL when this thread has
 * the turn already. */
enum err write_turn_take(struct ctx *c, struct write_turn *t);
/* While one has the turn: how many finished transactions lie uncommitted under this one; 0: one
 * opens the transaction oneself. */
int write_turn_members(const struct write_turn *t);
/* While one has the turn: whether the open transaction, or the one to be opened, may reach the disk
 * later than its commit. */
bool write_turn_is_late(const struct write_turn *t);
/* How one's own turn ends. done: the work is to be committed; returns after it is, or failed.
 * drop: the work was undone; whoever joined before is still committed. */
enum err write_turn_done(struct ctx *c, struct write_turn *t);
void write_turn_drop(struct write_turn *t);
/* Before either, or in work: the database has undone the whole open transaction; everybody in it
 * fails with `why`. */
void write_turn_lost(struct write_turn *t, enum err why, const char *text);

/* take, work, done or drop in one. `work` may run on another thread, while this one waits. `late`:
 * the commit need not be on disk when it returns. */
enum err write_turn_run(struct ctx *c, struct write_turn *t, bool late,
                        enum err (*work)(struct ctx *c, void *arg), void *arg);

#endif
