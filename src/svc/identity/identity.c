#include "bus/topic.h"
#include "codec/seal.h"
#include "host/org.h"
#include "host/settings.h"
#include "store/cache.h"
#include "store/vault.h"
#include "svc/identity/member.h"

extern const struct service identity_service;

enum { FAILURES_MAX = 10, FAILURES_WINDOW_MS = 5 * 60 * 1000, HOUR_MS = 3600 * 1000 };

/* ---- bodies -------------------------------------------------------------- */

static const char *const session_kinds[] = {"token", "cookie", NULL};

struct login_body {
    struct str email, password, org;
    int session;
};
static const struct field login_fields[] = {
    FIELD(struct login_body, email, FIELD_STR, .flags = FIELD_REQUIRED | FIELD_PERSONAL,
          .max = 254),
    FIELD(struct login_body, password, FIELD_STR, .flags = FIELD_REQUIRED | FIELD_SECRET,
          .max = SEAL_PASSWORD_MAX_BYTES),
    FIELD(struct login_body, org, FIELD_STR, .max = 63,
          .title = "slug, where the address is known in several organisations"),
    FIELD(struct login_body, session, FIELD_ENUM, .values = session_kinds,
          .title = "where the refresh token goes: the answer, or an HttpOnly cookie"),
};
static const struct field_table login_table = FIELD_TABLE("SignIn", login_fields);

struct refresh_body {
    struct str refresh_token;
};
static const struct field refresh_fields[] = {
    FIELD(struct refresh_body, refresh_token, FIELD_STR, .flags = FIELD_SECRET, .max = 300),
};
static const struct field_table refresh_table = FIELD_TABLE("Refresh", refresh_fields);

struct local_body {
    struct str secret, org;
};
static const struct field local_fields[] = {
    FIELD(struct local_body, secret, FIELD_STR, .flags = FIELD_REQUIRED | FIELD_SECRET, .max = 64),
    FIELD(struct local_body, org, FIELD_STR, .flags = FIELD_REQUIRED, .max = 63),
};
static const struct field_table local_table = FIELD_TABLE("LocalSignIn", local_fields);

struct member_body {
    uint64_t given;
    struct str email, name, title, password, status;
    const struct json *roles;
};
static const struct field member_fields[] = {
    FIELD(struct member_body, email, FIELD_STR, .flags = FIELD_PERSONAL, .max = 254,
          .form = FIELD_EMAIL),
    FIELD(struct member_body, name, FIELD_STR, .flags = FIELD_PERSONAL, .max = 120),
    FIELD(struct member_body, title, FIELD_STR, .max = 120),
    FIELD(struct member_body, password, FIELD_STR, .flags = FIELD_SECRET,
          .max = SEAL_PASSWORD_MAX_BYTES),
    FIELD(struct member_body, status, FIELD_STR, .max = 20),
    FIELD(struct member_body, roles, FIELD_LIST, .min = 0, .max = 16),
};
static const struct field_table member_table =
    FIELD_TABLE_GIVEN("Member", member_fields, struct member_body, given);

struct key_body {
    struct str name;
    const struct json *scopes, *roles;
    int64_t expires_at;
};
static const struct field key_fields[] = {
    FIELD(struct key_body, name, FIELD_STR, .flags = FIELD_REQUIRED, .min = 1, .max = 80),
    FIELD(struct key_body, scopes, FIELD_LIST, .max = 50,
          .title = "such as conversations:read; [\"*\"] for all"),
    FIELD(struct key_body, roles, FIELD_LIST, .max = 16),
    FIELD(struct key_body, expires_at, FIELD_TIME),
};
static const struct field_table key_table = FIELD_TABLE("ApiKey", key_fields);

struct org_body {
    struct str name, slug, status;
    const struct json *settings;
};
static const struct field org_fields[] = {
    FIELD(struct org_body, name, FIELD_STR, .max = 200),
    FIELD(struct org_body, slug, FIELD_STR, .max = 63),
    FIELD(struct org_body, status, FIELD_STR, .max = 20),
    FIELD(struct org_body, settings, FIELD_OBJECT),
};
static const struct field_table org_table = FIELD_TABLE("Org", org_fields);

/* ---- sign-in ------------------------------------------------------------- */

static void write_member(struct ctx *c, struct json_out *o, const struct member *m)
{
    json_open_object(o);
    json_field_str(o, "id", id_str(&m->id));
    json_field_str(o, "name", m->name);
    json_field_str(o, "email", m->email);
    json_field_str(o, "title", m->title);
    json_field(o, "roles", role_names(c->arena, m->roles));
    json_field_str(o, "status", m->status);
    json_field_int(o, "created_at", m->created_at_ms);
    if (m->last_sign_in_at_ms) {
        json_field_int(o, "last_login_at", m->last_sign_in_at_ms);
    }
    json_close_object(o);
}

static enum err write_org(struct ctx *c, struct json_out *o, const struct id *id)
{
    struct org org;
    TRY(org_get(c, id, &org));
    json_open_object(o);
    json_field_str(o, "id", id_str(&org.id));
    json_field_str(o, "name", org.name);
    json_field_str(o, "slug", org.slug);
    json_field_str(o, "kind", org.kind);
    json_field_str(o, "status", org.status);
    json_field(o, "settings", org.settings);
    json_field_int(o, "created_at", org.created_at_ms);
    json_close_object(o);
    return E_OK;
}

static void set_cookie(struct ctx *c, struct call *call, struct str refresh, int64_t seconds)
{
    bool secure = call->in->tls || str_starts(host_settings(c)->public_url, STR("https://"));
    response_header(call->out, "Set-Cookie",
                    str_fmt(c->arena,
                            "rapport_refresh=%.*s; Path=/api/v1/auth; Max-Age=%lld; HttpOnly; "
                            "SameSite=Strict%s",
                            STR_ARG(refresh), (long long)seconds, secure ? "; Secure" : ""));
}

static enum err write_session(struct ctx *c, struct call *call, const struct member *m,
                              struct str refresh, bool cookie)
{
    struct str access;
    TRY(access_issue(c, &m->id, m->name, m->roles, &access));
    if (cookie) {
        set_cookie(c, call, refresh, SESSION_SECONDS);
    }
    struct json_out *o = call_json(call);
    json_open_object(o);
    json_field_str(o, "access_token", access);
    json_field_str(o, "token_type", STR("Bearer"));
    json_field_int(o, "expires_in", ACCESS_TOKEN_SECONDS);
    if (!cookie) {
        json_field_str(o, "refresh_token", refresh);
    }
    json_name(o, "member");
    write_member(c, o, m);
    json_name(o, "org");
    TRY(write_org(c, o, &c->org));
    json_close_object(o);
    return E_OK;
}

/* Tried addresses and names are counted before the password is looked at, so that guessing stays
 * slow whether or not the account exists. */
static enum err throttle(struct ctx *c, struct call *call, struct str email)
{
    struct cache_count n;
    struct id before = c->org;
    c->org = id_system();
    struct str by_peer = str_fmt(c->arena, "sign-in:%.*s", STR_ARG(call->in->peer));
    struct str by_name = str_fmt(c->arena, "sign-in-failures:%.*s", STR_ARG(email));
    int64_t most = host_settings(c)->sign_ins_per_hour;
    enum err e = E_OK;
    if (most > 0 && cache_incr(c, by_peer, 1, HOUR_MS, &n) == E_OK && n.count > most) {
        e = ctx_fail(c, E_LIMIT, "too many sign-ins from this address; try again later");
    } else if (cache_incr(c, by_name, 0, FAILURES_WINDOW_MS, &n) == E_OK &&
               n.count >= FAILURES_MAX) {
        e = ctx_fail(c, E_LIMIT, "too many failed sign-ins; try again in a few minutes");
    }
    if (e != E_OK) {
        c->fault.retry_after_ms = (int)(n.left_ms > 0 ? n.left_ms : 60000);
    }
    c->org = before;
    return e;
}

static void count_failure(struct ctx *c, struct str email)
{
    struct cache_count n;
    struct id before = c->org;
    c->org = id_system();
    cache_incr(c, str_fmt(c->arena, "sign-in-failures:%.*s", STR_ARG(email)), 1, FAILURES_WINDOW_MS,
               &n);
    c->org = before;
}

/* Which org's member has this address and password. A wrong address takes as long as a wrong
 * password. */
static enum err find_member(struct ctx *c, const struct login_body *in, struct str email,
                            struct member *out)
{
    static const char decoy[] = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$"
                                "wWKIMhR9lyDFvRz9YTZweHKfbftvj+qf+YFY4NeBbtA";
    const struct id *orgs;
    int count;
    bool tried = false;
    struct str slug = in->org;
    TRY(member_orgs(c, email, &orgs, &count));
    for (int i = 0; i < count; i++) {
        struct org org;
        struct member m;
        if (org_get(c, &orgs[i], &org) != E_OK || (slug.n && !str_eq(slug, org.slug))) {
            continue;
        }
        c->org = orgs[i];
        c->store = NULL;
        if (member_by_email(c, email, &m) != E_OK || !m.password_hash.n) {
            continue;
        }
        tried = true;
        if (seal_password_is(in->password, str_dupz(c->arena, m.password_hash)) &&
            str_eqz(m.status, "active") && str_eqz(org.status, "active")) {
            *out = m;
            return E_OK;
        }
    }
    if (!tried) {
        seal_password_is(in->password, decoy);
    }
    c->org = (struct id){0};
    return ctx_fail(c, E_UNAUTHENTICATED, "the e-mail address or the password is wrong");
}

static enum err emit_sign_in(struct ctx *c, const struct member *m)
{
    struct store *s;
    TRY(store_of(c, &s));
    TRY(store_begin(c, s));
    enum err e = topic_emit(
        c, s, .topic = "auth_events", .type = "user_logged_in", .key = id_str(&m->id),
        .payload = json_object(c->arena, {"user_id", json_new_str(c->arena, id_str(&m->id))}));
    e = e == E_OK ? audit_add(c, s, "signed_in", id_str(&m->id), NULL) : e;
    if (e != E_OK) {
        store_rollback(c, s);
        return e;
    }
    return store_commit(c, s);
}

static enum err login(struct ctx *c, struct call *call)
{
    const struct login_body *in = call->input;
    struct str email = str_lower(c->arena, str_trim(in->email)), refresh;
    struct member m;
    TRY(throttle(c, call, email));
    enum err e = find_member(c, in, email, &m);
    if (e == E_UNAUTHENTICATED) {
        count_failure(c, email);
    }
    TRY(e);
    c->actor = m.id;
    c->actor_kind = ACTOR_MEMBER;
    TRY(member_session_new(c, &m.id, &refresh));
    TRY(emit_sign_in(c, &m));
    return write_session(c, call, &m, refresh, in->session == 1);
}

/* The command line of the data folder's owner. */
static enum err login_local(struct ctx *c, struct call *call)
{
    const struct local_body *in = call->input;
    struct org org;
    struct str access;
    if (!access_is_local(c, in->secret)) {
        return ctx_fail(c, E_UNAUTHENTICATED, "this is not the secret of the running program");
    }
    TRY(org_by_slug(c, in->org, &org));
    c->org = org.id;
    struct id program = id_system();
    uint32_t roles = ROLE_ANY & ~(str_eqz(org.kind, "operator") ? 0 : ROLE_OPERATOR);
    TRY(access_issue(c, &program, STR("command line"), roles, &access));
    struct json_out *o = call_json(call);
    json_open_object(o);
    json_field_str(o, "access_token", access);
    json_field_int(o, "expires_in", ACCESS_TOKEN_SECONDS);
    json_close_object(o);
    return E_OK;
}

static enum err refresh(struct ctx *c, struct call *call)
{
    const struct refresh_body *in = call->input;
    struct str cookie = request_cookie(call->in, "rapport_refresh"), next;
    struct str given = in->refresh_token.n ? in->refresh_token : cookie;
    struct id id;
    struct member m;
    TRY(member_session_rotate(c, given, &id, &next));
    enum err e = member_get(c, &id, &m);
    if (e == E_NOT_FOUND || (e == E_OK && !str_eqz(m.status, "active"))) {
        return ctx_fail(c, E_UNAUTHENTICATED, "sign in again: the session has ended");
    }
    TRY(e);
    struct org org;
    TRY(org_get(c, &c->org, &org));
    if (!str_eqz(org.status, "active")) {
        return ctx_fail(c, E_UNAUTHENTICATED, "this organisation is suspended");
    }
    return write_session(c, call, &m, next, !in->refresh_token.n);
}

static enum err logout(struct ctx *c, struct call *call)
{
    const struct refresh_body *in = call->input;
    struct str cookie = request_cookie(call->in, "rapport_refresh");
    TRY(member_session_end(c, in->refresh_token.n ? in->refresh_token : cookie));
    if (cookie.n) {
        set_cookie(c, call, STR(""), 0);
    }
    call->status = 204;
    return E_OK;
}

static enum err me(struct ctx *c, struct call *call)
{
    struct json_out *o = call_json(call);
    struct member m = {
        .id = c->actor, .name = STR("API key"), .roles = c->roles, .status = STR("active")};
    if (c->actor_kind == ACTOR_MEMBER) {
        TRY(member_get(c, &c->actor, &m));
    }
    json_open_object(o);
    json_name(o, "member");
    write_member(c, o, &m);
    json_name(o, "org");
    TRY(write_org(c, o, &c->org));
    json_close_object(o);
    return E_OK;
}

static enum err jwks(struct ctx *c, struct call *call)
{
    struct str text;
    TRY(access_jwks(c, &text));
    call->out->body = text;
    call->status = 200;
    return E_OK;
}

/* ---- members ------------------------------------------------------------- */

static enum err parse_roles(struct ctx *c, const struct json *list, uint32_t *out)
{
    uint32_t bits = 0;
    for (size_t i = 0; i < json_count(list); i++) {
        struct str name = json_text(json_at(list, i), STR(""));
        uint32_t bit = role_parse(name);
        if (!bit) {
            return ctx_fail_field(c, E_INVALID, "roles", "there is no role \"%.*s\"",
                                  STR_ARG(name));
        }
        bits |= bit;
    }
    /* nobody hands out what they do not hold themselves */
    if ((bits & ROLE_OPERATOR) && !(c->roles & ROLE_OPERATOR)) {
        return ctx_fail_field(c, E_DENIED, "roles", "only an operator makes operators");
    }
    *out = bits;
    return E_OK;
}

static enum err list_members(struct ctx *c, struct call *call)
{
    const struct member *all;
    int limit, count;
    TRY(call_limit(c, call, &limit));
    TRY(member_list(c, call_query(c, call, "cursor"), limit, &all, &count));
    struct json_out *o = call_list_begin(call);
    for (int i = 0; i < count; i++) {
        write_member(c, o, &all[i]);
    }
    call_list_end(call, count == limit ? all[count - 1].email : STR(""));
    return E_OK;
}

static enum err post_member(struct ctx *c, struct call *call)
{
    const struct member_body *in = call->input;
    struct member m = {.email = in->email, .name = in->name, .title = in->title};
    TRY(parse_roles(c, in->roles, &m.roles));
    TRY(member_create(c, &m, in->password));
    write_member(c, call_json(call), &m);
    return E_OK;
}

/* An operator's password, roles and entry are for operators to change: else an admin beside them
 * could become one. */
static enum err check_may_change(struct ctx *c, const struct member *m)
{
    if ((m->roles & ROLE_OPERATOR) && !(c->roles & ROLE_OPERATOR)) {
        return ctx_fail(c, E_DENIED, "only an operator changes an operator");
    }
    return E_OK;
}

static enum err patch_member(struct ctx *c, struct call *call)
{
    const struct member_body *in = call->input;
    struct member m;
    struct id id;
    TRY(call_id(c, call, 0, &id));
    TRY(member_get(c, &id, &m));
    TRY(check_may_change(c, &m));
    if (in->email.n && !str_eq_nocase(in->email, m.email)) {
        return ctx_fail_field(c, E_INVALID, "email",
                              "the e-mail address of a member does not "
                              "change; add a new member");
    }
    m.name = in->name.n ? in->name : m.name;
    m.title = field_given(in->given, &member_table, "title") ? in->title : m.title;
    m.status = in->status.n ? in->status : m.status;
    if (in->roles) {
        TRY(parse_roles(c, in->roles, &m.roles));
    }
    TRY(member_update(c, &m));
    if (in->password.n) {
        TRY(member_set_password(c, &id, in->password));
    }
    write_member(c, call_json(call), &m);
    return E_OK;
}

static enum err delete_member(struct ctx *c, struct call *call)
{
    struct id id;
    struct member m;
    TRY(call_id(c, call, 0, &id));
    TRY(member_get(c, &id, &m));
    TRY(check_may_change(c, &m));
    return member_remove(c, &id);
}

/* ---- keys ---------------------------------------------------------------- */

static enum err join_scopes(struct ctx *c, const struct json *list, struct str *out)
{
    struct buf b = buf_make(4000);
    for (size_t i = 0; i < json_count(list); i++) {
        struct str scope = json_text(json_at(list, i), STR(""));
        if (!scope.n || scope.n > 60 || str_find_char(scope, ' ') >= 0) {
            buf_free(&b);
            return ctx_fail_field(c, E_INVALID, "scopes", "a scope looks like conversations:read");
        }
        buf_addf(&b, "%s%.*s", b.n ? " " : "", STR_ARG(scope));
    }
    *out = b.n ? str_dup(c->arena, buf_str(&b)) : STR("*");
    buf_free(&b);
    return E_OK;
}

static enum err list_keys(struct ctx *c, struct call *call)
{
    struct store_rows rows;
    TRY(access_key_list(c, &rows));
    struct json_out *o = call_list_begin(call);
    for (int i = 0; i < rows.count; i++) {
        json_open_object(o);
        json_field_str(o, "id", row_str(&rows, i, 0));
        json_field_str(o, "name", row_str(&rows, i, 1));
        struct str scopes = row_str(&rows, i, 2), scope;
        json_name(o, "scopes");
        json_open_array(o);
        while (str_split(&scopes, ' ', &scope)) {
            json_put_str(o, scope);
        }
        json_close_array(o);
        json_field(o, "roles", role_names(c->arena, (uint32_t)row_int(&rows, i, 3)));
        if (row_is_null(&rows, i, 4)) {
            json_field_null(o, "expires_at");
        } else {
            json_field_int(o, "expires_at", row_int(&rows, i, 4));
        }
        json_field_int(o, "created_at", row_int(&rows, i, 5));
        json_field_bool(o, "rotating", row_int(&rows, i, 6) > ctx_now_ms(c));
        json_close_object(o);
    }
    call_list_end(call, STR(""));
    return E_OK;
}

/* Who learns a key's secret can do what the key can. A key itself makes no other keys (its scopes
 * would not bind them) and renews only itself. */
static enum err check_may_hold(struct ctx *c, const struct id *key)
{
    uint32_t roles = 0;
    if (c->actor_kind == ACTOR_KEY && !(key && id_eq(key, &c->actor))) {
        return ctx_fail(c, E_DENIED,
                        "an API key may renew itself, and no more: sign in to do this");
    }
    if (!key) {
        return E_OK;
    }
    TRY(access_key_roles(c, key, &roles));
    if (roles & ~c->roles) {
        return ctx_fail(c, E_DENIED, "this key can do more than you: who has its roles renews it");
    }
    return E_OK;
}

static void write_secret(struct call *call, const struct id *id, struct str secret)
{
    struct json_out *o = call_json(call);
    json_open_object(o);
    json_field_str(o, "id", id_str(id));
    json_field_str(o, "key", secret);
    json_close_object(o);
}

static enum err post_key(struct ctx *c, struct call *call)
{
    const struct key_body *in = call->input;
    struct api_key key = {.name = in->name, .expires_at_ms = in->expires_at};
    struct str secret;
    TRY(check_may_hold(c, NULL));
    TRY(join_scopes(c, in->scopes, &key.scopes));
    TRY(parse_roles(c, in->roles, &key.roles));
    key.roles = json_count(in->roles) ? key.roles : c->roles;
    if (key.roles & ~c->roles) {
        return ctx_fail_field(c, E_DENIED, "roles", "a key cannot do more than who makes it");
    }
    TRY(access_key_create(c, &key, &secret));
    TRY(audit_add(c, call->store, "key_created", id_str(&key.id), NULL));
    write_secret(call, &key.id, secret);
    return E_OK;
}

static enum err rotate_key(struct ctx *c, struct call *call)
{
    struct id id;
    struct str secret;
    TRY(call_id(c, call, 0, &id));
    TRY(check_may_hold(c, &id));
    TRY(access_key_rotate(c, &id, 24ll * HOUR_MS, &secret));
    TRY(audit_add(c, call->store, "key_rotated", id_str(&id), NULL));
    write_secret(call, &id, secret);
    return E_OK;
}

static enum err delete_key(struct ctx *c, struct call *call)
{
    struct id id;
    TRY(call_id(c, call, 0, &id));
    TRY(access_key_revoke(c, &id));
    return audit_add(c, call->store, "key_revoked", id_str(&id), NULL);
}

/* ---- secrets: set and forgotten, never shown ---- */

struct secret_body {
    struct str value;
};
static const struct field secret_fields[] = {
    FIELD(struct secret_body, value, FIELD_STR, .flags = FIELD_REQUIRED | FIELD_SECRET, .min = 1,
          .max = VAULT_SECRET_MAX_BYTES),
};
static const struct field_table secret_table = FIELD_TABLE("Secret", secret_fields);

static enum err list_secrets(struct ctx *c, struct call *call)
{
    struct store_rows rows;
    TRY(vault_list(c, call->store, &rows));
    struct json_out *o = call_list_begin(call);
    for (int i = 0; i < rows.count; i++) {
        json_open_object(o);
        json_field_str(o, "name", row_str(&rows, i, 0));
        json_field_int(o, "updated_at", row_int(&rows, i, 1));
        json_close_object(o);
    }
    call_list_end(call, STR(""));
    return E_OK;
}

static enum err put_secret(struct ctx *c, struct call *call)
{
    const struct secret_body *in = call->input;
    TRY(vault_put(c, call->store, call->params[0], in->value));
    TRY(audit_add(c, call->store, "secret_set", call->params[0], NULL));
    call->status = 204;
    return E_OK;
}

static enum err delete_secret(struct ctx *c, struct call *call)
{
    TRY(vault_delete(c, call->store, call->params[0]));
    return audit_add(c, call->store, "secret_removed", call->params[0], NULL);
}

/* ---- orgs and the audit log ---------------------------------------------- */

static enum err list_orgs(struct ctx *c, struct call *call)
{
    const struct org *orgs;
    int limit, count;
    TRY(call_limit(c, call, &limit));
    TRY(org_list(c, call_query(c, call, "cursor"), limit, &orgs, &count));
    struct json_out *o = call_list_begin(call);
    for (int i = 0; i < count; i++) {
        TRY(write_org(c, o, &orgs[i].id));
    }
    call_list_end(call, count == limit ? orgs[count - 1].slug : STR(""));
    return E_OK;
}

static enum err post_org(struct ctx *c, struct call *call)
{
    const struct org_body *in = call->input;
    struct org org = {.slug = in->slug, .name = in->name, .settings = in->settings};
    TRY(org_create(c, &org));
    TRY(audit_add(c, call->store, "org_created", id_str(&org.id), NULL));
    return write_org(c, call_json(call), &org.id);
}

/* An operator sees every org's directory entry; everybody else their own. */
static enum err own_org(struct ctx *c, struct call *call, struct id *out)
{
    TRY(call_id(c, call, 0, out));
    if (!id_eq(out, &c->org) && !(c->roles & ROLE_OPERATOR)) {
        return ctx_fail(c, E_NOT_FOUND, "no such organisation");
    }
    return E_OK;
}

static enum err get_org(struct ctx *c, struct call *call)
{
    struct id id;
    TRY(own_org(c, call, &id));
    return write_org(c, call_json(call), &id);
}

static enum err patch_org(struct ctx *c, struct call *call)
{
    const struct org_body *in = call->input;
    struct id id;
    struct org org;
    TRY(own_org(c, call, &id));
    TRY(org_get(c, &id, &org));
    org.name = in->name.n ? in->name : org.name;
    org.settings =
        json_merge(c->arena, org.settings, in->settings ? in->settings : &json_empty_object);
    if (in->status.n) {
        if (!(c->roles & ROLE_OPERATOR)) {
            return ctx_fail_field(c, E_DENIED, "status", "only an operator suspends organisations");
        }
        if (!str_eqz(in->status, "active") && !str_eqz(in->status, "suspended")) {
            return ctx_fail_field(c, E_INVALID, "status", "status is active or suspended");
        }
        org.status = in->status;
    }
    TRY(org_update(c, &org));
    TRY(audit_add(c, call->store, "org_updated", id_str(&id), NULL));
    return write_org(c, call_json(call), &id);
}

static enum err list_audit(struct ctx *c, struct call *call)
{
    struct store_rows rows;
    int limit;
    int64_t before;
    TRY(call_limit(c, call, &limit));
    TRY(call_query_int(c, call, "cursor", INT64_MAX, &before));
    TRY(store_query(c, call->store, &rows,
                    "SELECT seq, at, actor_kind, actor_id, action, resource, detail, request_id,"
                    " hash FROM audit_entry WHERE seq < ?1 ORDER BY seq DESC LIMIT ?2",
                    S_INT(before), S_INT(limit)));
    struct json_out *o = call_list_begin(call);
    for (int i = 0; i < rows.count; i++) {
        struct id actor = row_id(&rows, i, 3);
        struct member m = {.name = STR("")};
        if (id_is_set(&actor) && member_get(c, &actor, &m) != E_OK) {
            ctx_forgive(c);
        }
        json_open_object(o);
        json_field_int(o, "seq", row_int(&rows, i, 0));
        json_field_int(o, "at", row_int(&rows, i, 1));
        json_field_str(o, "actor_kind", row_str(&rows, i, 2));
        json_field_str(o, "actor_id", row_str(&rows, i, 3));
        json_field_str(o, "actor_name", m.name);
        json_field_str(o, "action", row_str(&rows, i, 4));
        json_field_str(o, "resource", row_str(&rows, i, 5));
        json_name(o, "detail");
        struct str detail = row_str(&rows, i, 6);
        json_put_raw(o, detail.n ? detail : STR("null"));
        json_field_str(o, "request_id", row_str(&rows, i, 7));
        json_field_str(o, "hash", row_str(&rows, i, 8));
        json_close_object(o);
    }
    call_list_end(call, rows.count == limit
                            ? str_fmt(c->arena, "%lld", (long long)row_int(&rows, limit - 1, 0))
                            : STR(""));
    return E_OK;
}

/* Recomputes every hash of the chain (domain 004 2.3). */
static enum err check_audit(struct ctx *c, struct call *call)
{
    int64_t checked = 0, broken = 0;
    TRY(audit_verify(c, call->store, &checked, &broken));
    struct json_out *o = call_json(call);
    json_open_object(o);
    json_field_bool(o, "intact", broken == 0);
    json_field_int(o, "checked", checked);
    if (broken) {
        json_field_int(o, "broken_at", broken);
    }
    json_close_object(o);
    return E_OK;
}

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

static const struct ask asks[] = {
    {"identity.member", ask_member, "{id} -> {id, name, email}"},
    {0},
};

static const struct route routes[] = {
    {"POST", "/api/v1/auth/login", ROLE_PUBLIC, "", login, "Sign in with a password", &login_table,
     sizeof(struct login_body), 0},
    {"POST", "/api/v1/auth/local", ROLE_PUBLIC, "", login_local,
     "Sign in as the owner of the data folder", &local_table, sizeof(struct local_body), 0},
    {"POST", "/api/v1/auth/refresh", ROLE_PUBLIC, "", refresh,
     "A new access token for a refresh token", &refresh_table, sizeof(struct refresh_body),
     ROUTE_OPTIONAL_BODY},
    {"POST", "/api/v1/auth/logout", ROLE_PUBLIC, "", logout, "End the session", &refresh_table,
     sizeof(struct refresh_body), ROUTE_OPTIONAL_BODY},
    {"GET", "/api/v1/auth/me", ROLE_ANY, "identity:read", me, "Who I am", NULL, 0, 0},
    {"GET", "/.well-known/jwks.json", ROLE_PUBLIC, "", jwks, "Keys that sign access tokens", NULL,
     0, 0},
    {"GET", "/api/v1/orgs", ROLE_OPERATOR, "orgs:read", list_orgs, "Organisations", NULL, 0, 0},
    {"POST", "/api/v1/orgs", ROLE_OPERATOR, "orgs:write", post_org, "Make an organisation",
     &org_table, sizeof(struct org_body), ROUTE_CREATES},
    {"GET", "/api/v1/orgs/{id}", ROLE_ANY, "orgs:read", get_org, "An organisation", NULL, 0, 0},
    {"PATCH", "/api/v1/orgs/{id}", ROLE_ADMIN | ROLE_OPERATOR, "orgs:write", patch_org,
     "Change an organisation", &org_table, sizeof(struct org_body), 0},
    {"GET", "/api/v1/members", ROLE_ANY, "members:read", list_members, "Members", NULL, 0, 0},
    {"POST", "/api/v1/members", ROLE_ADMIN | ROLE_OPERATOR, "members:write", post_member,
     "Add a member", &member_table, sizeof(struct member_body), ROUTE_CREATES},
    {"PATCH", "/api/v1/members/{id}", ROLE_ADMIN | ROLE_OPERATOR, "members:write", patch_member,
     "Change a member", &member_table, sizeof(struct member_body), 0},
    {"DELETE", "/api/v1/members/{id}", ROLE_ADMIN | ROLE_OPERATOR, "members:write", delete_member,
     "Remove a member", NULL, 0, 0},
    {"GET", "/api/v1/keys", ROLE_ADMIN | ROLE_ENGINEER | ROLE_OPERATOR, "keys:read", list_keys,
     "API keys", NULL, 0, 0},
    {"POST", "/api/v1/keys", ROLE_ADMIN | ROLE_ENGINEER | ROLE_OPERATOR, "keys:write", post_key,
     "Make an API key; the secret is shown once", &key_table, sizeof(struct key_body),
     ROUTE_CREATES},
    {"POST", "/api/v1/keys/{id}/rotate", ROLE_ADMIN | ROLE_ENGINEER | ROLE_OPERATOR, "keys:write",
     rotate_key, "A new secret; the old one works for a day", NULL, 0, 0},
    {"DELETE", "/api/v1/keys/{id}", ROLE_ADMIN | ROLE_ENGINEER | ROLE_OPERATOR, "keys:write",
     delete_key, "Revoke an API key", NULL, 0, 0},
    {"GET", "/api/v1/secrets", ROLE_ADMIN | ROLE_ENGINEER, "secrets:read", list_secrets,
     "Names of secrets that tools refer to", NULL, 0, 0},
    {"PUT", "/api/v1/secrets/{name}", ROLE_ADMIN | ROLE_ENGINEER, "secrets:write", put_secret,
     "Set a secret; it is never shown again", &secret_table, sizeof(struct secret_body), 0},
    {"DELETE", "/api/v1/secrets/{name}", ROLE_ADMIN | ROLE_ENGINEER, "secrets:write", delete_secret,
     "Forget a secret", NULL, 0, 0},
    {"GET", "/api/v1/audit-entries", ROLE_ADMIN | ROLE_OPERATOR, "audit:read", list_audit,
     "The audit log, newest first", NULL, 0, 0},
    {"GET", "/api/v1/audit-entries/check", ROLE_ADMIN | ROLE_OPERATOR, "audit:read", check_audit,
     "Whether the audit log's chain of hashes is intact", NULL, 0, 0},
    {0},
};

static const char *const emits[] = {"auth_events", "org_events", NULL};

const struct service identity_service = {
    .name = "identity",
    .purpose = "Orgs, members, sign-in, API keys and the audit log.",
    .routes = routes,
    .asks = asks,
    .migrations = member_migrations,
    .emits = emits,
};
