/* What only the SQLite driver promises: files and their permissions, shared commits, a full
 * disk, a killed process, damage. The test program stands in for fdatasync(2) to count what
 * reaches the disk. */
#include "base/mishap.h"
#include "conform/world.h"
#include "store/snapshot.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>

static _Atomic int64_t syncs;
static _Atomic int sync_error; /* errno to give instead; 0: none */
static _Atomic int sync_delay_us;

int fdatasync(int fd)
{
    static int (*real)(int);
    if (!real) {
        real = (int (*)(int))(uintptr_t)dlsym(RTLD_NEXT, "fdatasync");
    }
    syncs++;
    if (sync_delay_us) {
        struct timespec pause = {.tv_nsec = sync_delay_us * 1000L};
        nanosleep(&pause, NULL);
    }
    if (sync_error) {
        errno = sync_error;
        return -1;
    }
    return real(fd);
}

static _Atomic int64_t writes;

ssize_t pwrite64(int fd, const void *bytes, size_t n, off64_t at)
{
    static ssize_t (*real)(int, const void *, size_t, off64_t);
    if (!real) {
        real =
            (ssize_t(*)(int, const void *, size_t, off64_t))(uintptr_t)dlsym(RTLD_NEXT, "pwrite64");
    }
    writes++;
    return real(fd, bytes, n, at);
}

static const struct migration steps[] = {
    {"test", 1, STORE_SCOPE_ORG,
     "CREATE TABLE line (id TEXT NOT NULL, text TEXT NOT NULL, PRIMARY KEY (id));"},
    {0}};

static int setup(void **state)
{
    struct world *w = mem_new(sizeof(*w));
    sync_error = 0;
    sync_delay_us = 0;
    world_open(w, STORE_SQLITE, steps);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    sync_error = 0;
    sync_delay_us = 0;
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

static enum err add_line(struct ctx *c, struct store *s, const char *id, struct str text)
{
    return store_exec(c, s, NULL, "INSERT INTO line (id, text) VALUES (?1, ?2)", S_Z(id),
                      S_STR(text));
}

static enum err add_long_lines(struct ctx *c, void *arg)
{
    char id[16];
    struct str text = str_make(memset(arena_alloc(c->arena, 3000), 'x', 3000), 3000);
    struct store *s = arg;
    for (int i = 0; i < 1000; i++) {
        snprintf(id, sizeof(id), "%d", i);
        TRY(add_line(c, s, id, text));
    }
    return E_OK;
}

/* What a statement changed is undone when its last row is refused: SQLite keeps the pages as they
 * were, and has to find room for all of them. */
static void a_statement_may_change_megabytes(void **state)
{
    struct world *w = *state;
    struct store *s = store_a(w);
    struct store_rows rows;
    assert_ok(store_transact(w->c, s, add_long_lines, s));
    assert_ok(store_exec(w->c, s, NULL, "UPDATE line SET text = 'y' || text"));
    assert_int_equal(store_exec(w->c, s, NULL,
                                "UPDATE line SET text = 'z' || text,"
                                " id = CASE WHEN id = '999' THEN '0' ELSE id END"),
                     E_CONFLICT);
    ctx_forgive(w->c);
    assert_ok(store_query(w->c, s, &rows, "SELECT count(*) FROM line WHERE text LIKE 'yx%'"));
    assert_int_equal(row_int(&rows, 0, 0), 1000);
}

static int64_t count_lines(struct ctx *c, struct store *s)
{
    struct store_rows rows;
    assert_ok(store_query(c, s, &rows, "SELECT count(*) FROM line"));
    return row_int(&rows, 0, 0);
}

/* ---- the log */

struct long_work {
    struct store *store;
    int lines;
    char first; /* of each text */
};

/* Longer than a page's room, so that each line dirties a page of its own. */
static enum err put_long_lines(struct ctx *c, void *arg)
{
    const struct long_work *work = arg;
    char id[16];
    char *text = memset(arena_alloc(c->arena, 3000), 'x', 3000);
    text[0] = work->first;
    for (int i = 0; i < work->lines; i++) {
        snprintf(id, sizeof(id), "%d", i);
        TRY(store_exec(c, work->store, NULL,
                       "INSERT INTO line (id, text) VALUES (?1, ?2)"
                       " ON CONFLICT (id) DO UPDATE SET text = excluded.text",
                       S_Z(id), S_STR(str_make(text, 3000))));
    }
    return E_OK;
}

static void a_page_of_a_commit_is_one_write(void **state)
{
    struct world *w = *state;
    struct long_work work = {store_a(w), 12, 'a'};
    assert_ok(add_line(w->c, work.store, "first", STR("x"))); /* begins the log */
    int64_t before = writes;
    assert_ok(store_transact(w->c, work.store, put_long_lines, &work));
    assert_in_range(writes - before, 12, 20); /* of more than 12 pages */
    before = writes;
    work.first = 'b';
    assert_ok(store_transact_late(w->c, work.store, put_long_lines, &work));
    assert_in_range(writes - before, 12, 20); /* nor is a log that is not synced written later */
}

/* More pages than the writer keeps in memory: they go to the log before the commit, are changed
 * there, and their checksums reckoned anew; what is undone is written over. */
static void write_much(struct world *w, int round, bool late)
{
    struct store *s = store_a(w);
    struct long_work work = {s, 1200, (char)('a' + round)};
    assert_ok(store_begin(w->c, s));
    assert_ok(put_long_lines(w->c, &work));
    assert_ok(store_exec(w->c, s, NULL, "UPDATE line SET text = 'undone'"));
    store_rollback(w->c, s);
    assert_ok((late ? store_transact_late : store_transact)(w->c, s, put_long_lines, &work));
}

static void check_much(struct world *w, int round)
{
    struct store_rows rows;
    char like[8] = {(char)('a' + round), 'x', '%', 0};
    assert_ok(store_query(w->c, store_a(w), &rows,
                          "SELECT count(*), sum(length(text)) FROM line WHERE text LIKE ?1",
                          S_Z(like)));
    assert_int_equal(row_int(&rows, 0, 0), 1200);
    assert_int_equal(row_int(&rows, 0, 1), 1200 * 3000);
}

/* Four rounds are some times as much as the log grows to before it begins anew. */
static void a_log_that_was_written_by_frames_is_whole(void **state)
{
    struct world *w = *state;
    char copy[256];
    enum { ROUNDS = 4 };
    ctx_free(&w->c);
    stores_close(&w->at.stores);
    for (int round = 0; round < ROUNDS; round++) {
        pid_t child = fork();
        if (child == 0) {
            world_open_stores(w, steps);
            w->c = world_ctx(w, &w->org_a);
            write_much(w, round, round % 2 == 0);
            check_much(w, round);
            _exit(0); /* the files stay open: nobody folds the log into the database */
        }
        int status = 1;
        waitpid(child, &status, 0);
        assert_int_equal(status, 0);
        world_open_stores(w, steps);
        w->c = world_ctx(w, &w->org_a);
        check_much(w, round);
        snprintf(copy, sizeof(copy), "%s/copy%d.db", w->folder, round);
        assert_ok(snapshot_take(w->c, w->folder, &w->org_a, copy)); /* checks page by page */
        ctx_free(&w->c);
        stores_close(&w->at.stores);
    }
    world_open_stores(w, steps);
    w->c = world_ctx(w, &w->org_a);
}

/* ---- files */

static void files_are_closed_to_others(void **state)
{
    struct world *w = *state;
    char path[512];
    struct stat st;
    assert_ok(add_line(w->c, store_a(w), "1", STR("x")));
    static const char *const endings[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof(path), "%s/org/%s.db%s", w->folder, w->org_a.text, endings[i]);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
    }
    snprintf(path, sizeof(path), "%s/org", w->folder);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
}

static void erasing_leaves_no_file(void **state)
{
    struct world *w = *state;
    char command[512];
    assert_ok(add_line(w->c, store_a(w), "1", STR("x")));
    ctx_limit(w->c, 100);
    assert_int_equal(stores_erase(w->c, &w->org_a), E_TIMEOUT); /* this very task has it open */
    ctx_free(&w->c);
    w->c = world_ctx(w, &w->org_b);
    assert_ok(stores_erase(w->c, &w->org_a));
    snprintf(command, sizeof(command), "ls %s/org | grep -q %s", w->folder, w->org_a.text);
    assert_int_not_equal(system(command), 0);
    assert_ok(stores_erase(w->c, &w->org_a)); /* again: nothing to do */
}

/* A migration that stands still in the thread that is its own, until it is let go on. */
struct standstill {
    pthread_mutex_t lock;
    pthread_cond_t moved;
    int asked; /* by that thread: first of opening, then of the migration */
    bool stands, goes_on;
    struct world *world;
    enum err result;
};
static _Thread_local bool migrates_here;

static bool stand_still(void *arg, enum mishap_place place)
{
    struct standstill *s = arg;
    (void)place;
    if (!migrates_here) {
        return false;
    }
    pthread_mutex_lock(&s->lock);
    if (++s->asked == 2) {
        s->stands = true;
        pthread_cond_broadcast(&s->moved);
        while (!s->goes_on) {
            pthread_cond_wait(&s->moved, &s->lock);
        }
    }
    pthread_mutex_unlock(&s->lock);
    return false;
}

static void *open_slowly(void *arg)
{
    struct standstill *s = arg;
    struct ctx *c = world_ctx(s->world, &s->world->org_a);
    struct store *store;
    migrates_here = true;
    s->result = store_of(c, &store);
    ctx_free(&c);
    return NULL;
}

static void who_waits_for_a_migration_waits_with_an_end(void **state)
{
    struct world *w = *state;
    struct store_config config = {.kind = STORE_SQLITE, .folder = w->folder};
    struct standstill s = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, .world = w};
    const struct mishap mishap = {.strikes = stand_still, .arg = &s};
    struct store *store;
    pthread_t thread;
    ctx_free(&w->c);
    stores_close(&w->at.stores);
    w->c = world_ctx(w, &w->org_a);
    assert_ok(stores_open(w->c, &config, steps, &w->at.stores)); /* no file of an org is open */
    w->at.mishap = &mishap;
    assert_int_equal(pthread_create(&thread, NULL, open_slowly, &s), 0);
    pthread_mutex_lock(&s.lock);
    while (!s.stands) {
        pthread_cond_wait(&s.moved, &s.lock);
    }
    pthread_mutex_unlock(&s.lock);
    ctx_limit(w->c, 20);
    assert_int_equal(store_of(w->c, &store), E_UNAVAILABLE);
    assert_non_null(strstr(w->c->fault.text, "brought up to date"));
    assert_true(w->c->fault.retry_after_ms > 0);
    pthread_mutex_lock(&s.lock);
    s.goes_on = true;
    pthread_cond_broadcast(&s.moved);
    pthread_mutex_unlock(&s.lock);
    pthread_join(thread, NULL);
    assert_int_equal(s.result, E_OK);
    w->at.mishap = NULL;
    ctx_free(&w->c);
    w->c = world_ctx(w, &w->org_a);
    assert_ok(store_of(w->c, &store));
}

static void few_files_stay_open(void **state)
{
    struct world *w = *state;
    struct store_config config = world_config(w);
    config.open_orgs_max = 3;
    ctx_free(&w->c);
    stores_close(&w->at.stores);
    w->c = world_ctx(w, &w->org_a);
    assert_ok(stores_open(w->c, &config, steps, &w->at.stores));
    struct id orgs[8];
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 8; i++) {
            if (round == 0) {
                orgs[i] = id_new(10000 + i);
                assert_ok(stores_create(w->c, &orgs[i]));
            }
            struct ctx *c = world_ctx(w, &orgs[i]);
            struct store *s;
            assert_ok(store_of(c, &s));
            char id[16];
            snprintf(id, sizeof(id), "%d", round);
            assert_ok(add_line(c, s, id, STR("x")));
            assert_int_equal(count_lines(c, s), round + 1);
            ctx_free(&c);
        }
        assert_true(stores_counts(w->at.stores).open_orgs <= 3);
    }
}

static void a_backup_is_a_store_of_its_own(void **state)
{
    struct world *w = *state;
    struct store *s = store_a(w);
    char path[512];
    snprintf(path, sizeof(path), "%s/backup.db", w->folder);
    for (int i = 0; i < 200; i++) {
        char id[16];
        snprintf(id, sizeof(id), "%d", i);
        assert_ok(add_line(w->c, s, id, STR("text")));
    }
    assert_ok(snapshot_take(w->c, w->folder, store_org(s), path));
    assert_int_equal(snapshot_take(w->c, w->folder, store_org(s), path), E_CONFLICT);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(snapshot_take(w->c, w->folder, store_org(s), "/nowhere/at/all.db"),
                     E_UNAVAILABLE);
    struct id copy = id_new(77);
    assert_int_equal(snapshot_take(w->c, w->folder, &copy, "/nowhere/at/all.db"), E_NOT_FOUND);

    struct ctx *c = world_ctx(w, &copy);
    assert_ok(stores_replace(c, &copy, path)); /* a new org */
    assert_ok(store_of(c, &s));
    assert_int_equal(count_lines(c, s), 200);
    assert_ok(add_line(c, s, "one more", STR("text")));
    ctx_free(&c);
    assert_ok(stores_replace(w->c, &copy, path)); /* and back to what it was */
    c = world_ctx(w, &copy);
    assert_ok(store_of(c, &s));
    assert_int_equal(count_lines(c, s), 200);
    ctx_free(&c);
}

static void a_damaged_file_is_named(void **state)
{
    struct world *w = *state;
    char path[512];
    snprintf(path, sizeof(path), "%s/org/%s.db", w->folder, w->org_b.text);
    ctx_free(&w->c);
    stores_close(&w->at.stores);
    int fd = open(path, O_WRONLY | O_TRUNC);
    assert_true(fd >= 0);
    for (int i = 0; i < 1024; i++) {
        assert_int_equal(write(fd, "garbage!", 8), 8);
    }
    close(fd);
    world_open_stores(w, steps);
    w->c = world_ctx(w, &w->org_b);
    struct store *s;
    assert_int_equal(store_of(w->c, &s), E_INTERNAL);
    assert_non_null(strstr(w->c->fault.text, "damaged"));
    assert_non_null(strstr(w->c->fault.text, w->org_b.text));
}

static void a_place_that_cannot_be_written_is_named(void **state)
{
    struct world *w = *state;
    struct stores *none = NULL;
    struct store_config config = {.kind = STORE_SQLITE, .folder = "/proc/rapport"};
    assert_int_equal(stores_open(w->c, &config, steps, &none), E_UNAVAILABLE);
    assert_non_null(strstr(w->c->fault.text, "/proc/rapport"));
    config.folder = NULL;
    assert_int_equal(stores_open(w->c, &config, steps, &none), E_INVALID);
}

/* ---- shared commits */

enum { WRITERS = 16, EACH = 50 };

struct writer {
    struct world *w;
    pthread_t thread;
    int number, failures;
};

static void *write_lines(void *arg)
{
    struct writer *me = arg;
    for (int i = 0; i < EACH; i++) {
        struct ctx *c = world_ctx(me->w, &me->w->org_a);
        struct store *s;
        char id[32];
        snprintf(id, sizeof(id), "%d-%d", me->number, i);
        me->failures += store_of(c, &s) != E_OK || add_line(c, s, id, STR("text")) != E_OK;
        ctx_free(&c);
    }
    return NULL;
}

static int run_writers(struct world *w)
{
    struct writer writers[WRITERS];
    int failures = 0;
    for (int i = 0; i < WRITERS; i++) {
        writers[i] = (struct writer){.w = w, .number = i};
        pthread_create(&writers[i].thread, NULL, write_lines, &writers[i]);
    }
    for (int i = 0; i < WRITERS; i++) {
        pthread_join(writers[i].thread, NULL);
        failures += writers[i].failures;
    }
    return failures;
}

static void waiting_transactions_share_a_commit(void **state)
{
    struct world *w = *state;
    struct store *s = store_a(w);
    assert_ok(add_line(w->c, s, "first", STR("x")));
    struct store_counts before = stores_counts(w->at.stores);
    int64_t syncs_before = syncs;
    for (int i = 0; i < 20; i++) { /* nobody else waits: one commit each */
        char id[16];
        snprintf(id, sizeof(id), "%d", i);
        assert_ok(add_line(w->c, s, id, STR("x")));
    }
    struct store_counts alone = stores_counts(w->at.stores);
    assert_int_equal(alone.transactions - before.transactions, 20);
    assert_int_equal(alone.commits - before.commits, 20);
    assert_true(syncs - syncs_before >= 20); /* acknowledged means synced */

    sync_delay_us = 2000; /* a disk as disks are */
    syncs_before = syncs;
    assert_int_equal(run_writers(w), 0);
    struct store_counts after = stores_counts(w->at.stores);
    int64_t transactions = after.transactions - alone.transactions;
    int64_t commits = after.commits - alone.commits;
    assert_int_equal(transactions, WRITERS * EACH);
    assert_true(commits * 4 <= transactions);
    assert_true(syncs - syncs_before <= commits + 20); /* checkpoints sync too */
    assert_int_equal(count_lines(w->c, s), 21 + WRITERS * EACH);
}

struct late_line {
    struct store *store;
    const char *id;
};

static enum err add_late_in(struct ctx *c, void *arg)
{
    const struct late_line *line = arg;
    return add_line(c, line->store, line->id, STR("late"));
}

static enum err add_late(struct ctx *c, struct store *s, const char *id)
{
    struct late_line line = {s, id};
    return store_transact_late(c, s, add_late_in, &line);
}

static void a_late_transaction_does_not_wait_for_the_disk(void **state)
{
    struct world *w = *state;
    struct store *s = store_a(w);
    assert_ok(add_line(w->c, s, "first", STR("x")));
    struct store_counts before = stores_counts(w->at.stores);
    int64_t syncs_before = syncs;
    for (int i = 0; i < 20; i++) {
        char id[16];
        snprintf(id, sizeof(id), "late %d", i);
        assert_ok(add_late(w->c, s, id));
        assert_int_equal(count_lines(w->c, s), 2 + i); /* seen at once */
    }
    assert_int_equal(add_late(w->c, s, "first"), E_CONFLICT);
    assert_int_equal(syncs, syncs_before);
    assert_ok(add_line(w->c, s, "last", STR("x")));
    assert_int_equal(syncs, syncs_before + 1); /* takes those before along: it is one file */
    struct store_counts after = stores_counts(w->at.stores);
    assert_int_equal(after.transactions - before.transactions, 21);
    assert_int_equal(after.syncs - before.syncs, 1);
}

static void *write_late_lines(void *arg)
{
    struct writer *me = arg;
    for (int i = 0; i < EACH; i++) {
        struct ctx *c = world_ctx(me->w, &me->w->org_a);
        struct store *s;
        char id[32];
        snprintf(id, sizeof(id), "late %d-%d", me->number, i);
        me->failures += store_of(c, &s) != E_OK || add_late(c, s, id) != E_OK;
        ctx_free(&c);
    }
    return NULL;
}

/* Who waits for the disk never ends up in a commit that does not. */
static void late_ones_beside_others_do_not_make_those_late(void **state)
{
    struct world *w = *state;
    struct writer late[4];
    struct store *s = store_a(w);
    assert_ok(add_line(w->c, s, "first", STR("x")));
    sync_delay_us = 200;
    for (int i = 0; i < 4; i++) {
        late[i] = (struct writer){.w = w, .number = i};
        pthread_create(&late[i].thread, NULL, write_late_lines, &late[i]);
    }
    for (int i = 0; i < 4 * EACH; i++) {
        char id[16];
        int64_t syncs_before = syncs;
        snprintf(id, sizeof(id), "%d", i);
        assert_ok(add_line(w->c, s, id, STR("x")));
        assert_true(syncs > syncs_before);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(late[i].thread, NULL);
        assert_int_equal(late[i].failures, 0);
    }
    assert_int_equal(count_lines(w->c, s), 1 + 8 * EACH);
}

static void a_commit_that_fails_fails_for_all(void **state)
{
    struct world *w = *state;
    struct store *s = store_a(w);
    assert_ok(add_line(w->c, s, "kept", STR("x")));
    sync_delay_us = 500;
    sync_error = EIO;
    assert_int_equal(run_writers(w), WRITERS * EACH);
    sync_error = ENOSPC;
    assert_int_equal(add_line(w->c, s, "full", STR("x")), E_FULL);
    sync_error = 0;
    assert_int_equal(count_lines(w->c, s), 1);
    assert_ok(add_line(w->c, s, "after", STR("x"))); /* and it goes on */
    assert_int_equal(count_lines(w->c, s), 2);
}

/* A member of a group that undoes its part does not touch the others' parts. */
static void *undo_lines(void *arg)
{
    struct writer *me = arg;
    for (int i = 0; i < EACH; i++) {
        struct ctx *c = world_ctx(me->w, &me->w->org_a);
        struct store *s;
        char id[32];
        snprintf(id, sizeof(id), "undone-%d-%d", me->number, i);
        if (store_of(c, &s) != E_OK || store_begin(c, s) != E_OK) {
            me->failures++;
        } else {
            me->failures += add_line(c, s, id, STR("x")) != E_OK;
            if (i % 2) {
                me->failures += add_line(c, s, id, STR("x")) != E_CONFLICT;
                me->failures += store_commit(c, s) != E_CONFLICT;
            } else {
                store_rollback(c, s);
            }
        }
        ctx_free(&c);
    }
    return NULL;
}

static void a_member_that_gives_up_does_not_harm_the_group(void **state)
{
    struct world *w = *state;
    struct writer undoers[4];
    sync_delay_us = 500;
    for (int i = 0; i < 4; i++) {
        undoers[i] = (struct writer){.w = w, .number = i};
        pthread_create(&undoers[i].thread, NULL, undo_lines, &undoers[i]);
    }
    assert_int_equal(run_writers(w), 0);
    for (int i = 0; i < 4; i++) {
        pthread_join(undoers[i].thread, NULL);
        assert_int_equal(undoers[i].failures, 0);
    }
    assert_int_equal(count_lines(w->c, store_a(w)), WRITERS * EACH);
}

/* ---- a full disk */

static void a_full_disk_loses_nothing_acknowledged(void **state)
{
    struct world *w = *state;
    struct store *s = store_a(w);
    struct rlimit before, small = {.rlim_cur = 1 << 20};
    static char text[20000];
    int64_t kept = 0;
    memset(text, 't', sizeof(text));
    getrlimit(RLIMIT_FSIZE, &before);
    small.rlim_max = before.rlim_max;
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &small);
    enum err e = E_OK;
    for (int i = 0; i < 2000 && e == E_OK; i++) {
        char id[16];
        snprintf(id, sizeof(id), "%d", i);
        e = add_line(w->c, s, id, str_make(text, sizeof(text)));
        kept += e == E_OK;
    }
    enum err again = store_begin(w->c, s);
    again = again == E_OK ? add_line(w->c, s, "again", str_make(text, sizeof(text))) : again;
    if (store_in_transaction(s)) {
        again = store_commit(w->c, s);
    }
    setrlimit(RLIMIT_FSIZE, &before);
    assert_int_equal(e, E_FULL);
    assert_int_equal(again, E_FULL);
    assert_non_null(strstr(w->c->fault.text, "full"));
    assert_true(kept > 10);
    assert_int_equal(count_lines(w->c, s), kept);
    assert_ok(add_line(w->c, s, "after", STR("x"))); /* room again: it goes on */
    assert_int_equal(count_lines(w->c, s), kept + 1);
}

/* Many at once on a disk that fills: the parts of a shared transaction that is lost in the
 * middle are all told so, and who was told "kept" is there. */
static void *fill_disk(void *arg)
{
    struct writer *me = arg;
    char *text = mem_new(60000);
    memset(text, 't', 60000);
    for (int i = 0; i < 30; i++) {
        struct ctx *c = world_ctx(me->w, &me->w->org_a);
        struct store *s;
        char id[32];
        snprintf(id, sizeof(id), "%d-%d", me->number, i);
        assert_ok(store_of(c, &s));
        enum err e = add_line(c, s, id, str_make(text, 60000));
        me->failures += e == E_OK; /* here: how many were acknowledged */
        assert_true(e == E_OK || e == E_FULL || e == E_UNAVAILABLE);
        ctx_free(&c);
    }
    free(text);
    return NULL;
}

static void a_disk_that_fills_under_many_tells_each_the_truth(void **state)
{
    struct world *w = *state;
    struct store *s = store_a(w);
    struct rlimit before, small = {.rlim_cur = 3 << 20};
    struct writer writers[WRITERS];
    int64_t acknowledged = 0;
    getrlimit(RLIMIT_FSIZE, &before);
    small.rlim_max = before.rlim_max;
    signal(SIGXFSZ, SIG_IGN);
    sync_delay_us = 1000;
    setrlimit(RLIMIT_FSIZE, &small);
    for (int i = 0; i < WRITERS; i++) {
        writers[i] = (struct writer){.w = w, .number = i};
        pthread_create(&writers[i].thread, NULL, fill_disk, &writers[i]);
    }
    for (int i = 0; i < WRITERS; i++) {
        pthread_join(writers[i].thread, NULL);
        acknowledged += writers[i].failures;
    }
    setrlimit(RLIMIT_FSIZE, &before);
    assert_true(acknowledged > 0 && acknowledged < WRITERS * 30);
    assert_int_equal(count_lines(w->c, s), acknowledged);
}

/* ---- a killed process */

struct ledger {
    _Atomic int acknowledged[WRITERS];
};

static struct ledger *ledger;

static void *write_until_killed(void *arg)
{
    struct writer *me = arg;
    for (int i = 0;; i++) {
        struct ctx *c = world_ctx(me->w, &me->w->org_a);
        struct store *s;
        char id[32];
        snprintf(id, sizeof(id), "%d-%d", me->number, i);
        bool late = me->number % 2; /* a killed process loses nothing of it either */
        if (store_of(c, &s) == E_OK &&
            (late ? add_late(c, s, id) : add_line(c, s, id, STR("text"))) == E_OK) {
            ledger->acknowledged[me->number] = i + 1;
        }
        ctx_free(&c);
    }
    return NULL;
}

static void run_and_be_killed(struct world *w)
{
    static struct writer writers[WRITERS];
    world_open_stores(w, steps);
    for (int i = 0; i < WRITERS; i++) {
        writers[i] = (struct writer){.w = w, .number = i};
        pthread_create(&writers[i].thread, NULL, write_until_killed, &writers[i]);
    }
    pause();
    _exit(1);
}

static void what_was_acknowledged_survives_a_kill(void **state)
{
    struct world *w = *state;
    ctx_free(&w->c);
    stores_close(&w->at.stores);
    ledger = mmap(NULL, sizeof(*ledger), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    for (int round = 0; round < 5; round++) {
        memset(ledger, 0, sizeof(*ledger));
        pid_t child = fork();
        if (child == 0) {
            run_and_be_killed(w);
        }
        struct timespec pause = {.tv_nsec = (60 + round * 31) * 1000000L};
        nanosleep(&pause, NULL);
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        world_open_stores(w, steps);
        w->c = world_ctx(w, &w->org_a);
        struct store *s = store_a(w);
        int64_t acknowledged = 0;
        for (int i = 0; i < WRITERS; i++) {
            acknowledged += ledger->acknowledged[i];
            for (int n = 0; n < ledger->acknowledged[i]; n++) {
                struct store_rows rows;
                char id[32];
                snprintf(id, sizeof(id), "%d-%d", i, n);
                assert_ok(store_query(w->c, s, &rows, "SELECT 1 FROM line WHERE id = ?1", S_Z(id)));
                assert_int_equal(rows.count, 1);
            }
        }
        int64_t there = count_lines(w->c, s);
        assert_true(there >= acknowledged && there <= acknowledged + WRITERS);
        assert_ok(store_exec(w->c, s, NULL, "DELETE FROM line"));
        ctx_free(&w->c);
        stores_close(&w->at.stores);
    }
    munmap(ledger, sizeof(*ledger));
    world_open_stores(w, steps);
    w->c = world_ctx(w, &w->org_a);
}

/* ---- another process on the same files */

static void seen_org(void *arg, const struct id *org)
{
    struct world *w = arg;
    if (id_eq(org, &w->org_b)) {
        w->database[0]++;
    }
}

static void another_process_is_waited_for_and_noticed(void **state)
{
    struct world *w = *state;
    struct world second = *w;
    world_open_stores(&second, steps);
    struct ctx *c = ctx_new(&second.at, WORLD_ARENA_BYTES);
    c->org = w->org_a;
    struct store *mine = store_a(w), *theirs;
    assert_ok(store_of(c, &theirs));
    assert_ok(store_begin(w->c, mine));
    assert_ok(add_line(w->c, mine, "1", STR("x")));
    int64_t before = ctx_limit(c, 60);
    assert_int_equal(add_line(c, theirs, "2", STR("x")), E_TIMEOUT);
    assert_ok(store_commit(w->c, mine));
    c->deadline_steady_ms = before;
    assert_ok(add_line(c, theirs, "2", STR("x")));
    assert_int_equal(count_lines(w->c, mine), 2);
    ctx_free(&c);

    w->database[0] = 0;
    stores_news(w->at.stores, seen_org, w);
    w->database[0] = 0;
    c = ctx_new(&second.at, WORLD_ARENA_BYTES);
    c->org = w->org_b;
    assert_ok(store_of(c, &theirs));
    assert_ok(add_line(c, theirs, "3", STR("x")));
    struct timespec pause = {.tv_nsec = 10 * 1000000};
    for (int i = 0; i < 300 && w->database[0] == 0; i++) {
        nanosleep(&pause, NULL);
        stores_news(w->at.stores, seen_org, w);
    }
    assert_true(w->database[0] > 0);
    ctx_free(&c);
    stores_close(&second.at.stores);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        T(files_are_closed_to_others),
        T(erasing_leaves_no_file),
        T(who_waits_for_a_migration_waits_with_an_end),
        T(few_files_stay_open),
        T(a_backup_is_a_store_of_its_own),
        T(a_damaged_file_is_named),
        T(a_place_that_cannot_be_written_is_named),
        T(a_statement_may_change_megabytes),
        T(a_page_of_a_commit_is_one_write),
        T(a_log_that_was_written_by_frames_is_whole),
        T(waiting_transactions_share_a_commit),
        T(a_late_transaction_does_not_wait_for_the_disk),
        T(late_ones_beside_others_do_not_make_those_late),
        T(a_commit_that_fails_fails_for_all),
        T(a_member_that_gives_up_does_not_harm_the_group),
        T(a_full_disk_loses_nothing_acknowledged),
        T(a_disk_that_fills_under_many_tells_each_the_truth),
        T(what_was_acknowledged_survives_a_kill),
        T(another_process_is_waited_for_and_noticed),
    };
    return cmocka_run_group_tests_name("SQLite", tests, NULL, NULL);
}
