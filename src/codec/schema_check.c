/* The checking half of schema.h: one function per keyword. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/format.h"
#include "codec/schema_rule.h"
#include "codec/schema_value.h"
#include "codec/text.h"

/* The way to a value, from the inside out. */
struct frame {
    const struct frame *outer;
    struct str name;
    int64_t index; /* -1: the name counts */
};

/* A value being checked. `seen` has a flag per element or member: what some keyword has evaluated.
 */
struct spot {
    const struct json *value;
    const struct frame *frame;
    bool *seen; /* NULL when nobody asks */
};

struct checking {
    const struct schema *schema;
    struct arena *arena;
    struct schema_error *errors;
    size_t count;
    bool silent; /* trying: errors are not kept */
    bool spent;  /* the bound on work is passed */
    int64_t steps;
    int depth;
};

static struct str path_of(struct arena *a, const struct frame *f)
{
    if (!f) {
        return STR("");
    }
    struct str outer = path_of(a, f->outer);
    if (f->index >= 0) {
        return str_fmt(a, "%.*s[%lld]", STR_ARG(outer), (long long)f->index);
    }
    return str_fmt(a, "%.*s%s%.*s", STR_ARG(outer), outer.n ? "." : "", STR_ARG(f->name));
}

/* Always false, for returning. */
__attribute__((format(printf, 3, 4))) static bool wrong(struct checking *c, struct spot spot,
                                                        const char *fmt, ...)
{
    if (c->silent || c->count == SCHEMA_ERRORS_MAX) {
        return false;
    }
    char text[300];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    c->errors[c->count++] = (struct schema_error){
        .path = path_of(c->arena, spot.frame),
        .text = str_dup(c->arena, text_cut_bytes(str_of(text), sizeof(text))),
        .line = spot.value->line,
        .column = spot.value->column,
    };
    return false;
}

static bool check_rule(struct checking *c, const struct rule *r, struct spot spot);

/* A flag for each part of the value, when some rule will ask. NULL too when there is no room. */
static bool *flags_for(struct checking *c, const struct json *value)
{
    size_t n = json_count(value);
    if (!c->schema->tracks) {
        return NULL;
    }
    if (n + 64 > arena_left_bytes(c->arena)) {
        c->spent = true;
        return NULL;
    }
    return arena_alloc(c->arena, n);
}

/* Applies another rule to the same value. It sees only what it evaluates itself, and what it has
 * seen counts only when it holds. */
static bool apply(struct checking *c, const struct rule *r, struct spot spot)
{
    bool *seen = spot.seen;
    spot.seen = flags_for(c, spot.value);
    bool good = check_rule(c, r, spot);
    for (size_t i = 0; good && seen && i < json_count(spot.value); i++) {
        seen[i] = seen[i] || (spot.seen && spot.seen[i]);
    }
    return good;
}

/* The same, without reporting. */
static bool holds(struct checking *c, const struct rule *r, struct spot spot)
{
    bool silent = c->silent;
    c->silent = true;
    bool good = apply(c, r, spot);
    c->silent = silent;
    return good;
}

static void see(struct spot spot, size_t i)
{
    if (spot.seen) {
        spot.seen[i] = true;
    }
}

/* Checks the i-th element or member against a rule. */
static bool check_part(struct checking *c, const struct rule *r, struct spot spot, size_t i)
{
    struct frame f = {spot.frame, STR(""), (int64_t)i};
    const struct json *value = spot.value->items + i;
    if (spot.value->kind == JSON_OBJECT) {
        value = &spot.value->members[i].value;
        f = (struct frame){spot.frame, spot.value->members[i].name, -1};
    }
    see(spot, i);
    return check_rule(c, r, (struct spot){value, &f, flags_for(c, value)});
}

/* Shown in an error: short JSON. */
static struct str shown(struct checking *c, const struct json *v)
{
    return c->silent ? STR("") : text_shorten(c->arena, json_write(c->arena, v), 80);
}

/* Any type */

static bool check_type(struct checking *c, const struct rule *owner, const struct schema_entry *e,
                       struct spot spot)
{
    (void)owner;
    if (json_is(e->arg, JSON_STRING)) {
        return schema_value_is(spot.value, e->arg->string) ||
               wrong(c, spot, "must be of type %.*s", STR_ARG(e->arg->string));
    }
    for (size_t i = 0; i < e->arg->count; i++) {
        if (schema_value_is(spot.value, e->arg->items[i].string)) {
            return true;
        }
    }
    return wrong(c, spot, "must be of one of the types %.*s", STR_ARG(shown(c, e->arg)));
}

static bool check_enum(struct checking *c, const struct rule *owner, const struct schema_entry *e,
                       struct spot spot)
{
    (void)owner;
    for (size_t i = 0; i < e->arg->count; i++) {
        if (json_equal(spot.value, &e->arg->items[i])) {
            return true;
        }
    }
    return wrong(c, spot, "must be one of %.*s", STR_ARG(shown(c, e->arg)));
}

static bool check_const(struct checking *c, const struct rule *owner, const struct schema_entry *e,
                        struct spot spot)
{
    (void)owner;
    return json_equal(spot.value, e->arg) ||
           wrong(c, spot, "must be %.*s", STR_ARG(shown(c, e->arg)));
}

/* Numbers */

static bool check_bound(struct checking *c, const struct rule *owner, const struct schema_entry *e,
                        struct spot spot)
{
    (void)owner;
    static const struct {
        const char *name, *text;
        int least, most; /* what schema_value_compare() may give */
    } BOUNDS[] = {
        {"minimum", "at least", 0, 1},
        {"maximum", "at most", -1, 0},
        {"exclusiveMinimum", "above", 1, 1},
        {"exclusiveMaximum", "below", -1, -1},
    };
    if (!schema_value_is_number(spot.value)) {
        return true;
    }
    for (size_t i = 0; i < sizeof(BOUNDS) / sizeof(BOUNDS[0]); i++) {
        int order = schema_value_compare(spot.value, e->arg);
        if (strcmp(BOUNDS[i].name, e->keyword->name) == 0 &&
            (order < BOUNDS[i].least || order > BOUNDS[i].most)) {
            return wrong(c, spot, "must be %s %.*s", BOUNDS[i].text, STR_ARG(shown(c, e->arg)));
        }
    }
    return true;
}

static bool check_multiple(struct checking *c, const struct rule *owner,
                           const struct schema_entry *e, struct spot spot)
{
    (void)owner;
    return !schema_value_is_number(spot.value) || schema_value_is_multiple(spot.value, e->arg) ||
           wrong(c, spot, "must be a multiple of %.*s", STR_ARG(shown(c, e->arg)));
}

/* Sizes: of texts in characters, of lists and objects in parts */

static bool check_size(struct checking *c, const struct rule *owner, const struct schema_entry *e,
                       struct spot spot)
{
    (void)owner;
    const char *name = e->keyword->name, *unit = NULL;
    const struct json *v = spot.value;
    size_t size = json_count(v), bound = (size_t)json_number(e->arg, 0);
    if (v->kind == JSON_STRING && strstr(name, "Length")) {
        unit = "characters";
        size = text_count(v->string);
    } else if (v->kind == JSON_ARRAY && strstr(name, "Items")) {
        unit = "elements";
    } else if (v->kind == JSON_OBJECT && strstr(name, "Properties")) {
        unit = "members";
    }
    bool least = name[1] == 'i';
    if (!unit || (least ? size >= bound : size <= bound)) {
        return true;
    }
    return wrong(c, spot, "must have at %s %zu %s, has %zu", least ? "least" : "most", bound, unit,
                 size);
}

static bool check_pattern(struct checking *c, const struct rule *owner,
                          const struct schema_entry *e, struct spot spot)
{
    (void)owner;
    return spot.value->kind != JSON_STRING || pattern_has(e->patterns[0], spot.value->string) ||
           wrong(c, spot, "must match the pattern %.*s", STR_ARG(e->arg->string));
}

static bool check_format(struct checking *c, const struct rule *owner, const struct schema_entry *e,
                         struct spot spot)
{
    (void)owner;
    return spot.value->kind != JSON_STRING || format_is(e->arg->string, spot.value->string) ||
           wrong(c, spot, "must be a valid %.*s", STR_ARG(e->arg->string));
}

/* Lists */

static bool check_prefix(struct checking *c, const struct rule *owner, const struct schema_entry *e,
                         struct spot spot)
{
    (void)owner;
    bool good = true;
    for (size_t i = 0; spot.value->kind == JSON_ARRAY && i < spot.value->count && i < e->count;
         i++) {
        good = check_part(c, e->rules[i], spot, i) && good;
    }
    return good;
}

static bool check_items(struct checking *c, const struct rule *owner, const struct schema_entry *e,
                        struct spot spot)
{
    const struct schema_entry *prefix = schema_rule_entry(owner, "prefixItems");
    bool good = true;
    for (size_t i = prefix ? prefix->count : 0;
         spot.value->kind == JSON_ARRAY && i < spot.value->count && !c->spent; i++) {
        good = check_part(c, e->rules[0], spot, i) && good;
    }
    return good;
}

static bool check_contains(struct checking *c, const struct rule *owner,
                           const struct schema_entry *e, struct spot spot)
{
    if (spot.value->kind != JSON_ARRAY) {
        return true;
    }
    const struct schema_entry *least = schema_rule_entry(owner, "minContains");
    const struct schema_entry *most = schema_rule_entry(owner, "maxContains");
    size_t found = 0, need = least ? (size_t)json_number(least->arg, 1) : 1;
    for (size_t i = 0; i < spot.value->count && !c->spent; i++) {
        if (holds(c, e->rules[0], (struct spot){&spot.value->items[i], NULL, NULL})) {
            see(spot, i);
            found++;
        }
    }
    if (found < need) {
        return wrong(c, spot, "must have at least %zu fitting elements, has %zu", need, found);
    }
    return !most || found <= (size_t)json_number(most->arg, 0) ||
           wrong(c, spot, "has %zu fitting elements, too many", found);
}

struct hashed {
    uint64_t hash;
    const struct json *value;
};

static int by_hash(const void *a, const void *b)
{
    const struct hashed *x = a, *y = b;
    return x->hash < y->hash ? -1 : x->hash > y->hash;
}

static bool check_unique(struct checking *c, const struct rule *owner, const struct schema_entry *e,
                         struct spot spot)
{
    (void)owner;
    if (spot.value->kind != JSON_ARRAY || !e->arg->boolean) {
        return true;
    }
    size_t n = spot.value->count;
    struct hashed *order = mem_new(n * sizeof(*order));
    for (size_t i = 0; i < n; i++) {
        order[i] = (struct hashed){schema_value_hash(&spot.value->items[i]), &spot.value->items[i]};
    }
    qsort(order, n, sizeof(*order), by_hash);
    bool good = true;
    for (size_t i = 1; i < n && good; i++) {
        for (size_t k = i; k > 0 && order[k - 1].hash == order[i].hash && good; k--) {
            good = !json_equal(order[k - 1].value, order[i].value);
        }
    }
    free(order);
    return good || wrong(c, spot, "must not have equal elements");
}

/* Objects */

static bool check_properties(struct checking *c, const struct rule *owner,
                             const struct schema_entry *e, struct spot spot)
{
    (void)owner;
    bool good = true;
    for (size_t i = 0; spot.value->kind == JSON_OBJECT && i < spot.value->count && !c->spent; i++) {
        const struct json_member *m = json_find_member(e->arg, spot.value->members[i].name);
        if (m) {
            good = check_part(c, e->rules[m - e->arg->members], spot, i) && good;
        }
    }
    return good;
}

static bool check_matched(struct checking *c, const struct rule *owner,
                          const struct schema_entry *e, struct spot spot)
{
    (void)owner;
    bool good = true;
    for (size_t i = 0; spot.value->kind == JSON_OBJECT && i < spot.value->count; i++) {
        for (size_t k = 0; k < e->count && !c->spent; k++) {
            if (pattern_has(e->patterns[k], spot.value->members[i].name)) {
                good = check_part(c, e->rules[k], spot, i) && good;
            }
        }
    }
    return good;
}

static bool is_declared(const struct rule *owner, struct str name)
{
    const struct schema_entry *properties = schema_rule_entry(owner, "properties");
    const struct schema_entry *matched = schema_rule_entry(owner, "patternProperties");
    if (properties && json_find(properties->arg, name)) {
        return true;
    }
    for (size_t k = 0; matched && k < matched->count; k++) {
        if (pattern_has(matched->patterns[k], name)) {
            return true;
        }
    }
    return false;
}

/* A member that a false schema forbids gets a text that says so. */
static bool check_rest(struct checking *c, const struct rule *r, struct spot spot, size_t i)
{
    if (json_is(r->source, JSON_BOOL) && !r->source->boolean) {
        struct frame f = {spot.frame, STR(""), (int64_t)i};
        const struct json *value = spot.value->items + i;
        if (spot.value->kind == JSON_OBJECT) {
            f = (struct frame){spot.frame, spot.value->members[i].name, -1};
            value = &spot.value->members[i].value;
        }
        return wrong(c, (struct spot){value, &f, NULL}, "is not allowed here");
    }
    return check_part(c, r, spot, i);
}

static bool check_additional(struct checking *c, const struct rule *owner,
                             const struct schema_entry *e, struct spot spot)
{
    bool good = true;
    for (size_t i = 0; spot.value->kind == JSON_OBJECT && i < spot.value->count && !c->spent; i++) {
        if (!is_declared(owner, spot.value->members[i].name)) {
            good = check_rest(c, e->rules[0], spot, i) && good;
        }
    }
    return good;
}

static bool check_unevaluated(struct checking *c, const struct rule *owner,
                              const struct schema_entry *e, struct spot spot)
{
    (void)owner;
    enum json_kind kind = strstr(e->keyword->name, "Items") ? JSON_ARRAY : JSON_OBJECT;
    bool good = true;
    for (size_t i = 0; spot.value->kind == kind && i < spot.value->count && !c->spent; i++) {
        if (spot.seen && !spot.seen[i]) {
            good = check_rest(c, e->rules[0], spot, i) && good;
            see(spot, i);
        }
    }
    return good;
}

static bool require(struct checking *c, const struct json *names, struct spot spot, struct str why)
{
    bool good = true;
    for (size_t i = 0; i < names->count; i++) {
        struct str name = names->items[i].string;
        if (!json_find(spot.value, name)) {
            struct frame f = {spot.frame, name, -1};
            wrong(c, (struct spot){spot.value, &f, NULL}, "is required%s%.*s",
                  why.n ? " together with " : "", STR_ARG(why));
            good = false;
        }
    }
    return good;
}

static bool check_required(struct checking *c, const struct rule *owner,
                           const struct schema_entry *e, struct spot spot)
{
    (void)owner;
    return spot.value->kind != JSON_OBJECT || require(c, e->arg, spot, STR(""));
}

static bool check_dependent_names(struct checking *c, const struct rule *owner,
                                  const struct schema_entry *e, struct spot spot)
{
    (void)owner;
    bool good = true;
    for (size_t i = 0; spot.value->kind == JSON_OBJECT && i < e->arg->count; i++) {
        const struct json_member *m = &e->arg->members[i];
        if (json_find(spot.value, m->name)) {
            good = require(c, &m->value, spot, m->name) && good;
        }
    }
    return good;
}

static bool check_dependent_rules(struct checking *c, const struct rule *owner,
                                  const struct schema_entry *e, struct spot spot)
{
    (void)owner;
    bool good = true;
    for (size_t i = 0; spot.value->kind == JSON_OBJECT && i < e->count; i++) {
        if (json_find(spot.value, e->arg->members[i].name)) {
            good = apply(c, e->rules[i], spot) && good;
        }
    }
    return good;
}

static bool check_names(struct checking *c, const struct rule *owner, const struct schema_entry *e,
                        struct spot spot)
{
    (void)owner;
    for (size_t i = 0; spot.value->kind == JSON_OBJECT && i < spot.value->count; i++) {
        struct json name = {.kind = JSON_STRING, .string = spot.value->members[i].name};
        if (!holds(c, e->rules[0], (struct spot){&name, NULL, NULL})) {
            return wrong(c, spot, "the name \"%.*s\" is not allowed here",
                         (int)(name.string.n < 60 ? name.string.n : 60), name.string.p);
        }
    }
    return true;
}

/* Combining */

static bool check_all(struct checking *c, const struct rule *owner, const struct schema_entry *e,
                      struct spot spot)
{
    (void)owner;
    bool good = true;
    for (size_t i = 0; i < e->count; i++) {
        good = apply(c, e->rules[i], spot) && good;
    }
    return good;
}

static bool check_any(struct checking *c, const struct rule *owner, const struct schema_entry *e,
                      struct spot spot)
{
    (void)owner;
    bool good = false;
    for (size_t i = 0; i < e->count && (!good || spot.seen); i++) {
        good = holds(c, e->rules[i], spot) || good;
    }
    return good || wrong(c, spot, "matches none of the %zu allowed forms", e->count);
}

static bool check_one(struct checking *c, const struct rule *owner, const struct schema_entry *e,
                      struct spot spot)
{
    (void)owner;
    size_t matches = 0;
    for (size_t i = 0; i < e->count; i++) {
        matches += holds(c, e->rules[i], spot);
    }
    return matches == 1 ||
           wrong(c, spot, "must match exactly one of %zu forms, matches %zu", e->count, matches);
}

static bool check_not(struct checking *c, const struct rule *owner, const struct schema_entry *e,
                      struct spot spot)
{
    (void)owner;
    struct spot apart = {spot.value, spot.frame, NULL}; /* what it sees counts for nothing */
    return !holds(c, e->rules[0], apart) || wrong(c, spot, "has a form that is not allowed");
}

static bool check_if(struct checking *c, const struct rule *owner, const struct schema_entry *e,
                     struct spot spot)
{
    const struct schema_entry *next =
        schema_rule_entry(owner, holds(c, e->rules[0], spot) ? "then" : "else");
    return !next || apply(c, next->rules[0], spot);
}

static bool check_rule(struct checking *c, const struct rule *r, struct spot spot)
{
    if (++c->steps > SCHEMA_STEPS_MAX || c->depth >= 4 * SCHEMA_DEPTH_MAX) {
        c->spent = true;
        return false;
    }
    if (json_is(r->source, JSON_BOOL)) {
        return r->source->boolean || wrong(c, spot, "no value is allowed here");
    }
    bool good = true;
    c->depth++;
    for (size_t i = 0; i < r->count && !c->spent; i++) {
        const struct schema_entry *e = &r->entries[i];
        if (e->keyword->check) {
            good = e->keyword->check(c, r, e, spot) && good;
        }
    }
    c->depth--;
    return good;
}

const struct schema_keyword SCHEMA_KEYWORDS[] = {
    {"$ref", SHAPE_REF, check_all},
    {"type", SHAPE_TYPE, check_type},
    {"enum", SHAPE_ARRAY, check_enum},
    {"const", SHAPE_ANY, check_const},
    {"minimum", SHAPE_NUMBER, check_bound},
    {"maximum", SHAPE_NUMBER, check_bound},
    {"exclusiveMinimum", SHAPE_NUMBER, check_bound},
    {"exclusiveMaximum", SHAPE_NUMBER, check_bound},
    {"multipleOf", SHAPE_POSITIVE, check_multiple},
    {"minLength", SHAPE_COUNT, check_size},
    {"maxLength", SHAPE_COUNT, check_size},
    {"pattern", SHAPE_PATTERN, check_pattern},
    {"format", SHAPE_FORMAT, check_format},
    {"minItems", SHAPE_COUNT, check_size},
    {"maxItems", SHAPE_COUNT, check_size},
    {"uniqueItems", SHAPE_BOOL, check_unique},
    {"prefixItems", SHAPE_RULES, check_prefix},
    {"items", SHAPE_RULE, check_items},
    {"minContains", SHAPE_COUNT, NULL}, /* read by contains */
    {"maxContains", SHAPE_COUNT, NULL},
    {"contains", SHAPE_RULE, check_contains},
    {"required", SHAPE_TEXTS, check_required},
    {"minProperties", SHAPE_COUNT, check_size},
    {"maxProperties", SHAPE_COUNT, check_size},
    {"propertyNames", SHAPE_RULE, check_names},
    {"properties", SHAPE_NAMED, check_properties},
    {"patternProperties", SHAPE_MATCHED, check_matched},
    {"additionalProperties", SHAPE_RULE, check_additional},
    {"dependentRequired", SHAPE_LISTS, check_dependent_names},
    {"dependentSchemas", SHAPE_NAMED, check_dependent_rules},
    {"allOf", SHAPE_RULES, check_all},
    {"anyOf", SHAPE_RULES, check_any},
    {"oneOf", SHAPE_RULES, check_one},
    {"not", SHAPE_RULE, check_not},
    {"then", SHAPE_RULE, NULL}, /* read by if */
    {"else", SHAPE_RULE, NULL},
    {"if", SHAPE_RULE, check_if},
    {"unevaluatedItems", SHAPE_RULE, check_unevaluated}, /* these two ask what all others saw */
    {"unevaluatedProperties", SHAPE_RULE, check_unevaluated},
    {"$defs", SHAPE_NAMED, NULL},
    {"definitions", SHAPE_NAMED, NULL}, /* its name before 2019 */
    {"$anchor", SHAPE_TEXT, NULL},
    {"$id", SHAPE_TEXT, NULL},
    {"$schema", SHAPE_NOTE, NULL},
    {"$comment", SHAPE_NOTE, NULL},
    {"title", SHAPE_NOTE, NULL},
    {"description", SHAPE_NOTE, NULL},
    {"default", SHAPE_NOTE, NULL},
    {"examples", SHAPE_NOTE, NULL},
    {"deprecated", SHAPE_NOTE, NULL},
    {"readOnly", SHAPE_NOTE, NULL},
    {"writeOnly", SHAPE_NOTE, NULL},
    {"contentEncoding", SHAPE_NOTE, NULL},
    {"contentMediaType", SHAPE_NOTE, NULL},
    {"contentSchema", SHAPE_NOTE, NULL},
    {NULL, SHAPE_NOTE, NULL},
};

size_t schema_check(const struct schema *s, struct arena *a, const struct json *value,
                    const struct schema_error **out_errors)
{
    struct checking c = {.schema = s, .arena = a};
    c.errors = ARENA_ARRAY(a, struct schema_error, SCHEMA_ERRORS_MAX);
    struct spot spot = {value ? value : &json_null_value, NULL, NULL};
    spot.seen = flags_for(&c, spot.value);
    check_rule(&c, s->root, spot);
    if (c.spent) {
        c.silent = false;
        c.count = 0;
        wrong(&c, spot, "is too deep or too large to be checked");
    }
    if (out_errors) {
        *out_errors = c.errors;
    }
    return c.count;
}
