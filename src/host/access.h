/* Who may do what. Roles are what a member holds in an org (spec/domain-004 2.3); a route names the
 * roles it is open to, and the door compares before any handler runs. Task code. */
#ifndef HOST_ACCESS_H
#define HOST_ACCESS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/ctx.h"
#include "codec/json.h"
#include "store/store.h"

enum {
    ROLE_ADMIN = 1u << 0,
    ROLE_SUPERVISOR = 1u << 1,
    ROLE_SUPPORT = 1u << 2,
    ROLE_SALES = 1u << 3,
    ROLE_ONBOARDING = 1u << 4,
    ROLE_SUCCESS = 1u << 5,
    ROLE_ENGINEER = 1u << 6,
    ROLE_VIEWER = 1u << 7,
    ROLE_OPERATOR = 1u << 8, /* runs the installation; held in the operator org only */
    ROLE_GUEST = 1u << 9, /* nobody who signed in: looks at what an org shows to everybody. Held by
                              * tokens of access_issue_guest alone, and by those alone */

    /* Sets that routes use. */
    ROLE_PUBLIC = 1u << 31, /* no sign-in at all */
    ROLE_ANY = (1u << 9) - 1,
    ROLE_SERVES = ROLE_ADMIN | ROLE_SUPERVISOR | ROLE_SUPPORT | ROLE_SALES | ROLE_ONBOARDING |
                  ROLE_SUCCESS,                                 /* talks to customers */
    ROLE_BUILDS = ROLE_ADMIN | ROLE_ENGINEER | ROLE_SUPERVISOR, /* changes agents and knowledge */
};

/* "support" -> ROLE_SUPPORT; 0 for an unknown name, and for guests: nobody is made one. */
uint32_t role_parse(struct str name);
/* The names of the bits, as a JSON array. */
const struct json *role_names(struct arena *a, uint32_t roles);

/* Sets c->org, actor and roles from a bearer token (access JWT or API key); E_UNAUTHENTICATED with
 * the same text whatever is wrong with it. `scope` is what an API key must carry ("" none). A guest
 * is E_DENIED. */
enum err access_authenticate(struct ctx *c, struct str bearer, const char *scope);
/* The same for what is open to guests too. A guest's actor is an id of the token's own. */
enum err access_admit(struct ctx *c, struct str bearer, const char *scope);

/* Access tokens: EdDSA JWT, one hour (ruling 32). */
enum { ACCESS_TOKEN_SECONDS = 3600 };
enum err access_issue(struct ctx *c, const struct id *member, struct str name, uint32_t roles,
                      struct str *out_token);
/* A token for whoever asks, when the org's settings say `guests: true` (else E_NOT_FOUND): role
 * guest, ACCESS_GUEST_SECONDS. It ends at once when the settings say otherwise. In c->org. */
enum { ACCESS_GUEST_SECONDS = 900 };
enum err access_issue_guest(struct ctx *c, struct str *out_token);
/* True for the secret of this process, which it leaves in the data folder for the command line:
 * whoever reads that folder holds the master key anyway. */
bool access_is_local(const struct ctx *c, struct str secret);
/* From now on the member's access tokens are refused; those issued later work. In the transaction
 * that removes the member or changes what they may do. */
enum err access_cut(struct ctx *c, struct store *s, const struct id *member);
/* The public keys, RFC 7517. */
enum err access_jwks(struct ctx *c, struct str *out_json);

/* API keys. The secret is shown once; only its SHA-256 is stored. While rotating, the old secret
 * lives until `old_until_ms`. A key lives no longer than the rights of the member who made it, or
 * renewed it last: who renews a key answers for it from then on. */
struct api_key {
    struct id id;
    struct str name;
    struct str scopes; /* space separated: "conversations:read agents:write" or "*" */
    uint32_t roles;
    int64_t expires_at_ms; /* 0: never */
};
enum { ACCESS_KEYS_MAX = 200 };
/* E_CONFLICT: the org has ACCESS_KEYS_MAX of them, as many as a list shows: none is out of sight.
 */
enum err access_key_create(struct ctx *c, struct api_key *key, struct str *out_secret);
/* The old secret works for another old_lives_ms. Rotated again within that time, it keeps its time
 * and only the secret in between ends; with 0 every old one ends. */
enum err access_key_rotate(struct ctx *c, const struct id *key, int64_t old_lives_ms,
                           struct str *out_secret);
enum err access_key_roles(struct ctx *c, const struct id *key, uint32_t *out_roles);
/* Whether an API key that calls may give these roles to somebody: only when its scopes reach all
 * that the roles open, for no scope binds who is signed in. E_DENIED names one that is missing;
 * E_OK for everybody else who calls. */
enum err access_key_covers(struct ctx *c, uint32_t roles);
enum err access_key_revoke(struct ctx *c, const struct id *key);
/* Ends the keys that the member made or renewed last and that can do more than `roles` (0: all of
 * them), and audits each in `s` before: when a member is removed, suspended or may do less. Not in
 * a transaction of `s`. */
enum err access_key_revoke_of(struct ctx *c, struct store *s, const struct id *member,
                              uint32_t roles);
/* Columns: id, name, scopes, roles, expires_at, created_at, old_until. */
enum err access_key_list(struct ctx *c, struct store_rows *out_rows);

#endif
