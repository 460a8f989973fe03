#include "unit/codec/sample.h"

#include "base/ctx.h"

enum { DAY_MS = 86400000 };

struct fixture {
    struct facilities at;
    struct ctx *c;
};

static int make(void **state)
{
    struct fixture *f = mem_new(sizeof(*f));
    f->at.clock = clock_new();
    f->c = ctx_new(&f->at, 1 << 20);
    *state = f;
    return 0;
}

static int unmake(void **state)
{
    struct fixture *f = *state;
    ctx_free(&f->c);
    clock_free(&f->at.clock);
    free(f);
    return 0;
}

static enum err fail_deep(struct ctx *c)
{
    return ctx_fail_field(c, E_INVALID, "contact.email", "no address: %s", "x@");
}

static enum err hand_on(struct ctx *c)
{
    TRY(fail_deep(c));
    return E_INTERNAL; /* not reached */
}

static void test_faults(void **state)
{
    struct ctx *c = ((struct fixture *)*state)->c;
    assert_int_equal(hand_on(c), E_INVALID);
    assert_int_equal(c->fault.err, E_INVALID);
    assert_string_equal(c->fault.text, "no address: x@");
    assert_string_equal(c->fault.field, "contact.email");
    assert_true(c->fault.code_line > 0 && strstr(c->fault.file, "test_ctx.c"));
    assert_int_equal(ctx_fail_place(c, E_CONFLICT, 3, 7, "there"), E_CONFLICT);
    assert_true(c->fault.line == 3 && c->fault.column == 7 && c->fault.field[0] == 0);
    ctx_forgive(c);
    assert_true(c->fault.err == E_OK && c->fault.text[0] == 0);
    char big[2000]; /* what is cut is cut between characters */
    for (size_t i = 0; i + 2 < sizeof(big); i += 2) {
        memcpy(big + i, "\xc3\xa9", 3);
    }
    ctx_fail(c, E_INVALID, "x%s", big);
    assert_true(strlen(c->fault.text) > 400 && str_is_utf8(str_of(c->fault.text)));
}

static void test_deadlines(void **state)
{
    struct ctx *c = ((struct fixture *)*state)->c;
    assert_int_equal(ctx_left_ms(c, 5000), 5000);
    assert_int_equal(ctx_check(c), E_OK);
    assert_int_equal(ctx_limit(c, 60000), 0);
    int64_t left = ctx_left_ms(c, 100000);
    assert_true(left > 50000 && left <= 60000 && ctx_left_ms(c, 10) == 10);
    int64_t before = ctx_limit(c, 90000); /* a later one changes nothing */
    assert_true(before > 0 && ctx_left_ms(c, 100000) <= 60000);
    ctx_limit(c, -1);
    assert_int_equal(ctx_left_ms(c, 1000), 0);
    assert_int_equal(ctx_check(c), E_TIMEOUT);
    c->deadline_steady_ms = before;
    assert_int_equal(ctx_check(c), E_OK);
    atomic_bool cancel = false;
    c->cancel = &cancel;
    assert_int_equal(ctx_check(c), E_OK);
    atomic_store(&cancel, true);
    assert_int_equal(ctx_check(c), E_CANCELLED);
}

static void test_stop(void **state)
{
    struct ctx *c = ((struct fixture *)*state)->c;
    atomic_bool cancel = false, stop = false;
    assert_true(!ctx_is_cancellable(c) && !ctx_is_cancelled(c));
    c->stop = &stop;
    assert_true(ctx_is_cancellable(c) && !ctx_is_cancelled(c));
    c->cancel = &cancel;
    ctx_limit(c, -1);
    assert_int_equal(ctx_check(c), E_TIMEOUT);
    atomic_store(&stop, true);
    assert_int_equal(ctx_check(c), E_CANCELLED);
    struct ctx *child = ctx_child(c, 1 << 16);
    assert_true(ctx_is_cancelled(child)); /* parts of the work hear of it too */
    ctx_free(&child);
    struct ctx_limits before = ctx_grace(c, 60000);
    assert_int_equal(ctx_check(c), E_OK);
    assert_true(!ctx_is_cancellable(c) && ctx_left_ms(c, 100000) > 50000);
    ctx_grace_end(c, &before);
    assert_int_equal(ctx_check(c), E_CANCELLED);
    atomic_store(&stop, false);
    assert_int_equal(ctx_check(c), E_TIMEOUT);
}

static void test_child(void **state)
{
    struct fixture *f = *state;
    f->c->org = id_from_name(STR("org"));
    f->c->roles = 5;
    ctx_limit(f->c, 60000);
    struct ctx *child = ctx_child(f->c, 1 << 16);
    assert_ptr_not_equal(child->arena, f->c->arena);
    assert_true(id_eq(&child->org, &f->c->org) && child->roles == 5);
    assert_string_equal(child->request_id, f->c->request_id);
    assert_int_equal(child->deadline_steady_ms, f->c->deadline_steady_ms);
    assert_int_equal(strlen(child->request_id), CTX_REQUEST_ID_BYTES);
    ctx_fail(child, E_DENIED, "theirs");
    assert_int_equal(f->c->fault.err, E_OK);
    ctx_free(&child);
    assert_null(child);
    ctx_free(&child);
}

static void test_clock(void **state)
{
    struct fixture *f = *state;
    struct clock *clock = f->at.clock;
    int64_t real = ctx_now_ms(f->c), steady = clock_steady_ms();
    assert_true(real > 1600000000000 && !clock_is_set(clock));
    clock_set_ms(clock, 1000);
    assert_int_equal(ctx_now_ms(f->c), 1000);
    assert_int_equal(ctx_now_ms(f->c), 1000); /* it stands still */
    clock_advance_ms(clock, DAY_MS);
    assert_int_equal(ctx_now_ms(f->c), 1000 + DAY_MS);
    assert_true(clock_is_set(clock) && clock_steady_ms() - steady < 60000);
    assert_true(clock_steady_us() / 1000 >= steady);
}

/* A task whose memory is used up begins nothing more. */
static void test_memory(void **state)
{
    struct ctx *c = ((struct fixture *)*state)->c;
    arena_alloc(c->arena, 1 << 19);
    assert_int_equal(ctx_check(c), E_OK);
    arena_alloc(c->arena, 1 << 20);
    assert_int_equal(ctx_check(c), E_TOO_LARGE);
    assert_non_null(strstr(c->fault.text, "memory"));
    struct ctx *child = ctx_child(c, 1 << 16); /* what must be written of it has its own */
    assert_int_equal(ctx_check(child), E_OK);
    ctx_free(&child);
}

int main(void)
{
    static const struct CMUnitTest TESTS[] = {
        cmocka_unit_test_setup_teardown(test_faults, make, unmake),
        cmocka_unit_test_setup_teardown(test_deadlines, make, unmake),
        cmocka_unit_test_setup_teardown(test_stop, make, unmake),
        cmocka_unit_test_setup_teardown(test_child, make, unmake),
        cmocka_unit_test_setup_teardown(test_clock, make, unmake),
        cmocka_unit_test_setup_teardown(test_memory, make, unmake),
    };
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
