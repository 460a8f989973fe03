#include "svc/account/health_view.h"

#include <stdlib.h>

const struct json *health_score_json(struct arena *a, const struct health *h)
{
    return h->complete ? json_new_int(a, h->score) : &json_null_value;
}

static struct str factor_text(struct arena *a, enum health_factor factor, const struct health *h)
{
    const struct health_inputs *in = &h->inputs;
    if (h->missing[factor]) {
        static const char *const unknown[] = {"How usage develops is not known",
                                              "The number of open tickets is not known",
                                              "The renewal date is not known"};
        return str_of(unknown[factor]);
    }
    if (factor == HEALTH_USAGE) {
        static const char *const usage[] = {"", "Usage is falling", "Usage is steady",
                                            "Usage is rising"};
        return str_of(usage[in->trend]);
    }
    if (factor == HEALTH_TICKETS) {
        return in->open_tickets <= 0 ? STR("No open tickets")
               : in->open_tickets == 1
                   ? STR("1 open ticket")
                   : str_fmt(a, "%lld open tickets", (long long)in->open_tickets);
    }
    int64_t days = in->dated ? in->date_days : in->renewal_days;
    return days < 0                 ? STR("The renewal has passed")
           : days == 0 && in->dated ? STR("The renewal is due today")
           : days == 0              ? STR("The renewal is due or has passed")
           : days == 1              ? STR("1 day to the renewal")
                                    : str_fmt(a, "%lld days to the renewal", (long long)days);
}

const struct json *health_factor_json(struct arena *a, enum health_factor factor,
                                      const struct health *h)
{
    const struct health_inputs *in = &h->inputs;
    if (h->missing[factor]) {
        return &json_null_value;
    }
    return factor == HEALTH_USAGE
               ? json_new_str(a, str_of(health_trend_name(in->trend)))
               : json_new_int(a, factor == HEALTH_TICKETS ? in->open_tickets : in->renewal_days);
}

static const struct json *factor_view(struct arena *a, enum health_factor factor,
                                      const struct health *h)
{
    bool missing = h->missing[factor], dated = h->inputs.dated && factor == HEALTH_RENEWAL;
    return json_object(
        a, {"name", json_new_str(a, str_of(health_factor_name(factor)))},
        {"weight", json_new_real(a, h->formula->weights[factor] / 100.0)},
        {"points", missing ? &json_null_value : json_new_int(a, h->points[factor])},
        {"contribution",
         missing ? &json_null_value : json_new_real(a, h->contribution[factor] / 100.0)},
        {"value", health_factor_json(a, factor, h)},
        {"date_days", dated ? json_new_int(a, h->inputs.date_days) : NULL},
        {"text", json_new_str(a, factor_text(a, factor, h))}, {"missing", json_new_bool(missing)});
}

const struct json *health_view(struct arena *a, const struct health *h)
{
    const struct json *signals = &json_empty_array, *missing = &json_empty_array;
    const struct json *factors = &json_empty_array, *range = &json_null_value;
    for (int i = 0; i < h->signal_count; i++) {
        signals = json_push(a, signals, json_new_str(a, str_of(h->signals[i])));
    }
    for (int i = 0; i < HEALTH_FACTORS; i++) {
        enum health_factor factor = (enum health_factor)i;
        factors = json_push(a, factors, factor_view(a, factor, h));
        if (h->missing[i]) {
            missing = json_push(a, missing, json_new_str(a, str_of(health_factor_name(factor))));
        }
    }
    if (!h->complete) {
        range =
            json_object(a, {"low", json_new_int(a, h->low)}, {"high", json_new_int(a, h->high)});
    }
    return json_object(a, {"score", health_score_json(a, h)},
                       {"healthScore", health_score_json(a, h)},
                       {"risk_level", json_new_str(a, str_of(health_risk_name(h->risk)))},
                       {"signals", signals}, {"formula", json_new_str(a, str_of(h->formula->key))},
                       {"formula_version", json_new_int(a, h->formula->version)},
                       {"complete", json_new_bool(h->complete)}, {"missing", missing},
                       {"range", range}, {"factors", factors});
}

/* ---- what moved ------------------------------------------------------------- */

static struct str tickets_move(struct arena *a, int64_t before, int64_t after)
{
    long long n = llabs((long long)(after - before));
    return n == 0 ? STR("as many open tickets as before")
                  : str_fmt(a, "%lld %s open ticket%s (%lld, now %lld)", n,
                            after > before ? "more" : "fewer", n == 1 ? "" : "s", (long long)before,
                            (long long)after);
}

static struct str renewal_move(struct arena *a, int64_t before, int64_t after)
{
    return after > before ? str_fmt(a, "the renewal moved away (%lld days, now %lld)",
                                    (long long)before, (long long)after)
                          : str_fmt(a, "the renewal came nearer (%lld days, now %lld)",
                                    (long long)before, (long long)after);
}

static struct str input_move(struct arena *a, enum health_factor factor,
                             const struct health *before, const struct health *after)
{
    const struct health_inputs *was = &before->inputs, *is = &after->inputs;
    if (before->missing[factor] || after->missing[factor]) {
        return str_fmt(a, "%s %s known", health_factor_name(factor),
                       before->missing[factor] ? "became" : "is no longer");
    }
    if (factor == HEALTH_USAGE) {
        return str_fmt(a, "usage went from %s to %s", health_trend_name(was->trend),
                       health_trend_name(is->trend));
    }
    return factor == HEALTH_TICKETS ? tickets_move(a, was->open_tickets, is->open_tickets)
                                    : renewal_move(a, was->renewal_days, is->renewal_days);
}

struct str health_move_text(struct arena *a, enum health_factor factor, const struct health *before,
                            const struct health *after)
{
    int was = before->formula->weights[factor], is = after->formula->weights[factor];
    bool known = !before->missing[factor] && !after->missing[factor];
    if (was == is || !known) {
        return input_move(a, factor, before, after);
    }
    struct str weighs = str_fmt(a, "the weight of %s went from %d %% to %d %%",
                                health_factor_name(factor), was, is);
    return before->points[factor] == after->points[factor]
               ? weighs
               : str_fmt(a, "%.*s; %.*s", STR_ARG(input_move(a, factor, before, after)),
                         STR_ARG(weighs));
}
