/* Private to find/: the inside of an index, shared by what keeps it (index.c) and what asks it
 * (index_query.c). */
#ifndef FIND_INDEX_TABLE_H
#define FIND_INDEX_TABLE_H

#include "base/map.h"
#include "find/index.h"

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
    bool gone; /* its length is then infinite and its scale 0, so that nothing finds it */
};

struct index {
    struct index_options o;
    struct map *terms;     /* term -> struct term_row */
    struct map *documents; /* id -> anything: the documents with passages */
    struct passage *passages;
    float *lengths; /* weighted words of each passage */
    float *scales;  /* of its vector; 0: none */
    int8_t *vectors;
    uint64_t *codes; /* signs of the vectors; NULL when the dimensions are no multiple of 64 */
    int code_words;
    size_t count, size, gone;
    double total_length;
    size_t posting_bytes;
};

#endif
