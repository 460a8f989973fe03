#include "find/term.h"

#include <stdlib.h>
#include <string.h>

#include "codec/text.h"

/* As they are after stemming; sorted for bsearch. */
static const char *const stops[] = {
    "a",    "about",  "all",  "also",  "am",     "an",    "and",   "any",    "are",   "arent",
    "as",   "at",     "be",   "been",  "but",    "by",    "can",   "cant",   "could", "d",
    "did",  "didnt",  "do",   "doe",   "doesnt", "dont",  "for",   "from",   "had",   "has",
    "have", "havent", "he",   "her",   "his",    "how",   "i",     "if",     "im",    "in",
    "is",   "isnt",   "it",   "its",   "ive",    "just",  "ll",    "m",      "me",    "my",
    "no",   "not",    "of",   "on",    "or",     "our",   "pleas", "please", "re",    "s",
    "she",  "should", "so",   "some",  "such",   "t",     "than",  "that",   "the",   "their",
    "them", "then",   "ther", "there", "thes",   "these", "they",  "this",   "thos",  "those",
    "to",   "ve",     "was",  "we",    "were",   "what",  "when",  "wher",   "where", "which",
    "who",  "why",    "will", "with",  "wont",   "would", "you",   "your"};

static int compare(const void *key, const void *row)
{
    const struct str *term = key;
    return str_cmp(*term, str_of(*(const char *const *)row));
}

bool term_is_stop(struct str term)
{
    return bsearch(&term, stops, sizeof(stops) / sizeof(*stops), sizeof(*stops), compare) != NULL;
}

static bool ends(const char *w, size_t n, const char *end)
{
    size_t m = strlen(end);
    return n > m + 2 && memcmp(w + n - m, end, m) == 0;
}

static bool is_vowel(char c)
{
    return c == 'a' || c == 'e' || c == 'i' || c == 'o' || c == 'u' || c == 'y';
}

/* Plurals, -ing and -ed: enough that "returns", "returned" and "returning" meet "return". */
static size_t stem(char *w, size_t n)
{
    if (ends(w, n, "ies")) {
        w[n - 3] = 'y';
        n -= 2;
    } else if (ends(w, n, "sses") || ends(w, n, "shes") || ends(w, n, "ches") ||
               ends(w, n, "xes")) {
        n -= 2;
    } else if (n > 3 && w[n - 1] == 's' && w[n - 2] != 's' && w[n - 2] != 'u' && w[n - 2] != 'i') {
        n -= 1;
    }
    size_t before = n;
    if (ends(w, n, "ing")) {
        n -= 3;
    } else if (ends(w, n, "ed")) {
        n -= 2;
    }
    if (n < before && n > 3 && w[n - 1] == w[n - 2] && !is_vowel(w[n - 1]) && w[n - 1] != 'l' &&
        w[n - 1] != 's') {
        n--; /* shipping -> ship */
    }
    if (n > 4 && w[n - 1] == 'e') {
        n--; /* so that "cancel", "charge", "charging" agree with themselves */
    }
    return n;
}

bool term_next(struct str plain, size_t *cursor, char out_bytes[TERM_MAX_BYTES],
               struct str *out_term)
{
    struct text_word w;
    while (text_next_word(plain, cursor, &w)) {
        size_t n = w.word.n < TERM_MAX_BYTES ? w.word.n : TERM_MAX_BYTES;
        memcpy(out_bytes, w.word.p, n);
        bool ascii = true;
        for (size_t i = 0; i < n; i++) {
            ascii = ascii && (unsigned char)out_bytes[i] < 0x80;
        }
        if (n > 2 && out_bytes[n - 1] == 's' && out_bytes[n - 2] == '\'') {
            n -= 2; /* customer's */
        }
        n = ascii && !w.is_number ? stem(out_bytes, n) : n;
        if (n) {
            *out_term = str_make(out_bytes, n);
            return true;
        }
    }
    return false;
}
