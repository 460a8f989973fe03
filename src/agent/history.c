#include "agent/history.h"

#include "codec/text.h"

struct import {
    struct store *store;
    const struct conversation *conversation;
    struct message *messages;
    int count;
    int64_t contact_seq, answered_seq;
    const struct message *last_shown;
};

static bool is_role(struct str role)
{
    static const char *const roles[] = {"contact", "ai", "member", "system", "note"};
    for (size_t i = 0; i < sizeof(roles) / sizeof(*roles); i++) {
        if (str_eqz(role, roles[i])) {
            return true;
        }
    }
    return false;
}

static enum err check(struct ctx *c, struct import *w)
{
    const struct conversation *v = w->conversation;
    if (!id_is_set(&v->id) || !id_is_set(&v->contact) || !id_is_set(&v->agent) ||
        v->created_at_ms <= 0 || w->count > CONVERSATION_MESSAGES_MAX) {
        return ctx_fail(c, E_INVALID, "a past conversation needs id, contact, agent and time");
    }
    int64_t before = 0;
    for (int i = 0; i < w->count; i++) {
        struct message *m = &w->messages[i];
        if (!is_role(m->role)) {
            return ctx_fail_field(c, E_INVALID, "role", "message %d: unknown role \"%.*s\"", i + 1,
                                  STR_ARG(m->role));
        }
        if (str_trim(m->text).n == 0 || m->text.n > MESSAGE_TEXT_MAX_BYTES ||
            !str_is_utf8(m->text)) {
            return ctx_fail_field(c, E_INVALID, "text", "message %d: empty, too long or no UTF-8",
                                  i + 1);
        }
        if (m->created_at_ms <= before) {
            return ctx_fail_field(c, E_INVALID, "at", "message %d: not later than the one before",
                                  i + 1);
        }
        before = m->created_at_ms;
        m->seq = i + 1;
        m->id = id_new(m->created_at_ms);
    }
    return E_OK;
}

/* Where the mailbox stands: what the contact wrote last, and whether somebody answered it. */
static void count_mailbox(struct import *w)
{
    for (int i = 0; i < w->count; i++) {
        const struct message *m = &w->messages[i];
        bool contact = str_eqz(m->role, "contact");
        bool answer = str_eqz(m->role, "ai") || str_eqz(m->role, "member");
        w->contact_seq = contact ? m->seq : w->contact_seq;
        w->answered_seq = answer ? w->contact_seq : w->answered_seq;
        w->last_shown = contact || answer ? m : w->last_shown;
    }
    bool open = conversation_is_open(w->conversation);
    if (!open || str_eqz(w->conversation->owner, "ai")) {
        w->answered_seq = w->contact_seq; /* the past orders no turn */
    }
}

static struct store_value json_value(struct ctx *c, const struct json *v)
{
    return json_is_null(v) ? S_NULL : S_STR(json_write(c->arena, v));
}

static enum err insert_conversation(struct ctx *c, const struct import *w)
{
    const struct conversation *v = w->conversation;
    int64_t updated = w->count ? w->messages[w->count - 1].created_at_ms : v->created_at_ms;
    updated = v->ended_at_ms > updated ? v->ended_at_ms : updated;
    struct str role = w->last_shown ? w->last_shown->role : STR("");
    struct str text = w->last_shown ? text_cut_bytes(w->last_shown->text, 200) : STR("");
    return store_exec(
        c, w->store, NULL,
        "INSERT INTO conversation (id, contact_id, channel, agent_id, agent_version, status, owner,"
        " assignee_id, last_seq, contact_seq, answered_seq, supersedes, failed_attempts, dialogue,"
        " escalation, sentiment, last_role, last_text, created_at, updated_at, ended_at)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, 0, 0, ?12, ?13, ?14, ?15, ?16,"
        " ?17, ?18, ?19)",
        S_ID(&v->id), S_ID(&v->contact), S_STR(v->channel), S_ID(&v->agent),
        S_INT(v->agent_version), S_STR(v->status), S_STR(v->owner), S_OPT(id_str(&v->assignee)),
        S_INT(w->count), S_INT(w->contact_seq), S_INT(w->answered_seq), json_value(c, v->dialogue),
        json_value(c, v->escalation), S_REAL(v->sentiment), S_OPT(role), S_OPT(text),
        S_INT(v->created_at_ms), S_INT(updated), v->ended_at_ms ? S_INT(v->ended_at_ms) : S_NULL);
}

static enum err insert_message(struct ctx *c, const struct import *w, const struct message *m)
{
    return store_exec(c, w->store, NULL,
                      "INSERT INTO message (conversation_id, seq, id, role, author_id, text,"
                      " citations, meta, created_at)"
                      " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                      S_ID(&w->conversation->id), S_INT(m->seq), S_ID(&m->id), S_STR(m->role),
                      S_OPT(id_str(&m->author)), S_STR(m->text), json_value(c, m->citations),
                      json_value(c, m->meta), S_INT(m->created_at_ms));
}

static enum err import_in(struct ctx *c, void *arg)
{
    const struct import *w = arg;
    TRY(insert_conversation(c, w));
    for (int i = 0; i < w->count; i++) {
        TRY(insert_message(c, w, &w->messages[i]));
    }
    return E_OK;
}

enum err history_import(struct ctx *c, struct store *s, const struct conversation *conversation,
                        struct message *messages, int count)
{
    struct import w = {.store = s, .conversation = conversation, .messages = messages};
    w.count = count;
    TRY(check(c, &w));
    count_mailbox(&w);
    return store_transact(c, s, import_in, &w);
}
