#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/date.h"
#include "main/demo_date.h"

enum { DAYS = 10 };

static int make_arena(void **state)
{
    *state = arena_new(1 << 20);
    return 0;
}

static int free_arena(void **state)
{
    struct arena *a = *state;
    arena_free(&a);
    return 0;
}

static const struct json *parse(struct arena *a, const char *text)
{
    const struct json *v;
    struct json_fault fault;
    assert_int_equal(json_parse(a, str_of(text), &v, &fault), E_OK);
    return v;
}

static void test_texts(void **state)
{
    static const struct {
        const char *in, *out, *why;
    } rows[] = {
        {"due {{date:2026-11-14}}.", "due 24 November 2026.", "a date is moved and written out"},
        {"by {{weekday:2026-11-14}}", "by Tuesday", "24 November 2026 is a Tuesday"},
        {"{{date:2026-12-30}}{{date:2026-11-04}}", "9 January 202714 November 2026",
         "over the year's end, and twice in a row"},
        {"{{name}} {{#x}}", "{{name}} {{#x}}", "other marks are templates' own"},
        {"{{date:soon}}", "{{date:soon}}", "no date: left as it is"},
        {"{{date:2026-11-14", "{{date:2026-11-14", "never closed"},
        {"2026-11-14 in a text", "2026-11-14 in a text", "only marks are moved in texts"},
        {"", "", "nothing"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct str out = demo_date_text(*state, str_of(rows[i].in), DAYS * DATE_DAY_MS);
        if (!str_eqz(out, rows[i].out)) {
            fail_msg("%s: got \"%.*s\"", rows[i].why, STR_ARG(out));
        }
    }
}

static void test_values(void **state)
{
    static const struct {
        const char *in, *out, *why;
    } rows[] = {
        {"{\"at\":\"2026-11-16T09:30:00Z\"}", "{\"at\":1795685400000}", "a time is a number"},
        {"{\"on\":\"2026-11-16\"}", "{\"on\":1795651200000}", "a day is its midnight"},
        {"[{\"a\":[\"2026-11-16\"]}]", "[{\"a\":[1795651200000]}]", "at any depth"},
        {"[\"INV-2026-0173\",\"2026-11\",\"2026-02-30\",\"2026-11-16T09:30:00\"]",
         "[\"INV-2026-0173\",\"2026-11\",\"2026-02-30\",\"2026-11-16T09:30:00\"]",
         "only the two whole forms are times"},
        {"[1,true,null,2.5]", "[1,true,null,2.5]", "other kinds stay"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        const struct json *out =
            demo_date_shift(*state, parse(*state, rows[i].in), DAYS * DATE_DAY_MS);
        struct str text = json_write(*state, out);
        if (!str_eqz(text, rows[i].out)) {
            fail_msg("%s: got %.*s", rows[i].why, STR_ARG(text));
        }
    }
}

static void test_delta(void **state)
{
    (void)state;
    int64_t now, delta = 7;
    assert_true(date_parse(STR("2026-11-19T23:59:59Z"), &now));
    assert_int_equal(demo_date_delta(STR("2026-11-16"), now, &delta), E_OK);
    assert_int_equal(delta, 3 * DATE_DAY_MS); /* whole days, whatever the hour */
    assert_int_equal(demo_date_delta(STR("2026-11-20"), now, &delta), E_OK);
    assert_int_equal(delta, -DATE_DAY_MS);
    delta = 7;
    assert_int_equal(demo_date_delta(STR("yesterday"), now, &delta), E_INVALID);
    assert_int_equal(delta, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_texts, make_arena, free_arena),
        cmocka_unit_test_setup_teardown(test_values, make_arena, free_arena),
        cmocka_unit_test(test_delta),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
