#include "store/driver.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mishap.h"
#include "store/dialect.h"
#include "store/migrate.h"

enum { FULL_TOLD_MS = 60000 };

static const struct driver *const drivers[] = {
    [STORE_SQLITE] = &sqlite_driver,
    [STORE_POSTGRES] = &postgres_driver,
};

static void free_config(struct store_config *config)
{
    free((void *)(uintptr_t)config->folder);
    free((void *)(uintptr_t)config->url);
}

enum err stores_open(struct ctx *c, const struct store_config *config,
                     const struct migration *migrations, struct stores **out_stores)
{
    TRY(migrate_check_steps(c, migrations));
    struct stores *s = mem_new(sizeof(*s));
    s->kind = config->kind;
    s->driver = drivers[config->kind];
    s->migrations = migrations;
    s->config = *config;
    s->config.folder = config->folder ? mem_dupz(config->folder) : NULL;
    s->config.url = config->url ? mem_dupz(config->url) : NULL;
    s->config.open_orgs_max = config->open_orgs_max > 0 ? config->open_orgs_max : 256;
    id_random_hex(s->process, STORE_PROCESS_CHARS / 2);
    enum err e = s->driver->open(c, s);
    if (e != E_OK) {
        free_config(&s->config);
        free(s);
        return e;
    }
    *out_stores = s;
    return E_OK;
}

void stores_close(struct stores **s)
{
    if (*s) {
        (*s)->driver->close(*s);
        free_config(&(*s)->config);
        free(*s);
        *s = NULL;
    }
}

enum store_kind stores_kind(const struct stores *s)
{
    return s->kind;
}

enum err stores_create(struct ctx *c, const struct id *org)
{
    return c->at->stores->driver->create(c, c->at->stores, org);
}

enum err stores_erase(struct ctx *c, const struct id *org)
{
    struct id system = id_system();
    if (id_eq(org, &system)) {
        return ctx_fail(c, E_DENIED, "the installation's own store cannot be erased");
    }
    return c->at->stores->driver->erase(c, c->at->stores, org);
}

enum err stores_replace(struct ctx *c, const struct id *org, const char *path)
{
    return c->at->stores->driver->replace(c, c->at->stores, org, path);
}

bool stores_exists(struct ctx *c, const struct id *org)
{
    return c->at->stores->driver->exists(c, c->at->stores, org);
}

static int compare_ids(const void *a, const void *b)
{
    return memcmp(a, b, ID_TEXT_BYTES);
}

enum err stores_list(struct ctx *c, const struct id **out_orgs, int *out_count)
{
    const struct id *found;
    int count;
    TRY(c->at->stores->driver->list(c, c->at->stores, &found, &count));
    struct id *sorted = arena_memdup(c->arena, found, (size_t)count * sizeof(*found));
    qsort(sorted, (size_t)count, sizeof(*sorted), compare_ids);
    *out_orgs = sorted;
    *out_count = count;
    return E_OK;
}

void stores_signal(struct stores *s, const struct id *org)
{
    s->driver->signal(s, org);
}

void stores_news(struct stores *s, void (*fn)(void *arg, const struct id *org), void *arg)
{
    s->driver->news(s, fn, arg);
}

const char *stores_process(const struct stores *s)
{
    return s->process;
}

bool stores_processes(struct stores *s, void (*fn)(void *arg, struct str process), void *arg)
{
    return s->driver->processes && s->driver->processes(s, fn, arg);
}

struct store_counts stores_counts(struct stores *s)
{
    struct store_counts counts = {
        .transactions = s->transactions,
        .commits = s->commits,
        .syncs = s->syncs,
        .rollbacks = s->rollbacks,
        .statements = s->statements,
    };
    s->driver->count(s, &counts);
    return counts;
}

bool stores_are_full(const struct stores *s)
{
    return atomic_load(&s->full);
}

/* Told when it begins and when it is over; at most once a minute, since small writes may still go
 * through between others that do not. */
static void note_room(struct ctx *c, struct stores *s, bool full)
{
    if (atomic_exchange(&s->full, full) == full) {
        return;
    }
    int64_t now_ms = clock_steady_ms();
    if (full && now_ms - s->full_told_ms >= FULL_TOLD_MS) {
        s->full_told_ms = now_ms;
        log_at(c, LOG_ERROR, "the disk is full: nothing can be written until there is room",
               LOG_Z("why", c->fault.text));
    } else if (!full) {
        log_at(c, LOG_INFO, "there is room on the disk again");
    }
}

struct store store_handle(struct ctx *c, struct stores *s, const struct id *org)
{
    return (struct store){.stores = s, .arena = c->arena, .org = *org};
}

/* The task is over: an open transaction is a fault on the way, and undone. */
static void give_back(void *arg)
{
    struct store *s = arg;
    if (s->depth > 0) {
        s->depth = 1;
        store_rollback(NULL, s);
    }
    s->stores->driver->detach(s);
}

/* Marks a fault as the store's own. */
static enum err mark(struct ctx *c, enum err e)
{
    if (e == E_UNAVAILABLE && c->fault.err == e) {
        c->fault.of_store = true;
    }
    return e;
}

static enum err attach(struct ctx *c, struct store *s)
{
    TRY(mishap_at(c, MISHAP_SQL));
    return s->stores->driver->attach(c, s);
}

enum err store_of_org(struct ctx *c, const struct id *org, struct store **out_store)
{
    if (!id_is_set(org)) {
        return ctx_fail(c, E_INTERNAL, "no org is set for this task");
    }
    struct store *s = ARENA_NEW(c->arena, struct store);
    *s = store_handle(c, c->at->stores, org);
    TRY(mark(c, attach(c, s)));
    arena_defer(c->arena, give_back, s);
    *out_store = s;
    return E_OK;
}

enum err store_of(struct ctx *c, struct store **out_store)
{
    if (!c->store || !id_eq(&c->store->org, &c->org)) {
        struct store *opened;
        TRY(store_of_org(c, &c->org, &opened));
        c->store = opened;
    }
    *out_store = c->store;
    return E_OK;
}

const struct id *store_org(const struct store *s)
{
    return &s->org;
}

int64_t store_version(const struct store *s)
{
    return s->depth == 0 && s->stores->driver->version ? s->stores->driver->version(s) : 0;
}

static int count_params(const struct store_value *params)
{
    int n = 0;
    while (n <= STORE_PARAMS_MAX && params[n].type != S_END_.type) {
        n++;
    }
    return n;
}

/* One database would cut text at a NUL and refuse bad UTF-8, the other keep both. */
static enum err check_texts(struct ctx *c, const struct statement *st)
{
    for (int i = 0; i < st->count; i++) {
        struct str text = st->params[i].bytes;
        if (st->params[i].type == STORE_TEXT && text.n &&
            (memchr(text.p, 0, text.n) || !str_is_utf8(text))) {
            return ctx_fail(c, E_INVALID, "the text is not UTF-8, or holds a NUL character");
        }
    }
    return E_OK;
}

/* The fault of the first failure stands; unless its caller took it as forgiven and went on. */
static enum err fail_again(struct ctx *c, const struct store *s)
{
    return c->fault.err == s->failed
               ? s->failed
               : ctx_fail(c, s->failed, "a statement of this transaction has failed");
}

static enum err run_checked(struct ctx *c, struct store *s, const struct statement *st,
                            struct store_rows *out_rows, int64_t *out_changed)
{
    TRY(mishap_at_statement(c, MISHAP_SQL, st->sql));
    struct row_sink sink = row_sink_make(c->arena, out_rows != NULL);
    int64_t changed = 0;
    s->stores->statements++;
    enum err e = s->stores->driver->run(c, s, st, &sink, &changed);
    if (e == E_FULL) {
        note_room(c, s->stores, true);
    }
    if (e == E_OK && s->depth == 0 && !dialect_is_read(st->sql)) {
        e = mishap_at_statement(c, MISHAP_SQL_LOST, st->sql);
    }
    if (e == E_OK && sink.too_large) {
        e = ctx_fail(c, E_TOO_LARGE, "the result has more than %d rows or %d bytes", STORE_ROWS_MAX,
                     STORE_RESULT_MAX_BYTES);
    }
    if (e == E_OK && out_rows) {
        row_sink_rows(&sink, out_rows);
    }
    if (e == E_OK && out_changed) {
        *out_changed = changed;
    }
    row_sink_free(&sink);
    return e;
}

enum err store_run(struct ctx *c, struct store *s, const char *sql,
                   const struct store_value *params, struct store_rows *out_rows,
                   int64_t *out_changed)
{
    struct statement st = {.sql = sql, .params = params, .count = count_params(params)};
    if (st.count > STORE_PARAMS_MAX) {
        return ctx_fail(c, E_INTERNAL, "more than %d parameters", STORE_PARAMS_MAX);
    }
    if (s->failed != E_OK) {
        return fail_again(c, s);
    }
    enum err e = ctx_check(c);
    e = e == E_OK ? check_texts(c, &st) : e;
    if (e == E_OK) {
        e = mark(c, run_checked(c, s, &st, out_rows, out_changed));
    }
    if (e != E_OK && s->depth > 0) {
        s->failed = e;
    }
    return e;
}

/* The first number that the transaction takes. With PostgreSQL others may be at work: the row is
 * written at once, which locks it. Here whoever writes is alone. */
static enum err sequence_take(struct ctx *c, struct store *s, const char *name)
{
    struct store_rows rows;
    bool alone = s->stores->kind == STORE_SQLITE;
    TRY(alone ? store_query(c, s, &rows, "SELECT value + 1 FROM store_sequence WHERE name = ?1",
                            S_Z(name))
              : store_query(c, s, &rows,
                            "INSERT INTO store_sequence (name, value) VALUES (?1, 1)"
                            " ON CONFLICT (name) DO UPDATE SET value = store_sequence.value + 1"
                            " RETURNING value",
                            S_Z(name)));
    s->sequence = (struct sequence){name, rows.count ? row_int(&rows, 0, 0) : 1, alone};
    return E_OK;
}

/* Once for all numbers that the transaction took in a row. */
static enum err sequence_save(struct ctx *c, struct store *s)
{
    struct sequence *at = &s->sequence;
    if (!at->unsaved) {
        return E_OK;
    }
    at->unsaved = false;
    return store_exec(c, s, NULL,
                      "INSERT INTO store_sequence (name, value) VALUES (?1, ?2)"
                      " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                      S_Z(at->name), S_INT(at->last));
}

static void start_clean(struct store *s)
{
    s->failed = E_OK;
    s->again = false;
    s->sequence = (struct sequence){0};
    s->hooks = NULL;
    s->hooks_end = &s->hooks;
}

enum err store_begin(struct ctx *c, struct store *s)
{
    if (s->depth == 0) {
        TRY(ctx_check(c));
        TRY(mark(c, mishap_at(c, MISHAP_BEGIN)));
        TRY(mark(c, s->stores->driver->begin(c, s)));
        start_clean(s);
    }
    s->depth++;
    return E_OK;
}

static void run_hooks(struct store *s)
{
    struct after_commit *hook = s->hooks;
    s->hooks = NULL;
    s->hooks_end = &s->hooks;
    for (; hook; hook = hook->next) {
        hook->fn(hook->arg);
    }
}

/* What follows a commit, or one that failed: its answer may have been lost on the way. */
static enum err end_commit(struct ctx *c, struct store *s, enum err e)
{
    e = e == E_OK ? mishap_at(c, MISHAP_COMMIT_LOST) : e;
    s->depth = 0;
    s->failed = E_OK;
    if (e == E_FULL || (e == E_OK && stores_are_full(s->stores))) {
        note_room(c, s->stores, e == E_FULL);
    }
    s->stores->transactions += e == E_OK;
    s->stores->rollbacks += e != E_OK;
    run_hooks(s);
    return mark(c, e);
}

enum err store_commit(struct ctx *c, struct store *s)
{
    if (s->depth == 0) {
        return ctx_fail(c, E_INTERNAL, "commit without begin");
    }
    if (s->failed != E_OK) {
        enum err e = fail_again(c, s);
        store_rollback(c, s);
        return e;
    }
    if (s->depth > 1) {
        s->depth--;
        return E_OK;
    }
    enum err e = sequence_save(c, s);
    e = e == E_OK ? mishap_at(c, MISHAP_COMMIT) : e;
    if (e != E_OK) {
        store_rollback(c, s);
        return e;
    }
    return end_commit(c, s, s->stores->driver->commit(c, s));
}

void store_rollback(struct ctx *c, struct store *s)
{
    if (s->depth > 1) {
        s->depth--;
        s->failed = s->failed != E_OK ? s->failed : E_CONFLICT; /* the outer part cannot commit */
        return;
    }
    if (s->depth == 1) {
        s->stores->driver->rollback(c, s);
        s->stores->rollbacks++;
    }
    s->depth = 0;
    s->failed = E_OK;
    s->hooks = NULL;
}

bool store_in_transaction(const struct store *s)
{
    return s->depth > 0;
}

struct body {
    struct store *s;
    enum err (*fn)(struct ctx *c, void *arg);
    void *arg;
};

/* The part between begin and commit, as the driver runs it. */
static enum err run_body(struct ctx *c, void *arg)
{
    struct body *body = arg;
    struct store *s = body->s;
    start_clean(s);
    s->depth = 1;
    enum err e = body->fn(c, body->arg);
    e = e == E_OK && s->failed == E_OK ? sequence_save(c, s) : e;
    s->depth = 0;
    e = e == E_OK && s->failed != E_OK ? fail_again(c, s) : e;
    e = e != E_OK ? e : mishap_at(c, MISHAP_COMMIT);
    if (e != E_OK) {
        s->hooks = NULL;
    }
    return e;
}

static enum err transact_once(struct ctx *c, struct store *s,
                              enum err (*fn)(struct ctx *c, void *arg), void *arg)
{
    if (s->depth == 0 && s->stores->driver->transact) {
        struct body body = {s, fn, arg};
        TRY(ctx_check(c));
        TRY(mark(c, mishap_at(c, MISHAP_BEGIN)));
        return end_commit(c, s, s->stores->driver->transact(c, s, run_body, &body));
    }
    TRY(store_begin(c, s));
    enum err e = fn(c, arg);
    if (e != E_OK) {
        store_rollback(c, s);
        return e;
    }
    return store_commit(c, s);
}

enum err store_transact(struct ctx *c, struct store *s, enum err (*fn)(struct ctx *c, void *arg),
                        void *arg)
{
    enum { TRIES = 4 };
    bool nested = s->depth > 0;
    enum err e = E_OK;
    for (int i = 0; i < TRIES; i++) {
        e = transact_once(c, s, fn, arg);
        if (e == E_OK || nested || !s->again) {
            return e;
        }
    }
    return e;
}

enum err store_transact_late(struct ctx *c, struct store *s,
                             enum err (*fn)(struct ctx *c, void *arg), void *arg)
{
    if (s->depth > 0) {
        return store_transact(c, s, fn, arg);
    }
    s->late = true;
    enum err e = store_transact(c, s, fn, arg);
    s->late = false;
    return e;
}

enum err store_next(struct ctx *c, struct store *s, const char *sequence, int64_t *out_number)
{
    if (s->depth == 0) {
        return ctx_fail(c, E_INTERNAL, "a number of a sequence is taken inside a transaction only");
    }
    struct sequence *at = &s->sequence;
    if (at->name && strcmp(at->name, sequence) == 0) {
        at->last++;
        at->unsaved = true;
    } else {
        TRY(sequence_save(c, s));
        TRY(sequence_take(c, s, sequence));
    }
    *out_number = at->last;
    return E_OK;
}

bool store_after_commit_once(struct store *s, void (*fn)(void *arg), void *arg)
{
    for (const struct after_commit *hook = s->depth ? s->hooks : NULL; hook; hook = hook->next) {
        if (hook->fn == fn) {
            return false;
        }
    }
    store_after_commit(s, fn, arg);
    return true;
}

void store_after_commit(struct store *s, void (*fn)(void *arg), void *arg)
{
    if (s->depth == 0) {
        fn(arg); /* nothing is open: what the caller did is committed already */
        return;
    }
    struct after_commit *hook = ARENA_NEW(s->arena, struct after_commit);
    *hook = (struct after_commit){.fn = fn, .arg = arg};
    *s->hooks_end = hook;
    s->hooks_end = &hook->next;
}
