/* Programs outside that may use the success tools over signed HTTP: each has a name that it sends
 * as X-Client, and a secret of its own, two of them while one replaces the other. Secrets are
 * sealed and shown once. Task code; the org of `c`. */
#ifndef SVC_SUCCESS_TOOL_CLIENT_H
#define SVC_SUCCESS_TOOL_CLIENT_H

#include "base/ctx.h"
#include "codec/field.h"
#include "codec/json.h"
#include "store/store.h"

enum {
    TOOL_CLIENTS_MAX = 50,
    TOOL_CLIENT_SECRETS = 2,
    TOOL_CLIENT_OLD_LIVES_S = 24 * 3600, /* of a secret that was replaced, unless said otherwise */
    TOOL_CLIENT_PER_MINUTE = 600,
    TOOL_CLIENT_KEEP_MS = 11 * 60000 /* longer than a signed request can be fresh */
};

struct tool_client {
    struct id id;
    struct str client; /* X-Client */
    struct str name;
    struct str tools; /* names, space separated; empty: all */
    bool demo_only;   /* sees what a guest sees */
    int64_t per_minute;
    struct str secrets[TOOL_CLIENT_SECRETS];
    int secret_count;
    int64_t old_until_ms; /* 0: one secret */
    int64_t created_at_ms, rotated_at_ms;
};

/* What a member writes. */
struct tool_client_input {
    struct str client, name;
    const struct json *tools;
    bool demo_only;
    int64_t per_minute;
};
extern const struct field_table tool_client_table;
struct tool_client_rotation {
    int64_t old_lives_s;
};
extern const struct field_table tool_client_rotation_table;

/* E_CONFLICT: the name is taken, or there are TOOL_CLIENTS_MAX. E_INVALID names an unknown tool. */
enum err tool_client_create(struct ctx *c, struct store *s, const struct tool_client_input *in,
                            struct tool_client *out, struct str *out_secret);
/* The old secret lives for old_lives_s more; one that was older still ends. E_NOT_FOUND. */
enum err tool_client_rotate(struct ctx *c, struct store *s, const struct id *id,
                            int64_t old_lives_s, struct tool_client *out, struct str *out_secret);
enum err tool_client_delete(struct ctx *c, struct store *s, const struct id *id);
/* Without secrets, by name. */
enum err tool_client_list(struct ctx *c, struct store *s, const struct tool_client **out,
                          int *out_count);
enum err tool_client_get(struct ctx *c, struct store *s, const struct id *id,
                         struct tool_client *out);
/* With the secrets that are good now. E_NOT_FOUND. */
enum err tool_client_find(struct ctx *c, struct store *s, struct str client,
                          struct tool_client *out);
bool tool_client_may(const struct tool_client *client, struct str tool);

/* One signed request, used once: E_CONFLICT when it came before. */
enum err tool_client_use(struct ctx *c, struct store *s, const struct tool_client *client,
                         struct str signature);
/* Forgets signatures that are stale by their own time, and results of long calls after a day. */
enum err tool_client_expire(struct ctx *c, struct store *s);

/* X-Signature: lower-case hex HMAC-SHA256 of "timestamp.client.body" (spec/domain-000-003 1.C).
 * Pure; the comparison takes the same time whatever differs. */
struct str tool_client_sign(struct arena *a, struct str secret, struct str timestamp,
                            struct str client, struct str body);

#endif
