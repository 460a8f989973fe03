#include "store/sqlite.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "store/driver.h"
#include "store/place.h"
#include "store/sqlite_log.h"

enum { STEPS_BETWEEN_LOOKS = 4000 };

static const char settings_sql[] =
    "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;"
    "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0;"
    "PRAGMA case_sensitive_like = ON; PRAGMA cache_size = -2048; PRAGMA wal_autocheckpoint = 4000;"
    "PRAGMA journal_size_limit = 16777216;";
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
        return ctx_fail(c, e, "the disk is full: nothing was written");
    }
    if (e == E_TIMEOUT) {
        return ctx_fail(c, e, "the store was busy for too long");
    }
    if (e == E_CONFLICT || e == E_INVALID || e == E_TOO_LARGE) {
        return ctx_fail(c, e, "%s", sqlite3_errmsg(db));
    }
    return ctx_fail(c, e, "%s: %s (%.120s)", file_name(db), sqlite3_errmsg(db), sql);
}

enum err sqlite_fail(struct ctx *c, struct sqlite *q, int code, const char *sql)
{
    return fail_at(c, q->db, code, sql);
}

enum err sqlite_why(struct sqlite *q, int code, size_t size, char *out_text)
{
    enum err e = err_of(q->db, code);
    if (e == E_FULL) {
        snprintf(out_text, size, "the disk is full: nothing was written");
    } else {
        snprintf(out_text, size, "%s: %s", file_name(q->db), sqlite3_errmsg(q->db));
    }
    return e;
}

/* ---- connections */

void sqlite_configure(void)
{
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); /* no lock around every allocation */
    /* The pages as they were before a savepoint or a statement stay in memory, taken a KiB at a
     * time. A bound here would be taken at once, whichever thread has the turn, and SQLite (3.40)
     * fails to move more than 128 KiB to a file: it takes what is left to write modulo that, comes
     * to 0 and says that the disk is full. */
    sqlite3_config(SQLITE_CONFIG_STMTJRNL_SPILL, -1);
}

static int64_t left_until(int64_t steady_ms)
{
    return steady_ms - clock_steady_ms();
}

static int on_progress(void *arg)
{
    struct sqlite *q = arg;
    if (!q->may_interrupt || !q->user) {
        return 0;
    }
    const struct ctx *c = q->user;
    return ctx_is_cancelled(c) ||
           (c->deadline_steady_ms && clock_steady_ms() >= c->deadline_steady_ms);
}

/* Only another process can keep a file locked; ours take turns. */
static int on_busy(void *arg, int count)
{
    struct sqlite *q = arg;
    const struct ctx *c = q->user;
    if (left_until(q->give_up_ms) <= 0 || (c && ctx_is_cancelled(c))) {
        return 0;
    }
    struct timespec pause = {.tv_nsec = (count < 9 ? count + 1 : 10) * 1000000L};
    nanosleep(&pause, NULL);
    return 1;
}

void sqlite_use(struct sqlite *q, struct ctx *c, bool may_interrupt)
{
    q->user = c;
    q->give_up_ms = clock_steady_ms() + (c ? ctx_left_ms(c, STORE_WAIT_MAX_MS) : 1000);
    q->may_interrupt = may_interrupt;
}

static void drop_statement(void *owner, void *made)
{
    (void)owner;
    sqlite3_finalize(made);
}

void sqlite_close(struct sqlite *q)
{
    if (q->db) {
        prepared_free(&q->cache);
        sqlite3_close(q->db);
        q->db = NULL;
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

enum err sqlite_open(struct ctx *c, struct sqlite *q, const char *path, bool write)
{
    int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE |
                (write ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY);
    *q = (struct sqlite){0};
    int rc = sqlite3_open_v2(path, &q->db, flags, write ? sqlite_log_vfs() : NULL);
    if (rc == SQLITE_OK) {
        harden(q->db);
        sqlite3_extended_result_codes(q->db, 1);
        sqlite3_busy_handler(q->db, on_busy, q);
        sqlite3_progress_handler(q->db, STEPS_BETWEEN_LOOKS, on_progress, q);
        sqlite_use(q, c, false);
        rc = sqlite3_exec(q->db, write ? settings_sql : read_settings_sql, NULL, NULL, NULL);
    }
    if (rc != SQLITE_OK) {
        enum err e = fail_at(c, q->db, rc, "opening");
        sqlite3_close(q->db);
        q->db = NULL;
        return e;
    }
    q->cache = prepared_new(drop_statement, NULL);
    q->user = NULL;
    return E_OK;
}

static int prepare(struct sqlite *q, const char *sql, sqlite3_stmt **out_stmt)
{
    sqlite3_stmt *stmt = prepared_find(q->cache, sql);
    if (!stmt) {
        int rc = sqlite3_prepare_v3(q->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL);
        if (rc != SQLITE_OK) {
            return rc;
        }
        prepared_keep(q->cache, sql, stmt);
    }
    *out_stmt = stmt;
    return SQLITE_OK;
}

int sqlite_plain(struct sqlite *q, const char *sql)
{
    sqlite3_stmt *stmt;
    int rc = prepare(q, sql, &stmt);
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

enum err sqlite_run(struct ctx *c, struct sqlite *q, const struct statement *st,
                    struct row_sink *sink, int64_t *out_changed)
{
    sqlite3_stmt *stmt;
    int rc = prepare(q, st->sql, &stmt);
    if (rc != SQLITE_OK) {
        return fail_at(c, q->db, rc, st->sql);
    }
    if (sqlite3_bind_parameter_count(stmt) != st->count) {
        return ctx_fail(c, E_INTERNAL, "%d parameters given, %d in: %.200s", st->count,
                        sqlite3_bind_parameter_count(stmt), st->sql);
    }
    for (int i = 0; i < st->count && rc == SQLITE_OK; i++) {
        rc = bind_value(stmt, i + 1, &st->params[i]);
    }
    rc = rc == SQLITE_OK ? step_all(stmt, sink) : rc;
    enum err e = rc == SQLITE_DONE ? E_OK : fail_at(c, q->db, rc, st->sql);
    if (e == E_OK && !sqlite3_stmt_readonly(stmt)) {
        *out_changed = sqlite3_changes64(q->db);
    }
    sqlite3_reset(stmt);
    sqlite3_clear_bindings(stmt);
    return e;
}

int sqlite_script(struct sqlite *q, const char *sql)
{
    return sqlite3_exec(q->db, sql, NULL, NULL, NULL);
}

bool sqlite_in_transaction(const struct sqlite *q)
{
    return !sqlite3_get_autocommit(q->db);
}

/* ---- copies */

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
    struct sqlite source;
    TRY(sqlite_open(c, &source, from, false));
    enum err e = place_make_file(c, to, true);
    if (e == E_OK) {
        sqlite_use(&source, c, true);
        e = copy_checked(c, source.db, to);
        if (e != E_OK) {
            place_remove_file(to);
        }
    }
    sqlite_close(&source);
    return e;
}
