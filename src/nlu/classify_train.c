/* Training: examples -> vocabulary -> held-out scores -> calibration -> final weights -> int8. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "nlu/calibrate.h"
#include "nlu/classifier.h"
#include "nlu/liblinear.h"
#include "nlu/vocabulary.h"

enum {
    FOLDS_DEFAULT = 5,
    FOLDS_MAX = 10,
    ONE_FOLD_EXAMPLES = 3000, /* from here on one held-out fifth is enough to calibrate on */
    LABELS_HELD_OUT_MIN = 4,  /* fewer leave too little to tell known from unknown subjects */
    HELD_MAX = 20000,
    PAIRS_EXAMPLES = 1000,
    MODEL_DEFAULT_BYTES = 10 << 20,
    WEIGHTS_MAX = 40 << 20 /* numbers held while training */
};

static const double COST_DEFAULT = 2, LOSS_MAX = 0.01, THRESHOLD_DEFAULT = 0.3;

struct row {
    struct classifier_cell *cells;
    size_t count;
    uint32_t label; /* `labels` of the training: the none label */
    uint32_t fold;
};

struct training {
    const struct classify_example *examples;
    size_t n;
    const struct classify_options *options;
    struct classify_fault *fault;
    struct classifier *out;
    struct row *rows;
    struct liblinear *problem;
    float *weights; /* columns * (features + 1) */
    size_t folds, folds_used;
    size_t steps, steps_done;
    bool labels_held_out;
    struct calibrate_trial *held;
    size_t held_count;
    float *held_scores; /* held_count * columns */
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
            t->rows[i].label = UINT32_MAX;
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
        t->rows[i].label = (uint32_t)number - 1;
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
    size_t folds = t->options->folds > 1 ? (size_t)t->options->folds : FOLDS_DEFAULT;
    t->folds = folds > FOLDS_MAX ? FOLDS_MAX : folds;
    t->folds_used = t->n >= ONE_FOLD_EXAMPLES ? 1 : t->folds;
    t->labels_held_out = t->out->columns == t->out->labels && t->out->labels >= LABELS_HELD_OUT_MIN;
    uint32_t *dealt = mem_new(t->out->columns * sizeof *dealt);
    for (size_t i = 0; i < t->n; i++) {
        struct row *row = &t->rows[i];
        row->label = row->label == UINT32_MAX ? (uint32_t)t->out->labels : row->label;
        row->fold = dealt[row->label]++ % (uint32_t)t->folds;
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

static int by_index(const void *a, const void *b)
{
    uint32_t x = ((const struct classifier_cell *)a)->index;
    uint32_t y = ((const struct classifier_cell *)b)->index;
    return (x > y) - (x < y);
}

static void lay_out(struct training *t)
{
    size_t cells = 0, widest = 0;
    for (size_t i = 0; i < t->n; i++) {
        cells += t->rows[i].count;
        widest = t->rows[i].count > widest ? t->rows[i].count : widest;
    }
    t->problem = liblinear_new(t->n, t->out->features, cells);
    uint32_t *indexes = mem_new((widest + 1) * sizeof *indexes);
    float *values = mem_new((widest + 1) * sizeof *values);
    for (size_t i = 0; i < t->n; i++) {
        struct row *row = &t->rows[i];
        qsort(row->cells, row->count, sizeof *row->cells, by_index);
        classifier_values(t->out->rarity, row->cells, row->count, values);
        for (size_t j = 0; j < row->count; j++) {
            indexes[j] = row->cells[j].index;
        }
        liblinear_add(t->problem, indexes, values, row->count);
    }
    free(indexes);
    free(values);
    t->weights = mem_new(t->out->columns * (t->out->features + 1) * sizeof *t->weights);
}

/* Whether row i teaches when `fold` is held out; fold == folds: everything teaches. */
static bool teaches(const struct training *t, const struct row *row, size_t fold)
{
    if (fold == t->folds) {
        return true;
    }
    return row->fold != fold && !(t->labels_held_out && row->label % t->folds == fold);
}

/* Trains every label with `fold` held out, into t->weights. */
static enum err train_fold(struct training *t, size_t fold)
{
    signed char *answers = mem_new(t->n + 1);
    double cost = t->options->cost > 0 ? t->options->cost : COST_DEFAULT;
    size_t width = t->out->features + 1;
    enum err e = E_OK;
    for (size_t label = 0; label < t->out->columns && e == E_OK; label++) {
        bool yes = false, no = false;
        for (size_t i = 0; i < t->n; i++) {
            bool same = t->rows[i].label == label;
            answers[i] = teaches(t, &t->rows[i], fold) ? (same ? 1 : -1) : 0;
            yes |= answers[i] > 0;
            no |= answers[i] < 0;
        }
        float *weights = t->weights + label * width;
        if (yes && no) {
            liblinear_train(t->problem, answers, cost, weights);
        } else {
            memset(weights, 0, width * sizeof *weights);
            weights[width - 1] = -1;
        }
        t->steps_done++;
        if (t->options->progress &&
            !t->options->progress(t->options->progress_arg,
                                  (double)t->steps_done / (double)t->steps)) {
            e = E_CANCELLED;
        }
    }
    free(answers);
    return e;
}

/* Which features the rows that taught this fold have. */
static bool *known_in(const struct training *t, size_t fold)
{
    bool *known = mem_new(t->out->features + 1);
    for (size_t i = 0; i < t->n; i++) {
        if (teaches(t, &t->rows[i], fold)) {
            for (size_t j = 0; j < t->rows[i].count; j++) {
                known[t->rows[i].cells[j].index] = true;
            }
        }
    }
    return known;
}

/* Scores a held-out example as use would, and notes what calibration needs. */
static void hold(struct training *t, size_t example, size_t fold, const bool *known)
{
    const struct classifier *k = t->out;
    const struct row *row = &t->rows[example];
    struct classifier_reading reading;
    classifier_read(k, t->examples[example].text, known, &reading);
    float *values = mem_new((reading.cell_count + 1) * sizeof *values);
    classifier_values(k->rarity, reading.cells, reading.cell_count, values);
    float *scores = t->held_scores + t->held_count * k->columns;
    for (size_t label = 0; label < k->columns; label++) {
        const float *weights = t->weights + label * (k->features + 1);
        double sum = weights[k->features];
        for (size_t j = 0; j < reading.cell_count; j++) {
            sum += (double)weights[reading.cells[j].index] * values[j];
        }
        scores[label] = (float)sum;
    }
    struct calibrate_trial *trial = &t->held[t->held_count++];
    classifier_look(k, scores, &reading, &trial->view);
    trial->column = row->label;
    trial->inside =
        row->label < k->labels && !(t->labels_held_out && row->label % t->folds == fold);
    trial->unknown = row->label < k->labels && !trial->inside;
    trial->scores = scores;
    free(values);
    classifier_forget(&reading);
}

static enum err hold_out(struct training *t)
{
    size_t most = t->n < HELD_MAX ? t->n : HELD_MAX;
    t->held = mem_new(most * sizeof *t->held);
    t->held_scores = mem_new(most * t->out->columns * sizeof *t->held_scores);
    for (size_t fold = 0; fold < t->folds_used; fold++) {
        TRY(train_fold(t, fold));
        bool *known = known_in(t, fold);
        for (size_t i = 0; i < t->n && t->held_count < most; i++) {
            if (t->rows[i].fold == fold) {
                hold(t, i, fold, known);
            }
        }
        free(known);
    }
    return E_OK;
}

static void calibrate(struct training *t)
{
    struct classifier *k = t->out;
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
    double loss_max = LOSS_MAX + 1.5 / (double)(t->held_count + 1);
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
        k->bias[label] = t->weights[label * width + k->features];
    }
    for (size_t i = 0; i < k->features; i++) {
        float most = 0;
        for (size_t label = 0; label < k->columns; label++) {
            most = fmaxf(most, fabsf(t->weights[label * width + i]));
        }
        k->scales[i] = most / 127;
        for (size_t label = 0; label < k->columns && most > 0; label++) {
            float cell = t->weights[label * width + i] / k->scales[i];
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
    t->steps = (t->folds_used + 1) * t->out->columns;
    TRY(hold_out(t));
    calibrate(t);
    TRY(train_fold(t, t->folds));
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
    enum err e = run(&t);
    for (size_t i = 0; i < n; i++) {
        free(t.rows[i].cells);
    }
    free(t.rows);
    free(t.weights);
    free(t.held);
    free(t.held_scores);
    liblinear_free(&t.problem);
    if (e != E_OK) {
        classify_free(&t.out);
        return e;
    }
    *out_classifier = t.out;
    return E_OK;
}
