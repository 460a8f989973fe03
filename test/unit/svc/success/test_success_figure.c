/* Scores are compared where one formula gave both. */
#include "unit/codec/sample.h"

#include "svc/success/success_figure.h"

static bool has_figure(const struct json *figures, const char *key)
{
    for (size_t i = 0; i < json_count(figures); i++) {
        if (str_eqz(json_str(json_at(figures, i), "key", STR("")), key)) {
            return true;
        }
    }
    return false;
}

static void test_formulas(void **state)
{
    static const struct {
        const char *was; /* as JSON; NULL: nobody said */
        bool compared;
        const char *why;
    } ROWS[] = {{"\"copilot_v1\"", true, "the same"},
                {"\"copilot_v2\"", false, "another"},
                {NULL, true, "an answer that was kept before it was told"}};
    struct arena *a = *state;
    for (size_t i = 0; i < SAMPLE_COUNT(ROWS); i++) {
        const struct json *data = NULL;
        struct json_fault fault;
        struct str text =
            str_fmt(a,
                    "{\"score\":70,\"riskLevel\":\"medium\",\"formula\":"
                    "\"copilot_v1\",\"previous\":{\"score\":80,\"delta\":-10%s%s}}",
                    ROWS[i].was ? ",\"formula\":" : "", ROWS[i].was ? ROWS[i].was : "");
        assert_int_equal(json_parse(a, text, &data, &fault), E_OK);
        const struct success_result result = {
            .tool = success_tool_at(SUCCESS_TOOL_HEALTH), .data = data, .ok = true};
        struct success_known k = success_known_of(a, &result, 1, 1);
        const struct json *figures = success_figures(a, &k);
        assert_true(has_figure(figures, "score"));
        if (has_figure(figures, "previous_score") != ROWS[i].compared ||
            has_figure(figures, "score_delta") != ROWS[i].compared) {
            fail_msg("%s", ROWS[i].why);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {SAMPLE_TEST(test_formulas)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
