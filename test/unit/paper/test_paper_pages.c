/* PDF, HTML and Markdown of the same document. */
#include "unit/codec/sample.h"

#include <libxml/HTMLparser.h>
#include <libxml/xpath.h>

#include "paper/paper_html.h"
#include "paper/paper_markdown.h"
#include "paper/paper_pdf.h"
#include "unit/paper/sample_paper.h"

static const char HOSTILE[] = "<script>alert(1)</script> \"' onload=x --> ]]> [a](javascript:b) "
                              "| # * `x` https://evil.example www.evil.example\001\002";

static struct str written(struct arena *a, const struct paper *p,
                          enum err (*write)(const struct paper *p, struct buf *out))
{
    struct buf b = buf_make(PAPER_PDF_MAX_BYTES);
    assert_int_equal(write(p, &b), E_OK);
    struct str s = str_dup(a, buf_str(&b));
    buf_free(&b);
    return s;
}

static enum err deck_pdf(const struct paper *p, struct buf *out)
{
    return paper_pdf(p, LAYOUT_DECK, out);
}

static enum err sheet_pdf(const struct paper *p, struct buf *out)
{
    return paper_pdf(p, LAYOUT_SHEET, out);
}

static int count(struct str text, const char *what)
{
    int n = 0;
    ptrdiff_t at;
    while ((at = str_find(text, str_of(what))) >= 0) {
        text = str_sub(text, (size_t)at + 1, text.n);
        n++;
    }
    return n;
}

static void test_pdf(void **state)
{
    static const struct {
        const char *text, *why;
    } ROWS[] = {{"plain", "plain"},
                {HOSTILE, "hostile"},
                {"\xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d \xd8\xb4\xd8\xb1\xd9\x83\xd8\xa9", "RTL"},
                {"\xe4\xbd\xa0\xe5\xa5\xbd \xf0\x9f\x98\x80 \xff", "Han, a smile, no UTF-8"}};
    for (size_t i = 0; i < SAMPLE_COUNT(ROWS); i++) {
        struct paper *p = sample_paper(*state, str_of(ROWS[i].text));
        struct str deck = written(*state, p, deck_pdf), sheet = written(*state, p, sheet_pdf);
        assert_true(str_starts(deck, STR("%PDF-1.5")) && str_starts(sheet, STR("%PDF-1.5")));
        assert_true(str_find(deck, STR("[ 0 0 960 540 ]")) > 0);
        assert_true(str_find(sheet, STR("[ 0 0 595 842 ]")) > 0);
        /* Four figures, one line, 14 tickets. */
        assert_int_equal(count(deck, "/URI ("), 19);
        assert_int_equal(count(sheet, "/URI ("), 19);
        assert_true(str_find(deck, STR("/Outlines")) > 0);
        assert_true(str_find(deck, STR("CreationDate (20261118110640")) > 0);
        assert_true(str_eq(deck, written(*state, p, deck_pdf)));
    }
}

static void test_pdf_too_large(void **state)
{
    struct buf b = buf_make(2000);
    assert_int_equal(paper_pdf(sample_paper(*state, STR("x")), LAYOUT_DECK, &b), E_TOO_LARGE);
    buf_free(&b);
}

/* How many nodes of the page the path finds. */
static int nodes(struct str html, const char *path)
{
    htmlDocPtr doc = htmlReadMemory(html.p, (int)html.n, "", "utf-8",
                                    HTML_PARSE_NOERROR | HTML_PARSE_NOWARNING | HTML_PARSE_NONET);
    assert_non_null(doc);
    xmlXPathContext *x = xmlXPathNewContext(doc);
    xmlXPathObject *found = xmlXPathEvalExpression(BAD_CAST path, x);
    assert_non_null(found);
    int n = found->nodesetval ? found->nodesetval->nodeNr : 0;
    xmlXPathFreeObject(found);
    xmlXPathFreeContext(x);
    xmlFreeDoc(doc);
    return n;
}

static void test_html(void **state)
{
    struct paper *p = sample_paper(*state, str_of(HOSTILE));
    struct str html = written(*state, p, paper_html);
    static const struct {
        const char *path;
        int want;
        const char *why;
    } ROWS[] = {
        {"//script", 0, "nothing runs"},
        {"//@*[starts-with(name(), 'on')]", 0, "nothing of a text became an attribute"},
        {"//*[@src]", 0, "nothing is fetched"},
        {"//link", 0, "nothing is fetched"},
        {"//a[not(starts-with(@href, 'https://') or starts-with(@href, '#'))]", 0, "links"},
        {"//h1", 1, "one title"},
        {"//section[h2]", 4, "every section has a heading"},
        {"//svg[@role='img' and @aria-label]", 5, "charts say what they show"},
        {"//th[@scope='col']", 4, "heads of columns"},
        {"//tbody/tr", 14, "rows"},
        {"//a[@class='figure']", 4, "figures lead to their source"},
        {"//html[@lang='en']", 1, "language"},
    };
    for (size_t i = 0; i < SAMPLE_COUNT(ROWS); i++) {
        int n = nodes(html, ROWS[i].path);
        if (n != ROWS[i].want) {
            fail_msg("%s: %s found %d", ROWS[i].why, ROWS[i].path, n);
        }
    }
    assert_true(str_find(html, STR("&lt;script&gt;alert(1)&lt;/script&gt;")) > 0);
}

static void test_markdown_text(void **state)
{
    static const struct {
        const char *text, *want;
    } ROWS[] = {
        {"Acme Corp", "Acme Corp"},
        {"# no heading", "\\# no heading"},
        {"- no item", "\\- no item"},
        {"12. no item", "12\\. no item"},
        {"12.5 points", "12.5 points"},
        {"a - b = c", "a - b = c"},
        {"<b>&amp;", "\\<b\\>\\&amp;"},
        {"[a](b) *c* _d_ `e` a|b", "\\[a\\](b) \\*c\\* \\_d\\_ \\`e\\` a\\|b"},
        {"see https://x.example or WWW.x.example", "see https\\://x.example or WWW\\.x.example"},
    };
    (void)state;
    for (size_t i = 0; i < SAMPLE_COUNT(ROWS); i++) {
        struct buf b = buf_make(1000);
        paper_markdown_text(&b, str_of(ROWS[i].text));
        assert_string_equal(b.p, ROWS[i].want);
        buf_free(&b);
    }
}

static void test_markdown(void **state)
{
    struct paper *p = sample_paper(*state, STR("a | b"));
    struct str md = written(*state, p, paper_markdown);
    assert_true(str_starts(md, STR("# Quarterly business review: Acme Corp\n\na \\| b\n")));
    assert_true(str_find(md, STR("- ARR: **250,000 EUR** (Enterprise, 120 seats) "
                                 "[Source](<https://rapport.example/console/accounts/"
                                 "acme-001?a=1&b=2>)\n")) > 0);
    assert_true(str_find(md, STR("| [T-900](<https://")) > 0);
    assert_true(str_find(md, STR("| March | - | 9 |\n")) > 0);
    assert_int_equal(count(md, "\n## "), 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SAMPLE_TEST(test_pdf),           SAMPLE_TEST(test_pdf_too_large), SAMPLE_TEST(test_html),
        SAMPLE_TEST(test_markdown_text), SAMPLE_TEST(test_markdown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
