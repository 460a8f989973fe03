/* A brief about one account, with its facts and health, as the services tell them. */
#ifndef TEST_SVC_SUCCESS_EXPORT_SAMPLE_H
#define TEST_SVC_SUCCESS_EXPORT_SAMPLE_H

#include <assert.h>

#include "svc/success/export_paper.h"

#define EXPORT_SOURCE(tool, field, part)                                                           \
    "\"source\":{\"tool\":\"" tool "\",\"field\":\"" field                                         \
    "\",\"url\":\"/console/accounts/a1#" part "\"}"

static const char EXPORT_FINAL[] =
    "{\"id\":\"b1\",\"question\":\"Prepare a renewal brief for Acme Corp\",\"scope\":\"account\","
    "\"task\":\"renewal\",\"account\":{\"id\":\"a1\",\"slug\":\"acme-001\",\"name\":\"Acme Corp\"},"
    "\"summary\":\"Acme Corp has a health score of 82, low risk. Usage is increasing, with 86 "
    "users "
    "on an average day. 4 support tickets are open. The renewal is on 1 June 2027.\","
    "\"actions\":[{\"text\":\"Agree on the goals for the coming term with the champion\","
    "\"reason\":\"The renewal is what was asked about\",\"priority\":\"high\"},"
    "{\"text\":\"Go through the open tickets and set a date for each\","
    "\"reason\":\"More than three tickets are open\",\"priority\":\"high\"},"
    "{\"text\":\"Look for a further team that could use the product\","
    "\"reason\":\"The risk is low: time to grow\",\"priority\":\"low\"},"
    "{\"text\":\"Ask for a reference or a case study\","
    "\"reason\":\"The risk is low: time to grow\",\"priority\":\"low\"}],"
    "\"email_draft\":{\"subject\":\"Your renewal on 1 June 2027\",\"body\":\"Hello Dana,\\n\\n"
    "Your contract renews on 1 June 2027. I would like to talk about the coming term.\\n\\n1. Your "
    "goals\\n2. The 4 open tickets\\n3. What is new\\n\\nCould we speak for 30 minutes next "
    "week?\\n\\nBest regards\"},"
    "\"notes\":[{\"code\":\"builtin\",\"text\":\"Planned and written without a model.\"}],"
    "\"figures\":["
    "{\"key\":\"score\",\"label\":\"Health score\",\"value\":82,\"text\":\"82\"," EXPORT_SOURCE(
        "calculate_health", "score",
        "health") "},"
                  "{\"key\":\"avg_daily_users\",\"label\":\"Users on an average day\",\"value\":86,"
                  "\"text\":\"86\"," EXPORT_SOURCE(
                      "get_customer_usage", "avgDailyUsers",
                      "usage") "},"
                               "{\"key\":\"open_tickets\",\"label\":\"Open "
                               "tickets\",\"value\":4,\"text\":\"4\"," EXPORT_SOURCE(
                                   "get_recent_tickets", "openTickets",
                                   "tickets") "},"
                                              "{\"key\":\"renewal_date\",\"label\":\"Renewal "
                                              "date\",\"value\":\"2027-06-01\","
                                              "\"text\":\"1 June 2027\"," EXPORT_SOURCE(
                                                  "get_contract_info", "renewalDate",
                                                  "contract") "},"
                                                              "{\"key\":\"call_minutes\",\"label\":"
                                                              "\"Length of the call "
                                                              "proposed\",\"value\":30,"
                                                              "\"text\":\"30\"," EXPORT_SOURCE(
                                                                  "generate_email", "body",
                                                                  "contract") "}],"
                                                                              "\"created_at\":"
                                                                              "1795000000123}";

static const char EXPORT_FACTS[] =
    "{\"account\":{\"id\":\"a1\",\"slug\":\"acme-001\",\"name\":\"Acme Corp\",\"stage\":\"live\","
    "\"plan\":\"Enterprise\",\"owner\":\"Maya Lind\",\"currency\":\"EUR\",\"demo\":false},"
    "\"contract\":{\"renewal_date_ms\":1811808000000,\"arr_cents\":25000000,\"currency\":\"EUR\","
    "\"plan\":\"Enterprise\",\"seats\":120,\"missing\":false},"
    "\"usage\":{\"trend\":\"up\",\"avg_daily_users\":86,\"sparkline\":[71,70,74,73,77,79,78,81,80,"
    "83,85,84,86,89,88,91],\"missing\":false},"
    "\"tickets\":{\"open_tickets\":4,\"recent_tickets\":["
    "{\"id\":\"T-904\",\"severity\":\"critical\",\"subject\":\"Label printer stops after a "
    "firmware "
    "update\",\"created_at_ms\":1794400000000},"
    "{\"id\":\"T-903\",\"severity\":\"medium\",\"subject\":\"Export to <CSV> & Excel loses the "
    "leading zeros\",\"created_at_ms\":1793800000000},"
    "{\"id\":\"T-902\",\"severity\":\"low\",\"subject\":\"Dark mode for the handheld\","
    "\"created_at_ms\":1793000000000},"
    "{\"id\":\"T-901\",\"severity\":\"low\",\"subject\":\"Wording of the welcome mail\","
    "\"created_at_ms\":1791000000000}],\"missing\":false},"
    "\"contacts\":[{\"id\":\"c1\",\"name\":\"Dana Whitfield\",\"title\":\"Head of Logistics\","
    "\"champion\":true,\"sponsor\":false},{\"id\":\"c2\",\"name\":\"Priya "
    "Raman\",\"title\":\"COO\","
    "\"champion\":false,\"sponsor\":true}]}";

static const char EXPORT_HEALTH[] =
    "{\"score\":82,\"healthScore\":82,\"risk_level\":\"low\",\"signals\":[\"usage_up\","
    "\"many_tickets\",\"renewal_far\"],\"formula\":\"copilot_v1\",\"complete\":true,\"missing\":[],"
    "\"range\":null,\"factors\":["
    "{\"name\":\"usage\",\"weight\":0.45,\"points\":100,\"contribution\":45.0,\"value\":\"up\","
    "\"text\":\"Usage is rising\",\"missing\":false},"
    "{\"name\":\"tickets\",\"weight\":0.35,\"points\":50,\"contribution\":17.5,\"value\":4,"
    "\"text\":\"4 open tickets\",\"missing\":false},"
    "{\"name\":\"renewal\",\"weight\":0.2,\"points\":100,\"contribution\":20.0,\"value\":194,"
    "\"text\":\"194 days to the renewal\",\"missing\":false}],\"computed_at_ms\":1795000000123,"
    "\"previous\":{\"score\":70,\"at_ms\":1792500000000,\"delta\":12,\"attribution\":["
    "{\"factor\":\"usage\",\"delta\":22,\"text\":\"usage went from flat to up\"},"
    "{\"factor\":\"tickets\",\"delta\":-10,\"text\":\"2 more open tickets (2, now 4)\"}]}}";

static const char EXPORT_HISTORY[] =
    "[{\"at_ms\":1794300000000,\"score\":82,\"risk_level\":\"low\",\"delta\":12,\"cause\":"
    "\"usage\","
    "\"attribution\":[{\"factor\":\"usage\",\"delta\":22,\"text\":\"usage went from flat to up\"},"
    "{\"factor\":\"tickets\",\"delta\":-10,\"text\":\"2 more open tickets (2, now 4)\"}]},"
    "{\"at_ms\":1792500000000,\"score\":70,\"risk_level\":\"medium\",\"delta\":-8,"
    "\"cause\":\"tickets\",\"attribution\":[{\"factor\":\"tickets\",\"delta\":-8,"
    "\"text\":\"2 more open tickets (0, now 2)\"}]},"
    "{\"at_ms\":1789000000000,\"score\":78,\"risk_level\":\"low\",\"delta\":14,"
    "\"cause\":\"contract\",\"attribution\":[{\"factor\":\"renewal\",\"delta\":14,"
    "\"text\":\"the renewal moved away (20 days, now 385 days)\"}]},"
    "{\"at_ms\":1786000000000,\"score\":64,\"risk_level\":\"medium\",\"delta\":null,"
    "\"cause\":\"first\",\"attribution\":[]}]";

static const char EXPORT_OUTLINE[] =
    "{\"sections\":[{\"title\":\"Adoption overview\",\"bullets\":[\"Usage of Acme Corp is "
    "increasing.\",\"86 people use it on an average day.\",\"Which teams use it, and for what.\"]},"
    "{\"title\":\"Highlights and value\",\"bullets\":[\"What the customer has achieved with the "
    "product since the last review.\",\"Where the next team could follow.\"]},"
    "{\"title\":\"Support summary\",\"bullets\":[\"4 support tickets are open.\",\"How quickly and "
    "how well requests were answered.\"]},"
    "{\"title\":\"Roadmap alignment\",\"bullets\":[\"The customer's goals for the coming quarter, "
    "and what of our roadmap serves them.\",\"Renewal date: 1 June 2027.\"]}]}";

static inline const struct json *export_json(struct arena *a, const char *text)
{
    const struct json *v = NULL;
    struct json_fault fault;
    enum err e = json_parse(a, str_of(text), &v, &fault);
    assert(e == E_OK);
    return e == E_OK ? v : NULL;
}

static inline struct export_input export_sample(struct arena *a)
{
    return (struct export_input){.final = export_json(a, EXPORT_FINAL),
                                 .facts = export_json(a, EXPORT_FACTS),
                                 .health = export_json(a, EXPORT_HEALTH),
                                 .history = export_json(a, EXPORT_HISTORY),
                                 .qbr = export_json(a, EXPORT_OUTLINE),
                                 .brand = STR("Brightwell"),
                                 .author = STR("Maya Lind"),
                                 .base_url = STR("https://rapport.example"),
                                 .color = 0x0f766e,
                                 .at_ms = 1795000000123};
}

#endif
