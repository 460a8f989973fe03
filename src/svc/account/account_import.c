#include "svc/account/account_import.h"

#include <stdio.h>

#include "codec/csv.h"
#include "codec/text.h"
#include "svc/account/account_history.h"
#include "svc/account/account_import_cell.h"

enum { CHUNK_ROWS = 100, COLUMNS_MAX = 40 };

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
    const struct json *ticket =
        json_with(a, account_import_row_part(a, body), STR("open_tickets"), NULL);
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

/* An empty cell says nothing. */
static enum err read_line(struct ctx *c, struct import *m, const struct csv_row *row,
                          const struct account_import_cell *const *columns)
{
    const struct json *body = &json_empty_object, *value = NULL;
    enum err e = E_OK;
    for (size_t i = 0; i < row->count && e == E_OK; i++) {
        struct str cell = str_trim(row->cells[i]);
        if (cell.n) {
            const char *field = columns[i]->field ? columns[i]->field : columns[i]->name;
            e = account_import_cell_read(c, columns[i], cell, &value);
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
            e = account_import_row_take(own, s, &how, &m->rows[i], &effect);
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
    (void)c;
    json_open_object(o);
    json_field_str(o, "kind", str_of(account_import_row_kinds[m->kind]));
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
