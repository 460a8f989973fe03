/* Health in words and as JSON. Pure. */
#ifndef SVC_ACCOUNT_HEALTH_VIEW_H
#define SVC_ACCOUNT_HEALTH_VIEW_H

#include "codec/json.h"
#include "svc/account/health.h"

const struct json *health_score_json(struct arena *a, const struct health *h); /* or null */
/* {score, healthScore, risk_level, signals, formula, formula_version, complete, missing, range,
 * factors}.
 * healthScore is the same as score, for readers of the older form. Whole days are scored (`value`
 * of the renewal), days of the calendar are told (`date_days`, where the date is known). */
const struct json *health_view(struct arena *a, const struct health *h);
/* What a factor was scored by: "up", 3, or null when it is missing. */
const struct json *health_factor_json(struct arena *a, enum health_factor factor,
                                      const struct health *h);
/* "2 more open tickets (1, now 3)"; between two formulas also what became of the weight. */
struct str health_move_text(struct arena *a, enum health_factor factor, const struct health *before,
                            const struct health *after);

#endif
