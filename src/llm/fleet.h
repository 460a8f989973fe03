/* Inside the llm row: the configured providers and models, which of them to try, and which to leave
 * alone for a while. Any thread; guarded by one lock that is never held over a call out. */
#ifndef LLM_FLEET_H
#define LLM_FLEET_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/metric.h"
#include "llm/models.h"

enum { FLEET_CANDIDATES_MAX = 16, FLEET_OPTIONS_MAX_BYTES = 64 << 10 };

struct fleet_model {
    struct str name;
    enum models_class model_class;
    int64_t price_in_millicents, price_in_cached_millicents, price_out_millicents;
    int64_t context_tokens;
};

struct fleet_provider {
    struct provider_account account;
    struct str kind;
    const struct provider *provider; /* NULL: nobody registered this kind yet */
    void *arg;
    bool registered; /* by an upper row: local, free, never cached */
    struct fleet_model models[MODELS_PER_PROVIDER_MAX];
    int model_count;
    /* guarded by lock */
    enum models_circuit circuit;
    int failures_in_row;
    bool trial; /* half-open: the one request that may try is under way */
    int64_t open_until_ms;
    int64_t requests, failures;
    _Atomic(struct series *) took, good; /* its metrics */
};

struct remembered; /* remember.c */
struct ledger;     /* ledger.h */

struct models {
    struct arena *arena;         /* all texts of the configuration */
    struct models_config config; /* with defaults filled in; `providers` unset */
    struct fleet_provider providers[MODELS_PROVIDERS_MAX];
    int provider_count;
    pthread_mutex_t lock;
    struct remembered *remembered;
    struct ledger *ledger;
};

/* A model to try. */
struct fleet_candidate {
    struct fleet_provider *provider;
    const struct fleet_model *model;
};

/* In order of trying. E_NOT_FOUND nothing fits the names or nothing is configured, E_TOO_LARGE no
 * model has a window for it. tokens: estimated, with the answer's. */
enum err fleet_choose(struct ctx *c, struct models *m, const struct chat_request *request,
                      int64_t tokens, struct fleet_candidate out[FLEET_CANDIDATES_MAX],
                      int *out_count);

/* False while the provider's circuit is open; *out_until_ms then tells when it may be tried. */
bool fleet_admit(struct ctx *c, struct models *m, struct fleet_provider *p, int64_t *out_until_ms);
/* What became of an admitted attempt. */
void fleet_report(struct ctx *c, struct models *m, struct fleet_provider *p, enum err outcome);

/* Microcents. */
int64_t fleet_cost(const struct fleet_model *model, const struct chat_usage *usage);

#endif
