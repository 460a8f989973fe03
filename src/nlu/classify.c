#include "nlu/classify.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "nlu/classifier.h"

/* Between no use of rarity (0) and full idf (1); measured on seven intent sets, flat around here.
 */
static const double RARITY_POWER = 0.4;

float classifier_rarity(size_t examples, size_t holders)
{
    double idf = log((1.0 + (double)examples) / (1.0 + (double)holders)) + 1;
    return (float)pow(idf, RARITY_POWER);
}

size_t classifier_values(const float *rarity, const bool *known,
                         const struct classifier_cell *cells, size_t n, uint32_t *out_indexes,
                         float *out_values)
{
    size_t kept = 0;
    double square[2] = {0, 0};
    for (size_t i = 0; i < n; i++) {
        if (known && !known[cells[i].index]) {
            continue;
        }
        double value = (1 + log(cells[i].count)) * rarity[cells[i].index];
        square[cells[i].chars] += value * value;
        out_indexes[kept] = cells[i].index;
        /* The sign keeps the group until its length is known. */
        out_values[kept++] = (float)(cells[i].chars ? -value : value);
    }
    double groups = (square[0] > 0) + (square[1] > 0);
    float words = square[0] > 0 ? (float)(1 / sqrt(square[0] * groups)) : 0;
    float chars = square[1] > 0 ? (float)(-1 / sqrt(square[1] * groups)) : 0;
    for (size_t i = 0; i < kept; i++) {
        out_values[i] *= out_values[i] < 0 ? chars : words;
    }
    return kept;
}

void classifier_look(const float *scores, size_t labels, size_t columns,
                     const struct classifier_known *known, size_t words,
                     struct classifier_view *out_view)
{
    size_t best = 0;
    for (size_t i = 1; i < labels; i++) {
        best = scores[i] > scores[best] ? i : best;
    }
    double second = -INFINITY;
    for (size_t i = 0; i < labels; i++) {
        second = i != best && scores[i] > second ? scores[i] : second;
    }
    double top = scores[best];
    *out_view = (struct classifier_view){
        .best = best,
        .terms = {1, top, top - second, columns > labels ? top - scores[labels] : 0, known->words,
                  known->chars, log(1 + (double)words)}};
}

double classifier_scope(const double *weights, const struct classifier_view *view)
{
    double sum = 0;
    for (size_t i = 0; i < CLASSIFIER_SCOPE_TERMS; i++) {
        sum += weights[i] * view->terms[i];
    }
    return 1 / (1 + exp(-sum));
}

void classifier_index(struct classifier *k)
{
    uint32_t size = 64;
    while (size < 2 * k->features) {
        size *= 2;
    }
    k->slots = mem_new(size * sizeof *k->slots);
    k->slot_mask = size - 1;
    for (size_t i = 0; i < k->features; i++) {
        uint32_t at = (k->hashes[i] * 0x9e3779b1u) & k->slot_mask;
        while (k->slots[at]) {
            at = (at + 1) & k->slot_mask;
        }
        k->slots[at] = (uint32_t)i + 1;
    }
}

/* The feature with this hash plus 1; 0 when training has not seen it. */
static uint32_t find_feature(const struct classifier *k, uint32_t hash)
{
    uint32_t at = (hash * 0x9e3779b1u) & k->slot_mask;
    while (k->slots[at] && k->hashes[k->slots[at] - 1] != hash) {
        at = (at + 1) & k->slot_mask;
    }
    return k->slots[at];
}

static void add_row(float *sums, const int8_t *row, float factor, size_t stride)
{
    for (size_t i = 0; i < stride; i += CLASSIFIER_LANES) {
        for (size_t j = 0; j < CLASSIFIER_LANES; j++) {
            sums[i + j] += factor * (float)row[i + j];
        }
    }
}

/* Fills `stride` sums with the score of each label. */
static void score_text(const struct classifier *k, struct str text, float *sums,
                       struct classifier_view *out_view)
{
    struct feature_list list;
    feature_extract(text, CLASSIFY_TEXT_MAX_BYTES, &list);
    size_t room = list.count + 1;
    char *scratch =
        mem_new(room * (sizeof(struct classifier_cell) + sizeof(uint32_t) + sizeof(float)));
    struct classifier_cell *cells = (struct classifier_cell *)(void *)scratch;
    uint32_t *indexes = (uint32_t *)(void *)(cells + room);
    float *values = (float *)(void *)(indexes + room);
    size_t known[2] = {0, 0}, seen[2] = {0, 0}, n = 0;
    for (size_t i = 0; i < list.count; i++) {
        bool chars = feature_is_chars(list.items[i].hash);
        uint32_t found = find_feature(k, list.items[i].hash);
        seen[chars]++;
        if (found) {
            known[chars]++;
            cells[n++] = (struct classifier_cell){found - 1, list.items[i].count, chars};
        }
    }
    n = classifier_values(k->rarity, NULL, cells, n, indexes, values);
    memcpy(sums, k->bias, k->stride * sizeof *sums);
    for (size_t i = 0; i < n; i++) {
        add_row(sums, k->cells + (size_t)indexes[i] * k->stride, values[i] * k->scales[indexes[i]],
                k->stride);
    }
    struct classifier_known share = {seen[0] ? (double)known[0] / (double)seen[0] : 0,
                                     seen[1] ? (double)known[1] / (double)seen[1] : 0};
    classifier_look(sums, k->labels, k->columns, &share, list.words, out_view);
    free(scratch);
    feature_free(&list);
}

/* The labels with the highest scores, their confidence being the softmax over all columns. */
static void rank(const struct classifier *k, const float *sums, size_t best,
                 struct classify_result *out)
{
    double top = sums[best], total = 0;
    for (size_t i = 0; i < k->columns; i++) {
        top = sums[i] > top ? sums[i] : top;
    }
    for (size_t i = 0; i < k->columns; i++) {
        total += exp(k->temperature * (sums[i] - top));
    }
    size_t order[CLASSIFY_BEST_MAX];
    size_t n = 0;
    for (size_t i = 0; i < k->labels; i++) {
        size_t at = n < CLASSIFY_BEST_MAX ? n++ : CLASSIFY_BEST_MAX;
        for (; at > 0 && sums[i] > sums[order[at - 1]]; at--) {
            if (at < CLASSIFY_BEST_MAX) {
                order[at] = order[at - 1];
            }
        }
        if (at < CLASSIFY_BEST_MAX) {
            order[at] = i;
        }
    }
    for (size_t i = 0; i < n; i++) {
        out->best[i] = (struct classify_guess){
            k->names[order[i]], exp(k->temperature * (sums[order[i]] - top)) / total};
    }
    out->count = (int)n;
}

void classify_text(const struct classifier *k, struct str text, struct classify_result *out_result)
{
    float sums[CLASSIFY_LABELS_MAX + 1 + CLASSIFIER_LANES];
    struct classifier_view view;
    score_text(k, text, sums, &view);
    *out_result = (struct classify_result){.scope = classifier_scope(k->scope, &view)};
    rank(k, sums, view.best, out_result);
    bool empty = view.terms[CLASSIFIER_SCOPE_TERMS - 1] <= 0;
    out_result->scope = empty ? 0 : out_result->scope;
    out_result->abstain = empty || out_result->scope < k->threshold;
}

static int by_scope(const void *a, const void *b)
{
    double x = ((const struct classifier_trial *)a)->scope;
    double y = ((const struct classifier_trial *)b)->scope;
    return (x > y) - (x < y);
}

double classifier_choose(struct classifier_trial *trials, size_t n, double loss_max,
                         double otherwise)
{
    qsort(trials, n, sizeof *trials, by_scope);
    double inside = 0, right = 0;
    for (size_t i = 0; i < n; i++) {
        inside += trials[i].inside;
        right += trials[i].inside && trials[i].right;
    }
    if (inside <= 0) {
        return otherwise;
    }
    double outside = (double)n - inside, refused = 0, kept = right;
    double best = right / inside, best_at = 0, loss_at = 0;
    for (size_t i = 0; i < n; i++) {
        /* The threshold just above trial i: it and all before are refused. */
        refused += !trials[i].inside;
        kept -= trials[i].inside && trials[i].right;
        if ((right - kept) / inside > loss_max) {
            break;
        }
        double next = i + 1 < n ? trials[i + 1].scope : 1;
        double at = (trials[i].scope + next) / 2;
        loss_at = at;
        double gain = kept / inside + (outside > 0 ? refused / outside : 0);
        if (gain > best) {
            best = gain;
            best_at = at;
        }
    }
    if (outside > 0) {
        return best_at;
    }
    return otherwise < loss_at ? otherwise : loss_at;
}

double classify_tune(struct classifier *k, const struct classify_example *validation, size_t n,
                     double loss_max)
{
    struct classifier_trial *trials = mem_new((n + 1) * sizeof *trials);
    for (size_t i = 0; i < n; i++) {
        struct classify_result result;
        classify_text(k, validation[i].text, &result);
        trials[i] = (struct classifier_trial){
            .scope = result.scope,
            .inside = classify_has_label(k, validation[i].label),
            .right = str_eq(result.best[0].label, validation[i].label),
        };
    }
    k->threshold = classifier_choose(trials, n, loss_max, k->threshold);
    free(trials);
    return k->threshold;
}

double classify_threshold(const struct classifier *k)
{
    return k->threshold;
}

void classify_set_threshold(struct classifier *k, double threshold)
{
    k->threshold = threshold;
}

size_t classify_label_count(const struct classifier *k)
{
    return k->labels;
}

struct str classify_label(const struct classifier *k, size_t index)
{
    return index < k->labels ? k->names[index] : STR("");
}

bool classify_has_label(const struct classifier *k, struct str label)
{
    return map_get(k->by_name, label) != NULL;
}

void classify_free(struct classifier **k)
{
    struct classifier *c = *k;
    if (!c) {
        return;
    }
    for (size_t i = 0; c->names && i < c->labels; i++) {
        free((void *)(uintptr_t)c->names[i].p);
    }
    map_free(&c->by_name);
    free(c->names);
    free(c->hashes);
    free(c->rarity);
    free(c->scales);
    free(c->cells);
    free(c->bias);
    free(c->slots);
    free(c);
    *k = NULL;
}
