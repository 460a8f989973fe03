#include "svc/chat/session.h"

#include "agent/record.h"
#include "codec/hmac.h"
#include "host/org.h"
#include "store/cache.h"
#include "store/vault.h"

enum { SECRET_BYTES = 24, CODE_LETTERS = 8 };

static const int64_t session_life_ms = SESSION_DAYS * 24ll * 3600 * 1000;

const struct migration session_migrations[] = {
    {"chat", 1, STORE_SCOPE_ORG,
     "CREATE TABLE chat_session (id TEXT NOT NULL, hash TEXT NOT NULL, contact_id TEXT NOT NULL,"
     " conversation_id TEXT NOT NULL, agent_id TEXT NOT NULL, created_at BIGINT NOT NULL,"
     " expires_at BIGINT NOT NULL, PRIMARY KEY (id));"
     "CREATE INDEX chat_session_by_contact ON chat_session (contact_id);"},
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

enum err session_open(struct ctx *c, struct str token, struct chat_session *out)
{
    struct id org, session;
    struct str secret;
    struct store *s;
    struct store_rows rows;
    if (!split_token(token, &org, &session, &secret)) {
        return refuse(c);
    }
    c->org = org;
    enum err e = store_of(c, &s);
    if (e == E_NOT_FOUND) {
        return refuse(c);
    }
    TRY(e);
    TRY(store_query(c, s, &rows,
                    "SELECT hash, contact_id, conversation_id, agent_id, expires_at"
                    " FROM chat_session WHERE id = ?1",
                    S_ID(&session)));
    bool known = rows.count > 0 &&
                 str_eq_secret(row_str(&rows, 0, 0), hmac_sha256_hex(c->arena, secret)) &&
                 row_int(&rows, 0, 4) > ctx_now_ms(c);
    if (!known) {
        return refuse(c);
    }
    struct org org_row;
    TRY(org_get(c, &org, &org_row));
    TRY(check_open(c, &org_row));
    *out = (struct chat_session){session, row_id(&rows, 0, 1), row_id(&rows, 0, 2),
                                 row_id(&rows, 0, 3)};
    become(c, &out->contact);
    return E_OK;
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
        if (session_identity(c, email, &expected) != E_OK ||
            !str_eq_secret(expected, wish->identity)) {
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

enum err session_new(struct ctx *c, const struct session_wish *wish, struct chat_session *out,
                     struct str *out_token)
{
    ptrdiff_t slash = str_find_char(wish->agent, '/');
    struct opening o = {.wish = wish, .out = out, .out_token = out_token};
    struct org org;
    if (slash <= 0) {
        return ctx_fail_field(c, E_INVALID, "agent",
                              "agent names an organisation and an agent: brightwell/support");
    }
    enum err e = org_by_slug(c, str_sub(wish->agent, 0, (size_t)slash), &org);
    if (e == E_OK) {
        c->org = org.id;
        e = registry_by_slug(c, str_sub(wish->agent, (size_t)slash + 1, wish->agent.n), &o.agent);
    }
    if (e == E_NOT_FOUND || (e == E_OK && !str_eqz(o.agent.product, "chatbot"))) {
        return ctx_fail_field(c, E_NOT_FOUND, "agent", "there is no chat agent %.*s",
                              STR_ARG(wish->agent));
    }
    TRY(e);
    TRY(check_open(c, &org));
    TRY(store_of(c, &o.store));
    TRY(store_transact(c, o.store, open_in, &o));
    become(c, &out->contact);
    return E_OK;
}

/* ---- a second device ----------------------------------------------------- */

static struct id enter_system(struct ctx *c)
{
    struct id before = c->org;
    c->org = id_system();
    return before;
}

enum err session_pairing_code(struct ctx *c, const struct chat_session *session,
                              struct str *out_code, int64_t *out_expires_at_ms)
{
    static const char letters[] = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"; /* none that look alike */
    unsigned char random[CODE_LETTERS];
    char code[CODE_LETTERS + 1];
    id_random_bytes(random, sizeof(random));
    for (int i = 0; i < CODE_LETTERS; i++) {
        code[i] = letters[random[i] % (sizeof(letters) - 1)];
    }
    code[CODE_LETTERS] = 0;
    struct str value = str_fmt(c->arena, "%s %s", c->org.text, session->id.text);
    struct str key = str_fmt(c->arena, "pairing:%s", code);
    struct id before = enter_system(c);
    enum err e = cache_set(c, key, value, SESSION_PAIRING_MS);
    c->org = before;
    *out_code = str_dup(c->arena, str_of(code));
    *out_expires_at_ms = ctx_now_ms(c) + SESSION_PAIRING_MS;
    return e;
}

enum err session_pair(struct ctx *c, struct str code, struct chat_session *out,
                      struct str *out_token)
{
    struct str value, org, session;
    struct str key = str_fmt(c->arena, "pairing:%.*s", STR_ARG(str_trim(code)));
    enter_system(c);
    bool known = code.n <= 32 && cache_get(c, key, &value);
    cache_delete(c, key); /* once */
    struct id session_id;
    if (!known || !str_split(&value, ' ', &org) || !str_split(&value, ' ', &session) ||
        !id_parse(org, &c->org) || !id_parse(session, &session_id)) {
        return ctx_fail_field(
            c, E_GONE, "pairing_code",
            "this code is not valid any more; make a new one on the other device");
    }
    struct store *s;
    struct store_rows rows;
    TRY(store_of(c, &s));
    TRY(store_query(c, s, &rows,
                    "SELECT contact_id, conversation_id, agent_id FROM chat_session WHERE id = ?1",
                    S_ID(&session_id)));
    if (rows.count == 0) {
        return ctx_fail_field(c, E_GONE, "pairing_code", "that session has ended");
    }
    *out = (struct chat_session){.contact = row_id(&rows, 0, 0),
                                 .conversation = row_id(&rows, 0, 1),
                                 .agent = row_id(&rows, 0, 2)};
    become(c, &out->contact);
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
    struct id old = r->session->conversation;
    TRY(conversation_end(c, r->store, &old, "completed", "abandoned"));
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
