#include "agent/turn.h"

#include <stdlib.h>

#include "agent/turn_nodes.h"
#include "base/log.h"
#include "base/metric.h"

enum { RUN_LOOPS_MAX = 4 };

/* ---- the tables ---------------------------------------------------------- */

static bool is_escalated(const struct json *state)
{
    return !json_is_null(json_get(state, "escalation"));
}

static bool is_approved(const struct json *state)
{
    return json_bool(state, "approved", false);
}

/* The model asked for tools and they have not answered. */
static bool wants_tools(const struct json *state)
{
    const struct json *calls = json_get(state, "calls");
    const struct json *last = json_at(calls, json_count(calls) - (json_count(calls) > 0));
    return json_count(json_get(last, "calls")) > 0;
}

/* A model that goes round in circles: the agent's own bound (domain 004 4.8). */
static bool wants_too_much(const struct json *state)
{
    return wants_tools(state) && json_bool(state, "exhausted", false);
}

static bool has_answer(const struct json *state)
{
    return !json_is_null(json_get(state, "answer"));
}

static bool is_valid(const struct json *state)
{
    return json_bool(state, "valid", false);
}

static const struct graph_node turn_nodes[] = {
    {.name = "classify", .fn = turn_classify, .attempts_max = 3, .repeatable = true},
    {.name = "context", .fn = turn_context, .attempts_max = 3, .repeatable = true},
    {.name = "escalation", .fn = turn_escalation, .attempts_max = 3, .repeatable = true},
    {.name = "generate",
     .fn = turn_generate,
     .timeout_ms = 90000,
     .on_failure = "apologise",
     .repeatable = true},
    {.name = "tools",
     .fn = turn_tools,
     .timeout_ms = 120000,
     .attempts_max = 2,
     .on_failure = "apologise",
     .recorded = true},
    {.name = "validate", .fn = turn_validate, .attempts_max = 3, .repeatable = true},
    {.name = "apologise", .fn = turn_apologise, .attempts_max = 3},
    {.name = "deliver", .fn = turn_deliver, .attempts_max = 3},
    {0},
};

static const struct graph_edge turn_edges[] = {
    {"classify", "context", NULL, 0},
    {"context", "escalation", NULL, 0},
    {"escalation", "tools", is_approved, 0}, /* a yes holds, whoever answers afterwards */
    {"escalation", "deliver", is_escalated, 0},
    {"escalation", "generate", NULL, 0},
    {"generate", "apologise", wants_too_much, 0},
    {"generate", "tools", wants_tools, CONFIG_TOOL_ROUNDS_MAX},
    {"generate", "apologise", wants_tools, 0},
    {"generate", "validate", NULL, 0},
    {"tools", "deliver", has_answer, 0},
    {"tools", "generate", NULL, 0},
    {"validate", "deliver", is_valid, 0},
    {"validate", "generate", NULL, TURN_VALIDATE_RETRIES_MAX},
    {"validate", "apologise", NULL, 0},
    {"apologise", "deliver", NULL, 0},
    {"deliver", GRAPH_END, NULL, 0},
    {0},
};

static const struct graph_field fields[] = {
    {"conversation_id", GRAPH_REPLACE, 0},
    {"agent_id", GRAPH_REPLACE, 0},
    {"agent_version", GRAPH_REPLACE, 0},
    {"to_seq", GRAPH_REPLACE, 0},
    {"last_seq", GRAPH_REPLACE, 0},
    {"text", GRAPH_REPLACE, 0},
    {"intent", GRAPH_REPLACE, 0},
    {"facts", GRAPH_REPLACE, 0},
    {"dialogue", GRAPH_REPLACE, 0},
    {"passages", GRAPH_REPLACE, 0},
    {"calls", GRAPH_APPEND, 64},
    {"carried", GRAPH_REPLACE, 0},
    {"exhausted", GRAPH_REPLACE, 0},
    {"approved", GRAPH_REPLACE, 0},
    {"answer", GRAPH_REPLACE, 0},
    {"escalation", GRAPH_REPLACE, 0},
    {"suggest_handoff", GRAPH_REPLACE, 0},
    {"valid", GRAPH_REPLACE, 0},
    {"problems", GRAPH_REPLACE, 0},
    {"helped", GRAPH_REPLACE, 0},
    {0},
};

static const struct graph_table turn_table = {
    .name = "turn",
    .version = "1",
    .start = "classify",
    .nodes = turn_nodes,
    .edges = turn_edges,
    .fields = fields,
    .limits = {.steps_max = 64, .active_ms_max = 300000, .tokens_max = 200000},
    .on_limit = "apologise",
};

/* The two-node loop of domain 004 section 4.8: the agent speaks until it needs no more tools. */
static const struct graph_node loop_nodes[] = {
    {.name = "agent", .fn = turn_generate, .timeout_ms = 90000},
    {.name = "tools", .fn = turn_tools, .timeout_ms = 120000, .attempts_max = 2},
    {0},
};

static const struct graph_edge loop_edges[] = {
    {"agent", GRAPH_END, wants_too_much, 0},
    {"agent", "tools", wants_tools, CONFIG_TOOL_ROUNDS_MAX},
    {"agent", GRAPH_END, NULL, 0},
    {"tools", GRAPH_END, has_answer, 0},
    {"tools", "agent", NULL, 0},
    {0},
};

static const struct graph_table loop_table = {
    .name = "loop",
    .version = "1",
    .start = "agent",
    .nodes = loop_nodes,
    .edges = loop_edges,
    .fields = fields,
    .limits = {.steps_max = 52, .active_ms_max = 300000, .tokens_max = 200000},
};

struct turns {
    struct graph *turn;
    struct graph *loop;
    const struct graph *all[3];
    struct runs *runs;
    struct turns_config config;
};

enum err turns_new(struct ctx *c, const struct turns_config *config, struct turns **out_turns)
{
    struct turns *t = mem_new(sizeof(*t));
    t->config = *config;
    enum err e = graph_compile(c, &turn_table, &t->turn);
    e = e == E_OK ? graph_compile(c, &loop_table, &t->loop) : e;
    if (e != E_OK) {
        turns_free(&t);
        return e;
    }
    t->all[0] = t->turn;
    t->all[1] = t->loop;
    t->runs = runs_new(t->all, NULL);
    *out_turns = t;
    return E_OK;
}

void turns_free(struct turns **t)
{
    if (*t) {
        if ((*t)->runs) {
            runs_free(&(*t)->runs);
        }
        graph_free(&(*t)->turn);
        graph_free(&(*t)->loop);
        free(*t);
        *t = NULL;
    }
}

struct runs *turns_runs(struct turns *t)
{
    return t->runs;
}

/* ---- driving ------------------------------------------------------------- */

static void on_piece(struct ctx *c, const struct id *run, struct str text, void *arg)
{
    struct turn_drive *d = arg;
    if (d->watch && d->watch->on_text) {
        d->watch->on_text(c, &d->conversation_id, run, text, d->watch->arg);
    }
}

static void tell_started(struct ctx *c, struct turn_drive *d)
{
    if (d->watch && d->watch->on_started && !d->told_started) {
        d->watch->on_started(c, &d->conversation_id, &d->run, d->watch->arg);
    }
    d->told_started = true;
}

static void on_step_started(struct ctx *c, const struct id *run, int seq, const char *node,
                            void *arg)
{
    struct turn_drive *d = arg;
    (void)seq;
    if (id_is_set(&d->run)) { /* a conversation's; its run need not be recorded yet */
        tell_started(c, d);
    }
    if (d->watch && d->watch->on_step_started) {
        d->watch->on_step_started(c, run, node, d->watch->arg);
    }
}

static void on_step_finished(struct ctx *c, const struct id *run, int seq, const char *node,
                             enum err outcome, int64_t duration_ms, void *arg)
{
    struct turn_drive *d = arg;
    (void)seq;
    if (d->watch && d->watch->on_step_finished) {
        struct turn_step step = {run, node, outcome, duration_ms};
        d->watch->on_step_finished(c, &step, d->watch->arg);
    }
}

static void begin_drive(struct ctx *c, const struct turn_watch *watch, struct turn_drive *d,
                        struct run_watch *w)
{
    *d = (struct turn_drive){
        .c = c, .watch = watch, .turns = c->at->turns, .outcome = DELIVER_WITHHELD};
    d->tools.allow_private = c->at->turns->config.allow_private_tools;
    d->started_us = clock_steady_us();
    *w = (struct run_watch){.on_step_started = on_step_started,
                            .on_step_finished = on_step_finished,
                            .on_piece = on_piece,
                            .arg = d};
}

/* Counts the drive of a conversation's turn; one that was put back is counted when it ends. */
static void measure(struct ctx *c, const struct turn_drive *d, const struct run *result)
{
    static const char *const labels[] = {[DELIVER_SENT] = "outcome=\"sent\"",
                                         [DELIVER_WITHHELD] = "outcome=\"withheld\"",
                                         [DELIVER_SUPERSEDED] = "outcome=\"superseded\""};
    bool failed = result->status == RUN_FAILED;
    log_at(c, LOG_INFO, "turn ended", LOG_STR("run_id", id_str(&result->id)),
           LOG_STR("conversation_id", id_str(&d->conversation_id)),
           LOG_Z("status", run_status_name(result->status)), LOG_INT("steps", result->seq),
           LOG_INT("ms", (clock_steady_us() - d->started_us) / 1000));
    if (!c->at->metrics) {
        return;
    }
    metric_add(metric_series(c->at->metrics, METRIC_COUNTER, "rapport_turns_total",
                             "Turns of agents, by what became of the answer.",
                             failed ? "outcome=\"failed\"" : labels[d->outcome]),
               1);
    metric_observe_ms(metric_series(c->at->metrics, METRIC_HISTOGRAM, "rapport_turn_seconds",
                                    "Time from the start of a turn to its end.", ""),
                      (double)(clock_steady_us() - d->started_us) / 1000);
}

static void end_drive(struct ctx *c, struct turn_drive *d, const struct id *run)
{
    if (!d->watch) {
        return;
    }
    if (d->handed_out && d->outcome != DELIVER_SENT && d->watch->on_retract) {
        d->watch->on_retract(c, &d->conversation_id, run, d->watch->arg);
    }
    if (d->watch->on_ended) {
        d->watch->on_ended(c, &d->conversation_id, run, d->watch->arg);
    }
}

/* No answer will come from this run (unset: from any): people must know, the contact must hear
 * something. */
static enum err give_up(struct ctx *c, struct store *s, const struct id *conversation,
                        const struct id *run)
{
    struct surrender how = {
        .conversation = *conversation,
        .run = *run,
        .escalation = turn_escalation_of(c->arena, "ai_unavailable", STR("high"), NULL),
        .apology =
            STR("Something went wrong on our side. A colleague has been asked to answer you."),
    };
    return mailbox_give_up(c, s, &how);
}

/* A member stopped this turn: what the contact wrote is still unanswered, so people have it now. */
static enum err hand_over_cancelled(struct ctx *c, struct store *s, const struct id *conversation,
                                    const struct id *run)
{
    struct surrender how = {
        .conversation = *conversation,
        .run = *run,
        .escalation = turn_escalation_of(c->arena, "run_cancelled", STR("normal"), NULL),
    };
    return mailbox_give_up(c, s, &how);
}

/* What becomes of the conversation when its run ended without delivering. */
static enum err settle_ended(struct ctx *c, struct store *s, const struct id *conversation,
                             const struct run *run)
{
    if (run->status == RUN_CANCELLED) {
        return hand_over_cancelled(c, s, conversation, &run->id);
    }
    if (run->status != RUN_FAILED) {
        return E_OK;
    }
    log_at(c, LOG_ERROR, "turn failed", LOG_STR("conversation_id", id_str(conversation)),
           LOG_STR("run_id", id_str(&run->id)), LOG_STR("error", run->error));
    return give_up(c, s, conversation, &run->id);
}

/* The run cannot be driven: it is over, or another process has it still. */
static enum err settle_conflict(struct ctx *c, struct store *s, const struct id *conversation,
                                const struct id *run)
{
    struct run now;
    ctx_forgive(c);
    TRY(run_get(c, c->at->turns->runs, run, &now));
    if (now.status == RUN_RUNNING) {
        return ctx_fail(c, E_UNAVAILABLE, "the turn is still held by another process");
    }
    TRY(settle_ended(c, s, conversation, &now));
    return mailbox_settle(c, s, conversation, run);
}

/* One turn of a conversation, by a job or not. */
struct taking {
    struct store *store;
    struct conversation *conversation; /* as it was before */
    struct job *job;
    bool only_taker;
    const struct turn_watch *watch;
    struct turn_drive drive;
    struct run_watch run_watch;
    bool refused; /* the mailbox was */
};

static void begin_turn(struct ctx *c, struct taking *t, const struct id *run)
{
    struct turn_drive *d = &t->drive;
    begin_drive(c, t->watch, d, &t->run_watch);
    d->conversation_id = t->conversation->id;
    d->run = *run;
    d->job = t->job;
    d->tools.may_change = scene_may_change;
    d->tools.arg = d;
}

static enum err end_turn(struct ctx *c, struct taking *t, enum err e, const struct run *result)
{
    const struct id *conversation = &t->conversation->id, *run = &t->drive.run;
    end_drive(c, &t->drive, run);
    if (t->job && (e != E_OK || result->status != RUN_DONE)) {
        t->job->finished = false; /* with a delivery that did not come about */
    }
    if (e == E_CONFLICT) {
        return settle_conflict(c, t->store, conversation, run);
    }
    TRY(e);
    measure(c, &t->drive, result);
    return settle_ended(c, t->store, conversation, result);
}

/* A dead process left it. */
static enum err resume_turn(struct ctx *c, struct taking *t)
{
    struct run result;
    begin_turn(c, t, &t->conversation->run);
    tell_started(c, &t->drive);
    struct run_driver driver = {&t->run_watch, &t->drive};
    enum err e = (t->only_taker ? run_take_over : run_drive)(c, c->at->turns->runs, &t->drive.run,
                                                             &driver, &result);
    return end_turn(c, t, e, &result);
}

static enum err claim_in(struct ctx *c, struct store *s, void *arg)
{
    struct taking *t = arg;
    enum err e = mailbox_claim(c, s, &t->conversation->id, &t->drive.run);
    t->refused = e == E_CONFLICT;
    return e;
}

/* Somebody else answered meanwhile, or a person took over: nothing of the run was recorded, and its
 * answer goes nowhere. */
static enum err end_refused(struct ctx *c, struct taking *t)
{
    struct turn_drive *d = &t->drive;
    ctx_forgive(c);
    d->outcome = DELIVER_WITHHELD;
    end_drive(c, d, &d->run);
    if (t->job) {
        t->job->finished = false;
    }
    measure(c, d, &(struct run){.id = d->run, .status = RUN_DONE});
    return E_OK;
}

/* The run is recorded and the mailbox claimed for it with its first commit that has an effect; for
 * a quick answer that is the one that delivers it. Until then the message waits, and so does its
 * job, which keeps other turns of the conversation away. */
static enum err start_turn(struct ctx *c, struct taking *t)
{
    struct arena *a = c->arena;
    const struct conversation *v = t->conversation;
    struct id id = id_new(ctx_now_ms(c));
    struct run result;
    begin_turn(c, t, &id);
    t->drive.conversation = *v;
    struct run_spec spec = {
        .graph = c->at->turns->turn,
        .id = id,
        .thread = id_str(&v->id),
        .input = json_object(a, {"conversation_id", json_new_str(a, id_str(&v->id))},
                             {"agent_id", json_new_str(a, id_str(&v->agent))},
                             {"agent_version", json_new_int(a, v->agent_version)},
                             {"to_seq", json_new_int(a, v->contact_seq)},
                             {"last_seq", json_new_int(a, v->last_seq)}),
        .version = str_fmt(a, "%s v%lld", v->agent.text, (long long)v->agent_version),
        .on_create = claim_in,
        .on_create_arg = t,
        .late = true,
    };
    struct run_driver driver = {&t->run_watch, &t->drive};
    enum err e = run_start(c, c->at->turns->runs, &spec, &driver, &result);
    return e == E_CONFLICT && t->refused ? end_refused(c, t) : end_turn(c, t, e, &result);
}

enum err turn_take(struct ctx *c, const struct id *conversation, struct job *job, bool only_taker,
                   const struct turn_watch *watch)
{
    struct conversation v;
    struct taking t = {.conversation = &v, .job = job, .only_taker = only_taker, .watch = watch};
    TRY(store_of(c, &t.store));
    TRY(conversation_get(c, t.store, conversation, &v));
    return id_is_set(&v.run) ? resume_turn(c, &t) : start_turn(c, &t);
}

enum err turn_give_up(struct ctx *c, const struct id *conversation)
{
    struct store *s;
    struct id any = {{0}};
    TRY(store_of(c, &s));
    return give_up(c, s, conversation, &any);
}

enum err turn_ask(struct ctx *c, const struct turn_question *q, const struct turn_watch *watch,
                  struct run *out_run)
{
    struct arena *a = c->arena;
    struct agent_row row;
    TRY(registry_get(c, &q->agent, &row));
    if (str_trim(q->text).n == 0 || q->text.n > TURN_QUESTION_MAX_BYTES) {
        return ctx_fail_field(c, E_INVALID, "text", "a question has 1 to %d bytes",
                              TURN_QUESTION_MAX_BYTES);
    }
    const struct json *input =
        json_object(a, {"agent_id", json_new_str(a, id_str(&row.id))},
                    {"agent_version", json_new_int(a, row.active_version)},
                    {"text", json_new_str(a, q->text)}, {"facts", q->context});
    struct run_spec spec = {
        .graph = c->at->turns->loop,
        .thread = str_fmt(a, "ask:%s", row.id.text),
        .input = input,
        .version = str_fmt(a, "%s v%lld", row.id.text, (long long)row.active_version),
    };
    struct turn_drive d;
    struct run_watch w;
    begin_drive(c, watch, &d, &w);
    struct run_driver driver = {&w, &d};
    return run_start(c, c->at->turns->runs, &spec, &driver, out_run);
}

enum err turn_continue(struct ctx *c, const struct id *run, const struct turn_watch *watch,
                       struct run *out_run)
{
    struct turn_drive d;
    struct run_watch w;
    begin_drive(c, watch, &d, &w);
    d.tools.read_only = true;
    struct run_driver driver = {&w, &d};
    return run_drive(c, c->at->turns->runs, run, &driver, out_run);
}
