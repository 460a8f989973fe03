#include "unit/codec/sample.h"

#include <math.h>

#include "nlu/logistic.h"
#include "nlu/outcome.h"

static bool near(double a, double b, double by)
{
    return fabs(a - b) <= by;
}

/* Counted by hand: pairs in which the one it happened to has the higher risk, ties half. */
static void test_area(void **state)
{
    static const struct {
        struct outcome_case cases[6];
        size_t n;
        double auc;
        const char *why;
    } ROWS[] = {
        {{{1, false}, {2, true}}, 2, 1, "all in order"},
        {{{2, false}, {1, true}}, 2, 0, "all the wrong way"},
        {{{5, false}, {5, true}}, 2, 0.5, "a tie is chance"},
        {{{1, false}, {2, true}, {3, false}, {4, true}}, 4, 0.75, "three of four pairs"},
        {{{1, false}, {1, true}, {2, true}, {2, false}, {3, true}, {0, false}},
         6,
         7.0 / 9,
         "nine pairs, two of them ties"},
    };
    (void)state;
    for (size_t i = 0; i < SAMPLE_COUNT(ROWS); i++) {
        struct outcome_case cases[6];
        struct outcome_report r;
        memcpy(cases, ROWS[i].cases, sizeof cases);
        assert_int_equal(outcome_measure(cases, ROWS[i].n, &r), E_OK);
        if (!near(r.auc, ROWS[i].auc, 1e-12)) {
            fail_msg("%s: %f", ROWS[i].why, r.auc);
        }
    }
}

static void test_bands(void **state)
{
    struct outcome_case cases[100];
    struct outcome_report r;
    (void)state;
    for (int i = 0; i < 100; i++) { /* handed over in no order; it happens to the upper 20 */
        int risk = i * 37 % 100;
        cases[i] = (struct outcome_case){risk / 100.0, risk >= 80};
    }
    assert_int_equal(outcome_measure(cases, 100, &r), E_OK);
    assert_int_equal(r.cases, 100);
    assert_int_equal(r.happened, 20);
    assert_true(near(r.auc, 1, 1e-12));
    assert_int_equal(r.bands[7].happened, 0);
    assert_int_equal(r.bands[8].happened, 10);
    assert_true(near(r.bands[3].risk_low, 0.30, 1e-12) && near(r.bands[3].risk_high, 0.39, 1e-12));
    assert_true(near(r.lift[0], 5, 1e-12) && near(r.lift[1], 5, 1e-12));
    assert_true(near(r.lift[3], 2.5, 1e-12) && near(r.lift[9], 1, 1e-12));
    /* The lower eight bands are wrong by their mean risk, the upper two by what is left to 1. */
    assert_true(near(
        r.off, (0.045 + 0.145 + 0.245 + 0.345 + 0.445 + 0.545 + 0.645 + 0.745 + 0.155 + 0.055) / 10,
        1e-9));
}

static void test_refused(void **state)
{
    struct outcome_case same[2] = {{1, true}, {2, true}}, odd[2] = {{NAN, true}, {2, false}};
    struct outcome_report r = {.cases = 7};
    (void)state;
    assert_int_equal(outcome_measure(same, 2, &r), E_INVALID);
    assert_int_equal(outcome_measure(odd, 2, &r), E_INVALID);
    assert_int_equal(outcome_measure(same, 0, &r), E_INVALID);
    assert_int_equal(r.cases, 7);
}

enum { ROWS = 4000 };

/* Rows drawn from known weights, by a generator that is the same everywhere. */
struct world {
    double values[ROWS * 3];
    bool yes[ROWS];
};

static double draw(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (double)(*seed >> 11) / 9007199254740992.0;
}

static void make(struct world *w)
{
    uint64_t seed = 7;
    for (int i = 0; i < ROWS; i++) {
        double *v = &w->values[i * 3];
        v[0] = draw(&seed) * 4 - 2;
        v[1] = draw(&seed) * 100;
        v[2] = 3; /* the same in every row */
        double score = 1.5 * v[0] - 0.04 * v[1] + 1;
        w->yes[i] = draw(&seed) < 1 / (1 + exp(-score));
    }
}

static void test_recovered(void **state)
{
    struct world *w = malloc(sizeof *w);
    struct logistic m;
    (void)state;
    make(w);
    struct logistic_input in = {w->values, w->yes, ROWS, 3, 0};
    assert_int_equal(logistic_fit(&in, &m), E_OK);
    assert_true(near(m.weights[0], 1.5, 0.15));
    assert_true(near(m.weights[1], -0.04, 0.004));
    assert_true(m.weights[2] == 0);
    assert_true(near(m.bias, 1, 0.25));
    free(w);
}

/* What did not see its row is calibrated and ranks as well as the truth does. */
static void test_cross(void **state)
{
    struct world *w = malloc(sizeof *w);
    double *p = malloc(ROWS * sizeof *p);
    struct outcome_case *cases = malloc(ROWS * sizeof *cases),
                        *truth = malloc(ROWS * sizeof *truth);
    struct outcome_report got, best;
    (void)state;
    make(w);
    struct logistic_input in = {w->values, w->yes, ROWS, 3, 0};
    assert_int_equal(logistic_cross(&in, 5, p), E_OK);
    for (int i = 0; i < ROWS; i++) {
        cases[i] = (struct outcome_case){p[i], w->yes[i]};
        truth[i] =
            (struct outcome_case){1.5 * w->values[i * 3] - 0.04 * w->values[i * 3 + 1], w->yes[i]};
    }
    assert_int_equal(outcome_measure(cases, ROWS, &got), E_OK);
    assert_int_equal(outcome_measure(truth, ROWS, &best), E_OK);
    assert_true(got.auc > best.auc - 0.005);
    assert_true(got.off < 0.03);
    free(truth);
    free(cases);
    free(p);
    free(w);
}

static void test_odd_input(void **state)
{
    static const double apart[] = {1, 2, 3, 10, 11, 12};
    static const bool yes[] = {false, false, false, true, true, true}, all[] = {true, true, true};
    struct logistic_input in = {apart, yes, 6, 1, 0}, one_kind = {apart, all, 3, 1, 0};
    struct logistic m;
    double p[6];
    (void)state;
    assert_int_equal(logistic_fit(&in, &m), E_OK); /* a gap between them: finite all the same */
    assert_true(isfinite(m.weights[0]) && logistic_probability(&m, &apart[0]) < 0.3 &&
                logistic_probability(&m, &apart[5]) > 0.7);
    assert_int_equal(logistic_fit(&one_kind, &m), E_INVALID);
    assert_int_equal(logistic_cross(&in, 1, p), E_INVALID);
    assert_int_equal(logistic_cross(&in, LOGISTIC_FOLDS_MAX + 1, p), E_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_area),    cmocka_unit_test(test_bands),
        cmocka_unit_test(test_refused), cmocka_unit_test(test_recovered),
        cmocka_unit_test(test_cross),   cmocka_unit_test(test_odd_input),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
