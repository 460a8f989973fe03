#include "nlu/evaluate.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/map.h"

enum { BINS = 10, LABELS_MAX = 100000, PAIRS_MAX = 1000000 };

struct tally {
    struct arena *arena;
    struct map *labels; /* name -> struct evaluate_label */
    struct map *pairs;  /* "expected\npredicted" -> struct evaluate_confusion */
};

static struct evaluate_label *label_of(struct tally *t, struct str name)
{
    struct evaluate_label *label = map_get(t->labels, name);
    if (!label) {
        label = ARENA_NEW(t->arena, struct evaluate_label);
        label->label = name;
        map_set(t->labels, name, label);
    }
    return label;
}

static void count_pair(struct tally *t, const struct evaluate_case *c)
{
    struct str key = str_fmt(t->arena, "%.*s\n%.*s", STR_ARG(c->expected), STR_ARG(c->predicted));
    struct evaluate_confusion *pair = map_get(t->pairs, key);
    if (!pair) {
        pair = ARENA_NEW(t->arena, struct evaluate_confusion);
        *pair = (struct evaluate_confusion){c->expected, c->predicted, 0};
        map_set(t->pairs, key, pair);
    }
    pair->count++;
}

static double share(double part, double whole)
{
    return whole > 0 ? part / whole : 0;
}

static int worst_first(const void *a, const void *b)
{
    const struct evaluate_label *x = a, *y = b;
    if (x->f1 != y->f1) {
        return x->f1 < y->f1 ? -1 : 1;
    }
    return str_cmp(x->label, y->label);
}

static int most_first(const void *a, const void *b)
{
    const struct evaluate_confusion *x = a, *y = b;
    if (x->count != y->count) {
        return x->count > y->count ? -1 : 1;
    }
    int order = str_cmp(x->expected, y->expected);
    return order ? order : str_cmp(x->predicted, y->predicted);
}

static void list_labels(struct tally *t, struct evaluate_report *out)
{
    struct evaluate_label *labels =
        ARENA_ARRAY(t->arena, struct evaluate_label, map_count(t->labels) + 1);
    size_t n = 0, cursor = 0;
    double sum = 0;
    struct str name;
    void *value;
    while (map_next(t->labels, &cursor, &name, &value)) {
        struct evaluate_label *label = value;
        if (!label->support) {
            continue; /* predicted at times, expected never: no F1 of its own */
        }
        label->precision = share((double)label->right, (double)label->predicted);
        label->recall = share((double)label->right, (double)label->support);
        label->f1 = share(2 * label->precision * label->recall, label->precision + label->recall);
        sum += label->f1;
        labels[n++] = *label;
    }
    qsort(labels, n, sizeof *labels, worst_first);
    out->labels = labels;
    out->label_count = n;
    out->macro_f1 = share(sum, (double)n);
}

static void list_confusions(struct tally *t, struct evaluate_report *out)
{
    size_t most = map_count(t->pairs), n = 0, cursor = 0;
    struct evaluate_confusion *all = ARENA_ARRAY(t->arena, struct evaluate_confusion, most + 1);
    struct str name;
    void *value;
    while (map_next(t->pairs, &cursor, &name, &value)) {
        all[n++] = *(const struct evaluate_confusion *)value;
    }
    qsort(all, n, sizeof *all, most_first);
    out->confusion_count = n < EVALUATE_CONFUSIONS_MAX ? n : EVALUATE_CONFUSIONS_MAX;
    for (size_t i = 0; i < out->confusion_count; i++) {
        out->confusions[i] = all[i];
    }
}

static double calibration_error(const struct evaluate_case *cases, size_t n)
{
    double sum[BINS] = {0}, right[BINS] = {0}, count[BINS] = {0}, total = 0, error = 0;
    for (size_t i = 0; i < n; i++) {
        if (!cases[i].expected.n) {
            continue;
        }
        double confidence = fmin(fmax(cases[i].confidence, 0), 1);
        int bin = (int)fmin(confidence * BINS, BINS - 1);
        sum[bin] += confidence;
        right[bin] += str_eq(cases[i].best, cases[i].expected);
        count[bin]++;
        total++;
    }
    for (int i = 0; i < BINS; i++) {
        error += fabs(sum[i] - right[i]);
    }
    return share(error, total);
}

void evaluate_cases(struct arena *a, const struct evaluate_case *cases, size_t n,
                    struct evaluate_report *out_report)
{
    struct tally t = {a, map_new(LABELS_MAX), map_new(PAIRS_MAX)};
    struct evaluate_report r = {.count = n};
    double right = 0, in_right = 0, in_best = 0, refused = 0, out_refused = 0;
    for (size_t i = 0; i < n; i++) {
        const struct evaluate_case *c = &cases[i];
        bool inside = c->expected.n > 0, hit = str_eq(c->expected, c->predicted);
        right += hit;
        r.in_scope_count += inside;
        in_right += inside && hit;
        in_best += inside && str_eq(c->expected, c->best);
        refused += !c->predicted.n;
        out_refused += !inside && hit;
        if (inside) {
            struct evaluate_label *label = label_of(&t, c->expected);
            label->support++;
            label->right += hit;
        }
        if (inside && c->predicted.n) {
            label_of(&t, c->predicted)->predicted++;
        }
        if (!hit) {
            count_pair(&t, c);
        }
    }
    r.out_of_scope_count = n - r.in_scope_count;
    r.accuracy = share(right, (double)n);
    r.in_scope_accuracy = share(in_right, (double)r.in_scope_count);
    r.in_scope_accuracy_best = share(in_best, (double)r.in_scope_count);
    r.out_of_scope_recall = share(out_refused, (double)r.out_of_scope_count);
    r.out_of_scope_precision = share(out_refused, refused);
    r.abstain_share = share(refused, (double)n);
    r.calibration_error = calibration_error(cases, n);
    list_labels(&t, &r);
    list_confusions(&t, &r);
    map_free(&t.labels);
    map_free(&t.pairs);
    *out_report = r;
}
