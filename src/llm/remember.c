#include "llm/remember.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "codec/text.h"
#include "llm/fingerprint.h"
#include "store/cache.h"

enum {
    QUESTIONS_MAX = 10000, /* of all orgs; the oldest go */
    QUESTIONS_FIRST = 64,
    KEY_MAX_BYTES = 160,
    QUESTION_MAX_BYTES = 2000,
    LANE = 64,      /* numbers of a vector that are looked at together */
    HEAD_LANES = 2, /* after so many it is mostly clear that a vector is another */
    MISSES_MAX = 8  /* similar questions whose answers are gone */
};

/* A question asked before: what it must share with one that means the same, and where the answer
 * lies in the cache (which forgets by itself). */
struct question {
    char context[ID_TEXT_BYTES + KEY_MAX_BYTES];
    char key[KEY_MAX_BYTES];
    uint64_t facts;
    float scale; /* of its vector */
    float rest;  /* length of what follows the head lanes */
};

/* Tags and vectors lie apart: a search goes through all of them. A tag is a hash of context and
 * facts, 0 for none. Vectors are signed bytes times a scale, good to less than half a percent. */
struct remembered {
    const struct models_config *config;
    pthread_rwlock_t lock; /* all below */
    int room, count, next;
    size_t stride_bytes;
    uint64_t *tags;
    int8_t *vectors;
    struct question *questions;
};

struct remembered *remember_new(const struct models_config *config)
{
    struct remembered *r = mem_new(sizeof(*r));
    r->config = config;
    r->stride_bytes = ((size_t)config->embed_dimensions + LANE - 1) / LANE * LANE;
    pthread_rwlock_init(&r->lock, NULL);
    return r;
}

void remember_free(struct remembered **r)
{
    if (*r) {
        free((*r)->tags);
        free((*r)->vectors);
        free((*r)->questions);
        pthread_rwlock_destroy(&(*r)->lock);
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

/* A vector as bytes of its largest number's 127th part. */
struct packed {
    int8_t bytes[MODELS_EMBEDDING_MAX];
    float scale, rest;
};

static void pack(const float *vector, int n, struct packed *out)
{
    float most = 0, length = 0, rest = 0;
    memset(out, 0, sizeof(*out));
    for (int i = 0; i < n; i++) {
        float v = vector[i] < 0 ? -vector[i] : vector[i];
        most = v > most ? v : most;
        length += v * v;
        rest += i >= HEAD_LANES * LANE ? v * v : 0;
    }
    if (most <= 0) {
        return;
    }
    length = __builtin_sqrtf(length);
    out->scale = most / 127 / length;
    out->rest = __builtin_sqrtf(rest) / length;
    for (int i = 0; i < n; i++) {
        out->bytes[i] = (int8_t)__builtin_lrintf(vector[i] * 127 / most);
    }
}

static inline __attribute__((always_inline)) int32_t dot_lanes(const int8_t *a, const int8_t *b,
                                                               size_t lanes)
{
    int32_t sum = 0;
    for (size_t k = 0; k < lanes; k++) {
        for (int i = 0; i < LANE; i++) {
            sum += a[k * LANE + (size_t)i] * b[k * LANE + (size_t)i];
        }
    }
    return sum;
}

/* The nearest of those with the tag whose likeness is above `least`; -1: none. What is left of two
 * vectors after the head adds at most the product of its lengths. */
static inline __attribute__((always_inline)) int
nearest_of(const struct remembered *r, uint64_t tag, const struct packed *v, float least)
{
    size_t lanes = r->stride_bytes / LANE, head = lanes < HEAD_LANES ? lanes : HEAD_LANES;
    int best = -1;
    for (int i = 0; i < r->count; i++) {
        if (r->tags[i] != tag) {
            continue;
        }
        const struct question *q = &r->questions[i];
        const int8_t *other = r->vectors + (size_t)i * r->stride_bytes;
        float scale = v->scale * q->scale;
        int32_t dot = dot_lanes(v->bytes, other, head);
        if ((float)dot * scale + v->rest * q->rest <= least) {
            continue;
        }
        dot += dot_lanes(v->bytes + head * LANE, other + head * LANE, lanes - head);
        if ((float)dot * scale > least) {
            least = (float)dot * scale;
            best = i;
        }
    }
    return best;
}

#ifdef __x86_64__
__attribute__((target("avx2"))) static int nearest_avx2(const struct remembered *r, uint64_t tag,
                                                        const struct packed *v, float least)
{
    return nearest_of(r, tag, v, least);
}
#endif

static int nearest(const struct remembered *r, uint64_t tag, const struct packed *v, float least)
{
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx2")) {
        return nearest_avx2(r, tag, v, least);
    }
#endif
    return nearest_of(r, tag, v, least);
}

static struct str context_name(const struct ctx *c, struct arena *a,
                               const struct remember_place *place)
{
    return joined(a, id_str(&c->org), place->context);
}

static uint64_t tag_of(struct str context, uint64_t facts)
{
    uint64_t tag = str_hash(context) ^ (facts * 0x9e3779b97f4a7c15u);
    return tag ? tag : 1;
}

/* The key of the nearest question's answer, copied into out_key; its number, or -1. */
static int find_similar(struct ctx *c, struct models *m, const struct remember_place *place,
                        char out_key[KEY_MAX_BYTES])
{
    struct remembered *r = m->remembered;
    struct str name = context_name(c, c->arena, place);
    uint64_t facts = facts_of(place->question);
    struct packed v;
    pack(place->vector, m->config.embed_dimensions, &v);
    pthread_rwlock_rdlock(&r->lock);
    int i = nearest(r, tag_of(name, facts), &v, (float)m->config.semantic_threshold);
    const struct question *q = i >= 0 ? &r->questions[i] : NULL;
    if (q && (q->facts != facts || !str_eqz(name, q->context))) {
        i = -1; /* two tags met: rare, and then nothing is known */
    } else if (q) {
        memcpy(out_key, q->key, KEY_MAX_BYTES);
    }
    pthread_rwlock_unlock(&r->lock);
    return i;
}

/* Its answer is gone. */
static void forget_question(struct models *m, int i, const char *key)
{
    struct remembered *r = m->remembered;
    pthread_rwlock_wrlock(&r->lock);
    if (strcmp(r->questions[i].key, key) == 0) {
        r->tags[i] = 0;
    }
    pthread_rwlock_unlock(&r->lock);
}

/* Locked for writing. */
static void make_room(struct remembered *r)
{
    if (r->count < r->room || r->room == QUESTIONS_MAX) {
        return;
    }
    int room = r->room ? 2 * r->room : QUESTIONS_FIRST;
    r->room = room < QUESTIONS_MAX ? room : QUESTIONS_MAX;
    r->tags = mem_grow(r->tags, (size_t)r->room * sizeof(*r->tags));
    r->vectors = mem_grow(r->vectors, (size_t)r->room * r->stride_bytes);
    r->questions = mem_grow(r->questions, (size_t)r->room * sizeof(*r->questions));
}

static void add_question(struct ctx *c, struct models *m, const struct remember_place *place)
{
    struct remembered *r = m->remembered;
    struct str name = context_name(c, c->arena, place);
    struct packed v;
    pack(place->vector, m->config.embed_dimensions, &v);
    if (name.n >= sizeof(r->questions->context) || place->key.n >= KEY_MAX_BYTES) {
        return;
    }
    pthread_rwlock_wrlock(&r->lock);
    make_room(r);
    int i = r->next;
    struct question *q = &r->questions[i];
    *q = (struct question){.facts = facts_of(place->question), .scale = v.scale, .rest = v.rest};
    memcpy(q->context, name.p, name.n);
    memcpy(q->key, place->key.p, place->key.n);
    memcpy(r->vectors + (size_t)i * r->stride_bytes, v.bytes, r->stride_bytes);
    r->tags[i] = tag_of(name, q->facts);
    r->next = (i + 1) % QUESTIONS_MAX;
    r->count = r->count < QUESTIONS_MAX ? r->count + 1 : r->count;
    pthread_rwlock_unlock(&r->lock);
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
    for (int i, misses = 0; place->vector && misses < MISSES_MAX; misses++) {
        i = find_similar(c, m, place, key);
        if (i < 0) {
            break;
        }
        if (cache_get(c, str_of(key), &value) && decode(c, value, out) && out->call_count == 0) {
            out->cache = CHAT_CACHE_SEMANTIC;
            return true;
        }
        forget_question(m, i, key);
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
