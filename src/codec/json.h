/* JSON (RFC 8259) as an immutable tree in the caller's arena, and a streaming writer. Reading is
 * strict: UTF-8 only, no duplicate names, no trailing bytes, depth and size capped. YAML (yaml.h)
 * gives the same tree, with places. Pure. */
#ifndef CODEC_JSON_H
#define CODEC_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

enum json_kind { JSON_NULL, JSON_BOOL, JSON_INT, JSON_REAL, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

enum { JSON_DEPTH_MAX = 64, JSON_INPUT_MAX_BYTES = 16 << 20 };

/* Values are shared freely: nothing changes a tree after it is made. A tree lives as long as the
 * arenas its parts came from. */
struct json {
    enum json_kind kind;
    uint32_t count;        /* elements or members */
    uint32_t line, column; /* 1-based place in the document the user wrote; 0 when unknown */
    union {
        bool boolean;
        int64_t integer;
        double real; /* finite */
        struct str string;
        const struct json *items;          /* JSON_ARRAY */
        const struct json_member *members; /* JSON_OBJECT, in document order */
    };
};

struct json_member {
    struct str name;
    struct json value;
    uint32_t line, column; /* of the name, in a document the user wrote; 0 when unknown */
};

/* Where and why reading failed. `text` is for the user. */
struct json_fault {
    size_t offset; /* byte offset, when known */
    int line, column;
    char text[160];
};

/* Integers outside int64 become JSON_REAL. E_INVALID (see out_fault), E_TOO_LARGE. */
enum err json_parse(struct arena *a, struct str text, const struct json **out_value,
                    struct json_fault *out_fault);
/* The same for texts of others that are kept or worked on: a short value takes many times its text,
 * so their number is bounded too, before any memory is taken. E_TOO_LARGE past values_max. */
enum err json_parse_within(struct arena *a, struct str text, size_t values_max,
                           const struct json **out_value, struct json_fault *out_fault);
/* How many values `v` is made of, itself included; stops soon after `most`. NULL has none. */
size_t json_values(const struct json *v, size_t most);

/* Reading. A missing or differently typed value gives the fallback, so that optional fields read in
 * one line; where absence matters, ask json_get first. `v` may be NULL everywhere. */
const struct json *json_get(const struct json *v, const char *name); /* NULL when absent */
const struct json *json_find(const struct json *v, struct str name);
const struct json_member *json_find_member(const struct json *v, struct str name);
const struct json *json_at(const struct json *v, size_t index);
/* "a.b[2].c"; NULL when any part is absent. */
const struct json *json_path(const struct json *v, const char *path);
bool json_is(const struct json *v, enum json_kind kind);
bool json_is_null(const struct json *v); /* absent or null */
struct str json_str(const struct json *v, const char *name, struct str fallback);
int64_t json_int(const struct json *v, const char *name, int64_t fallback);
double json_real(const struct json *v, const char *name, double fallback); /* ints too */
bool json_bool(const struct json *v, const char *name, bool fallback);
size_t json_count(const struct json *v); /* of an array or object, else 0 */
/* The value itself as text, number ... */
struct str json_text(const struct json *v, struct str fallback);
double json_number(const struct json *v, double fallback);
bool json_equal(const struct json *a, const struct json *b); /* 1 equals 1.0; order of names free */

/* Building: every call returns a new value and leaves its arguments as they were. Strings are not
 * copied: they must live as long as the value. */
extern const struct json json_null_value, json_true_value, json_false_value, json_empty_object,
    json_empty_array;
const struct json *json_new_str(struct arena *a, struct str s);
const struct json *json_new_int(struct arena *a, int64_t value);
const struct json *json_new_real(struct arena *a, double value);
const struct json *json_new_bool(bool value);
const struct json *json_new_array(struct arena *a, const struct json *const *items, size_t n);
/* An object of named values, ended by name NULL; a value of NULL leaves its name out.
 * json_object(a, {"id", id}, {"count", json_new_int(a, n)}) */
struct json_pair {
    const char *name; /* lives as long as the value: a literal */
    const struct json *value;
};
const struct json *json_new_object(struct arena *a, const struct json_pair *pairs);
#define json_object(a, ...)                                                                        \
    json_new_object((a), (const struct json_pair[]){__VA_ARGS__, {NULL, NULL}})
/* With `name` set to `value` (NULL removes it). O(members). */
const struct json *json_with(struct arena *a, const struct json *object, struct str name,
                             const struct json *value);
const struct json *json_push(struct arena *a, const struct json *array, const struct json *value);
/* RFC 7396: members of patch replace or, when null, remove those of target, recursively. */
const struct json *json_merge(struct arena *a, const struct json *target, const struct json *patch);
/* A copy whose every byte lies in `a`. */
const struct json *json_copy(struct arena *a, const struct json *v);

/* Writing: compact, correct escapes, reals that read back the same. Commas are placed by
 * the writer. Wrong nesting is a defect and asserts. The buffer's overflow flag tells a full one.
 */
struct json_out {
    struct buf *buf;
    uint32_t depth;
    bool comma; /* the next value follows another */
};
struct json_out json_out_to(struct buf *b);
void json_open_object(struct json_out *o);
void json_close_object(struct json_out *o);
void json_open_array(struct json_out *o);
void json_close_array(struct json_out *o);
void json_name(struct json_out *o, const char *name);
void json_name_str(struct json_out *o, struct str name);
void json_put_str(struct json_out *o, struct str s); /* invalid UTF-8 becomes U+FFFD */
void json_put_int(struct json_out *o, int64_t value);
void json_put_real(struct json_out *o, double value); /* not finite: null */
void json_put_bool(struct json_out *o, bool value);
void json_put_null(struct json_out *o);
void json_put(struct json_out *o, const struct json *v); /* NULL: null */
void json_put_raw(struct json_out *o, struct str json);  /* trusted, complete JSON text */
/* name and value in one */
void json_field_str(struct json_out *o, const char *name, struct str s);
void json_field_int(struct json_out *o, const char *name, int64_t value);
void json_field_real(struct json_out *o, const char *name, double value);
void json_field_bool(struct json_out *o, const char *name, bool value);
void json_field_null(struct json_out *o, const char *name);
void json_field(struct json_out *o, const char *name, const struct json *v);

/* The value as compact text in the arena; object names sorted when `canonical` (for hashing). */
struct str json_write(struct arena *a, const struct json *v);
struct str json_write_canonical(struct arena *a, const struct json *v);
struct str json_write_pretty(struct arena *a, const struct json *v); /* two spaces */

#endif
