#include "agent/mailbox.h"
#include "agent/message_view.h"
#include "agent/turn.h"
#include "base/log.h"
#include "bus/bus.h"
#include "codec/text.h"
#include "host/live.h"
#include "svc/conversation/conversation_view.h"
#include "svc/conversation/live_view.h"
#include "svc/conversation/turn_span.h"

enum {
    RUNS_PAGE = 50,
    TURN_TRIES = 8,
    SWEEP_EVERY_MS = 5 * 60 * 1000,
    FORK_PATIENCE_MS = 2 * 60 * 1000
};

/* ---- bodies -------------------------------------------------------------- */

struct text_body {
    struct str text;
};
static const struct field text_fields[] = {
    FIELD(struct text_body, text, FIELD_STR, .flags = FIELD_REQUIRED,
          .max = MESSAGE_TEXT_MAX_BYTES),
};
static const struct field_table text_table = FIELD_TABLE("MessageText", text_fields);

struct close_body {
    struct str reason;
};
static const struct field close_fields[] = {
    FIELD(struct close_body, reason, FIELD_STR, .max = 200),
};
static const struct field_table close_table = FIELD_TABLE("CloseConversation", close_fields);

struct fork_body {
    int64_t step;
    const struct json *state;
};
static const struct field fork_fields[] = {
    FIELD(struct fork_body, step, FIELD_INT, .flags = FIELD_REQUIRED, .min = 0, .max = 1000,
          .title = "the new run goes on after this step"),
    FIELD(struct fork_body, state, FIELD_OBJECT, .title = "changes to the state (RFC 7396)"),
};
static const struct field_table fork_table = FIELD_TABLE("ForkRun", fork_fields);

/* ---- reading ------------------------------------------------------------- */

static enum err read_filter(struct ctx *c, const struct call *call, struct conversation_filter *out)
{
    *out = (struct conversation_filter){
        .status = call_query(c, call, "status"),
        .owner = call_query(c, call, "owner"),
        .text = text_cut_bytes(call_query(c, call, "q"), 200),
    };
    struct str agent = call_query(c, call, "agent_id"), contact = call_query(c, call, "contact_id");
    if (agent.n && !id_parse(agent, &out->agent)) {
        return ctx_fail_field(c, E_INVALID, "agent_id", "agent_id is no id");
    }
    if (contact.n && !id_parse(contact, &out->contact)) {
        return ctx_fail_field(c, E_INVALID, "contact_id", "contact_id is no id");
    }
    struct str cursor = call_query(c, call, "cursor"), ms;
    if (cursor.n && (!str_split(&cursor, '.', &ms) || !str_to_i64(ms, &out->before_ms) ||
                     !id_parse(cursor, &out->before_id))) {
        return ctx_fail_field(c, E_INVALID, "cursor", "the cursor is not one of ours");
    }
    return call_limit(c, call, &out->limit);
}

static enum err list(struct ctx *c, struct call *call)
{
    struct conversation_filter f;
    struct conversations page;
    TRY(read_filter(c, call, &f));
    TRY(conversation_list(c, call->store, &f, &page));
    struct json_out *o = call_list_begin(call);
    struct conversation_names *names = conversation_names_new(c);
    for (int i = 0; i < page.count; i++) {
        TRY(conversation_view_write(c, o, names, &page.items[i]));
    }
    struct str next = {0};
    if (page.count == f.limit) {
        const struct conversation *last = &page.items[page.count - 1];
        next = str_fmt(c->arena, "%lld.%s", (long long)last->updated_at_ms, last->id.text);
    }
    call_list_end(call, next);
    return E_OK;
}

static enum err find(struct ctx *c, struct call *call, struct conversation *out)
{
    struct id id;
    TRY(call_id(c, call, 0, &id));
    return conversation_get(c, call->store, &id, out);
}

static enum err write_one(struct ctx *c, struct call *call, const struct id *id)
{
    struct conversation v;
    TRY(conversation_get(c, call->store, id, &v));
    return conversation_view_write(c, call_json(call), conversation_names_new(c), &v);
}

static enum err get(struct ctx *c, struct call *call)
{
    struct conversation v;
    TRY(find(c, call, &v));
    return conversation_view_write(c, call_json(call), conversation_names_new(c), &v);
}

static enum err list_messages(struct ctx *c, struct call *call)
{
    struct conversation v;
    struct messages page;
    struct call_range r;
    TRY(find(c, call, &v));
    TRY(call_range(c, call, &r));
    struct message_range range = {
        .conversation = v.id, .after_seq = r.after, .before_seq = r.before, .limit = r.limit};
    TRY(conversation_messages(c, call->store, &range, &page));
    struct json_out *o = call_list_begin(call);
    struct conversation_names *names = conversation_names_new(c);
    for (int i = 0; i < page.count; i++) {
        TRY(conversation_view_message(c, o, names, &v, &page.items[i]));
    }
    call_list_end(call, message_view_next(c->arena, &range, &page));
    return E_OK;
}

/* ---- acting -------------------------------------------------------------- */

static enum err add(struct ctx *c, struct call *call, const char *role)
{
    const struct text_body *in = call->input;
    struct conversation v;
    TRY(find(c, call, &v));
    struct message m = {.role = str_of(role), .author = c->actor, .text = in->text};
    TRY(conversation_add(c, call->store, &v.id, &m));
    return conversation_view_message(c, call_json(call), conversation_names_new(c), &v, &m);
}

static enum err post_message(struct ctx *c, struct call *call)
{
    return add(c, call, "member");
}

static enum err post_guidance(struct ctx *c, struct call *call)
{
    return add(c, call, "note");
}

static enum err audited(struct ctx *c, struct call *call, const char *action, const struct id *id)
{
    TRY(audit_add(c, call->store, action, id_str(id), NULL));
    return write_one(c, call, id);
}

static enum err takeover(struct ctx *c, struct call *call)
{
    struct conversation v;
    TRY(find(c, call, &v));
    TRY(conversation_take(c, call->store, &v.id, &c->actor));
    return audited(c, call, "conversation_taken_over", &v.id);
}

/* Who may give back or end what another member has: a supervisor; else only that member. */
static const struct id *hand_of(const struct ctx *c)
{
    return c->roles & (ROLE_ADMIN | ROLE_SUPERVISOR) ? NULL : &c->actor;
}

static enum err release(struct ctx *c, struct call *call)
{
    struct conversation v;
    TRY(find(c, call, &v));
    TRY(conversation_release(c, call->store, &v.id, hand_of(c)));
    return audited(c, call, "conversation_released", &v.id);
}

static enum err close_it(struct ctx *c, struct call *call)
{
    struct conversation v;
    TRY(find(c, call, &v));
    const struct close_body *in = call->input;
    struct conversation_ending over = {
        .status = "completed", .resolution = "resolved", .reason = in->reason, .by = hand_of(c)};
    TRY(conversation_end(c, call->store, &v.id, &over));
    return audited(c, call, "conversation_closed", &v.id);
}

/* ---- runs ---------------------------------------------------------------- */

static enum err list_runs(struct ctx *c, struct call *call)
{
    struct conversation v;
    const struct run *runs;
    int count;
    TRY(find(c, call, &v));
    TRY(run_list(c, id_str(&v.id), NULL, RUNS_PAGE, &runs, &count));
    struct json_out *o = call_list_begin(call);
    for (int i = 0; i < count; i++) {
        run_view_write(o, &runs[i]);
    }
    call_list_end(call, STR(""));
    return E_OK;
}

static enum err find_run(struct ctx *c, struct call *call, struct run *out)
{
    struct id id;
    TRY(call_id(c, call, 0, &id));
    return run_get(c, turns_runs(c->at->turns), &id, out);
}

static enum err get_run(struct ctx *c, struct call *call)
{
    struct run r;
    TRY(find_run(c, call, &r));
    return run_view_steps(c, call_json(call), &r);
}

/* A run that is not recorded yet is told of too, as who watches the conversation has its id. */
static enum err cancel_run(struct ctx *c, struct call *call)
{
    struct id id;
    struct run r;
    TRY(call_id(c, call, 0, &id));
    TRY(run_cancel(c, turns_runs(c->at->turns), &id));
    TRY(audit_add(c, call->store, "run_cancelled", id_str(&id), NULL));
    enum err e = run_get(c, turns_runs(c->at->turns), &id, &r);
    if (e == E_NOT_FOUND) {
        ctx_forgive(c);
        r = (struct run){.id = id, .status = RUN_CANCELLED};
        e = E_OK;
    }
    TRY(e);
    run_view_write(call_json(call), &r);
    return E_OK;
}

struct forking {
    struct call *call;
    struct id original, made;
};

/* The request drives the fork; should it not come to that, the job does. */
static enum err fork_in(struct ctx *c, void *arg)
{
    struct forking *f = arg;
    const struct fork_body *in = f->call->input;
    TRY(run_fork(c, turns_runs(c->at->turns), &f->original, (int)in->step, in->state, &f->made));
    TRY(audit_add(c, f->call->store, "run_forked", id_str(&f->original), NULL));
    return job_add(c, f->call->store, .kind = "run_continue", .unique_key = id_str(&f->made),
                   .run_at_ms = ctx_now_ms(c) + FORK_PATIENCE_MS,
                   .payload =
                       json_object(c->arena, {"run_id", json_new_str(c->arena, id_str(&f->made))}));
}

static enum err continue_run(struct ctx *c, struct job *job)
{
    struct id id;
    struct run r;
    if (!id_parse(json_str(job->payload, "run_id", STR("")), &id)) {
        return ctx_fail(c, E_INVALID, "the job names no run");
    }
    enum err e = run_get(c, turns_runs(c->at->turns), &id, &r);
    if (e == E_NOT_FOUND || (e == E_OK && r.status != RUN_RUNNING)) {
        ctx_forgive(c);
        return E_OK;
    }
    TRY(e);
    return turn_continue(c, &id, NULL, &r);
}

static enum err fork_run(struct ctx *c, struct call *call)
{
    struct run r, forked;
    TRY(find_run(c, call, &r));
    struct forking f = {.call = call, .original = r.id};
    TRY(store_transact(c, call->store, fork_in, &f));
    struct id made = f.made;
    /* A fork is an experiment: its conversation is not claimed, so nothing it says is delivered. */
    TRY(turn_continue(c, &made, NULL, &forked));
    TRY(run_get(c, turns_runs(c->at->turns), &made, &forked));
    run_view_write(call_json(call), &forked);
    return E_OK;
}

/* ---- the agent's turn ---------------------------------------------------- */

static void frame_of(struct ctx *c, const struct id *conversation, const struct id *run,
                     const char *type, struct str text)
{
    struct buf b = buf_make(64 << 10);
    struct json_out o = json_out_to(&b);
    json_open_object(&o);
    json_field_str(&o, "type", str_of(type));
    json_field_str(&o, "conversation_id", id_str(conversation));
    json_field_str(&o, "turn", id_str(run));
    if (text.p) {
        json_field_str(&o, "text", text);
    } else {
        json_field_str(&o, "who", STR("ai"));
    }
    json_close_object(&o);
    if (!b.overflow) {
        live_send(host_live(c), conversation, type, buf_str(&b), false);
    }
    buf_free(&b);
}

static void on_started(struct ctx *c, const struct id *conversation, const struct id *run,
                       void *arg)
{
    (void)arg;
    frame_of(c, conversation, run, "typing", (struct str){NULL, 0});
}

static void on_text(struct ctx *c, const struct id *conversation, const struct id *run,
                    struct str piece, void *arg)
{
    (void)arg;
    frame_of(c, conversation, run, "delta", piece);
}

static void on_retract(struct ctx *c, const struct id *conversation, const struct id *run,
                       void *arg)
{
    (void)arg;
    frame_of(c, conversation, run, "retract", (struct str){NULL, 0});
}

static enum err run_turn(struct ctx *c, struct job *job)
{
    struct id id;
    if (!id_parse(json_str(job->payload, "conversation_id", STR("")), &id)) {
        return ctx_fail(c, E_INVALID, "the job names no conversation");
    }
    struct turn_span span;
    turn_span_begin(c, json_str(job->payload, "traceparent", STR("")), &span);
    const struct turn_watch watch = {.on_started = on_started,
                                     .on_text = on_text,
                                     .on_retract = on_retract,
                                     .on_step_started = turn_span_step_started,
                                     .on_step_finished = turn_span_step_finished,
                                     .on_call = turn_span_call,
                                     .on_ended = turn_span_ended,
                                     .arg = &span};
    enum err e = turn_take(c, &id, job, true, &watch);
    bool last = job->attempt >= TURN_TRIES || e == E_INVALID || e == E_NOT_FOUND;
    if (e == E_OK || e == E_CANCELLED || !last) {
        return e;
    }
    log_at(c, LOG_ERROR, "a turn is given up", LOG_STR("conversation_id", id_str(&id)),
           LOG_Z("error", c->fault.text));
    ctx_forgive(c);
    struct store *s;
    TRY(store_of(c, &s));
    TRY(job_beat(c, s, job)); /* not when another process has it by now */
    return turn_give_up(c, &id);
}

/* What a turn's last try could not even give up, because the store was down: ordered again for as
 * long as MAILBOX_SWEPT_MS. */
static enum err sweep(struct ctx *c, struct job *job)
{
    struct store *s;
    int ordered;
    (void)job;
    TRY(store_of(c, &s));
    TRY(mailbox_sweep(c, s, &ordered));
    if (ordered) {
        log_at(c, LOG_WARN, "messages had lost their turn", LOG_INT("conversations", ordered));
    }
    return E_OK;
}

static const struct job_kind jobs[] = {
    {.kind = "agent_turn",
     .run = run_turn,
     .lane = LANE_BACKGROUND,
     .tries = TURN_TRIES,
     .backoff_ms = 500,
     .timeout_ms = 300000},
    {.kind = "mailbox_sweep", .run = sweep, .lane = LANE_BACKGROUND},
    {.kind = "run_continue",
     .run = continue_run,
     .lane = LANE_BACKGROUND,
     .tries = 7, /* until the lease of a driver that was lost has run out for sure */
     .backoff_ms = 10000,
     .timeout_ms = 300000},
    {0},
};

static const struct job_schedule schedules[] = {
    {.kind = "mailbox_sweep", .every_ms = SWEEP_EVERY_MS},
    {0},
};

/* ---- the descriptor ------------------------------------------------------ */

#define READS  ROLE_ANY
#define ANSWER ROLE_SERVES

static const struct route routes[] = {
    {"GET", "/api/v1/conversations", READS, "conversations:read", list,
     "Conversations, newest first", NULL, 0, 0},
    {"GET", "/api/v1/conversations/{id}", READS, "conversations:read", get, "One conversation",
     NULL, 0, ROUTE_STEADY},
    {"GET", "/api/v1/conversations/{id}/messages", READS, "conversations:read", list_messages,
     "Its messages, a page at a time", NULL, 0, 0},
    {"POST", "/api/v1/conversations/{id}/messages", ANSWER, "conversations:write", post_message,
     "Answer as a person", &text_table, sizeof(struct text_body), ROUTE_CREATES | ROUTE_ONCE},
    {"POST", "/api/v1/conversations/{id}/guidance", ANSWER, "conversations:write", post_guidance,
     "A note that guides the agent", &text_table, sizeof(struct text_body),
     ROUTE_CREATES | ROUTE_ONCE},
    {"POST", "/api/v1/conversations/{id}/takeover", ANSWER, "conversations:write", takeover,
     "Answer in the agent's place", NULL, 0, ROUTE_ONCE},
    {"POST", "/api/v1/conversations/{id}/release", ANSWER, "conversations:write", release,
     "Give it back to the agent: who took it over, or a supervisor", NULL, 0, ROUTE_ONCE},
    {"POST", "/api/v1/conversations/{id}/close", ANSWER, "conversations:write", close_it,
     "End it: who took it over, or a supervisor; anyone who serves while nobody has it",
     &close_table, sizeof(struct close_body), ROUTE_OPTIONAL_BODY | ROUTE_ONCE},
    {"GET", "/api/v1/conversations/{id}/runs", READS, "runs:read", list_runs, "Its runs", NULL, 0,
     0},
    {"GET", "/api/v1/runs/{id}", READS, "runs:read", get_run, "A run with every step", NULL, 0, 0},
    {"GET", "/api/v1/runs/{id}/events", READS, "runs:read", live_view_run,
     "The run's steps as server-sent events", NULL, 0, 0},
    {"POST", "/api/v1/runs/{id}/cancel", ROLE_BUILDS | ANSWER, "runs:write", cancel_run,
     "Stop a run", NULL, 0, 0},
    {"POST", "/api/v1/runs/{id}/fork", ROLE_BUILDS, "runs:write", fork_run,
     "Run again from a step, without delivering", &fork_table, sizeof(struct fork_body), 0},
    {"GET", "/api/v1/live", ROLE_PUBLIC, "", live_view_open,
     "WebSocket: what happens in the org; the first frame signs in", NULL, 0, 0},
    {0},
};

#define MESSAGES_PATH "/api/v1/conversations/{id}/messages"

static const struct query_key queries[] = {
    {MESSAGES_PATH, "after", "integer", "a seq: the messages that follow it"},
    {MESSAGES_PATH, "before", "integer",
     "a seq: the page that ends before it; with neither, the newest page"},
    {MESSAGES_PATH, "limit", "integer",
     "1 to 200, default 50. next_cursor is the next `after`, else the next `before`"},
    {0},
};

static const char *const emits[] = {"conversation_events", "escalation_events", NULL};

const struct service conversation_service = {
    .name = "conversation",
    .purpose = "Conversations for the people of an org: watch, take over, answer, release; runs.",
    .routes = routes,
    .queries = queries,
    .jobs = jobs,
    .schedules = schedules,
    .migrations = NULL,
    .emits = emits,
    .on_message = live_view_message,
    .on_close = live_view_close,
};
