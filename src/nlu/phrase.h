/* Finds phrases in text by whole words, for rules written as short patterns. Pure.
 *
 * A pattern is words separated by blanks, lower case, without accents and apostrophes:
 *   a/b/c   one of these words
 *   word*   a word that begins so
 *   ...     up to four words of the same clause, or none
 *   ^ and $ the beginning and the end of the text
 * Words of one phrase stand in one clause: a full stop, comma or line end parts them. */
#ifndef NLU_PHRASE_H
#define NLU_PHRASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

enum { PHRASE_WORDS_MAX = 256, PHRASE_WORD_MAX_BYTES = 31, PHRASE_TEXT_MAX_BYTES = 8192 };

struct phrase_word {
    char text[PHRASE_WORD_MAX_BYTES + 1]; /* folded: lower case, no accents, no apostrophe */
    size_t start, end;                    /* bytes in the text */
    int clause;
};

struct phrase_text {
    size_t count;
    uint32_t initials; /* how its words begin, for phrase_find */
    struct phrase_word words[PHRASE_WORDS_MAX];
};

/* Words past the maximum are not looked at. */
void phrase_read(struct str text, struct phrase_text *out_text);

/* The first place at word `from` or later; out_first, out_last: indexes of its words. */
bool phrase_find(const struct phrase_text *t, const char *pattern, size_t from, size_t *out_first,
                 size_t *out_last);
/* Whether any of the patterns (ended by NULL) occurs. */
bool phrase_has(const struct phrase_text *t, const char *const *patterns);

/* Whether one of the five words before `first`, in its clause, negates: not, no, never, without ...
 */
bool phrase_negated(const struct phrase_text *t, size_t first);

#endif
