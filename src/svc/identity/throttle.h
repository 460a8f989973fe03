/* Slows the guessing of passwords without letting a stranger lock anybody out.
 *
 * - An address (of the network) tries at most `limits.sign_ins_per_hour`.
 * - For one e-mail address, a source has a few wrong passwords free; then each makes it wait twice
 *   as long as the one before, up to five minutes.
 * - All sources that have never signed in as this e-mail address have a hundred wrong passwords an
 *   hour between them. Past that they wait; a known source does not.
 *
 * A source is a network address, or a browser that carries the cookie it got when somebody signed
 * in there. It is known to the e-mail address whose password it has given (for thirty days, or as
 * long as the cookie lives). Counts are in the cache: they may be forgotten, never wrong. Task
 * code; c->org is left alone. */
#ifndef SVC_IDENTITY_THROTTLE_H
#define SVC_IDENTITY_THROTTLE_H

#include "host/service.h"

#define THROTTLE_COOKIE "rapport_device"

enum { THROTTLE_COOKIE_SECONDS = 365 * 24 * 3600 };

struct throttle {
    struct str email, source;
    bool known;
    int64_t failures; /* of this source for this address, with the one at hand */
};

/* Counts the attempt as failed before the password is looked at, so that many at once are no way
 * around it. E_LIMIT with the time to wait. */
enum err throttle_begin(struct ctx *c, const struct request_in *in, struct str email,
                        struct throttle *out);
/* What came of it: takes the count back unless the password was wrong. */
void throttle_end(struct ctx *c, const struct throttle *t, enum err outcome);
/* What the browser keeps to be known here as this e-mail address. */
struct str throttle_cookie(struct ctx *c, struct str email);

#endif
