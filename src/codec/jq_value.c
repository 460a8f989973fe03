/* What jq does with values: bounds, errors, order, arithmetic, looking inside. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/jq_run.h"
#include "codec/text.h"

enum { ROOM_KEPT_BYTES = 64 << 10, SHOWN_MAX_CHARS = 40, ERROR_MAX_BYTES = 190 };

/* Bounds */

enum jq_flow jq_spend(struct jq_run *r, const char *bound)
{
    r->spent = r->spent ? r->spent : bound;
    return JQ_SPENT;
}

bool jq_step(struct jq_run *r)
{
    if (++r->steps > JQ_STEPS_MAX) {
        jq_spend(r, "the program takes too many steps");
    } else if (arena_left_bytes(r->arena) < ROOM_KEPT_BYTES) {
        jq_spend(r, "the program makes too many values");
    }
    return !r->spent;
}

bool jq_room(struct jq_run *r, size_t n_bytes)
{
    if (n_bytes > JQ_MEMORY_MAX_BYTES || n_bytes + ROOM_KEPT_BYTES > arena_left_bytes(r->arena)) {
        jq_spend(r, "the program makes too many values");
    }
    return !r->spent;
}

/* Errors */

const struct json *jq_fail(struct jq_run *r, const char *fmt, ...)
{
    char text[ERROR_MAX_BYTES + 1];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    struct str cut = text_cut_bytes(str_of(text), ERROR_MAX_BYTES);
    r->error = json_new_str(r->arena, str_dup(r->arena, cut));
    r->error_offset = SIZE_MAX;
    return NULL;
}

enum jq_flow jq_failed(struct jq_run *r, const struct jq_node *n)
{
    if (r->spent) {
        return JQ_SPENT;
    }
    r->error_offset = r->error_offset == SIZE_MAX ? n->offset : r->error_offset;
    return JQ_ERROR;
}

const char *jq_type(const struct json *v)
{
    static const char *const NAMES[] = {"null",   "boolean", "number", "number",
                                        "string", "array",   "object"};
    return NAMES[v->kind];
}

const char *jq_shown(struct jq_run *r, const struct json *v)
{
    struct str text = text_shorten(r->arena, jq_json(r, v), SHOWN_MAX_CHARS);
    return str_fmt(r->arena, "%s (%.*s)", jq_type(v), STR_ARG(text)).p;
}

/* Values */

bool jq_is_true(const struct json *v)
{
    return v->kind != JSON_NULL && (v->kind != JSON_BOOL || v->boolean);
}

const struct json *jq_string(struct jq_run *r, struct str s)
{
    return json_new_str(r->arena, s);
}

const struct json *jq_number(struct jq_run *r, double value)
{
    if (value == floor(value) && fabs(value) < 0x1p53) {
        return json_new_int(r->arena, (int64_t)value);
    }
    return isfinite(value) ? json_new_real(r->arena, value)
                           : jq_fail(r, "the result is not a finite number");
}

static bool is_number(const struct json *v)
{
    return v->kind == JSON_INT || v->kind == JSON_REAL;
}

/* How many bytes a copy takes; more than `most` is not counted further. */
static size_t measure(struct jq_run *r, const struct json *v, size_t most, int depth)
{
    size_t n = 2 * sizeof(struct json_member);
    if (depth > JQ_VALUE_DEPTH_MAX) {
        jq_spend(r, "a value is nested too deep");
        return most + 1;
    }
    if (v->kind == JSON_STRING) {
        return n + v->string.n + 16;
    }
    for (uint32_t i = 0; i < json_count(v) && n <= most && !r->spent; i++) {
        bool object = v->kind == JSON_OBJECT;
        const struct json *part = object ? &v->members[i].value : &v->items[i];
        n += measure(r, part, most - n, depth + 1) + (object ? v->members[i].name.n + 16 : 0);
    }
    return n;
}

/* Shares nothing with the value. Whole numbers are integers, as jq knows only one kind of number.
 */
static struct json clean_copy(struct arena *a, const struct json *v)
{
    struct json copy = *v;
    copy.line = copy.column = 0; /* jq_path.c marks values there */
    if (v->kind == JSON_REAL && fabs(v->real) < 0x1p53 && v->real == floor(v->real)) {
        copy = (struct json){.kind = JSON_INT, .integer = (int64_t)v->real};
    } else if (v->kind == JSON_STRING) {
        copy.string = str_dup(a, v->string);
    } else if (v->kind == JSON_ARRAY) {
        struct json *items = ARENA_ARRAY(a, struct json, v->count);
        for (uint32_t i = 0; i < v->count; i++) {
            items[i] = clean_copy(a, &v->items[i]);
        }
        copy.items = items;
    } else if (v->kind == JSON_OBJECT) {
        struct json_member *members = ARENA_ARRAY(a, struct json_member, v->count);
        for (uint32_t i = 0; i < v->count; i++) {
            members[i].name = str_dup(a, v->members[i].name);
            members[i].value = clean_copy(a, &v->members[i].value);
        }
        copy.members = members;
    }
    return copy;
}

struct str jq_json(struct jq_run *r, const struct json *v)
{
    const size_t most = JQ_MEMORY_MAX_BYTES / 8;
    size_t n = measure(r, v, most, 0);
    if (n > most || !jq_room(r, 7 * n)) { /* the copy, and in JSON a byte becomes at most six */
        jq_spend(r, "the program makes too many values");
        return STR("");
    }
    struct json copy = clean_copy(r->arena, v);
    return json_write(r->arena, &copy);
}

struct str jq_text(struct jq_run *r, const struct json *v)
{
    return v->kind == JSON_STRING ? v->string : jq_json(r, v);
}

const struct json *jq_copy_out(struct jq_run *r, struct arena *a, const struct json *v)
{
    size_t left = arena_left_bytes(a);
    size_t most = left < JQ_MEMORY_MAX_BYTES ? left : JQ_MEMORY_MAX_BYTES;
    if (measure(r, v, most, 0) > most) {
        jq_spend(r, "the result is too large");
        return NULL;
    }
    struct json copy = clean_copy(a, v);
    return arena_memdup(a, &copy, sizeof(copy));
}

/* Order: null, false, true, numbers, texts, arrays, objects */

static int rank_of(const struct json *v)
{
    static const int RANKS[] = {0, 1, 3, 3, 4, 5, 6};
    return RANKS[v->kind] + (v->kind == JSON_BOOL && v->boolean);
}

static int order_within(struct jq_run *r, const struct json *a, const struct json *b, int depth);

static int compare_numbers(const struct json *a, const struct json *b)
{
    if (a->kind == JSON_INT && b->kind == JSON_INT) {
        return a->integer < b->integer ? -1 : a->integer > b->integer;
    }
    double x = json_number(a, 0), y = json_number(b, 0);
    return x < y ? -1 : x > y;
}

static int by_name(const void *a, const void *b)
{
    const struct json_member *const *x = a, *const *y = b;
    return str_cmp((*x)->name, (*y)->name);
}

static const struct json_member **sorted_members(struct jq_run *r, const struct json *v)
{
    if (!jq_room(r, v->count * sizeof(struct json_member *))) {
        return NULL;
    }
    const struct json_member **m = arena_array(r->arena, v->count, sizeof(*m));
    for (uint32_t i = 0; i < v->count; i++) {
        m[i] = &v->members[i];
    }
    qsort(m, v->count, sizeof(*m), by_name);
    return m;
}

/* First by their sorted names, as if these were arrays, then by the values under them. */
static int compare_objects(struct jq_run *r, const struct json *a, const struct json *b, int depth)
{
    const struct json_member **x = sorted_members(r, a), **y = sorted_members(r, b);
    if (!x || !y) {
        return 0;
    }
    uint32_t n = a->count < b->count ? a->count : b->count;
    for (uint32_t i = 0; i < n; i++) {
        int order = str_cmp(x[i]->name, y[i]->name);
        if (order) {
            return order;
        }
    }
    if (a->count != b->count) {
        return a->count < b->count ? -1 : 1;
    }
    for (uint32_t i = 0; i < n; i++) {
        int order = order_within(r, &x[i]->value, &y[i]->value, depth + 1);
        if (order) {
            return order;
        }
    }
    return 0;
}

static int order_within(struct jq_run *r, const struct json *a, const struct json *b, int depth)
{
    int x = rank_of(a), y = rank_of(b);
    if (x != y || a == b) {
        return x < y ? -1 : x > y;
    }
    if (!jq_step(r) || depth > JQ_VALUE_DEPTH_MAX) {
        jq_spend(r, "a value is nested too deep");
        return 0;
    }
    switch (a->kind) {
    case JSON_INT:
    case JSON_REAL:
        return compare_numbers(a, b);
    case JSON_STRING:
        return str_cmp(a->string, b->string);
    case JSON_ARRAY:
        for (uint32_t i = 0; i < a->count && i < b->count; i++) {
            int order = order_within(r, &a->items[i], &b->items[i], depth + 1);
            if (order) {
                return order;
            }
        }
        return a->count < b->count ? -1 : a->count > b->count;
    case JSON_OBJECT:
        return compare_objects(r, a, b, depth);
    default:
        return 0;
    }
}

int jq_order(struct jq_run *r, const struct json *a, const struct json *b)
{
    return order_within(r, a, b, 0);
}

struct sorting {
    const struct json *value;
    uint32_t at; /* equal values keep their order */
};

static int by_order(const void *a, const void *b, void *run)
{
    const struct sorting *x = a, *y = b;
    int order = jq_order(run, x->value, y->value);
    return order ? order : x->at < y->at ? -1 : 1;
}

const struct json *jq_sorted(struct jq_run *r, const struct json *array)
{
    size_t n = array->count;
    if (!jq_room(r, n * (sizeof(struct sorting) + sizeof(struct json)))) {
        return NULL;
    }
    struct sorting *order = ARENA_ARRAY(r->arena, struct sorting, n);
    struct json *items = ARENA_ARRAY(r->arena, struct json, n);
    for (size_t i = 0; i < n; i++) {
        order[i] = (struct sorting){&array->items[i], (uint32_t)i};
    }
    qsort_r(order, n, sizeof(*order), by_order, r);
    for (size_t i = 0; i < n; i++) {
        items[i] = *order[i].value;
    }
    struct json sorted = {.kind = JSON_ARRAY, .count = (uint32_t)n, .items = items};
    return r->spent ? NULL : arena_memdup(r->arena, &sorted, sizeof(sorted));
}

/* Arithmetic */

static const struct json *add_strings(struct jq_run *r, struct str a, struct str b)
{
    if (!jq_room(r, a.n + b.n + 1)) {
        return NULL;
    }
    char *p = arena_alloc(r->arena, a.n + b.n + 1);
    memcpy(p, a.p, a.n);
    memcpy(p + a.n, b.p, b.n);
    return jq_string(r, str_make(p, a.n + b.n));
}

static const struct json *add_arrays(struct jq_run *r, const struct json *a, const struct json *b)
{
    if (!jq_room(r, ((size_t)a->count + b->count) * sizeof(struct json))) {
        return NULL;
    }
    struct json *items = ARENA_ARRAY(r->arena, struct json, (size_t)a->count + b->count);
    if (a->count) {
        memcpy(items, a->items, a->count * sizeof(*items));
    }
    if (b->count) {
        memcpy(items + a->count, b->items, b->count * sizeof(*items));
    }
    struct json sum = {.kind = JSON_ARRAY, .count = a->count + b->count, .items = items};
    return arena_memdup(r->arena, &sum, sizeof(sum));
}

/* `deep`: objects under the same name are merged too. */
static const struct json *merge(struct jq_run *r, const struct json *a, const struct json *b,
                                bool deep)
{
    uint32_t n = a->count;
    if (!jq_step(r) || !jq_room(r, ((size_t)a->count + b->count) * sizeof(struct json_member))) {
        return NULL;
    }
    struct json_member *members =
        ARENA_ARRAY(r->arena, struct json_member, (size_t)a->count + b->count);
    if (n) {
        memcpy(members, a->members, n * sizeof(*members));
    }
    struct json known = {.kind = JSON_OBJECT, .count = a->count, .members = members};
    for (uint32_t i = 0; i < b->count; i++) {
        const struct json_member *m = &b->members[i], *same = json_find_member(&known, m->name);
        r->steps += a->count / 16;
        if (!same) {
            members[n++] = *m;
        } else if (deep && same->value.kind == JSON_OBJECT && m->value.kind == JSON_OBJECT) {
            const struct json *inner = merge(r, &same->value, &m->value, true);
            if (!inner) {
                return NULL;
            }
            members[same - members].value = *inner;
        } else {
            members[same - members].value = m->value;
        }
    }
    struct json sum = {.kind = JSON_OBJECT, .count = n, .members = members};
    return arena_memdup(r->arena, &sum, sizeof(sum));
}

static const struct json *subtract_arrays(struct jq_run *r, const struct json *a,
                                          const struct json *b)
{
    if (!jq_room(r, a->count * sizeof(struct json))) {
        return NULL;
    }
    struct json *items = ARENA_ARRAY(r->arena, struct json, a->count);
    uint32_t n = 0;
    for (uint32_t i = 0; i < a->count && !r->spent; i++) {
        bool found = false;
        for (uint32_t k = 0; k < b->count && !found && jq_step(r); k++) {
            found = jq_order(r, &a->items[i], &b->items[k]) == 0;
        }
        if (!found) {
            items[n++] = a->items[i];
        }
    }
    struct json rest = {.kind = JSON_ARRAY, .count = n, .items = items};
    return r->spent ? NULL : arena_memdup(r->arena, &rest, sizeof(rest));
}

/* "ab" * 3 is "ababab"; zero or less gives null. */
static const struct json *repeat(struct jq_run *r, struct str s, double times)
{
    if (times <= 0) {
        return &json_null_value;
    }
    if (times > JQ_MEMORY_MAX_BYTES) {
        jq_room(r, SIZE_MAX);
        return NULL;
    }
    size_t n = times < 1 ? 1 : (size_t)times;
    if (!jq_room(r, s.n * n + 1)) {
        return NULL;
    }
    char *p = arena_alloc(r->arena, s.n * n + 1);
    for (size_t i = 0; i < n; i++) {
        memcpy(p + i * s.n, s.p, s.n);
    }
    return jq_string(r, str_make(p, s.n * n));
}

static const struct json *split(struct jq_run *r, struct str s, struct str sep)
{
    struct jq_list list = jq_list_make();
    if (sep.n == 0) {
        struct str rest = s;
        uint32_t code;
        const char *from = s.p;
        while (text_next(&rest, &code) && jq_step(r)) {
            jq_list_add(r, &list, jq_string(r, str_make(from, (size_t)(rest.p - from))));
            from = rest.p;
        }
        return jq_list_array(r, &list);
    }
    ptrdiff_t at = s.n ? 0 : -1;
    while (at >= 0 && jq_step(r)) {
        at = str_find(s, sep);
        size_t n = at < 0 ? s.n : (size_t)at;
        jq_list_add(r, &list, jq_string(r, str_sub(s, 0, n)));
        s = str_sub(s, n + sep.n, s.n);
    }
    return jq_list_array(r, &list);
}

static const struct json *calculate_numbers(struct jq_run *r, enum jq_op op, const struct json *a,
                                            const struct json *b)
{
    double x = json_number(a, 0), y = json_number(b, 0);
    int64_t whole;
    bool ints = a->kind == JSON_INT && b->kind == JSON_INT;
    switch (op) {
    case JQ_OP_ADD:
        return ints && !__builtin_add_overflow(a->integer, b->integer, &whole)
                   ? json_new_int(r->arena, whole)
                   : jq_number(r, x + y);
    case JQ_OP_SUBTRACT:
        return ints && !__builtin_sub_overflow(a->integer, b->integer, &whole)
                   ? json_new_int(r->arena, whole)
                   : jq_number(r, x - y);
    case JQ_OP_MULTIPLY:
        return ints && !__builtin_mul_overflow(a->integer, b->integer, &whole)
                   ? json_new_int(r->arena, whole)
                   : jq_number(r, x * y);
    case JQ_OP_DIVIDE:
        if (y == 0) {
            return jq_fail(r, "%s and %s cannot be divided because the divisor is zero",
                           jq_shown(r, a), jq_shown(r, b));
        }
        return ints && b->integer != -1 && a->integer % b->integer == 0
                   ? json_new_int(r->arena, a->integer / b->integer)
                   : jq_number(r, x / y);
    default: /* modulo works on whole numbers; the sign is the dividend's */
        x = trunc(x);
        y = fabs(trunc(y));
        if (y == 0) {
            return jq_fail(r, "%s and %s cannot be divided because the divisor is zero",
                           jq_shown(r, a), jq_shown(r, b));
        }
        return ints && b->integer != INT64_MIN && b->integer != -1
                   ? json_new_int(r->arena, a->integer % b->integer)
                   : jq_number(r, fmod(x, y));
    }
}

static const struct json *cannot(struct jq_run *r, enum jq_op op, const struct json *a,
                                 const struct json *b)
{
    static const char *const WORDS[] = {"added", "subtracted", "multiplied", "divided", "divided"};
    return jq_fail(r, "%s and %s cannot be %s", jq_shown(r, a), jq_shown(r, b), WORDS[op]);
}

const struct json *jq_calculate(struct jq_run *r, enum jq_op op, const struct json *a,
                                const struct json *b)
{
    if (op == JQ_OP_ADD && (a->kind == JSON_NULL || b->kind == JSON_NULL)) {
        return a->kind == JSON_NULL ? b : a;
    }
    if (is_number(a) && is_number(b)) {
        return calculate_numbers(r, op, a, b);
    }
    if (op == JQ_OP_MULTIPLY && a->kind == JSON_STRING && is_number(b)) {
        return repeat(r, a->string, json_number(b, 0));
    }
    if (op == JQ_OP_MULTIPLY && b->kind == JSON_STRING && is_number(a)) {
        return repeat(r, b->string, json_number(a, 0));
    }
    if (a->kind != b->kind) {
        return cannot(r, op, a, b);
    }
    if (op == JQ_OP_ADD && a->kind == JSON_STRING) {
        return add_strings(r, a->string, b->string);
    }
    if (op == JQ_OP_ADD && a->kind == JSON_ARRAY) {
        return add_arrays(r, a, b);
    }
    if ((op == JQ_OP_ADD || op == JQ_OP_MULTIPLY) && a->kind == JSON_OBJECT) {
        return merge(r, a, b, op == JQ_OP_MULTIPLY);
    }
    if (op == JQ_OP_SUBTRACT && a->kind == JSON_ARRAY) {
        return subtract_arrays(r, a, b);
    }
    return op == JQ_OP_DIVIDE && a->kind == JSON_STRING ? split(r, a->string, b->string)
                                                        : cannot(r, op, a, b);
}

/* Looking inside */

/* Where a slice begins and ends; negative positions count from the end. */
static void slice_bounds(const struct json *from, const struct json *to, size_t n, size_t *out_from,
                         size_t *out_to)
{
    double start = json_number(from, 0), end = json_number(to, (double)n);
    start = start < 0 ? start + (double)n : start;
    end = end < 0 ? end + (double)n : end;
    start = start < 0 ? 0 : start > (double)n ? (double)n : floor(start);
    end = end < start ? start : end > (double)n ? (double)n : ceil(end);
    *out_from = (size_t)start;
    *out_to = (size_t)end;
}

static struct str slice_text(struct str s, size_t from, size_t to)
{
    uint32_t code;
    struct str rest = s;
    for (size_t i = 0; i < from; i++) {
        text_next(&rest, &code);
    }
    struct str tail = rest;
    for (size_t i = from; i < to; i++) {
        text_next(&tail, &code);
    }
    return str_make(rest.p, (size_t)(tail.p - rest.p));
}

const struct json *jq_slice(struct jq_run *r, const struct json *v, const struct json *from,
                            const struct json *to)
{
    if ((from->kind != JSON_NULL && !is_number(from)) ||
        (to->kind != JSON_NULL && !is_number(to))) {
        return jq_fail(r, "Start and end indices of an array slice must be numbers");
    }
    size_t start, end;
    if (v->kind == JSON_NULL) {
        return v;
    }
    if (v->kind == JSON_STRING) {
        slice_bounds(from, to, text_count(v->string), &start, &end);
        return jq_string(r, slice_text(v->string, start, end));
    }
    if (v->kind != JSON_ARRAY) {
        return jq_fail(r, "Cannot index %s with object", jq_type(v));
    }
    slice_bounds(from, to, v->count, &start, &end);
    struct json part = {.kind = JSON_ARRAY, .count = (uint32_t)(end - start)};
    part.items = part.count ? v->items + start : NULL;
    return arena_memdup(r->arena, &part, sizeof(part));
}

/* .[[1,2]]: where the list occurs in the array. */
static const struct json *places_of(struct jq_run *r, const struct json *v, const struct json *what)
{
    struct jq_list list = jq_list_make();
    for (uint32_t i = 0; what->count && i + what->count <= v->count && jq_step(r); i++) {
        uint32_t k = 0;
        while (k < what->count && jq_order(r, &v->items[i + k], &what->items[k]) == 0) {
            k++;
        }
        if (k == what->count) {
            jq_list_add(r, &list, json_new_int(r->arena, i));
        }
    }
    return what->count ? jq_list_array(r, &list) : &json_null_value;
}

const struct json *jq_member(struct jq_run *r, const struct json *v, const struct json *key)
{
    if (key->kind == JSON_STRING && (v->kind == JSON_OBJECT || v->kind == JSON_NULL)) {
        r->steps += json_count(v) / 16;
        const struct json *found = json_find(v, key->string);
        return found ? found : &json_null_value;
    }
    if (is_number(key) && (v->kind == JSON_ARRAY || v->kind == JSON_NULL)) {
        double at = floor(json_number(key, 0));
        at = at < 0 ? at + (double)json_count(v) : at;
        bool inside = at >= 0 && at < (double)json_count(v);
        return inside ? &v->items[(size_t)at] : &json_null_value;
    }
    bool sliceable = v->kind == JSON_ARRAY || v->kind == JSON_STRING || v->kind == JSON_NULL;
    if (key->kind == JSON_OBJECT && sliceable) {
        const struct json *from = json_get(key, "start"), *to = json_get(key, "end");
        return jq_slice(r, v, from ? from : &json_null_value, to ? to : &json_null_value);
    }
    if (key->kind == JSON_ARRAY && v->kind == JSON_ARRAY) {
        return places_of(r, v, key);
    }
    if (key->kind == JSON_STRING) {
        return jq_fail(r, "Cannot index %s with \"%.*s\"", jq_type(v),
                       (int)(key->string.n < 60 ? key->string.n : 60), key->string.p);
    }
    return jq_fail(r, "Cannot index %s with %s", jq_type(v), jq_type(key));
}
