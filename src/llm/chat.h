/* The chat contract: what every model provider is asked and answers, whatever its wire format. A
 * request borrows all it points to for the call; a result lies in the ctx's arena. models.h sends
 * requests; provider.h is for those who answer them. Plain data; no code of its own but names. */
#ifndef LLM_CHAT_H
#define LLM_CHAT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/ctx.h"
#include "codec/json.h"

enum {
    CHAT_MESSAGES_MAX = 1000,
    CHAT_TOOLS_MAX = 128,
    CHAT_CALLS_MAX = 32, /* tool calls in one answer; more are dropped */
    CHAT_STOP_MAX = 8,
    CHAT_NAME_MAX_BYTES = 64,         /* of a tool */
    CHAT_REQUEST_MAX_BYTES = 8 << 20, /* as sent */
    CHAT_TEXT_MAX_BYTES = 1 << 20,    /* of an answer; past it the stream ends, CHAT_STOP_LENGTH */
    CHAT_ARGUMENTS_MAX_BYTES = 256 << 10, /* of one tool call */
    CHAT_ARGUMENTS_VALUES_MAX = 8192
};

/* Whether a tool call can be executed. What is wrong is for the model to hear, not a failure of the
 * request: answer it with a CHAT_TOOL message that is_error and carries fault_text. */
enum chat_call_fault {
    CHAT_CALL_FINE,
    CHAT_CALL_UNKNOWN_TOOL,  /* no tool of that name was offered */
    CHAT_CALL_NO_JSON,       /* the arguments are no JSON object, even after repair */
    CHAT_CALL_BAD_ARGUMENTS, /* they break the tool's parameters schema; fault_text says where */
    CHAT_CALL_CUT            /* the answer ended inside them */
};

struct chat_call {
    struct str id; /* the provider's, or one made for it */
    struct str name;
    const struct json
        *arguments;            /* an object; {} unless CHAT_CALL_FINE or CHAT_CALL_BAD_ARGUMENTS */
    struct str arguments_text; /* as the model wrote it */
    enum chat_call_fault fault;
    struct str fault_text; /* for the model: what to do better */
};

enum chat_role { CHAT_USER, CHAT_ASSISTANT, CHAT_TOOL };

/* Roles need not alternate; providers merge neighbours where their wire format asks for it. */
struct chat_message {
    enum chat_role role;
    struct str text;               /* may be empty for an assistant's tool calls */
    const struct chat_call *calls; /* CHAT_ASSISTANT */
    int call_count;
    struct str call_id; /* CHAT_TOOL: which call it answers */
    struct str name;    /* CHAT_TOOL: of the tool */
    bool is_error;      /* CHAT_TOOL: the call failed */
};

struct chat_tool {
    struct str name;
    struct str description;
    const struct json *parameters; /* JSON Schema of an object; NULL: no parameters */
    bool side_effects;             /* such requests are never answered from a cache */
};

enum chat_tool_choice { CHAT_TOOLS_AUTO, CHAT_TOOLS_NONE, CHAT_TOOLS_REQUIRED, CHAT_TOOLS_NAMED };

/* What the caller would like to spend. AUTO: by the complexity score of models_complexity. */
enum chat_preference { CHAT_AUTO, CHAT_CHEAP, CHAT_BALANCED, CHAT_PREMIUM };

enum chat_stop {
    CHAT_STOP_END,
    CHAT_STOP_LENGTH, /* max_tokens, the model's window, or our bound */
    CHAT_STOP_SEQUENCE,
    CHAT_STOP_TOOLS,
    CHAT_STOP_REFUSAL /* the provider or the model declined; `text` may hold what it said */
};
const char *chat_stop_name(enum chat_stop s); /* "end", "length", "sequence", "tools", "refusal" */

struct chat_usage {
    int64_t tokens_in; /* all of them, cached ones too */
    int64_t tokens_in_cached;
    int64_t tokens_out;
    bool estimated; /* the provider did not say */
};

/* Told while the answer arrives, on the calling thread; members may be NULL. An error ends the
 * request with it. Pieces of an attempt that failed are not taken back by the next one: no other
 * attempt is made once text was handed out. A cached answer comes as one piece. */
struct chat_stream {
    enum err (*on_text)(struct ctx *c, struct str piece, void *arg);
    enum err (*on_call)(struct ctx *c, const struct chat_call *call, void *arg); /* complete */
    void (*on_usage)(struct ctx *c, const struct chat_usage *usage, void *arg);
    void *arg;
};

/* Whose request it is: partitions the cache, budgets and usage rows. */
struct chat_origin {
    struct str agent;         /* id or slug; empty: not an agent's */
    struct str agent_version; /* part of the cache key */
    struct str scope;   /* cache key: who may share answers, such as "public" or a contact id */
    struct str purpose; /* usage rows: "turn", "classify", "summary" */
    struct str conversation; /* usage rows */
    struct str run;          /* usage rows */
};

struct chat_request {
    enum chat_preference preference;
    struct str provider; /* a configured name; empty: routed by preference and `model` */
    struct str model;    /* empty: by preference */
    struct str system;
    const struct chat_message *messages;
    int message_count;
    const struct chat_tool *tools;
    int tool_count;
    enum chat_tool_choice tool_choice;
    struct str tool_name;      /* CHAT_TOOLS_NAMED */
    const struct json *schema; /* the answer must be JSON of this schema: see chat_result.json */
    struct str schema_name;
    double temperature; /* 0 to 2; < 0: the provider's default */
    int max_tokens;     /* of the answer; 0: 1,024 */
    const struct str *stop;
    int stop_count;
    int64_t timeout_ms; /* all attempts together; 0: 120,000, and never past the ctx's deadline */
    int64_t idle_timeout_ms; /* a stream silent for so long has stalled; 0: 20,000 */
    bool no_cache;
    bool personal; /* prompt or answer hold personal data: never cached, kept masked at most */
    struct chat_origin origin;
    const struct chat_stream *stream; /* NULL: not streamed to the caller */
    /* For a provider that an upper row registered; others never look at it. Answers of such
     * providers are never cached. */
    const void *side;
};

enum chat_cache { CHAT_CACHE_NONE, CHAT_CACHE_EXACT, CHAT_CACHE_SEMANTIC };
const char *chat_cache_name(enum chat_cache k); /* "none", "exact", "semantic" */

struct chat_result {
    struct str text;
    const struct chat_call *calls;
    int call_count;
    const struct json *json; /* with a schema: the validated answer, also as `text` */
    enum chat_stop stop;
    struct chat_usage usage; /* of all attempts that were billed */
    int64_t cost_microcents; /* 1,000,000 are one cent */
    struct str provider;
    struct str model;
    enum chat_cache cache;
    int64_t latency_ms;
    int64_t first_piece_ms; /* 0 when nothing came */
    int attempts;           /* requests sent; 0 from the cache */
    struct str prompt_kept; /* what the retention policy lets us keep, for traces; may be empty */
    struct str response_kept;
    const struct json
        *side; /* what a registered provider adds: its reasons, passages; may be NULL */
};

#endif
