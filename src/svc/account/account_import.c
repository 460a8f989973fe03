#include "svc/account/account_import.h"

#include <stdio.h>

#include "codec/csv.h"
#include "codec/text.h"
#include "svc/account/account_history.h"
#include "svc/account/account_import_cell.h"
#include "svc/account/account_import_fault.h"

enum { CHUNK_ROWS = 100, COLUMNS_MAX = 40, ROW_FAULTS_MAX = 60 };

struct tally {
    int created, updated, unchanged;
};

struct import {
    struct call *call;
    enum account_import_kind kind;
    bool dry, skip_bad;
    int count;
    struct account_import_row *rows;
    bool *bad;        /* of each row */
    int bad_count;    /* of them */
    const char *unit; /* what a row is: "line", or "item" */
    struct account_import_faults *faults;
    struct map *trial;     /* of the trial: slug -> data */
    struct map *told;      /* of the trial: account -> what rows said of it */
    struct map *listed;    /* account -> the row that gathers its lines of tickets */
    struct tally all, now; /* of the file, and of the transaction */
    int from, to;          /* the rows of a transaction */
    struct store *store;
};

static void mark_bad(struct import *m, int row)
{
    m->bad_count += !m->bad[row];
    m->bad[row] = true;
}

static enum err add_row(struct ctx *c, struct import *m, int64_t line, const struct json *body)
{
    if (m->count == ACCOUNT_IMPORT_ROWS_MAX) {
        return ctx_fail_place(c, E_TOO_LARGE, (int)line, 1, "an import has at most %d rows",
                              ACCOUNT_IMPORT_ROWS_MAX);
    }
    m->rows[m->count++] = (struct account_import_row){.line = line, .body = body};
    return E_OK;
}

/* Lines that name tickets of one account become one row of it, at the place of the first. */
static enum err tickets_row(struct ctx *c, struct import *m, int64_t line, struct str account,
                            struct account_import_row **out)
{
    struct arena *a = c->arena;
    *out = map_get(m->listed, account);
    if (*out) {
        return E_OK;
    }
    TRY(add_row(c, m, line,
                json_object(a, {"account", account.n ? json_new_str(a, account) : NULL},
                            {"recent_tickets", &json_empty_array})));
    *out = &m->rows[m->count - 1];
    map_set(m->listed, account, *out);
    return E_OK;
}

static enum err add_ticket(struct ctx *c, struct import *m, int64_t line, const struct json *body,
                           struct account_import_row **out)
{
    struct arena *a = c->arena;
    const struct json *ticket =
        json_with(a, account_import_row_part(a, body), STR("open_tickets"), NULL);
    struct account_import_row *row;
    TRY(tickets_row(c, m, line, json_str(body, "account", STR("")), &row));
    const struct json *list = json_get(row->body, "recent_tickets");
    size_t n = json_count(list);
    if (n <= ACCOUNT_TICKETS_MAX) { /* one more than that is told as a fault */
        int64_t *lines = row->lines ? (int64_t *)(uintptr_t)row->lines
                                    : ARENA_ARRAY(a, int64_t, ACCOUNT_TICKETS_MAX + 1);
        lines[n] = line;
        row->lines = lines;
        row->body = json_with(a, row->body, STR("recent_tickets"), json_push(a, list, ticket));
    }
    *out = row;
    return E_OK;
}

static enum err read_header(struct ctx *c, const struct import *m, const struct csv_row *row,
                            const struct account_import_cell **out)
{
    if (row->count > COLUMNS_MAX) {
        return ctx_fail_place(c, E_INVALID, 1, 1, "more than %d columns", COLUMNS_MAX);
    }
    for (size_t i = 0; i < row->count; i++) {
        out[i] = account_import_cell_find(m->kind, row->cells[i]);
        if (!out[i]) {
            struct str name = text_shorten(c->arena, row->cells[i], ACCOUNT_IMPORT_CELL_CHARS);
            return ctx_fail_place(c, E_INVALID, (int)row->line, (int)i + 1,
                                  "%s have no column \"%.*s\"", account_import_row_kinds[m->kind],
                                  STR_ARG(name));
        }
    }
    return E_OK;
}

static void told_fault(struct ctx *c, struct import *m, int64_t line)
{
    account_import_fault_add(c->arena, m->faults, line, &c->fault);
    ctx_forgive(c);
}

/* One cell into the row's body. An empty one says nothing. */
static enum err read_cell(struct ctx *c, const struct account_import_cell *column, struct str cell,
                          const struct json **inout_body)
{
    const struct json *value = NULL;
    struct str field = str_of(column->field ? column->field : column->name);
    if (!cell.n) {
        return E_OK;
    }
    TRY(account_import_cell_read(c, column, cell, &value));
    const struct json *before = json_find(*inout_body, field);
    if (before && !json_equal(before, value)) {
        return ctx_fail_field(c, E_INVALID, column->name, "%s is told twice, with two values",
                              column->name);
    }
    *inout_body = json_with(c->arena, *inout_body, field, value);
    return E_OK;
}

static enum err read_line(struct ctx *c, struct import *m, const struct csv_row *row,
                          const struct account_import_cell *const *columns)
{
    const struct json *body = &json_empty_object, *lost = NULL;
    struct account_import_row *made;
    for (size_t i = 0; i < row->count; i++) {
        enum err e = read_cell(c, columns[i], str_trim(row->cells[i]), &body);
        if (e == E_INVALID) { /* told with the others; the row is kept to count it */
            struct str field = str_of(columns[i]->field ? columns[i]->field : columns[i]->name);
            lost = json_with(c->arena, lost ? lost : &json_empty_object, field, &json_true_value);
            told_fault(c, m, row->line);
            e = E_OK;
        }
        TRY(e);
    }
    if (m->kind == ACCOUNT_IMPORT_TICKETS && json_get(body, "id")) {
        TRY(add_ticket(c, m, row->line, body, &made));
    } else {
        TRY(add_row(c, m, row->line, body));
        made = &m->rows[m->count - 1];
    }
    for (size_t i = 0; i < row->count; i++) {
        made->in_units = made->in_units || (columns[i]->field && str_trim(row->cells[i]).n);
    }
    if (lost) {
        made->lost = lost;
        mark_bad(m, (int)(made - m->rows));
    }
    return E_OK;
}

/* A row with more or fewer cells than the header is bad, for nobody knows which are missing. Where
 * it would be a ticket of an account, all that is told of the account's tickets is. */
static enum err read_misfit(struct ctx *c, struct import *m, const struct csv_row *row,
                            const struct account_import_cell *const *columns, size_t width)
{
    struct account_import_row *made;
    struct str account = STR("");
    bool listed = false;
    ctx_fail(c, E_INVALID, "%zu cells where the header has %zu", row->count, width);
    told_fault(c, m, row->line);
    for (size_t i = 0; i < width && m->kind == ACCOUNT_IMPORT_TICKETS; i++) {
        listed = listed || str_eqz(str_of(columns[i]->name), "id");
        account = i < row->count && str_eqz(str_of(columns[i]->name), "account")
                      ? str_trim(row->cells[i])
                      : account;
    }
    if (listed && account.n) {
        TRY(tickets_row(c, m, row->line, account, &made));
    } else {
        TRY(add_row(c, m, row->line, NULL));
        made = &m->rows[m->count - 1];
    }
    mark_bad(m, (int)(made - m->rows));
    return E_OK;
}

static enum err read_csv(struct ctx *c, struct import *m, struct csv *csv)
{
    const struct account_import_cell *columns[COLUMNS_MAX];
    size_t width = 0;
    struct csv_row row;
    enum csv_step step;
    while ((step = csv_next(csv, c->arena, &row)) == CSV_ROW) {
        if (!width) {
            TRY(read_header(c, m, &row, columns));
            width = row.count;
            continue;
        }
        TRY(row.count == width ? read_line(c, m, &row, columns)
                               : read_misfit(c, m, &row, columns, width));
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
    m->unit = "item";
    for (size_t i = 0; i < json_count(items); i++) {
        const struct json *item = json_at(items, i);
        bool in_units = json_get(item, "arr") != NULL;
        e = account_import_cell_arr(c, m->kind, item, &item);
        if (e != E_OK) {
            told_fault(c, m, (int64_t)i + 1);
            item = json_with(c->arena, item, STR("arr"), NULL);
        }
        TRY(add_row(c, m, (int64_t)i + 1, item));
        m->rows[m->count - 1].in_units = in_units;
        if (e != E_OK) {
            mark_bad(m, m->count - 1);
            m->rows[m->count - 1].lost = json_object(c->arena, {"arr", &json_true_value});
        }
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

static bool is_of_row(enum err e)
{
    return e == E_INVALID || e == E_NOT_FOUND || e == E_CONFLICT;
}

/* One row, and when something is wrong with it the rest of it, until all faults of it are told. */
static enum err try_row(struct ctx *c, struct import *m, struct ctx *own, struct store *s, int at)
{
    struct account_import_row row = m->rows[at];
    enum account_import_effect effect = ACCOUNT_IMPORT_NOTHING;
    struct account_import_how how = {.kind = m->kind,
                                     .source = "import",
                                     .trial = m->trial,
                                     .told = m->told,
                                     .unit = m->unit,
                                     .arena = c->arena};
    enum err e = E_INVALID;
    for (int i = 0; row.body && is_of_row(e) && i < ROW_FAULTS_MAX; i++) {
        how.doubt = m->bad[at];
        e = account_import_row_take(own, s, &how, &row, &effect);
        if (!is_of_row(e)) {
            break;
        }
        struct fault fault = own->fault;
        ctx_forgive(own);
        if (account_import_fault_follows(&row, fault.field)) {
            break;
        }
        account_import_fault_add_row(c->arena, m->faults, &row, &fault);
        mark_bad(m, at);
        if (!account_import_fault_mend(own->arena, &row, fault.field)) {
            break;
        }
    }
    if (e == E_OK && !m->bad[at]) {
        count(&m->all, effect);
    }
    return is_of_row(e) ? E_OK : e;
}

/* Every row against the rules and what is there, in memory that is given back after it. */
static enum err try_rows(struct ctx *c, struct import *m)
{
    for (int from = 0; from < m->count; from += CHUNK_ROWS) {
        struct ctx *own = ctx_child(c, WORKERS_ARENA_MAX_BYTES);
        struct store *s;
        enum err e = store_of(own, &s);
        for (int i = from; i < m->count && i < from + CHUNK_ROWS && e == E_OK; i++) {
            e = try_row(c, m, own, s, i);
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
            TRY(account_import_row_take(c, m->store, &how, &m->rows[i], &effect));
            count(&m->now, effect);
            rows++;
        }
    }
    void *r;
    struct str key;
    for (size_t at = 0; map_next(past, &at, &key, &r);) {
        TRY(account_history_replay(c, m->store, r));
    }
    return rows ? audit_add(c, m->store, "accounts_imported",
                            str_of(account_import_row_kinds[m->kind]),
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
    json_open_object(o);
    json_field_str(o, "kind", str_of(account_import_row_kinds[m->kind]));
    json_field_bool(o, "dry_run", m->dry);
    json_field_bool(o, "applied", applied);
    json_field_int(o, "rows", m->count);
    json_field_int(o, "created", m->all.created);
    json_field_int(o, "updated", m->all.updated);
    json_field_int(o, "unchanged", m->all.unchanged);
    json_field_int(o, "bad", m->bad_count);
    json_field(o, "faults", account_import_fault_list(c->arena, m->faults));
    json_close_object(o);
}

static enum err read_order(struct ctx *c, struct call *call, struct import *m)
{
    struct str kind = call_query(c, call, "kind");
    int64_t dry, skip;
    m->kind = ACCOUNT_IMPORT_KINDS;
    for (int k = 0; k < ACCOUNT_IMPORT_KINDS; k++) {
        m->kind =
            str_eqz(kind, account_import_row_kinds[k]) ? (enum account_import_kind)k : m->kind;
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
    struct import m = {.call = call, .unit = "line"};
    if (call->in->body.n > ACCOUNT_IMPORT_BODY_MAX_BYTES) {
        return ctx_fail(c, E_TOO_LARGE, "an import has at most %d bytes",
                        ACCOUNT_IMPORT_BODY_MAX_BYTES);
    }
    TRY(read_order(c, call, &m));
    m.rows = ARENA_ARRAY(c->arena, struct account_import_row, ACCOUNT_IMPORT_ROWS_MAX);
    m.bad = ARENA_ARRAY(c->arena, bool, ACCOUNT_IMPORT_ROWS_MAX);
    m.faults = ARENA_ARRAY(c->arena, struct account_import_faults, 1);
    m.trial = map_new(ACCOUNT_IMPORT_ROWS_MAX);
    m.told = map_new(ACCOUNT_IMPORT_ROWS_MAX);
    m.listed = map_new(ACCOUNT_IMPORT_ROWS_MAX);
    enum err e = run_import(c, &m);
    map_free(&m.trial);
    map_free(&m.told);
    map_free(&m.listed);
    return e;
}
