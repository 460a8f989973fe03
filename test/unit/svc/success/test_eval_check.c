/* The checks of an evaluation hold for an answer that is right, and each fails when the one thing
 * it looks at is wrong. */
#include "unit/codec/sample.h"

#include "svc/success/eval_check.h"
#include "unit/svc/success/model_sentences.h"

static const char FACTS[] =
    "{\"account\":{\"id\":\"a1\",\"slug\":\"acme\",\"name\":\"Acme Corp\"},"
    "\"contract\":{\"renewal_date_ms\":1780272000000,\"arr_cents\":25000000,\"currency\":\"EUR\","
    "\"missing\":false},"
    "\"usage\":{\"trend\":\"up\",\"avg_daily_users\":82,\"sparkline\":[77,81,85,89],"
    "\"missing\":false},"
    "\"tickets\":{\"open_tickets\":2,\"recent_tickets\":[{\"id\":\"T-901\",\"severity\":\"low\"}],"
    "\"missing\":false}}";
static const char HEALTH[] =
    "{\"score\":87,\"risk_level\":\"low\",\"signals\":[\"usage_up\",\"few_tickets\"]}";
static const char FINAL[] =
    "{\"scope\":\"account\",\"account\":{\"id\":\"a1\",\"slug\":\"acme\",\"name\":\"Acme Corp\"},"
    "\"summary\":\"Acme Corp scores 87. Usage rises, 82 people a day. 2 tickets are open, T-901 "
    "among them. The "
    "contract of 250,000 renews on 1 June 2026.\","
    "\"health\":{\"score\":87,\"risk_level\":\"low\",\"signals\":[\"usage_up\",\"few_tickets\"]},"
    "\"actions\":[{\"text\":\"Talk about growth\"}],"
    "\"email_draft\":{\"subject\":\"Your renewal, Acme Corp\",\"body\":\"Hello,\\n\\nyour contract "
    "renews on 1 June 2026. Shall we talk for 30 minutes next week?\\n\\n1. Look at usage\\n2. "
    "Look "
    "at tickets\\n3. Agree on dates\\n\"},"
    "\"qbr\":{\"sections\":[{\"title\":\"a\",\"bullets\":[\"82 users a day\"]},{\"title\":\"b\"},"
    "{\"title\":\"c\"}]},"
    "\"notes\":[],\"used_tools\":[{\"name\":\"calculate_health\"}],"
    "\"figures\":[{\"key\":\"arr\",\"value\":250000,\"text\":\"250,000\"},"
    "{\"key\":\"renewal_date\",\"value\":\"2026-06-01\",\"text\":\"1 June 2026\"},"
    "{\"key\":\"open_tickets\",\"value\":2,\"text\":\"2\"}],"
    "\"facts\":{\"contract\":{\"arr_cents\":25000000,\"renewal_date_ms\":1780272000000,"
    "\"missing\":false},"
    "\"usage\":{\"trend\":\"up\",\"avg_daily_users\":82,\"missing\":false},"
    "\"tickets\":{\"open_tickets\":2,\"missing\":false}}}";

static const struct json *tree(struct arena *a, const char *text)
{
    const struct json *v = NULL;
    struct json_fault fault;
    if (json_parse(a, str_of(text), &v, &fault) != E_OK) {
        fail_msg("%s at %zu", fault.text, fault.offset);
    }
    return v;
}

/* The names of the checks that failed, one behind the other. */
static struct str failures(struct arena *a, const char *task, const struct json *final,
                           const struct eval_truth *truth)
{
    const struct json *checks = eval_check(a, eval_task_find(str_of(task)), final, truth);
    struct str names = STR("");
    bool passed = true;
    for (size_t i = 0; i < json_count(checks); i++) {
        const struct json *one = json_at(checks, i);
        if (!json_bool(one, "ok", false)) {
            struct str name = json_str(one, "check", STR("?"));
            names = str_fmt(a, "%.*s%s%.*s", STR_ARG(names), names.n ? " " : "", STR_ARG(name));
            passed = false;
            assert_true(json_str(one, "detail", STR("")).n > 0);
        }
    }
    assert_int_equal(eval_check_passed(checks), passed);
    return names;
}

static struct eval_truth truth_of(struct arena *a)
{
    return (struct eval_truth){.facts = tree(a, FACTS),
                               .health = tree(a, HEALTH),
                               .renewal_days = 120,
                               .now_ms = INT64_C(1769904000000),
                               .currency = STR("EUR"),
                               .name = "Acme Corp",
                               .question = STR("Prepare a renewal brief for Acme Corp"),
                               .took_ms = 5};
}

static void test_right(void **state)
{
    struct arena *a = *state;
    static const char *const names[] = {"health", "renewal", "qbr",     "email",
                                        "churn",  "usage",   "tickets", "contract"};
    struct eval_truth truth = truth_of(a);
    for (size_t i = 0; i < SAMPLE_COUNT(names); i++) {
        sample_is(failures(a, names[i], tree(a, FINAL), &truth), "", names[i]);
    }
}

/* A merge patch on the answer or on the truth, and what it must make fail. */
static void test_wrong(void **state)
{
    static const struct {
        const char *task, *answer, *facts, *health, *failed, *why;
    } ROWS[] = {
        {"renewal", NULL, "{\"usage\":{\"trend\":\"down\"}}", NULL, "usage.trend no_invented_fact",
         "falsified, and said in words"},
        {"renewal", NULL, "{\"usage\":{\"avg_daily_users\":83}}", NULL,
         "usage.avg_daily_users no_invented_number no_invented_fact", "falsified, and written out"},
        {"renewal", NULL, "{\"tickets\":{\"open_tickets\":5}}", NULL,
         "tickets.open_tickets figures no_invented_fact", "falsified"},
        {"renewal", NULL, "{\"contract\":{\"arr_cents\":26000000}}", NULL,
         "contract.arr_cents figures no_invented_number no_invented_fact", "falsified"},
        {"contract", NULL, "{\"contract\":{\"renewal_date_ms\":1780444800000}}", NULL,
         "contract.renewal_date_ms figures no_invented_fact", "falsified by two days"},
        {"contract", NULL, "{\"contract\":{\"arr_cents\":null}}", NULL,
         "contract.arr_cents gap_told.contract figures no_invented_number no_invented_fact",
         "a gap, made up"},
        {"health", NULL, NULL, "{\"score\":80}", "health.score no_invented_number no_invented_fact",
         "falsified"},
        {"health", NULL, NULL, "{\"risk_level\":\"high\"}", "health.risk", "falsified"},
        {"health", NULL, NULL, "{\"signals\":[\"usage_up\"]}", "health.signals", "falsified"},
        {"health", "{\"health\":null}", NULL, NULL, "health.score health.risk health.signals",
         "no health at all"},
        {"renewal", "{\"account\":{\"id\":\"a2\"}}", NULL, NULL, "right_account",
         "another customer"},
        {"renewal", "{\"summary\":\"Sorry.\"}", NULL, NULL, "summary no_invented_fact",
         "an apology"},
        {"renewal", "{\"scope\":\"refused\"}", NULL, NULL, "answered", "a refusal"},
        {"renewal", "{\"scope\":\"failed\",\"facts\":null,\"health\":null,\"actions\":[]}", NULL,
         NULL,
         "answered usage.trend usage.avg_daily_users tickets.open_tickets contract.arr_cents "
         "contract.renewal_date_ms health.score health.risk health.signals actions",
         "a failure told nicely"},
        {"renewal", "{\"summary\":\"Acme Corp will grow by 17 per cent this year.\"}", NULL, NULL,
         "no_invented_number no_invented_fact", "a number from nowhere"},
        {"usage", "{\"summary\":\"Usage at Acme Corp is declining.\"}", NULL, NULL,
         "no_invented_fact", "the other way round"},
        {"usage", "{\"summary\":\"They fear that usage may be declining.\"}", NULL, NULL,
         "no_invented_fact", "what they fear is in no data"},
        {"health", "{\"summary\":\"Acme Corp scores 87, which is high risk.\"}", NULL, NULL,
         "no_invented_fact", "another risk"},
        {"health", "{\"summary\":\"Acme Corp was bought by Contoso Holdings.\"}", NULL, NULL,
         "no_invented_fact", "a company from nowhere"},
        {"health", "{\"summary\":\"We like Acme Corp: its risk is low.\"}", NULL, NULL, "", "true"},
        {"email", "{\"email_draft\":{\"body\":\"\"}}", NULL, NULL, "email_body", "an empty draft"},
        {"email", "{\"email_draft\":{\"subject\":\"Your renewal, acme-001\"}}", NULL, NULL,
         "email_names_account no_invented_number no_invented_fact", "an id for a name"},
        {"qbr", "{\"qbr\":{\"sections\":[{\"title\":\"a\"}]}}", NULL, NULL, "qbr",
         "one section only"},
        {"tickets", "{\"summary\":\"2 tickets are open.\"}", NULL, NULL, "tickets_named",
         "how many, not which"},
        {"tickets", "{\"summary\":\"82 tickets are open.\"}",
         "{\"tickets\":{\"recent_tickets\":[{\"id\":\"82\"}]}}", NULL, "no_invented_fact",
         "a number that is a ticket's id too"},
        {"usage", "{\"summary\":\"82 people use it on an average day.\"}",
         "{\"tickets\":{\"recent_tickets\":[{\"id\":\"8\"}]}}", NULL, "",
         "a ticket's id is a digit of it"},
        {"health", "{\"summary\":\"Acme Corp scores 87.\"}",
         "{\"contacts\":[{\"name\":\" \",\"title\":\"  \"}]}", NULL, "", "a blank name"},
        {"usage", NULL, "{\"usage\":{\"missing\":true,\"trend\":null,\"avg_daily_users\":null}}",
         NULL,
         "usage.trend usage.avg_daily_users gap_told.usage no_invented_number "
         "no_invented_fact",
         "scored as if it were known"},
        {"email", NULL, "{\"contract\":{\"renewal_date_ms\":null,\"missing\":true}}", NULL,
         "no_email gap_told.email figures no_invented_number no_invented_fact",
         "a letter about a date that nobody has"},
        {"contract",
         "{\"facts\":{\"contract\":{\"renewal_date_ms\":null,\"missing\":true}},\"summary\":\"It "
         "is worth "
         "250,000 a year.\",\"email_draft\":null,\"figures\":[],"
         "\"notes\":[{\"code\":\"missing_renewal_date\"}]}",
         "{\"contract\":{\"renewal_date_ms\":null,\"missing\":true}}", NULL, "",
         "the amount is known, the date is not"},
        {"email",
         "{\"summary\":\"The renewal date is not known.\",\"email_draft\":null,\"figures\":[],"
         "\"notes\":[{\"code\":\"missing_data\"}]}",
         "{\"contract\":{\"renewal_date_ms\":null,\"missing\":true}}", NULL, "",
         "no date, no letter, and it is told"},
        {"refusal", NULL, NULL, NULL, "refused no_tool_used", "answered what is to be refused"},
        {"at_risk", NULL, NULL, NULL, "answered table", "no table"},
    };
    struct arena *a = *state;
    for (size_t i = 0; i < SAMPLE_COUNT(ROWS); i++) {
        struct eval_truth truth = truth_of(a);
        const struct json *final = tree(a, FINAL);
        final = ROWS[i].answer ? json_merge(a, final, tree(a, ROWS[i].answer)) : final;
        truth.facts =
            ROWS[i].facts ? json_merge(a, truth.facts, tree(a, ROWS[i].facts)) : truth.facts;
        truth.health =
            ROWS[i].health ? json_merge(a, truth.health, tree(a, ROWS[i].health)) : truth.health;
        sample_is(failures(a, ROWS[i].task, final, &truth), ROWS[i].failed, ROWS[i].why);
    }
}

/* An answer whose parts are right, and whose words say otherwise with numbers of the data. */
static void test_lying(void **state)
{
    static const char *const tasks[] = {"health",  "renewal",  "usage",
                                        "tickets", "contract", "churn"};
    static const char *const LIES[] = {
        "82 tickets are open, T-901 too, the score is 250,000 and they pay $87 a year. The "
        "contract "
        "expired last year and all users have churned.",
        "T-901 is one of 82 open tickets.",
        "Acme Corp scores 250,000, see T-901.",
        "They pay $87 a year; T-901 waits.",
        "They are well, T-901 aside. The contract expired last year.",
        "All users have churned, says T-901.",
        "There are no open tickets but T-901.",
        "T-901 aside, the score is LXXIV.",
        "87 people use it daily; T-901 is open.",
    };
    struct arena *a = *state;
    struct eval_truth truth = truth_of(a);
    for (size_t i = 0; i < SAMPLE_COUNT(LIES); i++) {
        const struct json *final =
            json_with(a, tree(a, FINAL), STR("summary"), json_new_str(a, str_of(LIES[i])));
        for (size_t k = 0; k < SAMPLE_COUNT(tasks); k++) {
            sample_is(failures(a, tasks[k], final, &truth), "no_invented_fact", LIES[i]);
        }
    }
}

/* Without a number, a name or a word of usage and risk: nothing of it is in the data. */
static void test_made_up(void **state)
{
    struct arena *a = *state;
    struct eval_truth truth = truth_of(a);
    struct str body = STR("Hello,\n\nyour contract renews on 1 June 2026. Shall we talk for 30 "
                          "minutes next week, so that we can look at your usage together?\n");
    size_t missed = 0;
    for (size_t i = 0; i < SAMPLE_COUNT(MADE_UP); i++) {
        const struct json *letter =
            json_with(a, json_get(tree(a, FINAL), "email_draft"), STR("body"),
                      json_new_str(a, str_fmt(a, "%.*s\n%s\n", STR_ARG(body), MADE_UP[i])));
        letter = json_with(a, letter, STR("language"), json_new_str(a, STR("en")));
        const struct json *final = json_with(a, tree(a, FINAL), STR("email_draft"), letter);
        if (str_find(failures(a, "email", final, &truth), STR("no_invented_fact")) < 0) {
            print_message("not seen: %s\n", MADE_UP[i]);
            missed++;
        }
    }
    assert_true(missed * 100 <= SAMPLE_COUNT(MADE_UP) * 3);
}

static void test_late(void **state)
{
    struct arena *a = *state;
    struct eval_truth truth = truth_of(a);
    truth.took_ms = EVAL_CHECK_MS_DEFAULT + 1;
    sample_is(failures(a, "health", tree(a, FINAL), &truth), "in_time", "too slow");
    assert_true(failures(a, "health", NULL, &truth).n > 0);
}

static void test_tables(void **state)
{
    struct arena *a = *state;
    struct eval_truth truth = {.question = STR("Which customers are most at risk?")};
    const struct json *ranked =
        tree(a, "{\"scope\":\"portfolio\",\"table\":{\"rows\":[{\"score\":12}"
                ",{\"score\":40},{\"score\":null}]}}");
    const struct json *mixed =
        tree(a, "{\"scope\":\"portfolio\",\"table\":{\"rows\":[{\"score\":40},{\"score\":12}]}}");
    sample_is(failures(a, "at_risk", ranked, &truth), "", "the lowest first");
    sample_is(failures(a, "at_risk", mixed, &truth), "ranked", "another order");
    const struct json *refusal =
        tree(a, "{\"scope\":\"refused\",\"used_tools\":[],\"summary\":\"That is not my job, but I "
                "can tell you about accounts.\"}");
    sample_is(failures(a, "refusal", refusal, &truth), "", "a friendly refusal");
}

/* Numbers of a summary, over the data and what else is given as the owner's title. */
static void test_numbers(void **state)
{
    static const struct {
        const char *text, *owner, *invented;
    } ROWS[] = {
        {"82 users", "", ""},        {"83 users", "", "83"},       {"82 users", "83", ""},
        {"7 tickets", "", "7"},      {"250,000 a year", "", ""},   {"250.000 a year", "", ""},
        {"1 June 2026", "", ""},     {"1 July 2025", "", "2025"},  {"1. first\n2. second", "", ""},
        {"call 30 minutes", "", ""}, {"no number at all", "", ""}, {"score 8.5", "8.5", ""},
        {"score 8.6", "", "8.6"},    {"T-901", "T-901", ""},       {"T-977", "T-97", "977"},
    };
    struct arena *a = *state;
    struct eval_truth truth = truth_of(a);
    for (size_t i = 0; i < SAMPLE_COUNT(ROWS); i++) {
        const struct json *final =
            json_with(a, tree(a, FINAL), STR("summary"), json_new_str(a, str_of(ROWS[i].text)));
        truth.facts =
            json_with(a, tree(a, FACTS), STR("owner"), json_new_str(a, str_of(ROWS[i].owner)));
        const struct json *checks = eval_check(a, eval_task_find(STR("email")), final, &truth);
        struct str told = STR("");
        for (size_t k = 0; k < json_count(checks); k++) {
            if (str_eqz(json_str(json_at(checks, k), "check", STR("")), "no_invented_number")) {
                told = json_str(json_at(checks, k), "detail", STR(""));
            }
        }
        struct str wanted =
            ROWS[i].invented[0]
                ? str_fmt(a, "the number %s is in no data of the account", ROWS[i].invented)
                : STR("");
        sample_is(told, str_dupz(a, wanted), ROWS[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SAMPLE_TEST(test_right),   SAMPLE_TEST(test_wrong), SAMPLE_TEST(test_lying),
        SAMPLE_TEST(test_made_up), SAMPLE_TEST(test_late),  SAMPLE_TEST(test_tables),
        SAMPLE_TEST(test_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
