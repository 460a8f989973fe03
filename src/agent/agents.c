#include "agent/agents.h"

#include <stdlib.h>

#include "base/holder.h"

struct agents {
    struct holder *holder; /* "org/agent/version" */
};

/* What is kept: its own parts, and the view of them that tasks get. */
struct ready {
    struct holding holding;
    struct agent agent;
    struct config *config;
    struct classifier *classifier;
};

static void free_ready(struct holding *thing)
{
    struct ready *r = (struct ready *)thing;
    config_free(&r->config);
    classify_free(&r->classifier);
    free(r);
}

struct agents *agents_new(void)
{
    struct agents *a = mem_new(sizeof(*a));
    a->holder =
        holder_new(&(struct holder_options){.most = AGENTS_KEPT_MAX, .free_thing = free_ready});
    return a;
}

void agents_free(struct agents **a)
{
    if (*a) {
        holder_free(&(*a)->holder);
        free(*a);
        *a = NULL;
    }
}

void agents_forget(struct agents *a, const struct id *org)
{
    holder_forget(a->holder, id_str(org));
}

static struct str key_of(struct ctx *c, const struct id *agent, int64_t version)
{
    return str_fmt(c->arena, "%s/%s/%lld", c->org.text, agent->text, (long long)version);
}

static const struct agent *lend(struct ctx *c, struct holding *k)
{
    if (!k) {
        return NULL;
    }
    arena_defer(c->arena, holder_give_back, k);
    return &((const struct ready *)k)->agent;
}

const struct agent *agents_take(struct ctx *c, const struct id *agent, int64_t version)
{
    return lend(c, holder_take(c->at->agents->holder, key_of(c, agent, version)));
}

const struct agent *agents_keep(struct ctx *c, const struct id *agent, int64_t version,
                                struct config *config, struct classifier *classifier)
{
    struct ready *r = mem_new(sizeof(*r));
    r->config = config;
    r->classifier = classifier;
    r->agent = (struct agent){*agent, version, config, classifier};
    return lend(c, holder_keep(c->at->agents->holder, key_of(c, agent, version), &r->holding));
}

bool agents_teach_alike(const struct config *a, const struct config *b)
{
    bool alike = a->intent_count == b->intent_count;
    for (int i = 0; alike && i < a->intent_count; i++) {
        alike = str_eq(a->intents[i].name, b->intents[i].name) &&
                json_equal(a->intents[i].examples, b->intents[i].examples);
    }
    return alike;
}

enum err agents_train(struct ctx *c, const struct config *cfg, struct classifier **out)
{
    size_t n = 0;
    for (int i = 0; i < cfg->intent_count; i++) {
        n += json_count(cfg->intents[i].examples);
    }
    struct classify_example *all = ARENA_ARRAY(c->arena, struct classify_example, n + 1);
    n = 0;
    int labels = 0;
    for (int i = 0; i < cfg->intent_count; i++) {
        const struct json *examples = cfg->intents[i].examples;
        labels += json_count(examples) > 0;
        for (size_t j = 0; j < json_count(examples); j++) {
            struct str text = json_text(json_at(examples, j), STR(""));
            if (str_trim(text).n) {
                all[n++] = (struct classify_example){text, cfg->intents[i].name};
            }
        }
    }
    *out = NULL;
    if (labels < 2) {
        return E_OK;
    }
    struct classify_fault fault = {0};
    enum err e = classify_train(all, n, NULL, &fault, out);
    return e == E_OK ? E_OK : ctx_fail_field(c, e, "intents", "intents: %s", fault.text);
}
