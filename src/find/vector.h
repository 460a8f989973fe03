/* Unit vectors as signed bytes with one scale: a quarter of the memory, and a scan that the
 * compiler can vectorise. Pure. */
#ifndef FIND_VECTOR_H
#define FIND_VECTOR_H

#include <stddef.h>
#include <stdint.h>

/* Returns the scale: vector[i] is about out_bytes[i] * scale; 0 for a zero vector. */
float vector_pack(const float *vector, int dimensions, int8_t *out_bytes);
int32_t vector_dot(const int8_t *a, const int8_t *b, int dimensions);

#endif
