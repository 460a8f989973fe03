#include "unit/codec/sample.h"

#include "find/chunk.h"

static struct extract extract_of(struct arena *a, const char *type, const char *text)
{
    struct extract e;
    struct str why = STR("");
    if (extract_text(a, str_of(type), str_of(text), &why, &e) != E_OK) {
        fail_msg("%.*s", STR_ARG(why));
    }
    return e;
}

static void test_tokens(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t tokens;
    } ROWS[] = {
        {"", 0},         {"   ", 0},           {"cat", 1}, {"cats and dogs", 3},
        {"elephant", 2}, {"Hello, world!", 6}, {"3.5", 1}, {"\xe2\x80\xa6\xe2\x80\xa6", 2},
    };
    for (size_t i = 0; i < SAMPLE_COUNT(ROWS); i++) {
        size_t got = chunk_token_count(str_of(ROWS[i].text));
        if (got != ROWS[i].tokens) {
            fail_msg("\"%s\": %zu tokens, want %zu", ROWS[i].text, got, ROWS[i].tokens);
        }
    }
}

/* n sentences of about ten tokens; every word tells its place. */
static char *prose(struct arena *a, size_t sentences, size_t in_paragraph)
{
    struct buf b = buf_make(16 << 20);
    for (size_t i = 0; i < sentences; i++) {
        buf_addf(&b, "Word%zu stands here and says its own little thing.%s", i,
                 i % in_paragraph == in_paragraph - 1 ? "\n\n" : " ");
    }
    char *text = str_dupz(a, buf_str(&b));
    buf_free(&b);
    return text;
}

static void check_all(struct arena *a, const struct extract *e, const struct chunk_options *o,
                      size_t tokens_max)
{
    struct chunk *chunks;
    size_t n, covered = 0;
    assert_int_equal(chunk_extract(a, e, o, &chunks, &n), E_OK);
    for (size_t i = 0; i < n; i++) {
        assert_true(chunks[i].end > chunks[i].start && chunks[i].end <= e->outline.text.n);
        assert_true(chunks[i].text.p == e->outline.text.p + chunks[i].start);
        assert_true(chunks[i].tokens <= tokens_max);
        for (size_t p = covered; p < chunks[i].start; p++) {
            assert_true((unsigned char)e->outline.text.p[p] <= ' '); /* no word is left out */
        }
        covered = chunks[i].end > covered ? chunks[i].end : covered;
    }
    for (size_t p = covered; p < e->outline.text.n; p++) {
        assert_true((unsigned char)e->outline.text.p[p] <= ' ');
    }
}

static void test_everything_is_in_a_chunk(void **state)
{
    struct arena *a = *state;
    struct chunk_options small = {.tokens_max = 40, .overlap = 10};
    static const size_t SHAPES[][2] = {{1, 1}, {30, 1}, {200, 5}, {200, 200}, {3, 2}};
    for (size_t i = 0; i < SAMPLE_COUNT(SHAPES); i++) {
        struct extract e = extract_of(a, "text/plain", prose(a, SHAPES[i][0], SHAPES[i][1]));
        check_all(a, &e, NULL, CHUNK_TOKENS_DEFAULT);
        check_all(a, &e, &small, 40);
    }
}

static void test_overlap(void **state)
{
    struct arena *a = *state;
    struct extract e = extract_of(a, "text/plain", prose(a, 400, 1));
    struct chunk *chunks;
    size_t n;
    assert_int_equal(chunk_extract(a, &e, NULL, &chunks, &n), E_OK);
    assert_true(n > 5);
    for (size_t i = 1; i < n; i++) {
        assert_true(chunks[i].start < chunks[i - 1].end); /* repeats its end ... */
        size_t repeated = chunk_token_count(
            str_sub(e.outline.text, chunks[i].start, chunks[i - 1].end - chunks[i].start));
        assert_true(repeated > 20 && repeated <= CHUNK_OVERLAP_DEFAULT); /* ... by about 50 */
        assert_true(i + 1 == n || chunks[i].tokens > CHUNK_TOKENS_DEFAULT * 3 / 4);
    }
}

static void test_headings(void **state)
{
    struct arena *a = *state;
    struct buf b = buf_make(1 << 20);
    buf_addf(&b, "# Billing\n\n%s\n\n## Refunds\n\n%s\n\n## Invoices\n\n%s\n", prose(a, 30, 3),
             prose(a, 30, 3), prose(a, 30, 3));
    struct extract e = extract_of(a, "text/markdown", str_dupz(a, buf_str(&b)));
    buf_free(&b);
    struct chunk *chunks;
    size_t n;
    assert_int_equal(chunk_extract(a, &e, NULL, &chunks, &n), E_OK);
    assert_true(n >= 3);
    sample_is(chunks[0].heading, "Billing", "the first section");
    bool refunds = false, invoices = false;
    for (size_t i = 0; i < n; i++) {
        refunds |= str_eqz(chunks[i].heading, "Billing > Refunds");
        invoices |= str_eqz(chunks[i].heading, "Billing > Invoices");
    }
    assert_true(refunds && invoices);
}

/* Sections too small to stand alone are joined; rows of a table never are. */
static void test_small_sections(void **state)
{
    struct arena *a = *state;
    struct chunk *chunks;
    size_t n;
    struct extract e =
        extract_of(a, "text/markdown", "# A\n\none.\n\n# B\n\ntwo.\n\n# C\n\nthree.\n");
    assert_int_equal(chunk_extract(a, &e, NULL, &chunks, &n), E_OK);
    assert_int_equal(n, 1);
    e = extract_of(a, "text/csv", "question,answer\nA?,one\nB?,two\n");
    assert_int_equal(chunk_extract(a, &e, NULL, &chunks, &n), E_OK);
    assert_int_equal(n, 2);
    sample_is(chunks[1].text, "question: B?\nanswer: two", "a row is a passage");
}

/* One word of a megabyte, signs without words, text without sentences. */
static void test_awkward_texts(void **state)
{
    struct arena *a = *state;
    size_t size = 1 << 20;
    char *text = arena_alloc(a, size + 1);
    static const char *const PARTS[] = {"a", "\xf0\x9f\x98\x80", "- ", "word ", "\n", "!"};
    for (size_t k = 0; k < SAMPLE_COUNT(PARTS); k++) {
        size_t part = strlen(PARTS[k]), n = 0;
        for (; n + part < size; n += part) {
            memcpy(text + n, PARTS[k], part);
        }
        text[n] = 0;
        struct extract e = extract_of(a, "text/plain", text);
        struct chunk *chunks;
        assert_int_equal(chunk_extract(a, &e, NULL, &chunks, &n), E_OK);
        for (size_t i = 0; i < n; i++) {
            assert_true(chunks[i].text.n <= 64 << 10);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SAMPLE_TEST(test_tokens),         SAMPLE_TEST(test_everything_is_in_a_chunk),
        SAMPLE_TEST(test_overlap),        SAMPLE_TEST(test_headings),
        SAMPLE_TEST(test_small_sections), SAMPLE_TEST(test_awkward_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
