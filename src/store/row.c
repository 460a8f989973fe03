#include "store/row.h"

#include <stdlib.h>
#include <string.h>

struct row_sink row_sink_make(struct arena *a, bool wanted)
{
    return (struct row_sink){.arena = a, .wanted = wanted};
}

void row_sink_free(struct row_sink *k)
{
    free(k->cells);
    k->cells = NULL;
    k->count = k->size = 0;
}

bool row_add(struct row_sink *k, const struct store_value *value)
{
    if (!k->wanted) {
        return true;
    }
    size_t most = (size_t)STORE_ROWS_MAX * (size_t)(k->columns > 0 ? k->columns : 1);
    k->bytes += sizeof(*value) + value->bytes.n;
    bool fits = k->bytes + value->bytes.n + 64 <= arena_left_bytes(k->arena); /* cells come last */
    if (k->count >= most || k->bytes > STORE_RESULT_MAX_BYTES || !fits) {
        k->too_large = true;
        return false;
    }
    if (k->count == k->size) {
        k->size = k->size ? k->size * 2 : 32;
        k->cells = mem_grow(k->cells, k->size * sizeof(*k->cells));
    }
    struct store_value *cell = &k->cells[k->count++];
    *cell = *value;
    if (value->type == STORE_TEXT || value->type == STORE_BLOB) {
        cell->bytes = str_dup(k->arena, value->bytes);
    }
    return true;
}

void row_sink_rows(struct row_sink *k, struct store_rows *out_rows)
{
    int columns = k->columns > 0 ? k->columns : 1;
    *out_rows = (struct store_rows){.count = (int)k->count / columns, .columns = k->columns};
    if (k->count) {
        out_rows->cells = arena_memdup(k->arena, k->cells, k->count * sizeof(*k->cells));
    }
}

static const struct store_value null_cell = {.type = STORE_NULL};

static const struct store_value *cell_at(const struct store_rows *r, int row, int column)
{
    if (row < 0 || row >= r->count || column < 0 || column >= r->columns) {
        return &null_cell;
    }
    return &r->cells[(size_t)row * (size_t)r->columns + (size_t)column];
}

struct str row_str(const struct store_rows *r, int row, int column)
{
    const struct store_value *v = cell_at(r, row, column);
    return v->type == STORE_TEXT || v->type == STORE_BLOB ? v->bytes : (struct str){"", 0};
}

/* A sum over BIGINTs is an integer in one database and a decimal text in the other. */
int64_t row_int(const struct store_rows *r, int row, int column)
{
    const struct store_value *v = cell_at(r, row, column);
    int64_t number = 0;
    switch (v->type) {
    case STORE_INT:
        return v->integer;
    case STORE_REAL:
        return v->real >= -9.2e18 && v->real <= 9.2e18 ? (int64_t)v->real : 0;
    case STORE_TEXT:
        return str_to_i64(v->bytes, &number) ? number : 0;
    default:
        return 0;
    }
}

double row_real(const struct store_rows *r, int row, int column)
{
    const struct store_value *v = cell_at(r, row, column);
    double number = 0;
    switch (v->type) {
    case STORE_INT:
        return (double)v->integer;
    case STORE_REAL:
        return v->real;
    case STORE_TEXT:
        return str_to_double(v->bytes, &number) ? number : 0;
    default:
        return 0;
    }
}

bool row_is_null(const struct store_rows *r, int row, int column)
{
    return cell_at(r, row, column)->type == STORE_NULL;
}

struct id row_id(const struct store_rows *r, int row, int column)
{
    struct id id = {""};
    if (!id_parse(row_str(r, row, column), &id)) {
        id.text[0] = 0;
    }
    return id;
}
