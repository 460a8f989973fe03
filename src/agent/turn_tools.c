/* The node `tools`: what the model asked for, one call after the other, each through the journal;
 * what needs a yes becomes a question instead. */
#include <string.h>

#include "agent/tool_mcp.h"
#include "agent/turn_nodes.h"
#include "base/log.h"
#include "bus/topic.h"

/* What a round of calls came to. */
struct round {
    struct step *step;
    struct turn_drive *drive;
    const struct json *messages; /* answers to the calls */
    const struct json *dialogue;
    struct str question; /* a confirmation to ask for instead of acting */
    bool handover;
    bool changed;      /* a tool with side effects was run */
    bool overtaken;    /* the answer would not be sent any more: nothing is changed for it */
    struct str failed; /* tool whose failure hands over */
};

/* A text is told as it is, without quotes and escapes. */
static struct str result_text(struct arena *a, const struct json *result)
{
    return json_is(result, JSON_STRING) ? result->string : json_write(a, result);
}

static void add_answer(struct arena *a, struct round *r, const struct json *call,
                       const struct tool_outcome *o)
{
    struct str content = o->status != TOOL_DONE ? o->text : result_text(a, o->result);
    const struct json *message = json_object(
        a, {"role", json_new_str(a, STR("tool"))}, {"call_id", json_get(call, "id")},
        {"name", json_get(call, "name")}, {"arguments", json_get(call, "arguments")},
        {"content", json_new_str(a, content)},
        {"is_error", json_new_bool(o->status == TOOL_INVALID || o->status == TOOL_FAILED)},
        {"status", json_new_str(a, str_of(tool_status_name(o->status)))},
        {"answer", json_new_str(a, o->answer)}, {"result", o->result});
    r->messages = json_push(a, r->messages, message);
}

/* A change is asked for first, unless this very call was approved. */
static bool needs_approval(const struct config_tool *tool, const struct json *call)
{
    return (tool->side_effects || tool->confirm.n) && !tool->unasked &&
           !json_bool(call, "approved", false);
}

static void ask_approval(struct ctx *c, struct round *r, const struct config_tool *tool,
                         const struct json *call)
{
    struct arena *a = c->arena;
    const struct json *arguments = json_get(call, "arguments");
    struct str question = tool_confirmation(c, &r->drive->tools, tool, arguments);
    r->question =
        question.n ? question : str_fmt(a, "Shall I go ahead? (%.*s)", STR_ARG(tool->description));
    r->dialogue =
        json_with(a, r->dialogue, STR("pending"),
                  json_object(a, {"tool", json_new_str(a, tool->name)}, {"arguments", arguments},
                              {"at", json_new_int(a, ctx_now_ms(c))}));
}

/* Values like order numbers are remembered, so that "cancel it" means the one just looked at. */
static void remember(struct arena *a, struct round *r, const struct config_tool *tool,
                     const struct json *arguments)
{
    const struct json *properties = json_get(tool->parameters, "properties");
    const struct json *known = json_get(r->dialogue, "known");
    known = known ? known : &json_empty_object;
    for (size_t i = 0; i < json_count(arguments); i++) {
        const struct json_member *m = &arguments->members[i];
        if (json_get(json_find(properties, m->name), "pattern")) {
            known = json_with(a, known, m->name, &m->value);
        }
    }
    r->dialogue = json_with(a, r->dialogue, STR("known"), known);
}

static const struct config_tool *tool_of(const struct round *r, const struct json *call,
                                         struct tool_outcome *out)
{
    struct str fault = json_str(call, "fault", STR(""));
    const struct config_tool *tool =
        config_tool_find(r->drive->agent->config, json_str(call, "name", STR("")));
    *out = (struct tool_outcome){.status = TOOL_INVALID};
    if (fault.n) {
        out->text = fault;
        return NULL;
    }
    if (!tool) {
        out->text = STR("there is no such tool");
    }
    return tool;
}

/* Runs it under a span of its own, which an HTTP tool passes on. */
static enum err run_measured(struct ctx *c, const struct round *r, const struct config_tool *tool,
                             const struct json *call, struct tool_outcome *out)
{
    static const char *const labels[] = {
        [TOOL_DONE] = "status=\"done\"",
        [TOOL_REFUSED] = "status=\"refused\"",
        [TOOL_INVALID] = "status=\"invalid\"",
        [TOOL_FAILED] = "status=\"failed\"",
    };
    char before[sizeof(c->span_id)], span[sizeof(c->span_id)];
    int64_t started_us = clock_steady_us();
    memcpy(before, c->span_id, sizeof(before));
    id_random_hex(span, 8);
    memcpy(c->span_id, span, sizeof(span));
    enum err e = tool_run(c, r->step, &r->drive->tools, tool, json_str(call, "id", STR("")),
                          json_get(call, "arguments"), out);
    memcpy(c->span_id, before, sizeof(before));
    enum tool_status status = e == E_OK ? out->status : TOOL_FAILED;
    struct turn_call told = {
        .is_tool = true,
        .name = tool->name,
        .status = tool_status_name(status),
        .started_us = started_us,
        .ended_us = clock_steady_us(),
        .span = span,
    };
    turn_count(c, "rapport_tool_calls_total", "Tool calls of agents, by outcome.", labels[status],
               1);
    log_at(c, LOG_INFO, "tool called", LOG_STR("tool", tool->name), LOG_Z("status", told.status),
           LOG_INT("ms", (told.ended_us - started_us) / 1000));
    turn_tell_call(c, r->drive, &told);
    return e;
}

static enum err emit_drift(struct ctx *c, struct store *s, void *arg)
{
    const struct json *payload = arg;
    return topic_emit(c, s, .topic = "config_events", .type = "mcp_tool_changed",
                      .key = json_str(payload, "config_id", STR("")), .payload = payload);
}

/* A server changed a tool behind the version's back: whoever keeps the agent should look. */
static void tell_drift(struct ctx *c, const struct round *r, const struct config_tool *tool,
                       const struct tool_outcome *o)
{
    if (!tool_mcp_is_drift(tool, o) || r->drive->tools.read_only) {
        return;
    }
    struct arena *a = c->arena;
    const struct json *p = json_object(
        a, {"config_id", json_new_str(a, id_str(&r->drive->agent->id))},
        {"version", json_new_int(a, r->drive->agent->version)},
        {"server", json_new_str(a, tool->mcp->name)}, {"tool", json_new_str(a, tool->mcp_tool)},
        {"change", json_new_str(a, o->call.err == E_GONE ? STR("removed") : STR("changed"))});
    step_on_commit(r->step, emit_drift, arena_memdup(a, p, sizeof(*p)));
    log_at(c, LOG_WARN, "a tool server changed a tool", LOG_STR("server", tool->mcp->name),
           LOG_STR("tool", tool->mcp_tool));
}

static enum err run_call(struct ctx *c, struct round *r, const struct json *call)
{
    struct arena *a = c->arena;
    const struct tool_scene *scene = &r->drive->tools;
    struct tool_outcome o;
    const struct config_tool *tool = tool_of(r, call, &o);
    const struct json *arguments = json_get(call, "arguments");
    if (tool && needs_approval(tool, call)) {
        size_t faults = tool_check_arguments(a, tool, arguments, &o.text);
        bool refused = false;
        if (!faults) {
            TRY(tool_refuses(c, scene, tool, arguments, &refused, &o.answer));
        }
        if (!faults && !refused) {
            ask_approval(c, r, tool, call);
            return E_OK;
        }
        o.status = faults ? TOOL_INVALID : TOOL_REFUSED;
        o.text = refused ? o.answer : o.text;
    } else if (tool) {
        r->drive->overtaken = false; /* an earlier try of the step may have ended so */
        TRY(run_measured(c, r, tool, call, &o));
        r->overtaken = r->drive->overtaken;
        r->changed =
            r->changed || (tool_changes(tool) && o.status != TOOL_INVALID && !r->overtaken);
        remember(a, r, tool, arguments);
        tell_drift(c, r, tool, &o);
    }
    r->handover = r->handover || o.handover;
    if (r->overtaken) {
        o.status = TOOL_REFUSED;
    } else if (tool && o.status == TOOL_FAILED && tool->fallback == CONFIG_ESCALATE) {
        r->failed = tool->name;
    }
    add_answer(a, r, call, &o);
    return E_OK;
}

static enum err emit_failed(struct ctx *c, struct store *s, void *arg)
{
    const struct json *payload = arg;
    return topic_emit(c, s, .topic = "conversation_events", .type = "tool_failed",
                      .key = json_str(payload, "conversation_id", STR("")), .payload = payload);
}

static void tell_failures(struct ctx *c, struct step *step, const struct round *r)
{
    struct arena *a = c->arena;
    for (size_t i = 0; i < json_count(r->messages); i++) {
        const struct json *m = json_at(r->messages, i);
        if (str_eqz(json_str(m, "status", STR("")), "failed")) {
            const struct json *p = json_object(
                a, {"conversation_id", json_new_str(a, id_str(&r->drive->conversation_id))},
                {"tool_name", json_get(m, "name")}, {"error_type", json_get(m, "content")});
            step_on_commit(step, emit_failed, arena_memdup(a, p, sizeof(*p)));
        }
    }
}

const struct json *turn_calls_done(struct arena *a, const struct step *step,
                                   const struct json *last)
{
    const struct json *lists[] = {step_get(step, "carried"), step_get(step, "calls"), last};
    const struct json *all = &json_empty_array;
    for (size_t k = 0; k < sizeof(lists) / sizeof(*lists); k++) {
        for (size_t i = 0; i < json_count(lists[k]); i++) {
            all = json_push(a, all, json_at(lists[k], i));
        }
    }
    return json_count(all) ? all : NULL;
}

struct kept_calls {
    struct id conversation;
    const struct json *calls;
};

static enum err keep_calls(struct ctx *c, struct store *s, void *arg)
{
    const struct kept_calls *k = arg;
    return mailbox_keep_calls(c, s, &k->conversation, k->calls);
}

/* With the checkpoint of the round: a yes counts once, also when the answer is never sent. */
static bool settle_round(struct ctx *c, struct step *step, const struct round *r)
{
    if (!r->changed || r->drive->tools.read_only || !id_is_set(&r->drive->conversation_id)) {
        return true;
    }
    struct kept_calls *k = ARENA_NEW(c->arena, struct kept_calls);
    *k = (struct kept_calls){r->drive->conversation_id,
                             turn_calls_done(c->arena, step, r->messages)};
    return step_on_commit(step, keep_calls, k);
}

/* The question, after what was said beside the call that it asks about. */
static struct str question_text(struct arena *a, const struct step *step, struct str question)
{
    const struct json *calls = step_get(step, "calls");
    const struct json *last = json_at(calls, json_count(calls) - (json_count(calls) > 0));
    struct str said = str_trim(json_str(last, "text", STR("")));
    return said.n ? str_fmt(a, "%.*s\n\n%.*s", STR_ARG(said), STR_ARG(question)) : question;
}

/* "Yes, and get me a person": what came of the yes, before who takes over. */
static struct str done_and_handover(struct arena *a, const struct round *r)
{
    const struct json *m = json_at(r->messages, 0);
    struct str said = str_trim(json_str(m, "answer", STR("")));
    bool done = str_eqz(json_str(m, "status", STR("")), "done");
    if (!said.n) {
        said = done ? STR("Done.") : STR("What you said yes to did not go through.");
    }
    return str_fmt(a, "%.*s\n\n%.*s", STR_ARG(said), STR_ARG(turn_handover_text(r->drive)));
}

static void put_round(struct ctx *c, struct step *step, const struct round *r)
{
    struct arena *a = c->arena;
    struct str question = question_text(a, step, r->question);
    step_put(step, "approved", &json_null_value);
    step_put(step, "calls", r->messages);
    step_put(step, "dialogue", r->dialogue);
    if (r->overtaken) { /* deliver withholds or supersedes it */
        step_put(step, "answer",
                 json_object(a, {"text", json_new_str(a, STR("(overtaken)"))},
                             {"kind", json_new_str(a, STR("overtaken"))}));
    } else if (!json_is_null(step_get(step, "escalation"))) {
        step_put(step, "answer",
                 json_object(a, {"text", json_new_str(a, done_and_handover(a, r))},
                             {"kind", json_new_str(a, STR("handover"))}));
    } else if (r->handover || r->failed.n) {
        step_put(step, "escalation",
                 turn_escalation_of(a, r->handover ? "user_requested" : "tool_failed",
                                    r->failed.n ? STR("high") : STR("normal"), NULL));
        step_put(step, "answer",
                 json_object(a, {"text", json_new_str(a, turn_handover_text(r->drive))},
                             {"kind", json_new_str(a, STR("handover"))}));
    } else if (r->question.n) {
        step_put(step, "answer",
                 json_object(a, {"text", json_new_str(a, question)},
                             {"kind", json_new_str(a, STR("confirm"))}));
        step_put(step, "helped", json_new_bool(true));
    }
}

enum graph_verdict turn_tools(struct ctx *c, struct step *step)
{
    struct turn_drive *d;
    if (scene_load(c, step, &d) != E_OK) {
        return GRAPH_FAIL;
    }
    const struct json *all = step_get(step, "calls");
    const struct json *calls = json_get(json_at(all, json_count(all) - 1), "calls");
    struct round r = {
        .step = step, .drive = d, .messages = &json_empty_array, .dialogue = scene_dialogue(step)};
    for (size_t i = 0; i < json_count(calls); i++) {
        const struct json *call = json_at(calls, i);
        if (r.overtaken) {
            break;
        }
        if (r.question.n) { /* one confirmation at a time; the model may ask again */
            struct tool_outcome o = {.status = TOOL_INVALID,
                                     .text = STR("not done: another change waits for a yes")};
            add_answer(c->arena, &r, call, &o);
        } else if (run_call(c, &r, call) != E_OK) {
            return GRAPH_FAIL;
        }
    }
    put_round(c, step, &r);
    if (!settle_round(c, step, &r)) {
        return GRAPH_FAIL;
    }
    if (!d->tools.read_only) {
        tell_failures(c, step, &r);
    }
    step_summary(step, calls, r.messages);
    return GRAPH_NEXT;
}
