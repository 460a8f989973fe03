/* How well an account does, as a number that everybody can recompute: points for the trend of its
 * usage, its open tickets and how near its renewal is, weighed by a named formula. Exact (whole
 * hundredths), and honest: what is not known is never scored as if it were. Pure. */
#ifndef SVC_ACCOUNT_HEALTH_H
#define SVC_ACCOUNT_HEALTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

enum health_trend { HEALTH_TREND_UNKNOWN, HEALTH_TREND_DOWN, HEALTH_TREND_FLAT, HEALTH_TREND_UP };
enum health_risk { HEALTH_RISK_UNKNOWN, HEALTH_RISK_LOW, HEALTH_RISK_MEDIUM, HEALTH_RISK_HIGH };
enum health_factor { HEALTH_USAGE, HEALTH_TICKETS, HEALTH_RENEWAL, HEALTH_FACTORS };

enum {
    HEALTH_UNKNOWN = -1, /* tickets, days: nobody told us */
    HEALTH_NEAR_DAYS = 60,
    HEALTH_FAR_DAYS = 180,
    HEALTH_SIGNALS_MAX = HEALTH_FACTORS
};

struct health_inputs {
    enum health_trend trend;
    int64_t open_tickets; /* HEALTH_UNKNOWN, or 0 and more */
    int64_t renewal_days; /* HEALTH_UNKNOWN, or as health_days gives them */
    /* Of the words alone, never scored: */
    bool dated;
    int64_t date_days; /* from today's date to that of the renewal; negative: it has passed */
};

/* A way of scoring. It never changes: a better one gets another name or version. Those that come
 * with the program are a const table; an org may have more (account_formula.h). */
struct health_formula {
    const char *key;  /* as it is named: "copilot_v1"; "ours@2" */
    const char *name; /* "copilot_v1", "ours" */
    int version;
    const char *title;
    int weights[HEALTH_FACTORS]; /* per cent; together 100 */
    int trend_points[4];         /* by enum health_trend */
    int (*ticket_points)(int64_t open_tickets);
    int (*renewal_points)(int64_t days);
    int low_from, medium_from; /* scores */
};
const struct health_formula *health_formula_at(int index);        /* NULL past the last */
const struct health_formula *health_formula_find(struct str key); /* NULL: there is none */
const struct health_formula *health_formula_default(void);        /* where nobody chose */

struct health {
    const struct health_formula *formula;
    struct health_inputs inputs;
    bool complete; /* every factor is known; else score is HEALTH_UNKNOWN and risk unknown */
    int score;     /* 0 to 100 */
    int low, high; /* lowest and highest score still possible; both the score when complete */
    enum health_risk risk;
    bool missing[HEALTH_FACTORS];
    int points[HEALTH_FACTORS];       /* 0 to 100 */
    int contribution[HEALTH_FACTORS]; /* hundredths of a point of the score */
    const char *signals[HEALTH_SIGNALS_MAX];
    int signal_count;
};
void health_score(const struct health_formula *f, const struct health_inputs *in,
                  struct health *out);

/* Whole days from now to the renewal, truncated; 0 for one that has passed. Everybody who counts
 * days for a score asks here; words tell health_date_days. */
int64_t health_days(int64_t now_ms, int64_t renewal_ms);
/* Days between two dates of the calendar, in UTC, as people count them: 1 from this evening to
 * tomorrow morning; negative when it has passed. svc/success, which may not include this folder,
 * counts the same in success_facts_days (test_health holds the two together). */
int64_t health_date_days(int64_t now_ms, int64_t renewal_ms);
/* When the points of a renewal change next, in ms: the first moment after now at which
 * health_days passes a boundary; 0: never again. */
int64_t health_next_change(int64_t now_ms, int64_t renewal_ms);

/* Shares of the difference between two complete scores; they add up to it exactly. A factor whose
 * points are the same has none. False (all 0) when either is not complete. */
bool health_attribute(const struct health *before, const struct health *after,
                      int out_delta[HEALTH_FACTORS]);

/* The direction of a line of numbers: the slope of its least squares against a threshold of
 * max(0.1, a thousandth of the mean). Fewer than two numbers: flat. */
enum health_trend health_trend_of(const double *values, size_t n);
/* Their mean, rounded half to even. */
int64_t health_mean_of(const double *values, size_t n);

const char *health_trend_name(enum health_trend t); /* up, flat, down; NULL: unknown */
enum health_trend health_trend_parse(struct str name);
const char *health_risk_name(enum health_risk r); /* low, medium, high, unknown */
enum health_risk health_risk_parse(struct str name);
const char *health_factor_name(enum health_factor f); /* usage, tickets, renewal */

#endif
