#include "unit/codec/sample.h"

#include <math.h>

#include "paper/plot.h"
#include "paper/type.h"

static const struct plot *plot_of(struct arena *a, const struct paper_chart *c)
{
    struct paper_colors colors = paper_colors(0x0f766e);
    struct layout_box place = {.w = 400, .h = 200};
    return plot_make(a, c, &colors, &place, 12);
}

/* "oldest newest" */
static struct str labels_below(struct arena *a, const struct plot *p)
{
    struct str all = STR("");
    for (int i = 0; i < p->n; i++) {
        if (p->marks[i].kind == PLOT_TEXT && p->marks[i].y > 185) {
            all =
                str_fmt(a, "%.*s%s%.*s", STR_ARG(all), all.n ? " " : "", STR_ARG(p->marks[i].text));
        }
    }
    return all;
}

static void test_labels(void **state)
{
    enum { POINTS = 30 };
    struct str ends[POINTS] = {{NULL, 0}}, dates[POINTS];
    double values[POINTS];
    for (int i = 0; i < POINTS; i++) {
        values[i] = i;
        dates[i] = str_fmt(*state, "%d-May-2026", i + 1);
    }
    ends[0] = STR("oldest");
    ends[POINTS - 1] = STR("newest");
    struct paper_chart c = {.kind = PAPER_LINE, .labels = ends, .n_points = POINTS, .n_series = 1};
    c.series[0].values = values;
    sample_is(labels_below(*state, plot_of(*state, &c)), "oldest newest", "only what has a name");
    c.labels = dates;
    sample_is(labels_below(*state, plot_of(*state, &c)),
              "1-May-2026 8-May-2026 15-May-2026 22-May-2026", "as many as fit");
}

/* Whatever the numbers are, nothing is drawn outside, and everything at a place. */
static void test_places(void **state)
{
    static const double ROWS[][5] = {
        {1, 2, 3, 4, 5},          {0, 0, 0, 0, 0},          {NAN, NAN, NAN, NAN, NAN},
        {-5, 5, NAN, 1e9, 0.001}, {1e300, -1e300, 0, 1, 2}, {100, 100, 100, 100, 100},
        {72, -9, -4, 6, 65},
    };
    static const struct str LABELS[] = {
        {"a", 1}, {"", 0}, {"a long label of one", 19}, {"d", 1}, {"e", 1}};
    for (size_t r = 0; r < SAMPLE_COUNT(ROWS); r++) {
        for (int kind = PAPER_LINE; kind <= PAPER_GAUGE; kind++) {
            for (int n = 1; n <= 5; n += 4) {
                struct paper_chart c = {.kind = kind, .labels = LABELS, .n_points = n};
                c.n_series = 1;
                c.series[0].values = ROWS[r];
                const struct plot *p = plot_of(*state, &c);
                for (int i = 0; i < p->n; i++) {
                    const struct plot_mark *m = &p->marks[i];
                    assert_true(isfinite(m->x) && isfinite(m->y) && m->x >= -1 && m->x <= 401);
                    assert_true(m->y >= -1 && m->y <= 201);
                    assert_true(m->kind != PLOT_RECT || (m->w >= 0 && m->h >= 0 &&
                                                         m->x + m->w <= 401 && m->y + m->h <= 202));
                    for (int k = 0; k < m->n; k++) {
                        assert_true(m->xy[2 * k] >= -1 && m->xy[2 * k] <= 401);
                        assert_true(m->xy[2 * k + 1] >= -1 && m->xy[2 * k + 1] <= 201);
                    }
                }
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {SAMPLE_TEST(test_labels), SAMPLE_TEST(test_places)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
