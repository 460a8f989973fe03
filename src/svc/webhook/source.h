/* Webhook sources: who may send an org events under /hooks/{org}/{source}, how they sign, and what
 * becomes of what they send. The configuration is one JSON object, as the API shows it; secrets are
 * names in the vault. Task code; the org of `c`. */
#ifndef SVC_WEBHOOK_SOURCE_H
#define SVC_WEBHOOK_SOURCE_H

#include "codec/jq.h"
#include "host/service.h"
#include "svc/webhook/signature.h"

enum {
    SOURCE_SECRETS_MAX = 2, /* the present one and the one it replaces */
    SOURCES_MAX = 200,
    SOURCE_KEEP_DAYS = 30,
    SOURCE_KEEP_DAYS_MIN = 4, /* longer than any sender is known to repeat */
    SOURCE_KEEP_DAYS_MAX = 400,
};

/* As it is written in JSON. */
struct source_config {
    struct str slug, name, scheme, channel, agent, verify_secret;
    struct str event_id, event, message; /* jq; empty: none */
    const struct json *secrets, *signature;
    int64_t tolerance_s, per_minute, keep_days;
    bool paused;
};
extern const struct field_table source_table;

struct source {
    struct id id;
    int64_t number; /* per org, from 1: what its rows are known by */
    int64_t version;
    int64_t created_at_ms, updated_at_ms;
    const struct json *data; /* what `config` was read from */
    struct source_config config;
    struct signature_scheme scheme;
};

/* Reads and checks the configuration: E_INVALID names the field. Compiles what is jq, and looks up
 * secrets and agent, so that what is stored works. */
enum err source_check(struct ctx *c, struct store *s, const struct json *data);

/* E_CONFLICT: the slug is taken, or SOURCES_MAX are there. */
enum err source_create(struct ctx *c, struct store *s, const struct json *data, struct source *out);
/* The whole configuration anew. */
enum err source_update(struct ctx *c, struct store *s, const struct id *id, const struct json *data,
                       struct source *out);
/* Its slug is free at once; what it received goes with source_expire. */
enum err source_delete(struct ctx *c, struct store *s, const struct id *id);
enum err source_get(struct ctx *c, struct store *s, const struct id *id, struct source *out);
enum err source_by_slug(struct ctx *c, struct store *s, struct str slug, struct source *out);
enum err source_list(struct ctx *c, struct store *s, const struct source **out_sources,
                     int *out_count);

/* The keys of its secrets; those that the vault does not hold (any more) are left out. They live in
 * c's arena. */
enum err source_keys(struct ctx *c, struct store *s, const struct source *source,
                     struct str out_keys[SOURCE_SECRETS_MAX], int *out_count);

/* Forgets what was received longer ago than each source keeps it. */
enum err source_expire(struct ctx *c, struct store *s);

extern const struct migration source_migrations[];

#endif
