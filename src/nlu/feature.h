/* What a text is made of for learning: words and neighbours, character n-grams of 2 to 4 within
 * words, each as a 32-bit hash that is the same on every machine. Case, accents and the values of
 * numbers are ignored; "?" counts as a word. Pure. */
#ifndef NLU_FEATURE_H
#define NLU_FEATURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

/* The two highest bits of a hash tell the group. Pairs are any two words near each other in any
 * order, by their first letters: they tell what a sentence is about where single words do not. */
enum feature_group { FEATURE_WORDS, FEATURE_PAIRS, FEATURE_CHARS, FEATURE_GROUPS };

struct feature {
    uint32_t hash; /* never 0 */
    uint32_t count : 31;
    uint32_t plain : 1; /* a function word, or two of them: says little about the subject */
};

struct feature_word {
    bool plain;            /* a function word */
    uint32_t item, joined; /* indexes of items: the word, and the word with the one before it */
    uint32_t first, count; /* its longest n-grams: positions in feature_list.chars */
};

struct feature_list {
    struct feature *items; /* distinct, in order of first appearance */
    size_t count;
    struct feature_word *words;
    size_t word_count;
    size_t spoken;   /* words other than "?" */
    uint32_t *chars; /* of all words: indexes of items */
};

static inline enum feature_group feature_group(uint32_t hash)
{
    return hash >> 31 ? FEATURE_CHARS : hash >> 30 ? FEATURE_PAIRS : FEATURE_WORDS;
}

/* Give back with feature_free. Looks at no more than max_bytes of the text. */
void feature_extract(struct str text, size_t max_bytes, bool pairs, struct feature_list *out_list);
void feature_free(struct feature_list *list);

/* The text as features see it: lower case, no accents, one blank between words, digits as 0. The
 * result has at most text.n * 2 + 2 bytes plus a terminator; free() it. */
char *feature_normal(struct str text, size_t *out_n);

#endif
