#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/log.h"
#include "main/arguments.h"

static const struct option options[] = {
    {"port", 'p', "N", "a number"},
    {"force", 'f', NULL, "a switch"},
    {0},
};
static const struct command command = {
    .name = "try", .args = "", .reach = COMMAND_REMOTE, .options = options};

struct world {
    struct facilities at;
    struct ctx *c;
};

static int make_world(void **state)
{
    struct world *w = calloc(1, sizeof(*w));
    w->at.clock = clock_new();
    w->c = ctx_new(&w->at, 1 << 20);
    *state = w;
    return 0;
}

static int free_world(void **state)
{
    struct world *w = *state;
    ctx_free(&w->c);
    clock_free(&w->at.clock);
    free(w);
    return 0;
}

/* "a b c" as argv. */
static int split(struct ctx *c, const char *line, char **out_argv)
{
    struct str rest = str_of(line), word;
    int n = 0;
    while (str_split(&rest, ' ', &word)) {
        out_argv[n++] = str_dupz(c->arena, word);
    }
    out_argv[n] = NULL;
    return n;
}

static void test_reads(void **state)
{
    static const struct {
        const char *line, *port;
        bool force, json;
        int args;
        const char *why;
    } rows[] = {
        {"--port 80 a", "80", false, false, 1, "value apart"},
        {"--port=80 a b", "80", false, false, 2, "value with ="},
        {"-p 80 -f", "80", true, false, 0, "letters"},
        {"-p80", "80", false, false, 0, "value at the letter"},
        {"--port 1 --port 2", "2", false, false, 0, "the last one counts"},
        {"a --json b", NULL, false, true, 2, "shared options, anywhere"},
        {"-- --force -p", NULL, false, false, 2, "after -- all is meant literally"},
        {"-", NULL, false, false, 1, "a dash alone is an argument"},
        {"--port=", "", false, false, 0, "an empty value is one"},
        {"--port -1", "-1", false, false, 0, "a value may begin with a dash"},
    };
    struct world *w = *state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        char *argv[16];
        struct invocation in = {.command = &command};
        enum err e = arguments_parse(w->c, &in, split(w->c, rows[i].line, argv), argv);
        const char *port = command_option(&in, "port", NULL);
        bool same = port && rows[i].port ? strcmp(port, rows[i].port) == 0 : port == rows[i].port;
        if (e != E_OK || !same || command_has(&in, "force") != rows[i].force ||
            in.json != rows[i].json || in.arg_count != rows[i].args) {
            fail_msg("%s: %s (%s)", rows[i].line, rows[i].why, w->c->fault.text);
        }
    }
}

static void test_refuses(void **state)
{
    static const struct {
        const char *line, *text, *why;
    } rows[] = {
        {"--prot 80", "did you mean --port?", "swapped letters"},
        {"--forc", "did you mean --force?", "a letter too few"},
        {"--frobnicate", "see `rapport help try`", "nothing near"},
        {"-x", "unknown option -x", "an unknown letter"},
        {"--port", "--port needs N", "no value"},
        {"--force=yes", "--force takes no value", "a value for a switch"},
        {"--jsno", "did you mean --json?", "shared options are suggested too"},
    };
    struct world *w = *state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        char *argv[16];
        struct invocation in = {.command = &command};
        enum err e = arguments_parse(w->c, &in, split(w->c, rows[i].line, argv), argv);
        if (e != E_INVALID || in.exit_code != COMMAND_USAGE ||
            !strstr(w->c->fault.text, rows[i].text)) {
            fail_msg("%s: %s: \"%s\"", rows[i].line, rows[i].why, w->c->fault.text);
        }
    }
}

static void test_numbers(void **state)
{
    struct world *w = *state;
    char *argv[16];
    int64_t range[2] = {0, 65535}, value = 8080;
    struct invocation in = {.command = &command};
    assert_int_equal(command_number(w->c, &in, "port", range, &value), E_OK);
    assert_int_equal(value, 8080); /* not given: as it was */
    static const char *const wrong[] = {"--port x", "--port 65536", "--port -1", "--port="};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        in = (struct invocation){.command = &command};
        assert_int_equal(arguments_parse(w->c, &in, split(w->c, wrong[i], argv), argv), E_OK);
        assert_int_equal(command_number(w->c, &in, "port", range, &value), E_INVALID);
        assert_int_equal(in.exit_code, COMMAND_USAGE);
        assert_int_equal(value, 8080);
    }
}

static void test_finds_commands(void **state)
{
    static const struct {
        const char *line, *name;
        int words;
    } rows[] = {
        {"rapport serve --port 1", "serve", 1},
        {"rapport agent list", "agent list", 2},
        {"rapport agent list x", "agent list", 2},
        {"rapport chat agent", "chat", 1},
        {"rapport agent", NULL, 0},
        {"rapport nonsense", NULL, 0},
        {"rapport", NULL, 0},
    };
    struct world *w = *state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        char *argv[16];
        int words = 0, argc = split(w->c, rows[i].line, argv);
        const struct command *found = arguments_command(argc, argv, &words);
        if ((found == NULL) != (rows[i].name == NULL) || words != rows[i].words ||
            (found && strcmp(found->name, rows[i].name) != 0)) {
            fail_msg("%s", rows[i].line);
        }
    }
}

/* The first word of "agent list" is a group that can be suggested. */
static bool has_group(const struct command *it)
{
    struct str rest = str_of(it->name), first;
    str_split(&rest, ' ', &first);
    bool found = rest.n == 0;
    for (int i = 0; command_group_at(i); i++) {
        found = found || str_eqz(first, command_group_at(i));
    }
    return found;
}

static void test_suggests(void **state)
{
    static const char *const rows[][2] = {
        {"serv", "serve"},
        {"agnt", "agent"},
        {"agent lsit", "agent list"},
        {"kb serch", "kb search"},
        {"evnets tail", "events tail"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        const char *near = command_nearest(str_of(rows[i][0]));
        assert_non_null(near);
        assert_string_equal(near, rows[i][1]);
    }
    assert_null(command_nearest(STR("frobnicate")));
}

/* The tables themselves: what help, completion and dispatch rely on. */
static void test_tables(void **state)
{
    (void)state;
    const struct command *it;
    for (int i = 0; (it = command_at(i)) != NULL; i++) {
        assert_ptr_equal(command_find(str_of(it->name)), it); /* no name twice */
        assert_non_null(it->run);
        assert_true(it->summary[0] && it->args);
        assert_true(has_group(it));
        assert_true(it->args_max < 0 || it->args_max >= it->args_min);
        for (const struct option *o = it->options; o && o->name; o++) {
            const struct option *shared = command_shared_options(it->reach);
            for (const struct option *s = shared; s->name; s++) {
                assert_string_not_equal(o->name, s->name);
                assert_true(!o->letter || o->letter != s->letter);
            }
            for (const struct option *other = it->options; other != o; other++) {
                assert_true(!o->letter || o->letter != other->letter);
            }
        }
    }
}

static void test_exit_codes(void **state)
{
    (void)state;
    assert_int_equal(command_exit_code(E_OK), 0);
    assert_int_equal(command_exit_code(E_CONFLICT), COMMAND_CONFLICT);
    assert_int_equal(command_exit_code(E_DENIED), COMMAND_DENIED);
    assert_int_equal(command_exit_code(E_UNAUTHENTICATED), COMMAND_DENIED);
    assert_int_equal(command_exit_code(E_FULL), COMMAND_FULL);
    assert_int_equal(command_exit_code(E_UNAVAILABLE), COMMAND_UNAVAILABLE);
    assert_int_equal(command_exit_code(E_INVALID), COMMAND_OTHER);
    for (int e = 1; e < E_COUNT; e++) {
        assert_int_not_equal(command_exit_code((enum err)e), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_reads, make_world, free_world),
        cmocka_unit_test_setup_teardown(test_refuses, make_world, free_world),
        cmocka_unit_test_setup_teardown(test_numbers, make_world, free_world),
        cmocka_unit_test_setup_teardown(test_finds_commands, make_world, free_world),
        cmocka_unit_test(test_tables),
        cmocka_unit_test(test_suggests),
        cmocka_unit_test(test_exit_codes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
