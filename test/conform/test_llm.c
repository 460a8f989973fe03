/* The chat contract over both wire formats, against a server that speaks them (test/fake/llm), and
 * what requests cost, over every driver of the store. */
#include "conform/world.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <time.h>

#include "base/mishap.h"
#include "io/client.h"
#include "llm/fleet.h"
#include "llm/ledger.h"

enum { REPLY_MAX_BYTES = 1 << 20 };

/* ---- the server --------------------------------------------------------------------------- */

static struct {
    pid_t pid;
    int input; /* closing it ends the server */
    char url[64];
} fake;

static const char *server_file(void)
{
    static const char *const places[] = {"test/fake/llm/server.js", "../test/fake/llm/server.js",
                                         "../../test/fake/llm/server.js"};
    for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
        if (access(places[i], R_OK) == 0) {
            return places[i];
        }
    }
    return NULL;
}

/* Its first line tells the port. */
static void read_ready(int fd)
{
    char line[512];
    size_t n = 0;
    while (n < sizeof(line) - 1 && read(fd, line + n, 1) == 1 && line[n] != '\n') {
        n++;
    }
    line[n] = 0;
    const char *url = strstr(line, "\"url\":\"");
    if (url) {
        snprintf(fake.url, sizeof(fake.url), "%.*s", (int)strcspn(url + 7, "\""), url + 7);
    }
}

static int server_start(void **state)
{
    (void)state;
    const char *file = server_file();
    int in[2], out[2];
    if (!file || pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0) {
        return 0;
    }
    fake.pid = fork();
    if (fake.pid == 0) {
        dup2(in[0], 0);
        dup2(out[1], 1);
        execlp("node", "node", file, "--until-eof", (char *)NULL);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    fake.input = in[1];
    read_ready(out[0]);
    close(out[0]);
    return 0;
}

static int server_stop(void **state)
{
    (void)state;
    if (fake.pid > 0) {
        close(fake.input);
        waitpid(fake.pid, NULL, 0);
        fake.pid = 0;
        fake.url[0] = 0;
    }
    return 0;
}

/* ---- the task ----------------------------------------------------------------------------- */

struct bench {
    struct world w;
    char heard[8192];
    int pieces;
    atomic_int alerts;
    atomic_bool cancel;
    bool cancel_on_text;
};

static enum store_kind kind_of_run;

static const struct models_model wire_models[] = {{.name = "claude-sonnet-5",
                                                   .model_class = MODELS_BALANCED,
                                                   .price_in_millicents = 300000,
                                                   .price_out_millicents = 1500000,
                                                   .context_tokens = 10000000},
                                                  {0}};

static void count_alert(struct ctx *c, struct str agent, const struct models_spent *spent,
                        void *arg)
{
    struct bench *b = arg;
    (void)c;
    (void)agent;
    assert_true(spent->used_percent >= 80);
    b->alerts++;
}

/* One provider of the kind, with a key of choice. */
static void use(struct bench *b, const char *kind, const char *key)
{
    struct models_provider providers[] = {{.name = kind,
                                           .kind = kind,
                                           .base_url = fake.url,
                                           .key = key,
                                           .allow_private = true,
                                           .models = wire_models},
                                          {0}};
    struct models_config config = {.providers = providers,
                                   .backoff_ms = 1,
                                   .attempts_max = 2,
                                   .cache_off = true,
                                   .on_budget = count_alert,
                                   .on_budget_arg = b};
    models_free(&b->w.at.models);
    assert_ok(models_new(b->w.c, &config, &b->w.at.models));
    ctx_forgive(b->w.c);
    b->heard[0] = 0;
    b->pieces = 0;
}

static int setup(void **state)
{
    struct bench *b = mem_new(sizeof(*b));
    world_open(&b->w, kind_of_run, models_migrations);
    clock_set_ms(b->w.at.clock, 1767225600000); /* 2026-01-01 */
    b->w.at.client = client_new(&b->w.at, 8);
    if (!fake.url[0]) {
        snprintf(fake.url, sizeof(fake.url), "http://127.0.0.1:9");
    }
    use(b, "openai", "sk-good");
    *state = b;
    return 0;
}

static int teardown(void **state)
{
    struct bench *b = *state;
    models_free(&b->w.at.models);
    client_free(&b->w.at.client);
    world_close(&b->w);
    free(b);
    return 0;
}

static void need_server(void)
{
    if (fake.pid <= 0 || strstr(fake.url, ":9") == fake.url + strlen(fake.url) - 2) {
        print_message("no node or no fake server: skipped\n");
        skip();
    }
}

/* Talks to the server about the test itself. */
static struct str control(struct bench *b, const char *method, const char *path, const char *body)
{
    struct header json = {STR("content-type"), STR("application/json")};
    struct request_out request = {.method = method,
                                  .url = str_fmt(b->w.c->arena, "%s%s", fake.url, path),
                                  .headers = &json,
                                  .header_count = 1,
                                  .body = str_of(body),
                                  .allow_private = true,
                                  .response_max_bytes = REPLY_MAX_BYTES};
    struct response_in response;
    assert_ok(client_send(b->w.c, &request, &response));
    if (response.status > 299) {
        fail_msg("%s: %.*s", path, STR_ARG(response.body));
    }
    return response.body;
}

static void play(struct bench *b, const char *script)
{
    control(b, "POST", "/control/reset", "");
    control(b, "POST", "/control/script", script);
}

/* How many model requests came, and the outcome of the last. */
static int arrived(struct bench *b, struct str *out_last)
{
    struct json_fault fault;
    const struct json *v = NULL;
    struct str body = control(b, "GET", "/control/requests", "");
    assert_int_equal(json_parse(b->w.c->arena, body, &v, &fault), E_OK);
    const struct json *items = json_get(v, "items");
    size_t n = json_count(items);
    *out_last = n ? json_str(json_at(items, n - 1), "outcome", STR("")) : STR("");
    return (int)n;
}

static enum err on_text(struct ctx *c, struct str piece, void *arg)
{
    struct bench *b = arg;
    size_t n = strlen(b->heard);
    snprintf(b->heard + n, sizeof(b->heard) - n, "%.*s", STR_ARG(piece));
    b->pieces++;
    if (b->cancel_on_text) {
        atomic_store(&b->cancel, true);
    }
    (void)c;
    return E_OK;
}

static const struct chat_message hi = {.role = CHAT_USER, .text = {"tell me more", 12}};

static enum err ask(struct bench *b, const struct chat_request *r, bool streamed,
                    struct chat_result *out)
{
    struct chat_stream stream = {.on_text = on_text, .arg = b};
    struct chat_request request = *r;
    request.stream = streamed ? &stream : NULL;
    request.idle_timeout_ms = r->idle_timeout_ms ? r->idle_timeout_ms : 10000;
    *out = (struct chat_result){0};
    return models_chat(b->w.c, &request, out);
}

#define EACH_WIRE(b)                                                                               \
    for (const char *const *wire = (const char *const[]){"anthropic", "openai", NULL};             \
         *wire && (use((b), *wire, "sk-good"), true); wire++)

static const struct chat_request plain = {.messages = &hi, .message_count = 1, .temperature = -1};

static void an_answer_streams(void **state)
{
    struct bench *b = *state;
    need_server();
    EACH_WIRE(b)
    {
        struct chat_result r;
        play(b, "{\"rules\":[],\"default\":{\"text\":\"Hello, how are you today?\","
                "\"chunk_chars\":5}}");
        assert_ok(ask(b, &plain, true, &r));
        assert_true(str_eqz(r.text, "Hello, how are you today?"));
        assert_string_equal(b->heard, "Hello, how are you today?");
        assert_true(b->pieces >= 5);
        assert_int_equal(r.stop, CHAT_STOP_END);
        assert_true(r.usage.tokens_in > 0 && r.usage.tokens_out > 0 && !r.usage.estimated);
        assert_int_equal(r.cost_microcents, r.usage.tokens_in * 300 + r.usage.tokens_out * 1500);
        assert_true(str_eqz(r.provider, *wire));
        assert_true(r.first_piece_ms > 0 && r.latency_ms >= 0);
    }
}

static void tools_are_called_and_answered(void **state)
{
    struct bench *b = *state;
    need_server();
    struct json_fault fault;
    const struct json *parameters = NULL;
    assert_ok(json_parse(b->w.c->arena,
                         STR("{\"type\":\"object\",\"required\":[\"order_number\"],\"properties\":"
                             "{\"order_number\":{\"type\":\"string\",\"x-ask\":\"which?\"}}}"),
                         &parameters, &fault));
    struct chat_tool tool = {STR("get_order"), STR("Looks an order up."), parameters, false};
    EACH_WIRE(b)
    {
        play(b, "{\"rules\":[{\"when\":{\"user\":\"order (?<number>BW-\\\\d+)\",\"last\":\"user\"},"
                "\"reply\":{\"text\":\"One moment.\",\"tool_calls\":[{\"name\":\"get_order\","
                "\"arguments\":{\"order_number\":\"{{match.number}}\"}},{\"name\":\"get_order\","
                "\"arguments\":{\"order_number\":\"BW-2\"}}],\"quirks\":{\"interleave\":true}}},"
                "{\"when\":{\"last\":\"tool_result\"},\"reply\":{\"text\":\"It is "
                "{{result.status}}.\"}}]}");
        struct chat_message talk[5] = {{.role = CHAT_ASSISTANT, .text = STR("Welcome!")},
                                       {.role = CHAT_USER, .text = STR("where is order BW-1?")}};
        struct chat_request request = {.messages = talk,
                                       .message_count = 2,
                                       .tools = &tool,
                                       .tool_count = 1,
                                       .temperature = 0.2};
        struct chat_result r;
        assert_ok(ask(b, &request, true, &r));
        assert_int_equal(r.stop, CHAT_STOP_TOOLS);
        assert_int_equal(r.call_count, 2);
        assert_true(str_eqz(r.text, "One moment."));
        for (int i = 0; i < 2; i++) {
            assert_int_equal(r.calls[i].fault, CHAT_CALL_FINE);
            assert_true(str_eqz(json_str(r.calls[i].arguments, "order_number", STR("")),
                                i ? "BW-2" : "BW-1"));
        }
        /* one of the two results is missing: the contract fills it in */
        talk[2] = (struct chat_message){
            .role = CHAT_ASSISTANT, .text = r.text, .calls = r.calls, .call_count = 2};
        talk[3] = (struct chat_message){
            .role = CHAT_TOOL, .call_id = r.calls[1].id, .text = STR("{\"status\":\"shipped\"}")};
        request.message_count = 4;
        assert_ok(ask(b, &request, false, &r));
        assert_true(str_eqz(r.text, "It is shipped."));
    }
}

static void what_goes_wrong_is_retried_or_told(void **state)
{
    struct bench *b = *state;
    need_server();
    static const struct {
        const char *why, *fault;
        bool streamed;
        enum err err;
        int arrived;
    } cases[] = {
        {"429 with retry-after", "\"status\":429,\"headers\":{\"retry-after\":\"0\"}", true, E_OK,
         2},
        {"overloaded", "\"status\":529", true, E_OK, 2},
        {"500", "\"status\":500", true, E_OK, 2},
        {"a reset before any byte", "\"reset\":true", true, E_OK, 2},
        {"no status line", "\"stall\":\"headers\"", true, E_OK, 2},
        {"stalled before any text", "\"stall\":1", true, E_OK, 2},
        {"stalled in the text, nobody listens", "\"stall\":6", false, E_OK, 2},
        {"stalled in the text that was shown", "\"stall\":6", true, E_TIMEOUT, 1},
        {"cut in the text, nobody listens", "\"cut\":6", false, E_OK, 2},
        {"cut inside an event, nobody listens", "\"cut_inside\":6", false, E_OK, 2},
        {"a broken event, nobody listens", "\"malformed\":5", false, E_OK, 2},
        {"an error in the middle, nobody listens", "\"error_after\":5", false, E_OK, 2},
        {"a web page", "\"content_type\":\"text/html\",\"body\":\"<html>hello</html>\"", true, E_OK,
         2},
        {"nothing", "\"empty\":true", true, E_OK, 2},
        {"a refused request is not repeated", "\"status\":400", true, E_INVALID, 1},
        {"things to skip, in small pieces",
         "\"unknown_events\":true,\"ping_every\":2,\"split_bytes\":3,\"line_end\":\"crlf\"", true,
         E_OK, 1},
        {"no token counts", "\"no_usage\":true", true, E_OK, 1},
    };
    EACH_WIRE(b)
    {
        for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
            char script[600];
            snprintf(script, sizeof(script),
                     "{\"rules\":[{\"times\":1,\"fault\":{%s},\"reply\":{\"text\":\"a b c d e f g h"
                     "\",\"chunk_chars\":2}}],\"default\":{\"text\":\"a b c d e f g h\"}}",
                     cases[i].fault);
            use(b, *wire, "sk-good");
            play(b, script);
            struct chat_result r;
            struct str last;
            /* Only what stands still is waited for; a slow machine is no fault of the server's. */
            struct chat_request request = plain;
            request.idle_timeout_ms = strstr(cases[i].fault, "stall") ? 400 : 0;
            enum err e = ask(b, &request, cases[i].streamed, &r);
            int n = arrived(b, &last);
            if (e != cases[i].err || n != cases[i].arrived ||
                (e == E_OK && !str_eqz(r.text, "a b c d e f g h"))) {
                fail_msg("%s, %s: %s %s, %d requests, %.*s", *wire, cases[i].why, err_name(e),
                         b->w.c->fault.text, n, STR_ARG(r.text));
            }
            if (e == E_OK && cases[i].streamed) {
                assert_string_equal(b->heard, "a b c d e f g h");
            }
        }
        struct chat_result r;
        play(b, "{\"rules\":[],\"default\":{\"text\":\"hello\"},"
                "\"rules\":[{\"fault\":{\"no_usage\":true}}]}");
        assert_ok(ask(b, &plain, true, &r));
        assert_true(r.usage.estimated && r.usage.tokens_in > 0);
    }
}

static void bad_keys_and_bad_output_are_told_apart(void **state)
{
    struct bench *b = *state;
    need_server();
    struct chat_tool tool = {STR("look"), STR("Looks."), NULL, false};
    struct chat_request request = plain;
    request.tools = &tool;
    request.tool_count = 1;
    EACH_WIRE(b)
    {
        struct chat_result r;
        play(b, "{\"rules\":[],\"default\":{\"text\":\"x\"}}");
        use(b, *wire, "sk-invalid");
        assert_int_equal(ask(b, &plain, true, &r), E_UNAUTHENTICATED);
        assert_null(strstr(b->w.c->fault.text, "sk-invalid"));
        use(b, *wire, "sk-forbidden");
        assert_int_equal(ask(b, &plain, true, &r), E_DENIED);
        use(b, *wire, "sk-good");
        play(b, "{\"rules\":[{\"fault\":{\"invalid_arguments\":true},\"reply\":{\"tool_calls\":[{"
                "\"name\":\"look\",\"arguments\":{}}]}}]}");
        assert_ok(ask(b, &request, true, &r));
        assert_int_equal(r.call_count, 1);
        assert_true(r.calls[0].fault == CHAT_CALL_NO_JSON || r.calls[0].fault == CHAT_CALL_CUT);
        play(b, "{\"rules\":[{\"reply\":{\"tool_calls\":[{\"name\":\"fly\",\"arguments\":{}}]}}]}");
        assert_ok(ask(b, &request, true, &r));
        assert_int_equal(r.calls[0].fault, CHAT_CALL_UNKNOWN_TOOL);
        play(b, "{\"output_max_tokens\":9000000,\"rules\":[{\"fault\":{\"huge_bytes\":3000000}}]}");
        struct chat_request big = plain;
        big.max_tokens = 2000000;
        big.idle_timeout_ms = 20000;
        assert_ok(ask(b, &big, false, &r));
        assert_int_equal(r.stop, CHAT_STOP_LENGTH);
        assert_true(r.text.n <= CHAT_TEXT_MAX_BYTES);
    }
}

static void a_structured_answer_fits_its_schema(void **state)
{
    struct bench *b = *state;
    need_server();
    struct json_fault fault;
    struct chat_request request = plain;
    request.schema_name = STR("score card");
    assert_ok(json_parse(b->w.c->arena,
                         STR("{\"type\":\"object\",\"required\":[\"score\"],"
                             "\"additionalProperties\":false,\"properties\":{\"score\":{\"type\":"
                             "\"integer\",\"minimum\":1,\"maximum\":10}}}"),
                         &request.schema, &fault));
    EACH_WIRE(b)
    {
        struct chat_result r;
        play(b, "{\"rules\":[{\"times\":1,\"reply\":{\"text\":\"Eleven, I think: {\\\"score\\\": "
                "11}\"}}],\"default\":{\"json\":{\"score\":7}}}");
        assert_ok(ask(b, &request, true, &r));
        assert_int_equal(json_int(r.json, "score", 0) >= 1, 1);
        assert_int_equal(b->pieces, 1);
    }
}

static void a_cancel_ends_the_stream_at_once(void **state)
{
    struct bench *b = *state;
    need_server();
    EACH_WIRE(b)
    {
        struct chat_result r;
        struct str last;
        play(b, "{\"rules\":[{\"fault\":{\"stall\":6},\"reply\":{\"text\":\"a b c d e f g h\","
                "\"chunk_chars\":2}}]}");
        b->cancel_on_text = true;
        atomic_store(&b->cancel, false);
        b->w.c->cancel = &b->cancel;
        struct chat_request request = plain;
        request.idle_timeout_ms = 60000;
        struct chat_stream stream = {.on_text = on_text, .arg = b};
        request.stream = &stream;
        assert_int_equal(models_chat(b->w.c, &request, &r), E_CANCELLED);
        b->w.c->cancel = NULL;
        b->cancel_on_text = false;
        ctx_forgive(b->w.c);
        control(b, "GET", "/control/requests?outcome=client_closed&at_least=1&wait_ms=5000", "");
        assert_int_equal(arrived(b, &last), 1);
        assert_true(str_eqz(last, "client_closed"));
    }
}

static void another_vendor_stands_in(void **state)
{
    struct bench *b = *state;
    need_server();
    struct models_provider providers[] = {{.name = "first",
                                           .kind = "anthropic",
                                           .base_url = fake.url,
                                           .key = "sk-invalid",
                                           .allow_private = true,
                                           .models = wire_models},
                                          {.name = "second",
                                           .kind = "openai",
                                           .base_url = fake.url,
                                           .key = "sk-good",
                                           .allow_private = true,
                                           .models = wire_models},
                                          {0}};
    struct models_config config = {.providers = providers, .backoff_ms = 1, .cache_off = true};
    models_free(&b->w.at.models);
    assert_ok(models_new(b->w.c, &config, &b->w.at.models));
    play(b, "{\"rules\":[],\"default\":{\"text\":\"here I am\"}}");
    struct chat_result r;
    assert_ok(ask(b, &plain, true, &r));
    assert_true(str_eqz(r.provider, "second") && str_eqz(r.text, "here I am"));
    assert_int_equal(r.attempts, 2);
    models_free(&b->w.at.models);
    providers[0].allow_private = false; /* a private address needs the installation's leave */
    providers[0].key = "sk-good";
    providers[1] = (struct models_provider){0};
    assert_ok(models_new(b->w.c, &config, &b->w.at.models));
    assert_int_equal(ask(b, &plain, true, &r), E_DENIED);
}

/* ---- what it costs ------------------------------------------------------------------------ */

static const struct chat_origin by_agent = {.agent = {"support", 7},
                                            .agent_version = {"3", 1},
                                            .purpose = {"turn", 4},
                                            .conversation = {"c1", 2},
                                            .run = {"r1", 2}};

static void every_request_leaves_a_row(void **state)
{
    struct bench *b = *state;
    need_server();
    struct store *s;
    struct store_rows rows;
    struct chat_request request = plain;
    request.origin = by_agent;
    struct chat_result r;
    play(b, "{\"rules\":[],\"default\":{\"text\":\"hello\"}}");
    assert_ok(ask(b, &request, true, &r));
    play(b, "{\"rules\":[{\"fault\":{\"status\":500}}]}");
    assert_int_equal(ask(b, &request, true, &r), E_UNAVAILABLE);
    ctx_forgive(b->w.c);
    assert_ok(models_flush(b->w.c));
    assert_ok(store_of(b->w.c, &s));
    assert_ok(store_query(b->w.c, s, &rows,
                          "SELECT provider, model, agent, agent_version, purpose, conversation,"
                          " run, tokens_in, tokens_out, cost_microcents, attempts, outcome, cache"
                          " FROM llm_usage ORDER BY tokens_in DESC"));
    assert_int_equal(rows.count, 2);
    static const char *const texts[] = {"openai", "claude-sonnet-5", "support", "3", "turn", "c1",
                                        "r1"};
    for (int i = 0; i < 7; i++) {
        assert_true(str_eqz(row_str(&rows, 0, i), texts[i]));
    }
    assert_true(row_int(&rows, 0, 7) > 0 && row_int(&rows, 0, 9) > 0);
    assert_int_equal(row_int(&rows, 0, 10), 1);
    assert_true(str_eqz(row_str(&rows, 0, 11), "ok"));
    assert_int_equal(row_int(&rows, 1, 10), 2);
    assert_true(str_eqz(row_str(&rows, 1, 11), "unavailable"));
    struct models_spent spent;
    assert_ok(models_spent(b->w.c, STR("support"), &spent));
    assert_int_equal(spent.day_microcents, row_int(&rows, 0, 9));
    int deleted = -1;
    assert_ok(models_expire(b->w.c, 1767225600000, 10, &deleted));
    assert_int_equal(deleted, 0);
    assert_ok(models_expire(b->w.c, 1767225600001, 10, &deleted));
    assert_int_equal(deleted, 2);
    assert_ok(models_spent(b->w.c, STR(""), &spent)); /* totals stay */
    assert_true(spent.month_microcents > 0);
}

static enum err reserve(struct bench *b, int64_t microcents, int64_t tokens,
                        struct ledger_hold *out_hold)
{
    struct spend_estimate worst = {microcents, tokens};
    return ledger_reserve(b->w.c, b->w.at.models->ledger, STR("support"), &worst, out_hold);
}

static void settle(struct bench *b, const struct ledger_hold *hold, int64_t cost, int64_t tokens)
{
    struct spend_usage u = {.origin = &by_agent,
                            .provider = STR("p"),
                            .model = STR("m"),
                            .usage = {.tokens_in = tokens},
                            .cost_microcents = cost,
                            .attempts = 1};
    assert_ok(ledger_settle(b->w.c, b->w.at.models->ledger, &u, hold));
}

/* How often somebody was told that a budget runs out, by what was settled. Told is a moment after
 * the writing, maybe by another thread. */
static int alerts(struct bench *b, int wanted)
{
    assert_ok(models_flush(b->w.c));
    for (int64_t until = clock_steady_ms() + 20000;
         atomic_load(&b->alerts) < wanted && clock_steady_ms() < until;) {
        struct timespec moment = {.tv_nsec = 1000000};
        nanosleep(&moment, NULL);
    }
    return atomic_exchange(&b->alerts, 0);
}

static void budgets_hold_before_anything_is_sent(void **state)
{
    struct bench *b = *state;
    struct ctx *c = b->w.c;
    struct ledger_hold first, second, none;
    /* without a budget nothing is held */
    assert_ok(reserve(b, 1000000000, 1000000000, &none));
    assert_int_equal(none.microcents + none.tokens, 0);
    settle(b, &none, 0, 0);
    struct models_budget org = {.day_microcents = 1000, .month_microcents = 2500};
    assert_ok(models_budget_set(c, &org));
    assert_int_equal(reserve(b, 1001, 1, &first), E_LIMIT);
    assert_string_equal(c->fault.field, "budget");
    assert_ok(reserve(b, 600, 1, &first));
    assert_int_equal(reserve(b, 600, 1, &second), E_LIMIT); /* what is held counts */
    settle(b, &first, 100, 50);                             /* it cost less than it might have */
    assert_int_equal(alerts(b, 0), 0);
    assert_ok(reserve(b, 800, 1, &second));
    settle(b, &second, 750, 50); /* 85 % of the day */
    assert_int_equal(alerts(b, 1), 1);
    assert_ok(reserve(b, 150, 1, &first));
    settle(b, &first, 150, 1); /* and now all of it */
    assert_int_equal(alerts(b, 1), 1);
    assert_int_equal(reserve(b, 1, 1, &first), E_LIMIT);
    /* a new day, but the month goes on */
    clock_advance_ms(b->w.at.clock, 86400000);
    assert_ok(reserve(b, 1000, 1, &first));
    settle(b, &first, 1000, 1);
    clock_advance_ms(b->w.at.clock, 86400000);
    assert_int_equal(reserve(b, 501, 1, &first), E_LIMIT);
    assert_ok(reserve(b, 500, 1, &first));
    use(b, "openai", "sk-good"); /* whoever held it has died: it counts until it expires */
    assert_int_equal(reserve(b, 1, 1, &second), E_LIMIT);
    clock_advance_ms(b->w.at.clock, SPEND_RESERVATION_MS);
    assert_ok(reserve(b, 500, 1, &first));
    settle(b, &first, 0, 0);
    clock_advance_ms(b->w.at.clock, 31LL * 86400000);
    assert_ok(reserve(b, 1000, 1, &first));
    settle(b, &first, 0, 0);
    /* an agent's own budget, in tokens; other agents have none */
    struct models_budget agent = {.agent = STR("support"), .day_tokens = 100};
    assert_ok(models_budget_set(c, &agent));
    assert_int_equal(reserve(b, 1, 101, &first), E_LIMIT);
    assert_non_null(strstr(c->fault.text, "agent's model budget of tokens"));
    struct spend_estimate worst = {1, 1000000};
    assert_ok(ledger_reserve(c, b->w.at.models->ledger, STR("sales"), &worst, &first));
    struct models_spent spent;
    assert_ok(models_spent(c, STR("sales"), &spent));
    assert_int_equal(spent.day_tokens, 1000000);
    agent.day_tokens = -1;
    assert_int_equal(models_budget_set(c, &agent), E_INVALID);
    /* another org has its own */
    struct ctx *other = world_ctx(&b->w, &b->w.org_b);
    assert_ok(models_spent(other, STR(""), &spent));
    assert_int_equal(spent.limit.day_microcents + spent.month_microcents, 0);
    ctx_free(&other);
}

/* What one agent has paid ahead is not kept from another that needs it. */
static void what_is_paid_ahead_is_given_back(void **state)
{
    struct bench *b = *state;
    struct ctx *c = b->w.c;
    struct ledger *l = b->w.at.models->ledger;
    struct ledger_hold hold;
    struct models_spent spent;
    struct spend_estimate small = {10, 1}, large = {9980, 1}, more = {11, 1};
    struct models_budget org = {.day_microcents = 10000};
    assert_ok(models_budget_set(c, &org));
    assert_ok(ledger_reserve(c, l, STR("sales"), &small, &hold));
    assert_ok(models_spent(c, STR(""), &spent));
    assert_int_equal(spent.day_microcents, 10); /* not what was paid ahead with it */
    assert_ok(ledger_reserve(c, l, STR("support"), &large, &hold));
    assert_int_equal(ledger_reserve(c, l, STR("support"), &more, &hold), E_LIMIT);
    ctx_forgive(c);
    assert_ok(ledger_reserve(c, l, STR("support"), &small, &hold));
    assert_int_equal(ledger_reserve(c, l, STR("sales"), &small, &hold), E_LIMIT);
    /* a budget that shrinks is heeded at once */
    org.day_microcents = 20000;
    assert_ok(models_budget_set(c, &org));
    assert_ok(ledger_reserve(c, l, STR("sales"), &small, &hold));
    org.day_microcents = 10020;
    assert_ok(models_budget_set(c, &org));
    assert_ok(ledger_reserve(c, l, STR("sales"), &small, &hold));
    assert_int_equal(ledger_reserve(c, l, STR("sales"), &small, &hold), E_LIMIT);
}

/* As another process does it: this one is not told, and looks again soon. */
static void a_budget_lowered_elsewhere_counts_soon(void **state)
{
    enum { PATIENCE_MS = 30000 };
    struct bench *b = *state;
    struct ledger_hold hold;
    struct models_budget org = {.day_microcents = 100000};
    assert_ok(models_budget_set(b->w.c, &org));
    assert_ok(reserve(b, 10, 1, &hold));
    settle(b, &hold, 10, 1);
    org.day_microcents = 5;
    assert_ok(spend_budget_set(b->w.c, &org));
    int64_t until_ms = clock_steady_ms() + PATIENCE_MS;
    enum err e = E_OK;
    while (e == E_OK && clock_steady_ms() < until_ms) {
        e = reserve(b, 10, 1, &hold);
        if (e == E_OK) {
            settle(b, &hold, 0, 0);
            usleep(2000);
        }
    }
    assert_int_equal(e, E_LIMIT);
    assert_string_equal(b->w.c->fault.field, "budget");
}

static bool always(void *arg, enum mishap_place place)
{
    (void)arg;
    (void)place;
    return true;
}

/* A disk that takes nothing for long: what waits is bounded, and nothing of it is lost. */
static void what_cannot_be_written_is_not_asked(void **state)
{
    enum { ROWS = 8193, PATIENCE_MS = 30000 };
    static const struct mishap broken = {.strikes = always};
    struct bench *b = *state;
    struct ctx *c = b->w.c;
    struct ledger_hold hold, none = {0};
    struct store *s;
    struct store_rows rows;
    assert_ok(reserve(b, 1, 1, &hold)); /* has looked for budgets */
    settle(b, &hold, 0, 0);
    assert_ok(models_flush(c));
    assert_ok(store_of(c, &s));
    b->w.at.mishap = &broken;
    for (int i = 0; i < ROWS; i++) {
        settle(b, &none, 1, 1);
    }
    assert_int_equal(reserve(b, 1, 1, &hold), E_UNAVAILABLE);
    assert_non_null(strstr(c->fault.text, "cannot be written down"));
    assert_true(c->fault.retry_after_ms > 0);
    b->w.at.mishap = NULL;
    ctx_forgive(c);
    int64_t until_ms = clock_steady_ms() + PATIENCE_MS;
    while (reserve(b, 1, 1, &hold) != E_OK && clock_steady_ms() < until_ms) {
        ctx_forgive(c);
        usleep(2000);
    }
    settle(b, &hold, 0, 0);
    assert_ok(models_flush(c));
    assert_ok(store_query(c, s, &rows, "SELECT count(*) FROM llm_usage"));
    assert_int_equal(row_int(&rows, 0, 0), ROWS + 2);
}

static void a_used_up_budget_sends_nothing(void **state)
{
    struct bench *b = *state;
    need_server();
    struct chat_request request = plain;
    request.origin = by_agent;
    request.max_tokens = 100;
    struct chat_result r;
    struct str last;
    play(b, "{\"rules\":[],\"default\":{\"text\":\"hello\"}}");
    assert_ok(ask(b, &request, true, &r));
    struct models_spent before, after;
    assert_ok(models_spent(b->w.c, STR(""), &before));
    /* room for the worst case of one more, of which little is used */
    struct models_budget budget = {.day_microcents = before.day_microcents + 100 * 1500 + 20000};
    assert_ok(models_budget_set(b->w.c, &budget));
    assert_ok(ask(b, &request, true, &r));
    assert_ok(models_spent(b->w.c, STR(""), &after));
    assert_int_equal(after.day_microcents, before.day_microcents + r.cost_microcents);
    budget.day_microcents = after.day_microcents + 1000;
    assert_ok(models_budget_set(b->w.c, &budget));
    assert_int_equal(ask(b, &request, true, &r), E_LIMIT);
    assert_int_equal(arrived(b, &last), 2);
    assert_int_equal(alerts(b, 0), 0);
    /* the request that takes it past 80 percent says so */
    budget.day_microcents = (after.day_microcents + 100 * 1500) * 10 / 9;
    ctx_forgive(b->w.c);
    play(b, "{\"rules\":[{\"reply\":{\"text\":\"x\",\"usage\":{\"prompt_tokens\":1,"
            "\"completion_tokens\":95}}}]}");
    assert_ok(models_budget_set(b->w.c, &budget));
    assert_ok(ask(b, &request, true, &r));
    assert_int_equal(alerts(b, 1), 1);
}

struct racer {
    pthread_t thread;
    struct bench *b;
    int won;
};

static void *race(void *arg)
{
    struct racer *r = arg;
    struct ctx *c = world_ctx(&r->b->w, &r->b->w.org_a);
    for (int i = 0; i < 20; i++) {
        struct spend_estimate worst = {10, 1};
        struct ledger_hold hold;
        struct ledger *l = r->b->w.at.models->ledger;
        r->won += ledger_reserve(c, l, STR(""), &worst, &hold) == E_OK;
    }
    ctx_free(&c);
    return NULL;
}

static void many_at_once_never_overspend(void **state)
{
    struct bench *b = *state;
    struct models_budget budget = {.day_microcents = 555};
    assert_ok(models_budget_set(b->w.c, &budget));
    struct racer racers[4];
    int won = 0;
    for (int i = 0; i < 4; i++) {
        racers[i] = (struct racer){.b = b};
        pthread_create(&racers[i].thread, NULL, race, &racers[i]);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(racers[i].thread, NULL);
        won += racers[i].won;
    }
    assert_int_equal(won, 55);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    static const struct CMUnitTest wires[] = {
        T(an_answer_streams),
        T(tools_are_called_and_answered),
        T(what_goes_wrong_is_retried_or_told),
        T(bad_keys_and_bad_output_are_told_apart),
        T(a_structured_answer_fits_its_schema),
        T(a_cancel_ends_the_stream_at_once),
        T(another_vendor_stands_in),
    };
    static const struct CMUnitTest costs[] = {
        T(every_request_leaves_a_row),
        T(budgets_hold_before_anything_is_sent),
        T(a_budget_lowered_elsewhere_counts_soon),
        T(what_cannot_be_written_is_not_asked),
        T(what_is_paid_ahead_is_given_back),
        T(a_used_up_budget_sends_nothing),
        T(many_at_once_never_overspend),
    };
    kind_of_run = STORE_SQLITE;
    int failed = cmocka_run_group_tests_name("both wire formats", wires, server_start, server_stop);
    failed += cmocka_run_group_tests_name("costs over SQLite", costs, server_start, server_stop);
    if (world_postgres()) {
        kind_of_run = STORE_POSTGRES;
        failed +=
            cmocka_run_group_tests_name("costs over PostgreSQL", costs, server_start, server_stop);
    }
    return failed;
}
