#include "unit/codec/sample.h"

#include "codec/html.h"

/* Title, text and sections as "title|text|level path [start,end)..." */
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

static void test_reads(void **state)
{
    static const struct {
        const char *html, *shown, *why;
    } ROWS[] = {
        {"<p>Hello  <b>big</b>\n world</p><p>Two</p>",
         "|Hello big world\n\nTwo|0 =Hello big world\n\nTwo;", "paragraphs"},
        {"<title> The &amp; title </title><h1>One</h1>a<h2>Two</h2>b<h3></h3>c<h2>Four</h2>",
         "The & title|One\n\na\n\nTwo\n\nb\n\nc\n\nFour|1 One=a;2 One > Two=b;3 One > Two > =c;2 "
         "One > Four=;",
         "headings"},
        {"intro<h1>Only <i>one</i></h1>x", "Only one|intro\n\nOnly one\n\nx|0 =intro;1 Only one=x;",
         "title from h1"},
        {"<ul><li>a<li><p>b</p><ol><li>x<li>y</ol></ul>z",
         "|- a\n- b\n1. x\n2. y\n\nz|0 =- a\n- b\n1. x\n2. y\n\nz;", "lists"},
        {"<table><tr><th>k<th>v</tr><tr><td>1</td><td>2</td></tr></table>",
         "|k | v\n1 | 2|0 =k | v\n1 | 2;", "tables"},
        {"<pre>a\n  b</pre>", "|a\n  b|0 =a\n  b;", "white space in pre"},
        {"a<script>x()</script>b<style>p{}</style><!-- c --><nav>menu</nav><p hidden>h</p>"
         "<div style='display:none'>d<p>e</p></div>f",
         "|ab\n\nf|0 =ab\n\nf;", "dropped"},
        {"x<br>y<br/>z", "|x\ny\nz|0 =x\ny\nz;", "line breaks"},
        {"<img alt='a picture'> &eacute;&#8364;&lt;",
         "|a picture \xc3\xa9\xe2\x82\xac<|0 =a picture \xc3\xa9\xe2\x82\xac<;", "entities"},
        {"<p>open <b>tags <i>everywhere", "|open tags everywhere|0 =open tags everywhere;",
         "tag soup"},
        {"plain", "|plain|0 =plain;", "no markup"},
        {"<meta charset=iso-8859-1><p>\xe9t\xe9</p>", "|\xc3\xa9t\xc3\xa9|0 =\xc3\xa9t\xc3\xa9;",
         "a declared encoding"},
        {"<p>\xc3\xa9<meta charset=iso-8859-1>\xc3\xa9</p>",
         "|\xc3\xa9\xc3\xa9|0 =\xc3\xa9\xc3\xa9;", "UTF-8 wins"},
        {"<div></div>", "||0 =;", "nothing"},
    };
    struct arena *a = *state;
    for (size_t i = 0; i < SAMPLE_COUNT(ROWS); i++) {
        struct outline o;
        assert_int_equal(html_read(a, str_of(ROWS[i].html), &o), E_OK);
        sample_is(shown(a, &o), ROWS[i].shown, ROWS[i].why);
    }
}

static void test_bounds(void **state)
{
    struct arena *a = *state;
    struct outline o;
    struct buf b = buf_make(HTML_INPUT_MAX_BYTES + 100);
    assert_int_equal(html_read(a, STR(""), &o), E_INVALID);
    for (int i = 0; i < 100000; i++) {
        buf_add_str(&b, STR("<div>"));
    }
    assert_int_equal(html_read(a, buf_str(&b), &o), E_TOO_LARGE);
    buf_clear(&b);
    for (int i = 0; i < 100000; i++) {
        buf_add_str(&b, STR("<b>x</b>\n"));
    }
    assert_int_equal(html_read(a, buf_str(&b), &o), E_OK);
    assert_int_equal(o.text.n, 199999);
    buf_clear(&b);
    for (int i = 0; i <= HTML_NODES_MAX; i++) {
        buf_add_str(&b, STR("<br>"));
    }
    assert_int_equal(html_read(a, buf_str(&b), &o), E_TOO_LARGE);
    buf_clear(&b);
    buf_reserve(&b, HTML_INPUT_MAX_BYTES + 1);
    memset(b.p, 'x', HTML_INPUT_MAX_BYTES + 1);
    assert_int_equal(html_read(a, str_make(b.p, HTML_INPUT_MAX_BYTES + 1), &o), E_TOO_LARGE);
    buf_free(&b);
}

static void test_escape(void **state)
{
    struct arena *a = *state;
    struct buf b = buf_make(100);
    html_escape(&b, STR("<a href=\"x\">'&'</a>"));
    sample_is(str_dup(a, buf_str(&b)), "&lt;a href=&quot;x&quot;&gt;&#39;&amp;&#39;&lt;/a&gt;",
              "escaped");
    buf_free(&b);
}

int main(void)
{
    static const struct CMUnitTest TESTS[] = {
        SAMPLE_TEST(test_reads),
        SAMPLE_TEST(test_bounds),
        SAMPLE_TEST(test_escape),
    };
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
