#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "agent/registry.h"
#include "support/shop.h"

static enum err apply(struct shop *w, const char *slug)
{
    struct config_faults faults;
    struct applied done;
    struct str yaml = str_fmt(w->c->arena,
                              "name: Helper\nslug: %s\nproduct_type: chatbot\n"
                              "system_prompt: You help.\nexternal_integrations: []\ntools: []\n"
                              "escalation_rules: []\n",
                              slug);
    struct apply order = {.yaml = yaml, .author = STR("Ann"), .message = STR("")};
    return registry_apply(w->c, &order, &faults, &done);
}

/* As many as a list shows; those that are there go on getting versions. */
static void test_agents_have_an_end(void **state)
{
    struct shop *w = *state;
    assert_int_equal(apply(w, "first"), E_OK);
    assert_int_equal(store_exec(w->c, w->store, NULL,
                                "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
                                " WHERE i < ?1 - 1)"
                                " INSERT INTO agent (id, slug, name, product_type, active_version,"
                                " created_at, updated_at)"
                                " SELECT 'agent ' || i, 'a' || i, 'A', 'chatbot', 0, 0, 0 FROM n",
                                S_INT(REGISTRY_AGENTS_MAX)),
                     E_OK);
    assert_int_equal(apply(w, "more"), E_CONFLICT);
    assert_non_null(strstr(w->c->fault.text, "at most"));
    ctx_forgive(w->c);
    assert_int_equal(apply(w, "first"), E_OK);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_agents_have_an_end, shop_begin, shop_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
