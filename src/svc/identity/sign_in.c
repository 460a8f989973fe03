#include "svc/identity/sign_in.h"

#include "bus/topic.h"
#include "codec/seal.h"
#include "host/org.h"
#include "host/settings.h"
#include "store/cache.h"
#include "svc/identity/member_routes.h"
#include "svc/identity/org_routes.h"

enum { FAILURES_MAX = 10, FAILURES_WINDOW_MS = 5 * 60 * 1000, HOUR_MS = 3600 * 1000 };

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
    member_routes_write(c, o, m);
    json_name(o, "org");
    TRY(org_routes_write(c, o, &c->org));
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

enum err sign_in_password(struct ctx *c, struct call *call)
{
    const struct sign_in_body *in = call->input;
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

enum err sign_in_refresh(struct ctx *c, struct call *call)
{
    const struct sign_in_refresh_body *in = call->input;
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

enum err sign_in_end(struct ctx *c, struct call *call)
{
    const struct sign_in_refresh_body *in = call->input;
    struct str cookie = request_cookie(call->in, "rapport_refresh");
    TRY(member_session_end(c, in->refresh_token.n ? in->refresh_token : cookie));
    if (cookie.n) {
        set_cookie(c, call, STR(""), 0);
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
