#include "svc/chat/view.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/message_view.h"
#include "agent/record.h"
#include "base/log.h"
#include "bus/bus.h"
#include "codec/hmac.h"
#include "host/live.h"
#include "host/org.h"

enum {
    STATE_LETTERS = 12,
    SESSION_PAGE = 50,
    PUMP_PAGE = 100,
    PUMP_PAUSE_MS = 25,
    BACKLOG_MAX_BYTES = 256 << 10,
    FRAME_MAX_BYTES = 256 << 10
};

struct view {
    struct channel_owner owner; /* first: the door reads it */
    const struct facilities *at;
    struct id org;
    struct id session;
    pthread_mutex_t lock; /* one pump at a time */
    struct id conversation;
    int64_t after_seq;
    char sent_owner[ID_TEXT_BYTES + 1], sent_status[ID_TEXT_BYTES + 1];
    bool greeted;
    atomic_bool wanted; /* a pump is posted and has not begun */
    /* What the peer was told up to: all messages to this seq, and the state that the last of them
     * left. The news of a message that was told already calls for no look at the store. */
    atomic_llong told_seq, news_seq;
    atomic_bool stale;            /* there is news that has no seq */
    _Atomic uint64_t later_timer; /* of pump_later; it holds the channel */
    uint64_t tail;
};

static void free_view(void *state)
{
    struct view *v = state;
    pthread_mutex_destroy(&v->lock);
    free(v);
}

/* ---- words --------------------------------------------------------------- */

/* arg: why a name could not be looked up; that there is none is no reason. */
static struct str member_name(struct ctx *c, const struct id *id, void *arg)
{
    enum err *failed = arg;
    const struct json *answer;
    const struct json *question = json_object(c->arena, {"id", json_new_str(c->arena, id_str(id))});
    enum err e = host_ask(c, "identity.member", question, &answer);
    if (e == E_NOT_FOUND) {
        ctx_forgive(c);
    } else if (e != E_OK) {
        *failed = e;
    }
    return e == E_OK ? json_str(answer, "name", STR("")) : STR("");
}

/* Names as the contact reads them; the arena keeps them. */
static struct message_view_names names_of(struct ctx *c, const struct id *agent, enum err *failed)
{
    struct agent_row row = {0};
    enum err e = registry_get(c, agent, &row);
    if (e == E_NOT_FOUND) {
        ctx_forgive(c);
    } else if (e != E_OK) {
        *failed = e;
    }
    return (struct message_view_names){.member = member_name, .arg = failed, .agent = row.name};
}

static enum err names_end(struct ctx *c, enum err failed)
{
    return failed == E_OK ? E_OK : ctx_fail(c, failed, "a name could not be looked up");
}

enum err view_write_message(struct ctx *c, struct json_out *o, const struct chat_session *session,
                            const struct message *message)
{
    enum err failed = E_OK;
    struct message_view_names names = names_of(c, &session->agent, &failed);
    message_view_write(c, o, message, MESSAGE_VIEW_CONTACT, &names);
    return names_end(c, failed);
}

enum err view_write_messages(struct ctx *c, struct json_out *o, const struct chat_session *session,
                             struct message_range *range, struct view_page *out)
{
    struct store *s;
    struct messages page;
    enum err failed = E_OK;
    struct message_view_names names = names_of(c, &session->agent, &failed);
    range->conversation = session->conversation;
    range->for_contact = true;
    TRY(store_of(c, &s));
    TRY(conversation_messages(c, s, range, &page));
    json_open_array(o);
    for (int i = 0; i < page.count; i++) {
        message_view_write(c, o, &page.items[i], MESSAGE_VIEW_CONTACT, &names);
    }
    json_close_array(o);
    int64_t none = range->after_seq > 0 ? range->after_seq : 0;
    *out = (struct view_page){.count = page.count,
                              .cursor = page.count ? page.items[page.count - 1].seq : none,
                              .next = message_view_next(c->arena, range, &page)};
    return names_end(c, failed);
}

static void put_cursor(struct json_out *o, const char *name, struct str cursor)
{
    if (cursor.n) {
        json_field_str(o, name, cursor);
    } else {
        json_field_null(o, name);
    }
}

static void write_card(struct json_out *o, const struct config *cfg, const struct json *brand)
{
    json_name(o, "agent");
    json_open_object(o);
    json_field_str(o, "name", cfg->name);
    json_field_str(o, "greeting", cfg->greeting);
    json_field(o, "suggestions", cfg->suggestions);
    if (json_get(brand, "color")) {
        json_field(o, "color", json_get(brand, "color"));
    }
    json_close_object(o);
}

static enum err write_state(struct ctx *c, struct json_out *o, const struct conversation *v)
{
    enum err failed = E_OK;
    json_field_str(o, "owner", v->owner);
    json_field_str(o, "status", v->status);
    json_name(o, "member");
    if (id_is_set(&v->assignee)) {
        json_open_object(o);
        json_field_str(o, "name", member_name(c, &v->assignee, &failed));
        json_close_object(o);
    } else {
        json_put_null(o);
    }
    return names_end(c, failed);
}

struct str view_state(struct ctx *c, const struct conversation *v)
{
    struct str text = str_fmt(c->arena, "%s %.*s %.*s %s", v->id.text, STR_ARG(v->owner),
                              STR_ARG(v->status), v->assignee.text);
    return str_sub(hmac_sha256_hex(c->arena, text), 0, STATE_LETTERS);
}

enum err view_write_page(struct ctx *c, struct json_out *o, const struct chat_session *session,
                         struct message_range *range)
{
    struct store *s;
    struct conversation v;
    struct view_page page;
    TRY(store_of(c, &s));
    TRY(conversation_get(c, s, &session->conversation, &v));
    json_open_object(o);
    json_name(o, "items");
    TRY(view_write_messages(c, o, session, range, &page));
    json_field_int(o, "cursor", page.cursor);
    put_cursor(o, "next_cursor", page.next);
    json_field_str(o, "conversation_id", id_str(&session->conversation));
    TRY(write_state(c, o, &v));
    json_field_str(o, "state", view_state(c, &v));
    json_close_object(o);
    return E_OK;
}

enum err view_write_session(struct ctx *c, struct json_out *o, const struct chat_session *session,
                            struct str token)
{
    struct store *s;
    struct conversation v;
    struct record contact;
    const struct agent *agent;
    struct org org;
    struct message_range newest = {.after_seq = MESSAGES_NEWEST, .limit = SESSION_PAGE};
    struct view_page page;
    TRY(store_of(c, &s));
    TRY(conversation_get(c, s, &session->conversation, &v));
    TRY(registry_agent(c, &v.agent, v.agent_version, &agent));
    TRY(record_get(c, s, &session->contact, &contact));
    TRY(org_get(c, &c->org, &org));
    json_open_object(o);
    json_field_str(o, "token", token);
    json_field_str(o, "conversation_id", id_str(&session->conversation));
    json_name(o, "contact");
    json_open_object(o);
    json_field_str(o, "id", id_str(&contact.id));
    json_field_str(o, "name", json_str(contact.data, "name", STR("")));
    json_close_object(o);
    write_card(o, agent->config, json_get(org.settings, "brand"));
    TRY(write_state(c, o, &v));
    json_name(o, "messages");
    TRY(view_write_messages(c, o, session, &newest, &page));
    json_field_int(o, "cursor", page.cursor);
    put_cursor(o, "older_cursor", page.next); /* the next `before` of GET /chat/messages */
    json_close_object(o);
    return E_OK;
}

/* ---- sending ------------------------------------------------------------- */

static void send_frame(struct channel *ch, int64_t id, const char *type, const struct buf *b)
{
    if (b->overflow) {
        return;
    }
    if (channel_kind(ch) == SERVER_SSE) {
        char text[24];
        snprintf(text, sizeof(text), "%lld", (long long)id);
        channel_event(ch, id > 0 ? str_of(text) : STR(""), str_of(type), buf_str(b));
    } else {
        channel_send(ch, buf_str(b));
    }
}

static void send_message(struct ctx *c, struct channel *ch, const struct message *m,
                         const struct message_view_names *names)
{
    struct buf b = buf_make(FRAME_MAX_BYTES);
    struct json_out o = json_out_to(&b);
    json_open_object(&o);
    json_field_str(&o, "type", STR("message"));
    json_field_int(&o, "seq", m->seq);
    json_name(&o, "message");
    message_view_write(c, &o, m, MESSAGE_VIEW_CONTACT, names);
    json_close_object(&o);
    send_frame(ch, m->seq, "message", &b);
    buf_free(&b);
}

static void send_state(struct ctx *c, struct view *v, struct channel *ch, const char *type,
                       const struct conversation *conversation)
{
    struct buf b = buf_make(FRAME_MAX_BYTES);
    struct json_out o = json_out_to(&b);
    json_open_object(&o);
    json_field_str(&o, "type", str_of(type));
    json_field_str(&o, "conversation_id", id_str(&v->conversation));
    json_field_int(&o, "cursor", v->after_seq);
    write_state(c, &o, conversation); /* a name that is missing now comes with the next frame */
    json_close_object(&o);
    send_frame(ch, 0, type, &b);
    buf_free(&b);
}

static bool set_sent(char sent[ID_TEXT_BYTES + 1], struct str now)
{
    if (str_eqz(now, sent)) {
        return false;
    }
    snprintf(sent, ID_TEXT_BYTES + 1, "%.*s", STR_ARG(now));
    return true;
}

static void tell_state(struct ctx *c, struct view *v, struct channel *ch,
                       const struct conversation *now)
{
    /* who answers: the agent, or the member by id. A conversation that waits for a person is told
     * by its status; there is nobody to name yet. */
    bool waits = str_eqz(now->owner, "human") && !id_is_set(&now->assignee);
    bool owner =
        !waits &&
        set_sent(v->sent_owner, id_is_set(&now->assignee) ? id_str(&now->assignee) : now->owner);
    bool status = set_sent(v->sent_status, now->status);
    if (!v->greeted) {
        v->greeted = true;
        send_state(c, v, ch, "hello", now);
        return;
    }
    if (owner) {
        send_state(c, v, ch, "owner", now);
    }
    if (status) {
        send_state(c, v, ch, "status", now);
    }
}

static bool on_event(void *arg, const struct event *e);
static void pump_task(struct ctx *c, void *arg);

static void watch(struct ctx *c, struct view *v, struct channel *ch)
{
    char key[ID_TEXT_BYTES + 1];
    memcpy(key, v->conversation.text, sizeof(key));
    struct event_filter filter = {
        .topic = "conversation_events", .key = str_of(key), .after_seq = -1};
    v->tail = tail_open(c->at->bus, &v->org, &filter, on_event, ch);
    live_join(host_live(c), &v->org, &v->conversation, ch, false);
}

static void unwatch(struct ctx *c, struct view *v, struct channel *ch)
{
    if (v->tail) {
        tail_close(c->at->bus, v->tail);
        v->tail = 0;
    }
    live_leave(host_live(c), ch);
}

/* Another device, or this one, started over: follow. */
static void follow(struct ctx *c, struct view *v, struct channel *ch, const struct id *conversation)
{
    unwatch(c, v, ch);
    v->conversation = *conversation;
    v->after_seq = 0;
    atomic_store(&v->told_seq, 0);
    atomic_store(&v->news_seq, 0);
    watch(c, v, ch);
    struct buf b = buf_make(1024);
    struct json_out o = json_out_to(&b);
    json_open_object(&o);
    json_field_str(&o, "type", STR("restart"));
    json_field_str(&o, "conversation_id", id_str(conversation));
    json_close_object(&o);
    send_frame(ch, 0, "restart", &b);
    buf_free(&b);
}

static enum err read_session(struct ctx *c, const struct view *v, struct chat_session *out)
{
    c->org = v->org;
    return session_read(c, &v->session, out);
}

/* What is after the cursor, as long as the peer takes it. */
static enum err send_messages(struct ctx *c, struct view *v, struct channel *ch,
                              const struct chat_session *session, bool *out_more)
{
    struct store *s;
    struct messages page = {.more = true};
    enum err unnamed = E_OK; /* a name that is missing now comes with the next frame */
    struct message_view_names names = {.member = member_name, .arg = &unnamed};
    bool named = false; /* the agent's is looked up with its first message */
    struct message_range range = {
        .conversation = v->conversation, .limit = PUMP_PAGE, .for_contact = true};
    bool room = true;
    TRY(store_of(c, &s));
    while (page.more && room) {
        range.after_seq = v->after_seq;
        TRY(conversation_messages(c, s, &range, &page));
        for (int i = 0; i < page.count && room; i++) {
            if (!named && !str_eqz(page.items[i].role, "contact")) {
                names = names_of(c, &session->agent, &unnamed);
                named = true;
            }
            send_message(c, ch, &page.items[i], &names);
            v->after_seq = page.items[i].seq;
            room = channel_backlog_bytes(ch) < BACKLOG_MAX_BYTES;
        }
    }
    *out_more = page.more || !room;
    return E_OK;
}

/* known: the session as it was a moment ago; NULL: it is to be read. */
static enum err pump_locked(struct ctx *c, struct view *v, struct channel *ch,
                            const struct chat_session *known, bool *out_more)
{
    struct chat_session session;
    struct store *s;
    struct conversation now;
    if (known && id_eq(&known->conversation, &v->conversation)) {
        session = *known;
    } else {
        TRY(read_session(c, v, &session));
    }
    TRY(store_of(c, &s));
    if (!id_eq(&session.conversation, &v->conversation)) {
        follow(c, v, ch, &session.conversation);
    }
    TRY(conversation_get(c, s, &v->conversation, &now));
    if (!v->greeted) {
        tell_state(c, v, ch, &now);
    }
    TRY(send_messages(c, v, ch, &session, out_more));
    if (!*out_more) {
        tell_state(c, v, ch, &now);
        atomic_store(&v->told_seq, now.last_seq);
    }
    return E_OK;
}

/* The peer has enough for the moment. */
static void pump_later(struct view *v, struct channel *ch)
{
    atomic_store(&v->stale, true);
    if (atomic_exchange(&v->wanted, true)) {
        return;
    }
    struct channel *held = channel_hold(ch);
    uint64_t timer =
        workers_post_later(v->at->workers, LANE_REQUEST, PUMP_PAUSE_MS, pump_task, held);
    atomic_store(&v->later_timer, timer);
    if (!timer) {
        atomic_store(&v->wanted, false);
        channel_close(ch, 1013, "busy");
        channel_release(&held);
    }
}

void view_break(struct channel *ch, enum err e)
{
    if (e == E_GONE || e == E_NOT_FOUND) {
        channel_close(ch, 4401, "this chat session has ended");
    } else if (e == E_DENIED) {
        channel_close(ch, 4403, "this chat is closed at the moment");
    } else {
        channel_close(ch, 1011, "try again");
    }
}

/* With the view locked: whether anything happened that the peer was not told. */
static bool has_news(struct view *v)
{
    bool stale = atomic_exchange(&v->stale, false);
    return stale || atomic_load(&v->news_seq) > atomic_load(&v->told_seq);
}

/* What a pump is for, besides news. */
struct pump_reason {
    bool anyway;
    const struct chat_session *session; /* a message of it is to be acknowledged; NULL: none is */
    const struct message *message;
    const struct conversation *left; /* by the message; NULL: not known */
};

/* With the view locked. A message that was told already, by the pump that its event asked for, is
 * not told again. */
static bool is_due(struct view *v, const struct pump_reason *why)
{
    bool untold = why->session && (!id_eq(&why->session->conversation, &v->conversation) ||
                                   why->message->seq > atomic_load(&v->told_seq));
    return has_news(v) || why->anyway || untold;
}

/* With the view locked. The message is all that the peer was not told: it was told everything up to
 * the message before and the state that left, and nothing else is new. Whoever told it a later
 * state would have told it this message as well. */
static bool is_next(struct view *v, const struct pump_reason *why)
{
    return why->left && v->greeted && !atomic_load(&v->stale) &&
           id_eq(&why->left->id, &v->conversation) && why->message->seq == v->after_seq + 1 &&
           v->after_seq == atomic_load(&v->told_seq) &&
           atomic_load(&v->news_seq) <= why->message->seq;
}

/* With the view locked: the message and the state, as the transaction that stored it knew them. */
static void tell_next(struct ctx *c, struct view *v, struct channel *ch,
                      const struct pump_reason *why)
{
    struct message_view_names none = {0}; /* a contact's message names nobody */
    send_message(c, ch, why->message, &none);
    v->after_seq = why->message->seq;
    tell_state(c, v, ch, why->left);
    atomic_store(&v->told_seq, why->message->seq);
}

static void pump(struct ctx *c, struct channel *ch, const struct pump_reason *why)
{
    struct view *v = channel_state(ch);
    bool more = false;
    enum err e = E_OK;
    if (!channel_is_open(ch)) {
        return;
    }
    atomic_store(&v->wanted, false); /* what happens from here on asks for another pump */
    pthread_mutex_lock(&v->lock);
    if (is_next(v, why)) {
        tell_next(c, v, ch, why);
    } else if (is_due(v, why)) {
        e = pump_locked(c, v, ch, why->session, &more);
    }
    pthread_mutex_unlock(&v->lock);
    if (e != E_OK) {
        log_at(c, LOG_WARN, "chat stream broken off", LOG_Z("code", err_name(e)),
               LOG_Z("text", c->fault.text));
        view_break(ch, e);
    } else if (more) {
        pump_later(v, ch);
    }
}

void view_pump(struct ctx *c, struct channel *ch)
{
    pump(c, ch, &(struct pump_reason){.anyway = true});
}

void view_acknowledge(struct ctx *c, struct channel *ch, const struct chat_session *session,
                      const struct message *message, const struct conversation *left)
{
    pump(c, ch, &(struct pump_reason){.session = session, .message = message, .left = left});
}

static void pump_task(struct ctx *c, void *arg)
{
    struct channel *ch = arg;
    pump(c, ch, &(struct pump_reason){0});
    channel_release(&ch);
}

static void want_pump(struct view *v, struct channel *ch)
{
    if (atomic_exchange(&v->wanted, true)) {
        return;
    }
    struct channel *held = channel_hold(ch);
    if (!workers_post(v->at->workers, LANE_REQUEST, pump_task, held)) {
        atomic_store(&v->wanted, false);
        channel_close(ch, 1013, "busy"); /* it comes back with its cursor and misses nothing */
        channel_release(&held);
    }
}

/* Called for one event at a time, in their order. */
static bool on_event(void *arg, const struct event *e)
{
    struct channel *ch = arg; /* lives until tail_close, which on_close and follow call first */
    struct view *v = channel_state(ch);
    int64_t seq = json_int(e->payload, "seq", 0);
    if (seq > 0 && seq <= atomic_load(&v->told_seq)) {
        return true;
    }
    if (seq > 0) {
        atomic_store(&v->news_seq, seq);
    } else {
        atomic_store(&v->stale, true);
    }
    want_pump(v, ch);
    return true;
}

/* ---- opening and closing ------------------------------------------------- */

enum err view_open(struct ctx *c, struct call *call, enum server_stream kind,
                   const struct chat_session *session, int64_t after_seq)
{
    struct channel *ch = server_upgrade(c, call->out, kind);
    if (!ch) {
        return ctx_fail(c, E_INVALID, "this address speaks WebSocket only");
    }
    struct view *v = mem_new(sizeof(*v));
    *v = (struct view){.owner = {.service = &chat_service},
                       .at = c->at,
                       .org = c->org,
                       .session = session->id,
                       .conversation = session->conversation,
                       .after_seq = after_seq};
    pthread_mutex_init(&v->lock, NULL);
    channel_attach(ch, v, free_view);
    atomic_store(&v->stale, true);
    watch(c, v, ch);
    if (v->tail) {
        want_pump(v, ch);
    } else { /* it would never hear of an answer; polling and a later try still work */
        channel_close(ch, 1013, "too many open chats");
    }
    channel_release(&ch);
    return E_OK;
}

enum err view_session(struct ctx *c, struct channel *ch, struct chat_session *out)
{
    return read_session(c, channel_state(ch), out);
}

void view_close(struct ctx *c, struct channel *ch)
{
    struct view *v = channel_state(ch);
    pthread_mutex_lock(&v->lock);
    unwatch(c, v, ch);
    pthread_mutex_unlock(&v->lock);
    uint64_t timer = atomic_exchange(&v->later_timer, 0);
    if (timer && workers_cancel(c->at->workers, timer)) { /* else its task lets go */
        struct channel *held = ch;
        channel_release(&held);
    }
}

void view_error(struct ctx *c, struct channel *ch)
{
    struct buf b = buf_make(4096);
    struct json_out o = json_out_to(&b);
    json_open_object(&o);
    json_field_str(&o, "type", STR("error"));
    json_field_str(&o, "code", str_of(err_name(c->fault.err)));
    json_field_str(
        &o, "detail",
        str_of(c->fault.err == E_INTERNAL ? "something went wrong on our side" : c->fault.text));
    if (c->fault.field[0]) {
        json_field_str(&o, "field", str_of(c->fault.field));
    }
    json_field_str(&o, "request_id", str_of(c->request_id));
    json_close_object(&o);
    send_frame(ch, 0, "error", &b);
    buf_free(&b);
}
