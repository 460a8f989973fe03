/* The log of an SQLite file on a disk that is full for a moment, in the middle of a transaction
 * whose first pages are in the log already. What SQLite believes to be there must be there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <dlfcn.h>
#include <errno.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "store/sqlite_log.h"

static _Atomic bool no_room;

ssize_t pwrite64(int fd, const void *bytes, size_t n, off64_t at)
{
    static ssize_t (*real)(int, const void *, size_t, off64_t);
    if (!real) {
        real =
            (ssize_t(*)(int, const void *, size_t, off64_t))(uintptr_t)dlsym(RTLD_NEXT, "pwrite64");
    }
    if (no_room) {
        errno = ENOSPC;
        return -1;
    }
    return real(fd, bytes, n, at);
}

static int run(sqlite3 *db, const char *sql)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL);
}

static int keep_first(void *arg, int count, char **values, char **names)
{
    (void)names;
    snprintf(arg, 64, "%s", count && values[0] ? values[0] : "");
    return 0;
}

/* The first cell of the first row. */
static const char *ask(sqlite3 *db, const char *sql, char *out)
{
    out[0] = 0;
    sqlite3_exec(db, sql, keep_first, out, NULL);
    return out;
}

static sqlite3 *opened(const char *path, const char *vfs)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, vfs),
                     SQLITE_OK);
    assert_int_equal(run(db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                             "PRAGMA mmap_size=0; PRAGMA cache_size=-2048"),
                     SQLITE_OK);
    return db;
}

/* As members of a group do: one has written more than fits in memory, the next fails and is undone
 * alone, and the first commits. */
static void fail_in_the_middle(sqlite3 *db, int pages)
{
    char sql[300];
    assert_int_equal(run(db, "BEGIN IMMEDIATE"), SQLITE_OK);
    snprintf(sql, sizeof(sql),
             "WITH RECURSIVE k(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM k WHERE i < %d)"
             " INSERT INTO big (b) SELECT randomblob(3900) FROM k",
             pages);
    assert_int_equal(run(db, sql), SQLITE_OK);
    assert_int_equal(run(db, "SAVEPOINT part"), SQLITE_OK);
    no_room = true;
    assert_int_not_equal(
        run(db, "INSERT INTO named (v, pad) SELECT 'B' || id, b FROM big WHERE id < 30"),
        SQLITE_OK);
    no_room = false;
    if (!sqlite3_get_autocommit(db)) {
        run(db, "ROLLBACK TO part; RELEASE part; COMMIT");
    }
    assert_int_equal(run(db, "INSERT INTO named (v) VALUES ('after')"), SQLITE_OK);
}

static void test_full_for_a_moment(void **state)
{
    (void)state;
    for (int pages = 480; pages < 560; pages += 10) {
        char folder[] = "/tmp/rapport-log-XXXXXX", path[64], seen[64];
        assert_non_null(mkdtemp(folder));
        snprintf(path, sizeof(path), "%s/x.db", folder);
        sqlite3 *db = opened(path, sqlite_log_vfs());
        assert_int_equal(run(db, "CREATE TABLE big (id INTEGER PRIMARY KEY, b BLOB);"
                                 "CREATE TABLE named (id INTEGER PRIMARY KEY, v TEXT UNIQUE,"
                                 " pad BLOB)"),
                         SQLITE_OK);
        fail_in_the_middle(db, pages);
        assert_string_equal(ask(db, "PRAGMA integrity_check(1)", seen), "ok");
        sqlite3 *other = opened(path, NULL); /* one that sees what is in the files alone */
        assert_string_equal(ask(other, "PRAGMA integrity_check(1)", seen), "ok");
        assert_string_equal(ask(other, "SELECT count(*) FROM named WHERE v = 'after'", seen), "1");
        sqlite3_close(other);
        sqlite3_close(db);
        snprintf(seen, sizeof(seen), "rm -rf %s", folder);
        assert_int_equal(system(seen), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_full_for_a_moment)};
    sqlite3_config(SQLITE_CONFIG_STMTJRNL_SPILL, -1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
