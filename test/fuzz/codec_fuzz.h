/* What the codec's fuzz targets share: an arena per input, a promise that must hold, and inputs cut
 * in two. */
#ifndef TEST_FUZZ_CODEC_FUZZ_H
#define TEST_FUZZ_CODEC_FUZZ_H

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "codec/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void codec_require(bool holds)
{
    if (!holds) {
        abort();
    }
}

static inline struct str codec_input(const uint8_t *data, size_t size)
{
    return str_make(size ? (const char *)data : "", size);
}

/* Cuts what is before the first byte 0x1e (record separator) off the front. */
static inline struct str codec_cut(struct str *rest)
{
    struct str first = *rest;
    ptrdiff_t at = str_find_char(*rest, 0x1e);
    if (at >= 0) {
        first = str_sub(*rest, 0, (size_t)at);
        *rest = str_sub(*rest, (size_t)at + 1, rest->n);
    } else {
        *rest = str_make("", 0);
    }
    return first;
}

#endif
