#include "svc/webhook/mapping.h"

#include <stdio.h>

#include "codec/hmac.h"
#include "codec/url.h"

enum err mapping_compile(struct str source, struct jq_program **out_program,
                         struct jq_fault *out_fault)
{
    static const char *const variables[] = {"headers", "now_ms", NULL};
    static const struct jq_setup setup = {.variables = variables};
    return jq_new(source, &setup, out_program, out_fault);
}

static const struct json *form_value(struct arena *a, const struct url_form *form)
{
    struct json_member *members = ARENA_ARRAY(a, struct json_member, form->count + 1);
    struct json *object = ARENA_NEW(a, struct json);
    uint32_t count = 0;
    for (size_t i = 0; i < form->count; i++) {
        bool first = true;
        for (uint32_t k = 0; k < count; k++) {
            first = first && !str_eq(members[k].name, form->pairs[i].name);
        }
        if (first) {
            members[count].name = form->pairs[i].name;
            members[count].value = *json_new_str(a, form->pairs[i].value);
            count++;
        }
    }
    *object = (struct json){.kind = JSON_OBJECT, .count = count, .members = members};
    return object;
}

enum err mapping_read(struct arena *a, const struct signature_request *r,
                      const struct json **out_value, struct json_fault *out_fault)
{
    struct url_form form;
    if (!signature_is_form(r)) {
        return json_parse_within(a, r->body, MAPPING_VALUES_MAX, out_value, out_fault);
    }
    if (url_form_parse(a, r->body, &form) != E_OK) {
        *out_fault = (struct json_fault){.text = "the form cannot be read"};
        return E_INVALID;
    }
    *out_value = form_value(a, &form);
    return E_OK;
}

static const struct json *variables_of(struct arena *a, const struct signature_request *r)
{
    const struct json *headers = &json_empty_object;
    for (int i = 0; i < r->header_count; i++) {
        if (str_is_utf8(r->headers[i].value)) {
            headers = json_with(a, headers, str_lower(a, r->headers[i].name),
                                json_new_str(a, r->headers[i].value));
        }
    }
    return json_object(a, {"headers", headers}, {"now_ms", json_new_int(a, r->now_ms)});
}

static enum err run(struct arena *a, struct str source, const struct mapping_input *in,
                    const struct json **out_outputs, struct jq_fault *out_fault)
{
    struct jq_program *program;
    TRY(mapping_compile(source, &program, out_fault));
    bool asks = str_find_char(source, '$') >= 0;
    struct jq_input input = {in->body, asks ? variables_of(a, in->request) : NULL};
    enum err e = jq_run(program, a, input, out_outputs, out_fault);
    jq_free(&program);
    return e;
}

static enum err add(struct arena *a, const struct json *v, const struct json **list,
                    char *out_error)
{
    if (json_is_null(v)) {
        return E_OK;
    }
    if (v->kind == JSON_ARRAY) {
        for (size_t i = 0; i < json_count(v); i++) {
            const struct json *item = json_at(v, i);
            if (json_is(item, JSON_ARRAY)) {
                snprintf(out_error, MAPPING_ERROR_BYTES, "an array of arrays");
                return E_INVALID;
            }
            TRY(add(a, item, list, out_error));
        }
        return E_OK;
    }
    if (v->kind != JSON_OBJECT || json_count(*list) >= MAPPING_OUTPUTS_MAX) {
        snprintf(out_error, MAPPING_ERROR_BYTES,
                 v->kind != JSON_OBJECT ? "not an object" : "more than %d objects",
                 MAPPING_OUTPUTS_MAX);
        return E_INVALID;
    }
    *list = json_push(a, *list, v);
    return E_OK;
}

enum err mapping_run(struct arena *a, struct str source, const struct mapping_input *in,
                     const struct json **out_objects, char out_error[MAPPING_ERROR_BYTES])
{
    const struct json *outputs, *list = &json_empty_array;
    struct jq_fault fault = {0};
    enum err e = run(a, source, in, &outputs, &fault);
    if (e != E_OK) {
        snprintf(out_error, MAPPING_ERROR_BYTES, "%s", fault.text);
        return e;
    }
    for (size_t i = 0; i < json_count(outputs); i++) {
        TRY(add(a, json_at(outputs, i), &list, out_error));
    }
    *out_objects = list;
    return E_OK;
}

struct str mapping_text(struct arena *a, const struct json *v)
{
    if (v && (v->kind == JSON_INT || v->kind == JSON_REAL)) {
        return json_write(a, v);
    }
    return json_text(v, STR(""));
}

static struct str bounded(struct arena *a, struct str id)
{
    bool odd = id.n > MAPPING_ID_MAX_BYTES || !str_is_utf8(id) || str_find_char(id, '\0') >= 0;
    return odd ? hmac_sha256_hex(a, id) : id;
}

struct str mapping_event_id(struct arena *a, const struct signature_scheme *s, struct str source,
                            const struct mapping_input *in)
{
    const struct json *outputs;
    struct jq_fault fault;
    struct str id = {0};
    if (!source.n && s->id_header) {
        id = str_trim(signature_header(in->request, s->id_header));
    } else if (source.n || s->id_path) {
        source = source.n ? source : str_of(s->id_path);
        if (run(a, source, in, &outputs, &fault) == E_OK) {
            id = mapping_text(a, json_at(outputs, 0));
        }
    }
    return id.n ? bounded(a, id) : hmac_sha256_hex(a, in->request->body);
}
