/* Tools of other systems over the Model Context Protocol (spec revisions 2025-06-18, 2025-11-25,
 * 2026-07-28; older ones where a server answers with them): programs beside ours that the
 * installation allows, and servers over HTTP. Connections are kept per org and server, opened when
 * first needed, opened anew with growing pauses when they break. What a server may ask of us is
 * refused. Task code; the facility is shared by all threads. */
#ifndef LINK_MCP_H
#define LINK_MCP_H

#include "base/ctx.h"
#include "link/mcp_tool.h"

enum { MCP_CONNECTIONS_MAX = 64, MCP_PROGRAMS_MAX = 32 };

/* Which server. One of url and command. */
struct mcp_server {
    struct str name;
    struct str url;
    struct str command;    /* the name of a program in the installation's settings */
    struct str secret_ref; /* of the org: a bearer token, or what the program's secret_env gets */
    bool allow_private;
};

struct mcp;

/* `config` is the `mcp` section of the settings: {programs: {name: {argv, env, folder, memory_mb,
 * cpu_s, secret_env, organizations}}}; allow_private: servers that ask for it may be on private
 * addresses. E_INVALID with line and column. */
enum err mcp_new(struct ctx *c, const struct json *config, bool allow_private, struct mcp **out);
/* No call may be running. Programs are stopped; sessions over HTTP run out at their servers. */
void mcp_free(struct mcp **m);
/* Ends the connections of an org (erased) that are not in use. Waits for its programs to end. */
void mcp_forget(struct ctx *c, const struct id *org);

/* All tools as the server lists them now, in c's arena. E_UNAVAILABLE, E_TIMEOUT, E_INVALID,
 * E_DENIED (program not allowed, private address), E_NOT_FOUND (program, secret), and so on: the
 * text says why. */
enum err mcp_list(struct ctx *c, const struct mcp_server *server, const struct mcp_tool **out_tools,
                  int *out_count);

struct mcp_use {
    struct str tool;
    const struct json *arguments;
    struct str sha256;       /* the definition that was approved */
    struct str key;          /* idempotency key, told to the server */
    struct str conversation; /* on whose behalf, told to the server; empty: none */
    bool repeatable;         /* doing it twice is as doing it once */
};
/* Within c's deadline. E_CONFLICT: the definition is another than approved; E_GONE: the tool is no
 * longer there; E_TIMEOUT also when the connection broke while the call was under way: it may have
 * taken effect. Nothing was done on any other error. */
enum err mcp_call(struct ctx *c, const struct mcp_server *server, const struct mcp_use *use,
                  struct mcp_outcome *out);

/* What is known of a server without asking it. */
struct mcp_state {
    bool open;
    struct str revision;
    struct str error;             /* of the last try; empty: it worked */
    int64_t listed_at_ms;         /* 0: never */
    const struct mcp_tool *tools; /* as last listed, in c's arena */
    int tool_count;
};
enum err mcp_state(struct ctx *c, const struct mcp_server *server, struct mcp_state *out);

#endif
