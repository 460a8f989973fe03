#include <ctype.h>

#include "agent/guard.h"
#include "agent/recall.h"
#include "agent/turn_nodes.h"

enum { CITATIONS_MAX = 8, SOURCES_MAX = 512 };

/* ---- checking ------------------------------------------------------------ */

static int add_results(const struct json **values, int v, const struct json *calls)
{
    for (size_t i = 0; i < json_count(calls) && v + 2 < SOURCES_MAX; i++) {
        values[v++] = json_at(calls, i);
        const struct json *result = json_get(json_at(calls, i), "result");
        values[v++] = result ? result : &json_null_value;
    }
    return v;
}

static void collect_sources(struct ctx *c, struct step *step, const struct turn_drive *d,
                            struct guard_sources *out)
{
    struct arena *a = c->arena;
    struct str *texts = ARENA_ARRAY(a, struct str, SOURCES_MAX);
    const struct json **values = ARENA_ARRAY(a, const struct json *, SOURCES_MAX);
    int t = 0, v = 0;
    texts[t++] = d->agent->config->yaml; /* fixed answers and questions are the org's own words */
    texts[t++] = scene_text(step);
    for (int i = 0; i < d->history.count && t < SOURCES_MAX; i++) {
        texts[t++] = d->history.items[i].text;
    }
    const struct json *passages = step_get(step, "passages");
    for (size_t i = 0; i < json_count(passages) && v < SOURCES_MAX; i++) {
        values[v++] = json_at(passages, i);
    }
    v = add_results(values, v, step_get(step, "calls"));
    v = add_results(values, v, step_get(step, "carried"));
    for (int i = d->history.count - 1; d->recalled && i >= 0; i--) {
        v = add_results(values, v, d->recalled[i]);
    }
    if (v + 2 < SOURCES_MAX) {
        values[v++] = d->tools.contact.data;
        values[v++] = d->tools.account.data;
    }
    *out =
        (struct guard_sources){d->agent->config->system_prompt, texts, t, values, v, ctx_now_ms(c)};
}

static struct str joined(struct arena *a, const struct guard_findings *f)
{
    struct buf b = buf_make(4096);
    for (int i = 0; i < f->count; i++) {
        buf_addf(&b, "%s%.*s", i ? "; " : "", STR_ARG(f->items[i]));
    }
    struct str text = str_dup(a, buf_str(&b));
    buf_free(&b);
    return text;
}

/* What earlier turns looked up is fetched only when an answer needs it as its source. */
static enum err check_answer(struct ctx *c, struct step *step, struct turn_drive *d,
                             struct guard_findings *out)
{
    struct guard_sources sources;
    struct str text = json_str(step_get(step, "answer"), "text", STR(""));
    collect_sources(c, step, d, &sources);
    guard_answer(c->arena, text, &sources, out);
    if (out->unsupported && !d->recalled) {
        TRY(recall_load(c, d));
        collect_sources(c, step, d, &sources);
        guard_answer(c->arena, text, &sources, out);
    }
    return E_OK;
}

enum graph_verdict turn_validate(struct ctx *c, struct step *step)
{
    struct turn_drive *d;
    if (scene_load(c, step, &d) != E_OK) {
        return GRAPH_FAIL;
    }
    struct guard_findings findings;
    if (check_answer(c, step, d, &findings) != E_OK) {
        return GRAPH_FAIL;
    }
    int noted = d->agent->config->facts_lenient ? findings.unsupported : 0;
    bool valid = findings.count == noted;
    step_put(step, "valid", json_new_bool(valid));
    if (findings.count && valid) {
        step_summary(
            step, NULL,
            json_object(c->arena, {"noted", json_new_str(c->arena, joined(c->arena, &findings))}));
    } else if (findings.count) {
        struct str problems = joined(c->arena, &findings);
        step_put(step, "problems", json_new_str(c->arena, problems));
        step_summary(step, NULL,
                     json_object(c->arena, {"problems", json_new_str(c->arena, problems)}));
        if (d->handed_out && d->watch && d->watch->on_retract) {
            d->watch->on_retract(c, &d->conversation_id, step_run(step), d->watch->arg);
            d->handed_out = false;
        }
    }
    return GRAPH_NEXT;
}

/* When nothing could be said that holds: say so, and bring in a person. */
enum graph_verdict turn_apologise(struct ctx *c, struct step *step)
{
    struct turn_drive *d;
    if (scene_load(c, step, &d) != E_OK) {
        return GRAPH_FAIL;
    }
    struct arena *a = c->arena;
    const struct json *failure = step_failure(step);
    const char *reason = failure ? "ai_unavailable" : "low_confidence";
    struct str text = STR("I'm sorry, I can't answer this properly right now. I have asked a "
                          "colleague to look at it; they will answer you here.");
    step_put(step, "escalation", turn_escalation_of(a, reason, STR("high"), NULL));
    step_put(step, "answer",
             json_object(a, {"text", json_new_str(a, text)},
                         {"kind", json_new_str(a, STR("handover"))}));
    step_put(step, "helped", json_new_bool(false));
    step_summary(step, failure, json_object(a, {"reason", json_new_str(a, str_of(reason))}));
    return GRAPH_NEXT;
}

/* ---- delivering ---------------------------------------------------------- */

static const struct json *passage_of(const struct json *passages, int64_t n)
{
    for (size_t i = 0; i < json_count(passages); i++) {
        if (json_int(json_at(passages, i), "n", 0) == n) {
            return json_at(passages, i);
        }
    }
    return NULL;
}

/* The passages that the text names as [n], once each. */
static const struct json *citations_of(struct arena *a, struct str text,
                                       const struct json *passages)
{
    const struct json *list = &json_empty_array;
    for (size_t i = 0; i + 2 < text.n && json_count(list) < CITATIONS_MAX; i++) {
        if (text.p[i] != '[' || !isdigit((unsigned char)text.p[i + 1]) || text.p[i + 2] != ']') {
            continue;
        }
        int64_t n = text.p[i + 1] - '0';
        const struct json *p = passage_of(passages, n);
        bool known = false;
        for (size_t j = 0; j < json_count(list); j++) {
            known = known || json_int(json_at(list, j), "n", 0) == n;
        }
        if (p && !known) {
            list = json_push(
                a, list,
                json_object(a, {"n", json_get(p, "n")}, {"document_id", json_get(p, "document_id")},
                            {"title", json_get(p, "title")}, {"url", json_get(p, "url")},
                            {"start", json_get(p, "start")}, {"end", json_get(p, "end")},
                            {"quote", json_get(p, "quote")}));
        }
    }
    return json_count(list) ? list : NULL;
}

static const struct json *tool_marks(struct arena *a, const struct json *calls)
{
    const struct json *list = &json_empty_array;
    for (size_t i = 0; i < json_count(calls); i++) {
        const struct json *m = json_at(calls, i);
        if (str_eqz(json_str(m, "role", STR("")), "tool")) {
            list = json_push(
                a, list,
                json_object(a, {"name", json_get(m, "name")}, {"status", json_get(m, "status")}));
        }
    }
    return json_count(list) ? list : NULL;
}

struct deliver {
    struct delivery delivery;
    struct message message;
    struct turn_drive *drive;
};

static enum err deliver_in(struct ctx *c, struct store *s, void *arg)
{
    struct deliver *d = arg;
    enum deliver_outcome outcome;
    struct message message = d->message; /* a retried transaction starts afresh */
    struct delivery delivery = d->delivery;
    delivery.message = &message;
    TRY(mailbox_deliver(c, s, &delivery, &outcome));
    d->drive->outcome = outcome;
    enum err e = d->drive->job ? job_finish(c, s, d->drive->job) : E_OK;
    if (e == E_CONFLICT) { /* its lease ran out: who has it now finds nothing to do */
        ctx_forgive(c);
        e = E_OK;
    }
    return e;
}

enum graph_verdict turn_deliver(struct ctx *c, struct step *step)
{
    struct turn_drive *drive;
    if (scene_load(c, step, &drive) != E_OK) {
        return GRAPH_FAIL;
    }
    struct arena *a = c->arena;
    const struct json *answer = step_get(step, "answer");
    struct str text = json_str(answer, "text", STR(""));
    const struct json *escalation = step_get(step, "escalation");
    struct deliver *d = ARENA_NEW(a, struct deliver);
    d->drive = drive;
    d->message = (struct message){
        .text = text,
        .citations = citations_of(a, text, step_get(step, "passages")),
        .meta = json_object(a, {"kind", json_get(answer, "kind")},
                            {"intent", json_get(step_get(step, "intent"), "name")},
                            {"tools", tool_marks(a, step_get(step, "calls"))}),
    };
    d->delivery = (struct delivery){
        .conversation = drive->conversation_id,
        .run = *step_run(step),
        .to_seq = json_int(step_state(step), "to_seq", 0),
        .dialogue = json_with(a, scene_dialogue(step), STR("reply"), NULL),
        .carry = turn_calls_done(a, step, NULL),
        .escalation = json_is_null(escalation) ? NULL : escalation,
        .sentiment = json_real(step_get(step, "facts"), "sentiment_score", 0),
        .helped = json_bool(step_state(step), "helped", true) && json_is_null(escalation),
    };
    if (!step_on_commit(step, deliver_in, d)) {
        return GRAPH_FAIL;
    }
    step_summary(step, NULL, answer);
    return GRAPH_NEXT;
}
