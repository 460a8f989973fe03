#include "svc/account/account_import_cell.h"

#include <math.h>

#include "codec/text.h"
#include "svc/account/account_row.h"

enum cell { CELL_TEXT, CELL_INT, CELL_BOOL, CELL_MONEY, CELL_NUMBERS };

static const struct account_import_cell account_columns[] = {
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
static const struct account_import_cell contract_columns[] = {
    {"account", NULL, CELL_TEXT},  {"renewal_date", NULL, CELL_TEXT},
    {"arr_cents", NULL, CELL_INT}, {"arr", "arr_cents", CELL_MONEY},
    {"currency", NULL, CELL_TEXT}, {"seats", NULL, CELL_INT},
    {"plan", NULL, CELL_TEXT},     {NULL, NULL, CELL_TEXT},
};
static const struct account_import_cell usage_columns[] = {
    {"account", NULL, CELL_TEXT}, {"sparkline", NULL, CELL_NUMBERS},
    {"trend", NULL, CELL_TEXT},   {"avg_daily_users", NULL, CELL_INT},
    {"at", NULL, CELL_TEXT},      {NULL, NULL, CELL_TEXT},
};
static const struct account_import_cell ticket_columns[] = {
    {"account", NULL, CELL_TEXT}, {"open_tickets", NULL, CELL_INT},
    {"id", NULL, CELL_TEXT},      {"severity", NULL, CELL_TEXT},
    {"subject", NULL, CELL_TEXT}, {"created_at", NULL, CELL_TEXT},
    {NULL, NULL, CELL_TEXT},
};

static const struct account_import_cell *const columns[ACCOUNT_IMPORT_KINDS] = {
    account_columns, contract_columns, usage_columns, ticket_columns};

const struct account_import_cell *account_import_cell_find(enum account_import_kind kind,
                                                           struct str name)
{
    for (const struct account_import_cell *col = columns[kind]; col->name; col++) {
        if (str_eq_nocase(str_trim(name), str_of(col->name))) {
            return col;
        }
    }
    return NULL;
}

static enum err bad_cell(struct ctx *c, const struct account_import_cell *col, struct str cell,
                         const char *wanted)
{
    struct str shown = text_shorten(c->arena, cell, ACCOUNT_IMPORT_CELL_CHARS);
    return ctx_fail_field(c, E_INVALID, col->name, "%s must be %s, not \"%.*s\"", col->name, wanted,
                          STR_ARG(shown));
}

/* "1200", "1200.50": whole units with at most two digits behind the point, as cents. */
static bool cents_of(double units, int64_t *out)
{
    if (!(units >= 0 && units <= 1e12)) {
        return false;
    }
    double cents = units * 100;
    *out = llround(cents);
    return fabs(cents - (double)*out) < 1e-4;
}

static bool read_money(struct str cell, int64_t *out)
{
    double units;
    return str_to_double(cell, &units) && cents_of(units, out);
}

/* Told in the units that the file has. */
static enum err check_most(struct ctx *c, int64_t cents)
{
    return cents <= ACCOUNT_ARR_MAX_CENTS
               ? E_OK
               : ctx_fail_field(c, E_INVALID, "arr", "arr must be at most %lld",
                                (long long)(ACCOUNT_ARR_MAX_CENTS / 100));
}

/* Numbers with blanks or semicolons between them. */
static enum err read_numbers(struct ctx *c, const struct account_import_cell *col, struct str cell,
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

enum err account_import_cell_read(struct ctx *c, const struct account_import_cell *col,
                                  struct str cell, const struct json **out)
{
    int64_t n = 0;
    switch (col->kind) {
    case CELL_INT:
        if (!str_to_i64(cell, &n)) {
            return bad_cell(c, col, cell, "a whole number");
        }
        *out = json_new_int(c->arena, n);
        return E_OK;
    case CELL_MONEY:
        if (!read_money(cell, &n)) {
            return bad_cell(c, col, cell, "an amount such as 1200.50");
        }
        TRY(check_most(c, n));
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

enum err account_import_cell_arr(struct ctx *c, enum account_import_kind kind,
                                 const struct json *item, const struct json **out)
{
    const struct json *arr = json_get(item, "arr"), *cents = json_get(item, "arr_cents");
    int64_t n = 0;
    *out = item;
    if (!arr || !account_import_cell_find(kind, STR("arr"))) {
        return E_OK;
    }
    bool good = json_is(arr, JSON_STRING) ? read_money(str_trim(arr->string), &n)
                                          : cents_of(json_number(arr, NAN), &n);
    if (!good && !json_is(arr, JSON_NULL)) {
        return ctx_fail_field(c, E_INVALID, "arr", "arr must be an amount such as 1200.50");
    }
    TRY(check_most(c, n));
    const struct json *made = json_is(arr, JSON_NULL) ? arr : json_new_int(c->arena, n);
    if (cents && !json_equal(cents, made)) {
        return ctx_fail_field(c, E_INVALID, "arr", "arr and arr_cents say two things");
    }
    *out = json_with(c->arena, json_with(c->arena, item, STR("arr"), NULL), STR("arr_cents"), made);
    return E_OK;
}
