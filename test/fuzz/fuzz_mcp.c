/* A message of an MCP server, whatever it is: read, answered, taken as a list of tools and as the
 * result of one. What is written from it is a message of one line again. */
#include "codec_fuzz.h"
#include "link/mcp_message.h"
#include "link/mcp_tool.h"

static void as_tool(struct arena *a, const struct json *entry)
{
    struct mcp_tool t, again;
    struct mcp_tool_header headers[MCP_TOOL_HEADERS_MAX];
    struct json_fault fault;
    int n = 0;
    if (mcp_tool_read(a, entry, &t, &fault) != E_OK) {
        return;
    }
    codec_require(mcp_tool_read(a, mcp_tool_json(a, &t), &again, &fault) == E_OK);
    codec_require(str_eq(t.sha256, again.sha256));
    if (mcp_tool_headers(a, t.input_schema, entry, headers, &n, &fault) == E_OK) {
        for (int i = 0; i < n; i++) {
            codec_require(str_find_char(headers[i].name, '\n') < 0);
            codec_require(str_find_char(headers[i].value, '\n') < 0);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new(64 << 20);
    struct mcp_message m;
    struct mcp_outcome o;
    struct json_fault fault;
    if (mcp_message_read(a, str_make((const char *)data, size), &m, &fault) == E_OK) {
        const struct json *tools = json_get(m.body, "tools");
        for (size_t i = 0; i < json_count(tools) && i < 64; i++) {
            as_tool(a, json_at(tools, i));
        }
        if (m.kind == MCP_RESULT && mcp_tool_outcome(a, m.body, &o, &fault) == E_OK) {
            codec_require(o.text.n <= MCP_TOOL_TEXT_MAX_BYTES + 64);
        }
        if (m.kind == MCP_ERROR) {
            mcp_message_error_text(a, &m);
        }
        if (m.kind == MCP_REQUEST) {
            struct str answer = mcp_message_answer(a, &m);
            codec_require(str_find_char(answer, '\n') < 0);
            codec_require(mcp_message_read(a, answer, &m, &fault) == E_OK);
        }
    }
    arena_free(&a);
    return 0;
}
