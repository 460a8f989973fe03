/* Erasing an org for good: every row, file and blob of it, and what processes keep of it in memory.
 * For a durable job of the operator's org: each step may come again, so that what a crash cut off
 * goes on. Task code; c must not have the org's store open. */
#ifndef HOST_ERASURE_H
#define HOST_ERASURE_H

#include "base/ctx.h"

/* Tasks of other processes that began before may write for as long as this; then the org's data is
 * to be erased once more. */
enum { ERASURE_SETTLE_MS = 15 * 60 * 1000 };

/* Takes the org, which is suspended, out of use for ever (status `erasing`), lets all processes
 * forget it and erases its data. Its entry in the directory stays. An org that is gone is no error.
 * E_CONFLICT: it is active (again), or the operator's; E_TIMEOUT: a task still works there. */
enum err erasure_carry_out(struct ctx *c, const struct id *org);
/* The last step: its entry in the directory, keys and sign-ins. */
enum err erasure_end(struct ctx *c, const struct id *org);
/* This process's part: nothing derived from the org's data is kept. Any thread, c of any org. */
void erasure_forget(struct ctx *c, const struct id *org);

#endif
