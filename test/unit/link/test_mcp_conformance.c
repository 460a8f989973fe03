/* The examples of the protocol's own schema, revision 2026-07-28: what a server may send is read,
 * and as what it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "link/mcp_message.h"
#include "link/mcp_tool.h"

enum { LINE_BYTES = 1 << 20 };

static FILE *open_examples(void)
{
    const char *data = getenv("RAPPORT_DATA");
    char path[1024];
    snprintf(path, sizeof(path), "%s/conformance/mcp_schema/2026-07-28.examples.jsonl",
             data ? data : "../shared/data");
    return fopen(path, "r");
}

/* How many of each kind were read. */
struct seen {
    int tools, results, waiting, messages, errors;
};

static void check_message(struct arena *a, const struct json *v, struct str name)
{
    struct mcp_message m;
    struct json_fault fault;
    enum err e = mcp_message_read(a, json_write(a, v), &m, &fault);
    enum mcp_message_kind kind = json_get(v, "error")    ? MCP_ERROR
                                 : json_get(v, "result") ? MCP_RESULT
                                 : json_get(v, "id")     ? MCP_REQUEST
                                                         : MCP_NOTIFICATION;
    if (e != E_OK || m.kind != kind) {
        fail_msg("%.*s: %s (%s)", STR_ARG(name), err_name(e), fault.text);
    }
    const struct json *tools = json_get(m.body, "tools");
    for (size_t i = 0; kind == MCP_RESULT && i < json_count(tools); i++) {
        struct mcp_tool t;
        if (mcp_tool_read(a, json_at(tools, i), &t, &fault) != E_OK) {
            fail_msg("%.*s: %s", STR_ARG(name), fault.text);
        }
    }
}

static void check(struct arena *a, const struct json *row, struct seen *seen)
{
    struct str type = json_str(row, "type", STR("")), name = json_str(row, "name", STR(""));
    const struct json *v = json_get(row, "json");
    struct mcp_tool t;
    struct mcp_outcome o;
    struct json_fault fault = {0};
    enum err e = E_OK;
    if (str_eqz(type, "Tool")) {
        e = mcp_tool_read(a, v, &t, &fault);
        seen->tools++;
    } else if (str_eqz(type, "CallToolResult")) {
        e = mcp_tool_outcome(a, v, &o, &fault);
        seen->results++;
    } else if (str_eqz(type, "InputRequiredResult")) {
        e = mcp_tool_outcome(a, v, &o, &fault) == E_INVALID ? E_OK : E_INTERNAL;
        seen->waiting++;
    } else if (json_get(v, "jsonrpc")) {
        check_message(a, v, name);
        seen->messages++;
        seen->errors += json_get(v, "error") != NULL;
    }
    if (e != E_OK) {
        fail_msg("%.*s %.*s: %s", STR_ARG(type), STR_ARG(name), fault.text);
    }
}

static void examples_are_read(void **state)
{
    (void)state;
    FILE *f = open_examples();
    if (!f) {
        skip();
    }
    char *line = mem_new(LINE_BYTES);
    struct arena *a = arena_new(64 << 20);
    struct seen seen = {0};
    while (fgets(line, LINE_BYTES, f)) {
        const struct json *row;
        struct json_fault fault;
        assert_int_equal(json_parse(a, str_of(line), &row, &fault), E_OK);
        check(a, row, &seen);
        arena_reset(a);
    }
    fclose(f);
    free(line);
    arena_free(&a);
    assert_int_equal(seen.tools, 6);
    assert_int_equal(seen.results, 4);
    assert_int_equal(seen.waiting, 2);
    assert_int_equal(seen.messages, 32);
    assert_int_equal(seen.errors, 3);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {cmocka_unit_test(examples_are_read)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
