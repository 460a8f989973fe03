#include <string.h>

#include "bus/dispatch.h"

#define LETTER_EVENT_COLUMNS                                                                       \
    "seq, event_id, event_at, topic, type, key, payload, source_service, correlation_id,"          \
    " causation_id, idempotency_key"

enum err dead_letter_add(struct ctx *c, struct store *s, const struct consumer_entry *entry,
                         const struct event *e, int tries, struct str error)
{
    int64_t now = ctx_now_ms(c);
    struct id id = id_new(now);
    return store_exec(c, s, NULL,
                      "INSERT INTO dead_letter (id, consumer, tries, error, at, replayed_at,"
                      " seq, event_id, event_at, topic, type, key, payload, source_service,"
                      " correlation_id, causation_id, idempotency_key) VALUES (?1, ?2, ?3, ?4,"
                      " ?5, 0, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
                      S_ID(&id), S_Z(entry->name), S_INT(tries), S_STR(error), S_INT(now),
                      S_INT(e->seq), S_ID(&e->event_id), S_INT(e->at_ms), S_Z(e->topic),
                      S_STR(e->type), S_STR(e->key), S_STR(json_write(c->arena, e->payload)),
                      S_STR(e->source_service), S_STR(e->correlation_id), S_STR(e->causation_id),
                      S_STR(e->idempotency_key));
}

enum err dead_letter_event(struct ctx *c, struct store *s, struct str id, struct event *out_event)
{
    struct store_rows rows;
    TRY(store_query(c, s, &rows, "SELECT " LETTER_EVENT_COLUMNS " FROM dead_letter WHERE id = ?1",
                    S_STR(id)));
    if (rows.count == 0) {
        return ctx_fail(c, E_NOT_FOUND, "no such dead letter");
    }
    return event_of_row(c, s, &rows, 0, 0, out_event);
}

enum err dead_letter_list(struct ctx *c, struct store *s, struct str before_id, int limit,
                          struct dead_letters *out_letters)
{
    struct store_rows rows;
    limit = limit <= 0 ? 50 : limit > 200 ? 200 : limit;
    TRY(store_query(c, s, &rows,
                    "SELECT " LETTER_EVENT_COLUMNS ", id, consumer, tries, error, at, replayed_at"
                    " FROM dead_letter WHERE (?1 = '' OR id < ?1) ORDER BY id DESC LIMIT ?2",
                    S_STR(before_id), S_INT(limit)));
    struct dead_letter *items = ARENA_ARRAY(c->arena, struct dead_letter, (size_t)rows.count);
    for (int i = 0; i < rows.count; i++) {
        struct dead_letter *d = &items[i];
        TRY(event_of_row(c, s, &rows, i, 0, &d->event));
        d->id = row_id(&rows, i, EVENT_COLUMN_COUNT);
        d->consumer = str_dupz(c->arena, row_str(&rows, i, EVENT_COLUMN_COUNT + 1));
        d->tries = (int)row_int(&rows, i, EVENT_COLUMN_COUNT + 2);
        d->error = row_str(&rows, i, EVENT_COLUMN_COUNT + 3);
        d->at_ms = row_int(&rows, i, EVENT_COLUMN_COUNT + 4);
        d->replayed_ms = row_int(&rows, i, EVENT_COLUMN_COUNT + 5);
    }
    *out_letters = (struct dead_letters){rows.count, items};
    return E_OK;
}

struct replay {
    struct store *s;
    const struct id *id;
};

static enum err mark_replayed(struct ctx *c, struct store *s, const struct id *id,
                              struct store_rows *out_rows)
{
    TRY(store_query(c, s, out_rows,
                    "UPDATE dead_letter SET replayed_at = ?2 WHERE id = ?1 AND replayed_at = 0"
                    " RETURNING consumer, seq, key",
                    S_ID(id), S_INT(ctx_now_ms(c))));
    if (out_rows->count) {
        return E_OK;
    }
    struct store_rows there;
    TRY(store_query(c, s, &there, "SELECT 1 FROM dead_letter WHERE id = ?1", S_ID(id)));
    return there.count ? ctx_fail(c, E_CONFLICT, "the dead letter was replayed already")
                       : ctx_fail(c, E_NOT_FOUND, "no such dead letter");
}

static enum err replay_in(struct ctx *c, void *arg)
{
    struct replay *r = arg;
    struct store_rows rows;
    TRY(mark_replayed(c, r->s, r->id, &rows));
    const struct bus *b = c->at->bus;
    if (b && !subscription_find(b, row_str(&rows, 0, 0))) {
        return ctx_fail(c, E_CONFLICT, "the consumer %.*s no longer exists",
                        STR_ARG(row_str(&rows, 0, 0)));
    }
    TRY(store_exec(c, r->s, NULL,
                   "INSERT INTO consumer_wait (consumer, seq, letter_id, key, attempts, next_at,"
                   " lease_owner, lease_until) VALUES (?1, ?2, ?3, ?4, 0, CASE WHEN EXISTS"
                   " (SELECT 1 FROM consumer_wait WHERE consumer = ?1 AND key = ?4) THEN ?5"
                   " ELSE ?6 END, '', 0)",
                   S_STR(row_str(&rows, 0, 0)), S_INT(row_int(&rows, 0, 1)), S_ID(r->id),
                   S_STR(row_str(&rows, 0, 2)), S_INT(BUS_NEVER), S_INT(ctx_now_ms(c))));
    ready_touch(c, r->s);
    return E_OK;
}

enum err dead_letter_replay(struct ctx *c, struct store *s, const struct id *id)
{
    struct replay r = {s, id};
    return store_transact(c, s, replay_in, &r);
}
