/* Secrets at rest: API keys of providers, signing secrets of tools, credentials of connectors. Kept
 * in the org's store under a name, sealed with the installation's master key; configurations refer
 * to them by name only. Task code. */
#ifndef STORE_VAULT_H
#define STORE_VAULT_H

#include "base/ctx.h"
#include "store/store.h"

enum { VAULT_SECRET_MAX_BYTES = 8 << 10, VAULT_NAME_MAX_BYTES = 64, VAULT_LIST_MAX = 200 };

/* The master keys: one line of 64 hex digits each in the file, the first seals. Made with mode 0600
 * when the file is missing. E_INVALID (damaged), E_DENIED (readable by others, or not by us). */
enum err vault_open(struct ctx *c, const char *key_file, struct vault **out_vault);
void vault_close(struct vault **v);

/* In the org of `s`, in the open transaction or its own. Names: [a-z0-9_], at most 64. */
enum err vault_put(struct ctx *c, struct store *s, struct str name, struct str secret);
/* E_NOT_FOUND. The secret lives in c's arena: do not log or store it. */
enum err vault_get(struct ctx *c, struct store *s, struct str name, struct str *out_secret);
enum err vault_delete(struct ctx *c, struct store *s, struct str name);
/* Names and when they were set; never values. Columns: name, updated_at. */
enum err vault_list(struct ctx *c, struct store *s, struct store_rows *out_rows);

/* How often a secret was set or removed in this process: what was worked out from secrets holds as
 * long as this is the same, as far as this process goes. */
int64_t vault_changes(struct vault *v);

/* For a row's own sealed column; `about` binds it to the row. */
struct str vault_seal(struct ctx *c, struct str secret, struct str about);
enum err vault_unseal(struct ctx *c, struct str sealed, struct str about, struct str *out_secret);

extern const struct migration vault_migrations[];

#endif
