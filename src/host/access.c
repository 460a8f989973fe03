#include "host/access.h"

#include <string.h>

#include "codec/hmac.h"
#include "codec/jwt.h"
#include "host/host.h"
#include "host/memo.h"
#include "store/vault.h"

enum { KEY_ID_HEX = 32, KEY_SECRET_BYTES = 24, LEEWAY_MS = 5000 };

const struct migration host_migrations[] = {
    {"host", 1, STORE_SCOPE_SYSTEM,
     "CREATE TABLE org (id TEXT NOT NULL, slug TEXT NOT NULL, name TEXT NOT NULL,"
     " kind TEXT NOT NULL, status TEXT NOT NULL, settings TEXT NOT NULL,"
     " created_at BIGINT NOT NULL, PRIMARY KEY (id), UNIQUE (slug));"
     "CREATE TABLE signing_key (kid TEXT NOT NULL, pem TEXT NOT NULL, created_at BIGINT NOT NULL,"
     " PRIMARY KEY (kid));"
     "CREATE TABLE api_key (id TEXT NOT NULL, owner_org TEXT NOT NULL, name TEXT NOT NULL,"
     " scopes TEXT NOT NULL, roles BIGINT NOT NULL, hash TEXT NOT NULL, old_hash TEXT,"
     " old_until BIGINT, expires_at BIGINT, created_by TEXT, created_at BIGINT NOT NULL,"
     " last_used_at BIGINT, PRIMARY KEY (id));"
     "CREATE INDEX api_key_by_org ON api_key (owner_org, created_at);"},
    {"host", 2, STORE_SCOPE_ORG,
     "CREATE TABLE idempotency (actor TEXT NOT NULL, key TEXT NOT NULL, request TEXT NOT NULL,"
     " status BIGINT NOT NULL, body TEXT NOT NULL, created_at BIGINT NOT NULL,"
     " PRIMARY KEY (actor, key));"
     "CREATE TABLE audit_entry (seq BIGINT NOT NULL, at BIGINT NOT NULL, actor_kind TEXT NOT NULL,"
     " actor_id TEXT, action TEXT NOT NULL, resource TEXT NOT NULL, detail TEXT,"
     " request_id TEXT NOT NULL, prev_hash TEXT NOT NULL, hash TEXT NOT NULL,"
     " PRIMARY KEY (seq));"},
    {"host", 3, STORE_SCOPE_ORG,
     "CREATE TABLE access_cut (member_id TEXT NOT NULL, at BIGINT NOT NULL,"
     " PRIMARY KEY (member_id));"},
    {0},
};

struct role_row {
    const char *name;
    uint32_t bit;
};
static const struct role_row roles[] = {
    {"admin", ROLE_ADMIN},           {"supervisor", ROLE_SUPERVISOR},
    {"support", ROLE_SUPPORT},       {"sales", ROLE_SALES},
    {"onboarding", ROLE_ONBOARDING}, {"success", ROLE_SUCCESS},
    {"engineer", ROLE_ENGINEER},     {"viewer", ROLE_VIEWER},
    {"operator", ROLE_OPERATOR},     {"platform_admin", ROLE_OPERATOR},
    {"guest", ROLE_GUEST},
};
enum { ROLE_ROWS = sizeof(roles) / sizeof(*roles) };

static uint32_t bit_of(struct str name)
{
    for (int i = 0; i < ROLE_ROWS; i++) {
        if (str_eqz(name, roles[i].name)) {
            return roles[i].bit;
        }
    }
    return 0;
}

uint32_t role_parse(struct str name)
{
    return bit_of(name) & ~(uint32_t)ROLE_GUEST;
}

const struct json *role_names(struct arena *a, uint32_t bits)
{
    const struct json *list = &json_empty_array;
    for (int i = 0; i < ROLE_ROWS; i++) {
        if (bits & roles[i].bit) {
            list = json_push(a, list, json_new_str(a, str_of(roles[i].name)));
            bits &= ~roles[i].bit;
        }
    }
    return list;
}

static enum err system_store(struct ctx *c, struct store **out)
{
    struct id system = id_system();
    return store_of_org(c, &system, out);
}

/* ---- signing keys -------------------------------------------------------- */

static enum err make_signing_key(struct ctx *c, struct store *s, struct host *h)
{
    struct jwt_key *key = jwt_key_new(JWT_EDDSA);
    struct str pem;
    enum err e = jwt_key_to_pem(c->arena, key, &pem);
    if (e == E_OK) {
        struct str kid = jwt_key_id(key);
        e = store_exec(c, s, NULL,
                       "INSERT INTO signing_key (kid, pem, created_at) VALUES (?1, ?2, ?3)",
                       S_STR(kid), S_STR(vault_seal(c, pem, kid)), S_INT(ctx_now_ms(c)));
    }
    if (e != E_OK) {
        jwt_key_free(&key);
        return e;
    }
    h->keys.keys[h->keys.count++] = key;
    return E_OK;
}

enum err access_open(struct ctx *c, struct host *h)
{
    struct store *s;
    struct store_rows rows;
    TRY(system_store(c, &s));
    TRY(store_query(c, s, &rows,
                    "SELECT kid, pem FROM signing_key ORDER BY created_at DESC LIMIT 8"));
    for (int i = 0; i < rows.count; i++) {
        struct str pem;
        TRY(vault_unseal(c, row_str(&rows, i, 1), row_str(&rows, i, 0), &pem));
        struct jwt_key *key = NULL;
        TRY(jwt_key_from_pem(pem, &key));
        h->keys.keys[h->keys.count++] = key;
    }
    h->issuer = STR("rapport");
    return h->keys.count ? E_OK : make_signing_key(c, s, h);
}

/* ---- access tokens ------------------------------------------------------- */

struct bearer {
    const struct id *id;
    struct str name;
    uint32_t roles;
    int64_t seconds;
};

static enum err issue(struct ctx *c, const struct bearer *b, struct str *out_token)
{
    struct arena *a = c->arena;
    struct host *h = c->at->host;
    int64_t now_s = ctx_now_ms(c) / 1000;
    struct id jti = id_new(ctx_now_ms(c));
    const struct json *claims = json_object(
        a, {"iss", json_new_str(a, h->issuer)}, {"aud", json_new_str(a, STR("rapport"))},
        {"sub", json_new_str(a, id_str(b->id))}, {"jti", json_new_str(a, str_dup(a, id_str(&jti)))},
        {"org", json_new_str(a, id_str(&c->org))}, {"name", json_new_str(a, b->name)},
        {"roles", role_names(a, b->roles)}, {"iat", json_new_int(a, now_s)},
        {"at_ms", json_new_int(a, ctx_now_ms(c))}, {"exp", json_new_int(a, now_s + b->seconds)});
    if (jwt_sign(a, h->keys.keys[0], claims, out_token) != E_OK) {
        return ctx_fail(c, E_INTERNAL, "the signing key cannot sign");
    }
    return E_OK;
}

enum err access_issue(struct ctx *c, const struct id *member, struct str name, uint32_t bits,
                      struct str *out_token)
{
    struct bearer b = {member, name, bits & ~(uint32_t)ROLE_GUEST, ACCESS_TOKEN_SECONDS};
    return issue(c, &b, out_token);
}

/* Whether the org shows something to everybody; asked at each request of a guest. */
static enum err allows_guests(struct ctx *c, bool *out)
{
    struct store *s;
    struct store_rows rows;
    const struct json *settings = NULL;
    struct json_fault fault;
    TRY(system_store(c, &s));
    TRY(store_query(c, s, &rows, "SELECT settings FROM org WHERE id = ?1 AND status = 'active'",
                    S_ID(&c->org)));
    *out = rows.count && json_parse(c->arena, row_str(&rows, 0, 0), &settings, &fault) == E_OK &&
           json_bool(settings, "guests", false);
    return E_OK;
}

enum err access_issue_guest(struct ctx *c, struct str *out_token)
{
    bool allowed = false;
    TRY(allows_guests(c, &allowed));
    if (!allowed) {
        return ctx_fail(c, E_NOT_FOUND, "no organisation of this name has guests");
    }
    struct id guest = id_new(ctx_now_ms(c));
    struct bearer b = {&guest, STR("guest"), ROLE_GUEST, ACCESS_GUEST_SECONDS};
    return issue(c, &b, out_token);
}

bool access_is_local(const struct ctx *c, struct str secret)
{
    return str_eq_secret(secret, str_of(c->at->host->local_secret));
}

enum err access_jwks(struct ctx *c, struct str *out_json)
{
    *out_json = json_write(c->arena, jwt_keys_to_jwks(c->arena, &c->at->host->keys));
    return E_OK;
}

static enum err refuse(struct ctx *c, const char *why)
{
    log_at(c, LOG_INFO, "credentials refused", LOG_Z("why", why));
    return ctx_fail(c, E_UNAUTHENTICATED,
                    "sign in first: the credentials are missing, expired or "
                    "not valid");
}

enum err access_cut(struct ctx *c, struct store *s, const struct id *member)
{
    return store_exec(c, s, NULL,
                      "INSERT INTO access_cut (member_id, at) VALUES (?1, ?2)"
                      " ON CONFLICT (member_id) DO UPDATE SET at = excluded.at",
                      S_ID(member), S_INT(ctx_now_ms(c)));
}

/* What a token says, once its signature was found good: that costs more than all the rest of a
 * request, and the same token comes again and again. */
struct verified {
    struct id org, member;
    uint32_t roles;
    int64_t issued_ms, expires_ms, verified_ms;
    int64_t cut_version; /* of the org's store when the member was found not to be cut off */
    int64_t org_version; /* of the directory when the org was found active */
};

/* A token lives an hour; a member who was removed, suspended or given other roles is cut off at
 * once. */
static enum err check_cut(struct ctx *c, struct verified *v)
{
    struct store *s;
    struct store_rows rows;
    enum err e = store_of(c, &s);
    if (e == E_NOT_FOUND) {
        return refuse(c, "the organisation is gone");
    }
    TRY(e);
    int64_t version = store_version(s);
    if (version && version == v->cut_version) {
        return E_OK;
    }
    TRY(store_query(c, s, &rows, "SELECT at FROM access_cut WHERE member_id = ?1",
                    S_ID(&c->actor)));
    bool cut = rows.count > 0 && v->issued_ms <= row_int(&rows, 0, 0);
    v->cut_version = version;
    return cut ? refuse(c, "cut off") : E_OK;
}

/* Suspended is suspended: for members at once, as for keys. */
static enum err check_org(struct ctx *c, struct verified *v)
{
    struct store *s;
    struct store_rows rows;
    TRY(system_store(c, &s));
    int64_t version = store_version(s);
    if (version && version == v->org_version) {
        return E_OK;
    }
    TRY(store_query(c, s, &rows, "SELECT status FROM org WHERE id = ?1", S_ID(&c->org)));
    if (rows.count == 0 || !str_eqz(row_str(&rows, 0, 0), "active")) {
        return refuse(c, "the organisation is suspended or gone");
    }
    bool allowed = true;
    TRY(v->roles & ROLE_GUEST ? allows_guests(c, &allowed) : E_OK);
    if (!allowed) {
        return refuse(c, "the organisation has no guests any more");
    }
    v->org_version = version;
    return E_OK;
}

static enum err verify(struct ctx *c, struct str token, struct verified *out)
{
    struct host *h = c->at->host;
    struct jwt_check check = {&h->keys, h->issuer, STR("rapport"), ctx_now_ms(c), LEEWAY_MS};
    const struct json *claims;
    const char *why = "";
    if (jwt_verify(c->arena, token, &check, &claims, &why) != E_OK) {
        return refuse(c, why);
    }
    *out = (struct verified){.issued_ms = json_int(claims, "at_ms", 0),
                             .expires_ms = json_int(claims, "exp", 0) * 1000,
                             .verified_ms = check.now_ms};
    if (!id_parse(json_str(claims, "org", STR("")), &out->org) ||
        !id_parse(json_str(claims, "sub", STR("")), &out->member)) {
        return refuse(c, "claims");
    }
    const struct json *names = json_get(claims, "roles");
    for (size_t i = 0; i < json_count(names); i++) {
        out->roles |= bit_of(json_text(json_at(names, i), STR("")));
    }
    return E_OK;
}

static bool find_verified(struct ctx *c, struct str token, struct verified *out)
{
    struct str kept;
    int64_t now_ms = ctx_now_ms(c);
    if (!memo_find(c->at->host->tokens, token, 0, c->arena, &kept)) {
        return false;
    }
    memcpy(out, kept.p, sizeof(*out));
    return out->verified_ms <= now_ms && now_ms < out->expires_ms;
}

static enum err authenticate_token(struct ctx *c, struct str token)
{
    struct verified v;
    bool known = find_verified(c, token, &v);
    if (!known) {
        TRY(verify(c, token, &v));
    }
    struct verified before = v;
    c->org = v.org;
    c->actor = v.member;
    c->actor_kind = v.roles & ROLE_GUEST ? ACTOR_CONTACT : ACTOR_MEMBER;
    c->roles = v.roles;
    TRY(check_org(c, &v));
    TRY(check_cut(c, &v));
    bool news = v.cut_version != before.cut_version || v.org_version != before.org_version;
    if (!known || news) {
        memo_keep(c->at->host->tokens, token, 0, str_make((const char *)&v, sizeof(v)));
    }
    return E_OK;
}

/* ---- API keys ------------------------------------------------------------ */

/* rk_<id, 32 hex>_<secret, 48 hex> */
static bool split_key(struct str text, struct id *out_id, struct str *out_secret)
{
    struct str rest = str_sub(text, 3, text.n);
    if (!str_starts(text, STR("rk_")) || rest.n != KEY_ID_HEX + 1 + 2 * KEY_SECRET_BYTES ||
        rest.p[KEY_ID_HEX] != '_') {
        return false;
    }
    char dashed[ID_TEXT_BYTES + 1];
    size_t at = 0;
    for (size_t i = 0; i < KEY_ID_HEX; i++) {
        if (i == 8 || i == 12 || i == 16 || i == 20) {
            dashed[at++] = '-';
        }
        dashed[at++] = rest.p[i];
    }
    *out_secret = str_sub(rest, KEY_ID_HEX + 1, rest.n);
    return id_parse(str_make(dashed, ID_TEXT_BYTES), out_id);
}

static struct str join_key(struct arena *a, const struct id *id, struct str secret)
{
    struct buf b = buf_make(128);
    buf_add(&b, "rk_", 3);
    for (const char *p = id->text; *p; p++) {
        if (*p != '-') {
            buf_add_char(&b, *p);
        }
    }
    buf_addf(&b, "_%.*s", STR_ARG(secret));
    struct str text = str_dup(a, buf_str(&b));
    buf_free(&b);
    return text;
}

static bool has_scope(struct str scopes, const char *wanted)
{
    struct str piece;
    while (str_split(&scopes, ' ', &piece)) {
        if (str_eqz(piece, "*") || str_eqz(piece, wanted)) {
            return true;
        }
    }
    return false;
}

static enum err authenticate_key(struct ctx *c, struct str bearer, const char *scope)
{
    struct id id;
    struct str secret;
    struct store *s;
    struct store_rows rows;
    if (!split_key(bearer, &id, &secret)) {
        return refuse(c, "form of the key");
    }
    TRY(system_store(c, &s));
    TRY(store_query(c, s, &rows,
                    "SELECT k.owner_org, k.scopes, k.roles, k.hash, k.old_hash, k.old_until,"
                    " k.expires_at, o.status FROM api_key k JOIN org o ON o.id = k.owner_org"
                    " WHERE k.id = ?1",
                    S_ID(&id)));
    if (rows.count == 0) {
        return refuse(c, "unknown key");
    }
    struct str hash = hmac_sha256_hex(c->arena, secret);
    int64_t now = ctx_now_ms(c), expires = row_int(&rows, 0, 6);
    bool current = str_eq_secret(hash, row_str(&rows, 0, 3));
    bool old = !row_is_null(&rows, 0, 4) && row_int(&rows, 0, 5) > now &&
               str_eq_secret(hash, row_str(&rows, 0, 4));
    if ((!current && !old) || (expires && expires <= now)) {
        return refuse(c, "secret or expiry of the key");
    }
    if (!str_eqz(row_str(&rows, 0, 7), "active")) {
        return refuse(c, "the key's organisation is suspended");
    }
    c->org = row_id(&rows, 0, 0);
    c->actor = id;
    c->actor_kind = ACTOR_KEY;
    c->roles = (uint32_t)row_int(&rows, 0, 2);
    if (scope[0] && !has_scope(row_str(&rows, 0, 1), scope)) {
        return ctx_fail(c, E_DENIED, "this key lacks the scope %s", scope);
    }
    return E_OK;
}

enum err access_admit(struct ctx *c, struct str bearer, const char *scope)
{
    if (bearer.n == 0 || bearer.n > JWT_TOKEN_MAX_BYTES) {
        return refuse(c, "no bearer token");
    }
    return str_starts(bearer, STR("rk_")) ? authenticate_key(c, bearer, scope)
                                          : authenticate_token(c, bearer);
}

enum err access_authenticate(struct ctx *c, struct str bearer, const char *scope)
{
    TRY(access_admit(c, bearer, scope));
    return c->roles & ROLE_GUEST ? ctx_fail(c, E_DENIED, "this is not open to guests") : E_OK;
}

static struct str new_secret(struct arena *a)
{
    char text[2 * KEY_SECRET_BYTES + 1];
    id_random_hex(text, KEY_SECRET_BYTES);
    return str_dup(a, str_make(text, 2 * KEY_SECRET_BYTES));
}

static enum err check_key_room(struct ctx *c, struct store *s)
{
    struct store_rows rows;
    TRY(store_query(c, s, &rows, "SELECT count(*) FROM api_key WHERE owner_org = ?1",
                    S_ID(&c->org)));
    return row_int(&rows, 0, 0) < ACCESS_KEYS_MAX
               ? E_OK
               : ctx_fail(c, E_CONFLICT,
                          "an organisation has at most %d API keys: revoke one first",
                          ACCESS_KEYS_MAX);
}

enum err access_key_create(struct ctx *c, struct api_key *key, struct str *out_secret)
{
    struct store *s;
    TRY(system_store(c, &s));
    TRY(check_key_room(c, s));
    key->id = id_new(ctx_now_ms(c));
    struct str secret = new_secret(c->arena);
    TRY(store_exec(c, s, NULL,
                   "INSERT INTO api_key (id, owner_org, name, scopes, roles, hash, expires_at,"
                   " created_by, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                   S_ID(&key->id), S_ID(&c->org), S_STR(key->name), S_STR(key->scopes),
                   S_INT(key->roles), S_STR(hmac_sha256_hex(c->arena, secret)),
                   key->expires_at_ms ? S_INT(key->expires_at_ms) : S_NULL,
                   S_OPT(id_str(&c->actor)), S_INT(ctx_now_ms(c))));
    *out_secret = join_key(c->arena, &key->id, secret);
    return E_OK;
}

enum err access_key_rotate(struct ctx *c, const struct id *key, int64_t old_lives_ms,
                           struct str *out_secret)
{
    struct store *s;
    int64_t changed = 0, now = ctx_now_ms(c);
    TRY(system_store(c, &s));
    struct str secret = new_secret(c->arena);
    /* Rotated again before the old secret ended: that one is what programs still use, and the one
     * in between reached nobody, or was seen by somebody it should not have reached. */
    TRY(store_exec(c, s, &changed,
                   "UPDATE api_key SET hash = ?4, created_by = COALESCE(?5, created_by),"
                   " old_hash = CASE WHEN old_until > ?6 THEN old_hash ELSE hash END,"
                   " old_until = CASE WHEN old_until > ?6 THEN old_until ELSE ?3 END"
                   " WHERE id = ?1 AND owner_org = ?2",
                   S_ID(key), S_ID(&c->org), S_INT(now + old_lives_ms),
                   S_STR(hmac_sha256_hex(c->arena, secret)),
                   c->actor_kind == ACTOR_MEMBER ? S_ID(&c->actor) : S_NULL,
                   S_INT(old_lives_ms > 0 ? now : INT64_MAX)));
    *out_secret = join_key(c->arena, key, secret);
    return changed ? E_OK : ctx_fail(c, E_NOT_FOUND, "no such key");
}

enum err access_key_roles(struct ctx *c, const struct id *key, uint32_t *out_roles)
{
    struct store *s;
    struct store_rows rows;
    TRY(system_store(c, &s));
    TRY(store_query(c, s, &rows, "SELECT roles FROM api_key WHERE id = ?1 AND owner_org = ?2",
                    S_ID(key), S_ID(&c->org)));
    if (rows.count == 0) {
        return ctx_fail(c, E_NOT_FOUND, "no such key");
    }
    *out_roles = (uint32_t)row_int(&rows, 0, 0);
    return E_OK;
}

static const char *missing_scope(struct ctx *c, struct str scopes, uint32_t bits)
{
    const struct service *const *services = host_services(c);
    for (int i = 0; services[i]; i++) {
        for (const struct route *r = services[i]->routes; r && r->method; r++) {
            if (!(r->roles & ROLE_PUBLIC) && (r->roles & bits) && !has_scope(scopes, r->scope)) {
                return r->scope;
            }
        }
    }
    return NULL;
}

enum err access_key_covers(struct ctx *c, uint32_t bits)
{
    struct store *s;
    struct store_rows rows;
    if (c->actor_kind != ACTOR_KEY || !bits) {
        return E_OK;
    }
    TRY(system_store(c, &s));
    TRY(store_query(c, s, &rows, "SELECT scopes FROM api_key WHERE id = ?1", S_ID(&c->actor)));
    struct str scopes = rows.count ? row_str(&rows, 0, 0) : STR("");
    const char *missing = missing_scope(c, scopes, bits);
    return missing
               ? ctx_fail_field(c, E_DENIED, "roles",
                                "these roles open more than this key reaches, such as %s", missing)
               : E_OK;
}

enum err access_key_revoke(struct ctx *c, const struct id *key)
{
    struct store *s;
    int64_t changed = 0;
    TRY(system_store(c, &s));
    TRY(store_exec(c, s, &changed, "DELETE FROM api_key WHERE id = ?1 AND owner_org = ?2",
                   S_ID(key), S_ID(&c->org)));
    return changed ? E_OK : ctx_fail(c, E_NOT_FOUND, "no such key");
}

struct revoking {
    struct store *store;
    const struct id *member;
    struct store_rows rows; /* id, roles */
    uint32_t bits;
};

static bool goes(const struct revoking *r, int row)
{
    return ((uint32_t)row_int(&r->rows, row, 1) & ~r->bits) != 0;
}

static enum err tell_revoked(struct ctx *c, void *arg)
{
    const struct revoking *r = arg;
    for (int i = 0; i < r->rows.count; i++) {
        if (goes(r, i)) {
            TRY(audit_add(
                c, r->store, "key_revoked", row_str(&r->rows, i, 0),
                json_object(c->arena, {"because_of", json_new_str(c->arena, id_str(r->member))})));
        }
    }
    return E_OK;
}

enum err access_key_revoke_of(struct ctx *c, struct store *s, const struct id *member,
                              uint32_t bits)
{
    struct store *system;
    struct revoking r = {.store = s, .member = member, .bits = bits};
    TRY(system_store(c, &system));
    TRY(store_query(c, system, &r.rows,
                    "SELECT id, roles FROM api_key WHERE owner_org = ?1 AND created_by = ?2",
                    S_ID(&c->org), S_ID(member)));
    TRY(store_transact(c, s, tell_revoked, &r));
    for (int i = 0; i < r.rows.count; i++) {
        struct id key = row_id(&r.rows, i, 0);
        enum err e = goes(&r, i) ? access_key_revoke(c, &key) : E_OK;
        if (e != E_OK && e != E_NOT_FOUND) {
            return e;
        }
    }
    return E_OK;
}

enum err access_key_list(struct ctx *c, struct store_rows *out_rows)
{
    struct store *s;
    TRY(system_store(c, &s));
    return store_query(c, s, out_rows,
                       "SELECT id, name, scopes, roles, expires_at, created_at, old_until"
                       " FROM api_key WHERE owner_org = ?1 ORDER BY created_at DESC LIMIT ?2",
                       S_ID(&c->org), S_INT(ACCESS_KEYS_MAX));
}
