/* Private to schema.c and schema_check.c: a compiled schema. */
#ifndef CODEC_SCHEMA_RULE_H
#define CODEC_SCHEMA_RULE_H

#include "codec/pattern.h"
#include "codec/schema.h"

/* What a keyword's argument must look like, and what is made of it. */
enum schema_shape {
    SHAPE_NOTE,  /* anything: an annotation */
    SHAPE_ANY,   /* anything */
    SHAPE_TYPE,  /* the name of a type or an array of them */
    SHAPE_ARRAY, /* an array */
    SHAPE_NUMBER,
    SHAPE_POSITIVE,
    SHAPE_COUNT, /* an integer of at least 0 */
    SHAPE_BOOL,
    SHAPE_TEXT,
    SHAPE_TEXTS, /* an array of texts */
    SHAPE_LISTS, /* an object of arrays of texts */
    SHAPE_FORMAT,
    SHAPE_PATTERN, /* a regular expression: patterns[0] */
    SHAPE_RULE,    /* a schema: rules[0] */
    SHAPE_RULES,   /* an array of schemas */
    SHAPE_NAMED,   /* an object of schemas */
    SHAPE_MATCHED, /* an object of schemas under regular expressions: rules and patterns */
    SHAPE_REF      /* a reference: rules[0] */
};

struct rule;
struct checking;
struct spot;

struct schema_entry {
    const struct schema_keyword *keyword;
    const struct json *arg;
    const struct rule **rules;
    struct pattern **patterns;
    size_t count; /* of rules or patterns */
};

struct schema_keyword {
    const char *name;
    enum schema_shape shape;
    /* NULL: only carried. Reports what is wrong and returns false. */
    bool (*check)(struct checking *c, const struct rule *owner, const struct schema_entry *e,
                  struct spot spot);
};

struct rule {
    const struct json *source; /* a boolean or an object */
    const struct schema_entry *entries;
    size_t count;
};

struct schema {
    const struct json *document;
    const struct rule *root;
    bool tracks; /* some rule asks what the others have evaluated */
};

/* In the order in which they are checked; a NULL name ends the table. */
extern const struct schema_keyword SCHEMA_KEYWORDS[];

const struct schema_entry *schema_rule_entry(const struct rule *r, const char *name);

#endif
