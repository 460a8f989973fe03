/* Tools of MCP servers: asking a server what it has when a version is made, and running one. What a
 * tool is (description, schemas, annotations) is pinned with the version; when the server says
 * otherwise later, calls are refused until the configuration is applied anew. Task code. */
#ifndef AGENT_TOOL_MCP_H
#define AGENT_TOOL_MCP_H

#include "agent/tool.h"
#include "link/mcp.h"

/* The allowed tools of all servers of `cfg` as they are now, for config_pin; "[]" without servers.
 * E_INVALID with faults at the servers' places: unreachable, or without a tool that is named. */
enum err tool_mcp_pins(struct ctx *c, const struct config *cfg, struct config_faults *faults,
                       const struct json **out_pins);

/* E_OK with {result}. What the tool itself says went wrong is E_INVALID in its words; else the
 * errors of mcp_call. */
enum err tool_mcp_run(struct ctx *c, const struct tool_scene *scene, const struct config_tool *tool,
                      const struct json *arguments, struct str key,
                      const struct json **out_wrapped);

/* Whether the call was refused because the server's definition is another than the version's. */
bool tool_mcp_is_drift(const struct config_tool *tool, const struct tool_outcome *outcome);

/* How the tools of a version stand to what their servers last said, for people: [{name, state,
 * revision, error, listed_at, tools: [{name, offered_as, status, asks, changes}]}]; status is same,
 * changed, removed or unknown; changes ({path, kind, old, new}) only of changed ones. Asks no
 * server. */
const struct json *tool_mcp_report(struct ctx *c, const struct config *cfg);

#endif
