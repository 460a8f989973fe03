/* The C face of the one C++ file (simdjson.cc). For json.c only. */
#ifndef CODEC_SIMDJSON_READ_H
#define CODEC_SIMDJSON_READ_H

#include "codec/json.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Reads `text` into a tree in `a`. On E_INVALID *out_problem is a fixed text and *out_offset the
 * byte it is about, or (size_t)-1 when that is unknown. */
enum err simdjson_read(struct arena *a, struct str text, const struct json **out_value,
                       const char **out_problem, size_t *out_offset);

#ifdef __cplusplus
}
#endif

#endif
