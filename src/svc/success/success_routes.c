#include "codec/date.h"
#include "host/org.h"
#include "svc/success/brief_edit.h"
#include "svc/success/eval_run.h"
#include "svc/success/eval_session.h"
#include "svc/success/export.h"
#include "svc/success/success_ask.h"
#include "svc/success/success_schema.h"
#include "svc/success/success_stream.h"
#include "svc/success/tool_client.h"
#include "svc/success/tool_gate.h"

/* Who reads briefs and asks. */
#define MEMBERS (ROLE_SERVES | ROLE_VIEWER)
#define ASKERS  (MEMBERS | ROLE_GUEST) /* a guest: about what is shown to everybody */

struct brief_body {
    struct str question, account_id, tone, language;
    int64_t as_of;
};
static const struct field brief_fields[] = {
    FIELD(struct brief_body, question, FIELD_STR, .flags = FIELD_REQUIRED, .min = 1,
          .max = SUCCESS_ASK_MAX_CHARS, .title = "such as: Prepare a renewal brief for Acme Corp"),
    FIELD(struct brief_body, account_id, FIELD_STR, .max = 200,
          .title = "id or slug of the account it is about when the question names none"),
    FIELD(struct brief_body, tone, FIELD_STR, .max = 20, .title = "friendly, formal or concise"),
    FIELD(struct brief_body, language, FIELD_STR, .max = 20,
          .title = "of the answer: en, de, nl or fr; else that of the organisation"),
    FIELD(struct brief_body, as_of, FIELD_TIME,
          .title = "answer as of this moment of the past; a day counts to its end"),
};
static const struct field_table brief_table = FIELD_TABLE("BriefQuestion", brief_fields);

static const struct json *params_of(struct arena *a, struct str tone, struct str language)
{
    return json_object(a, {"tone", tone.n ? json_new_str(a, tone) : NULL},
                       {"language", language.n ? json_new_str(a, language) : NULL});
}

/* ---- asking -------------------------------------------------------------- */

/* A day is meant to its end, as on the account's page; today is now. */
static int64_t as_of(const struct ctx *c, const struct call *call, int64_t ms)
{
    int64_t day_ms, now_ms = ctx_now_ms(c);
    bool day = date_parse_day(json_str(call->body, "as_of", STR("")), &day_ms);
    int64_t end_ms = day ? day_ms + DATE_DAY_MS - 1 : ms;
    return day && day_ms <= now_ms && end_ms >= now_ms ? 0 : end_ms;
}

struct making {
    struct success_order order;
    struct brief brief;
};

/* With an Idempotency-Key: tools and models are asked before the transaction that keeps the answer.
 */
static enum err prepare_brief(struct ctx *c, struct call *call, void *arg)
{
    struct making *m = arg;
    (void)call;
    if (!id_is_set(&m->order.again)) {
        return success_ask(c, &m->order.ask, &m->brief);
    }
    struct brief before;
    TRY(brief_get(c, call->store, &m->order.again, &before));
    return success_ask_again(c, &m->order.ask, &before, &m->brief);
}

static enum err keep_brief(struct ctx *c, struct call *call, void *arg)
{
    struct making *m = arg;
    bool again = id_is_set(&m->order.again);
    TRY((again ? brief_replace : brief_add)(c, call->store, &m->brief));
    json_put(call_json(call), m->brief.final);
    return E_OK;
}

static enum err answer(struct ctx *c, struct call *call, const struct success_order *order)
{
    if (success_stream_is_wanted(call)) {
        return success_stream_open(c, call, order);
    }
    struct making m = {.order = *order};
    struct once once = {.store = call->store,
                        .actor = id_str(&c->actor),
                        .prepare = prepare_brief,
                        .handler = keep_brief,
                        .arg = &m};
    return call_once(c, call, &once);
}

static enum err post_brief(struct ctx *c, struct call *call)
{
    const struct brief_body *in = call->input;
    struct success_order order = {.ask = {.text = in->question,
                                          .selected = in->account_id,
                                          .params = params_of(c->arena, in->tone, in->language),
                                          .as_of_ms = as_of(c, call, in->as_of)}};
    TRY(success_ask_check(c, &order.ask, "question"));
    return answer(c, call, &order);
}

static enum err get_stream(struct ctx *c, struct call *call)
{
    struct success_order order = {.ask = {.text = call_query(c, call, "message"),
                                          .selected = call_query(c, call, "selected_account_id"),
                                          .params = params_of(c->arena, call_query(c, call, "tone"),
                                                              call_query(c, call, "language"))}};
    TRY(success_ask_check(c, &order.ask, "message"));
    return success_stream_open(c, call, &order);
}

static enum err rerun(struct ctx *c, struct call *call)
{
    struct success_order order;
    struct id id;
    TRY(call_id(c, call, 0, &id));
    TRY(success_stream_again(c, &id, &order));
    return answer(c, call, &order);
}

/* ---- reading ------------------------------------------------------------- */

static enum err list_briefs(struct ctx *c, struct call *call)
{
    struct brief_filter filter = {.account = call_query(c, call, "account")};
    const struct json *items;
    bool more;
    struct str cursor = call_query(c, call, "cursor");
    TRY(call_limit(c, call, &filter.limit));
    if (cursor.n && !id_parse(cursor, &filter.before)) {
        return ctx_fail_field(c, E_INVALID, "cursor", "the cursor is not one of ours");
    }
    TRY(brief_list(c, call->store, &filter, &items, &more));
    struct json_out *o = call_list_begin(call);
    size_t n = json_count(items);
    for (size_t i = 0; i < n; i++) {
        json_put(o, json_at(items, i));
    }
    call_list_end(call, more ? json_str(json_at(items, n - 1), "id", STR("")) : STR(""));
    return E_OK;
}

static enum err get_brief(struct ctx *c, struct call *call)
{
    struct brief b;
    struct id id;
    TRY(call_id(c, call, 0, &id));
    TRY(brief_get(c, call->store, &id, &b));
    json_put(call_json(call), b.final);
    return E_OK;
}

static enum err delete_brief(struct ctx *c, struct call *call)
{
    struct brief b;
    struct id id;
    TRY(call_id(c, call, 0, &id));
    TRY(brief_get(c, call->store, &id, &b));
    TRY(brief_delete(c, call->store, &id));
    return audit_add(c, call->store, "brief_deleted", id_str(&id), NULL);
}

/* ---- what could be asked ------------------------------------------------- */

static const struct json *suggestion(struct arena *a, const char *title, struct str question)
{
    return json_object(a, {"title", json_new_str(a, str_of(title))},
                       {"question", json_new_str(a, question)});
}

/* About the accounts whose renewals come next, and about all of them. */
static enum err get_suggestions(struct ctx *c, struct call *call)
{
    static const char *const texts[][2] = {
        {"Renewal brief", "Prepare a renewal brief for %.*s"},
        {"Health", "How healthy is %.*s?"},
        {"Check-in e-mail", "Draft a check-in e-mail to %.*s"},
        {"Business review", "Outline the QBR for %.*s"},
    };
    struct arena *a = c->arena;
    const struct json *answer;
    const struct json *question = json_object(a, {"sort", json_new_str(a, STR("renewal_date_ms"))},
                                              {"renews_after_ms", json_new_int(a, ctx_now_ms(c))},
                                              {"limit", json_new_int(a, 4)});
    TRY(host_ask(c, "account.portfolio", question, &answer));
    const struct json *accounts = json_get(answer, "items");
    struct json_out *o = call_list_begin(call);
    for (size_t i = 0; i < json_count(accounts) && i < 4; i++) {
        struct str name = json_str(json_at(accounts, i), "name", STR(""));
        ptrdiff_t at = str_find(str_of(texts[i][1]), STR("%.*s"));
        struct str before = str_make(texts[i][1], (size_t)at);
        struct str text =
            str_fmt(a, "%.*s%.*s%s", STR_ARG(before), STR_ARG(name), texts[i][1] + at + 4);
        const struct json *s = suggestion(a, texts[i][0], text);
        json_put(o, json_with(a, s, STR("account"), json_at(accounts, i)));
    }
    json_put(o,
             suggestion(a, "Most at risk", STR("Which customers are most at risk this quarter?")));
    json_put(o, suggestion(a, "Renewals", STR("Which customers renew in the next 60 days?")));
    json_put(o, suggestion(a, "Declining usage", STR("Which customers have declining usage?")));
    call_list_end(call, STR(""));
    return E_OK;
}

/* ---- what others ask ----------------------------------------------------- */

static enum err ask_briefs(struct ctx *c, const struct json *question, const struct json **out)
{
    struct store *s;
    const struct json *items;
    bool more;
    int64_t limit = json_int(question, "limit", 20);
    struct brief_filter filter = {.account = json_str(question, "account", STR("")),
                                  .as_of_ms = json_int(question, "as_of_ms", 0),
                                  .limit = limit < 1                  ? 1
                                           : limit > BRIEF_LISTED_MAX ? BRIEF_LISTED_MAX
                                                                      : (int)limit};
    TRY(store_of(c, &s));
    TRY(brief_list(c, s, &filter, &items, &more));
    *out = json_object(c->arena, {"items", items}, {"more", json_new_bool(more)});
    return E_OK;
}

static enum err ask_forget(struct ctx *c, const struct json *question, const struct json **out)
{
    struct store *s;
    TRY(store_of(c, &s));
    TRY(brief_forget(c, s, json_str(question, "account", STR(""))));
    TRY(eval_session_forget(c, s, json_str(question, "account", STR(""))));
    *out = &json_empty_object;
    return E_OK;
}

static enum err expire(struct ctx *c, struct job *job)
{
    struct store *s;
    struct org org;
    (void)job;
    TRY(org_get(c, &c->org, &org));
    TRY(store_of(c, &s));
    TRY(brief_expire(c, s, brief_keep_days(org.settings)));
    return eval_session_trim(c, s);
}

/* ---- tables -------------------------------------------------------------- */

#define WRITES (ROLE_ADMIN | ROLE_ENGINEER)
#define JUDGES (ROLE_BUILDS | ROLE_SUCCESS)
#define TOOL   "/tools/{org}/{tool}"
#define SIGNED (ROUTE_RAW | ROUTE_NO_STORE | ROUTE_SIGNED)
#define EVALS  "/api/v1/eval-sessions"

static const struct route routes[] = {
    {"POST", "/api/v1/briefs", ASKERS, "briefs:write", post_brief,
     "Ask about an account or all of them; with Accept: text/event-stream as it is worked out",
     &brief_table, sizeof(struct brief_body), ROUTE_CREATES | ROUTE_PREPARES | ROUTE_SLOW},
    {"GET", "/api/v1/briefs", ASKERS, "briefs:read", list_briefs, "What was asked, newest first",
     NULL, 0, 0},
    {"GET", "/api/v1/briefs/{id}", ASKERS, "briefs:read", get_brief, "A brief", NULL, 0, 0},
    {"PATCH", "/api/v1/briefs/{id}", ROLE_SERVES, "briefs:write", brief_edit_patch,
     "Edit the draft of the e-mail", &brief_patch_table, sizeof(struct brief_patch_body),
     ROUTE_ONCE},
    {"POST", "/api/v1/briefs/{id}/email", ROLE_SERVES, "briefs:write", brief_edit_email,
     "Write the draft of the e-mail anew, in a tone and language", &brief_email_table,
     sizeof(struct brief_email_body), ROUTE_OPTIONAL_BODY | ROUTE_PREPARES | ROUTE_SLOW},
    {"DELETE", "/api/v1/briefs/{id}", ROLE_SERVES, "briefs:write", delete_brief, "Remove a brief",
     NULL, 0, ROUTE_ONCE},
    {"GET", "/api/v1/briefs/{id}/export", MEMBERS, "briefs:read", export_brief,
     "A brief as a document: renewal brief or business review, as PDF, PowerPoint, HTML or "
     "Markdown",
     NULL, 0, ROUTE_SLOW},
    {"POST", "/api/v1/briefs/{id}/rerun", ASKERS, "briefs:write", rerun,
     "Run only the tools that failed once more", NULL, 0,
     ROUTE_OPTIONAL_BODY | ROUTE_PREPARES | ROUTE_SLOW},
    {"GET", "/api/v1/copilot/suggestions", ASKERS, "briefs:read", get_suggestions,
     "Questions worth asking today", NULL, 0, 0},
    {"GET", "/api/v1/copilot/stream", ASKERS, "briefs:write", get_stream,
     "Ask, and hear the answer as server-sent events", NULL, 0, 0},
    {"GET", "/api/v1/copilot/ws", ROLE_PUBLIC, "", success_stream_socket,
     "Ask over a WebSocket; the first frame signs in", NULL, 0, ROUTE_NO_STORE | ROUTE_HTML},
    {"POST", TOOL, ROLE_PUBLIC, "", tool_gate_call,
     "One of the six tools, for a program outside that signs", NULL, 0, SIGNED},
    {"OPTIONS", TOOL, ROLE_PUBLIC, "", tool_gate_options, "What browsers ask first", NULL, 0,
     ROUTE_NO_STORE | ROUTE_HTML},
    {"POST", TOOL "/start", ROLE_PUBLIC, "", tool_gate_start,
     "The same as a job: its id at once, its result later", NULL, 0, SIGNED},
    {"GET", "/tools/{org}/status/{job}", ROLE_PUBLIC, "", tool_gate_status,
     "What became of such a job", NULL, 0, ROUTE_NO_STORE | ROUTE_SIGNED},
    {"GET", "/api/v1/tool-clients", ROLE_BUILDS, "tools:read", tool_gate_list,
     "Programs outside that may use the success tools", NULL, 0, 0},
    {"POST", "/api/v1/tool-clients", WRITES, "tools:write", tool_gate_create,
     "Add one; its secret is shown once", &tool_client_table, sizeof(struct tool_client_input),
     ROUTE_CREATES | ROUTE_ONCE},
    {"POST", "/api/v1/tool-clients/{id}/rotate", WRITES, "tools:write", tool_gate_rotate,
     "A new secret; the old one works for a while", &tool_client_rotation_table,
     sizeof(struct tool_client_rotation), ROUTE_ONCE | ROUTE_OPTIONAL_BODY},
    {"DELETE", "/api/v1/tool-clients/{id}", WRITES, "tools:write", tool_gate_delete,
     "Remove one: its requests are refused at once", NULL, 0, ROUTE_ONCE},
    {"GET", "/api/v1/eval-tasks", JUDGES, "evals:read", eval_session_tasks,
     "What the copilot can be tested with", NULL, 0, 0},
    {"GET", EVALS, JUDGES, "evals:read", eval_session_list, "Evaluations, newest first", NULL, 0,
     0},
    {"POST", EVALS, JUDGES, "evals:write", eval_session_post,
     "Ask the copilot each task about each account, and judge the answers", &eval_session_table,
     sizeof(struct eval_session_input), ROUTE_CREATES},
    {"GET", EVALS "/{id}", JUDGES, "evals:read", eval_session_get,
     "An evaluation and its results after a number", NULL, 0, 0},
    {"POST", EVALS "/{id}/stop", JUDGES, "evals:write", eval_session_stop, "Stop one", NULL, 0,
     ROUTE_OPTIONAL_BODY | ROUTE_ONCE},
    {"DELETE", EVALS "/{id}", JUDGES, "evals:write", eval_session_delete, "Remove one", NULL, 0,
     ROUTE_ONCE},
    {"GET", EVALS "/{id}/export", JUDGES, "evals:read", eval_session_export,
     "The whole of it as a file", NULL, 0, 0},
    {0},
};

static const struct query_key queries[] = {
    {"/api/v1/briefs", "account", "string", "id or slug: only briefs about it"},
    {EVALS "/{id}", "after", "integer", "only results with a higher number"},
    {"/api/v1/briefs/{id}/export", "format", "string",
     "pdf (default), pptx, html, md, or eml: the draft of the e-mail"},
    {"/api/v1/briefs/{id}/export", "kind", "string", "brief (default) or qbr"},
    {"/api/v1/copilot/stream", "message", "string", "the question"},
    {"/api/v1/copilot/stream", "selected_account_id", "string",
     "id or slug of the account when the question names none"},
    {"/api/v1/copilot/stream", "tone", "string", "of the e-mail: friendly, formal, concise"},
    {"/api/v1/copilot/stream", "language", "string", "of the e-mail: en, de, nl, fr"},
    {0},
};

static const struct ask asks[] = {
    {"success.briefs", ask_briefs, "{account, as_of_ms?, limit?} -> the latest briefs about it"},
    {"success.forget", ask_forget, "{account}: erases the briefs about it"},
    {0},
};

static const struct job_kind jobs[] = {
    {.kind = "success_expire", .run = expire, .lane = LANE_BACKGROUND},
    {.kind = "success_tool", .run = tool_gate_work, .lane = LANE_BACKGROUND, .tries = 3},
    {.kind = "success_tool_expire", .run = tool_gate_expire, .lane = LANE_BACKGROUND},
    {.kind = "eval_session",
     .run = eval_run_work,
     .lane = LANE_BACKGROUND,
     .tries = EVAL_RUN_TRIES,
     .timeout_ms = 300000},
    {0},
};
static const struct job_schedule schedules[] = {
    {.kind = "success_expire", .every_ms = 3600000},
    {.kind = "success_tool_expire", .every_ms = 600000},
    {0},
};

const struct service success_service = {
    .name = "success",
    .purpose = "The success copilot: questions about accounts, answered with their own numbers.",
    .routes = routes,
    .queries = queries,
    .asks = asks,
    .jobs = jobs,
    .schedules = schedules,
    .migrations = success_schema,
    .config = brief_config,
    .on_message = success_stream_message,
    .on_close = success_stream_close,
};
