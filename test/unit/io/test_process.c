#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "io/process.h"

static struct facilities at;

static int setup(void **state)
{
    at.clock = clock_new();
    *state = ctx_new(&at, 1 << 20);
    return 0;
}

static int teardown(void **state)
{
    struct ctx *c = *state;
    ctx_free(&c);
    clock_free(&at.clock);
    return 0;
}

static struct process *start(struct ctx *c, const char *const *argv, const char *const *env)
{
    static const char *const none[] = {NULL};
    struct process_config config = {.argv = argv, .env = env ? env : none};
    struct process *p = NULL;
    assert_int_equal(process_start(c, &config, &p), E_OK);
    return p;
}

/* Everything until it ends; errors are marked by a leading '!'. */
static struct str read_all(struct ctx *c, struct process *p)
{
    struct buf b = buf_make(1 << 16);
    char bytes[4096];
    size_t n;
    enum process_event e;
    while ((e = process_read(p, 10000, bytes, sizeof(bytes), &n)) != PROCESS_ENDED) {
        assert_int_not_equal(e, PROCESS_QUIET);
        if (e == PROCESS_ERRORS) {
            buf_add_char(&b, '!');
        }
        buf_add(&b, bytes, n);
    }
    struct str all = str_dup(c->arena, buf_str(&b));
    buf_free(&b);
    return all;
}

static void echoes_and_ends_when_its_input_closes(void **state)
{
    struct ctx *c = *state;
    const char *const argv[] = {"/bin/cat", NULL};
    struct process *p = start(c, argv, NULL);
    char bytes[64], how[64] = "";
    size_t n;
    assert_int_equal(process_write(c, p, STR("one line\n")), E_OK);
    assert_int_equal(process_read(p, 10000, bytes, sizeof(bytes), &n), PROCESS_OUTPUT);
    assert_int_equal(n, 9);
    assert_memory_equal(bytes, "one line\n", 9);
    assert_int_equal(process_read(p, 0, bytes, sizeof(bytes), &n), PROCESS_QUIET);
    process_wake(p);
    assert_int_equal(process_read(p, 10000, bytes, sizeof(bytes), &n), PROCESS_WOKEN);
    process_stop(&p, 10000, how, sizeof(how));
    assert_null(p);
    assert_string_equal(how, "ended with status 0");
}

static void sees_only_what_it_is_given(void **state)
{
    struct ctx *c = *state;
    const char *const argv[] = {"/usr/bin/env", NULL};
    const char *const env[] = {"ONLY=this", NULL};
    setenv("SECRET_OF_OURS", "1", 1);
    struct process *p = start(c, argv, env);
    struct str all = read_all(c, p);
    process_stop(&p, 10000, NULL, 0);
    unsetenv("SECRET_OF_OURS");
    assert_true(str_eqz(all, "ONLY=this\n"));
}

static void has_no_descriptor_of_ours(void **state)
{
    struct ctx *c = *state;
    int leak = dup(1); /* not close-on-exec */
    const char *const argv[] = {"/bin/ls", "/proc/self/fd", NULL};
    struct process *p = start(c, argv, NULL);
    struct str all = read_all(c, p);
    process_stop(&p, 10000, NULL, 0);
    close(leak);
    assert_true(str_eqz(all, "0\n1\n2\n3\n")); /* 3: the folder it lists */
}

static void works_where_it_is_told_without_a_shell(void **state)
{
    struct ctx *c = *state;
    const char *const argv[] = {"/bin/pwd", NULL};
    const char *const none[] = {NULL};
    struct process_config config = {.argv = argv, .env = none, .folder = "/usr"};
    struct process *p = NULL;
    assert_int_equal(process_start(c, &config, &p), E_OK);
    assert_true(str_eqz(read_all(c, p), "/usr\n"));
    process_stop(&p, 10000, NULL, 0);
    const char *const echo[] = {"/bin/echo", "$HOME; `id` > /tmp/x", NULL};
    p = start(c, echo, NULL);
    assert_true(str_eqz(read_all(c, p), "$HOME; `id` > /tmp/x\n"));
    process_stop(&p, 10000, NULL, 0);
}

static void tells_what_it_says_on_standard_error(void **state)
{
    struct ctx *c = *state;
    const char *const argv[] = {"/bin/sh", "-c", "echo help >&2; exit 3", NULL};
    struct process *p = start(c, argv, NULL);
    char how[64] = "";
    assert_true(str_eqz(read_all(c, p), "!help\n"));
    process_stop(&p, 10000, how, sizeof(how));
    assert_string_equal(how, "ended with status 3");
}

static void one_that_cannot_run_is_refused(void **state)
{
    struct ctx *c = *state;
    static const struct {
        const char *path;
        enum err err;
        const char *why;
    } rows[] = {
        {"/no/such/program", E_NOT_FOUND, "absent"},
        {"/etc/passwd", E_DENIED, "not executable"},
        {"/tmp", E_DENIED, "a folder"},
        {"cat", E_INVALID, "no absolute path: nothing is searched"},
    };
    const char *const none[] = {NULL};
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        const char *const argv[] = {rows[i].path, NULL};
        struct process_config config = {.argv = argv, .env = none};
        struct process *p = NULL;
        enum err e = process_start(c, &config, &p);
        if (e != rows[i].err) {
            fail_msg("%s (%s): %s", rows[i].path, rows[i].why, err_name(e));
        }
        assert_null(p);
    }
}

static void one_that_does_not_end_is_made_to(void **state)
{
    struct ctx *c = *state;
    const char *const argv[] = {"/bin/sh", "-c", "trap '' TERM; echo on; while :; do sleep 1; done",
                                NULL};
    const char *const env[] = {"PATH=/usr/bin:/bin", NULL};
    struct process *p = start(c, argv, env);
    char bytes[16], how[64] = "";
    size_t n;
    assert_int_equal(process_read(p, 10000, bytes, sizeof(bytes), &n), PROCESS_OUTPUT);
    process_stop(&p, 20, how, sizeof(how));
    assert_string_equal(how, "ended by signal 9");
}

static void limits_hold(void **state)
{
    struct ctx *c = *state;
    const char *const argv[] = {"/bin/sh", "-c", "ulimit -d; ulimit -t; ulimit -c; ulimit -n",
                                NULL};
    const char *const none[] = {NULL};
    struct process_config config = {
        .argv = argv, .env = none, .memory_max_bytes = 64 << 20, .cpu_max_s = 7};
    struct process *p = NULL;
    assert_int_equal(process_start(c, &config, &p), E_OK);
    assert_true(str_eqz(read_all(c, p), "65536\n7\n0\n256\n"));
    process_stop(&p, 10000, NULL, 0);
}

static void writing_to_one_that_reads_nothing_ends_in_time(void **state)
{
    struct ctx *c = *state;
    const char *const argv[] = {"/bin/sleep", "600", NULL};
    struct process *p = start(c, argv, NULL);
    char *much = mem_new(4 << 20);
    int64_t before = ctx_limit(c, 50);
    assert_int_equal(process_write(c, p, str_make(much, 4 << 20)), E_TIMEOUT);
    c->deadline_steady_ms = before;
    assert_int_equal(process_write(c, p, STR("x")), E_UNAVAILABLE); /* the stream is broken */
    free(much);
    process_stop(&p, 10, NULL, 0);
}

static void writing_to_one_that_ended_is_no_signal(void **state)
{
    struct ctx *c = *state;
    const char *const argv[] = {"/bin/true", NULL};
    struct process *p = start(c, argv, NULL);
    read_all(c, p);
    enum err e = E_OK;
    for (int i = 0; i < 1000000 && e == E_OK; i++) { /* its descriptors close one by one */
        e = process_write(c, p, STR("x"));
    }
    assert_int_equal(e, E_UNAVAILABLE);
    process_stop(&p, 10000, NULL, 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(echoes_and_ends_when_its_input_closes),
        cmocka_unit_test(sees_only_what_it_is_given),
        cmocka_unit_test(has_no_descriptor_of_ours),
        cmocka_unit_test(works_where_it_is_told_without_a_shell),
        cmocka_unit_test(tells_what_it_says_on_standard_error),
        cmocka_unit_test(one_that_cannot_run_is_refused),
        cmocka_unit_test(one_that_does_not_end_is_made_to),
        cmocka_unit_test(limits_hold),
        cmocka_unit_test(writing_to_one_that_reads_nothing_ends_in_time),
        cmocka_unit_test(writing_to_one_that_ended_is_no_signal),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
