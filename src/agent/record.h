/* The org's own records: accounts, contacts, tickets, and the kinds an org defines for itself
 * (orders, invoices ...), each kind with a JSON Schema, a key people say aloud and fields that name
 * its owner. What the tools of agents read and change. Whatever changes an account or a ticket
 * emits a fact in the same transaction: client_events (client_created, client_updated) and
 * support_events (ticket_created, ticket_updated, ticket_assigned, ticket_escalated,
 * ticket_reopened, ticket_resolved, ticket_closed); a change names the members in `changed`, an
 * import does not. Task code; the org of `c`. */
#ifndef AGENT_RECORD_H
#define AGENT_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/ctx.h"
#include "codec/json.h"
#include "store/store.h"

enum {
    RECORD_DATA_MAX_BYTES = 64 << 10,
    RECORD_MEMBERS_MAX = 300, /* of a record, and of its usage: they are gone through one by one */
    RECORD_KEY_MAX_BYTES = 200,
    RECORD_SCAN_MAX = 5000, /* records of one owner looked at by one find */
    RECORD_KINDS_MAX = 100
};

struct record_kind {
    struct str name, title, plural;
    struct str key;                          /* field */
    struct str owner_account, owner_contact; /* fields; empty: none */
    const struct json *list;                 /* columns */
    struct str sort;                         /* field, "-" before it: descending */
    /* JSON Schema; NULL: anything goes. Of accounts record_kinds alone tells it: what they are held
     * against is account_rule.h. */
    const struct json *fields;
};

struct record {
    struct id id;
    struct str kind, key;
    struct str account, contact; /* keys of the owners; empty: none */
    const struct json *data;
    int64_t version;
    int64_t created_at_ms, updated_at_ms;
};
struct records {
    int count;
    const struct record *items;
};

/* Kinds. `definition` is one entry of kinds.yaml; E_INVALID names what is wrong with it. The
 * built-in kinds account, contact and ticket are always there. */
enum err record_kind_put(struct ctx *c, struct store *s, const struct json *definition);
enum err record_kind_get(struct ctx *c, struct store *s, struct str name, struct record_kind *out);
enum err record_kinds(struct ctx *c, struct store *s, const struct record_kind **out_kinds,
                      int *out_count);

/* Creates; E_CONFLICT when the key is taken, E_INVALID names the field that breaks the schema. A
 * record without key gets the next one of its kind ("T-1043"). `id` may be NULL. */
enum err record_create(struct ctx *c, struct store *s, struct str kind, const struct json *data,
                       struct record *out);
/* Creates or replaces by key: imports. */
enum err record_put(struct ctx *c, struct store *s, struct str kind, const struct json *data,
                    struct record *out);
/* Merges `changes` (RFC 7396) into the data; E_CONFLICT when `version` is given (> 0) and passed.
 * What changes nothing makes no version. Judged are the members that the change touches: a record
 * may be older than a rule. */
enum err record_update(struct ctx *c, struct store *s, const struct id *id,
                       const struct json *changes, int64_t version, struct record *out);

/* Merges members that are worked out from others, such as an account's health: the record keeps its
 * version, and nothing is told, for whoever works them out tells of it. In the caller's
 * transaction, in which *inout was read. */
enum err record_derive(struct ctx *c, struct store *s, struct record *inout,
                       const struct json *changes);
/* Removes it; E_NOT_FOUND. An account's end is told as crm_events account_deleted. What refers to
 * it is the caller's to look after. */
enum err record_remove(struct ctx *c, struct store *s, const struct id *id);

enum err record_get(struct ctx *c, struct store *s, const struct id *id, struct record *out);
/* E_NOT_FOUND. */
enum err record_by_key(struct ctx *c, struct store *s, struct str kind, struct str key,
                       struct record *out);

/* Equality on fields plus owners. Texts compare without case. `sort` as in kinds; limit at most
 * 500. */
struct record_query {
    struct str kind;
    const struct json *match;    /* object; NULL: all */
    struct str account, contact; /* keys; empty: any */
    struct str text;             /* in the data, case folded; empty: any */
    struct str sort;
    int limit, offset;
};
enum err record_find(struct ctx *c, struct store *s, const struct record_query *q,
                     struct records *out, int64_t *out_total);

/* Contacts by channel identity. The first message of a stranger makes a contact. */
enum err record_contact_of(struct ctx *c, struct store *s, struct str channel,
                           struct str external_id, struct str name, struct record *out);
enum err record_identify(struct ctx *c, struct store *s, const struct id *contact,
                         struct str channel, struct str external_id);

/* The record as the API and tools show it: data with id, kind, version and times. */
const struct json *record_view(struct arena *a, const struct record *r);

extern const struct migration record_migrations[];

#endif
