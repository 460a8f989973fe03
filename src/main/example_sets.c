#include "main/example_sets.h"

#include <string.h>

#include "agent/config.h"
#include "main/file.h"
#include "nlu/labelled.h"

static enum err append(struct ctx *c, struct examples *set, const struct classify_example *more,
                       size_t n)
{
    if (!n) {
        return E_OK;
    }
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
    if (labelled_read(c->arena, bytes, &fault, &more, &n) != E_OK) {
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

static bool is_data(struct str name)
{
    return str_ends(name, STR(".jsonl")) || str_ends(name, STR(".csv")) ||
           str_ends(name, STR(".tsv"));
}

static struct example_set *set_named(struct ctx *c, struct example_sets *sets, struct str name)
{
    for (int i = 0; i < sets->count; i++) {
        if (str_eqz(name, sets->items[i].name)) {
            return &sets->items[i];
        }
    }
    if (sets->count == EXAMPLE_SETS_MAX) {
        ctx_fail(c, E_TOO_LARGE, "more than %d sets in one folder", EXAMPLE_SETS_MAX);
        return NULL;
    }
    struct example_set *set = &sets->items[sets->count++];
    *set = (struct example_set){.name = str_dupz(c->arena, name)};
    return set;
}

/* "finance_dev.tsv": a validation file of the set "finance". Texts that are out of scope ("oos_")
 * belong to the set that has no name. */
static enum err read_named(struct ctx *c, const char *folder, const char *name,
                           struct example_sets *sets)
{
    static const struct {
        const char *word;
        size_t offset;
    } PURPOSES[] = {
        {"train", offsetof(struct example_set, train)},
        {"val", offsetof(struct example_set, validation)},
        {"dev", offsetof(struct example_set, validation)},
        {"test", offsetof(struct example_set, test)},
    };
    struct str s = str_of(name);
    for (size_t i = 0; is_data(s) && i < sizeof(PURPOSES) / sizeof(*PURPOSES); i++) {
        ptrdiff_t at = str_find(s, str_of(PURPOSES[i].word));
        if (at < 0) {
            continue;
        }
        struct str before = str_sub(s, 0, (size_t)at);
        while (before.n && strchr("_-.", before.p[before.n - 1])) {
            before.n--;
        }
        struct example_set *set = set_named(c, sets, str_eqz(before, "oos") ? STR("") : before);
        if (!set) {
            return E_TOO_LARGE;
        }
        return read_labelled(c, str_dupz(c->arena, str_fmt(c->arena, "%s/%s", folder, name)),
                             (struct examples *)((char *)set + PURPOSES[i].offset));
    }
    return E_OK;
}

/* Sets without training examples are left out. */
static enum err read_folder(struct ctx *c, const char *folder, struct example_sets *sets)
{
    struct file_names names;
    TRY(file_list(c, folder, "", &names));
    for (int i = 0; i < names.count; i++) {
        TRY(read_named(c, folder, names.items[i], sets));
    }
    int kept = 0;
    for (int i = 0; i < sets->count; i++) {
        if (sets->items[i].train.n) {
            sets->items[kept++] = sets->items[i];
        }
    }
    sets->count = kept;
    return kept ? E_OK
                : ctx_fail(c, E_NOT_FOUND,
                           "%s holds no training examples (a .jsonl, .csv or .tsv file with "
                           "\"train\" in its name)",
                           folder);
}

enum err example_sets_read(struct ctx *c, struct invocation *in, struct example_sets *out)
{
    struct example_sets sets = {0};
    struct example_set more = {.name = ""};
    for (int i = 0; i < in->arg_count; i++) {
        if (file_is_folder(in->args[i])) {
            TRY(read_folder(c, in->args[i], &sets));
        } else {
            TRY(read_labelled(c, in->args[i], &more.train));
        }
    }
    TRY(read_list(c, command_option(in, "train", NULL), &more.train));
    TRY(read_list(c, command_option(in, "val", NULL), &more.validation));
    TRY(read_list(c, command_option(in, "test", NULL), &more.test));
    struct example_set *set = set_named(c, &sets, STR(""));
    if (!set) {
        return E_TOO_LARGE;
    }
    TRY(append(c, &set->train, more.train.items, more.train.n));
    TRY(append(c, &set->validation, more.validation.items, more.validation.n));
    TRY(append(c, &set->test, more.test.items, more.test.n));
    if (!set->train.n && set == &sets.items[sets.count - 1]) {
        sets.count--;
    }
    *out = sets;
    return sets.count ? E_OK : command_usage(c, in, "nlu: name a folder, files, or --train FILES");
}

enum err example_sets_join(struct ctx *c, const struct example_sets *sets, struct example_set *out)
{
    struct example_set all = {.name = ""};
    for (int i = 0; i < sets->count; i++) {
        const struct example_set *s = &sets->items[i];
        TRY(append(c, &all.train, s->train.items, s->train.n));
        TRY(append(c, &all.validation, s->validation.items, s->validation.n));
        TRY(append(c, &all.test, s->test.items, s->test.n));
    }
    *out = all;
    return E_OK;
}
