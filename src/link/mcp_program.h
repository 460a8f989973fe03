/* The programs that the installation lets agents' configurations name: read from the settings,
 * immutable after. Private to the MCP client. */
#ifndef LINK_MCP_PROGRAM_H
#define LINK_MCP_PROGRAM_H

#include "base/ctx.h"
#include "codec/json.h"
#include "io/process.h"

struct mcp_program {
    struct str name;
    const char *const *argv;
    const char *const *env;
    int env_count;
    const char *folder;     /* NULL: / */
    const char *secret_env; /* the variable that gets the org's secret; NULL: none */
    int64_t memory_max_bytes, cpu_max_s;
    const struct json *organizations; /* ids; empty: all */
};

/* `section` is the settings' `mcp`; results live in `a`, which outlives them. E_INVALID with place.
 */
enum err mcp_program_read(struct ctx *c, struct arena *a, const struct json *section,
                          struct mcp_program **out_programs, int *out_count);
bool mcp_program_is_for(const struct mcp_program *p, const struct id *org);
/* How to start it, in c's arena; `secret` may be empty. */
const struct process_config *mcp_program_start(struct ctx *c, const struct mcp_program *p,
                                               struct str secret);

#endif
