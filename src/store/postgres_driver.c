/* The PostgreSQL driver: a pool of connections that log in as the owner and then work as the
 * role rapport_app, which row-level security binds. The org is a setting of the transaction (or,
 * for reads, of the session while one org uses a connection). A write transaction takes the
 * org's advisory lock, so that it holds the org's write turn as under SQLite; what a call needs
 * first (the org, BEGIN, preparing) is sent with its statement in one round trip. */
#include "store/driver.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/map.h"
#include "store/dialect.h"
#include "store/migrate.h"
#include "store/postgres.h"
#include "store/postgres_listen.h"

#define APP_ROLE       POSTGRES_APP_ROLE
#define MIGRATION_LOCK "7092410137"

enum {
    OLDEST_VERSION = 150000,
    CONNECTIONS_DEFAULT = 24,
    KNOWN_MS = 5000 /* how long an org is believed to exist */
};

/* What a handle holds while its transaction is open. */
struct hold {
    struct wire *conn;
    bool begun; /* BEGIN was sent */
    bool owner; /* migrating: without role and lock */
};

struct state {
    pthread_mutex_t lock;
    pthread_cond_t given_back;
    struct wire *idle;
    int open;
    int open_max;
    struct map *known; /* org -> steady ms until which it is believed */
    struct listener *listener;
};

static struct state *state_of(const struct stores *s)
{
    return s->state;
}

/* ---- the pool of connections */

static void forget_conn(struct state *state, struct wire *conn)
{
    postgres_disconnect(conn);
    pthread_mutex_lock(&state->lock);
    state->open--;
    pthread_cond_signal(&state->given_back);
    pthread_mutex_unlock(&state->lock);
}

static void give_conn(struct state *state, struct wire *conn)
{
    if (!postgres_is_reusable(conn)) {
        forget_conn(state, conn);
        return;
    }
    pthread_mutex_lock(&state->lock);
    conn->next = state->idle;
    state->idle = conn;
    pthread_cond_signal(&state->given_back);
    pthread_mutex_unlock(&state->lock);
}

/* Takes the idle connection that is set to the org, else the one used last. Locked. */
static struct wire *pick_idle(struct state *state, const struct id *org)
{
    struct wire **found = &state->idle;
    for (struct wire **at = &state->idle; *at; at = &(*at)->next) {
        if (id_eq(&(*at)->org, org)) {
            found = at;
            break;
        }
    }
    struct wire *conn = *found;
    if (conn) {
        *found = conn->next;
    }
    return conn;
}

/* An idle connection, or leave to open one (*out_conn NULL). */
static enum err take_place(struct ctx *c, struct state *state, const struct id *org,
                           struct wire **out_conn)
{
    int64_t give_up = clock_steady_ms() + ctx_left_ms(c, STORE_WAIT_MAX_MS);
    struct timespec at = {.tv_sec = give_up / 1000, .tv_nsec = give_up % 1000 * 1000000};
    pthread_mutex_lock(&state->lock);
    while (!state->idle && state->open >= state->open_max) {
        if (pthread_cond_timedwait(&state->given_back, &state->lock, &at) == ETIMEDOUT) {
            pthread_mutex_unlock(&state->lock);
            return ctx_fail(c, E_TIMEOUT, "the store was busy for too long");
        }
    }
    *out_conn = pick_idle(state, org);
    state->open += *out_conn == NULL;
    pthread_mutex_unlock(&state->lock);
    return E_OK;
}

static enum err take_conn(struct ctx *c, struct stores *s, const struct id *org,
                          struct wire **out_conn)
{
    struct state *state = state_of(s);
    struct wire *conn = NULL;
    TRY(take_place(c, state, org, &conn));
    while (conn && !postgres_is_alive(conn)) {
        forget_conn(state, conn);
        TRY(take_place(c, state, org, &conn));
    }
    if (!conn) {
        enum err e = postgres_connect(c, s->config.url, &conn);
        if (e == E_OK) {
            e = postgres_become_app(c, conn);
            if (e != E_OK) {
                postgres_disconnect(conn);
            }
        }
        if (e != E_OK) {
            pthread_mutex_lock(&state->lock);
            state->open--;
            pthread_cond_signal(&state->given_back);
            pthread_mutex_unlock(&state->lock);
            return e;
        }
    }
    *out_conn = conn;
    return E_OK;
}

/* ---- whose rows, and whose turn */

/* Binds the rest of the batch (one implicit transaction) or of the open transaction to the org;
 * with the write turn. */
static const char use_org_sql[] = "SELECT set_config('rapport.org', $1, true),"
                                  " set_config('statement_timeout', $2, true)";
static const char take_turn_sql[] = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))";
static const char keep_org_sql[] = "SELECT set_config('rapport.org', $1, false)";

static void use_org(struct ctx *c, struct batch *b, const struct id *org, bool turn)
{
    char ms[24];
    const char *values[] = {org->text, ms};
    int64_t left = ctx_left_ms(c, 60000);
    snprintf(ms, sizeof(ms), "%lld", (long long)(left > 0 ? left + 1000 : 1));
    postgres_plain(b, use_org_sql, 2, values);
    if (turn) {
        postgres_plain(b, take_turn_sql, 1, values);
    }
}

/* ---- statements */

static enum err run_alone(struct ctx *c, struct store *s, const struct statement *st,
                          struct reading *reading)
{
    struct wire *conn = NULL;
    bool read = dialect_is_read(st->sql);
    TRY(take_conn(c, s->stores, &s->org, &conn));
    struct batch b = postgres_batch(conn);
    postgres_drops(&b);
    if (!read) {
        use_org(c, &b, &s->org, true);
    } else if (!id_eq(&conn->org, &s->org)) {
        const char *values[] = {s->org.text};
        postgres_plain(&b, keep_org_sql, 1, values);
        conn->org = s->org;
    }
    enum err e = postgres_statement(c, &b, st);
    enum err sent = postgres_end(c, &b, reading);
    e = e != E_OK ? e : sent;
    if (e != E_OK) {
        conn->org = (struct id){""}; /* a setting is undone with the failed transaction */
    }
    give_conn(state_of(s->stores), conn);
    return e;
}

static enum err run_inside(struct ctx *c, struct store *s, const struct statement *st,
                           struct reading *reading)
{
    struct hold *hold = s->state;
    struct batch b = postgres_batch(hold->conn);
    if (!hold->begun) {
        postgres_plain(&b, "BEGIN", 0, NULL);
        if (s->late) {
            postgres_plain(&b, "SET LOCAL synchronous_commit = off", 0, NULL);
        }
        use_org(c, &b, &s->org, !hold->owner);
        hold->begun = true;
    }
    enum err e = postgres_statement(c, &b, st);
    enum err sent = postgres_end(c, &b, reading);
    s->again = reading->again || reading->lost;
    return e != E_OK ? e : sent;
}

static enum err pq_run(struct ctx *c, struct store *s, const struct statement *st,
                       struct row_sink *sink, int64_t *out_changed)
{
    struct reading reading = {.sink = sink->wanted ? sink : NULL};
    enum err e = s->depth > 0 ? run_inside(c, s, st, &reading) : run_alone(c, s, st, &reading);
    if (reading.lost && s->depth == 0 && dialect_is_read(st->sql) && sink->count == 0) {
        reading = (struct reading){.sink = reading.sink};
        e = run_alone(c, s, st, &reading); /* a look does no harm twice */
    }
    if (e == E_OK) {
        *out_changed = reading.changed;
        if (s->depth == 0 && !dialect_is_read(st->sql)) {
            s->stores->transactions++;
            s->stores->commits++;
            s->stores->syncs++;
        }
    }
    return e;
}

/* ---- transactions */

static enum err pq_begin(struct ctx *c, struct store *s)
{
    struct hold *hold = s->state;
    if (!hold->owner) {
        TRY(take_conn(c, s->stores, &s->org, &hold->conn));
    }
    hold->begun = false;
    return E_OK;
}

static void let_go(struct store *s)
{
    struct hold *hold = s->state;
    if (!hold->owner) {
        give_conn(state_of(s->stores), hold->conn);
        hold->conn = NULL;
    }
    hold->begun = false;
}

static enum err pq_commit(struct ctx *c, struct store *s)
{
    struct hold *hold = s->state;
    if (!hold->begun) {
        let_go(s);
        return E_OK; /* nothing was asked of the database */
    }
    struct reading reading = {0};
    struct batch b = postgres_batch(hold->conn);
    postgres_drops(&b);
    postgres_plain(&b, "COMMIT", 0, NULL);
    enum err e = postgres_end(c, &b, &reading);
    s->again = reading.again;
    if (reading.lost) {
        e = ctx_fail(c, E_UNAVAILABLE,
                     "the connection to the database broke while committing: the change may or may"
                     " not have been kept");
    }
    let_go(s);
    s->stores->commits += e == E_OK;
    s->stores->syncs += e == E_OK && !s->late;
    return e;
}

static void pq_rollback(struct ctx *c, struct store *s)
{
    struct hold *hold = s->state;
    (void)c;
    if (hold->begun && !hold->conn->worn) {
        hold->conn->worn = !postgres_ask(hold->conn, "ROLLBACK", NULL, NULL, NULL);
    }
    let_go(s);
}

/* ---- migrations, as the owner */

static void is_yes(void *arg, struct str cell)
{
    *(bool *)arg = str_eqz(cell, "t");
}

/* CREATE TABLE IF NOT EXISTS stands alone in a script, for the tables every start needs. */
static bool is_made(struct wire *conn, const char *sql)
{
    char name[64];
    bool made = false;
    return sscanf(sql, "CREATE TABLE IF NOT EXISTS %63[a-z_]", name) == 1 &&
           postgres_ask(conn, "SELECT to_regclass($1) IS NOT NULL", name, is_yes, &made) && made;
}

static enum err pq_script(struct ctx *c, struct store *s, const char *sql)
{
    struct hold *hold = s->state;
    struct str rewritten = {0};
    char fault[DIALECT_FAULT_BYTES];
    if (!hold->begun) {
        char text[160];
        snprintf(text, sizeof(text), "BEGIN; SELECT set_config('rapport.org', '%s', true)",
                 s->org.text);
        TRY(postgres_exec(c, hold->conn, text));
        hold->begun = true;
    }
    if (is_made(hold->conn, sql)) {
        return E_OK;
    }
    if (dialect_script(c->arena, str_of(sql), STR(APP_ROLE), &rewritten, fault) != E_OK) {
        return ctx_fail(c, E_INTERNAL, "a migration cannot be read: %s", fault);
    }
    return postgres_exec(c, hold->conn, rewritten.p);
}

/* The role is one of the cluster, so another database's start may be making it at this moment. */
static enum err make_role(struct ctx *c, struct wire *conn)
{
    enum err e =
        postgres_exec(c, conn,
                      "DO $$ BEGIN"
                      " IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = '" APP_ROLE "') THEN"
                      "  BEGIN CREATE ROLE " APP_ROLE " NOLOGIN NOBYPASSRLS;"
                      "  EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END;"
                      " END IF;"
                      " IF NOT pg_has_role(current_user, '" APP_ROLE "', 'MEMBER') THEN"
                      "  GRANT " APP_ROLE " TO CURRENT_USER;"
                      " END IF; END $$");
    if (e != E_OK) {
        char why[CTX_FAULT_BYTES];
        snprintf(why, sizeof(why), "%s", c->fault.text);
        return ctx_fail(c, E_UNAVAILABLE,
                        "the role " APP_ROLE " cannot be made (%.200s); as an administrator run:"
                        " CREATE ROLE " APP_ROLE " NOLOGIN; GRANT " APP_ROLE " TO <owner>",
                        why);
    }
    bool safe = false;
    postgres_ask(conn, "SELECT NOT (rolsuper OR rolbypassrls) FROM pg_roles WHERE rolname = $1",
                 APP_ROLE, is_yes, &safe);
    return safe ? E_OK
                : ctx_fail(c, E_DENIED,
                           "the role " APP_ROLE
                           " can bypass row-level security; run: ALTER ROLE " APP_ROLE
                           " NOSUPERUSER NOBYPASSRLS");
}

static const char org_table[] = "CREATE TABLE IF NOT EXISTS store_org (id TEXT NOT NULL,"
                                " created_at BIGINT NOT NULL, PRIMARY KEY (id));";

static enum err make_org_table(struct ctx *c, void *arg)
{
    struct store *s = arg;
    return s->stores->driver->script(c, s, org_table);
}

static enum err migrate_as_owner(struct ctx *c, struct stores *s, struct wire *conn)
{
    struct id system = id_system();
    struct store handle = store_handle(c, s, &system);
    struct hold hold = {.conn = conn, .owner = true};
    handle.state = &hold;
    TRY(postgres_exec(c, conn, "SET client_min_messages = warning"));
    TRY(postgres_exec(c, conn, "SELECT pg_advisory_lock(" MIGRATION_LOCK ")"));
    enum err e = make_role(c, conn);
    if (e == E_OK) {
        e = store_transact(c, &handle, make_org_table, &handle);
    }
    if (e == E_OK) {
        e = migrate_store(c, &handle, STORE_SCOPE_BOTH);
    }
    postgres_ask(conn, "SELECT pg_advisory_unlock(" MIGRATION_LOCK ")", NULL, NULL, NULL);
    return e;
}

/* ---- orgs */

static bool is_known(struct state *state, const struct id *org)
{
    pthread_mutex_lock(&state->lock);
    int64_t *until = map_get(state->known, id_str(org));
    bool known = until && clock_steady_ms() < *until;
    pthread_mutex_unlock(&state->lock);
    return known;
}

static void remember_org(struct state *state, const struct id *org, bool exists)
{
    pthread_mutex_lock(&state->lock);
    int64_t *until = map_get(state->known, id_str(org));
    if (exists && !until) {
        until = mem_new(sizeof(*until));
        map_set(state->known, id_str(org), until);
    }
    if (exists) {
        *until = clock_steady_ms() + KNOWN_MS;
    } else if (until) {
        map_remove(state->known, id_str(org));
        free(until);
    }
    pthread_mutex_unlock(&state->lock);
}

/* A handle on the installation's own rows. */
static struct store system_handle(struct ctx *c, struct stores *s, struct hold *hold)
{
    struct id system = id_system();
    struct store handle = store_handle(c, s, &system);
    *hold = (struct hold){0};
    handle.state = hold;
    return handle;
}

static enum err find_org(struct ctx *c, struct stores *s, const struct id *org, bool *out_there)
{
    struct id system = id_system();
    if (id_eq(org, &system) || is_known(state_of(s), org)) {
        *out_there = true;
        return E_OK;
    }
    struct hold hold;
    struct store handle = system_handle(c, s, &hold);
    struct store_rows rows;
    TRY(store_query(c, &handle, &rows, "SELECT 1 FROM store_org WHERE id = ?1", S_ID(org)));
    *out_there = rows.count > 0;
    remember_org(state_of(s), org, *out_there);
    return E_OK;
}

static enum err pq_replace(struct ctx *c, struct stores *s, const struct id *org, const char *path)
{
    (void)s;
    (void)org;
    return ctx_fail(c, E_INVALID,
                    "%s is a copy of an SQLite file; with PostgreSQL, pg_restore does it", path);
}

static bool pq_exists(struct ctx *c, struct stores *s, const struct id *org)
{
    bool there = false;
    return find_org(c, s, org, &there) == E_OK && there;
}

static enum err pq_create(struct ctx *c, struct stores *s, const struct id *org)
{
    struct hold hold;
    struct store handle = system_handle(c, s, &hold);
    struct id parsed;
    if (!id_parse(id_str(org), &parsed)) {
        return ctx_fail(c, E_INVALID, "not an organisation's id");
    }
    TRY(store_exec(c, &handle, NULL,
                   "INSERT INTO store_org (id, created_at) VALUES (?1, ?2)"
                   " ON CONFLICT (id) DO NOTHING",
                   S_ID(org), S_INT(ctx_now_ms(c))));
    remember_org(state_of(s), org, true);
    return E_OK;
}

static enum err pq_list(struct ctx *c, struct stores *s, const struct id **out_orgs, int *out_count)
{
    struct hold hold;
    struct store handle = system_handle(c, s, &hold);
    struct buf orgs = buf_make(64 << 20);
    struct id after = {""};
    enum err e = E_OK;
    int count = 0, got = STORE_ROWS_MAX;
    while (e == E_OK && got == STORE_ROWS_MAX) {
        struct store_rows rows = {0};
        e = store_query(c, &handle, &rows,
                        "SELECT id FROM store_org WHERE id > ?1 ORDER BY id"
                        " LIMIT ?2",
                        S_ID(&after), S_INT(STORE_ROWS_MAX));
        got = rows.count;
        for (int i = 0; i < rows.count; i++) {
            after = row_id(&rows, i, 0);
            buf_add(&orgs, &after, sizeof(after));
        }
        count += rows.count;
    }
    if (e == E_OK) {
        *out_orgs = arena_memdup(c->arena, orgs.p ? orgs.p : "", orgs.n);
        *out_count = count;
    }
    buf_free(&orgs);
    return e;
}

/* Referencing tables are made after those they refer to, so the youngest is emptied first. */
static enum err erase_rows(struct ctx *c, void *arg)
{
    struct store *s = arg;
    struct hold *hold = s->state;
    struct store_rows tables;
    TRY(store_query(c, s, &tables,
                    "SELECT t.relname FROM pg_class t JOIN pg_attribute a ON a.attrelid = t.oid"
                    " WHERE t.relkind = 'r' AND t.relnamespace = 'public'::regnamespace"
                    " AND a.attname = 'org_id' ORDER BY t.oid DESC"));
    for (int i = 0; i < tables.count; i++) {
        struct str sql = str_fmt(c->arena, "DELETE FROM \"%.*s\"", STR_ARG(row_str(&tables, i, 0)));
        TRY(postgres_exec(c, hold->conn, sql.p));
    }
    return E_OK;
}

static enum err pq_erase(struct ctx *c, struct stores *s, const struct id *org)
{
    struct hold hold = {0};
    struct store theirs = store_handle(c, s, org);
    theirs.state = &hold;
    TRY(store_transact(c, &theirs, erase_rows, &theirs));
    struct store handle = system_handle(c, s, &hold);
    TRY(store_exec(c, &handle, NULL, "DELETE FROM store_org WHERE id = ?1", S_ID(org)));
    remember_org(state_of(s), org, false);
    return E_OK;
}

static enum err pq_attach(struct ctx *c, struct store *s)
{
    bool there = false;
    TRY(find_org(c, s->stores, &s->org, &there));
    if (!there) {
        return ctx_fail(c, E_NOT_FOUND, "no such organisation");
    }
    s->state = ARENA_NEW(c->arena, struct hold);
    return E_OK;
}

static void pq_detach(struct store *s)
{
    (void)s; /* a connection is held inside transactions only */
}

/* ---- other processes */

static void pq_signal(struct stores *s, const struct id *org)
{
    listener_signal(state_of(s)->listener, org);
}

static void pq_news(struct stores *s, void (*fn)(void *arg, const struct id *org), void *arg)
{
    listener_news(state_of(s)->listener, fn, arg);
}

static bool pq_processes(struct stores *s, void (*fn)(void *arg, struct str process), void *arg)
{
    return listener_processes(state_of(s)->listener, fn, arg);
}

static void pq_count(struct stores *s, struct store_counts *counts)
{
    struct state *state = state_of(s);
    pthread_mutex_lock(&state->lock);
    counts->connections = state->open;
    pthread_mutex_unlock(&state->lock);
}

/* ---- the pool */

static void pq_close(struct stores *s)
{
    struct state *state = state_of(s);
    size_t cursor = 0;
    struct str key;
    void *value;
    while (state->idle) {
        struct wire *conn = state->idle;
        state->idle = conn->next;
        postgres_disconnect(conn);
    }
    listener_free(&state->listener);
    while (map_next(state->known, &cursor, &key, &value)) {
        free(value);
    }
    map_free(&state->known);
    pthread_mutex_destroy(&state->lock);
    pthread_cond_destroy(&state->given_back);
    free(state);
}

static enum err prepare_database(struct ctx *c, struct stores *s)
{
    struct wire *conn = NULL;
    TRY(postgres_connect(c, s->config.url, &conn));
    enum err e = postgres_version(conn) >= OLDEST_VERSION
                     ? migrate_as_owner(c, s, conn)
                     : ctx_fail(c, E_UNAVAILABLE, "PostgreSQL 15 or newer is needed, this is %d",
                                postgres_version(conn) / 10000);
    postgres_disconnect(conn);
    return e;
}

static enum err pq_open(struct ctx *c, struct stores *s)
{
    if (!s->config.url) {
        return ctx_fail(c, E_INVALID, "PostgreSQL needs a connection URL");
    }
    struct state *state = mem_new(sizeof(*state));
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&state->given_back, &attr);
    pthread_condattr_destroy(&attr);
    pthread_mutex_init(&state->lock, NULL);
    state->open_max =
        s->config.connections_max > 0 ? s->config.connections_max : CONNECTIONS_DEFAULT;
    state->known = map_new(1 << 20);
    state->listener = listener_new(s->config.url, s->process);
    s->state = state;
    enum err e = prepare_database(c, s);
    if (e == E_OK) {
        e = listener_open(c, state->listener);
    }
    if (e != E_OK) {
        pq_close(s);
    }
    return e;
}

const struct driver postgres_driver = {
    .open = pq_open,
    .close = pq_close,
    .create = pq_create,
    .erase = pq_erase,
    .exists = pq_exists,
    .list = pq_list,
    .attach = pq_attach,
    .detach = pq_detach,
    .run = pq_run,
    .begin = pq_begin,
    .commit = pq_commit,
    .rollback = pq_rollback,
    .script = pq_script,
    .replace = pq_replace,
    .signal = pq_signal,
    .news = pq_news,
    .processes = pq_processes,
    .count = pq_count,
};
