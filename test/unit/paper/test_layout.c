#include "unit/codec/sample.h"

#include "paper/layout.h"
#include "paper/type.h"
#include "unit/paper/sample_paper.h"

static const char LONG[] =
    "The reporting module is used by every plant now, and the teams in Gothenburg, Lyon and Osaka "
    "have asked for shared dashboards, a mobile view and for alerts that reach the shift leads. ";

static void test_lines(void **state)
{
    static const struct {
        const char *lead, *text;
        double width;
        int lines_max, want_lines;
        size_t want_fits;
        const char *why;
    } ROWS[] = {
        {"", "", 100, 5, 1, 0, "nothing is one line"},
        {"", "one two", 100, 5, 1, 7, "it fits"},
        {"", "one two three four", 60, 5, 2, 18, "breaks between words"},
        {"", "one two three four", 60, 1, 1, 8, "what fits on one line ends with a word"},
        {"", "wwwwwwwwwwwwwwwwwwww", 60, 2, 2, 16, "a word longer than a line is broken"},
        {"", "\xe4\xbd\xa0\xe5\xa5\xbd\xe4\xbd\xa0\xe5\xa5\xbd\xe4\xbd\xa0\xe5\xa5\xbd", 25, 2, 2,
         12, "Han breaks anywhere, between characters"},
        {"A long beginning in bold", "text", 60, 1, 1, 0, "no room for the text"},
    };
    (void)state;
    for (size_t i = 0; i < SAMPLE_COUNT(ROWS); i++) {
        struct type_text t = {str_of(ROWS[i].lead), str_of(ROWS[i].text), 10};
        size_t fits;
        int lines = type_set(&t, ROWS[i].width, ROWS[i].lines_max, &fits);
        if (lines != ROWS[i].want_lines || fits != ROWS[i].want_fits) {
            fail_msg("%s: %d lines, %zu bytes", ROWS[i].why, lines, fits);
        }
    }
}

static double lines_height(const struct layout_box *b)
{
    double h = 0;
    for (int i = 0; i < b->n_lines; i++) {
        size_t fits;
        const struct layout_line *l = &b->lines[i];
        struct type_text t = {l->lead, l->text, l->size_pt};
        double indent = l->bullet || l->number ? l->size_pt * LAYOUT_INDENT : 0;
        h += type_set(&t, b->w - indent, 1000, &fits) * l->size_pt * LAYOUT_LEADING;
        h += i + 1 < b->n_lines ? l->after_pt : 0;
    }
    return h;
}

/* Nothing leaves its page, no list runs out of its box, columns do not meet. */
static void check_places(const struct layout *l)
{
    for (int i = 0; i < l->n_pages; i++) {
        const struct layout_page *p = &l->pages[i];
        for (int j = 0; j < p->n_boxes; j++) {
            const struct layout_box *b = &p->boxes[j];
            assert_true(b->x >= 0 && b->y >= 0 && b->w > 0 && b->h > 0);
            assert_true(b->x + b->w <= l->width + 0.5);
            if (b->y + b->h > l->height + 0.5) {
                fail_msg("page %d, box %d (%.*s) ends at %g", i, j, STR_ARG(b->name), b->y + b->h);
            }
            if (b->kind == LAYOUT_TEXT && b->lines[0].bullet) {
                assert_true(lines_height(b) <= b->h + 12);
            }
        }
    }
}

/* How often the text stands on the pages' lists. */
static int count_items(const struct layout *l, const char *lead)
{
    int n = 0;
    for (int i = 0; i < l->n_pages; i++) {
        for (int j = 0; j < l->pages[i].n_boxes; j++) {
            const struct layout_box *b = &l->pages[i].boxes[j];
            for (int k = 0; b->kind == LAYOUT_TEXT && k < b->n_lines; k++) {
                n += str_eqz(b->lines[k].lead, lead);
            }
        }
    }
    return n;
}

static int count_rows(const struct layout *l)
{
    int n = 0;
    for (int i = 0; i < l->n_pages; i++) {
        for (int j = 0; j < l->pages[i].n_boxes; j++) {
            const struct layout_box *b = &l->pages[i].boxes[j];
            n += b->kind == LAYOUT_GRID ? b->grid->n_rows : 0;
        }
    }
    return n;
}

static void test_pages(void **state)
{
    static const char *const TEXTS[] = {
        "short", "", LONG,
        "wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww",
        "\xe4\xbd\xa0\xe5\xa5\xbd\xe4\xbd\xa0\xe5\xa5\xbd\xe4\xbd\xa0\xe5\xa5\xbd\xe4\xbd\xa0"};
    for (size_t i = 0; i < SAMPLE_COUNT(TEXTS); i++) {
        for (int form = LAYOUT_DECK; form <= LAYOUT_SHEET; form++) {
            struct paper *p = sample_paper(*state, str_of(TEXTS[i]));
            const struct layout *l = layout_make(p, form);
            check_places(l);
            assert_int_equal(count_items(l, "Two more open tickets."), 3);
            assert_int_equal(count_rows(l), 14);
            assert_false(l->cut);
        }
    }
}

/* A text of 2,000 characters and 30 of them: everything is there, on as many pages as it takes. */
static void test_long_texts_flow(void **state)
{
    struct arena *a = *state;
    struct buf text = buf_make(1 << 16);
    while (text.n < 1900) {
        buf_addf(&text, "%s", LONG);
    }
    for (int form = LAYOUT_DECK; form <= LAYOUT_SHEET; form++) {
        struct paper *p = paper_new(a, &(struct paper){.title = STR("t"), .brand = STR("b")});
        struct paper_page *page = paper_add_page(p, PAPER_CONTENT, STR("k"), STR("All of it"));
        sample_list(p, page, PAPER_LEFT, buf_str(&text), 30);
        const struct layout *l = layout_make(p, form);
        check_places(l);
        assert_false(l->cut);
        assert_int_equal(count_items(l, "Two more open tickets."), 30);
        size_t words = 0, want = 0;
        for (int i = 0; i < l->n_pages; i++) {
            assert_true(i == 0 || l->pages[i].part == i);
            for (int j = 0; j < l->pages[i].n_boxes; j++) {
                const struct layout_box *b = &l->pages[i].boxes[j];
                for (int k = 0; b->role == LAYOUT_PLAIN && b->kind == LAYOUT_TEXT && k < b->n_lines;
                     k++) {
                    bool of_list = b->lines[k].size_pt == (form == LAYOUT_DECK ? 16 : 10.5);
                    for (size_t c = 0; of_list && c < b->lines[k].text.n; c++) {
                        words += b->lines[k].text.p[c] == ',';
                    }
                }
            }
        }
        for (size_t c = 0; c < text.n; c++) {
            want += text.p[c] == ',';
        }
        assert_int_equal(words, 30 * want);
    }
    buf_free(&text);
}

/* There is an end, and the last page tells. */
static void test_cut(void **state)
{
    struct arena *a = *state;
    struct paper *p = paper_new(a, &(struct paper){.title = STR("t"), .brand = STR("b")});
    struct buf text = buf_make(1 << 16);
    while (text.n < 1900) {
        buf_addf(&text, "%s", LONG);
    }
    struct paper_page *page;
    while ((page = paper_add_page(p, PAPER_CONTENT, STR("k"), STR("All of it")))) {
        sample_list(p, page, PAPER_LEFT, buf_str(&text), 60);
    }
    buf_free(&text);
    const struct layout *l = layout_make(p, LAYOUT_DECK);
    assert_true(l->cut);
    assert_int_equal(l->n_pages, LAYOUT_PAGES_MAX);
    const struct layout_page *last = &l->pages[l->n_pages - 1];
    assert_true(str_find(last->boxes[last->n_boxes - 1].name, STR("left out")) >= 0);
    check_places(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SAMPLE_TEST(test_lines),
        SAMPLE_TEST(test_pages),
        SAMPLE_TEST(test_long_texts_flow),
        SAMPLE_TEST(test_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
