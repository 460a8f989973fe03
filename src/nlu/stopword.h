/* Function words (articles, pronouns, prepositions, auxiliaries, greetings) of the languages of
 * language.h: they tell the language of a text and little about its subject. Pure. */
#ifndef NLU_STOPWORD_H
#define NLU_STOPWORD_H

#include "base/str.h"

enum { STOPWORD_LANGUAGES = 12 };

/* ISO 639-1, in the order of the bits. */
extern const char *const stopword_codes[STOPWORD_LANGUAGES];

/* A bit for every language in which the word is one; 0: in none. The word as feature_normal writes
 * it: lower case, no accents, no apostrophe. */
unsigned stopword_languages(struct str word);

#endif
