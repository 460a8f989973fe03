#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "svc/chat/frame.h"

struct row {
    const char *why;
    const char *text;
    enum err outcome;
    enum frame_type type;
    const char *said;  /* text of the message */
    const char *field; /* of the fault */
    int line;
};

static const struct row rows[] = {
    {"a message", "{\"type\":\"message\",\"client_id\":\"a\",\"text\":\"hello\"}", E_OK,
     FRAME_MESSAGE, "hello", NULL, 0},
    {"its id is of the page's choice", "{\"type\":\"message\",\"text\":\"hello\"}", E_OK,
     FRAME_MESSAGE, "hello", NULL, 0},
    {"null is as absent", "{\"type\":\"message\",\"text\":\"x\",\"client_id\":null}", E_OK,
     FRAME_MESSAGE, "x", NULL, 0},
    {"a page of tomorrow says more", "{\"type\":\"typing\",\"since\":[1]}", E_OK, FRAME_TYPING, "",
     NULL, 0},
    {"others have no text", "{\"type\":\"ping\",\"text\":\"x\"}", E_OK, FRAME_PING, "", NULL, 0},
    {"a person is asked for", "{\"type\":\"handover\"}", E_OK, FRAME_HANDOVER, "", NULL, 0},
    {"start over", "{\"type\":\"restart\"}", E_OK, FRAME_RESTART, "", NULL, 0},
    {"a text is a text", "{\"type\":\"message\",\"text\":7}", E_INVALID, 0, "", "text", 0},
    {"a message has one", "{\"type\":\"message\"}", E_INVALID, 0, "", "text", 0},
    {"an id is a text", "{\"type\":\"message\",\"text\":\"x\",\"client_id\":7}", E_INVALID, 0, "",
     "client_id", 0},
    {"no type", "{\"text\":\"x\"}", E_INVALID, 0, "", "type", 0},
    {"unknown type", "{\"type\":\"dance\"}", E_INVALID, 0, "", "type", 0},
    {"no object", "[]", E_INVALID, 0, "", NULL, 0},
    {"no JSON", "{\"type\":\n mess", E_INVALID, 0, "", NULL, 2},
    {"nothing", "", E_INVALID, 0, "", NULL, 1},
};

static void test_frames(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        const struct row *r = &rows[i];
        struct arena *a = arena_new(16 << 20);
        struct frame f = {.type = FRAME_PING};
        struct frame_fault fault;
        enum err e = frame_read(a, str_of(r->text), &f, &fault);
        if (e != r->outcome) {
            fail_msg("%s: %s (%s)", r->why, err_name(e), fault.text);
        }
        if (e == E_OK) {
            assert_int_equal(f.type, r->type);
            assert_true(str_eqz(f.text, r->said));
        } else {
            assert_true(fault.text[0]);
            assert_int_equal(fault.line, r->line);
            assert_string_equal(fault.field ? fault.field : "", r->field ? r->field : "");
        }
        arena_free(&a);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {cmocka_unit_test(test_frames)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
