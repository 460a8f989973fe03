#include "agent/mailbox.h"

#include "agent/conversation_row.h"
#include "codec/text.h"

enum err mailbox_claim(struct ctx *c, struct store *s, const struct id *id, const struct id *run)
{
    int64_t changed = 0;
    TRY(store_exec(c, s, &changed,
                   "UPDATE conversation SET run_id = ?2 WHERE id = ?1 AND owner = 'ai'"
                   " AND contact_seq > answered_seq AND run_id IS NULL"
                   " AND status IN ('active', 'escalated')",
                   S_ID(id), S_ID(run)));
    return changed ? E_OK : ctx_fail(c, E_CONFLICT, "nothing waits for the agent here");
}

static enum err unclaim(struct ctx *c, struct store *s, const struct id *id, const struct id *run)
{
    return store_exec(c, s, NULL,
                      "UPDATE conversation SET run_id = NULL WHERE id = ?1 AND run_id = ?2",
                      S_ID(id), S_ID(run));
}

/* ---- what tools did ------------------------------------------------------ */

/* A tool's answer as the next turn needs it; assistant messages stay as they are. */
static const struct json *shortened(struct arena *a, const struct json *call)
{
    struct str content = json_str(call, "content", STR(""));
    if (content.n > MAILBOX_CARRY_RESULT_MAX_BYTES) {
        content = text_cut_bytes(content, MAILBOX_CARRY_RESULT_MAX_BYTES);
        call = json_with(a, call, STR("content"), json_new_str(a, content));
        call = json_with(a, call, STR("result"), NULL);
    }
    return call;
}

/* The newest calls that fit, from a message of the assistant on: no result without its call. */
static const struct json *fit_calls(struct arena *a, const struct json *calls)
{
    const struct json *kept = &json_empty_array, *candidate = &json_empty_array;
    size_t bytes = 0;
    for (size_t i = json_count(calls); i > 0; i--) {
        const struct json *call = shortened(a, json_at(calls, i - 1));
        bytes += json_write(a, call).n + 1;
        if (bytes > MAILBOX_CARRY_MAX_BYTES) {
            break;
        }
        candidate = json_push(a, candidate, call);
        if (str_eqz(json_str(call, "role", STR("")), "assistant")) {
            kept = candidate;
        }
    }
    const struct json *in_order = &json_empty_array;
    for (size_t i = json_count(kept); i > 0; i--) {
        in_order = json_push(a, in_order, json_at(kept, i - 1));
    }
    return in_order;
}

static const struct json *with_carry(struct arena *a, const struct json *dialogue,
                                     const struct json *calls)
{
    return json_with(a, dialogue ? dialogue : &json_empty_object, STR("carry"),
                     fit_calls(a, calls));
}

enum err mailbox_keep_calls(struct ctx *c, struct store *s, const struct id *conversation,
                            const struct json *calls)
{
    struct conversation v;
    TRY(conversation_get(c, s, conversation, &v));
    const struct json *dialogue = with_carry(c->arena, v.dialogue, calls);
    dialogue = json_with(c->arena, dialogue, STR("pending"), NULL);
    return store_exec(c, s, NULL, "UPDATE conversation SET dialogue = ?2 WHERE id = ?1",
                      S_ID(conversation), conversation_json(c, dialogue));
}

/* ---- ending a turn ------------------------------------------------------- */

static bool is_held(const struct conversation *v, const struct id *run)
{
    return id_eq(&v->run, run) && str_eqz(v->owner, "ai") && conversation_is_open(v);
}

static bool is_superseded(const struct conversation *v, int64_t to_seq)
{
    return v->contact_seq > to_seq && v->supersedes < MAILBOX_SUPERSEDES_MAX;
}

enum err mailbox_may_change(struct ctx *c, struct store *s, const struct mailbox_claimant *who)
{
    struct conversation v;
    TRY(conversation_get(c, s, &who->conversation, &v));
    if (!is_held(&v, &who->run)) {
        return ctx_fail(c, E_GONE, "not done: this turn no longer speaks for the conversation");
    }
    return is_superseded(&v, who->to_seq) ? ctx_fail(c, E_GONE, "not done: the contact wrote again")
                                          : E_OK;
}

static bool waits(const struct conversation *v)
{
    return str_eqz(v->owner, "ai") && conversation_is_open(v) && v->contact_seq > v->answered_seq;
}

struct settle {
    struct store *store;
    const struct id *id;
    const struct id *run;
};

static enum err settle_in(struct ctx *c, void *arg)
{
    struct settle *w = arg;
    struct conversation v;
    TRY(unclaim(c, w->store, w->id, w->run));
    TRY(conversation_get(c, w->store, w->id, &v));
    return waits(&v) && !id_is_set(&v.run) ? conversation_order_turn(c, w->store, &v) : E_OK;
}

enum err mailbox_settle(struct ctx *c, struct store *s, const struct id *id, const struct id *run)
{
    struct settle w = {s, id, run};
    return store_transact(c, s, settle_in, &w);
}

static enum err finish_turn(struct ctx *c, struct store *s, const struct delivery *d,
                            const struct conversation *v)
{
    const struct json *dialogue = d->dialogue ? d->dialogue : &json_empty_object;
    struct str text = json_write(c->arena, dialogue);
    if (text.n > CONVERSATION_DIALOGUE_MAX_BYTES) {
        text = STR("{}"); /* memory of the dialogue is a convenience; the messages are the truth */
    }
    int failed = d->helped ? 0 : v->failed_attempts + 1;
    return store_exec(c, s, NULL,
                      "UPDATE conversation SET run_id = NULL, supersedes = 0, answered_seq = ?2,"
                      " dialogue = ?3, sentiment = ?4, failed_attempts = ?5 WHERE id = ?1",
                      S_ID(&v->id), S_INT(d->to_seq), S_STR(text), S_REAL(d->sentiment),
                      S_INT(failed));
}

/* The contact wrote again: this answer is dropped, what its tools did is kept for the next turn. */
static enum err supersede(struct ctx *c, struct store *s, const struct delivery *d,
                          const struct conversation *v)
{
    const struct json *dialogue = v->dialogue ? v->dialogue : &json_empty_object;
    if (!json_is_null(d->carry)) {
        dialogue = with_carry(c->arena, dialogue, d->carry);
    }
    TRY(store_exec(c, s, NULL,
                   "UPDATE conversation SET run_id = NULL, supersedes = supersedes + 1,"
                   " dialogue = ?2 WHERE id = ?1",
                   S_ID(&v->id), conversation_json(c, dialogue)));
    return conversation_order_turn(c, s, v);
}

enum err mailbox_deliver(struct ctx *c, struct store *s, const struct delivery *d,
                         enum deliver_outcome *out_outcome)
{
    struct conversation v;
    TRY(conversation_get(c, s, &d->conversation, &v));
    if (!is_held(&v, &d->run)) {
        *out_outcome = DELIVER_WITHHELD;
        return unclaim(c, s, &v.id, &d->run);
    }
    if (is_superseded(&v, d->to_seq)) {
        *out_outcome = DELIVER_SUPERSEDED;
        return supersede(c, s, d, &v);
    }
    if (d->message) {
        d->message->role = STR("ai");
        d->message->author = v.agent;
        d->message->run = d->run;
        TRY(conversation_insert(c, s, &v, d->message));
        TRY(conversation_emit_message(c, s, &v, d->message, "message_sent"));
    }
    TRY(finish_turn(c, s, d, &v));
    v.sentiment = d->sentiment;
    if (!json_is_null(d->escalation)) {
        TRY(conversation_hand_over(c, s, &v, d->escalation));
    } else if (v.contact_seq > d->to_seq) {
        TRY(conversation_order_turn(c, s, &v));
    }
    *out_outcome = DELIVER_SENT;
    return E_OK;
}

/* ---- when no answer comes ------------------------------------------------ */

struct giving_up {
    struct store *store;
    const struct surrender *surrender;
    bool said;
};

static enum err apologise(struct ctx *c, struct giving_up *g, struct conversation *v)
{
    struct message m = {.role = STR("system"), .text = g->surrender->apology};
    if (!m.text.n || v->last_seq >= CONVERSATION_MESSAGES_MAX) {
        return E_OK;
    }
    TRY(conversation_insert(c, g->store, v, &m));
    g->said = true;
    return conversation_emit_message(c, g->store, v, &m, "message_sent");
}

static enum err give_up_in(struct ctx *c, void *arg)
{
    struct giving_up *g = arg;
    const struct surrender *how = g->surrender;
    struct conversation v;
    g->said = false;
    TRY(conversation_get(c, g->store, &how->conversation, &v));
    bool ours = id_is_set(&how->run) ? id_eq(&v.run, &how->run) : waits(&v);
    if (!ours) {
        return E_OK;
    }
    TRY(store_exec(c, g->store, NULL, "UPDATE conversation SET run_id = NULL WHERE id = ?1",
                   S_ID(&v.id)));
    if (!str_eqz(v.owner, "ai") || !conversation_is_open(&v)) {
        return E_OK;
    }
    TRY(conversation_hand_over(c, g->store, &v, how->escalation));
    return apologise(c, g, &v);
}

enum err mailbox_give_up(struct ctx *c, struct store *s, const struct surrender *surrender)
{
    struct giving_up g = {s, surrender, false};
    TRY(store_transact(c, s, give_up_in, &g));
    if (g.said) {
        conversation_count_message(c, "from=\"system\"");
    }
    return E_OK;
}

struct sweep {
    struct store *store;
    struct id conversation;
};

static enum err order_again_in(struct ctx *c, void *arg)
{
    const struct sweep *w = arg;
    struct conversation v;
    TRY(conversation_get(c, w->store, &w->conversation, &v));
    return waits(&v) ? conversation_order_turn(c, w->store, &v) : E_OK;
}

enum err mailbox_sweep(struct ctx *c, struct store *s, int *out_ordered)
{
    struct store_rows rows;
    TRY(store_query(c, s, &rows,
                    "SELECT id FROM conversation WHERE owner = 'ai'"
                    " AND status IN ('active', 'escalated') AND contact_seq > answered_seq"
                    " AND updated_at < ?1 AND updated_at > ?2 ORDER BY updated_at, id LIMIT ?3",
                    S_INT(ctx_now_ms(c) - MAILBOX_LATE_MS), S_INT(ctx_now_ms(c) - MAILBOX_SWEPT_MS),
                    S_INT(MAILBOX_SWEEP_MAX)));
    for (int i = 0; i < rows.count; i++) {
        struct sweep w = {s, row_id(&rows, i, 0)};
        TRY(store_transact(c, s, order_again_in, &w));
    }
    *out_ordered = rows.count;
    return E_OK;
}
