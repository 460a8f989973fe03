/* Search for what takes several articles: a situation told in many sentences is asked as a whole,
 * then part by part, and then what resembles the best finds is looked at too. The three rankings
 * are joined by scores. Pure; as slow as a dozen searches. */
#ifndef FIND_SITUATION_H
#define FIND_SITUATION_H

#include "find/index.h"

enum { SITUATION_PARTS_MAX = 12, SITUATION_PART_WORDS_MIN = 8, SITUATION_SEEDS = 3 };

struct situation {
    struct str text;
    const float *vector;   /* of the text; NULL: words only */
    const struct id *skip; /* a document left out; may be NULL */
};

/* The best `max` passages; returns how many. */
size_t situation_search(const struct index *ix, const struct situation *s, size_t max,
                        struct index_hit *out_hits);

#endif
