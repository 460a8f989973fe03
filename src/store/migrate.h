/* Private to store/: migrations. Which steps a store has is kept in its table schema_step. */
#ifndef STORE_MIGRATE_H
#define STORE_MIGRATE_H

#include "store/driver.h"

/* E_INVALID names the first gap, double or empty step. */
enum err migrate_check_steps(struct ctx *c, const struct migration *migrations);
/* Brings s up to date with the steps of `scope` (STORE_SCOPE_BOTH: all), in one transaction.
 * E_CONFLICT when the store has steps this program does not know. */
enum err migrate_store(struct ctx *c, struct store *s, enum store_scope scope);

#endif
