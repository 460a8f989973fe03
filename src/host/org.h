/* The orgs of the installation: a directory in the system store. Every org's own data lives in its
 * own store. Task code. */
#ifndef HOST_ORG_H
#define HOST_ORG_H

#include "base/ctx.h"
#include "codec/json.h"

struct org {
    struct id id;
    struct str slug, name;
    struct str kind;             /* operator, client */
    struct str status;           /* active, suspended; erasing: for ever (host/erasure.h) */
    const struct json *settings; /* brand, timezone, currency, prompts policy ... */
    struct str settings_text;    /* the same as JSON; of org_get, org_by_slug and org_list_whole */
    int64_t created_at_ms;
};

enum { ORG_PAGE_MAX = 200, ORG_SETTINGS_MAX_BYTES = 64 << 10 };

/* Makes the directory row, the org's store and what every org has from its first moment: the secret
 * `chat_identity`, with which its site proves who a visitor is. Unset id: a new one. E_CONFLICT:
 * the slug is taken; E_TOO_LARGE: the settings pass ORG_SETTINGS_MAX_BYTES. */
enum err org_create(struct ctx *c, struct org *org);
/* Adds what an org made half (or by an older version) lacks; changes nothing that is there. */
enum err org_complete(struct ctx *c, const struct id *org);
/* Settings that cannot be read (damaged, too large) are logged and empty: one bad row stops nobody
 * else, and its owner can set them anew. */
enum err org_get(struct ctx *c, const struct id *id, struct org *out);
enum err org_by_slug(struct ctx *c, struct str slug, struct org *out);
/* The operator's org. E_NOT_FOUND: there is none yet. */
enum err org_operator(struct ctx *c, struct org *out);
/* org_get without settings: for what happens at every request. */
enum err org_entry(struct ctx *c, const struct id *id, struct org *out);
/* Name, status and settings; an empty one (NULL) stays as it is. E_TOO_LARGE as org_create. */
enum err org_update(struct ctx *c, const struct org *org);
/* The same, with settings merged (RFC 7396) into what is there, whoever else writes at the same
 * time. E_CONFLICT: too many do. */
enum err org_patch(struct ctx *c, const struct org *change);
/* By slug, after `after`; without settings. */
enum err org_list(struct ctx *c, struct str after, int limit, const struct org **out_orgs,
                  int *out_count);
/* The same with settings_text; `settings` is empty: a page of them is not parsed every time. */
enum err org_list_whole(struct ctx *c, struct str after, int limit, const struct org **out_orgs,
                        int *out_count);

struct service;

/* The rows of the system store that belong to an org, as {"org": [{...}], "sign_in": [...]}: its
 * entry in the directory and what services declare (struct system_rows). org_rows_put replaces them
 * in one transaction; E_CONFLICT: another org has the slug; E_INVALID. `c` is the program's own. */
enum err org_rows_get(struct ctx *c, const struct service *const *services, const struct id *org,
                      const struct json **out_rows);
enum err org_rows_put(struct ctx *c, const struct service *const *services, const struct id *org,
                      const struct json *rows);
/* Removes them, and those that are not kept. None is no error. */
enum err org_rows_remove(struct ctx *c, const struct service *const *services,
                         const struct id *org);

/* Runs as the program itself in an org: c->org is changed until org_leave puts back what was. */
struct org_visit {
    struct id org, actor;
    enum actor_kind actor_kind;
    uint32_t roles;
    struct store *store;
};
void org_enter(struct ctx *c, const struct id *org, struct org_visit *out_before);
void org_leave(struct ctx *c, const struct org_visit *before);

#endif
