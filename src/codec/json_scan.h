/* The careful JSON reader behind json_parse: slower than simdjson, but it knows where and why a
 * text is no JSON, and what to do with numbers that simdjson refuses. Also what the readers share.
 * For the codec row only. Pure. */
#ifndef CODEC_JSON_SCAN_H
#define CODEC_JSON_SCAN_H

#include "codec/json.h"

/* E_INVALID, E_TOO_LARGE (depth, memory). */
enum err json_scan(struct arena *a, struct str text, const struct json **out_value,
                   struct json_fault *out_fault);

/* The index of the first member whose name an earlier one has, or -1. */
ptrdiff_t json_scan_duplicate(const struct json_member *members, size_t n);

/* The place of a byte offset: lines and characters count from 1. */
void json_scan_place(struct str text, size_t offset, int *out_line, int *out_column);

/* Reads four hex digits; -1 when they are none. */
int json_scan_hex4(const char *p);

#endif
