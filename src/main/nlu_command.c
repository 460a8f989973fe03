/* `rapport nlu ...`: trains and measures classifiers of intents, from an agent's YAML or from
 * labelled files, and measures sentiment and the masking of personal data. Needs no data folder. */
#include <stdlib.h>
#include <string.h>

#include "main/example_sets.h"
#include "main/file.h"
#include "main/measure.h"
#include "main/terminal.h"
#include "nlu/nlu_eval.h"
#include "nlu/pii_eval.h"
#include "nlu/sentiment_eval.h"

enum { WHY_BYTES = 160 };

/* ---- training ------------------------------------------------------------ */

static bool on_progress(void *arg, double done)
{
    terminal_progress_set(arg, done);
    return true;
}

static enum err save(struct ctx *c, struct invocation *in, const struct classifier *k)
{
    const char *path = command_option(in, "output", NULL);
    if (!path) {
        return E_OK;
    }
    struct buf b = buf_make(CLASSIFY_MODEL_MAX_BYTES);
    enum err e = classify_save(k, &b) ? file_write(c, path, buf_str(&b), false)
                                      : ctx_fail(c, E_TOO_LARGE, "the model is too large to save");
    buf_free(&b);
    return e;
}

static enum err train(struct ctx *c, struct invocation *in)
{
    struct example_sets all;
    struct example_set set;
    struct classify_fault fault = {0};
    struct classifier *k = NULL;
    TRY(example_sets_read(c, in, &all));
    TRY(example_sets_join(c, &all, &set));
    struct terminal_progress bar = terminal_progress_start("training");
    struct classify_options options = {.progress = on_progress, .progress_arg = &bar};
    int64_t began_us = clock_steady_us();
    enum err e = classify_train(set.train.items, set.train.n, &options, &fault, &k);
    terminal_progress_end(&bar);
    if (e != E_OK) {
        return ctx_fail(c, e, "example %zu: %s", fault.example + 1, fault.text);
    }
    if (set.validation.n) {
        classify_tune(k, set.validation.items, set.validation.n, 0.005);
    }
    double seconds = (double)(clock_steady_us() - began_us) / 1e6;
    e = save(c, in, k);
    struct arena *a = c->arena;
    if (e == E_OK && in->json) {
        terminal_json(c, json_object(a, {"examples", json_new_int(a, (int64_t)set.train.n)},
                                     {"labels", json_new_int(a, (int64_t)classify_label_count(k))},
                                     {"threshold", json_new_real(a, classify_threshold(k))},
                                     {"seconds", json_new_real(a, seconds)}));
    } else if (e == E_OK) {
        printf("Trained on %zu examples of %zu labels in %.1f s; abstains below %.3f.\n",
               set.train.n, classify_label_count(k), seconds, classify_threshold(k));
    }
    classify_free(&k);
    return e;
}

/* ---- measuring ----------------------------------------------------------- */

static enum err eval_set(struct ctx *c, struct invocation *in, const struct example_set *s,
                         struct nlu_eval_report *out)
{
    struct classify_fault fault = {0};
    struct classifier *k = NULL;
    struct terminal_progress bar = terminal_progress_start("training");
    struct nlu_eval_input input = {
        .train = s->train.items,
        .train_n = s->train.n,
        .validation = s->validation.items,
        .validation_n = s->validation.n,
        .test = s->test.items,
        .test_n = s->test.n,
        .options = {.progress = on_progress, .progress_arg = &bar},
    };
    enum err e = nlu_eval_run(c->arena, &input, &fault, out, &k);
    terminal_progress_end(&bar);
    if (e != E_OK) {
        return ctx_fail(c, e, "example %zu: %s", fault.example + 1, fault.text);
    }
    e = save(c, in, k);
    classify_free(&k);
    return e;
}

static enum err eval_intents(struct ctx *c, struct invocation *in)
{
    struct example_sets sets;
    TRY(example_sets_read(c, in, &sets));
    struct measure_printer p = measure_printer_of(in, sets.count > 1);
    struct measure_floors floors = measure_floors_of(in, "floor"),
                          outside = measure_floors_of(in, "floor-oos");
    enum err e = E_OK;
    for (int i = 0; i < sets.count && e == E_OK; i++) {
        const struct example_set *s = &sets.items[i];
        struct nlu_eval_report r;
        double floor, floor_outside;
        e = measure_next_floor(c, in, &floors, &floor);
        e = e == E_OK ? measure_next_floor(c, in, &outside, &floor_outside) : e;
        e = e == E_OK ? eval_set(c, in, s, &r) : e;
        if (e == E_OK) {
            measure_begin(&p, s->name);
            (in->json ? nlu_eval_json : nlu_eval_text)(&r, &p.out);
            measure_end(&p);
            p.missed |= measure_misses(s->name, "in-scope accuracy",
                                       100 * r.result.in_scope_accuracy, floor);
            p.missed |= measure_misses(s->name, "out-of-scope recall",
                                       100 * r.result.out_of_scope_recall, floor_outside);
        }
    }
    if (e != E_OK) {
        buf_free(&p.out);
        return e;
    }
    return measure_print(c, &p);
}

static enum err eval_sentiment(struct ctx *c, const char *path, double floor,
                               struct measure_printer *p)
{
    struct str bytes;
    struct sentiment_eval_report r;
    char why[WHY_BYTES];
    TRY(file_read(c, path, &bytes));
    if (sentiment_eval_run(bytes, why, &r) != E_OK) {
        return ctx_fail(c, E_INVALID, "%s: %s", path, why);
    }
    measure_begin(p, path);
    (p->in->json ? sentiment_eval_json : sentiment_eval_text)(&r, &p->out);
    measure_end(p);
    p->missed |= measure_misses(path, "correlation", r.r, floor);
    return E_OK;
}

static enum err eval_pii(struct ctx *c, const char *path, double floor, struct measure_printer *p)
{
    struct str bytes;
    struct pii_eval_report r;
    char why[WHY_BYTES];
    TRY(file_read(c, path, &bytes));
    if (pii_eval_run(c->arena, bytes, why, &r) != E_OK) {
        return ctx_fail(c, E_INVALID, "%s: %s", path, why);
    }
    measure_begin(p, path);
    (p->in->json ? pii_eval_json : pii_eval_text)(&r, &p->out);
    measure_end(p);
    for (int i = 0; i < PII_EVAL_KINDS; i++) {
        const struct pii_eval_kind *k = &r.kinds[i];
        char what[64];
        snprintf(what, sizeof(what), "recall of %s", pii_kind_name(k->kind));
        p->missed |= k->there && measure_misses(path, what, 100 * k->recall, floor);
        snprintf(what, sizeof(what), "precision of %s", pii_kind_name(k->kind));
        p->missed |= k->there && measure_misses(path, what, 100 * k->precision, floor);
    }
    return E_OK;
}

/* The files meant by an argument: itself, or what a folder holds of this kind. */
static enum err files_of(struct ctx *c, const char *arg, const char *suffix, struct file_names *out)
{
    const char **one = ARENA_ARRAY(c->arena, const char *, 1);
    one[0] = arg;
    *out = (struct file_names){1, one};
    if (!file_is_folder(arg)) {
        return E_OK;
    }
    TRY(file_list(c, arg, suffix, out));
    for (int i = 0; i < out->count; i++) {
        out->items[i] = str_dupz(c->arena, str_fmt(c->arena, "%s/%s", arg, out->items[i]));
    }
    return out->count ? E_OK : ctx_fail(c, E_NOT_FOUND, "%s holds no %s file", arg, suffix);
}

/* measure: one file of --sentiment or --pii. */
static enum err eval_files(struct ctx *c, struct invocation *in, const char *suffix,
                           enum err (*measure)(struct ctx *c, const char *path, double floor,
                                               struct measure_printer *p))
{
    struct measure_floors floors = measure_floors_of(in, "floor");
    enum err e = in->arg_count ? E_OK : command_usage(c, in, "nlu eval: name a folder or files");
    struct measure_printer p = measure_printer_of(in, true);
    for (int i = 0; i < in->arg_count && e == E_OK; i++) {
        struct file_names names = {0};
        e = files_of(c, in->args[i], suffix, &names);
        for (int j = 0; j < names.count && e == E_OK; j++) {
            double floor;
            e = measure_next_floor(c, in, &floors, &floor);
            e = e == E_OK ? measure(c, names.items[j], floor, &p) : e;
        }
    }
    if (e != E_OK) {
        buf_free(&p.out);
        return e;
    }
    return measure_print(c, &p);
}

static enum err eval(struct ctx *c, struct invocation *in)
{
    if (command_has(in, "sentiment")) {
        return eval_files(c, in, ".tsv", eval_sentiment);
    }
    if (command_has(in, "pii")) {
        return eval_files(c, in, ".jsonl", eval_pii);
    }
    return eval_intents(c, in);
}

#define EXAMPLE_OPTIONS                                                                            \
    {"train", 0, "FILES", "examples to learn from (.jsonl, .csv, .tsv, or an agent's .yaml)"},     \
        {"val", 0, "FILES", "examples on which the threshold is chosen"},                          \
    {                                                                                              \
        "output", 'o', "FILE", "save the model"                                                    \
    }

static const struct option train_options[] = {
    EXAMPLE_OPTIONS,
    {0},
};

static const struct option eval_options[] = {
    EXAMPLE_OPTIONS,
    {"test", 0, "FILES", "examples to measure on; else --val, else parts of --train held out"},
    {"floor", 0, "NUMBERS", "fail below: in-scope accuracy in %; r; recall and precision in %"},
    {"floor-oos", 0, "NUMBERS", "fail below this out-of-scope recall in %"},
    {"sentiment", 0, NULL, "measure sentiment on rated texts (.tsv with mean_valence, text)"},
    {"pii", 0, NULL, "measure finding personal data (.jsonl with text, spans)"},
    {0},
};

extern const struct command nlu_commands[];
const struct command nlu_commands[] = {
    {"nlu train", "[FOLDER|FILE...]", "Train a classifier of intents.", COMMAND_ALONE,
     train_options, 0, -1, train},
    {"nlu eval", "[FOLDER|FILE...]",
     "Train and measure: accuracy, out-of-scope recall, calibration, confusions.", COMMAND_ALONE,
     eval_options, 0, -1, eval},
    {0},
};
