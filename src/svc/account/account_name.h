/* Which accounts a free text names. What people call an account is kept as rows of folded names; a
 * text is cut into runs of words, and the runs are looked up. Task code; the org of `c`. */
#ifndef SVC_ACCOUNT_ACCOUNT_NAME_H
#define SVC_ACCOUNT_ACCOUNT_NAME_H

#include "svc/account/account_row.h"

enum { ACCOUNT_TEXT_MAX_BYTES = 8000, ACCOUNT_MATCHES_MAX = 20 };

/* Everything that finds the account in a list, folded. */
struct str account_name_words(struct arena *a, const struct record *r);
/* The rows of the names, in the caller's transaction. */
enum err account_name_put(struct ctx *c, struct store *s, const struct record *r);
/* The answer of account.match: {items: [{id, slug, name, quote, exact}], other_names, ambiguous:
 * [{quote, accounts: [{id, slug, name}]}]}; `selected` (may be empty) is an id or slug, E_NOT_FOUND
 * when the caller sees no such account. */
enum err account_match(struct ctx *c, struct store *s, struct str text, struct str selected,
                       const struct json **out);

#endif
