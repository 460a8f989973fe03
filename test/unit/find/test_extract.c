#include "unit/codec/sample.h"

#include "find/extract.h"

static void test_types(void **state)
{
    struct arena *a = *state;
    static const struct {
        const char *type, *bytes, *title, *text;
    } ROWS[] = {
        {"text/plain", "One.\n\nTwo.", "", "One.\n\nTwo."},
        {"", "plain by default", "", "plain by default"},
        {"text/markdown; charset=utf-8", "---\ntitle: T\n---\n\nHello *you*.", "T", "Hello you."},
        {"TEXT/MARKDOWN", "# Head\n\nBody.", "Head", "Body."},
        {"text/html", "<title>T</title><script>x()</script><p>One</p><p>Two</p>", "T",
         "One\n\nTwo"},
        {"text/csv", "q,a\nWhy?,\"Because, so\"\n\nHow?,\n", "",
         "q: Why?\na: Because, so\n\nq: How?"},
    };
    for (size_t i = 0; i < SAMPLE_COUNT(ROWS); i++) {
        struct extract e;
        struct str why = STR("");
        if (extract_text(a, str_of(ROWS[i].type), str_of(ROWS[i].bytes), &why, &e) != E_OK) {
            fail_msg("%s: %.*s", ROWS[i].type, STR_ARG(why));
        }
        sample_is(e.outline.title, ROWS[i].title, ROWS[i].type);
        if (str_find(e.outline.text, str_of(ROWS[i].text)) < 0) {
            fail_msg("%s: \"%.*s\" lacks \"%s\"", ROWS[i].type, STR_ARG(e.outline.text),
                     ROWS[i].text);
        }
        assert_int_equal(e.passages, strcmp(ROWS[i].type, "text/csv") == 0);
        for (size_t s = 0; s < e.outline.count; s++) {
            assert_true(e.outline.sections[s].end <= e.outline.text.n);
        }
    }
}

static void test_refused(void **state)
{
    struct arena *a = *state;
    static const struct {
        const char *type, *bytes;
        enum err want;
        const char *why;
    } ROWS[] = {
        {"application/pdf", "x", E_INVALID, "application/pdf"},
        {"text/plain", "\xff\xfe", E_INVALID, "UTF-8"},
        {"text/csv", "a,b\n\"x", E_INVALID, "line"},
        {"text/markdown", "---\na: [1\n---\nx", E_INVALID, ""},
    };
    for (size_t i = 0; i < SAMPLE_COUNT(ROWS); i++) {
        struct extract e;
        struct str why = STR("");
        assert_int_equal(extract_text(a, str_of(ROWS[i].type), str_of(ROWS[i].bytes), &why, &e),
                         ROWS[i].want);
        if (str_find(why, str_of(ROWS[i].why)) < 0 || why.n == 0) {
            fail_msg("\"%.*s\" does not say \"%s\"", STR_ARG(why), ROWS[i].why);
        }
    }
    struct extract e;
    struct str why,
        large = {arena_alloc(a, EXTRACT_INPUT_MAX_BYTES + 1), EXTRACT_INPUT_MAX_BYTES + 1};
    assert_int_equal(extract_text(a, STR("text/plain"), large, &why, &e), E_TOO_LARGE);
}

static void test_endings(void **state)
{
    (void)state;
    sample_is(extract_media_type(STR("a/b.MD")), "text/markdown", "case does not matter");
    sample_is(extract_media_type(STR("faq.csv")), "text/csv", "csv");
    sample_is(extract_media_type(STR("page.htm")), "text/html", "htm");
    sample_is(extract_media_type(STR("notes.txt")), "text/plain", "txt");
    sample_is(extract_media_type(STR("photo.png")), "", "unknown");
    sample_is(extract_media_type(STR(".md")), "", "no name");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SAMPLE_TEST(test_types),
        SAMPLE_TEST(test_refused),
        SAMPLE_TEST(test_endings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
