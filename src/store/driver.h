/* Private to store/: what a database driver gives, and the handle both drivers share. The
 * contract's rules that do not depend on the database (nesting, failed transactions,
 * after-commit calls, migrations) live in store.c and schema.c; a driver only moves statements
 * and results. */
#ifndef STORE_DRIVER_H
#define STORE_DRIVER_H

#include <pthread.h>
#include <stdatomic.h>

#include "store/row.h"
#include "store/store.h"

struct statement {
    const char *sql; /* a literal of the code; its address names it in statement caches */
    const struct store_value *params;
    int count;
};

struct after_commit {
    struct after_commit *next;
    void (*fn)(void *arg);
    void *arg;
};

/* Where the open transaction is in the sequence that it took a number of last. */
struct sequence {
    const char *name; /* NULL: took none; the caller's literal */
    int64_t last;
    bool unsaved;
};

/* One task's hold on one org's store. */
struct store {
    struct stores *stores;
    struct arena *arena; /* the task's */
    struct id org;
    int depth;       /* begins that are open */
    enum err failed; /* why the open transaction can only be rolled back */
    bool again;      /* the driver: that failure left no trace, the transaction may run again */
    bool late;       /* its commit need not be on disk when it returns */
    struct sequence sequence;
    struct after_commit *hooks, **hooks_end;
    void *state; /* the driver's */
};

struct driver {
    enum err (*open)(struct ctx *c, struct stores *s); /* sets s->state */
    void (*close)(struct stores *s);
    enum err (*create)(struct ctx *c, struct stores *s, const struct id *org);
    enum err (*erase)(struct ctx *c, struct stores *s, const struct id *org);
    bool (*exists)(struct ctx *c, struct stores *s, const struct id *org);
    enum err (*list)(struct ctx *c, struct stores *s, const struct id **out_orgs, int *out_count);

    /* s->org is set; migrates on the first use. E_NOT_FOUND. */
    enum err (*attach)(struct ctx *c, struct store *s);
    void (*detach)(struct store *s);
    /* Inside a transaction when s->depth > 0; else on its own. */
    enum err (*run)(struct ctx *c, struct store *s, const struct statement *st,
                    struct row_sink *sink, int64_t *out_changed);
    enum err (*begin)(struct ctx *c, struct store *s);
    enum err (*commit)(struct ctx *c, struct store *s);
    void (*rollback)(struct ctx *c, struct store *s); /* c may be NULL: the task is over */
    /* begin, fn, commit or rollback in one, fn maybe on another thread; NULL: by those three. */
    enum err (*transact)(struct ctx *c, struct store *s, enum err (*fn)(struct ctx *c, void *arg),
                         void *arg);
    /* Several statements of a migration, inside a transaction. */
    enum err (*script)(struct ctx *c, struct store *s, const char *sql);
    /* The org's data becomes that of the file; no task has it open meanwhile. */
    enum err (*replace)(struct ctx *c, struct stores *s, const struct id *org, const char *path);

    int64_t (*version)(const struct store *s); /* NULL: not known */
    void (*signal)(struct stores *s, const struct id *org);
    void (*news)(struct stores *s, void (*fn)(void *arg, const struct id *org), void *arg);
    bool (*processes)(struct stores *s, void (*fn)(void *arg, struct str process), void *arg);
    void (*count)(struct stores *s, struct store_counts *counts);
};

struct stores {
    enum store_kind kind;
    const struct driver *driver;
    struct store_config config; /* texts copied */
    const struct migration *migrations;
    char process[STORE_PROCESS_CHARS + 1];
    void *state; /* the driver's */
    _Atomic int64_t transactions, commits, syncs, rollbacks, statements;
    _Atomic int64_t versions;     /* the last that was given to anything */
    atomic_bool full;             /* the last write found no room */
    _Atomic int64_t full_told_ms; /* steady */
};

extern const struct driver sqlite_driver, postgres_driver;

enum { STORE_WAIT_MAX_MS = 30000 }; /* for a turn or a connection, when the task has no deadline */

/* A handle for the driver's own use (schema, erasing), not kept in the ctx. */
struct store store_handle(struct ctx *c, struct stores *s, const struct id *org);

#endif
