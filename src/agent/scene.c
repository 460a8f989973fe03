#include "agent/scene.h"

#include <string.h>

static enum err load_contact(struct ctx *c, struct store *s, struct turn_drive *d)
{
    struct tool_scene *t = &d->tools;
    if (!id_is_set(&d->conversation.contact)) {
        return E_OK;
    }
    enum err e = record_get(c, s, &d->conversation.contact, &t->contact);
    if (e == E_NOT_FOUND) { /* erased meanwhile: the conversation goes on with a stranger */
        t->contact = (struct record){0};
        ctx_forgive(c);
        return E_OK;
    }
    TRY(e);
    if (!t->contact.account.n) {
        return E_OK;
    }
    e = record_by_key(c, s, STR("account"), t->contact.account, &t->account);
    if (e == E_NOT_FOUND) {
        t->account = (struct record){0};
        ctx_forgive(c);
        return E_OK;
    }
    return e;
}

/* What was said to the contact after the newest message that this turn answers, but before the
 * turn: an answer to earlier ones. It goes before those that are still to be answered. */
static enum err add_late(struct ctx *c, struct store *s, struct turn_drive *d, int64_t last_seq)
{
    struct message_range range = {.conversation = d->conversation_id,
                                  .after_seq = d->to_seq,
                                  .before_seq = last_seq + 1,
                                  .limit = TURN_HISTORY_MAX};
    struct messages late, before = d->history;
    TRY(conversation_messages(c, s, &range, &late));
    struct message *all =
        ARENA_ARRAY(c->arena, struct message, (size_t)(before.count + late.count + 1));
    int n = 0;
    for (int open = 0; open < 2; open++) {
        for (int i = 0; i < before.count; i++) {
            const struct message *m = &before.items[i];
            bool is_open = str_eqz(m->role, "contact") && m->seq > d->conversation.answered_seq;
            if (is_open == (open == 1)) {
                all[n++] = *m;
            }
        }
        for (int i = 0; i < late.count && open == 0; i++) {
            if (!str_eqz(late.items[i].role, "contact")) {
                all[n++] = late.items[i];
            }
        }
    }
    d->history.items = all;
    d->history.count = n;
    return E_OK;
}

/* The newest messages up to the turn's own; notes of colleagues are guidance for the model. */
static enum err load_history(struct ctx *c, struct store *s, struct turn_drive *d, int64_t last_seq)
{
    struct message_range range = {.conversation = d->conversation_id,
                                  .after_seq = MESSAGES_NEWEST,
                                  .before_seq = d->to_seq > 0 ? d->to_seq + 1 : 0,
                                  .limit = TURN_HISTORY_MAX,
                                  .uncited = true};
    TRY(conversation_messages(c, s, &range, &d->history));
    return d->to_seq > 0 && last_seq > d->to_seq ? add_late(c, s, d, last_seq) : E_OK;
}

static enum err load_conversation(struct ctx *c, struct turn_drive *d, struct str id,
                                  int64_t last_seq)
{
    if (!id_parse(id, &d->conversation_id)) {
        return E_OK; /* a copilot's loop: no conversation */
    }
    struct store *s;
    TRY(store_of(c, &s));
    if (!id_is_set(&d->conversation.id)) { /* a turn that begins has just read it */
        TRY(conversation_get(c, s, &d->conversation_id, &d->conversation));
    }
    d->tools.conversation = d->conversation_id;
    d->tools.channel = d->conversation.channel;
    TRY(load_contact(c, s, d));
    return load_history(c, s, d, last_seq);
}

static enum err load(struct ctx *c, const struct json *state, struct turn_drive *d)
{
    struct id agent;
    if (!id_parse(json_str(state, "agent_id", STR("")), &agent)) {
        return ctx_fail(c, E_INTERNAL, "the run names no agent");
    }
    TRY(registry_agent(c, &agent, json_int(state, "agent_version", 0), &d->agent));
    d->tools.config = d->agent->config;
    d->to_seq = json_int(state, "to_seq", 0);
    TRY(load_conversation(c, d, json_str(state, "conversation_id", STR("")),
                          json_int(state, "last_seq", 0)));
    d->loaded = true;
    return E_OK;
}

enum err scene_load(struct ctx *c, struct step *step, struct turn_drive **out_drive)
{
    struct turn_drive *d = step_arg(step);
    if (!d) {
        return ctx_fail(c, E_INTERNAL, "a turn is driven by turn_take or turn_ask");
    }
    if (!d->loaded) {
        enum err e = load(d->c, step_state(step), d);
        if (e != E_OK) {
            c->fault = d->c->fault;
            return e;
        }
    }
    *out_drive = d;
    return E_OK;
}

static bool was_issued(struct ctx *c, const struct turn_drive *d, struct str key)
{
    const struct journal_call *calls;
    int count;
    if (journal_list(c, &d->run, &calls, &count) != E_OK) {
        ctx_forgive(c);
        return false;
    }
    for (int i = 0; i < count; i++) {
        if (str_eq(calls[i].id, key)) {
            return calls[i].attempt > 1;
        }
    }
    return false;
}

enum err scene_may_change(struct ctx *c, struct str key, void *arg)
{
    struct turn_drive *d = arg;
    struct store *s;
    struct mailbox_claimant who = {d->conversation_id, d->run, d->to_seq};
    TRY(store_of(c, &s));
    enum err e = mailbox_may_change(c, s, &who);
    if (e == E_GONE && was_issued(c, d, key)) {
        ctx_forgive(c);
        return E_OK;
    }
    d->overtaken = d->overtaken || e == E_GONE;
    return e;
}

struct str scene_text(const struct step *step)
{
    return json_text(step_get(step, "text"), STR(""));
}

const struct json *scene_dialogue(const struct step *step)
{
    const struct json *dialogue = step_get(step, "dialogue");
    return json_is(dialogue, JSON_OBJECT) ? dialogue : &json_empty_object;
}
