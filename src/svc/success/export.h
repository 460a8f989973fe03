/* A stored brief as a document to hand out: GET /api/v1/briefs/{id}/export?format=&kind=. Task
 * code. */
#ifndef SVC_SUCCESS_EXPORT_H
#define SVC_SUCCESS_EXPORT_H

#include "host/service.h"

/* E_INVALID names format or kind; E_NOT_FOUND: no such brief, or its account is not the caller's to
 * see; E_INCOMPLETE: the brief answered nothing that a document can be made of. */
enum err export_brief(struct ctx *c, struct call *call);

#endif
