#include "unit/codec/sample.h"

#include <math.h>

#include "nlu/evaluate.h"

#define S(text)                                                                                    \
    {                                                                                              \
        text, sizeof text - 1                                                                      \
    }

static void near(double got, double want, const char *what)
{
    if (fabs(got - want) > 1e-9) {
        fail_msg("%s: got %.6f, want %.6f", what, got, want);
    }
}

/* Worked by hand: 8 texts, 6 in scope (4 right, 1 abstained, 1 wrong), 2 out of scope (1 noticed).
 */
static void test_by_hand(void **state)
{
    static const struct evaluate_case CASES[] = {
        {S("a"), S("a"), S("a"), 0.95}, {S("a"), S("a"), S("a"), 0.85},
        {S("a"), S(""), S("a"), 0.35},  {S("b"), S("b"), S("b"), 0.95},
        {S("b"), S("a"), S("a"), 0.55}, {S("c"), S("c"), S("c"), 0.75},
        {S(""), S(""), S("c"), 0.15},   {S(""), S("b"), S("b"), 0.65},
    };
    struct evaluate_report r;
    evaluate_cases(*state, CASES, SAMPLE_COUNT(CASES), &r);
    assert_int_equal(r.count, 8);
    assert_int_equal(r.in_scope_count, 6);
    near(r.accuracy, 5 / 8.0, "accuracy");
    near(r.in_scope_accuracy, 4 / 6.0, "in-scope accuracy");
    near(r.in_scope_accuracy_best, 5 / 6.0, "in-scope accuracy without abstaining");
    near(r.out_of_scope_recall, 0.5, "out-of-scope recall");
    near(r.out_of_scope_precision, 0.5, "out-of-scope precision");
    near(r.abstain_share, 2 / 8.0, "abstained");
    /* a: precision 2/3, recall 2/3; b: 1, 1/2; c: 1, 1 */
    near(r.macro_f1, (2 / 3.0 + 2 / 3.0 + 1) / 3, "macro F1");
    /* Bins of the in-scope six: .95 .95 right; .85 right; .75 right; .55 wrong; .35 right. */
    near(r.calibration_error, (0.1 + 0.15 + 0.25 + 0.55 + 0.65) / 6, "calibration error");
    assert_int_equal(r.label_count, 3);
    sample_is(r.labels[2].label, "c", "best label last");
    assert_int_equal(r.confusion_count, 3);
    assert_int_equal(r.confusions[0].count, 1);
}

static void test_order_of_confusions(void **state)
{
    static const struct evaluate_case CASES[] = {
        {S("a"), S("b"), S("b"), 0.5},
        {S("c"), S("a"), S("a"), 0.5},
        {S("c"), S("a"), S("a"), 0.5},
    };
    struct evaluate_report r;
    evaluate_cases(*state, CASES, SAMPLE_COUNT(CASES), &r);
    assert_int_equal(r.confusion_count, 2);
    sample_is(r.confusions[0].expected, "c", "the most frequent first");
    assert_int_equal(r.confusions[0].count, 2);
    near(r.macro_f1, 0, "nothing right");
}

static void test_nothing(void **state)
{
    struct evaluate_report r;
    evaluate_cases(*state, NULL, 0, &r);
    assert_int_equal(r.count, 0);
    near(r.accuracy, 0, "accuracy of nothing");
    near(r.calibration_error, 0, "calibration of nothing");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SAMPLE_TEST(test_by_hand),
        SAMPLE_TEST(test_order_of_confusions),
        SAMPLE_TEST(test_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
