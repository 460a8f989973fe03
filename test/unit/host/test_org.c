#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "host/org.h"
#include "store/vault.h"
#include "support/shop.h"

static struct str identity_secret(struct shop *w, const struct id *org)
{
    struct org_visit before;
    struct store *s;
    struct str secret = STR("");
    org_enter(w->c, org, &before);
    assert_int_equal(store_of(w->c, &s), E_OK);
    assert_int_equal(vault_get(w->c, s, STR("chat_identity"), &secret), E_OK);
    org_leave(w->c, &before);
    return secret;
}

/* What a site needs to prove who its visitor is exists from the first moment, one for each org. */
static void test_is_whole(void **state)
{
    struct shop *w = *state;
    struct org one = {.slug = STR("one"), .name = STR("One")};
    struct org two = {.slug = STR("two"), .name = STR("Two")};
    assert_int_equal(org_create(w->c, &one), E_OK);
    assert_int_equal(org_create(w->c, &two), E_OK);
    struct str first = identity_secret(w, &one.id);
    assert_int_equal(first.n, 64);
    assert_false(str_eq(first, identity_secret(w, &two.id)));
}

/* Completing again changes nothing: sites keep the secret they have. */
static void test_completes(void **state)
{
    struct shop *w = *state;
    struct org org = {.slug = STR("one"), .name = STR("One")};
    assert_int_equal(org_create(w->c, &org), E_OK);
    struct str before = identity_secret(w, &org.id);
    assert_int_equal(org_complete(w->c, &org.id), E_OK);
    assert_true(str_eq(before, identity_secret(w, &org.id)));
}

struct wrong {
    const char *slug, *name, *field, *why;
    enum err expected;
};
static const struct wrong wrongs[] = {
    {"", "X", "slug", "no slug", E_INVALID},
    {"Upper", "X", "slug", "capitals do not fit into addresses", E_INVALID},
    {"-x", "X", "slug", "begins with a dash", E_INVALID},
    {"x", " ", "name", "a name of nothing", E_INVALID},
    {"taken", "X", "slug", "taken", E_CONFLICT},
};

static void test_refuses(void **state)
{
    struct shop *w = *state;
    struct org taken = {.slug = STR("taken"), .name = STR("Taken")};
    assert_int_equal(org_create(w->c, &taken), E_OK);
    for (size_t i = 0; i < sizeof(wrongs) / sizeof(*wrongs); i++) {
        struct org org = {.slug = str_of(wrongs[i].slug), .name = str_of(wrongs[i].name)};
        enum err e = org_create(w->c, &org);
        if (e != wrongs[i].expected || strcmp(w->c->fault.field, wrongs[i].field) != 0) {
            fail_msg("%s: %s, field %s", wrongs[i].why, err_name(e), w->c->fault.field);
        }
        ctx_forgive(w->c);
    }
}

static const struct json *settings_of(struct shop *w, size_t bytes)
{
    char *text = arena_alloc(w->c->arena, bytes);
    memset(text, 'x', bytes);
    return json_object(w->c->arena, {"brand", json_new_str(w->c->arena, str_make(text, bytes))});
}

/* Every request of an org may look at its settings, and its admin writes them. */
static void test_bounds_settings(void **state)
{
    struct shop *w = *state;
    enum { FRAME = sizeof("{\"brand\":\"\"}") - 1 };
    struct org org = {.slug = STR("one"), .name = STR("One")}, kept;
    org.settings = settings_of(w, ORG_SETTINGS_MAX_BYTES - FRAME + 1);
    assert_int_equal(org_create(w->c, &org), E_TOO_LARGE);
    assert_string_equal(w->c->fault.field, "settings");
    org.settings = settings_of(w, ORG_SETTINGS_MAX_BYTES - FRAME);
    assert_int_equal(org_create(w->c, &org), E_OK);
    org.settings = settings_of(w, ORG_SETTINGS_MAX_BYTES - FRAME + 1);
    assert_int_equal(org_update(w->c, &org), E_TOO_LARGE);
    assert_string_equal(w->c->fault.field, "settings");
    ctx_forgive(w->c);
    assert_int_equal(org_get(w->c, &org.id, &kept), E_OK);
    assert_int_equal(json_str(kept.settings, "brand", STR("")).n, ORG_SETTINGS_MAX_BYTES - FRAME);
}

static void write_settings(struct shop *w, const struct id *org, struct str text)
{
    struct store *s;
    struct id system = id_system();
    assert_int_equal(store_of_org(w->c, &system, &s), E_OK);
    assert_int_equal(store_exec(w->c, s, NULL, "UPDATE org SET settings = ?2 WHERE id = ?1",
                                S_ID(org), S_STR(text)),
                     E_OK);
}

/* One bad row (of an older version, say) keeps no other org and no start from working. */
static void test_survives_a_bad_row(void **state)
{
    struct shop *w = *state;
    const struct org *all;
    int count;
    struct org org = {.slug = STR("one"), .name = STR("One"), .kind = STR("operator")}, got;
    assert_int_equal(org_create(w->c, &org), E_OK);
    struct str bad[] = {STR("{\"a\":"),
                        json_write(w->c->arena, settings_of(w, ORG_SETTINGS_MAX_BYTES))};
    for (size_t i = 0; i < 2; i++) {
        write_settings(w, &org.id, bad[i]);
        assert_int_equal(org_list(w->c, STR(""), 10, &all, &count), E_OK);
        assert_int_equal(count, 2); /* the shop too */
        assert_int_equal(org_operator(w->c, &got), E_OK);
        assert_int_equal(json_count(got.settings), 0);
        assert_int_equal(org_get(w->c, &org.id, &got), E_OK);
        assert_true(str_eqz(got.name, "One") && str_eqz(got.status, "active"));
    }
}

/* Who changes one thing does not write back what somebody else changed meanwhile. */
static void test_updates_what_is_given(void **state)
{
    struct shop *w = *state;
    struct org org = {.slug = STR("one"), .name = STR("One")}, got;
    org.settings = settings_of(w, 5);
    assert_int_equal(org_create(w->c, &org), E_OK);
    assert_int_equal(org_update(w->c, &(struct org){.id = org.id, .status = STR("suspended")}),
                     E_OK);
    assert_int_equal(org_update(w->c, &(struct org){.id = org.id, .name = STR("Two")}), E_OK);
    assert_int_equal(org_get(w->c, &org.id, &got), E_OK);
    assert_true(str_eqz(got.name, "Two") && str_eqz(got.status, "suspended"));
    assert_int_equal(json_str(got.settings, "brand", STR("")).n, 5);
    const struct json *more =
        json_object(w->c->arena, {"zone", json_new_str(w->c->arena, STR("UTC"))});
    assert_int_equal(org_patch(w->c, &(struct org){.id = org.id, .settings = more}), E_OK);
    assert_int_equal(org_get(w->c, &org.id, &got), E_OK);
    assert_true(str_eqz(got.name, "Two") && str_eqz(got.status, "suspended"));
    assert_int_equal(json_count(got.settings), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_is_whole, shop_begin, shop_end),
        cmocka_unit_test_setup_teardown(test_completes, shop_begin, shop_end),
        cmocka_unit_test_setup_teardown(test_refuses, shop_begin, shop_end),
        cmocka_unit_test_setup_teardown(test_bounds_settings, shop_begin, shop_end),
        cmocka_unit_test_setup_teardown(test_survives_a_bad_row, shop_begin, shop_end),
        cmocka_unit_test_setup_teardown(test_updates_what_is_given, shop_begin, shop_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
