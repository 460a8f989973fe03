#include "agent/config_check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "codec/template.h"

static void add_fault(struct config_check *k, const struct json *at, struct str path, bool warning,
                      struct str text)
{
    struct config_faults *f = k->faults;
    f->errors += warning ? 0 : 1;
    if (f->count >= CONFIG_FAULTS_MAX) {
        return;
    }
    f->items[f->count++] = (struct config_fault){
        .line = at ? (int)at->line : 0,
        .column = at ? (int)at->column : 0,
        .warning = warning,
        .path = path,
        .text = text,
    };
}

static struct str format(struct arena *a, const char *fmt, va_list args)
{
    char text[400];
    vsnprintf(text, sizeof(text), fmt, args);
    return str_dup(a, str_of(text));
}

void check_fault(struct config_check *k, const struct json *at, struct str path, const char *fmt,
                 ...)
{
    va_list args;
    va_start(args, fmt);
    add_fault(k, at, path, false, format(k->a, fmt, args));
    va_end(args);
}

void check_warn(struct config_check *k, const struct json *at, struct str path, const char *fmt,
                ...)
{
    va_list args;
    va_start(args, fmt);
    add_fault(k, at, path, true, format(k->a, fmt, args));
    va_end(args);
}

struct str check_path(struct config_check *k, struct str base, const char *name)
{
    return base.n ? str_fmt(k->a, "%.*s.%s", STR_ARG(base), name) : str_dup(k->a, str_of(name));
}

struct str check_str(struct config_check *k, const struct json *map, struct str path,
                     const char *name, size_t max_bytes)
{
    const struct json *v = json_get(map, name);
    if (json_is_null(v)) {
        return STR("");
    }
    if (!json_is(v, JSON_STRING)) {
        check_fault(k, v, check_path(k, path, name), "must be text");
        return STR("");
    }
    if (v->string.n > max_bytes) {
        check_fault(k, v, check_path(k, path, name), "has %zu bytes; at most %zu", v->string.n,
                    max_bytes);
    }
    return v->string;
}

bool check_bool(struct config_check *k, const struct json *map, struct str path, const char *name,
                bool fallback)
{
    const struct json *v = json_get(map, name);
    if (json_is_null(v)) {
        return fallback;
    }
    if (!json_is(v, JSON_BOOL)) {
        check_fault(k, v, check_path(k, path, name), "must be true or false");
        return fallback;
    }
    return v->boolean;
}

double check_number(struct config_check *k, const struct json *map, struct str path,
                    const char *name, const double range[3])
{
    const struct json *v = json_get(map, name);
    if (json_is_null(v)) {
        return range[2];
    }
    if (!json_is(v, JSON_INT) && !json_is(v, JSON_REAL)) {
        check_fault(k, v, check_path(k, path, name), "must be a number");
        return range[2];
    }
    double value = json_number(v, range[2]);
    if (value < range[0] || value > range[1]) {
        check_fault(k, v, check_path(k, path, name), "must be from %g to %g, not %g", range[0],
                    range[1], value);
    }
    return value;
}

const struct json *check_list(struct config_check *k, const struct json *map, struct str path,
                              const char *name, size_t max)
{
    const struct json *v = json_get(map, name);
    if (json_is_null(v)) {
        return &json_empty_array;
    }
    if (!json_is(v, JSON_ARRAY)) {
        check_fault(k, v, check_path(k, path, name), "must be a list");
        return &json_empty_array;
    }
    if (json_count(v) > max) {
        check_fault(k, v, check_path(k, path, name), "has %zu entries; at most %zu", json_count(v),
                    max);
        return &json_empty_array;
    }
    return v;
}

const struct json *check_map(struct config_check *k, const struct json *map, struct str path,
                             const char *name)
{
    const struct json *v = json_get(map, name);
    if (json_is_null(v)) {
        return &json_empty_object;
    }
    if (!json_is(v, JSON_OBJECT)) {
        check_fault(k, v, check_path(k, path, name), "must be a map");
        return &json_empty_object;
    }
    return v;
}

struct str check_choice(struct config_check *k, const struct json *map, struct str path,
                        const char *name, const char *const *values)
{
    struct str given = check_str(k, map, path, name, 100);
    if (given.n == 0) {
        return given;
    }
    struct buf list = buf_make(1024);
    for (const char *const *v = values; *v; v++) {
        if (str_eqz(given, *v)) {
            buf_free(&list);
            return given;
        }
        buf_addf(&list, "%s%s", v == values ? "" : ", ", *v);
    }
    check_fault(k, json_get(map, name), check_path(k, path, name), "\"%.*s\" is not one of %.*s",
                STR_ARG(given), STR_ARG(buf_str(&list)));
    buf_free(&list);
    return STR("");
}

void check_known(struct config_check *k, const struct json *map, struct str path,
                 const char *const *names)
{
    bool is_map = json_is(map, JSON_OBJECT);
    if (!is_map && !json_is_null(map)) {
        check_fault(k, map, path, "must be a map of names and values");
    }
    for (size_t i = 0; is_map && i < map->count; i++) {
        const struct json_member *m = &map->members[i];
        bool known = str_starts(m->name, STR("x-"));
        for (const char *const *n = names; *n && !known; n++) {
            known = str_eqz(m->name, *n);
        }
        if (!known) {
            char *name = str_dupz(k->a, m->name);
            check_fault(k, &m->value, check_path(k, path, name), "unknown key \"%s\"", name);
        }
    }
}

bool check_is_snake(struct str s)
{
    if (s.n == 0 || s.n > 64 || s.p[0] < 'a' || s.p[0] > 'z') {
        return false;
    }
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_')) {
            return false;
        }
    }
    return true;
}

static void free_program(void *arg)
{
    struct jq_program *p = arg;
    jq_free(&p);
}

struct jq_program *check_jq(struct config_check *k, const struct json *at, struct str path,
                            struct str prelude)
{
    if (!json_is(at, JSON_STRING)) {
        check_fault(k, at, path, "must be a jq expression, as text");
        return NULL;
    }
    struct jq_program *program = NULL;
    struct jq_fault fault = {0};
    struct jq_setup setup = {.prelude = prelude};
    if (jq_new(at->string, &setup, &program, &fault) != E_OK) {
        check_fault(k, at, path, "jq: %s", fault.text);
        return NULL;
    }
    arena_defer(k->cfg->arena, free_program, program);
    return program;
}

void check_template(struct config_check *k, const struct json *map, struct str path,
                    const char *name)
{
    const struct json *v = json_get(map, name);
    if (!json_is(v, JSON_STRING)) {
        return;
    }
    const struct template *t;
    struct json_fault fault = {0};
    if (template_new(k->a, v->string, &t, &fault) != E_OK) {
        check_fault(k, v, check_path(k, path, name), "template: %s", fault.text);
    }
}

const struct schema *check_schema(struct config_check *k, const struct json *document,
                                  struct str path)
{
    const struct schema *schema = NULL;
    struct schema_fault fault = {0};
    if (schema_new(k->cfg->arena, document, &schema, &fault) != E_OK) {
        struct json place = {.line = fault.line ? (uint32_t)fault.line : document->line,
                             .column = fault.line ? (uint32_t)fault.column : document->column};
        check_fault(k, &place, path, "JSON Schema: %s%s%s", fault.path, fault.path[0] ? ": " : "",
                    fault.text);
        return NULL;
    }
    return schema;
}
