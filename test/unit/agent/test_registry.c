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

static struct str learnt(struct shop *w, const struct id *agent, const char *text)
{
    const struct agent *a;
    struct classify_result found;
    assert_int_equal(registry_agent(w->c, agent, 0, &a), E_OK);
    assert_non_null(a->classifier);
    classify_text(a->classifier, str_of(text), &found);
    return str_dup(w->c->arena, found.best[0].label);
}

static struct applied apply_taught(struct shop *w, const char *prompt, const char *hello,
                                   const char *order)
{
    struct config_faults faults;
    struct applied done = {0};
    struct str yaml = str_fmt(
        w->c->arena,
        "name: Helper\nslug: taught\nproduct_type: chatbot\nsystem_prompt: %s\n"
        "external_integrations: []\ntools: []\nescalation_rules: []\nintents:\n"
        "  - {name: %s, kind: general, answer: Hi, examples: [hello there, good morning, hi you, "
        "good day to you, hello again, greetings friend]}\n"
        "  - {name: %s, kind: general, answer: Soon, examples: [where is my parcel, track the "
        "parcel, has my parcel left, parcel number, my parcel is late, parcel status]}\n",
        prompt, hello, order);
    struct apply input = {.yaml = yaml, .author = STR("Ann"), .message = STR("")};
    assert_int_equal(registry_apply(w->c, &input, &faults, &done), E_OK);
    return done;
}

/* A version with other words and the same examples knows what the one before has learnt; one with
 * other examples learns anew. */
static void test_what_is_learnt(void **state)
{
    struct shop *w = *state;
    struct applied first = apply_taught(w, "You help.", "greeting", "parcel");
    assert_true(str_eqz(learnt(w, &first.agent, "has the parcel left"), "parcel"));
    struct applied second = apply_taught(w, "You help a lot.", "greeting", "parcel");
    assert_int_equal(second.version, first.version + 1);
    assert_true(str_eqz(learnt(w, &first.agent, "has the parcel left"), "parcel"));
    assert_true(str_eqz(learnt(w, &first.agent, "hello friend"), "greeting"));
    struct applied third = apply_taught(w, "You help a lot.", "parcel", "greeting");
    assert_int_equal(third.version, first.version + 2);
    assert_true(str_eqz(learnt(w, &first.agent, "has the parcel left"), "greeting"));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_agents_have_an_end, shop_begin, shop_end),
        cmocka_unit_test_setup_teardown(test_what_is_learnt, shop_begin, shop_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
