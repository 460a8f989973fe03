/* Field tables: one row per member of a JSON object drives decoding into a C struct, validation,
 * the encoding back and the schema in the API pages. A reader never fails on the order of members;
 * it refuses unknown ones. Pure.
 *
 *   static const char *const STAGES[] = {"trial", "live", NULL};
 *   static const struct field ACCOUNT_FIELDS[] = {
 *       FIELD(struct account, name, FIELD_STR, .flags = FIELD_REQUIRED, .min = 1, .max = 120),
 *       FIELD(struct account, stage, FIELD_ENUM, .values = STAGES),
 *   };
 *   static const struct field_table ACCOUNT = FIELD_TABLE("Account", ACCOUNT_FIELDS);
 */
#ifndef CODEC_FIELD_H
#define CODEC_FIELD_H

#include "base/id.h"
#include "codec/json.h"

enum field_kind {
    FIELD_STR,    /* struct str; min and max count characters */
    FIELD_ID,     /* struct id */
    FIELD_INT,    /* int64_t */
    FIELD_REAL,   /* double */
    FIELD_BOOL,   /* bool */
    FIELD_ENUM,   /* int: index into values; -1 when null or absent */
    FIELD_TIME,   /* int64_t Unix ms; ISO 8601 text is accepted too */
    FIELD_STRS,   /* struct field_strs: an array of texts; min and max count them */
    FIELD_JSON,   /* const struct json *: any value */
    FIELD_OBJECT, /* const struct json *, must be an object */
    FIELD_LIST    /* const struct json *, must be an array; min and max count elements */
};

enum {
    FIELD_REQUIRED = 1 << 0,
    FIELD_NULLABLE = 1 << 1, /* null is accepted: the member is zeroed (ids unset, enums -1) */
    FIELD_PERSONAL = 1 << 2, /* kept from logs, found and erased on request */
    FIELD_SECRET = 1 << 3,   /* never encoded */
    FIELD_READ_ONLY = 1 << 4 /* encoded, refused when reading */
};

enum field_form { /* of FIELD_STR */
                  FIELD_ANY,
                  FIELD_EMAIL,
                  FIELD_URL,   /* http or https */
                  FIELD_SLUG,  /* a-z 0-9 and -, starting with a letter */
                  FIELD_SNAKE, /* a-z 0-9 and _, starting with a letter */
                  FIELD_DATE,  /* 2026-03-01 */
                  FIELD_LINE   /* no control characters */
};

enum { FIELD_STR_DEFAULT_MAX = 1000, FIELDS_MAX = 63 };

struct field_strs {
    const struct str *items;
    size_t count;
};

struct field {
    const char *name; /* in JSON; the same as in C and SQL */
    enum field_kind kind;
    size_t offset;
    unsigned flags;
    int64_t min, max; /* both 0: none (texts: FIELD_STR_DEFAULT_MAX) */
    enum field_form form;
    const char *const *values; /* FIELD_ENUM; NULL ends the list */
    const char *title;         /* one line for the API pages */
};

struct field_table {
    const char *name; /* of the schema in /openapi.json */
    const struct field *fields;
    int count; /* <= FIELDS_MAX */
    /* Where the struct has a uint64_t `given` whose bit i says that member i was present (for
     * PATCH). */
    bool has_given;
    size_t given_offset;
};

#define FIELD(type, member, kind_, ...)                                                            \
    {                                                                                              \
        .name = #member, .kind = (kind_), .offset = offsetof(type, member), __VA_ARGS__            \
    }
#define FIELD_TABLE(name_, fields_)                                                                \
    {                                                                                              \
        .name = (name_), .fields = (fields_),                                                      \
        .count = (int)(sizeof(fields_) / sizeof((fields_)[0]))                                     \
    }
#define FIELD_TABLE_GIVEN(name_, fields_, type, member)                                            \
    {                                                                                              \
        .name = (name_), .fields = (fields_),                                                      \
        .count = (int)(sizeof(fields_) / sizeof((fields_)[0])), .has_given = true,                 \
        .given_offset = offsetof(type, member)                                                     \
    }

struct field_fault {
    char path[96];
    char text[160];
};

/* Fills the struct, which the caller zeroed or gave defaults: absent members are left as they were.
 * Texts point into `value`. E_INVALID with out_fault; the struct is then of no use. */
enum err field_read(const struct field_table *t, struct arena *a, const struct json *value,
                    void *out_struct, struct field_fault *out_fault);
/* The same, but nothing is required: for PATCH, together with `given`. */
enum err field_read_part(const struct field_table *t, struct arena *a, const struct json *value,
                         void *out_struct, struct field_fault *out_fault);
bool field_given(uint64_t given, const struct field_table *t, const char *name);

/* The members, without braces, so that more can be added to the object; unset ids and enums are
 * null. */
void field_write_members(const struct field_table *t, const void *in_struct, struct json_out *o);
void field_write(const struct field_table *t, const void *in_struct, struct json_out *o);

/* The JSON Schema of the object, as a request body or as an answer. */
enum field_side { FIELD_REQUEST, FIELD_ANSWER };
void field_schema(const struct field_table *t, enum field_side side, struct json_out *o);

#endif
