/* The models an installation may use, and the one way to ask them: route by preference, answer from
 * the cache, check budgets before sending, retry with back-off, fall back along a chain, keep away
 * from a provider that is down, check tool calls and structured answers, write down what it cost.
 * Task code, any thread; c->at->models. */
#ifndef LLM_MODELS_H
#define LLM_MODELS_H

#include "llm/chat.h"
#include "llm/provider.h"
#include "store/store.h"

enum { MODELS_PROVIDERS_MAX = 16, MODELS_PER_PROVIDER_MAX = 32, MODELS_EMBEDDING_MAX = 1024 };

enum models_class { MODELS_CHEAP, MODELS_BALANCED, MODELS_PREMIUM, MODELS_CLASS_COUNT };

/* Prices are millicents (1/100,000 of a unit) per million tokens: $3.00 is 300,000. */
struct models_model {
    const char *name;
    enum models_class model_class;
    int64_t price_in_millicents;
    int64_t price_in_cached_millicents;
    int64_t price_out_millicents;
    int context_tokens; /* 0: 128,000 */
};

struct models_provider {
    const char *name; /* unique: "anthropic", "local" */
    const char
        *kind; /* "anthropic", "openai", or one registered before models_new's providers are used */
    const char *base_url;
    const char *key; /* resolved by the host from its secret reference or environment; copied */
    bool allow_private;
    const struct json *options;
    const struct models_model *models; /* ends with name NULL; order is preference within a class */
};

struct models_spent;

/* Everything is copied. 0 means the default in brackets. */
struct models_config {
    const struct models_provider *providers; /* ends with name NULL; may be NULL */
    const char *default_provider;            /* tried first within a class; NULL: the order given */
    int attempts_max;                        /* [3] per model */
    int64_t backoff_ms;                      /* [500] doubled, with jitter */
    int64_t backoff_max_ms;  /* [20,000] longer retry-after goes to the next model */
    int breaker_failures;    /* [5] in a row open the circuit */
    int64_t breaker_open_ms; /* [30,000] then one request may try */
    int64_t cache_ttl_ms;    /* [3,600,000] */
    bool cache_off;
    double semantic_threshold; /* [0.95] cosine strictly above it */
    /* Unit-length embedding of `text` into out_vector[n_dimensions]; NULL: no semantic cache. */
    bool (*embed)(struct str text, float *out_vector, void *arg);
    int embed_dimensions; /* at most MODELS_EMBEDDING_MAX */
    void *embed_arg;
    /* What of a prompt or response may be kept in traces: returns its text (c's arena), changed or
     * not, or the empty view. NULL: log_mask()ed for requests marked personal, else as it is. */
    struct str (*keep)(struct ctx *c, const struct chat_request *request, struct str text,
                       void *arg);
    void *keep_arg;
    /* Told soon after a request took the org's (agent empty) or the agent's budget past 80 or 100
     * percent; with a ctx and, mostly, on a thread of its own. */
    void (*on_budget)(struct ctx *c, struct str agent, const struct models_spent *spent, void *arg);
    void *on_budget_arg;
};

/* E_INVALID names the provider or model at fault. */
enum err models_new(struct ctx *c, const struct models_config *config, struct models **out_models);
void models_free(struct models **m);

/* A provider of an upper row, such as `builtin`; it is asked when no other has a model, or by name:
 * `provider` by reference. Where the configuration names providers of its kind it serves those;
 * else `entry` is added (base_url and key may be NULL). Its answers are never cached and cost
 * nothing unless its models have prices. At start-up only. */
enum err models_register(struct ctx *c, struct models *m, const struct provider *provider,
                         void *arg, const struct models_provider *entry);

/* Asks. Beyond what provider.h lists (of the last attempt of the last model): E_LIMIT a budget is
 * used up (fault.field "budget") or every provider says so, E_NOT_FOUND no such model or none
 * configured, E_TOO_LARGE bounds of chat.h, E_INCOMPLETE the answer broke its schema even when
 * asked again. A usage row is written for every request that reached a provider, also on
 * failure. */
enum err models_chat(struct ctx *c, const struct chat_request *request,
                     struct chat_result *out_result);

/* Pure: about how many tokens, and the score of chat_preference AUTO (domain spec 5.2):
 * below 0.3 cheap, below 0.5 balanced, else premium. */
int64_t models_tokens(struct str text);
int64_t models_request_tokens(const struct chat_request *request);
double models_complexity(const struct chat_request *request);

/* Hard limits, per org and per agent, checked before sending with the request's worst case
 * reserved, and settled with what it cost. Days and months are UTC. 0: no limit. */
struct models_budget {
    struct str agent; /* empty: the org's */
    int64_t day_microcents, month_microcents;
    int64_t day_tokens, month_tokens;
};
enum err models_budget_set(struct ctx *c, const struct models_budget *budget);
struct models_spent {
    struct models_budget limit;
    int64_t day_microcents, month_microcents; /* settled and reserved */
    int64_t day_tokens, month_tokens;
    int64_t used_percent; /* of the tightest limit; 80 is time to tell somebody */
};
enum err models_spent(struct ctx *c, struct str agent, struct models_spent *out_spent);

/* Usage rows and totals reach the disk a moment after the answer, many at a time; a process that is
 * killed loses the last of them (LEDGER_HOLD_MS), not what its budget says. Those of c->org that
 * wait are written when this returns. */
enum err models_flush(struct ctx *c);

/* State of each provider, for health pages. */
enum models_circuit { MODELS_CLOSED, MODELS_OPEN, MODELS_HALF_OPEN };
struct models_health {
    struct str name;
    struct str kind;
    enum models_circuit circuit;
    int64_t requests, failures;
    int64_t open_until_ms;
};
int models_health(struct ctx *c, const struct models *m, struct models_health *out, int max);

/* Tables llm_usage, llm_budget, llm_spend, llm_reservation. */
extern const struct migration models_migrations[];

/* Forgets cached answers past their time and usage rows older than before_ms (spend totals
 * stay). */
enum err models_expire(struct ctx *c, int64_t before_ms, int max, int *out_deleted);
/* Forgets the org's cached answers of an agent (a version was withdrawn); empty: all. */
enum err models_cache_clear(struct ctx *c, struct str agent);

#endif
