#include "store/migrate.h"

#include <string.h>

/* The store's own tables. schema_step is made by itself, before anything can be looked up in it. */
static const char step_table[] = "CREATE TABLE IF NOT EXISTS schema_step ("
                                 " owner TEXT NOT NULL, number BIGINT NOT NULL,"
                                 " applied_at BIGINT NOT NULL, PRIMARY KEY (owner, number));";

static const struct migration own_steps[] = {{"store", 1, STORE_SCOPE_BOTH,
                                              "CREATE TABLE store_sequence (name TEXT NOT NULL, "
                                              "value BIGINT NOT NULL, PRIMARY KEY (name));"},
                                             {0}};

enum err migrate_check_steps(struct ctx *c, const struct migration *migrations)
{
    for (const struct migration *m = migrations; m && m->owner; m++) {
        int before = 0;
        for (const struct migration *other = migrations; other != m; other++) {
            if (strcmp(other->owner, m->owner) == 0) {
                before = other->number;
            }
        }
        if (m->number != before + 1) {
            return ctx_fail(c, E_INVALID, "migrations of %s: step %d follows step %d", m->owner,
                            m->number, before);
        }
        if (!m->sql || !m->sql[0]) {
            return ctx_fail(c, E_INVALID, "migrations of %s: step %d is empty", m->owner,
                            m->number);
        }
    }
    return E_OK;
}

static bool in_scope(const struct migration *m, enum store_scope scope, enum store_kind kind)
{
    if (m->scope == STORE_SCOPE_ORG_SQLITE) {
        return kind == STORE_SQLITE && scope != STORE_SCOPE_SYSTEM;
    }
    if (m->scope == STORE_SCOPE_SQLITE || m->scope == STORE_SCOPE_POSTGRES) {
        return (m->scope == STORE_SCOPE_SQLITE) == (kind == STORE_SQLITE);
    }
    return scope == STORE_SCOPE_BOTH || m->scope == STORE_SCOPE_BOTH || m->scope == scope;
}

static int last_number(const struct migration *list, struct str owner)
{
    int last = 0;
    for (const struct migration *m = list; m && m->owner; m++) {
        if (str_eqz(owner, m->owner)) {
            last = m->number;
        }
    }
    return last;
}

static bool is_applied(const struct store_rows *steps, const struct migration *m)
{
    for (int i = 0; i < steps->count; i++) {
        if (str_eqz(row_str(steps, i, 0), m->owner) && row_int(steps, i, 1) == m->number) {
            return true;
        }
    }
    return false;
}

/* An owner the program does not have at all is fine: its tables are just not used. */
static enum err check_not_newer(struct ctx *c, const struct store *s,
                                const struct store_rows *steps)
{
    for (int i = 0; i < steps->count; i++) {
        struct str owner = row_str(steps, i, 0);
        int known = last_number(s->stores->migrations, owner);
        known = known ? known : last_number(own_steps, owner);
        if (known && row_int(steps, i, 1) > known) {
            return ctx_fail(c, E_CONFLICT,
                            "the database is of a newer version of Rapport: %.*s is at schema step"
                            " %d, this program knows %d; start the newer program",
                            STR_ARG(owner), (int)row_int(steps, i, 1), known);
        }
    }
    return E_OK;
}

static enum err apply(struct ctx *c, struct store *s, const struct migration *m)
{
    TRY(s->stores->driver->script(c, s, m->sql));
    return store_exec(c, s, NULL,
                      "INSERT INTO schema_step (owner, number, applied_at) VALUES (?1, ?2, ?3)",
                      S_Z(m->owner), S_INT(m->number), S_INT(ctx_now_ms(c)));
}

static enum err apply_missing(struct ctx *c, struct store *s, const struct migration *list,
                              enum store_scope scope, const struct store_rows *steps)
{
    for (const struct migration *m = list; m && m->owner; m++) {
        if (in_scope(m, scope, s->stores->kind) && !is_applied(steps, m)) {
            TRY(apply(c, s, m));
        }
    }
    return E_OK;
}

static enum err migrate(struct ctx *c, struct store *s, enum store_scope scope)
{
    struct store_rows steps;
    TRY(s->stores->driver->script(c, s, step_table));
    TRY(store_query(c, s, &steps, "SELECT owner, number FROM schema_step ORDER BY owner, number"));
    TRY(check_not_newer(c, s, &steps));
    TRY(apply_missing(c, s, own_steps, scope, &steps));
    return apply_missing(c, s, s->stores->migrations, scope, &steps);
}

enum err migrate_store(struct ctx *c, struct store *s, enum store_scope scope)
{
    TRY(store_begin(c, s));
    enum err e = migrate(c, s, scope);
    if (e != E_OK) {
        store_rollback(c, s);
        return e;
    }
    return store_commit(c, s);
}
