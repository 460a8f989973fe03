#include "svc/success/success_action.h"

#include <string.h>

#include "svc/success/speech.h"

enum { LINES_MAX = 4, ROWS_MAX = 64 };

/* Why, how pressing, and what. The order is that of the answer within one priority. */
struct advice {
    enum speech reason;
    const char *priority;
    enum speech lines[LINES_MAX];
    int count;
};

static const struct advice for_renewal = {
    SPEECH_DO_RENEWAL_WHY, "high", {SPEECH_DO_RENEWAL_GOALS, SPEECH_DO_RENEWAL_DECIDER}, 2};
static const struct advice for_qbr = {
    SPEECH_DO_QBR_WHY, "high", {SPEECH_DO_QBR_DATE, SPEECH_DO_QBR_RESULTS}, 2};
static const struct advice for_churn = {
    SPEECH_DO_CHURN_WHY, "high", {SPEECH_DO_CHURN_CALL, SPEECH_DO_CHURN_MANAGER}, 2};
static const struct advice low_risk = {
    SPEECH_DO_LOW_WHY,
    "low",
    {SPEECH_DO_LOW_TEAM, SPEECH_DO_LOW_REFERENCE, SPEECH_DO_LOW_ROADMAP},
    3};
static const struct advice medium_risk = {
    SPEECH_DO_MEDIUM_WHY,
    "medium",
    {SPEECH_DO_MEDIUM_CHECK_IN, SPEECH_DO_MEDIUM_GOALS, SPEECH_DO_MEDIUM_TRAINING},
    3};
static const struct advice high_risk = {
    SPEECH_DO_HIGH_WHY,
    "high",
    {SPEECH_DO_HIGH_PLAN, SPEECH_DO_HIGH_SPONSOR, SPEECH_DO_HIGH_WEEKLY},
    3};
static const struct advice trend_down = {
    SPEECH_DO_DOWN_WHY, "high", {SPEECH_DO_DOWN_FIND, SPEECH_DO_DOWN_SESSION}, 2};
static const struct advice trend_flat = {SPEECH_DO_FLAT_WHY, "medium", {SPEECH_DO_FLAT_USE}, 1};
static const struct advice trend_up = {SPEECH_DO_UP_WHY, "low", {SPEECH_DO_UP_VALUE}, 1};
static const struct advice many_tickets = {
    SPEECH_DO_TICKETS_MANY_WHY, "high", {SPEECH_DO_TICKETS_MANY}, 1};
static const struct advice few_tickets = {SPEECH_DO_TICKETS_WHY, "medium", {SPEECH_DO_TICKETS}, 1};
static const struct advice renews_now = {
    SPEECH_DO_NOW_WHY,
    "high",
    {SPEECH_DO_NOW_PROPOSAL, SPEECH_DO_NOW_LEGAL, SPEECH_DO_NOW_DECISION, SPEECH_DO_NOW_OFFER},
    4};
static const struct advice renews_soon = {
    SPEECH_DO_SOON_WHY,
    "high",
    {SPEECH_DO_SOON_PROPOSAL, SPEECH_DO_SOON_MEETING, SPEECH_DO_SOON_POINTS},
    3};
static const struct advice renews_next = {
    SPEECH_DO_NEXT_WHY,
    "medium",
    {SPEECH_DO_NEXT_TALK, SPEECH_DO_NEXT_GAINS, SPEECH_DO_NEXT_SCOPE},
    3};
static const struct advice renews_later = {SPEECH_DO_LATER_WHY, "low", {SPEECH_DO_LATER}, 1};
static const struct advice renewal_over = {SPEECH_DO_OVER_WHY, "high", {SPEECH_DO_OVER}, 1};
static const struct advice no_usage = {SPEECH_DO_NO_USAGE_WHY, "medium", {SPEECH_DO_NO_USAGE}, 1};
static const struct advice no_tickets = {
    SPEECH_DO_NO_TICKETS_WHY, "medium", {SPEECH_DO_NO_TICKETS}, 1};
static const struct advice no_renewal = {
    SPEECH_DO_NO_RENEWAL_WHY, "medium", {SPEECH_DO_NO_RENEWAL}, 1};

struct rows {
    enum speech text[ROWS_MAX];
    const struct advice *of[ROWS_MAX];
    int count;
};

static void give(struct rows *r, const struct advice *advice)
{
    for (int i = 0; i < advice->count && r->count < ROWS_MAX; i++) {
        bool twice = false;
        for (int k = 0; k < r->count; k++) {
            twice = twice || r->text[k] == advice->lines[i];
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
                list =
                    json_push(a, list,
                              json_object(a, {"text", speech_json(a, k->language, r.text[i])},
                                          {"reason", speech_json(a, k->language, r.of[i]->reason)},
                                          {"priority", json_new_str(a, str_of(priorities[p]))}));
            }
        }
    }
    return list;
}
