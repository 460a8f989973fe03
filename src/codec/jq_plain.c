/* The builtins that take values and give one value. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "codec/jq_run.h"
#include "codec/text.h"

static const struct json *object_of(struct jq_run *r, struct json_member *members, size_t n)
{
    struct json object = {.kind = JSON_OBJECT, .count = (uint32_t)n, .members = members};
    return arena_memdup(r->arena, &object, sizeof(object));
}

/* Errors and types */

static const struct json *do_error(JQ_IN)
{
    r->error = args[0];
    r->error_offset = SIZE_MAX;
    return NULL;
}

static const struct json *do_error0(JQ_IN)
{
    r->error = in;
    r->error_offset = SIZE_MAX;
    return NULL;
}

static const struct json *do_type(JQ_IN)
{
    return jq_string(r, str_of(jq_type(in)));
}

static const struct json *do_not(JQ_IN)
{
    return json_new_bool(!jq_is_true(in));
}

static const struct json *do_length(JQ_IN)
{
    switch (in->kind) {
    case JSON_NULL:
        return jq_integer(r, 0);
    case JSON_BOOL:
        return jq_fail(r, "%s has no length", jq_shown(r, in));
    case JSON_INT:
    case JSON_REAL:
        return jq_number(r, fabs(json_number(in, 0)));
    case JSON_STRING:
        return jq_integer(r, text_count(in->string));
    default:
        return jq_integer(r, in->count);
    }
}

static const struct json *do_utf8bytelength(JQ_IN)
{
    return in->kind == JSON_STRING
               ? jq_integer(r, in->string.n)
               : jq_fail(r, "%s only strings have UTF-8 byte length", jq_shown(r, in));
}

static const struct json *do_tostring(JQ_IN)
{
    return in->kind == JSON_STRING ? in : jq_string(r, jq_json(r, in));
}

static const struct json *do_tonumber(JQ_IN)
{
    int64_t whole;
    double real;
    if (jq_is_number(in)) {
        return in;
    }
    if (in->kind != JSON_STRING) {
        return jq_fail(r, "%s cannot be parsed as a number", jq_shown(r, in));
    }
    struct str s = str_trim(in->string);
    if (str_to_i64(s, &whole)) {
        return json_new_int(r->arena, whole);
    }
    return str_to_double(s, &real) ? jq_number(r, real)
                                   : jq_fail(r, "%s cannot be parsed as a number", jq_shown(r, in));
}

static const struct json *do_toarray(JQ_IN)
{
    return in->kind == JSON_ARRAY ? in : json_new_array(r->arena, &in, 1);
}

static const struct json *do_tojson(JQ_IN)
{
    return jq_string(r, jq_json(r, in));
}

static const struct json *do_fromjson(JQ_IN)
{
    const struct json *v;
    struct json_fault fault;
    if (in->kind != JSON_STRING) {
        return jq_fail(r, "%s cannot be parsed as JSON", jq_shown(r, in));
    }
    if (!jq_room(r, in->string.n * 40)) {
        return NULL;
    }
    return json_parse(r->arena, in->string, &v, &fault) == E_OK
               ? v
               : jq_fail(r, "%s (while parsing JSON)", fault.text);
}

/* Objects and arrays */

static int by_name(const void *a, const void *b)
{
    const struct json *x = a, *y = b;
    return str_cmp(x->string, y->string);
}

static const struct json *keys_of(struct jq_run *r, const struct json *v, bool sorted)
{
    if (v->kind != JSON_ARRAY && v->kind != JSON_OBJECT) {
        return jq_fail(r, "%s has no keys", jq_shown(r, v));
    }
    struct json *items = jq_new_items(r, v->count);
    for (uint32_t i = 0; items && i < v->count; i++) {
        items[i] = v->kind == JSON_ARRAY
                       ? (struct json){.kind = JSON_INT, .integer = i}
                       : (struct json){.kind = JSON_STRING, .string = v->members[i].name};
    }
    if (items && sorted && v->kind == JSON_OBJECT) {
        qsort(items, v->count, sizeof(*items), by_name);
    }
    return items ? jq_array_of(r, items, v->count) : NULL;
}

static const struct json *do_keys(JQ_IN)
{
    return keys_of(r, in, true);
}

static const struct json *do_keys_unsorted(JQ_IN)
{
    return keys_of(r, in, false);
}

static const struct json *do_has(JQ_IN)
{
    if (in->kind == JSON_OBJECT && args[0]->kind == JSON_STRING) {
        return json_new_bool(json_find(in, args[0]->string) != NULL);
    }
    if (in->kind == JSON_ARRAY && jq_is_number(args[0])) {
        double at = json_number(args[0], -1);
        return json_new_bool(at >= 0 && at < in->count);
    }
    return jq_fail(r, "Cannot check whether %s has a %s key", jq_type(in), jq_type(args[0]));
}

static bool contains(struct jq_run *r, const struct json *a, const struct json *b, int depth)
{
    if (!jq_step(r) || depth > JQ_VALUE_DEPTH_MAX) {
        jq_spend(r, "a value is nested too deep");
        return false;
    }
    if (a->kind == JSON_OBJECT && b->kind == JSON_OBJECT) {
        for (uint32_t i = 0; i < b->count; i++) {
            const struct json *same = json_find(a, b->members[i].name);
            if (!same || !contains(r, same, &b->members[i].value, depth + 1)) {
                return false;
            }
        }
        return true;
    }
    if (a->kind == JSON_ARRAY && b->kind == JSON_ARRAY) {
        for (uint32_t i = 0; i < b->count; i++) {
            bool found = false;
            for (uint32_t k = 0; k < a->count && !found && !r->spent; k++) {
                found = contains(r, &a->items[k], &b->items[i], depth + 1);
            }
            if (!found) {
                return false;
            }
        }
        return true;
    }
    if (a->kind == JSON_STRING && b->kind == JSON_STRING) {
        return str_find(a->string, b->string) >= 0;
    }
    return jq_order(r, a, b) == 0;
}

static const struct json *do_contains(JQ_IN)
{
    bool comparable = in->kind == args[0]->kind || (jq_is_number(in) && jq_is_number(args[0]));
    if (!comparable) {
        return jq_fail(r, "%s and %s cannot have their containment checked", jq_shown(r, in),
                       jq_shown(r, args[0]));
    }
    return json_new_bool(contains(r, in, args[0], 0));
}

static const struct json *do_to_entries(JQ_IN)
{
    if (in->kind != JSON_OBJECT) {
        return jq_fail(r, "%s has no keys", jq_shown(r, in));
    }
    struct json *items = jq_new_items(r, in->count);
    if (!items || !jq_room(r, in->count * 2 * sizeof(struct json_member))) {
        return NULL;
    }
    struct json_member *pairs = ARENA_ARRAY(r->arena, struct json_member, in->count * 2);
    for (uint32_t i = 0; i < in->count; i++) {
        const struct json_member *m = &in->members[i];
        struct json key = {.kind = JSON_STRING, .string = m->name};
        pairs[2 * i] = (struct json_member){.name = STR("key"), .value = key};
        pairs[2 * i + 1] = (struct json_member){.name = STR("value"), .value = m->value};
        items[i] = (struct json){.kind = JSON_OBJECT, .count = 2, .members = &pairs[2 * i]};
    }
    return jq_array_of(r, items, in->count);
}

/* The first of the members that is there (and not null). */
static const struct json *first_member(const struct json *v, const char *const *names)
{
    for (; *names; names++) {
        const struct json *m = json_get(v, *names);
        if (m && m->kind != JSON_NULL) {
            return m;
        }
    }
    return &json_null_value;
}

static const struct json *do_from_entries(JQ_IN)
{
    static const char *const KEYS[] = {"key", "k", "name", "Name", "Key", "K", NULL};
    static const char *const VALUES[] = {"value", "v", "Value", "V", NULL};
    if (in->kind != JSON_ARRAY || !jq_room(r, in->count * sizeof(struct json_member))) {
        return r->spent ? NULL : jq_fail(r, "Cannot iterate over %s", jq_shown(r, in));
    }
    struct json_member *members = ARENA_ARRAY(r->arena, struct json_member, in->count);
    struct json made = {.kind = JSON_OBJECT, .members = members};
    for (uint32_t i = 0; i < in->count && jq_step(r); i++) {
        const struct json *entry = &in->items[i];
        if (entry->kind != JSON_OBJECT) {
            return jq_fail(r, "Cannot index %s with \"key\"", jq_type(entry));
        }
        struct str name = jq_text(r, first_member(entry, KEYS));
        const struct json_member *same = json_find_member(&made, name);
        size_t at = same ? (size_t)(same - members) : made.count++;
        r->steps += made.count / 16;
        members[at] = (struct json_member){.name = name, .value = *first_member(entry, VALUES)};
    }
    return object_of(r, members, made.count);
}

static const struct json *do_add(JQ_IN)
{
    if (in->kind != JSON_ARRAY && in->kind != JSON_OBJECT) {
        return jq_fail(r, "Cannot iterate over %s", jq_shown(r, in));
    }
    size_t text_bytes = 0, elements = 0, strings = 0, arrays = 0;
    for (uint32_t i = 0; i < in->count && in->kind == JSON_ARRAY; i++) {
        const struct json *v = &in->items[i];
        strings += v->kind == JSON_STRING;
        arrays += v->kind == JSON_ARRAY;
        text_bytes += v->kind == JSON_STRING ? v->string.n : 0;
        elements += v->kind == JSON_ARRAY ? v->count : 0;
    }
    if (in->count &&
        strings == in->count) { /* at once, where one by one would copy again and again */
        char *p = jq_room(r, text_bytes + 1) ? arena_alloc(r->arena, text_bytes + 1) : NULL;
        for (size_t i = 0, at = 0; p && i < in->count; at += in->items[i++].string.n) {
            memcpy(p + at, in->items[i].string.p, in->items[i].string.n);
        }
        return p ? jq_string(r, str_make(p, text_bytes)) : NULL;
    }
    if (in->count && arrays == in->count) {
        struct json *items = jq_new_items(r, elements);
        for (size_t i = 0, at = 0; items && i < in->count; at += in->items[i++].count) {
            if (in->items[i].count) {
                memcpy(items + at, in->items[i].items, in->items[i].count * sizeof(*items));
            }
        }
        return items ? jq_array_of(r, items, elements) : NULL;
    }
    const struct json *sum = &json_null_value;
    for (uint32_t i = 0; sum && i < in->count && jq_step(r); i++) {
        const struct json *v = in->kind == JSON_ARRAY ? &in->items[i] : &in->members[i].value;
        sum = jq_calculate(r, JQ_OP_ADD, sum, v);
    }
    return sum;
}

static const struct json *any_or_all(struct jq_run *r, const struct json *v, bool any)
{
    if (v->kind != JSON_ARRAY && v->kind != JSON_OBJECT) {
        return jq_fail(r, "Cannot iterate over %s", jq_shown(r, v));
    }
    for (uint32_t i = 0; i < v->count; i++) {
        const struct json *part = v->kind == JSON_ARRAY ? &v->items[i] : &v->members[i].value;
        if (jq_is_true(part) == any) {
            return json_new_bool(any);
        }
    }
    return json_new_bool(!any);
}

static const struct json *do_any(JQ_IN)
{
    return any_or_all(r, in, true);
}

static const struct json *do_all(JQ_IN)
{
    return any_or_all(r, in, false);
}

static void flatten_into(struct jq_run *r, struct jq_list *list, const struct json *v, double depth)
{
    for (uint32_t i = 0; i < v->count && jq_step(r); i++) {
        if (v->items[i].kind == JSON_ARRAY && depth > 0) {
            flatten_into(r, list, &v->items[i], depth - 1);
        } else {
            jq_list_add(r, list, &v->items[i]);
        }
    }
}

static const struct json *flatten(struct jq_run *r, const struct json *v, double depth)
{
    if (v->kind != JSON_ARRAY) {
        return jq_fail(r, "Cannot iterate over %s", jq_shown(r, v));
    }
    if (depth < 0) {
        return jq_fail(r, "flatten depth must not be negative");
    }
    struct jq_list list = jq_list_make();
    flatten_into(r, &list, v, depth < JQ_VALUE_DEPTH_MAX ? depth : JQ_VALUE_DEPTH_MAX);
    return jq_list_array(r, &list);
}

static const struct json *do_flatten(JQ_IN)
{
    return flatten(r, in, JQ_VALUE_DEPTH_MAX);
}

static const struct json *do_flatten1(JQ_IN)
{
    return jq_is_number(args[0]) ? flatten(r, in, json_number(args[0], 0))
                                 : jq_fail(r, "flatten depth must be a number");
}

static const struct json *do_reverse(JQ_IN)
{
    if (in->kind == JSON_NULL) {
        return &json_empty_array;
    }
    if (in->kind != JSON_ARRAY) {
        return jq_fail(r, "Cannot reverse %s", jq_shown(r, in));
    }
    struct json *items = jq_new_items(r, in->count);
    for (uint32_t i = 0; items && i < in->count; i++) {
        items[i] = in->items[in->count - 1 - i];
    }
    return items ? jq_array_of(r, items, in->count) : NULL;
}

static const struct json *do_sort(JQ_IN)
{
    return in->kind == JSON_ARRAY
               ? jq_sorted(r, in)
               : jq_fail(r, "%s cannot be sorted, as it is not an array", jq_shown(r, in));
}

static const struct json *do_unique(JQ_IN)
{
    const struct json *sorted = do_sort(r, in, args);
    struct json *items = sorted ? jq_new_items(r, sorted->count) : NULL;
    size_t n = 0;
    for (uint32_t i = 0; items && i < sorted->count; i++) {
        if (n == 0 || jq_order(r, &items[n - 1], &sorted->items[i]) != 0) {
            items[n++] = sorted->items[i];
        }
    }
    return items ? jq_array_of(r, items, n) : NULL;
}

static const struct json *extreme(struct jq_run *r, const struct json *v, int sign)
{
    if (v->kind != JSON_ARRAY) {
        return jq_fail(r, "Cannot index %s with number", jq_type(v));
    }
    const struct json *best = &json_null_value;
    for (uint32_t i = 0; i < v->count && !r->spent; i++) {
        int order = i ? jq_order(r, &v->items[i], best) * sign : 1;
        best = order > 0 || (order == 0 && sign > 0) ? &v->items[i] : best;
    }
    return best;
}

static const struct json *do_min(JQ_IN)
{
    return extreme(r, in, -1);
}

static const struct json *do_max(JQ_IN)
{
    return extreme(r, in, 1);
}

static const struct json *do_transpose(JQ_IN)
{
    size_t width = 0;
    for (uint32_t i = 0; in->kind == JSON_ARRAY && i < in->count; i++) {
        if (in->items[i].kind != JSON_ARRAY) {
            return jq_fail(r, "Cannot index %s with number", jq_type(&in->items[i]));
        }
        width = in->items[i].count > width ? in->items[i].count : width;
    }
    struct json *rows = in->kind == JSON_ARRAY ? jq_new_items(r, width) : NULL;
    for (size_t k = 0; rows && k < width; k++) {
        struct json *items = jq_new_items(r, in->count);
        for (uint32_t i = 0; items && i < in->count; i++) {
            items[i] = k < in->items[i].count ? in->items[i].items[k] : json_null_value;
        }
        if (!items) {
            return NULL;
        }
        rows[k] = *jq_array_of(r, items, in->count);
    }
    return rows       ? jq_array_of(r, rows, width)
           : r->spent ? NULL
                      : jq_fail(r, "Cannot iterate over %s", jq_shown(r, in));
}

/* Paths as values */

static const struct json *do_setpath(JQ_IN)
{
    if (args[0]->kind != JSON_ARRAY) {
        return jq_fail(r, "Path must be specified as an array");
    }
    r->epoch++;
    const struct json *v = jq_path_set(r, in, args[0], args[1]);
    r->epoch++;
    return v;
}

static const struct json *do_delpaths(JQ_IN)
{
    return args[0]->kind == JSON_ARRAY ? jq_path_delete(r, in, args[0])
                                       : jq_fail(r, "Paths must be specified as an array");
}

const struct jq_builtin jq_plain_table[] = {
    {"error", 1, do_error, NULL},
    {"error", 0, do_error0, NULL},
    {"type", 0, do_type, NULL},
    {"not", 0, do_not, NULL},
    {"length", 0, do_length, NULL},
    {"utf8bytelength", 0, do_utf8bytelength, NULL},
    {"tostring", 0, do_tostring, NULL},
    {"tonumber", 0, do_tonumber, NULL},
    {"toarray", 0, do_toarray, NULL},
    {"tojson", 0, do_tojson, NULL},
    {"fromjson", 0, do_fromjson, NULL},
    {"keys", 0, do_keys, NULL},
    {"keys_unsorted", 0, do_keys_unsorted, NULL},
    {"has", 1, do_has, NULL},
    {"contains", 1, do_contains, NULL},
    {"to_entries", 0, do_to_entries, NULL},
    {"from_entries", 0, do_from_entries, NULL},
    {"add", 0, do_add, NULL},
    {"any", 0, do_any, NULL},
    {"all", 0, do_all, NULL},
    {"flatten", 0, do_flatten, NULL},
    {"flatten", 1, do_flatten1, NULL},
    {"reverse", 0, do_reverse, NULL},
    {"sort", 0, do_sort, NULL},
    {"unique", 0, do_unique, NULL},
    {"min", 0, do_min, NULL},
    {"max", 0, do_max, NULL},
    {"transpose", 0, do_transpose, NULL},
    {"setpath", 2, do_setpath, NULL},
    {"delpaths", 1, do_delpaths, NULL},
    {NULL, 0, NULL, NULL},
};
