#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/trace.h"

#define TRACE "0af7651916cd43dd8448eb211c80319c"
#define SPAN  "b7ad6b7169203331"

struct row {
    const char *text;
    bool taken;
    const char *reason;
};

static const struct row rows[] = {
    {"00-" TRACE "-" SPAN "-01", true, "as the recommendation shows it"},
    {"00-" TRACE "-" SPAN "-00", true, "not sampled by the caller"},
    {"cc-" TRACE "-" SPAN "-01-what-comes-later", true, "a later version with more fields"},
    {"ff-" TRACE "-" SPAN "-01", false, "the forbidden version"},
    {"00-" TRACE "-" SPAN "-0", false, "cut"},
    {"00-" TRACE "-" SPAN, false, "without flags"},
    {"00_" TRACE "-" SPAN "-01", false, "another separator"},
    {"00-00000000000000000000000000000000-" SPAN "-01", false, "no trace"},
    {"00-" TRACE "-0000000000000000-01", false, "no span"},
    {"00-0AF7651916CD43DD8448EB211C80319C-" SPAN "-01", false, "upper case"},
    {"00-0af7651916cd43dd8448eb211c80319g-" SPAN "-01", false, "no hex"},
    {"", false, "nothing"},
};

static void test_adopt(void **state)
{
    static const struct facilities none;
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct ctx *c = ctx_new(&none, 1 << 16);
        char before[CTX_REQUEST_ID_BYTES + 1], parent[TRACE_SPAN_BYTES + 1] = "untouched";
        memcpy(before, c->request_id, sizeof(before));
        if (trace_adopt(c, str_of(rows[i].text), parent) != rows[i].taken) {
            fail_msg("%s", rows[i].reason);
        }
        assert_string_equal(c->request_id, rows[i].taken ? TRACE : before);
        assert_string_equal(parent, rows[i].taken ? SPAN : "untouched");
        ctx_free(&c);
    }
}

static void test_handed_on(void **state)
{
    static const struct facilities none;
    struct ctx *c = ctx_new(&none, 1 << 16), *other = ctx_new(&none, 1 << 16);
    char text[TRACE_PARENT_BYTES + 1], parent[TRACE_SPAN_BYTES + 1];
    (void)state;
    trace_write(c, text);
    assert_int_equal(strlen(text), TRACE_PARENT_BYTES);
    assert_true(trace_adopt(other, str_of(text), parent));
    assert_string_equal(other->request_id, c->request_id);
    assert_string_equal(parent, c->span_id);
    assert_string_not_equal(other->span_id, c->span_id);
    ctx_free(&c);
    ctx_free(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_adopt),
        cmocka_unit_test(test_handed_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
