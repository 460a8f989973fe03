#include "unit/codec/sample.h"

#include <sys/wait.h>
#include <unistd.h>

#include "base/id.h"

static void test_new(void **state)
{
    (void)state;
    struct id before = id_new(1772360430123);
    for (int i = 0; i < 3000; i++) {
        struct id id = id_new(1772360430123), parsed;
        assert_true(id_parse(id_str(&id), &parsed) && id_eq(&id, &parsed));
        assert_int_equal(id.text[14], '7');
        assert_non_null(strchr("89ab", id.text[19]));
        assert_true(strcmp(before.text, id.text) < 0); /* in order of making, in one millisecond */
        before = id;
    }
    assert_memory_equal(before.text, "019ca8e9-f22b", 13); /* the time in front */
    struct id later = id_new(1772360430124);
    assert_true(strcmp(before.text, later.text) < 0);
}

static void test_parses(void **state)
{
    static const char *const BAD[] = {
        "",
        "0190b6f4-4f1c-7f3e-8a2b-1c2d3e4f5a6",
        "0190b6f4-4f1c-7f3e-8a2b-1c2d3e4f5a6bc",
        "0190b6f44f1c-7f3e-8a2b-1c2d3e4f5a6b-",
        "0190b6f4-4f1c-7f3e-8a2b-1c2d3e4f5a6g",
        "{190b6f4-4f1c-7f3e-8a2b-1c2d3e4f5a6}",
        "0190b6f4 4f1c 7f3e 8a2b 1c2d3e4f5a6b",
    };
    (void)state;
    struct id id = {"untouched"};
    for (size_t i = 0; i < SAMPLE_COUNT(BAD); i++) {
        assert_false(id_parse(str_of(BAD[i]), &id));
    }
    assert_string_equal(id.text, "untouched");
    assert_true(id_parse(STR("0190B6F4-4F1C-7F3E-8A2B-1C2D3E4F5A6B"), &id));
    assert_string_equal(id.text, "0190b6f4-4f1c-7f3e-8a2b-1c2d3e4f5a6b");
    struct id unset = {""};
    assert_true(id_is_set(&id) && !id_is_set(&unset) && !id_eq(&id, &unset));
}

static void test_names(void **state)
{
    (void)state;
    struct id a = id_from_name(STR("brightwell")), b = id_from_name(STR("brightwell")), parsed;
    struct id other = id_from_name(STR("brightwelm"));
    assert_true(id_eq(&a, &b) && !id_eq(&a, &other) && id_parse(id_str(&a), &parsed));
    assert_int_equal(a.text[14], '8');
}

static void test_random(void **state)
{
    (void)state;
    char one[65], two[65];
    id_random_hex(one, 32);
    id_random_hex(two, 32);
    assert_int_equal(strlen(one), 64);
    assert_int_equal(strspn(one, "0123456789abcdef"), 64);
    assert_string_not_equal(one, two);
}

/* A forked process has its parent's memory, and must not have its luck. */
static void test_forks(void **state)
{
    (void)state;
    char mine[33], theirs[33] = {0};
    int line[2];
    assert_int_equal(pipe(line), 0);
    id_random_hex(mine, 4); /* now there is a pool */
    pid_t pid = fork();
    if (pid == 0) {
        id_random_hex(theirs, 16);
        _exit(write(line[1], theirs, 32) == 32 ? 0 : 1);
    }
    assert_int_equal(read(line[0], theirs, 32), 32);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    id_random_hex(mine, 16);
    assert_string_not_equal(mine, theirs);
    close(line[0]);
    close(line[1]);
}

int main(void)
{
    static const struct CMUnitTest TESTS[] = {
        SAMPLE_TEST(test_new),    SAMPLE_TEST(test_parses), SAMPLE_TEST(test_names),
        SAMPLE_TEST(test_random), SAMPLE_TEST(test_forks),
    };
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
