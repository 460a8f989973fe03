#include "svc/account/account_import.h"

#include <math.h>
#include <stdio.h>

#include "codec/csv.h"
#include "codec/text.h"
#include "svc/account/account_change.h"
#include "svc/account/account_history.h"

enum { CHUNK_ROWS = 100, COLUMNS_MAX = 40, CELL_CHARS = 40 };

/* ---- columns ------------------------------------------------------------------ */

enum cell { CELL_TEXT, CELL_INT, CELL_BOOL, CELL_MONEY, CELL_NUMBERS };

struct column {
    const char *name, *field; /* field NULL: as the name */
    enum cell cell;
};

static const struct column account_columns[] = {
    {"slug", NULL, CELL_TEXT},         {"name", NULL, CELL_TEXT},
    {"short_name", NULL, CELL_TEXT},   {"domain", NULL, CELL_TEXT},
    {"website", NULL, CELL_TEXT},      {"industry", NULL, CELL_TEXT},
    {"country", NULL, CELL_TEXT},      {"language", NULL, CELL_TEXT},
    {"city", NULL, CELL_TEXT},         {"plan", NULL, CELL_TEXT},
    {"owner", NULL, CELL_TEXT},        {"currency", NULL, CELL_TEXT},
    {"notes", NULL, CELL_TEXT},        {"stage", NULL, CELL_TEXT},
    {"employees", NULL, CELL_INT},     {"seats", NULL, CELL_INT},
    {"arr_cents", NULL, CELL_INT},     {"arr", "arr_cents", CELL_MONEY},
    {"renewal_date", NULL, CELL_TEXT}, {"since", NULL, CELL_TEXT},
    {"open_tickets", NULL, CELL_INT},  {"demo", NULL, CELL_BOOL},
    {NULL, NULL, CELL_TEXT},
};
static const struct column contract_columns[] = {
    {"account", NULL, CELL_TEXT},  {"renewal_date", NULL, CELL_TEXT},
    {"arr_cents", NULL, CELL_INT}, {"arr", "arr_cents", CELL_MONEY},
    {"currency", NULL, CELL_TEXT}, {"seats", NULL, CELL_INT},
    {"plan", NULL, CELL_TEXT},     {NULL, NULL, CELL_TEXT},
};
static const struct column usage_columns[] = {
    {"account", NULL, CELL_TEXT}, {"sparkline", NULL, CELL_NUMBERS},
    {"trend", NULL, CELL_TEXT},   {"avg_daily_users", NULL, CELL_INT},
    {"at", NULL, CELL_TEXT},      {NULL, NULL, CELL_TEXT},
};
static const struct column ticket_columns[] = {
    {"account", NULL, CELL_TEXT}, {"open_tickets", NULL, CELL_INT},
    {"id", NULL, CELL_TEXT},      {"severity", NULL, CELL_TEXT},
    {"subject", NULL, CELL_TEXT}, {"created_at", NULL, CELL_TEXT},
    {NULL, NULL, CELL_TEXT},
};

static const struct {
    const char *name;
    const struct column *columns;
} kinds[ACCOUNT_IMPORT_KINDS] = {{"accounts", account_columns},
                                 {"contracts", contract_columns},
                                 {"usage", usage_columns},
                                 {"tickets", ticket_columns}};

static const struct column *column_find(enum account_import_kind kind, struct str name)
{
    for (const struct column *col = kinds[kind].columns; col->name; col++) {
        if (str_eq_nocase(str_trim(name), str_of(col->name))) {
            return col;
        }
    }
    return NULL;
}

static enum err bad_cell(struct ctx *c, const struct column *col, struct str cell,
                         const char *wanted)
{
    struct str shown = text_shorten(c->arena, cell, CELL_CHARS);
    return ctx_fail_field(c, E_INVALID, col->name, "%s must be %s, not \"%.*s\"", col->name, wanted,
                          STR_ARG(shown));
}

/* "1200", "1200.50": whole units with at most two digits behind the point, as cents. */
static bool read_money(struct str cell, int64_t *out)
{
    double units;
    if (!str_to_double(cell, &units) || units < 0 || units > 1e12) {
        return false;
    }
    double cents = units * 100;
    *out = llround(cents);
    return fabs(cents - (double)*out) < 1e-4;
}

/* Numbers with blanks or semicolons between them. */
static enum err read_numbers(struct ctx *c, const struct column *col, struct str cell,
                             const struct json **out)
{
    const struct json *items[ACCOUNT_SPARKLINE_MAX];
    size_t at = 0, n = 0;
    while (at < cell.n) {
        size_t from = at;
        double value;
        while (at < cell.n && cell.p[at] != ' ' && cell.p[at] != ';') {
            at++;
        }
        struct str one = str_sub(cell, from, at - from);
        at++;
        if (!one.n) {
            continue;
        }
        if (!str_to_double(one, &value)) {
            return bad_cell(c, col, cell, "numbers with blanks between them");
        }
        if (n == ACCOUNT_SPARKLINE_MAX) {
            return bad_cell(c, col, cell, "a shorter list of numbers");
        }
        items[n++] = json_new_real(c->arena, value);
    }
    *out = json_new_array(c->arena, items, n);
    return E_OK;
}

static enum err read_cell(struct ctx *c, const struct column *col, struct str cell,
                          const struct json **out)
{
    int64_t n = 0;
    switch (col->cell) {
    case CELL_INT:
        *out = json_new_int(c->arena, n);
        if (!str_to_i64(cell, &n)) {
            return bad_cell(c, col, cell, "a whole number");
        }
        *out = json_new_int(c->arena, n);
        return E_OK;
    case CELL_MONEY:
        if (!read_money(cell, &n)) {
            return bad_cell(c, col, cell, "an amount such as 1200.50");
        }
        *out = json_new_int(c->arena, n);
        return E_OK;
    case CELL_BOOL:
        if (!str_eqz(cell, "true") && !str_eqz(cell, "false")) {
            return bad_cell(c, col, cell, "true or false");
        }
        *out = json_new_bool(str_eqz(cell, "true"));
        return E_OK;
    case CELL_NUMBERS:
        return read_numbers(c, col, cell, out);
    default:
        *out = json_new_str(c->arena, cell);
        return E_OK;
    }
}

/* ---- one row -------------------------------------------------------------------- */

/* What a row is about, and what it says of it. */
struct import_target {
    struct record r; /* without data: it is to be made */
    const struct json *changes;
};

static enum err fail_field(struct ctx *c, const struct field_fault *wrong)
{
    return ctx_fail_field(c, E_INVALID, wrong->path, "%s: %s", wrong->path, wrong->text);
}

/* The row's own members, without what says whose it is and when. */
static const struct json *part_of(struct arena *a, const struct json *body)
{
    return json_with(a, json_with(a, body, STR("account"), NULL), STR("at"), NULL);
}

/* The record as the rows before it in a trial would leave it. */
static const struct json *tried(struct ctx *c, const struct account_import_how *how,
                                const struct record *r)
{
    const struct json *changes = how->trial ? map_get(how->trial, r->key) : NULL;
    return changes ? json_merge(c->arena, r->data, changes) : r->data;
}

/* Kept are the changes alone, which are no larger than the file. */
static void keep_trial(const struct account_import_how *how, const struct import_target *to)
{
    if (how->trial && !how->apply) {
        const struct json *before = map_get(how->trial, to->r.key);
        const struct json *after = json_merge(how->arena, before, to->changes);
        map_set(how->trial, to->r.key, (void *)(uintptr_t)json_copy(how->arena, after));
    }
}

/* Where tickets are records, those count, whatever a file says. */
static enum err leave_counted(struct ctx *c, struct store *s, const struct record *r,
                              const struct json **inout_changes)
{
    static const char *const members[] = {"open_tickets", "recent_tickets"};
    const struct json *counted;
    bool any = false;
    if (json_get(*inout_changes, members[0]) || json_get(*inout_changes, members[1])) {
        TRY(account_tickets_count(c, s, r->key, &any, &counted));
    }
    for (size_t i = 0; any && i < 2; i++) {
        *inout_changes = json_with(c->arena, *inout_changes, str_of(members[i]), NULL);
    }
    return E_OK;
}

/* Applies the changes to the record, unless they say what it says already. */
static enum err settle(struct ctx *c, struct store *s, const struct account_import_how *how,
                       struct import_target *to, enum account_import_effect *out_effect)
{
    struct account_change change = {.source = how->source, .count_tickets = true};
    struct id id = to->r.id;
    TRY(leave_counted(c, s, &to->r, &to->changes));
    const struct json *data = json_merge(c->arena, to->r.data, to->changes);
    bool same = json_equal(data, to->r.data);
    *out_effect = same ? ACCOUNT_IMPORT_NOTHING : ACCOUNT_IMPORT_CHANGED;
    if (same) {
        return E_OK;
    }
    if (!how->apply) {
        keep_trial(how, to);
        return E_OK;
    }
    TRY(record_update(c, s, &id, to->changes, 0, &to->r));
    return account_recompute(c, s, &to->r, &change);
}

static enum err find_account(struct ctx *c, struct store *s, const struct account_import_how *how,
                             const struct json *body, struct record *out)
{
    struct str key = str_trim(json_str(body, "account", STR("")));
    if (!key.n) {
        return ctx_fail_field(c, E_INVALID, "account", "account must name one, by its slug");
    }
    enum err e = account_find(c, s, key, out);
    if (e == E_OK) {
        out->data = tried(c, how, out);
    }
    return e == E_NOT_FOUND
               ? ctx_fail_field(c, E_NOT_FOUND, "account", "there is no account \"%.*s\"",
                                STR_ARG(text_shorten(c->arena, key, CELL_CHARS)))
               : e;
}

/* The account of the slug, as the rows before would leave it; without data: there is none. */
static enum err look_up(struct ctx *c, struct store *s, const struct account_import_how *how,
                        struct str slug, struct record *out)
{
    struct record r = {0};
    enum err e = record_by_key(c, s, STR("account"), slug, &r);
    if (e != E_OK && e != E_NOT_FOUND) {
        return e;
    }
    if (e == E_NOT_FOUND) {
        ctx_forgive(c);
        r = (struct record){.key = slug};
    }
    *out = r;
    out->data = tried(c, how, &r);
    return E_OK;
}

/* A row without a slug is about the account that an earlier row of its name made: the first of the
 * slugs which the name gives that is an account of that name, or free. */
static enum err look_up_name(struct ctx *c, struct store *s, const struct account_import_how *how,
                             struct str name, struct record *out)
{
    if (!name.n) {
        return ctx_fail_field(c, E_INVALID, "name", "an account needs a name");
    }
    for (int i = 1; i <= ACCOUNT_SLUG_TRIES; i++) {
        TRY(look_up(c, s, how, account_change_slug(c->arena, name, i), out));
        struct str its = json_str(out->data, "name", STR(""));
        if (!out->data || str_eq(str_trim(its), str_trim(name))) {
            return E_OK;
        }
    }
    return account_change_slugs_taken(c, name);
}

static enum err import_account(struct ctx *c, struct store *s, const struct account_import_how *how,
                               const struct json *body, enum account_import_effect *out_effect)
{
    struct account_body in = {.stage = -1};
    struct field_fault wrong = {0};
    struct account_input input = {body, &in, NULL};
    struct import_target to;
    if (field_read(&account_body_table, c->arena, body, &in, &wrong) != E_OK) {
        return fail_field(c, &wrong);
    }
    if (in.slug.n) {
        TRY(account_input_slug(c, in.slug));
        TRY(look_up(c, s, how, in.slug, &to.r));
    } else {
        TRY(look_up_name(c, s, how, in.name, &to.r));
    }
    input.before = to.r.data;
    TRY(account_input_account(c, &input, &to.changes));
    if (to.r.data) {
        return settle(c, s, how, &to, out_effect);
    }
    if (!in.name.n) {
        return ctx_fail_field(c, E_INVALID, "name", "an account needs a name");
    }
    *out_effect = ACCOUNT_IMPORT_NEW;
    to.changes = json_with(c->arena, to.changes, STR("slug"), json_new_str(c->arena, to.r.key));
    if (!how->apply) {
        keep_trial(how, &to);
        return E_OK;
    }
    struct account_change change = {.source = how->source, .count_tickets = true};
    TRY(record_create(c, s, STR("account"), to.changes, &to.r));
    return account_recompute(c, s, &to.r, &change);
}

static enum err import_contract(struct ctx *c, struct store *s,
                                const struct account_import_how *how, const struct json *body,
                                enum account_import_effect *out_effect)
{
    union {
        char bytes[ACCOUNT_PART_BYTES];
        max_align_t align;
    } part = {{0}};
    struct field_fault wrong = {0};
    const struct json *date;
    struct import_target to = {.changes = part_of(c->arena, body)};
    TRY(find_account(c, s, how, body, &to.r));
    if (field_read(&account_contract_table, c->arena, to.changes, &part, &wrong) != E_OK) {
        return fail_field(c, &wrong);
    }
    if (json_get(to.changes, "renewal_date")) {
        TRY(account_input_time(c, "renewal_date", json_get(to.changes, "renewal_date"), &date));
        to.changes = json_with(c->arena, to.changes, STR("renewal_date"), date);
    }
    return settle(c, s, how, &to, out_effect);
}

/* Usage of a day that has passed becomes history, and scores follow from it: once for all rows of
 * an account, where the caller gathers them. */
static enum err import_past(struct ctx *c, struct store *s, const struct account_import_how *how,
                            const struct record *r, const struct account_fact *fact,
                            enum account_import_effect *out_effect)
{
    bool added = false;
    if (fact->at_ms <= 0 || fact->at_ms > ctx_now_ms(c)) {
        return ctx_fail_field(c, E_INVALID, "at", "at must be a day that has passed");
    }
    TRY(how->apply ? account_fact_add(c, s, &r->id, fact, &added)
                   : account_fact_is_new(c, s, &r->id, fact, &added));
    *out_effect = added ? ACCOUNT_IMPORT_CHANGED : ACCOUNT_IMPORT_NOTHING;
    if (!added || !how->apply) {
        return E_OK;
    }
    if (!how->past) {
        return account_history_replay(c, s, r);
    }
    struct record *kept = ARENA_ARRAY(c->arena, struct record, 1);
    *kept = *r;
    return map_set(how->past, id_str(&r->id), kept)
               ? E_OK
               : ctx_fail(c, E_TOO_LARGE, "too many accounts have a past in one transaction");
}

static enum err import_usage(struct ctx *c, struct store *s, const struct account_import_how *how,
                             const struct json *body, enum account_import_effect *out_effect)
{
    const struct json *usage, *at = json_get(body, "at");
    struct import_target to;
    TRY(find_account(c, s, how, body, &to.r));
    const struct json *before = at ? NULL : json_get(to.r.data, "usage");
    TRY(account_input_usage(c, before, part_of(c->arena, body), &usage));
    to.changes = json_object(c->arena, {"usage", usage});
    if (!at) {
        return settle(c, s, how, &to, out_effect);
    }
    TRY(account_input_time(c, "at", at, &at));
    struct account_fact fact = {.kind = ACCOUNT_USAGE,
                                .data = account_fact_of(c->arena, ACCOUNT_USAGE, to.changes),
                                .source = how->source,
                                .at_ms = (int64_t)json_number(at, 0)};
    return import_past(c, s, how, &to.r, &fact, out_effect);
}

static enum err import_tickets(struct ctx *c, struct store *s, const struct account_import_how *how,
                               const struct json *body, enum account_import_effect *out_effect)
{
    const struct json *part = part_of(c->arena, body);
    union {
        char bytes[ACCOUNT_PART_BYTES];
        max_align_t align;
    } read = {{0}};
    struct field_fault wrong = {0};
    struct import_target to;
    TRY(find_account(c, s, how, body, &to.r));
    if (field_read(&account_tickets_table, c->arena, part, &read, &wrong) != E_OK) {
        return fail_field(c, &wrong);
    }
    TRY(account_input_tickets(c, part, &to.changes));
    return settle(c, s, how, &to, out_effect);
}

enum err account_import_one(struct ctx *c, struct store *s, const struct account_import_how *how,
                            const struct account_import_row *row,
                            enum account_import_effect *out_effect)
{
    static enum err (*const imports[ACCOUNT_IMPORT_KINDS])(
        struct ctx *, struct store *, const struct account_import_how *, const struct json *,
        enum account_import_effect *) = {import_account, import_contract, import_usage,
                                         import_tickets};
    if (!json_is(row->body, JSON_OBJECT)) {
        return ctx_fail(c, E_INVALID, "an item must be an object");
    }
    return imports[how->kind](c, s, how, row->body, out_effect);
}

/* ---- a file of them --------------------------------------------------------------- */

struct tally {
    int created, updated, unchanged;
};

struct import {
    struct call *call;
    enum account_import_kind kind;
    bool dry, skip_bad;
    int count;
    struct account_import_row *rows;
    bool *bad;     /* of each row */
    int bad_count; /* of them */
    const struct json *faults;
    struct map *trial;     /* of the trial: slug -> data */
    struct map *listed;    /* account -> the row that gathers its lines of tickets */
    struct tally all, now; /* of the file, and of the transaction */
    int from, to;          /* the rows of a transaction */
    struct store *store;
};

static void add_fault(struct ctx *c, struct import *m, int row, int64_t line,
                      const struct fault *fault)
{
    struct arena *a = c->arena;
    if (row >= 0 && !m->bad[row]) {
        m->bad[row] = true;
        m->bad_count++;
    }
    if (json_count(m->faults) < ACCOUNT_IMPORT_FAULTS_MAX) {
        struct str field = str_dup(a, str_of(fault->field));
        m->faults =
            json_push(a, m->faults,
                      json_object(a, {"line", json_new_int(a, line)},
                                  {"field", field.n ? json_new_str(a, field) : NULL},
                                  {"text", json_new_str(a, str_dup(a, str_of(fault->text)))}));
    }
}

static enum err add_row(struct ctx *c, struct import *m, int64_t line, const struct json *body)
{
    if (m->count == ACCOUNT_IMPORT_ROWS_MAX) {
        return ctx_fail_place(c, E_TOO_LARGE, (int)line, 1, "an import has at most %d rows",
                              ACCOUNT_IMPORT_ROWS_MAX);
    }
    m->rows[m->count++] = (struct account_import_row){line, body};
    return E_OK;
}

/* Lines that name tickets of one account become one row of it, at the place of the first. */
static enum err add_ticket(struct ctx *c, struct import *m, int64_t line, const struct json *body)
{
    struct arena *a = c->arena;
    struct str account = json_str(body, "account", STR(""));
    if (!json_get(body, "id")) {
        return add_row(c, m, line, body);
    }
    const struct json *ticket = json_with(a, part_of(a, body), STR("open_tickets"), NULL);
    struct account_import_row *row = map_get(m->listed, account);
    if (row) {
        const struct json *list = json_get(row->body, "recent_tickets");
        if (json_count(list) <= ACCOUNT_TICKETS_MAX) { /* one more than that is told as a fault */
            row->body = json_with(a, row->body, STR("recent_tickets"), json_push(a, list, ticket));
        }
        return E_OK;
    }
    const struct json *list = json_push(a, &json_empty_array, ticket);
    TRY(add_row(c, m, line,
                json_object(a, {"account", json_new_str(a, account)}, {"recent_tickets", list})));
    map_set(m->listed, account, &m->rows[m->count - 1]);
    return E_OK;
}

static enum err read_header(struct ctx *c, const struct import *m, const struct csv_row *row,
                            const struct column **out)
{
    if (row->count > COLUMNS_MAX) {
        return ctx_fail_place(c, E_INVALID, 1, 1, "more than %d columns", COLUMNS_MAX);
    }
    for (size_t i = 0; i < row->count; i++) {
        out[i] = column_find(m->kind, row->cells[i]);
        if (!out[i]) {
            struct str name = text_shorten(c->arena, row->cells[i], CELL_CHARS);
            return ctx_fail_place(c, E_INVALID, (int)row->line, (int)i + 1,
                                  "%s have no column \"%.*s\"", kinds[m->kind].name, STR_ARG(name));
        }
    }
    return E_OK;
}

/* An empty cell says nothing. */
static enum err read_line(struct ctx *c, struct import *m, const struct csv_row *row,
                          const struct column *const *columns)
{
    const struct json *body = &json_empty_object, *value = NULL;
    enum err e = E_OK;
    for (size_t i = 0; i < row->count && e == E_OK; i++) {
        struct str cell = str_trim(row->cells[i]);
        if (cell.n) {
            const char *field = columns[i]->field ? columns[i]->field : columns[i]->name;
            e = read_cell(c, columns[i], cell, &value);
            body = e == E_OK ? json_with(c->arena, body, str_of(field), value) : body;
        }
    }
    if (e == E_INVALID) { /* told with the others; the row is kept to count it */
        int at = m->count;
        struct fault fault = c->fault;
        TRY(add_row(c, m, row->line, body));
        add_fault(c, m, at, row->line, &fault);
        ctx_forgive(c);
        return E_OK;
    }
    TRY(e);
    return m->kind == ACCOUNT_IMPORT_TICKETS ? add_ticket(c, m, row->line, body)
                                             : add_row(c, m, row->line, body);
}

static enum err read_csv(struct ctx *c, struct import *m, struct csv *csv)
{
    const struct column *columns[COLUMNS_MAX];
    size_t width = 0;
    struct csv_row row;
    enum csv_step step;
    while ((step = csv_next(csv, c->arena, &row)) == CSV_ROW) {
        if (!width) {
            TRY(read_header(c, m, &row, columns));
            width = row.count;
            continue;
        }
        if (row.count != width) {
            return ctx_fail_place(c, E_INVALID, (int)row.line, 1,
                                  "%zu cells where the header has %zu", row.count, width);
        }
        TRY(read_line(c, m, &row, columns));
        TRY(ctx_check(c));
    }
    return step == CSV_BAD ? ctx_fail(c, E_INVALID, "the file is no CSV: %s", csv_problem(csv))
                           : E_OK;
}

static enum err read_json(struct ctx *c, struct import *m, struct str text)
{
    const struct json *body, *items;
    struct json_fault fault = {0};
    enum err e = json_parse_within(c->arena, text, CALL_BODY_VALUES_MAX, &body, &fault);
    if (e != E_OK) {
        return ctx_fail_place(c, e, fault.line, fault.column, "the body is no JSON: %s",
                              fault.text);
    }
    items = json_is(body, JSON_ARRAY) ? body : json_get(body, "items");
    if (!json_is(items, JSON_ARRAY)) {
        return ctx_fail_field(c, E_INVALID, "items", "the body is a list, or has one in items");
    }
    for (size_t i = 0; i < json_count(items); i++) {
        TRY(add_row(c, m, (int64_t)i + 1, json_at(items, i)));
    }
    return E_OK;
}

static enum err read_rows(struct ctx *c, struct import *m)
{
    const struct request_in *in = m->call->in;
    struct str type = request_header(in, "Content-Type");
    if (str_find(type, STR("json")) >= 0) {
        return read_json(c, m, in->body);
    }
    if (str_find(type, STR("csv")) < 0 && str_find(type, STR("text/plain")) < 0) {
        return ctx_fail(c, E_INVALID, "send text/csv or application/json");
    }
    struct csv *csv = csv_new(0);
    csv_feed(csv, in->body, true);
    enum err e = read_csv(c, m, csv);
    csv_free(&csv);
    return e;
}

static void count(struct tally *t, enum account_import_effect effect)
{
    t->created += effect == ACCOUNT_IMPORT_NEW;
    t->updated += effect == ACCOUNT_IMPORT_CHANGED;
    t->unchanged += effect == ACCOUNT_IMPORT_NOTHING;
}

/* Every row against the rules and what is there, in memory that is given back after it. */
static enum err try_rows(struct ctx *c, struct import *m)
{
    struct account_import_how how = {
        .kind = m->kind, .source = "import", .trial = m->trial, .arena = c->arena};
    for (int from = 0; from < m->count; from += CHUNK_ROWS) {
        struct ctx *own = ctx_child(c, WORKERS_ARENA_MAX_BYTES);
        struct store *s;
        enum err e = store_of(own, &s);
        for (int i = from; i < m->count && i < from + CHUNK_ROWS && e == E_OK; i++) {
            enum account_import_effect effect = ACCOUNT_IMPORT_NOTHING;
            if (m->bad[i]) {
                continue;
            }
            e = account_import_one(own, s, &how, &m->rows[i], &effect);
            if (e == E_INVALID || e == E_NOT_FOUND || e == E_CONFLICT) {
                add_fault(c, m, i, m->rows[i].line, &own->fault);
                ctx_forgive(own);
                e = E_OK;
            } else if (e == E_OK) {
                count(&m->all, effect);
            }
        }
        c->fault = e == E_OK ? c->fault : own->fault;
        ctx_free(&own);
        TRY(e);
        TRY(ctx_check(c));
    }
    return E_OK;
}

static enum err apply_chunk(struct ctx *c, struct import *m, struct map *past)
{
    struct account_import_how how = {
        .kind = m->kind, .source = "import", .apply = true, .past = past};
    int rows = 0;
    for (int i = m->from; i < m->to; i++) {
        enum account_import_effect effect;
        if (!m->bad[i]) {
            TRY(account_import_one(c, m->store, &how, &m->rows[i], &effect));
            count(&m->now, effect);
            rows++;
        }
    }
    void *r;
    struct str key;
    for (size_t at = 0; map_next(past, &at, &key, &r);) {
        TRY(account_history_replay(c, m->store, r));
    }
    return rows ? audit_add(c, m->store, "accounts_imported", str_of(kinds[m->kind].name),
                            json_object(c->arena, {"rows", json_new_int(c->arena, rows)},
                                        {"created", json_new_int(c->arena, m->now.created)},
                                        {"updated", json_new_int(c->arena, m->now.updated)}))
                : E_OK;
}

/* Perhaps not for the first time: a transaction that met another is done again. */
static enum err apply_in(struct ctx *c, void *arg)
{
    struct import *m = arg;
    struct map *past = map_new(CHUNK_ROWS);
    m->now = (struct tally){0};
    enum err e = apply_chunk(c, m, past);
    map_free(&past);
    return e;
}

static enum err apply_next(struct ctx *c, struct import *m)
{
    struct ctx *own = ctx_child(c, WORKERS_ARENA_MAX_BYTES);
    m->to = m->from + CHUNK_ROWS < m->count ? m->from + CHUNK_ROWS : m->count;
    enum err e = store_of(own, &m->store);
    e = e == E_OK ? store_transact(own, m->store, apply_in, m) : e;
    c->fault = e == E_OK ? c->fault : own->fault;
    ctx_free(&own);
    return e == E_OK ? ctx_check(c) : e;
}

/* What a transaction applied stays, and is counted and audited, though a later one fails. */
static enum err apply_rows(struct ctx *c, struct import *m)
{
    m->all = (struct tally){0};
    for (m->from = 0; m->from < m->count; m->from = m->to) {
        enum err e = apply_next(c, m);
        if (e != E_OK && m->from) {
            struct str why = str_dup(c->arena, str_of(c->fault.text));
            snprintf(c->fault.text, sizeof c->fault.text,
                     "the first %d of %d rows are applied (%d created, %d updated): %s", m->from,
                     m->count, m->all.created, m->all.updated, str_dupz(c->arena, why));
        }
        TRY(e);
        m->all.created += m->now.created;
        m->all.updated += m->now.updated;
        m->all.unchanged += m->now.unchanged;
    }
    return E_OK;
}

static void write_report(struct ctx *c, struct import *m, bool applied)
{
    struct json_out *o = call_json(m->call);
    (void)c;
    json_open_object(o);
    json_field_str(o, "kind", str_of(kinds[m->kind].name));
    json_field_bool(o, "dry_run", m->dry);
    json_field_bool(o, "applied", applied);
    json_field_int(o, "rows", m->count);
    json_field_int(o, "created", m->all.created);
    json_field_int(o, "updated", m->all.updated);
    json_field_int(o, "unchanged", m->all.unchanged);
    json_field_int(o, "bad", m->bad_count);
    json_field(o, "faults", m->faults);
    json_close_object(o);
}

static enum err read_order(struct ctx *c, struct call *call, struct import *m)
{
    struct str kind = call_query(c, call, "kind");
    int64_t dry, skip;
    m->kind = ACCOUNT_IMPORT_KINDS;
    for (int k = 0; k < ACCOUNT_IMPORT_KINDS; k++) {
        m->kind = str_eqz(kind, kinds[k].name) ? (enum account_import_kind)k : m->kind;
    }
    if (m->kind == ACCOUNT_IMPORT_KINDS) {
        return ctx_fail_field(c, E_INVALID, "kind",
                              "kind is accounts, contracts, usage or tickets");
    }
    TRY(call_query_int(c, call, "dry_run", 0, &dry));
    TRY(call_query_int(c, call, "skip_bad", 0, &skip));
    m->dry = dry != 0;
    m->skip_bad = skip != 0;
    return E_OK;
}

static enum err run_import(struct ctx *c, struct import *m)
{
    TRY(read_rows(c, m));
    TRY(try_rows(c, m));
    bool apply = !m->dry && m->count > m->bad_count && (m->skip_bad || !m->bad_count);
    if (apply) {
        TRY(apply_rows(c, m));
    }
    write_report(c, m, apply);
    return E_OK;
}

enum err account_import_post(struct ctx *c, struct call *call)
{
    struct import m = {.call = call, .faults = &json_empty_array};
    if (call->in->body.n > ACCOUNT_IMPORT_BODY_MAX_BYTES) {
        return ctx_fail(c, E_TOO_LARGE, "an import has at most %d bytes",
                        ACCOUNT_IMPORT_BODY_MAX_BYTES);
    }
    TRY(read_order(c, call, &m));
    m.rows = ARENA_ARRAY(c->arena, struct account_import_row, ACCOUNT_IMPORT_ROWS_MAX);
    m.bad = ARENA_ARRAY(c->arena, bool, ACCOUNT_IMPORT_ROWS_MAX);
    m.trial = map_new(ACCOUNT_IMPORT_ROWS_MAX);
    m.listed = map_new(ACCOUNT_IMPORT_ROWS_MAX);
    enum err e = run_import(c, &m);
    map_free(&m.trial);
    map_free(&m.listed);
    return e;
}
