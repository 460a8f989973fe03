/* The C face of the one C++ file (simdjson.cc). For json.c only. Each thread keeps one parser and
 * its buffers between calls, up to 256 KiB of text. Pure. */
#ifndef CODEC_SIMDJSON_READ_H
#define CODEC_SIMDJSON_READ_H

#include "codec/json.h"

#ifdef __cplusplus
extern "C" {
#endif

/* False when the text is no JSON, or is JSON that needs the careful reader (json_scan.h): what is
 * wrong, and where, is for that one to say. */
bool simdjson_read(struct arena *a, struct str text, const struct json **out_value);

#ifdef __cplusplus
}
#endif

#endif
