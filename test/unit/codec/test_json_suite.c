/* The published collection of JSON texts that readers disagree about (JSONTestSuite). */
#include "unit/codec/sample.h"

#include "codec/json_scan.h"
#include "codec/simdjson_read.h"

static void check_case(struct arena *a, const struct json *row, int counts[3])
{
    struct str bytes, name = json_str(row, "name", STR("")),
                      expect = json_str(row, "expect", STR(""));
    const struct json *v = NULL, *fast = NULL, *slow = NULL;
    struct json_fault fault = {0};
    assert_true(base64_decode(a, json_str(row, "b64", STR("")), &bytes));
    enum err e = json_parse(a, bytes, &v, &fault);
    if ((str_eqz(expect, "accept") && e != E_OK) || (str_eqz(expect, "reject") && e == E_OK)) {
        fail_msg("%s: %d %s", name.p, e, fault.text);
    }
    if (simdjson_read(a, bytes,
                      &fast)) { /* the fast reader takes nothing that the careful one refuses */
        assert_int_equal(json_scan(a, bytes, &slow, &fault), E_OK);
        assert_true(json_equal(fast, slow));
    }
    counts[str_eqz(expect, "accept") ? 0 : str_eqz(expect, "reject") ? 1 : 2]++;
}

static void test_suite(void **state)
{
    struct arena *a = *state;
    struct str rest = sample_data(a, "conformance/jsontestsuite/cases.jsonl");
    int counts[3] = {0};
    const struct json *row;
    while ((row = sample_line(a, &rest))) {
        check_case(a, row, counts);
    }
    print_message("%d accepted, %d refused, %d free\n", counts[0], counts[1], counts[2]);
    assert_int_equal(counts[0] + counts[1] + counts[2], 161);
}

/* Real documents: what is read is written back equal, and each line's duplicate names would show.
 */
static void test_real(void **state)
{
    static const char *const FILES[] = {"agent_tasks/tau_retail/db.json",
                                        "agent_tasks/tau_banking_knowledge/db.json",
                                        "conformance/mcp_schema/2025-11-25.schema.json"};
    struct arena *a = *state;
    for (size_t i = 0; i < SAMPLE_COUNT(FILES); i++) {
        const struct json *v = sample_json(a, sample_data(a, FILES[i]));
        assert_true(json_equal(v, sample_json(a, json_write(a, v))));
        assert_true(json_equal(v, sample_json(a, json_write_pretty(a, v))));
    }
}

int main(void)
{
    static const struct CMUnitTest TESTS[] = {
        SAMPLE_TEST(test_suite),
        SAMPLE_TEST(test_real),
    };
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
