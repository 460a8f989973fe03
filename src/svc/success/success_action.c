#include "svc/success/success_action.h"

#include <string.h>

enum { LINES_MAX = 4, ROWS_MAX = 64 };

/* Why, how pressing, and what. The order is that of the answer within one priority. */
struct advice {
    const char *reason, *priority;
    const char *lines[LINES_MAX];
};

static const struct advice for_renewal = {
    "The renewal is what was asked about",
    "high",
    {"Agree on the goals for the coming term with the champion",
     "Confirm who decides about the renewal, and by when"}};
static const struct advice for_qbr = {"The review is what was asked about",
                                      "high",
                                      {"Set the date of the review and who takes part",
                                       "Ask the champion which results the review should show"}};
static const struct advice for_churn = {
    "The account may leave",
    "high",
    {"Call the champion this week and ask what stands in the way",
     "Bring the risk before your manager, with what you need to turn it"}};

static const struct advice low_risk = {"The risk is low: time to grow",
                                       "low",
                                       {"Look for a further team that could use the product",
                                        "Ask for a reference or a case study",
                                        "Show what is coming on the roadmap for their goals"}};
static const struct advice medium_risk = {
    "The risk is medium: keep it from growing",
    "medium",
    {"Have a check-in with the champion within the next two weeks",
     "Go through the goals of the account and what is behind them",
     "Offer training to the teams that use the product least"}};
static const struct advice high_risk = {
    "The risk is high",
    "high",
    {"Write a recovery plan with owners and dates", "Bring in an executive sponsor on both sides",
     "Look at the account every week until the score has recovered"}};

static const struct advice trend_down = {"Usage is declining",
                                         "high",
                                         {"Find out which teams stopped using the product, and why",
                                          "Plan an enablement session for the users who left"}};
static const struct advice trend_flat = {
    "Usage is stable", "medium", {"Find one further use for the product with the champion"}};
static const struct advice trend_up = {
    "Usage is increasing", "low", {"Put the growth into the customer's own terms of value"}};

static const struct advice many_tickets = {
    "More than three tickets are open", "high", {"Triage the open tickets with support"}};
static const struct advice few_tickets = {
    "Tickets are open", "medium", {"Follow up on the open tickets with support"}};

static const struct advice renews_now = {"The renewal is due within a month",
                                         "high",
                                         {"Send the renewal proposal now",
                                          "Speak to procurement and legal about their time",
                                          "Fix the date of the decision with the customer",
                                          "Prepare an offer for the case that they hesitate"}};
static const struct advice renews_soon = {"The renewal is due within two months",
                                          "high",
                                          {"Prepare the renewal proposal",
                                           "Book the renewal meeting with the decision maker",
                                           "Settle open points before the negotiation"}};
static const struct advice renews_next = {"The renewal is due within three months",
                                          "medium",
                                          {"Begin the talk about the renewal",
                                           "Collect what the customer has gained in this term",
                                           "Check whether scope and price still fit"}};
static const struct advice renews_later = {
    "The renewal is due within half a year",
    "low",
    {"Put the preparation of the renewal into the account plan"}};
static const struct advice renewal_over = {
    "The renewal date has passed",
    "high",
    {"Settle the overdue renewal: signed, extended or ended?"}};

static const struct advice no_usage = {
    "Usage is not known", "medium", {"Bring in usage data, so that health can be scored"}};
static const struct advice no_tickets = {
    "Tickets are not known", "medium", {"Connect the help desk, so that health can be scored"}};
static const struct advice no_renewal = {
    "The renewal date is not known", "medium", {"Enter the renewal date of the contract"}};

struct rows {
    const char *text[ROWS_MAX];
    const struct advice *of[ROWS_MAX];
    int count;
};

static void give(struct rows *r, const struct advice *advice)
{
    for (int i = 0; i < LINES_MAX && advice->lines[i] && r->count < ROWS_MAX; i++) {
        bool twice = false;
        for (int k = 0; k < r->count; k++) {
            twice = twice || str_eq_nocase(str_of(r->text[k]), str_of(advice->lines[i]));
        }
        if (!twice) {
            r->of[r->count] = advice;
            r->text[r->count++] = advice->lines[i];
        }
    }
}

static void give_renewal(struct rows *r, const struct success_known *k)
{
    static const struct {
        int64_t days;
        const struct advice *advice;
    } near[] = {{30, &renews_now}, {60, &renews_soon}, {90, &renews_next}, {180, &renews_later}};
    if (k->asked_contract && !k->has_renewal) {
        give(r, &no_renewal);
    }
    if (!k->has_renewal) {
        return;
    }
    if (k->renewal_passed) {
        give(r, &renewal_over);
        return;
    }
    for (size_t i = 0; i < sizeof(near) / sizeof(*near); i++) {
        if (k->renewal_days <= near[i].days) {
            give(r, near[i].advice);
            return;
        }
    }
}

static void give_task(struct rows *r, const struct success_known *k, enum success_task task)
{
    bool at_risk = str_eqz(k->risk, "high");
    if (task == SUCCESS_RENEWAL) {
        give(r, &for_renewal);
    } else if (task == SUCCESS_QBR) {
        give(r, &for_qbr);
    } else if (at_risk || (task == SUCCESS_CHURN && str_eqz(k->risk, "medium"))) {
        give(r, &for_churn);
    }
}

static void give_usage(struct rows *r, const struct success_known *k)
{
    if (k->has_trend) {
        give(r, str_eqz(k->trend, "down")   ? &trend_down
                : str_eqz(k->trend, "flat") ? &trend_flat
                                            : &trend_up);
    } else if (k->asked_usage) {
        give(r, &no_usage);
    }
}

const struct json *success_actions(struct arena *a, const struct success_known *k,
                                   enum success_task task)
{
    static const char *const priorities[] = {"high", "medium", "low"};
    struct rows r = {.count = 0};
    const struct json *list = &json_empty_array;
    give_task(&r, k, task);
    give_renewal(&r, k);
    if (k->has_score) {
        give(&r, str_eqz(k->risk, "low")      ? &low_risk
                 : str_eqz(k->risk, "medium") ? &medium_risk
                                              : &high_risk);
    }
    give_usage(&r, k);
    if (k->has_tickets && k->open_tickets > 0) {
        give(&r, k->open_tickets > 3 ? &many_tickets : &few_tickets);
    } else if (k->asked_tickets && !k->has_tickets) {
        give(&r, &no_tickets);
    }
    for (size_t p = 0; p < 3; p++) {
        for (int i = 0; i < r.count && json_count(list) < SUCCESS_ACTIONS_MAX; i++) {
            if (strcmp(r.of[i]->priority, priorities[p]) == 0) {
                list = json_push(a, list,
                                 json_object(a, {"text", json_new_str(a, str_of(r.text[i]))},
                                             {"reason", json_new_str(a, str_of(r.of[i]->reason))},
                                             {"priority", json_new_str(a, str_of(priorities[p]))}));
            }
        }
    }
    return list;
}
