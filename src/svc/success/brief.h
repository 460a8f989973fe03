/* Briefs: what was asked and answered, kept as it was answered. Task code; the org of `c`. A guest
 * sees its own for a day; members see those of members. */
#ifndef SVC_SUCCESS_BRIEF_H
#define SVC_SUCCESS_BRIEF_H

#include "host/service.h"

enum { BRIEF_MAX_BYTES = 512 << 10, BRIEF_GUEST_MS = 86400000, BRIEF_LISTED_MAX = 200 };
enum { BRIEF_KEEP_DAYS = 730, BRIEF_KEEP_DAYS_MAX = 36500 };

struct brief {
    struct id id;
    struct str account;         /* its id; empty: of no single account */
    struct str slug;            /* of the account, as it was then */
    const struct json *final;   /* the answer */
    const struct json *results; /* {tool: data} that a second run may use */
    const struct json *params;  /* tone and language that were asked for, as_of_ms */
    int64_t created_at_ms;
    int64_t version; /* as it was read; each replacement is one more */
};

/* Keeps a new one. E_NOT_FOUND: its account was erased while it was made. */
enum err brief_add(struct ctx *c, struct store *s, const struct brief *b);
/* In the place of the one it was made from, which took long. E_NOT_FOUND: that was removed
 * meanwhile; E_CONFLICT: it was changed meanwhile. Both leave the store as it is. */
enum err brief_replace(struct ctx *c, struct store *s, const struct brief *b);
/* E_NOT_FOUND: there is none that the caller may see. */
enum err brief_get(struct ctx *c, struct store *s, const struct id *id, struct brief *out);
enum err brief_delete(struct ctx *c, struct store *s, const struct id *id);

/* Newest first: [{id, question, scope, task, summary, account, created_at}]. `account` (id or slug)
 * may be empty, `before` unset. */
struct brief_filter {
    struct str account;
    struct id before;
    int64_t as_of_ms; /* 0: now */
    int limit;
};
enum err brief_list(struct ctx *c, struct store *s, const struct brief_filter *filter,
                    const struct json **out_items, bool *out_more);

/* Settings of an org: how long members' briefs are kept (briefs.keep_days). */
extern const struct config_key brief_config[];
int64_t brief_keep_days(const struct json *settings);
/* What nobody may see any longer: guests' of yesterday, and members' older than keep_days. */
enum err brief_expire(struct ctx *c, struct store *s, int64_t keep_days);
/* All of an account that is being erased. */
enum err brief_forget(struct ctx *c, struct store *s, struct str account);

#endif
