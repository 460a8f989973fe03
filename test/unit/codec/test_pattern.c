#include "unit/codec/sample.h"

#include "codec/pattern.h"

static struct pattern *make(const char *source)
{
    struct pattern *p = NULL;
    char problem[120];
    if (pattern_new(str_of(source), (struct pattern_flags){0}, &p, problem) != E_OK) {
        fail_msg("%s: %s", source, problem);
    }
    return p;
}

static void test_dialect(void **state)
{
    static const struct {
        const char *pattern, *text;
        bool found;
        const char *why;
    } ROWS[] = {
        {"^BW-[0-9]{5}$", "BW-10421", true, "anchored"},
        {"^BW-[0-9]{5}$", "BW-10421\n", false, "$ is the very end"},
        {"a|b", "xxb", true, "anywhere"},
        {"^a", "b\na", false, "^ is the very start"},
        {"\\d", "\xd9\xa3", false, "digits are ASCII"},
        {"\\w", "\xc3\xa9", false, "word characters are ASCII"},
        {"^\\W$", "\xc3\xa9", true, "and the rest is not"},
        {"^[\\d\\w-]+$", "a-1_", true, "sets inside a class"},
        {"^[^\\D]$", "7", true, "negated set in a negated class"},
        {"\\p{Lu}", "\xc3\x89", true, "properties"},
        {"^\\u00e9\\u{1F600}$", "\xc3\xa9\xf0\x9f\x98\x80", true, "code points"},
        {"^.$", "\xf0\x9f\x98\x80", true, ". is a character, not a byte"},
        {"[[]", "[", true, "[ in a class is itself"},
        {"^[a&&b]+$", "a&b", true, "& in a class is itself"},
        {"a.c", "a\nc", false, ". is no line end"},
        {"(?=x)x(?!y)", "xz", true, "looking ahead"},
        {"^(a+)+$", "aaaaaaaaaaaaaaaa", true, "nested repeats"},
        {"", "", true, "the empty pattern"},
        {"a", "\xff\x61", false, "no UTF-8, no match"},
    };
    (void)state;
    for (size_t i = 0; i < SAMPLE_COUNT(ROWS); i++) {
        struct pattern *p = make(ROWS[i].pattern);
        if (pattern_has(p, str_of(ROWS[i].text)) != ROWS[i].found) {
            fail_msg("%s", ROWS[i].why);
        }
        pattern_free(&p);
        assert_null(p);
    }
}

static void test_refuses(void **state)
{
    static const char *const ROWS[] = {
        "(",      "[a",       "a{2,1}",  "\\",    "*a",   "(?<n>a)\\g<n>",
        "(?~ab)", "(*FAIL)a", "\\u12",   "\\u{}", "\\Kx", "\xff",
        "(?{x})", "[b-a]",    "\\p{Xx}", "(?<n",  "a(?:b"};
    (void)state;
    for (size_t i = 0; i < SAMPLE_COUNT(ROWS); i++) {
        struct pattern *p = NULL;
        char problem[120] = "";
        if (pattern_new(str_of(ROWS[i]), (struct pattern_flags){0}, &p, problem) != E_INVALID ||
            !problem[0]) {
            fail_msg("accepted: %s", ROWS[i]);
        }
    }
}

static void test_bounds(void **state)
{
    struct arena *a = *state;
    struct pattern *p = make("^(a|aa)+$");
    char text[200];
    memset(text, 'a', sizeof(text));
    text[199] = 'b';
    bool found = true;
    assert_int_equal(pattern_find(p, str_make(text, 200), 0, &found, NULL), E_LIMIT);
    assert_false(pattern_has(p, str_make(text, 200)));
    pattern_free(&p);
    p = make("(x+x+)+y");
    memset(text, 'x', sizeof(text));
    assert_int_equal(pattern_find(p, str_make(text, 200), 0, &found, NULL), E_LIMIT);
    pattern_free(&p);
    char problem[120];
    char *big = arena_alloc(a, PATTERN_MAX_BYTES + 1);
    memset(big, 'a', PATTERN_MAX_BYTES + 1);
    struct pattern_flags none = {0};
    assert_int_equal(pattern_new(str_make(big, PATTERN_MAX_BYTES + 1), none, &p, problem),
                     E_TOO_LARGE);
    memset(big, '(', PATTERN_MAX_BYTES);
    assert_int_equal(pattern_new(str_make(big, PATTERN_MAX_BYTES), none, &p, problem), E_INVALID);
    assert_int_equal(pattern_new(STR("()()()()()()()()()()()()()()()()"), none, &p, problem),
                     E_INVALID);
    p = make("((((a{1,1000}){1,1000}){1,1000}){1,1000})");
    (void)pattern_has(p, str_make(text, 200));
    pattern_free(&p);
}

static void test_groups(void **state)
{
    (void)state;
    struct pattern *p = make("(?<day>\\d+)/(x)?(\\d+)");
    struct pattern_match m;
    bool found = false;
    assert_int_equal(pattern_find(p, STR("\xc3\xa9 12/34 5/6"), 0, &found, &m), E_OK);
    assert_true(found && m.count == 4);
    assert_true(m.start[0] == 3 && m.end[0] == 8);
    assert_true(m.start[1] == 3 && m.end[1] == 5);
    assert_true(m.start[2] == -1 && m.end[2] == -1);
    assert_true(m.start[3] == 6 && m.end[3] == 8);
    assert_true(str_eqz(pattern_group_name(p, 1), "day"));
    assert_int_equal(pattern_group_name(p, 3).n, 0);
    assert_int_equal(pattern_find(p, STR("\xc3\xa9 12/34 5/6"), 8, &found, &m), E_OK);
    assert_true(found && m.start[0] == 9);
    assert_int_equal(pattern_find(p, STR("x"), 2, &found, &m), E_OK);
    assert_false(found);
    pattern_free(&p);
    char problem[120];
    struct pattern_flags all = {.ignore_case = true, .extended = true, .dot_all = true};
    assert_int_equal(pattern_new(STR("A . b # two"), all, &p, problem), E_OK);
    assert_true(pattern_has(p, STR("a\nB")));
    pattern_free(&p);
}

int main(void)
{
    static const struct CMUnitTest TESTS[] = {
        SAMPLE_TEST(test_dialect),
        SAMPLE_TEST(test_refuses),
        SAMPLE_TEST(test_bounds),
        SAMPLE_TEST(test_groups),
    };
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
