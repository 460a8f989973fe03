/* Which language a text is in: en de fr es it nl pt sv da no fi pl, by function words and character
 * n-grams. Whole words count, never parts ("Halloween" is not German). Pure. */
#ifndef NLU_LANGUAGE_H
#define NLU_LANGUAGE_H

#include "base/str.h"

struct language {
    char code[4];      /* ISO 639-1; empty when unknown: too short, too mixed, or none of ours */
    double confidence; /* 0..1 */
};

struct language language_of(struct str text);

/* "German"; NULL when the code is none of ours. */
const char *language_name(const char *code);

#endif
