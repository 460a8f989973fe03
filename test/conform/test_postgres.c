/* What only the PostgreSQL driver promises: no row of another org can be reached by any SQL,
 * forced security on every table, a role that cannot get around it, and life after a lost
 * connection. Skipped unless RAPPORT_TEST_POSTGRES names a private cluster. */
#include "conform/world.h"

#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct migration steps[] = {
    {"test", 1, STORE_SCOPE_BOTH,
     "CREATE TABLE account (id TEXT NOT NULL, name TEXT NOT NULL, PRIMARY KEY (id));"
     "CREATE TABLE contact (id TEXT NOT NULL, account_id TEXT, PRIMARY KEY (id),"
     " FOREIGN KEY (account_id) REFERENCES account (id) ON DELETE CASCADE);"},
    {0}};

static int setup(void **state)
{
    if (!world_postgres()) {
        *state = NULL;
        return 0;
    }
    struct world *w = mem_new(sizeof(*w));
    world_open(w, STORE_POSTGRES, steps);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    if (*state) {
        world_close(*state);
        free(*state);
    }
    return 0;
}

#define NEEDS_POSTGRES(w)                                                                          \
    if (!(w)) {                                                                                    \
        skip();                                                                                    \
    }

static struct store *store_a(struct world *w)
{
    struct store *s;
    assert_ok(store_of(w->c, &s));
    return s;
}

static enum err add_account(struct ctx *c, struct store *s, const char *id)
{
    return store_exec(c, s, NULL, "INSERT INTO account (id, name) VALUES (?1, ?1)", S_Z(id));
}

static int64_t one_number(struct ctx *c, struct store *s, const char *sql)
{
    struct store_rows rows;
    assert_ok(store_query(c, s, &rows, sql));
    return row_int(&rows, 0, 0);
}

/* As the superuser, outside row-level security. */
static int admin_number(struct world *w, const char *sql)
{
    PGconn *conn = PQconnectdb(w->url);
    PGresult *r = PQexec(conn, sql);
    assert_int_equal(PQntuples(r), 1);
    int n = atoi(PQgetvalue(r, 0, 0));
    PQclear(r);
    PQfinish(conn);
    return n;
}

static void no_sql_reaches_another_org(void **state)
{
    struct world *w = *state;
    NEEDS_POSTGRES(w);
    struct ctx *other = world_ctx(w, &w->org_b);
    struct store *a = store_a(w), *b;
    int64_t changed;
    assert_ok(store_of(other, &b));
    assert_ok(add_account(w->c, a, "mine"));
    assert_ok(add_account(other, b, "theirs"));
    assert_int_equal(admin_number(w, "SELECT count(*) FROM account"), 2);

    /* plain, naming the key, around a view of the catalogue, and through a sub-query */
    assert_int_equal(one_number(w->c, a, "SELECT count(*) FROM account"), 1);
    assert_int_equal(one_number(w->c, a, "SELECT count(*) FROM account WHERE id = 'theirs'"), 0);
    assert_int_equal(
        one_number(w->c, a, "SELECT count(*) FROM account WHERE org_id IS NOT NULL OR 1 = 1"), 1);
    assert_int_equal(one_number(w->c, a,
                                "SELECT count(*) FROM (SELECT * FROM account UNION ALL"
                                " SELECT * FROM account) AS both_of"),
                     2);
    assert_ok(store_exec(w->c, a, &changed, "UPDATE account SET name = 'stolen'"));
    assert_int_equal(changed, 1);
    assert_ok(store_exec(w->c, a, &changed, "DELETE FROM account WHERE id = 'theirs'"));
    assert_int_equal(changed, 0);

    /* writing into another org, or moving a row there, is refused */
    char sql[300];
    snprintf(sql, sizeof(sql),
             "INSERT INTO account (org_id, id, name) VALUES ('%s', 'planted', 'x')", w->org_b.text);
    assert_int_equal(store_exec(w->c, a, NULL, sql), E_INTERNAL);
    snprintf(sql, sizeof(sql), "UPDATE account SET org_id = '%s'", w->org_b.text);
    assert_int_equal(store_exec(w->c, a, NULL, sql), E_INTERNAL);
    snprintf(sql, sizeof(sql),
             "INSERT INTO contact (org_id, id, account_id) VALUES ('%s', 'c', 'theirs')",
             w->org_b.text);
    assert_int_equal(store_exec(w->c, a, NULL, sql), E_INTERNAL);
    assert_int_equal(one_number(other, b, "SELECT count(*) FROM account WHERE name = 'theirs'"), 1);
    ctx_free(&other);
}

static void every_table_is_bound(void **state)
{
    struct world *w = *state;
    NEEDS_POSTGRES(w);
    static const char tables[] = "SELECT count(*) FROM pg_class WHERE relkind = 'r'"
                                 " AND relnamespace = 'public'::regnamespace";
    static const char bound[] =
        "SELECT count(*) FROM pg_class t WHERE t.relkind = 'r'"
        " AND t.relnamespace = 'public'::regnamespace AND t.relrowsecurity"
        " AND t.relforcerowsecurity AND EXISTS (SELECT 1 FROM pg_policy p WHERE p.polrelid = t.oid"
        " AND p.polqual IS NOT NULL AND p.polwithcheck IS NOT NULL)"
        " AND EXISTS (SELECT 1 FROM pg_attribute a WHERE a.attrelid = t.oid AND a.attname ="
        " 'org_id' AND a.attnotnull AND a.atthasdef)";
    assert_int_equal(admin_number(w, tables), 5); /* two of ours, three of the store */
    assert_int_equal(admin_number(w, bound), 5);
    /* every unique key begins with the org */
    assert_int_equal(admin_number(w, "SELECT count(*) FROM pg_index i JOIN pg_class t ON t.oid ="
                                     " i.indrelid JOIN pg_attribute a ON a.attrelid = t.oid"
                                     " AND a.attnum = i.indkey[0] WHERE t.relnamespace ="
                                     " 'public'::regnamespace AND a.attname <> 'org_id'"),
                     0);
}

static void the_role_cannot_get_around_it(void **state)
{
    struct world *w = *state;
    NEEDS_POSTGRES(w);
    struct store *a = store_a(w);
    struct store_rows rows;
    assert_ok(store_query(w->c, a, &rows,
                          "SELECT current_user, (SELECT rolbypassrls OR rolsuper FROM pg_roles"
                          " WHERE rolname = current_user)"));
    assert_true(str_eqz(row_str(&rows, 0, 0), "rapport_app"));
    assert_int_equal(row_int(&rows, 0, 1), 0);
    assert_int_equal(store_exec(w->c, a, NULL, "ALTER TABLE account DISABLE ROW LEVEL SECURITY"),
                     E_INTERNAL);
    assert_int_equal(store_exec(w->c, a, NULL, "DROP POLICY org_rows ON account"), E_INTERNAL);
    assert_int_equal(store_exec(w->c, a, NULL, "DROP TABLE account"), E_INTERNAL);
    assert_int_equal(store_exec(w->c, a, NULL, "CREATE TABLE mine (id TEXT)"), E_INTERNAL);
    assert_int_equal(store_exec(w->c, a, NULL, "TRUNCATE account"), E_INTERNAL);
}

/* The setting is the transaction's: a connection that served one org serves the next cleanly. */
static void a_connection_forgets_the_org(void **state)
{
    struct world *w = *state;
    NEEDS_POSTGRES(w);
    struct store_config config = world_config(w);
    config.connections_max = 1;
    ctx_free(&w->c);
    stores_close(&w->at.stores);
    w->c = world_ctx(w, &w->org_a);
    assert_ok(stores_open(w->c, &config, steps, &w->at.stores));
    struct ctx *other = world_ctx(w, &w->org_b);
    struct store *a = store_a(w), *b;
    assert_ok(store_of(other, &b));
    for (int i = 0; i < 4; i++) {
        char id[16];
        snprintf(id, sizeof(id), "%d", i);
        assert_ok(add_account(w->c, a, id));
        assert_int_equal(one_number(other, b, "SELECT count(*) FROM account"), i);
        assert_int_equal(one_number(w->c, a, "SELECT count(*) FROM account"), i + 1);
        assert_ok(store_begin(other, b));
        assert_ok(add_account(other, b, id));
        if (i == 3) {
            store_rollback(other, b);
        } else {
            assert_ok(store_commit(other, b));
        }
        assert_int_equal(add_account(w->c, a, id), E_CONFLICT); /* a failure undoes settings */
        assert_int_equal(one_number(other, b, "SELECT count(*) FROM account"), i < 3 ? i + 1 : 3);
    }
    /* the only connection is taken: whoever waits longer than it may is told */
    assert_ok(store_begin(w->c, a));
    ctx_limit(other, 50);
    assert_int_equal(add_account(other, b, "late"), E_TIMEOUT);
    store_rollback(w->c, a);
    ctx_free(&other);
}

static void cut_connections(struct world *w)
{
    char sql[300];
    snprintf(sql, sizeof(sql),
             "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
             " WHERE datname = '%s' AND application_name = 'rapport'",
             w->database);
    world_admin(world_postgres(), sql);
}

struct cutting {
    struct world *w;
    struct store *s;
    int calls;
};

static enum err add_and_be_cut(struct ctx *c, void *arg)
{
    struct cutting *k = arg;
    TRY(add_account(c, k->s, "once"));
    if (k->calls++ < 2) {
        cut_connections(k->w);
    }
    return add_account(c, k->s, "twice");
}

static void a_lost_connection_is_replaced(void **state)
{
    struct world *w = *state;
    NEEDS_POSTGRES(w);
    struct store *a = store_a(w);
    assert_ok(add_account(w->c, a, "before"));
    cut_connections(w);
    assert_int_equal(one_number(w->c, a, "SELECT count(*) FROM account"), 1); /* nobody notices */

    assert_ok(store_begin(w->c, a));
    assert_ok(add_account(w->c, a, "lost"));
    cut_connections(w);
    assert_int_equal(add_account(w->c, a, "lost too"), E_UNAVAILABLE);
    store_rollback(w->c, a);
    assert_int_equal(one_number(w->c, a, "SELECT count(*) FROM account"), 1);

    struct cutting k = {w, a, 0};
    assert_ok(store_transact(w->c, a, add_and_be_cut, &k)); /* run again until it holds */
    assert_int_equal(k.calls, 3);
    assert_int_equal(one_number(w->c, a, "SELECT count(*) FROM account"), 3);
}

/* Two transactions that read and then write do not lose one another's change: the org has one
 * write turn under PostgreSQL too. */
enum { THREADS = 8, ROUNDS = 15 };

static void *read_then_write(void *arg)
{
    struct world *w = arg;
    intptr_t failures = 0;
    for (int i = 0; i < ROUNDS; i++) {
        struct ctx *c = world_ctx(w, &w->org_a);
        struct store *s;
        struct store_rows rows;
        char next[16];
        failures += store_of(c, &s) != E_OK || store_begin(c, s) != E_OK ||
                    store_query(c, s, &rows, "SELECT name FROM account WHERE id = 'n'") != E_OK;
        snprintf(next, sizeof(next), "%d", (int)row_int(&rows, 0, 0) + 1);
        failures += store_exec(c, s, NULL, "UPDATE account SET name = ?1 WHERE id = 'n'",
                               S_Z(next)) != E_OK ||
                    store_commit(c, s) != E_OK;
        ctx_free(&c);
    }
    return (void *)failures;
}

static void transactions_of_an_org_take_turns(void **state)
{
    struct world *w = *state;
    NEEDS_POSTGRES(w);
    pthread_t threads[THREADS];
    assert_ok(
        store_exec(w->c, store_a(w), NULL, "INSERT INTO account (id, name) VALUES ('n', '0')"));
    for (int i = 0; i < THREADS; i++) {
        pthread_create(&threads[i], NULL, read_then_write, w);
    }
    for (int i = 0; i < THREADS; i++) {
        void *failures;
        pthread_join(threads[i], &failures);
        assert_null(failures);
    }
    struct store_rows rows;
    assert_ok(store_query(w->c, store_a(w), &rows, "SELECT name FROM account"));
    assert_int_equal(row_int(&rows, 0, 0), THREADS * ROUNDS);
}

static void a_server_that_is_not_there_is_named(void **state)
{
    struct world *w = *state;
    NEEDS_POSTGRES(w);
    struct stores *none = NULL;
    struct store_config config = {.kind = STORE_POSTGRES,
                                  .url = "postgresql:///x?host=/nowhere&connect_timeout=1"};
    assert_int_equal(stores_open(w->c, &config, steps, &none), E_UNAVAILABLE);
    assert_non_null(strstr(w->c->fault.text, "PostgreSQL"));
    config.url = "nonsense";
    assert_int_equal(stores_open(w->c, &config, steps, &none), E_UNAVAILABLE);
    config.url = NULL;
    assert_int_equal(stores_open(w->c, &config, steps, &none), E_INVALID);
    assert_null(none);
}

/* An owner as administrators make them: no superuser. */
static void a_plain_owner_is_enough(void **state)
{
    struct world *w = *state;
    NEEDS_POSTGRES(w);
    char owner[64], sql[256], url[600];
    struct id unique = id_new(1);
    snprintf(owner, sizeof(owner), "owner_%.8s", unique.text + 24);
    snprintf(sql, sizeof(sql), "CREATE ROLE %s LOGIN; GRANT rapport_app TO %s", owner, owner);
    world_admin(world_postgres(), sql);
    ctx_free(&w->c);
    stores_close(&w->at.stores);
    snprintf(sql, sizeof(sql), "DROP DATABASE %s WITH (FORCE)", w->database);
    world_admin(world_postgres(), sql);
    snprintf(sql, sizeof(sql), "CREATE DATABASE %s OWNER %s", w->database, owner);
    world_admin(world_postgres(), sql);
    snprintf(url, sizeof(url), "%s&user=%s", w->url, owner);
    struct store_config config = {.kind = STORE_POSTGRES, .url = url};
    w->c = world_ctx(w, &w->org_a);
    assert_ok(stores_open(w->c, &config, steps, &w->at.stores));
    assert_ok(stores_create(w->c, &w->org_a));
    assert_ok(add_account(w->c, store_a(w), "one"));
    assert_int_equal(one_number(w->c, store_a(w), "SELECT count(*) FROM account"), 1);
    assert_ok(stores_erase(w->c, &w->org_a));
    assert_int_equal(admin_number(w, "SELECT count(*) FROM account"), 0);
    ctx_free(&w->c);
    stores_close(&w->at.stores);
    w->c = world_ctx(w, &w->org_a);
    assert_ok(stores_open(w->c, &config, steps, &w->at.stores)); /* again, nothing to do */
}

static void heard_org(void *arg, const struct id *org)
{
    struct world *w = arg;
    if (id_eq(org, &w->org_a)) {
        w->folder[0]++;
    }
}

static void other_processes_are_heard(void **state)
{
    struct world *w = *state;
    NEEDS_POSTGRES(w);
    struct world second = *w;
    world_open_stores(&second, steps);
    char first_letter = w->folder[0];
    stores_news(w->at.stores, heard_org, w);
    stores_signal(w->at.stores, &w->org_a); /* one's own signal is no news */
    stores_signal(second.at.stores, &w->org_a);
    struct timespec pause = {.tv_nsec = 10 * 1000000};
    for (int i = 0; i < 300 && w->folder[0] == first_letter; i++) {
        nanosleep(&pause, NULL);
        stores_news(w->at.stores, heard_org, w);
    }
    assert_int_equal(w->folder[0] - first_letter, 1);
    w->folder[0] = first_letter;
    stores_close(&second.at.stores);
}

/* Its session is alive, so nobody but the database can end the transaction. */
static void a_process_that_stands_still_holds_nobody_up(void **state)
{
    struct world *w = *state;
    NEEDS_POSTGRES(w);
    int line[2];
    assert_int_equal(pipe(line), 0);
    ctx_free(&w->c);
    stores_close(&w->at.stores); /* a database handle does not survive a fork */
    pid_t child = fork();
    if (child == 0) {
        world_open_stores(w, steps);
        w->c = world_ctx(w, &w->org_a);
        struct store *s = store_a(w);
        bool fine = store_begin(w->c, s) == E_OK && add_account(w->c, s, "held") == E_OK;
        _exit(fine && write(line[1], "x", 1) == 1 && raise(SIGSTOP) == 0 ? 0 : 1);
    }
    char told;
    assert_int_equal(read(line[0], &told, 1), 1);
    world_open_stores(w, steps);
    w->c = world_ctx(w, &w->org_a);
    enum err e = add_account(w->c, store_a(w), "held"); /* waits for the other's row */
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_ok(e);
    close(line[0]);
    close(line[1]);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        T(no_sql_reaches_another_org),          T(every_table_is_bound),
        T(the_role_cannot_get_around_it),       T(a_connection_forgets_the_org),
        T(a_lost_connection_is_replaced),       T(transactions_of_an_org_take_turns),
        T(a_server_that_is_not_there_is_named), T(a_plain_owner_is_enough),
        T(other_processes_are_heard),           T(a_process_that_stands_still_holds_nobody_up),
    };
    return cmocka_run_group_tests_name("PostgreSQL", tests, NULL, NULL);
}
