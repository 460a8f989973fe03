/* What members write down about an account. Guests see none of it. Task code; the org of `c`. */
#ifndef SVC_ACCOUNT_ACCOUNT_NOTE_H
#define SVC_ACCOUNT_ACCOUNT_NOTE_H

#include "codec/json.h"
#include "store/store.h"

enum { ACCOUNT_NOTE_MAX_CHARS = 5000, ACCOUNT_NOTES_MAX = 2000 };

/* {id, text, author: {id, name}, created_at}. E_LIMIT: the account has ACCOUNT_NOTES_MAX of them.
 */
enum err account_note_add(struct ctx *c, struct store *s, const struct id *account, struct str text,
                          const struct json **out);
/* Newest first, before `before` (empty: from the newest), not later than as_of_ms (0: all). */
struct account_notes {
    int count;
    const struct json *const *items;
};
struct account_note_page {
    struct str before;
    int64_t as_of_ms;
    int limit;
};
enum err account_note_list(struct ctx *c, struct store *s, const struct id *account,
                           const struct account_note_page *page, struct account_notes *out);
/* E_NOT_FOUND. Who wrote it may remove it, and so may supervisors and admins; else E_DENIED. */
enum err account_note_remove(struct ctx *c, struct store *s, const struct id *account,
                             const struct id *note);

#endif
