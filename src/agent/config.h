/* An agent's configuration: the YAML of domain 004 section 5.1 with Rapport's additions (name,
 * slug, greeting, suggestions, intents, mcp_servers; in tools: result, confirm, answer, examples,
 * run), checked and made ready. Parsed once per version, immutable, shared by threads. Pure.
 *
 * Every fault names line and column. A configuration with an error is never run; warnings are
 * shown. */
#ifndef AGENT_CONFIG_H
#define AGENT_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/id.h"
#include "codec/jq.h"
#include "codec/json.h"
#include "codec/schema.h"

enum {
    CONFIG_MAX_BYTES = 512 << 10,
    CONFIG_PROMPT_MAX_BYTES = 20000,
    CONFIG_TOOLS_MAX = 64,
    CONFIG_INTENTS_MAX = 200,
    CONFIG_EXAMPLES_MAX = 200,
    CONFIG_RULES_MAX = 64,
    CONFIG_MCP_MAX = 8,
    CONFIG_TOOL_ROUNDS_MAX = 24,
    CONFIG_FAULTS_MAX = 50
};

enum config_product { CONFIG_CHATBOT, CONFIG_VOICEBOT, CONFIG_COPILOT };

struct config_fault {
    int line, column; /* 1-based; 0 unknown */
    bool warning;
    struct str path; /* "tools[2].name" */
    struct str text;
};
struct config_faults {
    int count, errors;
    struct config_fault items[CONFIG_FAULTS_MAX];
};

struct config_intent {
    struct str name, kind;
    const struct json *examples; /* array of texts */
    struct str tool;             /* empty: none */
    struct str answer;           /* Mustache; empty: none */
    bool knowledge;              /* answered from retrieved passages */
};

/* What to do when a tool fails for good. */
enum config_fallback { CONFIG_CONTINUE, CONFIG_ALTERNATIVE, CONFIG_ESCALATE };

/* What a tool runs. */
enum config_run {
    CONFIG_RUN_NONE,
    CONFIG_RUN_RECORD,
    CONFIG_RUN_HTTP,
    CONFIG_RUN_BUILTIN,
    CONFIG_RUN_MCP
};

/* A server of tools that speaks the Model Context Protocol. */
struct config_mcp {
    struct str name; /* its tools are offered as <name>__<tool> */
    struct str url, command, secret_ref;
    bool allow_private;
    int64_t timeout_ms;
    const struct json *allow;            /* names, or patterns with * */
    const struct json *approve, *answer; /* maps from tool to text */
    const struct json *place;            /* where it is written, for faults */
};

struct config_jq {
    struct str name; /* field */
    struct jq_program *program;
};
struct config_require {
    struct jq_program *condition;
    struct str otherwise; /* Mustache */
};

struct config_tool {
    struct str name, description;
    const struct json *parameters; /* always an object schema */
    const struct schema *parameters_schema;
    const struct schema *result_schema; /* NULL: anything */
    const struct json *examples;
    bool implemented, side_effects;
    int64_t timeout_ms;
    enum config_fallback fallback;
    struct str alternative;
    struct str confirm, answer; /* Mustache; empty: none */
    enum config_run run;
    const struct json *run_json; /* the `run` map */
    /* CONFIG_RUN_RECORD */
    struct str record, op, own, sort;
    int limit;
    struct config_jq *match, *set;
    int match_count, set_count;
    struct config_require *require;
    int require_count;
    struct jq_program *pick;
    /* CONFIG_RUN_MCP */
    const struct config_mcp *mcp;
    struct str mcp_tool, mcp_sha256; /* its name there, and the definition that was approved */
    const struct json *mcp_definition;
    bool repeatable; /* doing it twice is as doing it once */
    bool unasked;    /* confirm: false, or approved for good */
};

enum config_action { CONFIG_HANDOFF, CONFIG_SUGGEST };

struct config_rule {
    struct jq_program *condition;
    struct str source;
    struct str action; /* as written */
    enum config_action kind;
    struct str priority; /* low, normal, high, urgent */
    const struct json *skills;
};

struct config {
    struct arena *arena;
    struct str sha256; /* of the YAML bytes: the content address */
    struct str yaml;
    const struct json *document;
    enum config_product product;
    struct id organization, id; /* unset when absent */
    struct str name, slug, greeting;
    const struct json *suggestions, *channels;
    struct str system_prompt; /* one text, whatever its form was */
    struct str unavailable_action;
    struct config_tool *tools;
    int tool_count;
    struct config_mcp *mcp;
    int mcp_count;
    struct config_intent *intents;
    int intent_count;
    struct config_rule *rules;
    int rule_count;
    const struct json *namespaces;
    double faq_threshold;
    struct str preference, provider, model;
    double temperature;
    int max_tokens;
    int tool_rounds_max;
    bool facts_lenient; /* what has no source is noted, not refused */
    bool breaking_change;
};

/* E_INVALID with at least one error in out_faults (whose texts lie in `a`); *out_config then stays
 * untouched. */
enum err config_parse(struct arena *a, struct str yaml, struct config_faults *out_faults,
                      struct config **out_config);
/* Adds the tools of MCP servers as a version pinned them: [{server, tools: [definition, ...]}].
 * Before the configuration is shared. E_INVALID with faults; cfg is then of no use. */
enum err config_pin(struct arena *a, struct config *cfg, const struct json *pins,
                    struct config_faults *faults);
void config_free(struct config **cfg);

const struct config_tool *config_tool_find(const struct config *cfg, struct str name);
/* Whether the configuration's list of allowed tools names it. */
bool config_mcp_allows(const struct config_mcp *m, struct str tool);
const struct config_intent *config_intent_find(const struct config *cfg, struct str name);
const char *config_product_name(enum config_product p);

/* The conditions' variables: sentiment_score, ai_confidence, turn_count, intent,
 * user_requests_human, emergency_keywords, customer_tier, failed_attempts; in a condition they are
 * plain names. */
enum err config_rule_holds(const struct config_rule *rule, struct arena *a,
                           const struct json *facts, bool *out_holds, struct str *out_why);

#endif
