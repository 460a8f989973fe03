#include "main/backtest.h"

#include <stdlib.h>
#include <string.h>

int backtest_column(const struct backtest_file *f, struct str name)
{
    for (size_t i = 0; i < f->columns; i++) {
        if (str_eq(f->names[i], name)) {
            return (int)i;
        }
    }
    return -1;
}

double backtest_share(const struct outcome_band *band)
{
    return band->cases ? 100.0 * (double)band->happened / (double)band->cases : 0;
}

bool backtest_whole_weights(const struct backtest_report *r, int out[HEALTH_FACTORS])
{
    int whole[HEALTH_FACTORS], left = 100;
    double rest[HEALTH_FACTORS];
    for (int i = 0; i < HEALTH_FACTORS; i++) {
        whole[i] = (int)r->weights[i];
        rest[i] = r->weights[i] - whole[i];
        left -= whole[i];
    }
    if (left < 0 || left > HEALTH_FACTORS) { /* all are 0 */
        return false;
    }
    for (; left > 0; left--) { /* to the largest remainders, once each */
        int best = 0;
        for (int i = 1; i < HEALTH_FACTORS; i++) {
            best = rest[i] > rest[best] ? i : best;
        }
        whole[best]++;
        rest[best] = -1;
    }
    memcpy(out, whole, sizeof(whole));
    return true;
}

/* The rows that the formula can score, and what is learnt from. */
struct trial {
    const struct backtest_file *file;
    const struct backtest_order *order;
    size_t count;
    size_t *rows; /* indexes in the file */
    bool *happened;
    struct health *scores;
    double *values; /* count * features, as logistic_input */
    size_t features;
};

/* ---- what a row is to the formula ------------------------------------------- */

static const struct json *row_object(struct arena *a, const struct backtest_file *f, size_t row)
{
    struct json_member *members = arena_alloc(a, (f->columns + 1) * sizeof *members);
    struct json *object = arena_alloc(a, sizeof *object);
    for (size_t i = 0; i < f->columns; i++) {
        members[i] = (struct json_member){
            .name = f->names[i], .value = {.kind = JSON_STRING, .string = f->cells[row][i]}};
    }
    *object = (struct json){.kind = JSON_OBJECT, .count = (uint32_t)f->columns, .members = members};
    return object;
}

static int64_t whole(const struct json *v, const char *name)
{
    const struct json *n = json_get(v, name);
    double value = json_number(n, HEALTH_UNKNOWN);
    return json_is_null(n) || value < 0 || value > 1e9 ? HEALTH_UNKNOWN : (int64_t)value;
}

static enum err map_row(struct ctx *c, const struct trial *t, size_t row, struct health_inputs *out)
{
    struct jq_fault fault = {0};
    const struct json *mapped = NULL;
    int line = (int)t->file->lines[row];
    struct jq_input in = {row_object(c->arena, t->file, row), NULL};
    if (jq_one(t->order->map, c->arena, in, &mapped, &fault) != E_OK) {
        return ctx_fail_place(c, E_INVALID, line, 1, "the mapping fails here: %s", fault.text);
    }
    if (!json_is(mapped, JSON_OBJECT)) {
        return ctx_fail_place(c, E_INVALID, line, 1, "the mapping gives no object here");
    }
    struct str trend = json_str(mapped, "trend", STR(""));
    *out = (struct health_inputs){
        .trend = health_trend_parse(trend),
        .open_tickets = whole(mapped, "open_tickets"),
        .renewal_days = whole(mapped, "renewal_days"),
    };
    if (trend.n && out->trend == HEALTH_TREND_UNKNOWN) {
        return ctx_fail_place(c, E_INVALID, line, 1,
                              "the mapping gives the trend \"%.*s\": up, flat or down",
                              STR_ARG(trend));
    }
    return E_OK;
}

static enum err score_rows(struct ctx *c, struct trial *t)
{
    const struct backtest_file *f = t->file;
    for (size_t row = 0; row < f->rows; row++) {
        struct health_inputs in;
        struct health *score = &t->scores[t->count];
        TRY(map_row(c, t, row, &in));
        health_score(t->order->formula, &in, score);
        if (score->complete) {
            t->rows[t->count] = row;
            t->happened[t->count++] =
                str_eq(f->cells[row][t->order->outcome_column], t->order->outcome_value);
        }
    }
    return t->count
               ? E_OK
               : ctx_fail(c, E_INVALID, "the mapping gives no row a trend, tickets and a renewal");
}

/* ---- columns as numbers ------------------------------------------------------ */

struct column {
    int index;
    struct str value; /* empty: the number itself; else 1 where the cell is this */
};

static bool is_left(const struct backtest_order *order, struct str name)
{
    struct str rest = order->leave, one;
    while (str_split(&rest, ',', &one)) {
        if (str_eq(str_trim(one), name)) {
            return true;
        }
    }
    return false;
}

static bool is_numeric(const struct trial *t, int column)
{
    double value;
    for (size_t i = 0; i < t->count; i++) {
        struct str cell = str_trim(t->file->cells[t->rows[i]][column]);
        if (cell.n && !str_to_double(cell, &value)) {
            return false;
        }
    }
    return true;
}

/* The values of a column, in order of appearance; more than fit: 0, it is no category. */
static size_t values_of(const struct trial *t, int column, struct str out[BACKTEST_VALUES_MAX])
{
    size_t n = 0;
    for (size_t i = 0; i < t->count; i++) {
        struct str cell = t->file->cells[t->rows[i]][column];
        size_t k = 0;
        while (k < n && !str_eq(out[k], cell)) {
            k++;
        }
        if (k == n && n == BACKTEST_VALUES_MAX) {
            return 0;
        }
        if (k == n) {
            out[n++] = cell;
        }
    }
    return n;
}

static size_t choose_columns(const struct trial *t, struct column out[LOGISTIC_FEATURES_MAX])
{
    size_t n = 0;
    for (int i = 0; i < (int)t->file->columns && n < LOGISTIC_FEATURES_MAX; i++) {
        struct str values[BACKTEST_VALUES_MAX];
        if (i == t->order->outcome_column || is_left(t->order, t->file->names[i])) {
            continue;
        }
        if (is_numeric(t, i)) {
            out[n++] = (struct column){i, STR("")};
            continue;
        }
        /* The first value is what the others are compared with. */
        for (size_t k = 1; k < values_of(t, i, values) && n < LOGISTIC_FEATURES_MAX; k++) {
            out[n++] = (struct column){i, values[k]};
        }
    }
    return n;
}

static void fill_columns(struct trial *t)
{
    struct column columns[LOGISTIC_FEATURES_MAX];
    t->features = choose_columns(t, columns);
    for (size_t i = 0; i < t->count; i++) {
        for (size_t k = 0; k < t->features; k++) {
            struct str cell = str_trim(t->file->cells[t->rows[i]][columns[k].index]);
            double *value = &t->values[i * t->features + k];
            *value = 0;
            if (columns[k].value.n) {
                *value = str_eq(cell, str_trim(columns[k].value));
            } else if (cell.n) {
                str_to_double(cell, value);
            }
        }
    }
}

static void fill_factors(struct trial *t)
{
    t->features = HEALTH_FACTORS;
    for (size_t i = 0; i < t->count; i++) {
        for (int k = 0; k < HEALTH_FACTORS; k++) {
            t->values[i * HEALTH_FACTORS + (size_t)k] = t->scores[i].points[k];
        }
    }
}

/* ---- measuring ---------------------------------------------------------------- */

static enum err measure(struct ctx *c, const struct trial *t, const double *risks,
                        struct outcome_report *out)
{
    struct outcome_case *cases = mem_new(t->count * sizeof *cases);
    for (size_t i = 0; i < t->count; i++) {
        cases[i] = (struct outcome_case){risks[i], t->happened[i]};
    }
    enum err e = outcome_measure(cases, t->count, out);
    free(cases);
    return e == E_OK ? E_OK
                     : ctx_fail(c, e,
                                "it must have happened to some of the rows and not to others: is "
                                "\"%.*s\" what the column says?",
                                STR_ARG(t->order->outcome_value));
}

static enum err measure_trained(struct ctx *c, const struct trial *t, double *risks,
                                struct outcome_report *out)
{
    struct logistic_input in = {t->values, t->happened, t->count, t->features, 0};
    enum err e = logistic_cross(&in, t->order->folds, risks);
    return e == E_OK ? measure(c, t, risks, out)
                     : ctx_fail(c, e, "too little happened, or too much, to learn from");
}

/* More points mean less risk; a factor that was learnt the other way round is worth nothing. */
static void read_weights(const struct trial *t, struct backtest_report *r)
{
    struct logistic m;
    double sum = 0;
    struct logistic_input in = {t->values, t->happened, t->count, t->features, 0};
    if (logistic_fit(&in, &m) != E_OK) {
        return;
    }
    for (int i = 0; i < HEALTH_FACTORS; i++) {
        r->weights[i] = m.weights[i] < 0 ? -m.weights[i] : 0;
        sum += r->weights[i];
    }
    for (int i = 0; i < HEALTH_FACTORS; i++) {
        r->weights[i] *= sum > 0 ? 100 / sum : 0;
    }
}

static enum err run(struct ctx *c, struct trial *t, double *risks, struct backtest_report *out)
{
    TRY(score_rows(c, t));
    out->left_out = t->file->rows - t->count;
    for (size_t i = 0; i < t->count; i++) {
        risks[i] = 100 - t->scores[i].score;
    }
    TRY(measure(c, t, risks, &out->fixed));
    fill_factors(t);
    TRY(measure_trained(c, t, risks, &out->factors));
    read_weights(t, out);
    fill_columns(t);
    out->features = t->features;
    return t->features ? measure_trained(c, t, risks, &out->all)
                       : ctx_fail(c, E_INVALID, "no column is left to learn from");
}

enum err backtest_run(struct ctx *c, const struct backtest_file *f,
                      const struct backtest_order *order, struct backtest_report *out)
{
    struct trial t = {
        .file = f,
        .order = order,
        .rows = mem_new(f->rows * sizeof *t.rows),
        .happened = mem_new(f->rows * sizeof *t.happened),
        .scores = mem_new(f->rows * sizeof *t.scores),
        .values = mem_new(f->rows * LOGISTIC_FEATURES_MAX * sizeof *t.values),
    };
    double *risks = mem_new(f->rows * sizeof *risks);
    *out = (struct backtest_report){0};
    enum err e = run(c, &t, risks, out);
    free(t.rows);
    free(t.happened);
    free(t.scores);
    free(t.values);
    free(risks);
    return e;
}

/* ---- for programs -------------------------------------------------------------- */

static const struct json *outcome_json(struct arena *a, const struct outcome_report *r)
{
    const struct json *bands = &json_empty_array, *lift = &json_empty_array;
    for (int b = 0; b < OUTCOME_BANDS; b++) {
        const struct outcome_band *band = &r->bands[b];
        bands = json_push(a, bands,
                          json_object(a, {"cases", json_new_int(a, (int64_t)band->cases)},
                                      {"happened", json_new_int(a, (int64_t)band->happened)},
                                      {"risk_low", json_new_real(a, band->risk_low)},
                                      {"risk_high", json_new_real(a, band->risk_high)},
                                      {"risk_mean", json_new_real(a, band->risk_mean)}));
        lift = json_push(a, lift, json_new_real(a, r->lift[b]));
    }
    return json_object(a, {"auc", json_new_real(a, r->auc)}, {"brier", json_new_real(a, r->brier)},
                       {"off", json_new_real(a, r->off)}, {"lift", lift}, {"bands", bands});
}

const struct json *backtest_json(struct arena *a, const struct backtest_order *order,
                                 const struct backtest_report *r)
{
    const struct json *weights = &json_empty_object;
    for (int i = 0; i < HEALTH_FACTORS; i++) {
        weights = json_with(a, weights, str_of(health_factor_name((enum health_factor)i)),
                            json_new_real(a, r->weights[i]));
    }
    return json_object(a, {"formula", json_new_str(a, str_of(order->formula->name))},
                       {"cases", json_new_int(a, (int64_t)r->fixed.cases)},
                       {"happened", json_new_int(a, (int64_t)r->fixed.happened)},
                       {"left_out", json_new_int(a, (int64_t)r->left_out)},
                       {"fixed", outcome_json(a, &r->fixed)},
                       {"trained_factors", outcome_json(a, &r->factors)},
                       {"trained_all", outcome_json(a, &r->all)}, {"trained_weights", weights});
}
