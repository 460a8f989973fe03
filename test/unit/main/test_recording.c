/* Recordings as people keep them: one a file or one a line, a folder in order of name, and faults
 * that name file and line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "main/file.h"
#include "main/recording.h"

#define TURN "{\"turns\":[{\"contact\":\"hello\"}]}"

struct place {
    char folder[64];
    struct ctx *c;
};

static int make_place(void **state)
{
    static const struct facilities none;
    static struct place p;
    snprintf(p.folder, sizeof(p.folder), "/tmp/rapport-recording-XXXXXX");
    p.c = ctx_new(&none, 64 << 20);
    *state = &p;
    return mkdtemp(p.folder) ? 0 : -1;
}

static int free_place(void **state)
{
    struct place *p = *state;
    struct file_names names;
    if (file_list(p->c, p->folder, "", &names) == E_OK) {
        for (int i = 0; i < names.count; i++) {
            remove(str_dupz(p->c->arena, str_fmt(p->c->arena, "%s/%s", p->folder, names.items[i])));
        }
    }
    ctx_free(&p->c);
    return rmdir(p->folder);
}

static const char *put(struct place *p, const char *name, const char *text)
{
    const char *path = str_dupz(p->c->arena, str_fmt(p->c->arena, "%s/%s", p->folder, name));
    assert_int_equal(file_write(p->c, path, str_of(text), false), E_OK);
    return path;
}

static void test_folder(void **state)
{
    struct place *p = *state;
    struct recordings all;
    put(p, "b.json", "{\"name\":\"second\",\"turns\":[{\"contact\":\"x\",\"answer\":null}]}");
    put(p, "a.jsonl", TURN "\n\n  " TURN "\r\n");
    put(p, "notes.txt", "not a recording");
    assert_int_equal(recording_load(p->c, p->folder, &all), E_OK);
    assert_int_equal(all.count, 3);
    static const char *const names[] = {"a-1", "a-3", "second"};
    for (int i = 0; i < all.count; i++) {
        assert_true(str_eqz(all.items[i].name, names[i]));
        assert_int_equal(json_count(all.items[i].turns), 1);
    }
    assert_int_equal(all.items[1].line, 3);
}

static void test_file_name(void **state)
{
    struct place *p = *state;
    struct recordings all;
    assert_int_equal(recording_load(p->c, put(p, "returns.7.json", TURN), &all), E_OK);
    assert_int_equal(all.count, 1);
    assert_true(str_eqz(all.items[0].name, "returns"));
    assert_int_equal(all.items[0].line, 0);
}

struct row {
    const char *reason;
    const char *text;
    const char *told;
};

static const struct row rows[] = {
    {"cut off", "{\"turns\":[", "bad.jsonl:1: "},
    {"no object", "[]", "must be of type object"},
    {"without turns", "{\"name\":\"x\"}", "turns"},
    {"no turn at all", "{\"turns\":[]}", "turns"},
    {"a turn in which nothing is said", "{\"turns\":[{\"contact\":\"\"}]}", "turns[0].contact"},
    {"the second line", TURN "\n{\"turns\":[{}]}", "bad.jsonl:2: turns[0]"},
    {"an answer that is no text", "{\"turns\":[{\"contact\":\"x\",\"answer\":7}]}",
     "turns[0].answer"},
    {"a call without arguments", "{\"turns\":[{\"contact\":\"x\",\"calls\":[{\"name\":\"a\"}]}]}",
     "turns[0].calls[0]"},
    {"arguments that are no object",
     "{\"turns\":[{\"contact\":\"x\",\"calls\":[{\"name\":\"a\",\"arguments\":[]}]}]}",
     "turns[0].calls[0].arguments"},
    {"a contact with more than a name", "{\"contact\":{\"age\":7},\"turns\":[{\"contact\":\"x\"}]}",
     "contact"},
    {"a name twice", "{\"turns\":[{\"contact\":\"x\",\"contact\":\"y\"}]}", "bad.jsonl:1: "},
};

static void test_faults(void **state)
{
    struct place *p = *state;
    struct recordings all = {.count = -1};
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        print_message("# %s\n", rows[i].reason);
        assert_int_equal(recording_load(p->c, put(p, "bad.jsonl", rows[i].text), &all), E_INVALID);
        if (!strstr(p->c->fault.text, rows[i].told)) {
            fail_msg("\"%s\" is not in \"%s\"", rows[i].told, p->c->fault.text);
        }
        assert_int_equal(all.count, -1);
    }
}

static void test_nothing(void **state)
{
    struct place *p = *state;
    struct recordings all;
    assert_int_equal(recording_load(p->c, p->folder, &all), E_NOT_FOUND);
    assert_int_equal(recording_load(p->c, "/tmp/rapport-no-such-file.json", &all), E_NOT_FOUND);
    assert_int_equal(recording_load(p->c, put(p, "empty.jsonl", "\n\n"), &all), E_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_folder, make_place, free_place),
        cmocka_unit_test_setup_teardown(test_file_name, make_place, free_place),
        cmocka_unit_test_setup_teardown(test_faults, make_place, free_place),
        cmocka_unit_test_setup_teardown(test_nothing, make_place, free_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
