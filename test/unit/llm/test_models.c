/* Routing, retries, circuits, checks of what a model wrote, cached answers. Providers are a script
 * (kind "fake"), or the real wire format over a scripted client. */
#include "unit/llm/wire.h"

#include <ftw.h>
#include <stdlib.h>

#include "llm/models.h"
#include "llm/recorder.h"
#include "store/cache.h"

/* ---- a provider that does as told --------------------------------------------------------- */

enum { TURNS_MAX = 12 };

struct turn {
    enum err err;
    const char *text;
    int retry_after_ms;
    bool hands_out; /* a piece before it fails */
    struct chat_call call;
};

static struct {
    struct turn turns[TURNS_MAX]; /* the last one goes on */
    int asked;
    char who[512]; /* "provider/model " each */
    struct str last_message;
} fake;

static enum err fake_send(struct ctx *c, const struct provider_call *call, void *arg,
                          struct provider_answer *answer)
{
    (void)arg;
    int at = fake.asked < TURNS_MAX ? fake.asked : TURNS_MAX - 1;
    while (at > 0 && !fake.turns[at].text && fake.turns[at].err == E_OK) {
        at--;
    }
    const struct turn *t = &fake.turns[at];
    size_t n = strlen(fake.who);
    snprintf(fake.who + n, sizeof(fake.who) - n, "%.*s/%.*s ", STR_ARG(call->account->name),
             STR_ARG(call->model));
    fake.asked++;
    fake.last_message = call->request->messages[call->request->message_count - 1].text;
    const struct chat_stream *s = call->request->stream;
    if ((t->hands_out || t->err == E_OK) && s && s->on_text && t->text) {
        answer->handed_out = true;
        TRY(s->on_text(c, str_of(t->text), s->arg));
    }
    if (t->err != E_OK) {
        ctx_fail(c, t->err, "%s", t->text ? t->text : "failed");
        c->fault.retry_after_ms = t->retry_after_ms;
        return t->err;
    }
    answer->text = str_of(t->text);
    answer->usage = (struct chat_usage){.tokens_in = 1000, .tokens_out = 100};
    if (t->call.name.n) {
        answer->calls = arena_memdup(c->arena, &t->call, sizeof(t->call));
        answer->call_count = 1;
        answer->stop = CHAT_STOP_TOOLS;
    }
    return E_OK;
}

static const struct provider fake_provider = {"fake", fake_send};

static const struct models_model cloud_models[] = {
    {.name = "small",
     .model_class = MODELS_CHEAP,
     .price_in_millicents = 1000,
     .price_out_millicents = 5000},
    {.name = "middle", .model_class = MODELS_BALANCED},
    {.name = "large", .model_class = MODELS_PREMIUM, .context_tokens = 1000000},
    {0}};
static const struct models_model local_models[] = {{.name = "tiny", .model_class = MODELS_CHEAP},
                                                   {.name = "mid", .model_class = MODELS_BALANCED},
                                                   {0}};
static const struct models_provider two[] = {
    {.name = "cloud", .kind = "fake", .models = cloud_models},
    {.name = "local", .kind = "fake", .models = local_models},
    {0}};

/* ---- the task ----------------------------------------------------------------------------- */

static const struct models_config quick = {.providers = two, .backoff_ms = 1, .attempts_max = 2};

static void use(struct ctx *c, const struct models_config *config)
{
    models_free(&wire_at.models);
    if (models_new(c, config, &wire_at.models) != E_OK ||
        models_register(c, wire_at.models, &fake_provider, NULL, NULL) != E_OK) {
        fail_msg("%s", c->fault.text);
    }
    memset(&fake, 0, sizeof(fake));
    fake.turns[0] = (struct turn){.text = "hello"};
}

static int setup(void **state)
{
    wire_setup(state);
    clock_set_ms(wire_at.clock, 1000000);
    struct ctx *c = *state;
    c->org = id_new(1);
    use(c, &quick);
    return 0;
}

static int teardown(void **state)
{
    models_free(&wire_at.models);
    cache_close(&wire_at.cache);
    return wire_teardown(state);
}

#define SAY(z)                                                                                     \
    {                                                                                              \
        .role = CHAT_USER, .text = { z, sizeof(z) - 1 }                                            \
    }
static const struct chat_message hi = SAY("hi");
#define HI .messages = &hi, .message_count = 1

/* ---- configuration ------------------------------------------------------------------------ */

static bool embed_nothing(struct str text, float *out_vector, void *arg)
{
    (void)text;
    (void)out_vector;
    (void)arg;
    return false;
}

static void wrong_configurations_name_what_is_wrong(void **state)
{
    struct ctx *c = *state;
#define P(...)                                                                                     \
    .providers = (const struct models_provider[])                                                  \
    {                                                                                              \
        __VA_ARGS__,                                                                               \
        {                                                                                          \
            0                                                                                      \
        }                                                                                          \
    }
#define M(...)                                                                                     \
    .models = (const struct models_model[])                                                        \
    {                                                                                              \
        __VA_ARGS__,                                                                               \
        {                                                                                          \
            0                                                                                      \
        }                                                                                          \
    }
    const struct {
        const char *why;
        struct models_config config;
        const char *text; /* NULL: fine */
    } cases[] = {
        {"nothing at all", {0}, NULL},
        {"a kind that may come later", {P({.name = "a", .kind = "later"})}, NULL},
        {"no name", {P({.name = "", .kind = "openai"})}, "needs a name"},
        {"double name",
         {P({.name = "a", .kind = "later"}, {.name = "a", .kind = "later"})},
         "two providers are called a"},
        {"no address", {P({.name = "a", .kind = "openai"})}, "provider a needs a base_url"},
        {"no web address",
         {P({.name = "a", .kind = "anthropic", .base_url = "ftp://x"})},
         "provider a needs a base_url"},
        {"double model",
         {P({.name = "a", .kind = "later", M({.name = "m"}, {.name = "m"})})},
         "two models m"},
        {"negative price",
         {P({.name = "a", .kind = "later", M({.name = "m", .price_out_millicents = -1})})},
         "model m of provider a has a wrong price"},
        {"unknown class",
         {P({.name = "a", .kind = "later", M({.name = "m", .model_class = 7})})},
         "price or class"},
        {"unknown default",
         {.default_provider = "b", P({.name = "a", .kind = "later"})},
         "no provider b"},
        {"an embedding without size", {.embed = embed_nothing}, "1 to 1024"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct models *m = NULL;
        enum err e = models_new(c, &cases[i].config, &m);
        bool right = cases[i].text ? e == E_INVALID && !m && strstr(c->fault.text, cases[i].text)
                                   : e == E_OK;
        if (!right) {
            fail_msg("%s: %s: %s", cases[i].why, err_name(e), c->fault.text);
        }
        models_free(&m);
    }
}

static void wrong_requests_are_not_sent(void **state)
{
    struct ctx *c = *state;
    struct chat_tool tool = {.name = STR("look")}, nameless = {.name = STR("")};
    struct chat_message *many = ARENA_ARRAY(c->arena, struct chat_message, CHAT_MESSAGES_MAX + 1);
    char *huge = arena_alloc(c->arena, 5 << 20);
    memset(huge, 'a', 5 << 20);
    const struct {
        const char *why;
        struct chat_request request;
        enum err err;
    } cases[] = {
        {"no message", {0}, E_INVALID},
        {"too many", {.messages = many, .message_count = CHAT_MESSAGES_MAX + 1}, E_TOO_LARGE},
        {"too many tools", {HI, .tools = &tool, .tool_count = CHAT_TOOLS_MAX + 1}, E_TOO_LARGE},
        {"a tool without name", {HI, .tools = &nameless, .tool_count = 1}, E_INVALID},
        {"a tool that is not there",
         {HI, .tools = &tool, .tool_count = 1, .tool_choice = CHAT_TOOLS_NAMED,
          .tool_name = STR("other")},
         E_INVALID},
        {"a tool must be used, and none is there",
         {HI, .tool_choice = CHAT_TOOLS_REQUIRED},
         E_INVALID},
        {"too hot", {HI, .temperature = 2.1}, E_INVALID},
        {"unknown model", {HI, .model = STR("gpt-9")}, E_NOT_FOUND},
        {"unknown provider", {HI, .provider = STR("moon")}, E_NOT_FOUND},
        {"a model of another provider",
         {HI, .provider = STR("local"), .model = STR("large")},
         E_NOT_FOUND},
        {"more than any window", {HI, .system = str_make(huge, 5 << 20)}, E_TOO_LARGE},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct chat_result r = {.attempts = -7};
        enum err e = models_chat(c, &cases[i].request, &r);
        if (e != cases[i].err || fake.asked || r.attempts != -7) {
            fail_msg("%s: %s: %s", cases[i].why, err_name(e), c->fault.text);
        }
    }
    models_free(&wire_at.models);
    struct chat_request request = {HI};
    struct chat_result r;
    assert_int_equal(models_chat(c, &request, &r), E_NOT_FOUND);
}

/* ---- which model -------------------------------------------------------------------------- */

static void preferences_choose_and_fall_back(void **state)
{
    struct ctx *c = *state;
    struct chat_tool tool = {.name = STR("look")};
    char *long_text = arena_alloc(c->arena, 600000);
    memset(long_text, 'a', 600000);
    const struct {
        const char *why;
        struct chat_request request;
        const char *default_provider;
        const char *who;
    } cases[] = {
        {"cheap stays cheap", {HI, .preference = CHAT_CHEAP}, NULL, "cloud/small local/tiny "},
        {"balanced falls to cheap",
         {HI, .preference = CHAT_BALANCED},
         NULL,
         "cloud/middle local/mid cloud/small local/tiny "},
        {"premium falls to balanced, then cheap",
         {HI, .preference = CHAT_PREMIUM},
         NULL,
         "cloud/large cloud/middle local/mid cloud/small local/tiny "},
        {"the default provider goes first in every class",
         {HI, .preference = CHAT_BALANCED},
         "local",
         "local/mid cloud/middle local/tiny cloud/small "},
        {"auto: a greeting is cheap", {HI}, NULL, "cloud/small local/tiny "},
        {"auto: tools ask for more",
         {HI, .tools = &tool, .tool_count = 1},
         NULL,
         "cloud/middle local/mid cloud/small local/tiny "},
        {"a named model, then its class",
         {HI, .provider = STR("local"), .model = STR("mid")},
         NULL,
         "local/mid cloud/middle cloud/small local/tiny "},
        {"a model by name alone",
         {HI, .model = STR("large")},
         NULL,
         "cloud/large cloud/middle local/mid cloud/small local/tiny "},
        {"a provider by name alone",
         {HI, .provider = STR("local"), .preference = CHAT_CHEAP},
         NULL,
         "local/tiny local/mid cloud/small "},
        {"small windows are left out",
         {HI, .preference = CHAT_PREMIUM, .system = str_make(long_text, 600000)},
         NULL,
         "cloud/large "},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct models_config config = quick;
        config.default_provider = cases[i].default_provider;
        use(c, &config);
        fake.turns[0] = (struct turn){.err = E_DENIED}; /* no second attempt with the same */
        struct chat_result r;
        enum err e = models_chat(c, &cases[i].request, &r);
        if (e != E_DENIED || strcmp(fake.who, cases[i].who) != 0) {
            fail_msg("%s: %s: %s", cases[i].why, err_name(e), fake.who);
        }
    }
}

/* ---- retries ------------------------------------------------------------------------------ */

static void attempts_follow_what_went_wrong(void **state)
{
    struct ctx *c = *state;
    const struct {
        const char *why;
        struct turn turns[TURNS_MAX];
        const char *who;
        enum err err;
        const char *text; /* of the answer, or part of the fault */
    } cases[] = {
        {"at once", {{.text = "hello"}}, "cloud/small ", E_OK, "hello"},
        {"down once",
         {{.err = E_UNAVAILABLE, .text = "x"}, {.text = "hello"}},
         "cloud/small cloud/small ",
         E_OK,
         "hello"},
        {"a limit, with a time",
         {{.err = E_LIMIT, .text = "x", .retry_after_ms = 2}, {.text = "hello"}},
         "cloud/small cloud/small ",
         E_OK,
         "hello"},
        {"a limit for an hour: another model",
         {{.err = E_LIMIT, .text = "x", .retry_after_ms = 3600000}, {.text = "hello"}},
         "cloud/small local/tiny ",
         E_OK,
         "hello"},
        {"a stall has cost much time: another model",
         {{.err = E_TIMEOUT, .text = "x"}, {.text = "hello"}},
         "cloud/small local/tiny ",
         E_OK,
         "hello"},
        {"attempts used up: another model",
         {{.err = E_UNAVAILABLE, .text = "x"},
          {.err = E_UNAVAILABLE, .text = "x"},
          {.text = "hello"}},
         "cloud/small cloud/small local/tiny ",
         E_OK,
         "hello"},
        {"a wrong key is wrong again: another model",
         {{.err = E_UNAUTHENTICATED, .text = "x"}, {.text = "hello"}},
         "cloud/small local/tiny ",
         E_OK,
         "hello"},
        {"what one server refuses another may take",
         {{.err = E_INVALID, .text = "x"}, {.text = "hello"}},
         "cloud/small local/tiny ",
         E_OK,
         "hello"},
        {"nobody answers",
         {{.err = E_UNAVAILABLE, .text = "all down"}},
         "cloud/small cloud/small local/tiny local/tiny ",
         E_UNAVAILABLE,
         "all down"},
        {"what may pass is told, not what the stand-in lacks",
         {{.err = E_UNAVAILABLE, .text = "busy"},
          {.err = E_UNAVAILABLE, .text = "busy"},
          {.err = E_NOT_FOUND, .text = "no such model"}},
         "cloud/small cloud/small local/tiny ",
         E_UNAVAILABLE,
         "busy"},
        {"the user has read half of it: never again",
         {{.err = E_UNAVAILABLE, .text = "cut", .hands_out = true}, {.text = "hello"}},
         "cloud/small ",
         E_UNAVAILABLE,
         "cut"},
        {"cancelled is over",
         {{.err = E_CANCELLED, .text = "enough"}, {.text = "hello"}},
         "cloud/small ",
         E_CANCELLED,
         "enough"},
    };
    struct chat_stream stream = {.on_text = wire_on_text};
    struct chat_request request = {HI, .preference = CHAT_CHEAP, .stream = &stream};
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        use(c, &quick);
        wire_heard = buf_make(1000);
        memcpy(fake.turns, cases[i].turns, sizeof(fake.turns));
        struct chat_result r = {0};
        ctx_forgive(c);
        enum err e = models_chat(c, &request, &r);
        bool right = e == cases[i].err && strcmp(fake.who, cases[i].who) == 0 &&
                     (e == E_OK ? str_eqz(r.text, cases[i].text) && r.attempts == fake.asked
                                : strstr(c->fault.text, cases[i].text) != NULL);
        if (!right) {
            fail_msg("%s: %s %s: %s", cases[i].why, err_name(e), c->fault.text, fake.who);
        }
        buf_free(&wire_heard);
    }
}

static void time_and_cancel_end_the_waiting(void **state)
{
    struct ctx *c = *state;
    struct models_config slow = quick;
    slow.backoff_ms = 3600000;
    slow.backoff_max_ms = 3600000;
    use(c, &slow);
    fake.turns[0] = (struct turn){.err = E_UNAVAILABLE, .text = "down"};
    struct chat_request request = {HI, .preference = CHAT_CHEAP, .timeout_ms = 50};
    struct chat_result r;
    /* there is no time for a back-off of an hour: what went wrong is told at once */
    assert_int_equal(models_chat(c, &request, &r), E_UNAVAILABLE);
    assert_int_equal(fake.asked, 1);
    use(c, &slow);
    fake.turns[0] = (struct turn){.err = E_UNAVAILABLE, .text = "down"};
    atomic_bool cancel = true;
    c->cancel = &cancel;
    request.timeout_ms = 7200000;
    assert_int_equal(models_chat(c, &request, &r), E_UNAVAILABLE);
    assert_int_equal(fake.asked, 1);
    c->cancel = NULL;
}

static enum models_circuit circuit(struct ctx *c, const char *name)
{
    struct models_health all[4];
    int n = models_health(c, wire_at.models, all, 4);
    for (int i = 0; i < n; i++) {
        if (str_eqz(all[i].name, name)) {
            return all[i].circuit;
        }
    }
    fail();
    return MODELS_CLOSED;
}

static void a_broken_provider_is_left_alone_for_a_while(void **state)
{
    struct ctx *c = *state;
    struct models_config config = quick;
    config.attempts_max = 1;
    config.breaker_failures = 3;
    config.breaker_open_ms = 60000;
    config.providers = (const struct models_provider[]){two[0], {0}};
    use(c, &config);
    struct chat_request request = {HI, .preference = CHAT_CHEAP};
    struct chat_result r;
    fake.turns[0] = (struct turn){.err = E_UNAVAILABLE, .text = "down"};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(circuit(c, "cloud"), MODELS_CLOSED);
        assert_int_equal(models_chat(c, &request, &r), E_UNAVAILABLE);
    }
    assert_int_equal(circuit(c, "cloud"), MODELS_OPEN);
    assert_int_equal(models_chat(c, &request, &r), E_UNAVAILABLE);
    assert_int_equal(fake.asked, 3); /* not even tried */
    assert_int_equal(c->fault.retry_after_ms, 60000);
    clock_advance_ms(wire_at.clock, 60000);
    assert_int_equal(models_chat(c, &request, &r), E_UNAVAILABLE);
    assert_int_equal(fake.asked, 4); /* one may try; it failed */
    assert_int_equal(circuit(c, "cloud"), MODELS_OPEN);
    clock_advance_ms(wire_at.clock, 60000);
    memset(fake.turns, 0, sizeof(fake.turns));
    fake.turns[0] = (struct turn){.text = "back"};
    assert_int_equal(models_chat(c, &request, &r), E_OK);
    assert_int_equal(circuit(c, "cloud"), MODELS_CLOSED);
    /* limits and our own mistakes say nothing about its health */
    for (int i = 0; i < 5; i++) {
        fake.turns[0] = (struct turn){.err = i % 2 ? E_LIMIT : E_INVALID, .text = "x"};
        models_chat(c, &request, &r);
    }
    assert_int_equal(circuit(c, "cloud"), MODELS_CLOSED);
}

/* ---- what the model wrote ----------------------------------------------------------------- */

static void calls_are_checked_against_what_was_offered(void **state)
{
    struct ctx *c = *state;
    const struct json *parameters =
        wire_json(c, "{\"type\":\"object\",\"required\":[\"n\"],\"additionalProperties\":false,"
                     "\"properties\":{\"n\":{\"type\":\"integer\",\"minimum\":1}}}");
    struct chat_tool tools[] = {{STR("look"), STR("looks"), parameters, false},
                                {STR("free"), STR("takes anything"), NULL, false}};
    const struct {
        const char *why, *name, *arguments;
        enum chat_call_fault before, fault;
        const char *text;
    } cases[] = {
        {"fine", "look", "{\"n\":7}", 0, CHAT_CALL_FINE, ""},
        {"anything goes", "free", "{\"x\":[]}", 0, CHAT_CALL_FINE, ""},
        {"made up", "fly", "{}", 0, CHAT_CALL_UNKNOWN_TOOL,
         "There is no tool called fly. The tools are: look, free."},
        {"missing", "look", "{}", 0, CHAT_CALL_BAD_ARGUMENTS, "n"},
        {"wrong type", "look", "{\"n\":\"7\"}", 0, CHAT_CALL_BAD_ARGUMENTS, "n"},
        {"out of bounds", "look", "{\"n\":0}", 0, CHAT_CALL_BAD_ARGUMENTS, "n"},
        {"one too many", "look", "{\"n\":1,\"m\":2}", 0, CHAT_CALL_BAD_ARGUMENTS, "m"},
        {"no JSON stays no JSON", "look", "{}", CHAT_CALL_NO_JSON, CHAT_CALL_NO_JSON, ""},
        {"made up and cut", "fly", "{}", CHAT_CALL_CUT, CHAT_CALL_UNKNOWN_TOOL, "fly"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        use(c, &quick);
        fake.turns[0] = (struct turn){.text = ""};
        fake.turns[0].call = (struct chat_call){.id = STR("c1"),
                                                .name = str_of(cases[i].name),
                                                .arguments = wire_json(c, cases[i].arguments),
                                                .fault = cases[i].before};
        struct chat_request request = {HI, .tools = tools, .tool_count = 2};
        struct chat_result r;
        assert_int_equal(models_chat(c, &request, &r), E_OK);
        assert_int_equal(r.call_count, 1);
        if (r.calls[0].fault != cases[i].fault ||
            str_find(r.calls[0].fault_text, str_of(cases[i].text)) < 0) {
            fail_msg("%s: %d %.*s", cases[i].why, r.calls[0].fault, STR_ARG(r.calls[0].fault_text));
        }
    }
}

static void structured_answers_fit_or_are_asked_for_again(void **state)
{
    struct ctx *c = *state;
    const struct json *schema =
        wire_json(c, "{\"type\":\"object\",\"required\":[\"score\"],\"properties\":{\"score\":{"
                     "\"type\":\"integer\"}}}");
    const struct {
        const char *why, *first, *second;
        enum err err;
        int asked;
    } cases[] = {
        {"fits", "{\"score\":5}", "-", E_OK, 1},
        {"mended: a fence, a comma too many", "```json\n{\"score\": 5,}\n```", "-", E_OK, 1},
        {"cut off is not mended", "{\"score\":5,\"why\":\"be", "{\"score\":5}", E_OK, 2},
        {"no JSON, then JSON", "I would say five.", "{\"score\":5}", E_OK, 2},
        {"wrong type, then right", "{\"score\":\"5\"}", "{\"score\":5}", E_OK, 2},
        {"never", "five", "still five", E_INCOMPLETE, 2},
    };
    struct chat_stream stream = {.on_text = wire_on_text};
    struct chat_request request = {HI, .schema = schema, .stream = &stream};
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        use(c, &quick);
        ctx_forgive(c);
        wire_heard = buf_make(1000);
        fake.turns[0] = (struct turn){.text = cases[i].first};
        fake.turns[1] = (struct turn){.text = cases[i].second};
        struct chat_result r = {0};
        enum err e = models_chat(c, &request, &r);
        if (e != cases[i].err || fake.asked != cases[i].asked ||
            json_int(r.json, "score", 5) != 5) {
            fail_msg("%s: %s %s", cases[i].why, err_name(e), c->fault.text);
        }
        /* what was refused was never shown, what fits is shown once */
        assert_true(str_eqz(buf_str(&wire_heard), e == E_OK ? "{\"score\":5}" : ""));
        if (cases[i].asked == 2) {
            assert_true(str_starts(fake.last_message, STR("Your answer cannot be used: ")));
        }
        if (e == E_OK) {
            assert_int_equal(r.usage.tokens_in, 1000 * cases[i].asked);
        }
        buf_free(&wire_heard);
    }
    request.schema = wire_json(c, "{\"type\":\"nonsense\"}");
    struct chat_result r;
    assert_int_equal(models_chat(c, &request, &r), E_INVALID);
}

static void a_result_says_who_answered_and_what_it_cost(void **state)
{
    struct ctx *c = *state;
    struct chat_request request = {HI, .preference = CHAT_CHEAP, .system = STR("be brief")};
    struct chat_result r;
    assert_int_equal(models_chat(c, &request, &r), E_OK);
    assert_true(str_eqz(r.provider, "cloud") && str_eqz(r.model, "small"));
    /* 1,000 tokens at $0.01 and 100 at $0.05 per million: 1,000 + 500 microcents */
    assert_int_equal(r.cost_microcents, 1500);
    assert_int_equal(r.cache, CHAT_CACHE_NONE);
    assert_true(str_eqz(r.prompt_kept, "system: be brief\nuser: hi\n"));
    assert_true(str_eqz(r.response_kept, "hello"));
    struct chat_message mail = SAY("I am anna@example.com");
    request = (struct chat_request){.messages = &mail, .message_count = 1, .personal = true};
    assert_int_equal(models_chat(c, &request, &r), E_OK);
    assert_true(str_find(r.prompt_kept, STR("***@example.com")) > 0);
    assert_true(str_find(r.prompt_kept, STR("anna")) < 0);
}

static struct str keep_length(struct ctx *c, const struct chat_request *request, struct str text,
                              void *arg)
{
    (void)arg;
    (void)request;
    return str_fmt(c->arena, "%zu bytes", text.n);
}

static void a_policy_decides_what_is_kept(void **state)
{
    struct ctx *c = *state;
    struct models_config config = quick;
    config.keep = keep_length;
    use(c, &config);
    struct chat_request request = {HI};
    struct chat_result r;
    assert_int_equal(models_chat(c, &request, &r), E_OK);
    assert_true(str_eqz(r.response_kept, "5 bytes"));
}

/* ---- the cache ---------------------------------------------------------------------------- */

/* Letters counted: texts that mean the same to it are those of the same letters. */
static bool embed_letters(struct str text, float *out_vector, void *arg)
{
    (void)arg;
    for (int i = 0; i < 26; i++) {
        out_vector[i] = 0;
    }
    for (size_t i = 0; i < text.n; i++) {
        char low = (char)(text.p[i] | 32);
        if (low >= 'a' && low <= 'z') {
            out_vector[low - 'a'] += 1;
        }
    }
    return true;
}

static const struct models_model wire_models[] = {{.name = "m", .price_in_millicents = 1000000},
                                                  {.name = "n", .price_in_millicents = 1000000},
                                                  {0}};
static const struct models_provider over_wire[] = {
    {.name = "wire", .kind = "openai", .base_url = "http://x", .models = wire_models}, {0}};

static void use_cache(struct ctx *c)
{
    struct cache_config memory = {.kind = CACHE_MEMORY};
    cache_close(&wire_at.cache);
    assert_int_equal(cache_open(c, &memory, &wire_at.cache), E_OK);
    use(c, &(struct models_config){.providers = over_wire,
                                   .embed = embed_letters,
                                   .embed_dimensions = 26,
                                   .cache_ttl_ms = 60000});
    wire = (struct wire){.body = STR("{\"choices\":[{\"message\":{\"content\":\"an answer\"},"
                                     "\"finish_reason\":\"stop\"}],\"usage\":{"
                                     "\"prompt_tokens\":7,\"completion_tokens\":2}}")};
}

static enum chat_cache ask(struct ctx *c, const struct chat_request *request)
{
    struct chat_result r;
    assert_int_equal(models_chat(c, request, &r), E_OK);
    assert_true(str_eqz(r.text, "an answer"));
    assert_int_equal(r.attempts, r.cache == CHAT_CACHE_NONE ? 1 : 0);
    assert_int_equal(r.cost_microcents > 0, r.cache == CHAT_CACHE_NONE);
    return r.cache;
}

static void the_same_request_is_answered_once(void **state)
{
    struct ctx *c = *state;
    struct chat_tool reads = {.name = STR("look")};
    struct chat_tool acts = {.name = STR("book"), .side_effects = true};
    const struct chat_request first = {
        HI, .origin = {.agent = STR("a"), .agent_version = STR("1"), .scope = STR("public")}};
#define CHANGED(...)                                                                               \
    ({                                                                                             \
        struct chat_request changed = first;                                                       \
        struct chat_request *r = &changed;                                                         \
        __VA_ARGS__;                                                                               \
        changed;                                                                                   \
    })
    const struct {
        const char *why;
        struct chat_request request;
        enum chat_cache hit; /* after `first` was answered */
        bool again;          /* and when asked once more */
    } cases[] = {
        {"the same", first, CHAT_CACHE_EXACT, true},
        {"another agent", CHANGED(r->origin.agent = STR("b")), CHAT_CACHE_NONE, true},
        {"another version", CHANGED(r->origin.agent_version = STR("2")), CHAT_CACHE_NONE, true},
        {"another scope", CHANGED(r->origin.scope = STR("contact-7")), CHAT_CACHE_NONE, true},
        {"another conversation of the same scope", CHANGED(r->origin.conversation = STR("x")),
         CHAT_CACHE_EXACT, true},
        {"another prompt", CHANGED(r->system = STR("s")), CHAT_CACHE_NONE, true},
        {"another model", CHANGED(r->model = STR("n")), CHAT_CACHE_NONE, true},
        {"another temperature", CHANGED(r->temperature = 0.9), CHAT_CACHE_NONE, true},
        {"too warm to be the same twice", CHANGED(r->temperature = 0.91), CHAT_CACHE_NONE, false},
        {"personal", CHANGED(r->personal = true), CHAT_CACHE_NONE, false},
        {"not wanted", CHANGED(r->no_cache = true), CHAT_CACHE_NONE, false},
        {"a tool that reads", CHANGED(r->tools = &reads; r->tool_count = 1), CHAT_CACHE_NONE, true},
        {"a tool that acts", CHANGED(r->tools = &acts; r->tool_count = 1), CHAT_CACHE_NONE, false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        use_cache(c);
        assert_int_equal(ask(c, &first), CHAT_CACHE_NONE);
        enum chat_cache hit = ask(c, &cases[i].request);
        enum chat_cache again = ask(c, &cases[i].request);
        if (hit != cases[i].hit || (again == CHAT_CACHE_EXACT) != cases[i].again) {
            fail_msg("%s: %s, again %s", cases[i].why, chat_cache_name(hit),
                     chat_cache_name(again));
        }
    }
    use_cache(c);
    ask(c, &first);
    c->org = id_new(2); /* another org's is never seen */
    assert_int_equal(ask(c, &first), CHAT_CACHE_NONE);
    clock_advance_ms(wire_at.clock, 60001);
    assert_int_equal(ask(c, &first), CHAT_CACHE_NONE);
    assert_int_equal(ask(c, &first), CHAT_CACHE_EXACT);
    assert_int_equal(models_cache_clear(c, STR("other")), E_OK);
    assert_int_equal(ask(c, &first), CHAT_CACHE_EXACT);
    assert_int_equal(models_cache_clear(c, STR("a")), E_OK);
    assert_int_equal(ask(c, &first), CHAT_CACHE_NONE);
    assert_int_equal(models_cache_clear(c, STR("")), E_OK);
    assert_int_equal(ask(c, &first), CHAT_CACHE_NONE);
}

static void questions_that_mean_the_same_share_an_answer(void **state)
{
    struct ctx *c = *state;
    static const struct {
        const char *why, *first, *second;
        enum chat_cache hit;
    } cases[] = {
        {"other order of words", "how do I reset my password", "my password, how do I reset?",
         CHAT_CACHE_SEMANTIC},
        {"another matter", "how do I reset my password", "what does shipping cost",
         CHAT_CACHE_NONE},
        {"another order", "where is order 10421", "where is order 10422", CHAT_CACHE_NONE},
        {"the same order", "where is order 10421", "order 10421 where is", CHAT_CACHE_SEMANTIC},
        {"the opposite", "can I cancel now", "can I not cancel no w", CHAT_CACHE_NONE},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        use_cache(c);
        struct chat_message m = {.role = CHAT_USER, .text = str_of(cases[i].first)};
        struct chat_request request = {.messages = &m, .message_count = 1};
        assert_int_equal(ask(c, &request), CHAT_CACHE_NONE);
        m.text = str_of(cases[i].second);
        enum chat_cache hit = ask(c, &request);
        if (hit != cases[i].hit) {
            fail_msg("%s: %s", cases[i].why, chat_cache_name(hit));
        }
    }
    /* in another conversation the same words may mean something else */
    use_cache(c);
    struct chat_message talk[] = {SAY("about refunds"),
                                  {.role = CHAT_ASSISTANT, .text = STR("yes?")},
                                  SAY("how long does it take")};
    struct chat_request request = {.messages = talk, .message_count = 3};
    assert_int_equal(ask(c, &request), CHAT_CACHE_NONE);
    talk[0].text = STR("about deliveries");
    talk[2].text = STR("how long it does take");
    assert_int_equal(ask(c, &request), CHAT_CACHE_NONE);
    talk[2].text = STR("it does take how long");
    assert_int_equal(ask(c, &request), CHAT_CACHE_SEMANTIC);
}

static void answers_of_registered_providers_are_never_cached(void **state)
{
    struct ctx *c = *state;
    use_cache(c);
    use(c, &quick);
    struct chat_request request = {HI};
    struct chat_result r;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(models_chat(c, &request, &r), E_OK);
        assert_int_equal(r.cache, CHAT_CACHE_NONE);
    }
    assert_int_equal(fake.asked, 2);
}

/* ---- recorded exchanges ------------------------------------------------------------------- */

static int remove_entry(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

static void exchanges_are_recorded_and_given_back(void **state)
{
    struct ctx *c = *state;
    char folder[] = "/tmp/rapport-recorder-XXXXXX";
    assert_non_null(mkdtemp(folder));
    const struct models_model models[] = {{.name = "m"}, {0}};
    const struct models_provider tape = {.name = "tape", .kind = "recorder", .models = models};
    struct chat_tool tool = {.name = STR("look")};
    struct chat_request request = {HI, .tools = &tool, .tool_count = 1};
    struct chat_result r[5];
    for (int replaying = 0; replaying < 2; replaying++) {
        struct recorder *recorder =
            recorder_new(folder, replaying ? RECORDER_REPLAY : RECORDER_RECORD,
                         replaying ? NULL : &fake_provider, NULL);
        use(c, &(struct models_config){.backoff_ms = 1, .attempts_max = 1});
        assert_int_equal(models_register(c, wire_at.models, &provider_recorder, recorder, &tape),
                         E_OK);
        fake.turns[0] = (struct turn){.text = "first"};
        fake.turns[0].call = (struct chat_call){.id = STR("c1"),
                                                .name = STR("look"),
                                                .arguments = wire_json(c, "{\"n\":1}"),
                                                .arguments_text = STR("{\"n\":1}")};
        fake.turns[1] = (struct turn){.text = "second"};
        assert_int_equal(models_chat(c, &request, &r[2 * replaying]), E_OK);
        assert_int_equal(models_chat(c, &request, &r[2 * replaying + 1]), E_OK);
        if (replaying) {
            assert_int_equal(fake.asked, 0);
            assert_int_equal(models_chat(c, &request, &r[4]), E_NOT_FOUND);
            assert_non_null(strstr(c->fault.text, "-3.json"));
        }
        recorder_free(&recorder);
    }
    for (int i = 0; i < 2; i++) {
        assert_true(str_eq(r[i].text, r[i + 2].text));
        assert_int_equal(r[i].usage.tokens_in, r[i + 2].usage.tokens_in);
        assert_int_equal(r[i].call_count, r[i + 2].call_count);
    }
    assert_true(str_eqz(r[2].text, "first") && str_eqz(r[3].text, "second"));
    assert_true(json_equal(r[2].calls[0].arguments, r[0].calls[0].arguments));
    assert_int_equal(r[2].stop, CHAT_STOP_TOOLS);
    nftw(folder, remove_entry, 4, FTW_DEPTH | FTW_PHYS);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        T(wrong_configurations_name_what_is_wrong),
        T(wrong_requests_are_not_sent),
        T(preferences_choose_and_fall_back),
        T(attempts_follow_what_went_wrong),
        T(time_and_cancel_end_the_waiting),
        T(a_broken_provider_is_left_alone_for_a_while),
        T(calls_are_checked_against_what_was_offered),
        T(structured_answers_fit_or_are_asked_for_again),
        T(a_result_says_who_answered_and_what_it_cost),
        T(a_policy_decides_what_is_kept),
        T(the_same_request_is_answered_once),
        T(questions_that_mean_the_same_share_an_answer),
        T(answers_of_registered_providers_are_never_cached),
        T(exchanges_are_recorded_and_given_back),
    };
    return cmocka_run_group_tests_name("models", tests, NULL, NULL);
}
