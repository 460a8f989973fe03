#include "agent/record.h"
#include "codec/text.h"
#include "host/live.h"
#include "host/org.h"
#include "svc/chat/frame.h"
#include "svc/chat/poll.h"
#include "svc/chat/view.h"

/* ---- bodies -------------------------------------------------------------- */

struct contact_wish {
    const struct json *contact;
    struct str agent, token, pairing_code;
};
static const struct field start_fields[] = {
    FIELD(struct contact_wish, agent, FIELD_STR, .max = 130, .title = "organisation/agent slugs"),
    FIELD(struct contact_wish, token, FIELD_STR, .max = 300,
          .title = "of an earlier session, to go on with it"),
    FIELD(struct contact_wish, pairing_code, FIELD_STR, .max = 32,
          .title = "from another device of the same contact"),
    FIELD(struct contact_wish, contact, FIELD_OBJECT,
          .title = "name, email, and identity: proof of the e-mail address"),
};
static const struct field_table start_body = FIELD_TABLE("ChatStart", start_fields);

struct chat_post {
    struct str token, client_id, text;
};
static const struct field post_fields[] = {
    FIELD(struct chat_post, token, FIELD_STR, .flags = FIELD_REQUIRED, .max = 300),
    FIELD(struct chat_post, client_id, FIELD_STR, .max = MESSAGE_CLIENT_ID_MAX_BYTES,
          .title = "makes sending again safe"),
    FIELD(struct chat_post, text, FIELD_STR, .flags = FIELD_REQUIRED,
          .max = MESSAGE_TEXT_MAX_BYTES),
};
static const struct field_table post_body = FIELD_TABLE("ChatMessage", post_fields);

struct chat_token {
    struct str token;
};
static const struct field token_fields[] = {
    FIELD(struct chat_token, token, FIELD_STR, .flags = FIELD_REQUIRED, .max = 300),
};
static const struct field_table token_body = FIELD_TABLE("ChatToken", token_fields);

/* ---- sessions ------------------------------------------------------------ */

static enum err start_new(struct ctx *c, struct call *call, void *arg)
{
    const struct contact_wish *in = call->input;
    struct chat_session session;
    struct str token;
    struct session_wish wish = {
        .agent = arg,
        .name = text_cut_bytes(json_str(in->contact, "name", STR("")), 120),
        .email = json_str(in->contact, "email", STR("")),
        .identity = json_str(in->contact, "identity", STR("")),
    };
    TRY(session_new(c, &wish, &session, &token));
    call->status = 201;
    return view_write_session(c, call_json(call), &session, token);
}

/* Nobody is known yet: keys of one address do not meet those of another. */
static enum err start_once(struct ctx *c, struct call *call)
{
    const struct contact_wish *in = call->input;
    struct agent_row agent;
    struct once once = {.actor = str_fmt(c->arena, "visitor %.*s", STR_ARG(call->in->peer)),
                        .handler = start_new,
                        .arg = &agent};
    TRY(session_find_agent(c, in->agent, &agent));
    TRY(store_of(c, &once.store));
    return call_once(c, call, &once);
}

static enum err start(struct ctx *c, struct call *call)
{
    const struct contact_wish *in = call->input;
    struct chat_session session;
    struct str token = in->token;
    if (token.n) {
        TRY(session_open(c, token, &session));
        TRY(session_renew(c, &session));
        call->status = 200;
    } else if (in->pairing_code.n) {
        TRY(session_pair(c, in->pairing_code, &session, &token));
        call->status = 201;
    } else {
        return start_once(c, call);
    }
    return view_write_session(c, call_json(call), &session, token);
}

/* For posts with the token of a session: its keys are its own. */
static enum err once_in_session(struct ctx *c, struct call *call, struct str token,
                                enum err (*handler)(struct ctx *c, struct call *call, void *arg))
{
    struct chat_session session;
    struct once once = {.handler = handler, .arg = &session};
    TRY(session_open(c, token, &session));
    TRY(store_of(c, &once.store));
    once.actor = id_str(&session.id);
    return call_once(c, call, &once);
}

static enum err session_of_query(struct ctx *c, struct call *call, struct chat_session *out,
                                 int64_t *out_after)
{
    TRY(session_open(c, call_query(c, call, "token"), out));
    struct str last =
        request_header(call->in, "Last-Event-ID"); /* an EventSource that reconnects */
    if (last.n && str_to_i64(last, out_after)) {
        return E_OK;
    }
    return call_query_int(c, call, "after", 0, out_after);
}

static enum err open_socket(struct ctx *c, struct call *call)
{
    struct chat_session session;
    int64_t after;
    TRY(session_of_query(c, call, &session, &after));
    return view_open(c, call, SERVER_WEBSOCKET, &session, after);
}

static enum err open_events(struct ctx *c, struct call *call)
{
    struct chat_session session;
    int64_t after;
    TRY(session_of_query(c, call, &session, &after));
    return view_open(c, call, SERVER_SSE, &session, after);
}

/* ---- acting -------------------------------------------------------------- */

static enum err receive(struct ctx *c, const struct chat_session *session, struct message *m,
                        struct received *out)
{
    struct store *s;
    TRY(store_of(c, &s));
    return conversation_receive(c, s, &session->conversation, m, out);
}

static enum err add_message(struct ctx *c, struct call *call, void *arg)
{
    const struct chat_post *in = call->input;
    const struct chat_session *session = arg;
    struct message m = {.text = in->text, .client_id = in->client_id};
    struct received got;
    TRY(receive(c, session, &m, &got));
    struct json_out *o = call_json(call);
    json_open_object(o);
    json_name(o, "message");
    TRY(view_write_message(c, o, session, &m));
    json_close_object(o);
    return E_OK;
}

static enum err post_message(struct ctx *c, struct call *call)
{
    const struct chat_post *in = call->input;
    return once_in_session(c, call, in->token, add_message);
}

static enum err request_person(struct ctx *c, const struct chat_session *session)
{
    struct store *s;
    TRY(store_of(c, &s));
    return conversation_escalate(
        c, s, &session->conversation,
        json_object(c->arena, {"reason", json_new_str(c->arena, STR("user_requested"))},
                    {"priority", json_new_str(c->arena, STR("normal"))}));
}

static enum err hand_over(struct ctx *c, struct call *call, void *arg)
{
    TRY(request_person(c, arg));
    struct json_out *o = call_json(call);
    json_open_object(o);
    json_field_str(o, "owner", STR("human"));
    json_field_str(o, "status", STR("escalated"));
    json_close_object(o);
    return E_OK;
}

static enum err post_handover(struct ctx *c, struct call *call)
{
    const struct chat_token *in = call->input;
    return once_in_session(c, call, in->token, hand_over);
}

static enum err restart(struct ctx *c, struct call *call, void *arg)
{
    const struct chat_token *in = call->input;
    struct chat_session *session = arg;
    TRY(session_restart(c, session));
    return view_write_session(c, call_json(call), session, in->token);
}

static enum err post_restart(struct ctx *c, struct call *call)
{
    const struct chat_token *in = call->input;
    return once_in_session(c, call, in->token, restart);
}

/* Members who look at the conversation see that the contact is writing. */
static void tell_typing(struct ctx *c, const struct chat_session *session)
{
    struct str frame =
        str_fmt(c->arena, "{\"type\":\"typing\",\"who\":\"contact\",\"conversation_id\":\"%s\"}",
                session->conversation.text);
    live_send(host_live(c), &session->conversation, "typing", frame, true);
}

static enum err post_typing(struct ctx *c, struct call *call)
{
    const struct chat_token *in = call->input;
    struct chat_session session;
    TRY(session_open(c, in->token, &session));
    tell_typing(c, &session);
    call->status = 204;
    return E_OK;
}

/* A code takes the place of the one before, so asking again does no harm. */
static enum err post_pairing(struct ctx *c, struct call *call)
{
    const struct chat_token *in = call->input;
    struct chat_session session;
    struct str code;
    int64_t expires_at_ms;
    TRY(session_open(c, in->token, &session));
    TRY(session_pairing_code(c, &session, &code, &expires_at_ms));
    struct json_out *o = call_json(call);
    json_open_object(o);
    json_field_str(o, "code", code);
    json_field_int(o, "expires_at", expires_at_ms);
    json_close_object(o);
    return E_OK;
}

/* ---- frames -------------------------------------------------------------- */

static enum err act(struct ctx *c, struct channel *ch, const struct frame *frame)
{
    struct chat_session session;
    struct message m = {.text = frame->text, .client_id = frame->client_id};
    struct received got;
    if (frame->type == FRAME_PING) {
        channel_send(ch, STR("{\"type\":\"pong\"}"));
        return E_OK;
    }
    enum err e = view_session(c, ch, &session);
    if (e == E_GONE || e == E_NOT_FOUND || e == E_DENIED) {
        view_error(c, ch); /* before the close; the caller's comes too late */
        view_break(ch, e);
    }
    TRY(e);
    switch (frame->type) {
    case FRAME_MESSAGE:
        TRY(receive(c, &session, &m, &got));
        view_acknowledge(c, ch, &session, &m, got.is_new ? &got.conversation : NULL);
        return E_OK;
    case FRAME_TYPING:
        tell_typing(c, &session);
        return E_OK;
    case FRAME_HANDOVER:
        return request_person(c, &session);
    default:
        TRY(session_restart(c, &session));
        view_pump(c, ch);
        return E_OK;
    }
}

static enum err refuse_frame(struct ctx *c, const struct frame_fault *fault)
{
    return fault->line ? ctx_fail_place(c, E_INVALID, fault->line, fault->column, "%s", fault->text)
           : fault->field ? ctx_fail_field(c, E_INVALID, fault->field, "%s", fault->text)
                          : ctx_fail(c, E_INVALID, "%s", fault->text);
}

static enum err on_message(struct ctx *c, struct channel *ch, struct str text)
{
    struct frame frame;
    struct frame_fault fault;
    enum err e = frame_read(c->arena, text, &frame, &fault);
    e = e == E_OK ? act(c, ch, &frame) : refuse_frame(c, &fault);
    if (e != E_OK && channel_is_open(ch)) {
        view_error(c, ch);
    }
    return e;
}

/* ---- the descriptor ------------------------------------------------------ */

static const struct route routes[] = {
    {"POST", "/api/v1/chat/sessions", ROLE_PUBLIC, "", start, "Start or resume a chat", &start_body,
     sizeof(struct contact_wish), ROUTE_ONCE},
    {"GET", "/api/v1/chat/ws", ROLE_PUBLIC, "", open_socket,
     "WebSocket: messages, typing, pieces of answers", NULL, 0, 0},
    {"GET", "/api/v1/chat/events", ROLE_PUBLIC, "", open_events, "The same as server-sent events",
     NULL, 0, 0},
    {"GET", "/api/v1/chat/messages", ROLE_PUBLIC, "", poll_messages,
     "Messages, a page at a time; who answers", NULL, 0, 0},
    {"POST", "/api/v1/chat/messages", ROLE_PUBLIC, "", post_message, "Send a message", &post_body,
     sizeof(struct chat_post), ROUTE_CREATES},
    {"POST", "/api/v1/chat/handover", ROLE_PUBLIC, "", post_handover, "Ask for a person",
     &token_body, sizeof(struct chat_token), ROUTE_ONCE},
    {"POST", "/api/v1/chat/restart", ROLE_PUBLIC, "", post_restart, "Start over", &token_body,
     sizeof(struct chat_token), ROUTE_ONCE},
    {"POST", "/api/v1/chat/typing", ROLE_PUBLIC, "", post_typing, "The contact is typing",
     &token_body, sizeof(struct chat_token), 0},
    {"POST", "/api/v1/chat/pairing", ROLE_PUBLIC, "", post_pairing,
     "A code to go on with on another device", &token_body, sizeof(struct chat_token), 0},
    {0},
};

#define MESSAGES_PATH "/api/v1/chat/messages"

static const struct query_key queries[] = {
    {MESSAGES_PATH, "token", "string", "of the session"},
    {MESSAGES_PATH, "after", "integer", "a seq: the messages that follow it"},
    {MESSAGES_PATH, "before", "integer",
     "a seq: the page that ends before it; with neither, the newest page"},
    {MESSAGES_PATH, "limit", "integer",
     "1 to 200, default 50. next_cursor is the next `after`, else the next `before`"},
    {MESSAGES_PATH, "wait_ms", "integer",
     "with after: 0 to 25000; the answer waits so long for news, then comes without"},
    {MESSAGES_PATH, "state", "string",
     "`state` of the answer before: no waiting when owner or status changed since"},
    {0},
};

/* The proof of identity that the demo page hands out; only the demo's own page asks. */
static enum err ask_identity(struct ctx *c, const struct json *question, const struct json **out)
{
    struct org org;
    struct org_visit before;
    struct str identity;
    TRY(org_by_slug(c, json_str(question, "org", STR("")), &org));
    org_enter(c, &org.id, &before);
    enum err e = session_identity(c, json_str(question, "email", STR("")), &identity);
    org_leave(c, &before);
    TRY(e);
    *out = json_object(c->arena, {"identity", json_new_str(c->arena, identity)});
    return E_OK;
}

static enum err expire(struct ctx *c, struct job *job)
{
    (void)job;
    return session_expire(c);
}

static const struct job_kind jobs[] = {
    {.kind = "chat_expire", .run = expire, .lane = LANE_BACKGROUND},
    {0},
};

static const struct job_schedule schedules[] = {
    {.kind = "chat_expire", .scope = STORE_SCOPE_BOTH, .daily_at_min = 3 * 60 + 40},
    {0},
};

static const struct ask asks[] = {
    {"chat.identity", ask_identity, "{org, email} -> {identity}: proof of an e-mail address"},
    {0},
};

static const char *const emits[] = {"conversation_events", "escalation_events", NULL};

const struct service chat_service = {
    .name = "chat",
    .purpose = "The chat page and widget: sessions of contacts, messages in, answers out.",
    .routes = routes,
    .queries = queries,
    .asks = asks,
    .jobs = jobs,
    .schedules = schedules,
    .migrations = session_migrations,
    .system = session_system_rows,
    .emits = emits,
    .on_message = on_message,
    .on_close = view_close,
};
