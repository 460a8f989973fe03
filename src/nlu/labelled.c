#include "nlu/labelled.h"

#include <stdio.h>
#include <string.h>

#include "codec/csv.h"
#include "codec/json.h"

enum { LINE_MAX_BYTES = 1 << 20 };

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

enum err labelled_read(struct arena *a, struct str bytes, struct classify_fault *out_fault,
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
