/* The SQL contract: one org's data behind one handle, the same over SQLite and PostgreSQL. Task
 * code.
 *
 * Tenancy. store_of(c) opens the store of c->org; nothing else reaches data. SQLite: one file per
 * org. PostgreSQL: row-level security, FORCEd, with org_id as a column default, as a role that
 * cannot bypass it. No SQL in the code names the tenant. The installation's own data (orgs, sign-in
 * index, keys) is the store of id_system().
 *
 * One dialect. SQL is written once, in the subset both databases share: ?1 ?2 placeholders
 * (numbered, reusable), ON CONFLICT ... DO UPDATE/NOTHING, RETURNING, CASE, coalesce, lower,
 * length, substr, || and json kept as TEXT. Types are BIGINT, DOUBLE PRECISION, TEXT, BLOB. Keys
 * are table constraints or CREATE [UNIQUE] INDEX, never column constraints: the PostgreSQL driver
 * puts org_id first into every PRIMARY KEY (...), UNIQUE (...), REFERENCES ... (...), ON CONFLICT
 * (...) and index. Sizes of text are checked before SQL. The same under both: text is UTF-8 without
 * NUL bytes (else E_INVALID), compared and ordered bytewise, LIKE tells case apart. Not the same:
 * where NULLs are ordered, so ORDER BY a column that may be NULL says NULLS FIRST or LAST.
 *
 * Durability. store_commit returns after the data is on disk. Transactions of an org that wait at
 * the same time share one commit (group commit). A transaction holds the org's write turn: keep it
 * short, no outside calls in it. Only store_transact_late returns before that. */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/ctx.h"
#include "base/str.h"

struct store;

enum store_kind { STORE_SQLITE, STORE_POSTGRES };

struct store_config {
    enum store_kind kind;
    const char *folder;  /* SQLite: where files lie; created when missing, mode 0700 */
    const char *url;     /* PostgreSQL: libpq connection string of the owner role */
    int connections_max; /* PostgreSQL: pool size; SQLite: read connections per org (default 8) */
    int open_orgs_max;   /* SQLite: files kept open; least recently used close (default 256) */
};

/* One schema step. `name` is unique in its owner ("identity"), steps are numbered from 1 without
 * gaps. Each statement ends with ';'. */
enum store_scope {
    STORE_SCOPE_ORG,
    STORE_SCOPE_SYSTEM,
    STORE_SCOPE_BOTH,
    STORE_SCOPE_SQLITE,     /* both, where the database is that */
    STORE_SCOPE_POSTGRES,   /* likewise */
    STORE_SCOPE_ORG_SQLITE, /* an org's, where the database is that */
};
struct migration {
    const char *owner;
    int number;
    enum store_scope scope;
    const char *sql;
};

/* Opens the pool and checks that the database is reachable and not of a newer program (E_CONFLICT).
 * `migrations` (terminated by owner NULL) is kept by reference; an org's store is migrated when
 * first opened, in one transaction, with one process at a time. `c` carries clock and log only. */
enum err stores_open(struct ctx *c, const struct store_config *config,
                     const struct migration *migrations, struct stores **out_stores);
void stores_close(struct stores **s);
enum store_kind stores_kind(const struct stores *s);

/* Makes and erases orgs' stores. Making one that is there is no error. Erasing removes every
 * byte of the org; it waits for tasks that have the store open (E_TIMEOUT), so the caller must
 * not be one. */
enum err stores_create(struct ctx *c, const struct id *org);
enum err stores_erase(struct ctx *c, const struct id *org);
bool stores_exists(struct ctx *c, const struct id *org);
/* The org's data becomes that of the snapshot (store/snapshot.h) at `path`, at once: whoever looks
 * sees all of the old or all of the new. Waits for tasks that have the store open (E_TIMEOUT). An
 * org without a store gets one. E_INVALID with PostgreSQL. */
enum err stores_replace(struct ctx *c, const struct id *org, const char *path);
/* The ids of all orgs' stores in c's arena, sorted, without id_system(). */
enum err stores_list(struct ctx *c, const struct id **out_orgs, int *out_count);

/* News between processes on one database. signal: "this org has committed something others may
 * wait for"; best effort, may be lost or doubled. news: calls fn for each org that another
 * process touched since the last call; never waits. One caller at a time (the bus). */
void stores_signal(struct stores *s, const struct id *org);
void stores_news(struct stores *s, void (*fn)(void *arg, const struct id *org), void *arg);

/* Who else works on this database. Each opening of stores is a process of its own, with a name of
 * STORE_PROCESS_CHARS characters that never comes back. It is seen by others as long as it has a
 * session with the database, from before it can write anything until it is closed, killed or cut
 * off (where the machine is gone: until the server notices, some ten seconds); after a cut it is
 * seen again as soon as it is connected. Calls fn with each name; false: not known now, for we are
 * cut off ourselves, or the files of SQLite tell nothing. */
enum { STORE_PROCESS_CHARS = 16 };
const char *stores_process(const struct stores *s);
bool stores_processes(struct stores *s, void (*fn)(void *arg, struct str process), void *arg);

/* Counts since the start. */
struct store_counts {
    int64_t transactions; /* committed */
    int64_t commits;      /* fewer than transactions where they were shared */
    int64_t syncs;        /* commits that waited for the disk */
    int64_t rollbacks;
    int64_t statements;
    int open_orgs;
    int connections;
};
struct store_counts stores_counts(struct stores *s);
/* The last write found no room (E_FULL): what is there can be read, and nothing can be added. Ends
 * with the next write that goes through. */
bool stores_are_full(const struct stores *s);

/* The store of c->org for the rest of the task (kept in c->store, given back with the arena).
 * E_NOT_FOUND when the org has none, E_UNAVAILABLE when the database is down, E_TIMEOUT at the
 * deadline. */
enum err store_of(struct ctx *c, struct store **out_store);
/* Another org's store (or id_system()) for `c`; used by host and identity only. Given back with the
 * arena too. */
enum err store_of_org(struct ctx *c, const struct id *org, struct store **out_store);
const struct id *store_org(const struct store *s);
/* Changes whenever anything of the org's data does, and never comes back: what was read after it
 * was asked for holds as long as it is the same. 0: not known, since other processes write too
 * (PostgreSQL), or a transaction of ours is open. */
int64_t store_version(const struct store *s);

/* Parameters: an array, counted. Text and blobs are borrowed for the call. */
enum store_type { STORE_NULL, STORE_INT, STORE_REAL, STORE_TEXT, STORE_BLOB };
struct store_value {
    enum store_type type;
    int64_t integer;
    double real;
    struct str bytes;
};
#define S_INT(v)  ((struct store_value){.type = STORE_INT, .integer = (v)})
#define S_REAL(v) ((struct store_value){.type = STORE_REAL, .real = (v)})
#define S_STR(v)  ((struct store_value){.type = STORE_TEXT, .bytes = (v)})
#define S_Z(v)    ((struct store_value){.type = STORE_TEXT, .bytes = str_of(v)})
#define S_ID(v)   ((struct store_value){.type = STORE_TEXT, .bytes = id_str(v)})
#define S_BLOB(v) ((struct store_value){.type = STORE_BLOB, .bytes = (v)})
#define S_NULL    ((struct store_value){.type = STORE_NULL})
/* NULL when empty. */
#define S_OPT(v) ((v).n ? S_STR(v) : S_NULL)

/* A result: all rows, in c's arena. At most STORE_ROWS_MAX rows and STORE_RESULT_MAX_BYTES, else
 * E_TOO_LARGE: page. */
enum { STORE_ROWS_MAX = 10000, STORE_RESULT_MAX_BYTES = 32 << 20, STORE_PARAMS_MAX = 64 };
struct store_rows {
    int count;
    int columns;
    const struct store_value *cells; /* row by row */
};
struct str row_str(const struct store_rows *r, int row, int column); /* NULL: empty */
int64_t row_int(const struct store_rows *r, int row, int column);    /* NULL: 0 */
double row_real(const struct store_rows *r, int row, int column);    /* NULL: 0 */
bool row_is_null(const struct store_rows *r, int row, int column);
struct id row_id(const struct store_rows *r, int row, int column); /* unset when NULL */

/* Statements are `const char *` literals of the code: prepared once and cached by address. Outside
 * a transaction a query reads the last committed state and a write is its own transaction.
 * E_CONFLICT on a unique or foreign key violation, E_FULL on a full disk, E_UNAVAILABLE, E_TIMEOUT.
 * store_query(c, s, &rows, "SELECT ... WHERE id = ?1", S_ID(&id)) */
#define store_query(c, s, out_rows, ...) store_query_(c, s, out_rows, __VA_ARGS__, S_END_)
#define store_query_(c, s, out_rows, sql, ...)                                                     \
    store_run((c), (s), (sql), (const struct store_value[]){__VA_ARGS__}, (out_rows), NULL)
/* A write; out_changed (may be NULL): rows changed. */
#define store_exec(c, s, out_changed, ...) store_exec_(c, s, out_changed, __VA_ARGS__, S_END_)
#define store_exec_(c, s, out_changed, sql, ...)                                                   \
    store_run((c), (s), (sql), (const struct store_value[]){__VA_ARGS__}, NULL, (out_changed))
#define S_END_ ((struct store_value){.type = (enum store_type) - 1})
enum err store_run(struct ctx *c, struct store *s, const char *sql,
                   const struct store_value *params, struct store_rows *out_rows,
                   int64_t *out_changed);

/* A write transaction. Waits for the org's write turn up to the deadline. Nested begins are
 * counted; only the outermost commits. After an error inside, roll back. */
enum err store_begin(struct ctx *c, struct store *s);
enum err store_commit(struct ctx *c, struct store *s);
void store_rollback(struct ctx *c, struct store *s);
bool store_in_transaction(const struct store *s);

/* Runs fn(c, arg) between begin and commit; rolls back on any error. PostgreSQL: a serialisation
 * failure or a cut connection before the commit was sent is retried up to 3 times, so fn must only
 * change the store. SQLite: where others hold the turn, the thread that has it runs fn while the
 * caller waits, so fn must not lean on its thread. This is the fastest way to write under load. */
enum err store_transact(struct ctx *c, struct store *s, enum err (*fn)(struct ctx *c, void *arg),
                        void *arg);

/* The same, but it need not be on disk when this returns: it is there with the org's next
 * transaction that waits for the disk. Seen by all and in order it is at once; a process that dies
 * loses nothing of it, a power cut may, with all that was committed after it. For claims and other
 * notes of work under way, which are made again when they are missing. */
enum err store_transact_late(struct ctx *c, struct store *s,
                             enum err (*fn)(struct ctx *c, void *arg), void *arg);

/* The next number of a named per-org sequence, inside a transaction: no gaps, and the order of
 * numbers is the order of commits. */
enum err store_next(struct ctx *c, struct store *s, const char *sequence, int64_t *out_number);

/* Called once after the transaction that is open now has committed, or may have (not when it rolls
 * back), on the thread that committed: to wake consumers. `arg` must live that long (allocate it
 * from c's arena). */
void store_after_commit(struct store *s, void (*fn)(void *arg), void *arg);
/* The same, unless `fn` is registered in this transaction already; then false. */
bool store_after_commit_once(struct store *s, void (*fn)(void *arg), void *arg);

#endif
