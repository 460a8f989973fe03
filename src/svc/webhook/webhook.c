#include "host/org.h"
#include "host/settings.h"
#include "svc/webhook/intake.h"
#include "svc/webhook/source.h"

extern const struct service webhook_service;

/* ---- sources ------------------------------------------------------------- */

/* Where the sender sends to. */
static enum err write_source(struct ctx *c, struct json_out *o, const struct source *source)
{
    struct org org;
    TRY(org_entry(c, &c->org, &org));
    json_open_object(o);
    json_field_str(o, "id", id_str(&source->id));
    for (size_t i = 0; i < json_count(source->data); i++) {
        json_name_str(o, source->data->members[i].name);
        json_put(o, &source->data->members[i].value);
    }
    json_field_str(
        o, "path",
        str_fmt(c->arena, "/hooks/%.*s/%.*s", STR_ARG(org.slug), STR_ARG(source->config.slug)));
    json_field_int(o, "version", source->version);
    json_field_int(o, "created_at", source->created_at_ms);
    json_field_int(o, "updated_at", source->updated_at_ms);
    json_close_object(o);
    return E_OK;
}

static struct str tag_of(struct ctx *c, const struct source *source)
{
    return str_fmt(c->arena, "\"%lld\"", (long long)source->version);
}

static enum err answer(struct ctx *c, struct call *call, const struct source *source)
{
    call_etag(call, tag_of(c, source));
    return write_source(c, call_json(call), source);
}

static enum err list(struct ctx *c, struct call *call)
{
    const struct source *all;
    int count;
    TRY(source_list(c, call->store, &all, &count));
    struct json_out *o = call_list_begin(call);
    for (int i = 0; i < count; i++) {
        TRY(write_source(c, o, &all[i]));
    }
    call_list_end(call, STR(""));
    return E_OK;
}

static enum err find(struct ctx *c, struct call *call, struct source *out)
{
    struct id id;
    TRY(call_id(c, call, 0, &id));
    return source_get(c, call->store, &id, out);
}

static enum err get(struct ctx *c, struct call *call)
{
    struct source source;
    TRY(find(c, call, &source));
    return answer(c, call, &source);
}

static enum err audited(struct ctx *c, struct call *call, const char *action,
                        const struct source *source)
{
    const struct json *detail =
        json_object(c->arena, {"slug", json_new_str(c->arena, source->config.slug)},
                    {"scheme", json_new_str(c->arena, source->config.scheme)});
    return audit_add(c, call->store, action, id_str(&source->id), detail);
}

static enum err post(struct ctx *c, struct call *call)
{
    struct source source;
    TRY(source_create(c, call->store, call->body, &source));
    TRY(audited(c, call, "webhook_source_created", &source));
    return answer(c, call, &source);
}

static enum err patch(struct ctx *c, struct call *call)
{
    struct source source;
    TRY(find(c, call, &source));
    TRY(call_if_match(c, call, tag_of(c, &source)));
    const struct json *data = json_merge(c->arena, source.data, call->body);
    if (json_equal(data, source.data)) { /* asked again, since the first answer was lost */
        return answer(c, call, &source);
    }
    TRY(source_update(c, call->store, &source.id, data, &source));
    TRY(audited(c, call, "webhook_source_updated", &source));
    return answer(c, call, &source);
}

static enum err delete (struct ctx *c, struct call *call) {
    struct source source; TRY(find(c, call, &source));
    TRY(call_if_match(c, call, tag_of(c, &source)));
    TRY(source_delete(c, call->store, &source.id));
    return audited(c, call, "webhook_source_removed", &source);
}

static void field_z(struct json_out *o, const char *name, const char *value)
{
    if (value) {
        json_field_str(o, name, str_of(value));
    } else {
        json_field_null(o, name);
    }
}

static enum err list_schemes(struct ctx *c, struct call *call)
{
    const struct signature_scheme *s;
    struct json_out *o = call_list_begin(call);
    (void)c;
    for (int i = 0; (s = signature_at(i)); i++) {
        json_open_object(o);
        field_z(o, "name", s->name);
        field_z(o, "title", s->title);
        field_z(o, "header", s->header);
        field_z(o, "signs", s->signs);
        field_z(o, "id_header", s->id_header);
        field_z(o, "id_path", s->id_path);
        if (s->tolerance_s) {
            json_field_int(o, "tolerance_s", s->tolerance_s);
        } else {
            json_field_null(o, "tolerance_s");
        }
        json_close_object(o);
    }
    call_list_end(call, STR(""));
    return E_OK;
}

/* ---- the descriptor ------------------------------------------------------ */

static enum err expire(struct ctx *c, struct job *job)
{
    struct store *s;
    (void)job;
    TRY(store_of(c, &s));
    return source_expire(c, s);
}

static const struct job_kind jobs[] = {
    {.kind = "webhook_expire", .run = expire, .lane = LANE_BACKGROUND, .timeout_ms = 600000},
    {0},
};

static const struct job_schedule schedules[] = {
    {.kind = "webhook_expire", .daily_at_min = 4 * 60 + 10},
    {0},
};

#define WRITES (ROLE_ADMIN | ROLE_ENGINEER)
#define HOOK   "/hooks/{org}/{source}"

static const struct route routes[] = {
    {"POST", HOOK, ROLE_PUBLIC, "", intake_post,
     "An event of a sender outside, signed as its source says", NULL, 0,
     ROUTE_RAW | ROUTE_NO_STORE | ROUTE_SIGNED},
    {"GET", HOOK, ROLE_PUBLIC, "", intake_get,
     "The handshakes of Meta (hub.challenge) and LinkedIn (challengeCode)", NULL, 0,
     ROUTE_NO_STORE | ROUTE_SIGNED},
    {"GET", "/api/v1/webhook-schemes", ROLE_BUILDS, "webhooks:read", list_schemes,
     "How senders sign", NULL, 0, 0},
    {"GET", "/api/v1/webhook-sources", ROLE_BUILDS, "webhooks:read", list,
     "Who may send signed webhooks", NULL, 0, 0},
    {"POST", "/api/v1/webhook-sources", WRITES, "webhooks:write", post, "Add a webhook source",
     &source_table, sizeof(struct source_config), ROUTE_CREATES | ROUTE_ONCE},
    {"GET", "/api/v1/webhook-sources/{id}", ROLE_BUILDS, "webhooks:read", get, "A webhook source",
     NULL, 0, 0},
    {"PATCH", "/api/v1/webhook-sources/{id}", WRITES, "webhooks:write", patch,
     "Change a webhook source (RFC 7396)", NULL, 0, ROUTE_ONCE},
    {"DELETE", "/api/v1/webhook-sources/{id}", WRITES, "webhooks:write", delete,
     "Remove a webhook source", NULL, 0, ROUTE_ONCE},
    {"GET", "/api/v1/webhook-sources/{id}/deliveries", ROLE_BUILDS, "webhooks:read", intake_list,
     "What it received, newest first, and what became of it", NULL, 0, 0},
    {"GET", "/api/v1/webhook-sources/{id}/deliveries/{delivery}", ROLE_BUILDS, "webhooks:read",
     intake_one, "One of them, with its body", NULL, 0, 0},
    {0},
};

#define DELIVERIES "/api/v1/webhook-sources/{id}/deliveries"

static const struct query_key queries[] = {
    {DELIVERIES, "limit", "integer", "1 to 200, default 50"},
    {DELIVERIES, "cursor", "string", "next_cursor of the page before"},
    {HOOK, "hub.challenge", "string", "Meta: answered as it is when hub.verify_token is ours"},
    {HOOK, "challengeCode", "string", "LinkedIn: answered with its signature"},
    {0},
};

/* And whatever the mappings of an org name. */
static const char *const emits[] = {"communication_events", "conversation_events", NULL};

const struct service webhook_service = {
    .name = "webhook",
    .purpose = "Signed webhooks of services outside: verified, stored once, told, answered.",
    .routes = routes,
    .queries = queries,
    .jobs = jobs,
    .schedules = schedules,
    .migrations = source_migrations,
    .emits = emits,
};
