#include "base/log.h"
#include "bus/topic.h"
#include "codec/hmac.h"
#include "svc/identity/member.h"

enum { SECRET_BYTES = 32, EXPIRE_CHUNK = 1000, EXPIRE_CHUNKS_MAX = 1000 };

static enum err refuse(struct ctx *c)
{
    return ctx_fail(c, E_UNAUTHENTICATED, "sign in again: the session has ended");
}

/* rt_<org>_<session>_<secret> */
static bool split(struct str token, struct id *out_org, struct id *out_session,
                  struct str *out_secret)
{
    size_t n = ID_TEXT_BYTES;
    if (token.n != 3 + n + 1 + n + 1 + 2 * SECRET_BYTES || !str_starts(token, STR("rt_"))) {
        return false;
    }
    *out_secret = str_sub(token, 3 + n + 1 + n + 1, token.n);
    return id_parse(str_sub(token, 3, n), out_org) &&
           id_parse(str_sub(token, 3 + n + 1, n), out_session);
}

static enum err insert(struct ctx *c, struct store *s, const struct id *member,
                       const struct id *family, struct str *out_refresh)
{
    char secret[2 * SECRET_BYTES + 1];
    int64_t now = ctx_now_ms(c);
    id_random_hex(secret, SECRET_BYTES);
    struct id id = id_new(now);
    *out_refresh = str_fmt(c->arena, "rt_%s_%s_%s", c->org.text, id.text, secret);
    return store_exec(c, s, NULL,
                      "INSERT INTO member_session (id, family, member_id, hash, expires_at,"
                      " created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                      S_ID(&id), S_ID(family), S_ID(member),
                      S_STR(hmac_sha256_hex(c->arena, str_of(secret))),
                      S_INT(now + SESSION_SECONDS * 1000ll), S_INT(now));
}

enum err member_session_new(struct ctx *c, const struct id *member, struct str *out_refresh)
{
    struct store *s;
    TRY(store_of(c, &s));
    struct id family = id_new(ctx_now_ms(c));
    TRY(store_exec(c, s, NULL, "UPDATE member SET last_sign_in_at = ?2 WHERE id = ?1", S_ID(member),
                   S_INT(ctx_now_ms(c))));
    return insert(c, s, member, &family, out_refresh);
}

struct rotation {
    struct store *store;
    struct id session;
    struct str secret;
    struct id member, family;
    struct str refresh;
    bool reused, known;
    enum err (*use)(struct ctx *c, const struct id *member, struct str refresh, void *arg);
    void *arg;
};

static enum err end_family(struct ctx *c, struct rotation *r)
{
    TRY(store_exec(c, r->store, NULL, "DELETE FROM member_session WHERE family = ?1",
                   S_ID(&r->family)));
    TRY(audit_add(c, r->store, "refresh_token_reused", id_str(&r->member), NULL));
    const struct json *p =
        json_object(c->arena, {"user_id", json_new_str(c->arena, id_str(&r->member))},
                    {"reason", json_new_str(c->arena, STR("refresh_token_reused"))});
    return topic_emit(c, r->store, .topic = "auth_events", .type = "login_failed",
                      .key = id_str(&r->member), .payload = p);
}

static enum err rotate_in(struct ctx *c, void *arg)
{
    struct rotation *r = arg;
    struct store_rows rows;
    TRY(store_query(c, r->store, &rows,
                    "SELECT family, member_id, hash, used_at, expires_at FROM member_session"
                    " WHERE id = ?1",
                    S_ID(&r->session)));
    r->known = rows.count > 0 && row_int(&rows, 0, 4) > ctx_now_ms(c) &&
               str_eq_secret(row_str(&rows, 0, 2), hmac_sha256_hex(c->arena, r->secret));
    if (!r->known) {
        return E_OK;
    }
    r->family = row_id(&rows, 0, 0);
    r->member = row_id(&rows, 0, 1);
    r->reused = !row_is_null(&rows, 0, 3);
    if (r->reused) {
        return end_family(c, r);
    }
    TRY(store_exec(c, r->store, NULL, "UPDATE member_session SET used_at = ?2 WHERE id = ?1",
                   S_ID(&r->session), S_INT(ctx_now_ms(c))));
    TRY(insert(c, r->store, &r->member, &r->family, &r->refresh));
    return r->use(c, &r->member, r->refresh, r->arg);
}

enum err member_session_rotate(struct ctx *c, struct str refresh,
                               enum err (*use)(struct ctx *c, const struct id *member,
                                               struct str refresh, void *arg),
                               void *arg)
{
    struct rotation r = {.use = use, .arg = arg};
    struct id org;
    if (!split(refresh, &org, &r.session, &r.secret)) {
        return refuse(c);
    }
    c->org = org;
    c->actor_kind = ACTOR_SYSTEM;
    enum err e = store_of(c, &r.store);
    if (e == E_NOT_FOUND) {
        return refuse(c);
    }
    TRY(e);
    TRY(store_transact(c, r.store, rotate_in, &r));
    if (r.reused) {
        log_at(c, LOG_WARN, "a refresh token was used twice; its sessions are ended",
               LOG_STR("member_id", id_str(&r.member)));
    }
    if (!r.known || r.reused) {
        return refuse(c);
    }
    return E_OK;
}

enum err member_session_end(struct ctx *c, struct str refresh)
{
    struct id org, session;
    struct str secret;
    struct store *s;
    struct store_rows rows;
    if (!split(refresh, &org, &session, &secret)) {
        return E_OK;
    }
    c->org = org;
    if (store_of(c, &s) != E_OK) {
        ctx_forgive(c);
        return E_OK;
    }
    TRY(store_query(c, s, &rows, "SELECT family, hash FROM member_session WHERE id = ?1",
                    S_ID(&session)));
    if (rows.count == 0 ||
        !str_eq_secret(row_str(&rows, 0, 1), hmac_sha256_hex(c->arena, secret))) {
        return E_OK;
    }
    struct id family = row_id(&rows, 0, 0);
    return store_exec(c, s, NULL, "DELETE FROM member_session WHERE family = ?1", S_ID(&family));
}

enum err member_session_expire(struct ctx *c)
{
    struct store *s;
    int64_t changed = EXPIRE_CHUNK;
    TRY(store_of(c, &s));
    for (int i = 0; i < EXPIRE_CHUNKS_MAX && changed == EXPIRE_CHUNK; i++) {
        TRY(store_exec(c, s, &changed,
                       "DELETE FROM member_session WHERE id IN (SELECT id FROM member_session"
                       " WHERE expires_at <= ?1 LIMIT ?2)",
                       S_INT(ctx_now_ms(c)), S_INT(EXPIRE_CHUNK)));
    }
    return E_OK;
}
