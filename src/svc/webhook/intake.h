/* A request of a sender outside: POST /hooks/{org}/{source}. Verified over the exact bytes before
 * anything is parsed; then stored with its event, and what the org makes of it, in one transaction,
 * once for each id of the sender; then answered. Task code. */
#ifndef SVC_WEBHOOK_INTAKE_H
#define SVC_WEBHOOK_INTAKE_H

#include "host/service.h"

enum { INTAKE_BODY_MAX_BYTES = 1 << 20 };

/* E_NOT_FOUND: no such org or source, the same for both. E_UNAUTHENTICATED: no signature, a wrong
 * one (c->fault.field: signature) or one whose time is not now (timestamp). E_INVALID: signed, but
 * no JSON and no form: kept nowhere. E_TOO_LARGE, E_LIMIT. E_UNAVAILABLE and the like: the sender
 * tries again. */
enum err intake_post(struct ctx *c, struct call *call);
/* GET: the handshakes of Meta and LinkedIn. */
enum err intake_get(struct ctx *c, struct call *call);

/* What was received: the newest first; with its body. */
enum err intake_list(struct ctx *c, struct call *call);
enum err intake_one(struct ctx *c, struct call *call);

#endif
