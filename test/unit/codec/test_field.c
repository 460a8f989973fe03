#include "unit/codec/sample.h"

#include "codec/field.h"
#include "codec/schema.h"

struct account {
    struct id id;
    struct str name, email, slug, site, secret, note;
    int64_t seats, renews_at;
    double score;
    bool live;
    int stage;
    struct field_strs tags;
    const struct json *extra, *address, *rows;
    uint64_t given;
};

static const char *const STAGES[] = {"trial", "live", "churned", NULL};

static const struct field FIELDS[] = {
    FIELD(struct account, id, FIELD_ID, .flags = FIELD_NULLABLE),
    FIELD(struct account, name, FIELD_STR, .flags = FIELD_REQUIRED, .min = 1, .max = 10,
          .form = FIELD_LINE, .title = "As on the contract"),
    FIELD(struct account, email, FIELD_STR, .flags = FIELD_NULLABLE | FIELD_PERSONAL,
          .form = FIELD_EMAIL),
    FIELD(struct account, slug, FIELD_STR, .form = FIELD_SLUG),
    FIELD(struct account, site, FIELD_STR, .form = FIELD_URL),
    FIELD(struct account, secret, FIELD_STR, .flags = FIELD_SECRET),
    FIELD(struct account, note, FIELD_STR, .flags = FIELD_READ_ONLY),
    FIELD(struct account, seats, FIELD_INT, .min = 1, .max = 500),
    FIELD(struct account, renews_at, FIELD_TIME, .flags = FIELD_NULLABLE),
    FIELD(struct account, score, FIELD_REAL, .min = 0, .max = 1),
    FIELD(struct account, live, FIELD_BOOL),
    FIELD(struct account, stage, FIELD_ENUM, .flags = FIELD_NULLABLE, .values = STAGES),
    FIELD(struct account, tags, FIELD_STRS, .max = 2, .form = FIELD_SNAKE),
    FIELD(struct account, extra, FIELD_JSON),
    FIELD(struct account, address, FIELD_OBJECT),
    FIELD(struct account, rows, FIELD_LIST, .min = 1, .max = 2),
};
static const struct field_table TABLE = FIELD_TABLE_GIVEN("Account", FIELDS, struct account, given);

static const char FULL[] =
    "{\"id\":\"0190B6F4-4f1c-7f3e-8a2b-1c2d3e4f5a6b\",\"name\":\"Ada\",\"email\":\"a@b.co\","
    "\"slug\":\"a-1\",\"site\":\"https://h/\",\"secret\":\"s\",\"seats\":5.0,"
    "\"renews_at\":\"2026-03-01\",\"score\":1,\"live\":true,\"stage\":\"live\","
    "\"tags\":[\"a_b\"],\"extra\":null,\"address\":{\"x\":1},\"rows\":[1]}";

static void test_reads(void **state)
{
    struct arena *a = *state;
    struct account x = {.note = STR("n"), .stage = 2};
    struct field_fault fault = {0};
    if (field_read(&TABLE, a, sample_json(a, str_of(FULL)), &x, &fault) != E_OK) {
        fail_msg("%s: %s", fault.path, fault.text);
    }
    assert_string_equal(x.id.text, "0190b6f4-4f1c-7f3e-8a2b-1c2d3e4f5a6b");
    assert_true(str_eqz(x.name, "Ada") && x.seats == 5 && x.score == 1.0 && x.live && x.stage == 1);
    assert_true(x.renews_at == 1772323200000 && x.tags.count == 1 && json_is_null(x.extra));
    assert_true(field_given(x.given, &TABLE, "seats") && !field_given(x.given, &TABLE, "note"));
    assert_false(field_given(x.given, &TABLE, "unknown"));
    struct buf b = buf_make(4096);
    struct json_out o = json_out_to(&b);
    field_write(&TABLE, &x, &o);
    sample_is(
        str_dup(a, buf_str(&b)),
        "{\"id\":\"0190b6f4-4f1c-7f3e-8a2b-1c2d3e4f5a6b\",\"name\":\"Ada\",\"email\":\"a@b.co\","
        "\"slug\":\"a-1\",\"site\":\"https://h/\",\"note\":\"n\",\"seats\":5,"
        "\"renews_at\":1772323200000,\"score\":1.0,\"live\":true,\"stage\":\"live\","
        "\"tags\":[\"a_b\"],\"extra\":null,\"address\":{\"x\":1},\"rows\":[1]}",
        "written");
    buf_free(&b);
}

static void test_nulls(void **state)
{
    struct arena *a = *state;
    struct account x = {.stage = 1, .renews_at = 7, .email = STR("x")};
    struct field_fault fault;
    const struct json *v =
        sample_json(a, STR("{\"id\":null,\"email\":null,\"renews_at\":null,\"stage\":null}"));
    assert_int_equal(field_read(&TABLE, a, v, &x, &fault), E_INVALID);
    assert_string_equal(fault.path, "name");
    assert_int_equal(field_read_part(&TABLE, a, v, &x, &fault), E_OK);
    assert_true(x.stage == -1 && x.renews_at == 0 && !x.email.p && !id_is_set(&x.id));
    assert_int_equal(x.given, 1 | 1 << 2 | 1 << 8 | 1 << 11);
    struct buf b = buf_make(4096);
    struct json_out o = json_out_to(&b);
    field_write(&TABLE, &x, &o);
    assert_true(str_find(buf_str(&b), STR("\"id\":null")) >= 0);
    assert_true(str_find(buf_str(&b), STR("\"email\":null")) >= 0);
    assert_true(str_find(buf_str(&b), STR("\"stage\":null")) >= 0);
    buf_free(&b);
}

static void test_refuses(void **state)
{
    static const struct {
        const char *json, *path, *part;
    } ROWS[] = {
        {"[]", "", "object is expected"},
        {"{}", "name", "is required"},
        {"{\"name\":\"x\",\"extra_\":1}", "extra_", "not a known field"},
        {"{\"name\":\"\"}", "name", "must not be empty"},
        {"{\"name\":\"12345678901\"}", "name", "at most 10 characters, has 11"},
        {"{\"name\":\"a\\nb\"}", "name", "single line"},
        {"{\"name\":7}", "name", "must be a text"},
        {"{\"name\":null}", "name", "must not be null"},
        {"{\"name\":\"x\",\"note\":\"y\"}", "note", "cannot be set"},
        {"{\"id\":\"7\"}", "id", "UUID"},
        {"{\"email\":\"a\"}", "email", "e-mail address"},
        {"{\"slug\":\"A\"}", "slug", "hyphens"},
        {"{\"slug\":\"1a\"}", "slug", "hyphens"},
        {"{\"slug\":\"\"}", "slug", "hyphens"},
        {"{\"site\":\"ftp://h\"}", "site", "http"},
        {"{\"seats\":0}", "seats", "between 1 and 500"},
        {"{\"seats\":1.5}", "seats", "integer"},
        {"{\"seats\":\"1\"}", "seats", "integer"},
        {"{\"seats\":1e300}", "seats", "integer"},
        {"{\"renews_at\":\"soon\"}", "renews_at", "ISO 8601"},
        {"{\"score\":1.5}", "score", "between 0 and 1"},
        {"{\"score\":\"x\"}", "score", "number"},
        {"{\"live\":1}", "live", "true or false"},
        {"{\"stage\":\"dead\"}", "stage", "one of trial, live, churned"},
        {"{\"tags\":[\"a\",\"b\",\"c\"]}", "tags", "0 to 2 elements"},
        {"{\"tags\":[\"a\",\"B\"]}", "tags[1]", "underscores"},
        {"{\"tags\":[1]}", "tags[0]", "must be a text"},
        {"{\"tags\":\"a\"}", "tags", "list of texts"},
        {"{\"address\":[]}", "address", "object"},
        {"{\"rows\":[]}", "rows", "1 to 2 elements"},
        {"{\"rows\":{}}", "rows", "list"},
    };
    struct arena *a = *state;
    for (size_t i = 0; i < SAMPLE_COUNT(ROWS); i++) {
        struct account x = {0};
        struct field_fault fault = {0};
        enum err e = field_read(&TABLE, a, sample_json(a, str_of(ROWS[i].json)), &x, &fault);
        if (e != E_INVALID || strcmp(fault.path, ROWS[i].path) ||
            !strstr(fault.text, ROWS[i].part)) {
            fail_msg("%s: %d %s: %s", ROWS[i].json, e, fault.path, fault.text);
        }
    }
}

/* The schema says of the sample what the reader says of it. */
static void test_schema(void **state)
{
    struct arena *a = *state;
    for (int side = FIELD_REQUEST; side <= FIELD_ANSWER; side++) {
        struct buf b = buf_make(8192);
        struct json_out o = json_out_to(&b);
        field_schema(&TABLE, (enum field_side)side, &o);
        const struct json *document = sample_json(a, str_dup(a, buf_str(&b)));
        buf_free(&b);
        const struct schema *s;
        struct schema_fault fault;
        assert_int_equal(schema_new(a, document, &s, &fault), E_OK);
        const struct json *properties = json_get(document, "properties");
        bool request = side == FIELD_REQUEST;
        assert_int_equal(json_get(properties, "note") == NULL, request);
        assert_int_equal(json_get(properties, "secret") == NULL, !request);
        assert_int_equal(json_count(json_get(document, "required")), request ? 1 : 15);
        assert_true(json_bool(json_get(properties, "email"), "x-personal", false));
        assert_int_equal(json_int(json_get(properties, "name"), "maxLength", 0), 10);
        if (request) {
            const struct json *good =
                json_with(a, sample_json(a, str_of(FULL)), STR("renews_at"), json_new_int(a, 5));
            assert_int_equal(schema_check(s, a, good, NULL), 0);
            assert_true(schema_check(s, a, sample_json(a, STR("{\"name\":\"x\",\"y\":1}")), NULL) >
                        0);
        }
    }
}

int main(void)
{
    static const struct CMUnitTest TESTS[] = {
        SAMPLE_TEST(test_reads),
        SAMPLE_TEST(test_nulls),
        SAMPLE_TEST(test_refuses),
        SAMPLE_TEST(test_schema),
    };
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
