/* Topics and the event log. The 26 canonical topics, their event types and aliases are const tables
 * (topics.c); an event is a row of the org's own `event` table, written in the transaction of the
 * fact it tells, so neither exists without the other. That table is the log: consumers
 * (subscription.h) and live views (tail.h) read it in `seq` order, which is the order of commits.
 * Task code. Envelope: event_id, event_type, timestamp, organization_id, source_service, version,
 * payload, metadata{correlation_id, causation_id, idempotency_key}. */
#ifndef BUS_TOPIC_H
#define BUS_TOPIC_H

#include <stdbool.h>
#include <stdint.h>

#include "base/ctx.h"
#include "codec/json.h"
#include "store/store.h"

enum {
    TOPIC_COUNT = 26,
    TOPIC_NAME_MAX_BYTES = 64,
    TOPIC_KEY_MAX_BYTES = 200,
    TOPIC_PAYLOAD_MAX_BYTES = 256 << 10,
    TOPIC_PAGE_MAX = 500
};

/* One event type. An alias is accepted when writing and subscribing, and stored as `name`. */
struct topic_type {
    const char *name;
    const char *alias; /* NULL: none */
};

struct topic {
    const char *name;
    const char *alias;    /* NULL: none */
    const char *producer; /* services, comma separated; the first is the default source_service */
    int retention_days;
    const struct topic_type *types; /* ended by name NULL */
};

/* The registry, in the order of the reference pages. */
const struct topic *topic_at(int index); /* NULL past the last */
const struct topic *topic_find(struct str name_or_alias);
const struct topic_type *topic_find_type(const struct topic *t, struct str name_or_alias);

/* A fact to tell. Only topic, type and key are needed. Borrowed for the call. */
struct fact {
    const char *topic;
    const char *type;
    struct str key; /* events of one key stay in order: conversation id, account id ... */
    const struct json *payload; /* an object; NULL: {} */
    const char *source_service; /* NULL: the topic's producer */
    struct id event_id;         /* unset: a new one; else one that the caller made for this */
    struct str correlation_id;  /* empty: c->request_id, which consumers and jobs carry on */
    struct str causation_id;    /* the event this one follows from */
    struct str idempotency_key;
};

/* Inside the caller's transaction on `s` (else E_INTERNAL). topic_emit(c, s, .topic =
 * "org_events", .type = "member_joined", .key = id_str(&id), .payload = p) E_INVALID: unknown
 * topic or type, bad key or payload; E_TOO_LARGE. */
#define topic_emit(c, s, ...) topic_emit_fact((c), (s), &(const struct fact){__VA_ARGS__}, NULL)
enum err topic_emit_fact(struct ctx *c, struct store *s, const struct fact *fact,
                         struct id *out_event_id);

/* An event as read back; in c's arena. topic and type are the canonical names. */
struct event {
    int64_t seq; /* per org, from 1, no gaps but for what retention removed */
    struct id event_id;
    struct id org;
    int64_t at_ms;
    const char *topic;
    struct str type;
    struct str key;
    const struct json *payload;
    struct str source_service;
    struct str correlation_id;
    struct str causation_id;
    struct str idempotency_key;
};

struct event_filter {
    const char *topic; /* NULL: all */
    const char *type;  /* NULL: all; aliases are understood when topic is given */
    struct str key;    /* empty: all */
    int64_t after_seq;
    bool newest; /* topic_list: backwards from the end, or from before `after_seq` when it is set */
    int limit;   /* 1 to TOPIC_PAGE_MAX; 0: 50 */
};
struct events {
    int count;
    const struct event *items; /* by seq */
};
enum err topic_list(struct ctx *c, struct store *s, const struct event_filter *filter,
                    struct events *out_events);
/* The seq of the newest event, 0 when there is none. */
enum err topic_last_seq(struct ctx *c, struct store *s, int64_t *out_seq);

/* The envelope of the API and of webhooks. */
void topic_write_event(struct json_out *o, const struct event *e);

/* Tables of the whole row (event, consumer, dead_letter, job ...), ended by owner NULL. */
extern const struct migration bus_migrations[];

#endif
