/* YAML 1.2 (core schema) as a json tree with the place of every name and value, for documents that
 * people write: agents, connectors, rules, front matter. JSON is accepted, being YAML. Refused,
 * each with line and column: duplicate keys, anchors and aliases, tags, more than one document,
 * keys that are no text, infinities and NaN, bytes that are no UTF-8, and anything past the bounds.
 * Pure. */
#ifndef CODEC_YAML_H
#define CODEC_YAML_H

#include "codec/json.h"

enum { YAML_INPUT_MAX_BYTES = 1 << 20, YAML_NODES_MAX = 50000, YAML_DEPTH_MAX = JSON_DEPTH_MAX };

/* An empty document is null. E_INVALID (see out_fault), E_TOO_LARGE. */
enum err yaml_parse(struct arena *a, struct str text, const struct json **out_value,
                    struct json_fault *out_fault);

/* Block style, two spaces, texts quoted where they need it, long ones as `|` blocks. Reading the
 * result gives an equal tree. */
struct str yaml_write(struct arena *a, const struct json *v);

#endif
