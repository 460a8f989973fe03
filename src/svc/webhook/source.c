#include "svc/webhook/source.h"

#include "agent/registry.h"
#include "store/vault.h"
#include "svc/webhook/mapping.h"

enum { EXPIRE_CHUNK = 1000, EXPIRE_CHUNKS_MAX = 10000, PER_MINUTE_MAX = 100000000 };

const struct migration source_migrations[] = {
    {"webhook", 1, STORE_SCOPE_ORG,
     "CREATE TABLE webhook_source (id TEXT NOT NULL, number BIGINT NOT NULL, slug TEXT NOT NULL,"
     " data TEXT NOT NULL, version BIGINT NOT NULL, created_at BIGINT NOT NULL,"
     " updated_at BIGINT NOT NULL, deleted_at BIGINT NOT NULL,"
     " PRIMARY KEY (id), UNIQUE (slug));"
     /* body: the exact bytes that were signed. id sorts by time. */
     "CREATE TABLE webhook_delivery (source BIGINT NOT NULL, event_id TEXT NOT NULL,"
     " id TEXT NOT NULL, received_at BIGINT NOT NULL, content_type TEXT NOT NULL,"
     " body BLOB NOT NULL, outcome TEXT NOT NULL, PRIMARY KEY (source, event_id));"
     "CREATE INDEX webhook_delivery_by_id ON webhook_delivery (source, id);"
     /* which conversation goes on under which key of the sender */
     "CREATE TABLE webhook_thread (source BIGINT NOT NULL, key TEXT NOT NULL,"
     " conversation_id TEXT NOT NULL, PRIMARY KEY (source, key));"},
    /* a digest of what was signed, where the event's id was not: see signature_digest */
    {"webhook", 2, STORE_SCOPE_ORG,
     "ALTER TABLE webhook_delivery ADD COLUMN signed_sha256 TEXT;"
     "CREATE UNIQUE INDEX webhook_delivery_by_signed ON webhook_delivery (source, signed_sha256)"
     " WHERE signed_sha256 IS NOT NULL;"},
    {0},
};

static const struct field fields[] = {
    FIELD(struct source_config, slug, FIELD_STR, .flags = FIELD_REQUIRED, .min = 1, .max = 60,
          .form = FIELD_SLUG, .title = "the last part of its address"),
    FIELD(struct source_config, name, FIELD_STR, .max = 80, .form = FIELD_LINE),
    FIELD(struct source_config, scheme, FIELD_STR, .flags = FIELD_REQUIRED, .max = 40,
          .title = "how it signs: see GET /webhook-schemes"),
    FIELD(struct source_config, signature, FIELD_OBJECT,
          .title = "for the scheme generic: header, prefix, algorithm (sha256, sha1), encoding "
                   "(hex, base64), timestamp_header, id_header, signs"),
    FIELD(struct source_config, secrets, FIELD_LIST, .flags = FIELD_REQUIRED, .min = 1,
          .max = SOURCE_SECRETS_MAX,
          .title = "names in the vault; two while one replaces the other"),
    FIELD(struct source_config, verify_secret, FIELD_STR, .max = VAULT_NAME_MAX_BYTES,
          .title = "name in the vault of what Meta's handshake shows as hub.verify_token"),
    FIELD(struct source_config, tolerance_s, FIELD_INT, .min = 1, .max = SIGNATURE_TOLERANCE_MAX_S,
          .title = "how far the sender's time may be from ours, in seconds"),
    FIELD(struct source_config, event_id, FIELD_STR, .max = 1000,
          .title = "jq: the sender's id of the event, where the scheme does not tell it"),
    FIELD(struct source_config, event, FIELD_STR, .max = JQ_SOURCE_MAX_BYTES,
          .title = "jq: {topic, type, key?, payload?}, or several, or nothing"),
    FIELD(struct source_config, message, FIELD_STR, .max = JQ_SOURCE_MAX_BYTES,
          .title =
              "jq: {contact, text, name?, external_id?, conversation?}, or several, or nothing"),
    FIELD(struct source_config, agent, FIELD_STR, .max = 60, .form = FIELD_SLUG,
          .title = "slug of the agent that answers messages"),
    FIELD(struct source_config, channel, FIELD_STR, .min = 1, .max = 80, .form = FIELD_SNAKE,
          .title = "what the conversations' channel is called, in which a contact is one contact; "
                   "default webhook_ and the slug it was made with"),
    FIELD(struct source_config, per_minute, FIELD_INT, .min = 0, .max = PER_MINUTE_MAX,
          .title = "at most as many signed requests in a minute; default 6000, 0: no limit"),
    FIELD(struct source_config, keep_days, FIELD_INT, .min = SOURCE_KEEP_DAYS_MIN,
          .max = SOURCE_KEEP_DAYS_MAX,
          .title = "how long what was received is kept, and known when it comes again; default 30"),
    FIELD(struct source_config, paused, FIELD_BOOL,
          .title = "answers 503, so that the sender tries again"),
};
const struct field_table source_table = FIELD_TABLE("WebhookSource", fields);

/* ---- reading the configuration ------------------------------------------- */

static enum err read_scheme(struct ctx *c, struct source *out)
{
    struct source_config *in = &out->config;
    const struct signature_scheme *found = signature_find(in->scheme);
    struct signature_fault fault = {0};
    if (!found) {
        return ctx_fail_field(c, E_INVALID, "scheme", "there is no scheme %.*s",
                              STR_ARG(in->scheme));
    }
    bool generic = found == signature_find(STR("generic"));
    if (in->signature && !generic) {
        return ctx_fail_field(c, E_INVALID, "signature", "only the scheme generic has a signature");
    }
    out->scheme = *found;
    if (generic && signature_generic(c->arena, in->signature, &out->scheme, &fault) != E_OK) {
        return ctx_fail_field(c, E_INVALID, fault.field, "%s %s", fault.field, fault.text);
    }
    if (in->tolerance_s && !out->scheme.tolerance_s) {
        return ctx_fail_field(c, E_INVALID, "tolerance_s", "this scheme signs no time");
    }
    out->scheme.tolerance_s = in->tolerance_s ? (int)in->tolerance_s : out->scheme.tolerance_s;
    return E_OK;
}

/* Sources made before each had a channel of its own share one. */
static enum err read_config(struct ctx *c, const struct json *data, struct source *out)
{
    struct field_fault wrong = {0};
    out->data = data;
    out->config = (struct source_config){
        .channel = STR("webhook"), .per_minute = 6000, .keep_days = SOURCE_KEEP_DAYS};
    if (field_read(&source_table, c->arena, data, &out->config, &wrong) != E_OK) {
        return ctx_fail_field(c, E_INVALID, wrong.path, "%s%s%s", wrong.path,
                              wrong.path[0] ? ": " : "", wrong.text);
    }
    return read_scheme(c, out);
}

static enum err check_jq(struct ctx *c, const char *field, struct str source)
{
    struct jq_program *program = NULL;
    struct jq_fault fault = {0};
    if (source.n && mapping_compile(source, &program, &fault) != E_OK) {
        return ctx_fail_field(c, E_INVALID, field, "%s: column %d: %s", field, fault.column,
                              fault.text);
    }
    jq_free(&program);
    return E_OK;
}

static enum err check_secret(struct ctx *c, struct store *s, const struct source *source,
                             const char *field, struct str name)
{
    struct str secret, key;
    enum err e = name.n ? vault_get(c, s, name, &secret) : E_NOT_FOUND;
    if (e == E_NOT_FOUND || e == E_INVALID) {
        return ctx_fail_field(c, E_INVALID, field, "the vault has no secret %.*s", STR_ARG(name));
    }
    TRY(e);
    if (source && signature_read_key(c->arena, &source->scheme, secret, &key) != E_OK) {
        return ctx_fail_field(c, E_INVALID, field, "the secret %.*s is no key of this scheme",
                              STR_ARG(name));
    }
    return E_OK;
}

static enum err check_agent(struct ctx *c, const struct source_config *in)
{
    struct agent_row agent;
    if (!in->message.n && !in->agent.n) {
        return E_OK;
    }
    if (!in->message.n || !in->agent.n) {
        return ctx_fail_field(c, E_INVALID, in->agent.n ? "message" : "agent",
                              "message and agent go together");
    }
    enum err e = registry_by_slug(c, in->agent, &agent);
    if (e == E_NOT_FOUND || (e == E_OK && !str_eqz(agent.product, "chatbot"))) {
        return ctx_fail_field(c, E_INVALID, "agent", "there is no chat agent %.*s",
                              STR_ARG(in->agent));
    }
    return e;
}

enum err source_check(struct ctx *c, struct store *s, const struct json *data)
{
    struct source source = {0};
    const struct source_config *in = &source.config;
    TRY(read_config(c, data, &source));
    TRY(check_jq(c, "event_id", in->event_id));
    TRY(check_jq(c, "event", in->event));
    TRY(check_jq(c, "message", in->message));
    for (size_t i = 0; i < json_count(in->secrets); i++) {
        TRY(check_secret(c, s, &source, "secrets", json_text(json_at(in->secrets, i), STR(""))));
    }
    if (in->verify_secret.n) {
        TRY(check_secret(c, s, NULL, "verify_secret", in->verify_secret));
    }
    return check_agent(c, in);
}

/* ---- rows ---------------------------------------------------------------- */

#define COLUMNS "id, number, data, version, created_at, updated_at"

static enum err read_row(struct ctx *c, const struct store_rows *r, int row, struct source *out)
{
    const struct json *data;
    struct json_fault fault;
    *out = (struct source){
        .id = row_id(r, row, 0),
        .number = row_int(r, row, 1),
        .version = row_int(r, row, 3),
        .created_at_ms = row_int(r, row, 4),
        .updated_at_ms = row_int(r, row, 5),
    };
    if (json_parse(c->arena, row_str(r, row, 2), &data, &fault) != E_OK) {
        return ctx_fail(c, E_INTERNAL, "a webhook source's row is damaged: %s", fault.text);
    }
    return read_config(c, data, out);
}

enum err source_get(struct ctx *c, struct store *s, const struct id *id, struct source *out)
{
    struct store_rows rows;
    TRY(store_query(c, s, &rows,
                    "SELECT " COLUMNS " FROM webhook_source WHERE id = ?1 AND deleted_at = 0",
                    S_ID(id)));
    return rows.count ? read_row(c, &rows, 0, out) : ctx_fail(c, E_NOT_FOUND, "not found");
}

enum err source_by_slug(struct ctx *c, struct store *s, struct str slug, struct source *out)
{
    struct store_rows rows;
    TRY(store_query(c, s, &rows,
                    "SELECT " COLUMNS " FROM webhook_source WHERE slug = ?1 AND deleted_at = 0",
                    S_STR(slug)));
    return rows.count ? read_row(c, &rows, 0, out) : ctx_fail(c, E_NOT_FOUND, "not found");
}

enum err source_list(struct ctx *c, struct store *s, const struct source **out_sources,
                     int *out_count)
{
    struct store_rows rows;
    TRY(store_query(c, s, &rows,
                    "SELECT " COLUMNS " FROM webhook_source WHERE deleted_at = 0"
                    " ORDER BY slug LIMIT ?1",
                    S_INT(SOURCES_MAX)));
    struct source *all = ARENA_ARRAY(c->arena, struct source, (size_t)rows.count + 1);
    for (int i = 0; i < rows.count; i++) {
        TRY(read_row(c, &rows, i, &all[i]));
    }
    *out_sources = all;
    *out_count = rows.count;
    return E_OK;
}

struct change {
    struct store *store;
    struct source *source;
};

static enum err taken(struct ctx *c, enum err e, struct str slug)
{
    return e == E_CONFLICT ? ctx_fail_field(c, E_CONFLICT, "slug", "there is a source %.*s already",
                                            STR_ARG(slug))
                           : e;
}

static enum err create_in(struct ctx *c, void *arg)
{
    struct change *ch = arg;
    struct source *n = ch->source;
    struct store_rows rows;
    TRY(store_query(c, ch->store, &rows,
                    "SELECT count(*) FROM webhook_source WHERE deleted_at = 0"));
    if (row_int(&rows, 0, 0) >= SOURCES_MAX) {
        return ctx_fail(c, E_CONFLICT,
                        "an organisation has at most %d webhook sources: remove one first",
                        SOURCES_MAX);
    }
    TRY(store_next(c, ch->store, "webhook_source", &n->number));
    return taken(c,
                 store_exec(c, ch->store, NULL,
                            "INSERT INTO webhook_source (id, number, slug, data, version,"
                            " created_at, updated_at, deleted_at)"
                            " VALUES (?1, ?2, ?3, ?4, 1, ?5, ?5, 0)",
                            S_ID(&n->id), S_INT(n->number), S_STR(n->config.slug),
                            S_STR(json_write(c->arena, n->data)), S_INT(n->created_at_ms)),
                 n->config.slug);
}

/* What is not said stays what it is, whatever becomes of the slug: contacts are known by it. */
static const struct json *with_channel(struct ctx *c, const struct json *data, struct str channel)
{
    return json_is_null(json_get(data, "channel"))
               ? json_with(c->arena, data, STR("channel"), json_new_str(c->arena, channel))
               : data;
}

static struct str own_channel(struct ctx *c, struct str slug)
{
    char *name = str_dupz(c->arena, str_fmt(c->arena, "webhook_%.*s", STR_ARG(slug)));
    for (char *p = name; *p; p++) {
        *p = *p == '-' ? '_' : *p; /* a slug has no underscore: they stay apart */
    }
    return str_of(name);
}

enum err source_create(struct ctx *c, struct store *s, const struct json *data, struct source *out)
{
    int64_t now = ctx_now_ms(c);
    struct source source = {0};
    struct change ch = {s, &source};
    TRY(source_check(c, s, data));
    data = with_channel(c, data, own_channel(c, json_str(data, "slug", STR(""))));
    TRY(read_config(c, data, &source));
    source.id = id_new(now);
    source.version = 1;
    source.created_at_ms = source.updated_at_ms = now;
    TRY(store_transact(c, s, create_in, &ch));
    host_forget(c, s);
    *out = source;
    return E_OK;
}

enum err source_update(struct ctx *c, struct store *s, const struct id *id, const struct json *data,
                       struct source *out)
{
    struct source source = {0}, before;
    int64_t changed;
    TRY(source_check(c, s, data));
    TRY(source_get(c, s, id, &before));
    data = with_channel(c, data, before.config.channel);
    TRY(read_config(c, data, &source));
    TRY(taken(c,
              store_exec(c, s, &changed,
                         "UPDATE webhook_source SET slug = ?2, data = ?3, version = version + 1,"
                         " updated_at = ?4 WHERE id = ?1 AND deleted_at = 0",
                         S_ID(id), S_STR(source.config.slug), S_STR(json_write(c->arena, data)),
                         S_INT(ctx_now_ms(c))),
              source.config.slug));
    host_forget(c, s);
    return changed ? source_get(c, s, id, out) : ctx_fail(c, E_NOT_FOUND, "not found");
}

enum err source_delete(struct ctx *c, struct store *s, const struct id *id)
{
    int64_t changed;
    TRY(store_exec(c, s, &changed,
                   "UPDATE webhook_source SET slug = id, deleted_at = ?2, version = version + 1"
                   " WHERE id = ?1 AND deleted_at = 0",
                   S_ID(id), S_INT(ctx_now_ms(c))));
    host_forget(c, s);
    return changed ? E_OK : ctx_fail(c, E_NOT_FOUND, "not found");
}

enum err source_keys(struct ctx *c, struct store *s, const struct source *source,
                     struct str out_keys[SOURCE_SECRETS_MAX], int *out_count)
{
    const struct json *names = source->config.secrets;
    int count = 0;
    for (size_t i = 0; i < json_count(names) && count < SOURCE_SECRETS_MAX; i++) {
        struct str secret;
        enum err e = vault_get(c, s, json_text(json_at(names, i), STR("")), &secret);
        if (e == E_NOT_FOUND) {
            ctx_forgive(c);
            continue;
        }
        TRY(e);
        count += signature_read_key(c->arena, &source->scheme, secret, &out_keys[count]) == E_OK;
    }
    *out_count = count;
    return E_OK;
}

/* ---- what nobody sends again --------------------------------------------- */

/* Ids begin with their time, so the oldest come first. */
static enum err expire_one(struct ctx *c, struct store *s, int64_t number, int64_t before_ms)
{
    int64_t changed = EXPIRE_CHUNK;
    for (int i = 0; i < EXPIRE_CHUNKS_MAX && changed == EXPIRE_CHUNK; i++) {
        TRY(store_exec(c, s, &changed,
                       "DELETE FROM webhook_delivery WHERE source = ?1 AND received_at < ?2"
                       " AND id IN (SELECT id FROM webhook_delivery WHERE source = ?1"
                       " ORDER BY id LIMIT ?3)",
                       S_INT(number), S_INT(before_ms), S_INT(EXPIRE_CHUNK)));
        TRY(ctx_check(c));
    }
    return E_OK;
}

enum err source_expire(struct ctx *c, struct store *s)
{
    struct store_rows rows;
    TRY(store_query(c, s, &rows,
                    "SELECT number, data, deleted_at FROM webhook_source ORDER BY number LIMIT"
                    " 1000"));
    for (int i = 0; i < rows.count; i++) {
        const struct json *data = NULL;
        struct json_fault fault;
        int64_t number = row_int(&rows, i, 0);
        bool gone = row_int(&rows, i, 2) > 0;
        json_parse(c->arena, row_str(&rows, i, 1), &data, &fault);
        int64_t days = json_int(data, "keep_days", SOURCE_KEEP_DAYS);
        int64_t before = gone ? INT64_MAX : ctx_now_ms(c) - days * 24 * 3600 * 1000;
        TRY(expire_one(c, s, number, before));
        if (gone) {
            TRY(store_exec(c, s, NULL, "DELETE FROM webhook_thread WHERE source = ?1",
                           S_INT(number)));
            TRY(store_exec(c, s, NULL, "DELETE FROM webhook_source WHERE number = ?1",
                           S_INT(number)));
        }
    }
    return E_OK;
}
