/* Writes of many tasks in shared transactions: each is done once and told once, and one that fails
 * fails alone. Over both stores. */
#include "conform/world.h"

#include <pthread.h>

#include "host/batch.h"

enum { THREADS = 8, EACH = 40, KEYS = 200 };

static const struct migration tables[] = {
    {"batch", 1, STORE_SCOPE_ORG,
     "CREATE TABLE thing (key TEXT NOT NULL, times BIGINT NOT NULL, PRIMARY KEY (key));"},
    {0},
};

static enum store_kind kind_of_run;

struct bench {
    struct world world;
    struct batch *batch;
    atomic_int told, stored, duplicates, failed, limited;
};

struct item {
    struct batch_work work;
    struct bench *bench;
    struct str key;
    bool fails, stored;
};

static enum err write_item(struct ctx *c, struct store *s, void *arg)
{
    struct item *it = arg;
    int64_t changed;
    assert_true(store_in_transaction(s));
    TRY(store_exec(c, s, &changed,
                   "INSERT INTO thing (key, times) VALUES (?1, 1) ON CONFLICT (key) DO NOTHING",
                   S_STR(it->key)));
    it->stored = changed == 1;
    return it->fails ? ctx_fail(c, E_LIMIT, "too much of %.*s", STR_ARG(it->key)) : E_OK;
}

static void item_done(struct ctx *c, enum err e, void *arg)
{
    struct item *it = arg;
    struct bench *b = it->bench;
    b->told++;
    b->failed += e != E_OK;
    b->limited += e == E_LIMIT && strstr(c->fault.text, "too much of") != NULL;
    b->stored += e == E_OK && it->stored;
    b->duplicates += e == E_OK && !it->stored;
    ctx_free(&c);
}

static void add(struct bench *b, const struct id *org, const char *key, bool fails)
{
    struct ctx *c = world_ctx(&b->world, org);
    struct item *it = ARENA_NEW(c->arena, struct item);
    it->bench = b;
    it->key = str_dup(c->arena, str_of(key));
    it->fails = fails;
    it->work = (struct batch_work){.c = c, .write = write_item, .done = item_done, .arg = it};
    batch_add(b->batch, &it->work);
}

static int setup(void **state)
{
    struct bench *b = calloc(1, sizeof(*b));
    world_open(&b->world, kind_of_run, tables);
    b->batch = batch_new();
    *state = b;
    return 0;
}

static int teardown(void **state)
{
    struct bench *b = *state;
    batch_free(&b->batch);
    world_close(&b->world);
    free(b);
    return 0;
}

static int64_t rows_of(struct bench *b, const struct id *org)
{
    struct ctx *c = world_ctx(&b->world, org);
    struct store *s;
    struct store_rows rows;
    assert_ok(store_of(c, &s));
    assert_ok(store_query(c, s, &rows, "SELECT count(*) FROM thing"));
    int64_t n = row_int(&rows, 0, 0);
    ctx_free(&c);
    return n;
}

static void alone_it_is_done_before_the_call_returns(void **state)
{
    struct bench *b = *state;
    add(b, &b->world.org_a, "one", false);
    assert_int_equal(b->told, 1);
    add(b, &b->world.org_a, "one", false);
    assert_int_equal(b->stored, 1);
    assert_int_equal(b->duplicates, 1);
    assert_int_equal(rows_of(b, &b->world.org_a), 1);
}

static void one_that_fails_leaves_nothing_and_says_why(void **state)
{
    struct bench *b = *state;
    add(b, &b->world.org_a, "refused", true);
    assert_int_equal(b->failed, 1);
    assert_int_equal(b->limited, 1);
    assert_int_equal(rows_of(b, &b->world.org_a), 0);
}

static void a_closed_org_is_told_too(void **state)
{
    struct bench *b = *state;
    struct id nobody = id_new(77);
    add(b, &nobody, "lost", false);
    assert_int_equal(b->told, 1);
    assert_int_equal(b->failed, 1);
}

struct writer {
    struct bench *bench;
    int number;
};

/* Every key comes several times, from several threads; every seventh fails. */
static void *write_many(void *arg)
{
    struct writer *w = arg;
    char key[32];
    for (int i = 0; i < EACH; i++) {
        int n = (w->number * EACH + i) % KEYS;
        bool fails = n % 7 == 0;
        snprintf(key, sizeof(key), "key %d", n);
        add(w->bench, n % 2 ? &w->bench->world.org_a : &w->bench->world.org_b, key, fails);
    }
    return NULL;
}

static void many_at_once_are_each_done_once(void **state)
{
    struct bench *b = *state;
    pthread_t threads[THREADS];
    struct writer writers[THREADS];
    int failing = 0;
    for (int i = 0; i < THREADS * EACH; i++) {
        failing += i % KEYS % 7 == 0;
    }
    for (int i = 0; i < THREADS; i++) {
        writers[i] = (struct writer){b, i};
        assert_int_equal(pthread_create(&threads[i], NULL, write_many, &writers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    int good = 0;
    for (int n = 0; n < KEYS; n++) {
        good += n % 7 != 0;
    }
    assert_int_equal(b->told, THREADS * EACH);
    assert_int_equal(b->failed, failing);
    assert_int_equal(b->limited, failing);
    assert_int_equal(b->stored, good);
    assert_int_equal(b->duplicates, THREADS * EACH - failing - good);
    assert_int_equal(rows_of(b, &b->world.org_a) + rows_of(b, &b->world.org_b), good);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        T(alone_it_is_done_before_the_call_returns),
        T(one_that_fails_leaves_nothing_and_says_why),
        T(a_closed_org_is_told_too),
        T(many_at_once_are_each_done_once),
    };
    kind_of_run = STORE_SQLITE;
    int failed = cmocka_run_group_tests_name("batch over SQLite", tests, NULL, NULL);
    if (world_postgres()) {
        kind_of_run = STORE_POSTGRES;
        failed += cmocka_run_group_tests_name("batch over PostgreSQL", tests, NULL, NULL);
    }
    return failed;
}
