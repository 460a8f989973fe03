/* Words that are numbers, and words that tell which way a number went, in English, German, Dutch
 * and French. Words are in small letters. Pure. */
#ifndef SVC_SUCCESS_NUMBER_WORD_H
#define SVC_SUCCESS_NUMBER_WORD_H

#include <stdbool.h>

#include "base/str.h"

/* Whether a word is a number; *out_value is below 0 where it can be no figure's ("percent", "half",
 * "dreihundert"). One is left out: it is a pronoun more often. */
bool number_word_find(struct str word, double *out_value);
/* 1: up ("rose", "stieg"), -1: down, 0: neither. */
int number_word_way(struct str word);
/* "by", "um", "met", "de": what follows is by how much. */
bool number_word_is_step(struct str word);

#endif
