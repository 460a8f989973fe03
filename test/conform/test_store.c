/* The SQL contract over every driver. */
#include "conform/world.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

static const struct migration steps[] = {
    {"test", 1, STORE_SCOPE_ORG,
     "CREATE TABLE account (id TEXT NOT NULL, name TEXT NOT NULL, seats BIGINT,"
     " score DOUBLE PRECISION, seal BLOB, PRIMARY KEY (id));"
     "CREATE UNIQUE INDEX account_name ON account (name);"},
    {"test", 2, STORE_SCOPE_ORG,
     "CREATE TABLE contact (id TEXT NOT NULL, account_id TEXT, email TEXT NOT NULL,"
     " PRIMARY KEY (id), UNIQUE (email),"
     " FOREIGN KEY (account_id) REFERENCES account (id) ON DELETE SET NULL);"
     "CREATE INDEX contact_account ON contact (account_id, email);"},
    {"test", 3, STORE_SCOPE_SYSTEM,
     "CREATE TABLE sign_in (email TEXT NOT NULL, org TEXT NOT NULL, PRIMARY KEY (email, org));"},
    {0}};

static enum store_kind kind_of_run;

static int setup(void **state)
{
    struct world *w = mem_new(sizeof(*w));
    world_open(w, kind_of_run, steps);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    world_close(*state);
    free(*state);
    return 0;
}

static struct store *store_a(struct world *w)
{
    struct store *s;
    assert_ok(store_of(w->c, &s));
    return s;
}

static enum err add_account(struct ctx *c, struct store *s, const char *id, const char *name)
{
    return store_exec(c, s, NULL, "INSERT INTO account (id, name) VALUES (?1, ?2)", S_Z(id),
                      S_Z(name));
}

static int64_t count_accounts(struct ctx *c, struct store *s)
{
    struct store_rows rows;
    assert_ok(store_query(c, s, &rows, "SELECT count(*) FROM account"));
    return row_int(&rows, 0, 0);
}

/* ---- values and results */

static void values_come_back_as_they_went(void **state)
{
    struct world *w = *state;
    struct store *s = store_a(w);
    struct store_rows rows;
    static const char seal[] = {0, 1, (char)0xff, '\'', 0};
    assert_ok(store_exec(w->c, s, NULL,
                         "INSERT INTO account (id, name, seats, score, seal)"
                         " VALUES (?1, ?2, ?3, ?4, ?5)",
                         S_Z("a1"), S_Z("Zoë's \"A\" \\ ?1 $1 %s"), S_INT(INT64_MIN + 1),
                         S_REAL(0.1), S_BLOB(str_make(seal, sizeof(seal)))));
    assert_ok(store_exec(w->c, s, NULL,
                         "INSERT INTO account (id, name, seats, score, seal)"
                         " VALUES (?1, ?2, ?3, ?4, ?5)",
                         S_Z("a2"), S_Z(""), S_NULL, S_NULL, S_OPT(STR(""))));
    assert_ok(store_query(w->c, s, &rows,
                          "SELECT id, name, seats, score, seal FROM account ORDER BY id"));
    assert_int_equal(rows.count, 2);
    assert_int_equal(rows.columns, 5);
    assert_true(str_eqz(row_str(&rows, 0, 1), "Zoë's \"A\" \\ ?1 $1 %s"));
    assert_true(row_int(&rows, 0, 2) == INT64_MIN + 1);
    assert_true(row_real(&rows, 0, 3) == 0.1);
    assert_true(str_eq(row_str(&rows, 0, 4), str_make(seal, sizeof(seal))));
    assert_true(rows.cells[0].type == STORE_TEXT && rows.cells[2].type == STORE_INT);
    assert_true(rows.cells[3].type == STORE_REAL && rows.cells[4].type == STORE_BLOB);
    assert_true(row_str(&rows, 1, 1).n == 0 && !row_is_null(&rows, 1, 1));
    assert_true(row_is_null(&rows, 1, 2) && row_is_null(&rows, 1, 3) && row_is_null(&rows, 1, 4));
    assert_true(row_is_null(&rows, 7, 0) && row_is_null(&rows, 0, 9)); /* outside: NULL */
}

static void text_means_the_same_everywhere(void **state)
{
    struct world *w = *state;
    struct store *s = store_a(w);
    struct store_rows rows;
    assert_int_equal(store_exec(w->c, s, NULL, "INSERT INTO account (id, name) VALUES ('x', ?1)",
                                S_STR(str_make("a\0b", 3))),
                     E_INVALID);
    assert_int_equal(
        store_exec(w->c, s, NULL, "INSERT INTO account (id, name) VALUES ('x', ?1)", S_Z("\xc3(")),
        E_INVALID);
    static const char *const names[] = {"b", "a-b", "B", "ab", "\xc3\xa4", "a b", "A"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        assert_ok(add_account(w->c, s, names[i], names[i]));
    }
    assert_ok(store_query(w->c, s, &rows, "SELECT name FROM account ORDER BY name"));
    for (int i = 1; i < rows.count; i++) { /* bytewise, whatever the locale */
        assert_true(str_cmp(row_str(&rows, i - 1, 0), row_str(&rows, i, 0)) < 0);
    }
    assert_ok(store_query(w->c, s, &rows, "SELECT name FROM account WHERE name LIKE 'A%'"));
    assert_int_equal(rows.count, 1);
    assert_ok(store_query(w->c, s, &rows, "SELECT name FROM account WHERE lower(name) LIKE ?1",
                          S_Z("a%")));
    assert_int_equal(rows.count, 4);
    assert_ok(store_query(w->c, s, &rows,
                          "SELECT id, seats FROM account ORDER BY seats NULLS FIRST, id LIMIT 1"));
    assert_true(str_eqz(row_str(&rows, 0, 0), "A"));
}

static void changes_are_counted_and_returned(void **state)
{
    struct world *w = *state;
    struct store *s = store_a(w);
    struct store_rows rows;
    int64_t changed = -1;
    assert_ok(add_account(w->c, s, "a1", "one"));
    assert_ok(add_account(w->c, s, "a2", "two"));
    assert_ok(store_exec(w->c, s, &changed, "UPDATE account SET seats = ?1", S_INT(5)));
    assert_int_equal(changed, 2);
    assert_ok(
        store_exec(w->c, s, &changed, "UPDATE account SET seats = 6 WHERE id = ?1", S_Z("x")));
    assert_int_equal(changed, 0);
    assert_ok(store_query(w->c, s, &rows,
                          "INSERT INTO account (id, name, seats) VALUES (?1, ?2, 1)"
                          " ON CONFLICT (id) DO UPDATE SET seats = account.seats + 10"
                          " RETURNING seats, ?2",
                          S_Z("a1"), S_Z("one")));
    assert_int_equal(row_int(&rows, 0, 0), 15);
    assert_true(str_eqz(row_str(&rows, 0, 1), "one"));
    assert_ok(store_exec(w->c, s, &changed,
                         "INSERT INTO account (id, name) VALUES (?1, ?2)"
                         " ON CONFLICT (id) DO NOTHING",
                         S_Z("a1"), S_Z("else")));
    assert_int_equal(changed, 0);
}

static void same_text_twice_and_other_text_at_one_address(void **state)
{
    struct world *w = *state;
    struct store *s = store_a(w);
    struct store_rows rows;
    char sql[64];
    for (int i = 0; i < 600; i++) { /* more texts than a statement cache holds */
        snprintf(sql, sizeof(sql), "SELECT %d + ?1", i);
        assert_ok(store_query(w->c, s, &rows, sql, S_INT(1)));
        assert_int_equal(row_int(&rows, 0, 0), i + 1);
    }
}

static void a_result_has_a_bound(void **state)
{
    struct world *w = *state;
    struct store *s = store_a(w);
    struct store_rows rows;
    assert_int_equal(store_query(w->c, s, &rows,
                                 "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
                                 " WHERE i < 10001) SELECT i FROM n"),
                     E_TOO_LARGE);
    assert_ok(store_query(w->c, s, &rows,
                          "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
                          " WHERE i < 10000) SELECT i FROM n"));
    assert_int_equal(rows.count, 10000);
    /* nor does it pass what the task may take: refused, not fatal */
    struct ctx *small = ctx_child(w->c, 64 << 10);
    struct store *own;
    assert_ok(store_of(small, &own));
    assert_int_equal(store_query(small, own, &rows,
                                 "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
                                 " WHERE i < 5000) SELECT i FROM n"),
                     E_TOO_LARGE);
    ctx_free(&small);
}

static void rules_of_tables_are_named_outcomes(void **state)
{
    struct world *w = *state;
    struct store *s = store_a(w);
    assert_ok(add_account(w->c, s, "a1", "one"));
    static const struct {
        enum err want;
        const char *sql;
    } rows[] = {
        {E_CONFLICT, "INSERT INTO account (id, name) VALUES ('a1', 'other')"}, /* primary key */
        {E_CONFLICT, "INSERT INTO account (id, name) VALUES ('a2', 'one')"},   /* unique index */
        {E_CONFLICT,
         "INSERT INTO contact (id, account_id, email) VALUES ('c', 'no', 'e')"}, /* FK */
        {E_INVALID, "INSERT INTO account (id, name) VALUES ('a3', NULL)"},       /* NOT NULL */
        {E_INTERNAL, "SELECT nothing FROM nowhere"},
        {E_INTERNAL, "SELEC 1"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        enum err e = store_exec(w->c, s, NULL, rows[i].sql);
        if (e != rows[i].want) {
            print_error("%s: %s, %s\n", rows[i].sql, err_name(e), w->c->fault.text);
        }
        assert_int_equal(e, rows[i].want);
        assert_true(w->c->fault.text[0]);
    }
    assert_int_equal(store_exec(w->c, s, NULL, "UPDATE account SET seats = ?1"), E_INTERNAL);
    assert_int_equal(count_accounts(w->c, s), 1);
}

static void deleting_what_is_referenced_empties_the_reference(void **state)
{
    struct world *w = *state;
    struct store *s = store_a(w);
    struct store_rows rows;
    assert_ok(add_account(w->c, s, "a1", "one"));
    assert_ok(store_exec(w->c, s, NULL,
                         "INSERT INTO contact (id, account_id, email) VALUES ('c', 'a1', 'e')"));
    assert_ok(store_exec(w->c, s, NULL, "DELETE FROM account WHERE id = 'a1'"));
    assert_ok(store_query(w->c, s, &rows, "SELECT account_id FROM contact"));
    assert_true(rows.count == 1 && row_is_null(&rows, 0, 0));
}

/* ---- transactions */

static void a_transaction_is_all_or_nothing(void **state)
{
    struct world *w = *state;
    struct store *s = store_a(w);
    assert_ok(store_begin(w->c, s));
    assert_true(store_in_transaction(s));
    assert_ok(add_account(w->c, s, "a1", "one"));
    assert_int_equal(count_accounts(w->c, s), 1); /* sees its own */
    struct ctx *other = world_ctx(w, &w->org_a);
    struct store *theirs;
    assert_ok(store_of(other, &theirs));
    assert_int_equal(count_accounts(other, theirs), 0); /* nobody else does */
    store_rollback(w->c, s);
    assert_false(store_in_transaction(s));
    assert_int_equal(count_accounts(w->c, s), 0);
    assert_ok(store_begin(w->c, s));
    assert_ok(add_account(w->c, s, "a1", "one"));
    assert_ok(store_commit(w->c, s));
    assert_int_equal(count_accounts(other, theirs), 1);
    ctx_free(&other);
}

/* What was read under a version holds while the version does: in every way to write. */
static void the_version_tells_of_every_change(void **state)
{
    struct world *w = *state;
    struct store *s = store_a(w);
    struct ctx *other = world_ctx(w, &w->org_b);
    struct store *theirs;
    assert_ok(store_of(other, &theirs));
    int64_t first = store_version(s), b = store_version(theirs);
    if (kind_of_run == STORE_POSTGRES) {
        assert_int_equal(first, 0); /* others write too */
        ctx_free(&other);
        return;
    }
    assert_true(first > 0 && b > 0 && first != b);
    count_accounts(w->c, s);
    assert_int_equal(store_version(s), first);
    assert_ok(add_account(w->c, s, "a1", "one"));
    int64_t second = store_version(s);
    assert_int_not_equal(second, first);
    assert_ok(store_begin(w->c, s));
    assert_int_equal(store_version(s), 0); /* nobody else sees what we see */
    assert_ok(add_account(w->c, s, "a2", "two"));
    assert_ok(store_commit(w->c, s));
    assert_int_not_equal(store_version(s), second);
    assert_int_equal(store_version(theirs), b);
    ctx_free(&other);
}

static void begins_nest_and_only_the_outermost_commits(void **state)
{
    struct world *w = *state;
    struct store *s = store_a(w);
    assert_ok(store_begin(w->c, s));
    assert_ok(store_begin(w->c, s));
    assert_ok(add_account(w->c, s, "a1", "one"));
    assert_ok(store_commit(w->c, s));
    assert_true(store_in_transaction(s));
    store_rollback(w->c, s);
    assert_int_equal(count_accounts(w->c, s), 0);

    /* an inner rollback dooms the whole */
    assert_ok(store_begin(w->c, s));
    assert_ok(add_account(w->c, s, "a1", "one"));
    assert_ok(store_begin(w->c, s));
    store_rollback(w->c, s);
    assert_int_equal(store_commit(w->c, s), E_CONFLICT);
    assert_int_equal(count_accounts(w->c, s), 0);
    assert_int_equal(store_commit(w->c, s), E_INTERNAL); /* nothing is open */
}

static void after_an_error_inside_nothing_is_committed(void **state)
{
    struct world *w = *state;
    struct store *s = store_a(w);
    assert_ok(store_begin(w->c, s));
    assert_ok(add_account(w->c, s, "a1", "one"));
    assert_int_equal(add_account(w->c, s, "a1", "again"), E_CONFLICT);
    assert_int_equal(add_account(w->c, s, "a2", "two"), E_CONFLICT); /* the failure stands */
    assert_int_equal(store_commit(w->c, s), E_CONFLICT);
    assert_false(store_in_transaction(s));
    assert_int_equal(count_accounts(w->c, s), 0);
    assert_ok(add_account(w->c, s, "a1", "one"));
}

static void what_a_task_leaves_open_is_undone(void **state)
{
    struct world *w = *state;
    struct ctx *c = world_ctx(w, &w->org_a);
    struct store *s;
    assert_ok(store_of(c, &s));
    assert_ok(store_begin(c, s));
    assert_ok(add_account(c, s, "a1", "one"));
    ctx_free(&c);
    assert_int_equal(count_accounts(w->c, store_a(w)), 0);
    assert_ok(add_account(w->c, store_a(w), "a1", "one"));
}

static enum err add_two(struct ctx *c, void *arg)
{
    struct store *s = arg;
    TRY(add_account(c, s, "t1", "t1"));
    return add_account(c, s, "t2", "t2");
}

static enum err add_then_refuse(struct ctx *c, void *arg)
{
    TRY(add_account(c, arg, "t3", "t3"));
    return ctx_fail(c, E_INCOMPLETE, "no");
}

static void transact_commits_or_undoes(void **state)
{
    struct world *w = *state;
    struct store *s = store_a(w);
    assert_ok(store_transact(w->c, s, add_two, s));
    assert_int_equal(count_accounts(w->c, s), 2);
    assert_int_equal(store_transact(w->c, s, add_then_refuse, s), E_INCOMPLETE);
    assert_int_equal(count_accounts(w->c, s), 2);
}

static void count_up(void *arg)
{
    (*(int *)arg)++;
}

static void hooks_run_once_after_the_commit_only(void **state)
{
    struct world *w = *state;
    struct store *s = store_a(w);
    int calls = 0;
    assert_ok(store_begin(w->c, s));
    store_after_commit(s, count_up, &calls);
    assert_ok(store_begin(w->c, s));
    store_after_commit(s, count_up, &calls);
    assert_ok(store_commit(w->c, s));
    assert_int_equal(calls, 0);
    assert_ok(store_commit(w->c, s));
    assert_int_equal(calls, 2);
    assert_ok(store_begin(w->c, s));
    store_after_commit(s, count_up, &calls);
    store_rollback(w->c, s);
    assert_ok(store_begin(w->c, s));
    assert_ok(store_commit(w->c, s));
    assert_int_equal(calls, 2);
}

static void sequences_count_without_gaps(void **state)
{
    struct world *w = *state;
    struct store *s = store_a(w);
    int64_t n = 0;
    assert_int_equal(store_next(w->c, s, "event", &n), E_INTERNAL); /* outside a transaction */
    for (int i = 1; i <= 3; i++) {
        assert_ok(store_begin(w->c, s));
        assert_ok(store_next(w->c, s, "event", &n));
        assert_int_equal(n, i);
        assert_ok(store_commit(w->c, s));
    }
    assert_ok(store_begin(w->c, s));
    assert_ok(store_next(w->c, s, "event", &n));
    store_rollback(w->c, s);
    assert_ok(store_begin(w->c, s));
    assert_ok(store_next(w->c, s, "event", &n));
    assert_int_equal(n, 4);
    assert_ok(store_next(w->c, s, "ticket", &n));
    assert_int_equal(n, 1);
    assert_ok(store_commit(w->c, s));
}

struct numbers {
    struct store *store;
    int64_t event, ticket; /* the last that should be there before */
    bool fails;
};

/* Several of a name in a row are written once, at the end: or where another name comes between. */
static enum err take_numbers(struct ctx *c, void *arg)
{
    struct numbers *at = arg;
    int64_t n = 0, event = at->event, ticket = at->ticket;
    for (int i = 0; i < 12; i++) {
        bool is_ticket = i % 5 == 4;
        TRY(store_next(c, at->store, is_ticket ? "ticket" : "event", &n));
        assert_int_equal(n, is_ticket ? ++ticket : ++event);
    }
    if (at->fails) {
        return ctx_fail(c, E_DENIED, "on purpose");
    }
    at->event = event;
    at->ticket = ticket;
    return E_OK;
}

static void many_numbers_of_a_transaction_have_no_gaps(void **state)
{
    struct world *w = *state;
    struct numbers at = {.store = store_a(w)};
    int64_t n = 0;
    assert_ok(store_transact(w->c, at.store, take_numbers, &at));
    assert_int_equal(at.event, 10);
    at.fails = true; /* undone: the same numbers again */
    assert_int_equal(store_transact(w->c, at.store, take_numbers, &at), E_DENIED);
    ctx_forgive(w->c);
    at.fails = false;
    assert_ok(store_transact(w->c, at.store, take_numbers, &at));
    assert_ok(store_begin(w->c, at.store));
    assert_ok(store_transact(w->c, at.store, take_numbers, &at)); /* inside another */
    assert_ok(store_next(w->c, at.store, "event", &n));
    assert_int_equal(n, 31);
    assert_ok(store_commit(w->c, at.store));
    assert_ok(store_begin(w->c, at.store));
    assert_ok(store_next(w->c, at.store, "ticket", &n));
    assert_int_equal(n, 7);
    assert_ok(store_next(w->c, at.store, "event", &n));
    assert_int_equal(n, 32);
    store_rollback(w->c, at.store);
}

/* ---- deadlines */

static const char endless_sql[] =
    "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000000000)"
    " SELECT count(*) FROM n";

static void a_slow_read_ends_at_the_deadline(void **state)
{
    struct world *w = *state;
    struct store *s = store_a(w);
    struct store_rows rows;
    int64_t before = ctx_limit(w->c, 100);
    int64_t started = clock_steady_ms();
    assert_int_equal(store_query(w->c, s, &rows, endless_sql), E_TIMEOUT);
    assert_true(clock_steady_ms() - started < 5000);
    assert_int_equal(store_query(w->c, s, &rows, "SELECT 1"), E_TIMEOUT); /* it is still past */
    w->c->deadline_steady_ms = before;
    assert_ok(store_query(w->c, s, &rows, "SELECT 1"));
}

static void *cancel_soon(void *arg)
{
    struct timespec pause = {.tv_nsec = 50 * 1000000};
    nanosleep(&pause, NULL);
    atomic_store((atomic_bool *)arg, true);
    return NULL;
}

static void a_slow_read_can_be_cancelled(void **state)
{
    struct world *w = *state;
    struct store *s = store_a(w);
    struct store_rows rows;
    atomic_bool cancel = false;
    pthread_t thread;
    w->c->cancel = &cancel;
    pthread_create(&thread, NULL, cancel_soon, &cancel);
    assert_int_equal(store_query(w->c, s, &rows, endless_sql), E_CANCELLED);
    pthread_join(thread, NULL);
    w->c->cancel = NULL;
    assert_ok(store_query(w->c, s, &rows, "SELECT 1"));
}

static void who_cannot_write_in_time_is_told(void **state)
{
    struct world *w = *state;
    struct store *s = store_a(w), *theirs;
    struct ctx *other = world_ctx(w, &w->org_a);
    assert_ok(store_of(other, &theirs));
    assert_ok(add_account(w->c, s, "a1", "one"));
    assert_ok(store_begin(w->c, s));
    assert_ok(store_exec(w->c, s, NULL, "UPDATE account SET seats = 1 WHERE id = 'a1'"));
    ctx_limit(other, 100);
    if (w->kind == STORE_SQLITE) {
        assert_int_equal(store_begin(other, theirs), E_INTERNAL); /* one thread, two turns */
    } else {
        assert_ok(store_begin(other, theirs));
        assert_int_equal(
            store_exec(other, theirs, NULL, "UPDATE account SET seats = 2 WHERE id = 'a1'"),
            E_TIMEOUT);
        store_rollback(other, theirs);
    }
    assert_ok(store_commit(w->c, s));
    ctx_free(&other);
}

/* ---- orgs */

static void an_org_sees_only_its_own(void **state)
{
    struct world *w = *state;
    struct store *a = store_a(w), *b;
    struct ctx *other = world_ctx(w, &w->org_b);
    assert_ok(store_of(other, &b));
    assert_ok(add_account(w->c, a, "a1", "one"));
    assert_ok(add_account(other, b, "a1", "one")); /* the same key is free in another org */
    assert_ok(add_account(other, b, "b2", "two"));
    int64_t changed;
    assert_ok(store_exec(w->c, a, &changed, "UPDATE account SET seats = 9"));
    assert_int_equal(changed, 1);
    assert_ok(store_exec(w->c, a, &changed, "DELETE FROM account WHERE id = 'b2'"));
    assert_int_equal(changed, 0);
    assert_int_equal(count_accounts(other, b), 2);
    assert_int_equal(/* nor can one refer to another org's row */
                     store_exec(
                         w->c, a, NULL,
                         "INSERT INTO contact (id, account_id, email) VALUES ('c', 'b2', 'e')"),
                     E_CONFLICT);
    ctx_free(&other);
}

static void orgs_are_made_listed_and_erased(void **state)
{
    struct world *w = *state;
    const struct id *orgs;
    int count;
    struct id made = id_new(3000), unknown = id_new(4000), system = id_system();
    assert_ok(stores_list(w->c, &orgs, &count));
    assert_int_equal(count, 2);
    assert_true(id_eq(&orgs[0], &w->org_a) && id_eq(&orgs[1], &w->org_b));
    assert_ok(stores_create(w->c, &made));
    assert_ok(stores_create(w->c, &made)); /* again: no harm */
    assert_true(stores_exists(w->c, &made) && !stores_exists(w->c, &unknown));
    assert_ok(stores_list(w->c, &orgs, &count));
    assert_int_equal(count, 3);

    struct ctx *c = world_ctx(w, &made);
    struct store *s;
    assert_ok(store_of(c, &s));
    assert_ok(add_account(c, s, "a1", "one"));
    assert_ok(store_exec(c, s, NULL,
                         "INSERT INTO contact (id, account_id, email) VALUES ('c', 'a1', 'e')"));
    ctx_free(&c);
    assert_ok(stores_erase(w->c, &made));
    assert_false(stores_exists(w->c, &made));
    c = world_ctx(w, &made);
    assert_int_equal(store_of(c, &s), E_NOT_FOUND);
    assert_int_equal(store_of_org(c, &unknown, &s), E_NOT_FOUND);
    ctx_free(&c);
    assert_int_equal(stores_erase(w->c, &system), E_DENIED);
    assert_ok(stores_create(w->c, &made)); /* nothing is left of what was there */
    c = world_ctx(w, &made);
    assert_ok(store_of(c, &s));
    assert_int_equal(count_accounts(c, s), 0);
    ctx_free(&c);
}

static void the_installation_has_a_store_of_its_own(void **state)
{
    struct world *w = *state;
    struct id system = id_system();
    struct store *s;
    assert_ok(store_of_org(w->c, &system, &s));
    assert_true(id_eq(store_org(s), &system));
    assert_ok(store_exec(w->c, s, NULL, "INSERT INTO sign_in (email, org) VALUES (?1, ?2)",
                         S_Z("a@b.example"), S_ID(&w->org_a)));
    struct store_rows rows;
    assert_ok(store_query(w->c, s, &rows, "SELECT org FROM sign_in"));
    struct id org = row_id(&rows, 0, 0);
    assert_true(id_eq(&org, &w->org_a));
}

/* ---- migrations */

static enum err reopen(struct world *w, const struct migration *migrations, char *out_text)
{
    struct store_config config = world_config(w);
    struct ctx *c = ctx_new(&w->at, WORLD_ARENA_BYTES);
    stores_close(&w->at.stores);
    enum err e = stores_open(c, &config, migrations, &w->at.stores);
    struct store *s;
    c->org = w->org_a;
    if (e == E_OK) {
        e = store_of(c, &s);
    }
    snprintf(out_text, CTX_FAULT_BYTES, "%s", c->fault.text);
    ctx_free(&c);
    return e;
}

static void steps_are_applied_once_and_in_order(void **state)
{
    struct world *w = *state;
    static const struct migration more[] = {
        steps[0],
        steps[1],
        steps[2],
        {"test", 4, STORE_SCOPE_ORG, "ALTER TABLE account ADD COLUMN city TEXT;"},
        {"second", 1, STORE_SCOPE_BOTH,
         "CREATE TABLE note (id TEXT NOT NULL, text TEXT, PRIMARY KEY (id));"},
        {0}};
    char text[CTX_FAULT_BYTES];
    assert_ok(add_account(w->c, store_a(w), "a1", "one"));
    ctx_free(&w->c);
    assert_ok(reopen(w, more, text));
    assert_ok(reopen(w, more, text));
    w->c = world_ctx(w, &w->org_a);
    struct store_rows rows;
    assert_ok(store_query(w->c, store_a(w), &rows, "SELECT name, city FROM account"));
    assert_true(rows.count == 1 && row_is_null(&rows, 0, 1));
    ctx_free(&w->c);

    /* the older program refuses what the newer one made, and says so */
    assert_int_equal(reopen(w, steps, text), E_CONFLICT);
    assert_non_null(strstr(text, "newer version"));
    assert_ok(reopen(w, more, text));
}

static void gaps_and_doubles_are_refused(void **state)
{
    struct world *w = *state;
    static const struct migration gap[] = {
        {"test", 1, STORE_SCOPE_ORG, "SELECT 1;"}, {"test", 3, STORE_SCOPE_ORG, "SELECT 1;"}, {0}};
    static const struct migration twice[] = {
        {"test", 1, STORE_SCOPE_ORG, "SELECT 1;"}, {"test", 1, STORE_SCOPE_ORG, "SELECT 1;"}, {0}};
    static const struct migration late[] = {{"test", 2, STORE_SCOPE_ORG, "SELECT 1;"}, {0}};
    static const struct migration empty[] = {{"test", 1, STORE_SCOPE_ORG, ""}, {0}};
    static const struct migration *const lists[] = {gap, twice, late, empty};
    struct store_config config = world_config(w);
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        struct stores *s = NULL;
        assert_int_equal(stores_open(w->c, &config, lists[i], &s), E_INVALID);
        assert_null(s);
        assert_non_null(strstr(w->c->fault.text, "test"));
    }
}

static void a_step_that_fails_leaves_nothing(void **state)
{
    struct world *w = *state;
    static const struct migration broken[] = {
        steps[0],
        steps[1],
        steps[2],
        {"test", 4, STORE_SCOPE_BOTH,
         "CREATE TABLE half (id TEXT NOT NULL, PRIMARY KEY (id)); CREATE TABLE half (id TEXT);"},
        {0}};
    char text[CTX_FAULT_BYTES];
    ctx_free(&w->c);
    assert_int_not_equal(reopen(w, broken, text), E_OK);
    assert_ok(reopen(w, steps, text));
    w->c = world_ctx(w, &w->org_a);
    struct store_rows rows;
    assert_int_equal(store_query(w->c, store_a(w), &rows, "SELECT id FROM half"), E_INTERNAL);
}

/* ---- many at once */

enum { WRITERS = 16, ROUNDS = 40 };

struct writer {
    struct world *w;
    pthread_t thread;
    int number;
    int failures;
};

static void *write_rounds(void *arg)
{
    struct writer *me = arg;
    for (int i = 0; i < ROUNDS; i++) {
        struct ctx *c = world_ctx(me->w, i % 8 == 7 ? &me->w->org_b : &me->w->org_a);
        struct store *s;
        char id[32];
        int64_t n;
        snprintf(id, sizeof(id), "w%d-%d", me->number, i);
        bool undo = i % 5 == 4;
        if (store_of(c, &s) != E_OK || store_begin(c, s) != E_OK ||
            store_next(c, s, "n", &n) != E_OK || add_account(c, s, id, id) != E_OK) {
            me->failures++;
        } else if (undo) {
            store_rollback(c, s);
        } else {
            me->failures += store_commit(c, s) != E_OK;
            struct store_rows rows;
            me->failures +=
                store_query(c, s, &rows, "SELECT 1 FROM account WHERE id = ?1", S_Z(id)) != E_OK ||
                rows.count != 1; /* reads its own write */
        }
        ctx_free(&c);
    }
    return NULL;
}

static void run_writers(struct world *w)
{
    struct writer writers[WRITERS];
    for (int i = 0; i < WRITERS; i++) {
        writers[i] = (struct writer){.w = w, .number = i};
        pthread_create(&writers[i].thread, NULL, write_rounds, &writers[i]);
    }
    for (int i = 0; i < WRITERS; i++) {
        pthread_join(writers[i].thread, NULL);
        assert_int_equal(writers[i].failures, 0);
    }
}

static void many_writers_lose_nothing(void **state)
{
    struct world *w = *state;
    run_writers(w);
    struct store *s = store_a(w);
    struct store_rows rows;
    int64_t want = 0;
    for (int i = 0; i < ROUNDS; i++) {
        want += i % 8 != 7 && i % 5 != 4;
    }
    assert_int_equal(count_accounts(w->c, s), want * WRITERS);
    assert_ok(store_query(w->c, s, &rows, "SELECT value FROM store_sequence WHERE name = 'n'"));
    assert_int_equal(row_int(&rows, 0, 0), want * WRITERS); /* no gap, no double */
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        T(values_come_back_as_they_went),
        T(text_means_the_same_everywhere),
        T(changes_are_counted_and_returned),
        T(same_text_twice_and_other_text_at_one_address),
        T(a_result_has_a_bound),
        T(rules_of_tables_are_named_outcomes),
        T(deleting_what_is_referenced_empties_the_reference),
        T(a_transaction_is_all_or_nothing),
        T(the_version_tells_of_every_change),
        T(begins_nest_and_only_the_outermost_commits),
        T(after_an_error_inside_nothing_is_committed),
        T(what_a_task_leaves_open_is_undone),
        T(transact_commits_or_undoes),
        T(hooks_run_once_after_the_commit_only),
        T(sequences_count_without_gaps),
        T(many_numbers_of_a_transaction_have_no_gaps),
        T(a_slow_read_ends_at_the_deadline),
        T(a_slow_read_can_be_cancelled),
        T(who_cannot_write_in_time_is_told),
        T(an_org_sees_only_its_own),
        T(orgs_are_made_listed_and_erased),
        T(the_installation_has_a_store_of_its_own),
        T(steps_are_applied_once_and_in_order),
        T(gaps_and_doubles_are_refused),
        T(a_step_that_fails_leaves_nothing),
        T(many_writers_lose_nothing),
    };
    kind_of_run = STORE_SQLITE;
    int failed = cmocka_run_group_tests_name("store over SQLite", tests, NULL, NULL);
    if (world_postgres()) {
        kind_of_run = STORE_POSTGRES;
        failed += cmocka_run_group_tests_name("store over PostgreSQL", tests, NULL, NULL);
    }
    return failed;
}
