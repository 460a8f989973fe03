/* `rapport nlu ...`: trains and measures classifiers of intents, from an agent's YAML or from
 * labelled files. Needs no data folder. */
#include <string.h>

#include "agent/config.h"
#include "main/command.h"
#include "main/file.h"
#include "main/terminal.h"
#include "nlu/nlu_eval.h"

enum { SETS_MAX_BYTES = 64 << 10 };

struct examples {
    struct classify_example *items;
    size_t n;
};

/* ---- reading ------------------------------------------------------------- */

static enum err append(struct ctx *c, struct examples *set, const struct classify_example *more,
                       size_t n)
{
    if (set->n + n > CLASSIFY_EXAMPLES_MAX) {
        return ctx_fail(c, E_TOO_LARGE, "more than %d examples", CLASSIFY_EXAMPLES_MAX);
    }
    struct classify_example *all = ARENA_ARRAY(c->arena, struct classify_example, set->n + n + 1);
    memcpy(all, set->items ? set->items : all, set->n * sizeof(*all));
    memcpy(all + set->n, more, n * sizeof(*all));
    *set = (struct examples){all, set->n + n};
    return E_OK;
}

static enum err read_agent(struct ctx *c, const char *path, struct str yaml, struct examples *set)
{
    struct config_faults *faults = ARENA_NEW(c->arena, struct config_faults);
    struct config *cfg = NULL;
    if (config_parse(c->arena, yaml, faults, &cfg) != E_OK) {
        return ctx_fail(c, E_INVALID, "%s is no valid agent; see `rapport agent validate %s`", path,
                        path);
    }
    enum err e = E_OK;
    for (int i = 0; i < cfg->intent_count && e == E_OK; i++) {
        const struct config_intent *it = &cfg->intents[i];
        size_t n = json_count(it->examples);
        struct classify_example *more = ARENA_ARRAY(c->arena, struct classify_example, n + 1);
        for (size_t k = 0; k < n; k++) {
            struct str text = json_text(json_at(it->examples, k), STR(""));
            more[k] =
                (struct classify_example){str_dup(c->arena, text), str_dup(c->arena, it->name)};
        }
        e = append(c, set, more, n);
    }
    config_free(&cfg);
    return e;
}

static enum err read_labelled(struct ctx *c, const char *path, struct examples *set)
{
    struct str bytes, name = str_of(path);
    struct classify_example *more;
    struct classify_fault fault = {0};
    size_t n;
    TRY(file_read(c, path, &bytes));
    if (str_ends(name, STR(".yaml")) || str_ends(name, STR(".yml"))) {
        return read_agent(c, path, bytes, set);
    }
    if (nlu_eval_read(c->arena, bytes, &fault, &more, &n) != E_OK) {
        return ctx_fail(c, E_INVALID, "%s: %s", path, fault.text);
    }
    return append(c, set, more, n);
}

/* "a.jsonl,b.csv" */
static enum err read_list(struct ctx *c, const char *list, struct examples *set)
{
    struct str rest = str_of(list), piece;
    while (list && str_split(&rest, ',', &piece)) {
        TRY(read_labelled(c, str_dupz(c->arena, piece), set));
    }
    return E_OK;
}

struct sets {
    struct examples train, validation, test;
};

static bool is_data(const char *name)
{
    struct str s = str_of(name);
    return str_ends(s, STR(".jsonl")) || str_ends(s, STR(".csv")) || str_ends(s, STR(".tsv"));
}

/* Files say in their names what they are for: train, val or dev, test. */
static enum err read_folder(struct ctx *c, const char *folder, struct sets *out)
{
    struct file_names names;
    TRY(file_list(c, folder, "", &names));
    for (int i = 0; i < names.count; i++) {
        const char *name = names.items[i];
        struct examples *set = strstr(name, "train")                        ? &out->train
                               : strstr(name, "val") || strstr(name, "dev") ? &out->validation
                               : strstr(name, "test")                       ? &out->test
                                                                            : NULL;
        if (set && is_data(name)) {
            TRY(read_labelled(c, str_dupz(c->arena, str_fmt(c->arena, "%s/%s", folder, name)),
                              set));
        }
    }
    return out->train.n ? E_OK
                        : ctx_fail(c, E_NOT_FOUND,
                                   "%s holds no training examples (a .jsonl, .csv or .tsv file "
                                   "with \"train\" in its name)",
                                   folder);
}

static enum err read_sets(struct ctx *c, struct invocation *in, struct sets *out)
{
    for (int i = 0; i < in->arg_count; i++) {
        if (file_is_folder(in->args[i])) {
            TRY(read_folder(c, in->args[i], out));
        } else {
            TRY(read_labelled(c, in->args[i], &out->train));
        }
    }
    TRY(read_list(c, command_option(in, "train", NULL), &out->train));
    TRY(read_list(c, command_option(in, "val", NULL), &out->validation));
    TRY(read_list(c, command_option(in, "test", NULL), &out->test));
    return out->train.n ? E_OK
                        : command_usage(c, in, "nlu: name a folder, files, or --train FILES");
}

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
    struct sets sets = {0};
    struct classify_fault fault = {0};
    struct classifier *k = NULL;
    TRY(read_sets(c, in, &sets));
    struct terminal_progress bar = terminal_progress_start("training");
    struct classify_options options = {.progress = on_progress, .progress_arg = &bar};
    int64_t began_us = clock_steady_us();
    enum err e = classify_train(sets.train.items, sets.train.n, &options, &fault, &k);
    terminal_progress_end(&bar);
    if (e != E_OK) {
        return ctx_fail(c, e, "example %zu: %s", fault.example + 1, fault.text);
    }
    if (sets.validation.n) {
        classify_tune(k, sets.validation.items, sets.validation.n, 0.005);
    }
    double seconds = (double)(clock_steady_us() - began_us) / 1e6;
    e = save(c, in, k);
    struct arena *a = c->arena;
    if (e == E_OK && in->json) {
        terminal_json(c, json_object(a, {"examples", json_new_int(a, (int64_t)sets.train.n)},
                                     {"labels", json_new_int(a, (int64_t)classify_label_count(k))},
                                     {"threshold", json_new_real(a, classify_threshold(k))},
                                     {"seconds", json_new_real(a, seconds)}));
    } else if (e == E_OK) {
        printf("Trained on %zu examples of %zu labels in %.1f s; abstains below %.3f.\n",
               sets.train.n, classify_label_count(k), seconds, classify_threshold(k));
    }
    classify_free(&k);
    return e;
}

/* ---- measuring ----------------------------------------------------------- */

static enum err run_eval(struct ctx *c, const struct nlu_eval_input *input,
                         struct nlu_eval_report *out, struct classifier **out_k)
{
    struct classify_fault fault = {0};
    enum err e = nlu_eval_run(c->arena, input, &fault, out, out_k);
    return e == E_OK ? E_OK : ctx_fail(c, e, "example %zu: %s", fault.example + 1, fault.text);
}

static enum err eval(struct ctx *c, struct invocation *in)
{
    struct sets s = {0};
    struct nlu_eval_report report;
    struct classifier *k = NULL;
    TRY(read_sets(c, in, &s));
    /* With no test set at hand, the validation set serves for both and the report says so. */
    bool on_validation = s.test.n == 0 && s.validation.n > 0;
    struct examples test = on_validation ? s.validation : s.test;
    struct terminal_progress bar = terminal_progress_start("training");
    struct nlu_eval_input input = {
        .train = s.train.items,
        .train_n = s.train.n,
        .validation = s.validation.items,
        .validation_n = s.validation.n,
        .test = test.items,
        .test_n = test.n,
        .options = {.progress = on_progress, .progress_arg = &bar},
    };
    enum err e = run_eval(c, &input, &report, &k);
    terminal_progress_end(&bar);
    TRY(e);
    e = save(c, in, k);
    classify_free(&k);
    struct buf b = buf_make(4 << 20);
    if (in->json) {
        nlu_eval_json(&report, &b);
    } else {
        nlu_eval_text(&report, &b);
    }
    printf("%.*s%s", STR_ARG(buf_str(&b)), str_ends(buf_str(&b), STR("\n")) ? "" : "\n");
    if (on_validation && !in->json) {
        printf("Measured on the validation examples, on which the threshold was chosen too.\n");
    }
    buf_free(&b);
    return e;
}

static const struct option nlu_options[] = {
    {"train", 0, "FILES", "examples to learn from (.jsonl, .csv, .tsv, or an agent's .yaml)"},
    {"val", 0, "FILES", "examples on which the threshold is chosen"},
    {"test", 0, "FILES", "examples to measure on; else --val, else a tenth of --train held out"},
    {"output", 'o', "FILE", "save the model"},
    {0},
};

extern const struct command nlu_commands[];
const struct command nlu_commands[] = {
    {"nlu train", "[FOLDER|FILE...]", "Train a classifier of intents.", COMMAND_ALONE, nlu_options,
     0, -1, train},
    {"nlu eval", "[FOLDER|FILE...]",
     "Train and measure: accuracy, out-of-scope recall, calibration, confusions.", COMMAND_ALONE,
     nlu_options, 0, -1, eval},
    {0},
};
