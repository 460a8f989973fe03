#include "agent/conversation_row.h"

#include <string.h>

#include "base/metric.h"
#include "base/trace.h"
#include "bus/job.h"
#include "bus/topic.h"
#include "codec/text.h"

enum { MESSAGES_PER_MINUTE_MAX = 100 }; /* domain 004 4.8 */

const struct migration conversation_migrations[] = {
    {"conversation", 1, STORE_SCOPE_ORG,
     "CREATE TABLE conversation ("
     " id TEXT NOT NULL, contact_id TEXT NOT NULL, channel TEXT NOT NULL,"
     " agent_id TEXT NOT NULL, agent_version BIGINT NOT NULL,"
     " status TEXT NOT NULL, owner TEXT NOT NULL, assignee_id TEXT,"
     " last_seq BIGINT NOT NULL, contact_seq BIGINT NOT NULL, answered_seq BIGINT NOT NULL,"
     " run_id TEXT, supersedes BIGINT NOT NULL, failed_attempts BIGINT NOT NULL,"
     " dialogue TEXT, escalation TEXT, sentiment DOUBLE PRECISION NOT NULL,"
     " last_role TEXT, last_text TEXT,"
     " created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL, ended_at BIGINT,"
     " PRIMARY KEY (id));"
     "CREATE INDEX conversation_by_update ON conversation (updated_at, id);"
     "CREATE INDEX conversation_by_contact ON conversation (contact_id, updated_at);"
     "CREATE TABLE message ("
     " conversation_id TEXT NOT NULL, seq BIGINT NOT NULL, id TEXT NOT NULL, role TEXT NOT NULL,"
     " author_id TEXT, text TEXT NOT NULL, citations TEXT, meta TEXT, run_id TEXT,"
     " client_id TEXT, created_at BIGINT NOT NULL,"
     " PRIMARY KEY (conversation_id, seq),"
     " UNIQUE (conversation_id, client_id));"},
    /* The rows of a conversation lie together, in their order: a history is one range, not a look
     * for each of its messages. */
    {"conversation", 2, STORE_SCOPE_ORG_SQLITE,
     "CREATE TABLE message_by_key ("
     " conversation_id TEXT NOT NULL, seq BIGINT NOT NULL, id TEXT NOT NULL, role TEXT NOT NULL,"
     " author_id TEXT, text TEXT NOT NULL, citations TEXT, meta TEXT, run_id TEXT,"
     " client_id TEXT, created_at BIGINT NOT NULL,"
     " PRIMARY KEY (conversation_id, seq)) WITHOUT ROWID;"
     "INSERT INTO message_by_key SELECT * FROM message ORDER BY conversation_id, seq;"
     "DROP TABLE message;"
     "ALTER TABLE message_by_key RENAME TO message;"
     "CREATE UNIQUE INDEX message_by_client ON message (conversation_id, client_id)"
     " WHERE client_id IS NOT NULL;"},
    {0},
};

#define CONVERSATION_COLUMNS                                                                       \
    "id, contact_id, channel, agent_id, agent_version, status, owner, assignee_id, last_seq, "     \
    "contact_seq, answered_seq, run_id, supersedes, failed_attempts, dialogue, escalation, "       \
    "sentiment, created_at, updated_at, ended_at"
#define MESSAGE_COLUMNS                                                                            \
    "id, seq, role, author_id, text, citations, meta, run_id, client_id, created_at"
#define MESSAGE_COLUMNS_UNCITED                                                                    \
    "id, seq, role, author_id, text, NULL, meta, run_id, client_id, created_at"
/* Of one conversation, the newest before ?2. */
#define MESSAGES_BACKWARDS                                                                         \
    " FROM message WHERE conversation_id = ?1 AND seq < ?2 AND (?3 = 0 OR role <> 'note')"         \
    " ORDER BY seq DESC LIMIT ?4"

/* Our own column: it parses unless the row was damaged, and then it counts as empty. */
static const struct json *parse_column(struct ctx *c, struct str text)
{
    const struct json *value = NULL;
    struct json_fault fault;
    if (text.n == 0 || json_parse(c->arena, text, &value, &fault) != E_OK) {
        return NULL;
    }
    return value;
}

struct store_value conversation_json(struct ctx *c, const struct json *v)
{
    return json_is_null(v) ? S_NULL : S_STR(json_write(c->arena, v));
}

static void read_conversation(struct ctx *c, const struct store_rows *r, int row,
                              struct conversation *out)
{
    *out = (struct conversation){
        .id = row_id(r, row, 0),
        .contact = row_id(r, row, 1),
        .channel = row_str(r, row, 2),
        .agent = row_id(r, row, 3),
        .agent_version = row_int(r, row, 4),
        .status = row_str(r, row, 5),
        .owner = row_str(r, row, 6),
        .assignee = row_id(r, row, 7),
        .last_seq = row_int(r, row, 8),
        .contact_seq = row_int(r, row, 9),
        .answered_seq = row_int(r, row, 10),
        .run = row_id(r, row, 11),
        .supersedes = (int)row_int(r, row, 12),
        .failed_attempts = (int)row_int(r, row, 13),
        .dialogue = parse_column(c, row_str(r, row, 14)),
        .escalation = parse_column(c, row_str(r, row, 15)),
        .sentiment = row_real(r, row, 16),
        .created_at_ms = row_int(r, row, 17),
        .updated_at_ms = row_int(r, row, 18),
        .ended_at_ms = row_int(r, row, 19),
    };
}

enum err conversation_get(struct ctx *c, struct store *s, const struct id *id,
                          struct conversation *out)
{
    struct store_rows rows;
    TRY(store_query(c, s, &rows, "SELECT " CONVERSATION_COLUMNS " FROM conversation WHERE id = ?1",
                    S_ID(id)));
    if (rows.count == 0) {
        return ctx_fail(c, E_NOT_FOUND, "no conversation %s", id->text);
    }
    read_conversation(c, &rows, 0, out);
    return E_OK;
}

bool conversation_is_open(const struct conversation *v)
{
    return !str_eqz(v->status, "completed") && !str_eqz(v->status, "abandoned") &&
           !str_eqz(v->status, "failed");
}

bool conversation_has_room(const struct conversation *v)
{
    return v->last_seq < CONVERSATION_MESSAGES_MAX - CONVERSATION_ANSWERS_KEPT;
}

static enum err emit(struct ctx *c, struct store *s, const struct conversation *v, const char *type,
                     const struct json *payload)
{
    struct arena *a = c->arena;
    payload = json_with(a, payload, STR("conversation_id"), json_new_str(a, id_str(&v->id)));
    payload = json_with(a, payload, STR("config_id"), json_new_str(a, id_str(&v->agent)));
    payload = json_with(a, payload, STR("config_version"), json_new_int(a, v->agent_version));
    return topic_emit(c, s, .topic = "conversation_events", .type = type, .key = id_str(&v->id),
                      .payload = payload);
}

enum err conversation_create(struct ctx *c, struct store *s, struct conversation *v)
{
    int64_t now = ctx_now_ms(c);
    if (!id_is_set(&v->id)) {
        v->id = id_new(now);
    }
    v->created_at_ms = v->created_at_ms ? v->created_at_ms : now;
    v->updated_at_ms = v->created_at_ms;
    v->status = STR("active");
    v->owner = STR("ai");
    TRY(store_exec(c, s, NULL,
                   "INSERT INTO conversation (id, contact_id, channel, agent_id, agent_version,"
                   " status, owner, last_seq, contact_seq, answered_seq, supersedes,"
                   " failed_attempts, sentiment, created_at, updated_at)"
                   " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, 0, 0, 0, 0, 0, ?8, ?8)",
                   S_ID(&v->id), S_ID(&v->contact), S_STR(v->channel), S_ID(&v->agent),
                   S_INT(v->agent_version), S_STR(v->status), S_STR(v->owner),
                   S_INT(v->created_at_ms)));
    struct arena *a = c->arena;
    const struct json *p =
        json_with(a, &json_empty_object, STR("channel"), json_new_str(a, v->channel));
    p = json_with(a, p, STR("user_id"), json_new_str(a, id_str(&v->contact)));
    return emit(c, s, v, "conversation_started", p);
}

static void read_message(struct ctx *c, const struct store_rows *r, int row, struct message *out)
{
    *out = (struct message){
        .id = row_id(r, row, 0),
        .seq = row_int(r, row, 1),
        .role = row_str(r, row, 2),
        .author = row_id(r, row, 3),
        .text = row_str(r, row, 4),
        .citations = parse_column(c, row_str(r, row, 5)),
        .meta = parse_column(c, row_str(r, row, 6)),
        .run = row_id(r, row, 7),
        .client_id = row_str(r, row, 8),
        .created_at_ms = row_int(r, row, 9),
    };
}

static void read_messages(struct ctx *c, const struct store_rows *r, bool newest_first,
                          struct messages *out)
{
    struct message *items = ARENA_ARRAY(c->arena, struct message, (size_t)r->count + 1);
    for (int i = 0; i < r->count; i++) {
        read_message(c, r, newest_first ? r->count - 1 - i : i, &items[i]);
    }
    out->count = r->count;
    out->items = items;
}

static enum err query_page(struct ctx *c, struct store *s, const struct message_range *range,
                           struct store_rows *out_rows)
{
    const struct id *id = &range->conversation;
    int wanted = range->limit + 1; /* the one too many tells that there are more */
    if (range->after_seq != MESSAGES_NEWEST) {
        return store_query(c, s, out_rows,
                           "SELECT " MESSAGE_COLUMNS " FROM message"
                           " WHERE conversation_id = ?1 AND seq > ?2 AND (?3 = 0 OR role <> 'note')"
                           " ORDER BY seq LIMIT ?4",
                           S_ID(id), S_INT(range->after_seq), S_INT(range->for_contact),
                           S_INT(wanted));
    }
    return store_query(c, s, out_rows,
                       range->uncited ? "SELECT " MESSAGE_COLUMNS_UNCITED MESSAGES_BACKWARDS
                                      : "SELECT " MESSAGE_COLUMNS MESSAGES_BACKWARDS,
                       S_ID(id), S_INT(range->before_seq > 0 ? range->before_seq : INT64_MAX),
                       S_INT(range->for_contact), S_INT(wanted));
}

enum err conversation_messages(struct ctx *c, struct store *s, const struct message_range *range,
                               struct messages *out)
{
    struct store_rows rows;
    TRY(query_page(c, s, range, &rows));
    out->more = rows.count > range->limit;
    rows.count -= out->more; /* the last row is the one farthest away */
    read_messages(c, &rows, range->after_seq == MESSAGES_NEWEST, out);
    return E_OK;
}

static enum err check_text(struct ctx *c, struct str text)
{
    if (str_trim(text).n == 0) {
        return ctx_fail_field(c, E_INVALID, "text", "the message is empty");
    }
    if (text.n > MESSAGE_TEXT_MAX_BYTES) {
        return ctx_fail_field(c, E_TOO_LARGE, "text", "a message has at most %d bytes",
                              MESSAGE_TEXT_MAX_BYTES);
    }
    if (!str_is_utf8(text) || str_find_char(text, '\0') >= 0) {
        return ctx_fail_field(c, E_INVALID, "text", "the message is not valid UTF-8 text");
    }
    return E_OK;
}

enum err conversation_insert(struct ctx *c, struct store *s, struct conversation *v,
                             struct message *m)
{
    if (v->last_seq >= CONVERSATION_MESSAGES_MAX) {
        return ctx_fail(c, E_LIMIT, "a conversation has at most %d messages; start a new one",
                        CONVERSATION_MESSAGES_MAX);
    }
    int64_t now = ctx_now_ms(c);
    m->id = id_new(now);
    m->seq = v->last_seq + 1;
    m->created_at_ms = m->created_at_ms ? m->created_at_ms : now;
    TRY(store_exec(c, s, NULL,
                   "INSERT INTO message (conversation_id, seq, id, role, author_id, text,"
                   " citations, meta, run_id, client_id, created_at)"
                   " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
                   S_ID(&v->id), S_INT(m->seq), S_ID(&m->id), S_STR(m->role),
                   S_OPT(id_str(&m->author)), S_STR(m->text), conversation_json(c, m->citations),
                   conversation_json(c, m->meta), S_OPT(id_str(&m->run)), S_OPT(m->client_id),
                   S_INT(m->created_at_ms)));
    v->last_seq = m->seq;
    v->updated_at_ms = m->created_at_ms;
    bool shown = !str_eqz(m->role, "note") && !str_eqz(m->role, "system");
    if (!shown) {
        return store_exec(c, s, NULL, "UPDATE conversation SET last_seq = ?2 WHERE id = ?1",
                          S_ID(&v->id), S_INT(m->seq));
    }
    return store_exec(c, s, NULL,
                      "UPDATE conversation SET last_seq = ?2, updated_at = ?3, last_role = ?4,"
                      " last_text = ?5,"
                      " contact_seq = CASE WHEN ?4 = 'contact' THEN ?2 ELSE contact_seq END"
                      " WHERE id = ?1",
                      S_ID(&v->id), S_INT(m->seq), S_INT(v->updated_at_ms), S_STR(m->role),
                      S_STR(text_cut_bytes(m->text, 200)));
}

enum err conversation_emit_message(struct ctx *c, struct store *s, const struct conversation *v,
                                   const struct message *m, const char *type)
{
    struct arena *a = c->arena;
    const struct json *p = json_with(a, &json_empty_object, STR("seq"), json_new_int(a, m->seq));
    p = json_with(a, p, STR("message_id"), json_new_str(a, id_str(&m->id)));
    p = json_with(a, p, STR("role"), json_new_str(a, m->role));
    return emit(c, s, v, type, p);
}

enum err conversation_order_turn(struct ctx *c, struct store *s, const struct conversation *v)
{
    char trace[TRACE_PARENT_BYTES + 1]; /* the turn belongs to the trace of the newest message */
    trace_write(c, trace);
    const struct json *p =
        json_object(c->arena, {"conversation_id", json_new_str(c->arena, id_str(&v->id))},
                    {"traceparent", json_new_str(c->arena, str_of(trace))});
    return job_add(c, s, .kind = "agent_turn", .payload = p, .unique_key = id_str(&v->id));
}

static enum err find_by_client_id(struct ctx *c, struct store *s, const struct id *id,
                                  struct str client_id, struct message *out, bool *out_found)
{
    struct store_rows rows;
    TRY(store_query(c, s, &rows,
                    "SELECT " MESSAGE_COLUMNS " FROM message"
                    " WHERE conversation_id = ?1 AND client_id = ?2",
                    S_ID(id), S_STR(client_id)));
    if (rows.count > 0) {
        read_message(c, &rows, 0, out);
    }
    *out_found = rows.count > 0;
    return E_OK;
}

/* Counts a minute's messages only when as many of any role are that young: one look at the message
 * so many before tells, and a young conversation needs none. */
static enum err check_rate(struct ctx *c, struct store *s, const struct conversation *v)
{
    struct store_rows rows;
    int64_t since_ms = ctx_now_ms(c) - 60000, seq = v->last_seq - MESSAGES_PER_MINUTE_MAX + 1;
    if (seq < 1) {
        return E_OK;
    }
    TRY(store_query(c, s, &rows,
                    "SELECT created_at FROM message WHERE conversation_id = ?1 AND seq = ?2",
                    S_ID(&v->id), S_INT(seq)));
    if (rows.count > 0 && row_int(&rows, 0, 0) <= since_ms) {
        return E_OK;
    }
    TRY(store_query(c, s, &rows,
                    "SELECT count(*) FROM message WHERE conversation_id = ?1 AND role = 'contact'"
                    " AND created_at > ?2",
                    S_ID(&v->id), S_INT(since_ms)));
    if (row_int(&rows, 0, 0) >= MESSAGES_PER_MINUTE_MAX) {
        ctx_fail(c, E_LIMIT, "at most %d messages a minute", MESSAGES_PER_MINUTE_MAX);
        c->fault.retry_after_ms = 60000;
        return E_LIMIT;
    }
    return E_OK;
}

void conversation_count_message(const struct ctx *c, const char *labels)
{
    if (!c->at->metrics) {
        return;
    }
    metric_add(metric_series(c->at->metrics, METRIC_COUNTER, "rapport_messages_total",
                             "Messages stored, by who wrote them; an agent's are its sent turns.",
                             labels),
               1);
}

struct receive {
    struct store *store;
    const struct id *id;
    struct message *message;
    struct received got;
};

static enum err receive_in(struct ctx *c, void *arg)
{
    struct receive *r = arg;
    struct store *s = r->store;
    struct conversation v;
    TRY(conversation_get(c, s, r->id, &v));
    bool found = false;
    struct message *m = r->message;
    if (m->client_id.n) {
        struct message before;
        TRY(find_by_client_id(c, s, r->id, m->client_id, &before, &found));
        if (found) {
            *m = before;
            r->got.is_new = false;
            return E_OK;
        }
    }
    if (!conversation_is_open(&v)) {
        return ctx_fail(c, E_CONFLICT, "this conversation has ended; start a new one");
    }
    if (!conversation_has_room(&v)) {
        return ctx_fail(c, E_LIMIT, "this conversation is full; start a new one");
    }
    TRY(check_rate(c, s, &v));
    m->role = STR("contact");
    m->author = v.contact;
    TRY(conversation_insert(c, s, &v, m));
    TRY(conversation_emit_message(c, s, &v, m, "message_received"));
    v.contact_seq = m->seq;
    r->got = (struct received){true, v};
    return str_eqz(v.owner, "ai") ? conversation_order_turn(c, s, &v) : E_OK;
}

enum err conversation_receive(struct ctx *c, struct store *s, const struct id *id,
                              struct message *message, struct received *out)
{
    TRY(check_text(c, message->text));
    if (message->client_id.n > MESSAGE_CLIENT_ID_MAX_BYTES || !str_is_utf8(message->client_id)) {
        return ctx_fail_field(c, E_INVALID, "client_id", "client_id has at most %d bytes",
                              MESSAGE_CLIENT_ID_MAX_BYTES);
    }
    struct receive r = {s, id, message, {0}};
    TRY(store_transact(c, s, receive_in, &r));
    *out = r.got;
    if (out->is_new) {
        conversation_count_message(c, "from=\"contact\"");
    }
    return E_OK;
}

struct add {
    struct store *store;
    const struct id *id;
    struct message *message;
};

static enum err add_in(struct ctx *c, void *arg)
{
    struct add *add = arg;
    struct conversation v;
    TRY(conversation_get(c, add->store, add->id, &v));
    bool member = str_eqz(add->message->role, "member");
    if (member && !str_eqz(v.owner, "human")) {
        return ctx_fail(c, E_CONFLICT, "take the conversation over before answering");
    }
    if (member && id_is_set(&v.assignee) && !id_eq(&v.assignee, &add->message->author)) {
        return ctx_fail(c, E_CONFLICT, "another member has taken this conversation over");
    }
    if (member && !conversation_is_open(&v)) {
        return ctx_fail(c, E_CONFLICT, "this conversation has ended");
    }
    TRY(conversation_insert(c, add->store, &v, add->message));
    if (member) {
        TRY(store_exec(c, add->store, NULL,
                       "UPDATE conversation SET answered_seq = contact_seq WHERE id = ?1",
                       S_ID(&v.id)));
    }
    return conversation_emit_message(c, add->store, &v, add->message, "message_sent");
}

enum err conversation_add(struct ctx *c, struct store *s, const struct id *id,
                          struct message *message)
{
    TRY(check_text(c, message->text));
    struct add add = {s, id, message};
    TRY(store_transact(c, s, add_in, &add));
    conversation_count_message(c, str_eqz(message->role, "member")   ? "from=\"member\""
                                  : str_eqz(message->role, "system") ? "from=\"system\""
                                                                     : "from=\"note\"");
    return E_OK;
}

enum err conversation_hand_over(struct ctx *c, struct store *s, const struct conversation *v,
                                const struct json *escalation)
{
    struct arena *a = c->arena;
    escalation = json_with(a, escalation, STR("created_at"), json_new_int(a, ctx_now_ms(c)));
    TRY(store_exec(c, s, NULL,
                   "UPDATE conversation SET status = 'escalated', owner = 'human',"
                   " escalation = ?2, updated_at = ?3 WHERE id = ?1",
                   S_ID(&v->id), conversation_json(c, escalation), S_INT(ctx_now_ms(c))));
    const struct json *p = json_with(a, escalation, STR("trigger"),
                                     json_new_str(a, json_str(escalation, "reason", STR(""))));
    p = json_with(a, p, STR("sentiment"), json_new_real(a, v->sentiment));
    TRY(emit(c, s, v, "conversation_escalated", p));
    p = json_with(a, p, STR("conversation_id"), json_new_str(a, id_str(&v->id)));
    return topic_emit(c, s, .topic = "escalation_events", .type = "escalation_created",
                      .key = id_str(&v->id), .payload = p);
}

struct change {
    struct store *store;
    const struct id *id;
    const struct id *member;
    const struct json *escalation;
    const struct conversation_ending *ending;
    const struct id *by;
};

static enum err check_hand(struct ctx *c, const struct conversation *v, const struct id *by)
{
    if (!by || !id_is_set(&v->assignee) || id_eq(&v->assignee, by)) {
        return E_OK;
    }
    return ctx_fail(c, E_DENIED,
                    "another member has this conversation: only they, or a supervisor, may do "
                    "this");
}

static enum err take_in(struct ctx *c, void *arg)
{
    struct change *ch = arg;
    struct conversation v;
    TRY(conversation_get(c, ch->store, ch->id, &v));
    if (!conversation_is_open(&v)) {
        return ctx_fail(c, E_CONFLICT, "this conversation has ended");
    }
    if (id_is_set(&v.assignee) && !id_eq(&v.assignee, ch->member)) {
        return ctx_fail(c, E_CONFLICT, "another member has taken this conversation over");
    }
    if (id_is_set(&v.assignee)) {
        return E_OK; /* twice the same: as if once */
    }
    TRY(store_exec(c, ch->store, NULL,
                   "UPDATE conversation SET owner = 'human', status = 'human', assignee_id = ?2,"
                   " run_id = NULL, updated_at = ?3 WHERE id = ?1",
                   S_ID(&v.id), S_ID(ch->member), S_INT(ctx_now_ms(c))));
    const struct json *p = json_with(c->arena, &json_empty_object, STR("member_id"),
                                     json_new_str(c->arena, id_str(ch->member)));
    return emit(c, ch->store, &v, "conversation_taken_over", p);
}

enum err conversation_take(struct ctx *c, struct store *s, const struct id *id,
                           const struct id *member)
{
    struct change ch = {.store = s, .id = id, .member = member};
    return store_transact(c, s, take_in, &ch);
}

static enum err release_in(struct ctx *c, void *arg)
{
    struct change *ch = arg;
    struct conversation v;
    TRY(conversation_get(c, ch->store, ch->id, &v));
    if (!conversation_is_open(&v)) {
        return ctx_fail(c, E_CONFLICT, "this conversation has ended");
    }
    if (str_eqz(v.owner, "ai")) {
        return E_OK;
    }
    TRY(check_hand(c, &v, ch->by));
    TRY(store_exec(c, ch->store, NULL,
                   "UPDATE conversation SET owner = 'ai', status = 'active', assignee_id = NULL,"
                   " escalation = NULL, failed_attempts = 0, run_id = NULL, updated_at = ?2"
                   " WHERE id = ?1",
                   S_ID(&v.id), S_INT(ctx_now_ms(c))));
    TRY(emit(c, ch->store, &v, "conversation_released", &json_empty_object));
    return v.contact_seq > v.answered_seq ? conversation_order_turn(c, ch->store, &v) : E_OK;
}

enum err conversation_release(struct ctx *c, struct store *s, const struct id *id,
                              const struct id *by)
{
    struct change ch = {.store = s, .id = id, .by = by};
    return store_transact(c, s, release_in, &ch);
}

static enum err escalate_in(struct ctx *c, void *arg)
{
    struct change *ch = arg;
    struct conversation v;
    TRY(conversation_get(c, ch->store, ch->id, &v));
    if (!conversation_is_open(&v)) {
        return ctx_fail(c, E_CONFLICT, "this conversation has ended");
    }
    if (str_eqz(v.owner, "human")) {
        return E_OK;
    }
    return conversation_hand_over(c, ch->store, &v, ch->escalation);
}

enum err conversation_escalate(struct ctx *c, struct store *s, const struct id *id,
                               const struct json *escalation)
{
    struct change ch = {.store = s, .id = id, .escalation = escalation};
    return store_transact(c, s, escalate_in, &ch);
}

static enum err end_in(struct ctx *c, void *arg)
{
    struct change *ch = arg;
    const struct conversation_ending *how = ch->ending;
    struct arena *a = c->arena;
    struct conversation v;
    TRY(conversation_get(c, ch->store, ch->id, &v));
    if (!conversation_is_open(&v)) {
        return E_OK;
    }
    TRY(check_hand(c, &v, how->by));
    int64_t now = ctx_now_ms(c);
    TRY(store_exec(c, ch->store, NULL,
                   "UPDATE conversation SET status = ?2, run_id = NULL, ended_at = ?3,"
                   " updated_at = ?3 WHERE id = ?1",
                   S_ID(&v.id), S_Z(how->status), S_INT(now)));
    const struct json *p =
        json_object(a, {"outcome", json_new_str(a, str_of(how->status))},
                    {"resolution", json_new_str(a, str_of(how->resolution))},
                    {"turns", json_new_int(a, v.last_seq)},
                    {"duration_seconds", json_new_int(a, (now - v.created_at_ms) / 1000)},
                    {"sentiment", json_new_real(a, v.sentiment)});
    if (how->reason.n) {
        p = json_with(a, p, STR("reason"), json_new_str(a, how->reason));
    }
    return emit(c, ch->store, &v, "conversation_completed", p);
}

enum err conversation_end(struct ctx *c, struct store *s, const struct id *id,
                          const struct conversation_ending *ending)
{
    struct change ch = {.store = s, .id = id, .ending = ending};
    return store_transact(c, s, end_in, &ch);
}

enum err conversation_list(struct ctx *c, struct store *s, const struct conversation_filter *f,
                           struct conversations *out)
{
    struct store_rows rows;
    int64_t before = f->before_ms ? f->before_ms : INT64_MAX;
    struct str like = f->text.n ? str_fmt(c->arena, "%%%.*s%%", STR_ARG(f->text)) : STR("");
    TRY(store_query(c, s, &rows,
                    "SELECT " CONVERSATION_COLUMNS " FROM conversation"
                    " WHERE last_seq > 0 AND (?1 = '' OR status = ?1) AND (?2 = '' OR owner = ?2)"
                    " AND (?3 = '' OR agent_id = ?3) AND (?4 = '' OR contact_id = ?4)"
                    " AND (?5 = '' OR lower(coalesce(last_text, '')) LIKE lower(?5)"
                    " OR contact_id IN (SELECT id FROM record WHERE kind = 'contact'"
                    "  AND lower(data) LIKE lower(?5))"
                    " OR EXISTS (SELECT 1 FROM message WHERE conversation_id = conversation.id"
                    "  AND lower(text) LIKE lower(?5)))"
                    " AND (updated_at < ?6 OR (updated_at = ?6 AND id < ?7))"
                    " ORDER BY updated_at DESC, id DESC LIMIT ?8",
                    S_STR(f->status), S_STR(f->owner), S_STR(id_str(&f->agent)),
                    S_STR(id_str(&f->contact)), S_STR(like), S_INT(before),
                    S_STR(id_str(&f->before_id)), S_INT(f->limit)));
    struct conversation *items = ARENA_ARRAY(c->arena, struct conversation, (size_t)rows.count + 1);
    for (int i = 0; i < rows.count; i++) {
        read_conversation(c, &rows, i, &items[i]);
    }
    *out = (struct conversations){rows.count, items};
    return E_OK;
}
