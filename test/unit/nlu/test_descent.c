#include "unit/codec/sample.h"

#include <math.h>

#include "nlu/descent.h"
#include "nlu/fit.h"

enum { ROWS = 400, FEATURES = 50, CELLS = 6, LABELS = 60 };

static uint32_t next(uint32_t *state)
{
    return *state = *state * 1664525u + 1013904223u;
}

/* Rows of a few random features each; the label of a row favours features of its own. */
static struct descent *some_rows(struct fit_row *lots, size_t labels)
{
    struct descent *d = descent_new(ROWS, FEATURES, ROWS * CELLS);
    uint32_t state = 7;
    for (uint32_t row = 0; row < ROWS; row++) {
        uint32_t at[CELLS];
        float values[CELLS];
        lots[row] = (struct fit_row){row % (uint32_t)labels, row / (uint32_t)labels % 5};
        for (size_t i = 0; i < CELLS; i++) {
            uint32_t own = lots[row].label * 7 + (uint32_t)i * 3;
            at[i] = (next(&state) >> 16 & 1 ? own : next(&state) >> 8) % FEATURES;
            values[i] = 0.2f + (float)(next(&state) >> 24) / 512;
        }
        descent_add(d, at, values, CELLS);
    }
    return d;
}

static void answer(const struct fit_row *lots, uint32_t fold, signed char *out)
{
    for (size_t i = 0; i < ROWS; i++) {
        out[i] = lots[i].fold == fold ? 0 : lots[i].label == 0 ? 1 : -1;
    }
}

/* At the optimum each example pulls by 2C times what it lacks to the margin, and no less than 0. */
static void check_optimum(const struct descent *d, const signed char *answers,
                          const struct descent_work *w, const char *why)
{
    for (size_t i = 0; i < ROWS; i++) {
        if (!answers[i]) {
            assert_true(w->pulls[i] == 0);
            continue;
        }
        double lack = 1 - answers[i] * descent_score(d, w->weights, i);
        double pull = w->pulls[i] * answers[i], due = lack > 0 ? 2 * w->cost * lack : 0;
        if (fabs(pull - due) > 0.45 * w->cost) {
            fail_msg("%s: row %zu pulls %.3f where %.3f is due", why, i, pull, due);
        }
    }
}

static void test_optimum(void **state)
{
    (void)state;
    struct fit_row lots[ROWS];
    signed char answers[ROWS];
    struct descent *d = some_rows(lots, 4);
    struct descent_work whole, part, cold;
    descent_work_make(d, 2, &whole);
    descent_work_make(d, 2, &part);
    descent_work_make(d, 2, &cold);
    answer(lots, UINT32_MAX, answers);
    descent_solve(d, answers, 1, &whole);
    check_optimum(d, answers, &whole, "all examples");
    for (uint32_t fold = 0; fold < 5; fold++) {
        answer(lots, fold, answers);
        descent_work_copy(d, &whole, &part);
        descent_solve(d, answers, 2, &part);
        check_optimum(d, answers, &part, "from the solution of the whole");
        descent_work_reset(d, &cold);
        descent_solve(d, answers, 3, &cold);
        for (size_t i = 0; i < ROWS; i++) {
            double off = descent_score(d, part.weights, i) - descent_score(d, cold.weights, i);
            assert_true(fabs(off) < 0.15); /* what was left out has left no trace */
        }
    }
    descent_work_free(&whole);
    descent_work_free(&part);
    descent_work_free(&cold);
    descent_free(&d);
    assert_null(d);
}

static void test_same_weights_every_time(void **state)
{
    (void)state;
    struct fit_row lots[ROWS];
    signed char answers[ROWS];
    struct descent *d = some_rows(lots, 4);
    struct descent_work w[2];
    answer(lots, 0, answers);
    for (size_t i = 0; i < 2; i++) {
        descent_work_make(d, 2, &w[i]);
        descent_solve(d, answers, 5, &w[i]);
    }
    assert_memory_equal(w[0].weights, w[1].weights, (FEATURES + 1) * sizeof(float));
    descent_work_free(&w[0]);
    descent_work_free(&w[1]);
    descent_free(&d);
}

static void test_odds(void **state)
{
    (void)state;
    static const struct {
        signed char answer;
        bool has[3];
    } SEEN[] = {
        {1, {true, false, true}},
        {1, {true, false, false}},
        {-1, {true, false, true}},
        {-1, {false, false, true}},
        {-1, {false}},
        {-1, {false}},
        {0, {true, true, true}}, /* left out: tells nothing */
    };
    signed char answers[SAMPLE_COUNT(SEEN)];
    struct descent *d = descent_new(SAMPLE_COUNT(SEEN), 3, 21);
    for (size_t row = 0; row < SAMPLE_COUNT(SEEN); row++) {
        uint32_t at[3];
        size_t n = 0;
        for (uint32_t i = 0; i < 3; i++) {
            at[n] = i;
            n += SEEN[row].has[i];
        }
        descent_add(d, at, (float[]){0.5f, 0.25f, 0.75f}, n);
        answers[row] = SEEN[row].answer;
    }
    float odds[4] = {1, 1, 1, 1};
    descent_odds(d, answers, odds);
    assert_true(fabs(odds[0] - log(1.25 / 0.5)) < 1e-5);
    assert_true(fabs(odds[1]) < 1e-5); /* nobody has it: as likely in both */
    assert_true(fabs(odds[2]) < 1e-5); /* half of the yeses have it, and half of the noes */
    assert_true(odds[3] == 0);
    descent_free(&d);
}

/* Sixty labels are enough for several threads; the order in which they finish must not show. */
static void test_fit(void **state)
{
    struct arena *a = *state;
    static float weights[2][LABELS * (FEATURES + 1)], scores[2][ROWS * LABELS];
    static float odds[LABELS * (FEATURES + 1)], held_odds[ROWS * LABELS];
    struct fit_row lots[ROWS];
    struct descent *d = some_rows(lots, LABELS);
    /* Every other row as one whose label is known, the rest as of unknown labels. */
    uint32_t *rounds = ARENA_ARRAY(a, uint32_t, ROWS);
    for (size_t i = 0; i < ROWS; i++) {
        rounds[i] = lots[i].fold + (i % 2 ? 5 : 0);
    }
    struct fit_input in = {.examples = d,
                           .rows = lots,
                           .columns = LABELS,
                           .cost = 2,
                           .folds = 5,
                           .folds_used = 5,
                           .labels_held_out = true,
                           .held = d,
                           .held_rounds = rounds};
    assert_int_equal(fit_rounds(&in), 10);
    struct fit_output out[2] = {{weights[0], odds, scores[0], held_odds},
                                {weights[1], odds, scores[1], held_odds}};
    assert_int_equal(fit_labels(&in, FEATURES, &out[0]), E_OK);
    assert_int_equal(fit_labels(&in, FEATURES, &out[1]), E_OK);
    assert_memory_equal(weights[0], weights[1], sizeof weights[0]);
    assert_memory_equal(scores[0], scores[1], sizeof scores[0]);
    for (size_t i = 0; i < ROWS; i++) {
        for (size_t label = 0; label < LABELS; label++) {
            bool unknown = i % 2 && label % 5 == lots[i].fold;
            assert_int_equal(scores[0][i * LABELS + label] == -1, unknown);
        }
    }
    descent_free(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SAMPLE_TEST(test_optimum),
        SAMPLE_TEST(test_same_weights_every_time),
        SAMPLE_TEST(test_odds),
        SAMPLE_TEST(test_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
