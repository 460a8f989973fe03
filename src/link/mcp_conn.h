/* One tool server of one org as it is known: its connection, opened when first needed and anew with
 * growing pauses when it breaks, and its list of tools. Any thread; task code. */
#ifndef LINK_MCP_CONN_H
#define LINK_MCP_CONN_H

#include <pthread.h>

#include "link/mcp.h"
#include "link/mcp_link.h"

enum { MCP_CONN_ERROR_MAX_BYTES = 300 };

/* One server of one org. */
struct mcp_conn {
    int users; /* under the hub's lock */
    int64_t used_ms;
    /* under `lock`: */
    pthread_mutex_t lock;
    pthread_cond_t opened;
    bool opening;          /* somebody connects or lists */
    struct mcp_link *link; /* NULL: none open */
    struct arena *listed;  /* owns the tools */
    struct mcp_tool *tools;
    int tool_count;
    int64_t listed_ms, fresh_until_ms; /* wall and steady */
    int failures;
    int64_t retry_at_ms; /* steady */
    char error[MCP_CONN_ERROR_MAX_BYTES + 1];
    atomic_bool list_changed;
};

/* A server with everything needed to reach it, for the length of a call. */
struct mcp_reach {
    struct mcp_conn *conn;
    struct mcp_place place;
};

struct mcp_conn *mcp_conn_new(void);
/* No longer used by anybody. */
void mcp_conn_free(struct ctx *c, struct mcp_conn *k);
/* A held link (mcp_link_release) whose list of tools is fresh. `anew`: listed in any case, and
 * pauses between tries are not kept, because somebody waits for the outcome. */
enum err mcp_conn_ready(struct ctx *c, const struct mcp_reach *r, bool anew, struct mcp_link **out);
/* The open link, held; NULL when there is none. */
struct mcp_link *mcp_conn_link(struct ctx *c, const struct mcp_reach *r);
/* Takes the link out of use; whoever has it may finish. */
void mcp_conn_drop(struct ctx *c, const struct mcp_reach *r, struct mcp_link *bad);
/* The tools as last listed, in c's arena. E_TOO_LARGE: it has no room for them. */
enum err mcp_conn_list(struct ctx *c, struct mcp_conn *k, const struct mcp_tool **out,
                       int *out_count);
/* Whether the tool still is what was approved (E_GONE, E_CONFLICT); its input schema is copied out
 * for the headers. */
enum err mcp_conn_check(struct ctx *c, struct mcp_conn *k, const struct mcp_use *use,
                        const struct json **out_schema);

#endif
