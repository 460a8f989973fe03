/* Agents and their versions. A version is immutable and known by the SHA-256 of its YAML; a
 * conversation pins one in its row; new conversations get the active one; rolling back makes a new
 * version with the old content (spec/domain-004 section 6). Task code. */
#ifndef AGENT_REGISTRY_H
#define AGENT_REGISTRY_H

#include "agent/agents.h"
#include "base/ctx.h"
#include "store/store.h"

enum { REGISTRY_AGENTS_MAX = 500, REGISTRY_MESSAGE_MAX_BYTES = 500 };

struct agent_row {
    struct id id;
    struct str slug, name, product;
    int64_t active_version;
    int64_t created_at_ms, updated_at_ms;
};
struct agent_version {
    int64_t version;
    struct str sha256, author, message, status; /* active, superseded, rolled_back */
    int64_t created_at_ms;
    struct str yaml; /* registry_version only */
    struct str pins; /* the same: JSON of the MCP tools as approved (config_pin) */
};

/* Applies YAML: a new agent, or a new version of the one with its config_id or slug. Its MCP
 * servers are asked for their tools, which the version pins. The same content and tools as the
 * active version change nothing. `expected_version` > 0: E_CONFLICT when another is active.
 * E_INVALID with `out_faults` filled. Publishes config_deployed or config_updated in the same
 * commit. */
struct applied;
struct apply {
    struct str yaml;
    struct id agent; /* unset: by config_id or slug */
    struct str author, message;
    int64_t expected_version;
    /* Done in the same transaction when a version was made; NULL: nothing. */
    enum err (*also)(struct ctx *c, struct store *s, const struct applied *done);
};
struct applied {
    struct id agent;
    int64_t version;
    bool created, changed;
};
enum err registry_apply(struct ctx *c, const struct apply *apply, struct config_faults *out_faults,
                        struct applied *out);

/* The same in parts, for who has more to write in the transaction. What takes its time (servers are
 * asked, intents learnt) comes first, outside; registry_put only writes, and may be tried again;
 * registry_done ends it (NULL: nothing), `kept` when the version it made was committed. */
struct draft;
enum err registry_prepare(struct ctx *c, const struct apply *apply,
                          struct config_faults *out_faults, struct draft **out);
enum err registry_put(struct ctx *c, struct draft *draft, struct applied *out);
const struct config *registry_draft(const struct draft *draft);
void registry_done(struct ctx *c, struct draft **draft, bool kept);
/* `to` 0: the last version that was active before and not rolled back. */
enum err registry_rollback(struct ctx *c, const struct id *agent, int64_t to, struct str reason,
                           struct str author, struct applied *out);

/* Ready to run. version 0: the active one. Held until c's arena ends. E_NOT_FOUND. */
enum err registry_agent(struct ctx *c, const struct id *agent, int64_t version,
                        const struct agent **out);

enum err registry_get(struct ctx *c, const struct id *agent, struct agent_row *out);
enum err registry_by_slug(struct ctx *c, struct str slug, struct agent_row *out);
enum err registry_list(struct ctx *c, const struct agent_row **out_rows, int *out_count);
enum err registry_version(struct ctx *c, const struct id *agent, int64_t version,
                          struct agent_version *out);
/* Newest first, at most 200, without YAML. */
enum err registry_versions(struct ctx *c, const struct id *agent,
                           const struct agent_version **out_rows, int *out_count);

extern const struct migration registry_migrations[];

#endif
