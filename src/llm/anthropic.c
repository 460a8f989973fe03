/* Anthropic's Messages API, version 2023-06-01, streamed
 * (https://docs.anthropic.com/en/api/messages). options: {"auth": "bearer", "prompt_cache": true,
 * "json_schema": true, "stream": false}. */
#include "llm/stream.h"
#include "llm/transcript.h"

/* ---- what is sent ------------------------------------------------------------------------- */

static void put_text_block(struct json_out *o, struct str text)
{
    json_open_object(o);
    json_field_str(o, "type", STR("text"));
    json_field_str(o, "text", text);
    json_close_object(o);
}

static void put_call_block(struct json_out *o, const struct chat_call *k)
{
    json_open_object(o);
    json_field_str(o, "type", STR("tool_use"));
    json_field_str(o, "id", k->id);
    json_field_str(o, "name", k->name);
    json_field(o, "input", json_is(k->arguments, JSON_OBJECT) ? k->arguments : &json_empty_object);
    json_close_object(o);
}

static void put_result_block(struct json_out *o, const struct transcript_result *r)
{
    json_open_object(o);
    json_field_str(o, "type", STR("tool_result"));
    json_field_str(o, "tool_use_id", r->call_id);
    json_field_str(o, "content", r->text);
    if (r->is_error) {
        json_field_bool(o, "is_error", true);
    }
    json_close_object(o);
}

static void put_messages(struct json_out *o, struct arena *a, const struct chat_request *r)
{
    struct transcript t = transcript_of(a, r);
    json_name(o, "messages");
    json_open_array(o);
    for (int i = 0; i < t.count; i++) {
        const struct transcript_turn *turn = &t.turns[i];
        json_open_object(o);
        json_field_str(o, "role", turn->assistant ? STR("assistant") : STR("user"));
        json_name(o, "content");
        json_open_array(o);
        for (int k = 0; k < turn->result_count; k++) {
            put_result_block(o, &turn->results[k]);
        }
        /* A last turn of the assistant is continued by the model: no white space at its end. */
        struct str text = turn->assistant ? str_trim(turn->text) : turn->text;
        if (text.n) {
            put_text_block(o, text);
        }
        for (int k = 0; k < turn->call_count; k++) {
            put_call_block(o, &turn->calls[k]);
        }
        json_close_array(o);
        json_close_object(o);
    }
    json_close_array(o);
}

static void put_cache_mark(struct json_out *o)
{
    json_name(o, "cache_control");
    json_open_object(o);
    json_field_str(o, "type", STR("ephemeral"));
    json_close_object(o);
}

static void put_tools(struct json_out *o, struct arena *a, const struct chat_request *r,
                      bool cached)
{
    json_name(o, "tools");
    json_open_array(o);
    for (int i = 0; i < r->tool_count; i++) {
        const struct chat_tool *t = &r->tools[i];
        json_open_object(o);
        json_field_str(o, "name", t->name);
        json_field_str(o, "description", t->description);
        json_field(o, "input_schema", transcript_schema(a, t->parameters));
        if (cached && i == r->tool_count - 1) {
            put_cache_mark(o);
        }
        json_close_object(o);
    }
    json_close_array(o);
    static const char *const kinds[] = {"auto", "none", "any", "tool"};
    json_name(o, "tool_choice");
    json_open_object(o);
    json_field_str(o, "type", str_of(kinds[r->tool_choice]));
    if (r->tool_choice == CHAT_TOOLS_NAMED) {
        json_field_str(o, "name", r->tool_name);
    }
    json_close_object(o);
}

static void put_system(struct json_out *o, struct str system, bool cached)
{
    if (system.n == 0) {
        return;
    }
    if (!cached) {
        json_field_str(o, "system", system);
        return;
    }
    json_name(o, "system");
    json_open_array(o);
    json_open_object(o);
    json_field_str(o, "type", STR("text"));
    json_field_str(o, "text", system);
    put_cache_mark(o);
    json_close_object(o);
    json_close_array(o);
}

/* Their own structured output, for models that have it; else the system text asks for it. */
static void put_format(struct json_out *o, struct arena *a, const struct chat_request *r)
{
    json_name(o, "output_config");
    json_open_object(o);
    json_name(o, "format");
    json_open_object(o);
    json_field_str(o, "type", STR("json_schema"));
    json_field(o, "schema", transcript_schema(a, r->schema));
    json_close_object(o);
    json_close_object(o);
}

static struct str system_of(struct arena *a, const struct chat_request *r, bool native)
{
    if (!r->schema || native) {
        return r->system;
    }
    return str_fmt(a,
                   "%.*s\n\nAnswer with one JSON value and nothing else. It must fit this JSON "
                   "Schema:\n%.*s",
                   STR_ARG(r->system), STR_ARG(json_write(a, transcript_schema(a, r->schema))));
}

static void put_request(struct json_out *o, struct arena *a, const struct provider_call *call)
{
    const struct chat_request *r = call->request;
    const struct json *options = call->account->options;
    bool native = json_bool(options, "json_schema", false);
    bool cached = json_bool(options, "prompt_cache", false);
    json_open_object(o);
    json_field_str(o, "model", call->model);
    json_field_int(o, "max_tokens", r->max_tokens);
    json_field_bool(o, "stream", json_bool(options, "stream", true));
    put_system(o, system_of(a, r, native), cached);
    if (r->tool_count) {
        put_tools(o, a, r, cached);
    }
    if (r->schema && native) {
        put_format(o, a, r);
    }
    if (r->temperature >= 0) { /* theirs ends at 1 */
        json_field_real(o, "temperature", r->temperature > 1 ? 1 : r->temperature);
    }
    if (r->stop_count) {
        json_name(o, "stop_sequences");
        json_open_array(o);
        for (int i = 0; i < r->stop_count; i++) {
            json_put_str(o, r->stop[i]);
        }
        json_close_array(o);
    }
    put_messages(o, a, r);
    json_close_object(o);
}

/* ---- what comes back ---------------------------------------------------------------------- */

static enum chat_stop stop_of(struct str reason)
{
    static const struct {
        const char *name;
        enum chat_stop stop;
    } table[] = {
        {"end_turn", CHAT_STOP_END},           {"pause_turn", CHAT_STOP_END},
        {"max_tokens", CHAT_STOP_LENGTH},      {"model_context_window_exceeded", CHAT_STOP_LENGTH},
        {"stop_sequence", CHAT_STOP_SEQUENCE}, {"tool_use", CHAT_STOP_TOOLS},
        {"refusal", CHAT_STOP_REFUSAL},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
        if (str_eqz(reason, table[i].name)) {
            return table[i].stop;
        }
    }
    return CHAT_STOP_END;
}

/* Counts are cumulative; those of message_delta may leave the input out. */
static void take_usage(struct stream *s, const struct json *usage)
{
    struct chat_usage *u = &s->answer->usage;
    int64_t plain = json_int(usage, "input_tokens", -1);
    if (plain >= 0) {
        int64_t read = json_int(usage, "cache_read_input_tokens", 0);
        u->tokens_in = plain + read + json_int(usage, "cache_creation_input_tokens", 0);
        u->tokens_in_cached = read;
    }
    u->tokens_out = json_int(usage, "output_tokens", u->tokens_out);
}

static enum err take_block(struct stream *s, int64_t index, const struct json *block)
{
    struct str type = json_str(block, "type", STR(""));
    if (str_eqz(type, "tool_use")) {
        struct stream_call *k = stream_call_at(s, index);
        stream_call_named(s, k, json_str(block, "id", STR("")), json_str(block, "name", STR("")));
        stream_call_whole(s, k, json_get(block, "input"));
        return E_OK;
    }
    return str_eqz(type, "text") ? stream_text(s, json_str(block, "text", STR(""))) : E_OK;
}

static enum err take_delta(struct stream *s, const struct json *event)
{
    const struct json *delta = json_get(event, "delta");
    struct str type = json_str(delta, "type", STR(""));
    if (str_eqz(type, "text_delta")) {
        return stream_text(s, json_str(delta, "text", STR("")));
    }
    if (str_eqz(type, "input_json_delta")) {
        struct stream_call *k = stream_call_at(s, json_int(event, "index", 0));
        stream_call_add(s, k, json_str(delta, "partial_json", STR("")));
    }
    return E_OK; /* thinking, signatures and what may come are not for us */
}

static enum err on_event(struct stream *s, const struct sse_event *sse)
{
    const struct json *event = NULL;
    if (sse->data.n == 0) {
        return E_OK;
    }
    TRY(stream_parse(s, sse->data, &event));
    struct str type = json_str(event, "type", sse->type);
    if (str_eqz(type, "error")) {
        return stream_refuse(s->c, s->call, 0, event, 0);
    }
    if (str_eqz(type, "message_start")) {
        take_usage(s, json_path(event, "message.usage"));
    } else if (str_eqz(type, "content_block_start")) {
        return take_block(s, json_int(event, "index", 0), json_get(event, "content_block"));
    } else if (str_eqz(type, "content_block_delta")) {
        return take_delta(s, event);
    } else if (str_eqz(type, "message_delta")) {
        take_usage(s, json_get(event, "usage"));
        struct str reason = json_text(json_path(event, "delta.stop_reason"), STR(""));
        if (reason.n) {
            s->answer->stop = stop_of(reason);
            s->done = true;
        }
    } else if (str_eqz(type, "message_stop")) {
        s->done = true;
    }
    return E_OK;
}

static enum err on_whole(struct stream *s, const struct json *body)
{
    const struct json *content = json_get(body, "content");
    if (!json_is(content, JSON_ARRAY)) {
        return ctx_fail(s->c, E_UNAVAILABLE, "%.*s sent no content",
                        STR_ARG(s->call->account->name));
    }
    s->any = true;
    s->answer->stop = stop_of(json_str(body, "stop_reason", STR("")));
    take_usage(s, json_get(body, "usage"));
    for (size_t i = 0; i < json_count(content); i++) {
        TRY(take_block(s, (int64_t)i, json_at(content, i)));
    }
    return E_OK;
}

static void put_headers(struct arena *a, const struct provider_call *call, struct stream_post *post)
{
    struct str key = call->account->key;
    stream_header(post, "anthropic-version", STR("2023-06-01"));
    if (key.n && str_eqz(json_str(call->account->options, "auth", STR("")), "bearer")) {
        stream_header(post, "authorization", str_fmt(a, "Bearer %.*s", STR_ARG(key)));
    } else if (key.n) {
        stream_header(post, "x-api-key", key);
    }
}

static const struct stream_format FORMAT = {.path = "/messages",
                                            .put_request = put_request,
                                            .put_headers = put_headers,
                                            .on_event = on_event,
                                            .on_whole = on_whole};

static enum err anthropic_send(struct ctx *c, const struct provider_call *call, void *arg,
                               struct provider_answer *answer)
{
    (void)arg;
    return stream_send(c, call, &FORMAT, answer);
}

const struct provider provider_anthropic = {"anthropic", anthropic_send};
