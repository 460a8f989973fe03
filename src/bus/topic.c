#include "bus/topic.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "bus/dispatch.h"

/* ---- writing */

static enum err check_key(struct ctx *c, struct str key)
{
    if (key.n == 0 || key.n > TOPIC_KEY_MAX_BYTES || !str_is_utf8(key)) {
        return ctx_fail_field(c, E_INVALID, "key", "an event's key is text of 1 to %d bytes",
                              TOPIC_KEY_MAX_BYTES);
    }
    return E_OK;
}

static enum err check_names(struct ctx *c, const struct fact *f, const struct topic **out_topic,
                            const struct topic_type **out_type)
{
    const struct topic *t = topic_find(str_of(f->topic));
    if (!t) {
        return ctx_fail_field(c, E_INVALID, "topic", "there is no topic %.64s",
                              f->topic ? f->topic : "");
    }
    const struct topic_type *type = topic_find_type(t, str_of(f->type));
    if (!type) {
        return ctx_fail_field(c, E_INVALID, "event_type", "%s has no event type %.64s", t->name,
                              f->type ? f->type : "");
    }
    *out_topic = t;
    *out_type = type;
    return E_OK;
}

static enum err payload_text(struct ctx *c, const struct json *payload, struct str *out_text)
{
    if (payload && payload->kind != JSON_OBJECT) {
        return ctx_fail_field(c, E_INVALID, "payload", "an event's payload is an object");
    }
    struct str text = payload ? json_write(c->arena, payload) : STR("{}");
    if (text.n > TOPIC_PAYLOAD_MAX_BYTES) {
        return ctx_fail_field(c, E_TOO_LARGE, "payload", "an event's payload is at most %d bytes",
                              TOPIC_PAYLOAD_MAX_BYTES);
    }
    *out_text = text;
    return E_OK;
}

static struct str producer_of(const struct topic *t)
{
    struct str rest = str_of(t->producer), first = rest;
    str_split(&rest, ',', &first);
    return first;
}

enum err topic_emit_fact(struct ctx *c, struct store *s, const struct fact *fact,
                         struct id *out_event_id)
{
    const struct topic *t = NULL;
    const struct topic_type *type = NULL;
    struct str payload;
    int64_t seq;
    if (!store_in_transaction(s)) {
        return ctx_fail(c, E_INTERNAL, "an event is told in the transaction of its fact");
    }
    TRY(check_names(c, fact, &t, &type));
    TRY(check_key(c, fact->key));
    TRY(payload_text(c, fact->payload, &payload));
    TRY(store_next(c, s, "event", &seq));
    int64_t now = ctx_now_ms(c);
    struct id id = id_is_set(&fact->event_id) ? fact->event_id : id_new(now);
    struct str source = fact->source_service ? str_of(fact->source_service) : producer_of(t);
    struct str correlation = fact->correlation_id.n ? fact->correlation_id : str_of(c->request_id);
    TRY(store_exec(c, s, NULL,
                   "INSERT INTO event (seq, event_id, at, topic, type, key, payload,"
                   " source_service, correlation_id, causation_id, idempotency_key)"
                   " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
                   S_INT(seq), S_ID(&id), S_INT(now), S_Z(t->name), S_Z(type->name),
                   S_STR(fact->key), S_STR(payload), S_STR(source), S_STR(correlation),
                   S_STR(fact->causation_id), S_STR(fact->idempotency_key)));
    ready_touch(c, s);
    if (out_event_id) {
        *out_event_id = id;
    }
    return E_OK;
}

/* ---- reading */

/* What the program wrote itself; a payload that does not parse is damage. */
static enum err parse_payload(struct ctx *c, struct str text, const struct json **out_payload)
{
    struct json_fault fault;
    if (json_parse(c->arena, text, out_payload, &fault) != E_OK) {
        return ctx_fail(c, E_INTERNAL, "the payload of a stored event is damaged: %s", fault.text);
    }
    return E_OK;
}

struct event event_head(const struct store_rows *rows, int row)
{
    const struct topic *t = topic_find(row_str(rows, row, 3));
    return (struct event){
        .seq = row_int(rows, row, 0), .topic = t ? t->name : "", .type = row_str(rows, row, 4)};
}

enum err event_of_row(struct ctx *c, const struct store *s, const struct store_rows *rows, int row,
                      int column, struct event *out_event)
{
    struct str topic_name = row_str(rows, row, column + 3);
    const struct topic *t = topic_find(topic_name);
    struct event e = {
        .seq = row_int(rows, row, column),
        .event_id = row_id(rows, row, column + 1),
        .org = *store_org(s),
        .at_ms = row_int(rows, row, column + 2),
        .topic = t ? t->name : str_dupz(c->arena, topic_name),
        .type = row_str(rows, row, column + 4),
        .key = row_str(rows, row, column + 5),
        .source_service = row_str(rows, row, column + 7),
        .correlation_id = row_str(rows, row, column + 8),
        .causation_id = row_str(rows, row, column + 9),
        .idempotency_key = row_str(rows, row, column + 10),
    };
    TRY(parse_payload(c, row_str(rows, row, column + 6), &e.payload));
    *out_event = e;
    return E_OK;
}

/* The filter's names as they are stored. */
static enum err canonical(struct ctx *c, const struct event_filter *f, struct str *out_topic,
                          struct str *out_type)
{
    struct str topic = str_of(f->topic), type = str_of(f->type);
    if (topic.n) {
        const struct topic *t = topic_find(topic);
        if (!t) {
            return ctx_fail_field(c, E_INVALID, "topic", "there is no topic %.64s", f->topic);
        }
        const struct topic_type *known = type.n ? topic_find_type(t, type) : NULL;
        if (type.n && !known) {
            return ctx_fail_field(c, E_INVALID, "type", "%s has no event type %.64s", t->name,
                                  f->type);
        }
        topic = str_of(t->name);
        type = known ? str_of(known->name) : type;
    }
    *out_topic = topic;
    *out_type = type;
    return E_OK;
}

/* One statement per kind of filter, so that each can walk an index. */
static const char by_key[] = "SELECT " EVENT_COLUMNS " FROM event WHERE key = ?4 AND seq > ?1"
                             " AND (?2 = '' OR topic = ?2) AND (?3 = '' OR type = ?3)"
                             " ORDER BY seq LIMIT ?5";
static const char by_topic[] = "SELECT " EVENT_COLUMNS " FROM event WHERE topic = ?2 AND seq > ?1"
                               " AND (?3 = '' OR type = ?3) AND (?4 = '' OR key = ?4)"
                               " ORDER BY seq LIMIT ?5";
static const char by_seq[] = "SELECT " EVENT_COLUMNS " FROM event WHERE seq > ?1"
                             " AND (?2 = '' OR topic = ?2) AND (?3 = '' OR type = ?3)"
                             " AND (?4 = '' OR key = ?4) ORDER BY seq LIMIT ?5";
static const char newest[] = "SELECT " EVENT_COLUMNS " FROM event WHERE (?1 = 0 OR seq < ?1)"
                             " AND (?2 = '' OR topic = ?2) AND (?3 = '' OR type = ?3)"
                             " AND (?4 = '' OR key = ?4) ORDER BY seq DESC LIMIT ?5";

enum err topic_rows(struct ctx *c, struct store *s, const struct event_filter *filter,
                    struct store_rows *out_rows)
{
    struct str topic, type;
    int limit = filter->limit ? filter->limit : 50;
    if (limit < 1 || limit > TOPIC_PAGE_MAX) {
        return ctx_fail_field(c, E_INVALID, "limit", "limit is 1 to %d", TOPIC_PAGE_MAX);
    }
    TRY(canonical(c, filter, &topic, &type));
    const char *sql = filter->key.n ? by_key : topic.n ? by_topic : by_seq;
    sql = filter->newest ? newest : sql;
    return store_query(c, s, out_rows, sql, S_INT(filter->after_seq), S_STR(topic), S_STR(type),
                       S_STR(filter->key), S_INT(limit));
}

enum err topic_list(struct ctx *c, struct store *s, const struct event_filter *filter,
                    struct events *out_events)
{
    struct store_rows rows;
    TRY(topic_rows(c, s, filter, &rows));
    struct event *items = ARENA_ARRAY(c->arena, struct event, (size_t)rows.count);
    for (int i = 0; i < rows.count; i++) {
        TRY(event_of_row(c, s, &rows, i, 0, &items[i]));
    }
    *out_events = (struct events){rows.count, items};
    return E_OK;
}

enum err topic_last_seq(struct ctx *c, struct store *s, int64_t *out_seq)
{
    struct store_rows rows;
    TRY(store_query(c, s, &rows, "SELECT coalesce(max(seq), 0) FROM event"));
    *out_seq = row_int(&rows, 0, 0);
    return E_OK;
}

/* ---- the envelope */

static void write_metadata(struct json_out *o, const struct event *e)
{
    json_name(o, "metadata");
    json_open_object(o);
    json_field_str(o, "correlation_id", e->correlation_id);
    if (e->causation_id.n) {
        json_field_str(o, "causation_id", e->causation_id);
    }
    if (e->idempotency_key.n) {
        json_field_str(o, "idempotency_key", e->idempotency_key);
    }
    json_close_object(o);
}

static void write_time(struct json_out *o, int64_t at_ms)
{
    char text[40];
    time_t seconds = (time_t)(at_ms / 1000);
    struct tm t;
    gmtime_r(&seconds, &t);
    size_t n = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &t);
    snprintf(text + n, sizeof(text) - n, ".%03dZ", (int)(at_ms % 1000));
    json_field_str(o, "timestamp", str_of(text));
    json_field_int(o, "at", at_ms);
}

void topic_write_event(struct json_out *o, const struct event *e)
{
    json_open_object(o);
    json_field_str(o, "event_id", id_str(&e->event_id));
    json_field_str(o, "event_type", e->type);
    json_field_str(o, "topic", str_of(e->topic));
    json_field_int(o, "seq", e->seq);
    write_time(o, e->at_ms);
    json_field_str(o, "tenant_id", id_str(&e->org)); /* an accepted synonym */
    json_field_str(o, "organization_id", id_str(&e->org));
    json_field_str(o, "key", e->key);
    json_field_str(o, "source_service", e->source_service);
    json_field_str(o, "version", STR("1.0.0"));
    json_field(o, "payload", e->payload);
    write_metadata(o, e);
    json_close_object(o);
}
