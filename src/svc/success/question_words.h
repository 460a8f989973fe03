/* A question across customers as words, each of which something reads or nothing does: what nothing
 * read is told to whoever asked. Amounts and dates stay whole ("50,000", "2027-03-01"), signs of
 * currencies and of comparison stand alone. Pure. */
#ifndef SVC_SUCCESS_QUESTION_WORDS_H
#define SVC_SUCCESS_QUESTION_WORDS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"
#include "codec/json.h"

enum { QUESTION_WORDS_MAX = 400 };

struct question_words {
    struct question_word {
        struct str plain; /* folded: "Überfällig" is "uberfallig" */
        struct str raw;   /* in the text */
        bool used;
        int left; /* as many words from here on are left out whole; 0: none begin here */
    } at[QUESTION_WORDS_MAX];
    int n;
};
void question_words_read(struct arena *a, struct str text, struct question_words *out);

/* Whether word i is one of a list divided by blanks; false past either end. */
bool question_words_is(const struct question_words *w, int i, const char *list);
bool question_words_has(const struct question_words *w, const char *list);
/* The same among what nothing has read yet. */
bool question_words_has_free(const struct question_words *w, const char *list);
/* How many words the phrase at i has ("more than"); 0: it does not stand there. */
int question_words_phrase(const struct question_words *w, int i, const char *phrase);
/* The first of several phrases, NULL at the end of the list. */
int question_words_one_of(const struct question_words *w, int i, const char *const *phrases);
void question_words_use(struct question_words *w, int from, int count);
/* Leaves words out whole: no reader takes them, and the rest names them as they were written. */
void question_words_leave(struct question_words *w, int from, int count);
/* The word that denies what stands at i ("not" of "not on the growth plan"), over small words and
 * those of the list `over`; -1: none does. */
int question_words_denied(const struct question_words *w, int i, const char *over);

/* A number as people write it: "3", "three", "50,000", "1.5m", "100k", "$100k", "EUR 50,000". */
struct question_number {
    int64_t hundredths;
    bool scaled;      /* by k, m, thousand, million */
    char currency[4]; /* "EUR"; empty: none stands at it */
    int words;        /* how many it is made of */
};
bool question_words_number(const struct question_words *w, int i, struct question_number *out);

/* Whether nothing has read word i and it asks for something by itself. */
bool question_words_asks(const struct question_words *w, int i);
/* What nothing read and what asks for something, each run of words as it was written: an array of
 * texts. */
const struct json *question_words_rest(struct arena *a, const struct question_words *w,
                                       struct str text);

#endif
