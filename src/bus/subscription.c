/* Reads the log and hands events to consumers. The row of `consumer` is both the position and
 * the lock: whoever moves it past an event, in the transaction of the handler, has handled the
 * event; another process that tries the same waits for that row and then finds nothing to do. */
#include "bus/subscription.h"

#include <stdlib.h>

#include "base/log.h"
#include "bus/dispatch.h"

enum { BATCH = 128, ROUNDS = 8, LAG_MAX = 256 };

const struct consumer_entry *subscription_find(const struct bus *b, struct str name)
{
    for (int i = 0; i < b->consumer_count; i++) {
        if (str_eqz(name, b->consumers[i].name)) {
            return &b->consumers[i];
        }
    }
    return NULL;
}

static bool wants(const struct consumer_entry *entry, const struct event *e)
{
    return e->topic == entry->topic->name && (!entry->type || str_eqz(e->type, entry->type->name));
}

/* ---- positions */

static int64_t position_in(const struct store_rows *rows, const char *name)
{
    for (int i = 0; i < rows->count; i++) {
        if (str_eqz(row_str(rows, i, 0), name)) {
            return row_int(rows, i, 1);
        }
    }
    return -1;
}

/* Where a consumer begins that this org has not seen before: an org that knows no consumer at
 * all is new, and nothing of it is missed; else at the end, as it was when this process started. */
static enum err first_position(struct pump *p, const struct consumer_entry *entry, bool new_org,
                               int64_t *out_position)
{
    struct store_rows rows;
    if (new_org || entry->row->from_start) {
        *out_position = 0;
        return E_OK;
    }
    TRY(store_query(p->c, p->s, &rows,
                    "SELECT seq FROM event WHERE at < ?1 ORDER BY seq DESC LIMIT 1",
                    S_INT(p->bus->born_ms)));
    *out_position = rows.count ? row_int(&rows, 0, 0) : 0;
    return E_OK;
}

static enum err add_positions(struct ctx *c, void *arg)
{
    struct pump *p = arg;
    struct store_rows rows;
    int64_t position;
    TRY(store_query(c, p->s, &rows, "SELECT name, position FROM consumer"));
    for (int i = 0; i < p->bus->consumer_count; i++) {
        const struct consumer_entry *entry = &p->bus->consumers[i];
        if (position_in(&rows, entry->name) < 0) {
            TRY(first_position(p, entry, rows.count == 0, &position));
            TRY(store_exec(c, p->s, NULL,
                           "INSERT INTO consumer (name, position) VALUES (?1, ?2)"
                           " ON CONFLICT (name) DO NOTHING",
                           S_Z(entry->name), S_INT(position)));
        }
    }
    return E_OK;
}

/* Brings org->scanned up to what this and other processes have handled. */
static enum err load_positions(struct pump *p)
{
    struct bus_org *org = p->org;
    struct store_rows rows;
    bool first = !org->scanned;
    for (int tries = 0; tries < 2; tries++) {
        bool missing = false;
        TRY(store_query(p->c, p->s, &rows, "SELECT name, position FROM consumer"));
        for (int i = 0; first && i < p->bus->consumer_count; i++) {
            missing = missing || position_in(&rows, p->bus->consumers[i].name) < 0;
        }
        if (!missing) {
            break;
        }
        TRY(store_transact(p->c, p->s, add_positions, p));
    }
    if (first) {
        org->scanned = mem_new((size_t)p->bus->consumer_count * sizeof(int64_t));
    }
    for (int i = 0; i < p->bus->consumer_count; i++) {
        int64_t position = position_in(&rows, p->bus->consumers[i].name);
        org->scanned[i] = position > org->scanned[i] ? position : org->scanned[i];
    }
    return E_OK;
}

/* A consumer whose topic is quiet never moves its row by handling; a restart would read the log
 * from there. */
static enum err save_lagging(struct ctx *c, void *arg)
{
    struct pump *p = arg;
    struct store_rows rows;
    TRY(store_query(c, p->s, &rows, "SELECT name, position FROM consumer"));
    for (int i = 0; i < p->bus->consumer_count; i++) {
        const char *name = p->bus->consumers[i].name;
        if (p->org->scanned[i] - position_in(&rows, name) > LAG_MAX) {
            TRY(store_exec(c, p->s, NULL,
                           "UPDATE consumer SET position = ?2 WHERE name = ?1 AND position < ?2",
                           S_Z(name), S_INT(p->org->scanned[i])));
        }
    }
    return E_OK;
}

/* ---- one event for one consumer */

/* Moves the consumer past the event. out_moved false: it is past it already, there is nothing to
 * do. out_blocked: an earlier event of the key still waits. */
static enum err move_past(struct ctx *c, struct store *s, const struct consumer_entry *entry,
                          const struct event *e, bool out_moved_blocked[2])
{
    struct store_rows rows;
    TRY(store_query(c, s, &rows,
                    "UPDATE consumer SET position = ?2 WHERE name = ?1 AND position < ?2"
                    " RETURNING (SELECT count(*) FROM consumer_wait WHERE consumer = ?1"
                    " AND key = ?3)",
                    S_Z(entry->name), S_INT(e->seq), S_STR(e->key)));
    out_moved_blocked[0] = rows.count > 0;
    out_moved_blocked[1] = rows.count > 0 && row_int(&rows, 0, 0) > 0;
    return E_OK;
}

/* What the transaction of a delivery decides, besides errors of the store itself. */
struct delivery {
    const struct consumer_entry *entry;
    const struct event *e;
    enum err handler; /* its outcome */
    bool ran, set_aside, skipped;
};

static enum err deliver_in(struct ctx *c, struct store *s, struct delivery *d)
{
    bool moved_blocked[2], fresh;
    TRY(move_past(c, s, d->entry, d->e, moved_blocked));
    if (!moved_blocked[0]) {
        d->skipped = true;
        return E_OK;
    }
    if (moved_blocked[1] || d->entry->row->handle_slow) {
        d->set_aside = true;
        return wait_add(c, s, d->entry, d->e, moved_blocked[1]);
    }
    TRY(wait_mark_done(c, s, d->entry, d->e, &fresh));
    if (fresh) {
        struct observed span = {.name = d->entry->name, .topic = d->e->topic, .attempt = 1};
        d->ran = true;
        observe_begin(c, &span);
        d->handler = d->entry->row->handle(c, s, d->e);
        observe_end(c, &span, d->handler);
    }
    return d->handler;
}

static enum err deliver(struct ctx *c, struct delivery *d)
{
    struct store *s;
    TRY(store_of(c, &s));
    TRY(store_begin(c, s));
    enum err e = deliver_in(c, s, d);
    if (e != E_OK) {
        store_rollback(c, s);
        return e;
    }
    return store_commit(c, s);
}

static enum err offer(struct pump *p, const struct consumer_entry *entry, const struct event *e)
{
    struct delivery d = {.entry = entry, .e = e};
    struct ctx *c = bus_handler_ctx(p->bus, &p->org->id, e->correlation_id, entry->timeout_ms);
    enum err failed = deliver(c, &d), outcome = E_OK;
    if (failed != E_OK && d.ran) {
        /* also when only the commit failed: the handler's work is undone, so it is tried again */
        outcome = wait_first_failure(p, entry, e, failed, bus_error_text(c, failed));
    } else if (failed != E_OK) {
        outcome = ctx_fail(p->c, failed, "%s", c->fault.text);
    } else if (d.ran) {
        bus_count(p->bus, false, BUS_DONE);
    }
    p->steps += !d.skipped;
    ctx_free(&c);
    return outcome;
}

/* ---- the log */

static enum err offer_all(struct pump *p, const struct event *e)
{
    for (int i = 0; i < p->bus->consumer_count; i++) {
        if (p->org->scanned[i] >= e->seq) {
            continue;
        }
        if (wants(&p->bus->consumers[i], e)) {
            TRY(offer(p, &p->bus->consumers[i], e));
        }
        p->org->scanned[i] = e->seq;
    }
    return E_OK;
}

static int64_t least_scanned(const struct pump *p)
{
    int64_t least = INT64_MAX;
    for (int i = 0; i < p->bus->consumer_count; i++) {
        least = p->org->scanned[i] < least ? p->org->scanned[i] : least;
    }
    return least;
}

static enum err read_batch(struct pump *p, struct store_rows *out_rows)
{
    struct event_filter filter = {.after_seq = least_scanned(p), .limit = BATCH};
    return topic_rows(p->c, p->s, &filter, out_rows);
}

static void pass_by(struct pump *p, int64_t seq)
{
    for (int i = 0; i < p->bus->consumer_count; i++) {
        p->org->scanned[i] = p->org->scanned[i] > seq ? p->org->scanned[i] : seq;
    }
}

/* Most events are nobody's here: their payloads are not read. */
static enum err offer_row(struct pump *p, const struct store_rows *rows, int row)
{
    struct event e = event_head(rows, row);
    bool wanted = false;
    for (int i = 0; i < p->bus->consumer_count && !wanted; i++) {
        wanted = p->org->scanned[i] < e.seq && wants(&p->bus->consumers[i], &e);
    }
    if (!wanted) {
        pass_by(p, e.seq);
        return E_OK;
    }
    TRY(event_of_row(p->c, p->s, rows, row, 0, &e));
    return offer_all(p, &e);
}

enum err subscription_pump(struct pump *p)
{
    if (p->bus->consumer_count == 0) {
        return E_OK;
    }
    TRY(load_positions(p));
    struct store_rows rows = {.count = BATCH};
    for (int round = 0; round < ROUNDS && rows.count == BATCH; round++) {
        TRY(read_batch(p, &rows));
        for (int i = 0; i < rows.count; i++) {
            TRY(offer_row(p, &rows, i));
        }
    }
    p->full = p->full || rows.count == BATCH;
    TRY(store_query(p->c, p->s, &rows, "SELECT min(position) FROM consumer"));
    if (least_scanned(p) - row_int(&rows, 0, 0) > LAG_MAX) {
        TRY(store_transact_late(p->c, p->s, save_lagging, p)); /* lost: read once more */
    }
    return E_OK;
}

/* ---- for people */

enum err consumer_list(struct ctx *c, struct store *s, struct consumer_states *out_states)
{
    struct store_rows rows;
    const struct bus *b = c->at->bus;
    if (!b) {
        return ctx_fail(c, E_UNAVAILABLE, "this process has no bus");
    }
    TRY(store_query(c, s, &rows, "SELECT name, position FROM consumer"));
    struct consumer_state *items =
        ARENA_ARRAY(c->arena, struct consumer_state, (size_t)b->consumer_count);
    for (int i = 0; i < b->consumer_count; i++) {
        const struct consumer_entry *entry = &b->consumers[i];
        int64_t position = position_in(&rows, entry->name);
        struct store_rows counts;
        position = position < 0 ? 0 : position;
        TRY(store_query(c, s, &counts,
                        "SELECT (SELECT count(*) FROM event WHERE topic = ?1 AND seq > ?2"
                        " AND (?4 = '' OR type = ?4)),"
                        " (SELECT count(*) FROM consumer_wait WHERE consumer = ?3)",
                        S_Z(entry->topic->name), S_INT(position), S_Z(entry->name),
                        S_Z(entry->type ? entry->type->name : "")));
        items[i] = (struct consumer_state){.consumer = entry->name,
                                           .topic = entry->topic->name,
                                           .position = position,
                                           .lag = row_int(&counts, 0, 0),
                                           .waiting = row_int(&counts, 0, 1)};
    }
    *out_states = (struct consumer_states){b->consumer_count, items};
    return E_OK;
}
