/* Erasing an org over both databases: nothing of it is left, its neighbour has everything, and an
 * attempt that was cut off anywhere goes on, also in the next process. */
#include "world.h"

#include "agent/record.h"
#include "base/mishap.h"
#include "bus/bus.h"
#include "find/search.h"
#include "host/access.h"
#include "host/erasure.h"
#include "host/org.h"
#include "store/blob.h"
#include "store/cache.h"
#include "store/vault.h"
#include "support/shop.h"

enum { CALLS_MAX = 400, HOUR_MS = 3600 * 1000 };

extern const struct service identity_service;
static const struct service *const services[] = {&identity_service, NULL};

struct erasing {
    struct shop shop; /* the operator's */
    struct mishap mishap;
    int64_t calls, fails_at; /* 0: none */
    bool dead;               /* and all after it */
    char database[64], url[512];
};

static bool strikes(void *arg, enum mishap_place place)
{
    struct erasing *w = arg;
    (void)place;
    int64_t n = ++w->calls;
    return w->fails_at && (n == w->fails_at || (w->dead && n > w->fails_at));
}

static void begin(struct erasing *w, enum store_kind kind)
{
    w->mishap = (struct mishap){.strikes = strikes, .arg = w};
    struct shop_setup setup = {services, "operator", &w->mishap, NULL};
    if (kind == STORE_POSTGRES) {
        char sql[128];
        struct id unique = id_new(1);
        snprintf(w->database, sizeof(w->database), "e_%.8s%.4s", unique.text + 24,
                 unique.text + 32);
        snprintf(sql, sizeof(sql), "CREATE DATABASE %s", w->database);
        world_admin(world_postgres(), sql);
        world_url_of(world_postgres(), w->database, w->url, sizeof(w->url));
        setup.postgres_url = w->url;
    }
    shop_open(&w->shop, &setup);
}

static int end(void **state)
{
    struct erasing *w = *state;
    shop_close(&w->shop);
    if (w->database[0]) {
        char sql[128];
        snprintf(sql, sizeof(sql), "DROP DATABASE IF EXISTS %s WITH (FORCE)", w->database);
        world_admin(world_postgres(), sql);
    }
    free(w);
    return 0;
}

static int on_sqlite(void **state)
{
    *state = calloc(1, sizeof(struct erasing));
    begin(*state, STORE_SQLITE);
    return 0;
}

static int on_postgres(void **state)
{
    *state = calloc(1, sizeof(struct erasing));
    if (world_postgres()) {
        begin(*state, STORE_POSTGRES);
        return 0;
    }
    free(*state);
    *state = NULL;
    return 0;
}

/* ---- what an org has ----------------------------------------------------- */

/* A task of the org, with a store of its own. */
static struct ctx *task_of(struct erasing *w, const struct id *org)
{
    struct ctx *c = ctx_new(&w->shop.installation.life->at, WORLD_ARENA_BYTES);
    c->org = *org;
    c->actor_kind = ACTOR_SYSTEM;
    return c;
}

static void system_row(struct erasing *w, const struct id *org)
{
    struct store *s;
    struct id system = id_system();
    struct ctx *c = task_of(w, &system);
    struct str email = str_fmt(c->arena, "boss@%s", org->text);
    assert_ok(store_of(c, &s));
    assert_ok(store_exec(c, s, NULL, "INSERT INTO sign_in (email, member_org) VALUES (?1, ?2)",
                         S_STR(email), S_ID(org)));
    ctx_free(&c);
}

static struct id furnish(struct erasing *w, const char *slug)
{
    struct ctx *c = task_of(w, &w->shop.org);
    struct org org = {.slug = str_of(slug), .name = str_of(slug)};
    assert_ok(org_create(c, &org));
    ctx_free(&c);
    c = task_of(w, &org.id);
    struct api_key key = {.name = STR("sync"), .scopes = STR("*"), .roles = ROLE_ADMIN};
    struct search_source article = {.title = STR("Opening hours"),
                                    .bytes = STR("We are open from nine to five.")};
    struct search_query query = {.text = STR("opening hours")};
    struct search_result found;
    struct str secret;
    assert_ok(access_key_create(c, &key, &secret));
    assert_ok(search_import(c, &article, NULL, NULL));
    assert_ok(search_query(c, &query, &found));
    assert_int_equal(found.count, 1);
    assert_ok(blob_put(c, STR("documents/hours.txt"), article.bytes, NULL));
    assert_ok(cache_set(c, STR("kept"), STR("value"), 1000 * (int64_t)HOUR_MS));
    ctx_free(&c);
    system_row(w, &org.id);
    return org.id;
}

static int64_t count_in(struct erasing *w, const char *sql, const struct id *org)
{
    struct store *s;
    struct store_rows rows;
    struct id system = id_system();
    struct ctx *c = task_of(w, &system);
    assert_ok(store_of(c, &s));
    assert_ok(store_query(c, s, &rows, sql, S_ID(org)));
    int64_t n = row_int(&rows, 0, 0);
    ctx_free(&c);
    return n;
}

static int64_t directory_rows(struct erasing *w, const struct id *org)
{
    return count_in(w, "SELECT count(*) FROM org WHERE id = ?1", org) +
           count_in(w, "SELECT count(*) FROM api_key WHERE owner_org = ?1", org) +
           count_in(w, "SELECT count(*) FROM sign_in WHERE member_org = ?1", org);
}

/* Rows with the org's id in any table, seen by the superuser. */
static int64_t rows_of_database(struct erasing *w, const struct id *org)
{
    PGconn *conn = PQconnectdb(w->url);
    PGresult *tables = PQexec(conn, "SELECT table_name FROM information_schema.columns"
                                    " WHERE table_schema = 'public' AND column_name = 'org_id'");
    int64_t n = 0;
    assert_true(PQntuples(tables) > 20);
    for (int i = 0; i < PQntuples(tables); i++) {
        char sql[256];
        snprintf(sql, sizeof(sql), "SELECT count(*) FROM \"%s\" WHERE org_id = '%s'",
                 PQgetvalue(tables, i, 0), org->text);
        PGresult *r = PQexec(conn, sql);
        n += atoll(PQgetvalue(r, 0, 0));
        PQclear(r);
    }
    PQclear(tables);
    PQfinish(conn);
    return n;
}

/* Files and folders named after the org, blobs among them. */
static int64_t files_of(struct erasing *w, const struct id *org)
{
    char command[256], line[64] = "";
    snprintf(command, sizeof(command), "find '%s' -name '%s*' | wc -l", w->shop.installation.folder,
             org->text);
    FILE *p = popen(command, "r");
    assert_non_null(fgets(line, sizeof(line), p));
    pclose(p);
    return atoll(line);
}

static void assert_whole(struct erasing *w, const struct id *org)
{
    struct ctx *c = task_of(w, org);
    struct search_query query = {.text = STR("opening hours")};
    struct search_result found = {0};
    struct str bytes;
    assert_ok(search_query(c, &query, &found));
    assert_int_equal(found.count, 1);
    assert_ok(blob_get(c, STR("documents/hours.txt"), &bytes));
    assert_true(cache_get(c, STR("kept"), &bytes));
    ctx_free(&c);
    assert_int_equal(directory_rows(w, org), 3);
}

static void assert_gone(struct erasing *w, const struct id *org, const char *when)
{
    struct store *s;
    struct str bytes;
    struct ctx *c = task_of(w, org);
    int64_t left = directory_rows(w, org), files = files_of(w, org);
    int64_t rows = w->database[0] ? rows_of_database(w, org) : 0;
    if (left || files || rows) {
        fail_msg("%s: %d rows of the directory, %d files, %d rows are left", when, (int)left,
                 (int)files, (int)rows);
    }
    assert_false(stores_exists(c, org));
    assert_int_equal(store_of(c, &s), E_NOT_FOUND);
    assert_false(cache_get(c, STR("kept"), &bytes));
    ctx_free(&c);
}

/* ---- erasing ------------------------------------------------------------- */

static int ask(struct erasing *w, const char *method, const struct id *org, const char *body)
{
    char path[128];
    struct str token; /* it lives an hour */
    snprintf(path, sizeof(path), "/api/v1/orgs/%s", org->text);
    assert_ok(access_issue(w->shop.c, &w->shop.member, STR("Olive"), ROLE_OPERATOR, &token));
    struct shop_request r = {method, path, str_of(body), token, STR("")};
    return shop_send(&w->shop, &r).status;
}

static void order(struct erasing *w, const struct id *org, const char *slug)
{
    char body[128];
    snprintf(body, sizeof(body), "{\"slug\":\"%s\"}", slug);
    assert_int_equal(ask(w, "PATCH", org, "{\"status\":\"suspended\"}"), 200);
    assert_int_equal(ask(w, "DELETE", org, body), 202);
}

static void drain(struct erasing *w)
{
    struct ctx *c = task_of(w, &w->shop.org);
    bus_drain(c, c->at->bus); /* what failed is tried again */
    ctx_free(&c);
}

/* Long enough for every retry and for other processes' stragglers. */
static void later(struct erasing *w)
{
    w->fails_at = 0;
    for (int i = 0; i < 6; i++) {
        clock_advance_ms(w->shop.installation.clock, HOUR_MS);
        drain(w);
    }
}

static int64_t told(struct erasing *w, const char *action, const struct id *org)
{
    struct store *s;
    struct store_rows rows;
    struct ctx *c = task_of(w, &w->shop.org);
    assert_ok(store_of(c, &s));
    assert_ok(store_query(c, s, &rows,
                          "SELECT count(*) FROM audit_entry WHERE action = ?1 AND resource = ?2",
                          S_Z(action), S_ID(org)));
    int64_t n = row_int(&rows, 0, 0);
    ctx_free(&c);
    return n;
}

static void needs(void **state)
{
    if (!*state) {
        skip();
    }
}

static void nothing_is_left(void **state)
{
    needs(state);
    struct erasing *w = *state;
    struct id one = furnish(w, "one"), two = furnish(w, "two");
    assert_int_equal(ask(w, "DELETE", &one, "{\"slug\":\"one\"}"), 409); /* it is active */
    order(w, &one, "one");
    assert_int_equal(ask(w, "DELETE", &one, "{\"slug\":\"two\"}"), 400);
    drain(w);
    later(w);
    assert_gone(w, &one, "after all");
    assert_int_equal(told(w, "org_erased", &one), 1);
    assert_int_equal(ask(w, "GET", &one, ""), 404);
    assert_int_equal(ask(w, "DELETE", &one, "{\"slug\":\"one\"}"), 404);
    assert_whole(w, &two);
    struct id anew = furnish(w, "one"); /* the slug is free */
    assert_whole(w, &anew);
}

static void who_is_let_in_again_keeps_everything(void **state)
{
    needs(state);
    struct erasing *w = *state;
    struct id org = furnish(w, "back");
    order(w, &org, "back");
    assert_int_equal(ask(w, "PATCH", &org, "{\"status\":\"active\"}"), 200);
    drain(w);
    assert_whole(w, &org);
    assert_int_equal(told(w, "org_erasure_dropped", &org), 1);
    order(w, &org, "back");
    w->fails_at = 0;
    drain(w);
    /* with others on the database it is not over yet, and there is no way back */
    assert_int_equal(ask(w, "PATCH", &org, "{\"status\":\"active\"}"), w->database[0] ? 409 : 404);
}

/* Each call to the outside fails once. */
static void what_fails_is_done_later(void **state)
{
    needs(state);
    struct erasing *w = *state;
    struct id neighbour = furnish(w, "neighbour");
    bool struck = true;
    for (int64_t n = 1; struck && n < CALLS_MAX; n += w->database[0] ? 5 : 2) {
        char slug[32], when[64];
        snprintf(slug, sizeof(slug), "n%d", (int)n);
        snprintf(when, sizeof(when), "call %d failed", (int)n);
        struct id org = furnish(w, slug);
        order(w, &org, slug);
        w->calls = 0;
        w->fails_at = n;
        drain(w);
        struck = w->calls >= n;
        later(w);
        assert_gone(w, &org, when);
        assert_int_equal(told(w, "org_erased", &org), 1);
    }
    assert_false(struck);
    struct ctx *c = task_of(w, &neighbour);
    struct str bytes;
    assert_ok(blob_get(c, STR("documents/hours.txt"), &bytes));
    ctx_free(&c);
    assert_int_equal(directory_rows(w, &neighbour), 3);
}

/* From a call on, nothing comes through any more; then another process has the data. */
static void another_process_goes_on(void **state)
{
    needs(state);
    struct erasing *w = *state;
    static const int64_t calls[] = {8, 14, 20, 30};
    for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
        char slug[32], when[64];
        snprintf(slug, sizeof(slug), "d%d", (int)calls[i]);
        snprintf(when, sizeof(when), "died at call %d", (int)calls[i]);
        struct id org = furnish(w, slug);
        order(w, &org, slug);
        w->calls = 0;
        w->dead = true;
        w->fails_at = calls[i];
        drain(w);
        struct installation before = w->shop.installation, next;
        struct installation_setup setup = {.services = services,
                                           .model = &before,
                                           .mishap = &w->mishap,
                                           .postgres_url = w->database[0] ? w->url : NULL};
        int64_t now = clock_now_ms(before.clock);
        ctx_free(&w->shop.c);
        installation_stop(&before);
        w->fails_at = 0;
        w->dead = false;
        assert_true(installation_open(&next, &setup));
        installation_close(&before);
        clock_set_ms(next.clock, now);
        w->shop.installation = next;
        w->shop.c = lifecycle_ctx(next.life);
        w->shop.c->org = w->shop.org;
        later(w);
        assert_gone(w, &org, when);
        assert_int_equal(told(w, "org_erased", &org), 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define BOTH(test)                                                                                 \
    {"sqlite: " #test, test, on_sqlite, end, NULL},                                                \
        {"postgres: " #test, test, on_postgres, end, NULL}
        BOTH(nothing_is_left),
        BOTH(who_is_let_in_again_keeps_everything),
        BOTH(what_fails_is_done_later),
        BOTH(another_process_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
