#include "nlu/classify.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "nlu/classifier.h"

enum { TERM_WORDS = 6 }; /* of classifier_view.terms: the logarithm of the number of words */

/* Between no use of rarity (0) and full idf (1); measured on seven intent sets, flat around here.
 */
static const double RARITY_POWER = 0.8;

/* Words, pairs, characters against each other. */
static const double GROUP_LENGTHS[FEATURE_GROUPS] = {1, 1, 1.4};
/* What function words count for; matters when examples are few, and little later. */
static const double PLAIN_FACTOR = 0.8;

float classifier_rarity(size_t examples, struct vocabulary_fact fact)
{
    double idf = log((1.0 + (double)examples) / (1.0 + (double)fact.holders)) + 1;
    return (float)(pow(idf, RARITY_POWER) * (fact.plain ? PLAIN_FACTOR : 1));
}

void classifier_values(const float *rarity, const struct classifier_cell *cells, size_t n,
                       float *out_values)
{
    double square[FEATURE_GROUPS] = {0}, total = 0;
    for (size_t i = 0; i < n; i++) {
        double value = (1 + log(cells[i].count)) * rarity[cells[i].index];
        square[cells[i].group] += value * value;
        out_values[i] = (float)value;
    }
    for (int g = 0; g < FEATURE_GROUPS; g++) {
        total += square[g] > 0 ? GROUP_LENGTHS[g] * GROUP_LENGTHS[g] : 0;
    }
    float factor[FEATURE_GROUPS];
    for (int g = 0; g < FEATURE_GROUPS; g++) {
        factor[g] = square[g] > 0 ? (float)(GROUP_LENGTHS[g] / sqrt(square[g] * total)) : 0;
    }
    for (size_t i = 0; i < n; i++) {
        out_values[i] *= factor[cells[i].group];
    }
}

void classifier_look(const struct classifier *k, const float *scores,
                     const struct classifier_reading *reading, struct classifier_view *out_view)
{
    size_t best = 0;
    for (size_t i = 1; i < k->labels; i++) {
        best = scores[i] > scores[best] ? i : best;
    }
    double second = -INFINITY, top = scores[best];
    for (size_t i = 0; i < k->labels; i++) {
        second = i != best && scores[i] > second ? scores[i] : second;
    }
    *out_view = (struct classifier_view){
        .best = best,
        .terms = {1, top, top - second, k->columns > k->labels ? top - scores[k->labels] : 0,
                  reading->words_known, reading->chars_known, log(1 + (double)reading->words),
                  reading->subject_known}};
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

static double share(size_t part, size_t whole)
{
    return whole ? (double)part / (double)whole : 0;
}

/* found[i]: item i of the list is known. Averages over the words that carry the subject. */
static double subject_known(const struct feature_list *list, const bool *found)
{
    double sum = 0, words = 0;
    for (size_t i = 0; i < list->word_count; i++) {
        const struct feature_word *w = &list->words[i];
        size_t known = 0;
        for (size_t j = w->first; j < w->first + w->count && !w->plain; j++) {
            known += found[list->chars[j]];
        }
        sum += share(known, w->plain ? 0 : w->count);
        words += !w->plain;
    }
    return words > 0 ? sum / words : 0.5;
}

void classifier_read(const struct classifier *k, struct str text, const bool *known,
                     struct classifier_reading *out_reading)
{
    struct feature_list list;
    feature_extract(text, CLASSIFY_TEXT_MAX_BYTES, true, &list);
    struct classifier_cell *cells = mem_new((list.count + 1) * sizeof *cells);
    bool *found = mem_new(list.count + 1);
    size_t have[FEATURE_GROUPS] = {0}, seen[FEATURE_GROUPS] = {0}, n = 0;
    for (size_t i = 0; i < list.count; i++) {
        enum feature_group group = feature_group(list.items[i].hash);
        uint32_t at = find_feature(k, list.items[i].hash);
        found[i] = at && (!known || known[at - 1]);
        seen[group]++;
        have[group] += found[i];
        if (found[i]) {
            cells[n++] = (struct classifier_cell){at - 1, list.items[i].count, group};
        }
    }
    *out_reading = (struct classifier_reading){
        .cells = cells,
        .cell_count = n,
        .words = list.spoken,
        .words_known = share(have[FEATURE_WORDS], seen[FEATURE_WORDS]),
        .chars_known = share(have[FEATURE_CHARS], seen[FEATURE_CHARS]),
        .subject_known = subject_known(&list, found),
    };
    free(found);
    feature_free(&list);
}

void classifier_forget(struct classifier_reading *reading)
{
    free(reading->cells);
    *reading = (struct classifier_reading){0};
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
    struct classifier_reading reading;
    classifier_read(k, text, NULL, &reading);
    float *values = mem_new((reading.cell_count + 1) * sizeof *values);
    classifier_values(k->rarity, reading.cells, reading.cell_count, values);
    memcpy(sums, k->bias, k->stride * sizeof *sums);
    for (size_t i = 0; i < reading.cell_count; i++) {
        size_t at = reading.cells[i].index;
        add_row(sums, k->cells + at * k->stride, values[i] * k->scales[at], k->stride);
    }
    classifier_look(k, sums, &reading, out_view);
    free(values);
    classifier_forget(&reading);
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
    bool empty = view.terms[TERM_WORDS] <= 0;
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
    double best = right / inside, best_at = 0, loss_at = trials[0].scope;
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
