#include "llm/models.h"

#include <stdlib.h>

#include "base/log.h"
#include "llm/fleet.h"
#include "llm/ledger.h"
#include "llm/remember.h"

enum { CONFIG_ARENA_BYTES = 16 << 20, CONTEXT_TOKENS = 128000, NAME_MAX_BYTES = 128 };

static int64_t or_default(int64_t value, int64_t fallback)
{
    return value > 0 ? value : fallback;
}

static void fill_defaults(struct models_config *k)
{
    k->attempts_max = (int)or_default(k->attempts_max, 3);
    k->backoff_ms = or_default(k->backoff_ms, 500);
    k->backoff_max_ms = or_default(k->backoff_max_ms, 20000);
    k->breaker_failures = (int)or_default(k->breaker_failures, 5);
    k->breaker_open_ms = or_default(k->breaker_open_ms, 30000);
    k->cache_ttl_ms = or_default(k->cache_ttl_ms, 3600000);
    k->semantic_threshold = k->semantic_threshold > 0 ? k->semantic_threshold : 0.95;
}

static const struct provider *provider_of_kind(struct str kind)
{
    static const struct provider *const own[] = {&provider_anthropic, &provider_openai};
    for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++) {
        if (str_eqz(kind, own[i]->kind)) {
            return own[i];
        }
    }
    return NULL;
}

static enum err add_model(struct ctx *c, struct models *m, struct fleet_provider *p,
                          const struct models_model *entry)
{
    const char *provider = p->account.name.p;
    if (!entry->name[0] || str_of(entry->name).n > NAME_MAX_BYTES) {
        return ctx_fail_field(c, E_INVALID, "models",
                              "a model of provider %s has no name of 1 to %d bytes", provider,
                              NAME_MAX_BYTES);
    }
    if (p->model_count == MODELS_PER_PROVIDER_MAX) {
        return ctx_fail_field(c, E_INVALID, "models", "provider %s has more than %d models",
                              provider, MODELS_PER_PROVIDER_MAX);
    }
    if (entry->price_in_millicents < 0 || entry->price_out_millicents < 0 ||
        entry->price_in_cached_millicents < 0 || (int)entry->model_class < 0 ||
        entry->model_class >= MODELS_CLASS_COUNT) {
        return ctx_fail_field(c, E_INVALID, "models",
                              "model %s of provider %s has a wrong price or class", entry->name,
                              provider);
    }
    for (int i = 0; i < p->model_count; i++) {
        if (str_eqz(p->models[i].name, entry->name)) {
            return ctx_fail_field(c, E_INVALID, "models", "provider %s has two models %s", provider,
                                  entry->name);
        }
    }
    p->models[p->model_count++] =
        (struct fleet_model){.name = str_dup(m->arena, str_of(entry->name)),
                             .model_class = entry->model_class,
                             .price_in_millicents = entry->price_in_millicents,
                             .price_in_cached_millicents = entry->price_in_cached_millicents,
                             .price_out_millicents = entry->price_out_millicents,
                             .context_tokens = or_default(entry->context_tokens, CONTEXT_TOKENS)};
    return E_OK;
}

static enum err check_entry(struct ctx *c, const struct models *m,
                            const struct models_provider *entry)
{
    struct str name = str_of(entry->name);
    struct str url = str_of(entry->base_url);
    if (m->provider_count == MODELS_PROVIDERS_MAX) {
        return ctx_fail_field(c, E_INVALID, "providers", "more than %d model providers",
                              MODELS_PROVIDERS_MAX);
    }
    if (name.n == 0 || name.n > NAME_MAX_BYTES) {
        return ctx_fail_field(c, E_INVALID, "providers", "a provider needs a name of 1 to %d bytes",
                              NAME_MAX_BYTES);
    }
    for (int i = 0; i < m->provider_count; i++) {
        if (str_eq(m->providers[i].account.name, name)) {
            return ctx_fail_field(c, E_INVALID, "providers", "two providers are called %s",
                                  entry->name);
        }
    }
    if (provider_of_kind(str_of(entry->kind)) && !str_starts(url, STR("https://")) &&
        !str_starts(url, STR("http://"))) {
        return ctx_fail_field(c, E_INVALID, "providers",
                              "provider %s needs a base_url that starts with https:// or http://",
                              entry->name);
    }
    return E_OK;
}

static enum err add_provider(struct ctx *c, struct models *m, const struct models_provider *entry,
                             struct fleet_provider **out_provider)
{
    TRY(check_entry(c, m, entry));
    struct fleet_provider *p = &m->providers[m->provider_count];
    struct arena *a = m->arena;
    *p = (struct fleet_provider){.kind = str_dup(a, str_of(entry->kind))};
    p->account =
        (struct provider_account){.name = str_dup(a, str_of(entry->name)),
                                  .base_url = str_dup(a, str_of(entry->base_url)),
                                  .key = str_dup(a, str_of(entry->key)),
                                  .allow_private = entry->allow_private,
                                  .options = entry->options ? json_copy(a, entry->options) : NULL};
    p->provider = provider_of_kind(p->kind);
    for (int i = 0; entry->models && entry->models[i].name; i++) {
        TRY(add_model(c, m, p, &entry->models[i]));
    }
    m->provider_count++;
    *out_provider = p;
    return E_OK;
}

static enum err configure(struct ctx *c, struct models *m, const struct models_config *config)
{
    m->config = *config;
    fill_defaults(&m->config);
    m->config.providers = NULL;
    m->config.default_provider = str_dupz(m->arena, str_of(config->default_provider));
    if (config->embed &&
        (config->embed_dimensions < 1 || config->embed_dimensions > MODELS_EMBEDDING_MAX)) {
        return ctx_fail_field(c, E_INVALID, "embed_dimensions", "an embedding has 1 to %d numbers",
                              MODELS_EMBEDDING_MAX);
    }
    bool known = !config->default_provider;
    for (int i = 0; config->providers && config->providers[i].name; i++) {
        struct fleet_provider *p = NULL;
        TRY(add_provider(c, m, &config->providers[i], &p));
        known = known || str_eqz(p->account.name, config->default_provider);
    }
    if (!known) {
        return ctx_fail_field(c, E_INVALID, "default_provider", "there is no provider %s",
                              config->default_provider);
    }
    return E_OK;
}

enum err models_new(struct ctx *c, const struct models_config *config, struct models **out_models)
{
    struct models *m = mem_new(sizeof(*m));
    m->arena = arena_new(CONFIG_ARENA_BYTES);
    pthread_mutex_init(&m->lock, NULL);
    enum err e = configure(c, m, config);
    if (e != E_OK) {
        models_free(&m);
        return e;
    }
    m->remembered = remember_new(&m->config);
    m->ledger = ledger_new(c->at, &m->config);
    *out_models = m;
    return E_OK;
}

void models_free(struct models **m)
{
    if (!*m) {
        return;
    }
    ledger_free(&(*m)->ledger);
    remember_free(&(*m)->remembered);
    pthread_mutex_destroy(&(*m)->lock);
    arena_free(&(*m)->arena);
    free(*m);
    *m = NULL;
}

enum err models_register(struct ctx *c, struct models *m, const struct provider *provider,
                         void *arg, const struct models_provider *entry)
{
    bool bound = false;
    for (int i = 0; i < m->provider_count; i++) {
        struct fleet_provider *p = &m->providers[i];
        if (!p->provider && str_eqz(p->kind, provider->kind)) {
            p->provider = provider;
            p->arg = arg;
            p->registered = bound = true;
        }
    }
    if (bound || !entry) {
        return E_OK; /* the configuration names it, with models of its own choice */
    }
    struct fleet_provider *p = NULL;
    TRY(add_provider(c, m, entry, &p));
    p->provider = provider;
    p->arg = arg;
    p->registered = true;
    return E_OK;
}

/* ---- which model -------------------------------------------------------------------------- */

/* Classes in order of trying. Cheaper ones stand in for dearer ones; dearer ones only where there
 * is nothing else at all. */
static const enum models_class CHAINS[MODELS_CLASS_COUNT][MODELS_CLASS_COUNT] = {
    [MODELS_CHEAP] = {MODELS_CHEAP, MODELS_BALANCED, MODELS_PREMIUM},
    [MODELS_BALANCED] = {MODELS_BALANCED, MODELS_CHEAP, MODELS_PREMIUM},
    [MODELS_PREMIUM] = {MODELS_PREMIUM, MODELS_BALANCED, MODELS_CHEAP},
};

static enum models_class wanted_class(const struct chat_request *r)
{
    switch (r->preference) {
    case CHAT_CHEAP:
        return MODELS_CHEAP;
    case CHAT_BALANCED:
        return MODELS_BALANCED;
    case CHAT_PREMIUM:
        return MODELS_PREMIUM;
    case CHAT_AUTO:
        break;
    }
    double score = models_complexity(r);
    return score < 0.3 ? MODELS_CHEAP : score < 0.5 ? MODELS_BALANCED : MODELS_PREMIUM;
}

struct choosing {
    struct models *m;
    int64_t tokens;
    struct fleet_candidate *out;
    int count;
    bool too_small; /* a model was left out because of its window */
};

static void offer(struct choosing *k, struct fleet_provider *p, const struct fleet_model *model)
{
    for (int i = 0; i < k->count; i++) {
        if (k->out[i].model == model) {
            return;
        }
    }
    if (!p->provider || k->count == FLEET_CANDIDATES_MAX) {
        return;
    }
    if (k->tokens > model->context_tokens) {
        k->too_small = true;
        return;
    }
    k->out[k->count++] = (struct fleet_candidate){p, model};
}

static void offer_class(struct choosing *k, struct fleet_provider *p, enum models_class wanted)
{
    for (int i = 0; i < p->model_count; i++) {
        if (p->models[i].model_class == wanted) {
            offer(k, p, &p->models[i]);
        }
    }
}

/* The model asked for by name, or all of the provider asked for in the order of the chain. */
static void offer_named(struct choosing *k, const struct chat_request *r, enum models_class *wanted)
{
    for (int i = 0; i < k->m->provider_count; i++) {
        struct fleet_provider *p = &k->m->providers[i];
        if (r->provider.n && !str_eq(p->account.name, r->provider)) {
            continue;
        }
        for (int n = 0; n < p->model_count && r->model.n; n++) {
            if (str_eq(p->models[n].name, r->model)) {
                offer(k, p, &p->models[n]);
                *wanted = p->models[n].model_class;
            }
        }
        for (int n = 0; n < MODELS_CLASS_COUNT && !r->model.n && r->provider.n; n++) {
            offer_class(k, p, CHAINS[*wanted][n]);
        }
    }
}

/* A registered engine stands in only where no model is configured: an agent written for a model is
 * not answered by another kind of mind because a class had no member. It can be asked for by name.
 */
static bool is_reserve(const struct choosing *k, const struct fleet_provider *p)
{
    bool others = false;
    for (int i = 0; i < k->m->provider_count; i++) {
        others = others || (!k->m->providers[i].registered && k->m->providers[i].model_count > 0);
    }
    return p->registered && others;
}

static void offer_chain(struct choosing *k, enum models_class wanted)
{
    struct str first = str_of(k->m->config.default_provider);
    int before = k->count;
    for (int n = 0; n < MODELS_CLASS_COUNT; n++) {
        enum models_class next = CHAINS[wanted][n];
        if (next > wanted && k->count > before) {
            return;
        }
        for (int i = 0; i < 2 * k->m->provider_count; i++) {
            struct fleet_provider *p = &k->m->providers[i % k->m->provider_count];
            bool is_first = first.n && str_eq(p->account.name, first);
            if (is_first == (i < k->m->provider_count) && !is_reserve(k, p)) {
                offer_class(k, p, next);
            }
        }
    }
}

enum err fleet_choose(struct ctx *c, struct models *m, const struct chat_request *r, int64_t tokens,
                      struct fleet_candidate out[FLEET_CANDIDATES_MAX], int *out_count)
{
    struct choosing k = {.m = m, .tokens = tokens, .out = out};
    enum models_class wanted = wanted_class(r);
    if (r->provider.n || r->model.n) {
        offer_named(&k, r, &wanted);
        if (k.count == 0 && !k.too_small) {
            return ctx_fail_field(c, E_NOT_FOUND, "model", "no model %.*s%s%.*s is configured",
                                  STR_ARG(r->provider), r->provider.n && r->model.n ? "/" : "",
                                  STR_ARG(r->model));
        }
    }
    offer_chain(&k, wanted);
    if (k.count == 0 && k.too_small) {
        return ctx_fail(c, E_TOO_LARGE, "no model takes about %lld tokens", (long long)tokens);
    }
    if (k.count == 0) {
        return ctx_fail_field(c, E_NOT_FOUND, "model", "no model is configured");
    }
    *out_count = k.count;
    return E_OK;
}

/* Per million tokens and millicents: a token costs price / 1000 microcents. */
int64_t fleet_cost(const struct fleet_model *model, const struct chat_usage *u)
{
    int64_t cached = u->tokens_in_cached < u->tokens_in ? u->tokens_in_cached : u->tokens_in;
    int64_t price_cached = model->price_in_cached_millicents > 0 ? model->price_in_cached_millicents
                                                                 : model->price_in_millicents;
    int64_t total = (u->tokens_in - cached) * model->price_in_millicents + cached * price_cached +
                    u->tokens_out * model->price_out_millicents;
    return (total + 999) / 1000;
}

/* ---- circuits ----------------------------------------------------------------------------- */

bool fleet_admit(struct ctx *c, struct models *m, struct fleet_provider *p, int64_t *out_until_ms)
{
    int64_t now = ctx_now_ms(c);
    pthread_mutex_lock(&m->lock);
    if (p->circuit == MODELS_OPEN && now >= p->open_until_ms) {
        p->circuit = MODELS_HALF_OPEN;
        p->trial = false;
    }
    bool admitted = p->circuit == MODELS_CLOSED || (p->circuit == MODELS_HALF_OPEN && !p->trial);
    if (admitted) {
        p->requests++;
        p->trial = p->circuit == MODELS_HALF_OPEN;
    }
    *out_until_ms = p->open_until_ms;
    pthread_mutex_unlock(&m->lock);
    return admitted;
}

/* Failures that say something about the provider, not about the request. */
static bool is_providers_fault(enum err e)
{
    return e == E_UNAVAILABLE || e == E_TIMEOUT || e == E_UNAUTHENTICATED || e == E_DENIED;
}

void fleet_report(struct ctx *c, struct models *m, struct fleet_provider *p, enum err outcome)
{
    bool failed = is_providers_fault(outcome);
    pthread_mutex_lock(&m->lock);
    enum models_circuit before = p->circuit;
    p->trial = false;
    p->failures += outcome == E_OK ? 0 : 1;
    if (failed) {
        p->failures_in_row++;
        if (before == MODELS_HALF_OPEN || p->failures_in_row >= m->config.breaker_failures) {
            p->circuit = MODELS_OPEN;
            p->open_until_ms = ctx_now_ms(c) + m->config.breaker_open_ms;
        }
    } else if (outcome != E_CANCELLED) {
        p->failures_in_row = 0;
        p->circuit = MODELS_CLOSED;
    }
    enum models_circuit after = p->circuit;
    pthread_mutex_unlock(&m->lock);
    if (before != after) {
        log_at(c, after == MODELS_OPEN ? LOG_WARN : LOG_INFO, "model provider's circuit changed",
               LOG_STR("provider", p->account.name),
               LOG_Z("circuit", after == MODELS_OPEN ? "open" : "closed"));
    }
}

int models_health(struct ctx *c, const struct models *m, struct models_health *out, int max)
{
    (void)c;
    struct models *locked = (struct models *)(uintptr_t)m; /* the lock is all that changes */
    int n = 0;
    pthread_mutex_lock(&locked->lock);
    for (int i = 0; i < m->provider_count && n < max; i++) {
        const struct fleet_provider *p = &m->providers[i];
        out[n++] = (struct models_health){.name = p->account.name,
                                          .kind = p->kind,
                                          .circuit = p->circuit,
                                          .requests = p->requests,
                                          .failures = p->failures,
                                          .open_until_ms = p->open_until_ms};
    }
    pthread_mutex_unlock(&locked->lock);
    return n;
}

/* ---- money -------------------------------------------------------------------------------- */

enum err models_budget_set(struct ctx *c, const struct models_budget *budget)
{
    TRY(spend_budget_set(c, budget));
    if (c->at->models) {
        ledger_budget_changed(c, c->at->models->ledger);
    }
    return E_OK;
}

enum err models_spent(struct ctx *c, struct str agent, struct models_spent *out_spent)
{
    return c->at->models ? ledger_spent(c, c->at->models->ledger, agent, out_spent)
                         : spend_read(c, agent, out_spent);
}

enum err models_flush(struct ctx *c)
{
    return c->at->models ? ledger_flush(c, c->at->models->ledger) : E_OK;
}
