#include "find/situation.h"

#include <stdlib.h>

#include "codec/text.h"
#include "find/fuse.h"
#include "find/sentence.h"

enum { PART_DEPTH = 50, ALIKE_DEPTH = 30, SCRATCH_MAX_BYTES = 64 << 20 };

/* Measured on situations of bank customers, each of which takes ten articles. */
static const double PARTS_WEIGHT = 0.4, ALIKE_WEIGHT = 0.3;

/* Hits of several searches. */
struct pool {
    struct index_hit *hits;
    size_t n, size;
};

static void pour(struct pool *p, const struct index_hit *hits, size_t n, float share)
{
    for (size_t i = 0; i < n && p->n < p->size; i++) {
        p->hits[p->n++] = (struct index_hit){hits[i].passage, share * hits[i].score};
    }
}

static int by_passage(const void *a, const void *b)
{
    const struct index_hit *x = a, *y = b;
    return x->passage < y->passage ? -1 : x->passage > y->passage;
}

static int by_score(const void *a, const void *b)
{
    const struct index_hit *x = a, *y = b;
    return x->score != y->score ? (x->score > y->score ? -1 : 1) : by_passage(a, b);
}

/* Each passage once: what several parts ask for counts more. */
static void settle(struct pool *p)
{
    size_t kept = 0;
    qsort(p->hits, p->n, sizeof(*p->hits), by_passage);
    for (size_t i = 0; i < p->n; i++) {
        if (kept && p->hits[kept - 1].passage == p->hits[i].passage) {
            p->hits[kept - 1].score += p->hits[i].score;
        } else {
            p->hits[kept++] = p->hits[i];
        }
    }
    p->n = kept;
    qsort(p->hits, p->n, sizeof(*p->hits), by_score);
}

/* Sentences, short ones together with what follows them. */
static size_t split_parts(struct arena *a, struct str text, struct str *out)
{
    size_t count, n = 0, from = 0;
    const struct sentence *s = sentence_split(a, text, &count);
    for (size_t i = 0; i < count && n < SITUATION_PARTS_MAX; i++) {
        struct str part = str_sub(text, s[from].start, s[i].end - s[from].start);
        if (text_count_words(part, SIZE_MAX) >= SITUATION_PART_WORDS_MIN || i + 1 == count) {
            out[n++] = part;
            from = i + 1;
        }
    }
    return n;
}

static void ask_parts(const struct index *ix, const struct situation *s, struct pool *pool)
{
    struct arena *scratch = arena_new(SCRATCH_MAX_BYTES);
    struct str parts[SITUATION_PARTS_MAX];
    struct index_hit hits[PART_DEPTH];
    size_t n = split_parts(scratch, s->text, parts);
    for (size_t i = 0; i < n && n > 1; i++) {
        size_t found = index_search(ix, parts[i], PART_DEPTH, s->skip, hits);
        pour(pool, hits, found,
             found ? hits[0].score : 0); /* a part that finds little says little */
    }
    arena_free(&scratch);
    settle(pool);
}

/* Articles of one family are told in nearly the same words. */
static void ask_alike(const struct index *ix, const struct situation *s,
                      const struct index_hit *found, size_t n, struct pool *pool)
{
    float vector[INDEX_DIMENSIONS_MAX];
    struct index_hit hits[ALIKE_DEPTH];
    for (size_t i = 0; i < n && i < SITUATION_SEEDS && s->vector; i++) {
        if (index_vector(ix, found[i].passage, vector)) {
            size_t near = index_nearest(ix, vector, ALIKE_DEPTH, s->skip, hits);
            pour(pool, hits, near, near ? found[i].score / found[0].score / hits[0].score : 0);
        }
    }
    settle(pool);
}

size_t situation_search(const struct index *ix, const struct situation *s, size_t max,
                        struct index_hit *out_hits)
{
    struct index_hit words[FUSE_DEPTH], near[FUSE_DEPTH], whole[2 * FUSE_DEPTH];
    struct index_hit parts[SITUATION_PARTS_MAX * PART_DEPTH], alike[SITUATION_SEEDS * ALIKE_DEPTH];
    struct pool of_parts = {parts, 0, SITUATION_PARTS_MAX * PART_DEPTH};
    struct pool of_alike = {alike, 0, SITUATION_SEEDS * ALIKE_DEPTH};
    struct fuse_query both = {.words = words, .vectors = near, .depth = FUSE_DEPTH};
    both.n_words = index_search(ix, s->text, FUSE_DEPTH, s->skip, words);
    both.n_vectors = s->vector ? index_nearest(ix, s->vector, FUSE_DEPTH, s->skip, near) : 0;
    size_t n = fuse_query(&both, 2 * FUSE_DEPTH, whole);
    ask_parts(ix, s, &of_parts);
    ask_alike(ix, s, whole, n, &of_alike);
    struct fuse_list lists[] = {
        {whole, n, 1, 0},
        {of_parts.hits, of_parts.n, PARTS_WEIGHT, 0},
        {of_alike.hits, of_alike.n, ALIKE_WEIGHT, 0},
    };
    return fuse_lists(lists, 3, 0, max, out_hits);
}
