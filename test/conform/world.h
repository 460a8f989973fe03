/* A small installation for conformance tests: a clock, a log, an empty store of either kind in a
 * place of its own. PostgreSQL is used when RAPPORT_TEST_POSTGRES names a private cluster's
 * superuser. */
#ifndef CONFORM_WORLD_H
#define CONFORM_WORLD_H

#include <ftw.h>
#include <libpq-fe.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/ctx.h"
#include "base/log.h"
#include "base/metric.h"
#include "store/store.h"

enum { WORLD_ARENA_BYTES = 256 << 20 };

struct world {
    enum store_kind kind;
    struct facilities at;
    char folder[128];
    char url[512]; /* PostgreSQL */
    char database[64];
    struct id org_a, org_b;
    struct ctx *c; /* of org_a */
};

static inline int world_remove_entry(const char *path, const struct stat *st, int flag,
                                     struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

static inline const char *world_postgres(void)
{
    const char *url = getenv("RAPPORT_TEST_POSTGRES");
    return url && url[0] ? url : NULL;
}

/* Runs SQL as the cluster's superuser, outside Rapport. */
static inline void world_admin(const char *url, const char *sql)
{
    PGconn *conn = PQconnectdb(url);
    PGresult *result = PQexec(conn, sql);
    if (PQresultStatus(result) != PGRES_COMMAND_OK && PQresultStatus(result) != PGRES_TUPLES_OK) {
        print_error("%s: %s", sql, PQerrorMessage(conn));
        fail();
    }
    PQclear(result);
    PQfinish(conn);
}

static inline void world_url_of(const char *base, const char *database, char *out_url, size_t size)
{
    /* postgresql:///postgres?host=... : the database is the path, parameters follow */
    const char *query = strchr(base, '?');
    size_t head = query ? (size_t)(query - base) : strlen(base);
    while (head > 0 && base[head - 1] != '/') {
        head--;
    }
    snprintf(out_url, size, "%.*s%s%s", (int)head, base, database, query ? query : "");
}

static inline struct store_config world_config(const struct world *w)
{
    return (struct store_config){.kind = w->kind, .folder = w->folder, .url = w->url};
}

/* A task of the org. */
static inline struct ctx *world_ctx(const struct world *w, const struct id *org)
{
    struct ctx *c = ctx_new(&w->at, WORLD_ARENA_BYTES);
    c->org = *org;
    c->actor_kind = ACTOR_SYSTEM;
    return c;
}

static inline void world_open_stores(struct world *w, const struct migration *migrations)
{
    struct store_config config = world_config(w);
    struct ctx *c = ctx_new(&w->at, WORLD_ARENA_BYTES);
    if (stores_open(c, &config, migrations, &w->at.stores) != E_OK) {
        print_error("stores_open: %s\n", c->fault.text);
        fail();
    }
    ctx_free(&c);
}

static inline void world_open(struct world *w, enum store_kind kind,
                              const struct migration *migrations)
{
    *w = (struct world){.kind = kind};
    w->at.clock = clock_new();
    w->at.metrics = metrics_new();
    w->at.log = log_new(2, LOG_ERROR);
    snprintf(w->folder, sizeof(w->folder), "%s/rapport-test-XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    assert_non_null(mkdtemp(w->folder));
    if (kind == STORE_POSTGRES) {
        char sql[128];
        struct id unique = id_new(1);
        snprintf(w->database, sizeof(w->database), "t_%.8s%.4s", unique.text + 24,
                 unique.text + 32);
        snprintf(sql, sizeof(sql), "CREATE DATABASE %s", w->database);
        world_admin(world_postgres(), sql);
        world_url_of(world_postgres(), w->database, w->url, sizeof(w->url));
    }
    world_open_stores(w, migrations);
    w->org_a = id_new(1000);
    w->org_b = id_new(2000);
    struct ctx *c = world_ctx(w, &w->org_a);
    assert_int_equal(stores_create(c, &w->org_a), E_OK);
    assert_int_equal(stores_create(c, &w->org_b), E_OK);
    ctx_free(&c);
    w->c = world_ctx(w, &w->org_a);
}

static inline void world_close(struct world *w)
{
    ctx_free(&w->c);
    stores_close(&w->at.stores);
    log_free(&w->at.log);
    metrics_free(&w->at.metrics);
    clock_free(&w->at.clock);
    nftw(w->folder, world_remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    if (w->kind == STORE_POSTGRES) {
        char sql[128];
        snprintf(sql, sizeof(sql), "DROP DATABASE IF EXISTS %s WITH (FORCE)", w->database);
        world_admin(world_postgres(), sql);
    }
}

#define assert_ok(call)                                                                            \
    do {                                                                                           \
        enum err world_err_ = (call);                                                              \
        if (world_err_ != E_OK) {                                                                  \
            print_error("%s gave %s\n", #call, err_name(world_err_));                              \
        }                                                                                          \
        assert_int_equal(world_err_, E_OK);                                                        \
    } while (0)

#endif
