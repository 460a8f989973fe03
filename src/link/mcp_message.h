/* The messages of the Model Context Protocol (JSON-RPC 2.0), read and written. Two eras: "legacy"
 * revisions up to 2025-11-25 open a session with `initialize`; "modern" ones from 2026-07-28 say in
 * every request what they are. Pure. */
#ifndef LINK_MCP_MESSAGE_H
#define LINK_MCP_MESSAGE_H

#include "codec/json.h"

#define MCP_MODERN "2026-07-28"
#define MCP_LEGACY "2025-11-25" /* what `initialize` offers */

enum {
    MCP_MESSAGE_MAX_BYTES = 1 << 20, /* one message of a server */
    /* JSON-RPC and MCP error codes that mean something to us */
    MCP_NO_METHOD = -32601,
    MCP_HEADER_MISMATCH = -32020,
    MCP_MISSING_CAPABILITY = -32021,
    MCP_UNSUPPORTED_REVISION = -32022,
};

enum mcp_message_kind { MCP_RESULT, MCP_ERROR, MCP_REQUEST, MCP_NOTIFICATION };

struct mcp_message {
    enum mcp_message_kind kind;
    int64_t id;                 /* of our request that it answers; 0: none of ours */
    const struct json *peer_id; /* MCP_REQUEST: the server's id, a text or number */
    struct str method;          /* MCP_REQUEST, MCP_NOTIFICATION */
    const struct json *body;    /* result, error or params; an object */
};

/* E_INVALID with the reason in out_fault: no JSON, no JSON-RPC 2.0, a batch. */
enum err mcp_message_read(struct arena *a, struct str text, struct mcp_message *out,
                          struct json_fault *out_fault);

/* Compact JSON without a line end inside. params NULL: none. */
struct str mcp_message_request(struct arena *a, int64_t id, const char *method,
                               const struct json *params);
struct str mcp_message_notification(struct arena *a, const char *method, const struct json *params);
/* What we answer to a server's request: {} to a ping, a refusal to anything else. */
struct str mcp_message_answer(struct arena *a, const struct mcp_message *request);

int64_t mcp_message_code(const struct mcp_message *error);
/* "Method not found (-32601)", at most 300 bytes of the server's own words. */
struct str mcp_message_error_text(struct arena *a, const struct mcp_message *error);

/* The newest legacy revision of the list that we speak, or empty. */
struct str mcp_message_pick_legacy(const struct json *revisions);
bool mcp_message_is_legacy(struct str revision);

/* A text as the value of an HTTP header: itself when that is safe, else =?base64?...?=. */
struct str mcp_message_header(struct arena *a, struct str value);

#endif
