#include "nlu/nlu_eval.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/map.h"
#include "codec/json.h"

enum { PARTS = 10, ALL_PARTS_EXAMPLES = 20000, LABELS_SHOWN = 10 };

static const double LOSS_MAX_DEFAULT = 0.005;

/* Parts `part` of ten: every tenth example of each label is tested, the others teach. */
static void split(struct arena *a, const struct nlu_eval_input *whole, size_t part,
                  struct nlu_eval_input *out)
{
    struct classify_example *train = ARENA_ARRAY(a, struct classify_example, whole->train_n + 1);
    struct classify_example *test = ARENA_ARRAY(a, struct classify_example, whole->train_n + 1);
    size_t train_n = 0, test_n = 0;
    struct map *seen = map_new(CLASSIFY_EXAMPLES_MAX);
    for (size_t i = 0; i < whole->train_n; i++) {
        const struct classify_example *e = &whole->train[i];
        uintptr_t n = (uintptr_t)map_get(seen, e->label) + 1;
        map_set(seen, e->label, (void *)n);
        if ((n - 1) % PARTS == part) {
            test[test_n++] = *e;
        } else {
            train[train_n++] = *e;
        }
    }
    map_free(&seen);
    out->train = train;
    out->train_n = train_n;
    out->test = test;
    out->test_n = test_n;
}

/* Judged texts of one or more classifiers. */
struct judged {
    struct arena *arena;
    struct evaluate_case *cases;
    size_t count;
    int64_t spent_us;
};

static void judge(struct judged *j, const struct classifier *k, const struct nlu_eval_input *input)
{
    int64_t started_us = clock_steady_us();
    for (size_t i = 0; i < input->test_n; i++) {
        const struct classify_example *e = &input->test[i];
        struct classify_result result;
        classify_text(k, e->text, &result);
        j->cases[j->count + i] = (struct evaluate_case){
            .expected = classify_has_label(k, e->label) ? e->label : STR(""),
            .predicted = result.abstain ? STR("") : result.best[0].label,
            .best = result.best[0].label,
            .confidence = result.best[0].confidence,
        };
    }
    j->spent_us += clock_steady_us() - started_us;
    for (size_t i = 0; i < input->test_n; i++) {
        /* The report outlives the classifier. */
        struct evaluate_case *e = &j->cases[j->count++];
        e->predicted = str_dup(j->arena, e->predicted);
        e->best = str_dup(j->arena, e->best);
    }
}

/* Trains and judges once. */
static enum err run_once(const struct nlu_eval_input *in, struct classify_fault *out_fault,
                         struct judged *j, struct nlu_eval_report *r,
                         struct classifier **out_classifier)
{
    struct classifier *k = NULL;
    int64_t started_us = clock_steady_us();
    TRY(classify_train(in->train, in->train_n, &in->options, out_fault, &k));
    if (in->validation_n) {
        classify_tune(k, in->validation, in->validation_n,
                      in->loss_max > 0 ? in->loss_max : LOSS_MAX_DEFAULT);
    }
    r->train_ms = (double)(clock_steady_us() - started_us) / 1000;
    r->label_count = classify_label_count(k);
    r->threshold = classify_threshold(k);
    struct buf bytes = buf_make(CLASSIFY_MODEL_MAX_BYTES);
    classify_save(k, &bytes);
    r->model_bytes = bytes.n;
    buf_free(&bytes);
    judge(j, k, in);
    *out_classifier = k;
    return E_OK;
}

/* One part's progress as a share of all parts'. */
struct share {
    const struct classify_options *options;
    size_t part, parts;
};

static bool pass_on(void *arg, double done)
{
    const struct share *s = arg;
    return s->options->progress(s->options->progress_arg,
                                ((double)s->part + done) / (double)s->parts);
}

static enum err run_parts(struct judged *j, const struct nlu_eval_input *input,
                          struct classify_fault *out_fault, struct nlu_eval_report *r,
                          struct classifier **out_classifier)
{
    double thresholds = 0;
    for (size_t part = 0; part < r->parts; part++) {
        struct nlu_eval_input in = *input;
        struct share share = {&input->options, part, r->parts};
        split(j->arena, input, part, &in);
        in.options.progress = input->options.progress ? pass_on : NULL;
        in.options.progress_arg = &share;
        classify_free(out_classifier);
        TRY(run_once(&in, out_fault, j, r, out_classifier));
        thresholds += r->threshold;
    }
    r->threshold = thresholds / (double)r->parts;
    return E_OK;
}

static size_t parts_of(const struct nlu_eval_input *in)
{
    size_t parts = in->parts ? in->parts : in->train_n > ALL_PARTS_EXAMPLES ? 1 : PARTS;
    return parts < PARTS ? parts : PARTS;
}

enum err nlu_eval_run(struct arena *a, const struct nlu_eval_input *input,
                      struct classify_fault *out_fault, struct nlu_eval_report *out_report,
                      struct classifier **out_classifier)
{
    struct nlu_eval_input in = *input;
    struct nlu_eval_report r = {.ground = in.test_n         ? NLU_EVAL_TEST
                                          : in.validation_n ? NLU_EVAL_VALIDATION
                                                            : NLU_EVAL_PARTS,
                                .parts = parts_of(input),
                                .validation_count = input->validation_n};
    if (r.ground == NLU_EVAL_VALIDATION) {
        in.test = in.validation;
        in.test_n = in.validation_n;
    }
    size_t most = in.test_n + in.train_n + 1;
    struct judged j = {.arena = a, .cases = ARENA_ARRAY(a, struct evaluate_case, most)};
    struct classifier *k = NULL;
    enum err e = r.ground == NLU_EVAL_PARTS ? run_parts(&j, &in, out_fault, &r, &k)
                                            : run_once(&in, out_fault, &j, &r, &k);
    if (e != E_OK) {
        classify_free(&k);
        return e;
    }
    r.train_count = in.train_n;
    r.predict_us = j.count ? (double)j.spent_us / (double)j.count : 0;
    evaluate_cases(a, j.cases, j.count, &r.result);
    *out_report = r;
    if (out_classifier) {
        *out_classifier = k;
    } else {
        classify_free(&k);
    }
    return E_OK;
}

static void name_or_outside(struct buf *out, struct str label)
{
    buf_add_str(out, label.n ? label : STR("(none)"));
}

static const struct {
    const char *name, *text;
} GROUNDS[] = {
    [NLU_EVAL_TEST] = {"test", "test examples"},
    [NLU_EVAL_VALIDATION] = {"validation",
                             "validation examples, the same on which the threshold was chosen"},
    [NLU_EVAL_PARTS] = {"parts", "training examples, each tenth by what the nine others teach"},
};

void nlu_eval_text(const struct nlu_eval_report *r, struct buf *out)
{
    const struct evaluate_report *e = &r->result;
    buf_addf(out, "trained on %zu examples of %zu labels in %.1f s, model %.1f kB\n",
             r->train_count, r->label_count, r->train_ms / 1000, (double)r->model_bytes / 1000);
    buf_addf(out, "scored on %zu %s, %.0f us a text\n", e->count, GROUNDS[r->ground].text,
             r->predict_us);
    buf_addf(out, "threshold             %.4f, chosen on ", r->threshold);
    if (r->validation_count) {
        buf_addf(out, "%zu validation examples\n", r->validation_count);
    } else {
        buf_addf(out, "the training examples, each part as the others read it\n");
    }
    buf_addf(out, "accuracy              %5.2f %%\n", 100 * e->accuracy);
    buf_addf(out, "in-scope accuracy     %5.2f %%   (%5.2f %% without abstaining)\n",
             100 * e->in_scope_accuracy, 100 * e->in_scope_accuracy_best);
    if (e->out_of_scope_count) {
        buf_addf(out, "out-of-scope recall   %5.2f %%   precision %.2f %%\n",
                 100 * e->out_of_scope_recall, 100 * e->out_of_scope_precision);
    }
    buf_addf(out, "abstained             %5.2f %%\n", 100 * e->abstain_share);
    buf_addf(out, "macro F1              %5.2f %%\n", 100 * e->macro_f1);
    buf_addf(out, "calibration error     %5.2f %%\n", 100 * e->calibration_error);
    if (e->confusion_count) {
        buf_addf(out, "most confused\n");
    }
    for (size_t i = 0; i < e->confusion_count && i < LABELS_SHOWN; i++) {
        buf_addf(out, "  %4zu  ", e->confusions[i].count);
        name_or_outside(out, e->confusions[i].expected);
        buf_addf(out, " taken for ");
        name_or_outside(out, e->confusions[i].predicted);
        buf_addf(out, "\n");
    }
}

static void write_labels(struct json_out *o, const struct evaluate_report *e)
{
    json_name(o, "labels");
    json_open_array(o);
    for (size_t i = 0; i < e->label_count; i++) {
        json_open_object(o);
        json_field_str(o, "label", e->labels[i].label);
        json_field_int(o, "support", (int64_t)e->labels[i].support);
        json_field_real(o, "precision", e->labels[i].precision);
        json_field_real(o, "recall", e->labels[i].recall);
        json_field_real(o, "f1", e->labels[i].f1);
        json_close_object(o);
    }
    json_close_array(o);
    json_name(o, "confusions");
    json_open_array(o);
    for (size_t i = 0; i < e->confusion_count; i++) {
        json_open_object(o);
        json_field_str(o, "expected", e->confusions[i].expected);
        json_field_str(o, "predicted", e->confusions[i].predicted);
        json_field_int(o, "count", (int64_t)e->confusions[i].count);
        json_close_object(o);
    }
    json_close_array(o);
}

void nlu_eval_json(const struct nlu_eval_report *r, struct buf *out)
{
    const struct evaluate_report *e = &r->result;
    struct json_out o = json_out_to(out);
    json_open_object(&o);
    json_field_int(&o, "train_count", (int64_t)r->train_count);
    json_field_int(&o, "validation_count", (int64_t)r->validation_count);
    json_field_int(&o, "test_count", (int64_t)e->count);
    json_field_str(&o, "scored_on", str_of(GROUNDS[r->ground].name));
    json_field_str(&o, "threshold_from", r->validation_count ? STR("validation") : STR("training"));
    json_field_int(&o, "label_count", (int64_t)r->label_count);
    json_field_int(&o, "in_scope_count", (int64_t)e->in_scope_count);
    json_field_int(&o, "out_of_scope_count", (int64_t)e->out_of_scope_count);
    json_field_real(&o, "threshold", r->threshold);
    json_field_real(&o, "accuracy", e->accuracy);
    json_field_real(&o, "in_scope_accuracy", e->in_scope_accuracy);
    json_field_real(&o, "in_scope_accuracy_best", e->in_scope_accuracy_best);
    json_field_real(&o, "out_of_scope_recall", e->out_of_scope_recall);
    json_field_real(&o, "out_of_scope_precision", e->out_of_scope_precision);
    json_field_real(&o, "abstain_share", e->abstain_share);
    json_field_real(&o, "macro_f1", e->macro_f1);
    json_field_real(&o, "calibration_error", e->calibration_error);
    json_field_int(&o, "model_bytes", (int64_t)r->model_bytes);
    json_field_real(&o, "train_ms", r->train_ms);
    json_field_real(&o, "predict_us", r->predict_us);
    write_labels(&o, e);
    json_close_object(&o);
}
