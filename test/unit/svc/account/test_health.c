/* The formula copilot_v1, cell by cell, and what is shown of a score. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "svc/account/health.h"
#include "svc/account/health_view.h"
#include "svc/success/success_facts.h"

enum { DAY_MS = 86400000 };

static struct health score(enum health_trend trend, int64_t tickets, int64_t days)
{
    struct health h;
    struct health_inputs in = {.trend = trend, .open_tickets = tickets, .renewal_days = days};
    health_score(health_formula_find(STR("copilot_v1")), &in, &h);
    return h;
}

/* Trend, days, then the score for 0, 1, 2, 3, 5 and 6 open tickets. A star of the domain's table is
 * a tie that goes to the even neighbour. */
static const struct {
    enum health_trend trend;
    int64_t days;
    int scores[6];
    const char *risks; /* l, m, h */
} cells[] = {
    {HEALTH_TREND_UP, 181, {100, 93, 93, 82, 82, 72}, "lllllm"},
    {HEALTH_TREND_UP, 400, {100, 93, 93, 82, 82, 72}, "lllllm"},
    {HEALTH_TREND_UP, 180, {94, 87, 87, 76, 76, 66}, "lllllm"},
    {HEALTH_TREND_UP, 60, {94, 87, 87, 76, 76, 66}, "lllllm"},
    {HEALTH_TREND_UP, 59, {86, 79, 79, 68, 68, 58}, "lllmmm"},
    {HEALTH_TREND_UP, 0, {86, 79, 79, 68, 68, 58}, "lllmmm"},
    {HEALTH_TREND_FLAT, 181, {78, 70, 70, 60, 60, 50}, "lmmmmm"},
    {HEALTH_TREND_FLAT, 60, {72, 64, 64, 54, 54, 44}, "mmmmmh"},
    {HEALTH_TREND_FLAT, 59, {64, 56, 56, 46, 46, 36}, "mmmhhh"},
    {HEALTH_TREND_DOWN, 181, {55, 48, 48, 38, 38, 27}, "mhhhhh"},
    {HEALTH_TREND_DOWN, 180, {49, 42, 42, 32, 32, 21}, "hhhhhh"},
    {HEALTH_TREND_DOWN, 59, {41, 34, 34, 24, 24, 13}, "hhhhhh"},
};

static void every_cell_has_the_score_of_the_domain(void **state)
{
    static const int64_t tickets[6] = {0, 1, 2, 3, 5, 6};
    (void)state;
    for (size_t i = 0; i < sizeof(cells) / sizeof(*cells); i++) {
        for (int t = 0; t < 6; t++) {
            struct health h = score(cells[i].trend, tickets[t], cells[i].days);
            char risk = health_risk_name(h.risk)[0];
            if (h.score != cells[i].scores[t] || risk != cells[i].risks[t]) {
                fail_msg("%s, %lld tickets, %lld days: %d %c", health_trend_name(cells[i].trend),
                         (long long)tickets[t], (long long)cells[i].days, h.score, risk);
            }
            assert_true(h.complete && h.low == h.score && h.high == h.score);
        }
    }
    assert_int_equal(score(HEALTH_TREND_UP, 100000, 0).score, 58);
}

static const struct {
    enum health_trend trend;
    int64_t tickets, days;
    const char *signals;
} signal_rows[] = {
    {HEALTH_TREND_UP, 0, 181, "usage_up no_tickets renewal_far"},
    {HEALTH_TREND_UP, 1, 180, "usage_up few_tickets"},
    {HEALTH_TREND_FLAT, 2, 60, "usage_flat few_tickets"},
    {HEALTH_TREND_DOWN, 3, 59, "usage_down many_tickets renewal_near"},
    {HEALTH_TREND_DOWN, 6, 0, "usage_down many_tickets renewal_near"},
    {HEALTH_TREND_UNKNOWN, 6, 0, "many_tickets renewal_near"},
    {HEALTH_TREND_UP, HEALTH_UNKNOWN, HEALTH_UNKNOWN, "usage_up"},
    {HEALTH_TREND_UNKNOWN, HEALTH_UNKNOWN, HEALTH_UNKNOWN, ""},
};

static void signals_come_in_order(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(signal_rows) / sizeof(*signal_rows); i++) {
        char text[120] = "";
        struct health h = score(signal_rows[i].trend, signal_rows[i].tickets, signal_rows[i].days);
        for (int s = 0; s < h.signal_count; s++) {
            strcat(text, s ? " " : "");
            strcat(text, h.signals[s]);
        }
        assert_string_equal(text, signal_rows[i].signals);
    }
}

static void what_is_not_known_is_not_scored(void **state)
{
    (void)state;
    struct health none = score(HEALTH_TREND_UNKNOWN, HEALTH_UNKNOWN, HEALTH_UNKNOWN);
    assert_false(none.complete);
    assert_int_equal(none.score, HEALTH_UNKNOWN);
    assert_int_equal(none.risk, HEALTH_RISK_UNKNOWN);
    assert_int_equal(none.low, 13);   /* down, many tickets, near */
    assert_int_equal(none.high, 100); /* up, none, far */
    struct health renewal = score(HEALTH_TREND_UP, 0, HEALTH_UNKNOWN);
    assert_int_equal(renewal.score, HEALTH_UNKNOWN);
    assert_int_equal(renewal.low, 86);
    assert_int_equal(renewal.high, 100);
    assert_int_equal(renewal.contribution[HEALTH_RENEWAL], 0);
    struct health usage = score(HEALTH_TREND_UNKNOWN, 1, 100);
    assert_int_equal(usage.low, 42);
    assert_int_equal(usage.high, 87);
}

/* now, renewal, days */
static const struct {
    int64_t now_ms, renewal_ms, days;
} day_rows[] = {
    {0, 59 * (int64_t)DAY_MS, 59},
    {0, 60 * (int64_t)DAY_MS, 60},
    {1, 60 * (int64_t)DAY_MS, 59}, /* a millisecond of the day is gone */
    {0, 60 * (int64_t)DAY_MS + 1, 60},
    {0, 180 * (int64_t)DAY_MS, 180},
    {0, 181 * (int64_t)DAY_MS - 1, 180},
    {0, 181 * (int64_t)DAY_MS, 181},
    {0, DAY_MS - 1, 0},
    {5, 5, 0},
    {10 * (int64_t)DAY_MS, 9 * (int64_t)DAY_MS, 0}, /* yesterday */
    {10 * (int64_t)DAY_MS, -(int64_t)DAY_MS, 0},
};

/* At noon of a day, what is said of a renewal that is so many days away. */
static const struct {
    int64_t renewal_ms, days;
    const char *text, *why;
} date_rows[] = {
    {100 * (int64_t)DAY_MS, 0, "The renewal is due today", "at midnight of today, which is past"},
    {101 * (int64_t)DAY_MS - 1, 0, "The renewal is due today", "this evening"},
    {101 * (int64_t)DAY_MS, 1, "1 day to the renewal", "tomorrow, less than 24 hours away"},
    {102 * (int64_t)DAY_MS, 2, "2 days to the renewal", "1 whole day, 2 of the calendar"},
    {130 * (int64_t)DAY_MS, 30, "30 days to the renewal", "29 whole days"},
    {100 * (int64_t)DAY_MS - 1, -1, "The renewal has passed", "yesterday"},
    {-1, -101, "The renewal has passed", "before 1970"},
};

static void dates_are_told_by_the_calendar(void **state)
{
    const int64_t noon_ms = 100 * (int64_t)DAY_MS + DAY_MS / 2;
    struct arena *a = arena_new(1 << 20);
    (void)state;
    for (size_t i = 0; i < sizeof(date_rows) / sizeof(*date_rows); i++) {
        int64_t renewal_ms = date_rows[i].renewal_ms;
        struct health_inputs in = {.trend = HEALTH_TREND_UP,
                                   .renewal_days = health_days(noon_ms, renewal_ms),
                                   .dated = true,
                                   .date_days = health_date_days(noon_ms, renewal_ms)};
        struct health h;
        health_score(health_formula_default(), &in, &h);
        const struct json *renewal =
            json_at(json_get(health_view(a, &h), "factors"), HEALTH_RENEWAL);
        assert_int_equal(json_int(renewal, "date_days", -999), date_rows[i].days);
        if (!str_eqz(json_str(renewal, "text", STR("")), date_rows[i].text)) {
            fail_msg("%s: %s", date_rows[i].why, json_str(renewal, "text", STR("")).p);
        }
        /* the copilot counts by itself, and the same */
        assert_int_equal(success_facts_days(renewal_ms, noon_ms), date_rows[i].days);
    }
    arena_free(&a);
}

static void days_are_whole_and_never_negative(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(day_rows) / sizeof(*day_rows); i++) {
        assert_int_equal(health_days(day_rows[i].now_ms, day_rows[i].renewal_ms), day_rows[i].days);
    }
}

static void the_next_change_is_when_points_move(void **state)
{
    int64_t renewal = 400 * (int64_t)DAY_MS, now = 0, moments = 0;
    (void)state;
    for (int64_t next; (next = health_next_change(now, renewal)); now = next) {
        const struct health_formula *f = health_formula_default();
        int before = f->renewal_points(health_days(next - 1, renewal));
        assert_int_not_equal(before, f->renewal_points(health_days(next, renewal)));
        assert_int_equal(before, f->renewal_points(health_days(now, renewal)));
        moments++;
    }
    assert_int_equal(moments, 2);
}

/* Every pair of cells: the shares add up, and who did not move has none. */
static void shares_add_up_to_the_difference(void **state)
{
    static const int64_t tickets[] = {0, 1, 3, 6}, days[] = {181, 100, 10};
    struct health all[36];
    int n = 0;
    (void)state;
    for (int t = HEALTH_TREND_DOWN; t <= HEALTH_TREND_UP; t++) {
        for (int k = 0; k < 4; k++) {
            for (int d = 0; d < 3; d++) {
                all[n++] = score((enum health_trend)t, tickets[k], days[d]);
            }
        }
    }
    for (int i = 0; i < n; i++) {
        for (int j = 0; j < n; j++) {
            int delta[HEALTH_FACTORS], sum = 0;
            assert_true(health_attribute(&all[i], &all[j], delta));
            for (int f = 0; f < HEALTH_FACTORS; f++) {
                int raw = all[j].contribution[f] - all[i].contribution[f];
                assert_true(raw != 0 || delta[f] == 0);
                assert_in_range(delta[f] * 100 - raw + 100, 0, 200); /* within a point of exact */
                sum += delta[f];
            }
            assert_int_equal(sum, all[j].score - all[i].score);
        }
    }
    int delta[HEALTH_FACTORS];
    struct health none = score(HEALTH_TREND_UNKNOWN, 0, 0);
    assert_false(health_attribute(&none, &all[0], delta));
    assert_int_equal(delta[HEALTH_USAGE], 0);
}

/* The same between two formulas: whatever the weights are. */
static void shares_add_up_between_formulas(void **state)
{
    struct health_formula was = *health_formula_default(), is = was;
    const struct health_inputs some[] = {
        {.trend = HEALTH_TREND_UP, .open_tickets = 0, .renewal_days = 181},
        {.trend = HEALTH_TREND_UP, .open_tickets = 2, .renewal_days = 100},
        {.trend = HEALTH_TREND_FLAT, .open_tickets = 4, .renewal_days = 100},
        {.trend = HEALTH_TREND_DOWN, .open_tickets = 9, .renewal_days = 10}};
    (void)state;
    is.key = "ours@1";
    for (int usage = 0; usage <= 100; usage += 5) {
        for (int tickets = 0; usage + tickets <= 100; tickets += 7) {
            const int weights[HEALTH_FACTORS] = {usage, tickets, 100 - usage - tickets};
            memcpy(is.weights, weights, sizeof(weights));
            for (int i = 0; i < 16; i++) {
                struct health before, after;
                int delta[HEALTH_FACTORS];
                health_score(&was, &some[i / 4], &before);
                health_score(&is, &some[i % 4], &after);
                assert_true(health_attribute(&before, &after, delta));
                assert_int_equal(delta[0] + delta[1] + delta[2], after.score - before.score);
                assert_in_range(after.score, 0, 100);
            }
        }
    }
}

static const struct {
    double values[8];
    size_t n;
    enum health_trend trend;
    int64_t mean;
    const char *why;
} lines[] = {
    {{77, 81, 85, 89}, 4, HEALTH_TREND_UP, 83, "acme"},
    {{68, 62, 58, 54}, 4, HEALTH_TREND_DOWN, 60, "falls; the mean of 60.5 goes to the even one"},
    {{10, 10, 10, 10}, 4, HEALTH_TREND_FLAT, 10, "level"},
    {{118, 121, 119, 120}, 4, HEALTH_TREND_UP, 120, "0.4 a step is more than 0.1195: up"},
    {{28, 31, 33, 35}, 4, HEALTH_TREND_UP, 32, "initech"},
    {{0}, 0, HEALTH_TREND_FLAT, 0, "nothing"},
    {{7}, 1, HEALTH_TREND_FLAT, 7, "one number has no direction"},
    {{10, 10.1}, 2, HEALTH_TREND_FLAT, 10, "0.1 is not more than the threshold"},
    {{1000, 1000.9}, 2, HEALTH_TREND_FLAT, 1000, "a thousandth of the mean is more than 0.1"},
    {{1000, 1002}, 2, HEALTH_TREND_UP, 1001, "and 2 is more than that"},
    {{-5, -4}, 2, HEALTH_TREND_UP, -4, "below zero the threshold is 0.1"},
    {{2, 3}, 2, HEALTH_TREND_UP, 2, "2.5 to the even one"},
    {{3, 4}, 2, HEALTH_TREND_UP, 4, "3.5 to the even one"},
};

static void the_trend_of_a_line(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
        if (health_trend_of(lines[i].values, lines[i].n) != lines[i].trend ||
            health_mean_of(lines[i].values, lines[i].n) != lines[i].mean) {
            fail_msg("%s: %lld", lines[i].why,
                     (long long)health_mean_of(lines[i].values, lines[i].n));
        }
    }
}

static void names_read_back(void **state)
{
    (void)state;
    assert_int_equal(health_trend_parse(STR("flat")), HEALTH_TREND_FLAT);
    assert_int_equal(health_trend_parse(STR("sideways")), HEALTH_TREND_UNKNOWN);
    assert_int_equal(health_risk_parse(STR("high")), HEALTH_RISK_HIGH);
    assert_null(health_formula_find(STR("copilot_v0")));
    assert_null(health_formula_at(100));
    assert_string_equal(health_formula_default()->name, "copilot_v1");
    const struct health_formula *f = health_formula_at(0);
    assert_int_equal(f->weights[0] + f->weights[1] + f->weights[2], 100);
}

static void a_move_is_told_in_words(void **state)
{
    struct arena *a = arena_new(1 << 20);
    struct health before = score(HEALTH_TREND_UP, 1, 100), after = score(HEALTH_TREND_FLAT, 3, 50);
    static const char *const texts[] = {"usage went from up to flat",
                                        "2 more open tickets (1, now 3)",
                                        "the renewal came nearer (100 days, now 50)"};
    (void)state;
    for (int i = 0; i < HEALTH_FACTORS; i++) {
        struct str text = health_move_text(a, (enum health_factor)i, &before, &after);
        assert_string_equal(str_dupz(a, text), texts[i]);
    }
    const struct json *v = health_view(a, &after);
    assert_int_equal(json_int(v, "score", 0), 46);
    assert_int_equal(json_int(v, "healthScore", 0), 46);
    assert_true(json_is_null(json_get(v, "range")));
    v = health_view(a, &(struct health){.formula = after.formula, .missing = {true, true, true}});
    assert_true(json_is_null(json_get(v, "score")));
    assert_int_equal(json_count(json_get(v, "missing")), 3);
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_cell_has_the_score_of_the_domain),
        cmocka_unit_test(signals_come_in_order),
        cmocka_unit_test(what_is_not_known_is_not_scored),
        cmocka_unit_test(days_are_whole_and_never_negative),
        cmocka_unit_test(dates_are_told_by_the_calendar),
        cmocka_unit_test(the_next_change_is_when_points_move),
        cmocka_unit_test(shares_add_up_to_the_difference),
        cmocka_unit_test(shares_add_up_between_formulas),
        cmocka_unit_test(the_trend_of_a_line),
        cmocka_unit_test(names_read_back),
        cmocka_unit_test(a_move_is_told_in_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
