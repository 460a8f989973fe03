#include "unit/codec/sample.h"

#include "codec/markdown.h"

/* Title, text and sections as "title|text|level path=text;..." */
static struct str shown(struct arena *a, const struct outline *o)
{
    struct buf b = buf_make(1 << 16);
    buf_addf(&b, "%.*s|%.*s|", STR_ARG(o->title), STR_ARG(o->text));
    for (size_t i = 0; i < o->count; i++) {
        const struct outline_section *s = &o->sections[i];
        assert_true(s->start <= s->end && s->end <= o->text.n);
        buf_addf(&b, "%d %.*s=%.*s;", s->level, STR_ARG(s->path),
                 STR_ARG(str_sub(o->text, s->start, s->end - s->start)));
    }
    struct str text = str_dup(a, buf_str(&b));
    buf_free(&b);
    return text;
}

static struct outline read(struct arena *a, const char *source)
{
    struct outline o = {0};
    struct json_fault fault = {0};
    if (markdown_read(a, str_of(source), &o, &fault) != E_OK) {
        fail_msg("%s: %d: %s", source, fault.line, fault.text);
    }
    return o;
}

static void test_blocks(void **state)
{
    static const struct {
        const char *source, *text, *why;
    } ROWS[] = {
        {"One\ntwo\n\nThree", "One two\n\nThree", "paragraphs"},
        {"- a\n- b\n  more\n\n- c\n\nend", "- a\n- b more\n- c\n\nend", "a list"},
        {"1. a\n2. b\n   - c\n10) d", "1. a\n2. b\n- c\n10) d", "numbered and nested"},
        {"* [ ] todo\n* [x] done\n+ x", "- todo\n- done\n- x", "tasks"},
        {"```sh\n$ ls  -l\n\n# no heading\n```\nafter", "$ ls  -l\n\n# no heading\n\nafter",
         "a fence"},
        {"~~~\na ``` b\n~~~", "a ``` b", "another fence"},
        {"```\nnever closed", "never closed", "an open fence"},
        {"    code  here\n\ntext", "code  here\n\ntext", "indented code"},
        {"> quoted\n> > deeper\n\nx", "quoted deeper\n\nx", "quotes"},
        {"| a | b |\n|---|:-:|\n| 1 | **2** |\n\nend", "a | b\n1 | 2\n\nend", "a table"},
        {"a | b\n--|--\n1 | 2", "a | b\n1 | 2", "a table without outer bars"},
        {"a\n\n***\n\nb\n\n- - -", "a\n\nb", "rules"},
        {"<!-- one\ntwo -->\ntext <!-- three --> here", "text here", "comments"},
        {"[name]: https://x.y\n\nSee [it][name].", "See it.", "definitions"},
        {"a\r\nb\r\n\r\nc", "a b\n\nc", "CRLF"},
        {"\xef\xbb\xbf# T\nx", "T\n\nx", "byte order mark"},
        {"a\\\nb  \nc", "a\\ b c", "hard breaks"},
        {"", "", "nothing"},
        {"#no heading", "#no heading", "a hash without a blank"},
    };
    struct arena *a = *state;
    for (size_t i = 0; i < SAMPLE_COUNT(ROWS); i++) {
        sample_is(read(a, ROWS[i].source).text, ROWS[i].text, ROWS[i].why);
    }
}

static void test_inline(void **state)
{
    static const char *const ROWS[][2] = {
        {"**bold** *it* __b__ _i_ ***bi*** ~~gone~~", "bold it b i bi gone"},
        {"snake_case_name 2 * 3 * 4 a*b", "snake_case_name 2 * 3 * 4 ab"},
        {"`code *x*` ``a ` b``", "code *x* a ` b"},
        {"`open and *em*", "`open and em"},
        {"[text](https://x.y \"t\") ![alt *x*](i.png) [a [b] c](d)", "text alt x a [b] c"},
        {"[not a link] [x]", "[not a link] [x]"},
        {"[t](a(b)c) note[^1]", "t note"},
        {"<https://x.y/z> <a@b.co> <b>x</b> a<br>b 1 < 2", "https://x.y/z a@b.co x a b 1 < 2"},
        {"&amp; &lt;b&gt; &copy; &#8364; &#x41; &nope; & x",
         "& <b> \xc2\xa9 \xe2\x82\xac A &nope; & x"},
        {"\\*no\\* \\# \\a", "*no* # \\a"},
        {"**[bold link](x)** [`code`](y)", "bold link code"},
        {"!", "!"},
    };
    struct arena *a = *state;
    for (size_t i = 0; i < SAMPLE_COUNT(ROWS); i++) {
        sample_is(read(a, ROWS[i][0]).text, ROWS[i][1], ROWS[i][0]);
    }
}

static void test_sections(void **state)
{
    struct arena *a = *state;
    const char *source =
        "intro\n# Billing\nfirst\n## Refunds ##\nsecond **x**\n\nSetext\n======\nthird\n"
        "### Deep\n## *After*\nfourth\n";
    struct outline o = read(a, source);
    sample_is(shown(a, &o),
              "Billing|intro\n\nBilling\n\nfirst\n\nRefunds\n\nsecond "
              "x\n\nSetext\n\nthird\n\nDeep\n\nAfter"
              "\n\nfourth|0 =intro;1 Billing=first;2 Billing > Refunds=second x;1 Setext=third;"
              "3 Setext > Deep=;2 Setext > After=fourth;",
              "sections");
    static const char *const PARTS[] = {"intro\n", "first\n", "second **x**\n\n",
                                        "third\n", "",        "fourth\n"};
    for (size_t i = 0; i < o.count; i++) {
        const struct outline_section *s = &o.sections[i];
        sample_is(str_sub(str_of(source), s->source_start, s->source_end - s->source_start),
                  PARTS[i], "the place in the source");
    }
}

static void test_front(void **state)
{
    struct arena *a = *state;
    struct outline o = read(a, "---\ntitle: From front\ntags: [a, b]\n---\n# Heading\nx\n");
    sample_is(o.title, "From front", "the title");
    assert_int_equal(json_count(json_get(o.front, "tags")), 2);
    sample_is(o.text, "Heading\n\nx", "without front matter");
    o = read(a, "---\n---\nx");
    assert_null(o.front);
    sample_is(read(a, "---\nnever closed").text, "never closed", "a rule, not front matter");
    sample_is(read(a, "a\n\n---\ntitle: x\n---\n").title, "", "only at the start");
    struct json_fault fault;
    assert_int_equal(markdown_read(a, STR("---\na: 1\na: 2\n---\nx"), &o, &fault), E_INVALID);
    assert_int_equal(fault.line, 3);
    assert_int_equal(markdown_read(a, STR("---\n- a\n---\nx"), &o, &fault), E_INVALID);
    assert_int_equal(markdown_read(a, STR("a\nb\xff\n"), &o, &fault), E_INVALID);
    assert_int_equal(fault.line, 2);
}

static void test_bounds(void **state)
{
    static const char *const HOSTILE[] = {
        "[",    "![", "`",         "`` ", "*", "<",  "&",       "> ",       "- ", "[a](",
        "<!--", "#",  "a`b``c```", "\\",  "|", "\n", "  - x\n", "[x]: y\n", "_a", "&#"};
    struct arena *a = *state;
    struct buf b = buf_make(MARKDOWN_INPUT_MAX_BYTES + 16);
    struct outline o;
    struct json_fault fault;
    for (size_t i = 0; i < SAMPLE_COUNT(HOSTILE); i++) { /* no input takes more than linear time */
        while (b.n < 400000) {
            buf_add_str(&b, str_of(HOSTILE[i]));
        }
        assert_int_equal(markdown_read(a, buf_str(&b), &o, &fault), E_OK);
        buf_clear(&b);
    }
    for (int i = 0; i < OUTLINE_SECTIONS_MAX + 100; i++) {
        buf_add_str(&b, STR("# h\nx\n"));
    }
    assert_int_equal(markdown_read(a, buf_str(&b), &o, &fault), E_OK);
    assert_true(o.count <= OUTLINE_SECTIONS_MAX);
    buf_clear(&b);
    buf_reserve(&b, MARKDOWN_INPUT_MAX_BYTES + 1);
    memset(b.p, 'x', MARKDOWN_INPUT_MAX_BYTES + 1);
    assert_int_equal(markdown_read(a, str_make(b.p, MARKDOWN_INPUT_MAX_BYTES + 1), &o, &fault),
                     E_TOO_LARGE);
    buf_free(&b);
}

static void test_plain(void **state)
{
    struct outline o = outline_of_text(*state, STR("some text"));
    assert_int_equal(o.count, 1);
    assert_int_equal(o.sections[0].end, 9);
}

int main(void)
{
    static const struct CMUnitTest TESTS[] = {
        SAMPLE_TEST(test_blocks), SAMPLE_TEST(test_inline), SAMPLE_TEST(test_sections),
        SAMPLE_TEST(test_front),  SAMPLE_TEST(test_bounds), SAMPLE_TEST(test_plain),
    };
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
