#include "svc/webhook/intake.h"

#include <stdio.h>

#include "agent/conversation.h"
#include "agent/record.h"
#include "agent/registry.h"
#include "base/log.h"
#include "bus/topic.h"
#include "codec/base64.h"
#include "codec/hmac.h"
#include "codec/text.h"
#include "codec/url.h"
#include "host/settings.h"
#include "store/vault.h"
#include "svc/webhook/known.h"
#include "svc/webhook/mapping.h"

enum {
    PAUSED_RETRY_MS = 60000,
    THREAD_KEY_MAX_BYTES = 200,
    CONTACT_MAX_BYTES = 200,
    CHALLENGE_MAX_BYTES = 256,
    CODE_MAX_BYTES = 64,
    MINUTE_MS = 60000,
};

static const char received[] = "webhook_received";

/* One request, as far as it came. */
struct intake {
    struct call *call;
    struct store *store;
    struct source source;
    struct str keys[SOURCE_SECRETS_MAX];
    int key_count;
    struct signature_request request;
    const struct json *body;
    struct str event_id, signed_sha256;   /* the latter empty: the id is signed */
    const struct json *events, *messages; /* arrays */
    char error[MAPPING_ERROR_BYTES + 32]; /* what of it could not be mapped */
    struct agent_row agent;               /* with messages */
    struct id id;                         /* of the delivery */
    struct id conversation;               /* of the last message; unset: none */
    bool duplicate;
    int64_t counted_until_ms; /* among those of a minute that ends then; 0: it is not */
};

/* ---- who is it ----------------------------------------------------------- */

static enum err nobody(struct ctx *c, enum err e)
{
    return e == E_NOT_FOUND ? ctx_fail(c, E_NOT_FOUND, "nothing lives at this address") : e;
}

static enum err find_source(struct ctx *c, struct intake *t)
{
    struct known known;
    TRY(nobody(c, known_find(c, t->call->params[0], t->call->params[1], &known)));
    c->actor_kind = ACTOR_SYSTEM;
    t->source = known.source;
    t->key_count = known.key_count;
    for (int i = 0; i < known.key_count; i++) {
        t->keys[i] = known.keys[i];
    }
    return E_OK;
}

/* As the sender knows it: what stands before us may have another name and port. */
static struct str url_of(struct ctx *c, const struct request_in *in)
{
    struct str base = host_settings(c)->public_url;
    while (str_ends(base, STR("/"))) {
        base = str_sub(base, 0, base.n - 1);
    }
    if (!base.n) {
        base = str_fmt(c->arena, "http%s://%.*s", in->tls ? "s" : "",
                       STR_ARG(request_header(in, "Host")));
    }
    return str_fmt(c->arena, "%.*s%.*s%s%.*s", STR_ARG(base), STR_ARG(in->path),
                   in->query.n ? "?" : "", STR_ARG(in->query));
}

static enum err verify(struct ctx *c, struct intake *t)
{
    const struct request_in *in = t->call->in;
    t->request = (struct signature_request){
        .method = in->method,
        .url = url_of(c, in),
        .query = in->query,
        .headers = in->headers,
        .header_count = in->header_count,
        .body = in->body,
        .now_ms = ctx_now_ms(c),
    };
    switch (signature_check(c->arena, &t->source.scheme, &t->request, t->keys, t->key_count)) {
    case SIGNATURE_GOOD:
        return E_OK;
    case SIGNATURE_STALE:
        return ctx_fail_field(c, E_UNAUTHENTICATED, "timestamp",
                              "the signature is good, but its time is not within %d s of ours",
                              t->source.scheme.tolerance_s);
    case SIGNATURE_MISSING:
        return ctx_fail_field(c, E_UNAUTHENTICATED, "signature",
                              "the request is not signed as this source signs: see %s",
                              t->source.scheme.header);
    default:
        return ctx_fail_field(c, E_UNAUTHENTICATED, "signature", "the signature does not fit");
    }
}

static struct str rate_key(struct ctx *c, const struct intake *t)
{
    return str_fmt(c->arena, "webhook:%lld", (long long)t->source.number);
}

static enum err admit(struct ctx *c, struct intake *t)
{
    const struct source_config *config = &t->source.config;
    if (config->paused) {
        ctx_fail(c, E_UNAVAILABLE, "this source is paused; try again later");
        c->fault.retry_after_ms = PAUSED_RETRY_MS;
        c->fault.meant = true;
        return E_UNAVAILABLE;
    }
    return call_count_until(c, rate_key(c, t), config->per_minute, MINUTE_MS, &t->counted_until_ms);
}

/* Whatever keeps it from being stored passes: the sender shall try again, and what it sends then is
 * not one more. */
static enum err again_later(struct ctx *c, struct intake *t, enum err e)
{
    bool ours = e == E_TIMEOUT || e == E_FULL || e == E_INTERNAL || e == E_CONFLICT;
    if (t->counted_until_ms && (ours || e == E_UNAVAILABLE)) {
        call_uncount(c, rate_key(c, t), MINUTE_MS, t->counted_until_ms);
        t->counted_until_ms = 0;
    }
    if (!ours) {
        return e;
    }
    log_at(c, LOG_ERROR, "a webhook could not be stored", LOG_Z("error", c->fault.text));
    return ctx_fail(c, E_UNAVAILABLE, "this could not be stored now; try again later");
}

/* ---- what does it say ---------------------------------------------------- */

static enum err read_body(struct ctx *c, struct intake *t)
{
    struct json_fault fault = {0};
    enum err e = mapping_read(c->arena, &t->request, &t->body, &fault);
    return e == E_OK ? E_OK
                     : ctx_fail_place(c, e, fault.line, fault.column,
                                      "the body is signed, but it cannot be read: %s", fault.text);
}

/* What cannot be mapped is no fault of the sender's: it is stored, and says so. */
static void map(struct ctx *c, struct intake *t, const char *what, struct str source,
                const struct json **out)
{
    char error[MAPPING_ERROR_BYTES] = "";
    struct mapping_input in = {t->body, &t->request};
    *out = &json_empty_array;
    if (source.n && mapping_run(c->arena, source, &in, out, error) != E_OK) {
        snprintf(t->error, sizeof(t->error), "%s: %s", what, error);
        *out = &json_empty_array;
    }
}

static const struct topic_type *type_of(const struct json *event, const struct topic **out_topic)
{
    const struct topic *topic = topic_find(json_str(event, "topic", STR("")));
    *out_topic = topic;
    return topic ? topic_find_type(topic, json_str(event, "type", STR(""))) : NULL;
}

static bool is_event(struct arena *a, const struct json *v)
{
    const struct topic *topic;
    const struct json *payload = json_get(v, "payload");
    return type_of(v, &topic) &&
           (json_is_null(payload) ||
            (json_is(payload, JSON_OBJECT) && json_write(a, payload).n <= TOPIC_PAYLOAD_MAX_BYTES));
}

static void check_events(struct ctx *c, struct intake *t)
{
    for (size_t i = 0; i < json_count(t->events); i++) {
        if (!is_event(c->arena, json_at(t->events, i))) {
            snprintf(t->error, sizeof(t->error),
                     "event: number %zu names no registered topic and type, or its payload is no "
                     "object of at most %d bytes",
                     i + 1, TOPIC_PAYLOAD_MAX_BYTES);
            t->events = &json_empty_array;
        }
    }
}

static bool is_key(struct str s, size_t max_bytes)
{
    return s.n > 0 && s.n <= max_bytes && str_find_char(s, '\0') < 0;
}

static void check_messages(struct ctx *c, struct intake *t)
{
    for (size_t i = 0; i < json_count(t->messages); i++) {
        const struct json *m = json_at(t->messages, i);
        struct str contact = mapping_text(c->arena, json_get(m, "contact"));
        struct str thread = mapping_text(c->arena, json_get(m, "conversation"));
        struct str text = str_trim(mapping_text(c->arena, json_get(m, "text")));
        struct str external = mapping_text(c->arena, json_get(m, "external_id"));
        if (!is_key(contact, CONTACT_MAX_BYTES) || !text.n || str_find_char(text, '\0') >= 0 ||
            str_find_char(external, '\0') >= 0 ||
            (thread.n && !is_key(thread, THREAD_KEY_MAX_BYTES))) {
            snprintf(t->error, sizeof(t->error),
                     "message: number %zu has no contact or no text, or holds a NUL", i + 1);
            t->messages = &json_empty_array;
        }
    }
}

static enum err understand(struct ctx *c, struct intake *t)
{
    const struct source_config *config = &t->source.config;
    struct mapping_input in = {t->body, &t->request};
    t->event_id = mapping_event_id(c->arena, &t->source.scheme, config->event_id, &in);
    t->signed_sha256 =
        config->event_id.n ? STR("") : signature_digest(c->arena, &t->source.scheme, &t->request);
    map(c, t, "event", config->event, &t->events);
    map(c, t, "message", config->message, &t->messages);
    check_events(c, t);
    check_messages(c, t);
    if (json_count(t->messages) == 0) {
        return E_OK;
    }
    enum err e = registry_by_slug(c, config->agent, &t->agent);
    return e == E_NOT_FOUND ? ctx_fail(c, E_UNAVAILABLE, "the agent of this source is not there")
                            : e;
}

/* ---- on disk ------------------------------------------------------------- */

static enum err emit_received(struct ctx *c, struct intake *t)
{
    struct arena *a = c->arena;
    struct str slug = t->source.config.slug;
    const struct json *p = json_object(a, {"source", json_new_str(a, slug)},
                                       {"source_id", json_new_str(a, id_str(&t->source.id))},
                                       {"delivery_id", json_new_str(a, id_str(&t->id))},
                                       {"event_id", json_new_str(a, t->event_id)});
    return topic_emit(c, t->store, .topic = "communication_events", .type = received, .key = slug,
                      .payload = p, .source_service = "webhook", .event_id = t->id,
                      .idempotency_key = t->event_id);
}

static enum err emit_mapped(struct ctx *c, struct intake *t, const struct json *event)
{
    const struct topic *topic;
    const struct topic_type *type = type_of(event, &topic);
    struct str key = mapping_text(c->arena, json_get(event, "key"));
    const struct json *payload = json_get(event, "payload");
    return topic_emit(c, t->store, .topic = topic->name, .type = type->name,
                      .key = is_key(key, TOPIC_KEY_MAX_BYTES) ? key : t->source.config.slug,
                      .payload = json_is_null(payload) ? NULL : payload,
                      .source_service = "webhook", .causation_id = id_str(&t->id),
                      .idempotency_key = t->event_id);
}

/* The conversation that goes on under the key, or a new one. */
static enum err find_thread(struct ctx *c, struct intake *t, const struct json *m, struct str key,
                            struct conversation *out)
{
    struct store_rows rows;
    struct record contact;
    struct str channel = t->source.config.channel;
    TRY(store_query(c, t->store, &rows,
                    "SELECT conversation_id FROM webhook_thread WHERE source = ?1 AND key = ?2",
                    S_INT(t->source.number), S_STR(key)));
    if (rows.count) {
        struct id id = row_id(&rows, 0, 0);
        TRY(conversation_get(c, t->store, &id, out));
        if (conversation_is_open(out) && conversation_has_room(out) &&
            id_eq(&out->agent, &t->agent.id)) {
            return E_OK;
        }
    }
    struct str name = text_cut_bytes(json_str(m, "name", STR("")), 120);
    TRY(record_contact_of(c, t->store, channel, mapping_text(c->arena, json_get(m, "contact")),
                          name, &contact));
    *out = (struct conversation){.contact = contact.id,
                                 .channel = channel,
                                 .agent = t->agent.id,
                                 .agent_version = t->agent.active_version};
    TRY(conversation_create(c, t->store, out));
    return store_exec(c, t->store, NULL,
                      "INSERT INTO webhook_thread (source, key, conversation_id)"
                      " VALUES (?1, ?2, ?3) ON CONFLICT (source, key)"
                      " DO UPDATE SET conversation_id = excluded.conversation_id",
                      S_INT(t->source.number), S_STR(key), S_ID(&out->id));
}

/* Through the same door as a chat message: stored under its sender's id, told, a turn ordered. */
static enum err receive(struct ctx *c, struct intake *t, const struct json *m)
{
    struct arena *a = c->arena;
    struct conversation v;
    struct received got;
    struct str key = mapping_text(a, json_get(m, "conversation"));
    struct str external = mapping_text(a, json_get(m, "external_id"));
    key = key.n ? key : mapping_text(a, json_get(m, "contact"));
    TRY(find_thread(c, t, m, key, &v));
    struct message message = {
        .text =
            text_cut_bytes(str_trim(mapping_text(a, json_get(m, "text"))), MESSAGE_TEXT_MAX_BYTES),
        .client_id =
            external.n > MESSAGE_CLIENT_ID_MAX_BYTES ? hmac_sha256_hex(a, external) : external,
    };
    TRY(conversation_receive(c, t->store, &v.id, &message, &got));
    t->conversation = v.id;
    return E_OK;
}

static struct str outcome_of(struct ctx *c, const struct intake *t)
{
    struct arena *a = c->arena;
    bool any = t->error[0] || id_is_set(&t->conversation) || json_count(t->events);
    if (!any) {
        return STR("{}");
    }
    const struct json *v = json_object(
        a, {"error", t->error[0] ? json_new_str(a, str_of(t->error)) : NULL},
        {"events", json_count(t->events) ? json_new_int(a, json_count(t->events)) : NULL},
        {"conversation_id",
         id_is_set(&t->conversation) ? json_new_str(a, id_str(&t->conversation)) : NULL});
    return json_write(a, v);
}

/* It was stored before: a sender whose first answer was lost hears the same id and conversation. */
static enum err recall_delivery(struct ctx *c, struct intake *t)
{
    struct store_rows rows;
    const struct json *outcome;
    struct json_fault fault;
    TRY(store_query(c, t->store, &rows,
                    "SELECT id, outcome FROM webhook_delivery WHERE source = ?1"
                    " AND (event_id = ?2 OR signed_sha256 = ?3) ORDER BY id LIMIT 1",
                    S_INT(t->source.number), S_STR(t->event_id), S_OPT(t->signed_sha256)));
    if (rows.count == 0) {
        return E_OK;
    }
    t->id = row_id(&rows, 0, 0);
    if (json_parse(c->arena, row_str(&rows, 0, 1), &outcome, &fault) == E_OK) {
        id_parse(json_str(outcome, "conversation_id", STR("")), &t->conversation);
    }
    return E_OK;
}

static enum err store_in(struct ctx *c, void *arg)
{
    struct intake *t = arg;
    int64_t stored;
    struct str type = text_cut_bytes(signature_header(&t->request, "Content-Type"), 100);
    t->conversation = (struct id){0};
    TRY(store_exec(c, t->store, &stored,
                   "INSERT INTO webhook_delivery (source, event_id, id, received_at, content_type,"
                   " body, outcome, signed_sha256) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"
                   " ON CONFLICT DO NOTHING",
                   S_INT(t->source.number), S_STR(t->event_id), S_ID(&t->id), S_INT(ctx_now_ms(c)),
                   S_STR(str_is_utf8(type) ? type : STR("")), S_BLOB(t->request.body),
                   S_STR(outcome_of(c, t)), S_OPT(t->signed_sha256)));
    t->duplicate = stored == 0;
    if (t->duplicate) {
        return recall_delivery(c, t);
    }
    TRY(emit_received(c, t));
    for (size_t i = 0; i < json_count(t->events); i++) {
        TRY(emit_mapped(c, t, json_at(t->events, i)));
    }
    for (size_t i = 0; i < json_count(t->messages); i++) {
        TRY(receive(c, t, json_at(t->messages, i)));
    }
    if (!id_is_set(&t->conversation)) {
        return E_OK;
    }
    return store_exec(c, t->store, NULL,
                      "UPDATE webhook_delivery SET outcome = ?3 WHERE source = ?1 AND event_id ="
                      " ?2",
                      S_INT(t->source.number), S_STR(t->event_id), S_STR(outcome_of(c, t)));
}

/* ---- answering ----------------------------------------------------------- */

static void answer(struct intake *t)
{
    struct json_out *o = call_json(t->call);
    json_open_object(o);
    json_field_str(o, "id", id_str(&t->id));
    if (t->duplicate) {
        json_field_bool(o, "duplicate", true);
    }
    if (id_is_set(&t->conversation)) {
        json_field_str(o, "conversation_id", id_str(&t->conversation));
    }
    json_close_object(o);
}

static enum err answer_text(struct ctx *c, struct call *call, struct str text)
{
    call->status = 200;
    call->out->body = str_dup(c->arena, text);
    response_header(call->out, "Content-Type", STR("text/plain"));
    return E_OK;
}

static bool is_challenge(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] <= ' ' || s.p[i] > '~' || s.p[i] == '<') {
            return false;
        }
    }
    return s.n > 0 && s.n <= CHALLENGE_MAX_BYTES;
}

static bool is_slack_check(const struct intake *t)
{
    return t->source.scheme.handshake == SIGNATURE_SLACK &&
           str_eqz(json_str(t->body, "type", STR("")), "url_verification") &&
           is_challenge(json_str(t->body, "challenge", STR("")));
}

static enum err finish(struct ctx *c, struct call *call, enum err e, void *arg)
{
    struct intake *t = arg;
    TRY(again_later(c, t, e));
    t->call = call;
    answer(t);
    return E_OK;
}

static enum err store_with_others(struct ctx *c, struct store *s, void *arg)
{
    struct intake *t = arg;
    t->store = s;
    return store_in(c, t);
}

enum err intake_post(struct ctx *c, struct call *call)
{
    struct intake t = {.call = call};
    if (call->in->body.n > INTAKE_BODY_MAX_BYTES) {
        return ctx_fail(c, E_TOO_LARGE, "a webhook's body has at most %d bytes",
                        INTAKE_BODY_MAX_BYTES);
    }
    enum err e = find_source(c, &t);
    e = e == E_OK ? verify(c, &t) : e;
    if (e == E_NOT_FOUND || e == E_UNAUTHENTICATED) {
        return call_refuse(c, call, e);
    }
    TRY(again_later(c, &t, e));
    TRY(admit(c, &t));
    TRY(read_body(c, &t));
    if (is_slack_check(&t)) {
        return answer_text(c, call, json_str(t.body, "challenge", STR("")));
    }
    TRY(again_later(c, &t, understand(c, &t)));
    t.id = id_new(ctx_now_ms(c));
    struct intake *kept = arena_memdup(c->arena, &t, sizeof(t));
    struct batch_job job = {.write = store_with_others, .done = finish, .arg = kept};
    /* a message may be refused (too many in a minute): it would take its group with it */
    if (json_count(t.messages) == 0 && call_batch(c, call, &job)) {
        return E_OK;
    }
    enum err stored = store_of(c, &kept->store);
    stored = stored == E_OK ? store_transact(c, kept->store, store_in, kept) : stored;
    return finish(c, call, stored, kept);
}

/* ---- handshakes ---------------------------------------------------------- */

static enum err meet_meta(struct ctx *c, struct intake *t)
{
    struct str token = STR(""), given = call_query(c, t->call, "hub.verify_token");
    struct str challenge = call_query(c, t->call, "hub.challenge");
    struct str name = t->source.config.verify_secret;
    enum err e = store_of(c, &t->store);
    TRY(again_later(c, t, e));
    e = name.n ? vault_get(c, t->store, name, &token) : E_NOT_FOUND;
    if (e != E_OK && e != E_NOT_FOUND) {
        return again_later(c, t, e);
    }
    bool ours = e == E_OK && token.n && str_eq_secret(token, given) &&
                str_eqz(call_query(c, t->call, "hub.mode"), "subscribe");
    if (!ours || !is_challenge(challenge)) {
        return call_refuse(c, t->call,
                           ctx_fail(c, E_DENIED, "the verify token is not this source's"));
    }
    return answer_text(c, t->call, challenge);
}

/* A UUID: no bytes of a request, whose signature would be given away. */
static bool is_code(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char ch = s.p[i];
        bool hex = (ch >= '0' && ch <= '9') || ((ch | 32) >= 'a' && (ch | 32) <= 'f');
        if (!hex && ch != '-') {
            return false;
        }
    }
    return s.n > 0 && s.n <= CODE_MAX_BYTES;
}

static enum err meet_linkedin(struct ctx *c, struct intake *t)
{
    struct str code = call_query(c, t->call, "challengeCode");
    if (!is_code(code) || t->key_count == 0) {
        return call_refuse(
            c, t->call,
            ctx_fail_field(c, E_INVALID, "challengeCode", "the query holds no challengeCode"));
    }
    struct json_out *o = call_json(t->call);
    json_open_object(o);
    json_field_str(o, "challengeCode", code);
    json_field_str(o, "challengeResponse", hmac_hex(c->arena, t->keys[0], code));
    json_close_object(o);
    return E_OK;
}

enum err intake_get(struct ctx *c, struct call *call)
{
    struct intake t = {.call = call};
    enum err e = find_source(c, &t);
    enum signature_handshake how = t.source.scheme.handshake;
    if (e == E_OK && how != SIGNATURE_META && how != SIGNATURE_LINKEDIN) {
        e = nobody(c, E_NOT_FOUND);
    }
    if (e == E_NOT_FOUND) {
        return call_refuse(c, call, e);
    }
    TRY(again_later(c, &t, e));
    return how == SIGNATURE_META ? meet_meta(c, &t) : meet_linkedin(c, &t);
}

/* ---- looking at what came ------------------------------------------------ */

#define DELIVERY "id, event_id, received_at, content_type, length(body), outcome"

static void write_delivery(struct json_out *o, const struct store_rows *r, int row)
{
    json_field_str(o, "id", row_str(r, row, 0));
    json_field_str(o, "event_id", row_str(r, row, 1));
    json_field_int(o, "received_at", row_int(r, row, 2));
    json_field_str(o, "content_type", row_str(r, row, 3));
    json_field_int(o, "body_bytes", row_int(r, row, 4));
    json_name(o, "outcome");
    json_put_raw(o, row_str(r, row, 5));
}

enum err intake_list(struct ctx *c, struct call *call)
{
    struct id id;
    struct source source;
    struct store_rows rows;
    int limit;
    struct str cursor = call_query(c, call, "cursor");
    TRY(call_id(c, call, 0, &id));
    TRY(source_get(c, call->store, &id, &source));
    TRY(call_limit(c, call, &limit));
    TRY(store_query(c, call->store, &rows,
                    "SELECT " DELIVERY " FROM webhook_delivery"
                    " WHERE source = ?1 AND (?2 = '' OR id < ?2) ORDER BY id DESC LIMIT ?3",
                    S_INT(source.number), S_STR(cursor), S_INT(limit)));
    struct json_out *o = call_list_begin(call);
    for (int i = 0; i < rows.count; i++) {
        json_open_object(o);
        write_delivery(o, &rows, i);
        json_close_object(o);
    }
    call_list_end(call, rows.count == limit ? row_str(&rows, rows.count - 1, 0) : STR(""));
    return E_OK;
}

enum err intake_one(struct ctx *c, struct call *call)
{
    struct id id, delivery;
    struct source source;
    struct store_rows rows;
    TRY(call_id(c, call, 0, &id));
    TRY(call_id(c, call, 1, &delivery));
    TRY(source_get(c, call->store, &id, &source));
    TRY(store_query(c, call->store, &rows,
                    "SELECT " DELIVERY ", body FROM webhook_delivery"
                    " WHERE source = ?1 AND id = ?2",
                    S_INT(source.number), S_ID(&delivery)));
    if (rows.count == 0) {
        return ctx_fail(c, E_NOT_FOUND, "not found");
    }
    struct str body = row_str(&rows, 0, 6);
    bool text = str_is_utf8(body);
    struct json_out *o = call_json(call);
    json_open_object(o);
    write_delivery(o, &rows, 0);
    json_field_str(o, text ? "body" : "body_base64", text ? body : base64_encode(c->arena, body));
    json_close_object(o);
    return E_OK;
}
