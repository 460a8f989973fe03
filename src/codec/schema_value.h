/* What JSON Schema means by the type, order, multiples and sameness of values. Pure. */
#ifndef CODEC_SCHEMA_VALUE_H
#define CODEC_SCHEMA_VALUE_H

#include "codec/json.h"

bool schema_value_is_number(const struct json *v);
/* Of the type the schema names; "integer" is any number without a fraction. */
bool schema_value_is(const struct json *v, struct str type);
/* Numbers: below 0, 0 or above 0. */
int schema_value_compare(const struct json *a, const struct json *b);
/* Numbers; `of` is above 0. */
bool schema_value_is_multiple(const struct json *v, const struct json *of);
/* Equal values have equal hashes: names in any order, 1 and 1.0. */
uint64_t schema_value_hash(const struct json *v);

#endif
