#include "codec/field.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "codec/date.h"
#include "codec/format.h"
#include "codec/text.h"
#include "codec/url.h"

struct reading {
    struct arena *arena;
    const struct field_table *table;
    struct field_fault *fault;
    bool part; /* nothing is required */
};

__attribute__((format(printf, 3, 4))) static enum err fail(struct reading *r, const char *path,
                                                           const char *fmt, ...)
{
    struct field_fault f;
    snprintf(f.path, sizeof(f.path), "%s", path);
    va_list args;
    va_start(args, fmt);
    vsnprintf(f.text, sizeof(f.text), fmt, args);
    va_end(args);
    *r->fault = f;
    return E_INVALID;
}

static void *place_of(const struct field *f, void *in_struct)
{
    return (char *)in_struct + f->offset;
}

static const void *const_place_of(const struct field *f, const void *in_struct)
{
    return (const char *)in_struct + f->offset;
}

/* Texts */

static bool is_made_of(struct str s, char extra)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool letter = c >= 'a' && c <= 'z';
        if (!letter && (i == 0 || ((c < '0' || c > '9') && c != extra))) {
            return false;
        }
    }
    return s.n > 0;
}

static bool is_line(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if ((unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f) {
            return false;
        }
    }
    return true;
}

/* What the form asks for and the text is not, or NULL. */
static const char *form_problem(enum field_form form, struct str s)
{
    int64_t ms;
    switch (form) {
    case FIELD_EMAIL:
        return format_is_email(s) ? NULL : "must be an e-mail address";
    case FIELD_URL:
        return url_is_web(s) ? NULL : "must be an http or https URL";
    case FIELD_SLUG:
        return is_made_of(s, '-') ? NULL
                                  : "must be lower-case letters, digits and hyphens, "
                                    "starting with a letter";
    case FIELD_SNAKE:
        return is_made_of(s, '_') ? NULL
                                  : "must be lower-case letters, digits and underscores, "
                                    "starting with a letter";
    case FIELD_DATE:
        return date_parse_day(s, &ms) ? NULL : "must be a date such as 2026-03-01";
    case FIELD_LINE:
        return is_line(s) ? NULL : "must be a single line without control characters";
    case FIELD_ANY:
        break;
    }
    return NULL;
}

static bool is_bounded(const struct field *f)
{
    return f->min != 0 || f->max != 0;
}

static int64_t most_of(const struct field *f)
{
    return f->max ? f->max : FIELD_STR_DEFAULT_MAX;
}

static enum err read_str(struct reading *r, const struct field *f, const struct json *v,
                         struct str *out_value)
{
    if (v->kind != JSON_STRING) {
        return fail(r, f->name, "must be a text");
    }
    int64_t n = (int64_t)text_count(v->string);
    if (n < f->min) {
        return f->min == 1
                   ? fail(r, f->name, "must not be empty")
                   : fail(r, f->name, "must have at least %lld characters", (long long)f->min);
    }
    if (n > most_of(f)) {
        return fail(r, f->name, "must have at most %lld characters, has %lld",
                    (long long)most_of(f), (long long)n);
    }
    const char *problem = form_problem(f->form, v->string);
    if (problem) {
        return fail(r, f->name, "%s", problem);
    }
    *out_value = v->string;
    return E_OK;
}

static enum err read_strs(struct reading *r, const struct field *f, const struct json *v,
                          struct field_strs *out_value)
{
    if (v->kind != JSON_ARRAY) {
        return fail(r, f->name, "must be a list of texts");
    }
    if (is_bounded(f) && (v->count < f->min || v->count > f->max)) {
        return fail(r, f->name, "must have %lld to %lld elements", (long long)f->min,
                    (long long)f->max);
    }
    struct str *items = ARENA_ARRAY(r->arena, struct str, v->count);
    for (uint32_t i = 0; i < v->count; i++) {
        char path[96];
        snprintf(path, sizeof(path), "%s[%u]", f->name, i);
        if (v->items[i].kind != JSON_STRING || v->items[i].string.n > 4 * FIELD_STR_DEFAULT_MAX) {
            return fail(r, path, "must be a text of at most %d bytes", 4 * FIELD_STR_DEFAULT_MAX);
        }
        const char *problem = form_problem(f->form, v->items[i].string);
        if (problem) {
            return fail(r, path, "%s", problem);
        }
        items[i] = v->items[i].string;
    }
    *out_value = (struct field_strs){items, v->count};
    return E_OK;
}

/* Numbers and the rest */

static enum err read_int(struct reading *r, const struct field *f, const struct json *v,
                         int64_t *out_value)
{
    int64_t n = v->integer;
    bool whole = v->kind == JSON_INT;
    if (v->kind == JSON_REAL && v->real >= -0x1p53 && v->real <= 0x1p53) { /* 5.0 is 5 */
        n = (int64_t)v->real;
        whole = (double)n == v->real;
    }
    if (f->kind == FIELD_TIME && v->kind == JSON_STRING && date_parse(v->string, &n)) {
        whole = true;
    }
    if (!whole) {
        return fail(r, f->name,
                    f->kind == FIELD_TIME ? "must be Unix milliseconds or an ISO 8601 time"
                                          : "must be an integer");
    }
    if (is_bounded(f) && (n < f->min || n > f->max)) {
        return fail(r, f->name, "must be between %lld and %lld", (long long)f->min,
                    (long long)f->max);
    }
    *out_value = n;
    return E_OK;
}

static enum err read_real(struct reading *r, const struct field *f, const struct json *v,
                          double *out_value)
{
    if (v->kind != JSON_INT && v->kind != JSON_REAL) {
        return fail(r, f->name, "must be a number");
    }
    double n = json_number(v, 0);
    if (is_bounded(f) && (n < (double)f->min || n > (double)f->max)) {
        return fail(r, f->name, "must be between %lld and %lld", (long long)f->min,
                    (long long)f->max);
    }
    *out_value = n;
    return E_OK;
}

static enum err read_enum(struct reading *r, const struct field *f, const struct json *v,
                          int *out_value)
{
    char list[120] = "";
    size_t n = 0;
    for (int i = 0; f->values[i]; i++) {
        if (json_is(v, JSON_STRING) && str_eqz(v->string, f->values[i])) {
            *out_value = i;
            return E_OK;
        }
        if (n < sizeof(list)) {
            n += (size_t)snprintf(list + n, sizeof(list) - n, "%s%s", i ? ", " : "", f->values[i]);
        }
    }
    return fail(r, f->name, "must be one of %s", list);
}

static enum err read_json(struct reading *r, const struct field *f, const struct json *v,
                          const struct json **out_value)
{
    if (f->kind == FIELD_OBJECT && v->kind != JSON_OBJECT) {
        return fail(r, f->name, "must be an object");
    }
    if (f->kind == FIELD_LIST && v->kind != JSON_ARRAY) {
        return fail(r, f->name, "must be a list");
    }
    if (f->kind == FIELD_LIST && is_bounded(f) && (v->count < f->min || v->count > f->max)) {
        return fail(r, f->name, "must have %lld to %lld elements", (long long)f->min,
                    (long long)f->max);
    }
    *out_value = v;
    return E_OK;
}

static void set_null(const struct field *f, void *place)
{
    static const size_t SIZES[] = {
        [FIELD_STR] = sizeof(struct str),     [FIELD_ID] = sizeof(struct id),
        [FIELD_INT] = sizeof(int64_t),        [FIELD_REAL] = sizeof(double),
        [FIELD_BOOL] = sizeof(bool),          [FIELD_ENUM] = sizeof(int),
        [FIELD_TIME] = sizeof(int64_t),       [FIELD_STRS] = sizeof(struct field_strs),
        [FIELD_JSON] = sizeof(struct json *), [FIELD_OBJECT] = sizeof(struct json *),
        [FIELD_LIST] = sizeof(struct json *),
    };
    memset(place, f->kind == FIELD_ENUM ? 0xff : 0, SIZES[f->kind]); /* -1 for enums */
}

static enum err read_value(struct reading *r, const struct field *f, const struct json *v,
                           void *place)
{
    if (v->kind == JSON_NULL && f->kind != FIELD_JSON) {
        if (!(f->flags & FIELD_NULLABLE)) {
            return fail(r, f->name, "must not be null");
        }
        set_null(f, place);
        return E_OK;
    }
    switch (f->kind) {
    case FIELD_STR:
        return read_str(r, f, v, place);
    case FIELD_ID:
        return json_is(v, JSON_STRING) && id_parse(v->string, place)
                   ? E_OK
                   : fail(r, f->name, "must be a UUID");
    case FIELD_INT:
    case FIELD_TIME:
        return read_int(r, f, v, place);
    case FIELD_REAL:
        return read_real(r, f, v, place);
    case FIELD_BOOL:
        if (v->kind != JSON_BOOL) {
            return fail(r, f->name, "must be true or false");
        }
        *(bool *)place = v->boolean;
        return E_OK;
    case FIELD_ENUM:
        return read_enum(r, f, v, place);
    case FIELD_STRS:
        return read_strs(r, f, v, place);
    case FIELD_JSON:
    case FIELD_OBJECT:
    case FIELD_LIST:
        return read_json(r, f, v, (const struct json **)place);
    }
    return E_INTERNAL;
}

static int index_of(const struct field_table *t, struct str name)
{
    for (int i = 0; i < t->count; i++) {
        if (str_eqz(name, t->fields[i].name)) {
            return i;
        }
    }
    return -1;
}

static enum err read_members(struct reading *r, const struct json *value, void *out_struct,
                             uint64_t *given)
{
    for (uint32_t i = 0; i < value->count; i++) {
        struct str name = value->members[i].name;
        int at = index_of(r->table, name);
        if (at < 0) {
            char path[96];
            struct str cut = text_cut_bytes(name, sizeof(path) - 1);
            snprintf(path, sizeof(path), "%.*s", STR_ARG(cut));
            return fail(r, path, "is not a known field");
        }
        const struct field *f = &r->table->fields[at];
        if (f->flags & FIELD_READ_ONLY) {
            return fail(r, f->name, "cannot be set");
        }
        TRY(read_value(r, f, &value->members[i].value, place_of(f, out_struct)));
        *given |= (uint64_t)1 << at;
    }
    return E_OK;
}

static enum err read_table(struct reading *r, const struct json *value, void *out_struct)
{
    uint64_t given = 0;
    if (!json_is(value, JSON_OBJECT)) {
        return fail(r, "", "a JSON object is expected");
    }
    TRY(read_members(r, value, out_struct, &given));
    for (int i = 0; i < r->table->count && !r->part; i++) {
        const struct field *f = &r->table->fields[i];
        if ((f->flags & FIELD_REQUIRED) && !(given & (uint64_t)1 << i)) {
            return fail(r, f->name, "is required");
        }
    }
    if (r->table->has_given) {
        memcpy((char *)out_struct + r->table->given_offset, &given, sizeof(given));
    }
    return E_OK;
}

enum err field_read(const struct field_table *t, struct arena *a, const struct json *value,
                    void *out_struct, struct field_fault *out_fault)
{
    struct reading r = {a, t, out_fault, false};
    return read_table(&r, value, out_struct);
}

enum err field_read_part(const struct field_table *t, struct arena *a, const struct json *value,
                         void *out_struct, struct field_fault *out_fault)
{
    struct reading r = {a, t, out_fault, true};
    return read_table(&r, value, out_struct);
}

bool field_given(uint64_t given, const struct field_table *t, const char *name)
{
    int at = index_of(t, str_of(name));
    return at >= 0 && (given & (uint64_t)1 << at);
}

/* Writing */

static void write_strs(const struct field_strs *list, struct json_out *o)
{
    json_open_array(o);
    for (size_t i = 0; i < list->count; i++) {
        json_put_str(o, list->items[i]);
    }
    json_close_array(o);
}

static void write_id(const struct id *id, struct json_out *o)
{
    if (id_is_set(id)) {
        json_put_str(o, id_str(id));
    } else {
        json_put_null(o);
    }
}

static int count_values(const struct field *f)
{
    int n = 0;
    while (f->values && f->values[n]) {
        n++;
    }
    return n;
}

static void write_value(const struct field *f, const void *place, struct json_out *o)
{
    const struct str *text = place;
    int value;
    switch (f->kind) {
    case FIELD_STR:
        if (!text->p && (f->flags & FIELD_NULLABLE)) {
            json_put_null(o);
        } else {
            json_put_str(o, *text);
        }
        break;
    case FIELD_ID:
        write_id(place, o);
        break;
    case FIELD_TIME:
        if (*(const int64_t *)place == 0 && (f->flags & FIELD_NULLABLE)) {
            json_put_null(o);
            break;
        }
        json_put_int(o, *(const int64_t *)place);
        break;
    case FIELD_INT:
        json_put_int(o, *(const int64_t *)place);
        break;
    case FIELD_REAL:
        json_put_real(o, *(const double *)place);
        break;
    case FIELD_BOOL:
        json_put_bool(o, *(const bool *)place);
        break;
    case FIELD_ENUM:
        value = *(const int *)place;
        if (value < 0 || value >= count_values(f)) {
            json_put_null(o);
        } else {
            json_put_str(o, str_of(f->values[value]));
        }
        break;
    case FIELD_STRS:
        write_strs(place, o);
        break;
    case FIELD_JSON:
    case FIELD_OBJECT:
    case FIELD_LIST:
        json_put(o, *(const struct json *const *)place);
        break;
    }
}

void field_write_members(const struct field_table *t, const void *in_struct, struct json_out *o)
{
    for (int i = 0; i < t->count; i++) {
        const struct field *f = &t->fields[i];
        if (!(f->flags & FIELD_SECRET)) {
            json_name(o, f->name);
            write_value(f, const_place_of(f, in_struct), o);
        }
    }
}

void field_write(const struct field_table *t, const void *in_struct, struct json_out *o)
{
    json_open_object(o);
    field_write_members(t, in_struct, o);
    json_close_object(o);
}

/* Schemas */

static const char *type_of(const struct field *f)
{
    switch (f->kind) {
    case FIELD_INT:
    case FIELD_TIME:
        return "integer";
    case FIELD_REAL:
        return "number";
    case FIELD_BOOL:
        return "boolean";
    case FIELD_STRS:
    case FIELD_LIST:
        return "array";
    case FIELD_OBJECT:
        return "object";
    case FIELD_JSON:
        return NULL; /* anything */
    default:
        return "string";
    }
}

static void schema_type(const struct field *f, struct json_out *o)
{
    const char *type = type_of(f);
    if (!type) {
        return;
    }
    json_name(o, "type");
    if (f->flags & FIELD_NULLABLE) {
        json_open_array(o);
        json_put_str(o, str_of(type));
        json_put_str(o, STR("null"));
        json_close_array(o);
    } else {
        json_put_str(o, str_of(type));
    }
}

static void schema_bounds(const struct field *f, struct json_out *o)
{
    bool number = f->kind == FIELD_INT || f->kind == FIELD_REAL || f->kind == FIELD_TIME;
    bool list = f->kind == FIELD_STRS || f->kind == FIELD_LIST;
    if (f->kind == FIELD_STR) {
        if (f->min) {
            json_field_int(o, "minLength", f->min);
        }
        json_field_int(o, "maxLength", most_of(f));
    } else if ((number || list) && is_bounded(f)) {
        json_field_int(o, number ? "minimum" : "minItems", f->min);
        json_field_int(o, number ? "maximum" : "maxItems", f->max);
    }
}

static void schema_form(const struct field *f, struct json_out *o)
{
    static const char *const FORMATS[] = {
        [FIELD_EMAIL] = "email", [FIELD_URL] = "uri", [FIELD_DATE] = "date", [FIELD_LINE] = NULL};
    if (f->kind == FIELD_ID) {
        json_field_str(o, "format", STR("uuid"));
    } else if (f->kind == FIELD_STR && (f->form == FIELD_SLUG || f->form == FIELD_SNAKE)) {
        json_field_str(o, "pattern",
                       f->form == FIELD_SLUG ? STR("^[a-z][a-z0-9-]*$") : STR("^[a-z][a-z0-9_]*$"));
    } else if (f->kind == FIELD_STR && FORMATS[f->form]) {
        json_field_str(o, "format", str_of(FORMATS[f->form]));
    }
}

static void schema_enum(const struct field *f, struct json_out *o)
{
    json_name(o, "enum");
    json_open_array(o);
    for (int i = 0; f->values[i]; i++) {
        json_put_str(o, str_of(f->values[i]));
    }
    if (f->flags & FIELD_NULLABLE) {
        json_put_null(o);
    }
    json_close_array(o);
}

static void schema_field(const struct field *f, struct json_out *o)
{
    json_name(o, f->name);
    json_open_object(o);
    schema_type(f, o);
    schema_bounds(f, o);
    schema_form(f, o);
    if (f->kind == FIELD_ENUM) {
        schema_enum(f, o);
    }
    if (f->kind == FIELD_STRS) {
        json_name(o, "items");
        json_open_object(o);
        json_field_str(o, "type", STR("string"));
        json_close_object(o);
    }
    if (f->title) {
        json_field_str(o, "description", str_of(f->title));
    }
    if (f->flags & FIELD_READ_ONLY) {
        json_field_bool(o, "readOnly", true);
    }
    if (f->flags & FIELD_PERSONAL) {
        json_field_bool(o, "x-personal", true);
    }
    json_close_object(o);
}

static bool is_shown(const struct field *f, enum field_side side)
{
    return side == FIELD_REQUEST ? !(f->flags & FIELD_READ_ONLY) : !(f->flags & FIELD_SECRET);
}

void field_schema(const struct field_table *t, enum field_side side, struct json_out *o)
{
    json_open_object(o);
    json_field_str(o, "type", STR("object"));
    json_name(o, "properties");
    json_open_object(o);
    for (int i = 0; i < t->count; i++) {
        if (is_shown(&t->fields[i], side)) {
            schema_field(&t->fields[i], o);
        }
    }
    json_close_object(o);
    json_name(o, "required");
    json_open_array(o);
    for (int i = 0; i < t->count; i++) {
        const struct field *f = &t->fields[i];
        /* an answer always has every member */
        if (is_shown(f, side) && (side == FIELD_ANSWER || (f->flags & FIELD_REQUIRED))) {
            json_put_str(o, str_of(f->name));
        }
    }
    json_close_array(o);
    if (side == FIELD_REQUEST) {
        json_field_bool(o, "additionalProperties", false);
    }
    json_close_object(o);
}
