#include "codec/schema.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/map.h"
#include "codec/format.h"
#include "codec/schema_rule.h"
#include "codec/url.h"

enum { RULES_MAX = 20000, POINTER_MAX_BYTES = 512 };

struct compiling {
    struct arena *arena;
    const struct json *document;
    struct map *rules;   /* address of a schema in the document -> its rule */
    struct map *anchors; /* name -> schema */
    struct schema *schema;
    struct schema_fault *fault;
    int depth;
};

/* Where a schema stands in the document, as a list from the inside out. */
struct place {
    const struct place *outer;
    struct str name;
    int index; /* -1: the name counts */
};

static size_t write_path(const struct place *p, char *out, size_t size)
{
    if (!p) {
        return 0;
    }
    size_t n = write_path(p->outer, out, size);
    if (n >= size) {
        return n;
    }
    int more = p->index >= 0
                   ? snprintf(out + n, size - n, "[%d]", p->index)
                   : snprintf(out + n, size - n, "%s%.*s", n ? "." : "", STR_ARG(p->name));
    return more < 0 ? n : n + (size_t)more;
}

static enum err fail(struct compiling *c, const struct place *p, const struct json *at,
                     const char *text)
{
    struct schema_fault f = {.line = at ? (int)at->line : 0, .column = at ? (int)at->column : 0};
    snprintf(f.text, sizeof(f.text), "%s", text);
    write_path(p, f.path, sizeof(f.path));
    *c->fault = f;
    return E_INVALID;
}

static enum err compile(struct compiling *c, const struct json *source, const struct place *p,
                        const struct rule **out_rule);

/* References */

static const struct json *step_into(const struct json *v, struct str token)
{
    if (json_is(v, JSON_ARRAY)) {
        int64_t index;
        bool good = str_to_i64(token, &index) && index >= 0 && (token.p[0] != '0' || token.n == 1);
        return good ? json_at(v, (size_t)index) : NULL;
    }
    return json_find(v, token);
}

/* RFC 6901: ~1 is /, ~0 is ~. */
static struct str untilde(struct arena *a, struct str token)
{
    char *out = arena_alloc(a, token.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < token.n; i++) {
        bool escape = token.p[i] == '~' && i + 1 < token.n;
        out[n++] = (char)(!escape ? token.p[i] : token.p[++i] == '1' ? '/' : '~');
    }
    return str_make(out, n);
}

/* "#", "#/a/b", "#anchor", each perhaps behind the document's own $id. NULL when there is no such
 * place. */
static const struct json *find_ref(struct compiling *c, struct str ref)
{
    struct str fragment, token, id = json_str(c->document, "$id", STR(""));
    if (id.n && str_starts(ref, id)) {
        ref = str_sub(ref, id.n, ref.n);
    }
    if (ref.n == 0) {
        return c->document;
    }
    if (ref.p[0] != '#' || ref.n > POINTER_MAX_BYTES ||
        !url_decode(c->arena, str_sub(ref, 1, ref.n), &fragment)) {
        return NULL;
    }
    if (fragment.n && fragment.p[0] != '/') {
        return map_get(c->anchors, fragment);
    }
    const struct json *v = c->document;
    struct str rest = fragment;
    str_split(&rest, '/', &token); /* what is before the first / */
    while (v && str_split(&rest, '/', &token)) {
        v = step_into(v, untilde(c->arena, token));
    }
    return v;
}

static void collect_anchors(struct compiling *c, const struct json *v, int depth)
{
    if (depth > JSON_DEPTH_MAX) {
        return;
    }
    if (json_is(v, JSON_ARRAY)) {
        for (uint32_t i = 0; i < v->count; i++) {
            collect_anchors(c, &v->items[i], depth + 1);
        }
    } else if (json_is(v, JSON_OBJECT)) {
        const struct json *anchor = json_get(v, "$anchor");
        if (json_is(anchor, JSON_STRING)) {
            map_set(c->anchors, anchor->string, (void *)(uintptr_t)v);
        }
        for (uint32_t i = 0; i < v->count; i++) {
            if (!str_eqz(v->members[i].name, "enum") && !str_eqz(v->members[i].name, "const")) {
                collect_anchors(c, &v->members[i].value, depth + 1);
            }
        }
    }
}

/* Arguments */

static bool is_type_name(const struct json *v)
{
    static const char *const NAMES[] = {"null",   "boolean", "integer", "number",
                                        "string", "array",   "object",  NULL};
    for (const char *const *n = NAMES; json_is(v, JSON_STRING) && *n; n++) {
        if (str_eqz(v->string, *n)) {
            return true;
        }
    }
    return false;
}

static bool all_items(const struct json *v, bool (*is)(const struct json *item))
{
    for (uint32_t i = 0; json_is(v, JSON_ARRAY) && i < v->count; i++) {
        if (!is(&v->items[i])) {
            return false;
        }
    }
    return json_is(v, JSON_ARRAY);
}

static bool is_text(const struct json *v)
{
    return json_is(v, JSON_STRING);
}

static bool all_members_are_texts(const struct json *v)
{
    for (uint32_t i = 0; json_is(v, JSON_OBJECT) && i < v->count; i++) {
        if (!all_items(&v->members[i].value, is_text)) {
            return false;
        }
    }
    return json_is(v, JSON_OBJECT);
}

/* What is wrong with the argument itself, or NULL. */
static const char *argument_problem(enum schema_shape shape, const struct json *v)
{
    double n = json_number(v, NAN);
    switch (shape) {
    case SHAPE_TYPE:
        return is_type_name(v) || (json_count(v) && all_items(v, is_type_name))
                   ? NULL
                   : "must be null, boolean, integer, number, string, array or object, or a list "
                     "of these";
    case SHAPE_ARRAY:
        return json_is(v, JSON_ARRAY) ? NULL : "must be a list";
    case SHAPE_RULES:
        return json_is(v, JSON_ARRAY) && v->count ? NULL : "must be a list with an element";
    case SHAPE_NUMBER:
        return isnan(n) ? "must be a number" : NULL;
    case SHAPE_POSITIVE:
        return n > 0 ? NULL : "must be a number above 0";
    case SHAPE_COUNT:
        return n >= 0 && n <= 1e15 && n == floor(n) ? NULL : "must be an integer of at least 0";
    case SHAPE_BOOL:
        return json_is(v, JSON_BOOL) ? NULL : "must be true or false";
    case SHAPE_TEXT:
    case SHAPE_PATTERN:
    case SHAPE_REF:
        return json_is(v, JSON_STRING) ? NULL : "must be a text";
    case SHAPE_TEXTS:
        return all_items(v, is_text) ? NULL : "must be a list of texts";
    case SHAPE_LISTS:
        return all_members_are_texts(v) ? NULL : "must be an object of lists of texts";
    case SHAPE_FORMAT:
        return json_is(v, JSON_STRING) && format_is_known(v->string)
                   ? NULL
                   : "unknown format: date, time, date-time, email, uuid, uri and ipv4 are known";
    case SHAPE_NAMED:
    case SHAPE_MATCHED:
        return json_is(v, JSON_OBJECT) ? NULL : "must be an object";
    default:
        return NULL;
    }
}

static void drop_pattern(void *arg)
{
    struct pattern *p = arg;
    pattern_free(&p);
}

static enum err compile_pattern(struct compiling *c, struct str text, const struct place *p,
                                const struct json *at, struct pattern **out_pattern)
{
    char reason[120] = "", problem[160];
    if (pattern_new(text, (struct pattern_flags){0}, out_pattern, reason) != E_OK) {
        snprintf(problem, sizeof(problem), "not a usable pattern: %s", reason);
        return fail(c, p, at, problem);
    }
    arena_defer(c->arena, drop_pattern, *out_pattern);
    return E_OK;
}

/* The schemas that an argument holds: one, a list, or members. */
static enum err compile_parts(struct compiling *c, const struct place *p, struct schema_entry *e)
{
    enum schema_shape shape = e->keyword->shape;
    size_t n = shape == SHAPE_RULE ? 1 : json_count(e->arg);
    e->rules = arena_array(c->arena, n, sizeof(*e->rules));
    e->patterns = shape == SHAPE_MATCHED ? arena_array(c->arena, n, sizeof(*e->patterns)) : NULL;
    e->count = n;
    for (size_t i = 0; i < n; i++) {
        struct place inner = {p, STR(""), (int)i};
        const struct json *source = e->arg;
        if (shape == SHAPE_RULES) {
            source = &e->arg->items[i];
        } else if (shape != SHAPE_RULE) {
            source = &e->arg->members[i].value;
            inner = (struct place){p, e->arg->members[i].name, -1};
        }
        if (e->patterns) {
            TRY(compile_pattern(c, inner.name, &inner, source, &e->patterns[i]));
        }
        TRY(compile(c, source, shape == SHAPE_RULE ? p : &inner, &e->rules[i]));
    }
    return E_OK;
}

static enum err compile_ref(struct compiling *c, const struct place *p, struct schema_entry *e)
{
    const struct json *target = find_ref(c, e->arg->string);
    if (!target) {
        return fail(c, p, e->arg, "the reference leads nowhere in this document");
    }
    e->rules = arena_array(c->arena, 1, sizeof(*e->rules));
    e->count = 1;
    return compile(c, target, p, &e->rules[0]);
}

static enum err compile_entry(struct compiling *c, const struct place *outer,
                              struct schema_entry *e)
{
    struct place p = {outer, str_of(e->keyword->name), -1};
    const char *problem = argument_problem(e->keyword->shape, e->arg);
    if (problem) {
        return fail(c, &p, e->arg, problem);
    }
    c->schema->tracks |= str_starts(p.name, STR("unevaluated"));
    switch (e->keyword->shape) {
    case SHAPE_PATTERN:
        e->patterns = arena_array(c->arena, 1, sizeof(*e->patterns));
        e->count = 1;
        return compile_pattern(c, e->arg->string, &p, e->arg, &e->patterns[0]);
    case SHAPE_REF:
        return compile_ref(c, &p, e);
    case SHAPE_RULE:
    case SHAPE_RULES:
    case SHAPE_NAMED:
    case SHAPE_MATCHED:
        return compile_parts(c, &p, e);
    default:
        return E_OK;
    }
}

/* Rules */

static bool is_known(struct str name)
{
    for (const struct schema_keyword *k = SCHEMA_KEYWORDS; k->name; k++) {
        if (str_eqz(name, k->name)) {
            return true;
        }
    }
    return str_starts(name, STR("x-"));
}

static enum err check_names(struct compiling *c, const struct json *source, const struct place *p)
{
    for (uint32_t i = 0; i < source->count; i++) {
        const struct json_member *m = &source->members[i];
        struct json at = {.line = m->line, .column = m->column};
        if (!is_known(m->name)) {
            struct place inner = {p, m->name, -1};
            return fail(c, &inner, &at, "this keyword is not supported");
        }
        if (str_eqz(m->name, "$id") && source != c->document) {
            struct place inner = {p, m->name, -1};
            return fail(c, &inner, &at, "only the whole document may have an $id");
        }
    }
    return E_OK;
}

static enum err compile_object(struct compiling *c, const struct json *source,
                               const struct place *p, struct rule *r)
{
    TRY(check_names(c, source, p));
    struct schema_entry *entries = ARENA_ARRAY(c->arena, struct schema_entry, source->count);
    r->entries = entries;
    for (const struct schema_keyword *k = SCHEMA_KEYWORDS; k->name; k++) {
        const struct json *arg = json_get(source, k->name);
        if (arg && k->shape != SHAPE_NOTE) {
            entries[r->count] = (struct schema_entry){.keyword = k, .arg = arg};
            TRY(compile_entry(c, p, &entries[r->count++]));
        }
    }
    return E_OK;
}

static enum err compile(struct compiling *c, const struct json *source, const struct place *p,
                        const struct rule **out_rule)
{
    struct str key = str_make((const char *)&source, sizeof(source));
    struct rule *known = map_get(c->rules, key);
    if (known) {
        *out_rule = known;
        return E_OK;
    }
    if (!json_is(source, JSON_OBJECT) && !json_is(source, JSON_BOOL)) {
        return fail(c, p, source, "a schema must be an object, true or false");
    }
    struct rule *r = ARENA_NEW(c->arena, struct rule);
    r->source = source;
    if (++c->depth > 4 * SCHEMA_DEPTH_MAX || !map_set(c->rules, key, r)) {
        return fail(c, p, source, "the schema is nested too deep or too large");
    }
    enum err e = json_is(source, JSON_OBJECT) ? compile_object(c, source, p, r) : E_OK;
    c->depth--;
    *out_rule = r;
    return e;
}

enum err schema_new(struct arena *a, const struct json *document, const struct schema **out_schema,
                    struct schema_fault *out_fault)
{
    struct schema_fault ignored;
    struct schema *s = ARENA_NEW(a, struct schema);
    s->document = document ? document : &json_null_value;
    struct compiling c = {.arena = a,
                          .document = s->document,
                          .rules = map_new(RULES_MAX),
                          .anchors = map_new(RULES_MAX),
                          .schema = s,
                          .fault = out_fault ? out_fault : &ignored};
    collect_anchors(&c, s->document, 0);
    enum err e = compile(&c, s->document, NULL, &s->root);
    map_free(&c.rules);
    map_free(&c.anchors);
    if (e == E_OK) {
        *out_schema = s;
    }
    return e;
}

const struct schema_entry *schema_rule_entry(const struct rule *r, const char *name)
{
    for (size_t i = 0; i < r->count; i++) {
        if (strcmp(r->entries[i].keyword->name, name) == 0) {
            return &r->entries[i];
        }
    }
    return NULL;
}

const struct json *schema_document(const struct schema *s)
{
    return s->document;
}
