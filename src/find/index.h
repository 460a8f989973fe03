/* The index of one namespace, in memory: BM25 over an inverted index with title, heading and body
 * fields, and an exact int8 scan over vectors. It is derived data: built from passages, changed in
 * place, thrown away and rebuilt at any time; ranking does not depend on the database. Pure; not
 * thread safe for changes, any number of readers while nobody changes it. */
#ifndef FIND_INDEX_H
#define FIND_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/id.h"
#include "base/str.h"

enum {
    INDEX_PASSAGES_MAX = 1000000,
    INDEX_QUERY_MAX_BYTES = 32768, /* the rest of a longer query is not looked at */
    INDEX_QUERY_TERMS_MAX = 96,    /* of a longer query the weightiest terms are kept */
    INDEX_HITS_MAX = 1000,
    INDEX_DIMENSIONS_MAX = 4096
};

struct index;

struct index_options {
    double k1, b;                      /* BM25; 0: defaults 2, 1 */
    double title_boost, heading_boost; /* weight of a term there against the body; 0: defaults */
    int dimensions;                    /* of the vectors; 0: none are kept */
};

/* One passage as it is put in. All is copied or digested; nothing is kept by reference. */
struct index_passage {
    struct id document;
    uint32_t ordinal; /* of the chunk in its document */
    struct str title, heading, text;
    const float *vector; /* unit length, `dimensions` floats; NULL: found by words only */
};

struct index_hit {
    uint32_t passage; /* slot in the index: index_document, index_ordinal */
    float score;
};

struct index *index_new(const struct index_options *options);
void index_free(struct index **ix);

/* False when the index is full. */
bool index_add(struct index *ix, const struct index_passage *passage);
/* Removes all passages of the document; returns how many. */
size_t index_remove(struct index *ix, const struct id *document);

/* The best `k` passages by BM25, best first; ties by document, then ordinal. A whole page as the
 * query is fine. Scores are shares of what a perfect passage would get, 0..1, so that those of
 * different indexes compare. Returns how many. `skip` (may be NULL): a document left out. */
size_t index_search(const struct index *ix, struct str query, size_t k, const struct id *skip,
                    struct index_hit *out_hits);
/* The best `k` by cosine with a unit vector. */
size_t index_nearest(const struct index *ix, const float *vector, size_t k, const struct id *skip,
                     struct index_hit *out_hits);

/* How much a term (term.h) tells about a passage that has it: its idf, > 0; most for one that no
 * passage has. */
double index_weight(const struct index *ix, struct str term);

/* A query read once and compared with many passages; it lies in `a`, and the index must not change
 * meanwhile. `vector` (a unit vector) may be NULL. */
struct index_probe;
const struct index_probe *index_probe(struct arena *a, const struct index *ix, struct str query,
                                      const float *vector);
/* The share of the query's weight (idf) that the passage's terms cover, 0..1. */
double index_coverage(const struct index_probe *probe, uint32_t passage);
/* Cosine of the passage's vector with the query's, 0..1; 0 without vectors. */
double index_similarity(const struct index_probe *probe, uint32_t passage);

/* The passage's vector, `dimensions` floats; false when it has none. */
bool index_vector(const struct index *ix, uint32_t passage, float *out_vector);

const struct id *index_document(const struct index *ix, uint32_t passage);
uint32_t index_ordinal(const struct index *ix, uint32_t passage);
size_t index_count(const struct index *ix); /* passages */
size_t index_memory_bytes(const struct index *ix);

#endif
