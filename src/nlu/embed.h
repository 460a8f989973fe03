/* Built-in embeddings: a text as a unit vector of 384 numbers. Words, stems, word pairs and
 * character n-grams are hashed, weighted by how rare they are, and projected onto the dimensions by
 * fixed random signs: the same text gives the same vector on every machine, with no model file and
 * no network. Nearness means shared wording and word parts, not world knowledge; a remote embedder
 * gives more.
 *
 * The contract for any embedder (find/search.h keeps one by pointer): a name that is stored with
 * the vectors, a number of dimensions, and a function of the type of embed_texts. Vectors of
 * different names are never compared. */
#ifndef NLU_EMBED_H
#define NLU_EMBED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ctx.h"
#include "base/str.h"

enum { EMBED_DIMENSIONS = 384, EMBED_TEXT_MAX_BYTES = 16384 };
/* Raise the version whenever a text may give other numbers than before: a job then embeds anew what
 * was embedded under the old name. */
#define EMBED_NAME "builtin-384-v2"

/* Pure. out_vector: EMBED_DIMENSIONS floats, length 1; all zero for a text without words. */
void embed_text(struct str text, float *out_vector);

/* The contract. arg: the embedder's own. query: the texts are questions, not documents.
 * out_vectors: n times the dimensions, each of length 1 (or all zero). Here: arg is not used,
 * always E_OK. */
enum err embed_texts(struct ctx *c, void *arg, const struct str *texts, size_t n, bool query,
                     float *out_vectors);

/* Cosine of two unit vectors. */
double embed_cosine(const float *a, const float *b, int dimensions);

/* int8 form: 4 bytes scale (float, little-endian), then one signed byte per dimension. */
enum { EMBED_PACKED_BYTES = 4 + EMBED_DIMENSIONS };
void embed_pack(const float *vector, int dimensions, uint8_t *out_packed);
void embed_unpack(const uint8_t *packed, int dimensions, float *out_vector);

#endif
