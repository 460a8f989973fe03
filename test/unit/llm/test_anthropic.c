/* Anthropic's wire format: what is sent, and every way an answer may come. */
#include "unit/llm/wire.h"

static const struct provider_account account = {
    .name = {"anthropic", 9}, .base_url = {"https://api.example.com", 23}, .key = {"key-1234", 8}};

static void requests_are_written_as_the_api_wants_them(void **state)
{
    struct ctx *c = *state;
    const struct json *parameters =
        wire_json(c, "{\"type\":\"object\",\"required\":[\"n\"],\"properties\":{\"n\":{\"type\":"
                     "\"integer\",\"x-ask\":\"which?\"}}}");
    struct chat_tool tools[] = {{STR("look"), STR("looks"), parameters, false},
                                {STR("stop"), STR("stops"), NULL, true}};
    struct chat_call call = {
        .id = STR("t1"), .name = STR("look"), .arguments = wire_json(c, "{\"n\":7}")};
    struct chat_message messages[] = {
        WIRE_SAY("hi"),
        {.role = CHAT_ASSISTANT, .text = STR("let me see "), .calls = &call, .call_count = 1},
        {.role = CHAT_TOOL, .call_id = STR("t1"), .text = STR("no"), .is_error = true},
    };
    struct str stops[] = {STR("END")};
    const struct {
        const char *why;
        struct chat_request request;
        const char *options;
        const char *body;
    } cases[] = {
        {"the least",
         {.messages = messages, .message_count = 1, .temperature = -1, .max_tokens = 50},
         "null",
         "{\"model\":\"model-1\",\"max_tokens\":50,\"stream\":true,\"messages\":[{\"role\":"
         "\"user\",\"content\":[{\"type\":\"text\",\"text\":\"hi\"}]}]}"},
        {"everything",
         {.messages = messages,
          .message_count = 3,
          .system = STR("be brief"),
          .tools = tools,
          .tool_count = 2,
          .tool_choice = CHAT_TOOLS_NAMED,
          .tool_name = STR("stop"),
          .temperature = 1.5,
          .max_tokens = 50,
          .stop = stops,
          .stop_count = 1},
         "{\"stream\":false}",
         "{\"model\":\"model-1\",\"max_tokens\":50,\"stream\":false,\"system\":\"be brief\","
         "\"tools\":[{\"name\":\"look\",\"description\":\"looks\",\"input_schema\":{\"type\":"
         "\"object\",\"required\":[\"n\"],\"properties\":{\"n\":{\"type\":\"integer\"}}}},"
         "{\"name\":\"stop\",\"description\":\"stops\",\"input_schema\":{\"type\":\"object\","
         "\"properties\":{}}}],\"tool_choice\":{\"type\":\"tool\",\"name\":\"stop\"},"
         "\"temperature\":1,\"stop_sequences\":[\"END\"],\"messages\":[{\"role\":\"user\","
         "\"content\":[{\"type\":\"text\",\"text\":\"hi\"}]},{\"role\":\"assistant\",\"content\":["
         "{\"type\":\"text\",\"text\":\"let me see\"},{\"type\":\"tool_use\",\"id\":\"t1\","
         "\"name\":\"look\",\"input\":{\"n\":7}}]},{\"role\":\"user\",\"content\":[{\"type\":"
         "\"tool_result\",\"tool_use_id\":\"t1\",\"content\":\"no\",\"is_error\":true}]}]}"},
        {"their own structured output",
         {.messages = messages,
          .message_count = 1,
          .temperature = 0,
          .max_tokens = 9,
          .schema = wire_json(c, "{\"type\":\"object\",\"additionalProperties\":false}")},
         "{\"json_schema\":true}",
         "{\"model\":\"model-1\",\"max_tokens\":9,\"stream\":true,\"output_config\":{\"format\":{"
         "\"type\":\"json_schema\",\"schema\":{\"type\":\"object\",\"additionalProperties\":false,"
         "\"properties\":{}}}},\"temperature\":0,\"messages\":[{\"role\":\"user\",\"content\":[{"
         "\"type\":\"text\",\"text\":\"hi\"}]}]}"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct provider_account own = account;
        own.options = wire_json(c, cases[i].options);
        struct provider_answer a;
        wire_ask(c, &provider_anthropic, &own, &cases[i].request, &a);
        if (!json_equal(wire_json(c, wire.sent), wire_json(c, cases[i].body))) {
            fail_msg("%s: %s", cases[i].why, wire.sent);
        }
    }
    assert_string_equal(wire.url, "https://api.example.com/v1/messages");
    assert_string_equal(wire.sent_headers, "content-type: application/json\n"
                                           "accept: text/event-stream, application/json\n"
                                           "anthropic-version: 2023-06-01\nx-api-key: key-1234\n");
    assert_int_equal(wire.idle_timeout_ms, 500);
    assert_false(wire.allow_private);
}

static void a_schema_is_asked_for_in_words_too(void **state)
{
    struct ctx *c = *state;
    struct chat_message m = WIRE_SAY("hi");
    struct chat_request r = {.messages = &m,
                             .message_count = 1,
                             .system = STR("be brief"),
                             .schema = wire_json(c, "{\"type\":\"array\"}")};
    struct provider_answer a;
    wire_ask(c, &provider_anthropic, &account, &r, &a);
    struct str system = json_str(wire_json(c, wire.sent), "system", STR(""));
    assert_true(str_starts(system, STR("be brief\n\nAnswer with one JSON value")));
    assert_true(str_find(system, STR("\"type\":\"array\"")) > 0);
}

#define EVENT(type, json) "event: " type "\ndata: {\"type\":\"" type "\"" json "}\n\n"
#define START(in)                                                                                  \
    EVENT("message_start", ",\"message\":{\"id\":\"m\",\"usage\":{\"input_tokens\":" in            \
                           ",\"cache_read_input_tokens\":3,\"output_tokens\":1}}")
#define BLOCK(i, block) EVENT("content_block_start", ",\"index\":" i ",\"content_block\":" block)
#define DELTA(i, delta) EVENT("content_block_delta", ",\"index\":" i ",\"delta\":" delta)
#define TEXT(i, z)      DELTA(i, "{\"type\":\"text_delta\",\"text\":\"" z "\"}")
#define ARGS(i, z)      DELTA(i, "{\"type\":\"input_json_delta\",\"partial_json\":\"" z "\"}")
#define CLOSE(i)        EVENT("content_block_stop", ",\"index\":" i)
#define STOP(reason, out)                                                                          \
    EVENT("message_delta",                                                                         \
          ",\"delta\":{\"stop_reason\":\"" reason "\"},\"usage\":{\"output_tokens\":" out "}")     \
    EVENT("message_stop", "")
#define TEXT_BLOCK BLOCK("0", "{\"type\":\"text\",\"text\":\"\"}")
#define TOOL_BLOCK(i, id, name)                                                                    \
    BLOCK(i, "{\"type\":\"tool_use\",\"id\":\"" id "\",\"name\":\"" name "\",\"input\":{}}")

static const struct wire_stream streams[] = {
    {"a plain answer",
     START("10") TEXT_BLOCK TEXT("0", "Hel") TEXT("0", "lo \xc3\xa9") CLOSE("0")
         STOP("end_turn", "5"),
     "Hello \xc3\xa9|end|13/3/5", E_OK},
    {"pings and unknown events, blocks and deltas are skipped",
     START("10") "event: ping\ndata: {\"type\":\"ping\"}\n\n" EVENT("later", ",\"a\":1")
         BLOCK("0", "{\"type\":\"thinking\"}") DELTA("0", "{\"type\":\"thinking_delta\","
                                                          "\"thinking\":\"hm\"}")
             DELTA("0", "{\"type\":\"signature_delta\",\"signature\":\"x\"}") CLOSE("0")
                 BLOCK("1", "{\"type\":\"text\",\"text\":\"\"}") TEXT("1", "yes")
                     DELTA("1", "{\"type\":\"citations_delta\",\"citation\":{}}") CLOSE("1")
                         STOP("end_turn", "2"),
     "yes|end|13/3/2", E_OK},
    {"a tool call in pieces, after text",
     START("10") TEXT_BLOCK TEXT("0", "wait") CLOSE("0") TOOL_BLOCK("1", "tu_1", "look")
         ARGS("1", "") ARGS("1", "{\\\"n\\\"") ARGS("1", ":7}") CLOSE("1") STOP("tool_use", "9"),
     "wait|tools|13/3/9|look(tu_1){\"n\":7}", E_OK},
    {"two calls, the second without arguments",
     START("1") TOOL_BLOCK("0", "a", "look") ARGS("0", "{}") CLOSE("0") TOOL_BLOCK("1", "b", "stop")
         CLOSE("1") STOP("tool_use", "9"),
     "|tools|4/3/9|look(a){}|stop(b){}", E_OK},
    {"a call whose arguments are a list",
     START("1") TOOL_BLOCK("0", "a", "look") ARGS("0", "[1,2]") CLOSE("0") STOP("tool_use", "9"),
     "|tools|4/3/9|look(a){}!nojson", E_OK},
    {"max_tokens inside the arguments",
     START("1") TOOL_BLOCK("0", "a", "look") ARGS("0", "{\\\"n\\\":") STOP("max_tokens", "9"),
     "|length|4/3/9|look(a){}!cut", E_OK},
    {"the length is reached in the text",
     START("1") TEXT_BLOCK TEXT("0", "on and") STOP("max_tokens", "9"), "on and|length|4/3/9",
     E_OK},
    {"a stop sequence", START("1") TEXT_BLOCK TEXT("0", "so") STOP("stop_sequence", "1"),
     "so|sequence|4/3/1", E_OK},
    {"a refusal", START("1") STOP("refusal", "1"), "|refusal|4/3/1", E_OK},
    {"an unknown reason ends as well", START("1") TEXT_BLOCK TEXT("0", "so") STOP("new_one", "1"),
     "so|end|4/3/1", E_OK},
    {"nothing was said", START("1") STOP("end_turn", "1"), "|end|4/3/1", E_OK},
    {"a server that does not stream",
     "{\"content\":[{\"type\":\"text\",\"text\":\"hi\"},{\"type\":\"tool_use\",\"id\":\"x\","
     "\"name\":\"look\",\"input\":{\"n\":1}}],\"stop_reason\":\"tool_use\",\"usage\":{"
     "\"input_tokens\":2,\"output_tokens\":3}}",
     "hi|tools|2/0/3|look(x){\"n\":1}", E_OK},
    {"the last empty line is missing",
     START("1") TEXT_BLOCK TEXT("0", "so") "event: message_delta\ndata: {\"type\":"
                                           "\"message_delta\",\"delta\":{\"stop_reason\":"
                                           "\"end_turn\"}}\n",
     "so|end|4/3/1", E_OK},
    {"cut in the middle", START("1") TEXT_BLOCK TEXT("0", "so it"), NULL, E_UNAVAILABLE},
    {"cut inside an event", START("1") TEXT_BLOCK "data: {\"type\":\"conte", NULL, E_UNAVAILABLE},
    {"an error in the middle",
     START("1") TEXT_BLOCK EVENT("error", ",\"error\":{\"type\":\"overloaded_error\","
                                          "\"message\":\"busy\"}"),
     NULL, E_UNAVAILABLE},
    {"a limit in the middle",
     START("1") EVENT("error", ",\"error\":{\"type\":\"rate_limit_error\",\"message\":\"slow\"}"),
     NULL, E_LIMIT},
    {"an event that is no JSON", START("1") "data: {oops\n\n", NULL, E_UNAVAILABLE},
    {"nothing", "", NULL, E_UNAVAILABLE},
    {"a web page", "<html><body>Welcome</body></html>", NULL, E_UNAVAILABLE},
    {"half a JSON object", "{\"content\":[{\"type\":", NULL, E_UNAVAILABLE},
    {"an object that is no message", "{\"ok\":true}", NULL, E_UNAVAILABLE},
    {"an error with status 200", "{\"type\":\"error\",\"error\":{\"type\":\"api_error\"}}", NULL,
     E_UNAVAILABLE},
};

static void answers_are_read_however_they_come(void **state)
{
    wire_check_streams(*state, &provider_anthropic, &account, streams,
                       sizeof(streams) / sizeof(*streams));
}

static void what_a_status_means(void **state)
{
    struct ctx *c = *state;
    static const struct {
        const char *why;
        int status;
        const char *header, *body;
        enum err err;
        int retry_after_ms;
        const char *text; /* part of the reason */
    } cases[] = {
        {"busy, for a while", 429, "retry-after: 7",
         "{\"type\":\"error\",\"error\":{\"type\":\"rate_limit_error\",\"message\":\"slow down\"}}",
         E_LIMIT, 7000, "anthropic answered 429: slow down"},
        {"in milliseconds", 429, "retry-after-ms: 250", "{}", E_LIMIT, 250, "429"},
        {"a date is not read", 429, "retry-after: Fri, 31 Dec 1999 23:59:59 GMT", "{}", E_LIMIT, 0,
         "429"},
        {"a century is an hour", 429, "retry-after: 3153600000", "{}", E_LIMIT, 3600000, "429"},
        {"overloaded", 529, NULL,
         "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}"
         "}",
         E_UNAVAILABLE, 0, "Overloaded"},
        {"down, with a page", 502, NULL, "<html>bad gateway</html>", E_UNAVAILABLE, 0, "502"},
        {"time-out over there", 408, NULL, "", E_TIMEOUT, 0, "408"},
        {"conflict is worth another try", 409, NULL, "", E_UNAVAILABLE, 0, "409"},
        {"wrong key", 401, NULL,
         "{\"error\":{\"type\":\"authentication_error\",\"message\":\"invalid x-api-key\"}}",
         E_UNAUTHENTICATED, 0, "invalid x-api-key"},
        {"their words never show our key", 401, NULL,
         "{\"error\":{\"type\":\"authentication_error\",\"message\":\"bad key key-1234\"}}",
         E_UNAUTHENTICATED, 0, "withheld"},
        {"not paid", 402, NULL, "{\"error\":{\"type\":\"billing_error\"}}", E_DENIED, 0, "402"},
        {"not allowed", 403, NULL, "{}", E_DENIED, 0, "403"},
        {"no such model", 404, NULL,
         "{\"error\":{\"type\":\"not_found_error\",\"message\":\"model: x\"}}", E_NOT_FOUND, 0,
         "model: x"},
        {"too long", 400, NULL,
         "{\"error\":{\"type\":\"invalid_request_error\",\"message\":\"prompt is too long: 9 > "
         "8\"}}",
         E_TOO_LARGE, 0, "too long"},
        {"too large", 413, NULL, "{}", E_TOO_LARGE, 0, "413"},
        {"our mistake", 400, NULL,
         "{\"error\":{\"type\":\"invalid_request_error\",\"message\":\"messages: ...\"}}",
         E_INVALID, 0, "messages: ..."},
        {"they say: do not ask again", 429, "x-should-retry: false", "{}", E_DENIED, 0, "429"},
        {"they say: do ask again", 400, "x-should-retry: true", "{}", E_UNAVAILABLE, 0, "400"},
        {"moved", 302, NULL, "", E_UNAVAILABLE, 0, "302"},
    };
    struct chat_message m = WIRE_SAY("hi");
    struct chat_request r = {.messages = &m, .message_count = 1};
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct provider_answer a;
        wire = (struct wire){
            .status = cases[i].status, .header = cases[i].header, .body = str_of(cases[i].body)};
        enum err e = wire_ask(c, &provider_anthropic, &account, &r, &a);
        if (e != cases[i].err || c->fault.retry_after_ms != cases[i].retry_after_ms ||
            !strstr(c->fault.text, cases[i].text) || strstr(c->fault.text, "key-1234")) {
            fail_msg("%s: %s, %d ms: %s", cases[i].why, err_name(e), c->fault.retry_after_ms,
                     c->fault.text);
        }
    }
}

static void bounds_end_an_answer_in_good_order(void **state)
{
    struct ctx *c = *state;
    struct chat_message m = WIRE_SAY("hi");
    struct chat_request r = {.messages = &m, .message_count = 1, .temperature = -1};
    struct provider_answer a;
    struct buf b = buf_make(64 << 20);
    buf_add_str(&b, STR(START("1") TEXT_BLOCK));
    while (b.n < 6 * CHAT_TEXT_MAX_BYTES) {
        buf_add_str(&b, STR(TEXT("0", "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz")));
    }
    wire = (struct wire){.body = buf_str(&b), .piece_bytes = 8192};
    assert_int_equal(wire_ask(c, &provider_anthropic, &account, &r, &a), E_OK);
    assert_int_equal(a.stop, CHAT_STOP_LENGTH);
    assert_in_range(a.text.n, CHAT_TEXT_MAX_BYTES - 100, CHAT_TEXT_MAX_BYTES);
    assert_true(wire.stopped);

    buf_clear(&b);
    buf_add_str(&b, STR(START("1") TOOL_BLOCK("0", "a", "look") ARGS("0", "{\\\"n\\\":\\\"")));
    while (b.n < 6 * CHAT_ARGUMENTS_MAX_BYTES) {
        buf_add_str(&b, STR(ARGS("0", "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz")));
    }
    buf_add_str(&b, STR(ARGS("0", "\\\"}") STOP("tool_use", "9")));
    wire = (struct wire){.body = buf_str(&b), .piece_bytes = 8192};
    assert_int_equal(wire_ask(c, &provider_anthropic, &account, &r, &a), E_OK);
    assert_int_equal(a.call_count, 1);
    assert_int_equal(a.calls[0].fault, CHAT_CALL_CUT);

    buf_clear(&b);
    buf_add_str(&b, STR(START("1")));
    for (int i = 0; i < CHAT_CALLS_MAX + 5; i++) {
        buf_addf(&b,
                 "data: {\"type\":\"content_block_start\",\"index\":%d,\"content_block\":{\"type\":"
                 "\"tool_use\",\"id\":\"same\",\"name\":\"look\",\"input\":{}}}\n\n",
                 i);
    }
    buf_add_str(&b, STR(STOP("tool_use", "9")));
    wire = (struct wire){.body = buf_str(&b)};
    assert_int_equal(wire_ask(c, &provider_anthropic, &account, &r, &a), E_OK);
    assert_int_equal(a.call_count, CHAT_CALLS_MAX);
    assert_false(str_eq(a.calls[0].id, a.calls[1].id)); /* ids are made apart */
    assert_true(str_eqz(a.calls[0].id, "same"));
    buf_free(&b);
}

static void the_line_may_end_with_the_answer(void **state)
{
    struct ctx *c = *state;
    struct chat_message m = WIRE_SAY("hi");
    struct chat_request r = {.messages = &m, .message_count = 1, .temperature = -1};
    struct provider_answer a;
    const struct str whole = STR(START("1") TEXT_BLOCK TEXT("0", "so") STOP("end_turn", "1"));
    wire = (struct wire){.body = whole, .ends = E_UNAVAILABLE};
    assert_int_equal(wire_ask(c, &provider_anthropic, &account, &r, &a), E_OK);
    wire = (struct wire){.body = STR(START("1") TEXT_BLOCK TEXT("0", "so")), .ends = E_TIMEOUT};
    assert_int_equal(wire_ask(c, &provider_anthropic, &account, &r, &a), E_TIMEOUT);
    assert_true(str_eqz(a.text, "so")); /* what arrived was paid for */
    wire = (struct wire){.body = whole, .ends = E_CANCELLED};
    assert_int_equal(wire_ask(c, &provider_anthropic, &account, &r, &a), E_CANCELLED);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, wire_setup, wire_teardown)
        T(requests_are_written_as_the_api_wants_them), T(a_schema_is_asked_for_in_words_too),
        T(answers_are_read_however_they_come),         T(what_a_status_means),
        T(bounds_end_an_answer_in_good_order),         T(the_line_may_end_with_the_answer),
    };
    return cmocka_run_group_tests_name("anthropic", tests, NULL, NULL);
}
