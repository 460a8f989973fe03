#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "codec/text.h"
#include "find/index_table.h"
#include "find/term.h"
#include "find/vector.h"

/* Unrelated texts are this near by chance: vectors of a few hundred dimensions are never quite
 * perpendicular. */
static const float NEAR_MIN = 0.12F;

enum {
    SCRATCH_MAX_BYTES = 64 << 20,
    QUERY_TERMS_SEEN_MAX = 512,
    PRUNED_FROM = 30000,        /* passages; below, every list is read */
    PRUNED_POSTINGS_MIN = 1000, /* of rare words; with less, every list is read */
    COMMON_PART = 32,           /* a common word stands in more than this part of the passages */
    LEADERS_MAX = 400,
    EXACT_MAX = 32768, /* vectors; above, only a short list by their signs is compared exactly */
    SHORT_LIST = 1000,
    AHEAD = 6
};

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

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
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

/* What a posting adds: weight * tf / (tf + flat + slope * length). */
struct scoring {
    float weight, flat, slope;
};

static struct scoring scoring_of(const struct index *ix, const struct query_term *t)
{
    double average = ix->total_length / (double)(ix->count - ix->gone);
    return (struct scoring){(float)weight_of(t), (float)(ix->o.k1 * (1 - ix->o.b)),
                            (float)(ix->o.k1 * ix->o.b / (average > 0 ? average : 1))};
}

static float score_of(struct scoring s, const struct posting *p, const float *lengths)
{
    return s.weight * p->weight / (p->weight + s.flat + s.slope * lengths[p->passage]);
}

static void score_term(const struct index *ix, const struct query_term *t, float *scores)
{
    struct scoring s = scoring_of(ix, t);
    for (uint32_t i = 0; i < t->row->count; i++) {
        scores[t->row->postings[i].passage] += score_of(s, &t->row->postings[i], ix->lengths);
    }
}

/* The term's posting for a passage, looked for from *at on; *at moves there. */
static const struct posting *posting_of(const struct term_row *row, uint32_t passage, uint32_t *at)
{
    uint32_t step = 1, low = *at, high = low;
    while (high < row->count && row->postings[high].passage < passage) {
        low = high + 1;
        high += step;
        step *= 2;
    }
    high = high < row->count ? high : row->count;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (row->postings[mid].passage < passage) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    *at = low;
    return low < row->count && row->postings[low].passage == passage ? &row->postings[low] : NULL;
}

/* The passages with the best scores so far, in their own order. Returns how many. */
static size_t leaders(const struct index *ix, const float *scores, uint32_t *out, size_t max)
{
    struct index_hit hits[LEADERS_MAX];
    struct best best = {ix, hits, 0, max};
    float least = 0;
    for (size_t i = 0; i < ix->count; i++) {
        if (scores[i] > least) {
            offer(&best, (uint32_t)i, scores[i]);
            least = best.n == max ? hits[0].score : 0;
        }
    }
    for (size_t i = 0; i < best.n; i++) {
        out[i] = hits[i].passage;
    }
    qsort(out, best.n, sizeof(*out), by_number);
    return best.n;
}

/* Scores of all passages, and which of them may be hits. */
struct tally {
    float *scores;
    uint32_t found[LEADERS_MAX];
    size_t count; /* of found; SIZE_MAX: any passage may be a hit */
};

/* In a large index the words that stand in many passages only decide between those which the rarer
 * words have found: their lists are long, and they tell little. */
static void score_common(const struct index *ix, const struct query_term *terms, size_t n,
                         struct tally *tally)
{
    for (size_t t = 0; t < n; t++) {
        struct scoring s = scoring_of(ix, &terms[t]);
        uint32_t at = 0;
        for (size_t i = 0; i < tally->count; i++) {
            const struct posting *p = posting_of(terms[t].row, tally->found[i], &at);
            tally->scores[tally->found[i]] += p ? score_of(s, p, ix->lengths) : 0;
        }
    }
}

static void score_all(const struct index *ix, struct query_term *terms, size_t n, size_t k,
                      struct tally *out)
{
    size_t rare = 0, postings = 0, most = (ix->count - ix->gone) / COMMON_PART;
    for (size_t i = 0; i < n; i++) { /* rare ones to the front */
        if (terms[i].row->count <= most) {
            struct query_term swap = terms[rare];
            postings += terms[i].row->count;
            terms[rare++] = terms[i];
            terms[i] = swap;
        }
    }
    bool prune =
        ix->count >= PRUNED_FROM && postings >= PRUNED_POSTINGS_MIN && 2 * k <= LEADERS_MAX;
    for (size_t i = 0; i < (prune ? rare : n); i++) {
        score_term(ix, &terms[i], out->scores);
    }
    out->count = SIZE_MAX;
    if (prune) {
        out->count = leaders(ix, out->scores, out->found, LEADERS_MAX);
        score_common(ix, terms + rare, n - rare, out);
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
    double perfect = 0;
    for (size_t i = 0; i < n && i < INDEX_QUERY_TERMS_MAX; i++) {
        perfect += weight_of(&terms[i]);
    }
    n = keep_found(terms, n);
    struct tally tally = {.scores = mem_new(ix->count * sizeof(*tally.scores))};
    score_all(ix, terms, n, best.k, &tally);
    bool any = tally.count == SIZE_MAX;
    size_t candidates = any ? ix->count : tally.count;
    float least = 0; /* what cannot come in is not looked at */
    for (size_t at = 0; at < candidates; at++) {
        size_t i = any ? at : tally.found[at];
        float score = tally.scores[i];
        if (score >= least && score > 0 && !(skip && id_eq(skip, &ix->passages[i].document))) {
            offer(&best, (uint32_t)i, score);
            least = best.n == best.k ? out_hits[0].score : 0;
        }
    }
    free(tally.scores);
    n = settle(&best);
    for (size_t i = 0; i < n; i++) {
        out_hits[i].score = (float)((double)out_hits[i].score / perfect);
    }
    return n;
}

double index_weight(const struct index *ix, struct str term)
{
    const struct term_row *row = map_get(ix->terms, term);
    return idf_of(ix, row ? row->count : 0);
}

/* ---- a query and many passages ------------------------------------------- */

struct index_probe {
    const struct index *ix;
    struct query_term *terms; /* weightiest first */
    size_t n;
    int8_t *vector; /* packed; NULL: none */
    float scale;
};

const struct index_probe *index_probe(struct arena *a, const struct index *ix, struct str query,
                                      const float *vector)
{
    struct query_term terms[INDEX_QUERY_TERMS_MAX];
    struct index_probe *p = ARENA_NEW(a, struct index_probe);
    p->ix = ix;
    p->n = query_terms(ix, query, terms, INDEX_QUERY_TERMS_MAX);
    p->terms = arena_memdup(a, terms, p->n * sizeof(*terms));
    if (vector && ix->o.dimensions) {
        p->vector = ARENA_ARRAY(a, int8_t, (size_t)ix->o.dimensions);
        p->scale = vector_pack(vector, ix->o.dimensions, p->vector);
    }
    return p;
}

double index_coverage(const struct index_probe *probe, uint32_t passage)
{
    double all = 0, had = 0;
    for (size_t i = 0; i < probe->n; i++) {
        double weight = weight_of(&probe->terms[i]);
        const struct term_row *t = probe->terms[i].row;
        uint32_t low = 0, high = t ? t->count : 0;
        while (low < high) {
            uint32_t mid = low + (high - low) / 2;
            if (t->postings[mid].passage < passage) {
                low = mid + 1;
            } else {
                high = mid;
            }
        }
        all += weight;
        had += t && low < t->count && t->postings[low].passage == passage ? weight : 0;
    }
    return all > 0 ? had / all : 0;
}

double index_similarity(const struct index_probe *probe, uint32_t passage)
{
    const struct index *ix = probe->ix;
    size_t d = (size_t)ix->o.dimensions;
    double own = (double)ix->scales[passage];
    if (!probe->vector || own <= 0) {
        return 0;
    }
    int32_t product = vector_dot_here()(probe->vector, ix->vectors + passage * d, (int)d);
    double dot = (double)product * (double)probe->scale * own;
    return dot > 1 ? 1 : dot < 0 ? 0 : dot;
}

/* ---- vectors ------------------------------------------------------------- */

/* The passages whose vectors' signs differ least from the query's; free() it. */
static uint32_t *short_list(const struct index *ix, const int8_t *query, size_t *out_n)
{
    uint64_t code[INDEX_DIMENSIONS_MAX / 64];
    size_t counts[INDEX_DIMENSIONS_MAX + 1] = {0}, total = 0, n = 0;
    uint16_t *apart = mem_new(ix->count * sizeof(*apart));
    vector_code(query, ix->o.dimensions, code);
    vector_distances(code, ix->codes, ix->count, ix->code_words, apart);
    for (size_t i = 0; i < ix->count; i++) {
        counts[apart[i]]++;
    }
    int most = 0;
    while (most < ix->o.dimensions && total + counts[most] < SHORT_LIST) {
        total += counts[most++];
    }
    uint32_t *list = mem_new((total + counts[most] + 1) * sizeof(*list));
    for (size_t i = 0; i < ix->count; i++) {
        list[n] = (uint32_t)i;
        n += apart[i] <= most;
    }
    free(apart);
    *out_n = n;
    return list;
}

/* The short list jumps: what comes soon is loaded while others are compared. */
static void fetch(const int8_t *vector, int dimensions)
{
    for (int i = 0; i < dimensions; i += 64) {
        __builtin_prefetch(vector + i);
    }
}

size_t index_nearest(const struct index *ix, const float *vector, size_t k, const struct id *skip,
                     struct index_hit *out_hits)
{
    int d = ix->o.dimensions;
    struct best best = {ix, out_hits, 0, k < INDEX_HITS_MAX ? k : INDEX_HITS_MAX};
    vector_dot_function *dot = vector_dot_here();
    if (!d || best.k == 0) {
        return 0;
    }
    int8_t *query = mem_new((size_t)d);
    float scale = vector_pack(vector, d, query);
    size_t n = ix->count;
    uint32_t *list = scale > 0 && ix->codes && n > EXACT_MAX ? short_list(ix, query, &n) : NULL;
    for (size_t at = 0; at < n && scale > 0; at++) {
        size_t i = list ? list[at] : at;
        float own = ix->scales[i];
        if (list && at + AHEAD < n) {
            fetch(ix->vectors + list[at + AHEAD] * (size_t)d, d);
        }
        if (own <= 0 || (skip && id_eq(skip, &ix->passages[i].document))) {
            continue;
        }
        float near = (float)dot(query, ix->vectors + i * (size_t)d, d) * scale * own;
        if (near > NEAR_MIN) {
            offer(&best, (uint32_t)i, near);
        }
    }
    free(list);
    free(query);
    return settle(&best);
}

bool index_vector(const struct index *ix, uint32_t passage, float *out_vector)
{
    float own = ix->scales[passage];
    for (int i = 0; i < ix->o.dimensions && own > 0; i++) {
        out_vector[i] =
            (float)ix->vectors[(size_t)passage * (size_t)ix->o.dimensions + (size_t)i] * own;
    }
    return ix->o.dimensions > 0 && own > 0;
}
