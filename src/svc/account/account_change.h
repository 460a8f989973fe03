/* What is changed of accounts over HTTP: made, renamed, removed with everything of it; contract,
 * usage and tickets as others know them; notes. Every rule that input breaks is told with its
 * field. Handlers. */
#ifndef SVC_ACCOUNT_ACCOUNT_CHANGE_H
#define SVC_ACCOUNT_ACCOUNT_CHANGE_H

#include "host/service.h"
#include "svc/account/account_input.h"
#include "svc/account/account_score.h"

enum { ACCOUNT_SLUG_TRIES = 5 };
extern const struct field_table account_note_table;

/* The nth slug that the name gives, 1 to ACCOUNT_SLUG_TRIES: "acme", "acme-2" ... Pure. */
struct str account_change_slug(struct arena *a, struct str name, int nth);
/* E_CONFLICT: none of them is free. */
enum err account_change_slugs_taken(struct ctx *c, struct str name);

enum err account_change_post(struct ctx *c, struct call *call);
enum err account_change_patch(struct ctx *c, struct call *call);
enum err account_change_delete(struct ctx *c, struct call *call);
enum err account_change_contract(struct ctx *c, struct call *call);
enum err account_change_usage(struct ctx *c, struct call *call);
enum err account_change_tickets(struct ctx *c, struct call *call);
enum err account_change_notes(struct ctx *c, struct call *call);
enum err account_change_note(struct ctx *c, struct call *call);
enum err account_change_note_remove(struct ctx *c, struct call *call);

#endif
