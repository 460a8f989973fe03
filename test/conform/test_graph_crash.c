/* A run survives its process: the process is stopped at every statement, every commit and around
 * every outside effect, and another goes on. The end must be the same, and no effect may happen
 * twice. */
#include "conform/graph_world.h"

#include <sys/wait.h>

#include "store/driver.h"

enum { CRASHED = 99, POINTS_MAX = 400 };

static enum store_kind kind_of_run;
static const struct graph_table *table_of_run;
static bool is_late; /* the run is recorded with its first commit that has an effect */
static int unknown_seen, repeated_seen; /* over all points: both must have been met */
static int points_left;                 /* 0: do not crash */

static void point(void)
{
    if (points_left > 0 && --points_left == 0) {
        _exit(CRASHED);
    }
}

static const struct driver *real;

static enum err crash_run(struct ctx *c, struct store *s, const struct statement *st,
                          struct row_sink *sink, int64_t *out_changed)
{
    point();
    enum err e = real->run(c, s, st, sink, out_changed);
    point();
    return e;
}

static enum err crash_commit(struct ctx *c, struct store *s)
{
    point();
    enum err e = real->commit(c, s);
    point();
    return e;
}

static enum err crash_transact(struct ctx *c, struct store *s,
                               enum err (*fn)(struct ctx *c, void *arg), void *arg)
{
    point();
    enum err e = real->transact(c, s, fn, arg);
    point();
    return e;
}

static struct graph *compiled(struct ctx *c)
{
    struct graph *g = NULL;
    assert_ok(graph_compile(c, table_of_run, &g));
    return g;
}

/* The whole run in a process of its own that stops at the n-th point. */
static int run_and_crash(struct world *w, const struct migration *migrations, struct order *o,
                         const struct id *run, int n)
{
    pid_t pid = fork();
    if (pid != 0) {
        int status = 0;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        return WEXITSTATUS(status);
    }
    world_open_stores(w, migrations);
    struct driver crashing = *w->at.stores->driver;
    real = w->at.stores->driver;
    struct ctx *c = world_ctx(w, &w->org_a);
    const struct graph *graphs[] = {compiled(c), NULL};
    struct runs *runs = runs_new(graphs, o);
    struct run_spec spec = {.graph = graphs[0], .id = *run, .thread = STR("t"), .late = is_late};
    struct run_signal signal = {"person", STR("approval"), &json_true_value};
    struct store *warm; /* opening migrates, which is not what is tested here */
    if (store_of(c, &warm) != E_OK) {
        _exit(1);
    }
    crashing.run = crash_run;
    crashing.commit = crash_commit;
    crashing.transact = crashing.transact ? crash_transact : NULL;
    w->at.stores->driver = &crashing;
    o->point = point;
    points_left = n;
    struct run out;
    if (run_start(c, runs, &spec, NULL, &out) != E_OK ||
        run_resume(c, runs, run, &signal, NULL, &out) != E_OK || out.status != RUN_DONE) {
        _exit(2);
    }
    _exit(0);
}

/* How often each idempotency key was acted on. */
static int times_done(const char *path, struct str key)
{
    char line[128];
    int n = 0;
    FILE *f = fopen(path, "r");
    while (f && fgets(line, sizeof(line), f)) {
        n += strlen(line) == key.n + 1 && memcmp(line, key.p, key.n) == 0;
    }
    if (f) {
        fclose(f);
    }
    return n;
}

struct before {
    const struct journal_call *calls;
    int count;
    int times[16];
};

static struct before look(struct ctx *c, const char *path, const struct id *run)
{
    struct before b = {0};
    assert_ok(journal_list(c, run, &b.calls, &b.count));
    assert_true(b.count <= 16);
    for (int i = 0; i < b.count; i++) {
        b.times[i] = times_done(path, b.calls[i].id);
    }
    return b;
}

/* Finished calls were not made again, and no other outside effect happened more often than it
 * may. */
static void check_effects(struct ctx *c, const char *path, const struct id *run,
                          const struct before *b, int n)
{
    struct before now = look(c, path, run);
    assert_int_equal(now.count, 8);
    for (int i = 0; i < now.count; i++) {
        const struct journal_call *k = &now.calls[i];
        bool outside = str_eqz(k->name, "charge") || str_eqz(k->name, "mail");
        bool once = str_eqz(k->name, "mail");
        if (i < b->count && b->calls[i].status == JOURNAL_OK && now.times[i] != b->times[i]) {
            fail_msg("point %d: finished call %.*s was made again", n, STR_ARG(k->id));
        }
        if (!outside) {
            assert_int_equal(k->status, JOURNAL_OK);
        } else if (k->status == JOURNAL_OK ? now.times[i] < 1 : !once) {
            fail_msg("point %d: %.*s is %s", n, STR_ARG(k->id), journal_status_name(k->status));
        }
        unknown_seen += k->status == JOURNAL_UNKNOWN;
        repeated_seen += now.times[i] == 2;
        if (now.times[i] > (once ? 1 : 2)) {
            fail_msg("point %d: %.*s happened %d times", n, STR_ARG(k->id), now.times[i]);
        }
    }
}

/* What another process finds, and how it ends. */
static void go_on(struct world *w, struct order *o, const char *path, const struct id *run, int n)
{
    struct ctx *c = world_ctx(w, &w->org_a);
    const struct graph *graphs[] = {compiled(c), NULL};
    struct runs *runs = runs_new(graphs, o);
    struct before b = look(c, path, run);
    struct run out;
    enum err e = run_get(c, runs, run, &out);
    if (e == E_NOT_FOUND) { /* nothing was promised, so nothing may have happened */
        assert_int_equal(b.count, 0);
        struct run_spec spec = {.graph = graphs[0], .id = *run, .thread = STR("t")};
        assert_ok(run_start(c, runs, &spec, NULL, &out));
    }
    int driven = 0;
    assert_ok(run_recover(c, runs, true, 10, &driven));
    assert_ok(run_get(c, runs, run, &out));
    if (out.status == RUN_WAITING) {
        struct run_signal signal = {"person", STR("approval"), &json_true_value};
        assert_ok(run_resume(c, runs, run, &signal, NULL, &out));
    }
    struct str log = order_log(c, out.state);
    if (out.status != RUN_DONE || out.seq != 8 || json_int(out.state, "rounds", 0) != 2) {
        fail_msg("point %d: %s after %d steps: %.*s %.*s", n, run_status_name(out.status), out.seq,
                 STR_ARG(log), STR_ARG(out.error));
    }
    assert_true(str_starts(log, STR("plan done done done ")));
    assert_true(str_ends(log, STR(" asked person replied")));
    assert_int_equal(order_count(c, ORDER_MESSAGES, run), 1);
    assert_int_equal(order_count(c, ORDER_BOOKINGS, run), 2);
    check_effects(c, path, run, &b, n);
    const struct id *due;
    assert_ok(run_due(c, runs, true, 10, &due, &driven));
    assert_int_equal(driven, 0);
    struct graph *g = (struct graph *)(uintptr_t)graphs[0];
    runs_free(&runs);
    graph_free(&g);
    ctx_free(&c);
}

static void survive_every_point(const struct graph_table *table, bool late)
{
    table_of_run = table;
    is_late = late;
    unknown_seen = repeated_seen = 0;
    struct migration migrations[4];
    order_migrations(migrations);
    struct world w;
    world_open(&w, kind_of_run, migrations);
    char path[256];
    snprintf(path, sizeof(path), "%s/effects", w.folder);
    int n = 1;
    for (int code = CRASHED; code == CRASHED; n++) {
        assert_true(n < POINTS_MAX);
        struct order o = {.effects = path};
        struct id run = id_new(1000 + n);
        ctx_free(&w.c);
        stores_close(&w.at.stores); /* a database handle does not survive a fork */
        code = run_and_crash(&w, migrations, &o, &run, n);
        if (code != CRASHED && code != 0) {
            fail_msg("point %d: the process ended with %d", n, code);
        }
        world_open_stores(&w, migrations);
        w.c = world_ctx(&w, &w.org_a);
        go_on(&w, &o, path, &run, n);
    }
    assert_true(unknown_seen > 0 && repeated_seen > 0);
    assert_true(n > 60); /* else the points were not where they were thought to be */
    print_message("stopped at %d points\n", n - 2);
    world_close(&w);
}

static void every_point_is_survived(void **state)
{
    (void)state;
    survive_every_point(&order_table, false);
}

static void so_it_is_when_steps_are_saved_with_the_next(void **state)
{
    (void)state;
    survive_every_point(&order_held_table, false);
}

static void so_it_is_when_the_run_is_recorded_with_an_effect(void **state)
{
    (void)state;
    survive_every_point(&order_held_table, true);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_point_is_survived),
        cmocka_unit_test(so_it_is_when_steps_are_saved_with_the_next),
        cmocka_unit_test(so_it_is_when_the_run_is_recorded_with_an_effect),
    };
    kind_of_run = STORE_SQLITE;
    int failed = cmocka_run_group_tests_name("graph crashes over SQLite", tests, NULL, NULL);
    if (world_postgres()) {
        kind_of_run = STORE_POSTGRES;
        failed += cmocka_run_group_tests_name("graph crashes over PostgreSQL", tests, NULL, NULL);
    }
    return failed;
}
