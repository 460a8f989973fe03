#include "svc/identity/key_routes.h"
#include "svc/identity/member.h"
#include "svc/identity/member_routes.h"
#include "svc/identity/org_routes.h"
#include "svc/identity/sign_in.h"

extern const struct service identity_service;

/* ---- declared reads ------------------------------------------------------ */

static enum err ask_member(struct ctx *c, const struct json *question, const struct json **out)
{
    struct id id;
    struct member m;
    if (!id_parse(json_str(question, "id", STR("")), &id)) {
        return ctx_fail(c, E_NOT_FOUND, "no such member");
    }
    TRY(member_get(c, &id, &m));
    *out = json_object(c->arena, {"id", json_new_str(c->arena, str_dup(c->arena, id_str(&m.id)))},
                       {"name", json_new_str(c->arena, m.name)},
                       {"email", json_new_str(c->arena, m.email)});
    return E_OK;
}

/* Who is called what: the names of the org's members by their e-mail, so that one may be spoken of
 * by name. */
static enum err ask_names(struct ctx *c, const struct json *question, const struct json **out)
{
    enum { NAMES_MAX = 500 };
    struct store *s;
    struct store_rows rows;
    const struct json *names = &json_empty_object;
    (void)question;
    TRY(store_of(c, &s));
    TRY(store_query(c, s, &rows, "SELECT email, name FROM member ORDER BY email LIMIT ?1",
                    S_INT(NAMES_MAX)));
    for (int i = 0; i < rows.count; i++) {
        names = json_with(c->arena, names, row_str(&rows, i, 0),
                          json_new_str(c->arena, row_str(&rows, i, 1)));
    }
    *out = json_object(c->arena, {"names", names});
    return E_OK;
}

static enum err ask_member_of(struct ctx *c, const struct json *question, const struct json **out)
{
    struct member m;
    enum err e = member_by_email(c, str_trim(json_str(question, "email", STR(""))), &m);
    if (e == E_NOT_FOUND) {
        ctx_forgive(c);
        *out = &json_empty_object;
        return E_OK;
    }
    TRY(e);
    *out = json_object(c->arena, {"id", json_new_str(c->arena, str_dup(c->arena, id_str(&m.id)))});
    return E_OK;
}

static const struct ask asks[] = {
    {"identity.member", ask_member, "{id} -> {id, name, email}"},
    {"identity.member_of", ask_member_of, "{email} -> {id}, or {} when no member has it"},
    {"identity.names", ask_names, "{} -> names of members by e-mail"},
    {0},
};

static const struct route routes[] = {
    {"POST", "/api/v1/auth/login", ROLE_PUBLIC, "", sign_in_password, "Sign in with a password",
     &sign_in_table, sizeof(struct sign_in_body), 0},
    {"POST", "/api/v1/auth/local", ROLE_PUBLIC, "", sign_in_local,
     "Sign in as the owner of the data folder", &sign_in_local_table,
     sizeof(struct sign_in_local_body), 0},
    {"POST", "/api/v1/auth/guest", ROLE_PUBLIC, "", sign_in_guest,
     "A token of 15 minutes for what an organisation shows to guests", &sign_in_guest_table,
     sizeof(struct sign_in_guest_body), 0},
    {"POST", "/api/v1/auth/refresh", ROLE_PUBLIC, "", sign_in_refresh,
     "A new access token for a refresh token", &sign_in_refresh_table,
     sizeof(struct sign_in_refresh_body), ROUTE_OPTIONAL_BODY},
    {"POST", "/api/v1/auth/logout", ROLE_PUBLIC, "", sign_in_end, "End the session",
     &sign_in_refresh_table, sizeof(struct sign_in_refresh_body), ROUTE_OPTIONAL_BODY},
    {"GET", "/api/v1/auth/me", ROLE_ANY, "identity:read", sign_in_me, "Who I am", NULL, 0, 0},
    {"GET", "/.well-known/jwks.json", ROLE_PUBLIC, "", sign_in_jwks, "Keys that sign access tokens",
     NULL, 0, 0},
    {"GET", "/api/v1/orgs", ROLE_OPERATOR, "orgs:read", org_routes_list, "Organisations", NULL, 0,
     0},
    {"POST", "/api/v1/orgs", ROLE_OPERATOR, "orgs:write", org_routes_post, "Make an organisation",
     &org_routes_table, sizeof(struct org_routes_body),
     ROUTE_CREATES | ROUTE_ONCE | ROUTE_PREPARES},
    {"GET", "/api/v1/orgs/{id}", ROLE_ANY, "orgs:read", org_routes_get, "An organisation", NULL, 0,
     0},
    {"PATCH", "/api/v1/orgs/{id}", ROLE_ADMIN | ROLE_OPERATOR, "orgs:write", org_routes_patch,
     "Change an organisation", &org_routes_table, sizeof(struct org_routes_body), ROUTE_ONCE},
    {"DELETE", "/api/v1/orgs/{id}", ROLE_OPERATOR, "orgs:erase", org_routes_delete,
     "Erase a suspended organisation for good", &org_routes_erase_table,
     sizeof(struct org_routes_erase_body), ROUTE_ONCE},
    {"GET", "/api/v1/members", ROLE_ANY, "members:read", member_routes_list, "Members", NULL, 0, 0},
    {"POST", "/api/v1/members", ROLE_ADMIN | ROLE_OPERATOR, "members:write", member_routes_post,
     "Add a member", &member_routes_table, sizeof(struct member_routes_body),
     ROUTE_CREATES | ROUTE_PREPARES},
    {"PATCH", "/api/v1/members/{id}", ROLE_ADMIN | ROLE_OPERATOR, "members:write",
     member_routes_patch, "Change a member", &member_routes_table,
     sizeof(struct member_routes_body), 0},
    {"DELETE", "/api/v1/members/{id}", ROLE_ADMIN | ROLE_OPERATOR, "members:write",
     member_routes_delete, "Remove a member", NULL, 0, 0},
    {"GET", "/api/v1/keys", ROLE_ADMIN | ROLE_ENGINEER | ROLE_OPERATOR, "keys:read",
     key_routes_list, "API keys", NULL, 0, 0},
    {"POST", "/api/v1/keys", ROLE_ADMIN | ROLE_ENGINEER | ROLE_OPERATOR, "keys:write",
     key_routes_post, "Make an API key; the secret is shown once", &key_routes_table,
     sizeof(struct key_routes_body), ROUTE_CREATES},
    {"POST", "/api/v1/keys/{id}/rotate", ROLE_ADMIN | ROLE_ENGINEER | ROLE_OPERATOR, "keys:write",
     key_routes_rotate, "A new secret; the old one works for a day", NULL, 0, ROUTE_ONCE},
    {"DELETE", "/api/v1/keys/{id}", ROLE_ADMIN | ROLE_ENGINEER | ROLE_OPERATOR, "keys:write",
     key_routes_delete, "Revoke an API key", NULL, 0, 0},
    {"GET", "/api/v1/secrets", ROLE_ADMIN | ROLE_ENGINEER, "secrets:read", key_routes_list_secrets,
     "Names of secrets that tools refer to", NULL, 0, 0},
    {"PUT", "/api/v1/secrets/{name}", ROLE_ADMIN | ROLE_ENGINEER, "secrets:write",
     key_routes_put_secret, "Set a secret; it is never shown again", &key_routes_secret_table,
     sizeof(struct key_routes_secret_body), ROUTE_ONCE},
    {"DELETE", "/api/v1/secrets/{name}", ROLE_ADMIN | ROLE_ENGINEER, "secrets:write",
     key_routes_delete_secret, "Forget a secret", NULL, 0, ROUTE_ONCE},
    {"GET", "/api/v1/audit-entries", ROLE_ADMIN | ROLE_OPERATOR, "audit:read",
     org_routes_list_audit, "The audit log, newest first", NULL, 0, 0},
    {"GET", "/api/v1/audit-entries/check", ROLE_ADMIN | ROLE_OPERATOR, "audit:read",
     org_routes_check_audit, "Whether the audit log's chain of hashes is intact", NULL, 0, 0},
    {0},
};

static enum err expire(struct ctx *c, struct job *job)
{
    (void)job;
    return member_session_expire(c);
}

static const struct job_kind jobs[] = {
    {.kind = "identity_expire", .run = expire, .lane = LANE_BACKGROUND},
    {.kind = "identity_erase_org",
     .run = org_routes_erase,
     .lane = LANE_BACKGROUND,
     .tries = 50, /* tasks that still run there end some time */
     .timeout_ms = 15 * 60 * 1000},
    {0},
};

static const struct job_schedule schedules[] = {
    {.kind = "identity_expire", .daily_at_min = 3 * 60 + 50},
    {0},
};

static const char *const emits[] = {"auth_events", "org_events", NULL};

const struct service identity_service = {
    .name = "identity",
    .purpose = "Orgs, members, sign-in, API keys and the audit log.",
    .routes = routes,
    .asks = asks,
    .jobs = jobs,
    .schedules = schedules,
    .migrations = member_migrations,
    .system = member_system_rows,
    .emits = emits,
};
