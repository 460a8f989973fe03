/* Which moment of the past a question names, asked on 18 November 2026 at noon. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/date.h"
#include "svc/success/success_when.h"

static const struct {
    const char *text, *quote, *day, *why; /* day NULL: none */
} rows[] = {
    {"How was Acme Logistics doing in June 2026?", NULL, "2026-06-30", "a month to its end"},
    {"How was Acme doing in june?", NULL, "2026-06-30", "the last one"},
    {"How was Acme in December?", NULL, "2025-12-31", "the last one is a year back"},
    {"What was the score of Acme last March?", NULL, "2026-03-31", "the last one"},
    {"Health of Acme last Dec", NULL, "2025-12-31", "last speaks of the past by itself"},
    {"Health of Acme on 3 June 2026", NULL, "2026-06-03", "a day"},
    {"Health of Acme on June 3rd, 2026", NULL, "2026-06-03", "a day, as others write it"},
    {"Health of Acme on the 3rd of June 2026", NULL, "2026-06-03", "day and month apart"},
    {"Health of Acme as of 2026-06-03", NULL, "2026-06-03", "as of"},
    {"Acme at the end of June 2026", NULL, "2026-06-30", "end of"},
    {"How was Acme doing yesterday?", NULL, "2026-11-17", "yesterday"},
    {"How was Acme doing last month?", NULL, "2026-10-31", "last month"},
    {"How were things at Acme last year?", NULL, "2025-12-31", "last year"},
    {"How is Acme doing?", NULL, NULL, "now"},
    {"Does Acme renew in June?", NULL, NULL, "may be the next one"},
    {"Does Acme renew in June 2027?", NULL, NULL, "not yet"},
    {"How was Acme doing in November 2026?", NULL, NULL, "has not ended"},
    {"Health of Acme on 2026-11-18", NULL, NULL, "today"},
    {"What changed at Acme since June 2026?", NULL, NULL, "a border, no moment"},
    {"Health of Acme on 31 June 2026", NULL, NULL, "no such day"},
    {"How is June 2026 in May 2020 Ltd doing?", "June 2026 in May 2020 Ltd", NULL, "a name"},
    {"Who may sign at Acme? march on", NULL, NULL, "words that are no months"},
    {"", NULL, NULL, "nothing"},
};

static void test_moments(void **state)
{
    struct arena *a = arena_new(4 << 20);
    int64_t now_ms;
    (void)state;
    assert_true(date_parse(STR("2026-11-18T12:00:00Z"), &now_ms));
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        int64_t ms = -1, day_ms = -1;
        const struct json *quotes =
            rows[i].quote ? json_push(a, &json_empty_array, json_new_str(a, str_of(rows[i].quote)))
                          : NULL;
        bool found = success_when_of(a, str_of(rows[i].text), quotes, now_ms, &ms);
        assert_true(!rows[i].day || date_parse_day(str_of(rows[i].day), &day_ms));
        int64_t wanted = rows[i].day ? day_ms + DATE_DAY_MS - 1 : -1;
        if (found != (rows[i].day != NULL) || ms != wanted) {
            fail_msg("%s (%s): %lld", rows[i].text, rows[i].why, (long long)ms);
        }
    }
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_moments)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
