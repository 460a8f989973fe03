/* JSON Schema, draft 2020-12: compiled once, then values are checked against it. Supported: type,
 * enum, const, multipleOf, minimum, maximum, exclusive*, minLength, maxLength, pattern, format
 * (date, time, date-time, email, uuid, uri, ipv4), items, prefixItems, contains, minItems ...,
 * uniqueItems, properties, required, additionalProperties, patternProperties, propertyNames,
 * dependentRequired, dependentSchemas, minProperties ..., allOf, anyOf, oneOf, not, if/then/else,
 * $ref and $anchor within the document, $defs, unevaluated*. Annotations (title, description,
 * default, examples, x-...) are carried, not checked. Any other keyword is refused when compiling,
 * so that no rule is silently without effect. Pure. */
#ifndef CODEC_SCHEMA_H
#define CODEC_SCHEMA_H

#include "codec/json.h"

enum { SCHEMA_ERRORS_MAX = 32, SCHEMA_DEPTH_MAX = 64, SCHEMA_STEPS_MAX = 200000 };

struct schema;

struct schema_fault {
    char path[160]; /* of the keyword in the schema: "properties.name.minLength" */
    char text[160];
    int line, column; /* where the schema was written, when known */
};

struct schema_error {
    struct str path; /* of the value: "items[2].price"; empty: the value itself */
    struct str text; /* "must be at least 1" */
    uint32_t line, column;
};

/* The schema lives in `a` and refers to `document`, which must live as long. E_INVALID. */
enum err schema_new(struct arena *a, const struct json *document, const struct schema **out_schema,
                    struct schema_fault *out_fault);

/* The number of errors found, at most SCHEMA_ERRORS_MAX; 0: the value is valid. They lie in `a`. A
 * value whose checking passes the bound on work is invalid and says so. */
size_t schema_check(const struct schema *s, struct arena *a, const struct json *value,
                    const struct schema_error **out_errors);

const struct json *schema_document(const struct schema *s);

#endif
