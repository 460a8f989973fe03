#include "unit/codec/sample.h"

#include "codec/schema.h"

static const struct schema *compile(struct arena *a, const char *text)
{
    const struct schema *s = NULL;
    struct schema_fault fault = {0};
    if (schema_new(a, sample_json(a, str_of(text)), &s, &fault) != E_OK) {
        fail_msg("%s: %s: %s", text, fault.path, fault.text);
    }
    return s;
}

#define TOOL                                                                                       \
    "{\"type\":\"object\",\"required\":[\"number\",\"why\"],\"additionalProperties\":false,"       \
    "\"properties\":{\"number\":{\"type\":\"string\",\"pattern\":\"^BW-[0-9]{5}$\",\"x-ask\":1},"  \
    "\"why\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":5},"                               \
    "\"n\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":9},"                                    \
    "\"at\":{\"type\":\"string\",\"format\":\"date\"},"                                            \
    "\"mail\":{\"format\":\"email\"},\"id\":{\"format\":\"uuid\"},\"u\":{\"format\":\"uri\"},"     \
    "\"level\":{\"enum\":[\"low\",\"high\"]},"                                                     \
    "\"items\":{\"type\":\"array\",\"uniqueItems\":true,\"items\":{\"type\":[\"integer\","         \
    "\"null\"]}}}}"

static void test_errors(void **state)
{
    static const struct {
        const char *value, *errors; /* "path: text;" of each */
    } ROWS[] = {
        {"{\"number\":\"BW-10421\",\"why\":\"x\"}", ""},
        {"{\"number\":\"BW-10421\",\"why\":\"x\",\"n\":9,\"at\":\"2026-03-01\",\"mail\":\"a@b.co\","
         "\"id\":\"0190b6f4-4f1c-7f3e-8a2b-1c2d3e4f5a6b\",\"u\":\"https://h/x\",\"level\":\"low\","
         "\"items\":[1,null,2]}",
         ""},
        {"[]", ": must be of type object;"},
        {"{}", "number: is required;why: is required;"},
        {"{\"number\":\"10421\",\"why\":\"x\"}", "number: must match the pattern ^BW-[0-9]{5}$;"},
        {"{\"number\":7,\"why\":\"\"}",
         "number: must be of type string;why: must have at least 1 characters, has 0;"},
        {"{\"number\":\"BW-10421\",\"why\":\"\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\"}", ""},
        {"{\"number\":\"BW-10421\",\"why\":\"abcdef\",\"extra\":1}",
         "why: must have at most 5 characters, has 6;extra: is not allowed here;"},
        {"{\"number\":\"BW-10421\",\"why\":\"x\",\"n\":0.5,\"at\":\"2026-02-30\",\"mail\":\"a@\","
         "\"id\":\"x\",\"u\":\"x y\",\"level\":\"mid\",\"items\":[1,1.0,\"x\"]}",
         "n: must be of type integer;n: must be at least 1;at: must be a valid date;"
         "mail: must be a valid email;id: must be a valid uuid;u: must be a valid uri;"
         "level: must be one of [\"low\",\"high\"];items: must not have equal elements;"
         "items[2]: must be of one of the types [\"integer\",\"null\"];"},
        {"{\"number\":\"BW-10421\",\"why\":\"x\",\"n\":10}", "n: must be at most 9;"},
    };
    struct arena *a = *state;
    const struct schema *s = compile(a, TOOL);
    for (size_t i = 0; i < SAMPLE_COUNT(ROWS); i++) {
        const struct schema_error *errors;
        size_t n = schema_check(s, a, sample_json(a, str_of(ROWS[i].value)), &errors);
        struct buf b = buf_make(4096);
        for (size_t k = 0; k < n; k++) {
            buf_addf(&b, "%.*s: %.*s;", STR_ARG(errors[k].path), STR_ARG(errors[k].text));
        }
        sample_is(str_dup(a, buf_str(&b)), ROWS[i].errors, ROWS[i].value);
        buf_free(&b);
    }
}

static void test_formats(void **state)
{
    static const struct {
        const char *format, *good, *bad;
    } ROWS[] = {
        {"date-time", "2026-03-01T10:20:30Z", "2026-03-01T10:20Z"},
        {"date-time", "2026-03-01t10:20:30.5+02:00", "2026-03-01T10:20:30"},
        {"date-time", "2026-03-01T10:20:30-00:00", "2026-03-01 10:20:30Z"},
        {"date", "2024-02-29", "2026-02-29"},
        {"time", "10:20:30Z", "10:20:30"},
        {"time", "10:20:30.25+01:00", "25:20:30Z"},
        {"email", "o'neil+x@mail.example.org", "a b@c.de"},
        {"email", "\xc3\xa9@\xc3\xa9.fr", "a@b@c.de"},
        {"email", "x@localhost", ".x@c.de"},
        {"uuid", "0190B6F4-4f1c-7f3e-8a2b-1c2d3e4f5a6b", "0190b6f44f1c7f3e8a2b1c2d3e4f5a6b"},
        {"uri", "mailto:a@b.co", "/relative"},
        {"uri", "urn:isbn:0451450523", "http://"},
        {"ipv4", "10.0.0.255", "10.0.0.256"},
        {"ipv4", "0.0.0.0", "1.2.3"},
        {"ipv4", "127.0.0.1", "127.0.0.01"},
    };
    struct arena *a = *state;
    for (size_t i = 0; i < SAMPLE_COUNT(ROWS); i++) {
        const struct schema *s = compile(a, str_fmt(a, "{\"format\":\"%s\"}", ROWS[i].format).p);
        if (schema_check(s, a, json_new_str(a, str_of(ROWS[i].good)), NULL) != 0) {
            fail_msg("%s: %s", ROWS[i].format, ROWS[i].good);
        }
        if (schema_check(s, a, json_new_str(a, str_of(ROWS[i].bad)), NULL) == 0) {
            fail_msg("%s: %s", ROWS[i].format, ROWS[i].bad);
        }
    }
}

static void test_refuses(void **state)
{
    static const struct {
        const char *schema, *path, *part;
    } ROWS[] = {
        {"7", "", "a schema must be"},
        {"{\"properties\":{\"a\":{\"nullable\":true}}}", "properties.a.nullable", "not supported"},
        {"{\"items\":[{}]}", "items", "a schema must be"},
        {"{\"type\":\"text\"}", "type", "must be null"},
        {"{\"type\":[]}", "type", "must be null"},
        {"{\"enum\":7}", "enum", "a list"},
        {"{\"minLength\":-1}", "minLength", "integer"},
        {"{\"minLength\":1.5}", "minLength", "integer"},
        {"{\"multipleOf\":0}", "multipleOf", "above 0"},
        {"{\"pattern\":\"(\"}", "pattern", "not a usable pattern"},
        {"{\"patternProperties\":{\"(\":{}}}", "patternProperties.(", "not a usable pattern"},
        {"{\"format\":\"hostname\"}", "format", "unknown format"},
        {"{\"required\":\"a\"}", "required", "list of texts"},
        {"{\"required\":[1]}", "required", "list of texts"},
        {"{\"allOf\":[]}", "allOf", "a list with an element"},
        {"{\"allOf\":[{},{\"type\":1}]}", "allOf[1].type", "must be null"},
        {"{\"$ref\":\"#/none\"}", "$ref", "nowhere"},
        {"{\"$ref\":\"http://elsewhere/x\"}", "$ref", "nowhere"},
        {"{\"$ref\":\"#anchor\"}", "$ref", "nowhere"},
        {"{\"$dynamicRef\":\"#x\"}", "$dynamicRef", "not supported"},
        {"{\"$defs\":{\"a\":{\"$id\":\"x\"}}}", "$defs.a.$id", "only the whole"},
    };
    struct arena *a = *state;
    for (size_t i = 0; i < SAMPLE_COUNT(ROWS); i++) {
        const struct schema *s = NULL;
        struct schema_fault fault = {0};
        enum err e = schema_new(a, sample_json(a, str_of(ROWS[i].schema)), &s, &fault);
        if (e != E_INVALID || strcmp(fault.path, ROWS[i].path) ||
            !strstr(fault.text, ROWS[i].part)) {
            fail_msg("%s: %d %s: %s", ROWS[i].schema, e, fault.path, fault.text);
        }
    }
}

static void test_bounds(void **state)
{
    struct arena *a = *state;
    const struct schema_error *errors;
    const struct schema *loop = compile(a, "{\"$ref\":\"#\"}");
    assert_int_equal(schema_check(loop, a, &json_true_value, &errors), 1);
    assert_non_null(strstr(errors[0].text.p, "too deep"));
    /* every level doubles the work */
    struct buf b = buf_make(1 << 16);
    buf_add_str(&b, STR("{\"$ref\":\"#/$defs/r0\",\"$defs\":{"));
    for (int i = 0; i < 30; i++) {
        buf_addf(&b, "\"r%d\":{\"anyOf\":[{\"$ref\":\"#/$defs/r%d\"},{\"$ref\":\"#/$defs/r%d\"}]},",
                 i, i + 1, i + 1);
    }
    buf_add_str(&b, STR("\"r30\":false}}"));
    const struct schema *heavy = compile(a, b.p);
    assert_true(schema_check(heavy, a, &json_true_value, &errors) > 0);
    assert_non_null(strstr(errors[0].text.p, "too deep or too large"));
    buf_clear(&b);
    /* many errors are cut, many unique elements are no trouble */
    buf_add_char(&b, '[');
    for (int i = 0; i < 5000; i++) {
        buf_addf(&b, "%s%d", i ? "," : "", i);
    }
    buf_add_char(&b, ']');
    const struct json *many = sample_json(a, str_dup(a, buf_str(&b)));
    buf_free(&b);
    assert_int_equal(
        schema_check(compile(a, "{\"items\":{\"type\":\"string\"}}"), a, many, &errors),
        SCHEMA_ERRORS_MAX);
    assert_int_equal(schema_check(compile(a, "{\"uniqueItems\":true}"), a, many, &errors), 0);
}

static void test_places(void **state)
{
    struct arena *a = *state;
    struct json_member members[] = {{STR("a"), {.kind = JSON_INT, .line = 3, .column = 7}, 3, 4}};
    struct json v = {.kind = JSON_OBJECT, .count = 1, .members = members, .line = 1, .column = 1};
    const struct schema_error *errors;
    const struct schema *s = compile(a, "{\"properties\":{\"a\":{\"minimum\":1}}}");
    assert_int_equal(schema_check(s, a, &v, &errors), 1);
    assert_true(errors[0].line == 3 && errors[0].column == 7);
    assert_ptr_equal(schema_document(s), schema_document(s));
}

/* What the suite asks and the header excludes. */
static bool is_outside(const struct json *group)
{
    struct str keyword = json_str(group, "keyword", STR(""));
    return str_eqz(keyword, "format"); /* there an annotation, here a rule */
}

static void check_group(struct arena *a, const struct json *group, int counts[2])
{
    const struct schema *s = NULL;
    struct schema_fault fault = {0};
    if (schema_new(a, json_get(group, "schema"), &s, &fault) != E_OK) {
        print_message("refused: %s, %s: %s: %s\n", json_str(group, "keyword", STR("")).p,
                      json_str(group, "description", STR("")).p, fault.path, fault.text);
        counts[1]++;
        return;
    }
    const struct json *tests = json_get(group, "tests");
    for (size_t i = 0; i < json_count(tests); i++) {
        const struct json *t = json_at(tests, i);
        bool valid = schema_check(s, a, json_get(t, "data"), NULL) == 0;
        if (valid != json_bool(t, "valid", false)) {
            fail_msg("%s, %s, %s", json_str(group, "keyword", STR("")).p,
                     json_str(group, "description", STR("")).p,
                     json_str(t, "description", STR("")).p);
        }
        counts[0]++;
    }
}

static void test_suite(void **state)
{
    struct arena *a = *state;
    struct str rest = sample_data(a, "conformance/json_schema/draft2020-12.jsonl");
    int counts[2] = {0};
    const struct json *group;
    while ((group = sample_line(a, &rest))) {
        if (!is_outside(group)) {
            check_group(a, group, counts);
        }
    }
    print_message("%d cases pass, %d schemas refused\n", counts[0], counts[1]);
    assert_int_equal(counts[0], 547);
    assert_int_equal(counts[1], 14); /* $dynamicRef, and $id within a document */
}

/* Schemas of draft 7 are read as of 2020-12: what the two say alike is decided alike; what was
 * spelt otherwise (lists of items, dependencies, additionalItems) is refused, never misread. Only
 * members beside $ref, which draft 7 ignored, count. */
static bool is_of_draft_7(const struct json *group)
{
    return str_eqz(json_str(group, "description", STR("")), "ref overrides any sibling keywords");
}

static void test_draft_7(void **state)
{
    struct arena *a = *state;
    struct str rest = sample_data(a, "conformance/json_schema/draft7.jsonl");
    int counts[2] = {0};
    const struct json *group;
    while ((group = sample_line(a, &rest))) {
        if (!is_outside(group) && !is_of_draft_7(group)) {
            check_group(a, group, counts);
        }
    }
    print_message("%d cases pass, %d schemas refused\n", counts[0], counts[1]);
    assert_true(counts[0] >= 320);
    assert_int_equal(counts[1], 21);
}

int main(void)
{
    static const struct CMUnitTest TESTS[] = {
        SAMPLE_TEST(test_errors),  SAMPLE_TEST(test_formats), SAMPLE_TEST(test_refuses),
        SAMPLE_TEST(test_bounds),  SAMPLE_TEST(test_places),  SAMPLE_TEST(test_suite),
        SAMPLE_TEST(test_draft_7),
    };
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
