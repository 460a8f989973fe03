/* Paths: getting, setting and deleting at them, and the assignment operators.
 *
 * Values are immutable, but an assignment to many places of one tree would copy its containers
 * again and again. So every assignment has an epoch, and a container that was copied during it is
 * marked with the epoch (in the `line` and `column` of its value, which nothing else uses here) and
 * changed in place from then on. Nobody else has seen such a container; where somebody might, a new
 * epoch begins. */
#include <math.h>
#include <string.h>

#include "codec/jq_run.h"

enum { INDEX_MAX = 1 << 20 };
#define OWNED UINT32_MAX

const struct jq_path jq_path_root = {NULL, NULL}, jq_path_lost = {NULL, NULL};

const struct jq_path *jq_path_add(struct jq_run *r, const struct jq_path *outer,
                                  const struct json *key)
{
    if (!outer) {
        return NULL;
    }
    struct jq_path *p = ARENA_NEW(r->arena, struct jq_path);
    *p = (struct jq_path){outer, key};
    return p;
}

const struct json *jq_path_array(struct jq_run *r, const struct jq_path *path)
{
    size_t n = 0;
    for (const struct jq_path *p = path; p->outer; p = p->outer) {
        n++;
    }
    if (!jq_room(r, n * sizeof(struct json))) {
        return NULL;
    }
    struct json *items = ARENA_ARRAY(r->arena, struct json, n);
    struct json array = {.kind = JSON_ARRAY, .count = (uint32_t)n, .items = items};
    for (const struct jq_path *p = path; p->outer; p = p->outer) {
        items[--n] = *p->key;
    }
    return arena_memdup(r->arena, &array, sizeof(array));
}

const struct json *jq_path_get(struct jq_run *r, const struct json *v, const struct json *path)
{
    for (uint32_t i = 0; v && i < path->count && v->kind != JSON_NULL; i++) {
        v = jq_member(r, v, &path->items[i]);
    }
    return v;
}

/* Containers that may be changed */

static bool is_owned(const struct jq_run *r, const struct json *v)
{
    return v->line == OWNED && v->column == r->epoch;
}

/* An owned container has room for this many parts. */
static size_t capacity_of(size_t n)
{
    size_t capacity = 4;
    while (capacity < n) {
        capacity *= 2;
    }
    return capacity;
}

static size_t part_bytes(const struct json *v)
{
    return v->kind == JSON_OBJECT ? sizeof(struct json_member) : sizeof(struct json);
}

static void *parts_of(const struct json *v)
{
    return (void *)(uintptr_t)(v->kind == JSON_OBJECT ? (const void *)v->members
                                                      : (const void *)v->items);
}

/* Makes the container in the slot one that may be changed and has room for n parts. */
static bool own(struct jq_run *r, struct json *slot, size_t n)
{
    if (is_owned(r, slot) && capacity_of(n) == capacity_of(slot->count)) {
        return true;
    }
    size_t bytes = part_bytes(slot);
    if (!jq_step(r) || !jq_room(r, capacity_of(n) * bytes)) {
        return false;
    }
    void *parts = arena_array(r->arena, capacity_of(n), bytes);
    if (slot->count) {
        memcpy(parts, parts_of(slot), slot->count * bytes);
    }
    if (slot->kind == JSON_OBJECT) {
        slot->members = parts;
    } else {
        slot->items = parts;
    }
    slot->line = OWNED;
    slot->column = r->epoch;
    return true;
}

/* Setting */

static bool set_at(struct jq_run *r, struct json *slot, const struct json *keys, uint32_t n,
                   const struct json *value);

static bool set_member(struct jq_run *r, struct json *slot, const struct json *keys, uint32_t n,
                       const struct json *value)
{
    struct str name = keys[0].string;
    if (slot->kind == JSON_NULL) {
        *slot = json_empty_object;
    }
    const struct json_member *found = json_find_member(slot, name);
    size_t at = found ? (size_t)(found - slot->members) : slot->count;
    r->steps += slot->count / 16;
    if (!own(r, slot, at < slot->count ? slot->count : at + 1)) {
        return false;
    }
    struct json_member *m = (struct json_member *)parts_of(slot) + at;
    if (!found) {
        *m = (struct json_member){.name = name};
        slot->count++;
    }
    return set_at(r, &m->value, keys + 1, n - 1, value);
}

static bool set_element(struct jq_run *r, struct json *slot, const struct json *keys, uint32_t n,
                        const struct json *value)
{
    if (slot->kind == JSON_NULL) {
        *slot = json_empty_array;
    }
    double at = floor(json_number(&keys[0], 0));
    at = at < 0 ? at + slot->count : at;
    if (at < 0) {
        jq_fail(r, "Out of bounds negative array index");
        return false;
    }
    if (at >= INDEX_MAX) {
        jq_fail(r, "Array index too large");
        return false;
    }
    size_t index = (size_t)at, count = index < slot->count ? slot->count : index + 1;
    if (!own(r, slot, count)) {
        return false;
    }
    struct json *items = parts_of(slot);
    for (size_t i = slot->count; i < count; i++) {
        items[i] = json_null_value;
    }
    slot->count = (uint32_t)count;
    return set_at(r, &items[index], keys + 1, n - 1, value);
}

/* .[2:4] = [...] puts another number of elements in place of these. */
static bool set_slice(struct jq_run *r, struct json *slot, const struct json *keys, uint32_t n,
                      const struct json *value)
{
    if (slot->kind == JSON_NULL) {
        *slot = json_empty_array;
    }
    const struct json *part = jq_member(r, slot, &keys[0]);
    if (!part) {
        return false;
    }
    struct json changed = *part;
    size_t from = part->count ? (size_t)(part->items - slot->items) : slot->count;
    if (!part->count) { /* an empty slice still has a place */
        double start = json_number(json_get(&keys[0], "start"), 0);
        start = start < 0 ? start + slot->count : start;
        from = start < 0 ? 0 : start > slot->count ? slot->count : (size_t)start;
    }
    if (!set_at(r, &changed, keys + 1, n - 1, value)) {
        return false;
    }
    if (changed.kind != JSON_ARRAY) {
        jq_fail(r, "A slice of an array can only be assigned another array");
        return false;
    }
    size_t tail = slot->count - from - part->count, count = from + changed.count + tail;
    if (!jq_room(r, count * sizeof(struct json))) {
        return false;
    }
    struct json *items = ARENA_ARRAY(r->arena, struct json, count);
    const struct json *old = slot->items;
    if (from) {
        memcpy(items, old, from * sizeof(*items));
    }
    if (changed.count) {
        memcpy(items + from, changed.items, changed.count * sizeof(*items));
    }
    if (tail) {
        memcpy(items + from + changed.count, old + from + part->count, tail * sizeof(*items));
    }
    *slot = (struct json){.kind = JSON_ARRAY, .count = (uint32_t)count, .items = items};
    return true;
}

static bool set_at(struct jq_run *r, struct json *slot, const struct json *keys, uint32_t n,
                   const struct json *value)
{
    if (n == 0) {
        *slot = *value;
        slot->line = slot->column = 0;
        return true;
    }
    bool array = slot->kind == JSON_ARRAY || slot->kind == JSON_NULL;
    bool object = slot->kind == JSON_OBJECT || slot->kind == JSON_NULL;
    enum json_kind kind = keys[0].kind;
    if (kind == JSON_STRING && object) {
        return set_member(r, slot, keys, n, value);
    }
    if ((kind == JSON_INT || kind == JSON_REAL) && array) {
        return set_element(r, slot, keys, n, value);
    }
    if (kind == JSON_OBJECT && array) {
        return set_slice(r, slot, keys, n, value);
    }
    if (kind == JSON_STRING) {
        jq_fail(r, "Cannot index %s with \"%.*s\"", jq_type(slot),
                (int)(keys[0].string.n < 60 ? keys[0].string.n : 60), keys[0].string.p);
    } else {
        jq_fail(r, "Cannot index %s with %s", jq_type(slot), jq_type(&keys[0]));
    }
    return false;
}

const struct json *jq_path_set(struct jq_run *r, const struct json *v, const struct json *path,
                               const struct json *value)
{
    struct json root = *v;
    if (!set_at(r, &root, path->items, path->count, value)) {
        return NULL;
    }
    return arena_memdup(r->arena, &root, sizeof(root));
}

/* Deleting */

static bool delete_part(struct jq_run *r, struct json *slot, size_t at, size_t count)
{
    if (!own(r, slot, slot->count)) {
        return false;
    }
    size_t bytes = part_bytes(slot);
    char *parts = parts_of(slot);
    memmove(parts + at * bytes, parts + (at + count) * bytes, (slot->count - at - count) * bytes);
    if (capacity_of(slot->count) != capacity_of(slot->count - count)) {
        slot->line = 0; /* its room is no longer what its count says */
    }
    slot->count -= (uint32_t)count;
    return true;
}

/* Where the last key points in the slot: [*out_at, *out_at + *out_count), perhaps nothing. */
static bool find_part(struct jq_run *r, const struct json *slot, const struct json *key,
                      size_t *out_at, size_t *out_count)
{
    bool number = key->kind == JSON_INT || key->kind == JSON_REAL;
    *out_count = 0;
    if (slot->kind == JSON_OBJECT && key->kind == JSON_STRING) {
        const struct json_member *m = json_find_member(slot, key->string);
        *out_at = m ? (size_t)(m - slot->members) : 0;
        *out_count = m != NULL;
        return true;
    }
    if (slot->kind == JSON_ARRAY && number) {
        double at = floor(json_number(key, 0));
        at = at < 0 ? at + slot->count : at;
        *out_count = at >= 0 && at < slot->count;
        *out_at = *out_count ? (size_t)at : 0;
        return true;
    }
    if (slot->kind == JSON_ARRAY && key->kind == JSON_OBJECT) {
        const struct json *part = jq_member(r, slot, key);
        *out_count = part ? part->count : 0;
        *out_at = *out_count ? (size_t)(part->items - slot->items) : 0;
        return part != NULL;
    }
    jq_fail(r, "Cannot delete field at %s index of %s",
            key->kind == JSON_STRING ? "object" : "array", jq_type(slot));
    return false;
}

static bool delete_at(struct jq_run *r, struct json *slot, const struct json *keys, uint32_t n)
{
    size_t at, count;
    if (slot->kind == JSON_NULL) {
        return true;
    }
    if (!find_part(r, slot, &keys[0], &at, &count)) {
        return false;
    }
    if (count == 0) {
        return true;
    }
    if (n == 1) {
        return delete_part(r, slot, at, count);
    }
    if (keys[0].kind == JSON_OBJECT) {
        jq_fail(r, "Cannot delete inside a slice");
        return false;
    }
    if (!own(r, slot, slot->count)) {
        return false;
    }
    struct json *inner = slot->kind == JSON_OBJECT
                             ? &((struct json_member *)parts_of(slot))[at].value
                             : &((struct json *)parts_of(slot))[at];
    return delete_at(r, inner, keys + 1, n - 1);
}

const struct json *jq_path_delete(struct jq_run *r, const struct json *v, const struct json *paths)
{
    const struct json *sorted = jq_sorted(r, paths);
    struct json root = *v;
    r->epoch++;
    for (uint32_t i = sorted ? sorted->count : 0; i > 0; i--) { /* the last first: places hold */
        const struct json *path = &sorted->items[i - 1];
        if (path->kind != JSON_ARRAY) {
            return jq_fail(r, "Path must be specified as an array");
        }
        if (path->count == 0) {
            return &json_null_value;
        }
        if (!delete_at(r, &root, path->items, path->count)) {
            return NULL;
        }
    }
    return sorted ? arena_memdup(r->arena, &root, sizeof(root)) : NULL;
}

/* Collecting the paths of an expression */

struct path_sink {
    struct jq_sink sink;
    struct jq_list *list;
};

static enum jq_flow take_path(struct jq_run *r, struct jq_sink *s, struct jq_value value)
{
    struct path_sink *ps = (struct path_sink *)s;
    if (value.path == &jq_path_lost) {
        jq_fail(r, "Invalid path expression with result %s", jq_json(r, value.v).p);
        return r->spent ? JQ_SPENT : JQ_ERROR;
    }
    const struct json *path = jq_path_array(r, value.path);
    if (!path) {
        return JQ_SPENT;
    }
    jq_list_add(r, ps->list, path);
    return r->spent ? JQ_SPENT : JQ_ON;
}

enum jq_flow jq_path_collect(struct jq_run *r, const struct jq_node *n, const struct jq_env *env,
                             const struct json *in, struct jq_list *out_list)
{
    struct path_sink sink = {{take_path}, out_list};
    return jq_eval(r, n, env, (struct jq_value){in, &jq_path_root}, &sink.sink);
}

/* Assignments */

struct first_sink {
    struct jq_sink sink;
    const struct json *value;
};

static enum jq_flow take_first(struct jq_run *r, struct jq_sink *s, struct jq_value value)
{
    struct first_sink *fs = (struct first_sink *)s;
    fs->value = value.v;
    r->leave = s;
    return JQ_LEAVE;
}

/* The first value of the update at one path; NULL in *out_value when there is none. */
static enum jq_flow update_value(struct jq_run *r, const struct jq_node *f,
                                 const struct jq_env *env, const struct json *old,
                                 const struct json **out_value)
{
    if (is_owned(r, old)) {
        r->epoch++; /* the update may keep a part of what was changed before */
    }
    struct first_sink first = {{take_first}, NULL};
    enum jq_flow flow = jq_eval_value(r, f, env, old, &first.sink);
    *out_value = first.value;
    return flow == JQ_LEAVE && r->leave == &first ? JQ_ON : flow;
}

/* What is to be at each path: a value for all, or made from what is there. */
struct change {
    const struct jq_node *node;
    const struct jq_env *env;
    const struct json *operand; /* of =, += and the like; NULL: |= */
};

static enum jq_flow change_value(struct jq_run *r, const struct change *c, const struct json *old,
                                 const struct json **out_value)
{
    const struct jq_node *n = c->node;
    if (n->kind == JQ_UPDATE) {
        return update_value(r, n->b, c->env, old, out_value);
    }
    if (n->kind == JQ_ASSIGN) {
        *out_value = c->operand;
    } else if (n->op == JQ_OP_DEFAULT) {
        *out_value = jq_is_true(old) ? old : c->operand;
    } else {
        *out_value = jq_calculate(r, n->op, old, c->operand);
    }
    return *out_value ? JQ_ON : jq_failed(r, n);
}

static enum jq_flow change_all(struct jq_run *r, const struct change *c, const struct json *in,
                               const struct json **out_value)
{
    struct jq_list paths = jq_list_make(), gone = jq_list_make();
    enum jq_flow flow = jq_path_collect(r, c->node->a, c->env, in, &paths);
    const struct json *v = in;
    r->epoch++;
    for (size_t i = 0; flow == JQ_ON && i < paths.count; i++) {
        const struct json *old = jq_path_get(r, v, paths.items[i]), *value;
        if (!old || !jq_step(r)) {
            return jq_failed(r, c->node);
        }
        flow = change_value(r, c, old, &value);
        if (flow == JQ_ON && !value) {
            jq_list_add(r, &gone, paths.items[i]);
        } else if (flow == JQ_ON) {
            v = jq_path_set(r, v, paths.items[i], value);
            flow = v ? JQ_ON : jq_failed(r, c->node);
        }
    }
    if (flow == JQ_ON && gone.count) {
        const struct json *list = jq_list_array(r, &gone);
        v = list ? jq_path_delete(r, v, list) : NULL;
        flow = v ? JQ_ON : jq_failed(r, c->node);
    }
    r->epoch++;
    *out_value = v;
    return flow;
}

struct operand_sink {
    struct jq_sink sink;
    struct change change;
    struct jq_value in;
    struct jq_sink *out;
};

static enum jq_flow take_operand(struct jq_run *r, struct jq_sink *s, struct jq_value value)
{
    struct operand_sink *os = (struct operand_sink *)s;
    const struct json *changed;
    os->change.operand = value.v;
    enum jq_flow flow = change_all(r, &os->change, os->in.v, &changed);
    return flow == JQ_ON ? jq_give(r, os->out, os->in, changed) : flow;
}

enum jq_flow jq_path_assign(struct jq_run *r, const struct jq_node *n, const struct jq_env *env,
                            struct jq_value in, struct jq_sink *out)
{
    struct operand_sink sink = {{take_operand}, {n, env, NULL}, in, out};
    if (n->kind != JQ_UPDATE) {
        return jq_eval_value(r, n->b, env, in.v, &sink.sink);
    }
    const struct json *changed;
    enum jq_flow flow = change_all(r, &sink.change, in.v, &changed);
    return flow == JQ_ON ? jq_give(r, out, in, changed) : flow;
}
