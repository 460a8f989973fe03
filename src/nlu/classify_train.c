/* Training: examples -> vocabulary -> held-out scores -> calibration -> final weights -> int8. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "nlu/calibrate.h"
#include "nlu/classifier.h"
#include "nlu/fit.h"
#include "nlu/vocabulary.h"

enum {
    FOLDS_DEFAULT = 5,
    FOLDS_MAX = 10,
    HELD_ENOUGH = 600,       /* examples held out to calibrate on; more change nothing */
    LABELS_HELD_OUT_MIN = 4, /* fewer leave too little to tell known from unknown subjects */
    HELD_MAX = 20000,        /* of known labels, and as many of unknown ones */
    PAIRS_EXAMPLES = 1000,
    MODEL_DEFAULT_BYTES = 10 << 20,
    WEIGHTS_MAX = 20 << 20 /* numbers of each kind held while training */
};

static const double COST_DEFAULT = 2, LOSS_MAX_DEFAULT = 0.003, THRESHOLD_DEFAULT = 0.3;

struct row {
    struct classifier_cell *cells;
    size_t count;
};

struct training {
    const struct classify_example *examples;
    size_t n;
    const struct classify_options *options;
    struct classify_fault *fault;
    struct classifier *out;
    struct row *rows;
    struct fit_row *lots; /* label and fold of each example; label `labels`: the none label */
    struct fit_input fit;
    struct descent *laid, *laid_held;
    uint32_t *held_rounds;
    struct fit_output got;
    struct calibrate_trial *held;
    struct classifier_reading *held_readings; /* without cells */
    size_t held_count;
};

static enum err refuse(struct training *t, enum err e, size_t example, const char *why)
{
    if (t->fault) {
        t->fault->example = example;
        snprintf(t->fault->text, sizeof t->fault->text, "example %zu: %s", example + 1, why);
    }
    return e;
}

/* Numbers the labels in order of appearance. */
static enum err read_labels(struct training *t)
{
    struct classifier *k = t->out;
    struct str none = t->options->none_label.n ? t->options->none_label : STR("oos");
    bool taught_none = false;
    if (t->n > CLASSIFY_EXAMPLES_MAX) {
        return refuse(t, E_TOO_LARGE, CLASSIFY_EXAMPLES_MAX, "more than 200,000 examples");
    }
    k->by_name = map_new(CLASSIFY_LABELS_MAX);
    k->names = mem_new(CLASSIFY_LABELS_MAX * sizeof *k->names);
    for (size_t i = 0; i < t->n; i++) {
        struct str label = t->examples[i].label;
        if (!label.n || label.n > CLASSIFY_LABEL_MAX_BYTES) {
            return refuse(t, E_INVALID, i, "the label must have 1 to 128 bytes");
        }
        if (str_is_empty(str_trim(t->examples[i].text))) {
            return refuse(t, E_INVALID, i, "the text is empty");
        }
        if (str_eq(label, none)) {
            taught_none = true;
            t->lots[i].label = UINT32_MAX;
            continue;
        }
        uintptr_t number = (uintptr_t)map_get(k->by_name, label);
        if (!number) {
            if (k->labels == CLASSIFY_LABELS_MAX) {
                return refuse(t, E_TOO_LARGE, i, "more than 1,024 labels");
            }
            char *name = mem_new(label.n + 1);
            memcpy(name, label.p, label.n);
            k->names[k->labels] = str_make(name, label.n);
            number = ++k->labels;
            map_set(k->by_name, label, (void *)number);
        }
        t->lots[i].label = (uint32_t)number - 1;
    }
    if (k->labels < 2) {
        return refuse(t, E_INVALID, t->n ? t->n - 1 : 0, "at least two labels are needed");
    }
    k->columns = k->labels + taught_none;
    k->stride = (k->columns + CLASSIFIER_LANES - 1) / CLASSIFIER_LANES * CLASSIFIER_LANES;
    return E_OK;
}

/* Spreads the examples of each label over the folds in turn. */
static void deal_folds(struct training *t)
{
    struct fit_input *fit = &t->fit;
    size_t folds = t->options->folds > 1 ? (size_t)t->options->folds : FOLDS_DEFAULT;
    fit->folds = folds > FOLDS_MAX ? FOLDS_MAX : folds;
    size_t enough = (HELD_ENOUGH * fit->folds + t->n - 1) / (t->n ? t->n : 1);
    fit->folds_used = enough < fit->folds ? enough : fit->folds;
    fit->columns = t->out->columns;
    fit->labels_held_out =
        t->out->columns == t->out->labels && t->out->labels >= LABELS_HELD_OUT_MIN;
    uint32_t *dealt = mem_new(t->out->columns * sizeof *dealt);
    for (size_t i = 0; i < t->n; i++) {
        struct fit_row *lot = &t->lots[i];
        lot->label = lot->label == UINT32_MAX ? (uint32_t)t->out->labels : lot->label;
        lot->fold = dealt[lot->label]++ % (uint32_t)fit->folds;
    }
    free(dealt);
}

/* How many features the model may have. */
static size_t features_max(const struct training *t)
{
    size_t bytes = t->options->model_max_bytes ? t->options->model_max_bytes : MODEL_DEFAULT_BYTES;
    size_t by_size = bytes / (t->out->columns + 12);
    size_t by_memory = WEIGHTS_MAX / t->out->columns;
    return by_size < by_memory ? by_size : by_memory;
}

/* Counts the features of all examples, keeps the ones that fit, and reads each example by them. */
static void read_texts(struct training *t)
{
    struct classifier *k = t->out;
    struct vocabulary *v = vocabulary_new();
    for (size_t i = 0; i < t->n; i++) {
        struct feature_list list;
        feature_extract(t->examples[i].text, CLASSIFY_TEXT_MAX_BYTES, true, &list);
        vocabulary_add(v, list.items, list.count);
        feature_free(&list);
    }
    /* Of few examples a pair seen twice is mostly chance. */
    bool pairs = t->n >= PAIRS_EXAMPLES;
    k->features = vocabulary_close(v, features_max(t), pairs, &k->hashes);
    k->rarity = mem_new((k->features + 1) * sizeof *k->rarity);
    for (size_t i = 0; i < k->features; i++) {
        k->rarity[i] = classifier_rarity(t->n, vocabulary_fact(v, i));
    }
    vocabulary_free(&v);
    classifier_index(k);
    for (size_t i = 0; i < t->n; i++) {
        struct classifier_reading reading;
        classifier_read(k, t->examples[i].text, NULL, &reading);
        t->rows[i].cells = reading.cells;
        t->rows[i].count = reading.cell_count;
    }
}

/* Adds one text to a layout. */
static void lay_row(const struct training *t, struct descent *d,
                    const struct classifier_cell *cells, size_t n)
{
    uint32_t *indexes = mem_new((n + 1) * sizeof *indexes);
    float *values = mem_new((n + 1) * sizeof *values);
    classifier_values(t->out->rarity, cells, n, values);
    for (size_t i = 0; i < n; i++) {
        indexes[i] = cells[i].index;
    }
    descent_add(d, indexes, values, n);
    free(indexes);
    free(values);
}

static void lay_out(struct training *t)
{
    size_t cells = 0;
    for (size_t i = 0; i < t->n; i++) {
        cells += t->rows[i].count;
    }
    t->laid = descent_new(t->n, t->out->features, cells);
    /* An example may be held out twice: as one of a known label, and of an unknown. */
    t->laid_held = descent_new(2 * t->n, t->out->features, 2 * cells);
    for (size_t i = 0; i < t->n; i++) {
        lay_row(t, t->laid, t->rows[i].cells, t->rows[i].count);
    }
}

/* Which features the rows that teach in `round` have. */
static bool *known_in(const struct training *t, size_t round)
{
    bool *known = mem_new(t->out->features + 1);
    for (size_t i = 0; i < t->n; i++) {
        bool teaches = !fit_leaves_out(&t->fit, t->lots[i], round);
        for (size_t j = 0; teaches && j < t->rows[i].count; j++) {
            known[t->rows[i].cells[j].index] = true;
        }
    }
    return known;
}

/* Reads an example as use would that has not been taught it, and notes what calibration needs. */
static void hold(struct training *t, size_t example, size_t round, const bool *known)
{
    struct fit_row lot = t->lots[example];
    size_t at = t->held_count++;
    struct classifier_reading reading;
    classifier_read(t->out, t->examples[example].text, known, &reading);
    lay_row(t, t->laid_held, reading.cells, reading.cell_count);
    t->held_rounds[at] = (uint32_t)round;
    struct calibrate_trial *trial = &t->held[at];
    trial->column = lot.label;
    trial->unknown = fit_unknown(&t->fit, lot, round);
    trial->inside = lot.label < t->out->labels && !trial->unknown;
    t->held_readings[at] = reading;
    t->held_readings[at].cells = NULL;
    classifier_forget(&reading);
}

static void hold_out(struct training *t)
{
    size_t series = t->n < HELD_MAX ? t->n : HELD_MAX;
    size_t most = t->fit.labels_held_out ? 2 * series : series;
    t->held = mem_new(most * sizeof *t->held);
    t->held_readings = mem_new(most * sizeof *t->held_readings);
    t->held_rounds = mem_new(most * sizeof *t->held_rounds);
    for (size_t round = 0; round < fit_rounds(&t->fit); round++) {
        bool second = round >= t->fit.folds_used;
        bool *known = known_in(t, round);
        size_t full = second ? most : series;
        for (size_t i = 0; i < t->n && t->held_count < full; i++) {
            bool held = t->lots[i].fold == round % t->fit.folds_used;
            if (held && (!second || fit_unknown(&t->fit, t->lots[i], round))) {
                hold(t, i, round, known);
            }
        }
        free(known);
    }
}

static enum err fit(struct training *t)
{
    size_t weights = t->out->columns * (t->out->features + 1);
    size_t scores = t->held_count * t->out->columns + 1;
    t->got = (struct fit_output){
        .weights = mem_new(weights * sizeof(float)),
        .odds = mem_new(weights * sizeof(float)),
        .held_scores = mem_new(scores * sizeof(float)),
        .held_odds = mem_new(scores * sizeof(float)),
    };
    t->fit.examples = t->laid;
    t->fit.rows = t->lots;
    t->fit.cost = t->options->cost > 0 ? t->options->cost : COST_DEFAULT;
    t->fit.held = t->laid_held;
    t->fit.held_rounds = t->held_rounds;
    t->fit.progress = t->options->progress;
    t->fit.progress_arg = t->options->progress_arg;
    return fit_labels(&t->fit, t->out->features, &t->got);
}

/* weights += factor * odds, of n of them. */
static void mix(float *weights, const float *odds, float factor, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        weights[i] += factor * odds[i];
    }
}

/* Adds as much of the odds as serves the held-out examples best: more where labels are many and
 * texts short than where they are long. */
static void mix_odds(struct training *t)
{
    static const float FACTORS[] = {0.01f, 0.02f, 0.035f, 0.05f};
    size_t columns = t->out->columns, n = t->held_count * columns;
    struct calibrate_input input = {t->held, t->held_count, columns};
    float *scores = mem_new((n + 1) * sizeof *scores), factor = 0;
    memcpy(scores, t->got.held_scores, n * sizeof *scores);
    for (size_t i = 0; i < t->held_count; i++) {
        t->held[i].scores = scores + i * columns;
    }
    double least = calibrate_loss(&input);
    for (size_t i = 0; i < sizeof FACTORS / sizeof *FACTORS; i++) {
        memcpy(scores, t->got.held_scores, n * sizeof *scores);
        mix(scores, t->got.held_odds, FACTORS[i], n);
        double loss = calibrate_loss(&input);
        factor = loss < least ? FACTORS[i] : factor;
        least = loss < least ? loss : least;
    }
    mix(t->got.weights, t->got.odds, factor, columns * (t->out->features + 1));
    mix(t->got.held_scores, t->got.held_odds, factor, n);
    free(scores);
}

static void calibrate(struct training *t)
{
    struct classifier *k = t->out;
    for (size_t i = 0; i < t->held_count; i++) {
        t->held[i].scores = t->got.held_scores + i * k->columns;
        classifier_look(k, t->held[i].scores, &t->held_readings[i], &t->held[i].view);
    }
    struct calibrate_input input = {t->held, t->held_count, k->columns};
    k->temperature = calibrate_temperature(&input);
    calibrate_scope(&input, k->scope);
    struct classifier_trial *trials = mem_new((t->held_count + 1) * sizeof *trials);
    for (size_t i = 0; i < t->held_count; i++) {
        trials[i] = (struct classifier_trial){
            .scope = classifier_scope(k->scope, &t->held[i].view),
            .inside = t->held[i].inside,
            .right = t->held[i].view.best == t->held[i].column,
        };
    }
    /* One example may always be given up: of few, a fiftieth would be none. */
    double loss_max = t->options->loss_max > 0 ? t->options->loss_max : LOSS_MAX_DEFAULT;
    loss_max += 1.5 / (double)(t->held_count + 1);
    k->threshold = classifier_choose(trials, t->held_count, loss_max, THRESHOLD_DEFAULT);
    free(trials);
}

/* Weights to int8, a feature's labels together, one scale a feature. */
static void pack(struct training *t)
{
    struct classifier *k = t->out;
    size_t width = k->features + 1;
    k->scales = mem_new((k->features + 1) * sizeof *k->scales);
    k->cells = mem_new((k->features + 1) * k->stride);
    k->bias = mem_new(k->stride * sizeof *k->bias);
    for (size_t label = 0; label < k->columns; label++) {
        k->bias[label] = t->got.weights[label * width + k->features];
    }
    for (size_t i = 0; i < k->features; i++) {
        float most = 0;
        for (size_t label = 0; label < k->columns; label++) {
            most = fmaxf(most, fabsf(t->got.weights[label * width + i]));
        }
        k->scales[i] = most / 127;
        for (size_t label = 0; label < k->columns && most > 0; label++) {
            float cell = t->got.weights[label * width + i] / k->scales[i];
            k->cells[i * k->stride + label] = (int8_t)lrintf(fminf(fmaxf(cell, -127), 127));
        }
    }
}

static enum err run(struct training *t)
{
    TRY(read_labels(t));
    deal_folds(t);
    read_texts(t);
    lay_out(t);
    hold_out(t);
    TRY(fit(t));
    mix_odds(t);
    calibrate(t);
    pack(t);
    return E_OK;
}

enum err classify_train(const struct classify_example *examples, size_t n,
                        const struct classify_options *options, struct classify_fault *out_fault,
                        struct classifier **out_classifier)
{
    static const struct classify_options none = {0};
    struct training t = {.examples = examples,
                         .n = n,
                         .options = options ? options : &none,
                         .fault = out_fault,
                         .out = mem_new(sizeof *t.out)};
    t.rows = mem_new((n + 1) * sizeof *t.rows);
    t.lots = mem_new((n + 1) * sizeof *t.lots);
    enum err e = run(&t);
    for (size_t i = 0; i < n; i++) {
        free(t.rows[i].cells);
    }
    free(t.rows);
    free(t.lots);
    free(t.got.weights);
    free(t.got.odds);
    free(t.got.held_scores);
    free(t.got.held_odds);
    free(t.held);
    free(t.held_readings);
    free(t.held_rounds);
    descent_free(&t.laid);
    descent_free(&t.laid_held);
    if (e != E_OK) {
        classify_free(&t.out);
        return e;
    }
    *out_classifier = t.out;
    return E_OK;
}
