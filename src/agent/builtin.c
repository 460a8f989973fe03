#include "agent/builtin.h"

#include "agent/builtin_form.h"
#include "agent/tool.h"
#include "agent/turn_reply.h"
#include "codec/template.h"

static const double ANSWER_MATCH_MIN = 0.30; /* a passage is worth answering from */
static const double UNSURE_MATCH_MIN = 0.45; /* ... when the question is of no known kind */

void builtin_say(struct builtin_talk *t, const char *kind, bool helped, struct str text)
{
    t->text = text;
    t->kind = kind;
    t->helped = helped;
}

static struct str render(struct builtin_talk *t, struct str source)
{
    struct str text = {0};
    struct json_fault fault = {0};
    if (template_text(t->a, source, t->side->view, &text, &fault) != E_OK) {
        return STR("");
    }
    return str_trim(text);
}

/* ---- after tools --------------------------------------------------------- */

/* Whoever is asked "shall I get a colleague?" may answer with a plain yes or no. */
static void note_offer(struct builtin_talk *t)
{
    t->dialogue = json_with(t->a, t->dialogue, STR("offer"), json_new_bool(true));
}

/* The newest message of this turn is a tool's: put its outcome into words. */
static bool answer_outcomes(struct builtin_talk *t)
{
    const struct json *calls = t->side->calls;
    size_t n = json_count(calls), first = n;
    while (first > 0 && str_eqz(json_str(json_at(calls, first - 1), "role", STR("")), "tool")) {
        first--;
    }
    if (first == n) {
        return false;
    }
    struct buf b = buf_make(16 << 10);
    bool helped = true;
    for (size_t i = 0; i < first; i++) { /* what was said beside earlier calls of this turn */
        struct str said = json_str(json_at(calls, i), "text", STR(""));
        buf_addf(&b, "%s%.*s", b.n && said.n ? "\n\n" : "", STR_ARG(said));
    }
    for (size_t i = first; i < n; i++) {
        const struct json *m = json_at(calls, i);
        struct str answer = json_str(m, "answer", STR(""));
        struct str status = json_str(m, "status", STR(""));
        if (!answer.n && str_eqz(status, "done")) {
            answer = builtin_passages_answer(t, json_get(json_get(m, "result"), "passages"));
        }
        if (!answer.n) {
            answer = str_eqz(status, "done")
                         ? STR("Done.")
                         : STR("I could not get that right now: the system it lives in did not "
                               "answer. Shall I ask a colleague to look at it?");
            helped = str_eqz(status, "done");
            if (!helped) {
                note_offer(t);
            }
        }
        buf_addf(&b, "%s%.*s", b.n ? "\n\n" : "", STR_ARG(answer));
    }
    builtin_say(t, "answer", helped, str_dup(t->a, buf_str(&b)));
    buf_free(&b);
    return true;
}

/* ---- passages ------------------------------------------------------------ */

struct str builtin_passages_answer(struct builtin_talk *t, const struct json *passages)
{
    const struct json *best = json_at(passages, 0);
    if (!best) {
        return STR("");
    }
    struct str text = str_trim(json_str(best, "quote", STR("")));
    struct str title = json_str(best, "title", STR(""));
    const struct json *second = json_at(passages, 1);
    double near = json_real(best, "score", 0) * 0.8;
    if (second && json_real(second, "score", 0) >= near) {
        return str_fmt(t->a, "From **%.*s**: %.*s [%lld]\n\nAlso worth a look: %.*s [%lld]",
                       STR_ARG(title), STR_ARG(text), (long long)json_int(best, "n", 1),
                       STR_ARG(json_str(second, "title", STR(""))),
                       (long long)json_int(second, "n", 2));
    }
    return str_fmt(t->a, "From **%.*s**: %.*s [%lld]", STR_ARG(title), STR_ARG(text),
                   (long long)json_int(best, "n", 1));
}

static bool answer_from_passages(struct builtin_talk *t, double match_min)
{
    const struct json *passages = t->side->passages;
    if (json_real(json_at(passages, 0), "score", 0) < match_min) {
        return false;
    }
    struct str text = builtin_passages_answer(t, passages);
    if (!text.n) {
        return false;
    }
    builtin_say(t, "answer", true, text);
    return true;
}

/* ---- choosing ------------------------------------------------------------ */

static void clarify(struct builtin_talk *t)
{
    const struct config *cfg = t->side->agent->config;
    struct buf b = buf_make(2048);
    buf_addf(&b, "I'm not sure I understood that. Could you say it in other words?");
    size_t n = json_count(cfg->suggestions);
    for (size_t i = 0; i < n && i < 4; i++) {
        buf_addf(&b, "%s- %.*s", i ? "\n" : "\n\nFor example:\n",
                 STR_ARG(json_text(json_at(cfg->suggestions, i), STR(""))));
    }
    builtin_say(t, "clarify", false, str_dup(t->a, buf_str(&b)));
    buf_free(&b);
}

/* A yes to "shall I ask a colleague?" or "is there a person?" without a tool for it. */
static bool hand_over(struct builtin_talk *t)
{
    const struct config *cfg = t->side->agent->config;
    for (int i = 0; i < cfg->tool_count; i++) {
        const struct config_tool *tool = &cfg->tools[i];
        if (tool->run == CONFIG_RUN_BUILTIN && str_eqz(tool->op, "request_handover")) {
            builtin_call(t, tool, &json_empty_object);
            return true;
        }
    }
    return false;
}

/* A colleague was offered, and the contact says yes or no to that and nothing else. */
static bool answer_offer(struct builtin_talk *t)
{
    bool offered = json_bool(t->dialogue, "offer", false);
    t->dialogue = json_with(t->a, t->dialogue, STR("offer"), NULL);
    if (!offered || json_bool(t->dialogue, "besides", false)) {
        return false;
    }
    struct turn_reply reply = turn_reply_of(t->a, &t->side->text, 1);
    if (reply.rest.n) {
        return false;
    }
    if (str_eqz(str_of(reply.name), "deny")) {
        t->declined = true;
        builtin_say(t, "answer", true,
                    STR("All right, then not. Is there anything else I can do for you?"));
        return true;
    }
    return str_eqz(str_of(reply.name), "confirm") && hand_over(t);
}

static void answer_intent(struct builtin_talk *t, const struct config_intent *intent)
{
    const struct config *cfg = t->side->agent->config;
    const struct config_tool *tool = intent->tool.n ? config_tool_find(cfg, intent->tool) : NULL;
    bool search = tool && tool->run == CONFIG_RUN_BUILTIN && str_eqz(tool->op, "search_knowledge");
    if (tool && tool->implemented && !search) {
        builtin_form_start(t, tool);
        return;
    }
    if (intent->answer.n) {
        builtin_say(t, "answer", true, render(t, intent->answer));
        if (t->text.n) {
            return;
        }
    }
    if (!answer_from_passages(t, ANSWER_MATCH_MIN)) {
        clarify(t);
    }
}

static void answer_pending_reply(struct builtin_talk *t, struct str reply)
{
    if (str_eqz(reply, "deny")) {
        builtin_say(t, "answer", true,
                    STR("All right, I have left everything as it is. Is there anything else?"));
    } else if (str_eqz(reply, "later")) {
        builtin_say(t, "answer", true,
                    STR("No hurry. Nothing has been changed; just write when you "
                        "would like to go on."));
    }
}

static bool is_unclear_pending(const struct builtin_talk *t)
{
    return json_get(t->side->dialogue, "pending") != NULL;
}

/* A question was asked ("Shall I cancel it?") and got neither yes nor no: a new subject drops it,
 * anything else asks again. */
static bool repeat_pending(struct builtin_talk *t, const struct config_intent *intent)
{
    const struct json *pending = json_get(t->side->dialogue, "pending");
    const struct config_tool *tool =
        config_tool_find(t->side->agent->config, json_str(pending, "tool", STR("")));
    bool other = intent && (!intent->tool.n || !tool || !str_eq(intent->tool, tool->name));
    bool asked_twice = json_bool(pending, "repeated", false);
    if (!tool || other || asked_twice) {
        t->dialogue = json_with(t->a, t->dialogue, STR("pending"), NULL);
        return false;
    }
    const struct json *view = t->side->view, *arguments = json_get(pending, "arguments");
    view = json_merge(t->a, view, arguments);
    struct str question = {0};
    struct json_fault fault = {0};
    if (template_text(t->a, tool->confirm, view, &question, &fault) != E_OK || !question.n) {
        question = STR("Shall I go ahead?");
    }
    t->dialogue = json_with(t->a, t->dialogue, STR("pending"),
                            json_with(t->a, pending, STR("repeated"), json_new_bool(true)));
    builtin_say(t, "confirm", true,
                str_fmt(t->a, "Just to be sure, please answer yes or no. %.*s",
                        STR_ARG(str_trim(question))));
    return true;
}

static void answer_question(struct builtin_talk *t)
{
    const struct builtin_side *side = t->side;
    bool abstain = json_bool(side->intent, "abstain", true);
    const struct config_intent *intent =
        abstain ? NULL
                : config_intent_find(side->agent->config, json_str(side->intent, "name", STR("")));
    if (is_unclear_pending(t) && repeat_pending(t, intent)) {
        return;
    }
    if (builtin_form_continue(t, intent)) {
        return;
    }
    if (intent) {
        answer_intent(t, intent);
    } else if (!answer_from_passages(t, UNSURE_MATCH_MIN)) {
        bool again = json_int(side->facts, "failed_attempts", 0) >= 2;
        if (!again || !hand_over(t)) {
            clarify(t);
        }
    }
}

/* "yes, and how long does it take?": what came of the yes is said first, then the question is
 * answered. When that takes a tool, the first part waits beside the call. */
static void answer_besides(struct builtin_talk *t)
{
    struct str first = t->text;
    t->dialogue = json_with(t->a, t->dialogue, STR("besides"), NULL);
    t->text = STR("");
    answer_question(t);
    if (first.n) {
        t->text =
            t->text.n ? str_fmt(t->a, "%.*s\n\n%.*s", STR_ARG(first), STR_ARG(t->text)) : first;
    }
}

static void decide(struct builtin_talk *t)
{
    bool besides = json_bool(t->dialogue, "besides", false);
    struct str reply = json_str(t->side->dialogue, "reply", STR(""));
    if (!answer_outcomes(t) && !answer_offer(t)) {
        answer_pending_reply(t, reply);
        besides = besides || !t->text.n;
    }
    if (besides) {
        answer_besides(t);
    }
}

void builtin_call(struct builtin_talk *t, const struct config_tool *tool,
                  const struct json *arguments)
{
    t->call = (struct chat_call){
        .id = str_fmt(t->a, "call-%zu", json_count(t->side->calls) + 1),
        .name = tool->name,
        .arguments = arguments,
        .arguments_text = json_write(t->a, arguments),
    };
    t->calls = true;
}

/* A question put to a copilot has no turn around it: guess here what the turn's nodes found there.
 */
static const struct json *own_intent(struct arena *a, const struct builtin_side *side)
{
    struct classify_result r = {.abstain = true};
    if (side->agent->classifier) {
        classify_text(side->agent->classifier, side->text, &r);
    }
    return json_object(a, {"name", json_new_str(a, r.count ? r.best[0].label : STR(""))},
                       {"confidence", json_new_real(a, r.count ? r.best[0].confidence : 0)},
                       {"abstain", json_new_bool(r.abstain)});
}

/* Words and what follows them, as a stream gives them. */
static enum err stream_text(struct ctx *c, const struct chat_stream *stream, struct str text,
                            bool *out_handed)
{
    size_t from = 0;
    for (size_t i = 1; i <= text.n && stream && stream->on_text; i++) {
        if (i == text.n || (text.p[i - 1] == ' ' && i - from >= 24)) {
            TRY(stream->on_text(c, str_sub(text, from, i - from), stream->arg));
            *out_handed = true;
            from = i;
        }
    }
    return E_OK;
}

/* What was changed for the contact in a turn whose answer they never got is told first. */
static void tell_carried(struct builtin_talk *t)
{
    struct buf b = buf_make(16 << 10);
    for (size_t i = 0; i < json_count(t->side->carried); i++) {
        const struct json *m = json_at(t->side->carried, i);
        const struct config_tool *tool =
            config_tool_find(t->side->agent->config, json_str(m, "name", STR("")));
        struct str answer = json_str(m, "answer", STR(""));
        if (tool && tool->side_effects && answer.n &&
            str_eqz(json_str(m, "status", STR("")), "done")) {
            buf_addf(&b, "%.*s\n\n", STR_ARG(answer));
        }
    }
    if (b.n && !b.overflow) {
        t->text = str_fmt(t->a, "%.*s%.*s", STR_ARG(buf_str(&b)), STR_ARG(t->text));
    }
    buf_free(&b);
}

static enum err builtin_send(struct ctx *c, const struct provider_call *call, void *arg,
                             struct provider_answer *answer)
{
    (void)arg;
    if (!call->request->side) {
        return ctx_fail(c, E_INVALID, "the built-in engine answers for agents only");
    }
    struct builtin_side side = *(const struct builtin_side *)call->request->side;
    if (!json_is(side.intent, JSON_OBJECT)) {
        side.intent = own_intent(c->arena, &side);
    }
    if (!side.dialogue) {
        side.dialogue = &json_empty_object;
    }
    struct builtin_talk t = {.a = c->arena,
                             .side = &side,
                             .dialogue = side.dialogue,
                             .now_ms = ctx_now_ms(c),
                             .kind = "answer",
                             .helped = true};
    decide(&t);
    if (!t.calls && side.suggest_handoff && !t.declined && t.text.n) {
        note_offer(&t);
        t.text = str_fmt(c->arena, "%.*s\n\nWould you like me to hand you over to a colleague?",
                         STR_ARG(t.text));
    }
    if (!t.calls) {
        tell_carried(&t);
    }
    t.dialogue = json_with(c->arena, t.dialogue, STR("reply"), NULL);
    t.dialogue = json_with(c->arena, t.dialogue, STR("besides"), NULL);
    answer->side = json_object(c->arena, {"dialogue", t.dialogue},
                               {"kind", json_new_str(c->arena, str_of(t.kind))},
                               {"helped", json_new_bool(t.helped)});
    answer->text = t.text;
    answer->stop = t.calls ? CHAT_STOP_TOOLS : CHAT_STOP_END;
    if (t.calls) {
        answer->calls = arena_memdup(c->arena, &t.call, sizeof(t.call));
        answer->call_count = 1;
        return E_OK;
    }
    return stream_text(c, call->request->stream, t.text, &answer->handed_out);
}

const struct provider provider_builtin = {BUILTIN_NAME, builtin_send};
