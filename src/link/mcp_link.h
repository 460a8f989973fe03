/* An open connection to one MCP server: which revision is spoken, over which transport. Immutable
 * once open, shared by tasks, closed with its last user. Task code. */
#ifndef LINK_MCP_LINK_H
#define LINK_MCP_LINK_H

#include "io/process.h"
#include "link/mcp_tool.h"
#include "link/mcp_wire.h"

enum {
    MCP_LINK_TOOLS_MAX = 256,
    MCP_LINK_LIST_MAX_BYTES = 1 << 20, /* of all definitions of a server as text */
    MCP_LINK_LIST_MAX_NODES = 32 << 10 /* and their values */
};

/* Where a server is: one of url and program. Views; the caller's. */
struct mcp_place {
    struct str url, secret;
    bool allow_private;
    const struct process_config *program;
};

struct mcp_link;

/* Finds out the era, agrees on a revision. `list_changed` outlives the link. E_INVALID: no revision
 * in common, or no MCP at all; the transports' errors. */
enum err mcp_link_open(struct ctx *c, const struct mcp_place *place, atomic_bool *list_changed,
                       struct mcp_link **out);
struct mcp_link *mcp_link_hold(struct mcp_link *l);
/* The last one closes it: a program is stopped, a session ended where `place` says how. */
void mcp_link_release(struct ctx *c, const struct mcp_place *place, struct mcp_link **l);

bool mcp_link_is_open(const struct mcp_link *l);
const char *mcp_link_revision(const struct mcp_link *l);
int64_t mcp_link_age_ms(const struct mcp_link *l);

/* Params get the _meta that the revision wants. RESULT or ERROR. */
enum err mcp_link_ask(struct ctx *c, struct mcp_link *l, const struct mcp_place *place,
                      struct mcp_ask *ask, struct mcp_message *out);
/* All pages, in c's arena. A definition that makes no sense is left out and logged. *out_ttl_ms:
 * how long the server says they hold; -1 when it does not. E_TOO_LARGE: more than is taken of one
 * server. */
enum err mcp_link_tools(struct ctx *c, struct mcp_link *l, const struct mcp_place *place,
                        const struct mcp_tool **out_tools, int *out_count, int64_t *out_ttl_ms);

#endif
