#include "codec/schema.h"
#include "nlu/slot.h"
#include "nlu/slot_scan.h"

#include <math.h>

static bool wants(const struct json *schema, const char *type)
{
    const struct json *t = json_get(schema, "type");
    if (json_is(t, JSON_STRING)) {
        return str_eqz(t->string, type);
    }
    for (size_t i = 0; i < json_count(t); i++) {
        if (str_eqz(json_text(json_at(t, i), STR("")), type)) {
            return true;
        }
    }
    return false;
}

static const struct json *money_value(struct arena *a, const struct slot_want *want,
                                      const struct slot *slot)
{
    if (wants(want->schema, "string")) {
        return json_new_str(a, slot->text);
    }
    bool minor = slot_scan_named(want, "cents/minor");
    if (wants(want->schema, "integer")) {
        return json_new_int(a, minor ? slot->integer : (int64_t)llround(slot->real));
    }
    return json_new_real(a, minor ? (double)slot->integer : slot->real);
}

static const struct json *plain_value(struct arena *a, const struct slot_want *want,
                                      const struct slot *slot, const struct json *schema)
{
    switch (slot->kind) {
    case SLOT_INTEGER:
        return wants(schema, "string") ? json_new_str(a, slot->text)
                                       : json_new_int(a, slot->integer);
    case SLOT_DECIMAL:
        return wants(schema, "string") ? json_new_str(a, slot->text) : json_new_real(a, slot->real);
    case SLOT_MONEY:
        return money_value(a, want, slot);
    case SLOT_BOOLEAN:
        return json_new_bool(slot->integer != 0);
    case SLOT_CHOICE: {
        const struct json *value = json_at(json_get(schema, "enum"), (size_t)slot->integer);
        return value ? value : json_new_str(a, slot->text);
    }
    default:
        return json_new_str(a, slot->text);
    }
}

/* Only what is checked here is asked of the schema: its annotations may hold anything. */
static const struct json *checkable(struct arena *a, const struct json *schema)
{
    static const char *const KEYWORDS[] = {
        "type",      "enum",       "minimum",          "maximum",          "pattern", "minLength",
        "maxLength", "multipleOf", "exclusiveMinimum", "exclusiveMaximum", "const"};
    const struct json *out = &json_empty_object;
    for (size_t i = 0; i < sizeof KEYWORDS / sizeof KEYWORDS[0]; i++) {
        const struct json *v = json_get(schema, KEYWORDS[i]);
        out = v ? json_with(a, out, str_of(KEYWORDS[i]), v) : out;
    }
    return out;
}

const struct json *slot_value(struct arena *a, const struct slot_want *want,
                              const struct slot *slot, struct str *out_why)
{
    bool list = wants(want->schema, "array");
    const struct json *schema = list ? json_get(want->schema, "items") : want->schema;
    const struct json *value = plain_value(a, want, slot, schema);
    const struct schema *rules;
    struct schema_fault fault;
    if (schema && schema_new(a, checkable(a, schema), &rules, &fault) == E_OK) {
        const struct schema_error *errors;
        if (schema_check(rules, a, value, &errors) > 0) {
            if (out_why) {
                *out_why = errors[0].text;
            }
            return NULL;
        }
    }
    return list ? json_push(a, &json_empty_array, value) : value;
}
