/* What is known of single words, in tables sorted by bytes. Pure. */
#ifndef NLU_WORD_TABLE_H
#define NLU_WORD_TABLE_H

#include <stddef.h>

#include "base/str.h"

struct word_row {
    const char *text;
    int value;
};

/* The value of the word; 0 when the table does not have it. */
int word_table_find(const struct word_row *rows, size_t n, struct str word);

#endif
