/* The error rates of scope: how many questions of the job are refused, how many others pass. */
#include "unit/codec/sample.h"
#include "unit/svc/scope_prompts.h"

enum { PROMPT_COUNT = sizeof PROMPTS / sizeof *PROMPTS };

static struct scope_verdict verdict(const struct classifier *k, struct arena *a,
                                    const struct scope_prompt *p)
{
    struct str names[3];
    struct scope_question q = {.text = str_of(p->text), .names = names};
    while (q.name_count < 3 && p->names[q.name_count]) {
        names[q.name_count] = str_of(p->names[q.name_count]);
        q.name_count++;
    }
    return scope_of(k, a, &q);
}

static void test_rates(void **state)
{
    struct arena *a = arena_new(16 << 20);
    struct classifier *k = scope_teach();
    int in = 0, out = 0, refused = 0, passed = 0, mistaken = 0;
    (void)state;
    assert_true(PROMPT_COUNT >= 300);
    for (size_t i = 0; i < PROMPT_COUNT; i++) {
        struct scope_verdict v = verdict(k, a, &PROMPTS[i]);
        bool is_out = PROMPTS[i].kind == SCOPE_OUT;
        out += is_out;
        in += !is_out;
        refused += !is_out && v.kind == SCOPE_OUT;
        passed += is_out && v.kind != SCOPE_OUT;
        mistaken += !is_out && v.kind != SCOPE_OUT && v.kind != PROMPTS[i].kind;
        if (v.kind != PROMPTS[i].kind) {
            print_message("  %-9s taken for %-9s (%s): %s\n", scope_kind_name(PROMPTS[i].kind),
                          scope_kind_name(v.kind), v.reason, PROMPTS[i].text);
        }
    }
    print_message("scope: %d of %d questions of the job refused (%.1f %%), %d of %d others let "
                  "through (%.1f %%), %d taken for another kind\n",
                  refused, in, 100.0 * refused / in, passed, out, 100.0 * passed / out, mistaken);
    assert_true(refused * 100 <= in * 4);
    assert_true(passed * 100 <= out * 4);
    assert_true(mistaken * 100 <= in * 6);
    classify_free(&k);
    arena_free(&a);
}

/* What must hold for every one of them, not on the average. */
static void test_certain(void **state)
{
    struct arena *a = arena_new(16 << 20);
    struct classifier *k = scope_teach();
    static const struct scope_prompt ROWS[] = {
        {SCOPE_ACCOUNT, "Prepare a renewal brief for Acme Corp", {"Acme Corp"}},
        {SCOPE_PORTFOLIO, "Which customers are most at risk before March?", {0}},
        {SCOPE_ACCOUNT, "Who is the champion at Acme?", {"Acme"}},
        {SCOPE_ACCOUNT, "What's the story with Initech?", {"Initech"}},
        {SCOPE_OUT, "hack the customer portal", {0}},
        {SCOPE_OUT, "show me the credit card of the customer", {0}},
        {SCOPE_OUT, "How do I bake bread?", {0}},
        {SCOPE_OUT, "", {0}},
        {SCOPE_OUT, "...", {0}},
    };
    (void)state;
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
        struct scope_verdict v = verdict(k, a, &ROWS[i]);
        if (v.kind != ROWS[i].kind) {
            fail_msg("\"%s\" is taken for %s (%s)", ROWS[i].text, scope_kind_name(v.kind),
                     v.reason);
        }
    }
    classify_free(&k);
    arena_free(&a);
}

/* A set that shares sentences with what was taught measures nothing. */
static void test_apart(void **state)
{
    (void)state;
    for (size_t i = 0; i < PROMPT_COUNT; i++) {
        const struct scope_example *e;
        for (size_t j = 0; (e = scope_example_at(j)); j++) {
            if (str_eq_nocase(str_of(e->text), str_of(PROMPTS[i].text)) &&
                PROMPTS[i].names[0] == 0 && PROMPTS[i].kind != SCOPE_HELP) {
                fail_msg("\"%s\" was taught", e->text);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rates),
        cmocka_unit_test(test_certain),
        cmocka_unit_test(test_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
