/* A model provider: one attempt at one request. It neither retries nor routes, counts money nor
 * caches: models.h does that for all of them alike. The two wire formats here are one file each;
 * upper rows register more through models_register. Task code. */
#ifndef LLM_PROVIDER_H
#define LLM_PROVIDER_H

#include "llm/chat.h"

/* Where and how; kept by reference while registered. */
struct provider_account {
    struct str name;            /* as configured */
    struct str base_url;        /* without trailing slash, such as "https://api.anthropic.com" */
    struct str key;             /* empty: no authentication (local servers) */
    bool allow_private;         /* base_url may be a private address */
    const struct json *options; /* wire-format specifics from configuration; may be NULL */
};

/* One attempt. `request` is complete: model set, limits set, messages at least one. */
struct provider_call {
    const struct chat_request *request;
    const struct provider_account *account;
    struct str model;
    int64_t timeout_ms;
    int64_t idle_timeout_ms;
};

/* What an attempt brought. Calls are unchecked (fault CHAT_CALL_FINE, CHAT_CALL_NO_JSON or
 * CHAT_CALL_CUT): models.h checks names and schemas. */
struct provider_answer {
    struct str text;
    struct chat_call *calls;
    int call_count;
    enum chat_stop stop;
    struct chat_usage usage; /* zeros when the provider said nothing */
    int64_t first_piece_ms;
    bool handed_out; /* pieces reached the caller's stream: set also on failure */
    const struct json *side;
};

struct provider {
    const char *kind; /* "anthropic", "openai", "builtin" ... */
    /* Fills *answer as it goes: what it holds on failure is what arrived. E_INVALID the provider
     * refused the request as wrong, E_UNAUTHENTICATED, E_DENIED (key, quota or policy of the
     * account), E_NOT_FOUND model, E_TOO_LARGE context, E_LIMIT (fault.retry_after_ms),
     * E_UNAVAILABLE (5xx, 529, cut, nonsense), E_TIMEOUT, E_CANCELLED. fault.text never holds the
     * key. */
    enum err (*send)(struct ctx *c, const struct provider_call *call, void *arg,
                     struct provider_answer *answer);
};

extern const struct provider provider_anthropic; /* Messages API, 2023-06-01 */
extern const struct provider provider_openai;    /* chat completions and what speaks it */

#endif
