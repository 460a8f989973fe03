/* Private to store/: one connection to an SQLite file, its prepared statements, and copies of
 * files. Knows nothing of orgs and transactions' owners. One thread at a time per connection. */
#ifndef STORE_SQLITE_H
#define STORE_SQLITE_H

#include "store/prepared.h"
#include "store/row.h"

struct sqlite3;   /* the library's */
struct statement; /* driver.h */

struct sqlite {
    struct sqlite3 *db;
    struct prepared *cache;
    struct ctx *user;    /* whose deadline and cancel flag count, while it is in use */
    int64_t give_up_ms;  /* steady */
    bool may_interrupt;  /* false where an interrupt would undo the work of others */
    struct sqlite *next; /* the pool's */
};

/* For the whole process, before the first is opened. */
void sqlite_configure(void);

/* E_UNAVAILABLE, E_INTERNAL when the file is damaged. */
enum err sqlite_open(struct ctx *c, struct sqlite *q, const char *path, bool write);
void sqlite_close(struct sqlite *q); /* does nothing to one that was never opened */
/* c may be NULL: nobody's deadline counts. */
void sqlite_use(struct sqlite *q, struct ctx *c, bool may_interrupt);

/* A statement without parameters and rows: 0, or SQLite's code, for the calls that follow. */
int sqlite_plain(struct sqlite *q, const char *sql);
/* Several statements at once. */
int sqlite_script(struct sqlite *q, const char *sql);
/* The fault of a code, into c. */
enum err sqlite_fail(struct ctx *c, struct sqlite *q, int code, const char *sql);
/* The same as a short text, for others than who ran the statement. */
enum err sqlite_why(struct sqlite *q, int code, size_t size, char *out_text);
bool sqlite_in_transaction(const struct sqlite *q);

enum err sqlite_run(struct ctx *c, struct sqlite *q, const struct statement *st,
                    struct row_sink *sink, int64_t *out_changed);

/* A file as it stands committed, into a new file (E_CONFLICT), checked page by page. */
enum err sqlite_copy(struct ctx *c, const char *from, const char *to);

#endif
