#include "svc/success/success_ask.h"

#include <string.h>

#include "base/log.h"
#include "codec/date.h"
#include "codec/text.h"
#include "host/access.h"
#include "host/service.h"
#include "host/settings.h"
#include "svc/success/scope.h"
#include "svc/success/speech.h"
#include "svc/success/success_action.h"
#include "svc/success/success_compose.h"
#include "svc/success/success_direct.h"
#include "svc/success/success_email.h"
#include "svc/success/success_facts.h"
#include "svc/success/success_language.h"
#include "svc/success/success_model.h"
#include "svc/success/success_portfolio.h"
#include "svc/success/success_when.h"

enum { NAMES_MAX = 20, CANDIDATES_MAX = 20 };

/* Beside the results of the tools: the stamp of what they were made from. */
#define FACTS "facts"

/* A question under way. */
struct asking {
    const struct success_ask *q;
    struct id id;
    int64_t began_us, planned_us, ran_us;
    int64_t as_of_ms;                              /* 0: now */
    int64_t now_ms;                                /* or the moment it is asked about */
    const struct json *items, *others, *ambiguous; /* of account.match */
    const struct json *quotes;
    const struct json *params; /* of the question, with the languages that were found */
    struct success_language language;
    struct success_wish wish;
    struct success_plan plan;
    struct success_result results[SUCCESS_TOOLS_PER_ASK_MAX];
    struct success_known known;
    struct success_facts told; /* of the account; without an id: they could not be read */
    const struct json *notes;
    const struct json *candidates; /* whom it may be about, or NULL */
    bool speaks_of_today;          /* though it names a time that is over */
    struct str facts;              /* what was known of the account, as a stamp */
    struct str hint;
    struct success_model model; /* provider empty: none is asked */
};

/* ---- before -------------------------------------------------------------- */

enum err success_ask_check(struct ctx *c, const struct success_ask *q, const char *field)
{
    struct success_email_wish wish;
    struct str text = str_trim(q->text);
    if (!text.n) {
        return ctx_fail_field(c, E_INVALID, field, "%s must not be empty", field);
    }
    if (text_count(q->text) > SUCCESS_ASK_MAX_CHARS) {
        return ctx_fail_field(c, E_INVALID, field, "%s has at most %d characters", field,
                              SUCCESS_ASK_MAX_CHARS);
    }
    if (!str_is_utf8(text) || memchr(text.p, 0, text.n)) {
        return ctx_fail_field(c, E_INVALID, field, "%s is no UTF-8 text", field);
    }
    if (q->as_of_ms < 0) {
        return ctx_fail_field(c, E_INVALID, "as_of", "as_of must be a time since 1970");
    }
    if (q->as_of_ms > ctx_now_ms(c)) {
        return ctx_fail_field(c, E_INVALID, "as_of", "as_of must not lie in the future");
    }
    TRY(success_email_wish_read(c, q->params, "", &wish));
    bool limited = host_settings(c)->requests_per_minute > 0;
    if (c->roles & ROLE_GUEST) { /* anybody may have any number of tokens: they share these */
        TRY(call_count(c, STR("success.asks:guests:day"), limited ? SUCCESS_GUEST_ASKS_PER_DAY : 0,
                       BRIEF_GUEST_MS));
        return call_count(c, STR("success.asks:guests"), limited ? SUCCESS_ASKS_PER_MINUTE : 0,
                          60000);
    }
    struct str key = str_fmt(c->arena, "success.asks:%s", c->actor.text);
    return call_count(c, key, limited ? SUCCESS_ASKS_PER_MINUTE : 0, 60000);
}

static enum err match(struct ctx *c, struct asking *k)
{
    struct arena *a = c->arena;
    const struct json *answer;
    struct str selected = k->q->selected;
    const struct json *question =
        json_object(a, {"text", json_new_str(a, k->q->text)},
                    {"selected", selected.n ? json_new_str(a, selected) : NULL});
    enum err e = host_ask(c, "account.match", question, &answer);
    if (e == E_NOT_FOUND) {
        return ctx_name_field(c, "account_id");
    }
    TRY(e);
    k->items = json_get(answer, "items");
    k->others = json_get(answer, "other_names");
    k->ambiguous = json_get(answer, "ambiguous");
    k->quotes = &json_empty_array;
    for (size_t i = 0; i < json_count(k->items); i++) {
        const struct json *quote = json_get(json_at(k->items, i), "quote");
        k->quotes = json_is(quote, JSON_STRING) && json_text(quote, STR("")).n
                        ? json_push(a, k->quotes, quote)
                        : k->quotes;
    }
    return E_OK;
}

static bool names_any(const struct asking *k)
{
    return json_count(k->quotes) || json_count(k->ambiguous);
}

static struct scope_verdict judge(struct ctx *c, const struct asking *k)
{
    struct str names[NAMES_MAX];
    struct scope_question question = {
        .text = k->q->text,
        .names = names,
        /* "How healthy is it?": what it is about stands beside the question. */
        .selected = k->q->selected.n && json_count(k->items) == 1 && !names_any(k),
    };
    for (size_t i = 0; i < json_count(k->quotes) && i < NAMES_MAX; i++) {
        names[question.name_count++] = json_text(json_at(k->quotes, i), STR(""));
    }
    for (size_t i = 0; i < json_count(k->ambiguous) && question.name_count < NAMES_MAX; i++) {
        names[question.name_count++] = json_str(json_at(k->ambiguous, i), "quote", STR(""));
    }
    return scope_check(c, &question);
}

/* "How is Northwind doing?", where no account has that name: rather a slip than another topic. */
static bool asks_after_unknown(struct ctx *c, const struct asking *k, const char *reason)
{
    struct str name = json_text(json_at(k->others, 0), STR(""));
    const struct scope_question question = {k->q->text, &name, 1, false};
    return strcmp(reason, "not_the_job") == 0 && json_count(k->others) == 1 && !names_any(k) &&
           scope_asks_after(c->arena, &question);
}

/* ---- answers that need no tools ------------------------------------------ */

static struct success_final begin_final(const struct ctx *c, const struct asking *k,
                                        const char *scope, struct str summary)
{
    int64_t now_us = clock_steady_us();
    int64_t planned_us = k->planned_us ? k->planned_us : now_us;
    return (struct success_final){
        .id = k->id,
        .request_id = str_of(c->request_id),
        .question = k->q->text,
        .scope = scope,
        .language = k->language.answer,
        .task = success_task_name(k->wish.first),
        .plan_source = "builtin",
        .plan_hint = k->hint,
        .summary = summary,
        .notes = k->notes,
        .candidates = k->candidates,
        .as_of_ms = k->as_of_ms,
        .planning_us = planned_us - k->began_us,
        .tools_us = k->ran_us ? k->ran_us - planned_us : 0,
        .total_us = now_us - k->began_us,
        .created_at_ms = ctx_now_ms(c),
    };
}

static void tell_plan(struct ctx *c, const struct asking *k, const struct success_final *f,
                      const struct json *steps)
{
    struct arena *a = c->arena;
    const struct json *account = f->known ? json_object(a, {"id", json_new_str(a, f->known->id)},
                                                        {"slug", json_new_str(a, f->known->slug)},
                                                        {"name", json_new_str(a, f->known->name)})
                                          : &json_null_value;
    success_run_tell(
        c, k->q->sink, "plan",
        json_object(a, {"brief_id", json_new_str(a, id_str(&k->id))},
                    {"plan_source", json_new_str(a, str_of(f->plan_source))}, {"account", account},
                    {"task", json_new_str(a, str_of(f->task))},
                    {"plan_summary", json_new_str(a, f->plan ? f->plan->summary : STR(""))},
                    {"steps", steps}));
    success_run_tell(c, k->q->sink, "phase:complete",
                     json_object(a, {"phase", json_new_str(a, STR("planning"))},
                                 {"duration_ms", success_run_ms(a, f->planning_us)}));
}

/* What a second run has to know besides the question. */
static const struct json *params_of(struct arena *a, const struct asking *k)
{
    const struct json *params = k->q->params ? k->q->params : &json_empty_object;
    return k->as_of_ms ? json_with(a, params, STR("as_of_ms"), json_new_int(a, k->as_of_ms))
                       : params;
}

static struct brief brief_of(struct ctx *c, const struct asking *k, const struct success_final *f)
{
    return (struct brief){
        .id = k->id,
        .account = f->known ? f->known->id : STR(""),
        .slug = f->known ? f->known->slug : STR(""),
        .final = success_compose_final(c->arena, f),
        .params = params_of(c->arena, k),
        .created_at_ms = f->created_at_ms,
    };
}

static enum err say_only(struct ctx *c, struct asking *k, const char *scope, struct str summary,
                         struct brief *out)
{
    struct success_final f = begin_final(c, k, scope, summary);
    f.planning_us = f.total_us;
    tell_plan(c, k, &f, &json_empty_array);
    *out = brief_of(c, k, &f);
    return E_OK;
}

static enum err refuse(struct ctx *c, struct asking *k, const char *reason, struct brief *out)
{
    static const struct {
        const char *reason;
        enum speech text;
    } texts[] = {
        {"not_the_job", SPEECH_REFUSE_JOB}, {"orders_to_the_program", SPEECH_REFUSE_ORDERS},
        {"attack", SPEECH_REFUSE_ATTACK},   {"secrets", SPEECH_REFUSE_SECRETS},
        {"harm", SPEECH_REFUSE_ATTACK},     {"personal_data", SPEECH_REFUSE_PERSONAL},
    };
    enum wording_language l = k->language.answer;
    enum speech text = texts[0].text;
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        text = strcmp(texts[i].reason, reason) == 0 ? texts[i].text : text;
    }
    k->notes = success_compose_note(c->arena, k->notes, "out_of_scope",
                                    SPEECH_FILL(c->arena, l, SPEECH_NOTE_REFUSED,
                                                {"why", speech_word(c->arena, l, str_of(reason))}));
    return say_only(c, k, "refused", speech_str(l, text), out);
}

/* Accounts of one name are told apart by what else they are called. */
static struct str names_of(struct arena *a, enum wording_language l, const struct json *accounts)
{
    const struct json *names = &json_empty_array;
    for (size_t i = 0; i < json_count(accounts); i++) {
        const struct json *it = json_at(accounts, i);
        struct str name = json_str(it, "name", STR(""));
        bool twin = false;
        for (size_t n = 0; n < json_count(accounts); n++) {
            twin =
                twin || (n != i && str_eq(json_str(json_at(accounts, n), "name", STR("")), name));
        }
        struct str slug = json_str(it, "slug", STR(""));
        name = twin ? str_fmt(a, "%.*s (%.*s)", STR_ARG(name), STR_ARG(slug)) : name;
        names = json_push(a, names, json_new_str(a, name));
    }
    return speech_list(a, l, SPEECH_OR, names);
}

static const struct json *candidates_of(struct arena *a, const struct json *accounts)
{
    const struct json *list = &json_empty_array;
    for (size_t i = 0; i < json_count(accounts) && i < CANDIDATES_MAX; i++) {
        const struct json *it = json_at(accounts, i);
        list = json_push(a, list,
                         json_object(a, {"id", json_get(it, "id")}, {"slug", json_get(it, "slug")},
                                     {"name", json_get(it, "name")}));
    }
    return list;
}

static enum err ask_which(struct ctx *c, struct asking *k, struct brief *out)
{
    struct arena *a = c->arena;
    enum wording_language l = k->language.answer;
    struct str text = speech_str(l, SPEECH_WHICH_ACCOUNT);
    bool twins = json_count(k->ambiguous) && !json_count(k->quotes);
    if (json_count(k->items) > 1 && !twins) {
        k->candidates = candidates_of(a, k->items);
        text = SPEECH_FILL(a, l, SPEECH_WHICH_ONE, {"names", names_of(a, l, k->items)});
    } else if (json_count(k->ambiguous)) {
        const struct json *first = json_at(k->ambiguous, 0);
        k->candidates = candidates_of(a, json_get(first, "accounts"));
        text =
            SPEECH_FILL(a, l, SPEECH_WHICH_OF_SEVERAL, {"name", json_str(first, "quote", STR(""))},
                        {"names", names_of(a, l, json_get(first, "accounts"))});
    } else if (json_count(k->others)) {
        text = SPEECH_FILL(a, l, SPEECH_WHICH_UNKNOWN,
                           {"name", json_text(json_at(k->others, 0), STR(""))});
    }
    return say_only(c, k, "which_account", text, out);
}

/* ---- across accounts ----------------------------------------------------- */

static const struct json *portfolio_tool(struct arena *a, int64_t us, enum err e)
{
    const struct json *tool = json_object(a, {"name", json_new_str(a, STR("portfolio"))});
    if (us < 0) {
        return tool;
    }
    tool = json_with(a, tool, STR("took_ms"), success_run_ms(a, us));
    return json_with(a, tool, STR("error"),
                     e == E_OK ? NULL : json_new_str(a, STR("TOOL_FAILURE")));
}

static const struct json *portfolio_step(struct arena *a, enum wording_language l, bool compare)
{
    struct str reason = speech_str(l, compare ? SPEECH_WHY_COMPARE : SPEECH_WHY_PORTFOLIO);
    return json_push(a, &json_empty_array,
                     json_object(a, {"step", json_new_int(a, 1)},
                                 {"tool", json_new_str(a, STR("portfolio"))},
                                 {"reason", json_new_str(a, reason)}));
}

/* "Any red flags?" asks for those most at risk. So is "What changed?" answered, which says that it
 * is: no list of changes is kept across accounts. */
static struct str across_text(struct ctx *c, struct asking *k)
{
    struct arena *a = c->arena;
    struct str low = str_lower(a, k->q->text), risk = STR("Which customers are most at risk?");
    bool flags = str_find(low, STR("red flag")) >= 0,
         today = str_find(low, STR("what should")) >= 0;
    bool changed =
        str_find(low, STR("what changed")) >= 0 || str_find(low, STR("changed since")) >= 0;
    bool plain = str_find(low, STR("customer")) < 0 && str_find(low, STR("account")) < 0;
    if (plain && changed) {
        k->notes = success_compose_note(a, k->notes, "changes_not_listed",
                                        speech_str(k->language.answer, SPEECH_NOTE_CHANGES));
    }
    return plain && (flags || today || changed) ? risk : k->q->text;
}

static enum err answer_portfolio(struct ctx *c, struct asking *k, bool compare, struct brief *out)
{
    struct arena *a = c->arena;
    struct success_ranking r = {0};
    const struct json *steps = portfolio_step(a, k->language.answer, compare);
    struct success_final f = begin_final(c, k, "portfolio", STR(""));
    f.task = "portfolio";
    k->planned_us = clock_steady_us();
    tell_plan(c, k, &f, steps);
    success_run_tell(c, k->q->sink, "tool:start", portfolio_tool(a, -1, E_OK));
    struct success_portfolio q = success_portfolio_parse(a, across_text(c, k), k->now_ms);
    struct success_comparison pair = {k->items, k->language.answer};
    q.language = k->language.answer;
    enum err e = compare ? success_portfolio_compare(c, &pair, k->as_of_ms, &r)
                         : success_portfolio_rank(c, &q, k->as_of_ms, &r);
    k->ran_us = clock_steady_us();
    int64_t took_us = k->ran_us - k->planned_us;
    const struct json *end = portfolio_tool(a, took_us, e);
    const struct json *used = json_with(a, end, STR("status"),
                                        json_new_str(a, e == E_OK ? STR("success") : STR("error")));
    success_run_tell(c, k->q->sink, "tool:complete", used);
    success_run_tell(c, k->q->sink, "tool:end", end);
    TRY(e);
    for (size_t i = 0; i < json_count(r.notes); i++) {
        k->notes = json_push(a, k->notes, json_at(r.notes, i));
    }
    f = begin_final(c, k, "portfolio", r.summary);
    f.task = "portfolio";
    f.table = r.table;
    *out = brief_of(c, k, &f);
    const struct json *final = json_with(a, out->final, STR("figures"), r.figures);
    final = json_with(a, final, STR("decision_log"), steps);
    final = json_with(
        a, final, STR("used_tools"),
        json_push(a, &json_empty_array, json_with(a, used, STR("cached"), &json_false_value)));
    out->final = final;
    return E_OK;
}

/* ---- one account --------------------------------------------------------- */

static void note_names(struct ctx *c, struct asking *k)
{
    struct arena *a = c->arena;
    if (!json_count(k->others)) {
        return;
    }
    struct str other = json_text(json_at(k->others, 0), STR(""));
    bool named = json_count(k->quotes) > 0;
    k->notes = success_compose_note(
        a, k->notes, named ? "unknown_name" : "used_instead",
        SPEECH_FILL(a, k->language.answer,
                    named ? SPEECH_NOTE_UNKNOWN_NAME : SPEECH_NOTE_USED_INSTEAD, {"name", other},
                    {"account", k->known.name}));
}

static bool nothing_came(const struct asking *k)
{
    for (int i = 0; i < k->plan.count; i++) {
        bool refused = str_eqz(k->results[i].code, "MISSING_DATA");
        if (k->results[i].data || refused) {
            return false;
        }
    }
    return k->plan.count > 0;
}

static const struct json *results_of(struct arena *a, const struct asking *k)
{
    const struct json *all = &json_empty_object;
    for (int i = 0; i < k->plan.count; i++) {
        const struct success_result *r = &k->results[i];
        if (r->ok || r->reused) {
            all = json_with(a, all, str_of(r->tool->name), r->data);
        }
    }
    return k->facts.n ? json_with(a, all, STR(FACTS), json_new_str(a, k->facts)) : all;
}

static const struct success_model *model_of(struct asking *k)
{
    k->model.run = k->id;
    k->model.question = k->q->text;
    k->model.account_id = k->known.id;
    k->model.account = k->known.name;
    k->model.language = k->language;
    k->model.sink = k->q->sink;
    return &k->model;
}

/* In place of the templates' words come those of the model that hold; what it leaves out stays. */
static enum err let_model_word(struct ctx *c, struct asking *k, struct success_words *words)
{
    struct arena *a = c->arena;
    struct success_words by_model;
    const struct success_wording order = {
        .known = &k->known, .actions = words->actions, .params = k->params};
    int64_t began_us = clock_steady_us();
    if (!k->model.provider.n) {
        return E_OK;
    }
    enum err e = success_model_words(c, model_of(k), &order, &by_model);
    if (e == E_CANCELLED) {
        return e;
    }
    if (e != E_OK) {
        k->notes =
            success_compose_note(a, k->notes, "worded_without_model",
                                 SPEECH_FILL(a, k->language.answer, SPEECH_NOTE_NO_MODEL_WORDS,
                                             {"why", str_of(err_name(e))}));
        ctx_forgive(c);
        return E_OK;
    }
    words->summary = by_model.summary.n ? by_model.summary : words->summary;
    words->actions = by_model.actions ? by_model.actions : words->actions;
    words->qbr = by_model.qbr ? by_model.qbr : words->qbr;
    if (by_model.email) {
        words->email = by_model.email;
        success_run_tell(c, k->q->sink, "patch", json_object(a, {"email_draft", words->email}));
    }
    for (size_t i = 0; i < json_count(by_model.notes); i++) {
        k->notes = json_push(a, k->notes, json_at(by_model.notes, i));
    }
    success_run_tell(c, k->q->sink, "phase:complete",
                     json_object(a, {"phase", json_new_str(a, STR("synthesis"))},
                                 {"duration_ms", success_run_ms(a, clock_steady_us() - began_us)}));
    return E_OK;
}

/* By the model when there is one, else by the planner inside, and then it says so. */
static enum err make_plan(struct ctx *c, struct asking *k)
{
    success_plan_make(&k->wish, &k->plan);
    if (!success_model_find(c, &k->model.provider)) {
        k->hint = speech_str(k->language.answer, SPEECH_NOTE_NO_MODEL);
        return E_OK;
    }
    enum err e = success_model_plan(c, model_of(k), &k->wish, &k->plan);
    if (e == E_OK || e == E_CANCELLED) {
        return e;
    }
    k->hint = SPEECH_FILL(c->arena, k->language.answer, SPEECH_NOTE_NO_MODEL_PLAN,
                          {"why", str_of(err_name(e))});
    k->notes = success_compose_note(c->arena, k->notes, "planned_without_model", k->hint);
    k->model.provider = e == E_INCOMPLETE ? k->model.provider : STR("");
    ctx_forgive(c);
    return E_OK;
}

static struct success_direct answer_directly(struct ctx *c, const struct asking *k)
{
    const struct success_direct_question q = {.text = k->q->text,
                                              .quotes = k->quotes,
                                              .wish = &k->wish,
                                              .facts = &k->told,
                                              .as_of_ms = k->as_of_ms};
    return k->told.id.n ? success_direct_of(c, &q)
                        : (struct success_direct){STR(""), &json_empty_array};
}

/* The findings as an answer. */
static enum err conclude(struct ctx *c, struct asking *k, struct brief *out)
{
    struct arena *a = c->arena;
    struct success_known found = success_known_of(a, k->results, k->plan.count, k->now_ms);
    found.id = k->known.id;
    found.slug = k->known.slug;
    found.name = k->known.name;
    found.contacts = k->known.contacts;
    found.language = k->language.answer;
    struct success_direct direct = answer_directly(c, k);
    found.direct = direct.figures;
    k->known = found;
    k->notes = success_compose_gaps(a, k->notes, &k->known, &k->plan, k->results);
    bool failed = nothing_came(k);
    struct success_words words = {.summary = success_compose_summary(a, &k->known, &k->wish),
                                  .actions = &json_empty_array,
                                  .email = k->known.email,
                                  .qbr = k->known.qbr};
    if (!failed) {
        words.actions = success_actions(a, &k->known, k->wish.first);
        TRY(let_model_word(c, k, &words));
    }
    if (direct.first.n) { /* who asks one thing hears it first */
        words.summary = str_fmt(a, "%.*s %.*s", STR_ARG(direct.first), STR_ARG(words.summary));
    }
    success_run_tell(c, k->q->sink, "patch", json_object(a, {"actions", words.actions}));
    success_run_tell(c, k->q->sink, "patch",
                     json_object(a, {"summary", json_new_str(a, words.summary)}));
    struct success_final f = begin_final(c, k, failed ? "failed" : "account", words.summary);
    f.known = &k->known;
    f.plan = &k->plan;
    f.results = k->results;
    f.plan_source = k->plan.source;
    f.actions = words.actions;
    f.email_draft = words.email;
    f.qbr = words.qbr;
    *out = brief_of(c, k, &f);
    out->results = results_of(a, k);
    return E_OK;
}

/* What an answer is made from, but the moment: the day counts, as renewals come nearer. */
static struct str stamp_of(struct ctx *c, const struct asking *k, const struct success_facts *f)
{
    struct arena *a = c->arena;
    const struct json *all =
        json_object(a, {"account", f->account}, {"contract", f->contract}, {"usage", f->usage},
                    {"tickets", f->tickets}, {"contacts", f->contacts},
                    {"day", json_new_int(a, k->now_ms / DATE_DAY_MS)});
    struct str text = json_write_canonical(a, all);
    uint64_t hash = 14695981039346656037u; /* FNV-1a, the same in every process */
    for (size_t i = 0; i < text.n; i++) {
        hash = (hash ^ (unsigned char)text.p[i]) * 1099511628211u;
    }
    return str_fmt(a, "%016llx", (unsigned long long)hash);
}

/* `named`: {id, slug, name}, which is enough where no facts can be read: the tools find out for
 * themselves, and what they told last may stand in. */
static enum err know_account(struct ctx *c, struct asking *k, const struct json *named)
{
    struct success_facts facts;
    struct str id = json_str(named, "id", STR(""));
    enum err e = success_facts_get(c, id, k->as_of_ms, &facts);
    if (e == E_NOT_FOUND || e == E_CANCELLED) {
        return e;
    }
    if (e == E_OK) {
        k->known = (struct success_known){
            .id = facts.id, .slug = facts.slug, .name = facts.name, .contacts = facts.contacts};
        k->facts = stamp_of(c, k, &facts);
        k->told = facts;
    } else {
        log_at(c, LOG_WARN, "the facts of an account cannot be read", LOG_Z("error", err_name(e)),
               LOG_Z("text", c->fault.text));
        ctx_forgive(c);
        k->known = (struct success_known){
            .id = id, .slug = json_str(named, "slug", id), .name = json_str(named, "name", id)};
    }
    k->language = success_language_of(c, k->params, e == E_OK ? facts.account : NULL);
    k->params = success_language_params(c->arena, k->params, &k->language);
    k->known.language = k->wish.language = k->language.answer;
    return E_OK;
}

static void run_plan(struct ctx *c, struct asking *k, const struct success_plan *plan,
                     struct success_result *out)
{
    const struct success_run run = {.plan = plan,
                                    .account = k->known.id,
                                    .as_of_ms = k->as_of_ms,
                                    .params = k->params,
                                    .tool_ms = k->q->tool_ms,
                                    .sink = k->q->sink};
    success_run_tools(c, &run, out);
}

/* A question about how things were is answered as of then. What is made to be sent or shown today
 * speaks of today, and says so. */
static void find_moment(struct ctx *c, struct asking *k)
{
    const uint32_t made = 1u << SUCCESS_EMAIL | 1u << SUCCESS_QBR | 1u << SUCCESS_RENEWAL;
    int64_t end_ms;
    if (k->as_of_ms || !success_when_of(c->arena, k->q->text, k->quotes, k->now_ms, &end_ms)) {
        return;
    }
    if (k->wish.tasks & made) {
        k->speaks_of_today = true;
    } else {
        k->as_of_ms = k->now_ms = end_ms;
    }
}

static void note_moment(struct ctx *c, struct asking *k)
{
    if (k->as_of_ms || k->speaks_of_today) {
        struct str date = wording_date(c->arena, k->language.answer, k->now_ms);
        k->notes = success_compose_note(
            c->arena, k->notes, k->as_of_ms ? "as_of" : "speaks_of_today",
            SPEECH_FILL(c->arena, k->language.answer,
                        k->as_of_ms ? SPEECH_NOTE_AS_OF : SPEECH_NOTE_TODAY, {"date", date}));
    }
}

static enum err answer_account(struct ctx *c, struct asking *k, struct brief *out)
{
    find_moment(c, k);
    TRY(know_account(c, k, json_at(k->items, 0)));
    note_names(c, k);
    note_moment(c, k);
    TRY(make_plan(c, k));
    k->planned_us = clock_steady_us();
    struct success_final f = begin_final(c, k, "account", STR(""));
    f.known = &k->known;
    f.plan = &k->plan;
    f.plan_source = k->plan.source;
    tell_plan(c, k, &f, success_plan_steps(c->arena, &k->plan));
    run_plan(c, k, &k->plan, k->results);
    k->ran_us = clock_steady_us();
    return conclude(c, k, out);
}

/* ---- asking -------------------------------------------------------------- */

/* The language is that of the question or the org until an account is known. */
static struct asking begin(struct ctx *c, const struct success_ask *q)
{
    struct success_language language = success_language_of(c, q->params, NULL);
    struct asking k = {.q = q,
                       .id = id_is_set(&q->id) ? q->id : id_new(ctx_now_ms(c)),
                       .began_us = clock_steady_us(),
                       .as_of_ms = q->as_of_ms,
                       .now_ms = q->as_of_ms ? q->as_of_ms : ctx_now_ms(c),
                       .params = q->params,
                       .language = language,
                       .notes = &json_empty_array,
                       .facts = STR(""),
                       .hint = STR("")};
    return k;
}

static bool wants_comparison(struct ctx *c, const struct asking *k, enum scope_kind kind)
{
    const struct success_wish *w = &k->wish;
    struct str text = str_lower(c->arena, k->q->text);
    bool says = str_find(text, STR("compar")) >= 0 || str_find(text, STR(" vs")) >= 0 ||
                str_find(text, STR("versus")) >= 0 || str_find(text, STR("side by side")) >= 0;
    bool makes =
        (w->tasks & (1u << SUCCESS_EMAIL | 1u << SUCCESS_QBR | 1u << SUCCESS_RENEWAL)) != 0;
    return json_count(k->items) > 1 && (says || kind == SCOPE_PORTFOLIO || !makes);
}

static const struct json *find_selected(const struct asking *k, const struct json *accounts)
{
    struct str selected = k->q->selected;
    for (size_t i = 0; i < json_count(accounts); i++) {
        const struct json *it = json_at(accounts, i);
        if (selected.n && (str_eq(json_str(it, "id", STR("")), selected) ||
                           str_eq(json_str(it, "slug", STR("")), selected))) {
            return it;
        }
    }
    return NULL;
}

/* Of several that may be meant, the one that is selected beside the question is. False: it is not
 * clear which one. */
static bool settle(struct ctx *c, struct asking *k)
{
    struct arena *a = c->arena;
    bool twins = json_count(k->ambiguous) && !json_count(k->quotes);
    const struct json *several = twins ? json_get(json_at(k->ambiguous, 0), "accounts") : k->items;
    if (!twins && json_count(k->items) == 1) {
        return true;
    }
    const struct json *meant = find_selected(k, several);
    if (meant && !twins) {
        enum wording_language l = k->language.answer;
        k->notes = success_compose_note(
            a, k->notes, "one_at_a_time",
            SPEECH_FILL(a, l, SPEECH_WHICH_ONE, {"names", names_of(a, l, several)}));
    }
    k->items = meant ? json_push(a, &json_empty_array, meant) : k->items;
    return meant != NULL;
}

enum err success_ask(struct ctx *c, const struct success_ask *q, struct brief *out_brief)
{
    struct asking k = begin(c, q);
    TRY(match(c, &k));
    k.wish = success_wish_of(c->arena, q->text, k.quotes);
    struct scope_verdict verdict = judge(c, &k);
    bool named = names_any(&k);
    if (verdict.kind == SCOPE_OUT && asks_after_unknown(c, &k, verdict.reason)) {
        return ask_which(c, &k, out_brief);
    }
    if (verdict.kind == SCOPE_OUT) {
        return refuse(c, &k, verdict.reason, out_brief);
    }
    if (verdict.kind == SCOPE_HELP && !named) {
        return say_only(c, &k, "which_account", speech_str(k.language.answer, SPEECH_HELP),
                        out_brief);
    }
    if (wants_comparison(c, &k, verdict.kind)) {
        return answer_portfolio(c, &k, true, out_brief);
    }
    if (verdict.kind == SCOPE_PORTFOLIO && !named) {
        return answer_portfolio(c, &k, false, out_brief);
    }
    if (!settle(c, &k)) {
        return ask_which(c, &k, out_brief);
    }
    return answer_account(c, &k, out_brief);
}

/* ---- once more ----------------------------------------------------------- */

/* What a tool found may be reused: it is whole, and nothing was missing. */
static bool is_good(const struct success_tool *t, const struct json *data)
{
    return data && !success_tool_misfit(t, data) && !json_bool(data, "missingData", false);
}

/* The tools of the first run with what they found; those that failed or lacked data are to run, and
 * all of them where something failed and what is known has changed since: usage of then and a score
 * of now would contradict one another. */
static void take_over(struct ctx *c, struct asking *k, const struct brief *before,
                      struct success_plan *failed)
{
    struct str facts = json_str(before->results, FACTS, STR(""));
    bool same = facts.n && str_eq(facts, k->facts);
    const struct json *used = json_get(before->final, "used_tools");
    const struct json *log = json_get(before->final, "decision_log");
    *failed = (struct success_plan){.task = k->wish.first, .source = "builtin"};
    for (size_t i = 0; i < json_count(used) && k->plan.count < SUCCESS_TOOLS_PER_ASK_MAX; i++) {
        const struct json *was = json_at(used, i);
        const struct success_tool *t = success_tool_find(json_str(was, "name", STR("")));
        struct str reason = json_str(json_at(log, i), "reason", STR(""));
        if (!t || !success_plan_add(&k->plan, t, reason)) {
            continue;
        }
        const struct json *data = json_get(before->results, t->name);
        struct success_result *r = &k->results[k->plan.count - 1];
        *r = (struct success_result){.tool = t, .data = data, .reused = is_good(t, data)};
        if (!r->reused) {
            success_plan_add(failed, t, reason);
        }
    }
    for (int i = 0; i < k->plan.count && failed->count && !same; i++) {
        k->results[i].reused = false;
        success_plan_add(failed, k->plan.steps[i].tool, k->plan.steps[i].reason);
    }
    enum wording_language l = k->language.answer;
    failed->summary = SPEECH_FILL(c->arena, l, SPEECH_PLAN_AGAIN,
                                  {"n", wording_number(c->arena, l, failed->count)},
                                  {"total", wording_number(c->arena, l, k->plan.count)});
}

static const struct json *account_of(struct arena *a, const struct brief *b)
{
    return json_with(a, json_get(b->final, "account"), STR("id"), json_new_str(a, b->account));
}

/* What runs once more is told in the language of what is there. */
static void keep_language(struct ctx *c, struct asking *k, const struct brief *before)
{
    wording_language_parse(json_str(before->final, "language", STR("")), &k->language.answer);
    k->params = success_language_params(c->arena, k->params, &k->language);
    k->known.language = k->wish.language = k->language.answer;
}

enum err success_ask_again(struct ctx *c, const struct success_ask *q, const struct brief *before,
                           struct brief *out_brief)
{
    struct success_result again[SUCCESS_TOOLS_PER_ASK_MAX] = {{0}};
    struct success_plan failed;
    struct asking k = begin(c, q);
    if (!before->account.n) {
        return ctx_fail(c, E_CONFLICT, "this brief used no tools that could run again");
    }
    TRY(know_account(c, &k, account_of(c->arena, before)));
    note_moment(c, &k);
    struct str name = k.known.name;
    k.quotes = json_push(c->arena, &json_empty_array, json_new_str(c->arena, name));
    k.wish = success_wish_of(c->arena, q->text, k.quotes);
    keep_language(c, &k, before);
    take_over(c, &k, before, &failed);
    k.plan.task = k.wish.first;
    k.plan.source = str_dupz(c->arena, json_str(before->final, "plan_source", STR("builtin")));
    if (failed.count == 0) {
        return ctx_fail(c, E_CONFLICT, "nothing of this brief failed");
    }
    k.planned_us = clock_steady_us();
    struct success_final f = begin_final(c, &k, "account", STR(""));
    f.known = &k.known;
    f.plan = &failed;
    tell_plan(c, &k, &f, success_plan_steps(c->arena, &failed));
    run_plan(c, &k, &failed, again);
    k.ran_us = clock_steady_us();
    success_model_find(c, &k.model.provider);
    for (int i = 0; i < failed.count; i++) {
        for (int n = 0; n < k.plan.count; n++) {
            k.results[n] = k.results[n].tool == again[i].tool ? again[i] : k.results[n];
        }
    }
    TRY(conclude(c, &k, out_brief));
    const struct json *draft = json_get(before->final, "email_draft");
    if (json_bool(draft, "edited", false)) { /* what a person wrote stays */
        out_brief->final = json_with(c->arena, out_brief->final, STR("email_draft"), draft);
    }
    out_brief->version = before->version;
    out_brief->params = before->params;
    out_brief->created_at_ms = before->created_at_ms;
    return E_OK;
}

/* ---- when nothing works -------------------------------------------------- */

const struct json *success_ask_apology(struct ctx *c, const struct success_ask *q, enum err e)
{
    struct arena *a = c->arena;
    bool ours = e == E_INTERNAL || !c->fault.text[0];
    struct asking k = begin(c, q);
    const char *code = e == E_CANCELLED ? "superseded" : "agent_failure";
    enum wording_language l = k.language.answer;
    struct str text = e == E_CANCELLED ? speech_str(l, SPEECH_SUPERSEDED)
                      : ours
                          ? SPEECH_FILL(a, l, SPEECH_WENT_WRONG, {"request", str_of(c->request_id)})
                          : str_fmt(a, "%s.", c->fault.text);
    if (ours && e != E_CANCELLED) {
        log_at(c, LOG_ERROR, "an ask failed", LOG_Z("error", err_name(e)),
               LOG_Z("text", c->fault.text));
    }
    k.wish = success_wish_of(a, q->text, NULL);
    k.notes = success_compose_note(a, k.notes, code, text);
    struct success_final f = begin_final(
        c, &k, "failed", speech_str(l, e == E_CANCELLED ? SPEECH_NOT_ANSWERED : SPEECH_SORRY));
    f.planning_us = 0;
    ctx_forgive(c);
    return success_compose_final(a, &f);
}
