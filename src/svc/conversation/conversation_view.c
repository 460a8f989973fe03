#include "svc/conversation/conversation_view.h"

#include "agent/message_view.h"
#include "agent/record.h"
#include "agent/registry.h"
#include "base/map.h"
#include "codec/text.h"
#include "graph/journal.h"

enum { STEPS_MAX = 500, NAMES_MAX = 4096 };

struct conversation_names {
    struct map *members, *agents, *contacts;
    enum err failed; /* a look-up: not that there is none, but that it could not be done */
};

/* ---- names --------------------------------------------------------------- */

static void free_names(void *arg)
{
    struct conversation_names *n = arg;
    map_free(&n->members);
    map_free(&n->agents);
    map_free(&n->contacts);
}

struct conversation_names *conversation_names_new(struct ctx *c)
{
    struct conversation_names *n = ARENA_NEW(c->arena, struct conversation_names);
    *n = (struct conversation_names){.members = map_new(NAMES_MAX),
                                     .agents = map_new(NAMES_MAX),
                                     .contacts = map_new(NAMES_MAX)};
    arena_defer(c->arena, free_names, n);
    return n;
}

/* What is not there has no name; anything else is a reason to give no answer. */
static void note_failure(struct ctx *c, struct conversation_names *n, enum err e)
{
    if (e == E_NOT_FOUND) {
        ctx_forgive(c);
    } else if (e != E_OK) {
        n->failed = e;
    }
}

static enum err check_names(struct ctx *c, const struct conversation_names *n)
{
    return n->failed == E_OK ? E_OK : ctx_fail(c, n->failed, "a name could not be looked up");
}

static struct str kept(struct ctx *c, struct map *m, const struct id *id, struct str name)
{
    struct str *copy = ARENA_NEW(c->arena, struct str);
    *copy = name;
    map_set(m, id_str(id), copy);
    return name;
}

static struct str member_name(struct ctx *c, const struct id *id, void *arg)
{
    struct conversation_names *n = arg;
    const struct str *known = map_get(n->members, id_str(id));
    if (known) {
        return *known;
    }
    const struct json *answer = NULL;
    const struct json *question = json_object(c->arena, {"id", json_new_str(c->arena, id_str(id))});
    note_failure(c, n, host_ask(c, "identity.member", question, &answer));
    return kept(c, n->members, id, json_str(answer, "name", STR("")));
}

static struct str agent_name(struct ctx *c, struct conversation_names *n, const struct id *id)
{
    const struct str *known = map_get(n->agents, id_str(id));
    if (known) {
        return *known;
    }
    struct agent_row row = {0};
    note_failure(c, n, registry_get(c, id, &row));
    return kept(c, n->agents, id, row.name);
}

struct contact_card {
    struct str name, email, account;
};

static const struct contact_card *contact_card(struct ctx *c, struct conversation_names *n,
                                               const struct id *id)
{
    const struct contact_card *known = map_get(n->contacts, id_str(id));
    if (known) {
        return known;
    }
    struct store *s;
    struct record r = {0};
    enum err e = store_of(c, &s);
    note_failure(c, n, e == E_OK ? record_get(c, s, id, &r) : e);
    struct contact_card *card = ARENA_NEW(c->arena, struct contact_card);
    struct str email = json_str(r.data, "email", STR(""));
    *card = (struct contact_card){json_str(r.data, "name", STR("Visitor")),
                                  str_find_char(email, '@') > 0 ? email : STR(""), r.account};
    map_set(n->contacts, id_str(id), card);
    return card;
}

/* ---- conversations ------------------------------------------------------- */

static void write_ref(struct json_out *o, const char *name, const struct id *id, struct str label)
{
    json_name(o, name);
    if (!id_is_set(id)) {
        json_put_null(o);
        return;
    }
    json_open_object(o);
    json_field_str(o, "id", id_str(id));
    json_field_str(o, "name", label);
    json_close_object(o);
}

static enum err write_last(struct ctx *c, struct json_out *o, const struct conversation *v)
{
    struct store *s;
    struct messages page;
    TRY(store_of(c, &s));
    struct message_range newest = {
        .conversation = v->id, .after_seq = MESSAGES_NEWEST, .limit = 3, .for_contact = true};
    TRY(conversation_messages(c, s, &newest, &page));
    json_name(o, "last_message");
    for (int i = page.count - 1; i >= 0; i--) {
        const struct message *m = &page.items[i];
        if (str_eqz(m->role, "system")) {
            continue;
        }
        json_open_object(o);
        json_field_str(o, "role", m->role);
        json_field_str(o, "text", text_cut_bytes(m->text, 300));
        json_field_int(o, "created_at", m->created_at_ms);
        json_close_object(o);
        return E_OK;
    }
    json_put_null(o);
    return E_OK;
}

enum err conversation_view_write(struct ctx *c, struct json_out *o, struct conversation_names *n,
                                 const struct conversation *v)
{
    const struct contact_card *card = contact_card(c, n, &v->contact);
    json_open_object(o);
    json_field_str(o, "id", id_str(&v->id));
    json_name(o, "contact");
    json_open_object(o);
    json_field_str(o, "id", id_str(&v->contact));
    json_field_str(o, "name", card->name);
    if (card->email.n) {
        json_field_str(o, "email", card->email);
    }
    if (card->account.n) {
        json_field_str(o, "account", card->account);
    }
    json_close_object(o);
    json_field_str(o, "channel", v->channel);
    json_field_str(o, "status", v->status);
    json_field_str(o, "owner", v->owner);
    write_ref(o, "agent", &v->agent, agent_name(c, n, &v->agent));
    json_field_int(o, "agent_version", v->agent_version);
    write_ref(o, "assignee", &v->assignee,
              id_is_set(&v->assignee) ? member_name(c, &v->assignee, n) : STR(""));
    TRY(write_last(c, o, v));
    json_field_real(o, "sentiment", v->sentiment);
    json_field(o, "escalation", v->escalation);
    json_field_int(o, "message_count", v->last_seq);
    if (id_is_set(&v->run)) {
        json_field_str(o, "run_id", id_str(&v->run));
    }
    json_field_int(o, "created_at", v->created_at_ms);
    json_field_int(o, "updated_at", v->updated_at_ms);
    if (v->ended_at_ms) {
        json_field_int(o, "ended_at", v->ended_at_ms);
    }
    json_close_object(o);
    return check_names(c, n);
}

enum err conversation_view_message(struct ctx *c, struct json_out *o, struct conversation_names *n,
                                   const struct conversation *v, const struct message *m)
{
    struct message_view_names names = {
        .member = member_name,
        .arg = n,
        .agent = agent_name(c, n, &v->agent),
        .contact = contact_card(c, n, &v->contact)->name,
    };
    message_view_write(c, o, m, MESSAGE_VIEW_MEMBER, &names);
    return check_names(c, n);
}

/* ---- runs ---------------------------------------------------------------- */

static void write_run_fields(struct json_out *o, const struct run *r)
{
    json_field_str(o, "id", id_str(&r->id));
    json_field_str(o, "graph", r->graph);
    json_field_str(o, "thread", r->thread);
    json_field_str(o, "version", r->version);
    json_field_str(o, "status", str_of(run_status_name(r->status)));
    json_field_str(o, "node", r->node);
    json_field_int(o, "started_at", r->started_at_ms);
    if (r->finished_at_ms) {
        json_field_int(o, "finished_at", r->finished_at_ms);
    } else {
        json_field_null(o, "finished_at");
    }
    json_field_int(o, "duration_ms", r->active_ms);
    json_field_int(o, "step_count", r->seq);
    json_field_int(o, "tokens_in", r->tokens_in);
    json_field_int(o, "tokens_out", r->tokens_out);
    json_field_int(o, "cost_microcents", r->cost_microcents);
    if (r->status == RUN_FAILED) {
        json_field_str(o, "error", r->error);
    }
    if (id_is_set(&r->parent)) {
        json_name(o, "forked_from");
        json_open_object(o);
        json_field_str(o, "run_id", id_str(&r->parent));
        json_field_int(o, "step", r->parent_seq);
        json_close_object(o);
    }
}

void run_view_write(struct json_out *o, const struct run *r)
{
    json_open_object(o);
    write_run_fields(o, r);
    json_close_object(o);
}

static void write_traces(struct json_out *o, const char *name, const struct json *trace,
                         const char *kind)
{
    json_name(o, name);
    json_open_array(o);
    for (size_t i = 0; i < json_count(trace); i++) {
        const struct json *record = json_at(trace, i);
        if (str_eqz(json_str(record, "kind", STR("")), kind)) {
            json_put(o, json_get(record, "data"));
        }
    }
    json_close_array(o);
}

/* What the step looked up: its delta tells. Runs of earlier versions have a record of their own. */
static void write_passages(struct json_out *o, const struct run_step *s)
{
    const struct json *found = json_get(s->delta, "passages");
    for (size_t i = 0; i < json_count(s->trace) && !found; i++) {
        const struct json *record = json_at(s->trace, i);
        bool named = str_eqz(json_str(record, "kind", STR("")), "passages");
        found = named ? json_get(record, "data") : NULL;
    }
    json_name(o, "passages");
    json_put(o, json_is(found, JSON_ARRAY) ? found : &json_empty_array);
}

static void write_calls(struct json_out *o, const struct journal_call *calls, int count, int seq)
{
    json_name(o, "tool_calls");
    json_open_array(o);
    for (int i = 0; i < count; i++) {
        const struct journal_call *k = &calls[i];
        if (k->seq != seq) {
            continue;
        }
        const struct json *result = json_get(k->result, "result");
        const struct json *refused = json_get(k->result, "refused");
        json_open_object(o);
        json_field_str(o, "id", k->id);
        json_field_str(o, "name", k->name);
        json_field(o, "arguments", k->arguments);
        json_field(o, "result", result ? result : k->result);
        json_field_str(o, "status",
                       refused ? STR("refused") : str_of(journal_status_name(k->status)));
        if (k->error.n || refused) {
            json_field_str(o, "error", refused ? json_text(refused, STR("")) : k->error);
        }
        json_field_int(o, "latency_ms", k->latency_ms);
        json_field_int(o, "attempt", k->attempt);
        json_field_str(o, "idempotency_key", k->id);
        json_close_object(o);
    }
    json_close_array(o);
}

static void write_step(struct json_out *o, const struct run_step *s,
                       const struct journal_call *calls, int call_count)
{
    json_open_object(o);
    json_field_int(o, "seq", s->seq);
    json_field_str(o, "node", s->node);
    json_field_str(o, "next", s->next);
    json_field_str(o, "status", s->status);
    if (s->error.n) {
        json_field_str(o, "error", s->error);
    }
    json_field_int(o, "attempt", s->attempt);
    json_field_int(o, "started_at", s->started_at_ms);
    json_field_int(o, "duration_ms", s->duration_ms);
    json_field(o, "input", s->input);
    json_field(o, "output", s->output);
    json_field(o, "delta", s->delta);
    write_traces(o, "llm_calls", s->trace, "llm_call");
    write_calls(o, calls, call_count, s->seq);
    write_passages(o, s);
    json_name(o, "events");
    json_put(o, s->trace ? s->trace : &json_empty_array);
    json_close_object(o);
}

enum err run_view_steps(struct ctx *c, struct json_out *o, const struct run *r)
{
    const struct run_step *steps;
    const struct journal_call *calls;
    int step_count, call_count;
    TRY(run_steps(c, &r->id, 0, STEPS_MAX, &steps, &step_count));
    TRY(journal_list(c, &r->id, &calls, &call_count));
    json_open_object(o);
    write_run_fields(o, r);
    json_name(o, "steps");
    json_open_array(o);
    for (int i = 0; i < step_count; i++) {
        write_step(o, &steps[i], calls, call_count);
    }
    json_close_array(o);
    json_close_object(o);
    return E_OK;
}
