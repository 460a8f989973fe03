#include "agent/guard.h"
#include "agent/turn_nodes.h"
#include "agent/turn_reply.h"
#include "codec/text.h"
#include "find/search.h"
#include "nlu/language.h"
#include "nlu/sentiment.h"
#include "nlu/urgency.h"

enum { PASSAGES_MAX = 5, PASSAGE_TEXT_MAX_BYTES = 3000 };

static const double PASSAGE_MATCH_MIN = 0.12;

/* The messages nobody has answered yet: a burst is one question. */
struct burst {
    struct str messages[TURN_REPLY_MESSAGES_MAX];
    int count;
    struct str text;  /* all of it */
    struct str about; /* without what only replies to an earlier question */
    bool besides;     /* ... and it is something else than that reply */
};

static void read_burst(struct ctx *c, const struct turn_drive *d, struct burst *out)
{
    struct buf b = buf_make(64 << 10);
    for (int i = 0; i < d->history.count; i++) {
        const struct message *m = &d->history.items[i];
        if (str_eqz(m->role, "contact") && m->seq > d->conversation.answered_seq &&
            out->count < TURN_REPLY_MESSAGES_MAX) {
            buf_addf(&b, "%s%.*s", b.n ? "\n" : "", STR_ARG(m->text));
            out->messages[out->count++] = m->text;
        }
    }
    out->text = out->about = str_dup(c->arena, buf_str(&b));
    buf_free(&b);
}

static const struct json *guess_intent(struct arena *a, const struct turn_drive *d, struct str text)
{
    struct classify_result r = {.abstain = true};
    if (d->agent->classifier) {
        classify_text(d->agent->classifier, text, &r);
    }
    const struct json *best = &json_empty_array;
    for (int i = 0; i < r.count; i++) {
        best = json_push(a, best,
                         json_object(a, {"name", json_new_str(a, r.best[i].label)},
                                     {"confidence", json_new_real(a, r.best[i].confidence)}));
    }
    struct str name = r.count ? r.best[0].label : STR("unknown");
    return json_object(a, {"name", json_new_str(a, r.abstain ? STR("unknown") : name)},
                       {"confidence", json_new_real(a, r.count ? r.best[0].confidence : 0)},
                       {"scope", json_new_real(a, r.scope)}, {"abstain", json_new_bool(r.abstain)},
                       {"best", best});
}

/* "hello", "one more thing", "where is my order?": the newest of a burst that asks for something
 * says what it is about; without one, all of it together. */
static const struct json *guess_burst(struct arena *a, const struct turn_drive *d,
                                      const struct burst *burst)
{
    if (burst->besides) {
        return guess_intent(a, d, burst->about);
    }
    for (int i = d->history.count - 1; i >= 0; i--) {
        const struct message *m = &d->history.items[i];
        if (!str_eqz(m->role, "contact") || m->seq <= d->conversation.answered_seq) {
            continue;
        }
        const struct json *one = guess_intent(a, d, m->text);
        const struct config_intent *intent =
            config_intent_find(d->agent->config, json_str(one, "name", STR("")));
        if (intent && (intent->tool.n || intent->knowledge)) {
            return one;
        }
    }
    return guess_intent(a, d, burst->about);
}

static const struct json *facts_of(struct ctx *c, const struct turn_drive *d, struct str text,
                                   const struct json *intent)
{
    struct arena *a = c->arena;
    struct urgency u = urgency_of(text);
    struct language language = language_of(text);
    int turns = 0;
    for (int i = 0; i < d->history.count; i++) {
        turns += str_eqz(d->history.items[i].role, "contact");
    }
    /* an answer to the agent's own question is understood whatever the classifier thinks of it */
    const struct json *dialogue = d->conversation.dialogue;
    bool expected = json_get(dialogue, "form") || json_get(dialogue, "pending");
    double confidence = expected ? 1 : json_real(intent, "confidence", 0);
    struct str tier = json_str(d->tools.account.data, "plan", STR(""));
    const struct json *hits = &json_empty_array;
    for (int i = 0; i < u.hit_count; i++) {
        hits = json_push(a, hits, json_new_str(a, str_dup(a, u.hits[i])));
    }
    return json_object(a, {"sentiment_score", json_new_real(a, u.sentiment)},
                       {"sentiment_01", json_new_real(a, (u.sentiment + 1) / 2)},
                       {"ai_confidence", json_new_real(a, confidence)},
                       {"turn_count", json_new_int(a, turns)}, {"intent", json_get(intent, "name")},
                       {"user_requests_human", json_new_bool(u.wants_person)},
                       {"emergency_keywords", json_new_bool(u.emergency)},
                       {"urgent", json_new_bool(u.urgent)}, {"urgency_words", hits},
                       {"customer_tier", json_new_str(a, tier)},
                       {"failed_attempts", json_new_int(a, d->conversation.failed_attempts)},
                       {"language", json_new_str(a, str_dup(a, str_of(language.code)))},
                       {"injection", json_new_bool(guard_is_injection(text))});
}

/* Whether all of the burst was written after the agent's question: a yes that was on its way before
 * is no answer to it. */
static bool is_after_question(const struct turn_drive *d)
{
    int64_t question = 0, first = INT64_MAX;
    for (int i = 0; i < d->history.count; i++) {
        const struct message *m = &d->history.items[i];
        if (str_eqz(m->role, "ai")) {
            question = m->seq;
        } else if (str_eqz(m->role, "contact") && m->seq > d->conversation.answered_seq) {
            first = m->seq < first ? m->seq : first;
        }
    }
    return first > question;
}

/* What is said besides a yes or no counts when it is a question or asks for something else than
 * what was just approved. */
static bool is_besides(struct arena *a, const struct turn_drive *d, const struct json *pending,
                       const struct turn_reply *reply)
{
    if (!reply->rest.n || reply->asks) {
        return reply->rest.n > 0;
    }
    const struct config_intent *intent = config_intent_find(
        d->agent->config, json_str(guess_intent(a, d, reply->rest), "name", STR("")));
    bool same = intent && str_eq(intent->tool, json_str(pending, "tool", STR("")));
    return intent && (intent->tool.n || intent->knowledge) && !same;
}

/* The reply to what was asked before, and what the burst is about. */
static const char *read_reply(struct arena *a, const struct turn_drive *d, struct burst *burst)
{
    const struct json *dialogue = d->conversation.dialogue;
    const struct json *pending = json_get(dialogue, "pending");
    if (json_is_null(pending)) {
        if (!json_get(dialogue, "form")) {
            burst->about = turn_reply_subject(a, burst->messages, burst->count);
        }
        return "unclear";
    }
    if (!is_after_question(d)) {
        return "unclear";
    }
    struct turn_reply reply = turn_reply_of(a, burst->messages, burst->count);
    burst->besides = is_besides(a, d, pending, &reply);
    burst->about = burst->besides ? reply.rest : burst->about;
    return reply.name;
}

/* A yes to "Shall I cancel order BW-10421?" is the approval of exactly that call. */
static void answer_pending(struct ctx *c, struct step *step, const struct json *dialogue,
                           const char *reply)
{
    struct arena *a = c->arena;
    const struct json *pending = json_get(dialogue, "pending");
    if (json_is_null(pending)) {
        step_put(step, "dialogue", dialogue);
        return;
    }
    dialogue = json_with(a, dialogue, STR("reply"), json_new_str(a, str_of(reply)));
    if (str_eqz(str_of(reply), "confirm")) {
        struct str id = str_fmt(a, "approved-%d", step_seq(step));
        const struct json *call = json_object(
            a, {"id", json_new_str(a, id)}, {"name", json_get(pending, "tool")},
            {"arguments", json_get(pending, "arguments")}, {"approved", json_new_bool(true)});
        const struct json *message = json_object(a, {"role", json_new_str(a, STR("assistant"))},
                                                 {"text", json_new_str(a, STR(""))},
                                                 {"calls", json_push(a, &json_empty_array, call)});
        step_put(step, "calls", json_push(a, &json_empty_array, message));
        step_put(step, "approved", json_new_bool(true));
    }
    if (!str_eqz(str_of(reply), "unclear")) {
        dialogue = json_with(a, dialogue, STR("pending"), NULL);
    }
    step_put(step, "dialogue", dialogue);
}

enum graph_verdict turn_classify(struct ctx *c, struct step *step)
{
    struct turn_drive *d;
    if (scene_load(c, step, &d) != E_OK) {
        return GRAPH_FAIL;
    }
    struct arena *a = c->arena;
    struct burst *burst = ARENA_NEW(a, struct burst);
    read_burst(c, d, burst);
    const char *reply = read_reply(a, d, burst);
    struct str text = guard_input(a, burst->about);
    const struct json *intent = guess_burst(a, d, burst);
    const struct json *facts = facts_of(c, d, burst->text, intent);
    const struct json *dialogue =
        d->conversation.dialogue ? d->conversation.dialogue : &json_empty_object;
    /* tool calls of turns that were superseded: done is done, the model must know */
    const struct json *carry = json_get(dialogue, "carry");
    if (json_is(carry, JSON_ARRAY)) {
        step_put(step, "carried", carry);
        dialogue = json_with(a, dialogue, STR("carry"), NULL);
    }
    dialogue = json_with(a, dialogue, STR("reply"), NULL);
    dialogue = json_with(a, dialogue, STR("besides"), burst->besides ? json_new_bool(true) : NULL);
    step_put(step, "text", json_new_str(a, text));
    step_put(step, "intent", intent);
    step_put(step, "facts", facts);
    answer_pending(c, step, dialogue, reply);
    step_summary(step, json_object(a, {"text", json_new_str(a, guard_input(a, burst->text))}),
                 json_object(a, {"intent", json_get(intent, "name")},
                             {"confidence", json_get(intent, "confidence")}));
    return GRAPH_NEXT;
}

static const struct json *passage_json(struct arena *a, const struct search_hit *h, int n)
{
    return json_object(
        a, {"n", json_new_int(a, n)}, {"document_id", json_new_str(a, id_str(&h->document))},
        {"title", json_new_str(a, h->title)}, {"url", json_new_str(a, h->source_url)},
        {"heading", json_new_str(a, h->heading)},
        {"text", json_new_str(a, text_cut_bytes(h->text, PASSAGE_TEXT_MAX_BYTES))},
        {"quote", json_new_str(a, h->quote)}, {"start", json_new_int(a, (int64_t)h->quote_start)},
        {"end", json_new_int(a, (int64_t)h->quote_end)}, {"score", json_new_real(a, h->match)});
}

static enum err find_passages(struct ctx *c, const struct turn_drive *d, struct str text,
                              const struct json **out)
{
    const struct json *list = d->agent->config->namespaces;
    struct str names[SEARCH_NAMESPACES_MAX];
    size_t n = json_count(list) < SEARCH_NAMESPACES_MAX ? json_count(list) : SEARCH_NAMESPACES_MAX;
    for (size_t i = 0; i < n; i++) {
        names[i] = json_text(json_at(list, i), STR("default"));
    }
    *out = &json_empty_array;
    if (n == 0 || str_trim(text).n == 0) {
        return E_OK;
    }
    struct search_query q = {.text = text,
                             .namespaces = names,
                             .namespace_count = n,
                             .k = PASSAGES_MAX,
                             .per_document = true,
                             .by_answer = true,
                             .match_min = PASSAGE_MATCH_MIN};
    struct search_result found;
    TRY(search_query(c, &q, &found));
    for (size_t i = 0; i < found.count; i++) {
        *out = json_push(c->arena, *out, passage_json(c->arena, &found.hits[i], (int)i + 1));
    }
    return E_OK;
}

enum graph_verdict turn_context(struct ctx *c, struct step *step)
{
    struct turn_drive *d;
    const struct json *passages;
    if (scene_load(c, step, &d) != E_OK ||
        find_passages(c, d, scene_text(step), &passages) != E_OK) {
        return GRAPH_FAIL;
    }
    step_put(step, "passages", passages); /* what the run's view shows, too */
    step_summary(step, NULL,
                 json_object(c->arena,
                             {"passages", json_new_int(c->arena, (int64_t)json_count(passages))},
                             {"history", json_new_int(c->arena, d->history.count)}));
    return GRAPH_NEXT;
}

const struct json *turn_escalation_of(struct arena *a, const char *reason, struct str priority,
                                      const struct json *skills)
{
    return json_object(a, {"reason", json_new_str(a, str_of(reason))},
                       {"priority", json_new_str(a, priority.n ? priority : STR("normal"))},
                       {"skills", skills ? skills : &json_empty_array});
}

struct str turn_handover_text(const struct turn_drive *d)
{
    struct str action = d->agent->config->unavailable_action;
    if (str_eqz(action, "email")) {
        return STR("I'm handing this to a colleague, with everything you have told me so far. If "
                   "nobody is free right now, we will answer you by e-mail.");
    }
    return STR("I'm handing this to a colleague, with everything you have told me so far, so you "
               "won't have to explain it again. They will answer you right here.");
}

static const char *reason_of(const struct config_rule *rule, const struct json *facts)
{
    if (json_bool(facts, "user_requests_human", false) &&
        str_find(rule->source, STR("user_requests_human")) >= 0) {
        return "user_requested";
    }
    if (str_find(rule->source, STR("ai_confidence")) >= 0) {
        return "low_confidence";
    }
    if (str_find(rule->source, STR("sentiment_score")) >= 0) {
        return "negative_sentiment";
    }
    return "rule_based";
}

static const struct config_rule *first_rule(struct ctx *c, struct step *step,
                                            const struct config *cfg, const struct json *facts)
{
    const struct config_rule *suggested = NULL;
    for (int i = 0; i < cfg->rule_count; i++) {
        bool holds = false;
        struct str why = {0};
        if (config_rule_holds(&cfg->rules[i], c->arena, facts, &holds, &why) != E_OK) {
            /* a rule that breaks on these facts must not stop the answer; the trace shows it */
            step_trace(c, step, "rule_failed",
                       json_object(c->arena, {"rule", json_new_int(c->arena, i)},
                                   {"why", json_new_str(c->arena, why)}));
            continue;
        }
        if (holds && cfg->rules[i].kind == CONFIG_HANDOFF) {
            return &cfg->rules[i];
        }
        suggested = holds && !suggested ? &cfg->rules[i] : suggested;
    }
    return suggested;
}

enum graph_verdict turn_escalation(struct ctx *c, struct step *step)
{
    struct turn_drive *d;
    if (scene_load(c, step, &d) != E_OK) {
        return GRAPH_FAIL;
    }
    struct arena *a = c->arena;
    const struct json *facts = step_get(step, "facts");
    const struct config_rule *rule = first_rule(c, step, d->agent->config, facts);
    if (!rule) {
        return GRAPH_NEXT;
    }
    const char *reason = reason_of(rule, facts);
    const struct json *why = json_object(a, {"rule", json_new_str(a, rule->source)},
                                         {"action", json_new_str(a, rule->action)},
                                         {"reason", json_new_str(a, str_of(reason))});
    step_summary(step, facts, why);
    if (rule->kind == CONFIG_SUGGEST) {
        step_put(step, "suggest_handoff", json_new_bool(true));
        return GRAPH_NEXT;
    }
    step_put(step, "escalation", turn_escalation_of(a, reason, rule->priority, rule->skills));
    step_put(step, "answer",
             json_object(a, {"text", json_new_str(a, turn_handover_text(d))},
                         {"kind", json_new_str(a, STR("handover"))}));
    return GRAPH_NEXT;
}
