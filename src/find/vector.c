#include "find/vector.h"

#include <math.h>
#include <string.h>
#ifdef __x86_64__
#include <immintrin.h>
#endif

enum { USUAL_WORDS = 6 }; /* 384 signs */

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

static inline __attribute__((always_inline)) void
count_signs(const uint64_t *code, const uint64_t *codes, size_t n, int words, uint16_t *out)
{
    for (size_t i = 0; i < n; i++) {
        int apart = 0;
        for (int k = 0; k < words; k++) {
            apart += __builtin_popcountll(code[k] ^ codes[i * (size_t)words + (size_t)k]);
        }
        out[i] = (uint16_t)apart;
    }
}

#ifdef __x86_64__
__attribute__((target("avx2"))) static int32_t dot_avx2(const int8_t *a, const int8_t *b,
                                                        int dimensions)
{
    __m256i sums = _mm256_setzero_si256();
    int32_t lanes[8], sum = 0;
    int i = 0;
    for (; i + 16 <= dimensions; i += 16) {
        __m128i x, y;
        memcpy(&x, a + i, sizeof x);
        memcpy(&y, b + i, sizeof y);
        sums = _mm256_add_epi32(
            sums, _mm256_madd_epi16(_mm256_cvtepi8_epi16(x), _mm256_cvtepi8_epi16(y)));
    }
    memcpy(lanes, &sums, sizeof lanes);
    for (int j = 0; j < 8; j++) {
        sum += lanes[j];
    }
    for (; i < dimensions; i++) {
        sum += a[i] * b[i];
    }
    return sum;
}

__attribute__((target("popcnt"))) static void
distances_popcnt(const uint64_t *code, const uint64_t *codes, size_t n, int words, uint16_t *out)
{
    if (words == USUAL_WORDS) { /* a number that the compiler knows */
        count_signs(code, codes, n, USUAL_WORDS, out);
    } else {
        count_signs(code, codes, n, words, out);
    }
}
#endif

vector_dot_function *vector_dot_here(void)
{
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx2")) {
        return dot_avx2;
    }
#endif
    return vector_dot;
}

void vector_code(const int8_t *bytes, int dimensions, uint64_t *out_code)
{
    for (int k = 0; k < dimensions / 64; k++) {
        out_code[k] = 0;
        for (int i = 0; i < 64; i++) {
            out_code[k] |= (uint64_t)(bytes[k * 64 + i] > 0) << i;
        }
    }
}

void vector_distances(const uint64_t *code, const uint64_t *codes, size_t n, int words,
                      uint16_t *out)
{
#ifdef __x86_64__
    if (__builtin_cpu_supports("popcnt")) {
        distances_popcnt(code, codes, n, words, out);
        return;
    }
#endif
    count_signs(code, codes, n, words, out);
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
