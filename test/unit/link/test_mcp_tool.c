/* What MCP servers say of their tools, and what tools answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "link/mcp_tool.h"

static int setup(void **state)
{
    *state = arena_new(32 << 20);
    return 0;
}

static int teardown(void **state)
{
    struct arena *a = *state;
    arena_free(&a);
    return 0;
}

static const struct json *parse(struct arena *a, const char *text)
{
    const struct json *v = NULL;
    struct json_fault fault;
    if (json_parse(a, str_of(text), &v, &fault) != E_OK) {
        fail_msg("%s: %s", text, fault.text);
    }
    return v;
}

#define SCHEMA ",\"inputSchema\":{\"type\":\"object\"}"

static void definitions(void **state)
{
    static const struct {
        const char *reason, *text;
        enum err err;
    } rows[] = {
        {"the least", "{\"name\":\"a\"" SCHEMA "}", E_OK},
        {"a name with dots and dashes", "{\"name\":\"admin.tools-list\"" SCHEMA "}", E_OK},
        {"no name", "{\"x\":1" SCHEMA "}", E_INVALID},
        {"a name with a space", "{\"name\":\"a b\"" SCHEMA "}", E_INVALID},
        {"a name with a line end", "{\"name\":\"a\\nb\"" SCHEMA "}", E_INVALID},
        {"no schema", "{\"name\":\"a\"}", E_INVALID},
        {"a schema that is null", "{\"name\":\"a\",\"inputSchema\":null}", E_INVALID},
        {"a schema of another type", "{\"name\":\"a\",\"inputSchema\":{\"type\":\"array\"}}",
         E_INVALID},
        {"no object", "[]", E_INVALID},
    };
    struct arena *a = *state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct mcp_tool t;
        struct json_fault fault = {0};
        enum err e = mcp_tool_read(a, parse(a, rows[i].text), &t, &fault);
        if (e != rows[i].err || (e != E_OK && !fault.text[0])) {
            fail_msg("%s: %s (%s)", rows[i].reason, err_name(e), fault.text);
        }
    }
}

static void too_long_definitions_are_refused(void **state)
{
    struct arena *a = *state;
    static const size_t sizes[] = {MCP_TOOL_DESCRIPTION_MAX_BYTES + 1, MCP_TOOL_SCHEMA_MAX_BYTES};
    for (int i = 0; i < 2; i++) {
        char *text = arena_alloc(a, sizes[i] + 1);
        for (size_t k = 0; k < sizes[i]; k++) {
            text[k] = 'x';
        }
        const struct json *long_text = json_new_str(a, str_make(text, sizes[i]));
        const struct json *schema = parse(a, "{\"type\":\"object\"}");
        schema = i ? json_with(a, schema, STR("title"), long_text) : schema;
        const struct json *entry =
            json_object(a, {"name", json_new_str(a, STR("a"))}, {"inputSchema", schema},
                        {"description", i ? NULL : long_text});
        struct mcp_tool t;
        struct json_fault fault;
        assert_int_equal(mcp_tool_read(a, entry, &t, &fault), E_TOO_LARGE);
    }
}

/* "x": [1, 1, ...] of as many ones: short text, many values. */
static const struct json *entry_of_ones(struct arena *a, size_t ones)
{
    struct json *items = ARENA_ARRAY(a, struct json, ones);
    for (size_t i = 0; i < ones; i++) {
        items[i] = *json_new_int(a, 1);
    }
    struct json *list = ARENA_NEW(a, struct json);
    *list = (struct json){.kind = JSON_ARRAY, .count = (uint32_t)ones, .items = items};
    const struct json *schema = parse(a, "{\"type\":\"object\"}");
    return json_object(a, {"name", json_new_str(a, STR("ones"))},
                       {"inputSchema", json_with(a, schema, STR("x"), list)});
}

static void many_values_are_refused_before_they_are_copied(void **state)
{
    struct arena *a = *state;
    const struct json *entry = entry_of_ones(a, 32000); /* just under 64 KiB of text */
    struct mcp_tool t;
    struct json_fault fault;
    size_t before = arena_used_bytes(a);
    assert_int_equal(mcp_tool_read(a, entry, &t, &fault), E_TOO_LARGE);
    assert_non_null(strstr(fault.text, "ones: its definition has more than"));
    assert_int_equal(arena_used_bytes(a), before);
}

static void a_copy_takes_no_more_than_it_says(void **state)
{
    struct arena *a = *state;
    struct mcp_tool t;
    struct json_fault fault;
    const struct json *entry = entry_of_ones(a, MCP_TOOL_NODES_MAX - 4);
    assert_int_equal(mcp_tool_read(a, entry, &t, &fault), E_OK);
    size_t before = arena_used_bytes(a);
    json_copy(a, t.input_schema);
    assert_true(arena_used_bytes(a) - before <= mcp_tool_copy_bytes(&t));
}

static struct str hash_of(struct arena *a, const char *text)
{
    struct mcp_tool t;
    struct json_fault fault;
    assert_int_equal(mcp_tool_read(a, parse(a, text), &t, &fault), E_OK);
    return t.sha256;
}

static void the_hash_is_of_what_matters(void **state)
{
    struct arena *a = *state;
    struct str base = hash_of(a, "{\"name\":\"a\",\"description\":\"d\"" SCHEMA "}");
    static const struct {
        const char *reason, *text;
        bool same;
    } rows[] = {
        {"the order of names",
         "{\"inputSchema\":{\"type\":\"object\"},\"description\":\"d\","
         "\"name\":\"a\"}",
         true},
        {"icons and what else may come",
         "{\"name\":\"a\",\"description\":\"d\",\"icons\":[],\"_meta\":{\"x\":1}" SCHEMA "}", true},
        {"another description", "{\"name\":\"a\",\"description\":\"D\"" SCHEMA "}", false},
        {"a title", "{\"name\":\"a\",\"title\":\"t\",\"description\":\"d\"" SCHEMA "}", false},
        {"another schema",
         "{\"name\":\"a\",\"description\":\"d\",\"inputSchema\":{\"type\":"
         "\"object\",\"required\":[]}}",
         false},
        {"a hint",
         "{\"name\":\"a\",\"description\":\"d\",\"annotations\":{\"readOnlyHint\":true}" SCHEMA "}",
         false},
        {"an output schema",
         "{\"name\":\"a\",\"description\":\"d\",\"outputSchema\":{\"type\":\"object\"}" SCHEMA "}",
         false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        if (str_eq(hash_of(a, rows[i].text), base) != rows[i].same) {
            fail_msg("%s", rows[i].reason);
        }
    }
}

static void kept_definitions_read_the_same(void **state)
{
    struct arena *a = *state;
    struct mcp_tool t, again;
    struct json_fault fault;
    const char *text =
        "{\"name\":\"a\",\"title\":\"T\",\"description\":\"d\",\"annotations\":"
        "{\"idempotentHint\":true},\"outputSchema\":{\"type\":\"object\"}" SCHEMA "}";
    assert_int_equal(mcp_tool_read(a, parse(a, text), &t, &fault), E_OK);
    assert_true(t.idempotent);
    assert_false(t.read_only);
    assert_int_equal(mcp_tool_read(a, mcp_tool_json(a, &t), &again, &fault), E_OK);
    assert_true(str_eq(t.sha256, again.sha256));
}

#define ANNOTATED(where) "{\"type\":\"object\",\"properties\":{" where "}}"

static void annotated_arguments(void **state)
{
    static const struct {
        const char *reason, *schema;
        int count; /* -1: refused */
    } rows[] = {
        {"a text", ANNOTATED("\"r\":{\"type\":\"string\",\"x-mcp-header\":\"Region\"}"), 1},
        {"nested",
         ANNOTATED("\"o\":{\"type\":\"object\",\"properties\":{\"n\":{\"type\":"
                   "\"integer\",\"x-mcp-header\":\"N\"}}}"),
         1},
        {"one that is not given", ANNOTATED("\"z\":{\"type\":\"string\",\"x-mcp-header\":\"Z\"}"),
         0},
        {"one that is null", ANNOTATED("\"nil\":{\"type\":\"string\",\"x-mcp-header\":\"Z\"}"), 0},
        {"a number has no one text",
         ANNOTATED("\"r\":{\"type\":\"number\",\"x-mcp-header\":\"R\"}"), -1},
        {"an empty name", ANNOTATED("\"r\":{\"type\":\"string\",\"x-mcp-header\":\"\"}"), -1},
        {"a name with a line end",
         ANNOTATED("\"r\":{\"type\":\"string\",\"x-mcp-header\":\"a\\r\\nb\"}"), -1},
        {"a name that is no text", ANNOTATED("\"r\":{\"type\":\"string\",\"x-mcp-header\":1}"), -1},
        {"twice, but for the case",
         ANNOTATED("\"r\":{\"type\":\"string\",\"x-mcp-header\":\"R\"},"
                   "\"s\":{\"type\":\"string\",\"x-mcp-header\":\"r\"}"),
         -1},
        {"in the items of a list",
         ANNOTATED("\"l\":{\"type\":\"array\",\"items\":{\"type\":\"string\","
                   "\"x-mcp-header\":\"R\"}}"),
         -1},
        {"under anyOf",
         ANNOTATED("\"l\":{\"anyOf\":[{\"type\":\"string\",\"x-mcp-header\":\"R\"}]}"), -1},
        {"on the whole", "{\"type\":\"object\",\"x-mcp-header\":\"R\"}", -1},
        {"in data, where it means nothing",
         ANNOTATED("\"r\":{\"type\":\"object\",\"default\":{\"x-mcp-header\":1}}"), 0},
    };
    struct arena *a = *state;
    const struct json *arguments = parse(a, "{\"r\":\"us\",\"o\":{\"n\":5},\"nil\":null}");
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct mcp_tool_header headers[MCP_TOOL_HEADERS_MAX];
        struct json_fault fault;
        int n = 0;
        enum err e = mcp_tool_headers(a, parse(a, rows[i].schema), arguments, headers, &n, &fault);
        enum err wanted = rows[i].count < 0 ? E_INVALID : E_OK;
        if (e != wanted || (e == E_OK && n != rows[i].count)) {
            fail_msg("%s: %s, %d", rows[i].reason, err_name(e), n);
        }
        if (i == 0) {
            assert_true(str_eqz(headers[0].name, "Mcp-Param-Region"));
            assert_true(str_eqz(headers[0].value, "us"));
        }
    }
}

static void answers(void **state)
{
    static const struct {
        const char *reason, *result;
        const char *text; /* NULL: refused */
        bool is_error;
    } rows[] = {
        {"texts",
         "{\"content\":[{\"type\":\"text\",\"text\":\"a\"},{\"type\":\"text\",\"text\":"
         "\"b\"}]}",
         "a\n\nb", false},
        {"nothing to say", "{\"content\":[]}", "", false},
        {"a failure", "{\"isError\":true,\"content\":[{\"type\":\"text\",\"text\":\"no\"}]}", "no",
         true},
        {"an image",
         "{\"content\":[{\"type\":\"image\",\"mimeType\":\"image/png\",\"data\":"
         "\"AAAA\"}]}",
         "[image: image/png, 3 bytes, not shown]", false},
        {"a link", "{\"content\":[{\"type\":\"resource_link\",\"name\":\"n\",\"uri\":\"u\"}]}",
         "[n](u)", false},
        {"a text inside",
         "{\"content\":[{\"type\":\"resource\",\"resource\":{\"uri\":\"u\","
         "\"text\":\"t\"}}]}",
         "t", false},
        {"bytes inside",
         "{\"content\":[{\"type\":\"resource\",\"resource\":{\"uri\":\"u\","
         "\"blob\":\"AAAA\"}}]}",
         "[resource: data, 3 bytes, not shown]", false},
        {"structured only", "{\"structuredContent\":{\"a\":1}}", "", false},
        {"the newer form", "{\"resultType\":\"complete\",\"content\":[]}", "", false},
        {"one that waits for input",
         "{\"resultType\":\"input_required\",\"inputRequests\":{\"x\":{\"method\":"
         "\"elicitation/create\"}}}",
         NULL, false},
        {"one of a kind to come", "{\"resultType\":\"task\",\"content\":[]}", NULL, false},
        {"no result of a tool", "{\"tools\":[]}", NULL, false},
        {"content that is no list", "{\"content\":\"x\"}", NULL, false},
    };
    struct arena *a = *state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct mcp_outcome o = {0};
        struct json_fault fault = {0};
        enum err e = mcp_tool_outcome(a, parse(a, rows[i].result), &o, &fault);
        bool fine = rows[i].text ? e == E_OK && str_eqz(o.text, rows[i].text) &&
                                       o.is_error == rows[i].is_error
                                 : e == E_INVALID && fault.text[0];
        if (!fine) {
            fail_msg("%s: %s, \"%.*s\" (%s)", rows[i].reason, err_name(e), STR_ARG(o.text),
                     fault.text);
        }
    }
}

static void answers_of_many_values_are_refused(void **state)
{
    struct arena *a = *state;
    struct mcp_outcome o = {0};
    struct json_fault fault = {0};
    struct json *ones = ARENA_ARRAY(a, struct json, MCP_TOOL_NODES_MAX);
    struct json many = {.kind = JSON_ARRAY, .items = ones};
    for (uint32_t n = MCP_TOOL_NODES_MAX - 2; n <= MCP_TOOL_NODES_MAX; n++) {
        many.count = n;
        const struct json *result =
            json_object(a, {"structuredContent", json_object(a, {"x", &many})});
        enum err e = mcp_tool_outcome(a, result, &o, &fault);
        assert_int_equal(e, n + 2 <= MCP_TOOL_NODES_MAX ? E_OK : E_TOO_LARGE);
    }
    assert_non_null(strstr(fault.text, "more than 8192 values"));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(definitions),
        cmocka_unit_test(too_long_definitions_are_refused),
        cmocka_unit_test(many_values_are_refused_before_they_are_copied),
        cmocka_unit_test(a_copy_takes_no_more_than_it_says),
        cmocka_unit_test(the_hash_is_of_what_matters),
        cmocka_unit_test(kept_definitions_read_the_same),
        cmocka_unit_test(annotated_arguments),
        cmocka_unit_test(answers),
        cmocka_unit_test(answers_of_many_values_are_refused),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
