#include "find/vector.h"

#include <math.h>
#include <string.h>

float vector_pack(const float *vector, int dimensions, int8_t *out_bytes)
{
    float most = 0;
    for (int i = 0; i < dimensions; i++) {
        most = fmaxf(most, fabsf(vector[i]));
    }
    if (most <= 0) {
        for (int i = 0; i < dimensions; i++) {
            out_bytes[i] = 0;
        }
        return 0;
    }
    float scale = most / 127;
    for (int i = 0; i < dimensions; i++) {
        out_bytes[i] = (int8_t)lrintf(vector[i] / scale);
    }
    return scale;
}

/* Vector types of gcc and clang: SSE2, NEON or plain code, as the machine has it. */
typedef int16_t shorts __attribute__((vector_size(16)));
typedef int32_t ints __attribute__((vector_size(16)));

static shorts load(const int8_t *p)
{
    shorts pairs; /* two signed bytes in each */
    memcpy(&pairs, p, sizeof pairs);
    return pairs;
}

/* Bytes are widened by shifting: the lower byte of each pair and the upper one. Those of
 * vector_pack lie in -127..127, so the sum of two products fits a short. */
int32_t vector_dot(const int8_t *a, const int8_t *b, int dimensions)
{
    ints sums = {0};
    int32_t sum = 0;
    int i = 0;
    for (; i + 16 <= dimensions; i += 16) {
        shorts x = load(a + i), y = load(b + i);
        shorts two = (x << 8 >> 8) * (y << 8 >> 8) + (x >> 8) * (y >> 8);
        ints wide;
        memcpy(&wide, &two, sizeof wide);
        sums += (wide << 16 >> 16) + (wide >> 16);
    }
    for (int j = 0; j < 4; j++) {
        sum += sums[j];
    }
    for (; i < dimensions; i++) {
        sum += a[i] * b[i];
    }
    return sum;
}

size_t vector_stored_bytes(int dimensions)
{
    return 4 + (size_t)dimensions;
}

void vector_store(const float *vector, int dimensions, uint8_t *out_bytes)
{
    float scale = vector_pack(vector, dimensions, (int8_t *)(out_bytes + 4));
    uint32_t bits;
    memcpy(&bits, &scale, sizeof bits);
    for (int i = 0; i < 4; i++) {
        out_bytes[i] = (uint8_t)(bits >> 8 * i);
    }
}

void vector_load(const uint8_t *bytes, int dimensions, float *out_vector)
{
    uint32_t bits = 0;
    for (int i = 0; i < 4; i++) {
        bits |= (uint32_t)bytes[i] << 8 * i;
    }
    float scale;
    memcpy(&scale, &bits, sizeof scale);
    scale = isfinite(scale) ? scale : 0;
    for (int i = 0; i < dimensions; i++) {
        out_vector[i] = (float)(int8_t)bytes[4 + i] * scale;
    }
}
