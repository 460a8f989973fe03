/* Words that tell the language of a text, for the languages of language.h. Words are given as
 * feature_normal writes them: lower case, no accents, no apostrophe. Pure. */
#ifndef NLU_LEXIS_H
#define NLU_LEXIS_H

#include "base/str.h"

enum { LEXIS_LANGUAGES = 12 };

/* ISO 639-1, in the order of the bits. */
extern const char *const lexis_codes[LEXIS_LANGUAGES];

/* A bit for every language in which the word is a function word (article, pronoun, preposition,
 * auxiliary, greeting): one that says little about the subject. 0: in none. */
unsigned lexis_function(struct str word);

/* The same for words that customers often write about: order, invoice, password. */
unsigned lexis_subject(struct str word);

#endif
