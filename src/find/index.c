#include "find/index.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "codec/text.h"
#include "find/term.h"
#include "find/vector.h"

/* Unrelated texts are this near by chance: vectors of a few hundred dimensions are never quite
 * perpendicular. */
static const float NEAR_MIN = 0.12F;

enum { SCRATCH_MAX_BYTES = 64 << 20, TERMS_MAX = 4000000, QUERY_TERMS_SEEN_MAX = 512 };

/* Measured on three judged collections: duplicates of issues, support articles, FAQ and reviews. */
static const double K1_DEFAULT = 2, B_DEFAULT = 1;
static const double TITLE_BOOST_DEFAULT = 4, HEADING_BOOST_DEFAULT = 20;

struct posting {
    uint32_t passage;
    float weight; /* how often, title and heading boosted */
};

struct term_row {
    struct posting *postings; /* by passage */
    uint32_t count, size;
};

struct passage {
    struct id document;
    uint32_t ordinal;
    float length; /* weighted words */
    float scale;  /* of its vector; 0: none */
    bool gone;
};

struct index {
    struct index_options o;
    struct map *terms;     /* term -> struct term_row */
    struct map *documents; /* id -> anything: the documents with passages */
    struct passage *passages;
    int8_t *vectors;
    size_t count, size, gone;
    double total_length;
    size_t posting_bytes;
};

struct index *index_new(const struct index_options *options)
{
    struct index *ix = mem_new(sizeof(*ix));
    ix->o = options ? *options : (struct index_options){0};
    ix->o.k1 = ix->o.k1 > 0 ? ix->o.k1 : K1_DEFAULT;
    ix->o.b = ix->o.b > 0 ? ix->o.b : B_DEFAULT;
    ix->o.title_boost = ix->o.title_boost > 0 ? ix->o.title_boost : TITLE_BOOST_DEFAULT;
    ix->o.heading_boost = ix->o.heading_boost > 0 ? ix->o.heading_boost : HEADING_BOOST_DEFAULT;
    ix->o.dimensions =
        ix->o.dimensions > INDEX_DIMENSIONS_MAX ? INDEX_DIMENSIONS_MAX : ix->o.dimensions;
    ix->terms = map_new(TERMS_MAX);
    ix->documents = map_new(INDEX_PASSAGES_MAX);
    return ix;
}

void index_free(struct index **ix)
{
    if (!*ix) {
        return;
    }
    size_t cursor = 0;
    struct str key;
    void *value;
    while (map_next((*ix)->terms, &cursor, &key, &value)) {
        struct term_row *t = value;
        free(t->postings);
        free(t);
    }
    map_free(&(*ix)->terms);
    map_free(&(*ix)->documents);
    free((*ix)->passages);
    free((*ix)->vectors);
    free(*ix);
    *ix = NULL;
}

/* ---- adding -------------------------------------------------------------- */

static struct term_row *term_row(struct index *ix, struct str term)
{
    struct term_row *t = map_get(ix->terms, term);
    if (!t) {
        t = mem_new(sizeof(*t));
        if (!map_set(ix->terms, term, t)) {
            free(t);
            return NULL;
        }
    }
    return t;
}

static void add_posting(struct index *ix, struct term_row *t, uint32_t passage, float weight)
{
    if (t->count && t->postings[t->count - 1].passage == passage) {
        t->postings[t->count - 1].weight += weight;
        return;
    }
    if (t->count == t->size) {
        uint32_t size = t->size ? t->size * 2 : 2;
        t->postings = mem_grow(t->postings, size * sizeof(*t->postings));
        ix->posting_bytes += (size - t->size) * sizeof(*t->postings);
        t->size = size;
    }
    t->postings[t->count++] = (struct posting){passage, weight};
}

static float add_text(struct index *ix, struct arena *scratch, struct str text, uint32_t passage,
                      double boost)
{
    struct str plain = text_plain(scratch, text), term;
    char bytes[TERM_MAX_BYTES];
    size_t cursor = 0, words = 0;
    while (term_next(plain, &cursor, bytes, &term)) {
        struct term_row *t = term_row(ix, term);
        if (t) {
            add_posting(ix, t, passage, (float)boost);
        }
        words++;
    }
    return (float)((double)words * boost);
}

static void make_room(struct index *ix)
{
    if (ix->count < ix->size) {
        return;
    }
    ix->size = ix->size ? ix->size * 2 : 64;
    ix->passages = mem_grow(ix->passages, ix->size * sizeof(*ix->passages));
    if (ix->o.dimensions) {
        ix->vectors = mem_grow(ix->vectors, ix->size * (size_t)ix->o.dimensions);
    }
}

bool index_add(struct index *ix, const struct index_passage *p)
{
    if (ix->count >= INDEX_PASSAGES_MAX) {
        return false;
    }
    make_room(ix);
    uint32_t slot = (uint32_t)ix->count;
    struct arena *scratch = arena_new(SCRATCH_MAX_BYTES);
    struct passage *row = &ix->passages[slot];
    *row = (struct passage){.document = p->document, .ordinal = p->ordinal};
    row->length = add_text(ix, scratch, p->text, slot, 1);
    row->length += add_text(ix, scratch, p->title, slot, ix->o.title_boost);
    row->length += add_text(ix, scratch, p->heading, slot, ix->o.heading_boost);
    arena_free(&scratch);
    if (ix->o.dimensions) {
        int8_t *at = ix->vectors + (size_t)slot * (size_t)ix->o.dimensions;
        if (p->vector) {
            row->scale = vector_pack(p->vector, ix->o.dimensions, at);
        } else {
            memset(at, 0, (size_t)ix->o.dimensions);
        }
    }
    ix->total_length += (double)row->length;
    ix->count++;
    map_set(ix->documents, id_str(&p->document), ix);
    return true;
}

/* ---- removing: passages are marked, and the postings rewritten when a good part is gone --- */

static void compact_postings(struct index *ix, const uint32_t *moved)
{
    size_t cursor = 0;
    struct str key;
    void *value;
    while (map_next(ix->terms, &cursor, &key, &value)) {
        struct term_row *t = value;
        uint32_t kept = 0;
        for (uint32_t i = 0; i < t->count; i++) {
            uint32_t to = moved[t->postings[i].passage];
            if (to != UINT32_MAX) {
                t->postings[kept++] = (struct posting){to, t->postings[i].weight};
            }
        }
        t->count = kept;
    }
}

static void compact(struct index *ix)
{
    uint32_t *moved = mem_new((ix->count + 1) * sizeof(*moved));
    size_t kept = 0, d = (size_t)ix->o.dimensions;
    for (size_t i = 0; i < ix->count; i++) {
        moved[i] = ix->passages[i].gone ? UINT32_MAX : (uint32_t)kept;
        if (!ix->passages[i].gone) {
            ix->passages[kept] = ix->passages[i];
            if (d && kept != i) {
                memcpy(ix->vectors + kept * d, ix->vectors + i * d, d);
            }
            kept++;
        }
    }
    compact_postings(ix, moved);
    free(moved);
    ix->count = kept;
    ix->gone = 0;
}

size_t index_remove(struct index *ix, const struct id *document)
{
    size_t removed = 0;
    if (!map_remove(ix->documents, id_str(document))) {
        return 0; /* the usual case while an index is built */
    }
    for (size_t i = 0; i < ix->count; i++) {
        struct passage *p = &ix->passages[i];
        if (!p->gone && id_eq(&p->document, document)) {
            p->gone = true;
            ix->total_length -= (double)p->length;
            removed++;
        }
    }
    ix->gone += removed;
    if (ix->gone * 8 > ix->count) {
        compact(ix);
    }
    return removed;
}

/* ---- the best k ---------------------------------------------------------- */

struct best {
    const struct index *ix;
    struct index_hit *hits; /* a heap, the worst on top */
    size_t n, k;
};

static int order(const struct index *ix, const struct index_hit *a, const struct index_hit *b)
{
    if (a->score != b->score) {
        return a->score > b->score ? -1 : 1;
    }
    const struct passage *p = &ix->passages[a->passage], *q = &ix->passages[b->passage];
    int by_document = memcmp(p->document.text, q->document.text, ID_TEXT_BYTES);
    return by_document ? by_document : p->ordinal < q->ordinal ? -1 : p->ordinal > q->ordinal;
}

static void sink(struct best *b, size_t at)
{
    for (;;) {
        size_t worst = at, left = 2 * at + 1, right = left + 1;
        if (left < b->n && order(b->ix, &b->hits[left], &b->hits[worst]) > 0) {
            worst = left;
        }
        if (right < b->n && order(b->ix, &b->hits[right], &b->hits[worst]) > 0) {
            worst = right;
        }
        if (worst == at) {
            return;
        }
        struct index_hit swap = b->hits[at];
        b->hits[at] = b->hits[worst];
        b->hits[worst] = swap;
        at = worst;
    }
}

static void offer(struct best *b, uint32_t passage, float score)
{
    struct index_hit hit = {passage, score};
    if (b->n < b->k) {
        b->hits[b->n++] = hit;
        for (size_t i = b->n == b->k ? b->n / 2 : 0; i-- > 0;) {
            sink(b, i);
        }
        return;
    }
    if (order(b->ix, &hit, &b->hits[0]) < 0) {
        b->hits[0] = hit;
        sink(b, 0);
    }
}

/* Sorts what was collected, best first, by taking the worst off the heap again and again. */
static size_t settle(struct best *b)
{
    size_t n = b->n;
    if (n < b->k) {
        for (size_t i = n / 2; i-- > 0;) {
            sink(b, i);
        }
    }
    while (b->n > 1) {
        struct index_hit worst = b->hits[0];
        b->hits[0] = b->hits[--b->n];
        sink(b, 0);
        b->hits[b->n] = worst;
    }
    return n;
}

/* ---- words --------------------------------------------------------------- */

struct query_term {
    const struct term_row *row; /* NULL: no passage has it */
    double idf;
    double said; /* how often the query says it */
};

static double idf_of(const struct index *ix, size_t having)
{
    double n = (double)(ix->count - ix->gone);
    double idf = log(1 + (n - (double)having + 0.5) / ((double)having + 0.5));
    return idf > 0.01 ? idf
                      : 0.01; /* postings of removed passages count until they are compacted */
}

/* A long query says what it is about more than once. */
static double weight_of(const struct query_term *t)
{
    return t->idf * sqrt(t->said);
}

static int weightiest_first(const void *a, const void *b)
{
    const struct query_term *p = a, *q = b;
    double x = p->idf * p->said, y = q->idf * q->said;
    return x > y ? -1 : x < y;
}

/* The query's different terms in the order in which they are said. Stop words count only when there
 * is nothing else. */
static size_t read_terms(const struct index *ix, struct arena *scratch, struct str query,
                         struct query_term *out, size_t max)
{
    struct str plain = text_plain(scratch, text_cut_bytes(query, INDEX_QUERY_MAX_BYTES)), term;
    struct map *seen = map_new(max);
    char bytes[TERM_MAX_BYTES];
    size_t n = 0;
    for (int pass = 0; pass < 2 && n == 0; pass++) {
        size_t cursor = 0;
        while (n < max && term_next(plain, &cursor, bytes, &term)) {
            struct query_term *known = map_get(seen, term);
            if (term_is_stop(term) == (pass == 0)) {
                continue;
            }
            if (known) {
                known->said++;
                continue;
            }
            const struct term_row *row = map_get(ix->terms, term);
            out[n] = (struct query_term){row, idf_of(ix, row ? row->count : 0), 1};
            map_set(seen, term, &out[n++]);
        }
    }
    map_free(&seen);
    return n;
}

static size_t query_terms(const struct index *ix, struct str query, struct query_term *out,
                          size_t max)
{
    struct arena *scratch = arena_new(SCRATCH_MAX_BYTES);
    size_t n = read_terms(ix, scratch, query, out, max);
    arena_free(&scratch);
    qsort(out, n, sizeof(*out), weightiest_first);
    return n;
}

/* Terms that no passage has take no place among those that are looked up. */
static size_t keep_found(struct query_term *terms, size_t n)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        if (terms[i].row) {
            terms[kept++] = terms[i];
        }
    }
    return kept < INDEX_QUERY_TERMS_MAX ? kept : INDEX_QUERY_TERMS_MAX;
}

static void score_term(const struct index *ix, const struct query_term *t, double average,
                       float *scores)
{
    double k1 = ix->o.k1, b = ix->o.b, weight = weight_of(t);
    for (uint32_t i = 0; i < t->row->count; i++) {
        const struct posting *p = &t->row->postings[i];
        double norm = k1 * (1 - b + b * (double)ix->passages[p->passage].length / average);
        scores[p->passage] += (float)(weight * (double)p->weight / ((double)p->weight + norm));
    }
}

size_t index_search(const struct index *ix, struct str query, size_t k, const struct id *skip,
                    struct index_hit *out_hits)
{
    struct query_term terms[QUERY_TERMS_SEEN_MAX];
    struct best best = {ix, out_hits, 0, k < INDEX_HITS_MAX ? k : INDEX_HITS_MAX};
    if (ix->count == ix->gone || best.k == 0) {
        return 0;
    }
    size_t n = query_terms(ix, query, terms, QUERY_TERMS_SEEN_MAX);
    double perfect = 0, average = ix->total_length / (double)(ix->count - ix->gone);
    for (size_t i = 0; i < n && i < INDEX_QUERY_TERMS_MAX; i++) {
        perfect += weight_of(&terms[i]);
    }
    n = keep_found(terms, n);
    float *scores = mem_new(ix->count * sizeof(*scores));
    for (size_t i = 0; i < n; i++) {
        score_term(ix, &terms[i], average > 0 ? average : 1, scores);
    }
    for (size_t i = 0; i < ix->count; i++) {
        const struct passage *p = &ix->passages[i];
        if (scores[i] > 0 && !p->gone && !(skip && id_eq(skip, &p->document))) {
            offer(&best, (uint32_t)i, (float)((double)scores[i] / perfect));
        }
    }
    free(scores);
    return settle(&best);
}

double index_weight(const struct index *ix, struct str term)
{
    const struct term_row *row = map_get(ix->terms, term);
    return idf_of(ix, row ? row->count : 0);
}

double index_coverage(const struct index *ix, struct str query, uint32_t passage)
{
    struct query_term terms[INDEX_QUERY_TERMS_MAX];
    size_t n = query_terms(ix, query, terms, INDEX_QUERY_TERMS_MAX);
    double all = 0, had = 0;
    for (size_t i = 0; i < n; i++) {
        all += weight_of(&terms[i]);
        const struct term_row *t = terms[i].row;
        uint32_t low = 0, high = t ? t->count : 0;
        while (low < high) {
            uint32_t mid = low + (high - low) / 2;
            if (t->postings[mid].passage < passage) {
                low = mid + 1;
            } else {
                high = mid;
            }
        }
        had +=
            t && low < t->count && t->postings[low].passage == passage ? weight_of(&terms[i]) : 0;
    }
    return all > 0 ? had / all : 0;
}

/* ---- vectors ------------------------------------------------------------- */

size_t index_nearest(const struct index *ix, const float *vector, size_t k, const struct id *skip,
                     struct index_hit *out_hits)
{
    int d = ix->o.dimensions;
    struct best best = {ix, out_hits, 0, k < INDEX_HITS_MAX ? k : INDEX_HITS_MAX};
    if (!d || best.k == 0) {
        return 0;
    }
    int8_t *query = mem_new((size_t)d);
    float scale = vector_pack(vector, d, query);
    for (size_t i = 0; i < ix->count && scale > 0; i++) {
        const struct passage *p = &ix->passages[i];
        if (p->gone || p->scale <= 0 || (skip && id_eq(skip, &p->document))) {
            continue;
        }
        float dot = (float)vector_dot(query, ix->vectors + i * (size_t)d, d) * scale * p->scale;
        if (dot > NEAR_MIN) {
            offer(&best, (uint32_t)i, dot);
        }
    }
    free(query);
    return settle(&best);
}

double index_similarity(const struct index *ix, const float *vector, uint32_t passage)
{
    int d = ix->o.dimensions;
    const struct passage *p = &ix->passages[passage];
    if (!d || p->scale <= 0) {
        return 0;
    }
    int8_t *query = mem_new((size_t)d);
    float scale = vector_pack(vector, d, query);
    double dot = (double)vector_dot(query, ix->vectors + (size_t)passage * (size_t)d, d) *
                 (double)scale * (double)p->scale;
    free(query);
    return dot > 1 ? 1 : dot < 0 ? 0 : dot;
}

bool index_vector(const struct index *ix, uint32_t passage, float *out_vector)
{
    const struct passage *p = &ix->passages[passage];
    for (int i = 0; i < ix->o.dimensions && p->scale > 0; i++) {
        out_vector[i] =
            (float)ix->vectors[(size_t)passage * (size_t)ix->o.dimensions + (size_t)i] * p->scale;
    }
    return ix->o.dimensions > 0 && p->scale > 0;
}

/* ---- facts --------------------------------------------------------------- */

const struct id *index_document(const struct index *ix, uint32_t passage)
{
    return &ix->passages[passage].document;
}

uint32_t index_ordinal(const struct index *ix, uint32_t passage)
{
    return ix->passages[passage].ordinal;
}

size_t index_count(const struct index *ix)
{
    return ix->count - ix->gone;
}

size_t index_memory_bytes(const struct index *ix)
{
    size_t row = sizeof(struct passage) + (size_t)ix->o.dimensions;
    return ix->size * row + ix->posting_bytes +
           map_count(ix->terms) * (sizeof(struct term_row) + 64) + map_count(ix->documents) * 128;
}
