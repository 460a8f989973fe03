#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/shop.h"

enum { ENTRIES = 12 };

static int begin_with_entries(void **state)
{
    shop_begin(state);
    struct shop *w = *state;
    for (int i = 0; i < ENTRIES; i++) {
        struct arena *a = w->c->arena;
        const struct json *detail =
            i % 2 ? NULL : json_object(a, {"n", json_new_int(a, i)}, {"x", &json_null_value});
        w->c->actor = i % 3 ? id_new(INSTALLATION_NOW_MS) : (struct id){{0}};
        struct str resource = str_fmt(a, "agent %d\nof two lines", i);
        assert_int_equal(audit_add(w->c, w->store, "agent_changed", resource, detail), E_OK);
        clock_advance_ms(w->installation.clock, 1000);
    }
    return 0;
}

static void test_chain_holds(void **state)
{
    struct shop *w = *state;
    int64_t checked = -1, broken = -1;
    assert_int_equal(audit_verify(w->c, w->store, &checked, &broken), E_OK);
    assert_int_equal(checked, ENTRIES);
    assert_int_equal(broken, 0);
}

struct tamper_row {
    const char *sql;
    int64_t broken;
    const char *reason;
};

static const struct tamper_row tampers[] = {
    {"UPDATE audit_entry SET action = 'agent_read' WHERE seq = 5", 5, "the action"},
    {"UPDATE audit_entry SET at = at + 1 WHERE seq = 1", 1, "the time of the first"},
    {"UPDATE audit_entry SET actor_id = NULL WHERE seq = 3", 3, "who it was"},
    {"UPDATE audit_entry SET actor_kind = 'system' WHERE seq = 2", 2, "what kind of actor"},
    {"UPDATE audit_entry SET detail = '{\"n\":7}' WHERE seq = 7", 7, "the detail"},
    {"UPDATE audit_entry SET detail = '{}' WHERE seq = 8", 8, "a detail that was none"},
    {"UPDATE audit_entry SET resource = 'agent 12' WHERE seq = 12", 12, "the last's resource"},
    {"UPDATE audit_entry SET request_id = 'x' WHERE seq = 4", 4, "the request"},
    {"UPDATE audit_entry SET hash = prev_hash WHERE seq = 6", 6, "the hash itself"},
    {"DELETE FROM audit_entry WHERE seq = 6", 7, "one is missing: its follower shows it"},
    {"DELETE FROM audit_entry WHERE seq = 1", 2, "the first is missing"},
};

static enum err tamper_in(struct ctx *c, void *arg)
{
    const struct tamper_row *t = arg;
    struct store *s;
    int64_t changed = 0, checked = 0, broken = 0;
    TRY(store_of(c, &s));
    TRY(store_exec(c, s, &changed, t->sql));
    TRY(audit_verify(c, s, &checked, &broken));
    if (changed != 1 || broken != t->broken) {
        fail_msg("%s: broken at %d", t->reason, (int)broken);
    }
    return ctx_fail(c, E_CONFLICT, "the tampering is taken back");
}

static void test_tampering_is_found(void **state)
{
    struct shop *w = *state;
    for (size_t i = 0; i < sizeof(tampers) / sizeof(*tampers); i++) {
        struct tamper_row t = tampers[i];
        assert_int_equal(store_transact(w->c, w->store, tamper_in, &t), E_CONFLICT);
        ctx_forgive(w->c);
    }
    test_chain_holds(state);
}

/* An entry belongs to the change it tells of. */
static enum err fail_in(struct ctx *c, void *arg)
{
    TRY(audit_add(c, arg, "agent_removed", STR("agent 1"), NULL));
    return ctx_fail(c, E_CONFLICT, "no");
}

static void test_entry_goes_with_its_transaction(void **state)
{
    struct shop *w = *state;
    assert_int_equal(store_transact(w->c, w->store, fail_in, w->store), E_CONFLICT);
    ctx_forgive(w->c);
    test_chain_holds(state);
    assert_int_equal(audit_add(w->c, w->store, "agent_removed", STR("agent 1"), NULL), E_OK);
    int64_t checked = 0, broken = 0;
    assert_int_equal(audit_verify(w->c, w->store, &checked, &broken), E_OK);
    assert_int_equal(checked, ENTRIES + 1);
    assert_int_equal(broken, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_chain_holds, begin_with_entries, shop_end),
        cmocka_unit_test_setup_teardown(test_tampering_is_found, begin_with_entries, shop_end),
        cmocka_unit_test_setup_teardown(test_entry_goes_with_its_transaction, begin_with_entries,
                                        shop_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
