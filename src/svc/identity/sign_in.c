#include "svc/identity/sign_in.h"

#include "bus/topic.h"
#include "codec/seal.h"
#include "host/org.h"
#include "host/settings.h"
#include "svc/identity/member_routes.h"
#include "svc/identity/org_routes.h"
#include "svc/identity/throttle.h"

#define REFRESH_COOKIE "rapport_refresh"

static const char *const session_kinds[] = {"token", "cookie", NULL};

static const struct field login_fields[] = {
    FIELD(struct sign_in_body, email, FIELD_STR, .flags = FIELD_REQUIRED | FIELD_PERSONAL,
          .max = 254),
    FIELD(struct sign_in_body, password, FIELD_STR, .flags = FIELD_REQUIRED | FIELD_SECRET,
          .max = SEAL_PASSWORD_MAX_BYTES),
    FIELD(struct sign_in_body, org, FIELD_STR, .max = 63,
          .title = "slug, where the address is known in several organisations"),
    FIELD(struct sign_in_body, session, FIELD_ENUM, .values = session_kinds,
          .title = "where the refresh token goes: the answer, or an HttpOnly cookie"),
};
const struct field_table sign_in_table = FIELD_TABLE("SignIn", login_fields);

static const struct field refresh_fields[] = {
    FIELD(struct sign_in_refresh_body, refresh_token, FIELD_STR, .flags = FIELD_SECRET, .max = 300),
};
const struct field_table sign_in_refresh_table = FIELD_TABLE("Refresh", refresh_fields);

static const struct field local_fields[] = {
    FIELD(struct sign_in_local_body, secret, FIELD_STR, .flags = FIELD_REQUIRED | FIELD_SECRET,
          .max = 64),
    FIELD(struct sign_in_local_body, org, FIELD_STR, .flags = FIELD_REQUIRED, .max = 63),
};
const struct field_table sign_in_local_table = FIELD_TABLE("LocalSignIn", local_fields);

static const struct field guest_fields[] = {
    FIELD(struct sign_in_guest_body, org, FIELD_STR, .flags = FIELD_REQUIRED, .max = 63,
          .title = "slug of an organisation that has guests"),
};
const struct field_table sign_in_guest_table = FIELD_TABLE("GuestSignIn", guest_fields);

static void set_cookie(struct ctx *c, struct call *call, const char *name, struct str value,
                       int64_t seconds)
{
    bool secure = call->in->tls || str_starts(host_settings(c)->public_url, STR("https://"));
    response_header(call->out, "Set-Cookie",
                    str_fmt(c->arena,
                            "%s=%.*s; Path=/api/v1/auth; Max-Age=%lld; HttpOnly; "
                            "SameSite=Strict%s",
                            name, STR_ARG(value), (long long)seconds, secure ? "; Secure" : ""));
}

static enum err write_session(struct ctx *c, struct call *call, const struct member *m,
                              struct str refresh, bool cookie)
{
    struct str access;
    TRY(access_issue(c, &m->id, m->name, m->roles, &access));
    if (cookie) {
        set_cookie(c, call, REFRESH_COOKIE, refresh, SESSION_SECONDS);
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
    member_routes_write(c, o, m);
    json_name(o, "org");
    TRY(org_routes_write(c, o, &c->org));
    json_close_object(o);
    return E_OK;
}

/* Which org's member has this address and password. A wrong address takes as long as a wrong
 * password. */
static enum err find_member(struct ctx *c, const struct sign_in_body *in, struct str email,
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
        enum err e = org_entry(c, &orgs[i], &org);
        if (e == E_NOT_FOUND || (e == E_OK && slug.n && !str_eq(slug, org.slug))) {
            continue;
        }
        TRY(e);
        c->org = orgs[i];
        c->store = NULL;
        e = member_by_email(c, email, &m);
        if (e == E_NOT_FOUND || (e == E_OK && !m.password_hash.n)) {
            continue;
        }
        TRY(e);
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

enum err sign_in_password(struct ctx *c, struct call *call)
{
    const struct sign_in_body *in = call->input;
    struct str email = str_lower(c->arena, str_trim(in->email)), refresh;
    struct member m;
    struct throttle attempt;
    TRY(throttle_begin(c, call->in, email, &attempt));
    enum err e = find_member(c, in, email, &m);
    throttle_end(c, &attempt, e);
    TRY(e);
    c->actor = m.id;
    c->actor_kind = ACTOR_MEMBER;
    TRY(member_session_new(c, &m.id, &refresh));
    TRY(emit_sign_in(c, &m));
    TRY(write_session(c, call, &m, refresh, in->session == 1));
    if (in->session == 1) {
        set_cookie(c, call, THROTTLE_COOKIE, throttle_cookie(c, email), THROTTLE_COOKIE_SECONDS);
    }
    return E_OK;
}

/* The command line of the data folder's owner. */
enum err sign_in_local(struct ctx *c, struct call *call)
{
    const struct sign_in_local_body *in = call->input;
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

/* For whoever wants to look around: no address, no password, and only what the org shows to all. */
enum err sign_in_guest(struct ctx *c, struct call *call)
{
    const struct sign_in_guest_body *in = call->input;
    struct org org = {0};
    struct str access;
    enum err e = org_by_slug(c, in->org, &org);
    if (e != E_NOT_FOUND) { /* no org and no guests read the same */
        TRY(e);
        c->org = org.id;
    }
    TRY(access_issue_guest(c, &access));
    struct json_out *o = call_json(call);
    json_open_object(o);
    json_field_str(o, "access_token", access);
    json_field_str(o, "token_type", STR("Bearer"));
    json_field_int(o, "expires_in", ACCESS_GUEST_SECONDS);
    json_name(o, "org");
    json_open_object(o);
    json_field_str(o, "id", id_str(&org.id));
    json_field_str(o, "name", org.name);
    json_field_str(o, "slug", org.slug);
    json_close_object(o);
    json_close_object(o);
    return E_OK;
}

struct renewal {
    struct call *call;
    bool cookie;
};

/* Within the rotation: a token whose answer could not be written is not used up. */
static enum err renew(struct ctx *c, const struct id *member, struct str refresh, void *arg)
{
    struct renewal *r = arg;
    struct member m;
    struct org org;
    enum err e = member_get(c, member, &m);
    if (e == E_NOT_FOUND || (e == E_OK && !str_eqz(m.status, "active"))) {
        return ctx_fail(c, E_UNAUTHENTICATED, "sign in again: the session has ended");
    }
    TRY(e);
    TRY(org_entry(c, &c->org, &org));
    if (!str_eqz(org.status, "active")) {
        return ctx_fail(c, E_UNAUTHENTICATED, "this organisation is suspended");
    }
    buf_clear(&r->call->text);
    r->call->json = json_out_to(&r->call->text);
    return write_session(c, r->call, &m, refresh, r->cookie);
}

enum err sign_in_refresh(struct ctx *c, struct call *call)
{
    const struct sign_in_refresh_body *in = call->input;
    struct str cookie = request_cookie(call->in, REFRESH_COOKIE);
    struct str given = in->refresh_token.n ? in->refresh_token : cookie;
    struct renewal r = {call, !in->refresh_token.n};
    return member_session_rotate(c, given, renew, &r);
}

enum err sign_in_end(struct ctx *c, struct call *call)
{
    const struct sign_in_refresh_body *in = call->input;
    struct str cookie = request_cookie(call->in, REFRESH_COOKIE);
    TRY(member_session_end(c, in->refresh_token.n ? in->refresh_token : cookie));
    if (cookie.n) {
        set_cookie(c, call, REFRESH_COOKIE, STR(""), 0);
    }
    call->status = 204;
    return E_OK;
}

enum err sign_in_me(struct ctx *c, struct call *call)
{
    struct json_out *o = call_json(call);
    struct member m = {
        .id = c->actor, .name = STR("API key"), .roles = c->roles, .status = STR("active")};
    if (c->actor_kind == ACTOR_MEMBER) {
        TRY(member_get(c, &c->actor, &m));
    }
    json_open_object(o);
    json_name(o, "member");
    member_routes_write(c, o, &m);
    json_name(o, "org");
    TRY(org_routes_write(c, o, &c->org));
    json_close_object(o);
    return E_OK;
}

enum err sign_in_jwks(struct ctx *c, struct call *call)
{
    struct str text;
    TRY(access_jwks(c, &text));
    call->out->body = text;
    call->status = 200;
    return E_OK;
}
