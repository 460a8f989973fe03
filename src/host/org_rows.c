#include "host/org.h"
#include "host/service.h"

enum { TABLES_MAX = 64 };

/* What the host keeps itself. */
static const struct system_rows own[] = {
    SYSTEM_ROWS("org", "id", "id, slug, name, kind, status, settings, created_at",
                "?1, ?2, ?3, ?4, ?5, ?6, ?7"),
    SYSTEM_ROWS("api_key", "owner_org",
                "id, owner_org, name, scopes, roles, hash, old_hash, old_until, expires_at,"
                " created_by, created_at, last_used_at",
                "?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12"),
    {0},
};

struct tables {
    int count;
    const struct system_rows *items[TABLES_MAX];
};

static void add_tables(struct tables *t, const struct system_rows *rows)
{
    for (; rows && rows->table && t->count < TABLES_MAX; rows++) {
        t->items[t->count++] = rows;
    }
}

static struct tables all_tables(const struct service *const *services)
{
    struct tables t = {0};
    add_tables(&t, own);
    for (int i = 0; services[i]; i++) {
        add_tables(&t, services[i]->system);
    }
    return t;
}

static enum err system_store(struct ctx *c, struct store **out)
{
    struct id system = id_system();
    return store_of_org(c, &system, out);
}

/* ---- out ----------------------------------------------------------------- */

static const struct json *cell_json(struct ctx *c, const struct store_rows *r, int row, int column)
{
    const struct store_value *v = &r->cells[row * r->columns + column];
    switch (v->type) {
    case STORE_INT:
        return json_new_int(c->arena, v->integer);
    case STORE_TEXT:
        return json_new_str(c->arena, v->bytes);
    default:
        return &json_null_value;
    }
}

static const struct json *row_json(struct ctx *c, const struct system_rows *t,
                                   const struct store_rows *r, int row)
{
    const struct json *object = &json_empty_object;
    struct str rest = str_of(t->columns), name;
    for (int i = 0; i < r->columns && str_split(&rest, ',', &name); i++) {
        object = json_with(c->arena, object, str_trim(name), cell_json(c, r, row, i));
    }
    return object;
}

enum err org_rows_get(struct ctx *c, const struct service *const *services, const struct id *org,
                      const struct json **out_rows)
{
    struct store *s;
    struct tables tables = all_tables(services);
    const struct json *all = &json_empty_object;
    TRY(system_store(c, &s));
    for (int i = 0; i < tables.count; i++) {
        const struct system_rows *t = tables.items[i];
        struct store_rows rows;
        if (!t->select) {
            continue;
        }
        TRY(store_query(c, s, &rows, t->select, S_ID(org)));
        const struct json *list = &json_empty_array;
        for (int row = 0; row < rows.count; row++) {
            list = json_push(c->arena, list, row_json(c, t, &rows, row));
        }
        all = json_with(c->arena, all, str_of(t->table), list);
    }
    *out_rows = all;
    return E_OK;
}

/* ---- in ------------------------------------------------------------------ */

struct put {
    struct store *store;
    struct tables tables;
    const struct id *org;
    const struct json *rows;
};

static enum err put_row(struct ctx *c, const struct put *p, const struct system_rows *t,
                        const struct json *row)
{
    struct store_value values[STORE_PARAMS_MAX];
    struct str rest = str_of(t->columns), name;
    int n = 0;
    while (n < STORE_PARAMS_MAX - 1 && str_split(&rest, ',', &name)) {
        const struct json *v = json_get(row, str_dupz(c->arena, str_trim(name)));
        values[n++] = json_is(v, JSON_STRING) ? S_STR(v->string)
                      : json_is_null(v)       ? S_NULL
                                              : S_INT((int64_t)json_number(v, 0));
    }
    values[n] = S_END_;
    return store_run(c, p->store, t->insert, values, NULL, NULL);
}

static enum err put_all(struct ctx *c, void *arg)
{
    const struct put *p = arg;
    for (int i = 0; i < p->tables.count; i++) {
        const struct system_rows *t = p->tables.items[i];
        const struct json *list = json_get(p->rows, t->table);
        TRY(store_exec(c, p->store, NULL, t->remove, S_ID(p->org)));
        for (size_t row = 0; t->insert && row < json_count(list); row++) {
            TRY(put_row(c, p, t, json_at(list, row)));
        }
    }
    return E_OK;
}

enum err org_rows_put(struct ctx *c, const struct service *const *services, const struct id *org,
                      const struct json *rows)
{
    struct put p = {.tables = all_tables(services), .org = org, .rows = rows};
    const struct json *entry = json_at(json_get(rows, "org"), 0);
    if (!str_eq(json_str(entry, "id", STR("")), id_str(org))) {
        return ctx_fail(c, E_INVALID, "these rows are not those of organisation %s", org->text);
    }
    TRY(system_store(c, &p.store));
    enum err e = store_transact(c, p.store, put_all, &p);
    return e == E_CONFLICT ? ctx_fail(c, E_CONFLICT, "another organisation is called %.*s here",
                                      STR_ARG(json_str(entry, "slug", STR(""))))
                           : e;
}

/* ---- away ---------------------------------------------------------------- */

static enum err remove_all(struct ctx *c, void *arg)
{
    const struct put *p = arg;
    for (int i = 0; i < p->tables.count; i++) {
        TRY(store_exec(c, p->store, NULL, p->tables.items[i]->remove, S_ID(p->org)));
    }
    return E_OK;
}

enum err org_rows_remove(struct ctx *c, const struct service *const *services, const struct id *org)
{
    struct put p = {.tables = all_tables(services), .org = org};
    TRY(system_store(c, &p.store));
    return store_transact(c, p.store, remove_all, &p);
}
