/* The words of a text as the index knows them: folded, without accents, lightly stemmed. Pure. */
#ifndef FIND_TERM_H
#define FIND_TERM_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/str.h"

enum { TERM_MAX_BYTES = 48 };

/* Walks a text that went through text_plain. False at the end; the term lies in out_bytes. */
bool term_next(struct str plain, size_t *cursor, char out_bytes[TERM_MAX_BYTES],
               struct str *out_term);

/* Words so common in English that they say nothing about a passage. */
bool term_is_stop(struct str term);

#endif
