/* Cuts extracted text into passages of about 512 tokens that overlap by about 50: at headings
 * first, then at paragraphs, then at sentences, inside a sentence only when it alone is too long.
 * Offsets point back into the extracted text. A token is counted as a subword model would: about 4
 * letters of a word, each mark of punctuation. Pure. */
#ifndef FIND_CHUNK_H
#define FIND_CHUNK_H

#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "find/extract.h"

enum { CHUNK_TOKENS_DEFAULT = 512, CHUNK_OVERLAP_DEFAULT = 50, CHUNK_COUNT_MAX = 20000 };

struct chunk {
    size_t start, end;  /* bytes of the extracted text */
    struct str text;    /* view of it */
    struct str heading; /* path of the headings above: "Billing > Refunds"; may be empty */
    size_t tokens;
};

struct chunk_options {
    size_t tokens_max; /* 0: default */
    size_t overlap;    /* 0: default; at most a quarter of tokens_max */
};

/* Chunks lie in `a`, their texts in the extract. Every word of the text is in at least one chunk.
 * options may be NULL. E_TOO_LARGE: more than CHUNK_COUNT_MAX chunks. */
enum err chunk_extract(struct arena *a, const struct extract *from,
                       const struct chunk_options *options, struct chunk **out_chunks,
                       size_t *out_n);

size_t chunk_token_count(struct str text);

#endif
