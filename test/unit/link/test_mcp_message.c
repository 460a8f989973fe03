/* Messages of MCP servers: what is read as what, what is refused, what they get for an answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "link/mcp_message.h"

static int setup(void **state)
{
    *state = arena_new(8 << 20);
    return 0;
}

static int teardown(void **state)
{
    struct arena *a = *state;
    arena_free(&a);
    return 0;
}

static void kinds(void **state)
{
    static const struct {
        const char *reason, *text;
        int kind; /* -1: refused */
        int64_t id;
    } rows[] = {
        {"a result", "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{}}", MCP_RESULT, 7},
        {"an error", "{\"jsonrpc\":\"2.0\",\"id\":7,\"error\":{\"code\":-1,\"message\":\"m\"}}",
         MCP_ERROR, 7},
        {"an error about no request", "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32700}}",
         MCP_ERROR, 0},
        {"an answer to somebody else's text id", "{\"jsonrpc\":\"2.0\",\"id\":\"7\",\"result\":{}}",
         MCP_RESULT, 0},
        {"a request", "{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"method\":\"ping\"}", MCP_REQUEST, 0},
        {"a notification", "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\"}",
         MCP_NOTIFICATION, 0},
        {"no version", "{\"id\":7,\"result\":{}}", -1, 0},
        {"an older version", "{\"jsonrpc\":\"1.0\",\"id\":7,\"result\":{}}", -1, 0},
        {"a batch", "[{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{}}]", -1, 0},
        {"both a result and an error", "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{},\"error\":{}}",
         -1, 0},
        {"neither", "{\"jsonrpc\":\"2.0\",\"id\":7}", -1, 0},
        {"a result that is no object", "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":[]}", -1, 0},
        {"an error that is no object", "{\"jsonrpc\":\"2.0\",\"id\":7,\"error\":\"x\"}", -1, 0},
        {"a method that is no text", "{\"jsonrpc\":\"2.0\",\"method\":3}", -1, 0},
        {"an id that is neither text nor number",
         "{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":\"ping\"}", -1, 0},
        {"params that are no object", "{\"jsonrpc\":\"2.0\",\"method\":\"x\",\"params\":[1]}", -1,
         0},
        {"no JSON", "hello", -1, 0},
        {"nothing", "", -1, 0},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct mcp_message m = {0};
        struct json_fault fault;
        enum err e = mcp_message_read(*state, str_of(rows[i].text), &m, &fault);
        bool fine = rows[i].kind < 0
                        ? e == E_INVALID && fault.text[0]
                        : e == E_OK && (int)m.kind == rows[i].kind && m.id == rows[i].id && m.body;
        if (!fine) {
            fail_msg("%s: %s, kind %d, id %lld (%s)", rows[i].reason, err_name(e), (int)m.kind,
                     (long long)m.id, fault.text);
        }
    }
}

static void questions_are_answered_or_refused(void **state)
{
    static const struct {
        const char *method, *part;
    } rows[] = {
        {"ping", "{\"jsonrpc\":\"2.0\",\"id\":\"q\",\"result\":{}}"},
        {"sampling/createMessage", "sampling is not offered"},
        {"elicitation/create", "elicitation is not offered"},
        {"roots/list", "roots are not offered"},
        {"anything/else", "\"code\":-32601"},
    };
    struct arena *a = *state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct str text =
            str_fmt(a, "{\"jsonrpc\":\"2.0\",\"id\":\"q\",\"method\":\"%s\"}", rows[i].method);
        struct mcp_message m;
        struct json_fault fault;
        assert_int_equal(mcp_message_read(a, text, &m, &fault), E_OK);
        struct str answer = mcp_message_answer(a, &m);
        if (str_find(answer, str_of(rows[i].part)) < 0) {
            fail_msg("%s: %.*s", rows[i].method, STR_ARG(answer));
        }
        assert_true(str_find(answer, STR("\"id\":\"q\"")) > 0);
    }
}

static void written_messages_are_one_line(void **state)
{
    struct arena *a = *state;
    const struct json *params =
        json_object(a, {"text", json_new_str(a, STR("two\nlines \xe2\x80\xa8 and a \"quote\""))});
    struct str request = mcp_message_request(a, 9, "tools/call", params);
    assert_int_equal(str_find_char(request, '\n'), -1);
    struct mcp_message m;
    struct json_fault fault;
    assert_int_equal(mcp_message_read(a, request, &m, &fault), E_OK);
    assert_int_equal(m.kind, MCP_REQUEST);
    assert_true(json_equal(m.body, params));
    struct str note = mcp_message_notification(a, "notifications/initialized", NULL);
    assert_true(str_eqz(note, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}"));
}

static void revisions(void **state)
{
    struct arena *a = *state;
    static const struct {
        const char *list, *picked;
    } rows[] = {
        {"[\"2025-06-18\",\"2025-11-25\"]", "2025-11-25"},
        {"[\"2024-11-05\",\"2025-06-18\",\"2030-01-01\"]", "2025-06-18"},
        {"[\"2026-07-28\"]", ""}, /* no legacy one */
        {"[7]", ""},
        {"[]", ""},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        const struct json *list;
        struct json_fault fault;
        assert_int_equal(json_parse(a, str_of(rows[i].list), &list, &fault), E_OK);
        assert_true(str_eqz(mcp_message_pick_legacy(list), rows[i].picked));
    }
    assert_true(mcp_message_is_legacy(STR("2025-03-26")));
    assert_false(mcp_message_is_legacy(STR("2026-07-28")));
    assert_false(mcp_message_is_legacy(STR("")));
}

/* The examples are those of the specification. */
static void header_values(void **state)
{
    static const struct {
        const char *reason, *value, *header;
    } rows[] = {
        {"plain", "us-west1", "us-west1"},
        {"spaces inside", "Seattle, WA", "Seattle, WA"},
        {"not ASCII", "Hello, \xe4\xb8\x96\xe7\x95\x8c", "=?base64?SGVsbG8sIOS4lueVjA==?="},
        {"spaces around", " padded ", "=?base64?IHBhZGRlZCA=?="},
        {"a line end, which would be another header", "line1\nline2",
         "=?base64?bGluZTEKbGluZTI=?="},
        {"looks encoded", "=?base64?literal?=", "=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?="},
        {"empty", "", ""},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct str header = mcp_message_header(*state, str_of(rows[i].value));
        if (!str_eqz(header, rows[i].header)) {
            fail_msg("%s: %.*s", rows[i].reason, STR_ARG(header));
        }
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(kinds),
        cmocka_unit_test(questions_are_answered_or_refused),
        cmocka_unit_test(written_messages_are_one_line),
        cmocka_unit_test(revisions),
        cmocka_unit_test(header_values),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
