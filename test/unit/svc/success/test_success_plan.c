/* What questions ask for: tasks by whole words, tools within their number, queries across accounts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "codec/date.h"
#include "support/installation.h"
#include "svc/success/success_plan.h"
#include "svc/success/success_portfolio.h"

#define NOW INSTALLATION_NOW_MS /* 18 November 2026, noon */

static const struct row {
    const char *text, *quote, *task, *tools; /* u t c h e q */
    const char *why;
} rows[] = {
    {"Prepare a renewal brief for Acme Corp", "Acme Corp", "renewal", "utche", "the seed's own"},
    {"How is Acme doing?", "Acme", "overview", "utch", "nothing in particular"},
    {"health check for Acme", "Acme", "health", "utch", ""},
    {"What is the status of Acme?", "Acme", "health", "utch", ""},
    {"Draft a check-in for Acme", "Acme", "email", "tche", "the hyphen does not hide it"},
    {"Write an e-mail to Acme", "Acme", "email", "tche", ""},
    {"churn review for Acme", "Acme", "churn", "utch", "a review of the churn is no QBR"},
    {"Review Acme", "Acme", "qbr", "utchq", "a review of nothing else is one"},
    {"quarterly business review for Acme", "Acme", "qbr", "utchq", ""},
    {"QBR outline for Acme, please", "Acme", "qbr", "utchq", ""},
    {"churn risk of Acme and draft an email", "Acme", "churn", "utche", "both, not one"},
    {"draft an email about the churn risk of Acme", "Acme", "churn", "utche", "in either order"},
    {"QBR and an email for Acme", "Acme", "qbr", "ucheq", "six are one too many"},
    {"QBR, churn risk and an email for Acme", "Acme", "qbr", "ucheq",
     "what is asked by name stays"},
    {"tickets of Acme", "Acme", "tickets", "t", "only that tool"},
    {"How is the adoption at Acme?", "Acme", "usage", "u", "only that tool"},
    {"tickets and usage of Acme", "Acme", "tickets", "ut", "two of them"},
    {"What is the contract of Acme worth?", "Acme", "contract", "c", ""},
    {"When does Acme renew?", "Acme", "contract", "c", "asks for a date, not for a brief"},
    {"unhealthy debate at Acme", "Acme", "overview", "utch", "health inside a word is none"},
    {"What does the messaging of Acme look like?", "Acme", "overview", "utch",
     "message inside a word"},
    {"How is Renewal Energy doing?", "Renewal Energy", "overview", "utch", "a name asks nothing"},
    {"tickets and churn risk of Acme", "Acme", "churn", "utch", "the whole has its parts"},
};

static bool has(const struct success_plan *plan, int place)
{
    for (int i = 0; i < plan->count; i++) {
        if (plan->steps[i].tool == success_tool_at(place)) {
            return true;
        }
    }
    return false;
}

static void letters_of(const struct success_plan *plan, char *out)
{
    static const char all[] = "utcheq";
    for (int i = 0; i < SUCCESS_TOOL_COUNT; i++) {
        if (has(plan, i)) {
            *out++ = all[i];
        }
    }
    *out = 0;
}

static void test_plans(void **state)
{
    struct arena *a = arena_new(16 << 20);
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        char tools[8];
        struct success_plan plan;
        const struct json *quotes =
            json_push(a, &json_empty_array, json_new_str(a, str_of(rows[i].quote)));
        struct success_wish wish = success_wish_of(a, str_of(rows[i].text), quotes);
        success_plan_make(&wish, &plan);
        letters_of(&plan, tools);
        if (strcmp(success_task_name(wish.first), rows[i].task) || strcmp(tools, rows[i].tools)) {
            fail_msg("%s (%s): %s, %s", rows[i].text, rows[i].why, success_task_name(wish.first),
                     tools);
        }
        assert_true(plan.count <= SUCCESS_TOOLS_PER_ASK_MAX);
        assert_string_equal(plan.source, "builtin");
        assert_int_equal(json_count(success_plan_steps(a, &plan)), plan.count);
    }
    arena_free(&a);
}

/* A model's plan gets what the question asks for by name, in place of what it does not. */
static void test_completed(void **state)
{
    struct arena *a = arena_new(1 << 20);
    struct success_wish wish = success_wish_of(a, STR("QBR and an email for Acme"), NULL);
    struct success_plan plan = {.source = "model"};
    (void)state;
    for (int i = 0; i < 5; i++) {
        assert_true(success_plan_add(&plan, success_tool_at(i), STR("why not")));
    }
    assert_false(success_plan_add(&plan, success_tool_at(5), STR("one too many")));
    assert_true(success_plan_add(&plan, success_tool_at(0), STR("twice is once")));
    success_plan_complete(&plan, &wish);
    assert_int_equal(plan.count, 5);
    assert_true(has(&plan, SUCCESS_TOOL_QBR));
    assert_true(has(&plan, SUCCESS_TOOL_EMAIL));
    assert_int_equal(plan.left_out, 1u << SUCCESS_TOOL_TICKETS);
    arena_free(&a);
}

static const struct across {
    const char *text, *sort, *risk, *trend, *after, *before; /* days; NULL: none */
    int limit;
    bool looks;
} across[] = {
    {"Which customers are most at risk before March?", "score", "medium", NULL, NULL, "2027-03-01",
     10, true},
    {"Top 5 customers by ARR", "-arr_cents", NULL, NULL, NULL, NULL, 5, true},
    {"Which account has the smallest contract?", "arr_cents", NULL, NULL, NULL, NULL, 10, true},
    {"Healthiest three customers", "-score", NULL, NULL, NULL, NULL, 3, true},
    {"Which customers are least at risk?", "-score", NULL, NULL, NULL, NULL, 10, true},
    {"List all high risk accounts", "score", "high", NULL, NULL, NULL, 10, true},
    {"Which customers have declining usage?", "score", NULL, "down", NULL, NULL, 10, true},
    {"Which customers are growing?", "-avg_daily_users", NULL, "up", NULL, NULL, 10, true},
    {"Renewals in the next 60 days", "renewal_date_ms", NULL, NULL, "2026-11-18", "2027-01-17", 10,
     true},
    {"Which accounts renew within two weeks?", "renewal_date_ms", NULL, NULL, "2026-11-18",
     "2026-12-02", 10, true},
    {"Renewals this quarter", "renewal_date_ms", NULL, NULL, "2026-10-01", "2027-01-01", 10, true},
    {"Renewals next month", "renewal_date_ms", NULL, NULL, "2026-12-01", "2027-01-01", 10, true},
    {"Which customers renew in March 2027?", "renewal_date_ms", NULL, NULL, "2027-03-01",
     "2027-04-01", 10, true},
    {"customers at risk that renew by 15 January 2027", "score", "medium", NULL, NULL, "2027-01-16",
     10, true},
    {"Renewals after 2027-02-01", "renewal_date_ms", NULL, NULL, "2027-02-02", NULL, 10, true},
    {"Renewals in 740437138597", "renewal_date_ms", NULL, NULL, "2026-11-18", NULL, 10, true},
    {"Renewals in the next 9000000000000000000 months", "renewal_date_ms", NULL, NULL, "2026-11-18",
     NULL, 10, true},
    {"Who has the most tickets among our accounts?", "-open_tickets", NULL, NULL, NULL, NULL, 10,
     true},
    {"List all customers", "name", NULL, NULL, NULL, NULL, 10, true},
    {"How is Acme doing?", "name", NULL, NULL, NULL, NULL, 10, false},
    {"Who is the champion at Acme?", "name", NULL, NULL, NULL, NULL, 10, false},
};

static bool same(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static const char *day_of(struct arena *a, int64_t ms)
{
    return ms ? date_iso_day(a, ms).p : NULL;
}

static void test_across(void **state)
{
    struct arena *a = arena_new(16 << 20);
    (void)state;
    for (size_t i = 0; i < sizeof(across) / sizeof(*across); i++) {
        const struct across *r = &across[i];
        struct success_portfolio q = success_portfolio_parse(a, str_of(r->text), NOW);
        const char *after = day_of(a, q.after_ms), *before = day_of(a, q.before_ms);
        bool good = same(q.sort, r->sort) && same(q.want.risk, r->risk) &&
                    same(q.want.trend, r->trend) && same(after, r->after) &&
                    same(before, r->before) && q.limit == r->limit && q.looks_like_one == r->looks;
        if (!good) {
            fail_msg("%s: %s %s %s %s..%s %d %d", r->text, q.sort, q.want.risk ? q.want.risk : "-",
                     q.want.trend ? q.want.trend : "-", after ? after : "", before ? before : "",
                     q.limit, q.looks_like_one);
        }
    }
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_plans),
                                       cmocka_unit_test(test_completed),
                                       cmocka_unit_test(test_across)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
