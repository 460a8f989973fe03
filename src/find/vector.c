#include "find/vector.h"

#include <math.h>

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

int32_t vector_dot(const int8_t *a, const int8_t *b, int dimensions)
{
    int32_t sum = 0;
    for (int i = 0; i < dimensions; i++) {
        sum += (int32_t)a[i] * b[i];
    }
    return sum;
}
