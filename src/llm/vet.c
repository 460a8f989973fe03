#include "llm/vet.h"

#include "codec/repair.h"
#include "codec/schema.h"

enum { ERRORS_TOLD_MAX = 5 };

static const struct chat_tool *tool_named(const struct chat_request *r, struct str name)
{
    for (int i = 0; i < r->tool_count; i++) {
        if (str_eq(r->tools[i].name, name)) {
            return &r->tools[i];
        }
    }
    return NULL;
}

static struct str names_of_tools(struct arena *a, const struct chat_request *r)
{
    struct str all = STR("");
    for (int i = 0; i < r->tool_count; i++) {
        all = str_fmt(a, "%.*s%s%.*s", STR_ARG(all), i ? ", " : "", STR_ARG(r->tools[i].name));
    }
    return all.n ? all : STR("none");
}

/* "order_number: must match ...; reason: is required" */
static struct str told(struct arena *a, const struct schema_error *errors, size_t n)
{
    struct str all = STR("");
    for (size_t i = 0; i < n && i < ERRORS_TOLD_MAX; i++) {
        bool named = errors[i].path.n > 0;
        all = str_fmt(a, "%.*s%s%.*s%s%.*s", STR_ARG(all), i ? "; " : "", STR_ARG(errors[i].path),
                      named ? ": " : "", STR_ARG(errors[i].text));
    }
    return all;
}

static void vet_call(struct arena *a, const struct chat_request *r, struct chat_call *k)
{
    const struct chat_tool *tool = tool_named(r, k->name);
    if (!tool) {
        k->fault = CHAT_CALL_UNKNOWN_TOOL;
        k->fault_text = str_fmt(a, "There is no tool called %.*s. The tools are: %.*s.",
                                STR_ARG(str_sub(k->name, 0, 64)), STR_ARG(names_of_tools(a, r)));
        return;
    }
    if (!tool->parameters || k->fault != CHAT_CALL_FINE) {
        return;
    }
    const struct schema *schema = NULL;
    struct schema_fault fault;
    if (schema_new(a, tool->parameters, &schema, &fault) != E_OK) {
        k->fault = CHAT_CALL_BAD_ARGUMENTS;
        k->fault_text = str_fmt(
            a, "The tool cannot be used: its own parameters schema is wrong (%s).", fault.text);
        return;
    }
    const struct schema_error *errors = NULL;
    size_t n = schema_check(schema, a, k->arguments, &errors);
    if (n > 0) {
        k->fault = CHAT_CALL_BAD_ARGUMENTS;
        k->fault_text =
            str_fmt(a, "The arguments are not valid: %.*s.", STR_ARG(told(a, errors, n)));
    }
}

void vet_calls(struct arena *a, const struct chat_request *request, struct chat_call *calls,
               int count)
{
    for (int i = 0; i < count; i++) {
        vet_call(a, request, &calls[i]);
    }
}

enum err vet_json(struct ctx *c, const struct json *schema, struct str text,
                  const struct json **out_value, struct str *out_why)
{
    const struct schema *compiled = NULL;
    struct schema_fault wrong;
    if (schema_new(c->arena, schema, &compiled, &wrong) != E_OK) {
        return ctx_fail_field(c, E_INVALID, "schema", "the schema of the answer is wrong: %s: %s",
                              wrong.path, wrong.text);
    }
    struct json_fault fault = {0};
    const struct json *value = NULL;
    if (json_parse(c->arena, text, &value, &fault) != E_OK) {
        struct repair r = {0};
        if (repair_parse(c->arena, text, &r, &fault) != E_OK || r.cut) {
            *out_why = r.cut ? STR("it was cut off") : STR("it is not JSON");
            return E_INCOMPLETE;
        }
        value = r.value;
    }
    const struct schema_error *errors = NULL;
    size_t n = schema_check(compiled, c->arena, value, &errors);
    if (n > 0) {
        *out_why = told(c->arena, errors, n);
        return E_INCOMPLETE;
    }
    *out_value = value;
    return E_OK;
}
