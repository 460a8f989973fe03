#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support/shop.h"
#include "svc/identity/member.h"

extern const struct service identity_service;

static const struct service *const services[] = {&identity_service, NULL};

static int begin(void **state)
{
    struct shop *w = calloc(1, sizeof(*w));
    shop_open(w, &(struct shop_setup){.services = services});
    *state = w;
    return 0;
}

static int64_t sessions(struct shop *w)
{
    struct store_rows rows;
    assert_int_equal(store_query(w->c, w->store, &rows, "SELECT count(*) FROM member_session"),
                     E_OK);
    return row_int(&rows, 0, 0);
}

static enum err use(struct ctx *c, const struct id *member, struct str refresh, void *arg)
{
    (void)c;
    assert_true(id_eq(member, arg) && refresh.n > 0);
    return E_OK;
}

static void test_expired_sign_ins_go(void **state)
{
    struct shop *w = *state;
    struct str first;
    struct id org = w->c->org;
    assert_int_equal(member_session_new(w->c, &w->member, &first), E_OK);
    clock_advance_ms(w->installation.clock, 1000);
    assert_int_equal(member_session_rotate(w->c, first, use, &w->member), E_OK);
    w->c->org = org;
    assert_int_equal(sessions(w), 2); /* the used one is still known, to notice its reuse */
    clock_advance_ms(w->installation.clock, SESSION_SECONDS * 1000ll - 1000);
    assert_int_equal(member_session_expire(w->c), E_OK);
    assert_int_equal(sessions(w), 1);
    clock_advance_ms(w->installation.clock, 1000);
    assert_int_equal(member_session_expire(w->c), E_OK);
    assert_int_equal(sessions(w), 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_expired_sign_ins_go, begin, shop_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
