/* One request and its answer over either transport. Private to the MCP client. */
#ifndef LINK_MCP_WIRE_H
#define LINK_MCP_WIRE_H

#include <stdatomic.h>

#include "base/ctx.h"
#include "io/client.h"
#include "link/mcp_message.h"

enum { MCP_WIRE_HEADERS_MAX = 24 };

struct mcp_ask {
    const char *method;
    const struct json *params;
    int64_t id; /* also the progress token */
    bool once;  /* must not reach the server twice */
    /* HTTP only */
    const struct header *headers;
    int header_count;
    /* out: */
    bool sent;             /* the server may have it: whoever repeats it may do it twice */
    int64_t progress;      /* how often it told of progress */
    struct str last_words; /* of its last telling; in the ctx's arena */
};

/* Takes what no answer is: progress of `ask` (which may be NULL), a changed list. */
void mcp_wire_notice(struct arena *a, const struct mcp_message *m, struct mcp_ask *ask,
                     atomic_bool *list_changed);

/* A little time beyond the deadline, for telling a server that an answer is no longer wanted. */
struct mcp_grace {
    struct ctx_limits limits;
    struct fault fault;
};
void mcp_wire_grace(struct ctx *c, int64_t grace_ms, struct mcp_grace *out_before);
void mcp_wire_back(struct ctx *c, const struct mcp_grace *before);
/* The notification that calls `ask` off; empty when it is of no use: openings are not called off.
 */
struct str mcp_wire_call_off(struct ctx *c, const struct mcp_ask *ask, enum err why);

#endif
