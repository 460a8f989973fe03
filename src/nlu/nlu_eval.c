#include "nlu/nlu_eval.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/map.h"
#include "codec/csv.h"
#include "codec/json.h"

enum { HELD_OUT_EVERY = 10, LINE_MAX_BYTES = 1 << 20, LABELS_SHOWN = 10 };

static const double LOSS_MAX_DEFAULT = 0.005;
static const struct str OUTSIDE = {"oos", 3};

struct list {
    struct arena *arena;
    struct classify_example *items;
    size_t count, size;
    struct classify_fault *fault;
};

static enum err refuse(struct list *l, enum err e, int64_t line, const char *why)
{
    if (l->fault) {
        l->fault->example = l->count;
        snprintf(l->fault->text, sizeof l->fault->text, "line %lld: %.120s", (long long)line, why);
    }
    return e;
}

static enum err push(struct list *l, int64_t line, struct str text, struct str label)
{
    if (str_is_empty(str_trim(text))) {
        return E_OK;
    }
    if (label.n > CLASSIFY_LABEL_MAX_BYTES) {
        return refuse(l, E_INVALID, line, "the label is longer than 128 bytes");
    }
    if (l->count == CLASSIFY_EXAMPLES_MAX) {
        return refuse(l, E_TOO_LARGE, line, "more than 200,000 examples");
    }
    if (l->count == l->size) {
        size_t size = l->size ? 2 * l->size : 1024;
        struct classify_example *grown = ARENA_ARRAY(l->arena, struct classify_example, size);
        if (l->count) {
            memcpy(grown, l->items, l->count * sizeof *grown);
        }
        l->items = grown;
        l->size = size;
    }
    l->items[l->count++] = (struct classify_example){text, label.n ? label : OUTSIDE};
    return E_OK;
}

static const char *const TEXT_NAMES[] = {"text", "utterance", "sentence", NULL};
static const char *const LABEL_NAMES[] = {"intent", "label", "category", "topic", NULL};

static int name_rank(const char *const *names, struct str name)
{
    for (int i = 0; names[i]; i++) {
        if (str_eqz(name, names[i])) {
            return i;
        }
    }
    return -1;
}

static const struct json *first_of(const struct json *row, const char *const *names)
{
    for (int i = 0; names[i]; i++) {
        const struct json *v = json_get(row, names[i]);
        if (v) {
            return v;
        }
    }
    return NULL;
}

static enum err read_lines(struct list *l, struct str bytes)
{
    struct str line;
    for (int64_t number = 1; str_split(&bytes, '\n', &line); number++) {
        if (str_is_empty(str_trim(line))) {
            continue;
        }
        const struct json *row;
        struct json_fault why = {0};
        if (line.n > LINE_MAX_BYTES || json_parse(l->arena, line, &row, &why) != E_OK) {
            return refuse(l, E_INVALID, number, why.text[0] ? why.text : "not a JSON object");
        }
        const struct json *text = first_of(row, TEXT_NAMES);
        const struct json *label = first_of(row, LABEL_NAMES);
        if (!json_is(text, JSON_STRING)) {
            return refuse(l, E_INVALID, number, "no text (text, utterance or sentence)");
        }
        if (!json_is(label, JSON_STRING) && !json_is(label, JSON_NULL)) {
            return refuse(l, E_INVALID, number, "no label (intent, label, category or topic)");
        }
        enum err e = push(l, number, text->string, json_text(label, STR("")));
        if (e != E_OK) {
            return e;
        }
    }
    return E_OK;
}

struct columns {
    int text, label;
};

static struct columns find_columns(const struct str *cells, size_t n)
{
    struct columns c = {-1, -1};
    for (size_t i = 0; i < n; i++) {
        struct str name = str_trim(cells[i]);
        c.text = c.text < 0 && name_rank(TEXT_NAMES, name) >= 0 ? (int)i : c.text;
        c.label = c.label < 0 && name_rank(LABEL_NAMES, name) >= 0 ? (int)i : c.label;
    }
    return c;
}

static enum err push_cells(struct list *l, struct columns c, int64_t line, const struct str *cells,
                           size_t n)
{
    if ((size_t)c.text >= n || (size_t)c.label >= n) {
        return refuse(l, E_INVALID, line, "fewer cells than the header has");
    }
    return push(l, line, cells[c.text], str_trim(cells[c.label]));
}

/* Tabs without quoting, as data sets use them: a quote is a character like any other. */
static enum err read_tabs(struct list *l, struct str bytes)
{
    struct columns c = {-1, -1};
    struct str line;
    for (int64_t number = 1; str_split(&bytes, '\n', &line); number++) {
        struct str cells[64];
        size_t n = 0;
        if (str_is_empty(str_trim(line))) {
            continue;
        }
        if (line.p[line.n - 1] == '\r') {
            line.n--;
        }
        while (n < sizeof cells / sizeof cells[0] && str_split(&line, '\t', &cells[n])) {
            n++;
        }
        if (c.text < 0) {
            c = find_columns(cells, n);
            if (c.text < 0 || c.label < 0) {
                return refuse(l, E_INVALID, number, "the header needs a text and a label column");
            }
            continue;
        }
        enum err e = push_cells(l, c, number, cells, n);
        if (e != E_OK) {
            return e;
        }
    }
    return E_OK;
}

static enum err read_csv(struct list *l, struct csv *csv)
{
    struct columns c = {-1, -1};
    struct csv_row row;
    enum csv_step step;
    while ((step = csv_next(csv, l->arena, &row)) == CSV_ROW) {
        if (c.text < 0) {
            c = find_columns(row.cells, row.count);
            if (c.text < 0 || c.label < 0) {
                return refuse(l, E_INVALID, row.line, "the header needs a text and a label column");
            }
            continue;
        }
        enum err e = push_cells(l, c, row.line, row.cells, row.count);
        if (e != E_OK) {
            return e;
        }
    }
    if (step == CSV_BAD && l->fault) {
        snprintf(l->fault->text, sizeof l->fault->text, "%s", csv_problem(csv));
    }
    return step == CSV_BAD ? E_INVALID : E_OK;
}

enum err nlu_eval_read(struct arena *a, struct str bytes, struct classify_fault *out_fault,
                       struct classify_example **out_examples, size_t *out_n)
{
    struct list l = {.arena = a, .fault = out_fault};
    enum err e;
    struct str rest = bytes, head;
    if (!str_split(&rest, '\n', &head)) {
        e = refuse(&l, E_INVALID, 1, "the file is empty");
    } else if (str_starts(str_trim(head), STR("{"))) {
        e = read_lines(&l, bytes);
    } else if (str_find_char(head, '\t') >= 0) {
        e = read_tabs(&l, bytes);
    } else {
        struct csv *csv = csv_new(0);
        csv_feed(csv, bytes, true);
        e = read_csv(&l, csv);
        csv_free(&csv);
    }
    if (e == E_OK && !l.count) {
        e = refuse(&l, E_INVALID, 1, "no examples");
    }
    if (e == E_OK) {
        *out_examples = l.items;
        *out_n = l.count;
    }
    return e;
}

/* Moves every tenth example of each label from `input->train` to out_test. */
static void hold_out(struct arena *a, struct nlu_eval_input *input)
{
    struct classify_example *train = ARENA_ARRAY(a, struct classify_example, input->train_n + 1);
    struct classify_example *test = ARENA_ARRAY(a, struct classify_example, input->train_n + 1);
    size_t train_n = 0, test_n = 0;
    struct map *seen = map_new(CLASSIFY_EXAMPLES_MAX);
    for (size_t i = 0; i < input->train_n; i++) {
        const struct classify_example *e = &input->train[i];
        uintptr_t n = (uintptr_t)map_get(seen, e->label) + 1;
        map_set(seen, e->label, (void *)n);
        if (n % HELD_OUT_EVERY == 0) {
            test[test_n++] = *e;
        } else {
            train[train_n++] = *e;
        }
    }
    map_free(&seen);
    input->train = train;
    input->train_n = train_n;
    input->test = test;
    input->test_n = test_n;
}

static void measure(struct arena *a, const struct classifier *k, const struct nlu_eval_input *input,
                    struct nlu_eval_report *out)
{
    struct evaluate_case *cases = ARENA_ARRAY(a, struct evaluate_case, input->test_n + 1);
    int64_t started_us = clock_steady_us();
    for (size_t i = 0; i < input->test_n; i++) {
        const struct classify_example *e = &input->test[i];
        struct classify_result result;
        classify_text(k, e->text, &result);
        cases[i] = (struct evaluate_case){
            .expected = classify_has_label(k, e->label) ? e->label : STR(""),
            .predicted = result.abstain ? STR("") : result.best[0].label,
            .best = result.best[0].label,
            .confidence = result.best[0].confidence,
        };
    }
    double spent_us = (double)(clock_steady_us() - started_us);
    out->predict_us = input->test_n ? spent_us / (double)input->test_n : 0;
    for (size_t i = 0; i < input->test_n; i++) {
        /* The report outlives the classifier. */
        cases[i].predicted = str_dup(a, cases[i].predicted);
        cases[i].best = str_dup(a, cases[i].best);
    }
    evaluate_cases(a, cases, input->test_n, &out->result);
}

enum err nlu_eval_run(struct arena *a, const struct nlu_eval_input *input,
                      struct classify_fault *out_fault, struct nlu_eval_report *out_report,
                      struct classifier **out_classifier)
{
    struct nlu_eval_input in = *input;
    struct nlu_eval_report r = {.held_out = !in.test_n};
    if (r.held_out) {
        hold_out(a, &in);
    }
    struct classifier *k = NULL;
    int64_t started_us = clock_steady_us();
    enum err e = classify_train(in.train, in.train_n, &in.options, out_fault, &k);
    if (e != E_OK) {
        return e;
    }
    if (in.validation_n) {
        classify_tune(k, in.validation, in.validation_n,
                      in.loss_max > 0 ? in.loss_max : LOSS_MAX_DEFAULT);
    }
    r.train_ms = (double)(clock_steady_us() - started_us) / 1000;
    r.train_count = in.train_n;
    r.validation_count = in.validation_n;
    r.label_count = classify_label_count(k);
    r.threshold = classify_threshold(k);
    struct buf bytes = buf_make(CLASSIFY_MODEL_MAX_BYTES);
    classify_save(k, &bytes);
    r.model_bytes = bytes.n;
    buf_free(&bytes);
    measure(a, k, &in, &r);
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

void nlu_eval_text(const struct nlu_eval_report *r, struct buf *out)
{
    const struct evaluate_report *e = &r->result;
    buf_addf(out, "trained on %zu examples of %zu labels in %.1f s, model %.1f kB\n",
             r->train_count, r->label_count, r->train_ms / 1000, (double)r->model_bytes / 1000);
    buf_addf(out, "tested on %zu%s, %.0f us a text\n", e->count,
             r->held_out ? " held out of training" : "", r->predict_us);
    buf_addf(out, "threshold             %.4f%s\n", r->threshold,
             r->validation_count ? " (chosen on validation)" : " (chosen on training)");
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
    json_field_bool(&o, "held_out", r->held_out);
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
