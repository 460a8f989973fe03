/* MCP over a program's standard input and output: one message a line. A thread of its own starts
 * the program, reads it, answers what it asks, and hands answers to whoever waits; any number of
 * tasks may ask at once. A program that is not used for ten minutes is ended. Task code. */
#ifndef LINK_MCP_PIPE_H
#define LINK_MCP_PIPE_H

#include "io/process.h"
#include "link/mcp_wire.h"

struct mcp_pipe;

/* Starts it; `list_changed` is raised when it says so. The errors of process_start. */
enum err mcp_pipe_open(struct ctx *c, const struct process_config *config,
                       atomic_bool *list_changed, struct mcp_pipe **out);
bool mcp_pipe_is_open(struct mcp_pipe *p);
/* RESULT or ERROR. E_UNAVAILABLE it ended, E_TIMEOUT or E_CANCELLED (it is told then). */
enum err mcp_pipe_ask(struct ctx *c, struct mcp_pipe *p, struct mcp_ask *ask,
                      struct mcp_message *out);
enum err mcp_pipe_tell(struct ctx *c, struct mcp_pipe *p, struct str message);
/* Nobody asks any more. */
void mcp_pipe_close(struct mcp_pipe **p);

#endif
