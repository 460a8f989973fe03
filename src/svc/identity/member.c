#include "svc/identity/member.h"

#include "bus/topic.h"
#include "codec/seal.h"

const struct migration member_migrations[] = {
    {"identity", 1, STORE_SCOPE_SYSTEM,
     "CREATE TABLE sign_in (email TEXT NOT NULL, member_org TEXT NOT NULL,"
     " PRIMARY KEY (email, member_org));"},
    {"identity", 2, STORE_SCOPE_ORG,
     "CREATE TABLE member (id TEXT NOT NULL, email TEXT NOT NULL, name TEXT NOT NULL,"
     " title TEXT NOT NULL, roles BIGINT NOT NULL, status TEXT NOT NULL, password_hash TEXT,"
     " created_at BIGINT NOT NULL, last_sign_in_at BIGINT,"
     " PRIMARY KEY (id), UNIQUE (email));"
     "CREATE TABLE member_session (id TEXT NOT NULL, family TEXT NOT NULL, member_id TEXT NOT NULL,"
     " hash TEXT NOT NULL, used_at BIGINT, expires_at BIGINT NOT NULL,"
     " created_at BIGINT NOT NULL, PRIMARY KEY (id));"
     "CREATE INDEX member_session_by_family ON member_session (family);"
     "CREATE INDEX member_session_by_member ON member_session (member_id);"},
    {0},
};

const struct system_rows member_system_rows[] = {
    SYSTEM_ROWS("sign_in", "member_org", "email, member_org", "?1, ?2"),
    {0},
};

#define MEMBER_COLUMNS                                                                             \
    "id, email, name, title, roles, status, password_hash, created_at, last_sign_in_at"

static struct member read_member(const struct store_rows *r, int row)
{
    return (struct member){
        .id = row_id(r, row, 0),
        .email = row_str(r, row, 1),
        .name = row_str(r, row, 2),
        .title = row_str(r, row, 3),
        .roles = (uint32_t)row_int(r, row, 4),
        .status = row_str(r, row, 5),
        .password_hash = row_str(r, row, 6),
        .created_at_ms = row_int(r, row, 7),
        .last_sign_in_at_ms = row_int(r, row, 8),
    };
}

static struct str fold(struct ctx *c, struct str email)
{
    return str_lower(c->arena, str_trim(email));
}

static enum err system_exec(struct ctx *c, const char *sql, struct str email)
{
    struct store *s;
    struct id system = id_system();
    TRY(store_of_org(c, &system, &s));
    return store_exec(c, s, NULL, sql, S_STR(email), S_ID(&c->org));
}

static enum err hash_of(struct ctx *c, struct str password, struct str *out)
{
    char hash[SEAL_HASH_MAX_BYTES];
    if (password.n < MEMBER_PASSWORD_MIN_BYTES || password.n > SEAL_PASSWORD_MAX_BYTES) {
        return ctx_fail_field(c, E_INVALID, "password", "a password has %d to %d characters",
                              MEMBER_PASSWORD_MIN_BYTES, SEAL_PASSWORD_MAX_BYTES);
    }
    enum seal_cost cost = host_test_clock(c) ? SEAL_COST_TEST : SEAL_COST_NORMAL;
    if (seal_password_hash(password, cost, hash) != E_OK) {
        return ctx_fail_field(c, E_INVALID, "password", "this password cannot be used");
    }
    *out = str_dup(c->arena, str_of(hash));
    return E_OK;
}

static enum err check_member(struct ctx *c, const struct member *m)
{
    ptrdiff_t at = str_find_char(m->email, '@');
    if (at < 1 || m->email.n > 254 || (size_t)at + 1 >= m->email.n) {
        return ctx_fail_field(c, E_INVALID, "email", "email must be an e-mail address");
    }
    if (str_trim(m->name).n == 0 || m->name.n > 120) {
        return ctx_fail_field(c, E_INVALID, "name", "name has 1 to 120 bytes");
    }
    if (!m->roles) {
        return ctx_fail_field(c, E_INVALID, "roles", "a member needs at least one role");
    }
    return E_OK;
}

struct creating {
    struct store *store;
    const struct member *member;
};

static const struct json *member_payload(struct ctx *c, const struct member *m)
{
    return json_object(c->arena, {"user_id", json_new_str(c->arena, id_str(&m->id))},
                       {"email", json_new_str(c->arena, m->email)},
                       {"roles", role_names(c->arena, m->roles)},
                       {"by", json_new_str(c->arena, id_str(&c->actor))});
}

static enum err create_in(struct ctx *c, void *arg)
{
    struct creating *k = arg;
    const struct member *m = k->member;
    enum err e =
        store_exec(c, k->store, NULL,
                   "INSERT INTO member (id, email, name, title, roles, status,"
                   " password_hash, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                   S_ID(&m->id), S_STR(m->email), S_STR(m->name), S_STR(m->title), S_INT(m->roles),
                   S_STR(m->status), S_OPT(m->password_hash), S_INT(m->created_at_ms));
    if (e == E_CONFLICT) {
        return ctx_fail_field(c, E_CONFLICT, "email", "there is a member with this address");
    }
    TRY(e);
    TRY(audit_add(c, k->store, "member_created", id_str(&m->id), NULL));
    return topic_emit(c, k->store, .topic = "org_events", .type = "member_joined",
                      .key = id_str(&m->id), .payload = member_payload(c, m));
}

enum err member_prepare(struct ctx *c, struct member *m, struct str password)
{
    m->email = fold(c, m->email);
    m->status = m->status.n ? m->status : STR("active");
    m->created_at_ms = ctx_now_ms(c);
    m->id = id_is_set(&m->id) ? m->id : id_new(m->created_at_ms);
    TRY(check_member(c, m));
    return password.n ? hash_of(c, password, &m->password_hash) : E_OK;
}

enum err member_put(struct ctx *c, const struct member *m)
{
    struct creating k = {.member = m};
    TRY(store_of(c, &k.store));
    /* the index first: an entry without member only costs a look, a member without entry could not
     * sign in */
    TRY(system_exec(c,
                    "INSERT INTO sign_in (email, member_org) VALUES (?1, ?2)"
                    " ON CONFLICT (email, member_org) DO NOTHING",
                    m->email));
    return store_transact(c, k.store, create_in, &k);
}

enum err member_create(struct ctx *c, struct member *m, struct str password)
{
    TRY(member_prepare(c, m, password));
    return member_put(c, m);
}

enum err member_get(struct ctx *c, const struct id *id, struct member *out)
{
    struct store *s;
    struct store_rows rows;
    TRY(store_of(c, &s));
    TRY(store_query(c, s, &rows, "SELECT " MEMBER_COLUMNS " FROM member WHERE id = ?1", S_ID(id)));
    if (rows.count == 0) {
        return ctx_fail(c, E_NOT_FOUND, "no such member");
    }
    *out = read_member(&rows, 0);
    return E_OK;
}

enum err member_by_email(struct ctx *c, struct str email, struct member *out)
{
    struct store *s;
    struct store_rows rows;
    TRY(store_of(c, &s));
    TRY(store_query(c, s, &rows, "SELECT " MEMBER_COLUMNS " FROM member WHERE email = ?1",
                    S_STR(fold(c, email))));
    if (rows.count == 0) {
        return ctx_fail(c, E_NOT_FOUND, "no such member");
    }
    *out = read_member(&rows, 0);
    return E_OK;
}

enum err member_list(struct ctx *c, struct str after_email, int limit, const struct member **out,
                     int *out_count)
{
    struct store *s;
    struct store_rows rows;
    TRY(store_of(c, &s));
    TRY(store_query(c, s, &rows,
                    "SELECT " MEMBER_COLUMNS " FROM member WHERE email > ?1 ORDER BY email"
                    " LIMIT ?2",
                    S_STR(after_email), S_INT(limit)));
    struct member *all = ARENA_ARRAY(c->arena, struct member, (size_t)rows.count + 1);
    for (int i = 0; i < rows.count; i++) {
        all[i] = read_member(&rows, i);
    }
    *out = all;
    *out_count = rows.count;
    return E_OK;
}

/* How many could still administer the org without this member. */
static enum err keep_an_admin(struct ctx *c, struct store *s, const struct id *without)
{
    struct store_rows rows;
    TRY(store_query(c, s, &rows, "SELECT roles FROM member WHERE id <> ?1 AND status = 'active'",
                    S_ID(without)));
    for (int i = 0; i < rows.count; i++) {
        if (row_int(&rows, i, 0) & (ROLE_ADMIN | ROLE_OPERATOR)) {
            return E_OK;
        }
    }
    return ctx_fail(c, E_CONFLICT, "an organisation keeps at least one admin");
}

struct changing {
    struct store *store;
    const struct member *member;
    const struct id *id;
    bool password;   /* one is given, though it may be the one that is there */
    struct str hash; /* of a new one; empty: it stays */
};

static bool same_member(const struct member *a, const struct member *b)
{
    return str_eq(a->name, b->name) && str_eq(a->title, b->title) && a->roles == b->roles &&
           str_eq(a->status, b->status);
}

/* Whether the change leaves the organisation an admin. */
static enum err check_change(struct ctx *c, const struct changing *k, struct member *out_before)
{
    const struct member *m = k->member;
    TRY(member_get(c, &m->id, out_before));
    bool was = (out_before->roles & (ROLE_ADMIN | ROLE_OPERATOR)) != 0;
    bool is = (m->roles & (ROLE_ADMIN | ROLE_OPERATOR)) && str_eqz(m->status, "active");
    return was && !is ? keep_an_admin(c, k->store, &m->id) : E_OK;
}

static enum err update_in(struct ctx *c, void *arg)
{
    struct changing *k = arg;
    struct member before;
    const struct member *m = k->member;
    TRY(check_change(c, k, &before));
    /* tokens carry roles, and whoever knew the old password may hold one: make every device ask
     * again */
    if (k->password || before.roles != m->roles || !str_eqz(m->status, "active")) {
        TRY(access_cut(c, k->store, &m->id));
        TRY(store_exec(c, k->store, NULL, "DELETE FROM member_session WHERE member_id = ?1",
                       S_ID(&m->id)));
    }
    if (k->hash.n) {
        TRY(store_exec(c, k->store, NULL, "UPDATE member SET password_hash = ?2 WHERE id = ?1",
                       S_ID(&m->id), S_STR(k->hash)));
        TRY(audit_add(c, k->store, "password_changed", id_str(&m->id), NULL));
    }
    if (same_member(&before, m)) {
        return E_OK; /* asked for twice, told once */
    }
    TRY(store_exec(c, k->store, NULL,
                   "UPDATE member SET name = ?2, title = ?3, roles = ?4, status = ?5 WHERE id = ?1",
                   S_ID(&m->id), S_STR(m->name), S_STR(m->title), S_INT(m->roles),
                   S_STR(m->status)));
    TRY(audit_add(c, k->store, "member_updated", id_str(&m->id), member_payload(c, m)));
    return topic_emit(c, k->store, .topic = "org_events", .type = "member_role_updated",
                      .key = id_str(&m->id), .payload = member_payload(c, m));
}

enum err member_update(struct ctx *c, const struct member *m, struct str password)
{
    struct changing k = {.member = m};
    TRY(check_member(c, m));
    if (!str_eqz(m->status, "active") && !str_eqz(m->status, "suspended")) {
        return ctx_fail_field(c, E_INVALID, "status", "status is active or suspended");
    }
    struct member before;
    TRY(store_of(c, &k.store));
    TRY(check_change(c, &k, &before));
    k.password = password.n > 0;
    if (k.password) {
        TRY(hash_of(c, password, &k.hash));
        bool same = before.password_hash.n &&
                    seal_password_is(password, str_dupz(c->arena, before.password_hash));
        k.hash = same ? STR("") : k.hash;
    }
    /* keys lie in another store, and end first: whatever comes in between, they end */
    TRY(access_key_revoke_of(c, k.store, &m->id, str_eqz(m->status, "active") ? m->roles : 0));
    return store_transact(c, k.store, update_in, &k);
}

static enum err remove_in(struct ctx *c, void *arg)
{
    struct changing *k = arg;
    struct member m;
    TRY(member_get(c, k->id, &m));
    TRY(keep_an_admin(c, k->store, k->id));
    TRY(access_cut(c, k->store, k->id));
    TRY(store_exec(c, k->store, NULL, "DELETE FROM member_session WHERE member_id = ?1",
                   S_ID(k->id)));
    TRY(store_exec(c, k->store, NULL, "DELETE FROM member WHERE id = ?1", S_ID(k->id)));
    TRY(audit_add(c, k->store, "member_removed", id_str(k->id), NULL));
    return topic_emit(c, k->store, .topic = "org_events", .type = "member_removed",
                      .key = id_str(k->id), .payload = member_payload(c, &m));
}

enum err member_remove(struct ctx *c, const struct id *id)
{
    struct changing k = {.id = id};
    struct member m;
    TRY(member_get(c, id, &m));
    TRY(store_of(c, &k.store));
    TRY(keep_an_admin(c, k.store, id));
    TRY(access_key_revoke_of(c, k.store, id, 0));
    TRY(store_transact(c, k.store, remove_in, &k));
    return system_exec(c, "DELETE FROM sign_in WHERE email = ?1 AND member_org = ?2", m.email);
}

enum err member_orgs(struct ctx *c, struct str email, const struct id **out_orgs, int *out_count)
{
    struct store *s;
    struct store_rows rows;
    struct id system = id_system();
    TRY(store_of_org(c, &system, &s));
    TRY(store_query(c, s, &rows,
                    "SELECT member_org FROM sign_in WHERE email = ?1 ORDER BY member_org LIMIT 50",
                    S_STR(fold(c, email))));
    struct id *orgs = ARENA_ARRAY(c->arena, struct id, (size_t)rows.count + 1);
    for (int i = 0; i < rows.count; i++) {
        orgs[i] = row_id(&rows, i, 0);
    }
    *out_orgs = orgs;
    *out_count = rows.count;
    return E_OK;
}
