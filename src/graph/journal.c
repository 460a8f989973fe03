#include "graph/journal.h"

#include <string.h>

#include "codec/hmac.h"
#include "codec/text.h"
#include "graph/checkpoint.h"
#include "graph/drive.h"

enum { JOURNAL_LIST_MAX = 1000, JOURNAL_ERROR_MAX_BYTES = 500 };

static const char *const STATUS_NAMES[] = {"intent", "done", "failed", "unknown"};
static const char *const EFFECT_NAMES[] = {"read", "store", "keyed", "once"};

const char *journal_status_name(enum journal_status s)
{
    return STATUS_NAMES[s];
}

static int named(struct str name, const char *const *names, int n)
{
    for (int i = 0; i < n; i++) {
        if (str_eqz(name, names[i])) {
            return i;
        }
    }
    return n - 1;
}

#define CALL_COLUMNS                                                                               \
    "id, name, call_id, arguments, status, result, error_code, error, seq, attempt, "              \
    "started_at_ms, latency_ms, hash, effect, ordinal"

static enum err call_of_row(struct ctx *c, struct arena *a, const struct store_rows *rows, int i,
                            struct journal_call *out)
{
    struct json_fault fault;
    struct journal_call call = {
        .id = str_dup(a, row_str(rows, i, 0)),
        .name = str_dup(a, row_str(rows, i, 1)),
        .call_id = str_dup(a, row_str(rows, i, 2)),
        .status = (enum journal_status)named(row_str(rows, i, 4), STATUS_NAMES, 4),
        .err = checkpoint_err(row_str(rows, i, 6)),
        .error = str_dup(a, row_str(rows, i, 7)),
        .seq = (int)row_int(rows, i, 8),
        .attempt = (int)row_int(rows, i, 9),
        .started_at_ms = row_int(rows, i, 10),
        .latency_ms = row_int(rows, i, 11),
    };
    if (json_parse(a, str_dup(a, row_str(rows, i, 3)), &call.arguments, &fault) != E_OK ||
        (!row_is_null(rows, i, 5) &&
         json_parse(a, str_dup(a, row_str(rows, i, 5)), &call.result, &fault) != E_OK)) {
        return ctx_fail(c, E_INTERNAL, "a journaled call cannot be read: %s", fault.text);
    }
    *out = call;
    return E_OK;
}

enum err journal_list(struct ctx *c, const struct id *run, const struct journal_call **out_calls,
                      int *out_count)
{
    struct store *store;
    TRY(store_of(c, &store));
    struct store_rows rows;
    TRY(store_query(c, store, &rows,
                    "SELECT " CALL_COLUMNS " FROM tool_call WHERE run_id = ?1"
                    " ORDER BY seq, ordinal LIMIT ?2",
                    S_ID(run), S_INT(JOURNAL_LIST_MAX)));
    struct journal_call *calls = ARENA_ARRAY(c->arena, struct journal_call, (size_t)rows.count);
    for (int i = 0; i < rows.count; i++) {
        TRY(call_of_row(c, c->arena, &rows, i, &calls[i]));
    }
    *out_calls = calls;
    *out_count = rows.count;
    return E_OK;
}

/* What earlier drivers of this very step left. */
static enum err load(struct ctx *c, struct step *s)
{
    struct drive *d = s->drive;
    if (s->entries_loaded || !d->store) {
        return E_OK;
    }
    struct store_rows rows;
    TRY(store_query(c, d->store, &rows,
                    "SELECT " CALL_COLUMNS " FROM tool_call WHERE run_id = ?1 AND seq = ?2"
                    " ORDER BY ordinal LIMIT ?3",
                    S_ID(&d->run.id), S_INT(s->seq), S_INT(JOURNAL_CALLS_MAX)));
    for (int i = 0; i < rows.count; i++) {
        struct journal_entry *e = ARENA_NEW(d->arena, struct journal_entry);
        TRY(call_of_row(c, d->arena, &rows, i, &e->call));
        e->hash = str_dup(d->arena, row_str(&rows, i, 12));
        e->effect = (enum journal_effect)named(row_str(&rows, i, 13), EFFECT_NAMES, 4);
        e->ordinal = (int)row_int(&rows, i, 14);
        e->stored = true;
        s->entries[i] = e;
    }
    s->entry_count = rows.count;
    s->entries_loaded = true;
    return E_OK;
}

void journal_attempt(struct step *s)
{
    for (int i = 0; i < s->entry_count; i++) {
        s->entries[i]->taken = false;
    }
}

static struct str hash_of(struct arena *a, const struct journal_use *use, struct str arguments)
{
    struct str all = str_fmt(a, "%zu:%zu:%.*s%.*s", use->name.n, use->call_id.n, STR_ARG(use->name),
                             STR_ARG(use->call_id));
    char *joined = arena_alloc(a, all.n + arguments.n);
    memcpy(joined, all.p, all.n);
    memcpy(joined + all.n, arguments.p, arguments.n);
    return hmac_sha256_hex(a, str_make(joined, all.n + arguments.n));
}

/* Reads are recorded late, so rows found after a crash may leave gaps. */
static int last_ordinal(const struct step *s)
{
    int last = 0;
    for (int i = 0; i < s->entry_count; i++) {
        last = s->entries[i]->ordinal > last ? s->entries[i]->ordinal : last;
    }
    return last;
}

/* The journal's entry for the call; made when it is new. */
static enum err find_entry(struct ctx *c, struct step *s, const struct journal_use *use,
                           struct journal_entry **out_entry)
{
    struct drive *d = s->drive;
    const struct json *arguments = use->arguments ? use->arguments : &json_empty_object;
    if (use->name.n == 0 || use->name.n > JOURNAL_NAME_MAX_BYTES ||
        use->call_id.n > JOURNAL_NAME_MAX_BYTES) {
        return ctx_fail(c, E_INVALID, "a tool call's name and id have 1 to %d bytes",
                        JOURNAL_NAME_MAX_BYTES);
    }
    struct str text = json_write_canonical(c->arena, arguments);
    if (text.n > JOURNAL_RESULT_MAX_BYTES) {
        return ctx_fail(c, E_TOO_LARGE, "the arguments of tool %.*s have more than %d bytes",
                        STR_ARG(use->name), JOURNAL_RESULT_MAX_BYTES);
    }
    struct str hash = hash_of(c->arena, use, text);
    for (int i = 0; i < s->entry_count; i++) {
        struct journal_entry *e = s->entries[i];
        if (!e->taken && str_eq(e->hash, hash)) {
            e->taken = true;
            *out_entry = e;
            return E_OK;
        }
    }
    if (d->replay) {
        return ctx_fail(c, E_NOT_FOUND, "the original step made no such call of %.*s",
                        STR_ARG(use->name));
    }
    if (s->entry_count == JOURNAL_CALLS_MAX) {
        return ctx_fail(c, E_TOO_LARGE, "a step may make %d tool calls", JOURNAL_CALLS_MAX);
    }
    struct journal_entry *e = ARENA_NEW(d->arena, struct journal_entry);
    e->ordinal = last_ordinal(s) + 1;
    e->call.id = str_fmt(d->arena, "%s-%d-%d", d->run.id.text, s->seq, e->ordinal);
    e->call.name = str_dup(d->arena, use->name);
    e->call.call_id = str_dup(d->arena, use->call_id);
    e->call.arguments = json_copy(d->arena, arguments);
    e->call.seq = s->seq;
    e->hash = str_dup(d->arena, hash);
    e->effect = use->effect;
    e->taken = true;
    s->entries[s->entry_count++] = e;
    *out_entry = e;
    return E_OK;
}

/* A later attempt's row stays: it is of the process that took the run over. */
static enum err write_row(struct ctx *c, struct store *store, const struct step *s,
                          const struct journal_entry *e)
{
    const struct journal_call *k = &e->call;
    struct str arguments = json_write(c->arena, k->arguments);
    struct str result = k->result ? json_write(c->arena, k->result) : STR("");
    return store_exec(
        c, store, NULL,
        "INSERT INTO tool_call (id, run_id, seq, ordinal, name, call_id, hash, arguments, effect,"
        " status, result, error_code, error, attempt, started_at_ms, latency_ms)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)"
        " ON CONFLICT (id) DO UPDATE SET status = excluded.status, result = excluded.result,"
        " error_code = excluded.error_code, error = excluded.error, attempt = excluded.attempt,"
        " latency_ms = excluded.latency_ms WHERE tool_call.attempt <= excluded.attempt",
        S_STR(k->id), S_ID(&s->drive->run.id), S_INT(s->seq), S_INT(e->ordinal), S_STR(k->name),
        S_OPT(k->call_id), S_STR(e->hash), S_STR(arguments), S_Z(EFFECT_NAMES[e->effect]),
        S_Z(STATUS_NAMES[k->status]), S_OPT(result),
        k->err == E_OK ? S_NULL : S_Z(err_name(k->err)), S_OPT(k->error), S_INT(k->attempt),
        S_INT(k->started_at_ms), S_INT(k->latency_ms));
}

enum err journal_save(struct ctx *c, struct store *store, struct step *s)
{
    for (int i = 0; i < s->entry_count; i++) {
        if (s->entries[i]->dirty) {
            TRY(write_row(c, store, s, s->entries[i]));
        }
    }
    return E_OK;
}

void journal_saved(struct step *s)
{
    for (int i = 0; i < s->entry_count; i++) {
        s->entries[i]->dirty = false;
        s->entries[i]->stored = true;
    }
}

struct executing {
    struct step *s;
    struct journal_entry *e;
    const struct journal_use *use;
    bool lost;
    enum err outcome; /* of the effect */
};

/* The effect itself; what came of it is in the entry. Never fails. */
static enum err execute(struct ctx *c, struct executing *x)
{
    struct journal_call *k = &x->e->call;
    const struct json *result = NULL;
    int64_t from_ms = clock_steady_ms();
    enum err e = x->use->execute(c, k->id, x->use->arg, &result);
    k->latency_ms = clock_steady_ms() - from_ms;
    k->result = NULL;
    k->error = STR("");
    if (e == E_OK) {
        struct str text = json_write(c->arena, result);
        if (text.n > JOURNAL_RESULT_MAX_BYTES) {
            e = ctx_fail(c, E_TOO_LARGE, "the result of tool %.*s has more than %d bytes",
                         STR_ARG(k->name), JOURNAL_RESULT_MAX_BYTES);
        } else {
            k->result = json_copy(x->s->drive->arena, result ? result : &json_null_value);
        }
    }
    if (e != E_OK) {
        struct str text = str_of(c->fault.err == e ? c->fault.text : err_title(e));
        k->error = str_dup(x->s->drive->arena, text_cut_bytes(text, JOURNAL_ERROR_MAX_BYTES));
    }
    k->err = e;
    k->status = e == E_OK ? JOURNAL_OK : JOURNAL_FAILED;
    x->outcome = e;
    return e;
}

/* The fence first: a driver that lost the run must not act for it. */
static enum err write_fenced(struct ctx *c, void *arg)
{
    struct executing *x = arg;
    struct drive *d = x->s->drive;
    TRY(checkpoint_fence(c, d, x->e->call.attempt == 1, &x->lost));
    return write_row(c, d->store, x->s, x->e);
}

static enum err execute_fenced(struct ctx *c, void *arg)
{
    struct executing *x = arg;
    struct drive *d = x->s->drive;
    if (d->store) {
        TRY(checkpoint_fence(c, d, x->e->call.attempt == 1, &x->lost));
    }
    x->outcome = E_OK;
    TRY(execute(c, x));
    return d->store ? write_row(c, d->store, x->s, x->e) : E_OK;
}

/* Effect and result in one transaction. When the effect fails nothing of it remains, and the
 * failure waits for the checkpoint. */
static enum err run_in_store(struct ctx *c, struct executing *x)
{
    struct store *store = x->s->drive->store;
    if (!store) {
        TRY(store_of(c, &store));
    }
    enum err e = store_transact(c, store, execute_fenced, x);
    if (e == E_OK) {
        checkpoint_fenced(x->s->drive);
    }
    x->e->stored = e == E_OK;
    x->e->dirty = false;
    if (e != E_OK && !x->lost && x->outcome == e) {
        x->e->dirty = true;
        return E_OK;
    }
    if (e != E_OK) { /* undone, or done and only the answer of the commit was lost */
        x->e->call.status = JOURNAL_FAILED;
        x->e->call.err = E_UNAVAILABLE;
        x->e->in_doubt = true;
    }
    return e;
}

/* What the store says of a call whose commit gave no answer; nothing: it may be issued again. */
static enum err end_doubt(struct ctx *c, const struct step *s, struct journal_entry *e)
{
    struct drive *d = s->drive;
    struct store *store = d->store;
    struct store_rows rows;
    if (!store) {
        TRY(store_of(c, &store));
    }
    TRY(store_query(c, store, &rows, "SELECT " CALL_COLUMNS " FROM tool_call WHERE id = ?1",
                    S_STR(e->call.id)));
    if (rows.count) {
        TRY(call_of_row(c, d->arena, &rows, 0, &e->call));
        e->stored = true;
    }
    e->in_doubt = false;
    return E_OK;
}

/* The program stops: the call has not failed, it is made again by whoever goes on. */
static bool was_stopped(const struct ctx *c, const struct executing *x)
{
    return x->outcome == E_CANCELLED && c->stop && atomic_load(c->stop);
}

/* Intent, effect, result: a commit of its own before and after. */
static enum err run_outside(struct ctx *c, struct executing *x)
{
    struct drive *d = x->s->drive;
    x->e->call.status = JOURNAL_INTENT;
    if (d->store) {
        TRY(store_transact(c, d->store, write_fenced, x));
        checkpoint_fenced(d);
        x->e->stored = true;
    }
    execute(c, x);
    if (x->use->effect == JOURNAL_ONCE && (x->outcome == E_TIMEOUT || x->outcome == E_CANCELLED)) {
        x->e->call.status = JOURNAL_UNKNOWN; /* it may have happened */
    }
    if (!d->store || (x->use->effect == JOURNAL_KEYED && was_stopped(c, x))) {
        return E_OK;
    }
    /* The effect is done: its result must be kept although time is up or the run was taken over. */
    struct ctx_limits before = ctx_grace(c, RUN_LEASE_SLACK_MS);
    enum err e = write_row(c, d->store, x->s, x->e);
    ctx_grace_end(c, &before);
    x->e->dirty = e != E_OK;
    return e;
}

static enum err issue(struct ctx *c, struct executing *x)
{
    struct journal_call *k = &x->e->call;
    k->attempt++;
    k->started_at_ms = ctx_now_ms(c);
    switch (x->use->effect) {
    case JOURNAL_READ:
        execute(c, x);
        x->e->dirty = true;
        return E_OK;
    case JOURNAL_STORE:
        return run_in_store(c, x);
    case JOURNAL_KEYED:
    case JOURNAL_ONCE:
        return run_outside(c, x);
    }
    return E_OK;
}

/* True when the journal answers: finished, or not to be repeated. */
static bool is_settled(const struct journal_entry *e)
{
    switch (e->call.status) {
    case JOURNAL_OK:
    case JOURNAL_UNKNOWN:
        return e->call.attempt > 0;
    case JOURNAL_FAILED:
        return e->effect == JOURNAL_ONCE || !err_is_transient(e->call.err);
    case JOURNAL_INTENT:
        return false;
    }
    return false;
}

enum err journal_call(struct ctx *c, struct step *step, const struct journal_use *use,
                      struct journal_call *out_call)
{
    TRY(load(c, step));
    struct journal_entry *e = NULL;
    TRY(find_entry(c, step, use, &e));
    if (e->in_doubt) {
        TRY(end_doubt(c, step, e));
    }
    bool cut_off = e->call.attempt > 0 && e->call.status == JOURNAL_INTENT;
    if (cut_off && e->effect == JOURNAL_ONCE) {
        e->call.status = JOURNAL_UNKNOWN;
        e->call.error = STR("the program stopped while this call was under way");
        e->dirty = true;
    }
    bool replayed = is_settled(e) || step->drive->replay;
    if (!replayed) {
        struct executing x = {.s = step, .e = e, .use = use};
        TRY(issue(c, &x));
        if (was_stopped(c, &x)) {
            return ctx_fail(c, E_CANCELLED, "the program stops");
        }
    }
    ctx_forgive(c);
    *out_call = e->call;
    out_call->replayed = replayed;
    return E_OK;
}
