/* OpenAI's wire format and the ways in which servers that speak it differ. */
#include "unit/llm/wire.h"

static const struct provider_account account = {.name = {"local", 5},
                                                .base_url = {"http://127.0.0.1:9/v1/", 22},
                                                .key = {"key-1234", 8},
                                                .allow_private = true};

static void requests_are_written_as_the_api_wants_them(void **state)
{
    struct ctx *c = *state;
    const struct json *parameters =
        wire_json(c, "{\"type\":\"object\",\"properties\":{\"n\":{\"x-ask\":\"which?\"}}}");
    struct chat_tool tool = {STR("look"), STR("looks"), parameters, false};
    struct chat_call calls[] = {{.id = STR("t1"),
                                 .name = STR("look"),
                                 .arguments = &json_empty_object,
                                 .arguments_text = STR("{\"n\": 7}")},
                                {.id = STR("t2"),
                                 .name = STR("look"),
                                 .arguments = &json_empty_object,
                                 .arguments_text = STR("oops"),
                                 .fault = CHAT_CALL_NO_JSON}};
    struct chat_message messages[] = {
        WIRE_SAY("hi"),
        {.role = CHAT_ASSISTANT, .calls = calls, .call_count = 2},
        {.role = CHAT_TOOL, .call_id = STR("t1"), .text = STR("yes")},
        {.role = CHAT_TOOL, .call_id = STR("t2"), .text = STR("no"), .is_error = true},
        WIRE_SAY("well?"),
    };
    struct str stops[] = {STR("a"), STR("b"), STR("c"), STR("d"), STR("e")};
    const struct json *schema = wire_json(c, "{\"type\":\"object\"}");
    const struct {
        const char *why;
        struct chat_request request;
        const char *options;
        const char *body;
    } cases[] = {
        {"the least",
         {.messages = messages, .message_count = 1, .temperature = -1, .max_tokens = 50},
         "null",
         "{\"model\":\"model-1\",\"max_tokens\":50,\"stream\":true,\"stream_options\":{"
         "\"include_usage\":true},\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}"},
        {"everything",
         {.messages = messages,
          .message_count = 5,
          .system = STR("be brief"),
          .tools = &tool,
          .tool_count = 1,
          .tool_choice = CHAT_TOOLS_REQUIRED,
          .temperature = 1.5,
          .max_tokens = 50,
          .stop = stops,
          .stop_count = 5},
         "{\"stream\":false,\"max_tokens\":\"max_completion_tokens\"}",
         "{\"model\":\"model-1\",\"max_completion_tokens\":50,\"stream\":false,\"tools\":[{"
         "\"type\":\"function\",\"function\":{\"name\":\"look\",\"description\":\"looks\","
         "\"parameters\":{\"type\":\"object\",\"properties\":{\"n\":{}}}}}],\"tool_choice\":"
         "\"required\",\"temperature\":1.5,\"stop\":[\"a\",\"b\",\"c\",\"d\"],\"messages\":[{"
         "\"role\":\"system\",\"content\":\"be brief\"},{\"role\":\"user\",\"content\":\"hi\"},{"
         "\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"t1\",\"type\":"
         "\"function\",\"function\":{\"name\":\"look\",\"arguments\":\"{\\\"n\\\": 7}\"}},{"
         "\"id\":\"t2\",\"type\":\"function\",\"function\":{\"name\":\"look\",\"arguments\":"
         "\"{}\"}}]},{\"role\":\"tool\",\"tool_call_id\":\"t1\",\"content\":\"yes\"},{\"role\":"
         "\"tool\",\"tool_call_id\":\"t2\",\"content\":\"Error: no\"},{\"role\":\"user\","
         "\"content\":\"well?\"}]}"},
        {"a schema, its name made fit",
         {.messages = messages,
          .message_count = 1,
          .temperature = -1,
          .max_tokens = 9,
          .schema = schema,
          .schema_name = STR("my answer")},
         "{\"usage_in_stream\":false}",
         "{\"model\":\"model-1\",\"max_tokens\":9,\"stream\":true,\"response_format\":{\"type\":"
         "\"json_schema\",\"json_schema\":{\"name\":\"my_answer\",\"schema\":{\"type\":"
         "\"object\",\"properties\":{}}}},\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}"},
        {"a named tool",
         {.messages = messages,
          .message_count = 1,
          .temperature = -1,
          .max_tokens = 9,
          .tools = &tool,
          .tool_count = 1,
          .tool_choice = CHAT_TOOLS_NAMED,
          .tool_name = STR("look")},
         "{\"usage_in_stream\":false}",
         "{\"model\":\"model-1\",\"max_tokens\":9,\"stream\":true,\"tools\":[{\"type\":"
         "\"function\",\"function\":{\"name\":\"look\",\"description\":\"looks\",\"parameters\":{"
         "\"type\":\"object\",\"properties\":{\"n\":{}}}}}],\"tool_choice\":{\"type\":"
         "\"function\",\"function\":{\"name\":\"look\"}},\"messages\":[{\"role\":\"user\","
         "\"content\":\"hi\"}]}"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct provider_account own = account;
        own.options = wire_json(c, cases[i].options);
        struct provider_answer a;
        wire_ask(c, &provider_openai, &own, &cases[i].request, &a);
        if (!json_equal(wire_json(c, wire.sent), wire_json(c, cases[i].body))) {
            fail_msg("%s: %s", cases[i].why, wire.sent);
        }
    }
    assert_string_equal(wire.url, "http://127.0.0.1:9/v1/chat/completions");
    assert_string_equal(wire.sent_headers, "content-type: application/json\n"
                                           "accept: text/event-stream, application/json\n"
                                           "authorization: Bearer key-1234\n");
    assert_true(wire.allow_private);
}

static void json_can_be_asked_for_in_three_ways(void **state)
{
    struct ctx *c = *state;
    static const struct {
        const char *options, *type; /* of response_format; empty: none */
        bool in_words;
    } cases[] = {{"{}", "json_schema", false},
                 {"{\"json\":\"object\"}", "json_object", true},
                 {"{\"json\":\"prompt\"}", "", true}};
    struct chat_message m = WIRE_SAY("hi");
    struct chat_request r = {.messages = &m,
                             .message_count = 1,
                             .system = STR("be brief"),
                             .schema = wire_json(c, "{\"type\":\"array\"}")};
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct provider_account own = account;
        own.options = wire_json(c, cases[i].options);
        struct provider_answer a;
        wire_ask(c, &provider_openai, &own, &r, &a);
        const struct json *sent = wire_json(c, wire.sent);
        struct str type = json_text(json_path(sent, "response_format.type"), STR(""));
        struct str system = json_text(json_path(sent, "messages[0].content"), STR(""));
        assert_true(str_eqz(type, cases[i].type));
        assert_int_equal(str_find(system, STR("JSON Schema")) > 0, cases[i].in_words);
    }
}

#define D(json)      "data: " json "\n\n"
#define CHUNK(delta) D("{\"id\":\"x\",\"choices\":[{\"index\":0,\"delta\":" delta "}]}")
#define TEXT(z)      CHUNK("{\"content\":\"" z "\"}")
#define FINISH(why)  D("{\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"" why "\"}]}")
#define USAGE(choices)                                                                             \
    D("{" choices "\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":4,"                        \
      "\"prompt_tokens_details\":{\"cached_tokens\":2}}}")
#define DONE        D("[DONE]")
#define CALL(piece) CHUNK("{\"tool_calls\":[" piece "]}")

static const struct wire_stream streams[] = {
    {"a plain answer",
     CHUNK("{\"role\":\"assistant\",\"content\":\"\"}") TEXT("Hel") TEXT("lo") FINISH("stop")
         USAGE("\"choices\":[],") DONE,
     "Hello|end|9/2/4", E_OK},
    {"usage with choices null (vLLM)", TEXT("a") FINISH("stop") USAGE("\"choices\":null,") DONE,
     "a|end|9/2/4", E_OK},
    {"usage without choices", TEXT("a") FINISH("stop") USAGE("") DONE, "a|end|9/2/4", E_OK},
    {"usage null in every chunk",
     D("{\"choices\":[{\"delta\":{\"content\":\"a\"}}],\"usage\":null}") FINISH("stop") DONE,
     "a|end|0/0/0", E_OK},
    {"no [DONE]", TEXT("a") FINISH("length"), "a|length|0/0/0", E_OK},
    {"no finish_reason", TEXT("a") DONE, "a|end|0/0/0", E_OK},
    {"[DONE] without the last line end", TEXT("a") "data: [DONE]", "a|end|0/0/0", E_OK},
    {"padding and unknown fields",
     D("{\"obfuscation\":\"xx\",\"moderation\":{},\"choices\":[{\"delta\":{\"content\":\"a\","
       "\"reasoning_content\":\"hm\"},\"logprobs\":null}]}") FINISH("stop") DONE,
     "a|end|0/0/0", E_OK},
    {"content in parts",
     CHUNK("{\"content\":[{\"type\":\"text\",\"text\":\"a\"},{\"type\":"
           "\"text\",\"text\":\"b\"}]}") FINISH("stop") DONE,
     "ab|end|0/0/0", E_OK},
    {"a call in pieces",
     CALL("{\"index\":0,\"id\":\"c1\",\"type\":\"function\",\"function\":{\"name\":\"look\","
          "\"arguments\":\"\"}}") CALL("{\"index\":0,\"function\":{\"arguments\":\"{\\\"n\\\"\"}}")
         CALL("{\"index\":0,\"function\":{\"arguments\":\":7}\"}}") FINISH("tool_calls") DONE,
     "|tools|0/0/0|look(c1){\"n\":7}", E_OK},
    {"two calls taking turns",
     CALL("{\"index\":0,\"id\":\"c1\",\"function\":{\"name\":\"look\",\"arguments\":\"{\"}}")
         CALL("{\"index\":1,\"id\":\"c2\",\"function\":{\"name\":\"book\",\"arguments\":\"{\"}}")
             CALL("{\"index\":0,\"function\":{\"arguments\":\"}\"}},{\"index\":1,\"function\":{"
                  "\"arguments\":\"}\"}}") FINISH("tool_calls") DONE,
     "|tools|0/0/0|look(c1){}|book(c2){}", E_OK},
    {"whole calls without an index",
     CALL("{\"id\":\"c1\",\"function\":{\"name\":\"look\",\"arguments\":\"{}\"}}")
         CALL("{\"id\":\"c2\",\"function\":{\"name\":\"book\",\"arguments\":{\"n\":1}}}")
             FINISH("tool_calls") DONE,
     "|tools|0/0/0|look(c1){}|book(c2){\"n\":1}", E_OK},
    {"pieces without index or id go on with the last",
     CALL("{\"id\":\"c1\",\"function\":{\"name\":\"look\",\"arguments\":\"{\\\"n\\\":\"}}")
         CALL("{\"function\":{\"arguments\":\"7}\"}}") FINISH("tool_calls") DONE,
     "|tools|0/0/0|look(c1){\"n\":7}", E_OK},
    {"a call that ends with \"stop\"",
     CALL("{\"index\":0,\"id\":\"c1\",\"function\":{\"name\":\"look\",\"arguments\":\"{}\"}}")
         FINISH("stop") DONE,
     "|tools|0/0/0|look(c1){}", E_OK},
    {"arguments that are no JSON",
     CALL("{\"index\":0,\"id\":\"c1\",\"function\":{\"name\":\"look\",\"arguments\":"
          "\"nothing\"}}") FINISH("tool_calls") DONE,
     "|tools|0/0/0|look(c1){}!nojson", E_OK},
    {"arguments that can be mended",
     CALL("{\"index\":0,\"id\":\"c1\",\"function\":{\"name\":\"look\",\"arguments\":"
          "\"{'n': 7, on: True,}\"}}") FINISH("tool_calls") DONE,
     "|tools|0/0/0|look(c1){\"n\":7,\"on\":true}", E_OK},
    {"arguments that stop although the answer does not",
     CALL("{\"index\":0,\"id\":\"c1\",\"function\":{\"name\":\"look\",\"arguments\":"
          "\"{\\\"n\\\": 7, \\\"m\"}}") FINISH("tool_calls") DONE,
     "|tools|0/0/0|look(c1){}!cut", E_OK},
    {"a refusal", CHUNK("{\"refusal\":\"I can't\"}") FINISH("stop") DONE, "I can't|refusal|0/0/0",
     E_OK},
    {"filtered", TEXT("well") FINISH("content_filter") DONE, "well|refusal|0/0/0", E_OK},
    {"a server that does not stream",
     "{\"choices\":[{\"message\":{\"role\":\"assistant\",\"content\":\"hi\",\"tool_calls\":[{"
     "\"id\":\"c1\",\"function\":{\"name\":\"look\",\"arguments\":\"{}\"}}]},\"finish_reason\":"
     "\"tool_calls\"}],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2}}",
     "hi|tools|1/0/2|look(c1){}", E_OK},
    {"comments keep the line alive", ": ping\n\n" TEXT("a") ": ping\n\n" FINISH("stop") DONE,
     "a|end|0/0/0", E_OK},
    {"broken off", TEXT("a"), NULL, E_UNAVAILABLE},
    {"[DONE] and nothing else", DONE, NULL, E_UNAVAILABLE},
    {"an error in the middle",
     TEXT("a") D("{\"error\":{\"message\":\"boom\",\"type\":\"server_error\"}}"), NULL,
     E_UNAVAILABLE},
    {"an error that is a text", D("{\"error\":\"model failed to load\"}"), NULL, E_UNAVAILABLE},
    {"a limit in the middle", D("{\"error\":{\"code\":\"rate_limit_exceeded\"}}"), NULL, E_LIMIT},
    {"error null is none", D("{\"error\":null,\"choices\":[{\"delta\":{\"content\":\"a\"}}]}") DONE,
     "a|end|0/0/0", E_OK},
    {"a chunk that is no JSON", TEXT("a") D("{\"choi"), NULL, E_UNAVAILABLE},
    {"a chunk that is a list", D("[1]"), NULL, E_UNAVAILABLE},
    {"nothing", "", NULL, E_UNAVAILABLE},
    {"white space", "\n\n \n", NULL, E_UNAVAILABLE},
};

static void answers_are_read_however_they_come(void **state)
{
    wire_check_streams(*state, &provider_openai, &account, streams,
                       sizeof(streams) / sizeof(*streams));
}

static void what_a_status_means(void **state)
{
    struct ctx *c = *state;
    static const struct {
        const char *why;
        int status;
        const char *body;
        enum err err;
        const char *text;
    } cases[] = {
        {"a limit that passes", 429,
         "{\"error\":{\"code\":\"rate_limit_exceeded\",\"message\":"
         "\"slow\"}}",
         E_LIMIT, "slow"},
        {"one that does not", 429,
         "{\"error\":{\"code\":\"insufficient_quota\",\"message\":\"no credit\"}}", E_DENIED,
         "no credit"},
        {"too long", 400,
         "{\"error\":{\"type\":\"invalid_request_error\",\"code\":\"context_length_exceeded\","
         "\"message\":\"maximum context length\"}}",
         E_TOO_LARGE, "context"},
        {"their words are masked", 401,
         "{\"error\":{\"code\":\"invalid_api_key\",\"message\":\"Incorrect key "
         "sk-abcdefghijklmnop\"}}",
         E_UNAUTHENTICATED, "Incorrect key ***"},
        {"no such model (Ollama)", 404, "{\"error\":\"model 'x' not found\"}", E_NOT_FOUND,
         "model 'x' not found"},
        {"a detail (FastAPI)", 422, "{\"detail\":\"wrong\"}", E_INVALID, "wrong"},
        {"down", 503, "", E_UNAVAILABLE, "503"},
    };
    struct chat_message m = WIRE_SAY("hi");
    struct chat_request r = {.messages = &m, .message_count = 1};
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct provider_answer a;
        wire = (struct wire){.status = cases[i].status, .body = str_of(cases[i].body)};
        enum err e = wire_ask(c, &provider_openai, &account, &r, &a);
        if (e != cases[i].err || !strstr(c->fault.text, cases[i].text)) {
            fail_msg("%s: %s: %s", cases[i].why, err_name(e), c->fault.text);
        }
    }
}

#define PIECE(z) "data: {\"choices\":[{\"delta\":{\"content\":" z "},\"finish_reason\":null}]}\n\n"
#define END_OF_STREAM                                                                              \
    "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n"

/* Events that differ in their text alone are understood without being parsed: what looks like one
 * and is none must not be. */
static void events_of_one_form_are_told_from_others(void **state)
{
    struct ctx *c = *state;
    static const struct {
        const char *why, *body, *text;
        int calls;
    } cases[] = {
        {"plain pieces", PIECE("\"a\"") PIECE("\"b c\"") PIECE("\"d\""), "ab cd", 0},
        {"escapes", PIECE("\"a\"") PIECE("\"\\n\"") PIECE("\"\\u00e9\\\"\"") PIECE("\"b\""),
         "a\n\xc3\xa9\"b", 0},
        {"a backslash at the end of the text", PIECE("\"a\"") PIECE("\"b\\\\\"") PIECE("\"c\""),
         "ab\\c", 0},
        {"text beyond ASCII", PIECE("\"a\"") PIECE("\"\xc3\xa9\"") PIECE("\"b\""),
         "a\xc3\xa9"
         "b",
         0},
        {"an empty piece", PIECE("\"a\"") PIECE("\"\"") PIECE("\"b\""), "ab", 0},
        {"more members where the text was",
         PIECE("\"a\"") PIECE("\"b\",\"tool_calls\":[{\"index\":0,\"id\":\"t\",\"function\":{"
                              "\"name\":\"look\",\"arguments\":\"{}\"}}],\"x\":\"y\""),
         "ab", 1},
        {"the text as it stands elsewhere too",
         PIECE("\"delta\"") PIECE("\"b\"") PIECE("\"content\"") PIECE("\",\"") PIECE("\":\""),
         "deltabcontent,:", 0},
        {"a null where the text was", PIECE("\"a\"") PIECE("null") PIECE("\"b\""), "ab", 0},
        {"another member varies as well",
         "data: {\"o\":\"x1\",\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n"
         "data: {\"o\":\"a\",\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n"
         "data: {\"o\":\"b\",\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n",
         "aaa", 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        for (size_t step = 0; step < 40; step += 13) {
            struct chat_message m = WIRE_SAY("hi");
            struct chat_request r = {.messages = &m, .message_count = 1, .max_tokens = 50};
            struct provider_answer a;
            struct str body = str_fmt(c->arena, "%s%s", cases[i].body, END_OF_STREAM);
            wire = (struct wire){.body = body, .piece_bytes = step};
            assert_int_equal(wire_ask(c, &provider_openai, &account, &r, &a), E_OK);
            if (!str_eqz(a.text, cases[i].text) || a.call_count != cases[i].calls) {
                fail_msg("%s: \"%.*s\", %d calls", cases[i].why, STR_ARG(a.text), a.call_count);
            }
        }
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, wire_setup, wire_teardown)
        T(requests_are_written_as_the_api_wants_them),
        T(json_can_be_asked_for_in_three_ways),
        T(answers_are_read_however_they_come),
        T(events_of_one_form_are_told_from_others),
        T(what_a_status_means),
    };
    return cmocka_run_group_tests_name("openai", tests, NULL, NULL);
}
