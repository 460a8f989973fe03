#include "agent/tool.h"

#include "agent/tool_http.h"
#include "agent/tool_mcp.h"
#include "codec/date.h"
#include "codec/template.h"
#include "codec/text.h"
#include "find/search.h"

enum { TEXT_ANSWER_MAX_BYTES = 2000 };

/* One execution under the journal. The wrapped result {result|refused} is what the journal keeps.
 */
struct tool_job {
    struct store *store; /* of the node's ctx: its open transaction */
    const struct tool_scene *scene;
    const struct config_tool *tool;
    const struct json *arguments;
};

const char *tool_status_name(enum tool_status s)
{
    static const char *const names[] = {"done", "refused", "invalid", "failed"};
    return names[s];
}

static const struct json *data_or_empty(const struct record *r)
{
    return r->kind.n && r->data ? r->data : &json_empty_object;
}

const struct json *tool_view(struct ctx *c, const struct tool_scene *scene,
                             const struct json *arguments)
{
    struct arena *a = c->arena;
    const struct json *v = json_is(arguments, JSON_OBJECT) ? arguments : &json_empty_object;
    v = json_with(a, v, STR("contact"), data_or_empty(&scene->contact));
    v = json_with(a, v, STR("account"), data_or_empty(&scene->account));
    v = json_with(a, v, STR("now_ms"), json_new_int(a, ctx_now_ms(c)));
    const struct json *conversation =
        json_with(a, &json_empty_object, STR("id"), json_new_str(a, id_str(&scene->conversation)));
    conversation = json_with(a, conversation, STR("channel"), json_new_str(a, scene->channel));
    return json_with(a, v, STR("conversation"), conversation);
}

static struct str render(struct ctx *c, struct str source, const struct json *view)
{
    struct str text = {0};
    struct json_fault fault = {0};
    if (template_text(c->arena, source, view, &text, &fault) != E_OK) {
        return STR("");
    }
    return str_trim(text);
}

size_t tool_check_arguments(struct arena *a, const struct config_tool *tool,
                            const struct json *arguments, struct str *out_text)
{
    const struct schema_error *errors;
    size_t n = schema_check(tool->parameters_schema, a, arguments, &errors);
    if (n) {
        *out_text = errors[0].path.n
                        ? str_fmt(a, "%.*s %.*s", STR_ARG(errors[0].path), STR_ARG(errors[0].text))
                        : errors[0].text;
    }
    return n;
}

struct str tool_confirmation(struct ctx *c, const struct tool_scene *scene,
                             const struct config_tool *tool, const struct json *arguments)
{
    return tool->confirm.n ? render(c, tool->confirm, tool_view(c, scene, arguments)) : STR("");
}

static const struct json *wrap(struct arena *a, const char *name, const struct json *value)
{
    return json_with(a, &json_empty_object, str_of(name), value);
}

static enum err map_fields(struct ctx *c, const struct config_jq *maps, int count,
                           const struct json *input, const struct json **out_object)
{
    const struct json *object = &json_empty_object;
    for (int i = 0; i < count; i++) {
        const struct json *value;
        struct jq_fault fault = {0};
        struct jq_input in = {.value = input};
        if (jq_one(maps[i].program, c->arena, in, &value, &fault) != E_OK) {
            return ctx_fail(c, E_INVALID, "field %.*s: %s", STR_ARG(maps[i].name), fault.text);
        }
        object = json_with(c->arena, object, maps[i].name, value);
    }
    *out_object = object;
    return E_OK;
}

/* Sets *out_refusal when a rule says no. */
static enum err check_requires(struct ctx *c, const struct config_tool *tool,
                               const struct json *view, struct str *out_refusal)
{
    for (int i = 0; i < tool->require_count; i++) {
        bool holds = false;
        struct jq_fault fault = {0};
        struct jq_input in = {.value = view};
        if (jq_truth(tool->require[i].condition, c->arena, in, &holds, &fault) != E_OK) {
            return ctx_fail(c, E_INVALID, "rule %d of %.*s: %s", i + 1, STR_ARG(tool->name),
                            fault.text);
        }
        if (!holds) {
            *out_refusal = render(c, tool->require[i].otherwise, view);
            return E_OK;
        }
    }
    return E_OK;
}

static enum err pick(struct ctx *c, const struct config_tool *tool, const struct json *data,
                     const struct json **out)
{
    if (!tool->pick) {
        *out = data;
        return E_OK;
    }
    struct jq_fault fault = {0};
    struct jq_input in = {.value = data};
    if (jq_one(tool->pick, c->arena, in, out, &fault) != E_OK) {
        return ctx_fail(c, E_INVALID, "pick of %.*s: %s", STR_ARG(tool->name), fault.text);
    }
    return E_OK;
}

/* Which records the tool may touch. A tool that is for the contact's own records finds nothing
 * without a contact or account: the impossible key keeps the query shut. */
static enum err own_query(struct ctx *c, const struct tool_scene *scene,
                          const struct config_tool *tool, const struct json *view,
                          struct record_query *out)
{
    *out = (struct record_query){.kind = tool->record, .sort = tool->sort, .limit = 2};
    TRY(map_fields(c, tool->match, tool->match_count, view, &out->match));
    if (str_eqz(tool->own, "account")) {
        struct str slug = scene->account.kind.n ? scene->account.key : STR("\x01none");
        out->account = slug;
    } else if (str_eqz(tool->own, "contact")) {
        out->contact = scene->contact.kind.n ? scene->contact.key : STR("\x01none");
    }
    return E_OK;
}

/* Accounts and contacts own themselves: their key, not an owner column, says whose they are. */
static enum err own_record(struct ctx *c, const struct tool_job *job, struct record *out,
                           bool *out_found)
{
    const struct record *r =
        str_eqz(job->tool->record, "account") ? &job->scene->account : &job->scene->contact;
    *out_found = r->kind.n > 0;
    if (*out_found) {
        return record_get(c, job->store, &r->id, out);
    }
    return E_OK;
}

static bool owns_itself(const struct config_tool *tool)
{
    return tool->own.n && str_eq(tool->own, tool->record);
}

static enum err find_one(struct ctx *c, const struct tool_job *job, const struct json *view,
                         struct record *out, bool *out_found)
{
    if (owns_itself(job->tool)) {
        return own_record(c, job, out, out_found);
    }
    struct record_query q;
    struct records found;
    TRY(own_query(c, job->scene, job->tool, view, &q));
    TRY(record_find(c, job->store, &q, &found, NULL));
    *out_found = found.count > 0;
    if (*out_found) {
        *out = found.items[0];
    }
    return E_OK;
}

static enum err record_many(struct ctx *c, const struct tool_job *job, const struct json *view,
                            const struct json **out)
{
    struct arena *a = c->arena;
    struct record_query q;
    struct records found;
    int64_t total = 0;
    TRY(own_query(c, job->scene, job->tool, view, &q));
    q.limit = job->tool->limit;
    TRY(record_find(c, job->store, &q, &found, &total));
    const struct json *items = &json_empty_array;
    bool count_only = str_eqz(job->tool->op, "count");
    for (int i = 0; i < found.count && !count_only; i++) {
        const struct json *item;
        TRY(pick(c, job->tool, found.items[i].data, &item));
        items = json_push(a, items, item);
    }
    const struct json *result = wrap(a, "count", json_new_int(a, total));
    result = count_only ? result : json_with(a, result, STR("items"), items);
    *out = wrap(a, "result", result);
    return E_OK;
}

enum err tool_refuses(struct ctx *c, const struct tool_scene *scene, const struct config_tool *tool,
                      const struct json *arguments, bool *out_refuses, struct str *out_text)
{
    struct tool_job job = {NULL, scene, tool, arguments};
    *out_refuses = false;
    if (tool->run != CONFIG_RUN_RECORD || !tool->require_count) {
        return E_OK;
    }
    TRY(store_of(c, &job.store));
    const struct json *view = tool_view(c, scene, arguments);
    struct record r = {0};
    bool found = false;
    if (!str_eqz(tool->op, "create")) {
        TRY(find_one(c, &job, view, &r, &found));
    }
    view = json_with(c->arena, view, STR("record"), found ? r.data : &json_null_value);
    struct str refusal = {0};
    TRY(check_requires(c, tool, view, &refusal));
    if (refusal.p) {
        *out_refuses = true;
        *out_text = refusal;
    }
    return E_OK;
}

static enum err record_one(struct ctx *c, const struct tool_job *job, const struct json *view,
                           const struct json **out)
{
    struct arena *a = c->arena;
    const struct config_tool *tool = job->tool;
    bool create = str_eqz(tool->op, "create");
    struct record r = {0};
    bool found = false;
    if (!create) {
        TRY(find_one(c, job, view, &r, &found));
    }
    const struct json *record = found ? r.data : &json_null_value;
    const struct json *with_record = json_with(a, view, STR("record"), record);
    struct str refusal = {0};
    TRY(check_requires(c, tool, with_record, &refusal));
    if (refusal.p || (!create && !found)) {
        refusal = refusal.n ? refusal : STR("I could not find that.");
        *out = wrap(a, "refused", json_new_str(a, refusal));
        return E_OK;
    }
    const struct json *fields;
    TRY(map_fields(c, tool->set, tool->set_count, with_record, &fields));
    if (create) {
        TRY(record_create(c, job->store, tool->record, fields, &r));
    } else if (str_eqz(tool->op, "update")) {
        TRY(record_update(c, job->store, &r.id, fields, 0, &r));
    }
    const struct json *result;
    TRY(pick(c, tool, r.data, &result));
    *out = wrap(a, "result", result);
    return E_OK;
}

static enum err search_knowledge(struct ctx *c, const struct tool_job *job, const struct json **out)
{
    struct arena *a = c->arena;
    const struct json *list = job->scene->config->namespaces;
    struct str names[SEARCH_NAMESPACES_MAX];
    size_t n = json_count(list) < SEARCH_NAMESPACES_MAX ? json_count(list) : SEARCH_NAMESPACES_MAX;
    for (size_t i = 0; i < n; i++) {
        names[i] = json_text(json_at(list, i), STR("default"));
    }
    struct search_query q = {
        .text = json_str(job->arguments, "query", json_str(job->arguments, "question", STR(""))),
        .namespaces = n ? names : NULL,
        .namespace_count = n,
        .k = 4,
        .per_document = true,
        .by_answer = true,
    };
    struct search_result found;
    TRY(search_query(c, &q, &found));
    const struct json *passages = &json_empty_array;
    for (size_t i = 0; i < found.count; i++) {
        const struct search_hit *h = &found.hits[i];
        const struct json *p = wrap(a, "n", json_new_int(a, (int64_t)i + 1));
        p = json_with(a, p, STR("document_id"), json_new_str(a, id_str(&h->document)));
        p = json_with(a, p, STR("title"), json_new_str(a, h->title));
        p = json_with(a, p, STR("text"), json_new_str(a, h->text));
        p = json_with(a, p, STR("quote"), json_new_str(a, h->quote));
        p = json_with(a, p, STR("start"), json_new_int(a, (int64_t)h->quote_start));
        p = json_with(a, p, STR("end"), json_new_int(a, (int64_t)h->quote_end));
        p = json_with(a, p, STR("score"), json_new_real(a, h->match));
        passages = json_push(a, passages, p);
    }
    *out = wrap(a, "result", wrap(a, "passages", passages));
    return E_OK;
}

static enum err create_ticket(struct ctx *c, const struct tool_job *job, const struct json **out)
{
    struct arena *a = c->arena;
    const struct tool_scene *scene = job->scene;
    struct str description = json_str(job->arguments, "description", STR(""));
    struct str subject = json_str(job->arguments, "subject", STR(""));
    int64_t now = ctx_now_ms(c);
    subject = subject.n ? subject : text_cut_bytes(description, 80);
    struct {
        const char *name;
        struct str value;
    } texts[] = {
        {"subject", subject},
        {"description", description},
        {"account", scene->account.kind.n ? scene->account.key : STR("")},
        {"contact", scene->contact.kind.n ? scene->contact.key : STR("")},
        {"channel", scene->channel},
        {"status", STR("open")},
        {"category", json_str(job->arguments, "category", STR("configuration_question"))},
        {"priority", json_str(job->arguments, "priority", STR("medium"))},
    };
    const struct json *data = &json_empty_object;
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        data = json_with(a, data, str_of(texts[i].name), json_new_str(a, texts[i].value));
    }
    data = json_with(a, data, STR("created_at"), json_new_int(a, now));
    data = json_with(a, data, STR("updated_at"), json_new_int(a, now));
    struct record r;
    TRY(record_create(c, job->store, STR("ticket"), data, &r));
    *out = wrap(a, "result", wrap(a, "number", json_new_str(a, r.key)));
    return E_OK;
}

static enum err contact_profile(struct ctx *c, const struct tool_job *job, const struct json **out)
{
    struct arena *a = c->arena;
    const struct json *p = data_or_empty(&job->scene->contact);
    p = json_with(a, p, STR("account"), data_or_empty(&job->scene->account));
    *out = wrap(a, "result", p);
    return E_OK;
}

static enum err current_time(struct ctx *c, const struct tool_job *job, const struct json **out)
{
    (void)job;
    struct arena *a = c->arena;
    int64_t now = ctx_now_ms(c);
    const struct json *p = wrap(a, "now_ms", json_new_int(a, now));
    *out = wrap(a, "result", json_with(a, p, STR("now"), json_new_str(a, date_iso(a, now))));
    return E_OK;
}

static enum err request_handover(struct ctx *c, const struct tool_job *job, const struct json **out)
{
    struct str reason = json_str(job->arguments, "reason", STR("user_requested"));
    *out = wrap(c->arena, "result", wrap(c->arena, "handover", json_new_str(c->arena, reason)));
    return E_OK;
}

struct builtin {
    const char *name;
    enum err (*run)(struct ctx *c, const struct tool_job *job, const struct json **out);
};
static const struct builtin builtins[] = {
    {"search_knowledge", search_knowledge}, {"create_ticket", create_ticket},
    {"contact_profile", contact_profile},   {"current_time", current_time},
    {"request_handover", request_handover},
};

static enum err run_builtin(struct ctx *c, const struct tool_job *job, const struct json **out)
{
    for (size_t i = 0; i < sizeof(builtins) / sizeof(*builtins); i++) {
        if (str_eqz(job->tool->op, builtins[i].name)) {
            return builtins[i].run(c, job, out);
        }
    }
    return ctx_fail(c, E_INTERNAL, "no built-in tool %.*s", STR_ARG(job->tool->op));
}

static enum err run_http(struct ctx *c, const struct tool_job *job, struct str key,
                         const struct json **out)
{
    const struct json *result = NULL;
    struct str refusal = {0};
    TRY(tool_http_run(c, job->scene, job->tool, job->arguments, key, &result, &refusal));
    *out = refusal.n ? wrap(c->arena, "refused", json_new_str(c->arena, refusal))
                     : wrap(c->arena, "result", result);
    return E_OK;
}

static enum err check_result(struct ctx *c, const struct config_tool *tool,
                             const struct json *wrapped)
{
    const struct json *result = json_get(wrapped, "result");
    const struct schema_error *errors;
    if (result && tool->result_schema &&
        schema_check(tool->result_schema, c->arena, result, &errors)) {
        return ctx_fail(c, E_INVALID, "the result of %.*s breaks its schema: %.*s %.*s",
                        STR_ARG(tool->name), STR_ARG(errors[0].path), STR_ARG(errors[0].text));
    }
    return E_OK;
}

static enum err execute(struct ctx *c, struct str key, void *arg, const struct json **out)
{
    struct tool_job *job = arg;
    const struct config_tool *tool = job->tool;
    TRY(store_of(c, &job->store));
    if (job->scene->may_change && tool_changes(tool)) {
        TRY(job->scene->may_change(c, key, job->scene->arg));
    }
    const struct json *view = tool_view(c, job->scene, job->arguments);
    const struct json *wrapped = NULL;
    int64_t before = ctx_limit(c, tool->timeout_ms);
    enum err e = E_OK;
    if (tool->run == CONFIG_RUN_HTTP) {
        e = run_http(c, job, key, &wrapped);
    } else if (tool->run == CONFIG_RUN_MCP) {
        e = tool_mcp_run(c, job->scene, tool, job->arguments, key, &wrapped);
    } else if (tool->run == CONFIG_RUN_BUILTIN) {
        e = run_builtin(c, job, &wrapped);
    } else if (str_eqz(tool->op, "find") || str_eqz(tool->op, "count")) {
        e = record_many(c, job, view, &wrapped);
    } else {
        e = record_one(c, job, view, &wrapped);
    }
    c->deadline_steady_ms = before;
    e = e == E_OK ? check_result(c, tool, wrapped) : e;
    if (e == E_OK) {
        *out = wrapped;
    }
    return e;
}

static enum journal_effect effect_of(const struct config_tool *tool)
{
    if (tool->run == CONFIG_RUN_HTTP) {
        return tool->side_effects ? JOURNAL_KEYED : JOURNAL_READ;
    }
    if (tool->run == CONFIG_RUN_MCP) {
        return !tool->side_effects ? JOURNAL_READ : tool->repeatable ? JOURNAL_KEYED : JOURNAL_ONCE;
    }
    bool changes = tool->side_effects ||
                   (tool->run == CONFIG_RUN_BUILTIN && str_eqz(tool->op, "create_ticket"));
    return changes ? JOURNAL_STORE : JOURNAL_READ;
}

bool tool_changes(const struct config_tool *tool)
{
    return effect_of(tool) != JOURNAL_READ;
}

static void read_outcome(struct ctx *c, const struct tool_job *job, struct tool_outcome *out)
{
    const struct journal_call *call = &out->call;
    if (call->status == JOURNAL_FAILED || call->status == JOURNAL_UNKNOWN) {
        out->status = TOOL_FAILED;
        out->text = call->status == JOURNAL_FAILED
                        ? call->error
                        : STR("it is not known whether the call took effect");
        return;
    }
    const struct json *refused = json_get(call->result, "refused");
    if (refused) {
        out->status = TOOL_REFUSED;
        out->text = json_text(refused, STR(""));
        out->answer = out->text;
        return;
    }
    out->status = TOOL_DONE;
    out->result = json_get(call->result, "result");
    out->handover = json_get(out->result, "handover") && job->tool->run == CONFIG_RUN_BUILTIN;
    if (job->tool->answer.n) {
        const struct json *view = tool_view(c, job->scene, job->arguments);
        view = json_with(c->arena, view, STR("result"), out->result);
        out->answer = render(c, job->tool->answer, view);
    } else if (job->tool->run == CONFIG_RUN_MCP && json_is(out->result, JSON_STRING)) {
        out->answer = text_cut_bytes(out->result->string, TEXT_ANSWER_MAX_BYTES);
    }
}

enum err tool_run(struct ctx *c, struct step *step, const struct tool_scene *scene,
                  const struct config_tool *tool, struct str call_id, const struct json *arguments,
                  struct tool_outcome *out)
{
    *out = (struct tool_outcome){.status = TOOL_INVALID};
    if (!tool->implemented || tool->run == CONFIG_RUN_NONE) {
        out->status = TOOL_FAILED;
        out->text = STR("this tool is not available yet");
        return E_OK;
    }
    if (tool_check_arguments(c->arena, tool, arguments, &out->text)) {
        return E_OK;
    }
    if (scene->read_only && tool_changes(tool)) {
        out->status = TOOL_REFUSED;
        out->text = STR("This run is an experiment, so nothing was changed.");
        out->answer = out->text;
        return E_OK;
    }
    struct tool_job job = {NULL, scene, tool, arguments};
    struct journal_use use = {
        .name = tool->name,
        .call_id = call_id,
        .arguments = arguments,
        .effect = effect_of(tool),
        .execute = execute,
        .arg = &job,
    };
    TRY(journal_call(c, step, &use, &out->call));
    bool ours = tool->run == CONFIG_RUN_RECORD || tool->run == CONFIG_RUN_BUILTIN;
    if (ours && out->call.status == JOURNAL_FAILED && err_is_transient(out->call.err)) {
        /* our own store is away for a moment: no outcome a model could do something with */
        return ctx_fail(c, out->call.err, "%.*s", STR_ARG(out->call.error));
    }
    read_outcome(c, &job, out);
    return E_OK;
}
