/* Keeps asking whether a member's open stream may still be open. A request is asked once, at the
 * door; a stream lasts, and meanwhile the member is suspended, the key revoked, the organisation
 * closed or the token expired. Then the channel is closed with 4401. Asking is cheap: access tokens
 * are remembered (host/access.h). */
#ifndef HOST_VIGIL_H
#define HOST_VIGIL_H

#include "base/ctx.h"
#include "io/server.h"

enum { VIGIL_EVERY_MS = 3000 };

struct vigil;

/* Watches `ch`, which was opened with `bearer` (copied) for `scope` (static). The channel's state
 * owns it: vigil_stop in the service's on_close, vigil_free when the state is freed. */
struct vigil *vigil_new(const struct facilities *at, struct channel *ch, struct str bearer,
                        const char *scope);
/* A newer token of the same caller. */
void vigil_renew(struct vigil *v, struct str bearer);
/* Asks now, as the door would: sets the caller and org of c, or closes the channel. Any error means
 * that the caller may do nothing now. */
enum err vigil_check(struct ctx *c, struct vigil *v);
/* Something happened that may have changed rights: asks as soon as a worker is free. Any thread,
 * never blocks. */
void vigil_hurry(struct vigil *v);
/* NULL is fine. */
void vigil_stop(struct vigil *v);
void vigil_free(struct vigil **v);

#endif
