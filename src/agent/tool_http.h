/* Tools that live on another server: one HTTP request with JSON in and out, signed when the tool
 * says so (Standard Webhooks), with the journal's idempotency key. Private to the tools. */
#ifndef AGENT_TOOL_HTTP_H
#define AGENT_TOOL_HTTP_H

#include "agent/tool.h"

/* E_OK with the parsed answer, or with *out_refusal set when the server said 422 with a `detail`
 * for the contact. Transient failures are tried again within the deadline. */
enum err tool_http_run(struct ctx *c, const struct tool_scene *scene,
                       const struct config_tool *tool, const struct json *arguments, struct str key,
                       const struct json **out_result, struct str *out_refusal);

#endif
