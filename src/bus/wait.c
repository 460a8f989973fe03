/* Events that wait: between tries, behind an earlier event of their key, or for a slow handler.
 * Of the rows of one consumer and key only the first is ever due; when it is over, the next one
 * is. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "bus/dispatch.h"

enum { PAGE = 64, PAGES = 16, BACKOFF_FIRST_MS = 1000, ATTEMPTS_MAX = 1000 };

/* A row, and what is needed to work on it away from the pump. */
struct waiting {
    struct bus *bus;
    struct id org;
    const struct consumer_entry *entry;
    int64_t seq;
    char letter_id[ID_TEXT_BYTES + 1]; /* empty: the event is in the log */
    char what[BUS_NAME_BYTES + 80];    /* its name among the running */
    int attempts;                      /* before this one */
    int64_t claimed_steady_ms;
    bool had_slot;
};

enum err wait_add(struct ctx *c, struct store *s, const struct consumer_entry *entry,
                  const struct event *e, bool blocked)
{
    return store_exec(c, s, NULL,
                      "INSERT INTO consumer_wait (consumer, seq, letter_id, key, attempts,"
                      " next_at, lease_owner, lease_until) VALUES (?1, ?2, '', ?3, 0, ?4, '', 0)"
                      " ON CONFLICT (consumer, seq, letter_id) DO NOTHING",
                      S_Z(entry->name), S_INT(e->seq), S_STR(e->key),
                      S_INT(blocked ? BUS_NEVER : ctx_now_ms(c)));
}

enum err wait_mark_done(struct ctx *c, struct store *s, const struct consumer_entry *entry,
                        const struct event *e, bool *out_new)
{
    int64_t changed;
    TRY(store_exec(c, s, &changed,
                   "INSERT INTO consumer_done (consumer, event_id, at) VALUES (?1, ?2, ?3)"
                   " ON CONFLICT (consumer, event_id) DO NOTHING",
                   S_Z(entry->name), S_ID(&e->event_id), S_INT(ctx_now_ms(c))));
    *out_new = changed > 0;
    return E_OK;
}

/* ---- what follows from an outcome, in the open transaction */

static enum err release_next(struct ctx *c, struct store *s, const struct consumer_entry *entry,
                             struct str key)
{
    return store_exec(c, s, NULL,
                      "UPDATE consumer_wait SET next_at = ?3 WHERE consumer = ?1 AND key = ?2"
                      " AND next_at = ?4 AND seq ="
                      " (SELECT min(seq) FROM consumer_wait WHERE consumer = ?1 AND key = ?2)",
                      S_Z(entry->name), S_STR(key), S_INT(ctx_now_ms(c)), S_INT(BUS_NEVER));
}

static enum err remove_row(struct ctx *c, struct store *s, const struct waiting *w, bool leased,
                           bool *out_was_ours)
{
    int64_t changed;
    TRY(store_exec(c, s, &changed,
                   "DELETE FROM consumer_wait WHERE consumer = ?1 AND seq = ?2 AND letter_id = ?3"
                   " AND (lease_owner = ?4 OR ?5 = 0)",
                   S_Z(w->entry->name), S_INT(w->seq), S_Z(w->letter_id), S_Z(w->bus->owner),
                   S_INT(leased)));
    *out_was_ours = changed > 0;
    return E_OK;
}

static enum err bury(struct ctx *c, struct store *s, const struct consumer_entry *entry,
                     const struct event *e, int tries, struct str error)
{
    TRY(dead_letter_add(c, s, entry, e, tries, error));
    return release_next(c, s, entry, e->key);
}

static void log_failure(struct ctx *c, const struct consumer_entry *entry, const struct event *e,
                        int tries, struct str error)
{
    log_at(c, LOG_WARN, "an event's handler failed", LOG_Z("consumer", entry->name),
           LOG_STR("event_id", id_str(&e->event_id)), LOG_STR("event_type", e->type),
           LOG_INT("tries", tries), LOG_STR("error", error));
}

/* ---- the first failure, from the log */

struct first_failure {
    struct pump *p;
    const struct consumer_entry *entry;
    const struct event *e;
    struct str error;
    bool final, stale;
};

static enum err note_first_failure(struct ctx *c, void *arg)
{
    struct first_failure *f = arg;
    struct store *s = f->p->s;
    int64_t changed;
    TRY(store_exec(c, s, &changed,
                   "UPDATE consumer SET position = ?2 WHERE name = ?1 AND position < ?2",
                   S_Z(f->entry->name), S_INT(f->e->seq)));
    f->stale = changed == 0; /* another process was luckier meanwhile */
    if (f->stale) {
        return E_OK;
    }
    if (f->final) {
        return dead_letter_add(c, s, f->entry, f->e, 1, f->error);
    }
    TRY(wait_add(c, s, f->entry, f->e, false));
    return store_exec(c, s, NULL,
                      "UPDATE consumer_wait SET attempts = 1, next_at = ?3"
                      " WHERE consumer = ?1 AND seq = ?2 AND letter_id = ''",
                      S_Z(f->entry->name), S_INT(f->e->seq),
                      S_INT(ctx_now_ms(c) + bus_backoff_ms(BACKOFF_FIRST_MS, 1)));
}

enum err wait_first_failure(struct pump *p, const struct consumer_entry *entry,
                            const struct event *e, enum err why, struct str error)
{
    struct first_failure f = {.p = p, .entry = entry, .e = e, .error = error};
    f.final = bus_is_final(why) || entry->tries <= 1;
    TRY(store_transact(p->c, p->s, note_first_failure, &f));
    if (!f.stale) {
        log_failure(p->c, entry, e, 1, error);
        bus_count(p->bus, false, f.final ? BUS_DEAD : BUS_RETRY);
    }
    return E_OK;
}

/* ---- working on a row */

static enum err load_event(struct ctx *c, struct store *s, const struct waiting *w,
                           struct event *out_event)
{
    if (w->letter_id[0]) {
        return dead_letter_event(c, s, str_of(w->letter_id), out_event);
    }
    struct store_rows rows;
    TRY(store_query(c, s, &rows, "SELECT " EVENT_COLUMNS " FROM event WHERE seq = ?1",
                    S_INT(w->seq)));
    if (rows.count == 0) {
        return ctx_fail(c, E_GONE, "the event is no longer in the log");
    }
    return event_of_row(c, s, &rows, 0, 0, out_event);
}

/* A quick handler's next try: everything in one transaction. */
static struct observed span_of(const struct waiting *w, const struct event *e)
{
    return (struct observed){.name = w->entry->name, .topic = e->topic, .attempt = w->attempts + 1};
}

static enum err retry_in(struct ctx *c, struct store *s, const struct waiting *w,
                         const struct event *e, bool *out_ran)
{
    bool ours, fresh;
    TRY(remove_row(c, s, w, false, &ours));
    if (!ours) {
        return E_OK;
    }
    TRY(wait_mark_done(c, s, w->entry, e, &fresh));
    if (fresh) {
        struct observed span = span_of(w, e);
        *out_ran = true;
        observe_begin(c, &span);
        enum err outcome = w->entry->row->handle(c, s, e);
        observe_end(c, &span, outcome);
        TRY(outcome);
    }
    return release_next(c, s, w->entry, e->key);
}

static enum err try_quick(struct ctx *c, struct store *s, const struct waiting *w,
                          const struct event *e, bool *out_ran)
{
    TRY(store_begin(c, s));
    enum err outcome = retry_in(c, s, w, e, out_ran);
    if (outcome != E_OK) {
        store_rollback(c, s);
        return outcome;
    }
    return store_commit(c, s);
}

struct settling {
    const struct waiting *w;
    const struct event *e;
    struct store *s;
    struct str error;
    int tries;
    bool final;
};

static enum err settle_done(struct ctx *c, void *arg)
{
    struct settling *t = arg;
    bool ours, fresh;
    TRY(remove_row(c, t->s, t->w, true, &ours));
    if (!ours) {
        return E_OK; /* the lease ran out; whoever has the row settles it */
    }
    TRY(wait_mark_done(c, t->s, t->w->entry, t->e, &fresh));
    return release_next(c, t->s, t->w->entry, t->e->key);
}

static enum err settle_failed(struct ctx *c, void *arg)
{
    struct settling *t = arg;
    const struct waiting *w = t->w;
    bool leased = w->entry->row->handle_slow != NULL, ours;
    if (t->final) {
        TRY(remove_row(c, t->s, w, leased, &ours));
        return ours ? bury(c, t->s, w->entry, t->e, t->tries, t->error) : E_OK;
    }
    return store_exec(c, t->s, NULL,
                      "UPDATE consumer_wait SET attempts = ?4, next_at = ?5, lease_owner = '',"
                      " lease_until = 0 WHERE consumer = ?1 AND seq = ?2 AND letter_id = ?3"
                      " AND (lease_owner = ?6 OR ?7 = 0)",
                      S_Z(w->entry->name), S_INT(w->seq), S_Z(w->letter_id), S_INT(t->tries),
                      S_INT(ctx_now_ms(c) + bus_backoff_ms(BACKOFF_FIRST_MS, t->tries)),
                      S_Z(w->bus->owner), S_INT(leased));
}

/* Books an outcome in a ctx that the handler cannot have used up. */
static enum err settle(const struct waiting *w, const struct event *e, enum err outcome,
                       struct str error)
{
    struct ctx *c = bus_handler_ctx(w->bus, &w->org, e->correlation_id, BUS_GRACE_MS);
    struct settling t = {.w = w, .e = e, .error = error, .tries = w->attempts + 1};
    c->cancel = NULL;
    t.final = bus_is_final(outcome) || t.tries >= w->entry->tries;
    if (outcome == E_CANCELLED && atomic_load(&w->bus->cancel)) {
        t.tries = w->attempts; /* the program stops: this try does not count */
        t.final = false;
    }
    enum err err = store_of(c, &t.s);
    if (err == E_OK) {
        err = store_transact(c, t.s, outcome == E_OK ? settle_done : settle_failed, &t);
    }
    if (outcome != E_OK) {
        log_failure(c, w->entry, e, t.tries, error);
    }
    bus_count(w->bus, false, outcome == E_OK ? BUS_DONE : t.final ? BUS_DEAD : BUS_RETRY);
    ctx_free(&c);
    return err;
}

/* A row whose event cannot be read any more would stay for ever. */
static enum err give_up(struct ctx *c, struct store *s, const struct waiting *w)
{
    return store_exec(c, s, NULL,
                      "DELETE FROM consumer_wait WHERE consumer = ?1 AND seq = ?2"
                      " AND letter_id = ?3",
                      S_Z(w->entry->name), S_INT(w->seq), S_Z(w->letter_id));
}

static bool was_done(struct ctx *c, struct store *s, const struct waiting *w, const struct event *e)
{
    struct store_rows rows;
    return store_query(c, s, &rows,
                       "SELECT 1 FROM consumer_done WHERE consumer = ?1 AND event_id = ?2",
                       S_Z(w->entry->name), S_ID(&e->event_id)) == E_OK &&
           rows.count > 0;
}

/* False when the lease ran out while the row waited for a worker, and another process has it. */
static enum err renew(struct ctx *c, struct store *s, const struct waiting *w, bool *out_ours)
{
    int64_t changed = 1;
    if (w->had_slot && clock_steady_ms() - w->claimed_steady_ms > BUS_QUEUED_MS) {
        TRY(store_exec(c, s, &changed,
                       "UPDATE consumer_wait SET lease_until = ?5 WHERE consumer = ?1 AND seq = ?2"
                       " AND letter_id = ?3 AND lease_owner = ?4",
                       S_Z(w->entry->name), S_INT(w->seq), S_Z(w->letter_id), S_Z(w->bus->owner),
                       S_INT(ctx_now_ms(c) + w->entry->timeout_ms + BUS_GRACE_MS)));
    }
    *out_ours = changed > 0;
    return E_OK;
}

static enum err work_slowly(struct ctx *c, struct store *s, const struct waiting *w,
                            const struct event *e)
{
    bool ours = false;
    TRY(renew(c, s, w, &ours));
    if (!ours) {
        return E_OK;
    }
    bus_continue_request(c, e->correlation_id);
    enum err outcome = E_OK;
    if (!was_done(c, s, w, e)) {
        struct observed span = span_of(w, e);
        observe_begin(c, &span);
        outcome = w->entry->row->handle_slow(c, e);
        observe_end(c, &span, outcome);
    }
    return settle(w, e, outcome, bus_error_text(c, outcome));
}

static enum err work_on(const struct waiting *w)
{
    struct ctx *c = bus_handler_ctx(w->bus, &w->org, (struct str){0}, w->entry->timeout_ms);
    struct store *s;
    struct event e;
    bool ran = false;
    enum err outcome = store_of(c, &s);
    outcome = outcome == E_OK ? load_event(c, s, w, &e) : outcome;
    if (outcome == E_GONE || outcome == E_NOT_FOUND) {
        outcome = give_up(c, s, w);
    } else if (outcome == E_OK && w->entry->row->handle_slow) {
        outcome = work_slowly(c, s, w, &e);
    } else if (outcome == E_OK) {
        bus_continue_request(c, e.correlation_id);
        outcome = try_quick(c, s, w, &e, &ran);
        if (ran && outcome != E_OK) {
            outcome = settle(w, &e, outcome, bus_error_text(c, outcome));
        } else if (ran) {
            bus_count(w->bus, false, BUS_DONE);
        }
    }
    ctx_free(&c);
    return outcome;
}

/* ---- slow handlers: claimed, then run by a worker */

static enum err lease(struct ctx *c, struct store *s, const struct waiting *w, bool *out_leased)
{
    int64_t changed, now = ctx_now_ms(c);
    TRY(store_exec(c, s, &changed,
                   "UPDATE consumer_wait SET lease_owner = ?4, lease_until = ?5"
                   " WHERE consumer = ?1 AND seq = ?2 AND letter_id = ?3 AND next_at <= ?6"
                   " AND lease_until <= ?6",
                   S_Z(w->entry->name), S_INT(w->seq), S_Z(w->letter_id), S_Z(w->bus->owner),
                   S_INT(now + w->entry->timeout_ms + BUS_GRACE_MS), S_INT(now)));
    *out_leased = changed > 0;
    return E_OK;
}

static enum err unlease(struct ctx *c, struct store *s, const struct waiting *w)
{
    return store_exec(c, s, NULL,
                      "UPDATE consumer_wait SET lease_owner = '', lease_until = 0"
                      " WHERE consumer = ?1 AND seq = ?2 AND letter_id = ?3 AND lease_owner = ?4",
                      S_Z(w->entry->name), S_INT(w->seq), S_Z(w->letter_id), S_Z(w->bus->owner));
}

static void on_worker(struct ctx *c, void *arg)
{
    struct waiting *w = arg;
    (void)c;
    work_on(w);
    claim_drop(w->bus, &w->org, str_of(w->what));
    claim_over(w->bus, &w->org, w->had_slot);
    free(w);
}

static enum err start_slow(struct pump *p, const struct waiting *row)
{
    bool leased;
    if (!claim_take(p->bus, &p->org->id, str_of(row->what))) {
        return E_OK; /* this process is at it, whatever the clock says */
    }
    enum err e = lease(p->c, p->s, row, &leased);
    if (e != E_OK || !leased) {
        claim_drop(p->bus, &p->org->id, str_of(row->what));
        return e;
    }
    struct waiting *w = mem_new(sizeof(*w));
    *w = *row;
    w->had_slot = !p->inline_work;
    w->claimed_steady_ms = clock_steady_ms();
    if (!claim_work(p, LANE_BACKGROUND, on_worker, w)) {
        free(w);
        e = unlease(p->c, p->s, row);
        claim_drop(p->bus, &p->org->id, str_of(row->what));
        return e;
    }
    p->steps++;
    return E_OK;
}

/* ---- what is due */

static enum err work_row(struct pump *p, const struct store_rows *rows, int i)
{
    struct waiting w = {.bus = p->bus, .org = p->org->id};
    w.entry = subscription_find(p->bus, row_str(rows, i, 0));
    if (!w.entry) {
        return E_OK; /* a consumer of another process, or of a service that is gone */
    }
    w.seq = row_int(rows, i, 1);
    snprintf(w.letter_id, sizeof(w.letter_id), "%.*s", STR_ARG(row_str(rows, i, 2)));
    w.attempts = (int)(row_int(rows, i, 3) % ATTEMPTS_MAX);
    snprintf(w.what, sizeof(w.what), "wait %s %lld %s", w.entry->name, (long long)w.seq,
             w.letter_id);
    if (w.entry->row->handle_slow) {
        return start_slow(p, &w);
    }
    p->steps++;
    return work_on(&w);
}

static enum err work_page(struct pump *p, struct str *consumer, int64_t *seq, int *out_count)
{
    struct store_rows rows;
    int64_t now = ctx_now_ms(p->c);
    TRY(store_query(p->c, p->s, &rows,
                    "SELECT consumer, seq, letter_id, attempts FROM consumer_wait"
                    " WHERE next_at <= ?1 AND lease_until <= ?1"
                    " AND (consumer > ?2 OR (consumer = ?2 AND seq > ?3))"
                    " ORDER BY consumer, seq LIMIT ?4",
                    S_INT(now), S_STR(*consumer), S_INT(*seq), S_INT(PAGE)));
    for (int i = 0; i < rows.count; i++) {
        TRY(work_row(p, &rows, i));
        *consumer = row_str(&rows, i, 0);
        *seq = row_int(&rows, i, 1);
    }
    *out_count = rows.count;
    return E_OK;
}

static enum err look_ahead(struct pump *p)
{
    struct store_rows rows;
    int64_t now = ctx_now_ms(p->c);
    TRY(store_query(p->c, p->s, &rows,
                    "SELECT min(CASE WHEN next_at > ?1 THEN next_at"
                    " WHEN lease_until > ?1 THEN lease_until END) FROM consumer_wait",
                    S_INT(now)));
    if (!row_is_null(&rows, 0, 0)) {
        pump_due(p, row_int(&rows, 0, 0));
    }
    return E_OK;
}

enum err wait_pump(struct pump *p)
{
    struct str consumer = {"", 0};
    int64_t seq = -1;
    int count = PAGE, before = p->steps;
    for (int page = 0; page < PAGES && count == PAGE; page++) {
        TRY(work_page(p, &consumer, &seq, &count));
    }
    p->full = p->full || p->steps > before; /* the next of a key may have become due */
    return look_ahead(p);
}
