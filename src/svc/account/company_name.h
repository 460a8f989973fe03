/* Names of companies as people write them: words without case, accents and apostrophes, the legal
 * form at the end, and words too plain to name a company alone. Pure. */
#ifndef SVC_ACCOUNT_COMPANY_NAME_H
#define SVC_ACCOUNT_COMPANY_NAME_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/str.h"

enum { COMPANY_WORDS_MAX = 400, COMPANY_NAME_WORDS_MAX = 8 };

struct company_word {
    struct str text;   /* folded; without 's */
    size_t start, end; /* bytes in the text */
    bool capital;      /* begins with a capital letter */
    bool starts;       /* first of a sentence */
    bool plain;        /* a word of everyday English */
    bool joined;       /* nothing but a blank or & between it and the word before */
};
struct company_words {
    int count;
    const struct company_word *items;
};
struct company_words company_words(struct arena *a, struct str text);

/* The words of items[from .. from + n) with a blank between them. */
struct str company_words_join(struct arena *a, const struct company_words *w, int from, int n);
/* How many of the first n words are left without the legal form ("GmbH", "B.V.") at their end. */
int company_without_form(const struct company_words *w, int n);
bool company_word_is_plain(struct str folded);

#endif
