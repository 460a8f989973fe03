/* The SQLite driver: <folder>/system.db and <folder>/org/<id>.db. Each open file has one
 * connection that writes, guarded by its turn (write_turn.h), and a few that read the last
 * committed state (WAL). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/map.h"
#include "store/dialect.h"
#include "store/driver.h"
#include "store/migrate.h"
#include "store/place.h"
#include "store/sqlite.h"
#include "store/write_turn.h"

enum { READERS_DEFAULT = 8, OPEN_RETRY_MS = 5000 };

struct file {
    struct stores *stores;
    struct id org;
    char *path;
    _Atomic int64_t version; /* new when it is opened and with every commit */
    int refs;                /* handles; under the state's lock, like used and erased */
    int64_t used;
    bool erased;
    pthread_mutex_t open_lock;
    pthread_cond_t open_cond;
    bool opening; /* somebody opens and migrates it: the others wait, each up to its deadline */
    bool ready;
    struct write_turn *turn;
    struct sqlite writer; /* by the holder of the turn, as the next */
    bool late;            /* the open transaction does not wait for the disk */
    bool saved;           /* this transaction began with a savepoint, others lie under it */
    pthread_mutex_t read_lock;
    pthread_cond_t read_cond;
    struct sqlite *idle;
    int readers;
};

struct state {
    pthread_mutex_t lock;
    pthread_cond_t unused_cond; /* some file's refs fell to 0 */
    struct map *files;          /* id -> struct file: those open */
    int64_t uses;
    struct place *place;
};

static const char begin_sql[] = "BEGIN IMMEDIATE", commit_sql[] = "COMMIT",
                  rollback_sql[] = "ROLLBACK", save_sql[] = "SAVEPOINT part",
                  release_sql[] = "RELEASE part", undo_sql[] = "ROLLBACK TO part";

/* ---- files */

static struct state *state_of(const struct stores *s)
{
    return s->state;
}

/* The commit of a group; by the thread that leads, which holds the turn. */
static enum err commit_group(void *arg, char *out_text)
{
    struct file *f = arg;
    sqlite_use(&f->writer, NULL, false);
    int rc = sqlite_plain(&f->writer, commit_sql);
    f->version = ++f->stores->versions; /* before anybody is told, and after others can see it */
    if (rc == 0) {
        f->stores->commits++;
        f->stores->syncs += !f->late;
        return E_OK;
    }
    enum err e = sqlite_why(&f->writer, rc, WRITE_TURN_TEXT_BYTES, out_text);
    if (sqlite_in_transaction(&f->writer)) {
        sqlite_plain(&f->writer, rollback_sql);
    }
    return e;
}

static void file_free(struct file *f)
{
    while (f->idle) {
        struct sqlite *conn = f->idle;
        f->idle = conn->next;
        sqlite_close(conn);
        free(conn);
    }
    sqlite_close(&f->writer); /* last: it folds the WAL into the file */
    write_turn_free(&f->turn);
    pthread_mutex_destroy(&f->open_lock);
    pthread_cond_destroy(&f->open_cond);
    pthread_mutex_destroy(&f->read_lock);
    pthread_cond_destroy(&f->read_cond);
    free(f->path);
    free(f);
}

static struct file *file_new(struct stores *s, const struct id *org, char *path)
{
    struct file *f = mem_new(sizeof(*f));
    f->stores = s;
    f->org = *org;
    f->path = path;
    f->version = ++s->versions;
    f->turn = write_turn_new(commit_group, f);
    pthread_mutex_init(&f->open_lock, NULL);
    pthread_mutex_init(&f->read_lock, NULL);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&f->read_cond, &attr);
    pthread_cond_init(&f->open_cond, &attr);
    pthread_condattr_destroy(&attr);
    return f;
}

/* Opens and migrates; by one at a time. */
static enum err file_open(struct ctx *c, struct file *f)
{
    struct id system = id_system();
    if (!place_has(state_of(f->stores)->place, &f->org)) {
        return ctx_fail(c, E_NOT_FOUND, "no such organisation");
    }
    TRY(sqlite_open(c, &f->writer, f->path, true));
    struct store handle = store_handle(c, f->stores, &f->org);
    handle.state = f;
    enum err e =
        migrate_store(c, &handle, id_eq(&f->org, &system) ? STORE_SCOPE_SYSTEM : STORE_SCOPE_ORG);
    if (e != E_OK) {
        sqlite_close(&f->writer);
    }
    return e;
}

/* Takes files beyond the maximum that nobody uses out of the table, least recently used first.
 * Locked; the caller frees what is returned after unlocking. */
static struct file *take_excess(struct stores *s)
{
    struct state *state = state_of(s);
    if (map_count(state->files) <= (size_t)s->config.open_orgs_max) {
        return NULL;
    }
    size_t cursor = 0;
    void *value;
    struct str key;
    struct file *oldest = NULL;
    while (map_next(state->files, &cursor, &key, &value)) {
        struct file *f = value;
        if (f->refs == 0 && (!oldest || f->used < oldest->used)) {
            oldest = f;
        }
    }
    if (oldest) {
        map_remove(state->files, id_str(&oldest->org));
    }
    return oldest;
}

static void unref(struct file *f)
{
    struct stores *s = f->stores;
    struct state *state = state_of(s);
    struct file *excess = NULL;
    pthread_mutex_lock(&state->lock);
    if (--f->refs == 0) {
        pthread_cond_broadcast(&state->unused_cond);
        if (!f->ready && !f->erased) {
            map_remove(state->files, id_str(&f->org));
            excess = f;
        } else {
            excess = take_excess(s);
        }
    }
    pthread_mutex_unlock(&state->lock);
    if (excess) {
        file_free(excess);
    }
}

static struct file *ref(struct stores *s, const struct id *org, char *path)
{
    struct state *state = state_of(s);
    pthread_mutex_lock(&state->lock);
    struct file *f = map_get(state->files, id_str(org));
    if (f && f->erased) {
        f = NULL;
        free(path);
    } else if (f) {
        free(path);
    } else {
        f = file_new(s, org, path);
        map_set(state->files, id_str(org), f);
    }
    if (f) {
        f->refs++;
        f->used = ++state->uses;
    }
    pthread_mutex_unlock(&state->lock);
    return f;
}

/* A migration takes as long as the file is large; who waits for it does not wait for ever. */
static enum err be_open(struct ctx *c, struct file *f)
{
    int64_t give_up = clock_steady_ms() + ctx_left_ms(c, STORE_WAIT_MAX_MS);
    struct timespec at = {.tv_sec = give_up / 1000, .tv_nsec = give_up % 1000 * 1000000};
    pthread_mutex_lock(&f->open_lock);
    while (f->opening) {
        if (pthread_cond_timedwait(&f->open_cond, &f->open_lock, &at) == ETIMEDOUT) {
            pthread_mutex_unlock(&f->open_lock);
            ctx_fail(c, E_UNAVAILABLE,
                     "the organisation's data are being brought up to date; try again later");
            c->fault.retry_after_ms = OPEN_RETRY_MS;
            return E_UNAVAILABLE;
        }
    }
    bool open = f->ready;
    f->opening = !open;
    pthread_mutex_unlock(&f->open_lock);
    if (open) {
        return E_OK;
    }
    enum err e = file_open(c, f);
    pthread_mutex_lock(&f->open_lock);
    f->opening = false;
    f->ready = e == E_OK;
    pthread_cond_broadcast(&f->open_cond);
    pthread_mutex_unlock(&f->open_lock);
    return e;
}

static enum err sq_attach(struct ctx *c, struct store *s)
{
    char *path = place_path(state_of(s->stores)->place, &s->org);
    struct file *f = path ? ref(s->stores, &s->org, path) : NULL;
    if (!f) {
        return ctx_fail(c, E_NOT_FOUND, "no such organisation");
    }
    enum err e = be_open(c, f);
    if (e != E_OK) {
        unref(f);
        return e;
    }
    s->state = f;
    return E_OK;
}

static int64_t sq_version(const struct store *s)
{
    const struct file *f = s->state;
    return f->version;
}

static void sq_detach(struct store *s)
{
    unref(s->state);
}

/* ---- transactions: parts of the file's open one, each by whoever has the turn */

static enum err fail_lost(struct ctx *c, struct file *f, enum err e)
{
    if (!sqlite_in_transaction(&f->writer)) {
        write_turn_lost(f->turn, e, c->fault.text);
    }
    return e;
}

/* With NORMAL a commit is in the WAL, in order and checked by sums, and is synced with the next one
 * under FULL or before it is folded into the file. */
static int set_late(struct file *f, bool late)
{
    int rc = f->late == late ? 0
                             : sqlite_script(&f->writer, late ? "PRAGMA synchronous = NORMAL"
                                                              : "PRAGMA synchronous = FULL");
    f->late = rc == 0 ? late : f->late;
    return rc;
}

/* The first part opens the transaction, the others set a point to come back to. */
static enum err open_part(struct ctx *c, struct file *f)
{
    f->saved = write_turn_members(f->turn) > 0;
    sqlite_use(&f->writer, c, !f->saved);
    int rc = f->saved ? 0 : set_late(f, write_turn_is_late(f->turn));
    rc = rc == 0 ? sqlite_plain(&f->writer, f->saved ? save_sql : begin_sql) : rc;
    if (rc == 0) {
        return E_OK;
    }
    enum err e = sqlite_fail(c, &f->writer, rc, "begin");
    return f->saved ? fail_lost(c, f, e) : e;
}

static void undo_part(struct file *f)
{
    sqlite_use(&f->writer, NULL, false);
    if (!sqlite_in_transaction(&f->writer)) {
        write_turn_lost(f->turn, E_UNAVAILABLE, "the open transaction was lost");
        return;
    }
    if (f->saved && sqlite_plain(&f->writer, undo_sql) == 0 &&
        sqlite_plain(&f->writer, release_sql) == 0) {
        return;
    }
    sqlite_plain(&f->writer, rollback_sql);
    if (f->saved) {
        write_turn_lost(f->turn, E_UNAVAILABLE, "a transaction could not be undone alone");
    }
}

static enum err close_part(struct ctx *c, struct file *f)
{
    sqlite_use(&f->writer, c, false);
    int rc = f->saved ? sqlite_plain(&f->writer, release_sql) : 0;
    if (rc == 0 && sqlite_in_transaction(&f->writer)) {
        return E_OK;
    }
    enum err e = fail_lost(c, f, sqlite_fail(c, &f->writer, rc, "release"));
    undo_part(f);
    return e;
}

static enum err sq_begin(struct ctx *c, struct store *s)
{
    struct file *f = s->state;
    TRY(write_turn_take(c, f->turn));
    enum err e = open_part(c, f);
    if (e != E_OK) {
        write_turn_drop(f->turn);
    }
    return e;
}

static void sq_rollback(struct ctx *c, struct store *s)
{
    struct file *f = s->state;
    (void)c;
    undo_part(f);
    write_turn_drop(f->turn);
}

static enum err sq_commit(struct ctx *c, struct store *s)
{
    struct file *f = s->state;
    enum err e = close_part(c, f);
    if (e != E_OK) {
        write_turn_drop(f->turn);
        return e;
    }
    return write_turn_done(c, f->turn);
}

/* A whole transaction, for whoever has the turn to do. */
struct part {
    struct file *file;
    enum err (*fn)(struct ctx *c, void *arg);
    void *arg;
};

static enum err do_part(struct ctx *c, void *arg)
{
    struct part *part = arg;
    TRY(open_part(c, part->file));
    enum err e = part->fn(c, part->arg);
    if (e != E_OK) {
        undo_part(part->file);
        return e;
    }
    return close_part(c, part->file);
}

static enum err sq_transact(struct ctx *c, struct store *s,
                            enum err (*fn)(struct ctx *c, void *arg), void *arg)
{
    struct file *f = s->state;
    struct part part = {f, fn, arg};
    return write_turn_run(c, f->turn, s->late, do_part, &part);
}

/* ---- statements */

static enum err take_reader(struct ctx *c, struct file *f, struct sqlite **out_conn)
{
    int64_t give_up = clock_steady_ms() + ctx_left_ms(c, STORE_WAIT_MAX_MS);
    int configured = f->stores->config.connections_max;
    int readers_max = configured > 0 ? configured : READERS_DEFAULT;
    pthread_mutex_lock(&f->read_lock);
    while (!f->idle && f->readers >= readers_max) {
        struct timespec at = {.tv_sec = give_up / 1000, .tv_nsec = give_up % 1000 * 1000000};
        if (pthread_cond_timedwait(&f->read_cond, &f->read_lock, &at) == ETIMEDOUT) {
            pthread_mutex_unlock(&f->read_lock);
            return ctx_fail(c, E_TIMEOUT, "the store was busy for too long");
        }
    }
    struct sqlite *conn = f->idle;
    if (conn) {
        f->idle = conn->next;
    } else {
        f->readers++;
    }
    pthread_mutex_unlock(&f->read_lock);
    *out_conn = conn;
    return E_OK;
}

static void give_reader(struct file *f, struct sqlite *conn)
{
    pthread_mutex_lock(&f->read_lock);
    if (conn) {
        conn->next = f->idle;
        f->idle = conn;
    } else {
        f->readers--;
    }
    pthread_cond_signal(&f->read_cond);
    pthread_mutex_unlock(&f->read_lock);
}

static enum err run_read(struct ctx *c, struct file *f, const struct statement *st,
                         struct row_sink *sink)
{
    struct sqlite *conn = NULL;
    int64_t unused;
    TRY(take_reader(c, f, &conn));
    enum err e = E_OK;
    if (!conn) {
        conn = mem_new(sizeof(*conn));
        e = sqlite_open(c, conn, f->path, false);
        if (e != E_OK) {
            free(conn);
            conn = NULL;
        }
    }
    if (e == E_OK) {
        sqlite_use(conn, c, true);
        e = sqlite_run(c, conn, st, sink, &unused);
        conn->user = NULL;
    }
    give_reader(f, conn);
    return e;
}

static enum err run_write(struct ctx *c, struct file *f, const struct statement *st,
                          struct row_sink *sink, int64_t *out_changed)
{
    /* An interrupted write undoes the whole open transaction, so it must be ours alone. */
    sqlite_use(&f->writer, c, !f->saved);
    enum err e = sqlite_run(c, &f->writer, st, sink, out_changed);
    return e == E_OK ? E_OK : fail_lost(c, f, e);
}

struct single {
    struct file *file;
    const struct statement *st;
    struct row_sink *sink;
    int64_t *out_changed;
};

static enum err write_single(struct ctx *c, void *arg)
{
    struct single *one = arg;
    return run_write(c, one->file, one->st, one->sink, one->out_changed);
}

static enum err sq_run(struct ctx *c, struct store *s, const struct statement *st,
                       struct row_sink *sink, int64_t *out_changed)
{
    struct file *f = s->state;
    if (s->depth > 0) {
        return run_write(c, f, st, sink, out_changed);
    }
    if (dialect_is_read(st->sql)) {
        return run_read(c, f, st, sink);
    }
    struct single one = {f, st, sink, out_changed};
    TRY(sq_transact(c, s, write_single, &one));
    s->stores->transactions++;
    return E_OK;
}

static enum err sq_script(struct ctx *c, struct store *s, const char *sql)
{
    struct file *f = s->state;
    sqlite_use(&f->writer, c, false);
    int rc = sqlite_script(&f->writer, sql);
    return rc == 0 ? E_OK : fail_lost(c, f, sqlite_fail(c, &f->writer, rc, sql));
}

/* ---- orgs */

static enum err sq_create(struct ctx *c, struct stores *s, const struct id *org)
{
    TRY(place_make(c, state_of(s)->place, org));
    struct store handle = store_handle(c, s, org);
    TRY(sq_attach(c, &handle));
    sq_detach(&handle);
    return E_OK;
}

/* Waits until no task uses the file any more and takes it out of the table. */
static enum err retire(struct ctx *c, struct stores *s, const struct id *org)
{
    struct state *state = state_of(s);
    int64_t give_up = clock_steady_ms() + ctx_left_ms(c, STORE_WAIT_MAX_MS);
    struct timespec at = {.tv_sec = give_up / 1000, .tv_nsec = give_up % 1000 * 1000000};
    pthread_mutex_lock(&state->lock);
    struct file *f = map_get(state->files, id_str(org));
    if (f) {
        f->erased = true;
    }
    while (f && f->refs > 0) {
        if (pthread_cond_timedwait(&state->unused_cond, &state->lock, &at) == ETIMEDOUT) {
            f->erased = false;
            pthread_mutex_unlock(&state->lock);
            return ctx_fail(c, E_TIMEOUT, "the organisation's data is still in use");
        }
    }
    if (f) {
        map_remove(state->files, id_str(org));
    }
    pthread_mutex_unlock(&state->lock);
    if (f) {
        file_free(f);
    }
    return E_OK;
}

static enum err sq_erase(struct ctx *c, struct stores *s, const struct id *org)
{
    TRY(retire(c, s, org));
    return place_remove(c, state_of(s)->place, org);
}

static bool sq_exists(struct ctx *c, struct stores *s, const struct id *org)
{
    (void)c;
    return place_has(state_of(s)->place, org);
}

static enum err sq_list(struct ctx *c, struct stores *s, const struct id **out_orgs, int *out_count)
{
    return place_list(c, state_of(s)->place, out_orgs, out_count);
}

/* The last connection to a file takes its WAL along when it closes, so a rename is all there is. */
static enum err sq_replace(struct ctx *c, struct stores *s, const struct id *org, const char *path)
{
    char *beside = place_beside(state_of(s)->place, org);
    if (!beside) {
        return ctx_fail(c, E_INVALID, "not an organisation's id");
    }
    place_remove_file(beside); /* of an attempt that was cut off */
    enum err e = sqlite_copy(c, path, beside);
    e = e == E_OK ? retire(c, s, org) : e;
    e = e == E_OK ? place_swap(c, state_of(s)->place, org) : e;
    free(beside);
    return e;
}

/* ---- other processes */

static void sq_signal(struct stores *s, const struct id *org)
{
    (void)s; /* they look at the files */
    (void)org;
}

static void sq_news(struct stores *s, void (*fn)(void *arg, const struct id *org), void *arg)
{
    place_news(state_of(s)->place, fn, arg);
}

static void sq_count(struct stores *s, struct store_counts *counts)
{
    struct state *state = state_of(s);
    size_t cursor = 0;
    void *value;
    struct str key;
    pthread_mutex_lock(&state->lock);
    while (map_next(state->files, &cursor, &key, &value)) {
        struct file *f = value;
        counts->open_orgs++;
        counts->connections += 1 + f->readers;
    }
    pthread_mutex_unlock(&state->lock);
}

/* ---- the pool */

static void sq_close(struct stores *s)
{
    struct state *state = state_of(s);
    size_t cursor = 0;
    void *value;
    struct str key;
    while (map_next(state->files, &cursor, &key, &value)) {
        file_free(value);
    }
    map_free(&state->files);
    place_close(&state->place);
    pthread_mutex_destroy(&state->lock);
    pthread_cond_destroy(&state->unused_cond);
    free(state);
}

static enum err sq_open(struct ctx *c, struct stores *s)
{
    struct place *place;
    TRY(place_open(c, s->config.folder, &place));
    sqlite_configure();
    struct state *state = mem_new(sizeof(*state));
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&state->unused_cond, &attr);
    pthread_condattr_destroy(&attr);
    pthread_mutex_init(&state->lock, NULL);
    state->files = map_new(PLACE_ORGS_MAX);
    state->place = place;
    s->state = state;
    struct id system = id_system();
    enum err e = sq_create(c, s, &system);
    if (e != E_OK) {
        sq_close(s);
    }
    return e;
}

const struct driver sqlite_driver = {
    .open = sq_open,
    .close = sq_close,
    .create = sq_create,
    .erase = sq_erase,
    .exists = sq_exists,
    .list = sq_list,
    .attach = sq_attach,
    .detach = sq_detach,
    .version = sq_version,
    .run = sq_run,
    .begin = sq_begin,
    .commit = sq_commit,
    .rollback = sq_rollback,
    .transact = sq_transact,
    .script = sq_script,
    .replace = sq_replace,
    .signal = sq_signal,
    .news = sq_news,
    .count = sq_count,
};
