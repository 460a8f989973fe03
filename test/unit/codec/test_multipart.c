#include "unit/codec/sample.h"

#include "codec/multipart.h"

#define TYPE "multipart/form-data; boundary=XyZ"

static void test_reads(void **state)
{
    struct arena *a = *state;
    struct multipart m;
    const char *problem = NULL;
    struct str body =
        STR("preamble\r\n--XyZ\r\n"
            "Content-Disposition: form-data; name=\"title\"\r\n\r\nHello\r\n"
            "--XyZ  \r\n"
            "content-type: text/markdown\r\n"
            "CONTENT-DISPOSITION: form-data; name=\"file\"; filename=\"C:\\dir\\a;\\\"b.md\"\r\n"
            "\r\nline\r\n--Xy\r\n\r\n--XyZ\r\n"
            "Content-Disposition: form-data; name=empty\r\n\r\n\r\n--XyZ--\r\nepilogue");
    assert_int_equal(multipart_parse(a, STR("Multipart/Form-Data; charset=utf-8; boundary=\"XyZ\""),
                                     body, &m, &problem),
                     E_OK);
    assert_int_equal(m.count, 3);
    sample_is(multipart_get(&m, "title")->body, "Hello", "a field");
    sample_is(multipart_get(&m, "title")->media_type, "text/plain", "the default type");
    sample_is(multipart_get(&m, "file")->body, "line\r\n--Xy\r\n", "what looks like a boundary");
    sample_is(multipart_get(&m, "file")->filename, "a;\"b.md", "without its path");
    sample_is(multipart_get(&m, "file")->media_type, "text/markdown", "its type");
    sample_is(multipart_get(&m, "empty")->body, "", "an empty field");
    assert_null(multipart_get(&m, "none"));
    assert_int_equal(multipart_parse(a, STR(TYPE), STR("--XyZ--"), &m, &problem), E_OK);
    assert_int_equal(m.count, 0);
}

static void test_refuses(void **state)
{
    static const struct {
        const char *type, *body, *part;
    } ROWS[] = {
        {"text/plain", "--XyZ--", "not multipart"},
        {"multipart/form-data", "--XyZ--", "boundary"},
        {"multipart/form-data; boundary=", "--XyZ--", "boundary"},
        {"multipart/mixed; boundary=XyZ", "--XyZ--", "not multipart"},
        {TYPE, "", "does not occur"},
        {TYPE, "--XyZ\r\n", "header has no end"},
        {TYPE, "--XyZx", "not followed by a line end"},
        {TYPE, "--XyZ\r\nContent-Disposition: form-data; name=a\r\n\r\nx", "last boundary"},
        {TYPE, "--XyZ\r\nContent-Disposition: form-data; name=a\r\n\r\nx\r\n--XyZ", "line end"},
        {TYPE, "--XyZ\r\nContent-Disposition: attachment; name=a\r\n\r\nx\r\n--XyZ--", "form-data"},
        {TYPE, "--XyZ\r\nContent-Disposition: form-data\r\n\r\nx\r\n--XyZ--", "with a name"},
        {TYPE, "--XyZ\r\nContent-Disposition: form-data; name=\"a\r\n\r\nx\r\n--XyZ--",
         "with a name"},
        {TYPE, "--XyZ\r\nContent-Disposition: form-data; name=\"\xff\"\r\n\r\nx\r\n--XyZ--",
         "with a name"},
        {TYPE, "--XyZ\r\nContent-Type: x\r\n\r\nx\r\n--XyZ--", "no Content-Disposition"},
        {TYPE, "--XyZ\r\n\r\nx\r\n--XyZ--", "no Content-Disposition"},
        {TYPE, "--XyZ\r\nnonsense\r\n\r\nx\r\n--XyZ--", "no colon"},
    };
    struct arena *a = *state;
    for (size_t i = 0; i < SAMPLE_COUNT(ROWS); i++) {
        struct multipart m;
        const char *problem = "";
        enum err e = multipart_parse(a, str_of(ROWS[i].type), str_of(ROWS[i].body), &m, &problem);
        if (e != E_INVALID || !strstr(problem, ROWS[i].part)) {
            fail_msg("%s: %d %s", ROWS[i].body, e, problem);
        }
    }
}

static void test_bounds(void **state)
{
    struct arena *a = *state;
    struct multipart m;
    const char *problem = "";
    struct buf b = buf_make(1 << 20);
    for (int i = 0; i <= MULTIPART_PARTS_MAX; i++) {
        buf_add_str(&b, STR("--XyZ\r\nContent-Disposition: form-data; name=a\r\n\r\nx\r\n"));
    }
    buf_add_str(&b, STR("--XyZ--"));
    assert_int_equal(multipart_parse(a, STR(TYPE), buf_str(&b), &m, &problem), E_TOO_LARGE);
    buf_clear(&b);
    buf_addf(&b, "--XyZ\r\nX: %*s\r\n\r\nx\r\n--XyZ--", MULTIPART_HEAD_MAX_BYTES, "");
    assert_int_equal(multipart_parse(a, STR(TYPE), buf_str(&b), &m, &problem), E_INVALID);
    buf_free(&b);
}

int main(void)
{
    static const struct CMUnitTest TESTS[] = {
        SAMPLE_TEST(test_reads),
        SAMPLE_TEST(test_refuses),
        SAMPLE_TEST(test_bounds),
    };
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
