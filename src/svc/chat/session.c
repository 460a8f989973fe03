#include "svc/chat/session.h"

#include "agent/record.h"
#include "codec/hmac.h"
#include "host/org.h"
#include "store/vault.h"

enum { SECRET_BYTES = 24, CODE_LETTERS = 8, EXPIRE_CHUNK = 1000, EXPIRE_CHUNKS_MAX = 1000 };

static const int64_t session_life_ms = SESSION_DAYS * 24ll * 3600 * 1000;
static const int64_t renew_after_ms = 24ll * 3600 * 1000; /* one write a day, not one a visit */

const struct migration session_migrations[] = {
    {"chat", 1, STORE_SCOPE_ORG,
     "CREATE TABLE chat_session (id TEXT NOT NULL, hash TEXT NOT NULL, contact_id TEXT NOT NULL,"
     " conversation_id TEXT NOT NULL, agent_id TEXT NOT NULL, created_at BIGINT NOT NULL,"
     " expires_at BIGINT NOT NULL, PRIMARY KEY (id));"
     "CREATE INDEX chat_session_by_contact ON chat_session (contact_id);"},
    {"chat", 2, STORE_SCOPE_SYSTEM,
     "CREATE TABLE chat_pairing (hash TEXT NOT NULL, owner_org TEXT NOT NULL,"
     " session_id TEXT NOT NULL, expires_at BIGINT NOT NULL, PRIMARY KEY (hash));"
     "CREATE INDEX chat_pairing_by_session ON chat_pairing (session_id);"},
    {"chat", 3, STORE_SCOPE_ORG,
     "CREATE INDEX chat_session_by_expiry ON chat_session (expires_at);"},
    {0},
};

const struct system_rows session_system_rows[] = {
    SYSTEM_ROWS_PASSING("chat_pairing", "owner_org"),
    {0},
};

static enum err refuse(struct ctx *c)
{
    return ctx_fail_field(c, E_UNAUTHENTICATED, "token",
                          "this chat session is not known or has "
                          "expired; start a new one");
}

/* cs_<org>_<session>_<secret> */
static bool split_token(struct str token, struct id *out_org, struct id *out_session,
                        struct str *out_secret)
{
    size_t ids = ID_TEXT_BYTES;
    if (token.n != 3 + ids + 1 + ids + 1 + 2 * SECRET_BYTES || !str_starts(token, STR("cs_"))) {
        return false;
    }
    *out_secret = str_sub(token, 3 + ids + 1 + ids + 1, token.n);
    return id_parse(str_sub(token, 3, ids), out_org) &&
           id_parse(str_sub(token, 3 + ids + 1, ids), out_session);
}

static enum err check_open(struct ctx *c, const struct org *org)
{
    return str_eqz(org->status, "active")
               ? E_OK
               : ctx_fail(c, E_DENIED, "this chat is closed at the moment");
}

static void become(struct ctx *c, const struct id *contact)
{
    c->actor_kind = ACTOR_CONTACT;
    c->actor = *contact;
}

/* A session that can be used now; E_GONE when there is none. */
static enum err read_session(struct ctx *c, const struct id *id, struct chat_session *out,
                             struct str *out_hash)
{
    struct store *s;
    struct store_rows rows;
    struct org org;
    TRY(store_of(c, &s));
    TRY(store_query(c, s, &rows,
                    "SELECT contact_id, conversation_id, agent_id, hash FROM chat_session"
                    " WHERE id = ?1 AND expires_at > ?2",
                    S_ID(id), S_INT(ctx_now_ms(c))));
    if (rows.count == 0) {
        return ctx_fail(c, E_GONE, "this chat session has ended");
    }
    TRY(org_entry(c, &c->org, &org));
    TRY(check_open(c, &org));
    *out =
        (struct chat_session){*id, row_id(&rows, 0, 0), row_id(&rows, 0, 1), row_id(&rows, 0, 2)};
    *out_hash = row_str(&rows, 0, 3);
    return E_OK;
}

enum err session_open(struct ctx *c, struct str token, struct chat_session *out)
{
    struct id org, id;
    struct str secret, hash;
    struct chat_session session;
    if (!split_token(token, &org, &id, &secret)) {
        return refuse(c);
    }
    c->org = org;
    enum err e = read_session(c, &id, &session, &hash);
    if (e == E_NOT_FOUND || e == E_GONE) {
        return refuse(c);
    }
    TRY(e);
    if (!str_eq_secret(hash, hmac_sha256_hex(c->arena, secret))) {
        return refuse(c);
    }
    *out = session;
    become(c, &out->contact);
    return E_OK;
}

enum err session_read(struct ctx *c, const struct id *id, struct chat_session *out)
{
    struct str hash;
    TRY(read_session(c, id, out, &hash));
    become(c, &out->contact);
    return E_OK;
}

enum err session_renew(struct ctx *c, const struct chat_session *session)
{
    struct store *s;
    int64_t until = ctx_now_ms(c) + session_life_ms;
    TRY(store_of(c, &s));
    return store_exec(c, s, NULL,
                      "UPDATE chat_session SET expires_at = ?2 WHERE id = ?1 AND expires_at < ?3",
                      S_ID(&session->id), S_INT(until), S_INT(until - renew_after_ms));
}

static enum err insert_session(struct ctx *c, struct store *s, struct chat_session *session,
                               struct str *out_token)
{
    char secret[2 * SECRET_BYTES + 1];
    id_random_hex(secret, SECRET_BYTES);
    session->id = id_new(ctx_now_ms(c));
    *out_token = str_fmt(c->arena, "cs_%s_%s_%s", c->org.text, session->id.text, secret);
    return store_exec(c, s, NULL,
                      "INSERT INTO chat_session (id, hash, contact_id, conversation_id, agent_id,"
                      " created_at, expires_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                      S_ID(&session->id), S_STR(hmac_sha256_hex(c->arena, str_of(secret))),
                      S_ID(&session->contact), S_ID(&session->conversation), S_ID(&session->agent),
                      S_INT(ctx_now_ms(c)), S_INT(ctx_now_ms(c) + session_life_ms));
}

enum err session_identity(struct ctx *c, struct str email, struct str *out_identity)
{
    struct store *s;
    struct str secret;
    TRY(store_of(c, &s));
    TRY(vault_get(c, s, STR("chat_identity"), &secret));
    *out_identity = hmac_hex(c->arena, secret, str_lower(c->arena, str_trim(email)));
    return E_OK;
}

/* The contact record of a proven e-mail address, or a stranger. */
static enum err meet(struct ctx *c, struct store *s, const struct session_wish *wish,
                     struct record *out)
{
    struct str email = str_lower(c->arena, str_trim(wish->email));
    if (wish->identity.n) {
        struct str expected;
        enum err known = session_identity(c, email, &expected);
        if (known != E_OK && known != E_NOT_FOUND) {
            return known;
        }
        if (known != E_OK || !str_eq_secret(expected, wish->identity)) {
            return ctx_fail_field(c, E_UNAUTHENTICATED, "contact.identity",
                                  "the proof of identity does not fit the e-mail address");
        }
        enum err e = record_by_key(c, s, STR("contact"), email, out);
        if (e != E_NOT_FOUND) {
            return e;
        }
        ctx_forgive(c);
        const struct json *data =
            json_object(c->arena, {"email", json_new_str(c->arena, email)},
                        {"name", json_new_str(c->arena, wish->name.n ? wish->name : email)});
        return record_create(c, s, STR("contact"), data, out);
    }
    struct id stranger = id_new(ctx_now_ms(c));
    return record_contact_of(c, s, STR("webchat"), id_str(&stranger), wish->name, out);
}

struct opening {
    struct store *store;
    const struct session_wish *wish;
    struct agent_row agent;
    struct chat_session *out;
    struct str *out_token;
};

static enum err start_conversation(struct ctx *c, struct store *s, struct chat_session *session,
                                   int64_t version)
{
    struct conversation v = {.contact = session->contact,
                             .channel = STR("webchat"),
                             .agent = session->agent,
                             .agent_version = version};
    TRY(conversation_create(c, s, &v));
    session->conversation = v.id;
    return E_OK;
}

static enum err open_in(struct ctx *c, void *arg)
{
    struct opening *o = arg;
    struct record contact;
    TRY(meet(c, o->store, o->wish, &contact));
    *o->out = (struct chat_session){.contact = contact.id, .agent = o->agent.id};
    TRY(start_conversation(c, o->store, o->out, o->agent.active_version));
    return insert_session(c, o->store, o->out, o->out_token);
}

enum err session_find_agent(struct ctx *c, struct str name, struct agent_row *out)
{
    struct str slug = name, org_slug;
    struct agent_row agent;
    struct org org;
    if (!name.n || !str_split(&slug, '/', &org_slug) || !org_slug.n) {
        return ctx_fail_field(c, E_INVALID, "agent",
                              "agent names an organisation and an agent: brightwell/support");
    }
    enum err e = org_by_slug(c, org_slug, &org);
    if (e == E_OK) {
        c->org = org.id;
        e = registry_by_slug(c, slug, &agent);
    }
    if (e == E_NOT_FOUND || (e == E_OK && !str_eqz(agent.product, "chatbot"))) {
        return ctx_fail_field(c, E_NOT_FOUND, "agent", "there is no chat agent %.*s",
                              STR_ARG(name));
    }
    TRY(e);
    TRY(check_open(c, &org));
    *out = agent;
    return E_OK;
}

enum err session_new(struct ctx *c, const struct session_wish *wish, struct chat_session *out,
                     struct str *out_token)
{
    struct opening o = {.wish = wish, .agent = *wish->agent, .out = out, .out_token = out_token};
    TRY(store_of(c, &o.store));
    TRY(store_transact(c, o.store, open_in, &o));
    become(c, &out->contact);
    return E_OK;
}

/* ---- a second device ----------------------------------------------------- */

/* Codes lie in the installation's own store: who comes with one does not know the org yet. */
struct pairing {
    struct store *store;
    struct str hash;
    struct id org, session;
    int64_t expires_at_ms;
};

static enum err insert_pairing(struct ctx *c, void *arg)
{
    const struct pairing *p = arg;
    TRY(store_exec(c, p->store, NULL, "DELETE FROM chat_pairing WHERE session_id = ?1",
                   S_ID(&p->session)));
    return store_exec(c, p->store, NULL,
                      "INSERT INTO chat_pairing (hash, owner_org, session_id, expires_at)"
                      " VALUES (?1, ?2, ?3, ?4)",
                      S_STR(p->hash), S_ID(&p->org), S_ID(&p->session), S_INT(p->expires_at_ms));
}

enum err session_pairing_code(struct ctx *c, const struct chat_session *session,
                              struct str *out_code, int64_t *out_expires_at_ms)
{
    static const char letters[] = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"; /* none that look alike */
    unsigned char random[CODE_LETTERS];
    char code[CODE_LETTERS + 1];
    struct id system = id_system();
    struct org_visit before;
    id_random_bytes(random, sizeof(random));
    for (int i = 0; i < CODE_LETTERS; i++) {
        code[i] = letters[random[i] % (sizeof(letters) - 1)];
    }
    code[CODE_LETTERS] = 0;
    struct pairing p = {.hash = hmac_sha256_hex(c->arena, str_lower(c->arena, str_of(code))),
                        .org = c->org,
                        .session = session->id,
                        .expires_at_ms = ctx_now_ms(c) + SESSION_PAIRING_MS};
    org_enter(c, &system, &before);
    enum err e = store_of(c, &p.store);
    e = e == E_OK ? store_transact(c, p.store, insert_pairing, &p) : e;
    org_leave(c, &before);
    TRY(e);
    *out_code = str_dup(c->arena, str_of(code));
    *out_expires_at_ms = p.expires_at_ms;
    return E_OK;
}

/* Takes the code away: of several devices that come with it, one finds it. */
static enum err use_code(struct ctx *c, struct str code, struct pairing *out)
{
    struct id system = id_system();
    struct org_visit before;
    struct store_rows rows = {0};
    struct str hash = hmac_sha256_hex(c->arena, str_lower(c->arena, str_trim(code)));
    org_enter(c, &system, &before);
    enum err e = store_of(c, &out->store);
    if (e == E_OK) {
        e = store_query(c, out->store, &rows,
                        "DELETE FROM chat_pairing WHERE hash = ?1"
                        " RETURNING owner_org, session_id, expires_at",
                        S_STR(hash));
    }
    org_leave(c, &before);
    TRY(e);
    if (rows.count == 0 || row_int(&rows, 0, 2) <= ctx_now_ms(c)) {
        return ctx_fail_field(
            c, E_GONE, "pairing_code",
            "this code is not valid any more; make a new one on the other device");
    }
    out->org = row_id(&rows, 0, 0);
    out->session = row_id(&rows, 0, 1);
    return E_OK;
}

enum err session_pair(struct ctx *c, struct str code, struct chat_session *out,
                      struct str *out_token)
{
    struct pairing p;
    struct store *s;
    struct str hash;
    TRY(use_code(c, code, &p));
    c->org = p.org;
    enum err e = read_session(c, &p.session, out, &hash);
    if (e == E_GONE || e == E_NOT_FOUND) {
        return ctx_fail_field(c, E_GONE, "pairing_code", "that session has ended");
    }
    TRY(e);
    become(c, &out->contact);
    TRY(store_of(c, &s));
    return insert_session(c, s, out, out_token);
}

/* ---- starting over ------------------------------------------------------- */

struct restart {
    struct store *store;
    struct chat_session *session;
    int64_t version;
};

static enum err restart_in(struct ctx *c, void *arg)
{
    struct restart *r = arg;
    struct store_rows rows;
    /* as it is now: another device may have started over since the session was read */
    TRY(store_query(c, r->store, &rows, "SELECT conversation_id FROM chat_session WHERE id = ?1",
                    S_ID(&r->session->id)));
    if (rows.count == 0) {
        return ctx_fail(c, E_GONE, "this chat session has ended");
    }
    struct id old = row_id(&rows, 0, 0);
    struct conversation_ending over = {.status = "completed", .resolution = "abandoned"};
    TRY(conversation_end(c, r->store, &old, &over));
    TRY(start_conversation(c, r->store, r->session, r->version));
    /* every device of the contact follows */
    return store_exec(c, r->store, NULL,
                      "UPDATE chat_session SET conversation_id = ?2 WHERE conversation_id = ?1",
                      S_ID(&old), S_ID(&r->session->conversation));
}

enum err session_restart(struct ctx *c, struct chat_session *session)
{
    struct restart r = {.session = session};
    struct agent_row agent;
    TRY(store_of(c, &r.store));
    TRY(registry_get(c, &session->agent, &agent));
    r.version = agent.active_version;
    return store_transact(c, r.store, restart_in, &r);
}

/* ---- what nobody comes back to ------------------------------------------- */

enum err session_expire(struct ctx *c)
{
    struct store *s;
    struct id system = id_system();
    bool codes = id_eq(&c->org, &system);
    int64_t changed = EXPIRE_CHUNK;
    TRY(store_of(c, &s));
    for (int i = 0; i < EXPIRE_CHUNKS_MAX && changed == EXPIRE_CHUNK; i++) {
        TRY(store_exec(c, s, &changed,
                       codes ? "DELETE FROM chat_pairing WHERE hash IN (SELECT hash FROM"
                               " chat_pairing WHERE expires_at <= ?1 LIMIT ?2)"
                             : "DELETE FROM chat_session WHERE id IN (SELECT id FROM chat_session"
                               " WHERE expires_at <= ?1 LIMIT ?2)",
                       S_INT(ctx_now_ms(c)), S_INT(EXPIRE_CHUNK)));
    }
    return E_OK;
}
