/* Members: people with a login and roles in an org; and their sign-in sessions. Task code. */
#ifndef SVC_IDENTITY_MEMBER_H
#define SVC_IDENTITY_MEMBER_H

#include "host/service.h"

struct member {
    struct id id;
    struct str email, name, title;
    uint32_t roles;
    struct str status; /* active, suspended */
    struct str password_hash;
    int64_t created_at_ms, last_sign_in_at_ms;
};

enum { MEMBER_PASSWORD_MIN_BYTES = 10, MEMBERS_PAGE_MAX = 200 };

/* In the org of `c`. E_CONFLICT: the address is taken here. `password` empty: m->password_hash as
 * it is given; that empty too: cannot sign in yet. */
enum err member_create(struct ctx *c, struct member *m, struct str password);
/* The same in two parts: member_prepare checks, hashes and fills in what is missing (the id, say),
 * which takes its time; member_put only writes, and may be in a transaction. */
enum err member_prepare(struct ctx *c, struct member *m, struct str password);
enum err member_put(struct ctx *c, const struct member *m);
enum err member_get(struct ctx *c, const struct id *id, struct member *out);
enum err member_by_email(struct ctx *c, struct str email, struct member *out);
enum err member_list(struct ctx *c, struct str after_email, int limit, const struct member **out,
                     int *out_count);
/* All of it or nothing. `password` empty: stays as it is; a new one ends the member's sessions and
 * tokens. E_CONFLICT: the last admin of an org stays one. */
enum err member_update(struct ctx *c, const struct member *m, struct str password);
enum err member_remove(struct ctx *c, const struct id *id);

/* Orgs in which the address can sign in; at most 50. */
enum err member_orgs(struct ctx *c, struct str email, const struct id **out_orgs, int *out_count);

/* Refresh tokens: rotated at every use, seven days; using an old one again ends the whole family,
 * since either the thief or the owner has it (RFC 9700 section 4.14.2). */
enum { SESSION_SECONDS = 7 * 24 * 3600 };
enum err member_session_new(struct ctx *c, const struct id *member, struct str *out_refresh);
/* Sets c->org. `use` gets the member and the new token inside the transaction of the rotation, so
 * that the old one stays good when it fails. E_UNAUTHENTICATED in every other case. */
enum err member_session_rotate(struct ctx *c, struct str refresh,
                               enum err (*use)(struct ctx *c, const struct id *member,
                                               struct str refresh, void *arg),
                               void *arg);
enum err member_session_end(struct ctx *c, struct str refresh);
/* Forgets what expired in the org of `c`; used tokens are kept until then, to notice their reuse.
 */
enum err member_session_expire(struct ctx *c);

extern const struct migration member_migrations[];
extern const struct system_rows member_system_rows[];

#endif
