/* Answers worth giving twice: the same request (exact) or a question that means the same in the
 * same context (semantic). Partitioned by org, agent, its version and scope; kept in the cache for
 * a time. Never for requests with tools that have side effects, personal data, or a temperature
 * above 0.9. Inside the llm row; task code, any thread. */
#ifndef LLM_REMEMBER_H
#define LLM_REMEMBER_H

#include "llm/fleet.h"

struct remembered *remember_new(const struct models_config *config);
void remember_free(struct remembered **r);

/* A place in the cache, found before asking and filled after. */
struct remember_place {
    bool usable;        /* false: this request is not to be cached */
    struct str key;     /* exact */
    struct str context; /* partition of similar questions; empty: none */
    struct str question;
    float *vector; /* of the question, config.embed_dimensions long; NULL: none */
};

/* model: of the candidate that would be asked first. */
struct remember_place remember_place(struct ctx *c, const struct models *m,
                                     const struct chat_request *request, struct str model);
/* True: *out is the answer, `cache` tells which kind. `out->cost_microcents` is what it saved. */
bool remember_get(struct ctx *c, struct models *m, const struct remember_place *place,
                  struct chat_result *out);
void remember_put(struct ctx *c, struct models *m, const struct remember_place *place,
                  const struct chat_result *result);

#endif
