#include "unit/codec/sample.h"

#include "codec/text.h"
#include "paper/xml.h"
#include "unit/paper/sample_paper.h"

static void test_texts_are_cleaned(void **state)
{
    static const struct {
        const char *text, *want, *why;
    } ROWS[] = {
        {"Acme Corp", "Acme Corp", "nothing to do"},
        {"  a \t b\r\n c  ", "a b c", "white space is one space, none at the ends"},
        {"a\001b\033[31m\177c", "ab[31mc", "control characters"},
        {"pay \xe2\x80\xae"
         "evil\xe2\x80\xac now",
         "pay evil now", "an override of the direction"},
        {"\xef\xbb\xbfx\xef\xbf\xbe", "x", "byte order mark, what XML forbids"},
        {"a\xff"
         "b",
         "a\xef\xbf\xbd"
         "b",
         "no UTF-8"},
        {"\xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d", "\xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d", "Hebrew stays"},
        {"one two three four five six", "one two three four\xe2\x80\xa6", "shortened at a word"},
        {"", "", "nothing"},
    };
    for (size_t i = 0; i < SAMPLE_COUNT(ROWS); i++) {
        sample_is(paper_clean(*state, str_of(ROWS[i].text), 20), ROWS[i].want, ROWS[i].why);
    }
    assert_true(paper_is_rtl(STR("123 \xd7\xa9\xd7\x9c")));
    assert_true(paper_is_rtl(STR("\xd8\xb4\xd8\xb1\xd9\x83\xd8\xa9 Acme")));
    assert_false(paper_is_rtl(STR("Acme \xd7\xa9\xd7\x9c")));
}

static void test_xml(void **state)
{
    (void)state;
    struct buf b = buf_make(1024);
    xml_text(&b, STR("<a href=\"x\">&'\x0b\x00\xef\xbf\xbf \xf0\x9f\x98\x80"));
    assert_string_equal(b.p, "&lt;a href=&quot;x&quot;&gt;&amp;&#39; \xf0\x9f\x98\x80");
    buf_free(&b);
}

/* What is beyond a bound is counted, not written, and never a crash. */
static void test_bounds(void **state)
{
    struct paper *p = sample_paper(*state, STR("text"));
    while (paper_add_page(p, PAPER_CONTENT, STR("k"), STR("t"))) {}
    assert_int_equal(p->n_pages, PAPER_PAGES_MAX);
    struct paper_page *page = &p->pages[PAPER_PAGES_MAX - 1];
    struct paper_block *list = paper_add_block(p, page, PAPER_LIST, PAPER_WIDE, STR(""));
    struct paper_block *table = paper_add_block(p, page, PAPER_TABLE, PAPER_WIDE, STR(""));
    struct paper_block *figures = paper_add_block(p, page, PAPER_FIGURES, PAPER_WIDE, STR(""));
    struct paper_cell cells[PAPER_COLUMNS_MAX] = {{.text = STR("c"), .url = STR("javascript:1")}};
    for (int i = 0; i < PAPER_COLUMNS_MAX + 3; i++) {
        paper_add_column(p, table, STR("c"), 1, false);
    }
    for (int i = 0; i < PAPER_ROWS_MAX + 5; i++) {
        paper_add_item(p, list, &(struct paper_item){.text = STR("x")});
        paper_add_row(p, table, cells);
        paper_add_figure(p, figures, &(struct paper_figure){.value = STR("1")});
    }
    assert_int_equal(list->list.n_left_out, PAPER_ROWS_MAX + 5 - PAPER_ITEMS_MAX);
    assert_int_equal(table->table.n_left_out, 5);
    assert_int_equal(table->table.n_columns, PAPER_COLUMNS_MAX);
    assert_int_equal(figures->figures.n, PAPER_FIGURES_MAX);
    assert_int_equal(table->table.cells[0].url.n, 0); /* no address of the web */
    while (paper_add_block(p, page, PAPER_NOTE, PAPER_WIDE, STR(""))) {}
    assert_int_equal(page->n_blocks, PAPER_BLOCKS_MAX);
    paper_add_item(p, NULL, &(struct paper_item){.text = STR("x")}); /* beyond: nothing */
    paper_set_lead(p, NULL, STR("x"));
}

static void test_axis(void **state)
{
    static const struct {
        double values[3], min, max, want_min, want_max, want_step;
        enum paper_chart_kind kind;
        const char *why;
    } ROWS[] = {
        {{77, 81, 92}, 0, 0, 75, 95, 5, PAPER_LINE, "a line need not begin at zero"},
        {{77, 81, 92}, 0, 100, 0, 100, 25, PAPER_LINE, "as told"},
        {{77, 81, 92}, 0, 0, 0, 100, 25, PAPER_COLUMNS, "bars begin at zero"},
        {{5, 5, 5}, 0, 0, 4, 6, 0.5, PAPER_LINE, "all the same"},
        {{0, 0, 0}, 0, 0, 0, 1, 0.25, PAPER_LINE, "nothing but zero"},
        {{NAN, NAN, NAN}, 0, 0, 0, 1, 0.25, PAPER_LINE, "nothing known"},
        {{-3, 4, 1}, 0, 0, -4, 4, 2, PAPER_COLUMNS, "below zero"},
        {{72, -9, 63}, 0, 0, 0, 80, 20, PAPER_STEPS, "the levels, not the changes"},
        {{1.7e308, -1.7e308, 0}, 0, 0, 0, 1, 0.5, PAPER_LINE, "too far apart"},
    };
    (void)state;
    for (size_t i = 0; i < SAMPLE_COUNT(ROWS); i++) {
        struct paper_chart c = {.kind = ROWS[i].kind, .n_points = 3, .n_series = 1};
        c.series[0].values = ROWS[i].values;
        c.min = ROWS[i].min;
        c.max = ROWS[i].max;
        struct paper_axis x = paper_axis(&c);
        if (fabs(x.min - ROWS[i].want_min) > 1e-9 || fabs(x.max - ROWS[i].want_max) > 1e-9 ||
            fabs(x.step - ROWS[i].want_step) > 1e-9) {
            fail_msg("%s: %g to %g by %g", ROWS[i].why, x.min, x.max, x.step);
        }
    }
}

static void test_numbers(void **state)
{
    static const struct {
        double value;
        const char *want;
    } ROWS[] = {{0, "0"},        {-0.001, "0"}, {12, "12"}, {12.5, "12.5"},
                {1.239, "1.24"}, {100, "100"},  {NAN, "-"}, {1e20, "1e+20"}};
    for (size_t i = 0; i < SAMPLE_COUNT(ROWS); i++) {
        sample_is(paper_number(*state, NULL, ROWS[i].value), ROWS[i].want, ROWS[i].want);
    }
    struct paper_words german = {.decimal = ','};
    sample_is(paper_number(*state, &german, 12.5), "12,5", "in German");
}

static double light(uint32_t channel)
{
    double c = channel / 255.0;
    return c <= 0.04045 ? c / 12.92 : pow((c + 0.055) / 1.055, 2.4);
}

/* WCAG 2.1, 1.4.3. */
static double contrast(uint32_t a, uint32_t b)
{
    double l[2];
    uint32_t colors[2] = {a, b};
    for (int i = 0; i < 2; i++) {
        l[i] = 0.2126 * light(colors[i] >> 16) + 0.7152 * light(colors[i] >> 8 & 255) +
               0.0722 * light(colors[i] & 255) + 0.05;
    }
    return fmax(l[0], l[1]) / fmin(l[0], l[1]);
}

/* Whatever the brand's colour is, every text can be read. */
static void test_colors(void **state)
{
    (void)state;
    for (uint32_t step = 0; step < 512; step++) {
        uint32_t brand = (step >> 6) * 36 << 16 | (step >> 3 & 7) * 36 << 8 | (step & 7) * 36;
        struct paper_colors c = paper_colors(brand);
        assert_true(contrast(c.on_brand, c.brand) >= 4.5);
        assert_true(contrast(c.accent, 0xffffff) >= 4.5 && contrast(c.accent, c.panel) >= 4.5);
        for (int tone = 0; tone < 5; tone++) {
            assert_true(contrast(c.tones[tone], 0xffffff) >= 4.5);
            assert_true(contrast(c.tones[tone], c.panel) >= 4.5);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SAMPLE_TEST(test_texts_are_cleaned),
        SAMPLE_TEST(test_xml),
        SAMPLE_TEST(test_bounds),
        SAMPLE_TEST(test_axis),
        SAMPLE_TEST(test_numbers),
        SAMPLE_TEST(test_colors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
