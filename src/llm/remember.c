#include "llm/remember.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "codec/text.h"
#include "llm/fingerprint.h"
#include "store/cache.h"

enum {
    CONTEXTS_MAX = 128, /* partitions with vectors, least recently used go */
    QUESTIONS_MAX = 32, /* per partition, oldest go */
    KEY_MAX_BYTES = 160,
    QUESTION_MAX_BYTES = 2000
};

/* A question asked before: its vector, what it must share with one that means the same, and where
 * the answer lies in the cache (which forgets by itself). */
struct question {
    float *vector;
    uint64_t facts;
    char key[KEY_MAX_BYTES];
};

struct context {
    char name[ID_TEXT_BYTES + KEY_MAX_BYTES];
    uint64_t used; /* tick of the last use */
    int count, next;
    struct question questions[QUESTIONS_MAX];
};

struct remembered {
    const struct models_config *config;
    pthread_mutex_t lock;
    struct context *contexts[CONTEXTS_MAX]; /* guarded by lock */
    uint64_t tick;
};

struct remembered *remember_new(const struct models_config *config)
{
    struct remembered *r = mem_new(sizeof(*r));
    r->config = config;
    pthread_mutex_init(&r->lock, NULL);
    return r;
}

static void free_context(struct context **k)
{
    for (int i = 0; *k && i < QUESTIONS_MAX; i++) {
        free((*k)->questions[i].vector);
    }
    free(*k);
    *k = NULL;
}

void remember_free(struct remembered **r)
{
    if (*r) {
        for (int i = 0; i < CONTEXTS_MAX; i++) {
            free_context(&(*r)->contexts[i]);
        }
        pthread_mutex_destroy(&(*r)->lock);
        free(*r);
        *r = NULL;
    }
}

/* ---- keys --------------------------------------------------------------------------------- */

static bool may_remember(const struct ctx *c, const struct models *m, const struct chat_request *r)
{
    if (m->config.cache_off || r->no_cache || r->personal || r->temperature > 0.9 ||
        !c->at->cache || !id_is_set(&c->org)) {
        return false;
    }
    for (int i = 0; i < r->tool_count; i++) {
        if (r->tools[i].side_effects) {
            return false;
        }
    }
    return true;
}

static struct str joined(struct arena *a, struct str first, struct str second)
{
    char *p = arena_alloc(a, first.n + second.n + 1);
    memcpy(p, first.n ? first.p : "", first.n);
    memcpy(p + first.n, second.n ? second.p : "", second.n);
    return str_make(p, first.n + second.n);
}

static struct str epoch_key(struct arena *a, struct str agent)
{
    return joined(a, STR("llm:epoch:"), str_sub(agent, 0, 128));
}

/* Changes when the answers of the agent, or all of the org's, are to be forgotten. */
static struct str epoch_of(struct ctx *c, struct str agent)
{
    struct str all = STR(""), own = STR("");
    cache_get(c, epoch_key(c->arena, STR("")), &all);
    if (agent.n) {
        cache_get(c, epoch_key(c->arena, agent), &own);
    }
    return joined(c->arena, joined(c->arena, all, STR("/")), own);
}

enum err models_cache_clear(struct ctx *c, struct str agent)
{
    if (!c->at->cache) {
        return E_OK;
    }
    char epoch[17];
    id_random_hex(epoch, 8);
    int64_t ttl_ms = c->at->models ? 2 * c->at->models->config.cache_ttl_ms : 7200000;
    return cache_set(c, epoch_key(c->arena, agent), str_of(epoch), ttl_ms);
}

struct remember_place remember_place(struct ctx *c, const struct models *m,
                                     const struct chat_request *r, struct str model)
{
    struct remember_place p = {.usable = may_remember(c, m, r)};
    if (!p.usable) {
        return p;
    }
    const struct chat_origin *o = &r->origin;
    struct str named =
        str_fmt(c->arena, "%zu:%.*s %zu:%.*s %zu:%.*s %.*s %.*s", o->agent.n, STR_ARG(o->agent),
                o->agent_version.n, STR_ARG(o->agent_version), o->scope.n, STR_ARG(o->scope),
                STR_ARG(epoch_of(c, o->agent)), STR_ARG(model));
    p.key = joined(c->arena, STR("llm:answer:"), fingerprint_request(c->arena, r, named, true));
    p.question = fingerprint_question(r);
    if (m->config.embed && p.question.n && p.question.n <= QUESTION_MAX_BYTES) {
        p.context = fingerprint_request(c->arena, r, named, false);
        p.vector = ARENA_ARRAY(c->arena, float, (size_t)m->config.embed_dimensions);
        if (!m->config.embed(p.question, p.vector, m->config.embed_arg)) {
            p.vector = NULL;
        }
    }
    return p;
}

/* ---- similar questions -------------------------------------------------------------------- */

static bool is_negation(struct str word)
{
    static const char *const words[] = {"not",   "no",    "never", "none",  "without", "cannot",
                                        "don't", "can't", "isn't", "won't", "doesn't", "didn't",
                                        "nicht", "kein",  "keine", "pas",   "jamais",  "nunca"};
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
        if (str_eq_nocase(word, str_of(words[i]))) {
            return true;
        }
    }
    return false;
}

static bool has_digit(struct str word)
{
    for (size_t i = 0; i < word.n; i++) {
        if (word.p[i] >= '0' && word.p[i] <= '9') {
            return true;
        }
    }
    return false;
}

/* Vectors hardly tell order 10421 from 10422, nor "can" from "can't": questions only mean the same
 * when their numbers, names with digits and negations are the same. Order does not matter. */
static uint64_t facts_of(struct str question)
{
    uint64_t facts = 0;
    size_t cursor = 0;
    struct text_word w;
    while (text_next_word(question, &cursor, &w)) {
        if (has_digit(w.word)) {
            facts += str_hash(w.word) | 1;
        } else if (is_negation(w.word)) {
            facts += 0x9e3779b97f4a7c15u;
        }
    }
    return facts;
}

static double cosine(const float *a, const float *b, int n)
{
    double dot = 0, aa = 0, bb = 0;
    for (int i = 0; i < n; i++) {
        dot += (double)a[i] * b[i];
        aa += (double)a[i] * a[i];
        bb += (double)b[i] * b[i];
    }
    return aa > 0 && bb > 0 ? dot / __builtin_sqrt(aa * bb) : 0;
}

static struct str context_name(const struct ctx *c, struct arena *a,
                               const struct remember_place *place)
{
    return str_fmt(a, "%s %.*s", c->org.text, STR_ARG(place->context));
}

/* Under the lock. */
static struct context *find_context(struct remembered *r, struct str name)
{
    for (int i = 0; i < CONTEXTS_MAX; i++) {
        if (r->contexts[i] && str_eqz(name, r->contexts[i]->name)) {
            r->contexts[i]->used = ++r->tick;
            return r->contexts[i];
        }
    }
    return NULL;
}

static struct context *make_context(struct remembered *r, struct str name)
{
    int oldest = 0;
    for (int i = 0; i < CONTEXTS_MAX; i++) {
        uint64_t used = r->contexts[i] ? r->contexts[i]->used : 0;
        uint64_t least = r->contexts[oldest] ? r->contexts[oldest]->used : 0;
        oldest = used < least ? i : oldest;
    }
    free_context(&r->contexts[oldest]);
    struct context *k = mem_new(sizeof(*k));
    size_t n = name.n < sizeof(k->name) ? name.n : sizeof(k->name) - 1;
    memcpy(k->name, name.p, n);
    k->used = ++r->tick;
    r->contexts[oldest] = k;
    return k;
}

/* The key of the nearest question's answer, copied into out_key. */
static bool find_similar(struct ctx *c, struct models *m, const struct remember_place *place,
                         char out_key[KEY_MAX_BYTES])
{
    struct remembered *r = m->remembered;
    struct str name = context_name(c, c->arena, place);
    uint64_t facts = facts_of(place->question);
    double best = m->config.semantic_threshold;
    bool found = false;
    pthread_mutex_lock(&r->lock);
    const struct context *k = find_context(r, name);
    for (int i = 0; k && i < k->count; i++) {
        const struct question *q = &k->questions[i];
        double similar =
            q->facts == facts ? cosine(q->vector, place->vector, m->config.embed_dimensions) : 0;
        if (similar > best) {
            best = similar;
            found = true;
            memcpy(out_key, q->key, KEY_MAX_BYTES);
        }
    }
    pthread_mutex_unlock(&r->lock);
    return found;
}

static void add_question(struct ctx *c, struct models *m, const struct remember_place *place)
{
    struct remembered *r = m->remembered;
    struct str name = context_name(c, c->arena, place);
    size_t bytes = (size_t)m->config.embed_dimensions * sizeof(float);
    pthread_mutex_lock(&r->lock);
    struct context *k = find_context(r, name);
    k = k ? k : make_context(r, name);
    struct question *q = &k->questions[k->next];
    q->vector = q->vector ? q->vector : mem_new(bytes);
    memcpy(q->vector, place->vector, bytes);
    q->facts = facts_of(place->question);
    snprintf(q->key, sizeof(q->key), "%.*s", STR_ARG(place->key));
    k->next = (k->next + 1) % QUESTIONS_MAX;
    k->count = k->count < QUESTIONS_MAX ? k->count + 1 : k->count;
    pthread_mutex_unlock(&r->lock);
}

/* ---- values ------------------------------------------------------------------------------- */

static struct str encode(struct arena *a, const struct chat_result *r)
{
    const struct json *calls = &json_empty_array;
    for (int i = 0; i < r->call_count; i++) {
        const struct chat_call *k = &r->calls[i];
        calls =
            json_push(a, calls,
                      json_object(a, {"id", json_new_str(a, k->id)},
                                  {"name", json_new_str(a, k->name)}, {"arguments", k->arguments}));
    }
    return json_write(a, json_object(a, {"text", json_new_str(a, r->text)}, {"calls", calls},
                                     {"stop", json_new_int(a, r->stop)}, {"json", r->json},
                                     {"provider", json_new_str(a, r->provider)},
                                     {"model", json_new_str(a, r->model)},
                                     {"cost_microcents", json_new_int(a, r->cost_microcents)}));
}

static bool decode(struct ctx *c, struct str text, struct chat_result *out)
{
    struct json_fault fault;
    const struct json *v = NULL;
    if (json_parse(c->arena, text, &v, &fault) != E_OK) {
        return false;
    }
    const struct json *calls = json_get(v, "calls");
    size_t n = json_count(calls);
    struct chat_call *all = ARENA_ARRAY(c->arena, struct chat_call, n);
    for (size_t i = 0; i < n; i++) {
        const struct json *k = json_at(calls, i);
        const struct json *arguments = json_get(k, "arguments");
        all[i] = (struct chat_call){.id = json_str(k, "id", STR("")),
                                    .name = json_str(k, "name", STR("")),
                                    .arguments = arguments ? arguments : &json_empty_object};
        all[i].arguments_text = json_write(c->arena, all[i].arguments);
    }
    *out = (struct chat_result){.text = json_str(v, "text", STR("")),
                                .calls = all,
                                .call_count = (int)n,
                                .stop = (enum chat_stop)json_int(v, "stop", 0),
                                .json = json_get(v, "json"),
                                .provider = json_str(v, "provider", STR("")),
                                .model = json_str(v, "model", STR("")),
                                .cost_microcents = json_int(v, "cost_microcents", 0)};
    return true;
}

bool remember_get(struct ctx *c, struct models *m, const struct remember_place *place,
                  struct chat_result *out)
{
    struct str value;
    if (!place->usable) {
        return false;
    }
    if (cache_get(c, place->key, &value) && decode(c, value, out)) {
        out->cache = CHAT_CACHE_EXACT;
        return true;
    }
    char key[KEY_MAX_BYTES];
    if (place->vector && find_similar(c, m, place, key) && cache_get(c, str_of(key), &value) &&
        decode(c, value, out) && out->call_count == 0) {
        out->cache = CHAT_CACHE_SEMANTIC;
        return true;
    }
    return false;
}

/* Whole answers only; calls whose arguments were wrong would be wrong again. */
static bool is_worth_keeping(const struct chat_result *r)
{
    for (int i = 0; i < r->call_count; i++) {
        if (r->calls[i].fault != CHAT_CALL_FINE) {
            return false;
        }
    }
    return (r->stop == CHAT_STOP_END || r->stop == CHAT_STOP_TOOLS ||
            r->stop == CHAT_STOP_SEQUENCE) &&
           (r->text.n || r->call_count);
}

void remember_put(struct ctx *c, struct models *m, const struct remember_place *place,
                  const struct chat_result *result)
{
    if (!place->usable || !is_worth_keeping(result)) {
        return;
    }
    struct str value = encode(c->arena, result);
    if (cache_set(c, place->key, value, m->config.cache_ttl_ms) != E_OK) {
        ctx_forgive(c); /* too large or the cache is down: it is only not remembered */
        return;
    }
    if (place->vector && result->call_count == 0) {
        add_question(c, m, place);
    }
}
