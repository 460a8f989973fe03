/* The six tools: what they give, what they give when something is not known, and as whom. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "codec/date.h"
#include "support/customers.h"
#include "support/shop.h"
#include "svc/success/success_facts.h"
#include "svc/success/success_tool.h"
#include "svc/success/wording.h"

#define NOW INSTALLATION_NOW_MS

static const struct customer customers[] = {
    {"acme-001", "Acme Corp", "up", 82, 2, NOW + 100 * DATE_DAY_MS, 25000000, "Dana Poe", NULL,
     NULL},
    {"initech-001", "Initech", "down", 35, 0, NOW - 5 * DATE_DAY_MS, 9500050, NULL, NULL, NULL},
    {"flat-001", "Flat & Sons", "flat", 10, 1, NOW + 59 * DATE_DAY_MS, 100, NULL, NULL, NULL},
    {"blank-001", "Blank", NULL, 0, -1, 0, -1, NULL, NULL, NULL},
    {"rossi-001", "Rossi", "up", 5, 0, NOW + 59 * DATE_DAY_MS, 100, "Rossi Chiara", NULL, "Chiara"},
    {0},
};
static const struct service *const services[] = {&customers_service, NULL};

static int make_shop(void **state)
{
    static struct shop shop;
    customers_set(customers);
    shop_open(&shop, &(struct shop_setup){.services = services});
    *state = &shop;
    return 0;
}

static int free_shop(void **state)
{
    shop_close(*state);
    return 0;
}

static const struct json *run(struct shop *s, const char *tool, const char *account,
                              const char *params, int *out_status)
{
    const struct json *envelope, *given = NULL;
    struct json_fault fault;
    if (params) {
        assert_int_equal(json_parse(s->c->arena, str_of(params), &given, &fault), E_OK);
    }
    struct success_input in = {.account = str_of(account), .params = given};
    const struct success_tool *t = success_tool_find(str_of(tool));
    assert_non_null(t);
    success_tool_run(s->c, t, &in, &envelope, out_status);
    bool ok = json_bool(envelope, "ok", false);
    assert_int_equal(ok, *out_status == 200);
    assert_int_equal(json_is_null(json_get(envelope, "error")), ok);
    assert_int_equal(json_is_null(json_get(envelope, "data")), !ok);
    return ok ? json_get(envelope, "data") : json_get(envelope, "error");
}

struct row {
    const char *tool, *account, *params;
    int status;
    const char *expected; /* members that data, or error, must have; "" is any text */
    const char *why;
};

#define PERIOD_WRONG                                                                               \
    "{\"code\":\"INVALID_INPUT\","                                                                 \
    "\"message\":\"params.periodDays must be a whole number from 1 to 366\"}"
static const struct row rows[] = {
    {"get_customer_usage", "acme-001", NULL, 200,
     "{\"trend\":\"up\",\"avgDailyUsers\":82,\"sparkline\":[79,80,81,82],\"missingData\":false}",
     "what is known"},
    {"get_customer_usage", "blank-001", NULL, 200,
     "{\"trend\":\"flat\",\"avgDailyUsers\":0,\"sparkline\":[],\"missingData\":true}",
     "nothing is known: flat, and it says so"},
    {"get_recent_tickets", "acme-001", NULL, 200, "{\"openTickets\":2,\"missingData\":false}", ""},
    {"get_recent_tickets", "blank-001", NULL, 200,
     "{\"openTickets\":0,\"recentTickets\":[],\"missingData\":true}", ""},
    {"get_customer_usage", "acme-001", "{\"periodDays\":2}", 200,
     "{\"trend\":\"up\",\"avgDailyUsers\":82,\"sparkline\":[81,82]}", "the last two points"},
    {"get_customer_usage", "acme-001", "{\"periodDays\":366}", 200, "{\"sparkline\":[79,80,81,82]}",
     "as many as there are"},
    {"get_recent_tickets", "acme-001", "{\"periodDays\":1}", 200,
     "{\"openTickets\":2,\"recentTickets\":[]}", "those without a time are in no period"},
    {"get_customer_usage", "acme-001", "{\"periodDays\":0}", 400, PERIOD_WRONG, ""},
    {"get_customer_usage", "acme-001", "{\"periodDays\":367}", 400, PERIOD_WRONG, ""},
    {"get_customer_usage", "acme-001", "{\"periodDays\":\"x\"}", 400, PERIOD_WRONG, ""},
    {"get_recent_tickets", "acme-001", "{\"periodDays\":-1}", 400, PERIOD_WRONG, ""},
    {"get_recent_tickets", "acme-001", "{\"periodDays\":1.5}", 400, PERIOD_WRONG, "no integer"},
    {"get_recent_tickets", "acme-001", "{\"periodDays\":null}", 400, PERIOD_WRONG, ""},
    {"get_contract_info", "acme-001", "{}", 200,
     "{\"renewalDate\":\"2027-02-26T12:00:00.000Z\",\"arr\":250000,\"currency\":\"EUR\","
     "\"missingData\":false}",
     "whole units of money"},
    {"get_contract_info", "initech-001", NULL, 200, "{\"arr\":95000.5}", "cents are not lost"},
    {"get_contract_info", "blank-001", NULL, 200,
     "{\"renewalDate\":null,\"arr\":0,\"missingData\":true}", ""},
    {"calculate_health", "acme-001", NULL, 200,
     "{\"score\":87,\"healthScore\":87,\"riskLevel\":\"low\",\"missingData\":false}",
     "both names of the score"},
    {"calculate_health", "blank-001", NULL, 200,
     "{\"score\":null,\"healthScore\":null,\"riskLevel\":\"unknown\",\"signals\":[],"
     "\"missingData\":true}",
     "nothing known is no score of 72"},
    {"generate_email", "acme-001", NULL, 200,
     "{\"subject\":\"Renewal alignment for Acme Corp\",\"tone\":\"friendly\",\"language\":\"en\"}",
     "the name, not the id in title case"},
    {"generate_email", "blank-001", NULL, 404, "{\"code\":\"MISSING_DATA\"}", "no renewal date"},
    {"generate_email", "acme-001", "{\"tone\":\"angry\"}", 400, "{\"code\":\"INVALID_INPUT\"}", ""},
    {"generate_email", "acme-001", "{\"language\":\"xx\"}", 400, "{\"code\":\"INVALID_INPUT\"}",
     ""},
    {"generate_email", "acme-001", "{\"language\":\"de\",\"tone\":\"formal\"}", 200,
     "{\"subject\":\"Verlängerung Ihres Vertrags: Acme Corp\"}", ""},
    {"calculate_health", "", NULL, 400, "{\"code\":\"INVALID_INPUT\"}", "whose health?"},
    {"calculate_health", "acme-001", "[]", 400, "{\"code\":\"INVALID_INPUT\"}", "params: object"},
    {"calculate_health", "nobody", NULL, 404, "{\"code\":\"MISSING_DATA\"}", "unknown"},
};

static void test_tools(void **state)
{
    struct shop *s = *state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        const struct json *expected;
        struct json_fault fault;
        int status;
        const struct json *got = run(s, rows[i].tool, rows[i].account, rows[i].params, &status);
        assert_int_equal(json_parse(s->c->arena, str_of(rows[i].expected), &expected, &fault),
                         E_OK);
        if (status != rows[i].status) {
            fail_msg("%s of %s: %d (%s)", rows[i].tool, rows[i].account, status, rows[i].why);
        }
        for (uint32_t m = 0; m < expected->count; m++) {
            const struct json *v = json_find(got, expected->members[m].name);
            if (!v || !json_equal(v, &expected->members[m].value)) {
                fail_msg("%s of %s: %.*s", rows[i].tool, rows[i].account,
                         STR_ARG(json_write(s->c->arena, got)));
            }
        }
        if (status == 200) {
            assert_null(success_tool_misfit(success_tool_find(str_of(rows[i].tool)), got));
        }
    }
}

static void test_email(void **state)
{
    struct shop *s = *state;
    int status;
    const struct json *mail = run(s, "generate_email", "acme-001", NULL, &status);
    struct str body = json_str(mail, "body", STR(""));
    static const char *const parts[] = {"Hi Dana Poe,",
                                        "The agreement of Acme Corp renews on 26 February 2027.",
                                        "usage has been growing",
                                        "You have 2 open support tickets",
                                        "1. ",
                                        "2. ",
                                        "3. ",
                                        "30-minute call next week",
                                        "Nora Lind"};
    for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
        if (str_find(body, str_of(parts[i])) < 0) {
            fail_msg("no \"%s\" in %.*s", parts[i], STR_ARG(body));
        }
    }
    assert_true(str_find(body, STR("{")) < 0);
    mail = run(s, "generate_email", "initech-001", NULL, &status);
    body = json_str(mail, "body", STR(""));
    assert_true(str_find(body, STR("was due for renewal on 13 November 2026")) >= 0);
    assert_true(str_find(body, STR("Hi there,")) >= 0 && str_find(body, STR("declining")) >= 0);
    assert_true(str_find(body, STR("no open support tickets")) >= 0);
    mail = run(s, "generate_email", "flat-001", NULL, &status);
    body = json_str(mail, "body", STR(""));
    assert_true(str_find(body, STR("1 open support ticket,")) >= 0);
}

/* The first name where the record has one, whatever the whole begins with; formally the whole. */
static void test_greetings(void **state)
{
    struct shop *s = *state;
    static const struct {
        const char *account, *params, *hello;
    } cases[] = {
        {"rossi-001", "{\"tone\":\"friendly\"}", "Hi Chiara,"},
        {"rossi-001", "{\"tone\":\"concise\"}", "Hello Chiara,"},
        {"rossi-001", "{\"tone\":\"formal\"}", "Dear Rossi Chiara,"},
        {"rossi-001", "{\"tone\":\"concise\",\"language\":\"nl\"}", "Beste Chiara,"},
        {"acme-001", "{\"tone\":\"concise\"}", "Hello Dana Poe,"},
        {"acme-001", "{\"tone\":\"formal\"}", "Dear Dana Poe,"},
        {"flat-001", "{\"tone\":\"formal\"}", "Dear all,"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        int status;
        const struct json *mail =
            run(s, "generate_email", cases[i].account, cases[i].params, &status);
        struct str body = json_str(mail, "body", STR(""));
        if (!str_starts(body, str_of(cases[i].hello))) {
            fail_msg("no \"%s\" in %.*s", cases[i].hello, STR_ARG(body));
        }
    }
}

/* Every language and tone is whole: no slot is left, the date is there. */
static void test_letters(void **state)
{
    struct shop *s = *state;
    static const char *const dates[] = {"26 February 2027", "26. Februar 2027", "26 februari 2027",
                                        "26 février 2027"};
    for (int l = 0; l < WORDING_LANGUAGES; l++) {
        for (int t = 0; t < WORDING_TONES; t++) {
            char params[80];
            int status;
            snprintf(params, sizeof(params), "{\"language\":\"%s\",\"tone\":\"%s\"}",
                     wording_language_name((enum wording_language)l),
                     wording_tone_name((enum wording_tone)t));
            const struct json *mail = run(s, "generate_email", "acme-001", params, &status);
            struct str body = json_str(mail, "body", STR(""));
            assert_int_equal(status, 200);
            assert_true(str_find(body, STR("{")) < 0 && str_find(body, str_of(dates[l])) > 0);
            assert_true(str_find(json_str(mail, "subject", STR("")), STR("Acme Corp")) >= 0);
        }
    }
}

static void test_qbr(void **state)
{
    struct shop *s = *state;
    static const struct {
        const char *account;
        size_t sections;
        const char *second;
    } cases[] = {{"acme-001", 5, "Highlights and value"},
                 {"initech-001", 4, "Recovery plan"},
                 {"flat-001", 4, "Support summary"},
                 {"blank-001", 3, "Support summary"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        int status;
        const struct json *data = run(s, "generate_qbr_outline", cases[i].account, NULL, &status);
        const struct json *sections = json_get(data, "sections");
        assert_int_equal(json_count(sections), cases[i].sections);
        assert_true(str_eqz(json_str(json_at(sections, 0), "title", STR("")), "Adoption overview"));
        assert_true(str_eqz(json_str(json_at(sections, 1), "title", STR("")), cases[i].second));
        for (size_t n = 0; n < json_count(sections); n++) {
            assert_true(json_count(json_get(json_at(sections, n), "bullets")) > 0);
        }
    }
}

static void test_words(void **state)
{
    struct shop *s = *state;
    struct arena *a = s->c->arena;
    static const struct {
        enum wording_language language;
        int64_t cents;
        const char *currency, *expected;
    } amounts[] = {
        {WORDING_EN, 25000000, "EUR", "€250,000"},
        {WORDING_EN, 25000001, "USD", "$250,000.01"},
        {WORDING_DE, 25000000, "EUR", "250.000\u00a0€"},
        {WORDING_NL, 99, "EUR", "€\u00a00,99"},
        {WORDING_FR, 123456700, "CHF", "CHF 1\u00a0234\u00a0567"},
        {WORDING_EN, -50, "GBP", "£-0.50"},
        {WORDING_EN, -12345600, "GBP", "£-123,456"},
        {WORDING_EN, 0, "", "0"},
    };
    for (size_t i = 0; i < sizeof(amounts) / sizeof(*amounts); i++) {
        struct str got =
            wording_money(a, amounts[i].language, amounts[i].cents, str_of(amounts[i].currency));
        assert_string_equal(got.p, amounts[i].expected);
    }
    assert_string_equal(wording_date(a, WORDING_FR, NOW - 17 * DATE_DAY_MS).p, "1er novembre 2026");
    assert_int_equal(success_facts_days(NOW + 60 * DATE_DAY_MS, NOW), 60);
    assert_int_equal(success_facts_days(NOW - DATE_DAY_MS, NOW), -1);
}

static void test_misfits(void **state)
{
    (void)state;
    const struct json bad = {.kind = JSON_STRING};
    int n = 0;
    for (const struct success_tool *t; (t = success_tool_at(n)) != NULL; n++) {
        assert_ptr_equal(success_tool_find(str_of(t->name)), t);
        assert_non_null(success_tool_misfit(t, &bad));
        assert_non_null(success_tool_misfit(t, &json_empty_object));
        assert_non_null(success_tool_misfit(t, NULL));
    }
    assert_int_equal(n, SUCCESS_TOOL_COUNT);
    assert_null(success_tool_find(STR("../admin")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tools),     cmocka_unit_test(test_email),
        cmocka_unit_test(test_letters),   cmocka_unit_test(test_qbr),
        cmocka_unit_test(test_words),     cmocka_unit_test(test_misfits),
        cmocka_unit_test(test_greetings),
    };
    return cmocka_run_group_tests(tests, make_shop, free_shop);
}
