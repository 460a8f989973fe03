/* The SQLite driver: <folder>/system.db and <folder>/org/<id>.db. Each open file has one
 * connection that writes, guarded by its turn (turn.h), and a few that read the last committed
 * state (WAL). The only file that sees sqlite3.h. */
#include "store/driver.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/map.h"
#include "store/dialect.h"
#include "store/migrate.h"
#include "store/place.h"
#include "store/prepared.h"
#include "store/write_turn.h"

enum { STEPS_BETWEEN_LOOKS = 4000, READERS_DEFAULT = 8 };

struct conn {
    sqlite3 *db;
    struct prepared *cache;
    struct ctx *user;   /* whose deadline and cancel flag count, while it is in use */
    int64_t give_up_ms; /* steady */
    bool may_interrupt; /* false where an interrupt would undo the work of others */
    struct conn *next;  /* idle */
};

struct file {
    struct stores *stores;
    struct id org;
    char *path;
    _Atomic int64_t version; /* new when it is opened and with every commit */
    int refs;                /* handles; under the state's lock, like used and erased */
    int64_t used;
    bool erased;
    pthread_mutex_t open_lock; /* held while the file is opened and migrated */
    bool ready;
    struct write_turn *turn;
    struct conn writer; /* by the holder of the turn, as the next */
    bool saved;         /* this transaction began with a savepoint, others lie under it */
    enum err lost;      /* why SQLite undid the open transaction by itself */
    char lost_text[WRITE_TURN_TEXT_BYTES];
    pthread_mutex_t read_lock;
    pthread_cond_t read_cond;
    struct conn *idle;
    int readers;
};

struct state {
    pthread_mutex_t lock;
    pthread_cond_t unused_cond; /* some file's refs fell to 0 */
    struct map *files;          /* id -> struct file: those open */
    int64_t uses;
    struct place *place;
};

static const char begin_sql[] = "BEGIN IMMEDIATE", commit_sql[] = "COMMIT",
                  rollback_sql[] = "ROLLBACK", save_sql[] = "SAVEPOINT part",
                  release_sql[] = "RELEASE part", undo_sql[] = "ROLLBACK TO part";

static const char settings_sql[] =
    "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;"
    "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0;"
    "PRAGMA case_sensitive_like = ON; PRAGMA cache_size = -512; PRAGMA wal_autocheckpoint = 1000;"
    "PRAGMA journal_size_limit = 4194304;";
static const char read_settings_sql[] = "PRAGMA query_only = ON; PRAGMA case_sensitive_like = ON; "
                                        "PRAGMA trusted_schema = OFF; PRAGMA mmap_size = 0;"
                                        "PRAGMA cache_size = -512;";

/* ---- outcomes */

/* errno is SQLite's own, from the call that just failed. */
static bool is_disk_full(int rc)
{
    return (rc & 0xff) == SQLITE_FULL ||
           ((rc & 0xff) == SQLITE_IOERR && (errno == ENOSPC || errno == EDQUOT || errno == EFBIG));
}

static enum err constraint_err(int extended)
{
    switch (extended) {
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_ROWID:
    case SQLITE_CONSTRAINT_FOREIGNKEY:
        return E_CONFLICT;
    default:
        return E_INVALID; /* NOT NULL, CHECK */
    }
}

static enum err err_of(sqlite3 *db, int rc)
{
    if (is_disk_full(rc)) {
        return E_FULL;
    }
    switch (rc & 0xff) {
    case SQLITE_CONSTRAINT:
        return constraint_err(sqlite3_extended_errcode(db));
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_INTERRUPT:
        return E_TIMEOUT;
    case SQLITE_TOOBIG:
        return E_TOO_LARGE;
    case SQLITE_IOERR:
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
        return E_UNAVAILABLE;
    default:
        return E_INTERNAL;
    }
}

static const char *file_name(sqlite3 *db)
{
    const char *path = db ? sqlite3_db_filename(db, "main") : NULL;
    const char *slash = path ? strrchr(path, '/') : NULL;
    return slash ? slash + 1 : "the database";
}

static enum err fail_at(struct ctx *c, sqlite3 *db, int rc, const char *sql)
{
    enum err e = err_of(db, rc);
    int primary = rc & 0xff;
    if (primary == SQLITE_INTERRUPT) {
        TRY(ctx_check(c));
    }
    if (primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB) {
        return ctx_fail(c, E_INTERNAL, "the database file %s is damaged: %s", file_name(db),
                        sqlite3_errmsg(db));
    }
    if (e == E_FULL) {
        return ctx_fail(c, e, "the disk is full: %s", file_name(db));
    }
    if (e == E_TIMEOUT) {
        return ctx_fail(c, e, "the store was busy for too long");
    }
    if (e == E_CONFLICT || e == E_INVALID || e == E_TOO_LARGE) {
        return ctx_fail(c, e, "%s", sqlite3_errmsg(db));
    }
    return ctx_fail(c, e, "%s: %s (%.120s)", file_name(db), sqlite3_errmsg(db), sql);
}

/* ---- connections */

static int64_t left_until(int64_t steady_ms)
{
    return steady_ms - clock_steady_ms();
}

static int on_progress(void *arg)
{
    struct conn *conn = arg;
    if (!conn->may_interrupt || !conn->user) {
        return 0;
    }
    const struct ctx *c = conn->user;
    return (c->cancel && atomic_load(c->cancel)) ||
           (c->deadline_steady_ms && clock_steady_ms() >= c->deadline_steady_ms);
}

/* Only another process can keep a file locked; ours take turns. */
static int on_busy(void *arg, int count)
{
    struct conn *conn = arg;
    const struct ctx *c = conn->user;
    if (left_until(conn->give_up_ms) <= 0 || (c && c->cancel && atomic_load(c->cancel))) {
        return 0;
    }
    struct timespec pause = {.tv_nsec = (count < 9 ? count + 1 : 10) * 1000000L};
    nanosleep(&pause, NULL);
    return 1;
}

static void conn_use(struct conn *conn, struct ctx *c, bool may_interrupt)
{
    conn->user = c;
    conn->give_up_ms = clock_steady_ms() + (c ? ctx_left_ms(c, STORE_WAIT_MAX_MS) : 1000);
    conn->may_interrupt = may_interrupt;
}

static void drop_statement(void *owner, void *made)
{
    (void)owner;
    sqlite3_finalize(made);
}

static void conn_close(struct conn *conn)
{
    if (conn->db) {
        prepared_free(&conn->cache);
        sqlite3_close(conn->db);
        conn->db = NULL;
    }
}

static void harden(sqlite3 *db)
{
    sqlite3_db_config(db, SQLITE_DBCONFIG_LOOKASIDE, NULL, 256, 64);
    sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
    sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 0);
    sqlite3_limit(db, SQLITE_LIMIT_LENGTH, STORE_RESULT_MAX_BYTES * 2);
}

static enum err conn_open(struct ctx *c, struct conn *conn, const char *path, bool write)
{
    int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE |
                (write ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY);
    *conn = (struct conn){0};
    int rc = sqlite3_open_v2(path, &conn->db, flags, NULL);
    if (rc == SQLITE_OK) {
        harden(conn->db);
        sqlite3_extended_result_codes(conn->db, 1);
        sqlite3_busy_handler(conn->db, on_busy, conn);
        sqlite3_progress_handler(conn->db, STEPS_BETWEEN_LOOKS, on_progress, conn);
        conn_use(conn, c, false);
        rc = sqlite3_exec(conn->db, write ? settings_sql : read_settings_sql, NULL, NULL, NULL);
    }
    if (rc != SQLITE_OK) {
        enum err e = fail_at(c, conn->db, rc, "opening");
        sqlite3_close(conn->db);
        conn->db = NULL;
        return e;
    }
    conn->cache = prepared_new(drop_statement, NULL);
    conn->user = NULL;
    return E_OK;
}

static int prepare(struct conn *conn, const char *sql, sqlite3_stmt **out_stmt)
{
    sqlite3_stmt *stmt = prepared_find(conn->cache, sql);
    if (!stmt) {
        int rc = sqlite3_prepare_v3(conn->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL);
        if (rc != SQLITE_OK) {
            return rc;
        }
        prepared_keep(conn->cache, sql, stmt);
    }
    *out_stmt = stmt;
    return SQLITE_OK;
}

/* A statement without parameters and rows. */
static int run_plain(struct conn *conn, const char *sql)
{
    sqlite3_stmt *stmt;
    int rc = prepare(conn, sql, &stmt);
    errno = 0;
    if (rc == SQLITE_OK) {
        rc = sqlite3_step(stmt);
        int after = sqlite3_reset(stmt);
        rc = rc == SQLITE_DONE || rc == SQLITE_ROW ? SQLITE_OK : after;
    }
    return rc;
}

static int bind_value(sqlite3_stmt *stmt, int i, const struct store_value *v)
{
    const char *p = v->bytes.n ? v->bytes.p : "";
    switch (v->type) {
    case STORE_INT:
        return sqlite3_bind_int64(stmt, i, v->integer);
    case STORE_REAL:
        return sqlite3_bind_double(stmt, i, v->real);
    case STORE_TEXT:
        return sqlite3_bind_text64(stmt, i, p, v->bytes.n, SQLITE_STATIC, SQLITE_UTF8);
    case STORE_BLOB:
        return sqlite3_bind_blob64(stmt, i, p, v->bytes.n, SQLITE_STATIC);
    default:
        return sqlite3_bind_null(stmt, i);
    }
}

static struct store_value column_value(sqlite3_stmt *stmt, int i)
{
    switch (sqlite3_column_type(stmt, i)) {
    case SQLITE_INTEGER:
        return S_INT(sqlite3_column_int64(stmt, i));
    case SQLITE_FLOAT:
        return S_REAL(sqlite3_column_double(stmt, i));
    case SQLITE_TEXT: {
        const char *p = (const char *)sqlite3_column_text(stmt, i);
        return S_STR(str_make(p, (size_t)sqlite3_column_bytes(stmt, i)));
    }
    case SQLITE_BLOB: {
        const char *p = sqlite3_column_blob(stmt, i);
        return S_BLOB(str_make(p ? p : "", (size_t)sqlite3_column_bytes(stmt, i)));
    }
    default:
        return S_NULL;
    }
}

static int step_all(sqlite3_stmt *stmt, struct row_sink *sink)
{
    int rc;
    errno = 0;
    sink->columns = sqlite3_column_count(stmt);
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        for (int i = 0; i < sink->columns && sink->wanted; i++) {
            struct store_value v = column_value(stmt, i);
            if (!row_add(sink, &v)) {
                return SQLITE_DONE; /* the sink knows that it is too large */
            }
        }
    }
    return rc;
}

static enum err run_on(struct ctx *c, struct conn *conn, const struct statement *st,
                       struct row_sink *sink, int64_t *out_changed)
{
    sqlite3_stmt *stmt;
    int rc = prepare(conn, st->sql, &stmt);
    if (rc != SQLITE_OK) {
        return fail_at(c, conn->db, rc, st->sql);
    }
    if (sqlite3_bind_parameter_count(stmt) != st->count) {
        return ctx_fail(c, E_INTERNAL, "%d parameters given, %d in: %.200s", st->count,
                        sqlite3_bind_parameter_count(stmt), st->sql);
    }
    for (int i = 0; i < st->count && rc == SQLITE_OK; i++) {
        rc = bind_value(stmt, i + 1, &st->params[i]);
    }
    rc = rc == SQLITE_OK ? step_all(stmt, sink) : rc;
    enum err e = rc == SQLITE_DONE ? E_OK : fail_at(c, conn->db, rc, st->sql);
    if (e == E_OK && !sqlite3_stmt_readonly(stmt)) {
        *out_changed = sqlite3_changes64(conn->db);
    }
    sqlite3_reset(stmt);
    sqlite3_clear_bindings(stmt);
    return e;
}

/* ---- files */

static struct state *state_of(const struct stores *s)
{
    return s->state;
}

/* The commit of a group; by the thread that leads, which holds the turn. */
static enum err commit_group(void *arg, char *out_text)
{
    struct file *f = arg;
    conn_use(&f->writer, NULL, false);
    int rc = run_plain(&f->writer, commit_sql);
    f->version = ++f->stores->versions; /* before anybody is told, and after others can see it */
    if (rc == SQLITE_OK) {
        f->stores->commits++;
        return E_OK;
    }
    enum err e = err_of(f->writer.db, rc);
    snprintf(out_text, WRITE_TURN_TEXT_BYTES, "%s: %s", file_name(f->writer.db),
             e == E_FULL ? "the disk is full" : sqlite3_errmsg(f->writer.db));
    if (!sqlite3_get_autocommit(f->writer.db)) {
        run_plain(&f->writer, rollback_sql);
    }
    return e;
}

static void file_free(struct file *f)
{
    while (f->idle) {
        struct conn *conn = f->idle;
        f->idle = conn->next;
        conn_close(conn);
        free(conn);
    }
    conn_close(&f->writer); /* last: it folds the WAL into the file */
    write_turn_free(&f->turn);
    pthread_mutex_destroy(&f->open_lock);
    pthread_mutex_destroy(&f->read_lock);
    pthread_cond_destroy(&f->read_cond);
    free(f->path);
    free(f);
}

static struct file *file_new(struct stores *s, const struct id *org, char *path)
{
    struct file *f = mem_new(sizeof(*f));
    f->stores = s;
    f->org = *org;
    f->path = path;
    f->version = ++s->versions;
    f->turn = write_turn_new(commit_group, f);
    pthread_mutex_init(&f->open_lock, NULL);
    pthread_mutex_init(&f->read_lock, NULL);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&f->read_cond, &attr);
    pthread_condattr_destroy(&attr);
    return f;
}

/* Opens and migrates; under open_lock. */
static enum err file_open(struct ctx *c, struct file *f)
{
    struct id system = id_system();
    if (!place_has(state_of(f->stores)->place, &f->org)) {
        return ctx_fail(c, E_NOT_FOUND, "no such organisation");
    }
    TRY(conn_open(c, &f->writer, f->path, true));
    struct store handle = store_handle(c, f->stores, &f->org);
    handle.state = f;
    enum err e =
        migrate_store(c, &handle, id_eq(&f->org, &system) ? STORE_SCOPE_SYSTEM : STORE_SCOPE_ORG);
    if (e != E_OK) {
        conn_close(&f->writer);
    }
    f->ready = e == E_OK;
    return e;
}

/* Takes files beyond the maximum that nobody uses out of the table, least recently used first.
 * Locked; the caller frees what is returned after unlocking. */
static struct file *take_excess(struct stores *s)
{
    struct state *state = state_of(s);
    if (map_count(state->files) <= (size_t)s->config.open_orgs_max) {
        return NULL;
    }
    size_t cursor = 0;
    void *value;
    struct str key;
    struct file *oldest = NULL;
    while (map_next(state->files, &cursor, &key, &value)) {
        struct file *f = value;
        if (f->refs == 0 && (!oldest || f->used < oldest->used)) {
            oldest = f;
        }
    }
    if (oldest) {
        map_remove(state->files, id_str(&oldest->org));
    }
    return oldest;
}

static void unref(struct file *f)
{
    struct stores *s = f->stores;
    struct state *state = state_of(s);
    struct file *excess = NULL;
    pthread_mutex_lock(&state->lock);
    if (--f->refs == 0) {
        pthread_cond_broadcast(&state->unused_cond);
        if (!f->ready && !f->erased) {
            map_remove(state->files, id_str(&f->org));
            excess = f;
        } else {
            excess = take_excess(s);
        }
    }
    pthread_mutex_unlock(&state->lock);
    if (excess) {
        file_free(excess);
    }
}

static struct file *ref(struct stores *s, const struct id *org, char *path)
{
    struct state *state = state_of(s);
    pthread_mutex_lock(&state->lock);
    struct file *f = map_get(state->files, id_str(org));
    if (f && f->erased) {
        f = NULL;
        free(path);
    } else if (f) {
        free(path);
    } else {
        f = file_new(s, org, path);
        map_set(state->files, id_str(org), f);
    }
    if (f) {
        f->refs++;
        f->used = ++state->uses;
    }
    pthread_mutex_unlock(&state->lock);
    return f;
}

static enum err sq_attach(struct ctx *c, struct store *s)
{
    char *path = place_path(state_of(s->stores)->place, &s->org);
    struct file *f = path ? ref(s->stores, &s->org, path) : NULL;
    if (!f) {
        return ctx_fail(c, E_NOT_FOUND, "no such organisation");
    }
    pthread_mutex_lock(&f->open_lock);
    enum err e = f->ready ? E_OK : file_open(c, f);
    pthread_mutex_unlock(&f->open_lock);
    if (e != E_OK) {
        unref(f);
        return e;
    }
    s->state = f;
    return E_OK;
}

static int64_t sq_version(const struct store *s)
{
    const struct file *f = s->state;
    return f->version;
}

static void sq_detach(struct store *s)
{
    unref(s->state);
}

/* ---- transactions: parts of the file's open one, each by whoever has the turn */

static enum err fail_lost(struct ctx *c, struct file *f, enum err e)
{
    if (sqlite3_get_autocommit(f->writer.db)) {
        write_turn_lost(f->turn, e, c->fault.text);
    }
    return e;
}

/* The first part opens the transaction, the others set a point to come back to. */
static enum err open_part(struct ctx *c, struct file *f)
{
    f->saved = write_turn_members(f->turn) > 0;
    conn_use(&f->writer, c, !f->saved);
    int rc = run_plain(&f->writer, f->saved ? save_sql : begin_sql);
    if (rc == SQLITE_OK) {
        return E_OK;
    }
    enum err e = fail_at(c, f->writer.db, rc, "begin");
    return f->saved ? fail_lost(c, f, e) : e;
}

static void undo_part(struct file *f)
{
    conn_use(&f->writer, NULL, false);
    if (sqlite3_get_autocommit(f->writer.db)) {
        write_turn_lost(f->turn, E_UNAVAILABLE, "the open transaction was lost");
        return;
    }
    if (f->saved && run_plain(&f->writer, undo_sql) == SQLITE_OK &&
        run_plain(&f->writer, release_sql) == SQLITE_OK) {
        return;
    }
    run_plain(&f->writer, rollback_sql);
    if (f->saved) {
        write_turn_lost(f->turn, E_UNAVAILABLE, "a transaction could not be undone alone");
    }
}

static enum err close_part(struct ctx *c, struct file *f)
{
    conn_use(&f->writer, c, false);
    int rc = f->saved ? run_plain(&f->writer, release_sql) : SQLITE_OK;
    if (rc == SQLITE_OK && !sqlite3_get_autocommit(f->writer.db)) {
        return E_OK;
    }
    enum err e = fail_lost(c, f, fail_at(c, f->writer.db, rc, "release"));
    undo_part(f);
    return e;
}

static enum err sq_begin(struct ctx *c, struct store *s)
{
    struct file *f = s->state;
    TRY(write_turn_take(c, f->turn));
    enum err e = open_part(c, f);
    if (e != E_OK) {
        write_turn_drop(f->turn);
    }
    return e;
}

static void sq_rollback(struct ctx *c, struct store *s)
{
    struct file *f = s->state;
    (void)c;
    undo_part(f);
    write_turn_drop(f->turn);
}

static enum err sq_commit(struct ctx *c, struct store *s)
{
    struct file *f = s->state;
    enum err e = close_part(c, f);
    if (e != E_OK) {
        write_turn_drop(f->turn);
        return e;
    }
    return write_turn_done(c, f->turn);
}

/* A whole transaction, for whoever has the turn to do. */
struct part {
    struct file *file;
    enum err (*fn)(struct ctx *c, void *arg);
    void *arg;
};

static enum err do_part(struct ctx *c, void *arg)
{
    struct part *part = arg;
    TRY(open_part(c, part->file));
    enum err e = part->fn(c, part->arg);
    if (e != E_OK) {
        undo_part(part->file);
        return e;
    }
    return close_part(c, part->file);
}

static enum err sq_transact(struct ctx *c, struct store *s,
                            enum err (*fn)(struct ctx *c, void *arg), void *arg)
{
    struct file *f = s->state;
    struct part part = {f, fn, arg};
    return write_turn_run(c, f->turn, do_part, &part);
}

/* ---- statements */

static enum err take_reader(struct ctx *c, struct file *f, struct conn **out_conn)
{
    int64_t give_up = clock_steady_ms() + ctx_left_ms(c, STORE_WAIT_MAX_MS);
    int configured = f->stores->config.connections_max;
    int readers_max = configured > 0 ? configured : READERS_DEFAULT;
    pthread_mutex_lock(&f->read_lock);
    while (!f->idle && f->readers >= readers_max) {
        struct timespec at = {.tv_sec = give_up / 1000, .tv_nsec = give_up % 1000 * 1000000};
        if (pthread_cond_timedwait(&f->read_cond, &f->read_lock, &at) == ETIMEDOUT) {
            pthread_mutex_unlock(&f->read_lock);
            return ctx_fail(c, E_TIMEOUT, "the store was busy for too long");
        }
    }
    struct conn *conn = f->idle;
    if (conn) {
        f->idle = conn->next;
    } else {
        f->readers++;
    }
    pthread_mutex_unlock(&f->read_lock);
    *out_conn = conn;
    return E_OK;
}

static void give_reader(struct file *f, struct conn *conn)
{
    pthread_mutex_lock(&f->read_lock);
    if (conn) {
        conn->next = f->idle;
        f->idle = conn;
    } else {
        f->readers--;
    }
    pthread_cond_signal(&f->read_cond);
    pthread_mutex_unlock(&f->read_lock);
}

static enum err run_read(struct ctx *c, struct file *f, const struct statement *st,
                         struct row_sink *sink)
{
    struct conn *conn = NULL;
    int64_t unused;
    TRY(take_reader(c, f, &conn));
    enum err e = E_OK;
    if (!conn) {
        conn = mem_new(sizeof(*conn));
        e = conn_open(c, conn, f->path, false);
        if (e != E_OK) {
            free(conn);
            conn = NULL;
        }
    }
    if (e == E_OK) {
        conn_use(conn, c, true);
        e = run_on(c, conn, st, sink, &unused);
        conn->user = NULL;
    }
    give_reader(f, conn);
    return e;
}

static enum err run_write(struct ctx *c, struct file *f, const struct statement *st,
                          struct row_sink *sink, int64_t *out_changed)
{
    /* An interrupted write undoes the whole open transaction, so it must be ours alone. */
    conn_use(&f->writer, c, !f->saved);
    enum err e = run_on(c, &f->writer, st, sink, out_changed);
    return e == E_OK ? E_OK : fail_lost(c, f, e);
}

struct single {
    struct file *file;
    const struct statement *st;
    struct row_sink *sink;
    int64_t *out_changed;
};

static enum err write_single(struct ctx *c, void *arg)
{
    struct single *one = arg;
    return run_write(c, one->file, one->st, one->sink, one->out_changed);
}

static enum err sq_run(struct ctx *c, struct store *s, const struct statement *st,
                       struct row_sink *sink, int64_t *out_changed)
{
    struct file *f = s->state;
    if (s->depth > 0) {
        return run_write(c, f, st, sink, out_changed);
    }
    if (dialect_is_read(st->sql)) {
        return run_read(c, f, st, sink);
    }
    struct single one = {f, st, sink, out_changed};
    TRY(sq_transact(c, s, write_single, &one));
    s->stores->transactions++;
    return E_OK;
}

static enum err sq_script(struct ctx *c, struct store *s, const char *sql)
{
    struct file *f = s->state;
    conn_use(&f->writer, c, false);
    int rc = sqlite3_exec(f->writer.db, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK ? E_OK : fail_lost(c, f, fail_at(c, f->writer.db, rc, sql));
}

/* ---- orgs */

static enum err sq_create(struct ctx *c, struct stores *s, const struct id *org)
{
    TRY(place_make(c, state_of(s)->place, org));
    struct store handle = store_handle(c, s, org);
    TRY(sq_attach(c, &handle));
    sq_detach(&handle);
    return E_OK;
}

/* Waits until no task uses the file any more and takes it out of the table. */
static enum err retire(struct ctx *c, struct stores *s, const struct id *org)
{
    struct state *state = state_of(s);
    int64_t give_up = clock_steady_ms() + ctx_left_ms(c, STORE_WAIT_MAX_MS);
    struct timespec at = {.tv_sec = give_up / 1000, .tv_nsec = give_up % 1000 * 1000000};
    pthread_mutex_lock(&state->lock);
    struct file *f = map_get(state->files, id_str(org));
    if (f) {
        f->erased = true;
    }
    while (f && f->refs > 0) {
        if (pthread_cond_timedwait(&state->unused_cond, &state->lock, &at) == ETIMEDOUT) {
            f->erased = false;
            pthread_mutex_unlock(&state->lock);
            return ctx_fail(c, E_TIMEOUT, "the organisation's data is still in use");
        }
    }
    if (f) {
        map_remove(state->files, id_str(org));
    }
    pthread_mutex_unlock(&state->lock);
    if (f) {
        file_free(f);
    }
    return E_OK;
}

static enum err sq_erase(struct ctx *c, struct stores *s, const struct id *org)
{
    TRY(retire(c, s, org));
    return place_remove(c, state_of(s)->place, org);
}

static bool sq_exists(struct ctx *c, struct stores *s, const struct id *org)
{
    (void)c;
    return place_has(state_of(s)->place, org);
}

static enum err sq_list(struct ctx *c, struct stores *s, const struct id **out_orgs, int *out_count)
{
    return place_list(c, state_of(s)->place, out_orgs, out_count);
}

/* All pages at once: one read transaction, which in WAL keeps nobody from writing. The copy is a
 * file of its own, without a WAL beside it. */
static int copy_pages(sqlite3 *from, sqlite3 *to)
{
    sqlite3_backup *backup = sqlite3_backup_init(to, "main", from, "main");
    if (!backup) {
        return sqlite3_errcode(to);
    }
    int rc = sqlite3_backup_step(backup, -1);
    int after = sqlite3_backup_finish(backup);
    rc = rc == SQLITE_DONE ? SQLITE_OK : rc == SQLITE_OK ? after : rc;
    return rc == SQLITE_OK ? sqlite3_exec(to, "PRAGMA journal_mode = DELETE", NULL, NULL, NULL)
                           : rc;
}

static int read_verdict(void *arg, int columns, char **values, char **names)
{
    (void)names;
    *(bool *)arg = columns == 1 && values[0] && strcmp(values[0], "ok") == 0;
    return 0;
}

static enum err copy_checked(struct ctx *c, sqlite3 *from, const char *path)
{
    sqlite3 *to = NULL;
    bool sound = false;
    int rc = sqlite3_open_v2(path, &to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    errno = 0;
    rc = rc == SQLITE_OK ? copy_pages(from, to) : rc;
    if (rc == SQLITE_OK) {
        rc = sqlite3_exec(to, "PRAGMA quick_check(1)", read_verdict, &sound, NULL);
    }
    enum err e = rc == SQLITE_OK ? E_OK : fail_at(c, to, rc, "copying");
    if (e == E_OK && !sound) {
        e = ctx_fail(c, E_INTERNAL, "the database file %s is damaged", file_name(from));
    }
    sqlite3_close(to);
    return e;
}

enum err sqlite_copy(struct ctx *c, const char *from, const char *to)
{
    struct conn source;
    TRY(conn_open(c, &source, from, false));
    enum err e = place_make_file(c, to, true);
    if (e == E_OK) {
        conn_use(&source, c, true);
        e = copy_checked(c, source.db, to);
        if (e != E_OK) {
            place_remove_file(to);
        }
    }
    conn_close(&source);
    return e;
}

/* The last connection to a file takes its WAL along when it closes, so a rename is all there is. */
static enum err sq_replace(struct ctx *c, struct stores *s, const struct id *org, const char *path)
{
    char *beside = place_beside(state_of(s)->place, org);
    if (!beside) {
        return ctx_fail(c, E_INVALID, "not an organisation's id");
    }
    place_remove_file(beside); /* of an attempt that was cut off */
    enum err e = sqlite_copy(c, path, beside);
    e = e == E_OK ? retire(c, s, org) : e;
    e = e == E_OK ? place_swap(c, state_of(s)->place, org) : e;
    free(beside);
    return e;
}

/* ---- other processes */

static void sq_signal(struct stores *s, const struct id *org)
{
    (void)s; /* they look at the files */
    (void)org;
}

static void sq_news(struct stores *s, void (*fn)(void *arg, const struct id *org), void *arg)
{
    place_news(state_of(s)->place, fn, arg);
}

static void sq_count(struct stores *s, struct store_counts *counts)
{
    struct state *state = state_of(s);
    size_t cursor = 0;
    void *value;
    struct str key;
    pthread_mutex_lock(&state->lock);
    while (map_next(state->files, &cursor, &key, &value)) {
        struct file *f = value;
        counts->open_orgs++;
        counts->connections += 1 + f->readers;
    }
    pthread_mutex_unlock(&state->lock);
}

/* ---- the pool */

static void sq_close(struct stores *s)
{
    struct state *state = state_of(s);
    size_t cursor = 0;
    void *value;
    struct str key;
    while (map_next(state->files, &cursor, &key, &value)) {
        file_free(value);
    }
    map_free(&state->files);
    place_close(&state->place);
    pthread_mutex_destroy(&state->lock);
    pthread_cond_destroy(&state->unused_cond);
    free(state);
}

static enum err sq_open(struct ctx *c, struct stores *s)
{
    struct place *place;
    TRY(place_open(c, s->config.folder, &place));
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); /* no lock around every allocation */
    struct state *state = mem_new(sizeof(*state));
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&state->unused_cond, &attr);
    pthread_condattr_destroy(&attr);
    pthread_mutex_init(&state->lock, NULL);
    state->files = map_new(PLACE_ORGS_MAX);
    state->place = place;
    s->state = state;
    struct id system = id_system();
    enum err e = sq_create(c, s, &system);
    if (e != E_OK) {
        sq_close(s);
    }
    return e;
}

const struct driver sqlite_driver = {
    .open = sq_open,
    .close = sq_close,
    .create = sq_create,
    .erase = sq_erase,
    .exists = sq_exists,
    .list = sq_list,
    .attach = sq_attach,
    .detach = sq_detach,
    .version = sq_version,
    .run = sq_run,
    .begin = sq_begin,
    .commit = sq_commit,
    .rollback = sq_rollback,
    .transact = sq_transact,
    .script = sq_script,
    .replace = sq_replace,
    .signal = sq_signal,
    .news = sq_news,
    .count = sq_count,
};
