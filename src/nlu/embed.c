#include "nlu/embed.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "nlu/feature.h"

enum { SIGNS_PER_FEATURE = 16 };

static const double CHARS_WEIGHT = 0.5; /* n-grams of characters against whole words */

/* splitmix64: the fixed random signs of a feature. */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static void add_feature(const struct feature *f, float *vector)
{
    double weight = 1 + log((double)f->count);
    weight *= feature_group(f->hash) == FEATURE_CHARS ? CHARS_WEIGHT : 1;
    uint64_t state = f->hash;
    for (int i = 0; i < SIGNS_PER_FEATURE; i++) {
        uint64_t r = next_random(&state);
        vector[(r >> 1) % EMBED_DIMENSIONS] += (float)(r & 1 ? weight : -weight);
    }
}

/* Words, neighbours and the longest character n-grams of each word, all without function words:
 * those are in every text. */
static void mark_used(const struct feature_list *list, bool *used)
{
    bool plain_before = true;
    for (size_t w = 0; w < list->word_count; w++) {
        const struct feature_word *word = &list->words[w];
        if (!word->plain) {
            used[word->item] = true;
            used[word->joined] = !plain_before;
            for (size_t i = word->first; i < word->first + word->count; i++) {
                used[list->chars[i]] = true;
            }
        }
        plain_before = word->plain;
    }
}

void embed_text(struct str text, float *out_vector)
{
    struct feature_list list;
    double square = 0;
    memset(out_vector, 0, EMBED_DIMENSIONS * sizeof(*out_vector));
    feature_extract(text, EMBED_TEXT_MAX_BYTES, false, &list);
    bool *used = mem_new(list.count + 1);
    mark_used(&list, used);
    for (size_t i = 0; i < list.count; i++) {
        if (used[i]) {
            add_feature(&list.items[i], out_vector);
        }
    }
    free(used);
    feature_free(&list);
    for (int i = 0; i < EMBED_DIMENSIONS; i++) {
        square += (double)out_vector[i] * (double)out_vector[i];
    }
    for (int i = 0; i < EMBED_DIMENSIONS && square > 0; i++) {
        out_vector[i] = (float)((double)out_vector[i] / sqrt(square));
    }
}

enum err embed_texts(struct ctx *c, void *arg, const struct str *texts, size_t n, bool query,
                     float *out_vectors)
{
    (void)c;
    (void)arg;
    (void)query;
    for (size_t i = 0; i < n; i++) {
        embed_text(texts[i], out_vectors + i * EMBED_DIMENSIONS);
    }
    return E_OK;
}

double embed_cosine(const float *a, const float *b, int dimensions)
{
    double dot = 0;
    for (int i = 0; i < dimensions; i++) {
        dot += (double)a[i] * (double)b[i];
    }
    return dot > 1 ? 1 : dot < -1 ? -1 : dot;
}

void embed_pack(const float *vector, int dimensions, uint8_t *out_packed)
{
    float most = 0;
    for (int i = 0; i < dimensions; i++) {
        most = fmaxf(most, fabsf(vector[i]));
    }
    float scale = most / 127;
    uint32_t bits;
    memcpy(&bits, &scale, sizeof(bits));
    for (int i = 0; i < 4; i++) {
        out_packed[i] = (uint8_t)(bits >> 8 * i);
    }
    for (int i = 0; i < dimensions; i++) {
        out_packed[4 + i] = (uint8_t)(int8_t)(scale > 0 ? lrintf(vector[i] / scale) : 0);
    }
}

void embed_unpack(const uint8_t *packed, int dimensions, float *out_vector)
{
    uint32_t bits = 0;
    for (int i = 0; i < 4; i++) {
        bits |= (uint32_t)packed[i] << 8 * i;
    }
    float scale;
    memcpy(&scale, &bits, sizeof(scale));
    for (int i = 0; i < dimensions; i++) {
        out_vector[i] = (float)(int8_t)packed[4 + i] * scale;
    }
}
