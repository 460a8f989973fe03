/* What MCP servers say of their tools, and what tools answer. Texts of servers are untrusted: they
 * are bounded here and never become instructions. Pure. */
#ifndef LINK_MCP_TOOL_H
#define LINK_MCP_TOOL_H

#include "codec/json.h"

enum {
    MCP_TOOL_NAME_MAX_BYTES = 128,
    MCP_TOOL_DESCRIPTION_MAX_BYTES = 8000,
    MCP_TOOL_SCHEMA_MAX_BYTES = 64 << 10,
    MCP_TOOL_NODES_MAX = 8192, /* values and names: short ones take many times their text */
    MCP_TOOL_TEXT_MAX_BYTES = 64 << 10, /* of an answer, as a model reads it */
    MCP_TOOL_HEADERS_MAX = 16
};

struct mcp_tool {
    struct str name, title, description;
    const struct json *input_schema;  /* an object schema */
    const struct json *output_schema; /* NULL: none */
    const struct json *annotations;   /* NULL: none */
    bool read_only, idempotent;       /* hints of the server */
    struct str sha256;                /* of all of the above: what an agent's version pins */
    uint32_t bytes, nodes;            /* of the definition as text, and its values */
};

/* One entry of `tools/list`, copied into `a` when it is within the bounds above, which is found out
 * before anything is copied. E_INVALID or E_TOO_LARGE with the reason. */
enum err mcp_tool_read(struct arena *a, const struct json *entry, struct mcp_tool *out,
                       struct json_fault *out_fault);
/* At most what a copy of it takes of an arena. */
size_t mcp_tool_copy_bytes(const struct mcp_tool *tool);
/* The entry again, as a version keeps it. */
const struct json *mcp_tool_json(struct arena *a, const struct mcp_tool *tool);

/* Arguments that revision 2026-07-28 wants in HTTP headers (`x-mcp-header`). */
struct mcp_tool_header {
    struct str name;  /* Mcp-Param-... */
    struct str value; /* encoded for a header */
};
/* E_INVALID when an annotation stands where none may: such a tool is not used over HTTP. */
enum err mcp_tool_headers(struct arena *a, const struct json *input_schema,
                          const struct json *arguments,
                          struct mcp_tool_header out_headers[MCP_TOOL_HEADERS_MAX], int *out_count,
                          struct json_fault *out_fault);

struct mcp_outcome {
    bool is_error;   /* the tool itself says that it failed */
    struct str text; /* all content a model can read; what is no text is named, not included */
    const struct json *structured; /* structuredContent; NULL: none */
};
/* The result of `tools/call`. E_INVALID: no such result, or one that waits for more input.
 * E_TOO_LARGE: structured content of more than MCP_TOOL_NODES_MAX values. */
enum err mcp_tool_outcome(struct arena *a, const struct json *result, struct mcp_outcome *out,
                          struct json_fault *out_fault);

#endif
