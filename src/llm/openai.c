/* OpenAI chat completions, streamed, and the servers that speak it: vLLM, Ollama, llama.cpp and
 * others (https://platform.openai.com/docs/api-reference/chat). options: {"max_tokens":
 * "max_tokens" or "max_completion_tokens", "json": "schema" | "object" | "prompt", "stream": false,
 * "usage_in_stream": false}. */
#include "llm/stream.h"
#include "llm/transcript.h"

/* ---- what is sent ------------------------------------------------------------------------- */

static void put_message(struct json_out *o, const char *role, struct str text)
{
    json_open_object(o);
    json_field_str(o, "role", str_of(role));
    json_field_str(o, "content", text);
    json_close_object(o);
}

static void put_call(struct json_out *o, const struct chat_call *k)
{
    bool sound = k->fault == CHAT_CALL_FINE || k->fault == CHAT_CALL_BAD_ARGUMENTS;
    json_open_object(o);
    json_field_str(o, "id", k->id);
    json_field_str(o, "type", STR("function"));
    json_name(o, "function");
    json_open_object(o);
    json_field_str(o, "name", k->name);
    /* What was no JSON is not sent back: some servers parse it again and fail. */
    json_field_str(o, "arguments", sound && k->arguments_text.n ? k->arguments_text : STR("{}"));
    json_close_object(o);
    json_close_object(o);
}

static void put_assistant(struct json_out *o, const struct transcript_turn *turn)
{
    json_open_object(o);
    json_field_str(o, "role", STR("assistant"));
    if (turn->text.n) {
        json_field_str(o, "content", turn->text);
    } else {
        json_field_null(o, "content");
    }
    if (turn->call_count) {
        json_name(o, "tool_calls");
        json_open_array(o);
        for (int i = 0; i < turn->call_count; i++) {
            put_call(o, &turn->calls[i]);
        }
        json_close_array(o);
    }
    json_close_object(o);
}

static void put_result(struct json_out *o, struct arena *a, const struct transcript_result *r)
{
    json_open_object(o);
    json_field_str(o, "role", STR("tool"));
    json_field_str(o, "tool_call_id", r->call_id);
    /* this format has no mark for a failed call */
    json_field_str(o, "content",
                   r->is_error ? str_fmt(a, "Error: %.*s", STR_ARG(r->text)) : r->text);
    json_close_object(o);
}

static void put_messages(struct json_out *o, struct arena *a, const struct chat_request *r,
                         struct str system)
{
    struct transcript t = transcript_of(a, r);
    json_name(o, "messages");
    json_open_array(o);
    if (system.n) {
        put_message(o, "system", system);
    }
    for (int i = 0; i < t.count; i++) {
        const struct transcript_turn *turn = &t.turns[i];
        if (turn->assistant) {
            put_assistant(o, turn);
            continue;
        }
        for (int k = 0; k < turn->result_count; k++) {
            put_result(o, a, &turn->results[k]);
        }
        if (turn->text.n) {
            put_message(o, "user", turn->text);
        }
    }
    json_close_array(o);
}

static void put_tools(struct json_out *o, struct arena *a, const struct chat_request *r)
{
    json_name(o, "tools");
    json_open_array(o);
    for (int i = 0; i < r->tool_count; i++) {
        json_open_object(o);
        json_field_str(o, "type", STR("function"));
        json_name(o, "function");
        json_open_object(o);
        json_field_str(o, "name", r->tools[i].name);
        json_field_str(o, "description", r->tools[i].description);
        json_field(o, "parameters", transcript_schema(a, r->tools[i].parameters));
        json_close_object(o);
        json_close_object(o);
    }
    json_close_array(o);
    if (r->tool_choice == CHAT_TOOLS_NAMED) {
        json_name(o, "tool_choice");
        json_open_object(o);
        json_field_str(o, "type", STR("function"));
        json_name(o, "function");
        json_open_object(o);
        json_field_str(o, "name", r->tool_name);
        json_close_object(o);
        json_close_object(o);
        return;
    }
    static const char *const names[] = {"auto", "none", "required"};
    json_field_str(o, "tool_choice", str_of(names[r->tool_choice]));
}

/* Letters, digits, _ and -: the name they accept for a schema. */
static struct str format_name(struct arena *a, struct str name)
{
    char *text = str_dupz(a, name.n ? str_sub(name, 0, 64) : STR("answer"));
    for (char *p = text; *p; p++) {
        bool fine = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
                    (*p >= '0' && *p <= '9') || *p == '_' || *p == '-';
        *p = fine ? *p : '_';
    }
    return str_of(text);
}

static void put_format(struct json_out *o, struct arena *a, const struct chat_request *r,
                       struct str mode)
{
    json_name(o, "response_format");
    json_open_object(o);
    if (str_eqz(mode, "object")) {
        json_field_str(o, "type", STR("json_object"));
    } else {
        json_field_str(o, "type", STR("json_schema"));
        json_name(o, "json_schema");
        json_open_object(o);
        json_field_str(o, "name", format_name(a, r->schema_name));
        json_field(o, "schema", transcript_schema(a, r->schema));
        json_close_object(o);
    }
    json_close_object(o);
}

static struct str system_of(struct arena *a, const struct chat_request *r, struct str mode)
{
    if (!r->schema || str_eqz(mode, "schema")) {
        return r->system;
    }
    return str_fmt(a,
                   "%.*s\n\nAnswer with one JSON value and nothing else. It must fit this JSON "
                   "Schema:\n%.*s",
                   STR_ARG(r->system), STR_ARG(json_write(a, transcript_schema(a, r->schema))));
}

/* OpenAI's own models take only the new name, other servers know only the old one. */
static struct str limit_name(const struct provider_account *account)
{
    bool own = str_find(account->base_url, STR("//api.openai.com")) >= 0;
    return json_str(account->options, "max_tokens",
                    own ? STR("max_completion_tokens") : STR("max_tokens"));
}

static void put_request(struct json_out *o, struct arena *a, const struct provider_call *call)
{
    const struct chat_request *r = call->request;
    const struct json *options = call->account->options;
    struct str mode = json_str(options, "json", STR("schema"));
    bool stream = json_bool(options, "stream", true);
    json_open_object(o);
    json_field_str(o, "model", call->model);
    json_name_str(o, limit_name(call->account));
    json_put_int(o, r->max_tokens);
    json_field_bool(o, "stream", stream);
    if (stream && json_bool(options, "usage_in_stream", true)) {
        json_name(o, "stream_options");
        json_open_object(o);
        json_field_bool(o, "include_usage", true);
        json_close_object(o);
    }
    if (r->tool_count) {
        put_tools(o, a, r);
    }
    if (r->schema && !str_eqz(mode, "prompt")) {
        put_format(o, a, r, mode);
    }
    if (r->temperature >= 0) {
        json_field_real(o, "temperature", r->temperature);
    }
    if (r->stop_count) {
        json_name(o, "stop");
        json_open_array(o);
        for (int i = 0; i < r->stop_count && i < 4; i++) { /* theirs takes four */
            json_put_str(o, r->stop[i]);
        }
        json_close_array(o);
    }
    put_messages(o, a, r, system_of(a, r, mode));
    json_close_object(o);
}

/* ---- what comes back ---------------------------------------------------------------------- */

static void take_usage(struct stream *s, const struct json *usage)
{
    if (!json_is(usage, JSON_OBJECT)) {
        return;
    }
    struct chat_usage *u = &s->answer->usage;
    u->tokens_in = json_int(usage, "prompt_tokens", u->tokens_in);
    u->tokens_out = json_int(usage, "completion_tokens", u->tokens_out);
    const struct json *cached = json_path(usage, "prompt_tokens_details.cached_tokens");
    u->tokens_in_cached = (int64_t)json_number(cached, 0);
}

static void take_finish(struct stream *s, struct str reason)
{
    if (reason.n == 0) {
        return;
    }
    s->done = true;
    if (s->answer->stop == CHAT_STOP_REFUSAL) {
        return;
    }
    if (str_eqz(reason, "length")) {
        s->answer->stop = CHAT_STOP_LENGTH;
    } else if (str_eqz(reason, "tool_calls") || str_eqz(reason, "function_call")) {
        s->answer->stop = CHAT_STOP_TOOLS;
    } else if (str_eqz(reason, "content_filter")) {
        s->answer->stop = CHAT_STOP_REFUSAL;
    } else {
        s->answer->stop = CHAT_STOP_END;
    }
}

/* Pieces name their call by index. Servers that leave the index out send whole calls, each with an
 * id; a piece with neither goes on with the last one. */
static int64_t index_of(const struct stream *s, const struct json *piece)
{
    const struct json *index = json_get(piece, "index");
    if (json_is(index, JSON_INT)) {
        return index->integer;
    }
    struct str id = json_str(piece, "id", STR(""));
    int64_t last = s->call_count ? s->calls[s->call_count - 1].index : -1;
    bool fresh = s->call_count == 0 || (id.n && !str_eq(id, s->calls[s->call_count - 1].id));
    return fresh ? last + 1 : last;
}

static void take_call(struct stream *s, const struct json *piece)
{
    const struct json *function = json_get(piece, "function");
    struct stream_call *k = stream_call_at(s, index_of(s, piece));
    stream_call_named(s, k, json_str(piece, "id", STR("")), json_str(function, "name", STR("")));
    const struct json *arguments = json_get(function, "arguments");
    if (json_is(arguments, JSON_OBJECT)) {
        stream_call_whole(s, k, arguments);
    } else {
        stream_call_add(s, k, json_text(arguments, STR("")));
    }
}

/* Content is a text, or a list of parts with texts. */
static enum err take_content(struct stream *s, const struct json *content)
{
    for (size_t i = 0; json_is(content, JSON_ARRAY) && i < json_count(content); i++) {
        TRY(stream_text(s, json_str(json_at(content, i), "text", STR(""))));
    }
    return json_is(content, JSON_STRING) ? stream_text(s, content->string) : E_OK;
}

static enum err take_choice(struct stream *s, const struct json *choice)
{
    const struct json *delta = json_get(choice, "delta");
    delta = json_is(delta, JSON_OBJECT) ? delta : json_get(choice, "message");
    struct str refusal = json_str(delta, "refusal", STR(""));
    if (refusal.n) {
        s->answer->stop = CHAT_STOP_REFUSAL;
        TRY(stream_text(s, refusal));
    }
    TRY(take_content(s, json_get(delta, "content")));
    const struct json *calls = json_get(delta, "tool_calls");
    for (size_t i = 0; i < json_count(calls); i++) {
        take_call(s, json_at(calls, i));
    }
    take_finish(s, json_str(choice, "finish_reason", STR("")));
    return E_OK;
}

static enum err on_event(struct stream *s, const struct sse_event *sse)
{
    struct str data = str_trim(sse->data);
    if (data.n == 0) {
        return E_OK;
    }
    if (str_eqz(data, "[DONE]")) {
        s->done = s->done || s->any; /* an end without any answer is none */
        return E_OK;
    }
    const struct json *chunk = NULL;
    TRY(stream_parse(s, data, &chunk));
    if (!json_is_null(json_get(chunk, "error"))) {
        return stream_refuse(s->c, s->call, 0, chunk, 0);
    }
    take_usage(s, json_get(chunk, "usage"));
    const struct json *choice = json_at(json_get(chunk, "choices"), 0);
    return json_is(choice, JSON_OBJECT) ? take_choice(s, choice) : E_OK;
}

static enum err on_whole(struct stream *s, const struct json *body)
{
    const struct json *choice = json_at(json_get(body, "choices"), 0);
    if (!json_is(json_get(choice, "message"), JSON_OBJECT)) {
        return ctx_fail(s->c, E_UNAVAILABLE, "%.*s sent no message",
                        STR_ARG(s->call->account->name));
    }
    s->any = true;
    take_usage(s, json_get(body, "usage"));
    return take_choice(s, choice);
}

static void put_headers(struct arena *a, const struct provider_call *call, struct stream_post *post)
{
    struct str key = call->account->key;
    if (key.n) {
        stream_header(post, "authorization", str_fmt(a, "Bearer %.*s", STR_ARG(key)));
    }
}

static const struct stream_format FORMAT = {.path = "/chat/completions",
                                            .put_request = put_request,
                                            .put_headers = put_headers,
                                            .on_event = on_event,
                                            .on_whole = on_whole};

static enum err openai_send(struct ctx *c, const struct provider_call *call, void *arg,
                            struct provider_answer *answer)
{
    (void)arg;
    return stream_send(c, call, &FORMAT, answer);
}

const struct provider provider_openai = {"openai", openai_send};
