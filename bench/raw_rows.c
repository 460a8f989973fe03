#include "raw_rows.h"

#include <ftw.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "talk.h"

enum { PATH_BYTES = 512, SQL_BYTES = 1024 };

static char largest[PATH_BYTES];
static off_t largest_bytes;

static int look(const char *path, const struct stat *st, int kind, struct FTW *where)
{
    (void)where;
    size_t n = strlen(path);
    if (kind == FTW_F && n > 3 && n < PATH_BYTES && strcmp(path + n - 3, ".db") == 0 &&
        st->st_size > largest_bytes) {
        snprintf(largest, sizeof(largest), "%s", path);
        largest_bytes = st->st_size;
    }
    return 0;
}

static void run(sqlite3 *db, const char *sql)
{
    char *why = NULL;
    if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK) {
        fprintf(stderr, "raw rows: %s: %s\n", why, sql);
        exit(1);
    }
}

/* The tables and their indexes, without what is in them. */
static void copy_schema(sqlite3 *db, const char *const *tables)
{
    sqlite3_stmt *rows;
    for (; *tables; tables++) {
        sqlite3_prepare_v2(db,
                           "SELECT sql FROM old.sqlite_master WHERE tbl_name = ?1 AND sql IS NOT "
                           "NULL ORDER BY type DESC",
                           -1, &rows, NULL);
        sqlite3_bind_text(rows, 1, *tables, -1, SQLITE_STATIC);
        while (sqlite3_step(rows) == SQLITE_ROW) {
            run(db, (const char *)sqlite3_column_text(rows, 0));
        }
        sqlite3_finalize(rows);
    }
}

/* Their rows under numbers in the order they were written in, which a table by key has none of. */
static void number_rows(sqlite3 *db, const char *const *tables)
{
    for (; *tables; tables++) {
        char sql[SQL_BYTES];
        bool by_key = strcmp(*tables, "message") == 0;
        snprintf(sql, sizeof(sql), "CREATE TEMP TABLE all_%s AS SELECT * FROM old.%s ORDER BY %s",
                 *tables, *tables, by_key ? "created_at, conversation_id, seq" : "rowid");
        run(db, sql);
    }
}

static sqlite3 *open_beside(const char *folder, const char *const *tables)
{
    char path[PATH_BYTES], sql[PATH_BYTES + 64];
    sqlite3 *db;
    nftw(folder, look, 16, FTW_PHYS);
    snprintf(path, sizeof(path), "%s/raw.db", folder);
    if (!largest[0] || sqlite3_open(path, &db) != SQLITE_OK) {
        fprintf(stderr, "raw rows: no database below %s\n", folder);
        exit(1);
    }
    run(db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = OFF;");
    snprintf(sql, sizeof(sql), "ATTACH '%s' AS old", largest);
    run(db, sql);
    copy_schema(db, tables);
    number_rows(db, tables);
    return db;
}

double raw_rows_seconds(const char *folder, const char *const *tables, int groups,
                        double *out_commit_us)
{
    sqlite3 *db = open_beside(folder, tables);
    double *commits = calloc((size_t)groups, sizeof(*commits)), began = talk_now_us();
    for (int g = 0; g < groups; g++) {
        run(db, "BEGIN IMMEDIATE");
        for (const char *const *t = tables; *t; t++) {
            char sql[SQL_BYTES]; /* rows in the order they were written in */
            snprintf(sql, sizeof(sql),
                     "INSERT INTO main.%s SELECT o.* FROM all_%s o, (SELECT min(rowid) low,"
                     " max(rowid) + 1 - min(rowid) n FROM all_%s) r"
                     " WHERE o.rowid >= r.low + r.n * %d / %d AND o.rowid < r.low + r.n * %d / %d",
                     *t, *t, *t, g, groups, g + 1, groups);
            run(db, sql);
        }
        double commit = talk_now_us();
        run(db, "COMMIT");
        commits[g] = talk_now_us() - commit;
    }
    double seconds = (talk_now_us() - began) / 1e6;
    *out_commit_us = talk_quantile(commits, groups, .5);
    free(commits);
    sqlite3_close(db);
    return seconds;
}
