/* Compares a health formula with what happened: the fixed weights, weights of the same factors
 * learnt from the file, and whatever all its columns tell together. Every trained prediction is
 * that of a model which did not see its row. Pure but for the fault in c. */
#ifndef MAIN_BACKTEST_H
#define MAIN_BACKTEST_H

#include "base/ctx.h"
#include "codec/jq.h"
#include "codec/json.h"
#include "nlu/logistic.h"
#include "nlu/outcome.h"
#include "svc/account/health.h"

enum {
    BACKTEST_COLUMNS_MAX = 256,
    BACKTEST_ROWS_MAX = 100000,
    BACKTEST_VALUES_MAX = 12 /* of a column that is no number: more are no category */
};

struct backtest_file {
    size_t columns, rows;
    struct str names[BACKTEST_COLUMNS_MAX];
    const struct str **cells; /* of each row */
    int64_t *lines;           /* where it stands in the file */
};

struct backtest_order {
    const struct health_formula *formula;
    int outcome_column;
    struct str outcome_value;
    struct jq_program *map;
    struct str leave; /* columns, comma separated */
    size_t folds;
};

struct backtest_report {
    struct outcome_report fixed;   /* risk is 100 less the score */
    struct outcome_report factors; /* risk is a probability, as the next */
    struct outcome_report all;
    double weights[HEALTH_FACTORS]; /* trained, of 100; a factor that speaks the wrong way has 0 */
    size_t left_out;                /* rows in which the formula misses a factor */
    size_t features;                /* of all columns */
};

/* -1: there is none. */
int backtest_column(const struct backtest_file *f, struct str name);
/* E_INVALID names the line that the mapping fails for, or says what all rows lack. */
enum err backtest_run(struct ctx *c, const struct backtest_file *f,
                      const struct backtest_order *order, struct backtest_report *out);
/* The trained weights as a formula has them: whole per cent, together 100. False: none of the
 * factors speaks. */
bool backtest_whole_weights(const struct backtest_report *r, int out[HEALTH_FACTORS]);
/* Of a band, in per cent: to how many it happened. */
double backtest_share(const struct outcome_band *band);
const struct json *backtest_json(struct arena *a, const struct backtest_order *order,
                                 const struct backtest_report *r);

#endif
