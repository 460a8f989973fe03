#include "codec/schema_value.h"

#include <math.h>

bool schema_value_is_number(const struct json *v)
{
    return v->kind == JSON_INT || v->kind == JSON_REAL;
}

bool schema_value_is(const struct json *v, struct str type)
{
    static const char *const NAMES[] = {"null",   "boolean", "integer", "number",
                                        "string", "array",   "object"};
    if (str_eqz(type, "number")) {
        return schema_value_is_number(v);
    }
    if (str_eqz(type, "integer") && v->kind == JSON_REAL) {
        return v->real == floor(v->real);
    }
    return str_eqz(type, NAMES[v->kind]);
}

int schema_value_compare(const struct json *a, const struct json *b)
{
    if (a->kind == JSON_INT && b->kind == JSON_INT) {
        return a->integer < b->integer ? -1 : a->integer > b->integer;
    }
    double x = json_number(a, 0), y = json_number(b, 0);
    return x < y ? -1 : x > y;
}

bool schema_value_is_multiple(const struct json *v, const struct json *of)
{
    if (v->kind == JSON_INT && of->kind == JSON_INT) {
        return v->integer % of->integer == 0;
    }
    double x = json_number(v, 0), step = json_number(of, 1), quotient = x / step;
    double parts = 1 / step; /* of which one is made: then every integer is a multiple */
    if (v->kind == JSON_INT && parts >= 1 && fabs(parts - round(parts)) <= parts * 1e-12) {
        return true;
    }
    if (!isfinite(quotient) || fabs(quotient) > 1e9) {
        return fmod(x, step) == 0;
    }
    /* 0.0075 is a multiple of 0.0001, although their quotient in binary is not whole */
    return fabs(quotient - round(quotient)) <= 1e-9;
}

uint64_t schema_value_hash(const struct json *v)
{
    uint64_t h = (uint64_t)v->kind * 0x9e3779b97f4a7c15u;
    double number = json_number(v, 0);
    switch (v->kind) {
    case JSON_BOOL:
        return h + v->boolean;
    case JSON_INT:
    case JSON_REAL:
        number += 0.0; /* -0 and 0 are equal */
        return str_hash(str_make((const char *)&number, sizeof(number)));
    case JSON_STRING:
        return h ^ str_hash(v->string);
    case JSON_ARRAY:
        for (uint32_t i = 0; i < v->count; i++) {
            h = h * 31 + schema_value_hash(&v->items[i]);
        }
        return h;
    case JSON_OBJECT:
        for (uint32_t i = 0; i < v->count; i++) {
            uint64_t value = schema_value_hash(&v->members[i].value) * 0x2545f4914f6cdd1du;
            h += str_hash(v->members[i].name) ^ (value ^ value >> 31);
        }
        return h;
    default:
        return h;
    }
}
