/* MCP over streamable HTTP: every message is a POST, every answer JSON or a stream of events.
 * Streams of legacy servers that break are taken up again by Last-Event-ID. Task code. */
#ifndef LINK_MCP_HTTP_H
#define LINK_MCP_HTTP_H

#include "link/mcp_wire.h"

enum { MCP_SESSION_MAX_BYTES = 256 };

/* Where and as whom. Views; the caller's. */
struct mcp_end {
    struct str url;
    struct str secret; /* bearer token; empty: none */
    bool allow_private;
    struct str session;  /* legacy; empty: none */
    struct str revision; /* empty: before it is agreed on */
    atomic_bool *list_changed;
};

/* RESULT or ERROR; out_session gets what `initialize` was given ("" without one). E_GONE: the
 * session ended. E_UNAUTHENTICATED, E_DENIED, E_NOT_FOUND and so on: a status without a message;
 * E_UNAVAILABLE, E_TIMEOUT, E_CANCELLED, E_TOO_LARGE, E_INVALID (no message of the protocol). */
enum err mcp_http_ask(struct ctx *c, const struct mcp_end *end, struct mcp_ask *ask,
                      struct mcp_message *out, struct str *out_session);
enum err mcp_http_tell(struct ctx *c, const struct mcp_end *end, struct str message);
/* Ends the session; failing to does not matter. */
void mcp_http_leave(struct ctx *c, const struct mcp_end *end);

#endif
