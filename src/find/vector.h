/* Unit vectors as signed bytes with one scale: a quarter of the memory, and a scan that the
 * compiler can vectorise. Pure. */
#ifndef FIND_VECTOR_H
#define FIND_VECTOR_H

#include <stddef.h>
#include <stdint.h>

/* Returns the scale: vector[i] is about out_bytes[i] * scale; 0 for a zero vector. */
float vector_pack(const float *vector, int dimensions, int8_t *out_bytes);

/* The serial form: 4 bytes scale (IEEE 754 single, little-endian), then a signed byte for each
 * dimension. */
size_t vector_stored_bytes(int dimensions);
void vector_store(const float *vector, int dimensions, uint8_t *out_bytes);
void vector_load(const uint8_t *bytes, int dimensions, float *out_vector);

typedef int32_t vector_dot_function(const int8_t *a, const int8_t *b, int dimensions);
vector_dot_function vector_dot;
/* The fastest of the same result on this machine. */
vector_dot_function *vector_dot_here(void);

/* A vector's signs, a bit each, in dimensions / 64 words; and how many signs differ from those of
 * `n` codes that stand one after the other: vectors that point the same way differ in few. */
void vector_code(const int8_t *bytes, int dimensions, uint64_t *out_code);
void vector_distances(const uint64_t *code, const uint64_t *codes, size_t n, int words,
                      uint16_t *out);

#endif
