/* HTTP tools over a web client that answers from a script, in place of the real one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "agent/tool_http.h"
#include "base/trace.h"
#include "io/client.h"

enum { SENT_MAX = 4, HEADER_BYTES = 200 };

#define CONVERSATION "01a1fd74-f334-7012-8496-21e29583d373"

struct wire {
    int statuses[SENT_MAX];
    const char *body;
    int count;
    char method[8], url[256], text[256];
    char traceparent[HEADER_BYTES], key[HEADER_BYTES], request_id[HEADER_BYTES];
    char conversation[HEADER_BYTES];
    bool allow_private;
};
static struct wire wire;

static void take(char *out, const struct request_out *r, const char *name)
{
    for (int i = 0; i < r->header_count; i++) {
        if (str_eq_nocase(r->headers[i].name, str_of(name))) {
            snprintf(out, HEADER_BYTES, "%.*s", STR_ARG(r->headers[i].value));
        }
    }
}

enum err client_send(struct ctx *c, const struct request_out *r, struct response_in *out)
{
    (void)c;
    snprintf(wire.method, sizeof(wire.method), "%s", r->method);
    snprintf(wire.url, sizeof(wire.url), "%.*s", STR_ARG(r->url));
    snprintf(wire.text, sizeof(wire.text), "%.*s", STR_ARG(r->body));
    take(wire.traceparent, r, "traceparent");
    take(wire.key, r, "Idempotency-Key");
    take(wire.request_id, r, "X-Request-Id");
    take(wire.conversation, r, "X-Conversation-Id");
    wire.allow_private = r->allow_private;
    *out = (struct response_in){.status = wire.statuses[wire.count], .body = str_of(wire.body)};
    wire.count++;
    return E_OK;
}

static int make_ctx(void **state)
{
    static const struct facilities none;
    wire = (struct wire){.statuses = {200, 200, 200, 200}, .body = "{\"n\":7}"};
    *state = ctx_new(&none, 4 << 20);
    return 0;
}

static int free_ctx(void **state)
{
    struct ctx *c = *state;
    ctx_free(&c);
    return 0;
}

static const struct json *parse(struct ctx *c, const char *text)
{
    const struct json *v = NULL;
    struct json_fault fault;
    assert_int_equal(json_parse(c->arena, str_of(text), &v, &fault), E_OK);
    return v;
}

static enum err run(struct ctx *c, const char *http, const struct json **out_result,
                    struct str *out_refusal)
{
    struct config_tool tool = {.name = STR("try"), .timeout_ms = 5000};
    struct tool_scene scene = {0};
    assert_true(id_parse(STR(CONVERSATION), &scene.conversation));
    tool.run_json = parse(c, http);
    return tool_http_run(c, &scene, &tool, parse(c, "{\"a\":\"x/../y?z\",\"n\":3}"), STR("key-1"),
                         out_result, out_refusal);
}

static void test_post(void **state)
{
    struct ctx *c = *state;
    const struct json *result = NULL;
    struct str refusal = {0};
    char trace[TRACE_PARENT_BYTES + 1];
    trace_write(c, trace);
    assert_int_equal(run(c, "{\"http\":{\"url\":\"https://x.example/do\",\"allow_private\":true}}",
                         &result, &refusal),
                     E_OK);
    assert_string_equal(wire.method, "POST");
    assert_string_equal(wire.text, "{\"a\":\"x/../y?z\",\"n\":3}");
    assert_string_equal(wire.traceparent, trace);
    assert_string_equal(wire.request_id, c->request_id);
    assert_string_equal(wire.key, "key-1");
    assert_string_equal(wire.conversation, CONVERSATION);
    assert_int_equal(json_int(result, "n", 0), 7);
    assert_false(wire.allow_private); /* the tool asks for it, the installation does not allow it */
}

static void test_address_is_encoded(void **state)
{
    struct ctx *c = *state;
    const struct json *result = NULL;
    struct str refusal = {0};
    assert_int_equal(run(c, "{\"http\":{\"method\":\"GET\",\"url\":\"https://x.example/o/{{a}}\"}}",
                         &result, &refusal),
                     E_OK);
    assert_string_equal(wire.method, "GET");
    assert_string_equal(wire.text, "");
    assert_null(strstr(wire.url, "/../"));
    assert_true(str_starts(str_of(wire.url), STR("https://x.example/o/x%2F..%2Fy%3Fz?")));
}

struct row {
    int statuses[SENT_MAX];
    const char *body;
    int requests;
    bool fine, refused;
    const char *reason;
};

static const struct row rows[] = {
    {{503, 503, 200}, "{\"n\":1}", 3, true, false, "tried again, under the same key"},
    {{503, 503, 503, 503}, "{}", 3, false, false, "two retries, no more"},
    {{500, 200}, "{}", 2, true, false, "a server that broke is asked again"},
    {{400}, "{}", 1, false, false, "a refusal to read it is final"},
    {{200}, "<html>", 1, false, false, "no JSON"},
    {{204}, "", 1, true, false, "no body"},
    {{422}, "{\"detail\":\"Already shipped.\"}", 1, true, true, "it refuses in words"},
    {{302}, "{}", 1, false, false, "elsewhere is no answer"},
};

static void test_answers(void **state)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        const struct row *r = &rows[i];
        const struct json *result = NULL;
        struct str refusal = {0};
        make_ctx(state);
        memcpy(wire.statuses, r->statuses, sizeof(r->statuses));
        wire.body = r->body;
        enum err e =
            run(*state, "{\"http\":{\"url\":\"https://x.example/do\"}}", &result, &refusal);
        if ((e == E_OK) != r->fine || wire.count != r->requests || (refusal.n > 0) != r->refused) {
            fail_msg("%s: %s after %d, \"%.*s\"", r->reason, err_name(e), wire.count,
                     STR_ARG(refusal));
        }
        assert_string_equal(wire.key, "key-1");
        free_ctx(state);
    }
}

/* Short values take many times their text. */
static void test_many_values(void **state)
{
    struct ctx *c = *state;
    const struct json *result = NULL;
    struct str refusal = {0};
    char *body = arena_alloc(c->arena, 2 * TOOL_RESULT_VALUES_MAX + 2);
    for (int i = 0; i < TOOL_RESULT_VALUES_MAX; i++) {
        memcpy(body + 2 * i, i ? ",1" : "[1", 2);
    }
    body[2 * TOOL_RESULT_VALUES_MAX] = ']';
    wire.body = body;
    wire.statuses[0] = 200;
    assert_int_equal(run(c, "{\"http\":{\"url\":\"https://x.example/do\"}}", &result, &refusal),
                     E_TOO_LARGE);
    assert_int_equal(wire.count, 1); /* asking again is of no use */
    assert_null(result);
    assert_non_null(strstr(c->fault.text, "more than 8192 values"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_post, make_ctx, free_ctx),
        cmocka_unit_test_setup_teardown(test_many_values, make_ctx, free_ctx),
        cmocka_unit_test_setup_teardown(test_address_is_encoded, make_ctx, free_ctx),
        cmocka_unit_test(test_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
