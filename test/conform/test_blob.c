/* The contract of blobs over every driver. */
#include "conform/world.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "store/blob.h"

static const struct migration no_steps[] = {{0}};

static int setup(void **state)
{
    struct world *w = mem_new(sizeof(*w));
    world_open(w, STORE_SQLITE, no_steps);
    static char folder[160];
    snprintf(folder, sizeof(folder), "%s/blobs", w->folder);
    struct blob_config config = {.kind = BLOB_FILES, .folder = folder};
    assert_ok(blobs_open(w->c, &config, &w->at.blobs));
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    blobs_close(&w->at.blobs);
    world_close(w);
    free(w);
    return 0;
}

static void what_is_put_is_got(void **state)
{
    struct world *w = *state;
    struct blob_info info, again;
    struct str got;
    char bytes[100000];
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (char)(i * 7);
    }
    assert_ok(
        blob_put(w->c, STR("documents/d1/source.pdf"), str_make(bytes, sizeof(bytes)), &info));
    assert_int_equal(info.size_bytes, sizeof(bytes));
    assert_int_equal(strlen(info.sha256), 64);
    assert_ok(blob_get(w->c, STR("documents/d1/source.pdf"), &got));
    assert_true(str_eq(got, str_make(bytes, sizeof(bytes))));
    assert_ok(blob_stat(w->c, STR("documents/d1/source.pdf"), &again));
    assert_string_equal(again.sha256, info.sha256);
    assert_int_equal(again.size_bytes, sizeof(bytes));
    assert_ok(blob_put(w->c, STR("documents/d1/source.pdf"), STR("new"), NULL)); /* replaces */
    assert_ok(blob_get(w->c, STR("documents/d1/source.pdf"), &got));
    assert_true(str_eqz(got, "new"));
    assert_ok(blob_put(w->c, STR("empty"), STR(""), &info));
    assert_string_equal(info.sha256,
                        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_ok(blob_get(w->c, STR("empty"), &got));
    assert_int_equal(got.n, 0);
}

static void what_is_deleted_is_gone(void **state)
{
    struct world *w = *state;
    struct str got;
    struct blob_info info;
    assert_ok(blob_put(w->c, STR("a/b/c"), STR("1"), NULL));
    assert_ok(blob_put(w->c, STR("a"), STR("2"), NULL)); /* a key may be the start of another */
    assert_ok(blob_delete(w->c, STR("a/b/c")));
    assert_ok(blob_delete(w->c, STR("a/b/c"))); /* again: no error */
    assert_int_equal(blob_get(w->c, STR("a/b/c"), &got), E_NOT_FOUND);
    assert_int_equal(blob_stat(w->c, STR("a/b"), &info), E_NOT_FOUND);
    assert_ok(blob_get(w->c, STR("a"), &got));
    assert_ok(blob_put(w->c, STR("a/b/c"), STR("3"), NULL));
}

static void keys_that_could_mean_something_else_are_refused(void **state)
{
    struct world *w = *state;
    static const char *const bad[] = {
        "",
        "/",
        "/a",
        "a/",
        "a//b",
        ".",
        "..",
        "a/../b",
        "../x",
        "a/./b",
        "a b",
        "a~",
        "ä",
        "a\\b",
        "a:b",
        "a\nb",
        "%2e%2e",
        "a/b/../../../c",
        "1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17",
    };
    struct str got;
    char long_key[BLOB_KEY_MAX_BYTES + 2], long_segment[202];
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(blob_put(w->c, str_of(bad[i]), STR("x"), NULL), E_INVALID);
        assert_int_equal(blob_get(w->c, str_of(bad[i]), &got), E_INVALID);
        assert_int_equal(blob_delete(w->c, str_of(bad[i])), E_INVALID);
    }
    for (size_t i = 0; i < sizeof(long_key); i++) {
        long_key[i] = i % 100 == 99 ? '/' : 'k';
    }
    memset(long_segment, 'k', sizeof(long_segment));
    assert_int_equal(blob_put(w->c, str_make(long_key, sizeof(long_key)), STR("x"), NULL),
                     E_INVALID);
    assert_int_equal(blob_put(w->c, str_make(long_segment, 201), STR("x"), NULL), E_INVALID);
    assert_ok(blob_put(w->c, str_make(long_segment, 200), STR("x"), NULL));
    assert_int_equal(blob_put(w->c, str_make("a\0b", 3), STR("x"), NULL), E_INVALID);
}

static void size_is_bounded(void **state)
{
    struct world *w = *state;
    char *bytes = mem_new((size_t)BLOB_MAX_BYTES + 1);
    assert_int_equal(blob_put(w->c, STR("big"), str_make(bytes, (size_t)BLOB_MAX_BYTES + 1), NULL),
                     E_TOO_LARGE);
    assert_ok(blob_put(w->c, STR("big"), str_make(bytes, BLOB_MAX_BYTES), NULL));
    free(bytes);
}

static void orgs_do_not_meet(void **state)
{
    struct world *w = *state;
    struct ctx *other = world_ctx(w, &w->org_b);
    struct str got;
    struct blob_page page;
    assert_ok(blob_put(w->c, STR("same/key"), STR("mine"), NULL));
    assert_int_equal(blob_get(other, STR("same/key"), &got), E_NOT_FOUND);
    assert_ok(blob_put(other, STR("same/key"), STR("theirs"), NULL));
    assert_ok(blob_get(w->c, STR("same/key"), &got));
    assert_true(str_eqz(got, "mine"));
    assert_ok(blobs_erase(other, &w->org_b));
    assert_ok(blob_list(other, STR(""), STR(""), &page));
    assert_int_equal(page.count, 0);
    assert_ok(blob_get(w->c, STR("same/key"), &got));
    other->org = (struct id){"../../../../../../../../../../../../"};
    assert_int_equal(blob_get(other, STR("same/key"), &got), E_INTERNAL);
    other->org = (struct id){""};
    assert_int_equal(blob_put(other, STR("same/key"), STR("x"), NULL), E_INTERNAL);
    ctx_free(&other);
}

static void keys_are_listed_in_order_by_pages(void **state)
{
    struct world *w = *state;
    static const char *const keys[] = {"a",     "a-b", "a.b", "a/b", "a/b-c",
                                       "a/b/c", "a0",  "b/z", "c"};
    enum { KEYS = sizeof(keys) / sizeof(keys[0]), MANY = BLOB_PAGE_MAX + 5 };
    struct blob_page page;
    for (size_t i = KEYS; i > 0; i--) {
        assert_ok(blob_put(w->c, str_of(keys[i - 1]), STR("x"), NULL));
    }
    assert_ok(blob_list(w->c, STR(""), STR(""), &page));
    assert_int_equal(page.count, KEYS);
    for (int i = 0; i < page.count; i++) {
        assert_true(str_eqz(page.items[i].key, keys[i]));
        assert_int_equal(page.items[i].size_bytes, 1);
    }
    assert_ok(blob_list(w->c, STR("a/"), STR(""), &page));
    assert_int_equal(page.count, 3);
    assert_ok(blob_list(w->c, STR("a"), STR("a/b"), &page));
    assert_int_equal(page.count, 3); /* a/b-c a/b/c a0 */
    assert_true(str_eqz(page.items[0].key, "a/b-c") && str_eqz(page.items[2].key, "a0"));
    for (int i = 0; i < MANY; i++) {
        assert_ok(blob_put(w->c, str_fmt(w->c->arena, "many/%05d", i), STR("x"), NULL));
    }
    assert_ok(blob_list(w->c, STR("many/"), STR(""), &page));
    assert_true(page.more && page.count == BLOB_PAGE_MAX);
    assert_ok(blob_list(w->c, STR("many/"), page.items[page.count - 1].key, &page));
    assert_true(!page.more && page.count == 5);
}

static void damage_is_noticed(void **state)
{
    struct world *w = *state;
    char path[512];
    struct str got;
    assert_ok(blob_put(w->c, STR("d"), STR("precious"), NULL));
    snprintf(path, sizeof(path), "%s/blobs/%s/d~", w->folder, w->org_a.text);
    int fd = open(path, O_WRONLY);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, "X", 1, 95), 1);
    assert_int_equal(blob_get(w->c, STR("d"), &got), E_INTERNAL);
    assert_non_null(strstr(w->c->fault.text, "damaged"));
    assert_int_equal(ftruncate(fd, 20), 0);
    assert_int_equal(blob_get(w->c, STR("d"), &got), E_INTERNAL);
    close(fd);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
}

static void a_full_disk_keeps_the_old_blob(void **state)
{
    struct world *w = *state;
    static char bytes[200000];
    struct str got;
    struct blob_page page;
    assert_ok(blob_put(w->c, STR("k"), STR("old"), NULL));
    struct rlimit before, small = {.rlim_cur = 65536};
    getrlimit(RLIMIT_FSIZE, &before);
    small.rlim_max = before.rlim_max;
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &small);
    enum err e = blob_put(w->c, STR("k"), str_make(bytes, sizeof(bytes)), NULL);
    setrlimit(RLIMIT_FSIZE, &before);
    assert_int_equal(e, E_FULL);
    assert_ok(blob_get(w->c, STR("k"), &got));
    assert_true(str_eqz(got, "old"));
    assert_ok(blob_list(w->c, STR(""), STR(""), &page));
    assert_int_equal(page.count, 1);
}

/* What somebody else laid into a folder, `age_s` ago. */
static void lay(const struct world *w, const char *name, const char *text, int age_s)
{
    char path[400];
    snprintf(path, sizeof(path), "%s/blobs/%s/inbox/%s", w->folder, w->c->org.text, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
    struct timespec at[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = time(NULL) - age_s}};
    assert_int_equal(utimensat(AT_FDCWD, path, at, 0), 0);
}

static enum err keep_long(struct ctx *c, void *arg, struct str key, int64_t size_bytes)
{
    struct str *out = arg;
    *out = str_fmt(c->arena, "%.*s %lld", STR_ARG(key), (long long)size_bytes);
    return E_OK;
}

static void plain_files_become_blobs(void **state)
{
    struct world *w = *state;
    struct blob_page page;
    struct str long_one = {0};
    struct blob_wish wish = {STR("inbox"), STR(".json"), 10, keep_long, &long_one};
    struct str got;
    int taken = -1;
    assert_ok(blob_adopt(w->c, &wish, &taken)); /* there is no such folder */
    assert_int_equal(taken, 0);
    assert_ok(blob_put(w->c, STR("inbox/own.json"), STR("own"), NULL));
    lay(w, "a.json", "plain", 10);
    lay(w, "own.json", "newer", 10);
    lay(w, "fresh.json", "half a", 0);
    lay(w, "long.json", "more than ten", 10);
    lay(w, "no key.json", "x", 10);
    lay(w, ".hidden", "x", 10);
    lay(w, "a.json.part", "x", 10);
    lay(w, "notes.csv", "x", 10);
    assert_ok(blob_adopt(w->c, &wish, &taken));
    assert_int_equal(taken, 2);
    assert_ok(blob_list(w->c, STR("inbox/"), STR(""), &page));
    assert_int_equal(page.count, 2);
    assert_ok(blob_get(w->c, STR("inbox/a.json"), &got));
    assert_true(str_eqz(got, "plain"));
    assert_ok(blob_get(w->c, STR("inbox/own.json"), &got));
    assert_true(str_eqz(got, "newer"));
    assert_true(str_eqz(long_one, "inbox/long.json 13"));
    wish.too_long = NULL;
    assert_ok(blob_adopt(w->c, &wish, &taken)); /* they are gone */
    assert_int_equal(taken, 0);
    char left[400];
    snprintf(left, sizeof(left), "%s/blobs/%s/inbox/a.json.part", w->folder, w->c->org.text);
    assert_int_equal(access(left, F_OK), 0); /* what is not wanted is not touched */
}

/* A reader sees the old or the new bytes, also when the writer is killed. */
static void a_killed_writer_leaves_no_half_blob(void **state)
{
    struct world *w = *state;
    enum { BYTES = 300000 };
    char *ones = mem_new(BYTES), *twos = mem_new(BYTES);
    memset(ones, '1', BYTES);
    memset(twos, '2', BYTES);
    assert_ok(blob_put(w->c, STR("k"), str_make(ones, BYTES), NULL));
    for (int round = 0; round < 6; round++) {
        pid_t child = fork();
        if (child == 0) {
            for (;;) {
                blob_put(w->c, STR("k"), str_make(twos, BYTES), NULL);
                blob_put(w->c, STR("k"), str_make(ones, BYTES), NULL);
            }
        }
        struct timespec pause = {.tv_nsec = (3 + round * 4) * 1000000L};
        nanosleep(&pause, NULL);
        struct ctx *c = world_ctx(w, &w->org_a);
        struct str got;
        for (int i = 0; i < 20; i++) {
            assert_ok(blob_get(c, STR("k"), &got));
            assert_int_equal(got.n, BYTES);
        }
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        assert_ok(blob_get(c, STR("k"), &got)); /* its SHA-256 is checked */
        ctx_free(&c);
    }
    free(ones);
    free(twos);
}

struct putter {
    struct world *w;
    pthread_t thread;
    int number, failures;
};

static void *put_and_delete(void *arg)
{
    struct putter *p = arg;
    struct ctx *c = world_ctx(p->w, &p->w->org_a);
    for (int i = 0; i < 60; i++) {
        struct str key = str_fmt(c->arena, "deep/%d/x%d", i % 3, p->number);
        struct str got;
        p->failures += blob_put(c, key, str_fmt(c->arena, "%d", i), NULL) != E_OK;
        p->failures += blob_get(c, key, &got) != E_OK;
        p->failures += blob_delete(c, key) != E_OK;
    }
    ctx_free(&c);
    return NULL;
}

/* Deleting takes empty folders away while others make them. */
static void many_at_once(void **state)
{
    struct world *w = *state;
    struct putter putters[6];
    for (int i = 0; i < 6; i++) {
        putters[i] = (struct putter){.w = w, .number = i};
        pthread_create(&putters[i].thread, NULL, put_and_delete, &putters[i]);
    }
    for (int i = 0; i < 6; i++) {
        pthread_join(putters[i].thread, NULL);
        assert_int_equal(putters[i].failures, 0);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        T(what_is_put_is_got),
        T(what_is_deleted_is_gone),
        T(keys_that_could_mean_something_else_are_refused),
        T(size_is_bounded),
        T(orgs_do_not_meet),
        T(keys_are_listed_in_order_by_pages),
        T(plain_files_become_blobs),
        T(damage_is_noticed),
        T(a_full_disk_keeps_the_old_blob),
        T(a_killed_writer_leaves_no_half_blob),
        T(many_at_once),
    };
    return cmocka_run_group_tests_name("blobs in files", tests, NULL, NULL);
}
