#include "svc/account/health.h"

#include <math.h>

enum { DAY_MS = 86400000 };

static int copilot_tickets(int64_t n)
{
    return n <= 0 ? 100 : n <= 2 ? 80 : n <= 5 ? 50 : 20;
}

static int copilot_renewal(int64_t days)
{
    return days > HEALTH_FAR_DAYS ? 100 : days >= HEALTH_NEAR_DAYS ? 70 : 30;
}

static const struct health_formula formulas[] = {
    {.key = "copilot_v1",
     .name = "copilot_v1",
     .version = 1,
     .title = "Usage 45 %, tickets 35 %, renewal 20 %",
     .weights = {45, 35, 20},
     .trend_points = {0, 0, 50, 100},
     .ticket_points = copilot_tickets,
     .renewal_points = copilot_renewal,
     .low_from = 75,
     .medium_from = 50},
};
enum { FORMULA_COUNT = sizeof(formulas) / sizeof(*formulas) };

const struct health_formula *health_formula_at(int index)
{
    return index >= 0 && index < FORMULA_COUNT ? &formulas[index] : NULL;
}

const struct health_formula *health_formula_find(struct str key)
{
    for (int i = 0; i < FORMULA_COUNT; i++) {
        if (str_eqz(key, formulas[i].key)) {
            return &formulas[i];
        }
    }
    return NULL;
}

const struct health_formula *health_formula_default(void)
{
    return &formulas[0];
}

/* Hundredths to whole points, half to even. */
static int round_even(int hundredths)
{
    int whole = hundredths / 100, rest = hundredths % 100;
    return whole + (rest > 50 || (rest == 50 && whole % 2 == 1));
}

static enum health_risk risk_of(const struct health_formula *f, int score)
{
    return score >= f->low_from      ? HEALTH_RISK_LOW
           : score >= f->medium_from ? HEALTH_RISK_MEDIUM
                                     : HEALTH_RISK_HIGH;
}

static void add_signal(struct health *h, const char *signal)
{
    h->signals[h->signal_count++] = signal;
}

static void add_signals(struct health *h)
{
    static const char *const usage[] = {NULL, "usage_down", "usage_flat", "usage_up"};
    const struct health_inputs *in = &h->inputs;
    if (in->trend != HEALTH_TREND_UNKNOWN) {
        add_signal(h, usage[in->trend]);
    }
    if (in->open_tickets != HEALTH_UNKNOWN) {
        add_signal(h, in->open_tickets <= 0   ? "no_tickets"
                      : in->open_tickets <= 2 ? "few_tickets"
                                              : "many_tickets");
    }
    if (in->renewal_days != HEALTH_UNKNOWN && in->renewal_days < HEALTH_NEAR_DAYS) {
        add_signal(h, "renewal_near");
    } else if (in->renewal_days > HEALTH_FAR_DAYS) {
        add_signal(h, "renewal_far");
    }
}

/* The least and the most points that a factor can still get. */
static void bounds_of(const struct health_formula *f, enum health_factor factor, int *out_least,
                      int *out_most)
{
    static const int64_t many = 1000000;
    *out_least = factor == HEALTH_USAGE     ? f->trend_points[HEALTH_TREND_DOWN]
                 : factor == HEALTH_TICKETS ? f->ticket_points(many)
                                            : f->renewal_points(0);
    *out_most = factor == HEALTH_USAGE     ? f->trend_points[HEALTH_TREND_UP]
                : factor == HEALTH_TICKETS ? f->ticket_points(0)
                                           : f->renewal_points(many);
}

void health_score(const struct health_formula *f, const struct health_inputs *in,
                  struct health *out)
{
    struct health h = {.formula = f, .inputs = *in, .complete = true};
    h.missing[HEALTH_USAGE] = in->trend == HEALTH_TREND_UNKNOWN;
    h.missing[HEALTH_TICKETS] = in->open_tickets == HEALTH_UNKNOWN;
    h.missing[HEALTH_RENEWAL] = in->renewal_days == HEALTH_UNKNOWN;
    h.points[HEALTH_USAGE] = f->trend_points[in->trend];
    h.points[HEALTH_TICKETS] = f->ticket_points(in->open_tickets);
    h.points[HEALTH_RENEWAL] = f->renewal_points(in->renewal_days);
    int low = 0, high = 0;
    for (int i = 0; i < HEALTH_FACTORS; i++) {
        int least = h.points[i], most = h.points[i];
        if (h.missing[i]) {
            h.complete = false;
            h.points[i] = 0;
            bounds_of(f, (enum health_factor)i, &least, &most);
        }
        h.contribution[i] = f->weights[i] * h.points[i];
        low += f->weights[i] * least;
        high += f->weights[i] * most;
    }
    h.low = round_even(low);
    h.high = round_even(high);
    h.score = h.complete ? h.low : HEALTH_UNKNOWN;
    h.risk = h.complete ? risk_of(f, h.score) : HEALTH_RISK_UNKNOWN;
    add_signals(&h);
    *out = h;
}

int64_t health_days(int64_t now_ms, int64_t renewal_ms)
{
    return renewal_ms > now_ms ? (renewal_ms - now_ms) / DAY_MS : 0;
}

static int64_t day_of(int64_t ms)
{
    return ms >= 0 ? ms / DAY_MS : -((-ms + DAY_MS - 1) / DAY_MS);
}

int64_t health_date_days(int64_t now_ms, int64_t renewal_ms)
{
    return day_of(renewal_ms) - day_of(now_ms);
}

int64_t health_next_change(int64_t now_ms, int64_t renewal_ms)
{
    /* days > 180 ends when less than 181 whole days are left, days >= 60 when less than 60 are */
    static const int64_t ends[] = {HEALTH_FAR_DAYS + 1, HEALTH_NEAR_DAYS};
    for (int i = 0; i < 2; i++) {
        int64_t at_ms = renewal_ms - ends[i] * DAY_MS + 1;
        if (at_ms > now_ms) {
            return at_ms;
        }
    }
    return 0;
}

/* Floor, also below zero. */
static int floor_hundred(int v)
{
    return v >= 0 ? v / 100 : -((-v + 99) / 100);
}

bool health_attribute(const struct health *before, const struct health *after,
                      int out_delta[HEALTH_FACTORS])
{
    int raw[HEALTH_FACTORS], rest[HEALTH_FACTORS], left;
    for (int i = 0; i < HEALTH_FACTORS; i++) {
        out_delta[i] = 0;
    }
    if (!before->complete || !after->complete) {
        return false;
    }
    left = after->score - before->score;
    for (int i = 0; i < HEALTH_FACTORS; i++) {
        raw[i] = after->contribution[i] - before->contribution[i];
        out_delta[i] = floor_hundred(raw[i]);
        rest[i] = raw[i] - out_delta[i] * 100;
        left -= out_delta[i];
    }
    /* What rounding left goes to the largest remainders, what it took too much from the smallest:
     * among the factors that moved, and once each. */
    bool given[HEALTH_FACTORS] = {false};
    for (int step = left > 0 ? 1 : -1; left != 0; left -= step) {
        int best = -1;
        for (int i = 0; i < HEALTH_FACTORS; i++) {
            bool better = best < 0 || (step > 0 ? rest[i] > rest[best] : rest[i] < rest[best]);
            if (raw[i] != 0 && !given[i] && better) {
                best = i;
            }
        }
        out_delta[best] += step; /* there is one: the rest is less than the factors that moved */
        given[best] = true;
    }
    return true;
}

enum health_trend health_trend_of(const double *values, size_t n)
{
    if (n < 2) {
        return HEALTH_TREND_FLAT;
    }
    double mean_x = (double)(n - 1) / 2, mean_y = 0, above = 0, below = 0;
    for (size_t i = 0; i < n; i++) {
        mean_y += values[i] / (double)n;
    }
    for (size_t i = 0; i < n; i++) {
        double dx = (double)i - mean_x;
        above += dx * (values[i] - mean_y);
        below += dx * dx;
    }
    double slope = above / below, threshold = fmax(0.1, 0.001 * mean_y);
    return slope > threshold    ? HEALTH_TREND_UP
           : slope < -threshold ? HEALTH_TREND_DOWN
                                : HEALTH_TREND_FLAT;
}

int64_t health_mean_of(const double *values, size_t n)
{
    double mean = 0;
    for (size_t i = 0; i < n; i++) {
        mean += values[i] / (double)n;
    }
    return llrint(mean); /* half to even: the rounding that C starts with */
}

const char *health_trend_name(enum health_trend t)
{
    static const char *const names[] = {NULL, "down", "flat", "up"};
    return names[t];
}

enum health_trend health_trend_parse(struct str name)
{
    for (int i = HEALTH_TREND_DOWN; i <= HEALTH_TREND_UP; i++) {
        if (str_eqz(name, health_trend_name((enum health_trend)i))) {
            return (enum health_trend)i;
        }
    }
    return HEALTH_TREND_UNKNOWN;
}

const char *health_risk_name(enum health_risk r)
{
    static const char *const names[] = {"unknown", "low", "medium", "high"};
    return names[r];
}

enum health_risk health_risk_parse(struct str name)
{
    for (int i = HEALTH_RISK_LOW; i <= HEALTH_RISK_HIGH; i++) {
        if (str_eqz(name, health_risk_name((enum health_risk)i))) {
            return (enum health_risk)i;
        }
    }
    return HEALTH_RISK_UNKNOWN;
}

const char *health_factor_name(enum health_factor f)
{
    static const char *const names[] = {"usage", "tickets", "renewal"};
    return names[f];
}
