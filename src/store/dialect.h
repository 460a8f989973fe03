/* Private to store/: the one SQL dialect of store.h (which SQLite reads as it is) turned into
 * PostgreSQL's, tenant key included. Pure; sees tokens, not trees, which the subset allows. */
#ifndef STORE_DIALECT_H
#define STORE_DIALECT_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

enum { DIALECT_FAULT_BYTES = 160 };

/* True when the statement cannot change anything: SELECT, VALUES, or WITH around only such. */
bool dialect_is_read(const char *sql);

/* One statement for PostgreSQL: ?N becomes $N, and ON CONFLICT (...) gets org_id first.
 * E_INVALID with a text in out_fault for what the subset does not allow: a bare ?, an unclosed
 * quote. */
enum err dialect_statement(struct arena *a, struct str sql, struct str *out_sql, char *out_fault);

/* The statements of a migration, each rewritten: types (BLOB -> BYTEA, TEXT ordered bytewise),
 * org_id added to tables and put first into keys, references and indexes; row-level security and
 * grants to `role` after each CREATE TABLE. out_sql: all of them, to be run in one transaction. */
enum err dialect_script(struct arena *a, struct str sql, struct str role, struct str *out_sql,
                        char *out_fault);

#endif
