#include "codec/json.h"

#include <stdio.h>
#include <string.h>

#include "codec/json_scan.h"
#include "codec/simdjson_read.h"

const struct json json_null_value = {.kind = JSON_NULL};
const struct json json_true_value = {.kind = JSON_BOOL, .boolean = true};
const struct json json_false_value = {.kind = JSON_BOOL, .boolean = false};
const struct json json_empty_object = {.kind = JSON_OBJECT};
const struct json json_empty_array = {.kind = JSON_ARRAY};

enum err json_parse(struct arena *a, struct str text, const struct json **out_value,
                    struct json_fault *out_fault)
{
    if (text.n > JSON_INPUT_MAX_BYTES) {
        if (out_fault) {
            *out_fault = (struct json_fault){.text = "the document is larger than 16 MiB"};
        }
        return E_TOO_LARGE;
    }
    if (simdjson_read(a, text, out_value)) {
        return E_OK;
    }
    return json_scan(a, text, out_value, out_fault);
}

/* How many values a text has when it is JSON; what is none is counted somehow. Stops after `most`.
 */
static size_t values_in(struct str text, size_t most)
{
    size_t n = 1;
    bool quoted = false, opened = false; /* nothing seen since the bracket */
    for (size_t i = 0; i < text.n && n - opened <= most; i++) {
        char ch = text.p[i];
        if (quoted) {
            i += ch == '\\';
            quoted = ch != '"';
            continue;
        }
        quoted = ch == '"';
        n -= opened && (ch == ']' || ch == '}');
        n += ch == ',' || ch == '[' || ch == '{';
        opened = ch == '[' || ch == '{' || (opened && (ch == ' ' || (ch >= '\t' && ch <= '\r')));
    }
    return n;
}

enum err json_parse_within(struct arena *a, struct str text, size_t values_max,
                           const struct json **out_value, struct json_fault *out_fault)
{
    /* a value and what parts it from the next are two bytes at least */
    if (text.n / 2 + 1 > values_max && values_in(text, values_max) > values_max) {
        if (out_fault) {
            *out_fault = (struct json_fault){0};
            snprintf(out_fault->text, sizeof(out_fault->text),
                     "the document has more than %zu values", values_max);
        }
        return E_TOO_LARGE;
    }
    return json_parse(a, text, out_value, out_fault);
}

size_t json_values(const struct json *v, size_t most)
{
    size_t n = v != NULL;
    for (size_t i = 0; i < json_count(v) && n <= most; i++) {
        const struct json *part = v->kind == JSON_ARRAY ? &v->items[i] : &v->members[i].value;
        n += json_values(part, most - n);
    }
    return n;
}

/* Reading */

const struct json_member *json_find_member(const struct json *v, struct str name)
{
    if (!v || v->kind != JSON_OBJECT) {
        return NULL;
    }
    for (uint32_t i = 0; i < v->count; i++) {
        if (str_eq(v->members[i].name, name)) {
            return &v->members[i];
        }
    }
    return NULL;
}

const struct json *json_find(const struct json *v, struct str name)
{
    const struct json_member *m = json_find_member(v, name);
    return m ? &m->value : NULL;
}

const struct json *json_get(const struct json *v, const char *name)
{
    return json_find(v, str_of(name));
}

const struct json *json_at(const struct json *v, size_t index)
{
    return v && v->kind == JSON_ARRAY && index < v->count ? &v->items[index] : NULL;
}

/* Cuts "[12]" off the front of the path. */
static bool take_index(const char **path, size_t *out_index)
{
    const char *p = *path + 1;
    size_t index = 0, digits = 0;
    for (; *p >= '0' && *p <= '9' && digits < 9; p++, digits++) {
        index = index * 10 + (size_t)(*p - '0');
    }
    if (digits == 0 || *p != ']') {
        return false;
    }
    *path = p + 1;
    *out_index = index;
    return true;
}

const struct json *json_path(const struct json *v, const char *path)
{
    while (v && *path) {
        if (*path == '[') {
            size_t index;
            v = take_index(&path, &index) ? json_at(v, index) : NULL;
        } else {
            path += *path == '.';
            size_t n = strcspn(path, ".[");
            v = json_find(v, str_make(path, n));
            path += n;
        }
    }
    return v;
}

bool json_is(const struct json *v, enum json_kind kind)
{
    return v && v->kind == kind;
}

bool json_is_null(const struct json *v)
{
    return !v || v->kind == JSON_NULL;
}

struct str json_text(const struct json *v, struct str fallback)
{
    return json_is(v, JSON_STRING) ? v->string : fallback;
}

double json_number(const struct json *v, double fallback)
{
    if (json_is(v, JSON_INT)) {
        return (double)v->integer;
    }
    return json_is(v, JSON_REAL) ? v->real : fallback;
}

struct str json_str(const struct json *v, const char *name, struct str fallback)
{
    return json_text(json_get(v, name), fallback);
}

int64_t json_int(const struct json *v, const char *name, int64_t fallback)
{
    const struct json *m = json_get(v, name);
    return json_is(m, JSON_INT) ? m->integer : fallback;
}

double json_real(const struct json *v, const char *name, double fallback)
{
    return json_number(json_get(v, name), fallback);
}

bool json_bool(const struct json *v, const char *name, bool fallback)
{
    const struct json *m = json_get(v, name);
    return json_is(m, JSON_BOOL) ? m->boolean : fallback;
}

size_t json_count(const struct json *v)
{
    return v && (v->kind == JSON_ARRAY || v->kind == JSON_OBJECT) ? v->count : 0;
}

/* Exact: an int and a real are equal only when the real is that very integer. */
static bool int_equals_real(int64_t i, double r)
{
    return r >= -0x1p63 && r < 0x1p63 && r == (double)(int64_t)r && (int64_t)r == i;
}

static bool numbers_equal(const struct json *a, const struct json *b)
{
    if (a->kind == b->kind) {
        return a->kind == JSON_INT ? a->integer == b->integer : a->real == b->real;
    }
    return a->kind == JSON_INT ? int_equals_real(a->integer, b->real)
                               : int_equals_real(b->integer, a->real);
}

static bool members_equal(const struct json *a, const struct json *b)
{
    for (uint32_t i = 0; i < a->count; i++) {
        const struct json_member *m = &a->members[i];
        const struct json *other = i < b->count && str_eq(b->members[i].name, m->name)
                                       ? &b->members[i].value
                                       : json_find(b, m->name);
        if (!other || !json_equal(&m->value, other)) {
            return false;
        }
    }
    return true;
}

bool json_equal(const struct json *a, const struct json *b)
{
    if (!a || !b || a == b) {
        return a == b;
    }
    bool a_number = a->kind == JSON_INT || a->kind == JSON_REAL;
    bool b_number = b->kind == JSON_INT || b->kind == JSON_REAL;
    if (a_number && b_number) {
        return numbers_equal(a, b);
    }
    if (a->kind != b->kind) {
        return false;
    }
    switch (a->kind) {
    case JSON_BOOL:
        return a->boolean == b->boolean;
    case JSON_STRING:
        return str_eq(a->string, b->string);
    case JSON_ARRAY:
        for (uint32_t i = 0; i < a->count && a->count == b->count; i++) {
            if (!json_equal(&a->items[i], &b->items[i])) {
                return false;
            }
        }
        return a->count == b->count;
    case JSON_OBJECT:
        return a->count == b->count && members_equal(a, b);
    default:
        return true;
    }
}

/* Building */

static const struct json *keep(struct arena *a, struct json v)
{
    return arena_memdup(a, &v, sizeof(v));
}

const struct json *json_new_str(struct arena *a, struct str s)
{
    return keep(a, (struct json){.kind = JSON_STRING, .string = s});
}

const struct json *json_new_int(struct arena *a, int64_t value)
{
    return keep(a, (struct json){.kind = JSON_INT, .integer = value});
}

const struct json *json_new_real(struct arena *a, double value)
{
    if (!__builtin_isfinite(value)) {
        return &json_null_value;
    }
    return keep(a, (struct json){.kind = JSON_REAL, .real = value});
}

const struct json *json_new_bool(bool value)
{
    return value ? &json_true_value : &json_false_value;
}

const struct json *json_new_array(struct arena *a, const struct json *const *items, size_t n)
{
    struct json *copy = ARENA_ARRAY(a, struct json, n);
    for (size_t i = 0; i < n; i++) {
        copy[i] = items[i] ? *items[i] : json_null_value;
    }
    return keep(a, (struct json){.kind = JSON_ARRAY, .count = (uint32_t)n, .items = copy});
}

static const struct json *object_of(struct arena *a, const struct json_member *members, size_t n)
{
    return keep(a, (struct json){.kind = JSON_OBJECT, .count = (uint32_t)n, .members = members});
}

const struct json *json_new_object(struct arena *a, const struct json_pair *pairs)
{
    size_t n = 0;
    while (pairs[n].name) {
        n++;
    }
    struct json_member *members = ARENA_ARRAY(a, struct json_member, n);
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        if (pairs[i].value) {
            members[kept++] =
                (struct json_member){.name = str_of(pairs[i].name), .value = *pairs[i].value};
        }
    }
    return object_of(a, members, kept);
}

const struct json *json_with(struct arena *a, const struct json *object, struct str name,
                             const struct json *value)
{
    uint32_t n = json_is(object, JSON_OBJECT) ? object->count : 0, kept = 0;
    struct json_member *members = ARENA_ARRAY(a, struct json_member, n + 1);
    bool placed = value == NULL;
    for (uint32_t i = 0; i < n; i++) {
        if (!str_eq(object->members[i].name, name)) {
            members[kept++] = object->members[i];
        } else if (value) {
            members[kept++] = (struct json_member){.name = name, .value = *value};
            placed = true;
        }
    }
    if (!placed) {
        members[kept++] = (struct json_member){.name = name, .value = *value};
    }
    return object_of(a, members, kept);
}

const struct json *json_push(struct arena *a, const struct json *array, const struct json *value)
{
    uint32_t n = json_is(array, JSON_ARRAY) ? array->count : 0;
    struct json *items = ARENA_ARRAY(a, struct json, n + 1);
    if (n) {
        memcpy(items, array->items, n * sizeof(*items));
    }
    items[n] = value ? *value : json_null_value;
    return keep(a, (struct json){.kind = JSON_ARRAY, .count = n + 1, .items = items});
}

const struct json *json_merge(struct arena *a, const struct json *target, const struct json *patch)
{
    if (!json_is(patch, JSON_OBJECT)) {
        return patch ? patch : &json_null_value;
    }
    uint32_t n = json_is(target, JSON_OBJECT) ? target->count : 0, kept = 0;
    struct json_member *members = ARENA_ARRAY(a, struct json_member, n + patch->count);
    for (uint32_t i = 0; i < n; i++) {
        struct json_member m = target->members[i];
        const struct json *change = json_find(patch, m.name);
        if (!change || change->kind != JSON_NULL) {
            m.value = change ? *json_merge(a, &m.value, change) : m.value;
            members[kept++] = m;
        }
    }
    for (uint32_t i = 0; i < patch->count; i++) {
        struct json_member m = patch->members[i];
        if (m.value.kind != JSON_NULL && !(n && json_find(target, m.name))) {
            m.value = *json_merge(a, NULL, &m.value); /* drops nested nulls */
            members[kept++] = m;
        }
    }
    return object_of(a, members, kept);
}

static struct json copy_into(struct arena *a, const struct json *v)
{
    struct json copy = *v;
    if (v->kind == JSON_STRING) {
        copy.string = str_dup(a, v->string);
    } else if (v->kind == JSON_ARRAY) {
        struct json *items = ARENA_ARRAY(a, struct json, v->count);
        for (uint32_t i = 0; i < v->count; i++) {
            items[i] = copy_into(a, &v->items[i]);
        }
        copy.items = items;
    } else if (v->kind == JSON_OBJECT) {
        struct json_member *members = ARENA_ARRAY(a, struct json_member, v->count);
        for (uint32_t i = 0; i < v->count; i++) {
            members[i] = v->members[i];
            members[i].name = str_dup(a, v->members[i].name);
            members[i].value = copy_into(a, &v->members[i].value);
        }
        copy.members = members;
    }
    return copy;
}

const struct json *json_copy(struct arena *a, const struct json *v)
{
    return v ? keep(a, copy_into(a, v)) : &json_null_value;
}
